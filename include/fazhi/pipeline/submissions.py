"""The steps on submissions: collect, intake, validate, report back. In: settings and a year. Out: committed rows, and counts."""

from sqlalchemy import select

from fazhi.collect import CollectCounts, CorrectionList, PortalClient, collect_folder, collect_portal
from fazhi.collect import report_back as tell_portal
from fazhi.intake import parse_slice
from fazhi.model.errors import ConfigurationError, Unreachable, UsageError
from fazhi.model.period import Period
from fazhi.pipeline.due_words import due_zh
from fazhi.pipeline.ground import Counts, Ground, Progress, now_in_shanghai
from fazhi.review import correction_list
from fazhi.settings import Settings
from fazhi.store import read
from fazhi.store.findings import counts_by_severity
from fazhi.store.tables import submission
from fazhi.validate import validate_slice

FOLDER = "folder"
PORTAL = "portal"
_SCHEDULED = ("scheduled", "asset_triggered")


def source_names(settings: Settings) -> list[str]:
    """The sources that are configured and therefore asked."""
    folder = [FOLDER] if settings.inbox.is_dir() or "default" not in settings.origins["inbox"] else []
    return [*folder, *([PORTAL] if settings.portal_url else [])]


def portal_client(settings: Settings) -> PortalClient:
    """The client of the configured portal.

    Raises:
        ConfigurationError: No portal is configured, or its address or token cannot be used.
    """
    if not settings.portal_url:
        raise ConfigurationError("报送门户没有配置：缺少 FAZHI_PORTAL_URL（或 Airflow 连接 fazhi_portal）")
    return PortalClient(settings.portal_url, settings.portal_token)


def collect(settings: Settings, year: int, source: str = FOLDER, progress: Progress | None = None) -> Counts:
    """Fetch what is new from one source into the raw store."""
    collect_from = {FOLDER: _collect_folder, PORTAL: _collect_portal}.get(source)
    if collect_from is None:
        raise UsageError(f"没有名为“{source}”的来源，只有 {FOLDER}（收件文件夹）和 {PORTAL}（报送门户）")
    counts = collect_from(settings, year, progress)
    return {
        "source": source,
        "found": counts.found,
        "new": counts.new,
        "known": counts.known,
        "problems": list(counts.problems),
    }


def _collect_folder(settings: Settings, year: int, progress: Progress | None) -> CollectCounts:
    if settings.origins["inbox"] != "default" and not settings.inbox.is_dir():
        raise Unreachable(f"收件文件夹 {settings.inbox} 不存在；如是共享目录，请检查是否已挂载")
    ground = Ground(settings)
    return collect_folder(
        ground.engine, ground.raw, settings.inbox, year, now=now_in_shanghai(), progress=progress
    )


def _collect_portal(settings: Settings, year: int, progress: Progress | None) -> CollectCounts:
    ground = Ground(settings)
    with portal_client(settings) as portal:
        return collect_portal(
            ground.engine, ground.raw, portal, year, progress=progress, now=now_in_shanghai()
        )


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
    """The regions (cities) whose units are assessed in a year.

    Raises:
        UsageError: No edition covers the year, or it has not begun.
    """
    ground = Ground(settings)
    ground.edition(year)
    return list(ground.registry.regions(year, now_in_shanghai().date()))


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


def tells_departments(year: int, *, push: bool, run_type: str) -> bool:
    """Whether a run tells departments what became of their submissions.

    Only a run that pushes does, and for a year before the current one only the nightly run: a backfill of
    prior years notifies nobody.
    """
    return push and (run_type in _SCHEDULED or year >= now_in_shanghai().year)


def report_back(settings: Settings, year: int, *, tell: bool) -> Counts:
    """Tell the portal what became of a year's submissions, each outcome once.

    Args:
        settings: The portal's address and token among them; without a portal there is nobody to tell.
        year: The assessment year.
        tell: Whether to tell, or only to count what would be told.
    """
    if not settings.portal_url:
        return {"configured": False, "pushed": False, "due": 0, "told": 0, "problems": []}
    ground = Ground(settings)
    with portal_client(settings) as portal:
        counts = tell_portal(
            ground.engine,
            portal if tell else None,
            year,
            _correction_lists(ground, year),
            now=now_in_shanghai(),
        )
    return {
        "configured": True,
        "pushed": tell,
        "due": counts.due,
        "told": counts.told,
        "already": counts.already,
        "waiting": counts.waiting,
        "outcomes": dict(counts.outcomes or {}),
        "problems": list(counts.problems),
    }


def _correction_lists(ground: Ground, year: int) -> CorrectionList:
    """The department's own workbook, marked, of any submission of the year."""
    now = now_in_shanghai()

    def of(submission_id: str, revision: int) -> bytes | None:
        with read(ground.engine) as connection:
            sent = connection.execute(
                select(submission.c.period, submission.c.sender_code).where(
                    submission.c.submission_id == submission_id, submission.c.revision == revision
                )
            ).one()
        return correction_list(
            ground.engine,
            ground.raw,
            ground.edition(year),
            ground.registry,
            submission_id,
            revision,
            contact=ground.settings.contact,
            due_zh=due_zh(ground, Period.parse(sent.period), now, sent.sender_code),
        )

    return of
