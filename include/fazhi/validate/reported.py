"""What was reported and decided. In: the store, a year and region. Out: what findings rest on, small enough to compare.

Submissions and their parses are only ever added (``fazhi.store.roles``): the number of a parse says all of it within its
store. The database writes each submission as a line of text, because rows taken apart for Python cost more than all the
judging of a night.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, literal, or_, select

from fazhi.model.canonical import sha256_hex
from fazhi.store.decisions import approved
from fazhi.store.extensions import extensions
from fazhi.store.tables import current_parse, submission, unit_dim, year_lock
from fazhi.validate.rules import YEARS_BACK

SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Place:
    """A year and region, as the units of a set of duties are spread over regions."""

    year: int
    region: str
    duty_digest: str
    fallback: str
    """Where a sender belongs that the registry does not know."""

    def own(
        self, statement: Select[Any], sender: ColumnElement[str]
    ) -> tuple[Select[Any], ColumnElement[bool]]:
        """A statement that knows its senders' units, and the condition that a sender belongs to the region."""
        known = (unit_dim.c.duty_digest == self.duty_digest) & (unit_dim.c.unit_code == sender)
        region = func.coalesce(unit_dim.c.region, self.fallback)
        return statement.outerjoin(unit_dim, known), region == self.region


@dataclass(frozen=True)
class Moment:
    """All that may come while a slice is being judged, in other regions too; two are equal when nothing did."""

    compared: frozenset[int]
    """The current parses of all regions and of the years that are compared."""
    submissions: int
    """How many there are of these years, superseded ones too: versions are compared with one another."""
    locks: tuple[tuple[str, str | None], ...]
    """From when until when the year was locked; ``None`` = still."""
    extensions: tuple[tuple[str, str, str], ...]
    """Unit, period and the later last day that was granted."""
    excused: frozenset[tuple[str, str, str]]
    """Unit, indicator and period of each approved 不适用."""


def moment(connection: Connection, year: int, region: str) -> Moment:
    """What was reported and decided by now."""
    compared = select(current_parse.c.parse_id).where(_compared_years(current_parse.c.year, year))
    counted = select(func.count()).select_from(submission).where(_compared_years(submission.c.year, year))
    granted = extensions(connection, year).items()
    return Moment(
        compared=frozenset(connection.execute(compared).scalars().all()),
        submissions=int(connection.execute(counted).scalar_one()),
        locks=_locks(connection, year, region),
        extensions=tuple(sorted((*about, until) for about, until in granted)),
        excused=frozenset(
            (key.unit_code, key.indicator_code, key.period)
            for key in approved(connection, year, "not_applicable")
        ),
    )


def periods_compared(connection: Connection, place: Place) -> tuple[str, ...]:
    """The periods that a region's senders, and all offices, report in the years compared."""
    periods = select(current_parse.c.period).distinct()
    statement, here = place.own(periods, current_parse.c.sender_code)
    reported = statement.where(
        _compared_years(current_parse.c.year, place.year), or_(here, current_parse.c.kind == "office")
    )
    return tuple(sorted(connection.execute(reported).scalars()))


def submission_lines(connection: Connection, place: Place) -> tuple[str, ...]:
    """A line for each submission of the region's senders in the years compared; ``sent_of`` reads it."""
    columns = [submission.c[name] for name in ("kind", "sender_code", "period", "submission_id", "revision")]
    statement, here = place.own(select(_line(*columns)).select_from(submission), submission.c.sender_code)
    statement = statement.where(_compared_years(submission.c.year, place.year), here)
    ordered = statement.order_by(submission.c.submission_id, submission.c.revision)
    return tuple(connection.execute(ordered).scalars().all())


def sent_of(line: str) -> tuple[str, str, str]:
    """Kind, sender and period of a line of ``submission_lines``."""
    kind, sender, period, _ = line.split(SEPARATOR, 3)
    return kind, sender, period


def lines_digest(lines: Iterable[object]) -> str:
    """A digest of lines, or of numbers, in their order."""
    return sha256_hex("\n".join(map(str, lines)).encode())


def _compared_years(column: ColumnElement[int], year: int) -> ColumnElement[bool]:
    return column.between(year - YEARS_BACK, year)


def _line(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """The columns as one text."""
    line: ColumnElement[str] = cast(columns[0], Text)
    for column in columns[1:]:
        line = line.concat(literal(SEPARATOR)).concat(cast(column, Text))
    return line


def _locks(connection: Connection, year: int, region: str) -> tuple[tuple[str, str | None], ...]:
    statement = (
        select(year_lock.c.locked_at, year_lock.c.lifted_at)
        .where(year_lock.c.year == year, year_lock.c.region == region)
        .order_by(year_lock.c.locked_at)
    )
    return tuple((row.locked_at, row.lifted_at) for row in connection.execute(statement))
