"""Sheet 加减分: the approved events, what each brings, and the caps (scoring.md section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from openpyxl import Workbook
from sqlalchemy import Row

from fazhi.model.exact import plain
from fazhi.model.terms import RuleType
from fazhi.score.workbook.case import Case
from fazhi.score.workbook.exactness import scale_of
from fazhi.score.workbook.grid import TWO_PLACES, WHOLE, Grid, columns
from fazhi.systems.edition import Indicator
from fazhi.systems.wording import rule_zh

_KIND_ZH = {RuleType.BONUS_CAPPED: "加分", RuleType.DEDUCT_TOTAL: "扣分", RuleType.VETO: "一票否决"}
_LEVEL_ZH = {"national": "国家级", "region": "自治区级", "city": "市级", "": "—"}


@dataclass(frozen=True)
class Adjustments:
    """Where B and Y stand, in hundredths; what marks a falsified indicator; how many vetoes there are."""

    bonus: str
    deduction: str
    vetoes: str
    falsified: str | None
    """A formula with ``{code}`` for the address of an indicator's code."""


def write_adjustments(book: Workbook, case: Case) -> Adjustments:
    """Write the sheet."""
    grid = Grid(
        book,
        "加减分",
        columns(
            kind=("类型", 10),
            code=("项目代码", 9),
            title=("事项", 34),
            level=("级别", 10),
            about=("所涉指标", 10),
            count=("次数", 7),
            each=("每次分值", 9),
            total=("小计", 9),
            document=("依据文件", 26),
            approved=("批准", 20),
            rule=("规则", 40),
            zeroes=("所涉指标记零", 9),
            times=("按几次计", 8),
            scale=("倍数", 7),
            whole=("小计×倍数", 11),
        ),
    )
    row = grid.heading(
        "加减分：已经批准的加分、扣分和否决事项",
        "同一成果只按最高级别加分一次；每个项目有上限的，合计不超过上限；全年加分合计不超过"
        f" {plain(Fraction(case.edition.cap_bonus, 100))} 分。没有批准人的事项不计入，也不列在这里。",
    )
    row = grid.headers(row)
    events = case.dossier.events
    scale = _scale(case)
    for number, event in enumerate(events):
        _write_event(grid, row + number, case.edition.by_code[event.code], event, scale)
    first, last = row, row + len(events) - 1
    row = last + 2
    if not events:
        grid.note(row - 1, "本年度没有已经批准的加分、扣分和否决事项。")
    bonus, row = _write_sum(grid, row, case, RuleType.BONUS_CAPPED, (first, last), scale)
    deduction, row = _write_sum(grid, row, case, RuleType.DEDUCT_TOTAL, (first, last), scale)
    grid.put(row, "kind", "否决", look="sum")
    grid.put(row, "title", "一票否决事项数", look="sum")
    kinds = grid.span("kind", first, last)
    grid.work(row, "total", f'COUNTIF({kinds},"一票否决")' if events else "0", WHOLE, "sum")
    grid.fold("zeroes", "times", "scale", "whole")
    grid.printed("landscape")
    return Adjustments(bonus, deduction, grid.ref("total", row), _falsified(grid, case, first, last))


def _falsified(grid: Grid, case: Case, first: int, last: int) -> str | None:
    if not any(_zeroes(case.edition.by_code[event.code], event) for event in case.dossier.events):
        return None
    about, zeroes = grid.span("about", first, last), grid.span("zeroes", first, last)
    return f"SUMPRODUCT(({about}={{code}})*({zeroes}=1))"


def _zeroes(row: Indicator, event: Row[Any]) -> bool:
    return bool(row.rule_params.get("zero_indicator")) and bool(event.indicator_code)


def each(row: Indicator, level: str) -> Fraction:
    """The points of one occurrence."""
    params = row.rule_params
    given = params.get("k", params.get("points", params.get(level, 0)))
    return Fraction(given)


