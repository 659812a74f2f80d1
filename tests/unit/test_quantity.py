"""The forms of the contract, of BRIEF 2.1 and of the published figures."""

import csv
from fractions import Fraction
from pathlib import Path

import pytest

from fazhi.model.quantity import Bound, is_placeholder, read_quantity


@pytest.mark.parametrize(
    ("text", "unit", "expected", "rewrites"),
    [
        ("1234", "件", "1234", ()),
        ("0", "件", "0", ()),
        ("-3", "件", "-3", ()),
        ("3018.18", "万元", "3018.18", ()),
        ("0.1", "件", "0.1", ()),
        ("1,234", "件", "1234", ("SEPARATOR",)),
        ("12,345", "件", "12345", ("SEPARATOR",)),
        ("1 234", "件", "1234", ("SEPARATOR",)),
        ("12\u3000345", "件", "12345", ("SEPARATOR",)),
        ("１２３４", "件", "1234", ("FULLWIDTH",)),
        ("１，２３４", "件", "1234", ("FULLWIDTH", "SEPARATOR")),
        ("－3", "件", "-3", ("FULLWIDTH",)),
        ("\u22123", "件", "-3", ("FULLWIDTH",)),
        ("９８．９％", "%", "98.9", ("FULLWIDTH",)),
        ("98.9%", "%", "98.9", ()),
        ("+236%", "%", "236", ()),
        ("三千", "件", "3000", ("CN_NUMERAL",)),
        ("三十六", "件", "36", ("CN_NUMERAL",)),
        ("四十五", "证", "45", ("CN_NUMERAL",)),
        ("两", "件", "2", ("CN_NUMERAL",)),
        ("两千零五", "件", "2005", ("CN_NUMERAL",)),
        ("〇", "件", "0", ("CN_NUMERAL",)),
        ("百名", "名", "100", ("CN_NUMERAL", "UNIT_IN_CELL")),
        ("三点五", "万元", "3.5", ("CN_NUMERAL",)),
        ("百分之九十八", "%", "98", ("CN_NUMERAL",)),
        ("126件", "件", "126", ("UNIT_IN_CELL",)),
        ("12345件", "件", "12345", ("UNIT_IN_CELL",)),
        ("2.9万", "件", "29000", ("UNIT_IN_CELL",)),
        ("2.9万件", "件", "29000", ("UNIT_IN_CELL",)),
        ("2.9万件", "", "29000", ("UNIT_IN_CELL",)),
        ("12.6万件", "件", "126000", ("UNIT_IN_CELL",)),
        ("3018.18万元", "万元", "3018.18", ("UNIT_IN_CELL",)),
        ("3018.18万元", "元", "30181800", ("UNIT_IN_CELL",)),
        ("30181800元", "万元", "3018.18", ("UNIT_IN_CELL",)),
        ("13.07亿元", "万元", "130700", ("UNIT_IN_CELL",)),
        ("10611万次", "次", "106110000", ("UNIT_IN_CELL",)),
        ("177.9万人", "人", "1779000", ("UNIT_IN_CELL",)),
        ("97.20000000000001", "%", "97.2", ("FLOAT_NOISE",)),
        ("0.30000000000000004", "万元", "0.3", ("FLOAT_NOISE",)),
        ("0.1234565", "万元", "0.123457", ("FLOAT_NOISE",)),
        ("达到323", "天", "323", ("UNIT_IN_CELL",)),
        ("共计5", "件", "5", ("UNIT_IN_CELL",)),
        ("同比下降5%", "%", "-5", ("UNIT_IN_CELL",)),
    ],
)
def test_exact_forms_are_read_and_rewriting_is_named(text, unit, expected, rewrites):
    quantity = read_quantity(text, unit)
    assert quantity.problems == ()
    assert quantity.exact == Fraction(expected)
    assert quantity.rewrites == rewrites
    assert quantity.bound is Bound.EXACT


