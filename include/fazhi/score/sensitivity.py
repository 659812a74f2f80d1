"""How firmly ranks stand. In: a year's results and their edition. Out: what moves when weights move.

Method: one factor at a time, as in OECD/European Union/JRC, Handbook on Constructing Composite Indicators
(2008), section 1.7. One indicator's mark is multiplied by 0.9 and by 1.1 for every unit, or the indicator is
left out; the shares of the groups stay, and within the group all weights are renormalised as the scoring
rules say (scoring.md section 4). Scores are compared before rounding, in exact rational arithmetic, so that
a move of rank is never an artefact of rounding; ranks are among units of the same parent and kind.

A unit's score under one change differs from its own in a single group, so each takes a few integer
operations: with group mass M, Σ m·ρ = A (ρ the rates over their common denominator L) and a mark m times
(10 + s)/10, the group's part is share · (10·A + s·m·ρ) / (L·(10·M + s·m)).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any

from sqlalchemy import Connection, Engine, Row

from fazhi.model.errors import UsageError
from fazhi.model.terms import Group
from fazhi.registry import Registry
from fazhi.score.results import current_keys, hundredths, in_parts, rows_of
from fazhi.score.weights import group_for
from fazhi.store import read
from fazhi.store.tables import result, result_line
from fazhi.systems.edition import Edition, code_key

LESS, MORE, WITHOUT = -1, 1, -10
"""Tenths by which a mark is changed."""
CHANGES = (LESS, MORE, WITHOUT)
CHANGE_ZH = {LESS: "分值减 10%", MORE: "分值加 10%", WITHOUT: "去掉该指标"}
METHOD_ZH = (
    "逐项变动法：每次只把一项指标的标准分乘以 0.9 或 1.1，或者去掉该指标，同类其他指标的分值按计分办法重新分配，"
    "三类指标的份额不变；用未取整的得分比较名次，全部为精确分数运算。方法见经合组织、欧盟委员会联合研究中心"
    "《综合指标编制手册》（2008）第 1.7 节。"
)
_FINE = 10**15
"""Scores are compared by their multiple of 10⁻¹⁵, and exactly where that is the same."""
NEAR_ZH = "名次相邻，得分相差不超过 0.01 分，或者未取整时次序相反"


@dataclass(frozen=True)
class Part:
    """A group of one unit: its share of 1 and its sums over the common denominator of the rates."""

    share: Fraction
    mass: int
    earned: int


@dataclass(frozen=True)
class Standing:
    """One unit, as far as its score depends on weights."""

    unit_code: str
    unit_name: str
    pool: tuple[str, bool]
    score: int
    """R as published, in hundredths."""
    beyond: Fraction
    """B - Y in points, added before clamping."""
    cap: Fraction
    common: int
    """L: the rates' common denominator."""
    groups: Mapping[Group, Part]
    lines: Mapping[str, tuple[Group, int, int]]
    """By indicator: its group, its mass, its rate times L."""

    def exact(self) -> Fraction:
        """R before any rounding."""
        return self._limited(_points(self.groups.values(), self.common))

    def changed(self, code: str, tenths: int) -> Fraction | None:
        """R before rounding after changing one indicator's mark; ``None`` when nothing is left to score."""
        if code not in self.lines:
            return self.exact()
        group, mass, earned = self.lines[code]
        part = self.groups[group]
        moved = Part(part.share, 10 * part.mass + tenths * mass, 10 * part.earned + tenths * earned)
        groups = dict(self.groups)
        if moved.mass:
            groups[group] = moved
        else:
            del groups[group]
        return self._limited(_points(groups.values(), self.common)) if groups else None

    def _limited(self, points: Fraction) -> Fraction:
        return max(Fraction(0), min(self.cap, points + self.beyond))


def _points(parts: Iterable[Part], common: int) -> Fraction:
    """Σ share · earned / mass over active groups whose shares are brought to 100; equal parts if all are 0."""
    active = list(parts)
    total = sum((part.share for part in active), Fraction(0))
    shares = [part.share if total else Fraction(1) for part in active]
    whole = total or Fraction(len(active))
    weighted = sum(
        (
            share * Fraction(part.earned, part.mass * common)
            for share, part in zip(shares, active, strict=True)
        ),
        Fraction(0),
    )
    return 100 * weighted / whole


