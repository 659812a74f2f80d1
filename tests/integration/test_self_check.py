"""``fazhi check``: what the pipeline would find, before anything is sent; every way a file can be given."""

import csv
import hashlib
import io
import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from sqlalchemy import Engine
from typer.testing import CliRunner

from fazhi.cli import app
from fazhi.collect.manifest import ListedFile, Manifest
from fazhi.collect.record import record
from fazhi.intake import parse_slice, write_template
from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import SystemFault, UsageError
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.pipeline import Ground
from fazhi.pipeline.selfcheck import check_files
from fazhi.review.listing import LIST_SHEET
from fazhi.settings import Settings
from fazhi.store import read, write
from fazhi.store.findings import current_findings
from fazhi.store.raw import RawStore
from fazhi.validate import validate_slice
from support.returns import EVIDENCE, department, fill, shipped

NOW = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
FAULTS = {
    "A1.1": {"numerator": 12},
    "A1.2": {"value": "99.49%"},
    "A1.3": {"numerator": "８"},
    "A2.2": {"numerator": "3万余"},
    "A2.3": {"denominator": "无"},
}
EXPECTED = [
    ("NUM_GT_DEN", "block", "A1.1", "填报表", "E3", ["G3"]),
    ("RATIO_MISMATCH", "block", "A1.2", "填报表", "H4", ["E4", "G4"]),
    ("FULLWIDTH", "note", "A1.3", "填报表", "E5", []),
    ("FUZZY_NUMBER", "block", "A2.2", "填报表", "E6", []),
    ("NA_TOKEN", "block", "A2.3", "填报表", "G7", []),
]
CSV_HEADER = "unit_code,period,indicator_code,numerator,denominator,value,not_applicable,reason,note,evidence"


