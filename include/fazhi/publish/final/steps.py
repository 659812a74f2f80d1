"""The moves of a year's final results. In: a write transaction and who acts. Out: added rows and an audit link.

Every function checks, adds its rows and appends to the audit chain in the caller's transaction: all of it is
true, or none. What Python checks first to tell a person why, the statement that adds the row checks again.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Integer,
    String,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from fazhi.audit import Actor, Event, append
from fazhi.model.errors import ChangedMeanwhile, SystemFault, UsageError
from fazhi.model.terms import OutboxState
from fazhi.publish.final.records import (
    Draft,
    Kind,
    Phase,
    Proposal,
    phase_of,
    proposals,
    seal_of,
)
from fazhi.publish.final.signers import Official
from fazhi.publish.final.windows import Windows
from fazhi.store.tables import (
    appeal,
    appeal_decision,
    decision,
    final_outcome,
    final_proposal,
    final_proposal_unit,
    final_seal,
    final_version,
    outbox,
    result_adjustment,
    submission,
    year_lock,
)

KeepResults = Callable[[], Mapping[str, int]]
"""Stores the proposed results in the same transaction; unit code → version."""


def propose(
    connection: Connection, draft: Draft, by: Official, reason: str, windows: Windows, now: datetime
) -> Proposal:
    """Publicise a region's final results inside the house, or propose corrections of sealed ones.

    From now on the year's values are locked. Only one proposal of a region is open at a time.

    Args:
        connection: A write transaction.
        draft: What is proposed.
        by: Who proposes.
        reason: Why; a correction needs it.
        windows: The time limits of the year.
        now: The present moment, with its offset.

    Raises:
        UsageError: The region is in another state, nothing is proposed, the year runs still, or decisions in
            force were taken by who submitted the value.
        ConfigurationError: No time limit, or no holiday notice.
    """
    _lock_life(connection, draft.year, draft.region)
    history = proposals(connection, draft.year, draft.region)
    phase = phase_of(history, seal_of(connection, draft.year, draft.region))
    _check_draft(connection, draft, phase, reason, now)
    number = len(history) + 1
    until = windows.objection_until(now.date()) if draft.kind is Kind.FINAL else None
    head = {"year": draft.year, "region": draft.region, "number": number}
    _once(
        connection,
        insert(final_proposal).values(
            **head,
            kind=draft.kind.value,
            digest=draft.digest,
            units=len(draft.units),
            system_digest=draft.system_digest,
            reason=reason,
            proposed_by=by.actor.actor_id,
            proposed_name=by.actor.name,
            proposed_at=moment(now),
            objection_until=None if until is None else until.isoformat(),
        ),
        "同时有人提出了最终结果，请重新查看状态",
    )
    connection.execute(insert(final_proposal_unit), [head | vars(unit) for unit in draft.units])
    _lock(connection, draft.year, draft.region, "最终结果公示" if until else "更正待签发", now)
    append(
        connection,
        by.actor,
        Event(
            f"{draft.kind.value}.proposed",
            f"{draft.year}/{draft.region}/{number}",
            moment(now),
            after=draft.digest,
            details={"units": len(draft.units), "objection_until": str(until or ""), "reason": reason},
        ),
    )
    return proposals(connection, draft.year, draft.region)[-1]


def _check_draft(connection: Connection, draft: Draft, phase: Phase, reason: str, now: datetime) -> None:
    wanted = Phase.OPEN if draft.kind is Kind.FINAL else Phase.SEALED
    if phase is not wanted:
        raise UsageError(_why_not_proposed(draft, phase))
    if not draft.units:
        nothing = (
            "没有任何单位的结果" if draft.kind is Kind.FINAL else "重算结果与封存结果一致，没有需要更正的内容"
        )
        raise UsageError(f"{draft.year}年 {draft.region}：{nothing}")
    if draft.kind is Kind.CORRECTION and not reason.strip():
        raise UsageError("提出更正须写明理由")
    if now.date() <= date(draft.year, 12, 31):
        raise UsageError(f"{draft.year}年度还没有结束，不能提出最终结果")
    judged_by_submitter = list(connection.execute(_judged_by_submitter(draft.year)))
    if judged_by_submitter:
        listed = "、".join(
            f"{row.unit_code} {row.indicator_code}（{row.decided_by}）" for row in judged_by_submitter
        )
        raise UsageError(f"报送人不得裁定本单位的数据，请由他人重新裁定后再提出：{listed}")


def _why_not_proposed(draft: Draft, phase: Phase) -> str:
    place = f"{draft.year}年 {draft.region} "
    if draft.kind is Kind.CORRECTION and phase in (Phase.OPEN, Phase.PUBLICISED, Phase.SIGNED):
        return place + "还没有封存，不走更正程序"
    told = {
        Phase.PUBLICISED: "的最终结果正在公示；结果有变动的，先撤回再重新提出",
        Phase.SIGNED: "的最终结果已签发，等待推送确认后封存",
        Phase.SEALED: "已封存，不能重新提出，只能提出更正",
        Phase.CORRECTING: "已有一份更正等待签发",
    }
    return place + told[phase]


def _judged_by_submitter(year: int) -> Any:
    """Newest decisions on a unit's value that were taken by an account which submitted for that unit."""
    later = decision.alias("later")
    keys = ("kind", "year", "unit_code", "indicator_code", "period", "rule", "value_digest")
    replaced = exists().where(
        later.c.decision_id > decision.c.decision_id, *(later.c[key] == decision.c[key] for key in keys)
    )
    sent = exists().where(
        submission.c.year == decision.c.year,
        submission.c.sender_code == decision.c.unit_code,
        submission.c.submitted_by == decision.c.decided_by,
    )
    return (
        select(decision.c.unit_code, decision.c.indicator_code, decision.c.decided_by)
        .where(decision.c.year == year, decision.c.verdict == "approve", sent, not_(replaced))
        .order_by(decision.c.unit_code, decision.c.indicator_code)
    )


