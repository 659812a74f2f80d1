"""The steps on submissions: collect, intake, validate. In: settings and a year. Out: committed rows, and counts."""

from fazhi.collect import collect_folder
from fazhi.intake import parse_slice
from fazhi.model.errors import Unreachable, UsageError
from fazhi.pipeline.ground import Counts, Ground, Progress, now_in_shanghai
from fazhi.settings import Settings
from fazhi.store import read
from fazhi.store.findings import counts_by_severity
from fazhi.validate import validate_slice

FOLDER = "folder"


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
