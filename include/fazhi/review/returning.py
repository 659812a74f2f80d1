"""Sending a submission back. In: who returns what, why, and what was on the screen. Out: a row, a link of the audit chain.

A return reaches the department with the next report (``fazhi.collect.report_back``) as ``returned`` with the list of
corrections; until then its author can undo it.
"""

from datetime import datetime

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from fazhi.audit import Actor, Event, append
from fazhi.model.errors import ChangedMeanwhile, UsageError
from fazhi.review.locks import region_judged, require_unlocked
from fazhi.review.shown import require_unchanged
from fazhi.store import write
from fazhi.store.returns import is_sent, standing_return
from fazhi.store.tables import current_submission, submission, submission_return


def return_submission(
    engine: Engine, submission_id: str, revision: int, *, reason: str, by: Actor, shown: str, now: datetime
) -> bool:
    """Send a submission back to be corrected.

    Args:
        engine: The store.
        submission_id: The submission.
        revision: Its current revision.
        reason: Why, as the department will read it.
        by: Who returns it.
        shown: ``shown_digest`` of what was on the screen.
        now: The present moment, with its offset.

    Returns:
        Whether a row was stored; ``False`` when the same person returned it for the same reason already.

    Raises:
        ChangedMeanwhile: What was shown is no longer so, or somebody else returned it at the same moment.
        UsageError: No reason, not the current revision, a locked year, or the person's own submission.
    """
    if not reason.strip():
        raise UsageError("请写明退回原因，报送单位会看到")
    with write(engine) as connection:
        stands = standing_return(connection, submission_id, revision)
        if stands is not None and (stands.decided_by, stands.reason) == (by.actor_id, reason.strip()):
            return False
        require_unchanged(connection, submission_id, revision, shown)
        if stands is not None:
            raise UsageError(f"这份报送已由 {stands.decided_name} 退回，不能重复退回")
        _turn(connection, submission_id, revision, "return", reason.strip(), by, shown, now)
        return True


def undo_return(
    engine: Engine, submission_id: str, revision: int, *, reason: str, by: Actor, now: datetime
) -> bool:
    """Take back one's own return while it has not been sent.

    Returns:
        Whether a row was stored; ``False`` when no return stands any more.

    Raises:
        UsageError: Somebody else returned it, or the department has been told.
    """
    with write(engine) as connection:
        stands = standing_return(connection, submission_id, revision)
        if stands is None:
            return False
        if stands.decided_by != by.actor_id:
            raise UsageError(f"这份报送由 {stands.decided_name} 退回，只能由本人撤销")
        if is_sent(connection, submission_id, revision, stands.decided_at):
            raise UsageError("退回通知已经发出，不能撤销；报送单位重新报送后再办理")
        _turn(connection, submission_id, revision, "undo", reason.strip() or "撤销退回", by, "0" * 64, now)
        return True


def _turn(
    connection: Connection,
    submission_id: str,
    revision: int,
    act: str,
    reason: str,
    by: Actor,
    shown: str,
    now: datetime,
) -> None:
    sent = connection.execute(
        select(submission).where(
            submission.c.submission_id == submission_id, submission.c.revision == revision
        )
    ).one()
    _check(connection, sent, by, act)
    require_unlocked(connection, sent.year, region_judged(connection, submission_id, revision))
    here = (submission_return.c.submission_id == submission_id, submission_return.c.revision == revision)
    turns = connection.execute(select(func.count()).select_from(submission_return).where(*here)).scalar_one()
    at = now.isoformat(timespec="seconds")
    row = {
        "submission_id": submission_id,
        "revision": revision,
        "number": int(turns) + 1,
        "act": act,
        "year": sent.year,
        "unit_code": sent.sender_code,
        "reason": reason,
        "shown_digest": shown,
        "decided_by": by.actor_id,
        "decided_name": by.name,
        "decided_at": at,
    }
    try:
        connection.execute(insert(submission_return).values(row))
    except IntegrityError as refused:
        raise ChangedMeanwhile("同时有人办理了这份报送，请重新查看") from refused
    event = Event(
        action="submission.returned" if act == "return" else "submission.return_undone",
        subject=f"{sent.year}/{submission_id}/{revision}",
        at=at,
        after=shown if act == "return" else "",
        details={"reason": reason, "number": row["number"]},
    )
    append(connection, by, event)


def _check(connection: Connection, sent: object, by: Actor, act: str) -> None:
    submitted = sent._mapping  # type: ignore[attr-defined]
    if submitted["submitted_by"] == by.actor_id:
        raise UsageError("这份报送由您本人提交，请由他人办理")
    here = [current_submission.c[name] == submitted[name] for name in ("kind", "sender_code", "period")]
    pointer = connection.execute(select(current_submission).where(*here)).one_or_none()
    current = pointer is not None and (pointer.submission_id, pointer.revision) == (
        submitted["submission_id"],
        submitted["revision"],
    )
    if act == "return" and not current:
        raise UsageError("这不是现行的一次报送，已被后来的报送代替，不需要退回")
