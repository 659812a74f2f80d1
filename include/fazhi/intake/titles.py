"""The titles of the table and the table itself. In: ``titles.yaml``. Out: what columns are called, a table's rows."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import Any

import yaml

from fazhi.sheets import Cell, FileFault, Row, Sheet

_TITLES = 2_000
_LONGEST_TITLE = 60
_IGNORED = re.compile("[\\s*\u200b-\u200f\u2060\ufeff]")


@cache
def vocabulary() -> Mapping[str, Any]:
    """The titles and words of ``titles.yaml``."""
    text = resources.files("fazhi.intake").joinpath("titles.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


@cache
def key_of_title() -> Mapping[str, str]:
    """Which column a title stands for."""
    return {title: key for key, titles in vocabulary()["columns"].items() for title in titles}


def normal_title(text: str) -> str:
    """A title without blanks, line breaks and invisible characters, in half-width letters."""
    return _known_title(text) if len(text) <= _LONGEST_TITLE else _normal(text)


@lru_cache(maxsize=_TITLES)
def _known_title(text: str) -> str:
    """Every table of a template has the same titles and codes."""
    return _normal(text)


def _normal(text: str) -> str:
    return _IGNORED.sub("", unicodedata.normalize("NFKC", text))


@dataclass(frozen=True)
class Table:
    """A sheet with a header row; ``columns`` says where each known column stands and how it is titled."""

    sheet: Sheet
    header_row: int
    columns: Mapping[str, tuple[int, str]]
    left_out: frozenset[int] = frozenset()
    """Rows below the header that hold no data of an indicator: totals, remarks."""

    notes: tuple[FileFault, ...] = field(default=())
    """What was found about how the table is built."""

    def below(self) -> Iterator[Row]:
        """All rows below the header."""
        return (row for row in self.sheet.rows if row.number > self.header_row)

    def rows(self) -> Iterator[Row]:
        """The rows of indicators."""
        return (row for row in self.below() if row.number not in self.left_out)

    def cell(self, row: Row, key: str) -> Cell | None:
        """A cell of a row, ``None`` when it is blank or the table has no such column."""
        place = self.columns.get(key)
        return row.cells.get(place[0]) if place is not None else None

    def cells(self, row: Row) -> dict[str, Cell]:
        """The cells of a row that are not blank, by column."""
        cells = row.cells
        return {key: cells[column] for key, (column, _) in self.columns.items() if column in cells}

    def text(self, row: Row, key: str) -> str:
        """The text of a cell of a row without blanks around it."""
        cell = self.cell(row, key)
        return cell.text.strip() if cell is not None else ""

    def address(self, row: Row, key: str) -> str | None:
        """Where a cell stands, ``None`` when the table has no such column."""
        around = self._around_row.get(key)
        return None if around is None else f"{around[0]}{row.number}{around[1]}"

    def addresses(self, row: Row, called: Mapping[str, str]) -> dict[str, str]:
        """Where the cells of some columns stand in a row, by what these are called there; columns it lacks are left out."""
        number, around = row.number, self._around_row
        return {
            name: f"{around[key][0]}{number}{around[key][1]}" for key, name in called.items() if key in around
        }

    @cached_property
    def _around_row(self) -> Mapping[str, tuple[str, str]]:
        """Of each column what its addresses have before and after the row: worked out once, not for every row."""
        return {key: self.sheet.around_row(*place) for key, place in self.columns.items()}
