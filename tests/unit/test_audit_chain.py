"""The audit chain: events become links, the database refuses anything but adding, appenders never fork it."""

import hashlib
import json
import threading
from datetime import datetime

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError

from fazhi.audit import GENESIS, SYSTEM, Actor, Event, append, export_head, links, read_heads, verify
from fazhi.audit.show import Wanted, shown
from fazhi.model.errors import ConfigurationError
from fazhi.store import read, write
from fazhi.store.tables import audit, raw_file
from support.audit import NOON, add_events, event_at


def test_an_empty_chain_stands(engine):
    found = verify(engine)
    assert (found.count, found.head, found.faults) == (0, GENESIS, ())


def test_each_link_carries_the_digest_before_it(engine):
    add_events(engine, 3)
    with read(engine) as connection:
        chain = list(links(connection))
    assert [link.seq for link in chain] == [1, 2, 3]
    assert [link.prev_digest for link in chain] == [GENESIS, chain[0].digest, chain[1].digest]
    assert [link.alg for link in chain] == ["sha256"] * 3
    assert verify(engine).faults == ()


def test_the_digest_is_that_of_the_canonical_row(engine):
    """Computed apart from the code: an auditor can do the same with any JSON tool."""
    with write(engine) as connection:
        append(
            connection,
            Actor("u1", "合成甲"),
            Event("a.b", "s", "2026-01-01T00:00:00+08:00", "x", "y", {"n": 1}),
        )
    with read(engine) as connection:
        (link,) = links(connection)
    row = {
        "seq": 1,
        "prev_digest": "0" * 64,
        "alg": "sha256",
        "actor_id": "u1",
        "actor_name": "合成甲",
        "at": "2026-01-01T00:00:00+08:00",
        "action": "a.b",
        "subject": "s",
        "before": "x",
        "after": "y",
        "details": '{"n":1}',
    }
    text_of_row = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert link.digest == hashlib.sha256(text_of_row.encode()).hexdigest()


def test_algorithms_may_change_on_the_way(engine, monkeypatch):
    add_events(engine, 2)
    monkeypatch.setenv("FAZHI_AUDIT_ALG", "sm3")
    add_events(engine, 2)
    monkeypatch.setenv("FAZHI_AUDIT_ALG", "sha256")
    add_events(engine, 1)
    with read(engine) as connection:
        assert [link.alg for link in links(connection)] == ["sha256", "sha256", "sm3", "sm3", "sha256"]
    assert verify(engine).faults == ()


def test_an_unknown_algorithm_stops_the_transaction(engine, monkeypatch):
    monkeypatch.setenv("FAZHI_AUDIT_ALG", "md5")
    with pytest.raises(ConfigurationError, match="FAZHI_AUDIT_ALG='md5' 不可用"):
        add_events(engine, 1)
    assert verify(engine).count == 0


def test_an_event_is_recorded_exactly_if_what_it_tells_is(engine):
    def stop_halfway() -> None:
        with write(engine) as connection:
            connection.execute(insert(raw_file).values(sha256="a" * 64, size=1, first_seen_at=NOON))
            append(connection, SYSTEM, event_at(1))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_halfway()
    with read(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(raw_file)) == 0
        assert connection.scalar(select(func.count()).select_from(audit)) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor_name = 'x' WHERE seq = 1",
        "UPDATE audit SET seq = 9 WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM audit",
    ],
)
def test_the_database_refuses_change_and_removal(engine, statement):
    add_events(engine, 2)
    with pytest.raises(DBAPIError, match="audit rows are never"), write(engine) as connection:
        connection.execute(text(statement))
    found = verify(engine)
    assert (found.count, found.faults) == (2, ())


def test_replacing_a_row_by_inserting_is_refused(engine):
    add_events(engine, 2)
    with read(engine) as connection:
        row = dict(connection.execute(select(audit).where(audit.c.seq == 1)).mappings().one())
    statement = insert(audit)
    if engine.dialect.name == "sqlite":
        statement = statement.prefix_with("OR REPLACE")
    with pytest.raises(DBAPIError), write(engine) as connection:
        connection.execute(statement.values(**(row | {"actor_name": "x"})))
    assert verify(engine).faults == ()


def test_appenders_at_once_never_fork_the_chain(engine):
    failures: list[BaseException] = []

    def work(name: str) -> None:
        try:
            for number in range(5):
                with write(engine) as connection:
                    append(connection, Actor(name, "合成"), event_at(number))
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(f"u{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = verify(engine)
    assert (found.count, found.faults) == (20, ())


def test_heads_are_lines_that_are_only_added(engine, tmp_path):
    file = tmp_path / "heads.jsonl"
    first = export_head(engine, file, now=_moment())
    before = file.read_bytes()
    add_events(engine, 2)
    second = export_head(engine, file, now=_moment())
    assert file.read_bytes().startswith(before)
    assert read_heads(file) == (first, second)
    assert (first.seq, first.digest, second.seq) == (0, GENESIS, 2)
    assert verify(engine, read_heads(file)).faults == ()


def test_lines_that_are_no_heads_are_all_named(tmp_path):
    file = tmp_path / "heads.jsonl"
    file.write_text('{"seq": 1}\n{"seq": -1, "digest": "", "exported_at": ""}\nx\n', encoding="utf-8")
    with pytest.raises(ConfigurationError) as stop:
        read_heads(file)
    assert stop.value.faults == tuple(f"第 {n} 行不是导出的链头" for n in (1, 2, 3))


def test_looking_for_events(engine):
    with write(engine) as connection:
        append(
            connection, Actor("u1", "合成甲"), Event("decision.recorded", "2024/D4.1", NOON, "", "approve")
        )
        append(connection, Actor("u2", "合成乙"), Event("decisions", "2024/100%", NOON, details={"n": [1]}))
    assert [row["actor_id"] for row in shown(engine, Wanted(action="decision"))] == ["u1"]
    assert [row["actor_id"] for row in shown(engine, Wanted(subject="100%"))] == ["u2"]
    assert [row["details"] for row in shown(engine, Wanted(actor="合成乙"))] == [{"n": [1]}]
    assert [row["seq"] for row in shown(engine, Wanted(last=1))] == [2]


def _moment() -> datetime:
    return datetime.fromisoformat(NOON)
