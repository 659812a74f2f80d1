"""Reading what was collected. In: current submissions, the raw store. Out: parses, values, findings.

Every current submission has one parse per edition, registry and reader (``reader_digest``); what has one is
not read again. Files are read outside the transaction; a parse with its values and findings is committed
whole.
"""

import json
import logging
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, and_, bindparam, delete, func, insert, select

from fazhi.intake.submission import read_submission
from fazhi.intake.values import Reading, Submitted
from fazhi.intake.wording import ReadFinding, Wording
from fazhi.model.canonical import digest
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.registry.registry import Registry
from fazhi.store import tables
from fazhi.store.bulk import chunks, insert_rows
from fazhi.store.engine import read, write
from fazhi.store.raw import RawStore
from fazhi.systems.edition import Edition

READER_VERSION = 6
"""Raised whenever the same bytes would be read differently than before."""

Progress = Callable[[str], None]
"""Told in Chinese how many submissions are done, of how many."""

_PER_TRANSACTION = 64
_VALUES_PER_TRANSACTION = 4_000
"""A transaction ends with the submission that reaches it: an authority's table has a row for every unit, and memory
must not grow with the units times the submissions."""
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ParseCounts:
    """What a reading did.

    ``problems`` are faults of the system on single files, in Chinese; these files are tried again.
    """

    already: int = 0
    parsed: int = 0
    unreadable: int = 0
    values: int = 0
    findings: int = 0
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Pending:
    """A current submission without a parse under the active reader."""

    submission_id: str
    revision: int
    submitted: Submitted
    workbooks: tuple[tuple[str, str], ...]
    """Name and SHA-256."""
    evidence: tuple[tuple[str, str], ...] = ()
    """Likewise."""


@dataclass(frozen=True)
class _Reader:
    """Under what the files are read."""

    edition: Edition
    wording: Wording
    registry: Registry
    digest: str
    parsed_at: str


def parse_slice(
    engine: Engine,
    raw: RawStore,
    edition: Edition,
    registry: Registry,
    year: int,
    today: date,
    progress: Progress | None = None,
    *,
    now: datetime | None = None,
) -> ParseCounts:
    """Read the current submissions of a year that were not yet read under this edition and registry.

    A file that the reader itself fails on is not shown as the department's fault: it is named in ``problems``
    and stays unread, and the others go on.

    Args:
        engine: The store.
        raw: Where the files lie.
        edition: The indicator system of the year.
        registry: Its units and names; its digest is part of what a parse depends on.
        year: The assessment year.
        today: The current day in Asia/Shanghai.
        progress: Told after each transaction.
        now: When the parse is recorded; the beginning of ``today`` by default.

    Raises:
        ConfigurationError: The edition words not all rule kinds that reading judges.
    """
    reader = _Reader(
        edition,
        Wording(edition, year),
        registry,
        reader_digest(edition, registry),
        now.isoformat(timespec="seconds") if now is not None else f"{today.isoformat()}T00:00:00+08:00",
    )
    _point_at_parsed(engine, reader.digest, year)
    pending, already = _pending(engine, reader.digest, year)
    counts = ParseCounts(already=already)
    before = 0
    for some in chunks(pending):
        items, done = _described(engine, some), 0
        while done < len(items):
            problems: list[str] = []
            looked_at, readings = _read_some(raw, items[done : done + _PER_TRANSACTION], reader, problems)
            with write(engine) as connection:
                stored = _store(connection, readings, reader)
            counts = _added(counts, stored, problems)
            done += looked_at
            if progress is not None:
                progress(f"已读取报送 {before + done}/{len(pending)}")
        before += done
    return counts


def _read_some(
    raw: RawStore, items: Sequence[_Pending], reader: _Reader, problems: list[str]
) -> tuple[int, list[tuple[_Pending, Reading]]]:
    """Read submissions until there is enough for a transaction: how many were looked at, and what was read."""
    readings: list[tuple[_Pending, Reading]] = []
    values = 0
    for number, item in enumerate(items, 1):
        reading = _read(raw, item, reader, problems)
        if reading is not None:
            readings.append((item, reading))
            values += len(reading.values)
        if values >= _VALUES_PER_TRANSACTION:
            return number, readings
    return len(items), readings


def reader_digest(edition: Edition, registry: Registry) -> str:
    """The digest of everything that a parse depends on beside the file."""
    return digest(
        {
            "system_digest": edition.digest,
            "registry_digest": registry.digest,
            "reader_version": READER_VERSION,
        }
    )


def _added(counts: ParseCounts, stored: Sequence[Reading], problems: Iterable[str]) -> ParseCounts:
    return ParseCounts(
        already=counts.already,
        parsed=counts.parsed + len(stored),
        unreadable=counts.unreadable + sum(not reading.readable for reading in stored),
        values=counts.values + sum(len(reading.values) for reading in stored),
        findings=counts.findings + sum(len(reading.findings) for reading in stored),
        problems=(*counts.problems, *problems),
    )


