"""The first page: what it says after anything happens is what it would say if it were made from nothing."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from fazhi.audit import Actor
from fazhi.desk import today
from fazhi.desk.roles import Role
from fazhi.desk.states import State
from fazhi.desk.today import Looking, today_page
from fazhi.pipeline import Ground
from fazhi.review import (
    Asked,
    Ruling,
    ask_extension,
    decide_shown,
    findings_in_force,
    return_submission,
    rule_on_request,
    shown_digest,
    undo_return,
)
from fazhi.store import read
from fazhi.store.tables import current_submission, finding
from support.desk import person
from support.desk_city import REGION, DeskCity

YEAR = 2024
NOW = datetime.fromisoformat("2025-02-10T09:00:00+08:00")
STEWARD, OTHER = Actor("kp-steward-1", "合成甲"), Actor("kp-steward-2", "合成乙")


@pytest.fixture
def looking(city: DeskCity) -> Looking:
    return Looking(Ground(city.settings), YEAR, REGION, person(Role.STEWARD), NOW)


def seen(looking: Looking) -> object:
    """What the page says; it has to be what a page without memory says."""
    kept = today_page(looking, show="all")
    today._BOARDS.clear()
    fresh = today_page(looking, show="all")
    assert kept == fresh
    return fresh


def entry_of(page, submission_id: str):
    return next((one for one in page.entries.rows if one.submission_id == submission_id), None)


def test_every_act_shows_at_once(looking: Looking) -> None:
    engine = looking.ground.engine
    before = seen(looking)
    assert before.received > 0
    with read(engine) as connection:
        accepted = next(one for one in all_entries(looking) if one.state is State.ACCEPTED)
        digest = shown_digest(connection, accepted.submission_id, accepted.revision)
    of = (accepted.submission_id, accepted.revision)
    return_submission(engine, *of, reason="合成", by=STEWARD, shown=digest, now=NOW)
    after = seen(looking)
    assert after.counts[State.RETURNED] == before.counts[State.RETURNED] + 1
    assert after.counts[State.ACCEPTED] == before.counts[State.ACCEPTED] - 1
    undo_return(engine, *of, reason="", by=STEWARD, now=NOW)
    assert seen(looking).counts == before.counts


def all_entries(looking: Looking):
    after, found = None, []
    while True:
        page = today_page(looking, show="all", after=after).entries
        found += page.rows
        after = page.next
        if after is None:
            return found


def test_the_pages_together_are_every_entry_once_by_urgency(looking: Looking) -> None:
    found = all_entries(looking)
    assert len(found) == today_page(looking, show="all").listed == len({one.key for one in found})
    assert [one.key for one in found] == sorted(one.key for one in found)
    with read(looking.ground.engine) as connection:
        current = {
            tuple(row)
            for row in connection.execute(
                select(current_submission.c.submission_id, current_submission.c.revision).where(
                    current_submission.c.year == YEAR
                )
            )
        }
    assert {(one.submission_id, one.revision) for one in found if one.submission_id} == current


def test_a_confirmed_warning_no_longer_counts(looking: Looking) -> None:
    engine = looking.ground.engine
    warned = [one for one in all_entries(looking) if one.state is State.WARNED]
    if not warned:
        with read(engine) as connection:
            severities = set(connection.scalars(select(finding.c.severity)))
        pytest.fail(f"the city has no submission with warnings only; severities: {severities}")
    before, of = seen(looking), (warned[0].submission_id, warned[0].revision)
    with read(engine) as connection:
        ids = [row["finding_id"] for row in findings_in_force(connection, *of) if row["severity"] == "warn"]
        digest = shown_digest(connection, *of)
    decide_shown(engine, *of, ids, ruling=Ruling("approve", "合成", "kp-steward-1"), shown=digest, now=NOW)
    after = seen(looking)
    assert after.counts[State.WARNED] == before.counts[State.WARNED] - 1
    assert after.counts[State.ACCEPTED] == before.counts[State.ACCEPTED] + 1


def test_a_granted_extension_moves_the_deadline_of_what_is_missing(looking: Looking) -> None:
    engine = looking.ground.engine
    missing = next(
        (one for one in all_entries(looking) if one.state in (State.EXPECTED, State.OVERDUE)), None
    )
    assert missing is not None
    until = date(2025, 12, 20)
    number = ask_extension(
        engine,
        unit_code=missing.unit_code,
        period=missing.period,
        until=until,
        asked=Asked("合成", OTHER),
        now=NOW,
    )
    rule_on_request(engine, number, Ruling("approve", "合成", "kp-steward-1"), now=NOW)
    seen(looking)
    moved = next(
        one
        for one in all_entries(looking)
        if (one.kind, one.unit_code, one.period) == (missing.kind, missing.unit_code, missing.period)
    )
    assert (moved.deadline.day, moved.deadline.basis) == ("2025-12-20", "extension")
    assert moved.state is State.EXPECTED


def test_another_day_makes_another_page(looking: Looking) -> None:
    from dataclasses import replace

    later = replace(looking, now=NOW + timedelta(days=400))
    assert seen(later).counts[State.OVERDUE] >= seen(looking).counts[State.OVERDUE]
