"""A sandbox on a socket. In: HTTP requests, faults asked for. Out: honest answers, or a fault in their place."""

import json
import socket
import sys
import threading
import time
from abc import ABC, abstractmethod
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from fazhi.sandbox.faults import Fault, FaultKind, Faults, Moment
from fazhi.sandbox.messages import Answer, Request

_LARGEST_BODY = 64 * 1024 * 1024
CONTROL = "/_sandbox/"
_PLAYED_BY_ITSELF = frozenset({FaultKind.LIE, FaultKind.DAMAGE, FaultKind.DUPLICATE, FaultKind.LATE})
_NEEDS_THE_ANSWER = _PLAYED_BY_ITSELF | {FaultKind.TRUNCATE}


class Listener(ABC):
    """A running sandbox; a context manager for tests, ``serve_forever`` for a process.

    Args:
        host: Address to listen on.
        port: Port to listen on, 0 for a free one.
        control: Whether the control routes under ``/_sandbox/`` exist.
    """

    def __init__(self, *, host: str, port: int, control: bool) -> None:
        self.faults = Faults()
        self.requests: list[tuple[str, str, int]] = []
        """(method, path with query, status) of the requests; status 0 when cut before any answer."""
        self.control = control
        self.closed = False
        self._server = _Server((host, port), self)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        host, port = self._server.server_address[:2]
        return f"http://{host if isinstance(host, str) else host.decode()}:{port}"

    @abstractmethod
    def handle(self, request: Request) -> Answer:
        """Answer a request honestly."""

    @abstractmethod
    def lie(self, fault: Fault, honest: Answer, request: Request) -> Answer:
        """Answer wrongly, as a fault asks that is about what is said and not about the way."""

    def set(self, request: Request) -> Answer | None:
        """Answer a control route of its own, ``None`` for one that it does not have.

        Raises:
            KeyError: A word is missing.
            TypeError: An unknown word.
            ValueError: An unusable value.
        """
        return None

    def serve_forever(self) -> None:
        """Answer until ``shutdown``."""
        self._server.serve_forever(poll_interval=0.05)

    def shutdown(self) -> None:
        """End ``serve_forever``; to be called from another thread."""
        self._server.shutdown()

    def close(self) -> None:
        """Close the socket."""
        self.closed = True
        self._server.server_close()

    def start(self) -> None:
        """Answer in a thread of its own."""
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End what ``start`` began, and close."""
        self.shutdown()
        if self._thread is not None:
            self._thread.join()
        self.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def handle_control(self, request: Request) -> Answer:
        """Answer a control route."""
        try:
            own = self.set(request)
            if own is not None:
                return own
            if (request.method, request.path) == ("POST", CONTROL + "faults"):
                self.faults.add(Fault.from_json(json.loads(request.body)))
            elif (request.method, request.path) == ("DELETE", CONTROL + "faults"):
                self.faults.clear()
            elif (request.method, request.path) == ("GET", CONTROL + "requests"):
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

    def __init__(self, address: tuple[str, int], listener: Listener) -> None:
        self.listener = listener
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or is still there after the end, is nobody's fault; the rest is shown."""
        if not (self.listener.closed or isinstance(sys.exc_info()[1], ConnectionError)):
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
        listener = self.server.listener
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _LARGEST_BODY or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._send(_busy_or_problem(413, None))
            return
        headers = {name.title(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(int(length)))
        if listener.control and request.path.startswith(CONTROL):
            self._send(listener.handle_control(request))
            return
        self._answer_or_fail(request, listener.faults.take(request.method, request.target))

    def _answer_or_fail(self, request: Request, fault: Fault | None) -> None:
        listener = self.server.listener
        if fault is None:
            self._send(listener.handle(request))
        elif fault.kind is FaultKind.DELAY and fault.moment is Moment.BEFORE:
            time.sleep(fault.seconds)
            self._send(listener.handle(request))
        elif fault.moment is Moment.BEFORE and fault.kind not in _NEEDS_THE_ANSWER:
            self._fail(fault, Answer(200, {}))
        elif fault.kind in _PLAYED_BY_ITSELF:
            self._send(listener.lie(fault, listener.handle(request), request))
        else:
            self._fail(fault, listener.handle(request))

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
            content = honest.content
            headers = {**honest.headers, "Content-Length": str(len(content))}
            self._write(honest.status, content[: len(content) // 2], headers)
            self._cut()
        else:
            time.sleep(fault.seconds)
            self._send(honest)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, answer: Answer) -> None:
        self._write(answer.status, answer.content, {"Content-Type": answer.media_type, **answer.headers})

    def _write(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self._record(status)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _record(self, status: int) -> None:
        if not self.path.startswith(CONTROL):
            self.server.listener.requests.append((self.command, self.path, status))


def _busy_or_problem(status: int, retry_after: int | None, location: str = "") -> Answer:
    headers = {"Location": location} if location else {}
    if retry_after is not None and status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(retry_after)
    return Answer(
        status, {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}, headers
    )
