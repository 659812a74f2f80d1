"""Exact numbers. In: decimal text, fractions. Out: plain decimal text, scaled integers, rounded values.

Scores never touch a float or a ``Decimal`` quotient (scoring.md). Values are kept as written in plain decimal text
and, for SQL, as integers in units of 10⁻⁶ whose bound leaves room for sums inside 64 bits.
"""

from decimal import Decimal
from fractions import Fraction

SCALE = 10**6
MAX_ABSOLUTE = 10**11


def plain(number: Decimal | Fraction | int) -> str:
    """Decimal text without an exponent and without trailing zeros; ``number`` must have a finite expansion.

    Raises:
        ValueError: The fraction has no finite decimal expansion.
    """
    if isinstance(number, Fraction):
        number = _finite_decimal(number)
    text = format(Decimal(number), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _finite_decimal(number: Fraction) -> Decimal:
    denominator = number.denominator
    places = 0
    while denominator % 10 == 0:
        denominator //= 10
        places += 1
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
            places += 1
    if denominator != 1:
        raise ValueError(f"{number} has no finite decimal expansion")
    return _decimal((number * 10**places).numerator, places)


def _decimal(units: int, places: int) -> Decimal:
    """``units`` of 10⁻ᵖˡᵃᶜᵉˢ, whatever the number of digits: ``Decimal.scaleb`` would round to the context's 28."""
    return Decimal((int(units < 0), tuple(int(digit) for digit in str(abs(units))), -places))


def scaled(text: str) -> int:
    """The number in units of 10⁻⁶.

    Raises:
        ValueError: More than six decimal places, or beyond ±10¹¹.
    """
    exact = Fraction(text)
    units = exact * SCALE
    if units.denominator != 1:
        raise ValueError(f"{text} has more than six decimal places")
    if abs(exact) > MAX_ABSOLUTE:
        raise ValueError(f"{text} is beyond the largest number accepted")
    return units.numerator


def round_half_up(number: Fraction, places: int = 2) -> Decimal:
    """Round half away from zero (四舍五入) to ``places`` decimals, exactly."""
    sign = -1 if number < 0 else 1
    shifted = abs(number) * 10**places
    whole = (2 * shifted.numerator + shifted.denominator) // (2 * shifted.denominator)
    return _decimal(sign * whole, places)


def two_places(hundredths: int) -> str:
    """Hundredths of a point as the text the platform and people see: ``-5`` → ``"-0.05"``."""
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"
