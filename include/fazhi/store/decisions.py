"""Decisions of stewards. In: rows of ``decision``. Out: the decisions in force, for validation and scoring.

Rows are only added; for each key the newest verdict stands, so a later ``refuse`` or ``withdraw`` ends an approval. A
decision on a finding is bound to the digest of the value it was taken on and lapses when the value changes
(contracts/indicator-system.md, Severities).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, select, true

from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import RULED_TOLD_ZH
from fazhi.store.tables import decision

DecisionKind = Literal["not_applicable", "warning", "hold"]
DECISION_OF_SEVERITY: Mapping[str, DecisionKind] = {"warn": "warning", "hold": "hold"}
"""The severities that a steward decides on, and what their decisions are called."""
CLAIM_RULE = "NA_UNAPPROVED"
"""The rule that finds a claim of 不适用 that nobody has approved: the ruling is one on the claim."""


@dataclass(frozen=True)
class DecisionKey:
    """What a decision is about. ``rule`` and ``value_digest`` are empty for an approved 不适用."""

    kind: str
    unit_code: str
    indicator_code: str
    period: str
    rule: str
    value_digest: str

    @classmethod
    def of_claim(cls, unit_code: str, indicator_code: str, period: str) -> "DecisionKey":
        """A claim that an indicator does not apply to a unit in a period."""
        return cls("not_applicable", unit_code, indicator_code, period, "", "")


class Ruled(NamedTuple):
    """What stands on a thing: the newest verdict (``approve``, ``refuse``, ``withdraw``) and the reason given for it."""

    verdict: str
    reason: str

    @property
    def told_zh(self) -> str:
        """What the department reads of it; empty where it was withdrawn.

        The reason of a refusal is told, for without it nobody knows what to put right. Why something was confirmed
        is for the records.
        """
        told = RULED_TOLD_ZH.get(self.verdict, "")
        if self.verdict != "refuse":
            return told and f"{told}。"
        return f"{told}：{mask_personal_data(self.reason).text.rstrip('。')}。"


def key_of_finding(row: Mapping[str, Any] | RowMapping) -> DecisionKey:
    """What a decision on a finding (a row of ``finding`` that a steward decides on) is about.

    Raises:
        KeyError: Nobody decides on a finding of its severity.
    """
    return DecisionKey(
        kind=DECISION_OF_SEVERITY[row["severity"]],
        unit_code=row["unit_code"],
        indicator_code=row["indicator_code"] or "",
        period=row["period"],
        rule=row["rule"],
        value_digest=row["value_digest"] or "",
    )


def key_ruled_on(row: Mapping[str, Any] | RowMapping) -> DecisionKey | None:
    """What a ruling that bears on a finding is about: the finding, or the claim of 不适用 that it finds; ``None`` for all others."""
    if row["severity"] in DECISION_OF_SEVERITY:
        return key_of_finding(row)
    if row["rule"] != CLAIM_RULE:
        return None
    return DecisionKey.of_claim(row["unit_code"], row["indicator_code"] or "", row["period"])


def same_key(year: int, key: DecisionKey) -> list[ColumnElement[bool]]:
    """The conditions under which a row of ``decision`` is about a thing."""
    return [decision.c.year == year, *(decision.c[name] == text for name, text in vars(key).items())]


def newest(connection: Connection, year: int, key: DecisionKey) -> str | None:
    """The newest verdict on one thing; ``None`` where nobody ruled."""
    statement = (
        select(decision.c.verdict)
        .where(*same_key(year, key))
        .order_by(decision.c.decision_id.desc())
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()


def newest_rows(
    connection: Connection, year: int, units: Collection[str] | None = None
) -> Mapping[DecisionKey, RowMapping]:
    """The newest row of ``decision`` on each thing of a year that somebody ruled on, about some units if told."""
    about = true() if units is None else decision.c.unit_code.in_(units)
    statement = select(decision).where(decision.c.year == year, about).order_by(decision.c.decision_id)
    return {
        DecisionKey(**{name: row[name] for name in DecisionKey.__dataclass_fields__}): row
        for row in connection.execute(statement).mappings()
    }


def rulings_on(connection: Connection, year: int, found: Iterable[Mapping[str, Any]]) -> Mapping[int, Ruled]:
    """What stands on each of some rows of ``finding``, by its ``finding_id``; none where nobody ruled."""
    keys = {row["finding_id"]: key_ruled_on(row) for row in found}
    newest_of = rulings(connection, year, {key.unit_code for key in keys.values() if key is not None})
    return {one: newest_of[key] for one, key in keys.items() if key is not None and key in newest_of}


def rulings(
    connection: Connection, year: int, units: Collection[str] | None = None
) -> Mapping[DecisionKey, Ruled]:
    """What stands on each thing of a year that somebody ruled on, about some units if told."""
    return {
        key: Ruled(row["verdict"], row["reason"]) for key, row in newest_rows(connection, year, units).items()
    }


def in_force(
    connection: Connection, year: int, units: Collection[str] | None = None
) -> Mapping[DecisionKey, str]:
    """The newest verdict (``approve``, ``refuse``, ``withdraw``) of each key of a year, of some units if told."""
    return {key: ruled.verdict for key, ruled in rulings(connection, year, units).items()}


def approved(
    connection: Connection, year: int, kind: DecisionKind, units: Collection[str] | None = None
) -> frozenset[DecisionKey]:
    """The keys of a kind whose newest verdict is an approval."""
    return frozenset(
        key
        for key, verdict in in_force(connection, year, units).items()
        if key.kind == kind and verdict == "approve"
    )
