"""The marked workbook: every finding listed, linked, coloured, commented; nothing in it runs, hides or reaches out."""

import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation

from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import Severity
from fazhi.review import write_marked
from fazhi.review.harmless import harmless
from fazhi.review.listed import Listed
from fazhi.review.listing import HEADERS, LIST_SHEET
from fazhi.review.marked import FILL_OF, TABLE_OF_CSV
from support.returns import fill, finding, head

IDENTITY = "11010519491231002X"
"""The specimen number of GB 11643."""
MOBILE = "13800138000"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("filled") / "填报表.xlsx"
    fill(path)
    return path.read_bytes()


def marked(content: bytes, *findings: Listed, name: str = "填报表.xlsx") -> bytes:
    return write_marked(name, content, head(), findings)


def book(content: bytes):
    return load_workbook(io.BytesIO(content))


def listed_rows(workbook) -> list[tuple]:
    sheet = workbook[LIST_SHEET]
    start = next(row for row in range(1, 30) if sheet.cell(row, 1).value == HEADERS[0][0])
    rows = sheet.iter_rows(min_row=start + 1, max_col=len(HEADERS))
    return [row for row in rows if isinstance(row[0].value, int)]


def saved(workbook: Workbook) -> bytes:
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def parts(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: package.read(name).decode("utf-8", "replace") for name in package.namelist()}


# --- the list


def test_every_finding_is_listed_with_a_link_to_its_marked_cell(filled: bytes):
    findings = [
        finding(f"{column}{row}", severity=severity)
        for row in range(3, 23)
        for column, severity in (("E", Severity.BLOCK), ("G", Severity.WARN), ("H", Severity.NOTE))
    ]
    workbook = book(marked(filled, *findings))

    assert workbook.sheetnames[0] == LIST_SHEET
    assert workbook.active.title == LIST_SHEET
    rows = listed_rows(workbook)
    assert [row[0].value for row in rows] == list(range(1, 61))
    by_cell = {one.cell: one for one in findings}
    for row in rows:
        sheet, cell = row[3].hyperlink.location.split("!")
        one = by_cell[cell]
        assert (sheet.strip("'"), row[3].value) == ("填报表", one.cell)
        assert row[6].value == one.message_zh
        assert row[7].value == one.fix_zh
        assert row[8].value == "《统计法》（未核实）"
        target = workbook["填报表"][cell]
        assert target.fill.fgColor.rgb[-6:] == FILL_OF[one.severity]
        assert one.message_zh in target.comment.text
        assert one.fix_zh in target.comment.text
        assert not target.protection.locked


def test_several_findings_of_a_cell_share_one_comment_and_the_severest_colour(filled: bytes):
    workbook = book(
        marked(
            filled,
            finding("E3", severity=Severity.NOTE, rule="FULLWIDTH"),
            finding("E3", severity=Severity.BLOCK, rule="NUM_GT_DEN", related=("G3",)),
        )
    )
    cell = workbook["填报表"]["E3"]
    assert cell.fill.fgColor.rgb[-6:] == FILL_OF[Severity.BLOCK]
    assert "清单第 1 条" in cell.comment.text
    assert "清单第 2 条" in cell.comment.text
    assert workbook["填报表"]["G3"].border.left.style == "mediumDashed"
    assert workbook["填报表"]["G3"].comment is None


def test_what_stands_on_no_cell_is_listed_without_a_link(filled: bytes):
    findings = (
        finding(None, sheet=None, rule="TEMPLATE_VERSION"),
        finding(None, sheet="填报表", rule="HEADER_CHANGED"),
        finding("B9", sheet="没有的表", rule="HIDDEN"),
    )
    workbook = book(marked(filled, *findings))
    rows = listed_rows(workbook)
    assert len(rows) == 3
    assert {row[3].value for row in rows} == {"整个文件", "整张表", "B9"}
    assert all(row[3].hyperlink is None for row in rows)


