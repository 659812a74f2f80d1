"""Words for what SQL found. In: findings that name values and a place. Out: the same, worded.

Numbers are shown as they were written; what is computed is computed exactly and rounded only for display. The
sentences themselves belong to the edition (``checks.yaml``); here are the facts that fill their places.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, RowMapping, select, text

from fazhi.model.errors import SystemFault
from fazhi.model.exact import SCALE, plain, round_half_up
from fazhi.model.findings import Finding, compose
from fazhi.model.period import Period
from fazhi.model.terms import Frequency, Group, RatioKind, Tag, ValueType
from fazhi.store.tables import finding, value
from fazhi.systems.edition import Check, Edition, Indicator
from fazhi.validate.rules import VALUE_RULES
from fazhi.validate.tokens import SHANGHAI
from fazhi.validate.words_of_submissions import (
    Sent,
    due_second_of,
    lock_of,
    rival_of,
    sent,
    sent_before_with_same_file,
    shared_evidence,
    shared_tokens,
)

TAG_ZH: Mapping[Tag, str] = {
    Tag.REGION: "旗县区",
    Tag.LEAD: "牵头部门",
    Tag.ENF: "执法部门",
    Tag.SINGLE: "职能单一部门",
    Tag.VERT: "垂直管理单位",
    Tag.TOWN: "苏木乡镇（街道）",
}
FREQUENCY_ZH: Mapping[Frequency, str] = {
    Frequency.DAILY: "按月报送（数据按日归集）",
    Frequency.MONTHLY: "按月报送",
    Frequency.QUARTERLY: "按季度报送",
    Frequency.HALF_YEARLY: "按半年报送",
    Frequency.YEARLY: "按年报送",
    Frequency.EVENT: "有事项时报送，年度汇总",
}
_PLACE_ZH = {
    "numerator": "分子",
    "denominator": "分母",
    "value": "数值",
    "boolean": "是否",
    "date": "日期",
    "not_applicable": "不适用",
    "evidence": "佐证材料",
}
_TEXT_OF = {
    "numerator": ("numerator_raw", "numerator"),
    "denominator": ("denominator_raw", "denominator"),
    "value": ("value_raw", "amount"),
    "boolean": ("boolean_raw", "boolean_value"),
    "date": ("date_raw", "date_value"),
}
_CELL_OF = {
    "unit": "cell_unit",
    "row": "cell_row",
    "numerator": "cell_numerator",
    "denominator": "cell_denominator",
    "value": "cell_value",
    "boolean": "cell_boolean",
    "date": "cell_date",
    "not_applicable": "cell_not_applicable",
    "evidence": "cell_evidence",
}
_BATCH = 2000
_MOST_LISTED = 40
"""Cells named in one sentence."""

_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


@dataclass(frozen=True)
class Names:
    """Names of units, and who reports what about others, in the year judged."""

    units: Mapping[str, str]
    successors: Mapping[str, str]
    regions: Mapping[str, str]
    """Division code of a unit's city."""
    reporters: Mapping[tuple[str, str], tuple[str, ...]]
    """Unit codes of the authorities of an indicator for the units of a region, in the order of its sources."""

    def unit(self, code: str) -> str:
        """The unit's name, its code when the registry does not know it."""
        return self.units.get(code, code)


@dataclass(frozen=True)
class Facts:
    """What a finding is about."""

    check: Check
    place: str
    value: RowMapping
    other: RowMapping | None
    indicator: Indicator | None
    edition: Edition
    names: Names
    connection: Connection

    def written(self, place: str | None = None, row: RowMapping | None = None) -> str:
        """What stands in a place, as written."""
        row = self.value if row is None else row
        raw, exact = _TEXT_OF[place or self.place]
        return str(row[raw] or row[exact] or "")

    @property
    def beside(self) -> RowMapping:
        """The other value; only rules that compare ask for it."""
        if self.other is None:
            raise SystemFault(f"规则 {self.check.check_id} 的一条结果没有相比较的数据")
        return self.other

    @property
    def known_indicator(self) -> Indicator:
        """The indicator; only rules on known indicators ask for it."""
        if self.indicator is None:
            raise SystemFault(f"规则 {self.check.check_id} 的一条结果不属于任何指标")
        return self.indicator

    def part_name(self, place: str, indicator: Indicator | None = None) -> str:
        """``分母（应报备件数）``."""
        indicator = indicator or self.indicator
        named = {"numerator": "numerator_zh", "denominator": "denominator_zh"}.get(place)
        title = getattr(indicator, named) if indicator is not None and named else ""
        return f"{_PLACE_ZH[place]}（{title}）" if title else _PLACE_ZH[place]


