"""Two editions compared. In: two loaded editions. Out: a Markdown document in Chinese that stewards can read.

What appeared, what went, what changed weight, what changed its rule, what else changed, and what changed in
the head and in the checks. Every difference of content shows somewhere: equal digests mean an empty
comparison.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fazhi.model.exact import plain
from fazhi.model.terms import GROUP_ZH, SEVERITY_ZH
from fazhi.systems.digest import canonical
from fazhi.systems.edition import Check, DatedValue, Deadline, Edition, Indicator, code_key
from fazhi.systems.listing import describe
from fazhi.systems.wording import (
    AGGREGATION_ZH,
    BASIS_STATUS_ZH,
    DIRECTION_ZH,
    FREQUENCY_ZH,
    RATIO_KIND_ZH,
    REPORTING_ZH,
    VALUE_TYPE_ZH,
    ZERO_DENOMINATOR_ZH,
    points_zh,
    profile_zh,
    rule_zh,
    shares_zh,
    tags_zh,
    veto_zh,
    years_zh,
)

NOTHING = "没有变化。"
_EMPTY = "(空)"

_OTHER_FIELDS: Sequence[tuple[str, Callable[[Indicator], str]]] = (
    ("一级指标", lambda one: f"{one.l1_code} {one.l1_zh}"),
    ("一级指标英文名", lambda one: one.l1_en),
    ("二级指标", lambda one: f"{one.l2_code} {one.l2_zh}"),
    ("二级指标英文名", lambda one: one.l2_en),
    ("名称", lambda one: one.name_zh),
    ("英文名", lambda one: one.name_en),
    ("计量单位", lambda one: one.unit_zh),
    ("值类型", lambda one: VALUE_TYPE_ZH[one.value_type]),
    ("比率种类", lambda one: RATIO_KIND_ZH[one.ratio_kind] if one.ratio_kind else ""),
    ("分子", lambda one: one.numerator_zh),
    ("分母", lambda one: one.denominator_zh),
    ("方向", lambda one: DIRECTION_ZH[one.direction]),
    ("零分母办法", lambda one: ZERO_DENOMINATOR_ZH[one.zero_denominator]),
    ("适用单位", lambda one: tags_zh(one.categories)),
    ("指标组", lambda one: GROUP_ZH[one.group]),
    ("佐证材料", lambda one: one.evidence_zh),
    ("报送频次", lambda one: FREQUENCY_ZH[one.frequency]),
    ("报送口径", lambda one: REPORTING_ZH[one.reporting]),
    ("汇总办法", lambda one: AGGREGATION_ZH[one.aggregation]),
    ("数据来源", lambda one: one.data_source),
    ("依据", lambda one: f"{one.legal_basis}({BASIS_STATUS_ZH[one.legal_basis_status]})"),
    ("出处", lambda one: one.source_reference),
    ("生效日", lambda one: one.effective_from.isoformat()),
    ("失效日", lambda one: one.effective_to.isoformat() if one.effective_to else ""),
)
_HEAD_FIELDS: Sequence[tuple[str, Callable[[Edition], str]]] = (
    ("名称", lambda one: one.title_zh),
    ("英文名称", lambda one: one.title_en),
    ("适用年度", years_zh),
    ("在领导绩效考核中的占比", shares_zh),
    ("领导绩效考核总分", lambda one: plain(one.total_points)),
    ("等次", lambda one: "、".join(f"{g.name_zh}({g.name_en})≥{points_zh(g.at_least)}" for g in one.grades)),
    ("最高等次名额比例", lambda one: plain(one.top_grade_quota)),
    ("加分上限", lambda one: points_zh(one.cap_bonus)),
    ("总分上限", lambda one: points_zh(one.cap_total)),
    ("否决对折算的影响", veto_zh),
    ("单位类型的先后", lambda one: "、".join(profile.name for profile in one.profiles)),
    ("说明", lambda one: one.notes),
)
_CHECK_FIELDS: Sequence[tuple[str, Callable[[Check], str]]] = (
    ("种类", lambda one: one.rule),
    ("处理", lambda one: SEVERITY_ZH[one.severity]),
    ("参数", lambda one: _pairs(canonical(one.params))),
    ("看什么", lambda one: one.looks_at_zh),
    ("要求", lambda one: one.expects_zh),
    ("中文说明", lambda one: one.message_zh),
    ("英文说明", lambda one: one.message_en),
    ("更正办法", lambda one: one.fix_zh),
    ("依据", lambda one: f"{one.legal_basis}({BASIS_STATUS_ZH[one.legal_basis_status]})"),
    ("首年度", lambda one: str(one.from_year or "")),
    ("末年度", lambda one: str(one.to_year or "")),
    ("通过的例子", lambda one: _pairs(one.example_pass)),
    ("不通过的例子", lambda one: _pairs(one.example_fail)),
)


def diff(old: Edition, new: Edition) -> str:
    """The comparison of two editions as Markdown, from ``old`` to ``new``."""
    sections = (
        ("新增的指标", _added(old, new)),
        ("取消的指标", _added(new, old)),
        ("分值变化", _marks(old, new)),
        ("计分规则变化", _rules(old, new)),
        ("指标的其他变化", _others(old, new)),
        ("占比、等次和上限", _head(old, new)),
        ("单位类型", _keyed("单位类型", _profiles(old), _profiles(new))),
        ("指标倍数", _keyed("指标", _multipliers(old), _multipliers(new))),
        ("期限和法定参数", _keyed("参数", _deadlines(old), _deadlines(new))),
        ("校验规则", _checks(old, new)),
    )
    lines = [f"# 指标体系对比：{old.system_id} → {new.system_id}", "", *_overview(old, new)]
    for number, (title, body) in enumerate(sections, start=1):
        lines += ["", f"## {number}. {title}", "", *(body or [NOTHING])]
    return "\n".join(lines) + "\n"


def _overview(old: Edition, new: Edition) -> list[str]:
    before, after = describe(old), describe(new)
    return _table(
        ("", f"旧：{old.system_id}", f"新：{new.system_id}"),
        [
            ("名称", before.title_zh, after.title_zh),
            ("适用年度", before.years_zh, after.years_zh),
            ("指标行数（其中计分）", *(f"{one.indicators}({one.weighted})" for one in (before, after))),
            ("满分合计", before.full_marks, after.full_marks),
            ("依据未核实的行", str(before.unverified), str(after.unverified)),
            ("校验规则", str(before.checks), str(after.checks)),
            ("摘要(SHA-256)", before.digest, after.digest),
        ],
    )


def _added(old: Edition, new: Edition) -> list[str]:
    rows = [
        (one.code, one.name_zh, GROUP_ZH[one.group], points_zh(one.full_mark), rule_zh(one))
        for one in new.indicators
        if one.code not in old.by_code
    ]
    return _counted(_table(("编码", "指标", "组", "满分", "计分规则"), rows), rows, "项")


def _common(old: Edition, new: Edition) -> list[tuple[Indicator, Indicator]]:
    return [(old.by_code[one.code], one) for one in new.indicators if one.code in old.by_code]


def _marks(old: Edition, new: Edition) -> list[str]:
    rows = [
        (
            one.code,
            one.name_zh,
            points_zh(before.full_mark),
            points_zh(one.full_mark),
            _signed(one.full_mark - before.full_mark),
        )
        for before, one in _common(old, new)
        if before.full_mark != one.full_mark
    ]
    return _counted(_table(("编码", "指标", "原满分", "新满分", "增减"), rows), rows, "项")


def _signed(hundredths: int) -> str:
    return f"+{points_zh(hundredths)}" if hundredths > 0 else points_zh(hundredths)


def _rules(old: Edition, new: Edition) -> list[str]:
    rows = [
        (one.code, one.name_zh, rule_zh(before), rule_zh(one))
        for before, one in _common(old, new)
        if (before.rule_type, before.rule_params) != (one.rule_type, one.rule_params)
    ]
    return _counted(_table(("编码", "指标", "原规则", "新规则"), rows), rows, "项")


def _others(old: Edition, new: Edition) -> list[str]:
    rows = [
        (one.code, one.name_zh, what, said(before), said(one))
        for before, one in _common(old, new)
        for what, said in _OTHER_FIELDS
        if said(before) != said(one)
    ]
    return _counted(_table(("编码", "指标", "改了什么", "原来", "现在"), rows), rows, "处")


def _head(old: Edition, new: Edition) -> list[str]:
    rows = [(what, said(old), said(new)) for what, said in _HEAD_FIELDS if said(old) != said(new)]
    return _table(("项目", "原来", "现在"), rows) if rows else []


def _profiles(edition: Edition) -> dict[str, str]:
    return {profile.name: profile_zh(profile) for profile in edition.profiles}


def _multipliers(edition: Edition) -> dict[str, str]:
    return {code: plain(edition.multipliers[code]) for code in sorted(edition.multipliers, key=code_key)}


def _deadlines(edition: Edition) -> dict[str, str]:
    return {f"{one.title_zh}({name})": _deadline(one) for name, one in sorted(edition.deadlines.items())}


def _deadline(deadline: Deadline) -> str:
    return ";".join(_dated(value) for value in deadline.values)


def _dated(value: DatedValue) -> str:
    units = {"day": " 日", "working_day": " 个工作日", "year": " 年"}
    offset = f"(之后第 {value.year_offset} 年)" if value.year_offset else ""
    since = f"自 {value.from_day} 起" if value.from_day else ""
    until = f"至 {value.to_day} 止" if value.to_day else ""
    source = f"[{BASIS_STATUS_ZH[value.mark]}：{value.source_zh}]"
    return f"{since}{until}{value.value}{units.get(value.unit, '')}{offset}{source}"


def _keyed(what: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What was added, removed or changed among named phrases."""
    rows = [
        (name, old.get(name, "(没有)"), new.get(name, "(取消)"))
        for name in dict.fromkeys((*old, *new))
        if old.get(name) != new.get(name)
    ]
    return _table((what, "原来", "现在"), rows) if rows else []


