"""How the table is built: every oddity with its cell, and the rows that are read all the same."""

import io

import pytest
from openpyxl import load_workbook

from fazhi.intake import table
from fazhi.intake.table import Table, find_table
from fazhi.model.terms import SubmissionKind
from fazhi.model.unit_code import check_character
from fazhi.sheets import FileFault, read_file
from support.intake import HEADERS, OTHER_UNIT, UNIT, book, csv_text, row, saved
from support.sheets import part, places, rezipped

SHEET = "填报表"
MISTYPED_UNIT = UNIT[:-1] + "P"
"""Its check character is wrong."""
THIRD_UNIT = "11150200MB1A00002" + check_character("11150200MB1A00002")


def table_of(content, kind=SubmissionKind.UNIT, name="填报表.xlsx"):
    data = content.encode() if isinstance(content, str) else content
    table = find_table(read_file(data, name), kind)
    assert isinstance(table, Table)
    return table


def changed(content, change):
    workbook = load_workbook(io.BytesIO(content))
    change(workbook[SHEET])
    return saved(workbook)


THREE = [
    row("A1.1", numerator=1, denominator=2),
    row("A1.2", numerator=3, denominator=4),
    row("I1.2", value=5),
]


def test_an_ordinary_table_has_nothing_odd():
    read = table_of(book(THREE))
    assert read.notes == ()
    assert [r.number for r in read.rows()] == [3, 4, 5]


def test_hidden_rows_with_data_are_read_and_told():
    def hide(sheet):
        sheet.row_dimensions[4].hidden = True
        sheet.row_dimensions[5].hidden = True

    read = table_of(changed(book(THREE), hide))
    assert [(n.rule, n.sheet, n.cell, n.related) for n in read.notes] == [("HIDDEN", SHEET, "A4", ("A5",))]
    assert [r.number for r in read.rows()] == [3, 4, 5]


def test_rows_and_columns_without_size_are_hidden_too():
    content = book(THREE)
    name = "xl/worksheets/sheet2.xml"
    xml = part(content, name).replace(b'<row r="4"', b'<row r="4" ht="0" customHeight="1"')
    columns = b'<cols><col min="1" max="1" width="0" customWidth="1"/></cols>'
    flat = rezipped(content, {name: xml.replace(b"<sheetData>", columns + b"<sheetData>")})
    assert [(n.rule, n.cell) for n in table_of(flat).notes] == [("HIDDEN", "A4"), ("HIDDEN", "A2")]


def test_a_hidden_row_in_which_nothing_is_filled_is_no_finding():
    rows = [*THREE, row("H1.1", name="只有名称")]
    read = table_of(changed(book(rows), lambda sheet: setattr(sheet.row_dimensions[6], "hidden", True)))
    assert read.notes == ()


def test_rows_out_of_sight_by_a_filter_are_told_as_filtered():
    def filtered(sheet):
        sheet.auto_filter.ref = "A2:N5"
        sheet.auto_filter.add_filter_column(0, ["A1.1"])
        for number in (4, 5):
            sheet.row_dimensions[number].hidden = True

    read = table_of(changed(book(THREE), filtered))
    assert [(n.rule, n.cell, n.related) for n in read.notes] == [("FILTERED", "A4", ("A5",))]


def test_hidden_columns_with_data_are_told():
    def hide(sheet):
        sheet.column_dimensions["E"].hidden = True
        sheet.column_dimensions["J"].hidden = True

    assert places(table_of(changed(book(THREE), hide)).notes) == [("HIDDEN", SHEET, "E2")]


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        ("G3:G4", [("MERGED", SHEET, "G3")]),
        ("N2:N3", [("MERGED", SHEET, "N2")]),
        ("A1:N1", []),
        ("P3:Q4", []),
        ("A9:N9", []),
    ],
)
def test_merged_cells_inside_the_table_are_told(area, expected):
    assert places(table_of(changed(book(THREE), lambda sheet: sheet.merge_cells(area))).notes) == expected


def test_a_remark_over_merged_cells_is_only_a_remark():
    content = book([*THREE, ["注：以上数据截至12月31日。"]])
    read = table_of(changed(content, lambda sheet: sheet.merge_cells("A6:N6")))
    assert places(read.notes) == [("TRAILING_NOTE", SHEET, "A6")]
    assert [r.number for r in read.rows()] == [3, 4, 5]


