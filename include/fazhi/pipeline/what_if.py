"""What a changed ground would do. In: the store, the ground as it is and as proposed. Out: who moves, who becomes invalid.

Both grounds judge and score a copy of the year's accepted data by the very functions of the night, in a scratch store
that is thrown away: nothing is written to the store and nothing is published.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, insert, select

from fazhi.intake import parse_slice
from fazhi.model.errors import ConfigurationError
from fazhi.pipeline.ground import Progress
from fazhi.registry import Registry
from fazhi.registry.calendar import WorkingDays
from fazhi.score.slice import provisional_scores
from fazhi.store import open_store, read
from fazhi.store.findings import current_findings
from fazhi.store.raw import RawStore
from fazhi.store.tables import current_submission, metadata
from fazhi.systems import Edition, Editions
from fazhi.validate import validate_slice

_COPIED_FROM_YEARS_BACK = 4
_LEFT_OUT = frozenset(
    {
        *("audit", "outbox", "receipt", "pipeline_run"),
        *("result", "result_line", "result_input", "result_adjustment", "current_result"),
        *("ground_proposal", "ground_ruling", "ground_applied"),
    }
)
_BATCH = 2_000
_STOPPING = frozenset({"block", "hold", "security"})


@dataclass(frozen=True)
class Standpoint:
    """A ground to judge and score on."""

    editions: Editions
    registry: Registry
    calendar: WorkingDays


@dataclass(frozen=True)
class Move:
    """A unit whose score differs; hundredths of a point, ``None`` = no result."""

    unit_code: str
    name_zh: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Stop:
    """How many more (or, negative, fewer) findings keep a unit's values of an indicator from being scored."""

    unit_code: str
    name_zh: str
    indicator_code: str
    rule: str
    severity: str
    count: int


@dataclass(frozen=True)
class YearEffect:
    """What changes for a year: moves by unit, stops by unit and indicator, how many units stay as they are."""

    year: int
    units: int
    moves: tuple[Move, ...]
    stops: tuple[Stop, ...]

    @property
    def unchanged(self) -> int:
        """How many units keep their score."""
        return self.units - len(self.moves)


def what_if(
    engine: Engine,
    raw: RawStore,
    before: Standpoint,
    after: Standpoint,
    year: int,
    *,
    now: datetime,
    progress: Progress | None = None,
) -> YearEffect:
    """The effect of a ground on a year's accepted data.

    Args:
        engine: The store; only read.
        raw: The files of the submissions; only read.
        before: The ground to compare with.
        after: The proposed ground.
        year: The assessment year.
        now: The present moment, with its offset.
        progress: Told in Chinese what is being done.

    Raises:
        ConfigurationError: One of the grounds has no edition for the year.
        UsageError: The year has not begun.
    """
    say = progress or (lambda _message: None)
    with _scratch(engine, year) as scratch:
        say(f"{year}年：按现行规定计算")
        old = _state(scratch, raw, before, year, now)
        say(f"{year}年：按提议的规定计算")
        new = _state(scratch, raw, after, year, now)
    names = {**old.names, **new.names}
    moves = tuple(
        Move(code, names[code], old.scores.get(code), new.scores.get(code))
        for code in sorted({*old.scores, *new.scores})
        if old.scores.get(code) != new.scores.get(code)
    )
    counts = Counter(new.stops)
    counts.subtract(old.stops)
    stops = tuple(
        Stop(unit, names.get(unit, unit), code, rule, severity, count)
        for (unit, code, rule, severity), count in sorted(counts.items())
        if count
    )
    return YearEffect(year, len({*old.scores, *new.scores}), moves, stops)


def years_with_data(engine: Engine) -> set[int]:
    """The assessment years that something was submitted for."""
    with read(engine) as connection:
        return set(connection.scalars(select(current_submission.c.year).distinct()))


@dataclass(frozen=True)
class _State:
    names: Mapping[str, str]
    scores: Mapping[str, int]
    stops: Mapping[tuple[str, str, str, str], int]


def _state(engine: Engine, raw: RawStore, ground: Standpoint, year: int, now: datetime) -> _State:
    today = now.date()
    edition = ground.editions.for_year(year)
    earlier = _edition_of(ground.editions, year - 1)
    if earlier is not None:
        parse_slice(engine, raw, earlier, ground.registry, year - 1, today, now=now)
    parse_slice(engine, raw, edition, ground.registry, year, today, now=now)
    scores: dict[str, int] = {}
    regions = ground.registry.regions(year, today)
    for region in regions:
        validate_slice(
            engine,
            edition,
            ground.registry,
            year,
            region,
            today,
            gx_dir=None,  # the proposed edition has no suite yet; the listing is the same rules
            now=now,
            calendar=ground.calendar,
        )
    with read(engine) as connection:
        for region in regions:
            scores |= provisional_scores(connection, edition, ground.registry, year, region, today=today)
        found = current_findings(connection, year)
    stops = Counter(
        (row["unit_code"], row["indicator_code"] or "", row["rule"], row["severity"])
        for row in found
        if row["severity"] in _STOPPING
    )
    names = {unit.unit_code: unit.name_zh for unit in ground.registry.units_of_year(year, today)}
    return _State(names, scores, stops)


def _edition_of(editions: Editions, year: int) -> Edition | None:
    try:
        return editions.for_year(year)
    except ConfigurationError:  # the year before the first edition is not assessed
        return None


@contextmanager
def _scratch(engine: Engine, year: int) -> Iterator[Engine]:
    """A copy of what judging and scoring a year needs, on SQLite, whatever the store is."""
    with TemporaryDirectory(prefix="fazhi-what-if-") as folder:
        scratch = open_store(f"sqlite:///{Path(folder) / 'what-if.db'}")
        try:
            _copy(engine, scratch, year)
            yield scratch
        finally:
            scratch.dispose()


def _copy(source: Engine, target: Engine, year: int) -> None:
    with read(source) as reader, target.connect() as writer:
        # findings of years copied may point at values of years left out
        writer.exec_driver_sql("PRAGMA foreign_keys=OFF")
        writer.exec_driver_sql("BEGIN")
        for table in metadata.sorted_tables:
            if table.name in _LEFT_OUT:
                continue
            statement = select(table)
            if "year" in table.c:
                statement = statement.where(table.c.year.between(year - _COPIED_FROM_YEARS_BACK, year))
            rows = reader.execute(statement, execution_options={"yield_per": _BATCH}).mappings()
            for batch in rows.partitions():
                writer.execute(insert(table), [dict(row) for row in batch])
        writer.exec_driver_sql("COMMIT")
        writer.commit()
        writer.exec_driver_sql("PRAGMA foreign_keys=ON")
