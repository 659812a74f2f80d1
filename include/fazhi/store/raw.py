"""The raw store: files as received. In: bytes. Out: their SHA-256; later the same bytes again.

A file lies under its digest and is never changed or overwritten. Locally it is written beside its place,
synced and renamed, so that a reader never sees half of it; other stores (``s3://…``) go through fsspec.
"""

import os
import tempfile
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import fsspec

from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import SystemFault


class RawStore:
    """Files by SHA-256."""

    def __init__(self, url: str) -> None:
        """Open the store at a local folder (a path or ``file://…``) or at any URL that fsspec knows."""
        scheme = urlsplit(url).scheme
        if len(scheme) <= 1 or scheme == "file":
            self._files: _Files = _LocalFiles(Path(url.removeprefix("file://")))
        else:
            self._files = _RemoteFiles(url)

    def put(self, content: bytes) -> str:
        """Keep a file and give its SHA-256; a file that is there already is left alone.

        Raises:
            SystemFault: Something else lies under that digest.
        """
        sha256 = sha256_hex(content)
        size = self._files.size(sha256)
        if size is None:
            self._files.write(sha256, content)
        elif size != len(content):
            raise SystemFault(f"原始文件库中 {sha256} 的大小与内容不符，库已损坏")
        return sha256

    def get(self, sha256: str) -> bytes:
        """The file of a digest.

        Raises:
            SystemFault: It is not there, or it is not what its name says.
        """
        content = self._files.read(sha256)
        if content is None:
            raise SystemFault(f"原始文件库中没有 {sha256}")
        if sha256_hex(content) != sha256:
            raise SystemFault(f"原始文件库中 {sha256} 的内容已损坏")
        return content

    def has(self, sha256: str) -> bool:
        """Whether a file is kept."""
        return self._files.size(sha256) is not None

    def path(self, sha256: str) -> str:
        """Where a file of that digest lies, as a path or URL."""
        return self._files.place(sha256)


class _Files(Protocol):
    def size(self, sha256: str) -> int | None: ...
    def read(self, sha256: str) -> bytes | None: ...
    def write(self, sha256: str, content: bytes) -> None: ...
    def place(self, sha256: str) -> str: ...


class _LocalFiles:
    """A folder; each file in a sub-folder named by the first two digits."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def _path(self, sha256: str) -> Path:
        return self._root / sha256[:2] / sha256

    def place(self, sha256: str) -> str:
        return str(self._path(sha256))

    def size(self, sha256: str) -> int | None:
        try:
            return self._path(sha256).stat().st_size
        except FileNotFoundError:
            return None

    def read(self, sha256: str) -> bytes | None:
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, sha256: str, content: bytes) -> None:
        target = self._path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".part-", dir=target.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o444)
            os.replace(temporary, target)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _RemoteFiles:
    """An object store through fsspec; writing an object is atomic there."""

    def __init__(self, url: str) -> None:
        self._fs: Any
        self._fs, self._root = fsspec.core.url_to_fs(url)
        self._url = url.rstrip("/")

    def _path(self, sha256: str) -> str:
        return f"{self._root.rstrip('/')}/{sha256[:2]}/{sha256}"

    def place(self, sha256: str) -> str:
        return f"{self._url}/{sha256[:2]}/{sha256}"

    def size(self, sha256: str) -> int | None:
        try:
            return int(self._fs.info(self._path(sha256))["size"])
        except FileNotFoundError:
            return None

    def read(self, sha256: str) -> bytes | None:
        try:
            content: bytes = self._fs.cat_file(self._path(sha256))
        except FileNotFoundError:
            return None
        return content

    def write(self, sha256: str, content: bytes) -> None:
        self._fs.makedirs(self._path(sha256).rpartition("/")[0], exist_ok=True)
        self._fs.pipe_file(self._path(sha256), content)
