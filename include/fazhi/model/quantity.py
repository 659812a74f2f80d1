"""Quantities as departments write them. In: a cell's text, its column's unit. Out: a number or an interval.

``1,234``, ``１２３４``, ``98.9%``, ``三千``, ``2.9万`` and ``3018.18万元`` are exact and are read, each
rewriting named; ``3万余件`` is an interval; ``1+9``, ``2.0版`` or ``第二批`` are no quantities
(submission-workbook.md, BRIEF 2.1). Scale, unit and zero are never guessed: what could be read in two ways is
not read.
"""

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cached_property, lru_cache

import cn2an

from fazhi.model.exact import plain, round_half_up, scaled

MAX_LENGTH = 64
MAX_PLACES = 6

_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2212: "-", 0xFE63: "-", 0x2013: "-"}
_BLANKS = re.compile(r"[\s\u200b\u200c\u200d\u2060\ufeff]+")
_BLANK_AS_SEPARATOR = re.compile(rf"(?<=[0-9]){_BLANKS.pattern}(?=[0-9]{{3}}(?![0-9]))")
_BLANK_BETWEEN_DIGITS = re.compile(rf"[0-9]{_BLANKS.pattern}[0-9]")
_PLAIN = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")
_NA_TOKENS = frozenset(
    [
        "/",
        "//",
        "\\",
        "-",
        "--",
        "—",
        "——",
        "―",
        "─",
        "无",
        "暂无",
        "没有",
        "空",
        "空白",
        "无数据",
        "无此项",
        "无此类事项",
        "未发生",
        "未开展",
        "未涉及",
        "不涉及",
        "不适用",
        "N/A",
        "NA",
        "NULL",
        "NONE",
        "NIL",
        "#",
        "*",
    ]
)
_SCIENTIFIC = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+")
_CALENDAR_YEAR = re.compile(r"(?:19|20)[0-9]{2}年(?:度)?")
_HOTLINES = frozenset(["12345", "12315"])
_SCALES = {
    "": 1,
    "百": 10**2,
    "千": 10**3,
    "万": 10**4,
    "十万": 10**5,
    "百万": 10**6,
    "千万": 10**7,
    "亿": 10**8,
    "十亿": 10**9,
    "百亿": 10**10,
    "千亿": 10**11,
    "万亿": 10**12,
}
# fmt: off
_UNITS = [
    "人次", "件次", "场次", "家次", "户次", "批次", "工作日", "分钟", "大类", "小时", "项", "个", "场",
    "件", "条", "支", "人", "名", "份", "家", "卷", "户", "部", "次", "套", "倍", "期", "起", "类",
    "篇", "张", "处", "所", "辆", "宗", "元", "分", "天", "年", "轮", "证", "省", "市", "米", "章",
    "例", "座", "间", "台", "本", "册", "幅", "片", "站", "点", "村", "位", "对", "组",
]
# fmt: on
_ORDINAL_UNITS = frozenset(["版", "届", "批", "强", "小时", "名称", "code", "日期"])
_UNIT_ALIASES = {"圆": "元", "人民币": "元", "块": "元"}
_CN = "〇零一二两三四五六七八九十百千万亿点壹贰叁肆伍陆柒捌玖拾佰仟"
_CN_DIGITS = frozenset("〇零一二两三四五六七八九壹贰叁肆伍陆柒捌玖")
_SAYS_NOTHING = frozenset(["达到", "达", "共计", "合计", "共"])
_STATES_SCOPE = frozenset(["累计", "新增", "同比增长", "增长", "同比下降", "下降"])
_BELOW = frozenset(["近", "将近", "不足", "不到"])
_ABOVE = frozenset(["超过", "超", "逾"])
_AT_LEAST = frozenset(["至少", "不少于", "不低于", "以上"])
_AT_MOST = frozenset(["至多", "不超过", "以下", "以内"])
_ABOUT = frozenset(["约", "大约", "左右", "上下", "许"])
_OPENINGS = (
    _SAYS_NOTHING
    | _STATES_SCOPE
    | _BELOW
    | _ABOVE
    | _ABOUT
    | (_AT_LEAST | _AT_MOST) - {"以上", "以下", "以内"}
)
_NEGATIVE_IN_WORDS = re.compile(r"负\s?[0-9]")
_OF_ACCOUNTS = re.compile(
    r"\([^0-9()]{0,3}([0-9][0-9,.]*%?)[^0-9()]{0,3}\)|[▲△▼▽]([0-9][0-9,.]*%?)|([0-9][0-9,.]*%?)-"
)
"""Negative numbers as accounts write them: ``(3)``, ``△3``, ``3-``."""

