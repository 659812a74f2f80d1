"""What a reviewer asks of the Kubernetes manifests, rule by rule. In: the manifests as data. Out: every breach, in words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from fazhi.settings import PROJECT_ROOT
from support.policy import in_the_environment, not_its_own

Manifest = Mapping[str, Any]
FOLDER = PROJECT_ROOT / "include" / "deploy" / "kubernetes"
_LONG_LIVED = ("Deployment", "StatefulSet")
_NOT_A_SECRET = "airflow-db-not-allowed:///"
_PODS_ONLY = {
    ("", "pods"): {"create", "delete", "get", "list", "patch", "watch"},
    ("", "pods/log"): {"get"},
    ("", "events"): {"list"},
}
"""All that the scheduler may do in its namespace."""

NEEDS: Mapping[str, set[str]] = {
    "postgres": {
        "postgres_password",
        "airflow_database_password",
        "celery_result_password",
        "fazhi_owner_password",
        "fazhi_store_password",
        "fazhi_reader_password",
    },
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
    },
    "dag-processor": {"airflow_database_url", "airflow_fernet_key", "airflow_api_secret_key"},
    "triggerer": {"airflow_database_url", "airflow_fernet_key", "airflow_api_secret_key"},
    "task": {"fazhi_store_url", "portal_token", "platform_secret"},
    "backup": {"fazhi_owner_url", "airflow_database_url"},
    "metadata": {"airflow_database_url", "airflow_fernet_key"},
}
"""The secrets of each workload and no other: a task has no password of Airflow's database."""


def shipped() -> list[dict[str, Any]]:
    """All manifests in the order in which they are applied, the pod of the tasks taken out of its ConfigMap at the end."""
    found = [
        dict(document)
        for path in sorted(FOLDER.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
    ]
    (pod,) = [one["data"]["pod.yaml"] for one in found if one["metadata"]["name"] == "task-pod"]
    return [*found, dict(yaml.safe_load(pod))]


def pods(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Manifest, Manifest]]:
    """Every workload: its name, the manifest, and its pod (``metadata`` and ``spec``)."""
    for one in manifests:
        if one["kind"] == "Pod":
            yield one["metadata"]["name"], one, one
        elif one["kind"] in (*_LONG_LIVED, "Job"):
            yield one["metadata"]["name"], one, one["spec"]["template"]
        elif one["kind"] == "CronJob":
            yield one["metadata"]["name"], one, one["spec"]["jobTemplate"]["spec"]["template"]


def breaches(manifests: Sequence[Manifest]) -> list[str]:
    """Every breach of every rule."""
    found = [
        f"{name}: {breach}"
        for name, manifest, pod in pods(manifests)
        for rule in (_pod, _secrets, _volumes, _timers)
        for breach in rule(name, manifest, pod)
    ]
    for name, manifest, pod in pods(manifests):
        for container in _containers(pod["spec"]):
            found += [f"{name}/{container['name']}: {breach}" for breach in _container(container)]
        if manifest["kind"] in _LONG_LIVED:
            found += [f"{name}: {breach}" for breach in _probes(pod["spec"])]
    return found + list(_of_the_whole(manifests))


