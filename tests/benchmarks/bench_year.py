"""What whole nights cost, and how that grows: a synthetic city's or province's year from files to confirmed results (合成数据).

Measured for each size through the same functions that the DAG calls, each call in a process of its own as a worker runs a
task: the year's collecting and reading once, validating (with Great Expectations) and scoring region by region, publishing
with read-back to a sandbox platform, a night in which nothing is new, and a night in which one unit in a hundred resubmits
(several years are ``bench_backfill.py``). Of each: seconds, CPU seconds of that process, its peak memory. Importing is
nobody's cost: the process is forked from one that has imported all. A province is dealt into regions of about
``REGION_UNITS`` units.

Baselines in the same run: pandas reading the same tables and adding them up by indicator (no addresses, no findings, no
history), and one SQL statement that sums the stored values. The growth exponent compares the CPU seconds of the two
largest sizes: 1 is linear.

Quick by default (3 and 6 units). ``FAZHI_BENCH=city``: 17 and 67 units, the size of Baotou. ``FAZHI_BENCH=province``: 67, 600
and 2,000 units. ``FAZHI_BENCH=full``: 67, 600 and 6,000 units; most of an hour, and some gigabytes of disk.
``--units 67,600`` chooses otherwise. ``--json FILE`` keeps the numbers for ``write_performance.py``, after each size. Exit
status 1 when the night without news is no cheaper than the full year, or when a quiet night pushes anything.
"""

import argparse
import json
import math
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import pandas
from sqlalchemy import func, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_publishing import platform
from fazhi import pipeline
from fazhi.registry import Registry, load_registry
from fazhi.settings import Settings
from fazhi.store import open_store, read
from fazhi.store.tables import receipt, value
from fazhi.synth import synthesise
from fazhi.synth.city import write_enlarged_registry
from fazhi.synth.folder import CSV_COLUMNS
from fazhi.synth.synthesise import REGISTRY_FOLDER, SUBMISSIONS_FOLDER
from fazhi.systems import Editions, load_editions
from support.final import resubmit
from support.publish import APP_ID, SECRET

ROOT = Path(__file__).resolve().parents[2]
A_CITY = 67
"""A handful of units is mostly set-up, in a quiet night as in a full one."""
SIZES = {"": (3, 6), "city": (17, 67), "province": (67, 600, 2_000), "full": (67, 600, 6_000)}
EXTRAPOLATED = 170_000
REGION_UNITS = 500
"""Units of a region: 6,000 of a province in its twelve leagues and cities."""

STEPS = ("collect", "intake", "validate", "score")


@dataclass(frozen=True)
class Spent:
    """What a step took: seconds, CPU seconds, and the peak memory of the largest process in MiB."""

    seconds: float
    cpu: float
    mib: float

    @classmethod
    def together(cls, parts: Sequence["Spent"]) -> "Spent":
        """What steps one after another took."""
        return cls(
            sum(one.seconds for one in parts),
            sum(one.cpu for one in parts),
            max((one.mib for one in parts), default=0.0),
        )


def apart(work: Callable[[], Any]) -> tuple[Any, Spent]:
    """Do something in a process of its own: what it gives, and what it took.

    Raises:
        RuntimeError: The process ended without an answer; it has said why on standard error.
    """
    fork = multiprocessing.get_context("fork")
    hears, tells = fork.Pipe(duplex=False)
    process = fork.Process(target=_tell, args=(work, tells))
    process.start()
    tells.close()
    try:
        told: tuple[Any, Spent] = hears.recv()
    except EOFError:
        raise RuntimeError("a measured step failed") from None
    finally:
        process.join()
    return told


def _tell(work: Callable[[], Any], tells: Any) -> None:
    cpu, begun = time.process_time(), time.perf_counter()
    given = work()
    seconds, used = time.perf_counter() - begun, time.process_time() - cpu
    tells.send((given, Spent(seconds, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)))


def spent_on(*calls: Callable[[], Any]) -> Spent:
    """What calls take together, each in a process of its own."""
    return Spent.together([apart(one)[1] for one in calls])


def regions_of(units: int) -> int:
    """Into how many regions a province of so many units falls."""
    return max(1, round(units / REGION_UNITS))


