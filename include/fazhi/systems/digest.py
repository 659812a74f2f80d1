"""The digest of an edition. In: a loaded edition. Out: SHA-256 hex over its content in RFC 8785 form.

Taken over what the files mean, so row order, white space, line endings, quoting and number style (``1`` or
``1.0``) do not matter, and every change that a person could see or a score could feel does.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Any

from fazhi.model.canonical import digest
from fazhi.model.exact import plain
from fazhi.systems.edition import Edition


def edition_digest(edition: Edition) -> str:
    """SHA-256 (lower-case hex) over everything the edition says; its own ``digest`` is left out."""
    content = {
        item.name: canonical(getattr(edition, item.name)) for item in fields(edition) if item.name != "digest"
    }
    return digest(content)


def canonical(value: Any) -> Any:
    """Records as JSON-like data: exact numbers as plain decimal text, sets sorted, days in ISO form.

    Raises:
        TypeError: A kind of value that no edition holds.
    """
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Fraction):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {"" if key is None else str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(canonical(item) for item in value)
    if isinstance(value, (tuple, list)):
        return [canonical(item) for item in value]
    if is_dataclass(value):
        return {item.name: canonical(getattr(value, item.name)) for item in fields(value)}
    raise TypeError(f"no canonical form for {type(value).__name__}")
