"""One submission as a steward looks at it. In: the store, the ground, the raw file. Out: table, findings, history.

The table is the department's own workbook, windowed, each cell with the findings that stand on it. Personal data is
masked, a file that is kept out for its security shows no cell. Everything read belongs to this one submission, so a
page costs the same whatever else the store holds.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openpyxl.utils import get_column_letter
from sqlalchemy import Connection, and_, func, select

from fazhi.desk.refusals import NotFound
from fazhi.model.period import Period
from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import Severity
from fazhi.pipeline import Ground
from fazhi.registry import Registry
from fazhi.review import Listed, findings_in_force, listed, shown_digest
from fazhi.review.listed import cell_at, csv_cell_at
from fazhi.review.receipt import ReadLine, read_lines
from fazhi.review.stored import Returned, returned
from fazhi.sheets import read_file
from fazhi.sheets.cells import ReadFile, Sheet
from fazhi.sheets.cover import META_SHEET
from fazhi.store import read
from fazhi.store.decisions import DECISION_OF_SEVERITY, DecisionKey, key_of_finding, newest_rows
from fazhi.store.returns import StewardsReturn, standing_return
from fazhi.store.tables import (
    current_submission,
    department_request,
    finding,
    parse,
    portal_report,
    request_ruling,
    submission,
    submission_file,
)
from fazhi.systems.edition import Edition

ROWS_SHOWN, COLUMNS_SHOWN = 120, 26
"""The window of a sheet on one page; what lies beyond is announced."""

_WORST = (Severity.SECURITY, Severity.BLOCK, Severity.HOLD, Severity.WARN, Severity.NOTE)


@dataclass(frozen=True)
class Verdict:
    """The newest ruling on a finding."""

    decision_id: int
    verdict: str
    reason: str
    decided_by: str
    decided_at: str


@dataclass(frozen=True)
class Problem:
    """A finding on the screen: what was found, what was read there, who ruled on it."""

    finding_id: int
    told: Listed
    read_as: str
    """The row as it was read; empty where nothing was."""
    ruling: Verdict | None

    @property
    def decidable(self) -> bool:
        """Whether a steward decides on it; the rest only the department can correct."""
        return self.told.severity.value in DECISION_OF_SEVERITY

    @property
    def is_open(self) -> bool:
        """Whether it waits for a steward."""
        return self.decidable and (self.ruling is None or self.ruling.verdict == "withdraw")


@dataclass(frozen=True)
class GridCell:
    """A cell as the department wrote it; ``problems`` are places in the list of problems, from 1."""

    address: str
    text: str
    severity: str = ""
    problems: tuple[int, ...] = ()
    span: int = 1
    """Over how many columns of the window it is merged."""


@dataclass(frozen=True)
class Grid:
    """A window of one sheet."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[GridCell, ...]], ...]
    first_row: int
    before: int | None
    """The first row of the window before this one."""
    after: int | None
    hidden_columns: int = 0
    """How many columns lie beyond the window."""


@dataclass(frozen=True)
class SheetName:
    """A sheet to choose, with how many problems stand on it."""

    number: int
    title: str
    problems: int


@dataclass(frozen=True)
class Turn:
    """A revision of the submission: when, by whom, and whether it is the current one."""

    revision: int
    submission_id: str
    received_at: str
    submitted_by: str
    is_current: bool


@dataclass(frozen=True)
class Told:
    """What the department was told, and when the portal took it."""

    outcome: str
    queued_at: str
    reported_at: str | None


@dataclass(frozen=True)
class RequestRow:
    """Something that the department asks for; ``turns`` is how many rulings it has had."""

    request_id: int
    kind: str
    year: int
    unit_code: str
    indicator_code: str
    period: str
    rule: str
    until: str | None
    reason: str
    requested_by: str
    requested_name: str
    requested_at: str
    turns: int
    verdict: str
    decided_by: str
    decided_name: str
    ruled_because: str

    @property
    def is_open(self) -> bool:
        """Whether it waits for a second person."""
        return self.verdict in ("", "withdraw")


@dataclass(frozen=True)
class SubmissionPage:
    """Everything on the page of one revision."""

    submission_id: str
    revision: int
    kind: str
    year: int
    period: Period
    region: str
    unit_code: str
    unit_zh: str
    source: str
    received_at: str
    submitted_by: str
    is_current: bool
    is_read: bool
    workbook: str
    workbook_sha256: str
    evidence: tuple[tuple[str, str], ...]
    """Name and SHA-256 of each file beside the workbook."""
    why_no_table: str
    """``no_workbook``, ``isolated`` or ``unreadable``; empty where there is a table."""
    sheets: tuple[SheetName, ...]
    grid: Grid | None
    problems: tuple[Problem, ...]
    lines: tuple[ReadLine, ...]
    turns: tuple[Turn, ...]
    told: tuple[Told, ...]
    returned: StewardsReturn | None
    requests: tuple[RequestRow, ...]
    shown: str
    """The digest that decisions taken on this page carry."""

    @property
    def waiting(self) -> int:
        """How many problems wait for a steward."""
        return sum(one.is_open for one in self.problems)


