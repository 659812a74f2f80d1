"""The DAG of a year's final results: it waits for nobody, signs nothing, and one year does not hold up another."""

import re
from datetime import timedelta

import pytest
from airflow.sdk.exceptions import ParamValidationError

from fazhi.settings import PROJECT_ROOT
from support.airflow_room import load_dag, plugin_module, serialized_dag

DAG_ID = "final_results"
TASKS = {"signed_years", "one_year.publish_final", "one_year.reconcile_final", "one_year.seal"}
CHINESE = re.compile(r"[\u4e00-\u9fff]{2}")


def test_it_runs_every_morning_after_the_nightly_runs():
    dag = load_dag(DAG_ID)
    assert dag.timetable.summary == "30 5 * * *"
    assert str(dag.timetable._timezone) == "Asia/Shanghai"
    assert (dag.catchup, dag.max_active_runs, dag.dagrun_timeout) == (False, 1, timedelta(hours=2))
    assert set(dag.tags) == {tag.value for tag in plugin_module("final_results").Tag}


def test_there_are_exactly_the_steps_and_none_of_them_asks_or_approves():
    dag = load_dag(DAG_ID)
    assert {task.task_id for task in dag.tasks} == TASKS
    below = {task.task_id: set(task.downstream_task_ids) for task in dag.tasks}
    assert below["one_year.publish_final"] == {"one_year.reconcile_final"}
    assert below["one_year.reconcile_final"] == {"one_year.seal"}
    assert "one_year.publish_final" in below["signed_years"]
    assert {task.operator_name for task in dag.tasks} == {"@task"}


@pytest.mark.parametrize("task_id", sorted(TASKS))
def test_each_task_is_documented_and_cannot_run_for_ever(task_id):
    task = load_dag(DAG_ID).get_task(task_id)
    assert CHINESE.search(task.task_display_name)
    assert CHINESE.search(task.doc_md)
    assert task.retries >= 2
    assert timedelta(0) < task.execution_timeout <= timedelta(hours=2)
    assert task.retry_policy is plugin_module("pipeline_task").RETRY_POLICY
    assert task.on_failure_callback
    assert task.trigger_rule == "all_success"


def test_the_platform_is_asked_through_its_pool():
    pools = {task.task_id for task in load_dag(DAG_ID).tasks if task.pool == "platform"}
    assert pools == {"one_year.publish_final", "one_year.reconcile_final"}


@pytest.mark.parametrize("conf", [{}, {"year": 2023}, {"year": None}])
def test_years_that_are_accepted(conf):
    params = serialized_dag(DAG_ID).params.deep_merge(conf)
    params.validate()
    assert params.dump() == {"year": None} | conf


@pytest.mark.parametrize("conf", [{"year": "2023"}, {"year": 1999}, {"year": 2023.5}])
def test_years_that_are_refused(conf):
    with pytest.raises(ParamValidationError):
        serialized_dag(DAG_ID).params.deep_merge(conf).validate()


def test_the_page_of_the_dag_is_up_to_date_and_tells_who_acts():
    from fazhi.services.dag_page import dag_page

    page = PROJECT_ROOT / "docs" / "dags" / "final_results.md"
    assert page.read_text(encoding="utf-8") == dag_page(load_dag(DAG_ID)), (
        "docs/dags/final_results.md is stale: run `python -m fazhi.services.dag_page`"
    )
    for told in ("fazhi sign", "fazhi final propose", "从不默认同意", "不能解除"):
        assert told in load_dag(DAG_ID).doc_md
