"""The Kubernetes manifests: each keeps its schema, the shipped ones keep every rule, and every rule notices its breach."""

import copy
import shutil
import subprocess

import pytest
import yaml

from fazhi.settings import PROJECT_ROOT
from support.kubernetes_policy import FOLDER, NEEDS, breaches, pods, shipped

KUBERNETES_VERSION = "1.31"
VALIDATOR = PROJECT_ROOT / ".venv-ci" / "bin" / "kubernetes-validate"
SECRETS = PROJECT_ROOT / "include" / "deploy" / "make_secrets.py"


def test_the_shipped_manifests_keep_every_rule():
    assert breaches(shipped()) == []


def manifest(manifests, kind, name):
    (found,) = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def pod(name, change):
    def breach(manifests):
        (spec,) = [one["spec"] for found, _, one in pods(manifests) if found == name]
        change(spec)

    return breach


def container(name, change):
    return pod(name, lambda spec: change(spec["containers"][0]))


def configuration(name, **values):
    return lambda manifests: manifest(manifests, "ConfigMap", name)["data"].update(values)


def without(kind, name):
    return lambda manifests: manifests.remove(manifest(manifests, kind, name))


def secret_items(name, change):
    def breach(spec):
        (volume,) = [one for one in spec["volumes"] if "secret" in one]
        change(volume["secret"])

    return pod(name, breach)


