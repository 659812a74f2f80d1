"""Appending to the audit log. In: an event, inside the transaction that makes it true. Out: the next link.

A link's digest is taken over the RFC 8785 form of everything in its row, its number and the digest before it
included. Each link names its own algorithm, so that a chain may go on under another one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from fazhi.model.canonical import canonical_bytes
from fazhi.settings import AUDIT_ALGORITHMS, audit_algorithm
from fazhi.store import become_the_writer
from fazhi.store.tables import audit

GENESIS = "0" * 64
"""What the first link carries as the digest before it."""


@dataclass(frozen=True)
class Actor:
    """Who did it: an account's id and the person's name; the pipeline itself is ``SYSTEM``."""

    actor_id: str
    name: str


SYSTEM = Actor("fazhi", "系统")


@dataclass(frozen=True)
class Event:
    """One event: ``action`` such as ``decision.recorded``, ``subject`` such as ``2024/1115…/D4.1``.

    ``at`` is an ISO 8601 time with its offset; ``before`` and ``after`` are digests or short texts; ``details``
    is what JSON can hold, without floats.
    """

    action: str
    subject: str
    at: str
    before: str = ""
    after: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Link:
    """One row of the chain, as stored; ``details`` is the canonical JSON text."""

    seq: int
    prev_digest: str
    digest: str
    alg: str
    actor_id: str
    actor_name: str
    at: str
    action: str
    subject: str
    before: str
    after: str
    details: str


def link_digest(fields: Mapping[str, Any]) -> str:
    """The digest (hex) that a link must carry, by the algorithm that it names.

    Args:
        fields: The link's fields by name; ``digest`` itself is left out of the digest.

    Raises:
        ValueError: The algorithm is unknown here, or a field is nothing that canonical JSON can hold.
    """
    if fields["alg"] not in AUDIT_ALGORITHMS:
        raise ValueError(f"unknown digest algorithm {fields['alg']!r}")
    covered = {name: value for name, value in fields.items() if name != "digest"}
    return hashlib.new(str(fields["alg"]), canonical_bytes(covered)).hexdigest()


def append(connection: Connection, actor: Actor, event: Event) -> None:
    """Add an event to the chain, in the caller's write transaction: it is recorded iff what it tells is.

    Only one transaction appends at a time, whatever opened it: the chain never forks.

    Raises:
        ConfigurationError: ``FAZHI_AUDIT_ALG`` names no usable algorithm.
        ValueError: ``details`` is nothing that canonical JSON can hold.
    """
    alg = audit_algorithm()
    become_the_writer(connection)
    last = connection.execute(
        select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)
    ).one_or_none()
    seq, prev_digest = (last.seq + 1, last.digest) if last is not None else (1, GENESIS)
    fields = {
        "seq": seq,
        "prev_digest": prev_digest,
        "alg": alg,
        "actor_id": actor.actor_id,
        "actor_name": actor.name,
        **asdict(event),
        "details": canonical_bytes(event.details).decode(),
    }
    connection.execute(insert(audit).values(**fields, digest=link_digest(fields)))
