"""What is damaged and what is a failure of the reader: the first is told to the department, the second never."""

import io
import struct
import zipfile

import pytest

from fazhi.desk.package import unpacked
from fazhi.model.errors import UsageError
from fazhi.sheets import CellKind, biff, inspect_attachment, ods, worksheet
from support.intake import book, row
from support.sheets import (
    OLD_FORMATS,
    part,
    places,
    plain_book,
    read,
    rezipped,
    with_cells,
    with_sheet,
    zipped,
)

ROW = "<row><c><v>1</v></c></row>"
READERS = {
    "xlsx": (worksheet, plain_book()),
    "xls": (biff, (OLD_FORMATS / "filled.xls").read_bytes()),
    "ods": (ods, (OLD_FORMATS / "filled.ods").read_bytes()),
}


@pytest.mark.parametrize(
    "failure", [ValueError, KeyError, IndexError, NotImplementedError, OSError, EOFError]
)
@pytest.mark.parametrize("ending", READERS)
def test_a_failure_of_the_reader_is_not_told_as_a_damaged_file(monkeypatch, ending, failure):
    module, content = READERS[ending]

    def fails(*_arguments, **_options):
        raise failure("a mistake of ours")

    monkeypatch.setattr(module, "number_cell", fails)
    with pytest.raises(failure, match="a mistake of ours"):
        read(content, f"填报表.{ending}")


def test_a_failure_of_the_reader_over_evidence_is_not_passed_over(monkeypatch):
    monkeypatch.setattr(worksheet, "number_cell", lambda *_a, **_o: {}["a mistake of ours"])
    with pytest.raises(KeyError, match="a mistake of ours"):
        inspect_attachment("台账.xlsx", plain_book([1]))


@pytest.mark.parametrize(
    "missing", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml", "_rels/.rels"]
)
def test_a_workbook_without_one_of_its_parts_is_read_or_damaged(missing):
    file = read(rezipped(plain_book(), {missing: None}))
    assert (file.fault.rule if file.fault else None) == (
        "FILE_TYPE" if missing == "xl/workbook.xml" else None
    )


LISTS = (
    '<extLst><ext><x14:dataValidations xmlns:x14="urn:x14" xmlns:xm="urn:xm"><x14:dataValidation>'
    "<x14:formula1><xm:f>Sheet!A9</xm:f></x14:formula1></x14:dataValidation></x14:dataValidations></ext></extLst>"
)


def test_the_formula_of_a_list_to_choose_from_is_not_that_of_the_last_cell():
    file = read(with_sheet(f"<worksheet><sheetData>{ROW}</sheetData>{LISTS}</worksheet>"))
    assert file.sheets[0].layout.formulas == {}
    assert file.notes == ()


@pytest.mark.parametrize("xml", ["<f>A1</f>", '<c><f t="shared" si="0">A1</f></c>', '<f t="shared" si="0"/>'])
def test_a_formula_outside_rows_and_cells_is_none(xml):
    file = read(with_sheet(f"<worksheet>{xml}<sheetData>{ROW}</sheetData></worksheet>"))
    assert file.sheets[0].layout.formulas == {}


def test_a_cell_of_a_formula_keeps_it():
    file = read(with_cells("<row><c><f>1+1</f><v>3</v></c></row>"))
    assert file.sheets[0].layout.formulas == {(1, 1): "1+1"}
    assert places(file.notes) == [("STALE_FORMULA", "Sheet", "A1")]


@pytest.mark.parametrize(("shown", "cells"), [("", {}), ("三月五日", {1: ("三月五日", CellKind.TEXT)})])
def test_a_day_of_an_ods_that_is_not_stored_is_what_the_cell_shows(shown, cells):
    content = (
        '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body>'
        '<table:table table:name="表"><table:table-row><table:table-cell office:value-type="date">'
        f"<text:p>{shown}</text:p></table:table-cell></table:table-row></table:table>"
        "</office:body></office:document-content>"
    )
    source = (OLD_FORMATS / "filled.ods").read_bytes()
    (sheet,) = read(rezipped(source, {"content.xml": content}), "填报表.ods").sheets
    found = {c: (cell.text, cell.kind) for line in sheet.rows for c, cell in line.cells.items()}
    assert found == cells


def declared(encoding: str, codec: str) -> bytes:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?><worksheet><sheetData><row><c t="inlineStr"><is><t>数值é'
    )
    return f"{text}</t></is></c></row></sheetData></worksheet>".encode(codec, "ignore")


