"""What a DAG file costs to parse: CPU seconds beside importing Airflow alone, and beside importing pandas.

Baseline: Airflow with what every DAG imports of it, in the same process. Promise: below 0.2 s of CPU for
each DAG file, without pandas and Great Expectations. Exit status 1 when the promise is broken.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMISED = 0.2
ROUNDS = 5

MEASURE = """
import json, sys, time
sys.path[:0] = [{plugins!r}, {dags!r}]
begin = time.process_time()
from airflow.sdk import dag, task, Asset, Param
from airflow.timetables.trigger import CronPartitionTimetable
from airflow.plugins_manager import AirflowPlugin
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.decorators.python import python_task
from airflow.providers.standard.operators.python import PythonOperator
middle = time.process_time()
bag = DagBag({file!r})
end = time.process_time()
assert bag.dags and not bag.import_errors, bag.import_errors
print(json.dumps([middle - begin, end - middle, sorted({{"pandas", "great_expectations"}} &
set(sys.modules))]))
"""


def measure(file: Path) -> tuple[float, float, list[str]]:
    """CPU seconds for Airflow alone and for the DAG file, the best of some rounds; forbidden imports."""
    code = MEASURE.format(plugins=str(ROOT / "plugins"), dags=str(ROOT / "dags"), file=str(file))
    best = (float("inf"), float("inf"))
    forbidden: list[str] = []
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        }
        for _ in range(ROUNDS):
            done = subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
            )
            airflow, parse, forbidden = json.loads(done.stdout.splitlines()[-1])
            best = min(best[0], airflow), min(best[1], parse)
    return *best, forbidden


def main() -> int:
    """Print the table; the exit status."""
    kept = True
    print(f"{'DAG file':<24}{'Airflow alone':>16}{'parse':>10}{'ratio':>8}   forbidden imports")
    for file in sorted((ROOT / "dags").glob("*.py")):
        airflow, parse, forbidden = measure(file)
        kept = kept and parse < PROMISED and not forbidden
        print(
            f"{file.name:<24}{airflow:>14.2f} s{parse:>8.3f} s{parse / airflow:>8.3f}   {forbidden or 'none'}"
        )
    print(f"promise: below {PROMISED} s of CPU each: {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