@dataclass(frozen=True)
class Words:
    """What fills the places of a check's message; ``found`` only where it is not the cell's own text."""

    expected: str = ""
    detail: str = ""
    found: str | None = None
    expected_en: str = ""
    """The English of ``expected``; empty for the same text."""


def word_findings(connection: Connection, validation_id: int, edition: Edition, names: Names) -> None:
    """Fill in the words of a validation's findings, in the transaction that listed them."""
    checks = {check.check_id: check for check in edition.checks}
    for rows in _batches(connection, validation_id):
        values = _values(
            connection, {row[name] for row in rows for name in ("value_id", "other_value_id")} - {None}
        )
        worded = []
        for row in rows:
            facts = _facts(row, values, checks[row["check_id"]], edition, names, connection)
            worded.append({"finding_id": row["finding_id"], **_columns(_worded(facts, row))})
        connection.execute(text(_UPDATE), worded)


_UPDATE = (
    "UPDATE finding SET sheet = :sheet, cell = :cell, related = :related, value_raw = :value_raw,"
    " expected = :expected, message_zh = :message_zh, message_en = :message_en, fix_zh = :fix_zh"
    " WHERE finding_id = :finding_id"
)


def _batches(connection: Connection, validation_id: int) -> Iterator[list[RowMapping]]:
    last = 0
    columns = (
        finding.c.finding_id,
        finding.c.check_id,
        finding.c.parse_id,
        finding.c.value_id,
        finding.c.other_value_id,
        finding.c.sheet,
        finding.c.cell,
        finding.c.value_raw,
        finding.c.expected.label("place"),
    )
    while True:
        statement = (
            select(*columns)
            .where(finding.c.validation_id == validation_id, finding.c.finding_id > last)
            .order_by(finding.c.finding_id)
            .limit(_BATCH)
        )
        rows = list(connection.execute(statement).mappings())
        if not rows:
            return
        yield rows
        last = rows[-1]["finding_id"]


def _values(connection: Connection, ids: set[int]) -> dict[int, RowMapping]:
    ordered = sorted(ids)
    found: dict[int, RowMapping] = {}
    for start in range(0, len(ordered), 500):
        statement = select(value).where(value.c.value_id.in_(ordered[start : start + 500]))
        found |= {row["value_id"]: row for row in connection.execute(statement).mappings()}
    return found


def _first_of(connection: Connection, parse_id: int) -> RowMapping:
    """The first row of a submission, for a finding about its whole file."""
    statement = select(value).where(value.c.parse_id == parse_id).order_by(value.c.row_no).limit(1)
    return connection.execute(statement).mappings().one()


def _facts(
    row: RowMapping,
    values: Mapping[int, RowMapping],
    check: Check,
    edition: Edition,
    names: Names,
    connection: Connection,
) -> Facts:
    judged = (
        values[row["value_id"]] if row["value_id"] is not None else _first_of(connection, row["parse_id"])
    )
    other = values[row["other_value_id"]] if row["other_value_id"] is not None else None
    return Facts(
        check=check,
        place=row["place"],
        value=judged,
        other=other,
        indicator=edition.by_code.get(judged["indicator_code"]),
        edition=edition,
        names=names,
        connection=connection,
    )


