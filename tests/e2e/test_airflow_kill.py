"""kill -9 of the task's process, once in each stage, under a real scheduler: the same export, byte for byte."""

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from support.airflow_city import PUSH, airflow_city
from support.city import city_environment, fazhi

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.ci,
    pytest.mark.timeout(1200),
]

YEAR = 2023
STAGES = ("collect", "intake", "validate", "score", "publish", "reconcile", "report")
RUNS = 8
"""At most; a stage that ended before its kill came gets another run, and is given less time in it."""
LONGEST_LIFE = 2.0
"""Seconds from the first sight of a stage's process to its kill, in the first run."""
RUN_TIMEOUT = 400


@pytest.fixture(scope="module")
def city(tmp_path_factory, registry, editions):
    with airflow_city(tmp_path_factory.mktemp("kill"), registry, editions, units=6) as city:
        yield city


def _kill_stages(api, run_id: str, left: set[str], rng: random.Random, longest: float) -> None:
    """Follow a run and kill each stage of ``left`` once, at most ``longest`` s after its process appears."""
    killed: set[str] = set()
    deadline = time.monotonic() + RUN_TIMEOUT
    while not api.run(run_id).finished and time.monotonic() < deadline:
        for task in api.task_states(run_id):
            name = task["task_id"]
            if name in left - killed and task["state"] == "running" and task["pid"]:
                time.sleep(rng.uniform(0, longest))
                with contextlib.suppress(ProcessLookupError):  # it was quicker: another run's turn
                    os.kill(task["pid"], signal.SIGKILL)
                    killed.add(name)
        time.sleep(0.2)


def _exported(env: dict[str, str], out: Path) -> dict[str, bytes]:
    fazhi("export", "--year", str(YEAR), "--out", str(out), env=env)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_killed_once_in_each_stage_the_export_is_the_same(city, tmp_path):
    calm = city_environment(tmp_path, city.home / "inbox")
    fazhi("collect", "--year", str(YEAR), env=calm | {"FAZHI_INBOX": str(city.home / "at_portal")})
    for command in ("collect", "validate", "score"):
        fazhi(command, "--year", str(YEAR), env=calm)
    expected = _exported(calm, tmp_path / "calm")

    left, rng = set(STAGES), random.Random(9)
    tries: dict[str, int] = {}
    for run in range(RUNS):
        run_id = city.api.trigger_run(YEAR, PUSH)
        _kill_stages(city.api, run_id, left, rng, LONGEST_LIFE * 0.6**run)
        assert city.api.run(run_id).state == "success"
        for task in city.api.task_states(run_id):
            tries[task["task_id"]] = max(tries.get(task["task_id"], 0), task["try_number"])
        left = {stage for stage in STAGES if tries[stage] < 2}  # a kill that came too late changed nothing
        if not left:
            break
    assert left == set()

    disturbed = calm | {"FAZHI_STORE_URL": city.store_url}
    assert _exported(disturbed, tmp_path / "disturbed") == expected
    assert set(city.outbox_states(YEAR)) == {"confirmed"}
    assert city.receipts() == city.scored_units(YEAR)
