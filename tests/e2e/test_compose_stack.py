"""docker-compose.yaml as it is shipped, on a real engine: a day's work, a worker and the database killed, a restore.

The stack is what the manual's first hour makes, command by command as it is printed (``support.walk``); how long each took is
in ``var/hour.txt``. One stack serves all tests of this file, in their order; the second one stands on the first one's backup.
The engine has no registry and makes no bridge: see ``support.container_engine`` and ``support.compose_override`` for what
that leaves open.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fazhi.services import AirflowApi
from fazhi.settings import PROJECT_ROOT
from support import container_engine
from support.airflow_screen import NEEDS_CHROMIUM, Screen, opened_at
from support.compose_policy import NEEDS
from support.compose_stack import RUNTIME_USER, ComposeStack, bases, composed
from support.container_engine import (
    Engine,
    base_of_our_image,
    leftovers,
    provide_bases,
    running_engine,
)
from support.leaks import leaks
from support.manual import crontab, hour
from support.patient_airflow import ended, insisting, tries, when_running
from support.walk import Walk, newcomer

pytestmark = [pytest.mark.docker, pytest.mark.airflow, pytest.mark.ci, pytest.mark.timeout(1500)]

PUSH = {"mode": "push", "reason": "补报以前年度的结果（演练）"}
BACKFILL = (2021, 2022, 2023)
BY_HAND = 2024
YEARS = (*BACKFILL, BY_HAND)
CITY = ("--units", "6", "--faults", "0.02")
LONG_RUNNING = sorted(set(NEEDS) - {"init", "maintenance"})
WORKERS = ("worker-1", "worker-2")
RUN_TIMEOUT = 420
BACKFILL_ENDS = 180
WALKED_ELSEWHERE = {2: "make demo"}
"""The steps that .ci/run walks by itself, with all that they consist of."""
ALARMS = "docker compose exec worker-1 fazhi alarms --json"
KILLED_IN = ("intake", "validate", "score", "publish", "reconcile")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    if reason := container_engine.why_not():
        pytest.skip(reason)
    with running_engine() as engine:
        provide_bases(engine, {**bases(), "python": base_of_our_image()})
        yield engine
    assert leftovers(engine.folder) == []


@pytest.fixture(scope="module")
def walk(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    """Somebody new, in a clone in an empty home; how long each step took is written down also when one failed."""
    walk = newcomer(engine, tmp_path_factory.mktemp("newcomer"))
    try:
        yield walk
    finally:
        written = PROJECT_ROOT / "var" / "hour.txt"
        written.parent.mkdir(exist_ok=True)
        written.write_text(walk.table(), encoding="utf-8")


@pytest.fixture(scope="module")
def outside() -> int:
    """A port of this machine for the web pages."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def stack(engine: Engine, walk: Walk, outside: int) -> Iterator[ComposeStack]:
    """The stack that the manual's hour starts: the portal has three years, the department's folder gets another one."""
    settings = f"FAZHI_LISTEN=127.0.0.1:{outside}\nFAZHI_BASE_URL=http://127.0.0.1:{outside}\nFAZHI_RETRY_SECONDS=5\n"
    (walk.folder / ".env").write_text(settings, encoding="ascii")
    stack = ComposeStack(engine, "fazhi", walk.folder)
    try:
        walk.step(3)
        span = f"{BY_HAND}-{BY_HAND}"
        subprocess.run(
            [sys.executable, "-m", "fazhi.cli", "synth", "--out", stack.inbox, "--years", span, *CITY],
            cwd=PROJECT_ROOT,
            check=True,
            capture_output=True,
        )
        yield stack
    finally:
        stack.down()


@pytest.fixture(scope="module")
def password(stack: ComposeStack) -> str:
    return (stack.secrets / "administrator_password").read_text(encoding="ascii").strip()


@pytest.fixture(scope="module")
def api(stack: ComposeStack, outside: int, password: str) -> Iterator[AirflowApi]:
    with stack.address(8080, outside) as url:
        yield AirflowApi(url, "administrator", password)


def exported(stack: ComposeStack, service: str) -> dict[str, bytes]:
    """``fazhi export`` of all years, in a container that has the store at hand."""
    folder = f"/tmp/export-{datetime.now(UTC).timestamp()}"
    for year in YEARS:
        stack.execute(service, "fazhi", "export", "--year", str(year), "--out", f"{folder}/{year}")
    return stack.files(service, folder)


def ground_of(stack: ComposeStack, service: str) -> dict[str, bytes]:
    """Every file of the ground that a backup has: what runs leave behind is no part of it."""
    files = stack.files(service, "/srv/ground")
    return {name: content for name, content in files.items() if "/uncommitted/" not in name}


