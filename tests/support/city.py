"""A small synthetic city for tests that run whole years: written once, read by many."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

from fazhi.registry import Registry
from fazhi.settings import PROJECT_ROOT
from fazhi.synth import synthesise
from fazhi.systems import Editions

TODAY = date(2024, 10, 15)


@dataclass(frozen=True)
class City:
    """Where a synthetic city's submissions and its list of planted faults are."""

    inbox: Path

    @property
    def faults(self) -> Path:
        return self.inbox / "faults.csv"


def write_city(
    registry: Registry,
    editions: Editions,
    out: Path,
    *,
    years: range,
    units: int = 12,
    faults: str = "0.02",
    today: date = TODAY,
) -> City:
    """A synthetic city with planted faults."""
    synthesise(
        registry,
        editions,
        years=years,
        units=units,
        seed=7,
        out=out,
        faults_rate=Fraction(faults),
        workbooks=False,
        today=today,
    )
    return City(out)


def city_environment(home: Path, inbox: Path, **more: str) -> dict[str, str]:
    """The environment of a pipeline that lives in ``home`` and reads ``inbox``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FAZHI_")}
    return kept | {
        "FAZHI_STORE_URL": f"sqlite:///{home / 'fazhi.db'}",
        "FAZHI_RAW_URL": str(home / "raw"),
        "FAZHI_INBOX": str(inbox),
        "FAZHI_REPORTS_DIR": str(home / "reports"),
        **more,
    }


def fazhi(*arguments: str, env: dict[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "fazhi.cli", *arguments],
        env=env,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    if check and done.returncode not in (0, 1):
        raise AssertionError(f"fazhi {' '.join(arguments)} → {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done
