"""Which submissions a year asks for. In: the ground, a region, a day. Out: unit and period, each with its deadline.

A unit is asked for every period in which one of its own indicators is due, as the score on reporting in time counts
them. A period is due once it has ended. Where the edition sets no deadline for reports, the day on which final results
have to be proposed is the last one that helps anybody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from fazhi.model.errors import ConfigurationError
from fazhi.model.period import Period, due_periods
from fazhi.pipeline import SHANGHAI, Ground
from fazhi.publish import final
from fazhi.registry import Unit
from fazhi.registry.calendar import WorkingDays
from fazhi.validate.deadlines import due_second


@dataclass(frozen=True)
class Deadline:
    """A last day and where it comes from.

    ``basis``: ``report`` the edition's deadline for reports; ``year`` the day on which the year's final results have to
    be proposed; ``night`` the next nightly run; ``step`` the limit of a step of its own; ``none`` there is none, and
    ``problem`` may say why.
    """

    day: str = ""
    basis: str = "none"
    problem: str = ""

    def passed(self, today: date) -> bool:
        """Whether the last day is over."""
        return bool(self.day) and self.day < today.isoformat()


@dataclass(frozen=True)
class Expected:
    """One submission that is asked for."""

    unit_code: str
    period: Period


@dataclass(frozen=True)
class Deadlines:
    """The deadlines of a year."""

    ground: Ground
    year: int

    def of_report(self, period: Period) -> Deadline:
        """By when a period has to be reported."""
        return self._reports.get(period) or self.of_year

    @cached_property
    def of_year(self) -> Deadline:
        """By when everything of the year has to be settled."""
        try:
            windows = final.Windows(self.ground.edition(self.year), self._calendar)
            return Deadline(windows.propose_by(self.year).isoformat(), "year")
        except ConfigurationError as problem:
            return Deadline(problem=str(problem))

    @cached_property
    def _reports(self) -> Mapping[Period, Deadline]:
        periods = {period for months in (1, 3, 6, 12) for period in _periods_of(self.year, months)}
        found = {period: self._report(period) for period in periods}
        return {period: deadline for period, deadline in found.items() if deadline is not None}

    def _report(self, period: Period) -> Deadline | None:
        try:
            last = due_second(self.ground.edition(self.year), period, lambda: self._calendar)
        except ConfigurationError as problem:
            return Deadline(problem=str(problem))
        return (
            None
            if last is None
            else Deadline(datetime.fromtimestamp(last, SHANGHAI).date().isoformat(), "report")
        )

    @cached_property
    def _calendar(self) -> WorkingDays:
        return WorkingDays.load(self.ground.settings.holidays_dir)


def _periods_of(year: int, months: int) -> tuple[Period, ...]:
    return tuple(Period(year, first, months) for first in range(1, 13, months))


def units_of(ground: Ground, year: int, region: str, today: date) -> tuple[Unit, ...]:
    """The scored units of a region."""
    return ground.registry.scored_units(year, today, region)


def expected_submissions(ground: Ground, year: int, region: str, today: date) -> tuple[Expected, ...]:
    """What a region's units should have sent by a day: the periods that ended before it, by unit and period.

    Raises:
        UsageError: The year has not begun.
        ConfigurationError: No edition covers it.
    """
    edition = ground.edition(year)
    found: list[Expected] = []
    for unit in units_of(ground, year, region, today):
        asked = {
            period
            for indicator in ground.registry.applicable(edition, unit, year, today)
            if indicator.asked_of_unit
            for period in due_periods(indicator.frequency, year)
        }
        found += [
            Expected(unit.unit_code, period)
            for period in sorted(asked)
            if period.last_day < today
            and ground.registry.unit_on(unit.unit_code, period.last_day) is not None
        ]
    return tuple(found)
