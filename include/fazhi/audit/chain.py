"""Appending to the audit log. In: an event, inside the transaction that makes it true. Out: the next link."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection


@dataclass(frozen=True)
class Actor:
    """Who did it: an account's id and the person's name; the pipeline itself is ``Actor("fazhi", "系统")``."""

    actor_id: str
    name: str


@dataclass(frozen=True)
class Event:
    """One event: ``action`` such as ``decision.recorded``, ``subject`` such as ``2024/1115…/D4.1``."""

    action: str
    subject: str
    at: str
    before: str = ""
    after: str = ""
    details: dict[str, Any] = field(default_factory=dict)


def append(connection: Connection, actor: Actor, event: Event) -> None:
    """Add an event to the chain, in the caller's write transaction: it is recorded iff what it tells is."""
    raise NotImplementedError
