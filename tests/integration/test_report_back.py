"""What departments are told of their submissions: the right outcome, once, and nothing that is not judged."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from datetime import date, datetime, timedelta, timezone

import jsonschema
import pytest
from sqlalchemy import select, update

from fazhi import pipeline
from fazhi.audit import verify
from fazhi.collect import ReviewOutcome, report_back
from fazhi.collect.reporting import outcome_of
from fazhi.model.errors import ConfigurationError, Unreachable
from fazhi.sandbox import Fault, FaultKind, Moment, SandboxPortal
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.store import open_store, read, tables, write
from fazhi.store.decisions import DecisionKey, Ruled
from fazhi.store.findings import current_findings
from support.city import city_environment, fazhi, write_city
from support.portal import TOKEN, client_of, faults_of, schema_of_review, sha256_of

YEAR = 2023
NOW = datetime(2024, 2, 1, 1, 30, tzinfo=timezone(timedelta(hours=8)))
BOOK = b"PK synthetic correction workbook"


@pytest.fixture(scope="module")
def judged(tmp_path_factory, registry, editions):
    """A city's year, brought by a portal and validated: its submissions and its store."""
    home = tmp_path_factory.mktemp("judged")
    inbox = write_city(
        registry,
        editions,
        home / "city",
        years=range(YEAR, YEAR + 1),
        units=3,
        faults="0.05",
        today=date(2024, 2, 1),
    ).inbox
    with SandboxPortal(token=TOKEN, folder=inbox) as portal:
        settings = settings_of(home, portal)
        counts = pipeline.collect(settings, YEAR, pipeline.PORTAL)
        assert counts["new"] == counts["found"] > 6
        assert counts["problems"] == []
    pipeline.intake(settings, YEAR)
    for region in pipeline.region_codes(settings, YEAR):
        pipeline.validate(settings, YEAR, region)
    return home


def settings_of(home, portal):
    return Settings.load(
        environ={
            "FAZHI_STORE_URL": f"sqlite:///{home / 'fazhi.db'}",
            "FAZHI_RAW_URL": str(home / "raw"),
            "FAZHI_INBOX": str(home / "inbox"),
            "FAZHI_PORTAL_URL": portal.url if portal else "",
            "FAZHI_PORTAL_TOKEN": TOKEN,
        }
    )


@pytest.fixture
def engine(judged, tmp_path):
    for name in ("fazhi.db", "fazhi.db-wal", "fazhi.db-shm"):
        if (judged / name).exists():
            shutil.copy(judged / name, tmp_path / name)
    return open_store(f"sqlite:///{tmp_path / 'fazhi.db'}")


@pytest.fixture
def portal(judged):
    with SandboxPortal(token=TOKEN, folder=judged / "city") as running:
        yield running


@pytest.fixture
def tell(engine, portal):
    def told(correction_list=lambda *_: None, now=NOW, **options):
        with client_of(portal, **options) as client:
            return report_back(engine, client, YEAR, correction_list, now=now)

    return told


def findings(engine):
    found = {}
    with read(engine) as connection:
        for row in current_findings(connection, YEAR):
            found.setdefault(row["submission_id"], []).append(row)
    return found


def submissions(engine):
    with read(engine) as connection:
        return set(connection.execute(select(tables.submission.c.submission_id)).scalars())


def reports(engine):
    with read(engine) as connection:
        return [dict(row) for row in connection.execute(select(tables.portal_report)).mappings()]


def expected_outcome(rows):
    severities = {row["severity"] for row in rows}
    if severities & {"block", "security"}:
        return "returned"
    if "hold" in severities:
        return None
    return "accepted_with_warnings" if "warn" in severities else "accepted"


def test_each_submission_is_told_its_outcome_and_findings(engine, portal, tell):
    counts = tell()
    found = findings(engine)
    expected = {name: expected_outcome(found.get(name, [])) for name in submissions(engine)}
    told = dict(portal.shelf.reviews())
    assert {name: review["outcome"] for name, review in told.items()} == {
        name: outcome for name, outcome in expected.items() if outcome
    }
    assert len(portal.shelf.reviews()) == len(told) == counts.told == counts.due
    assert counts.waiting == sum(outcome is None for outcome in expected.values())
    assert dict(counts.outcomes) == {
        outcome.value: Counter(expected.values())[outcome.value] for outcome in ReviewOutcome
    }
    assert {"returned", "accepted"} <= set(expected.values())
    for name, review in told.items():
        assert faults_of(schema_of_review(), review) == []
        assert [
            (one["rule"], one["severity"], one["where"].split(" ")[-1]) for one in review["findings"]
        ] == [(row["rule"], row["severity"], row["cell"] or "整份文件") for row in found.get(name, [])]
        assert review["reviewed_at"] == "2024-02-01T01:30:00+08:00"
        assert review["reviewed_by"] == "自动核验"
        assert all(one["message"] for one in review["findings"])


