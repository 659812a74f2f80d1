"""Policy over docker-compose.yaml: the shipped file keeps every rule, and every rule notices its breach."""

import copy
import stat
import subprocess
import sys

import pytest
import yaml

from fazhi.settings import PROJECT_ROOT
from support.compose_override import HOLDER, override
from support.compose_policy import NEEDS, as_written, breaches, shipped
from support.compose_stack import composed
from support.container_engine import COMPOSE

SECRETS = PROJECT_ROOT / "include" / "deploy" / "make_secrets.py"


AS_WRITTEN, AS_COMPOSED = "as it is written", "as Compose understands it"


@pytest.fixture(params=[AS_WRITTEN, AS_COMPOSED])
def config(request):
    """The shipped file, to be changed at will."""
    if request.param == AS_WRITTEN:
        return copy.deepcopy(shipped())
    if not COMPOSE.is_file():
        pytest.skip("needs docker: no Docker Compose (make ci-tools)")
    return copy.deepcopy(as_written(composed()))


def test_the_shipped_file_keeps_every_rule(config):
    assert breaches(config) == []


def test_both_readings_are_of_the_same_services(config):
    assert set(config["services"]) == set(NEEDS)
    assert len(config["secrets"]) == 18


def changed(service, **values):
    def change(config):
        for name, value in values.items():
            if value is None:
                config["services"][service].pop(name, None)
            else:
                config["services"][service][name] = value

    return change


def environment(service, **values):
    return lambda config: config["services"][service]["environment"].update(values)


def limits(service, what):
    return lambda config: config["services"][service]["deploy"]["resources"]["limits"].pop(what)


BREACHES = {
    "worker-1: runs as root, or as whom the image likes": changed("worker-1", user="0:0"),
    "redis: runs as root, or as whom the image likes": changed("redis", user=None),
    "scheduler: its root can be written": changed("scheduler", read_only=False),
    "triggerer: keeps capabilities": changed("triggerer", cap_drop=None),
    "postgres: keeps capabilities": changed("postgres", cap_add=["CHOWN"]),
    "apiserver: may gain privileges": changed("apiserver", security_opt=[]),
    "apiserver: leaves its namespaces": changed("apiserver", network_mode="host"),
    "worker-2: holds the engine's socket": changed("worker-2", volumes=["/var/run/docker.sock:/s"]),
    "worker-1: has no limit of memory": limits("worker-1", "memory"),
    "worker-1: has no limit of cpus": limits("worker-1", "cpus"),
    "worker-1: has no limit of pids": limits("worker-1", "pids"),
    "init: its log grows for ever": changed("init", logging=None),
    "redis: its image is not pinned: redis:latest": changed("redis", image="redis:latest"),
    "redis: its image is not pinned: redis": changed("redis", image="${REDIS_IMAGE:-redis}"),
    "scheduler: builds on the host that runs it": changed("scheduler", build="."),
    "dag-processor: has no health check": changed("dag-processor", healthcheck=None),
    "scheduler: its health check starts Airflow's command line": changed(
        "scheduler", healthcheck={"test": ["CMD", "airflow jobs check"]}
    ),
    "worker-1: does not come back by itself": changed("worker-1", restart="no"),
    "worker-1: FAZHI_PLATFORM_SECRET carries a secret in the environment": environment(
        "worker-1", FAZHI_PLATFORM_SECRET="hush"
    ),
    "postgres: POSTGRES_PASSWORD carries a secret in the environment": environment(
        "postgres", POSTGRES_PASSWORD="${POSTGRES_PASSWORD:-airflow}"
    ),
    "apiserver: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN carries a secret in the environment": environment(
        "apiserver", AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="sqlite:////tmp/airflow.db"
    ),
    "scheduler: reads a file of environment variables": changed("scheduler", env_file=[".env"]),
    "redis: has a secret on its command line": changed(
        "redis", command=["redis-server", "--requirepass", "airflow"]
    ),
    "worker-2: mounts the folder of the secrets: ./secrets:/keys": changed(
        "worker-2", volumes=["./secrets:/keys"]
    ),
    "scheduler: holds secrets it does not need: fazhi_store_url": changed(
        "scheduler", secrets=[*NEEDS["scheduler"], "fazhi_store_url"]
    ),
    "maintenance: holds secrets it does not need: postgres_password": changed(
        "maintenance", secrets=["fazhi_owner_url", "postgres_password"]
    ),
    "scheduler is on the network outside": changed("scheduler", networks=["data", "control", "outside"]),
    "triggerer is on the network web": changed("triggerer", networks=["data", "control", "web"]),
    "network control reaches the outside": lambda config: config["networks"].update(control={}),
    "init: FAZHI_NOTE carries a password in an address": environment("init", FAZHI_NOTE="x://a:b@c"),
    "worker-1: holds secrets it does not need: airflow_database_url": changed(
        "worker-1", secrets=[*NEEDS["worker-1"], "airflow_database_url"]
    ),
    "redis: lacks secrets: redis_conf": changed("redis", secrets=[]),
    "apiserver: publishes 8080:8080 on every interface": changed("apiserver", ports=["8080:8080"]),
    "postgres: keeps another time zone": environment("postgres", TZ="UTC"),
    "scheduler: AIRFLOW__CORE__LOAD_EXAMPLES is not False": environment(
        "scheduler", AIRFLOW__CORE__LOAD_EXAMPLES="True"
    ),
    "scheduler: AIRFLOW__CORE__AUTH_MANAGER is not "
    "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager": environment(
        "scheduler", AIRFLOW__CORE__AUTH_MANAGER="simple"
    ),
    "network data reaches the outside": lambda config: config["networks"].update(data={}),
    "redis can be reached from outside the data network": changed("redis", networks=["data", "web"]),
    "secret redis_conf is not a file": lambda config: config["secrets"].update(
        redis_conf={"environment": "REDIS"}
    ),
    "the sandbox starts without being asked for": changed("sandbox", profiles=None),
    "service triggerer is missing": lambda config: config["services"].pop("triggerer"),
}


