"""kill -9 at any moment of any stage, then the stage again: the same export, byte for byte."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fazhi.sandbox import SandboxPlatform
from fazhi.settings import PROJECT_ROOT
from support.city import city_environment, fazhi, write_city

YEAR = "2023"
STAGES = (
    ("collect", "--year", YEAR),
    ("validate", "--year", YEAR),
    ("score", "--year", YEAR),
    ("publish", "--year", YEAR),
    ("reconcile", "--year", YEAR),
)
KILLS = 2
SOAK_KILLS = 40
SHORTEST_PAUSE = 0.05


@pytest.fixture(scope="module")
def inbox(tmp_path_factory, registry, editions) -> Path:
    return write_city(
        registry, editions, tmp_path_factory.mktemp("city"), years=range(2023, 2024), units=6
    ).inbox


@pytest.fixture
def platform(tmp_path):
    with SandboxPlatform(state=tmp_path / "platform.db", app_id="app", secret="secret") as running:
        yield running


def _environment(home: Path, inbox: Path, platform) -> dict[str, str]:
    return city_environment(
        home,
        inbox,
        FAZHI_PLATFORM_URL=platform.url,
        FAZHI_PLATFORM_APP_ID="app",
        FAZHI_PLATFORM_SECRET="secret",
    )


def _exported(env: dict[str, str], out: Path) -> dict[str, bytes]:
    fazhi("export", "--year", YEAR, "--out", str(out), env=env)
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def _killed(arguments: tuple[str, ...], env: dict[str, str], after: float) -> bool:
    """Start a stage and kill it after some seconds; whether it was still running."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fazhi.cli", *arguments],
        env=env,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def _year_with_kills(env: dict[str, str], pauses: dict[str, float], kills: int, rng: random.Random) -> int:
    """Kill each stage so many times, then let it finish; how often it was killed.

    A stage that was quicker than the pause is given less time the next time.
    """
    killed = 0
    for stage in STAGES:
        pause, left = pauses[stage[0]], kills
        while left and pause > SHORTEST_PAUSE:
            if _killed(stage, env, after=rng.uniform(0.3, 0.95) * pause):
                left -= 1
            else:
                pause *= 0.7
        killed += kills - left
        fazhi(*stage, env=env)
    return killed


def _undisturbed(env: dict[str, str]) -> dict[str, float]:
    seconds = {}
    for stage in STAGES:
        begun = time.monotonic()
        fazhi(*stage, env=env)
        seconds[stage[0]] = time.monotonic() - begun
    return seconds


def _compare(tmp_path: Path, inbox: Path, platform, kills: int, seed: int) -> int:
    calm, disturbed = tmp_path / "calm", tmp_path / "disturbed"
    seconds = _undisturbed(_environment(calm, inbox, platform))
    expected = _exported(_environment(calm, inbox, platform), tmp_path / "calm-export")
    with SandboxPlatform(state=tmp_path / "other.db", app_id="app", secret="secret") as other:
        env = _environment(disturbed, inbox, other)
        killed = _year_with_kills(env, seconds, kills, random.Random(seed))
        assert _exported(env, tmp_path / "disturbed-export") == expected
        outbox = fazhi("reconcile", "--year", YEAR, "--json", env=env)
    assert '"pending": 0' in outbox.stdout
    assert '"sent": 0' in outbox.stdout
    assert '"conflict": 0' in outbox.stdout
    return killed


def test_killed_in_each_stage_the_export_is_the_same(tmp_path, inbox, platform):
    assert _compare(tmp_path, inbox, platform, KILLS, seed=20) >= KILLS * len(STAGES)


@pytest.mark.soak
def test_killed_hundreds_of_times_the_export_is_the_same(tmp_path, inbox, platform):
    assert _compare(tmp_path, inbox, platform, SOAK_KILLS, seed=200) >= SOAK_KILLS * len(STAGES)
