"""Synthetic figures: plausible, agreeing with each other, never a copy of a neighbour."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from fazhi.model.period import Period
from fazhi.model.terms import RatioKind, Reporting, RuleType, ValueType
from fazhi.registry import Registry, Unit
from fazhi.synth.dice import Dice
from fazhi.synth.figures import Agreement, Figures, Reading, agreements, settle, with_stated_ratio
from fazhi.systems import Editions
from fazhi.systems.edition import Indicator

TODAY = date(2026, 7, 15)


@pytest.fixture(scope="module")
def readings(editions: Editions, registry: Registry) -> dict[tuple[str, Period], dict[str, Reading]]:
    """Two years of three units of different kinds."""
    figures = Figures(7)
    found: dict[tuple[str, Period], dict[str, Reading]] = {}
    for year in (2024, 2025):
        edition = editions.for_year(year)
        for unit in some_units(registry, year):
            applicable = registry.applicable(edition, unit, year, TODAY)
            for period in periods_of(year):
                found[unit.unit_code, period] = figures.of(
                    unit.unit_code, period, applicable, agreements(edition, year), date(year + 1, 4, 10)
                )
    return found


def some_units(registry: Registry, year: int) -> list[Unit]:
    scored = registry.scored_units(year, TODAY)
    return [
        next(unit for unit in scored if unit.is_region),
        next(unit for unit in scored if unit.short_name_zh == "市司法局"),
        next(unit for unit in scored if {tag.value for tag in unit.tags} == {"SINGLE"}),
    ]


def periods_of(year: int) -> Iterator[Period]:
    return (Period(year, first, months) for months in (1, 3, 6, 12) for first in range(1, 13, months))


def by_code(editions: Editions, year: int) -> dict[str, Indicator]:
    return dict(editions.for_year(year).by_code)


def test_dice_depend_on_their_name_alone() -> None:
    draws = [Dice("unit", 2024).between(1, 1000) for _ in range(3)]
    assert len(set(draws)) == 1
    assert Dice("unit", 2025).between(1, 10**9) != Dice("unit", 2024).between(1, 10**9)


def test_dice_stay_within_their_bounds() -> None:
    drawn = {Dice("bounds", number).between(3, 5) for number in range(200)}
    assert drawn == {3, 4, 5}
    assert not any(Dice("never", number).permille(0) for number in range(50))
    assert all(Dice("always", number).permille(1000) for number in range(50))


def test_the_same_arguments_give_the_same_figures(editions: Editions, registry: Registry) -> None:
    edition, period = editions.for_year(2024), Period.parse("2024-03")
    unit = some_units(registry, 2024)[0]
    applicable = registry.applicable(edition, unit, 2024, TODAY)
    one, other = (
        Figures(7).of(unit.unit_code, period, applicable, agreements(edition, 2024), TODAY) for _ in range(2)
    )
    assert one == other
    assert one != Figures(8).of(unit.unit_code, period, applicable, agreements(edition, 2024), TODAY)


def test_every_value_has_the_form_of_its_type(
    readings: dict[tuple[str, Period], dict[str, Reading]], editions: Editions
) -> None:
    seen = set()
    for (_unit, period), of_period in readings.items():
        for code, reading in of_period.items():
            indicator = by_code(editions, period.year)[code]
            seen.add(indicator.value_type)
            check_form(indicator, reading)
    assert seen == set(ValueType)


def check_form(indicator: Indicator, reading: Reading) -> None:
    match indicator.value_type:
        case ValueType.RATIO:
            assert reading.numerator is not None
            assert reading.denominator is not None
            assert reading.numerator >= 0
            assert indicator.ratio_kind is not RatioKind.SHARE or reading.numerator <= reading.denominator
        case ValueType.COUNT:
            assert int(reading.value) >= 0
        case ValueType.AMOUNT:
            assert Fraction(reading.value) >= 0
        case ValueType.SCORE:
            assert 60 <= Fraction(reading.value) <= 100
        case ValueType.BOOLEAN:
            assert reading.value in ("是", "否")
        case ValueType.DATE:
            due_year = date.fromisoformat(reading.value).year
            assert due_year - int(indicator.rule_params["year_offset"]) in (2024, 2025)


def test_most_shares_lie_around_their_targets(
    readings: dict[tuple[str, Period], dict[str, Reading]], editions: Editions
) -> None:
    above = total = 0
    for (_unit, period), of_period in readings.items():
        for code, reading in of_period.items():
            indicator = by_code(editions, period.year)[code]
            if indicator.rule_type is RuleType.LINEAR and reading.denominator:
                assert reading.numerator is not None
                floor = Fraction(indicator.rule_params["floor"])
                total += 1
                above += Fraction(reading.numerator, reading.denominator) > floor
    assert total > 500
    assert above * 100 > total * 90


def test_figures_that_are_compared_agree(
    readings: dict[tuple[str, Period], dict[str, Reading]], editions: Editions
) -> None:
    compared = 0
    for (_unit, period), of_period in readings.items():
        for one in agreements(editions.for_year(period.year), period.year):
            if one.indicator in of_period and one.of in of_period:
                figure = getattr(of_period[one.indicator], one.part)
                added = one.added or ((one.of, one.of_part),)
                others = [int(getattr(of_period[code], part)) for code, part in added if code in of_period]
                compared += 1
                match one.rule:
                    case "SUM_MISMATCH":
                        assert int(figure) == sum(others), one
                    case "DOUBLE_COUNT":
                        assert int(figure) >= sum(others), one
                    case _:
                        assert int(figure) <= sum(others), one
    assert compared > 100


def test_a_quarter_agrees_with_its_months(
    readings: dict[tuple[str, Period], dict[str, Reading]],
) -> None:
    quarters = [
        (unit, period) for unit, period in readings if period.months == 3 and "B2.5" in readings[unit, period]
    ]
    assert quarters
    for unit, quarter in quarters:
        months = (Period(quarter.year, quarter.first_month + n, 1) for n in range(3))
        printed = sum(readings[unit, month]["B2.1"].denominator or 0 for month in months)
        assert readings[unit, quarter]["B2.5"].denominator == printed


def test_no_ratio_repeats_its_neighbours_denominator(
    readings: dict[tuple[str, Period], dict[str, Reading]],
) -> None:
    for unit, period in readings:
        before = Period(period.year - 1, period.first_month, period.months)
        if (unit, before) not in readings:
            continue
        for code, reading in readings[unit, period].items():
            earlier = readings[unit, before].get(code)
            if earlier is not None and reading.denominator is not None and reading.denominator > 20:
                assert reading.denominator != earlier.denominator or code in ("B2.5", "F2.4")


def test_stated_ratios_are_rounded_shares() -> None:
    assert with_stated_ratio(Reading(6669, 6861)).value == "97.20%"
    assert with_stated_ratio(Reading(1, 8)).value == "12.50%"
    assert with_stated_ratio(Reading(0, 0)).value == ""


def test_settling_follows_a_chain_of_checks() -> None:
    readings = {"A": Reading(9, 10), "B": Reading(19, 20), "C": Reading(45, 50)}
    settle(
        readings,
        [
            Agreement("SUM_MISMATCH", "A", "denominator", "B", "denominator"),
            Agreement("SUM_MISMATCH", "B", "denominator", "C", "numerator"),
        ],
    )
    assert readings == {"A": Reading(41, 45), "B": Reading(43, 45), "C": Reading(45, 50)}


def test_a_subset_is_cut_to_its_whole_and_a_smaller_one_is_left() -> None:
    check = [Agreement("SUBSET", "A", "denominator", "B", "denominator")]
    cut, left = (
        {"A": Reading(8, 10), "B": Reading(4, 5)},
        {"A": Reading(2, 4), "B": Reading(4, 5)},
    )
    settle(cut, check)
    settle(left, check)
    assert cut["A"] == Reading(4, 5)
    assert left["A"] == Reading(2, 4)


@pytest.mark.parametrize("code", ["D5.2", "D5.3", "D7.1"])
def test_a_cumulative_figure_contains_the_periods_before(editions: Editions, code: str) -> None:
    alone = editions.for_year(2025).by_code[code]
    cumulative = replace(alone, reporting=Reporting.CUMULATIVE)
    months = [Period(2025, month, 1) for month in range(1, 13)]
    figures = Figures(7)
    single, summed = (
        [figures.of("11150200MB1A010980", month, [one], [], TODAY)[code] for month in months]
        for one in (alone, cumulative)
    )
    for number in range(12):
        for part in ("numerator", "denominator"):
            parts = [getattr(reading, part) for reading in single[: number + 1]]
            assert getattr(summed[number], part) == (None if parts[0] is None else sum(parts))
        if code != "D7.1":
            assert Fraction(summed[number].value) == sum(Fraction(r.value) for r in single[: number + 1])
