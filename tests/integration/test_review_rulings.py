"""What a steward ruled, in what goes back: receipt, list of corrections, the marked cells (contracts/indicator-system.md)."""

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell
from sqlalchemy import select

from fazhi.collect.reporting import _told_finding, outcome_of
from fazhi.model.terms import Severity
from fazhi.review import Ruling, decide_finding, decide_not_applicable
from fazhi.review.listed import Listed
from fazhi.review.listing import LIST_SHEET
from fazhi.review.marked import FILL_OF
from fazhi.review.stored import returned
from fazhi.store import read
from fazhi.store.decisions import CLAIM_RULE, DECISION_OF_SEVERITY, rulings
from fazhi.store.findings import current_findings
from fazhi.store.tables import finding
from integration.test_review_returns import NOW, Desk
from support.returns import COVER, department, fill

PHONE = {"A1.3": {"note": "手机 13800138000"}}
"""A warning on one cell (PII_FOUND); the cover without a signature is a hold on the whole file (NOT_APPROVED)."""
UNSIGNED = {**COVER, "签发人": ""}
NOT_ACCEPTED = "审核人员没有认可：已向单位核实（合成数据），联系电话 138****8000。"
"""The reason that ``rule`` gives, as a department reads it."""
WARNED, HELD = "PII_FOUND", "NOT_APPROVED"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path)
    fill(tmp_path / "填报表.xlsx", PHONE, cover=UNSIGNED)
    made.submit(tmp_path / "填报表.xlsx")
    return made


def rule(desk: Desk, verdict: str, rules: Iterable[str] = (WARNED, HELD)) -> None:
    with read(desk.engine) as connection:
        found = connection.execute(select(finding.c.finding_id, finding.c.rule, finding.c.severity)).all()
    asked = [one for one in found if one.rule in rules and one.severity in DECISION_OF_SEVERITY]
    assert {one.rule for one in asked} == set(rules)
    for one in asked:
        ruling = Ruling(verdict, "已向单位核实（合成数据），联系电话 13800138000。", "steward")
        assert decide_finding(desk.engine, finding_id=one.finding_id, ruling=ruling, now=NOW)


def back(desk: Desk):
    with read(desk.engine) as connection:
        return returned(connection, desk.edition, desk.registry, "S1", 1)


def rules_of(findings: Iterable[Listed]) -> list[str]:
    return sorted(one.rule for one in findings)


def list_rows(marked: bytes) -> dict[str, tuple[str, ...]]:
    """The rows of the list by what they are called for (处理)."""
    sheet = load_workbook(io.BytesIO(marked))[LIST_SHEET]
    rows = [[str(cell.value or "") for cell in row] for row in sheet.iter_rows()]
    begins = next(number for number, row in enumerate(rows) if row[0] == "序号")
    return {row[1]: tuple(row) for row in rows[begins + 1 :]}


def commented(marked: bytes) -> Cell:
    """The only cell with a comment."""
    sheet = load_workbook(io.BytesIO(marked))["填报表"]
    (cell,) = [cell for row in sheet.iter_rows() for cell in row if cell.comment]
    return cell


def test_before_a_ruling_both_ask_for_something(desk: Desk):
    assert rules_of(back(desk).to_correct) == [HELD, WARNED]
    text = desk.receipt().text
    assert "共 2 处：待审核决定 1 处，请说明或更正 1 处。" in text
    assert "决定作出之前有关数据不计分" in text
    assert "审核人员" not in text
    assert set(list_rows(desk.marked())) == {"待审核决定", "请说明或更正"}


def test_what_a_steward_confirmed_asks_for_nothing_any_more(desk: Desk):
    rule(desk, "approve")
    gone_back = back(desk)
    assert (rules_of(gone_back.to_correct), rules_of(gone_back.confirmed)) == ([], [HELD, WARNED])
    receipt = desk.receipt()
    assert "共 2 处：已确认 2 处。" in receipt.text
    assert "下一步：不需要更正。\n" in receipt.text
    assert "一、需要处理的内容（0 处）" in receipt.text
    assert "四、审核人员已确认的内容（2 处，不需要处理）" in receipt.text
    assert "四、审核人员已确认的内容" in receipt.html
    for shown in (receipt.text, receipt.html):
        assert "不计分" not in shown
        assert "请说明或更正" not in shown
    assert desk.marked() is None


