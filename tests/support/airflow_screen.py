"""Airflow's UI in a real Chinese browser, as an operator sees it. Pictures go to ``var/screenshots``.

Importing this skips the importing module where playwright is missing; ``NEEDS_CHROMIUM`` marks what opens a browser.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from fazhi.services import LocalAirflow
from fazhi.settings import PROJECT_ROOT
from support.chromium import CHROMIUM, launched

playwright = pytest.importorskip("playwright.sync_api", reason="needs chromium: playwright is not installed")

PICTURES = PROJECT_ROOT / "var" / "screenshots"
NEEDS_CHROMIUM = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="needs chromium: apt-get install chromium fonts-noto-cjk"
)
playwright.expect.set_options(timeout=20_000)
_SUBMIT_TIMEOUT = 90_000
"""A busy server makes the runs of a backfill before it answers."""


@contextmanager
def opened(airflow: LocalAirflow) -> "Iterator[Screen]":
    """A Chinese browser in Shanghai, logged in."""
    with opened_at(airflow.url, airflow.user, airflow.password) as screen:
        yield screen


@contextmanager
def opened_at(url: str, user: str, password: str) -> "Iterator[Screen]":
    """The same at an Airflow that somebody else started."""
    browser = launched()
    try:
        context = browser.new_context(
            locale="zh-CN", timezone_id="Asia/Shanghai", viewport={"width": 1500, "height": 1050}
        )
        screen = Screen(context.new_page(), url)
        screen.log_in(user, password)
        yield screen
    finally:
        browser.close()


class Screen:
    """Airflow's UI, by what a person sees of it."""

    def __init__(self, page, url: str) -> None:
        self.page = page
        self.url = url
        page.set_default_timeout(40_000)

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")

    def log_in(self, user: str, password: str) -> None:
        self.page.goto(self.url)
        self.page.locator("input[name=username]").fill(user)
        self.page.locator("input[name=password]").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(lambda address: "/auth/" not in address)

    def open_dag(self) -> None:
        self.page.goto(f"{self.url}/dags/assessment")
        self.page.get_by_test_id("trigger-dag-button").first.wait_for()

    def fill_in_backfill(
        self, first: str, last: str, again: str, params: dict[str, str] | None = None
    ) -> None:
        self.page.get_by_test_id("trigger-dag-button").first.click()
        form = self._form()
        form.get_by_text("回填", exact=True).click()
        for number, day in enumerate((first, last)):
            form.get_by_test_id("datetime-input").nth(number).click()
            calendar = self.page.locator("[data-scope=popover][data-part=content][data-state=open]").last
            calendar.get_by_placeholder("YYYY/MM/DD").fill(day)
            self.page.keyboard.press("Tab")
            self.page.keyboard.press("Escape")
        form.get_by_text(again, exact=True).click()
        if params is None:
            return
        form.get_by_text("覆盖现有执行的参数", exact=True).click()
        form.locator("#element_mode").click()
        form.locator("#element_mode").get_by_role("option", name=params["mode"]).click()
        form.locator("input[name=element_reason]").fill(params["reason"])

    def submit_backfill(self) -> None:
        button = self._form().get_by_role("button", name="执行回填", exact=True)
        button.scroll_into_view_if_needed()
        self.picture(f"{self._prefix}-submit")
        button.click()
        told = self.page.get_by_text("已成功触发回填作业").first
        playwright.expect(told).to_be_visible(timeout=_SUBMIT_TIMEOUT)

    def backfill(
        self, prefix: str, years: tuple[int, int], again: str, params: dict[str, str] | None = None
    ) -> None:
        """Fill in and submit a backfill of a span of years, each of which is to run once."""
        self._prefix = prefix
        self.open_dag()
        self.picture(f"{prefix}-dag")
        self.fill_in_backfill(f"{years[0]}/01/01", f"{years[1]}/12/31", again, params)
        runs = years[1] - years[0] + 1
        playwright.expect(self._form().get_by_text(f"将会触发 {runs} 次执行")).to_be_visible()
        self.picture(f"{prefix}-form")
        self.submit_backfill()
        playwright.expect(self.page.get_by_text("回填正在进行中").first).to_be_visible()
        self.picture(f"{prefix}-submitted")

    def show_log(self, run_id: str, task_id: str, words: str, name: str) -> None:
        """The log of a task, once the words can be read in it."""
        self.page.goto(f"{self.url}/dags/assessment/runs/{run_id}/tasks/{task_id}")
        shown = self.page.get_by_text(words).first
        shown.wait_for()
        shown.scroll_into_view_if_needed()
        self.picture(name)

    def show_years(self) -> None:
        """The list of runs with the column that is hidden by default."""
        self.page.goto(f"{self.url}/dags/assessment/runs")
        titles = self.page.locator("thead")
        titles.get_by_text("状态", exact=True).wait_for()
        year = titles.get_by_text("分区键", exact=True)
        try:
            year.wait_for(timeout=5000)  # the browser remembers the choice, a moment after the list appears
        except playwright.TimeoutError:
            self.page.locator("button[aria-label=筛选表格列]").click()
            self.page.get_by_text("分区键", exact=True).last.click()
            self.page.keyboard.press("Escape")
        playwright.expect(year).to_be_visible()

    def open_report(self, run_id: str) -> None:
        """The button of the validation task."""
        self.page.goto(f"{self.url}/dags/assessment/runs/{run_id}/tasks/validate/mapped/0/details")
        button = self.page.locator("#details-panel").get_by_role("link", name="核验报告", exact=True)
        button.wait_for()
        self.picture("report-button")
        button.click()
        self.page.wait_for_url("**/fazhi/report/**")

    def open_report_tab(self, run_id: str):
        """The tab of the run; the frame in it."""
        self.page.goto(f"{self.url}/dags/assessment/runs/{run_id}")
        self.page.locator("a[href$='/plugin/report']").click()
        frame = self.page.frame_locator("iframe")
        frame.locator("h1").first.wait_for()
        self.picture("report-tab")
        return frame

    def _form(self):
        return self.page.get_by_role("dialog").filter(has=self.page.get_by_role("radiogroup")).last
