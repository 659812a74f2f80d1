"""The moves of a year's final results, and what the store itself refuses."""

import threading
from datetime import date

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from fazhi.audit import verify
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.publish import enqueue, final
from fazhi.registry.calendar import WorkingDays
from fazhi.settings import PROJECT_ROOT
from fazhi.store import read, write
from fazhi.store.tables import (
    appeal,
    appeal_decision,
    audit,
    decision,
    final_outcome,
    final_proposal,
    final_proposal_unit,
    final_seal,
    final_version,
    outbox,
    result,
    result_adjustment,
    submission,
    year_lock,
)
from support.decisions import NEXT_ORDINAL
from support.final_steps import CHIEF, CLERK, DEPUTY, OTHER, REGION, STEWARD, YEAR, KilledError, Steps
from support.publish import body_of, unit

A, B = unit(1), unit(2)
CALENDAR = WorkingDays.load(PROJECT_ROOT / "include" / "holidays")
SIGNERS = final.Signers.load(PROJECT_ROOT / "include" / "signers")
AFTER_OBJECTIONS = 8


@pytest.fixture
def steps(engine, editions):
    return Steps(engine, final.Windows(editions.for_year(YEAR), CALENDAR), SIGNERS)


@pytest.fixture
def proposed(steps):
    proposal = steps.propose()
    steps.wait(AFTER_OBJECTIONS)
    return proposal


def sealed(steps):
    given = steps.propose().digest
    steps.wait(AFTER_OBJECTIONS)
    steps.sign(given)
    enqueue(steps.engine, YEAR, body_of=body_of, now=steps.now)
    steps.confirm()
    assert steps.seal()
    steps.wait()


def decide_something(steps, by, asked_by=""):
    with write(steps.engine) as connection:
        connection.execute(
            insert(decision).values(
                ordinal=NEXT_ORDINAL,
                kind="warning",
                year=YEAR,
                unit_code=A,
                indicator_code="A1.1",
                period=str(YEAR),
                verdict="approve",
                reason="合成",
                requested_by=asked_by,
                decided_by=by,
                decided_at=steps.now.isoformat(),
            )
        )


def submit_something(steps, by):
    with write(steps.engine) as connection:
        connection.execute(
            insert(submission).values(
                submission_id=f"s-{by}",
                revision=1,
                kind="unit",
                source="folder",
                year=YEAR,
                period=str(YEAR),
                sender_code=A,
                submitted_at=steps.now.isoformat(),
                submitted_by=by,
                received_at=steps.now.isoformat(),
                content_digest="2" * 64,
            )
        )


def test_the_whole_way_is_recorded_and_owned(steps):
    assert (steps.status().phase, steps.status().deadline) == (final.Phase.OPEN, "2024-04-30")
    proposal = steps.propose()
    assert (proposal.number, proposal.units, proposal.objection_until) == (1, 2, date(2024, 4, 22))
    assert steps.status().next_zh == "公示，期满后签发"
    steps.wait(AFTER_OBJECTIONS)
    status = steps.status()
    assert (status.next_zh, status.deadline, status.overdue) == ("签发", "2024-04-28", False)
    assert "考评负责人甲" in status.owner_zh
    steps.sign(proposal.digest)
    assert (steps.status().phase, steps.status().unconfirmed) == (final.Phase.SIGNED, 2)
    assert enqueue(steps.engine, YEAR, body_of=body_of, now=steps.now).queued == 2
    steps.confirm()
    assert steps.seal()
    assert not steps.seal()
    assert (steps.status().phase, steps.status().next_zh, steps.status().deadline) == (
        final.Phase.SEALED,
        "",
        "",
    )
    actions = [row["action"] for row in steps.rows(audit)]
    assert actions == ["final.proposed", "final.signed", "final.sealed"]
    assert verify(steps.engine).faults == ()


@pytest.mark.parametrize("waited", [0, 1, 7])
def test_nobody_signs_while_objections_may_come(steps, waited):
    given = steps.propose().digest
    steps.wait(waited)
    with pytest.raises(UsageError, match="公示期到 2024-04-22 才满"):
        steps.sign(given)
    assert steps.rows(final_outcome) == []


def test_who_proposed_does_not_sign_and_the_store_refuses_it_too(steps, proposed):
    with pytest.raises(UsageError, match="提出人不能签发自己提出的结果"):
        steps.sign(proposed.digest, STEWARD, role=final.Role.CHIEF)
    row = {
        "year": YEAR,
        "region": REGION,
        "number": 1,
        "outcome": "signed",
        "digest": proposed.digest,
        "proposed_by": STEWARD,
        "decided_by": STEWARD,
        "decided_name": "",
        "decided_as": "chief",
        "decided_at": steps.now.isoformat(),
    }
    with pytest.raises(IntegrityError, match="four_eyes"), write(steps.engine) as connection:
        connection.execute(insert(final_outcome).values(row))
    # a made-up proposer does not help
    with pytest.raises(IntegrityError), write(steps.engine) as connection:
        connection.execute(insert(final_outcome).values(row | {"proposed_by": "nobody"}))
    with pytest.raises(IntegrityError, match="authority"), write(steps.engine) as connection:
        connection.execute(insert(final_outcome).values(row | {"decided_by": OTHER, "decided_as": "steward"}))