def submission_page(
    ground: Ground,
    submission_id: str,
    revision: int,
    *,
    sheet: int | None = None,
    first_row: int | None = None,
) -> SubmissionPage:
    """The page of a submission's revision.

    Args:
        ground: Store, raw files, edition, registry.
        submission_id: The submission.
        revision: The revision.
        sheet: The sheet to show, from 0; by default the one with the gravest problem, or the table.
        first_row: The first row of the window; by default the one with the first problem on it.

    Raises:
        NotFound: There is no such submission or revision.
        SystemFault: The raw store lost the file.
    """
    with read(ground.engine) as connection:
        sent = submission_of(connection, submission_id, revision)
        edition = ground.edition(sent["year"])
        back = returned(connection, edition, ground.registry, submission_id, revision)
        rows = findings_in_force(connection, submission_id, revision)
        lines, by_value = _lines(connection, back, edition, submission_id, revision)
        problems = _problems(connection, rows, edition, by_value, sent["year"])
        files = _files(connection, submission_id, revision)
        turns = _turns(connection, sent)
        page = _Head(
            region=region_of_sender(ground.registry, sent["sender_code"]),
            unit_zh=_unit_zh(back, ground.registry, sent),
            told=_told(connection, submission_id, revision),
            returned=standing_return(connection, submission_id, revision),
            requests=requests_about(connection, sent["year"], sent["sender_code"], sent["period"]),
            shown=shown_digest(connection, submission_id, revision),
        )
    workbook = next((one for one in files if one["role"] == "workbook"), None)
    file, why = _table(ground, workbook, problems)
    at = _places(file, problems)
    chosen = _chosen(file, at, sheet)
    return SubmissionPage(
        submission_id=submission_id,
        revision=revision,
        kind=sent["kind"],
        year=sent["year"],
        period=Period.parse(sent["period"]),
        region=page.region,
        unit_code=sent["sender_code"],
        unit_zh=page.unit_zh,
        source=sent["source"],
        received_at=sent["received_at"],
        submitted_by=sent["submitted_by"],
        is_current=any(one.is_current and one.revision == revision for one in turns),
        is_read=back is not None,
        workbook="" if workbook is None else workbook["name"],
        workbook_sha256="" if workbook is None else workbook["sha256"],
        evidence=tuple((one["name"], one["sha256"]) for one in files if one["role"] == "evidence"),
        why_no_table=why,
        sheets=_sheet_names(file, at),
        grid=None if chosen is None or file is None else _grid(file, chosen, at, problems, first_row),
        problems=problems,
        lines=lines,
        turns=turns,
        told=page.told,
        returned=page.returned,
        requests=page.requests,
        shown=page.shown,
    )


@dataclass(frozen=True)
class _Head:
    """What is read of the surroundings of a submission."""

    region: str
    unit_zh: str
    told: tuple[Told, ...]
    returned: StewardsReturn | None
    requests: tuple[RequestRow, ...]
    shown: str


def submission_of(connection: Connection, submission_id: str, revision: int) -> Mapping[str, Any]:
    """The row of a submission's revision.

    Raises:
        NotFound: There is none.
    """
    here = (submission.c.submission_id == submission_id, submission.c.revision == revision)
    row = connection.execute(select(submission).where(*here)).mappings().one_or_none()
    if row is None:
        raise NotFound("没有这份报送，或没有这一次")
    return dict(row)


def region_of_sender(registry: Registry, sender_code: str) -> str:
    """The region that a sender belongs to, by its latest record; the first region for a sender nobody knows."""
    known = registry.records_of(sender_code)
    if known:
        return registry.region_of(known[-1])
    return min((registry.region_of(unit) for unit in registry.units), default="")


# --- problems -------------------------------------------------------------------------------------------------------


def _lines(
    connection: Connection, back: Returned | None, edition: Edition, submission_id: str, revision: int
) -> tuple[tuple[ReadLine, ...], dict[int, str]]:
    """What was read, and the reading of each value by its id."""
    if back is None:
        return (), {}
    lines = read_lines(back, edition)
    readings = (line.reading for line in lines)
    return lines, {row["value_id"]: reading for row, reading in zip(back.values, readings, strict=True)}


