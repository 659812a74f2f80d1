"""What every step stands on. In: settings. Out: editions, registry, store and raw files, loaded once and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from fazhi.model.errors import ConfigurationError
from fazhi.registry import Registry, load_registry
from fazhi.settings import Settings
from fazhi.store import open_store
from fazhi.store.raw import RawStore
from fazhi.systems import Edition, Editions, load_editions

SHANGHAI = ZoneInfo("Asia/Shanghai")
Progress = Callable[[str], None]
Counts = dict[str, Any]
Loaded = TypeVar("Loaded")


def now_in_shanghai() -> datetime:
    """The present moment where the assessment is made."""
    return datetime.now(SHANGHAI)


def _steady(folder: Path, load: Callable[[], Loaded]) -> Loaded:
    """Load from a folder again when an approved change put another one in its place meanwhile."""
    while True:
        before = _identity(folder)
        try:
            loaded = load()
        except ConfigurationError:
            if _identity(folder) == before:
                raise
        else:
            if _identity(folder) == before:
                return loaded


def _identity(folder: Path) -> tuple[int, int]:
    try:
        found = folder.stat()
    except OSError:  # told by whoever loads it
        return (0, 0)
    return (found.st_dev, found.st_ino)


@dataclass(frozen=True)
class Ground:
    """What every step stands on, loaded and checked once: nothing is scored on a faulty edition or registry."""

    settings: Settings

    @cached_property
    def editions(self) -> Editions:
        """The editions of the indicator system."""
        return _steady(self.settings.systems_dir, lambda: load_editions(self.settings.systems_dir))

    @cached_property
    def registry(self) -> Registry:
        """Units, tasks, sources and adjustments."""
        editions = self.editions
        return _steady(
            self.settings.registry_dir, lambda: load_registry(self.settings.registry_dir, editions)
        )

    @cached_property
    def engine(self) -> Engine:
        """The store, created or upgraded where it may be."""
        return open_store(self.settings.store_url)

    @cached_property
    def raw(self) -> RawStore:
        """The content-addressed raw files."""
        return RawStore(self.settings.raw_url)

    def edition(self, year: int) -> Edition:
        """The edition in force in an assessment year."""
        return self.editions.for_year(year)
