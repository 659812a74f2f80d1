"""Ranks 1, 2, 2, 4; grades by bands, vetoes and the quota; the tie-break that decided."""

from fractions import Fraction

import pytest

from fazhi.score.ranking import Contender, ranked, standings, top_grade_places
from support.scoring import code, edition

SYSTEM = edition()


def contender(number, score, common=0, letters=0, allowed=0, parent="P", is_region=False):
    return Contender(code(number), parent, is_region, score, common, letters, allowed)


def grades(*contenders):
    found = standings(SYSTEM, contenders)
    return [
        (found[c.unit_code].rank, found[c.unit_code].grade_zh, found[c.unit_code].reason_zh)
        for c in contenders
    ]


def test_equal_scores_share_a_rank():
    assert ranked({"a": 70, "b": 90, "c": 80, "d": 80}) == {"b": 1, "c": 2, "d": 2, "a": 4}


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        (9000, "优秀"),
        (8999, "良好"),
        (8000, "良好"),
        (7999, "合格"),
        (6000, "合格"),
        (5999, "不合格"),
        (0, "不合格"),
    ],
)
def test_bands(score, grade):
    assert grades(contender(1, score)) == [(1, grade, "")]


@pytest.mark.parametrize(("units", "places"), [(1, 1), (3, 1), (6, 1), (7, 2), (57, 17)])
def test_places_of_the_top_grade(units, places):
    assert top_grade_places(Fraction("0.3"), units) == places


def test_units_of_other_parents_and_regions_are_apart():
    found = grades(
        contender(1, 9500),
        contender(2, 9400),
        contender(3, 9300, is_region=True),
        contender(4, 9200, parent="Q"),
    )
    assert [rank for rank, _, _ in found] == [1, 2, 1, 1]
    assert [grade for _, grade, _ in found] == ["优秀", "良好", "优秀", "优秀"]


def test_the_quota_by_score():
    assert grades(contender(1, 9500), contender(2, 9400)) == [
        (1, "优秀", ""),
        (2, "良好", "优秀等次名额 1 个，按得分排在名额之外"),
    ]


@pytest.mark.parametrize(
    ("inside", "outside", "reason"),
    [
        ({"common": 2}, {"common": 1}, "同分，按共性指标得分排在名额之外"),
        ({"letters": 1}, {"letters": 2}, "同分，按督办函份数排在名额之外"),
        ({}, {}, "同分，按统一社会信用代码顺序排在名额之外"),
    ],
)
def test_ties_across_the_quota_line_keep_the_rank(inside, outside, reason):
    assert grades(contender(2, 9500, **outside), contender(1, 9500, **inside)) == [
        (1, "良好", f"优秀等次名额 1 个，{reason}"),
        (1, "优秀", ""),
    ]


def test_a_vetoed_unit_is_ranked_and_counted_but_takes_no_place():
    found = grades(
        contender(1, 9900, allowed=3), contender(2, 9500, allowed=1), contender(3, 9100), contender(4, 9000)
    )
    assert found == [
        (1, "不合格", "一票否决事项限制等次"),
        (2, "良好", "一票否决事项限制等次"),
        (3, "优秀", ""),
        (4, "良好", "优秀等次名额 1 个，按得分排在名额之外"),
    ]


def test_a_veto_cap_never_lifts_a_grade():
    assert grades(contender(1, 5000, allowed=1)) == [(1, "不合格", "")]
