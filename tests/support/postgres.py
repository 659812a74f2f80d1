"""A private PostgreSQL for tests. In: the machine's binaries. Out: fresh, migrated databases, one per test.

The cluster listens on a unix socket in a temporary folder only, belongs to an unprivileged user (PostgreSQL refuses to
run as root), sorts by a Chinese collation where it can, so that nothing may lean on byte order, and ends with us.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psycopg
from psycopg import sql

from fazhi.store import connect, upgrade

_START_SECONDS = 60
_TEMPLATE = "fazhi_template"


def binaries() -> Path | None:
    """The folder of PostgreSQL's binaries, the newest that is there."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    found = shutil.which("postgres")
    if debian:
        return debian[-1].parent
    return Path(found).resolve().parent if found else None


def why_not() -> str:
    """Why there is no PostgreSQL here; empty when there is."""
    if binaries() is None:
        return "needs postgres: no binaries in PATH or /usr/lib/postgresql/*/bin (apt-get install postgresql)"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "needs postgres: it does not run as root, and there is no setpriv to leave root with"
    if os.geteuid() == 0 and _unprivileged() is None:
        return "needs postgres: it does not run as root, and there is no user postgres or nobody"
    return ""


@dataclass
class Cluster:
    """A running cluster; ``url`` of a database, ``fresh`` for one that is migrated and empty."""

    folder: Path
    superuser: str = "postgres"
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Run the server until it answers."""
        where, user = binaries(), _unprivileged() if os.geteuid() == 0 else None
        assert where is not None, why_not()
        command = [
            str(where / "postgres"),
            "-D",
            str(self.folder / "data"),
            "-k",
            str(self.folder),
            *_OPTIONS,
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                _command(user, command), stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        _wait(self._process, self.folder)

    def stop(self) -> None:
        """End the server at once; whoever is connected loses the connection."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=_START_SECONDS)
            self._process = None

    def url(self, database: str, user: str = "", password: str = "") -> str:
        """The SQLAlchemy URL of a database."""
        who = f"{user or self.superuser}:{password}" if password else user or self.superuser
        # the name of a host is for Great Expectations, which takes no URL without one; the socket's folder wins
        return f"postgresql+psycopg://{who}@localhost/{database}?host={self.folder}"

    def fresh(self) -> str:
        """The URL of a new database with today's schema and no rows."""
        return self.url(self.create(self.template))

    def empty(self) -> str:
        """The URL of a new database without any table."""
        return self.url(self.create("template1"))

    def create(self, template: str) -> str:
        """A new database from a template; its name."""
        name = f"fazhi_{next(self._numbers)}"
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
        return name

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        name = url.partition("?")[0].rpartition("/")[2]
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @cached_property
    def template(self) -> str:
        """A migrated database that others are copied from."""
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        engine = connect(self.url(_TEMPLATE))
        upgrade(engine)
        engine.dispose()
        return _TEMPLATE

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=str(self.folder), user=self.superuser, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


@contextlib.contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Make a cluster, run it, and remove it."""
    where = binaries()
    assert where is not None, why_not()
    folder = Path(
        tempfile.mkdtemp(prefix="fazhi-pg-", dir="/tmp")
    )  # short: a socket's path has at most 107 bytes
    user = _unprivileged() if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o755)
    cluster = Cluster(folder)
    try:
        made = [
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
            *_collation(where),
        ]
        _as(user, [str(where / "initdb"), *made], folder)
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


# Durability is not what these tests are about: a killed cluster is thrown away.
_OPTIONS = [
    argument
    for option in (
        "listen_addresses=",
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=60",
        "shared_buffers=64MB",
        "unix_socket_permissions=0777",
    )
    for argument in ("-c", option)
]


def _collation(where: Path) -> list[str]:
    told = subprocess.run([where / "initdb", "--help"], capture_output=True, text=True, check=True).stdout
    if "--locale-provider" in told:
        return ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=zh-Hans-CN"]
    return ["--locale=C.UTF-8"]


def _unprivileged() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _command(user: pwd.struct_passwd | None, command: list[str]) -> list[str]:
    """The command under the unprivileged user, told to end when this process dies."""
    if user is None:
        return ["setpriv", "--pdeathsig", "INT", "--", *command] if shutil.which("setpriv") else command
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--pdeathsig",
        "INT",
        "--",
        *command,
    ]


def _as(user: pwd.struct_passwd | None, command: list[str], cwd: Path) -> None:
    done = subprocess.run(_command(user, command), capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def _wait(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
            return
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                log = (folder / "log").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from error
            time.sleep(0.1)
