"""The desk inside a really running api-server with FAB: users of every role, and a browser for each of them."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from fazhi.services import LocalAirflow
from fazhi.settings import PROJECT_ROOT
from support.desk_city import REGION, DeskCity

USERS: Mapping[str, tuple[str, ...]] = {
    "kp-viewer-1": ("Fazhi Viewer",),
    "kp-steward-1": ("Fazhi Steward",),
    "kp-steward-2": (f"Fazhi Steward {REGION}",),
    "kp-chief-1": ("Fazhi Chief",),
    "kp-operator-1": ("Fazhi Operator",),
    "kp-auditor-1": ("Fazhi Auditor",),
    "kp-elsewhere-1": ("Fazhi Chief 150100",),
    "kp-nobody-1": (),
}
"""The accounts and their roles; the stewards and the chief are those of ``include/signers``."""

_MAKE_USERS = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    manager = builder.sm
    for name, roles, password in json.load(sys.stdin):
        found = [manager.find_role(role) for role in roles] or [manager.add_role("Nothing")]
        assert None not in found, (name, roles)
        assert manager.add_user(name, "合成", name, f"{name}@localhost.invalid", found, password)
"""


@dataclass
class DeskAirflow:
    """A running api-server whose desk shows a city."""

    airflow: LocalAirflow
    city: DeskCity
    passwords: Mapping[str, str]
    _sessions: dict[str, requests.Session] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of Airflow."""
        return self.airflow.url

    @property
    def desk(self) -> str:
        """The address of the desk alone, outside Airflow's frame."""
        return f"{self.url}/fazhi-desk"

    def session(self, account: str | None) -> requests.Session:
        """A client with the account's token in its cookie, as a browser has it; nobody's without an account."""
        if account is None:
            return requests.Session()
        if account not in self._sessions:
            session = requests.Session()
            login = {"username": account, "password": self.passwords[account]}
            answer = session.post(f"{self.url}/auth/token", json=login, timeout=60)
            answer.raise_for_status()
            session.cookies.set("_token", answer.json()["access_token"])
            session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            self._sessions[account] = session
        return self._sessions[account]

    def call(self, account: str | None, method: str, path: str, **more: Any) -> requests.Response:
        """A request as somebody; redirects are not followed."""
        return self.session(account).request(
            method, f"{self.url}{path}", allow_redirects=False, timeout=60, **more
        )


@contextmanager
def desk_airflow(home: Path, city: DeskCity) -> Iterator[DeskAirflow]:
    """An api-server with FAB (about a minute until it works): the DAGs are in its database, nothing runs them."""
    settings = city.settings
    airflow = LocalAirflow(
        home,
        {
            "FAZHI_STORE_URL": settings.store_url,
            "FAZHI_RAW_URL": settings.raw_url,
            "FAZHI_INBOX": str(settings.inbox),
            "FAZHI_REPORTS_DIR": str(settings.reports_dir),
            "FAZHI_SYSTEMS_DIR": str(settings.systems_dir),
            "FAZHI_REGISTRY_DIR": str(settings.registry_dir),
            "FAZHI_HOLIDAYS_DIR": str(settings.holidays_dir),
            "FAZHI_SIGNERS_DIR": str(settings.signers_dir),
            "FAZHI_CONTACT": settings.contact,
        },
        auth="fab",
        components=("api-server",),
        progress=lambda line: print(line, flush=True),
    )
    try:
        airflow.start()
        passwords = _make_users(airflow)
        _run(airflow, [sys.executable, "-m", "airflow", "dags", "reserialize"])
        yield DeskAirflow(airflow, city, passwords)
    finally:
        airflow.stop()


def _make_users(airflow: LocalAirflow) -> dict[str, str]:
    passwords = {name: secrets.token_urlsafe(12) for name in USERS}
    listed = [[name, roles, passwords[name]] for name, roles in USERS.items()]
    _run(airflow, [sys.executable, "-c", _MAKE_USERS], json.dumps(listed))
    return passwords


def _run(airflow: LocalAirflow, command: list[str], answer: str | None = None) -> str:
    environment = {**os.environ, **airflow.environment()}
    done = subprocess.run(
        command, env=environment, cwd=PROJECT_ROOT, input=answer, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout
