"""What reading a filled workbook with all checks costs, beside reading its cells alone.

Baselines, on the same files in the same process: python-calamine and openpyxl, every cell of every sheet. Aims: at
most 8 times calamine, at most 0.6 of openpyxl. The workbooks are the twelve largest of three units' year,
filled with synthetic figures (合成数据). FAZHI_BENCH=full reads more rounds.
"""

import io
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import python_calamine

from fazhi.intake.submission import read_submission
from fazhi.intake.values import Submitted
from fazhi.intake.wording import Wording
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.registry import load_registry
from fazhi.settings import PROJECT_ROOT
from fazhi.synth import synthesise
from fazhi.systems import load_editions

AIM_CALAMINE, AIM_OPENPYXL = 8.0, 0.6
YEAR = 2024
ROUNDS = {"": 3, "full": 20, "soak": 50}
TODAY = date(2025, 3, 20)

File = tuple[str, Period, str, bytes]


def by_calamine(content: bytes) -> None:
    """Every cell through python-calamine."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
    for name in book.sheet_names:
        book.get_sheet_by_name(name).to_python(skip_empty_area=False)


def by_openpyxl(content: bytes) -> None:
    """Every cell through openpyxl."""
    for sheet in openpyxl.load_workbook(io.BytesIO(content)).worksheets:
        for row in sheet.iter_rows(values_only=True):
            tuple(row)


def best(rounds: int, files: Sequence[File], read: Callable[[File], None]) -> float:
    """The best time of some rounds over all files, in seconds."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        for file in files:
            read(file)
        times.append(time.perf_counter() - begin)
    return min(times)


def workbooks(folder: Path) -> list[File]:
    """Some filled workbooks of units with their senders and periods."""
    editions = load_editions(PROJECT_ROOT / "include" / "indicator_systems")
    registry = load_registry(PROJECT_ROOT / "include" / "registry", editions)
    synthesise(registry, editions, (YEAR,), 3, 5, folder, Fraction(0), today=TODAY, workbooks=True)
    found: list[File] = []
    for path in sorted(folder.rglob("*.xlsx")):
        manifest = json.loads((path.parent / "submission.json").read_text(encoding="utf-8"))
        if manifest.get("kind", "unit") == "unit":
            found.append(
                (manifest["unit_code"], Period.parse(manifest["period"]), path.name, path.read_bytes())
            )
    return sorted(found, key=lambda file: -len(file[3]))[:12]


def main() -> int:
    """Print the table."""
    edition = load_editions(PROJECT_ROOT / "include" / "indicator_systems").for_year(YEAR)
    wording = Wording(edition, YEAR)
    with TemporaryDirectory() as folder:
        files = workbooks(Path(folder))
    rows = 0

    def with_checks(file: File) -> None:
        nonlocal rows
        sender, period, name, content = file
        reading = read_submission(
            [(name, content)], Submitted(SubmissionKind.UNIT, sender, period), edition, wording
        )
        if not reading.readable:
            raise SystemExit(f"{name} was not read: {reading.findings[0].finding.message_zh}")
        rows += len(reading.values)

    rounds = ROUNDS[os.environ.get("FAZHI_BENCH", "")]
    fazhi = best(rounds, files, with_checks)
    calamine = best(rounds, files, lambda file: by_calamine(file[3]))
    slow = best(rounds, files, lambda file: by_openpyxl(file[3]))
    print(f"{len(files)} workbooks, {rows // rounds} rows")
    print(f"{'':<24}{'per workbook':>14}{'fazhi beside it':>18}{'aim':>8}")
    print(f"{'fazhi, all checks':<24}{fazhi / len(files) * 1000:>11.1f} ms")
    for name, seconds, aim in (
        ("calamine, cells alone", calamine, AIM_CALAMINE),
        ("openpyxl, cells alone", slow, AIM_OPENPYXL),
    ):
        print(f"{name:<24}{seconds / len(files) * 1000:>11.1f} ms{fazhi / seconds:>18.2f}{aim:>8g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