def adjust(steps, drafted_by, approved_by):
    with write(steps.engine) as connection:
        steps.add_result(connection, A, 1, "provisional")
        connection.execute(
            insert(result_adjustment).values(
                year=YEAR,
                unit_code=A,
                version=1,
                event_no=1,
                code="X1",
                level="city",
                count=1,
                indicator_code="",
                title_zh="合成",
                document="合成",
                drafted_by=drafted_by,
                approved_by=approved_by,
                approved_on="2024-01-01",
            )
        )


TAINTED = {
    "decided a finding": (lambda s: decide_something(s, CHIEF), "裁定或申请过"),
    "asked for a waiver": (lambda s: decide_something(s, OTHER, CHIEF), "裁定或申请过"),
    "drafted an adjustment": (lambda s: adjust(s, CHIEF, OTHER), "起草人、批准人"),
    "approved an adjustment": (lambda s: adjust(s, OTHER, CHIEF), "起草人、批准人"),
    "submitted": (lambda s: submit_something(s, CHIEF), "报送过材料的人"),
    "decided an appeal": (lambda s: s.decide(s.appeal()[0], account=CHIEF), "处理过申诉的人"),
}


@pytest.mark.parametrize("what", TAINTED)
def test_who_had_a_hand_in_the_year_does_not_sign_it(steps, proposed, what):
    act, told = TAINTED[what]
    act(steps)
    with pytest.raises(UsageError, match=told):
        steps.sign(proposed.digest)
    assert steps.rows(final_outcome) == []
    steps.sign(proposed.digest, DEPUTY)


def test_the_guard_of_the_insert_holds_without_the_words_before_it(steps, proposed, monkeypatch):
    """As if somebody decided between the check and the signature."""
    decide_something(steps, CHIEF)
    monkeypatch.setattr("fazhi.publish.final.steps._digest_faults", lambda *_: iter(()))
    guards = final.steps._obstacles(
        proposed, SIGNERS.official(CHIEF, REGION, steps.now.date()).actor, steps.now.date()
    )
    with pytest.raises(UsageError, match="办理条件在提交时已经变化"), write(steps.engine) as connection:
        final.steps._end(
            connection, proposed, "signed", steps.official(CHIEF), "", steps.now, guards.values()
        )
    assert steps.rows(final_outcome) == []


def test_an_adjustment_that_only_the_registry_knows_bars_its_drafter(steps, proposed):
    with pytest.raises(UsageError, match="起草人、批准人"):
        steps.sign(proposed.digest, barred=frozenset({CHIEF}))


def test_a_steward_does_not_sign_and_a_stranger_does_nothing(steps, proposed):
    with pytest.raises(UsageError, match="只有考评负责人或指定的代理人可以签发"):
        steps.sign(proposed.digest, OTHER)
    for account, day in ((CLERK, date(2024, 4, 23)), (CHIEF, date(2020, 1, 1))):
        with pytest.raises(UsageError, match=f"账号 {account} 在 {day} 没有办理最终结果"):
            SIGNERS.official(account, REGION, day)
    with pytest.raises(UsageError, match="没有签发地区 150300 的权限"):
        SIGNERS.official(CHIEF, "150300", date(2024, 4, 23), to_sign=True)


def test_only_the_digest_that_was_read_and_still_holds_is_signed(steps, proposed):
    with pytest.raises(UsageError, match="所签摘要"):
        steps.sign("0" * 64)
    steps.scores[A] = "80.01"
    with pytest.raises(UsageError, match="提出以后结果有了变动"):
        steps.sign(proposed.digest)
    steps.scores[A] = "80.00"
    steps.sign(proposed.digest)
    with pytest.raises(UsageError, match="已由考评负责人甲（合成数据）于 2024-04-23T09:00:00"):
        steps.sign(proposed.digest, DEPUTY)
    assert len(steps.rows(final_outcome)) == 1


def at_once(*acts):
    """What each act came to when all start together."""
    start, came = threading.Barrier(len(acts)), {}

    def run(number):
        start.wait()
        try:
            acts[number]()
            came[number] = "done"
        except UsageError:
            came[number] = "refused"

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(came.values())


