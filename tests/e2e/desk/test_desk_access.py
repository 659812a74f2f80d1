"""Every page of the desk under axe-core, in both languages, light and dark; and a picture of each."""

from importlib import resources

import pytest
from sqlalchemy import select

from fazhi.store import read
from fazhi.store.tables import current_result, pipeline_run
from support.desk_airflow import DeskAirflow
from support.desk_browser import MARKS, Browser
from support.desk_city import REGION

pytestmark = MARKS

YEAR = 2024
PAGES = {
    "today": "/?year={year}&region={region}",
    "submission": "/submissions/{submission}",
    "difference": "/submissions/{submission}/difference?other={id}&other_revision={revision}",
    "preview": "/submissions/{submission}/preview?reason=x",
    "decisions": "/decisions",
    "ranking": "/scores/{year}/{region}",
    "unit": "/scores/{year}/{region}/{unit}",
    "stability": "/scores/{year}/{region}/stability",
    "year": "/years/{year}/{region}",
    "proposal": "/years/{year}/{region}/proposal",
    "runs": "/runs",
    "run": "/runs/{run}",
    "ground": "/ground",
    "refused": "/years/1999/{region}",
}
AUDITOR_PAGES = {"trail": "/trail", "verify": "/trail/verify"}
SERIOUS = ("serious", "critical")
AXE = (resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def places(server: DeskAirflow) -> dict[str, object]:
    submission_id, revision = server.city.submissions(YEAR)[0]
    with read(server.city.engine) as connection:
        unit = connection.scalar(select(current_result.c.unit_code).where(current_result.c.year == YEAR))
        run = connection.scalar(select(pipeline_run.c.run_id).where(pipeline_run.c.year == YEAR))
    return {
        "year": YEAR,
        "region": REGION,
        "submission": f"{submission_id}/{revision}",
        "id": submission_id,
        "revision": revision,
        "unit": unit,
        "run": run,
    }


@pytest.mark.parametrize(
    ("account", "name", "path"),
    [("kp-chief-1", name, path) for name, path in PAGES.items()]
    + [("kp-auditor-1", name, path) for name, path in AUDITOR_PAGES.items()],
    ids=lambda value: str(value).split("/")[0],
)
def test_a_page_has_no_serious_violation(
    browser: Browser, places: dict[str, object], account: str, name: str, path: str
) -> None:
    seat = browser.seat(account)
    found = {}
    for language in ("zh", "en"):
        for theme in ("light", "dark"):
            seat.choose(language=language, theme=theme)
            assert seat.open(path.format(**places)).status in (200, 404)
            seat.picture(f"{name}-{language}-{theme}")
            seat.page.evaluate(AXE)
            answer = seat.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            found |= {
                (language, theme, one["id"]): [node["html"][:160] for node in one["nodes"][:3]]
                for one in answer["violations"]
                if one["impact"] in SERIOUS
            }
    assert found == {}
