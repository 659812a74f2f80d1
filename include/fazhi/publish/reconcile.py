"""Reconciling. In: rows sent, and what the platform says it holds. Out: ``confirmed``, and only from here.

What the platform holds decides, whatever a row's state was (``sent``, ``confirmed`` or ``conflict``):

    nothing, or an older version   → pending: sent again by the next push
    our version and digest         → confirmed
    our version, another digest    → conflict
    a newer version                → conflict
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from fazhi.model.canonical import sha256_hex
from fazhi.model.terms import OutboxState
from fazhi.publish.answers import Held
from fazhi.publish.client import PlatformClient
from fazhi.publish.outbox import Move, OutboxRow, lock, move_all, rows_to_compare
from fazhi.publish.push import difference
from fazhi.store import read, write


@dataclass(frozen=True)
class ReconcileCounts:
    """How many units' rows were compared, and what was found."""

    compared: int = 0
    confirmed: int = 0
    lost: int = 0
    conflict: int = 0


def reconcile_year(engine: Engine, client: PlatformClient, year: int, *, now: datetime) -> ReconcileCounts:
    """Compare the year's rows with what the platform holds; with nothing to compare it is not asked.

    Args:
        engine: The store.
        client: The platform.
        year: Assessment year.
        now: The present moment, with its offset.

    Raises:
        Unreachable: The platform could not be reached; nothing was changed.
        ConfigurationError: It does not take our signature.
    """
    with read(engine) as connection:
        before = rows_to_compare(connection, year)
    if not before:
        return ReconcileCounts()
    held = _held(client, year, before)
    found: list[OutboxState] = []
    moves: list[Move] = []
    with write(engine) as connection:
        # rows that moved, or got a newer version, while the platform was asked wait for the next reconciling
        unchanged = set(before) & set(rows_to_compare(connection, year)) & lock(connection, year, before)
        for row in sorted(unchanged, key=lambda row: row.unit_code):
            target, problem = verdict(row, held.get(row.unit_code))
            found.append(target)
            if target is not row.state:
                moves.append(Move(row, target, problem))
        move_all(connection, year, moves, now=now)
    return ReconcileCounts(
        compared=len(found),
        confirmed=found.count(OutboxState.CONFIRMED),
        lost=found.count(OutboxState.PENDING),
        conflict=found.count(OutboxState.CONFLICT),
    )


def verdict(row: OutboxRow, held: Held | None) -> tuple[OutboxState, str | None]:
    """The state that a row has by what the platform holds, and why it is not confirmed."""
    if held is None:
        return OutboxState.PENDING, "核对：平台没有这个单位的得分，退回待推送，将重新推送"
    if held.version < row.version:
        return OutboxState.PENDING, (
            f"核对：平台只有较旧的版本 {held.version}，没有版本 {row.version}，退回待推送，将重新推送"
        )
    if held == Held(row.version, row.digest):
        return OutboxState.CONFIRMED, None
    return OutboxState.CONFLICT, f"核对：{difference(row, held.version, held.digest)}"


def _held(client: PlatformClient, year: int, rows: list[OutboxRow]) -> dict[str, Held]:
    """What the platform holds; the year's digest is the short cut when it holds exactly our rows."""
    if client.year_digest(year) == (len(rows), _digest_of(rows)):
        return {row.unit_code: Held(row.version, row.digest) for row in rows}
    return dict(client.held_results(year))


def _digest_of(rows: list[OutboxRow]) -> str:
    lines = sorted((row.unit_code, row.version, row.digest) for row in rows)
    return sha256_hex("".join(f"{unit},{version},{digest}\n" for unit, version, digest in lines).encode())
