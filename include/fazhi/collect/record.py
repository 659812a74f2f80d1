"""Recording submissions. In: manifests whose files are kept. Out: their rows, the current ones marked.

Of a sender and period one revision is current: the highest; between two submissions with the same revision,
the one submitted later, whatever the order they arrive in. Nothing recorded is ever changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Engine, and_, delete, func, insert, select

from fazhi.collect.manifest import Manifest
from fazhi.collect.rivals import in_turn
from fazhi.store import tables

Key = tuple[str, str, str]
"""Kind, sender and period."""

NextRevision = Literal["stated", "new", "unseen"]


@dataclass(frozen=True)
class Recorded:
    """How many submissions were new, how many known; problems in Chinese."""

    new: int = 0
    known: int = 0
    problems: tuple[str, ...] = ()


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
    contents = known_contents(connection, [manifest.submission_id for manifest in manifests])
    recorded = Recorded()
    for manifest in manifests:
        numbered = manifest if next_revision == "stated" else _numbered(connection, manifest, next_revision)
        if numbered is None or (numbered.submission_id, numbered.revision) in contents:
            recorded = replace(recorded, known=recorded.known + 1)
            continue
        contents[numbered.submission_id, numbered.revision] = numbered.content_digest
        _insert(connection, source, numbered, received_at)
        told = _locked_out(connection, numbered, received_at) or _make_current(connection, numbered)
        problems = (*recorded.problems, told) if told is not None else recorded.problems
        recorded = replace(recorded, new=recorded.new + 1, problems=problems)
    return recorded


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
    current = _current(connection, _key(manifest))
    if known and (
        how == "unseen" or (current is not None and (current.submission_id, current.revision) in known)
    ):
        return None
    highest = connection.execute(select(func.max(submission.revision)).where(same)).scalar() or 0
    return replace(manifest, revision=highest + 1)


def _insert(connection: Connection, source: str, manifest: Manifest, received_at: str) -> None:
    raw = tables.raw_file.c
    digests = {file.sha256: file.size for file in manifest.files}
    kept = set(connection.execute(select(raw.sha256).where(raw.sha256.in_(list(digests)))).scalars())
    _insert_rows(
        connection,
        tables.raw_file,
        [
            {"sha256": sha256, "size": size, "first_seen_at": received_at}
            for sha256, size in digests.items()
            if sha256 not in kept
        ],
    )
    identity = {"submission_id": manifest.submission_id, "revision": manifest.revision}
    row = {
        **identity,
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
    _insert_rows(connection, tables.submission, [row])
    _insert_rows(
        connection,
        tables.submission_file,
        [
            {**identity, "name": file.name, "role": file.role, "sha256": file.sha256, "size": file.size}
            for file in manifest.files
        ],
    )


def _insert_rows(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _locked_out(connection: Connection, manifest: Manifest, received_at: str) -> str | None:
    """Keep what stands while the year is locked: nobody may move proposed or sealed results by sending again.

    Returns:
        What happened, in Chinese; ``None`` when the year is open or nothing of the sender and period stands yet (such
        a first submission is judged, and the rule LOCKED blocks it).
    """
    current = _current(connection, _key(manifest))
    locked_at = _locked_since(connection, manifest, current) if current is not None else None
    if locked_at is None or (current.submission_id, current.revision) == (
        manifest.submission_id,
        manifest.revision,
    ):
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


def _locked_since(connection: Connection, manifest: Manifest, current: Any) -> str | None:
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


def _make_current(connection: Connection, manifest: Manifest) -> str | None:
    """Mark the submission as current unless a higher revision is; tells of a rival with the same revision."""
    current = _current(connection, _key(manifest))
    rival = None
    if current is not None:
        if current.revision == manifest.revision:
            rival = (
                f"{manifest.sender_code} {manifest.period.name_zh}有两个修订号同为{manifest.revision}的报送"
                f"({current.submission_id} 与 {manifest.submission_id}),以提交时间较晚的为准，请核对"
            )
        held = (current.revision, datetime.fromisoformat(current.submitted_at), current.submission_id)
        offered = (manifest.revision, datetime.fromisoformat(manifest.submitted_at), manifest.submission_id)
        if held >= offered:
            return rival
        kind, sender, period = _key(manifest)
        pointer = tables.current_submission.c
        connection.execute(
            delete(tables.current_submission).where(
                pointer.kind == kind, pointer.sender_code == sender, pointer.period == period
            )
        )
    kind, sender, period = _key(manifest)
    row = {
        "kind": kind,
        "sender_code": sender,
        "period": period,
        "year": manifest.period.year,
        "submission_id": manifest.submission_id,
        "revision": manifest.revision,
    }
    connection.execute(insert(tables.current_submission), [row])
    return rival


def _key(manifest: Manifest) -> Key:
    return manifest.kind.value, manifest.sender_code, str(manifest.period)


def _current(connection: Connection, key: Key) -> Any:
    """The current submission of a sender and period with the time it was submitted, or ``None``."""
    pointer, submission = tables.current_submission.c, tables.submission.c
    query = (
        select(pointer.submission_id, pointer.revision, submission.submitted_at)
        .join(
            tables.submission,
            and_(
                submission.submission_id == pointer.submission_id,
                submission.revision == pointer.revision,
            ),
        )
        .where(pointer.kind == key[0], pointer.sender_code == key[1], pointer.period == key[2])
    )
    return connection.execute(query).one_or_none()
