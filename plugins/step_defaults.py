"""What every step of every DAG starts from. In: how long a try may take. Out: Airflow's ``default_args``, a first day."""

from datetime import datetime, timedelta, timezone
from typing import Any

from operations_notifier import OperationsNotifier
from pipeline_task import RETRY_POLICY, tell_failure

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset: a DAG is parsed every few seconds and need not read the zone's history."""
FIRST_DAY = datetime(2021, 1, 1, tzinfo=SHANGHAI)
"""From when on a DAG may run: the first year that has an edition."""


def step_defaults(longest: timedelta = timedelta(minutes=30)) -> dict[str, Any]:
    """What every step starts from: three more tries with growing pauses where waiting can help, and telling people.

    Args:
        longest: After how long a try is ended.
    """
    return {
        "owner": "fazhi",
        "retries": 3,
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": RETRY_POLICY,
        "execution_timeout": longest,
        "on_failure_callback": [tell_failure, OperationsNotifier()],
    }
