"""Acts of a steward on submissions and requests, and what one decided. In: a person, what was shown. Out: rows, lists.

Every act asks for the person's right in the region of the submission or unit; what is stored, and when it is refused,
is told by ``fazhi.review``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from fazhi.desk.paging import PAGE_SIZE, Slice, key_of, sliced
from fazhi.desk.person import Ability, Person
from fazhi.desk.refusals import NotFound
from fazhi.desk.submissions import RequestRow, region_of_sender, request_rows, submission_of
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.pipeline import Ground
from fazhi.pipeline.due_words import due_zh
from fazhi.review import (
    Asked,
    Receipt,
    Ruling,
    ask_extension,
    ask_not_applicable,
    ask_waiver,
    correction_list,
    decide_shown,
    return_submission,
    rule_on_request,
    undo_decision,
    undo_return,
    write_receipt,
)
from fazhi.review.decide import told_since
from fazhi.store import read
from fazhi.store.decisions import DecisionKey, newest
from fazhi.store.returns import is_sent, standing_return
from fazhi.store.tables import decision, department_request, finding, request_ruling, submission_return

REQUESTS_SHOWN = 200
"""Open requests on one page; more are announced."""


@dataclass(frozen=True)
class Preview:
    """What a department gets: the receipt and the marked workbook."""

    receipt: Receipt
    workbook: bytes | None


@dataclass(frozen=True)
class MyRuling:
    """A ruling on a finding or on 不适用; ``undoable`` while it is the newest and the department has not been told."""

    decision_id: int
    kind: str
    year: int
    unit_code: str
    indicator_code: str
    period: str
    rule: str
    verdict: str
    reason: str
    decided_at: str
    undoable: bool


@dataclass(frozen=True)
class MyReturn:
    """A submission that one returned; ``undoable`` while the return stands and has not been sent."""

    submission_id: str
    revision: int
    year: int
    unit_code: str
    reason: str
    decided_at: str
    undoable: bool


# --- acts -----------------------------------------------------------------------------------------------------------


def decide(
    ground: Ground,
    person: Person,
    of: tuple[str, int],
    finding_ids: Sequence[int],
    *,
    verdict: str,
    reason: str,
    shown: str,
    now: datetime,
) -> int:
    """Confirm, release or refuse findings of a submission; how many rulings were stored.

    Raises:
        NotAllowed: The person may not decide in the submission's region.
        NotFound: There is no such submission.
        ChangedMeanwhile: What was shown is no longer so.
        UsageError: As ``fazhi.review.decide_shown``.
    """
    _require(ground, person, of)
    ruling = Ruling(verdict, reason.strip(), person.actor.actor_id, decided_name=person.actor.name)
    return decide_shown(ground.engine, *of, finding_ids, ruling=ruling, shown=shown, now=now)


def send_back(
    ground: Ground, person: Person, of: tuple[str, int], *, reason: str, shown: str, now: datetime
) -> bool:
    """Return a submission to be corrected; whether it was stored now.

    Raises:
        NotAllowed: The person may not decide in the submission's region.
        ChangedMeanwhile: What was shown is no longer so.
        UsageError: As ``fazhi.review.return_submission``.
    """
    _require(ground, person, of)
    return return_submission(ground.engine, *of, reason=reason, by=person.actor, shown=shown, now=now)


def take_back(ground: Ground, person: Person, of: tuple[str, int], *, reason: str, now: datetime) -> bool:
    """Undo one's own return; whether it was stored now.

    Raises:
        NotAllowed: The person may not decide in the submission's region.
        UsageError: As ``fazhi.review.undo_return``.
    """
    _require(ground, person, of)
    return undo_return(ground.engine, *of, reason=reason, by=person.actor, now=now)


def undo(ground: Ground, person: Person, decision_id: int, *, reason: str, now: datetime) -> bool:
    """Undo one's own ruling; whether it was stored now.

    Raises:
        NotAllowed: The person may not decide in the unit's region any more.
        NotFound: There is no such ruling.
        UsageError: As ``fazhi.review.undo_decision``.
    """
    with read(ground.engine) as connection:
        unit = connection.execute(
            select(decision.c.unit_code).where(decision.c.decision_id == decision_id)
        ).scalar_one_or_none()
    if unit is None:
        raise NotFound("没有这项裁定")
    person.require(Ability.DECIDE, region_of_sender(ground.registry, unit))
    return undo_decision(ground.engine, decision_id, by=person.actor, reason=reason, now=now)


def ask(
    ground: Ground, person: Person, of: tuple[str, int], wanted: Mapping[str, str], *, now: datetime
) -> int:
    """Record what a department asks for about a submission; the request's number.

    Args:
        ground: The store and names.
        person: Who records it; the ruling is a second person's.
        of: The submission and revision.
        wanted: ``kind`` (``not_applicable``, ``waiver``, ``extension``), ``reason``, and what the kind needs:
            ``indicator_code``, ``finding_id``, ``until``.
        now: The present moment.

    Raises:
        NotAllowed: The person may not decide in the submission's region.
        UsageError: The request is incomplete.
    """
    sent = _require(ground, person, of)
    asked = Asked(wanted.get("reason", ""), person.actor)
    unit, period = str(sent["sender_code"]), str(sent["period"])
    kind = wanted.get("kind", "")
    if kind == "not_applicable":
        code = wanted.get("indicator_code", "").strip()
        if code not in ground.edition(sent["year"]).by_code:
            raise UsageError(f"指标体系里没有编码“{code}”")
        return ask_not_applicable(
            ground.engine, unit_code=unit, indicator_code=code, period=period, asked=asked, now=now
        )
    if kind == "waiver":
        number = _of_submission(ground, of, wanted.get("finding_id", ""))
        return ask_waiver(ground.engine, finding_id=number, asked=asked, now=now)
    if kind == "extension":
        until = _day(wanted.get("until", ""))
        return ask_extension(ground.engine, unit_code=unit, period=period, until=until, asked=asked, now=now)
    raise UsageError("请选择申请的种类：不适用、豁免或延期")


def rule_request(
    ground: Ground,
    person: Person,
    request_id: int,
    *,
    verdict: str,
    reason: str,
    turns: int,
    now: datetime,
) -> bool:
    """Grant, refuse or take back the ruling on a request; whether it was stored now.

    Raises:
        NotAllowed: The person may not decide in the unit's region.
        NotFound: There is no such request.
        ChangedMeanwhile: Somebody ruled since the page was drawn.
        UsageError: As ``fazhi.review.rule_on_request``.
    """
    with read(ground.engine) as connection:
        unit = connection.execute(
            select(department_request.c.unit_code).where(department_request.c.request_id == request_id)
        ).scalar_one_or_none()
    if unit is None:
        raise NotFound("没有这项申请")
    person.require(Ability.DECIDE, region_of_sender(ground.registry, unit))
    ruling = Ruling(verdict, reason.strip(), person.actor.actor_id, decided_name=person.actor.name)
    return rule_on_request(ground.engine, request_id, ruling, turns=turns, now=now)


def preview(
    ground: Ground, of: tuple[str, int], *, would_return: str | None, now: datetime
) -> Preview | None:
    """What the department gets, byte for byte as it would be sent now; ``None`` while the submission is unread.

    Args:
        ground: Store, raw files, edition, contact.
        of: The submission and revision.
        would_return: The reason of a return that is only considered; ``None`` shows what stands.
        now: The present moment.

    Raises:
        NotFound: There is no such submission.
    """
    with read(ground.engine) as connection:
        sent = submission_of(connection, *of)
    edition = ground.edition(sent["year"])
    words: dict[str, Any] = {
        "contact": ground.settings.contact,
        "due_zh": due_zh(ground, Period.parse(sent["period"]), now, sent["sender_code"]),
        "would_return": would_return,
    }
    receipt = write_receipt(ground.engine, edition, ground.registry, *of, **words)
    if receipt is None:
        return None
    book = correction_list(ground.engine, ground.raw, edition, ground.registry, *of, **words)
    return Preview(receipt, book)


def _require(ground: Ground, person: Person, of: tuple[str, int]) -> Mapping[str, Any]:
    with read(ground.engine) as connection:
        sent = submission_of(connection, *of)
    person.require(Ability.DECIDE, region_of_sender(ground.registry, sent["sender_code"]))
    return sent


def _of_submission(ground: Ground, of: tuple[str, int], written: str) -> int:
    """A finding's number that is one of this submission's."""
    with read(ground.engine) as connection:
        here = (finding.c.submission_id == of[0], finding.c.revision == of[1])
        number = int(written) if written.isdecimal() and len(written) < 19 else -1
        found = connection.execute(select(finding.c.finding_id).where(finding.c.finding_id == number, *here))
        if found.one_or_none() is None:
            raise UsageError("请选择这份报送上的一个问题")
    return number


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written.strip())
    except ValueError:
        raise UsageError("延期到哪一天没有写对，应写作 2025-01-20") from None


# --- lists ----------------------------------------------------------------------------------------------------------


def my_rulings(connection: Connection, person: Person, after: str | None = None) -> Slice[MyRuling]:
    """A person's rulings, the newest first.

    Raises:
        UsageError: The cursor is none of ours.
    """
    key = key_of(after, (int,))
    conditions = [decision.c.decided_by == person.actor.actor_id]
    if key is not None:
        conditions.append(decision.c.decision_id < key[0])
    statement = (
        select(decision).where(*conditions).order_by(decision.c.decision_id.desc()).limit(PAGE_SIZE + 1)
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    return sliced([_my_ruling(connection, row) for row in rows], lambda row: (row.decision_id,))


def _my_ruling(connection: Connection, row: Mapping[str, Any]) -> MyRuling:
    key = DecisionKey(**{name: row[name] for name in DecisionKey.__dataclass_fields__})
    undoable = (
        row["verdict"] != "withdraw"
        and newest(connection, row["year"], key) == row["verdict"]
        and not told_since(connection, key, row["decided_at"])
    )
    shown = {name: row[name] for name in MyRuling.__dataclass_fields__ if name in row}
    return MyRuling(**shown, undoable=undoable)


def my_returns(connection: Connection, person: Person) -> tuple[MyReturn, ...]:
    """The submissions that a person returned last, one page of them, the newest first."""
    statement = (
        select(submission_return)
        .where(submission_return.c.decided_by == person.actor.actor_id, submission_return.c.act == "return")
        .order_by(submission_return.c.decided_at.desc(), submission_return.c.submission_id)
        .limit(PAGE_SIZE)
    )
    return tuple(_my_return(connection, dict(row)) for row in connection.execute(statement).mappings())


def _my_return(connection: Connection, row: Mapping[str, Any]) -> MyReturn:
    stands = standing_return(connection, row["submission_id"], row["revision"])
    undoable = (
        stands is not None
        and stands.number == row["number"]
        and not is_sent(connection, row["submission_id"], row["revision"], row["decided_at"])
    )
    shown = {name: row[name] for name in MyReturn.__dataclass_fields__ if name in row}
    return MyReturn(**shown, undoable=undoable)


def open_requests(
    connection: Connection, ground: Ground, person: Person
) -> tuple[tuple[RequestRow, ...], bool]:
    """The requests of the person's regions that wait for a ruling, the oldest first, and whether there are more."""
    newer = request_ruling.alias("newer")
    last = (
        select(func.max(newer.c.number))
        .where(newer.c.request_id == department_request.c.request_id)
        .scalar_subquery()
    )
    settled = (
        select(request_ruling.c.request_id)
        .where(
            request_ruling.c.request_id == department_request.c.request_id,
            request_ruling.c.number == last,
            request_ruling.c.verdict != "withdraw",
        )
        .exists()
    )
    statement = (
        select(department_request)
        .where(~settled)
        .order_by(department_request.c.request_id)
        .limit(REQUESTS_SHOWN + 1)
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    mine = [
        row
        for row in rows[:REQUESTS_SHOWN]
        if person.may(Ability.DECIDE, region_of_sender(ground.registry, row["unit_code"]))
    ]
    return request_rows(connection, mine), len(rows) > REQUESTS_SHOWN
