"""Settings that commands and tasks share. In: environment, Airflow connections. Out: one frozen ``Settings``.

Names and defaults are those of contracts/cli.md. Inside Airflow the connection named beside a setting wins; the
package does not import Airflow: a task hands in ``connection_of``. ``FAZHI_…_FILE`` names a file that holds the value.
Relative paths lie under the project root.
"""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fazhi.model.errors import ConfigurationError

PROJECT_ROOT = Path(__file__).resolve().parents[2]

ConnectionOf = Callable[[str], Any | None]
"""Gives the Airflow connection of an id (attributes of ``airflow.sdk.Connection``), or ``None``."""

AUDIT_ALGORITHMS = ("sha256", "sm3")

SECRET_SETTINGS = frozenset({"portal_token", "platform_secret"})
DATABASE_SETTINGS = frozenset({"store_url", "metadata_url"})
"""Addresses that hold a password."""


@dataclass(frozen=True)
class Settings:
    """Where things are. ``origins`` says for each name where its value came from."""

    root: Path
    store_url: str
    raw_url: str
    inbox: Path
    portal_url: str
    portal_token: str
    platform_url: str
    platform_app_id: str
    platform_secret: str
    platform_alg: str
    systems_dir: Path
    registry_dir: Path
    holidays_dir: Path
    signers_dir: Path
    gx_dir: Path
    reports_dir: Path
    origins: Mapping[str, str]
    contact: str = ""
    """Whom a department asks: name of the office and telephone, as it is shown on receipts and lists."""
    backup_dir: Path = PROJECT_ROOT / "var" / "backup"
    """Where backups lie, each in a folder of its own."""
    audit_heads: Path | None = None
    """The heads of the audit chain that were exported off the host; ``None`` where they cannot be read from here."""
    limits_file: Path = PROJECT_ROOT / "include" / "operations" / "limits.yaml"
    """From when on something is an alarm, and how long files are kept."""
    metadata_url: str = ""
    """Airflow's metadata database, known only where it is backed up and restored."""

    @property
    def ground_dirs(self) -> dict[str, Path]:
        """The folders of the ground, each by the name that it has on the volume and in a backup."""
        return {
            "indicator_systems": self.systems_dir,
            "registry": self.registry_dir,
            "holidays": self.holidays_dir,
            "signers": self.signers_dir,
            "great_expectations": self.gx_dir,
        }

    @classmethod
    def load(
        cls, environ: Mapping[str, str] | None = None, connection_of: ConnectionOf | None = None
    ) -> "Settings":
        """Read the settings.

        Args:
            environ: The environment; the process's own by default.
            connection_of: Inside Airflow, how to find a connection; connections win over the environment.

        Raises:
            ConfigurationError: A value that cannot be used, naming the setting.
        """
        reader = _Reader(os.environ if environ is None else environ, connection_of)
        root = Path(reader.text("root", "FAZHI_ROOT", str(PROJECT_ROOT))).resolve()
        var = root / "var"
        settings = cls(
            root=root,
            store_url=reader.url(
                "store_url", "FAZHI_STORE_URL", f"sqlite:///{var / 'fazhi.db'}", "fazhi_store"
            ),
            raw_url=reader.text("raw_url", "FAZHI_RAW_URL", str(var / "raw")),
            inbox=reader.path("inbox", "FAZHI_INBOX", root, "var/inbox"),
            portal_url=reader.url("portal_url", "FAZHI_PORTAL_URL", "", "fazhi_portal"),
            portal_token=reader.password("portal_token", "FAZHI_PORTAL_TOKEN", "fazhi_portal"),
            platform_url=reader.url("platform_url", "FAZHI_PLATFORM_URL", "", "fazhi_platform"),
            platform_app_id=reader.login("platform_app_id", "FAZHI_PLATFORM_APP_ID", "fazhi_platform"),
            platform_secret=reader.password("platform_secret", "FAZHI_PLATFORM_SECRET", "fazhi_platform"),
            platform_alg=reader.text("platform_alg", "FAZHI_PLATFORM_ALG", "hmac-sha256"),
            systems_dir=reader.path("systems_dir", "FAZHI_SYSTEMS_DIR", root, "include/indicator_systems"),
            registry_dir=reader.path("registry_dir", "FAZHI_REGISTRY_DIR", root, "include/registry"),
            holidays_dir=reader.path("holidays_dir", "FAZHI_HOLIDAYS_DIR", root, "include/holidays"),
            signers_dir=reader.path("signers_dir", "FAZHI_SIGNERS_DIR", root, "include/signers"),
            gx_dir=reader.path("gx_dir", "FAZHI_GX_DIR", root, "great_expectations"),
            reports_dir=reader.path("reports_dir", "FAZHI_REPORTS_DIR", root, "var/reports"),
            contact=reader.text("contact", "FAZHI_CONTACT", ""),
            backup_dir=reader.path("backup_dir", "FAZHI_BACKUP_DIR", root, "var/backup"),
            audit_heads=reader.optional_path("audit_heads", "FAZHI_AUDIT_HEADS", root),
            limits_file=reader.path(
                "limits_file", "FAZHI_LIMITS_FILE", root, "include/operations/limits.yaml"
            ),
            metadata_url=reader.text("metadata_url", "FAZHI_METADATA_URL", ""),
            origins=reader.origins,
        )
        if settings.platform_alg not in ("hmac-sha256", "hmac-sm3"):
            raise ConfigurationError(
                f"FAZHI_PLATFORM_ALG={settings.platform_alg!r} 不可用，只接受 hmac-sha256 或 hmac-sm3"
            )
        return settings


