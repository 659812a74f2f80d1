"""Editions in a list. In: a loaded edition. Out: one summary record for commands, reports and comparisons."""

from dataclasses import dataclass
from fractions import Fraction

from fazhi.model.exact import plain
from fazhi.systems.edition import Edition
from fazhi.systems.load import sum_of_marks
from fazhi.systems.wording import shares_zh, years_zh


@dataclass(frozen=True)
class EditionSummary:
    """What a list of editions says about one."""

    system_id: str
    title_zh: str
    title_en: str
    from_year: int
    to_year: int | None
    years_zh: str
    indicators: int
    """All rows, adjustment rows included."""
    weighted: int
    """Rows that carry weight."""
    full_marks: str
    """Sum of the full marks in force at the edition's end, plain decimal points."""
    share: str
    checks: int
    unverified: int
    """Rows whose legal basis nobody has verified."""
    digest: str


def describe(edition: Edition) -> EditionSummary:
    """Summarise an edition."""
    return EditionSummary(
        system_id=edition.system_id,
        title_zh=edition.title_zh,
        title_en=edition.title_en,
        from_year=edition.from_year,
        to_year=edition.to_year,
        years_zh=years_zh(edition),
        indicators=len(edition.indicators),
        weighted=sum(indicator.rule_type.carries_weight for indicator in edition.indicators),
        full_marks=plain(Fraction(sum_of_marks(edition), 100)),
        share=shares_zh(edition),
        checks=len(edition.checks),
        unverified=sum(indicator.legal_basis_status == "unverified" for indicator in edition.indicators),
        digest=edition.digest,
    )