def _worded(facts: Facts, row: RowMapping) -> Finding:
    words = _WORDS[facts.check.rule](facts)
    sheet, cell = _address(facts, row)
    return compose(
        facts.check,
        sheet=sheet,
        cell=cell,
        found=_shown(words.found if words.found is not None else row["value_raw"] or ""),
        expected=words.expected,
        detail=words.detail,
        detail_en="" if _CHINESE.search(words.detail) else words.detail,
        expected_en=words.expected_en or None,
        related=tuple(_related(facts)),
    )


def _address(facts: Facts, row: RowMapping) -> tuple[str | None, str | None]:
    """Where to correct: a cell of the row, a cell of another sheet (``封面!B2``), or the whole file."""
    cell = row["cell"]
    if row["value_id"] is None:
        cell = facts.value["cell_unit"] if facts.place == "unit" else None
    if cell is None:
        return None, None
    sheet, mark, inside = cell.rpartition("!")
    return (sheet, inside) if mark else (row["sheet"], cell)


def _columns(worded: Finding) -> dict[str, Any]:
    return {
        "sheet": worded.sheet,
        "cell": worded.cell,
        "related": json.dumps(list(worded.related), ensure_ascii=False),
        "value_raw": worded.value_raw,
        "expected": worded.expected,
        "message_zh": worded.message_zh.strip(),
        "message_en": worded.message_en.strip(),
        "fix_zh": worded.fix_zh.strip(),
    }


def _shown(written: str) -> str:
    """A cell's text in a sentence, cut to a readable length."""
    return written if len(written) <= 80 else written[:80] + "…"


def _related(facts: Facts) -> Iterator[str]:
    for name in VALUE_RULES[facts.check.rule].related:
        alias, place = name.split(".")
        if alias == "o" and facts.other is None:
            continue
        if place == "place":
            place = facts.place
        elif place == "other_part":
            place = facts.check.params.get("of_part") or facts.check.params["parts_part"]
        elif place == "other_place":
            place = facts.check.params.get("of_part") or facts.place
        row = facts.value if alias == "v" else facts.beside
        cell = row[_CELL_OF[place]] or row["cell_row"]
        if cell is not None:
            yield cell if row["parse_id"] == facts.value["parse_id"] else _elsewhere(facts, row, cell)


def _elsewhere(facts: Facts, row: RowMapping, cell: str) -> str:
    """A cell of another submission: whose, which period, where."""
    whose = f"“{facts.names.unit(row['reporter_code'])}”" if row["kind"] == "office" else ""
    sheet = f"{row['sheet']}!" if row["sheet"] else ""
    return f"{whose}{_period(row)}报送 {sheet}{cell}"


def _period(row: RowMapping) -> str:
    return Period.parse(row["period"]).name_zh


# --- what each rule says ---------------------------------------------------------------------------------------


def _unit_unknown(facts: Facts) -> Words:
    code = facts.value["unit_code"] or "（没有填写）"
    known = facts.names.units.get(code)
    if known is None:
        return Words("本年度在册单位的统一社会信用代码", "登记表中没有这个代码。", code)
    heir = facts.names.successors.get(code)
    passed = f"，职责已转入“{facts.names.unit(heir)}”" if heir else ""
    return Words(
        "本年度在册单位的统一社会信用代码", f"“{known}”在{facts.value['year']}年度不存在{passed}。", code
    )


def _indicator_unknown(facts: Facts) -> Words:
    detail = f"“{facts.indicator.name_zh}”在这个填报期不施行。" if facts.indicator else ""
    return Words("本年度指标体系中的指标编码", detail)


def _not_reportable(facts: Facts) -> Words:
    name = facts.indicator.name_zh if facts.indicator else ""
    return Words("不填报", found=f"{facts.value['indicator_code']} {name}".strip())


def _authorities(facts: Facts) -> tuple[str, ...]:
    """Who may report the indicator about the value's unit; an unknown unit is taken for one of the sender's city."""
    regions = facts.names.regions
    region = regions.get(facts.value["unit_code"]) or regions.get(facts.value["reporter_code"], "")
    return facts.names.reporters.get((facts.value["indicator_code"], region), ())


