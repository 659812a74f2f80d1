"""Effective dating holds for any history of a unit: one state per day, heirs that exist, a steady digest."""

import tempfile
from datetime import date, timedelta
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from fazhi.registry import load_registry
from support.registry import UNIT_COLUMNS, made_up_code, unit_row, write_registry, write_rows

FIRST = date(2021, 1, 1)
spans = st.lists(st.integers(1, 400), min_size=1, max_size=5)


def _history(spans: list[int]) -> list[dict[str, str]]:
    """Records of one unit without a gap, the last one open."""
    rows, begin = [], FIRST
    for number, days in enumerate(spans):
        end = begin + timedelta(days=days - 1)
        last = number == len(spans) - 1
        rows.append(
            unit_row(
                1,
                name_zh=f"合成市改名第{number}次局",
                valid_from=begin.isoformat(),
                valid_to="" if last else end.isoformat(),
            )
        )
        begin = end + timedelta(days=1)
    return rows


@settings(max_examples=40, deadline=None)
@given(spans, st.integers(-30, 2500))
def test_each_day_has_exactly_one_state_from_the_first_day_on(spans, offset):
    day = FIRST + timedelta(days=offset)
    rows = _history(spans)
    with tempfile.TemporaryDirectory() as folder:
        registry = load_registry(write_registry(Path(folder), rows), None)
    expected = [
        row["name_zh"]
        for row in rows
        if row["valid_from"] <= day.isoformat()
        and (not row["valid_to"] or day.isoformat() <= row["valid_to"])
    ]
    assert [unit.name_zh for unit in registry.units_on(day)] == expected
    assert len(expected) == (1 if offset >= 0 else 0)
    assert all(registry.find_by_name(name, day) == registry.units_on(day) for name in expected)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(2021, 2025), min_size=1, max_size=5, unique=True).map(sorted))
def test_values_of_every_unit_that_ends_reach_one_unit_that_exists(end_years):
    """A chain 1 → 2 → … where each unit ends in the middle of its year."""
    rows = [
        unit_row(
            number,
            valid_from="2021-01-01" if number == 1 else f"{end_years[number - 2]}-07-01",
            valid_to=f"{year}-06-30",
            successor_code=made_up_code(number + 1),
        )
        for number, year in enumerate(end_years, 1)
    ]
    rows.append(unit_row(len(end_years) + 1, valid_from=f"{end_years[-1]}-07-01"))
    with tempfile.TemporaryDirectory() as folder:
        registry = load_registry(write_registry(Path(folder), rows), None)
    for number, year in enumerate(end_years, 1):
        heir = registry.successor_of(made_up_code(number), date(year, 12, 31))
        assert heir == made_up_code(number + 1)
        assert registry.predecessors_of(heir, year) == (made_up_code(number),)
        assert registry.successor_of(made_up_code(number), date(2026, 1, 1)) == made_up_code(len(rows))


@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_and_line_endings_leave_the_digest_alone(random: Random):
    rows = [unit_row(number) for number in range(1, 6)]
    with tempfile.TemporaryDirectory() as folder:
        before = load_registry(write_registry(Path(folder), rows), None).digest
        random.shuffle(rows)
        columns = list(UNIT_COLUMNS)
        random.shuffle(columns)
        write_rows(Path(folder) / "units.csv", columns, rows, newline="\r\n")
        assert load_registry(Path(folder), None).digest == before
        rows[0]["name_zh"] += "改"
        write_rows(Path(folder) / "units.csv", columns, rows)
        assert load_registry(Path(folder), None).digest != before
