"""The score stage. In: accepted values of a year and region. Out: one committed result per unit, versioned.

One transaction per slice: killed anywhere, it leaves nothing; run again, it writes nothing unless something
but the time of computing has changed. Some units at a time are loaded (in a few queries), computed and written,
so that memory does not grow with the region; only ranks and grades, which final results have, need them all.
"""

import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlalchemy import Connection, Engine

from fazhi.model.errors import UsageError
from fazhi.model.period import Period, due_periods
from fazhi.model.terms import Stage
from fazhi.registry import Registry
from fazhi.registry.records import Adjustment, Unit
from fazhi.score.adjustments import best_grade_allowed
from fazhi.score.aggregation import exact
from fazhi.score.assess import Assessment
from fazhi.score.batch import Candidate, assess_many
from fazhi.score.ranking import Contender, Standing, standings
from fazhi.score.results import Newest, NewResult, keep_results, newest_results
from fazhi.score.sources import Reporters, reporters_of
from fazhi.score.status import Evidence, State, state_of
from fazhi.score.system_values import UnitFacts, computed_by_system, system_value
from fazhi.store import write
from fazhi.store.accepted import (
    Extract,
    Reported,
    SubmissionFacts,
    approved_not_applicable,
    extracted_values,
    reported_values,
    require_read,
    require_validated,
    stopped_of,
    submission_facts,
    unreadable_periods,
)
from fazhi.systems.edition import Edition, Indicator

SUPERVISION_LETTERS = "I3.2"
"""Its denominator counts the supervision letters a unit received (a tie-break across the quota line)."""

_UNITS_AT_ONCE = 32
"""How many units' values are in memory at a time: some 15,000 of a year's."""

_BETWEEN_COLLECTIONS = 50_000
"""How many more objects there must be before Python looks for cycles among them."""

_SCORED_BY_SUPERIOR = "由上级考评，本级不计分"
_NO_PROFILE = "单位类型没有对应的分值方案，请更正单位标签或指标体系"
_NOTHING_APPLIES = "没有适用的计分指标（全部不适用）,须人工核定"


@dataclass(frozen=True)
class ScoreOutcome:
    """What scoring a slice came to."""

    scored: int
    new_versions: int
    unchanged: int
    without_result: Mapping[str, str]
    """Units of the region that get no result, by code, with the reason in Chinese."""


@dataclass
class _Slice:
    """The data of some units of a slice, by scored unit."""

    edition: Edition
    registry: Registry
    year: int
    today: date
    stage: Stage
    reporters: Mapping[str, Reporters]
    events: Mapping[str, Sequence[Adjustment]]
    not_applicable: Mapping[tuple[str, str], tuple[Period, ...]]
    unreadable: Mapping[str, tuple[Period, ...]]
    submissions: Mapping[str, Sequence[SubmissionFacts]]
    applicable: Mapping[str, tuple[Indicator, ...]]
    family: Mapping[str, tuple[str, ...]]
    """The unit itself and the predecessors whose values count for it."""
    reported: dict[tuple[str, str], dict[str, list[Reported]]] = field(default_factory=dict)
    """Counting values by (scored unit, indicator), then by reporting unit."""
    own_rows: dict[str, list[Reported]] = field(default_factory=lambda: defaultdict(list))
    """The rows of a unit's own submissions."""


@dataclass(frozen=True)
class _Assessed:
    unit: Unit
    states: tuple[tuple[Indicator, State], ...]
    assessment: Assessment


