"""Sheets that people read and formulas work in. In: cells, formulas, text. Out: a styled openpyxl workbook.

Text from outside is always stored as text, whatever it begins with; the same input gives the same bytes.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

Entry = str | int | Decimal | date | None
Look = Literal["body", "title", "head", "sum", "result", "note", "working"]

TWO_PLACES = "0.00"
PERCENT = "0.00%"
WHOLE = "0"
DAY = "yyyy-mm-dd"
YES_NO = '[=1]"是";[=0]"否";0'

_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LINE = 13.0
"""Points of height that a line of text takes."""
_THIN = Side(style="thin", color="BFBFBF")
_BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_FONT = "宋体"
_LOOKS: Mapping[Look, tuple[Font, PatternFill | None]] = {
    "body": (Font(name=_FONT, size=10), None),
    "title": (Font(name=_FONT, size=16, bold=True), None),
    "head": (Font(name=_FONT, size=10, bold=True), PatternFill("solid", fgColor="DCE6F1")),
    "sum": (Font(name=_FONT, size=10, bold=True), PatternFill("solid", fgColor="F2F2F2")),
    "result": (Font(name=_FONT, size=14, bold=True, color="C00000"), PatternFill("solid", fgColor="FFF2CC")),
    "note": (Font(name=_FONT, size=10, color="595959"), None),
    "working": (Font(name=_FONT, size=9, color="7F7F7F"), None),
}


class Grid:
    """A sheet whose columns have names; formulas elsewhere refer to its cells by them."""

    def __init__(self, book: Workbook, title: str, columns: Mapping[str, tuple[str, float]]) -> None:
        """Add a sheet.

        Args:
            book: The workbook.
            title: The sheet's name.
            columns: By name: the header that people see, and the width in characters.
        """
        self.sheet: Worksheet = book.create_sheet(title)
        self.title = title
        self._headers = {name: header for name, (header, _) in columns.items()}
        self._letters = {name: get_column_letter(number) for number, name in enumerate(columns, 1)}
        for name, (_, width) in columns.items():
            self.sheet.column_dimensions[self._letters[name]].width = width
        self.sheet.sheet_view.showGridLines = False
        self._dresses: dict[tuple[str | None, Look, bool], Any] = {}

    def at(self, name: str, row: int) -> str:
        """The address of a cell in this sheet."""
        return f"{self._letters[name]}{row}"

    def row(self, row: int) -> Callable[[str], str]:
        """The addresses of one row's cells in this sheet, by column name."""
        return lambda name: self.at(name, row)

    def ref(self, name: str, row: int) -> str:
        """The address of a cell, from any sheet."""
        return f"'{self.title}'!${self._letters[name]}${row}"

    def span(self, name: str, first: int, last: int) -> str:
        """A stretch of a column, from any sheet."""
        letter = self._letters[name]
        return f"'{self.title}'!${letter}${first}:${letter}${last}"

    def heading(self, text: str, *notes: str) -> int:
        """The sheet's title and what to know before reading it; the next free row."""
        width = len(self._letters)
        self._merged(1, text, "title", width)
        self.sheet.row_dimensions[1].height = 30
        for row, note in enumerate(notes, 2):
            self.note(row, note)
        return 2 + len(notes)

    def note(self, row: int, text: str) -> None:
        """A remark across the visible columns."""
        self._merged(row, text, "note", self._visible())
        room = sum(self.sheet.column_dimensions[letter].width for letter in self._visible_letters())
        lines = math.ceil(_displayed(text) / max(1.0, room - 2))
        self.sheet.row_dimensions[row].height = _LINE * lines + 4

    def headers(self, row: int, names: Iterable[str] | None = None) -> int:
        """The header row; the next row."""
        for name in names or self._letters:
            self.put(row, name, self._headers[name], look="head", centred=True)
        self.sheet.row_dimensions[row].height = 30
        return row + 1

    def put(
        self,
        row: int,
        name: str,
        entry: Entry,
        form: str | None = None,
        look: Look = "body",
        *,
        centred: bool = False,
    ) -> None:
        """Write a fact; text stays text, whatever it begins with."""
        cell = self.sheet[self.at(name, row)]
        if isinstance(entry, str):
            cell.value = _ILLEGAL.sub("", entry)
            cell.data_type = "s"
        else:
            cell.value = entry
        self._dress(cell, form, look, centred or not isinstance(entry, str))
        if isinstance(entry, str) and look != "working":
            self._make_room(row, name, entry)

    def _make_room(self, row: int, name: str, text: str) -> None:
        """Make the row as high as its longest text needs: spreadsheets do not do it for files they did not save."""
        room = self.sheet.column_dimensions[self._letters[name]].width - 1.5
        lines = max(1, math.ceil(_displayed(text) / max(1.0, room)))
        height = self.sheet.row_dimensions[row].height or 0
        self.sheet.row_dimensions[row].height = max(height, _LINE * lines + 4)

    def work(self, row: int, name: str, formula: str, form: str | None = None, look: Look = "body") -> None:
        """Write a formula, given without its equals sign."""
        cell = self.sheet[self.at(name, row)]
        cell.value = f"={formula}"
        self._dress(cell, form, look, centred=True)

    def blank(self, row: int, names: Iterable[str], look: Look = "body") -> None:
        """Frame empty cells, so that a row reads as one."""
        for name in names:
            self.put(row, name, None, look=look)

    def fold(self, *names: str) -> None:
        """Fold the columns of whole-number working away; one click on the plus sign shows them."""
        for name in names:
            dimension = self.sheet.column_dimensions[self._letters[name]]
            dimension.outlineLevel = 1
            dimension.hidden = True

    def freeze(self, name: str, row: int) -> None:
        """Keep the header row, and the columns left of ``name``, in sight and on every printed page."""
        self.sheet.freeze_panes = self.at(name, row)
        self.sheet.print_title_rows = f"{row - 1}:{row - 1}"

    def printed(self, orientation: Literal["portrait", "landscape"]) -> None:
        """Fit the width of a sheet of A4."""
        sheet = self.sheet
        sheet.page_setup.orientation = orientation
        sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
        sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
        sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        sheet.page_margins.left = sheet.page_margins.right = 0.5
        if sheet.oddFooter is not None:
            sheet.oddFooter.center.text = "&A　第 &P 页，共 &N 页"

    def _merged(self, row: int, text: str, look: Look, width: int) -> None:
        first = next(iter(self._letters))
        self.put(row, first, text, look=look)
        self.sheet[self.at(first, row)].border = Border()
        self.sheet[self.at(first, row)].alignment = Alignment(
            horizontal="left", vertical="center", wrap_text=True
        )
        if width > 1:
            self.sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=width)

    def _visible_letters(self) -> list[str]:
        return [x for x in self._letters.values() if not self.sheet.column_dimensions[x].hidden]

    def _visible(self) -> int:
        return len(self._visible_letters())

    def _dress(self, cell: Cell | MergedCell, form: str | None, look: Look, centred: bool) -> None:
        """Style a cell; of the few ways of dressing each is worked out once, which is most of the work."""
        whole: Any = cell  # openpyxl's stubs do not tell of a cell's style as a whole
        worn = self._dresses.get((form, look, centred))
        if worn is not None:
            whole._style = copy(worn)
            return
        self._style_anew(cell, form, look, centred)
        self._dresses[form, look, centred] = copy(whole._style)

    @staticmethod
    def _style_anew(cell: Cell | MergedCell, form: str | None, look: Look, centred: bool) -> None:
        font, fill = _LOOKS[look]
        cell.font = font
        cell.border = _BOX
        if fill is not None:
            cell.fill = fill
        if form is not None:
            cell.number_format = form
        cell.alignment = Alignment(
            horizontal="center" if centred else "left", vertical="center", wrap_text=look != "working"
        )


def quoted(text: str) -> str:
    """Text as a literal of a formula."""
    return '"' + text.replace('"', '""') + '"'


def new_book() -> Workbook:
    """A workbook without sheets that computes itself anew whenever it is opened."""
    book = Workbook()
    book.remove(book.worksheets[0])
    if book.calculation is not None:
        book.calculation.fullCalcOnLoad = True
    return book


def _displayed(text: str) -> int:
    """Width in characters; a Chinese one counts as two."""
    return sum(2 if ord(sign) > 255 else 1 for sign in text)


def columns(**headers: tuple[str, float]) -> Mapping[str, tuple[str, float]]:
    """Columns by name, in order."""
    return headers
