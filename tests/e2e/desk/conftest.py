"""One api-server with FAB and one Chromium for all browser tests of the desk: starting them takes a minute.

The store is a PostgreSQL of their own where the machine has one, as in production, which a test may take away.

The city is theirs together: a test that decides something takes a submission of its own.
"""

from collections.abc import Iterator

import pytest

from support import postgres
from support.desk_airflow import DeskAirflow, desk_airflow
from support.desk_browser import Browser, browser_at
from support.desk_city import desk_city


@pytest.fixture(scope="session")
def database() -> Iterator[postgres.Cluster | None]:
    if postgres.why_not():
        yield None
        return
    with postgres.running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def server(
    database: postgres.Cluster | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeskAirflow]:
    url = "" if database is None else database.fresh()
    city = desk_city(tmp_path_factory.mktemp("desk-city"), units=4, workbooks=True, store_url=url)
    with desk_airflow(tmp_path_factory.mktemp("desk-airflow"), city) as running:
        yield running


@pytest.fixture(scope="session")
def chromium(server: DeskAirflow) -> Iterator[Browser]:
    with browser_at(server) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    yield chromium
    chromium.leave()
