"""A steward's morning in a real browser: what came in, a return, a warning, a request, the score, a signature.

What the night does between two clicks (validating, scoring) is done by the same functions as its tasks.
"""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from fazhi import pipeline
from fazhi.store import read
from fazhi.store.tables import (
    current_result,
    current_submission,
    current_validation,
    decision,
    final_outcome,
    finding,
    result,
    result_input,
    result_line,
    submission_return,
)
from fazhi.validate.catalogue import rule_names
from support.desk_airflow import DeskAirflow
from support.desk_browser import MARKS, Browser, Seat
from support.desk_city import REGION

pytestmark = MARKS

YEAR, SIGNED_YEAR = 2024, 2023
PUBLICISED = datetime.fromisoformat("2025-04-01T09:00:00+08:00")
"""When the earlier year was proposed: its time for objections is long over."""


def rows(server: DeskAirflow, statement) -> list:
    with read(server.city.engine) as connection:
        return list(connection.execute(statement))


def one_with(server: DeskAirflow, *severities: str) -> tuple[str, int, int]:
    """A current submission with a finding of a severity: its id and revision, and the finding."""
    here = current_submission.c
    same = (here.submission_id == finding.c.submission_id) & (here.revision == finding.c.revision)
    judged = select(current_validation.c.validation_id)
    found = rows(
        server,
        select(finding.c.submission_id, finding.c.revision, finding.c.finding_id)
        .join(current_submission, same)
        .where(
            finding.c.year == YEAR,
            finding.c.severity.in_(severities),
            finding.c.validation_id.is_(None) | finding.c.validation_id.in_(judged),
        )
        .order_by(finding.c.finding_id),
    )
    assert found, severities
    return tuple(found[0])


def in_sight(seat: Seat, cell: Any) -> bool:
    """Whether a cell stands within the window of its table."""
    inner, outer = cell.bounding_box(), seat.page.locator(".sheet").bounding_box()
    return all(
        outer[at] <= inner[at] and inner[at] + inner[size] <= outer[at] + outer[size]
        for at, size in (("x", "width"), ("y", "height"))
    )


def told(seat: Seat) -> str:
    return seat.page.locator("main .notice").first.inner_text()


def test_the_overnight_list_leads_to_a_submission(browser: Browser) -> None:
    seat = browser.seat("kp-steward-1")
    frame = seat.framed()
    frame.get_by_role("heading", name="今日").wait_for()
    seat.open(f"/?year={YEAR}&region={REGION}&show=all")
    seat.page.locator("#list tbody tr a").first.click()
    seat.page.get_by_role("heading", name="填报原表").wait_for()
    assert seat.page.get_by_role("heading", name="问题").is_visible()
    assert seat.faults == []


def test_a_submission_is_returned_seen_before_it_goes_and_undone(
    browser: Browser, server: DeskAirflow
) -> None:
    submission_id, revision, _ = one_with(server, "block")
    seat = browser.seat("kp-steward-1")
    seat.page.set_viewport_size({"width": 520, "height": 720})  # so narrow that the table has to move
    seat.open(f"/submissions/{submission_id}/{revision}")
    assert seat.page.locator(".sheet").evaluate("sheet => sheet.scrollLeft") > 0
    assert in_sight(seat, seat.page.locator(".sheet td.marked").first)
    last = seat.page.locator(".sheet td.marked").last.get_attribute("id")
    seat.open(f"/submissions/{submission_id}/{revision}?cell={last.removeprefix('cell-')}")
    assert in_sight(seat, seat.page.locator(f"#{last}"))
    seat.page.set_viewport_size({"width": 1280, "height": 720})
    seat.open(f"/submissions/{submission_id}/{revision}")
    seat.picture("submission")
    seat.page.get_by_label("退回原因（报送单位会看到）").fill("请逐条更正后重新报送（合成数据）")
    seat.page.get_by_role("button", name="预览退回内容").click()
    letter = seat.page.locator(".letter").inner_text()
    assert "审核员退回：请逐条更正后重新报送（合成数据）。" in letter
    assert rows(server, select(submission_return)) == []  # a preview sends nothing
    seat.picture("return-preview")
    seat.page.get_by_role("button", name="确认退回").dblclick()
    seat.page.wait_for_url(f"**/{revision}")
    assert "已退回" in told(seat)
    assert [row.act for row in rows(server, select(submission_return))] == ["return"]
    seat.open("/decisions")
    seat.picture("decisions")
    seat.page.get_by_role("button", name="撤销退回").click()
    seat.page.wait_for_url(f"**/{revision}")
    assert "已撤销退回" in told(seat)
    assert [row.act for row in rows(server, select(submission_return))] == ["return", "undo"]


