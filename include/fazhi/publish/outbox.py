"""The outbox. In: results of the score room. Out: one row per result version, moved only along its graph.

    pending ──▶ sent ──▶ confirmed
       │ ▲        │ └────────┬──▶ conflict ──▶ confirmed, pending
       │ └────────┴──────────┘        (reconciling says what the platform really holds)
       ├──▶ refused, conflict          (refused ──▶ pending: a person put it right, see repair)
    every state but confirmed ──▶ superseded, once a newer version of the unit's result is queued

A row is committed before anything is sent, its body never changes, and every move is a compare-and-set: of
two publishers that saw the same row, one moves it and the other notices.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, bindparam, exists, func, insert, or_, select, update

from fazhi.audit import SYSTEM, Event, append
from fazhi.model.canonical import canonical_bytes, sha256_hex
from fazhi.model.errors import SystemFault
from fazhi.model.terms import OutboxState, Stage
from fazhi.store import read, write
from fazhi.store.tables import current_result, final_outcome, final_version, outbox, result

BodyOf = Callable[[Connection, int, str, int], Mapping[str, Any]]
"""Builds the platform's Result of (connection, year, unit code, version)."""

_CHUNK = 500
_UNCONFIRMED = (OutboxState.PENDING, OutboxState.SENT, OutboxState.REFUSED, OutboxState.CONFLICT)

LEGAL_MOVES: Mapping[tuple[OutboxState, OutboxState], str] = {
    (OutboxState.PENDING, OutboxState.SENT): "the platform gave a receipt for exactly this body",
    (OutboxState.PENDING, OutboxState.REFUSED): "the platform, or its rules for the year, do not take it",
    (OutboxState.PENDING, OutboxState.CONFLICT): "the platform holds something else under the version",
    (OutboxState.PENDING, OutboxState.SUPERSEDED): "a newer version was queued",
    (OutboxState.SENT, OutboxState.CONFIRMED): "read back: the platform holds this version and digest",
    (
        OutboxState.SENT,
        OutboxState.PENDING,
    ): "read back: lost, the platform holds nothing or an older version",
    (OutboxState.SENT, OutboxState.CONFLICT): "read back: the platform holds something else",
    (OutboxState.SENT, OutboxState.SUPERSEDED): "a newer version was queued",
    (OutboxState.CONFIRMED, OutboxState.PENDING): "read back: the platform has lost it",
    (OutboxState.CONFIRMED, OutboxState.CONFLICT): "read back: the platform now holds something else",
    (OutboxState.CONFLICT, OutboxState.CONFIRMED): "read back: the platform holds this version after all",
    (OutboxState.CONFLICT, OutboxState.PENDING): "read back: nothing stands in the way any more",
    (OutboxState.CONFLICT, OutboxState.SUPERSEDED): "a newer version was queued",
    (OutboxState.REFUSED, OutboxState.SUPERSEDED): "a newer version was queued",
    (OutboxState.REFUSED, OutboxState.PENDING): "a person put right what was refused, and says what",
}
"""Every move that there is, and what it means."""


@dataclass(frozen=True)
class OutboxRow:
    """One result version on its way."""

    unit_code: str
    version: int
    stage: Stage
    state: OutboxState
    digest: str
    idempotency_key: str


@dataclass(frozen=True)
class PendingRow(OutboxRow):
    """A result version that is to be sent, with what is sent: some ten kilobytes, which only sending reads."""

    body: str


@dataclass(frozen=True)
class EnqueueCounts:
    """How many rows were queued, and how many older ones that made superseded."""

    queued: int
    superseded: int


def enqueue(
    engine: Engine,
    year: int,
    *,
    body_of: BodyOf,
    now: datetime,
    stage: Stage | None = None,
    progress: Callable[[int], None] | None = None,
) -> EnqueueCounts:
    """Queue the result that every unit of the year has now and that is not queued yet.

    A final version is queued only once a signature made it final; a provisional one never for a unit that has a
    final one, nor in a region whose final results are signed. A unit that lost its result has nothing to queue.
    Older rows of the unit that were not confirmed become ``superseded``. Doing it twice queues nothing more.

    Args:
        engine: The store.
        year: Assessment year.
        body_of: Builds the platform's Result of a version.
        now: The present moment, with its offset.
        stage: Only results of this stage; ``None`` for both.
        progress: Told how many rows each step queued.

    Raises:
        SystemFault: A body is not that of the result it was built for.
    """
    queued = superseded = 0
    while True:
        with write(engine) as connection:
            due = connection.execute(_not_queued(year, stage).limit(_CHUNK)).all()
            for unit_code, version, of_stage in due:
                superseded += _supersede_older(connection, year, unit_code, version, now)
                _queue(connection, year, unit_code, version, of_stage, body_of, now)
        if not due:
            return EnqueueCounts(queued, superseded)
        queued += len(due)
        if progress is not None:
            progress(len(due))


