"""Sheet 取值: what was reported, cell by cell, and how the periods become the year's value."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from openpyxl import Workbook
from sqlalchemy import Row

from fazhi.model.period import Period
from fazhi.model.terms import Aggregation, LineStatus, RatioKind, Reporting, ValueType
from fazhi.score.workbook.case import Case, CaseLine
from fazhi.score.workbook.exactness import is_safe, scale_of
from fazhi.score.workbook.grid import DAY, PERCENT, WHOLE, YES_NO, Grid, columns
from fazhi.systems.wording import AGGREGATION_ZH

_COLUMNS = columns(
    code=("指标代码", 9),
    name=("指标名称", 34),
    period=("期间", 22),
    first=("分子或数值", 13),
    second=("分母", 13),
    value=("全年数值", 12),
    source=("出处（“来源”页序号）", 12),
    scale=("小数倍数", 9),
    whole_first=("分子×倍数", 15),
    whole_second=("分母×倍数", 15),
)
_NO_VALUE = {
    LineStatus.MISSING: "未报送，没有可用数值",
    LineStatus.REJECTED: "已退回或待审核，没有可用数值",
    LineStatus.NOT_APPLICABLE: "经批准不适用",
}


@dataclass(frozen=True)
class YearValue:
    """Where the year's value of a line stands; its size, for the choice of formulas."""

    row: int
    numerator: str
    """Address of the whole number above the fraction's line."""
    denominator: str
    """Address of the whole number below it."""
    shown: str
    form: str
    numerator_size: int
    denominator_size: int
    is_safe: bool
    """Whether doubles hold the value exactly."""
    parts: Sequence[tuple[int, int]]
    """The periods' whole numbers (above and below the line), for the sheet of long numbers."""
    scale: int
    is_plain_number: bool
    """Whether it is no ratio: below the line stands the power of ten, the same in every period."""


def write_values(book: Workbook, case: Case, numbers: dict[int, int]) -> dict[str, YearValue]:
    """Write the sheet.

    Args:
        book: The workbook.
        case: The unit's case.
        numbers: By indicator position and input: see ``source_numbers``.

    Returns:
        The year's value by indicator code; lines without a value are not in it.
    """
    grid = Grid(book, "取值", _COLUMNS)
    row = grid.heading(
        "取值：各期报送的数怎样成为全年的数",
        "每一行是一个期间被采用的数，灰底一行是全年的数，由上面各行用公式算出。已被更长期间的数替代的，不再列出。",
        "点上方的加号可展开整数核算列：先把小数放大成整数再计算，避免表格软件的小数误差。",
    )
    row = grid.headers(row)
    grid.freeze("period", row)
    found: dict[str, YearValue] = {}
    for line in case.lines:
        if line.inputs:
            found[line.indicator.code], row = _write_line(grid, row, line, numbers)
        else:
            _identity(grid, row, line)
            grid.put(row, "period", _NO_VALUE.get(line.status, "没有可用数值"), look="note")
            grid.blank(row, ("first", "second", "value", "source"))
            row += 1
    grid.fold("scale", "whole_first", "whole_second")
    grid.printed("landscape")
    return found


def _identity(grid: Grid, row: int, line: CaseLine) -> None:
    grid.put(row, "code", line.indicator.code)
    grid.put(row, "name", line.indicator.name_zh)


def _write_line(grid: Grid, row: int, line: CaseLine, numbers: dict[int, int]) -> tuple[YearValue, int]:
    scale, parts = whole_parts(line)
    safe = is_safe(*(number for part in parts for number in part))
    for input_row in line.inputs:
        _identity(grid, row, line)
        grid.put(row, "period", Period.parse(input_row.period).name_zh)
        grid.put(row, "source", numbers[input_row.input_no], WHOLE)
        grid.blank(row, ("value",))
        grid.put(row, "scale", scale, WHOLE, "working")
        _write_reported(grid, row, line, input_row, safe)
        row += 1
    return _write_year(grid, row, line, scale, parts), row + 1


def whole_parts(line: CaseLine) -> tuple[int, list[tuple[int, int]]]:
    """The line's values as whole numbers: the power of ten, and for each period both sides of the fraction."""
    kind = line.indicator.value_type
    if kind in (ValueType.BOOLEAN, ValueType.DATE):
        return 1, [(0, 1) for _ in line.inputs]
    texts = [
        (row.numerator, row.denominator) if kind is ValueType.RATIO else (row.value, "1")
        for row in line.inputs
    ]
    pairs = [(Fraction(above), Fraction(below)) for above, below in texts]
    scale = scale_of(number for pair in pairs for number in pair)
    return scale, [(int(above * scale), int(below * scale)) for above, below in pairs]


