"""How a table is built. In: a table as found. Out: which rows are no data, and findings about its structure.

Nothing here stops a file: every row that is an indicator's is read, and what was met on the way is told with
its cell.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from fazhi.intake.titles import Table, key_of_title, normal_title, vocabulary
from fazhi.model.exact import plain
from fazhi.model.terms import SubmissionKind
from fazhi.model.unit_code import is_valid
from fazhi.sheets import Area, CellKind, FileFault, Row
from fazhi.sheets.structure import folded

_HEADER_ROW = 2
"""Where the template has its header; a CSV has it in its first line."""

_INPUTS = ("numerator", "denominator", "value", "boolean", "date", "not_applicable")
_NUMBERS = ("numerator", "denominator", "value")
_TEXTS = ("unit_code", "period", "reason", "note", "evidence", "reporting", "scope", "provenance")
"""Columns whose error cells nobody meets while reading an indicator's values."""

_CODE = re.compile(r"[A-Za-z]{1,3}[0-9]")
_SHORTEST_REMARK = 7
_SPACE = re.compile("[\\s\u200b-\u200f\u2060\ufeff]")
_OPENING = '（(【[“" \t\r\n*'


@dataclass(frozen=True)
class Structure:
    """What is known of the rows and layout of a table."""

    left_out: frozenset[int]
    notes: tuple[FileFault, ...]


def structure(table: Table, kind: SubmissionKind) -> Structure:
    """Tell the rows of data from totals and remarks, and judge how the table is built."""
    totals = [row for row in table.below() if _total_word(table, row)]
    remarks = [row for row in table.below() if _is_remark(table, row)]
    left_out = frozenset(row.number for row in (*totals, *remarks))
    data = [row for row in table.below() if row.number not in left_out]
    notes = (
        *_header(table),
        *_hidden(table, data),
        *_merged(table, [*data, *totals]),
        *_blank_rows(table, data),
        *_remark_notes(table, remarks),
        *(_total_note(table, row, data, totals) for row in totals),
        *_units(table, kind, data),
        *_error_texts(table, data),
    )
    return Structure(left_out, tuple(folded(notes)))


def _fault(table: Table, rule: str, cell: str | None, found: str, expected: str, **more: Any) -> FileFault:
    return FileFault(rule, found, expected, sheet=table.sheet.name, cell=cell, **more)


def _at(table: Table, row: int, column: int) -> str:
    return table.sheet.address(row, column, _titles(table).get(column, str(column)))


def _titles(table: Table) -> dict[int, str]:
    """The titles of the header row by column."""
    row = next(row for row in table.sheet.rows if row.number == table.header_row)
    return {column: normal_title(cell.text) for column, cell in row.cells.items()}


def _row_place(table: Table, row: Row) -> str:
    """The cell that stands for a row: its code, or else its first."""
    column = table.columns["indicator_code"][0]
    return _at(table, row.number, column if column in row.cells else min(row.cells))


# --- the header


def _header(table: Table) -> Iterator[FileFault]:
    yield from _header_place(table)
    yield from _header_blanks(table)
    yield from _header_columns(table)


def _header_place(table: Table) -> Iterator[FileFault]:
    due = 1 if table.sheet.name is None else _HEADER_ROW
    if table.header_row != due:
        first = min(column for column, _ in table.columns.values())
        yield _fault(
            table,
            "HEADER_OFFSET",
            _at(table, table.header_row, first),
            f"表头在第{table.header_row}行",
            f"表头在第{due}行",
            detail=f"表头在第{table.header_row}行，模板在第{due}行，已按实际位置读取",
            detail_en=f"The header is in row {table.header_row} instead of {due}; it was read where it stands.",
        )


