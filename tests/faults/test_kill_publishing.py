"""kill -9 at random moments of a push of several batches: the platform holds each result once, the states are true."""

import multiprocessing
import random

import pytest

from fazhi.audit import verify
from fazhi.publish import outbox_counts
from fazhi.sandbox import Fault, FaultKind, Moment, SandboxPlatform
from support.publish import APP_ID, SECRET, YEAR, outbox_row, queue_units, receipts, states
from support.push_once import push_once

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["support.push_once"])
RESULTS = 1_100
KILLS = 20
SOAK_KILLS = 200


@pytest.fixture
def platform(tmp_path):
    with SandboxPlatform(app_id=APP_ID, secret=SECRET, state=tmp_path / "platform.db") as running:
        yield running


def _push(engine, platform, kill_after: float | None = None) -> bool:
    """Whether a push came to its end; otherwise it was killed."""
    ours, theirs = SERVER.Pipe()
    process = SERVER.Process(target=push_once, args=(str(engine.url), platform.url, theirs))
    process.start()
    assert ours.recv() == "ready"
    ours.send("go")
    process.join(kill_after)
    if process.exitcode is None:
        process.kill()
        process.join()
        return False
    assert process.exitcode == 0
    return True


def _true_states(engine, platform) -> None:
    """Whatever is sent or confirmed, the platform holds; each result once."""
    held = {(code, version): digest for code, version, digest in platform.stored(YEAR)}
    assert len(held) == len(platform.stored(YEAR))
    for (code, version), state in states(engine).items():
        if state in ("sent", "confirmed"):
            assert held[code, version] == outbox_row(engine, code, version)["digest"]
        assert state not in ("refused", "conflict")


def _kill_often(engine, platform, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    codes = queue_units(engine, RESULTS)
    longest, killed, first = 1.5, 0, 0
    while killed < kills:
        if not _push(engine, platform, kill_after=rng.uniform(0.0, longest)):
            killed += 1
        else:
            longest = max(longest * 0.8, 0.2)
        if rng.random() < 0.2:
            platform.faults.add(Fault(FaultKind.CUT, rng.choice(list(Moment)), path="/results"))
        if outbox_counts(engine, YEAR)["confirmed"] == len(codes):
            _true_states(engine, platform)
            first += RESULTS
            codes += queue_units(engine, RESULTS, first=first + 1)
    _true_states(engine, platform)
    assert _push(engine, platform)
    assert outbox_counts(engine, YEAR)["confirmed"] == len(codes)
    expected = sorted((code, 1, outbox_row(engine, code)["digest"]) for code in codes)
    assert sorted(platform.stored(YEAR)) == expected
    assert set(receipts(engine)) == set(expected)
    assert verify(engine).faults == ()


def test_killed_at_random_moments_every_result_is_stored_once(engine, platform):
    _kill_often(engine, platform, KILLS, seed=11)


@pytest.mark.soak
def test_killed_hundreds_of_times_every_result_is_stored_once(engine, platform):
    _kill_often(engine, platform, SOAK_KILLS, seed=12)
