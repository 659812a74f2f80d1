"""Who reports what, when: units for themselves, offices for their sources, nobody for what has not ended."""

from datetime import date, timedelta

import pytest

from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.registry import Registry
from fazhi.synth.duties import Duties, Report
from fazhi.systems import Editions

TODAY = date(2026, 7, 15)


def duties_of(registry: Registry, editions: Editions, year: int, **more: object) -> Duties:
    return Duties(registry, editions.for_year(year), year, TODAY, **more)  # type: ignore[arg-type]


def reports_of(duties: Duties, period: str) -> list[Report]:
    wanted = Period.parse(period)
    return list(duties.reports(wanted, duties.subjects(wanted)))


@pytest.fixture(scope="module")
def march(registry: Registry, editions: Editions) -> list[Report]:
    return reports_of(duties_of(registry, editions, 2025), "2025-03")


def code_of(registry: Registry, name: str, day: date = TODAY) -> str:
    (unit,) = registry.find_by_name(name, day)
    return unit.unit_code


def test_only_periods_that_have_ended_are_reported(registry: Registry, editions: Editions) -> None:
    periods = [str(period) for period in duties_of(registry, editions, 2026).periods()]
    assert periods == [
        "2026-01",
        "2026-02",
        "2026-03",
        "2026-Q1",
        "2026-04",
        "2026-05",
        "2026-06",
        "2026-Q2",
        "2026-H1",
    ]


def test_a_period_is_reported_from_the_day_after_its_last(registry: Registry, editions: Editions) -> None:
    for today, wanted in ((date(2026, 1, 31), False), (date(2026, 2, 1), True)):
        periods = Duties(registry, editions.for_year(2026), 2026, today).periods()
        assert (Period.parse("2026-01") in periods) is wanted


def test_a_unit_reports_exactly_what_is_asked_of_it_and_due(march: list[Report]) -> None:
    own = [report for report in march if report.kind is SubmissionKind.UNIT]
    assert own
    for report in own:
        assert all(unit == report.sender for unit, _indicator in report.items)
        assert all(indicator.asked_of_unit for _unit, indicator in report.items)
        assert {indicator.frequency.value for _unit, indicator in report.items} <= {"monthly", "daily"}


def test_an_office_reports_only_what_its_sources_hold(march: list[Report], registry: Registry) -> None:
    offices = [report for report in march if report.kind is SubmissionKind.OFFICE]
    assert len({report.sender.unit_code for report in offices}) == len(offices) > 3
    for report in offices:
        for unit, indicator in report.items:
            senders = {code for _source, code in registry.reporters(indicator, 2025)}
            assert report.sender.unit_code in senders
            assert not (indicator.asked_of_unit and unit == report.sender)


def test_what_the_system_computes_is_reported_by_nobody(march: list[Report]) -> None:
    reported = {indicator.code for report in march for _unit, indicator in report.items}
    assert reported.isdisjoint({"I4.1", "I4.2", "I4.3"})
    assert "E2.1" in reported


def test_adjustments_are_never_reported(registry: Registry, editions: Editions) -> None:
    for report in reports_of(duties_of(registry, editions, 2025), "2025"):
        assert not any(indicator.rule_type.is_adjustment for _unit, indicator in report.items)


def test_a_unit_assessed_by_its_superior_is_not_asked(registry: Registry, editions: Editions) -> None:
    subjects = duties_of(registry, editions, 2025).subjects(Period.parse("2025"))
    assert "包头海关" not in {subject.unit.name_zh for subject in subjects}
    assert all(subject.unit.is_scored for subject in subjects)


def test_before_a_merger_the_predecessor_reports_and_after_it_does_not(
    registry: Registry, editions: Editions
) -> None:
    gone = code_of(registry, "包头市乡村振兴局", date(2024, 3, 31))
    duties = duties_of(registry, editions, 2024)
    first, second = (
        {subject.unit.unit_code for subject in duties.subjects(Period.parse(period))}
        for period in ("2024-Q1", "2024-Q2")
    )
    assert gone in first
    assert gone not in second


def test_only_the_units_chosen_are_reported_on(registry: Registry, editions: Editions) -> None:
    chosen = code_of(registry, "包头市司法局")
    reports = reports_of(duties_of(registry, editions, 2025, only={chosen}), "2025-Q1")
    assert {unit.unit_code for report in reports for unit, _indicator in report.items} == {chosen}


def test_the_day_of_a_report_follows_its_period_and_is_not_in_the_future(
    registry: Registry, editions: Editions
) -> None:
    duties = duties_of(registry, editions, 2026)
    (unit,) = registry.find_by_name("包头市司法局", TODAY)
    month = Period.parse("2026-03")
    assert timedelta(3) <= duties.reported_on(unit, month) - month.last_day <= timedelta(9)
    for period in duties.periods():
        assert period.last_day < duties.reported_on(unit, period) <= TODAY