def score_slice(
    engine: Engine,
    edition: Edition,
    registry: Registry,
    year: int,
    region: str,
    *,
    today: date,
    stage: Stage,
    now: datetime,
) -> ScoreOutcome:
    """Compute and keep the results of a year and region.

    Args:
        engine: The store.
        edition: The year's edition.
        registry: Units, tasks, sources, adjustments.
        year: The assessment year.
        region: Division code of the city.
        today: The day in Asia/Shanghai that decides while the year still runs.
        stage: A provisional score takes what is there; a final one asks for every due period, ranks and
            grades. A unit that already has a final result keeps it through later provisional runs.
        now: When a new version is said to have been computed.

    Raises:
        UsageError: The slice has not been read and validated under this edition, or the year has not begun.
        ConfigurationError: The edition asks for something that cannot be computed.
    """
    with _seldom_collected(), write(engine) as connection:
        begun = _begin(connection, edition, registry, year, region, today, stage)
        kept = keep_results(connection, year, region, begun.results, begun.newest, begun.settled, now)
    scored = kept.results + begun.kept
    return ScoreOutcome(
        scored=scored,
        new_versions=kept.new_versions,
        unchanged=scored - kept.new_versions,
        without_result=begun.without_result,
    )


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Look for cycles seldom: scoring makes none, and looking through its rows took a fifth of its time."""
    youngest, *older = gc.get_threshold()
    gc.set_threshold(max(youngest, _BETWEEN_COLLECTIONS), *older)
    try:
        yield
    finally:
        gc.set_threshold(youngest, *older)


@dataclass(frozen=True)
class ComputedSlice:
    """What a year and region come to, before anything is kept."""

    results: tuple[NewResult, ...]
    newest: Mapping[str, Newest]
    """The newest version of every unit of the year that the store has."""
    settled: frozenset[str]
    """Units whose final result a provisional run leaves alone."""
    kept: int
    """How many units of the region are among them."""
    without_result: Mapping[str, str]


def compute_slice(
    connection: Connection,
    edition: Edition,
    registry: Registry,
    year: int,
    region: str,
    *,
    today: date,
    stage: Stage,
) -> ComputedSlice:
    """Compute the results of a year and region without keeping them; all of them are in memory at once.

    Raises:
        UsageError: The slice has not been read and validated under this edition, or the year has not begun.
        ConfigurationError: The edition asks for something that cannot be computed.
    """
    begun = _begin(connection, edition, registry, year, region, today, stage)
    return ComputedSlice(
        results=tuple(begun.results),
        newest=begun.newest,
        settled=begun.settled,
        kept=begun.kept,
        without_result=begun.without_result,
    )


def provisional_scores(
    connection: Connection, edition: Edition, registry: Registry, year: int, region: str, *, today: date
) -> dict[str, int]:
    """The provisional scores of a year and region in hundredths, by unit code; nothing is kept.

    Raises:
        UsageError: As ``compute_slice``.
        ConfigurationError: Likewise.
    """
    begun = _begin(connection, edition, registry, year, region, today, Stage.PROVISIONAL)
    return {one.unit_code: one.assessment.score for one in begun.results}


@dataclass(frozen=True)
class _Begun:
    """A slice that is computed while its results are taken."""

    results: Iterator[NewResult]
    newest: Mapping[str, Newest]
    settled: frozenset[str]
    kept: int
    without_result: Mapping[str, str]
    """Whole only when all results have been taken."""


def _begin(
    connection: Connection,
    edition: Edition,
    registry: Registry,
    year: int,
    region: str,
    today: date,
    stage: Stage,
) -> _Begun:
    require_validated(connection, year, edition.digest)
    newest = newest_results(connection, year)
    units = registry.scored_units(year, today, region)
    final = {code for code, known in newest.items() if known.stage == Stage.FINAL}
    settled = frozenset(final) if stage is Stage.PROVISIONAL else frozenset()
    without_result = _superior(registry, year, region, today)
    to_assess = [unit for unit in units if unit.unit_code not in settled]
    assessed = _assessed(connection, edition, registry, year, to_assess, today, stage, without_result)
    return _Begun(
        results=_results(edition, year, stage, assessed),
        newest=newest,
        settled=settled,
        kept=sum(unit.unit_code in settled for unit in units),
        without_result=without_result,
    )


def _assessed(
    connection: Connection,
    edition: Edition,
    registry: Registry,
    year: int,
    units: Sequence[Unit],
    today: date,
    stage: Stage,
    without_result: dict[str, str],
) -> Iterator[_Assessed]:
    """Assess units, some at a time; those that get no result are added to ``without_result`` with the reason."""
    stopped = stopped_of(connection, year)
    for start in range(0, len(units), _UNITS_AT_ONCE):
        some = units[start : start + _UNITS_AT_ONCE]
        slice_ = _load(connection, edition, registry, year, some, today, stage)
        _sort_values(slice_, reported_values(connection, year, _extract(slice_), stopped))
        yield from _assess_all(slice_, some, without_result)


def _results(edition: Edition, year: int, stage: Stage, assessed: Iterable[_Assessed]) -> Iterator[NewResult]:
    ranks: Mapping[str, Standing] = {}
    if stage is Stage.FINAL:  # a unit's rank needs the scores of all
        assessed = list(assessed)
        ranks = _standings(edition, assessed)
    for one in assessed:
        yield _new_result(edition, year, stage, one, ranks.get(one.unit.unit_code))


@dataclass(frozen=True)
class Supposition:
    """What is taken as decided although it is not."""

    released: frozenset[int] = frozenset()
    """Findings (by id) whose holds are taken as released."""
    not_applicable: frozenset[tuple[str, str, Period]] = frozenset()
    """Claims of 不适用, by unit, indicator and period, that are taken as approved."""


def suppose(
    connection: Connection,
    edition: Edition,
    registry: Registry,
    year: int,
    unit_code: str,
    suppositions: Sequence[Supposition],
    *,
    today: date,
    stage: Stage,
) -> list[NewResult | None]:
    """What one unit's result would be under each supposition; nothing is kept.

    Reads only what bears on the unit. The digits are those of ``compute_slice``; rank and grade, which need the
    other units, are left out.

    Args:
        connection: An open connection.
        edition: The year's edition.
        registry: Units, tasks, sources, adjustments.
        year: The assessment year.
        unit_code: A unit that is scored in the year.
        suppositions: Each is computed by itself; an empty one is the result as things stand.
        today: The day in Asia/Shanghai that decides while the year still runs.
        stage: Whether every due period is asked for.

    Returns:
        One result for each supposition, ``None`` where nothing is left that carries weight.

    Raises:
        UsageError: The unit is not scored here, or its submissions were read under another edition.
        ConfigurationError: The edition asks for something that cannot be computed.
    """
    unit = registry.unit_on(unit_code, registry.deciding_day(year, today))
    profile = None if unit is None else edition.profile_of(unit.tags)
    if unit is None or not unit.is_scored or profile is None:
        raise UsageError(f"{unit_code} 在{year}年不由本级计分")
    base = _load(connection, edition, registry, year, [unit], today, stage)
    require_read(connection, year, base.family[unit_code], edition.digest)
    values = extracted_values(connection, year, _extract(base))
    slices = [_supposed(base, values, one) for one in suppositions]
    candidates = [
        Candidate(profile, unit.is_region, tuple(_states(one, unit)), _events_that_apply(one, unit))
        for one in slices
    ]
    return [
        None
        if assessment is None
        else _new_result(edition, year, stage, _Assessed(unit, tuple(candidate.states), assessment), None)
        for candidate, assessment in zip(candidates, assess_many(edition, year, candidates), strict=True)
    ]


def _supposed(base: _Slice, values: Sequence[tuple[Reported, frozenset[int]]], one: Supposition) -> _Slice:
    """The slice of one unit with what is supposed; the data are not read again."""
    slice_ = replace(
        base,
        not_applicable=_with_claims(base.not_applicable, one),
        reported={},
        own_rows=defaultdict(list),
    )
    _sort_values(
        slice_,
        (
            replace(reported, stopped=False) if stopping and stopping <= one.released else reported
            for reported, stopping in values
        ),
    )
    return slice_


def _with_claims(
    approved: Mapping[tuple[str, str], tuple[Period, ...]], one: Supposition
) -> Mapping[tuple[str, str], tuple[Period, ...]]:
    added = dict(approved)
    for unit_code, indicator_code, period in sorted(one.not_applicable, key=lambda claim: claim[2].rank):
        key = (unit_code, indicator_code)
        added[key] = (*added.get(key, ()), period)
    return added


def _superior(registry: Registry, year: int, region: str, today: date) -> dict[str, str]:
    units = registry.units_of_year(year, today)
    superior = (u for u in units if u.scored_by == "superior" and registry.region_of(u) == region)
    return {unit.unit_code: _SCORED_BY_SUPERIOR for unit in superior}


def _load(
    connection: Connection,
    edition: Edition,
    registry: Registry,
    year: int,
    units: Sequence[Unit],
    today: date,
    stage: Stage,
) -> _Slice:
    """Load what bears on some units of one region, without the values."""
    family = {u.unit_code: (u.unit_code, *registry.predecessors_of(u.unit_code, year, today)) for u in units}
    members = tuple(code for codes in family.values() for code in codes)
    weight_carrying = [i for i in edition.indicators if i.rule_type.carries_weight]
    region = registry.region_of(units[0])
    return _Slice(
        edition=edition,
        registry=registry,
        year=year,
        today=today,
        stage=stage,
        reporters={one.code: reporters_of(one, registry, year, region) for one in weight_carrying},
        events=_events(registry, year),
        not_applicable=approved_not_applicable(connection, year, members),
        unreadable=unreadable_periods(connection, year, members),
        submissions=_by_unit(submission_facts(connection, year, members)),
        applicable={u.unit_code: registry.applicable(edition, u, year, today) for u in units},
        family=family,
    )


def _extract(slice_: _Slice) -> Extract:
    """All that was reported about the slice's units on indicators that apply to one of them."""
    return Extract(
        units=tuple(code for family in slice_.family.values() for code in family),
        indicators=tuple(sorted({i.code for some in slice_.applicable.values() for i in some})),
    )