@pytest.mark.parametrize(
    "remark",
    [
        "注：数据截至年底",
        "备注：无",
        "说明:见附件",
        "制表人：合成",
        "（注）口径同上年",
        "※ 口径同上年",
        "以上数据由平台导出",
    ],
)
def test_remarks_are_no_data(remark):
    read = table_of(book([*THREE, [remark]]))
    assert places(read.notes) == [("TRAILING_NOTE", SHEET, "A6")]
    assert [r.number for r in read.rows()] == [3, 4, 5]


def test_the_words_of_a_remark_are_not_repeated():
    read = table_of(book([*THREE, ["填表人：张三 电话13800000000"]]))
    assert "138" not in f"{read.notes[0].found}{read.notes[0].detail}"


def test_blank_rows_in_the_middle_do_not_end_the_table():
    read = table_of(book([THREE[0], [], [], THREE[1], [], THREE[2]]))
    assert [(n.rule, n.cell, n.related, n.found) for n in read.notes] == [
        ("TRAILING_NOTE", "A4", ("A7",), "3个空行")
    ]
    assert [r.number for r in read.rows()] == [3, 6, 8]


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (row("合计", numerator=4, denominator=6), "分子4与各行之和一致"),
        (row("合计", numerator=5, denominator=6), "分子5与各行之和4不一致"),
        (row("总  计", denominator=7), "分母7与各行之和6不一致"),
        (row(None, name="小计：", numerator=4), "分子4与各行之和一致"),
    ],
)
def test_total_rows_are_left_out_and_compared(total, words):
    read = table_of(book([*THREE[:2], total]))
    (note,) = read.notes
    assert (note.rule, note.sheet, note.cell) == ("TOTAL_ROW", SHEET, "A5" if total[0] else "B5")
    assert words in note.detail
    assert [r.number for r in read.rows()] == [3, 4]


def test_a_total_without_hidden_rows_says_so():
    content = book([*THREE[:2], row("合计", numerator=1)])
    read = table_of(changed(content, lambda sheet: setattr(sheet.row_dimensions[4], "hidden", True)))
    assert [note.rule for note in read.notes] == ["HIDDEN", "TOTAL_ROW"]
    assert "（不含隐藏行为1）" in read.notes[1].detail


def test_an_inserted_column_is_read_past():
    headers = [*HEADERS[:5], "备注2", *HEADERS[5:]]
    cells = [*THREE[0][:5], "x", *THREE[0][5:]]
    read = table_of(book([cells], headers=headers))
    assert places(read.notes) == [("HEADER_CHANGED", SHEET, "F2")]
    assert "增加了列：备注2" in read.notes[0].detail
    assert read.columns["denominator"] == (8, "分母")


def test_columns_in_another_order_are_read_by_title():
    headers = [*HEADERS[:4], "分母", "分母名称", "分子", *HEADERS[7:]]
    read = table_of(book([row("A1.1")], headers=headers))
    assert places(read.notes) == [("HEADER_CHANGED", SHEET, "F2")]
    assert read.notes[0].related == ("G2",)
    assert read.columns["numerator"] == (7, "分子")


def test_a_column_that_is_not_required_may_be_missing_but_is_told():
    headers = [title for title in HEADERS if title != "计量单位"]
    read = table_of(book([["A1.1", "名", "子", 1, "母", 2]], headers=headers))
    assert places(read.notes) == [("HEADER_CHANGED", SHEET, "M2")]
    assert "缺少列：计量单位" in read.notes[0].detail


def test_a_required_column_that_is_missing_stops_the_file():
    headers = [title for title in HEADERS if title != "分母"]
    fault = find_table(read_file(book([row("A1.1")], headers=headers), "a.xlsx"), SubmissionKind.UNIT)
    assert isinstance(fault, FileFault)
    assert (fault.rule, fault.case, fault.found) == ("HEADER_CHANGED", "missing", "缺少列：分母")


def test_titles_with_blanks_are_known_and_told():
    headers = ["指 标\n编 码", *HEADERS[1:6], "分母\u200b", *HEADERS[7:]]
    read = table_of(book(THREE, headers=headers))
    assert [(n.rule, n.cell, n.related) for n in read.notes] == [("HEADER_SPACE", "A2", ("G2",))]
    assert read.notes[0].expected == "指标编码"


