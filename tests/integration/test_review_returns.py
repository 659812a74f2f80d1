"""Receipt and list of corrections of a stored submission; the command that writes them."""

import io
import re
from dataclasses import replace
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
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.pipeline import Ground
from fazhi.pipeline.due_words import due_zh
from fazhi.review.listing import LIST_SHEET
from fazhi.review.receipt import correction_list, write_receipt
from fazhi.settings import Settings
from fazhi.store import open_store, write
from fazhi.store.raw import RawStore
from fazhi.systems.edition import DatedValue, Deadline
from fazhi.validate import validate_slice
from support.returns import EVIDENCE, department, fill, shipped

NOW = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
CONTACT = "考评办（合成数据）0472-0000000"
HOSTILE = "<script>alert(1)</script>{{7*7}}"
FAULTS = {
    "A1.1": {"numerator": 12},
    "A1.2": {"numerator": "８"},
    "A1.3": {"note": f"{HOSTILE} 手机 13800138000"},
    "A2.2": {"numerator": "3万余"},
}


class Desk:
    """A store with submissions that went the whole way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine: Engine = open_store(f"sqlite:///{folder / 'store.db'}")
        self.raw = RawStore(str(folder / "raw"))
        self.editions, self.registry = shipped()
        self.edition = self.editions.by_id("2024")

    def submit(self, path: Path, revision: int = 1) -> None:
        evidence = path.parent / EVIDENCE
        files = [(path.name, "workbook", path.read_bytes()), (EVIDENCE, "evidence", evidence.read_bytes())]
        listed = tuple(ListedFile(name, role, self.raw.put(data), len(data)) for name, role, data in files)
        moment = f"2025-01-1{revision}T09:00:00+08:00"
        manifest = Manifest(
            "S1",
            revision,
            SubmissionKind.UNIT,
            department().unit_code,
            Period.parse("2024"),
            moment,
            "甲",
            listed,
        )
        with write(self.engine) as connection:
            record(connection, "folder", [manifest], moment)
        parse_slice(self.engine, self.raw, self.edition, self.registry, 2024, today=NOW.date(), now=NOW)
        validate_slice(self.engine, self.edition, self.registry, 2024, "150200", NOW.date(), None, now=NOW)

    def receipt(self, revision: int = 1, **kwargs: str):
        return write_receipt(self.engine, self.edition, self.registry, "S1", revision, **kwargs)

    def marked(self, revision: int = 1, **kwargs: str) -> bytes | None:
        return correction_list(self.engine, self.raw, self.edition, self.registry, "S1", revision, **kwargs)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A faulty first revision and a corrected second one."""
    made = Desk(tmp_path_factory.mktemp("desk"))
    for revision, changes in ((1, FAULTS), (2, {})):
        folder = made.folder / f"r{revision}"
        folder.mkdir()
        fill(folder / "填报表.xlsx", changes)
        made.submit(folder / "填报表.xlsx", revision)
        if revision == 1:
            made.first = (made.receipt(contact=CONTACT), made.marked(contact=CONTACT))  # type: ignore[attr-defined]
    return made


def squeezed(html: str) -> str:
    return re.sub(r"\s+", " ", html)


def test_the_receipt_says_what_was_read_changed_and_must_be_corrected(desk: Desk):
    receipt, _ = desk.first  # type: ignore[attr-defined]
    page, text = squeezed(receipt.html), receipt.text
    for shown in (page, text):
        assert department().name_zh in shown
        assert "2024年" in shown
        assert "第 1 次报送（编号 S1）" in shown
        assert "退回更正 2 处" in shown
        assert "分子 12，分母 9" in shown
        assert CONTACT in shown
        assert "下一步" in shown or "重新报送" in shown
        assert EVIDENCE in shown
    assert "一、需要处理的内容（3 处）" in text
    assert "二、系统自动处理的内容（1 处）" in text
    assert "三、读取到的数据（30 行）" in text
    assert "1. 填报表 E4：“８”→“8”。" in text
    assert "A2.2" in text
    assert "分子 未采用（填的是“3万余”）" in text
    assert desk.edition.digest in page
    assert re.search(r"文件 SHA-256：[0-9a-f]{64}", text)


def test_each_cell_of_the_receipt_names_its_column_for_a_narrow_screen(desk: Desk):
    """There the titles above the table are gone and every row stands as a card."""
    receipt, _ = desk.first  # type: ignore[attr-defined]
    tables = re.findall(r"<table>.*?</table>", receipt.html, re.DOTALL)
    assert len(tables) == 3
    for table in tables:
        titles = re.findall(r"<th>(.*?)</th>", table)
        for row in re.findall(r"<tr>\s*(<td.*?)</tr>", table, re.DOTALL):
            assert re.findall(r"<td[^>]*>", row)
            assert [
                re.search(r'data-title="([^"]*)"', cell)[1] for cell in re.findall(r"<td[^>]*>", row)
            ] == titles


