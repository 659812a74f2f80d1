"""The timetable of the assessment year. In: a tick, or a span of days. Out: runs keyed by year.

Every night the 01:30 tick (Asia/Shanghai) carries the current year's key, the 02:30 tick the previous
year's, whose reports arrive until spring. A backfill makes one run for each year of its span, never one for
a year that has not begun: such a run would stay queued and block the next backfill.

Two habits of Airflow 3.3 shape this class; ``tests/dags/test_timetable.py`` pins both:

* After each parsing of the DAG file Airflow asks for the next run "after the latest one", and takes for the
  latest the automated run with the greatest ``partition_date``. If a tick carried 1 January of its year, the
  02:30 run would never be the latest, and each parsing would start it again. So a scheduled run's
  ``partition_date`` is its tick; a backfilled run's is 1 January of its year. Both carry the year as
  ``partition_key``, and only that is ever read.
* The bounds of a backfill arrive in UTC and are read as wall-clock times of the timetable's own time zone. A
  browser elsewhere shifts them by hours; hence the 24 hours in ``_selected``.
"""

import datetime
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from airflow._shared.timezones.timezone import coerce_datetime, utcnow
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.timetables.trigger import CronPartitionTimetable
from airflow.utils.strings import get_random_string
from airflow.utils.types import DagRunType
from pendulum import DateTime
from pendulum import datetime as local_datetime

TIMEZONE = "Asia/Shanghai"
TICKS = "30 1,2 * * *"
CURRENT_YEAR_HOUR = 1
"""The tick of this hour carries the current year; the other one the previous year."""

GRACE = datetime.timedelta(minutes=10)
"""How far back the very first scheduled run may lie: the DAG file may be parsed again just on the tick."""

LONGER_THAN_A_SHIFT = datetime.timedelta(hours=24)
"""No time zone shifts the bound of a span by as much as this."""


class AssessmentYearTimetable(CronPartitionTimetable):
    """Nightly for the open years; one run a year on backfill."""

    description = "每日 01:30 运行本年度考评，02:30 运行上一年度考评（北京时间）；回填时每个年度一次执行"

    def __init__(self) -> None:
        super().__init__(TICKS, timezone=TIMEZONE, key_format="%Y")
        self.description = type(self).description

    @property
    def summary(self) -> str:
        """What the list of DAGs shows as schedule."""
        return "每日 01:30 本年度，02:30 上一年度"

    def serialize(self) -> dict[str, Any]:
        """Nothing: the timetable has no parameters."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """The timetable again."""
        return cls()

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next nightly run.

        Unpausing a new DAG starts nothing before the next tick. A scheduler that was down makes up for the
        newest night, not for the ones before.
        """
        now = coerce_datetime(utcnow())
        if last_dagrun_info is None or not _was_scheduled(last_dagrun_info):
            tick = self._align_to_next(now - GRACE)
        else:
            tick = max(self._get_next(last_dagrun_info.run_after), self._newest_night(now))
        if restriction.earliest is not None:
            tick = max(tick, self._align_to_next(restriction.earliest))
        if restriction.latest is not None and restriction.latest < tick:
            return None
        partition_date, partition_key = self._get_partition_info(tick)
        return DagRunInfo(
            run_after=tick, data_interval=None, partition_date=partition_date, partition_key=partition_key
        )

    def iter_partition_dagrun_infos(
        self, *, earliest: datetime.datetime, latest: datetime.datetime
    ) -> Iterable[DagRunInfo]:
        """One run for each year of the span that has begun, the earliest first.

        Args:
            earliest: First moment of the span; its wall-clock reading counts, in the timetable's time zone.
            latest: Last moment of the span, read likewise.
        """
        begin, end = self.localize_partition_datetime(earliest), self.localize_partition_datetime(latest)
        now = coerce_datetime(utcnow())
        for year in self._years(begin, end):
            first_day = self._first_day(year)
            if first_day <= now and _selected(begin, end, first_day, self._first_day(year + 1)):
                yield DagRunInfo(
                    run_after=min(self._noon(year), now),
                    data_interval=None,
                    partition_date=first_day,
                    partition_key=str(year),
                )

    def generate_run_id(
        self,
        *,
        run_type: DagRunType,
        run_after: DateTime,
        data_interval: DataInterval | None,
        **extra: Any,
    ) -> str:
        """An id that shows the year first and can be read whole: ``backfill__2023__20230101__…``."""
        when = coerce_datetime(run_after).in_timezone(self._timezone)
        parts = [
            extra.get("partition_key"),
            when.strftime("%Y%m%d" if run_type == DagRunType.BACKFILL_JOB else "%Y%m%dT%H%M"),
            get_random_string(),
        ]
        return run_type.generate_run_id(suffix="__".join(part for part in parts if part))

    def _get_partition_info(self, run_date: DateTime) -> tuple[DateTime, str]:
        local = run_date.in_timezone(self._timezone)
        year = local.year if local.hour == CURRENT_YEAR_HOUR else local.year - 1
        return run_date, str(year)

    def _newest_night(self, now: DateTime) -> DateTime:
        """The first tick of the night whose ticks came last."""
        tick = self._align_to_prev(now)
        while tick.in_timezone(self._timezone).hour != CURRENT_YEAR_HOUR:
            tick = self._get_prev(tick)
        return tick

    def _years(self, begin: DateTime, end: DateTime) -> Iterator[int]:
        return iter(range(begin.in_timezone(self._timezone).year, end.in_timezone(self._timezone).year + 1))

    def _first_day(self, year: int) -> DateTime:
        return local_datetime(year, 1, 1, tz=TIMEZONE).in_timezone("UTC")

    def _noon(self, year: int) -> DateTime:
        """Noon of 1 January: no screen in any usual time zone shows it as another year."""
        return local_datetime(year, 1, 1, 12, tz=TIMEZONE).in_timezone("UTC")


def _was_scheduled(info: DagRunInfo) -> bool:
    """Whether a run came from a tick rather than from a backfill."""
    return info.partition_date == info.run_after


def _selected(begin: DateTime, end: DateTime, first_day: DateTime, next_year: DateTime) -> bool:
    """Whether a span means a year: it contains its 1 January, or more of it than a shift explains."""
    overlap = min(end, next_year) - max(begin, first_day)
    return begin <= first_day <= end or overlap > LONGER_THAN_A_SHIFT


class AssessmentYearPlugin(AirflowPlugin):
    """Makes the timetable known to Airflow."""

    name = "assessment_year"
    timetables: ClassVar[list[type[Timetable]]] = [AssessmentYearTimetable]
