"""The examples of the catalogue that are whole files: a clean file gives no finding of the rule, the faulty one does.

Every check whose example in ``checks.yaml`` is a file has its file here; one too many or too few fails.
"""

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.filters import FilterColumn, Filters
from openpyxl.worksheet.worksheet import Worksheet

from fazhi.intake import write_template
from fazhi.model.period import Period
from fazhi.pipeline import Ground
from fazhi.pipeline.selfcheck import CheckedFile, check_files
from fazhi.settings import Settings
from fazhi.systems.edition import Check
from support.returns import EVIDENCE, TODAY, department, fill, shipped

NOW = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
CSV_HEADER = "unit_code,period,indicator_code,numerator,denominator,value,not_applicable,reason,note,evidence"
RENAMED = "11150200MB1A013038"
"""A body that got another name by the reform of 2024."""
OLD_NAME = "包头市政务服务局"

Make = Callable[[Path], Path]


def changed(change: Callable[[Worksheet], None], sheet: str = "填报表") -> Make:
    """A filled workbook with one change to a sheet."""

    def make(folder: Path) -> Path:
        path = folder / "填报表.xlsx"
        fill(path)
        workbook = load_workbook(path)
        change(workbook[sheet])
        workbook.save(path)
        return path

    return make


def covered(**entries: str) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "填报表.xlsx"
        fill(path, cover=entries)
        return path

    return make


def raw(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content)
        return path

    return make


def packed(**more: bytes) -> Make:
    """A filled workbook with further parts in its package."""

    def make(folder: Path) -> Path:
        path = folder / "填报表.xlsx"
        fill(path)
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as package:
            for name, content in more.items():
                package.writestr(name.replace("__", "/").replace("_dot_", "."), content)
        return path

    return make


def rows(*records: str, encoding: str = "utf-8") -> Make:
    def make(folder: Path) -> Path:
        path = folder / "填报表.csv"
        path.write_bytes("\n".join([CSV_HEADER, *records, ""]).encode(encoding))
        return path

    return make


def untouched(folder: Path) -> Path:
    editions, registry = shipped()
    path = folder / "填报表.xlsx"
    write_template(editions.for_year(2024), registry, department(), Period.parse("2024"), path, today=TODAY)
    return path


def filtered(sheet: Worksheet) -> None:
    sheet.auto_filter.ref = "A2:N32"
    sheet.auto_filter.filterColumn.append(FilterColumn(colId=0, filters=Filters(filter=["A1.1"])))
    for row in (4, 5, 6):
        sheet.row_dimensions[row].hidden = True


def with_a_second_remark(sheet: Worksheet) -> None:
    sheet.insert_cols(5)
    sheet["E2"] = "备注2"


def without_codes(sheet: Worksheet) -> None:
    sheet["A2"] = "序号"


def with_a_row_again(sheet: Worksheet) -> None:
    for column in range(1, 15):
        sheet.cell(33, column).value = sheet.cell(3, column).value


def stale_formula(folder: Path) -> Path:
    """A sum that was saved as 120 while its parts have come to 126."""
    path = folder / "填报表.xlsx"
    rows_of = fill(path)
    workbook = load_workbook(path)
    sheet = workbook["填报表"]
    at = rows_of["H1.1"]
    for cell, number in (("P3", 63), ("P4", 63)):
        sheet[cell] = number
    sheet[f"H{at}"] = "=SUM(P3:P4)"
    workbook.save(path)
    out = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "xl/worksheets/sheet2.xml":
                assert (
                    content.count(b"<f>SUM(P3:P4)</f><v></v>") + content.count(b"<f>SUM(P3:P4)</f><v />") == 1
                )
                for empty in (b"<v></v>", b"<v />"):
                    content = content.replace(b"<f>SUM(P3:P4)</f>" + empty, b"<f>SUM(P3:P4)</f><v>120</v>")
            target.writestr(name, content)
    path.write_bytes(out.getvalue())
    return path


def old_edition(folder: Path) -> Path:
    path = folder / "填报表.xlsx"
    fill(path)
    workbook = load_workbook(path)
    sheet = workbook["_meta"]
    next(row for row in sheet.iter_rows() if row[0].value == "system_id")[1].value = "2021"
    workbook.save(path)
    return path


def climbing_archive(folder: Path) -> Path:
    path = folder / "填报表.xlsx"
    fill(path, {"A1.1": {"evidence": "附件（合成数据）.zip"}})
    with zipfile.ZipFile(folder / "附件（合成数据）.zip", "w") as archive:
        archive.writestr("../../etc/x", "合成数据")
    return path


def with_evidence(name: str, content: bytes) -> Make:
    def make(folder: Path) -> Path:
        path = folder / "填报表.xlsx"
        fill(path, {"A1.1": {"evidence": name}})
        (folder / name).write_bytes(content)
        return path

    return make


def of_a_renamed_body(year: int) -> Make:
    def make(folder: Path) -> Path:
        _, registry = shipped()
        unit = registry.unit_on(RENAMED, date(year, 12, 31))
        assert unit is not None
        path = folder / "填报表.xlsx"
        fill(path, period=str(year), unit=unit, cover={"单位名称": OLD_NAME})
        return path

    return make


