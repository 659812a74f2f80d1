"""Recording decisions. In: who decides what, and why. Out: rows of ``decision``.

Four eyes: who asked does not decide; the store refuses it as well. The same decision given twice is stored once.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, exists, insert, literal, not_, select

from fazhi.audit import Actor, Event, append
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.store import write
from fazhi.store.decisions import DecisionKey, in_force
from fazhi.store.tables import decision, finding, submission

VERDICTS = ("approve", "refuse", "withdraw")
_KIND_OF_SEVERITY = {"warn": "warning", "hold": "hold"}


@dataclass(frozen=True)
class Ruling:
    """A steward's ruling: the verdict, the reason, who asked for it and who gives it."""

    verdict: str
    reason: str
    decided_by: str
    requested_by: str = ""

    def checked(self) -> "Ruling":
        """The ruling itself.

        Raises:
            UsageError: An unknown verdict, no reason, no name, or the same person twice.
        """
        if self.verdict not in VERDICTS:
            raise UsageError(f"裁定只能是 {'、'.join(VERDICTS)}，收到“{self.verdict}”")
        if not self.reason.strip():
            raise UsageError("请写明理由")
        if not self.decided_by.strip():
            raise UsageError("请写明裁定人")
        if self.decided_by == self.requested_by:
            raise UsageError(f"申请人与裁定人不能是同一人({self.decided_by})")
        return self


def decide_not_applicable(
    engine: Engine, *, unit_code: str, indicator_code: str, period: str, ruling: Ruling, now: datetime
) -> bool:
    """Rule on a claim that an indicator does not apply to a unit in a period.

    Returns:
        Whether a new row was stored; ``False`` when the same ruling already stands.

    Raises:
        UsageError: The ruling is incomplete or the period unreadable.
    """
    year = _year_of(period)
    key = DecisionKey("not_applicable", unit_code, indicator_code, period, "", "")
    with write(engine) as connection:
        return _store(connection, key, year, ruling.checked(), now)


def decide_finding(engine: Engine, *, finding_id: int, ruling: Ruling, now: datetime) -> bool:
    """Rule on a warning (confirm it) or on a hold (release it); bound to the value the finding stands on.

    Raises:
        UsageError: No such finding, a finding that no decision can lift, or an incomplete ruling.
    """
    with write(engine) as connection:
        row = (
            connection.execute(select(finding).where(finding.c.finding_id == finding_id))
            .mappings()
            .one_or_none()
        )
        if row is None:
            raise UsageError(f"没有编号为 {finding_id} 的核验问题")
        kind = _KIND_OF_SEVERITY.get(row["severity"])
        if kind is None:
            raise UsageError(f"{row['rule']} 属于“{row['severity']}”级，只能由报送单位更正，不能裁定通过")
        key = DecisionKey(
            kind=kind,
            unit_code=row["unit_code"],
            indicator_code=row["indicator_code"] or "",
            period=row["period"],
            rule=row["rule"],
            value_digest=row["value_digest"] or "",
        )
        return _store(connection, key, row["year"], ruling.checked(), now)


def _year_of(period: str) -> int:
    try:
        return Period.parse(period).year
    except ValueError:
        raise UsageError(f"报送期“{period}”不可用，应写作 2024、2024-H1、2024-Q3 或 2024-07") from None


def _store(connection: Connection, key: DecisionKey, year: int, ruling: Ruling, now: datetime) -> bool:
    before = in_force(connection, year).get(key, "")
    if before == ruling.verdict:
        return False
    _insert(connection, key, year, ruling, now)
    append(
        connection,
        Actor(ruling.decided_by, ruling.decided_by),
        Event(
            action="decision.recorded",
            subject="/".join((str(year), key.unit_code, key.indicator_code, key.period)),
            at=now.isoformat(timespec="seconds"),
            before=before,
            after=ruling.verdict,
            details={
                "kind": key.kind,
                "rule": key.rule,
                "value_digest": key.value_digest,
                "reason": ruling.reason,
                "requested_by": ruling.requested_by,
            },
        ),
    )
    return True


def _insert(connection: Connection, key: DecisionKey, year: int, ruling: Ruling, now: datetime) -> None:
    """Add the decision unless its author submitted for the unit: the statement itself refuses.

    Raises:
        UsageError: Who submitted does not review.
    """
    values = {
        "kind": key.kind,
        "year": year,
        "unit_code": key.unit_code,
        "indicator_code": key.indicator_code,
        "period": key.period,
        "rule": key.rule,
        "value_digest": key.value_digest,
        "verdict": ruling.verdict,
        "reason": ruling.reason,
        "requested_by": ruling.requested_by,
        "decided_by": ruling.decided_by,
        "decided_at": now.isoformat(timespec="seconds"),
    }
    submitted_it = exists().where(
        submission.c.year == year,
        submission.c.sender_code == key.unit_code,
        submission.c.submitted_by == ruling.decided_by,
    )
    typed = [literal(value, decision.c[name].type) for name, value in values.items()]
    statement = insert(decision).from_select(list(values), select(*typed).where(not_(submitted_it)))
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    if done.rowcount != 1:
        raise UsageError(f"{ruling.decided_by} 报送过该单位{year}年度的材料，不能裁定它的数据，请由他人裁定")