def _events(registry: Registry, year: int) -> dict[str, list[Adjustment]]:
    events: defaultdict[str, list[Adjustment]] = defaultdict(list)
    for event in registry.adjustments(year):
        events[event.unit_code].append(event)
    return events


def _by_unit(submissions: Sequence[SubmissionFacts]) -> dict[str, list[SubmissionFacts]]:
    found: defaultdict[str, list[SubmissionFacts]] = defaultdict(list)
    for submission in submissions:
        found[submission.unit_code].append(submission)
    return found


def _sort_values(slice_: _Slice, values: Iterable[Reported]) -> None:
    """Sort values to the units that they count for."""
    counts_for = {member: unit for unit, family in slice_.family.items() for member in family}
    wanted = {unit: {i.code for i in indicators} for unit, indicators in slice_.applicable.items()}
    for reported in values:
        unit_code = counts_for.get(reported.unit_code)
        if unit_code is None or reported.indicator_code not in wanted[unit_code]:
            continue
        if reported.kind == "submission" and reported.reporter_code == unit_code:
            slice_.own_rows[unit_code].append(reported)
        reporters = slice_.reporters.get(reported.indicator_code)
        if reporters is not None and reporters.counts(reported):
            members = slice_.reported.setdefault((unit_code, reported.indicator_code), {})
            members.setdefault(reported.unit_code, []).append(reported)


