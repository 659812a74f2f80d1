"""The plugin behind the button 「核验报告」. In: a validation task. Out: a link to its report, and the page.

The link on the validate task (tab 详细信息) opens ``/fazhi/report/{run id}`` (``report_page``); the run
has the same page as a tab. Every component of Airflow imports this module, so it stays light: the page is
imported by the first request for it.
"""

from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import BaseOperatorLink

from pipeline_task import ValidationOperator

URL_PREFIX = "/fazhi"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application of the page."""
    from report_page import app as page

    await page(scope, receive, send)


class ReportLink(BaseOperatorLink):
    """The button 「核验报告」 of a validation task."""

    name = "核验报告"
    operators: ClassVar[list[Any]] = [ValidationOperator]

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address of the report of the task's run."""
        root = urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")
        return f"{root}{URL_PREFIX}/report/{quote(ti_key.run_id, safe='')}"


class ValidationReportPlugin(AirflowPlugin):
    """Makes the page and the button known to Airflow."""

    name = "validation_report"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [
        {"app": app, "url_prefix": URL_PREFIX, "name": "fazhi_validation_report"}
    ]
    operator_extra_links: ClassVar[list[BaseOperatorLink]] = [ReportLink()]
    external_views: ClassVar[list[dict[str, str]]] = [
        {
            "name": ReportLink.name,
            "href": f"{URL_PREFIX}/report/{{RUN_ID}}",
            "destination": "dag_run",
            "url_route": "report",
        }
    ]
