"""Scoring over a real store: acceptance, decisions, predecessors, versions, stages."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, func, select

from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.model.terms import Aggregation, Frequency, Reporting, RuleType, Stage, Tag, ValueType
from fazhi.store import read, write
from fazhi.store.tables import (
    current_parse,
    current_validation,
    result,
    result_input,
    result_line,
    slice_parse,
    value,
)
from support.scoring import (
    CITY,
    NOW,
    OFFICE,
    TODAY,
    YEAR,
    World,
    code,
    edition,
    event,
    indicator,
    registry,
    unit,
)

U1, U2, U3 = code(1), code(2), code(3)
Q1, Q2, Q3, Q4 = (f"2024-Q{n}" for n in range(1, 5))


def good(indicator_code="A1.1", numerator=9, denominator=10, **more):
    return {"code": indicator_code, "numerator": numerator, "denominator": denominator, **more}


def line(engine, unit_code=U1, indicator_code="A1.1"):
    """(status, rate, points) of the newest version."""
    with read(engine) as connection:
        row = connection.execute(
            select(result_line)
            .where(result_line.c.unit_code == unit_code, result_line.c.indicator_code == indicator_code)
            .order_by(result_line.c.version.desc())
        ).first()
    rate = None if row.rate_numerator is None else f"{row.rate_numerator}/{row.rate_denominator}"
    return row.status, rate, row.points


def heads(engine, unit_code=U1):
    with read(engine) as connection:
        return (
            connection.execute(
                select(result).where(result.c.unit_code == unit_code).order_by(result.c.version)
            )
            .mappings()
            .all()
        )


def inputs(engine, unit_code=U1, version=1):
    with read(engine) as connection:
        rows = connection.execute(
            select(result_input)
            .where(result_input.c.unit_code == unit_code, result_input.c.version == version)
            .order_by(result_input.c.input_no)
        )
        return [(r.indicator_code, r.period, r.numerator, r.denominator, r.kind, r.cell) for r in rows]


@pytest.fixture
def world(engine):
    return World(engine, edition(indicator("A1.1"), indicator("A1.2")), registry(unit(1)))


def test_accepted_values_are_summed_and_scored(world):
    world.submit(U1, Q1, good(numerator=8), good("A1.2", 10, 10))
    world.submit(U1, Q2, good(numerator=10))
    outcome = world.score()
    assert (outcome.scored, outcome.new_versions, outcome.unchanged) == (1, 1, 0)
    assert line(world.engine) == ("scored", "1/2", "25.00")
    assert line(world.engine, indicator_code="A1.2") == ("scored", "1/1", "50.00")
    (head,) = heads(world.engine)
    assert (head["base"], head["score"], head["component"], head["share"]) == (
        "75.00",
        "75.00",
        "75.00",
        "0.10",
    )
    assert (head["rank"], head["grade"], head["total_points"]) == (None, None, "1000.00")
    assert inputs(world.engine) == [
        ("A1.1", Q1, "8", "10", "submission", "E3"),
        ("A1.1", Q2, "10", "10", "submission", "E3"),
        ("A1.2", Q1, "10", "10", "submission", "E4"),
    ]


def test_second_run_changes_nothing_and_a_new_value_makes_the_next_version(world):
    world.submit(U1, Q1, good())
    world.score()
    later = world.score(now=NOW + timedelta(days=1))
    assert (later.new_versions, later.unchanged) == (0, 1)
    assert [head["computed_at"] for head in heads(world.engine)] == [NOW.isoformat()]
    world.submit(U1, Q1, good(numerator=10))
    assert world.score().new_versions == 1
    first, second = heads(world.engine)
    assert (first["version"], second["version"]) == (1, 2)
    assert first["input_digest"] != second["input_digest"]
    assert (first["base"], second["base"]) == ("25.00", "50.00")


def test_nothing_is_left_when_the_transaction_breaks(world, monkeypatch):
    world.submit(U1, Q1, good())
    monkeypatch.setattr("fazhi.score.results._point", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        world.score()
    assert heads(world.engine) == []
    monkeypatch.undo()
    assert world.score().new_versions == 1


@pytest.mark.parametrize("severity", ["block", "hold", "security"])
@pytest.mark.parametrize("by_reader", [True, False])
def test_a_stopping_finding_keeps_a_value_out(world, severity, by_reader):
    (value_id,) = world.submit(U1, Q1, good())
    world.find(severity, value_id=value_id, by_reader=by_reader)
    world.score()
    assert line(world.engine) == ("rejected", "0/1", "0.00")
    assert line(world.engine, indicator_code="A1.2") == ("missing", "0/1", "0.00")
    assert inputs(world.engine) == []


@pytest.mark.parametrize("severity", ["warn", "note"])
def test_a_warning_or_a_note_does_not_stop_a_value(world, severity):
    (value_id,) = world.submit(U1, Q1, good())
    world.find(severity, value_id=value_id)
    world.score()
    assert line(world.engine)[0] == "scored"


def test_a_finding_of_an_earlier_validation_does_not_count(world):
    (value_id,) = world.submit(U1, Q1, good())
    world.find("block", value_id=value_id)
    World(world.engine, world.edition, world.registry, year=YEAR - 1)
    with write(world.engine) as connection:
        connection.execute(
            current_validation.update().where(current_validation.c.year == YEAR).values(validation_id=2)
        )
    world.score()
    assert line(world.engine)[0] == "scored"


def test_a_finding_of_another_regions_validation_stops_an_offices_figure(engine):
    """An office is judged with its own region and may speak about units of others."""
    world = World(engine, edition(indicator("A1.1", sources=("COURT",))), registry(unit(1)))
    (value_id,) = world.submit(OFFICE, Q1, good(unit=U1), kind="office")
    elsewhere = World(engine, world.edition, world.registry, region="150100")
    with write(engine) as connection:
        connection.execute(slice_parse.update().values(region="150100"))
    elsewhere.find("block", value_id=value_id)
    world.score()
    assert line(engine)[0] == "rejected"


def test_a_hold_is_released_by_an_approval_of_that_value_only(world):
    (value_id,) = world.submit(U1, Q1, good())
    world.find("hold", value_id=value_id)
    bound = {"rule": "SYNTH", "value_digest": world.digest_of(value_id)}
    world.decide("hold", U1, "A1.1", Q1, **(bound | {"value_digest": "f" * 64}))
    world.score()
    assert line(world.engine)[0] == "rejected"
    world.decide("hold", U1, "A1.1", Q1, **bound)
    world.score()
    assert line(world.engine)[0] == "scored"
    world.decide("hold", U1, "A1.1", Q1, **bound, verdict="withdraw")
    world.score()
    assert line(world.engine)[0] == "rejected"


def test_a_finding_on_the_whole_file_stops_all_its_values(world):
    first, _ = world.submit(U1, Q1, good(), good("A1.2"))
    with read(world.engine) as connection:
        parse_id = connection.execute(select(value.c.parse_id).where(value.c.value_id == first)).scalar_one()
    world.find("block", parse_id=parse_id)
    world.score()
    assert [line(world.engine, indicator_code=c)[0] for c in ("A1.1", "A1.2")] == ["rejected", "rejected"]


def test_an_unreadable_file_rejects_what_was_due_in_it(engine):
    yearly = indicator("A1.2", frequency=Frequency.YEARLY)
    by_office = indicator("A1.3", sources=("COURT",))
    world = World(engine, edition(indicator("A1.1"), yearly, by_office), registry(unit(1)))
    (parse_id,) = world.submit(U1, Q1, readable=False)
    world.find("block", parse_id=parse_id)
    world.score()
    states = [line(engine, indicator_code=c)[0] for c in ("A1.1", "A1.2", "A1.3")]
    assert states == ["rejected", "missing", "missing"]
    world.submit(U1, Q2, good())
    world.score()
    assert line(engine)[0] == "scored"
    world.score(Stage.FINAL)
    assert line(engine)[0] == "rejected"


def test_a_superseded_revision_does_not_count(world):
    world.submit(U1, Q1, good(numerator=10))
    world.submit(U1, Q1, good("A1.2"))
    world.score()
    assert (line(world.engine)[0], line(world.engine, indicator_code="A1.2")[0]) == ("missing", "scored")


def test_unapproved_not_applicable_is_missing_and_approved_is_left_out(world):
    world.submit(U1, Q1, {"code": "A1.1", "not_applicable": 1}, good("A1.2", 10, 10))
    world.score()
    assert line(world.engine)[0] == "missing"
    for period in (Q1, Q2, Q3):
        world.decide("not_applicable", U1, "A1.1", period)
    world.score()
    assert line(world.engine)[0] == "missing"
    world.decide("not_applicable", U1, "A1.1", Q4)
    world.score()
    assert line(world.engine) == ("not_applicable", None, None)
    assert line(world.engine, indicator_code="A1.2") == ("scored", "1/1", "100.00")
    world.decide("not_applicable", U1, "A1.1", Q4, verdict="refuse")
    world.score()
    assert line(world.engine)[0] == "missing"


def test_a_claim_that_was_blocked_before_its_approval_no_longer_rejects(world):
    (value_id,) = world.submit(U1, Q1, {"code": "A1.1", "not_applicable": 1})
    world.find("block", value_id=value_id)
    world.score()
    assert line(world.engine)[0] == "rejected"
    world.decide("not_applicable", U1, "A1.1", Q1)
    world.score()
    assert line(world.engine)[0] == "missing"
    for period in (Q2, Q3, Q4):
        world.submit(U1, period, good(numerator=10))
    world.score(Stage.FINAL)
    assert line(world.engine)[:2] == ("scored", "1/1")


def test_final_asks_for_every_due_period(world):
    for period in (Q1, Q2, Q3):
        world.submit(U1, period, good(numerator=10))
    world.score()
    assert line(world.engine)[0] == "scored"
    world.score(Stage.FINAL)
    assert line(world.engine)[0] == "missing"
    (value_id,) = world.submit(U1, Q4, good(numerator=1))
    world.find("block", value_id=value_id)
    world.score(Stage.FINAL)
    assert line(world.engine)[0] == "rejected"
    world.submit(U1, "2024", good(numerator=10))
    world.score(Stage.FINAL)
    assert line(world.engine)[:2] == ("scored", "1/1")


def test_final_ranks_and_grades_and_provisional_leaves_it_alone(world):
    for period in (Q1, Q2, Q3, Q4):
        world.submit(U1, period, good(numerator=10), good("A1.2", 10, 10))
    world.score(Stage.FINAL)
    (head,) = heads(world.engine)
    assert (head["stage"], head["rank"], head["grade"], head["grade_reason"]) == ("final", 1, "优秀", "")
    outcome = world.score()
    assert (outcome.scored, outcome.new_versions, outcome.unchanged) == (1, 0, 1)
    assert len(heads(world.engine)) == 1


def test_rank_is_shared_and_regions_are_ranked_apart(engine):
    units = [unit(n) for n in (1, 2, 3, 4)] + [unit(5, Tag.REGION, parent_code=CITY)]
    world = World(engine, edition(indicator("A1.1", frequency=Frequency.YEARLY)), registry(*units))
    for number, numerator in ((1, 9), (2, 10), (3, 9), (4, 8), (5, 8)):
        world.submit(code(number), "2024", good(numerator=numerator))
    world.score(Stage.FINAL)
    found = {n: heads(engine, code(n))[0] for n in range(1, 6)}
    assert {n: head["rank"] for n, head in found.items()} == {1: 2, 2: 1, 3: 2, 4: 4, 5: 1}
    assert [found[n]["grade"] for n in (2, 4, 5)] == ["优秀", "不合格", "不合格"]


def test_zero_over_zero_is_not_applicable_and_its_weight_goes_to_the_others(world):
    world.submit(U1, Q1, good(numerator=0, denominator=0), good("A1.2", 10, 10))
    world.score()
    assert line(world.engine) == ("not_applicable", None, None)
    assert line(world.engine, indicator_code="A1.2") == ("scored", "1/1", "100.00")
    assert ("A1.1", Q1, "0", "0", "submission", "E3") in inputs(world.engine)


def test_a_unit_with_nothing_applicable_is_listed_and_loses_its_place(world):
    world.submit(U1, Q1, good())
    world.score()
    world.submit(U1, Q1, good(numerator=0, denominator=0), good("A1.2", 0, 0))
    outcome = world.score()
    assert (outcome.scored, outcome.new_versions) == (0, 0)
    assert outcome.without_result[U1] == "没有适用的计分指标（全部不适用）,须人工核定"
    assert len(heads(world.engine)) == 1


def test_units_of_the_superior_are_listed(engine):
    world = World(engine, edition(indicator("A1.1")), registry(unit(1), unit(2, scored_by="superior")))
    outcome = world.score()
    assert outcome.without_result == {U2: "由上级考评，本级不计分"}
    assert outcome.scored == 1


def test_an_offices_figure_beats_the_units_own(engine):
    shared = indicator("A1.1", sources=("SUB", "COURT"))
    world = World(engine, edition(shared), registry(unit(1)))
    world.submit(U1, Q1, good(numerator=10))
    world.submit(U1, Q2, good(numerator=10))
    world.submit(OFFICE, Q1, good(numerator=8, unit=U1), kind="office")
    world.score()
    assert line(engine)[:2] == ("scored", "1/2")
    assert [(row[1], row[2], row[4]) for row in inputs(engine)] == [
        (Q1, "8", "office"),
        (Q2, "10", "submission"),
    ]


def test_without_sub_only_the_first_source_counts(engine):
    only_office = indicator("A1.1", sources=("COURT", "WEB"))
    world = World(engine, edition(only_office, indicator("A1.2")), registry(unit(1), unit(2)))
    world.submit(U2, Q1, good(numerator=10))
    world.submit(U1, Q1, good(numerator=10, unit=U2), kind="office")
    world.score()
    assert line(engine, U2)[0] == "missing"
    world.submit(OFFICE, Q1, good(numerator=9, unit=U2), kind="office")
    world.score()
    assert line(engine, U2)[:2] == ("scored", "1/2")


def test_the_office_of_another_city_does_not_count(engine):
    here, there = registry(unit(1)), unit(9, division_code="150300", scored_by="superior")
    sources = [
        *here.sources.values(),
        replace(here.sources["COURT"], authority_unit_code=there.unit_code, region="150300"),
    ]
    both = registry(unit(1), there, sources=sources)
    world = World(engine, edition(indicator("A1.1", sources=("COURT",))), both)
    world.submit(there.unit_code, Q1, good(unit=U1), kind="office")
    world.score()
    assert line(engine)[0] == "missing"
    world.submit(OFFICE, Q1, good(numerator=9, unit=U1), kind="office")
    world.score()
    assert line(engine)[:2] == ("scored", "1/2")


def test_a_blocked_figure_of_an_unauthorised_sender_does_not_reject(engine):
    world = World(engine, edition(indicator("A1.1")), registry(unit(1), unit(2)))
    (value_id,) = world.submit(OFFICE, Q1, good(unit=U1), kind="office")
    world.find("block", value_id=value_id)
    world.score()
    assert line(engine)[0] == "missing"


@pytest.fixture
def merged(engine):
    """Unit 2 was merged into unit 1 in the middle of the year; unit 3 the year before."""
    gone = unit(2, valid_to=date(2024, 6, 30), successor_code=U1)
    long_gone = unit(3, valid_to=date(2023, 6, 30), successor_code=U1)
    last = indicator("A1.2", aggregation=Aggregation.LAST)
    return World(engine, edition(indicator("A1.1"), last), registry(unit(1), gone, long_gone))


def test_a_predecessors_values_count_for_the_successor(merged):
    merged.submit(U2, Q1, good(numerator=8), good("A1.2", 8, 10))
    merged.submit(U3, Q1, good(numerator=0))
    merged.submit(U1, Q1, good(numerator=10))
    outcome = merged.score()
    assert outcome.scored == 1
    assert heads(merged.engine, U2) == []
    assert line(merged.engine)[:2] == ("scored", "1/2")
    assert line(merged.engine, indicator_code="A1.2")[:2] == ("scored", "0/1")
    assert [row[:3] for row in inputs(merged.engine)] == [
        ("A1.1", Q1, "10"),
        ("A1.1", Q1, "8"),
        ("A1.2", Q1, "8"),
    ]


def test_last_takes_the_successors_own(merged):
    merged.submit(U2, Q2, good("A1.2", 8, 10))
    merged.submit(U1, Q1, good("A1.2", 10, 10))
    merged.score()
    assert line(merged.engine, indicator_code="A1.2")[:2] == ("scored", "1/1")
    assert [row[:3] for row in inputs(merged.engine)] == [("A1.2", Q1, "10")]


def test_replacement_is_per_reporting_unit(merged):
    merged.submit(U2, Q1, good(numerator=8))
    merged.submit(U1, "2024", good(numerator=10))
    merged.score()
    assert line(merged.engine)[:2] == ("scored", "1/2")


def test_values_of_all_types(engine):
    kinds = [
        indicator("A1.1", {"floor": "0", "target": "4"}, value_type=ValueType.COUNT),
        indicator(
            "A1.2", value_type=ValueType.BOOLEAN, rule_type=RuleType.PASS_FAIL, aggregation=Aggregation.ALL
        ),
        indicator(
            "A1.3",
            {"due": "03-31", "late_per_day": "0.1", "zero_after_days": "30", "year_offset": "0"},
            value_type=ValueType.DATE,
            rule_type=RuleType.DATE_LATE,
            aggregation=Aggregation.MAX,
            frequency=Frequency.YEARLY,
        ),
        indicator(
            "A1.4",
            {"floor": "60", "target": "90"},
            value_type=ValueType.SCORE,
            aggregation=Aggregation.LAST,
            reporting=Reporting.CUMULATIVE,
        ),
    ]
    world = World(engine, edition(*kinds), registry(unit(1)))
    world.submit(U1, Q1, {"code": "A1.1", "amount": "1"}, {"code": "A1.2", "boolean": 1})
    world.submit(U1, Q2, {"code": "A1.1", "amount": "2"}, {"code": "A1.2", "boolean": 0})
    world.submit(U1, "2024", {"code": "A1.3", "date_value": "2024-04-03"}, {"code": "A1.4", "amount": "82.5"})
    world.score()
    rates = [line(engine, indicator_code=f"A1.{n}")[1] for n in range(1, 5)]
    assert rates == ["3/4", "0/1", "7/10", "3/4"]
    with read(engine) as connection:
        rows = connection.execute(select(result_input).order_by(result_input.c.input_no)).all()
    assert [(r.indicator_code, r.value, r.numerator, r.cell) for r in rows] == [
        ("A1.1", "1", None, "H3"),
        ("A1.1", "2", None, "H3"),
        ("A1.2", "1", None, "I4"),
        ("A1.2", "0", None, "I4"),
        ("A1.3", "2024-04-03", None, "J3"),
        ("A1.4", "82.5", None, "H4"),
    ]


ROWS = (
    indicator(
        "X1", {"national": "2", "region": "1", "cap": "3"}, rule_type=RuleType.BONUS_CAPPED, full_mark=0
    ),
    indicator("Y1", {"k": "0.5", "cap": "2"}, rule_type=RuleType.DEDUCT_TOTAL, full_mark=0),
    indicator("Y3", {"k": "2", "zero_indicator": True}, rule_type=RuleType.DEDUCT_TOTAL, full_mark=0),
    indicator("Z01", {"grade_cap": "不合格"}, rule_type=RuleType.VETO, full_mark=0),
)


def test_adjustments_move_the_result_and_only_approved_ones(engine):
    events = [
        event(1, "X1", "甲", level="region"),
        event(1, "X1", "甲", level="national"),
        event(1, "X1", "乙", level="region", approved_by=""),
        event(1, "Y1", "丙", count=3),
        event(1, "Y3", "丁", indicator_code="A1.2"),
        event(2, "X1", "甲", level="national"),
    ]
    world = World(
        engine, edition(indicator("A1.1"), indicator("A1.2"), *ROWS), registry(unit(1), adjustments=events)
    )
    world.submit(U1, Q1, good(numerator=10), good("A1.2", 10, 10))
    world.score()
    (head,) = heads(engine)
    assert (head["base"], head["bonus"], head["deduction"], head["score"]) == (
        "50.00",
        "2.00",
        "3.50",
        "48.50",
    )
    assert line(engine, indicator_code="A1.2") == ("scored", "0/1", "0.00")


def test_a_veto_caps_the_grade_and_the_component_by_policy(engine):
    system = edition(indicator("A1.1", frequency=Frequency.YEARLY), *ROWS, component_on_veto=5999)
    world = World(engine, system, registry(unit(1), adjustments=[event(1, "Z01")]))
    world.submit(U1, "2024", good(numerator=10))
    world.score(Stage.FINAL)
    (head,) = heads(engine)
    assert (head["base"], head["score"], head["component"]) == ("100.00", "100.00", "59.99")
    assert (head["grade"], head["grade_reason"]) == ("不合格", "一票否决事项限制等次")


def test_system_indicators_come_from_the_store(engine):
    by_system = [
        indicator(c, {"floor": "0", "target": "1"}, sources=("SYS",), frequency=Frequency.MONTHLY)
        for c in ("I4.1", "I4.2", "I4.3")
    ]
    asked = [indicator(c, evidence_zh="台账") for c in ("A1.1", "A1.2")]
    world = World(engine, edition(*asked, *by_system), registry(unit(1)))
    (value_id,) = world.submit(U1, Q1, good(numerator=1))
    world.find("block", value_id=value_id)
    world.submit(U1, Q1, good(evidence_named=1), good("A1.2", evidence_named=2, evidence_missing="甲.pdf"))
    world.submit(U1, Q2, good(evidence_named=1))
    world.score()
    assert line(engine, indicator_code="I4.1") == ("not_applicable", None, None)
    assert line(engine, indicator_code="I4.2")[:2] == ("scored", "1/3")
    assert line(engine, indicator_code="I4.3")[:2] == ("scored", "1/2")
    systems = [row for row in inputs(engine) if row[4] == "system"]
    assert systems == [
        ("I4.1", "2024", "0", "0", "system", None),
        ("I4.2", "2024", "1", "3", "system", None),
        ("I4.3", "2024", "1", "2", "system", None),
    ]


def test_an_unknown_system_indicator_stops_the_start(engine):
    world = World(engine, edition(indicator("I9.9", sources=("SYS",))), registry(unit(1)))
    with pytest.raises(ConfigurationError, match=r"指标 I9\.9 .*没有这一指标的计算办法"):
        world.score()
    assert heads(engine) == []


@pytest.mark.parametrize("lost", [slice_parse, current_validation])
def test_unvalidated_data_are_not_scored(world, lost):
    world.submit(U1, Q1, good())
    with write(world.engine) as connection:
        connection.execute(delete(lost))
    with pytest.raises(UsageError, match="2024年有 1 份报送还没有按现行指标体系核验"):
        world.score()


def test_data_validated_under_other_duties_are_not_scored(world):
    world.submit(U1, Q1, good())
    with write(world.engine) as connection:
        connection.execute(slice_parse.update().values(duty_digest="1" * 64))
    with pytest.raises(UsageError, match="2024年有 1 份报送还没有按现行指标体系核验"):
        world.score()


def test_unread_data_are_not_scored(world):
    world.submit(U1, Q1, good())
    with write(world.engine) as connection:
        connection.execute(delete(current_parse))
    with pytest.raises(UsageError, match="2024年有 1 份报送还没有按现行指标体系读取"):
        world.score()


def test_another_editions_reading_is_not_scored(world):
    world.submit(U1, Q1, good())
    world.edition = replace(world.edition, digest="9" * 64)
    with pytest.raises(UsageError, match="2024年有 1 份报送还没有按现行指标体系读取"):
        world.score()


def test_the_state_on_the_deciding_day_decides(engine):
    later = indicator("A1.2", effective_from=date(2024, 7, 1))
    world = World(engine, edition(indicator("A1.1"), later), registry(unit(1)))
    world.submit(U1, Q1, good(numerator=10))
    world.score(today=date(2024, 6, 30))
    with read(engine) as connection:
        count = select(func.count()).select_from(result_line).where(result_line.c.version == 1)
        assert connection.execute(count).scalar_one() == 1
    world.score(today=TODAY)
    assert line(engine, indicator_code="A1.2") == ("missing", "0/1", "0.00")


def test_two_units_are_scored_each_on_its_own(engine):
    world = World(engine, edition(indicator("A1.1")), registry(unit(1), unit(2), unit(3)))
    world.submit(U1, Q1, good(numerator=10))
    world.submit(U2, Q1, good(numerator=9))
    assert world.score().scored == 3
    assert [line(engine, u)[2] for u in (U1, U2, U3)] == ["100.00", "50.00", "0.00"]
