"""What the registry knows. In: checked rows. Out: effective-dated records (contracts/indicator-system.md).

Every interval of days is inclusive at both ends; ``None`` means still valid.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from fazhi.model.terms import Tag

ScoredBy = Literal["superior", "local", "both"]
SourceKind = Literal["submission", "office", "system"]


@dataclass(frozen=True)
class Unit:
    """One unit for a stretch of time; a rename or a change of tags is a further record with the same code."""

    unit_code: str
    name_zh: str
    name_en: str
    short_name_zh: str
    division_code: str
    level: str
    parent_code: str
    tags: frozenset[Tag]
    scored_by: ScoredBy
    valid_from: date
    valid_to: date | None
    successor_code: str

    def valid_on(self, day: date) -> bool:
        """Whether this record describes the unit on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    @property
    def is_region(self) -> bool:
        """Whether the unit is a region (旗县区) rather than a department."""
        return Tag.REGION in self.tags

    @property
    def is_scored(self) -> bool:
        """Whether the unit gets a result here; one scored by its superior is only listed (scoring.md)."""
        return self.scored_by in ("local", "both")


@dataclass(frozen=True)
class Alias:
    """A name under which a unit was or is also written."""

    unit_code: str
    alias_zh: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class LeadTask:
    """A lead task of a year and the indicators that it puts on its lead unit."""

    year: int
    task_id: str
    title_zh: str
    lead_unit_code: str
    co_unit_codes: tuple[str, ...]
    indicator_codes: tuple[str, ...]
    due: date | None


@dataclass(frozen=True)
class Adjustment:
    """A recorded bonus, deduction or veto event; it counts only with an approver other than its drafter."""

    year: int
    unit_code: str
    code: str
    level: str
    count: int
    indicator_code: str
    title_zh: str
    document: str
    drafted_by: str
    approved_by: str
    approved_on: date | None

    @property
    def counts(self) -> bool:
        """Whether the event counts: approved by somebody other than its drafter."""
        return bool(self.approved_by) and self.approved_by != self.drafted_by


@dataclass(frozen=True)
class Source:
    """Where figures come from and which body answers for them."""

    source: str
    name_zh: str
    kind: SourceKind
    authority_unit_code: str
    from_year: int | None
    to_year: int | None
    region: str = ""
    """Division code of the city whose units it is about; empty = all cities that have no row of their own."""

    def serves(self, year: int) -> bool:
        """Whether the source reports for a year."""
        return (self.from_year is None or self.from_year <= year) and (
            self.to_year is None or year <= self.to_year
        )
