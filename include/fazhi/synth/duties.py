"""Who reports what, and when. In: the registry, an edition, a year. Out: the reports due, period by period.

A unit is asked for the indicators that it reports itself; an office reports about many units for its source
(contracts/indicator-system.md, "Who reports what"). Only periods that have ended are reported. A unit that is
assessed by its superior is not asked.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from fazhi.model.period import Period, due_periods
from fazhi.model.terms import Frequency, SubmissionKind
from fazhi.registry import Registry, Unit
from fazhi.synth.dice import Dice
from fazhi.synth.figures import is_due
from fazhi.systems.edition import Edition, Indicator

_DAYS_AFTER = {1: (3, 9), 3: (5, 12), 6: (8, 15), 12: (94, 104)}
"""How many days after its end a period is reported, by its months; the yearly one waits for spring."""


@dataclass(frozen=True)
class Subject:
    """A unit whose figures are reported in a period, and the indicators that it is assessed on."""

    unit: Unit
    applicable: tuple[Indicator, ...]

    def due(self, period: Period) -> Iterator[Indicator]:
        """The indicators that are due in exactly this period."""
        return (indicator for indicator in self.applicable if is_due(indicator, period))


@dataclass(frozen=True)
class Report:
    """One submission that is due: who sends it, about which indicators of which units."""

    kind: SubmissionKind
    sender: Unit
    period: Period
    items: tuple[tuple[Unit, Indicator], ...]


class Duties:
    """The reporting duties of a year."""

    def __init__(
        self,
        registry: Registry,
        edition: Edition,
        year: int,
        today: date,
        only: Collection[str] | None = None,
    ) -> None:
        """Prepare the duties.

        Args:
            registry: Units, tasks, sources.
            edition: The edition of the year.
            year: The assessment year.
            today: Nothing later has happened.
            only: Codes of the units to report on; all scored units when missing.
        """
        self._registry = registry
        self._edition = edition
        self._year = year
        self._today = today
        self._only = only

    def periods(self) -> list[Period]:
        """The periods of the year that have ended, in order."""
        all_due = {period for frequency in Frequency for period in due_periods(frequency, self._year)}
        return sorted(period for period in all_due if period.last_day < self._today)

    def subjects(self, period: Period) -> list[Subject]:
        """The units whose figures of a period are reported, in code order.

        A unit that did not exist yet at the end of the period has none; the units that it later took over
        from report for themselves, on what both they and their successor are assessed on.
        """
        found: dict[str, Subject] = {}
        for scored, applicable in self._assessed:
            for code in (scored.unit_code, *self._predecessors(scored.unit_code)):
                unit = self._registry.unit_on(code, period.last_day)
                if unit is not None and unit.is_scored and code not in found:
                    found[code] = Subject(unit, tuple(i for i in applicable if i.categories & unit.tags))
        return [found[code] for code in sorted(found)]

    def reports(self, period: Period, subjects: Sequence[Subject]) -> Iterator[Report]:
        """The submissions of a period: the units' own first, then the offices', in code order."""
        of_office: dict[str, list[tuple[Unit, Indicator]]] = {}
        for subject in subjects:
            due = tuple(subject.due(period))
            own = tuple((subject.unit, indicator) for indicator in due if indicator.asked_of_unit)
            if own:
                yield Report(SubmissionKind.UNIT, subject.unit, period, own)
            for indicator in due:
                for authority in self._offices(indicator, subject.unit, period):
                    of_office.setdefault(authority, []).append((subject.unit, indicator))
        for code in sorted(of_office):
            sender = self._registry.unit_on(code, period.last_day)
            if sender is not None:
                yield Report(SubmissionKind.OFFICE, sender, period, tuple(of_office[code]))

    def reported_on(self, sender: Unit, period: Period) -> date:
        """The day on which a sender reports a period, never later than today."""
        low, high = _DAYS_AFTER[period.months]
        days = Dice("reported", sender.unit_code, period).between(low, high)
        return min(period.last_day + timedelta(days=days), self._today)

    @cached_property
    def _assessed(self) -> list[tuple[Unit, tuple[Indicator, ...]]]:
        units = self._registry.scored_units(self._year, self._today)
        return [
            (unit, self._asked(unit)) for unit in units if self._only is None or unit.unit_code in self._only
        ]

    def _asked(self, unit: Unit) -> tuple[Indicator, ...]:
        """The unit's indicators without adjustments, which are recorded events and not reported."""
        applicable = self._registry.applicable(self._edition, unit, self._year, self._today)
        return tuple(indicator for indicator in applicable if not indicator.rule_type.is_adjustment)

    def _predecessors(self, code: str) -> tuple[str, ...]:
        return self._registry.predecessors_of(code, self._year, self._today)

    def _offices(self, indicator: Indicator, unit: Unit, period: Period) -> list[str]:
        """The authorities that report an indicator about a unit, each once."""
        key = (indicator.code, period, self._registry.region_of(unit))
        authorities = self._authorities.get(key)
        if authorities is None:
            authorities = self._authorities[key] = self._authorities_of(indicator, period, key[2])
        return [code for code in authorities if not (indicator.asked_of_unit and code == unit.unit_code)]

    @cached_property
    def _authorities(self) -> dict[tuple[str, Period, str], list[str]]:
        return {}

    def _authorities_of(self, indicator: Indicator, period: Period, region: str) -> list[str]:
        of_source: dict[str, str] = {}
        for source, code in self._registry.reporters(indicator, self._year, region):
            if self._registry.unit_on(code, period.last_day) is not None:
                of_source.setdefault(source, code)
        return list(dict.fromkeys(of_source.values()))
