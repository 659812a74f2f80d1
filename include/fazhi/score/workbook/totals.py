"""Sheets 得分 and 总览: from the lines to R, from R to the component, and all of it on one page."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from openpyxl import Workbook

from fazhi.model.exact import plain
from fazhi.model.terms import GROUP_ZH, Group, Stage
from fazhi.score.workbook.adjustments import Adjustments
from fazhi.score.workbook.case import Case
from fazhi.score.workbook.exactness import scale_of
from fazhi.score.workbook.grid import TWO_PLACES, WHOLE, Grid, Look, columns
from fazhi.score.workbook.lines import LinesSheet
from fazhi.score.workbook.ranking import Place

STAGE_ZH = {Stage.PROVISIONAL: "过程得分", Stage.FINAL: "最终得分"}


@dataclass(frozen=True)
class Totals:
    """Where the figures stand that other sheets show."""

    score: str
    """R in hundredths."""
    shown: dict[str, str]
    """Addresses by name: base, bonus, deduction, score, share, total_points, component."""


def common_points(lines: LinesSheet) -> str:
    """The formula of the COMMON group's points in hundredths, the first tie-break across the quota line."""
    return _group_points(lines, Group.COMMON)


def _group_points(lines: LinesSheet, group: Group) -> str:
    return f'SUMIF({lines.span("group")},"{GROUP_ZH[group]}",{lines.span("whole_points")})'


class _Table:
    """Rows of: what, figure, how it came about, the same in whole numbers."""

    def __init__(self, grid: Grid, row: int) -> None:
        self.grid, self.row = grid, row

    def add(self, what: str, whole: str, how: str, look: Look = "body") -> str:
        """A figure in points, from a formula in hundredths; the address of the hundredths."""
        grid, row = self.grid, self.row
        grid.put(row, "what", what, look="body" if look == "body" else "sum")
        grid.work(row, "whole", whole, WHOLE, "working")
        grid.work(row, "figure", f"{grid.at('whole', row)}/100", TWO_PLACES, look)
        grid.put(row, "how", how)
        self.row += 1
        return grid.ref("whole", row)

    def fact(self, what: str, number: Fraction, how: str) -> tuple[str, int]:
        """A given number; the address of its whole form and its power of ten."""
        grid, row, scale = self.grid, self.row, scale_of([number])
        grid.put(row, "what", what)
        grid.put(row, "figure", Decimal(plain(number)))
        grid.work(row, "whole", f"ROUND({grid.at('figure', row)}*{scale},0)", WHOLE, "working")
        grid.put(row, "how", how)
        self.row += 1
        return grid.ref("whole", row), scale


def write_totals(book: Workbook, case: Case, lines: LinesSheet, adjusted: Adjustments) -> Totals:
    """Write 得分."""
    edition = case.edition
    grid = Grid(
        book,
        "得分",
        columns(
            what=("项目", 34), figure=("分数", 14), how=("怎么算的", 62), whole=("整数核算（百分之一分）", 14)
        ),
    )
    row = grid.heading("得分：由各项指标到总得分，再到计入领导绩效的分数")
    table = _Table(grid, grid.headers(row))
    for group in Group:
        table.add(f"　其中：{GROUP_ZH[group]}", _group_points(lines, group), "“指标”页本类各项得分之和")
    base = table.add("基础分 S", f"SUM({lines.span('whole_points')})", "“指标”页各项得分之和", "sum")
    bonus = table.add("加分 B", adjusted.bonus, "见“加减分”页，已按上限封顶")
    deduction = table.add("扣分 Y", adjusted.deduction, "见“加减分”页")
    before = table.add("S＋B－Y", f"{base}+{bonus}-{deduction}", "未限制上下限之前")
    cap = edition.cap_total
    score = table.add(
        "得分 R",
        f"MAX(0,MIN({cap},{before}))",
        f"S＋B－Y，不低于 0，不高于 {plain(Fraction(cap, 100))}",
        "result",
    )
    table.add("　其中：上下限调整", f"{score}-{before}", "R 与 S＋B－Y 之差；为 0 表示没有触及上下限")
    counted = table.add("折算用的得分", _counted(case, score, adjusted.vetoes), _veto_words(case))
    total, total_scale = table.fact("领导绩效考核总分 T", edition.total_points, "由指标体系规定")
    share, share_scale = table.fact(f"{case.year}年占比 a", case.share, "由指标体系规定，不得低于 0.10")
    component = table.add(
        "计入领导绩效考核的分数 C",
        f"ROUND({total}*{share}*{counted}/{100 * total_scale * share_scale},0)",
        "T×a×折算用的得分÷100，四舍五入到 0.01 分",
        "result",
    )
    grid.fold("whole")
    grid.printed("portrait")
    hundredths = {
        "base": base,
        "bonus": bonus,
        "deduction": deduction,
        "score": score,
        "component": component,
    }
    shown = {name: address.replace("$D$", "$B$") for name, address in hundredths.items()}
    shown |= {"total_points": total.replace("$D$", "$B$"), "share": share.replace("$D$", "$B$")}
    return Totals(score, shown)


def _counted(case: Case, score: str, vetoes: str) -> str:
    choice = case.edition.component_on_veto
    if choice == "zero":
        return f"IF({vetoes}>0,0,{score})"
    return f"IF({vetoes}>0,MIN({choice},{score}),{score})" if isinstance(choice, int) else score