def _authz(facts: Facts) -> Words:
    sender = facts.names.unit(facts.value["reporter_code"])
    if facts.value["kind"] == "unit":
        about = facts.names.unit(facts.value["unit_code"])
        return Words(
            f"“{sender}”自己的数据", f"填的是“{about}”的数据，报送单位是“{sender}”", facts.value["unit_code"]
        )
    authorities = "、".join(f"“{facts.names.unit(code)}”" for code in _authorities(facts))
    name = facts.indicator.name_zh if facts.indicator else facts.value["indicator_code"]
    asked_of_unit = facts.indicator is None or facts.indicator.asked_of_unit
    expected = authorities or ("被考评单位自己" if asked_of_unit else "本地区的主管单位（名录里还没有写明）")
    return Words(f"由{expected}报送", f"“{name}”由{expected}报送，这次的报送单位是“{sender}”")


def _not_applicable(facts: Facts) -> Words:
    indicator = facts.known_indicator
    kinds = "、".join(TAG_ZH[tag] for tag in Tag if tag in indicator.categories)
    lead = "，并须由该单位承担列有这项指标的牵头任务" if indicator.group is Group.LEAD else ""
    return Words("不填报", f"“{indicator.name_zh}”适用于{kinds}{lead}。")


def _period_wrong(facts: Facts) -> Words:
    period = Period.parse(facts.value["period"])
    if period.year != facts.value["year"] or facts.indicator is None:
        return Words(f"应报{facts.value['year']}年度的数据", found=period.name_zh)
    return Words(FREQUENCY_ZH[facts.indicator.frequency], found=period.name_zh)


def _negative(facts: Facts) -> Words:
    return Words("不小于 0")


def _not_whole(facts: Facts) -> Words:
    column = {"numerator": "numerator", "denominator": "denominator", "value": "amount"}[facts.place]
    as_ten_thousands = Fraction(facts.value[column]) * 10_000
    hint = ""
    if as_ten_thousands.denominator == 1:
        hint = f"如果是按“万”填的，应为 {plain(as_ten_thousands)}。"
    return Words("整数", hint)


def _part_missing(facts: Facts) -> Words:
    return Words(facts.part_name(facts.place))


def _more_than_whole(facts: Facts) -> Words:
    if Fraction(facts.value["denominator"]) == 0:
        return Words(facts.written("denominator"), "分母为 0 时，分子不可能大于 0。")
    return Words(facts.written("denominator"), "占比不可能超过 100%。")


def _more_than_all(facts: Facts) -> Words:
    parts = [facts.value[part] for part in ("numerator", "denominator")]
    if any(part is None for part in parts) or Fraction(parts[1]) == 0:
        return Words("不超过 100%")
    computed = _ratio(Fraction(parts[0]) / Fraction(parts[1]), facts.indicator)
    told = f"分子 {facts.written('numerator')}，分母 {facts.written('denominator')}，按“分子 ÷ 分母”计算是 {computed}。"
    return Words("不超过 100%", told)


def _zero_denominator(facts: Facts) -> Words:
    return Words("不填比率")


def _ratio_mismatch(facts: Facts) -> Words:
    numerator, denominator = (Fraction(facts.value[part]) for part in ("numerator", "denominator"))
    growth = facts.indicator is not None and facts.indicator.ratio_kind is RatioKind.GROWTH
    computed = (numerator - denominator) / denominator if growth else numerator / denominator
    formula = "（分子 − 分母）÷ 分母" if growth else "分子 ÷ 分母"
    detail = f"分子 {facts.written('numerator')}，分母 {facts.written('denominator')}，按“{formula}”计算。"
    return Words(_ratio(computed, facts.indicator), detail + _implied_denominator(facts, numerator))


