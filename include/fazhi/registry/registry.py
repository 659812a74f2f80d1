"""The registry in memory. In: checked records. Out: answers for a day or an assessment year, by dictionary.

The state on the deciding day (31 December of the year, or today while it runs) decides what a unit is in that
year (scoring.md section 1).
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TypeVar

from fazhi.model.errors import UsageError
from fazhi.model.terms import Group, Tag
from fazhi.registry.records import Adjustment, Alias, LeadTask, Source, Unit
from fazhi.systems.edition import Edition, Indicator


class Registry:
    """Units, names, lead tasks, adjustments and sources, effective-dated.

    ``digest`` is the SHA-256 of the files it was read from, in a form that neither the order of rows nor line
    endings change.
    """

    def __init__(
        self,
        *,
        units: Sequence[Unit],
        aliases: Sequence[Alias] = (),
        sources: Sequence[Source] = (),
        lead_tasks: Sequence[LeadTask] = (),
        adjustments: Sequence[Adjustment] = (),
        digest: str,
    ) -> None:
        self.digest = digest
        self._records = _by_code(units)
        self._intervals_of_name = _by_name(units, aliases)
        self._aliases = tuple(aliases)
        self._sources = _by_source(sources)
        self._lead_tasks = _by_year(lead_tasks)
        self._adjustments = _by_year(adjustments)
        self._leads = _indicators_led(lead_tasks)
        self._on_day: dict[date, Mapping[str, Unit]] = {}
        self._fitting_kinds: dict[
            tuple[str, frozenset[Tag], date, frozenset[str] | None], tuple[Indicator, ...]
        ] = {}
        self._predecessors: dict[tuple[int, date], Mapping[str, tuple[str, ...]]] = {}

    # --- units ---

    @property
    def units(self) -> tuple[Unit, ...]:
        """Every record of every unit, by code and day."""
        return tuple(unit for records in self._records.values() for unit in records)

    def records_of(self, code: str) -> tuple[Unit, ...]:
        """Every record of a unit, by day; none for a code that nobody has or had."""
        return self._records.get(code, ())

    @property
    def aliases(self) -> tuple[Alias, ...]:
        """Every former and alternative name of every unit, in the order of the file."""
        return self._aliases

    def units_on(self, day: date) -> tuple[Unit, ...]:
        """The units that exist on a day, in code order."""
        return tuple(self._state_on(day).values())

    def unit_on(self, code: str, day: date) -> Unit | None:
        """The record of a unit on a day, ``None`` when it does not exist then."""
        return next((unit for unit in self._records.get(code, ()) if unit.valid_on(day)), None)

    def units_of_year(self, year: int, today: date) -> tuple[Unit, ...]:
        """The units as they are on the deciding day of a year, scored or not, in code order.

        Raises:
            UsageError: The year has not begun.
        """
        return self.units_on(self.deciding_day(year, today))

    def scored_units(self, year: int, today: date, region: str | None = None) -> tuple[Unit, ...]:
        """The units that get a result for a year, in code order.

        Args:
            year: The assessment year.
            today: The current day in Asia/Shanghai.
            region: Only the units of this region (see ``region_of``).

        Raises:
            UsageError: The year has not begun.
        """
        return tuple(
            unit
            for unit in self.units_of_year(year, today)
            if unit.is_scored and region in (None, self.region_of(unit))
        )

    def known_code(self, code: str) -> bool:
        """Whether a unit has or ever had this code."""
        return code in self._records

    def find_by_name(self, name: str, day: date) -> tuple[Unit, ...]:
        """The units that bear a name, short name or alias on a day, in code order.

        Blanks inside the name and full-width letters do not matter. Several units mean that the name alone
        does not tell which one is meant.
        """
        codes = {
            code
            for code, first, last in self._intervals_of_name.get(_comparable(name), ())
            if first <= day and (last is None or day <= last)
        }
        found = (self.unit_on(code, day) for code in sorted(codes))
        return tuple(unit for unit in found if unit is not None)

    # --- years and reforms ---

    @staticmethod
    def deciding_day(year: int, today: date) -> date:
        """The day whose state decides a year: its 31 December, or ``today`` while the year runs.

        Raises:
            UsageError: The year has not begun.
        """
        if year > today.year:
            raise UsageError(f"{year}年度尚未开始，不能考评（今天是 {today}）")
        return min(date(year, 12, 31), today)

    def successor_of(self, code: str, day: date) -> str | None:
        """The unit that a former unit's duties had passed to by a day, following the chain of reforms.

        ``None`` when the unit itself exists on that day, or when nobody took over.
        """
        if self.unit_on(code, day) is not None:
            return None
        followed = {code}
        while (code := self._heir(code, day)) and code not in followed:
            if self.unit_on(code, day) is not None:
                return code
            followed.add(code)
        return None

    def predecessors_of(self, code: str, year: int, today: date | None = None) -> tuple[str, ...]:
        """The units that ended during a year and whose accepted values count for this unit, in code order.

        Args:
            code: The successor.
            year: The assessment year.
            today: The current day; a unit that ends later in the running year still counts for itself.
                Without it the whole year is looked at.
        """
        day = date(year, 12, 31) if today is None else self.deciding_day(year, today)
        if (year, day) not in self._predecessors:
            self._predecessors[year, day] = self._predecessors_on(year, day)
        return self._predecessors[year, day].get(code, ())

    # --- tasks, adjustments, sources ---

    def lead_tasks(self, year: int) -> tuple[LeadTask, ...]:
        """The lead tasks of a year, in the order of the file."""
        return self._lead_tasks.get(year, ())

    def adjustments(self, year: int) -> tuple[Adjustment, ...]:
        """The recorded adjustments of a year, unapproved ones too (see ``Adjustment.counts``)."""
        return self._adjustments.get(year, ())

    @property
    def sources(self) -> Mapping[str, Source]:
        """The sources by id; of a source with several rows, the one for all cities of the latest years."""
        return {name: max(rows, key=_latest_for_all) for name, rows in self._sources.items()}

    def source_in(self, source: str, year: int, region: str = "") -> Source | None:
        """The row of a source that serves a year for the units of a region: its own, or the one for all others."""
        serving = {row.region: row for row in self._sources.get(source, ()) if row.serves(year)}
        return serving.get(region, serving.get(""))

    def authority_of(self, source: str, year: int, region: str = "") -> str | None:
        """The unit that answers for a source in a year; ``None`` for units' own reports and this system."""
        return _authority(self.source_in(source, year, region))

    def reporters(
        self, indicator: Indicator, year: int, region: str | None = None
    ) -> tuple[tuple[str, str], ...]:
        """Which offices may report an indicator about other units in a year.

        Args:
            indicator: What is reported.
            year: The assessment year.
            region: Division code of the city that the units belong to; those of all cities when ``None``.

        Returns:
            Pairs of source id and authority's unit code, in the order of the indicator's sources. An
            authority that has a successor by the end of the year is followed by it.
        """
        pairs: dict[tuple[str, str], None] = {}
        for source in indicator.sources:
            for authority in self._authorities(source, year, region):
                pairs[source, authority] = None
                heir = self.successor_of(authority, date(year, 12, 31))
                if heir is not None:
                    pairs[source, heir] = None
        return tuple(pairs)

    def _authorities(self, source: str, year: int, region: str | None) -> Iterable[str]:
        if region is None:
            rows: Iterable[Source | None] = (row for row in self._sources.get(source, ()) if row.serves(year))
        else:
            rows = (self.source_in(source, year, region),)
        return (authority for row in rows if (authority := _authority(row)) is not None)

    # --- what applies ---

    def applies(self, indicator: Indicator, unit: Unit, year: int, today: date) -> bool:
        """Whether a unit is assessed on an indicator in a year (scoring.md section 1).

        Raises:
            UsageError: The year has not begun.
        """
        return self._applies_on(indicator, unit, year, self.deciding_day(year, today))

    def applicable(self, edition: Edition, unit: Unit, year: int, today: date) -> tuple[Indicator, ...]:
        """The indicators of an edition that a unit is assessed on in a year, in code order.

        Raises:
            UsageError: The year has not begun.
        """
        day = self.deciding_day(year, today)
        if not unit.valid_on(day):
            return ()
        return self._fitting(edition, unit, year, day)

    # --- regions ---

    @staticmethod
    def region_of(unit: Unit) -> str:
        """The division code of the unit's city (GB/T 2260), also for its counties and their bodies."""
        return unit.division_code if unit.level == "province" else unit.division_code[:4] + "00"

    def regions(self, year: int, today: date) -> tuple[str, ...]:
        """The regions that have a scored unit in a year, in order.

        Raises:
            UsageError: The year has not begun.
        """
        return tuple(sorted({self.region_of(unit) for unit in self.scored_units(year, today)}))

    # --- inside ---

    def _state_on(self, day: date) -> Mapping[str, Unit]:
        if day not in self._on_day:
            found = ((code, self.unit_on(code, day)) for code in self._records)
            self._on_day[day] = {code: unit for code, unit in found if unit is not None}
        return self._on_day[day]

    def _heir(self, code: str, day: date) -> str:
        """Who took over from the last record that ended before a day; empty when nobody did."""
        ended = [u for u in self._records.get(code, ()) if u.valid_to is not None and u.valid_to < day]
        return ended[-1].successor_code if ended else ""

    def _predecessors_on(self, year: int, day: date) -> Mapping[str, tuple[str, ...]]:
        begin = date(year, 1, 1)
        heirs: defaultdict[str, list[str]] = defaultdict(list)
        for code, records in self._records.items():
            if any(unit.valid_to is not None and begin <= unit.valid_to < day for unit in records):
                heir = self.successor_of(code, day)
                if heir is not None:
                    heirs[heir].append(code)
        return {heir: tuple(sorted(codes)) for heir, codes in heirs.items()}

    def _applies_on(self, indicator: Indicator, unit: Unit, year: int, day: date) -> bool:
        fits = unit.valid_on(day) and _fits(indicator, unit.tags, day)
        return fits and self._leads_if_it_must(indicator, unit, year)

    def _fitting(self, edition: Edition, unit: Unit, year: int, day: date) -> tuple[Indicator, ...]:
        """The indicators that fit all units of the same tags and leads: of thousands of units there are a few kinds."""
        leads = None if unit.is_region else self._leads.get((year, unit.unit_code), frozenset())
        key = (edition.digest, unit.tags, day, leads)
        if key not in self._fitting_kinds:
            self._fitting_kinds[key] = tuple(
                one
                for one in edition.indicators
                if _fits(one, unit.tags, day) and self._leads_if_it_must(one, unit, year)
            )
        return self._fitting_kinds[key]

    def _leads_if_it_must(self, indicator: Indicator, unit: Unit, year: int) -> bool:
        if indicator.group is not Group.LEAD or unit.is_region:
            return True
        return indicator.code in self._leads.get((year, unit.unit_code), ())


