"""The outbox: what is queued, what is superseded, which moves exist."""

import itertools
import json
from dataclasses import replace

import pytest

from fazhi.model.canonical import digest
from fazhi.model.errors import SystemFault
from fazhi.model.terms import OutboxState, Stage
from fazhi.publish import enqueue, not_yet_queued, outbox_counts, outbox_rows
from fazhi.publish.outbox import (
    LEGAL_MOVES,
    EnqueueCounts,
    OutboxRow,
    move,
    pending_rows,
    rows_to_compare,
)
from fazhi.store import read, write
from support.publish import NOW, YEAR, add_result, body_of, lose_result, outbox_row, states, unit

A, B = sorted((unit(1), unit(2)))


def queue(engine, year=YEAR):
    return enqueue(engine, year, body_of=body_of, now=NOW)


def force(engine, unit_code, version, *path):
    """Bring a row to a state along legal moves."""
    with write(engine) as connection:
        row = seen(engine, unit_code, version, connection)
        for state in path:
            assert move(connection, YEAR, row, state, now=NOW)
            row = replace(row, state=state)


def seen(engine, unit_code, version, connection=None):
    found = outbox_row(engine, unit_code, version)
    names = ("unit_code", "version", "digest", "idempotency_key")
    return OutboxRow(
        **{name: found[name] for name in names},
        stage=Stage(found["stage"]),
        state=OutboxState(found["state"]),
    )


def test_the_newest_version_of_each_unit_is_queued_once(engine):
    add_result(engine, A, 1)
    add_result(engine, A, 2)
    add_result(engine, B, 1)
    add_result(engine, B, 1, year=YEAR - 1)
    assert not_yet_queued(engine, YEAR) == 2
    assert queue(engine) == EnqueueCounts(queued=2, superseded=0)
    assert queue(engine) == EnqueueCounts(queued=0, superseded=0)
    assert not_yet_queued(engine, YEAR) == 0
    assert states(engine) == {(A, 2): "pending", (B, 1): "pending"}


def test_a_row_keeps_the_canonical_body_its_digest_and_its_key(engine):
    add_result(engine, A, 3)
    queue(engine)
    row = outbox_row(engine, A, 3)
    with read(engine) as connection:
        meant = body_of(connection, YEAR, A, 3)
    assert json.loads(row["body"]) == meant
    assert row["body"] == json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert row["digest"] == digest(meant) == row["idempotency_key"]
    assert (row["attempts"], row["problem"], row["queued_at"]) == (0, None, "2024-10-15T01:30:00+08:00")


def test_more_units_than_one_transaction_takes_are_all_queued(engine, monkeypatch):
    monkeypatch.setattr("fazhi.publish.outbox._CHUNK", 3)
    for number in range(7):
        add_result(engine, unit(number))
    steps = []
    counts = enqueue(engine, YEAR, body_of=body_of, now=NOW, progress=steps.append)
    assert counts == EnqueueCounts(queued=7, superseded=0)
    assert steps == [3, 3, 1]


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ([], "superseded"),
        ([OutboxState.SENT], "superseded"),
        ([OutboxState.REFUSED], "superseded"),
        ([OutboxState.CONFLICT], "superseded"),
        ([OutboxState.SENT, OutboxState.CONFIRMED], "confirmed"),
    ],
)
def test_a_newer_version_supersedes_what_was_not_confirmed(engine, path, after):
    add_result(engine, A, 1)
    queue(engine)
    force(engine, A, 1, *path)
    add_result(engine, A, 2, score="90.00")
    assert queue(engine).superseded == (after == "superseded")
    assert states(engine) == {(A, 1): after, (A, 2): "pending"}


def test_no_provisional_result_follows_a_final_one(engine):
    add_result(engine, A, 1, stage="final")
    add_result(engine, A, 2, stage="provisional")
    add_result(engine, B, 1, stage="provisional")
    queue(engine)
    assert states(engine) == {(A, 1): "pending", (B, 1): "pending"}
    assert outbox_row(engine, A)["stage"] == "final"


def test_a_provisional_row_is_not_sent_once_a_final_result_exists(engine):
    add_result(engine, A, 1)
    queue(engine)
    add_result(engine, A, 2, stage="final")
    with read(engine) as connection:
        assert pending_rows(connection, YEAR) == []
    queue(engine)
    with read(engine) as connection:
        assert [(row.version, row.stage) for row in pending_rows(connection, YEAR)] == [(2, "final")]


def test_a_unit_that_lost_its_result_has_nothing_to_queue_and_nothing_is_sent(engine):
    add_result(engine, A, 1)
    add_result(engine, B, 1)
    queue(engine)
    add_result(engine, B, 2)
    for code in (A, B):
        lose_result(engine, code)
    assert not_yet_queued(engine, YEAR) == 0
    assert queue(engine) == EnqueueCounts(queued=0, superseded=0)
    with read(engine) as connection:
        assert pending_rows(connection, YEAR) == []
    add_result(engine, A, 2)
    assert queue(engine) == EnqueueCounts(queued=1, superseded=1)


