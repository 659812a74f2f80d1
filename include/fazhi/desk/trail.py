"""The audit log on a page. In: a filter, a cursor. Out: who did what, when, to what, before and after; is the chain sound?

One page looks through at most ``WINDOW`` links of the chain, by their numbers, so that a filter that fits nothing costs no
more than one that fits everything; where it stopped is told, and the next page goes on there. Verifying is bounded alike:
``verified`` checks the newest links against the one before them, or a whole short chain.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select

from fazhi.audit import GENESIS, Link, link_digest
from fazhi.desk.paging import PAGE_SIZE, Key, Slice, cursor_of, key_of
from fazhi.model.errors import UsageError
from fazhi.registry import Registry
from fazhi.store import read
from fazhi.store.tables import audit, submission

WINDOW = 20_000
"""Links that one page looks through, or that one verification checks."""


NARROW = 2_000
"""Links that are looked through for somebody who may see some regions only."""

_AT_ONCE = 500


@dataclass(frozen=True)
class Wanted:
    """Which links: a part of the subject, an action or its beginning, an account or name, days (inclusive)."""

    subject: str = ""
    action: str = ""
    actor: str = ""
    first_day: str = ""
    last_day: str = ""


@dataclass(frozen=True)
class Entry:
    """One link as a person reads it; ``details`` are named values in the order of their names."""

    seq: int
    at: str
    actor_id: str
    actor_name: str
    action: str
    subject: str
    before: str
    after: str
    details: tuple[tuple[str, str], ...]
    digest: str
    alg: str


@dataclass(frozen=True)
class Page:
    """A page of the log, the newest first. ``looked_to`` is the oldest number looked at, 1 when all were."""

    entries: Slice[Entry]
    newest: int
    looked_to: int


@dataclass(frozen=True)
class Fault:
    """What is wrong with a link: ``changed``, ``missing`` (numbers are left out before it) or ``unlinked``."""

    kind: str
    seq: int


@dataclass(frozen=True)
class Soundness:
    """What a verification found in the links from ``first`` to ``last``; ``whole``: that is all of them."""

    first: int
    last: int
    head: str
    whole: bool
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class Within:
    """Some regions only: links about a unit, a submission or the results of these; those about a whole year are not."""

    registry: Registry
    regions: frozenset[str]

    def concern(self, connection: Connection, links: Sequence[Link]) -> list[Link]:
        """Those of some links that are about these regions."""
        subjects = [link.subject.partition("/")[2].partition("/")[0] for link in links]
        codes = {
            unit.unit_code for unit in self.registry.units if self.registry.region_of(unit) in self.regions
        }
        known = codes | self.regions | self._submissions(connection, set(subjects) - codes, codes)
        return [link for link, subject in zip(links, subjects, strict=True) if subject in known]

    @staticmethod
    def _submissions(connection: Connection, ids: set[str], codes: set[str]) -> set[str]:
        """The submissions among some ids that such a unit sent."""
        found: set[str] = set()
        listed = sorted(ids)
        for first in range(0, len(listed), _AT_ONCE):
            some = submission.c.submission_id.in_(listed[first : first + _AT_ONCE])
            rows = connection.execute(
                select(submission.c.submission_id, submission.c.sender_code).where(some)
            )
            found |= {row.submission_id for row in rows if row.sender_code in codes}
        return found


def trail(engine: Engine, wanted: Wanted, after: str | None = None, within: Within | None = None) -> Page:
    """A page of the log.

    Args:
        engine: The store.
        wanted: What is looked for.
        after: The cursor of the page wanted.
        within: Only links about some regions; they are looked for in a smaller window.

    Raises:
        UsageError: The cursor is none, or a day is none.
    """
    key = key_of(after, (int,))
    with read(engine) as connection:
        newest = _newest(connection)
        below = newest + 1 if key is None else int(key[0])
        floor = max(below - (WINDOW if within is None else NARROW), 1)
        statement = (
            select(audit)
            .where(audit.c.seq < below, audit.c.seq >= floor, *_conditions(wanted))
            .order_by(audit.c.seq.desc())
            .limit(PAGE_SIZE + 1 if within is None else NARROW)
        )
        links = [Link(**row) for row in connection.execute(statement).mappings()]
        found = links if within is None else within.concern(connection, links)
    shown = tuple(_entry(link) for link in found[:PAGE_SIZE])
    if len(found) > PAGE_SIZE:
        return Page(Slice(shown, cursor_of(_key(shown[-1].seq))), newest, shown[-1].seq)
    return Page(Slice(shown, cursor_of(_key(floor)) if floor > 1 else None), newest, floor)


def verified(engine: Engine) -> Soundness:
    """Whether the newest ``WINDOW`` links carry what their digests say and follow each other.

    The whole of a longer chain is verified by ``fazhi audit verify``, also against heads kept off the host.
    """
    with read(engine) as connection:
        last = _newest(connection)
        first = max(last - WINDOW + 1, 1)
        before = _digest_of(connection, first - 1)
        rows = select(audit).where(audit.c.seq >= first).order_by(audit.c.seq)
        walked = list(connection.execute(rows, execution_options={"yield_per": 1_000}).mappings())
    links = [Link(**row) for row in walked]
    head = links[-1].digest if links else GENESIS
    return Soundness(first if last else 0, last, head, first == 1, tuple(_faults(links, first, before)))


def actions(engine: Engine) -> tuple[str, ...]:
    """The kinds of action among the newest links, in order: what a filter may offer."""
    with read(engine) as connection:
        floor = max(_newest(connection) - WINDOW, 0)
        found = connection.scalars(select(audit.c.action).where(audit.c.seq > floor).distinct())
        return tuple(sorted(found))


def _newest(connection: Connection) -> int:
    return int(connection.scalar(select(func.max(audit.c.seq))) or 0)


def _digest_of(connection: Connection, seq: int) -> str | None:
    if seq == 0:
        return GENESIS
    return connection.scalar(select(audit.c.digest).where(audit.c.seq == seq))


def _faults(links: list[Link], first: int, before: str | None) -> Iterator[Fault]:
    expected, digest = first, before
    for link in links:
        if link.seq != expected:
            yield Fault("missing", link.seq)
        elif link.prev_digest != digest:
            yield Fault("unlinked", link.seq)
        if not _is_sound(link):
            yield Fault("changed", link.seq)
        expected, digest = link.seq + 1, link.digest


def _is_sound(link: Link) -> bool:
    try:
        return link_digest(vars(link)) == link.digest
    except (
        ValueError
    ):  # an unknown algorithm, or something that canonical JSON cannot hold: never written by us
        return False


def _conditions(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.subject:
        yield audit.c.subject.contains(wanted.subject, autoescape=True)
    if wanted.action:
        begins = audit.c.action.startswith(f"{wanted.action}.", autoescape=True)
        yield or_(audit.c.action == wanted.action, begins)
    if wanted.actor:
        named = audit.c.actor_name.contains(wanted.actor, autoescape=True)
        yield or_(audit.c.actor_id == wanted.actor, named)
    if wanted.first_day:
        yield audit.c.at >= _day(wanted.first_day)
    if wanted.last_day:
        yield audit.c.at < f"{_day(wanted.last_day)}T24"


def _day(written: str) -> str:
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise UsageError(f"日期“{written}”无效，应写作 2026-03-01") from None


def _entry(link: Link) -> Entry:
    return Entry(
        seq=link.seq,
        at=link.at,
        actor_id=link.actor_id,
        actor_name=link.actor_name,
        action=link.action,
        subject=link.subject,
        before=link.before,
        after=link.after,
        details=_details(link.details),
        digest=link.digest,
        alg=link.alg,
    )


def _details(stored: str) -> tuple[tuple[str, str], ...]:
    try:
        found = json.loads(stored)
    except ValueError:  # tampered with: shown as it stands, the verification names it
        return (("", stored),)
    if not isinstance(found, dict):
        return (("", stored),)
    return tuple((name, _plain(found[name])) for name in sorted(found) if found[name] not in ("", None))


def _plain(found: Any) -> str:
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _key(seq: int) -> Key:
    return (seq,)
