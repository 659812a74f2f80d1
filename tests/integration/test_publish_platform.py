"""Publishing against the sandbox platform: every fault before and after storing, two publishers, kills."""

import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from importlib import import_module

import pytest
import requests

from fazhi.model.errors import ConfigurationError, Unreachable
from fazhi.publish import PlatformClient, RetryPolicy, enqueue, outbox_counts, push, reconcile_year
from fazhi.publish.outbox import move_all
from fazhi.publish.push import IN_FLIGHT, PushCounts
from fazhi.sandbox import Fault, FaultKind, Moment, SandboxPlatform
from fazhi.sandbox.service import RefusalError, Request
from fazhi.store import open_store
from support.publish import (
    APP_ID,
    NOW,
    SECRET,
    SYSTEM_DIGEST,
    YEAR,
    add_result,
    body_of,
    check_exchange,
    client_of,
    outbox_row,
    queue_units,
    receipts,
    states,
    unit,
)

PATIENT = RetryPolicy(attempts=3, first_wait=0.0, longest_wait=5.0, connect_timeout=10.0, read_timeout=60.0)
"""A busy machine is no fault: only tests of time-outs give up early."""

HASTY = replace(PATIENT, read_timeout=1.0)


@pytest.fixture
def platform(tmp_path):
    with SandboxPlatform(app_id=APP_ID, secret=SECRET, state=tmp_path / "platform.db") as running:
        yield running


@pytest.fixture
def client(platform, request):
    spec = getattr(request.node, "callspec", None)
    fault = spec.params.get("fault") if spec is not None else None
    slow = fault is not None and fault.kind is FaultKind.DELAY
    with client_of(platform, retry=HASTY if slow else PATIENT) as running:
        yield running


def send(engine, client, **values):
    return push(engine, client, YEAR, **{"system_digest": SYSTEM_DIGEST, "now": NOW, **values})


def settle(engine, client):
    """Push and reconcile until nothing is pending; what the counts are then."""
    send(engine, client)
    reconcile_year(engine, client, YEAR, now=NOW)
    return outbox_counts(engine, YEAR)


def held_once(platform, engine, codes, version=1):
    """The platform holds each unit's version exactly once, with the digest of the outbox."""
    expected = [(code, version, outbox_row(engine, code, version)["digest"]) for code in codes]
    assert platform.stored(YEAR) == expected


def paths(platform):
    return [(method, path.removeprefix(f"/v1/assessments/{YEAR}")) for method, path, _ in platform.requests]


# the plain way


def test_results_go_out_in_one_batch_and_are_confirmed_only_by_reading_back(engine, client, platform):
    codes = queue_units(engine, 3)
    assert send(engine, client) == PushCounts(sent=3)
    assert set(states(engine).values()) == {"sent"}
    assert paths(platform) == [("GET", ""), ("POST", "/results:batch")]
    assert receipts(engine) == platform.stored(YEAR)
    assert outbox_counts(engine, YEAR)["confirmed"] == 0
    reconcile_year(engine, client, YEAR, now=NOW)
    assert outbox_counts(engine, YEAR)["confirmed"] == 3
    held_once(platform, engine, codes)


def test_a_night_with_nothing_new_asks_nothing(engine, client, platform):
    queue_units(engine, 2)
    send(engine, client)
    platform.requests.clear()
    enqueue(engine, YEAR, body_of=body_of, now=NOW)
    assert send(engine, client) == PushCounts()
    assert platform.requests == []


def test_a_single_result_goes_by_put(engine, client, platform):
    (code,) = queue_units(engine, 1)
    assert send(engine, client) == PushCounts(sent=1)
    assert paths(platform) == [("GET", ""), ("PUT", f"/results/{code}")]


def test_batches_hold_at_most_500(engine, client, platform):
    codes = queue_units(engine, 501)
    steps = []
    assert send(engine, client, progress=steps.append) == PushCounts(sent=501)
    assert steps == [500, 1]
    first, *batches = paths(platform)
    assert first == ("GET", "")
    assert sorted(batches) == [("POST", "/results:batch"), ("PUT", f"/results/{codes[-1]}")]
    held_once(platform, engine, codes)


