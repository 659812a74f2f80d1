"""What waits for people too long. In: the ground, limits, a moment. Out: alarms that name who has to act."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select

from fazhi.desk.person import Person
from fazhi.desk.places import region_name
from fazhi.desk.states import State
from fazhi.desk.today import Entry, Looking, all_entries
from fazhi.operations.alarm import Alarm, alarm
from fazhi.operations.limits import Kind, Limits
from fazhi.operations.standing import standing_by_year
from fazhi.pipeline import SHANGHAI, Ground, region_is_sealed
from fazhi.publish import final
from fazhi.registry.calendar import WorkingDays
from fazhi.store import read
from fazhi.store.tables import (
    current_result,
    department_request,
    final_proposal,
    ground_proposal,
    ground_ruling,
    request_ruling,
)

_WATCH = Person("0", "fazhi", "值守")
_NAMED = 3
"""How many are named before the rest is only counted."""


@dataclass(frozen=True)
class _Rule:
    """A state of a submission that may not last. ``since``: the moment its waiting began."""

    alarm_id: str
    states: tuple[State, ...]
    words: str
    since: Callable[[Entry], datetime | None]


def _received(entry: Entry) -> datetime | None:
    return datetime.fromisoformat(entry.received_at) if entry.received_at else None


def _deadline(entry: Entry) -> datetime | None:
    if not entry.deadline.day:
        return None
    return datetime.combine(date.fromisoformat(entry.deadline.day), datetime.max.time(), SHANGHAI)


_RULES = (
    _Rule("submission-unread", (State.RECEIVED,), "份报送收到后没有读取或核验", _received),
    _Rule("submission-waiting", (State.WAITING,), "份报送在等待审核员裁定", _received),
    _Rule("submission-overdue", (State.OVERDUE,), "份报送过了期限还没有收到", _deadline),
    _Rule("correction-overdue", (State.RETURNED,), "份需要更正的报送过了期限还没有更正", _deadline),
)


def submissions(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Submissions of the open years that do not move, by year and region; sealed regions are left alone."""
    today = now.astimezone(SHANGHAI)
    for year in (today.year, today.year - 1):
        for region in ground.registry.regions(year, today.date()):
            if region_is_sealed(ground, year, region):
                continue
            entries = all_entries(Looking(ground, year, region, _WATCH, today))
            for rule in _RULES:
                yield from _standing(rule, limits.kinds[rule.alarm_id], entries, ground, year, region, today)


def _standing(
    rule: _Rule, kind: Kind, entries: Sequence[Entry], ground: Ground, year: int, region: str, now: datetime
) -> Iterator[Alarm]:
    long = []
    for entry in entries:
        since = rule.since(entry) if entry.state in rule.states else None
        if since is not None and now - since > kind.patience:
            long.append((since, entry))
    if not long:
        return
    long.sort(key=lambda one: (one[0], one[1].key))
    names = "、".join(f"{entry.unit_name}（{entry.period_zh}）" for _, entry in long[:_NAMED])
    more = " 等" if len(long) > _NAMED else ""
    owners = {
        entry.owner.names for _, entry in long if entry.owner is not None and entry.owner.kind == "steward"
    }
    yield alarm(
        kind,
        f"{region_name(ground.registry, region)} {year}年度有 {len(long)} {rule.words}，"
        f"已超过 {_span(kind.patience)}：{names}{more}",
        subject=f"{year}/{region}",
        since=long[0][0],
        concerns_zh="、".join(sorted(filter(None, owners))),
    )


def _span(patience: timedelta) -> str:
    hours = patience.total_seconds() / 3_600
    return f"{hours / 24:g} 天" if hours % 24 == 0 else f"{hours:g} 小时"


def requests(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Requests of departments that nobody has ruled on, or whose ruling was withdrawn."""
    kind = limits.kinds["request-waiting"]
    newest = (
        select(request_ruling.c.verdict)
        .where(request_ruling.c.request_id == department_request.c.request_id)
        .order_by(request_ruling.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    yield from standing_by_year(
        ground,
        kind,
        now,
        year=department_request.c.year,
        since=department_request.c.requested_at,
        waiting=func.coalesce(newest, "withdraw") == "withdraw",
        words=f"件单位的申请（不适用、豁免、延期）超过 {_span(kind.patience)}没有裁定",
    )


def ground_changes(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Changes of units, editions or holidays that wait for the second person."""
    kind = limits.kinds["ground-waiting"]
    before = (now.astimezone(SHANGHAI) - kind.patience).isoformat(timespec="seconds")
    waiting = (
        select(ground_proposal.c.proposal_id, ground_proposal.c.proposer_name, ground_proposal.c.proposed_at)
        .outerjoin(ground_ruling, ground_ruling.c.proposal_id == ground_proposal.c.proposal_id)
        .where(ground_ruling.c.proposal_id.is_(None), ground_proposal.c.proposed_at < before)
        .order_by(ground_proposal.c.proposal_id)
    )
    with read(ground.engine) as connection:
        rows = connection.execute(waiting).all()
    for number, who, since in rows:
        what = f"{who}提出的第 {number} 号变更超过 {_span(kind.patience)}没有第二人批准"
        yield alarm(kind, what, subject=str(number), since=since)


def years(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Steps of past years' final results whose last day is over: proposing, signing, appeals, sealing, corrections."""
    kind = limits.kinds["year-overdue"]
    today = now.astimezone(SHANGHAI).date()
    signers = final.Signers.load(ground.settings.signers_dir)
    calendar = WorkingDays.load(ground.settings.holidays_dir)
    with read(ground.engine) as connection:
        for year, region in _years_with_results(ground, today):
            windows = final.Windows(ground.edition(year), calendar)
            status = final.region_status(
                connection, year, region, today=today, windows=windows, signers=signers
            )
            if status.overdue:
                yield alarm(
                    kind,
                    f"{region_name(ground.registry, region)} {year}年度“{status.phase_zh}”阶段："
                    f"“{status.next_zh}”应在 {status.deadline} 前完成，已经逾期",
                    subject=f"{year}/{region}",
                    since=status.deadline,
                    concerns_zh=status.owner_zh,
                )


def _years_with_results(ground: Ground, today: date) -> list[tuple[int, str]]:
    scored = select(current_result.c.year, current_result.c.region).where(current_result.c.year < today.year)
    proposed = select(final_proposal.c.year, final_proposal.c.region)
    with read(ground.engine) as connection:
        found = {tuple(row) for row in connection.execute(scored.union(proposed))}
    return sorted((int(year), str(region)) for year, region in found)
