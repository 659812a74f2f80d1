"""What the desk refuses, as a steward sees it: the store away, things of other regions, text that would be a script."""

import pytest
from sqlalchemy import select

from fazhi.store import read
from fazhi.store.tables import current_submission, decision
from support import postgres
from support.desk_airflow import DeskAirflow
from support.desk_browser import MARKS, Browser, Seat
from support.desk_city import REGION

pytestmark = MARKS

YEAR = 2024
REASON = "已与单位核实（合成数据）"


def a_submission(server: DeskAirflow) -> str:
    with read(server.city.engine) as connection:
        here = current_submission.c
        row = connection.execute(select(here.submission_id, here.revision).where(here.year == YEAR)).first()
    assert row is not None
    return f"/submissions/{row.submission_id}/{row.revision}"


def decisions(server: DeskAirflow) -> int:
    with read(server.city.engine) as connection:
        return len(connection.execute(select(decision.c.decision_id)).all())


def says(seat: Seat) -> str:
    return seat.page.locator("main").inner_text()


def test_a_store_that_is_down_is_told_and_comes_back(
    browser: Browser, server: DeskAirflow, database: postgres.Cluster | None
) -> None:
    if database is None:
        pytest.skip(postgres.why_not())
    path, before = a_submission(server), decisions(server)
    seat = browser.seat("kp-steward-1")
    assert seat.open(path).status == 200
    seat.page.get_by_label("退回原因（报送单位会看到）").fill(REASON)
    database.stop()
    try:
        seat.page.get_by_role("button", name="预览退回内容").click()
        seat.page.get_by_text("暂时连不上数据库，数据没有改变。").wait_for()
        seat.picture("store-down")
        for page in ("/", path, f"/scores/{YEAR}/{REGION}", f"/years/{YEAR}/{REGION}", "/runs"):
            assert seat.open(page).status == 503, page
            assert "暂时连不上数据库" in says(seat), page
    finally:
        database.start()
    assert (
        seat.open(path).status == 200
    )  # at the first click, not after everybody's old connections have failed
    assert decisions(server) == before


def test_what_is_not_there_is_no_fault_of_ours(browser: Browser, server: DeskAirflow) -> None:
    seat = browser.seat("kp-steward-1")
    for path in (
        "/submissions/no-such/1",
        f"{a_submission(server).rpartition('/')[0]}/99",
        f"/scores/1999/{REGION}",
        f"/scores/{YEAR}/{REGION}/NOBODY",
        "/runs/no-such-run",
        "/ground/4711",
    ):
        assert seat.open(path).status == 404, path
        assert "没有" in says(seat), path


def test_another_region_s_submission_is_not_shown(browser: Browser, server: DeskAirflow) -> None:
    seat = browser.seat("kp-elsewhere-1")
    assert seat.open(a_submission(server)).status == 403
    assert server.city.submissions(YEAR)[0][0] not in says(seat)