def not_yet_queued(engine: Engine, year: int, stage: Stage | None = None) -> int:
    """How many result versions ``enqueue`` would queue now."""
    counted = select(func.count()).select_from(_not_queued(year, stage).subquery())
    with read(engine) as connection:
        return connection.execute(counted).scalar_one()


@dataclass(frozen=True)
class Move:
    """A row as it was seen, where it goes, and why, in words for a person."""

    row: OutboxRow
    target: OutboxState
    problem: str | None = None


def move(
    connection: Connection,
    year: int,
    row: OutboxRow,
    target: OutboxState,
    *,
    now: datetime,
    problem: str | None = None,
) -> bool:
    """Move a row from the state it was seen in; ``False`` if somebody else has moved it since.

    Args:
        connection: A write transaction.
        year: Assessment year.
        row: The row as it was read.
        target: The new state.
        now: The present moment.
        problem: Why, in words for a person; ``None`` clears an earlier one.

    Raises:
        SystemFault: There is no such move.
    """
    _require_legal(year, row, target)
    changed = connection.execute(
        update(outbox)
        .where(
            outbox.c.year == year,
            outbox.c.unit_code == row.unit_code,
            outbox.c.version == row.version,
            outbox.c.state == row.state.value,
        )
        .values(state=target.value, problem=problem, changed_at=_moment(now))
    )
    return changed.rowcount == 1


def lock(connection: Connection, year: int, rows: Sequence[OutboxRow]) -> frozenset[OutboxRow]:
    """The rows that nobody has moved since they were seen; nobody can until the transaction ends."""
    seen = {(row.unit_code, row.version, row.state.value): row for row in rows}
    units = sorted({row.unit_code for row in rows})
    unmoved: set[OutboxRow] = set()
    for start in range(0, len(units), _CHUNK):
        statement = (
            select(outbox.c.unit_code, outbox.c.version, outbox.c.state)
            .where(outbox.c.year == year, outbox.c.unit_code.in_(units[start : start + _CHUNK]))
            .order_by(outbox.c.unit_code, outbox.c.version)
            .with_for_update()
        )
        unmoved |= {seen[key] for found in connection.execute(statement) if (key := tuple(found)) in seen}
    return frozenset(unmoved)


def move_all(connection: Connection, year: int, moves: Sequence[Move], *, now: datetime) -> None:
    """Move locked rows, and say so in the audit chain: one link for all of them.

    Raises:
        SystemFault: There is no such move.
    """
    for one in moves:
        _require_legal(year, one.row, one.target)
    if not moves:
        return
    connection.execute(
        update(outbox)
        .where(
            outbox.c.year == year,
            outbox.c.unit_code == bindparam("of_unit"),
            outbox.c.version == bindparam("of_version"),
        )
        .values(state=bindparam("target"), problem=bindparam("why"), changed_at=_moment(now)),
        [
            {
                "of_unit": one.row.unit_code,
                "of_version": one.row.version,
                "target": one.target.value,
                "why": one.problem,
            }
            for one in moves
        ],
    )
    append(connection, SYSTEM, _event(year, moves, now))


def _event(year: int, moves: Sequence[Move], now: datetime) -> Event:
    """How many results moved from where to where, and the digest of which they were."""
    steps = Counter(f"{one.row.state.value} → {one.target.value}" for one in moves)
    lines = sorted(
        f"{one.row.unit_code},{one.row.version},{one.row.digest},{one.target.value}" for one in moves
    )
    return Event(
        "outbox.moved",
        str(year),
        _moment(now),
        after=sha256_hex("".join(f"{line}\n" for line in lines).encode()),
        details={"results": dict(sorted(steps.items()))},
    )


