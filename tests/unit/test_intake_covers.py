"""The cover: codes, names, sign-off, dates; each fault once, at its cell."""

from datetime import date

import pytest

from fazhi.intake import Submitted, Wording, read_submission
from fazhi.intake.codes import judge_division, judge_division_of_unit, judge_unit_code
from fazhi.intake.names import judge_name
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.sheets import Cell, CellKind
from support.bad import unit_named
from support.intake import book, row
from support.returns import shipped

DAY = date(2024, 12, 31)
OWN = "包头市政务服务与数据管理局"
COVER = {"填报人": "合成数据甲", "审核人": "合成数据乙", "签发人": "合成数据丙", "填报日期": "2025-01-08"}


def read(cover: dict[str, object], *, who: str = OWN, period: str = "2024"):
    editions, registry = shipped()
    unit, when = unit_named(who), Period.parse(period)
    edition = editions.for_year(when.year)
    filled = {
        "单位名称": unit.name_zh,
        "统一社会信用代码": unit.unit_code,
        "填报期": period,
        **COVER,
        **cover,
    }
    reading = read_submission(
        [("填报表（合成数据）.xlsx", book([row("A1.1", numerator=1, denominator=2)], cover=filled))],
        Submitted(SubmissionKind.UNIT, unit.unit_code, when, (), date(2025, 1, 10)),
        edition,
        Wording(edition, when.year),
        registry=registry,
    )
    assert reading.readable
    return [f.finding for f in reading.findings]


def told(cover: dict[str, object], **more: str):
    return [(f.rule, f.severity.value, f.sheet, f.cell) for f in read(cover, **more)]


def test_a_cover_in_order_says_nothing():
    assert told({}) == []


# --- codes


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("1115020OMB1A013038", "第8位“O”"),
        ("I1150200MB1A013038", "第1位“I”"),
        ("11150200mb1a013038", "第9位“m”"),
        ("11150200MB1A013037", "校验码"),
        ("11150200MB1A01303", "17位"),
        ("11150200 MB1A 013038", "20位"),
        ("150271", "行政区划代码"),
        ("见附件", "3位"),
    ],
)
def test_a_code_with_a_fault_is_pointed_at(code, word):
    (finding,) = read({"统一社会信用代码": code})
    assert (finding.rule, finding.severity.value, finding.sheet, finding.cell) == (
        "USCC_INVALID",
        "block",
        "封面",
        "B2",
    )
    assert word in finding.message_zh


def test_a_full_width_code_is_noted_with_before_and_after():
    (finding,) = read({"统一社会信用代码": "１１１５０２００MB1A013038"})
    assert (finding.rule, finding.value_raw, finding.expected) == (
        "FULLWIDTH",
        "１１１５０２００MB1A013038",
        "11150200MB1A013038",
    )


@pytest.mark.parametrize("cell", [Cell("111502000000000000", CellKind.NUMBER), Cell("1.11502E+17")])
def test_a_code_that_became_a_number_is_not_reconstructed(cell):
    (seen,) = judge_unit_code(cell, None, DAY)
    assert seen.rule == "SCI_NOTATION_ID"


def test_a_code_whose_division_does_not_exist():
    from fazhi.model.unit_code import check_character

    first = "11150299MB1A00001"
    (seen,) = judge_unit_code(Cell(first + check_character(first)), None, DAY)
    assert seen.rule == "REGION_CODE"
    elsewhere = "11620300013909010R"
    assert judge_unit_code(Cell(elsewhere), None, DAY) == ()


@pytest.mark.parametrize("code", ["150200", "150223", "150271", "150700", "620300", "150102"])
def test_divisions_that_exist_or_lie_beyond_the_table(code):
    assert judge_division(code, DAY) is None


@pytest.mark.parametrize("code", ["150201", "150272", "152100", "152700", "151000"])
def test_divisions_that_do_not_exist_or_no_longer(code):
    assert judge_division(code, DAY).rule == "REGION_CODE"


