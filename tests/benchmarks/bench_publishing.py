"""What publishing costs beside sending alone: the same bodies, sandbox platforms in processes of their own, one run.

Baseline: a bare loop with ``requests`` that signs and posts the same batches one after the other and forgets the
answers; once before and once after ours, so that what else the machine does weighs on both. Ours: pending rows read,
batches sent, answers checked, receipts and states committed, then everything read back and confirmed. Aim: 1.3 times
the baseline. FAZHI_BENCH=full takes 6,000 results, otherwise 1,000.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

sys.path.insert(0, str(Path(__file__).parents[1]))

from fazhi.model.canonical import sha256_hex
from fazhi.publish import PlatformClient, enqueue, outbox_counts, push, reconcile_year
from fazhi.publish.outbox import pending_rows
from fazhi.publish.signing import Signer
from fazhi.store import open_store, read
from support.publish import APP_ID, NOW, SECRET, SYSTEM_DIGEST, YEAR, add_result, body_of, unit

RESULTS = 6_000 if os.environ.get("FAZHI_BENCH") == "full" else 1_000
LINES = 124
AIM = 1.3


@contextmanager
def platform(state: Path) -> Iterator[str]:
    """The address of a platform that holds nothing yet."""
    command = [sys.executable, "-m", "fazhi.sandbox", "--port", "0", "--state", str(state)]
    with subprocess.Popen(
        [*command, "--app-id", APP_ID, f"--secret={SECRET}"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def full_body(connection, year, unit_code, version):
    """A result with as many lines as an edition has indicators; the first carries the score."""
    body = body_of(connection, year, unit_code, version)
    (first,) = body["lines"]
    rest = [
        {**first, "indicator_code": f"X{number}.1", "full_mark": "0.81", "points": "0.00"}
        for number in range(1, LINES)
    ]
    return {**body, "lines": [first, *rest]}


def bodies(engine) -> list[bytes]:
    """The batches as they will be sent."""
    batches, last = [], None
    while True:
        with read(engine) as connection:
            rows = pending_rows(connection, YEAR, last)
        if not rows:
            return batches
        batches.append(b'{"results":[' + b",".join(row.body.encode() for row in rows) + b"]}")
        last = rows[-1]


def bare(url: str, batches: list[bytes]) -> float:
    """Seconds of posting the batches and nothing else."""
    signer, session = Signer(APP_ID, SECRET), requests.Session()
    path = f"/v1/assessments/{YEAR}/results:batch"
    begun = time.perf_counter()
    for number, body in enumerate(batches):
        headers = signer.headers("POST", path, body, timestamp=int(time.time()), nonce=f"bare-{number}")
        headers |= {"Content-Type": "application/json", "Idempotency-Key": sha256_hex(body)}
        session.post(url + path, data=body, headers=headers, timeout=120).raise_for_status()
    return time.perf_counter() - begun


def ours(engine, url: str) -> tuple[float, float]:
    """Seconds of the push, and of reading back."""
    with PlatformClient(url, APP_ID, SECRET) as client:
        begun = time.perf_counter()
        push(engine, client, YEAR, system_digest=SYSTEM_DIGEST, now=NOW)
        pushed = time.perf_counter()
        reconcile_year(engine, client, YEAR, now=NOW)
        return pushed - begun, time.perf_counter() - pushed


def main() -> int:
    """Print the ratios; exit 1 when a result is not confirmed."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/fazhi.db")
        for number in range(RESULTS):
            add_result(engine, unit(number))
        enqueue(engine, YEAR, body_of=full_body, now=NOW)
        batches = bodies(engine)
        with platform(Path(folder) / "before.db") as url:
            before = bare(url, batches)
        with platform(Path(folder) / "ours.db") as url:
            pushed, read_back = ours(engine, url)
        with platform(Path(folder) / "after.db") as url:
            after = bare(url, batches)
        confirmed = outbox_counts(engine, YEAR)["confirmed"]
    baseline = (before + after) / 2
    print(f"{RESULTS} results: bare client {before:.2f} s before, {after:.2f} s after: mean {baseline:.2f} s")
    print(f"  push            {pushed:.2f} s  ratio {pushed / baseline:.2f}")
    print(
        f"  push, read back {pushed + read_back:.2f} s  ratio {(pushed + read_back) / baseline:.2f}  (aim {AIM})"
    )
    return 0 if confirmed == RESULTS else 1


if __name__ == "__main__":
    sys.exit(main())
