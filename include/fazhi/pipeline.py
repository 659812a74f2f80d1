"""The steps of a year's assessment. In: settings and a year. Out: committed rows, and small dictionaries of counts.

The command line and the DAGs call the same functions. Each reads committed rows and commits new ones, can be killed
at any point and run again, and changes nothing when there is nothing new. Time comes in from outside only here:
``now_in_shanghai`` is read once a step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, insert, select

from fazhi.collect import collect_folder
from fazhi.intake import parse_slice
from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import ConfigurationError, Unreachable, UsageError
from fazhi.model.terms import OutboxState, RunMode, Stage
from fazhi.publish import PlatformClient, enqueue, not_yet_queued, outbox_counts, outbox_rows, reconcile_year
from fazhi.publish import push as push_due
from fazhi.registry import Registry, load_registry
from fazhi.score import result_body, score_slice
from fazhi.settings import Settings
from fazhi.store import open_store, read, write
from fazhi.store.findings import counts_by_severity
from fazhi.store.raw import RawStore
from fazhi.store.tables import pipeline_run
from fazhi.systems import Edition, Editions, load_editions
from fazhi.validate import validate_slice
from fazhi.validate.report import write_report

SHANGHAI = ZoneInfo("Asia/Shanghai")
Progress = Callable[[str], None]
Counts = dict[str, Any]

FOLDER = "folder"


def now_in_shanghai() -> datetime:
    """The present moment where the assessment is made."""
    return datetime.now(SHANGHAI)


@dataclass(frozen=True)
class Ground:
    """What every step stands on, loaded and checked once: nothing is scored on a faulty edition or registry."""

    settings: Settings

    @cached_property
    def editions(self) -> Editions:
        """The editions of the indicator system."""
        return load_editions(self.settings.systems_dir)

    @cached_property
    def registry(self) -> Registry:
        """Units, tasks, sources and adjustments."""
        return load_registry(self.settings.registry_dir, self.editions)

    @cached_property
    def engine(self) -> Engine:
        """The store, created or upgraded where it may be."""
        return open_store(self.settings.store_url)

    @cached_property
    def raw(self) -> RawStore:
        """The content-addressed raw files."""
        return RawStore(self.settings.raw_url)

    def edition(self, year: int) -> Edition:
        """The edition in force in an assessment year."""
        return self.editions.for_year(year)


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

    ``auto`` means push for a scheduled run, and compute and compare only for a backfill or a manual run.

    Raises:
        UsageError: The year is missing, malformed or in the future; a push by hand without a reason.
        ConfigurationError: The edition or the registry is faulty (all faults listed).
    """
    year = _assessment_year(partition_key, now)
    requested = _mode(mode)
    scheduled = run_type in ("scheduled", "asset_triggered")
    pushes = requested is RunMode.PUSH or (requested is RunMode.AUTO and scheduled)
    told = (reason or "").strip()
    if pushes and not scheduled and not told:
        raise UsageError(
            f"{year}年补跑要求推送(mode=push),但没有填写理由(reason)。"
            "在“回填”窗口勾选“覆盖现有执行的参数”，填写 reason 后重新提交；什么也没有推送。"
        )
    ground = Ground(settings)
    edition = ground.edition(year)
    _record_run(ground, edition, run_id, year, run_type, requested, told, actor, now)
    return {
        "year": year,
        "mode": requested.value,
        "push": pushes,
        "system_id": edition.system_id,
        "system_digest": edition.digest,
        "registry_digest": ground.registry.digest,
    }


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


def source_names(settings: Settings) -> list[str]:
    """The sources that are configured and therefore asked."""
    return [FOLDER] if settings.inbox.is_dir() or "default" not in settings.origins["inbox"] else []


def collect(settings: Settings, year: int, source: str = FOLDER, progress: Progress | None = None) -> Counts:
    """Fetch what is new from one source into the raw store."""
    if source != FOLDER:
        raise UsageError(f"没有名为“{source}”的来源")
    if settings.origins["inbox"] != "default" and not settings.inbox.is_dir():
        raise Unreachable(f"收件文件夹 {settings.inbox} 不存在；如是共享目录，请检查是否已挂载")
    ground = Ground(settings)
    counts = collect_folder(
        ground.engine, ground.raw, settings.inbox, year, now=now_in_shanghai(), progress=progress
    )
    return {
        "source": source,
        "found": counts.found,
        "new": counts.new,
        "known": counts.known,
        "problems": list(counts.problems),
    }


def intake(settings: Settings, year: int, progress: Progress | None = None) -> Counts:
    """Read what is new: files to cells to values, with findings on what cannot be read."""
    ground = Ground(settings)
    now = now_in_shanghai()
    counts = parse_slice(
        ground.engine,
        ground.raw,
        ground.edition(year),
        ground.registry,
        year,
        today=now.date(),
        now=now,
        progress=progress,
    )
    return {
        "parsed": counts.parsed,
        "unreadable": counts.unreadable,
        "already": counts.already,
        "values": counts.values,
        "findings": counts.findings,
        "problems": list(counts.problems),
    }


