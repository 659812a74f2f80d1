"""Weights: groups, renormalisation, multipliers, largest remainders; points half up."""

from fractions import Fraction

import pytest

from fazhi.model.terms import Group
from fazhi.score.weights import group_for, points, weigh
from support.scoring import edition, indicator, profile


def weights(shares, rows, is_region=False, **changes):
    made = edition(*(indicator(c, full_mark=mark, group=group) for c, mark, group in rows), **changes)
    return weigh(made, profile(*shares), [(i, group_for(i, is_region)) for i in made.indicators])


def test_thirds_go_to_the_lower_code_by_parts():
    rows = [(c, 100, Group.COMMON) for c in ("A2.10", "A2.9", "A10.1")]
    assert weights(("100", "0", "0"), rows) == {"A2.9": 3334, "A2.10": 3333, "A10.1": 3333}


def test_the_largest_remainder_comes_before_the_lower_code():
    rows = [("A1.1", 100, Group.COMMON), ("A1.2", 200, Group.COMMON), ("A1.3", 400, Group.COMMON)]
    # 1428.57…, 2857.14…, 5714.28…
    assert weights(("100", "0", "0"), rows) == {"A1.1": 1429, "A1.2": 2857, "A1.3": 5714}


def test_inactive_groups_give_their_share_to_the_active_ones():
    rows = [("A1.1", 100, Group.COMMON), ("D1.1", 100, Group.FUNCTION)]
    assert weights(("30", "40", "30"), rows) == {"A1.1": 4286, "D1.1": 5714}


def test_an_active_group_without_a_share_weighs_nothing():
    rows = [("A1.1", 100, Group.COMMON), ("L1.1", 100, Group.LEAD)]
    assert weights(("40", "60", "0"), rows) == {"A1.1": 10000, "L1.1": 0}


def test_active_groups_without_any_share_share_equally():
    rows = [("D1.1", 300, Group.FUNCTION), ("L1.1", 100, Group.LEAD), ("L1.2", 100, Group.LEAD)]
    assert weights(("100", "0", "0"), rows) == {"D1.1": 5000, "L1.1": 2500, "L1.2": 2500}


def test_lead_counts_as_function_for_a_region():
    rows = [("A1.1", 100, Group.COMMON), ("D1.1", 100, Group.FUNCTION), ("L1.1", 300, Group.LEAD)]
    assert weights(("40", "60", "0"), rows, is_region=True) == {"A1.1": 4000, "D1.1": 1500, "L1.1": 4500}


def test_multipliers_are_exact():
    rows = [("A1.1", 100, Group.COMMON), ("A1.2", 100, Group.COMMON), ("A1.3", 100, Group.COMMON)]
    found = weights(
        ("100", "0", "0"),
        rows,
        multipliers={"A1.1": Fraction("1.5"), "A1.2": Fraction("0.5"), "Z9.9": Fraction(1, 3)},
    )
    assert found == {"A1.1": 5000, "A1.2": 1667, "A1.3": 3333}


def test_nothing_to_weigh():
    assert weights(("100", "0", "0"), []) == {}
    assert weights(("100", "0", "0"), [("A1.1", 0, Group.COMMON)]) == {}


@pytest.mark.parametrize(
    ("weight", "rate", "expected"),
    [
        (1250, Fraction("0.85"), 1063),
        (1569, Fraction(5, 6), 1308),
        (1, Fraction(1, 2), 1),
        (1, Fraction(1, 3), 0),
        (3333, Fraction(0), 0),
        (3333, Fraction(1), 3333),
    ],
)
def test_points_are_rounded_half_up(weight, rate, expected):
    assert points(weight, rate) == expected