def test_of_two_signers_at_once_one_signs(steps, proposed):
    signed = at_once(
        lambda: steps.sign(proposed.digest, CHIEF),
        lambda: steps.sign(proposed.digest, DEPUTY),
        lambda: steps.withdraw(),
    )
    assert signed == ["done", "refused", "refused"]
    assert len(steps.rows(final_outcome)) == 1
    assert len(steps.rows(audit)) == 2
    assert verify(steps.engine).faults == ()


def test_of_two_proposers_at_once_one_proposes(steps):
    assert at_once(lambda: steps.propose(STEWARD), lambda: steps.propose(OTHER)) == ["done", "refused"]
    assert [row["number"] for row in steps.rows(final_proposal)] == [1]


def test_a_killed_signature_leaves_nothing(steps, proposed):
    with pytest.raises(KilledError):
        steps.sign(proposed.digest, killed=True)
    for table in (final_outcome, final_version, result):
        assert steps.rows(table) == []
    assert [row["action"] for row in steps.rows(audit)] == ["final.proposed"]
    steps.sign(proposed.digest)


def test_an_open_appeal_waits_and_an_upheld_one_asks_for_a_new_proposal(steps, proposed):
    appeal_id, kind = steps.appeal()
    assert (kind, steps.rows(appeal)[0]["late"], steps.rows(appeal)[0]["decide_by"]) == (
        "appeal",
        1,
        "2024-05-09",
    )
    with pytest.raises(UsageError, match="还有申诉没有处理"):
        steps.sign(proposed.digest)
    assert (steps.status().next_zh, steps.status().deadline) == ("处理申诉", "2024-05-09")
    with pytest.raises(UsageError, match="申诉人不能处理自己的申诉"):
        steps.decide(steps.appeal(account=OTHER)[0], account=OTHER)
    steps.decide(2, account="kp-steward-3")
    steps.decide(appeal_id, "upheld")
    with pytest.raises(UsageError, match="已经处理过"):
        steps.decide(appeal_id, "rejected")
    with pytest.raises(UsageError, match="有申诉成立，须撤回、重算后重新提出"):
        steps.sign(proposed.digest)
    steps.withdraw()
    steps.scores[A] = "81.00"
    again = steps.propose()
    assert (again.number, again.digest != proposed.digest) == (2, True)
    steps.wait(12)
    steps.sign(again.digest)


def test_who_submitted_for_a_unit_does_not_decide_its_appeal(steps, proposed):
    submit_something(steps, OTHER)
    with pytest.raises(UsageError, match="报送过该单位材料的人"):
        steps.decide(steps.appeal()[0])
    assert steps.rows(appeal_decision) == []


def test_a_value_that_its_submitter_judged_is_not_proposed(steps):
    submit_something(steps, OTHER)
    decide_something(steps, OTHER)
    with pytest.raises(UsageError, match=f"报送人不得裁定本单位的数据.*{A} A1.1"):
        steps.propose()
    decide_something(steps, "kp-steward-3")
    steps.propose()


def test_an_appeal_after_the_signature_is_a_request_for_a_correction(steps, proposed):
    steps.sign(proposed.digest)
    assert steps.appeal()[1] == "correction_request"
    with pytest.raises(UsageError, match="公示的最终结果里没有单位"):
        steps.appeal(unit(9))


def test_one_proposal_at_a_time_and_each_state_has_its_moves(steps):
    with pytest.raises(UsageError, match="还没有提出最终结果"):
        steps.sign("0" * 64)
    with pytest.raises(UsageError, match="还没有签发，不能封存"):
        steps.seal()
    with pytest.raises(UsageError, match="没有正在公示或已签发"):
        steps.appeal()
    steps.propose()
    with pytest.raises(UsageError, match="正在公示"):
        steps.propose(OTHER)
    with pytest.raises(UsageError, match=r"只有提出人（考评管理员甲（合成数据））"):
        steps.withdraw(OTHER)
    steps.withdraw()
    with pytest.raises(UsageError, match="已撤回，请重新提出"):
        steps.sign("0" * 64)
    steps.wait()
    given = steps.propose().digest
    steps.wait(AFTER_OBJECTIONS)
    steps.sign(given)
    with pytest.raises(UsageError, match="已签发，等待推送确认后封存"):
        steps.propose()
    with pytest.raises(UsageError, match="还有 2 个单位的最终结果未经平台确认"):
        steps.seal()


def test_values_are_locked_again_when_proposed_anew_within_the_same_second(steps):
    steps.propose()
    steps.withdraw()
    steps.propose()
    assert [row["lifted_at"] for row in steps.rows(year_lock)] == [None]


def test_a_year_is_proposed_when_it_is_over(steps):
    steps.now = steps.now.replace(year=YEAR, month=12, day=31)
    with pytest.raises(UsageError, match="2023年度还没有结束"):
        steps.propose()


