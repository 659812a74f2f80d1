"""What scoring reads. In: current parses, findings, decisions. Out: values marked stopped or free.

A value is accepted, without anyone's click, when it belongs to the current revision and no block, open hold
or security finding stands on it or on its whole file (scoring.md section 2). A hold is open until an
approval bound to the same value releases it. Everything is read in a few queries for some units at a time,
never per unit.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, func, or_, select, true

from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.terms import Severity
from fazhi.store.decisions import DecisionKey, approved, key_of_finding
from fazhi.store.tables import (
    current_parse,
    current_submission,
    current_validation,
    finding,
    parse,
    slice_parse,
    submission,
    validation,
    value,
)

_Row = Row[*tuple[Any, ...]]
InputKind = Literal["submission", "office", "system"]
_ROWS_AT_ONCE = 1_000
_IDS_AT_ONCE = 500
_STOPPING = tuple(severity.value for severity in Severity if severity.stops_scoring)
_KIND_OF_INPUT: dict[str, InputKind] = {"unit": "submission", "office": "office"}


@dataclass(frozen=True, slots=True)
class Reported:
    """One reported value of a unit, an indicator and a period, with the cells it was read from.

    Numbers are exact decimal text; parts that were fuzzy or unreadable are ``None``.
    """

    unit_code: str
    """The unit that the value is about (a predecessor's values keep the predecessor's code)."""
    indicator_code: str
    period: Period
    kind: InputKind
    reporter_code: str = ""
    numerator: str | None = None
    denominator: str | None = None
    amount: str | None = None
    boolean: bool | None = None
    day: str | None = None
    not_applicable: bool = False
    stopped: bool = False
    """A block, an open hold or a security finding stands on it or on its file."""
    evidence_complete: bool = False
    """Evidence is named, and every file named is among the submission's files."""
    submission_id: str = ""
    file_sha256: str = ""
    row_no: int = 0
    sheet: str | None = None
    cell: str | None = None
    cell_denominator: str | None = None

    @property
    def filled(self) -> bool:
        """Whether any part of the row holds a readable value."""
        parts = (self.numerator, self.denominator, self.amount, self.boolean, self.day)
        return any(part is not None for part in parts)


@dataclass(frozen=True, slots=True)
class SubmissionFacts:
    """The revisions of one unit's submission for one period, as far as this system knows them."""

    unit_code: str
    period: Period
    received: int
    """How many revisions arrived."""
    returned: int
    """On how many of them a blocking finding was recorded."""
    first_submitted_at: str


@dataclass(frozen=True)
class Stopped:
    """What a finding in force keeps out of a year's score."""

    values: frozenset[int]
    files: frozenset[int]
    """Parses on which a finding stands as a whole."""


@dataclass(frozen=True)
class Extract:
    """A part of a year: what was reported about some units on some indicators."""

    units: tuple[str, ...]
    """A unit and those whose values count for it."""
    indicators: tuple[str, ...]


def require_validated(connection: Connection, year: int, system_digest: str) -> None:
    """Refuse to score what has not been read and validated under the active edition.

    Raises:
        UsageError: A current submission has not been read or not validated, or was so under another edition.
    """
    waiting = _unread_submissions(connection, year)
    stale = _stale_parses(connection, year, system_digest)
    if waiting or stale:
        raise UsageError(
            f"{year}年有 {waiting + stale} 份报送还没有按现行指标体系读取，不能计分；"
            f"请先执行 fazhi validate --year {year}"
        )
    unjudged = _unjudged_parses(connection, year, system_digest)
    if unjudged:
        raise UsageError(
            f"{year}年有 {unjudged} 份报送还没有按现行指标体系核验，不能计分；"
            f"请先执行 fazhi validate --year {year}"
        )


