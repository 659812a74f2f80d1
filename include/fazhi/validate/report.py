"""The validation report of a year. In: findings in force, names. Out: one self-contained Chinese HTML page.

By unit, whole files first, then by indicator: which cell, what was found, what is expected, how to put it
right. The page loads nothing from anywhere, every finding is on it, and whatever a department wrote is
escaped; the page's own style and script are allowed by their digests, so that nothing else can run.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Connection, Engine, func, select

from fazhi.model.period import Period
from fazhi.model.terms import SEVERITY_ZH, Severity
from fazhi.registry import Registry
from fazhi.store.engine import read
from fazhi.store.findings import current_findings
from fazhi.store.tables import current_parse, current_validation, parse, submission_file, validation
from fazhi.systems.edition import Edition
from fazhi.systems.wording import BASIS_STATUS_ZH

MEANING_ZH: Mapping[Severity, str] = {
    Severity.BLOCK: "更正并重新报送之前不计分",
    Severity.HOLD: "由考评办审核决定之前不计分",
    Severity.WARN: "请更正，或者说明情况并确认",
    Severity.NOTE: "系统已自动处理，请核对",
    Severity.SECURITY: "有关内容已隔离，没有采用",
}
"""What each severity means for a department."""


_CSV_ADDRESS = re.compile(r"\b([0-9]+):(\w+)")


@dataclass(frozen=True)
class _Item:
    """One finding as the page shows it."""

    severity: str
    rule: str
    period: str
    place: str
    file: str
    found: str
    expected: str
    message: str
    fix: str
    basis: str
    related: str
    reported_by: str


@dataclass(frozen=True)
class _Indicator:
    code: str
    name: str
    items: tuple[_Item, ...]


@dataclass(frozen=True)
class _Unit:
    """A unit's part of the page; ``files`` are findings about whole files."""

    code: str
    name: str
    anchor: str
    counts: Mapping[str, int]
    files: tuple[_Item, ...]
    indicators: tuple[_Indicator, ...]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class _Sender:
    """Whose submission a finding stands on."""

    kind: str
    code: str
    file: str


def write_report(
    engine: Engine,
    year: int,
    registry: Registry,
    edition: Edition,
    out_path: Path,
    *,
    run_id: str,
    today: date,
    now: datetime,
) -> None:
    """Write the page; it appears whole or not at all.

    Args:
        engine: The store.
        year: The assessment year.
        registry: Names of units.
        edition: Names of indicators.
        out_path: The HTML file; its folder is made.
        run_id: The run that asked for it, shown on the page.
        today: The current day in Asia/Shanghai.
        now: The moment shown on the page.

    Raises:
        UsageError: The year has not begun.
    """
    day = registry.deciding_day(year, today)
    with read(engine) as connection:
        page = _page(connection, year, registry, edition, day)
    html = _render(
        **page,
        year=year,
        edition=edition,
        run_id=run_id,
        written_at=now.strftime("%Y年%-m月%-d日 %H:%M"),
    )
    out_path.parent.mkdir(parents=True, exist_ok=True)
    temporary = out_path.with_name(f".{out_path.name}.{os.getpid()}.part")
    temporary.write_text(html, encoding="utf-8")
    temporary.replace(out_path)


def _page(
    connection: Connection, year: int, registry: Registry, edition: Edition, day: date
) -> dict[str, Any]:
    found = current_findings(connection, year)
    senders = _senders(connection, year)
    units = _units(found, senders, registry, edition, day)
    totals = _counts(found)
    return {
        "units": units,
        "totals": [
            (severity.value, SEVERITY_ZH[severity], MEANING_ZH[severity], totals[severity.value])
            for severity in Severity
        ],
        "total": len(found),
        "severity_zh": {severity.value: SEVERITY_ZH[severity] for severity in Severity},
        **_checked(connection, year),
    }


def _checked(connection: Connection, year: int) -> dict[str, Any]:
    """How much was looked at, and when last."""
    submissions = select(func.count()).select_from(current_parse).where(current_parse.c.year == year)
    values = (
        select(func.coalesce(func.sum(validation.c.values_checked), 0), func.max(validation.c.validated_at))
        .join(current_validation, current_validation.c.validation_id == validation.c.validation_id)
        .where(current_validation.c.year == year)
    )
    checked, last = connection.execute(values).one()
    return {
        "submissions": int(connection.execute(submissions).scalar_one()),
        "values_checked": int(checked),
        "validated_at": last,
    }