def _implied_denominator(facts: Facts, numerator: Fraction) -> str:
    """What the denominator would have to be if the stated share were right."""
    share = facts.indicator is not None and facts.indicator.ratio_kind is RatioKind.SHARE
    stated = Fraction(facts.value["stated_ratio"] or "0")
    if not share or not 0 < stated <= 1 or numerator <= 0:
        return ""
    implied = round_half_up(numerator / stated, 0)
    return "" if implied == Fraction(facts.value["denominator"]) else f"如果比率属实，分母应约为 {implied}。"


def _ratio(computed: Fraction, indicator: Indicator | None) -> str:
    if indicator is not None and indicator.unit_zh != "%":
        return str(round_half_up(computed, 4))
    return f"{round_half_up(computed * 100)}%"


def _percent_form(facts: Facts) -> Words:
    return Words(f"{plain(Fraction(facts.value['stated_ratio']) * 100)}%")


def _evidence_missing(facts: Facts) -> Words:
    needed = facts.indicator.evidence_zh.replace(";", "、") if facts.indicator else ""
    absent = facts.value["evidence_missing"]
    detail = f"列出的“{_shown(absent)}”没有随表上传。" if absent else "“佐证材料”栏没有列出文件。"
    return Words(needed, detail)


def _date_out(facts: Facts) -> Words:
    indicator = facts.known_indicator
    year = facts.value["year"] + int(indicator.rule_params.get("year_offset", 0))
    before, after = (int(facts.check.params[name]) for name in ("months_before", "months_after"))
    first, last = year * 12 + 1 - before, year * 12 + 12 + after
    return Words(f"{_month(first)}至{_month(last)}", expected_en=f"{_iso_month(first)} to {_iso_month(last)}")


def _month(index: int) -> str:
    return f"{(index - 1) // 12}年{(index - 1) % 12 + 1}月"


def _iso_month(index: int) -> str:
    return f"{(index - 1) // 12}-{(index - 1) % 12 + 1:02}"


def _score_range(facts: Facts) -> Words:
    low, high = plain(facts.check.params["low"]), plain(facts.check.params["high"])
    return Words(f"{low} 至 {high}", expected_en=f"{low} to {high}")


def _na_unapproved(facts: Facts) -> Words:
    reason = facts.value["reason"]
    detail = f"填写的理由是“{_shown(reason)}”。" if reason else "没有填写理由。"
    return Words("0，或者经批准的“不适用”", detail, "不适用")


def _period_type(facts: Facts) -> Words:
    return Words("当期数", found=_reported(facts, facts.value))


def _reported(facts: Facts, row: RowMapping) -> str:
    """A value in one line: ``8/9`` for a ratio, the part alone where the other is missing."""
    if facts.indicator is not None and facts.indicator.value_type is ValueType.RATIO:
        parts = {part: facts.written(part, row) for part in ("numerator", "denominator")}
        if all(parts.values()):
            return "/".join(parts.values())
        return "".join(f"{_PLACE_ZH[part]} {text}" for part, text in parts.items() if text)
    written = (facts.written(part, row) for part in ("value", "boolean", "date"))
    return next((one for one in written if one), "")


def _dup_row(facts: Facts) -> Words:
    mine, other = (_reported(facts, row) for row in (facts.value, facts.beside))
    same = "两行的数相同，文字不同" if mine == other else "两行内容不同"
    return Words(
        "只填一行", f"这一行填的是“{mine}”，另一行填的是“{other}”，{same}。", facts.value["indicator_code"]
    )


def _pair(facts: Facts) -> Words:
    params = facts.check.params
    whole = facts.edition.by_code[params["of"]]
    mine = f"{params['indicator']} 的{facts.part_name(params['part'])}"
    theirs = f"{params['of']} 的{facts.part_name(params['of_part'], whole)}"
    return Words(f"{theirs}“{facts.written(params['of_part'], facts.beside)}”", mine)


