"""Where a year's final results are. In: a connection, the day, the limits. Out: one record per region.

Every state that is not the end names who has to act, until when, and what comes next.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from fazhi.publish.final.records import (
    PHASE_ZH,
    Phase,
    Proposal,
    Seal,
    phase_of,
    proposals,
    seal_of,
)
from fazhi.publish.final.signers import Signers
from fazhi.publish.final.steps import unconfirmed_finals
from fazhi.publish.final.windows import Windows
from fazhi.store.tables import appeal, appeal_decision


@dataclass(frozen=True)
class AppealRow:
    """An objection or a request for a correction, and what became of it (``verdict`` empty while open)."""

    appeal_id: int
    kind: str
    number: int
    unit_code: str
    indicator_code: str
    statement: str
    late: bool
    filed_name: str
    filed_at: str
    decide_by: str
    verdict: str
    reason: str
    decided_name: str
    decided_at: str


@dataclass(frozen=True)
class RegionStatus:
    """The state of a region's final results in a year."""

    year: int
    region: str
    phase: Phase
    phase_zh: str
    number: int
    digest: str
    """What a signature has to name; empty while nothing is proposed."""
    units: int
    proposed_by: str
    objection_until: str
    signed_by: str
    sealed_at: str
    unconfirmed: int
    open_appeals: int
    upheld_appeals: int
    next_zh: str
    owner_zh: str
    deadline: str
    """The last day for the next step; empty when nothing is left to do."""
    overdue: bool

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self) | {"phase": self.phase.value}


@dataclass(frozen=True)
class _Step:
    """The next step: what, who, until when."""

    what: str
    owner: str
    until: date | None


@dataclass(frozen=True)
class _Facts:
    phase: Phase
    last: Proposal | None
    seal: Seal | None
    appeals: tuple[AppealRow, ...]
    unconfirmed: int
    signed_at: str

    @property
    def granted(self) -> list[AppealRow]:
        """Requests for a correction that were upheld, and that no signed correction has answered yet."""
        return [
            one
            for one in self.appeals
            if (one.kind, one.verdict) == ("correction_request", "upheld") and one.decided_at > self.signed_at
        ]

    @property
    def open_appeals(self) -> list[AppealRow]:
        return [one for one in self.appeals if not one.verdict]

    @property
    def upheld(self) -> list[AppealRow]:
        number = self.last.number if self.last is not None else 0
        return [
            one
            for one in self.appeals
            if one.verdict == "upheld" and one.kind == "appeal" and one.number == number
        ]


def region_status(
    connection: Connection, year: int, region: str, *, today: date, windows: Windows, signers: Signers
) -> RegionStatus:
    """The state of a region's final results on a day.

    Raises:
        ConfigurationError: A time limit or the holiday notice of a year is missing.
    """
    history = proposals(connection, year, region)
    seal = seal_of(connection, year, region)
    last = history[-1] if history else None
    signed = [one for one in history if one.outcome == "signed"]
    facts = _Facts(
        phase=phase_of(history, seal),
        last=last,
        seal=seal,
        appeals=tuple(appeals(connection, year, region)),
        unconfirmed=sum(unconfirmed_finals(connection, one) for one in signed[-1:]),
        signed_at=signed[-1].decided_at if signed else "",
    )
    step = _next_step(facts, year, today, windows, _Names(signers, region, today))
    shown = last if last is not None and last.outcome != "withdrawn" else None
    return RegionStatus(
        year=year,
        region=region,
        phase=facts.phase,
        phase_zh=PHASE_ZH[facts.phase],
        number=shown.number if shown else 0,
        digest=shown.digest if shown else "",
        units=shown.units if shown else 0,
        proposed_by=shown.proposed_name if shown else "",
        objection_until=str(shown.objection_until or "") if shown else "",
        signed_by=signed[-1].decided_name if signed else "",
        sealed_at=seal.sealed_at if seal else "",
        unconfirmed=facts.unconfirmed,
        open_appeals=len(facts.open_appeals),
        upheld_appeals=len(facts.upheld),
        next_zh=step.what,
        owner_zh=step.owner,
        deadline="" if step.until is None else step.until.isoformat(),
        overdue=step.until is not None and step.until < today,
    )


