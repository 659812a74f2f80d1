"""Made-up units beyond the registry. In: a registry's folder and a number. Out: a folder with more units.

Made-up units say so in their names (合成单位0001); their credit codes are synthetic with valid check digits.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from fazhi.model.terms import Group, Tag
from fazhi.model.unit_code import check_character, organisation_check
from fazhi.registry import Registry, Unit
from fazhi.registry.reading import FORMS, SOURCES
from fazhi.synth.dice import Dice
from fazhi.systems import Editions

_TAGS = (
    frozenset({Tag.ENF}),
    frozenset({Tag.LEAD, Tag.ENF}),
    frozenset({Tag.SINGLE}),
    frozenset({Tag.LEAD}),
)
"""The kinds of made-up units, in turn."""

_MOST = 99_999


def synthetic_code(number: int, division_code: str) -> str:
    """The code of made-up unit ``number`` (1 to 99999): right in form and check digits, nobody's."""
    body = f"MB9{number:05d}"
    first_seventeen = f"11{division_code}{body}{organisation_check(body)}"
    return first_seventeen + check_character(first_seventeen)


def write_enlarged_registry(
    registry_dir: Path,
    out: Path,
    registry: Registry,
    editions: Editions,
    years: Sequence[int],
    more: int,
    regions: int = 1,
) -> None:
    """Copy a registry and add made-up units, a task a year for those that lead, and authorities in each made-up city.

    Args:
        registry_dir: The folder to copy.
        out: The new folder.
        registry: The registry of ``registry_dir``; its first department says where the new ones belong.
        editions: Name the indicators of lead tasks.
        years: The years that need lead tasks.
        more: How many units to add.
        regions: Over how many cities they are dealt in turn: the registry's own, then made-up ones.

    Raises:
        ValueError: More units or regions than there are codes.
    """
    if more > _MOST:
        raise ValueError(f"at most {_MOST} made-up units")
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(registry_dir.glob("*.csv")):
        (out / path.name).write_bytes(path.read_bytes())
    pattern = next(unit for unit in registry.units if unit.is_scored and not unit.is_region)
    since = date(min(edition.from_year for edition in editions.all), 1, 1)
    divisions = _divisions(pattern.division_code, regions)
    units = [_made_up(number, pattern, divisions[number % regions], since) for number in range(1, more + 1)]
    _append(out / "units.csv", [_unit_cells(unit) for unit in units])
    _add_authorities(out / SOURCES.file, units, pattern.division_code)
    leading = [unit for unit in units if Tag.LEAD in unit.tags]
    _append(
        out / "lead_tasks.csv",
        [_task_cells(unit, year, editions) for year in sorted(years) for unit in leading],
    )


def _divisions(own: str, regions: int) -> list[str]:
    """The division codes of so many cities of a province, a given one first."""
    others = (f"{own[:2]}{city:02d}00" for city in range(1, 100))
    found = [own, *(code for code in others if code != own)]
    if not 1 <= regions <= len(found):
        raise ValueError(f"1 to {len(found)} regions")
    return found[:regions]


def _made_up(number: int, pattern: Unit, division_code: str, since: date) -> Unit:
    return Unit(
        unit_code=synthetic_code(number, division_code),
        name_zh=f"合成单位{number:04d}",
        name_en=f"Synthetic unit {number:04d}",
        short_name_zh=f"合成{number:04d}",
        division_code=division_code,
        level=pattern.level,
        parent_code=pattern.parent_code if division_code == pattern.division_code else "",
        tags=_TAGS[number % len(_TAGS)],
        scored_by="local",
        valid_from=since,
        valid_to=None,
        successor_code="",
    )


def _add_authorities(path: Path, units: Sequence[Unit], own: str) -> None:
    """Let units of each made-up city report there what the registry's own offices report in theirs."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    of_city: defaultdict[str, list[Unit]] = defaultdict(list)
    for unit in units:
        if unit.division_code != own:
            of_city[unit.division_code].append(unit)
    added = [row for city, theirs in sorted(of_city.items()) for row in _offices_of(city, theirs, rows)]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, SOURCES.all_columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows([*rows, *added])


def _offices_of(city: str, units: Sequence[Unit], rows: Sequence[dict[str, str]]) -> Iterator[dict[str, str]]:
    offices = [row for row in rows if row["kind"] == "office" and not row.get("division_code")]
    authorities = sorted({row["authority_unit_code"] for row in offices})
    for row in offices:
        unit = units[authorities.index(row["authority_unit_code"]) % len(units)]
        yield {**row, "authority_unit_code": unit.unit_code, "division_code": city}


def _unit_cells(unit: Unit) -> dict[str, str]:
    return {
        "unit_code": unit.unit_code,
        "name_zh": unit.name_zh,
        "name_en": unit.name_en,
        "short_name_zh": unit.short_name_zh,
        "division_code": unit.division_code,
        "level": unit.level,
        "parent_code": unit.parent_code,
        "tags": ";".join(sorted(unit.tags)),
        "scored_by": unit.scored_by,
        "valid_from": unit.valid_from.isoformat(),
    }


def _task_cells(unit: Unit, year: int, editions: Editions) -> dict[str, str]:
    last_day = date(year, 12, 31)
    codes = [
        indicator.code
        for indicator in editions.for_year(year).indicators
        if indicator.group is Group.LEAD and Tag.LEAD in indicator.categories and indicator.in_force(last_day)
    ]
    # the same tasks each year: a figure that another task's figure must agree with would else jump
    named = {Dice("lead task", unit.unit_code, draw).pick(codes) for draw in range(2)} if codes else set()
    return {
        "year": str(year),
        "task_id": f"{year}-S{unit.short_name_zh.removeprefix('合成')}",
        "title_zh": f"{unit.name_zh}牵头任务（合成数据）",
        "lead_unit_code": unit.unit_code,
        "indicator_codes": ";".join(sorted(named)),
        "due": f"{year}-12-20",
    }


def _append(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Add rows under the file's own header; cells that a row does not fill stay empty."""
    if not path.is_file():
        columns = next(form.columns for form in FORMS if form.file == path.name)
        path.write_text(",".join(columns) + "\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8-sig")
    header = next(csv.reader(text.splitlines()))
    with path.open("a", encoding="utf-8", newline="") as file:
        if not text.endswith("\n"):
            file.write("\n")
        writer = csv.DictWriter(file, header, lineterminator="\n")
        writer.writerows({name: row.get(name, "") for name in header} for row in rows)
