"""Lists in slices. In: rows in the order of a key. Out: at most a page of them, and where the next page begins.

A cursor is the key of the last row shown, so that a page costs the same wherever it is and a row that appears or
goes meanwhile neither repeats nor hides another one. It is text for an address and is not trusted when it comes back.
"""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fazhi.model.errors import UsageError

PAGE = 50
Key = tuple[str | int, ...]
Row = TypeVar("Row")


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """A page of a list; ``next`` is the cursor of the page behind it, ``None`` at the end."""

    rows: tuple[Row, ...]
    next: str | None = None


def cursor_of(key: Key) -> str:
    """A key as text for an address."""
    return base64.urlsafe_b64encode(json.dumps(key, ensure_ascii=False).encode()).decode().rstrip("=")


def key_of(cursor: str | None, *kinds: type) -> Key | None:
    """The key in a cursor, ``None`` for the first page.

    Raises:
        UsageError: It is no cursor of a key whose parts are of these kinds.
    """
    if not cursor:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, UnicodeError, ValueError):
        parts = None
    if not _is_key(parts, kinds):
        raise UsageError("翻页的位置无法识别，请从第一页重新打开")
    return tuple(parts)


def _is_key(parts: object, kinds: Sequence[type]) -> bool:
    return (
        isinstance(parts, list)
        and len(parts) == len(kinds)
        and all(type(part) is kind for part, kind in zip(parts, kinds, strict=True))
        and all(not isinstance(part, int) or abs(part) < 2**63 for part in parts)
    )