def _unread_submissions(connection: Connection, year: int) -> int:
    same_sender_and_period = and_(
        current_parse.c.kind == current_submission.c.kind,
        current_parse.c.sender_code == current_submission.c.sender_code,
        current_parse.c.period == current_submission.c.period,
    )
    same_revision = and_(
        parse.c.parse_id == current_parse.c.parse_id,
        parse.c.submission_id == current_submission.c.submission_id,
        parse.c.revision == current_submission.c.revision,
    )
    joined = current_submission.outerjoin(current_parse, same_sender_and_period).outerjoin(
        parse, same_revision
    )
    statement = (
        select(func.count())
        .select_from(joined)
        .where(current_submission.c.year == year, parse.c.parse_id.is_(None))
    )
    return int(connection.execute(statement).scalar_one())


def _stale_parses(connection: Connection, year: int, system_digest: str) -> int:
    statement = (
        select(func.count())
        .select_from(current_parse.join(parse, parse.c.parse_id == current_parse.c.parse_id))
        .where(current_parse.c.year == year, parse.c.system_digest != system_digest)
    )
    return int(connection.execute(statement).scalar_one())


def _unjudged_parses(connection: Connection, year: int, system_digest: str) -> int:
    """Current parses that no current validation under this edition, and under the same duties, has judged."""
    same_slice = and_(
        current_validation.c.year == slice_parse.c.year, current_validation.c.region == slice_parse.c.region
    )
    same_ground = and_(
        validation.c.validation_id == current_validation.c.validation_id,
        validation.c.duty_digest == slice_parse.c.duty_digest,
        validation.c.system_digest == system_digest,
    )
    joined = (
        current_parse.outerjoin(slice_parse, slice_parse.c.parse_id == current_parse.c.parse_id)
        .outerjoin(current_validation, same_slice)
        .outerjoin(validation, same_ground)
    )
    statement = (
        select(func.count())
        .select_from(joined)
        .where(current_parse.c.year == year, validation.c.validation_id.is_(None))
    )
    return int(connection.execute(statement).scalar_one())


def require_read(connection: Connection, year: int, units: Collection[str], system_digest: str) -> None:
    """Refuse to recompute one unit whose submissions have not been read under the active edition.

    Raises:
        UsageError: A current submission of the unit was read under another edition.
    """
    statement = (
        select(func.count())
        .select_from(current_parse.join(parse, parse.c.parse_id == current_parse.c.parse_id))
        .where(
            current_parse.c.kind == "unit",
            current_parse.c.sender_code.in_(units),
            current_parse.c.year == year,
            parse.c.system_digest != system_digest,
        )
    )
    stale = connection.execute(statement).scalar_one()
    if stale:
        raise UsageError(
            f"该单位{year}年有 {stale} 份报送还没有按现行指标体系读取，暂不能试算；夜间核验完成后再看"
        )


def stopped_of(connection: Connection, year: int) -> Stopped:
    """The values, and the parses of whole files, that findings in force keep out of a year's score."""
    values: set[int] = set()
    files: set[int] = set()
    for row in _stopping(connection, year, approved(connection, year, "hold"), true()):
        if row.value_id is None:
            files.add(row.parse_id)
        else:
            values.add(row.value_id)
    return Stopped(frozenset(values), frozenset(files))


def reported_values(connection: Connection, year: int, only: Extract, stopped: Stopped) -> Iterator[Reported]:
    """The values of a part of a year's current parses, marked stopped or free by the findings in force.

    An office's submission is judged with its own region and may speak about units of every region.
    """
    statement = _values_statement(year, only).execution_options(yield_per=_ROWS_AT_ONCE)
    for rows in connection.execute(statement).partitions():
        for value_id, parse_id, *columns in rows:
            yield _reported(value_id in stopped.values or parse_id in stopped.files, *columns)


def _values_statement(year: int, only: Extract) -> Select[Any]:
    return (
        select(*_COLUMNS)
        .join(current_parse, current_parse.c.parse_id == value.c.parse_id)
        .join(parse, parse.c.parse_id == value.c.parse_id)
        .where(
            current_parse.c.year == year,
            value.c.year == year,
            value.c.indicator_code.in_(only.indicators),
            value.c.unit_code.in_(only.units),
        )
    )


