"""Heads of the audit chain, kept off the host. In: the store, a file. Out: lines that are only added.

A head says: at that time the chain had ``seq`` rows and the last one carried ``digest``. One JSON object a line.
"""

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, select

from fazhi.audit.chain import GENESIS
from fazhi.model.canonical import canonical_bytes
from fazhi.model.errors import ConfigurationError
from fazhi.store import read
from fazhi.store.tables import audit


@dataclass(frozen=True, order=True)
class Head:
    """The end of the chain at a time; ``seq`` 0 is the empty chain."""

    seq: int
    digest: str
    exported_at: str


def export_head(engine: Engine, file: Path, *, now: datetime) -> Head:
    """Append the chain's head to a file; what the file holds already is never touched.

    Args:
        engine: The store.
        file: On another machine's share or a medium that the host cannot rewrite.
        now: The present moment, with its offset.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    with read(engine) as connection:
        last = connection.execute(
            select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)
        ).one_or_none()
    seq, digest = (last.seq, last.digest) if last is not None else (0, GENESIS)
    head = Head(seq, digest, now.isoformat(timespec="seconds"))
    line = canonical_bytes(asdict(head)) + b"\n"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        raise ConfigurationError(f"链头文件 {file} 写不进去（{error.strerror}）") from error
    return head


def read_heads(file: Path) -> tuple[Head, ...]:
    """The heads of a file.

    Raises:
        ConfigurationError: It cannot be read, or a line is no head; all such lines are named.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"链头文件 {file} 读不出来（{error}）") from error
    heads, faults = [], []
    for number, line in enumerate(lines, start=1):
        head = _head_of(line)
        if head is None:
            faults.append(f"第 {number} 行不是导出的链头")
        else:
            heads.append(head)
    if faults:
        raise ConfigurationError(f"链头文件 {file} 有 {len(faults)} 行不可用：", tuple(faults))
    return tuple(heads)


def _head_of(line: str) -> Head | None:
    try:
        head = Head(**json.loads(line))
    except (TypeError, ValueError):
        return None
    texts = isinstance(head.digest, str) and isinstance(head.exported_at, str)
    return head if texts and type(head.seq) is int and head.seq >= 0 else None