def history_of_runs(stack: ComposeStack) -> set[str]:
    """The runs and task instances that ended well, as Airflow's metadata database has them."""
    ask = (
        "SELECT r.dag_id, r.run_id, r.state, t.task_id, t.map_index, t.state, t.try_number "
        "FROM dag_run r JOIN task_instance t USING (dag_id, run_id) WHERE r.dag_id = 'assessment' "
        "AND r.state = 'success' ORDER BY r.run_id, t.task_id, t.map_index"
    )
    return set(stack.execute("postgres", "psql", "-U", "postgres", "-At", "-c", ask, "airflow").splitlines())


def stored_by_the_platform(stack: ComposeStack, year: int) -> list[tuple[str, int]]:
    """Unit and version of everything that the platform ever stored, from its own books."""
    ask = (
        "import json, sys; from pathlib import Path; from fazhi.sandbox.state import State; "
        "print(json.dumps(State(Path('/srv/sandbox/platform.db')).every_version(int(sys.argv[1]))))"
    )
    rows = json.loads(stack.execute("sandbox", "python", "-c", ask, str(year)).splitlines()[-1])
    return [(unit, version) for unit, version, _ in rows]


def assert_stored_once(stack: ComposeStack, year: int) -> None:
    stored = stored_by_the_platform(stack, year)
    assert stored
    assert stored == [(unit, 1) for unit in sorted({unit for unit, _ in stored})]
    counted = json.loads(stack.execute("worker-2", "fazhi", "reconcile", "--year", str(year), "--json"))
    assert counted["confirmed"] == len(stored)
    assert {counted[state] for state in ("pending", "sent", "refused", "conflict")} == {0}


def kernel_status(pid: int) -> dict[str, str]:
    """What the kernel says of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


# ---- the stack at rest -----------------------------------------------------------------------------------


def test_every_service_is_healthy_and_init_has_ended_well(stack: ComposeStack):
    assert {name: stack.state(name)["Health"]["Status"] for name in LONG_RUNNING} == dict.fromkeys(
        LONG_RUNNING, "healthy"
    )
    init = stack.state("init")
    assert (init["Status"], init["ExitCode"]) == ("exited", 0)


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_the_kernel_enforces_what_the_file_promises(stack: ComposeStack, service: str):
    wanted = composed()["services"][service]
    limits = wanted["deploy"]["resources"]["limits"]
    host = stack.inspected(service)["HostConfig"]
    assert host["Memory"] == int(limits["memory"])
    assert host["NanoCpus"] == float(limits["cpus"]) * 1e9
    assert host["PidsLimit"] == limits["pids"]
    for pid in stack.processes(service):
        told = kernel_status(pid)
        assert set(told["Uid"].split()) == {wanted["user"].partition(":")[0]}
        assert {told[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {"0" * 16}
        assert told["NoNewPrivs"] == "1"
    assert "Read-only file system" in stack.execute(service, "touch", "/usr/planted", check=False)


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_a_service_is_given_its_own_secrets_only(stack: ComposeStack, service: str):
    assert set(stack.execute(service, "ls", "/run/secrets").split()) == NEEDS[service]


def test_a_worker_cannot_open_the_database_of_airflow(stack: ComposeStack):
    tried = (
        "import psycopg, pathlib; "
        "url = pathlib.Path('/run/secrets/{name}').read_text().strip().rpartition('/')[0]; "
        "psycopg.connect('postgresql:' + url.partition(':')[2] + '/airflow')"
    )
    for name in ("celery_result_backend", "fazhi_store_url"):
        said = stack.execute("worker-1", "python", "-c", tried.replace("{name}", name), check=False)
        assert 'permission denied for database "airflow"' in said


def test_a_change_of_the_ground_takes_force_where_the_desk_runs_and_reaches_the_workers(stack: ComposeStack):
    day = "2026-12-31,holiday,演练,《演练用的通知》（演练机关2026年1月1日通知）,found"
    stage = f"mkdir /tmp/holidays && cp /srv/ground/holidays/2026.csv /tmp/holidays && echo '{day}' >> /tmp/holidays/2026.csv"
    stack.execute("apiserver", "sh", "-c", stage)
    proposed = ("registry", "import", "/tmp/holidays", "--by", "zhang", "--name", "张三", "--reason", "演练")
    told = stack.execute("apiserver", "fazhi", *proposed, check=False)  # its status says: a person is needed
    assert "已记录为提议 1，等另一人批准" in told
    assert day not in stack.execute("worker-1", "cat", "/srv/ground/holidays/2026.csv")
    approved = ("registry", "approve", "1", "--by", "li", "--name", "李四", "--reason", "演练")
    stack.execute("apiserver", "fazhi", *approved)
    assert day in stack.execute("worker-1", "cat", "/srv/ground/holidays/2026.csv")


# ---- the first hour of somebody new: what comes before is in the fixture, the rest at the end --------------


@NEEDS_CHROMIUM
def test_the_first_backfill_is_clicked_and_its_report_opens(
    walk: Walk, api: AirflowApi, outside: int, password: str
):
    with (
        walk.timed(4, "(in a browser) the first backfill, until its report is open"),
        opened_at(f"http://127.0.0.1:{outside}", "administrator", password) as screen,
    ):
        first_backfill(screen)
        runs = [run.run_id for run in api.runs() if run.year in set(map(str, BACKFILL))]
        states = ended(api, runs, 2 * RUN_TIMEOUT)  # one year after the other
        assert [(state.year, state.state) for state in states] == [
            (str(year), "success") for year in BACKFILL
        ]
        screen.open_report_tab(runs[-1]).get_by_text("核验报告").first.wait_for()
    deadline = time.monotonic() + BACKFILL_ENDS
    while insisting(api.backfill_in_progress) and time.monotonic() < deadline:
        time.sleep(2)  # the scheduler closes it a while after its last run; there can be only one


def first_backfill(screen: Screen) -> None:
    """As the operator's guide tells it, nothing pushed."""
    screen.backfill("hour", (BACKFILL[0], BACKFILL[-1]), "遗漏的执行")


