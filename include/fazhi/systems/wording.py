"""Editions in words. In: indicators, rules, shares. Out: short Chinese phrases for lists and comparisons."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from fazhi.model.exact import plain
from fazhi.model.terms import (
    GROUP_ZH,
    Aggregation,
    Frequency,
    Group,
    RatioKind,
    Reporting,
    RuleType,
    Tag,
    ValueType,
    ZeroDenominator,
)
from fazhi.systems.edition import Edition, Indicator, Profile

VALUE_TYPE_ZH: Mapping[ValueType, str] = {
    ValueType.RATIO: "比率",
    ValueType.COUNT: "数量",
    ValueType.AMOUNT: "金额",
    ValueType.BOOLEAN: "是否",
    ValueType.DATE: "日期",
    ValueType.SCORE: "评分",
}
RATIO_KIND_ZH: Mapping[RatioKind, str] = {
    RatioKind.SHARE: "占比",
    RatioKind.GROWTH: "增幅",
    RatioKind.MULTIPLE: "倍数",
}
FREQUENCY_ZH: Mapping[Frequency, str] = {
    Frequency.DAILY: "每日",
    Frequency.MONTHLY: "每月",
    Frequency.QUARTERLY: "每季度",
    Frequency.HALF_YEARLY: "每半年",
    Frequency.YEARLY: "每年",
    Frequency.EVENT: "发生时",
}
REPORTING_ZH: Mapping[Reporting, str] = {Reporting.CURRENT: "本期数", Reporting.CUMULATIVE: "累计数"}
AGGREGATION_ZH: Mapping[Aggregation, str] = {
    Aggregation.SUM: "各期相加",
    Aggregation.LAST: "取最后一期",
    Aggregation.ALL: "各期均为是",
    Aggregation.MAX: "取最晚日期",
}
ZERO_DENOMINATOR_ZH: Mapping[ZeroDenominator, str] = {
    ZeroDenominator.EXCLUDE: "分母为零的不参加计分",
    ZeroDenominator.NA: "没有分母",
}
DIRECTION_ZH: Mapping[str, str] = {"higher_better": "越高越好", "lower_better": "越低越好", "none": "无方向"}
BASIS_STATUS_ZH: Mapping[str, str] = {"found": "已见公开文本", "seed": "来源文本所载", "unverified": "未核实"}
TAG_ZH: Mapping[Tag, str] = {
    Tag.REGION: "地区",
    Tag.LEAD: "牵头部门",
    Tag.ENF: "执法部门",
    Tag.SINGLE: "职能单一部门",
    Tag.VERT: "垂直管理单位",
    Tag.TOWN: "苏木乡镇街道",
}
_LEVEL_ZH = {"national": "国家级", "region": "自治区级", "city": "市级"}


def years_zh(edition: Edition) -> str:
    """The years of an edition: ``2021—2023 年度``, ``2024 年度起``."""
    if edition.to_year is None:
        return f"{edition.from_year} 年度起"
    if edition.to_year == edition.from_year:
        return f"{edition.from_year} 年度"
    return f"{edition.from_year}—{edition.to_year} 年度"


def points_zh(hundredths: int) -> str:
    """Points without trailing zeros: ``130`` → ``1.3``."""
    return plain(Fraction(hundredths, 100))


def tags_zh(tags: frozenset[Tag]) -> str:
    """Tags in their fixed order."""
    return "、".join(TAG_ZH[tag] for tag in Tag if tag in tags)


def shares_zh(edition: Edition) -> str:
    """The share of the leadership result, by year where it differs."""
    return "；".join(
        share if year is None else f"{year} 年度 {share}"
        for year, share in sorted(edition.shares.items(), key=lambda item: item[0] or 0)
    )


def profile_zh(profile: Profile) -> str:
    """A profile's tags and shares in one phrase."""
    shares = "，".join(f"{GROUP_ZH[group]} {plain(profile.shares[group])}" for group in Group)
    return f"({tags_zh(profile.when) or '所有单位'}){shares}"


