"""What a run may do. In: the run's year, mode and reason. Out: its plan, written down before anything else."""

from datetime import datetime

from sqlalchemy import Connection, insert, select

from fazhi.audit import SYSTEM, Actor, Event, append
from fazhi.model.errors import UsageError
from fazhi.model.terms import RunMode
from fazhi.pipeline.final import is_sealed
from fazhi.pipeline.ground import SHANGHAI, Counts, Ground
from fazhi.settings import Settings
from fazhi.store import write
from fazhi.store.tables import pipeline_run, run_end
from fazhi.systems import Edition

_SCHEDULED = ("scheduled", "asset_triggered")


def plan_run(
    settings: Settings,
    *,
    run_id: str,
    partition_key: str | None,
    run_type: str,
    mode: str,
    reason: str | None,
    actor: str,
    now: datetime,
) -> Counts:
    """Decide what a run may do, and write it down.

    ``auto`` means push for a scheduled run, and compute and compare only for a backfill or a manual run. A sealed
    year has nothing left for a nightly run (``skip`` says so); any other run of it compares (``compare``): it
    recomputes with the year's own edition and stores no result.

    Raises:
        UsageError: The year is missing, malformed or in the future; a push by hand without a reason.
        ConfigurationError: The edition or the registry is faulty (all faults listed).
    """
    year = _assessment_year(partition_key, now)
    requested = _mode(mode)
    scheduled = run_type in _SCHEDULED
    pushes = _pushes(requested, run_type)
    told = (reason or "").strip()
    if pushes and not scheduled and not told:
        raise UsageError(
            f"{year}年补跑要求推送(mode=push),但没有填写理由(reason)。"
            "在“回填”窗口勾选“覆盖现有执行的参数”，填写 reason 后重新提交；什么也没有推送。"
        )
    ground = Ground(settings)
    edition = ground.edition(year)
    sealed = is_sealed(ground, year, now)
    _record_run(ground, edition, run_id, year, run_type, requested, told, actor, now)
    return {
        "year": year,
        "mode": requested.value,
        "push": pushes and not (sealed and scheduled),
        "skip": f"{year}年度已封存，夜间执行到此结束" if sealed and scheduled else "",
        "compare": sealed,
        "system_id": edition.system_id,
        "system_digest": edition.digest,
        "registry_digest": ground.registry.digest,
    }


def note_end(settings: Settings, *, run_id: str, now: datetime) -> Counts:
    """Write down that a run went through to its last step; repeating it changes nothing.

    Raises:
        UsageError: No plan of such a run was written down.
    """
    ended_at = now.isoformat(timespec="seconds")
    with write(Ground(settings).engine) as connection:
        if connection.scalar(select(pipeline_run.c.run_id).where(pipeline_run.c.run_id == run_id)) is None:
            raise UsageError(f"没有执行 {run_id} 的计划记录")
        known = connection.scalar(select(run_end.c.ended_at).where(run_end.c.run_id == run_id))
        if known is None:
            connection.execute(insert(run_end).values(run_id=run_id, ended_at=ended_at))
    return {"run_id": run_id, "ended_at": known or ended_at}


def _assessment_year(partition_key: str | None, now: datetime) -> int:
    if not partition_key:
        raise UsageError("没有给出考评年度：请在“高级选项”的“分区键”里填写四位年份，例如 2023")
    if not (partition_key.isascii() and partition_key.isdigit() and len(partition_key) == 4):
        raise UsageError(f"分区键“{partition_key}”不是考评年度，应为四位年份，例如 2023")
    year = int(partition_key)
    if year > now.astimezone(SHANGHAI).year:
        raise UsageError(f"{year}年还没有开始，不能考评")
    return year


def _mode(mode: str) -> RunMode:
    try:
        return RunMode(mode)
    except ValueError:
        raise UsageError(f"mode 只能是 {'、'.join(RunMode)}，收到“{mode}”") from None


def _record_run(
    ground: Ground,
    edition: Edition,
    run_id: str,
    year: int,
    run_type: str,
    mode: RunMode,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    with write(ground.engine) as connection:
        known = connection.execute(
            select(pipeline_run.c.run_id).where(pipeline_run.c.run_id == run_id)
        ).one_or_none()
        if known is None:
            connection.execute(
                insert(pipeline_run).values(
                    run_id=run_id,
                    year=year,
                    run_type=run_type,
                    mode=mode.value,
                    reason=reason,
                    actor=actor,
                    system_id=edition.system_id,
                    system_digest=edition.digest,
                    started_at=now.isoformat(timespec="seconds"),
                )
            )
            if _pushes(mode, run_type):
                _note_push(connection, edition, run_id, year, run_type, mode, reason, actor, now)


def _pushes(mode: RunMode, run_type: str) -> bool:
    return mode is RunMode.PUSH or (mode is RunMode.AUTO and run_type in _SCHEDULED)


def _note_push(
    connection: Connection,
    edition: Edition,
    run_id: str,
    year: int,
    run_type: str,
    mode: RunMode,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    append(
        connection,
        Actor(actor, actor) if actor else SYSTEM,
        Event(
            action="run.push_allowed",
            subject=str(year),
            at=now.isoformat(timespec="seconds"),
            after=edition.digest,
            details={
                "run_id": run_id,
                "run_type": run_type,
                "mode": mode.value,
                "reason": reason,
                "system_id": edition.system_id,
            },
        ),
    )
