"""Whether the nights and what they send go through. In: the ground, limits, a moment. Out: alarms."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func, select

from fazhi.model.terms import OutboxState
from fazhi.operations.alarm import Alarm, alarm
from fazhi.operations.limits import Limits
from fazhi.operations.standing import standing_by_year
from fazhi.pipeline import SHANGHAI, Ground, is_sealed
from fazhi.store import read
from fazhi.store.tables import outbox, pipeline_run, portal_report, run_end

_WAITING = (OutboxState.PENDING.value, OutboxState.SENT.value)
_STUCK = (OutboxState.REFUSED.value, OutboxState.CONFLICT.value)


def nights(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """The nightly runs of the open years: this year, and the year before until it is sealed."""
    kind = limits.kinds["night-missing"]
    today = now.astimezone(SHANGHAI)
    for year in (today.year, today.year - 1):
        if is_sealed(ground, year, now):
            continue
        ended = _last_night(ground, year)
        # nobody can have run a year before it began, and the one before it is run from the same night on
        since = max(
            ended or datetime.min.replace(tzinfo=SHANGHAI), datetime(today.year, 1, 1, tzinfo=SHANGHAI)
        )
        if now - since > kind.patience:
            last = (
                f"最近一次走完全程是 {ended.isoformat(timespec='minutes')}" if ended else "没有走完全程的记录"
            )
            yield alarm(
                kind,
                f"{year}年度的夜间考评已超过 {kind.limit:g} 小时没有完成，{last}",
                subject=str(year),
                since=ended or "",
            )


def _last_night(ground: Ground, year: int) -> datetime | None:
    newest = (
        select(func.max(run_end.c.ended_at))
        .join(pipeline_run, pipeline_run.c.run_id == run_end.c.run_id)
        .where(pipeline_run.c.year == year, pipeline_run.c.run_type == "scheduled")
    )
    with read(ground.engine) as connection:
        ended = connection.scalar(newest)
    return datetime.fromisoformat(ended) if ended else None


def outbox_rows(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Results that wait for the platform, or that it does not take."""
    for name, states, words in (
        ("outbox-waiting", _WAITING, "份结果待推送或未得到平台确认"),
        ("outbox-refused", _STUCK, "份结果被平台拒收或与平台不一致"),
    ):
        kind = limits.kinds[name]
        yield from standing_by_year(
            ground,
            kind,
            now,
            year=outbox.c.year,
            since=outbox.c.changed_at,
            waiting=outbox.c.state.in_(states),
            words=f"{words}，已超过 {kind.limit:g} 小时",
        )


def reports_to_portal(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """What departments should have been told and were not."""
    kind = limits.kinds["report-untold"]
    later = portal_report.alias()
    replaced = (
        select(later.c.report_no)
        .where(
            later.c.submission_id == portal_report.c.submission_id,
            later.c.revision == portal_report.c.revision,
            later.c.report_no > portal_report.c.report_no,
        )
        .exists()
    )
    yield from standing_by_year(
        ground,
        kind,
        now,
        year=portal_report.c.year,
        since=portal_report.c.queued_at,
        waiting=portal_report.c.reported_at.is_(None) & ~replaced,
        words=f"份报送的审核结果超过 {kind.limit:g} 小时没有告知报送门户",
    )
