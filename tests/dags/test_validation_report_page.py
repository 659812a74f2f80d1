"""The page and the button of a validation report: who sees it, and what never becomes a path."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.api_fastapi.common.db.common import _get_session
from airflow.api_fastapi.core_api import security
from airflow.models.base import Base
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.types import DagRunType
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from fazhi import pipeline
from fazhi.settings import Settings
from support.airflow_room import plugin_module, serialized_dag

plugin = plugin_module("validation_report")
page = plugin_module("report_page")

RUN_ID = "backfill__2023__20230101__aB+c:1"
ADDRESS = "/fazhi/report/backfill__2023__20230101__aB%2Bc%3A1"


class Reader:
    """An auth manager of one permission: the runs of the DAG may be read, or not."""

    def __init__(self, allowed: bool) -> None:
        self.allowed = allowed
        self.asked: list[tuple[str, str, str]] = []

    def is_authorized_dag(self, *, method, access_entity, details, user) -> bool:
        self.asked.append((method, access_entity.name, details.id))
        return self.allowed


@pytest.fixture
def session() -> Iterator[Session]:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine, tables=[DagRun.__table__])
    with Session(engine) as session:
        for dag_id, run_id, key in (
            ("assessment", RUN_ID, "2023"),
            ("assessment", "manual__1__a", None),
            ("assessment", "manual__2__a", "../../2023"),
            ("another", "backfill__2023__20230101__another", "2023"),
        ):
            session.execute(
                DagRun.__table__.insert().values(
                    dag_id=dag_id,
                    run_id=run_id,
                    partition_key=key,
                    run_type=DagRunType.BACKFILL_JOB,
                    state="success",
                    run_after=datetime(2023, 1, 1, tzinfo=UTC),
                    log_template_id=1,
                    span_status="not_started",
                )
            )
        session.commit()
        yield session


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    reader = Reader(allowed=True)
    monkeypatch.setattr(security, "get_auth_manager", lambda: reader)
    monkeypatch.setattr(DagModel, "get_team_name", staticmethod(lambda _dag_id: None))
    return reader


@pytest.fixture
def anonymous(session: Session) -> Iterator[TestClient]:
    """The plugin's app where Airflow mounts it."""
    server = FastAPI()
    (mounted,) = plugin.ValidationReportPlugin.fastapi_apps
    server.mount(mounted["url_prefix"], mounted["app"])
    page.app.dependency_overrides[_get_session] = lambda: session
    with TestClient(server, raise_server_exceptions=False) as client:
        yield client
    page.app.dependency_overrides.clear()


@pytest.fixture
def client(anonymous: TestClient, reader: Reader) -> TestClient:
    page.app.dependency_overrides[security.get_user] = lambda: SimpleNamespace(get_name=lambda: "kate")
    return anonymous


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAZHI_REPORTS_DIR", str(tmp_path))
    path = pipeline.report_path(Settings.load(), 2023, RUN_ID)
    path.parent.mkdir(parents=True)
    path.write_text("<!DOCTYPE html><title>核验报告</title><p>包头市 2023 年", encoding="utf-8")
    return path


def test_a_stranger_sees_nothing(anonymous: TestClient, report: Path) -> None:
    assert anonymous.get(ADDRESS).status_code == 401
    assert anonymous.get("/fazhi/report/unknown").status_code == 401


@pytest.mark.parametrize("path", ["/fazhi/docs", "/fazhi/redoc", "/fazhi/openapi.json", "/fazhi/", "/fazhi"])
def test_there_is_nothing_else_to_see(anonymous: TestClient, path: str) -> None:
    assert anonymous.get(path).status_code == 404


def test_who_may_not_read_the_runs_sees_nothing(client: TestClient, reader: Reader, report: Path) -> None:
    reader.allowed = False
    assert client.get(ADDRESS).status_code == 403
    assert reader.asked == [("GET", "RUN", "assessment")]


def test_the_report_is_shown_and_can_do_nothing(client: TestClient, report: Path) -> None:
    answer = client.get(ADDRESS)
    assert answer.status_code == 200
    assert answer.text == report.read_text(encoding="utf-8")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = dict(
        part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": "'unsafe-inline'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-scripts allow-downloads",
    }


def test_a_report_that_is_not_written_yet_is_announced(client: TestClient, report: Path) -> None:
    report.unlink()
    answer = client.get(ADDRESS)
    assert answer.status_code == 404
    assert "核验报告还没有生成" in answer.text
    assert RUN_ID in answer.text
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("run_id", ["manual__1__a", "manual__2__a"])
def test_a_run_without_a_year_has_no_report(client: TestClient, report: Path, run_id: str) -> None:
    answer = client.get(f"/fazhi/report/{run_id}")
    assert answer.status_code == 404
    assert "核验报告还没有生成" in answer.text


@pytest.mark.parametrize("run_id", ["unknown", "backfill__2023__20230101__another", "%3Cscript%3Ealert(1)"])
def test_an_unknown_run_is_called_unknown(client: TestClient, report: Path, run_id: str) -> None:
    answer = client.get(f"/fazhi/report/{run_id}")
    assert answer.status_code == 404
    assert "没有这次执行" in answer.text
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    "trick",
    [
        "..%2F..%2F..%2Fetc%2Fpasswd",
        "%2e%2e/%2e%2e/etc/passwd",
        "%2Fetc%2Fpasswd",
        "..",
        "2023%2F{name}",
        "{name}",
        "x%00",
    ],
)
def test_nothing_of_the_address_becomes_a_path(client: TestClient, report: Path, trick: str) -> None:
    answer = client.get("/fazhi/report/" + trick.format(name=report.name))
    assert answer.status_code == 404
    assert "包头市" not in answer.text
    assert "root:" not in answer.text


def test_an_endless_run_id_is_refused(client: TestClient) -> None:
    assert client.get("/fazhi/report/" + "x" * 251).status_code == 422


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_page_changes_nothing(client: TestClient, method: str) -> None:
    assert client.request(method, ADDRESS).status_code == 405


def test_the_button_leads_to_the_report_of_its_run() -> None:
    link = plugin.ReportLink().get_link(None, ti_key=SimpleNamespace(run_id=RUN_ID))
    assert link == ADDRESS


def test_the_button_stands_on_the_validation_alone() -> None:
    buttons = {task.task_id: list(task.extra_links) for task in serialized_dag().tasks if task.extra_links}
    assert buttons == {"validate": ["核验报告"]}