def _sum(facts: Facts) -> Words:
    params = facts.check.params
    if "of" in params:
        return _pair(facts)
    columns = {"numerator": "numerator", "denominator": "denominator", "value": "amount"}
    of_ratios = params["parts_part"]
    rows = {
        row["indicator_code"]: row
        for row in facts.connection.execute(
            select(value)
            .where(
                value.c.parse_id == facts.value["parse_id"],
                value.c.unit_code == facts.value["unit_code"],
                value.c.period == facts.value["period"],
                value.c.indicator_code.in_(params["parts"]),
            )
            .order_by(value.c.value_id)
        ).mappings()
    }
    parts = [
        (rows[code], of_ratios if facts.edition.by_code[code].value_type is ValueType.RATIO else "value")
        for code in params["parts"]
    ]
    exact = [row[columns[part]] for row, part in parts]
    total = plain(sum((Fraction(one) for one in exact if one), Fraction(0))) if all(exact) else "约数"
    written = " + ".join(facts.written(part, row) for row, part in parts)
    codes = "、".join(params["parts"])
    return Words(
        f"{total}（{written}）",
        f"{params['indicator']} 的{facts.part_name(params['part'])}与 {codes} 各项之和：",
    )


def _mean_range(facts: Facts) -> Words:
    words = _pair(facts)
    low, high = (plain(facts.check.params[name]) for name in ("low", "high"))
    columns = {"numerator": "numerator", "denominator": "denominator", "value": "amount"}
    mine = facts.value[columns[facts.check.params["part"]]]
    other = facts.beside[columns[facts.check.params["of_part"]]]
    mean = f"，平均每件 {round_half_up(Fraction(mine) / Fraction(other), 4)}" if mine and other else ""
    return Words(f"{low} 至 {high}", f"{words.detail}填的是“{facts.written()}”，{words.expected}{mean}。")


def _date_order(facts: Facts) -> Words:
    if facts.other is None:
        arrived = _sent(facts).submitted_at[:10]
        return Words(f"不晚于报送当天（{arrived}）", "填报时还没有到这一天。")
    earlier = facts.edition.by_code[facts.check.params["of"]].name_zh
    return Words(f"不早于“{earlier}”的日期 {facts.beside['date_value']}")


def _conflict(facts: Facts) -> Words:
    sender = facts.names.unit(facts.beside["reporter_code"])
    if "of" in facts.check.params:
        code, part = facts.check.params["of"], facts.check.params["of_part"]
        about = f"{code} 的{facts.part_name(part, facts.edition.by_code[code])}"
        figure = facts.written(part, facts.beside)
        return Words(f"“{sender}”报送的{about}是“{figure}”", found=facts.written())
    return Words(f"“{sender}”报送的是“{_reported(facts, facts.beside)}”", found=_reported(facts, facts.value))


def _reconcile(facts: Facts) -> Words:
    authority = facts.names.unit(facts.beside["reporter_code"])
    figure = facts.written(row=facts.beside)
    return Words(f"主管机关“{authority}”报送的是“{figure}”")


def _decrease(facts: Facts) -> Words:
    return Words(f"{_period(facts.beside)}的累计数“{facts.written(row=facts.beside)}”")


def _nested(facts: Facts) -> Words:
    return Words(f"{_period(facts.beside)}的“{facts.written(row=facts.beside)}”", found=facts.written())


def _incomparable(facts: Facts) -> Words:
    earlier = facts.beside
    detail = (
        f"本次是{_definition(facts, facts.value)}；{_period(earlier)}是{_definition(facts, earlier)}，"
        f"填的是“{_reported(facts, earlier)}”。{_meaningless_growth(facts)}"
    )
    return Words("与以前年度口径一致的数", detail, _reported(facts, facts.value))


def _definition(facts: Facts, row: RowMapping) -> str:
    default = facts.indicator.reporting.value if facts.indicator else ""
    kind = {"cumulative": "累计数", "current": "当期数"}[row["stated_reporting"] or default]
    return f"{kind}（范围：{_shown(row['stated_scope'])}）" if row["stated_scope"] else kind


def _meaningless_growth(facts: Facts) -> str:
    now, before = (_at_least(row) for row in (facts.value, facts.beside))
    if not now or not before:
        return "两者不计算同比。"
    return f"直接相比会得出 {_growth(now, before)}，没有意义，因此不计算同比。"