def test_the_same_return_has_the_same_bytes(filled: bytes):
    assert marked(filled, finding("E3")) == marked(filled, finding("E3"))


def test_nothing_found_says_so(filled: bytes):
    workbook = book(marked(filled))
    texts = [cell.value for row in workbook[LIST_SHEET].iter_rows() for cell in row if cell.value]
    assert "没有发现问题。" in texts
    assert listed_rows(workbook) == []


def test_the_list_says_whom_to_ask_or_that_nobody_was_named(filled: bytes):
    def text(content: bytes) -> str:
        return " ".join(
            str(cell.value) for row in book(content)[LIST_SHEET].iter_rows() for cell in row if cell.value
        )

    assert "尚未设置联系方式" in text(write_marked("a.xlsx", filled, head(), [finding()]))
    named = text(write_marked("a.xlsx", filled, head(contact="考评办 0472-0000000"), [finding()]))
    assert "联系：考评办 0472-0000000" in named
    assert "尚未设置" not in named


def test_a_returned_workbook_marked_again_has_one_list(filled: bytes):
    once = marked(filled, finding("E3"))
    twice = book(marked(once, finding("G4")))
    assert [name for name in twice.sheetnames if LIST_SHEET in name] == [LIST_SHEET]
    assert [row[3].value for row in listed_rows(twice)] == ["G4"]


# --- places


def test_a_cell_inside_a_merged_area_is_marked_at_its_first_cell():
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "填报表"
    sheet["B2"] = "合成数据"
    sheet.merge_cells("B2:D4")
    result = book(marked(saved(workbook), finding("C3", rule="MERGED")))
    assert result["填报表"]["B2"].fill.fgColor.rgb[-6:] == FILL_OF[Severity.BLOCK]
    assert "（C3）" in result["填报表"]["B2"].comment.text
    assert listed_rows(result)[0][3].hyperlink.location == "'填报表'!B2"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_csv_becomes_a_workbook_of_the_same_cells(encoding: str):
    text = "unit_code,period,indicator_code,value,note\nCODE-甲单位,2024,I1.2,=1+1,@合成\nCODE-甲单位,2024,H1.1,-3,\n"
    content = text.encode(encoding)
    result = book(
        marked(content, finding("3:value", sheet=None), finding("2:note", sheet=None), name="表.csv")
    )
    sheet = result[TABLE_OF_CSV]
    assert sheet["D3"].fill.fgColor.rgb[-6:] == FILL_OF[Severity.BLOCK]
    assert [sheet[cell].value for cell in ("C2", "D2", "E2", "D3")] == ["I1.2", "'=1+1", "'@合成", "-3"]
    assert [row[3].value for row in listed_rows(result)] == [
        "第 2 行 note 列\n（E2）",
        "第 3 行 value 列\n（D3）",
    ]


# --- nothing runs, hides or reaches out


def test_the_column_of_places_is_as_wide_as_the_places_of_a_csv():
    """A link does not wrap in every program."""
    content = b"unit_code,period,indicator_code,numerator,denominator,value\nx,2024,E2.1,5,10,\n"
    cells = book(marked(content, finding(sheet=None, cell="2:denominator"), name="填报表.csv"))[LIST_SHEET]
    place = "第 2 行 denominator 列"
    assert any(str(cell.value).startswith(place) for cell in cells["D"])
    assert cells.column_dimensions["D"].width >= len(place) + 3


