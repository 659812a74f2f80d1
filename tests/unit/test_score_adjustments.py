"""Bonuses once per achievement, deductions, caps, vetoes, the component."""

from datetime import date

import pytest

from fazhi.model.terms import RuleType
from fazhi.score.adjustments import adjust, best_grade_allowed, component, result
from support.scoring import edition, event, indicator

SYSTEM = edition(
    indicator("A1.1"),
    indicator(
        "X1", {"national": "2", "region": "1", "cap": "3"}, rule_type=RuleType.BONUS_CAPPED, full_mark=0
    ),
    indicator(
        "X2", {"national": "2", "region": "1", "cap": "2"}, rule_type=RuleType.BONUS_CAPPED, full_mark=0
    ),
    indicator("X3", {"points": "0.5", "cap": "0.5"}, rule_type=RuleType.BONUS_CAPPED, full_mark=0),
    indicator(
        "Y1",
        {"national": "3", "region": "2", "city": "1", "cap": "5"},
        rule_type=RuleType.DEDUCT_TOTAL,
        full_mark=0,
    ),
    indicator("Y2", {"k": "0.5", "cap": "2"}, rule_type=RuleType.DEDUCT_TOTAL, full_mark=0),
    indicator("Y3", {"k": "2", "zero_indicator": True}, rule_type=RuleType.DEDUCT_TOTAL, full_mark=0),
    indicator("Z01", {"grade_cap": "不合格"}, rule_type=RuleType.VETO, full_mark=0),
    indicator("Z03", {"grade_cap": "合格", "no_excellent": True}, rule_type=RuleType.VETO, full_mark=0),
    indicator("Z04", {"no_excellent": True}, rule_type=RuleType.VETO, full_mark=0),
)


def bonus(*events):
    return adjust(SYSTEM, events).bonus


def deduction(*events):
    return adjust(SYSTEM, events).deduction


def x(row, level, title, **more):
    return event(1, row, title, level=level, **more)


def test_an_achievement_counts_once_at_its_highest_level():
    twice = [x("X1", "region", "甲"), x("X1", "national", "甲")]
    assert bonus(*twice) == bonus(*reversed(twice)) == 200
    assert [e.level for e in adjust(SYSTEM, twice).counted] == ["national"]
    assert bonus(x("X1", "region", "甲"), x("X2", "national", "甲")) == 200
    assert bonus(x("X1", "region", "甲"), x("X1", "region", "乙")) == 200
    assert bonus(x("X1", "region", "甲", count=4)) == 100


def test_row_caps_and_the_cap_of_all_bonuses():
    assert bonus(*(x("X1", "national", t) for t in "甲乙")) == 300
    assert bonus(event(1, "X3", count=9)) == 50
    everything = [x("X1", "national", t) for t in "甲乙"] + [x("X2", "national", t) for t in "丙丁"]
    assert bonus(*everything) == 500
    assert set(adjust(SYSTEM, everything).counted) == set(everything)


def test_a_level_without_points_earns_nothing():
    made = adjust(SYSTEM, [x("X1", "city", "甲")])
    assert (made.bonus, made.counted) == (0, ())


def test_deductions_count_every_occurrence_up_to_the_rows_cap():
    assert deduction(event(1, "Y2", count=3)) == 150
    assert deduction(event(1, "Y2", count=3), event(1, "Y2", count=2, document="另一份")) == 200
    assert deduction(event(1, "Y1", level="city", count=2)) == 200
    assert deduction(event(1, "Y1", level="national", count=2)) == 500
    assert deduction(event(1, "Y1", level="city"), event(1, "Y1", level="city")) == 200


def test_falsified_data_zero_the_named_indicator():
    made = adjust(SYSTEM, [event(1, "Y3", count=2, indicator_code="A1.1")])
    assert (made.deduction, made.zeroed) == (400, {"A1.1"})
    assert adjust(SYSTEM, [event(1, "Y2", indicator_code="A1.1")]).zeroed == frozenset()


@pytest.mark.parametrize("changes", [{"approved_by": ""}, {"approved_by": "drafter"}])
def test_only_events_approved_by_somebody_else_count(changes):
    events = [
        x("X1", "national", "甲", **changes),
        event(1, "Y2", **changes),
        event(1, "Z01", **changes),
        event(1, "Y3", indicator_code="A1.1", **changes),
    ]
    made = adjust(SYSTEM, events)
    assert (made.bonus, made.deduction, made.zeroed, made.counted) == (0, 0, frozenset(), ())


def test_the_order_of_the_file_does_not_matter():
    events = [
        x("X1", "region", "甲"),
        x("X2", "region", "甲"),
        event(1, "Y2", approved_on=date(2024, 3, 1)),
        event(1, "Y2", approved_on=date(2024, 2, 1)),
        event(1, "Z04"),
    ]
    assert adjust(SYSTEM, events) == adjust(SYSTEM, events[::-1])


@pytest.mark.parametrize(
    ("base", "events", "expected"),
    [
        (9950, [x("X1", "national", "甲")], 10000),
        (100, [event(1, "Y1", level="national")], 0),
        (5000, [x("X1", "region", "甲"), event(1, "Y2")], 5050),
    ],
)
def test_the_result_is_clamped(base, events, expected):
    assert result(base, adjust(SYSTEM, events), 10000) == expected


@pytest.mark.parametrize(
    ("policy", "vetoed", "expected"),
    [("keep", True, 8956), ("zero", True, 0), (5999, True, 5999), (5999, False, 8956), ("zero", False, 8956)],
)
def test_a_veto_acts_on_the_component_as_the_system_chose(policy, vetoed, expected):
    assert component(edition(component_on_veto=policy), "0.10", 8956, vetoed) == expected


def test_a_cap_above_the_result_changes_nothing():
    assert component(edition(component_on_veto=5999), "0.10", 4000, True) == 4000


@pytest.mark.parametrize(
    ("rows", "grade"), [((), 0), (("Z04",), 1), (("Z03",), 2), (("Z01",), 3), (("Z04", "Z01"), 3)]
)
def test_the_best_grade_that_vetoes_leave(rows, grade):
    assert best_grade_allowed(SYSTEM, [event(1, row) for row in rows]) == grade


def test_no_event_changes_nothing():
    made = adjust(SYSTEM, [])
    assert (made.bonus, made.deduction, made.vetoes, made.counted) == (0, 0, (), ())
