"""The watch on a small synthetic city: each alarm appears when its cause does, names who has to act, and goes again."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import delete, insert, select, text, update

from fazhi import pipeline
from fazhi.audit import Actor, Event, append
from fazhi.model.errors import ConfigurationError
from fazhi.operations import Limits, raised
from fazhi.operations.limits import ALARMS
from fazhi.operations.watch import CHECKS
from fazhi.pipeline import SHANGHAI
from fazhi.review.requests import Asked, ask_not_applicable
from fazhi.services.backup import back_up
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store, write
from fazhi.store.raw import RawStore
from fazhi.store.tables import (
    current_validation,
    finding,
    ground_proposal,
    outbox,
    parse,
    pipeline_run,
    portal_report,
    run_end,
)
from support.desk_city import REGION, YEARS, DeskCity, desk_city, run_id_of

YEAR = YEARS[0]
NOW = datetime(YEAR + 1, 1, 10, 9, 0, tzinfo=SHANGHAI)
RUNBOOK = PROJECT_ROOT / "docs" / "operations.zh-CN.md"
SHIPPED = PROJECT_ROOT / "include" / "operations" / "limits.yaml"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> DeskCity:
    return desk_city(tmp_path_factory.mktemp("watched"), years=(YEAR,), units=4, now=NOW - timedelta(hours=6))


@pytest.fixture
def city(template: DeskCity, tmp_path: Path) -> DeskCity:
    """The city with its nights run to the end and a fresh backup."""
    copy = template.copy(tmp_path / "city")
    settings = replace(copy.settings, backup_dir=tmp_path / "backups")
    ended = NOW - timedelta(hours=7)
    with write(copy.engine) as connection:
        this_year = {"run_id": "scheduled__this", "year": NOW.year, "run_type": "scheduled", "mode": "auto"}
        connection.execute(
            insert(pipeline_run).values(
                **this_year, system_id="2024", system_digest="5" * 64, started_at=ended.isoformat()
            )
        )
        for run_id in (run_id_of(YEAR), "scheduled__this"):
            connection.execute(insert(run_end).values(run_id=run_id, ended_at=ended.isoformat()))
    back_up(
        copy.engine, RawStore(settings.raw_url), tmp_path / "backups" / "one", now=NOW - timedelta(hours=3)
    )
    return replace(copy, settings=settings)


def ids(city: DeskCity, now: datetime = NOW) -> set[str]:
    return {one.id for one in raised(city.settings, now)}


def only(city: DeskCity, alarm_id: str, now: datetime = NOW):
    (found,) = [one for one in raised(city.settings, now) if one.id == alarm_id]
    return found


def test_a_city_that_runs_raises_nothing(city: DeskCity, tmp_path: Path) -> None:
    """But for this machine's own disk, which may be as full as it likes."""
    file = limits_with(tmp_path, disk_low={"percent_free": 0.01})
    assert raised(replace(city.settings, limits_file=file), NOW) == ()


def test_a_night_that_does_not_end_is_missed_and_one_that_ends_is_not(city: DeskCity) -> None:
    later = NOW + timedelta(hours=20)
    found = [one for one in raised(city.settings, later) if one.id == "night-missing"]
    assert {one.subject for one in found} == {str(NOW.year), str(YEAR)}
    assert all(one.severity == "critical" and "夜间考评" in one.what_zh for one in found)
    assert {one.since for one in found} == {(NOW - timedelta(hours=7)).isoformat()}
    with write(city.engine) as connection:
        connection.execute(
            insert(pipeline_run).values(
                run_id="backfill__by_hand",
                year=YEAR,
                run_type="backfill",
                mode="dry_run",
                system_id="2024",
                system_digest="5" * 64,
                started_at=later.isoformat(),
            )
        )
    pipeline.note_end(city.settings, run_id="backfill__by_hand", now=later)
    assert "night-missing" in ids(city, later), "a run by hand is no night"


def test_a_new_year_is_not_missed_before_its_first_night_could_run(city: DeskCity) -> None:
    first = datetime(NOW.year + 1, 1, 1, 0, 30, tzinfo=SHANGHAI)
    assert "night-missing" not in ids(city, first)
    assert (
        only(city, "night-missing", first + timedelta(hours=27))
        if False
        else "night-missing" in ids(city, first + timedelta(hours=27))
    )


