"""Small registries and editions written by hand. In: rows unlike sound ones. Out: files, editions."""

import csv
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from fazhi.model.terms import (
    Aggregation,
    Frequency,
    Group,
    Reporting,
    RuleType,
    Tag,
    ValueType,
    ZeroDenominator,
)
from fazhi.model.unit_code import check_character, organisation_check
from fazhi.systems.edition import Edition, Indicator, Profile

UNIT_COLUMNS = [
    "unit_code",
    "name_zh",
    "name_en",
    "short_name_zh",
    "division_code",
    "level",
    "parent_code",
    "tags",
    "scored_by",
    "valid_from",
    "valid_to",
    "successor_code",
]
SOURCE_COLUMNS = ["source", "name_zh", "kind", "authority_unit_code", "years", "division_code"]
ALIAS_COLUMNS = ["unit_code", "alias_zh", "valid_from", "valid_to"]
TASK_COLUMNS = ["year", "task_id", "title_zh", "lead_unit_code", "co_unit_codes", "indicator_codes", "due"]
ADJUSTMENT_COLUMNS = [
    "year",
    "unit_code",
    "code",
    "level",
    "count",
    "indicator_code",
    "title_zh",
    "document",
    "drafted_by",
    "approved_by",
    "approved_on",
]
EXCEPTION_COLUMNS = ["unit_code", "reason_zh", "document", "approved_by", "approved_on"]


def made_up_code(number: int, division: str = "150200") -> str:
    """A synthetic unit code with both check characters right."""
    organisation = f"MB1T{number:04d}"
    first_seventeen = f"11{division}{organisation}{organisation_check(organisation)}"
    return first_seventeen + check_character(first_seventeen)


def unit_row(number: int, **changes: str) -> dict[str, str]:
    """A sound row of units.csv: a lead department of a made-up city (合成数据)."""
    row = {
        "unit_code": made_up_code(number),
        "name_zh": f"合成市第{number}局",
        "name_en": f"Synthetic Bureau {number}",
        "short_name_zh": f"市{number}局",
        "division_code": "150200",
        "level": "city",
        "parent_code": "",
        "tags": "LEAD",
        "scored_by": "local",
        "valid_from": "2021-01-01",
        "valid_to": "",
        "successor_code": "",
    }
    return row | changes


def source_row(
    source: str, kind: str, authority: str = "", years: str = "", division: str = ""
) -> dict[str, str]:
    return {
        "source": source,
        "name_zh": f"来源{source}",
        "kind": kind,
        "authority_unit_code": authority,
        "years": years,
        "division_code": division,
    }


def task_row(year: int, lead: str, codes: str, **changes: str) -> dict[str, str]:
    row = {
        "year": str(year),
        "task_id": f"{year}-001",
        "title_zh": "合成任务",
        "lead_unit_code": lead,
        "co_unit_codes": "",
        "indicator_codes": codes,
        "due": f"{year}-12-20",
    }
    return row | changes


def adjustment_row(year: int, unit: str, code: str, **changes: str) -> dict[str, str]:
    row = {
        "year": str(year),
        "unit_code": unit,
        "code": code,
        "level": "",
        "count": "1",
        "indicator_code": "",
        "title_zh": "合成事件",
        "document": "合成〔2024〕1号",
        "drafted_by": "drafter-1",
        "approved_by": "approver-1",
        "approved_on": f"{year}-12-01",
    }
    return row | changes


def write_rows(path: Path, columns: list[str], rows: list[dict[str, str]], newline: str = "\n") -> None:
    """Write a CSV file of the registry."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator=newline)
        writer.writeheader()
        writer.writerows(rows)


def write_registry(
    folder: Path,
    units: list[dict[str, str]],
    sources: list[dict[str, str]] | None = None,
    **others: list[dict[str, str]],
) -> Path:
    """Write a registry; ``others`` may be aliases, tasks, adjustments, exceptions."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "units.csv", UNIT_COLUMNS, units)
    write_rows(folder / "sources.csv", SOURCE_COLUMNS, sources or [source_row("SUB", "submission")])
    files = {
        "aliases": ("unit_aliases.csv", ALIAS_COLUMNS),
        "tasks": ("lead_tasks.csv", TASK_COLUMNS),
        "adjustments": ("adjustments.csv", ADJUSTMENT_COLUMNS),
        "exceptions": ("code_exceptions.csv", EXCEPTION_COLUMNS),
    }
    for name, rows in others.items():
        write_rows(folder / files[name][0], files[name][1], rows)
    return folder


def indicator(code: str, **changes: Any) -> Indicator:
    """A COMMON count indicator of every kind of unit, reported by the unit itself."""
    given: dict[str, Any] = {
        "code": code,
        "l1_code": code[0],
        "l1_zh": "一级",
        "l1_en": "first",
        "l2_code": code[:2],
        "l2_zh": "二级",
        "l2_en": "second",
        "name_zh": f"指标{code}",
        "name_en": f"Indicator {code}",
        "unit_zh": "件",
        "value_type": ValueType.COUNT,
        "ratio_kind": None,
        "numerator_zh": "件数",
        "denominator_zh": "",
        "direction": "higher_better",
        "full_mark": 100,
        "rule_type": RuleType.LINEAR,
        "rule_params": {"floor": Fraction(0), "target": Fraction(1)},
        "zero_denominator": ZeroDenominator.NA,
        "categories": frozenset({Tag.REGION, Tag.LEAD, Tag.ENF, Tag.SINGLE}),
        "group": Group.COMMON,
        "evidence_zh": "",
        "frequency": Frequency.YEARLY,
        "reporting": Reporting.CURRENT,
        "aggregation": Aggregation.SUM,
        "sources": ("SUB",),
        "legal_basis": "",
        "legal_basis_status": "unverified",
        "source_reference": "",
        "effective_from": date(2021, 1, 1),
        "effective_to": None,
    }
    return Indicator(**(given | changes))


def edition(
    *indicators: Indicator, system_id: str = "2024", years: tuple[int, int | None] = (2021, None)
) -> Edition:
    """An edition with the profiles REGION, LEAD and ENF and nothing else that the registry looks at."""
    shares = {Group.COMMON: Fraction(40), Group.FUNCTION: Fraction(60), Group.LEAD: Fraction(0)}
    return Edition(
        system_id=system_id,
        title_zh="合成指标体系",
        title_en="synthetic",
        from_year=years[0],
        to_year=years[1],
        shares={None: "0.10"},
        total_points=Fraction(1000),
        profiles=tuple(
            Profile(tag.value, frozenset({tag}), shares) for tag in (Tag.REGION, Tag.LEAD, Tag.ENF)
        ),
        multipliers={},
        grades=(),
        top_grade_quota=Fraction(3, 10),
        cap_bonus=500,
        cap_total=10000,
        component_on_veto="keep",
        deadlines={},
        notes="",
        indicators=indicators,
        checks=(),
        digest="0" * 64,
    )


@dataclass(frozen=True)
class HandMadeEditions:
    """Editions as the registry sees them."""

    all: tuple[Edition, ...]
