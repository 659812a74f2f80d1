"""From the periods of a year to one value. In: an indicator's accepted values. Out: one exact value.

scoring.md section 2: a coarser period replaces the finer ones that it contains, per reporting unit; a
predecessor's remaining values join the successor's; ``last`` takes the successor's own. Ratios come from
their parts and stay fractions.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from fractions import Fraction

from fazhi.model.errors import ConfigurationError
from fazhi.model.period import covers, without_finer
from fazhi.model.terms import Aggregation, RatioKind, Reporting, ValueType
from fazhi.store.accepted import Reported
from fazhi.systems.edition import Indicator

Quantity = Fraction | int
Value = Fraction | int | bool | date
Precedence = Callable[[Reported], int]
"""Order of a value's source: the lower one counts where several report the same stretch."""


class Outcome(Enum):
    """What aggregating came to."""

    VALUE = auto()
    NOTHING_HAPPENED = auto()
    """Zero over zero: neither 100 % nor 0 (scoring.md section 2)."""
    FAULT = auto()
    """Something over nothing."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value of a year and the reported values that it was computed from."""

    outcome: Outcome
    value: Value | None
    used: tuple[Reported, ...]


def has_value(reported: Reported, value_type: ValueType) -> bool:
    """Whether the parts that this type of value needs are all there."""
    match value_type:
        case ValueType.RATIO:
            return reported.numerator is not None and reported.denominator is not None
        case ValueType.BOOLEAN:
            return reported.boolean is not None
        case ValueType.DATE:
            return reported.day is not None
        case _:
            return reported.amount is not None


def remaining(values: Sequence[Reported], precedence: Precedence) -> list[Reported]:
    """What one reporting unit's accepted values come to: one per stretch of the year, in order of periods.

    Where several sources report, the better one counts wherever its values cover the stretch; of what is
    left the coarser periods replace the finer ones.
    """
    if len(values) <= 1:
        return list(values)
    one_each = _best_source(values, precedence)
    if len({reported.period.months for reported in one_each}) > 1:
        kept = set(without_finer(reported.period for reported in one_each))
        one_each = [reported for reported in one_each if reported.period in kept]
    return sorted(one_each, key=lambda reported: reported.period.rank)


def _best_source(values: Sequence[Reported], precedence: Precedence) -> Sequence[Reported]:
    ranks = {precedence(reported) for reported in values}
    if len(ranks) == 1 and len({reported.period.rank for reported in values}) == len(values):
        return values
    kept: list[Reported] = []
    for rank in sorted(ranks):
        better = [reported.period for reported in kept]
        same_rank: dict[int, Reported] = {}
        for reported in sorted((v for v in values if precedence(v) == rank), key=_reading_order):
            if not covers(reported.period, better):
                same_rank.setdefault(reported.period.rank, reported)
        kept.extend(same_rank.values())
    return kept


def _reading_order(reported: Reported) -> tuple[str, int]:
    return reported.submission_id, reported.row_no


def aggregate(indicator: Indicator, own: Sequence[Reported], inherited: Sequence[Reported]) -> Aggregate:
    """Make one value of what remains.

    Args:
        indicator: Says how (``aggregation``, ``reporting``, ``value_type``).
        own: What remains of the unit's own values.
        inherited: What remains of its predecessors' values.

    Raises:
        ConfigurationError: The edition combines a value type with an aggregation that has no meaning.
    """
    how = Aggregation.LAST if indicator.reporting is Reporting.CUMULATIVE else indicator.aggregation
    values = (own or inherited) if how is Aggregation.LAST else _joined(own, inherited)
    if indicator.value_type is ValueType.RATIO:
        return _ratio(indicator, how, values)
    if how is Aggregation.LAST:
        values = [_latest(values)]
    return Aggregate(Outcome.VALUE, _single(indicator, how, values), tuple(values))


def _joined(own: Sequence[Reported], inherited: Sequence[Reported]) -> Sequence[Reported]:
    """All of them in order of periods, so that the order of reporting units does not show."""
    if not inherited:
        return own
    return sorted([*own, *inherited], key=lambda reported: (reported.period.rank, reported.unit_code))


def _latest(values: Iterable[Reported]) -> Reported:
    """The value with the latest last day; among predecessors' equal periods, that of the lowest code."""
    by_code = sorted(values, key=lambda reported: reported.unit_code)
    return max(by_code, key=lambda reported: reported.period.rank)


def _single(indicator: Indicator, how: Aggregation, values: Sequence[Reported]) -> Value:
    """The value of anything but a ratio."""
    if indicator.value_type is ValueType.BOOLEAN and how in (Aggregation.ALL, Aggregation.LAST):
        return all(reported.boolean for reported in values)
    if indicator.value_type is ValueType.DATE and how in (Aggregation.MAX, Aggregation.LAST):
        return max(date.fromisoformat(reported.day) for reported in values if reported.day is not None)
    if indicator.value_type not in (ValueType.BOOLEAN, ValueType.DATE):
        numbers = [exact(reported.amount) for reported in values if reported.amount is not None]
        if how in (Aggregation.SUM, Aggregation.LAST):
            return sum(numbers)
        if how is Aggregation.MAX:
            return max(numbers)
    raise ConfigurationError(
        f"指标 {indicator.code} 的数值类型 {indicator.value_type} 不能用汇总方式 {how}；请更正 indicators.csv"
    )


def _ratio(indicator: Indicator, how: Aggregation, values: Sequence[Reported]) -> Aggregate:
    if how not in (Aggregation.SUM, Aggregation.LAST):
        raise ConfigurationError(f"指标 {indicator.code} 是比率，不能用汇总方式 {how}；请更正 indicators.csv")
    if how is Aggregation.LAST:
        with_cases = [reported for reported in values if exact(reported.denominator or "0") > 0]
        values = [_latest(with_cases)] if with_cases else values
    numerator = sum(exact(reported.numerator or "0") for reported in values)
    denominator = sum(exact(reported.denominator or "0") for reported in values)
    used = tuple(values)
    if denominator > 0:
        return Aggregate(Outcome.VALUE, ratio(indicator.ratio_kind, numerator, denominator), used)
    if denominator == 0 and numerator == 0:
        return Aggregate(Outcome.NOTHING_HAPPENED, None, used)
    return Aggregate(Outcome.FAULT, None, used)


def ratio(kind: RatioKind | None, numerator: Quantity, denominator: Quantity) -> Fraction:
    """The x of scoring.md section 3: a growth compares this year (numerator) with last year (denominator)."""
    if kind is RatioKind.GROWTH:
        return Fraction(numerator - denominator) / denominator
    return Fraction(numerator) / denominator


def exact(text: str) -> Quantity:
    """Plain decimal text as an exact number."""
    return Fraction(text) if "." in text else int(text)