def _veto_words(case: Case) -> str:
    choice = case.edition.component_on_veto
    if choice == "zero":
        return "有一票否决事项的，按 0 折算；没有的，等于 R"
    if isinstance(choice, int):
        return f"有一票否决事项的，最高按 {plain(Fraction(choice, 100))} 折算；没有的，等于 R"
    return "等于 R（一票否决事项只影响等次，不影响折算）"


def write_overview(
    book: Workbook, case: Case, totals: Totals, lines: LinesSheet, place: Place | None
) -> None:
    """Write 总览."""
    head = case.head
    grid = Grid(
        book,
        "总览",
        columns(what=("项目", 30), figure=("结果", 20), how=("怎么来的", 58)),
    )
    row = grid.heading(
        f"{case.year}年法治政府建设考评得分说明",
        f"单位：{head.unit_name}（{head.unit_code}）　　{STAGE_ZH[Stage(head.stage)]}第 {head.version} 版　　"
        f"计算时间：{head.computed_at}",
        "本表的每个结果都是公式。改动“取值”页的数可以看到得分怎样变化；正式得分以系统发布的为准。",
    )
    row = grid.headers(row)
    shown = totals.shown
    for what, figure, form, how, look in (
        (
            "计入领导绩效考核的分数 C",
            shown["component"],
            TWO_PLACES,
            "总分 T×占比 a×得分 R÷100，四舍五入到 0.01 分，见“得分”页",
            "result",
        ),
        ("领导绩效考核总分 T", shown["total_points"], "General", "由指标体系规定", "body"),
        ("占比 a", shown["share"], PERCENT_SHARE, "由指标体系规定，不得低于 10%", "body"),
        (
            "得分 R",
            shown["score"],
            TWO_PLACES,
            "基础分＋加分－扣分，限制在规定的上下限之内，见“得分”页",
            "result",
        ),
        ("基础分 S", shown["base"], TWO_PLACES, "各项指标得分之和，见“指标”页", "body"),
        ("加分 B", shown["bonus"], TWO_PLACES, "见“加减分”页", "body"),
        ("扣分 Y", shown["deduction"], TWO_PLACES, "见“加减分”页", "body"),
    ):
        grid.put(row, "what", what, look="sum" if look == "result" else "body")
        grid.work(row, "figure", figure, form, "result" if look == "result" else "body")
        grid.put(row, "how", how)
        row += 1
    row = _write_place(grid, row, place)
    row = _write_counts(grid, row, lines)
    row = _write_losses(grid, row + 1, lines, min(5, len(case.lines)))
    _write_guide(grid, row + 1)
    grid.printed("portrait")


PERCENT_SHARE = "0.00##%"


def _write_place(grid: Grid, row: int, place: Place | None) -> int:
    if place is None:
        grid.put(row, "what", "名次、等次")
        grid.put(row, "figure", "暂无", centred=True)
        grid.put(row, "how", "过程得分不排名次、不评等次，最终得分才有")
        return row + 1
    for what, figure, how in (
        ("名次", place.rank, "同级同类单位按得分从高到低排列，见“名次”页"),
        ("参加排名的单位数", place.units, "见“名次”页"),
        ("等次", place.grade, "按分数线、一票否决和最高等次名额确定，见“名次”页"),
    ):
        grid.put(row, "what", what)
        grid.work(row, "figure", figure, "General", "sum")
        grid.put(row, "how", how)
        row += 1
    return row


def _write_counts(grid: Grid, row: int, lines: LinesSheet) -> int:
    for what, status, how in (
        ("计分的指标", "计分", "有采用的数值，按规则计分"),
        ("不适用的指标", "不适用", "不计分，分值由其他指标分担"),
        ("未报送的指标", "未报送", "得 0 分；过程得分中也包括尚未到期的"),
        ("退回或待审的指标", "退回或待审", "得 0 分，更正或审定后重新计分"),
    ):
        grid.put(row, "what", what)
        grid.work(row, "figure", f'COUNTIF({lines.span("status")},"{status}")', '0" 项"')
        grid.put(row, "how", how)
        row += 1
    return row


def _write_losses(grid: Grid, row: int, lines: LinesSheet, count: int) -> int:
    """The lines that lost most; of equal losses the one further up comes first."""
    grid.put(row, "what", "失分最多的指标", look="head", centred=True)
    grid.put(row, "figure", "失分", look="head", centred=True)
    grid.put(row, "how", "名称和状态", look="head", centred=True)
    whole = f"({lines.span('whole_weight')}-{lines.span('whole_points')})"
    key = f"({whole}*1000+{lines.last + 1}-ROW({lines.span('code')}))"
    for place in range(1, count + 1):
        row += 1
        nth = f"SUMPRODUCT(LARGE({key},{place}))"
        at = f"({lines.last + 2 - lines.first}-MOD({nth},1000))"
        grid.work(row, "what", f"INDEX({lines.span('code')},{at})")
        grid.work(row, "figure", f"INT({nth}/1000)/100", TWO_PLACES)
        named = f"INDEX({lines.span('name')},{at})"
        grid.work(row, "how", f'{named}&"（"&INDEX({lines.span("status")},{at})&"）"')
    return row + 1


def _write_guide(grid: Grid, row: int) -> None:
    for text in (
        "怎样看本表：总览→得分→指标→分值、取值、规则→来源，一页比一页细。灰底或红字是算出来的结果。",
        "各页左上方或列号上方的加号“＋”可展开整数核算列。点任一单元格，编辑栏里就是它的算法。",
        "取值的每一行都注明“来源”页的序号，来源写明报送编号、文件摘要（SHA-256）、工作表和单元格。",
    ):
        grid.note(row, text)
        row += 1
