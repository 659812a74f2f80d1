"""Pushing. In: pending rows of the outbox. Out: rows that are sent, refused or in conflict, and receipts.

Sending is repeated after every kind of stop: rows were committed as pending before the first request and stay
so until the platform's answer is committed, and a repeated result is answered with its first receipt. So a
process may be killed at any instruction, and two may push the same rows: each version is stored once.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import OutboxState, Stage
from fazhi.publish.answers import STORED, AssessmentYear, ItemAnswer, Receipt
from fazhi.publish.client import BatchRefusedError, PlatformClient
from fazhi.publish.outbox import (
    Move,
    OutboxRow,
    PendingRow,
    lock,
    move_all,
    note_attempt,
    pending_of_other_editions,
    pending_rows,
)
from fazhi.store import read, write
from fazhi.store.tables import receipt as receipt_table

IN_FLIGHT = 4
"""Batches that are under way at once; more would only queue up at the platform."""

_NOT_THE_RESULTS_FAULT = frozenset({401, 403, 408, 429})
_SHOWN = 10


@dataclass(frozen=True)
class PushCounts:
    """What became of the rows of this push; ``waiting`` ones stay pending."""

    sent: int = 0
    refused: int = 0
    conflict: int = 0
    waiting: int = 0

    def plus(self, verdicts: "list[_Verdict]") -> "PushCounts":
        """These counts with more verdicts."""
        states = [verdict.state for verdict in verdicts]
        return PushCounts(
            self.sent + states.count(OutboxState.SENT),
            self.refused + states.count(OutboxState.REFUSED),
            self.conflict + states.count(OutboxState.CONFLICT),
            self.waiting + states.count(OutboxState.PENDING),
        )


@dataclass(frozen=True)
class _Verdict:
    """The state that an answer gives a row, why, and the receipt that proves it."""

    row: OutboxRow
    state: OutboxState
    problem: str | None = None
    receipt: Receipt | None = None


def push(
    engine: Engine,
    client: PlatformClient,
    year: int,
    *,
    system_digest: str,
    now: datetime,
    progress: Callable[[int], None] | None = None,
) -> PushCounts:
    """Send every pending row of the year; with none pending, nothing is asked of the platform.

    Args:
        engine: The store.
        client: The platform.
        year: Assessment year.
        system_digest: Digest of the edition in force; nothing computed with another one leaves the house.
        now: The present moment, with its offset.
        progress: Told how many rows each step has dealt with.

    Raises:
        ConfigurationError: A row was computed with another edition, the platform does not know the year, or
            it does not take our signature. Nothing was sent.
        Unreachable: The platform could not be reached; what it has answered so far is recorded, the rest is
            pending.
        SystemFault: The platform refused a request as wrong.
    """
    if not _any_pending_all_of_edition(engine, year, system_digest):
        return PushCounts()
    state_of_year = client.assessment_year(year)
    if state_of_year is None:
        raise ConfigurationError(f"考评平台上没有 {year} 年度：请与平台管理方核对，得分仍在待推送队列中")
    counts = PushCounts()
    for settled in _in_flight(engine, client, year, state_of_year, now):
        counts = counts.plus(settled)
        if progress is not None:
            progress(len(settled))
    return counts


def _in_flight(
    engine: Engine, client: PlatformClient, year: int, state_of_year: AssessmentYear, now: datetime
) -> Iterator[list[_Verdict]]:
    """Send batch after batch, a few at a time, and settle each in turn.

    When one batch does not get through, no further one starts, and those under way are settled first.
    """
    under_way: deque[Future[list[_Verdict]]] = deque()
    batches = _batches(engine, year)
    with ThreadPoolExecutor(max_workers=IN_FLIGHT, thread_name_prefix="push") as pool:
        stopped: Exception | None = None
        while True:
            while (
                stopped is None and len(under_way) < IN_FLIGHT and (rows := next(batches, None)) is not None
            ):
                refused = _settle(engine, year, list(_objections(rows, state_of_year)), now)
                not_to_send = {verdict.row for verdict in refused}
                to_send = [row for row in rows if row not in not_to_send]
                _note(engine, year, to_send)
                under_way.append(pool.submit(_send, client, year, to_send, refused))
            if not under_way:
                break
            try:
                answered = under_way.popleft().result()
            except Exception as stop:  # raised below, once what is under way is settled
                stopped = stopped or stop
                continue
            yield _settle(engine, year, answered, now)
    if stopped is not None:
        raise stopped


def _batches(engine: Engine, year: int) -> Iterator[list[PendingRow]]:
    """Pending rows, each once in this push: one that must wait is not taken up again."""
    last: OutboxRow | None = None
    while True:
        with read(engine) as connection:
            rows = pending_rows(connection, year, last)
        if not rows:
            return
        yield rows
        last = rows[-1]


def _any_pending_all_of_edition(engine: Engine, year: int, system_digest: str) -> bool:
    with read(engine) as connection:
        any_pending = bool(pending_rows(connection, year, at_most=1))
        foreign = pending_of_other_editions(connection, year, system_digest)
    if foreign:
        more = f"……共 {len(foreign)} 个" if len(foreign) > _SHOWN else ""
        shown = [f"{unit_code} 版本 {version}" for unit_code, version in foreign[:_SHOWN]]
        raise ConfigurationError(
            f"{year} 年度的待推送得分不是按现行指标体系（{system_digest[:12]}）计算的，"
            "一个也没有推送：请先重新评分",
            (*shown, *([more] if more else [])),
        )
    return any_pending


def _objections(rows: list[PendingRow], state_of_year: AssessmentYear) -> Iterator[_Verdict]:
    """The rows that the platform is known to refuse, with the reason."""
    for row in rows:
        why = _objection(json.loads(row.body), row.stage, state_of_year)
        if why is not None:
            yield _Verdict(row, OutboxState.REFUSED, f"未推送：{why}")


def _objection(body: dict[str, Any], stage: Stage, state_of_year: AssessmentYear) -> str | None:
    share = body["component"]["share"]
    if Fraction(share) < state_of_year.minimum_share:
        return (
            f"法治建设成效占比 {share} 低于平台规定的 {state_of_year.year} 年度下限 "
            f"{state_of_year.minimum_share_text}，请核对指标体系的 share 后重新评分"
        )
    if state_of_year.sealed and stage is Stage.PROVISIONAL:
        return f"{state_of_year.year} 年度已在平台封存，不再接收过程得分"
    if state_of_year.sealed and body.get("correction_of") is None:
        return (
            f"{state_of_year.year} 年度已在平台封存，最终得分须经签批作为更正推送，并注明所更正的版本；"
            "封存时没有结果的单位没有可更正的版本，须先商请平台方开放该年度，再用 fazhi outbox retry 重新推送"
        )
    return None


def _note(engine: Engine, year: int, rows: list[PendingRow]) -> None:
    if rows:
        with write(engine) as connection:
            note_attempt(connection, year, rows)


def _send(
    client: PlatformClient, year: int, rows: list[PendingRow], refused: list[_Verdict]
) -> list[_Verdict]:
    """What the platform says to a batch, beside what it was not asked about."""
    answers = _deliver(client, year, rows) if rows else []
    asked = [_verdict(client, year, row, answer) for row, answer in zip(rows, answers, strict=True)]
    return refused + asked


def _deliver(client: PlatformClient, year: int, rows: list[PendingRow]) -> list[ItemAnswer]:
    """Send the rows in one call; a batch refused as a whole goes in halves: one row cannot hold up others."""
    if len(rows) == 1:
        row = rows[0]
        return [client.put_result(year, row.unit_code, row.body.encode(), row.idempotency_key)]
    try:
        return client.post_batch(year, [(row.unit_code, row.body.encode()) for row in rows])
    except BatchRefusedError:
        half = len(rows) // 2
        return _deliver(client, year, rows[:half]) + _deliver(client, year, rows[half:])


def _verdict(client: PlatformClient, year: int, row: OutboxRow, answer: ItemAnswer) -> _Verdict:
    if answer.status in STORED and answer.receipt is not None:
        return _by_receipt(row, answer.receipt)
    if answer.status == 409:
        return _by_reading_back(client, year, row, answer)
    if answer.status in range(400, 500) and answer.status not in _NOT_THE_RESULTS_FAULT:
        return _Verdict(row, OutboxState.REFUSED, answer.problem)
    return _Verdict(row, OutboxState.PENDING)


def _by_receipt(row: OutboxRow, receipt: Receipt) -> _Verdict:
    if (receipt.unit_code, receipt.version, receipt.digest) == (row.unit_code, row.version, row.digest):
        return _Verdict(row, OutboxState.SENT, receipt=receipt)
    return _Verdict(
        row,
        OutboxState.CONFLICT,
        f"平台回执与送出的不符：送出版本 {row.version}（摘要 {row.digest[:12]}），"
        f"回执为 {receipt.unit_code} 版本 {receipt.version}（摘要 {receipt.digest[:12]}）",
    )


def _by_reading_back(client: PlatformClient, year: int, row: OutboxRow, answer: ItemAnswer) -> _Verdict:
    """A 409 may be our own earlier request: the platform's stored result decides."""
    stored = client.stored_result(year, row.unit_code)
    if stored is None:
        return _Verdict(row, OutboxState.CONFLICT, f"{answer.problem}；但平台上查不到该单位的得分")
    held = stored.receipt
    if (held.version, held.digest, stored.shown_digest) == (row.version, row.digest, row.digest):
        return _Verdict(row, OutboxState.SENT, receipt=held)
    return _Verdict(row, OutboxState.CONFLICT, difference(row, held.version, held.digest))