def test_a_warning_is_confirmed_once_and_what_changed_meanwhile_is_told(
    browser: Browser, server: DeskAirflow
) -> None:
    submission_id, revision, number = one_with(server, "warn", "hold")
    path = f"/submissions/{submission_id}/{revision}"
    first, second = browser.seat("kp-steward-1"), browser.seat("kp-chief-1")
    for seat in (first, second):
        seat.open(path)
        seat.page.locator(f"input[name=finding][value='{number}']").check()
        seat.page.get_by_label("理由（记入审计）").fill("已与单位核实（合成数据）")
    first.page.get_by_role("button", name="确认所选").click()
    first.page.locator(".notice.good").wait_for()
    assert "已确认 1 处" in told(first)
    second.page.get_by_role("button", name="确认所选").click()
    second.page.get_by_role("heading", name="内容已变化").wait_for()
    second.picture("changed-meanwhile")
    ruled = rows(server, select(decision).where(decision.c.kind.in_(("warning", "hold"))))
    assert [(row.verdict, row.decided_by) for row in ruled] == [("approve", "kp-steward-1")]
    first.open("/decisions")
    listed = first.page.locator("main").inner_text()
    assert rule_names()[ruled[0].rule].name_zh in listed
    assert ruled[0].rule not in listed


def test_a_request_granted_by_another_moves_the_score(browser: Browser, server: DeskAirflow) -> None:
    unit, indicator, submission_id = a_yearly_value(server)
    before = score_of(server, unit)
    asking, granting = browser.seat("kp-steward-1"), browser.seat("kp-chief-1")
    asking.open(f"/submissions/{submission_id}/1")
    asking.page.get_by_label("指标编码（不适用）").fill(indicator)
    asking.page.get_by_label("申请理由").fill("职责已划出（合成数据）")
    asking.page.get_by_role("button", name="登记申请").click()
    asking.page.get_by_text("由您登记，须由他人裁定").wait_for()
    granting.open("/decisions")
    granting.page.get_by_placeholder("裁定理由").first.fill("情况属实（合成数据）")
    granting.page.get_by_role("button", name="同意", exact=True).first.click()
    granting.page.locator(".notice.good").wait_for()
    pipeline.validate(server.city.settings, YEAR, REGION)
    pipeline.score(server.city.settings, YEAR, REGION)
    after = score_of(server, unit)
    assert after != before
    asking.open(f"/scores/{YEAR}/{REGION}/{unit}")
    assert after in asking.page.locator("main").inner_text()
    asking.picture("score")


def a_yearly_value(server: DeskAirflow) -> tuple[str, str, str]:
    """A unit, an indicator that its own yearly workbook filled and that does not have full points, the submission."""
    same = (
        (result_input.c.year == result_line.c.year)
        & (result_input.c.unit_code == result_line.c.unit_code)
        & (result_input.c.version == result_line.c.version)
        & (result_input.c.indicator_code == result_line.c.indicator_code)
    )
    found = rows(
        server,
        select(result_line.c.unit_code, result_line.c.indicator_code, result_input.c.submission_id)
        .join(result_input, same)
        .where(
            result_line.c.year == YEAR,
            result_line.c.status == "scored",
            result_line.c.points != result_line.c.weight,
            result_input.c.kind == "submission",
            result_input.c.period == str(YEAR),
        )
        .order_by(result_line.c.unit_code, result_line.c.indicator_code),
    )
    return tuple(found[0])


def score_of(server: DeskAirflow, unit: str) -> str:
    same = (result.c.version == current_result.c.version) & (result.c.unit_code == current_result.c.unit_code)
    statement = (
        select(result.c.score)
        .join(current_result, same & (result.c.year == current_result.c.year))
        .where(result.c.year == YEAR, result.c.unit_code == unit)
    )
    return rows(server, statement)[0].score


def test_another_person_signs_what_was_publicised(browser: Browser, server: DeskAirflow) -> None:
    pipeline.propose_final(server.city.settings, SIGNED_YEAR, REGION, account="kp-steward-1", now=PUBLICISED)
    path = f"/years/{SIGNED_YEAR}/{REGION}"
    steward = browser.seat("kp-steward-1")
    steward.open(path)
    assert steward.page.get_by_role("button", name="签发这一份").count() == 0
    chief = browser.seat("kp-chief-1")
    chief.open(path)
    chief.picture("year")
    chief.page.get_by_label("我已核对下面公示的").check()
    chief.page.get_by_role("button", name="签发这一份").click()
    chief.page.locator(".notice.good").first.wait_for()
    assert "已签发" in told(chief)
    (signed,) = rows(server, select(final_outcome))
    assert (signed.outcome, signed.decided_by) == ("signed", "kp-chief-1")


@pytest.mark.parametrize("account", ["kp-viewer-1", "kp-operator-1", "kp-auditor-1"])
def test_who_may_not_decide_is_offered_nothing(browser: Browser, server: DeskAirflow, account: str) -> None:
    submission_id, revision, _ = one_with(server, "block")
    seat = browser.seat(account)
    assert seat.open(f"/submissions/{submission_id}/{revision}").status == 200
    for button in ("确认所选", "预览退回内容", "登记申请"):
        assert seat.page.get_by_role("button", name=button).count() == 0
    assert seat.open("/decisions").status == 403