def _require_legal(year: int, row: OutboxRow, target: OutboxState) -> None:
    if (row.state, target) not in LEGAL_MOVES:
        raise SystemFault(
            f"待推送队列不允许从 {row.state} 到 {target}（{year}年 {row.unit_code} 版本 {row.version}）"
        )


def pending_of_other_editions(connection: Connection, year: int, system_digest: str) -> list[tuple[str, int]]:
    """Unit code and version of the pending rows whose result was computed with another edition."""
    same = and_(
        result.c.year == outbox.c.year,
        result.c.unit_code == outbox.c.unit_code,
        result.c.version == outbox.c.version,
    )
    statement = (
        select(outbox.c.unit_code, outbox.c.version)
        .join(result, same)
        .where(
            outbox.c.year == year,
            outbox.c.state == OutboxState.PENDING.value,
            result.c.system_digest != system_digest,
        )
        .order_by(outbox.c.unit_code, outbox.c.version)
    )
    return [(unit_code, version) for unit_code, version in connection.execute(statement)]


def pending_rows(
    connection: Connection, year: int, after: OutboxRow | None = None, *, at_most: int | None = None
) -> list[PendingRow]:
    """The next rows to send, at most a batch, by unit code and version.

    None provisional beside a final, nor of a unit that has lost its result since, nor in a region whose final
    results are signed.
    """
    has_result = exists().where(
        current_result.c.year == outbox.c.year,
        current_result.c.unit_code == outbox.c.unit_code,
        ~_is_signed(current_result.c.year, current_result.c.region),
    )
    provisional = and_(has_result, ~_has_final(outbox.c.year, outbox.c.unit_code))
    statement = (
        _rows(year)
        .add_columns(outbox.c.body)
        .where(
            outbox.c.state == OutboxState.PENDING.value,
            or_(outbox.c.stage == Stage.FINAL.value, provisional),
        )
        .order_by(outbox.c.unit_code, outbox.c.version)
        .limit(at_most or _CHUNK)
    )
    if after is not None:
        same_unit = and_(outbox.c.unit_code == after.unit_code, outbox.c.version > after.version)
        statement = statement.where(or_(outbox.c.unit_code > after.unit_code, same_unit))
    return [PendingRow(**vars(_row(found)), body=body) for *found, body in connection.execute(statement)]


def refused_rows(connection: Connection, year: int) -> list[OutboxRow]:
    """The rows that the platform refused and no newer one has replaced, by unit code and version."""
    statement = (
        _rows(year)
        .where(outbox.c.state == OutboxState.REFUSED.value)
        .order_by(outbox.c.unit_code, outbox.c.version)
    )
    return [_row(found) for found in connection.execute(statement)]


def note_attempt(connection: Connection, year: int, rows: Sequence[OutboxRow]) -> None:
    """Count an attempt to send each of the rows."""
    connection.execute(
        update(outbox)
        .where(
            outbox.c.year == year,
            outbox.c.unit_code == bindparam("of_unit"),
            outbox.c.version == bindparam("of_version"),
        )
        .values(attempts=outbox.c.attempts + 1),
        [{"of_unit": row.unit_code, "of_version": row.version} for row in rows],
    )


def rows_to_compare(connection: Connection, year: int) -> list[OutboxRow]:
    """Per unit the row that the platform should hold now, by unit code; none while a newer one is pending.

    A refused version leaves the one before it standing.
    """
    statement = (
        _rows(year)
        .where(outbox.c.state.not_in((OutboxState.SUPERSEDED.value, OutboxState.REFUSED.value)))
        .order_by(outbox.c.unit_code, outbox.c.version)
    )
    newest = {found.unit_code: _row(found) for found in connection.execute(statement)}
    return [row for row in newest.values() if row.state is not OutboxState.PENDING]


def outbox_counts(engine: Engine, year: int) -> dict[str, int]:
    """The year and, per state, how many units' newest row is in it: what the command line prints."""
    newest = (
        select(outbox.c.unit_code, func.max(outbox.c.version).label("version"))
        .where(outbox.c.year == year)
        .group_by(outbox.c.unit_code)
        .subquery()
    )
    same = and_(outbox.c.unit_code == newest.c.unit_code, outbox.c.version == newest.c.version)
    statement = (
        select(outbox.c.state, func.count())
        .join(newest, same)
        .where(outbox.c.year == year)
        .group_by(outbox.c.state)
    )
    with read(engine) as connection:
        found: dict[str, int] = dict(connection.execute(statement).all())
    shown = [state.value for state in OutboxState if state is not OutboxState.SUPERSEDED]
    return {"year": year, **{state: found.get(state, 0) for state in shown}}