def test_a_few_batches_are_under_way_at_once_and_never_more(engine, client, platform, monkeypatch):
    codes = queue_units(engine, 7)
    monkeypatch.setattr("fazhi.publish.outbox._CHUNK", 1)
    handle, inside, most = platform.service.handle, [], []
    all_there = threading.Event()

    def counted(request):
        if request.method == "PUT":
            inside.append(request)
            most.append(len(inside))
            if len(most) >= IN_FLIGHT:
                all_there.set()
            assert all_there.wait(30), "the batches go one after the other"
            inside.pop()
        return handle(request)

    monkeypatch.setattr(platform.service, "handle", counted)
    assert send(engine, client) == PushCounts(sent=7)
    assert max(most) == IN_FLIGHT
    held_once(platform, engine, codes)


def test_batches_under_way_are_settled_when_one_does_not_get_through(engine, client, platform, monkeypatch):
    codes = queue_units(engine, 3)
    monkeypatch.setattr("fazhi.publish.outbox._CHUNK", 1)
    platform.faults.add(Fault(FaultKind.STATUS, path=codes[0], times=3, retry_after=0))
    with pytest.raises(Unreachable):
        send(engine, client)
    assert [states(engine)[code, 1] for code in codes] == ["pending", "sent", "sent"]
    assert settle(engine, client)["confirmed"] == 3
    held_once(platform, engine, codes)


def test_every_request_and_answer_keeps_the_contract(engine, client, platform, monkeypatch):
    exchanges = []
    handle = platform.service.handle

    def observed(request: Request):
        answer = handle(request)
        body = json.loads(request.body) if request.body else None
        exchanges.append((request.method, request.target, request.headers, body, answer.status, answer.data))
        return answer

    monkeypatch.setattr(platform.service, "handle", observed)
    queue_units(engine, 2)
    settle(engine, client)
    (code,) = queue_units(engine, 1, first=10)
    settle(engine, client)
    platform.forget(YEAR, code)
    settle(engine, client)
    settle(engine, client)
    client.stored_result(YEAR, code)
    first, second, lost, mended = 3, 3, 2, 3
    assert len(exchanges) == first + second + lost + mended + 1
    for exchange in exchanges:
        check_exchange(*exchange)
    assert len({headers["X-Nonce"] for _, _, headers, *_ in exchanges}) == len(exchanges)


# faults, before and after the platform stored it


FAULTS = {
    "503 at once": Fault(FaultKind.STATUS, status=503, retry_after=0),
    "503 without a time": Fault(FaultKind.STATUS, status=503, retry_after=None),
    "429": Fault(FaultKind.STATUS, status=429, retry_after=1),
    "500": Fault(FaultKind.STATUS, status=500),
    "cut": Fault(FaultKind.CUT),
    "garbled": Fault(FaultKind.GARBLE),
    "time-out": Fault(FaultKind.DELAY, seconds=1.5),
}


def at(fault, moment, times=1):
    return replace(fault, moment=moment, path="/results", times=times)


@pytest.mark.parametrize("count", [1, 3], ids=["single", "batch"])
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_one_fault_is_got_over_within_the_push(engine, client, platform, fault, moment, count):
    codes = queue_units(engine, count)
    platform.faults.add(at(fault, moment))
    assert send(engine, client) == PushCounts(sent=count)
    held_once(platform, engine, codes)
    assert receipts(engine) == platform.stored(YEAR)
    assert settle(engine, client)["confirmed"] == count


@pytest.mark.parametrize("count", [1, 3], ids=["single", "batch"])
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_lasting_fault_loses_nothing_and_the_next_push_continues(
    engine, client, platform, fault, moment, count
):
    codes = queue_units(engine, count)
    platform.faults.add(at(fault, moment, times=3))
    with pytest.raises(Unreachable, match="没有丢失，下次运行会继续"):
        send(engine, client)
    assert set(states(engine).values()) == {"pending"}
    assert outbox_row(engine, codes[0])["attempts"] == 1
    assert settle(engine, client)["confirmed"] == count
    held_once(platform, engine, codes)


@pytest.mark.parametrize("count", [1, 3], ids=["single", "batch"])
def test_a_truncated_answer_is_got_over(engine, client, platform, count):
    codes = queue_units(engine, count)
    platform.faults.add(at(Fault(FaultKind.TRUNCATE), Moment.AFTER))
    assert settle(engine, client)["confirmed"] == count
    held_once(platform, engine, codes)