def _header_blanks(table: Table) -> Iterator[FileFault]:
    row = next(row for row in table.sheet.rows if row.number == table.header_row)
    odd = [
        column
        for column, _ in sorted(table.columns.values())
        if _SPACE.search(row.cells[column].text.strip())
        or row.cells[column].text != row.cells[column].text.strip()
    ]
    if odd:
        shown = "、".join(
            table_title for column, table_title in sorted(table.columns.values()) if column in odd
        )
        yield _fault(
            table,
            "HEADER_SPACE",
            _at(table, table.header_row, odd[0]),
            row.cells[odd[0]].text,
            normal_title(row.cells[odd[0]].text),
            detail=f"表头“{shown}”中有空格或换行，已忽略",
            related=tuple(_at(table, table.header_row, column) for column in odd[1:]),
        )


def _header_columns(table: Table) -> Iterator[FileFault]:
    titles = _titles(table)
    unknown = [column for column, title in sorted(titles.items()) if title and title not in key_of_title()]
    order = list(vocabulary()["columns"])
    placed = sorted((column, order.index(key)) for key, (column, _) in table.columns.items())
    moved = [column for (_, before), (column, here) in itertools.pairwise(placed) if here < before]
    missing = _missing(table)
    if not (unknown or moved or missing):
        return
    what = [
        f"增加了列：{'、'.join(titles[column] for column in unknown)}" if unknown else "",
        f"列的顺序有变动：{'、'.join(titles[column] for column in moved)}" if moved else "",
        f"缺少列：{'、'.join(missing)}" if missing else "",
    ]
    detail = "；".join(part for part in what if part)
    places = [_at(table, table.header_row, column) for column in (*unknown, *moved)] or [
        _at(table, table.header_row, placed[-1][0])
    ]
    yield _fault(
        table,
        "HEADER_CHANGED",
        places[0],
        detail,
        "模板的列和顺序",
        detail=f"{detail}，已按表头名称读取",
        related=tuple(places[1:]),
    )


def _missing(table: Table) -> list[str]:
    """Columns of the template that a workbook lacks; those that are required have stopped it already."""
    if table.sheet.name is None:
        return []
    titles = vocabulary()["columns"]
    return [str(titles[key][0]) for key in vocabulary()["template"] if key not in table.columns]


# --- rows that are no data


def _total_word(table: Table, row: Row) -> str:
    for key in ("indicator_code", "indicator_name", "unit_code"):
        word = normal_title(table.text(row, key)).rstrip(":")
        if word in vocabulary()["total_rows"]:
            return word
    return ""


def _is_remark(table: Table, row: Row) -> bool:
    code = table.text(row, "indicator_code")
    if _CODE.match(code):
        return False
    first = row.cells[min(row.cells)].text.strip()
    if code and first != code and table.columns.get("unit_code", (0, ""))[0] != min(row.cells):
        first = code
    if first.lstrip(_OPENING).startswith(tuple(vocabulary()["remarks"])):
        return True
    filled = any(table.cell(row, key) is not None for key in _INPUTS)
    return not filled and len(first) >= _SHORTEST_REMARK and len(row.cells) == 1


def _remark_notes(table: Table, remarks: Sequence[Row]) -> Iterator[FileFault]:
    if remarks:
        places = [_at(table, row.number, min(row.cells)) for row in remarks]
        yield _fault(
            table,
            "TRAILING_NOTE",
            places[0],
            f"{len(remarks)}行注释",
            "填报表内只有指标行",
            detail=f"有{len(remarks)}行是注释，没有当作数据读取",
            detail_en=f"{len(remarks)} row(s) are remarks and were not read as data.",
            related=tuple(places[1:]),
        )


def _blank_rows(table: Table, data: Sequence[Row]) -> Iterator[FileFault]:
    """Blank rows between the header and the last row of data; a CSV counts lines, so it shows none."""
    if table.sheet.name is None or not data:
        return
    filled = {row.number for row in table.below()}
    last = data[-1].number
    before, blank = table.header_row, []
    for number in sorted(number for number in filled if number <= last):
        if number > before + 1:
            blank.append((before + 1, number - 1))
        before = number
    if blank:
        column = table.columns["indicator_code"][0]
        count = sum(end - start + 1 for start, end in blank)
        yield _fault(
            table,
            "TRAILING_NOTE",
            _at(table, blank[0][0], column),
            f"{count}个空行",
            "填报表中间没有空行",
            detail=f"填报表中间有{count}个空行，已跳过，其后各行照常读取",
            detail_en=f"{count} blank row(s) inside the table were passed over; the rows after them were read.",
            related=tuple(_at(table, start, column) for start, _ in blank[1:]),
        )