@pytest.mark.parametrize(
    ("text", "unit", "bound", "low", "high"),
    [
        ("3万余件", "件", Bound.ABOVE, 30000, 40000),
        ("3.1万余户", "户", Bound.ABOVE, 31000, 32000),
        ("300余份", "份", Bound.ABOVE, 300, 400),
        ("2600余件", "件", Bound.ABOVE, 2600, 2700),
        ("780多万元", "万元", Bound.ABOVE, 780, 790),
        ("780多万元", "元", Bound.ABOVE, 7_800_000, 7_900_000),
        ("9000多万元", "万元", Bound.ABOVE, 9000, 10000),
        ("30多万人次", "人次", Bound.ABOVE, 300_000, 400_000),
        ("1万余人次", "人次", Bound.ABOVE, 10000, 20000),
        ("超过260多期", "期", Bound.ABOVE, 260, 270),
        ("达到8000余件", "件", Bound.ABOVE, 8000, 9000),
        ("8000多件", "件", Bound.ABOVE, 8000, 9000),
        ("三千余件", "件", Bound.ABOVE, 3000, 4000),
        ("超过900期", "期", Bound.ABOVE, 900, None),
        ("超百亿元", "元", Bound.ABOVE, 10_000_000_000, None),
        ("98%以上", "%", Bound.AT_LEAST, 98, None),
        ("3倍以上", "倍", Bound.AT_LEAST, 3, None),
        ("近16万人", "人", Bound.BELOW, 150_000, 160_000),
        ("不足50件", "件", Bound.BELOW, None, 50),
        ("50件以下", "件", Bound.AT_MOST, None, 50),
        ("约500件", "件", Bound.ABOUT, 400, 600),
    ],
)
def test_fuzzy_forms_are_intervals_and_never_exact(text, unit, bound, low, high):
    quantity = read_quantity(text, unit)
    assert quantity.exact is None
    assert quantity.is_fuzzy
    assert [problem.rule for problem in quantity.problems] == ["FUZZY_NUMBER"]
    assert (quantity.bound, quantity.low, quantity.high) == (bound, low, high)


@pytest.mark.parametrize("text", ["若干", "上百件", "十几件", "数十件", "几百件", "多名"])
def test_vague_words_are_fuzzy_without_an_interval(text):
    quantity = read_quantity(text, "件")
    assert quantity.is_fuzzy
    assert (quantity.low, quantity.high) == (None, None)


def test_yu_after_a_number_that_is_not_round_is_malformed():
    quantity = read_quantity("17余份", "份")
    assert [problem.rule for problem in quantity.problems] == ["FUZZY_NUMBER", "FUZZY_MALFORMED"]
    assert quantity.low == 17


@pytest.mark.parametrize("text", ["近30余件", "约30多件", "约30件左右", "大约30上下", "不足300余件"])
def test_words_of_approximation_that_contradict_or_repeat_one_another_are_malformed(text):
    rules = [problem.rule for problem in read_quantity(text, "件").problems]
    assert rules == ["FUZZY_NUMBER", "FUZZY_MALFORMED"]


@pytest.mark.parametrize("text", ["超过260多件", "达到8000余件", "约30件", "300余件"])
def test_words_that_may_stand_together_are_not(text):
    assert [problem.rule for problem in read_quantity(text, "件").problems] == ["FUZZY_NUMBER"]


@pytest.mark.parametrize("text", ["负3", "负 3", "负3件"])
def test_a_minus_in_words_is_one(text):
    quantity = read_quantity(text, "件")
    assert (quantity.exact, quantity.problems) == (-3, ())
    assert "CN_NUMERAL" in quantity.rewrites


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "12345热线",
        "1+9",
        "1+10+85+822",
        "1+10+N",
        "2.0版",
        "第二批",
        "24小时",
        "24小时警局",
        "四所一庭",
        "六减两优",
        "十五条措施",
        "见附件",
        "2024年",
        "1.234.567",
        "12,34",
        "12 34",
        "10²",
        "①",
        "½",
        "5/6",
        "(3)",
        "5‰",
        "九成",
        "1" * 80,
    ],
)
def test_what_is_no_quantity_is_not_read(text):
    quantity = read_quantity(text, "件")
    assert quantity.exact is None
    assert [problem.rule for problem in quantity.problems] == ["VALUE_TYPE"]


