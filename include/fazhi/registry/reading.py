"""Rows of the registry's files as records. In: rows with addresses. Out: records, faults of single rows.

What can be judged on one row alone is judged here; what needs other rows or an edition is in ``checks``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar, cast, get_args

from fazhi.model import unit_code
from fazhi.model.terms import Tag
from fazhi.registry.records import Adjustment, Alias, LeadTask, ScoredBy, Source, SourceKind, Unit
from fazhi.registry.tables import Fault, Row, RowReader, TableForm

LEVELS = ("province", "city", "county", "township")
ADJUSTMENT_LEVELS = ("national", "region", "city")

UNITS = TableForm(
    "units.csv",
    (
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
    ),
    required=True,
)
SOURCES = TableForm(
    "sources.csv",
    ("source", "name_zh", "kind", "authority_unit_code", "years"),
    required=True,
    later_columns=("division_code",),
)
_ALIASES = TableForm("unit_aliases.csv", ("unit_code", "alias_zh", "valid_from", "valid_to"))
_LEAD_TASKS = TableForm(
    "lead_tasks.csv",
    ("year", "task_id", "title_zh", "lead_unit_code", "co_unit_codes", "indicator_codes", "due"),
)
_ADJUSTMENTS = TableForm(
    "adjustments.csv",
    (
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
)
_EXCEPTIONS = TableForm(
    "code_exceptions.csv", ("unit_code", "reason_zh", "document", "approved_by", "approved_on")
)
FORMS = (UNITS, SOURCES, _ALIASES, _LEAD_TASKS, _ADJUSTMENTS, _EXCEPTIONS)

Record = TypeVar("Record", covariant=True)


@dataclass(frozen=True)
class CodeException:
    """A code that is used although its check character is wrong, by a recorded approval."""

    unit_code: str
    reason_zh: str
    document: str
    approved_by: str
    approved_on: date


@dataclass(frozen=True)
class Placed(Generic[Record]):
    """A record and the row it was read from."""

    record: Record
    row: Row


@dataclass(frozen=True)
class Records:
    """All that could be read; rows with a fault of their own are missing, except from ``known_…``."""

    units: Sequence[Placed[Unit]]
    aliases: Sequence[Placed[Alias]]
    sources: Sequence[Placed[Source]]
    lead_tasks: Sequence[Placed[LeadTask]]
    adjustments: Sequence[Placed[Adjustment]]
    known_codes: frozenset[str]
    """Codes of all rows of units.csv, so that one faulty row does not make others look wrong."""
    known_sources: frozenset[str]
    known_divisions: frozenset[str]


def read_records(rows: Mapping[str, Sequence[Row]], faults: list[Fault]) -> Records:
    """Turn the rows of all files into records.

    Args:
        rows: Rows by file name.
        faults: Receives what is wrong with single rows.
    """
    exceptions = _sound(rows[_EXCEPTIONS.file], _exception, faults)
    excepted = frozenset(placed.record.unit_code for placed in exceptions)
    return Records(
        units=_sound(rows[UNITS.file], lambda cells: _unit(cells, excepted), faults),
        aliases=_sound(rows[_ALIASES.file], _alias, faults),
        sources=_sound(rows[SOURCES.file], _source, faults),
        lead_tasks=_sound(rows[_LEAD_TASKS.file], _lead_task, faults),
        adjustments=_sound(rows[_ADJUSTMENTS.file], _adjustment, faults),
        known_codes=frozenset(row.cells["unit_code"] for row in rows[UNITS.file]),
        known_sources=frozenset(row.cells["source"] for row in rows[SOURCES.file]),
        known_divisions=frozenset(row.cells["division_code"] for row in rows[UNITS.file]),
    )


def _sound(
    rows: Sequence[Row], read: Callable[[RowReader], Record], faults: list[Fault]
) -> tuple[Placed[Record], ...]:
    """The records of the rows without a fault."""
    placed = []
    for row in rows:
        cells = RowReader(row, faults)
        record = read(cells)
        if cells.sound:
            placed.append(Placed(record, row))
    return tuple(placed)


def _unit(cells: RowReader, excepted: frozenset[str]) -> Unit:
    valid_from, valid_to = cells.interval()
    successor = cells.optional("successor_code")
    if successor and valid_to is None:
        cells.refuse("successor_code", "写了承接单位，却没有写截止日期 valid_to")
    return Unit(
        unit_code=_code(cells, excepted),
        name_zh=cells.text("name_zh"),
        name_en=cells.optional("name_en"),
        short_name_zh=cells.optional("short_name_zh"),
        division_code=cells.digits("division_code", 6),
        level=cells.word("level", LEVELS),
        parent_code=cells.optional("parent_code"),
        tags=cells.words("tags", Tag),
        scored_by=cast(ScoredBy, cells.word("scored_by", get_args(ScoredBy))),
        valid_from=valid_from,
        valid_to=valid_to,
        successor_code=successor,
    )


def _code(cells: RowReader, excepted: frozenset[str]) -> str:
    """The unit's code; an approved exception excuses the check character, never the form."""
    code = cells.text("unit_code")
    for fault in unit_code.faults(code) if code else []:
        if not (code in excepted and unit_code.has_form(code)):
            cells.refuse("unit_code", f"统一社会信用代码“{code}”有误：{fault}")
    return code