@pytest.mark.parametrize("count", [1, 2], ids=["single", "batch"])
def test_a_lying_receipt_is_a_conflict_until_reading_back_settles_it(engine, client, platform, count):
    codes = queue_units(engine, count)
    platform.faults.add(at(Fault(FaultKind.LIE), Moment.AFTER))
    assert send(engine, client) == PushCounts(conflict=count)
    problem = outbox_row(engine, codes[0])["problem"]
    assert problem.startswith("平台回执与送出的不符：送出版本 1")
    assert receipts(engine) == []
    reconcile_year(engine, client, YEAR, now=NOW)
    assert outbox_counts(engine, YEAR)["confirmed"] == count


def test_a_receipt_number_used_twice_is_not_believed(engine, client, platform, monkeypatch):
    monkeypatch.setattr("fazhi.sandbox.service.uuid.uuid4", lambda: "receipt-1")
    monkeypatch.setattr(platform.service._state, "store", lambda _year, _stored: None)
    first, second = queue_units(engine, 2)
    assert send(engine, client) == PushCounts(sent=1, conflict=1)
    assert states(engine) == {(first, 1): "sent", (second, 1): "conflict"}
    assert outbox_row(engine, second)["problem"] == "平台给出的回执编号已用于另一个得分，回执不可信"
    assert [code for code, _, _ in receipts(engine)] == [first]


# refusals


def test_a_batch_too_large_for_the_platform_goes_in_halves(engine, client, platform):
    codes = queue_units(engine, 5)
    platform.faults.add(Fault(FaultKind.STATUS, status=413, path=":batch", times=2))
    assert send(engine, client) == PushCounts(sent=5)
    assert [method for method, _ in paths(platform)] == ["GET", "POST", "POST", "PUT", "PUT", "POST"]
    held_once(platform, engine, codes)


def test_what_the_platform_refuses_is_kept_with_its_reason_and_the_rest_goes(engine, client, platform):
    bad, good = sorted((unit(1), unit(2)))
    add_result(engine, bad, score="not a number")
    add_result(engine, good)
    enqueue(engine, YEAR, body_of=body_of, now=NOW)
    assert send(engine, client) == PushCounts(sent=1, refused=1)
    assert states(engine) == {(bad, 1): "refused", (good, 1): "sent"}
    problem = outbox_row(engine, bad)["problem"]
    assert problem.startswith("平台答复 422：结果不符合接口约定；")
    assert "/score" in problem
    assert send(engine, client) == PushCounts(), "a refused row is not sent again"


@pytest.mark.parametrize("status", [503, 429, 202, 302])
def test_an_item_that_cannot_be_taken_now_stays_pending(engine, client, platform, monkeypatch, status):
    busy, free = queue_units(engine, 2)
    take = platform.service._take

    def sometimes_busy(year, result, *how):
        if result["unit_code"] == busy:
            raise RefusalError(status, "稍后再试")
        return take(year, result, *how)

    monkeypatch.setattr(platform.service, "_take", sometimes_busy)
    assert send(engine, client) == PushCounts(sent=1, waiting=1)
    assert states(engine) == {(busy, 1): "pending", (free, 1): "sent"}
    monkeypatch.undo()
    assert send(engine, client) == PushCounts(sent=1)
    assert outbox_row(engine, busy)["attempts"] == 2


@pytest.mark.parametrize("share", ["0.0999", "0.09"])
def test_a_share_below_the_platforms_minimum_is_refused_before_the_push(engine, client, platform, share):
    low, enough = sorted((unit(1), unit(2)))
    add_result(engine, low, share=share)
    add_result(engine, enough, share="0.1")
    enqueue(engine, YEAR, body_of=body_of, now=NOW)
    assert send(engine, client) == PushCounts(sent=1, refused=1)
    assert outbox_row(engine, low)["problem"] == (
        f"未推送：法治建设成效占比 {share} 低于平台规定的 2024 年度下限 0.10，请核对指标体系的 share 后重新评分"
    )
    assert outbox_row(engine, low)["attempts"] == 0
    assert paths(platform) == [("GET", ""), ("PUT", f"/results/{enough}")]