def test_a_late_department_is_named_with_its_period(city: DeskCity) -> None:
    late = datetime(YEAR + 1, 5, 9, 9, 0, tzinfo=SHANGHAI)
    found = {one.id: one for one in raised(city.settings, late) if one.subject == f"{YEAR}/{REGION}"}
    assert re.search(r"过了期限还没有收到.*（.*年", found["submission-overdue"].what_zh)
    assert re.search(r"还没有更正.*（.*年", found["correction-overdue"].what_zh)
    assert found["submission-overdue"].since.startswith(f"{YEAR + 1}-04-30")
    assert not {"submission-overdue", "correction-overdue"} & ids(city, late - timedelta(days=10))


def hold(city: DeskCity) -> None:
    """Something on an accepted submission that a steward has to release."""
    submission_id, revision = city.submissions(YEAR)[0]
    with write(city.engine) as connection:
        parsed = connection.execute(
            select(parse).where(parse.c.submission_id == submission_id, parse.c.revision == revision)
        ).one()
        connection.execute(delete(finding).where(finding.c.parse_id == parsed.parse_id))
        about = {
            name: getattr(parsed, name)
            for name in ("parse_id", "year", "period", "system_id", "system_digest")
        }
        said = dict.fromkeys(("message_zh", "message_en", "fix_zh"), "合成")
        connection.execute(
            insert(finding).values(
                **about,
                **said,
                unit_code=parsed.sender_code,
                submission_id=submission_id,
                revision=revision,
                check_id="c",
                rule="SYNTHETIC",
                severity="hold",
            )
        )


def test_what_waits_for_a_steward_names_the_steward(city: DeskCity) -> None:
    hold(city)
    assert "submission-waiting" not in ids(city), "received six hours ago"
    found = only(city, "submission-waiting", NOW + timedelta(days=6))
    assert found.subject == f"{YEAR}/{REGION}"
    stewards = (city.settings.signers_dir / "signers.csv").read_text(encoding="utf-8")
    assert all(name in stewards for name in found.concerns_zh.split("、"))
    assert found.concerns_zh


def test_what_nobody_read_is_told(city: DeskCity) -> None:
    with write(city.engine) as connection:
        connection.execute(delete(current_validation))
    assert "submission-unread" not in ids(city)
    assert "没有读取或核验" in only(city, "submission-unread", NOW + timedelta(days=2)).what_zh


def _outbox_row(state: str, changed: datetime) -> Callable[[DeskCity], None]:
    def make(city: DeskCity) -> None:
        with write(city.engine) as connection:
            connection.execute(
                insert(outbox).values(
                    year=YEAR,
                    unit_code="x",
                    version=1,
                    stage="provisional",
                    state=state,
                    idempotency_key=state,
                    digest="0" * 64,
                    body="{}",
                    queued_at=changed.isoformat(),
                    changed_at=changed.isoformat(),
                )
            )

    return make


@pytest.mark.parametrize(
    ("state", "alarm_id", "hours"),
    [
        ("pending", "outbox-waiting", 31),
        ("sent", "outbox-waiting", 31),
        ("refused", "outbox-refused", 2),
        ("conflict", "outbox-refused", 2),
    ],
)
def test_a_result_that_does_not_arrive(city: DeskCity, state: str, alarm_id: str, hours: int) -> None:
    changed = NOW - timedelta(hours=hours)
    _outbox_row(state, changed)(city)
    found = only(city, alarm_id)
    assert (found.subject, found.since) == (str(YEAR), changed.isoformat())
    assert alarm_id not in ids(city, changed + timedelta(minutes=30))
    with write(city.engine) as connection:
        connection.execute(update(outbox).values(state="confirmed"))
    assert alarm_id not in ids(city)


