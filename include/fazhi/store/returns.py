"""Submissions that a steward sent back. In: rows of ``submission_return``. Out: the returns that stand.

Returns and their undoings take turns; the newest row says whether a submission is returned. A return asks for a
correction and settles nothing by itself: contracts/scoring.md (section 2) accepts a value by revision and findings
alone, so the values of a returned submission count as they did until a corrected revision comes.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, and_, exists, func, select

from fazhi.store.tables import portal_report, submission_return

RETURNED_RULE = "RETURNED"
"""What a steward's return is called where findings have their rule."""


@dataclass(frozen=True)
class StewardsReturn:
    """A return that stands: ``number`` of its row, why, and by whom."""

    submission_id: str
    revision: int
    number: int
    unit_code: str
    reason: str
    decided_by: str
    decided_name: str
    decided_at: str


RETURN_FIX_ZH = "请按审核员写明的原因和清单逐条更正后重新报送；如有疑问，请与考评办联系。"


def return_message_zh(reason: str) -> str:
    """What the department is told of a steward's return."""
    return f"审核员退回：{reason.rstrip('。')}。"


def standing_returns(connection: Connection, year: int) -> dict[tuple[str, int], StewardsReturn]:
    """The returns of a year that stand, by submission and revision."""
    rows = connection.execute(_standing().where(submission_return.c.year == year)).mappings()
    return {(row["submission_id"], row["revision"]): _of(row) for row in rows}


def standing_return(connection: Connection, submission_id: str, revision: int) -> StewardsReturn | None:
    """The return that stands on a revision, if one does."""
    here = (submission_return.c.submission_id == submission_id, submission_return.c.revision == revision)
    row = connection.execute(_standing().where(*here)).mappings().one_or_none()
    return None if row is None else _of(row)


def is_sent(connection: Connection, submission_id: str, revision: int, since: str) -> bool:
    """Whether the portal was written to about a revision at ``since`` or later: what was decided then is out of the house."""
    queued = exists().where(
        portal_report.c.submission_id == submission_id,
        portal_report.c.revision == revision,
        portal_report.c.queued_at >= since,
    )
    return bool(connection.execute(select(queued)).scalar_one())


def _standing() -> Select[Any]:
    newer = submission_return.alias("newer")
    latest = (
        select(func.max(newer.c.number))
        .where(
            newer.c.submission_id == submission_return.c.submission_id,
            newer.c.revision == submission_return.c.revision,
        )
        .scalar_subquery()
    )
    return select(submission_return).where(
        and_(submission_return.c.number == latest, submission_return.c.act == "return")
    )


def _of(row: RowMapping) -> StewardsReturn:
    return StewardsReturn(**{name: row[name] for name in StewardsReturn.__dataclass_fields__})
