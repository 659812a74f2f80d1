"""Later deadlines that were granted. In: requests and rulings. Out: the new last day of a unit and period.

The newest ruling of a request stands; of several granted requests the latest day counts.
"""

from typing import Any

from sqlalchemy import Connection, Select, func, select

from fazhi.store.tables import department_request, request_ruling


def extensions(connection: Connection, year: int) -> dict[tuple[str, str], str]:
    """The granted last days (ISO) of a year, by unit and period."""
    return {(row.unit_code, row.period): row.until for row in connection.execute(granted_days(year))}


def granted_days(year: int) -> Select[Any]:
    """A query of them: ``unit_code``, ``period``, ``until``."""
    return _granted().where(department_request.c.year == year)


def extension(connection: Connection, unit_code: str, period: str) -> str | None:
    """The granted last day (ISO) of a unit's period; ``None`` where none was granted."""
    here = (department_request.c.unit_code == unit_code, department_request.c.period == period)
    row = connection.execute(_granted().where(*here)).one_or_none()
    return None if row is None else str(row.until)


def _granted() -> Select[Any]:
    newer = request_ruling.alias("newer")
    latest = (
        select(func.max(newer.c.number))
        .where(newer.c.request_id == request_ruling.c.request_id)
        .scalar_subquery()
    )
    asked = department_request.c
    return (
        select(asked.unit_code, asked.period, func.max(asked.until).label("until"))
        .join(request_ruling, request_ruling.c.request_id == asked.request_id)
        .where(
            asked.kind == "extension",
            request_ruling.c.number == latest,
            request_ruling.c.verdict == "approve",
        )
        .group_by(asked.unit_code, asked.period)
    )
