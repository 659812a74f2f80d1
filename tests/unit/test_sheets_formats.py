"""The old formats give the same cells, under the same limits."""

import gc
import io
import re
import zipfile

import pytest

from fazhi.sheets import CellKind, cover_of, inspect_attachment, limits, read_file, read_workbook, template_of
from support.intake import saved
from support.old_formats import workbook
from support.sheets import OLD_FORMATS, part, places, plain_book, read, rezipped, with_cells, zipped

XLS = (OLD_FORMATS / "filled.xls").read_bytes()
ODS = (OLD_FORMATS / "filled.ods").read_bytes()


def old(ending):
    return read({"xls": XLS, "ods": ODS}[ending], f"填报表.{ending}")


def cells(file, sheet="填报表"):
    return {(r.number, column): cell for r in file.sheet(sheet).rows for column, cell in r.cells.items()}


@pytest.mark.parametrize("ending", ["xls", "ods"])
def test_old_formats_hold_the_same_cells_as_xlsx(ending):
    modern, file = read(saved(workbook())), old(ending)
    assert file.fault is None
    assert [(s.name, s.hidden) for s in file.sheets] == [(s.name, s.hidden) for s in modern.sheets]
    for sheet in modern.sheets:
        theirs, ours = cells(file, sheet.name), cells(modern, sheet.name)
        assert theirs.keys() == ours.keys()
        differing = {place for place in ours if ours[place] != theirs[place]}
        # what openpyxl cannot calculate and LibreOffice can; LibreOffice writes truth values of ods as numbers
        calculated = {(4, 8), (5, 8), (6, 7), (7, 8)} | ({(5, 11)} if ending == "ods" else set())
        assert differing == (calculated if sheet.name == "填报表" else set())


@pytest.mark.parametrize("ending", ["xls", "ods"])
def test_calculated_cells_hold_their_cached_values(ending):
    found = cells(old(ending))
    assert (found[4, 8].text, found[4, 8].kind) == ("4.1", CellKind.NUMBER)
    assert (found[5, 8].text, found[5, 8].kind) == ("#DIV/0!", CellKind.ERROR)
    assert (found[6, 7].text[:4], found[6, 7].kind) == (
        "-0.9" if ending == "ods" else "-0.8",
        CellKind.NUMBER,
    )
    assert (found[7, 8].text, found[7, 8].kind) == ("A1.1A1.2", CellKind.TEXT)


@pytest.mark.parametrize("ending", ["xls", "ods"])
def test_numbers_percents_and_dates_of_old_formats(ending):
    found = cells(old(ending))
    assert (found[3, 8].text, found[3, 8].shown) == ("0.75", "75%")
    assert (found[4, 7].text, found[5, 7].text, found[6, 8].text) == (
        "123456789012",
        "0.0000001",
        "100000000000000000000",
    )
    assert (found[4, 10].kind, found[4, 10].text) == (CellKind.DATE, "2024-03-05")
    assert found[6, 5].text == "0.3"
    assert found[3, 13].text == "两行\n说明  😀"
    assert found[6, 12].text == "长" * 9_000


@pytest.mark.parametrize("ending", ["xls", "ods"])
def test_layout_cover_and_marks_of_old_formats(ending):
    file = old(ending)
    layout = file.sheet("填报表").layout
    assert layout.hidden_rows == {5}
    assert layout.hidden_columns == ((4, 4),)
    assert [str(area) for area in layout.merged] == ["L3:L4"]
    assert layout.formulas[4, 8] == "E3+E4"
    assert layout.formulas[6, 7] == "SUM(E3:E5)"
    assert cover_of(file).unit_code == "11150200MB1A00001R"
    assert template_of(file) == {"system_id": "2024"}
    assert places(file.notes) == [("HIDDEN", "备用", "B2")]


def test_an_xls_is_one_under_its_own_name_only():
    assert read(XLS, "填报表.XLS").fault is None
    renamed = read(XLS, "填报表.xlsx").fault
    assert (renamed.rule, renamed.found) == ("FILE_TYPE", "扩展名为.xlsx的旧格式文件")
    assert "另存为xlsx" in renamed.detail
    assert read(XLS, "填报表.et").fault.found == "WPS专有的et格式"
    assert read_workbook(XLS, "填报表.xls").fault is None


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (b"\x42\x00\x02\x00", b"\x2f\x00\x02\x00", "ENCRYPTED"),
        (b"\x42\x00\x02\x00", b"\xd3\x00\x02\x00", "MACRO"),
        (b"\x09\x08\x10\x00\x00\x06\x05\x00", b"\x09\x08\x10\x00\x00\x05\x05\x00", "FILE_TYPE"),
        ("Workbook".encode("utf-16-le"), "WorkbooK".encode("utf-16-le"), "FILE_TYPE"),
    ],
)
def test_records_of_an_xls_that_stop_it(before, after, rule):
    assert XLS.count(before) >= 1
    file = read(XLS.replace(before, after, 1), "填报表.xls")
    assert file.fault.rule == rule