def test_without_a_holiday_notice_nothing_is_publicised(steps):
    steps.windows = final.Windows(steps.windows.edition, WorkingDays({}, frozenset({2023}), CALENDAR._folder))
    with pytest.raises(ConfigurationError, match="没有 2024 年的节假日安排"):
        steps.propose()
    assert steps.rows(final_proposal) == []


def test_a_correction_takes_a_second_person_and_changes_exactly_what_differs(steps):
    sealed(steps)
    with pytest.raises(UsageError, match="没有需要更正的内容"):
        steps.propose()
    steps.scores[B] = "91.00"
    with pytest.raises(UsageError, match="提出更正须写明理由"):
        steps.propose(reason=" ")
    proposal = steps.propose()
    assert (proposal.kind, proposal.units, proposal.objection_until) == (final.Kind.CORRECTION, 1, None)
    assert steps.status().phase is final.Phase.CORRECTING
    with pytest.raises(UsageError, match="提出人不能签发"):
        steps.sign(proposal.digest, STEWARD, role=final.Role.CHIEF)
    steps.sign(proposal.digest)
    with read(steps.engine) as connection:
        rows = connection.execute(select(final_version).order_by(final_version.c.version)).mappings().all()
    assert [(row["unit_code"], row["version"], row["correction_of"]) for row in rows[2:]] == [(B, 2, 1)]
    assert enqueue(steps.engine, YEAR, body_of=body_of, now=steps.now).queued == 1
    assert steps.status().next_zh == "推送已签发的更正并与平台核对"
    steps.confirm()
    assert steps.status().next_zh == ""
    steps.wait()
    granted, _ = steps.appeal(A)
    steps.decide(granted, "upheld")
    status = steps.status()
    assert (status.phase, status.next_zh) == (
        final.Phase.SEALED,
        "更正申请成立：更正数据、重新核验后提出更正",
    )
    assert status.deadline > str(steps.now.date())
    steps.scores[A] = "77.00"
    proposal = steps.propose()
    steps.wait()
    steps.sign(proposal.digest)
    enqueue(steps.engine, YEAR, body_of=body_of, now=steps.now)
    steps.confirm()
    assert steps.status().next_zh == ""


def test_an_upheld_request_opens_the_values_until_the_correction_is_proposed(steps):
    sealed(steps)
    locked = [row["lifted_at"] for row in steps.rows(year_lock)]
    assert locked == [None]
    steps.decide(steps.appeal()[0], "upheld")
    assert [row["lifted_at"] is None for row in steps.rows(year_lock)] == [False]
    steps.wait()
    steps.scores[A] = "70.00"
    proposal = steps.propose()
    assert [row["lifted_at"] is None for row in steps.rows(year_lock)] == [False, True]
    steps.sign(proposal.digest)
    assert [row["lifted_at"] is None for row in steps.rows(year_lock)] == [False, True]


@pytest.mark.parametrize(
    "table",
    [final_proposal, final_proposal_unit, final_outcome, final_version, final_seal, appeal, appeal_decision],
    ids=lambda table: table.name,
)
@pytest.mark.parametrize("how", ["change", "remove"])
def test_unsealing_or_changing_history_is_refused_by_the_store(steps, table, how):
    sealed(steps)
    steps.decide(steps.appeal()[0])
    before = steps.rows(table)
    assert before
    statement = delete(table) if how == "remove" else update(table).values({next(iter(table.c)).name: 1})
    with pytest.raises(DBAPIError, match="only added to"), write(steps.engine) as connection:
        connection.execute(statement)
    assert steps.rows(table) == before


def test_nothing_provisional_follows_a_signature(steps, proposed):
    steps.sign(proposed.digest)
    with write(steps.engine) as connection:
        steps.scores[unit(3)] = "60.00"
        steps.add_result(connection, unit(3), 1, "provisional")
    assert enqueue(steps.engine, YEAR, body_of=body_of, now=steps.now).queued == 2
    assert {row["stage"] for row in steps.rows(outbox)} == {"final"}


def test_a_final_result_that_nobody_signed_is_never_queued(steps):
    with write(steps.engine) as connection:
        steps.add_result(connection, A, 1, "final")
    assert enqueue(steps.engine, YEAR, body_of=body_of, now=steps.now).queued == 0


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (f"{CHIEF},甲,boss,,2021-01-01,,合成", "第2行 role 列"),
        (f"{CHIEF},甲,chief,,2021-01-01,2020-01-01,合成", "第2行 valid_to 列"),
        (f"{CHIEF},甲,chief,,2021-01-01,,", "第2行 document 列"),
    ],
)
def test_a_faulty_list_of_signers_is_refused(tmp_path, row, fault):
    header = "account_id,name_zh,role,region,valid_from,valid_to,document"
    (tmp_path / "signers.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=fault):
        final.Signers.load(tmp_path)