# --- what is to be read


_Key = tuple[str, int]
"""Submission and revision."""


def _pending(engine: Engine, reader: str, year: int) -> tuple[list[_Key], int]:
    """What is to be read, and how much of the year is read already."""
    current, parse = tables.current_submission.c, tables.parse.c
    same = and_(
        parse.submission_id == current.submission_id,
        parse.revision == current.revision,
        parse.reader_digest == reader,
    )
    joined = tables.current_submission.outerjoin(tables.parse, same)
    unread = (
        select(current.submission_id, current.revision).select_from(joined).where(parse.parse_id.is_(None))
    )
    counted = select(func.count()).select_from(joined).where(parse.parse_id.is_not(None))
    ordered = unread.order_by(current.kind, current.sender_code, current.period)
    with read(engine) as connection:
        already = int(connection.execute(counted.where(current.year == year)).scalar_one())
        keys = [(row[0], row[1]) for row in connection.execute(ordered.where(current.year == year))]
    return keys, already


def _described(engine: Engine, keys: Sequence[_Key]) -> list[_Pending]:
    """Some submissions and their files, in the order of their keys."""
    submission, file = tables.submission.c, tables.submission_file.c
    named = [submission_id for submission_id, _ in keys]
    files: dict[_Key, list[Any]] = defaultdict(list)
    with read(engine) as connection:
        rows = connection.execute(select(tables.submission).where(submission.submission_id.in_(named))).all()
        came = select(tables.submission_file).where(file.submission_id.in_(named)).order_by(file.name)
        for row in connection.execute(came):
            files[row.submission_id, row.revision].append(row)
    of_key = {(row.submission_id, row.revision): row for row in rows}
    return [_as_pending(of_key[key], files[key]) for key in keys]


def _as_pending(row: Any, came: Sequence[Any]) -> _Pending:
    return _Pending(
        row.submission_id,
        row.revision,
        Submitted(
            SubmissionKind(row.kind),
            row.sender_code,
            Period.parse(row.period),
            tuple(file.name for file in came if file.role == "evidence"),
            datetime.fromisoformat(row.received_at).astimezone(_SHANGHAI).date(),
        ),
        tuple((file.name, file.sha256) for file in came if file.role == "workbook"),
        tuple((file.name, file.sha256) for file in came if file.role == "evidence"),
    )


def _read(raw: RawStore, item: _Pending, reader: _Reader, problems: list[str]) -> Reading | None:
    """Read one submission; a failure of the reader is told as a problem, not blamed on the department."""
    try:
        workbooks = [(name, raw.get(sha256)) for name, sha256 in item.workbooks]
        return read_submission(
            workbooks,
            item.submitted,
            reader.edition,
            reader.wording,
            registry=reader.registry,
            evidence=((name, raw.get(sha256)) for name, sha256 in item.evidence),
        )
    except Exception as failure:
        # neither the log nor the problem repeats the failure's text: it may quote what the file says
        places = "".join(traceback.format_tb(failure.__traceback__)) if not problems else ""
        _log.info("reading %s revision %d failed\n%s", item.submission_id, item.revision, places)
        problems.append(
            f"系统读取报送 {item.submission_id}（第{item.revision}次，{item.submitted.sender_code}，"
            f"{item.submitted.period}）时出错，不是单位填报的问题，下次运行将重试："
            f"{type(failure).__name__}"
        )
        return None


# --- what is written


def _store(
    connection: Connection, batch: Sequence[tuple[_Pending, Reading]], reader: _Reader
) -> list[Reading]:
    """Insert the parses that are not there yet with their values and findings, and point at them."""
    known = _parse_ids(connection, batch, reader.digest)
    new = [(item, reading) for item, reading in batch if (item.submission_id, item.revision) not in known]
    if new:
        connection.execute(insert(tables.parse), [_parse_row(item, reading, reader) for item, reading in new])
        ids = _parse_ids(connection, new, reader.digest)
        numbered = [(ids[item.submission_id, item.revision], item, reading) for item, reading in new]
        insert_rows(
            connection,
            tables.value,
            (
                {"parse_id": parse_id, **vars(value)}
                for parse_id, _, reading in numbered
                for value in reading.values
            ),
        )
        value_ids = _value_ids(connection, [parse_id for parse_id, _, _ in numbered])
        insert_rows(
            connection,
            tables.finding,
            (
                _finding_row(found, item, reading, parse_id, value_ids, reader.edition)
                for parse_id, item, reading in numbered
                for found in reading.findings
            ),
        )
    _point(connection, reader.digest, [item.submission_id for item, _ in batch])
    return [reading for _, reading in new]


