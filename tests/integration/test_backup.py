"""Backup and restore drills on both databases: equal exports, and every damage noticed (合成数据)."""

import hashlib
import json
import shutil
from datetime import datetime

import pytest
from sqlalchemy import insert, text

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


# ---- the ground, and Airflow's metadata ------------------------------------------------------------------


@pytest.fixture
def ground(tmp_path):
    """A folder of the ground with a file of a folder below, and what runs leave behind."""
    for name, content in {
        "units.csv": "150200",
        "2024/rules.yaml": "合成",
        "uncommitted/old.html": "x",
    }.items():
        path = tmp_path / "ground" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return {"registry": tmp_path / "ground"}


def test_the_ground_comes_back_as_it_was_without_what_runs_leave_behind(filled, databases, ground, tmp_path):
    made = back_up(*filled, tmp_path / "backup", now=NOW, ground=ground)
    assert made.ground == {
        "registry/units.csv": hashlib.sha256(b"150200").hexdigest(),
        "registry/2024/rules.yaml": hashlib.sha256("合成".encode()).hexdigest(),
    }
    again = tmp_path / "ground-again"
    restore(tmp_path / "backup", databases[1], RawStore(str(tmp_path / "r")), ground={"registry": again})
    found = {path.relative_to(again).as_posix() for path in again.rglob("*") if path.is_file()}
    assert found == {"units.csv", "2024/rules.yaml"}
    assert (again / "2024" / "rules.yaml").read_text(encoding="utf-8") == "合成"


def test_another_ground_is_not_overwritten_and_nothing_else_is_restored(filled, databases, ground, tmp_path):
    back_up(*filled, tmp_path / "backup", now=NOW, ground=ground)
    (tmp_path / "ground" / "units.csv").write_text("150300", encoding="utf-8")
    raw = RawStore(str(tmp_path / "raw-again"))
    with pytest.raises(ConfigurationError, match="内容与备份不同"):
        restore(tmp_path / "backup", databases[1], raw, ground=ground)
    assert (tmp_path / "ground" / "units.csv").read_text(encoding="utf-8") == "150300"
    (tmp_path / "ground" / "units.csv").write_text("150200", encoding="utf-8")
    restore(tmp_path / "backup", databases[1], raw, ground=ground)  # the store was left empty


@pytest.mark.parametrize("inside", ["registry/units.csv", "registry/../../outside.csv"])
def test_a_damaged_ground_is_refused(filled, databases, ground, tmp_path, inside):
    back_up(*filled, tmp_path / "backup", now=NOW, ground=ground)
    manifest = tmp_path / "backup" / "backup.json"
    said = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(said | {"ground": {inside: "0" * 64}}), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="备份已损坏"):
        restore(
            tmp_path / "backup",
            databases[1],
            RawStore(str(tmp_path / "r")),
            ground={"registry": tmp_path / "g"},
        )


def test_a_missing_folder_of_the_ground_stops_the_backup(filled, tmp_path):
    with pytest.raises(ConfigurationError, match="不存在"):
        back_up(*filled, tmp_path / "backup", now=NOW, ground={"registry": tmp_path / "nowhere"})
    assert not (tmp_path / "backup").exists()


@pytest.fixture
def airflow(request, databases, tmp_path):
    """Airflow's metadata database with one run in it, and an empty one; with the driver that Airflow names."""
    if databases[0].startswith("sqlite"):
        urls = f"sqlite:///{tmp_path / 'airflow.db'}", f"sqlite:///{tmp_path / 'airflow-again.db'}"
    else:
        cluster = request.getfixturevalue("cluster")
        urls = cluster.empty(), cluster.empty()
    with write(connect(urls[0])) as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('合成')"))
        connection.execute(text("CREATE TABLE dag_run (run_id VARCHAR(32))"))
        connection.execute(text("INSERT INTO dag_run VALUES ('2024-合成')"))
    yield tuple(url.replace("+psycopg:", "+psycopg2:") for url in urls)
    if not databases[0].startswith("sqlite"):
        for url in urls:
            cluster.drop(url)


def test_the_history_of_runs_comes_back_and_no_other_is_overwritten(filled, databases, airflow, tmp_path):
    back_up(*filled, tmp_path / "backup", now=NOW, metadata_url=airflow[0])
    raw = RawStore(str(tmp_path / "raw-again"))
    with pytest.raises(ConfigurationError, match="恢复不覆盖任何东西"):
        restore(tmp_path / "backup", databases[1], raw, metadata_url=airflow[0])
    restore(tmp_path / "backup", databases[1], raw, metadata_url=airflow[1])
    with read(connect(airflow[1].replace("+psycopg2:", "+psycopg:"))) as connection:
        assert connection.execute(text("SELECT run_id FROM dag_run")).scalars().all() == ["2024-合成"]
