"""Reviewed changes of the ground. In: a proposed tree of files, two persons. Out: the tree exchanged whole, or nothing.

The ground is three folders: the editions (``systems``), the registry and the holidays. A change is proposed with what
it does (``shown``), ruled on by a second person and applied by exchanging the folder in one step of the file system.
The ruling is bound to what was shown and to the ground that it was compared with. Whatever instruction a process is
killed at, the folder is wholly the old or wholly the new one, and repeating the approval finishes it.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from fazhi.audit import Actor, Event, append
from fazhi.model.canonical import canonical_bytes, digest, sha256_hex
from fazhi.model.errors import ConfigurationError, SystemFault, UsageError
from fazhi.store import read, write
from fazhi.store.raw import RawStore
from fazhi.store.tables import ground_applied, ground_proposal, ground_ruling

Files = Mapping[str, bytes]
"""A tree: content by path inside it, with ``/``."""

TREE_ZH = {"systems": "指标体系", "registry": "单位名录", "holidays": "节假日安排"}
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@dataclass(frozen=True)
class Places:
    """Where the three folders of the ground lie."""

    systems: Path
    registry: Path
    holidays: Path

    def of(self, tree: str) -> Path:
        """The folder of a tree; a link is followed, so that what it points at is exchanged."""
        return Path(
            os.path.realpath({"systems": self.systems, "registry": self.registry}.get(tree, self.holidays))
        )

    def digests(self) -> dict[str, str]:
        """The digest of each tree as it lies there now."""
        return {tree: tree_digest(read_tree(self.of(tree))) for tree in TREE_ZH}


@dataclass(frozen=True)
class Change:
    """A proposed change: which tree, its files before and after, the ground it was compared with, what was shown."""

    tree: str
    before: Files
    after: Files
    ground_digest: str
    shown: bytes


@dataclass(frozen=True)
class Proposal:
    """A stored proposal and how far it is: ``state`` is ``open``, ``refused``, ``approved`` or ``applied``."""

    proposal_id: int
    tree: str
    ground_digest: str
    before_digest: str
    after_digest: str
    shown_digest: str
    proposed_by: str
    proposer_name: str
    reason: str
    proposed_at: str
    state: str


# --- trees ----------------------------------------------------------------------------------------------------------


def read_tree(folder: Path) -> dict[str, bytes]:
    """The files of a folder; an absent folder has none.

    Raises:
        ConfigurationError: Something in it is neither a file nor a folder, or cannot be read.
    """
    files: dict[str, bytes] = {}
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ConfigurationError(f"{path} 是链接或特殊文件，目录里只能有普通文件")
            if path.is_file():
                files[path.relative_to(folder).as_posix()] = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"目录 {folder} 读不出来（{error.strerror}）") from error
    return files


def tree_digest(files: Files) -> str:
    """The digest of a tree: that of its list of files, which lies in the raw store under it."""
    return sha256_hex(_manifest(files))


def ground_digest(places: Places) -> str:
    """The digest of the whole ground."""
    return digest(places.digests())


def _manifest(files: Files) -> bytes:
    return canonical_bytes({path: sha256_hex(content) for path, content in files.items()})


def _keep(raw: RawStore, files: Files) -> str:
    for content in files.values():
        raw.put(content)
    return raw.put(_manifest(files))


def kept_tree(raw: RawStore, tree: str) -> dict[str, bytes]:
    """The files of a tree by its digest.

    Raises:
        SystemFault: It is not in the raw store, or damaged there.
    """
    listed: dict[str, str] = json.loads(raw.get(tree))
    return {path: raw.get(sha256) for path, sha256 in listed.items()}


# --- proposing ------------------------------------------------------------------------------------------------------


def propose(
    engine: Engine, raw: RawStore, change: Change, proposer: Actor, reason: str, *, now: datetime
) -> int:
    """Store a proposed change, with its files and with what was shown; nothing is applied.

    Returns:
        The number of the proposal; the same proposal repeated by the same person while it is open keeps its number.

    Raises:
        UsageError: Nothing changes, or the reason or the proposer is missing.
    """
    _named(proposer, reason, "提出人")
    if tree_digest(change.before) == tree_digest(change.after):
        raise UsageError(f"{TREE_ZH[change.tree]}没有任何变化，不需要提交")
    values: dict[str, Any] = {
        "tree": change.tree,
        "ground_digest": change.ground_digest,
        "before_digest": _keep(raw, change.before),
        "after_digest": _keep(raw, change.after),
        "shown_digest": raw.put(change.shown),
        "proposed_by": proposer.actor_id,
        "proposer_name": proposer.name,
        "reason": reason.strip(),
    }
    with write(engine) as connection:
        for known in _proposals(connection):
            if known.state == "open" and all(getattr(known, name) == value for name, value in values.items()):
                return known.proposal_id
        made = connection.execute(
            insert(ground_proposal)
            .values(**values, proposed_at=_moment(now))
            .returning(ground_proposal.c.proposal_id)
        )
        proposal_id = int(made.scalar_one())
        _tell(connection, "ground.proposed", _find(connection, proposal_id), proposer, reason, now)
    return proposal_id


def proposals(engine: Engine) -> list[Proposal]:
    """All proposals, oldest first."""
    with read(engine) as connection:
        return _proposals(connection)


def proposal(engine: Engine, proposal_id: int) -> Proposal:
    """One proposal.

    Raises:
        UsageError: There is none of that number.
    """
    with read(engine) as connection:
        return _find(connection, proposal_id)


# --- ruling ---------------------------------------------------------------------------------------------------------


def refuse(engine: Engine, proposal_id: int, decider: Actor, reason: str, *, now: datetime) -> None:
    """Refuse a proposal; nothing is applied.

    Raises:
        UsageError: No such proposal, already ruled on, the proposer himself, or no reason.
    """
    with write(engine) as connection:
        _rule(connection, _find(connection, proposal_id), "refuse", decider, reason, now)


def approve(
    engine: Engine,
    raw: RawStore,
    places: Places,
    proposal_id: int,
    decider: Actor,
    reason: str,
    *,
    now: datetime,
) -> Proposal:
    """Approve a proposal and put it in force; repeating it after a stop finishes what is left.

    Raises:
        UsageError: No such proposal, refused before, the proposer himself, no reason, or the ground has changed since.
        ConfigurationError: The folder cannot be exchanged where it lies; nothing was ruled.
    """
    with _only_one(places):
        _finish_others(engine, raw, places, proposal_id, decider, now)
        found = proposal(engine, proposal_id)
        if found.state == "approved":
            _apply(engine, raw, places, found, decider, now)
        if found.state in ("approved", "applied"):
            shutil.rmtree(_staging(places.of(found.tree)), ignore_errors=True)
            return proposal(engine, proposal_id)
        if found.ground_digest != ground_digest(places):
            raise UsageError(
                f"提议 {proposal_id} 提出之后，指标体系、单位名录或节假日安排已有别的变化，当时算出的影响不再作数；"
                "什么也没有改变。请重新提交，核对新的影响后再批准"
            )
        _stage(raw, places.of(found.tree), found)
        with write(engine) as connection:
            _rule(connection, found, "approve", decider, reason, now)
        _apply(engine, raw, places, found, decider, now)
    return proposal(engine, proposal_id)


def _rule(
    connection: Connection, found: Proposal, verdict: str, decider: Actor, reason: str, now: datetime
) -> None:
    _named(decider, reason, "批准人")
    if found.proposed_by == decider.actor_id:
        raise UsageError(f"提出人与批准人不能是同一人（{decider.actor_id}）")
    current = _find(connection, found.proposal_id)
    if current.state != "open":
        raise UsageError(f"提议 {found.proposal_id} 已有结论（{_STATE_ZH[current.state]}）")
    connection.execute(
        insert(ground_ruling).values(
            proposal_id=found.proposal_id,
            proposed_by=found.proposed_by,
            shown_digest=found.shown_digest,
            ground_digest=found.ground_digest,
            verdict=verdict,
            decided_by=decider.actor_id,
            decider_name=decider.name,
            reason=reason.strip(),
            decided_at=_moment(now),
        )
    )
    _tell(connection, f"ground.{_STATE_OF_VERDICT[verdict]}", found, decider, reason, now)


_STATE_OF_VERDICT = {"approve": "approved", "refuse": "refused"}
_STATE_ZH = {"open": "待批准", "refused": "不同意", "approved": "已批准，尚未生效", "applied": "已批准并生效"}


def state_zh(state: str) -> str:
    """How far a proposal is, in words."""
    return _STATE_ZH[state]


def _finish_others(
    engine: Engine, raw: RawStore, places: Places, proposal_id: int, decider: Actor, now: datetime
) -> None:
    """Put in force what was approved before but cut short, unless its folder was changed by hand since."""
    known = proposals(engine)
    newest = max((one.proposal_id for one in known if one.state == "applied"), default=0)
    for one in known:
        if one.state == "approved" and one.proposal_id not in (proposal_id, *range(newest)):
            lies_there = tree_digest(read_tree(places.of(one.tree)))
            if lies_there in (one.before_digest, one.after_digest):
                _apply(engine, raw, places, one, decider, now)


# --- exchanging the folder ------------------------------------------------------------------------------------------


def _apply(
    engine: Engine, raw: RawStore, places: Places, found: Proposal, decider: Actor, now: datetime
) -> None:
    """Exchange the folder, if a process killed here has not done so yet, and write it down."""
    folder = places.of(found.tree)
    lies_there = tree_digest(read_tree(folder))
    if lies_there == found.before_digest:
        staged = _stage(raw, folder, found)
        _exchange(staged, folder)
    elif lies_there != found.after_digest:
        raise UsageError(
            f"提议 {found.proposal_id} 已批准但没有生效：{folder} 在此期间被直接改动过；什么也没有改变。"
            "请恢复该目录，或重新提交"
        )
    with write(engine) as connection:
        connection.execute(
            insert(ground_applied).values(proposal_id=found.proposal_id, applied_at=_moment(now))
        )
        _tell(connection, "ground.applied", found, decider, "", now)
    shutil.rmtree(_staging(folder), ignore_errors=True)


def _staging(folder: Path) -> Path:
    """Beside the folder: a rename does not leave a file system."""
    return folder.parent / f".{folder.name}.proposed"


def _stage(raw: RawStore, folder: Path, found: Proposal) -> Path:
    """Write the proposed tree beside the folder, synced, and make sure that the two can be exchanged."""
    staging = _staging(folder)
    try:
        shutil.rmtree(staging, ignore_errors=True)
        staged = staging / "tree"
        for path, content in kept_tree(raw, found.after_digest).items():
            _write(staged / path, content)
        _sync_tree(staging)
        _try_exchange(staging, folder)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} 不能整体替换（{error.strerror}）：它的上一级目录须可写，且与它在同一个本地文件系统；什么也没有改变"
        ) from error
    if tree_digest(read_tree(staged)) != found.after_digest:
        raise SystemFault(f"写在 {staged} 的内容与提议 {found.proposal_id} 不符")
    return staged


def _try_exchange(staging: Path, folder: Path) -> None:
    if folder.exists() and os.stat(folder).st_dev != os.stat(folder.parent).st_dev:
        raise OSError(0, "目录本身是一个挂载点")
    one, other = staging / "one", staging / "other"
    one.mkdir()
    other.mkdir()
    _exchange(one, other)
    one.rmdir()
    other.rmdir()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_tree(folder: Path) -> None:
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir()), folder.parent]:
        _sync(path)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _exchange(staged: Path, folder: Path) -> None:
    """Exchange two folders in one step of the file system; where nothing lies yet, put the staged one there."""
    if not folder.exists():
        staged.rename(folder)
    else:
        libc = ctypes.CDLL(None, use_errno=True)
        done = libc.renameat2(
            _AT_FDCWD, os.fsencode(staged), _AT_FDCWD, os.fsencode(folder), ctypes.c_uint(_RENAME_EXCHANGE)
        )
        if done != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    _sync(folder.parent)
    _sync(staged.parent)


@contextlib.contextmanager
def _only_one(places: Places) -> Iterator[None]:
    """One exchange at a time on this machine; the lock ends with the process that holds it."""
    folder = places.of("registry").parent
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise ConfigurationError(f"目录 {folder} 打不开（{error.strerror}）") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# --- rows -----------------------------------------------------------------------------------------------------------


def _proposals(connection: Connection) -> list[Proposal]:
    statement = (
        select(ground_proposal, ground_ruling.c.verdict, ground_applied.c.applied_at)
        .outerjoin(ground_ruling, ground_ruling.c.proposal_id == ground_proposal.c.proposal_id)
        .outerjoin(ground_applied, ground_applied.c.proposal_id == ground_proposal.c.proposal_id)
        .order_by(ground_proposal.c.proposal_id)
    )
    return [_proposal(dict(row)) for row in connection.execute(statement).mappings()]


def _proposal(row: Mapping[str, Any]) -> Proposal:
    verdict = row["verdict"]
    state = "open" if verdict is None else _STATE_OF_VERDICT[verdict]
    if row["applied_at"] is not None:
        state = "applied"
    return Proposal(**{name: row[name] for name in ground_proposal.c.keys()}, state=state)  # noqa: SIM118


def _find(connection: Connection, proposal_id: int) -> Proposal:
    for found in _proposals(connection):
        if found.proposal_id == proposal_id:
            return found
    raise UsageError(f"没有编号为 {proposal_id} 的提议")


def _named(actor: Actor, reason: str, who: str) -> None:
    if not actor.actor_id.strip() or not actor.name.strip():
        raise UsageError(f"请写明{who}的账号和姓名")
    if not reason.strip():
        raise UsageError("请写明理由")


def _tell(
    connection: Connection, action: str, found: Proposal, actor: Actor, reason: str, now: datetime
) -> None:
    details = {
        "proposed_by": found.proposed_by,
        "shown_digest": found.shown_digest,
        "ground_digest": found.ground_digest,
        "reason": reason.strip(),
    }
    subject = f"{found.tree}/{found.proposal_id}"
    event = Event(action, subject, _moment(now), found.before_digest, found.after_digest, details)
    append(connection, actor, event)


def _moment(now: datetime) -> str:
    return now.isoformat(timespec="seconds")
