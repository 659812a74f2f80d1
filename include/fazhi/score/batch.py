"""Many units at once, with the digits of one unit at a time. In: states of units. Out: their assessments.

The arithmetic of ``assess``, ``rates`` and ``weights`` over columns of 64-bit integers: an indicator's rule is
applied to all units in a few operations. Every column is bounded first; one that could pass 2⁶² is computed
by the plain functions with Python's integers instead, so that the digits never depend on the size.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import lcm, prod

import numpy as np
from numpy.typing import NDArray

from fazhi.model.terms import Group, LineStatus, RuleType
from fazhi.registry.records import Adjustment
from fazhi.score.adjustments import Adjusted, adjust, component, result
from fazhi.score.aggregation import Value
from fazhi.score.assess import Assessment, Line
from fazhi.score.rates import ZERO, rate
from fazhi.score.share import share_of
from fazhi.score.status import State
from fazhi.score.weights import WHOLE, group_for, points, weigh
from fazhi.systems.edition import Edition, Indicator, Profile

BOUND = 2**62
"""No product or sum of a column may pass this; half of what 64 bits hold."""

Integers = NDArray[np.int64]
_GROUPS = tuple(Group)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A unit that is to be scored."""

    profile: Profile
    is_region: bool
    states: Sequence[tuple[Indicator, State]]
    """Every weight-carrying indicator that applies, in code order, with its state."""
    events: Sequence[Adjustment]


@dataclass(frozen=True, slots=True)
class Column:
    """One indicator's values: the rows that have one, and the values as fractions of whole numbers.

    ``values`` is there instead of the two arrays where they are no numbers, or too long for 64 bits.
    """

    rows: Integers
    tops: Integers | None = None
    bottoms: Integers | None = None
    values: Sequence[Value] = ()


@dataclass(frozen=True)
class Table:
    """Units by indicators, in code order."""

    indicators: Sequence[Indicator]
    profiles: Sequence[Profile]
    """By unit."""
    is_region: Sequence[bool]
    carries: NDArray[np.bool_]
    """Where an indicator carries weight."""
    columns: Sequence[Column]
    """The values that earn, by indicator; everything else that carries weight earns nothing."""


@dataclass(frozen=True)
class Digits:
    """What the table comes to: hundredths, and rates as fractions of whole numbers."""

    weights: Integers
    points: Integers
    rates: Sequence[tuple[Integers, Sequence[int] | Integers, Sequence[int] | Integers]]
    """By indicator: rows, numerators, denominators; not cancelled."""
    base: Integers


def compute(edition: Edition, year: int, table: Table) -> Digits:
    """Weights, rates and points of a table.

    Raises:
        ConfigurationError: A rule cannot be applied to its values.
    """
    weights = weigh_many(edition, table)
    earned = np.zeros(weights.shape, dtype=np.int64)
    rates = []
    for place, (indicator, column) in enumerate(zip(table.indicators, table.columns, strict=True)):
        tops, bottoms, points_ = _earned(indicator, year, column, weights[column.rows, place])
        earned[column.rows, place] = points_
        rates.append((column.rows, tops, bottoms))
    return Digits(weights, earned, rates, earned.sum(axis=1))


def assess_many(edition: Edition, year: int, candidates: Sequence[Candidate]) -> list[Assessment | None]:
    """Score units as ``assess`` does, all at once.

    Args:
        edition: The year's edition.
        year: The assessment year.
        candidates: The units.

    Returns:
        One assessment for each candidate, ``None`` where nothing is left that carries weight.

    Raises:
        ConfigurationError: The edition asks for something that cannot be computed, or its share is below 0.10.
    """
    adjusted = [adjust(edition, candidate.events) for candidate in candidates]
    table = table_of(edition, candidates, [one.zeroed for one in adjusted])
    digits = compute(edition, year, table)
    place = {indicator.code: number for number, indicator in enumerate(table.indicators)}
    rates = _rates_by_row(digits, len(candidates))
    weights, points_, base = digits.weights.tolist(), digits.points.tolist(), digits.base.tolist()
    share = share_of(edition, year)
    return [
        _assessment(
            edition, share, one, adjusted[row], place, (weights[row], points_[row], rates[row]), base[row]
        )
        for row, one in enumerate(candidates)
    ]


