"""A local Airflow. In: a home folder and an environment. Out: running services, a client of their API.

``LocalAirflow(home, env).start()`` leaves api-server, scheduler, dag-processor and triggerer running as
separate processes on a free loopback port, ``stop()`` ends exactly those; ``api()`` is a logged-in
``AirflowApi`` that triggers runs and backfills as the UI does and follows them. ``python -m fazhi.services
up|down|status`` is what ``make up`` and ``make down`` call. For one machine and for tests; production uses
docker-compose.
"""

from fazhi.services.local_airflow import LocalAirflow, ServiceFailure
from fazhi.services.processes import ProcessGroup
from fazhi.services.rest import AirflowApi, RefusedByAirflow, RunState

__all__ = ["AirflowApi", "LocalAirflow", "ProcessGroup", "RefusedByAirflow", "RunState", "ServiceFailure"]