_MIXED = re.compile(rf"负?(?=[^0-9]*[0-9])[0-9{_CN}]*[{_CN}][0-9{_CN}]*[件个项人次份家户场名元条篇部]?")
"""Digits and numerals side by side (``3百二十``); a scale word alone after digits is read before."""
_VAGUE = re.compile(rf"(?:若干|许多|大量|多|上[百千万亿]+|[{_CN}]*[几数][{_CN}]*)(?:[余多])?[^0-9]{{0,4}}")


class Bound(StrEnum):
    """How a number bounds the quantity it stands for."""

    EXACT = "eq"
    ABOVE = "gt"
    AT_LEAST = "ge"
    BELOW = "lt"
    AT_MOST = "le"
    ABOUT = "about"


@dataclass(frozen=True)
class Problem:
    """Why a text is no exact quantity: the rule kind, which case of it, the reason in both languages."""

    rule: str
    reason_zh: str
    reason_en: str = ""
    case: str = ""


@dataclass(frozen=True)
class Quantity:
    """What was read from one cell.

    ``exact`` is in the column's unit (per cent in a % column), ``None`` when there is a problem. ``low`` and
    ``high`` bound a fuzzy quantity (``None`` = open). ``rewrites`` names the rule kinds of everything
    rewritten. ``half_unit`` is half a unit of the last digit written, in the column's unit: what an exact but
    scaled number (``12.6万``) leaves open. ``words`` are the words before it that say what it counts
    (``累计``).
    """

    text: str
    exact: Fraction | None = None
    bound: Bound | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    half_unit: Fraction = Fraction(0)
    percent: bool = False
    rewrites: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    words: tuple[str, ...] = ()

    @cached_property
    def stored(self) -> tuple[str, int] | None:
        """The exact number as plain text and in units of 10⁻⁶, ``None`` when there is none or it is too large."""
        if self.exact is None:
            return None
        text = plain(self.exact)
        try:
            return text, scaled(text)
        except ValueError:
            return None

    @property
    def is_fuzzy(self) -> bool:
        """Whether it is a quantity, but not an exact one."""
        return any(problem.rule == "FUZZY_NUMBER" for problem in self.problems)


@dataclass(frozen=True)
class _Number:
    """A number as written: its value, half a unit of its last digit, and the step that 余 leaves open."""

    value: Fraction
    half_unit: Fraction
    step: Fraction
    rewrites: tuple[str, ...]


@dataclass(frozen=True)
class _Grammar:
    """The pattern of one column and what its unit means."""

    pattern: re.Pattern[str]
    scale: int
    unit: str


def is_placeholder(text: str) -> bool:
    """Whether a text only marks that nothing is stated (``/``, ``无``, ``—``)."""
    return _is_token(_BLANKS.sub("", text.translate(_FULLWIDTH)))


def _is_token(folded: str) -> bool:
    return folded.upper().strip("()") in _NA_TOKENS


@lru_cache(maxsize=65_536)
def read_quantity(
    text: str, column_unit: str = "", *, typed_number: bool = False, max_places: int = MAX_PLACES
) -> Quantity:
    """Read the quantity that a cell states.

    Args:
        text: The cell's text, not blank.
        column_unit: The unit of its column (``件``, ``万元``, ``%``); empty when any counting unit may stand
            there.
        typed_number: The cell is of a numeric type, so that ``12345`` is a number and not the hotline's name.
        max_places: Decimal places kept; more are rounded half up and noted as ``FLOAT_NOISE``.

    Returns:
        The quantity; ``problems`` says why it cannot be used as an exact number.
    """
    if _PLAIN.fullmatch(text) and not (text in _HOTLINES and not typed_number):
        number = _ascii_number(text)
        return _rounded(
            Quantity(text, number.value, Bound.EXACT, number.value, number.value, number.half_unit),
            max_places,
        )
    folded, rewrites = _fold(text)
    problem = _never_a_quantity(folded, typed_number)
    if problem is not None:
        return Quantity(text, problems=(problem,))
    grammar = _grammar(column_unit)
    match = grammar.pattern.fullmatch(_percent_in_words(folded))
    if match is None:
        if _VAGUE.fullmatch(folded):
            vague = Problem("FUZZY_NUMBER", f"“{text}”没有写明数量", "it states no definite quantity")
            return Quantity(text, problems=(vague,))
        return Quantity(text, problems=(_not_a_number(text, folded),))
    return _rounded(_interpret(text, match, grammar, rewrites), max_places)


