"""Chromium for browser tests: where it is, how it is started, and one Playwright for the whole test process.

Playwright's synchronous interface cannot be started twice in one process: a module's browser and a session's share one.
"""

import atexit
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def _player() -> Any:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs chromium: playwright is not installed"
    )
    started = playwright.sync_playwright().start()
    atexit.register(started.stop)
    return started


def launched() -> Any:
    """A browser of its own; whoever launches it closes it."""
    return _player().chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