@dataclass(frozen=True)
class Move:
    """A unit's rank under one change of one indicator."""

    unit_code: str
    indicator_code: str
    tenths: int
    rank: int
    rank_after: int


@dataclass(frozen=True)
class UnitStability:
    """How far a unit's rank moves."""

    unit_code: str
    unit_name: str
    score: str
    rank: int
    best_within: int
    """Over all changes by a tenth."""
    worst_within: int
    best_without: int
    """Over leaving out any one indicator."""
    worst_without: int
    moved_by: tuple[str, ...]
    """The indicators whose change by a tenth moves it."""


@dataclass(frozen=True)
class IndicatorWeightiness:
    """How many ranks depend on one indicator."""

    indicator_code: str
    name_zh: str
    moved_less: int
    moved_more: int
    moved_without: int
    largest_move: int


@dataclass(frozen=True)
class Neighbours:
    """Two units next to each other whose scores a rounding could make equal or swap."""

    ahead: str
    ahead_name: str
    behind: str
    behind_name: str
    gap: str
    """Published difference in points."""
    exact_gap: str
    """Difference before rounding, in points; negative when rounding turned the order round."""


@dataclass(frozen=True)
class NearBoundary:
    """A unit whose score lies close to a grade's lowest score."""

    unit_code: str
    unit_name: str
    score: str
    grade: str
    at_least: str
    gap: str
    """Score minus boundary; negative below it."""


@dataclass(frozen=True)
class Sensitivity:
    """A year's answer."""

    year: int
    stage: str
    units: tuple[UnitStability, ...]
    indicators: tuple[IndicatorWeightiness, ...]
    neighbours: tuple[Neighbours, ...]
    boundaries: tuple[NearBoundary, ...]
    moves: tuple[Move, ...]


def sensitivity(
    engine: Engine,
    edition: Edition,
    registry: Registry,
    year: int,
    *,
    today: date,
    near_boundary: Fraction = Fraction(1, 2),
) -> Sensitivity:
    """Work out how firmly the ranks of a year stand.

    Args:
        engine: The store.
        edition: The year's edition; it must be the one that the results were computed with.
        registry: Tags and parents of the units.
        year: The assessment year.
        today: The day in Asia/Shanghai that decides while the year still runs.
        near_boundary: How many points from a grade's lowest score still count as near.

    Raises:
        UsageError: There are no results, or they were computed by another edition.
    """
    with read(engine) as connection:
        standings, stages = _standings(connection, edition, registry, year, today)
    if not standings:
        raise UsageError(f"{year}年没有得分；请先执行 fazhi score --year {year}")
    moves: list[Move] = []
    reach: dict[str, _Reach] = {}
    for pool in _pools(standings):
        _pool_moves(pool, moves, reach)
    return Sensitivity(
        year=year,
        stage="、".join(sorted(stages)),
        units=tuple(_stability(standing, reach[standing.unit_code]) for standing in standings),
        indicators=_weightiness(edition, standings, moves),
        neighbours=tuple(pair for pool in _pools(standings) for pair in _neighbours(pool)),
        boundaries=tuple(_near(edition, standings, near_boundary)),
        moves=tuple(moves),
    )


# --- reading


def _standings(
    connection: Connection, edition: Edition, registry: Registry, year: int, today: date
) -> tuple[list[Standing], set[str]]:
    day = registry.deciding_day(year, today)
    stages: set[str] = set()
    standings: list[Standing] = []
    for part in in_parts(current_keys(connection, year)):
        lines: dict[str, list[Row[Any]]] = {}
        for row in rows_of(connection, result_line, year, part):
            lines.setdefault(row.unit_code, []).append(row)
        for head in sorted(rows_of(connection, result, year, part), key=lambda row: str(row.unit_code)):
            if head.system_digest != edition.digest:
                raise UsageError(
                    f"{year}年的得分是按另一份指标体系计算的；请先执行 fazhi score --year {year}"
                )
            stages.add(head.stage)
            unit = registry.unit_on(head.unit_code, day)
            profile = None if unit is None else edition.profile_of(unit.tags)
            if unit is None or profile is None:
                raise UsageError(f"{head.unit_name} 的单位登记已变；请先执行 fazhi score --year {year}")
            shares = {group: Fraction(profile.shares.get(group, 0)) for group in Group}
            pool = (unit.parent_code, unit.is_region)
            standings.append(_standing(edition, head, lines[head.unit_code], shares, pool))
    return standings, stages