def test_told_again_nothing_is_sent(engine, portal, tell):
    first = tell()
    portal.requests.clear()
    again = tell(now=NOW + timedelta(days=1))
    assert portal.requests == []
    assert (again.due, again.told, again.already) == (0, 0, first.told)
    assert (verify(engine).count, verify(engine).faults) == (first.told, ())


def test_what_differs_is_told_again_and_only_that(engine, portal, tell):
    tell()
    name, rows = next((name, rows) for name, rows in findings(engine).items() if rows)
    with write(engine) as connection:
        connection.execute(
            update(tables.finding)
            .where(tables.finding.c.finding_id == rows[0]["finding_id"])
            .values(message_zh="换了说法。")
        )
    before = len(portal.shelf.reviews())
    assert tell().told == 1
    (new,) = portal.shelf.reviews()[before:]
    assert new[0] == name
    assert "换了说法。" in json.dumps(new[1], ensure_ascii=False)
    assert max(row["report_no"] for row in reports(engine) if row["submission_id"] == name) == 2


def test_a_correction_workbook_is_uploaded_first_and_named(engine, portal, tell):
    asked = []

    def correction_list(submission_id, revision):
        asked.append((submission_id, revision))
        return BOOK + submission_id.encode()

    tell(correction_list)
    found = findings(engine)
    for name, review in portal.shelf.reviews():
        if name in found:
            assert review["correction_list_sha256"] == sha256_of(BOOK + name.encode())
            assert portal.shelf.file(review["correction_list_sha256"]) == BOOK + name.encode()
        else:
            assert "correction_list_sha256" not in review
    assert sorted(asked) == sorted((name, 1) for name, _ in portal.shelf.reviews() if name in found)
    order = [(method, status) for method, _, status in portal.requests]
    assert order.index(("POST", 201)) < order.index(("PUT", 200))


@pytest.mark.parametrize("moment", list(Moment))
def test_an_answer_that_is_lost_is_asked_for_again_with_the_same_bytes(engine, portal, tell, moment):
    portal.faults.add(Fault(FaultKind.CUT, moment, method="PUT", times=2))
    counts = tell()
    bodies = {}
    for name, review in portal.shelf.reviews():
        bodies.setdefault(name, set()).add(json.dumps(review, sort_keys=True))
    assert {len(different) for different in bodies.values()} == {1}
    assert len(bodies) == counts.told


def test_a_portal_that_goes_away_is_told_the_rest_next_time(engine, portal, tell, monkeypatch):
    monkeypatch.setattr("fazhi.collect.reporting._PER_TRANSACTION", 4)
    for name in sorted(submissions(engine))[6:]:
        portal.faults.add(Fault(FaultKind.STATUS, path=name, status=503, times=99))
    with pytest.raises(Unreachable):
        tell()
    told_before = len(portal.shelf.reviews())
    assert 0 < told_before <= 6
    pending = [row for row in reports(engine) if row["reported_at"] is None]
    assert pending
    portal.faults.clear()
    tell(now=NOW + timedelta(days=1))
    names = [name for name, _ in portal.shelf.reviews()]
    assert len(names) == len(set(names)) > told_before
    for row in pending:  # as they were written down the night before
        (resent,) = [review for name, review in portal.shelf.reviews() if name == row["submission_id"]]
        assert resent == json.loads(row["body"])


def test_a_submission_that_the_portal_does_not_know_is_a_problem_and_stops_no_other(engine, tell, portal):
    name = sorted(submissions(engine))[0]
    portal.faults.add(Fault(FaultKind.STATUS, status=404, method="PUT", times=1))
    counts = tell()
    assert counts.told == counts.due - 1
    (problem,) = counts.problems
    assert f"门户报送 {name} 第1次：门户上没有这份报送" in problem
    assert tell().told == 1


def test_a_review_that_is_refused_is_a_problem_and_stops_no_other(tell, portal):
    portal.faults.add(Fault(FaultKind.STATUS, status=422, method="PUT", times=1))
    counts = tell()
    assert counts.told == counts.due - 1
    assert "审核结果没有送达" in counts.problems[0]


def test_what_is_not_validated_is_not_told(engine, tell, portal):
    with write(engine) as connection:
        connection.execute(tables.current_validation.delete())
    assert tell().due == 0
    assert portal.requests == []


def test_what_came_from_the_folder_is_told_only_if_the_portal_has_it_too(engine, tell, portal):
    with write(engine) as connection:
        connection.execute(update(tables.submission).values(source="folder"))
    assert tell().due == 0
    name = sorted(submissions(engine))[0]
    with write(engine) as connection:
        connection.execute(tables.portal_copy.insert(), [{"submission_id": name, "revision": 1}])
    assert tell().due == 1


def test_without_a_portal_it_only_counts(engine, portal):
    counts = report_back(engine, None, YEAR, lambda *_: None, now=NOW)
    assert counts.due > 0
    assert counts.told == 0
    assert reports(engine) == []