def withdraw(
    connection: Connection, year: int, region: str, by: Official, reason: str, now: datetime
) -> Proposal:
    """Take back an open proposal; the year's values may be resubmitted again.

    Raises:
        UsageError: No proposal is open, no reason, or it is somebody else's and the role does not sign.
    """
    _lock_life(connection, year, region)
    proposal = open_proposal(connection, year, region)
    if not reason.strip():
        raise UsageError("撤回须写明理由")
    if by.actor.actor_id != proposal.proposed_by and not by.role.signs:
        raise UsageError(f"只有提出人（{proposal.proposed_name}）或有权签发的人可以撤回")
    _end(connection, proposal, "withdrawn", by, reason, now, ())
    if proposal.kind is Kind.FINAL or _upheld_requests(connection, proposal):
        _lift(connection, year, region, now)
    append(
        connection,
        by.actor,
        Event(
            f"{proposal.kind.value}.withdrawn",
            f"{year}/{region}/{proposal.number}",
            moment(now),
            before=proposal.digest,
            details={"reason": reason},
        ),
    )
    return proposal


@dataclass(frozen=True)
class Signing:
    """What a signature is asked for: the digest that the signer read, and what the results are now."""

    year: int
    region: str
    digest: str
    recomputed_digest: str
    barred: frozenset[str] = frozenset()
    """Accounts that drafted or approved adjustments of the year, from the registry."""