def _standing(
    edition: Edition,
    head: Row[Any],
    rows: Sequence[Row[Any]],
    shares: Mapping[Group, Fraction],
    pool: tuple[str, bool],
) -> Standing:
    counted = [row for row in rows if row.weight is not None]
    common = lcm(1, *(int(row.rate_denominator) for row in counted))
    scale = lcm(1, *(multiplier.denominator for multiplier in edition.multipliers.values()))
    lines: dict[str, tuple[Group, int, int]] = {}
    masses = dict.fromkeys(Group, 0)
    earned = dict.fromkeys(Group, 0)
    for row in counted:
        indicator = edition.by_code[row.indicator_code]
        group = group_for(indicator, pool[1])
        mass = int(indicator.full_mark * scale * edition.multipliers.get(indicator.code, Fraction(1)))
        weighted = mass * int(row.rate_numerator) * (common // int(row.rate_denominator))
        lines[indicator.code] = (group, mass, weighted)
        masses[group] += mass
        earned[group] += weighted
    return Standing(
        unit_code=head.unit_code,
        unit_name=head.unit_name,
        pool=pool,
        score=hundredths(head.score),
        beyond=Fraction(hundredths(head.bonus) - hundredths(head.deduction), 100),
        cap=Fraction(edition.cap_total, 100),
        common=common,
        groups={g: Part(shares[g], masses[g], earned[g]) for g in Group if masses[g]},
        lines=lines,
    )


def _pools(standings: Sequence[Standing]) -> Iterator[list[Standing]]:
    pools: dict[tuple[str, bool], list[Standing]] = {}
    for standing in standings:
        pools.setdefault(standing.pool, []).append(standing)
    yield from pools.values()


# --- moving


@dataclass
class _Reach:
    """How far one unit's rank goes."""

    rank: int
    within: list[int]
    without: list[int]
    moved_by: dict[str, None]


def _pool_moves(pool: Sequence[Standing], moves: list[Move], reach: dict[str, _Reach]) -> None:
    now = _ranks([standing.exact() for standing in pool])
    movers = [_Mover(standing) for standing in pool]
    for standing, rank in zip(pool, now, strict=True):
        reach[standing.unit_code] = _Reach(rank or 1, [rank or 1], [rank or 1], {})
    codes = sorted({code for standing in pool for code in standing.lines}, key=code_key)
    for code in codes:
        for tenths in CHANGES:
            after = _ranks_of_movers(movers, code, tenths)
            for standing, before, rank in zip(pool, now, after, strict=True):
                if rank is None or before is None or rank == before:
                    continue
                known = reach[standing.unit_code]
                (known.without if tenths == WITHOUT else known.within).append(rank)
                if tenths != WITHOUT:
                    known.moved_by[code] = None
                moves.append(Move(standing.unit_code, code, tenths, before, rank))


class _Mover:
    """A unit's score under any change, as whole multiples of 10⁻¹⁵ (see the module's formula)."""

    def __init__(self, standing: Standing) -> None:
        self.standing = standing
        self._own = int(standing.exact() * _FINE // 1)
        total = sum((part.share for part in standing.groups.values()), Fraction(0))
        self._rest: dict[Group, Fraction] = {}
        self._factor: dict[Group, Fraction] = {}
        for group, part in standing.groups.items():
            share = part.share / total if total else Fraction(1, len(standing.groups))
            self._factor[group] = 100 * share / standing.common
            others = [other for name, other in standing.groups.items() if name is not group]
            shares = [o.share / total if total else Fraction(1, len(standing.groups)) for o in others]
            self._rest[group] = standing.beyond + sum(
                (
                    100 * s * Fraction(o.earned, o.mass * standing.common)
                    for s, o in zip(shares, others, strict=True)
                ),
                Fraction(0),
            )
        self._cap = int(standing.cap * _FINE)

    def fine(self, code: str, tenths: int) -> int | None:
        """R before rounding in units of 10⁻¹⁵, rounded down; ``None`` when nothing is left to score."""
        line = self.standing.lines.get(code)
        if line is None:
            return self._own
        group, mass, earned = line
        part = self.standing.groups[group]
        moved = 10 * part.mass + tenths * mass
        if not moved:
            exact = self.standing.changed(code, tenths)
            return None if exact is None else int(exact * _FINE // 1)
        rest, factor = self._rest[group], self._factor[group]
        bottom = factor.denominator * moved
        top = factor.numerator * (10 * part.earned + tenths * earned)
        fine = (_FINE * (rest.numerator * bottom + top * rest.denominator)) // (rest.denominator * bottom)
        return max(0, min(self._cap, fine))


def _ranks_of_movers(movers: Sequence[_Mover], code: str, tenths: int) -> list[int | None]:
    """Ranks after a change; where 10⁻¹⁵ does not tell two scores apart, they are compared exactly."""
    fine = [mover.fine(code, tenths) for mover in movers]
    counts: dict[int, int] = {}
    for number in fine:
        if number is not None:
            counts[number] = counts.get(number, 0) + 1
    doubtful = {number for number, count in counts.items() if count > 1}
    if not doubtful:
        return _ranks(fine)
    exact: list[tuple[int, Fraction] | None] = [
        None
        if number is None
        else (number, mover.standing.changed(code, tenths) or Fraction(0))
        if number in doubtful
        else (number, Fraction(0))
        for mover, number in zip(movers, fine, strict=True)
    ]
    return _ranks(exact)


def _ranks(scores: Sequence[Any]) -> list[int | None]:
    """Standard competition ranks, highest first; ``None`` stays without a rank."""
    in_order = sorted((score for score in scores if score is not None), reverse=True)
    first: dict[Any, int] = {}
    for place, score in enumerate(in_order, 1):
        first.setdefault(score, place)
    return [None if score is None else first[score] for score in scores]


# --- telling


def _stability(standing: Standing, reach: _Reach) -> UnitStability:
    return UnitStability(
        unit_code=standing.unit_code,
        unit_name=standing.unit_name,
        score=_two(Fraction(standing.score, 100)),
        rank=reach.rank,
        best_within=min(reach.within),
        worst_within=max(reach.within),
        best_without=min(reach.without),
        worst_without=max(reach.without),
        moved_by=tuple(reach.moved_by),
    )


def _weightiness(
    edition: Edition, standings: Sequence[Standing], moves: Sequence[Move]
) -> tuple[IndicatorWeightiness, ...]:
    counts: dict[tuple[str, int], int] = {}
    largest: dict[str, int] = {}
    for move in moves:
        counts[move.indicator_code, move.tenths] = counts.get((move.indicator_code, move.tenths), 0) + 1
        distance = abs(move.rank_after - move.rank)
        largest[move.indicator_code] = max(largest.get(move.indicator_code, 0), distance)
    codes = sorted({code for standing in standings for code in standing.lines}, key=code_key)
    return tuple(
        IndicatorWeightiness(
            indicator_code=code,
            name_zh=edition.by_code[code].name_zh,
            moved_less=counts.get((code, LESS), 0),
            moved_more=counts.get((code, MORE), 0),
            moved_without=counts.get((code, WITHOUT), 0),
            largest_move=largest.get(code, 0),
        )
        for code in codes
    )


def _neighbours(pool: Sequence[Standing]) -> Iterator[Neighbours]:
    in_order = sorted(pool, key=lambda standing: (-standing.score, standing.unit_code))
    for ahead, behind in pairwise(in_order):
        gap = ahead.score - behind.score
        exact_gap = ahead.exact() - behind.exact()
        if gap <= 1 or exact_gap < 0:
            yield Neighbours(
                ahead.unit_code,
                ahead.unit_name,
                behind.unit_code,
                behind.unit_name,
                gap=_two(Fraction(gap, 100)),
                exact_gap=_places(exact_gap, 6),
            )


def _near(edition: Edition, standings: Sequence[Standing], near: Fraction) -> Iterator[NearBoundary]:
    for standing in standings:
        for grade in edition.grades:
            gap = Fraction(standing.score - grade.at_least, 100)
            if grade.at_least > 0 and abs(gap) <= near:
                yield NearBoundary(
                    standing.unit_code,
                    standing.unit_name,
                    score=_two(Fraction(standing.score, 100)),
                    grade=grade.name_zh,
                    at_least=_two(Fraction(grade.at_least, 100)),
                    gap=_two(gap),
                )


def _two(number: Fraction) -> str:
    return _places(number, 2)


def _places(number: Fraction, places: int) -> str:
    """Half away from zero, plain text."""
    units = abs(number) * 10**places
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    sign = "-" if number < 0 and whole else ""
    return f"{sign}{whole // 10**places}.{whole % 10**places:0{places}d}"