def table_of(edition: Edition, candidates: Sequence[Candidate], zeroed: Sequence[Collection[str]]) -> Table:
    """The candidates' states as a table.

    Args:
        edition: For the order of indicators.
        candidates: The units.
        zeroed: By unit, the indicators whose rate is 0 because their data were falsified.
    """
    used = {indicator.code for candidate in candidates for indicator, _ in candidate.states}
    indicators = [indicator for indicator in edition.indicators if indicator.code in used]
    place = {indicator.code: number for number, indicator in enumerate(indicators)}
    carries = np.zeros((len(candidates), len(indicators)), dtype=bool)
    rows: list[list[int]] = [[] for _ in indicators]
    values: list[list[Value]] = [[] for _ in indicators]
    for row, candidate in enumerate(candidates):
        counting = []
        for indicator, state in candidate.states:
            if state.status is LineStatus.NOT_APPLICABLE:
                continue
            column = place[indicator.code]
            counting.append(column)
            if state.value is not None and indicator.code not in zeroed[row]:
                rows[column].append(row)
                values[column].append(state.value)
        carries[row, counting] = True
    return Table(
        indicators=indicators,
        profiles=[candidate.profile for candidate in candidates],
        is_region=[candidate.is_region for candidate in candidates],
        carries=carries,
        columns=[_column(*pair) for pair in zip(rows, values, strict=True)],
    )


def _column(rows: list[int], values: list[Value]) -> Column:
    places = np.array(rows, dtype=np.int64)
    if any(type(value) not in _NUMBERS for value in values):
        return Column(places, values=values)
    tops = [value.numerator for value in values]  # type: ignore[union-attr]
    bottoms = [value.denominator for value in values]  # type: ignore[union-attr]
    if values and max(max(map(abs, tops)), max(bottoms)) >= BOUND:
        return Column(places, values=values)
    return Column(places, np.array(tops, dtype=np.int64), np.array(bottoms, dtype=np.int64))


_NUMBERS = frozenset({int, Fraction})


# --- weights


def weigh_many(edition: Edition, table: Table) -> Integers:
    """The weights of all units in hundredths, a row each; 0 where an indicator does not carry weight."""
    whole_masses = _masses(edition, table.indicators)
    if sum(whole_masses) >= BOUND:
        return _weigh_each(edition, table)
    masses = np.array(whole_masses, dtype=np.int64)
    groups = _group_matrix(table)
    shares = _shares(table.profiles)
    in_group = [table.carries & (groups == number) for number in range(len(_GROUPS))]
    totals = np.stack([inside @ masses for inside in in_group], axis=1)
    active = np.where(totals > 0, shares, 0)
    without = active.sum(axis=1) == 0
    active[without] = (totals[without] > 0).astype(np.int64)
    whole = active.sum(axis=1)
    if _too_large(totals, shares):
        return _weigh_each(edition, table)
    down = np.zeros(table.carries.shape, dtype=np.int64)
    rest = np.zeros(table.carries.shape, dtype=np.int64)
    for number, inside in enumerate(in_group):
        others = np.prod(np.maximum(np.delete(totals, number, axis=1), 1), axis=1)
        bottom = np.maximum(whole * totals[:, number], 1)[:, None]
        top = np.where(inside, WHOLE * active[:, number][:, None] * masses[None, :], 0)
        quotient = top // bottom
        down += quotient
        rest += (top - quotient * bottom) * others[:, None]
    missing = np.where(whole > 0, WHOLE - down.sum(axis=1), 0)
    order = np.argsort(-rest, axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(order.shape[1])[None, :], axis=1)
    return down + (place < missing[:, None])


def _masses(edition: Edition, indicators: Sequence[Indicator]) -> list[int]:
    scale = lcm(*(multiplier.denominator for multiplier in edition.multipliers.values()))
    return [
        int(scale * edition.multipliers.get(indicator.code, Fraction(1)) * indicator.full_mark)
        for indicator in indicators
    ]


