"""A small final year in which every rule, cap, veto and rounding of the scoring rules occurs (合成数据)."""

from fractions import Fraction

from sqlalchemy import Engine

from fazhi.model.terms import (
    Aggregation,
    Frequency,
    Group,
    RatioKind,
    Reporting,
    RuleType,
    Stage,
    Tag,
    ValueType,
)
from support.scoring import YEAR, World, code, edition, event, indicator, lead_task, profile, registry, unit

UNITS = tuple(code(number) for number in range(1, 7))
LONG = "123456789012.123457"
"""More digits than a spreadsheet's numbers hold."""
EVIL = '=HYPERLINK("http://example.invalid","点我")'
FALSIFIED = "B1.2"


def system(**changes):
    """All rule types, multipliers that do not divide evenly, three groups."""
    yearly = {"frequency": Frequency.YEARLY}
    number = {"value_type": ValueType.COUNT, **yearly}
    return edition(
        indicator("A1.9", full_mark=130),
        indicator("A1.10", {"floor": "0.5", "target": "0.95"}, full_mark=80, aggregation=Aggregation.LAST),
        indicator(
            "A2.1", {"floor": "0", "target": "1"}, full_mark=180, reporting=Reporting.CUMULATIVE, **yearly
        ),
        indicator("B1.1", {"k": "0.25", "floor": "0.1"}, rule_type=RuleType.PER_OCCURRENCE, **number),
        indicator(FALSIFIED, {"best": "0", "worst": "0.2"}, rule_type=RuleType.LINEAR_INVERSE, **yearly),
        indicator(
            "B1.3",
            {
                "bands": [
                    [None, "-0.1", "0"],
                    ["-0.1", "0", "0.6"],
                    ["0", "0.05", "0.85"],
                    ["0.05", None, "1"],
                ]
            },
            rule_type=RuleType.BANDS,
            ratio_kind=RatioKind.GROWTH,
            group=Group.FUNCTION,
            **yearly,
        ),
        indicator(
            "B1.4",
            {"floor": "60", "target": "97.5"},
            value_type=ValueType.SCORE,
            group=Group.FUNCTION,
            aggregation=Aggregation.LAST,
            full_mark=70,
        ),
        indicator(
            "B1.5",
            {"floor": "0", "target": "12"},
            group=Group.FUNCTION,
            aggregation=Aggregation.MAX,
            value_type=ValueType.COUNT,
        ),
        indicator(
            "C1.1",
            {},
            value_type=ValueType.BOOLEAN,
            rule_type=RuleType.PASS_FAIL,
            aggregation=Aggregation.ALL,
            group=Group.LEAD,
        ),
        indicator(
            "C1.2",
            {"due": "03-31", "late_per_day": "0.07", "zero_after_days": "30", "year_offset": "1"},
            value_type=ValueType.DATE,
            rule_type=RuleType.DATE_LATE,
            aggregation=Aggregation.MAX,
            group=Group.LEAD,
            full_mark=90,
            **yearly,
        ),
        indicator("C1.3", {"floor": "0.1", "target": "0.7"}, group=Group.LEAD, full_mark=33, **yearly),
        indicator(
            "C1.4",
            {"bands": [[None, "0.5", "0"], ["0.5", None, "0.75"]]},
            rule_type=RuleType.BANDS,
            group=Group.LEAD,
            full_mark=33,
            **yearly,
        ),
        indicator(
            "C1.5",
            {"best": "0.1", "worst": "0.9"},
            rule_type=RuleType.LINEAR_INVERSE,
            group=Group.LEAD,
            full_mark=33,
            **yearly,
        ),
        indicator(
            "X1",
            {"national": "2", "region": "1.25", "cap": "3"},
            rule_type=RuleType.BONUS_CAPPED,
            full_mark=0,
        ),
        indicator("X2", {"points": "0.335"}, rule_type=RuleType.BONUS_CAPPED, full_mark=0),
        indicator(
            "Y1", {"national": "3", "city": "1", "cap": "5"}, rule_type=RuleType.DEDUCT_TOTAL, full_mark=0
        ),
        indicator("Y2", {"k": "0.5", "zero_indicator": True}, rule_type=RuleType.DEDUCT_TOTAL, full_mark=0),
        indicator("Z1", {"no_excellent": True}, rule_type=RuleType.VETO, full_mark=0),
        indicator("Z2", {"grade_cap": "合格"}, rule_type=RuleType.VETO, full_mark=0),
        **{
            "profiles": (profile("30", "40", "30"),),
            "multipliers": {"A1.9": Fraction("1.05"), "B1.4": Fraction("1.5")},
            "shares": {None: "0.123"},
            "top_grade_quota": Fraction("0.34"),
            "grades": edition().grades,
            "component_on_veto": 5999,
            **changes,
        },
    )