def extracted_values(
    connection: Connection, year: int, only: Extract
) -> list[tuple[Reported, frozenset[int]]]:
    """The values of a part of a year, read by themselves, with the findings (by id) that stop each of them."""
    rows = connection.execute(_values_statement(year, only)).all()
    released = approved(connection, year, "hold", only.units)
    by_value: dict[int, set[int]] = {}
    by_file: dict[int, set[int]] = {}
    for condition in (
        *(finding.c.value_id.in_(part) for part in _parts([row.value_id for row in rows])),
        *(
            and_(finding.c.parse_id.in_(part), finding.c.value_id.is_(None))
            for part in _parts(sorted({row.parse_id for row in rows}))
        ),
    ):
        for found in _stopping(connection, year, released, condition):
            stops, about = (by_file, found.parse_id) if found.value_id is None else (by_value, found.value_id)
            stops.setdefault(about, set()).add(found.finding_id)
    values = []
    for value_id, parse_id, *columns in rows:
        stopping = frozenset(by_value.get(value_id, set()) | by_file.get(parse_id, set()))
        values.append((_reported(bool(stopping), *columns), stopping))
    return values


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield ids[start : start + _IDS_AT_ONCE]


_COLUMNS = (
    value.c.value_id,
    value.c.parse_id,
    value.c.unit_code,
    value.c.indicator_code,
    value.c.period,
    value.c.kind,
    value.c.reporter_code,
    value.c.numerator,
    value.c.denominator,
    value.c.amount,
    value.c.boolean_value,
    value.c.date_value,
    value.c.not_applicable,
    value.c.evidence_named,
    value.c.evidence_missing,
    parse.c.submission_id,
    parse.c.file_sha256,
    value.c.row_no,
    value.c.sheet,
    value.c.cell_numerator,
    value.c.cell_denominator,
    value.c.cell_value,
    value.c.cell_boolean,
    value.c.cell_date,
    value.c.cell_row,
)


def _reported(
    stopped: bool,
    unit_code: str,
    indicator_code: str,
    period: str,
    kind: str,
    reporter_code: str,
    numerator: str | None,
    denominator: str | None,
    amount: str | None,
    boolean: int | None,
    day: str | None,
    not_applicable: int,
    evidence_named: int,
    evidence_missing: str | None,
    submission_id: str,
    file_sha256: str,
    row_no: int,
    sheet: str | None,
    cell_numerator: str | None,
    cell_denominator: str | None,
    cell_value: str | None,
    cell_boolean: str | None,
    cell_date: str | None,
    cell_row: str | None,
) -> Reported:
    """One row of ``_COLUMNS``, in their order; the cell is that of the part that scoring takes."""
    if numerator is not None:
        cell = cell_numerator
    elif amount is not None:
        cell = cell_value
    elif boolean is not None:
        cell = cell_boolean
    else:
        cell = cell_date
    return Reported(
        unit_code,
        indicator_code,
        _period(period),
        _KIND_OF_INPUT[kind],
        reporter_code,
        numerator,
        denominator,
        amount,
        None if boolean is None else bool(boolean),
        day,
        bool(not_applicable),
        stopped,
        bool(evidence_named) and not evidence_missing,
        submission_id,
        file_sha256,
        row_no,
        sheet,
        cell or cell_value or cell_row,
        cell_denominator if denominator is not None else None,
    )


_period = lru_cache(maxsize=4096)(Period.parse)


def _stopping(
    connection: Connection, year: int, released: Collection[DecisionKey], condition: ColumnElement[bool]
) -> Iterator[_Row]:
    """The findings in force, of those that a condition leaves, that keep something out of the score."""
    current = select(current_validation.c.validation_id).where(current_validation.c.year == year)
    statement = (
        select(
            finding.c.finding_id,
            finding.c.value_id,
            finding.c.parse_id,
            finding.c.severity,
            finding.c.unit_code,
            finding.c.indicator_code,
            finding.c.period,
            finding.c.rule,
            finding.c.value_digest,
        )
        .join(current_parse, current_parse.c.parse_id == finding.c.parse_id)
        .where(
            current_parse.c.year == year,
            finding.c.severity.in_(_STOPPING),
            or_(finding.c.validation_id.is_(None), finding.c.validation_id.in_(current)),
            condition,
        )
    )
    for row in connection.execute(statement):
        if row.severity != Severity.HOLD or key_of_finding(row._mapping) not in released:
            yield row


