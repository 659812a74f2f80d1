"""Evidence is looked at before anyone opens it: archives, macros, bombs, markings of secrecy."""

import gzip
import io
import struct
import tarfile
import zipfile

import pytest

from fazhi.sheets import attachments, classified_marking, inspect_attachment, limits
from support.intake import book, row
from support.sheets import OLD_FORMATS, rezipped, zipped

MARKED = "秘密★1年"


def rules(name, content):
    return [fault.rule for fault in inspect_attachment(name, content)]


def document(*paragraphs, part="word/document.xml"):
    body = "".join(
        f"<w:p><w:r><w:t>{text[:2]}</w:t></w:r><w:r><w:t>{text[2:]}</w:t></w:r></w:p>" for text in paragraphs
    )
    xml = f'<w:document xmlns:w="w"><w:body>{body}</w:body></w:document>'
    return zipped(("[Content_Types].xml", b"<x/>"), (part, xml.encode()))


@pytest.mark.parametrize(
    "text",
    [
        "秘密★1年",
        "机密",
        " 机 密 ",
        "绝密★启用前",
        "秘密★长期",
        "密级：机密",
        "内部资料",
        "内部资料 注意保存",
        "（内部资料）",
        "内部文件，严禁外传",
        "仅供内部参考",
        "工作秘密",
        "标题\n机密★3年\n正文",
        "正文中夹有秘密★2年字样",
        "秘密*3年",
        "机\u200b密",
    ],
)
def test_markings_are_known(text):
    assert classified_marking(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "保密制度建设",
        "国家秘密法",
        "保守国家秘密法宣传",
        "加强机密文件管理",
        "商业秘密保护",
        "本件不涉密",
        "密级：无",
        "内部资料性出版物准印证",
        "内部监督",
        "开展内部资料清理",
        "密切联系群众",
        "秘密调查笔录",
        "★★★",
    ],
)
def test_words_about_secrecy_are_no_marking(text):
    assert not classified_marking(text)


def ofd(*pieces):
    """A page of OFD, the format of official documents, whose text stands in pieces."""
    codes = "".join(f'<ofd:TextCode X="0" Y="1">{piece}</ofd:TextCode>' for piece in pieces)
    page = f'<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Content>{codes}</ofd:Content></ofd:Page>'
    return zipped(("OFD.xml", b"<x/>"), ("Doc_0/Pages/Page_0/Content.xml", page.encode()))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("方案.txt", f"关于\r\n{MARKED}\r\n".encode()),
        ("方案.txt", f"关于\r\n{MARKED}\r\n".encode("gb18030")),
        ("方案.txt", f"关于\r\n{MARKED}\r\n".encode("utf-16")),
        ("清单.csv", f"a,b\n1,{MARKED}\n".encode()),
        ("方案.docx", document("关于", MARKED)),
        ("页眉.docx", document("内部资料", part="word/header1.xml")),
        ("讲稿.pptx", document(MARKED, part="ppt/slides/slide1.xml")),
        ("台账.xlsx", book([row("A1.1", note=MARKED)])),
        ("旧方案.doc", (OLD_FORMATS / "filled.xls").read_bytes() + MARKED.encode("utf-16-le")),
        ("公文.ofd", ofd(MARKED)),
        ("公文.ofd", ofd("秘密", "★", "1年")),
        ("公文.ofd", ofd("机密")),
        ("材料.zip", zipped(("公文.ofd", ofd("机密")))),
        ("材料.zip", zipped(("内/方案.txt", MARKED.encode()))),
        ("材料.zip", zipped(("里.zip", zipped(("方案.docx", document(MARKED)))))),
        ("材料.zip", zipped(("机密-方案.txt", b"x"))),
        ("内部资料.pdf", b"text"),
        ("机密_方案.pdf", b"text"),
    ],
)
def test_marked_evidence_is_kept_out(name, content):
    assert rules(name, content) == ["CLASSIFIED"]