def hostile() -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    sheet.title = "填报表"
    sheet["A1"] = "指标编码"
    sheet["A2"] = "=1+1"
    sheet["A3"] = '=HYPERLINK("http://example.invalid/x","点")'
    sheet["A4"].value, sheet["A4"].data_type = "=cmd|'/C calc'!A0", "s"
    sheet["A5"].value, sheet["A5"].data_type = "+SUM(A1)", "s"
    sheet["A6"].value, sheet["A6"].data_type = "@SUM(A1)", "s"
    sheet["A7"].value, sheet["A7"].data_type = "-3", "s"
    sheet["A8"] = f"身份证 {IDENTITY} 手机 {MOBILE}"
    sheet["A9"] = int(MOBILE)
    sheet["A10"] = "链接"
    sheet["A10"].hyperlink = "http://example.invalid/secret"
    sheet["A11"].value, sheet["A11"].data_type = "＝1＋1", "s"
    sheet["A12"] = "批注"
    sheet["A12"].comment = Comment(f"原有批注 {MOBILE}", "某人")
    sheet.row_dimensions[8].hidden = True
    sheet.column_dimensions["C"].hidden = True
    sheet.auto_filter.ref = "A1:A12"
    sheet.protection.sheet = True
    sheet.protection.password = "secret"
    choice = DataValidation(type="list", formula1='"是,否"')
    choice.add("B2")
    outside = DataValidation(type="list", formula1="[1]Sheet1!$A$1:$A$3")
    outside.add("B3")
    sheet.add_data_validation(choice)
    sheet.add_data_validation(outside)
    spare = workbook.create_sheet("备用")
    spare["A1"] = "藏起来的数"
    spare.sheet_state = "veryHidden"
    workbook.defined_names["payload"] = DefinedName("payload", attr_text="[1]Sheet1!$A$1")
    workbook.security.lockStructure = True
    workbook.properties.creator = "某人"
    return saved(workbook)


def test_nothing_in_the_copy_can_run_or_reach_out():
    content = marked(hostile(), finding("A12"), finding("A8", rule="PII_FOUND", severity=Severity.WARN))
    written = parts(content)
    everything = "".join(written.values())

    assert not [name for name in written if re.search(r"externalLink|vba|activeX|embeddings|media", name)]
    for name, text in written.items():
        assert "<f>" not in text, name
        assert "<f " not in text, name
    assert "example.invalid/secret" not in everything
    assert "payload" not in everything
    assert "某人" not in everything
    assert "[1]" not in everything
    for sheet in book(content).worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None or sheet.title == LIST_SHEET
                value = str(cell.value or "")
                assert not re.match(r"[=+@＝＋＠]", value), cell.coordinate
                assert not value.startswith("-") or value.lstrip("-").isdigit()


def test_what_was_hidden_or_locked_can_be_seen_and_reached():
    result = book(marked(hostile(), finding("A8"), finding("A1", sheet="备用", rule="HIDDEN")))
    sheet = result["填报表"]
    assert result["备用"].sheet_state == "visible"
    assert not sheet.row_dimensions[8].hidden
    assert not sheet.column_dimensions["C"].hidden
    assert sheet.auto_filter.ref is None
    assert sheet.protection.sheet
    assert not sheet.protection.password
    assert not sheet["A8"].protection.locked
    assert not result.security.lockStructure
    assert [one.formula1 for one in sheet.data_validations.dataValidation] == ['"是,否"']
    assert "（原有批注）" not in (sheet["A8"].comment.text or "")


def test_an_existing_comment_is_kept_beside_ours():
    result = book(marked(hostile(), finding("A12")))
    text = result["填报表"]["A12"].comment.text
    assert "NUM_GT_DEN 在 A12 的说明。" in text
    assert "（原有批注）原有批注 138****8000" in text


def test_personal_data_is_masked_everywhere():
    one = finding(
        "A8",
        value=mask_personal_data(IDENTITY).text,
        message_zh=mask_personal_data(f"含有 {IDENTITY}、{MOBILE}。").text,
        rule="PII_FOUND",
    )
    everything = "".join(parts(marked(hostile(), one)).values())
    assert IDENTITY not in everything
    assert MOBILE not in everything
    assert "110105********002X" in everything


