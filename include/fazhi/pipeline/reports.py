"""The step that tells people: the validation report of a run. In: settings and a year. Out: a file, and its path."""

from pathlib import Path

from fazhi.model.canonical import sha256_hex
from fazhi.pipeline.ground import Counts, Ground, now_in_shanghai
from fazhi.settings import Settings
from fazhi.validate.report import write_report


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
