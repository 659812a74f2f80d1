"""Bytes become cells: every kind of file, cell and attack."""

import io
import zipfile
from datetime import date, datetime
from decimal import Decimal

import pytest
from openpyxl import Workbook

from fazhi.sheets import (
    CellKind,
    cover_of,
    limits,
    period_of,
    read_csv,
    read_file,
    read_workbook,
    template_of,
)
from support.intake import book, csv_text, row, saved


def rezipped(content, **parts):
    """A workbook with parts replaced or added (`None` removes)."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            if name not in parts:
                target.writestr(name, source.read(name))
        for name, text in parts.items():
            if text is not None:
                target.writestr(name, text)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "EMPTY"),
        (b"\xef\xbb\xbf \r\n", "EMPTY"),
        (b"\x00" * 50, "EMPTY"),
        (b"%PDF-1.7 ...", "NOT_DATA"),
        (b"\x89PNG\r\n\x1a\n....", "NOT_DATA"),
        (b"\xff\xd8\xff\xe0....", "NOT_DATA"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"Workbook" * 20, "FILE_TYPE"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "ENCRYPTED"),
        (b"Rar!\x1a\x07", "FILE_TYPE"),
        (b"<html><table></table></html>", "FILE_TYPE"),
        (b"PK\x03\x04 damaged", "FILE_TYPE"),
        (bytes(range(1, 256)), "FILE_TYPE"),
    ],
)
def test_what_is_no_workbook_is_named(content, rule):
    file = read_file(content, "填报表.xlsx")
    assert file.fault is not None
    assert file.fault.rule == rule
    assert file.sheets == ()


def test_other_packages_are_named():
    def zipped(*names):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as package:
            for name in names:
                package.writestr(name, "x")
        return out.getvalue()

    assert read_file(zipped("word/document.xml"), "a.xlsx").fault.found == "Word文档"
    assert read_file(zipped("mimetype", "content.xml"), "a.ods").fault.rule == "FILE_TYPE"
    assert read_file(zipped("OFD.xml"), "a.ofd").fault.rule == "NOT_DATA"
    assert read_file(zipped("xl/workbook.bin"), "a.xlsb").fault.rule == "FILE_TYPE"
    assert read_file(zipped("a.txt"), "a.zip").fault.found == "压缩包"


def test_macros_are_kept_out_unopened():
    file = read_file(rezipped(book([row("A1.1")]), **{"xl/vbaProject.bin": b"\x00"}), "a.xlsm")
    assert file.fault.rule == "MACRO"


def test_entities_and_dtds_are_refused():
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">&b;</worksheet>'
    )
    file = read_file(rezipped(book([row("A1.1")]), **{"xl/worksheets/sheet2.xml": bomb}), "a.xlsx")
    assert file.fault.rule == "ZIP_BOMB"


def test_a_part_that_unpacks_to_far_more_is_refused():
    large = b"<worksheet>" + b" " * (limits.RATIO_COUNTS_FROM_BYTES + 1) + b"</worksheet>"
    file = read_file(rezipped(book([row("A1.1")]), **{"xl/worksheets/sheet9.xml": large}), "a.xlsx")
    assert file.fault.rule == "ZIP_BOMB"


def test_too_many_parts_are_refused():
    parts = {f"xl/media/{number}.bin": b"" for number in range(limits.MAX_ZIP_ENTRIES + 1)}
    assert read_file(rezipped(book([row("A1.1")]), **parts), "a.xlsx").fault.rule == "ZIP_BOMB"


@pytest.mark.parametrize(
    "sheet",
    [
        "<worksheet><sheetData><row r='x'><c r='A1'><v>1</v></c></row></sheetData></worksheet>",
        "<worksheet><sheetData><row r='1'><c r='??'><v>1</v></c></row></sheetData></worksheet>",
        "<worksheet><sheetData><row r='1'><c r='A1' s='-1'><v>1</v></c></row></sheetData></worksheet>",
        "<worksheet><sheetData>",
        "not xml",
    ],
)
def test_damaged_sheets_are_a_fault_of_the_file(sheet):
    file = read_file(rezipped(book([row("A1.1")]), **{"xl/worksheets/sheet2.xml": sheet}), "a.xlsx")
    assert file.fault.rule == "FILE_TYPE"
    assert "损坏" in file.fault.detail


def cells_of(cells, formats=None):
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    for address, content in cells.items():
        sheet[address] = content
    for address, number_format in (formats or {}).items():
        sheet[address].number_format = number_format
    file = read_file(saved(workbook), "a.xlsx")
    assert file.fault is None
    return {(r.number, column): cell for r in file.sheets[0].rows for column, cell in r.cells.items()}


def test_numbers_keep_the_digits_that_the_department_sees():
    cells = cells_of({"A1": 0.1, "B1": 1e-5, "C1": 123456789012, "D1": Decimal("97.2"), "E1": 100})
    assert [cells[1, column].text for column in range(1, 6)] == [
        "0.1",
        "0.00001",
        "123456789012",
        "97.2",
        "100",
    ]
    assert {cell.kind for cell in cells.values()} == {CellKind.NUMBER}


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("97.200000000000003", "97.2"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1E-3", "0.001"),
        ("1.5E3", "1500"),
    ],
)
def test_seventeen_digits_as_excel_stores_them_are_the_shortest_number(stored, text):
    content = book([row("A1.1", value=1)])
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        sheet = package.read("xl/worksheets/sheet2.xml").decode()
    noisy = sheet.replace("<v>1</v>", f"<v>{stored}</v>")
    assert noisy != sheet
    file = read_file(rezipped(content, **{"xl/worksheets/sheet2.xml": noisy}), "a.xlsx")
    assert file.sheet("填报表").rows[2].cells[8].text == text


def test_percent_formats_are_seen():
    cell = cells_of({"A1": 0.9949}, {"A1": "0.00%"})[1, 1]
    assert (cell.text, cell.percent, cell.shown) == ("0.9949", True, "99.49%")


def test_dates_errors_booleans_and_formulas():
    cells = cells_of(
        {
            "A1": date(2024, 3, 5),
            "B1": datetime(2024, 3, 5, 10, 30),
            "C1": "#DIV/0!",
            "D1": True,
            "E1": "=1+1",
            "F1": "  ",
            "A3": 45356,
        }
    )
    assert (cells[1, 1].kind, cells[1, 1].text) == (CellKind.DATE, "2024-03-05")
    assert (cells[1, 2].kind, cells[1, 2].text) == (CellKind.DATE, "2024-03-05")
    assert (cells[1, 3].kind, cells[1, 3].text) == (CellKind.ERROR, "#DIV/0!")
    assert (cells[1, 4].kind, cells[1, 4].text) == (CellKind.BOOLEAN, "TRUE")
    assert (cells[1, 5].kind, cells[1, 5].text) == (CellKind.ERROR, "公式未计算")
    assert (1, 6) not in cells
    assert (cells[3, 1].kind, cells[3, 1].serial) == (CellKind.NUMBER, "2024-03-05")


def test_the_calendar_of_1904_is_known():
    workbook = Workbook()
    workbook.epoch = datetime(1904, 1, 1)
    workbook.worksheets[0]["A1"] = date(2024, 3, 5)
    file = read_file(saved(workbook), "a.xlsx")
    assert file.sheets[0].rows[0].cells[1].text == "2024-03-05"


def test_csv_in_three_encodings_with_the_same_cells():
    text = csv_text("U,2024,A1.1,1,2,,,,说明,")
    as_utf8 = read_file(text.encode(), "a.csv")
    as_bom = read_file(text.encode("utf-8-sig"), "a.csv")
    as_gb = read_file(text.encode("gb18030"), "a.csv")
    assert as_utf8.sheets == as_bom.sheets == as_gb.sheets
    assert as_utf8.notes == as_bom.notes == ()
    assert [note.rule for note in as_gb.notes] == ["ENCODING"]
    assert as_utf8.sheets[0].address(2, 4, "numerator") == "2:numerator"


def test_a_csv_record_over_several_lines_has_the_address_of_its_first():
    file = read_file(b'indicator_code,note\nA1.1,"one\ntwo"\nA1.2,x\n', "a.csv")
    assert [r.number for r in file.sheets[0].rows] == [1, 2, 4]


def test_a_broken_csv_is_a_fault():
    assert read_file(b'a,b\n"x,1\n', "a.csv").fault.rule == "FILE_TYPE"


def test_readers_of_one_format_refuse_the_other():
    assert read_workbook(b"a,b\n", "a.xlsx").fault.rule == "FILE_TYPE"
    assert read_csv(book([row("A1.1")]), "a.csv").fault.rule == "FILE_TYPE"
    assert read_csv(b"a,b\n", "a.csv").fault is None


def test_cover_and_template_marks():
    content = book(
        [row("A1.1")],
        cover={
            "单位 名称:": "甲单位",
            "统一社会信用代码": " 11150200mb1a00001r ",
            "填报期": "2024年第三季度",
        },
        meta={"system_id": "2024", "rows": 1},
    )
    file = read_file(content, "a.xlsx")
    cover = cover_of(file)
    assert cover.unit_code == "11150200MB1A00001R"
    assert str(cover.period) == "2024-Q3"
    assert cover.entries["填报期"].cell == "B3"
    assert cover.text("单位名称") == "甲单位"
    assert template_of(file) == {"system_id": "2024", "rows": "1"}


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("2024", "2024"),
        ("2024年度", "2024"),
        ("2024年上半年", "2024-H1"),
        ("2024-H2", "2024-H2"),
        ("2024年第三季度", "2024-Q3"),
        ("2024Q3", "2024-Q3"),
        ("2024年7月", "2024-07"),
        ("２０２４－０７", "2024-07"),
    ],
)
def test_periods_as_people_write_them(text, period):
    assert str(period_of(text)) == period


@pytest.mark.parametrize("text", ["", "2024-13", "2024-Q5", "去年", "24年"])
def test_what_is_no_period(text):
    assert period_of(text) is None
