"""What stewards decide on a submission: bound to what was shown, stored once, undone until sent, told to the department."""

import threading
from datetime import date, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, insert, select, update

from fazhi.audit import Actor, verify
from fazhi.collect import report_back
from fazhi.collect.reporting import ReviewOutcome
from fazhi.model.errors import ChangedMeanwhile, UsageError
from fazhi.review import (
    Asked,
    Ruling,
    ask_extension,
    ask_not_applicable,
    ask_waiver,
    decide_shown,
    findings_in_force,
    return_submission,
    rule_on_request,
    shown_digest,
    undo_decision,
    undo_return,
)
from fazhi.sandbox import SandboxPortal
from fazhi.store import read, write
from fazhi.store.decisions import approved, in_force
from fazhi.store.extensions import extension
from fazhi.store.returns import standing_return, standing_returns
from fazhi.store.tables import (
    current_parse,
    current_submission,
    current_validation,
    decision,
    department_request,
    finding,
    parse,
    request_ruling,
    slice_parse,
    submission,
    submission_return,
    validation,
    year_lock,
)
from support.portal import TOKEN, client_of

UNIT, YEAR, REGION = "11150200MB1A00001R", 2024, "150200"
SHANGHAI = timezone(timedelta(hours=8))
NOW = datetime(2025, 2, 1, 9, tzinfo=SHANGHAI)
STEWARD, OTHER, CLERK = (
    Actor("kp-steward-1", "合成甲"),
    Actor("kp-steward-2", "合成乙"),
    Actor("clerk", "合成丙"),
)
ID, REVISION = "synth-1", 1


@pytest.fixture
def held(engine):
    """A submission with a warning, a hold and a block, judged; the finding ids by severity."""
    with write(engine) as connection:
        return submit(connection, ID, REVISION)


def submit(connection, submission_id, revision, digest="3"):
    """A judged current submission with one finding of each severity that matters."""
    connection.execute(
        insert(submission).values(
            submission_id=submission_id,
            revision=revision,
            kind="unit",
            source="portal",
            year=YEAR,
            period="2024-Q1",
            sender_code=UNIT,
            submitted_at=NOW.isoformat(),
            submitted_by=CLERK.actor_id,
            received_at=NOW.isoformat(),
            content_digest="1" * 64,
        )
    )
    here = {"kind": "unit", "sender_code": UNIT, "period": "2024-Q1"}
    parse_id = connection.execute(
        insert(parse)
        .values(
            submission_id=submission_id,
            revision=revision,
            **here,
            year=YEAR,
            reader_digest="0" * 64,
            system_id="2024",
            system_digest="1" * 64,
            file_sha256="2" * 64,
            readable=1,
            parsed_at=NOW.isoformat(),
        )
        .returning(parse.c.parse_id)
    ).scalar_one()
    pointers = (
        (current_submission, {"submission_id": submission_id, "revision": revision}),
        (current_parse, {"parse_id": parse_id}),
    )
    for table, row in pointers:
        conditions = [table.c[name] == text for name, text in here.items()]
        if not connection.execute(update(table).where(*conditions).values(row)).rowcount:
            connection.execute(insert(table).values(**here, year=YEAR, **row))
    judge(connection, parse_id)
    return {
        severity: connection.execute(
            insert(finding)
            .values(
                parse_id=parse_id,
                year=YEAR,
                period="2024-Q1",
                unit_code=UNIT,
                indicator_code=code,
                submission_id=submission_id,
                revision=revision,
                check_id=rule,
                rule=rule,
                severity=severity,
                sheet="填报表",
                cell="E7",
                message_zh="合成问题。",
                message_en="synthetic",
                fix_zh="合成更正。",
                value_digest=digest * 64,
                system_id="2024",
                system_digest="1" * 64,
            )
            .returning(finding.c.finding_id)
        ).scalar_one()
        for severity, rule, code in (
            ("warn", "JUMP", "A1.1"),
            ("hold", "STALE_COPY", "A1.2"),
            ("block", "NUM_GT_DEN", "A1.3"),
        )
    }