def test_a_report_that_the_portal_never_took(city: DeskCity) -> None:
    row = {
        "submission_id": "s",
        "revision": 1,
        "year": YEAR,
        "outcome": "returned",
        "digest": "0" * 64,
        "body": "{}",
    }
    queued = (NOW - timedelta(hours=31)).isoformat()
    with write(city.engine) as connection:
        connection.execute(insert(portal_report).values(**row, report_no=1, queued_at=queued))
    assert only(city, "report-untold").since == queued
    with write(city.engine) as connection:
        told = {"report_no": 2, "queued_at": NOW.isoformat(), "reported_at": NOW.isoformat()}
        connection.execute(insert(portal_report).values(**row, **told))
    assert "report-untold" not in ids(city), "a later report replaced it"


def test_a_request_and_a_change_of_the_ground_that_nobody_rules_on(city: DeskCity) -> None:
    asked = NOW - timedelta(days=6)
    unit = city.units(YEAR)[0]
    request = Asked("合成申请", Actor("clerk-9", "合成填报员"))
    ask_not_applicable(
        city.engine, unit_code=unit, indicator_code="A1.1", period=str(YEAR), asked=request, now=asked
    )
    with write(city.engine) as connection:
        connection.execute(
            insert(ground_proposal).values(
                tree="registry",
                ground_digest="1" * 64,
                before_digest="2" * 64,
                after_digest="3" * 64,
                shown_digest="4" * 64,
                proposed_by="op-1",
                proposer_name="合成运维员",
                reason="合成",
                proposed_at=asked.isoformat(),
            )
        )
    assert only(city, "request-waiting").since == asked.isoformat()
    assert "合成运维员" in only(city, "ground-waiting").what_zh
    assert not {"request-waiting", "ground-waiting"} & ids(city, asked + timedelta(days=4))


def test_a_year_that_nobody_proposes_and_then_nobody_signs(city: DeskCity) -> None:
    pipeline.propose_final(city.settings, YEAR, REGION, account="kp-steward-1", now=NOW)
    late = NOW + timedelta(days=60)
    found = [one for one in raised(city.settings, late) if one.id == "year-overdue"]
    (signature,) = [one for one in found if one.subject == f"{YEAR}/{REGION}"]
    assert "签发" in signature.what_zh
    assert signature.concerns_zh
    assert date.fromisoformat(signature.since) < late.date()


def test_a_backup_that_is_old_unfinished_or_missing(city: DeskCity) -> None:
    folder = city.settings.backup_dir
    assert only(city, "backup-old", NOW + timedelta(hours=24)).since == (NOW - timedelta(hours=3)).isoformat()
    newer = folder / "two"
    newer.mkdir()
    (newer / "backup.json").write_text("{", encoding="utf-8")  # cut off while it was written
    assert "backup-old" in ids(city, NOW + timedelta(hours=24))
    back_up(city.engine, RawStore(city.settings.raw_url), folder / "three", now=NOW + timedelta(hours=20))
    assert "backup-old" not in ids(city, NOW + timedelta(hours=24))
    assert (
        "没有完整的备份"
        in only(
            replace(city, settings=replace(city.settings, backup_dir=folder / "nowhere")), "backup-old"
        ).what_zh
    )


def test_a_chain_that_was_touched_or_cut(city: DeskCity, tmp_path: Path) -> None:
    for number in range(3):
        with write(city.engine) as connection:
            append(connection, Actor("op-1", "合成甲"), Event("raw.kept", f"{number}", NOW.isoformat()))
    with write(city.engine) as connection:
        connection.execute(text("DROP TRIGGER audit_no_update"))
        connection.execute(text("UPDATE audit SET subject = 'other' WHERE seq = 2"))
    found = only(city, "audit-broken")
    assert "第 2 条" in found.what_zh
    assert "监督" in found.concerns_zh
    heads = tmp_path / "heads.jsonl"
    heads.write_text(
        '{"seq": 9, "digest": "ab", "exported_at": "2025-01-01T00:00:00+08:00"}\n', encoding="utf-8"
    )
    watched = replace(city, settings=replace(city.settings, audit_heads=heads))
    assert "被删除" in only(watched, "audit-broken").what_zh


def limits_with(tmp_path: Path, **changed: object) -> Path:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    for name, limit in changed.items():
        data["alarms"][name.replace("_", "-")] |= limit
    file = tmp_path / "limits.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return file


def test_a_disk_without_room_is_told_once(city: DeskCity, tmp_path: Path) -> None:
    file = limits_with(tmp_path, disk_low={"percent_free": 101})
    found = only(replace(city, settings=replace(city.settings, limits_file=file)), "disk-low")
    assert re.search(r"只剩 [0-9.]+%", found.what_zh)


