"""What the tests of the desk share: a city made once, copies for those that change it, a browser of sorts."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import support.airflow_room  # noqa: F401 - Airflow reads its settings when it is first imported
from support.desk import DeskClient, desk_client
from support.desk_city import DeskCity, desk_city


@pytest.fixture(scope="session")
def shared_city(tmp_path_factory: pytest.TempPathFactory) -> DeskCity:
    """For looking only."""
    return desk_city(tmp_path_factory.mktemp("desk-city"))


@pytest.fixture
def city(shared_city: DeskCity, tmp_path: Path) -> DeskCity:
    """For changing."""
    return shared_city.copy(tmp_path / "city")


@pytest.fixture
def desk(city: DeskCity) -> Iterator[DeskClient]:
    """The desk on a city of its own."""
    with desk_client(city.settings) as client:
        yield client
