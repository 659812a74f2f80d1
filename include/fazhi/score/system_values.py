"""Indicators that this system computes itself (``SYS``). In: facts of the store. Out: one value a unit.

contracts/indicator-system.md names three: on time, returned, evidence complete. They are defined here, over
the unit's own submissions of the year (offices' submissions do not count for the units they are about):

- I4.1 on time: of the periods in which the unit is asked for something and whose deadline has passed,
  those whose first revision arrived by the deadline (a later correction does not make it late). The deadline
  is the edition's dated parameter ``submission_after_year`` for yearly and ``submission_after_period`` for
  all submissions, in calendar days after the period's last day or as a month-day. Without such a parameter
  nothing can be late.
- I4.2 returned: of the revisions received, those on which a blocking finding was recorded.
- I4.3 evidence complete: of the indicators asked of the unit that it reported a value for and that ask for
  evidence, those all of whose rows name evidence that is among the submission's files.

Zero over zero is not applicable as everywhere else.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fazhi.model.errors import ConfigurationError
from fazhi.model.period import Period, due_periods
from fazhi.score.rates import due_day
from fazhi.store.accepted import Reported, SubmissionFacts
from fazhi.systems.edition import DatedValue, Edition, Indicator

SYSTEM_SOURCE = "SYS"
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_YEARLY_DEADLINE = "submission_after_year"
_DEADLINE = "submission_after_period"


@dataclass(frozen=True)
class UnitFacts:
    """What the store knows about one unit's reporting in a year."""

    unit_code: str
    asked: Sequence[Indicator]
    """The indicators that apply to the unit and are asked of it."""
    submissions: Sequence[SubmissionFacts]
    reported: Iterable[Reported]
    """The rows of its own current submissions."""
    exists_on: Callable[[date], bool]
    """Whether the unit existed on a day: nothing is due of a unit that did not."""


def computed_by_system(indicator: Indicator) -> bool:
    """Whether the indicator's figures come from this system alone."""
    return bool(indicator.sources) and indicator.sources[0] == SYSTEM_SOURCE


def system_value(
    edition: Edition, indicator: Indicator, facts: UnitFacts, year: int, today: date
) -> Reported:
    """The value of a ``SYS`` indicator for one unit.

    Raises:
        ConfigurationError: The edition names a ``SYS`` indicator that has no definition here.
    """
    compute = _DEFINITIONS.get(indicator.code)
    if compute is None:
        raise ConfigurationError(
            f"指标 {indicator.code} 的数据来源为 {SYSTEM_SOURCE}（本系统计算）,但系统没有这一指标的计算办法；"
            f"可计算的是 {'、'.join(_DEFINITIONS)}"
        )
    numerator, denominator = compute(edition, facts, year, today)
    return Reported(
        unit_code=facts.unit_code,
        indicator_code=indicator.code,
        period=Period.whole_year(year),
        kind="system",
        numerator=str(numerator),
        denominator=str(denominator),
    )


def _on_time(edition: Edition, facts: UnitFacts, year: int, today: date) -> tuple[int, int]:
    first_day = {
        submission.period: _local_day(submission.first_submitted_at) for submission in facts.submissions
    }
    asked = {period for indicator in facts.asked for period in due_periods(indicator.frequency, year)}
    due = [period for period in asked if facts.exists_on(period.last_day)]
    deadlines = {period: submission_deadline(edition, period) for period in due}
    passed = {period: day for period, day in deadlines.items() if day is not None and day < today}
    return sum(period in first_day and first_day[period] <= day for period, day in passed.items()), len(
        passed
    )


def submission_deadline(edition: Edition, period: Period) -> date | None:
    """The last day on which a period's submission is on time; ``None`` when the edition sets none.

    Raises:
        ConfigurationError: The parameter is neither in calendar days nor a month-day.
    """
    names = (_YEARLY_DEADLINE, _DEADLINE) if period.months == 12 else (_DEADLINE,)
    deadline = next((edition.deadlines[name] for name in names if name in edition.deadlines), None)
    value = None if deadline is None else deadline.value_on(period.last_day)
    return None if value is None else _deadline_day(value, period)


def _deadline_day(value: DatedValue, period: Period) -> date:
    if value.unit == "day":
        return period.last_day + timedelta(days=int(value.value))
    if value.unit == "month_day":
        return due_day({"due": value.value, "year_offset": value.year_offset}, period.year)
    raise ConfigurationError(
        f"报送期限的单位应为 day 或 month_day，不能是 {value.unit}；请更正 system.yaml 的 deadlines"
    )


def _local_day(moment: str) -> date:
    read = datetime.fromisoformat(moment)
    return read.date() if read.tzinfo is None else read.astimezone(_SHANGHAI).date()


def _returned(_edition: Edition, facts: UnitFacts, _year: int, _today: date) -> tuple[int, int]:
    return sum(s.returned for s in facts.submissions), sum(s.received for s in facts.submissions)


def _evidence_complete(_edition: Edition, facts: UnitFacts, _year: int, _today: date) -> tuple[int, int]:
    should = {indicator.code for indicator in facts.asked if indicator.evidence_zh}
    rows: dict[str, list[bool]] = defaultdict(list)
    for reported in facts.reported:
        if reported.indicator_code in should and reported.filled:
            rows[reported.indicator_code].append(reported.evidence_complete)
    return sum(all(complete) for complete in rows.values()), len(rows)


_DEFINITIONS: Mapping[str, Callable[[Edition, UnitFacts, int, date], tuple[int, int]]] = {
    "I4.1": _on_time,
    "I4.2": _returned,
    "I4.3": _evidence_complete,
}
