"""One unit's assessment. In: its indicators with their states, its events. Out: lines, S, B, Y, R, C.

scoring.md sections 3 to 5; every number is a fraction until points are rounded, and an integer of hundredths
after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from fazhi.model.terms import Group, LineStatus
from fazhi.registry.records import Adjustment
from fazhi.score.adjustments import Adjusted, adjust, component, result
from fazhi.score.rates import ZERO, rate
from fazhi.score.share import share_of
from fazhi.score.status import State
from fazhi.score.weights import group_for, points, weigh
from fazhi.systems.edition import Edition, Indicator, Profile


class Line(NamedTuple):
    """One weight-carrying indicator in a unit's result; points and marks are hundredths."""

    indicator_code: str
    group: Group
    full_mark: int
    status: LineStatus
    weight: int | None
    rate: Fraction | None
    points: int | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """A unit's result without rank and grade; all scores are hundredths."""

    lines: tuple[Line, ...]
    """In code order, ``not_applicable`` ones included."""
    base: int
    bonus: int
    deduction: int
    score: int
    component: int
    adjusted: Adjusted

    @property
    def common_points(self) -> int:
        """Points of the COMMON group, the first tie-break across the quota line."""
        return sum(line.points or 0 for line in self.lines if line.group is Group.COMMON)


def assess(
    edition: Edition,
    year: int,
    profile: Profile,
    is_region: bool,
    states: Sequence[tuple[Indicator, State]],
    events: Sequence[Adjustment],
) -> Assessment | None:
    """Score one unit.

    Args:
        edition: The year's edition.
        year: The assessment year.
        profile: The unit's profile.
        is_region: Whether ``LEAD`` rows count as ``FUNCTION``.
        states: Every weight-carrying indicator that applies, in code order, with its state.
        events: The unit's recorded adjustments of the year.

    Returns:
        ``None`` when nothing is left that carries weight.
    """
    grouped = [(indicator, group_for(indicator, is_region), state) for indicator, state in states]
    weights = weigh(
        edition,
        profile,
        [
            (indicator, group)
            for indicator, group, state in grouped
            if state.status is not LineStatus.NOT_APPLICABLE
        ],
    )
    if not weights:
        return None
    adjusted = adjust(edition, events)
    lines = tuple(
        _line(indicator, group, state, weights, indicator.code in adjusted.zeroed, year)
        for indicator, group, state in grouped
    )
    base = sum(line.points or 0 for line in lines)
    score = result(base, adjusted, edition.cap_total)
    return Assessment(
        lines=lines,
        base=base,
        bonus=adjusted.bonus,
        deduction=adjusted.deduction,
        score=score,
        component=component(edition, share_of(edition, year), score, vetoed=bool(adjusted.vetoes)),
        adjusted=adjusted,
    )


def _line(
    indicator: Indicator, group: Group, state: State, weights: Mapping[str, int], zeroed: bool, year: int
) -> Line:
    if state.status is LineStatus.NOT_APPLICABLE:
        return Line(indicator.code, group, indicator.full_mark, state.status, None, None, None)
    earned = ZERO if zeroed or state.value is None else rate(indicator, state.value, year)
    weight = weights[indicator.code]
    return Line(
        indicator.code, group, indicator.full_mark, state.status, weight, earned, points(weight, earned)
    )
