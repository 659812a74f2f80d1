"""Faults to plant. In: a draft and a row, or a whole draft. Out: the draft changed, and what was done where.

Each planter makes the mistake that one rule is there to find, in the cell that a person would have to amend,
and keeps its hands off the rest. A planter that does not fit a row changes nothing and says so.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from fazhi.model.exact import round_half_up
from fazhi.model.period import Period
from fazhi.model.terms import RatioKind, SubmissionKind, ValueType
from fazhi.synth.city import synthetic_code
from fazhi.synth.dice import Dice
from fazhi.synth.draft import MARK, Draft, Line, line_for
from fazhi.synth.figures import Agreement, is_cumulative, is_due
from fazhi.synth.forms import FILE_PLANTERS, FORM_PLANTERS
from fazhi.synth.planting import DraftPlanter, RowPlanter, Slip, World, append_row

# --- numbers -----------------------------------------------------------------------------------------------


def _free_parts(line: Line, world: World) -> tuple[int, int] | None:
    """Numerator and denominator of a share that nothing else is compared with."""
    return None if _is_tied(line, world) or line.indicator.ratio_kind is not RatioKind.SHARE else _parts(line)


def _free_count(line: Line, world: World) -> int | None:
    """The number of a count row that nothing else is compared with."""
    return None if _is_tied(line, world) else _count(line)


def _parts(line: Line) -> tuple[int, int] | None:
    """Numerator and denominator of a ratio with cases."""
    numerator, denominator = line.cells["numerator"], line.cells["denominator"]
    if numerator.isdigit() and denominator.isdigit() and int(denominator) > 0:
        return int(numerator), int(denominator)
    return None


def _count(line: Line) -> int | None:
    """The number of a count row."""
    value = line.cells["value"]
    return int(value) if line.indicator.value_type is ValueType.COUNT and value.isdigit() else None


def _num_gt_den(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    parts = _free_parts(line, world)
    if parts is None:
        return None
    line.cells |= {"numerator": str(parts[1] + dice.between(1, 3)), "value": ""}
    return Slip("分子大于分母", row, "numerator")


def _ratio_mismatch(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    parts = _parts(line)
    if parts is None or line.indicator.ratio_kind is not RatioKind.SHARE:
        return None
    percent = round_half_up(Fraction(100 * parts[0], parts[1]))
    off = round_half_up(Fraction(dice.between(150, 400), 100))
    line.cells["value"] = f"{percent - off if percent > 50 else percent + off}%"
    return Slip("填写的比率与分子、分母不符", row, "value")


def _percent_form(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    parts = _parts(line)
    if parts is None or line.indicator.ratio_kind is not RatioKind.SHARE or line.indicator.unit_zh != "%":
        return None
    if not 0 < 10 * parts[0] < 10 * parts[1]:
        return None
    share = round_half_up(Fraction(*parts), 4)
    if not 0 < share < 1:
        return None
    line.cells["value"] = str(share)
    return Slip("比率写成小数，没有百分号", row, "value")


def _count_not_integer(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    count = _free_count(line, world)
    if count is None:
        return None
    line.cells["value"] = f"{count}.{dice.between(1, 9)}"
    return Slip("件数填成小数", row, "value")


def _negative(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    if _free_count(line, world) is None:
        return None
    line.cells["value"] = f"-{dice.between(1, 3)}"
    return Slip("件数填成负数", row, "value")


def _part_missing(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    if _parts(line) is None:
        return None
    line.cells |= {"denominator": "", "value": ""}
    return Slip("分母没有填", row, "denominator")


def _fuzzy_number(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    parts, count = _parts(line), _count(line)
    if parts is not None and parts[0] >= 10:
        line.cells |= {"numerator": f"{parts[0] // 10 * 10}余", "value": ""}
        return Slip("分子填成约数", row, "numerator")
    if count is not None and count >= 10:
        line.cells["value"] = f"{count // 10 * 10}余"
        return Slip("件数填成约数", row, "value")
    return None


def _value_type(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    if line.indicator.value_type is ValueType.BOOLEAN:
        line.cells["value"] = dice.pick(("已落实", "正在推进"))
    elif line.indicator.value_type in (ValueType.COUNT, ValueType.SCORE):
        line.cells["value"] = dice.pick(("已完成", "见附件"))
    else:
        return None
    return Slip("应填数值或是、否的格里填了文字", row, "value")


def _score_range(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    if line.indicator.value_type is not ValueType.SCORE or _is_tied(line, world):
        return None
    line.cells["value"] = str(dice.between(101, 110))
    return Slip("得分超过一百分", row, "value")


def _na_token(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    column = "numerator" if _parts(line) is not None else "value" if _count(line) is not None else ""
    if not column:
        return None
    line.cells |= {"value": "", column: dice.pick(("/", "无", "—"))}
    return Slip("用符号代替数字", row, column)


def _is_tied(line: Line, world: World) -> bool:
    """Whether the row's numbers are compared with others, so that changing them breaks more than one rule."""
    compared = {code for one in world.agreed for code in (one.indicator, one.of)}
    return len(line.indicator.sources) > 1 or line.indicator.code in compared


