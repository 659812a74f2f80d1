"""The steps on results: score, publish, reconcile. In: settings and a year. Out: committed rows, and counts."""

from collections.abc import Mapping

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import OutboxState, Stage
from fazhi.pipeline.ground import Counts, Ground, now_in_shanghai
from fazhi.publish import PlatformClient, enqueue, not_yet_queued, outbox_counts, outbox_rows, reconcile_year
from fazhi.publish import push as push_due
from fazhi.score import result_body, score_slice
from fazhi.settings import Settings


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
