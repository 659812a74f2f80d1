"""Decisions of stewards. In: rows of ``decision``. Out: the decisions in force, for validation and scoring.

Rows are only added; for each key the newest verdict stands, so a later ``refuse`` or ``withdraw`` ends an approval. A
decision on a finding is bound to the digest of the value it was taken on and lapses when the value changes
(contracts/indicator-system.md, Severities).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select, true

from fazhi.store.tables import decision

DecisionKind = Literal["not_applicable", "warning", "hold"]


@dataclass(frozen=True)
class DecisionKey:
    """What a decision is about. ``rule`` and ``value_digest`` are empty for an approved 不适用."""

    kind: str
    unit_code: str
    indicator_code: str
    period: str
    rule: str
    value_digest: str


def in_force(
    connection: Connection, year: int, units: Collection[str] | None = None
) -> Mapping[DecisionKey, str]:
    """The newest verdict (``approve``, ``refuse``, ``withdraw``) of each key of a year, of some units if told."""
    about = true() if units is None else decision.c.unit_code.in_(units)
    rows = connection.execute(
        select(decision).where(decision.c.year == year, about).order_by(decision.c.decision_id)
    ).mappings()
    return {
        DecisionKey(
            kind=row["kind"],
            unit_code=row["unit_code"],
            indicator_code=row["indicator_code"],
            period=row["period"],
            rule=row["rule"],
            value_digest=row["value_digest"],
        ): row["verdict"]
        for row in rows
    }


def approved(
    connection: Connection, year: int, kind: DecisionKind, units: Collection[str] | None = None
) -> frozenset[DecisionKey]:
    """The keys of a kind whose newest verdict is an approval."""
    return frozenset(
        key
        for key, verdict in in_force(connection, year, units).items()
        if key.kind == kind and verdict == "approve"
    )