def write_years(home: Path, units: int, years: Sequence[int], regions: int) -> None:
    """Write the submissions of some years to ``inbox`` in a folder, as many years at once as there are processors.

    Each year by itself: nothing is planted that only a comparison with another year would find.
    """
    plain = Settings.load(environ={})
    editions = load_editions(plain.systems_dir)
    registry, inbox = load_registry(plain.registry_dir, editions), home / "inbox"
    known = len(registry.scored_units(years[-1], pipeline.now_in_shanghai().date()))
    if units > known:
        folder = inbox / REGISTRY_FOLDER
        write_enlarged_registry(plain.registry_dir, folder, registry, editions, years, units - known, regions)
        registry = load_registry(folder, editions)
    write = partial(_write_year, home, registry, editions, None if units > known else units)
    # apart: what synthesis remembers is not the memory of the steps that are measured
    with multiprocessing.get_context("fork").Pool(min(len(years), os.cpu_count() or 1)) as writers:
        written = writers.map(write, years, chunksize=1)
    (inbox / SUBMISSIONS_FOLDER).mkdir(parents=True)
    for of_year in written:
        for submission in of_year.iterdir():
            submission.rename(inbox / SUBMISSIONS_FOLDER / submission.name)
    shutil.rmtree(home / "years")


def _write_year(home: Path, registry: Registry, editions: Editions, units: int | None, year: int) -> Path:
    made = synthesise(
        registry,
        editions,
        years=(year,),
        units=units,
        seed=7,
        out=home / "years" / str(year),
        faults_rate=Fraction("0.005"),
        today=pipeline.now_in_shanghai().date(),
    )
    return made.inbox


