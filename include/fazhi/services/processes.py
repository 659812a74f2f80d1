"""Background processes that can be found again and ended. In: commands. Out: a record of them in a JSON file.

Each process leads a session of its own and carries a random mark in its environment, as do all its
descendants. ``end`` ends the recorded processes and all that they started, and nothing else: a process id that
now belongs to another process is recognised by its start time.
"""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

MARK = "FAZHI_SERVICES_MARK"
"""Name of the environment variable that carries the mark."""

_SAME_START = 0.5
"""Seconds by which two readings of one process's start time may differ."""

_KILLING = 5.0
"""Seconds after which a killed process is given up: it hangs in the kernel."""


@dataclass(frozen=True)
class Recorded:
    """A process as it was started: its id and, as ids are used again, its start (seconds since 1970)."""

    name: str
    pid: int
    started: float

    def alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            process = psutil.Process(self.pid)
            return self._is(process) and bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def replaced(self) -> bool:
        """Whether another process has got the id."""
        try:
            return not self._is(psutil.Process(self.pid))
        except psutil.NoSuchProcess:
            return False

    def _is(self, process: psutil.Process) -> bool:
        return bool(abs(process.create_time() - self.started) < _SAME_START)


class ProcessGroup:
    """The processes of one home folder, recorded in ``file``."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._children: list[subprocess.Popen[bytes]] = []

    @property
    def recorded(self) -> tuple[Recorded, ...]:
        """What the record names, running or not."""
        return tuple(Recorded(**entry) for entry in self._read().get("processes", ()))

    @property
    def running(self) -> tuple[Recorded, ...]:
        """Those of the record that run."""
        return tuple(process for process in self.recorded if process.alive())

    def note(self, name: str) -> str | None:
        """A note kept beside the record, such as the port."""
        found = self._read().get("notes", {}).get(name)
        return None if found is None else str(found)

    def start(
        self,
        commands: Mapping[str, Sequence[str]],
        environment: Mapping[str, str],
        log_dir: Path,
        notes: Mapping[str, str],
    ) -> None:
        """Start the commands, each with a log file of its name; each is recorded before the next starts."""
        mark = secrets.token_hex(8)
        self._write({"mark": mark, "notes": dict(notes), "processes": []})
        log_dir.mkdir(parents=True, exist_ok=True)
        recorded: list[dict[str, object]] = []
        for name, command in commands.items():
            with (log_dir / f"{name}.log").open("ab") as log:
                child = subprocess.Popen(  # noqa: S603 (the commands are this package's own)
                    command,
                    env={**environment, MARK: mark},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            self._children.append(child)
            recorded.append(asdict(_record(name, psutil.Process(child.pid))))
            self._write({"mark": mark, "notes": dict(notes), "processes": recorded})

    def end(self, patience: float = 20.0) -> tuple[str, ...]:
        """Ask the processes to end, wait up to ``patience`` seconds, then kill what is left.

        Returns:
            The names of the recorded processes that were running.
        """
        running = self.running
        for process in running:
            _signal_group(process.pid, signal.SIGTERM)
        self._wait_for(running, patience)
        stragglers = [_record("straggler", process) for process in self.members()]
        for straggler in stragglers:
            _signal_one(straggler.pid, signal.SIGKILL)
        self._wait_for(stragglers, _KILLING)
        self._file.unlink(missing_ok=True)
        return tuple(process.name for process in running)

    def members(self) -> Iterator[psutil.Process]:
        """The recorded processes and all that they started, also where a parent is already dead.

        A descendant is known by the mark or by its session: who changes its title overwrites its environment.
        """
        mark, leaders = self._read().get("mark"), self._leaders()
        if not mark:
            return
        for process in psutil.process_iter():
            try:
                ours = os.getsid(process.pid) in leaders or process.environ().get(MARK) == mark
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
                continue

    def _leaders(self) -> frozenset[int]:
        """The recorded ids that have not passed to another process; each leads a session of its own."""
        return frozenset(process.pid for process in self.recorded if not process.replaced())

    def _wait_for(self, processes: Sequence[Recorded], patience: float) -> None:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline and any(process.alive() for process in processes):
            for child in self._children:
                child.poll()  # a child that has ended stays a zombie until its parent asks
            time.sleep(0.1)

    def _read(self) -> dict[str, Any]:
        if not self._file.is_file():
            return {}
        return dict(json.loads(self._file.read_text(encoding="utf-8")))

    def _write(self, record: Mapping[str, object]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(self._file)


def _record(name: str, process: psutil.Process) -> Recorded:
    return Recorded(name, process.pid, process.create_time())


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _signal_one(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
