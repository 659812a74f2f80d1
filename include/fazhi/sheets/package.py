"""The zip package of a workbook, opened under limits. In: bytes. Out: its parts one by one, or the fault.

Guards against archives that unpack to far more than they are and against compression methods whose memory
the archive itself chooses.
"""

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, wraps
from types import MappingProxyType
from typing import Any, TypeVar, cast

from fazhi.sheets import limits
from fazhi.sheets.markup import scan
from fazhi.sheets.refusal import DamagedError, RefusedError, encrypted, suspicious

_ZIP_RAISES = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    NotImplementedError,  # a version or a packing that it does not know
    OverflowError,  # an entry that claims to lie further away than can be counted
    LookupError,
    ValueError,
)
"""What ``zipfile`` raises over damaged bytes in memory; only its own calls stand under it."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENTRY = b"PK\x01\x02"
"""Begins every entry of a central directory, so that counting it bounds their number before they are read."""

_TEMPLATES = 64
_PART_OF_A_TEMPLATE = 65_536
_Reader = TypeVar("_Reader", bound=Callable[..., Any])


def of_templates(read: _Reader) -> _Reader:
    """Let a reader of small parts remember what it found, which nobody may change.

    Departments fill in the same few templates: what surrounds their sheets is the same bytes, and was a tenth of what
    there is to read.
    """
    seen = lru_cache(maxsize=_TEMPLATES)(read)

    @wraps(read)
    def remembered(content: bytes, *rest: str) -> Any:
        return seen(content, *rest) if len(content) <= _PART_OF_A_TEMPLATE else read(content, *rest)

    return cast(_Reader, remembered)


def open_archive(content: bytes, most_entries: int = limits.MAX_ZIP_ENTRIES) -> zipfile.ZipFile:
    """Open a zip archive; nothing is unpacked.

    Raises:
        RefusedError: It has too many entries.
        DamagedError: It does not open.
    """
    entries = content.count(_ENTRY)
    if entries > most_entries:
        raise RefusedError(suspicious(f"压缩包内有{entries}个部件"))
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except _ZIP_RAISES as damaged:
        raise DamagedError from damaged


def content_of(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The content of an entry of an archive, whose size the caller has judged.

    Raises:
        DamagedError: It does not unpack, or is packed by a method that is not unpacked.
    """
    if entry.compress_type not in METHODS:
        raise DamagedError
    try:
        return archive.read(entry)
    except _ZIP_RAISES as damaged:
        raise DamagedError from damaged


class Package:
    """An open package."""

    def __init__(self, content: bytes) -> None:
        """Open it.

        Raises:
            RefusedError: The archive breaks a limit, is encrypted or damaged.
        """
        self._zip = open_archive(content)
        self._parts = {info.filename.lower().lstrip("/"): info for info in self._zip.infolist()}
        self._relations: dict[str, Mapping[str, tuple[str, str]]] = {}
        refuse_by_limits(self._zip)

    @property
    def names(self) -> Iterable[str]:
        """The paths of its parts in small letters."""
        return self._parts.keys()

    def has(self, path: str) -> bool:
        """Whether the package has a part."""
        return path.lower() in self._parts

    def part(self, path: str) -> bytes:
        """The content of a part.

        Raises:
            RefusedError: It is too large to be read.
            DamagedError: There is no such part, or it does not unpack.
        """
        info = self._parts.get(path.lower())
        if info is None:
            raise DamagedError
        if info.file_size > limits.MAX_PART_BYTES:
            raise RefusedError(suspicious(f"部件解压后达{info.file_size // 1024 // 1024}MB"))
        return content_of(self._zip, info)

    def relations(self, path: str) -> Mapping[str, tuple[str, str]]:
        """The relations of a part: id → (type's last word, target path inside the package)."""
        if path not in self._relations:
            self._relations[path] = self._read_relations(path)
        return self._relations[path]

    def _read_relations(self, path: str) -> Mapping[str, tuple[str, str]]:
        folder, slash, name = path.rpartition("/")
        rels = f"{folder}{slash}_rels/{name}.rels"
        return _relations_in(self.part(rels), folder) if self.has(rels) else {}


@of_templates
def _relations_in(content: bytes, folder: str) -> Mapping[str, tuple[str, str]]:
    """The relations of a part that lies in a folder."""
    found: dict[str, tuple[str, str]] = {}

    def relation(attributes: Mapping[str, str]) -> None:
        if attributes.get("TargetMode") == "External":
            return
        target = attributes.get("Target", "")
        inside = target[1:] if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        found[attributes.get("Id", "")] = (attributes.get("Type", "").rpartition("/")[2], inside)

    scan(content, {"Relationship": relation}, {}, [])
    return MappingProxyType(found)


def refuse_by_limits(archive: zipfile.ZipFile) -> None:
    """Refuse an archive that would unpack to too much, or that is encrypted; nothing is unpacked.

    Raises:
        RefusedError: It breaks a limit or asks for a password.
    """
    parts = archive.infolist()
    unpacked = sum(part.file_size for part in parts)
    if unpacked > limits.MAX_UNPACKED_BYTES:
        raise RefusedError(suspicious(f"解压后达{unpacked // 1024 // 1024}MB"))
    for part in parts:
        ratio = part.file_size // max(part.compress_size, 1)
        if part.file_size > limits.RATIO_COUNTS_FROM_BYTES and ratio > limits.MAX_RATIO:
            raise RefusedError(suspicious(f"部件解压后达{part.file_size // 1024 // 1024}MB，压缩比{ratio}"))
        if part.flag_bits & 0x1:
            raise RefusedError(encrypted("加密的压缩包"))
