"""What validating a year costs: GX on the raw values, the listing and the words, beside the listing SQL alone.

Baseline: the one hand-made INSERT … SELECT that lists the findings of all rules in a single pass, run and rolled
back on the same rows in the same process. Aim: validating with GX costs at most 3 times that, and the process's
memory does not grow with the rows. SQLite always; PostgreSQL too where FAZHI_TEST_POSTGRES names a database that
may be overwritten. FAZHI_BENCH=full takes 100,000 and 1,000,000 rows, FAZHI_BENCH=soak 10,000,000 as well.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"": (1_500, 6_000), "full": (100_000, 1_000_000), "soak": (100_000, 1_000_000, 10_000_000)}
AIM = 3.0
FLAT = 1.5
"""How much more memory the largest size may take than the smallest."""

MEASURE = """
import json, resource, sys, time
sys.path[:0] = [{tests!r}]
from sqlalchemy import text
import great_expectations
from fazhi.store import connect, open_store, read, upgrade, write
from fazhi.validate import validate_slice
from fazhi.validate.sql import listing_statement
from fazhi.validate import slices
from support.bulk import TODAY, YEAR, fill
from support.validate import EDITIONS, GX_DIR, REGION

class Undone(Exception):
    pass

engine = connect({url!r})
upgrade(engine)
edition = EDITIONS.for_year(YEAR)
bulk = fill(engine, edition, {rows})
if engine.dialect.name == "postgresql":
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
filled = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
dims = slices.dimensions(edition, bulk.registry, YEAR, TODAY, None)
with write(engine) as connection:
    reported = slices._read_reported(connection, YEAR, REGION)
    ready = slices._slice(reported, dims, bulk.registry, YEAR, REGION, TODAY, True)
    slices._prepare(connection, ready)

def listing():
    begin = time.perf_counter()
    try:
        with write(engine) as connection:
            connection.execute(text(listing_statement()), {{"year": YEAR, "region": REGION, "validation_id": None}})
            raise Undone
    except Undone:
        return time.perf_counter() - begin

alone = min(listing() for _ in range({rounds}))
begin = time.perf_counter()
outcome = validate_slice(engine, edition, bulk.registry, YEAR, REGION, today=TODAY, gx_dir=GX_DIR)
whole = time.perf_counter() - begin
print(json.dumps([bulk.rows, sum(outcome.counts.values()), alone, whole, filled,
                  resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def measure(url: str, rows: int) -> list[float]:
    """Rows, findings, seconds of the listing alone and of the validation, KiB before and after."""
    code = MEASURE.format(tests=str(ROOT / "tests"), url=url, rows=rows, rounds=1 if rows > 200_000 else 3)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return [float(number) for number in json.loads(done.stdout.splitlines()[-1])]


def _empty_postgres(url: str) -> None:
    from sqlalchemy import create_engine, text

    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def main() -> int:
    """Print the table; the exit status."""
    sizes = SIZES[os.environ.get("FAZHI_BENCH", "")]
    postgres = os.environ.get("FAZHI_TEST_POSTGRES", "")
    held = True
    print(
        f"{'database':<12}{'rows':>10}{'findings':>10}{'SQL alone':>12}{'with GX':>12}{'ratio':>8}{'memory':>12}"
    )
    for database in ("sqlite", "postgresql") if postgres else ("sqlite",):
        memory = []
        for rows in sizes:
            with tempfile.TemporaryDirectory() as folder:
                if database == "postgresql":
                    _empty_postgres(postgres)
                url = postgres if database == "postgresql" else f"sqlite:///{folder}/store.db"
                judged, findings, alone, whole, _, peak = measure(url, rows)
            memory.append(peak)
            print(
                f"{database:<12}{judged:>10,.0f}{findings:>10,.0f}{alone:>10.2f} s{whole:>10.2f} s"
                f"{whole / alone:>8.1f}{peak / 1024:>8.0f} MiB"
            )
        if len(sizes) > 1 and os.environ.get("FAZHI_BENCH"):
            held = held and whole / alone <= AIM
        held = held and memory[-1] <= memory[0] * FLAT
    judged_by = (
        "ratio and memory" if os.environ.get("FAZHI_BENCH") else "memory (the ratio at FAZHI_BENCH=full)"
    )
    print(f"aim: ratio at most {AIM:g}, memory flat; judged by {judged_by}: {'held' if held else 'MISSED'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
