"""A store for the desk to look at: two synthetic cities, two years, planted faults, some decisions (合成数据).

Written once for a session and copied for whoever changes it. ``python tests/support/desk_city.py FOLDER`` makes one to
look at, with the present years.
"""

import csv
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, insert, select

from fazhi import pipeline
from fazhi.audit import Actor
from fazhi.collect import collect_folder
from fazhi.model.unit_code import check_character, organisation_check
from fazhi.registry import load_registry
from fazhi.review import Asked, Ruling, ask_not_applicable, decide_not_applicable
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.store import open_store, read, write
from fazhi.store.tables import (
    current_result,
    current_submission,
    decision,
    pipeline_run,
    submission,
    submission_file,
)
from fazhi.systems import load_editions
from fazhi.validate import validate_slice

REGION, OTHER_REGION = "150200", "150100"
YEARS = (2023, 2024)
RECEIVED = datetime.fromisoformat("2025-01-16T09:00:00+08:00")
"""When everything was received and judged."""
GROUND = {
    "systems": "indicator_systems",
    "registry": "registry",
    "holidays": "holidays",
    "signers": "signers",
}


@dataclass(frozen=True)
class DeskCity:
    """A store with what it was made from."""

    home: Path
    settings: Settings
    years: tuple[int, ...]

    @property
    def engine(self) -> Engine:
        return open_store(self.settings.store_url)

    def submissions(self, year: int) -> list[tuple[str, int]]:
        """The current submissions of a year: id and revision."""
        found = (
            select(current_submission.c.submission_id, current_submission.c.revision)
            .where(current_submission.c.year == year)
            .order_by(current_submission.c.submission_id)
        )
        with read(self.engine) as connection:
            return [tuple(row) for row in connection.execute(found)]

    def units(self, year: int) -> list[str]:
        """The units that have a result in a year."""
        found = (
            select(current_result.c.unit_code)
            .where(current_result.c.year == year)
            .order_by(current_result.c.unit_code)
        )
        with read(self.engine) as connection:
            return list(connection.scalars(found))

    def copy(self, home: Path) -> "DeskCity":
        """The same city in a store and a ground of its own; raw files are shared, they never change."""
        shutil.copytree(self.home, home, ignore=shutil.ignore_patterns("raw", "inbox"), dirs_exist_ok=True)
        settings = _settings(home)
        return DeskCity(home, replace(settings, raw_url=self.settings.raw_url), self.years)


def desk_city(
    home: Path,
    *,
    years: Sequence[int] = YEARS,
    units: int = 8,
    now: datetime = RECEIVED,
    faults: str = "0.02",
    workbooks: bool = False,
    store_url: str = "",
) -> DeskCity:
    """Make the city: submitted, collected, read, judged and scored; a second region without any submission.

    Args:
        home: Where everything goes.
        years: The assessment years.
        units: How many units report.
        now: When it all was received.
        faults: The share of planted faults.
        workbooks: Whether submissions are Excel workbooks (slower) or CSV tables.
        store_url: An empty, migrated store; by default a SQLite file of its own.
    """
    from fractions import Fraction

    from fazhi.synth import synthesise

    settings = _settings(home)
    if store_url:
        settings = replace(settings, store_url=store_url)
    for folder, source in GROUND.items():
        shutil.copytree(PROJECT_ROOT / "include" / source, home / folder, dirs_exist_ok=True)
    editions = load_editions(settings.systems_dir)
    synthesise(
        load_registry(settings.registry_dir, editions),
        editions,
        years=range(min(years), max(years) + 1),
        units=units,
        seed=7,
        out=home / "inbox",
        faults_rate=Fraction(faults),
        workbooks=workbooks,
        today=now.date(),
    )
    _add_a_region(settings.registry_dir)
    for year in years:
        _live_through(settings, year, now)
    return DeskCity(home, settings, tuple(years))


