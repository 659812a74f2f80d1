"""What the backfill of some years costs, year after year as Airflow starts them: a synthetic province (合成数据).

The steps are those of ``bench_year.py``, each in a process of its own: collecting and reading once a year, validating (with
Great Expectations) and scoring region by region; nothing is pushed. Of each year: seconds, CPU seconds, peak memory; and
the last year against the first, which has the same submissions but a store with nothing in it.

Quick by default (6 units, two years); ``FAZHI_BENCH=full`` is a province of 6,000 units and five years: more than an hour.
``--units`` and ``--years`` choose otherwise. ``--home DIR`` keeps everything there and goes on where an earlier call was
stopped: a step that was stopped half way is done again and its year marked, for it finds a part of its work done.
``--json FILE`` keeps the numbers for ``write_performance.py``. Exit status 1 when the last year costs more than twice the
first: a store that fills slows the backfill down.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_year import City, Spent, apart
from fazhi import pipeline

SIZES = {"": (6, 2), "city": (67, 5), "province": (600, 5), "full": (6_000, 5)}
"""Units and years of each tier."""
AIM = 2.0
"""The last year against the first, at most."""


class Journal:
    """What was done, a line each, so that a backfill can go on where it was stopped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        told = [json.loads(line) for line in lines]
        self._done = {one["what"]: one["gave"] for one in told if "gave" in one}
        begun = [one["what"] for one in told if "gave" not in one]
        self.stopped = {what for what in begun if what not in self._done or begun.count(what) > 1}
        """What was begun and stopped half way."""

    def once(self, what: str, work: Callable[[], Any]) -> Any:
        """What some work gives, done now unless an earlier call has done it."""
        if what not in self._done:
            self._tell({"what": what})
            self._done[what] = work()
            self._tell({"what": what, "gave": self._done[what]})
        return self._done[what]

    def _tell(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as journal:
            journal.write(json.dumps(line) + "\n")


def backfill(home: Path, units: int, years: int) -> dict[str, Any]:
    """Measure a backfill in a folder, going on where an earlier call was stopped."""
    import great_expectations  # noqa: F401 - its import is nobody's year

    journal = Journal(home / "journal.jsonl")
    journal.once("written", lambda: City.written(home, units, years, "").year)
    city = City.at(home, "")
    of_years = {year: _year(journal, city, year) for year in range(city.year - years + 1, city.year + 1)}
    return {
        "units": units,
        "years": years,
        "by_year": {str(year): asdict(spent) for year, spent in of_years.items()},
        "stopped": sorted({what.partition(" ")[0] for what in journal.stopped}),
        "rows": apart(city.rows)[0],
        "store_mib": sum(one.stat().st_size for one in home.glob("fazhi.db*")) / 2**20,
    }


def _year(journal: Journal, city: City, year: int) -> Spent:
    """What a year takes."""

    def step(name: str, work: Callable[[], Any]) -> Spent:
        return Spent(**journal.once(f"{year} {name}", lambda: asdict(apart(work)[1])))

    settings = city.settings
    spent = [
        step("collect", lambda: pipeline.collect(settings, year)),
        step("intake", lambda: pipeline.intake(settings, year)),
    ]
    regions = journal.once(
        f"{year} regions", lambda: apart(lambda: list(pipeline.region_codes(settings, year)))[0]
    )
    for name, work in (("validate", pipeline.validate), ("score", pipeline.score)):
        spent += [step(f"{name} {one}", partial(work, settings, year, one)) for one in regions]
    return Spent.together(spent)


def table(measured: dict[str, Any]) -> str:
    """The years, the first one first."""
    lines = [f"{'year':>6}{'CPU seconds':>13}{'seconds':>10}{'memory':>12}"]
    for year, spent in measured["by_year"].items():
        lines.append(f"{year:>6}{spent['cpu']:>13.1f}{spent['seconds']:>10.1f}{spent['mib']:>8.0f} MiB")
    together = Spent.together([Spent(**one) for one in measured["by_year"].values()])
    lines.append(f"{'all':>6}{together.cpu:>13.1f}{together.seconds:>10.1f}{together.mib:>8.0f} MiB")
    return "\n".join(lines)


@contextmanager
def folder(given: Path | None) -> Iterator[Path]:
    """A folder to keep, or one for the time being."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
    else:
        with tempfile.TemporaryDirectory() as made:
            yield Path(made)


def main() -> int:
    """Print the table; 1 when the promise is broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--units", type=int)
    parser.add_argument("--years", type=int)
    parser.add_argument("--home", type=Path, help="keep everything here and go on where it was stopped")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    units, years = SIZES.get(os.environ.get("FAZHI_BENCH", ""), SIZES[""])
    with folder(options.home) as home:
        measured = backfill(home, options.units or units, options.years or years)
    if options.json:
        options.json.write_text(json.dumps(measured), encoding="utf-8")
    print(f"{measured['units']:,} units, {measured['rows']:,} rows in the last year")
    print(table(measured))
    for year in measured["stopped"]:
        print(f"{year}: was stopped half way and went on; its cost is a lower bound")
    first, *_, last = (one["cpu"] for one in measured["by_year"].values())
    held = last <= AIM * first
    print(
        f"aim: the last year at most {AIM:g} times the first: {last / first:.2f}: {'held' if held else 'MISSED'}"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
