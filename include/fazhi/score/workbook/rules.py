"""Sheet 规则: how each value becomes a rate, with the parameters that the formulas take.

A rate is a fraction of two whole numbers: numerator P over denominator Q. Parameters are made whole by the
row's power of ten, so that P and Q are whole too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from openpyxl import Workbook

from fazhi.model.exact import plain
from fazhi.model.terms import RatioKind, RuleType
from fazhi.score.rates import due_day
from fazhi.score.workbook.case import Case
from fazhi.score.workbook.exactness import scale_of
from fazhi.score.workbook.grid import DAY, WHOLE, Grid, columns
from fazhi.score.workbook.values import YearValue
from fazhi.systems.edition import Indicator
from fazhi.systems.wording import BASIS_STATUS_ZH, rule_zh

_MEANING: Mapping[RuleType, Sequence[str]] = {
    RuleType.LINEAR: ("不得分线", "满分线"),
    RuleType.LINEAR_INVERSE: ("满分线", "不得分线"),
    RuleType.PASS_FAIL: (),
    RuleType.PER_OCCURRENCE: ("每次扣分", "保底分", "标准分"),
    RuleType.DATE_LATE: ("截止日", "每迟一日扣", "零分天数"),
}


@dataclass(frozen=True)
class Rule:
    """Where a line's parameters stand."""

    indicator: Indicator
    scale: str
    whole: Sequence[str]
    """Addresses of the parameters made whole, in their order."""
    numbers: Sequence[int]
    """The same as numbers, for the choice of formulas."""


@dataclass(frozen=True)
class Rate:
    """A rate as formulas for P and Q, with bounds of every whole number inside them."""

    numerator: str
    denominator: str
    largest: int


def parameters(indicator: Indicator, year: int) -> list[Fraction | date]:
    """A rule's parameters in the order in which the sheet lists them."""
    params = indicator.rule_params
    match indicator.rule_type:
        case RuleType.LINEAR:
            return [params["floor"], params["target"]]
        case RuleType.LINEAR_INVERSE:
            return [params["best"], params["worst"]]
        case RuleType.PER_OCCURRENCE:
            return [params["k"], params["floor"], Fraction(indicator.full_mark, 100)]
        case RuleType.DATE_LATE:
            return [due_day(params, year), params["late_per_day"], params["zero_after_days"]]
        case RuleType.BANDS:
            bands = params["bands"]
            return [bands[0][2], *(number for low, _high, rate in bands[1:] for number in (low, rate))]
        case _:
            return []


def write_rules(book: Workbook, case: Case) -> dict[str, Rule]:
    """Write the sheet; where each line's parameters stand, by indicator code."""
    given = {line.indicator.code: parameters(line.indicator, case.year) for line in case.lines}
    most = max((len(parameters_) for parameters_ in given.values()), default=0)
    numbers = range(1, most + 1)
    grid = Grid(
        book,
        "规则",
        columns(
            code=("指标代码", 9),
            name=("指标名称", 32),
            rule=("计分规则", 52),
            basis=("法规依据", 34),
            meaning=("参数含义", 24),
            **{f"given_{n}": (f"参数{n}", 11) for n in numbers},
            scale=("倍数", 7),
            **{f"whole_{n}": (f"参数{n}×倍数", 10) for n in numbers},
        ),
    )
    row = grid.heading(
        "规则：每项指标怎样由数值得到得分率",
        f"摘自指标体系 {case.edition.system_id}（{case.edition.title_zh}）。法规依据后的括号注明是否已核对原文。",
    )
    row = grid.headers(row)
    grid.freeze("rule", row)
    found: dict[str, Rule] = {}
    for line in case.lines:
        found[line.indicator.code] = _write_rule(grid, row, line.indicator, given[line.indicator.code])
        row += 1
    grid.fold("scale", *(f"whole_{n}" for n in numbers))
    grid.printed("landscape")
    return found


