"""All routes × all roles: who gets what, by a table. A route that is not in the table fails.

``routes/<topic>.csv``: the route as written, a path to try it with (filled from the city where it has ``{…}``: see
``places``), the fields of its form, and the status that each role gets. ``elsewhere`` is a chief steward of another region.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest

from fazhi.settings import PROJECT_ROOT
from support.airflow_room import plugin_module
from support.desk import ORIGIN, PERSONS, PREFIX, DeskClient, desk_client
from support.desk_city import DeskCity, places_of, run_id_of

TABLES = Path(__file__).with_name("routes")
ROLES = ("anonymous", *PERSONS)
READS = ("GET", "HEAD")


def table() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in sorted(TABLES.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += csv.DictReader(file)
    return rows


ROWS = table()
ACTS = [row for row in ROWS if row["method"] == "POST"]


@pytest.fixture(scope="module")
def looked_at(shared_city: DeskCity, tmp_path_factory: pytest.TempPathFactory) -> DeskCity:
    return shared_city.copy(tmp_path_factory.mktemp("routes") / "city")


@pytest.fixture(scope="module")
def places(looked_at: DeskCity) -> dict[str, object]:
    """What stands for ``{…}`` in the examples of the table."""
    return places_of(looked_at) | {
        "unit": looked_at.units(2023)[0],
        "run": quote(run_id_of(2023), safe=""),
    }


@pytest.fixture(scope="module")
def server(looked_at: DeskCity) -> Iterator[DeskClient]:
    with desk_client(looked_at.settings) as client:
        yield client


def test_every_route_stands_in_the_table_and_nothing_else() -> None:
    app = plugin_module("desk.app").app
    written = {(method, route.path) for route in app.routes for method in route.methods}
    assert written - {(row["method"], row["route"]) for row in ROWS} == set()
    assert {(row["method"], row["route"]) for row in ROWS} - written == set()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['method']} {row['route']}")
def test_each_role_gets_what_the_table_says(
    server: DeskClient, places: dict[str, object], row: dict[str, str]
) -> None:
    got = {}
    for role in ROLES:
        browser = server.as_person(PERSONS.get(role))
        path = row["example"].format(**places)
        form = dict(parse_qsl(row["form"].format(**places)))
        answer = browser.post(path, form) if row["method"] == "POST" else browser.get(path)
        got[role] = str(answer.status_code)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert got == {role: row[role] for role in ROLES}


@pytest.mark.parametrize("row", ACTS, ids=lambda row: row["route"])
@pytest.mark.parametrize(
    ("given", "headers"),
    [
        ("", {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}),
        ("0" * 64, {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}),
        ("somebody else's", {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}),
        ("right", {}),
        ("right", {"Origin": "https://evil.invalid"}),
        ("right", {"Origin": "null"}),
        ("right", {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}),
        ("right", {"Origin": ORIGIN, "Sec-Fetch-Site": "same-site"}),
        ("right", {"Sec-Fetch-Site": "none"}),
    ],
)
def test_an_act_from_anywhere_else_is_refused(
    server: DeskClient, places: dict[str, object], row: dict[str, str], given: str, headers: dict[str, str]
) -> None:
    """By somebody who may do it; the form is complete but for its token, or comes from another site."""
    role = next(role for role in PERSONS if row[role] not in ("401", "403"))
    browser = server.as_person(PERSONS[role])
    other = next(person for name, person in PERSONS.items() if name not in (role, "stranger"))
    token = {"right": browser.csrf, "somebody else's": server.as_person(other).csrf}.get(given, given)
    form = dict(parse_qsl(row["form"].format(**places))) | {"csrf_token": token}
    browser = server.as_person(PERSONS[role])
    answer = browser.bare("POST", row["example"].format(**places), data=form, headers=headers)
    assert answer.status_code == 403
    assert "没有受理" in answer.text


PAGES = {one["route"] for one in ROWS if one["method"] == "GET"}
NOT_POST = [
    pytest.param(method, row, id=f"{method}-{row['route']}")
    for row in ACTS
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH")
    if not (method in READS and row["route"] in PAGES)  # a page has the same address
]


@pytest.mark.parametrize(("method", "row"), NOT_POST)
def test_nothing_but_post_acts(
    server: DeskClient, places: dict[str, object], row: dict[str, str], method: str
) -> None:
    answer = server.as_person(PERSONS["chief"]).bare(method, row["example"].format(**places))
    assert answer.status_code == 405


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/static/", "/static/..%2Fapp.py", "/x"]
)
def test_there_is_nothing_else(server: DeskClient, path: str) -> None:
    assert server.as_person(PERSONS["chief"]).get(path).status_code == 404


def test_pages_cannot_be_framed_by_strangers_nor_cached(server: DeskClient) -> None:
    answer = server.as_person(PERSONS["viewer"]).get("/?year=2023&region=150200")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert f'href="{PREFIX}/static/desk.css"' in answer.text


def test_pages_load_nothing_from_elsewhere() -> None:
    for path in (PROJECT_ROOT / "plugins" / "desk").rglob("*"):
        if path.suffix in (".html", ".css", ".js"):
            text = path.read_text(encoding="utf-8")
            assert "http:" not in text, path
            assert "https:" not in text, path
            assert "|safe" not in text.replace("{{ style|safe }}", ""), path
            assert " style=" not in text, path
            assert "onclick" not in text, path
