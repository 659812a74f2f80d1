"""When a submission is due. In: the edition's dated parameters, the working days. Out: the last second on time.

The parameters are those that on-time reporting is scored by (``submission_after_year`` for yearly ones,
``submission_after_period`` for all): calendar or working days after the period's last day, or a month-day.
Without such a parameter nothing is late.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from fazhi.model.errors import ConfigurationError
from fazhi.model.period import Period
from fazhi.registry.calendar import WorkingDays
from fazhi.systems.edition import DatedValue, Edition
from fazhi.validate.tokens import SHANGHAI

_YEARLY = "submission_after_year"
_GENERAL = "submission_after_period"


def due_second(edition: Edition, period: Period, calendar: Callable[[], WorkingDays]) -> int | None:
    """The last second, since 1970, at which a period's submission is on time; ``None`` without a deadline.

    Args:
        edition: Whose dated parameters hold on the period's last day.
        period: The period reported on.
        calendar: Gives the working days; asked only where the parameter counts them.

    Raises:
        ConfigurationError: The parameter is neither in days nor a month-day.
    """
    names = (_YEARLY, _GENERAL) if period.months == 12 else (_GENERAL,)
    deadline = next((edition.deadlines[name] for name in names if name in edition.deadlines), None)
    dated = None if deadline is None else deadline.value_on(period.last_day)
    if dated is None:
        return None
    return last_second(_due_day(dated, period, calendar))


def last_second(day: date) -> int:
    """The last second of a day in Asia/Shanghai, since 1970."""
    return int(datetime.combine(day, time(23, 59, 59), SHANGHAI).timestamp())


def _due_day(dated: DatedValue, period: Period, calendar: Callable[[], WorkingDays]) -> date:
    if dated.unit == "day":
        return period.last_day + timedelta(days=int(dated.value))
    if dated.unit == "working_day":
        return calendar().add(period.last_day, int(dated.value))
    if dated.unit == "month_day":
        return date.fromisoformat(f"{period.year + dated.year_offset}-{dated.value}")
    raise ConfigurationError(
        f"报送期限的单位应为 day、working_day 或 month_day，不能是 {dated.unit}；请更正 system.yaml 的 deadlines"
    )