def _problems(
    connection: Connection,
    rows: list[dict[str, Any]],
    edition: Edition,
    by_value: Mapping[int, str],
    year: int,
) -> tuple[Problem, ...]:
    """Every finding in force, the gravest first, then by place; nothing is left out."""
    rulings = _rulings(connection, year, rows)
    found = [
        Problem(
            row["finding_id"],
            listed(row, edition),
            by_value.get(row["value_id"] or 0, ""),
            rulings.get(key_of_finding(row)) if row["severity"] in DECISION_OF_SEVERITY else None,
        )
        for row in rows
    ]
    return tuple(sorted(found, key=_order))


def _order(one: Problem) -> tuple[Any, ...]:
    told = one.told
    place = cell_at(told.cell) or (*(csv_cell_at(told.cell) or (0, ""))[:1], 0)
    return (_WORST.index(told.severity), told.sheet or "", place, told.rule, one.finding_id)


def _rulings(
    connection: Connection, year: int, rows: Iterable[Mapping[str, Any]]
) -> Mapping[DecisionKey, Verdict]:
    """The newest ruling on each thing that somebody ruled on, of the units that findings are about."""
    units = {row["unit_code"] for row in rows if row["severity"] in DECISION_OF_SEVERITY}
    return {
        key: Verdict(**{name: given[name] for name in Verdict.__dataclass_fields__})
        for key, given in newest_rows(connection, year, units).items()
    }


# --- the table ------------------------------------------------------------------------------------------------------


