"""Sheet 指标: every line of the result: weight, rate, points."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from openpyxl import Workbook

from fazhi.model.exact import plain
from fazhi.model.terms import GROUP_ZH, Group, LineStatus, ValueType
from fazhi.score.workbook.case import Case, CaseLine
from fazhi.score.workbook.exactness import is_safe
from fazhi.score.workbook.grid import PERCENT, TWO_PLACES, WHOLE, Grid, columns
from fazhi.score.workbook.long_numbers import LongNumbers
from fazhi.score.workbook.rules import Rule, rate_of
from fazhi.score.workbook.values import YearValue
from fazhi.score.workbook.weights import NOT_APPLICABLE_ZH, WHOLE_POINTS
from fazhi.systems.wording import rule_zh

SCORED_ZH = "计分"
_STATUS_ZH = {
    LineStatus.SCORED: SCORED_ZH,
    LineStatus.MISSING: "未报送",
    LineStatus.REJECTED: "退回或待审",
    LineStatus.NOT_APPLICABLE: NOT_APPLICABLE_ZH,
}


class LinesSheet:
    """The sheet in two steps: statuses first, which the weights need; then what the weights give."""

    def __init__(self, book: Workbook, case: Case, values: Mapping[str, YearValue]) -> None:
        """Write identity, value and status of every line."""
        self._case, self._values = case, values
        self.grid = Grid(
            book,
            "指标",
            columns(
                code=("指标代码", 9),
                name=("指标名称", 32),
                group=("类别", 12),
                mark=("标准分", 8),
                value=("全年数值", 12),
                rule=("计分规则", 40),
                status=("状态", 10),
                weight=("分值", 9),
                rate=("得分率", 10),
                points=("得分", 9),
                lost=("失分", 9),
                whole_weight=("分值（百分之一分）", 11),
                falsified=("弄虚作假记零", 9),
                top=("得分率分子", 15),
                bottom=("得分率分母", 15),
                divisor=("最大公因数", 11),
                rate_top=("约分后分子", 13),
                rate_bottom=("约分后分母", 13),
                whole_points=("得分（百分之一分）", 11),
            ),
        )
        row = self.grid.heading(
            "指标：每项指标得多少分",
            "得分＝分值×得分率，四舍五入到 0.01 分。分值见“分值”页，全年数值见“取值”页，规则和依据见“规则”页。",
            "未报送、退回或待审的指标得 0 分；不适用的指标不计分，其分值由其他指标分担。",
        )
        self.first = self.grid.headers(row)
        self.last = self.first + len(case.lines) - 1
        self.grid.freeze("group", self.first)
        self.rows = {line.indicator.code: row for row, line in enumerate(case.lines, self.first)}
        for line in case.lines:
            self._write_identity(line)

    @property
    def statuses(self) -> dict[str, str]:
        """Address of each line's status."""
        return {code: self.grid.ref("status", row) for code, row in self.rows.items()}

    def span(self, name: str) -> str:
        """A column over all lines."""
        return self.grid.span(name, self.first, self.last)

    def _write_identity(self, line: CaseLine) -> None:
        row, grid, code = self.rows[line.indicator.code], self.grid, line.indicator.code
        grid.put(row, "code", code)
        grid.put(row, "name", line.indicator.name_zh)
        grid.put(row, "group", GROUP_ZH[Group(line.row.indicator_group)])
        grid.put(row, "mark", Decimal(plain(Fraction(line.indicator.full_mark, 100))))
        grid.put(row, "rule", rule_zh(line.indicator))
        value = self._values.get(code)
        if value is None:
            grid.put(row, "value", "—", centred=True)
        else:
            grid.work(row, "value", value.shown, value.form)
        live = value is not None and value.is_safe and line.indicator.value_type is ValueType.RATIO
        if value is not None and live:
            status = f'IF({value.denominator}=0,"{NOT_APPLICABLE_ZH}","{SCORED_ZH}")'
            grid.work(row, "status", status)
        else:
            grid.put(row, "status", _STATUS_ZH[line.status], centred=True)

    def fill(
        self,
        weights: Mapping[str, str],
        rules: Mapping[str, Rule],
        scales: Mapping[str, int],
        long_numbers: LongNumbers,
        falsified: str | None,
    ) -> None:
        """Write weights, rates and points.

        Args:
            weights: Address of each line's weight in hundredths.
            rules: Where each line's parameters stand.
            scales: The power of ten of each line's parameters.
            long_numbers: Takes over lines whose numbers doubles do not hold.
            falsified: Formula that counts the approved events which set a line to zero; ``{code}`` stands for
                the address of the line's code. ``None`` when there are none.
        """
        for line in self._case.lines:
            code, row = line.indicator.code, self.rows[line.indicator.code]
            self.grid.work(row, "whole_weight", weights[code], WHOLE, "working")
            zeroed = "0" if falsified is None else falsified.format(code=self.grid.at("code", row))
            self.grid.work(row, "falsified", zeroed, WHOLE, "working")
            value = self._values.get(code)
            if line.status is LineStatus.SCORED and value is not None:
                self._write_rate(row, rules[code], value, scales[code], long_numbers)
            else:
                self._write_fraction(row, "0", "1")
                self._write_points(row)
            self._write_shown(row)
        self._write_sum()
        working = ("whole_weight", "falsified", "top", "bottom", "divisor", "rate_top", "rate_bottom")
        self.grid.fold(*working, "whole_points")
        self.grid.printed("landscape")

    def _write_rate(
        self, row: int, rule: Rule, value: YearValue, scale: int, long_numbers: LongNumbers
    ) -> None:
        rate = rate_of(rule, value, scale)
        if value.is_safe and is_safe(2 * WHOLE_POINTS * rate.largest):
            zeroed = self.grid.at("falsified", row)
            self._write_fraction(row, f"IF({zeroed}>0,0,{rate.numerator})", rate.denominator)
            self._write_points(row)
            return
        weight, zeroed = self.grid.ref("whole_weight", row), self.grid.ref("falsified", row)
        long = long_numbers.write(rule, value, scale, weight, zeroed)
        for name, address in (("rate_top", long.numerator), ("rate_bottom", long.denominator)):
            self.grid.work(row, name, address, look="working")
        self.grid.blank(row, ("top", "bottom", "divisor"), "working")
        self.grid.work(row, "rate", long.shown, PERCENT)
        self.grid.work(row, "whole_points", long.points, WHOLE, "working")

    def _write_fraction(self, row: int, top: str, bottom: str) -> None:
        at = self.grid.at
        self.grid.work(row, "top", top, WHOLE, "working")
        self.grid.work(row, "bottom", bottom, WHOLE, "working")
        self.grid.work(row, "divisor", f"GCD({at('top', row)},{at('bottom', row)})", WHOLE, "working")
        for name, of in (("rate_top", "top"), ("rate_bottom", "bottom")):
            self.grid.work(row, name, f"{at(of, row)}/{at('divisor', row)}", WHOLE, "working")
        shown = f"{at('rate_top', row)}/{at('rate_bottom', row)}"
        self.grid.work(row, "rate", self._unless_left_out(row, shown), PERCENT)

    def _write_points(self, row: int) -> None:
        at = self.grid.at
        product = f"{at('whole_weight', row)}*{at('rate_top', row)}/{at('rate_bottom', row)}"
        self.grid.work(row, "whole_points", f"ROUND({product},0)", WHOLE, "working")

    def _write_shown(self, row: int) -> None:
        at = self.grid.at
        for name, formula in (
            ("weight", f"{at('whole_weight', row)}/100"),
            ("points", f"{at('whole_points', row)}/100"),
            ("lost", f"({at('whole_weight', row)}-{at('whole_points', row)})/100"),
        ):
            self.grid.work(row, name, self._unless_left_out(row, formula), TWO_PLACES)

    def _unless_left_out(self, row: int, formula: str) -> str:
        return f'IF({self.grid.at("status", row)}="{NOT_APPLICABLE_ZH}","—",{formula})'

    def _write_sum(self) -> None:
        row = self.last + 1
        self.grid.put(row, "code", "合计", look="sum")
        self.grid.blank(row, ("name", "group", "mark", "value", "rule", "status", "rate"), "sum")
        for name, of in (("weight", "whole_weight"), ("points", "whole_points")):
            self.grid.work(row, name, f"SUM({self.span(of)})/100", TWO_PLACES, "sum")
        lost = f"(SUM({self.span('whole_weight')})-SUM({self.span('whole_points')}))/100"
        self.grid.work(row, "lost", lost, TWO_PLACES, "sum")
