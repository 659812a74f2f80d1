"""A new engineer at a clean host's shell. In: the commands of the manual as they are printed. Out: what they said, how long they took.

The person has an empty home, a fresh clone and the programs of the host. What differs from a host of their own is in
``newcomer`` and ``settled_in``, and in nothing else: the client is told where the engine is; an engine without bridges
builds on the machine's network; ``sudo`` is root already; every clone has the override of ``compose_override``.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fazhi.settings import PROJECT_ROOT
from support.compose_override import override
from support.compose_stack import bases, composed
from support.container_engine import COMPOSE, Engine, authorities, run
from support.manual import Step, hour

_CRON_PATH = "/usr/bin:/bin"
_DOCKER = """#!/bin/sh
export DOCKER_BUILDKIT=1
if [ "$1" = build ]; then shift; set -- build --network host {secret} "$@"; fi
exec /usr/bin/docker "$@"
"""
_SUDO = '#!/bin/sh\nexec "$@"\n'


@dataclass
class Walk:
    """A shell that goes through the hour; it keeps its folder and its variables from one command to the next."""

    home: Path
    environment: Mapping[str, str]
    rows: list[tuple[int, str, float]] = field(default_factory=list)
    walked: dict[int, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The clone that the walk started in."""
        return self.home / "fazhi"

    @property
    def restored(self) -> Path:
        """The clone that the manual restores into."""
        return self.home / "fazhi-restored"

    def step(self, number: int, statuses: Mapping[str, int] | None = None, until: str | None = None) -> str:
        """Type the commands of a step that were not typed yet.

        Args:
            number: The step.
            statuses: The commands that end with another status than 0, as the manual says.
            until: Stop before the first command that begins so.

        Returns:
            What they said.
        """
        (step,) = [one for one in hour() if one.number == number]
        said = []
        for command in step.commands[self.walked.get(number, 0) :]:
            if until is not None and command.startswith(until):
                break
            with self.timed(number, command):
                said.append(self._type(command, (statuses or {}).get(command, 0)))
            self.passed(step, 1)
            for clone in (self.folder, self.restored):
                settled_in(clone)
        return "".join(said)

    def passed(self, step: Step, count: int) -> None:
        """Note that so many more commands of a step were walked."""
        self.walked[step.number] = self.walked.get(step.number, 0) + count

    @contextlib.contextmanager
    def timed(self, number: int, what: str) -> Iterator[None]:
        """Note how long something took, also what is done with a mouse."""
        started = time.monotonic()
        yield
        self.rows.append((number, what, time.monotonic() - started))

    def as_cron(self, line: str) -> "subprocess.CompletedProcess[str]":
        """Run a line of the crontab as cron does: bare environment, no terminal, ``\\%`` for ``%``, /bin/sh."""
        *_times, command = line.split(maxsplit=5)
        assert not re.search(r"(?<!\\)%", command), "cron ends the command at a bare %"
        command = command.replace("\\%", "%").replace("项目目录", str(self.folder))
        return subprocess.run(
            ["/bin/sh", "-c", command],
            env={"PATH": _CRON_PATH, "HOME": str(self.home), "LOGNAME": "root", "SHELL": "/bin/sh"},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def table(self) -> str:
        """Every step, what was done, and its seconds."""
        lines = [f"{number}\t{seconds:.1f}\t{what}" for number, what, seconds in self.rows]
        sums = [
            f"{number}\t{sum(row[2] for row in self.rows if row[0] == number):.1f}\t(all of step {number})"
            for number in sorted({row[0] for row in self.rows})
        ]
        return "\n".join(["step\tseconds\tcommand", *lines, *sums, ""])

    def _type(self, command: str, status: int) -> str:
        kept = self.home / ".shell"
        script = (
            f". {kept}\n{command}\nstatus=$?\n"
            f'{{ export -p; printf "cd %q; cd %q\\n" "$OLDPWD" "$PWD"; }} > {kept}\nexit $status\n'
        )
        done = run(["/bin/bash", "-c", script], self.environment, timeout=900, check=False)
        assert done.returncode == status, f"{command} → {done.returncode}\n{done.stdout[-6000:]}"
        return done.stdout


def newcomer(engine: Engine, home: Path) -> Walk:
    """A person in an empty home with a fresh clone, and with a client that knows the engine."""
    programs = home / ".programs"
    plugins = home / ".docker" / "cli-plugins"
    for folder in (programs, plugins):
        folder.mkdir(parents=True)
    (plugins / "docker-compose").symlink_to(COMPOSE)
    secret = f"--secret id=ca,src={authorities()}" if authorities() else ""
    for name, text in (("docker", _DOCKER.format(secret=secret)), ("sudo", _SUDO)):
        (programs / name).write_text(text, encoding="ascii")
        (programs / name).chmod(0o755)
    walk = Walk(home, {"PATH": f"{programs}:{_CRON_PATH}", "HOME": str(home), "LANG": "C.UTF-8"})
    where = f"host=unix://{engine.folder / 'docker.sock'}"
    run(["docker", "context", "create", "here", "--docker", where], walk.environment, timeout=60)
    run(["docker", "context", "use", "here"], walk.environment, timeout=60)
    cloned(walk.folder)
    settled_in(walk.folder)
    (home / ".shell").write_text(f"cd {walk.folder}\n", encoding="utf-8")
    return walk


def cloned(target: Path) -> None:
    """A clone of this project as it lies here, with what is not committed yet as one more commit."""
    run(["git", "clone", "--quiet", PROJECT_ROOT, target], os.environ, timeout=120)
    asked = ["git", "ls-files", "-z", "--modified", "--others", "--exclude-standard"]
    for name in filter(None, run(asked, os.environ, timeout=60).stdout.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT_ROOT / name).exists():
            shutil.copy2(PROJECT_ROOT / name, target / name)
        else:
            (target / name).unlink()
    here = ["git", "-C", target, "-c", "user.name=hour", "-c", "user.email=hour@localhost.invalid"]
    run([*here, "add", "--all"], os.environ, timeout=60)
    run([*here, "commit", "--quiet", "--allow-empty", "--message", "as it lies here"], os.environ, timeout=60)


def settled_in(clone: Path) -> None:
    """Put the override into a clone that does not have it; Compose takes it by its name."""
    place = clone / "docker-compose.override.yaml"
    if clone.is_dir() and not place.exists():
        place.write_text(override(composed(), bases()["redis"]), encoding="utf-8")
