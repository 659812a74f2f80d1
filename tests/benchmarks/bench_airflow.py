"""What Airflow adds to the work itself: a city's year through a real scheduler, beside the same functions in one process.

The same submissions (合成数据), each time into an empty store with an empty platform: once as a run of the DAG that is triggered
over the REST API and pushes, once the DAG's functions one after the other. Of the run: wall seconds from trigger to end as
Airflow keeps them, seconds in tasks (each task starts a process and imports anew), seconds between tasks. Seconds here, not
CPU seconds: what waits is what is measured. Quick: 6 units; ``FAZHI_BENCH=city`` or ``full``: 67, a city. ``--json FILE`` keeps
the numbers. Exit status 1 when the run fails, or when the two ways do not score the same number of units.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fazhi import pipeline
from fazhi.registry import load_registry
from fazhi.settings import Settings
from fazhi.systems import load_editions
from support.airflow_city import PUSH, AirflowCity, airflow_city, sandbox

UNITS = {"": 6, "city": 67, "full": 67}
TIMEOUT = 900


def by_airflow(city: AirflowCity, year: int) -> dict[str, Any]:
    """Seconds of a run as Airflow keeps them, and of each of its tasks."""
    run_id = city.api.trigger_run(year, PUSH)
    (state,) = city.api.wait_for_runs([run_id], TIMEOUT)
    run = city.api.call("GET", f"/dags/assessment/dagRuns/{run_id}")
    tasks = city.api.task_states(run_id)
    return {
        "state": state.state,
        "seconds": _between(run["queued_at"], run["end_date"]),
        "tasks": {
            f"{one['task_id']}[{one['map_index']}]": _between(one["start_date"], one["end_date"])
            for one in tasks
        },
        "scored": city.scored_units(year),
    }


def _between(begun: str, ended: str) -> float:
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def by_functions(environment: Mapping[str, str], year: int) -> dict[str, Any]:
    """Seconds of each of the DAG's functions in this process, and how many units are scored."""
    settings = Settings.load(environ=dict(environment))
    spent: dict[str, float] = {}
    scored = 0

    def timed(name: str, work: Any, *arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        given = work(settings, *arguments, **named)
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - begun
        return given

    for source in pipeline.source_names(settings):
        timed("collect", pipeline.collect, year, source)
    timed("intake", pipeline.intake, year)
    regions = timed("regions", pipeline.region_codes, year)
    for region in regions:
        timed("validate", pipeline.validate, year, region)
    for region in regions:
        scored += timed("score", pipeline.score, year, region)["scored"]
    timed("publish", pipeline.publish, year, True)
    timed("reconcile", pipeline.reconcile, year)
    timed("report", pipeline.report, year, "bench")
    timed("report_back", pipeline.report_back, year, tell=False)
    return {"seconds": sum(spent.values()), "steps": spent, "scored": scored}


def measure(home: Path, units: int, year: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both ways, one after the other, on the same submissions."""
    import great_expectations  # noqa: F401 - its import is nobody's work

    plain = Settings.load(environ={})
    editions = load_editions(plain.systems_dir)
    registry = load_registry(plain.registry_dir, editions)
    years = range(year, year + 1)
    with airflow_city(
        home / "airflow", registry, editions, units=units, years=years, faults="0.005", portal=False
    ) as city:
        scheduled = by_airflow(city, year)
    alone = home / "alone"
    alone.mkdir()
    with sandbox(alone, home / "airflow" / "at_portal") as outside:
        environment = {
            **outside,
            "FAZHI_STORE_URL": f"sqlite:///{alone / 'fazhi.db'}",
            "FAZHI_RAW_URL": str(alone / "raw"),
            "FAZHI_INBOX": str(home / "airflow" / "inbox"),
            "FAZHI_REPORTS_DIR": str(alone / "reports"),
        }
        return scheduled, by_functions(environment, year)


def main() -> int:
    """Print the two; 1 when they do not come to the same."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    units = UNITS.get(os.environ.get("FAZHI_BENCH", ""), UNITS[""])
    year = pipeline.now_in_shanghai().year - 1
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "airflow").mkdir()
        scheduled, alone = measure(home, units, year)
    tasks = scheduled["tasks"]
    in_tasks, added = sum(tasks.values()), scheduled["seconds"] - alone["seconds"]
    loads = [load, os.getloadavg()[0]]
    print(
        f"{units} units, one year, {len(tasks)} tasks, seconds; load {loads[0]:.1f} before, {loads[1]:.1f} after"
    )
    print(f"functions in one process   {alone['seconds']:8.1f}")
    print(f"run of the DAG             {scheduled['seconds']:8.1f}   in tasks {in_tasks:.1f}")
    print(f"Airflow adds               {added:8.1f}   {added / len(tasks):.2f} a task")
    if options.json:
        kept = {"units": units, "year": year, "load": loads, "airflow": scheduled, "functions": alone}
        options.json.write_text(json.dumps(kept), encoding="utf-8")
    agreed = scheduled["state"] == "success" and scheduled["scored"] == alone["scored"] > 0
    print(f"both score the same number of units: {'yes' if agreed else 'NO'} ({alone['scored']})")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
