"""Long lists page by page. In: rows in the order of a key, a cursor. Out: one page, and the cursor of the next.

A cursor is the key of the last row shown, written so that nobody reads meaning into it. A page is found by its key in
an index and never by counting rows, so the last page costs what the first does.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from fazhi.model.errors import UsageError

PAGE_SIZE = 50
"""Rows on one page."""

_NO_TEXT = re.compile("[\0\ud800-\udfff]")

Row = TypeVar("Row")
Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """One page of a list; ``next`` is the cursor of the page after it, ``None`` on the last."""

    rows: tuple[Row, ...]
    next: str | None = None


@dataclass(frozen=True)
class Bounded:
    """A count that stops at a bound: 1000 and more are ``1000+``."""

    counted: int
    bound: int

    @property
    def whole(self) -> bool:
        """Whether everything was counted."""
        return self.counted < self.bound

    def __str__(self) -> str:
        return str(self.counted) if self.whole else f"{self.bound}+"


def sliced(rows: Sequence[Row], key: Callable[[Row], Key], size: int = PAGE_SIZE) -> Slice[Row]:
    """One page of rows of which one more than a page was asked for.

    Args:
        rows: At most ``size + 1`` rows, in the order of their keys.
        key: What the order is by, unique for each row.
        size: Rows on a page.
    """
    shown = tuple(rows[:size])
    return Slice(shown, cursor_of(key(shown[-1])) if len(rows) > size else None)


def cursor_of(key: Key) -> str:
    """The cursor of a key: safe in an address."""
    text = json.dumps(list(key), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def key_of(cursor: str | None, kinds: tuple[type, ...]) -> Key | None:
    """The key of a cursor; ``None`` for no cursor.

    Args:
        cursor: As ``cursor_of`` made it, or as somebody typed it.
        kinds: The types that the key's parts must have.

    Raises:
        UsageError: The cursor is none of ours.
    """
    if not cursor:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        parts = None
    if not isinstance(parts, list) or [type(part) for part in parts] != list(kinds) or not _storable(parts):
        raise UsageError("翻页位置无效，请从第一页重新打开")
    return tuple(parts)


def _storable(parts: Sequence[object]) -> bool:
    """Whether a database takes the parts: whole numbers of 64 bits, texts without NUL or halves of characters."""
    return all(
        abs(part) < 2**63 if isinstance(part, int) else _NO_TEXT.search(str(part)) is None for part in parts
    )
