"""Sheet 分值: how 100 points are shared out, with the renormalisation spelled out (scoring.md section 4).

Exact shares are quotients of whole numbers. Remainders are compared by their decimal digits, taken in blocks
that doubles hold; as many blocks as tell any two different fractions of such denominators apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm

from openpyxl import Workbook

from fazhi.model.errors import UsageError
from fazhi.model.exact import plain
from fazhi.model.terms import GROUP_ZH, Group
from fazhi.score.workbook.case import Case
from fazhi.score.workbook.exactness import SAFE, scale_of
from fazhi.score.workbook.grid import TWO_PLACES, WHOLE, Grid, columns

WHOLE_POINTS = 10_000
_LEAST_DIGITS = 4
"""So that 10,000 times a denominator, an exact share's numerator, is safe as well."""
NOT_APPLICABLE_ZH = "不适用"


@dataclass(frozen=True)
class Blocks:
    """How remainders are written out: so many digits at a time, so many times."""

    digits: int
    count: int


def blocks_for(denominators: Sequence[int]) -> Blocks:
    """Blocks that tell any two different remainders apart and keep every product safe.

    Two different fractions with denominators d and e lie at least 1/(d·e) apart, so they differ within as
    many decimal places as d·e has digits.

    Raises:
        UsageError: The denominators are too long for a spreadsheet.
    """
    largest = max(denominators, default=1)
    digits = len(str(SAFE // largest)) - 1
    if digits < _LEAST_DIGITS:
        raise UsageError(
            "指标体系的份额和倍数小数位数过多，表格软件无法精确复算；请改用 fazhi export 的数据核对"
        )
    return Blocks(digits, -(-len(str(largest * largest)) // digits))


def write_weights(book: Workbook, case: Case, statuses: Mapping[str, str]) -> dict[str, str]:
    """Write the sheet.

    Args:
        book: The workbook.
        case: The unit's case.
        statuses: Address of each line's status, by indicator code.

    Returns:
        Address of each line's weight in hundredths, by indicator code.
    """
    masses, unit = _masses(case)
    blocks = blocks_for(_denominators(case, masses))
    grid = Grid(book, "分值", _columns(blocks))
    row = grid.heading(
        "分值：100 分怎样分给各项指标",
        f"单位类型“{case.profile.name}”把 100 分分给三类指标；没有适用指标的类别，份额由其余类别按原比例分担；"
        "不适用的指标，分值由同类其他指标按标准分分担。",
        "每项先算到百分之一分并舍去余数；舍去的百分之一分，按余数从大到小每项补 0.01 分，余数相同的代码在前者先补，"
        "合计恰为 100.00 分。",
    )
    top = _write_groups(grid, row, len(case.lines))
    return _write_lines(grid, top, case, statuses, unit, blocks)


def _masses(case: Case) -> tuple[dict[str, int], int]:
    """Marks times multipliers as whole numbers, and the unit that makes them whole."""
    exact = {
        line.indicator.code: Fraction(line.indicator.full_mark, 100) * _multiplier(case, line.indicator.code)
        for line in case.lines
    }
    unit = lcm(1, *(mass.denominator for mass in exact.values()))
    return {code: int(mass * unit) for code, mass in exact.items()}, unit


def _multiplier(case: Case, code: str) -> Fraction:
    return case.edition.multipliers.get(code, Fraction(1))


def _share_scale(case: Case) -> int:
    return scale_of(Fraction(share) for share in case.profile.shares.values())


def _denominators(case: Case, masses: Mapping[str, int]) -> list[int]:
    """An upper bound of each group's denominator, whatever becomes not applicable."""
    totals = dict.fromkeys(Group, 0)
    for line in case.lines:
        totals[Group(line.row.indicator_group)] += masses[line.indicator.code]
    shares = max(3, 100 * _share_scale(case))
    return [shares * total for total in totals.values() if total]


def _columns(blocks: Blocks) -> Mapping[str, tuple[str, float]]:
    working: dict[str, tuple[str, float]] = {}
    for n in range(1, blocks.count + 1):
        working[f"digits_{n}"] = (f"余数第{n}段", 11)
        working[f"rest_{n}"] = (f"第{n}段之余", 11)
    return columns(
        code=("指标代码", 9),
        name=("指标名称", 34),
        group=("类别", 13),
        mark=("标准分", 8),
        multiplier=("倍数", 7),
        status=("状态", 9),
        group_share=("类别应得分", 11),
        part=("占本类比重", 11),
        exact=("应得分值", 11),
        added=("补 0.01", 8),
        weight=("分值", 9),
        mass=("标准分×倍数（整数）", 12),
        group_mass=("本类合计", 10),
        group_parts=("本类份额", 9),
        top=("应得分子", 14),
        bottom=("应得分母", 12),
        down=("舍去余数（百分之一分）", 12),
        rest=("余数", 12),
        **working,
        place=("余数名次", 9),
        hundredths=("分值（百分之一分）", 11),
    )


@dataclass(frozen=True)
class _Top:
    """Where the group table stands and where the lines begin."""

    group_row: Mapping[Group, int]
    sum_row: int
    first: int
    last: int


def _write_groups(grid: Grid, row: int, lines: int) -> _Top:
    heads = {
        "group": "类别",
        "mark": "方案份额",
        "multiplier": "适用项数",
        "status": "是否参加",
        "group_share": "重新分配后",
        "mass": "标准分×倍数合计",
        "group_mass": "份额（整数）",
        "group_parts": "有效份额",
    }
    for name, head in heads.items():
        grid.put(row, name, head, look="head", centred=True)
    rows = {group: row + place for place, group in enumerate(Group, 1)}
    sum_row = row + len(rows) + 1
    return _Top(rows, sum_row, first=sum_row + 3, last=sum_row + 2 + lines)


def _fill_groups(grid: Grid, top: _Top, case: Case) -> None:
    rows = list(top.group_row.values())
    codes = (top.first, top.last)
    scale = _share_scale(case)
    for group, row in top.group_row.items():
        grid.put(row, "group", GROUP_ZH[group])
        grid.put(row, "mark", Decimal(plain(Fraction(case.profile.shares.get(group, 0)))))
        same = f"({grid.span('group', *codes)}={grid.at('group', row)})"
        counted = f"({grid.span('mass', *codes)}>0)"
        grid.work(row, "multiplier", f"SUMPRODUCT({same}*{counted})", WHOLE)
        grid.work(row, "status", f'IF({grid.at("mass", row)}>0,"是","否")')
        grid.work(
            row,
            "mass",
            f"SUMIF({grid.span('group', *codes)},{grid.at('group', row)},{grid.span('mass', *codes)})",
            WHOLE,
            "working",
        )
        grid.work(row, "group_mass", f"ROUND({grid.at('mark', row)}*{scale},0)", WHOLE, "working")
        masses = grid.span("mass", rows[0], rows[-1])
        declared = f"SUMPRODUCT(({masses}>0)*{grid.span('group_mass', rows[0], rows[-1])})"
        active = f"IF({declared}=0,1,{grid.at('group_mass', row)})"
        grid.work(row, "group_parts", f"IF({grid.at('mass', row)}>0,{active},0)", WHOLE, "working")
        total = grid.ref("group_parts", top.sum_row)
        grid.work(row, "group_share", f"100*{grid.at('group_parts', row)}/{total}", "0.0000")
    grid.put(top.sum_row, "group", "合计", look="sum")
    for name, form in (
        ("mark", "General"),
        ("multiplier", WHOLE),
        ("group_share", TWO_PLACES),
        ("group_parts", WHOLE),
    ):
        stretch = f"{grid.at(name, rows[0])}:{grid.at(name, rows[-1])}"
        grid.work(top.sum_row, name, f"SUM({stretch})", form, "sum")
    grid.blank(top.sum_row, ("status",), "sum")


def _write_lines(
    grid: Grid, top: _Top, case: Case, statuses: Mapping[str, str], unit: int, blocks: Blocks
) -> dict[str, str]:
    grid.headers(top.first - 1)
    grid.freeze("group", top.first)
    for row, line in enumerate(case.lines, top.first):
        grid.put(row, "code", line.indicator.code)
        grid.put(row, "name", line.indicator.name_zh)
        grid.put(row, "group", GROUP_ZH[Group(line.row.indicator_group)])
        grid.put(row, "mark", Decimal(plain(Fraction(line.indicator.full_mark, 100))))
        grid.put(row, "multiplier", Decimal(plain(_multiplier(case, line.indicator.code))))
        grid.work(row, "status", statuses[line.indicator.code])
        _write_quota(grid, row, top, unit)
        _write_remainder(grid, row, top, blocks)
    _fill_groups(grid, top, case)
    _write_total(grid, top)
    folded = [f"{name}_{n}" for n in range(1, blocks.count + 1) for name in ("digits", "rest")]
    grid.fold(
        "mass", "group_mass", "group_parts", "top", "bottom", "down", "rest", *folded, "place", "hundredths"
    )
    grid.printed("landscape")
    return {
        line.indicator.code: grid.ref("hundredths", row) for row, line in enumerate(case.lines, top.first)
    }


def _write_quota(grid: Grid, row: int, top: _Top, unit: int) -> None:
    """The exact share as a quotient, and what rounding down leaves of it."""
    at = grid.row(row)
    groups = list(top.group_row.values())
    place = f"MATCH({at('group')},{grid.span('group', groups[0], groups[-1])},0)"
    counted = f"IF({at('status')}={_NOT_APPLICABLE},0,ROUND({at('mark')}*{at('multiplier')}*{unit},0))"
    grid.work(row, "mass", counted, WHOLE, "working")
    for name, of_group in (("group_mass", "mass"), ("group_parts", "group_parts")):
        grid.work(row, name, f"INDEX({grid.span(of_group, groups[0], groups[-1])},{place})", WHOLE, "working")
    grid.work(row, "top", f"{WHOLE_POINTS}*{at('group_parts')}*{at('mass')}", WHOLE, "working")
    grid.work(row, "bottom", f"{grid.ref('group_parts', top.sum_row)}*{at('group_mass')}", WHOLE, "working")
    grid.work(row, "down", f"IF({at('bottom')}=0,0,INT({at('top')}/{at('bottom')}))", WHOLE, "working")
    grid.work(row, "rest", f"{at('top')}-{at('down')}*{at('bottom')}", WHOLE, "working")
    share = f"INDEX({grid.span('group_share', groups[0], groups[-1])},{place})"
    grid.work(row, "group_share", share, "0.0000")
    out = _or_not_applicable(at("status"), f"IF({at('group_mass')}=0,0,{at('mass')}/{at('group_mass')})")
    grid.work(row, "part", out, "0.0000%")
    out = _or_not_applicable(at("status"), f"IF({at('bottom')}=0,0,{at('top')}/{at('bottom')}/100)")
    grid.work(row, "exact", out, "0.0000")


_NOT_APPLICABLE = f'"{NOT_APPLICABLE_ZH}"'


def _or_not_applicable(status: str, formula: str) -> str:
    return f'IF({status}={_NOT_APPLICABLE},"—",{formula})'


def _write_remainder(grid: Grid, row: int, top: _Top, blocks: Blocks) -> None:
    """The remainder's digits, its place among all, and the hundredth that it may bring."""
    at = grid.row(row)
    before, step = at("rest"), 10**blocks.digits
    for n in range(1, blocks.count + 1):
        digits = f"IF({at('bottom')}=0,0,INT({before}*{step}/{at('bottom')}))"
        grid.work(row, f"digits_{n}", digits, WHOLE, "working")
        rest = f"{before}*{step}-{at(f'digits_{n}')}*{at('bottom')}"
        grid.work(row, f"rest_{n}", rest, WHOLE, "working")
        before = at(f"rest_{n}")
    ahead = ""
    for n in range(blocks.count, 0, -1):
        span, own = grid.span(f"digits_{n}", top.first, top.last), at(f"digits_{n}")
        ahead = f"({span}>{own})" + (f"+({span}={own})*({ahead})" if ahead else "")
    ties = "0"
    if row > top.first:
        equal = (
            f"({grid.span(f'digits_{n}', top.first, row - 1)}={at(f'digits_{n}')})"
            for n in range(1, blocks.count + 1)
        )
        ties = f"SUMPRODUCT({'*'.join(equal)}*1)"
    grid.work(row, "place", f"1+SUMPRODUCT(({ahead})*1)+{ties}", WHOLE, "working")
    missing = f"{WHOLE_POINTS}-SUM({grid.span('down', top.first, top.last)})"
    added = f"IF(AND({at('mass')}>0,{at('place')}<={missing}),1,0)"
    grid.work(row, "hundredths", f"{at('down')}+{added}", WHOLE, "working")
    grid.work(row, "added", f"({at('hundredths')}-{at('down')})/100", TWO_PLACES)
    grid.work(row, "weight", _or_not_applicable(at("status"), f"{at('hundredths')}/100"), TWO_PLACES)


def _write_total(grid: Grid, top: _Top) -> None:
    row = top.last + 1
    grid.put(row, "code", "合计", look="sum")
    grid.blank(row, ("name", "group", "mark", "multiplier", "status", "group_share", "part", "exact"), "sum")
    grid.work(
        row, "added", f"SUM({grid.at('added', top.first)}:{grid.at('added', top.last)})", TWO_PLACES, "sum"
    )
    total = f"SUM({grid.at('hundredths', top.first)}:{grid.at('hundredths', top.last)})"
    grid.work(row, "weight", f"{total}/100", TWO_PLACES, "sum")
    grid.work(row, "hundredths", total, WHOLE, "working")