def test_what_a_department_wrote_stays_text_and_masked(desk: Desk):
    receipt, marked = desk.first  # type: ignore[attr-defined]
    assert "<script>" not in receipt.html
    assert "default-src 'none'" in receipt.html
    assert not re.search(r"(?:src|href)=", receipt.html)
    book = load_workbook(io.BytesIO(marked))
    everything = receipt.html + receipt.text
    everything += "".join(str(c.value) for sheet in book for row in sheet.iter_rows() for c in row)
    assert "13800138000" not in everything


def test_the_list_of_corrections_is_the_workbook_marked(desk: Desk):
    _, marked = desk.first  # type: ignore[attr-defined]
    book = load_workbook(io.BytesIO(marked))
    assert book.sheetnames[:3] == [LIST_SHEET, "封面", "填报表"]
    commented = {c.coordinate for row in book["填报表"].iter_rows() for c in row if c.comment}
    assert commented == {"E3", "E4", "M5", "E6"}


def test_a_corrected_revision_has_a_receipt_and_no_list(desk: Desk):
    receipt = desk.receipt(2)
    assert receipt is not None
    assert "没有发现问题" in receipt.text
    assert "一、需要处理的内容（0 处）\n（没有）" in receipt.text
    assert "尚未设置联系方式" in receipt.text
    assert desk.marked(2) is None


def test_the_receipt_of_a_replaced_revision_keeps_what_stood_on_it(desk: Desk):
    again = desk.receipt(1, contact=CONTACT)
    first, _ = desk.first  # type: ignore[attr-defined]
    assert again is not None
    assert again.text == first.text


def test_the_day_by_which_corrections_are_due_is_named_where_one_is_set(desk: Desk):
    receipt = desk.receipt(1, due_zh="2025年1月20日前")
    assert receipt is not None
    assert "期限：2025年1月20日前更正并重新报送，更正前不计分" in receipt.text
    assert "本期报送截止前" not in receipt.text


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (datetime(2025, 1, 20, 23, 59, 59, tzinfo=NOW.tzinfo), "2025年1月20日前"),
        (datetime(2025, 1, 21, tzinfo=NOW.tzinfo), "尽快（报送期限是2025年1月20日，已过）"),
    ],
)
def test_the_due_day_is_the_edition_s(now: datetime, said: str):
    editions, _ = shipped()
    value = DatedValue(None, None, "20", "day", 0, "unverified", "合成数据")
    deadline = Deadline("submission_after_period", "合成数据", (value,))
    edition = replace(editions.by_id("2024"), deadlines={"submission_after_period": deadline})
    ground = Ground(Settings.load({}))
    assert due_zh(ground, Period.parse("2024"), now) == ""
    ground.__dict__["editions"] = replace(editions, all=(edition,))
    assert due_zh(ground, Period.parse("2024"), now) == said


def test_an_unknown_submission_is_wrong_usage(desk: Desk):
    with pytest.raises(UsageError, match="没有报送 S1 第 9 次"):
        desk.receipt(9)


def test_a_submission_that_was_not_read_has_no_return_yet(tmp_path: Path):
    made = Desk(tmp_path)
    fill(tmp_path / "填报表.xlsx")
    content = (tmp_path / "填报表.xlsx").read_bytes()
    listed = (ListedFile("填报表.xlsx", "workbook", made.raw.put(content), len(content)),)
    manifest = Manifest(
        "S1",
        1,
        SubmissionKind.UNIT,
        department().unit_code,
        Period.parse("2024"),
        NOW.isoformat(),
        "",
        listed,
    )
    with write(made.engine) as connection:
        record(connection, "folder", [manifest], NOW.isoformat())
    assert made.receipt() is None
    assert made.marked() is None


def test_the_command_writes_receipt_and_list(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FAZHI_STORE_URL", str(desk.engine.url))
    monkeypatch.setenv("FAZHI_RAW_URL", str(desk.folder / "raw"))
    arguments = [
        "receipt",
        "--year",
        "2024",
        "--unit",
        department().unit_code,
        "--out",
        str(tmp_path / "回执"),
    ]
    result = CliRunner().invoke(app, [*arguments, "--period", "2024"])
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "回执").iterdir()) == [
        "S1-r2-回执.html",
        "S1-r2-回执.txt",
    ]
    none = CliRunner().invoke(app, [*arguments, "--period", "2024-Q1"])
    assert isinstance(none.exception, UsageError)
