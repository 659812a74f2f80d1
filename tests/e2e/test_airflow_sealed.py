"""A sealed year, backfilled by clicking: nothing leaves the house but a signed correction, and it goes alone."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fazhi import pipeline
from fazhi.registry import Registry
from fazhi.sandbox.state import State
from fazhi.services import RunState
from fazhi.settings import Settings
from fazhi.systems import Editions
from support.airflow_city import PUSH, AirflowCity, airflow_city
from support.airflow_screen import NEEDS_CHROMIUM, Screen, opened
from support.city import City, city_environment, fazhi
from support.final import (
    OTHER_STEWARD,
    RECEIVED,
    STEWARD,
    YEAR,
    Year,
    a_count_that_moves_nobody_else,
    one_less,
    resubmit,
)

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.timeout(1200),
    NEEDS_CHROMIUM,
]

DEPUTY = "kp-deputy-1"
TIMEOUT = 300
MISSED, ALL = "遗漏的执行", "所有执行"
ENDED = ("success", "failed")


@pytest.fixture(scope="module")
def city(
    tmp_path_factory: pytest.TempPathFactory, registry: Registry, editions: Editions
) -> Iterator[AirflowCity]:
    """Four units' reports of the one year, all of them in the folder."""
    home = tmp_path_factory.mktemp("sealed")
    with airflow_city(
        home,
        registry,
        editions,
        units=4,
        years=range(YEAR, YEAR + 1),
        faults="0",
        portal=False,
        nightly=True,
        FAZHI_HOLIDAYS_DIR=str(holidays(home)),
    ) as city:
        yield city


