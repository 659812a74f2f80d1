"""The department's own workbook, marked. In: its bytes and the findings. Out: an xlsx with a list of corrections.

The first sheet ``整改清单`` lists every finding with a link to its cell; the cells are coloured and carry a
comment. Nothing in the copy can run or reach out: formulas are their values, text that a spreadsheet could take
for a formula is made harmless, links, macros, names, pictures and hidden parts are gone. Of a file that was kept
out for its security only the list is written, none of its cells.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Border, PatternFill, Protection, Side
from openpyxl.worksheet.worksheet import Worksheet

from fazhi.model.terms import Severity
from fazhi.review.copying import copy_of
from fazhi.review.harmless import harmless
from fazhi.review.listed import Listed, cell_at, csv_cell_at, in_order
from fazhi.review.listing import LIST_SHEET, Link, write_list
from fazhi.review.returned import CONFIRMED_ZH, ReturnHead
from fazhi.sheets import read_file
from fazhi.sheets.cells import ReadFile
from fazhi.sheets.cover import META_SHEET
from fazhi.sheets.writing import packed

FILL_OF = {
    Severity.SECURITY: "F4B6D2",
    Severity.BLOCK: "F8B4AE",
    Severity.HOLD: "D9C2F0",
    Severity.WARN: "FFDF94",
    Severity.NOTE: "BFD9F2",
}
"""The colour of a cell by its severest finding; dark text stays readable on each."""

TABLE_OF_CSV = "填报表"
AUTHOR = "考评数据核验"
MAX_MARKED_CELLS = 200_000
"""Beyond this the copy would cost more than a file may; the list is written alone and says so."""

_ORDER = (Severity.SECURITY, Severity.BLOCK, Severity.HOLD, Severity.WARN, Severity.NOTE)
_COMPARED = Side(style="mediumDashed", color="B3261E")


@dataclass(frozen=True)
class _Place:
    """Where a finding stands in the copy."""

    sheet: str
    row: int
    column: int


def write_marked(name: str, content: bytes, head: ReturnHead, findings: Sequence[Listed]) -> bytes:
    """Write the marked copy of a file.

    Args:
        name: The file's name as it came.
        content: Its bytes, whatever they are.
        head: What the list says of the file.
        findings: Everything found in it; all of it is listed.

    Returns:
        An xlsx workbook. Without the file's cells when it could not be read, was kept out for its security, or
        has more than ``MAX_MARKED_CELLS`` cells; the list then says so.
    """
    found = in_order(findings)
    file = read_file(content, name)
    reason = _why_list_only(file, found)
    book = Workbook() if reason else copy_of(file, content, TABLE_OF_CSV)
    if reason:
        del book[book.active.title if book.active is not None else ""]
    places = {} if reason else dict(_places(book, file, found))
    links = {number: Link(place.sheet, place.row, place.column) for number, place in places.items()}
    write_list(book, head, found, links, reason)
    _mark(book, found, places)
    _compare(book, found, places)
    _open_at_the_list(book)
    return packed(book)


def _why_list_only(file: ReadFile, findings: Iterable[Listed]) -> str:
    """Why the copy has no cells; empty when it has."""
    if any(one.severity is Severity.SECURITY and one.cell is None for one in findings):
        return "文件因安全原因已隔离，这里只列问题，不附原表内容。"
    if file.fault is not None:
        return "文件不能作为数据表读取，这里只列问题，不附原表内容。"
    if sum(len(row.cells) for sheet in file.sheets for row in sheet.rows) > MAX_MARKED_CELLS:
        return f"原表超过 {MAX_MARKED_CELLS} 个单元格，这里只列问题；单元格位置以原表为准。"
    return ""


# --- where findings stand


def _places(book: Workbook, file: ReadFile, findings: Sequence[Listed]) -> Iterable[tuple[int, _Place]]:
    for number, one in enumerate(findings, 1):
        place = _place(book, file, one.sheet, one.cell)
        if place is not None:
            yield number, place


def _place(book: Workbook, file: ReadFile, sheet: str | None, cell: str | None) -> _Place | None:
    """A place that exists in the copy; of merged cells their first."""
    if sheet is None:
        line = csv_cell_at(cell)
        return None if line is None or not file.is_csv else _line_place(file, *line)
    title = next((one for one in book.sheetnames if one.strip() == sheet.strip()), None)
    at = cell_at(cell)
    if title is None or at is None:
        return None
    worksheet = book[title]
    for area in worksheet.merged_cells.ranges:
        if area.min_row <= at[0] <= area.max_row and area.min_col <= at[1] <= area.max_col:
            at = (area.min_row, area.min_col)
    return _Place(title, *at)


def _line_place(file: ReadFile, line: int, column_name: str) -> _Place:
    """Where a line and column of a CSV stand in the copy; an unknown column is shown at the line's first cell."""
    rows = file.sheets[0].rows
    header = rows[0].cells if rows else {}
    names = {cell.text.strip().casefold(): column for column, cell in header.items()}
    return _Place(TABLE_OF_CSV, line, names.get(column_name.strip().casefold(), 1))


