"""What goes back to departments. In: nothing. Out: filled workbooks (合成数据), findings and heads for the tests."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from fazhi.intake import asked_indicators, write_workbook
from fazhi.model.period import Period
from fazhi.model.terms import Severity, Tag, ValueType
from fazhi.registry import Registry, Unit, load_registry
from fazhi.review import Listed, ReturnHead
from fazhi.settings import PROJECT_ROOT
from fazhi.systems import Editions, load_editions

TODAY = date(2026, 3, 1)
EVIDENCE = "佐证（合成数据）.txt"
COVER = {
    "填报人": "合成数据甲",
    "审核人": "合成数据乙",
    "签发人": "合成数据丙",
    "填报日期": "2025-01-10",
    "联系电话": "0472-0000000",
}
_FILLED: Mapping[ValueType, Mapping[str, Any]] = {
    ValueType.RATIO: {"numerator": 8, "denominator": 9},
    ValueType.COUNT: {"value": 12},
    ValueType.AMOUNT: {"value": 12},
    ValueType.SCORE: {"value": 88},
    ValueType.BOOLEAN: {"boolean": "是"},
}


@cache
def shipped() -> tuple[Editions, Registry]:
    """The editions and the registry of the project."""
    editions = load_editions(PROJECT_ROOT / "include" / "indicator_systems")
    return editions, load_registry(PROJECT_ROOT / "include" / "registry", editions)


@cache
def department(year: int = 2024) -> Unit:
    """A department that leads and enforces."""
    _, registry = shipped()
    return next(
        unit
        for unit in registry.units_on(date(year, 12, 31))
        if {Tag.LEAD, Tag.ENF} <= unit.tags and not unit.is_region
    )


def fill(
    path: Path,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    period: str = "2024",
    unit: Unit | None = None,
    cover: Mapping[str, str] | None = None,
) -> dict[str, int]:
    """Write a workbook that is filled without a fault, but for the changes; the row of each indicator."""
    key = (repr(changes), period, unit.unit_code if unit is not None else "", repr(cover))
    if key not in _WRITTEN:
        rows = _write(path, changes, period, unit, cover)
        _WRITTEN[key] = (path.read_bytes(), rows)
    content, rows = _WRITTEN[key]
    path.write_bytes(content)
    (path.parent / EVIDENCE).write_text("合成数据", encoding="utf-8")
    return rows


_WRITTEN: dict[tuple[str, str, str, str], tuple[bytes, dict[str, int]]] = {}
"""Workbooks written before; writing one costs more than most tests."""


def _write(
    path: Path,
    changes: Mapping[str, Mapping[str, Any]] | None,
    period: str,
    unit: Unit | None,
    cover: Mapping[str, str] | None,
) -> dict[str, int]:
    editions, registry = shipped()
    asked_period = Period.parse(period)
    edition = editions.for_year(asked_period.year)
    who = unit or department(asked_period.year)
    rows = []
    for indicator in asked_indicators(edition, registry, who, asked_period, TODAY):
        own: dict[str, Any] = {"indicator_code": indicator.code, "evidence": EVIDENCE}
        if indicator.value_type is ValueType.DATE:
            offset = int(indicator.rule_params.get("year_offset", 0))
            own["date"] = date(asked_period.year + offset, 1, 8)
        else:
            own |= _FILLED[indicator.value_type]
        rows.append(own | dict((changes or {}).get(indicator.code, {})))
    write_workbook(
        edition, registry, who, asked_period, rows, path, today=TODAY, cover={**COVER, **(cover or {})}
    )
    return {row["indicator_code"]: number for number, row in enumerate(rows, 3)}


def head(**kwargs: Any) -> ReturnHead:
    """What a list says above its table."""
    editions, _ = shipped()
    return ReturnHead(
        **{
            "file_name": "填报表.xlsx",
            "sha256": "0" * 64,
            "unit_code": "CODE-甲单位",
            "unit_zh": "甲单位（合成数据）",
            "period_zh": "2024年",
            "edition": editions.by_id("2024"),
            "made_at": "2026-03-01 09:00",
            **kwargs,
        }
    )


def finding(
    cell: str | None = "E3",
    *,
    sheet: str | None = "填报表",
    severity: Severity = Severity.BLOCK,
    rule: str = "NUM_GT_DEN",
    **kwargs: Any,
) -> Listed:
    """One finding."""
    return Listed(
        **{
            "rule": rule,
            "severity": severity,
            "indicator_code": "A1.1",
            "indicator_zh": "行政许可事项清单动态调整率",
            "sheet": sheet,
            "cell": cell,
            "value": "12",
            "expected": "9",
            "related": (),
            "message_zh": f"{rule} 在 {cell} 的说明。",
            "message_en": "message",
            "fix_zh": f"{cell} 这样更正。",
            "legal_basis": "《统计法》",
            "legal_basis_status": "unverified",
            **kwargs,
        }
    )