def test_a_new_stack_has_alarms_and_says_where_their_steps_are(walk: Walk, stack: ComposeStack):
    said = walk.step(5, statuses={ALARMS: 1})
    assert "backup-old" in said
    assert "operations.zh-CN.md#alarm-backup-old" in said


# ---- work, and what happens when something dies ----------------------------------------------------------


def test_a_run_by_hand_pushes_what_lies_in_the_folder(stack: ComposeStack, api: AirflowApi):
    run_id = api.trigger_run(BY_HAND, PUSH)
    (state,) = ended(api, [run_id], RUN_TIMEOUT)
    assert state.state == "success", api.task_states(run_id)
    assert_stored_once(stack, BY_HAND)


def held_at_work(stack: ComposeStack, api: AirflowApi, runs: Sequence[str]) -> tuple[dict[str, Any], str]:
    """A task that is at work, stopped so that it cannot end before its worker does; and the worker's name."""
    deadline = time.monotonic() + RUN_TIMEOUT
    while time.monotonic() < deadline:
        task = when_running(api, runs, KILLED_IN, RUN_TIMEOUT)
        for name in WORKERS:
            for pid in stack.processes(name):
                with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
                    if f"airflow worker -- {task['id']}" not in Path(f"/proc/{pid}/cmdline").read_text():
                        continue
                    os.kill(pid, signal.SIGSTOP)
                    if _still(api, task):
                        return task, name
                    os.kill(pid, signal.SIGCONT)
    raise AssertionError("no task was caught at work")


def _still(api: AirflowApi, task: dict[str, Any]) -> bool:
    states = insisting(lambda: api.task_states(task["dag_run_id"]))
    return any((one["id"], one["state"]) == (task["id"], "running") for one in states)


def test_a_backfill_survives_the_death_of_a_worker_and_of_the_database(stack: ComposeStack, api: AirflowApi):
    before = {run.run_id for run in api.runs()}
    api.create_backfill(BACKFILL[0], BACKFILL[-1], PUSH, reprocess="completed")
    runs = [run.run_id for run in api.runs() if run.run_id not in before]
    assert len(runs) == len(BACKFILL)

    first, at_work = held_at_work(stack, api, runs)
    died = stack.state(at_work)["StartedAt"]
    stack.kill_hard(at_work)
    others = [run_id for run_id in runs if run_id != first["dag_run_id"]]

    when_running(api, others, KILLED_IN, RUN_TIMEOUT)
    database_died = stack.state("postgres")["StartedAt"]
    stack.kill_hard("postgres")

    states = ended(api, runs, RUN_TIMEOUT)
    assert [(state.year, state.state) for state in states] == [(str(year), "success") for year in BACKFILL]
    assert tries(api, [first["dag_run_id"]])[first["dag_run_id"]] >= 2  # a task was lost, and was done again
    assert stack.state(at_work)["StartedAt"] > died  # both came back by their restart policy
    assert stack.state("postgres")["StartedAt"] > database_died
    for year in BACKFILL:
        assert_stored_once(stack, year)


def test_after_all_that_the_services_are_healthy_again_and_the_chain_holds(stack: ComposeStack):
    stack.up(*LONG_RUNNING)
    stack.run("maintenance", "fazhi", "audit", "verify")


# ---- secrets ---------------------------------------------------------------------------------------------


