"""A year's final results as rows. In: a connection. Out: the proposals, how they ended, seals.

A region's life in a year, each move one committed transaction with its link in the audit chain:

    open ──propose──▶ publicised ──sign──▶ signed ──seal──▶ sealed ──propose──▶ correcting
      ▲                   │                                    ▲ ▲──withdraw────────┤
      └──────withdraw─────┘                                    └──────sign──────────┘

Rows are only added (the store refuses anything else), so a state is left by the row that ends it and never
entered again; there is no move that unseals.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, and_, select

from fazhi.model.canonical import digest
from fazhi.store.tables import final_outcome, final_proposal, final_proposal_unit, final_seal


class Kind(StrEnum):
    """What a proposal would make final."""

    FINAL = "final"
    CORRECTION = "correction"


class Phase(StrEnum):
    """Where a region's final results are."""

    OPEN = "open"
    PUBLICISED = "publicised"
    SIGNED = "signed"
    SEALED = "sealed"
    CORRECTING = "correcting"


PHASE_ZH = {
    Phase.OPEN: "尚未提出",
    Phase.PUBLICISED: "公示中",
    Phase.SIGNED: "已签发，待推送确认",
    Phase.SEALED: "已封存",
    Phase.CORRECTING: "已封存，更正待签发",
}

MOVES: frozenset[tuple[Phase, Phase]] = frozenset(
    {
        (Phase.OPEN, Phase.PUBLICISED),
        (Phase.PUBLICISED, Phase.OPEN),
        (Phase.PUBLICISED, Phase.SIGNED),
        (Phase.SIGNED, Phase.SEALED),
        (Phase.SEALED, Phase.CORRECTING),
        (Phase.CORRECTING, Phase.SEALED),
    }
)
"""Every move that there is."""


@dataclass(frozen=True)
class ProposedUnit:
    """What a unit would get: the digest of its result, and the numbers that are publicised."""

    unit_code: str
    unit_name: str
    content_digest: str
    score: str
    grade: str | None
    rank: int | None
    component: str
    correction_of: int | None = None


@dataclass(frozen=True)
class Draft:
    """A proposal before it is stored."""

    year: int
    region: str
    kind: Kind
    system_digest: str
    units: tuple[ProposedUnit, ...]

    @property
    def digest(self) -> str:
        """What a signature binds: every unit with the digest of its result and the version it corrects."""
        return proposal_digest(self.year, self.region, self.kind, self.units)


@dataclass(frozen=True)
class Proposal:
    """A stored proposal, and how it ended (``outcome`` empty while it is open)."""

    year: int
    region: str
    number: int
    kind: Kind
    digest: str
    units: int
    system_digest: str
    proposed_by: str
    proposed_name: str
    proposed_at: str
    objection_until: date | None
    outcome: str
    decided_name: str
    decided_at: str

    @property
    def is_open(self) -> bool:
        """Whether it was neither signed nor withdrawn."""
        return not self.outcome


@dataclass(frozen=True)
class Seal:
    """A sealed region of a year."""

    number: int
    digest: str
    units: int
    sealed_by: str
    sealed_at: str


def proposal_digest(year: int, region: str, kind: Kind, units: Sequence[ProposedUnit]) -> str:
    """SHA-256 over year, region, kind and each unit's code, result digest and corrected version."""
    bound = sorted((unit.unit_code, unit.content_digest, unit.correction_of) for unit in units)
    return digest([year, region, kind.value, [list(unit) for unit in bound]])


def proposals(connection: Connection, year: int, region: str | None = None) -> list[Proposal]:
    """The proposals of a year by region and number."""
    proposal, outcome = final_proposal.c, final_outcome.c
    same = and_(
        outcome.year == proposal.year, outcome.region == proposal.region, outcome.number == proposal.number
    )
    statement = (
        select(
            final_proposal,
            outcome.outcome.label("outcome"),
            outcome.decided_name.label("decided_name"),
            outcome.decided_at.label("decided_at"),
        )
        .outerjoin(final_outcome, same)
        .where(proposal.year == year)
        .order_by(proposal.region, proposal.number)
    )
    if region is not None:
        statement = statement.where(proposal.region == region)
    return [_proposal(row) for row in connection.execute(statement).mappings()]


def _proposal(row: Any) -> Proposal:
    until = row["objection_until"]
    return Proposal(
        year=row["year"],
        region=row["region"],
        number=row["number"],
        kind=Kind(row["kind"]),
        digest=row["digest"],
        units=row["units"],
        system_digest=row["system_digest"],
        proposed_by=row["proposed_by"],
        proposed_name=row["proposed_name"],
        proposed_at=row["proposed_at"],
        objection_until=None if until is None else date.fromisoformat(until),
        outcome=row["outcome"] or "",
        decided_name=row["decided_name"] or "",
        decided_at=row["decided_at"] or "",
    )


def proposed_units(connection: Connection, proposal: Proposal) -> tuple[ProposedUnit, ...]:
    """The units of a proposal, in code order."""
    unit = final_proposal_unit.c
    statement = select(final_proposal_unit).where(
        unit.year == proposal.year, unit.region == proposal.region, unit.number == proposal.number
    )
    rows = connection.execute(statement).mappings()
    names = (
        "unit_code",
        "unit_name",
        "content_digest",
        "score",
        "grade",
        "rank",
        "component",
        "correction_of",
    )
    found = (ProposedUnit(**{name: row[name] for name in names}) for row in rows)
    return tuple(sorted(found, key=lambda one: one.unit_code))


def seal_of(connection: Connection, year: int, region: str) -> Seal | None:
    """The seal of a region, if it has one."""
    row = (
        connection.execute(select(final_seal).where(final_seal.c.year == year, final_seal.c.region == region))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    return Seal(row["number"], row["digest"], row["units"], row["sealed_name"], row["sealed_at"])


def sealed_regions(connection: Connection, year: int) -> frozenset[str]:
    """The regions of a year that are sealed."""
    return frozenset(connection.scalars(select(final_seal.c.region).where(final_seal.c.year == year)))


def phase_of(history: Sequence[Proposal], seal: Seal | None) -> Phase:
    """Where a region is, by its proposals in order and its seal."""
    last = history[-1] if history else None
    if seal is not None:
        return Phase.CORRECTING if last is not None and last.is_open else Phase.SEALED
    if last is None or last.outcome == "withdrawn":
        return Phase.OPEN
    return Phase.PUBLICISED if last.is_open else Phase.SIGNED