def unreadable_periods(
    connection: Connection, year: int, units: Collection[str]
) -> dict[str, tuple[Period, ...]]:
    """The periods whose current workbook of the unit itself could not be read, by unit."""
    statement = (
        select(parse.c.sender_code, parse.c.period)
        .join(current_parse, current_parse.c.parse_id == parse.c.parse_id)
        .where(
            current_parse.c.year == year,
            parse.c.kind == "unit",
            parse.c.readable == 0,
            _own_current(units),
        )
    )
    found: dict[str, tuple[Period, ...]] = {}
    for row in connection.execute(statement):
        found[row.sender_code] = (*found.get(row.sender_code, ()), _period(row.period))
    return found


def _own_current(units: Collection[str]) -> ColumnElement[bool]:
    """Current parses of some units' own submissions; by the primary key, whatever the year holds."""
    return and_(current_parse.c.kind == "unit", current_parse.c.sender_code.in_(units))


def approved_not_applicable(
    connection: Connection, year: int, units: Collection[str]
) -> dict[tuple[str, str], tuple[Period, ...]]:
    """The periods of approved 不适用, by unit and indicator."""
    found: dict[tuple[str, str], tuple[Period, ...]] = {}
    for key in approved(connection, year, "not_applicable", units):
        about = (key.unit_code, key.indicator_code)
        found[about] = (*found.get(about, ()), _period(key.period))
    return found


def submission_facts(connection: Connection, year: int, units: Collection[str]) -> list[SubmissionFacts]:
    """What is known of the units' own submissions of a year, one entry per unit and period."""
    returned = _returned_revisions(connection, year, units)
    statement = select(
        submission.c.sender_code,
        submission.c.period,
        submission.c.submission_id,
        submission.c.revision,
        submission.c.submitted_at,
    ).where(
        submission.c.sender_code.in_(units),
        submission.c.kind == "unit",
        # "+ 0" takes the year's index from SQLite, which would go through all of the year for every few units
        submission.c.year + 0 == year,
    )
    revisions: dict[tuple[str, str], list[_Row]] = {}
    for row in connection.execute(statement):
        revisions.setdefault((row.sender_code, row.period), []).append(row)
    return [
        SubmissionFacts(
            unit_code=unit_code,
            period=_period(period),
            received=len(rows),
            returned=sum((row.submission_id, row.revision) in returned for row in rows),
            first_submitted_at=min(rows, key=lambda row: (row.revision, row.submitted_at)).submitted_at,
        )
        for (unit_code, period), rows in revisions.items()
    ]


def _returned_revisions(
    connection: Connection, year: int, units: Collection[str]
) -> frozenset[tuple[str, int]]:
    """The revisions on which a blocking finding stands, or stood when they were current."""
    current = select(current_parse.c.parse_id).where(current_parse.c.year == year, _own_current(units))
    sent = parse.c.sender_code.in_(units)
    in_force = select(current_validation.c.validation_id).where(current_validation.c.year == year)
    recorded_now = or_(finding.c.validation_id.is_(None), finding.c.validation_id.in_(in_force))
    standing = _blocked_revisions(connection, year, and_(sent, parse.c.parse_id.in_(current), recorded_now))
    earlier = _blocked_revisions(connection, year, and_(sent, parse.c.parse_id.not_in(current)))
    revisions = select(parse.c.submission_id, parse.c.revision).where(parse.c.parse_id.in_(current))
    now_current = {(row.submission_id, row.revision) for row in connection.execute(revisions)}
    return frozenset(standing | (earlier - now_current))


def _blocked_revisions(
    connection: Connection, year: int, condition: ColumnElement[bool]
) -> set[tuple[str, int]]:
    statement = (
        select(parse.c.submission_id, parse.c.revision)
        .distinct()
        .select_from(finding.join(parse, parse.c.parse_id == finding.c.parse_id))
        .where(
            parse.c.year == year,
            parse.c.kind == "unit",
            finding.c.severity == Severity.BLOCK.value,
            condition,
        )
    )
    return {(row.submission_id, row.revision) for row in connection.execute(statement)}
