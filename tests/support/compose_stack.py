"""docker-compose.yaml as it is shipped, running. In: an engine, a clone whose stack was started. Out: the stack, told what to do.

Only what an engine without bridges needs is changed (``compose_override``).
"""

import contextlib
import functools
import io
import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fazhi.settings import PROJECT_ROOT
from support.compose_override import HOLDER
from support.container_engine import COMPOSE, Engine, run
from support.namespace_door import door

FILE = PROJECT_ROOT / "docker-compose.yaml"
PROFILES = ("sandbox", "maintenance")
RUNTIME_USER = 50_000
_UP_SECONDS = 480


@functools.cache
def composed() -> dict[str, Any]:
    """docker-compose.yaml as Compose itself understands it, every profile included; asks no engine."""
    quiet = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COMPOSE_", "DOCKER_", "FAZHI_"))
    }
    flags = [flag for profile in PROFILES for flag in ("--profile", profile)]
    done = subprocess.run(
        [COMPOSE, "--project-directory", PROJECT_ROOT, "--file", FILE, *flags, "config", "--format", "json"],
        env=quiet,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(json.loads(done.stdout))


@dataclass(frozen=True)
class ComposeStack:
    """The stack of one clone: its name, volumes, secrets and folders are its own."""

    engine: Engine
    project: str
    clone: Path

    @property
    def secrets(self) -> Path:
        """The folder of the secrets."""
        return self.clone / "secrets"

    @property
    def inbox(self) -> Path:
        """The folder that the workers take submissions from."""
        return self.clone / "var" / "inbox"

    @property
    def backups(self) -> Path:
        """The folder that backups are written to."""
        return self.clone / "var" / "backups"

    @property
    def environment(self) -> dict[str, str]:
        """The client's; what the stack is told is in the clone's ``.env``."""
        return {
            name: value for name, value in self.engine.environment.items() if not name.startswith("FAZHI_")
        }

    def compose(self, *arguments: str, timeout: float = 300, check: bool = True) -> str:
        """Run Compose on this stack; what it wrote."""
        profiles = [flag for profile in PROFILES for flag in ("--profile", profile)]
        names = ("docker-compose.yaml", "docker-compose.override.yaml")
        files = [word for name in names for word in ("--file", str(self.clone / name))]
        where = ["--project-name", self.project, "--project-directory", str(self.clone)]
        command = [COMPOSE, *where, *files, *profiles, *arguments]
        return run(command, self.environment, timeout=timeout, check=check).stdout

    def up(self, *services: str) -> None:
        """Start services with all that they depend on, and wait until they are healthy; fails with their logs."""
        told = self.compose(
            *("up", "--detach", "--no-build", "--wait", "--wait-timeout", str(_UP_SECONDS)),
            *services,
            timeout=_UP_SECONDS + 60,
            check=False,
        )
        ill = [
            name
            for name in services
            if not (
                self.state(name)["Running"] and self.state(name).get("Health", {}).get("Status") == "healthy"
            )
        ]
        if ill:
            logs = self.compose("logs", "--tail", "60", *ill, check=False)
            raise AssertionError(f"not healthy: {ill}\n{told[-2000:]}\n{logs[-12000:]}")

    def down(self) -> None:
        """Take everything down, volumes too."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10")

    def run(self, service: str, *command: str, timeout: float = 300) -> str:
        """A command in a container of its own, as ``docker compose run --rm``."""
        return self.compose("run", "--rm", "--no-TTY", service, *command, timeout=timeout)

    def execute(self, service: str, *command: str, timeout: float = 300, check: bool = True) -> str:
        """A command in the running container of a service."""
        return self.compose("exec", "--no-TTY", service, *command, timeout=timeout, check=check)

    def files(self, service: str, folder: str) -> dict[str, bytes]:
        """The files of a folder in the container of a service, by their path in it."""
        done = subprocess.run(
            ["/usr/bin/docker", "exec", self.container(service), "tar", "-c", "-C", folder, "."],
            env=self.engine.environment,
            capture_output=True,
            check=True,
            timeout=120,
        )
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            read = ((entry.name, archive.extractfile(entry)) for entry in archive if entry.isfile())
            return {name: file.read() for name, file in read if file is not None}

    def containers(self) -> dict[str, str]:
        """The id of every container of the stack by its service, ended ones included."""
        label = "com.docker.compose"
        listed = self.engine.docker(
            *("ps", "--all", "--no-trunc", "--filter", f"label={label}.project={self.project}"),
            *("--format", f'{{{{.Label "{label}.service"}}}} {{{{.ID}}}}'),
        )
        return dict(tuple(line.split()) for line in listed.splitlines())

    def container(self, service: str) -> str:
        """The id of a service's container."""
        return self.containers()[service]

    def inspected(self, service: str) -> dict[str, Any]:
        """All that the engine knows of a service's container."""
        return dict(json.loads(self.engine.docker("inspect", self.container(service)))[0])

    def state(self, service: str) -> dict[str, Any]:
        """Whether it runs, since when, how healthy."""
        return dict(self.inspected(service)["State"])

    def processes(self, service: str) -> dict[int, int]:
        """The processes of a container: the number inside by the number outside."""
        listed = self.engine.docker("top", self.container(service), "-eo", "pid", check=False).split()[1:]
        found = {}
        for pid in filter(str.isdigit, listed):
            with contextlib.suppress(OSError):  # it has just ended
                status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
                found[int(pid)] = int(status.partition("NSpid:")[2].split("\n")[0].split()[-1])
        return found

    def kill_hard(self, service: str) -> None:
        """End a container as a failing host would: its first process gets SIGKILL, and its restart policy decides."""
        os.kill(int(self.state(service)["Pid"]), signal.SIGKILL)

    def secret_words(self) -> dict[str, str]:
        """Every secret as it could be found somewhere, by the file that it comes from."""
        words = {path.name: path.read_text(encoding="ascii").strip() for path in self.secrets.iterdir()}
        conf = words.pop("redis_conf")
        return words | {"redis_conf": conf.partition("requirepass ")[2].split("\n")[0]}

    @contextlib.contextmanager
    def address(self, port: int, outside: int = 0) -> Iterator[str]:
        """Where a port of the stack is reached from outside while it runs: at a port of the machine, a free one by default."""
        with door(int(self.state(HOLDER)["Pid"]), port, outside) as where:
            yield f"http://{where}"


def bases() -> Mapping[str, str]:
    """The images of docker-compose.yaml that are not ours, by service."""
    return {name: str(composed()["services"][name]["image"]) for name in ("postgres", "redis")}
