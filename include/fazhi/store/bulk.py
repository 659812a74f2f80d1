"""Many rows. In: a table and rows that fill the same columns, or a statement. Out: the rows, written or read in blocks.

A driver of PostgreSQL sends an INSERT for each row, whatever is handed to it at once; ``COPY`` costs a seventh of that.
SQLite has nobody to send to; there SQLAlchemy's preparing of each row takes as long as the database takes to write it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

_Item = TypeVar("_Item")
_NAMED_AT_ONCE = 500
"""How many of them one statement names; databases and drivers grow slow, and stop somewhere."""


def insert_rows(connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows, without holding all of them; each fills exactly the columns that the first one fills.

    Raises:
        KeyError: A row lacks a column.
        sqlalchemy.exc.SQLAlchemyError: As an ordinary insert; some of the rows may be in by then.
    """
    waiting = iter(rows)
    first = next(waiting, None)
    if first is None:
        return
    write = _copy if connection.dialect.name == "postgresql" else _insert
    write(connection, table, tuple(first), chain([first], waiting))


def blocks(connection: Connection, statement: Select[Any], size: int) -> Iterator[Sequence[Any]]:
    """The rows of a statement, so many at a time, without holding all of them."""
    result = connection.execute(statement, execution_options={"yield_per": size})
    yield from result.partitions()


def chunks(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items, as many at a time as one statement may name."""
    rest = iter(items)
    while some := list(islice(rest, _NAMED_AT_ONCE)):
        yield some


def _insert(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    statement, places = _insertion(table, tuple(columns))
    with _as_sqlalchemy_says(connection, statement):
        _driver(connection).executemany(statement, ([row[name] for name in places] for row in rows))


@lru_cache(maxsize=256)
def _insertion(table: Table, columns: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """An insert on SQLite and the columns of its places.

    Remembered: compiling one leaves cycles behind, and some callers have the collector of cycles paused.
    """
    compiled = insert(table).inline().compile(dialect=sqlite.dialect(), column_keys=columns)
    return compiled.string, tuple(compiled.positiontup or ())


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    statement = f"COPY {table.name} ({', '.join(columns)}) FROM STDIN"
    with (
        _as_sqlalchemy_says(connection, statement),
        _driver(connection).cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        for row in rows:
            copy.write_row([row[name] for name in columns])


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


@contextmanager
def _as_sqlalchemy_says(connection: Connection, statement: str) -> Iterator[None]:
    """What the driver raises, as whoever catches SQLAlchemy's errors expects it."""
    base = connection.dialect.loaded_dbapi.Error
    try:
        yield
    except base as failure:
        lost = connection.dialect.is_disconnect(failure, _driver(connection), None)
        if lost:
            connection.invalidate(failure)
        raise DBAPIError.instance(
            statement, None, failure, base, connection_invalidated=lost, dialect=connection.dialect
        ) from failure