def test_the_values_of_formulas_are_kept_and_formulas_without_one_are_shown():
    result = book(marked(hostile(), finding("A1")))
    assert result["填报表"]["A2"].value == "'=1+1"
    assert result["填报表"]["A7"].value == "-3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-3", "-3"),
        ("+5.5%", "+5.5%"),
        ("－3", "－3"),
        ("—", "—"),
        ("--", "--"),
        ("-3+cmd", "'-3+cmd"),
        (" =1", "' =1"),
        ("\t=1", "'\t=1"),
        ("\u200b=1", "'\u200b=1"),
        ("98%", "98%"),
        ("a\x00b", "ab"),
        ("110105194912310021", "110105194912310021"),
        ("11150200MB1A010200", "11150200MB1A010200"),
    ],
)
def test_harmless_text(text: str, expected: str):
    assert harmless(text) == expected


# --- only the list


@pytest.mark.parametrize("rule", ["CLASSIFIED", "MACRO", "ZIP_BOMB", "PATH_TRAVERSAL"])
def test_a_file_kept_out_for_its_security_gets_no_copy_of_its_cells(filled: bytes, rule: str):
    one = finding(None, sheet=None, rule=rule, severity=Severity.SECURITY)
    content = marked(filled, one, finding("E3"))
    assert book(content).sheetnames == [LIST_SHEET]
    assert "行政许可法定期限内办结率" not in "".join(parts(content).values())
    assert len(listed_rows(book(content))) == 2


def test_a_formula_kept_out_leaves_the_rest_of_the_copy(filled: bytes):
    one = finding("M4", rule="FORMULA_INJECTION", severity=Severity.SECURITY)
    result = book(marked(filled, one))
    assert result["填报表"]["M4"].fill.fgColor.rgb[-6:] == FILL_OF[Severity.SECURITY]


@pytest.mark.parametrize(
    "content", [b"", b"%PDF-1.7", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]
)
def test_a_file_that_cannot_be_read_gets_the_list_alone(content: bytes):
    result = book(marked(content, finding(None, sheet=None, rule="NOT_DATA")))
    assert result.sheetnames == [LIST_SHEET]
    assert len(listed_rows(result)) == 1


# --- other programs


@pytest.fixture(scope="module")
def office() -> str:
    found = shutil.which("soffice")
    if found is None:
        pytest.skip("needs libreoffice")
    return found


def converted(office: str, folder: Path, content: bytes, suffix: str, name: str = "in.xlsx") -> bytes:
    source = folder / name
    source.write_bytes(content)
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    subprocess.run(
        [office, profile, "--headless", "--convert-to", suffix, "--outdir", str(folder / "out"), str(source)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return (folder / "out" / f"{source.stem}.{suffix}").read_bytes()


def test_libreoffice_opens_it_and_keeps_colours_comments_and_links(
    office: str, filled: bytes, tmp_path: Path
):
    one = finding("E3")
    result = book(converted(office, tmp_path, marked(filled, one, finding("A1", sheet="封面")), "xlsx"))
    cell = result["填报表"]["E3"]
    assert result.sheetnames[0] == LIST_SHEET
    assert cell.fill.fgColor.rgb[-6:] == FILL_OF[Severity.BLOCK]
    assert one.fix_zh in cell.comment.text
    rows = listed_rows(result)
    assert [re.sub("[$'#]", "", row[3].hyperlink.location) for row in rows] == ["封面!A1", "填报表!E3"]


@pytest.mark.ci
@pytest.mark.parametrize("suffix", ["xls", "ods"])
def test_old_and_open_formats_become_a_workbook_of_the_same_cells(
    office: str, filled: bytes, tmp_path: Path, suffix: str
):
    other = converted(office, tmp_path, filled, suffix)
    result = book(marked(other, finding("E3"), name=f"填报表.{suffix}"))
    sheet = result["填报表"]
    assert sheet["E3"].value == 8
    assert sheet["A3"].value == book(filled)["填报表"]["A3"].value
    assert sheet["E3"].fill.fgColor.rgb[-6:] == FILL_OF[Severity.BLOCK]
