"""Digests of data. In: JSON-like data or bytes. Out: RFC 8785 bytes and lower-case SHA-256 hex."""

import hashlib
from typing import Any

import rfc8785


def canonical_bytes(data: Any) -> bytes:
    """``data`` as RFC 8785 canonical JSON (the platform's digest is taken over it)."""
    return rfc8785.dumps(data)


def sha256_hex(content: bytes) -> str:
    """SHA-256 of ``content``, lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def digest(data: Any) -> str:
    """SHA-256 (hex) of the canonical form of ``data``."""
    return sha256_hex(canonical_bytes(data))