def veto_zh(edition: Edition) -> str:
    """What a veto does to the component."""
    choice = edition.component_on_veto
    if isinstance(choice, int):
        return f"得分最高按 {points_zh(choice)} 折算"
    return {"keep": "不影响折算", "zero": "折算为零"}[choice]


def measure_zh(indicator: Indicator, number: Fraction) -> str:
    """A value of the indicator as people write it: ``0.95`` → ``95%`` for a share, ``3 次`` for a count."""
    if indicator.ratio_kind in (RatioKind.SHARE, RatioKind.GROWTH):
        return f"{plain(number * 100)}%"
    unit = "" if indicator.value_type is ValueType.RATIO else f" {indicator.unit_zh}"
    return plain(number) + unit


def rule_zh(indicator: Indicator) -> str:
    """How a row is scored, in one sentence."""
    return _RULES[indicator.rule_type](indicator)


def _linear(one: Indicator) -> str:
    floor, target = (measure_zh(one, one.rule_params[key]) for key in ("floor", "target"))
    return f"线性计分：{floor}及以下不得分，{target}及以上得满分"


def _linear_inverse(one: Indicator) -> str:
    worst, best = (measure_zh(one, one.rule_params[key]) for key in ("worst", "best"))
    return f"反向线性计分：{worst}及以上不得分，{best}及以下得满分"


def _bands(one: Indicator) -> str:
    return "分档计分：" + "；".join(_band(one, *band) for band in one.rule_params["bands"])


def _band(one: Indicator, low: Fraction | None, high: Fraction | None, rate: Fraction) -> str:
    share = f"得满分的 {plain(rate * 100)}%"
    if low is not None and high is not None:
        return f"{measure_zh(one, low)}至不足{measure_zh(one, high)}，{share}"
    if low is not None:
        return f"{measure_zh(one, low)}及以上，{share}"
    return f"不足{measure_zh(one, high)}，{share}" if high is not None else f"任何数值，{share}"


def _per_occurrence(one: Indicator) -> str:
    k, floor = (plain(one.rule_params[key]) for key in ("k", "floor"))
    return f"每发生 1 {one.unit_zh}扣 {k} 分，扣至 {floor} 分为止"


def _date_late(one: Indicator) -> str:
    params = one.rule_params
    offset = params["year_offset"]
    year = {0: "考评年度", 1: "考评年度次年"}.get(int(offset), f"考评年度之后第 {plain(offset)} 年")
    return (
        f"{year} {params['due']} 前（含当日）完成得满分，每迟 1 日扣 {plain(params['late_per_day'] * 100)}%，"
        f"迟 {plain(params['zero_after_days'])} 日及以上不得分"
    )


def _adjustment(one: Indicator, sign: str) -> str:
    params = one.rule_params
    parts = [
        f"{name}每{one.unit_zh}{sign} {plain(params[level])} 分"
        for level, name in _LEVEL_ZH.items()
        if level in params
    ]
    parts += [f"每次{sign} {plain(params[key])} 分" for key in ("points", "k") if key in params]
    if "cap" in params:
        parts.append(f"累计不超过 {plain(params['cap'])} 分")
    if params.get("zero_indicator"):
        parts.append("所涉指标记零分")
    return f"{sign}分：" + "，".join(parts)


def _veto(one: Indicator) -> str:
    grade = one.rule_params.get("grade_cap")
    parts = [f"等次最高为{grade}"] if grade else []
    if one.rule_params.get("no_excellent"):
        parts.append("不得评为最高等次")
    return "否决：" + "，".join(parts)


_RULES: Mapping[RuleType, Callable[[Indicator], str]] = {
    RuleType.LINEAR: _linear,
    RuleType.LINEAR_INVERSE: _linear_inverse,
    RuleType.BANDS: _bands,
    RuleType.PASS_FAIL: lambda _one: "是得满分，否不得分",
    RuleType.PER_OCCURRENCE: _per_occurrence,
    RuleType.DATE_LATE: _date_late,
    RuleType.REPORT_ONLY: lambda _one: "只报送，不计分",
    RuleType.BONUS_CAPPED: lambda one: _adjustment(one, "加"),
    RuleType.DEDUCT_TOTAL: lambda one: _adjustment(one, "扣"),
    RuleType.VETO: _veto,
}
