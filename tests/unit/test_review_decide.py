"""Decisions: the newest verdict stands, bound to the value; what cannot be decided is refused in Chinese."""

from datetime import datetime

import pytest
from sqlalchemy import func, insert, select

from fazhi.model.errors import UsageError
from fazhi.review import Ruling, decide_finding, decide_not_applicable
from fazhi.store import read, write
from fazhi.store.decisions import approved, in_force
from fazhi.store.tables import decision, finding, parse, submission

NOW = datetime.fromisoformat("2024-05-01T09:00:00+08:00")
UNIT = "11150200MB1A00001R"
CLAIM = {"unit_code": UNIT, "indicator_code": "A1.1", "period": "2024-Q1"}


def _finding(engine, severity: str) -> int:
    with write(engine) as connection:
        parse_id = connection.execute(
            insert(parse).values(
                submission_id="synth-1",
                revision=1,
                kind="unit",
                sender_code=UNIT,
                year=2024,
                period="2024-Q1",
                reader_digest="0" * 64,
                system_id="2024",
                system_digest="1" * 64,
                file_sha256="2" * 64,
                readable=1,
                parsed_at=NOW.isoformat(),
            )
        ).inserted_primary_key[0]
        return connection.execute(
            insert(finding).values(
                parse_id=parse_id,
                year=2024,
                period="2024-Q1",
                unit_code=UNIT,
                indicator_code="A1.1",
                submission_id="synth-1",
                revision=1,
                check_id="JUMP",
                rule="JUMP",
                severity=severity,
                message_zh="合成",
                message_en="synthetic",
                fix_zh="合成",
                value_digest="3" * 64,
                system_id="2024",
                system_digest="1" * 64,
            )
        ).inserted_primary_key[0]


def _rows(engine) -> int:
    with read(engine) as connection:
        return connection.scalar(select(func.count()).select_from(decision))


def test_the_same_ruling_twice_is_stored_once(engine):
    ruling = Ruling("approve", "无此职责", "审核员乙", "填报员甲")
    assert decide_not_applicable(engine, **CLAIM, ruling=ruling, now=NOW)
    assert not decide_not_applicable(engine, **CLAIM, ruling=ruling, now=NOW)
    assert _rows(engine) == 1


def test_a_later_withdrawal_ends_an_approval_and_history_stays(engine):
    for verdict in ("approve", "withdraw", "approve", "refuse"):
        decide_not_applicable(engine, **CLAIM, ruling=Ruling(verdict, "理由", "审核员乙"), now=NOW)
    with read(engine) as connection:
        assert approved(connection, 2024, "not_applicable") == frozenset()
        assert list(in_force(connection, 2024).values()) == ["refuse"]
    assert _rows(engine) == 4


def test_a_warning_is_confirmed_for_the_value_it_stands_on(engine):
    finding_id = _finding(engine, "warn")
    assert decide_finding(
        engine, finding_id=finding_id, ruling=Ruling("approve", "属实", "审核员乙"), now=NOW
    )
    with read(engine) as connection:
        (key,) = approved(connection, 2024, "warning")
    assert (key.rule, key.value_digest, key.indicator_code) == ("JUMP", "3" * 64, "A1.1")


@pytest.mark.parametrize("severity", ["block", "security", "note"])
def test_what_must_be_corrected_cannot_be_decided_away(engine, severity):
    finding_id = _finding(engine, severity)
    with pytest.raises(UsageError, match="只能由报送单位更正"):
        decide_finding(engine, finding_id=finding_id, ruling=Ruling("approve", "理由", "审核员乙"), now=NOW)
    assert _rows(engine) == 0


@pytest.mark.parametrize(
    ("ruling", "words"),
    [
        (Ruling("perhaps", "理由", "审核员乙"), "裁定只能是"),
        (Ruling("approve", "  ", "审核员乙"), "请写明理由"),
        (Ruling("approve", "理由", ""), "请写明裁定人"),
        (Ruling("approve", "理由", "审核员乙", "审核员乙"), "不能是同一人"),
    ],
)
def test_an_incomplete_ruling_is_refused(engine, ruling, words):
    with pytest.raises(UsageError, match=words):
        decide_not_applicable(engine, **CLAIM, ruling=ruling, now=NOW)
    assert _rows(engine) == 0


def test_an_unreadable_period_and_an_unknown_finding_are_refused(engine):
    ruling = Ruling("approve", "理由", "审核员乙")
    with pytest.raises(UsageError, match="2024-Q3"):
        decide_not_applicable(engine, **(CLAIM | {"period": "2024年"}), ruling=ruling, now=NOW)
    with pytest.raises(UsageError, match="没有编号为 7 的核验问题"):
        decide_finding(engine, finding_id=7, ruling=ruling, now=NOW)


def test_who_submitted_for_a_unit_does_not_decide_on_it(engine):
    with write(engine) as connection:
        connection.execute(
            insert(submission).values(
                submission_id="synth-1",
                revision=1,
                kind="unit",
                source="folder",
                year=2024,
                period="2024-Q1",
                sender_code=UNIT,
                submitted_at=NOW.isoformat(),
                submitted_by="合成填报人",
                received_at=NOW.isoformat(),
                content_digest="4" * 64,
            )
        )
    number = _finding(engine, "warn")
    own, other = (Ruling("approve", "情况属实（合成数据）", name) for name in ("合成填报人", "合成审核人"))
    with pytest.raises(UsageError, match="合成填报人 报送过该单位2024年度的材料"):
        decide_finding(engine, finding_id=number, ruling=own, now=NOW)
    with pytest.raises(UsageError, match="请由他人裁定"):
        decide_not_applicable(engine, **CLAIM, ruling=own, now=NOW)
    assert _rows(engine) == 0
    assert decide_finding(engine, finding_id=number, ruling=other, now=NOW)
    assert _rows(engine) == 1