def sign(
    connection: Connection, signing: Signing, by: Official, keep: KeepResults, now: datetime
) -> Proposal:
    """Sign an open proposal for exactly the digest that was read; the results become final.

    Args:
        connection: A write transaction.
        signing: The digest read and the digest of the results as recomputed in this transaction.
        by: Who signs; must have a role that signs.
        keep: Stores the results.
        now: The present moment.

    Raises:
        UsageError: Anything speaks against it (all reasons listed); nothing is stored.
        ChangedMeanwhile: As that, and the digest is not that of what would be signed now.
    """
    _lock_life(connection, signing.year, signing.region)
    proposal = open_proposal(connection, signing.year, signing.region)
    guards = _obstacles(proposal, by.actor, now.date())
    changed = list(_digest_faults(signing, proposal))
    against = [*changed, *_role_faults(signing, by)]
    if by.actor.actor_id == proposal.proposed_by:
        against.append("提出人不能签发自己提出的结果")
    against += [why for why, holds in guards.items() if connection.scalar(select(holds))]
    if against:
        stop = ChangedMeanwhile if changed else UsageError
        raise stop("不能签发：" + "；".join(against) + "。什么也没有保存。")
    _end(connection, proposal, "signed", by, "", now, guards.values())
    versions = keep()
    corrects: dict[str, int | None] = dict(
        connection.execute(
            select(final_proposal_unit.c.unit_code, final_proposal_unit.c.correction_of).where(
                *_same(final_proposal_unit, proposal)
            )
        ).all()
    )
    connection.execute(
        insert(final_version),
        [
            {
                "year": proposal.year,
                "unit_code": code,
                "version": version,
                "region": proposal.region,
                "number": proposal.number,
                "correction_of": corrects[code],
            }
            for code, version in sorted(versions.items())
        ],
    )
    append(
        connection,
        by.actor,
        Event(
            f"{proposal.kind.value}.signed",
            f"{proposal.year}/{proposal.region}/{proposal.number}",
            moment(now),
            before=proposal.digest,
            after=signing.recomputed_digest,
            details={"role": by.role.value, "versions": dict(sorted(versions.items()))},
        ),
    )
    return proposal


def _digest_faults(signing: Signing, proposal: Proposal) -> Iterable[str]:
    if signing.digest != proposal.digest:
        yield f"所签摘要 {signing.digest[:12]} 不是提出的摘要 {proposal.digest[:12]}"
    if signing.recomputed_digest != proposal.digest:
        yield (
            f"提出以后结果有了变动（提出时 {proposal.digest[:12]}，现在 {signing.recomputed_digest[:12]}），"
            "请撤回后重新提出"
        )


def _role_faults(signing: Signing, by: Official) -> Iterable[str]:
    if not by.role.signs:
        yield "只有考评负责人或指定的代理人可以签发"
    if {by.actor.actor_id, by.actor.name} & signing.barred:
        yield "本年度加减分事件的起草人、批准人不能签发"


def _obstacles(proposal: Proposal, actor: Actor, today: date) -> dict[str, ColumnElement[bool]]:
    """What keeps somebody from signing, as SQL: told to the person, and checked again by the insert."""
    who, year = (actor.actor_id, actor.name), proposal.year
    decided = exists().where(
        decision.c.year == year, or_(decision.c.decided_by.in_(who), decision.c.requested_by.in_(who))
    )
    adjusted = exists().where(
        result_adjustment.c.year == year,
        or_(result_adjustment.c.drafted_by.in_(who), result_adjustment.c.approved_by.in_(who)),
    )
    sent = exists().where(submission.c.year == year, submission.c.submitted_by.in_(who))
    judged = exists().where(
        appeal.c.appeal_id == appeal_decision.c.appeal_id,
        appeal.c.year == year,
        appeal_decision.c.decided_by.in_(who),
    )
    obstacles: dict[str, ColumnElement[bool]] = {
        "本年度裁定或申请过核验问题、不适用的人不能签发": decided,
        "本年度加减分事件的起草人、批准人不能签发": adjusted,
        "本年度报送过材料的人不能签发": sent,
        "本年度处理过申诉的人不能签发": judged,
    }
    if proposal.kind is Kind.FINAL:
        obstacles |= _obstacles_of_publicity(proposal, today)
    return obstacles


