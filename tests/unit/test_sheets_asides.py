"""Markings of secrecy that stand beside the cells: page headers, comments, text boxes, properties."""

import io

import pytest
from openpyxl import load_workbook
from openpyxl.comments import Comment

from fazhi.intake.cleaning import classified_fault
from fazhi.sheets import inspect_attachment
from support.intake import saved
from support.sheets import OLD_FORMATS, part, plain_book, read, rezipped, zipped

MARKED = "秘密★1年"
DRAWING = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/drawing"


def edited(edit):
    workbook = load_workbook(io.BytesIO(plain_book(["合成数据", 1])))
    edit(workbook)
    return saved(workbook)


def headed(place):
    def edit(workbook):
        getattr(workbook.active, place).center.text = f'&"宋体,常规"&12{MARKED}'

    return edited(edit)


def commented(workbook):
    workbook.active["B1"].comment = Comment(MARKED, "合成数据")


def with_property(name, text):
    return edited(lambda workbook: setattr(workbook.properties, name, text))


def boxed():
    """A text box whose words are in two runs."""
    runs = "".join(f"<a:r><a:t>{piece}</a:t></a:r>" for piece in ("秘密", "★1年"))
    return rezipped(
        plain_book(["合成数据"]),
        {
            "xl/worksheets/_rels/sheet1.xml.rels": (
                f'<Relationships><Relationship Id="r" Type="{DRAWING}" Target="../drawings/d.xml"/></Relationships>'
            ),
            "xl/drawings/d.xml": f'<x:wsDr xmlns:x="x" xmlns:a="a"><a:p>{runs}</a:p></x:wsDr>',
        },
    )


def ods_with(name, inside):
    ods = (OLD_FORMATS / "filled.ods").read_bytes()
    return rezipped(ods, {name: f'<o:d xmlns:o="o" xmlns:text="t" xmlns:dc="d">{inside}</o:d>'})


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (headed("oddHeader"), ("Sheet", None)),
        (headed("evenFooter"), ("Sheet", None)),
        (edited(commented), ("Sheet", "B1")),
        (with_property("title", "机密"), (None, None)),
        (with_property("keywords", "密级：秘密"), (None, None)),
        (boxed(), ("Sheet", None)),
        (ods_with("meta.xml", "<dc:subject>机密</dc:subject>"), (None, None)),
        (ods_with("styles.xml", "<text:p>秘密<text:span>★1年</text:span></text:p>"), (None, None)),
    ],
)
def test_a_marking_beside_the_cells_stops_the_file(content, place):
    fault = classified_fault(read(content, "填报表"))
    assert fault is not None
    assert (fault.rule, (fault.sheet, fault.cell)) == ("CLASSIFIED", place)
    assert MARKED not in fault.detail
    assert [one.rule for one in inspect_attachment("台账", content)] == ["CLASSIFIED"]


def test_a_marking_in_the_comment_of_an_ods_names_its_cell():
    ods = (OLD_FORMATS / "filled.ods").read_bytes()
    content = part(ods, "content.xml").decode()
    before, cell, after = content.partition("<text:p>")
    note = f"<office:annotation><text:p>{MARKED}</text:p></office:annotation>"
    fault = classified_fault(
        read(rezipped(ods, {"content.xml": f"{before}{note}{cell}{after}"}), "填报表.ods")
    )
    assert fault is not None
    assert fault.cell is not None


@pytest.mark.parametrize("encoding", ["utf-16-le", "gb18030"])
def test_a_marking_anywhere_in_an_xls_stops_it(encoding):
    xls = (OLD_FORMATS / "filled.xls").read_bytes()
    assert classified_fault(read(xls, "填报表.xls")) is None
    fault = classified_fault(read(xls + MARKED.encode(encoding), "填报表.xls"))
    assert fault is not None
    assert fault.rule == "CLASSIFIED"


def test_ordinary_headers_comments_and_properties_are_none():
    def edit(workbook):
        workbook.active.oddHeader.center.text = "保密制度建设情况 第&P页"
        workbook.active["A1"].comment = Comment("国家秘密法学习3次", "合成数据")
        workbook.properties.title = "填报表"

    file = read(edited(edit))
    assert classified_fault(file) is None
    assert {one.text for one in file.asides} >= {"填报表", "国家秘密法学习3次"}


@pytest.mark.parametrize("damaged", ["xl/comments/comment1.xml", "docProps/core.xml"])
def test_what_is_damaged_beside_the_cells_does_not_stop_them(damaged):
    file = read(rezipped(edited(commented), {damaged: "<not closed"}))
    assert file.fault is None
    assert file.sheets[0].rows


def test_a_bomb_beside_the_cells_is_one():
    entities = '<!DOCTYPE x [<!ENTITY a "a">]><x/>'
    fault = read(rezipped(plain_book([1]), {"docProps/core.xml": entities})).fault
    assert fault is not None
    assert fault.rule == "ZIP_BOMB"


@pytest.mark.parametrize("path", ["content.xml", "styles.xml", "meta.xml"])
def test_open_documents_among_evidence_are_looked_into(path):
    element = "dc:title" if path == "meta.xml" else "text:p"
    parts = {"content.xml": "<o:d/>", path: f"<o:d><{element}>机密</{element}></o:d>"}
    letter = zipped(
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        *(
            (name, f'<r xmlns:o="o" xmlns:text="t" xmlns:dc="d">{text}</r>'.encode())
            for name, text in parts.items()
        ),
    )
    assert [one.rule for one in inspect_attachment("方案.odt", letter)] == ["CLASSIFIED"]


def test_the_properties_of_a_document_are_looked_into():
    letter = zipped(
        ("[Content_Types].xml", b"<x/>"),
        ("word/document.xml", b"<w:d xmlns:w='w'><w:p><w:t>ok</w:t></w:p></w:d>"),
        ("docProps/core.xml", "<c:p xmlns:c='c'><c:keywords>密级：机密</c:keywords></c:p>".encode()),
    )
    assert [one.rule for one in inspect_attachment("方案.docx", letter)] == ["CLASSIFIED"]