def _parse_row(item: _Pending, reading: Reading, reader: _Reader) -> dict[str, Any]:
    return {
        "submission_id": item.submission_id,
        "revision": item.revision,
        "kind": item.submitted.kind.value,
        "sender_code": item.submitted.sender_code,
        "year": item.submitted.period.year,
        "period": str(item.submitted.period),
        "reader_digest": reader.digest,
        "system_id": reader.edition.system_id,
        "system_digest": reader.edition.digest,
        "file_sha256": item.workbooks[0][1] if item.workbooks else "",
        "readable": int(reading.readable),
        "parsed_at": reader.parsed_at,
    }


def _finding_row(
    found: ReadFinding,
    item: _Pending,
    reading: Reading,
    parse_id: int,
    value_ids: dict[tuple[int, int], int],
    edition: Edition,
) -> dict[str, Any]:
    words = found.finding
    on_row = found.row_no is not None
    return {
        "parse_id": parse_id,
        "value_id": value_ids[parse_id, found.row_no] if found.row_no is not None else None,
        "year": item.submitted.period.year,
        "period": str(item.submitted.period),
        "unit_code": found.unit_code,
        "indicator_code": found.indicator_code,
        "submission_id": item.submission_id,
        "revision": item.revision,
        "check_id": words.check_id,
        "rule": words.rule,
        "severity": words.severity.value,
        "sheet": words.sheet,
        "cell": words.cell,
        "related": json.dumps(words.related, ensure_ascii=False),
        "value_raw": words.value_raw,
        "expected": words.expected,
        "message_zh": words.message_zh,
        "message_en": words.message_en,
        "fix_zh": words.fix_zh,
        "value_digest": reading.values[(found.row_no or 0) - 1].value_digest if on_row else None,
        "system_id": edition.system_id,
        "system_digest": edition.digest,
    }


def _parse_ids(
    connection: Connection, batch: Sequence[tuple[_Pending, Reading]], reader: str
) -> dict[tuple[str, int], int]:
    parse = tables.parse.c
    query = select(parse.submission_id, parse.revision, parse.parse_id).where(
        parse.reader_digest == reader, parse.submission_id.in_([item.submission_id for item, _ in batch])
    )
    return {(row.submission_id, row.revision): row.parse_id for row in connection.execute(query)}


def _value_ids(connection: Connection, parse_ids: list[int]) -> dict[tuple[int, int], int]:
    value = tables.value.c
    query = select(value.parse_id, value.row_no, value.value_id).where(value.parse_id.in_(parse_ids))
    return {(row.parse_id, row.row_no): row.value_id for row in connection.execute(query)}


# --- which parse is current


def _point_at_parsed(engine: Engine, reader: str, year: int) -> None:
    """Point at parses that are there already (an edition or registry that came back)."""
    with read(engine) as connection:
        stale = _stale_pointers(connection, reader, tables.current_submission.c.year == year)
    if stale:
        with write(engine) as connection:
            _point(connection, reader, [row["submission_id"] for row in stale])


def _point(connection: Connection, reader: str, submission_ids: Sequence[str]) -> None:
    """Let the current submissions among these point at their parse under this reader."""
    condition = tables.parse.c.submission_id.in_(submission_ids)
    stale = _stale_pointers(connection, reader, condition)
    if not stale:
        return
    pointer = tables.current_parse.c
    connection.execute(
        delete(tables.current_parse).where(
            pointer.kind == bindparam("at_kind"),
            pointer.sender_code == bindparam("at_sender"),
            pointer.period == bindparam("at_period"),
        ),
        [{"at_kind": r["kind"], "at_sender": r["sender_code"], "at_period": r["period"]} for r in stale],
    )
    rows = [{key: row[key] for key in ("kind", "sender_code", "period", "year", "parse_id")} for row in stale]
    connection.execute(insert(tables.current_parse), rows)


def _stale_pointers(connection: Connection, reader: str, condition: Any) -> list[dict[str, Any]]:
    current, parse, pointer = tables.current_submission.c, tables.parse.c, tables.current_parse.c
    query = (
        select(
            current.kind,
            current.sender_code,
            current.period,
            current.year,
            current.submission_id,
            parse.parse_id,
        )
        .select_from(
            tables.current_submission.join(
                tables.parse,
                and_(
                    # found by its sender and period, the key of the current submissions, not by its name alone
                    parse.kind == current.kind,
                    parse.sender_code == current.sender_code,
                    parse.period == current.period,
                    parse.submission_id == current.submission_id,
                    parse.revision == current.revision,
                    parse.reader_digest == reader,
                ),
            ).outerjoin(
                tables.current_parse,
                and_(
                    pointer.kind == current.kind,
                    pointer.sender_code == current.sender_code,
                    pointer.period == current.period,
                ),
            )
        )
        .where(condition, pointer.parse_id.is_distinct_from(parse.parse_id))
    )
    return [dict(row) for row in connection.execute(query).mappings()]