def test_no_secret_is_in_a_log_an_environment_a_command_or_the_database_of_airflow(stack: ComposeStack):
    secrets = stack.secret_words()
    places = {}
    for service, container in stack.containers().items():
        places[f"output of {service}"] = stack.engine.docker("logs", container)
        places[f"description of {service}"] = stack.engine.docker("inspect", container)
        places[f"processes of {service}"] = stack.engine.docker(
            "top", container, "-eo", "pid,args", check=False
        )
    for name, content in stack.files("worker-1", "/var/log/airflow").items():
        places[f"task log {name}"] = content.decode(errors="replace")
    for name, content in stack.files("worker-1", "/srv/reports").items():
        places[f"report {name}"] = content.decode(errors="replace")
    for database in (
        "airflow",
        "celery_results",
        "fazhi",
    ):  # rendered templates, XCom, configuration of runs, audit
        dump = stack.execute(*("postgres", "pg_dump", "-U", "postgres", database), timeout=120)
        assert "PostgreSQL database dump complete" in dump
        places[f"database {database}"] = dump
    assert "dag_run" in places["database airflow"]
    assert sum(name.startswith("task log") for name in places) > 20
    assert leaks(secrets, places.items()) == []


def test_no_process_has_the_secret_of_another_service_in_its_environment(stack: ComposeStack):
    secrets = stack.secret_words()
    for service in LONG_RUNNING:
        foreign = {name: secret for name, secret in secrets.items() if name not in NEEDS[service]}
        environments = []
        for pid in stack.processes(service):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # it has just ended
                environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
                environments.append((f"process {pid} of {service}", environment))
        assert environments
        assert leaks(foreign, environments) == []


# ---- backup, and a stack that has nothing ----------------------------------------------------------------


def test_the_nightly_lines_do_their_work_as_cron_runs_them(stack: ComposeStack, walk: Walk):
    nightly, weekly = crontab()
    log = stack.clone / "var" / "backup.log"
    there = set(stack.backups.iterdir())
    with (stack.clone / "var" / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the one of last night is still at it
        assert walk.as_cron(nightly).returncode == 1
    assert set(stack.backups.iterdir()) == there
    done = walk.as_cron(nightly)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), log.read_text(encoding="utf-8")
    (made,) = set(stack.backups.iterdir()) - there
    assert (made / "backup.json").is_file()
    assert walk.as_cron(weekly).returncode == 0, log.read_text(encoding="utf-8")
    assert (made / "backup.json").is_file()
    assert "backup-old" not in stack.execute("worker-1", "fazhi", "alarms", "--json", check=False)


def test_a_backup_restored_into_an_empty_stack_exports_the_same_bytes(
    stack: ComposeStack, engine: Engine, walk: Walk
):
    expected = exported(stack, "worker-1")
    assert len(expected) > len(YEARS)
    ground, history = ground_of(stack, "worker-1"), history_of_runs(stack)
    assert sum(line.startswith("assessment|") for line in history) >= len(YEARS)
    said = walk.step(6, until="docker compose -p fazhi-restored down")
    assert said.endswith("一致\n")
    second = ComposeStack(engine, "fazhi-restored", walk.restored)
    assert exported(second, "apiserver") == expected
    assert ground_of(second, "apiserver") == ground
    assert history_of_runs(second) >= history  # it is at work: a night may have come
    assert second.secret_words() != stack.secret_words()
    walk.step(6)
    assert second.containers() == {}
    assert set(stack.containers()) > set(LONG_RUNNING)


def test_every_command_of_the_hour_was_walked(stack: ComposeStack, walk: Walk):
    for step in hour():
        if WALKED_ELSEWHERE.get(step.number) == " ".join(step.commands):
            continue
        assert walk.walked.get(step.number, 0) == len(step.commands), step


def test_taken_down_they_leave_no_container_and_no_volume(stack: ComposeStack, engine: Engine):
    stack.down()
    assert engine.docker("volume", "ls", "--quiet").split() == []
    assert engine.docker("ps", "--all", "--quiet") == ""


def test_the_stand_ins_are_of_the_versions_that_the_file_names(engine: Engine):
    for service, program in (("postgres", "postgres"), ("redis", "redis-server")):
        pinned = bases()[service].partition(":")[2].partition("-")[0]
        told = engine.docker(
            "run", "--rm", "--network", "none", "--entrypoint", program, bases()[service], "--version"
        )
        assert f" {pinned}." in told.replace("v=", " ")
    ours = composed()["services"]["worker-1"]["image"]
    told = engine.docker("run", "--rm", "--network", "none", ours, "pg_dump", "--version")
    assert f" {bases()['postgres'].partition(':')[2].partition('-')[0]}." in told
    assert str(RUNTIME_USER) in engine.docker("run", "--rm", "--network", "none", ours, "id", "-u")