def outbox_rows(engine: Engine, year: int) -> list[dict[str, Any]]:
    """Every row of the year without its body, for a look at the outbox."""
    columns = [column for column in outbox.c if column.name != "body"]
    statement = select(*columns).where(outbox.c.year == year).order_by(outbox.c.unit_code, outbox.c.version)
    with read(engine) as connection:
        return [dict(row) for row in connection.execute(statement).mappings()]


def _not_queued(year: int, stage: Stage | None) -> Select[str, int, str]:
    pointed = and_(
        current_result.c.year == result.c.year,
        current_result.c.unit_code == result.c.unit_code,
        current_result.c.version == result.c.version,
    )
    queued = exists().where(
        outbox.c.year == result.c.year,
        outbox.c.unit_code == result.c.unit_code,
        outbox.c.version == result.c.version,
    )
    made_final = exists().where(
        final_version.c.year == result.c.year,
        final_version.c.unit_code == result.c.unit_code,
        final_version.c.version == result.c.version,
    )
    may_go = or_(
        and_(result.c.stage == Stage.FINAL.value, made_final),
        and_(
            result.c.stage == Stage.PROVISIONAL.value,
            ~_has_final(result.c.year, result.c.unit_code),
            ~_is_signed(result.c.year, result.c.region),
        ),
    )
    statement = (
        select(result.c.unit_code, result.c.version, result.c.stage)
        .join(current_result, pointed)
        .where(result.c.year == year, ~queued, may_go)
        .order_by(result.c.unit_code)
    )
    return statement if stage is None else statement.where(result.c.stage == stage.value)


def _is_signed(year: Any, region: Any) -> Any:
    """SQL: the region's final results of the year are signed; see ``fazhi.publish.final``."""
    return exists().where(
        final_outcome.c.year == year,
        final_outcome.c.region == region,
        final_outcome.c.outcome == "signed",
    )


def _has_final(year: Any, unit_code: Any) -> Any:
    final = result.alias("final_result")
    return exists().where(
        final.c.year == year, final.c.unit_code == unit_code, final.c.stage == Stage.FINAL.value
    )


def _queue(
    connection: Connection,
    year: int,
    unit_code: str,
    version: int,
    stage: str,
    body_of: BodyOf,
    now: datetime,
) -> None:
    data = body_of(connection, year, unit_code, version)
    meant = {"year": year, "unit_code": unit_code, "version": version, "stage": stage}
    if {name: data.get(name) for name in meant} != meant:
        raise SystemFault(f"待推送内容与得分不符：{year}年 {unit_code} 版本 {version}")
    body = canonical_bytes(dict(data))
    digest = sha256_hex(body)
    connection.execute(
        insert(outbox).values(
            **meant,
            state=OutboxState.PENDING.value,
            idempotency_key=digest,
            digest=digest,
            body=body.decode(),
            queued_at=_moment(now),
            changed_at=_moment(now),
        )
    )


def _supersede_older(connection: Connection, year: int, unit_code: str, version: int, now: datetime) -> int:
    statement = _rows(year).where(
        outbox.c.unit_code == unit_code,
        outbox.c.version < version,
        outbox.c.state.in_([state.value for state in _UNCONFIRMED]),
    )
    older = [_row(found) for found in connection.execute(statement).all()]
    why = f"已由版本 {version} 取代"
    return sum(move(connection, year, row, OutboxState.SUPERSEDED, now=now, problem=why) for row in older)


def _rows(year: int) -> Select[Any]:
    return select(
        outbox.c.unit_code,
        outbox.c.version,
        outbox.c.stage,
        outbox.c.state,
        outbox.c.digest,
        outbox.c.idempotency_key,
    ).where(outbox.c.year == year)


def _row(found: Any) -> OutboxRow:
    unit_code, version, stage, state, digest, key = found
    return OutboxRow(unit_code, version, Stage(stage), OutboxState(state), digest, key)


def _moment(now: datetime) -> str:
    return now.isoformat(timespec="seconds")