def region_codes(settings: Settings, year: int) -> list[str]:
    """The regions (cities) whose units are assessed in a year."""
    return list(Ground(settings).registry.regions(year, now_in_shanghai().date()))


def region_name(settings: Settings, year: int, region: str) -> str:
    """The Chinese name of a region for a screen; its code when the registry does not name it."""
    ground = Ground(settings)
    day = ground.registry.deciding_day(year, now_in_shanghai().date())
    named = [
        unit
        for unit in ground.registry.units_on(day)
        if unit.division_code == region and unit.level in ("city", "province")
    ]
    governments = sorted(named, key=lambda unit: (bool(unit.parent_code), unit.unit_code))
    return governments[0].short_name_zh if governments else region


def validate(settings: Settings, year: int, region: str) -> Counts:
    """Judge the values of a year and region; GX gates, SQL lists."""
    ground = Ground(settings)
    now = now_in_shanghai()
    outcome = validate_slice(
        ground.engine,
        ground.edition(year),
        ground.registry,
        year,
        region,
        today=now.date(),
        now=now,
        gx_dir=settings.gx_dir,
    )
    return {"region": region, "validation_id": outcome.validation_id, "new": outcome.new, **outcome.counts}


def findings_by_severity(settings: Settings, year: int) -> dict[str, int]:
    """How many findings of each severity stand on a year's current submissions."""
    with read(Ground(settings).engine) as connection:
        return dict(counts_by_severity(connection, year))


def score(settings: Settings, year: int, region: str, stage: Stage = Stage.PROVISIONAL) -> Counts:
    """Compute the results of a year and region; a result that differs in nothing is not a new version."""
    ground = Ground(settings)
    now = now_in_shanghai()
    outcome = score_slice(
        ground.engine,
        ground.edition(year),
        ground.registry,
        year,
        region,
        today=now.date(),
        stage=stage,
        now=now,
    )
    return {
        "region": region,
        "scored": outcome.scored,
        "new_versions": outcome.new_versions,
        "unchanged": outcome.unchanged,
        "without_result": dict(outcome.without_result),
    }


def platform_client(settings: Settings) -> PlatformClient:
    """The client of the configured platform.

    Raises:
        ConfigurationError: No platform is configured.
    """
    missing = [
        name
        for name, value in (
            ("FAZHI_PLATFORM_URL", settings.platform_url),
            ("FAZHI_PLATFORM_APP_ID", settings.platform_app_id),
            ("FAZHI_PLATFORM_SECRET", settings.platform_secret),
        )
        if not value
    ]
    if missing:
        raise ConfigurationError(
            f"考评平台没有配置：缺少 {'、'.join(missing)}（或 Airflow 连接 fazhi_platform）"
        )
    return PlatformClient(
        settings.platform_url,
        settings.platform_app_id,
        settings.platform_secret,
        alg=settings.platform_alg,
    )


def publish(settings: Settings, year: int, push: bool) -> Counts:
    """Queue the newest results and push what is due; with ``push`` false only say what would be pushed."""
    ground = Ground(settings)
    edition = ground.edition(year)
    if not push:
        return {**due(ground, year), "pushed": False}
    now = now_in_shanghai()
    enqueue(ground.engine, year, body_of=result_body, now=now)
    with platform_client(settings) as client:
        push_due(ground.engine, client, year, system_digest=edition.digest, now=now)
    return {**outbox_counts(ground.engine, year), "pushed": True}


def due(ground: Ground, year: int) -> Counts:
    """The outbox's counts, with ``due``: how many newest results are not on the platform yet."""
    counts: Mapping[str, int] = outbox_counts(ground.engine, year)
    return {**counts, "due": not_yet_queued(ground.engine, year) + counts[OutboxState.PENDING.value]}


def reconcile(settings: Settings, year: int) -> Counts:
    """Compare the outbox with what the platform holds; only this confirms. Nothing queued, nothing asked."""
    ground = Ground(settings)
    if not outbox_rows(ground.engine, year):
        return dict(outbox_counts(ground.engine, year))
    with platform_client(settings) as client:
        reconcile_year(ground.engine, client, year, now=now_in_shanghai())
    return dict(outbox_counts(ground.engine, year))


def report_path(settings: Settings, year: int, run_id: str) -> Path:
    """Where the validation report of a run lies; the file name is a digest, never the run id itself."""
    return settings.reports_dir / str(year) / f"{sha256_hex(run_id.encode())[:24]}.html"


def report(settings: Settings, year: int, run_id: str) -> Counts:
    """Write the validation report of a run: one self-contained Chinese page."""
    ground = Ground(settings)
    now = now_in_shanghai()
    path = report_path(settings, year, run_id)
    write_report(
        ground.engine,
        year,
        ground.registry,
        ground.edition(year),
        path,
        run_id=run_id,
        today=now.date(),
        now=now,
    )
    return {"path": str(path)}