@pytest.mark.parametrize("name", ["机密-裁员方案.txt", "方案.txt"])
def test_what_is_marked_is_never_repeated(name):
    (fault,) = inspect_attachment(name, f"{MARKED} 裁员方案".encode())
    said = f"{fault.found}{fault.expected}{fault.detail}{fault.detail_en}"
    assert "裁员" not in said
    assert MARKED not in said
    assert ("方案.txt" in said) == (name == "方案.txt")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("材料.zip", zipped(("佐证/会议纪要.txt", b"ok"), ("照片.jpg", b"\xff\xd8\xff"))),
        ("保密制度建设.docx", document("保密制度建设情况", "国家秘密法学习")),
        ("照片.jpg", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40),
        ("空.txt", b""),
        ("公文.ofd", ofd("保密制度", "建设情况")),
        ("坏.docx", zipped(("[Content_Types].xml", b""), ("word/document.xml", b"<not closed"))),
        ("填报表.xlsx", book([row("A1.1", value=1)])),
        ("填报表.ods", (OLD_FORMATS / "filled.ods").read_bytes()),
        ("坏.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 damaged"),
    ],
)
def test_ordinary_evidence_has_nothing(name, content):
    assert rules(name, content) == []


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return out.getvalue()


def packed_oddly() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.txt", b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("材料.rar", b"Rar!\x1a\x07\x01\x00" + bytes(50), "是RAR压缩包，系统看不到里面的内容"),
        ("材料.7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), "是7z压缩包，系统看不到里面的内容"),
        ("材料.tar", tarred(), "是tar压缩包，系统看不到里面的内容"),
        ("材料.tar.gz", gzip.compress(tarred(), mtime=0), "是gzip压缩包，系统看不到里面的内容"),
        ("材料.zip", zipped(("a.rar", b"Rar!\x1a\x07\x00")), "中的“a.rar”是RAR压缩包，系统看不到里面的内容"),
        ("材料.zip", packed_oddly(), "中的“a.txt”的压缩方式特殊，系统看不到里面的内容"),
        ("材料.zip", b"PK\x03\x04 damaged", "打不开，文件已损坏"),
        ("材料.zip", zipped(("a.txt", b"x" * 5000))[:40], "打不开，文件已损坏"),
    ],
    ids=["rar", "7z", "tar", "gzip", "rar in zip", "lzma in zip", "damaged zip", "cut zip"],
)
def test_what_cannot_be_looked_into_is_refused_and_says_why(name, content, why):
    (fault,) = inspect_attachment(name, content)
    assert (fault.rule, fault.case) == ("FILE_TYPE", "evidence")
    assert fault.detail == f"佐证材料“{name}”{why}"


def test_a_document_too_large_to_be_looked_into_is_refused_and_a_recording_is_not(monkeypatch):
    monkeypatch.setattr(limits, "MAX_PART_BYTES", 100)
    (fault,) = inspect_attachment("材料.zip", zipped(("方案.docx", bytes(200)), ("会议.mp4", bytes(200))))
    assert (fault.rule, fault.detail) == ("FILE_TYPE", "佐证材料“材料.zip”中的“方案.docx”过大，来不及查看")


@pytest.mark.parametrize(
    "content",
    [
        "联系人13900001234（合成数据）".encode(),
        "联系人１３９ ０００ ０１２３４（合成数据）".encode("gb18030"),
        zipped(("名单/名单.txt", "联系人13900001234（合成数据）".encode("utf-16"))),
        document("联系人", "13900001234（合成数据）"),
        book([row("A1.1", value=1, note="13900001234")]),
    ],
)
def test_personal_data_in_evidence_is_named_by_its_kind_only(content):
    (fault,) = inspect_attachment("台账", content)
    assert (fault.rule, fault.case, fault.found) == ("PII_FOUND", "evidence", "手机号码")
    assert "1390" not in fault.detail


