"""The shipped edition and registry with made-up values (合成数据) for all units or a few."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle

from sqlalchemy import Engine

from fazhi.model.period import due_periods
from fazhi.model.terms import Stage, ValueType
from fazhi.registry import Registry
from fazhi.systems.edition import Edition
from support.scoring import YEAR, World


@dataclass(frozen=True)
class FilledCity:
    """A scored year of the shipped registry."""

    engine: Engine
    edition: Edition
    registry: Registry
    year: int
    filled: tuple[str, ...]
    """The units that values were reported for."""


def _parts(number: int, kind: ValueType) -> dict[str, object]:
    """The same figures come round again, zero denominators, decimals and late dates among them."""
    if kind is ValueType.RATIO:
        denominator = (0, 7, 12, 30, 101)[number % 5]
        return {"numerator": denominator - (number % 3 if denominator else 0), "denominator": denominator}
    if kind is ValueType.BOOLEAN:
        return {"boolean": int(number % 7 != 0)}
    if kind is ValueType.DATE:
        return {"date_value": (date(YEAR, 3, 20) + timedelta(days=number % 45)).isoformat()}
    return {"amount": f"{number % 97}.5" if kind is ValueType.SCORE else number % 5}


def filled_city(
    engine: Engine,
    edition: Edition,
    registry: Registry,
    stage: Stage,
    *,
    year: int = YEAR,
    only: int | None = None,
) -> FilledCity:
    """Report for the units (the first and the last of the registry, if only some), then score."""
    world = World(engine, edition, registry, year=year)
    today = date(year + 1, 2, 1)
    units = registry.scored_units(year, today)
    chosen = units if only is None else (*units[: only - 1], units[-1])
    numbers = cycle(range(9973))
    sent: dict[tuple[str, str, str], list[dict[str, object]]] = defaultdict(list)
    for unit in chosen:
        for item in registry.applicable(edition, unit, year, today):
            if not item.rule_type.carries_weight or item.sources[0] == "SYS":
                continue
            for period in due_periods(item.frequency, year):
                number = next(numbers)
                if number % 11 == 0:
                    continue
                row = {"code": item.code, "unit": unit.unit_code, **_parts(number, item.value_type)}
                sender = unit.unit_code if item.asked_of_unit else registry.reporters(item, year)[0][1]
                sent["unit" if item.asked_of_unit else "office", sender, str(period)].append(row)
    for (kind, sender, period), rows in sent.items():
        ids = world.submit(sender, period, *rows, kind=kind)
        for value_id in ids[::37]:
            world.find("block", value_id=value_id)
    world.score(stage, today=today)
    return FilledCity(engine, edition, registry, year, tuple(unit.unit_code for unit in chosen))