def _group_matrix(table: Table) -> Integers:
    rows = [
        [_GROUPS.index(group_for(indicator, is_region)) for indicator in table.indicators]
        for is_region in (False, True)
    ]
    by_kind = np.array(rows, dtype=np.int64).reshape(2, len(table.indicators))
    groups: Integers = by_kind[np.array(table.is_region, dtype=np.int64)]
    return groups


def _shares(profiles: Sequence[Profile]) -> Integers:
    """The units' shares of the groups, all in units that make them whole."""
    different = {id(profile): profile for profile in profiles}
    scale = lcm(1, *(Fraction(s).denominator for p in different.values() for s in p.shares.values()))
    rows = {
        key: [int(scale * profile.shares.get(group, 0)) for group in _GROUPS]
        for key, profile in different.items()
    }
    return np.array([rows[id(profile)] for profile in profiles], dtype=np.int64).reshape(-1, len(_GROUPS))


def _too_large(totals: Integers, shares: Integers) -> bool:
    """Whether remainders brought to one denominator, or quotas, could pass the bound."""
    most = [max(1, int(number)) for number in totals.max(axis=0, initial=1)]
    whole = max(len(_GROUPS), int(shares.sum(axis=1).max(initial=1)))
    return whole * max(prod(most), WHOLE * max(most)) >= BOUND


def _weigh_each(edition: Edition, table: Table) -> Integers:
    weights = np.zeros(table.carries.shape, dtype=np.int64)
    place = {indicator.code: number for number, indicator in enumerate(table.indicators)}
    for row, (profile, is_region) in enumerate(zip(table.profiles, table.is_region, strict=True)):
        counting = [table.indicators[number] for number in np.flatnonzero(table.carries[row]).tolist()]
        found = weigh(
            edition, profile, [(indicator, group_for(indicator, is_region)) for indicator in counting]
        )
        for code, weight in found.items():
            weights[row, place[code]] = weight
    return weights


# --- rates and points

_Whole = Sequence[int] | Integers
_Earned = tuple[_Whole, _Whole, _Whole]
_Fraction = tuple[Integers, Integers]


def _earned(indicator: Indicator, year: int, column: Column, weights: Integers) -> _Earned:
    """Numerators and denominators of a column's rates, and its points."""
    found = _rate_column(indicator, column)
    if found is not None and _points_fit(found[1]):
        top, bottom = found
        return top, bottom, (2 * weights * top + bottom) // (2 * bottom)
    rates = [rate(indicator, value, year) for value in _values(column)]
    return (
        [one.numerator for one in rates],
        [one.denominator for one in rates],
        [points(int(weight), one) for weight, one in zip(weights, rates, strict=True)],
    )


def _points_fit(bottom: Integers) -> bool:
    return 3 * WHOLE * int(bottom.max(initial=1)) < BOUND


def _values(column: Column) -> Sequence[Value]:
    if column.tops is None or column.bottoms is None:
        return column.values
    return [Fraction(*pair) for pair in zip(column.tops.tolist(), column.bottoms.tolist(), strict=True)]


def _rate_column(indicator: Indicator, column: Column) -> _Fraction | None:
    """A column's rates, not cancelled; ``None`` where 64 bits might not do, or the values are no numbers."""
    rule = _RULES.get(indicator.rule_type)
    if rule is None or column.tops is None or column.bottoms is None:
        return None
    size = max(int(np.abs(column.tops).max(initial=1)), int(column.bottoms.max(initial=1)))
    return rule(indicator, column.tops, column.bottoms, size)


def _scaled(numbers: Sequence[Fraction]) -> tuple[int, list[int]]:
    """Parameters as whole numbers over one denominator."""
    scale = lcm(1, *(Fraction(number).denominator for number in numbers))
    return scale, [int(number * scale) for number in numbers]


def _fits(size: int, *factors: int) -> bool:
    """Whether the sum of the factors, each times a number of that size, stays within the bound."""
    return size * sum(map(abs, factors)) < BOUND


def _linear(indicator: Indicator, top: Integers, bottom: Integers, size: int) -> _Fraction | None:
    scale, (floor, target) = _scaled([indicator.rule_params["floor"], indicator.rule_params["target"]])
    if not _fits(size, scale, floor, target):
        return None
    whole = (target - floor) * bottom
    return np.clip(scale * top - floor * bottom, 0, whole), whole


