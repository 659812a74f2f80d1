"""What all tests share: the requirement switch, a store, the shipped editions and registry."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parent))

from fazhi.registry import Registry, load_registry
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store
from fazhi.systems import Editions, load_editions
from support import postgres

# how long an example takes says how busy the machine is; speed is measured in tests/benchmarks
settings.register_profile("fazhi", deadline=None)
settings.load_profile("fazhi")

ON_BOTH_STORES = frozenset(
    {
        "test_audit_chain",
        "test_audit_tampering_property",
        "test_collect_folder",
        "test_collect_record",
        "test_desk_decisions",
        "test_desk_runs",
        "test_desk_scores",
        "test_intake_parse",
        "test_publish_final",
        "test_publish_outbox",
        "test_publish_platform",
        "test_publish_reconcile",
        "test_store_bulk",
        "test_review_decide",
        "test_review_ground",
        "test_score_export",
        "test_score_slice",
        "test_store_engine",
    }
)
REQUIRED = frozenset(filter(None, os.environ.get("FAZHI_REQUIRE", "").split(",")))


SOAK_SECONDS = 7_200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A soak is long: the limit that ends a hanging test would end a healthy one on a busy machine."""
    for item in items:
        if item.get_closest_marker("soak"):
            item.add_marker(pytest.mark.timeout(SOAK_SECONDS))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("soak") and not os.environ.get("FAZHI_SOAK"):
        pytest.skip("soak: long and random, run by `make soak`")
    if item.get_closest_marker("ci") and os.environ.get("FAZHI_TIER") != "ci":
        pytest.skip("ci: long, run by .ci/run (FAZHI_TIER=ci)")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Under FAZHI_REQUIRE a skip for want of a named thing is a failure."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        lacking = [name for name in REQUIRED if f"needs {name}" in reason]
        if lacking:
            report.outcome = "failed"
            report.longrepr = f"FAZHI_REQUIRE names {', '.join(lacking)}, but the test was skipped: {reason}"


@pytest.fixture(scope="session")
def project_root() -> Path:
    return PROJECT_ROOT


@pytest.fixture(scope="session")
def editions() -> Editions:
    return load_editions(PROJECT_ROOT / "include" / "indicator_systems")


@pytest.fixture(scope="session")
def registry(editions: Editions) -> Registry:
    return load_registry(PROJECT_ROOT / "include" / "registry", editions)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The store's tests run on SQLite always, the ones that matter on PostgreSQL too (in the ci tier)."""
    if "store_url" not in metafunc.fixturenames:
        return
    stores = ["sqlite"]
    if metafunc.module.__name__.rpartition(".")[2] in ON_BOTH_STORES:
        stores.append(pytest.param("postgresql", marks=pytest.mark.ci))
    metafunc.parametrize("store_url", stores, indirect=True)


@pytest.fixture(scope="session")
def cluster() -> Iterator[postgres.Cluster]:
    if reason := postgres.why_not():
        pytest.skip(reason)
    with postgres.running_cluster() as running:
        yield running


@pytest.fixture
def postgres_url(cluster: postgres.Cluster) -> Iterator[str]:
    """A fresh, migrated database on PostgreSQL."""
    url = cluster.fresh()
    yield url
    cluster.drop(url)


@pytest.fixture
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store; see ``pytest_generate_tests`` for the databases."""
    if getattr(request, "param", "sqlite") == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'fazhi.db'}"


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    opened = open_store(store_url)
    yield opened
    opened.dispose()