def test_beside_an_open_finding_a_confirmed_one_is_listed_without_a_task(desk: Desk):
    rule(desk, "approve", [WARNED])
    assert (rules_of(back(desk).to_correct), rules_of(back(desk).confirmed)) == ([HELD], [WARNED])
    marked = desk.marked()
    rows = list_rows(marked)
    assert set(rows) == {"待审核决定", "已确认"}
    assert rows["已确认"][7] == "—"
    assert rows["已确认"][9] == "审核人员已确认，不需要处理"
    assert rows["待审核决定"][9] == "请先与考评办联系，决定之前不计分"
    cell = commented(marked)
    assert cell.fill.fgColor.rgb.endswith(FILL_OF[Severity.NOTE])
    assert "，已确认】" in cell.comment.text
    assert "怎样更正" not in cell.comment.text


def test_what_a_steward_did_not_accept_must_be_corrected(desk: Desk):
    rule(desk, "refuse")
    gone_back = back(desk)
    assert (rules_of(gone_back.to_correct), gone_back.confirmed) == ([HELD, WARNED], ())
    receipt = desk.receipt(due_zh="2025年1月20日前")
    assert "共 2 处：不予认可 2 处。" in receipt.text
    assert "列为“不予认可”的，审核人员没有认可，请更正后重新报送。" in receipt.text
    assert "决定作出之前" not in receipt.text
    by_rule = {one.rule: gone_back.head.by_when_zh(one) for one in gone_back.findings}
    assert by_rule == {
        HELD: "本期报送截止前更正并重新报送，更正前不计分",
        WARNED: "本期报送截止前更正并重新报送",
    }
    assert '<span class="chip block">不予认可</span>' in receipt.html
    assert receipt.text.count(f"   {NOT_ACCEPTED}\n") == 2
    assert receipt.html.count(f"<b>{NOT_ACCEPTED}</b>") == 2
    marked = desk.marked()
    assert set(list_rows(marked)) == {"不予认可"}
    assert f"\n{NOT_ACCEPTED}" in list_rows(marked)["不予认可"][6]
    assert f"\n{NOT_ACCEPTED}\n怎样更正：" in commented(marked).comment.text


def test_a_ruling_that_was_withdrawn_leaves_the_finding_as_it_was(desk: Desk):
    before = desk.receipt()
    rule(desk, "refuse")
    rule(desk, "withdraw")
    assert desk.receipt() == before


def test_a_claim_of_not_applicable_that_was_refused_says_why(tmp_path: Path):
    """The finding blocks and nobody decides on it; the ruling is one on the claim."""
    desk = Desk(tmp_path)
    fill(tmp_path / "填报表.xlsx", {"A1.3": {"not_applicable": "是", "reason": "没有这项职责（合成数据）"}})
    desk.submit(tmp_path / "填报表.xlsx")
    (claim,) = back(desk).to_correct
    assert (claim.rule, claim.handling_zh) == (CLAIM_RULE, "退回更正")
    told = "审核人员没有认可：三定规定中有这项职责（合成数据）。"

    ruling = Ruling("refuse", "三定规定中有这项职责（合成数据）", "steward")
    claimed = {"unit_code": department().unit_code, "indicator_code": "A1.3", "period": "2024"}
    assert decide_not_applicable(desk.engine, **claimed, ruling=ruling, now=NOW)

    gone_back = back(desk)
    (claim,) = gone_back.to_correct
    assert (claim.rule, claim.handling_zh, claim.ruling_zh) == (CLAIM_RULE, "不予认可", told)
    assert gone_back.head.by_when_zh(claim) == "本期报送截止前更正并重新报送，更正前不计分"
    assert told in desk.receipt().text
    with read(desk.engine) as connection:
        (row,) = current_findings(connection, 2024)
        message = _told_finding(row, rulings(connection, 2024))["message"]
        assert outcome_of([row], rulings(connection, 2024)) == "returned"
    assert message == f"{row['message_zh']}{told}{row['fix_zh']}"

    approval = Ruling("approve", "已核对三定规定（合成数据）", "steward")
    assert decide_not_applicable(desk.engine, **claimed, ruling=approval, now=NOW)
    with read(desk.engine) as connection:
        assert outcome_of([row], rulings(connection, 2024)) == "accepted"


def test_the_portal_is_told_what_became_of_each_finding(desk: Desk):
    def told() -> dict[str, str]:
        with read(desk.engine) as connection:
            ruled = rulings(connection, 2024)
            rows = current_findings(connection, 2024)
            return {row["rule"]: _told_finding(row, ruled)["message"] for row in rows}

    with read(desk.engine) as connection:
        words = {
            row["rule"]: (row["message_zh"], row["fix_zh"]) for row in current_findings(connection, 2024)
        }
    assert told() == {name: message + fix for name, (message, fix) in words.items()}
    rule(desk, "approve", [WARNED])
    rule(desk, "refuse", [HELD])
    assert told() == {
        WARNED: f"{words[WARNED][0]}审核人员已确认，不需要处理。",
        HELD: f"{words[HELD][0]}{NOT_ACCEPTED}{words[HELD][1]}",
    }
