from fractions import Fraction

import pytest

from fazhi.intake.ratios import read_ratio
from fazhi.model.quantity import read_quantity
from fazhi.model.terms import RatioKind


def stated(text, numerator, denominator, kind=RatioKind.SHARE, unit="%"):
    return read_ratio(read_quantity(text, unit), kind, unit, numerator, denominator)


@pytest.mark.parametrize(
    ("text", "numerator", "denominator", "share", "form", "agrees"),
    [
        ("97.20%", 6669, 6861, "0.972", "percent", True),
        ("99.49%", 6669, 6861, "0.9949", "percent", False),
        ("97%", 22814, 23520, "0.97", "percent", True),
        ("73%", 75, 103, "0.73", "percent", True),
        ("97.2", 6669, 6861, "0.972", "bare", True),
        ("97", 97, 100, "0.97", "bare", True),
        ("0.972", 6669, 6861, "0.972", "fraction", True),
        ("0.5", 1, 200, "0.005", "fraction", True),
        ("1", 1, 1, "1", "fraction", True),
        ("1", 1, 100, "0.01", "fraction", True),
        ("1", 3, 4, "1", "fraction", False),
        ("0", 0, 5, "0", "bare", True),
    ],
)
def test_shares(text, numerator, denominator, share, form, agrees):
    ratio = stated(text, numerator, denominator)
    assert (ratio.share, ratio.form) == (Fraction(share), form)
    assert (ratio.gap <= ratio.tolerance) is agrees


@pytest.mark.parametrize(
    ("text", "numerator", "denominator", "share", "form"),
    [
        ("236%", 336, 100, "2.36", "percent"),
        ("-5%", 95, 100, "-0.05", "percent"),
        ("236", 336, 100, "2.36", "bare"),
        ("2.36", 336, 100, "2.36", "fraction"),
        ("0.42", 142, 100, "0.42", "fraction"),
        ("-20", 80, 100, "-0.2", "bare"),
    ],
)
def test_growth_may_be_negative_and_beyond_one(text, numerator, denominator, share, form):
    ratio = stated(text, numerator, denominator, RatioKind.GROWTH)
    assert (ratio.share, ratio.form, ratio.gap) == (Fraction(share), form, 0)


def test_a_multiple_is_the_bare_number():
    ratio = stated("4.99", 4100, 822, RatioKind.MULTIPLE, "名")
    assert (ratio.share, ratio.form) == (Fraction("4.99"), "bare")
    assert ratio.gap <= ratio.tolerance == 5 * 10**9


@pytest.mark.parametrize(("numerator", "denominator"), [(None, 5), (5, None), (5, 0), (0, 0), (1, -1)])
def test_parts_that_give_no_ratio_leave_gap_and_tolerance_open(numerator, denominator):
    ratio = stated("100%", numerator, denominator)
    assert (ratio.share, ratio.gap, ratio.tolerance) == (1, None, None)


def test_a_gap_beyond_the_column_is_capped():
    assert stated("100%", 10**17, 1).gap == 9 * 10**18
