"""Many rows at once: written as they are, refused as a single one would be."""

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from fazhi.store import open_store, read, write
from fazhi.store.bulk import chunks, insert_rows
from fazhi.store.tables import duty_dim, unit_dim


def _units(*names: str | None) -> list[dict[str, object]]:
    return [
        {
            "duty_digest": "d" * 64,
            "unit_code": f"U{number}",
            "name_zh": name,
            "exists_in_year": 1,
            "has_duty": 0,
            "successor_code": None,
            "region": "150200",
        }
        for number, name in enumerate(names)
    ]


def test_rows_come_back_as_they_were_written(engine: Engine):
    rows = _units("甲局", "tab\tand\nline", "back\\slash \\N", "", "“引号”'\"")
    with write(engine) as connection:
        insert_rows(connection, unit_dim, iter(rows))
    with read(engine) as connection:
        stored = connection.execute(select(unit_dim).order_by(unit_dim.c.unit_code)).mappings().all()
    assert [dict(row) for row in stored] == rows


def test_more_rows_than_one_statement_takes_are_all_there(engine: Engine):
    rows = [
        {"duty_digest": "d" * 64, "unit_code": f"U{n // 50:04d}", "indicator_code": f"A{n % 50}"}
        for n in range(4_321)
    ]
    with write(engine) as connection:
        insert_rows(connection, duty_dim, (row for row in rows))
        insert_rows(connection, duty_dim, [])
    with read(engine) as connection:
        stored = connection.execute(select(duty_dim)).mappings().all()
    key = str
    assert sorted((dict(row) for row in stored), key=key) == sorted(rows, key=key)


def test_a_row_that_is_there_already_is_refused_and_nothing_of_its_transaction_stays(engine: Engine):
    with write(engine) as connection:
        insert_rows(connection, unit_dim, _units("甲局"))
    with pytest.raises(IntegrityError), write(engine) as connection:
        insert_rows(connection, unit_dim, [*_units("甲局", "乙局")[1:], *_units("丙局")])
    with read(engine) as connection:
        assert connection.execute(select(unit_dim.c.name_zh)).scalars().all() == ["甲局"]


def test_nothing_is_cut_off_to_fit(postgres_url: str):
    engine = open_store(postgres_url)
    row = _units("甲局")[0] | {"duty_digest": "d" * 65}
    with pytest.raises(DBAPIError, match="value too long"), write(engine) as connection:
        insert_rows(connection, unit_dim, [row])
    with read(engine) as connection:
        assert connection.execute(select(unit_dim)).all() == []
    engine.dispose()


def test_a_row_without_one_of_the_columns_is_refused(engine: Engine):
    whole = _units("甲局", "乙局")
    del whole[1]["name_zh"]
    with pytest.raises(KeyError), write(engine) as connection:
        insert_rows(connection, unit_dim, whole)
    with read(engine) as connection:
        assert connection.execute(select(unit_dim)).all() == []


def test_chunks_are_whole_in_order_and_bounded():
    assert list(chunks([])) == []
    found = list(chunks(range(1_234)))
    assert [number for some in found for number in some] == list(range(1_234))
    assert {len(some) for some in found[:-1]} == {500}
