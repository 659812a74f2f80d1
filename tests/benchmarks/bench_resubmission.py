"""What one in a hundred units resubmitting costs, beside validating the whole year.

Baseline: the first validation of the year, GX and words included, in the same process. Aim: at most 3 % of it.
FAZHI_BENCH=full takes 100,000 and 1,000,000 rows.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"": (6_000,), "full": (100_000, 1_000_000), "soak": (1_000_000,)}
AIM = 0.03

MEASURE = """
import json, sys, time
sys.path[:0] = [{tests!r}]
import great_expectations
from fazhi.store import open_store
from fazhi.validate import validate_slice
from support.bulk import TODAY, YEAR, fill, resubmit
from support.validate import EDITIONS, GX_DIR, REGION

engine = open_store({url!r})
edition = EDITIONS.for_year(YEAR)
bulk = fill(engine, edition, {rows})

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


def main() -> int:
    """Print the table."""
    print(f"{'rows':>10}{'units again':>12}{'rows again':>12}{'year':>10}{'again':>10}{'share':>8}")
    for rows in SIZES[os.environ.get("FAZHI_BENCH", "")]:
        with tempfile.TemporaryDirectory() as folder:
            code = MEASURE.format(tests=str(ROOT / "tests"), url=f"sqlite:///{folder}/store.db", rows=rows)
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        judged, units, sent, whole, again = json.loads(done.stdout.splitlines()[-1])
        print(f"{judged:>10,}{units:>12}{sent:>12}{whole:>8.2f} s{again:>8.2f} s{again / whole:>8.1%}")
    judged_by = (
        ""
        if os.environ.get("FAZHI_BENCH")
        else " (judged at FAZHI_BENCH=full: a small year is mostly set-up)"
    )
    print(f"aim: {AIM:.0%} for the largest year{judged_by}: {'held' if again / whole <= AIM else 'MISSED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
