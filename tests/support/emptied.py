"""A PostgreSQL database to measure in. In: the URL of one that may be overwritten. Out: the same, without any table."""

from sqlalchemy import create_engine, text


def emptied(url: str) -> str:
    """Remove everything in the database; its URL."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return url
