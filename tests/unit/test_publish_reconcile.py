"""Reconciling: what the platform holds decides, and only that confirms."""

import pytest

from fazhi.model.errors import Unreachable
from fazhi.model.terms import OutboxState, Stage
from fazhi.publish import enqueue, outbox_counts, push, reconcile_year
from fazhi.publish.answers import Held
from fazhi.publish.outbox import OutboxRow
from fazhi.publish.reconcile import ReconcileCounts, verdict
from fazhi.sandbox import Fault, FaultKind, SandboxPlatform
from fazhi.store import open_store
from support.publish import (
    APP_ID,
    NOW,
    SECRET,
    SYSTEM_DIGEST,
    YEAR,
    add_result,
    body_of,
    client_of,
    outbox_row,
    queue_units,
    states,
    unit,
)

COMPARED = (OutboxState.SENT, OutboxState.CONFIRMED, OutboxState.CONFLICT)
OURS, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def platform():
    with SandboxPlatform(app_id=APP_ID, secret=SECRET) as running:
        yield running


@pytest.fixture
def client(platform):
    with client_of(platform) as running:
        yield running


def send(engine, client):
    return push(engine, client, YEAR, system_digest=SYSTEM_DIGEST, now=NOW)


def compare(engine, client):
    return reconcile_year(engine, client, YEAR, now=NOW)


@pytest.mark.parametrize("state", COMPARED)
@pytest.mark.parametrize(
    ("held", "target", "said"),
    [
        (None, OutboxState.PENDING, "平台没有这个单位的得分"),
        (Held(2, OTHER), OutboxState.PENDING, "平台只有较旧的版本 2，没有版本 3"),
        (Held(3, OURS), OutboxState.CONFIRMED, None),
        (Held(3, OTHER), OutboxState.CONFLICT, "平台上版本 3 的内容与我方版本 3 不同"),
        (Held(4, OURS), OutboxState.CONFLICT, "平台已有更高的版本 4，我方为版本 3"),
        (Held(4, OTHER), OutboxState.CONFLICT, "经签批后用更高的版本号重新推送"),
    ],
)
def test_the_truth_table(state, held, target, said):
    row = OutboxRow(unit(1), 3, Stage.PROVISIONAL, state, OURS, OURS)
    found, problem = verdict(row, held)
    assert found is target
    assert problem is None if said is None else said in problem


def test_sent_becomes_confirmed_by_the_digest_alone_when_all_is_ours(engine, client, platform):
    queue_units(engine, 3)
    send(engine, client)
    assert outbox_counts(engine, YEAR)["sent"] == 3
    platform.requests.clear()
    assert compare(engine, client) == ReconcileCounts(compared=3, confirmed=3)
    assert platform.requests == [("GET", f"/v1/assessments/{YEAR}/digest", 200)]
    assert outbox_counts(engine, YEAR)["confirmed"] == 3


def test_others_results_on_the_platform_make_it_read_pages(engine, client, platform, tmp_path):
    elsewhere = open_store(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    queue_units(elsewhere, 2, first=100)
    send(elsewhere, client)
    queue_units(engine, 3)
    send(engine, client)
    platform.requests.clear()
    assert compare(engine, client) == ReconcileCounts(compared=3, confirmed=3)
    assert [path for _, path, _ in platform.requests] == [
        f"/v1/assessments/{YEAR}/digest",
        f"/v1/assessments/{YEAR}/results?limit=1000",
    ]


def test_pages_are_followed_to_the_end(engine, client, monkeypatch):
    monkeypatch.setattr("fazhi.publish.client._PAGE", 2)
    codes = queue_units(engine, 5)
    send(engine, client)
    assert [code for code, _held in client.held_results(YEAR)] == codes


def test_what_the_platform_lost_is_sent_again_and_confirmed(engine, client, platform):
    lost, kept = queue_units(engine, 2)
    send(engine, client)
    compare(engine, client)
    platform.forget(YEAR, lost)
    assert compare(engine, client) == ReconcileCounts(compared=2, confirmed=1, lost=1)
    assert states(engine) == {(lost, 1): "pending", (kept, 1): "confirmed"}
    assert "退回待推送" in outbox_row(engine, lost)["problem"]
    assert send(engine, client).sent == 1
    assert compare(engine, client) == ReconcileCounts(compared=2, confirmed=2)
    assert outbox_row(engine, lost)["problem"] is None


def test_a_platform_ahead_of_a_restored_store_is_a_conflict(engine, client, tmp_path):
    before_the_restore = open_store(f"sqlite:///{tmp_path / 'before.db'}")
    (code,) = queue_units(before_the_restore, 1, version=5)
    send(before_the_restore, client)
    add_result(engine, code, 3)
    enqueue(engine, YEAR, body_of=body_of, now=NOW)
    assert send(engine, client).conflict == 1
    assert compare(engine, client) == ReconcileCounts(compared=1, conflict=1)
    assert "平台已有更高的版本 5，我方为版本 3" in outbox_row(engine, code, 3)["problem"]


def test_with_nothing_to_compare_the_platform_is_not_asked(engine, client, platform):
    queue_units(engine, 1)
    assert compare(engine, client) == ReconcileCounts()
    assert platform.requests == []


def test_a_platform_that_is_down_changes_nothing(engine, client, platform):
    queue_units(engine, 1)
    send(engine, client)
    before = states(engine)
    platform.faults.add(Fault(FaultKind.STATUS, status=503, times=99))
    with pytest.raises(Unreachable):
        compare(engine, client)
    assert states(engine) == before


def test_a_lying_digest_confirms_nothing(engine, client, platform):
    (code,) = queue_units(engine, 1)
    send(engine, client)
    platform.faults.add(Fault(FaultKind.LIE, path="/digest"))
    platform.faults.add(Fault(FaultKind.LIE, path="/results?"))
    assert compare(engine, client) == ReconcileCounts(compared=1, conflict=1)
    assert states(engine) == {(code, 1): "conflict"}
    assert compare(engine, client) == ReconcileCounts(compared=1, confirmed=1)


def test_a_row_superseded_while_the_platform_is_asked_is_left_alone(engine, client):
    (code,) = queue_units(engine, 1)
    send(engine, client)
    ask = client.year_digest

    def ask_while_somebody_queues(year):
        add_result(engine, code, 2, score="90.00")
        enqueue(engine, YEAR, body_of=body_of, now=NOW)
        return ask(year)

    client.year_digest = ask_while_somebody_queues
    assert compare(engine, client) == ReconcileCounts()
    assert states(engine) == {(code, 1): "superseded", (code, 2): "pending"}
