"""The desk without Airflow's login: its application, and persons of every role."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from fazhi.desk import ALL_REGIONS, Person
from fazhi.desk.roles import ABILITIES, Role
from fazhi.settings import Settings
from support.airflow_room import plugin_module

ORIGIN = "http://testserver"
PREFIX = "/fazhi-desk"
ELSEWHERE = "150100"
"""A region that exists in the synthetic registry or not; the persons of ``elsewhere`` have their rights there only."""


def person(role: Role, region: str = ALL_REGIONS, name: str = "", number: str = "7") -> Person:
    """Somebody in a role."""
    reach = frozenset({region})
    return Person(number, name or f"{role.value}-1", "", dict.fromkeys(ABILITIES[role], reach))


PERSONS: Mapping[str, Person] = {
    "stranger": Person("99", "stranger", ""),
    **{role.value: person(role, number=str(n)) for n, role in enumerate(Role, start=1)},
    "elsewhere": person(Role.CHIEF, ELSEWHERE, "elsewhere-1", "42"),
}
"""A person of each column of the table of routes; nobody at all is ``anonymous``."""


class DeskClient:
    """A browser at the desk, as somebody or as nobody."""

    def __init__(self, client: TestClient, who: Person | None = None) -> None:
        self.client = client
        self.who = who

    def get(self, path: str, **more: Any) -> Any:
        """A page, redirects not followed."""
        return self._as_person("GET", path, **more)

    def post(self, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """A form filled in on a page of the desk; redirects not followed."""
        headers = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", **more.pop("headers", {})}
        fields = {"csrf_token": self.csrf, **(data or {})}
        return self._as_person("POST", path, data=fields, headers=headers, **more)

    def bare(self, method: str, path: str, **more: Any) -> Any:
        """A request exactly as it is given."""
        return self._as_person(method, path, **more)

    @property
    def csrf(self) -> str:
        """What the person's forms carry."""
        if self.who is None:
            return "none"
        security = plugin_module("desk.security")
        from fazhi.pipeline import now_in_shanghai

        return security.csrf_token(self.who, now_in_shanghai())

    def as_person(self, who: Person | None) -> "DeskClient":
        """The same server as seen by somebody else, in a browser of their own."""
        self.client.cookies.clear()
        return DeskClient(self.client, who)

    def _as_person(self, method: str, path: str, **more: Any) -> Any:
        _whoever["is"] = self.who
        return self.client.request(method, f"{PREFIX}{path}", follow_redirects=False, **more)


_whoever: dict[str, Person | None] = {"is": None}


async def _person_of(_request: Request) -> Person:
    who = _whoever["is"]
    if who is None:
        raise plugin_module("desk.security").NotLoggedIn
    return who


@contextmanager
def desk_client(settings: Settings, *, raise_faults: bool = True) -> Iterator[DeskClient]:
    """The desk where Airflow mounts it, on a store; only who asks is ours to say.

    Args:
        settings: Where store and ground are.
        raise_faults: Whether a fault of the desk stops the test, or shows its page.
    """
    security, standing = plugin_module("desk.security"), plugin_module("desk.standing")
    kept = security.person_of, security.is_development, security.login_url
    security.person_of, security.is_development = _person_of, lambda: False
    security.login_url = lambda: "/auth/login/?next=desk"
    security.secret.cache_clear()
    standing.stand_on(settings)
    server = FastAPI()
    (mounted,) = plugin_module("steward_desk").StewardDeskPlugin.fastapi_apps
    server.mount(mounted["url_prefix"], mounted["app"])
    try:
        with TestClient(server, base_url=ORIGIN, raise_server_exceptions=raise_faults) as client:
            yield DeskClient(client)
    finally:
        security.person_of, security.is_development, security.login_url = kept
        standing.stand_on(None)