# --- marks


def _mark(book: Workbook, findings: Sequence[Listed], places: dict[int, _Place]) -> None:
    by_place: dict[_Place, list[int]] = {}
    for number, place in places.items():
        by_place.setdefault(place, []).append(number)
    for place, numbers in by_place.items():
        of_cell = [(number, findings[number - 1]) for number in numbers]
        worst = min((one.tone for _, one in of_cell), key=_ORDER.index)
        cell = book[place.sheet].cell(place.row, place.column)
        cell.fill = PatternFill("solid", fgColor=FILL_OF[worst])
        cell.protection = Protection(locked=False)
        cell.comment = _comment(of_cell, cell.comment)
        _worst_on_tab(book[place.sheet], worst)


def _comment(of_cell: Sequence[tuple[int, Listed]], existing: Comment | None) -> Comment:
    parts = [
        f"【清单第 {number} 条，{one.handling_zh}】{_where_in_merged(one)}{one.message_zh}\n{_how_on(one)}"
        for number, one in of_cell
    ]
    if existing is not None and existing.text:
        parts.append(f"（原有批注）{existing.text}")
    text = harmless("\n\n".join(parts))
    comment = Comment(text, AUTHOR, width=360)
    lines = sum(1 + _width(line) // 52 for line in text.split("\n"))
    comment.height = min(60 + 18 * lines, 640)
    return comment


def _how_on(one: Listed) -> str:
    if one.is_confirmed:
        return CONFIRMED_ZH
    ruling = f"{one.ruling_zh}\n" if one.is_refused else ""
    return f"{ruling}怎样更正：{one.fix_zh}"


def _where_in_merged(one: Listed) -> str:
    return f"（{one.cell}）" if one.cell is not None and cell_at(one.cell) is not None else ""


def _width(text: str) -> int:
    """The width of a text in half-width characters."""
    return sum(1 if ord(character) < 0x2E80 else 2 for character in text)


def _worst_on_tab(worksheet: Worksheet, severity: Severity) -> None:
    """The tab of a sheet shows its severest finding."""
    shown = worksheet.sheet_properties.tabColor
    colours = [FILL_OF[one] for one in _ORDER]
    before = (
        colours.index(shown.rgb[-6:]) if shown is not None and shown.rgb[-6:] in colours else len(colours)
    )
    if _ORDER.index(severity) < before:
        worksheet.sheet_properties.tabColor = FILL_OF[severity]


def _compare(book: Workbook, findings: Sequence[Listed], places: dict[int, _Place]) -> None:
    """A dashed frame around the cells that a finding compared with its own."""
    marked = set(places.values())
    for number, place in places.items():
        for address in findings[number - 1].related:
            at = cell_at(address)
            if at is None or _Place(place.sheet, *at) in marked:
                continue
            cell = book[place.sheet].cell(*at)
            if not isinstance(cell, MergedCell):
                cell.border = Border(left=_COMPARED, right=_COMPARED, top=_COMPARED, bottom=_COMPARED)


def _open_at_the_list(book: Workbook) -> None:
    book.active = book.sheetnames.index(LIST_SHEET)
    for worksheet in book.worksheets:
        worksheet.sheet_view.tabSelected = worksheet.title == LIST_SHEET
        if worksheet.title.strip() == META_SHEET:
            worksheet.sheet_state = "veryHidden"
