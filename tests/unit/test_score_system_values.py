"""What this system computes itself: on time, returned, evidence complete."""

from datetime import date

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.model.period import Period
from fazhi.model.terms import Frequency
from fazhi.score.system_values import UnitFacts, submission_deadline, system_value
from fazhi.store.accepted import SubmissionFacts
from fazhi.systems.edition import DatedValue, Deadline
from support.scoring import YEAR, code, edition, indicator, reported

ME = code(1)
ASKED = [indicator("A1.1", evidence_zh="台账"), indicator("A1.2", frequency=Frequency.YEARLY)]


def deadline(name, value, unit="day", year_offset=0):
    return {
        name: Deadline(name, "合成", (DatedValue(None, None, value, unit, year_offset, "unverified", ""),))
    }


SYSTEM = edition(deadlines=deadline("submission_after_period", "10"))


def submitted(period, day="2024-04-10", received=1, returned=0):
    return SubmissionFacts(ME, Period.parse(period), received, returned, f"{day}T23:30:00+08:00")


def computed(indicator_code, *submissions, system=SYSTEM, today=date(2024, 7, 11), rows=(), since=date.min):
    facts = UnitFacts(ME, ASKED, submissions, rows, lambda day: day >= since)
    found = system_value(system, indicator(indicator_code, sources=("SYS",)), facts, YEAR, today)
    assert (found.kind, found.submission_id, found.file_sha256, str(found.period)) == (
        "system",
        "",
        "",
        "2024",
    )
    return found.numerator, found.denominator


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2024, 4, 10), ("0", "0")),
        (date(2024, 4, 11), ("1", "1")),
        (date(2024, 7, 10), ("1", "1")),
        (date(2024, 7, 11), ("1", "2")),
        (date(2025, 2, 1), ("1", "5")),
    ],
)
def test_on_time_looks_at_deadlines_that_have_passed(today, expected):
    assert computed("I4.1", submitted("2024-Q1"), today=today) == expected


@pytest.mark.parametrize(
    ("day", "numerator"), [("2024-04-09", "1"), ("2024-04-10", "1"), ("2024-04-11", "0")]
)
def test_on_time_is_a_matter_of_days(day, numerator):
    assert computed("I4.1", submitted("2024-Q1", day), today=date(2024, 5, 1)) == (numerator, "1")


def test_on_time_counts_days_in_shanghai():
    late = SubmissionFacts(ME, Period.parse("2024-Q1"), 1, 0, "2024-04-10T16:30:00+00:00")
    assert computed("I4.1", late, today=date(2024, 5, 1)) == ("0", "1")


def test_nothing_is_due_of_a_unit_that_did_not_exist():
    assert computed("I4.1", today=date(2024, 8, 1), since=date(2024, 5, 1)) == ("0", "1")


def test_without_a_deadline_nothing_can_be_late():
    assert computed("I4.1", submitted("2024-Q1"), system=edition()) == ("0", "0")


def test_yearly_submissions_may_have_a_deadline_of_their_own():
    names = deadline("submission_after_period", "10") | deadline(
        "submission_after_year", "03-01", "month_day", 1
    )
    system = edition(deadlines=names)
    assert submission_deadline(system, Period.parse("2024")) == date(2025, 3, 1)
    assert submission_deadline(system, Period.parse("2024-Q4")) == date(2025, 1, 10)
    assert submission_deadline(SYSTEM, Period.parse("2024")) == date(2025, 1, 10)


def test_a_deadline_in_working_days_is_refused():
    system = edition(deadlines=deadline("submission_after_period", "10", "working_day"))
    with pytest.raises(ConfigurationError, match="不能是 working_day"):
        submission_deadline(system, Period.parse("2024-Q1"))


def test_returned_counts_revisions():
    submissions = [submitted("2024-Q1", received=3, returned=2), submitted("2024-Q2")]
    assert computed("I4.2", *submissions) == ("2", "4")
    assert computed("I4.2") == ("0", "0")


def test_evidence_is_complete_when_every_row_of_an_indicator_has_it():
    rows = [
        reported("2024-Q1", 1, 1, evidence_complete=True),
        reported("2024-Q2", 1, 1, evidence_complete=False),
        reported("2024", 1, 1, indicator_code="A1.2"),
        reported("2024-Q3", indicator_code="A1.1"),
    ]
    assert computed("I4.3", rows=rows) == ("0", "1")
    assert computed("I4.3", rows=rows[:1]) == ("1", "1")
    assert computed("I4.3") == ("0", "0")


def test_an_undefined_indicator_is_refused():
    with pytest.raises(ConfigurationError, match=r"指标 I4\.9 .*可计算的是 I4\.1、I4\.2、I4\.3"):
        computed("I4.9")