# --- the outcome


def finding(severity, **changes):
    return {
        "severity": severity,
        "unit_code": "U",
        "indicator_code": "A1.1",
        "period": "2023",
        "rule": "R",
        "value_digest": "d",
        **changes,
    }


def decided(kind, verdict, **changes):
    key = {
        "unit_code": "U",
        "indicator_code": "A1.1",
        "period": "2023",
        "rule": "R",
        "value_digest": "d",
        **changes,
    }
    return {DecisionKey(kind=kind, **key): Ruled(verdict, "合成数据")}


@pytest.mark.parametrize(
    ("severities", "decisions", "outcome"),
    [
        ((), {}, "accepted"),
        (("note",), {}, "accepted"),
        (("warn", "note"), {}, "accepted_with_warnings"),
        (("warn",), decided("warning", "approve"), "accepted"),
        (("warn",), decided("warning", "refuse"), "returned"),
        (("warn",), decided("warning", "withdraw"), "accepted_with_warnings"),
        (("warn",), decided("warning", "approve", value_digest="other"), "accepted_with_warnings"),
        (("hold",), {}, None),
        (("hold", "warn"), {}, None),
        (("hold",), decided("hold", "approve"), "accepted"),
        (("hold",), decided("hold", "refuse"), "returned"),
        (("hold",), decided("warning", "approve"), None),
        (("block",), {}, "returned"),
        (("hold", "block"), {}, "returned"),
        (("security",), {}, "returned"),
        (("block",), decided("hold", "approve"), "returned"),
    ],
)
def test_what_findings_and_decisions_make_of_a_submission(severities, decisions, outcome):
    assert outcome_of([finding(severity) for severity in severities], decisions) == outcome


# --- the step


@pytest.mark.parametrize(
    ("year_before", "push", "run_type", "told"),
    [
        (0, True, "scheduled", True),
        (0, True, "manual", True),
        (0, True, "backfill", True),
        (1, True, "scheduled", True),
        (1, True, "backfill", False),
        (1, True, "manual", False),
        (0, False, "scheduled", False),
        (1, False, "backfill", False),
    ],
)
def test_prior_years_notify_nobody_unless_the_nightly_run_does(year_before, push, run_type, told):
    year = pipeline.now_in_shanghai().year - year_before
    assert pipeline.tells_departments(year, push=push, run_type=run_type) is told


def test_the_step_without_a_portal_does_nothing(judged):
    counts = pipeline.report_back(settings_of(judged, None), YEAR, tell=True)
    assert (counts["configured"], counts["told"], counts["problems"]) == (False, 0, [])
    with pytest.raises(ConfigurationError, match="FAZHI_PORTAL_URL"):
        pipeline.portal_client(settings_of(judged, None))


def command_environment(judged, portal, home):
    return city_environment(
        home,
        home / "inbox",
        FAZHI_RAW_URL=str(judged / "raw"),
        FAZHI_PORTAL_URL=portal.url,
        FAZHI_PORTAL_TOKEN=TOKEN,
    )


def test_the_command_tells_and_a_dry_run_does_not(engine, judged, portal, tmp_path):
    env = command_environment(judged, portal, tmp_path)
    dry = json.loads(fazhi("return", "--year", str(YEAR), "--dry-run", "--json", env=env).stdout)
    assert (dry["told"], dry["pushed"]) == (0, False)
    assert portal.shelf.reviews() == []
    done = json.loads(fazhi("return", "--year", str(YEAR), "--json", env=env).stdout)
    assert done["told"] == dry["due"] == len(portal.shelf.reviews())
    collected = fazhi("collect", "--year", str(YEAR), "--source", "portal", "--json", env=env)
    (counts,) = json.loads(collected.stdout)
    assert (counts["source"], counts["new"], counts["problems"]) == ("portal", 0, [])


def test_killed_while_telling_each_outcome_stands_once(engine, judged, portal, tmp_path):
    env = command_environment(judged, portal, tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-m", "fazhi.cli", "return", "--year", str(YEAR)],
        env=env,
        cwd=PROJECT_ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and len(portal.requests) < 3:
        time.sleep(0.001)
    alive = process.poll() is None
    process.kill()
    process.wait()
    assert alive
    with client_of(portal) as client:
        report_back(engine, client, YEAR, lambda *_: None, now=NOW)
    told = {}
    for name, review in portal.shelf.reviews():
        told.setdefault(name, set()).add(json.dumps(review, sort_keys=True))
    assert {len(bodies) for bodies in told.values()} == {1}
    assert {row["submission_id"] for row in reports(engine)} == set(told)
    assert all(row["reported_at"] and row["report_no"] == 1 for row in reports(engine))


def test_the_review_schema_is_a_real_judge():
    assert faults_of(schema_of_review(), {"outcome": "fine", "reviewed_at": "2024-01-01T00:00:00Z"})
    jsonschema.Draft202012Validator.check_schema(schema_of_review())