@pytest.mark.parametrize("length", [0, 7, 100, 600, 5_000, 40_000, len(XLS) - 512])
def test_a_truncated_xls_is_damaged(length):
    file = read(XLS[:length] if length >= 8 else XLS[:8], "填报表.xls")
    assert file.fault.rule == "FILE_TYPE"


def test_chains_of_sectors_that_loop_end():
    looped = bytearray(XLS)
    looped[512 : 512 + 4] = looped[512 + 508 : 512 + 512] = b"\x00\x00\x00\x00"
    read(bytes(looped), "填报表.xls")
    nothing_but_zeros = XLS[:76] + b"\x00" * 200_000
    assert read(nothing_but_zeros, "填报表.xls").fault.rule == "FILE_TYPE"


def test_an_ods_that_repeats_without_end_is_refused():
    content = part(ODS, "content.xml").decode()
    for endless in (
        '<table:table-row table:number-rows-repeated="1000000"><table:table-cell '
        'office:value-type="float" office:value="1"/></table:table-row>',
        '<table:table-row><table:table-cell table:number-columns-repeated="900000000" '
        'office:value-type="float" office:value="1"/></table:table-row>',
    ):
        bomb = content.replace("<table:table-row", endless + "<table:table-row", 1)
        assert read(rezipped(ODS, {"content.xml": bomb}), "a.ods").fault.rule in ("ZIP_BOMB", "FILE_TYPE")
    blank = '<table:table-row table:number-rows-repeated="1000000"/>'
    assert (
        read(
            rezipped(ODS, {"content.xml": content.replace("</table:table>", blank + "</table:table>")}),
            "a.ods",
        ).fault
        is None
    )


def test_a_stale_result_in_an_ods_is_found():
    content = part(ODS, "content.xml").decode()
    stale = rezipped(ODS, {"content.xml": content.replace('office:value="4.1"', 'office:value="5.1"', 1)})
    notes = [note for note in read(stale, "a.ods").notes if note.rule == "STALE_FORMULA"]
    assert [(n.sheet, n.cell, n.found, n.expected) for n in notes] == [("填报表", "H4", "5.1", "4.1")]


def test_macros_and_passwords_of_an_ods():
    macro = rezipped(ODS, {"Basic/Standard/Module1.xml": "<x/>"})
    assert read(macro, "a.ods").fault.rule == "MACRO"
    locked = rezipped(ODS, {"META-INF/manifest.xml": "<m><encryption-data/></m>"})
    assert read(locked, "a.ods").fault.rule == "ENCRYPTED"


def test_an_open_document_that_is_no_table_is_named():
    text = zipped(("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<a/>"))
    assert read(text, "a.odt").fault.rule == "FILE_TYPE"


def test_strict_names_of_elements_prefixes_gaps_and_rich_text():
    xml = (
        '<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/spreadsheetml/main"><x:sheetData>'
        '<x:row r="3"><x:c r="B3"><x:v>5</x:v></x:c>'
        '<x:c t="inlineStr"><x:is><x:r><x:t>甲</x:t></x:r><x:r><x:t>乙</x:t></x:r>'
        "<x:rPh><x:t>读音</x:t></x:rPh></x:is></x:c></x:row>"
        '<x:row><x:c><x:v>6</x:v></x:c></x:row><x:row r="9"><x:c r="D9" t="d"><x:v>2024-03-05T00:00:00</x:v></x:c>'
        "</x:row></x:sheetData></x:worksheet>"
    )
    file = read(rezipped(saved(workbook()), {"xl/worksheets/sheet2.xml": xml}))
    found = cells(file)
    assert {place: cell.text for place, cell in found.items()} == {
        (3, 2): "5",
        (3, 3): "甲乙",
        (4, 1): "6",
        (9, 4): "2024-03-05",
    }


def test_a_part_in_utf16_is_read():
    xml = '<?xml version="1.0" encoding="UTF-16"?><worksheet><sheetData><row r="1"><c r="A1"><v>7</v></c></row></sheetData></worksheet>'
    for encoded in (xml.encode("utf-16"), xml.encode("utf-16-le"), b"\xfe\xff" + xml.encode("utf-16-be")):
        file = read(rezipped(saved(workbook()), {"xl/worksheets/sheet2.xml": encoded}))
        assert cells(file)[1, 1].text == "7"


@pytest.mark.parametrize(
    "row",
    [
        '<row r="1048577"><c><v>1</v></c></row>',
        '<row r="3"><c><v>1</v></c></row><row r="3"><c><v>1</v></c></row>',
        '<row r="3"><c r="B3"><v>1</v></c><c r="B3"><v>2</v></c></row>',
        '<row r="3"><c r="XFE3"><v>1</v></c></row>',
        '<row r="3"><c t="s"><v>999999</v></c></row>',
        '<row r="3"><c t="s"><v>-1</v></c></row>',
        '<row r="99999999999999999999"><c><v>1</v></c></row>',
    ],
)
def test_addresses_that_no_sheet_has_are_damage(row):
    xml = f"<worksheet><sheetData>{row}</sheetData></worksheet>"
    file = read(rezipped(saved(workbook()), {"xl/worksheets/sheet2.xml": xml}))
    assert (file.fault.rule, file.fault.found) == ("FILE_TYPE", "损坏的文件")


