"""Scoring takes some units at a time: the same rows however many those are, and memory that the region's size leaves alone."""

import gc
import tracemalloc
from datetime import date

import pytest
from sqlalchemy import Engine, select

from fazhi.model.terms import Aggregation, Frequency, RuleType, Stage
from fazhi.store import open_store, read
from fazhi.store.tables import current_result, result, result_adjustment, result_input, result_line
from support.scoring import OFFICE, World, code, edition, event, indicator, registry, unit

QUARTERS = tuple(f"2024-Q{number}" for number in range(1, 5))
TABLES = (result, result_line, result_adjustment, result_input, current_result)


def take(monkeypatch, *, units: int, results: int) -> None:
    """Compute so many units, and keep so many results, at a time."""
    monkeypatch.setattr("fazhi.score.slice._UNITS_AT_ONCE", units)
    monkeypatch.setattr("fazhi.score.results._KEPT_AT_ONCE", results)


def kept(engine: Engine) -> list[list[tuple]]:
    """All that scoring keeps, in the order of keys."""
    with read(engine) as connection:
        return [
            [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in TABLES
        ]


def row(indicator_code: str, numerator: int, denominator: int = 10, **more) -> dict:
    return {"code": indicator_code, "numerator": numerator, "denominator": denominator, **more}


def region_of_many_fates(url: str) -> World:
    """Seven units: one with a predecessor, others stopped, released, unreadable, not applicable, adjusted, rejected."""
    bonus = indicator("X1", {"national": "2", "cap": "3"}, rule_type=RuleType.BONUS_CAPPED, full_mark=0)
    world = World(
        open_store(url),
        edition(
            indicator("A1.1"),
            indicator("A1.2", aggregation=Aggregation.LAST),
            indicator("A1.3", sources=("COURT", "SUB"), frequency=Frequency.YEARLY),
            bonus,
        ),
        registry(
            *(unit(number) for number in range(1, 8)),
            unit(8, valid_to=date(2024, 6, 30), successor_code=code(7)),
            unit(9, scored_by="superior"),
            adjustments=[event(6, "X1", level="national")],
        ),
    )
    submitted = {
        (number, period): world.submit(
            code(number), period, row("A1.1", 6 + number % 5), row("A1.2", 10 - number), row("A1.3", number)
        )
        for number in (1, 2, 3, 4, 6, 7)
        for period in QUARTERS
    }
    world.submit(code(8), "2024-Q1", row("A1.1", 9), row("A1.2", 1))
    world.submit(OFFICE, "2024", row("A1.3", 9, unit=code(1)), row("A1.3", 8, unit=code(7)), kind="office")
    world.find("block", value_id=submitted[2, "2024-Q2"][0])
    held = submitted[3, "2024-Q3"][1]
    world.find("hold", value_id=held)
    world.decide("hold", code(3), "A1.2", "2024-Q3", rule="SYNTH", value_digest=world.digest_of(held))
    (unreadable,) = world.submit(code(4), "2024-Q4", readable=False)
    world.find("block", parse_id=unreadable)
    for period in QUARTERS:
        for asked in ("A1.1", "A1.2"):
            world.decide("not_applicable", code(5), asked, period)
    world.decide("not_applicable", code(5), "A1.3", "2024")
    return world


@pytest.mark.parametrize("stage", Stage)
def test_units_taken_one_by_one_are_kept_as_those_taken_together(tmp_path, monkeypatch, stage):
    together = region_of_many_fates(f"sqlite:///{tmp_path / 'together.db'}")
    outcome = together.score(stage)
    assert (outcome.scored, sorted(outcome.without_result)) == (6, [code(5), code(9)])
    take(monkeypatch, units=1, results=4)
    apart = region_of_many_fates(f"sqlite:///{tmp_path / 'apart.db'}")
    assert apart.score(stage) == outcome
    assert kept(apart.engine) == kept(together.engine)
    again = together.score(stage)
    assert (again.new_versions, again.unchanged) == (0, 6)


def peak_of_scoring(url: str, units: int) -> int:
    """The bytes that scoring so many units holds at most, beyond what was there before."""
    indicators = [indicator(f"A1.{number}") for number in range(1, 11)]
    world = World(open_store(url), edition(*indicators), registry(*map(unit, range(1, units + 1))))
    for number in range(1, units + 1):
        for period in QUARTERS:
            world.submit(code(number), period, *(row(one.code, number % 10) for one in indicators))
    tracemalloc.start()
    try:
        assert world.score().new_versions == units
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        world.engine.dispose()


def test_memory_does_not_grow_with_the_region(tmp_path, monkeypatch):
    take(monkeypatch, units=4, results=4)
    peak_of_scoring(
        f"sqlite:///{tmp_path / 'first.db'}", 4
    )  # what the first run of all remembers is nobody's
    few = peak_of_scoring(f"sqlite:///{tmp_path / 'few.db'}", 8)
    many = peak_of_scoring(f"sqlite:///{tmp_path / 'many.db'}", 80)
    take(monkeypatch, units=80, results=80)
    at_once = peak_of_scoring(f"sqlite:///{tmp_path / 'at-once.db'}", 80)
    assert many < 1.5 * few
    assert at_once > 3 * few


def test_the_collector_of_cycles_is_left_as_it_was(engine, monkeypatch):
    before, during = gc.get_threshold(), []
    world = World(engine, edition(indicator("A1.1")), registry(unit(1)))

    def broken(*_):
        during.append(gc.get_threshold())
        raise KeyboardInterrupt

    monkeypatch.setattr("fazhi.score.results._point", broken)
    with pytest.raises(KeyboardInterrupt):
        world.score()
    assert during[0][0] > before[0]
    assert gc.get_threshold() == before
