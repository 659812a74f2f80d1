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
from fazhi.intake import parse_slice
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
    assert "JUMP" in result.stdout


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
    for _ in range(300):
        writer.writerow([department().unit_code, "2024", "I1.2", "", "", "-1", "", "", "", ""])
    path.write_text(out.getvalue(), encoding="utf-8")
    (one,) = checked(ground, path)
    assert sum(f.rule == "NEGATIVE" for f in one.findings) == 300
    assert one.sha256 == sha256_hex(path.read_bytes())
