"""What the sandbox platform holds. In: results, keys, nonces, notices. Out: the same, after a restart.

One SQLite file, one connection, one lock: a request is one transaction, so that a killed server has stored a
request whole or not at all.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_TABLES = """
CREATE TABLE IF NOT EXISTS assessment_year (
  year INTEGER PRIMARY KEY, status TEXT NOT NULL, minimum_share TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stored_result (
  year INTEGER NOT NULL, unit_code TEXT NOT NULL, version INTEGER NOT NULL, digest TEXT NOT NULL,
  body TEXT NOT NULL, receipt_id TEXT NOT NULL UNIQUE, received_at TEXT NOT NULL,
  PRIMARY KEY (year, unit_code, version));
CREATE TABLE IF NOT EXISTS idempotency (key TEXT PRIMARY KEY, request TEXT NOT NULL, answer TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS nonce (nonce TEXT PRIMARY KEY, seen_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS notice (
  notice_no TEXT PRIMARY KEY, digest TEXT NOT NULL, deliveries TEXT NOT NULL);
"""


@dataclass(frozen=True)
class Stored:
    """One stored version of a unit's result with what its receipt says."""

    unit_code: str
    version: int
    digest: str
    body: str
    receipt_id: str
    received_at: str

    def receipt(self, *, replayed: bool = False) -> dict[str, Any]:
        """The contract's Receipt."""
        return {
            "receipt_id": self.receipt_id,
            "unit_code": self.unit_code,
            "version": self.version,
            "digest": self.digest,
            "received_at": self.received_at,
            "replayed": replayed,
        }


class State:
    """The platform's memory in ``path`` (``":memory:"`` forgets at the end)."""

    def __init__(self, path: Path | str) -> None:
        if path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_TABLES)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of one request, or none of it."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def year(self, year: int) -> tuple[str, str] | None:
        """Status and minimum share, if the year was set."""
        row = self._one("SELECT status, minimum_share FROM assessment_year WHERE year = ?", year)
        return None if row is None else (row[0], row[1])

    def set_year(self, year: int, status: str, minimum_share: str) -> None:
        """Set a year's status and minimum share."""
        self._run("INSERT OR REPLACE INTO assessment_year VALUES (?, ?, ?)", year, status, minimum_share)

    def newest(self, year: int, unit_code: str) -> Stored | None:
        """The newest stored version of a unit's result."""
        row = self._one(
            "SELECT unit_code, version, digest, body, receipt_id, received_at FROM stored_result"
            " WHERE year = ? AND unit_code = ? ORDER BY version DESC LIMIT 1",
            year,
            unit_code,
        )
        return None if row is None else Stored(*row)

    def by_receipt(self, receipt_id: str) -> Stored | None:
        """The stored version that a receipt speaks of."""
        row = self._one(
            "SELECT unit_code, version, digest, body, receipt_id, received_at FROM stored_result"
            " WHERE receipt_id = ?",
            receipt_id,
        )
        return None if row is None else Stored(*row)

    def store(self, year: int, stored: Stored) -> None:
        """Add a version; the key (year, unit, version) makes a second one impossible."""
        self._run(
            "INSERT INTO stored_result VALUES (?, ?, ?, ?, ?, ?, ?)",
            year,
            stored.unit_code,
            stored.version,
            stored.digest,
            stored.body,
            stored.receipt_id,
            stored.received_at,
        )

    def newest_of_all(self, year: int, after: str = "", limit: int = -1) -> list[tuple[str, int, str]]:
        """(unit_code, version, digest) of the newest versions, by unit code, after ``after``."""
        return self._all(
            "SELECT unit_code, MAX(version), digest FROM stored_result WHERE year = ? AND unit_code > ?"
            " GROUP BY unit_code ORDER BY unit_code LIMIT ?",
            year,
            after,
            limit,
        )

    def every_version(self, year: int) -> list[tuple[str, int, str]]:
        """(unit_code, version, digest) of everything ever stored for the year."""
        return self._all(
            "SELECT unit_code, version, digest FROM stored_result WHERE year = ? ORDER BY unit_code, version",
            year,
        )

    def forget(self, year: int, unit_code: str) -> None:
        """Lose a unit's results, as a platform restored from an old backup does."""
        self._run("DELETE FROM stored_result WHERE year = ? AND unit_code = ?", year, unit_code)

    def remembered(self, key: str) -> tuple[str, dict[str, Any]] | None:
        """The request fingerprint and the answer's essence under an idempotency key."""
        row = self._one("SELECT request, answer FROM idempotency WHERE key = ?", key)
        return None if row is None else (row[0], json.loads(row[1]))

    def remember(self, key: str, request: str, answer: dict[str, Any]) -> None:
        """Bind an idempotency key to a request."""
        self._run("INSERT OR REPLACE INTO idempotency VALUES (?, ?, ?)", key, request, json.dumps(answer))

    def use_nonce(self, nonce: str, now: float, lifetime: float) -> bool:
        """Note a nonce; ``False`` if it was seen within ``lifetime`` seconds."""
        with self.transaction():
            self._run("DELETE FROM nonce WHERE seen_at < ?", now - lifetime)
            return self._run("INSERT OR IGNORE INTO nonce VALUES (?, ?)", nonce, now) == 1

    def notice(self, notice_no: str) -> tuple[str, list[dict[str, Any]]] | None:
        """Digest and deliveries of a notice."""
        row = self._one("SELECT digest, deliveries FROM notice WHERE notice_no = ?", notice_no)
        return None if row is None else (row[0], json.loads(row[1]))

    def add_notice(self, notice_no: str, digest: str, deliveries: list[dict[str, Any]]) -> None:
        """Accept a notice."""
        self._run("INSERT INTO notice VALUES (?, ?, ?)", notice_no, digest, json.dumps(deliveries))

    def _run(self, statement: str, *values: Any) -> int:
        with self._lock:
            return self._db.execute(statement, values).rowcount

    def _one(self, statement: str, *values: Any) -> Any:
        with self._lock:
            return self._db.execute(statement, values).fetchone()

    def _all(self, statement: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._db.execute(statement, values).fetchall()
