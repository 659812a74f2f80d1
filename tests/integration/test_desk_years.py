"""A year's life as the desk shows it: stations, what blocks whom, what was publicised, bound to what was read."""

import pytest
from sqlalchemy import delete, insert, select, update

from fazhi import pipeline
from fazhi.audit import Actor
from fazhi.desk import years
from fazhi.desk.paging import cursor_of
from fazhi.model.canonical import digest
from fazhi.model.errors import ChangedMeanwhile, UsageError
from fazhi.pipeline.final import final_body
from fazhi.publish import enqueue
from fazhi.review import Ruling, decide_not_applicable
from fazhi.store import write
from fazhi.store.tables import (
    current_result,
    current_validation,
    decision,
    finding,
    outbox,
    result_line,
    value,
)
from support.city import write_city
from support.final import (
    AFTER,
    CHIEF,
    LAST_DAY,
    OTHER_STEWARD,
    PROPOSED,
    REGION,
    STEWARD,
    YEAR,
    copy_of,
    later,
    scored_year,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory, registry, editions):
    city = write_city(
        registry, editions, tmp_path_factory.mktemp("city"), years=range(YEAR, YEAR + 1), units=4, faults="0"
    )
    return scored_year(city.inbox, tmp_path_factory.mktemp("template"))


@pytest.fixture
def year(template, tmp_path):
    return copy_of(template, tmp_path / "own")


def life(year, now=PROPOSED):
    return years.year_life(pipeline.Desk(year.settings), YEAR, REGION, now=now)


def stations(year, now=PROPOSED):
    return {one.code: one.state for one in life(year, now).milestones}


def walk(page_after):
    """All rows of a list, page after page, and how many pages there were."""
    rows, pages, after = [], 0, None
    while pages == 0 or after is not None:
        page = page_after(after)
        rows += page.rows
        after, pages = page.next, pages + 1
    return rows, pages


def listed(year, now=PROPOSED):
    desk = pipeline.Desk(year.settings)
    return walk(lambda after: years.obstacles(desk, YEAR, REGION, after=after, now=now))[0]


def scored_line(year):
    """A scored line of a unit that a submission brought."""
    row = year.rows(
        select(value)
        .join(
            result_line,
            (result_line.c.year == value.c.year)
            & (result_line.c.unit_code == value.c.unit_code)
            & (result_line.c.indicator_code == value.c.indicator_code),
        )
        .where(
            value.c.year == YEAR, result_line.c.status == "scored", value.c.unit_code == value.c.reporter_code
        )
        .order_by(value.c.value_id)
    )[0]
    return row


def confirm(year):
    with write(year.engine) as connection:
        connection.execute(update(outbox).values(state="confirmed"))


def test_each_station_of_a_year_names_who_is_next_and_until_when(year):
    first = life(year)
    assert [one.state for one in first.milestones] == ["now", "ahead", "ahead", "ahead", "ahead"]
    assert (first.milestones[0].deadline, first.milestones[0].overdue) == (first.status.deadline, False)
    assert (first.attempts, first.open_proposal, first.pushes) == ((), None, {})

    year.propose()
    during = life(year)
    assert [one.state for one in during.milestones] == ["done", "now", "ahead", "ahead", "ahead"]
    assert during.milestones[0].by == "考评管理员甲（合成数据）"
    assert during.milestones[1].at == LAST_DAY
    assert during.open_proposal.digest == during.status.digest
    over = life(year, AFTER)
    assert [one.state for one in over.milestones][:3] == ["done", "done", "now"]
    assert over.milestones[2].by == "考评负责人甲（合成数据）、考评负责人代理人甲（合成数据）"

    year.sign(over.status.digest)
    signed = life(year, AFTER)
    assert [one.state for one in signed.milestones] == ["done", "done", "done", "now", "ahead"]
    assert signed.pushes == {"unqueued": signed.status.units}
    assert signed.open_proposal is None


def test_a_withdrawn_proposal_starts_anew_and_keeps_its_reasons(year):
    year.propose()
    year.withdraw(PROPOSED.replace(hour=10))
    (attempt,) = life(year).attempts
    assert (attempt.proposal.outcome, attempt.why_ended) == ("withdrawn", "重算")
    assert stations(year)["proposed"] == "now"
    year.propose(PROPOSED.replace(hour=11))
    assert [one.proposal.number for one in life(year).attempts] == [2, 1]


def test_a_region_that_is_not_assessed_has_no_year(year):
    with pytest.raises(UsageError, match="没有参加考评的地区 159900"):
        years.year_life(pipeline.Desk(year.settings), YEAR, "159900", now=PROPOSED)