def _files(connection: Connection, submission_id: str, revision: int) -> list[Mapping[str, Any]]:
    statement = (
        select(submission_file)
        .where(submission_file.c.submission_id == submission_id, submission_file.c.revision == revision)
        .order_by(submission_file.c.name)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def _table(
    ground: Ground, workbook: Mapping[str, Any] | None, problems: Iterable[Problem]
) -> tuple[ReadFile | None, str]:
    """The workbook's cells, or why there are none to be shown."""
    if workbook is None:
        return None, "no_workbook"
    if any(one.told.severity is Severity.SECURITY and one.told.cell is None for one in problems):
        return None, "isolated"
    file = read_file(ground.raw.get(workbook["sha256"]), workbook["name"])
    if file.fault is not None:
        return None, "unreadable"
    return file, ""


_At = dict[tuple[int, int, int], list[int]]
"""Sheet, row and column → numbers of problems, from 1."""


def _places(file: ReadFile | None, problems: tuple[Problem, ...]) -> _At:
    at: _At = {}
    for number, one in enumerate(problems, 1):
        place = None if file is None else _place(file, one.told)
        if place is not None:
            at.setdefault(place, []).append(number)
    return at


def _place(file: ReadFile, told: Listed) -> tuple[int, int, int] | None:
    if file.is_csv:
        line = csv_cell_at(told.cell)
        return None if line is None else (0, line[0], _column_of(file.sheets[0], line[1]))
    cell = cell_at(told.cell)
    titles = [(sheet.name or "").strip() for sheet in file.sheets]
    wanted = (told.sheet or "").strip()
    return None if cell is None or wanted not in titles else (titles.index(wanted), *cell)


def _column_of(sheet: Sheet, name: str) -> int:
    header = sheet.rows[0].cells if sheet.rows else {}
    titles = {cell.text.strip().casefold(): column for column, cell in header.items()}
    return titles.get(name.strip().casefold(), 1)


def _chosen(file: ReadFile | None, at: _At, asked: int | None) -> int | None:
    if file is None or not file.sheets:
        return None
    if asked is not None and 0 <= asked < len(file.sheets):
        return asked
    if at:
        return min(at.items(), key=lambda place: min(place[1]))[0][0]
    sizes = [sum(len(row.cells) for row in sheet.rows) for sheet in file.sheets]
    return sizes.index(max(sizes))


def _sheet_names(file: ReadFile | None, at: _At) -> tuple[SheetName, ...]:
    if file is None:
        return ()
    return tuple(
        SheetName(
            number,
            _masked(sheet.name or "CSV"),
            len({one for (there, _, _), numbers in at.items() if there == number for one in numbers}),
        )
        for number, sheet in enumerate(file.sheets)
        if (sheet.name or "").strip() != META_SHEET
    )


def _grid(file: ReadFile, chosen: int, at: _At, problems: tuple[Problem, ...], first_row: int | None) -> Grid:
    sheet = file.sheets[chosen]
    here = {(row, column): numbers for (there, row, column), numbers in at.items() if there == chosen}
    written = {row.number: row for row in sheet.rows}
    last = max((*written, *(row for row, _ in here)), default=0)
    width = max(
        (*(max(row.cells, default=0) for row in sheet.rows), *(column for _, column in here)), default=0
    )
    start = max(1, first_row if first_row is not None else _window_of(here))
    shown = range(start, min(last, start + ROWS_SHOWN - 1) + 1)
    columns = range(1, min(width, COLUMNS_SHOWN) + 1)
    rows = tuple(
        (
            number,
            tuple(
                _grid_cell(sheet, (number, column, span), written, here.get((number, column), []), problems)
                for column, span in _spans(sheet, number, len(columns))
            ),
        )
        for number in shown
    )
    return Grid(
        title=_masked(sheet.name or "CSV"),
        columns=tuple(get_column_letter(column) for column in columns),
        rows=rows,
        first_row=start,
        before=None if start == 1 else max(1, start - ROWS_SHOWN),
        after=None if last < start + ROWS_SHOWN else start + ROWS_SHOWN,
        hidden_columns=max(0, width - COLUMNS_SHOWN),
    )


def _window_of(here: Mapping[tuple[int, int], list[int]]) -> int:
    """The window that holds the first problem of a sheet."""
    first = min((row for row, _ in here), default=1)
    return 1 if first <= ROWS_SHOWN else (first - 1) // ROWS_SHOWN * ROWS_SHOWN + 1


def _spans(sheet: Sheet, row: int, width: int) -> Iterator[tuple[int, int]]:
    """The cells of a row with the columns that each covers: merged cells are one."""
    column = 1
    while column <= width:
        area = next((one for one in sheet.layout.merged if one.holds(row, column)), None)
        last = column if area is None or area.first_column != column else min(area.last_column, width)
        yield column, last - column + 1
        column = last + 1


def _grid_cell(
    sheet: Sheet,
    place: tuple[int, int, int],
    written: Mapping[int, Any],
    numbers: list[int],
    problems: tuple[Problem, ...],
) -> GridCell:
    row, column, span = place
    cell = written[row].cells.get(column) if row in written else None
    severities = [problems[number - 1].told.severity for number in numbers]
    worst = min(severities, key=_WORST.index).value if severities else ""
    address = f"{get_column_letter(column)}{row}"
    return GridCell(address, "" if cell is None else _masked(cell.shown), worst, tuple(numbers), span)


def _masked(text: str) -> str:
    return mask_personal_data(text).text


def evidence_file(ground: Ground, submission_id: str, revision: int, sha256: str) -> tuple[str, bytes]:
    """An evidence file of a submission by its digest: its name as it came, and its bytes.

    Raises:
        NotFound: The submission has no such evidence, or is kept out for its security.
        SystemFault: The raw store lost the file.
    """
    with read(ground.engine) as connection:
        files = _files(connection, submission_id, revision)
        found = findings_in_force(connection, submission_id, revision)
    named = next((one for one in files if one["sha256"] == sha256 and one["role"] == "evidence"), None)
    if named is None or any(row["severity"] == Severity.SECURITY and row["cell"] is None for row in found):
        raise NotFound("没有这个佐证文件，或已因安全原因隔离")
    return str(named["name"]), ground.raw.get(sha256)


# --- around it ------------------------------------------------------------------------------------------------------


def _unit_zh(back: Returned | None, registry: Registry, sent: Mapping[str, Any]) -> str:
    if back is not None:
        return back.head.unit_zh
    known = registry.records_of(sent["sender_code"])
    return known[-1].name_zh if known else str(sent["sender_code"])


def _turns(connection: Connection, sent: Mapping[str, Any]) -> tuple[Turn, ...]:
    """Every revision and version that the sender submitted for the period, the newest first."""
    same = [submission.c[name] == sent[name] for name in ("kind", "sender_code", "period")]
    pointer = and_(
        current_submission.c.submission_id == submission.c.submission_id,
        current_submission.c.revision == submission.c.revision,
    )
    statement = (
        select(submission, current_submission.c.submission_id.label("current"))
        .outerjoin(current_submission, pointer)
        .where(*same)
        .order_by(submission.c.received_at.desc(), submission.c.revision.desc())
    )
    return tuple(
        Turn(
            row["revision"],
            row["submission_id"],
            row["received_at"],
            row["submitted_by"],
            row["current"] is not None,
        )
        for row in connection.execute(statement).mappings()
    )


def _told(connection: Connection, submission_id: str, revision: int) -> tuple[Told, ...]:
    statement = (
        select(portal_report)
        .where(portal_report.c.submission_id == submission_id, portal_report.c.revision == revision)
        .order_by(portal_report.c.report_no.desc())
    )
    rows = connection.execute(statement).mappings()
    return tuple(Told(row["outcome"], row["queued_at"], row["reported_at"]) for row in rows)


def requests_about(connection: Connection, year: int, unit_code: str, period: str) -> tuple[RequestRow, ...]:
    """What a unit asks for about a period, the newest first."""
    asked = department_request.c
    here = (asked.year == year, asked.unit_code == unit_code, asked.period == period)
    statement = select(department_request).where(*here).order_by(asked.request_id.desc())
    return request_rows(connection, [dict(row) for row in connection.execute(statement).mappings()])


def request_rows(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> tuple[RequestRow, ...]:
    """Rows of ``department_request`` with their newest rulings."""
    return tuple(_request_row(connection, row) for row in rows)


def _request_row(connection: Connection, row: Mapping[str, Any]) -> RequestRow:
    statement = (
        select(request_ruling)
        .where(request_ruling.c.request_id == row["request_id"])
        .order_by(request_ruling.c.number)
    )
    given = [dict(one) for one in connection.execute(statement).mappings()]
    newest = given[-1] if given else {}
    own = {name: row[name] for name in RequestRow.__dataclass_fields__ if name in row}
    return RequestRow(
        **own,
        turns=len(given),
        verdict=newest.get("verdict", ""),
        decided_by=newest.get("decided_by", ""),
        decided_name=newest.get("decided_name", ""),
        ruled_because=newest.get("reason", ""),
    )


# --- two revisions --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Moved:
    """A row that differs between two revisions; empty on one side where it stands only on the other."""

    indicator_code: str
    indicator_zh: str
    unit_code: str
    period: str
    before: str
    after: str


@dataclass(frozen=True)
class RevisionDifference:
    """What a later revision changed: rows of the table, problems that went, problems that came."""

    moved: tuple[Moved, ...]
    gone: tuple[Listed, ...]
    come: tuple[Listed, ...]
    same_rows: int


def revision_difference(
    ground: Ground, before: tuple[str, int], after: tuple[str, int]
) -> RevisionDifference:
    """Compare two revisions of one sender and period.

    Raises:
        NotFound: One does not exist, or they are of different senders or periods.
    """
    with read(ground.engine) as connection:
        first, second = submission_of(connection, *before), submission_of(connection, *after)
        if any(first[name] != second[name] for name in ("kind", "sender_code", "period")):
            raise NotFound("这两次报送不属于同一单位和报送期，不能比较")
        edition = ground.edition(first["year"])
        old = _as_read(connection, ground, edition, before)
        new = _as_read(connection, ground, edition, after)
        old_found, new_found = (_ever_found(connection, edition, one) for one in (before, after))
    names = {indicator.code: indicator.name_zh for indicator in edition.indicators}
    keys = sorted({*old, *new})
    moved = tuple(
        Moved(code, names.get(code, ""), unit, period, old.get(key, ""), new.get(key, ""))
        for key in keys
        for code, unit, period in (key,)
        if old.get(key) != new.get(key)
    )
    return RevisionDifference(
        moved,
        tuple(told for place, told in old_found.items() if place not in new_found),
        tuple(told for place, told in new_found.items() if place not in old_found),
        len(keys) - len(moved),
    )


def _as_read(
    connection: Connection, ground: Ground, edition: Edition, of: tuple[str, int]
) -> dict[tuple[str, str, str], str]:
    back = returned(connection, edition, ground.registry, *of)
    if back is None:
        return {}
    lines = read_lines(back, edition)
    return {
        (row["indicator_code"], row["unit_code"], row["period"]): line.reading
        for row, line in zip(back.values, lines, strict=True)
    }


def _ever_found(
    connection: Connection, edition: Edition, of: tuple[str, int]
) -> dict[tuple[str, ...], Listed]:
    """What stands, or stood last, on a revision, by rule and what it is about."""
    parses = select(func.max(parse.c.parse_id)).where(
        parse.c.submission_id == of[0], parse.c.revision == of[1]
    )
    newest = (
        select(func.max(finding.c.validation_id))
        .where(finding.c.parse_id.in_(parses.scalar_subquery()))
        .scalar_subquery()
    )
    statement = select(finding).where(
        finding.c.parse_id.in_(parses.scalar_subquery()),
        finding.c.validation_id.is_(None) | (finding.c.validation_id == newest),
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return {
        (
            row["rule"],
            row["unit_code"],
            row["indicator_code"] or "",
            row["period"],
            row["cell"] or "",
        ): listed(row, edition)
        for row in rows
    }