@pytest.mark.parametrize(
    ("stage", "said"), [("provisional", "不再接收过程得分"), ("final", "须经签批作为更正推送")]
)
def test_a_year_sealed_on_the_platform_gets_nothing_but_corrections(engine, client, platform, stage, said):
    platform.set_year(YEAR, "sealed")
    (code,) = queue_units(engine, 1, stage=stage)
    assert send(engine, client) == PushCounts(refused=1)
    assert said in outbox_row(engine, code)["problem"]
    assert paths(platform) == [("GET", "")]


def test_a_signed_correction_of_a_sealed_year_goes_out(engine, client, platform):
    platform.set_year(YEAR, "sealed")
    code = unit(1)
    add_result(engine, code, 2, stage="final")
    enqueue(engine, YEAR, body_of=lambda *key: {**body_of(*key), "correction_of": 1}, now=NOW)
    assert send(engine, client) == PushCounts(sent=1)


def test_nothing_computed_with_another_edition_leaves_the_house(engine, client, platform):
    codes = queue_units(engine, 12)
    with pytest.raises(ConfigurationError, match="不是按现行指标体系") as caught:
        send(engine, client, system_digest="6" * 64)
    assert "（666666666666）计算的，一个也没有推送：请先重新评分" in str(caught.value)
    assert caught.value.faults == (*(f"{code} 版本 1" for code in codes[:10]), "……共 12 个")
    assert platform.requests == []
    assert set(states(engine).values()) == {"pending"}


def test_a_year_that_the_platform_does_not_know_stops_the_push(engine, client, platform):
    platform.set_year(YEAR, "absent")
    queue_units(engine, 1)
    with pytest.raises(ConfigurationError, match="考评平台上没有 2024 年度"):
        send(engine, client)
    assert set(states(engine).values()) == {"pending"}


# versions


