"""Whether a year can still be decided on. In: a year and region. Out: a refusal in words while it is locked."""

from sqlalchemy import Connection, select

from fazhi.model.errors import UsageError
from fazhi.store.tables import parse, slice_parse, year_lock


def require_unlocked(connection: Connection, year: int, region: str | None) -> None:
    """Go on only while a region's year is not locked; without a region, while no region's is.

    Raises:
        UsageError: Its results are publicised or sealed.
    """
    locked = select(year_lock.c.reason).where(year_lock.c.year == year, year_lock.c.lifted_at.is_(None))
    if region is not None:
        locked = locked.where(year_lock.c.region == region)
    reason = connection.execute(locked.limit(1)).scalar_one_or_none()
    if reason is not None:
        raise UsageError(f"{year}年度数据已锁定（{reason}），不能退回或延期；确需更正的，请按申诉或更正办理")


def region_judged(connection: Connection, submission_id: str, revision: int) -> str | None:
    """The region with which a revision is judged; ``None`` before its first validation."""
    statement = (
        select(slice_parse.c.region)
        .join(parse, parse.c.parse_id == slice_parse.c.parse_id)
        .where(parse.c.submission_id == submission_id, parse.c.revision == revision)
        .limit(1)
    )
    return connection.execute(statement).scalar_one_or_none()
