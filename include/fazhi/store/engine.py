"""Opening the store. In: a SQLAlchemy URL. Out: an engine, write transactions, read connections.

SQLite gets WAL, a busy timeout, foreign keys and ``BEGIN IMMEDIATE`` for writers (a transaction that reads and then
writes is otherwise refused at once, whatever the timeout). PostgreSQL gets the same promises: one writer at a time by an
advisory lock, and readers that see one moment by repeatable read. A SQLite store is created and upgraded on opening;
PostgreSQL only by ``upgrade`` (cli.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from fazhi.model.errors import ConfigurationError, Unreachable

_BUSY_MS = 60_000
_WRITERS = 0x66617A6869  # "fazhi": the number of the advisory lock that writers on PostgreSQL take


def open_store(url: str) -> Engine:
    """An engine on an up-to-date store.

    Raises:
        ConfigurationError: A PostgreSQL store is not at the newest migration; or as ``connect``.
        Unreachable: As ``at_head``.
    """
    engine = connect(url)
    if engine.dialect.name == "sqlite":
        if not at_head(engine):
            upgrade(engine)
    elif not at_head(engine):
        raise ConfigurationError("数据库结构不是最新版本，请先执行 fazhi store upgrade")
    return engine


def connect(url: str) -> Engine:
    """An engine, whatever the state of its schema; nothing is connected yet.

    Raises:
        ConfigurationError: The address is none of SQLite or PostgreSQL, or the folder of the file cannot be made.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database not in (None, "", ":memory:"):
        folder = Path(str(parsed.database)).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise ConfigurationError(f"数据库文件夹 {folder} 建不起来：{failure.strerror}") from failure
    # a server that was restarted meanwhile is not taken for one that is down
    engine = create_engine(parsed, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _parsed(url: str) -> URL:
    """The address; no message repeats it, for it may hold a password."""
    try:
        parsed = make_url(url)
        known = parsed.get_backend_name() in ("sqlite", "postgresql")
        if known:
            parsed.get_dialect()
    except (SQLAlchemyError, ImportError, ValueError):
        known = False
    if not known:
        raise ConfigurationError(
            "FAZHI_STORE_URL（或 Airflow 连接 fazhi_store）不可用：应写作 sqlite:////路径/文件.db 或 "
            "postgresql://用户:密码@主机/数据库"
        )
    return parsed


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are opened explicitly, see write() and read()
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """One write transaction: committed whole at the end, or not at all."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            become_the_writer(connection)
            yield connection
        except BaseException:
            connection.rollback()
            if engine.dialect.name == "sqlite":
                _end_sqlite(connection, "ROLLBACK")
            raise
        if engine.dialect.name == "sqlite":
            _end_sqlite(connection, "COMMIT")
        connection.commit()


def become_the_writer(connection: Connection) -> None:
    """Wait until no other transaction writes, and hold that until this one ends; repeating it costs nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _WRITERS})


def _end_sqlite(connection: Connection, statement: str) -> None:
    driver = connection.connection.driver_connection
    if driver is not None and driver.in_transaction:
        driver.execute(statement)


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """One consistent view for reading."""
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.rollback()
            if engine.dialect.name == "sqlite":
                _end_sqlite(connection, "ROLLBACK")


def _alembic(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["engine"] = engine
    return config


def at_head(engine: Engine) -> bool:
    """Whether the store's schema is the newest one.

    Raises:
        Unreachable: The database server cannot be reached, or does not let us in.
        ConfigurationError: The SQLite file cannot be opened, or is none.
    """
    head = ScriptDirectory.from_config(_alembic(engine)).get_current_head()
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == head
    except DatabaseError as failure:
        where = engine.url.render_as_string(hide_password=True)
        if engine.dialect.name == "sqlite":
            raise ConfigurationError(
                f"数据库文件 {where} 打不开，或者不是数据库：{failure.orig}"
            ) from failure
        raise Unreachable(f"数据库 {where} 连接不上，数据没有改变；请稍后再试") from failure


def upgrade(engine: Engine) -> None:
    """Bring the store's schema to the newest migration; safe to repeat and to run twice at once."""
    command.upgrade(_alembic(engine), "head")
