"""What a workbook holds beside its table. In: its sheets. Out: findings with sheet and cell.

Hidden sheets with data, formulas whose cached values are out of date or come from other workbooks, text
that would run as a formula. What concerns the table itself is found where the table is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Context, Decimal

from fazhi.model.exact import plain
from fazhi.sheets.cells import Cell, CellKind, FileFault, Sheet
from fazhi.sheets.cover import COVER_SHEET, META_SHEET
from fazhi.sheets.formulas import EXTERNAL, BudgetError, Recomputation, differs
from fazhi.sheets.injection import LEADS, reaches_out, runs_as_formula

_SHOWN = 60
_SHORT = Context(prec=15)
"""As many digits as a spreadsheet shows."""

_ONE_BY_ONE = 100


def structure_notes(sheets: tuple[Sheet, ...], *, external_links: bool = False) -> tuple[FileFault, ...]:
    """The findings about a workbook or CSV.

    Args:
        sheets: Its sheets.
        external_links: Whether the file keeps links to other workbooks.
    """
    judged = tuple(sheet for sheet in sheets if (sheet.name or "").strip() != META_SHEET)
    return (
        *_hidden_sheets(judged),
        *folded(_formulas(judged, sheets, external_links=external_links)),
        *(fault for sheet in judged for fault in folded(_injections(sheet))),
    )


def folded(faults: Iterable[FileFault]) -> Iterator[FileFault]:
    """Findings one by one; from the hundredth of a rule on a sheet, the rest are cells of the last one."""
    seen: Counter[tuple[str, str | None]] = Counter()
    rest: dict[tuple[str, str | None], list[FileFault]] = {}
    for fault in faults:
        place = (fault.rule, fault.sheet)
        seen[place] += 1
        if seen[place] < _ONE_BY_ONE:
            yield fault
        else:
            rest.setdefault(place, []).append(fault)
    for first, *others in rest.values():
        cells = tuple(fault.cell for fault in others if fault.cell is not None)
        yield replace(first, related=(*first.related, *cells))


def _hidden_sheets(sheets: Sequence[Sheet]) -> Iterator[FileFault]:
    """Hidden sheets beside a visible one; where there is none, the table itself is hidden and not found."""
    if all(sheet.hidden or (sheet.name or "").strip() == COVER_SHEET for sheet in sheets):
        return
    for sheet in sheets:
        if sheet.hidden and sheet.rows:
            filled = sum(len(row.cells) for row in sheet.rows)
            yield FileFault(
                "HIDDEN",
                found=f"隐藏的工作表“{sheet.name}”",
                expected="没有隐藏内容的填报表",
                detail=f"工作表“{sheet.name}”是隐藏的，里面有{filled}个单元格有内容，系统没有读取",
                sheet=sheet.name,
                cell=_first_cell(sheet),
            )


def _first_cell(sheet: Sheet) -> str:
    row = sheet.rows[0]
    return sheet.address(row.number, min(row.cells), "")


# --- formulas


def _formulas(
    judged: Sequence[Sheet], all_sheets: tuple[Sheet, ...], *, external_links: bool
) -> list[FileFault]:
    found: list[FileFault] = []
    outside = False
    cells = Recomputation(all_sheets)
    try:
        for sheet in judged:
            for fault in _formulas_of(sheet, cells):
                outside = outside or "外部" in fault.found
                found.append(fault)
    except BudgetError:
        found.append(
            FileFault(
                "STALE_FORMULA",
                found="大量公式",
                expected="数值",
                detail="公式太多，没有逐一核对其结果",
            )
        )
    if external_links and not outside:
        found.append(
            FileFault(
                "STALE_FORMULA",
                found="指向其他工作簿的外部链接",
                expected="不含外部链接的填报表",
                detail="文件中留有指向其他工作簿的外部链接，系统不会打开其他文件",
            )
        )
    return found


def _formulas_of(sheet: Sheet, cells: Recomputation) -> Iterator[FileFault]:
    if not sheet.layout.formulas:
        return
    by_row = {row.number: row.cells for row in sheet.rows}
    for (row, column), formula in sheet.layout.formulas.items():
        cell = by_row.get(row, {}).get(column)
        address = sheet.address(row, column, "")
        if reaches_out(formula):
            yield _attack(sheet, address)
        elif EXTERNAL.search(formula):
            yield _fault(
                sheet,
                address,
                "引用其他工作簿的外部链接",
                "粘贴为数值",
                "公式引用了其他工作簿，其结果无法核对",
            )
        elif cell is not None and cell.kind is CellKind.NUMBER and not sheet.hidden:
            yield from _stale(sheet, address, cell, formula, cells)


def _stale(sheet: Sheet, address: str, cell: Cell, formula: str, cells: Recomputation) -> Iterator[FileFault]:
    expected = cells.expected(sheet.name or "", formula)
    if expected is not None and differs(Decimal(cell.text), expected):
        due = plain(_SHORT.divide(Decimal(expected.numerator), Decimal(expected.denominator)))
        yield _fault(
            sheet,
            address,
            cell.shown,
            due,
            f"公式“={formula[:_SHOWN]}”按现有单元格计算应为{due}，保存的却是{cell.text}",
        )


def _fault(sheet: Sheet, address: str, found: str, expected: str, detail: str) -> FileFault:
    return FileFault("STALE_FORMULA", found, expected, detail, sheet=sheet.name, cell=address)


# --- text that would run


def _injections(sheet: Sheet) -> Iterator[FileFault]:
    titles = _titles(sheet)
    suspects = {text for text in sheet.texts if text[0] in LEADS}
    for row in sheet.rows if suspects else ():
        for column, cell in row.cells.items():
            if cell.text in suspects and cell.kind is CellKind.TEXT and runs_as_formula(cell.text):
                yield _attack(sheet, sheet.address(row.number, column, titles.get(column, str(column))))


def _titles(sheet: Sheet) -> dict[int, str]:
    """The titles of the columns of a CSV, which are part of its addresses."""
    if sheet.name is not None or not sheet.rows:
        return {}
    return {column: cell.text.strip() for column, cell in sheet.rows[0].cells.items()}


def _attack(sheet: Sheet, address: str) -> FileFault:
    return FileFault(
        "FORMULA_INJECTION",
        found="会作为公式执行的内容",
        expected="普通文字或数字",
        detail=f"单元格{address}的内容会被表格软件当作公式或命令执行",
        sheet=sheet.name,
        cell=address,
    )
