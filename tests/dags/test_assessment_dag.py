"""The DAG: it parses, is documented in Chinese, is cheap to parse, and declares what it must."""

import re
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from airflow.sdk.exceptions import ParamValidationError

from fazhi.model.errors import Unreachable
from fazhi.settings import PROJECT_ROOT
from support.airflow_room import dag_bag, load_dag, plugin_module, serialized_dag

TASKS = {
    "plan",
    "sources",
    "collect",
    "reached",
    "intake",
    "regions",
    "validate",
    "score",
    "publish",
    "reconcile",
    "report",
    "report_back",
    "finish",
}
CHINESE = re.compile(r"[\u4e00-\u9fff]{2}")


def test_the_folder_parses_without_errors() -> None:
    assert dag_bag().import_errors == {}
    assert set(dag_bag().dags) == {"assessment", "final_results", "maintenance", "operations"}


def test_the_dag_declares_what_it_must() -> None:
    dag = load_dag()
    assert dag.dag_display_name == "法治政府建设年度考评"
    assert dag.catchup is False
    assert dag.max_active_runs == 4
    assert dag.dagrun_timeout == timedelta(hours=6)
    assert dag.start_date == datetime.fromisoformat("2021-01-01T00:00:00+08:00")
    assert type(dag.timetable).__name__ == "AssessmentYearTimetable"
    assert set(dag.tags) == {tag.value for tag in plugin_module("assessment").Tag}


def test_the_page_tells_operators_what_they_must_know() -> None:
    for told in (
        "回填",
        "覆盖现有执行的参数",
        "所有执行",
        "分区键",
        "`mode`",
        "`reason`",
        "dry_run",
        "airflow pools set portal",
    ):
        assert told in load_dag().doc_md


@pytest.mark.parametrize("task_id", sorted(TASKS))
def test_each_task_is_documented_and_cannot_run_for_ever(task_id: str) -> None:
    task = load_dag().get_task(task_id)
    assert CHINESE.search(task.task_display_name)
    assert CHINESE.search(task.doc_md)
    assert task.retries >= 2
    assert task.retry_exponential_backoff
    assert timedelta(0) < task.execution_timeout <= timedelta(hours=2)
    assert task.retry_policy is plugin_module("pipeline_task").RETRY_POLICY
    assert task.on_failure_callback
    assert task.owner == "fazhi"


def test_there_are_exactly_the_steps_in_this_order() -> None:
    dag = load_dag()
    assert {task.task_id for task in dag.tasks} == TASKS
    below = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}
    for upper, lower in (
        ("plan", "sources"),
        ("sources", "collect"),
        ("collect", "intake"),
        ("collect", "reached"),
        ("intake", "regions"),
        ("regions", "validate"),
        ("validate", "score"),
        ("score", "publish"),
        ("publish", "reconcile"),
        ("validate", "report"),
        ("report", "report_back"),
        ("reconcile", "finish"),
        ("report_back", "finish"),
    ):
        assert lower in below[upper], (upper, lower)
    assert below["finish"] == below["reached"] == set()


def test_a_failed_push_does_not_hide_the_report() -> None:
    report = load_dag().get_task("report")
    assert "publish" not in report.get_flat_relative_ids(upstream=True)


def test_without_a_source_the_rest_goes_on_and_a_sealed_year_ends() -> None:
    """``plan`` done and nothing to collect: go on. ``plan`` skipped: everything is skipped."""
    going_on = {"intake", "finish"}
    assert {load_dag().get_task(name).trigger_rule for name in going_on} == {"none_failed_min_one_success"}
    assert {load_dag().get_task(name).trigger_rule for name in TASKS - going_on} == {"all_success"}


class _Instance:
    def __init__(self, try_number: int) -> None:
        self.try_number, self.max_tries = try_number, 3


def test_a_source_that_stays_away_is_tried_again_then_left_out() -> None:
    pipeline_task = plugin_module("pipeline_task")
    reason = Unreachable("报送门户连不上")
    with pytest.raises(Unreachable):
        pipeline_task.away({"ti": _Instance(3)}, "portal", reason)
    assert pipeline_task.away({"ti": _Instance(4)}, "portal", reason) == {
        "source": "portal",
        "reached": False,
    }


