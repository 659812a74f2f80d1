"""One worksheet part of an xlsx as rows. In: the part and the book it belongs to. Out: rows, layout, page headers.

Reads in one pass with handlers per element; cells that repeat (the same text, the same number in the same
format) are one object.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from openpyxl.formula.tokenizer import TokenizerError
from openpyxl.formula.translate import Translator, TranslatorError
from openpyxl.utils import get_column_letter

from fazhi.sheets import limits
from fazhi.sheets.asides import HEADERS
from fazhi.sheets.cells import Area, Cell, CellKind, Layout, Row
from fazhi.sheets.markup import End, Start, scan
from fazhi.sheets.numbers import GENERAL, number_cell
from fazhi.sheets.package import Package
from fazhi.sheets.refusal import DamagedError, Meter, RefusedError, suspicious

FORMULA_WITHOUT_VALUE = "公式未计算"
_COLUMNS = {get_column_letter(number): number for number in range(1, limits.MAX_COLUMNS + 1)}
_AREA = re.compile(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?")
_DIGITS = "0123456789"
_REMEMBERED = 20_000
_LONGEST_SHARED_FORMULA = 1_000
_TRUE = ("1", "true")


@dataclass
class Book:
    """What the cells of a workbook refer to."""

    strings: list[Cell | None]
    formats: Sequence[str]
    since_1904: bool
    meter: Meter
    numbers: dict[tuple[str, str | None], Cell] = field(default_factory=dict)
    """Numbers seen before, by how they are stored and their style."""

    texts: dict[str, Cell] = field(default_factory=dict)
    """Texts seen before that stand in their cells."""


@dataclass(frozen=True)
class Worksheet:
    """What a worksheet holds; ``headers`` are the texts of its page headers and footers."""

    rows: tuple[Row, ...]
    layout: Layout
    headers: tuple[str, ...]


def text_cell(text: str, meter: Meter) -> Cell | None:
    """A cell of text; none when it is blank."""
    return Cell(meter.count_text(text)) if text and not text.isspace() else None


def whole(text: str | None, default: int) -> int:
    """A number of the file's own bookkeeping.

    Raises:
        DamagedError: It is not one.
    """
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise DamagedError
    return int(text)


def _is_nothing(size: str | None) -> bool:
    """Whether a height or width leaves nothing to see, as when a border was dragged onto the next one."""
    return size is not None and not size.strip("0.")


def area_of(reference: str) -> Area | None:
    """An area as written (``B3:C4``), ``None`` when it is none."""
    match = _AREA.fullmatch(reference)
    if match is None:
        return None
    column, row, last_column, last_row = match.groups()
    if column not in _COLUMNS or (last_column or column) not in _COLUMNS:
        return None
    rows = sorted((int(row), int(last_row or row)))
    columns = sorted((_COLUMNS[column], _COLUMNS[last_column or column]))
    if not 1 <= rows[0] <= rows[1] <= limits.MAX_ROWS:
        return None
    return Area(rows[0], columns[0], rows[1], columns[1])


def read_worksheet(package: Package, path: str, book: Book) -> Worksheet:
    """Read a worksheet.

    Raises:
        RefusedError: It breaks a limit.
        DamagedError: It is not well-formed, or no worksheet.
    """
    reader = _Reader(book)
    scan(package.part(path), reader.starts(), reader.ends(), reader.text)
    filters = list(reader.filters)
    for kind, target in package.relations(path).values():
        if kind == "table" and package.has(target):
            filters += _filters_of_table(package.part(target))
    return Worksheet(tuple(reader.rows), reader.layout(tuple(filters)), tuple(reader.headers))


class _Reader:
    """Handlers for the elements of a worksheet."""

    def __init__(self, book: Book) -> None:
        self.rows: list[Row] = []
        self.text: list[str] = []
        self.filters: list[Area] = []
        self.headers: list[str] = []
        self._book = book
        self._hidden_rows: set[int] = set()
        self._hidden_columns: list[tuple[int, int]] = []
        self._merged: list[Area] = []
        self._formulas: dict[tuple[int, int], str] = {}
        self._shared: dict[str, tuple[str, str]] = {}
        self._translated = 0
        self._row = self._column = 0
        self._cells: dict[int, Cell] = {}
        self._attributes: Mapping[str, str] | None = None
        self._value: str | None = None
        self._pieces: list[str] | None = None
        self._formula: Mapping[str, str] | None = None
        self._phonetic = False
        self._filter: Area | None = None

    def starts(self) -> dict[str, Start]:
        """What begins; made when asked for, so that the reader does not refer to itself and ends with its use."""
        return {
            "c": self._cell_begins,
            "v": self._text_begins,
            "row": self._row_begins,
            "t": self._text_begins,
            "f": self._formula_begins,
            "is": self._inline_begins,
            "rPh": self._phonetic_begins,
            "col": self._col,
            "mergeCell": self._merge,
            "autoFilter": self._filter_begins,
            "filterColumn": self._filter_column,
            **dict.fromkeys(HEADERS, self._text_begins),
        }

    def ends(self) -> dict[str, End]:
        """What ends."""
        return {
            "c": self._cell_ends,
            "v": self._value_ends,
            "row": self._row_ends,
            "t": self._piece_ends,
            "f": self._formula_ends,
            "rPh": self._phonetic_ends,
            **dict.fromkeys(HEADERS, self._header_ends),
        }

    def layout(self, filters: tuple[Area, ...]) -> Layout:
        """What was seen beside the cells."""
        return Layout(
            frozenset(self._hidden_rows),
            tuple(self._hidden_columns),
            tuple(self._merged),
            filters,
            self._formulas,
        )

    # --- rows and cells

    def _row_begins(self, attributes: Mapping[str, str]) -> None:
        number = whole(attributes.get("r"), self._row + 1)
        if not self._row < number <= limits.MAX_ROWS:
            raise DamagedError
        self._row, self._column, self._cells = number, 0, {}
        if attributes.get("hidden") in _TRUE or _is_nothing(attributes.get("ht")):
            self._hidden_rows.add(number)

    def _row_ends(self) -> None:
        if self._cells:
            self._book.meter.count_cells(len(self._cells))
            self.rows.append(Row(self._row, self._cells))

    def _cell_begins(self, attributes: Mapping[str, str]) -> None:
        reference = attributes.get("r")
        column = _COLUMNS.get(reference.rstrip(_DIGITS)) if reference is not None else self._next_column()
        if column is None or column <= self._column:
            raise DamagedError
        self._column = column
        self._attributes = attributes

    def _next_column(self) -> int | None:
        return self._column + 1 if self._column < limits.MAX_COLUMNS else None

    def _cell_ends(self) -> None:
        attributes, self._attributes = self._attributes, None
        if self._pieces is not None:
            cell = self._string("".join(self._pieces))
        elif attributes is not None and (self._value is not None or self._formula is not None):
            cell = self._content(attributes)
        else:
            return
        self._value = self._pieces = self._formula = None
        if cell is not None:
            self._cells[self._column] = cell

    def _content(self, attributes: Mapping[str, str]) -> Cell | None:
        stored, kind = self._value, attributes.get("t", "n")
        if stored is None:
            return None if kind == "str" else Cell(FORMULA_WITHOUT_VALUE, CellKind.ERROR)
        read = _OF_KIND.get(kind)
        return read(self, stored) if read is not None else self._number(stored, attributes.get("s"))

    # --- contents by type

    def _number(self, stored: str, style: str | None) -> Cell:
        key = (stored, style)
        cell = self._book.numbers.get(key)
        if cell is None:
            self._book.meter.count_text(stored)
            cell = number_cell(stored, self._format(style), since_1904=self._book.since_1904)
            if len(self._book.numbers) < _REMEMBERED:
                self._book.numbers[key] = cell
        return cell

    def _format(self, style: str | None) -> str:
        index = whole(style, 0)
        return self._book.formats[index] if index < len(self._book.formats) else GENERAL

    def _shared_string(self, stored: str) -> Cell | None:
        index = whole(stored.strip(), 0)
        if index >= len(self._book.strings):
            raise DamagedError
        return self._book.strings[index]

    def _error(self, stored: str) -> Cell:
        return Cell(self._book.meter.count_text(stored), CellKind.ERROR)

    def _boolean(self, stored: str) -> Cell:
        return Cell("TRUE" if stored.strip() in _TRUE else "FALSE", CellKind.BOOLEAN)

    def _iso_date(self, stored: str) -> Cell:
        return Cell(stored[:10], CellKind.DATE)

    def _string(self, stored: str) -> Cell | None:
        """A cell of text; one that repeats is the same object, yet counts again."""
        cell = self._book.texts.get(stored)
        if cell is not None:
            self._book.meter.count_text(stored)
            return cell
        cell = text_cell(stored, self._book.meter)
        if cell is not None and len(self._book.texts) < _REMEMBERED:
            self._book.texts[stored] = cell
        return cell

    # --- text

    def _text_begins(self, _attributes: Mapping[str, str]) -> None:
        self.text.clear()

    def _value_ends(self) -> None:
        if self._attributes is not None:
            self._value = "".join(self.text) or None

    def _inline_begins(self, _attributes: Mapping[str, str]) -> None:
        if self._attributes is not None:
            self._pieces = []

    def _piece_ends(self) -> None:
        if self._pieces is not None and not self._phonetic:
            self._pieces += self.text

    def _phonetic_begins(self, _attributes: Mapping[str, str]) -> None:
        self._phonetic = True

    def _phonetic_ends(self) -> None:
        self._phonetic = False

    # --- formulas

    def _formula_begins(self, attributes: Mapping[str, str]) -> None:
        """Of a cell; lists to choose from and sparklines have formulas of the same name after the last one."""
        self.text.clear()
        self._formula = attributes if self._attributes is not None and self._row else None

    def _formula_ends(self) -> None:
        if self._formula is None:
            return
        written = self._book.meter.count_text("".join(self.text))
        if self._formula.get("t") == "shared":
            written = self._shared_formula(self._formula.get("si", ""), written)
        elif self._formula.get("t", "normal") != "normal":
            written = ""
        self._formulas[self._row, self._column] = written

    def _shared_formula(self, index: str, written: str) -> str:
        """The formula of a cell that shares one; the first cell has the text, the others are moved."""
        here = f"{get_column_letter(self._column)}{self._row}"
        if written:
            if len(written) <= _LONGEST_SHARED_FORMULA:
                self._shared[index] = (f"={written}", here)
            return written
        first = self._shared.get(index)
        if first is None:
            return ""
        self._translated += len(first[0])
        if self._translated > limits.MAX_TRANSLATED_CHARACTERS:
            return ""
        try:
            return str(Translator(*first).translate_formula(here))[1:]
        except (TokenizerError, TranslatorError, ValueError, IndexError):
            return ""

    # --- layout

    def _col(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("hidden") in _TRUE or _is_nothing(attributes.get("width")):
            first = whole(attributes.get("min"), 1)
            self._hidden_columns.append((first, whole(attributes.get("max"), first)))

    def _merge(self, attributes: Mapping[str, str]) -> None:
        area = area_of(attributes.get("ref", ""))
        if area is not None:
            self._merged.append(area)
        if len(self._merged) > limits.MAX_MERGED:
            raise RefusedError(suspicious(f"工作表内超过{limits.MAX_MERGED}处合并单元格"))

    def _header_ends(self) -> None:
        text = "".join(self.text).strip()
        if text:
            self.headers.append(text)

    def _filter_begins(self, attributes: Mapping[str, str]) -> None:
        self._filter = area_of(attributes.get("ref", ""))

    def _filter_column(self, _attributes: Mapping[str, str]) -> None:
        if self._filter is not None:
            self.filters.append(self._filter)
            self._filter = None


_OF_KIND: dict[str, Callable[[_Reader, str], Cell | None]] = {
    "s": _Reader._shared_string,
    "e": _Reader._error,
    "b": _Reader._boolean,
    "d": _Reader._iso_date,
    "str": _Reader._string,
}
"""How a stored value is read by the type of its cell; any other is a number."""


def _filters_of_table(content: bytes) -> list[Area]:
    reader = _Reader(Book([], [], False, Meter()))
    starts = reader.starts()
    wanted = {name: starts[name] for name in ("autoFilter", "filterColumn")}
    scan(content, wanted, {}, reader.text)
    return reader.filters
