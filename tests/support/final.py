"""A small synthetic city taken to a year's final results (合成数据): written once, lived through many times."""

import csv
import hashlib
import io
import json
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from fazhi import pipeline
from fazhi.collect import collect_folder
from fazhi.sandbox import SandboxPlatform
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.store import open_store, read
from fazhi.store.tables import current_result, outbox
from fazhi.validate import validate_slice

YEAR = 2023
REGION = "150200"
STEWARD, OTHER_STEWARD, REVIEWER = "kp-steward-1", "kp-steward-2", "kp-steward-3"
CHIEF, DEPUTY = "kp-chief-1", "kp-deputy-1"
RECEIVED = datetime.fromisoformat("2024-04-01T09:00:00+08:00")
PROPOSED = datetime.fromisoformat("2024-04-15T09:00:00+08:00")
"""A Monday; five working days later is Monday 22 April 2024."""
LAST_DAY = "2024-04-22"
AFTER = datetime.fromisoformat("2024-04-23T09:00:00+08:00")


def later(days: int = 1, **more: int) -> datetime:
    """A moment after the objection period."""
    return AFTER + timedelta(days=days, **more)


@dataclass(frozen=True)
class Year:
    """A year of a small city in a store of its own."""

    settings: Settings

    @property
    def engine(self):
        return open_store(self.settings.store_url)

    def rows(self, statement):
        with read(self.engine) as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def outbox(self):
        """(unit, version, stage) → state."""
        found = self.rows(select(outbox).where(outbox.c.year == YEAR))
        return {(row["unit_code"], row["version"], row["stage"]): row["state"] for row in found}

    def status(self, now=AFTER):
        (state,) = pipeline.year_status(self.settings, YEAR, now=now)
        return state

    def collect(self, now):
        """What is new in the inbox, received at a moment, read and judged (without Great Expectations)."""
        ground = pipeline.Ground(self.settings)
        counts = collect_folder(ground.engine, ground.raw, self.settings.inbox, YEAR, now=now)
        pipeline.intake(self.settings, YEAR)
        self.judge(now)
        return counts

    def judge(self, now=RECEIVED):
        ground = pipeline.Ground(self.settings)
        validate_slice(
            ground.engine, ground.edition(YEAR), ground.registry, YEAR, REGION, now.date(), None, now=now
        )

    def score(self):
        return pipeline.score(self.settings, YEAR, REGION)

    def compare(self, *, push=False):
        return pipeline.compare_sealed(self.settings, YEAR, "run", push=push)

    def sealed(self):
        """Proposed, signed, pushed, confirmed, sealed."""
        self.sign(self.propose()["digest"])
        self.push_final()
        return self.seal()

    def propose(self, now=PROPOSED, account=STEWARD):
        return pipeline.propose_final(self.settings, YEAR, REGION, account=account, now=now)

    def withdraw(self, now, account=STEWARD):
        return pipeline.withdraw_proposal(
            self.settings, YEAR, REGION, account=account, reason="重算", now=now
        )

    def sign(self, digest, now=AFTER, account=CHIEF):
        return pipeline.sign_proposal(self.settings, YEAR, REGION, account=account, digest=digest, now=now)

    def correct(self, now, account=STEWARD):
        return pipeline.propose_correction(
            self.settings, YEAR, REGION, account=account, reason="更正（合成数据）", now=now
        )

    def push_final(self):
        pipeline.publish(self.settings, YEAR, True, pipeline.FINAL)
        return pipeline.reconcile(self.settings, YEAR)

    def seal(self, now=AFTER, account=STEWARD):
        return pipeline.seal_year(self.settings, YEAR, account=account, now=now)


def scored_year(inbox: Path, home: Path) -> Year:
    """The city collected, read, judged and scored."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copytree(PROJECT_ROOT / "include" / "indicator_systems", home / "systems")
    settings = Settings.load(
        environ={
            "FAZHI_STORE_URL": f"sqlite:///{home / 'fazhi.db'}",
            "FAZHI_RAW_URL": str(home / "raw"),
            "FAZHI_INBOX": str(inbox),
            "FAZHI_REPORTS_DIR": str(home / "reports"),
            "FAZHI_SYSTEMS_DIR": str(home / "systems"),
        }
    )
    year = Year(settings)
    year.collect(RECEIVED)
    year.score()
    return year


def resubmit(inbox: Path, submission: Path, change) -> Path:
    """A further revision of a submission, its table changed; in an inbox of its own.

    Args:
        inbox: Where the copy goes.
        submission: The folder of the submission.
        change: Table text → table text.
    """
    folder = inbox / f"{submission.name}-again"
    shutil.copytree(submission, folder)
    manifest = json.loads((folder / "submission.json").read_text(encoding="utf-8"))
    manifest["revision"] += 1
    (table,) = (one for one in manifest["files"] if one["role"] == "workbook")
    path = folder / table["name"]
    text = path.read_bytes().decode("utf-8-sig")
    changed = change(text)
    assert changed != text
    content = changed.encode("utf-8-sig" if path.read_bytes().startswith(b"\xef\xbb\xbf") else "utf-8")
    path.write_bytes(content)
    table["sha256"], table["size"] = hashlib.sha256(content).hexdigest(), len(content)
    (folder / "submission.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    return folder


def copy_of(year: Year, home: Path, platform: SandboxPlatform | None = None) -> Year:
    """The same year in a store of its own, with a platform to push to."""
    source = Path(year.settings.store_url.removeprefix("sqlite:///"))
    home.mkdir(parents=True, exist_ok=True)
    for suffix in ("", "-wal"):
        part = source.with_name(source.name + suffix)
        if part.exists():
            shutil.copy(part, home / part.name)
    settings = replace(
        year.settings,
        store_url=f"sqlite:///{home / source.name}",
        reports_dir=home / "reports",
    )
    if platform is not None:
        settings = replace(
            settings, platform_url=platform.url, platform_app_id="app", platform_secret="secret"
        )
    return Year(settings)


def folder_of(city, unit_code):
    """The submission folders of a unit, each with its rows."""
    for folder in sorted((city.inbox / "submissions").iterdir()):
        manifest = json.loads((folder / "submission.json").read_text(encoding="utf-8"))
        if manifest["kind"] == "unit" and manifest["unit_code"] == unit_code:
            yield folder


def a_count_that_moves_nobody_else(year, city):
    """A unit's ratio that can be one less; what is listed afterwards shows that no other unit moved."""
    rows = year.rows(select(current_result.c.unit_code).where(current_result.c.year == YEAR))
    edition = pipeline.Ground(year.settings).edition(YEAR)
    for unit in sorted(row["unit_code"] for row in rows):
        for folder in folder_of(city, unit):
            table = next(folder.glob("*.csv"))
            for row in csv.DictReader(io.StringIO(table.read_text(encoding="utf-8-sig"))):
                indicator = edition.by_code[row["indicator_code"]]
                if indicator.rule_type == "linear" and row["denominator"] and int(row["numerator"] or 0) > 1:
                    return unit, folder, row
    raise AssertionError("no such value in the synthetic city")


def one_less(text, row):
    """A submission's table with the row's numerator one less."""
    rows = list(csv.reader(io.StringIO(text)))
    header = rows[0]
    place, code = header.index("numerator"), header.index("indicator_code")
    for cells in rows[1:]:
        if cells[code] == row["indicator_code"] and cells[place] == row["numerator"]:
            cells[place] = str(int(cells[place]) - 1)
            break
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