def test_a_page_of_publicised_units_is_in_the_order_of_ranks(year, monkeypatch):
    year.propose()
    desk, proposal = pipeline.Desk(year.settings), life(year).open_proposal
    whole, _ = walk(lambda after: years.publicised(desk, proposal, after=after, now=PROPOSED))
    assert len(whole) == proposal.units
    keys = [(one.unit.rank or 0, one.unit.unit_code) for one in whole]
    assert keys == sorted(keys)
    assert {one.before for one in whole} == {None}
    monkeypatch.setattr(years, "PAGE_SIZE", 7)
    again, pages = walk(lambda after: years.publicised(desk, proposal, after=after, now=PROPOSED))
    assert again == whole
    assert pages == -(-len(whole) // 7)
    with pytest.raises(UsageError, match="翻页"):
        years.publicised(desk, proposal, after=cursor_of(("x", 1)), now=PROPOSED)


def test_a_missing_and_a_held_indicator_block_their_unit(year):
    row = scored_line(year)
    unit, code = row["unit_code"], row["indicator_code"]
    before = {one.unit_code: one for one in listed(year)}
    with write(year.engine) as connection:
        line = result_line.c
        mine = (line.year == YEAR, line.unit_code == unit, line.indicator_code == code)
        connection.execute(update(result_line).where(*mine).values(status="rejected"))
        found = connection.execute(
            select(current_validation.c.validation_id).where(current_validation.c.year == YEAR)
        ).scalar_one()
        for severity in ("hold", "block"):
            connection.execute(insert(finding).values(**finding_on(row, severity, found)))
    (one,) = [one for one in listed(year) if one.unit_code == unit]
    kept = before[unit].rejected if unit in before else ()
    assert set(one.rejected) - set(kept) == {years.StoppedIndicator(code, holds=1, blocks=1)}

    with write(year.engine) as connection:
        connection.execute(delete(current_result).where(current_result.c.unit_code == unit))
    (one,) = [one for one in listed(year) if one.unit_code == unit]
    assert (one.has_result, one.missing, one.rejected) == (False, (), ())


def test_a_released_hold_blocks_no_more(year):
    row = scored_line(year)
    unit, code = row["unit_code"], row["indicator_code"]
    with write(year.engine) as connection:
        line = result_line.c
        mine = (line.year == YEAR, line.unit_code == unit, line.indicator_code == code)
        connection.execute(update(result_line).where(*mine).values(status="rejected"))
        found = connection.execute(select(current_validation.c.validation_id)).scalar_one()
        connection.execute(insert(finding).values(**finding_on(row, "hold", found)))
    with write(year.engine) as connection:
        connection.execute(
            insert(decision).values(
                kind="hold",
                year=YEAR,
                unit_code=unit,
                indicator_code=code,
                period=row["period"],
                rule="RANGE",
                value_digest="d" * 64,
                verdict="approve",
                reason="合成理由",
                decided_by=OTHER_STEWARD,
                decided_at=PROPOSED.isoformat(),
            )
        )
    (one,) = [one for one in listed(year) if one.unit_code == unit]
    assert years.StoppedIndicator(code, holds=0, blocks=0) in one.rejected


def finding_on(row, severity, validation):
    return {
        **{name: row[name] for name in ("parse_id", "value_id", "year", "period")},
        **{name: row[name] for name in ("unit_code", "indicator_code")},
        "validation_id": validation,
        "submission_id": "s",
        "revision": 1,
        "check_id": "c",
        "rule": "RANGE",
        "severity": severity,
        "message_zh": "合成",
        "message_en": "synthetic",
        "fix_zh": "合成",
        "value_digest": "d" * 64,
        "system_id": "2021",
        "system_digest": digest([]),
    }


def test_an_appeal_blocks_until_it_is_decided_and_an_upheld_one_blocks_further(year):
    year.propose()
    unit = year.rows(select(current_result).order_by(current_result.c.unit_code))[0]["unit_code"]
    filed = pipeline.file_appeal(
        year.settings,
        YEAR,
        unit_code=unit,
        indicator_code="",
        statement="有异议（合成数据）",
        by=Actor("kp-clerk", "经办人（合成数据）"),
        now=PROPOSED,
    )

    def waiting():
        return [(one.open_appeals, one.upheld_appeals) for one in listed(year) if one.unit_code == unit]

    assert waiting() == [(1, 0)]
    assert stations(year, AFTER)["publicised"] == "now"
    pipeline.decide_appeal(
        year.settings,
        filed["appeal_id"],
        verdict="upheld",
        reason="属实（合成数据）",
        account=OTHER_STEWARD,
        now=PROPOSED,
    )
    assert waiting() == [(0, 1)]
    assert [one.verdict for one in life(year).appeals] == ["upheld"]


def test_only_pushes_that_are_not_confirmed_stand_in_the_way_once_signed(year):
    year.sign(year.propose()["digest"])
    unqueued = listed(year, AFTER)
    assert {one.push for one in unqueued} == {"unqueued"}
    assert {one.missing + one.rejected for one in unqueued} == {()}
    queue(year)
    assert {one.push for one in listed(year, AFTER)} == {"pending"}
    with write(year.engine) as connection:
        one = connection.execute(select(outbox.c.unit_code).limit(1)).scalar_one()
        connection.execute(update(outbox).values(state="confirmed"))
        connection.execute(
            update(outbox).where(outbox.c.unit_code == one).values(state="refused", problem="422 <b>")
        )
    (stopped,) = listed(year, AFTER)
    assert (stopped.unit_code, stopped.push, stopped.problem) == (one, "refused", "422 <b>")
    confirm(year)
    assert listed(year, AFTER) == []
    assert stations(year, AFTER)["sealed"] == "now"
    year.seal()
    assert set(stations(year, later()).values()) == {"done"}


def queue(year):
    enqueue(year.engine, YEAR, body_of=final_body, now=AFTER, stage=pipeline.FINAL)


def test_a_page_of_obstacles_looks_at_few_units_and_goes_on(year, monkeypatch):
    year.sign(year.propose()["digest"])
    whole = listed(year, AFTER)
    monkeypatch.setattr(years, "PAGE_SIZE", 8)
    monkeypatch.setattr(years, "_SCANNED", 8)
    desk = pipeline.Desk(year.settings)
    again, pages = walk(lambda after: years.obstacles(desk, YEAR, REGION, after=after, now=AFTER))
    assert again == whole
    assert pages == -(-len(whole) // 8)


def test_a_proposal_is_bound_to_the_preview_that_was_read(year):
    shown = pipeline.preview_proposal(year.settings, YEAR, REGION, now=PROPOSED).draft.digest
    row = scored_line(year)
    assert decide_not_applicable(
        year.engine,
        unit_code=row["unit_code"],
        indicator_code=row["indicator_code"],
        period=str(YEAR),
        ruling=Ruling("approve", "职责划出（合成数据）", OTHER_STEWARD, "合成单位"),
        now=PROPOSED,
    )
    with pytest.raises(ChangedMeanwhile, match="在此期间有了变动"):
        pipeline.propose_final(year.settings, YEAR, REGION, account=STEWARD, shown=shown, now=PROPOSED)
    assert life(year).attempts == ()
    shown = pipeline.preview_proposal(year.settings, YEAR, REGION, now=PROPOSED).draft.digest
    proposed = pipeline.propose_final(year.settings, YEAR, REGION, account=STEWARD, shown=shown, now=PROPOSED)
    assert proposed["digest"] == shown


def test_a_correction_shows_what_it_would_replace(year):
    year.sign(year.propose()["digest"])
    queue(year)
    confirm(year)
    year.seal()
    row = scored_line(year)
    decide_not_applicable(
        year.engine,
        unit_code=row["unit_code"],
        indicator_code=row["indicator_code"],
        period=str(YEAR),
        ruling=Ruling("approve", "职责划出（合成数据）", OTHER_STEWARD, "合成单位"),
        now=later(),
    )
    preview = pipeline.preview_proposal(year.settings, YEAR, REGION, now=later(2))
    assert {one.unit_code for one in preview.differences} >= {row["unit_code"]}
    pipeline.propose_correction(
        year.settings,
        YEAR,
        REGION,
        account=STEWARD,
        reason="更正（合成数据）",
        shown=preview.draft.digest,
        now=later(2),
    )
    now = life(year, later(2))
    assert now.milestones[-1].code == "corrected"
    assert now.milestones[-1].state == "now"
    page = years.publicised(pipeline.Desk(year.settings), now.open_proposal, now=later(2))
    (mine,) = [one for one in page.rows if one.unit.unit_code == row["unit_code"]]
    assert mine.before.content_digest != mine.unit.content_digest
    assert (mine.before.score, mine.before.unit_name) != ("", "")
    year.sign(now.status.digest, later(3), CHIEF)
    assert life(year, later(3)).milestones[-1].state == "now"
