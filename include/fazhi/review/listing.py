"""The sheet ``整改清单``. In: the findings and what is said of the file. Out: the first sheet of a workbook.

Every finding is one row with a link to its cell: what is wrong, how to put it right, on what basis, by when and
whom to ask. Nothing is left out.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.cell_style import StyleArray
from openpyxl.utils import get_column_letter, quote_sheetname
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from fazhi.model.terms import Severity
from fazhi.review.harmless import harmless
from fazhi.review.listed import Listed, place_zh
from fazhi.review.returned import ReturnHead, next_step_zh, summary_zh

LIST_SHEET = "整改清单"
HEADERS = (
    ("序号", 6),
    ("处理", 11),
    ("工作表", 10),
    ("单元格", 10),
    ("指标", 18),
    ("填的内容", 14),
    ("问题", 40),
    ("怎样更正", 40),
    ("依据（核实情况）", 22),
    ("办理期限", 18),
    ("联系", 14),
)
_INK_OF = {
    Severity.SECURITY: "7A1048",
    Severity.BLOCK: "B3261E",
    Severity.HOLD: "6B3FA0",
    Severity.WARN: "8A5200",
    Severity.NOTE: "2F5D8A",
}
_TINT_OF = {
    Severity.SECURITY: "F9E9F1",
    Severity.BLOCK: "FBECEB",
    Severity.HOLD: "F3EDFA",
    Severity.WARN: "FDF3E1",
    Severity.NOTE: "EAF1F8",
}
_PLACE = 4
"""The column of the place; that of a CSV names line and column and needs more room than an address."""
_WIDEST_PLACE = 26
_FONT = "宋体"
_LINE = Side(style="thin", color="B8B8B8")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_HEAD_FILL = PatternFill("solid", fgColor="D9E2EC")
_TALLEST = 400
_POINTS_PER_LINE = 14.5


@dataclass(frozen=True)
class Link:
    """A cell of the copy that a row of the list leads to."""

    sheet: str
    row: int
    column: int

    @property
    def address(self) -> str:
        """The cell's address within its sheet."""
        return f"{get_column_letter(self.column)}{self.row}"

    @property
    def location(self) -> str:
        """The address as a link writes it."""
        return f"{quote_sheetname(self.sheet)}!{self.address}"


def write_list(
    book: Workbook,
    head: ReturnHead,
    findings: Sequence[Listed],
    links: Mapping[int, Link],
    remark: str = "",
) -> Worksheet:
    """Write the list as the first sheet.

    Args:
        book: The workbook; the list of an earlier return is replaced.
        head: What is said of the file.
        findings: All findings, in the order of their numbers.
        links: Where each number stands in the workbook; one without a place has no link.
        remark: Why the workbook holds nothing but the list, where that is so.
    """
    _set_aside(book)
    sheet: Worksheet = book.create_sheet(LIST_SHEET, 0)
    places = [_place_text(one, links.get(number)) for number, one in enumerate(findings, 1)]
    widths = _widths(places)
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    first = _write_head(sheet, head, findings, remark)
    for column, (title, _) in enumerate(HEADERS, 1):
        cell = sheet.cell(first, column, title)
        cell.font, cell.fill, cell.border = Font(_FONT, 11, bold=True), _HEAD_FILL, _BOX
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
    sheet.row_dimensions[first].height = 24
    styles = _Styles()
    for number, one in enumerate(findings, 1):
        _write_row(sheet, first + number, number, one, head, links.get(number), styles, widths)
    if not findings:
        _spanning(sheet, first + 1, "没有发现问题。")
    sheet.freeze_panes = f"A{first + 1}"
    sheet.print_title_rows = f"{first}:{first}"
    _print_setup(sheet)
    return sheet


def _set_aside(book: Workbook) -> None:
    """Make room for the list: that of an earlier return goes, a department's own sheet of the name is renamed."""
    if LIST_SHEET in book.sheetnames:
        before = book[LIST_SHEET]
        if str(before["A1"].value or "").endswith(LIST_SHEET):
            book.remove(before)
        else:
            before.title = f"{LIST_SHEET}（原表）"


def _write_head(sheet: Worksheet, head: ReturnHead, findings: Sequence[Listed], remark: str) -> int:
    """The facts above the table; gives the row of the table's header."""
    _spanning(sheet, 1, f"{head.unit_zh or '（单位未知）'} {head.period_zh} 整改清单", bold=16)
    lines = [
        f"{summary_zh(findings)}。{next_step_zh(findings)}",
        f"文件：{head.file_name}　{head.revision_zh}　核验时间：{head.made_at}",
        f"文件 SHA-256：{head.sha256}",
        f"指标体系：{head.edition_zh}",
        f"联系：{head.contact_zh}",
    ]
    if remark:
        lines.insert(1, remark)
    else:
        lines.insert(1, "点“单元格”一栏可跳到有问题的单元格；单元格已按处理方式着色，批注里有同样的说明。")
    if head.not_checked:
        lines.append(
            f"本次没有核对的规则（需要以前年度、其他单位或者系统内的数据）：{'、'.join(head.not_checked)}"
        )
    for row, text in enumerate(lines, 2):
        _spanning(sheet, row, text)
    return len(lines) + 3