def test_a_package_packed_in_a_costly_way_is_not_unpacked():
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as package,
        zipfile.ZipFile(io.BytesIO(saved(workbook()))) as source,
    ):
        for name in source.namelist():
            package.writestr(name, source.read(name))
    assert read(out.getvalue()).fault.rule == "FILE_TYPE"


def test_the_1900_calendar_has_a_day_that_never_was():
    file = read_file(saved(workbook()), "a.xlsx")
    assert file.fault is None
    assert [c.serial for c in (cells(file)[3, 5], cells(file)[3, 7])] == ["1900-01-03", "1900-01-04"]
    assert inspect_attachment("填报表.xls", XLS) == ()


CSV = "指标编码,分子,分母,数值\nA1.1,8,9,\n".encode()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (CSV, "填报表.xlsx"),
        (CSV, "填报表.XLS"),
        (CSV, "填报表.ods"),
        (CSV, "填报表.et"),
        (plain_book([1]), "填报表.csv"),
        (plain_book([1]), "填报表.xls"),
        (plain_book([1]), "填报表.et"),
        (ODS, "填报表.xlsx"),
        (XLS, "填报表.ods"),
        (b"\xef\xbb\xbf\n<!-- x --><html><table></table></html>", "填报表.xls"),
        (b"MIME-Version: 1.0\nContent-Type: multipart/related\n\n<html>", "填报表.xls"),
    ],
)
def test_a_name_that_says_another_kind_of_table_stops_the_file(content, name):
    fault = read(content, name).fault
    assert fault is not None
    assert fault.rule == "FILE_TYPE"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (CSV, "填报表.csv"),
        (CSV, "填报表.txt"),
        (CSV, "填报表"),
        (CSV, "填报表.2024年"),
        (plain_book([1]), "填报表.XLSX"),
        (plain_book([1]), "填报表（2024.12.31）"),
        (ODS, "填报表.ods"),
        (XLS, "填报表.xls"),
    ],
)
def test_other_names_do_not(content, name):
    assert read(content, name).fault is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\r\n%PDF-1.4 \xff\xfe", "PDF文件"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC、AVIF图片"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00", "音视频"),
    ],
)
def test_scans_and_recordings_are_no_data(content, found):
    fault = read(content, "填报表.xlsx").fault
    assert fault is not None
    assert (fault.rule, fault.found) == ("NOT_DATA", found)


def test_text_that_is_none_is_not_called_text():
    fault = read(bytes(range(1, 250)), "填报表.xlsx").fault
    assert fault is not None
    assert fault.found == "无法识别的内容"


def test_macros_under_another_name_are_found_by_their_declaration():
    declared = part(plain_book([1]), "[Content_Types].xml").replace(
        b"</Types>",
        b'<Override PartName="/xl/x.bin" ContentType="application/vnd.ms-office.vbaProject"/></Types>',
    )
    fault = read(rezipped(plain_book([1]), {"[Content_Types].xml": declared, "xl/x.bin": b"x"})).fault
    assert fault is not None
    assert fault.rule == "MACRO"


@pytest.mark.parametrize("ending", ["xlsx", "xls", "ods"])
def test_a_reader_ends_with_its_use_although_no_collector_runs(ending):
    content = {"xlsx": saved(workbook()), "xls": XLS, "ods": ODS}[ending]
    read(content, f"填报表.{ending}")
    gc.collect()
    gc.disable()
    try:
        file = read(content, f"填报表.{ending}")
        assert gc.collect() == 0
        assert file.fault is None
    finally:
        gc.enable()


def test_a_text_that_repeats_in_its_cells_counts_each_time(monkeypatch):
    cell = '<c t="inlineStr"><is><t>0123456789</t></is></c>'
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 25)
    assert read(with_cells(cell * 2)).fault is None
    assert read(with_cells(cell * 3)).fault.rule == "ZIP_BOMB"


def test_what_surrounds_the_sheets_reads_the_same_however_long_it_is():
    """Short surroundings are remembered between files of a template, long ones are not."""
    template = saved(workbook())
    paths = ("_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml")
    padded = rezipped(
        template, {path: part(template, path) + b"<!--" + b" " * 70_000 + b"-->" for path in paths}
    )
    assert read(padded).sheets == read(template).sheets


def test_files_of_one_template_keep_their_own_sheets():
    """The same list of sheets and relations, other cells: nothing of one file is taken for the other's."""
    template = saved(workbook())
    path = "xl/worksheets/sheet2.xml"
    other = rezipped(template, {path: part(template, path).replace(b"</sheetData>", b"</sheetData><!-- -->")})
    emptied = rezipped(template, {path: re.sub(rb"<row .*</row>", b"", part(template, path), flags=re.S)})
    assert cells(read(other)) == cells(read(template)) != {}
    assert read(emptied).sheets[1].rows == ()
    assert [one.name for one in read(emptied).sheets] == [one.name for one in read(template).sheets]