def difference(row: OutboxRow, held_version: int, held_digest: str) -> str:
    """In words for a person: how what the platform holds differs from a row of ours."""
    if held_version > row.version:
        return (
            f"平台已有更高的版本 {held_version}，我方为版本 {row.version}：可能由恢复旧备份或他处推送造成，"
            "须核对原因，经签批后用更高的版本号重新推送"
        )
    return (
        f"平台上版本 {held_version} 的内容与我方版本 {row.version} 不同"
        f"（平台摘要 {held_digest[:12]}，我方 {row.digest[:12]}）"
    )


def _settle(engine: Engine, year: int, verdicts: list[_Verdict], now: datetime) -> list[_Verdict]:
    """Commit what the answers mean, all at once; a row that somebody else moved meanwhile stays as it is."""
    if not verdicts:
        return []
    with write(engine) as connection:
        # locked before the receipts are read: another publisher's receipts are visible from here on
        unmoved = lock(connection, year, [verdict.row for verdict in verdicts])
        known = _known_receipts(connection, verdicts)
        new: list[Receipt] = []
        settled = [_believed(verdict, year, known, new) for verdict in verdicts]
        moves = [
            Move(verdict.row, verdict.state, verdict.problem)
            for verdict in settled
            if verdict.state is not OutboxState.PENDING and verdict.row in unmoved
        ]
        move_all(connection, year, moves, now=now)
        _record_receipts(connection, year, new, now)
    return settled


