"""PostgreSQL as a first-class store: roles with the least rights, one writer at a time, upgrades that may meet."""

import ast
import re
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, inspect, select, text
from sqlalchemy.exc import ProgrammingError

from fazhi import pipeline
from fazhi.audit import Actor, Event, append, verify
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.review import Ruling, decide_not_applicable
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.store import at_head, connect, open_store, read, upgrade, write
from fazhi.store.roles import CHANGED, Roles, make_roles, role_statements
from fazhi.store.statistics import ANALYZE_FUNCTIONS, gather_statistics
from fazhi.store.tables import metadata
from fazhi.systems import load_editions
from fazhi.validate import validate_slice
from fazhi.validate.sql import listing_statement
from fazhi.validate.suites import project_files
from support import bulk
from support.audit import NOON, add_events, event_at
from support.city import write_city
from support.validate import EDITIONS, GX_DIR, REGION, counts_by_queries

ROLES = Roles()
NOW = datetime.fromisoformat(NOON)
YEAR = 2024
REFUSED = r"permission denied|must be owner"


@pytest.fixture
def as_role(cluster, postgres_url):
    """Opens the store as one of the roles."""
    make_roles(connect(postgres_url), ROLES)
    name = connect(postgres_url).url.database
    opened: list[Engine] = []

    def open_as(role: str) -> Engine:
        opened.append(connect(cluster.url(str(name), user=role)))
        return opened[-1]

    yield open_as
    for engine in opened:
        engine.dispose()


# --- roles ----------------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_the_application_runs_a_night_and_cannot_touch_the_audit_log(as_role, tmp_path, registry, editions):
    engine = as_role(ROLES.application)
    city = write_city(
        registry, editions, tmp_path / "city", years=range(YEAR, YEAR + 1), units=4, faults="0.05"
    )
    gx = tmp_path / "gx"
    for path, content in project_files(
        load_editions(PROJECT_ROOT / "include" / "indicator_systems").all
    ).items():
        (gx / path).parent.mkdir(parents=True, exist_ok=True)
        (gx / path).write_text(content, encoding="utf-8")
    settings = Settings.load(
        environ={
            "FAZHI_STORE_URL": engine.url.render_as_string(hide_password=False),
            "FAZHI_RAW_URL": str(tmp_path / "raw"),
            "FAZHI_INBOX": str(city.inbox),
            "FAZHI_GX_DIR": str(gx),
        }
    )
    plan = {"partition_key": str(YEAR), "run_type": "scheduled", "mode": "auto", "reason": None, "actor": ""}
    pipeline.plan_run(settings, run_id="scheduled__1", now=NOW, **plan)
    for _night in range(2):  # the second one changes pointers
        assert pipeline.collect(settings, YEAR)["problems"] == []
        pipeline.intake(settings, YEAR)
        for region in pipeline.region_codes(settings, YEAR):
            pipeline.validate(settings, YEAR, region)
            assert pipeline.score(settings, YEAR, region)["scored"] > 4
    unit = pipeline.Ground(settings).registry.scored_units(YEAR, NOW.date())[0]
    decide_not_applicable(
        engine,
        unit_code=unit.unit_code,
        indicator_code="A1.1",
        period=str(YEAR),
        ruling=Ruling("approve", "合成理由", "kp-2", "kp-1"),
        now=NOW,
    )
    before = verify(engine)
    assert before.count >= 2
    for statement in (
        "UPDATE audit SET actor_name = 'x'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "DROP TABLE audit",
    ):
        with (
            pytest.raises(ProgrammingError, match=REFUSED),
            write(engine) as connection,
        ):
            connection.execute(text(statement))
    assert verify(engine) == before


@pytest.mark.ci
def test_the_application_has_no_ddl_and_adds_only_to_what_is_only_added_to(as_role):
    engine = as_role(ROLES.application)
    for statement in (
        "CREATE TABLE mine (n int)",
        "ALTER TABLE audit DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_only_insert ON audit",
        "DELETE FROM decision",
        "UPDATE result SET score = '100.00'",
        "DELETE FROM outbox",
        "UPDATE alembic_version SET version_num = '0001'",
    ):
        with (
            pytest.raises(ProgrammingError, match=REFUSED),
            write(engine) as connection,
        ):
            connection.execute(text(statement))


@pytest.mark.ci
def test_the_reader_only_reads(as_role):
    add_events(as_role(ROLES.application), 1)
    engine = as_role(ROLES.reader)
    assert verify(engine).count == 1
    with pytest.raises(ProgrammingError, match="permission denied"), write(engine) as connection:
        append(connection, Actor("a", "合成"), event_at(1))


@pytest.mark.ci
def test_the_owner_migrates_but_the_trigger_still_refuses(as_role):
    engine = as_role(ROLES.owner)
    upgrade(engine)
    add_events(engine, 1)
    with pytest.raises(Exception, match="audit rows are never"), write(engine) as connection:
        connection.execute(text("DELETE FROM audit"))


@pytest.mark.ci
def test_making_the_roles_twice_changes_nothing(as_role, postgres_url):
    as_role(ROLES.application)
    make_roles(connect(postgres_url), ROLES)


