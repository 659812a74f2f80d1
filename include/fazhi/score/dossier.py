"""One stored result with all it was made of. In: a unit, a year, a version. Out: its rows, in their order.

Explanation, comparison and workbook read a result through here, so that all three tell of the same rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.score.results import Key, rows_of
from fazhi.store.tables import (
    current_result,
    decision,
    result,
    result_adjustment,
    result_input,
    result_line,
)
from fazhi.systems.edition import code_key

_Row = Row[Any]


@dataclass(frozen=True)
class Dossier:
    """A version of a unit's result."""

    head: _Row
    lines: Sequence[_Row]
    """In code order."""
    events: Sequence[_Row]
    inputs: Mapping[str, Sequence[_Row]]
    """The values used, by indicator, in the order of periods."""
    decisions: Sequence[_Row]
    """The decisions in force on the unit's values of the year, in the order they were taken."""


def current_version(connection: Connection, year: int, unit_code: str) -> int:
    """The version of the result that the unit has now.

    Raises:
        UsageError: It has none.
    """
    statement = select(current_result.c.version).where(
        current_result.c.year == year, current_result.c.unit_code == unit_code
    )
    version: int | None = connection.execute(statement).scalar_one_or_none()
    if version is not None:
        return version
    raise UsageError(f"{unit_code} 在{year}年没有得分；请先执行 fazhi score --year {year}")


def read_dossier(connection: Connection, year: int, unit_code: str, version: int | None = None) -> Dossier:
    """Read one version of a result; the one the unit has now unless told otherwise.

    Raises:
        UsageError: There is no such result.
    """
    if version is None:
        version = current_version(connection, year, unit_code)
    keys: list[Key] = [(unit_code, version)]
    heads = rows_of(connection, result, year, keys)
    if not heads:
        raise UsageError(f"没有 {unit_code} 在{year}年的第 {version} 版得分")
    inputs: dict[str, list[_Row]] = {}
    for row in sorted(rows_of(connection, result_input, year, keys), key=_input_order):
        inputs.setdefault(row.indicator_code, []).append(row)
    return Dossier(
        head=heads[0],
        lines=sorted(rows_of(connection, result_line, year, keys), key=lambda r: code_key(r.indicator_code)),
        events=sorted(rows_of(connection, result_adjustment, year, keys), key=lambda row: row.event_no),
        inputs=inputs,
        decisions=_decisions(connection, year, unit_code),
    )


def _input_order(row: _Row) -> tuple[int, int]:
    return Period.parse(row.period).rank, row.input_no


def _decisions(connection: Connection, year: int, unit_code: str) -> list[_Row]:
    """The newest decision of each key; what was later refused or withdrawn is told as such."""
    statement = (
        select(decision)
        .where(decision.c.year == year, decision.c.unit_code == unit_code)
        .order_by(decision.c.decision_id)
    )
    newest = {
        (row.kind, row.indicator_code, row.period, row.rule, row.value_digest): row
        for row in connection.execute(statement)
    }
    return sorted(newest.values(), key=lambda row: (code_key(row.indicator_code), row.decision_id))
