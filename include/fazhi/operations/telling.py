"""What to tell of alarms, and when again. In: the alarms that stand, what was told. Out: what is news, in Chinese words.

An alarm is told when it appears, again after a while as long as it stands, and once more when it is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fazhi.operations.alarm import Alarm
from fazhi.operations.limits import SEVERITY_ZH, Severity


@dataclass(frozen=True)
class Told:
    """What a round has to tell, and what is to be remembered for the next one.

    Attributes:
        new: Alarms that appeared or are due for a reminder.
        over: Keys of alarms that were told and no longer stand.
        memory: Key → when it was told last (ISO 8601).
    """

    new: tuple[Alarm, ...]
    over: tuple[str, ...]
    memory: Mapping[str, str]

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.new and not self.over


def news(alarms: Iterable[Alarm], memory: Mapping[str, str], now: datetime, remind_after: timedelta) -> Told:
    """What of the alarms is news.

    Args:
        alarms: Those that stand.
        memory: What the round before left to remember.
        now: The present moment.
        remind_after: After how long a standing alarm is told again.
    """
    standing = {one.key: one for one in alarms}
    due = {
        key
        for key in standing
        if key not in memory or now - datetime.fromisoformat(memory[key]) >= remind_after
    }
    moment = now.isoformat(timespec="seconds")
    return Told(
        new=tuple(one for key, one in standing.items() if key in due),
        over=tuple(sorted(set(memory) - set(standing))),
        memory={key: moment if key in due else memory[key] for key in standing},
    )


def in_words(new: Sequence[Alarm], over: Sequence[str] = ()) -> tuple[str, str]:
    """Subject and text of a message, for people."""
    urgent = sum(one.severity == Severity.CRITICAL for one in new)
    counts = [f"{len(new)} 项告警" if new else "", f"{urgent} 项须立即处理" if urgent else ""]
    counts.append(f"{len(over)} 项已解除" if over else "")
    lines: list[str] = []
    for one in new:
        lines += [
            f"【{SEVERITY_ZH[Severity(one.severity)]}】{one.title_zh}（{one.id}）",
            f"  情况：{one.what_zh}",
            f"  开始：{one.since or '不详'}",
            f"  责任：{one.concerns_zh}",
            f"  处理：{one.runbook}",
        ]
    lines += [f"【已解除】{key}" for key in over]
    return "法治政府建设考评：" + "，".join(filter(None, counts)), "\n".join(lines)
