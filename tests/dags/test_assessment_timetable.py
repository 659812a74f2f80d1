"""The timetable: which year a tick means, which runs a span makes, and what it relies on in Airflow."""

import inspect
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import time_machine
from airflow.dag_processing.collection import _get_latest_runs_stmt_partitioned
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.timetables.trigger import CronPartitionTimetable
from airflow.utils.types import DagRunType
from hypothesis import given
from hypothesis import strategies as st

from support.airflow_room import plugin_module, serialized_dag

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 7, 30, tzinfo=SHANGHAI)
UNRESTRICTED = TimeRestriction(earliest=None, latest=None, catchup=False)

module = plugin_module("assessment_year")
timetable = module.AssessmentYearTimetable()


def shanghai(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


def keys(earliest: datetime, latest: datetime, now: datetime = NOW) -> list[str]:
    with time_machine.travel(now, tick=False):
        infos = timetable.iter_partition_dagrun_infos(earliest=earliest, latest=latest)
        return [info.partition_key for info in infos]


def next_run(last: DagRunInfo | None, now: datetime) -> DagRunInfo:
    with time_machine.travel(now, tick=False):
        info = timetable.next_dagrun_info_v2(last_dagrun_info=last, restriction=UNRESTRICTED)
    assert info is not None
    return info


# ---- a span of days --------------------------------------------------------------------------------------


def test_the_span_of_the_manual_makes_three_runs() -> None:
    with time_machine.travel(NOW, tick=False):
        infos = list(
            timetable.iter_partition_dagrun_infos(
                earliest=datetime(2021, 1, 1, tzinfo=UTC), latest=datetime(2023, 12, 31, tzinfo=UTC)
            )
        )
    assert [info.partition_key for info in infos] == ["2021", "2022", "2023"]
    assert [info.partition_date for info in infos] == [shanghai(year, 1, 1) for year in (2021, 2022, 2023)]
    assert [info.run_after for info in infos] == [shanghai(year, 1, 1, 12) for year in (2021, 2022, 2023)]
    assert {info.data_interval for info in infos} == {None}


@pytest.mark.parametrize(
    ("earliest", "latest", "expected"),
    [
        ((2023, 1, 1), (2023, 1, 1), ["2023"]),  # the one day that stands for the year
        ((2023, 1, 1, 0, 0, 1), (2023, 1, 2), []),  # not its 1 January, and not more than a day
        ((2023, 1, 1, 0, 0, 1), (2023, 1, 2, 0, 0, 1), []),  # exactly a day
        ((2023, 1, 1, 0, 0, 1), (2023, 1, 2, 0, 0, 2), ["2023"]),  # a second more than a day
        ((2022, 12, 31), (2023, 1, 1), ["2023"]),
        ((2022, 12, 31, 0, 0, 0), (2022, 12, 31, 23, 59, 59), []),
        ((2022, 12, 30, 23, 59, 58), (2022, 12, 31, 23, 59, 59), ["2022"]),
        ((2023, 6, 1), (2023, 6, 30), ["2023"]),
        ((2023, 6, 1), (2024, 6, 30), ["2023", "2024"]),
        ((2023, 12, 31), (2023, 1, 1), []),  # the wrong way round
    ],
)
def test_the_boundaries_of_a_span(earliest: tuple, latest: tuple, expected: list[str]) -> None:
    assert keys(datetime(*earliest, tzinfo=UTC), datetime(*latest, tzinfo=UTC)) == expected


def test_a_year_that_has_not_begun_is_never_run() -> None:
    assert keys(datetime(2025, 1, 1, tzinfo=UTC), datetime(2030, 12, 31, tzinfo=UTC)) == ["2025", "2026"]
    assert keys(datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("now", "begun"), [((2026, 12, 31, 23, 59, 59), []), ((2027, 1, 1, 0, 0, 0), ["2027"])]
)
def test_a_year_begins_at_midnight_in_shanghai(now: tuple, begun: list[str]) -> None:
    span = datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 12, 31, tzinfo=UTC)
    assert keys(*span, now=shanghai(*now)) == begun


def test_a_backfilled_run_never_waits_for_the_future() -> None:
    early = shanghai(2027, 1, 1, 8)
    with time_machine.travel(early, tick=False):
        (info,) = timetable.iter_partition_dagrun_infos(
            earliest=datetime(2027, 1, 1, tzinfo=UTC), latest=datetime(2027, 12, 31, tzinfo=UTC)
        )
    assert info.run_after == early


