"""How much faster several workers judge and score a year, as Celery deals its regions out (合成数据).

A synthetic province is collected and read once into a PostgreSQL of its own; then one, two and four worker processes validate all
its regions (with Great Expectations) and score them, one step after the other as the DAG does it, each time on a copy of that store.
Baseline: one worker. Writers wait for one another, and machine and server are shared, so the cores are what can be gained.
All ways have to leave the same results.

``--units`` and ``--regions`` choose the size, ``--json FILE`` keeps the numbers for ``write_performance.py``. Part of
``make performance``, not of ``make bench``. Exit status 1 when results differ, 2 where there is no PostgreSQL.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_year import City, apart
from fazhi import pipeline
from fazhi.settings import Settings
from fazhi.store import open_store, read
from fazhi.store.tables import result
from support.postgres import Cluster, running_cluster, why_not

WORKERS = (1, 2, 4)


def seconds_with(workers: int, settings: Settings, year: int, regions: list[str]) -> float:
    """How long so many processes take for all regions: nothing is scored before all of them are validated."""
    begun = time.perf_counter()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        for step in (pipeline.validate, pipeline.score):
            list(pool.map(partial(step, settings, year), regions))
    return time.perf_counter() - begun


def results_of(settings: Settings) -> list[tuple[str, str]]:
    """Unit and digest of every result."""
    with read(open_store(settings.store_url)) as connection:
        rows = connection.execute(select(result.c.unit_code, result.c.content_digest))
        return sorted((row.unit_code, row.content_digest) for row in rows)


def measure(cluster: Cluster, home: Path, units: int, regions: int) -> dict[str, Any]:
    """Seconds by workers, and whether all left the same."""
    import great_expectations  # noqa: F401 - its import is nobody's work

    read_name = cluster.create(cluster.template)
    city = City.written(home, units, 1, "", store_url=cluster.url(read_name), regions=regions)
    apart(lambda: pipeline.collect(city.settings, city.year))
    apart(lambda: pipeline.intake(city.settings, city.year))
    values, codes = apart(city.rows)[0], apart(lambda: pipeline.region_codes(city.settings, city.year))[0]
    seconds, left = {}, []
    for workers in WORKERS:
        settings = replace(city.settings, store_url=cluster.url(cluster.create(read_name)))
        seconds[workers] = seconds_with(workers, settings, city.year, list(codes))
        left.append(apart(partial(results_of, settings))[0])
    return {
        "units": units,
        "regions": len(codes),
        "values": values,
        "cores": os.cpu_count(),
        "seconds": seconds,
        "same": bool(left[0]) and all(one == left[0] for one in left),
    }


def main() -> int:
    """Print the table; 1 when the ways leave different results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int, default=400)
    parser.add_argument("--regions", type=int, default=8)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if reason := why_not():
        print(reason)
        return 2
    with running_cluster() as cluster, tempfile.TemporaryDirectory() as home:
        measured = measure(cluster, Path(home), options.units, options.regions)
    print(f"{measured['units']} units in {measured['regions']} regions, {measured['values']:,} values")
    for workers, seconds in measured["seconds"].items():
        print(f"{workers} workers {seconds:>8.1f} s {measured['seconds'][1] / seconds:>6.2f} times one")
    print(f"same results: {'yes' if measured['same'] else 'NO'}")
    if options.json:
        options.json.write_text(json.dumps(measured), encoding="utf-8")
    return 0 if measured["same"] else 1


if __name__ == "__main__":
    sys.exit(main())