# --- dates, evidence, applicability ------------------------------------------------------------------------


def _date_out_of_period(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    if line.indicator.value_type is not ValueType.DATE or _is_tied(line, world):
        return None
    line.cells["value"] = date(draft.year - 1, dice.between(1, 6), dice.between(1, 28)).isoformat()
    return Slip("日期不在考评年度的范围内", row, "value")


def _date_invalid(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    if line.indicator.value_type is not ValueType.DATE:
        return None
    line.cells["value"] = f"{draft.year}-02-{dice.between(30, 31)}"
    return Slip("日期不存在", row, "value")


def _evidence_missing(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    own = draft.report.kind is SubmissionKind.UNIT
    if not own or not line.cells["evidence"] or not _is_substantial(line):
        return None
    line.cells["evidence"] = dice.pick(("", "漏传的材料（合成数据）.pdf"))
    return Slip("佐证材料没有附上", row, "evidence")


def _is_substantial(line: Line) -> bool:
    """Whether the row states anything that evidence could prove: no cases and 否 need none."""
    stated = (line.cells["numerator"], line.cells["denominator"], line.cells["value"])
    return any(text not in ("", "0", "否") for text in stated)


def _na_unapproved(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
    draft.lines[row].cells |= {
        "numerator": "",
        "denominator": "",
        "value": "",
        "not_applicable": "是",
        "reason": f"{MARK}：本单位没有这项业务",
    }
    return Slip("未经批准填“不适用”", row, "not_applicable")


# --- rows that should not be there -------------------------------------------------------------------------


def _dup_row(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    count = _free_count(line, world)
    if count is None:
        return None
    other = str(count + dice.between(1, 2))
    both = [("DUP_ROW", row, "indicator_code")]
    return append_row(
        draft, line, "同一指标填了两行，数值不同", "indicator_code", {"value": other}, (row,), both
    )


def _names_another_unit(draft: Draft) -> bool:
    """Whether a unit's own table names another unit already: that is found once a file."""
    own = draft.report.sender.unit_code
    return draft.report.kind is SubmissionKind.UNIT and any(
        line.cells["unit_code"] != own for line in draft.lines
    )


def _unit_unknown(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    unknown = synthetic_code(99_999 - dice.between(0, 99), line.unit.division_code)
    if _names_another_unit(draft):
        return None
    return append_row(
        draft,
        line,
        "名录里没有的统一社会信用代码",
        "unit_code",
        {"unit_code": unknown},
    )


def _indicator_unknown(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    unknown = f"Q{dice.between(1, 9)}.{dice.between(1, 9)}"
    return append_row(
        draft, draft.lines[row], "指标体系里没有的指标编码", "indicator_code", {"indicator_code": unknown}
    )


def _not_applicable_to_unit(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    if draft.report.kind is not SubmissionKind.UNIT:
        return None
    foreign = [
        one
        for one in world.indicators
        if one.asked_of_unit
        and one.ratio_kind is RatioKind.SHARE
        and is_due(one, draft.report.period)
        and not world.applies(one, line.unit.unit_code)
        and all(other.cells["indicator_code"] != one.code for other in draft.lines)
    ]
    if not foreign:
        return None
    cells = {"indicator_code": dice.pick(foreign).code, "numerator": "9", "denominator": "10", "value": ""}
    return append_row(draft, line, "填了不适用于本单位的指标", "indicator_code", cells)


def _authz(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    if draft.report.kind is SubmissionKind.UNIT:
        return _for_another_unit(draft, line, dice, world)
    foreign = [
        one
        for one in world.indicators
        if one.ratio_kind is RatioKind.SHARE
        and is_due(one, draft.report.period)
        and world.is_reportable(one)
        and not world.answers_for(draft.report.sender.unit_code, one)
    ]
    true = world.readings_of(line.unit.unit_code, draft.report.period)
    stated = {
        other.cells["indicator_code"] for other in draft.lines if other.unit.unit_code == line.unit.unit_code
    }
    known = [one for one in foreign if one.code in true and one.code not in stated]
    if not known:
        return None
    chosen = dice.pick(known)
    cells = line_for(line.unit, chosen, line.cells["period"], true[chosen.code]).cells
    return append_row(draft, line, "报送了不归本单位掌握的指标", "indicator_code", cells)


_A_TABLE_OF_ONE_UNIT = 2
"""Rows of a unit from which a further row of another one is a slip."""


def _for_another_unit(draft: Draft, line: Line, dice: Dice, world: World) -> Slip | None:
    """A row about another unit, with what that unit reports itself.

    Beside a single row it would be a table of two units, not one with a slip.
    """
    alone = len(draft.lines) < _A_TABLE_OF_ONE_UNIT
    others = () if alone or _names_another_unit(draft) else world.other_units(line.unit.unit_code)
    for _attempt in range(min(5, len(others))):
        other = dice.pick(others)
        true = world.readings_of(other, draft.report.period).get(line.indicator.code)
        if true is not None:
            cells = line_for(line.unit, line.indicator, line.cells["period"], true).cells
            return append_row(
                draft,
                line,
                "代填了别的单位的数据",
                "unit_code",
                cells | {"unit_code": other},
            )
    return None


# --- comparisons -------------------------------------------------------------------------------------------


def _agreement(rule: str) -> RowPlanter:
    def plant(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
        line = draft.lines[row]
        if any(one.rule == "DOUBLE_COUNT" and one.of == line.indicator.code for one in world.agreed):
            return None  # more of it would break the sum that it is added to
        for one in world.agreed:
            if one.rule == rule and one.indicator == line.indicator.code and one.part == "denominator":
                other = _other_row(draft, line, one)
                if other is not None and _parts(line) is not None:
                    whole = int(draft.lines[other].cells[one.of_part])
                    line.cells |= {"denominator": str(whole + dice.between(1, 4)), "value": ""}
                    return Slip(f"分母与 {one.of} 对不上", row, "denominator", (other,))
        return None

    return plant


def _other_row(draft: Draft, line: Line, one: Agreement) -> int | None:
    """The faultless row of the same unit that a row is compared with."""
    for row, other in enumerate(draft.lines):
        if other.indicator.code == one.of and other.unit == line.unit:
            return row if row not in draft.faulty and other.cells[one.of_part].isdigit() else None
    return None


def _jump(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    parts = _free_parts(line, world)
    if parts is None or not world.stays_alone:
        return None
    before = world.compared_with(line.unit.unit_code, draft.report.period).get(line.indicator.code)
    if before is None or not before.numerator or not before.denominator or before.denominator < 10:
        return None
    factor = dice.between(4, 6)
    line.cells |= {
        "numerator": str(before.numerator * factor),
        "denominator": str(before.denominator * factor),
        "value": "",
    }
    return Slip("与上年同期相比成倍变化", row, "denominator")


def _reconcile(draft: Draft, row: int, _dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    parts = _parts(line)
    own = draft.report.kind is SubmissionKind.UNIT
    if parts is None or not own or parts[1] < 10:
        return None
    if not world.is_reported_by_another(line.indicator, line.unit.unit_code):
        return None
    more = max(2, parts[1] // 10)
    line.cells |= {"numerator": str(parts[0] + more), "denominator": str(parts[1] + more), "value": ""}
    return Slip("与主管机关报送的数相差一成以上", row, "numerator", check="RECONCILE_FAR")


def _cumulative_decrease(draft: Draft, row: int, dice: Dice, world: World) -> Slip | None:
    line = draft.lines[row]
    if not is_cumulative(line.indicator) or _count(line) is None or draft.report.period.first_month == 1:
        return None
    period = draft.report.period
    before = world.readings_of(
        line.unit.unit_code, Period(period.year, period.first_month - period.months, period.months)
    ).get(line.indicator.code)
    if before is None or not before.value.isdigit() or int(before.value) < 2:
        return None
    line.cells["value"] = str(int(before.value) - dice.between(1, int(before.value) - 1))
    return Slip("累计数小于上期累计数", row, "value")


ROW_PLANTERS: Mapping[str, RowPlanter] = {
    "NUM_GT_DEN": _num_gt_den,
    "DATE_OUT_OF_PERIOD": _date_out_of_period,
    "RATIO_MISMATCH": _ratio_mismatch,
    "SUBSET": _agreement("SUBSET"),
    "SUM_MISMATCH": _agreement("SUM_MISMATCH"),
    "COUNT_NOT_INTEGER": _count_not_integer,
    "JUMP": _jump,
    "NEGATIVE": _negative,
    "RECONCILE": _reconcile,
    "PART_MISSING": _part_missing,
    "CUMULATIVE_DECREASE": _cumulative_decrease,
    "DUP_ROW": _dup_row,
    "SCORE_RANGE": _score_range,
    "EVIDENCE_MISSING": _evidence_missing,
    "DATE_INVALID": _date_invalid,
    "FUZZY_NUMBER": _fuzzy_number,
    "VALUE_TYPE": _value_type,
    "AUTHZ": _authz,
    "UNIT_UNKNOWN": _unit_unknown,
    "INDICATOR_UNKNOWN": _indicator_unknown,
    "NOT_APPLICABLE_TO_UNIT": _not_applicable_to_unit,
    "PERCENT_FORM": _percent_form,
    "NA_TOKEN": _na_token,
    "NA_UNAPPROVED": _na_unapproved,
    **FORM_PLANTERS,
}
"""Faults of a row by the rule that finds them."""


NARROW = frozenset(
    {
        "CUMULATIVE_DECREASE",
        "DATE_FORMAT",
        "DATE_INVALID",
        "DATE_OUT_OF_PERIOD",
        "DUP_ROW",
        "EVIDENCE_MISSING",
        "JUMP",
        "NEGATIVE",
        "RECONCILE",
        "SCORE_RANGE",
        "SEPARATOR",
        "STALE_COPY",
        "SUBSET",
        "SUM_MISMATCH",
    }
)
"""Faults that fit few rows or submissions; tried first often enough for a city to show them."""


# --- whole submissions -------------------------------------------------------------------------------------


def _stale_copy(draft: Draft, _dice: Dice, world: World) -> Slip | None:
    """Last year's numbers, except where they are compared with an office's; enough of them to be noticed."""
    before = world.a_year_before(draft.report.sender.unit_code, draft.report.period)
    copied = [
        row
        for row, line in enumerate(draft.lines)
        if line.indicator.code in before and _numbers(line) and not _is_tied(line, world)
    ]
    numbers = sum(_numbers(draft.lines[row]) for row in copied)
    if numbers < 5 or numbers * 100 < 85 * sum(_numbers(line) for line in draft.lines):
        return None
    for row in copied:
        reading = before[draft.lines[row].indicator.code]
        draft.lines[row].cells |= {
            "numerator": "" if reading.numerator is None else str(reading.numerator),
            "denominator": "" if reading.denominator is None else str(reading.denominator),
            "value": reading.value,
        }
    return Slip("整张表沿用上年同期的数", also=tuple(copied))


def _numbers(line: Line) -> int:
    """How many numbers other than zero a row states."""
    if line.indicator.value_type in (ValueType.BOOLEAN, ValueType.DATE):
        return 0
    texts = [line.cells["numerator"], line.cells["denominator"]]
    if line.indicator.value_type is not ValueType.RATIO:
        texts = [line.cells["value"]]
    return sum(text not in ("", "0") for text in texts)


def _not_data(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    draft.table_name = "填报表（合成数据）.xlsx"
    draft.content = f"%PDF-1.4\n% {MARK}\n%%EOF\n".encode()
    return Slip("以扫描件(PDF)代替数据，扩展名改成 xlsx")


def _empty(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    draft.content = b""
    return Slip("空文件")


def _not_template(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    draft.content = f"序号，姓名，科室，备注\n1,,办公室，{MARK}\n2,,法规科，{MARK}\n".encode()
    return Slip("不是填报表，是另一张表")


DRAFT_PLANTERS: Mapping[str, DraftPlanter] = {
    "STALE_COPY": _stale_copy,
    "NOT_DATA": _not_data,
    "EMPTY": _empty,
    "NOT_TEMPLATE": _not_template,
    **FILE_PLANTERS,
}
"""Faults of a whole submission by the rule that finds them."""