def _spanning(sheet: Worksheet, row: int, text: str, bold: int = 0) -> None:
    sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=len(HEADERS))
    cell = sheet.cell(row, 1)
    _text(cell, text)
    cell.font = Font(_FONT, bold or 11, bold=bool(bold))
    cell.alignment = Alignment(vertical="center", wrap_text=True)
    width = sum(width for _, width in HEADERS)
    sheet.row_dimensions[row].height = max(30 if bold else 18, _POINTS_PER_LINE * _lines(text, width) + 4)


def _write_row(
    sheet: Worksheet,
    row: int,
    number: int,
    one: Listed,
    head: ReturnHead,
    link: Link | None,
    styles: "_Styles",
    widths: Sequence[int],
) -> None:
    texts = (
        str(number),
        one.handling_zh,
        one.sheet or (link.sheet if link is not None else "—"),
        _place_text(one, link),
        " ".join(filter(None, (one.indicator_code, one.indicator_zh))) or "—",
        one.value or "—",
        _problem(one),
        "—" if one.is_confirmed else one.fix_zh,
        one.basis_zh,
        head.by_when_zh(one),
        head.contact or "见表头",
    )
    for column, text in enumerate(texts, 1):
        cell = sheet.cell(row, column)
        _text(cell, text)
        styles.dress(cell, _look(column, one.tone, link is not None))
    sheet.cell(row, 1).value = number
    if link is not None:
        _link(sheet.cell(row, _PLACE), link)
    tallest = max(_lines(text, width) for text, width in zip(texts, widths, strict=True))
    sheet.row_dimensions[row].height = min(_TALLEST, _POINTS_PER_LINE * tallest + 6)


def _problem(one: Listed) -> str:
    ruling = f"\n{one.ruling_zh}" if one.is_refused else ""
    compared = f"\n对照的单元格：{'、'.join(map(place_zh, one.related))}" if one.related else ""
    return f"{one.message_zh}{ruling}{compared}"


def _place_text(one: Listed, link: Link | None) -> str:
    place = place_zh(one.cell) if one.cell else "整个文件" if one.sheet is None else "整张表"
    return place if link is None or one.cell == link.address else f"{place}\n（{link.address}）"


def _widths(places: Sequence[str]) -> tuple[int, ...]:
    """The widths of the columns; a link does not wrap everywhere, so that the column of places is as wide as they are."""
    longest = max((_wide(line) for place in places for line in place.split("\n")), default=0)
    return tuple(
        max(width, min(_WIDEST_PLACE, longest + 2)) if column == _PLACE else width
        for column, (_, width) in enumerate(HEADERS, 1)
    )


_Look = tuple[bool, Severity | None, bool]
"""Whether a cell is centred, in which severity's colours, and whether it is a link."""


def _look(column: int, severity: Severity, is_linked: bool) -> _Look:
    return column <= _PLACE, severity if column == 2 else None, is_linked and column == _PLACE


class _Styles:
    """The styles of the list's cells, each made once: openpyxl looks up every style that is assigned by its content."""

    def __init__(self) -> None:
        self._made: dict[_Look, StyleArray] = {}

    def dress(self, cell: Any, look: _Look) -> None:
        """Give a cell its look; openpyxl has no public way to share a style between cells."""
        if look not in self._made:
            self._dress(cell, *look)
            self._made[look] = cell._style
        cell._style = copy(self._made[look])

    @staticmethod
    def _dress(cell: Cell | MergedCell, centred: bool, severity: Severity | None, is_link: bool) -> None:
        cell.font, cell.border = Font(_FONT, 10), _BOX
        cell.alignment = Alignment(
            horizontal="center" if centred else None, vertical="center", wrap_text=True
        )
        if severity is not None:
            cell.font = Font(_FONT, 10, bold=True, color=_INK_OF[severity])
            cell.fill = PatternFill("solid", fgColor=_TINT_OF[severity])
        if is_link:
            cell.font = Font(_FONT, 10, underline="single", color="1F4E9E")


def _link(cell: Cell | MergedCell, link: Link) -> None:
    if isinstance(cell, MergedCell):
        return
    cell.hyperlink = Hyperlink(
        ref=cell.coordinate, location=link.location, tooltip=f"跳到 {link.sheet} {link.address}"
    )


def _text(cell: Cell | MergedCell, text: str) -> None:
    cell.value = harmless(text)
    if isinstance(cell, Cell):
        cell.data_type = "s"


def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column of a width; a Chinese character is two wide."""
    room = max(1, int(width * 0.94))
    return sum(1 + (_wide(line) - 1) // room if line else 1 for line in text.split("\n"))


def _wide(line: str) -> int:
    return sum(1 if ord(character) < 0x2E80 else 2 for character in line)


def _print_setup(sheet: Worksheet) -> None:
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top = sheet.page_margins.bottom = 0.5
    if sheet.oddFooter is not None:
        sheet.oddFooter.center.text = "第 &P 页，共 &N 页"
