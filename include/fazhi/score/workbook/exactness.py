"""Where a spreadsheet's doubles are exact. In: numbers of a result. Out: scales, and whether formulas hold.

A spreadsheet computes in doubles, shows 15 digits and compares with a tolerance of about 1 in 10¹⁵. Integers
up to ``SAFE`` keep clear of all of that: sums, differences and products of integers below it are exact;
``INT(a/b)`` and ``ROUND(a/b,0)`` of such integers equal their exact values, because a quotient that is not
itself whole (or a half) keeps a distance of at least 1/(2b) from it, more than 10⁻¹³ of its size, where
doubles err by 2·10⁻¹⁶ and spreadsheets round off at 10⁻¹⁵. A decimal typed with at most 15 digits times its
power of ten is less than 0.01 away from a whole number below ``SAFE``, and ``ROUND(…,0)`` finds it.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import lcm

SAFE = 10**13
"""Every integer in a formula, products included, stays below this."""


def scale_of(numbers: Iterable[Fraction]) -> int:
    """The least power of ten that makes decimals whole."""
    common = lcm(1, *(number.denominator for number in numbers))
    scale = 1
    while scale % common:
        scale *= 10
    return scale


def is_safe(*numbers: int) -> bool:
    """Whether all of some whole numbers are safe inside formulas."""
    return all(abs(number) < SAFE for number in numbers)
