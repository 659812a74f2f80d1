"""Regions, units and years by their names. In: the ground, a day. Out: what may be chosen, and what it is called."""

from collections.abc import Iterable
from datetime import date

from fazhi.registry import Registry
from fazhi.registry.records import Unit
from fazhi.systems import Editions

_FIRST_YEAR = 2000


def known_regions(registry: Registry) -> tuple[str, ...]:
    """The division codes of all regions that have or ever had a unit, in order."""
    return tuple(sorted({registry.region_of(unit) for unit in registry.units}))


def begun_years(editions: Editions, today: date) -> tuple[int, ...]:
    """The assessment years that have begun and have an edition, the newest first."""
    return tuple(
        year
        for year in range(today.year, _FIRST_YEAR, -1)
        if any(edition.covers_year(year) for edition in editions.all)
    )


def region_name(registry: Registry, region: str, *, english: bool = False) -> str:
    """The name of a region as its government bears it last; the code itself where none does."""
    governments = [
        unit for unit in registry.units if unit.division_code == region and unit.level in ("city", "province")
    ]
    highest = sorted(governments, key=lambda unit: (bool(unit.parent_code), unit.unit_code))
    return _named(highest[:1], english) or region


def unit_name(registry: Registry, unit_code: str, day: date) -> str:
    """The short name of a unit on a day, or the last one it bore; the code itself for an unknown unit."""
    on_day = registry.unit_on(unit_code, day)
    if on_day is not None:
        return on_day.short_name_zh
    return _named(registry.records_of(unit_code)[-1:], False) or unit_code


def _named(units: Iterable[Unit], english: bool) -> str:
    return next(((unit.name_en if english else unit.short_name_zh) for unit in units), "")