def _obstacles_of_publicity(proposal: Proposal, today: date) -> dict[str, ColumnElement[bool]]:
    until = final_proposal.c.objection_until
    running = exists().where(*_same(final_proposal, proposal), until >= today.isoformat())
    undecided = exists().where(
        appeal.c.year == proposal.year,
        appeal.c.region == proposal.region,
        appeal.c.kind == "appeal",
        not_(exists().where(appeal_decision.c.appeal_id == appeal.c.appeal_id)),
    )
    upheld = exists().where(
        *_same(appeal, proposal),
        appeal_decision.c.appeal_id == appeal.c.appeal_id,
        appeal_decision.c.verdict == "upheld",
    )
    return {
        f"公示期到 {proposal.objection_until} 才满": running,
        "还有申诉没有处理": undecided,
        "有申诉成立，须撤回、重算后重新提出": upheld,
    }


def seal(connection: Connection, year: int, region: str, by: Actor, now: datetime) -> bool:
    """Seal a region whose final results are all confirmed by reading them back from the platform.

    Returns:
        Whether it was sealed now; ``False`` when it was sealed before.

    Raises:
        UsageError: It is not signed, or results are not confirmed yet.
    """
    _lock_life(connection, year, region)
    if seal_of(connection, year, region) is not None:
        return False
    history = proposals(connection, year, region)
    if phase_of(history, None) is not Phase.SIGNED:
        raise UsageError(f"{year}年 {region} 的最终结果还没有签发，不能封存")
    proposal = history[-1]
    waiting = _unconfirmed(proposal)
    missing = sorted(connection.scalars(select(final_version.c.unit_code).where(*waiting)))
    if missing:
        raise UsageError(
            f"{year}年 {region} 还有 {len(missing)} 个单位的最终结果未经平台确认，不能封存：{'、'.join(missing[:10])}"
        )
    values: dict[str, Any] = {
        "year": literal(year, Integer),
        "region": literal(region, String),
        "number": literal(proposal.number, Integer),
        "digest": literal(proposal.digest, String),
        "units": literal(proposal.units, Integer),
        "sealed_by": literal(by.actor_id, String),
        "sealed_name": literal(by.name, String),
        "sealed_at": literal(moment(now), String),
    }
    source = select(*values.values()).where(not_(exists().where(*waiting)))
    _once(
        connection,
        insert(final_seal).from_select(list(values), source),
        "同时已被封存，请重新查看状态",
        must=1,
    )
    append(
        connection,
        by,
        Event(
            "final.sealed",
            f"{year}/{region}/{proposal.number}",
            moment(now),
            after=proposal.digest,
            details={"units": proposal.units},
        ),
    )
    return True


def _unconfirmed(proposal: Proposal) -> tuple[ColumnElement[bool], ...]:
    """Final versions of a proposal that the platform has not been seen to hold."""
    confirmed = exists().where(
        outbox.c.year == final_version.c.year,
        outbox.c.unit_code == final_version.c.unit_code,
        outbox.c.version == final_version.c.version,
        outbox.c.state == OutboxState.CONFIRMED.value,
    )
    return (*_same(final_version, proposal), not_(confirmed))


def unconfirmed_finals(connection: Connection, proposal: Proposal) -> int:
    """How many results of a signed proposal are not confirmed by the platform yet."""
    counted = select(func.count()).select_from(final_version).where(*_unconfirmed(proposal))
    return connection.execute(counted).scalar_one()


def file_appeal(
    connection: Connection,
    *,
    year: int,
    region: str,
    unit_code: str,
    indicator_code: str,
    statement: str,
    by: Actor,
    windows: Windows,
    now: datetime,
) -> tuple[int, str]:
    """Record an objection to publicised results; after the signature it is a request for a correction.

    Returns:
        The appeal's number, and ``appeal`` or ``correction_request``.

    Raises:
        UsageError: Nothing was publicised, the unit is not among it, or something is left empty.
    """
    _lock_life(connection, year, region)
    if not statement.strip() or not by.actor_id.strip():
        raise UsageError("请写明申诉人和申诉内容")
    history = [one for one in proposals(connection, year, region) if one.kind is Kind.FINAL]
    if not history or history[-1].outcome == "withdrawn":
        raise UsageError(f"{year}年 {region} 没有正在公示或已签发的最终结果，不能申诉")
    proposal = history[-1]
    publicised = exists().where(
        *_same(final_proposal_unit, proposal), final_proposal_unit.c.unit_code == unit_code
    )
    if not connection.scalar(select(publicised)):
        raise UsageError(f"公示的最终结果里没有单位 {unit_code}")
    kind = "appeal" if proposal.is_open else "correction_request"
    until = proposal.objection_until
    late = kind == "appeal" and until is not None and now.date() > until
    inserted = connection.execute(
        insert(appeal).values(
            year=year,
            region=region,
            number=proposal.number,
            kind=kind,
            unit_code=unit_code,
            indicator_code=indicator_code,
            statement=statement,
            late=int(late),
            decide_by=windows.decide_by(now.date()).isoformat(),
            filed_by=by.actor_id,
            filed_name=by.name,
            filed_at=moment(now),
        )
    )
    appeal_id = int(_key_of(inserted))
    append(
        connection,
        by,
        Event(
            f"{kind}.filed",
            f"{year}/{region}/{unit_code}",
            moment(now),
            details={"appeal": appeal_id, "indicator": indicator_code, "late": late},
        ),
    )
    return appeal_id, kind


