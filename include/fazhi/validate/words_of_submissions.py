"""What is known of whole submissions, for words. In: a parse. Out: the other submission, its files, its times."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, select, text

from fazhi.store.tables import (
    parse,
    slice_parse,
    submission,
    submission_dim,
    submission_file,
    value_token,
    year_lock,
)
from fazhi.validate.rules import OTHER_FIGURES

_COLUMNS = (
    submission.c.submission_id,
    submission.c.revision,
    submission.c.kind,
    submission.c.sender_code,
    submission.c.period,
    submission.c.submitted_at,
    submission.c.submitted_by,
    submission.c.received_at,
)


@dataclass(frozen=True)
class Sent:
    """One submission: who sent it, when, and which revision it is."""

    submission_id: str
    revision: int
    kind: str
    sender_code: str
    period: str
    submitted_at: str
    submitted_by: str
    received_at: str

    @property
    def name_zh(self) -> str:
        """``第2次报送（2024-07-01 09:30，张某）``."""
        clerk = f"，{self.submitted_by}" if self.submitted_by else ""
        return f"第{self.revision}次报送（{self.submitted_at[:16].replace('T', ' ')}{clerk}）"


def sent(connection: Connection, parse_id: int) -> Sent:
    """The submission that a parse read."""
    statement = (
        select(*_COLUMNS)
        .join(parse, and_(parse.c.submission_id == submission.c.submission_id, _same_revision()))
        .where(parse.c.parse_id == parse_id)
    )
    return Sent(*connection.execute(statement).one())


def _same_revision() -> Any:
    return parse.c.revision == submission.c.revision


def sent_before_with_same_file(connection: Connection, mine: Sent) -> Sent:
    """The first submission of the same sender that had the same workbook."""
    workbooks = (
        select(submission_file.c.sha256)
        .where(
            submission_file.c.submission_id == mine.submission_id,
            submission_file.c.revision == mine.revision,
            submission_file.c.role == "workbook",
        )
        .scalar_subquery()
    )
    statement = (
        select(*_COLUMNS)
        .join(
            submission_file,
            and_(
                submission_file.c.submission_id == submission.c.submission_id,
                submission_file.c.revision == submission.c.revision,
            ),
        )
        .join(
            submission_dim,
            and_(
                submission_dim.c.submission_id == submission.c.submission_id,
                submission_dim.c.revision == submission.c.revision,
            ),
        )
        .where(
            submission_file.c.role == "workbook",
            submission_file.c.sha256.in_(workbooks),
            submission.c.kind == mine.kind,
            submission.c.sender_code == mine.sender_code,
        )
        .order_by(submission_dim.c.submitted_second, submission.c.revision, submission.c.submission_id)
        .limit(1)
    )
    return Sent(*connection.execute(statement).one())


_RIVAL = f"""
SELECT q.submission_id, q.revision, q.kind, q.sender_code, q.period, q.submitted_at, q.submitted_by, q.received_at
FROM submission me
JOIN submission q ON q.kind = me.kind AND q.sender_code = me.sender_code AND q.period = me.period
    AND (q.submission_id <> me.submission_id OR q.revision <> me.revision)
JOIN submission_dim ms ON ms.submission_id = me.submission_id AND ms.revision = me.revision
JOIN submission_dim qs ON qs.submission_id = q.submission_id AND qs.revision = q.revision
WHERE me.submission_id = :submission_id AND me.revision = :revision
    AND (q.revision = me.revision OR q.submitted_by <> me.submitted_by) AND {OTHER_FIGURES}
ORDER BY ABS(qs.submitted_second - ms.submitted_second), q.revision, q.submission_id
"""  # noqa: S608 - from our own texts


def rival_of(connection: Connection, mine: Sent) -> Sent:
    """The version of the same sender and period nearest in time that states other figures."""
    key = {"submission_id": mine.submission_id, "revision": mine.revision}
    found = connection.execute(text(_RIVAL), key).first()
    if found is None:
        raise LookupError(f"no rival version of {mine.submission_id}")
    return Sent(*found)


def shared_evidence(connection: Connection, mine: int, other: int) -> tuple[str, ...]:
    """The names, in one parse's submission, of the evidence files that another parse's submission has too."""
    theirs = select(value_token.c.token).where(
        value_token.c.parse_id == other, value_token.c.kind == "evidence"
    )
    statement = (
        select(submission_file.c.name)
        .join(
            parse,
            and_(
                parse.c.submission_id == submission_file.c.submission_id,
                parse.c.revision == submission_file.c.revision,
            ),
        )
        .where(
            parse.c.parse_id == mine,
            submission_file.c.role == "evidence",
            submission_file.c.sha256.in_(theirs),
        )
        .order_by(submission_file.c.name)
    )
    return tuple(connection.execute(statement).scalars())


def shared_tokens(connection: Connection, kind: str, values: Iterable[int]) -> tuple[str, ...]:
    """The tokens of a kind that two values have in common."""
    first, second = values
    theirs = select(value_token.c.token).where(value_token.c.value_id == second, value_token.c.kind == kind)
    statement = (
        select(value_token.c.token)
        .where(value_token.c.value_id == first, value_token.c.kind == kind, value_token.c.token.in_(theirs))
        .order_by(value_token.c.token)
    )
    return tuple(connection.execute(statement).scalars())


def due_second_of(connection: Connection, parse_id: int) -> int:
    """The last second at which a parse's submission was on time."""
    statement = select(slice_parse.c.due_second).where(slice_parse.c.parse_id == parse_id)
    return int(connection.execute(statement).scalar_one())


def lock_of(connection: Connection, parse_id: int) -> tuple[str, str]:
    """Since when the year of a parse was locked when it was received, and why."""
    statement = (
        select(year_lock.c.locked_at, year_lock.c.reason)
        .join(
            slice_parse,
            and_(
                slice_parse.c.year == year_lock.c.year,
                slice_parse.c.region == year_lock.c.region,
                slice_parse.c.locked_at == year_lock.c.locked_at,
            ),
        )
        .where(slice_parse.c.parse_id == parse_id)
    )
    locked_at, reason = connection.execute(statement).one()
    return str(locked_at), str(reason)
