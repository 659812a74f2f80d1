"""Which parses a slice is made of, and what it says of each. In: current parses, deadlines, locks. Out: ``slice_parse``.

The database compares what should stand with what stands and writes the difference; a quiet night writes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from fazhi.model.period import Period
from fazhi.store.bulk import blocks, chunks, insert_rows
from fazhi.store.extensions import granted_days
from fazhi.store.tables import current_parse, parse, slice_parse, submission_dim, value
from fazhi.validate.deadlines import last_second
from fazhi.validate.dimensions import Dimensions
from fazhi.validate.reported import Moment, Place
from fazhi.validate.sets import Told, digests_of
from fazhi.validate.tokens import seconds

_PLACED = [column for column in slice_parse.c if column.name not in ("first_value_id", "to_judge")]
_MAY_CHANGE = [
    slice_parse.c[name] for name in ("before_parse_id", "year_ago_parse_id", "due_second", "locked_at")
]
"""What a slice says of a parse that another day may change."""
_PARSES_AT_ONCE = 10_000


def place_parses(connection: Connection, dims: Dimensions, place: Place, moment: Moment) -> bool:
    """Let ``slice_parse`` hold just the slice's parses, each with the first value of its own; whether it held others.

    Args:
        connection: A transaction that writes; the submissions' times are there (``load_tokens``).
        dims: What the slice is judged under.
        place: Which slice.
        moment: Locks and extensions.
    """
    wanted = _wanted(connection, dims, place, moment)
    let_hold = _place_changes if _stands_under(connection, dims, place) else _place_all
    written = let_hold(connection, wanted, place)
    if written:
        _name_first_values(connection, place)
    return written


def _stands_under(connection: Connection, dims: Dimensions, place: Place) -> bool:
    """Whether a slice is there, and what it is judged under is what it was: units are then in the regions they were in."""
    under = (slice_parse.c.system_digest, slice_parse.c.duty_digest)
    found = connection.execute(select(*under).where(*in_slice(place)).distinct()).all()
    return [tuple(row) for row in found] == [(dims.edition.digest, dims.duty_digest)]


def _place_all(connection: Connection, wanted: Select[Any], place: Place) -> bool:
    rows = wanted.subquery("wanted")
    # a parse may have belonged to another region
    elsewhere = slice_parse.c.parse_id.in_(select(rows.c.parse_id))
    gone = connection.execute(delete(slice_parse).where(or_(and_(*in_slice(place)), elsewhere))).rowcount
    names = [column.name for column in _PLACED] + ["to_judge"]
    come = connection.execute(
        insert(slice_parse)
        .from_select(names, select(*rows.c, literal(1)))
        .execution_options(preserve_rowcount=True)
    ).rowcount
    return bool(gone or come)


def _place_changes(connection: Connection, wanted: Select[Any], place: Place) -> bool:
    """Write what differs: few rows, read once."""
    here = in_slice(place)
    current = exists().where(current_parse.c.parse_id == slice_parse.c.parse_id)
    gone = connection.execute(delete(slice_parse).where(*here, ~current)).rowcount
    # what else a row tells is the same in all of the slice
    told = [slice_parse.c.parse_id, *_MAY_CHANGE]
    rows = wanted.subquery("wanted")
    standing = select(*told).where(*here)
    otherwise = select(*(rows.c[column.name] for column in told)).except_(standing)
    differing = [row[0] for row in connection.execute(otherwise)]
    for some in chunks(differing):
        rows_now = connection.execute(wanted.where(current_parse.c.parse_id.in_(some))).all()
        connection.execute(delete(slice_parse).where(slice_parse.c.parse_id.in_(some)))
        names = [column.name for column in _PLACED]
        insert_rows(
            connection,
            slice_parse,
            ({**dict(zip(names, row, strict=True)), "to_judge": 1} for row in rows_now),
        )
    return bool(gone or differing)


def in_slice(place: Place) -> tuple[ColumnElement[bool], ...]:
    """The condition that a row of ``slice_parse`` belongs to a slice."""
    return (slice_parse.c.year == place.year, slice_parse.c.region == place.region)


def placed(connection: Connection, place: Place) -> Told:
    """The slice's parses, each with what it says of them that another day may change."""
    told: ColumnElement[str] = cast(slice_parse.c.parse_id, Text)
    for column in _MAY_CHANGE:
        told = told.concat(literal("|")).concat(func.coalesce(cast(column, Text), ""))
    together = slice_parse.c.parse_id // _PARSES_AT_ONCE
    statement = select(func.aggregate_strings(told, "\n")).where(*in_slice(place)).group_by(together)
    numbers, digests = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for ((text,),) in blocks(connection, statement, 1):
        lines = text.split("\n")
        numbers.append(np.fromiter((int(line.partition("|")[0]) for line in lines), np.int64, len(lines)))
        digests.append(digests_of(lines))
    return Told.of_each(np.concatenate(numbers), np.concatenate(digests))


