"""The table in a file. In: sheets of cells. Out: the table with its columns by title, or why it is none."""

from dataclasses import replace

from fazhi.intake.table_notes import structure
from fazhi.intake.titles import Table, key_of_title, normal_title, vocabulary
from fazhi.model.terms import SubmissionKind
from fazhi.sheets import FileFault, ReadFile, Sheet

TABLE_SHEET = "填报表"
_HEADER_WITHIN_ROWS = 60
_FEWEST_COLUMNS = 3
_MOST_ROWS = 20_000
_COLUMNS_OF_A_TEMPLATE = 6
"""A header with so many of the template's titles is the template's, changed."""

_INSTEAD_OF_TOO_MANY = {
    SubmissionKind.UNIT: "请删去与本单位无关的行",
    # not in parts: of the submissions of one sender for one period the last alone counts
    SubmissionKind.OFFICE: "请由各盟市的主管单位分别报送本地区的数据（同一单位同一期间只有最后一份有效，不能拆成几份）",
}
_EXPECTED = "本系统生成的填报表"


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
        if len(row.cells) < _FEWEST_COLUMNS:
            continue
        found: dict[str, tuple[int, str]] = {}
        repeated = False
        for column, cell in row.cells.items():
            title = normal_title(cell.text)
            key = key_of_title().get(title)
            repeated = repeated or key in found
            if key is not None:
                found[key] = (column, title)
        if "indicator_code" in found and len(found) >= _FEWEST_COLUMNS and not repeated:
            return Table(sheet, row.number, found)
    return None


def _complete(table: Table, kind: SubmissionKind) -> Table | FileFault:
    required = list(vocabulary()["required"]["csv" if table.sheet.name is None else "workbook"])
    if kind is SubmissionKind.OFFICE:
        required += vocabulary()["required"]["office"]
    missing = [key for key in required if key not in table.columns]
    if missing:
        return _without(table, missing)
    count = sum(1 for _ in table.below())
    if count > _MOST_ROWS:
        return FileFault(
            "NOT_TEMPLATE",
            f"{count}行",
            f"不超过{_MOST_ROWS}行",
            f"填报表有{count}行，超过{_MOST_ROWS}行，{_INSTEAD_OF_TOO_MANY[kind]}",
        )
    found = structure(table, kind)
    return replace(table, left_out=found.left_out, notes=found.notes)


def _without(table: Table, missing_keys: list[str]) -> FileFault:
    """Columns that must be there are not: taken out of the template, or the file was never one of its kind."""
    names = "、".join(_title(key, table) for key in missing_keys)
    detail = f"表头缺少列：{names}"
    is_template = len(table.columns) >= _COLUMNS_OF_A_TEMPLATE
    if not is_template or missing_keys == vocabulary()["required"]["office"]:
        return FileFault("NOT_TEMPLATE", f"缺少列：{names}", _EXPECTED, detail)
    first = min(column for column, _ in table.columns.values())
    title = next(title for column, title in table.columns.values() if column == first)
    return FileFault(
        "HEADER_CHANGED",
        f"缺少列：{names}",
        "模板的列和顺序",
        detail,
        sheet=table.sheet.name,
        cell=table.sheet.address(table.header_row, first, title),
        detail_en="A column that is needed was removed or renamed.",
        case="missing",
    )


def _title(key: str, table: Table) -> str:
    titles = vocabulary()["columns"][key]
    return str(titles[-1] if table.sheet.name is None else titles[0])


__all__ = ["TABLE_SHEET", "Table", "find_table", "normal_title", "vocabulary"]