def judge(connection, parse_id):
    """A validation in force under which a parse stands."""
    ground = {
        "year": YEAR,
        "region": REGION,
        "system_id": "2024",
        "system_digest": "1" * 64,
        "duty_digest": "4" * 64,
    }
    connection.execute(insert(slice_parse).values(parse_id=parse_id, **ground))
    if connection.scalar(select(func.count()).select_from(current_validation)):
        return
    number = connection.execute(
        insert(validation)
        .values(**ground, input_digest="5" * 64, validated_at=NOW.isoformat(), values_checked=3)
        .returning(validation.c.validation_id)
    ).scalar_one()
    connection.execute(insert(current_validation).values(year=YEAR, region=REGION, validation_id=number))


def shown(engine, submission_id=ID, revision=REVISION):
    with read(engine) as connection:
        return shown_digest(connection, submission_id, revision)


def count(engine, table):
    with read(engine) as connection:
        return connection.scalar(select(func.count()).select_from(table))


def confirm(engine, ids, by=STEWARD, digest=None, verdict="approve", now=NOW):
    ruling = Ruling(verdict, "已核实（合成）", by.actor_id, decided_name=by.name)
    return decide_shown(engine, ID, REVISION, ids, ruling=ruling, shown=digest or shown(engine), now=now)


def send_back(engine, by=STEWARD, digest=None, reason="请补充佐证（合成）", now=NOW):
    return return_submission(
        engine, ID, REVISION, reason=reason, by=by, shown=digest or shown(engine), now=now
    )


def test_a_bulk_ruling_is_all_or_nothing_and_a_second_click_stores_nothing(engine, held):
    seen = shown(engine)
    both = [held["warn"], held["hold"]]
    with pytest.raises(UsageError, match="只能由报送单位更正"):
        confirm(engine, [*both, held["block"]], digest=seen)
    assert count(engine, decision) == 0
    assert confirm(engine, both, digest=seen) == 2
    assert confirm(engine, both, digest=seen) == 0
    assert count(engine, decision) == 2
    with read(engine) as connection:
        assert {key.rule for key in in_force(connection, YEAR)} == {"JUMP", "STALE_COPY"}
        assert len(approved(connection, YEAR, "hold")) == 1
    assert verify(engine).faults == ()


def test_what_changed_meanwhile_stops_a_ruling(engine, held):
    seen = shown(engine)
    confirm(engine, [held["warn"]], by=OTHER)
    with pytest.raises(ChangedMeanwhile, match="没有保存"):
        confirm(engine, [held["warn"], held["hold"]], digest=seen)
    assert count(engine, decision) == 1


def test_a_resubmission_meanwhile_stops_a_ruling_and_a_return(engine, held):
    seen = shown(engine)
    with write(engine) as connection:
        submit(connection, ID, 2)
    with pytest.raises(ChangedMeanwhile):
        confirm(engine, [held["warn"]], digest=seen)
    with pytest.raises(ChangedMeanwhile):
        send_back(engine, digest=seen)
    with pytest.raises(UsageError, match="不是现行的一次"):
        send_back(engine)
    assert (count(engine, decision), count(engine, submission_return)) == (0, 0)


def test_a_new_validation_that_finds_the_same_does_not_stop_a_ruling(engine, held):
    seen = shown(engine)
    with write(engine) as connection:
        connection.execute(update(validation).values(validated_at="2025-02-02T01:30:00+08:00"))
    assert confirm(engine, [held["warn"]], digest=seen) == 1


def test_two_stewards_at_once_store_one_ruling(engine, held):
    seen = shown(engine)
    outcomes = at_once(lambda by: confirm(engine, [held["hold"]], by=by, digest=seen), (STEWARD, OTHER))
    assert set(outcomes) == {1, ChangedMeanwhile}
    assert count(engine, decision) == 1


