"""The compound file (OLE2) around an xls. In: bytes. Out: names of its streams and their contents.

Every chain of sectors is followed at most as long as the file has sectors, so that no loop in a damaged or
hostile file is endless.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from typing import Any

from fazhi.sheets.refusal import DamagedError

_END = 0xFFFFFFFA
"""Sector numbers from here on end a chain."""

_HEADER_BYTES = 512
_ENTRY_BYTES = 128
_DIFAT_IN_HEADER = 109
_ROOT, _STREAM = 5, 2


@dataclass(frozen=True)
class _Entry:
    kind: int
    start: int
    size: int


def fields(form: str, content: bytes, position: int = 0) -> tuple[Any, ...]:
    """The fields of a record, by their form as ``struct`` writes it.

    Raises:
        DamagedError: The record ends before they do.
    """
    try:
        return struct.unpack_from(form, content, position)
    except struct.error as cut:
        raise DamagedError from cut


class CompoundFile:
    """An open compound file."""

    def __init__(self, content: bytes) -> None:
        """Open it.

        Raises:
            DamagedError: It is damaged.
        """
        self._content = content
        shift, mini_shift = fields("<HH", content, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise DamagedError
        self._sector = 1 << shift
        self._sectors = len(content) // self._sector + 1
        directory, _, self._cutoff, mini_table = fields("<4I", content, 48)
        self._table = self._allocation()
        self._entries: dict[str, _Entry] = {}
        self._mini_container = b""
        self._read_directory(self._chain(directory, self._table))
        self._mini_table = _numbers(self._chain(mini_table, self._table))

    @property
    def names(self) -> frozenset[str]:
        """Names of all streams and storages, of every depth."""
        return frozenset(self._entries)

    def stream(self, name: str) -> bytes | None:
        """The content of a stream, ``None`` when there is none of the name.

        Raises:
            DamagedError: It is damaged.
        """
        entry = self._entries.get(name)
        if entry is None or entry.kind != _STREAM:
            return None
        if entry.size >= self._cutoff:
            return self._chain(entry.start, self._table)[: entry.size]
        return self._mini_chain(entry.start)[: entry.size]

    def _allocation(self) -> array[int]:
        """The table that says which sector follows which."""
        listed = list(fields(f"<{_DIFAT_IN_HEADER}I", self._content, 76))
        following = fields("<I", self._content, 68)[0]
        per_sector = self._sector // 4
        for _ in range(self._sectors // per_sector + 1):
            if following >= _END:
                break
            more = fields(f"<{per_sector}I", self._at(following))
            listed += more[:-1]
            following = more[-1]
        most = self._sectors // per_sector + 1
        return _numbers(b"".join(self._at(sector) for sector in listed[:most] if sector < _END))

    def _at(self, sector: int) -> bytes:
        start = (sector + 1) * self._sector
        content = self._content[start : start + self._sector]
        if not content:
            raise DamagedError
        return content.ljust(self._sector, b"\x00")

    def _chain(self, sector: int, table: array[int]) -> bytes:
        pieces: list[bytes] = []
        while sector < _END:
            if len(pieces) > self._sectors or sector >= len(table):
                raise DamagedError
            pieces.append(self._at(sector))
            sector = table[sector]
        return b"".join(pieces)

    def _mini_chain(self, sector: int) -> bytes:
        pieces: list[bytes] = []
        while sector < _END:
            if len(pieces) * 64 > len(self._mini_container) or sector >= len(self._mini_table):
                raise DamagedError
            pieces.append(self._mini_container[sector * 64 : sector * 64 + 64])
            sector = self._mini_table[sector]
        return b"".join(pieces)

    def _read_directory(self, directory: bytes) -> None:
        for start in range(0, len(directory) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            raw = directory[start : start + _ENTRY_BYTES]
            length, kind = fields("<HB", raw, 64)
            first, size = fields("<II", raw, 116)
            name = raw[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            if kind == _ROOT:
                self._mini_container = self._chain(first, self._table)[:size]
            elif kind:
                self._entries.setdefault(name, _Entry(kind, first, size))


def _numbers(content: bytes) -> array[int]:
    numbers = array("I")
    numbers.frombytes(content[: len(content) // 4 * 4])
    return numbers
