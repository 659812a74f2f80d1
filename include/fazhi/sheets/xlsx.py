"""An xlsx workbook as cells. In: bytes. Out: sheets with every cell exactly as stored, or the fault.

The XML is read directly: libraries that convert values lose error cells, number formats or the digits as
written. Formulas are never evaluated; their cached values are read, and a formula without one is an error.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
from openpyxl.utils import coordinate_to_tuple
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel

from fazhi.model.exact import plain
from fazhi.sheets.cells import Cell, CellKind, ReadFile, Row, Sheet
from fazhi.sheets.limits import MAX_CELLS
from fazhi.sheets.package import DAMAGED, Package, RefusedError, damaged_file, local, suspicious

FORMULA_WITHOUT_VALUE = "公式未计算"
_CHINESE_DATE_FORMATS = frozenset([*range(27, 37), *range(50, 59)])
_DAY = "yyyy-mm-dd"


@dataclass(frozen=True)
class _Book:
    """What the cells of a workbook refer to."""

    strings: tuple[str, ...]
    formats: tuple[str, ...]
    epoch: Any


def read_xlsx(content: bytes, name: str) -> ReadFile:
    """Read a workbook."""
    try:
        return ReadFile(name, sheets=tuple(_sheets(Package(content))))
    except RefusedError as refused:
        return ReadFile(name, fault=refused.fault)
    except DAMAGED:
        return ReadFile(name, fault=damaged_file())


def _sheets(package: Package) -> Iterator[Sheet]:
    targets = [path for kind, path in package.relations("").values() if kind == "officeDocument"]
    path = targets[0] if targets else "xl/workbook.xml"
    relations = package.relations(path)
    by_kind = dict(relations.values())
    book = _Book(_strings(package, by_kind), _formats(package, by_kind), _epoch(package, path))
    left = MAX_CELLS
    for title, hidden, target in _listed(package, path, relations):
        rows = tuple(_rows(package, target, book, left))
        left -= sum(len(row.cells) for row in rows)
        yield Sheet(title, rows, hidden)


def _listed(
    package: Package, path: str, relations: Mapping[str, tuple[str, str]]
) -> list[tuple[str, bool, str]]:
    found = []
    for sheet in package.elements(path, "sheet"):
        relation = next((value for key, value in sheet.attrib.items() if local(key) == "id"), "")
        kind, target = relations.get(relation, ("", ""))
        if kind == "worksheet" and package.has(target):
            found.append((sheet.get("name", ""), sheet.get("state", "visible") != "visible", target))
    return found


def _epoch(package: Package, path: str) -> Any:
    for properties in package.elements(path, "workbookPr"):
        if properties.get("date1904", "0") in ("1", "true"):
            return CALENDAR_MAC_1904
    return CALENDAR_WINDOWS_1900


def _strings(package: Package, by_kind: Mapping[str, str]) -> tuple[str, ...]:
    path = by_kind.get("sharedStrings", "")
    if not package.has(path):
        return ()
    return tuple(_text(item) for item in package.elements(path, "si"))


def _text(element: Any) -> str:
    """The text of a rich string without its phonetic readings."""
    parts = []
    for child in element:
        if local(child.tag) == "t":
            parts.append(child.text or "")
        elif local(child.tag) == "r":
            parts.append(_text(child))
    return "".join(parts)


def _formats(package: Package, by_kind: Mapping[str, str]) -> tuple[str, ...]:
    """The number format of each cell style."""
    path = by_kind.get("styles", "")
    if not package.has(path):
        return ()
    codes = dict(BUILTIN_FORMATS) | dict.fromkeys(_CHINESE_DATE_FORMATS, _DAY)
    styles: tuple[str, ...] = ()
    for element in package.elements(path, "numFmt", "cellXfs"):
        if local(element.tag) == "numFmt":
            codes[_whole(element.get("numFmtId"), 0)] = element.get("formatCode", "")
        else:
            styles = tuple(codes.get(_whole(style.get("numFmtId"), 0), "General") for style in element)
    return styles


def _rows(package: Package, path: str, book: _Book, limit: int) -> Iterator[Row]:
    number = cells_read = 0
    for element in package.elements(path, "row"):
        number = _whole(element.get("r"), number + 1)
        cells: dict[int, Cell] = {}
        column = 0
        for child in element:
            if local(child.tag) != "c":
                continue
            column = _column(child.get("r"), column + 1)
            cell = _cell(child, book)
            if cell is not None:
                cells[column] = cell
        cells_read += len(cells)
        if cells_read > limit:
            raise RefusedError(suspicious(f"超过{MAX_CELLS}个单元格"))
        if cells:
            yield Row(number, cells)


def _cell(element: Any, book: _Book) -> Cell | None:
    children = {local(child.tag): child for child in element}
    if "is" in children:
        return _text_cell(_text(children["is"]))
    stored = children["v"].text if "v" in children else None
    kind = element.get("t", "n")
    if stored is None:
        has_formula = "f" in children and kind != "str"
        return Cell(FORMULA_WITHOUT_VALUE, CellKind.ERROR) if has_formula else None
    if kind == "s":
        index = _whole(stored, 0)
        return _text_cell(book.strings[index]) if index < len(book.strings) else Cell(stored, CellKind.ERROR)
    if kind == "e":
        return Cell(stored, CellKind.ERROR)
    if kind == "b":
        return Cell("TRUE" if stored == "1" else "FALSE", CellKind.BOOLEAN)
    if kind == "d":
        return Cell(stored[:10], CellKind.DATE)
    if kind == "str":
        return _text_cell(stored)
    return _number_cell(stored, _format_of(element, book), book.epoch)


def _whole(text: str | None, default: int) -> int:
    """A number of the file's own bookkeeping.

    Raises:
        RefusedError: It is not one: the file is damaged.
    """
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RefusedError(damaged_file())
    return int(text)


def _column(reference: str | None, default: int) -> int:
    if reference is None:
        return default
    try:
        return coordinate_to_tuple(reference)[1]
    except (ValueError, TypeError) as damaged:
        raise RefusedError(damaged_file()) from damaged


def _text_cell(text: str) -> Cell | None:
    return Cell(text) if text and not text.isspace() else None


def _format_of(element: Any, book: _Book) -> str:
    style = _whole(element.get("s"), 0)
    return book.formats[style] if style < len(book.formats) else "General"


def _number_cell(stored: str, number_format: str, epoch: Any) -> Cell:
    try:
        number = Decimal(repr(float(stored)))
    except ValueError:
        return Cell(stored)
    if not number.is_finite():
        return Cell(stored, CellKind.ERROR)
    day = _day(number, epoch)
    if day is not None and is_date_format(number_format):
        return Cell(day, CellKind.DATE)
    return Cell(plain(number), CellKind.NUMBER, percent="%" in number_format, serial=day)


def _day(number: Decimal, epoch: Any) -> str | None:
    """The ISO day of a serial number, ``None`` when it is none of this calendar's."""
    if not 1 <= number < 2_958_466:
        return None
    moment = from_excel(int(number), epoch)
    return moment.strftime("%Y-%m-%d") if hasattr(moment, "year") else None
