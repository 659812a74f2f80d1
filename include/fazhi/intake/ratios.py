"""The typed ratio beside its parts. In: what the cell states, the exact parts. Out: how they agree.

The typed ratio is only checked: scores come from the parts (scoring.md section 3). Gap and tolerance are
integers in units of 10⁻¹² so that SQL compares them exactly.
"""

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from fazhi.model.quantity import Quantity
from fazhi.model.terms import RatioKind

UNITS = 10**12
PLACES = 10
"""Decimal places of a stated share that are kept."""

_HALF_A_PERCENT = Fraction(1, 200)
_MAX_GAP = 9 * 10**18


@dataclass(frozen=True)
class StatedRatio:
    """The ratio as a share (``0.9949``), how it was written, and how far it is from the parts.

    ``form`` is ``percent`` (with a sign), ``bare`` (a number as the column's unit says) or ``fraction`` (a
    number up to 1 in a % column: 0.98 may mean 98 % or 0.98 %). ``gap`` is ⌈|stated − computed|⌉ and
    ``tolerance`` half a unit of the last digit written; both ``None`` when the parts give no ratio.
    """

    share: Fraction
    form: str
    gap: int | None
    tolerance: int | None


def places_kept(unit: str) -> int:
    """The decimal places to keep of the number as written, so that ``PLACES`` remain of the share."""
    return PLACES - 2 if unit == "%" else PLACES


def read_ratio(
    quantity: Quantity, kind: RatioKind, unit: str, numerator: int | None, denominator: int | None
) -> StatedRatio:
    """Judge an exact typed ratio against its parts.

    Args:
        quantity: What the cell states; ``exact`` is set.
        kind: What the parts mean.
        unit: The unit of the indicator; without ``%`` a bare number is the ratio itself.
        numerator: The exact part, ``None`` if it could not be read; any unit, the same as the denominator's.
        denominator: Likewise.
    """
    parts = _ratio_of(kind, numerator, denominator)
    if quantity.percent:
        return _compared(quantity, 100, "percent", parts)
    if unit != "%":
        return _compared(quantity, 1, "bare", parts)
    number = quantity.exact or Fraction(0)
    if number == 0 or (abs(number) > 1 and kind is not RatioKind.GROWTH):
        return _compared(quantity, 100, "bare", parts)
    as_percent = _compared(quantity, 100, "bare", parts)
    as_fraction = _compared(quantity, 1, "fraction", parts)
    only_percent = _agrees(as_percent) and not _agrees(as_fraction)
    if abs(number) > 1:
        return as_fraction if _agrees(as_fraction) and not only_percent else as_percent
    return replace(as_percent, form="fraction") if only_percent else as_fraction


def _ratio_of(kind: RatioKind, numerator: int | None, denominator: int | None) -> tuple[int, int] | None:
    """The ratio of the parts as two integers, ``None`` when they give none."""
    if numerator is None or denominator is None or denominator <= 0:
        return None
    return (numerator - denominator if kind is RatioKind.GROWTH else numerator), denominator


def _compared(quantity: Quantity, divisor: int, form: str, parts: tuple[int, int] | None) -> StatedRatio:
    share, tolerance = _share(quantity.exact or Fraction(0), quantity.half_unit, divisor, form)
    if parts is None:
        return StatedRatio(share, form, None, None)
    above, below = parts
    difference = abs(share.numerator * below - above * share.denominator) * UNITS
    gap = -(-difference // (share.denominator * below))
    return StatedRatio(share, form, min(gap, _MAX_GAP), min(tolerance, _MAX_GAP))


@lru_cache(maxsize=65_536)
def _share(number: Fraction, half_unit: Fraction, divisor: int, form: str) -> tuple[Fraction, int]:
    """A typed number as a share, and half a unit of its last digit in units of 10⁻¹²."""
    tolerance = half_unit / divisor
    if form == "fraction" and number.denominator == 1:
        tolerance = min(
            tolerance, _HALF_A_PERCENT
        )  # "1" for 100 % is not written to whole multiples of 100 %
    return number / divisor, int(tolerance * UNITS)


def _agrees(stated: StatedRatio) -> bool:
    return stated.gap is not None and stated.tolerance is not None and stated.gap <= stated.tolerance
