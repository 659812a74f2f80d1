"""Misbehaviour on demand. In: faults asked for. Out: the fault that the next matching request meets.

A fault strikes before the platform has looked at the request, or after it has stored it: the client cannot
tell which.
"""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """Answer with ``status`` instead (429 and 503 carry ``Retry-After``; 3xx carry ``Location``)."""
    CUT = "cut"
    """Close the connection without an answer."""
    TRUNCATE = "truncate"
    """Send half of the answer, then close the connection."""
    GARBLE = "garble"
    """Answer 200 with something that is not JSON."""
    DELAY = "delay"
    """Wait ``seconds``, then go on as usual."""
    LIE = "lie"
    """Answer with wrong digests."""
    DAMAGE = "damage"
    """Portal: change one byte of a file on its way."""
    DUPLICATE = "duplicate"
    """Portal: give the last item of a page again on the next one."""
    LATE = "late"
    """Portal: leave the newest item out of the list."""


class Moment(StrEnum):
    """When it goes wrong."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True)
class Fault:
    """One fault and how often it strikes.

    Attributes:
        kind: What goes wrong.
        moment: Before or after the request is stored; wrong and cut-off answers always come after.
        path: Text that the request's path contains; every path when empty.
        method: HTTP method; every method when empty.
        times: How many requests it strikes.
        status: For ``status``.
        retry_after: Seconds, for 429 and 503; no header when ``None``.
        seconds: For ``delay``.
        location: For redirects.
    """

    kind: FaultKind
    moment: Moment = Moment.BEFORE
    path: str = ""
    method: str = ""
    times: int = 1
    status: int = 503
    retry_after: int | None = 0
    seconds: float = 0.0
    location: str = ""

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Fault":
        """Read a fault that came over the control route.

        Raises:
            ValueError: An unknown word.
            TypeError: An unknown key.
        """
        words = {"kind": FaultKind(data["kind"]), "moment": Moment(data.get("moment", "before"))}
        return cls(**{**data, **words})

    def strikes(self, method: str, path: str) -> bool:
        """Whether a request meets this fault."""
        return self.times > 0 and self.method in ("", method) and self.path in path


class Faults:
    """The faults still to come, first asked for first met."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._coming: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Ask for a fault."""
        with self._lock:
            self._coming.append(fault)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._coming.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, counted down."""
        with self._lock:
            for place, fault in enumerate(self._coming):
                if fault.strikes(method, path):
                    self._coming[place] = replace(fault, times=fault.times - 1)
                    return fault
        return None