def audit_algorithm(environ: Mapping[str, str] | None = None) -> str:
    """The digest that new links of the audit chain use: ``FAZHI_AUDIT_ALG``, ``sha256`` by default.

    Raises:
        ConfigurationError: It is neither ``sha256`` nor ``sm3``, or this machine has no SM3.
    """
    alg = (os.environ if environ is None else environ).get("FAZHI_AUDIT_ALG") or AUDIT_ALGORITHMS[0]
    if alg not in AUDIT_ALGORITHMS:
        raise ConfigurationError(f"FAZHI_AUDIT_ALG={alg!r} 不可用，只接受 {' 或 '.join(AUDIT_ALGORITHMS)}")
    if alg not in hashlib.algorithms_available:
        raise ConfigurationError(f"FAZHI_AUDIT_ALG={alg}：本机的密码库不支持，请改用 sha256")
    return alg


class _Reader:
    """Reads one setting after the other and remembers where each came from."""

    def __init__(self, environ: Mapping[str, str], connection_of: ConnectionOf | None) -> None:
        self._environ = environ
        self._connection_of = connection_of or (lambda _connection_id: None)
        self.origins: dict[str, str] = {}

    def text(self, name: str, variable: str, default: str) -> str:
        if self._environ.get(variable):
            self.origins[name] = f"environment {variable}"
            return self._environ[variable]
        if self._environ.get(f"{variable}_FILE"):
            self.origins[name] = f"file named by {variable}_FILE"
            return _content(f"{variable}_FILE", Path(self._environ[f"{variable}_FILE"]))
        self.origins[name] = "default"
        return default

    def path(self, name: str, variable: str, root: Path, default: str) -> Path:
        return root / self.text(name, variable, default)

    def optional_path(self, name: str, variable: str, root: Path) -> Path | None:
        text = self.text(name, variable, "")
        return root / text if text else None

    def url(self, name: str, variable: str, default: str, connection_id: str) -> str:
        connection = self._connection_of(connection_id)
        if connection is None:
            return self.text(name, variable, default)
        self.origins[name] = f"connection {connection_id}"
        return url_of_connection(connection)

    def login(self, name: str, variable: str, connection_id: str) -> str:
        return self._attribute(name, variable, connection_id, "login")

    def password(self, name: str, variable: str, connection_id: str) -> str:
        return self._attribute(name, variable, connection_id, "password")

    def _attribute(self, name: str, variable: str, connection_id: str, attribute: str) -> str:
        connection = self._connection_of(connection_id)
        found = getattr(connection, attribute, None) if connection is not None else None
        if found:
            self.origins[name] = f"connection {connection_id}"
            return str(found)
        return self.text(name, variable, "")


def _content(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as failure:
        raise ConfigurationError(f"{variable} 指向的文件 {path} 不能读取") from failure


def url_of_connection(connection: Any) -> str:
    """The URL of an Airflow connection: ``extra.url`` if given, else put together from its parts."""
    extra = connection.extra_dejson
    if "url" in extra:
        return str(extra["url"])
    if connection.conn_type in ("http", "https"):
        scheme = connection.schema or connection.conn_type
        port = f":{connection.port}" if connection.port else ""
        host = connection.host or ""
        return host if "://" in host else f"{scheme}://{host}{port}"
    return str(connection.get_uri())