def _fold(text: str) -> tuple[str, list[str]]:
    """Full-width characters made half-width and blanks removed, with the rule kinds of what changed."""
    rewrites = []
    folded = text.translate(_FULLWIDTH).replace("\u3000", " ")
    if folded != text.replace("\u3000", " "):
        rewrites.append("FULLWIDTH")
    if _NEGATIVE_IN_WORDS.match(folded.strip()):
        folded = folded.strip().replace("负", "-", 1)
        rewrites.append("CN_NUMERAL")
    grouped = _BLANK_AS_SEPARATOR.sub(",", folded.strip())
    squeezed = grouped if _BLANK_BETWEEN_DIGITS.search(grouped) else _BLANKS.sub("", grouped)
    if squeezed != grouped:
        rewrites.append("SEPARATOR")
    return squeezed, rewrites


def _never_a_quantity(folded: str, typed_number: bool) -> Problem | None:
    if _is_token(folded):
        return Problem(
            "NA_TOKEN",
            "有职责而没有发生的填0，没有这项职责的在“不适用”栏说明",
            "write 0 if nothing happened; mark the row not applicable if there is no such duty",
        )
    if len(folded) > MAX_LENGTH:
        return Problem("VALUE_TYPE", "文字过长，不是数字", "the text is too long to be a number")
    if _SCIENTIFIC.fullmatch(folded):
        return Problem(
            "SCI_NOTATION_ID",
            f"“{folded}”是科学计数法，原来的各位数字可能已经丢失",
            "scientific notation; digits of the original may be lost",
        )
    if _CALENDAR_YEAR.fullmatch(folded):
        return Problem("VALUE_TYPE", f"“{folded}”是年份，不是数量", "a calendar year is no quantity")
    if folded in _HOTLINES and not typed_number:
        return Problem(
            "VALUE_TYPE",
            f"“{folded}”与热线号码相同，不能认定为数量；确为数量的请写作{int(folded):,}或加上计量单位",
            f"the same digits as a hotline's name; write {int(folded):,} if a quantity is meant",
        )
    return None


def _percent_in_words(folded: str) -> str:
    """``百分之九十八`` as ``九十八%``."""
    return f"{folded[3:]}%" if folded.startswith("百分之") else folded


@lru_cache(maxsize=256)
def _grammar(column_unit: str) -> _Grammar:
    scale, unit = _split_unit(column_unit)
    units = sorted({*_UNITS, *_UNIT_ALIASES, unit} - _ORDINAL_UNITS - {""}, key=len, reverse=True)
    words = "|".join(sorted(_OPENINGS, key=len, reverse=True))
    scales = "|".join(sorted((s for s in _SCALES if s), key=len, reverse=True))
    pattern = re.compile(
        rf"(?P<openings>(?:{words})*)"
        rf"(?:(?P<ascii>[+-]?(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+)(?:\.[0-9]+)?)|(?P<chinese>负?[{_CN}]+))"
        rf"(?P<scale>{scales})?(?P<more>有余|余|多|来)?(?P<scale_after>{scales})?"
        rf"(?P<unit>%|{'|'.join(map(re.escape, units))})?"
        r"(?P<closing>有余|余|多|以上|以下|以内|左右|上下|许)?"
    )
    return _Grammar(pattern, scale, unit)