def test_two_stewards_at_once_return_once(engine, held):
    seen = shown(engine)
    outcomes = at_once(lambda by: send_back(engine, by=by, digest=seen), (STEWARD, OTHER))
    assert set(outcomes) == {True, ChangedMeanwhile}
    assert count(engine, submission_return) == 1


def at_once(act, people):
    outcomes, gate = [], threading.Barrier(len(people))

    def run(by):
        gate.wait()
        try:
            outcomes.append(act(by))
        except UsageError as refused:
            outcomes.append(type(refused))

    threads = [threading.Thread(target=run, args=(by,)) for by in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_a_ruling_is_undone_by_its_author_only_and_once(engine, held):
    confirm(engine, [held["hold"]])
    with read(engine) as connection:
        number = connection.scalar(select(func.max(decision.c.decision_id)))
    with pytest.raises(UsageError, match="只能由本人撤销"):
        undo_decision(engine, number, by=OTHER, reason="", now=NOW)
    assert undo_decision(engine, number, by=STEWARD, reason="", now=NOW)
    assert not undo_decision(engine, number, by=STEWARD, reason="", now=NOW)
    with read(engine) as connection:
        assert list(in_force(connection, YEAR).values()) == ["withdraw"]
    assert confirm(engine, [held["hold"]], by=OTHER) == 1
    with pytest.raises(UsageError, match="新的裁定"):
        undo_decision(engine, number, by=STEWARD, reason="", now=NOW)


def test_who_submitted_neither_rules_nor_returns(engine, held):
    with pytest.raises(UsageError, match="报送过该单位"):
        confirm(engine, [held["warn"]], by=CLERK)
    with pytest.raises(UsageError, match="由您本人提交"):
        send_back(engine, by=CLERK)
    assert (count(engine, decision), count(engine, submission_return)) == (0, 0)


def test_a_return_stands_is_undone_and_stands_again(engine, held):
    assert send_back(engine)
    assert not send_back(engine)  # a second click
    with pytest.raises(UsageError, match="已由 合成甲 退回"):
        send_back(engine, by=OTHER)
    with pytest.raises(UsageError, match="只能由本人撤销"):
        undo_return(engine, ID, REVISION, reason="", by=OTHER, now=NOW)
    assert undo_return(engine, ID, REVISION, reason="", by=STEWARD, now=NOW)
    assert not undo_return(engine, ID, REVISION, reason="", by=STEWARD, now=NOW)
    with read(engine) as connection:
        assert standing_return(connection, ID, REVISION) is None
    assert send_back(engine, by=OTHER)
    with read(engine) as connection:
        assert standing_returns(connection, YEAR)[ID, REVISION].decided_by == OTHER.actor_id
    assert verify(engine).faults == ()
    assert count(engine, submission_return) == 3


def test_nothing_is_returned_while_the_year_is_locked(engine, held):
    with write(engine) as connection:
        lock = {"year": YEAR, "region": REGION, "locked_at": NOW.isoformat(), "reason": "最终结果公示"}
        connection.execute(insert(year_lock).values(**lock))
    with pytest.raises(UsageError, match="已锁定（最终结果公示）"):
        send_back(engine)


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_a_return_says_why(engine, held, reason):
    with pytest.raises(UsageError, match="退回原因"):
        send_back(engine, reason=reason)


def test_the_department_is_told_once_and_then_nothing_is_undone(engine, held, tmp_path):
    confirm(engine, [held["hold"]])
    send_back(engine)
    with SandboxPortal(token=TOKEN, folder=tmp_path) as portal, client_of(portal) as client:
        counts = report_back(engine, client, YEAR, lambda *_: None, now=NOW + timedelta(hours=1))
    assert (counts.due, dict(counts.outcomes or {})) == (
        1,
        {
            ReviewOutcome.ACCEPTED.value: 0,
            ReviewOutcome.ACCEPTED_WITH_WARNINGS.value: 0,
            ReviewOutcome.RETURNED.value: 1,
        },
    )
    with pytest.raises(UsageError, match="已经发出"):
        undo_return(engine, ID, REVISION, reason="", by=STEWARD, now=NOW + timedelta(hours=2))
    with read(engine) as connection:
        number = connection.scalar(select(func.max(decision.c.decision_id)))
    with pytest.raises(UsageError, match="已经告知"):
        undo_decision(engine, number, by=STEWARD, reason="", now=NOW + timedelta(hours=2))


def test_a_waiver_is_asked_by_one_and_granted_by_another(engine, held):
    with pytest.raises(UsageError, match="不能豁免"):
        ask_waiver(engine, finding_id=held["block"], asked=Asked("合成", CLERK), now=NOW)
    number = ask_waiver(engine, finding_id=held["hold"], asked=Asked("系统停机（合成）", OTHER), now=NOW)
    assert (
        ask_waiver(engine, finding_id=held["hold"], asked=Asked("系统停机（合成）", OTHER), now=NOW) == number
    )
    with pytest.raises(UsageError, match="不能是同一人"):
        rule_on_request(engine, number, Ruling("approve", "同意", OTHER.actor_id), now=NOW)
    ruling = Ruling("approve", "情况属实（合成）", STEWARD.actor_id, decided_name=STEWARD.name)
    assert rule_on_request(engine, number, ruling, turns=0, now=NOW)
    assert not rule_on_request(engine, number, ruling, turns=0, now=NOW)
    with read(engine) as connection:
        assert [key.rule for key in approved(connection, YEAR, "hold")] == ["STALE_COPY"]
    assert rule_on_request(
        engine, number, Ruling("withdraw", "撤回（合成）", STEWARD.actor_id), turns=1, now=NOW
    )
    with read(engine) as connection:
        assert approved(connection, YEAR, "hold") == frozenset()
    assert verify(engine).faults == ()


def test_two_grants_at_once_are_one(engine, held):
    number = ask_not_applicable(
        engine,
        unit_code=UNIT,
        indicator_code="A1.1",
        period="2024-Q1",
        asked=Asked("无此职责", CLERK),
        now=NOW,
    )

    def grant(by):
        ruling = Ruling("approve", "合成", by.actor_id, decided_name=by.name)
        return rule_on_request(engine, number, ruling, turns=0, now=NOW)

    assert set(at_once(grant, (STEWARD, OTHER))) == {True, ChangedMeanwhile}
    assert count(engine, request_ruling) == 1
    with read(engine) as connection:
        assert len(approved(connection, YEAR, "not_applicable")) == 1


def test_an_extension_counts_once_granted_and_not_when_taken_back(engine, held):
    with pytest.raises(UsageError, match="不合理"):
        ask_extension(
            engine,
            unit_code=UNIT,
            period="2024-Q1",
            until=date(2024, 3, 31),
            asked=Asked("合成", CLERK),
            now=NOW,
        )
    number = ask_extension(
        engine, unit_code=UNIT, period="2024-Q1", until=date(2024, 4, 20), asked=Asked("合成", CLERK), now=NOW
    )
    assert of_unit(engine) is None
    rule_on_request(engine, number, Ruling("approve", "同意", STEWARD.actor_id), now=NOW)
    assert of_unit(engine) == "2024-04-20"
    rule_on_request(engine, number, Ruling("withdraw", "撤回", STEWARD.actor_id), now=NOW)
    assert of_unit(engine) is None
    assert count(engine, department_request) == 1


def of_unit(engine):
    with read(engine) as connection:
        return extension(connection, UNIT, "2024-Q1")


def test_only_findings_in_force_are_shown(engine, held):
    with write(engine) as connection:
        submit(connection, ID, 2)
    with read(engine) as connection:
        assert findings_in_force(connection, ID, 1) == []
        assert len(findings_in_force(connection, ID, 2)) == 3
