"""The parameters of scoring rules. In: a row's JSON and what the row is. Out: exact parameters, or faults.

Which parameters a rule takes and what they mean: scoring.md sections 3 and 5. Anything else is refused, so
that a slip in a name can never silently change a score.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from fazhi.model.terms import RatioKind, RuleType, ValueType
from fazhi.systems.node import Node

Params = Mapping[str, Any]
Band = tuple[Fraction | None, Fraction | None, Fraction]

_MEASURED = frozenset({ValueType.RATIO, ValueType.COUNT, ValueType.SCORE})
_EVENTS = frozenset({ValueType.COUNT, ValueType.BOOLEAN})
VALUE_TYPES: Mapping[RuleType, frozenset[ValueType]] = {
    RuleType.LINEAR: _MEASURED,
    RuleType.LINEAR_INVERSE: _MEASURED,
    RuleType.BANDS: _MEASURED,
    RuleType.PASS_FAIL: frozenset({ValueType.BOOLEAN}),
    RuleType.PER_OCCURRENCE: frozenset({ValueType.COUNT}),
    RuleType.DATE_LATE: frozenset({ValueType.DATE}),
    RuleType.REPORT_ONLY: frozenset(ValueType),
    RuleType.BONUS_CAPPED: _EVENTS,
    RuleType.DEDUCT_TOTAL: _EVENTS,
    RuleType.VETO: _EVENTS,
}
"""Which values each rule can judge."""

_LEVELS = ("national", "region", "city")
_LATEST_YEAR_OFFSET = 5
_LONGEST_DELAY_DAYS = 3660


@dataclass(frozen=True)
class Facts:
    """What a rule must know about its row; ``None`` where the row itself is at fault."""

    value_type: ValueType | None
    ratio_kind: RatioKind | None
    full_mark: int | None
    """Hundredths of a point."""

    @property
    def lowest(self) -> int | None:
        """The least value that can be measured."""
        if self.value_type is ValueType.RATIO:
            return -1 if self.ratio_kind is RatioKind.GROWTH else 0
        return 0

    @property
    def highest(self) -> int | None:
        """The greatest value that can be measured, ``None`` without a bound."""
        if self.value_type is ValueType.SCORE:
            return 100
        return 1 if self.ratio_kind is RatioKind.SHARE else None


def read_params(node: Node, rule: RuleType, facts: Facts) -> Params:
    """The parameters of a row's rule; faults are noted on ``node``."""
    return _READERS[rule](node, facts)


def _linear(node: Node, facts: Facts) -> Params:
    return _slope(node, facts, low="floor", high="target", other="linear_inverse")


def _linear_inverse(node: Node, facts: Facts) -> Params:
    return _slope(node, facts, low="best", high="worst", other="linear")


def _slope(node: Node, facts: Facts, low: str, high: str, other: str) -> Params:
    given = node.fields((low, high), what="规则参数")
    values = {key: part.number_in(facts.lowest, facts.highest) for key, part in given.items()}
    bottom, top = values.get(low), values.get(high)
    if bottom is not None and top is not None:
        if bottom == top:
            node.refuse(f"{low} 与 {high} 不能相等，否则无法计分")
        elif bottom > top:
            node.refuse(f"{high} 应大于 {low}；方向相反的请用 {other}")
    return values


def _bands(node: Node, facts: Facts) -> Params:
    given = node.fields(("bands",), what="规则参数")
    if "bands" not in given:
        return {}
    bands = [_band(item, facts) for item in given["bands"].items()]
    if given["bands"].value == []:
        given["bands"].refuse("至少要有一档")
    read = [(position, band) for position, band in enumerate(bands) if band is not None]
    if len(read) == len(bands):
        _check_line(given["bands"], tuple(band for _, band in read))
    return {"bands": tuple(band for _, band in read)}


def _band(item: Node, facts: Facts) -> Band | None:
    if not isinstance(item.value, list) or len(item.value) != 3:
        item.refuse("每档应写成 [下限, 上限, 得分率]")
        return None
    low, high, rate = item.items()
    if rate.number_in(0, 1) is None:
        return None
    ends = [None if end.value is None else end.number_in(facts.lowest) for end in (low, high)]
    if any(end.value is not None and number is None for end, number in zip((low, high), ends, strict=True)):
        return None
    if ends[0] is not None and ends[1] is not None and ends[0] >= ends[1]:
        item.refuse("下限应小于上限")
        return None
    return ends[0], ends[1], Fraction(rate.number() or 0)


