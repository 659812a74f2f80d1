"""The two shipped editions: complete, adding up, and faithful to the contract."""

from datetime import date
from fractions import Fraction

import pytest

from fazhi.model.terms import Group, RatioKind, RuleType, Tag
from fazhi.systems import Edition, Editions, describe
from fazhi.systems.rule_kinds import RULE_KINDS


@pytest.fixture(params=["2021", "2024"])
def edition(request: pytest.FixtureRequest, editions: Editions) -> Edition:
    return editions.by_id(request.param)


@pytest.mark.parametrize(
    ("system_id", "years", "rows", "weighted", "unverified"),
    [("2021", (2021, 2023), 118, 108, 73), ("2024", (2024, None), 134, 123, 86)],
)
def test_counts_and_sums(editions, system_id, years, rows, weighted, unverified):
    summary = describe(editions.by_id(system_id))
    assert (summary.from_year, summary.to_year) == years
    assert (summary.indicators, summary.weighted, summary.unverified) == (rows, weighted, unverified)
    assert summary.full_marks == "100"


def test_notes_tell_how_many_bases_are_unverified(edition):
    assert f"{describe(edition).unverified} 行的依据未核实" in edition.notes
    assert "86" in edition.notes


def test_years_are_covered_without_a_gap(editions):
    assert {year: editions.for_year(year).system_id for year in range(2021, 2031)} == {
        2021: "2021",
        2022: "2021",
        2023: "2021",
        **dict.fromkeys(range(2024, 2031), "2024"),
    }


def test_head(edition):
    assert edition.share(edition.from_year) == "0.10"
    assert edition.total_points == 1000
    assert (edition.cap_bonus, edition.cap_total) == (5_00, 100_00)
    assert [(grade.name_zh, grade.at_least) for grade in edition.grades] == [
        ("优秀", 90_00),
        ("良好", 80_00),
        ("合格", 60_00),
        ("不合格", 0),
    ]
    assert edition.top_grade_quota == Fraction(3, 10)
    assert edition.component_on_veto == "keep"


@pytest.mark.parametrize(
    ("tags", "shares"),
    [
        ({Tag.REGION, Tag.LEAD, Tag.ENF}, (40, 60, 0)),
        ({Tag.LEAD, Tag.ENF}, (30, 40, 30)),
        ({Tag.LEAD, Tag.SINGLE}, (45, 15, 40)),
        ({Tag.ENF}, (40, 60, 0)),
        ({Tag.SINGLE}, (80, 20, 0)),
    ],
)
def test_profiles_in_their_order(edition, tags, shares):
    profile = edition.profile_of(frozenset(tags))
    assert tuple(profile.shares[group] for group in Group) == shares


@pytest.mark.parametrize("tags", [set(), {Tag.VERT}, {Tag.TOWN}])
def test_tags_without_a_profile(edition, tags):
    assert edition.profile_of(frozenset(tags)) is None


def test_growth_is_this_year_against_last(editions):
    growth = editions.by_id("2024").by_code["A4.5"]
    assert growth.ratio_kind is RatioKind.GROWTH
    assert (growth.numerator_zh, growth.denominator_zh) == ("本期新登记户数", "上年同期新登记户数")


def test_parameters_outside_the_contract_are_gone(edition):
    for code in ("D5.5", "F3.3"):
        assert set(edition.by_code[code].rule_params) == {"floor", "target"}


def test_attendance_may_exceed_its_plan(edition):
    assert edition.by_code["H1.3"].ratio_kind is RatioKind.MULTIPLE


def test_numbers_are_exact(edition):
    assert edition.by_code["D6.1"].rule_params["bands"] == (
        (Fraction(0), Fraction(9, 10), Fraction(0)),
        (Fraction(9, 10), Fraction(19, 20), Fraction(3, 5)),
        (Fraction(19, 20), Fraction(1), Fraction(17, 20)),
        (Fraction(1), None, Fraction(1)),
    )
    assert edition.by_code["I4.1"].full_mark == 70


def test_codes_are_in_their_order(editions):
    codes = [indicator.code for indicator in editions.by_id("2024").indicators]
    assert codes.index("A2.1") < codes.index("A2.2") < codes.index("B1.1") < codes.index("X1")
    assert codes[-4:] == ["Z01", "Z02", "Z03", "Z04"]


def test_adjustment_rows_carry_no_marks(edition):
    adjustments = [one for one in edition.indicators if one.rule_type.is_adjustment]
    assert {one.rule_type for one in adjustments} == {
        RuleType.BONUS_CAPPED,
        RuleType.DEDUCT_TOTAL,
        RuleType.VETO,
    }
    assert {one.full_mark for one in adjustments} == {0}


def test_amounts_are_only_reported(edition):
    assert [one.code for one in edition.indicators if one.rule_type is RuleType.REPORT_ONLY] == ["D5.3"]


def test_sources_keep_their_order(edition):
    assert edition.by_code["A4.3"].sources == ("12345", "SUB")
    assert edition.by_code["A4.3"].data_source == "12345:12345热线;SUB:部门报送"


def test_deadlines_are_dated_and_marked(edition):
    report = edition.deadlines["department_annual_report"].value_on(date(edition.from_year, 12, 31))
    assert (report.value, report.unit, report.year_offset, report.mark) == ("03-01", "month_day", 1, "found")
    penalty = edition.deadlines["penalty_decision"]
    assert penalty.value_on(date(2021, 7, 14)) is None
    assert (penalty.value_on(date(2021, 7, 15)).value, penalty.values[0].mark) == ("90", "unverified")


def test_every_rule_kind_is_worded(edition):
    assert {check.rule for check in edition.checks} == set(RULE_KINDS)


def test_checks_quote_their_figures_only_in_known_places(edition):
    words = {"found": "甲", "expected": "乙", "detail": "丙"}
    for check in edition.checks:
        for template in (check.message_zh, check.message_en, check.fix_zh):
            assert "{" not in template.format(**words)
