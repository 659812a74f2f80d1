"""A synthetic city: the same bytes twice, clean where nothing was planted, every planted fault found at its cell."""

import csv
import json
from collections import defaultdict
from datetime import date, datetime
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fazhi.collect import collect_folder
from fazhi.intake import parse_slice
from fazhi.model.errors import UsageError
from fazhi.registry import Registry, load_registry
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store, read
from fazhi.store.findings import current_findings
from fazhi.store.raw import RawStore
from fazhi.synth import SynthOutcome, synthesise
from fazhi.systems import Editions
from fazhi.validate import validate_slice

TODAY = date(2025, 5, 20)
YEARS = (2024, 2025)
REGISTRY_DIR = PROJECT_ROOT / "include" / "registry"
STOPPING = ("block", "hold", "warn", "security")

Finding = dict[str, object]


def make(
    registry: Registry,
    editions: Editions,
    out: Path,
    rate: str,
    *,
    units: int | None = 10,
    seed: int = 5,
    **more: object,
) -> SynthOutcome:
    return synthesise(
        registry,
        editions,
        more.pop("years", YEARS),  # type: ignore[arg-type]
        units,
        seed,
        out,
        Fraction(rate),
        today=TODAY,
        **more,  # type: ignore[arg-type]
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assessed(inbox: Path, home: Path, registry: Registry, editions: Editions) -> list[Finding]:
    """Collect, read and validate the years; the findings in force."""
    engine: Engine = open_store(f"sqlite:///{home / 'fazhi.db'}")
    raw = RawStore(str(home / "raw"))
    now = datetime(2025, 5, 20, 9)
    for year in YEARS:
        collected = collect_folder(engine, raw, inbox, year, now=now)
        assert collected.problems == ()
        parse_slice(engine, raw, editions.for_year(year), registry, year, today=TODAY, now=now)
    found: list[Finding] = []
    for year in YEARS:
        gx_dir = PROJECT_ROOT / "great_expectations"
        validate_slice(
            engine, editions.for_year(year), registry, year, "150200", today=TODAY, gx_dir=gx_dir, now=now
        )
        with read(engine) as connection:
            found += current_findings(connection, year)
    return found


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, registry: Registry, editions: Editions) -> SynthOutcome:
    return make(registry, editions, tmp_path_factory.mktemp("clean"), "0")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, registry: Registry, editions: Editions) -> SynthOutcome:
    return make(registry, editions, tmp_path_factory.mktemp("faulty"), "0.05")


def test_the_same_arguments_give_the_same_bytes(
    tmp_path: Path, faulty: SynthOutcome, registry: Registry, editions: Editions
) -> None:
    again = make(registry, editions, tmp_path, "0.05")
    assert tree(tmp_path) == tree(faulty.inbox.parent)
    assert (again.faults, again.submissions, again.rows) == (faulty.faults, faulty.submissions, faulty.rows)


def test_another_seed_gives_another_city(
    tmp_path: Path, clean: SynthOutcome, registry: Registry, editions: Editions
) -> None:
    other = make(registry, editions, tmp_path, "0", seed=6)
    assert other.submissions == clean.submissions
    assert tree(tmp_path) != tree(clean.inbox.parent)


def test_a_year_made_alone_equals_the_same_year_among_others(
    tmp_path: Path, clean: SynthOutcome, registry: Registry, editions: Editions
) -> None:
    make(registry, editions, tmp_path, "0", years=[2025])
    alone = tree(tmp_path / "submissions")
    among = {name: content for name, content in tree(clean.inbox).items() if name.startswith("synth-2025-")}
    assert alone == among


def test_every_submission_is_shaped_like_the_portals(faulty: SynthOutcome, registry: Registry) -> None:
    folders = sorted(faulty.inbox.iterdir())
    assert len(folders) == faulty.submissions
    for folder in folders:
        manifest = json.loads((folder / "submission.json").read_text(encoding="utf-8"))
        assert folder.name == manifest["submission_id"] + ("-r2" if manifest["revision"] == 2 else "")
        assert registry.known_code(manifest["unit_code"])
        assert manifest["period"].startswith(str(manifest["year"]))
        assert "合成数据" in manifest["submitted_by"]
        assert datetime.fromisoformat(manifest["submitted_at"]).date() <= TODAY
        assert {path.name for path in folder.iterdir()} == {f["name"] for f in manifest["files"]} | {
            "submission.json"
        }
        for file in manifest["files"]:
            content = (folder / file["name"]).read_bytes()
            assert (file["sha256"], file["size"]) == (sha256(content).hexdigest(), len(content))
            assert "合成数据" in file["name"]


