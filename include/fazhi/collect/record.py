"""Recording submissions. In: manifests whose files are kept. Out: their rows, the current ones marked.

Of a sender and period one revision is current: the highest; between two submissions with the same revision,
the one submitted later, whatever the order they arrive in. Nothing recorded is ever changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Engine, and_, bindparam, delete, func, insert, select

from fazhi.collect.manifest import Manifest
from fazhi.collect.rivals import in_turn
from fazhi.model.period import Period
from fazhi.store import tables
from fazhi.store.bulk import chunks, insert_rows

Key = tuple[str, str, str]
"""Kind, sender and period."""

NextRevision = Literal["stated", "new", "unseen"]


@dataclass(frozen=True)
class Recorded:
    """How many submissions were new, how many known; problems in Chinese."""

    new: int = 0
    known: int = 0
    problems: tuple[str, ...] = ()

    def __add__(self, more: "Recorded") -> "Recorded":
        """Both together."""
        return Recorded(self.new + more.new, self.known + more.known, (*self.problems, *more.problems))


class _Current(NamedTuple):
    """The current submission of a sender and period."""

    submission_id: str
    revision: int
    submitted_at: str

    @property
    def rank(self) -> tuple[int, datetime, str]:
        """By which of two submissions the current one is told."""
        return self.revision, datetime.fromisoformat(self.submitted_at), self.submission_id


def known_contents(connection: Connection, submission_ids: Iterable[str]) -> dict[tuple[str, int], str]:
    """The content digests of the known revisions of some submissions."""
    submission = tables.submission.c
    query = select(submission.submission_id, submission.revision, submission.content_digest).where(
        submission.submission_id.in_(list(submission_ids))
    )
    return {(row.submission_id, row.revision): row.content_digest for row in connection.execute(query)}


def record(
    connection: Connection,
    source: str,
    manifests: Sequence[Manifest],
    received_at: str,
    *,
    next_revision: NextRevision = "stated",
) -> Recorded:
    """Record submissions and mark the current ones.

    Args:
        connection: Inside a write transaction.
        source: Where they came from.
        manifests: The submissions; their files are in the raw store.
        received_at: The time of receipt.
        next_revision: ``stated`` takes the manifest's revision. Otherwise the next free one of its sender and
            period is given: with ``new`` unless the content is the current one, with ``unseen`` unless it was
            ever recorded.
    """
    recorded = Recorded()
    if next_revision == "stated":
        for some in chunks(manifests):
            recorded += _record(connection, source, some, received_at)
        return recorded
    for manifest in manifests:  # each number depends on what was recorded before
        numbered = _numbered(connection, manifest, next_revision)
        recorded += (
            Recorded(known=1) if numbered is None else _record(connection, source, [numbered], received_at)
        )
    return recorded


def _record(connection: Connection, source: str, manifests: Sequence[Manifest], received_at: str) -> Recorded:
    known = known_contents(connection, [manifest.submission_id for manifest in manifests])
    by_identity: dict[tuple[str, int], Manifest] = {}
    for manifest in manifests:
        if (manifest.submission_id, manifest.revision) not in known:
            by_identity.setdefault((manifest.submission_id, manifest.revision), manifest)
    new = tuple(by_identity.values())
    _insert(connection, source, new, received_at)
    problems = _make_current(connection, new, received_at)
    return Recorded(len(new), len(manifests) - len(new), problems)


def record_again(
    engine: Engine,
    source: str,
    manifests: Sequence[Manifest],
    received_at: str,
    *,
    next_revision: NextRevision = "stated",
) -> Recorded:
    """``record`` in a transaction of its own, beside other sources that may bring the same submission."""
    return in_turn(
        engine,
        lambda connection: record(connection, source, manifests, received_at, next_revision=next_revision),
    )


def _numbered(connection: Connection, manifest: Manifest, how: str) -> Manifest | None:
    """The manifest with the next revision of its sender and period; ``None`` when its content is known."""
    submission = tables.submission.c
    same = and_(
        submission.kind == manifest.kind.value,
        submission.sender_code == manifest.sender_code,
        submission.period == str(manifest.period),
    )
    seen = select(submission.submission_id, submission.revision).where(
        same, submission.content_digest == manifest.content_digest
    )
    known = {(row.submission_id, row.revision) for row in connection.execute(seen)}
    current = _current(connection, [manifest]).get(_key(manifest))
    if known and (how == "unseen" or (current is not None and current[:2] in known)):
        return None
    highest = connection.execute(select(func.max(submission.revision)).where(same)).scalar() or 0
    return replace(manifest, revision=highest + 1)


def _insert(connection: Connection, source: str, manifests: Sequence[Manifest], received_at: str) -> None:
    raw = tables.raw_file.c
    sizes = {file.sha256: file.size for manifest in manifests for file in manifest.files}
    kept = {
        sha256
        for some in chunks(sizes)
        for sha256 in connection.execute(select(raw.sha256).where(raw.sha256.in_(some))).scalars()
    }
    insert_rows(
        connection,
        tables.raw_file,
        [
            {"sha256": sha256, "size": size, "first_seen_at": received_at}
            for sha256, size in sizes.items()
            if sha256 not in kept
        ],
    )
    insert_rows(
        connection,
        tables.submission,
        [
            {
                "submission_id": manifest.submission_id,
                "revision": manifest.revision,
                "kind": manifest.kind.value,
                "source": source,
                "year": manifest.period.year,
                "period": str(manifest.period),
                "sender_code": manifest.sender_code,
                "submitted_at": manifest.submitted_at,
                "submitted_by": manifest.submitted_by,
                "received_at": received_at,
                "content_digest": manifest.content_digest,
            }
            for manifest in manifests
        ],
    )
    insert_rows(
        connection,
        tables.submission_file,
        [
            {
                "submission_id": manifest.submission_id,
                "revision": manifest.revision,
                "name": file.name,
                "role": file.role,
                "sha256": file.sha256,
                "size": file.size,
            }
            for manifest in manifests
            for file in manifest.files
        ],
    )


def _make_current(connection: Connection, manifests: Sequence[Manifest], received_at: str) -> tuple[str, ...]:
    """Mark each submission as current unless one before it stays so; tells what somebody should look at."""
    before = _current(connection, manifests)
    now = dict(before)
    problems = []
    for manifest in manifests:
        key = _key(manifest)
        held = now.get(key)
        offered = _Current(manifest.submission_id, manifest.revision, manifest.submitted_at)
        if held is not None:
            locked = _locked_out(connection, manifest, held, received_at)
            told = locked or _rival(manifest, held)
            problems += [told] if told is not None else []
            if locked is not None or held.rank >= offered.rank:
                continue
        now[key] = offered
    moved = {key: one for key, one in now.items() if before.get(key) != one}
    _point(connection, moved, [key for key in moved if key in before])
    return tuple(problems)


def _point(connection: Connection, moved: Mapping[Key, _Current], away: Sequence[Key]) -> None:
    """Let senders and periods point to their current submissions, those that pointed elsewhere taken ``away`` first."""
    pointer = tables.current_submission.c
    if away:
        connection.execute(
            delete(tables.current_submission).where(
                pointer.kind == bindparam("of_kind"),
                pointer.sender_code == bindparam("of_sender"),
                pointer.period == bindparam("of_period"),
            ),
            [{"of_kind": kind, "of_sender": sender, "of_period": period} for kind, sender, period in away],
        )
    insert_rows(
        connection,
        tables.current_submission,
        [
            {
                "kind": kind,
                "sender_code": sender,
                "period": period,
                "year": Period.parse(period).year,
                "submission_id": one.submission_id,
                "revision": one.revision,
            }
            for (kind, sender, period), one in moved.items()
        ],
    )


def _rival(manifest: Manifest, current: _Current) -> str | None:
    """What is told of two submissions of a sender and period with the same revision."""
    if current.revision != manifest.revision:
        return None
    return (
        f"{manifest.sender_code} {manifest.period.name_zh}有两个修订号同为{manifest.revision}的报送"
        f"({current.submission_id} 与 {manifest.submission_id}),以提交时间较晚的为准，请核对"
    )


def _locked_out(
    connection: Connection, manifest: Manifest, current: _Current, received_at: str
) -> str | None:
    """Keep what stands while the year is locked: nobody may move proposed or sealed results by sending again.

    Where nothing of the sender and period stands yet, a first submission is judged, and the rule LOCKED blocks it.

    Returns:
        What happened, in Chinese; ``None`` when the year is open.
    """
    locked_at = _locked_since(connection, manifest, current)
    if locked_at is None:
        return None
    connection.execute(
        insert(tables.locked_out),
        [
            {
                "submission_id": manifest.submission_id,
                "revision": manifest.revision,
                "year": manifest.period.year,
                "kept_submission_id": current.submission_id,
                "kept_revision": current.revision,
                "locked_at": locked_at,
                "received_at": received_at,
            }
        ],
    )
    return (
        f"{manifest.sender_code} {manifest.period.name_zh}的报送 {manifest.submission_id}（第{manifest.revision}次）"
        f"未采用：本年度数据已于 {locked_at} 锁定，仍以第{current.revision}次报送为准；"
        "确需更正的，请在公示期内申诉或申请更正，解锁后提高修订号重新报送"
    )


def _locked_since(connection: Connection, manifest: Manifest, current: _Current) -> str | None:
    """Since when the region that judged the current submission has the year locked."""
    lock, judged, read = tables.year_lock.c, tables.slice_parse.c, tables.parse.c
    query = (
        select(func.min(lock.locked_at))
        .select_from(tables.year_lock)
        .join(tables.slice_parse, and_(judged.year == lock.year, judged.region == lock.region))
        .join(tables.parse, read.parse_id == judged.parse_id)
        .where(
            lock.year == manifest.period.year,
            lock.lifted_at.is_(None),
            read.submission_id == current.submission_id,
            read.revision == current.revision,
        )
    )
    found: str | None = connection.execute(query).scalar()
    return found


def _key(manifest: Manifest) -> Key:
    return manifest.kind.value, manifest.sender_code, str(manifest.period)


def _current(connection: Connection, manifests: Iterable[Manifest]) -> dict[Key, _Current]:
    """The current submissions of the senders and periods of some manifests, where there are any.

    Asked for by each part of the key: SQLite reads the whole table where keys are asked for as tuples.
    """
    pointer, submission = tables.current_submission.c, tables.submission.c
    asked = {_key(manifest) for manifest in manifests}
    kinds, senders, periods = (sorted({key[part] for key in asked}) for part in range(3))
    query = (
        select(
            pointer.kind,
            pointer.sender_code,
            pointer.period,
            pointer.submission_id,
            pointer.revision,
            submission.submitted_at,
        )
        .join(
            tables.submission,
            and_(
                submission.submission_id == pointer.submission_id,
                submission.revision == pointer.revision,
            ),
        )
        .where(pointer.kind.in_(kinds), pointer.sender_code.in_(senders), pointer.period.in_(periods))
    )
    found = {(row[0], row[1], row[2]): _Current(*row[3:]) for row in connection.execute(query)}
    return {key: found[key] for key in asked if key in found}
