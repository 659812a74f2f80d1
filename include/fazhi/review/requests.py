"""What departments ask for. In: a request, and a second person's ruling. Out: rows, a decision where one follows.

Three kinds: an indicator as 不适用 in a period; a waiver (豁免) of one finding that a person decides on, a hold or a
warning; a later deadline for a period. A waiver never lifts a block: such a value is corrected, not waived
(contracts/indicator-system.md, Severities). Granting the first two writes the decision that they ask for, bound to the
value as every decision is; a granted extension moves the deadline (``fazhi.store.extensions``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from fazhi.audit import Actor, Event, append
from fazhi.model.errors import ChangedMeanwhile, UsageError
from fazhi.model.period import Period
from fazhi.review.decide import Ruling, rule_on
from fazhi.review.locks import require_unlocked
from fazhi.store import write
from fazhi.store.decisions import DECISION_OF_SEVERITY, DecisionKey, key_of_finding
from fazhi.store.tables import department_request, finding, request_ruling

KIND_ZH = {"not_applicable": "不适用申请", "waiver": "豁免申请", "extension": "延期申请"}
LONGEST_EXTENSION_DAYS = 366
"""A later last day than this after the period's end is a slip of the pen."""


@dataclass(frozen=True)
class Asked:
    """Who asks and why; ``by`` is whoever records it, on the department's letter or as the department."""

    reason: str
    by: Actor

    def checked(self) -> "Asked":
        """The request itself.

        Raises:
            UsageError: No reason, or nobody.
        """
        if not self.reason.strip():
            raise UsageError("请写明申请理由")
        if not self.by.actor_id.strip():
            raise UsageError("请写明申请人")
        return self


def ask_not_applicable(
    engine: Engine, *, unit_code: str, indicator_code: str, period: str, asked: Asked, now: datetime
) -> int:
    """Ask that an indicator be 不适用 to a unit in a period; the request's number.

    Raises:
        UsageError: The request is incomplete or the period unreadable.
    """
    subject = {"unit_code": unit_code, "indicator_code": indicator_code, "period": str(_period(period))}
    with write(engine) as connection:
        return _ask(connection, "not_applicable", _period(period).year, subject, asked, now)


def ask_waiver(engine: Engine, *, finding_id: int, asked: Asked, now: datetime) -> int:
    """Ask that a hold or a warning be waived for the value it stands on; the request's number.

    Raises:
        UsageError: No such finding, one that only a correction lifts, or an incomplete request.
    """
    with write(engine) as connection:
        row = (
            connection.execute(select(finding).where(finding.c.finding_id == finding_id))
            .mappings()
            .one_or_none()
        )
        if row is None:
            raise UsageError(f"没有编号为 {finding_id} 的核验问题")
        if row["severity"] not in DECISION_OF_SEVERITY:
            raise UsageError(
                f"{row['rule']} 必须由报送单位更正，不能豁免；只有“待审核决定”和“请说明或更正”的可以"
            )
        key = key_of_finding(row)
        subject = {name: text for name, text in vars(key).items() if name != "kind"}
        return _ask(connection, "waiver", row["year"], subject, asked, now)


def ask_extension(
    engine: Engine, *, unit_code: str, period: str, until: date, asked: Asked, now: datetime
) -> int:
    """Ask for a later last day of a unit's period; the request's number.

    Raises:
        UsageError: The day lies within the period or absurdly late, or the request is incomplete.
    """
    wanted = _period(period)
    if not wanted.last_day < until or (until - wanted.last_day).days > LONGEST_EXTENSION_DAYS:
        raise UsageError(f"延期到 {until} 不合理：应在报送期最后一天（{wanted.last_day}）之后一年以内")
    subject = {"unit_code": unit_code, "period": str(wanted), "until": until.isoformat()}
    with write(engine) as connection:
        return _ask(connection, "extension", wanted.year, subject, asked, now)


def rule_on_request(
    engine: Engine, request_id: int, ruling: Ruling, *, turns: int | None = None, now: datetime
) -> bool:
    """Grant, refuse, or take back the ruling on a request.

    Args:
        engine: The store.
        request_id: The request.
        ruling: The verdict; who asked does not rule (the store refuses it as well).
        turns: How many rulings the request had on the screen; ``None`` skips the comparison.
        now: The present moment, with its offset.

    Returns:
        Whether it was stored; ``False`` when the same person gave the same ruling already.

    Raises:
        UsageError: No such request, nothing to take back, who asked, or a locked year.
        ChangedMeanwhile: Somebody ruled since the screen was drawn.
    """
    ruling.checked()
    with write(engine) as connection:
        asked = _request(connection, request_id)
        given = _rulings(connection, request_id)
        newest = given[-1] if given else None
        if newest is not None and (newest["verdict"], newest["decided_by"]) == (
            ruling.verdict,
            ruling.decided_by,
        ):
            return False
        if turns is not None and turns != len(given):
            raise ChangedMeanwhile("您打开页面以后，这项申请已有人办理，本次操作没有保存。请重新查看。")
        _check_ruling(asked, newest, ruling)
        if asked["kind"] == "extension":
            require_unlocked(connection, asked["year"], None)
        _store(connection, asked, len(given) + 1, ruling, now)
        return True