@pytest.mark.parametrize(
    "entry",
    [
        "../../etc/x",
        "a/../../x",
        "/etc/x",
        "..\\..\\x",
        "C:\\x",
        "CON.txt",
        "a/nul",
        "aux .docx",
        "COM1",
        "名\u202etxt.exe",
        "a\tb",
    ],
)
def test_names_that_leave_their_folder_are_kept_out(entry):
    assert rules("材料.zip", zipped((entry, b"x"))) == ["PATH_TRAVERSAL"]


@pytest.mark.parametrize(
    "entry", ["a/b/c.txt", "控制.txt", "console.txt", "a..b.txt", "合成数据/附件1：说明.docx", "nullable.csv"]
)
def test_ordinary_names_pass(entry):
    assert rules("材料.zip", zipped((entry, b"x"))) == []


def in_gbk(name, content=b"x"):
    """An archive as Chinese Windows makes it: the name in GBK without a flag that says so."""
    raw = name.encode("gb18030")
    plain = "x" * len(raw)
    return zipped((plain, content)).replace(plain.encode(), raw)


def test_names_in_gbk_are_decoded():
    assert rules("材料.zip", in_gbk("机密-方案.txt")) == ["CLASSIFIED"]
    assert rules("材料.zip", in_gbk("会议纪要.txt")) == []
    assert rules("材料.zip", in_gbk("../会议纪要.txt")) == ["PATH_TRAVERSAL"]


def test_links_inside_archives_are_kept_out():
    out = io.BytesIO()
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(link, "/etc/passwd")
    assert rules("材料.zip", out.getvalue()) == ["PATH_TRAVERSAL"]


def test_macros_in_evidence_are_kept_out():
    assert rules("方案.docx", zipped(("[Content_Types].xml", b"<x/>"), ("word/vbaProject.bin", b"x"))) == [
        "MACRO"
    ]
    assert rules("台账.xlsx", rezipped(book([row("A1.1")]), {"xl/vbaProject.bin": b"x"})) == ["MACRO"]
    xls = (OLD_FORMATS / "filled.xls").read_bytes()
    entry = xls.index("Workbook".encode("utf-16-le"))
    named = bytearray(xls)
    named[entry : entry + 66] = "VBA".encode("utf-16-le").ljust(64, b"\x00") + struct.pack("<H", 8)
    assert rules("旧.doc", bytes(named)) == ["MACRO"]


def test_bombs_in_evidence_are_kept_out(monkeypatch):
    zeros = bytes(limits.RATIO_COUNTS_FROM_BYTES + 1)
    assert rules("材料.zip", zipped(("zeros", zeros))) == ["ZIP_BOMB"]
    nested = zipped(("a.txt", b"x"))
    for _ in range(5):
        nested = zipped(("in.zip", nested))
    assert rules("材料.zip", nested) == ["ZIP_BOMB"]
    entity = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'
    assert rules("方案.docx", zipped(("[Content_Types].xml", b"<x/>"), ("word/document.xml", entity))) == [
        "ZIP_BOMB"
    ]
    monkeypatch.setattr(attachments, "_MOST_ENTRIES", 10)
    assert rules("材料.zip", zipped(*((f"{n}", b"") for n in range(11)))) == ["ZIP_BOMB"]
    monkeypatch.setattr(attachments, "_MOST_SECONDS", -1)
    assert rules("材料.zip", zipped(("a.txt", b"x"))) == ["ZIP_BOMB"]


def test_evidence_with_a_password_cannot_be_looked_at():
    locked = zipped(("a.txt", b"x"))
    start = locked.index(b"PK\x01\x02")
    flagged = locked[: start + 8] + struct.pack("<H", 1) + locked[start + 10 :]
    assert rules("材料.zip", flagged) == ["ENCRYPTED"]
    assert rules("方案.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") == []


def test_a_file_may_have_several_faults_each_told_once():
    both = zipped(("../x", b"1"), ("../y", b"2"), ("word/vbaProject.bin", b"x"), ("a.txt", MARKED.encode()))
    assert rules("材料.zip", both) == ["PATH_TRAVERSAL", "MACRO", "CLASSIFIED"]
    assert rules("../材料.zip", b"x") == ["PATH_TRAVERSAL"]