def test_a_source_left_out_fails_the_run_at_its_end_and_only_then() -> None:
    """Nothing but the last step hangs on it: the others have gone on with the sources that are there."""
    step = load_dag().get_task("reached")
    assert step.upstream_task_ids == {"collect"}
    step.python_callable([{"source": "folder", "new": 3}])
    step.python_callable([])
    with pytest.raises(plugin_module("pipeline_task").FinalStop) as stop:
        step.python_callable([{"source": "folder"}, {"source": "portal", "reached": False}])
    assert "报送门户" in str(stop.value)
    assert "报送文件夹" not in str(stop.value)
    assert "不是报送单位的问题" in str(stop.value)


def test_mapped_steps_show_names_and_outside_systems_have_pools() -> None:
    dag = load_dag()
    mapped = {task.task_id: task.map_index_template for task in dag.tasks if task.is_mapped}
    assert mapped == {
        "collect": "{{ source_title }}",
        "validate": "{{ region_name }}",
        "score": "{{ region_name }}",
    }
    pools = {task.task_id: task.pool for task in dag.tasks if task.pool != "default_pool"}
    assert pools == {
        "collect": "portal",
        "report_back": "portal",
        "publish": "platform",
        "reconcile": "platform",
    }


def test_assets_mark_what_each_step_leaves_behind() -> None:
    outlets = {
        task.task_id: [asset.name for asset in task.outlets] for task in load_dag().tasks if task.outlets
    }
    assert outlets == {
        "collect": ["fazhi_submissions"],
        "validate": ["fazhi_validated_values"],
        "score": ["fazhi_results"],
        "reconcile": ["fazhi_publications"],
    }
    inlets = {task.task_id: [asset.name for asset in task.inlets] for task in load_dag().tasks if task.inlets}
    assert inlets == {
        "validate": ["fazhi_submissions"],
        "score": ["fazhi_validated_values"],
        "reconcile": ["fazhi_results"],
    }


@pytest.mark.parametrize(
    "conf", [{}, {"mode": "push", "reason": "年度补报"}, {"mode": "dry_run", "reason": None}]
)
def test_params_that_are_accepted(conf: dict) -> None:
    params = serialized_dag().params.deep_merge(conf)
    params.validate()
    assert params.dump() == {"mode": "auto", "reason": None} | conf


@pytest.mark.parametrize("conf", [{"mode": "PUSH"}, {"mode": None}, {"reason": 5}, {"reason": "长" * 501}])
def test_params_that_are_refused(conf: dict) -> None:
    with pytest.raises(ParamValidationError):
        serialized_dag().params.deep_merge(conf).validate()


def test_params_explain_themselves_in_chinese() -> None:
    for name in ("mode", "reason"):
        param = load_dag().params.get_param(name)
        assert CHINESE.search(param.schema["title"])
        assert CHINESE.search(param.description)


def test_parsing_imports_neither_pandas_nor_great_expectations() -> None:
    """Nor do the plugins, which every component of Airflow imports."""
    code = (
        "import sys; sys.path[:0] = ['tests'];"
        "from support.airflow_room import dag_bag, plugin_module;"
        "assert dag_bag().import_errors == {}; plugin_module('validation_report');"
        "from airflow.plugins_manager import get_timetables_plugins, get_operator_extra_links;"
        "get_timetables_plugins(); get_operator_extra_links();"
        "print(sorted({'pandas', 'great_expectations', 'numpy', 'fazhi.pipeline'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_page_of_the_dag_is_up_to_date() -> None:
    from fazhi.services.dag_page import dag_page

    page = PROJECT_ROOT / "docs" / "dags" / "assessment.md"
    assert page.read_text(encoding="utf-8") == dag_page(load_dag()), (
        "docs/dags/assessment.md is stale: run `python -m fazhi.services.dag_page`"
    )