@given(
    offset=st.integers(min_value=0, max_value=14),
    first=st.integers(min_value=2015, max_value=2026),
    length=st.integers(min_value=0, max_value=11),
    end=st.sampled_from([(0, 0), (12, 0), (23, 59)]),
)
def test_a_browser_east_of_greenwich_gets_the_years_that_it_chose(
    offset: int, first: int, length: int, end: tuple[int, int]
) -> None:
    """The UI fills in 00:00 and 23:59 of the browser's own zone and sends UTC."""
    browser = timezone(timedelta(hours=offset))
    last = min(first + length, 2026)
    earliest = datetime(first, 1, 1, tzinfo=browser).astimezone(UTC)
    latest = datetime(last, 12, 31, *end, tzinfo=browser).astimezone(UTC)
    assert keys(earliest, latest) == [str(year) for year in range(first, last + 1)]


@pytest.mark.parametrize("offset", range(-12, 0))
def test_a_browser_west_of_greenwich_loses_no_year(offset: int) -> None:
    """Its 23:59 of 31 December is 1 January in UTC and adds a year; the form tells the number of runs."""
    browser = timezone(timedelta(hours=offset))
    earliest = datetime(2021, 1, 1, tzinfo=browser).astimezone(UTC)
    midnight = datetime(2023, 12, 31, tzinfo=browser).astimezone(UTC)
    assert keys(earliest, midnight) == ["2021", "2022", "2023"]
    assert keys(earliest, midnight + timedelta(hours=23, minutes=59)) == ["2021", "2022", "2023", "2024"]


@given(
    st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)),
    st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)),
)
def test_every_span_gives_years_that_it_touches_in_order_and_once(a: datetime, b: datetime) -> None:
    earliest, latest = sorted((a, b))
    found = keys(earliest.replace(tzinfo=UTC), latest.replace(tzinfo=UTC))
    assert found == sorted(set(found))
    assert all(earliest.year <= int(key) <= min(latest.year, 2026) for key in found)
    inner = range(earliest.year + 1, min(latest.year, 2027))
    assert {str(year) for year in inner} <= set(found)  # whole years are always among them


# ---- the nights ------------------------------------------------------------------------------------------


def test_the_first_tick_of_a_night_is_the_current_year_the_second_the_previous() -> None:
    first = next_run(None, shanghai(2026, 11, 22, 0, 0))
    second = next_run(first, shanghai(2026, 11, 22, 1, 30, 5))
    third = next_run(second, shanghai(2026, 11, 22, 2, 30, 5))
    assert [(run.run_after, run.partition_key) for run in (first, second, third)] == [
        (shanghai(2026, 11, 22, 1, 30), "2026"),
        (shanghai(2026, 11, 22, 2, 30), "2025"),
        (shanghai(2026, 11, 23, 1, 30), "2026"),
    ]


def test_new_year_by_the_clock_of_shanghai() -> None:
    """01:30 on 1 January in Shanghai is still the old year in UTC."""
    tick = next_run(None, shanghai(2027, 1, 1, 0, 30))
    assert (tick.run_after, tick.partition_key) == (shanghai(2027, 1, 1, 1, 30), "2027")
    assert next_run(tick, shanghai(2027, 1, 1, 1, 31)).partition_key == "2026"


def test_switching_the_dag_on_starts_nothing_at_once() -> None:
    assert next_run(None, shanghai(2026, 11, 22, 15)).run_after == shanghai(2026, 11, 23, 1, 30)


def test_a_parsing_just_on_the_first_tick_does_not_lose_it() -> None:
    assert next_run(None, shanghai(2026, 11, 22, 1, 30, 20)).run_after == shanghai(2026, 11, 22, 1, 30)


def test_a_backfill_before_the_first_night_starts_nothing_at_once() -> None:
    with time_machine.travel(NOW, tick=False):
        span = timetable.iter_partition_dagrun_infos(earliest=shanghai(2023, 1, 1), latest=NOW)
        for backfilled in span:
            assert next_run(backfilled, NOW).run_after == shanghai(2026, 11, 23, 1, 30)


def test_a_scheduler_that_was_down_makes_up_for_the_newest_night_only() -> None:
    last = next_run(None, shanghai(2026, 11, 18, 2, 0))  # the 02:30 tick of the 18th
    assert last.run_after == shanghai(2026, 11, 18, 2, 30)
    first = next_run(last, shanghai(2026, 11, 22, 9))
    second = next_run(first, shanghai(2026, 11, 22, 9, 1))
    third = next_run(second, shanghai(2026, 11, 22, 9, 2))
    assert [run.run_after for run in (first, second, third)] == [
        shanghai(2026, 11, 22, 1, 30),
        shanghai(2026, 11, 22, 2, 30),
        shanghai(2026, 11, 23, 1, 30),
    ]


def test_the_restriction_of_the_dag_holds() -> None:
    opening = shanghai(2027, 5, 1)
    restriction = TimeRestriction(earliest=opening, latest=opening + timedelta(hours=2), catchup=False)
    with time_machine.travel(NOW, tick=False):
        first = timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
        assert first is not None
        assert first.run_after == shanghai(2027, 5, 1, 1, 30)
        assert timetable.next_dagrun_info_v2(last_dagrun_info=first, restriction=restriction) is None


