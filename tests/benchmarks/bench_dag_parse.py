"""What a DAG file costs to parse: CPU seconds beside importing Airflow alone, and beside importing pandas.

Baseline: Airflow with what every DAG imports of it, in the same process. Promise: below 0.2 s of CPU for
each DAG file, without pandas and Great Expectations; the best of a few rounds. Exit status 1 when the promise is broken.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PROMISED = 0.2
ROUNDS = 3

MEASURE = """
import json, os, sys, time
sys.path[:0] = [{plugins!r}, {dags!r}]
begin = time.process_time()
from airflow.sdk import dag, task, Asset, Param
from airflow.timetables.trigger import CronPartitionTimetable
from airflow.plugins_manager import AirflowPlugin
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.decorators.python import python_task
from airflow.providers.standard.operators.python import PythonOperator
alone = time.process_time() - begin

def parse(file):
    begin = time.process_time()
    bag = DagBag(file)
    spent = time.process_time() - begin
    assert bag.dags and not bag.import_errors, bag.import_errors
    print(json.dumps([file, alone, spent, sorted({{"pandas", "great_expectations"}} & set(sys.modules))]), flush=True)

for file in {files!r}:
    # forked like a parsing process of Airflow: no file finds the modules that another has imported
    if child := os.fork():
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, file
    else:
        parse(file)
        os._exit(0)
"""


class Parsed(NamedTuple):
    """CPU seconds for Airflow alone and for the DAG file, the best of the rounds; forbidden imports."""

    airflow: float
    parse: float
    forbidden: list[str]


def measure(files: Sequence[Path]) -> dict[str, Parsed]:
    """What each DAG file costs."""
    code = MEASURE.format(
        plugins=str(ROOT / "plugins"), dags=str(ROOT / "dags"), files=[str(file) for file in files]
    )
    best: dict[str, Parsed] = {}
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
            # Airflow logs to the same place
            for file, *told in (
                json.loads(line) for line in done.stdout.splitlines() if line.startswith('["')
            ):
                now, so_far = Parsed(*told), best.get(file, Parsed(*told))
                best[file] = Parsed(
                    min(now.airflow, so_far.airflow), min(now.parse, so_far.parse), now.forbidden
                )
    return best


def main() -> int:
    """Print the table; the exit status."""
    kept = True
    print(f"{'DAG file':<24}{'Airflow alone':>16}{'parse':>10}{'ratio':>8}   forbidden imports")
    for file, (airflow, parse, forbidden) in measure(sorted((ROOT / "dags").glob("*.py"))).items():
        kept = kept and parse < PROMISED and not forbidden
        print(
            f"{Path(file).name:<24}{airflow:>14.2f} s{parse:>8.3f} s{parse / airflow:>8.3f}   {forbidden or 'none'}"
        )
    print(f"promise: below {PROMISED} s of CPU each: {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
