"""CSV files as rows with addresses. In: a path and its columns. Out: rows, and the faults found on the way.

Faults are collected, not raised: a steward corrects a file once, not once per fault. A line number is what an
editor shows (the header is line 1).
"""

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong, and where; ``line`` 0 stands for the file as a whole."""

    file: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        place = f" 第{self.line}行" if self.line else ""
        column = f" {self.column} 列" if self.column else ""
        return f"{self.file}{place}{column}：{self.text}"


@dataclass(frozen=True)
class TableForm:
    """A file of the registry: its name, its columns, whether a registry may do without it."""

    file: str
    columns: tuple[str, ...]
    required: bool = False
    later_columns: tuple[str, ...] = ()
    """Columns that a file may do without; its cells are then empty."""

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column that the file may have."""
        return (*self.columns, *self.later_columns)


@dataclass(frozen=True)
class Row:
    """One line of a file, cells stripped of surrounding blanks."""

    file: str
    line: int
    cells: Mapping[str, str]

    def fault(self, column: str, text: str) -> Fault:
        """A fault on one cell of this row."""
        return Fault(self.file, self.line, column, text)


def read_rows(folder: Path, form: TableForm, faults: list[Fault]) -> list[Row]:
    """The rows of a file; an absent optional file has none.

    Args:
        folder: The registry's folder.
        form: Which file, with which columns.
        faults: Receives what is wrong with the file's form.
    """
    text = _text(folder / form.file, form, faults)
    if text is None:
        return []
    lines = _numbered(text, form, faults)
    _, header = next(lines, (1, []))
    header = [name.strip() for name in header]
    if not _header_is_right(header, form, faults):
        return []
    before = len(faults)
    rows = list(_rows(lines, header, form, faults))
    if form.required and not rows and len(faults) == before:
        faults.append(Fault(form.file, 0, "", "只有表头，没有数据"))
    return rows


def _text(path: Path, form: TableForm, faults: list[Fault]) -> str | None:
    """The file's text; ``None`` when there is none, with a fault unless the file may be missing."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        if form.required:
            faults.append(Fault(form.file, 0, "", f"文件不存在({path.parent});请补上"))
    except OSError as error:
        faults.append(Fault(form.file, 0, "", f"文件读不出来({error.strerror})"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        faults.append(Fault(form.file, line, "", "不是 UTF-8 编码；请另存为 UTF-8(表格软件中选“CSV UTF-8”)"))
    return None


def _numbered(text: str, form: TableForm, faults: list[Fault]) -> Iterator[tuple[int, list[str]]]:
    """Cells of each record with the number of its first line; blank lines are skipped."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    first_line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield first_line, cells
            first_line = reader.line_num + 1
    except csv.Error:
        faults.append(Fault(form.file, first_line, "", "从这一行起读不下去（多半是引号没有成对）;请更正"))


def _header_is_right(header: Sequence[str], form: TableForm, faults: list[Fault]) -> bool:
    before = len(faults)
    for name in sorted(set(header) - set(form.all_columns)):
        faults.append(Fault(form.file, 1, name, "未知的列；可用的列：" + "、".join(form.all_columns)))
    for name in form.all_columns:
        if name not in header and name in form.columns:
            faults.append(Fault(form.file, 1, name, "缺少此列"))
        elif header.count(name) > 1:
            faults.append(Fault(form.file, 1, name, "此列出现多次"))
    return len(faults) == before


def _rows(
    lines: Iterator[tuple[int, list[str]]], header: Sequence[str], form: TableForm, faults: list[Fault]
) -> Iterator[Row]:
    for line, cells in lines:
        if len(cells) != len(header):
            faults.append(Fault(form.file, line, "", f"应有{len(header)}个单元格，实有{len(cells)}个"))
            continue
        written = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        yield Row(form.file, line, dict.fromkeys(form.later_columns, "") | written)


