"""A private container engine for tests. In: the machine's dockerd, Compose and debootstrap. Out: an engine, our images in it.

The engine listens on a unix socket in a folder of its own, keeps everything there, and makes no bridge and no firewall
rule: it leaves the machine as it found it. There is no registry: Debian's packages give the base images under the names
that docker-compose.yaml and Dockerfile ask for (``support/images``), and our Dockerfile builds on them.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fazhi.settings import PROJECT_ROOT

COMPOSE = PROJECT_ROOT / ".venv-ci" / "bin" / "docker-compose"
_IMAGES = PROJECT_ROOT / "tests" / "support" / "images"
_SUITE = "bookworm"
_START_SECONDS, _STOP_SECONDS = 60, 60


def why_not() -> str:
    """Why there is no engine here; empty when there is."""
    if os.geteuid() != 0:
        return "needs docker: only root can start an engine"
    lacking = [name for name in ("dockerd", "containerd", "debootstrap") if shutil.which(name) is None]
    if lacking:
        return f"needs docker: no {', '.join(lacking)} (apt-get install docker.io debootstrap)"
    if not COMPOSE.is_file():
        return "needs docker: no Docker Compose (make ci-tools)"
    return ""


@dataclass(frozen=True)
class Engine:
    """A running engine in a folder."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a client: this engine and no other configuration."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "COMPOSE_"))
        }
        return kept | {
            "DOCKER_HOST": f"unix://{self.folder / 'docker.sock'}",
            "DOCKER_CONFIG": str(self.folder / "client"),
            "DOCKER_BUILDKIT": "1",
        }

    def docker(self, *arguments: str, timeout: float = 120, check: bool = True) -> str:
        """Run the client; what it wrote to either stream."""
        return run([_client(), *arguments], self.environment, timeout=timeout, check=check).stdout

    def build(self, tag: str, context: Path, *options: str) -> None:
        """Build an image; the build may reach the package index that the machine itself uses."""
        self.docker(
            "build", "--quiet", "--network", "host", "--tag", tag, *options, str(context), timeout=900
        )


def run(
    command: Sequence[str | Path],
    environment: Mapping[str, str],
    *,
    timeout: float,
    check: bool = True,
    stdin: bytes | None = None,
) -> "subprocess.CompletedProcess[str]":
    """Run to the end, both streams together; fails with what was said."""
    done = subprocess.run(
        list(map(str, command)),
        env=dict(environment),
        cwd=PROJECT_ROOT,
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
    )
    said = done.stdout.decode(errors="replace")
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))} → {done.returncode}\n{said[-6000:]}")
    return subprocess.CompletedProcess(done.args, done.returncode, said)


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """Start an engine, end it and remove all that it kept, even when the test failed."""
    engine = Engine(Path(tempfile.mkdtemp(prefix="fazhi-engine-", dir="/tmp")))  # a socket's path is short
    log = (engine.folder / "log").open("wb")
    process = subprocess.Popen(
        [
            "dockerd",
            f"--data-root={engine.folder / 'data'}",
            f"--exec-root={engine.folder / 'exec'}",
            f"--pidfile={engine.folder / 'pid'}",
            f"--host=unix://{engine.folder / 'docker.sock'}",
            "--bridge=none",
            *("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
        ],
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_for(engine, process)
        yield engine
    finally:
        _remove_containers(engine)
        process.terminate()
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=_STOP_SECONDS)
        log.close()
        _unmount_below(engine.folder)
        shutil.rmtree(engine.folder)


def leftovers(folder: Path) -> list[str]:
    """Processes and mounts that still have to do with an engine's folder."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    found = [f"mount {mount}" for mount in mounts if mount.startswith(f"{folder}/")]
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            if str(folder).encode() in command.read_bytes():
                found.append(f"process {command.parent.name}")
    return found


def provide_bases(engine: Engine, bases: Mapping[str, str]) -> None:
    """Make the base images.

    Args:
        engine: The engine that shall have them.
        bases: The name of each base image by the stage of ``support/images/Dockerfile`` that stands in for it.
    """
    root = engine.folder / "root"
    run(
        ["debootstrap", "--variant=minbase", "--include=ca-certificates", _SUITE, root, _mirror()],
        os.environ,
        timeout=600,
    )
    packed = engine.folder / "root.tar"
    run(["tar", "--create", "--directory", root, "--file", packed, "."], os.environ, timeout=120)
    engine.docker("import", str(packed), f"debian:{_SUITE}")
    shutil.rmtree(root)
    packed.unlink()
    for stage, name in bases.items():
        engine.build(name, _IMAGES, "--target", stage)


def authorities() -> str:
    """The file of the network's own certificate authorities; empty where there are none."""
    named = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or ""
    return named if Path(named).is_file() else ""


def base_of_our_image() -> str:
    """The base image that Dockerfile names."""
    found = re.search(
        r"^ARG PYTHON_IMAGE=(\S+)$", (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8"), re.M
    )
    assert found is not None
    return found[1]


def _client() -> str:
    """Debian's client builds with the engine's own BuildKit; a newer one wants a plugin for it."""
    return "/usr/bin/docker" if Path("/usr/bin/docker").is_file() else "docker"


def _mirror() -> str:
    """Where the machine itself takes Debian's packages from."""
    listed = run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
        ],
        os.environ,
        timeout=60,
    ).stdout
    sources = [line.split() for line in listed.splitlines()]
    uris = [words[0] for words in sources if words[1:] == [_SUITE, "main"]]
    assert uris, f"the machine's package sources have no {_SUITE} main:\n{listed}"
    return uris[0]


def _wait_for(engine: Engine, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if run([_client(), "info"], engine.environment, timeout=30, check=False).returncode == 0:
            return
        time.sleep(0.5)
    said = (engine.folder / "log").read_text(encoding="utf-8", errors="replace")
    raise AssertionError(f"the engine did not start:\n{said[-4000:]}")


def _remove_containers(engine: Engine) -> None:
    """Whatever still runs ends with the engine; its restart policy would bring it back otherwise."""
    with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):  # the engine is gone: so are they
        running = engine.docker("ps", "--all", "--quiet").split()
        if running:
            engine.docker("rm", "--force", "--volumes", *running)


def _unmount_below(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=True)
