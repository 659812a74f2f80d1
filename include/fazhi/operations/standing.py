"""Rows that have not moved for too long. In: a table's year and moment, what counts as waiting. Out: one alarm a year."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from fazhi.operations.alarm import Alarm, alarm
from fazhi.operations.limits import Kind
from fazhi.pipeline import SHANGHAI, Ground
from fazhi.store import read


def standing_by_year(
    ground: Ground,
    kind: Kind,
    now: datetime,
    *,
    year: ColumnElement[int],
    since: ColumnElement[str],
    waiting: ColumnElement[bool],
    words: str,
) -> Iterator[Alarm]:
    """One alarm for each year in which rows have waited longer than the kind's patience.

    Args:
        ground: The store.
        kind: The kind of alarm, with its patience.
        now: The present moment.
        year: The column that says to which year a row belongs.
        since: The column with the moment from which a row waits, as ISO text in Beijing time.
        waiting: Which rows wait.
        words: What stands after the number in Chinese: measure word, what it is, and what did not happen.
    """
    before = (now.astimezone(SHANGHAI) - kind.patience).isoformat(timespec="seconds")
    counted = (
        select(year, func.count(), func.min(since))
        .where(waiting, since < before)
        .group_by(year)
        .order_by(year)
    )
    with read(ground.engine) as connection:
        rows = connection.execute(counted).all()
    for which, count, oldest in rows:
        yield alarm(kind, f"{which}年度有 {count} {words}", subject=str(which), since=oldest)
