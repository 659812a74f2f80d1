"""Plausible synthetic figures. In: a unit, a period, the indicators asked. Out: a ``Reading`` per indicator.

Nothing here is measured anywhere. Rates lie around the targets, volumes grow slowly and follow a season of
their own, and quantities that an edition's cross-checks compare agree, so that clean data raise no finding.
Numbers are drawn by name (``fazhi.synth.dice``): a unit, period and indicator always get the same.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal

from fazhi.model.exact import plain, round_half_up
from fazhi.model.period import Period, due_periods
from fazhi.model.terms import Frequency, RatioKind, Reporting, RuleType, ValueType
from fazhi.settings import PROJECT_ROOT
from fazhi.synth.dice import Dice
from fazhi.systems.edition import Check, Edition, Indicator

VOLUMES_FILE = PROJECT_ROOT / "include" / "samples" / "synthetic" / "volumes.csv"

Part = Literal["numerator", "denominator", "value"]

_VOLUMES = {
    Frequency.DAILY: (8, 60),
    Frequency.MONTHLY: (6, 45),
    Frequency.QUARTERLY: (15, 90),
    Frequency.HALF_YEARLY: (20, 120),
    Frequency.YEARLY: (30, 180),
    Frequency.EVENT: (10, 60),
}
"""Cases per due period where ``volumes.csv`` says nothing else."""

_QUIET = 60
_STATED = 300
_YES = 960
"""Chances in a thousand: a ratio with hardly any cases, a stated ratio beside its parts, a true boolean."""

_FIRST_YEAR = 2000
"""Where slow growth starts counting from; only differences between years matter."""


@dataclass(frozen=True)
class Reading:
    """The figure of an indicator: the parts of a ratio as whole numbers, or a value as it is written."""

    numerator: int | None = None
    denominator: int | None = None
    value: str = ""


@dataclass(frozen=True)
class Volume:
    """How many cases a due period has; for amounts, hundredths of the unit per case of another indicator."""

    low: int
    high: int
    per_case_of: str


@dataclass(frozen=True)
class Agreement:
    """Two parts that a cross-check compares: ``part`` equals, or is at most, the other's ``of_part``.

    Of a ``DOUBLE_COUNT`` there is one for each figure added up: ``part`` is at least the sum of all ``added``.
    """

    rule: Literal["SUBSET", "SUM_MISMATCH", "DOUBLE_COUNT"]
    indicator: str
    part: Part
    of: str
    of_part: Part
    added: tuple[tuple[str, Part], ...] = ()


def agreements(edition: Edition, year: int) -> tuple[Agreement, ...]:
    """The cross-checks of an edition that figures of one period must satisfy."""
    pairs = tuple(
        Agreement(
            check.rule,  # type: ignore[arg-type]
            str(check.params["indicator"]),
            check.params["part"],
            str(check.params["of"]),
            check.params["of_part"],
        )
        for check in edition.checks
        if check.rule in ("SUBSET", "SUM_MISMATCH") and "of" in check.params and check.in_force(year)
    )
    sums = (check for check in edition.checks if check.rule == "DOUBLE_COUNT" and check.in_force(year))
    return (*pairs, *(one for check in sums for one in _added_up(edition, check)))


def _added_up(edition: Edition, check: Check) -> tuple[Agreement, ...]:
    params = check.params
    added: tuple[tuple[str, Part], ...] = tuple(
        (code, params["parts_part"] if edition.by_code[code].value_type is ValueType.RATIO else "value")
        for code in params["parts"]
    )
    return tuple(
        Agreement("DOUBLE_COUNT", str(params["indicator"]), params["part"], code, part, added)
        for code, part in added
    )


@lru_cache
def volumes(path: Path = VOLUMES_FILE) -> Mapping[str, Volume]:
    """The volumes that differ from the usual, by indicator."""
    with path.open(encoding="utf-8", newline="") as file:
        return {
            line["indicator_code"]: Volume(int(line["low"]), int(line["high"]), line["per_case_of"])
            for line in csv.DictReader(file)
        }


class Figures:
    """The synthetic figures of a city under one seed."""

    def __init__(self, seed: int | str) -> None:
        self._seed = seed
        self._rates: dict[int, tuple[Indicator, tuple[int, int]]] = {}

    def of(
        self,
        unit_code: str,
        period: Period,
        applicable: Sequence[Indicator],
        agreed: Sequence[Agreement],
        reported_on: date,
    ) -> dict[str, Reading]:
        """The readings of a unit's indicators that are due in a period, by code.

        Args:
            unit_code: The unit that the figures concern.
            period: The period.
            applicable: The unit's indicators, due in this period or not.
            agreed: The cross-checks to satisfy (``agreements``).
            reported_on: No date is later than this.
        """
        due = [indicator for indicator in applicable if is_due(indicator, period)]
        readings = {one.code: self._reading(unit_code, period, one, reported_on) for one in due}
        for code, volume in volumes().items():
            if volume.per_case_of in readings and code in readings:
                readings[code] = self._amount_per_case(unit_code, period, code, volume, readings)
        settle(readings, agreed, self._totals_of_finer(unit_code, period, applicable, agreed, readings))
        for one in due:
            stated = Dice(self._seed, unit_code, period, one.code, "stated").permille(_STATED)
            if stated and one.ratio_kind is RatioKind.SHARE and one.unit_zh == "%":
                readings[one.code] = with_stated_ratio(readings[one.code])
        return readings

    def _totals_of_finer(
        self,
        unit_code: str,
        period: Period,
        applicable: Sequence[Indicator],
        agreed: Sequence[Agreement],
        readings: Mapping[str, Reading],
    ) -> dict[tuple[str, Part], int]:
        """What the finer periods add up to, for the parts that are compared with a figure of this period."""
        by_code = {indicator.code: indicator for indicator in applicable}
        totals: dict[tuple[str, Part], int] = {}
        for one in agreed:
            if one.indicator not in readings or one.of in readings or one.of not in by_code:
                continue
            linked = [by_code[code] for code in _linked(one.of, agreed) if code in by_code]
            finer = [p for p in due_periods(by_code[one.of].frequency, period.year) if period.contains(p)]
            parts = [
                _part(self.of(unit_code, p, linked, agreed, p.last_day)[one.of], one.of_part) for p in finer
            ]
            if parts and None not in parts:
                totals[one.of, one.of_part] = sum(part for part in parts if part is not None)
        return totals

    def _reading(self, unit_code: str, period: Period, indicator: Indicator, reported_on: date) -> Reading:
        if not is_cumulative(indicator):
            return self._of_period(unit_code, period, indicator, reported_on)
        so_far = [p for p in due_periods(indicator.frequency, period.year) if p <= period]
        return _total([self._of_period(unit_code, p, indicator, reported_on) for p in so_far])

    def _of_period(self, unit_code: str, period: Period, indicator: Indicator, reported_on: date) -> Reading:
        """The figure of a period alone."""
        dice = Dice(self._seed, unit_code, period, indicator.code)
        habit = _habit(self._seed, unit_code, indicator.code)
        match indicator.value_type:
            case ValueType.RATIO:
                return _ratio(habit, dice, period, indicator, self._rates_of(indicator))
            case ValueType.COUNT:
                return Reading(value=str(_count(habit, dice, period, indicator)))
            case ValueType.AMOUNT:
                return Reading(
                    value=plain(Fraction(habit.level(period, 100, 2000) + dice.between(0, 9), 100))
                )
            case ValueType.BOOLEAN:
                return Reading(value="是" if habit.good or dice.permille(600) else "否")
            case ValueType.DATE:
                return Reading(value=_day(dice, period, indicator, reported_on).isoformat())
            case ValueType.SCORE:
                tenths = min(1000, 800 + habit.quality * 15 // 100 + dice.between(-15, 15))
                return Reading(value=plain(Fraction(tenths, 10)))

    def _rates_of(self, indicator: Indicator) -> tuple[int, int]:
        """The usual rates, worked out once per indicator (kept, so that its identity stays its own)."""
        known = self._rates.get(id(indicator))
        if known is None:
            known = self._rates[id(indicator)] = (indicator, _usual_rates(indicator))
        return known[1]

    def _amount_per_case(
        self, unit_code: str, period: Period, code: str, volume: Volume, readings: Mapping[str, Reading]
    ) -> Reading:
        cases = int(readings[volume.per_case_of].value or 0)
        per_case = Dice(self._seed, unit_code, period, code).between(volume.low, volume.high)
        return Reading(value=plain(Fraction(cases * per_case, 100)))


@dataclass(frozen=True)
class _Habit:
    """What stays the same about a unit and an indicator over the years."""

    name: tuple[object, ...]
    size: int
    growth: int
    quality: int
    quiet: bool
    good: bool

    def level(self, period: Period, low: int, high: int, year: int | None = None) -> int:
        """The volume of a period, about ``low`` to ``high``, growing by a few percent a year."""
        base = low * 1000 + (high - low) * self.size
        season = Dice(*self.name, period.first_month, period.months).between(900, 1100)
        years = (period.year if year is None else year) - _FIRST_YEAR
        return max(1, base * season * (1000 + self.growth * years) // (1000 + self.growth * 25) // 1_000_000)


@lru_cache(maxsize=200_000)
def _habit(seed: int | str, unit_code: str, code: str) -> _Habit:
    dice = Dice(seed, unit_code, code)
    return _Habit(
        name=(seed, unit_code, code),
        size=dice.between(0, 1000),
        growth=dice.between(30, 70),
        quality=dice.between(0, 1000),
        quiet=dice.permille(_QUIET),
        good=dice.permille(_YES),
    )


def _ratio(
    habit: _Habit, dice: Dice, period: Period, indicator: Indicator, rates: tuple[int, int]
) -> Reading:
    low, high = _volume_of(indicator)
    if indicator.ratio_kind is RatioKind.GROWTH:
        return Reading(habit.level(period, low, high), habit.level(period, low, high, period.year - 1))
    if habit.quiet:
        denominator = (_small_residue(period) + habit.size) % _SMALL_RESIDUES
        return Reading(denominator, denominator)
    denominator = habit.level(period, low, high)
    denominator += dice.between(0, denominator // 25)
    denominator = _kept_apart(denominator, period)
    low_rate, high_rate = rates
    rate = low_rate + (high_rate - low_rate) * habit.quality // 1000 + dice.between(-15, 15)
    rate = max(low_rate, min(high_rate, rate))
    return _with_rate(denominator, rate, indicator)


_RESIDUES, _SMALL_RESIDUES = 7, 3


def _kept_apart(number: int, period: Period) -> int:
    """About the same number, but with a remainder that neighbouring periods do not have.

    A sheet then never looks like a copy of the one before it or of a year before. Small numbers move little.
    """
    if number < 2 * _RESIDUES:
        return number - number % _SMALL_RESIDUES + _small_residue(period)
    return number - number % _RESIDUES + _residue(period)


def _residue(period: Period) -> int:
    """A remainder unlike that of the period before and of the same period a year before."""
    return (_ordinal(period) + 5 * period.year) % _RESIDUES


def _small_residue(period: Period) -> int:
    """Likewise, with fewer remainders; half-years may share theirs with the one before."""
    return (_ordinal(period) + period.year) % _SMALL_RESIDUES


def _ordinal(period: Period) -> int:
    """Which of the year's periods of its length it is, from 0."""
    return (period.first_month - 1) // period.months


