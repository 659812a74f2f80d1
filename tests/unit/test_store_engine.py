"""The store: created whole, migrations equal the tables, transactions are all or nothing, promises are constraints."""

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from fazhi.store import at_head, open_store, read, write
from fazhi.store.tables import decision, metadata, raw_file


def _file(digest: str) -> dict:
    return {"sha256": digest * 64, "size": 1, "first_seen_at": "2024-01-01T00:00:00+08:00"}


# SQLite tells nothing of an index over an expression; PostgreSQL does, and is compared too
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_make_exactly_the_tables(engine):
    assert at_head(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_opening_twice_changes_nothing(tmp_path):
    url = f"sqlite:///{tmp_path / 'twice.db'}"
    first, second = open_store(url), open_store(url)
    assert at_head(first)
    assert at_head(second)


def test_a_failed_transaction_leaves_nothing(engine):
    def stop_halfway() -> None:
        with write(engine) as connection:
            connection.execute(insert(raw_file).values(**_file("a")))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_halfway()
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(raw_file)) == 0


def test_writers_wait_for_each_other(engine):
    def add(letter: str) -> None:
        with write(engine) as connection:
            known = connection.scalar(select(func.count()).select_from(raw_file))
            connection.execute(insert(raw_file).values(**(_file(letter) | {"size": known})))

    threads = [threading.Thread(target=add, args=(letter,)) for letter in "abcdef"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with read(engine) as connection:
        assert sorted(connection.scalars(select(raw_file.c.size))) == [0, 1, 2, 3, 4, 5]


def test_a_reader_sees_one_moment(engine):
    with read(engine) as reader:
        assert reader.scalar(select(func.count()).select_from(raw_file)) == 0
        with write(engine) as writer:
            writer.execute(insert(raw_file).values(**_file("a")))
        assert reader.scalar(select(func.count()).select_from(raw_file)) == 0


def test_who_asked_does_not_decide(engine):
    row = {
        "kind": "hold",
        "year": 2024,
        "unit_code": "11150200MB1A00001R",
        "indicator_code": "A1.1",
        "period": "2024-Q1",
        "verdict": "approve",
        "reason": "合成测试",
        "requested_by": "审核员甲",
        "decided_by": "审核员甲",
        "decided_at": "2024-05-01T09:00:00+08:00",
    }
    with pytest.raises(IntegrityError, match="four_eyes"), write(engine) as connection:
        connection.execute(insert(decision).values(**row))
