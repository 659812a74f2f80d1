"""Changing units, adjustments, holidays and editions: checked whole, the effect shown to the hundredth, then exchanged."""

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from fazhi import pipeline
from fazhi.audit import Actor, verify
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.pipeline import ground_change
from fazhi.pipeline.ground import _steady
from fazhi.review.ground import proposals
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.systems import load_editions
from fazhi.validate.gate import committed_suite
from support.city import write_city

YEAR = 2024
NOW = datetime.fromisoformat("2024-10-15T09:00:00+08:00")
PROPOSER, DECIDER = Actor("kp-1", "合成提出人"), Actor("kp-2", "合成批准人")


@dataclass(frozen=True)
class Home:
    """A city whose ground is its own copy."""

    root: Path
    settings: Settings

    def folder(self, name: str, *files: Path) -> Path:
        """A folder with copies of files, to be changed and submitted."""
        folder = self.root / name
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder / file.name)
        return folder


def _settings(root: Path, inbox: Path) -> Settings:
    include = PROJECT_ROOT / "include"
    for tree in ("indicator_systems", "registry", "holidays"):
        shutil.copytree(include / tree, root / tree)
    return Settings.load(
        environ={
            "FAZHI_ROOT": str(root),
            "FAZHI_INBOX": str(inbox),
            "FAZHI_SYSTEMS_DIR": str(root / "indicator_systems"),
            "FAZHI_REGISTRY_DIR": str(root / "registry"),
            "FAZHI_HOLIDAYS_DIR": str(root / "holidays"),
            "FAZHI_GX_DIR": str(root / "gx"),
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory, registry, editions) -> Home:
    """The city once scored; tests work on copies."""
    root = tmp_path_factory.mktemp("made")
    inbox = write_city(
        registry, editions, root / "city", years=range(YEAR, YEAR + 1), units=4, faults="0"
    ).inbox
    settings = _settings(root, inbox)
    ground = pipeline.Ground(settings)
    pipeline.collect(settings, YEAR)
    point = ground_change.standpoint(ground)
    effect = ground_change.what_if(ground.engine, ground.raw, point, point, YEAR, now=NOW)
    assert effect.moves == ()
    assert effect.units > 4
    ground.engine.dispose()
    return Home(root, settings)


@pytest.fixture
def home(made, tmp_path) -> Home:
    root = tmp_path / "home"
    shutil.copytree(made.root / "var", root / "var")
    return Home(root, _settings(root, made.settings.inbox))


def _propose(home: Home, submitted, reason="合成理由"):
    return ground_change.propose_change(home.settings, submitted, PROPOSER, reason, now=NOW)


def _change_rows(file: Path, change: Callable[[list[dict[str, str]]], None]) -> None:
    with file.open(encoding="utf-8-sig", newline="") as source:
        rows = list(csv.DictReader(source))
    names = list(rows[0])
    change(rows)
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, names)
        writer.writeheader()
        writer.writerows(rows)


def _unit_of_year(home: Home) -> tuple[str, str]:
    ground = pipeline.Ground(home.settings)
    unit = ground.registry.scored_units(YEAR, NOW.date())[0]
    return unit.unit_code, unit.name_zh


def _adjusted(home: Home, unit_code: str, code: str) -> Path:
    folder = home.folder("proposed", home.settings.registry_dir / "adjustments.csv")

    def add(rows: list[dict[str, str]]) -> None:
        rows.append(
            {
                "year": str(YEAR),
                "unit_code": unit_code,
                "code": code,
                "level": "city",
                "count": "1",
                "indicator_code": "",
                "title_zh": "被通报批评（合成数据）",
                "document": "合成〔2024〕99号",
                "drafted_by": "kp-drafter-9",
                "approved_by": "kp-approver-9",
                "approved_on": "2024-09-30",
            }
        )

    _change_rows(folder / "adjustments.csv", add)
    return folder


def test_an_adjustment_moves_exactly_its_unit(home):
    unit_code, name = _unit_of_year(home)
    folder = _adjusted(home, unit_code, "Y1")
    number, document = _propose(home, ground_change.submitted_registry(folder))
    assert document["tree"] == "registry"
    (year,) = document["years"]
    (move,) = year["moves"]
    assert (move["unit_code"], move["name_zh"]) == (unit_code, name)
    assert move["difference"].startswith("-")
    assert year["unchanged"] == year["units"] - 1
    assert year["stops"] == []
    header, row = document["changes"]
    assert header == "adjustments.csv："
    assert row.startswith(f"  新增 year={YEAR}，unit_code={unit_code}，code=Y1，level=city，count=1，")
    text = "\n".join(ground_change.document_lines(document))
    assert f"对 {YEAR} 年度的影响：{year['units']} 个单位中，1 个得分变化" in text
    assert f"{name}（{unit_code}）：{move['before']} → {move['after']}（{move['difference']}）" in text
    stored, again = ground_change.shown_document(home.settings, number)
    assert again == document
    assert stored.shown_digest == ground_change.change_digest(document)


def test_an_earlier_year_that_is_not_sealed_shows_its_effect_too(home):
    unit_code, _ = _unit_of_year(home)
    submitted = ground_change.submitted_registry(_adjusted(home, unit_code, "Y1"))
    later = NOW.replace(year=YEAR + 2)
    _, document = ground_change.propose_change(home.settings, submitted, PROPOSER, "合成理由", now=later)
    assert [(one["year"], len(one["moves"])) for one in document["years"]] == [(YEAR, 1)]


