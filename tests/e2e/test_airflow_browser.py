"""A backfill by clicking, as an operator does it in a Chinese browser. Pictures go to ``var/screenshots``."""

from collections.abc import Iterator

import pytest

from fazhi.registry import Registry
from fazhi.systems import Editions
from support.airflow_city import PUSH, YEARS, AirflowCity, airflow_city
from support.airflow_screen import NEEDS_CHROMIUM, Screen, opened, playwright

RUN_TIMEOUT = 800
SPAN = (YEARS[0], YEARS[-1])

pytestmark = [
    pytest.mark.airflow,
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.timeout(1200),
    NEEDS_CHROMIUM,
]


@pytest.fixture(scope="module")
def city(
    tmp_path_factory: pytest.TempPathFactory, registry: Registry, editions: Editions
) -> Iterator[AirflowCity]:
    with airflow_city(tmp_path_factory.mktemp("browser"), registry, editions) as city:
        yield city


@pytest.fixture(scope="module")
def screen(city: AirflowCity) -> Iterator[Screen]:
    with opened(city.airflow) as screen:
        yield screen


def ended_runs(city: AirflowCity, known: set[str]) -> list[tuple[str | None, str]]:
    new = [run.run_id for run in city.api.runs() if run.run_id not in known]
    states = city.api.wait_for_runs(new, RUN_TIMEOUT, progress=lambda line: print(line, flush=True))
    return [(state.year, state.state) for state in states]


def test_a_backfill_by_clicking_makes_exactly_three_green_runs(
    city: AirflowCity, screen: Screen, editions: Editions
) -> None:
    screen.backfill("backfill", SPAN, "遗漏的执行", PUSH)
    assert ended_runs(city, set()) == [(str(year), "success") for year in YEARS]
    for year in YEARS:
        assert city.system_digests(year) == {editions.for_year(year).digest}
        assert city.outbox_states(year) == {"confirmed": city.scored_units(year)}
    for run in city.api.runs():
        recorded = city.recorded_run(run.run_id)
        assert (recorded["mode"], recorded["reason"], recorded["actor"]) == ("push", PUSH["reason"], "admin")
    screen.show_years()
    for year in YEARS:
        playwright.expect(screen.page.get_by_role("cell", name=str(year), exact=True)).to_be_visible()
    screen.picture("backfill-runs")


def test_the_button_opens_the_report_and_the_report_works_alone(city: AirflowCity, screen: Screen) -> None:
    run_id = next(run.run_id for run in city.api.runs() if run.year == "2023")
    asked: list[str] = []
    screen.page.context.on("request", lambda request: asked.append(request.url))
    screen.open_report(run_id)
    playwright.expect(screen.page.get_by_text("核验报告").first).to_be_visible()
    screen.picture("report")
    assert screen.page.url == f"{screen.url}/fazhi/report/{run_id}"
    playwright.expect(screen.open_report_tab(run_id).get_by_text("核验报告").first).to_be_visible()
    assert [
        address for address in asked if not address.startswith((screen.url, "data:", f"blob:{screen.url}"))
    ] == []


def test_all_runs_again_by_clicking_push_nothing_new(city: AirflowCity, screen: Screen) -> None:
    known, receipts = {run.run_id for run in city.api.runs()}, city.receipts()
    assert receipts > 0
    city.close_backfills()
    screen.backfill("again", SPAN, "所有执行", PUSH)
    assert ended_runs(city, known) == [(str(year), "success") for year in YEARS]
    assert city.receipts() == receipts
    assert {run.run_id for run in city.api.runs()} > known  # the earlier runs stay
    screen.show_years()
    screen.picture("again-runs")
