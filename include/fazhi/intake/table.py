"""The table in a file. In: sheets of cells. Out: the table with its columns by title, or why it is none."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from fazhi.model.terms import SubmissionKind
from fazhi.sheets import Cell, FileFault, ReadFile, Row, Sheet

TABLE_SHEET = "填报表"
_HEADER_WITHIN_ROWS = 60
_EXPECTED = "本系统生成的填报表"


@cache
def vocabulary() -> Mapping[str, Any]:
    """The titles and words of ``titles.yaml``."""
    text = resources.files("fazhi.intake").joinpath("titles.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def _key_of_title() -> Mapping[str, str]:
    return {title: key for key, titles in vocabulary()["columns"].items() for title in titles}


def normal_title(text: str) -> str:
    """A title without blanks and line breaks, in half-width letters."""
    return re.sub(r"[\s*]", "", unicodedata.normalize("NFKC", text))


@dataclass(frozen=True)
class Table:
    """A sheet with a header row; ``columns`` says where each known column stands and how it is titled."""

    sheet: Sheet
    header_row: int
    columns: Mapping[str, tuple[int, str]]

    def rows(self) -> Iterator[Row]:
        """The rows below the header."""
        return (row for row in self.sheet.rows if row.number > self.header_row)

    def cell(self, row: Row, key: str) -> Cell | None:
        """A cell of a row, ``None`` when it is blank or the table has no such column."""
        place = self.columns.get(key)
        return row.cells.get(place[0]) if place is not None else None

    def text(self, row: Row, key: str) -> str:
        """The text of a cell of a row without blanks around it."""
        cell = self.cell(row, key)
        return cell.text.strip() if cell is not None else ""

    def address(self, row: Row, key: str) -> str | None:
        """Where a cell stands, ``None`` when the table has no such column."""
        place = self.columns.get(key)
        return None if place is None else self.sheet.address(row.number, place[0], place[1])


def find_table(file: ReadFile, kind: SubmissionKind) -> Table | FileFault:
    """The table of a file, found by its titles.

    The sheet named 填报表 goes before others; hidden sheets are never read.
    """
    candidates = [
        table for sheet in file.sheets if not sheet.hidden and (table := _table_of(sheet)) is not None
    ]
    named = [table for table in candidates if (table.sheet.name or TABLE_SHEET).strip() == TABLE_SHEET]
    tables = named or candidates
    if not tables:
        return _not_found(file)
    if len(tables) > 1:
        names = "、".join(table.sheet.name or "" for table in tables)
        return FileFault(
            "NOT_TEMPLATE", names, _EXPECTED, f"有{len(tables)}个工作表都像填报表({names}),只能保留一个"
        )
    return _complete(tables[0], kind)


def _not_found(file: ReadFile) -> FileFault:
    if any(sheet.hidden and _table_of(sheet) is not None for sheet in file.sheets):
        return FileFault(
            "NOT_TEMPLATE", "隐藏的工作表", _EXPECTED, "填报表所在的工作表被隐藏，请取消隐藏后重新报送"
        )
    return FileFault(
        "NOT_TEMPLATE",
        file.name,
        _EXPECTED,
        "没有找到含“指标编码、分子、分母、数值”的表头，不是本系统的填报表",
    )


def _table_of(sheet: Sheet) -> Table | None:
    for row in sheet.rows[:_HEADER_WITHIN_ROWS]:
        found: dict[str, tuple[int, str]] = {}
        repeated = False
        for column, cell in row.cells.items():
            title = normal_title(cell.text)
            key = _key_of_title().get(title)
            repeated = repeated or key in found
            if key is not None:
                found[key] = (column, title)
        if "indicator_code" in found and len(found) >= 3 and not repeated:
            return Table(sheet, row.number, found)
    return None


def _complete(table: Table, kind: SubmissionKind) -> Table | FileFault:
    required = list(vocabulary()["required"]["csv" if table.sheet.name is None else "workbook"])
    if kind is SubmissionKind.OFFICE:
        required += vocabulary()["required"]["office"]
    missing = [_title(key, table) for key in required if key not in table.columns]
    if missing:
        names = "、".join(missing)
        return FileFault("NOT_TEMPLATE", f"缺少列：{names}", _EXPECTED, f"表头缺少列：{names}")
    return table


def _title(key: str, table: Table) -> str:
    titles = vocabulary()["columns"][key]
    return str(titles[-1] if table.sheet.name is None else titles[0])
