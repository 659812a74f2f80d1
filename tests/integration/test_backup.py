"""Backup and restore drills on both databases: equal exports, and every damage noticed (合成数据)."""

import json
import shutil
from datetime import datetime

import pytest
from sqlalchemy import insert

from fazhi.audit import Actor, Event, append
from fazhi.model.errors import ConfigurationError, SystemFault
from fazhi.pipeline import SHANGHAI
from fazhi.services.backup import back_up, restore
from fazhi.store import connect, open_store, read, upgrade, write
from fazhi.store.raw import RawStore
from fazhi.store.tables import metadata, raw_file

NOW = datetime(2024, 10, 15, 3, 0, tzinfo=SHANGHAI)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.ci)])
def databases(request, tmp_path):
    """The URL of a filled store's database, and of an empty one."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'one.db'}", f"sqlite:///{tmp_path / 'other' / 'two.db'}"
        return
    if shutil.which("pg_dump") is None:
        pytest.skip("needs postgres: no pg_dump in PATH")
    cluster = request.getfixturevalue("cluster")
    both = cluster.empty(), cluster.empty()
    yield both
    for url in both:
        cluster.drop(url)


@pytest.fixture
def filled(databases, tmp_path):
    """A store with an audit chain and raw files."""
    engine, raw = connect(databases[0]), RawStore(str(tmp_path / "raw"))
    upgrade(engine)
    for number in range(3):
        sha256 = raw.put(f"合成数据 {number}".encode())
        with write(engine) as connection:
            connection.execute(
                insert(raw_file).values(sha256=sha256, size=number, first_seen_at=NOW.isoformat())
            )
            append(
                connection,
                Actor("op-1", "合成甲"),
                Event("raw.kept", sha256, NOW.isoformat(), after=sha256),
            )
    return engine, raw


def rows_of(engine):
    with read(engine) as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
            for table in metadata.sorted_tables
        }


def test_what_is_restored_is_what_was_backed_up(filled, databases, tmp_path):
    engine, raw = filled
    made = back_up(engine, raw, tmp_path / "backup", now=NOW)
    assert (made.raw_files, made.audit_seq) == (3, 3)
    other = RawStore(str(tmp_path / "raw-again"))
    restore(tmp_path / "backup", databases[1], other)
    again = open_store(databases[1])
    assert rows_of(again) == rows_of(engine)
    assert all(raw.get(sha256) == other.get(sha256) for (sha256, *_) in rows_of(engine)["raw_file"])


def test_the_chain_goes_on_after_a_restore(filled, databases, tmp_path):
    engine, raw = filled
    back_up(engine, raw, tmp_path / "backup", now=NOW)
    restore(tmp_path / "backup", databases[1], RawStore(str(tmp_path / "raw-again")))
    with write(open_store(databases[1])) as connection:
        append(connection, Actor("op-1", "合成甲"), Event("store.restored", "store", NOW.isoformat()))


def test_nothing_is_overwritten(filled, databases, tmp_path):
    engine, raw = filled
    back_up(engine, raw, tmp_path / "backup", now=NOW)
    with pytest.raises(ConfigurationError, match="已经存在"):
        back_up(engine, raw, tmp_path / "backup", now=NOW)
    with pytest.raises(ConfigurationError, match="恢复不覆盖任何东西"):
        restore(tmp_path / "backup", databases[0], raw)


def test_a_damaged_backup_is_refused_before_anything_is_written(filled, databases, tmp_path):
    engine, raw = filled
    made = back_up(engine, raw, tmp_path / "backup", now=NOW)
    dump = tmp_path / "backup" / made.dump
    whole = dump.read_bytes()
    dump.write_bytes(whole[:-7] + b"damaged")
    with pytest.raises(ConfigurationError, match="备份已损坏"):
        restore(tmp_path / "backup", databases[1], RawStore(str(tmp_path / "raw-again")))
    dump.write_bytes(whole)
    restore(tmp_path / "backup", databases[1], RawStore(str(tmp_path / "raw-again")))


def test_a_backup_whose_chain_was_cut_is_not_believed(filled, databases, tmp_path):
    engine, raw = filled
    back_up(engine, raw, tmp_path / "backup", now=NOW)
    manifest = tmp_path / "backup" / "backup.json"
    said = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(said | {"audit_seq": 4, "audit_digest": "0" * 64}), encoding="utf-8")
    with pytest.raises(SystemFault, match="审计链"):
        restore(tmp_path / "backup", databases[1], RawStore(str(tmp_path / "raw-again")))


def test_a_lost_raw_file_stops_the_backup(filled, tmp_path):
    engine, raw = filled
    shutil.rmtree(tmp_path / "raw")
    with pytest.raises(SystemFault, match="原始文件库中没有"):
        back_up(engine, raw, tmp_path / "backup", now=NOW)
    assert not (tmp_path / "backup").exists()
