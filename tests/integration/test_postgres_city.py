"""A whole synthetic city on PostgreSQL and on SQLite: the same findings, the same results, the same exported bytes."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fazhi import pipeline
from fazhi.audit import verify
from fazhi.score import export_year
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.store import open_store, read
from fazhi.store.findings import current_findings
from fazhi.validate.suites import project_files
from support.city import City, write_city

pytestmark = pytest.mark.ci

YEARS = range(2023, 2025)
YEAR = YEARS[-1]


@dataclass(frozen=True)
class Night:
    """What a night left behind."""

    settings: Settings
    engine: Engine
    exported: dict[str, bytes]
    findings: list[tuple]


@pytest.fixture(scope="module")
def city(tmp_path_factory, registry, editions) -> City:
    home = tmp_path_factory.mktemp("city")
    shutil.copytree(PROJECT_ROOT / "include" / "indicator_systems", home / "systems")
    for path, text in project_files(editions.all).items():
        (home / "gx" / path).parent.mkdir(parents=True, exist_ok=True)
        (home / "gx" / path).write_text(text, encoding="utf-8")
    return write_city(registry, editions, home / "inbox", years=YEARS, units=4, faults="0.05")


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory, city) -> Night:
    home = tmp_path_factory.mktemp("sqlite")
    return _night(f"sqlite:///{home / 'fazhi.db'}", home, city)


@pytest.fixture(scope="module")
def on_postgresql(tmp_path_factory, city, cluster) -> Iterator[Night]:
    url = cluster.fresh()
    night = _night(url, tmp_path_factory.mktemp("postgresql"), city)
    yield night
    night.engine.dispose()
    cluster.drop(url)


def _night(url: str, home: Path, city: City) -> Night:
    settings = Settings.load(
        environ={
            "FAZHI_STORE_URL": url,
            "FAZHI_RAW_URL": str(home / "raw"),
            "FAZHI_INBOX": str(city.inbox),
            "FAZHI_SYSTEMS_DIR": str(city.inbox.parent / "systems"),
            "FAZHI_GX_DIR": str(city.inbox.parent / "gx"),
        }
    )
    for year in YEARS:
        pipeline.collect(settings, year)
        pipeline.intake(settings, year)
    for year in YEARS:
        for region in pipeline.region_codes(settings, year):
            pipeline.validate(settings, year, region)
            pipeline.score(settings, year, region)
    engine = open_store(url)
    exported = {}
    for year in YEARS:
        export_year(engine, year, home / str(year))
        files = sorted((home / str(year)).iterdir())
        exported |= {f"{year}/{file.name}": file.read_bytes() for file in files}
    with read(engine) as connection:
        found = [_comparable(row) for year in YEARS for row in current_findings(connection, year)]
    return Night(settings, engine, exported, sorted(found))


def _comparable(row) -> tuple:
    """A finding without the numbers that a database gave it."""
    return tuple(
        str(cell) for name, cell in sorted(row.items()) if not name.endswith("_id") or name == "submission_id"
    )


def test_the_exported_bytes_are_the_same(on_sqlite, on_postgresql):
    assert len(on_sqlite.exported) == 5 * len(YEARS)
    assert on_sqlite.exported[f"{YEAR}/results.csv"].count(b"\n") > 4
    assert on_postgresql.exported == on_sqlite.exported


def test_the_findings_are_the_same(on_sqlite, on_postgresql):
    assert len(on_sqlite.findings) > 20
    assert on_postgresql.findings == on_sqlite.findings


def test_a_second_night_with_nothing_new_changes_nothing(on_postgresql):
    for region in pipeline.region_codes(on_postgresql.settings, YEAR):
        assert pipeline.intake(on_postgresql.settings, YEAR)["parsed"] == 0
        assert pipeline.validate(on_postgresql.settings, YEAR, region)["new"] is False
        assert pipeline.score(on_postgresql.settings, YEAR, region)["new_versions"] == 0
    assert verify(on_postgresql.engine).faults == ()
