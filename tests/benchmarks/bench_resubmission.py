"""What one in a hundred units resubmitting costs, beside validating the whole year.

Baseline: the first validation of the year, GX and words included, in the same process; the tokens of notes and evidence
are there by then, as they are taken when something comes: the resubmission takes its own. Aim: at most 3 % of it.
SQLite always; PostgreSQL too where FAZHI_TEST_POSTGRES names a database that may be overwritten. FAZHI_BENCH=full
takes 100,000 and 1,000,000 rows.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests")]
from benchmarks.bench_validation import databases  # noqa: E402 - found beside the benches
from support.emptied import emptied  # noqa: E402

SIZES = {"": (6_000,), "full": (100_000, 1_000_000), "soak": (1_000_000,)}
AIM = 0.03

MEASURE = """
import json, sys, time
sys.path[:0] = [{tests!r}]
import great_expectations
from fazhi.store import connect, upgrade, write
from fazhi.validate import validate_slice
from fazhi.validate.tokens import load_tokens
from support.bulk import TODAY, YEAR, fill, resubmit
from support.validate import EDITIONS, GX_DIR, REGION

engine = connect({url!r})
upgrade(engine)
edition = EDITIONS.for_year(YEAR)
bulk = fill(engine, edition, {rows})
with write(engine) as connection:
    load_tokens(connection, YEAR - 1, YEAR)

def validated():
    begin = time.perf_counter()
    outcome = validate_slice(engine, edition, bulk.registry, YEAR, REGION, today=TODAY, gx_dir=GX_DIR)
    assert outcome.new
    return time.perf_counter() - begin

whole = validated()
again = bulk.units[: max(1, len(bulk.units) // 100)]
sent = resubmit(engine, edition, again)
print(json.dumps([bulk.rows, len(again), sent, whole, validated()]))
"""


def measure(url: str, rows: int) -> tuple[int, int, int, float, float]:
    """Rows, units and rows sent again, seconds of the first validation and of the second, in a process of its own."""
    code = MEASURE.format(tests=str(ROOT / "tests"), url=url, rows=rows)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    judged, units, sent, whole, again = json.loads(done.stdout.splitlines()[-1])
    return judged, units, sent, whole, again


def main() -> int:
    """Print the table."""
    bench = os.environ.get("FAZHI_BENCH", "")
    postgres = os.environ.get("FAZHI_TEST_POSTGRES", "")
    held = True
    print(
        f"{'database':<12}{'rows':>10}{'units again':>12}{'rows again':>12}{'year':>10}{'again':>10}{'share':>8}"
    )
    for database in databases(postgres):
        for rows in SIZES[bench]:
            with tempfile.TemporaryDirectory() as folder:
                url = emptied(postgres) if database == "postgresql" else f"sqlite:///{folder}/store.db"
                judged, units, sent, whole, again = measure(url, rows)
            share = again / whole
            print(
                f"{database:<12}{judged:>10,}{units:>12}{sent:>12}{whole:>8.2f} s{again:>8.2f} s{share:>8.1%}",
                flush=True,
            )
        held = held and share <= AIM
    judged_by = "" if bench else " (judged at FAZHI_BENCH=full: a small year is mostly set-up)"
    print(f"aim: {AIM:.0%} for the largest year{judged_by}: {'held' if held else 'MISSED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
