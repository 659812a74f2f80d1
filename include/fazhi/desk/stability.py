"""How firmly a region's ranks stand, worked out once for the same results. In: a year, a region. Out: a page's share.

The whole year is worked out (``fazhi.score.sensitivity``) and kept in memory under the digest of all its results and
of the edition; a year with more lines than a page can wait for is left to the command line, and the page says so.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, replace
from datetime import date
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection, Engine, select

from fazhi.model.canonical import sha256_hex
from fazhi.registry import Registry
from fazhi.score import Sensitivity, sensitivity
from fazhi.score.sensitivity import LESS, MORE, WITHOUT
from fazhi.store import read
from fazhi.store.tables import current_result, result
from fazhi.systems.edition import Edition

MOST_LINES = 80_000
"""Units times indicators that a page may wait for, once."""
_KEPT = 8
Key = TypeVar("Key")


@dataclass(frozen=True)
class Stability:
    """What is known of how firmly ranks stand."""

    found: Sensitivity | None
    """``None`` when there is too much to work out for a page."""
    digest: str
    """Of the results that it was worked out from."""
    lines: int
    """Units times indicators of the edition."""


class Stabilities:
    """The newest answers, by digest; safe for several threads, each answer is worked out by one of them."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Sensitivity] = OrderedDict()
        self._cut: OrderedDict[tuple[str, str], Sensitivity] = OrderedDict()
        self._lock = Lock()

    def of(
        self, engine: Engine, edition: Edition, registry: Registry, year: int, region: str, *, today: date
    ) -> Stability:
        """The answer for a year, cut down to a region.

        Args:
            engine: The store.
            edition: The year's edition.
            registry: Tags and parents of the units.
            year: The assessment year.
            region: The region that is shown.
            today: The day in Asia/Shanghai that decides while the year still runs.

        Raises:
            UsageError: There are no results, or they were computed by another edition.
        """
        with read(engine) as connection:
            digest, units = _digest(connection, edition, registry, year, today)
        lines = units * len(edition.indicators)
        if lines > MOST_LINES:
            return Stability(None, digest, lines)
        with self._lock:
            cut = self._cut.get((digest, region))
            if cut is None:
                cut = _cut(self._whole(engine, edition, registry, year, today, digest), engine, year, region)
                _keep(self._cut, (digest, region), cut)
        return Stability(cut, digest, lines)

    def _whole(
        self, engine: Engine, edition: Edition, registry: Registry, year: int, today: date, digest: str
    ) -> Sensitivity:
        found = self._known.get(digest)
        if found is None:
            found = sensitivity(engine, edition, registry, year, today=today)
            _keep(self._known, digest, found)
        return found


def _keep(known: OrderedDict[Key, Sensitivity], key: Key, found: Sensitivity) -> None:
    """Keep the newest answers only."""
    known[key] = found
    while len(known) > _KEPT:
        known.popitem(last=False)


def _digest(
    connection: Connection, edition: Edition, registry: Registry, year: int, today: date
) -> tuple[str, int]:
    """Of everything that the answer depends on, and how many units it is about."""
    statement = (
        select(result.c.unit_code, result.c.content_digest)
        .join(
            current_result,
            (current_result.c.year == result.c.year)
            & (current_result.c.unit_code == result.c.unit_code)
            & (current_result.c.version == result.c.version),
        )
        .where(current_result.c.year == year)
        .order_by(result.c.unit_code)
    )
    rows = connection.execute(statement).all()
    day = registry.deciding_day(year, today).isoformat()
    parts = [edition.digest, registry.digest, day, *(part for row in rows for part in row)]
    return sha256_hex("\n".join(parts).encode()), len(rows)


def _cut(found: Sensitivity, engine: Engine, year: int, region: str) -> Sensitivity:
    """What concerns units of a region; pools never reach across regions' parents."""
    of_region = select(current_result.c.unit_code).where(
        current_result.c.year == year, current_result.c.region == region
    )
    with read(engine) as connection:
        here = frozenset(connection.scalars(of_region))
    moves = tuple(one for one in found.moves if one.unit_code in here)
    counts = Counter((one.indicator_code, one.tenths) for one in moves)
    largest: dict[str, int] = {}
    for one in moves:
        distance = abs(one.rank_after - one.rank)
        largest[one.indicator_code] = max(largest.get(one.indicator_code, 0), distance)
    return replace(
        found,
        units=tuple(one for one in found.units if one.unit_code in here),
        indicators=tuple(
            replace(
                one,
                moved_less=counts[one.indicator_code, LESS],
                moved_more=counts[one.indicator_code, MORE],
                moved_without=counts[one.indicator_code, WITHOUT],
                largest_move=largest.get(one.indicator_code, 0),
            )
            for one in found.indicators
        ),
        neighbours=tuple(one for one in found.neighbours if one.ahead in here and one.behind in here),
        boundaries=tuple(one for one in found.boundaries if one.unit_code in here),
        moves=moves,
    )