def places_of(city: DeskCity, year: int = YEARS[0]) -> dict[str, object]:
    """Something of each kind that a page shows; a request and a ruling of people without a role are added."""
    evidence = select(submission_file).where(submission_file.c.role == "evidence")
    here = current_submission.c
    same = (here.submission_id == submission_file.c.submission_id) & (
        here.revision == submission_file.c.revision
    )
    with read(city.engine) as connection:
        row = connection.execute(evidence.join(current_submission, same).where(here.year == year)).first()
    assert row is not None
    with read(city.engine) as connection:
        sender = connection.execute(
            select(submission.c.sender_code).where(
                submission.c.submission_id == row.submission_id, submission.c.revision == row.revision
            )
        ).scalar_one()
    subject = {"unit_code": sender, "indicator_code": "A1.1", "period": str(year)}
    asked = Asked("合成申请", Actor("clerk-9", "合成填报员"))
    request = ask_not_applicable(city.engine, **subject, asked=asked, now=RECEIVED)
    ruling = Ruling("refuse", "合成理由", "steward-9", "clerk-9")
    decide_not_applicable(city.engine, **subject, ruling=ruling, now=RECEIVED)
    with read(city.engine) as connection:
        ruled = connection.execute(select(decision.c.decision_id)).scalars().first()
    return {
        "submission_id": row.submission_id,
        "revision": row.revision,
        "evidence": row.sha256,
        "request": request,
        "decision": ruled,
    }


def _live_through(settings: Settings, year: int, now: datetime) -> None:
    ground = pipeline.Ground(settings)
    collect_folder(ground.engine, ground.raw, settings.inbox, year, now=now)
    pipeline.intake(settings, year)
    for region in (REGION, OTHER_REGION):
        validate_slice(
            ground.engine, ground.edition(year), ground.registry, year, region, now.date(), None, now=now
        )
    pipeline.score(settings, year, REGION)
    _note_run(ground, year, now)


def _note_run(ground: pipeline.Ground, year: int, now: datetime) -> None:
    """The run that did it, as the plan writes it down, and its report."""
    edition = ground.edition(year)
    with write(ground.engine) as connection:
        connection.execute(
            insert(pipeline_run).values(
                run_id=run_id_of(year),
                year=year,
                run_type="scheduled",
                mode="auto",
                system_id=edition.system_id,
                system_digest=edition.digest,
                started_at=now.isoformat(timespec="seconds"),
            )
        )
    pipeline.report(ground.settings, year, run_id_of(year))


def run_id_of(year: int) -> str:
    """The run of a year."""
    return f"scheduled__{year}-12-31T17:30:00+00:00"


def _settings(home: Path) -> Settings:
    return Settings.load(
        environ={
            "FAZHI_STORE_URL": f"sqlite:///{home / 'fazhi.db'}",
            "FAZHI_RAW_URL": str(home / "raw"),
            "FAZHI_INBOX": str(home / "inbox"),
            "FAZHI_REPORTS_DIR": str(home / "reports"),
            "FAZHI_SYSTEMS_DIR": str(home / "systems"),
            "FAZHI_REGISTRY_DIR": str(home / "registry"),
            "FAZHI_HOLIDAYS_DIR": str(home / "holidays"),
            "FAZHI_SIGNERS_DIR": str(home / "signers"),
            "FAZHI_CONTACT": "考评办公室（合成数据） 0000-0000000",
        }
    )


def _add_a_region(registry_dir: Path) -> None:
    """A second city with one county: whoever has rights there has none in the first."""
    path = registry_dir / "units.csv"
    with path.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    city, county = _code(OTHER_REGION, 1), _code("150102", 2)
    rows = [
        (city, "合成甲市人民政府", "Synthetic City A", "合成甲市", OTHER_REGION, "city", "", "", "superior"),
        (
            *(county, "合成甲市甲区人民政府", "Synthetic District A", "合成甲区", "150102", "county", city),
            *("REGION", "local"),
        ),
    ]
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        for row in rows:
            writer.writerow(dict(zip(columns, (*row, "2021-01-01", "", ""), strict=True)))


def _code(division: str, number: int) -> str:
    body = f"MB8{number:05d}"
    first = f"11{division}{body}{organisation_check(body)}"
    return first + check_character(first)


if __name__ == "__main__":
    today = pipeline.now_in_shanghai()
    made = desk_city(
        Path(sys.argv[1]).resolve(), years=(today.year - 1, today.year), units=12, now=today, workbooks=True
    )
    print(made.settings.store_url)
