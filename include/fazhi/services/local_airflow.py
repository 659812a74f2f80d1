"""Airflow on this machine alone. In: a home folder, an environment. Out: four services, or why not.

The services are separate processes (``airflow standalone`` ignores a request to end), bound to the loopback
interface. Metadata lie in SQLite in the home folder, as do the secrets, made afresh and readable by their
owner only. Nothing calls an outside host: no examples, no usage statistics, no API browser that loads
scripts from elsewhere.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from fazhi.model.canonical import digest
from fazhi.model.errors import FazhiError, Unreachable
from fazhi.services.processes import ProcessGroup
from fazhi.services.rest import DAG_IDS, AirflowApi, RefusedByAirflow
from fazhi.settings import PROJECT_ROOT

Progress = Callable[[str], None]

USER = "admin"
USUAL_PORT = 8080
POOLS = {"portal": (2, "报送门户"), "platform": (1, "考评平台")}
"""The pools that the DAGs use: slots and description."""

COMPONENTS = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
"""The services. Logs are read from the home folder: the log servers would listen on all interfaces."""

_HEALTHY = {
    "api-server": "metadatabase",
    "scheduler": "scheduler",
    "dag-processor": "dag_processor",
    "triggerer": "triggerer",
}
"""What each service is called where its health is asked for."""

_AUTH_MANAGERS = {
    "simple": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
    "fab": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
}


class ServiceFailure(FazhiError):
    """The services did not come up; the message names the log to read."""


def _silent(_line: str) -> None:
    return


class LocalAirflow:
    """The Airflow of one home folder.

    Args:
        home: The folder of its state; made when it is missing.
        env: Added to the environment of the services and so of all tasks, e.g. ``FAZHI_…`` or ``AIRFLOW__…``.
        port: Where the UI and API listen; by default the port of last time, or a free one.
        auth: ``simple`` or ``fab``.
        components: Which services; without ``dag-processor`` there is no DAG but what is in the database already.
        progress: Told what is being done.
    """

    def __init__(
        self,
        home: Path,
        env: Mapping[str, str] | None = None,
        *,
        port: int | None = None,
        auth: str = "simple",
        components: Sequence[str] = tuple(COMPONENTS),
        progress: Progress = _silent,
    ) -> None:
        self.home = home.resolve()
        self._env = dict(env or {})
        self._wanted_port = port
        self._auth = auth
        self._components = {name: COMPONENTS[name] for name in components}
        self._progress = progress
        self._group = ProcessGroup(self.home / "services.json")

    @property
    def running(self) -> bool:
        """Whether all its services run."""
        return len(self._group.running) == len(self._components)

    @property
    def components(self) -> dict[str, int]:
        """The running services and their process ids."""
        return {process.name: process.pid for process in self._group.running}

    @property
    def process_ids(self) -> list[int]:
        """All running processes of this Airflow, tasks included."""
        return [process.pid for process in self._group.members()]

    @property
    def url(self) -> str:
        """The address of the UI."""
        return f"http://127.0.0.1:{self._group.note('port')}"

    @property
    def user(self) -> str:
        """Who may log in."""
        return USER

    @property
    def password(self) -> str:
        """The generated password of ``user``."""
        return self._secrets()["password"]

    def environment(self) -> dict[str, str]:
        """The environment of the running services, for a command of Airflow beside them.

        Raises:
            ServiceFailure: They do not run.
        """
        if not self.running:
            raise ServiceFailure(f"{self.home} 的 Airflow 没有在运行")
        return self._environment(int(str(self._group.note("port"))))

    def api(self) -> AirflowApi:
        """A logged-in client."""
        return AirflowApi(self.url, self.user, self.password)

    def start(self, patience: float = 240.0) -> "LocalAirflow":
        """Start what is not running and wait until it works and the DAG is there; running services are kept.

        Args:
            patience: Seconds to wait for the services.

        Raises:
            ServiceFailure: They did not come up; they are ended again.
        """
        if self.running:
            if self._group.note("purpose") != self._purpose():
                raise ServiceFailure(f"{self.home} 的 Airflow 正以另外的设置运行，请先停止它（make down）")
            self._progress(f"Airflow 已在运行：{self.url}")
            return self
        self._group.end()
        self.home.mkdir(parents=True, exist_ok=True)
        environment = self._environment(self._choose_port())
        try:
            self._migrate(environment)
            self._progress(f"启动 Airflow 的 {len(self._components)} 个服务（约需半分钟）")
            airflow = [sys.executable, "-m", "airflow"]
            self._group.start(
                {name: [*airflow, *arguments] for name, arguments in self._components.items()},
                environment,
                self.home / "logs" / "services",
                {"port": environment["AIRFLOW__API__PORT"], "purpose": self._purpose()},
            )
            self._wait(patience)
            self._prepare()
        except BaseException:
            self.stop()
            raise
        self._progress(f"Airflow 已就绪：{self.url}")
        return self

    def stop(self) -> tuple[str, ...]:
        """End the services and their tasks; the names of those that were running."""
        return self._group.end()

    def _purpose(self) -> str:
        """Tells two starts apart: a task must never run with somebody else's store or platform."""
        inherited = {name: value for name, value in os.environ.items() if name.startswith("FAZHI_")}
        return digest({"auth": self._auth, "environment": {**inherited, **self._env}})

    def _choose_port(self) -> int:
        known = self.home / "port"
        wishes = [self._wanted_port] if self._wanted_port else []
        if not wishes and known.is_file():
            wishes = [int(known.read_text(encoding="ascii"))]
        port = next((wish for wish in wishes if _free(wish)), None)
        if port is None and self._wanted_port:
            raise ServiceFailure(f"端口 {self._wanted_port} 已被占用，请换一个（--port）")
        port = port or _any_free_port()
        known.write_text(str(port), encoding="ascii")
        return port

    def _secrets(self) -> dict[str, str]:
        file = self.home / "secrets.json"
        if not file.is_file():
            file.touch(mode=0o600)
            fresh = {
                "password": secrets.token_urlsafe(12),
                "fernet_key": urlsafe_b64encode(os.urandom(32)).decode(),
                "jwt_secret": secrets.token_urlsafe(48),
                "secret_key": secrets.token_urlsafe(48),
            }
            file.write_text(json.dumps(fresh), encoding="utf-8")
        return dict(json.loads(file.read_text(encoding="utf-8")))

    def _environment(self, port: int) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        keys = self._secrets()
        passwords = self.home / "passwords.json"
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({USER: keys["password"]}) + "\n", encoding="utf-8")
        loopback = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1,localhost")))
        return {
            **inherited,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "60",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "AIRFLOW__CORE__AUTH_MANAGER": _AUTH_MANAGERS[self._auth],
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
            "AIRFLOW__CORE__FERNET_KEY": keys["fernet_key"],
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home / 'airflow.db'}",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
            "AIRFLOW__API__SECRET_KEY": keys["secret_key"],
            "AIRFLOW__API__ENABLE_SWAGGER_UI": "False",
            "AIRFLOW__API__INSTANCE_NAME": "法治政府建设考评（本机）",
            "AIRFLOW__API_AUTH__JWT_SECRET": keys["jwt_secret"],
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "SCARF_ANALYTICS": "false",
            "DO_NOT_TRACK": "1",
            "GX_ANALYTICS_ENABLED": "false",
            "NO_PROXY": loopback,
            "no_proxy": loopback,
            "PYTHONUNBUFFERED": "1",
            **self._env,
        }

    def _migrate(self, environment: Mapping[str, str]) -> None:
        stamp = self.home / "migrated"
        current = f"{version('apache-airflow')} {self._auth}"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == current:
            return
        self._progress("准备 Airflow 的数据库")
        self._airflow(environment, "db", "migrate")
        if self._auth == "fab":
            self._create_fab_user(environment)
            self._make_desk_roles(environment)
        stamp.write_text(current, encoding="utf-8")

    def _create_fab_user(self, environment: Mapping[str, str]) -> None:
        """The password goes in by standard input: arguments are visible to everybody on the machine."""
        names = ("--username", USER, "--firstname", "本机", "--lastname", "管理员")
        answer = f"{self.password}\n{self.password}\n"
        self._airflow(
            environment,
            *("users", "create", *names, "--role", "Admin", "--email", "admin@localhost.invalid"),
            answer=answer,
        )

    def _make_desk_roles(self, environment: Mapping[str, str]) -> None:
        """In a process of its own: this one may have another Airflow in mind."""
        self._run(environment, "fazhi.services", "roles")

    def _airflow(self, environment: Mapping[str, str], *arguments: str, answer: str | None = None) -> None:
        self._run(environment, "airflow", *arguments, answer=answer)

    def _run(
        self, environment: Mapping[str, str], module: str, *arguments: str, answer: str | None = None
    ) -> None:
        done = subprocess.run(  # noqa: S603 (Airflow's own command line, or ours)
            [sys.executable, "-m", module, *arguments],
            env=dict(environment),
            input=answer,
            stdin=subprocess.DEVNULL if answer is None else None,
            capture_output=True,
            text=True,
            start_new_session=True,
            check=False,
        )
        if done.returncode:
            log = self.home / "logs" / "services" / f"{'-'.join(arguments[:2])}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(done.stdout + done.stderr, encoding="utf-8")
            raise ServiceFailure(f"{module} {' '.join(arguments[:2])} 失败，详见 {log}")

    def _wait(self, patience: float) -> None:
        begun = time.monotonic()
        told = begun
        missing = "api-server"
        while time.monotonic() - begun < patience:
            if not self.running:
                raise ServiceFailure(self._fallen())
            missing = self._missing()
            if not missing:
                return
            if time.monotonic() - told > 10:
                told = time.monotonic()
                self._progress(f"等待 {missing}（{told - begun:.0f} 秒）")
            time.sleep(1)
        raise ServiceFailure(
            f"{patience:.0f} 秒内没有就绪：{missing}；日志在 {self.home / 'logs' / 'services'}"
        )

    def _missing(self) -> str:
        """What is not ready yet; empty when everything is."""
        api = self.api()
        try:
            health = api.call("GET", "/monitor/health")
            asked = [_HEALTHY[name] for name in self._components]
            ill = [name for name in asked if (health.get(name) or {}).get("status") != "healthy"]
            if ill:
                return "、".join(ill)
            errors = api.call("GET", "/importErrors")["import_errors"]
            if errors:
                raise ServiceFailure(f"流程文件有错误：\n{errors[0]['stack_trace']}")
        except Unreachable:
            return "api-server"
        except RefusedByAirflow as refused:
            if refused.status == 503:
                return "api-server"
            raise
        return "、".join(f"流程 {dag_id}" for dag_id in self._dags if not self._parsed(dag_id))

    @property
    def _dags(self) -> tuple[str, ...]:
        """The DAGs to wait for and to switch on."""
        return tuple(DAG_IDS) if "dag-processor" in self._components else ()

    def _parsed(self, dag_id: str) -> bool:
        try:
            self.api().call("GET", f"/dags/{dag_id}")
        except Unreachable:
            return False
        except RefusedByAirflow as refused:
            if refused.status in (404, 503):
                return False
            raise
        return True

    def _fallen(self) -> str:
        gone = [name for name in self._components if name not in self.components]
        log = self.home / "logs" / "services" / f"{gone[0]}.log"
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:])
        return f"{'、'.join(gone)} 启动后退出，详见 {log}:\n{tail}"

    def _prepare(self) -> None:
        """The pools, and the DAGs switched on."""
        api = self.api()
        for name, (slots, description) in POOLS.items():
            try:
                api.call("GET", f"/pools/{name}")
            except RefusedByAirflow as refused:
                if refused.status != 404:
                    raise
                pool: dict[str, Any] = {"name": name, "slots": slots, "description": description}
                api.call("POST", "/pools", pool)
        for dag_id in self._dags:
            api.call("PATCH", f"/dags/{dag_id}", {"is_paused": False})


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
