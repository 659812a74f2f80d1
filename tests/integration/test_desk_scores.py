"""What the desk shows of scores: the digits of the scoring stage, taken apart, and nothing written."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from sqlalchemy import select, text

from fazhi.desk.prospects import Outcome, prospects
from fazhi.desk.scores import against_year, ranking, unit_score
from fazhi.desk.stability import Stabilities
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.terms import Group, LineStatus, Stage, Tag
from fazhi.score import Supposition, compute_slice, described, sensitivity, suppose
from fazhi.store import open_store, read, write
from fazhi.store.tables import finding, metadata, raw_file, submission_file
from support.score_city import filled_city
from support.scoring import (
    CITY,
    NOW,
    REGION,
    SHA,
    TODAY,
    YEAR,
    World,
    code,
    edition,
    event,
    indicator,
    profile,
    registry,
    unit,
)

U1, U2, U3 = code(1), code(2), code(3)
Q1, Q2, Q3, Q4 = (f"2024-Q{n}" for n in range(1, 5))


def good(indicator_code="A1.1", numerator=9, denominator=10, **more):
    return {"code": indicator_code, "numerator": numerator, "denominator": denominator, **more}


def world_of(engine, *units, **changes):
    made = edition(indicator("A1.1"), indicator("A1.2"), indicator("B1.1"), **changes)
    return World(engine, made, registry(*(units or (unit(1), unit(2), unit(3)))))


@pytest.fixture
def world(engine):
    return world_of(engine)


def everything(engine):
    """Every row of the store: what a page must leave as it is."""
    with read(engine) as connection:
        return {
            table.name: connection.execute(select(table).order_by(*table.primary_key)).all()
            for table in metadata.sorted_tables
        }


def prospects_of(world, unit_code=U1):
    before = everything(world.engine)
    with read(world.engine) as connection:
        found = prospects(connection, world.edition, world.registry, YEAR, unit_code, today=TODAY)
    assert everything(world.engine) == before
    return found


def outcome(world, unit_code=U1):
    with read(world.engine) as connection:
        one = unit_score(connection, world.registry, world.edition, YEAR, unit_code, today=TODAY)
    return Outcome(one.score, one.component)


@pytest.mark.parametrize("stage", Stage)
def test_one_unit_alone_has_the_digits_of_the_whole_slice(engine, editions, registry, stage):
    city = filled_city(engine, editions.for_year(YEAR), registry, stage, only=12)
    today = date(YEAR + 1, 2, 1)
    (region,) = {registry.region_of(one) for one in registry.scored_units(YEAR, today)}
    with read(engine) as connection:
        whole = compute_slice(connection, city.edition, registry, YEAR, region, today=today, stage=stage)
        for one in whole.results:
            (alone,) = suppose(
                connection,
                city.edition,
                registry,
                YEAR,
                one.unit_code,
                [Supposition()],
                today=today,
                stage=stage,
            )
            assert described(alone) == described(replace(one, standing=None))
    assert len(whole.results) > 50


def test_units_are_ranked_among_their_like_and_provisional_ranks_are_tentative(engine):
    world = world_of(engine, unit(1), unit(2), unit(3), unit(4, Tag.REGION), unit(5, Tag.REGION))
    for number, earned in ((1, 9), (2, 10), (3, 9), (4, 8), (5, 9)):
        world.submit(code(number), Q1, good(numerator=earned), good("B1.1", numerator=10))
    world.score()
    with read(engine) as connection:
        found = ranking(connection, world.registry, YEAR, REGION, today=TODAY)
    assert [(pool.parent_code, pool.is_region) for pool in found.pools] == [(CITY, True), (CITY, False)]
    departments = found.pools[1]
    assert [(one.unit_code, one.rank, one.tentative) for one in departments.rows.rows] == [
        (U2, 1, True),
        (U1, 2, True),
        (U3, 2, True),
    ]
    assert (departments.units, departments.highest, departments.lowest) == (3, 6667, 5000)
    assert departments.mean == 5556
    world.score(Stage.FINAL)
    with read(engine) as connection:
        found = ranking(connection, world.registry, YEAR, REGION, today=TODAY)
    assert not any(one.tentative for pool in found.pools for one in pool.rows.rows)
    assert found.pools[1].rows.rows[0].grade == "不合格"


def test_a_ranking_is_paged_without_a_gap_or_a_repetition(engine):
    units = [unit(number) for number in range(1, 121)]
    world = world_of(engine, *units)
    for number in range(1, 121):
        world.submit(code(number), Q1, good(numerator=8 + number % 3))
    world.score()
    seen, cursor, pages = [], None, 0
    with read(engine) as connection:
        while True:
            (pool,) = ranking(connection, world.registry, YEAR, REGION, today=TODAY, cursor=cursor).pools
            seen += [(one.rank, -one.score, one.unit_code) for one in pool.rows.rows]
            pages += 1
            cursor = pool.rows.next
            if cursor is None:
                break
    assert pages == 3
    assert seen == sorted(seen)
    assert len({row[2] for row in seen}) == 120
    assert sorted({row[0] for row in seen}) == [1, 41, 81]
    with read(engine) as connection:
        (pool,) = ranking(connection, world.registry, YEAR, REGION, today=TODAY, name="合成单位7").pools
        assert {one.unit_name for one in pool.rows.rows} == {
            "合成单位7",
            *(f"合成单位7{n}" for n in range(10)),
        }
        assert pool.units == 120
        with pytest.raises(UsageError, match="翻页"):
            ranking(connection, world.registry, YEAR, REGION, today=TODAY, cursor="W10")


def test_a_score_is_taken_apart_down_to_cell_file_and_revision(world):
    with write(world.engine) as connection:
        connection.execute(raw_file.insert().values(sha256=SHA, size=1, first_seen_at=NOW.isoformat()))
        connection.execute(
            submission_file.insert().values(
                submission_id=f"synth-unit-{U1}-{Q1}",
                revision=1,
                name="一季度.xlsx",
                role="workbook",
                sha256=SHA,
                size=1,
            )
        )
    world.registry = registry(unit(1), adjustments=(event(1, "A1.2"),))
    world.submit(U1, Q1, good(), good("B1.1", 10, 10))
    world.score()
    with read(world.engine) as connection:
        found = unit_score(connection, world.registry, world.edition, YEAR, U1, today=TODAY)
    by_code = {line.indicator_code: line for line in found.lines}
    line = by_code["A1.1"]
    assert line.rate == Fraction(1, 2)
    assert line.points == (2 * line.weight + 2) // 4
    (figure,) = line.figures
    assert (figure.figure, figure.period) == ("9 ÷ 10", Q1)
    assert (figure.place.submission_id, figure.place.revision) == (f"synth-unit-{U1}-{Q1}", 1)
    assert (figure.place.file_name, figure.place.sheet) == ("一季度.xlsx", "填报表")
    assert (figure.place.cell, figure.place.cell_denominator) == ("E3", "G3")
    assert figure.place.file_sha256 == SHA
    assert by_code["A1.2"].status is LineStatus.MISSING
    assert by_code["A1.2"].lost == by_code["A1.2"].weight
    assert found.lines[0].above == 10000
    assert found.lines[-1].above - found.lines[-1].lost == found.base
    assert found.lost == 10000 - found.base
    assert sum(group.points for group in found.groups) == found.base
    assert sum(group.weight for group in found.groups) == 10000
    assert found.base + found.bonus - found.deduction + found.clamp == found.score
    assert found.component == found.component_by_score


def test_a_group_without_an_indicator_gives_its_share_to_the_others(engine):
    world = world_of(engine)
    world.edition = replace(
        world.edition, profiles=(replace(world.edition.profiles[0], shares={"COMMON": 40, "LEAD": 60}),)
    )
    world.submit(U1, Q1, good())
    world.score()
    with read(engine) as connection:
        found = unit_score(connection, world.registry, world.edition, YEAR, U1, today=TODAY)
    sums = {group.group.value: (group.declared, group.share, group.weight) for group in found.groups}
    assert sums == {"COMMON": (Fraction(40), Fraction(100), 10000), "LEAD": (Fraction(60), Fraction(0), 0)}
    assert all(group.again for group in found.groups)


def test_rounding_line_by_line_is_no_redistribution(engine):
    world = world_of(engine, profiles=(profile("50", "50", "0"),))
    world.edition = replace(
        world.edition,
        indicators=tuple(indicator(f"A{n}.1", group=Group.COMMON) for n in range(1, 4))
        + tuple(indicator(f"B{n}.1", group=Group.FUNCTION) for n in range(1, 8)),
    )
    world.submit(U1, Q1, good("A1.1"))
    world.score()
    with read(engine) as connection:
        found = unit_score(connection, world.registry, world.edition, YEAR, U1, today=TODAY)
    assert [(group.share, group.weight) for group in found.groups] == [
        (Fraction(50), 5001),
        (Fraction(50), 4999),
    ]
    assert not any(group.again for group in found.groups)


def test_an_unknown_unit_or_version_is_refused(world):
    world.submit(U1, Q1, good())
    world.score()
    with read(world.engine) as connection:
        with pytest.raises(UsageError, match="没有得分"):
            unit_score(connection, world.registry, world.edition, YEAR, "X", today=TODAY)
        with pytest.raises(UsageError, match="第 9 版"):
            unit_score(connection, world.registry, world.edition, YEAR, U1, today=TODAY, version=9)


# --- what open decisions would change


def test_what_a_release_would_bring_is_what_it_then_brings(world):
    first, second, third = world.submit(U1, Q1, good(), good("A1.2", 10, 10), good("B1.1", 10, 10))
    on_first = world.find("hold", value_id=first)
    world.find("warn", value_id=third)
    again = world.find("hold", value_id=second)
    world.score()
    stored = outcome(world)
    found = prospects_of(world)
    assert (found.stored, found.as_stands, found.pending_run) == (stored, stored, False)
    assert [(one.kind, one.indicator_code, one.findings) for one in found.open_decisions] == [
        ("hold", "A1.1", (on_first,)),
        ("hold", "A1.2", (again,)),
    ]
    assert found.warnings == 1
    assert {one.indicator_code: one.most for one in found.recoverable} == {
        line.indicator_code: line.weight for line in lines_of(world) if line.status is LineStatus.REJECTED
    }
    world.decide("hold", U1, "A1.1", Q1, rule="SYNTH", value_digest=world.digest_of(first))
    decided = prospects_of(world)
    assert decided.pending_run
    assert decided.as_stands == found.open_decisions[0].outcome
    assert decided.all_approved == found.all_approved
    world.score()
    assert outcome(world) == found.open_decisions[0].outcome
    world.decide("hold", U1, "A1.2", Q1, rule="SYNTH", value_digest=world.digest_of(second))
    world.score()
    assert outcome(world) == found.all_approved
    assert prospects_of(world).open_decisions == ()


def lines_of(world, unit_code=U1):
    with read(world.engine) as connection:
        return unit_score(connection, world.registry, world.edition, YEAR, unit_code, today=TODAY).lines


def test_two_holds_on_one_value_are_lifted_together_and_a_block_stays(world):
    first, second = world.submit(U1, Q1, good(), good("A1.2"))
    world.find("hold", value_id=first)
    world.find("hold", value_id=first, by_reader=True)
    world.find("hold", value_id=second)
    world.find("block", value_id=second)
    world.score()
    found = prospects_of(world)
    assert [len(one.findings) for one in found.open_decisions] == [2, 1]
    assert found.open_decisions[0].outcome.score > found.stored.score
    assert found.open_decisions[1].outcome == found.stored


def test_what_an_approved_claim_would_bring_is_what_it_then_brings(world):
    for period in (Q1, Q2, Q3, Q4):
        world.submit(U1, period, {"code": "A1.1", "not_applicable": 1, "reason": "x"}, good("A1.2", 10, 10))
    world.submit(U1, "2024", good("B1.1", 9, 10))
    world.score()
    found = prospects_of(world)
    (claim,) = found.open_decisions
    assert (claim.kind, claim.indicator_code, claim.periods) == ("not_applicable", "A1.1", (Q1, Q2, Q3, Q4))
    for period in (Q1, Q2, Q3, Q4):
        world.decide("not_applicable", U1, "A1.1", period)
    world.score()
    assert outcome(world) == claim.outcome
    assert claim.outcome.score != found.stored.score


def test_a_refused_hold_is_open_no_more(world):
    (first,) = world.submit(U1, Q1, good())
    world.find("hold", value_id=first)
    world.score()
    world.decide("hold", U1, "A1.1", Q1, rule="SYNTH", value_digest=world.digest_of(first), verdict="refuse")
    found = prospects_of(world)
    assert found.open_decisions == ()
    assert found.all_approved == found.stored


def test_other_units_do_not_bear_on_a_supposition(world):
    mine, *_ = world.submit(U1, Q1, good())
    theirs, *_ = world.submit(U2, Q1, good())
    world.find("hold", value_id=mine)
    world.find("hold", value_id=theirs)
    world.score()
    with read(world.engine) as connection:
        other = connection.execute(
            select(finding.c.finding_id).where(finding.c.value_id == theirs)
        ).scalar_one()
        (made,) = suppose(
            connection,
            world.edition,
            world.registry,
            YEAR,
            U1,
            [
                Supposition(
                    released=frozenset({other}), not_applicable=frozenset({(U2, "A1.1", Period.parse(Q1))})
                )
            ],
            today=TODAY,
            stage=Stage.PROVISIONAL,
        )
    assert made.assessment.score == outcome(world).score


def test_what_was_read_under_another_edition_is_not_supposed(world):
    world.submit(U1, Q1, good())
    world.score()
    world.edition = replace(world.edition, digest="f" * 64)
    with pytest.raises(UsageError, match="还没有按现行指标体系读取"):
        prospects_of(world)


# --- years


def test_two_years_are_compared_line_by_line_and_the_sums_add_up(engine):
    then = World(
        engine, edition(indicator("A1.1"), indicator("A1.2"), digest="a" * 64), registry(unit(1)), year=2023
    )
    then.submit(U1, "2023-Q1", good(), good("A1.2", 10, 10))
    then.score(today=TODAY)
    redefined = indicator("A1.2", {"floor": "0.5", "target": "1"})
    now = World(engine, edition(indicator("A1.1"), redefined, indicator("B1.1")), registry(unit(1)))
    now.submit(U1, Q1, good(numerator=10), good("A1.2"), good("B1.1"))
    now.score()
    with read(engine) as connection:
        found = against_year(connection, YEAR, 2023, U1, edition=now.edition, before_edition=then.edition)
        assert against_year(connection, 2023, 2022, U1, edition=None, before_edition=None) is None
    assert not found.same_edition
    assert found.editions_known
    told = {line.indicator_code: line for line in found.lines}
    assert told["A1.1"].changed == ()
    assert told["A1.2"].changed == ("计分规则",)
    assert told["B1.1"].before is None
    assert (
        sum(line.points for line in found.lines) + found.bonus + found.deduction + found.clamp == found.score
    )
    assert found.comparable == told["A1.1"].points
    assert found.by_edition == told["A1.2"].points + told["B1.1"].points


# --- stability


def test_stability_is_worked_out_once_for_the_same_results(world):
    for number in (1, 2, 3):
        world.submit(code(number), Q1, good(numerator=8 + number % 3), good("A1.2", 10, 10), good("B1.1"))
    world.score()
    kept = Stabilities()

    def ask(region=REGION):
        return kept.of(world.engine, world.edition, world.registry, YEAR, region, today=TODAY)

    first = ask()
    assert first.found == sensitivity(world.engine, world.edition, world.registry, YEAR, today=TODAY)
    assert ask().digest == first.digest
    assert ask("150300").found.units == ()
    world.submit(U1, Q2, good(numerator=1))
    world.score()
    second = ask()
    assert second.digest != first.digest
    assert second.found == sensitivity(world.engine, world.edition, world.registry, YEAR, today=TODAY)


def test_more_lines_than_a_page_can_wait_for_are_left_to_the_command(world, monkeypatch):
    world.submit(U1, Q1, good())
    world.score()
    monkeypatch.setattr("fazhi.desk.stability.MOST_LINES", 1)
    found = Stabilities().of(world.engine, world.edition, world.registry, YEAR, REGION, today=TODAY)
    assert found.found is None
    assert found.lines > 1


def test_a_unit_s_page_reads_by_indexes_alone(tmp_path):
    """No step of a unit's queries goes through a whole table that grows with the year (as SQLite plans them)."""
    world = world_of(open_store(f"sqlite:///{tmp_path / 'fazhi.db'}"))
    growing = ("finding", "value", "parse", "submission", "result_line", "result_input", "decision")
    asked = []
    world.submit(U1, Q1, good())
    world.score()
    with read(world.engine) as connection:
        raw = connection.connection.driver_connection
        raw.set_trace_callback(asked.append)
        unit_score(connection, world.registry, world.edition, YEAR, U1, today=TODAY)
        prospects(connection, world.edition, world.registry, YEAR, U1, today=TODAY)
        raw.set_trace_callback(None)
        scans = [
            (row.detail, statement)
            for statement in asked
            if statement.lstrip().startswith("SELECT")
            for row in connection.execute(text("EXPLAIN QUERY PLAN " + statement.replace(":", r"\:")))
            if row.detail.startswith("SCAN ") and row.detail.split()[1] in growing
        ]
    assert scans == []
    assert len(asked) > 10
