"""The findings in force. In: a connection and a year. Out: findings of the current submissions, worded.

A slice's findings are those found while reading its current parses (``validation_id`` null) and those of its
current validation. What stood on a replaced revision, or under an earlier validation, is kept but not in
force.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from fazhi.model.terms import Severity
from fazhi.sheets.cover import COVER_SHEET
from fazhi.store.tables import current_parse, current_validation, finding
from fazhi.systems.edition import code_key

_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_NO_CODE: tuple[tuple[str, int], ...] = ()


def current_findings(
    connection: Connection, year: int, unit: str | None = None, severity: str | None = None
) -> list[dict[str, Any]]:
    """The findings in force, by unit, then whole files first, then indicator, period and place as one reads.

    Args:
        connection: An open connection.
        year: The assessment year.
        unit: Only findings about this unit.
        severity: Only findings of this severity.

    Returns:
        The columns of ``finding``; ``related`` is a list, ``value`` the text found.
    """
    conditions = [_in_force(year)]
    if unit is not None:
        conditions.append(finding.c.unit_code == unit)
    if severity is not None:
        conditions.append(finding.c.severity == severity)
    rows = [dict(row) for row in connection.execute(select(finding).where(*conditions)).mappings()]
    for row in rows:
        row["related"] = json.loads(row["related"])
        row["value"] = row["value_raw"]
    return sorted(rows, key=_order)


def counts_by_severity(connection: Connection, year: int) -> dict[str, int]:
    """How many findings in force each severity has; every severity is named."""
    statement = select(finding.c.severity, func.count()).where(_in_force(year)).group_by(finding.c.severity)
    counted = {row[0]: int(row[1]) for row in connection.execute(statement)}
    return {severity.value: counted.get(severity.value, 0) for severity in Severity}


def _in_force(year: int) -> ColumnElement[bool]:
    parses = select(current_parse.c.parse_id).where(current_parse.c.year == year)
    validations = select(current_validation.c.validation_id).where(current_validation.c.year == year)
    return and_(
        finding.c.parse_id.in_(parses),
        or_(finding.c.validation_id.is_(None), finding.c.validation_id.in_(validations)),
    )


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    code = row["indicator_code"]
    return (
        row["unit_code"],
        code is not None,
        code_key(code) if code is not None else _NO_CODE,
        row["period"],
        (row["sheet"] not in (None, COVER_SHEET), row["sheet"] or ""),
        _place(row["cell"] or ""),
        row["check_id"],
        row["finding_id"],
    )


def _place(cell: str) -> tuple[int, int, str]:
    """A cell in the order in which one reads: ``A9`` before ``A33``, line 9 of a CSV before line 33."""
    match = _CELL.fullmatch(cell)
    if match is not None:
        return int(match[2]), len(match[1]), match[1]
    line, _, title = cell.partition(":")
    return (int(line), 0, title) if line.isascii() and line.isdigit() else (0, 0, cell)
