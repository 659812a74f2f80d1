"""An ods workbook as cells. In: its package. Out: sheets with every cell exactly as stored, or the fault.

The XML is read directly: what repeats is written once with a count, and a reader that unfolds it first can
be made to fill the memory by a file of a few bytes.
"""

import re
from collections.abc import Mapping

from openpyxl.utils import get_column_letter

from fazhi.sheets import limits
from fazhi.sheets.asides import asides_of_open_document
from fazhi.sheets.cells import Area, Aside, Cell, CellKind, Layout, ReadFile, Row, Sheet
from fazhi.sheets.markup import End, Start, scan
from fazhi.sheets.numbers import GENERAL, number_cell
from fazhi.sheets.package import Package
from fazhi.sheets.refusal import DamagedError, Meter, RefusedError, suspicious
from fazhi.sheets.structure import structure_notes
from fazhi.sheets.worksheet import FORMULA_WITHOUT_VALUE, text_cell, whole

_CONTENT = "content.xml"
_NUMBERS = {"float": GENERAL, "percentage": "0%", "currency": GENERAL}
_ERROR = re.compile(r"#[A-Z0-9/]+[!?]?|Err:[0-9]{3}|#N/A")
_REFERENCE = re.compile(r"\[([^\[\]]{1,300})\]")
_OF_SHEET = re.compile(r"(?:\$?('(?:[^']|'')+'|[^.'#:]+))?\.(\$?[A-Z]{1,3}\$?[0-9]{1,7})")
_MOST_SPACES = 1_000
_FILTERED = "filter"


def read_ods(package: Package, name: str) -> ReadFile:
    """Read a workbook."""
    try:
        reader = _Reader()
        scan(package.part(_CONTENT), reader.starts(), reader.ends(), reader.text)
        sheets = tuple(reader.sheets)
        return ReadFile(
            name,
            sheets,
            notes=structure_notes(sheets, external_links=reader.external),
            asides=(*reader.asides, *asides_of_open_document(package)),
        )
    except RefusedError as refused:
        return ReadFile(name, fault=refused.fault)


