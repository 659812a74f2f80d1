"""A harmless copy of a file's cells. In: a file that was read, its bytes. Out: a workbook in memory.

An ``.xlsx`` keeps its look; of ``.xls``, ``.ods`` and CSV (and of an ``.xlsx`` whose look cannot be taken over) a
new workbook with the same cells in the same places is made. Only what was read under the limits of
``fazhi.sheets`` gets here.
"""

import io
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.comments import Comment
from openpyxl.formatting.formatting import ConditionalFormattingList
from openpyxl.packaging.core import DocumentProperties
from openpyxl.packaging.custom import CustomPropertyList
from openpyxl.styles import Alignment, Font, Protection
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedNameDict
from openpyxl.workbook.protection import DocumentSecurity
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.protection import SheetProtection
from openpyxl.worksheet.table import TableList
from openpyxl.worksheet.worksheet import Worksheet

from fazhi.review.harmless import harmless
from fazhi.sheets.cells import Cell as ReadCell
from fazhi.sheets.cells import CellKind, ReadFile, Sheet
from fazhi.sheets.cover import META_SHEET, PHONE

MAKER = "法治政府建设考评"
_ZIP = b"PK\x03\x04"
_FORBIDDEN_IN_TITLE = str.maketrans(dict.fromkeys("[]:*?/\\", "_"))
_LONGEST_TITLE = 31


def copy_of(file: ReadFile, content: bytes, csv_title: str) -> Workbook:
    """The cells of a readable file as a workbook without anything that runs, hides or reaches out.

    Args:
        file: The file as read, without a fault.
        content: Its bytes.
        csv_title: What the sheet of a CSV is called.
    """
    book = _with_its_look(content) if content.startswith(_ZIP) and not file.is_csv else None
    return book if book is not None else _rebuilt(file, csv_title)


# --- an xlsx


def _with_its_look(content: bytes) -> Workbook | None:
    """The workbook as openpyxl takes it over; ``None`` when it cannot (an ods, an odd package)."""
    try:
        book = load_workbook(io.BytesIO(content), keep_links=False, keep_vba=False, rich_text=False)
        cached = (
            load_workbook(io.BytesIO(content), keep_links=False, data_only=True) if _computes(book) else None
        )
    except Exception:
        # openpyxl raises whatever its parts raise; the cells are known already and are copied plainly instead
        return None
    for sheet in list(book.chartsheets):
        book.remove(sheet)
    for worksheet in book.worksheets:
        _neutralise(worksheet, cached[worksheet.title] if cached is not None else None)
    _forget(book)
    return book if book.worksheets else None


def _cells(worksheet: Worksheet) -> Iterator[Cell]:
    for row in worksheet.iter_rows():
        for cell in row:
            if isinstance(cell, Cell):
                yield cell


def _computes(book: Workbook) -> bool:
    return any(cell.data_type == "f" for sheet in book.worksheets for cell in _cells(sheet))


def _neutralise(worksheet: Worksheet, cached: Worksheet | None) -> None:
    phone_row = _phone_row(worksheet)
    for cell in _cells(worksheet):
        cell.hyperlink = None
        if cell.comment is not None:
            cell.comment = Comment(harmless(cell.comment.text), MAKER)
        if cell.data_type == "f":
            value = cached[cell.coordinate].value if cached is not None else None
            cell.value = value if value is not None else f"'{_formula(cell.value)}"
        if isinstance(cell.value, str):
            _write_text(cell, cell.value, keep=phone_row == cell.row)
        elif isinstance(cell.value, int) and not isinstance(cell.value, bool):
            shown = harmless(str(cell.value))
            if shown != str(cell.value):
                _write_text(cell, shown)
        elif not isinstance(cell.value, bool | float | Decimal | date | datetime | time | timedelta | None):
            _write_text(cell, str(cell.value))
    _unhide(worksheet)
    _drop_parts(worksheet)
    _unlockable(worksheet)


def _formula(value: object) -> str:
    return str(getattr(value, "text", value))


def _phone_row(worksheet: Worksheet) -> int | None:
    """The row of the cover that asks for an office telephone: that number is no personal data to mask."""
    return next((cell.row for cell in _cells(worksheet) if cell.column == 1 and cell.value == PHONE), None)


