"""Tables to take away. In: heads and rows of text. Out: CSV and workbooks, piece by piece, that no spreadsheet runs.

Every text goes through ``harmless``: nothing that a department wrote is a formula in a download.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from fazhi.review.harmless import harmless

WORKBOOK_ROWS = 50_000
"""A workbook holds no more rows than a person can open; it says so where there are more."""
_ROWS_AT_ONCE = 500
_BYTES_AT_ONCE = 65_536

Cells = Sequence[str | int]


def csv_pieces(heads: Sequence[str], rows: Iterable[Cells]) -> Iterator[bytes]:
    """The table as CSV in UTF-8 with a byte-order mark, so that office programs read the Chinese."""
    yield b"\xef\xbb\xbf" + _csv([heads])
    source = iter(rows)
    while some := list(islice(source, _ROWS_AT_ONCE)):
        yield _csv(some)


def _csv(rows: Iterable[Cells]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _safe(cell: str | int) -> str | int:
    return cell if isinstance(cell, int) else harmless(cell)


def workbook_pieces(
    title: str, heads: Sequence[tuple[str, int]], rows: Iterable[Cells], cut: str
) -> Iterator[bytes]:
    """The table as a workbook, its first ``WORKBOOK_ROWS`` rows.

    Args:
        title: The sheet's name.
        heads: The columns' heads and widths in characters.
        rows: The rows; texts and whole numbers.
        cut: What the row behind the last one says when there are more.
    """
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, (_, width) in enumerate(heads, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    head_cells = []
    for head, _ in heads:
        cell = WriteOnlyCell(sheet, head)
        cell.font = Font("宋体", 11, bold=True)
        cell.fill = PatternFill("solid", fgColor="D9E2EC")
        cell.alignment = Alignment(vertical="center", wrap_text=True)
        head_cells.append(cell)
    sheet.append(head_cells)
    source = iter(rows)
    for row in islice(source, WORKBOOK_ROWS):
        sheet.append([_as_cell(sheet, part) for part in row])
    if next(source, None) is not None:
        sheet.append([_as_cell(sheet, cut)])
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(heads))}1"
    with TemporaryFile() as file:
        book.save(file)
        file.seek(0)
        while piece := file.read(_BYTES_AT_ONCE):
            yield piece


def _as_cell(sheet: Any, part: str | int) -> Any:
    """A number, or a text that stays a text whatever it begins with."""
    if isinstance(part, int):
        return part
    cell = WriteOnlyCell(sheet, harmless(part))
    cell.data_type = "s"
    return cell
