"""What every step stands on. In: settings. Out: editions, registry, store and raw files, loaded once and checked."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from fazhi.registry import Registry, load_registry
from fazhi.settings import Settings
from fazhi.store import open_store
from fazhi.store.raw import RawStore
from fazhi.systems import Edition, Editions, load_editions

SHANGHAI = ZoneInfo("Asia/Shanghai")
Progress = Callable[[str], None]
Counts = dict[str, Any]


def now_in_shanghai() -> datetime:
    """The present moment where the assessment is made."""
    return datetime.now(SHANGHAI)


@dataclass(frozen=True)
class Ground:
    """What every step stands on, loaded and checked once: nothing is scored on a faulty edition or registry."""

    settings: Settings

    @cached_property
    def editions(self) -> Editions:
        """The editions of the indicator system."""
        return load_editions(self.settings.systems_dir)

    @cached_property
    def registry(self) -> Registry:
        """Units, tasks, sources and adjustments."""
        return load_registry(self.settings.registry_dir, self.editions)

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
