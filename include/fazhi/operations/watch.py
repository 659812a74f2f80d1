"""The watch. In: settings, a moment. Out: every alarm that stands, the urgent ones first.

Each check looks at one thing. A check that cannot be made is an alarm itself (``watch-incomplete``), and so is a
database that does not answer: a watch that fails silently is worse than none.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from sqlalchemy.exc import DBAPIError

from fazhi.model.errors import FazhiError, Unreachable
from fazhi.operations import machine, pushes, waiting
from fazhi.operations.alarm import Alarm, alarm
from fazhi.operations.limits import Limits, Severity
from fazhi.pipeline import Ground
from fazhi.settings import Settings

Check = Callable[[Ground, Limits, datetime], Iterator[Alarm]]

CHECKS: Mapping[str, Check] = {
    "夜间执行": pushes.nights,
    "报送": waiting.submissions,
    "单位的申请": waiting.requests,
    "考评依据的变更": waiting.ground_changes,
    "年度最终结果": waiting.years,
    "推送": pushes.outbox_rows,
    "告知报送门户": pushes.reports_to_portal,
    "备份": machine.backups,
    "审计链": machine.audit_chain,
    "磁盘": machine.disks,
}
"""Every check by its name."""


def raised(settings: Settings, now: datetime) -> tuple[Alarm, ...]:
    """Look at everything.

    Args:
        settings: The settings.
        now: The present moment, with its offset.

    Raises:
        ConfigurationError: The limits are faulty.
    """
    limits = Limits.load(settings.limits_file)
    ground = Ground(settings)
    found: dict[str, Alarm] = {}
    for name, check in CHECKS.items():
        for one in _made(name, check, ground, limits, now):
            found[one.key] = one
    return tuple(sorted(found.values(), key=lambda one: (one.severity != Severity.CRITICAL, one.key)))


def _made(name: str, check: Check, ground: Ground, limits: Limits, now: datetime) -> list[Alarm]:
    try:
        return list(check(ground, limits, now))
    except DBAPIError as failure:
        reason = str(failure.orig).strip().splitlines()[:1]
        return [alarm(limits.kinds["store-unreachable"], f"数据库不应答：{''.join(reason)}")]
    except Unreachable as failure:  # the checks ask nothing but the store
        return [alarm(limits.kinds["store-unreachable"], str(failure))]
    except (FazhiError, OSError) as failure:
        what = f"“{name}”没有检查成：{failure}"
        return [alarm(limits.kinds["watch-incomplete"], what, subject=name)]


__all__ = ["CHECKS", "Alarm", "Check", "raised"]
