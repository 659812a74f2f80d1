"""What was reported and decided. In: the store, a year and region. Out: what findings rest on, small enough to compare.

Submissions and their parses are only ever added (``fazhi.store.roles``): the number of a parse says all of it within its
store. The database writes many of them as one text, because rows taken apart for Python cost more than all the judging
of a night.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, Text, cast, func, literal, or_, select

from fazhi.store.bulk import blocks
from fazhi.store.decisions import approved
from fazhi.store.extensions import extensions
from fazhi.store.tables import current_parse, submission, unit_dim, year_lock
from fazhi.validate.rules import YEARS_BACK
from fazhi.validate.sets import Numbers, NumberSet, digests_of

SEPARATOR = "\x1f"
_LINE_ENDS = "\x1e"
_SENDERS_AT_ONCE = 500

Sent = tuple[str, str, str]
"""Kind, sender and period of a submission."""


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

    compared: NumberSet
    """The current parses of all regions and of the years that are compared."""
    submissions: int
    """How many there are of these years, superseded ones too: versions are compared with one another."""
    locks: tuple[tuple[str, str | None], ...]
    """From when until when the year was locked; ``None`` = still."""
    extensions: tuple[tuple[str, str, str], ...]
    """Unit, period and the later last day that was granted."""
    excused: frozenset[tuple[str, str, str]]
    """Unit, indicator and period of each approved 不适用."""


@dataclass(frozen=True)
class Reported:
    """The submissions of a region's senders in the years compared."""

    submissions: NumberSet
    """A number for each, which says all of it."""
    others: frozenset[Sent]
    """What was sent by those that were not known before, if any were."""


def moment(connection: Connection, year: int, region: str) -> Moment:
    """What was reported and decided by now."""
    numbers = func.aggregate_strings(cast(current_parse.c.parse_id, Text), ",")
    compared = select(numbers).where(_compared_years(current_parse.c.year, year))
    counted = select(func.count()).select_from(submission).where(_compared_years(submission.c.year, year))
    granted = extensions(connection, year).items()
    return Moment(
        compared=NumberSet(np.fromstring(connection.execute(compared).scalar_one() or "", np.int64, sep=",")),
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


def reported(connection: Connection, place: Place, known: NumberSet | None) -> Reported:
    """What a region's senders submitted in the years compared; where nothing is ``known``, nothing of it is told apart."""
    sender = submission.c.sender_code
    lines = func.aggregate_strings(_line(), _LINE_ENDS)
    statement, here = place.own(select(sender, lines).select_from(submission), sender)
    statement = statement.where(_compared_years(submission.c.year, place.year), here).group_by(sender)
    numbers: list[Numbers] = [np.empty(0, np.int64)]
    others: set[Sent] = set()
    for rows in blocks(connection, statement, _SENDERS_AT_ONCE):
        told = [(by, line) for by, text in rows for line in text.split(_LINE_ENDS)]
        numbers.append(digests_of([SEPARATOR.join(one) for one in told]))
        unknown = () if known is None else np.flatnonzero(known.lacks(numbers[-1])).tolist()
        for at in unknown:
            by, line = told[at]
            kind, period, _ = line.split(SEPARATOR, 2)
            others.add((kind, by, period))
    return Reported(NumberSet(np.concatenate(numbers)), frozenset(others))


def _compared_years(column: ColumnElement[int], year: int) -> ColumnElement[bool]:
    return column.between(year - YEARS_BACK, year)


def _line() -> ColumnElement[str]:
    """Of a submission all that may tell it from the sender's others, as one text."""
    name = func.replace(submission.c.submission_id, _LINE_ENDS, "")
    line: ColumnElement[str] = cast(submission.c.kind, Text)
    for column in (submission.c.period, name, submission.c.revision):
        line = line.concat(literal(SEPARATOR)).concat(cast(column, Text))
    return line


def _locks(connection: Connection, year: int, region: str) -> tuple[tuple[str, str | None], ...]:
    statement = (
        select(year_lock.c.locked_at, year_lock.c.lifted_at)
        .where(year_lock.c.year == year, year_lock.c.region == region)
        .order_by(year_lock.c.locked_at)
    )
    return tuple((row.locked_at, row.lifted_at) for row in connection.execute(statement))
