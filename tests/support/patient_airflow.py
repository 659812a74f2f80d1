"""Airflow's API while its database goes down and comes back. In: a client. Out: answers, asked for again for a while."""

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fazhi.model.errors import Unreachable
from fazhi.services import AirflowApi, RefusedByAirflow, RunState

Answer = TypeVar("Answer")
_PATIENCE = 180


def insisting(ask: Callable[[], Answer], patience: float = _PATIENCE) -> Answer:
    """Ask until there is an answer; an outage of the server is waited for, a refusal is not.

    Raises:
        RefusedByAirflow: A refusal, or an outage that outlasts the patience.
        Unreachable: So too.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return ask()
        except (Unreachable, RefusedByAirflow) as failure:
            lasting = isinstance(failure, RefusedByAirflow) and failure.status < 500
            if lasting or time.monotonic() > deadline:
                raise
            time.sleep(1)


def when_running(
    api: AirflowApi, run_ids: Sequence[str], tasks: Sequence[str], timeout: float
) -> dict[str, Any]:
    """The first of the tasks that is seen at work, in whichever run."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        for run_id in run_ids:
            for task in insisting(lambda run_id=run_id: api.task_states(run_id)):
                if task["task_id"] in tasks and task["state"] == "running" and task["pid"]:
                    return task
        time.sleep(0.3)
    raise AssertionError(f"none of {tasks} was at work within {timeout} s")


def ended(api: AirflowApi, run_ids: Sequence[str], timeout: float) -> list[RunState]:
    """The last states of runs, in the order asked for."""
    deadline = time.monotonic() + timeout
    while True:
        states = [insisting(lambda run_id=run_id: api.run(run_id)) for run_id in run_ids]
        if all(state.finished for state in states) or time.monotonic() > deadline:
            return states
        time.sleep(2)


def tries(api: AirflowApi, run_ids: Sequence[str]) -> dict[str, int]:
    """The most tries that any task of each run needed."""
    return {
        run_id: max(task["try_number"] for task in insisting(lambda run_id=run_id: api.task_states(run_id)))
        for run_id in run_ids
    }