BREACHES = {
    "task: runs as root, or as whom the image likes": pod(
        "task", lambda s: s["securityContext"].update(runAsUser=0)
    ),
    "init: has no seccomp profile": pod("init", lambda s: s["securityContext"].pop("seccompProfile")),
    "backup: leaves its namespaces": pod("backup", lambda s: s.update(hostNetwork=True)),
    "task: holds a token of the cluster": pod("task", lambda s: s.update(automountServiceAccountToken=True)),
    "triggerer: runs under another account": pod(
        "triggerer", lambda s: s.update(serviceAccountName="scheduler")
    ),
    "task: is told of every service in its environment": pod("task", lambda s: s.pop("enableServiceLinks")),
    "postgres/postgres: its root can be written": container(
        "postgres", lambda c: c["securityContext"].update(readOnlyRootFilesystem=False)
    ),
    "task/base: keeps capabilities": container(
        "task", lambda c: c["securityContext"].update(capabilities={"drop": ["ALL"], "add": ["CHOWN"]})
    ),
    "apiserver/wait-for-migrations: may gain privileges": pod(
        "apiserver", lambda s: s["initContainers"][0]["securityContext"].pop("allowPrivilegeEscalation")
    ),
    "scheduler/scheduler: has no limit of memory": container(
        "scheduler", lambda c: c["resources"]["limits"].pop("memory")
    ),
    "task/base: its image is not pinned: fazhi:latest": container(
        "task", lambda c: c.update(image="fazhi:latest")
    ),
    "task/base: FAZHI_PLATFORM_SECRET carries a secret in the environment": container(
        "task", lambda c: c["env"].append({"name": "FAZHI_PLATFORM_SECRET", "value": "hush"})
    ),
    "task/base: FAZHI_NOTE brings something from elsewhere into the environment": container(
        "task", lambda c: c["env"].append({"name": "FAZHI_NOTE", "valueFrom": {"secretKeyRef": {}}})
    ),
    "task/base: has a secret in its environment": container(
        "task", lambda c: c["envFrom"].append({"secretRef": {"name": "fazhi"}})
    ),
    "task: FAZHI_PORTAL_URL carries a password in an address": configuration(
        "task", FAZHI_PORTAL_URL="https://a:b@portal"
    ),
    "scheduler: has no livenessProbe": container("scheduler", lambda c: c.pop("livenessProbe")),
    "triggerer: its readinessProbe starts Airflow's command line": container(
        "triggerer", lambda c: c["readinessProbe"]["exec"].update(command=["airflow", "jobs", "check"])
    ),
    "task: holds secrets it does not need: airflow_database_url": secret_items(
        "task", lambda s: s["items"].append({"key": "airflow_database_url", "path": "x"})
    ),
    "metadata: lacks secrets: airflow_fernet_key": secret_items("metadata", lambda s: s["items"].pop()),
    "apiserver: holds every secret there is": secret_items("apiserver", lambda s: s.pop("items")),
    "postgres: lets everybody in the pod read its secrets": secret_items(
        "postgres", lambda s: s.update(defaultMode=0o444)
    ),
    "task: reaches into the host by docker": pod(
        "task",
        lambda s: s["volumes"].append({"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}}),
    ),
    "init: may fill the host by tmp": pod(
        "init", lambda s: next(v for v in s["volumes"] if v["name"] == "tmp").update(emptyDir={})
    ),
    "task: mounts elsewhere, which it does not declare": container(
        "task", lambda c: c["volumeMounts"].append({"name": "elsewhere", "mountPath": "/x"})
    ),
    "scheduler: may write to secrets": container("scheduler", lambda c: c["volumeMounts"][0].pop("readOnly")),
    "backup: may run twice at once": lambda m: manifest(m, "CronJob", "backup")["spec"].pop(
        "concurrencyPolicy"
    ),
    "backup: goes by another clock": lambda m: manifest(m, "CronJob", "backup")["spec"].pop("timeZone"),
    "metadata: may run for ever": lambda m: manifest(m, "CronJob", "metadata")["spec"]["jobTemplate"][
        "spec"
    ].pop("activeDeadlineSeconds"),
    "backup is missing": without("CronJob", "backup"),
    "the manifests carry the secret fazhi": lambda m: m.append(
        {"kind": "Secret", "metadata": {"name": "fazhi", "namespace": "fazhi"}}
    ),
    "everything reaches over the whole cluster": lambda m: m.append(
        {"kind": "ClusterRole", "metadata": {"name": "everything", "namespace": "fazhi"}}
    ),
    "Service apiserver lies in another namespace": lambda m: manifest(m, "Service", "apiserver")[
        "metadata"
    ].update(namespace="default"),
    "service apiserver can be reached from outside": lambda m: manifest(m, "Service", "apiserver")[
        "spec"
    ].update(type="NodePort"),
    "role scheduler may get secrets": lambda m: manifest(m, "Role", "scheduler")["rules"].append(
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    ),
    "AIRFLOW__METRICS__OTEL_ON is not False": configuration("airflow", AIRFLOW__METRICS__OTEL_ON="True"),
    "what no policy names can be reached": without("NetworkPolicy", "deny-all"),
    "anybody reaches {'matchLabels': {'app.kubernetes.io/name': 'postgres'}}": lambda m: manifest(
        m, "NetworkPolicy", "database"
    )["spec"]["ingress"][0].pop("from"),
    "a policy opens every port of {'matchLabels': {'fazhi/reaches-outside': 'true'}}": lambda m: manifest(
        m, "NetworkPolicy", "to-outside"
    )["spec"]["egress"][0].pop("ports"),
    "backup asks for the volume backup, which nobody claims": without("PersistentVolumeClaim", "backup"),
    "scheduler asks for the configuration task-pod, which is not there": without("ConfigMap", "task-pod"),
}


@pytest.mark.parametrize(("said", "change"), BREACHES.items(), ids=BREACHES.keys())
def test_a_breach_is_named(said, change):
    manifests = copy.deepcopy(shipped())
    change(manifests)
    assert said in breaches(manifests)


def test_every_secret_is_one_that_make_secrets_writes():
    names = set().union(*NEEDS.values())
    code = SECRETS.read_text(encoding="utf-8")
    assert [name for name in sorted(names) if f'"{name}"' not in code] == []


def test_every_setting_of_the_configuration_is_one_that_we_or_airflow_read():
    settings = (PROJECT_ROOT / "include" / "fazhi" / "settings.py").read_text(encoding="utf-8")
    for name in ("fazhi", "task"):
        for variable in manifest(shipped(), "ConfigMap", name)["data"]:
            if variable.startswith("FAZHI_"):
                assert f'"{variable}"' in settings, variable


def test_every_setting_of_airflow_exists_there():
    from airflow.configuration import conf

    known = {
        (section, option)
        for section, options in conf.configuration_description.items()
        for option in options["options"]
    }
    for variable in manifest(shipped(), "ConfigMap", "airflow")["data"]:
        if variable.startswith("AIRFLOW__"):
            _, section, option = variable.split("__")
            assert (section.lower(), option.lower()) in known, variable


def validator():
    found = str(VALIDATOR) if VALIDATOR.exists() else shutil.which("kubernetes-validate")
    if not found:
        pytest.skip("needs kubernetes-validate: make ci-tools")
    return found


def test_every_manifest_keeps_the_schema_of_kubernetes(tmp_path):
    pod_of_tasks = tmp_path / "task-pod.yaml"
    pod_of_tasks.write_text(yaml.safe_dump(shipped()[-1]), encoding="utf-8")
    files = [*sorted(FOLDER.glob("*.yaml")), pod_of_tasks]
    done = subprocess.run(
        [validator(), "--strict", "-k", KUBERNETES_VERSION, *map(str, files)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("passed") == len(shipped())


def test_the_schema_refuses_a_slip(tmp_path):
    text = (
        (FOLDER / "70-timers.yaml")
        .read_text(encoding="utf-8")
        .replace("concurrencyPolicy", "concurencyPolicy")
    )
    slip = tmp_path / "slip.yaml"
    slip.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [validator(), "--strict", "-k", KUBERNETES_VERSION, str(slip)], capture_output=True, text=True
    )
    assert done.returncode != 0
