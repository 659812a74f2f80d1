"""A draft as a workbook. In: a draft and its edition. Out: the bytes of an xlsx, and where its cells stand.

The workbook is the project's own template filled in; the cover says that it is synthetic.
"""

import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path

from openpyxl.utils import get_column_letter
from python_calamine import CalamineWorkbook

from fazhi.intake.table import TABLE_SHEET, vocabulary
from fazhi.intake.template import Entry, write_workbook
from fazhi.model.terms import ValueType
from fazhi.registry import Registry
from fazhi.sheets.cover import CHECKED_BY, FILLED_BY, FILLED_ON, PHONE, SIGNED_BY
from fazhi.synth.draft import MARK, Draft, Line
from fazhi.systems.edition import Edition

WORKBOOK_NAME = "填报表（合成数据）.xlsx"

_OWN_COLUMN = {ValueType.BOOLEAN: "boolean", ValueType.DATE: "date"}
"""Where a workbook has a column of its own for what a CSV puts under ``value``."""


@dataclass(frozen=True)
class FilledWorkbook:
    """A workbook's bytes; ``addresses`` gives the cell of a draft's row and CSV column."""

    content: bytes
    addresses: dict[tuple[int, str], str]


def fill_workbook(
    draft: Draft, edition: Edition, registry: Registry, *, today: date, filled_on: date
) -> FilledWorkbook:
    """Fill the template of a draft's sender and period with the draft's rows.

    Args:
        draft: What to write.
        edition: The edition of its year.
        registry: Decides what the template asks.
        today: The current day.
        filled_on: The date on the cover.
    """
    own = all(line.cells["unit_code"] == draft.report.sender.unit_code for line in draft.lines)
    cover = {
        FILLED_BY: MARK,
        CHECKED_BY: MARK,
        SIGNED_BY: MARK,
        FILLED_ON: filled_on.isoformat(),
        PHONE: MARK,
    }
    with tempfile.TemporaryDirectory(prefix="fazhi-synth-") as folder:
        path = Path(folder) / WORKBOOK_NAME
        write_workbook(
            edition,
            registry,
            draft.report.sender,
            draft.report.period,
            [_row(line, with_unit=not own) for line in draft.lines],
            path,
            today=today,
            cover=cover,
        )
        content = path.read_bytes()
    return FilledWorkbook(content, _addresses(draft, content, with_unit=not own))


def column_of(line: Line, column: str) -> str:
    """The workbook's column for a CSV column of a row."""
    return _OWN_COLUMN.get(line.indicator.value_type, column) if column == "value" else column


def _row(line: Line, *, with_unit: bool) -> dict[str, Entry]:
    row: dict[str, Entry] = {
        column_of(line, column): _entry(text)
        for column, text in line.cells.items()
        if text and column not in ("unit_code", "period", "indicator_code")
    }
    row["indicator_code"] = line.cells["indicator_code"]
    if with_unit:
        row["unit_code"] = line.cells["unit_code"]
    return row


def _entry(text: str) -> Entry:
    """What a person would type: whole numbers and decimals as numbers, the rest as text."""
    if text.isascii() and text.removeprefix("-").replace(".", "", 1).isdigit():
        return Decimal(text) if "." in text else int(text)
    return text


def _addresses(draft: Draft, content: bytes, *, with_unit: bool) -> dict[tuple[int, str], str]:
    """The cells of the draft's rows: rows of the same unit and indicator keep their order."""
    titles = {names[0]: key for key, names in vocabulary()["columns"].items()}
    sheet = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_name(TABLE_SHEET)
    rows = sheet.to_python(skip_empty_area=False)
    places = {titles[str(title)]: place for place, title in enumerate(rows[1]) if title in titles}
    letters = {key: get_column_letter(place + 1) for key, place in places.items()}
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, cells in enumerate(rows[2:], start=3):
        unit = str(cells[places["unit_code"]]) if with_unit else draft.report.sender.unit_code
        numbers[unit, str(cells[places["indicator_code"]])].append(row)
    addresses: dict[tuple[int, str], str] = {}
    for index, line in enumerate(draft.lines):
        row = numbers[line.cells["unit_code"], line.cells["indicator_code"]].pop(0)
        for column in line.cells:
            letter = letters.get(column_of(line, column))
            if letter is not None:
                addresses[index, column] = f"{letter}{row}"
    return addresses