def test_a_division_of_another_unit():
    _, registry = shipped()
    district = unit_named("包头市东河区人民政府").unit_code
    zone = unit_named("包头稀土高新技术产业开发区管理委员会").unit_code
    assert judge_division_of_unit("150202", district, registry, DAY) is None
    assert judge_division_of_unit("150271", zone, registry, DAY) is None
    assert judge_division_of_unit("150200", district, registry, DAY).expected == "150202"
    assert judge_division_of_unit("东河区", district, registry, DAY).rule == "REGION_CODE"


# --- names


@pytest.mark.parametrize(
    ("name", "period", "rule", "severity"),
    [
        ("包头市政务服务局", "2024", "UNIT_ALIAS", "note"),
        ("包头市政务服务局", "2024-Q3", "UNIT_ALIAS", "note"),
        ("包头市政务服务局", "2025", "UNIT_ALIAS", "block"),
        ("包头市大数据中心", "2024", "UNIT_ALIAS", "note"),
        ("包头市大数据中心", "2024-Q3", "UNIT_ALIAS", "block"),
        ("市政务数据局", "2024", "UNIT_ALIAS", "note"),
        ("市政务服务与数据管理局", "2024", "UNIT_AMBIGUOUS", "hold"),
        ("政数局", "2024", "UNIT_AMBIGUOUS", "hold"),
        ("包头市政务服务和数据管理局", "2024", "UNIT_AMBIGUOUS", "hold"),
        ("包头市公安局", "2024", "UNIT_AMBIGUOUS", "hold"),
    ],
)
def test_a_name_is_taken_refused_or_left_to_a_person(name, period, rule, severity):
    assert told({"单位名称": name}, period=period) == [(rule, severity, "封面", "B1")]


def test_the_name_of_the_period_and_blanks_inside_are_fine():
    assert told({"单位名称": "包头市 政务服务局"}, period="2024-Q1") == []
    assert told({"单位名称": "包头市政务服务与数据\n管理局"}) == []


def test_likenesses_are_shown_and_none_is_chosen():
    _, registry = shipped()
    seen = judge_name("发改委", unit_named("包头市公安局").unit_code, registry, Period.parse("2024"))
    assert seen.rule == "UNIT_AMBIGUOUS"
    assert "包头市发展和改革委员会" in seen.detail
    assert seen.expected == "包头市公安局"


def test_an_unknown_sender_is_not_judged_by_its_name():
    _, registry = shipped()
    assert judge_name("包头市公安局", "11620300013909010R", registry, Period.parse("2024")) is None


# --- sign-off and date


@pytest.mark.parametrize("written", ["", "/", "无", "（盖章）", "已盖章", "见附件", "公章"])
def test_nobody_has_signed(written):
    assert told({"签发人": written}) == [("NOT_APPROVED", "hold", "封面", "B6")]


def test_both_missing_are_one_finding_that_names_both_cells():
    (finding,) = read({"审核人": "", "签发人": ""})
    assert (finding.rule, finding.cell, finding.related) == ("NOT_APPROVED", "B5", ("B6",))


def test_a_csv_has_no_cover_to_sign():
    from support.intake import csv_text
    from support.intake import read as read_plain

    editions, _ = shipped()
    assert read_plain(editions.for_year(2024), csv_text(",2024,A1.1,1,2,,,,,")).findings == ()


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2025-01-10", []),
        (date(2025, 1, 9), []),
        ("2025年1月9日", [("DATE_FORMAT", "note", "封面", "B7")]),
        ("3/5/24", [("DATE_FORMAT", "block", "封面", "B7")]),
        ("2025-02-30", [("DATE_INVALID", "block", "封面", "B7")]),
        ("2025-01-11", [("DATE_AFTER_SUBMISSION", "warn", "封面", "B7")]),
    ],
)
def test_the_date_of_filling_in(written, expected):
    assert told({"填报日期": written}) == expected


def test_a_cover_of_another_edition():
    assert told({"指标体系版本": "2021(某版)"}) == [("TEMPLATE_VERSION", "block", "封面", "B8")]
    assert told({"指标体系版本": "2024(某版)"}) == []


def test_the_words_of_both_languages_are_whole():
    for finding in (*read({"单位名称": "政数局", "签发人": "", "统一社会信用代码": "1"}),):
        assert finding.message_zh.endswith("。")
        assert finding.message_en.endswith(".")
        assert "{" not in finding.message_zh + finding.message_en + finding.fix_zh
