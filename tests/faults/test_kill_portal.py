"""kill -9 while a portal is read, at any request, then the step again: nothing lost, nothing doubled."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import select

from fazhi.sandbox import Fault, FaultKind, SandboxPortal
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store, read, tables
from fazhi.store.raw import RawStore
from support.city import city_environment, fazhi
from support.portal import TOKEN, put_on, sha256_of

SUBMISSIONS = 210
KILLS = 3
SOAK_KILLS = 60
COMMAND = ("collect", "--year", "2024", "--source", "portal", "--json")


@pytest.fixture
def portal():
    with SandboxPortal(token=TOKEN) as running:
        for number in range(SUBMISSIONS):
            files = {"表.csv": f"表{number}".encode(), "佐证.txt": f"佐证{number % 5}".encode()}
            put_on(running, f"S{number:03d}", files, minutes=number // 7, revision=number + 1)
        yield running


def kill_after(portal, requests, env):
    """Start the step and kill it once the portal has been asked so often more; whether it was still running."""
    before = len(portal.requests)
    process = subprocess.Popen(
        [sys.executable, "-m", "fazhi.cli", *COMMAND],
        env=env,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and len(portal.requests) < before + requests:
        time.sleep(0.001)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return alive


def with_kills(tmp_path, portal, kills, rng):
    env = city_environment(
        tmp_path, tmp_path / "inbox", FAZHI_PORTAL_URL=portal.url, FAZHI_PORTAL_TOKEN=TOKEN
    )
    killed = 0
    for number in range(kills):
        # few requests are left once all files are kept: then the kill falls into the recording
        killed += kill_after(portal, rng.randint(1, max(2, SUBMISSIONS * 2 // (kills + number))), env)
        portal.faults.add(Fault(FaultKind.DUPLICATE, path="cursor="))
    fazhi(*COMMAND, env=env)
    return killed


def check(tmp_path):
    raw = RawStore(str(tmp_path / "raw"))
    with read(open_store(f"sqlite:///{tmp_path / 'fazhi.db'}")) as connection:
        ids = connection.execute(select(tables.submission.c.submission_id)).scalars().all()
        files = connection.execute(select(tables.submission_file.c.name, tables.submission_file.c.sha256))
        contents = [(row.name, raw.get(row.sha256)) for row in files]
        (mark,) = connection.execute(select(tables.portal_mark.c.updated_at)).scalars()
        (current,) = connection.execute(select(tables.current_submission.c.revision)).scalars()
    assert sorted(ids) == [f"S{number:03d}" for number in range(SUBMISSIONS)]
    expected = [("表.csv", f"表{number}".encode()) for number in range(SUBMISSIONS)]
    expected += [("佐证.txt", f"佐证{number % 5}".encode()) for number in range(SUBMISSIONS)]
    assert sorted(contents) == sorted(expected)
    assert mark.startswith(f"2025-01-05T09:{(SUBMISSIONS - 1) // 7:02d}")
    assert current == SUBMISSIONS


def test_killed_while_collecting_nothing_is_lost_or_doubled(tmp_path, portal):
    assert with_kills(tmp_path, portal, KILLS, random.Random(4)) >= 2
    check(tmp_path)
    fetched = [target for _, target, status in portal.requests if sha256_of("表0".encode()) in target]
    assert len(fetched) <= 1 + KILLS


@pytest.mark.soak
def test_killed_often_nothing_is_lost_or_doubled(tmp_path, portal):
    with_kills(tmp_path, portal, SOAK_KILLS, random.Random(40))
    check(tmp_path)
