"""One alarm. In: its kind and what was found. Out: a record that says what, since when, whom it concerns, what to do."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fazhi.operations.limits import Kind

RUNBOOK = "docs/operations.zh-CN.md"


@dataclass(frozen=True)
class Alarm:
    """Something that does not move, or is broken.

    Attributes:
        id: Its kind, also the name of its steps in the runbook.
        subject: What it is about within its kind (a year, a region, a folder): with ``id`` it tells two alarms apart.
        severity: ``critical`` or ``warning``.
        title_zh: What the kind is called.
        what_zh: What was found.
        since: Since when, ISO 8601; empty where nobody can know.
        concerns_zh: Who has to act.
    """

    id: str
    subject: str
    severity: str
    title_zh: str
    what_zh: str
    since: str
    concerns_zh: str

    @property
    def key(self) -> str:
        """Tells it from every other alarm, and is the same as long as it stands."""
        return f"{self.id}/{self.subject}"

    @property
    def runbook(self) -> str:
        """Where the steps are."""
        return f"{RUNBOOK}#alarm-{self.id}"

    def to_json(self) -> dict[str, str]:
        """As plain data, the runbook with it."""
        return asdict(self) | {"runbook": self.runbook}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Alarm":
        """The alarm again."""
        return cls(**{name: str(data[name]) for name in cls.__dataclass_fields__})


def alarm(
    kind: Kind, what_zh: str, *, subject: str = "", since: datetime | str = "", concerns_zh: str = ""
) -> Alarm:
    """An alarm of a kind.

    Args:
        kind: Its kind.
        what_zh: What was found, a sentence without full stop.
        subject: What it is about within its kind.
        since: Since when.
        concerns_zh: Who has to act, where it is known by name; the kind's otherwise.
    """
    moment = since.isoformat(timespec="seconds") if isinstance(since, datetime) else since
    return Alarm(
        kind.id, subject, kind.severity.value, kind.title_zh, what_zh, moment, concerns_zh or kind.concerns_zh
    )
