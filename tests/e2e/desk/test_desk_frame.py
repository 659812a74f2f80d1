"""The frame of the desk in a real browser, on a real api-server with FAB: logins, rights, and that nothing leaves."""

import re
import subprocess
import sys

import pytest

from fazhi.settings import PROJECT_ROOT
from support.desk_airflow import USERS, DeskAirflow
from support.desk_browser import MARKS, Browser

pytestmark = MARKS

PAGE = "/?year=2024&region=150200"
SECTIONS = {
    "kp-viewer-1": ["今日", "得分", "年度结果", "执行", "考评依据"],
    "kp-steward-1": ["今日", "我的决定", "得分", "年度结果", "执行", "考评依据"],
    "kp-auditor-1": ["今日", "得分", "年度结果", "执行", "考评依据", "审计"],
}


def test_a_stranger_is_told_to_log_in_and_comes_back(browser: Browser, server: DeskAirflow) -> None:
    seat = browser.empty_seat("kp-steward-1")
    answer = seat.open(PAGE)
    assert answer.status == 401
    seat.picture("not-logged-in")
    assert seat.page.locator("h1").inner_text() == "请先登录"
    assert seat.page.locator("link, script").count() == 0
    seat.page.get_by_role("link", name="去登录").click()
    seat.page.locator("input[name=username]").fill(seat.account)
    seat.page.locator("input[name=password]").fill(server.passwords[seat.account])
    seat.page.locator("input[type=submit], button[type=submit]").first.click()
    seat.page.frame_locator("iframe").locator("h1").first.wait_for()
    assert "/plugin/fazhi-desk" in seat.page.url
    assert seat.page.frame_locator("iframe").locator("h1").inner_text().startswith("今日")


def test_the_desk_stands_in_the_navigation_and_works_in_its_frame(browser: Browser) -> None:
    seat = browser.seat("kp-steward-1")
    frame = seat.framed()
    frame.locator("h1").first.wait_for()
    seat.picture("in-airflow")
    frame.get_by_role("button", name="我都看过了").click()
    frame.get_by_text("已记下：到此刻为止的变化您都看过了").wait_for()
    assert frame.get_by_text("自上次看过以来").count() == 1


@pytest.mark.parametrize("account", SECTIONS)
def test_everybody_sees_the_sections_that_are_theirs(browser: Browser, account: str) -> None:
    seat = browser.seat(account)
    assert seat.open(PAGE).status == 200
    assert [link.inner_text() for link in seat.page.locator(".top nav a").all()] == SECTIONS[account]
    assert account in seat.page.locator(".person").inner_text()
    assert seat.faults == []


def test_whoever_has_no_role_or_another_region_is_refused_in_words(browser: Browser) -> None:
    for account in ("kp-nobody-1", "kp-elsewhere-1"):
        seat = browser.seat(account)
        assert seat.open(PAGE).status == 403
        assert seat.page.locator("h1").inner_text() == "没有权限"
        assert "权限" in seat.page.locator(".refusal").inner_text()
    assert seat.open("/?year=2024&region=150100").status == 200


def test_nothing_is_asked_of_another_host(browser: Browser, server: DeskAirflow) -> None:
    seat = browser.seat("kp-auditor-1")
    for path in (PAGE, "/trail", "/trail/verify"):
        assert seat.open(path).status == 200
    assert [address for address in seat.asked if not address.startswith((server.url, "data:"))] == []
    assert seat.faults == []


def test_a_steward_starts_no_run_and_an_operator_decides_nothing(server: DeskAirflow) -> None:
    run = {"logical_date": None, "partition_key": "2024"}
    backfill = {
        "dag_id": "assessment",
        "from_date": "2023-01-01T00:00:00Z",
        "to_date": "2023-12-31T00:00:00Z",
    }
    started = {
        account: (
            server.call(account, "POST", "/api/v2/dags/assessment/dagRuns", json=run).status_code,
            server.call(account, "POST", "/api/v2/backfills/dry_run", json=backfill).status_code,
        )
        for account in (None, *USERS)
    }
    assert started == dict.fromkeys((None, *USERS), (403, 403)) | {
        None: (401, 401),
        "kp-operator-1": (200, 200),
    }
    page = server.call("kp-operator-1", "GET", f"/fazhi-desk{PAGE}").text
    assert "/decisions" not in page


def test_a_login_that_is_none_is_no_login(server: DeskAirflow) -> None:
    for cookie in ("", "garbage", "a.b.c"):
        answer = server.session(None).get(f"{server.desk}{PAGE}", cookies={"_token": cookie}, timeout=60)
        assert answer.status_code == 401
        assert "请先登录" in answer.text


def test_a_form_of_another_site_is_refused(browser: Browser, server: DeskAirflow) -> None:
    """The browser of somebody who is logged in, on a page that another site made."""
    seat = browser.seat("kp-steward-1")
    seat.open(PAGE)
    token = seat.page.locator("input[name=csrf_token]").first.get_attribute("value")
    other = server.desk.replace("127.0.0.1", "localhost")
    target = f"{server.desk}/seen/2024/150200"
    page = f'<form method=post action="{target}"><input name=csrf_token value="{token}"></form>'
    seat.page.route(f"{other}/trap", lambda route: route.fulfill(body=page, content_type="text/html"))
    seat.page.goto(f"{other}/trap")
    with seat.page.expect_navigation() as navigated:
        seat.page.evaluate("document.forms[0].submit()")
    assert navigated.value.status in (401, 403)


def test_a_click_marks_and_a_bare_request_does_not(browser: Browser, server: DeskAirflow) -> None:
    seat = browser.seat("kp-viewer-1")
    seat.open(PAGE)
    seat.page.get_by_role("button", name="我都看过了").click()
    seat.page.get_by_text("自上次看过以来").wait_for()
    bare = server.call("kp-viewer-1", "POST", "/fazhi-desk/seen/2024/150200")
    assert bare.status_code == 403


def test_language_and_theme_stay_chosen(browser: Browser) -> None:
    seat = browser.seat("kp-steward-1")
    seat.open(PAGE)
    seat.page.get_by_role("button", name="English").click()
    seat.page.get_by_role("heading", name="Today").wait_for()
    assert seat.page.locator("html").get_attribute("lang") == "en"
    assert seat.page.url.endswith(PAGE)
    seat.page.get_by_role("button", name="Auto").click()
    seat.page.wait_for_selector("html[data-theme=light]")
    seat.page.get_by_role("button", name="Light").click()
    seat.page.wait_for_selector("html[data-theme=dark]")


def test_the_keyboard_is_enough(browser: Browser) -> None:
    seat = browser.seat("kp-auditor-1")
    seat.open(PAGE)
    seat.page.keyboard.press("Tab")
    assert seat.page.evaluate("document.activeElement.className") == "skip"
    seat.page.keyboard.press("j")
    first = seat.page.evaluate("document.activeElement.getAttribute('href')")
    assert re.fullmatch(r"/fazhi-desk/submissions/.+/1", first)
    seat.page.keyboard.press("?")
    assert seat.page.get_by_role("heading", name="快捷键").is_visible()
    seat.page.keyboard.press("Escape")
    seat.page.keyboard.press("6")
    seat.page.wait_for_url("**/trail")


def test_making_the_roles_again_changes_nothing(server: DeskAirflow) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fazhi.services", "roles"],
        env=server.airflow.environment(),
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "共 15 个，新增权限 0 项，收回权限 0 项" in done.stdout


def test_pictures_of_the_pages(browser: Browser) -> None:
    """In both languages, light and dark: for the guide, and for whoever wants to see."""
    seat = browser.seat("kp-steward-1")
    seat.looks("today", PAGE)
    auditor = browser.seat("kp-auditor-1")
    auditor.looks("trail", "/trail")
    auditor.open("/trail/verify")
    auditor.picture("verify")
    assert seat.faults + auditor.faults == []