def _check_line(node: Node, bands: tuple[Band, ...]) -> None:
    """The bands must follow one another without a gap or an overlap up to an open end."""
    for position, (before, after) in enumerate(pairwise(bands), start=1):
        end, start = before[1], after[0]
        names = f"第{position}档与第{position + 1}档"
        if end is None or start is None or start < end:
            node.refuse(f"{names}重叠")
        elif start > end:
            node.refuse(f"{names}之间有空档")
    if bands and bands[-1][1] is not None:
        node.refuse("最后一档的上限应为 null(不封顶),否则高于它的值落在档外")


def _nothing(node: Node, _facts: Facts) -> Params:
    node.fields((), what="规则参数")
    return {}


def _per_occurrence(node: Node, facts: Facts) -> Params:
    given = node.fields(("k", "floor"), what="规则参数")
    values = {
        key: part.number_in(0, above=True) if key == "k" else part.number_in(0) for key, part in given.items()
    }
    floor = values.get("floor")
    if floor is not None and facts.full_mark is not None and floor * 100 >= facts.full_mark > 0:
        given["floor"].refuse("保底分应小于满分")
    return values


def _date_late(node: Node, _facts: Facts) -> Params:
    given = node.fields(("due", "late_per_day", "zero_after_days", "year_offset"), what="规则参数")
    readers: Mapping[str, Callable[[Node], Any]] = {
        "due": _month_day,
        "late_per_day": lambda part: part.number_in(0, 1, above=True),
        "zero_after_days": lambda part: _fraction(part.whole(1, _LONGEST_DELAY_DAYS)),
        "year_offset": lambda part: _fraction(part.whole(0, _LATEST_YEAR_OFFSET)),
    }
    return {key: readers[key](part) for key, part in given.items()}


def _fraction(number: int | None) -> Fraction | None:
    return None if number is None else Fraction(number)


def _month_day(node: Node) -> str | None:
    text = node.text()
    if text is not None and not is_month_day(text):
        node.refuse(f"“{text}”不是每年都有的月日，应写成 03-31 的样子")
        return None
    return text


def is_month_day(text: str) -> bool:
    """Whether ``MM-DD`` names a day of every year (so not ``02-29``)."""
    try:
        return len(text) == 5 and date.fromisoformat(f"2001-{text}") is not None
    except ValueError:
        return False


def _adjustment(node: Node, optional: tuple[str, ...]) -> Params:
    given = node.fields((), (*_LEVELS, "points", "k", *optional), what="规则参数")
    ways = [any(level in given for level in _LEVELS), "points" in given, "k" in given]
    if sum(ways) != 1:
        node.refuse("计分办法应恰好写一种：按层级(national、region、city),或 points，或 k")
    return {
        key: part.flag() if key == "zero_indicator" else part.number_in(0, above=True)
        for key, part in given.items()
    }


def _bonus(node: Node, _facts: Facts) -> Params:
    return _adjustment(node, ("cap",))


def _deduction(node: Node, _facts: Facts) -> Params:
    return _adjustment(node, ("cap", "zero_indicator"))


def _veto(node: Node, _facts: Facts) -> Params:
    given = node.fields((), ("grade_cap", "no_excellent"), what="规则参数")
    values: dict[str, Any] = {}
    if "grade_cap" in given:
        values["grade_cap"] = given["grade_cap"].text()
    if "no_excellent" in given:
        values["no_excellent"] = given["no_excellent"].flag()
    if not values.get("grade_cap") and values.get("no_excellent") is not True:
        node.refuse("否决项应写明后果：grade_cap(最高等次)或 no_excellent: true")
    return values


_READERS: Mapping[RuleType, Callable[[Node, Facts], Params]] = {
    RuleType.LINEAR: _linear,
    RuleType.LINEAR_INVERSE: _linear_inverse,
    RuleType.BANDS: _bands,
    RuleType.PASS_FAIL: _nothing,
    RuleType.PER_OCCURRENCE: _per_occurrence,
    RuleType.DATE_LATE: _date_late,
    RuleType.REPORT_ONLY: _nothing,
    RuleType.BONUS_CAPPED: _bonus,
    RuleType.DEDUCT_TOTAL: _deduction,
    RuleType.VETO: _veto,
}