def _containers(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def _pod(name: str, _manifest: Manifest, pod: Manifest) -> Iterator[str]:
    spec, security = pod["spec"], pod["spec"].get("securityContext", {})
    if not security.get("runAsNonRoot") or not security.get("runAsUser"):
        yield "runs as root, or as whom the image likes"
    if security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "has no seccomp profile"
    if any(spec.get(one) for one in ("hostNetwork", "hostPID", "hostIPC")):
        yield "leaves its namespaces"
    if spec.get("automountServiceAccountToken") is not (name == "scheduler"):
        yield "holds a token of the cluster" if name != "scheduler" else "lacks its token of the cluster"
    if spec.get("serviceAccountName") != ("scheduler" if name == "scheduler" else "service"):
        yield "runs under another account"
    if spec.get("enableServiceLinks") is not False:
        yield "is told of every service in its environment"


def _container(container: Manifest) -> Iterator[str]:
    security = container.get("securityContext", {})
    if security.get("readOnlyRootFilesystem") is not True:
        yield "its root can be written"
    if security.get("capabilities") != {"drop": ["ALL"]} or security.get("privileged"):
        yield "keeps capabilities"
    if security.get("allowPrivilegeEscalation") is not False:
        yield "may gain privileges"
    resources = container.get("resources", {})
    for what in ("cpu", "memory", "ephemeral-storage"):
        if not resources.get("limits", {}).get(what) or not resources.get("requests", {}).get(what):
            yield f"has no limit of {what}"
    image = str(container.get("image", ""))
    if not re.search(r":[^:/]*[0-9][^:/]*$|@sha256:[0-9a-f]{64}$", image):
        yield f"its image is not pinned: {image}"
    for variable in container.get("env", ()):
        yield from in_the_environment(variable["name"], str(variable.get("value", "")), _NOT_A_SECRET)
        if "valueFrom" in variable:
            yield f"{variable['name']} brings something from elsewhere into the environment"
    if any("secretRef" in one for one in container.get("envFrom", ())):
        yield "has a secret in its environment"


def _probes(spec: Manifest) -> Iterator[str]:
    for container in spec["containers"]:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe not in container:
                yield f"has no {probe}"
            elif container[probe].get("exec", {}).get("command", [""])[0] == "airflow":
                yield f"its {probe} starts Airflow's command line"


def _secrets(name: str, _manifest: Manifest, pod: Manifest) -> Iterator[str]:
    held: set[str] = set()
    for volume in pod["spec"].get("volumes", ()):
        if "secret" in volume:
            held |= {item["key"] for item in volume["secret"].get("items", ())}
            if not volume["secret"].get("items"):
                yield "holds every secret there is"
            if volume["secret"].get("defaultMode", 0o644) & 0o007:
                yield "lets everybody in the pod read its secrets"
    yield from not_its_own(held, NEEDS.get(name, set()))


def _volumes(_name: str, _manifest: Manifest, pod: Manifest) -> Iterator[str]:
    declared = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
    for name, volume in declared.items():
        if "hostPath" in volume:
            yield f"reaches into the host by {name}"
        if "emptyDir" in volume and not volume["emptyDir"].get("sizeLimit"):
            yield f"may fill the host by {name}"
    for container in _containers(pod["spec"]):
        for mount in container.get("volumeMounts", ()):
            if mount["name"] not in declared and mount["name"] != "database":
                yield f"mounts {mount['name']}, which it does not declare"
            volume = declared.get(mount["name"], {})
            if ("secret" in volume or "configMap" in volume) and mount.get("readOnly") is not True:
                yield f"may write to {mount['name']}"


def _timers(_name: str, manifest: Manifest, pod: Manifest) -> Iterator[str]:
    if manifest["kind"] == "CronJob":
        spec = manifest["spec"]
        if spec.get("concurrencyPolicy") != "Forbid":
            yield "may run twice at once"
        if spec.get("timeZone") != "Asia/Shanghai":
            yield "goes by another clock"
        if not spec["jobTemplate"]["spec"].get("activeDeadlineSeconds"):
            yield "may run for ever"


def _of_the_whole(manifests: Sequence[Manifest]) -> Iterator[str]:
    names = {name for name, _, _ in pods(manifests)}
    yield from (f"{name} is missing" for name in sorted(set(NEEDS) - names))
    for one in manifests:
        if one["kind"] == "Secret":
            yield f"the manifests carry the secret {one['metadata']['name']}"
        if one["kind"] in ("ClusterRole", "ClusterRoleBinding"):
            yield f"{one['metadata']['name']} reaches over the whole cluster"
        if one["kind"] != "Namespace" and one["metadata"].get("namespace") != "fazhi":
            yield f"{one['kind']} {one['metadata']['name']} lies in another namespace"
        if one["kind"] == "Service" and one["spec"].get("type", "ClusterIP") != "ClusterIP":
            yield f"service {one['metadata']['name']} can be reached from outside"
        if one["kind"] == "Role":
            yield from _rights(one)
        if one["kind"] == "ConfigMap":
            for variable, value in one["data"].items():
                yield from (
                    f"{one['metadata']['name']}: {breach}"
                    for breach in in_the_environment(variable, str(value), _NOT_A_SECRET)
                )
    yield from _quiet(manifests)
    yield from _network(manifests)
    yield from _claims(manifests)


def _rights(role: Manifest) -> Iterator[str]:
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                surplus = set(rule["verbs"]) - _PODS_ONLY.get((group, resource), set())
                if surplus:
                    yield f"role {role['metadata']['name']} may {', '.join(sorted(surplus))} {resource}"


def _quiet(manifests: Sequence[Manifest]) -> Iterator[str]:
    data: dict[str, str] = {}
    for one in manifests:
        if one["kind"] == "ConfigMap" and one["metadata"]["name"] == "airflow":
            data = one["data"]
    for variable, value in {
        "TZ": "Asia/Shanghai",
        "AIRFLOW__CORE__EXECUTOR": "KubernetesExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
        "AIRFLOW__METRICS__OTEL_ON": "False",
        "AIRFLOW__TRACES__OTEL_ON": "False",
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        "GX_ANALYTICS_ENABLED": "false",
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
    }.items():
        if data.get(variable) != value:
            yield f"{variable} is not {value}"


def _network(manifests: Sequence[Manifest]) -> Iterator[str]:
    policies = [one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"]
    closed = [
        one
        for one in policies
        if one["podSelector"] == {} and not one.get("ingress") and not one.get("egress")
    ]
    if not any(set(one["policyTypes"]) == {"Ingress", "Egress"} for one in closed):
        yield "what no policy names can be reached"
    for one in policies:
        for rule in [*one.get("ingress", ()), *one.get("egress", ())]:
            if not rule.get("ports"):
                yield f"a policy opens every port of {one['podSelector']}"
        for rule in one.get("ingress", ()):
            if not rule.get("from"):
                yield f"anybody reaches {one['podSelector']}"


def _claims(manifests: Sequence[Manifest]) -> Iterator[str]:
    there = {one["metadata"]["name"] for one in manifests if one["kind"] == "PersistentVolumeClaim"}
    configured = {one["metadata"]["name"] for one in manifests if one["kind"] == "ConfigMap"}
    for name, _, pod in pods(manifests):
        for volume in pod["spec"].get("volumes", ()):
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            if claim and claim not in there:
                yield f"{name} asks for the volume {claim}, which nobody claims"
            source = volume.get("configMap", {}).get("name")
            if source and source not in configured | {"database-setup"}:
                yield f"{name} asks for the configuration {source}, which is not there"
