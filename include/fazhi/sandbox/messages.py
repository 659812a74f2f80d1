"""What goes over a sandbox's socket. In: nothing. Out: a request and an answer as data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Request:
    """An HTTP request. ``target`` is the path with query as on the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path without query, still percent-encoded."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The last value of every query parameter."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; ``data`` becomes JSON unless it is bytes."""

    status: int
    data: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """What is sent."""
        if isinstance(self.data, bytes):
            return self.data
        return json.dumps(self.data, ensure_ascii=False).encode()

    @property
    def media_type(self) -> str:
        """What it is."""
        if isinstance(self.data, bytes):
            return "application/octet-stream"
        problem = self.status >= HTTPStatus.MULTIPLE_CHOICES
        return "application/problem+json" if problem else "application/json"


class RefusalError(Exception):
    """A request, or an item of a batch, that a sandbox does not take."""

    def __init__(
        self, status: int, title: str, detail: str = "", errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(title)
        self.status = status
        self.problem: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
        if detail:
            self.problem["detail"] = detail
        if errors:
            self.problem["errors"] = errors