def _scale(case: Case) -> int:
    """The power of ten (at least 100) that makes every amount and cap whole."""
    amounts = [Fraction(1, 100)]
    for event in case.dossier.events:
        row = case.edition.by_code[event.code]
        amounts += [each(row, event.level), Fraction(row.rule_params.get("cap", 0))]
    return scale_of(amounts)


def _write_event(grid: Grid, row: int, indicator: Indicator, event: Row[Any], scale: int) -> None:
    counts = indicator.rule_type is not RuleType.VETO
    by_level = not ({"k", "points"} & set(indicator.rule_params))
    once = indicator.rule_type is RuleType.BONUS_CAPPED and by_level
    grid.put(row, "kind", _KIND_ZH[indicator.rule_type])
    grid.put(row, "code", event.code)
    grid.put(row, "title", event.title_zh)
    grid.put(row, "level", _LEVEL_ZH.get(event.level, event.level))
    grid.put(row, "about", event.indicator_code)
    grid.put(row, "count", event._mapping["count"], WHOLE)
    grid.put(row, "document", event.document)
    grid.put(row, "approved", f"{event.approved_by} {event.approved_on}".strip())
    grid.put(row, "rule", rule_zh(indicator))
    grid.put(row, "zeroes", int(_zeroes(indicator, event)), WHOLE, "working")
    grid.put(row, "scale", scale, WHOLE, "working")
    grid.put(row, "each", Decimal(plain(each(indicator, event.level) if counts else Fraction(0))))
    grid.work(row, "times", "1" if once else grid.at("count", row), WHOLE, "working")
    whole = f"ROUND({grid.at('each', row)}*{scale},0)*{grid.at('times', row)}"
    grid.work(row, "whole", whole, WHOLE, "working")
    grid.work(row, "total", f"{grid.at('whole', row)}/{grid.at('scale', row)}")


def _write_sum(
    grid: Grid, row: int, case: Case, rule: RuleType, events: tuple[int, int], scale: int
) -> tuple[str, int]:
    """One row for each capped item, then their sum in hundredths; its address and the next free row."""
    kind = _KIND_ZH[rule]
    codes = _codes(case, rule)
    for code in codes:
        cap = case.edition.by_code[code].rule_params.get("cap")
        grid.put(row, "kind", kind, look="sum")
        grid.put(row, "code", code, look="sum")
        limit = "，不设上限" if cap is None else f"，上限 {plain(Fraction(cap))} 分"
        grid.put(row, "title", f"{case.edition.by_code[code].name_zh}{limit}", look="sum")
        same = f"({grid.span('code', *events)}={grid.at('code', row)})"
        summed = f"SUMPRODUCT({same}*{grid.span('whole', *events)})"
        capped = summed if cap is None else f"MIN({int(Fraction(cap) * scale)},{summed})"
        grid.work(row, "whole", capped, WHOLE, "working")
        grid.work(row, "total", f"{grid.at('whole', row)}/{scale}", look="sum")
        row += 1
    items = f"SUM({grid.at('whole', row - len(codes))}:{grid.at('whole', row - 1)})" if codes else "0"
    rounded = f"ROUND({items}/{scale // 100},0)"
    if rule is RuleType.BONUS_CAPPED:
        rounded = f"MIN({case.edition.cap_bonus},{rounded})"
    grid.put(row, "kind", kind, look="sum")
    grid.put(row, "title", f"{kind}合计", look="sum")
    grid.work(row, "whole", rounded, WHOLE, "working")
    grid.work(row, "total", f"{grid.at('whole', row)}/100", TWO_PLACES, "sum")
    return grid.ref("whole", row), row + 1


def _codes(case: Case, rule: RuleType) -> Sequence[str]:
    codes = (
        event.code for event in case.dossier.events if case.edition.by_code[event.code].rule_type is rule
    )
    return list(dict.fromkeys(codes))
