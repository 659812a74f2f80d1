"""A synthetic city under a real Airflow and a sandbox platform: what the end-to-end tests stand on."""

import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import requests
from sqlalchemy import func, select

from fazhi.registry import Registry
from fazhi.sandbox.shelf import Shelf
from fazhi.services import AirflowApi, LocalAirflow, RefusedByAirflow
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store, read
from fazhi.store.tables import outbox, pipeline_run, receipt, result, submission
from fazhi.systems import Editions
from support.city import write_city

YEARS = (2021, 2022, 2023)
PUSH = {"mode": "push", "reason": "补报以前年度的结果(测试)"}
FAST = {
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "2",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
}
"""Airflow needs 300 s by default to notice a dead task."""
BY_HAND = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False"}
"""No run but those that a test asks for: at 01:30 a nightly run would come between."""


@dataclass(frozen=True)
class AirflowCity:
    """A running Airflow, its store and the city that it assesses."""

    airflow: LocalAirflow
    api: AirflowApi
    store_url: str
    home: Path
    environment: Mapping[str, str]
    """The settings that its tasks have: for what is done beside Airflow."""

    def rows(self, statement: Any) -> list[Mapping[str, Any]]:
        """What a query finds in the store."""
        with read(open_store(self.store_url)) as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def outbox_states(self, year: int) -> dict[str, int]:
        """How many results of a year are in which state."""
        counted = select(outbox.c.state, func.count().label("n")).where(outbox.c.year == year)
        return {row["state"]: row["n"] for row in self.rows(counted.group_by(outbox.c.state))}

    def receipts(self) -> int:
        """How many results the platform has ever accepted."""
        return self.rows(select(func.count().label("n")).select_from(receipt))[0]["n"]

    def system_digests(self, year: int) -> set[str]:
        """The editions that a year's results were computed with."""
        return {
            row["system_digest"]
            for row in self.rows(select(result.c.system_digest).where(result.c.year == year))
        }

    def scored_units(self, year: int) -> int:
        """How many units have a result."""
        counted = select(func.count(func.distinct(result.c.unit_code)).label("n")).where(
            result.c.year == year
        )
        return self.rows(counted)[0]["n"]

    def sources(self, year: int) -> dict[str, int]:
        """How many submissions of a year came from which source."""
        counted = select(submission.c.source, func.count().label("n")).where(submission.c.year == year)
        return {row["source"]: row["n"] for row in self.rows(counted.group_by(submission.c.source))}

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What the portal was told of submissions."""
        shelf = Shelf(self.home / "portal.db")
        try:
            return shelf.reviews()
        finally:
            shelf.close()

    def close_backfills(self) -> None:
        """Complete the backfills whose runs have ended: Airflow's own sweep does so only every 30 seconds.

        The sweep may come first: a backfill that is completed already is what was asked for.
        """
        for backfill in self.api.call("GET", "/backfills", params={"dag_id": "assessment"})["backfills"]:
            if backfill["completed_at"] is not None:
                continue
            try:
                self.api.call("PUT", f"/backfills/{backfill['id']}/cancel")
            except RefusedByAirflow as refusal:
                if refusal.status != requests.codes.conflict:
                    raise

    def recorded_run(self, run_id: str) -> Mapping[str, Any]:
        """What the pipeline wrote down about a run."""
        (row,) = self.rows(select(pipeline_run).where(pipeline_run.c.run_id == run_id))
        return row


@contextmanager
def airflow_city(
    home: Path,
    registry: Registry,
    editions: Editions,
    *,
    units: int = 12,
    years: range | None = None,
    faults: str = "0.02",
    portal: bool = True,
    nightly: bool = False,
    **settings: str,
) -> Iterator[AirflowCity]:
    """A city under a running Airflow.

    Args:
        home: Where all of it lives.
        registry: The units.
        editions: The indicator systems.
        units: How many of them report.
        years: From 2021 to the current year unless told otherwise.
        faults: The share of planted faults.
        portal: Whether every other submission waits at the portal, not in the folder.
        nightly: Whether runs start by the clock also, as they do in production.
        settings: Further settings of the tasks.
    """
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    inbox, at_portal = home / "inbox", home / "at_portal"
    span = range(YEARS[0], today.year + 1) if years is None else years
    write_city(registry, editions, inbox, years=span, units=units, faults=faults, today=today)
    at_portal.mkdir()
    for folder in sorted((inbox / "submissions").iterdir())[::2] if portal else ():
        folder.rename(at_portal / folder.name)
    store_url = f"sqlite:///{home / 'fazhi.db'}"
    with sandbox(home, at_portal) as outside:
        environment = {
            **outside,
            "FAZHI_STORE_URL": store_url,
            "FAZHI_RAW_URL": str(home / "raw"),
            "FAZHI_INBOX": str(inbox),
            "FAZHI_REPORTS_DIR": str(home / "reports"),
            **settings,
        }
        airflow = LocalAirflow(
            home / "airflow",
            FAST | ({} if nightly else BY_HAND) | environment,
            progress=lambda line: print(line, flush=True),
        )
        try:
            airflow.start()
            yield AirflowCity(airflow, airflow.api(), store_url, home, environment)
        finally:
            airflow.stop()


@contextmanager
def sandbox(home: Path, submissions: Path) -> Iterator[dict[str, str]]:
    """A platform and a portal that keep their contracts; the settings by which they are reached."""
    secret, token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    command = [
        sys.executable,
        "-m",
        "fazhi.sandbox",
        "--port",
        "0",
        "--state",
        str(home / "platform.db"),
        "--app-id",
        "fazhi-test",
        "--portal",
        "--portal-state",
        str(home / "portal.db"),
        "--submissions",
        str(submissions),
    ]
    with subprocess.Popen(
        [*command, f"--secret={secret}", f"--portal-token={token}"],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        portal = process.stdout.readline().strip().removeprefix("FAZHI_PORTAL_URL=")
        try:
            assert url.startswith("http://127.0.0.1:"), url
            assert portal.startswith("http://127.0.0.1:"), portal
            yield {
                "FAZHI_PLATFORM_URL": url,
                "FAZHI_PLATFORM_APP_ID": "fazhi-test",
                "FAZHI_PLATFORM_SECRET": secret,
                "FAZHI_PORTAL_URL": portal,
                "FAZHI_PORTAL_TOKEN": token,
            }
        finally:
            process.terminate()
            process.wait(timeout=20)
