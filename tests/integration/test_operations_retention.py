"""Pruning on real folders: only what is past its keeping goes, only when told to, and never what must stay (合成数据)."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import insert

from fazhi.model.errors import ConfigurationError
from fazhi.operations import Limits, prune
from fazhi.pipeline import SHANGHAI, now_in_shanghai
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.store import open_store, write
from fazhi.store.raw import RawStore
from fazhi.store.tables import final_outcome, final_proposal

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=SHANGHAI)
LIMITS = Limits.load(PROJECT_ROOT / "include" / "operations" / "limits.yaml")


def put(path: Path, days: float, content: str = "合成") -> Path:
    """A file that was last changed some days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
    return path


def backup(folder: Path, days: float) -> Path:
    """A backup as its manifest tells of it."""
    folder.mkdir(parents=True)
    (folder / "store.db").write_bytes(b"x" * 100)
    made_at = (NOW - timedelta(days=days)).isoformat()
    (folder / "backup.json").write_text(json.dumps({"made_at": made_at}), encoding="utf-8")
    return folder


def snapshot(folder: Path) -> dict[str, str]:
    """Every file below a folder with its digest, but for those that SQLite keeps beside an open database."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A deployment with raw files and a store, and nothing old yet."""
    loaded = Settings.load(
        environ={
            "FAZHI_STORE_URL": f"sqlite:///{tmp_path / 'store' / 'fazhi.db'}",
            "FAZHI_RAW_URL": str(tmp_path / "raw"),
            "FAZHI_REPORTS_DIR": str(tmp_path / "reports"),
            "FAZHI_BACKUP_DIR": str(tmp_path / "backups"),
            "FAZHI_GX_DIR": str(tmp_path / "gx"),
        }
    )
    open_store(loaded.store_url).dispose()
    raw = RawStore(loaded.raw_url)
    ancient = (NOW - timedelta(days=4_000)).timestamp()
    os.utime(raw.path(raw.put("合成原件".encode())), (ancient, ancient))
    return loaded


def sign(settings: Settings, year: int, at: datetime) -> None:
    proposal = {"year": year, "region": "150200", "number": 1, "proposed_by": "a"}
    with write(open_store(settings.store_url)) as connection:
        connection.execute(
            insert(final_proposal).values(
                **proposal,
                kind="final",
                digest="0" * 64,
                units=1,
                system_digest="0" * 64,
                reason="合成",
                proposed_name="合成",
                proposed_at=at.isoformat(),
                objection_until=at.date().isoformat(),
            )
        )
        connection.execute(
            insert(final_outcome).values(
                **proposal,
                outcome="signed",
                digest="0" * 64,
                decided_by="b",
                decided_name="合成",
                decided_as="chief",
                decided_at=at.isoformat(),
            )
        )


def test_old_reports_go_but_the_newest_and_the_signed_ones_stay(settings: Settings) -> None:
    reports = settings.reports_dir
    keeping = LIMITS.retention["reports"].days
    for days in (900, 800, 700, 600):
        put(reports / "2023" / f"{days}.html", days)
        put(reports / "2023" / f"{days}-differences.csv", days)
    put(reports / "2024" / "old.html", keeping + 1)
    put(reports / "2024" / "young.html", keeping - 1)
    put(reports / "2022" / "alone.html", 2_000)
    sign(settings, 2023, NOW - timedelta(days=750))  # whoever signed could read the report of 800 days ago
    gone = {path.path.relative_to(reports).as_posix() for path in prune(settings, NOW)}
    assert gone == {
        "2023/900.html",
        "2023/900-differences.csv",
        "2023/700.html",
        "2023/700-differences.csv",
        "2024/old.html",
    }


def test_nothing_is_touched_until_it_is_told_to(settings: Settings, tmp_path: Path) -> None:
    put(settings.reports_dir / "2024" / "old.html", 900)
    put(settings.reports_dir / "2024" / "new.html", 1)
    put(tmp_path / "logs" / "dag_id=a" / "attempt=1.log", 900)
    put(settings.gx_dir / "uncommitted" / "validations" / "x.json", 90)
    for days in range(100, 120):
        backup(settings.backup_dir / f"b{days}", days)
    before = snapshot(tmp_path)
    found = prune(settings, NOW, task_logs=tmp_path / "logs")
    assert {one.kind for one in found} == {"reports", "task_logs", "validation_docs", "backups"}
    assert snapshot(tmp_path) == before
    done = prune(settings, NOW, task_logs=tmp_path / "logs", apply=True)
    assert done == found
    after = snapshot(tmp_path)
    assert set(after) < set(before)
    assert after.items() <= before.items(), "what stays is what it was"
    assert {name.partition("/")[0] for name in set(before) - set(after)} == {
        "reports",
        "logs",
        "gx",
        "backups",
    }
    assert not (tmp_path / "logs" / "dag_id=a").exists(), "empty folders go too"
    assert prune(settings, NOW, task_logs=tmp_path / "logs", apply=True) == ()


