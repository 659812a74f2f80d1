"""A sealed year under a real scheduler: a backfill compares and pushes nothing; a signed correction goes alone."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from fazhi import pipeline
from fazhi.registry import Registry
from fazhi.review import Ruling, decide_not_applicable
from fazhi.services import RunState
from fazhi.settings import Settings
from fazhi.store import open_store
from fazhi.store.tables import final_seal, final_version, result_input, result_line
from fazhi.systems import Editions
from support.airflow_city import PUSH, AirflowCity, airflow_city

pytestmark = [pytest.mark.airflow, pytest.mark.ci, pytest.mark.timeout(1800)]

YEAR, REGION = 2023, "150200"
TIMEOUT = 600


@pytest.fixture(scope="module")
def city(
    tmp_path_factory: pytest.TempPathFactory, registry: Registry, editions: Editions
) -> Iterator[AirflowCity]:
    with airflow_city(tmp_path_factory.mktemp("sealed"), registry, editions, units=4) as city:
        yield city


@pytest.fixture(scope="module")
def settings(city: AirflowCity) -> Settings:
    """The city's settings, with a calendar for the years that this test lives in."""
    holidays = city.home / "holidays"
    holidays.mkdir()
    this_year = pipeline.now_in_shanghai().year
    for year in (this_year, this_year + 1):
        row = f"{year}-01-01,holiday,元旦,合成数据,unverified\n"
        (holidays / f"{year}.csv").write_text("day,kind,name_zh,source_zh,status\n" + row, encoding="utf-8")
    return replace(Settings.load(environ={"FAZHI_STORE_URL": city.store_url}), holidays_dir=holidays)


def backfilled(city: AirflowCity, conf: dict | None) -> RunState:
    """The ended run of a backfill of the one year, as the UI starts it."""
    before = {run.run_id for run in city.api.runs()}
    city.api.create_backfill(YEAR, YEAR, conf or {}, reprocess="completed")
    made = [run.run_id for run in city.api.runs() if run.run_id not in before]
    (state,) = city.api.wait_for_runs(made, TIMEOUT, progress=lambda line: print(line, flush=True))
    city.close_backfills()
    return state


def tasks_of(city: AirflowCity, state: RunState) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in city.api.task_states(state.run_id)}


def final_run(city: AirflowCity) -> dict[str, str]:
    """A run of ``final_results`` by hand: the state of each task."""
    city.api.call("PATCH", "/dags/final_results", {"is_paused": False})
    run_id = city.api.call("POST", "/dags/final_results/dagRuns", {"logical_date": None})["dag_run_id"]
    address = f"/dags/final_results/dagRuns/{run_id}"
    deadline = time.monotonic() + TIMEOUT
    while city.api.call("GET", address)["state"] not in ("success", "failed"):
        assert time.monotonic() < deadline, "final_results did not end"
        time.sleep(2)
    instances = city.api.call("GET", f"{address}/taskInstances")["task_instances"]
    return {task["task_id"]: task["state"] for task in instances}


def count(city: AirflowCity, table) -> int:
    return city.rows(select(func.count().label("n")).select_from(table))[0]["n"]


def a_scored_line(city: AirflowCity) -> tuple[str, str]:
    """A unit and a yearly indicator that it reported itself and is scored on."""
    same = (
        (result_input.c.year == result_line.c.year)
        & (result_input.c.unit_code == result_line.c.unit_code)
        & (result_input.c.version == result_line.c.version)
        & (result_input.c.indicator_code == result_line.c.indicator_code)
    )
    statement = (
        select(result_line.c.unit_code, result_line.c.indicator_code)
        .join(result_input, same)
        .where(
            result_line.c.year == YEAR,
            result_line.c.status == "scored",
            result_input.c.kind == "submission",
            result_input.c.period == str(YEAR),
        )
        .order_by(result_line.c.unit_code, result_line.c.indicator_code)
    )
    row = city.rows(statement)[0]
    return row["unit_code"], row["indicator_code"]


def test_a_year_is_sealed_compared_and_corrected(city: AirflowCity, settings: Settings) -> None:
    assert backfilled(city, PUSH).state == "success"
    assert set(final_run(city).values()) == {"skipped"}  # nothing is signed, and nobody is asked
    now = pipeline.now_in_shanghai()  # the submissions came before: the proposal locks the later ones

    proposal = pipeline.propose_final(settings, YEAR, REGION, account="kp-steward-1", now=now)
    pipeline.sign_proposal(
        settings,
        YEAR,
        REGION,
        account="kp-chief-1",
        digest=proposal["digest"],
        now=now + timedelta(days=30),
    )
    assert count(city, final_version) == proposal["units"]
    sent = final_run(city)
    assert sent == {
        "signed_years": "success",
        "one_year.publish_final": "success",
        "one_year.reconcile_final": "success",
        "one_year.seal": "success",
    }
    assert count(city, final_seal) == 1

    receipts = city.receipts()
    same = backfilled(city, PUSH)
    tasks = tasks_of(city, same)
    assert (same.state, tasks["score"], tasks["publish"], tasks["reconcile"]) == (
        "success",
        "success",
        "skipped",
        "skipped",
    )
    assert "重算结果与封存结果一致" in city.api.task_log(same.run_id, "publish")
    assert city.receipts() == receipts

    unit, indicator = a_scored_line(city)
    assert decide_not_applicable(
        open_store(city.store_url),
        unit_code=unit,
        indicator_code=indicator,
        period=str(YEAR),
        ruling=Ruling("approve", "职责划出（合成数据）", "kp-steward-3", "合成单位"),
        now=now + timedelta(days=31),
    )
    shown = backfilled(city, None)
    assert (shown.state, tasks_of(city, shown)["publish"]) == ("success", "success")
    log = city.api.task_log(shown.run_id, "publish")
    assert f"{unit}）{indicator}" in log
    assert "裁定有变动" in log
    refused = backfilled(city, PUSH)
    assert (refused.state, tasks_of(city, refused)["publish"]) == ("failed", "failed")
    assert "没有推送" in city.api.task_log(refused.run_id, "publish")
    assert city.receipts() == receipts

    correction = pipeline.propose_correction(
        settings,
        YEAR,
        REGION,
        account="kp-steward-1",
        reason="更正（合成数据）",
        now=now + timedelta(days=32),
    )
    pipeline.sign_proposal(
        settings,
        YEAR,
        REGION,
        account="kp-deputy-1",
        digest=correction["digest"],
        now=now + timedelta(days=33),
    )
    pushed = backfilled(city, PUSH)
    assert (pushed.state, tasks_of(city, pushed)["reconcile"]) == ("success", "success")
    assert city.receipts() == receipts + correction["units"]
    states = city.outbox_states(YEAR)
    assert set(states) <= {"confirmed", "superseded"}
