"""The blank workbook of a unit and period. In: edition, registry, unit, period. Out: an xlsx file to fill in.

It lists the indicators that the unit itself is asked for and that are due in the period; the yearly one lists
all of them (submission-workbook.md). Names are filled in, choices are lists, everything else but the inputs
is locked. Cells keep the general number format, so that what is typed is stored as typed. The same input
gives the same bytes.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from openpyxl import Workbook
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from fazhi.intake.table import TABLE_SHEET, vocabulary
from fazhi.model.period import Period, due_periods
from fazhi.model.terms import ValueType
from fazhi.registry.records import Unit
from fazhi.registry.registry import Registry
from fazhi.sheets import cover as cover_sheet
from fazhi.sheets.writing import packed
from fazhi.systems.edition import Edition, Indicator

TEMPLATE_VERSION = "1"

Entry = str | int | Decimal | date | None
"""What may be written into a cell; numbers up to 15 digits are stored exactly, as in every spreadsheet."""

_WIDTHS = {
    "unit_code": 23,
    "indicator_code": 10,
    "indicator_name": 34,
    "unit_name": 9,
    "numerator_name": 24,
    "numerator": 12,
    "denominator_name": 24,
    "denominator": 12,
    "value": 12,
    "boolean": 8,
    "date": 13,
    "not_applicable": 8,
    "reason": 18,
    "note": 24,
    "evidence": 28,
}
_STANDARD = (
    "indicator_code",
    "indicator_name",
    "unit_name",
    "numerator_name",
    "numerator",
    "denominator_name",
    "denominator",
    "value",
    "boolean",
    "date",
    "not_applicable",
    "reason",
    "note",
    "evidence",
)
_OPTIONAL = ("reporting", "scope", "provenance")
_INPUTS_OF = {
    ValueType.RATIO: ("numerator", "denominator", "value"),
    ValueType.COUNT: ("value",),
    ValueType.AMOUNT: ("value",),
    ValueType.SCORE: ("value",),
    ValueType.BOOLEAN: ("boolean",),
    ValueType.DATE: ("date",),
}
_INPUTS_OF_ALL = ("not_applicable", "reason", "note", "evidence", *_OPTIONAL)
_LINE = Side(style="thin", color="8C8C8C")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_FONT = "宋体"
_HEAD_FILL = PatternFill("solid", fgColor="D9E2EC")
_LOCKED_FILL = PatternFill("solid", fgColor="F2F2F2")
_GUIDE = (
    "白色单元格填写，灰色单元格不填。比率类指标填分子、分母；件数、金额、得分类填“数值”；没有发生的填0，"
    "没有这项职责的在“不适用”栏选“是”并说明理由；佐证材料填文件名，多个用分号分隔。"
)


def asked_indicators(
    edition: Edition, registry: Registry, unit: Unit, period: Period, today: date
) -> tuple[Indicator, ...]:
    """The indicators that a unit's own workbook of a period asks for, in code order.

    Raises:
        UsageError: The year has not begun.
    """
    asked = (indicator for indicator in edition.indicators if indicator.asked_of_unit)
    due = (i for i in asked if period.months == 12 or period in due_periods(i.frequency, period.year))
    return tuple(i for i in due if registry.applies(i, unit, period.year, today))


def write_template(
    edition: Edition, registry: Registry, unit: Unit, period: Period, out: Path, today: date
) -> int:
    """Write the blank workbook of a unit and period.

    Args:
        edition: The indicator system of the period's year.
        registry: Decides what applies to the unit.
        unit: The unit as it is on the deciding day of the year.
        period: The period to report.
        out: The file to write; an existing one is replaced whole.
        today: The current day in Asia/Shanghai.

    Returns:
        How many indicators the workbook asks for.

    Raises:
        UsageError: The year has not begun.
    """
    return write_workbook(edition, registry, unit, period, (), out, today=today)


def write_workbook(
    edition: Edition,
    registry: Registry,
    unit: Unit,
    period: Period,
    rows: Sequence[Mapping[str, Entry]],
    out: Path,
    *,
    today: date,
    cover: Mapping[str, str] | None = None,
) -> int:
    """Write a workbook with some rows filled in.

    Args:
        edition: The indicator system of the period's year.
        registry: Decides what applies to the unit.
        unit: Whose workbook it is.
        period: The period reported.
        rows: What is filled in, by the column keys of ``titles.yaml`` (``indicator_code``, ``numerator``, …).
            Rows of indicators that are not asked, and further rows of one indicator, are appended. If any
            names a ``unit_code``, it is an office's workbook: it has that column and only these rows.
        out: The file to write.
        today: The current day in Asia/Shanghai.
        cover: Entries of the cover sheet by label, in addition to or instead of the prefilled ones.

    Returns:
        How many rows the table has.

    Raises:
        UsageError: The year has not begun.
    """
    lines = _lines(edition, asked_indicators(edition, registry, unit, period, today), rows)
    columns = _columns(rows)
    book = Workbook()
    first = book.worksheets[0]
    first.title = cover_sheet.COVER_SHEET
    _write_cover(first, edition, unit, period, cover or {})
    _write_table(
        book.create_sheet(TABLE_SHEET),
        f"{unit.name_zh}{period.name_zh}法治政府建设考评填报表",
        columns,
        lines,
    )
    _write_meta(book.create_sheet(cover_sheet.META_SHEET), edition, unit, period, len(lines))
    _replace(out, packed(book))
    return len(lines)


@dataclass(frozen=True)
class _Line:
    """One row of the table: what the edition says of it and what is filled in."""

    code: str
    indicator: Indicator | None
    filled: Mapping[str, Entry]


def _lines(edition: Edition, asked: Sequence[Indicator], rows: Sequence[Mapping[str, Entry]]) -> list[_Line]:
    if any("unit_code" in row for row in rows):
        asked = ()
    rest = list(rows)
    lines = []
    for indicator in asked:
        own = next((row for row in rest if row.get("indicator_code") == indicator.code), None)
        if own is not None:
            rest = [row for row in rest if row is not own]
        lines.append(_Line(indicator.code, indicator, own or {}))
    for row in rest:
        code = str(row.get("indicator_code") or "")
        lines.append(_Line(code, edition.by_code.get(code), row))
    return lines


def _columns(rows: Sequence[Mapping[str, Entry]]) -> tuple[str, ...]:
    def used(key: str) -> bool:
        return any(row.get(key) is not None for row in rows)

    head = ("unit_code",) if used("unit_code") else ()
    return (*head, *_STANDARD, *(key for key in _OPTIONAL if used(key)))


def _write_cover(
    sheet: Worksheet, edition: Edition, unit: Unit, period: Period, entries: Mapping[str, str]
) -> None:
    prefilled = {
        cover_sheet.UNIT_NAME: unit.name_zh,
        cover_sheet.UNIT_CODE: unit.unit_code,
        cover_sheet.PERIOD: str(period),
        cover_sheet.SYSTEM: f"{edition.system_id}({edition.title_zh})",
    }
    for row, label in enumerate(cover_sheet.COVER_LABELS, 1):
        name, entry = sheet.cell(row, 1), sheet.cell(row, 2)
        _set(name, label)
        _set(entry, entries.get(label, prefilled.get(label)))
        entry.number_format = "@"
        name.font, entry.font = Font(_FONT, 12, bold=True), Font(_FONT, 12)
        name.fill = _HEAD_FILL
        name.border = entry.border = _BOX
        name.alignment = Alignment(horizontal="right", vertical="center")
        entry.alignment = Alignment(vertical="center", wrap_text=True)
        entry.protection = Protection(locked=label in prefilled)
        sheet.row_dimensions[row].height = 30
    sheet.column_dimensions["A"].width = 24
    sheet.column_dimensions["B"].width = 56
    sheet.protection.sheet = True
    _print_setup(sheet, "portrait")


def _write_table(sheet: Worksheet, title: str, columns: Sequence[str], lines: Sequence[_Line]) -> None:
    last = get_column_letter(len(columns))
    sheet.merge_cells(f"A1:{last}1")
    _set(sheet["A1"], f"{title}\n{_GUIDE}")
    sheet["A1"].font = Font(_FONT, 12, bold=True)
    sheet["A1"].alignment = Alignment(horizontal="left", vertical="center", wrap_text=True)
    sheet.row_dimensions[1].height = 54
    for column, key in enumerate(columns, 1):
        head = sheet.cell(2, column)
        _set(head, vocabulary()["columns"][key][0])
        head.font, head.fill, head.border = Font(_FONT, 11, bold=True), _HEAD_FILL, _BOX
        head.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        sheet.column_dimensions[get_column_letter(column)].width = _WIDTHS.get(key, 16)
    sheet.row_dimensions[2].height = 32
    for row, line in enumerate(lines, 3):
        _write_line(sheet, row, columns, line)
    _add_lists(sheet, columns, max(len(lines), 1) + 2)
    name_column = columns.index("indicator_name") + 1
    sheet.freeze_panes = sheet.cell(3, name_column + 1).coordinate
    sheet.protection.sheet = True
    sheet.protection.formatColumns = sheet.protection.formatRows = False
    sheet.print_title_rows = "2:2"
    _print_setup(sheet, "landscape")


def _write_line(sheet: Worksheet, row: int, columns: Sequence[str], line: _Line) -> None:
    shown = _shown(line)
    inputs = _INPUTS_OF[line.indicator.value_type] if line.indicator is not None else _STANDARD
    for column, key in enumerate(columns, 1):
        cell = sheet.cell(row, column)
        _set(cell, line.filled.get(key, shown.get(key)))
        is_input = key in inputs or key in _INPUTS_OF_ALL
        cell.protection = Protection(locked=not is_input)
        cell.font, cell.border = Font(_FONT, 10), _BOX
        centred = key in ("indicator_code", "unit_name", "boolean", "date", "not_applicable")
        cell.alignment = Alignment(
            horizontal="center" if centred else None,
            vertical="center",
            wrap_text=key not in ("numerator", "value"),
        )
        if not is_input:
            cell.fill = _LOCKED_FILL
        if key == "date":
            cell.number_format = "yyyy-mm-dd"
    longest = max(len(str(text)) / (_WIDTHS[key] / 2) for key, text in shown.items() if key in _WIDTHS)
    sheet.row_dimensions[row].height = 15 * max(1, -int(-longest // 1)) + 6


def _shown(line: _Line) -> dict[str, Entry]:
    if line.indicator is None:
        return {"indicator_code": line.code}
    return {
        "indicator_code": line.code,
        "indicator_name": line.indicator.name_zh,
        "unit_name": line.indicator.unit_zh,
        "numerator_name": line.indicator.numerator_zh,
        "denominator_name": line.indicator.denominator_zh,
    }


def _add_lists(sheet: Worksheet, columns: Sequence[str], last_row: int) -> None:
    for key, choices, prompt in (
        ("boolean", "是,否", "请选“是”或“否”"),
        ("not_applicable", "是", "没有这项职责的选“是”"),
    ):
        letter = get_column_letter(columns.index(key) + 1)
        choice = DataValidation(type="list", formula1=f'"{choices}"', allow_blank=True, showErrorMessage=True)
        choice.error, choice.errorTitle, choice.prompt = prompt, "请从列表中选择", prompt
        sheet.add_data_validation(choice)
        choice.add(f"{letter}3:{letter}{last_row}")


def _write_meta(sheet: Worksheet, edition: Edition, unit: Unit, period: Period, rows: int) -> None:
    marks = {
        "template_version": TEMPLATE_VERSION,
        "system_id": edition.system_id,
        "system_digest": edition.digest,
        "unit_code": unit.unit_code,
        "period": str(period),
        "rows": str(rows),
    }
    for row, (key, text) in enumerate(marks.items(), 1):
        _set(sheet.cell(row, 1), key)
        _set(sheet.cell(row, 2), text)
        sheet.cell(row, 2).number_format = "@"
    sheet.sheet_state = "veryHidden"
    sheet.protection.sheet = True


def _set(cell: Cell | MergedCell, entry: Entry) -> None:
    """Write an entry; text stays text, whatever it begins with."""
    cell.value = entry
    if isinstance(entry, str):
        cell.data_type = "s"


def _print_setup(sheet: Worksheet, orientation: Literal["portrait", "landscape"]) -> None:
    sheet.page_setup.orientation = orientation
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    if sheet.oddFooter is not None:
        sheet.oddFooter.center.text = "第 &P 页，共 &N 页"


def _replace(out: Path, content: bytes) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".part-", suffix=".xlsx", dir=out.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, out)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
