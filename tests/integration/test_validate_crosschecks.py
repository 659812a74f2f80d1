"""Real figures of public articles beside one another: what must be found, what must not, what cannot be compared."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from fazhi.model.quantity import read_quantity
from fazhi.model.terms import Severity, Tag
from fazhi.registry.records import LeadTask
from fazhi.systems.edition import Check, Edition
from support.validate import EDITIONS, City, code_of, small_registry, unit

TABLE: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parents[1] / "support" / "validate_crosschecks.yaml").read_text(encoding="utf-8")
)
EDITION = EDITIONS.by_id("2024")
GENERAL = [
    "RATIO_GT_1",
    "RATIO_MISMATCH",
    "NUM_GT_DEN",
    "CONFLICT",
    "RECONCILE",
    "CUMULATIVE_DECREASE",
    "NESTED_PERIOD",
    "INCOMPARABLE",
    "DEFINITION",
    "JUMP",
    "AMOUNT_SCALE",
    "STALE_COPY",
    "DUP_ROW",
]
"""The kinds that look at every figure; the pairs of indicators are each case's own."""


def edition_with(extra: list[dict[str, Any]]) -> Edition:
    """The edition's checks of general kinds and a case's own."""
    model = EDITION.check_for("SUBSET")
    own = [
        replace(
            model,
            check_id=one["id"],
            rule=one["rule"],
            severity=Severity(one["severity"]),
            params={
                name: Fraction(value)
                if name in ("low", "high")
                else tuple(value)
                if name == "parts"
                else value
                for name, value in one["params"].items()
            },
        )
        for one in extra
    ]
    checks: tuple[Check, ...] = (*(check for check in EDITION.checks if check.rule in GENERAL), *own)
    return replace(EDITION, checks=checks, digest=("e" * 63 + str(len(own))))


def test_every_one_of_the_47_is_in_the_table():
    assert list(TABLE) == [f"X{number:02d}" for number in range(1, 48)]
    assert {name for name, case in TABLE.items() if "outside" in case} == {"X26", "X41", "X45"}


@pytest.mark.parametrize("name", [name for name, case in TABLE.items() if "rows" in case])
def test_the_figures_give_the_verdict(name: str, tmp_path: Path):
    case = TABLE[name]
    task = LeadTask(2024, "T1", "牵头任务(合成数据)", code_of("甲单位"), (), ("A4.5",), None)
    registry = small_registry(EDITION, unit("丙单位", Tag.SINGLE), lead_tasks=(task,))
    city = City.at(tmp_path, edition_with(case.get("checks", [])), 2024, registry=registry, own_suite=True)
    city.submit(case.get("others", ()))
    city.submit(case["rows"])
    city.judge()
    found = [[one["rule"], one["severity"], one["cell"]] for one in city.findings()]
    assert found == case["found"]
    if "lint" in case:
        assert "FUZZY_MALFORMED" in [one.rule for one in read_quantity(case["lint"], "份").problems]


def test_structure_codes_are_no_quantities():
    for text in TABLE["X33"]["no_quantity"]:
        quantity = read_quantity(text, "")
        assert (quantity.exact, quantity.low, quantity.high) == (None, None, None)


def test_a_tenth_is_the_floor_of_the_share_inclusive():
    assert all(Fraction(one.share(one.from_year)) >= Fraction(TABLE["X27"]["share"]) for one in EDITIONS.all)


@pytest.mark.parametrize(
    ("now", "before", "rules"),
    [("8000多", "9000", []), ("8000多", "8999", []), ("8000多", "7999", ["SUBSET"]), ("8000多", "8000", [])],
)
def test_a_fuzzy_part_breaks_a_subset_only_when_no_value_inside_would_do(now, before, rules, tmp_path: Path):
    pair = {"indicator": "H1.1", "part": "value", "of": "I1.2", "of_part": "value"}
    own = edition_with([{"id": "S", "rule": "SUBSET", "severity": "block", "params": pair}])
    city = City.at(tmp_path, own, 2024, own_suite=True)
    city.submit([{"indicator": "H1.1", "value": now}, {"indicator": "I1.2", "value": before}])
    city.judge()
    assert [one["rule"] for one in city.findings()] == rules


@pytest.mark.parametrize(
    ("total", "rules"), [("24", []), ("25", ["SUM_MISMATCH"]), ("20多", []), ("30多", ["SUM_MISMATCH"])]
)
def test_a_total_is_compared_with_the_sum_of_its_parts(total: str, rules: list[str], tmp_path: Path):
    city = City.at(tmp_path, edition_with(TABLE["X01"]["checks"]), 2024, own_suite=True)
    city.submit(
        [{**row, **({"value": total} if row["indicator"] == "H1.1" else {})} for row in TABLE["X01"]["rows"]]
    )
    city.judge()
    assert [one["rule"] for one in city.findings()] == rules


@pytest.mark.parametrize("part", ["I1.2", "F4.2"])
def test_a_sum_with_a_missing_or_unreadable_part_is_not_judged(part: str, tmp_path: Path):
    city = City.at(tmp_path, edition_with(TABLE["X01"]["checks"]), 2024, own_suite=True)
    rows = [row for row in TABLE["X01"]["rows"] if row["indicator"] != part]
    city.submit([*rows, {"indicator": part, "note": "没有填写（合成数据）"}])
    city.judge()
    assert city.findings() == []
