"""The DAG on a real scheduler, driven over the REST API that the UI uses."""

import re
from collections.abc import Iterator

import pytest
import requests

from fazhi.pipeline import now_in_shanghai
from fazhi.registry import Registry
from fazhi.services import LocalAirflow, RefusedByAirflow, RunState, ServiceFailure
from fazhi.systems import Editions
from support.airflow_city import PUSH, YEARS, AirflowCity, airflow_city

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(1200)]

RUN_TIMEOUT = 800
STEPS = [
    "collect",
    "finish",
    "intake",
    "plan",
    "publish",
    "reached",
    "reconcile",
    "regions",
    "report",
    "report_back",
    "score",
    "sources",
    "validate",
]


@pytest.fixture(scope="module")
def city(
    tmp_path_factory: pytest.TempPathFactory, registry: Registry, editions: Editions
) -> Iterator[AirflowCity]:
    with airflow_city(tmp_path_factory.mktemp("scheduler"), registry, editions) as city:
        yield city


def finished(city: AirflowCity, *run_ids: str) -> list[RunState]:
    return city.api.wait_for_runs(run_ids, RUN_TIMEOUT, progress=lambda line: print(line, flush=True))


def backfilled(city: AirflowCity, reprocess: str) -> list[RunState]:
    """The ended runs of a backfill of the three years."""
    before = {run.run_id for run in city.api.runs()}
    city.api.create_backfill(YEARS[0], YEARS[-1], PUSH, reprocess=reprocess)
    made = [run.run_id for run in city.api.runs() if run.run_id not in before]
    states = finished(city, *made)
    city.close_backfills()
    return states


def assert_green(city: AirflowCity, state: RunState) -> None:
    tasks = {
        (task["task_id"], task["map_index"]): task["state"] for task in city.api.task_states(state.run_id)
    }
    assert state.state == "success", tasks
    assert set(tasks.values()) == {"success"}
    assert sorted({name for name, _ in tasks}) == STEPS


# ---- wrong use -------------------------------------------------------------------------------------------


WRONG_USES = {
    "no year": (None, {}, "没有给出考评年度"),
    "a future year": ("2999", {}, "2999年还没有开始"),
    "a push without a reason": ("2025", {"mode": "push"}, "没有填写理由"),
    "a push with a blank reason": ("2025", {"mode": "push", "reason": "   "}, "没有填写理由"),
}


@pytest.fixture(scope="module")
def wrong_runs(city: AirflowCity) -> dict[str, str]:
    """All the wrong uses at once: the id of each run, ended."""
    run_ids = {name: city.api.trigger_run(year, conf) for name, (year, conf, _) in WRONG_USES.items()}
    finished(city, *run_ids.values())
    return run_ids


@pytest.mark.parametrize("use", WRONG_USES)
def test_wrong_use_ends_in_the_first_step_in_chinese(
    city: AirflowCity, wrong_runs: dict[str, str], use: str
) -> None:
    run_id, said = wrong_runs[use], WRONG_USES[use][2]
    assert city.api.run(run_id).state == "failed"
    tasks = {task["task_id"]: (task["state"], task["try_number"]) for task in city.api.task_states(run_id)}
    assert tasks["plan"] == ("failed", 1)  # not tried again
    assert {tasks[name][0] for name in STEPS if name != "plan"} == {"upstream_failed"}
    log = city.api.task_log(run_id, "plan")
    assert said in log
    assert "error_detail" not in log  # no traceback
    assert "Traceback" not in log


@pytest.mark.parametrize("year", ["20x3", "二〇二三"])
def test_a_malformed_year_is_refused_at_once(city: AirflowCity, year: str) -> None:
    with pytest.raises(RefusedByAirflow) as refused:
        city.api.trigger_run(year)
    assert refused.value.status == 400


def test_an_unknown_mode_is_refused_at_once(city: AirflowCity) -> None:
    with pytest.raises(RefusedByAirflow) as refused:
        city.api.trigger_run(2022, {"mode": "PUSH"})
    assert refused.value.status == 400


def test_a_backfill_is_offered_for_years_that_have_begun_only(city: AirflowCity) -> None:
    span = {
        "dag_id": "assessment",
        "from_date": "2021-01-01T00:00:00Z",
        "to_date": "2031-12-31T00:00:00Z",
        "reprocess_behavior": "completed",
    }
    offered = city.api.call("POST", "/backfills/dry_run", span)["backfills"]
    years = [entry["partition_key"] for entry in offered]
    assert years == [str(year) for year in range(2021, now_in_shanghai().year + 1)]


def test_a_second_start_keeps_what_runs_and_refuses_other_settings(city: AirflowCity) -> None:
    other = LocalAirflow(city.airflow.home, {"FAZHI_INBOX": "/elsewhere"})
    before = city.airflow.components
    with pytest.raises(ServiceFailure, match="另外的设置"):
        other.start()
    city.airflow.start()
    assert city.airflow.components == before


