"""Which parses a slice is made of, and what it says of each. In: current parses, deadlines, locks. Out: ``slice_parse``.

The database compares what should stand with what stands and writes the difference; a quiet night writes nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

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
    not_,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from fazhi.model.period import Period
from fazhi.store.extensions import granted_days
from fazhi.store.tables import current_parse, parse, slice_parse, submission_dim, value
from fazhi.validate.deadlines import last_second
from fazhi.validate.dimensions import Dimensions
from fazhi.validate.reported import Moment, Place
from fazhi.validate.tokens import seconds

_PLACED = [column for column in slice_parse.c if column.name not in ("first_value_id", "to_judge")]
_MAY_CHANGE = [
    slice_parse.c[name] for name in ("before_parse_id", "year_ago_parse_id", "due_second", "locked_at")
]
"""What a slice says of a parse that another day may change."""


def place_parses(connection: Connection, dims: Dimensions, place: Place, moment: Moment) -> bool:
    """Let ``slice_parse`` hold just the slice's parses, each with the first value of its own; whether it held others.

    Args:
        connection: A transaction that writes; the submissions' times are there (``load_tokens``).
        dims: What the slice is judged under.
        place: Which slice.
        moment: Locks and extensions.
    """
    wanted = _wanted(connection, dims, place, moment).subquery("wanted")
    here = in_slice(place)
    stale = select(*_PLACED).where(*here).except_(select(*wanted.c)).subquery("stale")
    # a parse may have belonged to another region
    elsewhere = and_(slice_parse.c.parse_id.in_(select(wanted.c.parse_id)), not_(and_(*here)))
    gone = connection.execute(
        delete(slice_parse).where(or_(slice_parse.c.parse_id.in_(select(stale.c.parse_id)), elsewhere))
    ).rowcount
    there = exists().where(slice_parse.c.parse_id == wanted.c.parse_id)
    missing = select(*wanted.c, literal(1)).where(~there)
    names = [column.name for column in _PLACED] + ["to_judge"]
    come = connection.execute(
        insert(slice_parse).from_select(names, missing).execution_options(preserve_rowcount=True)
    ).rowcount
    if come:
        _name_first_values(connection, place)
    return bool(gone or come)


def in_slice(place: Place) -> tuple[ColumnElement[bool], ...]:
    """The condition that a row of ``slice_parse`` belongs to a slice."""
    return (slice_parse.c.year == place.year, slice_parse.c.region == place.region)


def placed(connection: Connection, place: Place) -> dict[int, str]:
    """The slice's parses, each with what it says of them that another day may change."""
    told: ColumnElement[str] = literal("")
    for column in _MAY_CHANGE:
        told = told.concat(func.coalesce(cast(column, Text), "")).concat(literal("|"))
    rows = connection.execute(select(slice_parse.c.parse_id, told).where(*in_slice(place))).all()
    return {row[0]: row[1] for row in rows}


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
