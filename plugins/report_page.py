"""The page of a validation report. In: a run id, and a login. Out: the run's report as one HTML page.

Shown to whoever may read the runs of the DAG ``assessment``. The run is looked up, so that nothing of the
address becomes a path. The page may load nothing and talk to nobody (its Content-Security-Policy), and is
shut off from the reader's session.
"""

from html import escape
from pathlib import Path
from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
from airflow.models.dagrun import DagRun
from fastapi import Depends, FastAPI
from fastapi import Path as PathParameter
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from fazhi.settings import Settings

DAG_ID = "assessment"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts allow-downloads"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])


@app.get(
    "/report/{run_id}",
    response_class=HTMLResponse,
    dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.RUN, param_dag_id=DAG_ID))],
)
def show_report(run_id: Annotated[str, PathParameter(max_length=250)], session: SessionDep) -> HTMLResponse:
    """The report of a run; a page that says why there is none (404) otherwise."""
    found = session.execute(
        select(DagRun.run_id, DagRun.partition_key).where(DagRun.dag_id == DAG_ID, DagRun.run_id == run_id)
    ).one_or_none()
    if found is None:
        return _notice("没有这次执行", "考评流程里没有这个编号的执行，可能已被清理。")
    path = _report_path(found.run_id, found.partition_key)
    if path is None or not path.is_file():
        return _notice(
            "核验报告还没有生成",
            f"执行 {found.run_id} 的核验报告在“核验报告”步骤完成后生成。"
            "如果该步骤已经失败，请先看它的日志，处理后重新运行。",
        )
    return HTMLResponse(path.read_text(encoding="utf-8"), headers=HEADERS)


def _report_path(run_id: str, partition_key: str | None) -> Path | None:
    from fazhi import pipeline  # only the server that shows a report needs it

    if partition_key is None or not partition_key.isdecimal():
        return None
    return pipeline.report_path(Settings.load(), int(partition_key), run_id)


def _notice(title: str, text: str) -> HTMLResponse:
    page = (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        "<style>body{font-family:sans-serif;max-width:40em;margin:4em auto;line-height:1.8}</style></head>"
        f"<body><h1>{escape(title)}</h1><p>{escape(text)}</p></body></html>"
    )
    return HTMLResponse(page, status_code=404, headers=HEADERS)
