"""The status of an indicator: provisional and final, missing, rejected, not applicable."""

import pytest

from fazhi.model.period import Period
from fazhi.model.terms import Aggregation, Frequency, LineStatus, Reporting, Stage, ValueType
from fazhi.score.status import Evidence, state_of
from support.scoring import YEAR, code, indicator, reported

ME, OTHER = code(1), code(2)
QUARTERLY = indicator("A1.1")
MONTHLY = indicator("A1.1", frequency=Frequency.MONTHLY)
QUARTERS = [f"2024-Q{n}" for n in range(1, 5)]


def status(item, *values, na=(), unreadable=(), stage=Stage.FINAL, inherited=(), inherited_na=()):
    evidence = Evidence(
        unit_code=ME,
        reported={ME: list(values), **({OTHER: list(inherited)} if inherited else {})},
        not_applicable={
            **({ME: [Period.parse(p) for p in na]} if na else {}),
            **({OTHER: [Period.parse(p) for p in inherited_na]} if inherited_na else {}),
        },
        unreadable={ME: [Period.parse(p) for p in unreadable]} if unreadable else {},
    )
    return state_of(item, evidence, lambda _: 0, YEAR, stage).status


def full(*periods, **more):
    return [reported(period, 9, 10, **more) for period in periods]


def test_provisional_is_scored_if_any_value_remains():
    assert status(QUARTERLY, *full("2024-Q2"), stage=Stage.PROVISIONAL) is LineStatus.SCORED
    assert status(QUARTERLY, stage=Stage.PROVISIONAL) is LineStatus.MISSING


@pytest.mark.parametrize(
    ("item", "periods"),
    [
        (QUARTERLY, QUARTERS),
        (QUARTERLY, ["2024"]),
        (QUARTERLY, ["2024-H1", "2024-Q3", "2024-10", "2024-11", "2024-12"]),
        (MONTHLY, ["2024-H1", "2024-Q3", "2024-10", "2024-11", "2024-12"]),
        (indicator("A1.1", frequency=Frequency.EVENT), QUARTERS),
        (indicator("A1.1", frequency=Frequency.DAILY), QUARTERS),
    ],
)
def test_final_is_scored_when_every_due_period_is_covered(item, periods):
    assert status(item, *full(*periods)) is LineStatus.SCORED
    assert status(item, *full(*periods[:-1])) is LineStatus.MISSING


def test_final_is_rejected_when_a_finding_stands_in_an_uncovered_period():
    stopped = full("2024-11", stopped=True)
    assert status(QUARTERLY, *full(*QUARTERS[:3]), *stopped) is LineStatus.REJECTED
    assert status(QUARTERLY, *full(*QUARTERS[1:]), *stopped) is LineStatus.MISSING
    assert status(QUARTERLY, *full(*QUARTERS), *stopped) is LineStatus.SCORED
    assert status(MONTHLY, *full(*QUARTERS[:3]), *full("2024-Q4", stopped=True)) is LineStatus.REJECTED


def test_hiding_a_bad_month_never_pays():
    months = [f"2024-{n:02d}" for n in range(1, 13)]
    assert status(MONTHLY, *full(*months)) is LineStatus.SCORED
    for hidden in months:
        left = [month for month in months if month != hidden]
        assert status(MONTHLY, *full(*left)) is LineStatus.MISSING


def test_not_applicable_for_every_due_period():
    for stage in Stage:
        assert status(QUARTERLY, na=QUARTERS, stage=stage) is LineStatus.NOT_APPLICABLE
        assert status(QUARTERLY, na=["2024"], stage=stage) is LineStatus.NOT_APPLICABLE
        assert status(QUARTERLY, na=["2024-H1", "2024-07", "2024-08"], stage=stage) is LineStatus.MISSING


def test_not_applicable_for_some_leaves_those_out():
    assert status(QUARTERLY, *full(*QUARTERS[1:]), na=["2024-Q1"]) is LineStatus.SCORED
    assert status(QUARTERLY, *full(*QUARTERS[2:]), na=["2024-Q1"]) is LineStatus.MISSING
    stopped = full("2024-Q1", stopped=True)
    assert status(QUARTERLY, *full(*QUARTERS[1:]), *stopped, na=["2024-Q1"]) is LineStatus.SCORED


def test_a_value_in_a_period_approved_as_not_applicable_is_left_out():
    values = [*full("2024-Q1"), reported("2024-Q2", 5, 10)]
    evidence = Evidence(ME, {ME: values}, {ME: [Period.parse("2024-Q1")]}, {})
    state = state_of(QUARTERLY, evidence, lambda _: 0, YEAR, Stage.PROVISIONAL)
    assert [str(value.period) for value in state.used] == ["2024-Q2"]


def test_a_claim_without_approval_is_not_a_value():
    claim = reported("2024", 9, 10, not_applicable=True)
    assert status(QUARTERLY, claim) is LineStatus.MISSING


@pytest.mark.parametrize("stage", list(Stage))
def test_a_row_without_a_readable_value_is_not_a_value(stage):
    assert status(QUARTERLY, reported("2024", 9, None), stage=stage) is LineStatus.MISSING
    assert status(QUARTERLY, reported("2024", 9, None, stopped=True), stage=stage) is LineStatus.REJECTED


def test_an_unreadable_file_rejects_its_period():
    assert status(QUARTERLY, unreadable=["2024-Q4"]) is LineStatus.REJECTED
    assert status(QUARTERLY, *full(*QUARTERS[:3]), unreadable=["2024-Q4"]) is LineStatus.REJECTED
    assert status(QUARTERLY, *full(*QUARTERS), unreadable=["2024-Q4"]) is LineStatus.SCORED
    assert (
        status(QUARTERLY, *full("2024-Q1"), unreadable=["2024-Q4"], stage=Stage.PROVISIONAL)
        is LineStatus.SCORED
    )


def test_zero_denominators():
    nothing = [reported(period, 0, 0) for period in QUARTERS]
    assert status(QUARTERLY, *nothing) is LineStatus.NOT_APPLICABLE
    assert status(QUARTERLY, *nothing[:3], stage=Stage.PROVISIONAL) is LineStatus.NOT_APPLICABLE
    assert status(QUARTERLY, *nothing[:3]) is LineStatus.MISSING
    assert status(QUARTERLY, reported("2024", 3, 0)) is LineStatus.REJECTED


def test_zero_is_not_not_applicable():
    count = indicator("A1.1", value_type=ValueType.COUNT)
    assert status(count, reported("2024", amount="0")) is LineStatus.SCORED
    assert status(QUARTERLY, reported("2024", 0, 10)) is LineStatus.SCORED


def test_cumulative_still_owes_every_due_period():
    cumulative = indicator("A1.1", reporting=Reporting.CUMULATIVE)
    assert status(cumulative, *full(*QUARTERS)) is LineStatus.SCORED
    assert status(cumulative, *full("2024-Q4")) is LineStatus.MISSING


def test_a_predecessors_values_cover_its_part_of_the_year():
    inherited = full(*QUARTERS[:2], unit_code=OTHER)
    assert status(QUARTERLY, *full(*QUARTERS[2:]), inherited=inherited) is LineStatus.SCORED
    last = indicator("A1.1", aggregation=Aggregation.LAST)
    assert status(last, *full(*QUARTERS[2:]), inherited=inherited) is LineStatus.SCORED
    assert status(QUARTERLY, *full("2024-Q4"), inherited=inherited) is LineStatus.MISSING
    assert status(QUARTERLY, *full(*QUARTERS[2:]), inherited=inherited[:1], inherited_na=["2024-Q2"]) is (
        LineStatus.SCORED
    )
