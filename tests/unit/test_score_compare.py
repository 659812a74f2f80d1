"""Two versions of a result: exactly what differs, and why."""

import pytest

from fazhi.score.compare import WHY_ZH, Snapshot, differences

UNIT = "111502990000000012"
BEFORE = "2024-04-23T09:00:00+08:00"


def line(points="4.00", weight="5.00", rate=("4", "5"), status="scored"):
    return {
        "status": status,
        "points": points,
        "weight": weight,
        "rate_numerator": rate[0],
        "rate_denominator": rate[1],
        "full_mark": "1.00",
        "indicator_group": "COMMON",
    }


def cell(numerator="80", place="E7", number=1):
    return {
        "input_no": number,
        "period": "2023",
        "numerator": numerator,
        "denominator": "100",
        "value": None,
        "kind": "submission",
        "submission_id": "s",
        "file_sha256": "f",
        "sheet": "填报表",
        "cell": place,
        "cell_denominator": "F7",
    }


def side(digest, lines=None, inputs=None, events=(), **head):
    return Snapshot(
        unit_code=UNIT,
        content_digest=digest,
        head={
            "unit_code": UNIT,
            "unit_name": "合成单位",
            "system_digest": "5",
            "score": "80.00",
            "grade": "良好",
            "rank": 2,
            "component": "80.00",
            "bonus": "0.00",
            "deduction": "0.00",
            "share": "0.10",
            **head,
        },
        lines={"A1.1": line(), "A1.2": line()} if lines is None else lines,
        events=events,
        inputs={"A1.1": [cell()], "A1.2": [cell()]} if inputs is None else inputs,
        computed_at=BEFORE,
    )


def told(old, new, decided=None):
    found = differences({UNIT: old}, {UNIT: new}, decided or {})
    assert all(one.why in WHY_ZH for one in found)
    return [(one.line, one.why) for one in found]


OLD = side("1")
WORSE = {"A1.1": line("3.95", rate=("79", "100")), "A1.2": line()}
OTHER_VALUE = {"A1.1": [cell("79")], "A1.2": [cell()]}


def test_the_same_differs_in_nothing():
    assert told(OLD, side("1")) == []


def test_another_value_and_the_score_that_follows():
    new = side("2", WORSE, OTHER_VALUE, score="79.95")
    assert told(OLD, new) == [("A1.1", "value"), ("score", "value")]
    (found, _) = differences({UNIT: OLD}, {UNIT: new}, {})
    assert (found.before, found.after) == (
        "计分 4.00/5.00（2023=80/100）",
        "计分 3.95/5.00（2023=79/100）",
    )


@pytest.mark.parametrize(("at", "why"), [("2024-05-01", "decision"), ("2024-04-01", "value")])
def test_a_decision_counts_when_it_came_later(at, why):
    decided = {(UNIT, "A1.1"): f"{at}T09:00:00+08:00"}
    assert told(OLD, side("2", WORSE, OTHER_VALUE), decided) == [("A1.1", why)]


def test_the_same_values_from_another_file_are_one_row():
    moved = {code: [cell(place="G7")] for code in ("A1.1", "A1.2")}
    assert told(OLD, side("2", None, moved)) == [("source", "source")]


def test_weights_follow_when_another_indicator_no_longer_applies():
    gone = line(None, None, (None, None), "not_applicable")
    new = side("2", {"A1.1": gone, "A1.2": line("8.00", "10.00")}, {"A1.2": [cell()]})
    decided = {(UNIT, "A1.1"): "2024-05-01T09:00:00+08:00"}
    assert told(OLD, new, decided) == [("A1.1", "decision"), ("A1.2", "weights")]


def test_another_edition_is_the_reason_of_everything():
    assert told(OLD, side("2", WORSE, None, system_digest="6", score="79.95")) == [
        ("A1.1", "edition"),
        ("score", "edition"),
    ]
    assert told(OLD, side("2", system_digest="6")) == [("content", "edition")]


def test_a_rank_moves_with_others_and_names_with_the_registry():
    assert told(OLD, side("2", rank=3)) == [("rank", "ranking")]
    assert told(OLD, side("2", unit_name="合成单位乙")) == [("unit_name", "registry")]


def test_adjustments_are_told():
    new = side("2", events=(("X1", "city"),), bonus="1.00", score="81.00")
    assert told(OLD, new) == [("adjustments", "adjustment"), ("score", "adjustment"), ("bonus", "adjustment")]


def test_a_result_that_appeared_or_went():
    assert [(d.before, d.after) for d in differences({}, {UNIT: OLD}, {})] == [("无结果", "80.00")]
    assert [(d.before, d.after) for d in differences({UNIT: OLD}, {}, {})] == [("80.00", "无结果")]