@lru_cache(maxsize=4096)
def parse_day(text: str) -> date | None:
    """A day written ``2024-03-01``; ``None`` when the text is something else."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def parse_year(text: str) -> int | None:
    """A four-digit year; ``None`` when the text is something else."""
    return int(text) if len(text) == 4 and text.isascii() and text.isdigit() else None


@dataclass
class RowReader:
    """Reads the typed cells of one row; ``sound`` turns false at the first fault."""

    row: Row
    faults: list[Fault]
    sound: bool = field(default=True)

    def refuse(self, column: str, text: str) -> None:
        """Record a fault on a cell of the row."""
        self.faults.append(self.row.fault(column, text))
        self.sound = False

    def optional(self, column: str) -> str:
        """The cell's text, possibly empty."""
        return self.row.cells[column]

    def text(self, column: str) -> str:
        """The cell's text, which must not be empty."""
        text = self.row.cells[column]
        if not text:
            self.refuse(column, "不能为空")
        return text

    def digits(self, column: str, length: int) -> str:
        """A number written with exactly ``length`` digits, as text."""
        text = self.row.cells[column]
        if not (len(text) == length and text.isascii() and text.isdigit()):
            self.refuse(column, f"应为{length}位数字，实为“{text}”")
        return text

    def parts(self, column: str) -> tuple[str, ...]:
        """The parts of a cell separated by semicolons."""
        return tuple(part.strip() for part in self.row.cells[column].split(";") if part.strip())

    def day(self, column: str) -> date:
        """A day, which must be there."""
        day = parse_day(self.row.cells[column])
        if day is None:
            self.refuse(column, f"应为日期（如 2024-03-01）,实为“{self.row.cells[column]}”")
            return date.min
        return day

    def optional_day(self, column: str) -> date | None:
        """A day, or nothing."""
        return self.day(column) if self.row.cells[column] else None

    def interval(self, first: str = "valid_from", last: str = "valid_to") -> tuple[date, date | None]:
        """Two days in order, both inclusive; the last may be open."""
        begin, end = self.day(first), self.optional_day(last)
        if self.sound and end is not None and end < begin:
            self.refuse(last, f"截止日期 {end} 早于起始日期 {begin}")
        return begin, end

    def year(self, column: str) -> int:
        """A four-digit year."""
        year = parse_year(self.row.cells[column])
        if year is None:
            self.refuse(column, f"应为四位年份，实为“{self.row.cells[column]}”")
            return 0
        return year

    def years(self, column: str) -> tuple[int | None, int | None]:
        """Years written ``2021-2023``, ``2024-``, ``-2023`` or ``2024``; empty = every year."""
        text = self.row.cells[column]
        if not text:
            return None, None
        first, dash, last = text.partition("-")
        if not dash:
            last = first
        from_year, to_year = parse_year(first), parse_year(last)
        if text == "-" or (first and from_year is None) or (last and to_year is None):
            self.refuse(column, f"应为年份区间（如 2021-2023、2024-,空=各年度）,实为“{text}”")
        elif from_year is not None and to_year is not None and to_year < from_year:
            self.refuse(column, f"截止年份 {to_year} 早于起始年份 {from_year}")
        return from_year, to_year

    def whole(self, column: str) -> int:
        """A whole number of at least 1."""
        text = self.row.cells[column]
        if not (text.isascii() and text.isdigit() and int(text) >= 1):
            self.refuse(column, f"应为不小于1的整数，实为“{text}”")
            return 0
        return int(text)

    def word(self, column: str, vocabulary: Collection[str], may_be_empty: bool = False) -> str:
        """One of a closed list of words."""
        text = self.row.cells[column]
        if text not in vocabulary and not (may_be_empty and not text):
            self.refuse(column, f"未知的取值“{text}”；可用：" + "、".join(vocabulary))
        return text

    def words(self, column: str, vocabulary: type[Word]) -> frozenset[Word]:
        """Words of a closed vocabulary separated by semicolons."""
        known = {word.value: word for word in vocabulary}
        for part in self.parts(column):
            if part not in known:
                self.refuse(column, f"未知的取值“{part}”；可用：" + "、".join(known))
        return frozenset(known[part] for part in self.parts(column) if part in known)
