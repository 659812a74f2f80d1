"""A year's results and what they were computed from. In: the store. Out: CSV files and ``manifest.json``.

cli.md: UTF-8, line feeds, the same bytes for the same data on every database. Order of rows: ``results`` by
unit; ``lines`` by unit and indicator (``A2.9`` before ``A2.10``); ``inputs`` by unit, indicator, period (by
last day, the longer one later), then as the result lists them; ``adjustments`` by unit, then as the result
lists them. Sorting happens here, not in the database, whose collation is its own.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table

from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.score.dossier import current_version
from fazhi.score.results import Key, current_keys, in_parts, rows_of
from fazhi.store import read
from fazhi.store.tables import result, result_adjustment, result_input, result_line
from fazhi.systems.edition import code_key


@dataclass(frozen=True)
class _File:
    """One CSV: its table, its columns (header → column of the table) and the order of its rows."""

    name: str
    table: Table
    columns: Mapping[str, str]
    order: Callable[[Row[Any]], tuple[Any, ...]]


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_FILES = (
    _File(
        "inputs.csv",
        result_input,
        _same(
            "unit_code",
            "indicator_code",
            "period",
            "numerator",
            "denominator",
            "value",
            "kind",
            "submission_id",
            "file_sha256",
            "sheet",
            "cell",
            "cell_denominator",
        ),
        lambda row: (
            row.unit_code,
            code_key(row.indicator_code),
            Period.parse(row.period).rank,
            row.input_no,
        ),
    ),
    _File(
        "lines.csv",
        result_line,
        {
            "unit_code": "unit_code",
            "indicator_code": "indicator_code",
            "group": "indicator_group",
            **_same("full_mark", "weight", "rate_numerator", "rate_denominator", "points", "status"),
        },
        lambda row: (row.unit_code, code_key(row.indicator_code)),
    ),
    _File(
        "results.csv",
        result,
        _same(
            "unit_code",
            "base",
            "bonus",
            "deduction",
            "score",
            "grade",
            "rank",
            "component",
            "share",
            "total_points",
            "stage",
            "version",
            "system_id",
            "system_digest",
        ),
        lambda row: (row.unit_code,),
    ),
    _File(
        "adjustments.csv",
        result_adjustment,
        _same(
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
        ),
        lambda row: (row.unit_code, row.event_no),
    ),
)


def export_year(engine: Engine, year: int, out: Path) -> dict[str, Any]:
    """Write the newest result of every unit that has one, and what it was computed from.

    Args:
        engine: The store.
        year: The assessment year.
        out: A folder, made if need be; files of an earlier export are replaced.

    Returns:
        The manifest: ``year``, ``counts`` (rows) and ``sha256`` by file name.
    """
    out.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    digests: dict[str, str] = {}
    with read(engine) as connection:
        keys = current_keys(connection, year)
        for file in _FILES:
            rows = _rows(connection, file, year, keys)
            counts[file.name], digests[file.name] = _write(out / file.name, _lines(file, rows))
    manifest = {"year": year, "counts": counts, "sha256": digests}
    text = json.dumps(manifest, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    _write(out / "manifest.json", [text])
    return manifest


def result_as_data(
    engine: Engine, year: int, unit_code: str, version: int | None = None, *, whole: bool = True
) -> dict[str, Any]:
    """One result with what it was computed from, for machines.

    Args:
        engine: The store.
        year: The assessment year.
        unit_code: The unit.
        version: Which version; the one the unit has now unless told otherwise.
        whole: With ``inputs``, ``lines`` and ``adjustments``, each a list of rows in the columns of the export.

    Returns:
        The columns of ``results.csv`` by name, and with ``whole`` the rows of the other files.

    Raises:
        UsageError: The unit has no such result in that year.
    """
    with read(engine) as connection:
        keys = [(unit_code, version if version is not None else current_version(connection, year, unit_code))]
        found = {file.name.removesuffix(".csv"): _data(connection, file, year, keys) for file in _FILES}
    if not found["results"]:
        raise UsageError(f"没有 {unit_code} 在{year}年的第 {version} 版得分")
    (head,) = found.pop("results")
    return head | (found if whole else {})


def _data(connection: Connection, file: _File, year: int, keys: Sequence[Key]) -> list[dict[str, Any]]:
    return [
        {title: row._mapping[column] for title, column in file.columns.items()}
        for row in _rows(connection, file, year, keys)
    ]


def _rows(connection: Connection, file: _File, year: int, keys: Sequence[Key]) -> Iterator[Row[Any]]:
    for part in in_parts(keys):
        yield from sorted(rows_of(connection, file.table, year, part), key=file.order)


def _lines(file: _File, rows: Iterable[Row[Any]]) -> Iterator[str]:
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(file.columns)
    for row in rows:
        yield _taken(buffer)
        writer.writerow(
            ["" if cell is None else cell for cell in map(row._mapping.get, file.columns.values())]
        )
    yield _taken(buffer)


def _taken(buffer: StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text


def _write(path: Path, texts: Iterable[str]) -> tuple[int, str]:
    """Write beside the file and move it into place: a broken export never looks like a whole one.

    Returns:
        The number of rows below the header, and the SHA-256 of what was written.
    """
    digest = hashlib.sha256()
    written = 0
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        for text in texts:
            content = text.encode()
            digest.update(content)
            file.write(content)
            written += 1
    os.replace(beside, path)
    return written - 1, digest.hexdigest()
