"""What a page of the desk costs in a large store, beside the same page in a small one.

Every page (each GET route of the desk but files and downloads) is asked for in turn from a small store and a large one
in the same process; the small one has 1,000 findings, the large one 50,000, with FAZHI_BENCH=full 1,000,000 and
162,000 values.
Units have as many values in both, and both have more of everything than a page shows. Aim: the median answer of every
page is at most twice that of the small store. A page that cannot be asked for, because nothing here stands for a place
in its address, fails. PostgreSQL too where FAZHI_TEST_POSTGRES names a server that databases may be made on.
"""

import logging
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import support.airflow_room  # noqa: F401 - Airflow reads its settings when it is first imported
from fazhi.settings import Settings
from fazhi.store import connect, upgrade
from fazhi.store.raw import RawStore
from support.airflow_room import plugin_module
from support.desk import DeskClient, desk_client
from support.desk_bulk import BulkDesk, fill_desk
from support.validate import EDITIONS

SMALL = {"units": 60, "findings": 1_000, "runs": 60}
LARGE = {
    "": {"units": 200, "findings": 50_000, "runs": 500},
    "full": {"units": 540, "findings": 1_000_000, "runs": 3_000},
}
ROUNDS = 15
AIM = 2.0
FILES = (".csv", ".xlsx", ".html", ".txt", "/files/{sha256}")
COMPUTES = ("/years/{year}/{region}/proposal",)
"""Pages that compute a whole region because somebody asked them to: their cost is that of scoring."""
_SUBMISSION = "/submissions/{submission_id}/{revision}"
VARIANTS = {
    "/": ("year={year}&region={region}",),
    f"{_SUBMISSION}/difference": ("other={submission_id}&other_revision={revision}",),
    f"{_SUBMISSION}/preview": ("reason=x",),
    "/scores/{year}/{region}": ("q=单位0000",),
    "/runs/{run_id}": (
        "region={region}",
        "region={region}&severity=warn",
        "region={region}&unit={unit}",
        "region={region}&rule=RULE_3&severity=hold",
        "region={region}&text=没有这样的文字",
    ),
}
"""Further queries of pages that have some; the first stands for the page without one where it needs it."""

ALWAYS_ASKED = ("/", f"{_SUBMISSION}/difference", f"{_SUBMISSION}/preview")
"""Pages that make no sense without a query."""


@dataclass(frozen=True)
class Store:
    """A filled store as the desk stands on it."""

    desk: BulkDesk
    standing: Any

    @property
    def places(self) -> dict[str, str]:
        """What stands for ``{…}`` in addresses."""
        submission_id, revision = self.desk.submission
        return {
            "year": str(self.desk.year),
            "region": self.desk.region,
            "unit": self.desk.units[1],
            "run_id": quote(self.desk.run_id, safe=""),
            "submission_id": quote(submission_id, safe=""),
            "revision": str(revision),
            "older": "1",
            "proposal_id": "1",
        }


def stand(folder: Path, url: str, sizes: dict[str, int]) -> Store:
    """Fill a store and give the desk its ground."""
    standing = plugin_module("desk.standing")
    settings = Settings.load(
        environ={
            "FAZHI_STORE_URL": url,
            "FAZHI_RAW_URL": str(folder / "raw"),
            "FAZHI_REPORTS_DIR": str(folder / "reports"),
        }
    )
    engine = connect(url)
    upgrade(engine)
    made = fill_desk(engine, EDITIONS.for_year(2025), RawStore(settings.raw_url), **sizes)
    engine.dispose()
    stood = standing.Standing(settings)
    ground = standing.SharedGround(settings, stood)
    vars(ground).update(editions=EDITIONS, registry=made.registry)
    stood._ground = ground
    stood._stamp = standing._stamp((settings.systems_dir, settings.registry_dir))
    return Store(made, stood)