def test_the_newest_backups_stay_however_old_and_unfinished_ones_are_left_alone(settings: Settings) -> None:
    keep = LIMITS.retention["backups"].keep
    for days in range(100, 103 + keep):
        backup(settings.backup_dir / f"b{days}", days)
    put(settings.backup_dir / "half" / "store.db", 900)
    put(settings.backup_dir / ".b999.part" / "backup.json", 900, '{"made_at": "2020-01-01T00:00:00+08:00"}')
    prune(settings, NOW, apply=True)
    left = {path.name for path in settings.backup_dir.iterdir()}
    assert left == {*(f"b{days}" for days in range(100, 100 + keep)), "half", ".b999.part"}


def test_young_backups_stay_however_many(settings: Settings) -> None:
    for hours in range(40):
        backup(settings.backup_dir / f"h{hours}", hours / 24)
    assert prune(settings, NOW) == ()


def test_backups_that_are_only_seen_are_left_to_whoever_writes_them(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker has the folder of the backups read-only: its weekly pruning must not fail on them."""
    for days in range(100, 103 + LIMITS.retention["backups"].keep):
        backup(settings.backup_dir / f"b{days}", days)
    assert {one.kind for one in prune(settings, NOW)} == {"backups"}
    writable = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != settings.backup_dir and writable(path, mode))
    assert prune(settings, NOW, apply=True) == ()


def test_links_are_never_followed(settings: Settings, tmp_path: Path) -> None:
    outside = put(tmp_path / "elsewhere" / "kept.log", 900)
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "folder").symlink_to(outside.parent)
    (logs / "file.log").symlink_to(outside)
    assert prune(settings, NOW, task_logs=logs, apply=True) == ()
    assert outside.exists()


@pytest.mark.parametrize("name", ["raw", "store", "", "registry"])
def test_a_folder_that_holds_what_must_stay_is_refused(settings: Settings, tmp_path: Path, name: str) -> None:
    folder = settings.registry_dir if name == "registry" else tmp_path / name
    before = snapshot(tmp_path)
    with pytest.raises(ConfigurationError, match="重叠"):
        prune(settings, NOW, task_logs=folder, apply=True)
    with pytest.raises(ConfigurationError, match="重叠"):
        prune(replace(settings, reports_dir=folder), NOW, apply=True)
    assert snapshot(tmp_path) == before


def test_the_command_line_lists_first_and_prunes_when_told(settings: Settings, tmp_path: Path) -> None:
    old = settings.reports_dir / "2024" / "old.html"
    put(old, 0)
    os.utime(old, (0, 0))
    put(settings.reports_dir / "2024" / "new.html", 0)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("FAZHI_", "AIRFLOW"))
    }
    environment |= {
        "FAZHI_STORE_URL": settings.store_url,
        "FAZHI_RAW_URL": settings.raw_url,
        "FAZHI_REPORTS_DIR": str(settings.reports_dir),
        "FAZHI_BACKUP_DIR": str(settings.backup_dir),
        "FAZHI_GX_DIR": str(settings.gx_dir),
    }

    def fazhi(*arguments: str) -> dict:
        command = [sys.executable, "-m", "fazhi.cli", *arguments, "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        return json.loads(done.stdout) | {"status": done.returncode}

    first = fazhi("prune")
    assert (first["applied"], [one["path"] for one in first["files"]]) == (False, [str(old)])
    assert old.exists()
    assert fazhi("prune", "--apply")["applied"] is True
    assert not old.exists()
    alarms = fazhi("alarms")
    assert alarms["status"] == 1, "no night has run and there is no backup"
    assert {"night-missing", "backup-old"} <= {one["id"] for one in alarms["alarms"]}
    assert all(one["runbook"].endswith(f"#alarm-{one['id']}") for one in alarms["alarms"])


@pytest.mark.ci
def test_old_runs_leave_airflows_own_database_and_young_ones_stay(settings: Settings, tmp_path: Path) -> None:
    home = tmp_path / "airflow"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("FAZHI_", "AIRFLOW"))},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "FAZHI_STORE_URL": settings.store_url,
        "FAZHI_LIMITS_FILE": str(_limits(tmp_path, days=30)),
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *command], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def events() -> list[str]:
        with sqlite3.connect(home / "airflow.db") as database:
            return [
                name for (name,) in database.execute("SELECT event FROM log WHERE event LIKE 'made_up_%'")
            ]

    home.mkdir()
    run("airflow", "db", "migrate")
    with sqlite3.connect(home / "airflow.db") as database:
        for name, days in (("made_up_old", 31), ("made_up_young", 29)):
            at = (now_in_shanghai() - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S.000000")
            database.execute("INSERT INTO log (dttm, event) VALUES (?, ?)", (at, name))
    assert "没有清理" in run("fazhi.cli", "prune", "--metadata")
    assert events() == ["made_up_old", "made_up_young"]
    assert "已清理" in run("fazhi.cli", "prune", "--metadata", "--apply")
    assert events() == ["made_up_young"]


def _limits(tmp_path: Path, days: int) -> Path:
    shipped = PROJECT_ROOT / "include" / "operations" / "limits.yaml"
    data = yaml.safe_load(shipped.read_text(encoding="utf-8"))
    data["retention"]["metadata"]["days"] = days
    file = tmp_path / "limits.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return file