def _assess_all(slice_: _Slice, units: Sequence[Unit], without_result: dict[str, str]) -> list[_Assessed]:
    """Assess units; those that get no result are added to ``without_result`` with the reason."""
    scored: list[Unit] = []
    candidates: list[Candidate] = []
    for unit in units:
        profile = slice_.edition.profile_of(unit.tags)
        if profile is None:
            without_result[unit.unit_code] = _NO_PROFILE
            continue
        scored.append(unit)
        candidates.append(
            Candidate(profile, unit.is_region, tuple(_states(slice_, unit)), _events_that_apply(slice_, unit))
        )
    assessed: list[_Assessed] = []
    found = assess_many(slice_.edition, slice_.year, candidates)
    for unit, candidate, assessment in zip(scored, candidates, found, strict=True):
        if assessment is None:
            without_result[unit.unit_code] = _NOTHING_APPLIES
        else:
            assessed.append(_Assessed(unit, tuple(candidate.states), assessment))
    return assessed


def _events_that_apply(slice_: _Slice, unit: Unit) -> list[Adjustment]:
    events = slice_.events.get(unit.unit_code, ())
    codes = {indicator.code for indicator in slice_.applicable[unit.unit_code]} if events else set()
    return [event for event in events if event.code in codes]


def _states(slice_: _Slice, unit: Unit) -> list[tuple[Indicator, State]]:
    facts = _facts(slice_, unit)
    return [
        (indicator, _state(slice_, unit, indicator, facts))
        for indicator in slice_.applicable[unit.unit_code]
        if indicator.rule_type.carries_weight
    ]


