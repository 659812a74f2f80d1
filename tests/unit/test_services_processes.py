"""Starting and ending background processes: exactly those, and nothing that only has one of their ids."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fazhi.services import ProcessGroup
from fazhi.services.processes import Recorded

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('ready', flush=True); time.sleep(60)",
]
PARENT = [
    sys.executable,
    "-c",
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True);"
    "print(child.pid, flush=True); time.sleep(60)",
]


TITLED = [
    sys.executable,
    "-c",
    "import subprocess, sys, time;"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], env={'LANG': 'C'});"
    "print(child.pid, flush=True); time.sleep(60)",
]


@pytest.fixture
def group(tmp_path: Path) -> Iterator[ProcessGroup]:
    group = ProcessGroup(tmp_path / "home" / "services.json")
    yield group
    group.end(patience=0.1)


def start(group: ProcessGroup, tmp_path: Path, **commands: list[str]) -> None:
    group.start(commands, dict(os.environ), tmp_path / "logs", {"port": "1234"})


def line_of(log: Path) -> str:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not log.read_text(encoding="utf-8").strip():
        time.sleep(0.05)
    return log.read_text(encoding="utf-8").strip()


def kill(pid: int) -> None:
    psutil.Process(pid).kill()
    deadline = time.monotonic() + 20
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_what_is_started_is_recorded_and_ended(group: ProcessGroup, tmp_path: Path) -> None:
    start(group, tmp_path, one=SLEEP, two=SLEEP)
    assert [process.name for process in group.running] == ["one", "two"]
    assert group.note("port") == "1234"
    pids = [process.pid for process in group.running]
    assert group.end() == ("one", "two")
    assert all(gone(pid) for pid in pids)
    assert group.running == ()
    assert group.end() == ()


def test_another_object_on_the_same_record_ends_them_too(group: ProcessGroup, tmp_path: Path) -> None:
    start(group, tmp_path, one=SLEEP)
    (process,) = group.running
    assert ProcessGroup(tmp_path / "home" / "services.json").end() == ("one",)
    psutil.Process(process.pid).wait(5)


def test_a_process_that_will_not_listen_is_killed(group: ProcessGroup, tmp_path: Path) -> None:
    start(group, tmp_path, deaf=STUBBORN)
    assert line_of(tmp_path / "logs" / "deaf.log") == "ready"
    (process,) = group.running
    begin = time.monotonic()
    assert group.end(patience=0.5) == ("deaf",)
    assert time.monotonic() - begin < 10
    assert gone(process.pid)


def test_descendants_in_sessions_of_their_own_are_ended(group: ProcessGroup, tmp_path: Path) -> None:
    start(group, tmp_path, parent=PARENT)
    child = int(line_of(tmp_path / "logs" / "parent.log"))
    assert not gone(child)
    group.end()
    assert gone(child)


def test_a_child_that_hides_its_environment_is_ended(group: ProcessGroup, tmp_path: Path) -> None:
    """As Airflow's own processes do, which change their title."""
    start(group, tmp_path, parent=TITLED)
    child = int(line_of(tmp_path / "logs" / "parent.log"))
    assert "FAZHI_SERVICES_MARK" not in psutil.Process(child).environ()
    kill(group.running[0].pid)
    group.end()
    assert gone(child)


def test_descendants_are_ended_when_their_parent_is_already_dead(group: ProcessGroup, tmp_path: Path) -> None:
    start(group, tmp_path, parent=PARENT)
    child = int(line_of(tmp_path / "logs" / "parent.log"))
    kill(group.running[0].pid)
    assert group.end() == ()
    assert gone(child)


def test_somebody_elses_process_with_a_recorded_id_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(SLEEP) as stranger:
        try:
            record = tmp_path / "services.json"
            entry = {"name": "scheduler", "pid": stranger.pid, "started": 12345.0}
            record.write_text(
                json.dumps({"mark": "0" * 16, "notes": {}, "processes": [entry]}), encoding="utf-8"
            )
            group = ProcessGroup(record)
            assert group.running == ()
            assert group.end() == ()
            assert stranger.poll() is None
            assert not record.exists()
        finally:
            stranger.kill()


def test_a_zombie_does_not_count_as_running() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(child.pid).create_time()
    deadline = time.monotonic() + 20
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Recorded("child", child.pid, started).alive()
    child.wait()
