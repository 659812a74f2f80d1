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
        rival = _make_current(connection, numbered)
        problems = (*recorded.problems, rival) if rival is not None else recorded.problems
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