@dataclass(frozen=True)
class _Names:
    signers: Signers
    region: str
    today: date

    @property
    def stewards(self) -> str:
        return "、".join(self.signers.named(self.region, self.today)) or "（名单中没有）"

    @property
    def who_sign(self) -> str:
        return "、".join(self.signers.named(self.region, self.today, to_sign=True)) or "（名单中没有）"


def _next_step(facts: _Facts, year: int, today: date, windows: Windows, names: _Names) -> _Step:
    last = facts.last
    if last is None or facts.phase is Phase.OPEN:
        return _Step("提出年度最终结果", names.stewards, windows.propose_by(year))
    if facts.phase is Phase.PUBLICISED:
        return _while_publicised(facts, last, today, windows, names)
    if facts.open_appeals:
        return _Step("处理更正申请", names.stewards, _first_limit(facts.open_appeals))
    since = _day(last.decided_at or last.proposed_at)
    if facts.phase is Phase.SIGNED:
        return _Step("推送最终结果，平台全部确认后封存", "系统（final_results）", windows.sign_by(since))
    if facts.phase is Phase.CORRECTING:
        return _Step("签发更正", names.who_sign, windows.sign_by(since))
    if facts.unconfirmed:
        return _Step("推送已签发的更正并与平台核对", "系统（final_results）", windows.sign_by(since))
    if facts.granted:
        decided = min(_day(one.decided_at) for one in facts.granted)
        return _Step("更正申请成立：更正数据、重新核验后提出更正", names.stewards, windows.sign_by(decided))
    return _Step("", "", None)


def _while_publicised(facts: _Facts, last: Proposal, today: date, windows: Windows, names: _Names) -> _Step:
    if facts.upheld:
        decided = today if last.objection_until is None else last.objection_until
        return _Step("申诉成立：撤回、重算后重新提出", names.stewards, windows.sign_by(decided))
    if facts.open_appeals:
        return _Step("处理申诉", names.stewards, _first_limit(facts.open_appeals))
    until = last.objection_until or today
    if today <= until:
        return _Step("公示，期满后签发", names.who_sign, windows.sign_by(until))
    return _Step("签发", names.who_sign, windows.sign_by(until))


def _first_limit(rows: Sequence[AppealRow]) -> date:
    return min(date.fromisoformat(row.decide_by) for row in rows)


def _day(moment: str) -> date:
    return datetime.fromisoformat(moment).date()


def appeals(connection: Connection, year: int, region: str) -> list[AppealRow]:
    """The objections and requests of a region in the order of filing."""
    statement = (
        select(
            appeal,
            appeal_decision.c.verdict,
            appeal_decision.c.reason.label("why"),
            appeal_decision.c.decided_name,
            appeal_decision.c.decided_at,
        )
        .outerjoin(appeal_decision, appeal_decision.c.appeal_id == appeal.c.appeal_id)
        .where(appeal.c.year == year, appeal.c.region == region)
        .order_by(appeal.c.appeal_id)
    )
    return [
        AppealRow(
            appeal_id=row["appeal_id"],
            kind=row["kind"],
            number=row["number"],
            unit_code=row["unit_code"],
            indicator_code=row["indicator_code"],
            statement=row["statement"],
            late=bool(row["late"]),
            filed_name=row["filed_name"],
            filed_at=row["filed_at"],
            decide_by=row["decide_by"],
            verdict=row["verdict"] or "",
            reason=row["why"] or "",
            decided_name=row["decided_name"] or "",
            decided_at=row["decided_at"] or "",
        )
        for row in connection.execute(statement).mappings()
    ]


def due_for_sending(connection: Connection, year: int, region: str) -> bool:
    """Whether signed results wait for the platform's confirmation, or a confirmed region for its seal."""
    history = proposals(connection, year, region)
    signed = [one for one in history if one.outcome == "signed"]
    if not signed:
        return False
    sealed = seal_of(connection, year, region) is not None
    return not sealed or unconfirmed_finals(connection, signed[-1]) > 0
