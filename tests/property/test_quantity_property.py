"""Quantities: what is written exactly is read exactly, whatever the writing; nothing else is."""

from decimal import Decimal
from fractions import Fraction

import cn2an
from hypothesis import given
from hypothesis import strategies as st

from fazhi.model.exact import plain
from fazhi.model.quantity import read_quantity

NUMBERS = st.decimals(min_value=Decimal("-1e9"), max_value=Decimal("1e9"), places=4, allow_nan=False)
COUNTS = st.integers(min_value=0, max_value=10**10).filter(lambda n: n not in (12345, 12315))
FULLWIDTH = str.maketrans("0123456789.-,%", "０１２３４５６７８９．－，％")


@given(NUMBERS)
def test_plain_text_reads_as_itself(number):
    text = plain(number)
    if text not in ("12345", "12315"):
        assert read_quantity(text, "万元").exact == Fraction(number)


@given(COUNTS)
def test_separators_and_full_width_change_nothing(count):
    assert read_quantity(f"{count:,}", "件").exact == count
    assert read_quantity(f"{count:,}".translate(FULLWIDTH), "件").exact == count
    assert read_quantity(f" {count:,} 件 ", "件").exact == count


@given(st.integers(min_value=0, max_value=10**8 - 1))
def test_chinese_numerals_read_back(count):
    assert read_quantity(cn2an.an2cn(count), "件").exact == count


@given(st.decimals(min_value=0, max_value=99999, places=2, allow_nan=False))
def test_scales_multiply_exactly(number):
    text = plain(number)
    assert read_quantity(f"{text}万元", "元").exact == Fraction(number) * 10**4
    assert read_quantity(f"{text}万元", "万元").exact == Fraction(number)
    assert read_quantity(f"{text}亿元", "万元").exact == Fraction(number) * 10**4


@given(st.integers(min_value=1, max_value=10**6), st.sampled_from(["余", "多"]), st.sampled_from(["", "万"]))
def test_an_interval_holds_what_the_words_say(count, mark, scale):
    quantity = read_quantity(f"{count}{mark}{scale}件", "件")
    factor = 10**4 if scale else 1
    assert quantity.exact is None
    assert quantity.low == count * factor
    assert quantity.high is not None
    assert quantity.low < quantity.high <= quantity.low * 2


@given(st.text(max_size=80))
def test_any_text_gives_either_a_number_or_a_reason(text):
    quantity = read_quantity(text, "件")
    assert (quantity.exact is None) == bool(quantity.problems)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e11, max_value=1e11))
def test_a_double_is_read_within_half_a_millionth(number):
    text = plain(Decimal(repr(number)))
    quantity = read_quantity(text, "万元", typed_number=True)
    if len(text) <= 64:
        assert quantity.exact is not None
        assert abs(quantity.exact - Fraction(text)) <= Fraction(1, 2 * 10**6)
