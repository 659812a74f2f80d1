"""The platform's client. In: settings, results as canonical JSON. Out: its answers, or ``Unreachable``.

Talks to the configured host alone: no proxy from the environment, no redirect followed. After 429, 5xx,
time-outs, cut connections and unusable answers it asks again, as often as ``RetryPolicy`` says and no sooner
than ``Retry-After``; every other refusal comes back at once. Everything that is sent is safe to repeat, and
every attempt is signed anew, since the platform takes a nonce only once.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import requests

from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import ConfigurationError, SystemFault, Unreachable
from fazhi.publish import answers
from fazhi.publish.answers import AssessmentYear, Held, ItemAnswer, StoredResult, UnusableAnswerError
from fazhi.publish.signing import Signer
from fazhi.transport import (
    NotNowError,
    RetryPolicy,
    checked_base,
    http_moment,
    insist,
    json_of,
    reason_of,
    retry_after,
    whole_answer,
)

LARGEST_BATCH = 500
_PAGE = 1000
_ALLOWED_SKEW_SECONDS = 300
_BATCH_REFUSALS = (413, 422)

Read = TypeVar("Read")


class BatchRefusedError(Exception):
    """The platform refused a batch as a whole; its parts may pass."""


class _Sessions:
    """One session a thread: ``requests`` does not promise that threads may share one."""

    def __init__(self, new: Callable[[], requests.Session]) -> None:
        self._new = new
        self._here = threading.local()
        self._all: list[requests.Session] = []

    def of_this_thread(self) -> requests.Session:
        session: requests.Session | None = getattr(self._here, "session", None)
        if session is None:
            session = self._here.session = self._new()
            session.trust_env = False
            self._all.append(session)
        return session

    def close(self) -> None:
        for session in self._all:
            session.close()


class PlatformClient:
    """A client of one assessment platform that threads may share; a context manager that closes its connections.

    Args:
        url: Where the platform is, e.g. ``https://platform.example``.
        app_id: The application as the platform knows it.
        secret: Its secret; it appears in no message.
        alg: ``hmac-sha256`` or ``hmac-sm3``.
        retry: How long to insist.
        clock: Seconds since the epoch.
        sleep: Waits for seconds.
        new_session: Opens a session for a thread.

    Raises:
        ConfigurationError: The address or the signature settings cannot be used.
    """

    def __init__(
        self,
        url: str,
        app_id: str,
        secret: str,
        alg: str = "hmac-sha256",
        *,
        retry: RetryPolicy | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        new_session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        self._base = checked_base(url, "考评平台")
        self._host = urlsplit(self._base).netloc
        self._signer = Signer(app_id, secret, alg)
        self._retry = retry or RetryPolicy()
        self._clock = clock
        self._sleep = sleep
        self._sessions = _Sessions(new_session)

    def __repr__(self) -> str:
        return f"PlatformClient({self._host!r}, {self._signer!r})"

    def __enter__(self) -> "PlatformClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._sessions.close()

    def assessment_year(self, year: int) -> AssessmentYear | None:
        """The state of a year, ``None`` if the platform does not know it.

        Raises:
            Unreachable: The platform could not be reached, or never answered usably.
            ConfigurationError: It does not take our signature, or sends us elsewhere.
            SystemFault: It refused the request as wrong.
        """
        return self._get(f"/v1/assessments/{year}", lambda data: answers.read_year(data, year))

    def stored_result(self, year: int, unit_code: str) -> StoredResult | None:
        """The newest stored result of a unit, ``None`` if there is none. Raises as ``assessment_year``."""
        return self._get(f"/v1/assessments/{year}/results/{quote(unit_code)}", answers.read_stored)

    def year_digest(self, year: int) -> tuple[int, str]:
        """Count and digest of what the platform holds for a year. Raises as ``assessment_year``."""
        return self._must_get(f"/v1/assessments/{year}/digest", answers.read_digest)

    def held_results(self, year: int) -> Iterator[tuple[str, Held]]:
        """Unit code with version and digest of everything the platform holds for a year, page by page.

        Raises as ``assessment_year``; also ``Unreachable`` when the pages come round in a circle.
        """
        cursor, seen = None, set[str]()
        while True:
            query = urlencode({"limit": _PAGE} | ({"cursor": cursor} if cursor else {}))
            held, cursor = self._must_get(f"/v1/assessments/{year}/results?{query}", answers.read_page)
            yield from held.items()
            if cursor is None:
                return
            if cursor in seen:
                raise Unreachable(
                    f"考评平台（{self._host}）的结果清单翻页出现循环，无法核对；下次运行会重新核对"
                )
            seen.add(cursor)

    def put_result(self, year: int, unit_code: str, body: bytes, idempotency_key: str) -> ItemAnswer:
        """Store one result. Raises ``Unreachable`` and ``ConfigurationError`` as ``assessment_year``."""
        path = f"/v1/assessments/{year}/results/{quote(unit_code)}"
        return self._exchange(
            "PUT",
            path,
            body=body,
            key=idempotency_key,
            read=lambda status, data: answers.read_item(status, data, data),
        )

    def post_batch(self, year: int, results: Sequence[tuple[str, bytes]]) -> list[ItemAnswer]:
        """Store up to 500 results, given as unit code and canonical JSON; the answers are in the same order.

        Raises:
            BatchRefusedError: The batch as a whole is too large or not acceptable.
            Unreachable: As ``assessment_year``.
            ConfigurationError: As ``assessment_year``.
            SystemFault: As ``assessment_year``.
        """
        body = b'{"results":[' + b",".join(result for _, result in results) + b"]}"
        unit_codes = [unit_code for unit_code, _ in results]

        def read(status: int, data: Any) -> list[ItemAnswer]:
            if status in _BATCH_REFUSALS:
                raise BatchRefusedError(answers.problem_text(status, data))
            self._require_ok(status, data)
            return answers.read_items(data, unit_codes)

        path = f"/v1/assessments/{year}/results:batch"
        return self._exchange("POST", path, body=body, key=sha256_hex(body), read=read)

    def _get(self, path: str, read: Callable[[Any], Read]) -> Read | None:
        def read_if_there(status: int, data: Any) -> Read | None:
            if status == requests.codes.not_found:
                return None
            self._require_ok(status, data)
            return read(data)

        return self._exchange("GET", path, read=read_if_there)

    def _must_get(self, path: str, read: Callable[[Any], Read]) -> Read:
        def read_ok(status: int, data: Any) -> Read:
            self._require_ok(status, data)
            return read(data)

        return self._exchange("GET", path, read=read_ok)

    def _require_ok(self, status: int, data: Any) -> None:
        if status != requests.codes.ok:
            raise SystemFault(f"考评平台（{self._host}）不接受这项请求：{answers.problem_text(status, data)}")

    def _exchange(
        self, method: str, path: str, *, read: Callable[[int, Any], Read], body: bytes = b"", key: str = ""
    ) -> Read:
        """Ask until there is a usable answer, within the retry policy."""
        return insist(
            lambda: self._attempt(method, path, body, key, read),
            self._retry,
            self._sleep,
            who=f"考评平台（{self._host}）",
            consolation="尚未确认的得分仍在待推送队列中，没有丢失，下次运行会继续",
        )

    def _attempt(
        self, method: str, path: str, body: bytes, key: str, read: Callable[[int, Any], Read]
    ) -> Read:
        with self._send(method, path, body, key) as response:
            data = json_of(whole_answer(response, self._retry, time.monotonic))
        self._require_answer(response, data)
        try:
            return read(response.status_code, data)
        except UnusableAnswerError as error:
            raise NotNowError(str(error)) from None

    def _send(self, method: str, path: str, body: bytes, key: str) -> requests.Response:
        headers = {"Accept": "application/json, application/problem+json"}
        if body:
            headers |= {"Content-Type": "application/json", "Idempotency-Key": key}
        session = self._sessions.of_this_thread()
        request = session.prepare_request(
            requests.Request(method, self._base + path, headers=headers, data=body or None)
        )
        nonce = secrets.token_hex(16)
        timestamp = int(self._clock())
        request.headers.update(
            self._signer.headers(method, request.path_url, body, timestamp=timestamp, nonce=nonce)
        )
        try:
            return session.send(request, timeout=self._retry.timeouts, allow_redirects=False, stream=True)
        except requests.RequestException as error:
            raise NotNowError(reason_of(error)) from None

    def _require_answer(self, response: requests.Response, data: Any) -> None:
        """Stop where the answer is about the way and not about the request."""
        status = response.status_code
        if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
            raise NotNowError(f"平台答复 {status}", retry_after(response))
        if requests.codes.multiple_choices <= status < requests.codes.bad_request:
            raise ConfigurationError(
                f"考评平台（{self._host}）要求转到别的地址（答复 {status}），未跟随：请核对配置的平台地址"
            )
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            said = answers.problem_text(status, data)
            raise ConfigurationError(
                f"考评平台（{self._host}）不认可我方签名：{said}。请核对应用标识、密钥、签名算法和本机时钟"
                + self._skew(response)
            )

    def _skew(self, response: requests.Response) -> str:
        platform_time = http_moment(response.headers.get("Date", ""))
        if platform_time is None:
            return ""
        seconds = round(self._clock() - platform_time.timestamp())
        if abs(seconds) <= _ALLOWED_SKEW_SECONDS:
            return ""
        return f"（本机时钟比平台{'快' if seconds > 0 else '慢'}{abs(seconds)}秒）"
