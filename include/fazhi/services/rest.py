"""A client of Airflow's REST API. In: an address and a login. Out: runs, backfills and their states.

It asks what the UI asks (``/api/v2``), so that what works here works by hand. Runs of the DAG
``assessment`` are partitioned by year: a run is triggered with its partition key and has no logical date.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from fazhi.model.errors import FazhiError, Unreachable

DAG_ID = "assessment"
DAG_IDS = (DAG_ID, "final_results")
"""The DAGs that a start waits for and switches on; the watch and the pruning are for those who keep a deployment."""
FINISHED = frozenset({"success", "failed"})
_TIMEOUT = 60

Progress = Callable[[str], None]


class RefusedByAirflow(FazhiError):
    """Airflow answered with an error; ``status`` is its HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class RunState:
    """A run of a DAG. ``year`` is its partition key, ``None`` when none was given."""

    run_id: str
    year: str | None
    state: str
    run_type: str
    backfill_id: int | None = None

    @property
    def finished(self) -> bool:
        """Whether the run has ended, well or badly."""
        return self.state in FINISHED


class AirflowApi:
    """The REST API under ``url``, logged in as ``user``; logs in again when the login has run out."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._url = url.rstrip("/")
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy has no business between this machine and itself

    def call(self, method: str, path: str, json: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """One request; the decoded answer.

        Args:
            method: HTTP method.
            path: Below ``/api/v2``, e.g. ``/dags/assessment``.
            json: The body.
            params: The query.

        Raises:
            RefusedByAirflow: An answer of 4xx or 5xx.
            Unreachable: No answer.
        """
        answer = self._send(method, path, json, params)
        if answer.status_code == requests.codes.unauthorized:
            self._log_in()
            answer = self._send(method, path, json, params)
        if not answer.ok:
            raise RefusedByAirflow(
                answer.status_code, f"Airflow 拒绝了 {method} {path}:{answer.status_code} {answer.text[:500]}"
            )
        return answer.json() if answer.content else None

    def token(self) -> str:
        """A fresh token, for requests beside this client."""
        return self._log_in()

    def trigger_run(self, year: int | str | None, conf: Mapping[str, Any] | None = None) -> str:
        """Start one run by hand; the run's id.

        Args:
            year: The partition key; ``None`` and nonsense are passed on as they are.
            conf: Parameters, e.g. ``{"mode": "push", "reason": "…"}``.
        """
        body = {
            "logical_date": None,
            "partition_key": None if year is None else str(year),
            "conf": dict(conf or {}),
        }
        return str(self.call("POST", f"/dags/{DAG_ID}/dagRuns", body)["dag_run_id"])

    def create_backfill(
        self,
        from_year: int,
        to_year: int,
        conf: Mapping[str, Any] | None = None,
        reprocess: str = "none",
        max_active_runs: int = 1,
    ) -> int:
        """Start a backfill as the UI does; its id.

        Args:
            from_year: First year.
            to_year: Last year.
            conf: Parameters of all its runs.
            reprocess: ``none`` (years without a run), ``failed`` or ``completed`` (all of them again).
            max_active_runs: How many of its runs at a time.
        """
        body = {
            "dag_id": DAG_ID,
            "from_date": f"{from_year}-01-01T00:00:00Z",
            "to_date": f"{to_year}-12-31T23:59:59Z",
            "dag_run_conf": dict(conf or {}),
            "reprocess_behavior": reprocess,
            "max_active_runs": max_active_runs,
        }
        return int(self.call("POST", "/backfills", body)["id"])

    def backfill_in_progress(self) -> bool:
        """Whether a backfill has not been completed yet; a second one is refused until then."""
        listed = self.call("GET", "/backfills", params={"dag_id": DAG_ID, "limit": 100})
        return any(backfill["completed_at"] is None for backfill in listed["backfills"])

    def runs(self) -> list[RunState]:
        """All runs of the DAG, the oldest first."""
        found: list[RunState] = []
        while True:
            page = self.call(
                "GET",
                f"/dags/{DAG_ID}/dagRuns",
                params={"limit": 100, "offset": len(found), "order_by": "id"},
            )
            found += [_run(entry) for entry in page["dag_runs"]]
            if len(found) >= page["total_entries"] or not page["dag_runs"]:
                return found

    def run(self, run_id: str) -> RunState:
        """One run."""
        return _run(self.call("GET", f"/dags/{DAG_ID}/dagRuns/{quote(run_id, safe='')}"))

    def task_states(self, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run: ``task_id``, ``map_index``, ``state``, ``try_number``, ``pid`` etc."""
        path = f"/dags/{DAG_ID}/dagRuns/{quote(run_id, safe='')}/taskInstances"
        return list(self.call("GET", path, params={"limit": 100})["task_instances"])

    def task_log(self, run_id: str, task_id: str, try_number: int = 1, map_index: int = -1) -> str:
        """The log of one try of a task as text, one line for each event, details included."""
        path = f"/dags/{DAG_ID}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}/logs/{try_number}"
        content = self.call("GET", path, params={"map_index": map_index, "full_content": "true"})["content"]
        return "\n".join(str(line) for line in content)

    def xcom(self, run_id: str, task_id: str, map_index: int = -1) -> Any:
        """What a task returned."""
        path = (
            f"/dags/{DAG_ID}/dagRuns/{quote(run_id, safe='')}/taskInstances/{task_id}"
            "/xcomEntries/return_value"
        )
        return self.call("GET", path, params={"map_index": map_index, "deserialize": "true"})["value"]

    def wait_for_runs(
        self,
        run_ids: Sequence[str],
        timeout: float,
        progress: Progress | None = None,
        interval: float = 2.0,
    ) -> list[RunState]:
        """Wait until runs have ended; their last states, in the order asked for.

        Args:
            run_ids: The runs.
            timeout: Seconds until giving up; what is unfinished then is returned as it is.
            progress: Told of each change of a run's or a task's state, in Chinese.
            interval: Seconds between two looks.
        """
        told: set[str] = set()
        deadline = time.monotonic() + timeout
        while True:
            states = [self.run(run_id) for run_id in run_ids]
            if progress:
                self._tell(states, told, progress)
            if all(state.finished for state in states) or time.monotonic() > deadline:
                return states
            time.sleep(interval)

    def _tell(self, states: Sequence[RunState], told: set[str], progress: Progress) -> None:
        for run in states:
            if f"{run.run_id} done" in told:
                continue
            for entry in sorted(self.task_states(run.run_id), key=lambda task: task["start_date"] or ""):
                if entry["state"] in ("success", "failed", "up_for_retry", "skipped"):
                    name = entry.get("rendered_map_index") or ""
                    title = f"{entry['task_display_name']}{f'（{name}）' if name else ''}"
                    _once(told, progress, f"{run.year or run.run_id} {title}：{_STATE_NAMES[entry['state']]}")
            if run.finished:
                _once(told, progress, f"{run.year or run.run_id} 年度执行：{_STATE_NAMES[run.state]}")
                told.add(f"{run.run_id} done")

    def _send(self, method: str, path: str, json: Any, params: Mapping[str, Any] | None) -> requests.Response:
        try:
            return self._session.request(
                method, f"{self._url}/api/v2{path}", json=json, params=params, timeout=_TIMEOUT
            )
        except requests.RequestException as error:
            raise Unreachable(f"连不上 Airflow({self._url}):{type(error).__name__}") from error

    def _log_in(self) -> str:
        try:
            answer = self._session.post(f"{self._url}/auth/token", json=self._login, timeout=_TIMEOUT)
        except requests.RequestException as error:
            raise Unreachable(f"连不上 Airflow({self._url}):{type(error).__name__}") from error
        if not answer.ok:
            raise RefusedByAirflow(answer.status_code, f"Airflow 不接受用户 {self._login['username']} 的登录")
        token = str(answer.json()["access_token"])
        self._session.headers["Authorization"] = f"Bearer {token}"
        return token


_STATE_NAMES = {"success": "完成", "failed": "失败", "up_for_retry": "稍后重试", "skipped": "跳过"}


def _once(told: set[str], progress: Progress, line: str) -> None:
    if line not in told:
        told.add(line)
        progress(line)


def _run(entry: Mapping[str, Any]) -> RunState:
    return RunState(
        run_id=entry["dag_run_id"],
        year=entry["partition_key"],
        state=entry["state"],
        run_type=entry["run_type"],
    )