def _facts(slice_: _Slice, unit: Unit) -> UnitFacts:
    code = unit.unit_code
    return UnitFacts(
        unit_code=code,
        asked=[indicator for indicator in slice_.applicable[code] if indicator.asked_of_unit],
        submissions=slice_.submissions.get(code, ()),
        reported=slice_.own_rows.get(code, ()),
        exists_on=lambda day: slice_.registry.unit_on(code, day) is not None,
    )


def _state(slice_: _Slice, unit: Unit, indicator: Indicator, facts: UnitFacts) -> State:
    code = unit.unit_code
    if computed_by_system(indicator):
        reported: Mapping[str, Sequence[Reported]] = {code: [_system_value(slice_, indicator, facts)]}
    else:
        reported = slice_.reported.get((code, indicator.code), {})
    evidence = Evidence(
        unit_code=code,
        reported=reported,
        not_applicable=_not_applicable(slice_, code, indicator),
        unreadable=_unreadable(slice_, code, indicator),
    )
    return state_of(indicator, evidence, slice_.reporters[indicator.code].place, slice_.year, slice_.stage)


def _system_value(slice_: _Slice, indicator: Indicator, facts: UnitFacts) -> Reported:
    return system_value(slice_.edition, indicator, facts, slice_.year, slice_.today)


def _not_applicable(slice_: _Slice, unit_code: str, indicator: Indicator) -> dict[str, tuple[Period, ...]]:
    if not slice_.not_applicable:
        return {}
    approved = {code: slice_.not_applicable.get((code, indicator.code)) for code in slice_.family[unit_code]}
    return {code: periods for code, periods in approved.items() if periods}


def _unreadable(slice_: _Slice, unit_code: str, indicator: Indicator) -> dict[str, tuple[Period, ...]]:
    """The unreadable workbooks in which the unit had to report the indicator."""
    if not slice_.unreadable or not indicator.asked_of_unit:
        return {}
    due = due_periods(indicator.frequency, slice_.year)
    return {
        code: tuple(period for period in slice_.unreadable[code] if period in due)
        for code in slice_.family[unit_code]
        if code in slice_.unreadable
    }


def _standings(edition: Edition, assessed: Sequence[_Assessed]) -> dict[str, Standing]:
    return standings(
        edition,
        [
            Contender(
                unit_code=a.unit.unit_code,
                parent_code=a.unit.parent_code,
                is_region=a.unit.is_region,
                score=a.assessment.score,
                common_points=a.assessment.common_points,
                supervision_letters=_supervision_letters(a),
                best_grade_allowed=best_grade_allowed(edition, a.assessment.adjusted.vetoes),
            )
            for a in assessed
        ],
    )


def _supervision_letters(assessed: _Assessed) -> int:
    used = (state.used for indicator, state in assessed.states if indicator.code == SUPERVISION_LETTERS)
    return sum(int(exact(reported.denominator or "0")) for values in used for reported in values)


def _new_result(
    edition: Edition, year: int, stage: Stage, assessed: _Assessed, standing: Standing | None
) -> NewResult:
    unit = assessed.unit
    return NewResult(
        unit_code=unit.unit_code,
        unit_name=unit.name_zh,
        stage=stage,
        system_id=edition.system_id,
        system_digest=edition.digest,
        share=edition.share(year),
        total_points=edition.total_points,
        assessment=assessed.assessment,
        inputs=tuple(reported for _, state in assessed.states for reported in state.used),
        standing=standing,
    )
