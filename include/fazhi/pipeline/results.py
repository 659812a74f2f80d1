"""The steps on results: score, publish, reconcile. In: settings and a year. Out: committed rows, and counts."""

import logging
from collections.abc import Mapping

from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.model.terms import OutboxState, Stage
from fazhi.pipeline.final import (
    LISTED_IN_LOG,
    difference_zh,
    differences_path,
    final_body,
    has_signed_results,
    region_is_sealed,
    write_differences,
    year_differences,
)
from fazhi.pipeline.ground import Counts, Ground, now_in_shanghai
from fazhi.publish import PlatformClient, enqueue, not_yet_queued, outbox_counts, outbox_rows, reconcile_year
from fazhi.publish import push as push_due
from fazhi.score import score_slice
from fazhi.settings import Settings

logger = logging.getLogger(__name__)


def score(settings: Settings, year: int, region: str, stage: Stage = Stage.PROVISIONAL) -> Counts:
    """Compute the results of a year and region; a result that differs in nothing is not a new version.

    A sealed region keeps what was sealed: nothing is stored, ``compare_sealed`` tells what would differ.
    """
    ground = Ground(settings)
    now = now_in_shanghai()
    if region_is_sealed(ground, year, region):
        return {
            "region": region,
            "sealed": True,
            "scored": 0,
            "new_versions": 0,
            "unchanged": 0,
            "without_result": {},
        }
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


def publish(settings: Settings, year: int, push: bool, stage: Stage = Stage.PROVISIONAL) -> Counts:
    """Queue the results of a stage and push what is due; with ``push`` false only say what would be pushed.

    Raises:
        UsageError: Final results are to be pushed, and none of the year is signed.
    """
    ground = Ground(settings)
    edition = ground.edition(year)
    if stage is Stage.FINAL and not has_signed_results(ground, year):
        raise UsageError(f"{year}年的最终结果还没有签发，不能推送：先公示，期满后用 fazhi sign 签发")
    if not push:
        return {**due(ground, year, stage), "pushed": False}
    now = now_in_shanghai()
    enqueue(ground.engine, year, body_of=final_body, now=now, stage=stage)
    with platform_client(settings) as client:
        push_due(ground.engine, client, year, system_digest=edition.digest, now=now)
    return {**outbox_counts(ground.engine, year), "pushed": True}


def compare_sealed(settings: Settings, year: int, run_id: str, *, push: bool) -> Counts:
    """Compare a sealed year with its recomputed results; only what a signed correction made final is pushed.

    Every difference is in a file beside the run's report, the first ones in the log.

    Args:
        settings: The settings.
        year: A sealed year.
        run_id: The run whose report the differences belong to.
        push: Whether the run may push; a difference that nobody signed is refused then.

    Raises:
        UsageError: The run is to push, and the results differ from the sealed ones without a signed correction.
    """
    ground = Ground(settings)
    found = year_differences(settings, year, now=now_in_shanghai())
    changed = [one for one in found if not one.follows]
    counts: Counts = {
        "compared": True,
        "differences": len(found),
        "changes": len(changed),
        "units_that_differ": len({one.unit_code for one in found}),
    }
    if found:
        path = differences_path(settings, year, run_id)
        write_differences(path, found)
        counts["listed_in"] = str(path)
        logger.warning(
            "%s年已封存，重算结果有 %s 项变动，连同随之变动的共 %s 处不同，全部列在 %s",
            year,
            len(changed),
            len(found),
            path,
        )
        for one in sorted(found, key=lambda one: one.follows)[:LISTED_IN_LOG]:
            logger.warning("%s", difference_zh(one))
    waiting = due(ground, year, Stage.FINAL)["due"]
    if push and waiting:
        return {**publish(settings, year, True, Stage.FINAL), **counts}
    if push and found:
        raise UsageError(
            f"{year}年已封存，重算结果与封存结果有 {len(found)} 处不同，没有推送。"
            "确需更正的，请先用 fazhi correct propose 提出，由有权的人签发后再推送。"
        )
    return {**outbox_counts(ground.engine, year), **counts, "pushed": False, "due": waiting}


def due(ground: Ground, year: int, stage: Stage | None = None) -> Counts:
    """The outbox's counts, with ``due``: how many newest results are not on the platform yet."""
    counts: Mapping[str, int] = outbox_counts(ground.engine, year)
    return {**counts, "due": not_yet_queued(ground.engine, year, stage) + counts[OutboxState.PENDING.value]}


def reconcile(settings: Settings, year: int) -> Counts:
    """Compare the outbox with what the platform holds; only this confirms. Nothing queued, nothing asked."""
    ground = Ground(settings)
    if not outbox_rows(ground.engine, year):
        return dict(outbox_counts(ground.engine, year))
    with platform_client(settings) as client:
        reconcile_year(ground.engine, client, year, now=now_in_shanghai())
    return dict(outbox_counts(ground.engine, year))