def _senders(connection: Connection, year: int) -> dict[int, _Sender]:
    files = {
        (row.submission_id, row.revision): row.name
        for row in connection.execute(
            select(submission_file.c.submission_id, submission_file.c.revision, submission_file.c.name)
            .where(submission_file.c.role == "workbook")
            .order_by(submission_file.c.name.desc())
        )
    }
    statement = (
        select(parse.c.parse_id, parse.c.kind, parse.c.sender_code, parse.c.submission_id, parse.c.revision)
        .join(current_parse, current_parse.c.parse_id == parse.c.parse_id)
        .where(current_parse.c.year == year)
    )
    return {
        row.parse_id: _Sender(row.kind, row.sender_code, files.get((row.submission_id, row.revision), ""))
        for row in connection.execute(statement)
    }


def _units(
    found: Sequence[Mapping[str, Any]],
    senders: Mapping[int, _Sender],
    registry: Registry,
    edition: Edition,
    day: date,
) -> list[_Unit]:
    """One part per unit, in the order of the registry's codes."""
    names = _Names(registry, day, edition)
    by_unit: dict[str, list[Mapping[str, Any]]] = {}
    for one in found:
        by_unit.setdefault(one["unit_code"], []).append(one)
    return [
        _Unit(
            code=code or "（没有填写）",
            name=names.of(code) if code else "没有填写单位代码的行",
            anchor=f"unit-{number}",
            counts=_counts(of_unit),
            files=tuple(
                _item(one, senders[one["parse_id"]], names)
                for one in of_unit
                if one["indicator_code"] is None
            ),
            indicators=_indicators(of_unit, senders, names, edition),
        )
        for number, (code, of_unit) in enumerate(sorted(by_unit.items()), start=1)
    ]


def _indicators(
    of_unit: Sequence[Mapping[str, Any]], senders: Mapping[int, _Sender], names: "_Names", edition: Edition
) -> tuple[_Indicator, ...]:
    by_code: dict[str, list[_Item]] = {}
    for one in of_unit:
        if one["indicator_code"] is not None:
            by_code.setdefault(one["indicator_code"], []).append(_item(one, senders[one["parse_id"]], names))
    return tuple(
        _Indicator(
            code=code,
            name=edition.by_code[code].name_zh if code in edition.by_code else "不在指标体系中的编码",
            items=tuple(items),
        )
        for code, items in by_code.items()
    )


def _item(one: Mapping[str, Any], sender: _Sender, names: "_Names") -> _Item:
    place = _place(" ".join(filter(None, (one["sheet"], one["cell"])))) or "整个文件"
    other = sender.kind == "office" or sender.code != one["unit_code"]
    return _Item(
        severity=one["severity"],
        rule=one["rule"],
        period=Period.parse(one["period"]).name_zh,
        place=place,
        file=f"{sender.file or one['submission_id']}（第 {one['revision']} 次报送）",
        found=one["value_raw"] or "",
        expected=one["expected"] or "",
        message=one["message_zh"],
        fix=one["fix_zh"],
        basis=names.basis(one["check_id"]),
        related="、".join(map(_place, one["related"])),
        reported_by=names.of(sender.code) if other else "",
    )


def _place(address: str) -> str:
    """An address as a person says it: in a CSV ``12:value`` is line 12, column ``value``."""
    return _CSV_ADDRESS.sub(r"第 \1 行 \2 列", address)


class _Names:
    """What units were called on a day, or last, and the legal bases of checks; the code of a unit nobody knows."""

    def __init__(self, registry: Registry, day: date, edition: Edition) -> None:
        self._bases = {check.check_id: check for check in edition.checks}
        latest = {unit.unit_code: unit.name_zh for unit in registry.units}
        self._names = {**latest, **{unit.unit_code: unit.name_zh for unit in registry.units_on(day)}}

    def of(self, code: str) -> str:
        return self._names.get(code, f"未登记的单位 {code}")

    def basis(self, check_id: str) -> str:
        """The legal basis of a check with its status; empty for a check that the edition no longer has."""
        check = self._bases.get(check_id)
        if check is None or not check.legal_basis:
            return ""
        return f"{check.legal_basis}（{BASIS_STATUS_ZH[check.legal_basis_status]}）"


def _counts(found: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counts = {severity.value: 0 for severity in Severity}
    for one in found:
        counts[one["severity"]] += 1
    return counts


def _render(**page: Any) -> str:
    files = resources.files("fazhi.validate")
    style, script = (
        files.joinpath(name).read_text(encoding="utf-8") for name in ("report.css", "report_js.j2")
    )
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files.joinpath("report.html.j2").read_text(encoding="utf-8"))
    return template.render(
        **page,
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - a file of this package
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def _digest(text: str) -> str:
    """The form that a Content-Security-Policy names a style or script by."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
