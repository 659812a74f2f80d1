"""Periods: reading, order, containment, what is due and what covers it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazhi.model.period import Period, covers, due_periods, without_finer
from fazhi.model.terms import Frequency

ALL_OF_2024 = [
    period
    for frequency in (Frequency.MONTHLY, Frequency.QUARTERLY, Frequency.HALF_YEARLY, Frequency.YEARLY)
    for period in due_periods(frequency, 2024)
]
periods = st.sampled_from(ALL_OF_2024)


@pytest.mark.parametrize(
    ("written", "first", "last", "name"),
    [
        ("2024", date(2024, 1, 1), date(2024, 12, 31), "2024年"),
        ("2024-H1", date(2024, 1, 1), date(2024, 6, 30), "2024年上半年"),
        ("2024-H2", date(2024, 7, 1), date(2024, 12, 31), "2024年下半年"),
        ("2024-Q3", date(2024, 7, 1), date(2024, 9, 30), "2024年第三季度"),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29), "2024年2月"),
        ("2023-02", date(2023, 2, 1), date(2023, 2, 28), "2023年2月"),
    ],
)
def test_each_form_has_its_days_and_its_name(written, first, last, name):
    period = Period.parse(written)
    assert (period.first_day, period.last_day, period.name_zh, str(period)) == (first, last, name, written)


@pytest.mark.parametrize(
    "written", ["", "2024-13", "2024-00", "2024-Q5", "2024-H3", "24", "2024-7", "1999", "2024年"]
)
def test_other_texts_are_refused(written):
    with pytest.raises(ValueError, match="not a reporting period"):
        Period.parse(written)


def test_order_is_by_last_day_then_length():
    order = [Period.parse(text) for text in ("2024-11", "2024-12", "2024-Q4", "2024-H2", "2024", "2025-01")]
    assert sorted(set(order)) == order


@given(periods)
def test_written_and_read_back_is_the_same(period):
    assert Period.parse(str(period)) == period


@given(periods, periods)
def test_containment_is_containment_of_days(outer, inner):
    by_days = outer.first_day <= inner.first_day and inner.last_day <= outer.last_day
    assert outer.contains(inner) == by_days


@given(st.lists(periods))
def test_what_remains_never_overlaps_and_loses_no_month(reported):
    remaining = without_finer(reported)
    months = [month for period in remaining for month in range(period.first_month, period.last_month + 1)]
    assert len(months) == len(set(months))
    assert set(months) == {m for p in reported for m in range(p.first_month, p.last_month + 1)}


@pytest.mark.parametrize(
    ("frequency", "number"),
    [("daily", 12), ("monthly", 12), ("quarterly", 4), ("half-yearly", 2), ("yearly", 1), ("event", 1)],
)
def test_how_many_periods_are_due(frequency, number):
    assert len(due_periods(Frequency(frequency), 2024)) == number


def test_a_quarter_is_covered_by_its_months_only_together():
    quarter = Period.parse("2024-Q1")
    months = [Period.parse(f"2024-0{month}") for month in (1, 2, 3)]
    assert covers(quarter, months)
    assert not covers(quarter, months[:2])
    assert covers(quarter, [Period.parse("2024")])
    assert not covers(quarter, [])