def lead_tasks():
    """Every unit but the last leads a task, so that the last one has no LEAD indicator."""
    codes = [item.code for item in system().indicators if item.group is Group.LEAD]
    return [lead_task(number, *codes) for number in range(1, 6)]


def events():
    """Bonuses over their caps, a falsified indicator, two vetoes, a title that would be a formula."""
    return [
        event(1, "X1", "甲", level="national"),
        event(1, "X1", "乙", level="national"),
        event(1, "X2", EVIL, count=2),
        event(2, "Y1", level="city", count=7),
        event(2, "Y2", indicator_code=FALSIFIED),
        event(3, "Z1", title="否决"),
        event(4, "Z2", title="否决"),
        event(5, "X1", "丙", level="region"),
    ]


def _ratio(one: str, numerator: str, denominator: str) -> dict[str, str]:
    return {"code": one, "numerator": numerator, "denominator": denominator}


def row_values(number: int) -> list[dict[str, object]]:
    """One unit's year; units 1 and 6 do equally well, 5 has long numbers."""
    n = 0 if number == 6 else number - 1
    long = number == 5
    return [
        _ratio("A1.9", "98.5", "101.25") if n else _ratio("A1.9", "10", "10"),
        _ratio("A1.10", str(90 - 7 * n), "97"),
        _ratio("A2.1", "0", "0") if n == 1 else _ratio("A2.1", str(5 + n), "12"),
        {"code": "B1.1", "amount": n},
        _ratio(FALSIFIED, str(n), "37"),
        _ratio("B1.3", LONG if long else str(95 + 3 * n), "123456789012.123456" if long else "100"),
        {"code": "B1.4", "amount": f"{95 - 6 * n}.25"},
        {"code": "B1.5", "amount": 12 - n},
        {"code": "C1.1", "boolean": int(n != 2)},
        {"code": "C1.2", "date_value": f"2025-04-{1 + 4 * n:02d}"},
        _ratio("C1.3", "61728394506.061728", LONG) if long else _ratio("C1.3", str(9 - n), "13"),
        _ratio("C1.4", "61728394506.0617284", "123456789012.123456") if long else _ratio("C1.4", "1", "2"),
        _ratio("C1.5", "61728394506.061728", LONG) if long else _ratio("C1.5", str(1 + n), "7"),
    ]


def made_world(engine: Engine, **changes) -> World:
    """A final year of six units: submitted whole, one late row stopped, one indicator not applicable."""
    names = {2: "=1+1（合成单位）"}
    units = [
        unit(number, Tag.ENF, Tag.LEAD, name_zh=names.get(number, f"合成单位{number}"))
        for number in range(1, 7)
    ]
    world = World(engine, system(**changes), registry(*units, adjustments=events(), lead_tasks=lead_tasks()))
    for number, unit_code in enumerate(UNITS, 1):
        ids = world.submit(unit_code, str(YEAR), *row_values(number))
        if number == 3:
            world.find("block", value_id=ids[0])
    world.decide("not_applicable", UNITS[3], "A1.10", str(YEAR), reason=EVIL, requested_by="filler")
    world.score(Stage.FINAL)
    return world
