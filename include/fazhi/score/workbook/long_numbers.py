"""Sheet 大数核算: lines whose numbers are longer than doubles hold, computed in blocks of four digits.

Every long number is a row of blocks (万 by 万); each step multiplies blocks by small whole numbers and passes
the carry on, as on paper. Points are first estimated by an ordinary division and then checked exactly: the
estimate k is right when 0 ≤ 2·w·P + Q - 2·k·Q < 2·Q, and otherwise off by one (the estimate's own error is
far below 1).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from openpyxl import Workbook

from fazhi.model.errors import UsageError
from fazhi.model.terms import Aggregation, RatioKind, RuleType
from fazhi.score.workbook.exactness import is_safe
from fazhi.score.workbook.grid import WHOLE, Grid
from fazhi.score.workbook.rules import Rule, rate_of
from fazhi.score.workbook.values import YearValue
from fazhi.score.workbook.weights import WHOLE_POINTS

BASE = 10**4
_WIDTH = 4
_MOST_PERIODS = 1000


@dataclass(frozen=True)
class LongLine:
    """Where a long line's results stand."""

    numerator: str
    denominator: str
    shown: str
    points: str


@dataclass(frozen=True)
class _Vector:
    """A number as a row of blocks; ``negative`` is a cell that holds 1 when it lies below zero."""

    row: int
    negative: str = "0"


