"""The limits of the watch. In: ``limits.yaml``. Out: kinds of alarms and keeping times, checked whole.

A limit that is missing, negative or of an unknown kind stops the watch with every fault named: an alarm that was
switched off by a slip of the pen would be noticed too late.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

from fazhi.model.errors import ConfigurationError


class Severity(StrEnum):
    """How soon somebody has to act."""

    CRITICAL = "critical"
    """Now: the run of the watch shows as failed."""
    WARNING = "warning"
    """Today."""


SEVERITY_ZH = {Severity.CRITICAL: "立即处理", Severity.WARNING: "当日处理"}

ALARMS: Mapping[str, str] = {
    "task-failed": "",
    "night-missing": "hours",
    "submission-unread": "hours",
    "submission-waiting": "days",
    "submission-overdue": "days",
    "correction-overdue": "days",
    "request-waiting": "days",
    "ground-waiting": "days",
    "year-overdue": "",
    "outbox-waiting": "hours",
    "outbox-refused": "hours",
    "report-untold": "hours",
    "backup-old": "hours",
    "audit-broken": "",
    "disk-low": "percent_free",
    "store-unreachable": "",
    "watch-incomplete": "",
}
"""Every kind of alarm and the limit that it needs."""

KEPT: Mapping[str, tuple[str, ...]] = {
    "reports": ("days",),
    "task_logs": ("days",),
    "validation_docs": ("days",),
    "backups": ("days", "keep"),
    "metadata": ("days",),
}
"""What is kept for a time, and the limits that it needs."""


@dataclass(frozen=True)
class Kind:
    """One kind of alarm. ``limit`` is in the unit that ``ALARMS`` names, 0 where there is none."""

    id: str
    severity: Severity
    title_zh: str
    concerns_zh: str
    limit: float

    @property
    def patience(self) -> timedelta:
        """How long something may stand before it is an alarm."""
        return (
            timedelta(**{ALARMS[self.id]: self.limit})
            if ALARMS[self.id] in ("hours", "days")
            else timedelta()
        )


@dataclass(frozen=True)
class Retention:
    """How long something is kept: days, and how many of the newest whatever their age."""

    days: int
    keep: int = 0


@dataclass(frozen=True)
class Limits:
    """All limits."""

    kinds: Mapping[str, Kind]
    remind_after: timedelta
    retention: Mapping[str, Retention]

    @classmethod
    def load(cls, file: Path) -> "Limits":
        """Read the limits.

        Raises:
            ConfigurationError: The file cannot be read, or anything in it is missing, unknown or out of range.
        """
        try:
            data = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as failure:
            raise ConfigurationError(f"限额文件 {file} 不能读取") from failure
        data = data if isinstance(data, dict) else {}
        faults = [*_faults_of_alarms(data.get("alarms")), *_faults_of_kept(data.get("retention"))]
        if not _is_number(data.get("remind_after_hours")):
            faults.append("remind_after_hours 应为正数")
        if faults:
            raise ConfigurationError(f"限额文件 {file} 有错误：", tuple(faults))
        return cls(
            kinds={name: _kind(name, row) for name, row in data["alarms"].items()},
            remind_after=timedelta(hours=float(data["remind_after_hours"])),
            retention={
                name: Retention(int(row["days"]), int(row.get("keep", 0)))
                for name, row in data["retention"].items()
            },
        )


def _kind(name: str, row: Mapping[str, Any]) -> Kind:
    limit = float(row[ALARMS[name]]) if ALARMS[name] else 0.0
    return Kind(name, Severity(row["severity"]), row["title"], row["concerns"], limit)


def _faults_of_alarms(rows: Any) -> list[str]:
    if not isinstance(rows, dict):
        return ["没有 alarms"]
    faults = [f"alarms 缺少 {name}" for name in ALARMS if name not in rows]
    for name, row in rows.items():
        if name not in ALARMS:
            faults.append(f"没有 {name} 这种告警")
            continue
        wanted = {"severity", "title", "concerns", *filter(None, (ALARMS[name],))}
        if not isinstance(row, dict) or set(row) != wanted:
            faults.append(f"{name} 应有且只有 {'、'.join(sorted(wanted))}")
            continue
        if row["severity"] not in tuple(Severity):
            faults.append(f"{name} 的 severity 只能是 {'、'.join(Severity)}")
        if ALARMS[name] and not _is_number(row[ALARMS[name]]):
            faults.append(f"{name} 的 {ALARMS[name]} 应为正数")
    return faults


def _faults_of_kept(rows: Any) -> list[str]:
    if not isinstance(rows, dict) or set(rows) != set(KEPT):
        return [f"retention 应有且只有 {'、'.join(KEPT)}"]
    return [
        f"retention 的 {name} 应有且只有 {'、'.join(KEPT[name])}，均为正整数"
        for name, row in rows.items()
        if not isinstance(row, dict)
        or set(row) != set(KEPT[name])
        or not all(_is_number(value) and isinstance(value, int) for value in row.values())
    ]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