@pytest.mark.parametrize("text", ["1e5", "1.50203E+17", "1.502E17", "１．５Ｅ＋１７"])
def test_scientific_notation_may_have_lost_digits(text):
    quantity = read_quantity(text, "件")
    assert quantity.exact is None
    assert [problem.rule for problem in quantity.problems] == ["SCI_NOTATION_ID"]


@pytest.mark.parametrize("text", ["三五", "一百二", "3百二十", "2万3千", "三10", "一二六"])
def test_a_numeral_that_is_mixed_or_not_well_formed_is_not_completed(text):
    quantity = read_quantity(text, "件")
    assert quantity.exact is None
    assert [(problem.rule, problem.case) for problem in quantity.problems] == [("CN_NUMERAL", "malformed")]


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("5件", "万元"),
        ("5万元", "件"),
        ("126项", "件"),
        ("3人次", "件次"),
        ("98%", "件"),
        ("98%", ""),
        ("5件", "%"),
        ("2.9万", "万元"),
        ("3万元", ""),
    ],
)
def test_a_unit_or_scale_that_does_not_fit_is_not_converted(text, unit):
    quantity = read_quantity(text, unit)
    assert quantity.exact is None
    assert [(problem.rule, problem.case) for problem in quantity.problems] == [("UNIT_IN_CELL", "other_unit")]


@pytest.mark.parametrize(
    "text", ["/", "／", "无", "—", "——", "-", " / ", "N/A", "n/a", "暂无", "（无）", "不适用", "不涉及"]
)
def test_marks_for_nothing_are_neither_zero_nor_blank(text):
    quantity = read_quantity(text, "件")
    assert quantity.exact is None
    assert [problem.rule for problem in quantity.problems] == ["NA_TOKEN"]
    assert is_placeholder(text)


def test_the_hotline_number_in_a_numeric_cell_is_a_number():
    assert read_quantity("12345", "件", typed_number=True).exact == 12345


@pytest.mark.parametrize(
    ("text", "unit", "half"),
    [
        ("97.20%", "%", "0.005"),
        ("97%", "%", "0.5"),
        ("12.6万件", "件", "500"),
        ("13.07亿元", "元", "500000"),
        ("7", "件", "0.5"),
    ],
)
def test_half_a_unit_of_the_last_digit_written(text, unit, half):
    assert read_quantity(text, unit).half_unit == Fraction(half)


PUBLISHED = Path(__file__).parents[1] / "support" / "published_quantities.csv"


def published():
    """The figures of five published articles as written there, with what they mean (facts of public texts)."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("figure", "text", "unit", "bound", "base"), published())
def test_published_figures_mean_what_they_say(figure, text, unit, bound, base):
    quantity = read_quantity(text, unit)
    if not bound:
        assert quantity.exact is None, figure
        assert not quantity.is_fuzzy
        assert quantity.problems
    elif bound == "eq":
        assert (quantity.exact, quantity.bound, quantity.problems) == (Fraction(base), Bound.EXACT, ())
    else:
        assert (quantity.exact, quantity.bound) == (None, Bound(bound))
        assert quantity.is_fuzzy
        assert (quantity.high if bound == "lt" else quantity.low) == Fraction(base)


def test_every_published_figure_is_there():
    assert [row[0] for row in published()] == [f"F{number:03d}" for number in range(1, 273)]


def test_words_that_state_the_scope_are_kept():
    assert read_quantity("累计12.6万件", "件").words == ("累计",)
    assert read_quantity("新增18个", "个").words == ("新增",)


def test_more_places_are_kept_where_asked():
    quantity = read_quantity("0.97201574", "", max_places=8)
    assert (quantity.exact, quantity.rewrites) == (Fraction("0.97201574"), ())