def holidays(home: Path) -> Path:
    """The shipped notices, and made-up ones for the years that this test may be run in."""
    made = home / "holidays"
    shutil.copytree(Settings.load(environ={}).holidays_dir, made)
    this_year = pipeline.now_in_shanghai().year
    for year in (this_year, this_year + 1):
        notice = made / f"{year}.csv"
        if not notice.exists():
            row = f"{year}-01-01,holiday,元旦,合成数据,unverified\n"
            notice.write_text("day,kind,name_zh,source_zh,status\n" + row, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def screen(city: AirflowCity) -> Iterator[Screen]:
    with opened(city.airflow) as screen:
        yield screen


@pytest.fixture(scope="module")
def signed(city: AirflowCity) -> Year:
    """The year as it was lived in April 2024: reported, judged, scored, publicised and signed."""
    # its last nightly run is due at once when the DAG is switched on: it comes before there is anything to send
    city.api.call("PATCH", "/dags/final_results", {"is_paused": False})
    assert set(final_run(city).values()) == {"skipped"}  # nothing is signed, and nobody is asked
    year = Year(Settings.load(environ=dict(city.environment)))
    year.collect(RECEIVED)
    year.score()
    year.sign(year.propose()["digest"])
    return year


def told(city: AirflowCity, *arguments: str, status: int = 0) -> Any:
    """What a command answers."""
    own = city_environment(city.home, city.home / "inbox", **city.environment)
    done = fazhi(*arguments, "--json", env=own, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return json.loads(done.stdout)


def on_the_platform(city: AirflowCity) -> list[tuple[str, int, str]]:
    """Unit, version and digest of everything that the platform ever stored for the year."""
    state = State(city.home / "platform.db")
    try:
        return state.every_version(YEAR)
    finally:
        state.close()


def seal_on_the_platform(city: AirflowCity) -> None:
    """The platform closes the year too: from now on it takes nothing but corrections."""
    state = State(city.home / "platform.db")
    try:
        state.set_year(YEAR, "sealed", "0.10")
    finally:
        state.close()


def final_run(city: AirflowCity) -> dict[str, str]:
    """A run of ``final_results`` by hand, once all earlier ones have ended: the state of each task."""
    runs = "/dags/final_results/dagRuns"
    deadline = time.monotonic() + TIMEOUT
    while any(run["state"] not in ENDED for run in city.api.call("GET", runs)["dag_runs"]):
        assert time.monotonic() < deadline, "an earlier run of final_results did not end"
        time.sleep(1)
    run_id = city.api.call("POST", "/dags/final_results/dagRuns", {"logical_date": None})["dag_run_id"]
    address = f"{runs}/{run_id}"
    while city.api.call("GET", address)["state"] not in ENDED:
        assert time.monotonic() < deadline, "final_results did not end"
        time.sleep(1)
    instances = city.api.call("GET", f"{address}/taskInstances")["task_instances"]
    return {task["task_id"]: task["state"] for task in instances}


def clicked(city: AirflowCity, screen: Screen, name: str, again: str) -> RunState:
    """The ended run of a backfill of the year that was clicked together, ``mode=push`` with a reason."""
    before = {run.run_id for run in city.api.runs()}
    city.close_backfills()
    screen.backfill(name, (YEAR, YEAR), again, PUSH)
    made = [run.run_id for run in city.api.runs() if run.run_id not in before]
    (state,) = city.api.wait_for_runs(made, TIMEOUT, progress=lambda line: print(line, flush=True))
    return state


def tasks_of(city: AirflowCity, state: RunState) -> dict[str, str]:
    return {task["task_id"]: task["state"] for task in city.api.task_states(state.run_id)}


def test_what_is_signed_is_pushed_and_sealed(city: AirflowCity, signed: Year) -> None:
    assert final_run(city) == {
        "signed_years": "success",
        "one_year.publish_final": "success",
        "one_year.reconcile_final": "success",
        "one_year.seal": "success",
    }
    assert signed.status().phase.value == "sealed"
    assert len(on_the_platform(city)) == city.receipts() > 0
    seal_on_the_platform(city)
    assert set(final_run(city).values()) == {"skipped"}  # nothing is signed, and nobody is asked


def test_a_backfill_of_the_sealed_year_pushes_nothing(
    city: AirflowCity, screen: Screen, signed: Year
) -> None:
    stored = on_the_platform(city)
    run = clicked(city, screen, "sealed-same", MISSED)
    tasks = tasks_of(city, run)
    assert (run.state, tasks["score"]) == ("success", "success")
    assert (tasks["publish"], tasks["reconcile"]) == ("skipped", "skipped")
    assert "重算结果与封存结果一致" in city.api.task_log(run.run_id, "publish")
    assert on_the_platform(city) == stored


def test_one_changed_value_is_shown_and_its_signed_correction_goes_alone(
    city: AirflowCity, screen: Screen, signed: Year
) -> None:
    """The unit asks, a second person agrees, the unit reports again, a third proposes, a fourth signs."""
    stored = on_the_platform(city)
    unit, folder, row = a_count_that_moves_nobody_else(signed, City(city.home / "inbox"))
    indicator, numerator, denominator = (row[name] for name in ("indicator_code", "numerator", "denominator"))
    of_year = ("--year", str(YEAR))
    asked = told(
        city, "final", "appeal", *of_year, "--unit", unit, "--indicator", indicator,
        "--statement", "填报多计一件（合成数据）", "--by", "unit-clerk",
    )  # fmt: skip
    assert asked["kind"] == "correction_request"
    told(
        city, "final", "decide-appeal", str(asked["appeal_id"]), "--verdict", "成立",
        "--reason", "属实（合成数据）", "--by", OTHER_STEWARD,
    )  # fmt: skip
    resubmit(city.home / "inbox" / "submissions", folder, lambda text: one_less(text, row))

    refused = clicked(city, screen, "sealed-changed", ALL)
    assert (refused.state, tasks_of(city, refused)["publish"]) == ("failed", "failed")
    screen.show_log(refused.run_id, "publish", "1 项变动", "sealed-changed-log")
    log = city.api.task_log(refused.run_id, "publish")
    assert "没有推送" in log
    assert len(re.findall("，原因：", log)) == 1
    listed = told(city, "correct", "diff", *of_year, status=1)["differences"]
    (change,) = (one for one in listed if not one["follows"])
    assert (change["unit_code"], change["line"], change["why"]) == (unit, indicator, "value")
    assert f"={numerator}/{denominator}）" in change["before"]
    assert f"={int(numerator) - 1}/{denominator}）" in change["after"]
    assert {one["unit_code"] for one in listed} == {unit}
    assert on_the_platform(city) == stored

    proposed = told(city, "correct", "propose", *of_year, "--by", STEWARD, "--reason", "更正一件（合成数据）")
    assert proposed["units"] == 1
    told(city, "sign", *of_year, "--by", DEPUTY, "--digest", proposed["digest"])
    pushed = clicked(city, screen, "sealed-corrected", ALL)
    assert (pushed.state, tasks_of(city, pushed)["reconcile"]) == ("success", "success")
    (new,) = set(on_the_platform(city)) - set(stored)
    sealed_version = {code: version for code, version, _ in stored}[unit]
    assert new[:2] == (unit, sealed_version + 1)
    assert len(on_the_platform(city)) == len(stored) + 1
    screen.show_years()
    screen.picture("sealed-runs")
    assert set(city.outbox_states(YEAR)) <= {"confirmed", "superseded"}