def _write_rule(grid: Grid, row: int, indicator: Indicator, given: Sequence[Fraction | date]) -> Rule:
    grid.put(row, "code", indicator.code)
    grid.put(row, "name", indicator.name_zh)
    grid.put(row, "rule", rule_zh(indicator))
    status = BASIS_STATUS_ZH.get(indicator.legal_basis_status, indicator.legal_basis_status)
    grid.put(row, "basis", f"{indicator.legal_basis}（{status}）" if indicator.legal_basis else "")
    grid.put(row, "meaning", "、".join(_meaning(indicator)))
    scale = scale_of(number for number in given if isinstance(number, Fraction))
    grid.put(row, "scale", scale, WHOLE, "working")
    for place, number in enumerate(given, 1):
        if isinstance(number, Fraction):
            grid.put(row, f"given_{place}", Decimal(plain(number)))
            made = f"ROUND({grid.at(f'given_{place}', row)}*{grid.at('scale', row)},0)"
        else:
            grid.put(row, f"given_{place}", number, DAY)
            made = grid.at(f"given_{place}", row)
        grid.work(row, f"whole_{place}", made, WHOLE, "working")
    return Rule(
        indicator=indicator,
        scale=grid.ref("scale", row),
        whole=[grid.ref(f"whole_{place}", row) for place in range(1, len(given) + 1)],
        numbers=[int(number * scale) if isinstance(number, Fraction) else 0 for number in given],
    )


def _meaning(indicator: Indicator) -> Sequence[str]:
    if indicator.rule_type is not RuleType.BANDS:
        return _MEANING[indicator.rule_type]
    count = len(indicator.rule_params["bands"])
    later = (word for n in range(2, count + 1) for word in (f"第{n}档起点", f"第{n}档得分率"))
    return ["第1档得分率", *later]


def rate_of(rule: Rule, value: YearValue, scale: int) -> Rate:
    """P and Q of a line's rate.

    Args:
        rule: The line's parameters.
        value: The year's value.
        scale: The power of ten that made the parameters whole.
    """
    growth = rule.indicator.ratio_kind is RatioKind.GROWTH
    above = f"({value.numerator}-{value.denominator})" if growth else value.numerator
    size = value.numerator_size - value.denominator_size if growth else value.numerator_size
    return _RATES[rule.indicator.rule_type](
        rule, above, value.denominator, size, value.denominator_size, scale
    )


def _linear(rule: Rule, above: str, below: str, n: int, d: int, scale: int) -> Rate:
    floor, target = rule.whole
    low, high = rule.numbers
    denominator = f"({target}-{floor})*{below}"
    numerator = f"MAX(0,MIN({above}*{rule.scale}-{floor}*{below},{denominator}))"
    return Rate(numerator, denominator, max(abs(n) * scale, max(abs(low), abs(high)) * d * 2))


def _linear_inverse(rule: Rule, above: str, below: str, n: int, d: int, scale: int) -> Rate:
    best, worst = rule.whole
    low, high = rule.numbers
    denominator = f"({worst}-{best})*{below}"
    numerator = f"MAX(0,MIN({worst}*{below}-{above}*{rule.scale},{denominator}))"
    return Rate(numerator, denominator, max(abs(n) * scale, max(abs(low), abs(high)) * d * 2))


def _bands(rule: Rule, above: str, below: str, n: int, d: int, scale: int) -> Rate:
    formula = rule.whole[0]
    for low, rate in zip(rule.whole[1::2], rule.whole[2::2], strict=True):
        formula = f"IF({above}*{rule.scale}>={low}*{below},{rate},{formula})"
    largest = max(abs(n) * scale, max((abs(x) for x in rule.numbers), default=0) * d)
    return Rate(formula, rule.scale, largest)


def _pass_fail(rule: Rule, above: str, below: str, n: int, d: int, scale: int) -> Rate:
    return Rate(f"IF({above}=1,1,0)", "1", 1)


def _per_occurrence(rule: Rule, above: str, below: str, n: int, d: int, scale: int) -> Rate:
    each, floor, mark = rule.whole
    k, _, full = rule.numbers
    denominator = f"{mark}*{below}"
    left = f"MAX({floor}*{below},{mark}*{below}-{each}*{above})"
    return Rate(f"MAX(0,MIN({left},{denominator}))", denominator, (k * abs(n) + full * d))


def _date_late(rule: Rule, above: str, below: str, n: int, d: int, scale: int) -> Rate:
    due, per_day, zero_after = rule.whole
    late = f"({above}-{due})"
    earned = f"IF({late}*{rule.scale}>={zero_after},0,MAX(0,{rule.scale}-{per_day}*{late}))"
    return Rate(f"IF({late}<=0,{rule.scale},{earned})", rule.scale, 10**6 * scale)


_Maker = Callable[[Rule, str, str, int, int, int], Rate]
_RATES: Mapping[RuleType, _Maker] = {
    RuleType.LINEAR: _linear,
    RuleType.LINEAR_INVERSE: _linear_inverse,
    RuleType.BANDS: _bands,
    RuleType.PASS_FAIL: _pass_fail,
    RuleType.PER_OCCURRENCE: _per_occurrence,
    RuleType.DATE_LATE: _date_late,
}
