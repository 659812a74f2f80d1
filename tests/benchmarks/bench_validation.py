"""What validating a year costs: GX on the raw values, the listing and the words, beside SQL written by hand.

Baseline: ``every_violation.sql``, one statement that finds the same violations in a pass over the values, written
without the project's rule definitions; on the same rows in the same process, the faster of two runs, after the
dimensions are loaded and the planner knows all tables. The validation is a store's very first: it loads the
dimensions, and nobody has run ANALYZE for it. Both have to find the same number for every check. Both look for copies
in the tokens of notes and evidence; a first validation takes them, of this year and the year before, which is timed by
itself and counts as part of it, while the SQL by hand finds them there. For comparison also the product's own listing
statement, run alone and rolled back. Aim: at most 3 times the baseline, and the process's memory does not grow with the
rows. SQLite always; PostgreSQL too where FAZHI_TEST_POSTGRES names a database that may
be overwritten. FAZHI_BENCH=full takes 100,000 and 1,000,000 rows, FAZHI_BENCH=soak 10,000,000 as well.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]
from support.emptied import emptied  # noqa: E402 - found beside the benches

SIZES = {"": (1_500, 6_000), "full": (100_000, 1_000_000), "soak": (100_000, 1_000_000, 10_000_000)}
AIM = 3.0
FLAT = 1.5
"""How much more memory the largest size may take than the smallest."""

FILL = """
import json, sys
sys.path[:0] = [{tests!r}]
from fazhi.store import connect, upgrade
from support.bulk import YEAR, fill
from support.validate import EDITIONS

engine = connect({url!r})
upgrade(engine)
print(json.dumps(fill(engine, EDITIONS.for_year(YEAR), {rows}).rows))
"""
MEASURE = """
import json, resource, sys, time
sys.path[:0] = [{tests!r}]
from collections import Counter
from pathlib import Path
from sqlalchemy import text
import great_expectations
from fazhi.store import open_store, read, write
from fazhi.store.statistics import gather_statistics
from fazhi.validate import validate_slice
from fazhi.validate.sql import listing_statement
from fazhi.validate.tokens import load_tokens
from support.bulk import TODAY, YEAR, registry_of
from support.validate import EDITIONS, GX_DIR, REGION, mark_all

class Undone(Exception):
    pass

HERE = {{"year": YEAR, "region": REGION}}
BY_HAND = Path({by_hand!r}).read_text(encoding="utf-8")
engine = open_store({url!r})
edition = EDITIONS.for_year(YEAR)
registry = registry_of(edition, {rows})

def timed(run):
    begin = time.perf_counter()
    result = run()
    return time.perf_counter() - begin, result

def by_hand():
    with read(engine) as connection:
        return Counter(row.check_id for row in connection.execute(text(BY_HAND), HERE))

def listed_again():
    try:
        with write(engine) as connection:
            connection.execute(text(listing_statement()), {{**HERE, "validation_id": None}})
            raise Undone
    except Undone:
        return None

def take_tokens():
    with write(engine) as connection:
        load_tokens(connection, YEAR - 1, YEAR)

tokens, _ = timed(take_tokens)
whole, outcome = timed(
    lambda: validate_slice(engine, edition, registry, YEAR, REGION, today=TODAY, gx_dir=GX_DIR)
)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
mark_all(engine)
with write(engine) as connection:
    gather_statistics(connection, "reported")
    gather_statistics(connection, "judged")
with read(engine) as connection:
    listed = dict(connection.execute(text("SELECT check_id, COUNT(*) FROM finding GROUP BY check_id")).all())
baseline = listing = float("inf")
for _ in range(2):
    seconds, found = timed(by_hand)
    baseline = min(baseline, seconds)
    assert found == listed, (found, listed)
    listing = min(listing, timed(listed_again)[0])
print(json.dumps([sum(listed.values()), tokens, baseline, listing, whole, peak]))
"""


class Measured(NamedTuple):
    """One database at one size; seconds, and KiB of the process that validated."""

    findings: int
    tokens: float
    by_hand: float
    listing: float
    whole: float
    peak: int

    @property
    def ratio(self) -> float:
        """The whole first validation, tokens included, beside the baseline."""
        return (self.tokens + self.whole) / self.by_hand


def measure(url: str, rows: int) -> tuple[int, Measured]:
    """How many rows were written, and what was measured on them in a process of its own."""
    values = {
        "tests": str(ROOT / "tests"),
        "url": url,
        "rows": rows,
        "by_hand": str(Path(__file__).with_name("every_violation.sql")),
    }
    written = json.loads(_python(FILL.format(**values)))
    return written, Measured(*json.loads(_python(MEASURE.format(**values))))


def _python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.splitlines()[-1]


def measure_database(database: str, postgres: str, sizes: Sequence[int]) -> list[Measured]:
    """Measure and print a database at all sizes."""
    all_sizes = []
    for rows in sizes:
        with tempfile.TemporaryDirectory() as folder:
            url = emptied(postgres) if database == "postgresql" else f"sqlite:///{folder}/store.db"
            written, one = measure(url, rows)
        all_sizes.append(one)
        print(
            f"{database:<12}{written:>10,}{one.findings:>10,}{one.tokens:>8.2f} s{one.by_hand:>10.2f} s{one.listing:>10.2f} s"
            f"{one.whole:>10.2f} s{one.ratio:>8.1f}{one.peak / 1024:>8.0f} MiB",
            flush=True,
        )
    return all_sizes


def databases(postgres: str) -> tuple[str, ...]:
    """Which are measured: both where there is a PostgreSQL, or the one that ``--database`` names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    one = parser.parse_args().database
    if one is not None:
        return (one,)
    return ("sqlite", "postgresql") if postgres else ("sqlite",)


def main() -> int:
    """Print the table."""
    bench = os.environ.get("FAZHI_BENCH", "")
    postgres = os.environ.get("FAZHI_TEST_POSTGRES", "")
    held = True
    print(
        f"{'database':<12}{'rows':>10}{'findings':>10}{'tokens':>10}{'by hand':>12}{'our listing':>12}{'with GX':>12}{'ratio':>8}"
        f"{'memory':>12}"
    )
    for database in databases(postgres):
        measured = measure_database(database, postgres, SIZES[bench])
        flat = measured[-1].peak <= measured[0].peak * FLAT
        held = held and flat and (not bench or measured[-1].ratio <= AIM)
    judged_by = "ratio and memory" if bench else "memory (the ratio at FAZHI_BENCH=full)"
    print(f"aim: ratio at most {AIM:g}, memory flat; judged by {judged_by}: {'held' if held else 'MISSED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
