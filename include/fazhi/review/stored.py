"""A stored submission as it goes back. In: the store, a submission and revision. Out: head, values, findings.

What stands on a revision: what was found while reading it, and what the validation in force found (for a replaced
revision, the last one that judged it), each with the ruling of a steward that stands on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import Severity
from fazhi.registry import Registry
from fazhi.review.listed import Listed, in_order, listed, without_echoes
from fazhi.review.returned import ReturnHead
from fazhi.store.decisions import rulings_on
from fazhi.store.returns import RETURN_FIX_ZH, RETURNED_RULE, return_message_zh, standing_return
from fazhi.store.tables import (
    current_parse,
    current_validation,
    finding,
    parse,
    submission,
    submission_file,
    value,
)
from fazhi.systems.edition import Edition


@dataclass(frozen=True)
class Returned:
    """Everything that receipt and marked workbook say of one submission."""

    head: ReturnHead
    received_at: str
    submitted_by: str
    workbook: tuple[str, str] | None
    """Name and SHA-256 of the file that came as the workbook."""
    evidence: tuple[str, ...]
    readable: bool
    findings: tuple[Listed, ...]
    values: tuple[Mapping[str, Any], ...]
    """Rows of ``value``, in the order of the table."""

    @property
    def to_correct(self) -> tuple[Listed, ...]:
        """What the department has to deal with."""
        return tuple(one for one in self.findings if one.needs_action)

    @property
    def confirmed(self) -> tuple[Listed, ...]:
        """What a steward has confirmed or released: nothing is asked of the department any more."""
        return tuple(one for one in self.findings if one.is_confirmed)

    @property
    def changed(self) -> tuple[Listed, ...]:
        """What was changed automatically."""
        return tuple(one for one in self.findings if not one.needs_action and not one.is_confirmed)


def returned(
    connection: Connection,
    edition: Edition,
    registry: Registry,
    submission_id: str,
    revision: int,
    *,
    contact: str = "",
    due_zh: str = "",
    would_return: str | None = None,
) -> Returned | None:
    """Gather what goes back for a submission.

    Args:
        connection: A read connection.
        edition: The indicator system of its year.
        registry: Names of units.
        submission_id: The submission.
        revision: Its revision.
        contact: Whom a department asks.
        due_zh: By when corrections are due.
        would_return: The reason of a steward's return that is only previewed; ``None`` shows the one that stands.

    Returns:
        ``None`` when the submission was not read yet.

    Raises:
        UsageError: There is no such submission.
    """
    came = _row(connection, submission_id, revision)
    read_as = _parse(connection, submission_id, revision)
    if read_as is None:
        return None
    files = connection.execute(
        select(submission_file.c.name, submission_file.c.role, submission_file.c.sha256)
        .where(submission_file.c.submission_id == submission_id, submission_file.c.revision == revision)
        .order_by(submission_file.c.name)
    ).all()
    workbook = next(((row.name, row.sha256) for row in files if row.role == "workbook"), None)
    period = Period.parse(came["period"])
    head = ReturnHead(
        file_name=workbook[0] if workbook is not None else "（没有填报表）",
        sha256=workbook[1] if workbook is not None else "—",
        unit_code=came["sender_code"],
        unit_zh=_name(registry, came["sender_code"], period),
        period_zh=period.name_zh,
        edition=edition,
        made_at=_minute(read_as["parsed_at"]),
        contact=contact,
        revision_zh=f"第 {revision} 次报送（编号 {submission_id}）",
        due_zh=due_zh,
    )
    return Returned(
        head=head,
        received_at=_minute(came["received_at"]),
        submitted_by=came["submitted_by"],
        workbook=workbook,
        evidence=tuple(row.name for row in files if row.role == "evidence"),
        readable=bool(read_as["readable"]),
        findings=_findings(connection, read_as, edition, would_return),
        values=tuple(
            dict(row)
            for row in connection.execute(
                select(value).where(value.c.parse_id == read_as["parse_id"]).order_by(value.c.row_no)
            ).mappings()
        ),
    )


def submissions_of(connection: Connection, year: int, unit: str, period: str) -> list[tuple[str, int]]:
    """The current submissions of a sender for a period, of its own and as an office."""
    pointer = current_parse.c
    query = (
        select(parse.c.submission_id, parse.c.revision)
        .join(current_parse, pointer.parse_id == parse.c.parse_id)
        .where(pointer.year == year, pointer.sender_code == unit, pointer.period == period)
        .order_by(pointer.kind.desc())
    )
    return [(row.submission_id, row.revision) for row in connection.execute(query)]


def _row(connection: Connection, submission_id: str, revision: int) -> Mapping[str, Any]:
    query = select(submission).where(
        submission.c.submission_id == submission_id, submission.c.revision == revision
    )
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UsageError(f"没有报送 {submission_id} 第 {revision} 次")
    return dict(row)


def _parse(connection: Connection, submission_id: str, revision: int) -> Mapping[str, Any] | None:
    """The parse in force, or the newest one."""
    query = (
        select(parse)
        .outerjoin(current_parse, current_parse.c.parse_id == parse.c.parse_id)
        .where(parse.c.submission_id == submission_id, parse.c.revision == revision)
        .order_by(current_parse.c.parse_id.is_(None), parse.c.parse_id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else dict(row)


def _findings(
    connection: Connection, read_as: Mapping[str, Any], edition: Edition, would_return: str | None
) -> tuple[Listed, ...]:
    parse_id = read_as["parse_id"]
    in_force = select(current_validation.c.validation_id)
    is_current = connection.execute(
        select(current_parse.c.parse_id).where(current_parse.c.parse_id == parse_id)
    ).first()
    if is_current is None:
        in_force = select(func.max(finding.c.validation_id)).where(finding.c.parse_id == parse_id)
    query = select(finding).where(
        finding.c.parse_id == parse_id,
        or_(finding.c.validation_id.is_(None), finding.c.validation_id.in_(in_force)),
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    ruled = rulings_on(connection, read_as["year"], rows)
    found = in_order(without_echoes(listed(row, edition, ruled.get(row["finding_id"])) for row in rows))
    stands = standing_return(connection, read_as["submission_id"], read_as["revision"])
    reason = would_return if would_return is not None or stands is None else stands.reason
    return found if reason is None else (_sent_back(reason), *found)


def _sent_back(reason: str) -> Listed:
    """A steward's return, as the first line of what goes back."""
    told = mask_personal_data(reason).text
    return Listed(
        rule=RETURNED_RULE,
        severity=Severity.BLOCK,
        indicator_code=None,
        indicator_zh="",
        sheet=None,
        cell=None,
        value=None,
        expected=None,
        related=(),
        message_zh=return_message_zh(told),
        message_en=f"Returned by a steward: {told}",
        fix_zh=RETURN_FIX_ZH,
        legal_basis="",
        legal_basis_status="",
    )


def _name(registry: Registry, code: str, period: Period) -> str:
    """What a unit was called at the end of the period, or last."""
    day: date = period.last_day
    unit = registry.unit_on(code, day)
    known = registry.records_of(code)
    return unit.name_zh if unit is not None else known[-1].name_zh if known else code


def _minute(moment: str) -> str:
    """A stored time as people read it."""
    return datetime.fromisoformat(moment).strftime("%Y-%m-%d %H:%M")