def test_a_check_that_cannot_be_made_is_an_alarm_and_the_others_go_on(city: DeskCity, tmp_path: Path) -> None:
    _outbox_row("refused", NOW - timedelta(hours=2))(city)
    missing = replace(city.settings, audit_heads=tmp_path / "no-such-file")
    found = {one.id: one for one in raised(missing, NOW)}
    assert "审计链" in found["watch-incomplete"].what_zh
    assert "outbox-refused" in found


def test_a_database_that_does_not_answer_is_an_alarm(city: DeskCity) -> None:
    gone = "postgresql+psycopg://nobody:hush@127.0.0.1:9/fazhi?connect_timeout=2"
    found = [
        one for one in raised(replace(city.settings, store_url=gone), NOW) if one.id == "store-unreachable"
    ]
    assert len(found) == 1
    assert "hush" not in found[0].what_zh


def test_urgent_alarms_come_first(city: DeskCity) -> None:
    hold(city)
    severities = [one.severity for one in raised(city.settings, NOW + timedelta(days=60))]
    assert severities == sorted(severities)
    assert {"critical", "warning"} <= set(severities)


def test_every_alarm_has_its_steps_in_the_runbook_and_every_step_its_alarm() -> None:
    anchors = re.findall(
        r'^### <a id="alarm-([a-z-]+)"></a>', RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(anchors) == sorted(ALARMS)
    limits = Limits.load(SHIPPED)
    titles = dict(
        re.findall(
            r'^### <a id="alarm-([a-z-]+)"></a>(.+)$', RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert titles == {name: kind.title_zh for name, kind in limits.kinds.items()}


def test_every_alarm_can_be_raised_by_some_check() -> None:
    """A kind that no code names would never be raised, and its steps never needed."""
    rooms = [PROJECT_ROOT / "include" / "fazhi" / "operations", PROJECT_ROOT / "plugins"]
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for room in rooms
        for path in room.glob("*.py")
        if path.name != "limits.py"
    )
    assert [name for name in ALARMS if f'"{name}"' not in code] == []
    assert len(CHECKS) >= 10


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data["alarms"].pop("disk-low"), "缺少 disk-low"),
        (lambda data: data["alarms"].update({"moon-full": {}}), "没有 moon-full"),
        (lambda data: data["alarms"]["backup-old"].update(hours=0), "backup-old 的 hours"),
        (lambda data: data["alarms"]["backup-old"].update(severity="loud"), "backup-old 的 severity"),
        (lambda data: data["alarms"]["backup-old"].pop("concerns"), "backup-old 应有且只有"),
        (lambda data: data["retention"]["reports"].update(days=1.5), "retention 的 reports"),
        (lambda data: data.pop("retention"), "retention 应有且只有"),
        (lambda data: data.update(remind_after_hours=True), "remind_after_hours"),
    ],
)
def test_a_slip_in_the_limits_stops_the_watch(change, said: str, tmp_path: Path) -> None:
    data = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    change(data)
    file = tmp_path / "limits.yaml"
    file.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        Limits.load(file)


@pytest.mark.ci
def test_every_check_can_be_made_on_postgresql(city: DeskCity, postgres_url: str) -> None:
    """Statements that only SQLite understands would show as a database that does not answer."""
    settings = replace(city.settings, store_url=postgres_url)
    with write(open_store(postgres_url)) as connection:
        connection.execute(
            insert(pipeline_run).values(
                run_id="scheduled__this",
                year=NOW.year,
                run_type="scheduled",
                mode="auto",
                system_id="2024",
                system_digest="5" * 64,
                started_at=NOW.isoformat(),
            )
        )
    pipeline.note_end(settings, run_id="scheduled__this", now=NOW)
    late = NOW + timedelta(days=2)
    _outbox_row("conflict", NOW)(replace(city, settings=settings))
    found = {one.key for one in raised(settings, late)}
    assert {f"night-missing/{NOW.year}", f"outbox-refused/{YEAR}"} <= found
    assert not {key for key in found if key.startswith(("store-unreachable", "watch-incomplete"))}
