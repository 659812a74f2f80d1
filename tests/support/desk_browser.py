"""A Chinese browser at the desk: seats for accounts, logged in as a person does it. Pictures go to ``var/screenshots``."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fazhi.settings import PROJECT_ROOT
from support.chromium import CHROMIUM, launched
from support.desk_airflow import DeskAirflow

PICTURES = PROJECT_ROOT / "var" / "screenshots" / "desk"
SIZE = {"width": 1280, "height": 720}
TRIES = 6

MARKS = [
    pytest.mark.airflow,
    pytest.mark.ci,
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not CHROMIUM.exists(), reason="needs chromium: apt-get install chromium fonts-noto-cjk"
    ),
]
"""What a module of browser tests of the desk sets as its ``pytestmark``."""


@dataclass
class Seat:
    """A browser window of one account. ``asked`` are the addresses that its pages asked for; ``faults`` what the console
    complained of."""

    page: Any
    server: DeskAirflow
    account: str
    asked: list[str]
    faults: list[str]

    def log_in(self) -> None:
        """Through Airflow's own login page, which takes a few logins in 40 seconds and answers 429 to more."""
        for _ in range(TRIES):
            self.page.goto(f"{self.server.url}/auth/login/")
            self.page.locator("input[name=username]").fill(self.account)
            self.page.locator("input[name=password]").fill(self.server.passwords[self.account])
            with self.page.expect_response(lambda answer: answer.request.method == "POST") as given:
                self.page.locator("input[type=submit], button[type=submit]").first.click()
            if given.value.status != 429:
                self.page.wait_for_url(lambda address: "/auth/login" not in address)
                return
            self.page.wait_for_timeout(10_000)
        raise AssertionError(f"{self.account} was refused {TRIES} times for logging in too often")

    def open(self, path: str = "/") -> Any:
        """A page of the desk, alone; the answer."""
        return self.page.goto(f"{self.server.desk}{path}")

    def framed(self) -> Any:
        """The desk in Airflow's frame, come to by the navigation."""
        self.page.goto(self.server.url)
        found = self.page.get_by_role("link", name="审核工作台")
        if not found.count():
            self.page.get_by_role("button", name="插件").or_(
                self.page.get_by_text("审核工作台")
            ).first.click()
        self.page.get_by_text("审核工作台").first.click()
        return self.page.frame_locator("iframe")

    def choose(self, *, language: str = "zh", theme: str = "light") -> None:
        """The language and theme of the pages from now on."""
        self.page.context.add_cookies(
            [
                {"name": f"fazhi_desk_{name}", "value": value, "url": self.server.desk}
                for name, value in (("language", language), ("theme", theme))
            ]
        )

    def picture(self, name: str, *, whole: bool = False) -> Path:
        """What the window shows, or the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, full_page=whole)
        return path

    def looks(self, name: str, path: str) -> None:
        """Pictures of a page in both languages, light and dark."""
        for language in ("zh", "en"):
            for theme in ("light", "dark"):
                self.choose(language=language, theme=theme)
                self.open(path)
                self.picture(f"{name}-{language}-{theme}")
        self.choose()


class Browser:
    """A running Chromium in which accounts take seats; each account logs in once."""

    def __init__(self, chromium: Any, server: DeskAirflow) -> None:
        self._chromium = chromium
        self._server = server
        self._cookies: dict[str, Any] = {}
        self._contexts: list[Any] = []

    def seat(self, account: str) -> Seat:
        """A window of an account that has logged in."""
        seat = self.empty_seat(account)
        if account in self._cookies:
            seat.page.context.add_cookies(self._cookies[account])
        else:
            seat.log_in()
            self._cookies[account] = seat.page.context.cookies()
        return seat

    def empty_seat(self, account: str = "") -> Seat:
        """A window in which nobody has logged in."""
        context = self._chromium.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", viewport=SIZE)
        self._contexts.append(context)
        page, asked, faults = context.new_page(), [], []
        page.set_default_timeout(40_000)
        page.on("request", lambda request: asked.append(request.url))

        def complain(text: str) -> None:
            if page.url.startswith(self._server.desk):  # what Airflow's own pages complain of is not ours
                faults.append(text)

        page.on("console", lambda message: complain(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complain(str(error)))
        return Seat(page, self._server, account, asked, faults)

    def leave(self) -> None:
        """Close all windows."""
        while self._contexts:
            self._contexts.pop().close()


@contextmanager
def browser_at(server: DeskAirflow) -> Iterator[Browser]:
    """A Chromium for a running desk."""
    chromium = launched()
    browser = Browser(chromium, server)
    try:
        yield browser
    finally:
        browser.leave()
        chromium.close()