def _alias(cells: RowReader) -> Alias:
    valid_from, valid_to = cells.interval()
    return Alias(cells.text("unit_code"), cells.text("alias_zh"), valid_from, valid_to)


def _source(cells: RowReader) -> Source:
    kind = cells.word("kind", get_args(SourceKind))
    authority = cells.optional("authority_unit_code")
    if kind == "office" and not authority:
        cells.refuse("authority_unit_code", "kind 为 office 的来源必须写明负责报送的单位")
    if kind in ("submission", "system") and authority:
        cells.refuse("authority_unit_code", f"kind 为 {kind} 的来源不应填写单位")
    from_year, to_year = cells.years("years")
    region = cells.optional("division_code") and cells.digits("division_code", 6)
    if region and kind != "office":
        cells.refuse("division_code", "只有 kind 为 office 的来源才能按地区确定报送单位")
    return Source(
        source=cells.text("source"),
        name_zh=cells.text("name_zh"),
        kind=cast(SourceKind, kind),
        authority_unit_code=authority,
        from_year=from_year,
        to_year=to_year,
        region=region,
    )


def _lead_task(cells: RowReader) -> LeadTask:
    return LeadTask(
        year=cells.year("year"),
        task_id=cells.text("task_id"),
        title_zh=cells.text("title_zh"),
        lead_unit_code=cells.text("lead_unit_code"),
        co_unit_codes=cells.parts("co_unit_codes"),
        indicator_codes=cells.parts("indicator_codes"),
        due=cells.optional_day("due"),
    )


def _adjustment(cells: RowReader) -> Adjustment:
    drafter, approver = cells.text("drafted_by"), cells.optional("approved_by")
    approved_on = cells.optional_day("approved_on")
    if approver and approver == drafter:
        cells.refuse("approved_by", f"批准人与起草人不能是同一人(“{drafter}”)")
    if approver and not cells.optional("approved_on"):
        cells.refuse("approved_on", "已写批准人，缺批准日期")
    if approved_on is not None and not approver:
        cells.refuse("approved_by", "已写批准日期，缺批准人")
    return Adjustment(
        year=cells.year("year"),
        unit_code=cells.text("unit_code"),
        code=cells.text("code"),
        level=cells.word("level", ADJUSTMENT_LEVELS, may_be_empty=True),
        count=cells.whole("count"),
        indicator_code=cells.optional("indicator_code"),
        title_zh=cells.text("title_zh"),
        document=cells.text("document"),
        drafted_by=drafter,
        approved_by=approver,
        approved_on=approved_on,
    )


def _exception(cells: RowReader) -> CodeException:
    return CodeException(
        unit_code=cells.text("unit_code"),
        reason_zh=cells.text("reason_zh"),
        document=cells.text("document"),
        approved_by=cells.text("approved_by"),
        approved_on=cells.day("approved_on"),
    )