def test_the_list_of_faults_lies_beside_and_names_what_is_written(faulty: SynthOutcome) -> None:
    with (faulty.inbox.parent / "faults.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    assert len(listed) == len(faulty.faults) > 250
    for fault in listed:
        if fault["cell"] and fault["indicator_code"]:  # of a row; the others stand in the header or below
            line, column = fault["cell"].split(":")
            with (faulty.inbox / fault["submission_id"] / fault["file"]).open(encoding="utf-8") as file:
                rows = list(csv.reader(file))
            assert rows[int(line) - 1][rows[0].index(column)] == fault["written"], fault


def test_clean_data_raise_no_finding(
    tmp_path: Path, clean: SynthOutcome, registry: Registry, editions: Editions
) -> None:
    found = assessed(clean.inbox, tmp_path, registry, editions)
    assert [finding for finding in found if finding["severity"] in STOPPING] == []


def test_every_planted_fault_is_found_at_its_cell(
    tmp_path: Path, faulty: SynthOutcome, registry: Registry, editions: Editions
) -> None:
    found = defaultdict(set)
    for finding in assessed(faulty.inbox, tmp_path, registry, editions):
        found[finding["submission_id"], finding["revision"]].add((finding["rule"], finding["cell"]))
    missed = [
        fault
        for fault in faulty.faults
        if fault.corrected == "否"
        and (fault.rule, fault.cell or None) not in found[fault.submission_id, fault.revision]
    ]
    assert missed == []
    planted = {fault.rule for fault in faulty.faults}
    assert planted >= {"NUM_GT_DEN", "RATIO_MISMATCH", "EVIDENCE_MISSING", "DUP_ROW", "JUMP", "RECONCILE"}


def test_corrected_submissions_replace_the_faulty_ones(faulty: SynthOutcome, clean: SynthOutcome) -> None:
    corrected = {fault.submission_id for fault in faulty.faults if fault.corrected == "是"}
    assert corrected
    assert corrected == {path.name.removesuffix("-r2") for path in faulty.inbox.glob("*-r2")}
    for submission_id in corrected:
        right = faulty.inbox / f"{submission_id}-r2" / "填报表（合成数据）.csv"
        assert right.read_bytes() == (clean.inbox / submission_id / "填报表（合成数据）.csv").read_bytes()


def test_units_beyond_the_registry_are_made_up_with_their_registry(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    scored = len(registry.scored_units(2024, TODAY))
    outcome = make(
        registry, editions, tmp_path, "0", units=scored + 3, years=[2024], registry_dir=REGISTRY_DIR
    )
    enlarged = load_registry(tmp_path / "registry", editions)
    assert len(enlarged.scored_units(2024, TODAY)) == scored + 3
    names = {unit.name_zh: unit.unit_code for unit in enlarged.units}
    assert (outcome.inbox / f"synth-2024-{names['合成单位0001']}-2024").is_dir()


def test_offices_of_a_province_report_city_by_city(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    """No file about all units of a province: an office speaks of its own city, and all cities are as complete."""
    scored = len(registry.scored_units(2024, TODAY))
    outcome = make(
        registry,
        editions,
        tmp_path,
        "0",
        units=scored + 8,
        years=[2024],
        registry_dir=REGISTRY_DIR,
        regions=3,
    )
    enlarged = load_registry(tmp_path / "registry", editions)
    homes = {unit.unit_code: enlarged.region_of(unit) for unit in enlarged.units}
    reported: dict[str, set[str]] = defaultdict(set)
    for manifest in outcome.inbox.glob("synth-2024-office-*/submission.json"):
        told = json.loads(manifest.read_text(encoding="utf-8"))
        with manifest.with_name("填报表（合成数据）.csv").open(encoding="utf-8-sig", newline="") as file:
            about = {row["unit_code"] for row in csv.DictReader(file)}
        assert {homes[code] for code in about} == {homes[told["unit_code"]]}
        reported[homes[told["unit_code"]]] |= about
    for city in ("150100", "150300"):
        assert reported[city] == {unit.unit_code for unit in enlarged.scored_units(2024, TODAY, city)}


def test_a_second_city_leaves_nothing_of_the_first(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    (tmp_path / "keep.txt").write_text("不是合成的", encoding="utf-8")
    make(registry, editions, tmp_path, "0", units=4, years=[2024])
    fewer = make(registry, editions, tmp_path, "0", units=2, years=[2024])
    assert len(list(fewer.inbox.iterdir())) == fewer.submissions
    assert (tmp_path / "keep.txt").is_file()


def test_workbooks_carry_the_same_faults_at_their_own_cells(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    outcome = make(registry, editions, tmp_path / "city", "0.05", units=2, years=[2025], workbooks=True)
    home = tmp_path / "home"
    home.mkdir()
    found = {
        (finding["submission_id"], finding["rule"], finding["cell"])
        for finding in assessed(outcome.inbox, home, registry, editions)
    }
    standing = [fault for fault in outcome.faults if fault.corrected == "否"]
    assert standing
    assert [f for f in standing if (f.submission_id, f.rule, f.cell or None) not in found] == []
    again = make(registry, editions, tmp_path / "again", "0.05", units=2, years=[2025], workbooks=True)
    assert tree(tmp_path / "city") == tree(tmp_path / "again")
    assert again.faults == outcome.faults


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"years": []}, "没有给出年度"),
        ({"years": [2026]}, "2026年还没有开始"),
        ({"units": 0}, "单位数应不少于1"),
        ({"rate": "1.5"}, "差错比例应在0与1之间"),
        ({"units": 500}, "须给出名录所在的文件夹"),
    ],
)
def test_what_makes_no_sense_is_refused(
    tmp_path: Path, registry: Registry, editions: Editions, arguments: dict[str, object], told: str
) -> None:
    rate = str(arguments.pop("rate", "0"))
    with pytest.raises(UsageError, match=told):
        make(registry, editions, tmp_path, rate, **arguments)  # type: ignore[arg-type]
