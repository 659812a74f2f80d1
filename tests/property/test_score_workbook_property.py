"""The arithmetic behind the formulas: doubles are exact below the bound, and remainders are told apart."""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from fazhi.score.workbook.exactness import SAFE, is_safe, scale_of
from fazhi.score.workbook.weights import blocks_for

WHOLE = st.integers(1, SAFE - 1)


def fifteen_digits(number: float) -> float:
    """What a spreadsheet takes a double for when it compares, floors or rounds."""
    return float(f"{number:.15g}")


@given(WHOLE, WHOLE)
def test_a_floored_quotient_is_exact_even_after_rounding_to_fifteen_digits(top, bottom):
    assert floor(top / bottom) == floor(fifteen_digits(top / bottom)) == top // bottom


@given(st.integers(0, (SAFE - 1) // 2), st.integers(1, (SAFE - 1) // 2))
def test_a_rounded_quotient_is_exact_even_after_rounding_to_fifteen_digits(top, bottom):
    exact = (2 * top + bottom) // (2 * bottom)
    assert floor(top / bottom + 0.5) == floor(fifteen_digits(fifteen_digits(top / bottom) + 0.5)) == exact


@given(st.integers(0, 10_000), st.integers(1, SAFE // 20_001), st.data())
def test_points_are_exact_where_the_formula_is_used(weight, bottom, data):
    top = data.draw(st.integers(0, bottom))
    assert is_safe(2 * 10_000 * bottom)
    assert floor(weight * top / bottom + 0.5) == (2 * weight * top + bottom) // (2 * bottom)


@given(st.decimals(min_value=0, max_value=10**6, places=6, allow_nan=False))
def test_a_typed_decimal_times_its_power_of_ten_is_found_again(number):
    exact = Fraction(number)
    scale = scale_of([exact])
    assert round(float(str(number)) * scale) == exact * scale
    assert (exact * scale).denominator == 1


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.data())
def test_blocks_of_digits_tell_different_remainders_apart(one, other, data):
    a, b = data.draw(st.integers(0, one - 1)), data.draw(st.integers(0, other - 1))
    blocks = blocks_for([one, other])
    assert max(one, other) * 10**blocks.digits <= SAFE
    digits = []
    for rest, bottom in ((a, one), (b, other)):
        written = []
        for _ in range(blocks.count):
            block, rest = divmod(rest * 10**blocks.digits, bottom)
            written.append(block)
        digits.append(tuple(written))
    exact = (Fraction(a, one), Fraction(b, other))
    assert (digits[0] < digits[1]) == (exact[0] < exact[1])
    assert (digits[0] == digits[1]) == (exact[0] == exact[1])