def decide_appeal(
    connection: Connection, appeal_id: int, verdict: str, reason: str, by: Official, now: datetime
) -> str:
    """Decide an appeal or a request for a correction; not by who filed it or submitted for the unit.

    An upheld appeal blocks the signature until the results were recomputed and proposed again; an upheld request
    opens the year's values for the resubmission that the correction needs.

    Returns:
        ``appeal`` or ``correction_request``.

    Raises:
        UsageError: No such appeal, decided before, an unknown verdict, no reason, or the wrong person.
    """
    if verdict not in ("upheld", "rejected") or not reason.strip():
        raise UsageError("处理申诉须写“成立”（upheld）或“不成立”（rejected），并写明理由")
    found = connection.execute(select(appeal).where(appeal.c.appeal_id == appeal_id)).mappings().one_or_none()
    if found is None:
        raise UsageError(f"没有编号为 {appeal_id} 的申诉")
    _lock_life(connection, found["year"], found["region"])
    who = (by.actor.actor_id, by.actor.name)
    if found["filed_by"] in who:
        raise UsageError("申诉人不能处理自己的申诉")
    sent = exists().where(
        submission.c.year == found["year"],
        submission.c.sender_code == found["unit_code"],
        submission.c.submitted_by.in_(who),
    )
    if connection.scalar(select(sent)):
        raise UsageError("报送过该单位材料的人不能处理它的申诉")
    values: dict[str, Any] = {
        "appeal_id": literal(appeal_id, Integer),
        "filed_by": literal(found["filed_by"], String),
        "verdict": literal(verdict, String),
        "reason": literal(reason, String),
        "decided_by": literal(by.actor.actor_id, String),
        "decided_name": literal(by.actor.name, String),
        "decided_at": literal(moment(now), String),
    }
    source = select(*values.values()).where(not_(sent))
    _once(
        connection,
        insert(appeal_decision).from_select(list(values), source),
        f"申诉 {appeal_id} 已经处理过",
        must=1,
    )
    if verdict == "upheld" and found["kind"] == "correction_request":
        _lift(connection, found["year"], found["region"], now)
    append(
        connection,
        by.actor,
        Event(
            f"{found['kind']}.{verdict}",
            f"{found['year']}/{found['region']}/{found['unit_code']}",
            moment(now),
            details={"appeal": appeal_id, "reason": reason},
        ),
    )
    return str(found["kind"])


def _key_of(inserted: CursorResult[Any]) -> Any:
    keys = inserted.inserted_primary_key
    if keys is None:
        raise SystemFault("数据库没有给出新记录的编号")
    return keys[0]


def open_proposal(connection: Connection, year: int, region: str) -> Proposal:
    """The open proposal of a region.

    Raises:
        UsageError: There is none.
    """
    history = proposals(connection, year, region)
    if not history:
        raise UsageError(f"{year}年 {region} 还没有提出最终结果")
    last = history[-1]
    if last.outcome == "signed":
        raise UsageError(
            f"{year}年 {region} 的第 {last.number} 次提出已由{last.decided_name}于 {last.decided_at} 签发"
        )
    if last.outcome == "withdrawn":
        raise UsageError(f"{year}年 {region} 的第 {last.number} 次提出已撤回，请重新提出")
    return last


