"""The whole-number comparisons of the rules against exact fractions, up to the largest quantities."""

import sqlite3
from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from fazhi.model.exact import MAX_ABSOLUTE, SCALE
from fazhi.validate.rules import _more_than_percent

LARGEST = MAX_ABSOLUTE * SCALE
QUANTITY = st.integers(-LARGEST, LARGEST)
PERCENT = st.integers(0, 100_000).map(lambda hundredths: Fraction(hundredths, 100))
CONNECTION = sqlite3.connect(":memory:")


def in_sql(one: int, other: int, percent: Fraction) -> bool:
    sql = f"SELECT {_more_than_percent('t.a', 't.b', 't.p')}, TYPEOF(ABS(t.a - t.b)) FROM (SELECT ? AS a, ? AS b, ? AS p) t"
    found, kind = CONNECTION.execute(sql, (one, other, (percent * SCALE).numerator)).fetchone()
    assert kind == "integer"
    return bool(found)


@given(QUANTITY, QUANTITY, PERCENT)
@example(LARGEST, -LARGEST, Fraction(1000))
@example(150 * SCALE, 100 * SCALE, Fraction(50))
@example(150 * SCALE + 1, 100 * SCALE, Fraction(50))
@example(0, 0, Fraction(0))
def test_more_than_a_percentage_apart_is_exact(one: int, other: int, percent: Fraction):
    assert in_sql(one, other, percent) == (abs(one - other) * 100 > percent * abs(other))


@given(QUANTITY, PERCENT, st.integers(-2, 2))
def test_the_boundary_itself_is_exact(other: int, percent: Fraction, nudge: int):
    one = other + int(abs(other) * percent / 100) + nudge
    if abs(one) <= LARGEST:
        assert in_sql(one, other, percent) == (abs(one - other) * 100 > percent * abs(other))


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 100))
def test_a_share_of_equal_numbers_is_compared_without_division(numbers: int, same: int, share: int):
    same = min(same, numbers)
    assert (same * 100_000_000 >= share * SCALE * numbers) == (
        Fraction(same, numbers) >= Fraction(share, 100)
    )
    assert max(same * 100_000_000, share * SCALE * numbers) < 2**63
