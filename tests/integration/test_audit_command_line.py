"""`fazhi audit` at a terminal, and the events that decisions and pushing runs leave in the chain."""

import json
from datetime import datetime

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from fazhi import pipeline
from fazhi.audit.show import Wanted, shown
from fazhi.cli.app import app
from fazhi.review import Ruling, decide_not_applicable
from fazhi.settings import Settings
from fazhi.store import open_store
from support.audit import NOON, add_events

UNIT = "11150200MB1A00001R"
NOW = datetime.fromisoformat("2024-11-20T09:00:00+08:00")


@pytest.fixture
def store(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'fazhi.db'}"
    monkeypatch.setenv("FAZHI_STORE_URL", url)
    engine = open_store(url)
    yield engine
    engine.dispose()


def _run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["audit", *arguments])
    return done.exit_code, done.stdout


def _tamper(engine, *statements: str) -> None:
    with engine.connect() as connection:
        for name in ("audit_no_update", "audit_no_delete"):
            connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        for statement in statements:
            connection.execute(text(statement))
        connection.commit()


def test_a_chain_that_stands(store, tmp_path):
    add_events(store, 3)
    heads = str(tmp_path / "heads.jsonl")
    assert _run("head", "--out", heads)[0] == 0
    status, told = _run("verify", "--heads", heads)
    assert (status, told) == (0, "审计链完整：共 3 条，与 1 个链头比对过\n")
    status, told = _run("verify")
    assert (status, told) == (0, "审计链完整：共 3 条，没有与导出的链头比对\n")


def test_a_changed_row_is_exit_status_1_and_named(store):
    add_events(store, 3)
    _tamper(store, "UPDATE audit SET actor_name = '别人' WHERE seq = 2")
    status, told = _run("verify", "--json")
    found = json.loads(told)
    assert status == 1
    assert found["clean"] is False
    assert found["faults"] == [
        {"kind": "changed", "seq": 2, "message_zh": "第 2 条的内容与其摘要不符：内容被改动过"}
    ]


def test_a_cut_tail_shows_against_the_heads_only(store, tmp_path):
    add_events(store, 4)
    heads = str(tmp_path / "heads.jsonl")
    _run("head", "--out", heads)
    _tamper(store, "DELETE FROM audit WHERE seq > 2")
    assert _run("verify")[0] == 0
    status, told = _run("verify", "--heads", heads, "--json")
    assert status == 1
    (fault,) = json.loads(told)["faults"]
    assert (fault["kind"], fault["seq"]) == ("truncated", 3)
    assert fault["message_zh"].endswith("现在只到第 2 条：末尾的第 3 条至第 4 条被删除")


def test_show_lists_who_when_what_before_and_after(store):
    add_events(store, 2)
    status, told = _run("show", "--last", "1", "--json")
    assert status == 0
    (row,) = json.loads(told)
    assert (row["seq"], row["actor_id"], row["actor_name"]) == (2, "u1", "合成人员1")
    assert (row["at"], row["action"], row["subject"]) == (NOON, "decision.recorded", "2026/合成单位/1")
    assert (row["before"], row["after"], row["details"]) == ("1", "2", {"n": 1})


def _decide(engine, verdict: str) -> bool:
    return decide_not_applicable(
        engine,
        unit_code=UNIT,
        indicator_code="A1.1",
        period="2024-Q1",
        ruling=Ruling(verdict, "合成理由", "kp-2", "kp-1"),
        now=NOW,
    )


def test_a_decision_is_an_event_with_before_and_after(store):
    assert _decide(store, "approve")
    assert not _decide(store, "approve")
    assert _decide(store, "withdraw")
    rows = shown(store, Wanted(action="decision"))
    assert [(row["actor_id"], row["before"], row["after"]) for row in rows] == [
        ("kp-2", "", "approve"),
        ("kp-2", "approve", "withdraw"),
    ]
    assert {row["subject"] for row in rows} == {f"2024/{UNIT}/A1.1/2024-Q1"}
    assert rows[0]["details"] == {
        "kind": "not_applicable",
        "rule": "",
        "value_digest": "",
        "reason": "合成理由",
        "requested_by": "kp-1",
    }


@pytest.mark.parametrize(
    ("run_type", "mode", "reason", "actor", "told"),
    [
        ("scheduled", "auto", None, "", [("fazhi", "系统", "2023", "")]),
        ("manual", "push", "补推", "审核员甲", [("审核员甲", "审核员甲", "2023", "补推")]),
        ("manual", "auto", None, "审核员甲", []),
        ("scheduled", "dry_run", None, "", []),
    ],
)
def test_a_run_that_may_push_is_an_event(store, tmp_path, run_type, mode, reason, actor, told):
    settings = Settings.load(
        environ={"FAZHI_STORE_URL": str(store.url), "FAZHI_INBOX": str(tmp_path / "inbox")}
    )
    for _again in range(2):
        pipeline.plan_run(
            settings,
            run_id="run__1",
            partition_key="2023",
            run_type=run_type,
            mode=mode,
            reason=reason,
            actor=actor,
            now=NOW,
        )
    rows = shown(store, Wanted(action="run.push_allowed"))
    assert [
        (row["actor_id"], row["actor_name"], row["subject"], row["details"]["reason"]) for row in rows
    ] == told