class LongNumbers:
    """The sheet, made only when a line needs it."""

    def __init__(self, book: Workbook, blocks: int) -> None:
        """Remember where to write.

        Args:
            book: The workbook.
            blocks: How many blocks the longest number of the workbook takes.
        """
        self._book, self._blocks = book, blocks
        self._grid: Grid | None = None
        self._row = 0

    def write(self, rule: Rule, value: YearValue, scale: int, weight: str, zeroed: str) -> LongLine:
        """Write one line's computation.

        Args:
            rule: Where its parameters stand.
            value: The year's value, periods included.
            scale: The power of ten that made the parameters whole.
            weight: Address of its weight in hundredths.
            zeroed: Address of the count of events that set it to zero.

        Raises:
            UsageError: A maximum over numbers of this length is not offered.
        """
        indicator = rule.indicator
        if indicator.aggregation is Aggregation.MAX:
            raise UsageError(
                f"指标 {indicator.code} 的数值过长，表格软件无法精确取最大值；请用 fazhi export 核对"
            )
        if not is_safe(2 * _MOST_PERIODS * BASE * max([scale, *map(abs, rule.numbers)])):
            raise UsageError(f"指标 {indicator.code} 的规则参数小数位数过多，表格软件无法精确复算")
        grid = self._sheet()
        self._row += 1
        grid.put(self._row, "what", f"{indicator.code} {indicator.name_zh}", look="head")
        self._row += 1
        above, below = self._year(value)
        if indicator.ratio_kind is RatioKind.GROWTH:
            above = self._combine("本年减上年", [("1", above), ("-1", below)])
        if indicator.rule_type is RuleType.BANDS:
            return self._bands(rule, above, below, weight, zeroed)
        top, bottom = _FRACTIONS[indicator.rule_type](self, rule, above, below)
        return self._points(top, bottom, weight, zeroed)

    def _sheet(self) -> Grid:
        if self._grid is None:
            blocks = {f"b{n}": (f"第{n + 1}段", 13.0) for n in reversed(range(self._blocks))}
            self._grid = Grid(
                self._book, "大数核算", {"what": ("步骤", 30), "mark": ("判断或结果", 13), **blocks}
            )
            row = self._grid.heading(
                "大数核算：表格软件装不下的长数，每四位一段分开计算",
                "每一步先逐段相乘，再像笔算一样进位；“判断或结果”为 1 表示该数小于零。",
                "得分先用普通除法估出，再用各段整数核对，差一则改。",
            )
            self._row = self._grid.headers(row) - 1
            self._grid.printed("landscape")
        return self._grid

    def _block(self, vector: _Vector, n: int) -> str:
        return self._sheet().at(f"b{n}", vector.row)

    def _fact(self, what: str, number: int) -> _Vector:
        grid = self._sheet()
        grid.put(self._row, "what", what)
        sign = -1 if number < 0 else 1
        rest = abs(number)
        for n in range(self._blocks):
            rest, block = divmod(rest, BASE)
            grid.put(self._row, f"b{n}", sign * block, WHOLE)
        self._row += 1
        return _Vector(self._row - 1)

    def _year(self, value: YearValue) -> tuple[_Vector, _Vector]:
        aboves = [self._fact(f"第{n}个数，分子×{value.scale}", a) for n, (a, _) in enumerate(value.parts, 1)]
        belows = [self._fact(f"第{n}个数，分母×{value.scale}", b) for n, (_, b) in enumerate(value.parts, 1)]
        above = self._combine("全年分子", [("1", vector) for vector in aboves])
        below_terms = belows if _is_fraction(value) else belows[:1]
        return above, self._combine("全年分母", [("1", vector) for vector in below_terms])

    def _combine(self, what: str, terms: Sequence[tuple[str, _Vector]]) -> _Vector:
        """Σ factor · vector, carried: three rows, of which the last is the number."""
        grid, raw = self._sheet(), self._row
        grid.put(raw, "what", f"{what}：逐段相乘", look="working")
        grid.put(raw + 1, "what", f"{what}：进位", look="working")
        grid.put(raw + 2, "what", what)
        for n in range(self._blocks):
            products = (
                self._block(vector, n) if factor == "1" else f"({factor})*{self._block(vector, n)}"
                for factor, vector in terms
            )
            name = f"b{n}"
            grid.work(raw, name, "+".join(products), WHOLE, "working")
            carried = grid.at(name, raw) + (f"+{grid.at(f'b{n - 1}', raw + 1)}" if n else "")
            grid.work(raw + 1, name, f"INT(({carried})/{BASE})", WHOLE, "working")
            grid.work(raw + 2, name, f"{carried}-{BASE}*{grid.at(name, raw + 1)}", WHOLE)
        last = grid.at(f"b{self._blocks - 1}", raw + 1)
        grid.work(raw + 2, "mark", f"IF({last}<0,1,0)", WHOLE)
        self._row = raw + 3
        return _Vector(raw + 2, grid.ref("mark", raw + 2))

    def _choose(self, what: str, condition: str, yes: _Vector, no: _Vector) -> _Vector:
        grid = self._sheet()
        grid.put(self._row, "what", what)
        for n in range(self._blocks):
            formula = f"IF({condition},{self._block(yes, n)},{self._block(no, n)})"
            grid.work(self._row, f"b{n}", formula, WHOLE)
        grid.work(self._row, "mark", f"IF({condition},{yes.negative},{no.negative})", WHOLE)
        self._row += 1
        return _Vector(self._row - 1, grid.ref("mark", self._row - 1))

    def linear(self, rule: Rule, above: _Vector, below: _Vector) -> tuple[_Vector, _Vector]:
        """P and Q of ``linear``."""
        floor, target = rule.whole
        top = self._combine("得分率分子", [(rule.scale, above), (f"-{floor}", below)])
        return top, self._combine("得分率分母", [(f"{target}-{floor}", below)])

    def linear_inverse(self, rule: Rule, above: _Vector, below: _Vector) -> tuple[_Vector, _Vector]:
        """P and Q of ``linear_inverse``."""
        best, worst = rule.whole
        top = self._combine("得分率分子", [(worst, below), (f"-{rule.scale}", above)])
        return top, self._combine("得分率分母", [(f"{worst}-{best}", below)])

    def per_occurrence(self, rule: Rule, above: _Vector, below: _Vector) -> tuple[_Vector, _Vector]:
        """P and Q of ``per_occurrence``."""
        each, floor, mark = rule.whole
        left = self._combine("扣减之后", [(mark, below), (f"-{each}", above)])
        least = self._combine("保底", [(floor, below)])
        short = self._combine("扣减之后减保底", [("1", left), ("-1", least)])
        top = self._choose("得分率分子", f"{short.negative}=1", least, left)
        return top, self._combine("得分率分母", [(mark, below)])

    def _bands(self, rule: Rule, above: _Vector, below: _Vector, weight: str, zeroed: str) -> LongLine:
        rate = rule.whole[0]
        for number, (low, band) in enumerate(zip(rule.whole[1::2], rule.whole[2::2], strict=True), 2):
            test = self._combine(f"数值减第{number}档起点", [(rule.scale, above), (f"-{low}", below)])
            rate = f"IF({test.negative}=0,{band},{rate})"
        rate = f"IF({zeroed}>0,0,{rate})"
        top, bottom = self._result("得分率分子", rate), self._result("得分率分母", rule.scale)
        divisor = self._result("最大公因数", f"GCD({top},{bottom})")
        numerator = self._result("约分后分子", f"{top}/{divisor}")
        denominator = self._result("约分后分母", f"{bottom}/{divisor}")
        points = self._result("得分（百分之一分）", f"ROUND({weight}*{numerator}/{denominator},0)")
        return LongLine(numerator, denominator, f"{numerator}/{denominator}", points)

    def _points(self, top: _Vector, bottom: _Vector, weight: str, zeroed: str) -> LongLine:
        short = self._combine("分母减分子", [("1", bottom), ("-1", top)])
        full = self._choose("分子不超过分母", f"{short.negative}=1", bottom, top)
        none = self._fact("零", 0)
        clamped = self._choose("分子不小于零", f"OR({zeroed}>0,{full.negative}=1)", none, full)
        about_top, about_bottom = self._about("分子约为", clamped), self._about("分母约为", bottom)
        guess = self._result("估计得分（百分之一分）", f"ROUND({weight}*{about_top}/{about_bottom},0)")
        rest = self._combine("核对：2wP+Q-2kQ", [(f"2*{weight}", clamped), (f"1-2*{guess}", bottom)])
        beyond = self._combine("核对：再减2Q", [("1", rest), ("-2", bottom)])
        more = f"IF(AND({rest.negative}=0,{beyond.negative}=0),1,0)"
        points = self._result("得分（百分之一分）", f"{guess}-{rest.negative}+{more}")
        return LongLine(
            self._written("得分率分子（全部数字）", clamped),
            self._written("得分率分母（全部数字）", bottom),
            f"{about_top}/{about_bottom}",
            points,
        )

    def _about(self, what: str, vector: _Vector) -> str:
        terms = (f"{self._block(vector, n)}*{BASE**n}" for n in range(self._blocks))
        return self._result(what, "+".join(terms))

    def _written(self, what: str, vector: _Vector) -> str:
        zeros = "0" * _WIDTH
        digits = (f'TEXT({self._block(vector, n)},"{zeros}")' for n in reversed(range(self._blocks)))
        return self._result(what, "&".join(digits))

    def _result(self, what: str, formula: str) -> str:
        grid = self._sheet()
        grid.put(self._row, "what", what, look="sum")
        grid.work(self._row, "mark", formula, look="sum")
        self._row += 1
        return grid.ref("mark", self._row - 1)


def _is_fraction(value: YearValue) -> bool:
    """Whether the denominators add up: of a plain number every period's denominator is the same power of ten."""
    return not value.is_plain_number


def blocks_needed(
    rules: Mapping[str, Rule], values: Mapping[str, YearValue], scales: Mapping[str, int]
) -> int:
    """How many blocks the longest number of any line takes, intermediate steps included."""
    largest = max(
        (rate_of(rules[code], value, scales[code]).largest for code, value in values.items()), default=1
    )
    return -(-len(str(8 * WHOLE_POINTS * largest)) // _WIDTH)


_Fraction = Callable[[LongNumbers, Rule, _Vector, _Vector], tuple[_Vector, _Vector]]
_FRACTIONS: Mapping[RuleType, _Fraction] = {
    RuleType.LINEAR: LongNumbers.linear,
    RuleType.LINEAR_INVERSE: LongNumbers.linear_inverse,
    RuleType.PER_OCCURRENCE: LongNumbers.per_occurrence,
}
