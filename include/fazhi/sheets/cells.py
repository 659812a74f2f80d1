"""Cells as written. In: what a reader found. Out: records of sheets, rows and cells, with their addresses."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from openpyxl.utils import get_column_letter

from fazhi.model.exact import plain


class CellKind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    ERROR = "error"


class Cell(NamedTuple):
    """A cell that is not blank. A tuple, as files have hundreds of thousands and a frozen dataclass takes three times as long.

    ``text`` is the content without anything lost: for a number the shortest decimal that stands for the
    stored double (what the department sees), for a date its ISO form, for an error its sign (``#DIV/0!``).
    ``serial`` says that a number may be a day count of the workbook's calendar; it then holds the ISO day.
    """

    text: str
    kind: CellKind = CellKind.TEXT
    percent: bool = False
    serial: str | None = None

    @property
    def shown(self) -> str:
        """What the department sees: a number in a percent format with its sign."""
        return f"{plain(Decimal(self.text) * 100)}%" if self.percent else self.text

    @property
    def typed_number(self) -> bool:
        """Whether the cell is of a numeric type."""
        return self.kind is CellKind.NUMBER


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a sheet or a record of a CSV; ``cells`` by column, 1 = the first."""

    number: int
    cells: Mapping[int, Cell]

    def text(self, column: int) -> str:
        """The text of a cell without surrounding blanks, empty when there is none."""
        cell = self.cells.get(column)
        return cell.text.strip() if cell is not None else ""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of cells; rows and columns count from 1 and both ends belong to it."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    def __str__(self) -> str:
        """As written: ``B3:C4``."""
        first = f"{get_column_letter(self.first_column)}{self.first_row}"
        last = f"{get_column_letter(self.last_column)}{self.last_row}"
        return first if first == last else f"{first}:{last}"

    def holds(self, row: int, column: int) -> bool:
        """Whether a cell belongs to it."""
        return self.first_row <= row <= self.last_row and self.first_column <= column <= self.last_column


@dataclass(frozen=True)
class Layout:
    """What a sheet has beside the contents of its cells."""

    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: tuple[tuple[int, int], ...] = ()
    """First and last of each block."""

    merged: tuple[Area, ...] = ()
    filters: tuple[Area, ...] = ()
    """Areas with a filter that is switched on."""

    formulas: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """Row and column → formula without its equals sign; empty when it is kept in a form not read."""


@dataclass(frozen=True)
class Sheet:
    """A sheet; ``name`` is ``None`` for a CSV. ``hidden`` also covers "very hidden"."""

    name: str | None
    rows: tuple[Row, ...]
    hidden: bool = False
    layout: Layout = field(default=Layout())

    @cached_property
    def texts(self) -> Set[str]:
        """The texts of its cells. They repeat down a column: what depends on nothing else is judged once for each."""
        return {cell.text for row in self.rows for cell in row.cells.values()}

    def address(self, row: int, column: int, title: str) -> str:
        """Where a cell stands: ``E7``, and in a CSV ``line:column name``."""
        before, after = self.around_row(column, title)
        return f"{before}{row}{after}"

    def around_row(self, column: int, title: str) -> tuple[str, str]:
        """What stands before and after the row's number in the addresses of a column."""
        return ("", f":{title}") if self.name is None else (get_column_letter(column), "")


@dataclass(frozen=True)
class FileFault:
    """What is wrong with a file: the rule kind, what was found, what is accepted, what else explains it.

    ``sheet`` and ``cell`` say where it stands (``None``: the whole file or sheet), ``related`` the further
    cells of the same fault.
    """

    rule: str
    found: str = ""
    expected: str = ""
    detail: str = ""
    sheet: str | None = None
    cell: str | None = None
    related: tuple[str, ...] = ()
    detail_en: str = ""
    """``detail`` in English; empty where the rule's English words say it all."""

    case: str = ""
    """Which case of a rule kind that has cases."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A text beside the cells; ``sheet`` and ``cell`` say where it hangs, ``None`` for the whole file or sheet."""

    text: str
    sheet: str | None = None
    cell: str | None = None


@dataclass(frozen=True)
class ReadFile:
    """A file as cells. With a ``fault`` there are no sheets.

    ``notes`` are findings about how it was read that do not stop it (an encoding other than UTF-8).
    """

    name: str
    sheets: tuple[Sheet, ...] = ()
    fault: FileFault | None = None
    notes: tuple[FileFault, ...] = field(default=())
    asides: tuple[Aside, ...] = field(default=())
    """Texts beside the cells (page headers, comments, properties): searched for markings, never read as data."""

    @property
    def is_csv(self) -> bool:
        """Whether the addresses are lines and column names."""
        return len(self.sheets) == 1 and self.sheets[0].name is None

    def sheet(self, name: str) -> Sheet | None:
        """The sheet of a name; blanks around names do not count."""
        return next((sheet for sheet in self.sheets if (sheet.name or "").strip() == name), None)
