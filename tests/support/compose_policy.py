"""What a reviewer asks of docker-compose.yaml, rule by rule. In: the file as data. Out: every breach, in words.

The file is read as it is written (``shipped``), and as Compose understands it (``as_written`` of what
``support.compose_stack.composed`` gives): a slip in the one that the other forgives is still found.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from fazhi.settings import PROJECT_ROOT
from support.policy import in_the_environment, not_its_own

Service = Mapping[str, Any]
_NOT_A_SECRET = "postgresql+psycopg2://none@127.0.0.1:1/not-allowed"
ONE_TIME = frozenset({"init", "maintenance"})
"""Services whose container ends: nothing to watch."""
NEEDS = {
    "postgres": {
        "postgres_password",
        "airflow_database_password",
        "celery_result_password",
        "fazhi_owner_password",
        "fazhi_store_password",
        "fazhi_reader_password",
    },
    "redis": {"redis_conf"},
    "init": {
        "airflow_database_url",
        "airflow_fernet_key",
        "airflow_api_secret_key",
        "airflow_jwt_secret",
        "fazhi_owner_url",
        "administrator_password",
    },
    "apiserver": {
        "airflow_database_url",
        "airflow_fernet_key",
        "airflow_api_secret_key",
        "airflow_jwt_secret",
        "fazhi_store_url",
    },
    "scheduler": {
        "airflow_database_url",
        "airflow_fernet_key",
        "airflow_api_secret_key",
        "airflow_jwt_secret",
        "celery_broker_url",
        "celery_result_backend",
    },
    "dag-processor": {"airflow_database_url", "airflow_fernet_key", "airflow_api_secret_key"},
    "triggerer": {"airflow_database_url", "airflow_fernet_key", "airflow_api_secret_key"},
    "worker-1": {
        "airflow_api_secret_key",
        "celery_broker_url",
        "celery_result_backend",
        "fazhi_store_url",
        "portal_token",
        "platform_secret",
    },
    "maintenance": {"fazhi_owner_url", "airflow_database_url"},
    "sandbox": {"portal_token", "platform_secret"},
}
NEEDS["worker-2"] = NEEDS["worker-1"]
"""The secrets of each service and no other: a worker has no password of Airflow's database."""

REACH = {"web": {"apiserver"}, "outside": {"worker-1", "worker-2", "sandbox"}}
"""Who is on a network that leads outside."""


def shipped() -> dict[str, Any]:
    """docker-compose.yaml with its merges done."""
    return dict(yaml.safe_load((PROJECT_ROOT / "docker-compose.yaml").read_text(encoding="utf-8")))


def as_written(composed: Mapping[str, Any]) -> dict[str, Any]:
    """What ``compose config --format json`` says, in the short forms in which the file is written."""
    return {
        **composed,
        "services": {name: _short(service) for name, service in composed["services"].items()},
        "secrets": {
            name: {"file": secret["file"]} for name, secret in composed["secrets"].items() if "file" in secret
        }
        | {name: dict(secret) for name, secret in composed["secrets"].items() if "file" not in secret},
    }


def _short(service: Service) -> dict[str, Any]:
    ports = [
        f"{port.get('host_ip', '')}:{port['published']}:{port['target']}" for port in service.get("ports", [])
    ]
    return {
        **{name: value for name, value in service.items() if value is not None},
        "secrets": [secret["source"] for secret in service.get("secrets", [])],
        "networks": list(service.get("networks", [])),
        "ports": [port.removeprefix(":") for port in ports],
        "volumes": [
            f"{volume.get('source', '')}:{volume['target']}" for volume in service.get("volumes", [])
        ],
    }


def breaches(config: Mapping[str, Any]) -> list[str]:
    """Every breach of every rule."""
    found = [
        f"{name}: {breach}" for name, service in config["services"].items() for breach in _of(name, service)
    ]
    return found + list(_of_the_whole(config))


def _of(name: str, service: Service) -> Iterator[str]:
    for rule in _RULES:
        yield from rule(name, service)


def _without_root(_name: str, service: Service) -> Iterator[str]:
    user = str(service.get("user", ""))
    if not re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user):
        yield "runs as root, or as whom the image likes"


def _hardened(_name: str, service: Service) -> Iterator[str]:
    if service.get("read_only") is not True:
        yield "its root can be written"
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
        yield "keeps capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []):
        yield "may gain privileges"
    if service.get("privileged") or service.get("network_mode") or service.get("pid") or service.get("ipc"):
        yield "leaves its namespaces"
    if any("docker.sock" in str(volume) for volume in service.get("volumes", [])):
        yield "holds the engine's socket"