def pages() -> list[str]:
    """The addresses of all pages, with their places."""
    app = plugin_module("desk.app").app
    paths = [
        re.sub(r":\w+}", "}", route.path)
        for route in app.routes
        if "GET" in route.methods and not route.path.startswith("/static")
    ]
    routes = [path for path in paths if not path.endswith(FILES) and path not in COMPUTES]
    return [
        f"{path}?{query}" if query else path
        for path in routes
        for query in (VARIANTS[path] if path in ALWAYS_ASKED else ("", *VARIANTS.get(path, ())))
    ]


def measure(browser: DeskClient, stores: dict[str, Store], path: str) -> dict[str, float]:
    """The median answer of a page in each store, in milliseconds, asked for in turn.

    Raises:
        SystemExit: The page does not answer as one.
    """
    standing = plugin_module("desk.standing")
    taken: dict[str, list[float]] = {name: [] for name in stores}
    for number in range(ROUNDS + 1):
        for name, store in stores.items():
            standing._standing = store.standing
            try:
                address = path.format(**store.places)
            except KeyError as unknown:
                raise SystemExit(f"{path}: nothing stands for {unknown} (Store.places)") from None
            begin = time.perf_counter()
            answer = browser.get(address)
            spent = time.perf_counter() - begin
            if answer.status_code not in (200, 303):
                raise SystemExit(f"{path}: {name} answered {answer.status_code}")
            if number:  # the first one warms up templates and caches
                taken[name].append(spent * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


@contextmanager
def _urls(database: str, folder: Path) -> Iterator[dict[str, str]]:
    if database == "sqlite":
        yield {name: f"sqlite:///{folder / name}.db" for name in ("small", "large")}
        return
    from sqlalchemy import create_engine, make_url, text

    server = make_url(os.environ["FAZHI_TEST_POSTGRES"])
    names = {name: f"fazhi_bench_desk_{name}" for name in ("small", "large")}
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for name in names.values():
            connection.execute(text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(text(f"CREATE DATABASE {name}"))
    yield {
        name: server.set(database=made).render_as_string(hide_password=False) for name, made in names.items()
    }
    with engine.connect() as connection:
        for name in names.values():
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def bench(database: str) -> bool:
    """Print the table of one database; whether every page held."""
    large = LARGE["full" if os.environ.get("FAZHI_BENCH") == "full" else ""]
    held = True
    with tempfile.TemporaryDirectory() as name, _urls(database, Path(name)) as urls:
        folder = Path(name)
        stores = {
            "small": stand(folder, urls["small"], SMALL),
            "large": stand(folder, urls["large"], large),
        }
        for size, store in stores.items():
            print(f"{database} {size}: {store.desk.findings} findings, {store.desk.values} values")
        print(f"{'page':<78}{'small ms':>10}{'large ms':>10}{'ratio':>8}")
        with desk_client(stores["small"].standing.settings) as client:
            browser = client.as_person(_anything())
            for path in pages():
                median = measure(browser, stores, path)
                ratio = median["large"] / median["small"]
                held &= ratio <= AIM
                late = "" if ratio <= AIM else "  above the aim"
                print(f"{path:<78}{median['small']:>10.1f}{median['large']:>10.1f}{ratio:>8.2f}{late}")
        for store in stores.values():
            store.standing.engine.dispose()
    return held


def _anything() -> Any:
    """Somebody who may open every page."""
    from fazhi.desk import ALL_REGIONS, Ability, Person

    return Person("1", "bench", "", dict.fromkeys(Ability, frozenset({ALL_REGIONS})))


def main() -> int:
    """Print the tables; the exit status."""
    logging.disable(logging.INFO)
    databases = ["sqlite", *(["postgresql"] if os.environ.get("FAZHI_TEST_POSTGRES") else [])]
    answers = [bench(database) for database in databases]
    held = all(answers)
    print(f"aim: every page at most {AIM} times the small store's: {'held' if held else 'NOT held'}")
    return 0 if held else 1


if __name__ == "__main__":
    raise SystemExit(main())