class Airflow:
    """What the scheduler and the dag-processor do with the timetable, as read in 3.3.2.

    The scheduler starts the run that is due and asks for the next one after it. Every parsing asks for the
    next one after the run with the greatest partition date, then ``run_after``, backfilled ones included.
    """

    def __init__(self) -> None:
        self.started: list[tuple[datetime, DagRunInfo]] = []
        self.backfilled: list[DagRunInfo] = []
        self.next: DagRunInfo | None = None

    def parse(self, now: datetime) -> None:
        known = [info for _, info in self.started] + self.backfilled
        latest = max(known, key=lambda info: (info.partition_date, info.run_after), default=None)
        self.next = next_run(latest, now)

    def schedule(self, now: datetime) -> None:
        if self.next is not None and self.next.run_after <= now:
            self.started.append((now, self.next))
            self.next = next_run(self.next, now)

    def backfill(self, now: datetime) -> None:
        with time_machine.travel(now, tick=False):
            self.backfilled += timetable.iter_partition_dagrun_infos(
                earliest=shanghai(2021, 1, 1), latest=now
            )

    def pass_time(self, begin: datetime, end: datetime, step: timedelta) -> None:
        now, turn = begin, 0
        while now < end:
            (self.parse if turn % 3 == 0 else self.schedule)(now)
            now, turn = now + step, turn + 1


@pytest.mark.parametrize("backfill_at", [None, 0.9, 1.4, 1.55, 1.7])
@pytest.mark.parametrize("step", [timedelta(minutes=1), timedelta(minutes=7)])
def test_each_night_has_two_runs_however_often_the_file_is_parsed(
    step: timedelta, backfill_at: float | None
) -> None:
    airflow, begin = Airflow(), shanghai(2026, 12, 30, 12)
    for part in range(30):  # three days, across New Year
        start = begin + timedelta(days=part / 10)
        airflow.pass_time(start, start + timedelta(days=0.1), step)
        if backfill_at is not None and part == int(backfill_at * 10):
            airflow.backfill(start + timedelta(days=0.1))
    assert [info.partition_key for _, info in airflow.started] == [
        "2026",
        "2025",
        "2027",
        "2026",
        "2027",
        "2026",
    ]
    assert len({info.run_after for _, info in airflow.started}) == 6
    assert all(at - info.run_after < timedelta(minutes=30) for at, info in airflow.started)


# ---- ids, serialization, contract ------------------------------------------------------------------------


def test_run_ids_show_the_year_first() -> None:
    made = timetable.generate_run_id(
        run_type=DagRunType.BACKFILL_JOB,
        run_after=shanghai(2023, 1, 1, 12),
        data_interval=None,
        partition_key="2023",
    )
    assert made[:-8] == "backfill__2023__20230101__"
    nightly = timetable.generate_run_id(
        run_type=DagRunType.SCHEDULED,
        run_after=shanghai(2026, 11, 22, 1, 30).astimezone(UTC),
        data_interval=None,
        partition_key="2026",
    )
    assert nightly[:-8] == "scheduled__2026__20261122T0130__"
    manual = timetable.generate_run_id(
        run_type=DagRunType.MANUAL, run_after=shanghai(2026, 11, 22, 1, 30), data_interval=None
    )
    assert manual[:-8] == "manual__20261122T0130__"


def test_it_survives_serialization_inside_its_dag() -> None:
    restored = serialized_dag().timetable
    assert type(restored).__name__ == "AssessmentYearTimetable"
    assert restored.serialize() == {}
    assert restored.partitioned
    assert restored.periodic
    assert restored.resolve_partition_date("2023") == shanghai(2023, 1, 1)


def test_what_it_overrides_still_exists_in_airflow() -> None:
    """Methods of Airflow 3.3 that the timetable replaces or calls: look again when this fails."""
    expected = {
        "_get_partition_info": ["self", "run_date"],
        "next_dagrun_info_v2": ["self", "last_dagrun_info", "restriction"],
        "iter_partition_dagrun_infos": ["self", "earliest", "latest"],
        "generate_run_id": ["self", "run_type", "run_after", "data_interval", "extra"],
        "localize_partition_datetime": ["self", "dt"],
        "_align_to_next": ["self", "current"],
        "_align_to_prev": ["self", "current"],
        "_get_next": ["self", "current"],
        "_get_prev": ["self", "current"],
    }
    found = {
        name: list(inspect.signature(getattr(CronPartitionTimetable, name)).parameters) for name in expected
    }
    assert found == expected


def test_airflow_still_takes_the_greatest_partition_date_for_the_latest_run() -> None:
    """The reason why a scheduled run's partition date is its tick."""
    statement = " ".join(str(_get_latest_runs_stmt_partitioned("assessment")).split())
    assert (
        "ORDER BY dag_run.partition_date IS NULL, dag_run.partition_date DESC, dag_run.run_after DESC"
        in statement
    )
