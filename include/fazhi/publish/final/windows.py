"""The time limits of a year's final results. In: the edition's dated parameters, the calendar. Out: last days."""

from dataclasses import dataclass
from datetime import date, timedelta

from fazhi.model.errors import ConfigurationError
from fazhi.registry.calendar import WorkingDays
from fazhi.systems import Edition

PROPOSED = "final_results_proposed"
PUBLICITY = "result_publicity"
APPEAL_DECISION = "appeal_decision"
SIGNATURE = "final_signature"


@dataclass(frozen=True)
class Windows:
    """The last days that the year's own edition sets, counted by the calendar of working days."""

    edition: Edition
    calendar: WorkingDays

    def propose_by(self, year: int) -> date:
        """The last day on which the year's final results should be proposed."""
        return self._last_day(PROPOSED, date(year, 12, 31))

    def objection_until(self, published: date) -> date:
        """The last day for objections to results publicised on a day."""
        return self._last_day(PUBLICITY, published)

    def decide_by(self, filed: date) -> date:
        """The last day for deciding an appeal filed on a day."""
        return self._last_day(APPEAL_DECISION, filed)

    def sign_by(self, since: date) -> date:
        """The last day for signing what could be signed since a day, and likewise for pushing and sealing it."""
        return self._last_day(SIGNATURE, since)

    def _last_day(self, name: str, begin: date) -> date:
        """The last day of a limit.

        Raises:
            ConfigurationError: The edition sets no such limit on that day, or in a measure that is no limit, or
                the holiday notice of a year is missing.
        """
        deadline = self.edition.deadlines.get(name)
        value = None if deadline is None else deadline.value_on(begin)
        if value is None:
            raise ConfigurationError(
                f"指标体系 {self.edition.system_id} 没有规定期限 {name}（{begin} 施行的），"
                "请在 system.yaml 的 deadlines 中补上"
            )
        if value.unit == "working_day":
            return self.calendar.add(begin, int(value.value))
        if value.unit == "day":
            return begin + timedelta(days=int(value.value))
        if value.unit == "month_day":
            return date.fromisoformat(f"{begin.year + value.year_offset}-{value.value}")
        raise ConfigurationError(
            f"期限 {name} 的计量 {value.unit} 不可用，应为 working_day、day 或 month_day"
        )