def _check_ruling(asked: Mapping[str, Any], newest: Mapping[str, Any] | None, ruling: Ruling) -> None:
    if ruling.decided_by == asked["requested_by"]:
        raise UsageError(f"申请人与裁定人不能是同一人({ruling.decided_by})")
    standing = None if newest is None or newest["verdict"] == "withdraw" else newest
    if ruling.verdict == "withdraw":
        if standing is None:
            raise UsageError("这项申请还没有裁定，没有可撤回的内容")
        if standing["decided_by"] != ruling.decided_by:
            raise UsageError(f"这项裁定由 {standing['decided_name']} 作出，只能由本人撤回")
    elif standing is not None:
        raise UsageError("这项申请已经裁定，需要改变的，请先由原裁定人撤回")


def _store(
    connection: Connection, asked: Mapping[str, Any], number: int, ruling: Ruling, now: datetime
) -> None:
    at = now.isoformat(timespec="seconds")
    row = {
        "request_id": asked["request_id"],
        "number": number,
        "requested_by": asked["requested_by"],
        "verdict": ruling.verdict,
        "reason": ruling.reason,
        "decided_by": ruling.decided_by,
        "decided_name": ruling.actor.name,
        "decided_at": at,
    }
    try:
        connection.execute(insert(request_ruling).values(row))
    except IntegrityError as refused:
        raise ChangedMeanwhile("同时有人办理了这项申请，请重新查看") from refused
    event = Event(
        action="request.ruled",
        subject=f"{asked['year']}/{asked['unit_code']}/{asked['request_id']}",
        at=at,
        after=ruling.verdict,
        details={"kind": asked["kind"], "reason": ruling.reason, "requested_by": asked["requested_by"]},
    )
    append(connection, ruling.actor, event)
    key = _decided_key(connection, asked)
    if key is not None:
        named = Ruling(
            ruling.verdict, ruling.reason, ruling.decided_by, asked["requested_by"], ruling.decided_name
        )
        rule_on(connection, key, asked["year"], named, now)


def _decided_key(connection: Connection, asked: Mapping[str, Any]) -> DecisionKey | None:
    """What the decision is about that follows from a request; ``None`` for an extension."""
    if asked["kind"] == "extension":
        return None
    kind = "not_applicable" if asked["kind"] == "not_applicable" else _severity_kind(connection, asked)
    return DecisionKey(
        kind=kind,
        unit_code=asked["unit_code"],
        indicator_code=asked["indicator_code"],
        period=asked["period"],
        rule=asked["rule"],
        value_digest=asked["value_digest"],
    )


def _severity_kind(connection: Connection, asked: Mapping[str, Any]) -> str:
    """Whether the finding that a waiver is about is a warning or a hold."""
    about = [finding.c[name] == asked[name] for name in ("year", "unit_code", "period", "rule")]
    statement = (
        select(finding.c.severity)
        .where(
            *about,
            func.coalesce(finding.c.indicator_code, "") == asked["indicator_code"],
            func.coalesce(finding.c.value_digest, "") == asked["value_digest"],
            finding.c.severity.in_(tuple(DECISION_OF_SEVERITY)),
        )
        .order_by(finding.c.finding_id.desc())
        .limit(1)
    )
    severity = connection.execute(statement).scalar_one_or_none()
    if severity is None:
        raise UsageError("申请豁免的问题已不存在（数值可能已更正），不需要再裁定")
    return DECISION_OF_SEVERITY[severity]


def _ask(
    connection: Connection, kind: str, year: int, subject: Mapping[str, str], asked: Asked, now: datetime
) -> int:
    """Add a request unless the same one of the same person still waits; its number."""
    asked.checked()
    open_one = _waiting(connection, kind, subject, asked.by.actor_id)
    if open_one is not None:
        return open_one
    at = now.isoformat(timespec="seconds")
    row = {
        "kind": kind,
        "year": year,
        **subject,
        "reason": asked.reason.strip(),
        "requested_by": asked.by.actor_id,
        "requested_name": asked.by.name,
        "requested_at": at,
    }
    added = insert(department_request).values(row).returning(department_request.c.request_id)
    number = int(connection.execute(added).scalar_one())
    event = Event(
        action="request.recorded",
        subject=f"{year}/{subject['unit_code']}/{number}",
        at=at,
        after=kind,
        details={**subject, "reason": asked.reason.strip()},
    )
    append(connection, asked.by, event)
    return number


def _waiting(connection: Connection, kind: str, subject: Mapping[str, str], by: str) -> int | None:
    rulings = select(func.count()).select_from(request_ruling)
    ruled = rulings.where(request_ruling.c.request_id == department_request.c.request_id).scalar_subquery()
    same = [department_request.c[name] == text for name, text in subject.items()]
    statement = select(department_request.c.request_id).where(
        *same,
        department_request.c.kind == kind,
        department_request.c.requested_by == by,
        ruled == 0,
    )
    return connection.execute(statement.limit(1)).scalar_one_or_none()


def _request(connection: Connection, request_id: int) -> Mapping[str, Any]:
    statement = select(department_request).where(department_request.c.request_id == request_id)
    row = connection.execute(statement).mappings().one_or_none()
    if row is None:
        raise UsageError(f"没有编号为 {request_id} 的申请")
    return dict(row)


def _rulings(connection: Connection, request_id: int) -> list[dict[str, Any]]:
    statement = (
        select(request_ruling)
        .where(request_ruling.c.request_id == request_id)
        .order_by(request_ruling.c.number)
    )
    return [dict(row) for row in connection.execute(statement).mappings()]


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError:
        raise UsageError(f"报送期“{text}”不可用，应写作 2024、2024-H1、2024-Q3 或 2024-07") from None