# --- totals


def _total_note(table: Table, row: Row, data: Sequence[Row], totals: Sequence[Row]) -> FileFault:
    word = _total_word(table, row)
    parts = data
    if word == vocabulary()["subtotal"]:
        start = max((other.number for other in totals if other.number < row.number), default=0)
        parts = [one for one in data if start < one.number < row.number]
    compared = [text for key in _NUMBERS if (text := _compared(table, row, key, parts))]
    column = next(
        table.columns[key][0]
        for key in ("indicator_code", "indicator_name", "unit_code")
        if key in table.columns and normal_title(table.text(row, key)).rstrip(":") == word
    )
    return _fault(
        table,
        "TOTAL_ROW",
        _at(table, row.number, column),
        word,
        "各指标的数据行",
        detail="，".join([f"“{word}”行没有当作数据读取", *compared]),
    )


def _compared(table: Table, total: Row, key: str, parts: Sequence[Row]) -> str:
    stated = _number(table, total, key)
    numbers = [(part, number) for part in parts if (number := _number(table, part, key)) is not None]
    others = any(table.cell(part, key) is not None and _number(table, part, key) is None for part in parts)
    if stated is None or not numbers or others:
        return ""
    title = table.columns[key][1]
    whole = sum((number for _, number in numbers), Fraction(0))
    if whole == stated:
        return f"{title}{plain(stated)}与各行之和一致"
    hidden = table.sheet.layout.hidden_rows
    shown = sum((number for part, number in numbers if part.number not in hidden), Fraction(0))
    also = f"（不含隐藏行为{plain(shown)}）" if shown != whole else ""
    return f"{title}{plain(stated)}与各行之和{plain(whole)}{also}不一致，请核对"


def _number(table: Table, row: Row, key: str) -> Fraction | None:
    cell = table.cell(row, key)
    return Fraction(Decimal(cell.text)) if cell is not None and cell.kind is CellKind.NUMBER else None


# --- what is hidden or merged


def _hidden(table: Table, data: Sequence[Row]) -> Iterator[FileFault]:
    layout = table.sheet.layout
    column = table.columns["indicator_code"][0]
    out_of_sight = [row for row in data if row.number in layout.hidden_rows]
    filtered = [row for row in out_of_sight if any(area.holds(row.number, column) for area in layout.filters)]
    by_hand = [row for row in out_of_sight if row not in filtered and _is_filled(table, row)]
    if filtered:
        yield _rows_fault(table, "FILTERED", filtered, "筛选")
    if by_hand:
        yield _rows_fault(table, "HIDDEN", by_hand, "隐藏")
    columns = _hidden_columns(table, data)
    if columns:
        titles = "、".join(_titles(table).get(column, "没有表头的列") for column in columns)
        yield _fault(
            table,
            "HIDDEN",
            _at(table, table.header_row, columns[0]),
            f"隐藏的列：{titles}",
            "没有隐藏内容的填报表",
            detail=f"有{len(columns)}列是隐藏的，里面有内容：{titles}，已一并读取",
            detail_en=f"{len(columns)} hidden column(s) hold data; they were read.",
            related=tuple(_at(table, table.header_row, column) for column in columns[1:]),
        )


def _is_filled(table: Table, row: Row) -> bool:
    return any(table.cell(row, key) is not None for key in _INPUTS)


