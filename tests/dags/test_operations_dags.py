"""The watch and the pruning as Airflow runs them: their order, and messages that really arrive or are told as undelivered."""

import json
import logging
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from fazhi.model.errors import Unreachable
from fazhi.operations import Alarm, news
from fazhi.settings import PROJECT_ROOT
from support.airflow_room import load_dag, plugin_module
from support.listeners import mail_server, webhook

CHINESE = re.compile(r"[\u4e00-\u9fff]{2}")
TASKS = {"operations": {"look", "tell", "conclude"}, "maintenance": {"prune_files"}}
NOW = datetime(2025, 1, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize("dag_id", TASKS)
def test_they_are_documented_bounded_and_tell_of_their_own_failures(dag_id: str) -> None:
    dag = load_dag(dag_id)
    assert {task.task_id for task in dag.tasks} == TASKS[dag_id]
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert set(dag.tags) == {tag.value for tag in plugin_module(dag_id).Tag}
    for task in dag.tasks:
        assert CHINESE.search(task.task_display_name)
        assert CHINESE.search(task.doc_md)
        assert timedelta(0) < task.execution_timeout <= timedelta(hours=1)
        assert bool(task.on_failure_callback) == (task.task_id != "conclude")


@pytest.mark.parametrize("dag_id", ["assessment", "final_results", "operations", "maintenance"])
def test_a_step_that_fails_is_told_by_the_notifier(dag_id: str) -> None:
    for task in load_dag(dag_id).tasks:
        if (dag_id, task.task_id) != ("operations", "conclude"):
            told_by = [type(one).__name__ for one in task.on_failure_callback]
            assert "OperationsNotifier" in told_by, task.task_id


def test_people_are_told_before_the_run_turns_red() -> None:
    dag = load_dag("operations")
    assert set(dag.get_task("conclude").upstream_task_ids) == {"tell", "look"}


@pytest.mark.parametrize("dag_id", ["operations", "maintenance", "final_results"])
def test_the_pages_of_the_dags_are_up_to_date(dag_id: str) -> None:
    from fazhi.services.dag_page import dag_page

    page = PROJECT_ROOT / "docs" / "dags" / f"{dag_id}.md"
    assert page.read_text(encoding="utf-8") == dag_page(load_dag(dag_id)), "run `make docs`"


def alarm(name: str = "disk-low", severity: str = "critical") -> Alarm:
    return Alarm(name, "x", severity, "磁盘将满", "只剩 1.0% <空间>", "2025-01-10T08:00:00+08:00", "值班人员")


@pytest.fixture
def failure() -> dict:
    instance = SimpleNamespace(dag_id="assessment", task_id="publish", try_number=4)
    run = SimpleNamespace(partition_key="2024", run_id="scheduled__2024")
    return {"ti": instance, "dag_run": run, "exception": "考评平台连接不上"}


@pytest.fixture
def no_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAIL", "WEBHOOK"):
        monkeypatch.delenv(f"AIRFLOW_CONN_FAZHI_ALARM_{name}", raising=False)


def mail_connection(port: int, **extra: object) -> str:
    options = {"disable_ssl": True, "disable_tls": True, "from_email": "fazhi@host.invalid", "retry_limit": 0}
    return json.dumps(
        {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": port,
            "extra": {**options, "to": "duty@host.invalid"} | extra,
        }
    )


def hook_connection(url: str) -> str:
    return json.dumps({"conn_type": "http", "password": "hush", "extra": {"url": url}})


@pytest.mark.usefixtures("no_channels")
def test_without_connections_nothing_leaves_and_the_log_says_all(
    failure: dict, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="airflow.task"):
        plugin_module("operations_notifier").OperationsNotifier().notify(failure)
    for said in ("publish", "2024", "第 4 次", "考评平台连接不上", "#alarm-task-failed"):
        assert said in caplog.text


@pytest.mark.usefixtures("no_channels")
def test_a_mail_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server() as box:
        monkeypatch.setenv("AIRFLOW_CONN_FAZHI_ALARM_MAIL", mail_connection(box.port))
        plugin_module("operations_notifier").OperationsNotifier("主题：1 项告警", "只剩 1.0% <空间>").notify(
            {}
        )
    (mail,) = box.mails
    assert box.recipients == ["duty@host.invalid"]
    assert mail["Subject"] == "主题：1 项告警"
    assert "只剩 1.0% &lt;空间&gt;" in mail.get_body().get_content()


@pytest.mark.usefixtures("no_channels")
def test_a_webhook_is_called_with_the_alarms(monkeypatch: pytest.MonkeyPatch, failure: dict) -> None:
    notifier = plugin_module("operations_notifier").OperationsNotifier
    with webhook() as hook:
        monkeypatch.setenv("AIRFLOW_CONN_FAZHI_ALARM_WEBHOOK", hook_connection(hook.url))
        notifier("主题", "内容", [alarm().to_json()]).notify({})
        notifier().notify(failure)
    (headers, first), (_, second) = hook.calls
    assert headers["Authorization"] == "Bearer hush"
    assert (first["subject"], first["alarms"][0]["id"]) == ("主题", "disk-low")
    assert second["alarms"][0]["id"] == "task-failed"
    assert "考评平台连接不上" in second["text"]


@pytest.mark.usefixtures("no_channels")
def test_a_channel_that_fails_does_not_keep_the_other_from_telling(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server() as gone:
        pass
    with webhook() as hook:
        monkeypatch.setenv("AIRFLOW_CONN_FAZHI_ALARM_MAIL", mail_connection(gone.port))
        monkeypatch.setenv("AIRFLOW_CONN_FAZHI_ALARM_WEBHOOK", hook_connection(hook.url))
        with pytest.raises(Unreachable, match="邮件（连接 fazhi_alarm_mail）") as told:
            plugin_module("operations_notifier").OperationsNotifier("主题", "内容").notify({})
        assert len(hook.calls) == 1
        assert "网络通知" not in str(told.value)
        hook.status = 500
        with pytest.raises(Unreachable, match=r"网络通知.*500"):
            plugin_module("operations_notifier").OperationsNotifier("主题", "内容").notify({})


def test_an_alarm_is_told_when_it_appears_again_after_a_day_and_when_it_is_over() -> None:
    day = timedelta(hours=24)
    first = news([alarm()], {}, NOW, day)
    assert (first.new, first.over) == ((alarm(),), ())
    assert news([alarm()], first.memory, NOW + timedelta(hours=23), day).nothing
    again = news([alarm(), alarm("backup-old")], first.memory, NOW + day, day)
    assert [one.id for one in again.new] == ["disk-low", "backup-old"]
    over = news([alarm("backup-old")], again.memory, NOW + timedelta(hours=25), day)
    assert (over.new, over.over) == ((), ("disk-low/x",))
    assert set(over.memory) == {"backup-old/x"}
