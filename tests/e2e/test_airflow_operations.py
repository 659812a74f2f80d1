"""The watch, its messages, lineage, metrics and traces on a real scheduler; every listener is on loopback (合成数据)."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sqlalchemy import select

from fazhi.pipeline import now_in_shanghai
from fazhi.registry import Registry
from fazhi.services.rest import FINISHED, RunState
from fazhi.store.tables import run_end
from fazhi.systems import Editions
from support.airflow_city import AirflowCity, airflow_city
from support.listeners import Collector, Hook, collector, webhook

pytestmark = [pytest.mark.airflow, pytest.mark.ci, pytest.mark.timeout(900)]

THIS_YEAR = now_in_shanghai().year


@dataclass(frozen=True)
class Watched:
    """A city with everything switched on that is off by default."""

    city: AirflowCity
    hook: Hook
    telemetry: Collector
    lineage: Path
    run: RunState


@pytest.fixture(scope="module")
def watched(
    tmp_path_factory: pytest.TempPathFactory, registry: Registry, editions: Editions
) -> Iterator[Watched]:
    home = tmp_path_factory.mktemp("operations")
    lineage = home / "lineage.jsonl"
    transport = {"type": "file", "log_file_path": str(lineage), "append": True}
    with webhook() as hook, collector() as telemetry:
        switched_on = {
            "AIRFLOW_CONN_FAZHI_ALARM_WEBHOOK": json.dumps({"conn_type": "http", "extra": {"url": hook.url}}),
            "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
            "AIRFLOW__OPENLINEAGE__NAMESPACE": "fazhi-test",
            "AIRFLOW__OPENLINEAGE__DISABLE_SOURCE_CODE": "True",
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "AIRFLOW__TRACES__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": telemetry.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp_proto_http",  # Airflow takes OTLP over gRPC otherwise
            "OTEL_SERVICE_NAME": "fazhi",
            "OTEL_METRIC_EXPORT_INTERVAL": "2000",
            "FAZHI_BACKUP_DIR": str(home / "backups"),
        }
        years = range(THIS_YEAR, THIS_YEAR + 1)
        with airflow_city(home, registry, editions, units=4, years=years, **switched_on) as city:
            (run,) = city.api.wait_for_runs([city.api.trigger_run(THIS_YEAR)], timeout=300)
            yield Watched(city, hook, telemetry, lineage, run)


def events(watched: Watched) -> list[dict[str, Any]]:
    return [json.loads(line) for line in watched.lineage.read_text(encoding="utf-8").splitlines()]


def test_a_run_that_went_through_says_so_in_the_store(watched: Watched) -> None:
    assert watched.run.state == "success"
    assert [row["run_id"] for row in watched.city.rows(select(run_end))] == [watched.run.run_id]


def test_lineage_names_what_each_step_reads_and_leaves_behind(watched: Watched) -> None:
    found: dict[str, tuple[set[str], set[str]]] = {}
    for event in events(watched):
        if event["eventType"] != "COMPLETE":
            continue
        read, left = found.setdefault(event["job"]["name"], (set(), set()))
        read.update(f"{one['namespace']}:{one['name']}" for one in event["inputs"])
        left.update(f"{one['namespace']}:{one['name']}" for one in event["outputs"])
    assert found["assessment.collect"][1] == {"fazhi:assessment/submissions"}
    assert found["assessment.validate"] == (
        {"fazhi:assessment/submissions"},
        {"fazhi:assessment/validated-values"},
    )
    assert found["assessment.score"] == ({"fazhi:assessment/validated-values"}, {"fazhi:assessment/results"})
    assert found["assessment.reconcile"] == ({"fazhi:assessment/results"}, {"fazhi:assessment/publications"})
    assert {event["job"]["namespace"] for event in events(watched)} == {"fazhi-test"}


def test_lineage_carries_no_source_code_and_no_secret(watched: Watched) -> None:
    text = watched.lineage.read_text(encoding="utf-8")
    assert "sourceCode" not in text.replace('"sourceCodeLocation"', "")
    assert watched.city.environment["FAZHI_PLATFORM_SECRET"] not in text
    assert watched.city.environment["FAZHI_PORTAL_TOKEN"] not in text


def test_metrics_and_traces_reach_the_collector(watched: Watched) -> None:
    names = set()
    for body in watched.telemetry.bodies("/v1/metrics"):
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                names.update(metric.name for metric in scope.metrics)
    assert "airflow.scheduler_heartbeat" in names, sorted(names)
    spans = set()
    for body in watched.telemetry.bodies("/v1/traces"):
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                spans.update(span.name for span in scope.spans)
    assert any("assessment" in name or "task" in name for name in spans), sorted(spans)


def look(watched: Watched) -> str:
    """One round of the watch; how it ended."""
    api, runs = watched.city.api, "/dags/operations/dagRuns"
    run_id = api.call("POST", runs, {"logical_date": now_in_shanghai().isoformat()})["dag_run_id"]
    deadline = time.monotonic() + 180
    while True:
        state = str(api.call("GET", f"{runs}/{quote(run_id, safe='')}")["state"])
        if state in FINISHED or time.monotonic() > deadline:
            return state
        time.sleep(1)


def test_the_watch_tells_once_and_shows_red_while_something_urgent_stands(watched: Watched) -> None:
    watched.city.api.call("PATCH", "/dags/operations", {"is_paused": False})
    begun = len(watched.hook.calls)
    assert look(watched) == "failed", "there is no backup"
    told = watched.hook.calls[begun:]
    assert len(told) == 1, "the verdict itself is no second message"
    assert "backup-old" in {one["id"] for one in told[0][1]["alarms"]}
    assert "alarm-backup-old" in told[0][1]["text"]
    assert look(watched) == "failed"
    assert len(watched.hook.calls) == begun + 1, "nothing new: nothing to tell"


def test_a_step_that_fails_is_told_at_once(watched: Watched) -> None:
    begun = len(watched.hook.calls)
    (run,) = watched.city.api.wait_for_runs([watched.city.api.trigger_run(THIS_YEAR + 5)], timeout=120)
    assert run.state == "failed", "that year has not begun"
    ((_, message),) = watched.hook.calls[begun:]
    assert [one["id"] for one in message["alarms"]] == ["task-failed"]
    assert "plan" in message["text"]
    assert str(THIS_YEAR + 5) in message["text"]