def _with_rate(denominator: int, rate: int, indicator: Indicator) -> Reading:
    numerator = (denominator * rate + 500) // 1000
    if indicator.ratio_kind is RatioKind.SHARE:
        numerator = min(numerator, denominator)
    return Reading(numerator, denominator)


def _usual_rates(indicator: Indicator) -> tuple[int, int]:
    """The usual range of a ratio in thousandths, from worse to better where the rule says what is better."""
    params = indicator.rule_params
    if indicator.rule_type is RuleType.BANDS:
        lows = [Fraction(low) for low, _high, _rate in params["bands"] if low is not None]
        return int(lows[-2] * 1000), int(lows[-1] * 1000)
    if indicator.rule_type is RuleType.LINEAR:
        floor, target = Fraction(params["floor"]), Fraction(params["target"])
        low, high = floor + (target - floor) * Fraction(7, 10), target + (target - floor) * Fraction(1, 10)
    elif indicator.rule_type is RuleType.LINEAR_INVERSE:
        low, worst = Fraction(params["best"]), Fraction(params["worst"])
        high = low + (worst - low) * Fraction(1, 2)
    else:
        low, high = Fraction(8, 10), Fraction(1)
    if indicator.ratio_kind is RatioKind.SHARE:
        high = min(high, Fraction(1))
    return int(low * 1000), int(high * 1000)


