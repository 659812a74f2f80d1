"""Who asks, and whether a form is ours. In: a request. Out: a person, or a refusal.

Airflow's auth manager knows the login and the permissions. Under SimpleAuthManager, which knows neither regions nor
these permissions, its four roles stand in for the desk's, and every page says so.
"""

import hashlib
import hmac
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf
from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer

from desk.standing import standing
from fazhi.desk import ALL_REGIONS, Ability, Person
from fazhi.desk.places import known_regions
from fazhi.desk.roles import ABILITIES, METHODS, Role, resource_of
from fazhi.model.errors import ConfigurationError

CSRF_FIELD = "csrf_token"

_bearer = HTTPBearer(auto_error=False)
_EVERYWHERE = frozenset({ALL_REGIONS})
_SIMPLE_ROLES: dict[str, tuple[Ability, ...]] = {
    "VIEWER": ABILITIES[Role.VIEWER],
    "USER": ABILITIES[Role.STEWARD],
    "OP": ABILITIES[Role.OPERATOR],
    "ADMIN": tuple(Ability),
}


class NotLoggedIn(Exception):
    """Nobody is logged in, or not any more."""


async def person_of(request: Request) -> Person:
    """Who asks.

    Raises:
        NotLoggedIn: Nobody, or the login has expired or is none of ours.
    """
    try:
        user = await get_user(request, None, await _bearer(request))
    except HTTPException as refused:
        raise NotLoggedIn from refused
    if user is None:
        raise NotLoggedIn
    return person_from(user, await run_in_threadpool(_known_regions))


def person_from(user: Any, regions: Iterable[str]) -> Person:
    """A user of Airflow as a person at the desk."""
    full_name = getattr(user, "get_full_name", lambda: "")().strip()
    abilities = _simple_abilities(user) if is_development() else _abilities(user, regions)
    return Person(str(user.get_id()), str(user.get_name()), full_name, abilities)


def is_development() -> bool:
    """Whether Airflow runs with its auth manager for development."""
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    return isinstance(get_auth_manager(), SimpleAuthManager)


def login_url() -> str:
    """Where to log in; afterwards the desk is shown in Airflow's frame."""
    base = (conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return get_auth_manager().get_url_login(next_url=f"{base}/plugin/fazhi-desk")


def _abilities(user: Any, regions: Iterable[str]) -> dict[Ability, frozenset[str]]:
    manager, named = get_auth_manager(), (ALL_REGIONS, *regions)
    found = {
        ability: frozenset(
            region
            for region in named
            if manager.is_authorized_custom_view(
                method=METHODS[ability], resource_name=resource_of(ability, region), user=user
            )
        )
        for ability in Ability
    }
    return {ability: reach for ability, reach in found.items() if reach}


def _simple_abilities(user: Any) -> dict[Ability, frozenset[str]]:
    role = str(getattr(user, "role", None) or "").rpartition(".")[2].upper()
    if conf.getboolean("core", "simple_auth_manager_all_admins", fallback=False):
        role = "ADMIN"
    return dict.fromkeys(_SIMPLE_ROLES.get(role, ()), _EVERYWHERE)


def _known_regions() -> tuple[str, ...]:
    return known_regions(standing().ground().registry)


def csrf_token(person: Person, now: datetime) -> str:
    """What a form of this person's carries today."""
    return _csrf_of(person, now.date())


def is_ours(request: Request, token: object, person: Person, now: datetime) -> bool:
    """Whether a form was filled in on a page of ours, by the person it was made for, today or yesterday."""
    given = token if isinstance(token, str) else ""
    days = (now.date(), now.date() - timedelta(days=1))
    sound = [
        hmac.compare_digest(given.encode("utf-8", "replace"), _csrf_of(person, day).encode()) for day in days
    ]
    return any(sound) and is_same_origin(request)


def is_same_origin(request: Request) -> bool:
    """Whether the browser says that a page of this very site sent the request; a browser that says nothing is refused."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        return False
    return site in (None, "same-origin") and (origin is None or _is_this_site(request, origin))


def _is_this_site(request: Request, origin: str) -> bool:
    asked = urlsplit(origin)
    base = urlsplit(conf.get("api", "base_url", fallback="") or "")
    ours = {(base.scheme, base.netloc), (request.url.scheme, request.headers.get("host", ""))}
    return bool(asked.netloc) and (asked.scheme, asked.netloc) in ours


def _csrf_of(person: Person, day: date) -> str:
    return hmac.new(secret(b"csrf"), f"{person.id}|{person.name}|{day}".encode(), hashlib.sha256).hexdigest()


@cache
def secret(purpose: bytes) -> bytes:
    """A key of its own for each purpose, derived from Airflow's secret, which all its servers share.

    Raises:
        ConfigurationError: Airflow has no secret.
    """
    root = conf.get("api", "secret_key", fallback="") or conf.get("api_auth", "jwt_secret", fallback="")
    if not root:
        raise ConfigurationError("Airflow 没有设置 [api] secret_key，审核工作台不能校验表单")
    return hmac.new(str(root).encode(), b"fazhi-desk " + purpose, hashlib.sha256).digest()