def _end(
    connection: Connection,
    proposal: Proposal,
    outcome: str,
    by: Official,
    reason: str,
    now: datetime,
    guards: Iterable[ColumnElement[bool]],
) -> None:
    values: dict[str, Any] = {
        "year": literal(proposal.year, Integer),
        "region": literal(proposal.region, String),
        "number": literal(proposal.number, Integer),
        "outcome": literal(outcome, String),
        "digest": literal(proposal.digest, String),
        "proposed_by": literal(proposal.proposed_by, String),
        "decided_by": literal(by.actor.actor_id, String),
        "decided_name": literal(by.actor.name, String),
        "decided_as": literal(by.role.value, String),
        "decided_at": literal(moment(now), String),
        "reason": cast(literal(reason), String),
    }
    source = select(*values.values()).where(and_(*(not_(guard) for guard in guards), literal(1) == 1))
    told = f"{proposal.year}年 {proposal.region} 的第 {proposal.number} 次提出已由他人签发或撤回"
    _once(connection, insert(final_outcome).from_select(list(values), source), told, must=1)


def _once(connection: Connection, statement: Any, told: str, *, must: int = 0) -> None:
    """Add a row that may exist once; somebody else's row tells a person, not a traceback."""
    try:
        done = connection.execute(statement, execution_options={"preserve_rowcount": True})
    except IntegrityError as error:
        raise UsageError(told) from error
    if must and done.rowcount != must:
        raise UsageError("办理条件在提交时已经变化，什么也没有保存，请重新查看状态")


def _lock_life(connection: Connection, year: int, region: str) -> None:
    """One move of a region's life at a time; on SQLite the write transaction is that already."""
    rows = final_proposal.c
    connection.execute(
        select(rows.number).where(rows.year == year, rows.region == region).with_for_update()
    ).all()


def _lock(connection: Connection, year: int, region: str, reason: str, now: datetime) -> None:
    held = exists().where(
        year_lock.c.year == year, year_lock.c.region == region, year_lock.c.lifted_at.is_(None)
    )
    if connection.scalar(select(held)):
        return
    row = {"year": year, "region": region, "locked_at": moment(now)}
    again = connection.execute(
        update(year_lock).where(*(year_lock.c[name] == row[name] for name in row)).values(lifted_at=None)
    )
    if not again.rowcount:  # otherwise it was lifted within this second, and the same lock goes on
        connection.execute(insert(year_lock).values(**row, reason=reason))


def _lift(connection: Connection, year: int, region: str, now: datetime) -> None:
    connection.execute(
        update(year_lock)
        .where(year_lock.c.year == year, year_lock.c.region == region, year_lock.c.lifted_at.is_(None))
        .values(lifted_at=moment(now))
    )


def _upheld_requests(connection: Connection, proposal: Proposal) -> bool:
    """Whether a request for a correction was upheld that no signed correction has answered yet."""
    signed_at = (
        select(func.max(final_outcome.c.decided_at))
        .where(
            final_outcome.c.year == proposal.year,
            final_outcome.c.region == proposal.region,
            final_outcome.c.outcome == "signed",
        )
        .scalar_subquery()
    )
    upheld = exists().where(
        appeal.c.year == proposal.year,
        appeal.c.region == proposal.region,
        appeal.c.kind == "correction_request",
        appeal_decision.c.appeal_id == appeal.c.appeal_id,
        appeal_decision.c.verdict == "upheld",
        appeal_decision.c.decided_at > signed_at,
    )
    return bool(connection.scalar(select(upheld)))


def _same(table: Any, proposal: Proposal) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.year == proposal.year,
        table.c.region == proposal.region,
        table.c.number == proposal.number,
    )


def moment(now: datetime) -> str:
    """A time as the store keeps it."""
    return now.isoformat(timespec="seconds")
