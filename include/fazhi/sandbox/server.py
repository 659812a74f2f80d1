"""The sandbox platform on a socket. In: HTTP requests, faults asked for. Out: its answers, or a fault.

>>> with SandboxPlatform(app_id="demo", secret="…") as platform:
...     platform.url, platform.faults.add(Fault(FaultKind.CUT, Moment.AFTER))

Control routes exist only when asked for (``control=True``) and are meant for loopback:
``POST /_sandbox/faults`` (a fault as JSON), ``DELETE /_sandbox/faults``, ``PUT /_sandbox/years/2024``
(``{"status": "open" | "sealed" | "absent", "minimum_share": "0.10"}``), ``GET /_sandbox/requests``.
"""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fazhi.sandbox.faults import Fault, FaultKind
from fazhi.sandbox.listener import CONTROL, Listener
from fazhi.sandbox.messages import Answer, Request
from fazhi.sandbox.service import ABSENT, PlatformService
from fazhi.sandbox.state import State


class SandboxPlatform(Listener):
    """A running platform.

    Args:
        app_id: The application that may ask.
        secret: Its secret.
        state: SQLite file that survives restarts; ``None`` forgets at the end.
        host: Address to listen on.
        port: Port to listen on, 0 for a free one.
        minimum_share: Of every year that was not set otherwise.
        control: Whether the control routes exist.
        clock: Seconds since the epoch, as the platform sees them.
    """

    def __init__(
        self,
        *,
        app_id: str,
        secret: str,
        state: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        minimum_share: str = "0.10",
        control: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = State(state or ":memory:")
        self._minimum_share = minimum_share
        self.service = PlatformService(
            self._state, app_id=app_id, secret=secret, minimum_share=minimum_share, clock=clock
        )
        super().__init__(host=host, port=port, control=control)

    def set_year(self, year: int, status: str = "open", minimum_share: str | None = None) -> None:
        """Open, seal or remove (``absent``) a year, and set its minimum share.

        Raises:
            ValueError: Another status.
        """
        if status not in ("open", "sealed", ABSENT):
            raise ValueError(f"unknown status of a year: {status!r}")
        self._state.set_year(year, status, minimum_share or self._minimum_share)

    def stored(self, year: int) -> list[tuple[str, int, str]]:
        """(unit_code, version, digest) of everything ever stored for the year."""
        return self._state.every_version(year)

    def forget(self, year: int, unit_code: str) -> None:
        """Lose a unit's results, as a platform restored from an old backup does."""
        self._state.forget(year, unit_code)

    def close(self) -> None:
        """Close socket and state."""
        super().close()
        self._state.close()

    def handle(self, request: Request) -> Answer:
        """Answer by the contract."""
        return self.service.handle(request)

    def lie(self, fault: Fault, honest: Answer, request: Request) -> Answer:
        """Answer with wrong digests.

        Raises:
            ValueError: A fault that only a portal has.
        """
        if fault.kind is not FaultKind.LIE:
            raise ValueError(f"a platform has no fault {fault.kind.value!r}")
        return Answer(honest.status, _with_wrong_digests(honest.data), honest.headers)

    def set(self, request: Request) -> Answer | None:
        """Set a year."""
        year = re.fullmatch(CONTROL + r"years/([0-9]{4})", request.path)
        if request.method != "PUT" or year is None:
            return None
        self.set_year(int(year[1]), **json.loads(request.body))
        return Answer(200, {})


def _with_wrong_digests(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            key: "0" * 64 if key == "digest" else _with_wrong_digests(value) for key, value in data.items()
        }
    if isinstance(data, list):
        return [_with_wrong_digests(item) for item in data]
    return data
