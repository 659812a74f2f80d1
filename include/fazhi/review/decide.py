"""Recording decisions. In: who decides what, and why. Out: rows of ``decision``.

Four eyes: who asked does not decide; the store refuses it as well. The same decision given twice is stored once:
rulings on one thing are numbered, and the store keeps each number once. A decision taken on a screen carries the
digest of what was shown (``fazhi.review.shown``); if that has changed meanwhile, nothing is stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, exists, func, insert, literal, not_, select, true
from sqlalchemy.exc import IntegrityError

from fazhi.audit import Actor, Event, append
from fazhi.model.errors import ChangedMeanwhile, UsageError
from fazhi.model.period import Period
from fazhi.review.shown import findings_in_force, require_unchanged
from fazhi.store import write
from fazhi.store.decisions import (
    CLAIM_RULE,
    DECISION_OF_SEVERITY,
    DecisionKey,
    key_of_finding,
    newest,
    same_key,
)
from fazhi.store.returns import is_sent
from fazhi.store.tables import decision, finding, submission

VERDICTS = ("approve", "refuse", "withdraw")


@dataclass(frozen=True)
class Ruling:
    """A steward's ruling: the verdict, the reason (of a refusal, as the department will read it), who asked and who rules."""

    verdict: str
    reason: str
    decided_by: str
    requested_by: str = ""
    decided_name: str = ""
    """The person behind the account ``decided_by``; the account itself where no name is known."""

    @property
    def actor(self) -> Actor:
        """Who rules, as the audit log names it."""
        return Actor(self.decided_by, self.decided_name or self.decided_by)

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
    key = DecisionKey.of_claim(unit_code, indicator_code, period)
    with write(engine) as connection:
        return rule_on(connection, key, year, ruling.checked(), now)


def decide_finding(engine: Engine, *, finding_id: int, ruling: Ruling, now: datetime) -> bool:
    """Rule on a warning (confirm it) or on a hold (release it); bound to the value the finding stands on.

    Raises:
        UsageError: No such finding, a finding that no decision can lift, or an incomplete ruling.
    """
    with write(engine) as connection:
        return rule_on_finding(connection, finding_id, ruling, now)


def rule_on_finding(connection: Connection, finding_id: int, ruling: Ruling, now: datetime) -> bool:
    """The same, inside the caller's write transaction.

    Raises:
        UsageError: No such finding, a finding that no decision can lift, or an incomplete ruling.
        ChangedMeanwhile: Somebody else ruled on it at the same moment.
    """
    row = (
        connection.execute(select(finding).where(finding.c.finding_id == finding_id)).mappings().one_or_none()
    )
    if row is None:
        raise UsageError(f"没有编号为 {finding_id} 的核验问题")
    if row["severity"] not in DECISION_OF_SEVERITY:
        raise UsageError(f"{row['rule']} 属于“{row['severity']}”级，只能由报送单位更正，不能裁定通过")
    return rule_on(connection, key_of_finding(row), row["year"], ruling.checked(), now)


def decide_shown(
    engine: Engine,
    submission_id: str,
    revision: int,
    finding_ids: Sequence[int],
    *,
    ruling: Ruling,
    shown: str,
    now: datetime,
) -> int:
    """Rule the same on some findings of a submission: all of them, or none.

    Args:
        engine: The store.
        submission_id: The submission on the screen.
        revision: Its revision.
        finding_ids: Findings in force on it that a steward decides on.
        ruling: The ruling.
        shown: ``shown_digest`` of what was on the screen.
        now: The present moment, with its offset.

    Returns:
        How many rulings were stored; 0 when all of them stand already (a second click).

    Raises:
        ChangedMeanwhile: What was shown is no longer so; nothing was stored.
        UsageError: Nothing was chosen, a finding is not of this submission, or the ruling cannot be given.
    """
    if not finding_ids:
        raise UsageError("没有选中任何问题，请先勾选")
    ruling.checked()
    with write(engine) as connection:
        here = {row["finding_id"]: row for row in findings_in_force(connection, submission_id, revision)}
        chosen = [here[number] for number in dict.fromkeys(finding_ids) if number in here]
        if chosen and all(_stands(connection, row, ruling) for row in chosen):
            return 0
        require_unchanged(connection, submission_id, revision, shown)
        if len(chosen) < len(set(finding_ids)):
            raise UsageError("所选的问题不在这份报送上，请重新打开页面")
        return sum(rule_on_finding(connection, row["finding_id"], ruling, now) for row in chosen)


