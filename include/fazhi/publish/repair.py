"""Repairs of the outbox by a person. In: rows that cannot go on by themselves, and who answers for it. Out: moved rows.

A refused row is tried again with a reason. After a backup was restored that is behind the platform, the platform
holds versions that the store has forgotten: a signature records them as floors, and scoring goes on above them.
Nothing is forgotten: every repair is in the audit chain, and what the platform holds is compared before and after.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from fazhi.audit import Actor, Event, append
from fazhi.model.errors import UsageError
from fazhi.model.terms import OutboxState
from fazhi.publish.answers import Held
from fazhi.publish.outbox import Move, lock, move_all, refused_rows
from fazhi.store.tables import outbox, result, version_floor


@dataclass(frozen=True)
class Forgotten:
    """A unit of which the platform holds a version that the store has not, or has with other content."""

    unit_code: str
    our_version: int
    held_version: int
    held_digest: str


def try_again(
    connection: Connection, year: int, units: Sequence[str], by: Actor, reason: str, now: datetime
) -> int:
    """Make refused rows pending again; the next push sends them.

    Args:
        connection: A write transaction.
        year: Assessment year.
        units: Unit codes; all refused ones of the year when empty.
        by: Who answers for it.
        reason: What was put right, at the platform or at ours.
        now: The present moment, with its offset.

    Returns:
        How many rows are pending now.

    Raises:
        UsageError: No reason, or a unit without a refused result.
    """
    if not reason.strip():
        raise UsageError("重新推送被拒收的得分须写明理由（平台或我方更正了什么）")
    refused = refused_rows(connection, year)
    known = {row.unit_code for row in refused}
    unknown = sorted(set(units) - known)
    if unknown:
        raise UsageError(f"{year}年这些单位没有被平台拒收的得分：{'、'.join(unknown)}")
    chosen = [row for row in refused if not units or row.unit_code in units]
    unmoved = lock(connection, year, chosen)
    moves = [
        Move(row, OutboxState.PENDING, f"经办人要求重新推送：{reason}") for row in chosen if row in unmoved
    ]
    move_all(connection, year, moves, now=now)
    if moves:
        event = Event(
            "outbox.tried_again",
            str(year),
            now.isoformat(timespec="seconds"),
            before=OutboxState.REFUSED.value,
            after=OutboxState.PENDING.value,
            details={
                "reason": reason,
                "results": [f"{one.row.unit_code} {one.row.version}" for one in moves],
            },
        )
        append(connection, by, event)
    return len(moves)


def forgotten(connection: Connection, year: int, held: Mapping[str, Held]) -> list[Forgotten]:
    """Units of which the platform holds what the store does not know, by unit code; only units that we have scored.

    Args:
        connection: A reading connection.
        year: Assessment year.
        held: What the platform holds, by unit code.
    """
    newest: dict[str, int] = dict(
        connection.execute(
            select(result.c.unit_code, func.max(result.c.version))
            .where(result.c.year == year)
            .group_by(result.c.unit_code)
        ).all()
    )
    queued = {
        (row.unit_code, row.version): row.digest
        for row in connection.execute(
            select(outbox.c.unit_code, outbox.c.version, outbox.c.digest).where(outbox.c.year == year)
        )
    }
    floors: dict[str, int] = dict(
        connection.execute(
            select(version_floor.c.unit_code, func.max(version_floor.c.floor))
            .where(version_floor.c.year == year)
            .group_by(version_floor.c.unit_code)
        ).all()
    )
    return [
        Forgotten(code, ours, on_platform.version, on_platform.digest)
        for code, on_platform in sorted(held.items())
        if (ours := newest.get(code)) is not None
        and on_platform.version >= ours
        and on_platform.version > floors.get(code, 0)
        and queued.get((code, on_platform.version)) != on_platform.digest
    ]


def record_floors(
    connection: Connection, year: int, found: Sequence[Forgotten], by: Actor, reason: str, now: datetime
) -> None:
    """Record, on a signature, the versions above which ours go on.

    Args:
        connection: A write transaction.
        year: Assessment year.
        found: What the platform holds and we do not.
        by: Who signs; that the account may was checked.
        reason: How it came to this.
        now: The present moment, with its offset.

    Raises:
        UsageError: No reason, or nothing to recover.
    """
    if not reason.strip():
        raise UsageError("恢复版本号须写明理由（例如何时恢复了哪一份备份）")
    if not found:
        raise UsageError(f"{year}年平台上没有我方不掌握的版本，不需要恢复")
    at = now.isoformat(timespec="seconds")
    connection.execute(
        insert(version_floor),
        [
            {
                "year": year,
                "unit_code": one.unit_code,
                "floor": one.held_version,
                "platform_digest": one.held_digest,
                "our_version": one.our_version,
                "reason": reason,
                "signed_by": by.actor_id,
                "signed_name": by.name,
                "signed_at": at,
            }
            for one in found
        ],
    )
    listed = [f"{one.unit_code} {one.our_version} → {one.held_version} {one.held_digest}" for one in found]
    append(
        connection, by, Event("outbox.recovered", str(year), at, details={"reason": reason, "units": listed})
    )