def _at_least(row: RowMapping) -> Fraction | None:
    """The exact amount, or the lower bound of a fuzzy one."""
    scaled = row["amount_q"] if row["amount_q"] is not None else row["low_q"]
    return None if scaled is None else Fraction(scaled, SCALE)


def _growth(now: Fraction, before: Fraction) -> str:
    change = round_half_up((now - before) / before * 100, 0)
    return f"{'+' if change >= 0 else '−'}{abs(change)}%"


def _definition_changed(facts: Facts) -> Words:
    earlier = facts.beside
    since = facts.check.params.get("since")
    if since is None:
        what = (
            f"本次的统计范围是“{_shown(facts.value['stated_scope'])}”，"
            f"{_period(earlier)}是“{_shown(earlier['stated_scope'])}”。"
        )
    else:
        day = date.fromisoformat(since)
        what = f"这项指标的统计口径自{day.year}年{day.month}月{day.day}日起改变，{_period(earlier)}的数在此之前。"
    return Words(
        "口径一致才计算同比",
        f"{what}{_period(earlier)}填的是“{_reported(facts, earlier)}”，不与本次计算同比。",
        _reported(facts, facts.value),
    )


def _jump(facts: Facts) -> Words:
    column = "denominator" if facts.place == "denominator" else "amount"
    now, before = (Fraction(row[column]) for row in (facts.value, facts.beside))
    change = f"，{_growth(now, before)}" if before else ""
    part = facts.part_name("denominator") if facts.place == "denominator" else ""
    return Words(f"{facts.written(row=facts.beside)}（{_period(facts.beside)}{change}）", part)


def _amount_scale(facts: Facts) -> Words:
    grown = facts.value["amount_q"] > facts.beside["amount_q"]
    detail = "可能是把“元”填进了“万元”栏。" if grown else "可能是把“亿元”填进了“万元”栏。"
    return Words(f"{facts.written(row=facts.beside)}（{_period(facts.beside)}）", detail)


def _stale_copy(facts: Facts) -> Words:
    numbers, same = _equal_numbers(facts)
    earlier = _period(facts.beside)
    cells = "、".join(same[:_MOST_LISTED]) + (" 等" if len(same) > _MOST_LISTED else "")
    return Words(
        "本期的实际数值",
        f"与{earlier}的填报表相比，{numbers} 个不为零的数值中有 {len(same)} 个完全相同：{cells}。",
        "",
    )


def _sent(facts: Facts) -> Sent:
    return sent(facts.connection, facts.value["parse_id"])


def _dup_across(facts: Facts) -> Words:
    whose = facts.names.unit(facts.beside["unit_code"])
    if facts.check.params["looks_at"] == "evidence":
        whose = facts.names.unit(facts.beside["reporter_code"])
        names = shared_evidence(facts.connection, facts.value["parse_id"], facts.beside["parse_id"])
        return Words(f"“{whose}”", found="、".join(names))
    pair = (facts.value["value_id"], facts.beside["value_id"])
    return Words(f"“{whose}”", found="、".join(shared_tokens(facts.connection, "number", pair)))


def _text_dup(facts: Facts) -> Words:
    other = facts.beside
    whose = (
        "本单位"
        if other["reporter_code"] == facts.value["reporter_code"]
        else f"“{facts.names.unit(other['reporter_code'])}”"
    )
    return Words(f"{whose}{_period(other)}", found=facts.value["note"])


def _dup_file(facts: Facts) -> Words:
    mine = _sent(facts)
    before = sent_before_with_same_file(facts.connection, mine)
    return Words(f"{Period.parse(before.period).name_zh}{before.name_zh}", found="")


def _version_conflict(facts: Facts) -> Words:
    mine = _sent(facts)
    return Words(rival_of(facts.connection, mine).name_zh, found=mine.name_zh)


