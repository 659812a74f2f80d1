"""The portal's client. In: address and token, what is asked. Out: its answers, or why there are none.

Keeps to submission-portal.openapi.yaml. Talks to the configured host alone: no proxy from the environment, no
redirect followed. What cannot be reached is asked again as ``fazhi.transport`` says; a transfer that was cut
goes on where it stopped (Range); a file whose SHA-256 differs from its name is fetched again from its start.
Nothing of an answer is believed unread, and none is read beyond its limit.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import requests

from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import ConfigurationError, SystemFault, Unreachable
from fazhi.transport import (
    NotNowError,
    RetryPolicy,
    TooSlowError,
    arriving,
    checked_base,
    insist,
    json_of,
    reason_of,
    retry_after,
    whole_answer,
)

PAGE = 200
LARGEST_FILE_BYTES = 200 * 1024 * 1024
_DAMAGED_TRIES = 3
_LONGEST_TRANSFER = 600.0
_LONGEST_PROBLEM = 200
_NOTHING_LOST = "已收取的报送没有丢失，下次运行会继续"

Read = TypeVar("Read")


class FileUnavailableError(Exception):
    """The portal will not give a file, however often it is asked; the message says why, in Chinese."""


class FileDamagedError(FileUnavailableError):
    """Every copy that arrived was damaged; another day may bring a whole one."""


@dataclass(frozen=True)
class Page:
    """A page of the portal's list: its items as they came, and where the next page begins."""

    items: tuple[Any, ...]
    next_cursor: str | None


