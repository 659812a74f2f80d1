"""Rates: every rule type at and around its boundaries."""

from datetime import date
from fractions import Fraction

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import RuleType, ValueType
from fazhi.score.rates import rate
from support.scoring import YEAR, indicator

LATE = {"due": "03-31", "late_per_day": "0.1", "zero_after_days": "5", "year_offset": "1"}


def rated(rule_type, params, value, value_type=ValueType.COUNT, **changes):
    item = indicator("A1.1", params, rule_type=rule_type, value_type=value_type, **changes)
    return rate(item, value, YEAR)


@pytest.mark.parametrize(
    ("x", "expected"),
    [("0.79", "0"), ("0.8", "0"), ("0.9", "1/2"), ("1", "1"), ("1.2", "1"), ("-3", "0"), ("29/30", "5/6")],
)
def test_linear(x, expected):
    assert rated(RuleType.LINEAR, {"floor": "0.8", "target": "1"}, Fraction(x)) == Fraction(expected)


@pytest.mark.parametrize(
    ("x", "expected"), [("0", "1"), ("0.05", "3/4"), ("0.2", "0"), ("0.3", "0"), ("-1", "1")]
)
def test_linear_inverse(x, expected):
    assert rated(RuleType.LINEAR_INVERSE, {"best": "0", "worst": "0.2"}, Fraction(x)) == Fraction(expected)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ("-2", "0.1"),
        ("0", "0.1"),
        ("0.8999", "0.1"),
        ("0.9", "0.6"),
        ("0.95", "0.85"),
        ("0.9999", "0.85"),
        ("1", "1"),
        ("9", "1"),
    ],
)
def test_bands(x, expected):
    bands = [["0", "0.9", "0.1"], ["0.9", "0.95", "0.6"], ["0.95", "1", "0.85"], ["1", None, "1"]]
    assert rated(RuleType.BANDS, {"bands": bands}, Fraction(x)) == Fraction(expected)


def test_bands_open_below():
    bands = [[None, "-0.1", "0"], ["-0.1", "0", "0.6"], ["0", None, "1"]]
    found = [rated(RuleType.BANDS, {"bands": bands}, Fraction(x)) for x in ("-7", "-0.1", "0")]
    assert found == [0, Fraction("0.6"), 1]


def test_pass_fail():
    assert rated(RuleType.PASS_FAIL, {}, True, ValueType.BOOLEAN) == 1
    assert rated(RuleType.PASS_FAIL, {}, False, ValueType.BOOLEAN) == 0


@pytest.mark.parametrize(("n", "expected"), [(0, "1"), (1, "5/7"), (2, "3/7"), (3, "2/7"), (40, "2/7")])
def test_per_occurrence_works_on_the_full_mark_as_written(n, expected):
    found = rated(RuleType.PER_OCCURRENCE, {"k": "0.2", "floor": "0.2"}, n, full_mark=70)
    assert found == Fraction(expected)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 12, 31), "1"),
        (date(2025, 3, 31), "1"),
        (date(2025, 4, 1), "0.9"),
        (date(2025, 4, 4), "0.6"),
        (date(2025, 4, 5), "0"),
        (date(2026, 4, 5), "0"),
    ],
)
def test_date_late_counts_calendar_days_from_the_due_day_of_the_offset_year(day, expected):
    assert rated(RuleType.DATE_LATE, LATE, day, ValueType.DATE) == Fraction(expected)


def test_date_late_never_goes_below_zero():
    params = LATE | {"zero_after_days": "30"}
    assert rated(RuleType.DATE_LATE, params, date(2025, 4, 11), ValueType.DATE) == 0


@pytest.mark.parametrize(
    ("rule_type", "value"),
    [
        (RuleType.LINEAR, True),
        (RuleType.LINEAR, date(2024, 1, 1)),
        (RuleType.PASS_FAIL, 1),
        (RuleType.DATE_LATE, 1),
        (RuleType.REPORT_ONLY, 1),
        (RuleType.VETO, True),
    ],
)
def test_a_value_of_another_type_is_refused(rule_type, value):
    with pytest.raises(ConfigurationError, match=r"指标 A1\.1 的计分规则"):
        rated(rule_type, {"floor": "0", "target": "1"}, value)