def zero_for_what_does_not_apply(folder: Path) -> Path:
    editions, registry = shipped()
    edition = editions.for_year(2024)
    applicable = {one.code for one in registry.applicable(edition, department(), 2024, TODAY)}
    code = next(
        one.code
        for one in edition.indicators
        if one.asked_of_unit and one.code not in applicable and one.value_type.value == "ratio"
    )
    return rows(f"{department().unit_code},2024,{code},0,0,,,,,")(folder)


def several_bodies(folder: Path) -> Path:
    _, registry = shipped()
    others = [
        one for one in registry.units_on(date(2024, 12, 31)) if one.level == "city" and not one.is_region
    ]
    codes = [one.unit_code for one in others if one.unit_code != department().unit_code][:3]
    path = folder / "填报表.csv"
    return rows(*(f"{code},2024,I1.2,,,4,,,,{EVIDENCE}" for code in codes))(path.parent)


FILES: dict[str, Make] = {
    "DUP_ROW_IDENTICAL": changed(with_a_row_again),
    "DATE_AFTER_SUBMISSION": covered(填报日期="2026-05-01"),
    "EMPTY": untouched,
    "ENCODING": rows(f"{department().unit_code},2024,I1.2,,,4,,,合成数据,{EVIDENCE}", encoding="gb18030"),
    "ENCRYPTED": raw(
        "填报表.xlsx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1016 + "EncryptedPackage".encode("utf-16-le"),
    ),
    "FILE_TYPE": raw("填报表.xlsx", b"Rar!\x1a\x07\x01\x00"),
    "FILE_TYPE_EVIDENCE": with_evidence("附件（合成数据）.rar", b"Rar!\x1a\x07\x01\x00"),
    "FILTERED": changed(filtered),
    "FORMULA_INJECTION": changed(lambda sheet: _as_text(sheet, "M3", '=HYPERLINK("http://x.invalid","点")')),
    "HEADER_CHANGED": changed(with_a_second_remark),
    "HEADER_CHANGED_MISSING": changed(lambda sheet: sheet.delete_cols(7)),
    "HEADER_OFFSET": changed(lambda sheet: sheet.insert_rows(1, 2)),
    "HEADER_SPACE": changed(lambda sheet: _as_text(sheet, "A2", "指 标 编 码")),
    "HIDDEN": changed(lambda sheet: setattr(sheet.row_dimensions[5], "hidden", True)),
    "MACRO": packed(xl__vbaProject_dot_bin=b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    "MERGED": changed(lambda sheet: sheet.merge_cells("G3:G4")),
    "MULTI_UNIT": several_bodies,
    "NOT_DATA": raw("填报表.pdf", b"%PDF-1.7\n%%EOF"),
    "NOT_TEMPLATE": changed(without_codes),
    "PATH_TRAVERSAL": climbing_archive,
    "PII_FOUND_EVIDENCE": with_evidence("名单（合成数据）.txt", "联系人13900001234".encode()),
    "REGION_CODE": covered(统一社会信用代码="150299"),
    "STALE_FORMULA": stale_formula,
    "TEMPLATE_VERSION": old_edition,
    "TRAILING_NOTE": changed(lambda sheet: _as_text(sheet, "A34", "注：以上数据截至12月31日")),
    "UNIT_ALIAS": of_a_renamed_body(2024),
    "UNIT_ALIAS_ENDED": of_a_renamed_body(2025),
    "UNIT_AMBIGUOUS": covered(单位名称="司法局"),
    "ZERO_FOR_NA": zero_for_what_does_not_apply,
    "ZIP_BOMB": packed(xl__media__x_dot_bin=b"\0" * 64 * 1024 * 1024),
}


def _as_text(sheet: Worksheet, cell: str, text: str) -> None:
    sheet[cell].value = text
    sheet[cell].data_type = "s"


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground(Settings.load({}))


@pytest.fixture(scope="module")
def clean(ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> CheckedFile:
    path = tmp_path_factory.mktemp("clean") / "填报表.xlsx"
    fill(path)
    return check_files(ground, [path], NOW)[0]


def _checks_with_a_file() -> dict[str, Check]:
    editions, _ = shipped()
    return {
        check.check_id: check
        for edition in editions.all
        for check in edition.checks
        if "file" in check.example_fail
    }


def test_every_check_whose_example_is_a_file_has_one_and_no_file_is_left_over():
    assert set(FILES) == set(_checks_with_a_file())


def test_the_clean_file_gives_no_finding_of_any_of_them(clean: CheckedFile):
    assert clean.findings == ()


@pytest.mark.ci
@pytest.mark.parametrize("check_id", sorted(FILES))
def test_the_faulty_file_is_found_with_the_severity_of_its_check(
    ground: Ground, check_id: str, tmp_path: Path
):
    check = _checks_with_a_file()[check_id]
    (one, *_) = check_files(ground, [FILES[check_id](tmp_path)], NOW)
    severities = {found.severity for found in one.findings if found.rule == check.rule}
    assert severities == {check.severity}, [(f.rule, f.severity.value, f.message_zh) for f in one.findings]
