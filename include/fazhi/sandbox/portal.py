"""The sandbox portal on a socket. In: HTTP requests, faults asked for. Out: its answers, or a fault.

Keeps submission-portal.openapi.yaml and nothing beyond it, with misbehaviour on demand.

>>> with SandboxPortal(token="…", folder=Path("out/submissions")) as portal:
...     portal.url, portal.faults.add(Fault(FaultKind.DAMAGE, path="/v1/files/"))

With ``control=True`` it has the control routes of the sandbox platform but the years, and
``GET /_sandbox/reviews``.
"""

import base64
import binascii
import hmac
import json
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fazhi.sandbox import contract
from fazhi.sandbox.faults import Fault, FaultKind
from fazhi.sandbox.listener import CONTROL, Listener
from fazhi.sandbox.messages import Answer, RefusalError, Request
from fazhi.sandbox.shelf import Shelf, Shelved

_DEFAULT_PAGE, _LARGEST_PAGE = 100, 200
_LIST = "/v1/submissions"
_FILES = "/v1/files"


class SandboxPortal(Listener):
    """A running portal.

    Args:
        token: The bearer token that it takes.
        folder: Submissions to list (``fazhi synth`` writes such a folder); ``shelf.add`` adds others.
        state: SQLite file that keeps uploads and reviews; ``None`` forgets them at the end.
        host: Address to listen on.
        port: Port to listen on, 0 for a free one.
        control: Whether the control routes exist.
    """

    def __init__(
        self,
        *,
        token: str,
        folder: Path | None = None,
        state: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        control: bool = False,
    ) -> None:
        self._token = token
        self.shelf = Shelf(state, folder)
        super().__init__(host=host, port=port, control=control)

    def close(self) -> None:
        """Close socket and state."""
        super().close()
        self.shelf.close()

    def handle(self, request: Request) -> Answer:
        """Answer by the contract."""
        try:
            self._authorise(request)
            return self._routed(request)
        except RefusalError as refusal:
            return Answer(refusal.status, refusal.problem)

    def lie(self, fault: Fault, honest: Answer, request: Request) -> Answer:
        """Damage a file, give an item twice, or leave the newest one out.

        Raises:
            ValueError: A fault that only a platform has.
        """
        if fault.kind is FaultKind.DAMAGE:
            return Answer(honest.status, _with_one_byte_changed(honest.content), honest.headers)
        if fault.kind is FaultKind.DUPLICATE:
            return self._answered(request, again=1)
        if fault.kind is FaultKind.LATE:
            return self._answered(request, late=1)
        raise ValueError(f"a portal has no fault {fault.kind.value!r}")

    def set(self, request: Request) -> Answer | None:
        """Show what departments were told."""
        if (request.method, request.path) != ("GET", CONTROL + "reviews"):
            return None
        told = [{"submission_id": name, "review": review} for name, review in self.shelf.reviews()]
        return Answer(200, {"reviews": told})

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            raise RefusalError(401, "令牌不被认可")

    def _routed(self, request: Request) -> Answer:
        file = re.fullmatch(_FILES + "/([0-9a-f]{64})", request.path)
        review = re.fullmatch(_LIST + "/([^/]+)/review", request.path)
        if (request.method, request.path) == ("GET", _LIST):
            return self._answered(request)
        if (request.method, request.path) == ("POST", _FILES):
            return Answer(201, {"sha256": self.shelf.upload(request.body)})
        if request.method == "GET" and file is not None:
            return self._file(file[1], request.headers.get("Range", ""))
        if request.method == "PUT" and review is not None:
            return self._review(unquote(review[1]), request.body)
        raise RefusalError(404, "没有这个地址", request.path)

    # --- the list

    def _answered(self, request: Request, *, again: int = 0, late: int = 0) -> Answer:
        """A page of the list; ``again`` items of the page before come again, ``late`` ones do not show yet."""
        try:
            wanted = _wanted(self.shelf.listed(), request.query)
            place, limit = _place(request.query.get("cursor")), _limit(request.query.get("limit"))
        except ValueError as error:
            raise RefusalError(400, "查询参数不可用", str(error)) from error
        wanted = wanted[: len(wanted) - late]
        first = max(0, place - again) if place else 0
        page = wanted[first : place + limit]
        following = place + limit
        return Answer(
            200,
            {
                "items": [dict(shelved.item) for shelved in page],
                "next_cursor": _cursor(following) if following < len(wanted) else None,
            },
        )

    # --- files and reviews

    def _file(self, sha256: str, asked: str) -> Answer:
        content = self.shelf.file(sha256)
        if content is None:
            raise RefusalError(404, "没有这个文件", sha256)
        span = re.fullmatch("bytes=([0-9]+)-([0-9]*)", asked)
        if span is None:
            return Answer(200, content, {"Accept-Ranges": "bytes"})
        first = int(span[1])
        last = min(int(span[2]) if span[2] else len(content) - 1, len(content) - 1)
        if first > last:
            return Answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
        return Answer(
            206, content[first : last + 1], {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        )

    def _review(self, submission_id: str, body: bytes) -> Answer:
        if not self.shelf.knows(submission_id):
            raise RefusalError(404, "没有这份报送", submission_id)
        try:
            data = json.loads(body)
        except ValueError as error:
            raise RefusalError(422, "内容不是 JSON") from error
        errors = contract.review_faults(data)
        if errors:
            raise RefusalError(422, "审核结果不符合接口约定", errors=errors)
        self.shelf.review(submission_id, body)
        return Answer(200, {})


def _wanted(listed: Sequence[Shelved], query: dict[str, str]) -> list[Shelved]:
    year = int(query["year"]) if "year" in query else None
    after = datetime.fromisoformat(query["updated_after"]) if "updated_after" in query else None
    if after is not None and after.tzinfo is None:
        raise ValueError("updated_after 应带时区")
    return [
        one
        for one in listed
        if (year is None or one.item.get("year") == year) and (after is None or one.at > after)
    ]


def _limit(text: str | None) -> int:
    limit = _DEFAULT_PAGE if text is None else int(text)
    if not 1 <= limit <= _LARGEST_PAGE:
        raise ValueError(f"limit 为 1 至 {_LARGEST_PAGE}")
    return limit


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(str(place).encode()).decode()


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return int(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True))
    except binascii.Error as error:
        raise ValueError("cursor 不可用") from error


def _with_one_byte_changed(content: bytes) -> Any:
    if not content:
        return b"\0"
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
