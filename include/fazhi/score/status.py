"""The state of one indicator of one unit. In: what was reported, approved 不适用. Out: status, value.

scoring.md section 2. Provisional: ``scored`` if any accepted value remains. Final: each due period must be
not applicable or covered; hiding a bad month never pays. A row that claims 不适用 without an approval is not
a value.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fazhi.model.period import Period, covers, due_periods
from fazhi.model.terms import LineStatus, Stage, ZeroDenominator
from fazhi.score.aggregation import Outcome, Precedence, Value, aggregate, has_value, remaining
from fazhi.store.accepted import Reported
from fazhi.systems.edition import Indicator

Periods = Sequence[Period]


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that bears on an indicator of a unit, by reporting unit (itself and its predecessors)."""

    unit_code: str
    reported: Mapping[str, Sequence[Reported]]
    """Values from sources that count for the indicator, stopped ones included."""
    not_applicable: Mapping[str, Periods]
    """Periods with an approved 不适用."""
    unreadable: Mapping[str, Periods]
    """Periods whose workbook of the reporting unit could not be read, where the indicator was due in it."""


@dataclass(frozen=True, slots=True)
class State:
    """What came out. ``value`` is there only for ``scored``; ``used`` are the values behind the status."""

    status: LineStatus
    value: Value | None = None
    used: tuple[Reported, ...] = ()


_MISSING = State(LineStatus.MISSING)
_REJECTED = State(LineStatus.REJECTED)
_NOT_APPLICABLE = State(LineStatus.NOT_APPLICABLE)


def state_of(
    indicator: Indicator, evidence: Evidence, precedence: Precedence, year: int, stage: Stage
) -> State:
    """Decide the status of an indicator for a unit and year."""
    due = due_periods(indicator.frequency, year)
    if _all_covered(due, evidence.not_applicable.get(evidence.unit_code, ())):
        return _NOT_APPLICABLE
    left = {
        unit_code: remaining(_accepted(indicator, evidence, unit_code), precedence)
        for unit_code in evidence.reported
    }
    own = left.get(evidence.unit_code, [])
    inherited = [
        reported for code, values in left.items() if code != evidence.unit_code for reported in values
    ]
    if stage is Stage.FINAL:
        uncovered = _uncovered(due, [*own, *inherited], evidence)
        if uncovered:
            return _REJECTED if _stopped_in(uncovered, evidence) else _MISSING
        if not own and not inherited:
            return _NOT_APPLICABLE
    elif not own and not inherited:
        return _REJECTED if _stopped_in(due, evidence) else _MISSING
    return _aggregated(indicator, own, inherited)


def _accepted(indicator: Indicator, evidence: Evidence, unit_code: str) -> list[Reported]:
    left_out = evidence.not_applicable.get(unit_code, ())
    return [
        reported
        for reported in evidence.reported[unit_code]
        if not reported.stopped
        and not reported.not_applicable
        and has_value(reported, indicator.value_type)
        and not (left_out and covers(reported.period, left_out))
    ]


def _all_covered(due: Periods, by: Periods) -> bool:
    return bool(by) and all(covers(period, by) for period in due)


def _uncovered(due: Periods, values: Sequence[Reported], evidence: Evidence) -> list[Period]:
    """The due periods that neither a value nor an approved 不适用 covers."""
    covering = [reported.period for reported in values]
    covering += [period for periods in evidence.not_applicable.values() for period in periods]
    return [period for period in due if not covers(period, covering)]


def _stopped_in(periods: Periods, evidence: Evidence) -> bool:
    """Whether a finding that stops scoring stands on what was reported for one of the periods."""
    return any(
        period.contains(other) or other.contains(period) for other in _stopped(evidence) for period in periods
    )


def _stopped(evidence: Evidence) -> Iterable[Period]:
    for unit_code, values in evidence.reported.items():
        left_out = evidence.not_applicable.get(unit_code, ())
        for reported in values:
            if reported.stopped and not (left_out and covers(reported.period, left_out)):
                yield reported.period
    for periods in evidence.unreadable.values():
        yield from periods


def _aggregated(indicator: Indicator, own: Sequence[Reported], inherited: Sequence[Reported]) -> State:
    made = aggregate(indicator, own, inherited)
    if made.outcome is Outcome.VALUE:
        return State(LineStatus.SCORED, made.value, made.used)
    if made.outcome is Outcome.NOTHING_HAPPENED and indicator.zero_denominator is ZeroDenominator.EXCLUDE:
        return State(LineStatus.NOT_APPLICABLE, None, made.used)
    return _REJECTED