def _linear_inverse(indicator: Indicator, top: Integers, bottom: Integers, size: int) -> _Fraction | None:
    scale, (best, worst) = _scaled([indicator.rule_params["best"], indicator.rule_params["worst"]])
    if not _fits(size, scale, best, worst):
        return None
    whole = (worst - best) * bottom
    return np.clip(worst * bottom - scale * top, 0, whole), whole


def _bands(indicator: Indicator, top: Integers, bottom: Integers, size: int) -> _Fraction | None:
    bands = indicator.rule_params["bands"]
    lows_scale, lows = _scaled([Fraction(0) if low is None else low for low, _, _ in bands])
    rate_scale, rates = _scaled([band_rate for _, _, band_rate in bands])
    if not _fits(size, lows_scale, *lows):
        return None
    earned = np.full(len(top), rates[0], dtype=np.int64)
    for low, band_rate in zip(lows[1:], rates[1:], strict=True):
        earned = np.where(lows_scale * top >= low * bottom, band_rate, earned)
    return earned, np.full(len(top), rate_scale, dtype=np.int64)


def _per_occurrence(indicator: Indicator, top: Integers, bottom: Integers, size: int) -> _Fraction | None:
    params = indicator.rule_params
    _, (each, floor, mark) = _scaled([params["k"], params["floor"], Fraction(indicator.full_mark, 100)])
    if mark == 0 or not _fits(size, each, floor, mark):
        return None
    left = np.maximum(floor * bottom, mark * bottom - each * top)
    return np.clip(left, 0, mark * bottom), mark * bottom


_Rule = Callable[[Indicator, Integers, Integers, int], _Fraction | None]
_RULES: Mapping[RuleType, _Rule] = {
    RuleType.LINEAR: _linear,
    RuleType.LINEAR_INVERSE: _linear_inverse,
    RuleType.BANDS: _bands,
    RuleType.PER_OCCURRENCE: _per_occurrence,
}


# --- the result

_ByRow = dict[int, tuple[int, int]]
"""A unit's rates by the indicator's place."""


def _rates_by_row(digits: Digits, units: int) -> list[_ByRow]:
    rates: list[_ByRow] = [{} for _ in range(units)]
    for place, (rows, tops, bottoms) in enumerate(digits.rates):
        for row, top, bottom in zip(rows.tolist(), _listed(tops), _listed(bottoms), strict=True):
            rates[row][place] = (top, bottom)
    return rates


def _listed(numbers: Sequence[int] | Integers) -> Sequence[int]:
    """Python's integers, which fractions are made of."""
    return numbers.tolist() if isinstance(numbers, np.ndarray) else numbers


def _assessment(
    edition: Edition,
    share: str,
    candidate: Candidate,
    adjusted: Adjusted,
    place: Mapping[str, int],
    digits: tuple[Sequence[int], Sequence[int], _ByRow],
    base: int,
) -> Assessment | None:
    weights, points_, rates = digits
    if not any(weights):
        return None
    score = result(base, adjusted, edition.cap_total)
    return Assessment(
        lines=tuple(
            _line(indicator, group_for(indicator, candidate.is_region), state, place, weights, points_, rates)
            for indicator, state in candidate.states
        ),
        base=base,
        bonus=adjusted.bonus,
        deduction=adjusted.deduction,
        score=score,
        component=component(edition, share, score, vetoed=bool(adjusted.vetoes)),
        adjusted=adjusted,
    )


def _line(
    indicator: Indicator,
    group: Group,
    state: State,
    place: Mapping[str, int],
    weights: Sequence[int],
    points_: Sequence[int],
    rates: _ByRow,
) -> Line:
    if state.status is LineStatus.NOT_APPLICABLE:
        return Line(indicator.code, group, indicator.full_mark, state.status, None, None, None)
    column = place[indicator.code]
    earned = _fraction(*rates[column]) if column in rates else ZERO
    return Line(
        indicator.code, group, indicator.full_mark, state.status, weights[column], earned, points_[column]
    )


_fraction = lru_cache(maxsize=65_536)(Fraction)
