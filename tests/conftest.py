"""What all tests share: the requirement switch, a store, the shipped editions and registry."""

import os
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).parent))

from fazhi.registry import Registry, load_registry
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store
from fazhi.systems import Editions, load_editions

REQUIRED = frozenset(filter(None, os.environ.get("FAZHI_REQUIRE", "").split(",")))


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


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(f"sqlite:///{tmp_path / 'fazhi.db'}")
