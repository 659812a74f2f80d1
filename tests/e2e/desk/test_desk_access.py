"""Every page of the desk under axe-core, in both languages, light and dark; and a picture of each.

The pages are those of the table of routes (``tests/desk/routes``), so that a page that nobody looked at cannot be. Not
only serious violations fail: none at all is found today.
"""

import csv
import io
import zipfile
from importlib import resources
from urllib.parse import quote

import pytest

from fazhi.audit import Actor
from fazhi.desk.ground import submitted
from fazhi.pipeline import ground_change
from fazhi.settings import PROJECT_ROOT
from support.desk_airflow import DeskAirflow
from support.desk_browser import MARKS, Browser, Seat
from support.desk_city import RECEIVED, run_id_of

pytestmark = MARKS

YEAR = 2023
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
FILES = (".csv", ".xlsx", ".html", ".txt", ".css", "{sha256}", "{name}")
"""How routes end that give a file, not a page."""


def pages() -> dict[str, str]:
    """Route → example, of all routes that show a page."""
    found = {}
    for path in sorted((PROJECT_ROOT / "tests" / "desk" / "routes").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found |= {row["route"]: row["example"] for row in csv.DictReader(file) if row["method"] == "GET"}
    return {route: example for route, example in found.items() if not route.endswith(FILES)}


PAGES = pages()
NAMES = {
    "/": "today",
    "/submissions/{submission_id:path}/{revision:int}": "submission",
    "/submissions/{submission_id:path}/{revision:int}/difference": "difference",
    "/submissions/{submission_id:path}/{revision:int}/preview": "preview",
    "/scores": "ranking-chosen",
    "/scores/{year}/{region}": "ranking",
    "/scores/{year}/{region}/stability": "stability",
    "/scores/{year}/{region}/{unit}": "unit",
    "/scores/{year}/{region}/{unit}/pending": "pending",
    "/scores/{year}/{region}/{unit}/last-year": "last-year",
    "/scores/{year}/{region}/{unit}/versions/{older}": "versions",
    "/years": "year-chosen",
    "/years/{year}/{region}": "year-looked-at",
    "/years/{year}/{region}/proposal": "proposal",
    "/runs/{run_id}": "run",
    "/ground/{proposal_id}": "ground-proposal",
    "/trail/verify": "trail-verified",
}
"""What pictures are called; other pages are called after their route."""


@pytest.fixture(scope="module")
def places(server: DeskAirflow) -> dict[str, object]:
    """What stands for ``{…}`` in the examples, a change of the ground proposed among it."""
    city = server.city
    submission_id, revision = next(one for one in city.submissions(YEAR) if "-" in one[0])
    holidays = (city.settings.holidays_dir / "2026.csv").read_bytes().splitlines(keepends=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("2026.csv", b"".join(holidays[:-1]))
    ground_change.propose_change(
        city.settings,
        submitted(archive.getvalue()),
        Actor("kp-operator-1", "合成运维员"),
        "核对节假日通知（合成数据）",
        now=RECEIVED,
    )
    return {
        "submission_id": submission_id,
        "revision": revision,
        "unit": city.units(YEAR)[0],
        "run": quote(run_id_of(YEAR), safe=""),
    }


def violations(seat: Seat) -> list[str]:
    """What axe-core finds on the page: how grave, which rule, where."""
    seat.page.evaluate(AXE)
    answer = seat.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    assert answer["passes"]
    return [
        f"{one['impact']} {one['id']}: {node['html'][:160]}"
        for one in answer["violations"]
        for node in one["nodes"][:3]
    ]


def looked_at(seat: Seat, name: str, path: str, status: int) -> dict[tuple[str, str], list[str]]:
    """The violations of a page in every look that it has, and a picture of each look."""
    found = {}
    for language in ("zh", "en"):
        for theme in ("light", "dark"):
            seat.choose(language=language, theme=theme)
            assert seat.open(path).status == status
            seat.picture(f"{name}-{language}-{theme}")
            found[language, theme] = violations(seat)
    seat.choose()
    return {look: told for look, told in found.items() if told}


@pytest.mark.parametrize("route", PAGES)
def test_a_page_is_open_to_everybody(browser: Browser, places: dict[str, object], route: str) -> None:
    seat = browser.seat("kp-auditor-1" if route.startswith("/trail") else "kp-chief-1")
    name = NAMES.get(route, route.strip("/").replace("/", "-"))
    assert looked_at(seat, name, PAGES[route].format(**places), 200) == {}
    assert seat.faults == []


def test_a_refusal_is_open_to_everybody(browser: Browser) -> None:
    assert looked_at(browser.seat("kp-viewer-1"), "refused", "/decisions", 403) == {}
    assert looked_at(browser.seat("kp-viewer-1"), "not-found", "/years/1999/150200", 404) == {}


def test_the_page_for_strangers_is_open_to_everybody(browser: Browser) -> None:
    seat = browser.empty_seat()
    for scheme in ("light", "dark"):
        seat.page.emulate_media(color_scheme=scheme)
        assert seat.open("/").status == 401
        seat.picture(f"not-logged-in-{scheme}")
        assert violations(seat) == []


def test_nothing_is_lost_on_a_small_screen_or_on_paper(browser: Browser, places: dict[str, object]) -> None:
    """At 1280×720 no page is wider than the window; in print neither navigation nor forms are left."""
    seat = browser.seat("kp-chief-1")
    for route in (
        "/",
        "/submissions/{submission_id:path}/{revision:int}",
        "/years/{year}/{region}",
        "/ground",
    ):
        seat.open(PAGES[route].format(**places))
        assert seat.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), route
        seat.page.emulate_media(media="print")
        assert not seat.page.locator("header.top nav").is_visible(), route
        seat.page.emulate_media(media="screen")
