"""How an outside system is asked. In: one attempt and a policy. Out: its answer, or why there was none.

What every client of an outside system needs alike: an address that is checked once, the wait that 429 and 503
ask for, attempts that are repeated only where waiting can help, answers that are read within limits of size
and time, and the reason of a failure in words without the request's particulars.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception
from urllib3 import exceptions as wire  # what requests raises from a body that is read as it arrives

from fazhi.model.errors import ConfigurationError, Unreachable

Answer = TypeVar("Answer")

_MOST_ATTEMPTS = 20
"""Times the policy's attempts: so often is a transfer that always gets a little further tried in all."""

_LARGEST_ANSWER_BYTES = 32 * 1024 * 1024
_PIECE_BYTES = 64 * 1024
_MOST_WAIT_DIGITS = 9


@dataclass(frozen=True)
class RetryPolicy:
    """How long to insist.

    Attributes:
        attempts: How often in a row a request is tried that gets no further.
        first_wait: Seconds before the second attempt; doubled each time when the other side names no time.
        longest_wait: Seconds; a system that asks for more is left alone until the next run.
        connect_timeout: Seconds to wait for a connection.
        read_timeout: Seconds to wait for an answer, or for more of it.
        longest_answer: Seconds that the whole of one answer may take once it has begun.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    longest_answer: float = 300.0

    @property
    def timeouts(self) -> tuple[float, float]:
        """Both time-outs, as ``requests`` takes them."""
        return self.connect_timeout, self.read_timeout


class NotNowError(Exception):
    """This attempt led to nothing; another one may.

    Attributes:
        reason: Why, in Chinese.
        retry_after: Seconds that the other side asks to be left alone.
        progressed: Whether the attempt got further than the one before (a transfer that can be resumed).
    """

    def __init__(self, reason: str, retry_after: int | None = None, *, progressed: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after
        self.progressed = progressed


class TooSlowError(NotNowError):
    """An answer that kept coming, but would not end in time."""


def insist(
    attempt: Callable[[], Answer],
    policy: RetryPolicy,
    sleep: Callable[[float], None],
    *,
    who: str,
    consolation: str,
) -> Answer:
    """Try until there is an answer, within the policy.

    Args:
        attempt: One attempt; raises ``NotNowError`` where another one may help.
        policy: How long to insist.
        sleep: Waits for seconds.
        who: The system asked, for the message.
        consolation: What became of the work, for the message.

    Raises:
        Unreachable: There was no answer.
    """
    without_progress = 0

    def progressed(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        return isinstance(error, NotNowError) and error.progressed

    def enough(state: RetryCallState) -> bool:
        nonlocal without_progress
        without_progress = 0 if progressed(state) else without_progress + 1
        return without_progress >= policy.attempts or state.attempt_number >= _MOST_ATTEMPTS * policy.attempts

    def worth_waiting(error: BaseException) -> bool:
        return isinstance(error, NotNowError) and (error.retry_after or 0) <= policy.longest_wait

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, NotNowError) and error.retry_after is not None:
            return float(error.retry_after)
        # tenacity asks for the wait before it asks whether it is enough: this attempt is not counted yet
        doublings = 0 if progressed(state) else without_progress
        return min(policy.first_wait * 2.0**doublings, policy.longest_wait)

    retrying = Retrying(
        stop=enough, wait=wait, retry=retry_if_exception(worth_waiting), sleep=sleep, reraise=True
    )
    try:
        return retrying(attempt)
    except NotNowError as error:
        tried = retrying.statistics.get("attempt_number", 1)
        raise Unreachable(f"{who}暂时无法使用：{error.reason}；共尝试{tried}次。{consolation}") from None


def checked_base(url: str, what: str) -> str:
    """The address without its last slash.

    Args:
        url: The address as configured.
        what: What is there, for the message.

    Raises:
        ConfigurationError: It is no plain http(s) address of a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{what}的地址不可用：应以 http:// 或 https:// 开头并写明主机")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{what}的地址不可用：不得带用户名、密码、参数或片段")
    return url.rstrip("/")


def retry_after(response: requests.Response) -> int | None:
    """The seconds that an answer asks to be left alone, ``None`` when it names none (RFC 9110, 10.2.3)."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        return int(digits) if len(digits) <= _MOST_WAIT_DIGITS else 10**_MOST_WAIT_DIGITS
    moment = http_moment(text)
    return None if moment is None else max(0, round((moment - datetime.now(UTC)).total_seconds()))


def http_moment(text: str) -> datetime | None:
    """The moment that a header names, ``None`` when it names none that can be read."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def arriving(response: requests.Response, until: float, clock: Callable[[], float]) -> Iterator[bytes]:
    """The body of a streamed answer as it arrives, so that one that only drips is noticed.

    Args:
        response: An answer whose body was not read yet.
        until: When the last of it must have come, by ``clock``.
        clock: Seconds of a clock that only goes on.

    Raises:
        TooSlowError: It was not whole by then.
        NotNowError: It broke off, or cannot be unpacked.
    """
    try:
        while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
            yield piece
            if clock() > until:
                raise TooSlowError("应答传送过慢，没有传完")
    except wire.HTTPError as error:
        raise NotNowError(reason_of(error)) from None


def whole_answer(response: requests.Response, policy: RetryPolicy, clock: Callable[[], float]) -> bytes:
    """The body of a streamed answer, neither longer nor later than an answer may be.

    Raises:
        NotNowError: It is too large or too slow, or broke off.
    """
    content = bytearray()
    for piece in arriving(response, clock() + policy.longest_answer, clock):
        content += piece
        if len(content) > _LARGEST_ANSWER_BYTES:
            raise NotNowError("应答过大，没有读完")
    return bytes(content)


def json_of(content: bytes) -> Any:
    """An answer's JSON, ``None`` where it is none that can be read."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):  # also digits without end, and nesting without end
        return None


def reason_of(error: requests.RequestException | wire.HTTPError) -> str:
    """What happened on the way, without the request's particulars."""
    for kind, reason in (
        (requests.exceptions.SSLError, "TLS 证书校验未通过"),
        (requests.exceptions.ConnectTimeout, "连接超时"),
        (requests.exceptions.ReadTimeout, "等待应答超时"),
        (requests.exceptions.ChunkedEncodingError, "应答中途断开"),
        (requests.exceptions.ContentDecodingError, "应答的压缩格式已损坏"),
        (requests.exceptions.ConnectionError, "连接不上或连接中断"),
        (wire.ReadTimeoutError, "等待应答超时"),
        (wire.DecodeError, "应答的压缩格式已损坏"),
        (wire.ProtocolError, "应答中途断开"),
    ):
        if isinstance(error, kind):
            return reason
    return f"请求未能完成（{type(error).__name__}）"
