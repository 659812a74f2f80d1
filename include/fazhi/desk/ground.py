"""Changes of the ground on the desk. In: an archive or a proposal's number, a person. Out: what it does, and the rulings.

What is shown of a proposal is the document that was stored when it was made; a ruling names its digest. A change of the
ground touches every region, so whoever proposes or rules needs the right in each of them.
"""

import csv
import io
import json
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from fazhi.desk.package import folder_of, unpacked
from fazhi.desk.paging import PAGE_SIZE, Slice, cursor_of, key_of
from fazhi.desk.refusals import NotFound
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.pipeline import Desk, ground_change
from fazhi.review.ground import TREE_ZH, ground_digest, state_zh
from fazhi.store import read
from fazhi.store.tables import ground_applied, ground_proposal, ground_ruling

LISTED = 200
"""How many lines of each list the page shows; the download has them all."""

_STATES = {"approve": "approved", "refuse": "refused"}


@dataclass(frozen=True)
class GroundProposal:
    """A proposal and its ruling; ``state`` is ``open``, ``refused``, ``approved`` or ``applied``."""

    proposal_id: int
    tree: str
    proposed_by: str
    proposer_name: str
    proposed_at: str
    reason: str
    ground_digest: str
    shown_digest: str
    state: str
    decider_name: str
    decided_at: str
    ruling: str
    """The reason of the ruling."""

    @property
    def tree_zh(self) -> str:
        """What it would change, in words."""
        return TREE_ZH[self.tree]

    @property
    def state_zh(self) -> str:
        """How far it is, in words."""
        return state_zh(self.state)