@pytest.mark.parametrize(("said", "change"), BREACHES.items(), ids=BREACHES.keys())
def test_a_breach_is_named(config, said, change):
    change(config)
    assert said in breaches(config)


def test_every_secret_of_the_file_is_generated_and_none_besides(tmp_path):
    folder = tmp_path / "secrets"
    first = subprocess.run([sys.executable, SECRETS, folder], capture_output=True, text=True, check=True)
    made = {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()}
    assert set(made) == set(shipped()["secrets"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not any(content in first.stdout for content in made.values())
    assert made["airflow_database_password"] in made["airflow_database_url"]
    assert made["fazhi_store_password"] in made["fazhi_store_url"]
    assert len(set(made.values())) == len(made)
    subprocess.run([sys.executable, SECRETS, folder], capture_output=True, check=True)
    assert {path.name: path.read_text(encoding="ascii") for path in folder.iterdir()} == made
    (folder / "redis_conf").unlink()
    again = subprocess.run([sys.executable, SECRETS, folder], capture_output=True, text=True)
    assert again.returncode == 1
    assert "missing: redis_conf" in again.stdout


def test_the_override_changes_networking_and_nothing_else():
    class Loader(yaml.SafeLoader):
        """Reads ``!reset`` as nothing."""

    Loader.add_constructor("!reset", lambda _loader, _node: None)
    config = shipped()
    services = yaml.load(override(config, "redis:7-bookworm"), Loader)["services"]
    assert set(services) == {*config["services"], HOLDER}
    for name in config["services"]:
        assert set(services[name]) - {"healthcheck"} == {"network_mode", "networks", "ports", "depends_on"}
        pace = services[name].get("healthcheck", {})
        assert set(pace) <= {"interval", "start_interval", "retries"}  # what is asked stays
        assert bool(pace) == ("healthcheck" in config["services"][name])
        assert services[name]["network_mode"] == f"service:{HOLDER}"
    assert services[HOLDER]["network_mode"] == "none"
    assert set(services[HOLDER]["extra_hosts"]) == {f"{name}:127.0.0.1" for name in config["services"]}


def test_the_image_is_built_from_the_pins_of_the_tests():
    def pins(name):
        lines = (PROJECT_ROOT / name).read_text(encoding="utf-8").splitlines()
        return {line.split(" ")[0] for line in lines if "==" in line and not line.startswith((" ", "#"))}

    image, tests = pins("requirements.runtime.lock"), pins("requirements.lock")
    assert image <= tests
    assert not {
        pin for pin in image if pin.startswith(("pytest", "ruff", "mypy", "playwright", "hypothesis"))
    }