@pytest.fixture(scope="module")
def ground() -> Ground:
    return Ground(Settings.load({}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean workbook and a faulty one, with their evidence."""
    made = tmp_path_factory.mktemp("部门 文件")
    fill(made / "填报表.xlsx")
    fill(made / "填报表 有错.xlsx", FAULTS)
    return made


def checked(ground: Ground, *paths: Path):
    return check_files(ground, paths, NOW)


def rules(one) -> list[tuple[str, str | None, str | None]]:
    return [(found.rule, found.sheet, found.cell) for found in one.findings]


def told(one) -> list[tuple]:
    return [
        (f.rule, f.severity.value, f.indicator_code, f.sheet, f.cell, list(f.related)) for f in one.findings
    ]


def run(*arguments: object):
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


# --- what is found


def test_a_clean_file_is_clean(ground: Ground, folder: Path):
    (one,) = checked(ground, folder / "填报表.xlsx")
    assert one.findings == ()
    assert one.readable
    assert one.clean
    assert (one.identity.sender_code, str(one.identity.period)) == (department().unit_code, "2024")


def test_faults_are_found_at_their_cells(ground: Ground, folder: Path):
    (one,) = checked(ground, folder / "填报表 有错.xlsx")
    assert told(one) == EXPECTED


def test_the_findings_are_those_of_the_pipeline(ground: Ground, folder: Path, engine: Engine, tmp_path: Path):
    path = folder / "填报表 有错.xlsx"
    content, evidence = path.read_bytes(), (folder / EVIDENCE).read_bytes()
    raw = RawStore(str(tmp_path / "raw"))
    files = [(path.name, "workbook", content), (EVIDENCE, "evidence", evidence)]
    manifest = Manifest(
        "S1",
        1,
        SubmissionKind.UNIT,
        department().unit_code,
        Period.parse("2024"),
        NOW.isoformat(),
        "",
        tuple(ListedFile(name, role, raw.put(data), len(data)) for name, role, data in files),
    )
    with write(engine) as connection:
        record(connection, "folder", [manifest], NOW.isoformat())
    edition = ground.edition(2024)
    parse_slice(engine, raw, edition, ground.registry, 2024, today=NOW.date(), now=NOW)
    validate_slice(engine, edition, ground.registry, 2024, "150200", NOW.date(), None, now=NOW)
    with read(engine) as connection:
        stored = current_findings(connection, 2024)

    (one,) = checked(ground, path)
    of_store = {(row["rule"], row["sheet"], row["cell"], row["message_zh"], row["fix_zh"]) for row in stored}
    of_check = {(f.rule, f.sheet, f.cell, f.message_zh, f.fix_zh) for f in one.findings}
    assert of_check == {row for row in of_store if row[0] not in ("LATE", "NOT_APPROVED")}


def test_nothing_is_left_behind(ground: Ground, folder: Path):
    import fsspec

    before = sorted(folder.iterdir())
    checked(ground, folder / "填报表.xlsx")
    assert sorted(folder.iterdir()) == before
    memory = fsspec.filesystem("memory")
    assert not [path for path in memory.find("/") if "self-check" in path]


# --- the command


def test_json_has_the_promised_shape(folder: Path):
    path = folder / "填报表 有错.xlsx"
    result = run(path, "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    (one,) = document["files"]
    assert one["file"] == str(path)
    assert one["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (one["unit_code"], one["period"], one["readable"]) == (department().unit_code, "2024", True)
    assert [
        (f["rule"], f["severity"], f["indicator_code"], f["sheet"], f["cell"], f["related"])
        for f in one["findings"]
    ] == EXPECTED
    for found in one["findings"]:
        assert list(found) == [
            "rule", "severity", "indicator_code", "sheet", "cell", "value", "expected", "related",
            "message_zh", "message_en", "fix_zh",
        ]  # fmt: skip
    assert {"JUMP", "STALE_COPY", "CUMULATIVE_DECREASE", "RECONCILE"} <= set(one["not_checked"])
    assert set(document["not_checked"]) == set(one["not_checked"])


def test_a_clean_file_exits_with_zero_and_says_what_was_not_checked(folder: Path):
    result = run(folder / "填报表.xlsx")
    assert result.exit_code == 0
    assert "没有发现问题" in result.stdout
    assert "没有核对的规则" in result.stdout
    assert "异常波动" in result.stdout


def test_the_table_names_cell_problem_and_fix(folder: Path):
    result = run(folder / "填报表 有错.xlsx")
    assert result.exit_code == 1
    for word in ("单元格", "问题", "如何更正", "填报表 E3", "退回更正 4 处", "已自动处理 1 处"):
        assert word in result.stdout


def test_it_runs_from_anywhere_without_a_store(folder: Path, tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "fazhi.cli", "check", "填报表 有错.xlsx", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PATH": "", "FAZHI_STORE_URL": "postgresql://nobody@127.0.0.1:1/none", "HOME": str(tmp_path)},
    )
    assert done.returncode == 1, done.stderr
    assert len(json.loads(done.stdout)["files"][0]["findings"]) == len(EXPECTED)


def test_heavy_libraries_are_not_loaded():
    code = "import sys, fazhi.cli; print([m for m in ('airflow', 'great_expectations', 'pandas') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "没有.xlsx", "没有文件"),
        (lambda folder: folder, "是文件夹"),
    ],
)
def test_what_cannot_be_opened_is_wrong_usage(ground: Ground, folder: Path, make, said: str):
    with pytest.raises(UsageError, match=said) as stop:
        checked(ground, make(folder))
    assert stop.value.exit_status == 2


# --- files that are not what they should be


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [
        ("空.xlsx", b"", "EMPTY"),
        ("空白.csv", b"\xef\xbb\xbf\r\n \r\n", "EMPTY"),
        ("扫描.xlsx", b"%PDF-1.7\n%%EOF", "NOT_DATA"),
        ("照片.png", b"\x89PNG\r\n\x1a\n0000", "NOT_DATA"),
        ("汇总.csv", "单位,数字\n甲,1\n".encode(), "NOT_TEMPLATE"),
    ],
)
def test_a_file_that_is_no_table_is_one_finding_on_the_whole_file(
    ground: Ground, tmp_path: Path, name: str, content: bytes, rule: str
):
    path = tmp_path / name
    path.write_bytes(content)
    (one,) = checked(ground, path)
    assert rules(one) == [(rule, None, None)]
    assert not one.readable


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04\x00\x00broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600]
)
def test_damaged_files_are_findings(ground: Ground, tmp_path: Path, content: bytes):
    path = tmp_path / "坏.xlsx"
    path.write_bytes(content)
    (one,) = checked(ground, path)
    assert not one.readable
    assert len(one.findings) == 1
    assert one.findings[0].cell is None


@pytest.mark.parametrize(
    ("period", "said"),
    [("2019", "没有适用于 2019 年度的指标体系"), ("2031", "尚未开始"), ("去年", "不能识别")],
)
def test_a_year_that_cannot_be_assessed_is_a_finding(ground: Ground, tmp_path: Path, period: str, said: str):
    path = tmp_path / "表.csv"
    path.write_text(f"{CSV_HEADER}\n{department().unit_code},{period},I1.2,,,4,,,,\n", encoding="utf-8")
    (one,) = checked(ground, path)
    assert [(f.rule, f.severity.value, f.sheet, f.cell) for f in one.findings] == [
        ("PERIOD_MISMATCH", "block", None, None)
    ]
    assert said in one.findings[0].message_zh


def test_a_cover_without_unit_and_period_is_pointed_at(ground: Ground, tmp_path: Path):
    path = tmp_path / "填报表.xlsx"
    fill(path)
    workbook = load_workbook(path)
    for cell in ("B1", "B2", "B3"):
        workbook["封面"][cell] = None
    del workbook["_meta"]
    workbook.save(path)
    (one,) = checked(ground, path)
    assert {("UNIT_UNKNOWN", "封面", "B2"), ("PERIOD_MISMATCH", "封面", "B3")} <= set(rules(one))


def test_a_cover_that_was_changed_is_pointed_at(ground: Ground, tmp_path: Path):
    path = tmp_path / "填报表.xlsx"
    fill(path, cover={"填报期": "2024年二季度"})
    (one,) = checked(ground, path)
    assert ("PERIOD_MISMATCH", "封面", "B3") in rules(one)
    assert str(one.identity.period) == "2024"


# --- one finding for one slip


def _csv(path: Path, *rows: tuple[str, str, str], header: str = CSV_HEADER) -> Path:
    lines = [f"{unit},2024,{indicator},,,{value},,,,{EVIDENCE}" for unit, indicator, value in rows]
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    (path.parent / EVIDENCE).write_text("合成数据", encoding="utf-8")
    return path


def _mistyped(code: str) -> str:
    return code[:-1] + ("1" if code[-1] != "1" else "2")


def _other_unit() -> str:
    _, registry = shipped()
    units = registry.scored_units(2024, NOW.date())
    return next(one.unit_code for one in units if one.unit_code != department().unit_code)


def _edited(path: Path, **cells: object) -> Path:
    """A clean workbook with cells typed over: ``B2`` of the cover as ``cover_B2``, of the marks as ``meta_B2``."""
    fill(path)
    workbook = load_workbook(path)
    for place, value in cells.items():
        sheet, _, cell = place.rpartition("_")
        workbook[{"": "填报表", "cover": "封面", "meta": "_meta"}[sheet]][cell] = value
    workbook.save(path)
    return path


def _severe(one) -> list[tuple]:
    return [(f.rule, f.severity.value, f.sheet, f.cell) for f in one.findings]


def test_a_mistyped_unit_code_is_one_finding(ground: Ground, tmp_path: Path):
    wrong = _mistyped(department().unit_code)
    (alone,) = checked(ground, _csv(tmp_path / "一行.csv", (wrong, "I1.2", "4")))
    assert _severe(alone) == [("USCC_INVALID", "block", None, "2:unit_code")]
    rows = ((department().unit_code, "H1.1", "4"), (wrong, "I1.2", "4"))
    (beside,) = checked(ground, _csv(tmp_path / "两行.csv", *rows))
    assert _severe(beside) == [("USCC_INVALID", "block", None, "3:unit_code")]
    book = _edited(tmp_path / "填报表.xlsx", cover_B2=wrong, meta_B4=wrong)
    (covered,) = checked(ground, book)
    assert _severe(covered) == [("USCC_INVALID", "block", "封面", "B2")]


def test_a_code_with_private_characters_is_one_finding(ground: Ground, tmp_path: Path):
    (one,) = checked(ground, _edited(tmp_path / "填报表.xlsx", A3="A1.1\ue234"))
    assert _severe(one) == [("INVISIBLE_CHAR", "block", "填报表", "A3")]


def test_a_code_that_stays_unknown_without_its_invisible_characters_is_told(ground: Ground, tmp_path: Path):
    (one,) = checked(ground, _edited(tmp_path / "填报表.xlsx", A3="Z9.9\u200b"))
    assert _severe(one) == [
        ("INDICATOR_UNKNOWN", "block", "填报表", "A3"),
        ("INVISIBLE_CHAR", "note", "填报表", "A3"),
    ]


def test_a_ratio_above_everything_is_one_finding(ground: Ground, tmp_path: Path):
    (one,) = checked(ground, _edited(tmp_path / "填报表.xlsx", H3="105%"))
    assert _severe(one) == [("RATIO_GT_1", "block", "填报表", "H3")]
    assert one.findings[0].message_en.isascii()


def test_two_units_in_one_table_are_one_finding(ground: Ground, tmp_path: Path):
    rows = ((department().unit_code, "I1.2", "4"), (_other_unit(), "I1.2", "4"))
    (one,) = checked(ground, _csv(tmp_path / "表.csv", *rows))
    assert _severe(one) == [("MULTI_UNIT", "hold", None, "3:unit_code")]


def test_a_bureau_that_is_some_authority_and_lists_its_bodies_in_its_own_workbook_is_held(
    ground: Ground, tmp_path: Path
):
    """The bureau reports about others from one register; what it lists here is not from that one."""
    bureau = department()
    assert any(source.authority_unit_code == bureau.unit_code for source in ground.registry.sources.values())
    fill(tmp_path / "填报表.xlsx")
    book = load_workbook(tmp_path / "填报表.xlsx")
    sheet = book["填报表"]
    sheet.insert_cols(1)
    sheet["A2"] = "统一社会信用代码"
    for number in range(3, sheet.max_row + 1):
        sheet.cell(number, 1).value = bureau.unit_code if number < 20 else _other_unit()
    book.save(tmp_path / "填报表.xlsx")
    (one,) = checked(ground, tmp_path / "填报表.xlsx")
    assert [rule for rule in _severe(one) if rule[1] in ("block", "hold")] == [
        ("MULTI_UNIT", "hold", "填报表", "A20")
    ]


def test_a_single_row_of_another_unit_among_many_is_not_authorised(ground: Ground, tmp_path: Path):
    own = department().unit_code
    rows = ((own, "I1.2", "4"), (own, "H1.1", "4"), (_other_unit(), "I1.2", "4"))
    (one,) = checked(ground, _csv(tmp_path / "表.csv", *rows))
    assert _severe(one) == [("AUTHZ", "block", None, "4:unit_code")]


def test_a_cumulative_figure_is_not_blamed_for_its_unit(ground: Ground, tmp_path: Path):
    (one,) = checked(ground, _csv(tmp_path / "表.csv", (department().unit_code, "I1.2", "累计12")))
    assert _severe(one) == [("PERIOD_TYPE", "warn", None, "2:value")]


def test_a_date_outside_the_period_is_not_blamed_twice(ground: Ground, tmp_path: Path):
    rows = fill(tmp_path / "填报表.xlsx")
    path = _edited(tmp_path / "填报表.xlsx", **{f"J{rows['I2.2']}": datetime(2027, 3, 1)})
    (one,) = checked(ground, path)
    assert _severe(one) == [("DATE_OUT_OF_PERIOD", "block", "填报表", f"J{rows['I2.2']}")]
    assert one.findings[0].message_en.endswith("lies outside 2024-12 to 2025-12.")


def test_an_untouched_template_and_a_bare_header_are_empty(ground: Ground, tmp_path: Path):
    _, registry = shipped()
    blank = tmp_path / "空表.xlsx"
    period = Period.parse("2024")
    write_template(ground.edition(2024), registry, department(), period, blank, NOW.date())
    bare = tmp_path / "空表.csv"
    bare.write_text(f"{CSV_HEADER}\n", encoding="utf-8")
    for one in checked(ground, blank, bare):
        assert _severe(one) == [("EMPTY", "block", None, None)]


def test_a_formula_without_a_result_is_one_finding(ground: Ground, tmp_path: Path):
    (one,) = checked(ground, _edited(tmp_path / "甲.xlsx", E3="=4+4"))
    assert _severe(one) == [("STALE_FORMULA", "block", "填报表", "E3")]
    (linked,) = checked(ground, _edited(tmp_path / "乙.xlsx", E3="=[1]Sheet1!A1"))
    assert _severe(linked) == [("STALE_FORMULA", "block", "填报表", "E3")]


def test_an_old_template_is_told(ground: Ground, tmp_path: Path):
    (old,) = checked(ground, _edited(tmp_path / "甲.xlsx", meta_B1="0"))
    assert _severe(old) == [("TEMPLATE_VERSION", "block", None, None)]
    (other,) = checked(
        ground, _edited(tmp_path / "乙.xlsx", cover_B4="2021(法治政府建设考评指标体系(2021版))")
    )
    assert _severe(other) == [("TEMPLATE_VERSION", "block", "封面", "B4")]


@pytest.mark.parametrize("written", ["市工商局", "包头市工商行政管理局"])
def test_a_name_from_before_the_reform_is_stopped(ground: Ground, tmp_path: Path, written: str):
    _, registry = shipped()
    (unit,) = registry.find_by_name("包头市市场监督管理局", NOW.date())
    path = tmp_path / "填报表.xlsx"
    fill(path, unit=unit, cover={"单位名称": written})
    (one,) = checked(ground, path)
    assert _severe(one) == [("UNIT_ALIAS", "block", "封面", "B1")]


def test_the_guide_of_the_template_is_written_in_full_width(tmp_path: Path):
    fill(tmp_path / "填报表.xlsx")
    guide = load_workbook(tmp_path / "填报表.xlsx")["填报表"]["A1"].value
    assert "," not in guide


# --- several files


def test_last_year_beside_this_year_lets_the_comparisons_run(ground: Ground, tmp_path: Path):
    for year in (2023, 2024):
        (tmp_path / str(year)).mkdir()
        fill(tmp_path / str(year) / "填报表.xlsx", period=str(year), unit=department())
    before, now = checked(ground, *(tmp_path / str(year) / "填报表.xlsx" for year in (2023, 2024)))
    assert {"JUMP", "STALE_COPY", "AMOUNT_SCALE"} <= set(before.not_checked)
    assert not {"JUMP", "STALE_COPY", "AMOUNT_SCALE"} & set(now.not_checked)
    assert [f.rule for f in now.findings] == ["STALE_COPY"]
    assert before.findings == ()


def test_two_versions_of_one_unit_and_period_are_both_checked_and_noticed(ground: Ground, folder: Path):
    faulty, clean = checked(ground, folder / "填报表 有错.xlsx", folder / "填报表.xlsx")
    assert told(faulty) == EXPECTED
    assert [(f.rule, f.severity.value, f.sheet, f.cell) for f in clean.findings] == [
        ("VERSION_CONFLICT", "hold", None, None)
    ]


def test_the_same_file_under_two_names_is_told(ground: Ground, folder: Path, tmp_path: Path):
    for name in ("甲.xlsx", "乙.xlsx"):
        (tmp_path / name).write_bytes((folder / "填报表.xlsx").read_bytes())
    (tmp_path / EVIDENCE).write_bytes((folder / EVIDENCE).read_bytes())
    first, second = checked(ground, tmp_path / "甲.xlsx", tmp_path / "乙.xlsx")
    assert first.findings == ()
    assert [(f.rule, f.severity.value, f.cell) for f in second.findings] == [("DUP_FILE", "note", None)]
    assert second.clean


def test_an_office_file_is_compared_with_the_unit_s(ground: Ground, tmp_path: Path):
    _, registry = shipped()
    edition = ground.edition(2024)
    unit, indicator, office = next(
        (unit, one, authority)
        for unit in registry.scored_units(2024, NOW.date())
        if not unit.is_region
        for one in registry.applicable(edition, unit, 2024, NOW.date())
        if one.asked_of_unit and one.value_type.value == "ratio" and one.ratio_kind.value == "share"
        for _, authority in registry.reporters(one, 2024)
        if authority != unit.unit_code
    )
    other = next(
        one
        for one in registry.scored_units(2024, NOW.date())
        if one.unit_code not in (unit.unit_code, office)
    )
    (tmp_path / "佐证（合成数据）.txt").write_text("合成数据", encoding="utf-8")
    own, theirs = tmp_path / "单位.csv", tmp_path / "主管机关.csv"
    for path, rows in (
        (own, [(unit.unit_code, "8")]),
        (theirs, [(unit.unit_code, "5"), (other.unit_code, "5")]),
    ):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(CSV_HEADER.split(","))
            for code, numerator in rows:
                writer.writerow([code, "2024", indicator.code, numerator, "9", "", "", "", "", EVIDENCE])
    (alone,) = checked(ground, own)
    assert "RECONCILE" in alone.not_checked
    mine, office_file = checked(ground, own, theirs)
    assert office_file.identity.kind is SubmissionKind.OFFICE
    assert "RECONCILE" not in mine.not_checked
    assert [(f.rule, f.sheet, f.cell) for f in mine.findings if f.rule == "RECONCILE"] == [
        ("RECONCILE", None, "2:numerator")
    ]


# --- evidence


def test_evidence_is_looked_for_beside_the_workbook_and_among_the_files(ground: Ground, tmp_path: Path):
    (tmp_path / "表").mkdir()
    (tmp_path / "别处").mkdir()
    path = tmp_path / "表" / "填报表.xlsx"
    fill(path)
    evidence = (tmp_path / "表" / EVIDENCE).rename(tmp_path / "别处" / EVIDENCE)
    (lacking,) = checked(ground, path)
    assert {f.rule for f in lacking.findings} == {"EVIDENCE_MISSING"}
    (found,) = checked(ground, path, evidence)
    assert found.findings == ()


def test_a_scan_that_no_table_names_is_a_file_of_its_own(ground: Ground, folder: Path, tmp_path: Path):
    scan = tmp_path / "盖章扫描件.pdf"
    scan.write_bytes(b"%PDF-1.7\n%%EOF")
    workbook, other = checked(ground, folder / "填报表.xlsx", scan)
    assert workbook.findings == ()
    assert rules(other) == [("NOT_DATA", None, None)]


# --- the marked copy


def test_the_marked_copy_of_one_file(folder: Path, tmp_path: Path):
    target = tmp_path / "新文件夹" / "整改.xlsx"
    assert run(folder / "填报表 有错.xlsx", "--xlsx", target).exit_code == 1
    workbook = load_workbook(target)
    assert workbook.sheetnames[:3] == [LIST_SHEET, "封面", "填报表"]
    for cell in ("E3", "H4", "E5", "E6", "G7"):
        assert workbook["填报表"][cell].comment is not None
    assert workbook["填报表"]["E8"].comment is None


def test_checking_the_marked_copy_finds_the_same(ground: Ground, folder: Path, tmp_path: Path):
    target = tmp_path / "整改.xlsx"
    run(folder / "填报表 有错.xlsx", "--xlsx", target)
    (tmp_path / EVIDENCE).write_bytes((folder / EVIDENCE).read_bytes())
    (again,) = checked(ground, target)
    assert told(again) == EXPECTED


def test_the_marked_copies_of_several_files(folder: Path, tmp_path: Path):
    target = tmp_path / "标注件"
    assert run(folder / "填报表 有错.xlsx", folder / "填报表.xlsx", "--xlsx", target).exit_code == 1
    assert sorted(path.name for path in target.iterdir()) == ["填报表 有错-整改.xlsx", "填报表-整改.xlsx"]


def test_the_original_is_never_overwritten(folder: Path):
    path = folder / "填报表 有错.xlsx"
    before = path.read_bytes()
    result = run(path, "--xlsx", path)
    assert isinstance(result.exception, UsageError)
    assert path.read_bytes() == before


# --- this program's own failures


def test_a_failure_of_the_reader_is_not_shown_as_the_department_s(
    ground: Ground, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(*_: object, **__: object):
        raise RuntimeError("broken")

    monkeypatch.setattr("fazhi.intake.parse.read_submission", broken)
    (one,) = checked(ground, folder / "填报表.xlsx")
    assert one.findings == ()
    assert "RuntimeError" in one.problem
    assert not one.clean
    result = run(folder / "填报表.xlsx")
    assert isinstance(result.exception, SystemFault)
    assert "没有检查完" in result.stdout


def test_a_large_csv_is_checked_whole(ground: Ground, tmp_path: Path):
    path = tmp_path / "表.csv"
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_HEADER.split(","))
    for number in range(1, 301):
        writer.writerow([department().unit_code, "2024", "I1.2", "", "", f"-{number}", "", "", "", ""])
    path.write_text(out.getvalue(), encoding="utf-8")
    (one,) = checked(ground, path)
    assert sum(f.rule == "NEGATIVE" for f in one.findings) == 300
    assert one.sha256 == sha256_hex(path.read_bytes())
