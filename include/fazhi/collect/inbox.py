"""The inbox on disk. In: a folder (also a mounted share). Out: what lies in it; files, no link followed.

One sub-folder per submission, with its files and a ``submission.json``, or a bare workbook whose cover sheet
says the rest. Folders that hold only folders group submissions (by year, say) and are gone through.
"""

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fazhi.model.errors import Unreachable

MANIFEST = "submission.json"
MAX_MANIFEST_BYTES = 1024 * 1024
MAX_FILE_BYTES = 1024 * 1024 * 1024
_WORKBOOKS = frozenset([".xlsx", ".xls", ".ods"])
"""A CSV has no cover that says whose it is, so it needs a manifest."""

_DEEPEST = 4
_LEFTOVERS = (".", "~$")
_LEFTOVER_NAMES = frozenset(["thumbs.db", "desktop.ini"])
_BESIDE_SYNTHETIC = frozenset(["faults.csv", "registry"])
"""What ``fazhi synth`` leaves beside its submissions (cli.md); no submission is ever called so."""


class UnusableError(Exception):
    """Something in the inbox cannot be used; the message says what, where and what to do, in Chinese."""


@dataclass(frozen=True)
class Described:
    """A folder with a manifest."""

    folder: Path


@dataclass(frozen=True)
class Bare:
    """A workbook without a manifest, with the other files of its folder as evidence."""

    workbook: Path
    evidence: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Strange:
    """Something that is no submission."""

    problem: str


Item = Described | Bare | Strange


def items(inbox: Path) -> Iterator[Item]:
    """What lies in the inbox, in the order of names.

    Raises:
        Unreachable: The folder cannot be listed.
    """
    try:
        yield from _items(inbox, depth=0)
    except OSError as failure:
        raise Unreachable(f"收件文件夹 {inbox} 无法读取：{failure.strerror or failure}") from failure


def _items(folder: Path, depth: int) -> Iterator[Item]:
    for name in _names(folder):
        path = folder / name
        if depth == 0 and name in _BESIDE_SYNTHETIC:
            continue
        if path.is_symlink():
            yield Strange(f"{path}：是链接，不予读取，请放入文件本身")
        elif path.is_dir():
            yield from _folder(path, depth + 1)
        elif path.suffix.lower() in _WORKBOOKS:
            yield Bare(path)
        else:
            yield Strange(
                f"{path}：不是xlsx、xls、ods填报表，也没有附 {MANIFEST}，不能确定报送单位和填报期，未收取"
            )


def _folder(folder: Path, depth: int) -> Iterator[Item]:
    is_described, is_empty, files = _inside(folder)
    if is_described:
        yield Described(folder)
        return
    if not files and not is_empty and depth < _DEEPEST:
        yield from _items(folder, depth)
        return
    workbooks = [path for path in files if path.suffix.lower() in _WORKBOOKS]
    if len(workbooks) == 1:
        yield Bare(workbooks[0], tuple(path for path in files if path != workbooks[0]))
    elif not is_empty:
        yield Strange(
            f"{folder}：缺少 {MANIFEST}，文件夹内有{len(workbooks)}个工作簿，不能确定哪一个是填报表，未收取"
        )


def _inside(folder: Path) -> tuple[bool, bool, list[Path]]:
    """Whether a folder has a manifest, whether it has nothing, and where it has no manifest, its plain files."""
    names = _names(folder)
    if MANIFEST in names:
        return True, False, []
    files = [path for name in names if (path := folder / name).is_file() and not path.is_symlink()]
    return False, not names, files


def _names(folder: Path) -> list[str]:
    """What lies in a folder. Nothing but names is held: an inbox of some years has half a million."""
    return sorted(name for name in os.listdir(folder) if not _is_leftover(name))


def _is_leftover(name: str) -> bool:
    return name.startswith(_LEFTOVERS) or name.lower() in _LEFTOVER_NAMES or name.endswith((".tmp", ".part"))


def read_plain(path: Path, at_most: int = MAX_FILE_BYTES) -> bytes:
    """A file's content; links, devices and pipes are refused.

    Raises:
        UnusableError: It is not there, no plain file, too large or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as failure:
        reason = "是链接" if path.is_symlink() else failure.strerror
        raise UnusableError(f"{path}：不能读取({reason})") from failure
    with os.fdopen(handle, "rb") as file:
        described = os.fstat(file.fileno())
        if not stat.S_ISREG(described.st_mode):
            raise UnusableError(f"{path}：不是普通文件，不予读取")
        if described.st_size > at_most:
            raise UnusableError(f"{path}：文件有{described.st_size}字节，超过{at_most}字节的上限")
        try:
            return file.read()
        except OSError as failure:
            raise UnusableError(f"{path}：不能读取({failure.strerror})") from failure


def find_in(folder: Path, name: str) -> Path:
    """The file of a plain name in a folder, whatever the Unicode form of the name on disk.

    Raises:
        UnusableError: There is none.
    """
    exact = folder / name
    if exact.is_symlink() or exact.exists():
        return exact
    wanted = unicodedata.normalize("NFC", name)
    for found in _names(folder):
        if unicodedata.normalize("NFC", found) == wanted:
            return folder / found
    raise UnusableError(f"{folder}：缺少 {MANIFEST} 所列的文件“{name}”（可能尚未复制完整）")