class PortalClient:
    """A client of one portal; a context manager that closes its connections.

    Args:
        url: Where the portal is, e.g. ``https://portal.example``.
        token: The bearer token; it appears in no message.
        retry: How long to insist.
        sleep: Waits for seconds.
        clock: Seconds of a clock that only goes on.
        largest_file: Bytes; a larger file is not fetched.

    Raises:
        ConfigurationError: Address or token cannot be used.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        largest_file: int = LARGEST_FILE_BYTES,
    ) -> None:
        self.origin = checked_base(url, "报送门户")
        self._host = urlsplit(self.origin).netloc
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigurationError(
                "报送门户的令牌缺失或不可用（FAZHI_PORTAL_TOKEN 或 Airflow 连接 fazhi_portal 的密码）"
            )
        self._retry = retry or RetryPolicy()
        self._sleep = sleep
        self._clock = clock
        self.largest_file = largest_file
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update({"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})

    def __repr__(self) -> str:
        return f"PortalClient({self._host!r})"

    def __enter__(self) -> "PortalClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def pages(self, year: int, updated_after: str | None) -> Iterator[Page]:
        """The portal's list of a year, page by page, oldest update first.

        Args:
            year: The assessment year.
            updated_after: Only what was updated later; everything when ``None``.

        Raises:
            Unreachable: The portal could not be reached, never answered usably, or its pages go in a circle.
            ConfigurationError: It refuses the token, or sends us elsewhere.
            SystemFault: It refuses the request as wrong.
        """
        query = {"year": str(year), "limit": str(PAGE)}
        if updated_after is not None:
            query["updated_after"] = updated_after
        cursor, seen = None, set[str]()
        while True:
            page = self._page(query | ({"cursor": cursor} if cursor is not None else {}))
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise Unreachable(f"报送门户（{self._host}）的清单翻页出现循环，无法读完；{_NOTHING_LOST}")
            seen.add(cursor)

    def file(self, sha256: str) -> bytes:
        """The file of a digest, whole and undamaged.

        Raises:
            FileUnavailableError: It is gone or too large.
            FileDamagedError: Every copy that arrived had another SHA-256.
            Unreachable: As ``pages``.
            ConfigurationError: As ``pages``.
        """
        for _ in range(_DAMAGED_TRIES):
            content = self._transferred(sha256)
            if sha256_hex(content) == sha256:
                return content
        raise FileDamagedError(
            f"取回的内容与所记的 SHA-256 不符（共取{_DAMAGED_TRIES}次，传输受损），下次再试"
        )

    def upload(self, content: bytes) -> str:
        """Store a file at the portal and give the SHA-256 under which it is there.

        Raises as ``pages``.
        """

        def read(status: int, data: Any) -> str:
            self._require(requests.codes.created, status, data)
            if not isinstance(data, dict) or data.get("sha256") != sha256_hex(content):
                raise NotNowError("门户收到的文件与送出的不符")
            return sha256_hex(content)

        return self._exchange("POST", "/v1/files", "application/octet-stream", content, read)

    def put_review(self, submission_id: str, body: bytes) -> bool:
        """Tell what became of a submission; ``False`` when the portal does not know it.

        Args:
            submission_id: The portal's id.
            body: The review as JSON.

        Raises as ``pages``.
        """
        if submission_id in (".", ".."):  # would be resolved into another address, percent-encoded or not
            return False

        def read(status: int, data: Any) -> bool:
            if status == requests.codes.not_found:
                return False
            self._require(requests.codes.ok, status, data)
            return True

        path = f"/v1/submissions/{quote(submission_id, safe='')}/review"
        return self._exchange("PUT", path, "application/json", body, read)

    def _page(self, query: dict[str, str]) -> Page:
        def read(status: int, data: Any) -> Page:
            self._require(requests.codes.ok, status, data)
            return _page_of(data)

        return self._exchange("GET", f"/v1/submissions?{urlencode(query)}", "", b"", read)

    # --- one exchange

    def _exchange(
        self, method: str, path: str, kind: str, body: bytes, read: Callable[[int, Any], Read]
    ) -> Read:
        def attempt() -> Read:
            headers = {"Accept": "application/json"} | ({"Content-Type": kind} if kind else {})
            with self._send(method, path, headers, body) as response:
                self._require_answer(response)
                content = whole_answer(response, self._retry, self._clock)
                return read(response.status_code, json_of(content))

        return self._insist(attempt)

    def _insist(self, attempt: Callable[[], Read]) -> Read:
        return insist(
            attempt, self._retry, self._sleep, who=f"报送门户（{self._host}）", consolation=_NOTHING_LOST
        )

    def _send(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> requests.Response:
        try:
            return self._session.request(
                method,
                self.origin + path,
                headers=headers,
                data=body or None,
                timeout=self._retry.timeouts,
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise NotNowError(reason_of(error)) from None

    def _require_answer(self, response: requests.Response) -> None:
        """Stop where the answer is about the way and not about the request."""
        status = response.status_code
        if status == requests.codes.too_many_requests or status >= requests.codes.server_error:
            raise NotNowError(f"门户答复 {status}", retry_after(response))
        if requests.codes.multiple_choices <= status < requests.codes.bad_request:
            raise ConfigurationError(
                f"报送门户（{self._host}）要求转到别的地址（答复 {status}），未跟随：请核对配置的门户地址"
            )
        if status in (requests.codes.unauthorized, requests.codes.forbidden):
            raise ConfigurationError(
                f"报送门户（{self._host}）不认可我方令牌（答复 {status}）。"
                "请核对 FAZHI_PORTAL_TOKEN 或 Airflow 连接 fazhi_portal 的密码"
            )

    def _require(self, expected: int, status: int, data: Any) -> None:
        if status != expected:
            raise SystemFault(f"报送门户（{self._host}）不接受这项请求：答复 {status} {_said(data)}".rstrip())

    # --- files

    def _transferred(self, sha256: str) -> bytes:
        """What arrives under a digest, put together from as many transfers as it takes."""
        content = bytearray()
        deadline = self._clock() + _LONGEST_TRANSFER

        def attempt() -> None:
            before = len(content)
            try:
                self._transfer(sha256, content, deadline)
            except NotNowError as error:
                moved = len(content) > before
                raise NotNowError(error.reason, error.retry_after, progressed=moved) from None

        self._insist(attempt)
        return bytes(content)

    def _transfer(self, sha256: str, content: bytearray, deadline: float) -> None:
        """Add what one request brings; start anew where the portal does not go on at the right place."""
        headers = {"Range": f"bytes={len(content)}-"} if content else {}
        with self._send("GET", f"/v1/files/{sha256}", headers) as response:
            self._require_answer(response)
            self._require_file(response.status_code)
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                content.clear()
                raise NotNowError("门户不能接着传送")
            if content and not _goes_on_at(response, len(content)):
                content.clear()
            try:
                for piece in arriving(response, deadline, self._clock):
                    content += piece
                    if len(content) > self.largest_file:
                        raise FileUnavailableError(f"文件超过{self.largest_file}字节的上限，未收取")
            except TooSlowError:
                raise FileDamagedError("传送过慢，没有传完，下次再试") from None

    @staticmethod
    def _require_file(status: int) -> None:
        passing = (
            requests.codes.ok,
            requests.codes.partial_content,
            requests.codes.requested_range_not_satisfiable,
        )
        if status == requests.codes.not_found:
            raise FileUnavailableError("门户上已没有这个文件（答复 404）")
        if status not in passing:
            raise FileUnavailableError(f"门户不给出这个文件（答复 {status}）")


def _goes_on_at(response: requests.Response, place: int) -> bool:
    if response.status_code != requests.codes.partial_content:
        return False
    named = re.fullmatch(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)", response.headers.get("Content-Range", ""))
    return named is not None and int(named[1]) == place


def _page_of(data: Any) -> Page:
    items = data.get("items") if isinstance(data, dict) else None
    if not isinstance(items, list):
        raise NotNowError("门户的清单不是约定的形式")
    cursor = data.get("next_cursor")
    if not (cursor is None or (isinstance(cursor, str) and cursor)):
        raise NotNowError("门户清单的翻页标记不是约定的形式")
    return Page(tuple(items), cursor)


def _said(data: Any) -> str:
    """What the portal gives as its reason, one short printable line."""
    found = next(
        (
            str(data[name])
            for name in ("detail", "title", "message")
            if isinstance(data, dict) and name in data
        ),
        "",
    )
    return "".join(sign for sign in found if sign.isprintable())[:_LONGEST_PROBLEM]
