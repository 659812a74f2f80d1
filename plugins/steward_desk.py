"""The plugin behind 「审核工作台」. In: a login. Out: the steward desk in Airflow's navigation.

Every component of Airflow imports this module, so it stays light: the desk (``desk.app``) is imported by the first
request for it.
"""

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

URL_PREFIX = "/fazhi-desk"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application of the desk."""
    from desk.app import app as desk

    await desk(scope, receive, send)


class StewardDeskPlugin(AirflowPlugin):
    """Makes the desk known to Airflow."""

    name = "steward_desk"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [
        {"app": app, "url_prefix": URL_PREFIX, "name": "fazhi_steward_desk"}
    ]
    external_views: ClassVar[list[dict[str, str]]] = [
        {
            "name": "审核工作台",
            "href": f"{URL_PREFIX}/",
            "destination": "nav",
            "url_route": "fazhi-desk",
        }
    ]
