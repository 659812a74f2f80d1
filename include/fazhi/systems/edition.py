"""What an edition of the indicator system is, once loaded. In: checked data. Out: frozen records.

An edition is data that stewards own (contracts/indicator-system.md). All numbers are exact: ``Fraction`` for
parameters, integer hundredths for full marks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import (
    Aggregation,
    Frequency,
    Group,
    RatioKind,
    Reporting,
    RuleType,
    Severity,
    Tag,
    ValueType,
    ZeroDenominator,
)


def code_key(code: str) -> tuple[tuple[str, int], ...]:
    """Order of indicator codes by their parts: ``A2.9`` before ``A2.10`` (scoring.md section 4)."""
    parts = []
    for part in code.split("."):
        letters = part.rstrip("0123456789")
        parts.append((letters, int(part[len(letters) :] or 0)))
    return tuple(parts)


@dataclass(frozen=True)
class Indicator:
    """One third-level indicator or one adjustment row of an edition."""

    code: str
    l1_code: str
    l1_zh: str
    l1_en: str
    l2_code: str
    l2_zh: str
    l2_en: str
    name_zh: str
    name_en: str
    unit_zh: str
    value_type: ValueType
    ratio_kind: RatioKind | None
    numerator_zh: str
    denominator_zh: str
    direction: str
    full_mark: int
    """Hundredths of a point."""
    rule_type: RuleType
    rule_params: Mapping[str, Any]
    """Exact: every number is a ``Fraction``; bands are tuples of ``(low | None, high | None, rate)``."""
    zero_denominator: ZeroDenominator
    categories: frozenset[Tag]
    group: Group
    evidence_zh: str
    frequency: Frequency
    reporting: Reporting
    aggregation: Aggregation
    sources: tuple[str, ...]
    """Source ids in the order of the data (``SUB``, ``COURT``, …), without their Chinese names."""
    legal_basis: str
    legal_basis_status: str
    source_reference: str
    effective_from: date
    effective_to: date | None
    data_source: str = ""
    """``sources`` as written, with their Chinese names."""

    def in_force(self, on: date) -> bool:
        """Whether the row is in force on a day; both ends inclusive."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    @property
    def asked_of_unit(self) -> bool:
        """Whether the unit itself is asked for the figure in its own workbook."""
        return "SUB" in self.sources and not self.rule_type.is_adjustment


@dataclass(frozen=True)
class Profile:
    """How a kind of unit shares its 100 points over the groups."""

    name: str
    when: frozenset[Tag]
    shares: Mapping[Group, Fraction]


@dataclass(frozen=True)
class Grade:
    """A grade and the lowest score (hundredths) that earns it."""

    name_zh: str
    name_en: str
    at_least: int


@dataclass(frozen=True)
class DatedValue:
    """A deadline or legal parameter for a stretch of days; ``None`` = open (or a start nobody verified)."""

    from_day: date | None
    to_day: date | None
    value: str
    unit: str
    """``day``, ``working_day``, ``year``, ``month_day`` (``03-01``) or ``text``."""
    year_offset: int
    """For ``month_day``: how many years after the assessment year."""
    mark: str
    """``found``, ``seed`` or ``unverified``: whether somebody saw the source text."""
    source_zh: str

    def in_force(self, on: date) -> bool:
        """Whether the value holds on a day; both ends inclusive."""
        return (self.from_day is None or self.from_day <= on) and (self.to_day is None or on <= self.to_day)


@dataclass(frozen=True)
class Deadline:
    """A named, dated parameter of the edition (期限和法定参数)."""

    name: str
    title_zh: str
    values: tuple[DatedValue, ...]

    def value_on(self, day: date) -> DatedValue | None:
        """The value that holds on a day, ``None`` outside all of them."""
        return next((value for value in self.values if value.in_force(day)), None)


@dataclass(frozen=True)
class Check:
    """One validation rule as the edition words it (checks.yaml).

    ``params`` say what the rule kind looks at; the condition itself belongs to the rule kind in
    ``fazhi.validate``. Several checks may share one rule kind (one SUBSET per pair of indicators).
    """

    check_id: str
    rule: str
    severity: Severity
    params: Mapping[str, Any]
    looks_at_zh: str
    expects_zh: str
    message_zh: str
    message_en: str
    fix_zh: str
    legal_basis: str
    from_year: int | None
    to_year: int | None
    example_pass: Mapping[str, Any]
    example_fail: Mapping[str, Any]
    legal_basis_status: str = "unverified"
    """``found``, ``seed`` or ``unverified``; shown wherever the basis is shown."""

    def in_force(self, year: int) -> bool:
        """Whether the check applies to an assessment year."""
        return (self.from_year is None or self.from_year <= year) and (
            self.to_year is None or year <= self.to_year
        )


@dataclass(frozen=True)
class Edition:
    """An edition of the indicator system (指标体系版本) with its digest."""

    system_id: str
    title_zh: str
    title_en: str
    from_year: int
    to_year: int | None
    shares: Mapping[int | None, str]
    """Share of the leadership result by year as written; key ``None`` = every year."""
    total_points: Fraction
    profiles: tuple[Profile, ...]
    multipliers: Mapping[str, Fraction]
    grades: tuple[Grade, ...]
    top_grade_quota: Fraction
    cap_bonus: int
    cap_total: int
    """Hundredths of a point."""
    component_on_veto: str | int
    """``keep``, ``zero``, or the cap on R in hundredths."""
    deadlines: Mapping[str, Deadline]
    notes: str
    indicators: tuple[Indicator, ...]
    """In code order."""
    checks: tuple[Check, ...]
    digest: str = field(compare=False)

    @cached_property
    def by_code(self) -> Mapping[str, Indicator]:
        """Indicators by code."""
        return {indicator.code: indicator for indicator in self.indicators}

    def check_for(self, rule: str) -> Check:
        """The check that words a rule kind used once in the edition (all rules judged while reading are).

        Raises:
            KeyError: The edition has no check of that kind.
        """
        return self._first_check[rule]

    @cached_property
    def _first_check(self) -> Mapping[str, Check]:
        return {check.rule: check for check in reversed(self.checks)}

    def covers_year(self, year: int) -> bool:
        """Whether the edition is the one of an assessment year."""
        return self.from_year <= year and (self.to_year is None or year <= self.to_year)

    def share(self, year: int) -> str:
        """The component's share of the leadership total in a year, as written (≥ 0.10).

        Raises:
            ConfigurationError: The edition is still in force and its map ends before ``year``.
        """
        share = self.shares.get(year, self.shares.get(None))
        if share is None:
            raise ConfigurationError(
                f"指标体系 {self.system_id} 没有规定 {year} 年度的占比，"
                "请在 system.yaml 的 share 中补上（不低于 0.10）"
            )
        return share

    def profile_of(self, tags: frozenset[Tag]) -> Profile | None:
        """The first profile whose tags the unit has all of."""
        return next((profile for profile in self.profiles if profile.when <= tags), None)
