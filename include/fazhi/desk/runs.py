"""Runs of the pipeline and the findings they came to. In: the store, a run, filters. Out: pages, counts, downloads.

A run's findings in a region are those of the validation that it made or, with nothing new, kept; the newest run of
a year also has those found while reading, which are kept with the submissions in force. They are listed by unit, in
two streams that indexes keep in order (by rule and by reading), merged. A filter that no index answers is looked for
in a bounded stretch of the list; the page says how far it looked and goes on from there, so that a page costs the
same with a million findings as with a thousand.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    case,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from fazhi.desk.names import Names
from fazhi.desk.paging import PAGE_SIZE, Key, Slice, cursor_of, key_of
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import SEVERITY_ZH, Severity
from fazhi.store import read
from fazhi.store.tables import (
    current_parse,
    current_validation,
    finding,
    pipeline_run,
    slice_parse,
    validation,
)

STRETCH = 1_000
"""How many findings of a stream one page looks through for a filter that no index answers."""
COUNTED_TO = 1_000
"""Counts go up to here and are then told as "1000+"."""
LONGEST_TEXT = 100
_STREAMED_AT_ONCE = 1_000
_FROM_DEPARTMENTS = ("value_raw", "expected", "message_zh", "message_en", "fix_zh")
_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class Run:
    """One run of the pipeline."""

    run_id: str
    year: int
    run_type: str
    mode: str
    reason: str
    actor: str
    system_id: str
    started_at: str


@dataclass(frozen=True)
class Judged:
    """What a run judged in one region."""

    run: Run
    region: str
    newest: bool
    """Whether it is the newest run of its year: then the findings made while reading are shown as well."""
    validation_id: int | None
    validated_at: str
    values_checked: int
    kept: bool
    """The validation is of an earlier run: nothing had changed since."""


@dataclass(frozen=True)
class Filters:
    """What to look for; empty = everything."""

    unit: str = ""
    indicator: str = ""
    rule: str = ""
    severity: str = ""
    text: str = ""

    def checked(self) -> "Filters":
        """The filters, trimmed.

        Raises:
            UsageError: An unknown severity, or a text that is too long.
        """
        trimmed = Filters(*(one.strip() for one in self.all()))
        if trimmed.severity and trimmed.severity not in {severity.value for severity in Severity}:
            raise UsageError(f"没有“{trimmed.severity[:20]}”这种处理方式")
        if any(len(one) > LONGEST_TEXT for one in trimmed.all()):
            raise UsageError(f"查找的文字不能超过 {LONGEST_TEXT} 个字")
        return trimmed

    def all(self) -> tuple[str, ...]:
        """The filters in their order."""
        return self.unit, self.indicator, self.rule, self.severity, self.text

    @property
    def any(self) -> bool:
        """Whether anything is looked for."""
        return any(self.all())


@dataclass(frozen=True)
class FoundRow:
    """A finding in the list, with the submission it stands on."""

    finding_id: int
    unit_code: str
    indicator_code: str
    period: str
    severity: str
    rule: str
    check_id: str
    submission_id: str
    revision: int
    sheet: str
    cell: str
    value_raw: str
    expected: str
    message_zh: str
    message_en: str
    fix_zh: str


@dataclass(frozen=True)
class Found(Slice[FoundRow]):
    """A page of findings.

    ``looked_through`` is there when the search stopped before the page was full or the list ended: that many findings
    were looked through, and ``next`` goes on from there.
    """

    looked_through: int | None = None


@dataclass(frozen=True)
class Count:
    """How many there are; ``more`` when counting stopped."""

    number: int
    more: bool = False


# --- runs


def runs(connection: Connection, years: Sequence[int] | None = None, cursor: str | None = None) -> Slice[Run]:
    """The runs, newest first.

    Args:
        connection: An open connection.
        years: Only runs of these years.
        cursor: Where the page begins.

    Raises:
        UsageError: The cursor is none.
    """
    after = key_of(cursor, (str, str))
    statement = (
        select(*_RUN_COLUMNS)
        .where(
            true() if years is None else pipeline_run.c.year.in_(years),
            true() if after is None else tuple_(pipeline_run.c.started_at, pipeline_run.c.run_id) < after,
        )
        .order_by(pipeline_run.c.started_at.desc(), pipeline_run.c.run_id.desc())
        .limit(PAGE_SIZE + 1)
    )
    rows = [Run(*row) for row in connection.execute(statement)]
    shown = tuple(rows[:PAGE_SIZE])
    more = len(rows) > PAGE_SIZE
    return Slice(shown, cursor_of((shown[-1].started_at, shown[-1].run_id)) if more else None)


_RUN_COLUMNS = (
    pipeline_run.c.run_id,
    pipeline_run.c.year,
    pipeline_run.c.run_type,
    pipeline_run.c.mode,
    pipeline_run.c.reason,
    pipeline_run.c.actor,
    pipeline_run.c.system_id,
    pipeline_run.c.started_at,
)


def run_of(connection: Connection, run_id: str) -> Run | None:
    """One run, ``None`` when there is none of that id."""
    row = connection.execute(select(*_RUN_COLUMNS).where(pipeline_run.c.run_id == run_id)).one_or_none()
    return None if row is None else Run(*row)


def newest_run(connection: Connection, year: int) -> Run | None:
    """The newest run of a year."""
    row = connection.execute(
        select(*_RUN_COLUMNS)
        .where(pipeline_run.c.year == year)
        .order_by(pipeline_run.c.started_at.desc(), pipeline_run.c.run_id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Run(*row)


def regions_judged(connection: Connection, year: int) -> tuple[str, ...]:
    """The regions with a validation in a year, in order."""
    return tuple(
        connection.scalars(
            select(current_validation.c.region)
            .where(current_validation.c.year == year)
            .order_by(current_validation.c.region)
        )
    )


def judged(connection: Connection, run: Run, region: str) -> Judged:
    """What a run judged in a region.

    Which validation an earlier run stood on is told by time: the newest one made before the next run of the year.
    """
    after = (run.started_at, run.run_id)
    until = connection.execute(
        select(pipeline_run.c.started_at)
        .where(
            pipeline_run.c.year == run.year, tuple_(pipeline_run.c.started_at, pipeline_run.c.run_id) > after
        )
        .order_by(pipeline_run.c.started_at, pipeline_run.c.run_id)
        .limit(1)
    ).scalar_one_or_none()
    columns = (validation.c.validation_id, validation.c.validated_at, validation.c.values_checked)
    if until is None:
        statement = (
            select(*columns)
            .join(current_validation, current_validation.c.validation_id == validation.c.validation_id)
            .where(current_validation.c.year == run.year, current_validation.c.region == region)
        )
    else:
        statement = (
            select(*columns)
            .where(
                validation.c.year == run.year,
                validation.c.region == region,
                validation.c.validated_at < until,
            )
            .order_by(validation.c.validated_at.desc(), validation.c.validation_id.desc())
            .limit(1)
        )
    row = connection.execute(statement).one_or_none()
    return Judged(
        run=run,
        region=region,
        newest=until is None,
        validation_id=None if row is None else row.validation_id,
        validated_at="" if row is None else row.validated_at,
        values_checked=0 if row is None else row.values_checked,
        kept=row is not None and _moment(row.validated_at) < _moment(run.started_at),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()


# --- findings


_Columns = ReadOnlyColumnCollection[str, Any]
_Condition = Callable[[_Columns], ColumnElement[bool]]
"""A condition on the columns of ``finding``, or of a stretch of it."""


@dataclass(frozen=True)
class _Stream:
    """Findings of one origin, in the order of an index; ``standing`` is what no index knows."""

    origin: ColumnElement[bool]
    standing: _Condition | None = None


def _streams(of: Judged) -> list[_Stream]:
    of_year = finding.c.year == of.run.year
    streams = []
    if of.validation_id is not None:
        streams.append(_Stream(and_(of_year, finding.c.validation_id == of.validation_id)))
    if of.newest:
        streams.append(_Stream(and_(of_year, finding.c.validation_id.is_(None)), _is_current(of)))
    return streams


def _is_current(of: Judged) -> _Condition:
    """Whether a finding stands on a current parse of the region."""
    return lambda columns: (
        select(current_parse.c.parse_id)
        .join(slice_parse, slice_parse.c.parse_id == current_parse.c.parse_id)
        .where(
            current_parse.c.parse_id == columns["parse_id"],
            current_parse.c.year == of.run.year,
            slice_parse.c.region == of.region,
        )
        .exists()
    )


def findings(
    connection: Connection, of: Judged, filters: Filters = Filters(), cursor: str | None = None
) -> Found:
    """A page of a run's findings in a region, by unit.

    Args:
        connection: An open connection.
        of: The run and the region.
        filters: What to look for.
        cursor: Where the page begins.

    Raises:
        UsageError: The cursor is none, or a filter cannot be.
    """
    wanted = filters.checked()
    after = key_of(cursor, (str, int))
    stretches = [_stretch(connection, stream, wanted, after) for stream in _streams(of)]
    horizon = min((one.until for one in stretches if one.until is not None), default=None)
    rows = sorted(
        (row for one in stretches for row in one.rows if horizon is None or _key(row) <= horizon), key=_key
    )
    shown = rows[:PAGE_SIZE]
    if len(rows) > PAGE_SIZE:
        return Found(_found(shown), cursor_of(_key(shown[-1])))
    if horizon is None:
        return Found(_found(shown))
    looked = None if len(shown) == PAGE_SIZE else STRETCH
    return Found(_found(shown), cursor_of(horizon), looked)


@dataclass(frozen=True)
class _Stretch:
    """The rows of a stretch of a stream; nothing is known of what lies behind ``until``."""

    rows: Sequence[_Row]
    until: Key | None


def _stretch(connection: Connection, stream: _Stream, wanted: Filters, after: Key | None) -> _Stretch:
    """Look through a bounded stretch: one filter is answered by an index, the others row by row."""
    indexed, others = _by_index(wanted, stream.standing)
    stretch = (
        select(*_COLUMNS, finding.c.parse_id)
        .where(stream.origin, *indexed, _behind(after))
        .order_by(finding.c.unit_code, finding.c.finding_id)
    )
    rows = _looked_through(connection, stretch, others, PAGE_SIZE + 1)
    if others and len(rows) <= PAGE_SIZE:
        rows = _looked_through(connection, stretch, others, STRETCH)
    if len(rows) > PAGE_SIZE:
        return _Stretch(rows, _key(rows[-1]))
    reach = STRETCH if others else PAGE_SIZE + 1
    last = connection.execute(stretch.offset(reach - 1).limit(1)).one_or_none()
    return _Stretch(rows, None if last is None else (last.unit_code, last.finding_id))


def _looked_through(
    connection: Connection, stretch: Select[Any], others: Sequence[_Condition], reach: int
) -> Sequence[_Row]:
    """The rows of a stretch that meet conditions: they are asked of the stretch, never of the whole table."""
    inner = stretch.limit(reach).subquery()
    statement = (
        select(*(inner.c[column.name] for column in _COLUMNS))
        .where(*(condition(inner.c) for condition in others))
        .order_by(inner.c.unit_code, inner.c.finding_id)
        .limit(PAGE_SIZE + 1)
    )
    return connection.execute(statement).all()


def _behind(after: Key | None) -> ColumnElement[bool]:
    return true() if after is None else tuple_(finding.c.unit_code, finding.c.finding_id) > after


def _by_index(
    wanted: Filters, standing: _Condition | None
) -> tuple[list[ColumnElement[bool]], list[_Condition]]:
    """The condition that an index answers, the narrowest there is, and the others."""
    equal = [
        _equals(name, text)
        for name, text in (
            ("unit_code", wanted.unit),
            ("indicator_code", wanted.indicator),
            ("rule", wanted.rule),
            ("severity", wanted.severity),
        )
        if text
    ]
    others = equal[1:]
    if wanted.text:
        others.append(_holds(wanted.text))
    if standing is not None:
        others.append(standing)
    return [condition(finding.c) for condition in equal[:1]], others


def _equals(name: str, text: str) -> _Condition:
    return lambda columns: columns[name] == text


def _holds(text: str) -> _Condition:
    """Whether the text stands in what a finding says or in what was filled in; ``%`` and ``_`` are themselves."""
    return lambda columns: or_(
        *(
            columns[name].icontains(text, autoescape=True)
            for name in ("message_zh", "value_raw", "cell", "submission_id")
        )
    )


_COLUMNS = (
    finding.c.finding_id,
    finding.c.unit_code,
    finding.c.indicator_code,
    finding.c.period,
    finding.c.severity,
    finding.c.rule,
    finding.c.check_id,
    finding.c.submission_id,
    finding.c.revision,
    finding.c.sheet,
    finding.c.cell,
    finding.c.value_raw,
    finding.c.expected,
    finding.c.message_zh,
    finding.c.message_en,
    finding.c.fix_zh,
)


def _key(row: _Row) -> Key:
    return row.unit_code, row.finding_id


def _found(rows: Sequence[_Row]) -> tuple[FoundRow, ...]:
    return tuple(_found_row(row) for row in rows)


def _found_row(row: _Row) -> FoundRow:
    """The row with empty texts for nulls and personal data masked, as a page and a download show it."""
    parts: dict[str, Any] = {name: "" if part is None else part for name, part in row._asdict().items()}
    for name in _FROM_DEPARTMENTS:
        parts[name] = mask_personal_data(parts[name]).text
    return FoundRow(**parts)


def counts_by_severity(connection: Connection, of: Judged, unit: str = "") -> dict[str, Count]:
    """How many findings of each severity a run has in a region (about one unit, if told), counted to a bound.

    About one unit all severities are counted in one go; where that stops, each of them may be more.
    """
    if unit:
        return _counts_of_unit(connection, of, unit)
    return {severity.value: _count(connection, of, severity) for severity in Severity}


def _count(connection: Connection, of: Judged, severity: Severity) -> Count:
    number, more = 0, False
    for stream in _streams(of):
        if number > COUNTED_TO:
            break
        found = _bounded(connection, stream, finding.c.severity == severity.value)
        number += found.standing.get(severity.value, 0)
        more |= found.stopped
    return Count(min(number, COUNTED_TO), more or number > COUNTED_TO)


def _counts_of_unit(connection: Connection, of: Judged, unit: str) -> dict[str, Count]:
    counted = [_bounded(connection, stream, finding.c.unit_code == unit) for stream in _streams(of)]
    stopped = any(one.stopped for one in counted)
    return {
        severity.value: Count(sum(one.standing.get(severity.value, 0) for one in counted), stopped)
        for severity in Severity
    }


@dataclass(frozen=True)
class _Counted:
    """The findings of a stretch by severity, those that stand, and whether it was cut off."""

    standing: dict[str, int]
    stopped: bool


def _bounded(connection: Connection, stream: _Stream, indexed: ColumnElement[bool]) -> _Counted:
    stretch = (
        select(finding.c.severity, *([] if stream.standing is None else [finding.c.parse_id]))
        .where(stream.origin, indexed)
        .limit(COUNTED_TO + 1)
        .subquery()
    )
    stands = (
        func.count() if stream.standing is None else func.sum(case((stream.standing(stretch.c), 1), else_=0))
    )
    counted = select(stretch.c.severity, func.count(), stands).select_from(stretch)
    rows = connection.execute(counted.group_by(stretch.c.severity)).all()
    return _Counted({row[0]: int(row[2]) for row in rows}, sum(row[1] for row in rows) > COUNTED_TO)


# --- downloads


def all_findings(engine: Engine, of: Judged, filters: Filters = Filters()) -> Iterator[FoundRow]:
    """Every finding that a filter leaves, in the order of the pages, from one consistent view, a page in memory.

    Raises:
        UsageError: A filter cannot be.
    """
    wanted = filters.checked()
    with read(engine) as connection:
        yield from _merged([_streamed(connection, stream, wanted) for stream in _streams(of)])


def _streamed(connection: Connection, stream: _Stream, wanted: Filters) -> Iterator[_Row]:
    indexed, others = _by_index(wanted, stream.standing)
    after: Key | None = None
    while True:
        statement = (
            select(*_COLUMNS)
            .where(stream.origin, *indexed, *(condition(finding.c) for condition in others), _behind(after))
            .order_by(finding.c.unit_code, finding.c.finding_id)
            .limit(_STREAMED_AT_ONCE)
        )
        rows = connection.execute(statement).all()
        yield from rows
        if len(rows) < _STREAMED_AT_ONCE:
            return
        after = _key(rows[-1])


def _merged(streams: Sequence[Iterator[_Row]]) -> Iterator[FoundRow]:
    return (_found_row(row) for row in merge(*streams, key=_key))


FINDING_HEADS = (
    ("单位代码", 22),
    ("单位", 20),
    ("指标代码", 10),
    ("指标", 24),
    ("填报期", 12),
    ("处理", 12),
    ("规则", 16),
    ("规则名称", 20),
    ("报送编号", 22),
    ("第几次报送", 10),
    ("工作表", 12),
    ("单元格", 10),
    ("填的内容", 16),
    ("要求", 20),
    ("问题", 50),
    ("怎样更正", 40),
)
"""Columns of a download, with their widths in characters."""


def as_cells(rows: Iterable[FoundRow], names: Names) -> Iterator[tuple[str | int, ...]]:
    """Findings as the rows of a download, under ``FINDING_HEADS``."""
    for row in rows:
        yield (
            row.unit_code,
            names.unit(row.unit_code),
            row.indicator_code,
            names.indicator(row.indicator_code),
            Period.parse(row.period).name_zh,
            SEVERITY_ZH[Severity(row.severity)],
            row.rule,
            names.rule(row.rule),
            row.submission_id,
            row.revision,
            row.sheet,
            row.cell,
            row.value_raw,
            row.expected,
            row.message_zh,
            row.fix_zh,
        )
