"""The committed GX project is what the editions and rules make."""

import json

import pytest

from fazhi.settings import PROJECT_ROOT
from fazhi.validate.catalogue import pages
from fazhi.validate.suites import project_files
from support.validate import EDITIONS, GX_DIR

FILES = project_files(EDITIONS.all)
PAGES = pages(EDITIONS.all)
RULE_PAGES = PROJECT_ROOT / "docs" / "rules"


@pytest.mark.parametrize("path", sorted(FILES))
def test_the_committed_file_is_the_generated_one(path):
    committed = (GX_DIR / path).read_text(encoding="utf-8")
    assert committed == FILES[path], f"{path} is stale: run python -m fazhi.validate.suites and commit"


def test_no_file_is_left_over():
    kept = {
        path.relative_to(GX_DIR).as_posix()
        for folder in ("expectations", "checkpoints", "validation_definitions")
        for path in (GX_DIR / folder).iterdir()
    }
    assert kept == {path for path in FILES if "/" in path}


def test_one_expectation_per_rule_kind_with_a_chinese_description_in_order():
    for edition in EDITIONS.all:
        suite = json.loads(FILES[f"expectations/{edition.system_id}.json"])
        rules = [one["meta"]["rule"] for one in suite["expectations"]]
        assert rules == sorted(set(rules))
        assert all(
            any("\u4e00" <= c <= "\u9fff" for c in one["description"]) for one in suite["expectations"]
        )


def test_a_rule_with_checks_of_two_severities_carries_the_graver():
    suite = json.loads(FILES["expectations/2024.json"])
    severities = {one["meta"]["rule"]: one["severity"] for one in suite["expectations"]}
    assert severities["RECONCILE"] == "critical"
    assert severities["JUMP"] == "warning"
    assert severities["ZERO_DENOMINATOR"] == "info"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_rule_catalogue_is_not_stale(name):
    committed = (RULE_PAGES / name).read_text(encoding="utf-8")
    assert committed == PAGES[name], f"{name} is stale: run python -m fazhi.validate.catalogue and commit"


def test_no_catalogue_page_is_left_over():
    assert {path.name for path in RULE_PAGES.iterdir()} == set(PAGES)


def test_the_catalogue_shows_that_a_basis_is_unverified():
    edition = EDITIONS.by_id("2024")
    unverified = [check for check in edition.checks if check.legal_basis_status == "unverified"]
    assert unverified
    assert PAGES["2024.md"].count("未核实") == len(unverified)
