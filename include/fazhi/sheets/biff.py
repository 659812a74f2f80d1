"""An xls workbook (BIFF8) as cells. In: bytes. Out: sheets with every cell exactly as stored, or the fault.

The records are read directly: the readers at hand lose error cells, percent formats, hidden rows and merged
cells of an xls. Nothing is reserved by what a record merely claims, so that a hostile file costs no more
than its own size.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fazhi.sheets import limits
from fazhi.sheets.cells import Area, Aside, Cell, CellKind, Layout, ReadFile, Row, Sheet
from fazhi.sheets.compound import CompoundFile, fields
from fazhi.sheets.markings import marking_in_bytes
from fazhi.sheets.numbers import BUILTIN, GENERAL, number_cell
from fazhi.sheets.refusal import (
    DamagedError,
    Meter,
    RefusedError,
    encrypted,
    suspicious,
    with_macros,
    wrong_kind,
)
from fazhi.sheets.rpn import formula_text
from fazhi.sheets.structure import structure_notes
from fazhi.sheets.worksheet import text_cell

_BIFF8 = 0x0600
_BOF, _EOF, _CONTINUE = 0x0809, 0x000A, 0x003C
_FORMULA, _STRING = 0x0006, 0x0207
_WORKSHEET = 0
_COLUMNS = 256
"""Of a sheet in this format."""

_MACRO_SHEETS = (1, 6)
_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
}
MACRO_STORAGES = frozenset(["_VBA_PROJECT_CUR", "VBA", "_VBA_PROJECT", "Macros"])
"""Names of storages that hold VBA, in every Office document."""

_OTHERS = {"WordDocument": "Word文档", "PowerPoint Document": "PowerPoint演示文稿"}


@dataclass
class _Listed:
    """A sheet as the workbook lists it."""

    title: str
    hidden: bool
    position: int


@dataclass
class _Book:
    """What the cells refer to."""

    meter: Meter = field(default_factory=Meter)
    strings: list[Cell | None] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=lambda: dict(BUILTIN))
    styles: list[int] = field(default_factory=list)
    since_1904: bool = False
    external: bool = False
    listed: list[_Listed] = field(default_factory=list)

    def number(self, value: float, style: int) -> Cell:
        """A number in the format of its style."""
        code = self.codes.get(self.styles[style], GENERAL) if style < len(self.styles) else GENERAL
        return number_cell(repr(value), code, since_1904=self.since_1904)


def read_xls(content: bytes, name: str) -> ReadFile:
    """Read a workbook."""
    try:
        read = _read(_workbook_stream(CompoundFile(content)), name)
        marking = marking_in_bytes(content)
        return replace(read, asides=(Aside(marking),)) if marking else read
    except RefusedError as refused:
        return ReadFile(name, fault=refused.fault)


def _workbook_stream(file: CompoundFile) -> bytes:
    if "EncryptedPackage" in file.names:
        raise RefusedError(encrypted("加密的工作簿"))
    for stream, kind in _OTHERS.items():
        if stream in file.names:
            raise RefusedError(wrong_kind(kind))
    workbook = file.stream("Workbook")
    if workbook is None:
        old = "Book" in file.names
        raise RefusedError(wrong_kind("Excel 95或更早的xls" if old else "不是工作簿的旧格式文件"))
    if file.names & MACRO_STORAGES:
        raise RefusedError(with_macros())
    return workbook


def _read(stream: bytes, name: str) -> ReadFile:
    book = _globals(stream)
    if len(book.listed) > limits.MAX_SHEETS:
        raise RefusedError(suspicious(f"有{len(book.listed)}个工作表"))
    titles = [sheet.title for sheet in book.listed]
    sheets = tuple(_Sheet(book, titles).read(stream, listed) for listed in book.listed)
    return ReadFile(name, sheets, notes=structure_notes(sheets, external_links=book.external))


def _records(stream: bytes, position: int) -> Iterator[tuple[int, bytes]]:
    """The records of one substream, from its BOF to its own EOF; charts inside it are left out."""
    depth = 0
    while position + 4 <= len(stream):
        kind, length = fields("<HH", stream, position)
        body = stream[position + 4 : position + 4 + length]
        position += 4 + length
        if kind == _BOF:
            depth += 1
            if depth == 1 and fields("<H", body)[0] != _BIFF8:
                raise RefusedError(wrong_kind("Excel 95或更早的xls"))
        elif kind == _EOF:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield kind, body
    raise DamagedError


# --- what the whole workbook has


def _globals(stream: bytes) -> _Book:
    book = _Book()
    segments: list[bytes] | None = None
    for kind, body in _records(stream, 0):
        if kind == 0x00FC:
            segments = [body]
        elif kind == _CONTINUE and segments is not None:
            segments.append(body)
        else:
            if segments is not None:
                book.strings = _Strings(segments, book.meter).read()
                segments = None
            handler = _OF_WORKBOOK.get(kind)
            if handler is not None:
                handler(book, body)
    return book


def _password(_book: _Book, _body: bytes) -> None:
    raise RefusedError(encrypted("加密的工作簿"))


def _macros(_book: _Book, _body: bytes) -> None:
    raise RefusedError(with_macros())


def _bound_sheet(book: _Book, body: bytes) -> None:
    position, state, kind, length, flags = fields("<IBBBB", body)
    if kind in _MACRO_SHEETS:
        raise RefusedError(with_macros())
    if kind == _WORKSHEET:
        title = _decoded(body[8:], length, flags)
        book.listed.append(_Listed(title, state & 3 != 0, position))


def _format(book: _Book, body: bytes) -> None:
    number, length, flags = fields("<HHB", body)
    book.codes[number] = _decoded(body[5:], length, flags)


def _style(book: _Book, body: bytes) -> None:
    book.styles.append(fields("<H", body, 2)[0])


def _date_mode(book: _Book, body: bytes) -> None:
    book.since_1904 = fields("<H", body)[0] == 1


def _linked_book(book: _Book, body: bytes) -> None:
    """A link is to the workbook itself or its add-ins, or else to another file."""
    if fields("<H", body, 2)[0] not in (0x0401, 0x3A01):
        book.external = True


_OF_WORKBOOK: Mapping[int, Callable[[_Book, bytes], None]] = {
    0x002F: _password,
    0x00D3: _macros,
    0x0085: _bound_sheet,
    0x041E: _format,
    0x00E0: _style,
    0x0022: _date_mode,
    0x01AE: _linked_book,
}


def _decoded(content: bytes, length: int, flags: int) -> str:
    """Characters in one or two bytes each; NUL, which PostgreSQL does not keep in text, shows as U+FFFD.

    Raises:
        DamagedError: They are none.
    """
    wide = flags & 1
    try:
        text = content[: 2 * length].decode("utf-16-le") if wide else content[:length].decode("latin-1")
    except UnicodeDecodeError as broken:
        raise DamagedError from broken
    return text.replace("\x00", "\ufffd")


class _Strings:
    """The shared strings, which run on over several records."""

    def __init__(self, segments: list[bytes], meter: Meter) -> None:
        self._segments = segments
        self._meter = meter
        self._segment = self._position = 0

    def read(self) -> list[Cell | None]:
        """The strings as cells."""
        count = fields("<I", self._take(8), 4)[0]
        cells = []
        for _ in range(count):
            cells.append(text_cell(self._string(), self._meter))
        return cells

    def _string(self) -> str:
        length, flags = fields("<HB", self._take(3))
        runs = fields("<H", self._take(2))[0] if flags & 8 else 0
        extra = fields("<I", self._take(4))[0] if flags & 4 else 0
        text = self._characters(length, flags)
        self._take(4 * runs + extra)
        return text

    def _characters(self, length: int, flags: int) -> str:
        pieces = []
        while length:
            if self._position >= len(self._segments[self._segment]):
                self._continue()
                flags = self._take(1)[0]
            width = 2 if flags & 1 else 1
            here = self._segments[self._segment][self._position :]
            count = min(length, len(here) // width)
            if not count:
                raise DamagedError
            pieces.append(_decoded(here[: count * width], count, flags))
            self._position += count * width
            length -= count
        return "".join(pieces)

    def _take(self, count: int) -> bytes:
        pieces = []
        while count:
            here = self._segments[self._segment][self._position : self._position + count]
            if here:
                pieces.append(here)
                self._position += len(here)
                count -= len(here)
            else:
                self._continue()
        return b"".join(pieces)

    def _continue(self) -> None:
        """Go on in the next record."""
        self._segment, self._position = self._segment + 1, 0
        if self._segment >= len(self._segments):
            raise DamagedError


# --- one sheet


class _Sheet:
    """Reads the records of one sheet."""

    def __init__(self, book: _Book, titles: list[str]) -> None:
        self._book = book
        self._titles = titles
        self._cells: dict[int, dict[int, Cell]] = {}
        self._hidden_rows: set[int] = set()
        self._hidden_columns: list[tuple[int, int]] = []
        self._merged: list[Area] = []
        self._formulas: dict[tuple[int, int], str] = {}
        self._filtered = False
        self._awaits_string: tuple[int, int] | None = None

    def _handlers(self) -> Mapping[int, Callable[[bytes], None]]:
        """By kind of record; made when asked for, so that the reader does not refer to itself and ends with its use."""
        return {
            0x00FD: self._shared_string,
            0x0203: self._number,
            0x027E: self._packed,
            0x00BD: self._packed_row,
            0x0205: self._boolean_or_error,
            0x0204: self._label,
            0x00D6: self._label,
            _FORMULA: self._formula,
            _STRING: self._formula_text,
            0x0208: self._row,
            0x007D: self._column_info,
            0x00E5: self._merged_cells,
            0x009B: self._filter_mode,
        }

    def read(self, stream: bytes, listed: _Listed) -> Sheet:
        """Read it."""
        handlers = self._handlers()
        for kind, body in _records(stream, listed.position):
            handler = handlers.get(kind)
            if handler is not None:
                handler(body)
        rows = tuple(Row(number, dict(sorted(self._cells[number].items()))) for number in sorted(self._cells))
        filters = (Area(1, 1, limits.MAX_ROWS, limits.MAX_COLUMNS),) if self._filtered else ()
        layout = Layout(
            frozenset(self._hidden_rows),
            tuple(self._hidden_columns),
            tuple(self._merged),
            filters,
            self._formulas,
        )
        return Sheet(listed.title, rows, listed.hidden, layout)

    def _put(self, row: int, column: int, cell: Cell | None) -> None:
        if column >= _COLUMNS:
            raise DamagedError
        if cell is not None:
            self._book.meter.count_cells(1)
            self._cells.setdefault(row + 1, {})[column + 1] = cell

    def _shared_string(self, body: bytes) -> None:
        row, column, _, index = fields("<HHHI", body)
        if index >= len(self._book.strings):
            raise DamagedError
        self._put(row, column, self._book.strings[index])

    def _number(self, body: bytes) -> None:
        row, column, style, value = fields("<HHHd", body)
        self._put(row, column, self._book.number(value, style))

    def _packed(self, body: bytes) -> None:
        row, column, style, packed = fields("<HHHI", body)
        self._put(row, column, self._book.number(_unpacked(packed), style))

    def _packed_row(self, body: bytes) -> None:
        row, column = fields("<HH", body)
        for position in range(4, len(body) - 7, 6):
            style, packed = fields("<HI", body, position)
            self._put(row, column, self._book.number(_unpacked(packed), style))
            column += 1

    def _boolean_or_error(self, body: bytes) -> None:
        row, column, _, value, is_error = fields("<HHHBB", body)
        self._put(row, column, _error(value) if is_error else _boolean(value))

    def _label(self, body: bytes) -> None:
        row, column, _, length, flags = fields("<HHHHB", body)
        self._put(row, column, text_cell(_decoded(body[9:], length, flags), self._book.meter))

    def _formula(self, body: bytes) -> None:
        row, column, style = fields("<HHH", body)
        result = body[6:14]
        self._awaits_string = None
        if result[6:8] != b"\xff\xff":
            self._put(row, column, self._book.number(fields("<d", result)[0], style))
        elif result[0] == 0:
            self._awaits_string = (row, column)
        elif result[0] in (1, 2):
            self._put(row, column, _boolean(result[2]) if result[0] == 1 else _error(result[2]))
        self._formulas[row + 1, column + 1] = formula_text(body[20:])

    def _formula_text(self, body: bytes) -> None:
        if self._awaits_string is not None:
            row, column = self._awaits_string
            length, flags = fields("<HB", body)
            self._put(row, column, text_cell(_decoded(body[3:], length, flags), self._book.meter))

    def _row(self, body: bytes) -> None:
        if fields("<I", body, 12)[0] & 0x20:
            self._hidden_rows.add(fields("<H", body)[0] + 1)

    def _column_info(self, body: bytes) -> None:
        first, last, _, _, flags = fields("<5H", body)
        if flags & 1:
            self._hidden_columns.append((first + 1, last + 1))

    def _merged_cells(self, body: bytes) -> None:
        for position in range(2, len(body) - 7, 8):
            first_row, last_row, first, last = fields("<4H", body, position)
            if last >= _COLUMNS or first > last or first_row > last_row:
                raise DamagedError
            self._merged.append(Area(first_row + 1, first + 1, last_row + 1, last + 1))
        if len(self._merged) > limits.MAX_MERGED:
            raise RefusedError(suspicious(f"工作表内超过{limits.MAX_MERGED}处合并单元格"))

    def _filter_mode(self, _body: bytes) -> None:
        self._filtered = True


def _unpacked(packed: int) -> float:
    """A number in the short form: an integer or the upper half of a double, perhaps times 100."""
    if packed & 2:
        whole = packed >> 2
        value: float = whole - (1 << 30) if whole & (1 << 29) else whole
    else:
        value = struct.unpack("<d", struct.pack("<II", 0, packed & 0xFFFFFFFC))[0]
    return value / 100 if packed & 1 else value


def _boolean(value: int) -> Cell:
    return Cell("TRUE" if value else "FALSE", CellKind.BOOLEAN)


def _error(code: int) -> Cell:
    return Cell(_ERRORS.get(code, "#N/A"), CellKind.ERROR)