def _split_unit(column_unit: str) -> tuple[int, str]:
    """``万元`` as (10000, ``元``)."""
    for scale in sorted(_SCALES, key=len, reverse=True):
        rest = column_unit.removeprefix(scale)
        if scale and rest != column_unit and rest:
            return _SCALES[scale], rest
    return 1, column_unit


def _interpret(text: str, match: re.Match[str], grammar: _Grammar, rewrites: list[str]) -> Quantity:
    if match["scale"] and match["scale_after"]:
        double = Problem("VALUE_TYPE", f"“{text}”有两个数量级，不能读作数字", "it has two scale words")
        return Quantity(text, problems=(double,))
    number = _ascii_number(match["ascii"]) if match["ascii"] else _chinese_number(match["chinese"])
    if number is None:
        return Quantity(text, problems=(_bad_numeral(text),))
    scale = match["scale"] or match["scale_after"] or ""
    unit = _UNIT_ALIASES.get(match["unit"] or "", match["unit"] or "")
    factor = _factor(scale, unit, grammar)
    if isinstance(factor, Problem):
        return Quantity(text, problems=(factor,))
    openings = _split_openings(match["openings"])
    if "下降" in "".join(openings):
        number = replace(number, value=-number.value)
    noted = [*rewrites, *number.rewrites]
    if scale or openings or unit not in ("", "%"):
        noted.append("UNIT_IN_CELL")
    read = Quantity(
        text,
        percent=unit == "%",
        rewrites=tuple(dict.fromkeys(noted)),
        half_unit=number.half_unit * factor,
        words=tuple(word for word in openings if word in _STATES_SCOPE),
    )
    marks = [*(word for word in openings if word not in _SAYS_NOTHING | _STATES_SCOPE)]
    marks += [mark for mark in (match["more"], match["closing"]) if mark]
    if not marks:
        value = number.value * factor
        return replace(read, exact=value, bound=Bound.EXACT, low=value, high=value)
    return _fuzzy(read, marks, number, factor, scaled=bool(scale))


def _factor(scale: str, unit: str, grammar: _Grammar) -> Fraction | Problem:
    """What the written number is multiplied by to be in the column's unit."""
    column = (grammar.unit, grammar.scale)
    if unit == "":
        if scale and grammar.scale != 1:
            return Problem(
                "UNIT_IN_CELL",
                f"本栏单位已含数量级，又写了“{scale}”，不能确定是哪一种",
                "the column's unit has a scale already; which one is meant cannot be told",
                "other_unit",
            )
        if scale and grammar.unit == "%":
            return Problem(
                "UNIT_IN_CELL",
                f"百分比栏不能写“{scale}”",
                "a scale word has no meaning in a per cent column",
                "other_unit",
            )
        return Fraction(_SCALES[scale])
    if grammar.unit == "" and unit not in ("%", "元"):
        return Fraction(_SCALES[scale])
    if unit != column[0]:
        wanted = grammar.unit or "件数等数量"
        return Problem(
            "UNIT_IN_CELL",
            f"所写单位“{scale}{unit}”与本栏单位“{_unit_name(grammar) or wanted}”不一致",
            "the unit written is not the unit of the column",
            "other_unit",
        )
    return Fraction(_SCALES[scale], grammar.scale)


def _not_a_number(text: str, folded: str) -> Problem:
    negative = _OF_ACCOUNTS.fullmatch(folded)
    if negative is not None:
        digits = next(filter(None, negative.groups()))
        return Problem(
            "VALUE_TYPE",
            f"看不出“{text}”是不是负数，系统不作推测，不是负数的请写成 {digits}，"
            f"负数请写成 -{digits}（件数、人数、金额不能是负数）",
            f"it may be negative or not; write {digits}, or -{digits} where a figure can be negative",
        )
    if _MIXED.fullmatch(folded):
        return _bad_numeral(text)
    return Problem("VALUE_TYPE", f"“{text}”不能读作数字", "it cannot be read as a number")


def _bad_numeral(text: str) -> Problem:
    """A Chinese numeral that is not well formed, or mixed with digits: which number is meant is not guessed."""
    return Problem(
        "CN_NUMERAL",
        f"“{text}”不是规范的中文数字，或者与阿拉伯数字混写",
        "not a well-formed Chinese numeral, or one mixed with digits",
        "malformed",
    )