def undo_decision(engine: Engine, decision_id: int, *, by: Actor, reason: str, now: datetime) -> bool:
    """Take back one's own ruling while the department has not been told.

    Returns:
        Whether a row was stored; ``False`` when it was taken back already.

    Raises:
        UsageError: No such ruling, another one stands since, somebody else's, or the department has been told.
    """
    with write(engine) as connection:
        row = (
            connection.execute(select(decision).where(decision.c.decision_id == decision_id))
            .mappings()
            .one_or_none()
        )
        if row is None:
            raise UsageError(f"没有编号为 {decision_id} 的裁定")
        if row["decided_by"] != by.actor_id:
            raise UsageError(f"这项裁定由 {row['decided_by']} 作出，只能由本人撤销")
        key = DecisionKey(**{name: row[name] for name in DecisionKey.__dataclass_fields__})
        if newest(connection, row["year"], key) == "withdraw":
            return False
        later = select(func.max(decision.c.decision_id)).where(*same_key(row["year"], key))
        if connection.execute(later).scalar_one() != decision_id:
            raise UsageError("之后又有新的裁定，不能撤销这一项；请重新查看")
        if told_since(connection, key, row["decided_at"]):
            raise UsageError("审核结果已经告知报送单位，不能撤销；需要改变的，请作出新的裁定")
        ruling = Ruling("withdraw", reason.strip() or "撤销", by.actor_id, row["requested_by"], by.name)
        return rule_on(connection, key, row["year"], ruling, now)


def _stands(connection: Connection, row: Mapping[str, Any], ruling: Ruling) -> bool:
    """Whether the same person gave the same ruling on a finding, and it is the newest."""
    if row["severity"] not in DECISION_OF_SEVERITY:
        return False
    statement = (
        select(decision.c.verdict, decision.c.decided_by)
        .where(*same_key(row["year"], key_of_finding(row)))
        .order_by(decision.c.decision_id.desc())
        .limit(1)
    )
    given = connection.execute(statement).one_or_none()
    return given is not None and tuple(given) == (ruling.verdict, ruling.decided_by)


def told_since(connection: Connection, key: DecisionKey, since: str) -> bool:
    """Whether the portal was written to, since a moment, about a submission on which the thing decided stands."""
    is_claim = key.kind == "not_applicable"
    about = select(finding.c.submission_id, finding.c.revision).where(
        finding.c.unit_code == key.unit_code,
        func.coalesce(finding.c.indicator_code, "") == key.indicator_code,
        finding.c.period == key.period,
        finding.c.rule == (CLAIM_RULE if is_claim else key.rule),
        true() if is_claim else func.coalesce(finding.c.value_digest, "") == key.value_digest,
    )
    sent = {tuple(row) for row in connection.execute(about.distinct())}
    return any(is_sent(connection, submission_id, revision, since) for submission_id, revision in sent)


def _year_of(period: str) -> int:
    try:
        return Period.parse(period).year
    except ValueError:
        raise UsageError(f"报送期“{period}”不可用，应写作 2024、2024-H1、2024-Q3 或 2024-07") from None


def rule_on(connection: Connection, key: DecisionKey, year: int, ruling: Ruling, now: datetime) -> bool:
    """Add a ruling on a thing, unless the same one stands.

    Raises:
        UsageError: Who rules submitted for the unit.
        ChangedMeanwhile: Somebody else ruled on it at the same moment.
    """
    before = newest(connection, year, key)
    if before == ruling.verdict:
        return False
    try:
        _insert(connection, key, year, ruling, now)
    except IntegrityError as refused:
        raise ChangedMeanwhile("同时有人作了裁定，请重新查看后再定") from refused
    append(
        connection,
        ruling.actor,
        Event(
            action="decision.recorded",
            subject="/".join((str(year), key.unit_code, key.indicator_code, key.period)),
            at=now.isoformat(timespec="seconds"),
            before=before or "",
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
    number = select(func.count() + 1).select_from(decision).where(*same_key(year, key)).scalar_subquery()
    statement = insert(decision).from_select(
        [*values, "ordinal"], select(*typed, number).where(not_(submitted_it))
    )
    done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    if done.rowcount != 1:
        raise UsageError(f"{ruling.decided_by} 报送过该单位{year}年度的材料，不能裁定它的数据，请由他人裁定")