# ---- the work --------------------------------------------------------------------------------------------


def test_a_run_by_hand_computes_and_shows_and_pushes_nothing(city: AirflowCity) -> None:
    run_id = city.api.trigger_run(2024)
    (state,) = finished(city, run_id)
    assert_green(city, state)
    assert city.scored_units(2024) > 0
    assert city.outbox_states(2024) == {}
    assert city.receipts() == 0
    recorded = city.recorded_run(run_id)
    assert (recorded["year"], recorded["mode"], recorded["run_type"], recorded["actor"]) == (
        2024,
        "auto",
        "manual",
        "admin",
    )


def test_the_button_of_a_validation_opens_its_report(city: AirflowCity) -> None:
    (run_id,) = [run.run_id for run in city.api.runs() if run.year == "2024"]
    names = [
        (task["task_id"], task["rendered_map_index"])
        for task in city.api.task_states(run_id)
        if task["map_index"] >= 0
    ]
    assert sorted(names) == [
        ("collect", "报送文件夹"),
        ("collect", "报送门户"),
        ("score", "包头市"),
        ("validate", "包头市"),
    ]
    assert {source for source, number in city.sources(2024).items() if number} == {"folder", "portal"}
    links = city.api.call(
        "GET", f"/dags/assessment/dagRuns/{run_id}/taskInstances/validate/links", params={"map_index": 0}
    )["extra_links"]
    assert links == {"核验报告": f"/fazhi/report/{run_id}"}
    address = city.airflow.url + links["核验报告"]
    assert requests.get(address, timeout=30).status_code == 401
    shown = requests.get(address, headers={"Authorization": f"Bearer {city.api.token()}"}, timeout=30)
    assert shown.status_code == 200
    assert "2024" in shown.text
    assert "核验报告" in shown.text
    assert shown.headers["Content-Security-Policy"].startswith("default-src 'none'")
    unknown = requests.get(
        city.airflow.url + "/fazhi/report/..%2F..%2Fsecrets.json",
        headers={"Authorization": f"Bearer {city.api.token()}"},
        timeout=30,
    )
    assert unknown.status_code == 404


def test_a_backfill_of_three_years_makes_three_green_runs(city: AirflowCity, editions: Editions) -> None:
    states = backfilled(city, "none")
    assert [(state.year, state.run_type) for state in states] == [(str(year), "backfill") for year in YEARS]
    for state, year in zip(states, YEARS, strict=True):
        assert_green(city, state)
        assert re.fullmatch(rf"backfill__{year}__{year}0101__\w{{8}}", state.run_id)
        assert city.system_digests(year) == {editions.for_year(year).digest}
        assert city.outbox_states(year) == {"confirmed": city.scored_units(year)}
        assert city.recorded_run(state.run_id)["reason"] == PUSH["reason"]


def test_all_runs_again_push_nothing_new(city: AirflowCity) -> None:
    receipts, confirmed = city.receipts(), {year: city.outbox_states(year) for year in YEARS}
    assert receipts > 0
    states = backfilled(city, "completed")
    assert [state.year for state in states] == [str(year) for year in YEARS]
    for state in states:
        assert_green(city, state)
    assert city.receipts() == receipts
    assert {year: city.outbox_states(year) for year in YEARS} == confirmed
    assert city.told() == []  # prior years notify nobody


@pytest.mark.ci
def test_a_push_of_the_current_year_tells_each_department_once(city: AirflowCity) -> None:
    this_year = now_in_shanghai().year
    for _ in range(2):
        (state,) = finished(city, city.api.trigger_run(this_year, PUSH))
        assert_green(city, state)
    told = [name for name, _ in city.told()]
    assert len(told) == len(set(told))
    assert 0 < len(told) <= city.sources(this_year)["portal"]
    assert {review["outcome"] for _, review in city.told()} <= {
        "accepted",
        "accepted_with_warnings",
        "returned",
    }


def listening_addresses(pid: int) -> set[str]:
    """The addresses that a process listens on; none of one that has ended.

    A run leaves executor and parsing processes that end at any moment, also between being
    counted and being asked.
    """
    import psutil

    try:
        connections = psutil.Process(pid).net_connections(kind="inet")
    except psutil.NoSuchProcess:
        return set()
    return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}


def still_runs(pid: int) -> bool:
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_nothing_listens_beyond_this_machine(city: AirflowCity) -> None:
    addresses = [listening_addresses(pid) for pid in city.airflow.process_ids]
    assert set().union(*addresses) == {"127.0.0.1"}


def test_ending_leaves_no_process_behind(city: AirflowCity) -> None:
    """The last test of this module."""
    before = city.airflow.process_ids
    assert len(before) >= 4
    assert sorted(city.airflow.stop()) == ["api-server", "dag-processor", "scheduler", "triggerer"]
    assert not [pid for pid in before if still_runs(pid)]
    assert city.airflow.stop() == ()