def _unit_name(grammar: _Grammar) -> str:
    scale = next(name for name, factor in _SCALES.items() if factor == grammar.scale)
    return f"{scale}{grammar.unit}"


def _ascii_number(digits: str) -> _Number:
    plain = digits.replace(",", "")
    whole, _, decimals = plain.lstrip("+-").partition(".")
    zeros = 0 if decimals else len(whole) - len(whole.rstrip("0")) if whole.strip("0") else 0
    last = Fraction(1, 10 ** len(decimals))
    return _Number(Fraction(plain), last / 2, last * 10**zeros, ("SEPARATOR",) if "," in digits else ())


def _chinese_number(numeral: str) -> _Number | None:
    """A Chinese numeral; ``None`` for one that is not well formed (``三五``, ``一百二``)."""
    negative, numeral = numeral.startswith("负"), numeral.removeprefix("负")
    if len(numeral) > 1 and set(numeral) <= _CN_DIGITS:
        return None
    strict = numeral.replace("〇", "零").replace("两", "二")
    strict = strict if strict[0] in "点零一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾" else f"一{strict}"
    try:
        read = cn2an.cn2an(strict, "strict")
    except ValueError:
        return None
    value = Fraction(repr(read) if isinstance(read, float) else read)
    number = _ascii_number(str(int(value))) if value.denominator == 1 else _ascii_number(repr(float(value)))
    return replace(number, value=-value if negative else value, rewrites=("CN_NUMERAL",))


def _split_openings(openings: str) -> list[str]:
    words = sorted(_OPENINGS, key=len, reverse=True)
    found = []
    while openings:
        word = next(word for word in words if openings.startswith(word))
        found.append(word)
        openings = openings[len(word) :]
    return found


def _fuzzy(read: Quantity, marks: list[str], number: _Number, factor: Fraction, *, scaled: bool) -> Quantity:
    """An interval. 余 and 多 reach to the next step of the digits: ``780多万`` lies in 780万 … 790万."""
    value, step = number.value * factor, number.step * factor
    more = any(mark in ("余", "多", "有余", "来") for mark in marks)
    bound, low, high = _interval(marks, value, step, more)
    problems = [Problem("FUZZY_NUMBER", f"“{read.text}”是约数", "the figure is approximate")]
    if more and not scaled and number.step <= 1:
        problems.append(
            Problem(
                "FUZZY_MALFORMED",
                f"“{read.text}”在非整十的数后用了“余”或“多”",
                "the number is exact to the unit, so that 'more than' cannot follow it",
            )
        )
    elif (more and set(marks) & (_BELOW | _ABOUT)) or sum(mark in _ABOUT for mark in marks) > 1:
        problems.append(
            Problem(
                "FUZZY_MALFORMED",
                f"“{read.text}”里几处约数的说法互相矛盾或者重复",
                "its words of approximation contradict or repeat one another",
            )
        )
    return replace(read, bound=bound, low=low, high=high, rewrites=(), problems=tuple(problems))


def _interval(
    marks: list[str], value: Fraction, step: Fraction, more: bool
) -> tuple[Bound, Fraction | None, Fraction | None]:
    if more:
        return Bound.ABOVE, value, value + step
    said = set(marks)
    if said & _ABOUT:
        return Bound.ABOUT, value - step, value + step
    if said & {"近", "将近"}:
        return Bound.BELOW, value - step, value
    if said & _BELOW:
        return Bound.BELOW, None, value
    if said & _AT_MOST:
        return Bound.AT_MOST, None, value
    return (Bound.ABOVE if said & _ABOVE else Bound.AT_LEAST), value, None


def _rounded(read: Quantity, places: int) -> Quantity:
    """Decimals beyond ``places`` are the noise of a calculation: rounded half up, and noted."""
    if read.exact is None or (read.exact * 10**places).denominator == 1:
        return read
    exact = Fraction(round_half_up(read.exact, places))
    half_unit = max(read.half_unit, Fraction(1, 2 * 10**places))
    return replace(
        read,
        exact=exact,
        low=exact,
        high=exact,
        half_unit=half_unit,
        rewrites=(*read.rewrites, "FLOAT_NOISE"),
    )