def _write_reported(grid: Grid, row: int, line: CaseLine, reported: Row[Any], safe: bool) -> None:
    """One period's figures as they were written; numbers longer than a spreadsheet holds stay text."""
    kind = line.indicator.value_type
    if kind is ValueType.RATIO:
        _number(grid, row, "first", reported.numerator, safe)
        _number(grid, row, "second", reported.denominator, safe)
    elif kind is ValueType.DATE:
        grid.put(row, "first", date.fromisoformat(reported.value), DAY)
        grid.blank(row, ("second",))
    elif kind is ValueType.BOOLEAN:
        grid.put(row, "first", int(reported.value), YES_NO)
        grid.blank(row, ("second",))
    else:
        _number(grid, row, "first", reported.value, safe)
        grid.blank(row, ("second",))
    if not safe:
        return
    scale = grid.at("scale", row)
    if kind in (ValueType.BOOLEAN, ValueType.DATE):
        grid.work(row, "whole_first", grid.at("first", row), WHOLE, "working")
        grid.put(row, "whole_second", 1, WHOLE, "working")
        return
    grid.work(row, "whole_first", f"ROUND({grid.at('first', row)}*{scale},0)", WHOLE, "working")
    below = f"ROUND({grid.at('second', row)}*{scale},0)" if kind is ValueType.RATIO else scale
    grid.work(row, "whole_second", below, WHOLE, "working")


def _number(grid: Grid, row: int, name: str, text: str, safe: bool) -> None:
    grid.put(row, name, Decimal(text) if safe else text)


def _write_year(
    grid: Grid, row: int, line: CaseLine, scale: int, parts: Sequence[tuple[int, int]]
) -> YearValue:
    indicator = line.indicator
    cumulative = indicator.reporting is Reporting.CUMULATIVE
    how = Aggregation.LAST if cumulative else indicator.aggregation
    _identity(grid, row, line)
    for name in ("code", "name"):
        grid.put(row, name, indicator.code if name == "code" else indicator.name_zh, look="sum")
    words = "取最后一期" if how is Aggregation.LAST else AGGREGATION_ZH[how]
    grid.put(row, "period", f"全年（{words}）", look="sum")
    grid.blank(row, ("first", "second", "value", "source"), look="sum")
    size = _size(how, parts, indicator.value_type is ValueType.RATIO)
    if is_safe(*size, *(number for part in parts for number in part)):
        _write_year_formulas(grid, row, indicator.value_type, how, len(parts), scale)
        safe = True
    else:
        safe = False
    form = _write_shown(grid, row, line, safe)
    return YearValue(
        row=row,
        numerator=grid.ref("whole_first", row),
        denominator=grid.ref("whole_second", row),
        shown=grid.ref("value", row),
        form=form,
        numerator_size=size[0],
        denominator_size=size[1],
        is_safe=safe,
        parts=parts,
        scale=scale,
        is_plain_number=indicator.value_type is not ValueType.RATIO,
    )


def _size(how: Aggregation, parts: Sequence[tuple[int, int]], ratio: bool) -> tuple[int, int]:
    """The whole numbers that the year comes to (dates and yes/no: a day's number is small)."""
    if how is Aggregation.SUM:
        below = sum(below for _, below in parts) if ratio else parts[0][1]
        return sum(above for above, _ in parts), below
    best = max(parts, key=lambda part: part[0]) if how is Aggregation.MAX else parts[-1]
    return best


_FUNCTION = {Aggregation.SUM: "SUM", Aggregation.MAX: "MAX", Aggregation.ALL: "MIN", Aggregation.LAST: "SUM"}


def _write_year_formulas(
    grid: Grid, row: int, kind: ValueType, how: Aggregation, count: int, scale: int
) -> None:
    first = row - 1 if how is Aggregation.LAST else row - count
    for name in ("whole_first", "whole_second"):
        stretch = f"{grid.at(name, first)}:{grid.at(name, row - 1)}"
        ratio = kind is ValueType.RATIO
        formula = f"{_FUNCTION[how]}({stretch})" if name == "whole_first" or ratio else grid.at(name, row - 1)
        grid.work(row, name, formula, WHOLE, "working")
    grid.put(row, "scale", scale, WHOLE, "working")
    above, below = grid.at("whole_first", row), grid.at("whole_second", row)
    if kind is ValueType.RATIO:
        grid.work(row, "first", f"{above}/{grid.at('scale', row)}", look="sum")
        grid.work(row, "second", f"{below}/{grid.at('scale', row)}", look="sum")


def _write_shown(grid: Grid, row: int, line: CaseLine, safe: bool) -> str:
    kind = line.indicator.value_type
    above, below = grid.at("whole_first", row), grid.at("whole_second", row)
    form = {ValueType.BOOLEAN: YES_NO, ValueType.DATE: DAY}.get(kind, "General")
    formula = f"{above}/{below}"
    if kind is ValueType.RATIO:
        form = PERCENT
        growth = line.indicator.ratio_kind is RatioKind.GROWTH
        formula = f'IF({below}=0,"没有发生",{f"({above}-{below})" if growth else above}/{below})'
    elif kind in (ValueType.BOOLEAN, ValueType.DATE):
        formula = above
    if safe:
        grid.work(row, "value", formula, form, "sum")
    else:
        grid.put(row, "value", "见“大数核算”页", look="sum")
        form = "General"
    return form