Holder = tuple[int, str, int]
"""Year, unit code and version that a receipt belongs to."""


def _believed(verdict: _Verdict, year: int, known: dict[str, Holder], new: list[Receipt]) -> _Verdict:
    """The verdict, unless its receipt proves another result; a receipt not seen before goes to ``new``."""
    if verdict.receipt is None:
        return verdict
    holder = (year, verdict.row.unit_code, verdict.row.version)
    if verdict.receipt.receipt_id not in known:
        known[verdict.receipt.receipt_id] = holder
        new.append(verdict.receipt)
        return verdict
    if known[verdict.receipt.receipt_id] == holder:
        return verdict
    return replace(
        verdict,
        state=OutboxState.CONFLICT,
        problem="平台给出的回执编号已用于另一个得分，回执不可信",
        receipt=None,
    )


def _known_receipts(connection: Connection, verdicts: Sequence[_Verdict]) -> dict[str, Holder]:
    columns = receipt_table.c
    ids = [verdict.receipt.receipt_id for verdict in verdicts if verdict.receipt is not None]
    found = connection.execute(
        select(columns.receipt_id, columns.year, columns.unit_code, columns.version).where(
            columns.receipt_id.in_(ids)
        )
    )
    return {receipt_id: (year, unit_code, version) for receipt_id, year, unit_code, version in found}


def _record_receipts(connection: Connection, year: int, receipts: list[Receipt], now: datetime) -> None:
    if receipts:
        connection.execute(
            insert(receipt_table),
            [
                {
                    "receipt_id": receipt.receipt_id,
                    "year": year,
                    "unit_code": receipt.unit_code,
                    "version": receipt.version,
                    "digest": receipt.digest,
                    "platform_received_at": receipt.received_at,
                    "recorded_at": now.isoformat(timespec="seconds"),
                }
                for receipt in receipts
            ],
        )
