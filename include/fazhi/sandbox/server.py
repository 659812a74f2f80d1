"""The sandbox platform on a socket. In: HTTP requests, faults asked for. Out: its answers, or a fault.

>>> with SandboxPlatform(app_id="demo", secret="…") as platform:
...     platform.url, platform.faults.add(Fault(FaultKind.CUT, Moment.AFTER))

Control routes exist only when asked for (``control=True``) and are meant for loopback:
``POST /_sandbox/faults`` (a fault as JSON), ``DELETE /_sandbox/faults``, ``PUT /_sandbox/years/2024``
(``{"status": "open" | "sealed" | "absent", "minimum_share": "0.10"}``), ``GET /_sandbox/requests``.
"""

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from fazhi.sandbox.faults import Fault, FaultKind, Faults, Moment
from fazhi.sandbox.service import ABSENT, Answer, PlatformService, Request
from fazhi.sandbox.state import State

_LARGEST_BODY = 64 * 1024 * 1024
_CONTROL = "/_sandbox/"


class SandboxPlatform:
    """A running platform; a context manager for tests, ``serve_forever`` for a process.

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
        self.faults = Faults()
        self.requests: list[tuple[str, str, int]] = []
        """(method, path with query, status) of the requests; status 0 when cut before any answer."""
        self._state = State(state or ":memory:")
        self._minimum_share = minimum_share
        self.service = PlatformService(
            self._state, app_id=app_id, secret=secret, minimum_share=minimum_share, clock=clock
        )
        self.control = control
        self.closed = False
        self._server = _Server((host, port), self)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the platform answers."""
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

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

    def serve_forever(self) -> None:
        """Answer until ``shutdown``."""
        self._server.serve_forever(poll_interval=0.05)

    def shutdown(self) -> None:
        """End ``serve_forever``; to be called from another thread."""
        self._server.shutdown()

    def close(self) -> None:
        """Close socket and state."""
        self.closed = True
        self._server.server_close()
        self._state.close()

    def __enter__(self) -> "SandboxPlatform":
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        if self._thread is not None:
            self._thread.join()
        self.close()

    def handle_control(self, request: Request) -> Answer:
        """Answer a control route."""
        year = re.fullmatch(_CONTROL + r"years/([0-9]{4})", request.path)
        try:
            if request.method == "PUT" and year is not None:
                self.set_year(int(year[1]), **json.loads(request.body))
            elif (request.method, request.path) == ("POST", _CONTROL + "faults"):
                self.faults.add(Fault.from_json(json.loads(request.body)))
            elif (request.method, request.path) == ("DELETE", _CONTROL + "faults"):
                self.faults.clear()
            elif (request.method, request.path) == ("GET", _CONTROL + "requests"):
                return Answer(200, {"requests": self.requests})
            else:
                return Answer(404, {"type": "about:blank", "title": "没有这个地址", "status": 404})
        except (KeyError, TypeError, ValueError) as error:
            return Answer(422, {"type": "about:blank", "title": str(error), "status": 422})
        return Answer(200, {})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, address: tuple[str, int], platform: SandboxPlatform) -> None:
        self.platform = platform
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or is still there after the end, is nobody's fault; the rest is shown."""
        if not (self.platform.closed or isinstance(sys.exc_info()[1], ConnectionError)):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "fazhi-sandbox"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        self._exchange()

    do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr: ``requests`` keeps the log."""

    def _exchange(self) -> None:
        platform = self.server.platform
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(_busy_or_problem(413, None))
            return
        headers = {name.title(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(int(length)))
        if platform.control and request.path.startswith(_CONTROL):
            self._send(platform.handle_control(request))
            return
        self._answer_or_fail(request, platform.faults.take(request.method, request.target))

    def _answer_or_fail(self, request: Request, fault: Fault | None) -> None:
        service = self.server.platform.service
        if fault is None:
            self._send(service.handle(request))
        elif fault.kind is FaultKind.DELAY and fault.moment is Moment.BEFORE:
            time.sleep(fault.seconds)
            self._send(service.handle(request))
        elif fault.moment is Moment.BEFORE and fault.kind not in (FaultKind.LIE, FaultKind.TRUNCATE):
            self._fail(fault, Answer(200, {}))
        else:
            self._fail(fault, service.handle(request))

    def _fail(self, fault: Fault, honest: Answer) -> None:
        """Misbehave in the place of an honest answer."""
        if fault.kind is FaultKind.CUT:
            self._record(0)
            self._cut()
        elif fault.kind is FaultKind.STATUS:
            self._send(_busy_or_problem(fault.status, fault.retry_after, fault.location))
        elif fault.kind is FaultKind.GARBLE:
            self._write(200, b"<html>gateway</html>", {"Content-Type": "text/html"})
        elif fault.kind is FaultKind.TRUNCATE:
            content = _encoded(honest.data)
            self._write(honest.status, content[: len(content) // 2], {"Content-Length": str(len(content))})
            self._cut()
        elif fault.kind is FaultKind.DELAY:
            time.sleep(fault.seconds)
            self._send(honest)
        else:
            self._send(Answer(honest.status, _with_wrong_digests(honest.data), honest.headers))

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, answer: Answer) -> None:
        kind = (
            "application/json" if answer.status < HTTPStatus.MULTIPLE_CHOICES else "application/problem+json"
        )
        self._write(answer.status, _encoded(answer.data), {"Content-Type": kind, **answer.headers})

    def _write(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self._record(status)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _record(self, status: int) -> None:
        if not self.path.startswith(_CONTROL):
            self.server.platform.requests.append((self.command, self.path, status))


def _busy_or_problem(status: int, retry_after: int | None, location: str = "") -> Answer:
    headers = {"Location": location} if location else {}
    if retry_after is not None and status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(retry_after)
    return Answer(
        status, {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}, headers
    )


def _encoded(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode()


def _with_wrong_digests(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            key: "0" * 64 if key == "digest" else _with_wrong_digests(value) for key, value in data.items()
        }
    if isinstance(data, list):
        return [_with_wrong_digests(item) for item in data]
    return data