def _late(facts: Facts) -> Words:
    due = datetime.fromtimestamp(due_second_of(facts.connection, facts.value["parse_id"]), SHANGHAI)
    arrived = datetime.fromisoformat(_sent(facts).submitted_at)
    local = arrived if arrived.tzinfo is None else arrived.astimezone(SHANGHAI)
    return Words(_moment(due), found=_moment(local))


def _moment(at: datetime) -> str:
    return f"{at.year}年{at.month}月{at.day}日{at:%H:%M}"


def _locked(facts: Facts) -> Words:
    since, reason = lock_of(facts.connection, facts.value["parse_id"])
    return Words(
        f"{_moment(datetime.fromisoformat(since))}起锁定",
        f"锁定原因：{reason}。",
        _sent(facts).received_at[:16].replace("T", " "),
    )


def _equal_numbers(facts: Facts) -> tuple[int, list[str]]:
    """How many numbers a submission has that are not zero, and the cells of those that the other one has too."""
    mine, theirs = (_numbers(facts, row["parse_id"]) for row in (facts.value, facts.beside))
    same = [cell for place, (written, cell) in mine.items() if written & theirs.get(place, (set(), ""))[0]]
    return len(mine), same


def _numbers(facts: Facts, parse_id: int) -> dict[tuple[str, str, str], tuple[set[int], str]]:
    """The numbers of a submission that are not zero, by unit, indicator and part, and where each stands."""
    columns = {"numerator_q": "cell_numerator", "denominator_q": "cell_denominator", "amount_q": "cell_value"}
    wanted = ("unit_code", "indicator_code", *columns, *columns.values())
    statement = (
        select(*(value.c[name] for name in wanted))
        .where(value.c.parse_id == parse_id)
        .order_by(value.c.row_no)
    )
    found: dict[tuple[str, str, str], tuple[set[int], str]] = {}
    for row in facts.connection.execute(statement).mappings():
        for name, cell in columns.items():
            if row[name]:
                place = (row["unit_code"], row["indicator_code"], name)
                found.setdefault(place, (set(), row[cell] or ""))[0].add(row[name])
    return found


_WORDS: Mapping[str, Callable[[Facts], Words]] = {
    "UNIT_UNKNOWN": _unit_unknown,
    "INDICATOR_UNKNOWN": _indicator_unknown,
    "NOT_REPORTABLE": _not_reportable,
    "AUTHZ": _authz,
    "NOT_APPLICABLE_TO_UNIT": _not_applicable,
    "PERIOD_WRONG": _period_wrong,
    "NEGATIVE": _negative,
    "COUNT_NOT_INTEGER": _not_whole,
    "PART_MISSING": _part_missing,
    "NUM_GT_DEN": _more_than_whole,
    "ZERO_DENOMINATOR": _zero_denominator,
    "RATIO_MISMATCH": _ratio_mismatch,
    "PERCENT_FORM": _percent_form,
    "EVIDENCE_MISSING": _evidence_missing,
    "DATE_OUT_OF_PERIOD": _date_out,
    "SCORE_RANGE": _score_range,
    "NA_UNAPPROVED": _na_unapproved,
    "PERIOD_TYPE": _period_type,
    "DUP_ROW": _dup_row,
    "SUBSET": _pair,
    "SUM_MISMATCH": _sum,
    "DOUBLE_COUNT": _sum,
    "MEAN_RANGE": _mean_range,
    "DATE_ORDER": _date_order,
    "CONFLICT": _conflict,
    "RATIO_GT_1": _more_than_all,
    "DEFINITION": _definition_changed,
    "CROSS_UNIT_DUP": _dup_across,
    "TEXT_DUP": _text_dup,
    "DUP_FILE": _dup_file,
    "VERSION_CONFLICT": _version_conflict,
    "LATE": _late,
    "LOCKED": _locked,
    "RECONCILE": _reconcile,
    "CUMULATIVE_DECREASE": _decrease,
    "NESTED_PERIOD": _nested,
    "INCOMPARABLE": _incomparable,
    "JUMP": _jump,
    "AMOUNT_SCALE": _amount_scale,
    "STALE_COPY": _stale_copy,
}
