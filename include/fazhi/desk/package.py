"""A folder that came as a zip. In: bytes from a browser. Out: its files in a temporary folder, or why not.

Opened under the limits of ``fazhi.sheets.package``. Nothing of the archive decides where a file is written: a name that
is not plain is refused, and links and special files are.
"""

import re
import stat
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from fazhi.model.errors import UsageError
from fazhi.sheets.package import METHODS, content_of, open_archive, refuse_by_limits
from fazhi.sheets.refusal import DamagedError, RefusedError

MOST_BYTES = 8 * 1024 * 1024
"""Of the archive, and of one file in it; the whole ground is a few hundred kilobytes."""

_MOST_ENTRIES = 400
_DEEPEST = 4
_PLAIN = re.compile(r"[^\\/:*?\"<>|\x00-\x1f\x7f]{1,120}")
_BY_THE_WAY = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
"""What desktops put into archives unasked."""


def unpacked(content: bytes) -> dict[str, bytes]:
    """The files of an archive by path; one folder around everything is left out of the paths.

    Raises:
        UsageError: It is no zip, breaks a limit, is encrypted, or has a name that leads elsewhere.
    """
    if len(content) > MOST_BYTES:
        raise UsageError(
            f"压缩包超过 {MOST_BYTES // 1024 // 1024} MB，没有打开；目录只应有 .csv、.yaml、.md 文件"
        )
    try:
        archive = open_archive(content, _MOST_ENTRIES)
        refuse_by_limits(archive)
        named = [
            (path, info)
            for info in archive.infolist()
            if not info.filename.endswith("/") and (path := _path(info))
        ]
        _refuse_ambiguous([path for path, _ in named])
        files = {path: _content(archive, info) for path, info in named}
    except DamagedError as damaged:
        raise UsageError("压缩包已损坏，不能打开。请重新压缩为普通的 .zip 后上传") from damaged
    except RefusedError as refused:
        raise UsageError(
            f"压缩包不能打开：{refused.fault.detail}。请重新压缩为普通的 .zip 后上传"
        ) from refused
    if not files:
        raise UsageError("压缩包里没有文件")
    return _inside(files)


@contextmanager
def folder_of(files: Mapping[str, bytes]) -> Iterator[Path]:
    """The files in a temporary folder that goes when the block ends."""
    with TemporaryDirectory(prefix="fazhi-ground-") as name:
        for path, content in files.items():
            target = Path(name) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        yield Path(name)


def _path(info: zipfile.ZipInfo) -> str:
    """The path of an entry; empty for what a desktop put there.

    Raises:
        UsageError: It is not the plain path of a plain file.
    """
    name = info.filename
    if _BY_THE_WAY.search(name):
        return ""
    kind = stat.S_IFMT(info.external_attr >> 16)
    parts = name.split("/")
    plain = all(_PLAIN.fullmatch(part) and part.strip(". ") for part in parts)
    if not plain or len(parts) > _DEEPEST or kind not in (0, stat.S_IFREG):
        raise UsageError(
            f"压缩包里有不能接受的文件名或链接：{name[:80]!r}；只接受普通文件，路径里不能有“..”、盘符或绝对路径"
        )
    return name


def _refuse_ambiguous(paths: Sequence[str]) -> None:
    """Which of two entries would count is nobody's guess.

    Raises:
        UsageError: A name comes twice, or is a folder as well.
    """
    folders = {str(folder) for path in paths for folder in PurePosixPath(path).parents}
    for path in paths:
        if paths.count(path) > 1 or path in folders:
            raise UsageError(f"压缩包里有重名的文件或文件夹：{path[:80]!r}；请整理后重新压缩")


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > MOST_BYTES or info.compress_type not in METHODS:
        raise UsageError(f"压缩包里的文件 {info.filename[:80]!r} 过大或压缩方式不受支持")
    return content_of(archive, info)


def _inside(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Without the folders that are around everything."""
    found = dict(files)
    while True:
        tops = {PurePosixPath(path).parts[0] for path in found}
        if len(tops) > 1 or any("/" not in path for path in found):
            return found
        found = {path.partition("/")[2]: content for path, content in found.items()}