@pytest.mark.parametrize(
    ("above", "cell"), [((), "A1"), ((("标题",), ("副标题",)), "A3"), ((("标题",), (), ("单位：件",)), "A4")]
)
def test_a_header_on_another_row_is_found_and_told(above, cell):
    read = table_of(book(THREE, above=above))
    assert places(read.notes) == [("HEADER_OFFSET", SHEET, cell)]
    assert len(list(read.rows())) == 3


def several_units(*units):
    headers = ["统一社会信用代码", *HEADERS]
    return book([[unit, *THREE[0]] for unit in units], headers=headers)


def test_several_units_in_the_table_of_one_are_held():
    read = table_of(several_units(UNIT, OTHER_UNIT, UNIT, THIRD_UNIT))
    assert [(n.rule, n.cell, n.related) for n in read.notes] == [("MULTI_UNIT", "A4", ("A6",))]
    assert "3个单位" in read.notes[0].detail


@pytest.mark.parametrize(
    "units",
    [
        (UNIT, MISTYPED_UNIT),
        (MISTYPED_UNIT, UNIT),
        (MISTYPED_UNIT, UNIT, UNIT, UNIT),
        (UNIT, MISTYPED_UNIT, UNIT, MISTYPED_UNIT),
        (OTHER_UNIT, UNIT, UNIT, UNIT),
    ],
)
def test_a_mistyped_code_or_a_single_row_of_another_is_judged_in_its_row(units):
    assert table_of(several_units(*units)).notes == ()


def test_the_unit_of_most_rows_is_the_one_whose_table_it_is():
    read = table_of(several_units(OTHER_UNIT, OTHER_UNIT, UNIT, UNIT, UNIT))
    assert [(n.rule, n.cell, n.related) for n in read.notes] == [("MULTI_UNIT", "A3", ("A4",))]


def test_units_of_an_office_or_of_one_alone_are_fine():
    assert table_of(several_units(UNIT, OTHER_UNIT), SubmissionKind.OFFICE).notes == ()
    assert table_of(several_units(UNIT, UNIT)).notes == ()


def test_an_added_column_of_unit_names_that_differ_is_held():
    read = table_of(book([[*THREE[0], "甲局"], [*THREE[1], "乙局"]], headers=[*HEADERS, "单位名称"]))
    assert places(read.notes) == [("HEADER_CHANGED", SHEET, "O2"), ("MULTI_UNIT", SHEET, "O4")]


def test_errors_in_columns_of_text_are_told():
    read = table_of(book([row("A1.1", numerator=1, denominator=2, note="#REF!")]))
    assert places(read.notes) == [("CELL_ERROR", SHEET, "M3")]


def test_a_csv_keeps_lines_and_titles_in_its_addresses():
    text = csv_text(f"{UNIT},2024,A1.1,1,2,,,,,", "合计,,,1,2,,,,,", f"{UNIT},2024,,,,,,,备注：见附件,")
    read = table_of(text, SubmissionKind.OFFICE, "a.csv")
    assert [(n.rule, n.sheet, n.cell) for n in read.notes] == [("TOTAL_ROW", None, "3:unit_code")]


def test_a_table_longer_than_any_is_refused(monkeypatch):
    monkeypatch.setattr(table, "_MOST_ROWS", 2)
    fault = find_table(read_file(book(THREE), "a.xlsx"), SubmissionKind.UNIT)
    assert isinstance(fault, FileFault)
    assert (fault.rule, fault.found) == ("NOT_TEMPLATE", "3行")
    assert fault.detail == "填报表有3行，超过2行，请删去与本单位无关的行"


def test_an_office_that_has_too_much_to_report_is_not_told_to_send_parts(monkeypatch):
    """The last submission of a sender for a period replaces the others."""
    monkeypatch.setattr(table, "_MOST_ROWS", 1)
    text = csv_text(f"{UNIT},2024,A1.1,1,2,,,,,", f"{UNIT},2024,A1.2,1,2,,,,,")
    fault = find_table(read_file(text.encode(), "a.csv"), SubmissionKind.OFFICE)
    assert isinstance(fault, FileFault)
    assert "请由各盟市的主管单位分别报送本地区的数据" in fault.detail
    assert "不能拆成几份" in fault.detail
