"""What the sandbox portal holds. In: submissions, also from a folder; uploads; reviews. Out: the same, in the list's order.

Submissions of a folder stay on disk, one sub-folder each with its files and a ``submission.json`` (cli.md); a
later change of that file is a later update. Uploads and reviews are kept in a SQLite file, or forgotten at the
end.
"""

import json
import os
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fazhi.model.canonical import sha256_hex

MANIFEST = "submission.json"

_TABLES = """
CREATE TABLE IF NOT EXISTS upload (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS review (
  number INTEGER PRIMARY KEY AUTOINCREMENT, submission_id TEXT NOT NULL, body TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Shelved:
    """A submission of the list with its place in the list's order."""

    at: datetime
    item: Mapping[str, Any]

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Oldest update first; what was updated at the same moment, by id and revision."""
        return self.at, str(self.item.get("submission_id")), str(self.item.get("revision"))


class Shelf:
    """The portal's memory.

    Args:
        state: SQLite file for uploads and reviews; ``None`` forgets at the end.
        folder: Submissions to list besides those that are added; looked through at every listing.
    """

    def __init__(self, state: Path | None = None, folder: Path | None = None) -> None:
        if state is not None:
            state.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(
            state or ":memory:", isolation_level=None, check_same_thread=False, timeout=30
        )
        self._db.executescript(_TABLES)
        self._folder = folder
        self._added: list[Shelved] = []
        self._contents: dict[str, bytes | Path] = {}
        self._read: dict[Path, tuple[int, Shelved]] = {}

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def add(
        self,
        item: Mapping[str, Any],
        contents: Mapping[str, bytes] | None = None,
        at: datetime | None = None,
    ) -> None:
        """Put a submission on the list.

        Args:
            item: As the contract's ``Submission``, or anything else for a portal that breaks it.
            contents: Files by their SHA-256; they need not be what their names say.
            at: Where on the list; as ``updated_at`` says by default.
        """
        with self._lock:
            self._contents.update(contents or {})
            self._added.append(Shelved(at or datetime.fromisoformat(item["updated_at"]), dict(item)))

    def remove_file(self, sha256: str) -> None:
        """Lose a file."""
        with self._lock:
            self._contents.pop(sha256, None)

    def listed(self) -> list[Shelved]:
        """Everything on the list, in its order."""
        with self._lock:
            if self._folder is not None:
                self._look_through(self._folder)
            return sorted(
                [*self._added, *(shelved for _, shelved in self._read.values())], key=lambda one: one.order
            )

    def file(self, sha256: str) -> bytes | None:
        """The file under a SHA-256: of a submission, or uploaded."""
        with self._lock:
            content = self._contents.get(sha256)
            if isinstance(content, Path):
                return content.read_bytes() if content.is_file() else None
            if content is not None:
                return content
            row = self._db.execute("SELECT content FROM upload WHERE sha256 = ?", (sha256,)).fetchone()
            return bytes(row[0]) if row is not None else None

    def upload(self, content: bytes) -> str:
        """Store a file; a second time changes nothing."""
        sha256 = sha256_hex(content)
        with self._lock:
            self._db.execute("INSERT OR IGNORE INTO upload VALUES (?, ?)", (sha256, content))
        return sha256

    def knows(self, submission_id: str) -> bool:
        """Whether a submission is on the list."""
        with self._lock:
            met = [*self._added, *(shelved for _, shelved in self._read.values())]
        return any(
            one.item.get("submission_id") == submission_id
            for shelves in (met, self.listed())
            for one in shelves
        )

    def review(self, submission_id: str, body: bytes) -> None:
        """Record what became of a submission."""
        with self._lock:
            self._db.execute(
                "INSERT INTO review (submission_id, body) VALUES (?, ?)", (submission_id, body.decode())
            )

    def reviews(self) -> list[tuple[str, dict[str, Any]]]:
        """(submission_id, review) of everything ever told, in the order of arrival."""
        with self._lock:
            rows = self._db.execute("SELECT submission_id, body FROM review ORDER BY number").fetchall()
        return [(row[0], json.loads(row[1])) for row in rows]

    def _look_through(self, folder: Path) -> None:
        """Read what is new or changed in a folder."""
        for place, names, files in os.walk(folder):
            names.sort()
            path = Path(place) / MANIFEST
            if MANIFEST not in files:
                continue
            changed = path.stat().st_mtime_ns
            known = self._read.get(path)
            if known is None or known[0] != changed:
                self._read[path] = (changed, self._shelved(path, changed))

    def _shelved(self, path: Path, changed: int) -> Shelved:
        item = json.loads(path.read_text(encoding="utf-8-sig"))
        for file in item["files"]:
            self._contents[file["sha256"]] = path.parent / file["name"]
        at = datetime.fromtimestamp(changed // 1_000_000_000, UTC)
        return Shelved(at, {**item, "updated_at": at.isoformat()})