@pytest.mark.parametrize(
    ("encoding", "codec", "text"),
    [
        ("UTF-8", "utf-8", "数值é"),
        ("UTF-16", "utf-16", "数值é"),
        ("GB2312", "gb18030", "数值é"),
        ("gbk", "gb18030", "数值é"),
        ("GB18030", "gb18030", "数值é"),
        ("windows-1252", "cp1252", "é"),
        ("ISO-8859-15", "iso-8859-15", "é"),
        ("ISO-8859-1", "latin-1", "é"),
    ],
)
def test_a_part_in_another_encoding_is_read_as_it_says(encoding, codec, text):
    (sheet,) = read(with_sheet(declared(encoding, codec))).sheets
    assert sheet.rows[0].cells[1].text == text


@pytest.mark.parametrize("encoding", ["Big5", "utf-7", "punycode", "hex", "ISO-8859-99", "UTF-16", "甲"])
def test_a_part_in_an_encoding_that_is_not_read_is_damaged(encoding):
    assert read(with_sheet(declared(encoding, "utf-8"))).fault.detail == "文件已损坏，不能打开"


@pytest.mark.parametrize("said", [" " * 300 + 'encoding="big5"', 'encoding = "Shift_JIS"', "encoding='hex'"])
def test_whatever_a_part_says_of_its_encoding_it_is_read_or_damaged(said):
    file = read(
        with_sheet(f'<?xml version="1.0" {said}?><worksheet><sheetData>{ROW}</sheetData></worksheet>')
    )
    assert file.fault is None or file.fault.rule == "FILE_TYPE"


def test_a_part_that_is_not_in_the_encoding_it_says_is_damaged():
    assert read(with_sheet(declared("gbk", "gb18030")[:-1] + b"\xff")).fault.rule == "FILE_TYPE"


def far_away(offset: int) -> bytes:
    """An archive whose only entry claims, in zip64, to lie at an offset."""
    whole = zipped(("xl/workbook.xml", b"<workbook/>"))
    start = whole.index(b"PK\x01\x02")
    local, central, end = whole[:start], bytearray(whole[start:-22]), bytearray(whole[-22:])
    extra = struct.pack("<HHQ", 1, 8, offset)
    central[30:32] = struct.pack("<H", len(extra))
    central[42:46] = b"\xff" * 4
    end[12:16] = struct.pack("<I", len(central) + len(extra))
    return local + bytes(central) + extra + bytes(end)


@pytest.mark.parametrize("offset", [10**6, 2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_an_entry_that_claims_to_lie_far_away_is_damaged(offset):
    content = far_away(offset)
    assert read(content).fault.detail == "文件已损坏，不能打开"
    (fault,) = inspect_attachment("材料.zip", content)
    assert (fault.rule, fault.case) == ("FILE_TYPE", "evidence")
    with pytest.raises(UsageError, match="压缩包已损坏"):
        unpacked(content)


def test_an_entry_that_lies_where_it_claims_to_is_read():
    assert unpacked(far_away(0)) == {"workbook.xml": b"<workbook/>"}


def broken_inside(archive: bytes, stored: bytes) -> bytes:
    assert archive.count(stored) == 1
    return archive.replace(stored, stored[::-1])


def test_a_damaged_file_in_an_archive_hides_none_of_the_others():
    whole = zipped(("a.txt", b"first"), ("方案.txt", "机密★1年".encode()))
    faults = inspect_attachment("材料.zip", broken_inside(whole, part_as_packed(whole, "a.txt")))
    assert sorted((fault.rule, fault.detail) for fault in faults) == [
        ("CLASSIFIED", "佐证材料“材料.zip”带有涉密标志，已隔离"),
        ("FILE_TYPE", "佐证材料“材料.zip”中的“a.txt”打不开，文件已损坏"),
    ]


def test_a_damaged_part_of_a_document_hides_none_of_the_others():
    slide = '<p:sld xmlns:p="p" xmlns:a="a"><a:p><a:t>机密★1年</a:t></a:p></p:sld>'.encode()
    whole = zipped(
        ("[Content_Types].xml", b""), ("ppt/slides/slide1.xml", b"<first/>"), ("ppt/slides/slide2.xml", slide)
    )
    broken = broken_inside(whole, part_as_packed(whole, "ppt/slides/slide1.xml"))
    assert [fault.rule for fault in inspect_attachment("讲稿.pptx", broken)] == ["CLASSIFIED"]


def part_as_packed(archive: bytes, name: str) -> bytes:
    """The packed bytes of an entry."""
    with zipfile.ZipFile(io.BytesIO(archive)) as package:
        entry = package.getinfo(name)
        start = entry.header_offset + 30 + len(entry.filename.encode())
        return archive[start : start + entry.compress_size]


def test_a_damaged_property_beside_the_cells_does_not_stop_them():
    whole = book([row("A1.1", value=1)])
    broken = broken_inside(whole, part_as_packed(whole, "docProps/core.xml"))
    assert read(broken).fault is None
    assert part(whole, "docProps/core.xml")
