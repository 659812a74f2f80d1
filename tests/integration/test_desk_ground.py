"""Changes of the ground on the desk: an archive becomes a proposal, the page shows its effect greatest first."""

import csv
import io
import shutil
import zipfile
from datetime import datetime

import pytest

from fazhi import pipeline
from fazhi.audit import Actor
from fazhi.desk import ground
from fazhi.model.canonical import canonical_bytes
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.pipeline import ground_change
from fazhi.review.ground import Change, ground_digest, read_tree
from fazhi.review.ground import propose as keep_proposal
from fazhi.settings import PROJECT_ROOT, Settings

NOW = datetime.fromisoformat("2024-10-15T09:00:00+08:00")
PROPOSER = Actor("kp-steward-1", "考评管理员甲（合成数据）")


@pytest.fixture
def desk(tmp_path):
    """A desk whose ground is its own copy and whose store is empty."""
    include = PROJECT_ROOT / "include"
    for tree in ("indicator_systems", "registry", "holidays"):
        shutil.copytree(include / tree, tmp_path / tree)
    return pipeline.Desk(
        Settings.load(
            environ={
                "FAZHI_ROOT": str(tmp_path),
                "FAZHI_SYSTEMS_DIR": str(tmp_path / "indicator_systems"),
                "FAZHI_REGISTRY_DIR": str(tmp_path / "registry"),
                "FAZHI_HOLIDAYS_DIR": str(tmp_path / "holidays"),
                "FAZHI_GX_DIR": str(tmp_path / "gx"),
            }
        )
    )


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return out.getvalue()


def one_day_less(desk):
    """The holidays of 2026 without their last line."""
    lines = (desk.settings.holidays_dir / "2026.csv").read_bytes().splitlines(keepends=True)
    return zipped({"holidays/2026.csv": b"".join(lines[:-1])})


def proposed(desk, document, *, after=b"x"):
    """A proposal with a document of our own."""
    places = ground_change.places_of(desk.settings)
    before = read_tree(places.of("holidays"))
    change = Change(
        "holidays",
        before,
        {**before, "2030.csv": after},
        ground_digest(places),
        canonical_bytes(document),
    )
    return keep_proposal(desk.ground.engine, desk.ground.raw, change, PROPOSER, "合成理由", now=NOW)


def move(code, before, after, difference):
    return {
        "unit_code": code,
        "name_zh": f"单位{code}",
        "before": before,
        "after": after,
        "difference": difference,
    }


DOCUMENT = {
    "tree": "holidays",
    "changes": [f"第{number}行" for number in range(ground.LISTED + 3)],
    "years": [
        {
            "year": 2024,
            "units": 5,
            "unchanged": 1,
            "moves": [
                move("A", "80.00", "80.10", "+0.10"),
                move("B", "80.00", "70.00", "-10.00"),
                move("C", "80.00", None, None),
                move("D", "80.00", "90.00", "+10.00"),
            ],
            "stops": [
                {
                    "unit_code": "A",
                    "name_zh": "单位A",
                    "indicator_code": "A1.1",
                    "rule": "RANGE",
                    "severity": "block",
                    "count": 2,
                }
            ],
        }
    ],
}


def test_an_archive_of_holidays_becomes_a_proposal(desk):
    submitted = ground.submitted(one_day_less(desk))
    assert (submitted.tree, list(submitted.files)) == ("holidays", ["2026.csv"])
    number, document = ground_change.propose_change(desk.settings, submitted, PROPOSER, "合成理由", now=NOW)
    shown = ground.shown_proposal(desk, number)
    assert shown.proposal.shown_digest == ground_change.change_digest(document)
    assert (shown.proposal.state, shown.proposal.tree_zh, shown.is_stale) == ("open", "节假日安排", False)
    assert (shown.changes.rows[0], shown.changes.total, shown.changes.left_out) == ("2026.csv：", 2, 0)
    assert shown.effects == ()


def test_an_archive_of_an_edition_is_one(desk):
    folder = sorted(path for path in desk.settings.systems_dir.iterdir() if path.is_dir())[0]
    files = {f"{folder.name}/{name}": content for name, content in read_tree(folder).items()}
    submitted = ground.submitted(zipped(files))
    assert submitted.tree == "systems"
    assert len(submitted.files) == len(files)


def test_faults_name_files_and_no_folder_of_the_server(desk):
    files = {"units.csv": b"nonsense\n", "run.sh": b"x"}
    with pytest.raises(UsageError, match=r"^压缩包 里有不认识的文件：run\.sh；只接受"):
        ground.submitted(zipped(files))
    with pytest.raises(ConfigurationError) as stop:
        ground.submitted(zipped({"2030/system.yaml": b"system_id: 2030\n"}))
    assert "fazhi-ground-" not in str(stop.value)
    assert "压缩包" in str(stop.value)


def test_the_greatest_moves_come_first_and_what_is_left_out_is_said(desk):
    shown = ground.shown_proposal(desk, proposed(desk, DOCUMENT))
    assert (len(shown.changes.rows), shown.changes.total, shown.changes.left_out) == (200, 203, 3)
    (effect,) = shown.effects
    assert [one["unit_code"] for one in effect.moves.rows] == ["C", "B", "D", "A"]
    assert (effect.year, effect.units, effect.unchanged, effect.stops.total) == (2024, 5, 1, 1)


def test_the_download_has_everything(desk):
    number = proposed(desk, DOCUMENT)
    found, rows = ground.effect_rows(desk, number)
    assert found.proposal_id == number
    lines = list(csv.reader(io.StringIO(ground.as_csv(rows))))
    assert len(lines) == 1 + 203 + 4 + 1
    assert lines[1 + 203] == ["得分", "2024", "A", "单位A", "", "", "80.00", "80.10", "+0.10"]
    assert lines[-1] == ["不能计分的数据", "2024", "A", "单位A", "A1.1", "RANGE", "", "", "+2"]


def test_proposals_come_newest_first_and_in_pages(desk, monkeypatch):
    numbers = [proposed(desk, DOCUMENT, after=str(number).encode()) for number in range(5)]
    monkeypatch.setattr(ground, "PAGE_SIZE", 2)
    walked, after = [], None
    while True:
        page = ground.ground_proposals(desk, after=after)
        walked.append([one.proposal_id for one in page.rows])
        after = page.next
        if after is None:
            break
    assert walked == [numbers[:2:-1], numbers[2:0:-1], numbers[:1]]


def test_a_ground_that_changed_since_makes_a_proposal_stale(desk):
    number = proposed(desk, DOCUMENT)
    (desk.settings.holidays_dir / "2026.csv").write_bytes(b"changed by hand")
    assert ground.shown_proposal(desk, number).is_stale


def test_a_number_that_does_not_exist(desk):
    for find in (ground.shown_proposal, ground.effect_rows):
        with pytest.raises(UsageError, match="没有编号为 7 的提议"):
            find(desk, 7)