def _rows_fault(table: Table, rule: str, rows: Sequence[Row], how: str) -> FileFault:
    places = [_row_place(table, row) for row in rows]
    numbers = "、".join(str(row.number) for row in rows)
    return _fault(
        table,
        rule,
        places[0],
        f"第{numbers}行被{how}",
        "没有隐藏、筛选的填报表",
        detail=f"第{numbers}行被{how}看不见，里面的数据已一并读取",
        detail_en=f"{len(rows)} row(s) out of sight hold data; they were read.",
        related=tuple(places[1:]),
    )


def _hidden_columns(table: Table, data: Sequence[Row]) -> list[int]:
    blocks = table.sheet.layout.hidden_columns
    if not blocks:
        return []
    filled = {column for row in data for column in row.cells}
    return sorted(column for column in filled if any(first <= column <= last for first, last in blocks))


def _merged(table: Table, rows: Iterable[Row]) -> Iterator[FileFault]:
    last_row = max((row.number for row in rows), default=table.header_row)
    columns = [column for column, _ in table.columns.values()]
    region = Area(table.header_row, min(columns), last_row, max(columns))
    for area in table.sheet.layout.merged:
        if _overlap(area, region) and not _is_left_out(table, area):
            place = _at(table, area.first_row, area.first_column)
            yield _fault(
                table,
                "MERGED",
                place,
                str(area),
                "一格一项，不合并单元格",
                detail=f"{area}是合并单元格，内容只算在{place}",
                detail_en=f"{area} is merged; its content counts for {place} alone.",
            )


def _overlap(one: Area, other: Area) -> bool:
    return (
        one.first_row <= other.last_row
        and other.first_row <= one.last_row
        and one.first_column <= other.last_column
        and other.first_column <= one.last_column
    )


def _is_left_out(table: Table, area: Area) -> bool:
    """Whether an area lies in one row that is a remark."""
    row = next((row for row in table.below() if row.number == area.first_row), None)
    return row is not None and area.first_row == area.last_row and _is_remark(table, row)


# --- units, errors


def _units(table: Table, kind: SubmissionKind, data: Sequence[Row]) -> Iterator[FileFault]:
    if kind is not SubmissionKind.UNIT:
        return
    column = _unit_column(table)
    if column is None:
        return
    has_codes = "unit_code" in table.columns
    stated = [
        (row, normal_title(row.text(column)).upper())
        for row in data
        if row.text(column) and _is_filled(table, row)
    ]
    if has_codes:  # a mistyped code names no unit at all: judged in its row, by its check character
        stated = [(row, unit) for row, unit in stated if is_valid(unit)]
    units = Counter(unit for _, unit in stated).most_common()
    others = [row for row, unit in stated if unit != units[0][0]]
    # among several rows a single one of another unit is a slip in that row, and judged there by its code
    is_slip = has_codes and len(others) == 1 and len(stated) > 2
    if others and not is_slip:
        places = [_at(table, row.number, column) for row in others]
        yield _fault(
            table,
            "MULTI_UNIT",
            places[0],
            others[0].text(column),
            "一个单位一张填报表",
            detail=f"一张单位填报表里有{len(units)}个单位的数据",
            detail_en=f"A unit's own workbook holds data of {len(units)} units.",
            related=tuple(places[1:]),
        )


def _unit_column(table: Table) -> int | None:
    if "unit_code" in table.columns:
        return table.columns["unit_code"][0]
    named = [column for column, title in _titles(table).items() if title in vocabulary()["unit_titles"]]
    return min(named, default=None)


def _error_texts(table: Table, data: Sequence[Row]) -> Iterator[FileFault]:
    columns = [(key, table.columns[key][0]) for key in _TEXTS if key in table.columns]
    for row in data:
        for key, column in columns:
            cell = row.cells.get(column)
            if cell is not None and cell.kind is CellKind.ERROR:
                yield _fault(
                    table,
                    "CELL_ERROR",
                    table.address(row, key),
                    cell.text,
                    "文字",
                    detail=f"单元格显示{cell.text}",
                )
