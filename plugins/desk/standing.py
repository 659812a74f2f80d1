"""What every request stands on. In: the settings of this server. Out: store and ground, kept between requests.

The store's engine is opened once. Editions and registry are read again when a file of theirs has changed, so that an
approved change of the ground shows at the next click.
"""

import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from fazhi.pipeline import Ground
from fazhi.settings import Settings
from fazhi.store import open_store

Stamp = tuple[tuple[str, int, int], ...]


@dataclass
class Standing:
    """Settings, store and ground of one server process."""

    settings: Settings
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stamp: Stamp = ()
    _ground: Ground | None = None

    @cached_property
    def engine(self) -> Engine:
        """The store, opened at the first request."""
        return open_store(self.settings.store_url)

    def ground(self) -> Ground:
        """Editions and registry as they are now."""
        with self._lock:
            stamp = _stamp((self.settings.systems_dir, self.settings.registry_dir))
            if self._ground is None or stamp != self._stamp:
                self._ground, self._stamp = SharedGround(self.settings, self), stamp
            return self._ground


@dataclass(frozen=True)
class SharedGround(Ground):
    """A ground whose store is the server's; files are read although the store is down."""

    standing: Standing

    @property
    def engine(self) -> Engine:  # type: ignore[override]
        """The store."""
        return self.standing.engine


def _stamp(folders: tuple[Path, ...]) -> Stamp:
    return tuple(
        (str(path), stat.st_mtime_ns, stat.st_ino)
        for folder in folders
        for path in sorted(folder.rglob("*"))
        for stat in (path.stat(),)
        if path.is_file()
    )


_standing: Standing | None = None
_making = threading.Lock()


def standing() -> Standing:
    """The standing of this process; its settings are read at the first request."""
    global _standing
    with _making:
        if _standing is None:
            _standing = Standing(_settings())
        return _standing


def stand_on(settings: Settings | None) -> None:
    """Stand on other settings from the next request on; ``None`` reads them anew."""
    global _standing
    with _making:
        if _standing is not None and "engine" in vars(_standing):
            _standing.engine.dispose()
        _standing = None if settings is None else Standing(settings)


def _settings() -> Settings:
    """As the DAGs have them: a connection of Airflow wins over the environment."""
    from pipeline_task import settings

    return settings()