def _volume_of(indicator: Indicator) -> tuple[int, int]:
    special = volumes().get(indicator.code)
    return (special.low, special.high) if special else _VOLUMES[indicator.frequency]


def _count(habit: _Habit, dice: Dice, period: Period, indicator: Indicator) -> int:
    if indicator.rule_type is RuleType.PER_OCCURRENCE:
        return 0 if dice.permille(920) else 1
    wanted = _wanted_in_a_year(indicator)
    periods = len(due_periods(indicator.frequency, period.year))
    if wanted < 3 * periods:
        usual = max(1, -(-wanted // periods))
        return max(0, usual + dice.pick((-1, 0, 0, 0, 1, 1)))
    level = habit.level(period, wanted * 7 // (10 * periods), wanted * 13 // (10 * periods))
    return level + dice.between(0, level // 25)


def _wanted_in_a_year(indicator: Indicator) -> int:
    """The number that earns full marks in a year."""
    if indicator.rule_type is RuleType.LINEAR:
        return int(Fraction(indicator.rule_params["target"]))
    if indicator.rule_type is RuleType.BANDS:
        return int(Fraction(indicator.rule_params["bands"][-1][0]))
    return sum(_VOLUMES[indicator.frequency]) // 2


def _day(dice: Dice, period: Period, indicator: Indicator, reported_on: date) -> date:
    """A day near the due day: mostly before it, inside the year that it belongs to, not in the future."""
    params = indicator.rule_params
    month, day = (int(part) for part in str(params["due"]).split("-"))
    due = date(period.year + int(params["year_offset"]), month, day)
    late = dice.permille(80)
    chosen = due + timedelta(days=dice.between(1, 5) if late else -dice.between(0, 20))
    return max(date(due.year, 1, 1), min(chosen, reported_on))


def with_stated_ratio(reading: Reading) -> Reading:
    """The reading with its share typed beside the parts, to two decimals; nothing over zero cases."""
    if not reading.denominator or reading.numerator is None:
        return reading
    percent = round_half_up(Fraction(100 * reading.numerator, reading.denominator))
    return replace(reading, value=f"{percent}%")


def is_due(indicator: Indicator, period: Period) -> bool:
    """Whether an indicator is due in exactly this period, and in force at its end."""
    return period.months == _months_of(indicator.frequency) and indicator.in_force(period.last_day)


@lru_cache
def _months_of(frequency: Frequency) -> int:
    return due_periods(frequency, _FIRST_YEAR)[0].months


def settle(
    readings: dict[str, Reading],
    agreed: Sequence[Agreement],
    totals: Mapping[tuple[str, Part], int] | None = None,
) -> None:
    """Make the parts that cross-checks compare agree, keeping the rates; in place.

    A chain of checks settles after as many rounds as it is long.

    Args:
        readings: By indicator code, changed in place.
        agreed: The cross-checks.
        totals: The other side of a check where it is the total of finer periods.
    """
    totals = totals or {}
    present = [
        one
        for one in agreed
        if one.indicator in readings and (one.of in readings or (one.of, one.of_part) in totals)
    ]
    for _round in range(len(present) + 1):
        before = dict(readings)
        for one in present:
            known = totals.get((one.of, one.of_part))
            _settle_one(readings, one, _part(readings[one.of], one.of_part) if known is None else known)
        if readings == before:
            return


def _linked(code: str, agreed: Sequence[Agreement]) -> set[str]:
    """The indicators that cross-checks tie to one, directly or through others."""
    found = {code}
    while True:
        more = {
            c for one in agreed if {one.indicator, one.of} & found for c in (one.indicator, one.of)
        } - found
        if not more:
            return found
        found |= more


def _settle_one(readings: dict[str, Reading], one: Agreement, whole: int | None) -> None:
    if one.rule == "DOUBLE_COUNT":
        _settle_sum(readings, one)
        return
    part = _part(readings[one.indicator], one.part)
    if whole is None or part is None or part == whole or (one.rule == "SUBSET" and part < whole):
        return
    readings[one.indicator] = _with_part(readings[one.indicator], one.part, whole)


def _settle_sum(readings: dict[str, Reading], one: Agreement) -> None:
    figures = [_part(readings[code], part) for code, part in one.added if code in readings]
    total = sum(figure for figure in figures if figure is not None)
    if (_part(readings[one.indicator], one.part) or 0) < total:
        readings[one.indicator] = _with_part(readings[one.indicator], one.part, total)


def _part(reading: Reading, part: Part) -> int | None:
    if part == "numerator":
        return reading.numerator
    if part == "denominator":
        return reading.denominator
    return int(reading.value) if reading.value.isdigit() else None


def _with_part(reading: Reading, part: Part, wanted: int) -> Reading:
    """The reading with one part set; the other part of a ratio follows, at about the same rate."""
    if part == "value":
        return replace(reading, value=str(wanted))
    numerator, denominator = reading.numerator or 0, reading.denominator or 0
    if part == "denominator":
        scaled = min(wanted, (numerator * wanted + denominator - 1) // denominator if denominator else wanted)
        return replace(reading, numerator=scaled, denominator=wanted)
    return replace(reading, numerator=wanted, denominator=max(denominator, wanted))


def _total(readings: Sequence[Reading]) -> Reading:
    """The sum of a year's readings so far; what cannot be added (yes or no, a date) is the latest."""
    latest = readings[-1]
    if latest.numerator is not None:
        return Reading(
            sum(one.numerator or 0 for one in readings), sum(one.denominator or 0 for one in readings)
        )
    if latest.value.replace(".", "", 1).isdigit():
        return Reading(value=plain(sum((Fraction(one.value) for one in readings), Fraction(0))))
    return latest


def is_cumulative(indicator: Indicator) -> bool:
    """Whether each period's value contains the year's earlier ones."""
    return indicator.reporting is Reporting.CUMULATIVE