@dataclass(frozen=True)
class Listed:
    """The first lines of a list, and how many it has."""

    rows: tuple[Any, ...]
    total: int

    @property
    def left_out(self) -> int:
        """How many are not shown."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Effect:
    """What a proposal does to a year that is not sealed: greatest moves first."""

    year: int
    units: int
    unchanged: int
    moves: Listed
    stops: Listed


@dataclass(frozen=True)
class ShownProposal:
    """A proposal with what it does."""

    proposal: GroundProposal
    changes: Listed
    effects: tuple[Effect, ...]
    is_stale: bool
    """Whether the ground has changed since: it cannot be approved any more."""


def ground_proposals(desk: Desk, *, after: str | None = None) -> Slice[GroundProposal]:
    """A page of proposals, newest first.

    Raises:
        UsageError: The cursor is none of ours.
    """
    statement = _select().order_by(ground_proposal.c.proposal_id.desc()).limit(PAGE_SIZE + 1)
    if (last := key_of(after, (int,))) is not None:
        statement = statement.where(ground_proposal.c.proposal_id < last[0])
    with read(desk.ground.engine) as connection:
        found = [_proposal(row) for row in connection.execute(statement).mappings()]
    rows = tuple(found[:PAGE_SIZE])
    return Slice(rows, cursor_of((rows[-1].proposal_id,)) if len(found) > PAGE_SIZE else None)


def shown_proposal(desk: Desk, proposal_id: int) -> ShownProposal:
    """A proposal with its stored effect.

    Raises:
        UsageError: There is none of that number.
    """
    found = _find(desk, proposal_id)
    document = _document(desk, found)
    places = ground_change.places_of(desk.settings)
    return ShownProposal(
        proposal=found,
        changes=_listed(document["changes"]),
        effects=tuple(_effect(year) for year in document["years"]),
        is_stale=found.state == "open" and ground_digest(places) != found.ground_digest,
    )


def effect_rows(desk: Desk, proposal_id: int) -> tuple[GroundProposal, Iterator[tuple[str, ...]]]:
    """Everything that a proposal does, as rows of text with a header; for a download.

    Raises:
        UsageError: There is none of that number.
    """
    found = _find(desk, proposal_id)
    return found, _rows(_document(desk, found))


def _rows(document: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    yield ("类别", "年度", "单位代码", "单位", "指标", "内容", "前", "后", "差")
    for line in document["changes"]:
        yield ("变更内容", "", "", "", "", line.strip(), "", "", "")
    for year in document["years"]:
        for move in year["moves"]:
            numbers = (move["before"] or "", move["after"] or "", move["difference"] or "")
            yield ("得分", str(year["year"]), move["unit_code"], move["name_zh"], "", "", *numbers)
        for stop in year["stops"]:
            about = (stop["unit_code"], stop["name_zh"], stop["indicator_code"], stop["rule"])
            yield ("不能计分的数据", str(year["year"]), *about, "", "", f"{stop['count']:+d}")


def _find(desk: Desk, proposal_id: int) -> GroundProposal:
    with read(desk.ground.engine) as connection:
        row = (
            connection.execute(_select().where(ground_proposal.c.proposal_id == proposal_id))
            .mappings()
            .one_or_none()
        )
    if row is None:
        raise NotFound(f"没有编号为 {proposal_id} 的提议")
    return _proposal(row)


def _document(desk: Desk, found: GroundProposal) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(desk.ground.raw.get(found.shown_digest))
    return document


def _select() -> Select[Any]:
    ruling = ground_ruling.c
    return (
        select(
            ground_proposal,
            ruling.verdict,
            ruling.decider_name,
            ruling.decided_at,
            ruling.reason.label("ruling"),
            ground_applied.c.applied_at,
        )
        .outerjoin(ground_ruling, ruling.proposal_id == ground_proposal.c.proposal_id)
        .outerjoin(ground_applied, ground_applied.c.proposal_id == ground_proposal.c.proposal_id)
    )


_KEPT = (
    *("proposal_id", "tree", "proposed_by", "proposer_name", "proposed_at", "reason"),
    *("ground_digest", "shown_digest"),
)


def _proposal(row: Mapping[Any, Any]) -> GroundProposal:
    state = "applied" if row["applied_at"] is not None else _STATES.get(row["verdict"], "open")
    return GroundProposal(
        **{name: row[name] for name in _KEPT},
        state=state,
        decider_name=row["decider_name"] or "",
        decided_at=row["decided_at"] or "",
        ruling=row["ruling"] or "",
    )


def _listed(rows: Sequence[Any]) -> Listed:
    return Listed(tuple(rows[:LISTED]), len(rows))


def _effect(year: Mapping[str, Any]) -> Effect:
    moves = sorted(year["moves"], key=lambda move: (-_size(move), move["unit_code"]))
    return Effect(year["year"], year["units"], year["unchanged"], _listed(moves), _listed(year["stops"]))


def _size(move: Mapping[str, Any]) -> float:
    """How far a unit moves; who wins or loses a result comes first. Only the order hangs on it."""
    return float("inf") if move["difference"] is None else abs(float(move["difference"]))


# --- acts -----------------------------------------------------------------------------------------------------------


def submitted(content: bytes) -> ground_change.Submitted:
    """What an uploaded archive wants to change: editions, or else units, tasks, adjustments or holidays.

    Raises:
        UsageError: The archive cannot be opened, or it is not clear what it is.
        ConfigurationError: An edition in it is faulty.
    """
    files = unpacked(content)
    is_edition = any(path.rpartition("/")[2] == "system.yaml" for path in files)
    with folder_of(files) as folder, _plain_places():
        if is_edition:
            return ground_change.submitted_editions(folder)
        return ground_change.submitted_registry(folder)


@contextmanager
def _plain_places() -> Iterator[None]:
    """Say “the archive” where a fault names the temporary folder."""
    try:
        yield
    except ConfigurationError as stop:
        head, *_ = str(stop).split("\n")
        raise ConfigurationError(_plain(head), tuple(_plain(fault) for fault in stop.faults)) from stop
    except UsageError as stop:
        raise UsageError(_plain(str(stop))) from stop


_TEMPORARY = re.compile(rf"({re.escape(tempfile.gettempdir())}/)?fazhi-ground-[A-Za-z0-9_]+")


def _plain(text: str) -> str:
    return _TEMPORARY.sub("压缩包", text)


def as_csv(rows: Iterator[tuple[str, ...]]) -> str:
    """Rows as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
