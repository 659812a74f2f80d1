"""What the host has to give: backups, an unbroken chain, room. In: the ground, limits, a moment. Out: alarms."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from fazhi.audit import read_heads, verify
from fazhi.operations.alarm import Alarm, alarm
from fazhi.operations.limits import Limits
from fazhi.pipeline import Ground
from fazhi.services.backup import MANIFEST
from fazhi.settings import Settings

_FAULTS_NAMED = 3
_GIB = 1 << 30


def backups(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Whether the newest whole backup is young enough."""
    kind = limits.kinds["backup-old"]
    folder = ground.settings.backup_dir
    newest = max((made_at for _, made_at in whole_backups(folder)), default=None)
    if newest is None:
        yield alarm(kind, f"{folder} 中没有完整的备份", subject=str(folder))
    elif now - newest > kind.patience:
        what = f"{folder} 中最新的备份已超过 {kind.limit:g} 小时"
        yield alarm(kind, what, subject=str(folder), since=newest)


def whole_backups(folder: Path) -> Iterator[tuple[Path, datetime]]:
    """The backups that were finished, each with its moment; what has no readable manifest is none."""
    for manifest in sorted(folder.glob(f"[!.]*/{MANIFEST}")):
        try:
            made_at = datetime.fromisoformat(json.loads(manifest.read_text(encoding="utf-8"))["made_at"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if made_at.tzinfo is not None:
            yield manifest.parent, made_at


def audit_chain(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Whether the audit chain is whole, also against the heads kept off the host where they can be read."""
    heads = read_heads(ground.settings.audit_heads) if ground.settings.audit_heads is not None else ()
    found = verify(ground.engine, heads)
    if found.faults:
        told = "；".join(fault.message_zh for fault in found.faults[:_FAULTS_NAMED])
        more = f" 等共 {len(found.faults)} 处" if len(found.faults) > _FAULTS_NAMED else ""
        yield alarm(limits.kinds["audit-broken"], f"审计链有问题：{told}{more}", since="")


def disks(ground: Ground, limits: Limits, now: datetime) -> Iterator[Alarm]:
    """Whether the file systems that we write to have room; each is told once."""
    kind = limits.kinds["disk-low"]
    seen: set[int] = set()
    for what, folder in _folders(ground.settings):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        device = there.stat().st_dev
        if device in seen:
            continue
        seen.add(device)
        usage = shutil.disk_usage(there)
        free = 100 * usage.free / usage.total
        if free < kind.limit:
            told = f"{what}所在的磁盘（{there}）只剩 {free:.1f}%，即 {usage.free / _GIB:.1f} GiB"
            yield alarm(kind, told, subject=str(folder))


def _folders(settings: Settings) -> Iterator[tuple[str, Path]]:
    store = make_url(settings.store_url)
    if store.get_backend_name() == "sqlite" and store.database:
        yield "数据库", Path(store.database).resolve().parent
    if len(urlsplit(settings.raw_url).scheme) <= 1:
        yield "原始文件", Path(settings.raw_url).resolve()
    yield "核验报告", settings.reports_dir.resolve()
    yield "备份", settings.backup_dir.resolve()