def test_roles_are_for_postgresql_only(engine):
    with pytest.raises(UsageError, match="只有 PostgreSQL 数据库有角色"):
        make_roles(engine, ROLES)


@pytest.mark.parametrize("names", [("a;drop", "b", "c"), ("a", "a", "b"), ("A", "b", "c"), ("", "b", "c")])
def test_names_that_are_no_names_never_become_sql(names):
    with pytest.raises(UsageError):
        role_statements(Roles(*names))


def test_every_table_that_the_code_changes_is_granted_and_no_other():
    """Looks at the code itself: `update(table)` and `delete(table)` anywhere in the package."""
    changed: set[str] = {"finding"}  # changed by a statement in text (validate/words.py)
    for path in (PROJECT_ROOT / "include" / "fazhi").rglob("*.py"):
        if "sandbox" not in path.parts and "migrations" not in path.parts:
            changed |= _changed_tables(path)
    assert changed == set(CHANGED)


def _changed_tables(path: Path) -> set[str]:
    """Tables of ``update(table)`` and ``table.update()``; and the same of ``delete``."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in ("update", "delete"):
                about = node.args[:1] if isinstance(node.func, ast.Name) else [node.func.value]
                found |= {getattr(one, "id", getattr(one, "attr", "")) for one in about} & set(
                    metadata.tables
                )
    return found


# --- the schema -----------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_a_store_that_is_not_upgraded_is_refused(cluster):
    url = cluster.empty()
    with pytest.raises(ConfigurationError, match="请先执行 fazhi store upgrade"):
        open_store(url)
    cluster.drop(url)


@pytest.mark.ci
def test_two_upgrades_at_once_make_one_schema(cluster):
    url = cluster.empty()
    command = [sys.executable, "-m", "fazhi.cli", "store", "upgrade"]
    processes = [
        subprocess.Popen(
            command, env={"PATH": "/usr/bin:/bin", "FAZHI_STORE_URL": url}, stderr=subprocess.PIPE
        )
        for _ in range(2)
    ]
    for process in processes:
        _, told = process.communicate(timeout=120)
        assert process.returncode == 0, told.decode()
    engine = open_store(url)
    assert at_head(engine)
    assert {*inspect(engine).get_table_names()} == {*metadata.tables, "alembic_version"}
    engine.dispose()
    cluster.drop(url)


# --- locks ----------------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_a_reader_is_not_kept_waiting_by_a_writer(postgres_url):
    engine = open_store(postgres_url)
    with write(engine) as writing:
        append(writing, Actor("a", "合成"), event_at(1))
        with read(engine) as reading:
            assert reading.scalar(text("SELECT count(*) FROM audit")) == 0
    engine.dispose()


@pytest.mark.ci
def test_appending_outside_the_stores_own_transactions_does_not_fork_either(postgres_url):
    """A transaction that was opened some other way takes the writers' lock on appending."""
    engine = create_engine(postgres_url, pool_size=8)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for number in range(10):
                with engine.begin() as connection:
                    append(connection, Actor("a", "合成"), Event("a.b", str(number), NOON))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = verify(engine)
    assert (found.count, found.faults) == (60, ())
    engine.dispose()


# --- statistics -----------------------------------------------------------------------------------------------------


@pytest.mark.ci
def test_gx_counts_when_the_planner_knows_what_was_written(as_role, monkeypatch):
    engine = as_role(ROLES.application)
    edition = EDITIONS.for_year(bulk.YEAR)
    registry = bulk.fill(engine, edition, 8_000).registry
    known = {}

    def counting(*of_the_slice):
        with read(engine) as connection:
            known.update(connection.execute(text("SELECT relname, reltuples FROM pg_class")).all())
        return counts_by_queries(*of_the_slice)

    monkeypatch.setattr("fazhi.validate.slices.counts_by_gx", counting)
    validate_slice(engine, edition, registry, bulk.YEAR, REGION, today=bulk.TODAY, gx_dir=GX_DIR)
    for table in ("value", "parse", "slice_parse", "unit_dim", "check_dim", "submission_dim"):
        with read(engine) as connection:
            rows = connection.execute(select(func.count()).select_from(metadata.tables[table])).scalar_one()
        assert known[table] == rows > 0


@pytest.mark.ci
def test_statistics_are_of_every_table_that_judging_reads(postgres_url):
    engine = connect(postgres_url)
    with read(engine) as connection:
        functions = [
            connection.execute(text(f"SELECT pg_get_functiondef('{name}'::regproc)")).scalar_one()
            for name in ANALYZE_FUNCTIONS
        ]
    read_by_rules = set(re.findall(r"(?:FROM|JOIN) ([a-z_]+) [a-z]", listing_statement())) & {
        *metadata.tables
    }
    assert read_by_rules - {"decision"} <= set(re.findall(r"public\.([a-z_]+)[,;]", " ".join(functions)))


@pytest.mark.ci
def test_only_the_application_gathers_statistics(as_role):
    with write(as_role(ROLES.application)) as connection:
        gather_statistics(connection, "judged")
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        write(as_role(ROLES.reader)) as connection,
    ):
        gather_statistics(connection, "judged")