def test_each_stage_can_be_queued_by_itself(engine):
    add_result(engine, A, 1, stage="final")
    add_result(engine, B, 1)
    assert (not_yet_queued(engine, YEAR, Stage.FINAL), not_yet_queued(engine, YEAR)) == (1, 2)
    assert enqueue(engine, YEAR, body_of=body_of, now=NOW, stage=Stage.FINAL).queued == 1
    assert states(engine) == {(A, 1): "pending"}
    assert enqueue(engine, YEAR, body_of=body_of, now=NOW, stage=Stage.PROVISIONAL).queued == 1


@pytest.mark.parametrize(
    ("name", "wrong"), [("year", 2023), ("unit_code", B), ("version", 9), ("stage", "final")]
)
def test_a_body_of_another_result_is_never_queued(engine, name, wrong):
    add_result(engine, A, 1)

    def wrong_body(*key):
        return {**body_of(*key), name: wrong}

    with pytest.raises(SystemFault, match="待推送内容与得分不符"):
        enqueue(engine, YEAR, body_of=wrong_body, now=NOW)
    assert states(engine) == {}


@pytest.mark.parametrize(("origin", "target"), list(itertools.product(OutboxState, OutboxState)))
def test_only_the_moves_of_the_graph_exist(engine, origin, target):
    add_result(engine, A, 1)
    queue(engine)
    row = replace(seen(engine, A, 1), state=origin)
    with write(engine) as connection:
        if (origin, target) in LEGAL_MOVES:
            assert move(connection, YEAR, row, target, now=NOW) is (origin is OutboxState.PENDING)
        else:
            with pytest.raises(SystemFault, match=f"不允许从 {origin} 到 {target}"):
                move(connection, YEAR, row, target, now=NOW)


def test_the_graph_has_exactly_these_moves():
    p, s, c = OutboxState.PENDING, OutboxState.SENT, OutboxState.CONFIRMED
    r, x, o = OutboxState.REFUSED, OutboxState.CONFLICT, OutboxState.SUPERSEDED
    assert set(LEGAL_MOVES) == {
        *((p, target) for target in (s, r, x, o)),
        *((s, target) for target in (c, p, x, o)),
        *((c, target) for target in (p, x)),
        *((x, target) for target in (c, p, o)),
        *((r, target) for target in (p, o)),
    }


def test_of_two_that_saw_the_same_row_one_moves_it(engine):
    add_result(engine, A, 1)
    queue(engine)
    row = seen(engine, A, 1)
    with write(engine) as connection:
        assert move(connection, YEAR, row, OutboxState.SENT, now=NOW) is True
    with write(engine) as connection:
        assert move(connection, YEAR, row, OutboxState.REFUSED, now=NOW, problem="late") is False
    assert outbox_row(engine, A)["state"] == "sent"
    assert outbox_row(engine, A)["problem"] is None


def test_counts_are_of_each_units_newest_row(engine):
    add_result(engine, A, 1)
    queue(engine)
    force(engine, A, 1, OutboxState.SENT, OutboxState.CONFIRMED)
    add_result(engine, A, 2, score="90.00")
    add_result(engine, B, 1)
    queue(engine)
    force(engine, B, 1, OutboxState.REFUSED)
    none = {"pending": 0, "sent": 0, "confirmed": 0, "refused": 0, "conflict": 0}
    assert outbox_counts(engine, YEAR) == {"year": YEAR, **none, "pending": 1, "refused": 1}
    force(engine, A, 2, OutboxState.SENT, OutboxState.CONFIRMED)
    assert outbox_counts(engine, YEAR) == {"year": YEAR, **none, "confirmed": 1, "refused": 1}
    assert outbox_counts(engine, YEAR - 1) == {"year": YEAR - 1, **none}


def test_a_look_at_the_outbox_lists_every_row_without_bodies(engine):
    add_result(engine, A, 1)
    queue(engine)
    add_result(engine, A, 2, score="90.00")
    queue(engine)
    rows = outbox_rows(engine, YEAR)
    assert [(row["version"], row["state"], row["problem"]) for row in rows] == [
        (1, "superseded", "已由版本 2 取代"),
        (2, "pending", None),
    ]
    assert all("body" not in row for row in rows)


@pytest.mark.parametrize(
    ("paths", "compared"),
    [
        ([[]], []),
        ([[OutboxState.SENT]], [1]),
        ([[OutboxState.SENT, OutboxState.CONFIRMED]], [1]),
        ([[OutboxState.CONFLICT]], [1]),
        ([[OutboxState.REFUSED]], []),
        ([[OutboxState.SENT, OutboxState.CONFIRMED], []], []),
        ([[OutboxState.SENT, OutboxState.CONFIRMED], [OutboxState.REFUSED]], [1]),
        ([[OutboxState.SENT, OutboxState.CONFIRMED], [OutboxState.SENT]], [2]),
        ([[OutboxState.SENT], [OutboxState.SENT]], [2]),
    ],
)
def test_the_row_to_compare_is_the_one_the_platform_should_hold(engine, paths, compared):
    for version, path in enumerate(paths, 1):
        add_result(engine, A, version, score=f"8{version}.00")
        queue(engine)
        force(engine, A, version, *path)
    with read(engine) as connection:
        assert [row.version for row in rows_to_compare(connection, YEAR)] == compared
