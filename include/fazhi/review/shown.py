"""What a steward saw when deciding. In: a submission. Out: a digest of everything that a decision on it rests on.

The findings in force with the values they stand on, the rulings on them, whether it is still the current revision,
whether it is returned, what the department asks for. A validation that finds the same again changes nothing here.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, or_, select

from fazhi.model.canonical import digest
from fazhi.model.errors import ChangedMeanwhile, UsageError
from fazhi.store.decisions import DECISION_OF_SEVERITY, key_of_finding, newest_rows
from fazhi.store.tables import (
    current_parse,
    current_submission,
    current_validation,
    department_request,
    finding,
    parse,
    request_ruling,
    slice_parse,
    submission,
    submission_return,
)

_FINDING = (
    "check_id",
    "rule",
    "severity",
    "unit_code",
    "indicator_code",
    "period",
    "sheet",
    "cell",
    "value_digest",
    "message_zh",
)


def shown_digest(connection: Connection, submission_id: str, revision: int) -> str:
    """The digest (SHA-256, hex) of what stands on a submission's revision now.

    Raises:
        UsageError: There is no such submission.
    """
    sent = _submission(connection, submission_id, revision)
    found = findings_in_force(connection, submission_id, revision)
    return digest(
        {
            "submission": [submission_id, revision],
            "current": _is_current(connection, sent),
            "findings": sorted([str(row[name] or "") for name in _FINDING] for row in found),
            "rulings": sorted(_rulings(connection, sent["year"], found)),
            "returns": _turns(connection, submission_id, revision),
            "requests": _requests(connection, sent["year"], sent["sender_code"], sent["period"]),
        }
    )


def require_unchanged(connection: Connection, submission_id: str, revision: int, shown: str) -> None:
    """Go on only if what was shown is still so.

    Raises:
        ChangedMeanwhile: It is not; nothing may be stored.
        UsageError: There is no such submission.
    """
    if shown_digest(connection, submission_id, revision) != shown:
        raise ChangedMeanwhile(
            "您打开页面以后，这份报送的问题、裁定或版本有了变化，本次操作没有保存。请重新打开，核对后再办理。"
        )


def findings_in_force(connection: Connection, submission_id: str, revision: int) -> list[dict[str, Any]]:
    """The rows of ``finding`` in force on a revision: those of its current parse, read or judged; none of a replaced one."""
    judged = (
        select(current_validation.c.validation_id)
        .join(
            slice_parse,
            (slice_parse.c.year == current_validation.c.year)
            & (slice_parse.c.region == current_validation.c.region),
        )
        .where(slice_parse.c.parse_id == finding.c.parse_id)
        .scalar_subquery()
    )
    statement = (
        select(finding)
        .join(parse, parse.c.parse_id == finding.c.parse_id)
        .join(current_parse, current_parse.c.parse_id == parse.c.parse_id)
        .where(
            parse.c.submission_id == submission_id,
            parse.c.revision == revision,
            or_(finding.c.validation_id.is_(None), finding.c.validation_id == judged),
        )
        .order_by(finding.c.finding_id)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def _submission(connection: Connection, submission_id: str, revision: int) -> Mapping[str, Any]:
    here = (submission.c.submission_id == submission_id, submission.c.revision == revision)
    row = connection.execute(select(submission).where(*here)).mappings().one_or_none()
    if row is None:
        raise UsageError(f"没有报送 {submission_id} 第 {revision} 次")
    return dict(row)


def _is_current(connection: Connection, sent: Mapping[str, Any]) -> bool:
    here = [current_submission.c[name] == sent[name] for name in ("kind", "sender_code", "period")]
    pointer = connection.execute(select(current_submission).where(*here)).mappings().one_or_none()
    return pointer is not None and (pointer["submission_id"], pointer["revision"]) == (
        sent["submission_id"],
        sent["revision"],
    )


def _rulings(connection: Connection, year: int, found: list[dict[str, Any]]) -> list[list[Any]]:
    """The newest ruling on each finding that a steward decides on."""
    keys = {key_of_finding(row) for row in found if row["severity"] in DECISION_OF_SEVERITY}
    newest = newest_rows(connection, year, {key.unit_code for key in keys})
    return [
        [key.kind, key.unit_code, key.indicator_code, key.period, key.rule, int(newest[key]["decision_id"])]
        for key in keys
        if key in newest
    ]


def _turns(connection: Connection, submission_id: str, revision: int) -> int:
    here = (submission_return.c.submission_id == submission_id, submission_return.c.revision == revision)
    return int(
        connection.execute(select(func.count()).select_from(submission_return).where(*here)).scalar_one()
    )


def _requests(connection: Connection, year: int, unit_code: str, period: str) -> list[list[int]]:
    asked = department_request.c
    statement = (
        select(asked.request_id, func.count(request_ruling.c.number))
        .outerjoin(request_ruling, request_ruling.c.request_id == asked.request_id)
        .where(asked.year == year, asked.unit_code == unit_code, asked.period == period)
        .group_by(asked.request_id)
        .order_by(asked.request_id)
    )
    return [[int(row[0]), int(row[1])] for row in connection.execute(statement)]