def _indicators_led(tasks: Iterable[LeadTask]) -> dict[tuple[int, str], frozenset[str]]:
    """By year and leading unit."""
    led: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for task in tasks:
        led[task.year, task.lead_unit_code] |= set(task.indicator_codes)
    return {key: frozenset(codes) for key, codes in led.items()}


def _latest_for_all(row: Source) -> tuple[bool, int]:
    return not row.region, row.from_year or 0


def _authority(row: Source | None) -> str | None:
    return row.authority_unit_code if row is not None and row.kind == "office" else None


def _fits(indicator: Indicator, tags: frozenset[Tag], day: date) -> bool:
    return indicator.in_force(day) and bool(indicator.categories & tags)


_Interval = tuple[str, date, date | None]
_Dated = TypeVar("_Dated", LeadTask, Adjustment)


def _by_code(units: Iterable[Unit]) -> dict[str, tuple[Unit, ...]]:
    records: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in sorted(units, key=lambda unit: (unit.unit_code, unit.valid_from)):
        records[unit.unit_code].append(unit)
    return {code: tuple(rows) for code, rows in records.items()}


def _by_name(units: Iterable[Unit], aliases: Iterable[Alias]) -> dict[str, list[_Interval]]:
    names: defaultdict[str, list[_Interval]] = defaultdict(list)
    for unit in units:
        for name in {unit.name_zh, unit.short_name_zh} - {""}:
            names[_comparable(name)].append((unit.unit_code, unit.valid_from, unit.valid_to))
    for alias in aliases:
        names[_comparable(alias.alias_zh)].append((alias.unit_code, alias.valid_from, alias.valid_to))
    return dict(names)


def _by_source(sources: Iterable[Source]) -> dict[str, tuple[Source, ...]]:
    rows: defaultdict[str, list[Source]] = defaultdict(list)
    for source in sorted(sources, key=lambda source: (source.source, source.from_year or 0, source.region)):
        rows[source.source].append(source)
    return {name: tuple(found) for name, found in rows.items()}


def _by_year(records: Iterable[_Dated]) -> dict[int, tuple[_Dated, ...]]:
    years: defaultdict[int, list[_Dated]] = defaultdict(list)
    for record in records:
        years[record.year].append(record)
    return {year: tuple(found) for year, found in years.items()}


def _comparable(name: str) -> str:
    """A name without blanks and width differences (NFKC)."""
    return "".join(unicodedata.normalize("NFKC", name).split())