class _Reader:
    """Handlers for the elements of the content."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.asides: list[Aside] = []
        self.text: list[str] = []
        self.external = False
        self._meter = Meter()
        self._hidden_styles: set[str] = set()
        self._style = ""
        self._sheet: Mapping[str, str] | None = None
        self._outside = self._aside = 0
        self._from_elsewhere = False
        self._cell: Mapping[str, str] | None = None
        self._paragraphs: list[str] = []
        self._begin_sheet()

    def starts(self) -> dict[str, Start]:
        """What begins; made when asked for, so that the reader does not refer to itself and ends with its use."""
        return {
            "style": self._style_begins,
            "table-properties": self._table_properties,
            "table": self._table_begins,
            "table-source": self._source,
            "dde-link": self._outside_begins,
            "table-column": self._column_begins,
            "table-row": self._row_begins,
            "table-cell": self._cell_begins,
            "covered-table-cell": self._cell_begins,
            "annotation": self._aside_begins,
            "shapes": self._aside_begins,
            "p": self._paragraph_begins,
            "s": self._spaces,
            "tab": lambda _attributes: self.text.append("\t"),
            "line-break": lambda _attributes: self.text.append("\n"),
        }

    def ends(self) -> dict[str, End]:
        """What ends."""
        return {
            "table": self._table_ends,
            "dde-link": self._outside_ends,
            "table-row": self._row_ends,
            "table-cell": self._cell_ends,
            "covered-table-cell": self._cell_ends,
            "annotation": self._aside_ends,
            "shapes": self._aside_ends,
            "p": self._paragraph_ends,
        }

    def _begin_sheet(self) -> None:
        self._rows: list[Row] = []
        self._hidden_rows: set[int] = set()
        self._filters: list[Area] = []
        self._hidden_columns: list[tuple[int, int]] = []
        self._merged: list[Area] = []
        self._formulas: dict[tuple[int, int], str] = {}
        self._row = self._columns = 0
        self._repeated = 1
        self._visibility = ""
        self._cells: dict[int, Cell] = {}
        self._column = 0
        self._from_elsewhere = False

    # --- sheets

    def _style_begins(self, attributes: Mapping[str, str]) -> None:
        self._style = attributes.get("style:name", "")

    def _table_properties(self, attributes: Mapping[str, str]) -> None:
        if attributes.get("table:display") == "false":
            self._hidden_styles.add(self._style)

    def _outside_begins(self, _attributes: Mapping[str, str]) -> None:
        self._outside += 1
        self.external = True

    def _outside_ends(self) -> None:
        self._outside -= 1

    def _source(self, _attributes: Mapping[str, str]) -> None:
        self._from_elsewhere = self.external = True

    def _table_begins(self, attributes: Mapping[str, str]) -> None:
        if not self._outside and self._sheet is None:
            self._sheet = attributes
            self._begin_sheet()

    def _table_ends(self) -> None:
        if self._sheet is None or self._outside:
            return
        if not self._from_elsewhere:
            hidden = self._sheet.get("table:style-name", "") in self._hidden_styles
            layout = Layout(
                frozenset(self._hidden_rows),
                tuple(self._hidden_columns),
                tuple(self._merged),
                tuple(self._filters),
                self._formulas,
            )
            self.sheets.append(Sheet(self._sheet.get("table:name", ""), tuple(self._rows), hidden, layout))
        self._sheet = None
        if len(self.sheets) > limits.MAX_SHEETS:
            raise RefusedError(suspicious(f"超过{limits.MAX_SHEETS}个工作表"))

    # --- columns and rows

    def _column_begins(self, attributes: Mapping[str, str]) -> None:
        count = whole(attributes.get("table:number-columns-repeated"), 1)
        if attributes.get("table:visibility", "visible") != "visible":
            self._hidden_columns.append((self._columns + 1, self._columns + count))
        self._columns += count

    def _row_begins(self, attributes: Mapping[str, str]) -> None:
        self._repeated = whole(attributes.get("table:number-rows-repeated"), 1)
        self._visibility = attributes.get("table:visibility", "visible")
        self._row += 1
        self._column, self._cells = 0, {}

    def _row_ends(self) -> None:
        if self._cells:
            if self._row + self._repeated - 1 > limits.MAX_ROWS:
                raise DamagedError
            self._meter.count_cells(len(self._cells) * self._repeated)
            for number in range(self._row, self._row + self._repeated):
                self._rows.append(Row(number, self._cells))
                self._note_visibility(number)
        self._row += self._repeated - 1

    def _note_visibility(self, number: int) -> None:
        if self._visibility != "visible":
            self._hidden_rows.add(number)
        if self._visibility == _FILTERED:
            self._filters.append(Area(number, 1, number, limits.MAX_COLUMNS))

    # --- cells

    def _cell_begins(self, attributes: Mapping[str, str]) -> None:
        self._cell = attributes
        self._column += 1
        self._paragraphs = []

    def _cell_ends(self) -> None:
        attributes, self._cell = self._cell, None
        if attributes is None or self._sheet is None:
            return
        repeated = whole(attributes.get("table:number-columns-repeated"), 1)
        cell = self._content(attributes)
        if cell is not None:
            self._put(cell, attributes, repeated)
        self._merge(attributes)
        self._column += repeated - 1

    def _put(self, cell: Cell, attributes: Mapping[str, str], repeated: int) -> None:
        self._meter.count_cells(repeated)
        if self._column + repeated - 1 > limits.MAX_COLUMNS:
            raise DamagedError
        formula = attributes.get("table:formula")
        for column in range(self._column, self._column + repeated):
            self._cells[column] = cell
            if formula is not None:
                self._formulas[self._row, column] = _formula(self._meter.count_text(formula))

    def _merge(self, attributes: Mapping[str, str]) -> None:
        columns = whole(attributes.get("table:number-columns-spanned"), 1)
        rows = whole(attributes.get("table:number-rows-spanned"), 1)
        if (columns > 1 or rows > 1) and self._column <= limits.MAX_COLUMNS and self._row <= limits.MAX_ROWS:
            last_row = min(self._row + rows - 1, limits.MAX_ROWS)
            last_column = min(self._column + columns - 1, limits.MAX_COLUMNS)
            self._merged.append(Area(self._row, self._column, last_row, last_column))
            if len(self._merged) > limits.MAX_MERGED:
                raise RefusedError(suspicious(f"工作表内超过{limits.MAX_MERGED}处合并单元格"))

    def _content(self, attributes: Mapping[str, str]) -> Cell | None:
        kind = attributes.get("office:value-type", "")
        shown = "\n".join(self._paragraphs)
        formula = attributes.get("table:formula")
        if attributes.get("calcext:value-type") == "error" or (formula and _ERROR.fullmatch(shown)):
            return Cell(self._meter.count_text(shown or "#VALUE!"), CellKind.ERROR)
        if kind in _NUMBERS:
            stored = self._meter.count_text(attributes.get("office:value", ""))
            return number_cell(stored, _NUMBERS[kind]) if stored else None
        if kind == "date":
            day = self._meter.count_text(attributes.get("office:date-value", ""))[:10]
            return Cell(day, CellKind.DATE) if day else text_cell(shown, self._meter)
        if kind == "boolean":
            return Cell(
                "TRUE" if attributes.get("office:boolean-value") == "true" else "FALSE", CellKind.BOOLEAN
            )
        if not kind and formula:
            return Cell(FORMULA_WITHOUT_VALUE, CellKind.ERROR)
        return text_cell(shown or attributes.get("office:string-value", ""), self._meter)

    # --- text

    def _aside_begins(self, _attributes: Mapping[str, str]) -> None:
        self._aside += 1

    def _aside_ends(self) -> None:
        self._aside -= 1

    def _paragraph_begins(self, _attributes: Mapping[str, str]) -> None:
        self.text.clear()

    def _paragraph_ends(self) -> None:
        if self._aside:
            self._put_aside("".join(self.text))
        elif self._cell is not None:
            self._paragraphs.append("".join(self.text))

    def _put_aside(self, text: str) -> None:
        """A comment hangs on its cell, a shape on the sheet."""
        sheet = self._sheet.get("table:name", "") if self._sheet is not None else None
        on_cell = self._cell is not None and self._column <= limits.MAX_COLUMNS
        cell = f"{get_column_letter(self._column)}{self._row}" if on_cell else None
        self.asides.append(Aside(self._meter.count_text(text), sheet, cell))

    def _spaces(self, attributes: Mapping[str, str]) -> None:
        self.text.append(" " * min(whole(attributes.get("text:c"), 1), _MOST_SPACES))


def _formula(written: str) -> str:
    """A formula in the form of the other formats: ``of:=SUM([.E3:.E5];[.E9])`` as ``SUM(E3:E5,E9)``."""
    bare = written.partition("=")[2] if "=" in written else written
    return _REFERENCE.sub(lambda match: _reference(match[1]), bare).replace(";", ",")


def _reference(inside: str) -> str:
    if "#" in inside:
        return "[外部]" + inside.rpartition("#")[2].replace(".", "!")
    parts: list[str] = []
    for part in _OF_SHEET.finditer(inside):
        sheet = f"{part[1]}!" if part[1] and not parts else ""
        parts.append(f"{sheet}{part[2]}")
    return ":".join(parts)