def _limited(_name: str, service: Service) -> Iterator[str]:
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    for what in ("cpus", "memory", "pids"):
        if not limits.get(what):
            yield f"has no limit of {what}"
    options = service.get("logging", {}).get("options", {})
    if not options.get("max-size") or not options.get("max-file"):
        yield "its log grows for ever"


def _pinned(_name: str, service: Service) -> Iterator[str]:
    image = re.sub(r"^\$\{[A-Z_]+:-(.*)\}$", r"\1", str(service.get("image", "")))
    if not re.search(r":[^:/]*[0-9][^:/]*$|@sha256:[0-9a-f]{64}$", image) or image.endswith(":latest"):
        yield f"its image is not pinned: {image or 'none'}"
    if service.get("build"):
        yield "builds on the host that runs it"


def _watched(name: str, service: Service) -> Iterator[str]:
    if name in ONE_TIME:
        return
    check = service.get("healthcheck", {})
    test = " ".join(map(str, check.get("test", [])))
    if not test or check.get("disable"):
        yield "has no health check"
    if re.search(r"airflow jobs|inspect ping|airflow \w+ list", test):
        yield "its health check starts Airflow's command line"
    if service.get("restart") != "unless-stopped":
        yield "does not come back by itself"


def _secrets_as_files(name: str, service: Service) -> Iterator[str]:
    for variable, value in service.get("environment", {}).items():
        yield from in_the_environment(variable, str(value), _NOT_A_SECRET)
    yield from not_its_own(set(service.get("secrets", [])), NEEDS.get(name, set()))


def _no_way_round(_name: str, service: Service) -> Iterator[str]:
    """Secrets come as files of their own, by no other way."""
    if service.get("env_file"):
        yield "reads a file of environment variables"
    words = " ".join(map(str, [*_words(service.get("command")), *_words(service.get("entrypoint"))]))
    if re.search(
        r"(requirepass|password|secret|token)\S*[= ]+[^-\s]", words.replace("/run/secrets/", ""), re.I
    ):
        yield "has a secret on its command line"
    for volume in service.get("volumes", []):
        if re.search(r"secrets?(/|:|$)", str(volume).partition(":")[0]):
            yield f"mounts the folder of the secrets: {volume}"


def _words(command: Any) -> list[Any]:
    return command if isinstance(command, list) else [command or ""]


def _ports_on_loopback(_name: str, service: Service) -> Iterator[str]:
    for port in service.get("ports", []):
        if not re.match(r"(\$\{FAZHI_LISTEN:-)?127\.0\.0\.1:", str(port)):
            yield f"publishes {port} on every interface"


def _local_time(_name: str, service: Service) -> Iterator[str]:
    if service.get("environment", {"TZ": "Asia/Shanghai"}).get("TZ") != "Asia/Shanghai":
        yield "keeps another time zone"


def _quiet(_name: str, service: Service) -> Iterator[str]:
    environment = service.get("environment", {})
    if "AIRFLOW__CORE__EXECUTOR" not in environment:
        return
    wanted = {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
        "GX_ANALYTICS_ENABLED": "false",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    }
    for variable, value in wanted.items():
        if environment.get(variable) != value:
            yield f"{variable} is not {value}"


_RULES: tuple[Callable[[str, Service], Iterator[str]], ...] = (
    _without_root,
    _hardened,
    _limited,
    _pinned,
    _watched,
    _secrets_as_files,
    _no_way_round,
    _ports_on_loopback,
    _local_time,
    _quiet,
)


def _of_the_whole(config: Mapping[str, Any]) -> Iterator[str]:
    services, networks = config["services"], config["networks"]
    yield from (f"service {name} is missing" for name in sorted(set(NEEDS) - set(services)))
    for name in ("data", "control"):
        if networks.get(name, {}).get("internal") is not True:
            yield f"network {name} reaches the outside"
    for name in ("postgres", "redis"):
        if services.get(name, {}).get("networks") != ["data"] or services.get(name, {}).get("ports"):
            yield f"{name} can be reached from outside the data network"
    for network, allowed in REACH.items():
        members = {name for name, service in services.items() if network in service.get("networks", [])}
        yield from (f"{name} is on the network {network}" for name in sorted(members - allowed))
    for name, secret in config["secrets"].items():
        if set(secret) != {"file"}:
            yield f"secret {name} is not a file"
    if services.get("sandbox", {}).get("profiles") != ["sandbox"]:
        yield "the sandbox starts without being asked for"
