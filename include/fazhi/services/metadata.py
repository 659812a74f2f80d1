"""Cleaning Airflow's own database. In: how many days are kept. Out: what ``airflow db clean`` did or would do.

Runs, task instances, XComs, logs of events and the like grow for ever; what the assessment stands on is in our store and
is not touched. It needs the metadata database, which no task has: a timer of the host runs it (docs/operations.zh-CN.md).
The newest run of each DAG always stays, or a timetable would start anew.
"""

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta

from fazhi.model.errors import SystemFault


@dataclass(frozen=True)
class Cleaned:
    """What was asked for, and what Airflow said."""

    before: str
    applied: bool
    said: str


def clean_metadata(now: datetime, days: int, *, apply: bool = False) -> Cleaned:
    """Clean the metadata database of the environment, without an archive.

    Args:
        now: The present moment, with its offset.
        days: What is younger stays.
        apply: Clean; otherwise only say what would go.

    Raises:
        SystemFault: ``airflow db clean`` failed; its last words are told.
    """
    before = (now - timedelta(days=days)).isoformat(timespec="seconds")
    command = ["airflow", "db", "clean", "--clean-before-timestamp", before, "--skip-archive", "--yes"]
    done = subprocess.run(  # noqa: S603 - Airflow's own command line
        [sys.executable, "-m", *command, *(() if apply else ("--dry-run",))],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemFault(f"Airflow 元数据没有清理成：{(done.stdout + done.stderr).strip()[-500:]}")
    return Cleaned(before, apply, done.stdout.strip())
