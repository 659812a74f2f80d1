"""What is past its keeping. In: settings, limits, a moment. Out: what would go, or has gone.

Only four kinds of files ever go: validation reports, task logs, what Great Expectations leaves behind, and old backups.
Raw files, the store, the audit chain, results and signatures are no part of it; a folder that holds one of them is
refused. Of the reports of a year the newest stays, and those that a signature stood on; of the backups the newest few.
Links are never followed.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url, select

from fazhi.model.errors import ConfigurationError
from fazhi.operations.limits import Limits, Retention
from fazhi.operations.machine import whole_backups
from fazhi.pipeline import Ground
from fazhi.settings import Settings
from fazhi.store import read
from fazhi.store.tables import final_outcome

KIND_ZH = {
    "reports": "核验报告",
    "task_logs": "任务日志",
    "validation_docs": "核验产物",
    "backups": "备份",
}
"""What each kind is called."""


@dataclass(frozen=True)
class Pruned:
    """One file or folder past its keeping: its kind, where, bytes, the moment it was last changed (ISO 8601)."""

    kind: str
    path: Path
    size: int
    changed_at: str


def prune(
    settings: Settings, now: datetime, *, task_logs: Path | None = None, apply: bool = False
) -> tuple[Pruned, ...]:
    """Find what is past its keeping; remove it only when told to.

    Args:
        settings: The settings.
        now: The present moment, with its offset.
        task_logs: The folder of Airflow's task logs; ``None`` leaves them alone.
        apply: Remove what was found; otherwise nothing is touched.

    Raises:
        ConfigurationError: The limits are faulty, or a folder to prune holds what must be kept.
    """
    limits = Limits.load(settings.limits_file)
    folders = {
        "reports": settings.reports_dir,
        "validation_docs": settings.gx_dir / "uncommitted",
        "backups": settings.backup_dir,
        **({"task_logs": task_logs} if task_logs is not None else {}),
    }
    _require_apart(settings, folders.values())
    found = (
        *_reports(settings, limits.retention["reports"], now),
        *_old_files("validation_docs", folders["validation_docs"], limits.retention["validation_docs"], now),
        *_backups(settings.backup_dir, limits.retention["backups"], now),
        *(_old_files("task_logs", task_logs, limits.retention["task_logs"], now) if task_logs else ()),
    )
    if apply:
        for one in found:
            _remove(one)
        for name in ("validation_docs", "task_logs"):
            _remove_empty_folders(folders.get(name))
    return found


def _require_apart(settings: Settings, folders: Collection[Path]) -> None:
    """No folder to prune may hold, or be, or lie in, what must stay."""
    kept = {
        "原始文件": _local(settings.raw_url),
        "登记": settings.registry_dir,
        "指标体系": settings.systems_dir,
    }
    store = make_url(settings.store_url)
    if store.get_backend_name() == "sqlite" and store.database:
        kept["数据库"] = Path(store.database)
    faults = [
        f"{folder} 含有{what}（{path}）"
        for folder in folders
        for what, path in kept.items()
        if path is not None and _overlap(folder.resolve(), path.resolve())
    ]
    if faults:
        raise ConfigurationError("要清理的文件夹与必须保留的内容重叠，什么也没有清理：", tuple(faults))


def _overlap(folder: Path, kept: Path) -> bool:
    return folder == kept or folder in kept.parents or (kept.is_dir() and kept in folder.parents)


def _local(raw_url: str) -> Path | None:
    scheme = urlsplit(raw_url).scheme
    return Path(raw_url.removeprefix("file://")) if len(scheme) <= 1 or scheme == "file" else None


def _reports(settings: Settings, retention: Retention, now: datetime) -> Iterator[Pruned]:
    old = list(_old_files("reports", settings.reports_dir, retention, now))
    kept = _reports_to_keep(settings) if old else frozenset()
    yield from (one for one in old if _stem(one.path) not in kept)


def _reports_to_keep(settings: Settings) -> frozenset[tuple[str, str]]:
    """Of each year the newest report, and the last one before each signature."""
    signed = select(final_outcome.c.year, final_outcome.c.decided_at).where(
        final_outcome.c.outcome == "signed"
    )
    with read(Ground(settings).engine) as connection:
        moments = [
            (str(year), datetime.fromisoformat(at).timestamp()) for year, at in connection.execute(signed)
        ]
    kept = set()
    files = sorted(settings.reports_dir.glob("*/*.html"))
    for year, of_year in groupby(files, key=lambda path: path.parent.name):
        by_age = sorted((path.stat().st_mtime, _stem(path)) for path in of_year)
        kept.add(by_age[-1][1])
        for moment in (at for signed_year, at in moments if signed_year == year):
            before = [stem for changed, stem in by_age if changed <= moment]
            kept.update(before[-1:])
    return frozenset(kept)


def _stem(path: Path) -> tuple[str, str]:
    """A report and the table of differences beside it belong together."""
    return path.parent.name, path.name.removesuffix("-differences.csv").removesuffix(".html")


def _backups(folder: Path, retention: Retention, now: datetime) -> Iterator[Pruned]:
    if folder.is_dir() and not os.access(folder, os.W_OK):
        return  # a worker sees the backups in order to watch them; whoever writes them prunes them
    by_age = sorted(whole_backups(folder), key=lambda one: one[1], reverse=True)
    for path, made_at in by_age[retention.keep :]:
        if now - made_at > timedelta(days=retention.days) and not path.is_symlink():
            yield Pruned("backups", path, sum(size for _, size, _ in _files(path)), made_at.isoformat())


def _old_files(kind: str, folder: Path, retention: Retention, now: datetime) -> Iterator[Pruned]:
    limit = (now - timedelta(days=retention.days)).timestamp()
    for path, size, changed in _files(folder):
        if changed < limit:
            moment = datetime.fromtimestamp(changed, now.tzinfo).isoformat(timespec="seconds")
            yield Pruned(kind, path, size, moment)


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Every file below a folder, links left out: path, bytes, when it was changed."""
    for root, folders, names in os.walk(folder, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(root) / name
            if not path.is_symlink() and path.is_file():
                about = path.stat()
                yield path, about.st_size, about.st_mtime


def _remove(one: Pruned) -> None:
    if one.kind == "backups":
        # out of sight first: half a backup must never look like a whole one
        going = one.path.with_name(f".{one.path.name}.going")
        one.path.rename(going)
        shutil.rmtree(going)
    else:
        one.path.unlink(missing_ok=True)


def _remove_empty_folders(folder: Path | None) -> None:
    if folder is None:
        return
    for root, _, _ in os.walk(folder, topdown=False):
        if Path(root) != folder and not any(Path(root).iterdir()):
            Path(root).rmdir()
