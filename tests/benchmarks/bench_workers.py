"""What more workers bring: a province's regions judged and scored by 1, 2 and 4 processes at once, on PostgreSQL (合成数据).

Each process does what a Celery worker does with a mapped task: one region's validation, then one region's scoring. Each
number of workers starts from a copy of the same database, read in but not judged. Needs PostgreSQL's binaries; without them
it says so and measures nothing. More workers than cores bring nothing but memory: the number of cores is printed.
Quick: 24 units beside the registry's in four regions; ``FAZHI_BENCH=full`` 2,000. ``--units`` chooses; ``--json FILE`` keeps the
numbers.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_year import City, Spent, apart
from fazhi import pipeline
from support.postgres import Cluster, running_cluster, why_not

WORKERS = (1, 2, 4)
REGIONS = 4
UNITS = {"": 103, "full": 2_000}


def at_once(calls: Sequence[Callable[[], Any]], workers: int) -> list[Spent]:
    """What calls took, so many of them at a time, each in a process of its own."""
    with ThreadPoolExecutor(workers) as pool:
        return [spent for _, spent in pool.map(apart, calls)]


def measure(cluster: Cluster, city: City, template: str, workers: int) -> dict[str, float]:
    """Seconds until all regions are judged and scored, and the processes' own seconds and memory."""
    url = cluster.url(cluster.create(template))
    settings = replace(city.settings, store_url=url)
    regions = apart(lambda: pipeline.region_codes(settings, city.year))[0]
    begun, parts = time.perf_counter(), []
    for step in (pipeline.validate, pipeline.score):
        parts += at_once([partial(step, settings, city.year, one) for one in regions], workers)
    seconds, spent = time.perf_counter() - begun, Spent.together(parts)
    cluster.drop(url)
    return {
        "workers": workers,
        "regions": len(regions),
        "seconds": seconds,
        "cpu": spent.cpu,
        "mib": spent.mib,
    }


def main() -> int:
    """Print the table; always 0: what is gained depends on the machine's cores."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--units", type=int)
    options = parser.parse_args()
    if why_not():
        print(why_not())
        return 0
    import great_expectations  # noqa: F401 - its import is nobody's night

    units = options.units or UNITS.get(os.environ.get("FAZHI_BENCH", ""), UNITS[""])
    with tempfile.TemporaryDirectory() as home, running_cluster() as cluster:
        url = cluster.fresh()
        city = City.written(Path(home), units, 1, "", store_url=url, regions=REGIONS)
        for step in (pipeline.collect, pipeline.intake):
            apart(partial(step, city.settings, city.year))
        template = url.partition("?")[0].rpartition("/")[2]
        measured = [measure(cluster, city, template, workers) for workers in WORKERS]
    print(f"{units:,} units in {measured[0]['regions']} regions, PostgreSQL, {os.cpu_count()} cores")
    print(f"{'workers':<10}{'seconds':>10}{'gain':>8}{'CPU of workers':>16}{'MiB each':>10}")
    for one in measured:
        gain = measured[0]["seconds"] / one["seconds"]
        print(
            f"{one['workers']:<10}{one['seconds']:>10.1f}{gain:>8.2f}{one['cpu']:>16.1f}{one['mib']:>10.0f}"
        )
    if options.json:
        kept = {"units": units, "cores": os.cpu_count(), "load": os.getloadavg()[0], "measured": measured}
        options.json.write_text(json.dumps(kept), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