def test_the_approved_registry_is_the_one_that_counts(home):
    unit_code, _ = _unit_of_year(home)
    number, document = _propose(home, ground_change.submitted_registry(_adjusted(home, unit_code, "Y1")))
    before = pipeline.Ground(home.settings).registry.digest
    applied = ground_change.approve_change(
        home.settings, number, DECIDER, "同意", now=NOW, shown=ground_change.change_digest(document)[:12]
    )
    assert applied.state == "applied"
    ground = pipeline.Ground(home.settings)
    assert ground.registry.digest != before
    assert any(one.document == "合成〔2024〕99号" for one in ground.registry.adjustments(YEAR))
    assert verify(ground.engine).faults == ()


def test_another_document_than_the_one_read_is_not_approved(home):
    unit_code, _ = _unit_of_year(home)
    number, _ = _propose(home, ground_change.submitted_registry(_adjusted(home, unit_code, "Y1")))
    with pytest.raises(UsageError, match="不是您看过的那一份"):
        ground_change.approve_change(home.settings, number, DECIDER, "同意", now=NOW, shown="0123456789ab")


def test_all_faults_are_told_at_once_and_nothing_is_stored(home):
    folder = home.folder(
        "proposed", home.settings.registry_dir / "units.csv", home.settings.registry_dir / "adjustments.csv"
    )

    def break_units(rows):
        rows[1]["level"] = "galaxy"
        rows[2]["valid_from"] = "2021-13-01"

    def break_adjustments(rows):
        rows[0]["code"] = "Q9"

    _change_rows(folder / "units.csv", break_units)
    _change_rows(folder / "adjustments.csv", break_adjustments)
    with pytest.raises(ConfigurationError) as stop:
        _propose(home, ground_change.submitted_registry(folder))
    told = "\n".join(stop.value.faults)
    assert "units.csv 第3行 level 列" in told
    assert "units.csv 第4行 valid_from 列" in told
    assert "adjustments.csv 第2行 code 列" in told
    assert proposals(pipeline.Ground(home.settings).engine) == []


def test_a_holiday_is_proposed_by_itself(home):
    folder = home.folder("proposed", home.settings.holidays_dir / "2026.csv")
    _change_rows(folder / "2026.csv", lambda rows: rows.pop())
    number, document = _propose(home, ground_change.submitted_registry(folder))
    assert document["tree"] == "holidays"
    assert document["changes"][0] == "2026.csv："
    assert document["changes"][1].startswith("  删除 day=2026-")
    ground_change.approve_change(home.settings, number, DECIDER, "同意", now=NOW)
    assert (home.settings.holidays_dir / "2026.csv").read_bytes() == (folder / "2026.csv").read_bytes()


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((), "里没有 .csv 文件"),
        (("2026.csv", "units.csv"), "请分两次提交"),
        (("units.csv", "run.sh"), "不认识的文件：run.sh"),
    ],
)
def test_folders_that_say_nothing_clear(tmp_path, names, told):
    for name in names:
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        ground_change.submitted_registry(tmp_path)


def _heavier(home: Home) -> tuple[Path, str, str]:
    """The year's edition with one point moved from an indicator to another."""
    edition = pipeline.Ground(home.settings).edition(YEAR)
    folder = home.root / "proposed-edition"
    shutil.copytree(home.settings.systems_dir / edition.system_id, folder)
    codes: list[str] = []

    def move_a_point(rows):
        weighty = [row for row in rows if row["full_mark"] and float(row["full_mark"]) >= 1.5]
        for row, step in ((weighty[0], 1), (weighty[-1], -1)):
            row["full_mark"] = f"{float(row['full_mark']) + step:g}"
            codes.append(row["code"])

    _change_rows(folder / "indicators.csv", move_a_point)
    return folder, codes[0], codes[1]


def test_an_editions_effect_names_what_changed_and_who_moves(home):
    folder, up, down = _heavier(home)
    effect = ground_change.edition_what_if(home.settings, folder, YEAR, now=NOW)
    assert effect["moves"]
    assert effect["stops"] == []
    number, document = _propose(home, ground_change.submitted_editions(folder))
    assert document["years"] == [effect]
    text = "\n".join(document["changes"])
    assert up in text
    assert down in text
    before = load_editions(home.settings.systems_dir).for_year(YEAR).digest
    ground_change.approve_change(home.settings, number, DECIDER, "同意", now=NOW)
    edition = load_editions(home.settings.systems_dir).for_year(YEAR)
    assert edition.digest != before
    assert committed_suite(home.settings.gx_dir, edition)


def test_an_edition_for_other_years_is_told(home):
    with pytest.raises(UsageError, match="不适用于 2024 年度"):
        ground_change.edition_what_if(home.settings, home.settings.systems_dir / "2021", YEAR, now=NOW)


def test_a_reader_never_sees_half_of_two_folders(tmp_path):
    """The folder is exchanged while it is read: it is read again, also when the mixture looked faulty."""
    folder, other = tmp_path / "registry", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    calls = []

    def load() -> str:
        calls.append(len(calls))
        if len(calls) == 1:
            folder.rename(tmp_path / "gone")
            other.rename(folder)
            raise ConfigurationError("读到一半被替换")
        return "whole"

    assert _steady(folder, load) == "whole"
    assert calls == [0, 1]


def test_a_faulty_folder_stays_faulty(tmp_path):
    def load() -> str:
        raise ConfigurationError("有误")

    with pytest.raises(ConfigurationError, match="有误"):
        _steady(tmp_path, load)
