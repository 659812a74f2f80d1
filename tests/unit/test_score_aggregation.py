"""From periods to one value: replacement, aggregation, predecessors, zero denominators."""

from datetime import date
from fractions import Fraction

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import Aggregation, RatioKind, Reporting, ValueType
from fazhi.score.aggregation import Outcome, aggregate, has_value, ratio, remaining
from support.scoring import code, indicator, reported

SUM = indicator("A1.1")
LAST = indicator("A1.1", aggregation=Aggregation.LAST)
COUNT = indicator("A1.1", value_type=ValueType.COUNT)


def by_kind(value):
    return 0 if value.kind == "office" else 1


def kept(*values):
    return [(str(v.period), v.kind) for v in remaining(values, by_kind)]


def test_a_coarser_period_replaces_the_finer_ones_it_contains():
    values = [reported(p, 1, 1) for p in ("2024-01", "2024-02", "2024-Q1", "2024-04", "2024-H2", "2024-12")]
    assert kept(*values) == [
        ("2024-Q1", "submission"),
        ("2024-04", "submission"),
        ("2024-H2", "submission"),
    ]
    assert kept(*values, reported("2024", 1, 1)) == [("2024", "submission")]


def test_an_office_counts_where_its_figures_cover_the_stretch():
    office = [reported(f"2024-Q{n}", 1, 2, kind="office") for n in (1, 2)]
    assert kept(reported("2024-Q1", 2, 2), office[0]) == [("2024-Q1", "office")]
    assert kept(reported("2024-H1", 2, 2), *office) == [("2024-Q1", "office"), ("2024-Q2", "office")]
    assert kept(reported("2024-01", 2, 2), *office) == [("2024-Q1", "office"), ("2024-Q2", "office")]
    assert kept(reported("2024", 2, 2), *office) == [("2024", "submission")]


def test_sums_stay_fractions():
    made = aggregate(SUM, [reported("2024-Q1", 1, 3), reported("2024-Q2", "0.5", "0.5")], [])
    assert made.value == Fraction("1.5") / Fraction("3.5")
    assert len(made.used) == 2


def test_last_is_the_latest_last_day_with_cases():
    values = [reported("2024-Q1", 1, 4), reported("2024-Q2", 2, 4), reported("2024-Q3", 0, 0)]
    made = aggregate(LAST, values, [])
    assert (made.value, [str(v.period) for v in made.used]) == (Fraction(1, 2), ["2024-Q2"])


def test_cumulative_takes_the_last_whatever_the_aggregation():
    cumulative = indicator("A1.1", reporting=Reporting.CUMULATIVE)
    made = aggregate(cumulative, [reported("2024-Q1", 1, 4), reported("2024-Q2", 6, 8)], [])
    assert (made.value, len(made.used)) == (Fraction(3, 4), 1)


def test_a_longer_period_is_later_on_a_tie_of_last_days():
    count = indicator("A1.1", value_type=ValueType.COUNT, aggregation=Aggregation.LAST)
    values = [reported("2024-12", amount="1"), reported("2024-Q4", amount="2")]
    assert aggregate(count, values, []).value == 2


def test_predecessors_join_in_sums_and_last_takes_the_successors_own():
    own, theirs = [reported("2024-Q1", 1, 2)], [reported("2024-Q2", 2, 2, unit_code=code(2))]
    assert aggregate(SUM, own, theirs).value == Fraction(3, 4)
    assert aggregate(LAST, own, theirs).value == Fraction(1, 2)
    assert aggregate(LAST, [], theirs).value == Fraction(1)


def test_last_among_predecessors_of_one_period_is_the_lowest_codes():
    theirs = [reported("2024-Q2", n, 10, unit_code=code(n)) for n in (3, 2)]
    assert aggregate(LAST, [], theirs).value == Fraction(2, 10)


@pytest.mark.parametrize("item", [SUM, LAST])
def test_zero_over_zero_is_nothing_and_something_over_zero_a_fault(item):
    assert aggregate(item, [reported("2024-Q1", 0, 0)], []).outcome is Outcome.NOTHING_HAPPENED
    assert aggregate(item, [reported("2024-Q1", 1, 0)], []).outcome is Outcome.FAULT


def test_growth_compares_with_last_year_and_may_be_negative():
    assert ratio(RatioKind.GROWTH, 80, 100) == Fraction(-1, 5)
    assert ratio(RatioKind.GROWTH, 336, 100) == Fraction(236, 100)
    assert ratio(RatioKind.MULTIPLE, 7, 2) == Fraction(7, 2)
    assert ratio(RatioKind.SHARE, 6669, 6861) == Fraction(6669, 6861)


def test_all_and_max():
    every = indicator("A1.1", value_type=ValueType.BOOLEAN, aggregation=Aggregation.ALL)
    latest = indicator("A1.1", value_type=ValueType.DATE, aggregation=Aggregation.MAX)
    yes, no = reported("2024-Q1", boolean=True), reported("2024-Q2", boolean=False)
    assert aggregate(every, [yes], []).value is True
    assert aggregate(every, [yes, no], []).value is False
    days = [reported("2024-Q1", day="2024-03-09"), reported("2024-Q2", day="2024-02-01")]
    assert aggregate(latest, days, []).value == date(2024, 3, 9)
    most = indicator("A1.1", value_type=ValueType.COUNT, aggregation=Aggregation.MAX)
    assert aggregate(most, [reported("2024-Q1", amount="3"), reported("2024-Q2", amount="2")], []).value == 3
    assert aggregate(COUNT, [reported("2024-Q1", amount="3"), reported("2024-Q2", amount="2")], []).value == 5


@pytest.mark.parametrize(
    ("value_type", "how"),
    [
        (ValueType.BOOLEAN, Aggregation.SUM),
        (ValueType.DATE, Aggregation.SUM),
        (ValueType.RATIO, Aggregation.MAX),
    ],
)
def test_a_meaningless_combination_is_refused(value_type, how):
    item = indicator("A1.1", value_type=value_type, aggregation=how)
    with pytest.raises(ConfigurationError, match=r"指标 A1\.1 .*不能用汇总方式"):
        aggregate(item, [reported("2024-Q1", 1, 1, boolean=True, day="2024-01-01")], [])


def test_a_value_needs_all_its_parts():
    assert not has_value(reported("2024", 1, None), ValueType.RATIO)
    assert not has_value(reported("2024", None, 1), ValueType.RATIO)
    assert has_value(reported("2024", 0, 0), ValueType.RATIO)
    assert has_value(reported("2024", boolean=False), ValueType.BOOLEAN)
    assert not has_value(reported("2024", 1, 1), ValueType.COUNT)
