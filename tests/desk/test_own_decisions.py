"""What a steward reads of rulings and returns: names, as on every other page, and what a return does to the score."""

import re
from urllib.parse import quote

import pytest
from sqlalchemy import select

from fazhi import pipeline
from fazhi.review import Ruling, decide_not_applicable
from fazhi.store import read
from fazhi.store.decisions import DECISION_OF_SEVERITY
from fazhi.store.findings import current_findings
from fazhi.store.tables import submission
from support.desk import PERSONS, DeskClient
from support.desk_city import RECEIVED, YEARS, DeskCity

YEAR = YEARS[0]
STEWARD = PERSONS["steward"]


@pytest.fixture
def sender(city: DeskCity) -> tuple[str, str, str]:
    """A submission's path, its sender's code and the sender's name."""
    submission_id, revision = city.submissions(YEAR)[0]
    with read(city.engine) as connection:
        code = connection.execute(
            select(submission.c.sender_code).where(submission.c.submission_id == submission_id)
        ).scalar_one()
    name = next(
        unit.name_zh for unit in pipeline.Ground(city.settings).registry.units if unit.unit_code == code
    )
    return f"/submissions/{quote(submission_id, safe='')}/{revision}", code, name


def test_own_decisions_are_read_by_names(
    city: DeskCity, desk: DeskClient, sender: tuple[str, str, str]
) -> None:
    path, code, name = sender
    steward = desk.as_person(STEWARD)
    ruling = Ruling("refuse", "合成理由", STEWARD.actor.actor_id, "clerk-9")
    decide_not_applicable(
        city.engine, unit_code=code, indicator_code="A1.1", period=str(YEAR), ruling=ruling, now=RECEIVED
    )
    shown = re.search(r'name="shown" value="([^"]*)"', steward.get(path).text)[1]
    answer = steward.post(f"{path}/return", {"reason": "请更正（合成数据）", "shown": shown})
    assert answer.status_code == 303
    page = steward.get("/decisions").text
    indicator = pipeline.Ground(city.settings).edition(YEAR).by_code["A1.1"].name_zh
    assert page.count(f"<td>{name}</td>") == 2
    assert f"{YEAR}年 A1.1 {indicator}" in page
    assert f"<code>{code}</code>" not in page


def test_what_was_not_accepted_is_called_so_everywhere(city: DeskCity, desk: DeskClient) -> None:
    with read(city.engine) as connection:
        rows = current_findings(connection, YEAR)
    one = next(row for row in rows if row["severity"] in DECISION_OF_SEVERITY)
    path = f"/submissions/{quote(one['submission_id'], safe='')}/{one['revision']}"
    steward = desk.as_person(STEWARD)
    shown = re.search(r'name="shown" value="([^"]*)"', steward.get(path).text)[1]
    reason = "材料没有盖章（合成数据）"
    form = {"finding": one["finding_id"], "verdict": "refuse", "reason": reason, "shown": shown}
    answer = steward.post(f"{path}/decide", form)
    assert answer.status_code == 303
    page = steward.get(path).text
    assert "已记为不予认可 1 处" in page
    assert re.search(f'<p class="ruled refuse">不予认可 · .*：{reason}</p>', page)
    assert f"<td>不予认可</td><td>{reason}</td>" in steward.get("/decisions").text
    assert f"审核人员没有认可：{reason}。" in steward.get(f"{path}/receipt.txt").text


def test_a_request_is_read_by_names(desk: DeskClient, sender: tuple[str, str, str]) -> None:
    path, code, name = sender
    steward = desk.as_person(STEWARD)
    steward.post(f"{path}/ask", {"kind": "extension", "until": f"{YEAR + 1}-02-01", "reason": "合成理由"})
    page = steward.get("/decisions").text
    assert f"<td>{name}</td>" in page
    assert f"<code>{code}</code>" not in page


def test_a_return_does_not_say_that_values_no_longer_count(
    desk: DeskClient, sender: tuple[str, str, str]
) -> None:
    """A return settles nothing by itself (contracts/scoring.md, section 2)."""
    path, _, _ = sender
    letter = desk.as_person(STEWARD).get(f"{path}/receipt.txt?reason={quote('请更正（合成数据）')}").text
    _, returned = letter.split("审核员退回：请更正（合成数据）。")
    until = returned.split("期限：")[1].splitlines()[0]
    assert until.endswith("更正并重新报送；退回本身不改变计分")
