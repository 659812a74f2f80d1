"""GX and the listing agree on every rule kind; a change on either side alone stops the validation and names it."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import support.validate as support
from fazhi.model.errors import SystemFault
from fazhi.settings import PROJECT_ROOT
from fazhi.store import read
from fazhi.store.tables import current_validation, finding, validation
from fazhi.systems.edition import Check
from fazhi.systems.rule_kinds import judged_by
from fazhi.validate import slices
from fazhi.validate.rules import VALUE_RULES
from fazhi.validate.sql import listing_statement
from support.validate import EDITIONS, City

EDITION = EDITIONS.by_id("2024")
FIRST_CHECKS: dict[str, Check] = {check.rule: check for check in reversed(EDITION.checks)}
BY_HAND = (PROJECT_ROOT / "tests" / "benchmarks" / "every_violation.sql").read_text(encoding="utf-8")
BY_RULE = pytest.mark.parametrize("rule", sorted(VALUE_RULES))


def broken_city(folder: Path, check: Check) -> City:
    """A city on which a check's failing example is submitted."""
    stated = check.example_fail
    city = City.at(folder, EDITION)
    city.submit(stated.get("others", ()))
    city.submit(stated["rows"])
    if "deadline" in stated:
        city.set_deadline(**stated["deadline"])
    if "locked" in stated:
        city.lock(stated["locked"])
    return city


@BY_RULE
def test_either_side_alone_is_caught_and_named(rule: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    city = broken_city(tmp_path, FIRST_CHECKS[rule])
    counting = support.counts_by_queries

    def without_the_rule(engine: Any, suite: Any, year: int, region: str) -> dict[str, int]:
        expectations = [
            {**one, "kwargs": {"unexpected_rows_query": f"SELECT * FROM ({_query(one)}) z WHERE 1 = 0"}}
            if one["meta"]["rule"] == rule
            else one
            for one in suite["expectations"]
        ]
        return counting(engine, {**suite, "expectations": expectations}, year, region)

    with monkeypatch.context() as patched:
        patched.setattr(support, "counts_by_queries", without_the_rule)
        with pytest.raises(SystemFault, match=rf"{rule}：GX 0 条，清单 [1-9]"):
            city.judge()
    blind = listing_statement().replace(") t\nORDER BY", f") t WHERE t.rule <> '{rule}'\nORDER BY")
    assert blind != listing_statement()
    with monkeypatch.context() as patched:
        patched.setattr(slices, "listing_statement", lambda: blind)
        with pytest.raises(SystemFault, match=rf"{rule}：GX [1-9][0-9]* 条，清单 0 条"):
            city.judge()
    assert city.count(validation) == city.count(finding) == city.count(current_validation) == 0

    city.judge()
    assert len(city.findings(rule)) >= 1


def _query(expectation: dict[str, Any]) -> str:
    return str(expectation["kwargs"]["unexpected_rows_query"])


@pytest.mark.ci
@BY_RULE
def test_gx_itself_counts_each_rule_as_listed(rule: str, tmp_path: Path):
    city = broken_city(tmp_path, FIRST_CHECKS[rule])
    city.judge(with_gx=True)
    assert len(city.findings(rule)) >= 1


def test_a_listing_without_gx_is_never_taken_for_one_that_gx_judged(tmp_path: Path):
    city = broken_city(tmp_path, FIRST_CHECKS["NEGATIVE"])
    gx_dir, city.gx_dir = city.gx_dir, None
    first = city.judge()
    city.gx_dir = gx_dir
    second = city.judge()
    assert (first.new, second.new) == (True, True)
    assert first.validation_id != second.validation_id
    assert first.counts == second.counts


@pytest.mark.parametrize(
    "check",
    [check for check in EDITION.checks if judged_by(check.rule, check.params) == "values"],
    ids=lambda one: one.check_id,
)
def test_sql_written_by_hand_finds_the_same(check: Check, tmp_path: Path):
    city = broken_city(tmp_path, check)
    city.judge()
    listed = Counter(one["check_id"] for one in city.findings())
    with read(city.engine) as connection:
        found = connection.execute(text(BY_HAND), {"year": city.year, "region": support.REGION}).all()
    assert Counter(row.check_id for row in found) == listed
    assert listed[check.check_id] >= 1
