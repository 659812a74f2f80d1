"""Rank and grade of final results. In: R of all units of a slice. Out: rank, grade and what decided it.

scoring.md section 6. Ranked on R among units of the same parent, regions and departments apart: 1, 2, 2, 4.
Grades by bands on R, then the veto cap, then the quota of the top grade.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from fazhi.systems.edition import Edition


@dataclass(frozen=True)
class Contender:
    """What ranking and grading look at; scores are hundredths."""

    unit_code: str
    parent_code: str
    is_region: bool
    score: int
    common_points: int
    supervision_letters: int
    best_grade_allowed: int
    """Index of the best grade that vetoes leave."""


@dataclass(frozen=True)
class Standing:
    """A unit's rank and grade; ``reason_zh`` says what else than the score decided the grade."""

    rank: int
    grade_zh: str
    reason_zh: str = ""


def standings(edition: Edition, contenders: Iterable[Contender]) -> dict[str, Standing]:
    """Rank and grade every unit among its like."""
    pools: dict[tuple[str, bool], list[Contender]] = {}
    for contender in contenders:
        pools.setdefault((contender.parent_code, contender.is_region), []).append(contender)
    found: dict[str, Standing] = {}
    for pool in pools.values():
        found.update(_standings_of_pool(edition, pool))
    return found


def _standings_of_pool(edition: Edition, pool: Sequence[Contender]) -> dict[str, Standing]:
    ranks = ranked({contender.unit_code: contender.score for contender in pool})
    earned = {contender.unit_code: _grade_by_score(edition, contender.score) for contender in pool}
    allowed = {c.unit_code: max(earned[c.unit_code], c.best_grade_allowed) for c in pool}
    outside = _beyond_quota(edition, [c for c in pool if allowed[c.unit_code] == 0], len(pool))
    found = {}
    for contender in pool:
        code = contender.unit_code
        grade, reasons = allowed[code], []
        if grade > earned[code]:
            reasons.append("一票否决事项限制等次")
        if code in outside:
            grade = min(1, len(edition.grades) - 1)
            reasons.append(outside[code])
        found[code] = Standing(ranks[code], edition.grades[grade].name_zh, ";".join(reasons))
    return found


def ranked(scores: dict[str, int]) -> dict[str, int]:
    """Standard competition ranking, highest score first: equal scores share a rank (1, 2, 2, 4)."""
    in_order = sorted(scores.values(), reverse=True)
    first: dict[int, int] = {}
    for position, score in enumerate(in_order, 1):
        first.setdefault(score, position)
    return {unit: first[score] for unit, score in scores.items()}


def _grade_by_score(edition: Edition, score: int) -> int:
    reached = (index for index, grade in enumerate(edition.grades) if score >= grade.at_least)
    return next(reached, len(edition.grades) - 1)


def top_grade_places(quota: Fraction, ranked_units: int) -> int:
    """How many units may hold the top grade: floor(N · q), at least 1."""
    return max(1, ranked_units * quota.numerator // quota.denominator)


def _beyond_quota(edition: Edition, entitled: list[Contender], ranked_units: int) -> dict[str, str]:
    """The units that the quota keeps from the top grade, each with what decided."""
    places = top_grade_places(edition.top_grade_quota, ranked_units)
    in_order = sorted(entitled, key=_quota_order)
    if len(in_order) <= places:
        return {}
    last_in, top = in_order[places - 1], edition.grades[0].name_zh
    return {c.unit_code: f"{top}等次名额 {places} 个，{_decided_by(last_in, c)}" for c in in_order[places:]}


def _quota_order(contender: Contender) -> tuple[int, int, int, str]:
    return -contender.score, -contender.common_points, contender.supervision_letters, contender.unit_code


def _decided_by(last_in: Contender, outside: Contender) -> str:
    """What put a unit behind the last one inside the quota."""
    if outside.score != last_in.score:
        return "按得分排在名额之外"
    if outside.common_points != last_in.common_points:
        return "同分，按共性指标得分排在名额之外"
    if outside.supervision_letters != last_in.supervision_letters:
        return "同分，按督办函份数排在名额之外"
    return "同分，按统一社会信用代码顺序排在名额之外"