def _write_text(cell: Cell, text: str, keep: bool = False) -> None:
    """Write text as text; ``quotePrefix`` keeps it text also when somebody edits the cell."""
    cell.value = text if keep and text.isdigit() else harmless(text)
    cell.data_type = "s"
    if str(cell.value).startswith(("=", "+", "-", "@", "'")):
        cell.quotePrefix = True


def _unhide(worksheet: Worksheet) -> None:
    """Show what was hidden, so that no mark is out of sight; only the template's own marks stay hidden."""
    if worksheet.title.strip() != META_SHEET:
        worksheet.sheet_state = "visible"
    for dimension in (*worksheet.row_dimensions.values(), *worksheet.column_dimensions.values()):
        dimension.hidden = False
    worksheet.auto_filter = AutoFilter()


def _drop_parts(worksheet: Worksheet) -> None:
    vars(worksheet).update(_images=[], _charts=[], _pivots=[], _tables=TableList())
    worksheet.legacy_drawing = None
    worksheet.conditional_formatting = ConditionalFormattingList()
    worksheet.defined_names = DefinedNameDict()
    worksheet.print_area = None
    validations = worksheet.data_validations
    validations.dataValidation = [
        one
        for one in validations.dataValidation
        if one.type == "list" and str(one.formula1).startswith('"') and "!" not in str(one.formula1)
    ]
    if worksheet.HeaderFooter is not None:
        for part in (worksheet.oddHeader, worksheet.evenHeader, worksheet.firstHeader):
            for place in (part.left, part.center, part.right) if part is not None else ():
                place.text = None


def _unlockable(worksheet: Worksheet) -> None:
    """A protected sheet stays protected, without a password, so that the marked cells can be reached."""
    if worksheet.protection.sheet:
        worksheet.protection = SheetProtection(
            sheet=True, formatColumns=False, formatRows=False, objects=False, scenarios=False
        )


def _forget(book: Workbook) -> None:
    """What a workbook says beside its sheets."""
    book.defined_names = DefinedNameDict()
    book.properties = DocumentProperties(creator=MAKER)
    vars(book).update(custom_doc_props=CustomPropertyList())
    book.security = DocumentSecurity()
    book.code_name = None
    book.vba_archive = None
    book.loaded_theme = None


# --- any other format


def _rebuilt(file: ReadFile, csv_title: str) -> Workbook:
    book = Workbook()
    first = book.worksheets[0]
    for sheet in file.sheets:
        title = (sheet.name or csv_title).translate(_FORBIDDEN_IN_TITLE)[:_LONGEST_TITLE]
        worksheet = book.create_sheet(title)
        _fill(worksheet, sheet)
        if title.strip() == META_SHEET:
            worksheet.sheet_state = "veryHidden"
    book.remove(first)
    _forget(book)
    return book


def _fill(worksheet: Worksheet, sheet: Sheet) -> None:
    widths: dict[int, int] = {}
    for row in sheet.rows:
        keep = row.text(1) == PHONE
        for column, read in row.cells.items():
            cell = worksheet.cell(row.number, column)
            if isinstance(cell, MergedCell):
                continue
            _write_read(cell, read, keep)
            cell.alignment = Alignment(vertical="center", wrap_text=True)
            cell.protection = Protection(locked=False)
            widths[column] = max(widths.get(column, 8), min(40, 2 + _shown_width(read.text)))
    for column, width in widths.items():
        worksheet.column_dimensions[get_column_letter(column)].width = width
    if sheet.name is None and sheet.rows:
        for column in sheet.rows[0].cells:
            worksheet.cell(sheet.rows[0].number, column).font = Font(bold=True)


def _shown_width(text: str) -> int:
    return sum(1 if ord(character) < 0x2E80 else 2 for character in text)


def _write_read(cell: Cell, read: ReadCell, keep: bool) -> None:
    number = _number(read)
    if number is None:
        _write_text(cell, read.text, keep)
        return
    cell.value = number
    if read.percent:
        cell.number_format = "0.00%"


def _number(read: ReadCell) -> Decimal | None:
    """The number of a numeric cell that a spreadsheet stores without loss."""
    if read.kind is not CellKind.NUMBER or harmless(read.text) != read.text:
        return None
    try:
        number = Decimal(read.text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and len(number.as_tuple().digits) <= 15 else None
