"""Round trips: a synthetic city with planted faults has exactly the findings that were planted, and none else."""

from collections import Counter
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

import pytest

from fazhi.collect import collect_folder
from fazhi.intake import parse_slice
from fazhi.registry import Registry, load_registry
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store, read
from fazhi.store.findings import current_findings
from fazhi.store.raw import RawStore
from fazhi.synth import SynthOutcome, synthesise
from fazhi.systems import Editions
from fazhi.validate import validate_slice

REGION = "150200"
TODAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 9)
REGISTRY_DIR = PROJECT_ROOT / "include" / "registry"
GX_DIR = PROJECT_ROOT / "great_expectations"

Told = tuple[str, str, str, str, str, str | None, str | None]
"""Submission, rule, severity, unit, period, sheet, cell."""


def found(
    outcome: SynthOutcome, home: Path, registry: Registry, editions: Editions, years: range
) -> list[Told]:
    """The findings in force after collecting, reading and validating what was made."""
    engine, raw = open_store(f"sqlite:///{home / 'fazhi.db'}"), RawStore(str(home / "raw"))
    for year in years:
        assert collect_folder(engine, raw, outcome.inbox, year, now=NOW).problems == ()
        counts = parse_slice(engine, raw, editions.for_year(year), registry, year, today=TODAY, now=NOW)
        assert counts.problems == ()
    told: list[Told] = []
    for year in years:
        validate_slice(
            engine, editions.for_year(year), registry, year, REGION, today=TODAY, gx_dir=GX_DIR, now=NOW
        )
        with read(engine) as connection:
            told += [
                (
                    row["submission_id"],
                    row["rule"],
                    row["severity"],
                    row["unit_code"],
                    row["period"],
                    row["sheet"],
                    row["cell"],
                )
                for row in current_findings(connection, year)
            ]
    return told


def planted(outcome: SynthOutcome) -> list[Told]:
    """What the list of faults says, but for what a later revision put right."""
    return [
        (
            fault.submission_id,
            fault.rule,
            fault.severity,
            fault.unit_code,
            fault.period,
            fault.sheet or None,
            fault.cell or None,
        )
        for fault in outcome.faults
        if fault.corrected == "否"
    ]


def assert_exact(outcome: SynthOutcome, told: list[Told]) -> None:
    expected, seen = Counter(planted(outcome)), Counter(told)
    assert sorted((expected - seen).elements(), key=str) == []  # planted and not found
    assert sorted((seen - expected).elements(), key=str) == []  # found and not planted


def test_a_clean_city_has_no_finding(tmp_path: Path, registry: Registry, editions: Editions) -> None:
    years = range(2025, 2026)
    outcome = synthesise(registry, editions, years, 4, 11, tmp_path / "city", Fraction(0), today=TODAY)
    assert found(outcome, tmp_path, registry, editions, years) == []


def test_300_workbooks_have_exactly_the_planted_findings(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    years = range(2024, 2026)
    outcome = synthesise(
        registry,
        editions,
        years,
        2,
        5,
        tmp_path / "city",
        Fraction("0.12"),
        today=TODAY,
        workbooks=True,
    )
    assert outcome.submissions >= 300
    assert len({fault.rule for fault in outcome.faults}) >= 25
    assert_exact(outcome, found(outcome, tmp_path, registry, editions, years))


@pytest.mark.ci
def test_a_city_of_csv_files_has_exactly_the_planted_findings(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    years = range(2024, 2026)
    outcome = synthesise(registry, editions, years, 12, 8, tmp_path / "city", Fraction("0.1"), today=TODAY)
    assert len({fault.rule for fault in outcome.faults}) >= 40
    assert_exact(outcome, found(outcome, tmp_path, registry, editions, years))


@pytest.mark.soak
def test_10000_submissions_have_exactly_the_planted_findings(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    years = range(2024, 2026)
    outcome = synthesise(
        registry,
        editions,
        years,
        400,
        13,
        tmp_path / "city",
        Fraction("0.02"),
        today=TODAY,
        registry_dir=REGISTRY_DIR,
    )
    assert outcome.submissions >= 10_000
    enlarged = load_registry(tmp_path / "city" / "registry", editions)
    assert_exact(outcome, found(outcome, tmp_path, enlarged, editions, years))
