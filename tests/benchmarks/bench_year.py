"""What whole nights cost, and how that grows: a synthetic city's year from files to confirmed results (合成数据).

Measured for each size, in a process of its own, through the same functions that the DAG calls: the full year (collect,
read, validate with Great Expectations, score), publishing with read-back to a sandbox platform in another process, a
night in which nothing is new, a night in which one unit in a hundred resubmits, and the backfill of five years. Peak
memory is the process's. Baselines in the same run: pandas reading the same tables and adding them up by indicator (no
addresses, no findings, no history), and one SQL statement that sums the stored values. The growth exponent compares the
two largest sizes: 1 is linear.

Quick by default (3 and 6 units, two years). ``FAZHI_BENCH=city``: 17 and 67 units, the size of Baotou, five years.
``FAZHI_BENCH=full``: 67, 600 and 6,000 units; hours, and some ten gigabytes of disk. ``--json FILE`` keeps the numbers for
``write_performance.py``. Exit status 1 when the night without news is no cheaper than the full year, or when a quiet night
pushes anything.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_publishing import platform
from fazhi import pipeline
from fazhi.registry import load_registry
from fazhi.settings import Settings
from fazhi.store import open_store, read
from fazhi.store.tables import receipt, value
from fazhi.synth import synthesise
from fazhi.synth.folder import CSV_COLUMNS
from fazhi.systems import load_editions
from support.final import resubmit
from support.publish import APP_ID, SECRET

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"": (3, 6), "city": (17, 67), "full": (67, 600, 6_000)}
YEARS = {"": 2, "city": 5, "full": 5}
EXTRAPOLATED = 170_000

STEPS = ("collect", "intake", "validate", "score")


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@dataclass
class City:
    """A synthetic city and its store in a folder."""

    home: Path
    year: int
    settings: Settings

    @classmethod
    def written(cls, home: Path, units: int, years: int, platform_url: str) -> "City":
        """Submissions of some years, the last one the year before this."""
        now, plain = pipeline.now_in_shanghai(), Settings.load(environ={})
        editions = load_editions(plain.systems_dir)
        synthesise(
            load_registry(plain.registry_dir, editions),
            editions,
            years=range(now.year - years, now.year),
            units=units,
            seed=7,
            out=home / "inbox",
            faults_rate=Fraction("0.005"),
            workbooks=False,
            today=now.date(),
            registry_dir=plain.registry_dir,
        )
        made_up = home / "inbox" / "registry"  # there when the registry has too few units
        environment = {
            "FAZHI_STORE_URL": f"sqlite:///{home / 'fazhi.db'}",
            "FAZHI_RAW_URL": str(home / "raw"),
            "FAZHI_INBOX": str(home / "inbox"),
            "FAZHI_REPORTS_DIR": str(home / "reports"),
            "FAZHI_PLATFORM_URL": platform_url,
            "FAZHI_PLATFORM_APP_ID": APP_ID,
            "FAZHI_PLATFORM_SECRET": SECRET,
            **({"FAZHI_REGISTRY_DIR": str(made_up)} if made_up.is_dir() else {}),
        }
        return cls(home, now.year - 1, Settings.load(environ=environment))

    def night(self, year: int, *, push: bool) -> dict[str, float]:
        """Seconds of each step, as the DAG calls them."""
        settings = self.settings
        spent = {
            "collect": timed(lambda: pipeline.collect(settings, year)),
            "intake": timed(lambda: pipeline.intake(settings, year)),
        }
        regions = pipeline.region_codes(settings, year)
        spent["validate"] = timed(lambda: [pipeline.validate(settings, year, one) for one in regions])
        spent["score"] = timed(lambda: [pipeline.score(settings, year, one) for one in regions])
        if push:
            spent["publish"] = timed(
                lambda: (pipeline.publish(settings, year, True), pipeline.reconcile(settings, year))
            )
        return spent

    def submissions(self) -> Iterator[tuple[Path, dict[str, Any], Path]]:
        """The submissions of the year by units themselves: folder, manifest, table."""
        for manifest in sorted((self.home / "inbox" / "submissions").glob("*/submission.json")):
            about = json.loads(manifest.read_text(encoding="utf-8"))
            table = next(one["name"] for one in about["files"] if one["role"] == "workbook")
            if about["kind"] == "unit" and about["period"].startswith(str(self.year)):
                yield manifest.parent, about, manifest.with_name(table)

    def resubmit(self) -> int:
        """One unit in a hundred sends its last submission again, with a row more; how many did."""
        latest = {
            about["unit_code"]: folder for folder, about, table in self.submissions() if _is_plain(table)
        }
        again = sorted(latest)[: max(1, len(latest) // 100)]
        for code in again:
            # other bytes, so that it is read and judged anew
            resubmit(self.home / "inbox" / "submissions", latest[code], lambda text: text + "\n")
        return len(again)

    def add_up_with_pandas(self) -> None:
        """The sums of the year, straight from the tables."""
        columns = ["indicator_code", "numerator", "denominator", "value"]
        tables = [
            pandas.read_csv(table, dtype=str, encoding="utf-8-sig", usecols=columns)
            for _, _, table in self.submissions()
            if _is_plain(table)
        ]
        whole = pandas.concat(tables)
        numbers = whole[columns[1:]].apply(pandas.to_numeric, errors="coerce")
        numbers.groupby(whole["indicator_code"]).sum()

    def add_up_with_sql(self) -> None:
        """The sums of the year from the store."""
        sums = (func.sum(value.c.numerator_q), func.sum(value.c.denominator_q), func.sum(value.c.amount_q))
        statement = select(value.c.indicator_code, *sums).where(value.c.year == self.year)
        with read(open_store(self.settings.store_url)) as connection:
            connection.execute(statement.group_by(value.c.indicator_code)).all()

    def pushed(self) -> int:
        """How many results the platform has ever accepted."""
        with read(open_store(self.settings.store_url)) as connection:
            return int(connection.scalar(select(func.count()).select_from(receipt)) or 0)

    def rows(self) -> int:
        """How many values of the year are stored."""
        counted = select(func.count()).select_from(value).where(value.c.year == self.year)
        with read(open_store(self.settings.store_url)) as connection:
            return int(connection.scalar(counted) or 0)


def _is_plain(table: Path) -> bool:
    """Whether pandas can read it: the planted faults of whole files are left out of the baseline."""
    try:
        header = table.read_text(encoding="utf-8-sig").partition("\n")[0].strip()
    except UnicodeDecodeError:
        return False
    return header == ",".join(CSV_COLUMNS)


def live(home: Path, units: int, years: int) -> dict[str, Any]:
    """All measurements of one size, in this process."""
    import great_expectations  # noqa: F401 - its import is nobody's night

    with platform(home / "platform.db") as url:
        city = City.written(home, units, years, url)
        first, pushed = city.night(city.year, push=True), city.pushed()
        quiet, pushed_again = city.night(city.year, push=True), city.pushed() - pushed
        rows = city.rows()
        baselines = {"pandas": timed(city.add_up_with_pandas), "sql": timed(city.add_up_with_sql)}
        resubmitted = city.resubmit()
        changed = city.night(city.year, push=True)
        earlier = [city.night(year, push=False) for year in range(city.year - years + 1, city.year)]
    return {
        "units": units,
        "years": years,
        "rows": rows,
        "first": first,
        "quiet": quiet,
        "pushed": pushed,
        "pushed_when_quiet": pushed_again,
        "changed": changed,
        "resubmitted": resubmitted,
        "backfill": sum(sum(spent.values()) for spent in earlier) + sum(first[step] for step in STEPS),
        **baselines,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "store_mib": sum(one.stat().st_size for one in home.glob("fazhi.db*")) / 2**20,
    }


def measure(units: int, years: int) -> dict[str, Any]:
    """All measurements of one size, in a process and a folder of their own."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--live", home, str(units), str(years)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr[-3_000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def exponent(smaller: float, larger: float, size: float, bigger: float) -> float:
    """By which power of its size a cost grows."""
    return math.log(larger / smaller) / math.log(bigger / size)


def summary(one: dict[str, Any]) -> dict[str, float]:
    """The costs of a size that are compared, in seconds and MiB."""
    first = one["first"]
    return {
        "full year": sum(first.values()) - first["publish"],
        "  collect": first["collect"],
        "  read": first["intake"],
        "  validate": first["validate"],
        "  score": first["score"],
        "publish": first["publish"],
        "quiet night": sum(one["quiet"].values()),
        "1 % new": sum(one["changed"].values()),
        "backfill": one["backfill"],
        "pandas": one["pandas"],
        "SQL": one["sql"],
        "memory MiB": one["mib"],
        "store MiB": one["store_mib"],
    }


def main() -> int:
    """Print the table; 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--live", nargs=3, metavar=("HOME", "UNITS", "YEARS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.live:
        print(json.dumps(live(Path(options.live[0]), int(options.live[1]), int(options.live[2]))))
        return 0
    tier = os.environ.get("FAZHI_BENCH", "")
    tier = tier if tier in SIZES else ""
    measured = [measure(units, YEARS[tier]) for units in SIZES[tier]]
    costs = [summary(one) for one in measured]
    print(f"{'':<14}" + "".join(f"{one['units']:>10,} units" for one in measured) + f"{'exponent':>12}")
    print(f"{'rows':<14}" + "".join(f"{one['rows']:>16,}" for one in measured))
    for name in costs[0]:
        power = exponent(costs[-2][name], costs[-1][name], measured[-2]["units"], measured[-1]["units"])
        print(f"{name:<14}" + "".join(f"{cost[name]:>16.2f}" for cost in costs) + f"{power:>12.2f}")
    if options.json:
        options.json.write_text(
            json.dumps({"tier": tier, "sizes": measured, "costs": costs}), encoding="utf-8"
        )
    held = all(cost["quiet night"] < cost["full year"] for cost in costs)
    held = held and all(one["pushed"] and not one["pushed_when_quiet"] for one in measured)
    print(
        f"aim: a night without news costs less than the full year and pushes nothing: {'held' if held else 'MISSED'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
