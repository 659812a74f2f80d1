"""The order of submissions, rows, units, runs and parts of a run leaves no trace in ``fazhi export``, on any database."""

import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from fazhi.model.terms import Stage, Tag
from fazhi.score import export_year
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store
from support.score_books import UNITS, events, lead_tasks, row_values, system
from support.scoring import NOW, YEAR, World, registry, unit

FILES = ("inputs.csv", "lines.csv", "results.csv", "adjustments.csv", "manifest.json")


def shuffled_world(engine, seed: int) -> World:
    """The same six units, everything in another order; with a seed of 0 in the order of codes."""
    shuffle = random.Random(seed).shuffle if seed else (lambda _: None)
    units = [unit(number, Tag.ENF, Tag.LEAD) for number in range(1, 7)]
    recorded, led = events(), lead_tasks()
    order = list(enumerate(UNITS, 1))
    for some in (units, recorded, led, order):
        shuffle(some)
    world = World(engine, system(), registry(*units, adjustments=recorded, lead_tasks=led))
    halves = []
    for number, unit_code in order:
        rows = row_values(number)
        shuffle(rows)
        halves += [(unit_code, "2024", rows), (unit_code, "2024-H1", row_values(1)[:2])]
    shuffle(halves)
    for unit_code, period, rows in halves:
        world.submit(unit_code, period, *rows)
    return world


def exported(world: World, out: Path) -> dict[str, bytes]:
    export_year(world.engine, YEAR, out)
    return {name: (out / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The export of everything in its plain order."""
    home = tmp_path_factory.mktemp("plain")
    world = shuffled_world(open_store(f"sqlite:///{home / 'fazhi.db'}"), 0)
    world.score(Stage.FINAL)
    return exported(world, home / "out")


def without_cells(files: dict[str, bytes]) -> dict[str, bytes]:
    """Shuffled rows stand in other cells, and the manifest holds the digest of that; nothing else may differ."""
    lines = files["inputs.csv"].decode().splitlines()
    return {
        **{name: files[name] for name in ("lines.csv", "results.csv", "adjustments.csv")},
        "inputs.csv": "\n".join(",".join(line.split(",")[:-2]) for line in lines).encode(),
    }


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.ci) for seed in (2, 3))])
def test_the_order_of_everything_leaves_no_trace(engine, plain, tmp_path, seed):
    world = shuffled_world(engine, seed)
    world.score(Stage.FINAL)
    assert without_cells(exported(world, tmp_path / "out")) == without_cells(plain)


def test_scoring_again_years_later_changes_nothing(engine, plain, tmp_path):
    world = shuffled_world(engine, 0)
    world.score(Stage.FINAL)
    world.score(Stage.FINAL, now=NOW + timedelta(days=4000), today=NOW.date() + timedelta(days=4000))
    assert exported(world, tmp_path / "out") == plain


@pytest.mark.parametrize("at_once", [1, 4])
def test_how_many_units_are_computed_at_once_leaves_no_trace(engine, plain, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr("fazhi.score.slice._UNITS_AT_ONCE", at_once)
    monkeypatch.setattr("fazhi.score.results._KEPT_AT_ONCE", 3)
    world = shuffled_world(engine, 0)
    world.score(Stage.FINAL)
    assert exported(world, tmp_path / "out") == plain


_PROCESS = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from fazhi.model.terms import Stage
from fazhi.store import open_store
from integration.test_score_permutations import exported, shuffled_world
world = shuffled_world(open_store("sqlite:///{home}/fazhi.db"), 0)
world.score(Stage.FINAL)
exported(world, Path({home!r}) / "out")
"""


@pytest.mark.parametrize("hash_seed", ["1", pytest.param("2024", marks=pytest.mark.ci)])
def test_another_process_with_other_hashes_writes_the_same_bytes(plain, tmp_path, hash_seed):
    text = _PROCESS.format(tests=str(PROJECT_ROOT / "tests"), home=str(tmp_path))
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    subprocess.run(
        [sys.executable, "-c", text], env=environment, check=True, capture_output=True, timeout=120
    )
    assert {name: (tmp_path / "out" / name).read_bytes() for name in FILES} == plain


@pytest.mark.ci
def test_postgresql_writes_the_same_bytes(postgres_url, plain, tmp_path):
    engine = open_store(postgres_url)
    world = shuffled_world(engine, 0)
    world.score(Stage.FINAL)
    assert exported(world, tmp_path / "out") == plain
    engine.dispose()
