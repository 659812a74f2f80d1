"""From a value to a rate. In: an indicator's rule and one exact value. Out: r, an exact fraction from 0 to 1.

scoring.md section 3. Marks, ``k`` and ``floor`` of ``per_occurrence`` are points; full marks are kept in
hundredths.
"""

import calendar
from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import RuleType
from fazhi.score.aggregation import Value
from fazhi.systems.edition import Indicator

ZERO = Fraction(0)
ONE = Fraction(1)


def rate(indicator: Indicator, value: Value, year: int) -> Fraction:
    """The rate that a value earns.

    Args:
        indicator: A weight-carrying indicator of the edition.
        value: The year's value as ``aggregate`` made it.
        year: The assessment year (for ``date_late``).

    Raises:
        ConfigurationError: The rule cannot be applied to this type of value.
    """
    rule = _RULES.get(indicator.rule_type)
    if rule is None or type(value) not in _TYPES[indicator.rule_type]:
        raise ConfigurationError(
            f"指标 {indicator.code} 的计分规则 {indicator.rule_type} 不能用于数值类型 {indicator.value_type}；"
            "请更正 indicators.csv"
        )
    return rule(indicator, value, year)


def _clamp(number: Fraction) -> Fraction:
    if number <= 0:
        return ZERO
    return ONE if number >= 1 else number


def _linear(indicator: Indicator, value: Any, _year: int) -> Fraction:
    floor, target = indicator.rule_params["floor"], indicator.rule_params["target"]
    return _clamp(Fraction(value - floor) / (target - floor))


def _linear_inverse(indicator: Indicator, value: Any, _year: int) -> Fraction:
    best, worst = indicator.rule_params["best"], indicator.rule_params["worst"]
    return _clamp(Fraction(worst - value) / (worst - best))


def _bands(indicator: Indicator, value: Any, _year: int) -> Fraction:
    """The band with low ≤ x < high; bands lie end to end, so it is the last one that x reaches."""
    bands = indicator.rule_params["bands"]
    reached = [band for band in bands if band[0] is None or band[0] <= value]
    return Fraction(reached[-1][2] if reached else bands[0][2])


def _pass_fail(_indicator: Indicator, value: Any, _year: int) -> Fraction:
    return ONE if value else ZERO


def _per_occurrence(indicator: Indicator, value: Any, _year: int) -> Fraction:
    """On the full mark as the system writes it, so that renormalising scales the deductions too."""
    full_mark = Fraction(indicator.full_mark, 100)
    if full_mark == 0:
        return ZERO
    left = max(Fraction(indicator.rule_params["floor"]), full_mark - indicator.rule_params["k"] * value)
    return _clamp(left / full_mark)


def _date_late(indicator: Indicator, value: Any, year: int) -> Fraction:
    params = indicator.rule_params
    days_late = (value - due_day(params, year)).days
    if days_late <= 0:
        return ONE
    zero_after = params.get("zero_after_days")
    if zero_after is not None and days_late >= zero_after:
        return ZERO
    return _clamp(1 - params["late_per_day"] * Fraction(days_late))


def due_day(params: Mapping[str, Any], year: int) -> date:
    """The day on which a ``date_late`` row is due: ``due`` (MM-DD) of the year plus ``year_offset`` years.

    A due day that the year does not have (29 February) is the month's last day.
    """
    month, day = (int(part) for part in str(params["due"]).split("-"))
    due_year = year + int(params.get("year_offset", 0))
    return date(due_year, month, min(day, calendar.monthrange(due_year, month)[1]))


_Rule = Callable[[Indicator, Any, int], Fraction]
_RULES: Mapping[RuleType, _Rule] = {
    RuleType.LINEAR: _linear,
    RuleType.LINEAR_INVERSE: _linear_inverse,
    RuleType.BANDS: _bands,
    RuleType.PASS_FAIL: _pass_fail,
    RuleType.PER_OCCURRENCE: _per_occurrence,
    RuleType.DATE_LATE: _date_late,
}
_NUMBER = (int, Fraction)
_TYPES: Mapping[RuleType, tuple[type, ...]] = {
    RuleType.LINEAR: _NUMBER,
    RuleType.LINEAR_INVERSE: _NUMBER,
    RuleType.BANDS: _NUMBER,
    RuleType.PASS_FAIL: (bool,),
    RuleType.PER_OCCURRENCE: _NUMBER,
    RuleType.DATE_LATE: (date,),
}