def _checks(old: Edition, new: Edition) -> list[str]:
    before = {check.check_id: check for check in old.checks}
    after = {check.check_id: check for check in new.checks}
    rows = [
        (check_id, "新增", "", f"{SEVERITY_ZH[check.severity]}：{check.expects_zh}")
        for check_id, check in after.items()
        if check_id not in before
    ]
    rows += [
        (check_id, "取消", f"{SEVERITY_ZH[check.severity]}：{check.expects_zh}", "")
        for check_id, check in before.items()
        if check_id not in after
    ]
    rows += [
        (check_id, what, said(before[check_id]), said(check))
        for check_id, check in after.items()
        if check_id in before
        for what, said in _CHECK_FIELDS
        if said(before[check_id]) != said(check)
    ]
    return _counted(_table(("规则", "改了什么", "原来", "现在"), rows), rows, "处")


def _pairs(data: Any) -> str:
    """Nested example data in one line: ``分子=98，分母=100``."""
    if isinstance(data, Mapping):
        return ",".join(f"{key}={_pairs(value)}" for key, value in sorted(data.items()))
    if isinstance(data, (list, tuple)):
        return "[" + ";".join(_pairs(item) for item in data) + "]"
    return _EMPTY if data is None else str(data)


def _counted(lines: list[str], rows: Sequence[object], unit: str) -> list[str]:
    return [f"共 {len(rows)} {unit}。", "", *lines] if rows else []


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [_line(header), _line(["---"] * len(header))]
    return lines + [_line(row) for row in rows]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split()) or " "