@pytest.mark.parametrize("count", [1, 2], ids=["single", "batch"])
def test_a_409_for_what_is_there_already_is_read_back_as_sent(
    engine, client, platform, count, monkeypatch, tmp_path
):
    codes = queue_units(engine, count)
    send(engine, client)
    again = open_store(f"sqlite:///{tmp_path / 'again.db'}")
    queue_units(again, count)

    def always_409(*_how):
        raise RefusalError(409, "版本不高于已存版本")

    monkeypatch.setattr(platform.service, "_take", always_409)
    assert send(again, client) == PushCounts(sent=count)
    assert receipts(again) == platform.stored(YEAR)
    held_once(platform, engine, codes)


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ((1, "80.00"), (1, "90.00"), "平台上版本 1 的内容与我方版本 1 不同"),
        ((1, "80.00"), (2, "80.00"), "平台已有更高的版本 2，我方为版本 1：可能由恢复旧备份或他处推送造成"),
    ],
)
def test_a_409_for_something_else_is_a_conflict(engine, client, tmp_path, ours, theirs, said):
    elsewhere = open_store(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    queue_units(elsewhere, 1, version=theirs[0], score=theirs[1])
    send(elsewhere, client)
    (code,) = queue_units(engine, 1, version=ours[0], score=ours[1])
    assert send(engine, client) == PushCounts(conflict=1)
    assert outbox_row(engine, code, ours[0])["problem"].startswith(said)
    assert receipts(engine) == []


def test_a_newer_version_replaces_what_was_confirmed(engine, client, platform):
    (code,) = queue_units(engine, 1)
    settle(engine, client)
    add_result(engine, code, 2, score="90.00")
    enqueue(engine, YEAR, body_of=body_of, now=NOW)
    assert settle(engine, client)["confirmed"] == 1
    assert states(engine) == {(code, 1): "confirmed", (code, 2): "confirmed"}
    assert [version for _, version, _ in platform.stored(YEAR)] == [1, 2]


# two at once, and kills


def test_two_publishers_at_once_store_each_result_once(engine, platform):
    codes = queue_units(engine, 40)
    outcomes = []
    start = threading.Barrier(2)

    def publish():
        with client_of(platform) as client:
            start.wait()
            outcomes.append(send(engine, client))

    publishers = [threading.Thread(target=publish) for _ in range(2)]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()
    assert len(outcomes) == 2
    held_once(platform, engine, codes)
    assert receipts(engine) == platform.stored(YEAR)
    assert set(states(engine).values()) == {"sent"}


def test_two_that_queue_at_once_queue_each_result_once(engine):
    codes = sorted(unit(number) for number in range(40))
    for code in codes:
        add_result(engine, code)
    queued = []
    start = threading.Barrier(2)

    def queue():
        start.wait()
        queued.append(enqueue(engine, YEAR, body_of=body_of, now=NOW).queued)

    both = [threading.Thread(target=queue) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum(queued) == 40
    assert sorted(states(engine)) == [(code, 1) for code in codes]


class KilledError(BaseException):
    """The process ends here: nothing may catch it."""


@pytest.mark.parametrize(
    "place",
    [
        "fazhi.publish.push.note_attempt",
        "fazhi.publish.push._deliver",
        "fazhi.publish.push._verdict",
        "fazhi.publish.push.move_all",
        "fazhi.publish.push._record_receipts",
    ],
)
@pytest.mark.parametrize("moment", list(Moment))
@pytest.mark.parametrize("count", [1, 3], ids=["single", "batch"])
def test_killed_anywhere_in_a_push_the_next_one_mends_it(
    engine, client, platform, monkeypatch, place, moment, count
):
    module, name = place.rsplit(".", 1)
    original = getattr(import_module(module), name)

    def killed(*arguments, **named):
        if moment is Moment.AFTER:
            original(*arguments, **named)
        raise KilledError

    codes = queue_units(engine, count)
    with monkeypatch.context() as patched:
        patched.setattr(import_module(module), name, killed)
        with pytest.raises(KilledError):
            send(engine, client)
    assert set(states(engine).values()) == {"pending"}
    assert settle(engine, client)["confirmed"] == count
    held_once(platform, engine, codes)
    assert receipts(engine) == platform.stored(YEAR)


def test_killed_in_reconciling_nothing_is_confirmed(engine, client, monkeypatch):
    queue_units(engine, 3)
    send(engine, client)
    moved = []

    def killed_after_moving(_connection, _year, moves, *, now):
        move_all(_connection, _year, moves, now=now)
        moved.extend(moves)
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr("fazhi.publish.reconcile.move_all", killed_after_moving)
        with pytest.raises(KilledError):
            reconcile_year(engine, client, YEAR, now=NOW)
    assert len(moved) == 3
    assert outbox_counts(engine, YEAR)["sent"] == 3
    reconcile_year(engine, client, YEAR, now=NOW)
    assert outbox_counts(engine, YEAR)["confirmed"] == 3


def test_a_platform_killed_with_9_after_storing_holds_it_once_after_the_restart(engine, tmp_path):
    command = [sys.executable, "-m", "fazhi.sandbox", "--state", str(tmp_path / "p.db"), "--control"]

    def start(port):
        process = subprocess.Popen(
            [*command, "--port", str(port), "--app-id", APP_ID, "--secret", SECRET],
            stdout=subprocess.PIPE,
            text=True,
        )
        return process, process.stdout.readline().strip()

    codes = queue_units(engine, 3)
    process, url = start(0)
    try:
        with PlatformClient(url, APP_ID, SECRET, retry=PATIENT, sleep=lambda _seconds: None) as client:
            fault = {"kind": "cut", "moment": "after", "path": ":batch", "times": 99}
            requests.post(f"{url}/_sandbox/faults", json=fault, timeout=5)
            with pytest.raises(Unreachable):
                send(engine, client)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process.stdout.close()
            with pytest.raises(Unreachable, match="连接不上或连接中断"):
                send(engine, client)
            process, same_url = start(url.rsplit(":", 1)[1])
            assert same_url == url
            assert settle(engine, client)["confirmed"] == 3
            held = dict(client.held_results(YEAR))
            assert {code: one.version for code, one in held.items()} == dict.fromkeys(codes, 1)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_sm3_signatures_are_accepted_by_the_platform(engine, platform):
    queue_units(engine, 2)
    with PlatformClient(platform.url, APP_ID, SECRET, alg="hmac-sm3", retry=PATIENT) as client:
        assert settle(engine, client)["confirmed"] == 2
