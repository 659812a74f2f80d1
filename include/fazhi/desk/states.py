"""Where each submission of a region is. In: a read connection, a year, senders. Out: one state for each.

A state is found by probing indexes for each current submission (is there a blocking finding, an open hold, an open
claim of 不适用, an unanswered warning?), so that it costs what the number of submissions costs, whatever the number of
findings and values.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, literal_column, or_, select

from fazhi.model.terms import Severity
from fazhi.store.tables import (
    current_parse,
    current_submission,
    current_validation,
    decision,
    finding,
    parse,
    slice_parse,
    submission,
    value,
)

_AT_ONCE = 400
"""Senders in one statement."""


class State(StrEnum):
    """How far a submission is. Only ``ACCEPTED`` is final."""

    OVERDUE = "overdue"
    """Not received, and the deadline is over."""
    EXPECTED = "expected"
    """Not received; there is time left."""
    RETURNED = "returned"
    """Something keeps it out of the score until the department corrects it."""
    WAITING = "waiting"
    """A hold or a claim of 不适用 waits for a steward."""
    RECEIVED = "received"
    """Received, not read or not judged yet."""
    WARNED = "accepted_with_warnings"
    """Counts; a warning has neither been corrected nor confirmed."""
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class Stand:
    """A current submission with its state."""

    kind: str
    sender_code: str
    period: str
    submission_id: str
    revision: int
    received_at: str
    submitted_at: str
    state: State


def stands(connection: Connection, year: int, senders: Sequence[str]) -> Iterator[Stand]:
    """The current submissions of some senders in a year, each with its state."""
    refused = _refused(connection, year)
    for first in range(0, len(senders), _AT_ONCE):
        for row in connection.execute(_statement(year, senders[first : first + _AT_ONCE])):
            yield Stand(
                row.kind,
                row.sender_code,
                row.period,
                row.submission_id,
                row.revision,
                row.received_at,
                row.submitted_at,
                _state(row, {row.parse_id, (row.sender_code, row.period)} & refused),
            )


def _state(row: Any, refused: Collection[object]) -> State:
    steps = (
        (not row.judged, State.RECEIVED),
        (row.blocked or not row.readable or refused, State.RETURNED),
        (row.held or row.claimed, State.WAITING),
        (row.warned, State.WARNED),
    )
    return next((state for applies, state in steps if applies), State.ACCEPTED)


def _refused(connection: Connection, year: int) -> frozenset[object]:
    """The parses with a value whose release was refused; sender and period where a whole file's was."""
    newest = _newest(decision.c.kind, [decision.c[name] for name in _KEY])
    keys = select(decision).where(
        decision.c.year == year,
        decision.c.kind == "hold",
        decision.c.verdict == "refuse",
        decision.c.decision_id == newest,
    )
    found: set[object] = set()
    for row in connection.execute(keys):
        if not row.value_digest:
            found.add((row.unit_code, row.period))
            continue
        same_value = select(value.c.parse_id).where(
            value.c.year == year,
            value.c.indicator_code == row.indicator_code,
            value.c.unit_code == row.unit_code,
            value.c.period == row.period,
            value.c.value_digest == row.value_digest,
        )
        found.update(connection.scalars(same_value))
    return frozenset(found)


def _statement(year: int, senders: Sequence[str]) -> Select[Any]:
    same_sender = and_(
        current_parse.c.kind == current_submission.c.kind,
        current_parse.c.sender_code == current_submission.c.sender_code,
        current_parse.c.period == current_submission.c.period,
    )
    same_revision = and_(
        parse.c.parse_id == current_parse.c.parse_id,
        parse.c.submission_id == current_submission.c.submission_id,
        parse.c.revision == current_submission.c.revision,
    )
    same_submission = and_(
        submission.c.submission_id == current_submission.c.submission_id,
        submission.c.revision == current_submission.c.revision,
    )
    judged_with = and_(
        current_validation.c.year == slice_parse.c.year, current_validation.c.region == slice_parse.c.region
    )
    return (
        select(
            current_submission.c.kind,
            current_submission.c.sender_code,
            current_submission.c.period,
            current_submission.c.submission_id,
            current_submission.c.revision,
            submission.c.received_at,
            submission.c.submitted_at,
            parse.c.parse_id,
            parse.c.readable,
            current_validation.c.validation_id.is_not(None).label("judged"),
            or_(_stands(Severity.BLOCK), _stands(Severity.SECURITY)).label("blocked"),
            _stands(Severity.HOLD, _is_open("hold")).label("held"),
            _is_claimed().label("claimed"),
            _stands(Severity.WARN, _is_open("warning")).label("warned"),
        )
        .select_from(
            current_submission.join(submission, same_submission)
            .outerjoin(current_parse, same_sender)
            .outerjoin(parse, same_revision)
            .outerjoin(slice_parse, slice_parse.c.parse_id == parse.c.parse_id)
            .outerjoin(current_validation, judged_with)
        )
        .where(current_submission.c.year == year, current_submission.c.sender_code.in_(senders))
    )


def _stands(severity: Severity, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a finding in force of a severity stands on the parse: two probes of an index, not one walk."""
    on_it = (finding.c.parse_id == parse.c.parse_id, finding.c.severity == severity.value, *conditions)
    while_reading = exists().where(*on_it, finding.c.validation_id.is_(None))
    judged = exists().where(*on_it, finding.c.validation_id == current_validation.c.validation_id)
    return or_(while_reading, judged)


def _is_open(kind: str) -> ColumnElement[bool]:
    """Whether no ruling on the finding is in force."""
    about = {name: finding.c[name] for name in _KEY} | {
        name: func.coalesce(finding.c[name], "") for name in ("indicator_code", "value_digest")
    }
    return _verdict(kind, about).in_(("", "withdraw"))


def _is_claimed() -> ColumnElement[bool]:
    """Whether a claim of 不适用 on the parse has not been ruled on."""
    about: dict[str, ColumnElement[Any]] = {
        name: value.c[name] for name in ("year", "unit_code", "indicator_code", "period")
    }
    nothing_else: dict[str, ColumnElement[Any]] = dict.fromkeys(
        ("rule", "value_digest"), literal_column("''")
    )
    return exists().where(
        value.c.parse_id == parse.c.parse_id,
        literal_column("value.not_applicable = 1"),  # as the index of claims says it
        _verdict("not_applicable", about | nothing_else).in_(("", "withdraw")),
    )


def _verdict(kind: str, about: Mapping[str, ColumnElement[Any]]) -> ColumnElement[str]:
    """The newest verdict on something; empty without one."""
    ruled = decision.alias()
    newest = (
        select(ruled.c.verdict)
        .where(ruled.c.kind == kind, *(ruled.c[name] == about[name] for name in _KEY))
        .order_by(ruled.c.decision_id.desc())
        .limit(1)
    )
    return func.coalesce(newest.scalar_subquery(), "")


def _newest(kind: ColumnElement[str], about: Sequence[ColumnElement[Any]]) -> ColumnElement[int]:
    """The id of the newest decision on the same thing."""
    ruled = decision.alias()
    same = (ruled.c[name] == column for name, column in zip(_KEY, about, strict=True))
    return select(func.max(ruled.c.decision_id)).where(ruled.c.kind == kind, *same).scalar_subquery()


_KEY = ("year", "unit_code", "indicator_code", "period", "rule", "value_digest")
"""By which columns a decision is about a finding (``fazhi.store.decisions``)."""