def _name_first_values(connection: Connection, place: Place) -> None:
    first = select(func.min(value.c.value_id)).where(value.c.parse_id == slice_parse.c.parse_id)
    connection.execute(
        update(slice_parse)
        .where(*in_slice(place), slice_parse.c.first_value_id.is_(None))
        .values(first_value_id=first.scalar_subquery())
    )


def _wanted(connection: Connection, dims: Dimensions, place: Place, moment: Moment) -> Select[Any]:
    """The rows that should stand, in the order of ``_PLACED``."""
    period = current_parse.c.period
    own = select(period).where(current_parse.c.year == place.year).distinct()
    periods = sorted(connection.execute(own).scalars())
    before, year_ago = (current_parse.alias(name) for name in ("before", "year_ago"))
    granted = granted_days(place.year).subquery("granted")
    columns = {
        "parse_id": current_parse.c.parse_id,
        "year": literal(place.year),
        "region": literal(place.region),
        "system_id": literal(dims.edition.system_id),
        "system_digest": literal(dims.edition.digest),
        "duty_digest": literal(dims.duty_digest),
        "before_parse_id": before.c.parse_id,
        "year_ago_parse_id": year_ago.c.parse_id,
        "due_second": _due_second(dims, periods, granted, moment),
        "locked_at": _locked_at(moment.locks),
    }
    joined = (
        select(*(columns[column.name].label(column.name) for column in _PLACED))
        .select_from(current_parse)
        .outerjoin(before, _same_sender(before, _case(periods, period_before, Text())))
        .outerjoin(year_ago, _same_sender(year_ago, _case(periods, period_year_ago, Text())))
        .outerjoin(
            granted, and_(granted.c.unit_code == current_parse.c.sender_code, granted.c.period == period)
        )
    )
    if moment.locks:
        joined = _with_times(joined)
    statement, here = place.own(joined, current_parse.c.sender_code)
    return statement.where(current_parse.c.year == place.year, here)


def _with_times(joined: Select[Any]) -> Select[Any]:
    sent = and_(
        submission_dim.c.submission_id == parse.c.submission_id,
        submission_dim.c.revision == parse.c.revision,
    )
    own = parse.c.parse_id == current_parse.c.parse_id
    return joined.outerjoin(parse, own).outerjoin(submission_dim, sent)


def _same_sender(other: Any, period: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(
        other.c.kind == current_parse.c.kind,
        other.c.sender_code == current_parse.c.sender_code,
        other.c.period == period,
    )


def _case(periods: Sequence[str], told: Any, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return _looked_up({period: told(period) for period in periods}, current_parse.c.period, kind)


def _looked_up(
    told: Mapping[str, Any], column: ColumnElement[str], kind: TypeEngine[Any]
) -> ColumnElement[Any]:
    """What is told of a column's text; null for all else."""
    nothing = cast(null(), kind)
    known = {key: literal(one, kind) for key, one in told.items() if one is not None}
    return case(known, value=column, else_=nothing) if known else nothing


def _due_second(dims: Dimensions, periods: Sequence[str], granted: Any, moment: Moment) -> ColumnElement[Any]:
    """The last second on time of a parse's submission; a granted extension moves a deadline, and makes none."""
    due = _case(periods, dims.due_second, BigInteger())
    days = {until: last_second(date.fromisoformat(until)) for _, _, until in moment.extensions}
    later = _looked_up(days, granted.c.until, BigInteger())
    return case((later > due, later), else_=due)


def _locked_at(locks: Sequence[tuple[str, str | None]]) -> ColumnElement[Any]:
    """When the year had been locked, if it was when a parse's submission was received."""
    received = submission_dim.c.received_second
    whens = [
        (
            and_(received >= seconds(since), literal(True) if until is None else received < seconds(until)),
            literal(since),
        )
        for since, until in locks
    ]
    return case(*whens, else_=cast(null(), Text)) if whens else cast(null(), Text)


@cache
def period_before(written: str) -> str | None:
    """The period of the same length just before in the year, if there is one."""
    period = Period.parse(written)
    first = period.first_month - period.months
    return str(Period(period.year, first, period.months)) if first >= 1 else None


@cache
def period_year_ago(written: str) -> str:
    """The same period of the year before."""
    period = Period.parse(written)
    return str(Period(period.year - 1, period.first_month, period.months))
