"""What stands beside the table: hidden sheets, formulas, text that would run."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from fazhi.sheets.formulas import Recomputation, differs
from fazhi.sheets.injection import reaches_out, runs_as_formula
from support.intake import csv_text, saved
from support.sheets import places, read, rezipped, with_cells, zipped


def test_hidden_sheets_with_data_are_told_and_template_marks_are_not():
    workbook = Workbook()
    workbook.worksheets[0].title = "填报表"
    workbook.worksheets[0]["A1"] = 1
    for name, state, filled in (
        ("备用", "hidden", True),
        ("空的", "hidden", False),
        ("底稿", "veryHidden", True),
        ("_meta", "veryHidden", True),
    ):
        sheet = workbook.create_sheet(name)
        sheet.sheet_state = state
        if filled:
            sheet["C4"] = "数"
    assert places(read(saved(workbook)).notes) == [("HIDDEN", "备用", "C4"), ("HIDDEN", "底稿", "C4")]


def formula(text, value, attributes=""):
    return f"<c><f{attributes}>{text}</f><v>{value}</v></c>"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("SUM(A1:C1)", "6", None),
        ("SUM(A1:C1)", "5", "6"),
        ("SUM(A1,B1:C1,4)", "9", "10"),
        ("$A$1+B1*C1", "7", None),
        ("(A1+B1)*C1", "7", "9"),
        ("A1/C1", "0.333333333333333", None),
        ("A1/C1", "0.3333", "0.333333333333333"),
        ("-A1--B1", "1", None),
        ("C1%", "0.03", None),
        ("Sheet!C1-1", "3", "2"),
        ("0.1+0.2", "0.30000000000000004", None),
        ("SUM(A1:C1)-SUM(A1:B1)", "4", "3"),
        # not understood, so not judged
        ("ROUND(A1,0)", "99", None),
        ("A1/Z9", "99", None),
        ("IF(A1=1,1,2)", "99", None),
        ("A1:C1", "99", None),
        ("A1&amp;B1", "99", None),
        ("Other!A1", "99", None),
        ("((((", "99", None),
        ("", "99", None),
    ],
)
def test_cached_results_are_compared_with_their_cells(text, value, expected):
    numbers = "<c><v>1</v></c><c><v>2</v></c><c><v>3</v></c>"
    notes = read(with_cells(f'<row r="1">{numbers}{formula(text, value)}</row>')).notes
    if expected is None:
        assert notes == ()
        return
    assert places(notes) == [("STALE_FORMULA", "Sheet", "D1")]
    assert notes[0].found == value
    assert notes[0].expected.startswith(expected)


def test_formulas_that_share_their_text_are_judged_each():
    rows = '<row r="1"><c><v>1</v></c>' + formula("A1*2", 2, ' t="shared" si="0" ref="B1:B3"') + "</row>"
    rows += '<row r="2"><c><v>2</v></c>' + formula("", 4, ' t="shared" si="0"') + "</row>"
    rows += '<row r="3"><c><v>3</v></c>' + formula("", 5, ' t="shared" si="0"') + "</row>"
    notes = read(with_cells(rows)).notes
    assert places(notes) == [("STALE_FORMULA", "Sheet", "B3")]
    assert (notes[0].found, notes[0].expected) == ("5", "6")


def test_references_to_other_workbooks_are_returned():
    notes = read(with_cells(f'<row r="2">{formula("[1]Sheet1!A1+1", 5)}</row>')).notes
    assert places(notes) == [("STALE_FORMULA", "Sheet", "A2")]
    assert "其他工作簿" in notes[0].detail


def test_a_link_that_no_cell_uses_is_told_for_the_file():
    workbook = Workbook()
    workbook.worksheets[0]["A1"] = 1
    content = saved(workbook)
    relations = (
        '<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
        '<Relationship Id="rId9" Type="x/externalLink" Target="externalLinks/externalLink1.xml"/></Relationships>'
    )
    linked = rezipped(
        content, {"xl/_rels/workbook.xml.rels": relations, "xl/externalLinks/externalLink1.xml": "<x/>"}
    )
    assert places(read(linked).notes) == [("STALE_FORMULA", None, None)]


def test_more_formulas_than_are_checked_are_said_to_be():
    cells = formula("SUM(A1:ZZ1000000)", 1) * 20
    rows = "".join(f'<row r="{number}">{cells}</row>' for number in range(1, 60))
    notes = read(with_cells(rows)).notes
    assert notes[-1].detail == "公式太多，没有逐一核对其结果" or "公式太多" in " ".join(
        n.detail for n in notes
    )


def test_many_findings_of_one_kind_are_folded_and_none_is_lost():
    rows = "".join(f'<row r="{n}"><c t="str"><v>=CMD({n})</v></c></row>' for n in range(1, 301))
    notes = read(with_cells(rows)).notes
    assert len(notes) == 100
    cells = [note.cell for note in notes] + list(notes[-1].related)
    assert sorted(cells, key=lambda cell: int(cell[1:])) == [f"A{n}" for n in range(1, 301)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.decimals(-(10**9), 10**9, places=3), min_size=1, max_size=8))
def test_sums_are_exact(numbers):
    cells = "".join(f"<c><v>{number}</v></c>" for number in numbers)
    file = read(with_cells(f'<row r="1">{cells}</row>'))
    expected = Recomputation(file.sheets).expected("Sheet", f"SUM(A1:{chr(64 + len(numbers))}1)")
    assert expected == sum((Fraction(number) for number in numbers), Fraction(0))
    assert not differs(sum(numbers), expected)


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        '=HYPERLINK("http://x","点")',
        "=cmd|' /C calc'!A0",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd|' /C calc'!A0",
        "-2+3+HYPERLINK(A1)",
        "@SUM(1+1)*cmd|' /C calc'!A0",
        "\t=1+1",
        "\r=A1",
        "+A1+B1",
        "-SUM(A1:A3)",
        "＝1+1",
        "=E3/G3",
        "@HYPERLINK(A1)",
    ],
)
def test_text_that_would_run_is_an_attack(text):
    assert runs_as_formula(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-3",
        "+5",
        "－3",
        "-3.5%",
        "+86-471-6912345",
        "—",
        "——",
        "-",
        "@",
        "@张三",
        "a@b.cn",
        "- 第一条",
        "-1.2万",
        "+15%（同比）",
        "=",
        "==",
        "=等于上年",
        "-5至10件",
        "-A1.1指标说明",
        "普通文字=1",
        "\t缩进的说明",
        "+A",
    ],
)
def test_text_that_only_looks_odd_is_none(text):
    assert not runs_as_formula(text)


def test_formulas_that_start_programs_are_attacks():
    assert reaches_out("cmd|'/C calc'!A0")
    assert reaches_out('WEBSERVICE("http://x")')
    assert not reaches_out("SUM(A1:A3)")
    row = f"<row r='4'>{formula('cmd|&apos;/C calc&apos;!A0', 1)}</row>"
    assert places(read(with_cells(row)).notes) == [("FORMULA_INJECTION", "Sheet", "A4")]


def test_injected_text_is_told_by_its_cell_and_never_repeated():
    row = '<row r="4"><c r="B4" t="str"><v>=HYPERLINK("http://evil.example")</v></c></row>'
    note = read(with_cells(row)).notes[0]
    assert (note.rule, note.sheet, note.cell) == ("FORMULA_INJECTION", "Sheet", "B4")
    assert "evil" not in f"{note.found}{note.detail}{note.expected}"
    table = csv_text("U,2024,A1.1,1,2,,,,=cmd|' /C calc'!A0,")
    assert places(read(table.encode(), "a.csv").notes) == [("FORMULA_INJECTION", None, "2:note")]


def test_a_table_of_its_own_with_a_filter_is_seen():
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    for cells in (["指标"], [1], [2]):
        sheet.append(cells)
    sheet.auto_filter.ref = "A1:A3"
    assert read(saved(workbook)).sheets[0].layout.filters == ()
    sheet.auto_filter.add_filter_column(0, ["1"])
    filters = read(saved(workbook)).sheets[0].layout.filters
    assert [str(area) for area in filters] == ["A1:A3"]


def test_nothing_is_found_in_an_archive_that_is_none():
    assert read(zipped(("a.txt", b"x")), "a.zip").fault.rule == "FILE_TYPE"