@dataclass
class City:
    """A synthetic city and its store in a folder."""

    home: Path
    year: int
    settings: Settings

    @classmethod
    def written(
        cls, home: Path, units: int, years: int, platform_url: str, store_url: str = "", regions: int = 0
    ) -> "City":
        """Submissions of some years, the last one the year before this."""
        this_year = pipeline.now_in_shanghai().year
        write_years(home, units, range(this_year - years, this_year), regions or regions_of(units))
        return cls.at(home, platform_url, store_url)

    @classmethod
    def at(cls, home: Path, platform_url: str, store_url: str = "") -> "City":
        """What was written to a folder earlier."""
        made_up = home / "inbox" / REGISTRY_FOLDER  # there when the registry has too few units
        environment = {
            "FAZHI_STORE_URL": store_url or f"sqlite:///{home / 'fazhi.db'}",
            "FAZHI_RAW_URL": str(home / "raw"),
            "FAZHI_INBOX": str(home / "inbox"),
            "FAZHI_REPORTS_DIR": str(home / "reports"),
            "FAZHI_PLATFORM_URL": platform_url,
            "FAZHI_PLATFORM_APP_ID": APP_ID,
            "FAZHI_PLATFORM_SECRET": SECRET,
            **({"FAZHI_REGISTRY_DIR": str(made_up)} if made_up.is_dir() else {}),
        }
        return cls(home, pipeline.now_in_shanghai().year - 1, Settings.load(environ=environment))

    def night(self, year: int, *, push: bool) -> dict[str, Spent]:
        """What each step takes, as the DAG calls them."""
        settings = self.settings
        spent = {
            "collect": spent_on(lambda: pipeline.collect(settings, year)),
            "intake": spent_on(lambda: pipeline.intake(settings, year)),
        }
        regions, listing = apart(lambda: pipeline.region_codes(settings, year))
        spent["regions"] = listing
        spent["validate"] = spent_on(*(partial(pipeline.validate, settings, year, one) for one in regions))
        spent["score"] = spent_on(*(partial(pipeline.score, settings, year, one) for one in regions))
        if push:
            spent["publish"] = spent_on(
                lambda: pipeline.publish(settings, year, True), lambda: pipeline.reconcile(settings, year)
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


def live(home: Path, units: int) -> dict[str, Any]:
    """All measurements of one size; this process only forks and looks on."""
    import great_expectations  # noqa: F401 - its import is nobody's night

    with platform(home / "platform.db") as url:
        city = City.written(home, units, 1, url)
        first, pushed = city.night(city.year, push=True), apart(city.pushed)[0]
        quiet, pushed_again = city.night(city.year, push=True), apart(city.pushed)[0] - pushed
        rows = apart(city.rows)[0]
        baselines = {"pandas": spent_on(city.add_up_with_pandas), "sql": spent_on(city.add_up_with_sql)}
        resubmitted = apart(city.resubmit)[0]
        changed = city.night(city.year, push=True)
    return {
        "units": units,
        "regions": len(apart(lambda: pipeline.region_codes(city.settings, city.year))[0]),
        "rows": rows,
        "first": _plain(first),
        "quiet": _plain(quiet),
        "pushed": pushed,
        "pushed_when_quiet": pushed_again,
        "changed": _plain(changed),
        "resubmitted": resubmitted,
        "baselines": _plain(baselines),
        "store_mib": sum(one.stat().st_size for one in home.glob("fazhi.db*")) / 2**20,
    }


def _plain(spent: dict[str, Spent]) -> dict[str, dict[str, float]]:
    return {name: asdict(one) for name, one in spent.items()}


def measure(units: int) -> dict[str, Any]:
    """All measurements of one size, in a process and a folder of their own."""
    with tempfile.TemporaryDirectory() as home:
        command = [sys.executable, __file__, "--live", home, str(units)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise SystemExit(done.stderr[-3_000:])
    return dict(json.loads(done.stdout.splitlines()[-1]))


def exponent(smaller: float, larger: float, size: float, bigger: float) -> float:
    """By which power of its size a cost grows."""
    return math.log(larger / smaller) / math.log(bigger / size)


def summary(one: dict[str, Any], unit: str = "seconds") -> dict[str, float]:
    """The costs of a size that are compared, in ``seconds`` or ``cpu`` seconds, and MiB."""
    first = one["first"]
    return {
        "full year": sum(first[step][unit] for step in STEPS),
        "  collect": first["collect"][unit],
        "  read": first["intake"][unit],
        "  validate": first["validate"][unit],
        "  score": first["score"][unit],
        "publish": first["publish"][unit],
        "quiet night": sum(step[unit] for step in one["quiet"].values()),
        "1 % new": sum(step[unit] for step in one["changed"].values()),
        "pandas": one["baselines"]["pandas"][unit],
        "SQL": one["baselines"]["sql"][unit],
        "collect MiB": first["collect"]["mib"],
        "read MiB": first["intake"]["mib"],
        "validate MiB": first["validate"]["mib"],
        "score MiB": first["score"]["mib"],
        "publish MiB": first["publish"]["mib"],
        "store MiB": one["store_mib"],
    }


def table(measured: Sequence[dict[str, Any]]) -> str:
    """CPU seconds (and seconds) of each size, with the exponent between the two largest."""
    costs = [summary(one, "cpu") for one in measured]
    walls = [summary(one) for one in measured]
    lines = [
        f"{'':<14}" + "".join(f"{one['units']:>14,} units" for one in measured) + f"{'exponent':>12}",
        *(f"{name:<14}" + "".join(f"{one[name]:>20,}" for one in measured) for name in ("regions", "rows")),
    ]
    for name in costs[0]:
        cells = (
            f"{cost[name]:>20.1f}" if "MiB" in name else f"{cost[name]:>11.2f} ({wall[name]:6.2f})"
            for cost, wall in zip(costs, walls, strict=True)
        )
        power = ""
        if len(costs) > 1:
            power = f"{exponent(costs[-2][name], costs[-1][name], measured[-2]['units'], measured[-1]['units']):.2f}"
        lines.append(f"{name:<14}" + "".join(cells) + f"{power:>12}")
    return "\n".join(lines)


def main() -> int:
    """Print the table; 1 when a promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--units", help="other sizes, with commas between them")
    parser.add_argument("--live", nargs=2, metavar=("HOME", "UNITS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.live:
        print(json.dumps(live(Path(options.live[0]), int(options.live[1]))))
        return 0
    tier = os.environ.get("FAZHI_BENCH", "")
    tier = tier if tier in SIZES else ""
    sizes = [int(one) for one in options.units.split(",")] if options.units else SIZES[tier]
    measured = []
    for units in sizes:
        measured.append(measure(units))
        if options.json:
            options.json.write_text(json.dumps({"tier": tier, "sizes": measured}), encoding="utf-8")
    print("CPU seconds (seconds)")
    print(table(measured))
    costs = [summary(one, "cpu") for one in measured if one["units"] >= A_CITY]
    held = all(cost["quiet night"] < cost["full year"] for cost in costs)
    held = held and all(one["pushed"] and not one["pushed_when_quiet"] for one in measured)
    print(
        "aim: a night without news pushes nothing, and from a city on costs less than the full year:"
        f" {'held' if held else 'MISSED'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
