"""Repairs of the outbox by a person: refused results tried again; versions recovered after an old backup (合成数据)."""

import json

import pytest
from sqlalchemy import select

from fazhi import pipeline
from fazhi.audit import Actor, verify
from fazhi.model.errors import UsageError
from fazhi.review import Ruling, decide_not_applicable
from fazhi.sandbox import SandboxPlatform
from fazhi.store.tables import audit, result_line, version_floor
from support.city import write_city
from support.final import CHIEF, LAST_DAY, OTHER_STEWARD, STEWARD, YEAR, copy_of, later, scored_year

NOW = later(1)
OPERATOR = Actor("op-1", "合成经办人")


@pytest.fixture(scope="module")
def template(tmp_path_factory, registry, editions):
    city = write_city(
        registry, editions, tmp_path_factory.mktemp("city"), years=range(YEAR, YEAR + 1), units=4, faults="0"
    )
    return scored_year(city.inbox, tmp_path_factory.mktemp("template"))


@pytest.fixture
def platform():
    with SandboxPlatform(app_id="app", secret="secret") as running:
        yield running


@pytest.fixture
def year(template, tmp_path, platform):
    return copy_of(template, tmp_path / "own", platform)


def push(year):
    pipeline.publish(year.settings, YEAR, True)
    return pipeline.reconcile(year.settings, YEAR)


def change_one_value(year):
    """A decision that changes one unit's result, and the ranks around it."""
    line = year.rows(
        select(result_line).where(result_line.c.status == "scored").order_by(result_line.c.unit_code)
    )[0]
    assert decide_not_applicable(
        year.engine,
        unit_code=line["unit_code"],
        indicator_code=line["indicator_code"],
        period=str(YEAR),
        ruling=Ruling("approve", "职责划出（合成数据）", OTHER_STEWARD, "合成单位"),
        now=NOW,
    )
    year.score()
    return line["unit_code"]


def versions(platform):
    return {code: version for code, version, _ in platform.stored(YEAR)}


def events(year, action):
    return [row for row in year.rows(select(audit)) if row["action"] == action]


def test_a_restored_backup_behind_the_platform_goes_on_above_it_once_signed(year, platform, tmp_path):
    units = push(year)["confirmed"]
    restored = copy_of(year, tmp_path / "restored", platform)
    change_one_value(year)
    assert push(year)["confirmed"] == units
    held = versions(platform)
    ahead = sorted(code for code, version in held.items() if version > 1)
    assert ahead

    assert pipeline.reconcile(restored.settings, YEAR)["conflict"] == len(ahead)
    found = pipeline.forgotten_versions(restored.settings, YEAR)
    assert [(one.unit_code, one.our_version, one.held_version) for one in found] == [
        (code, 1, 2) for code in ahead
    ]
    with pytest.raises(UsageError, match="没有签发地区"):
        pipeline.recover_versions(restored.settings, YEAR, account=STEWARD, reason="恢复备份", now=NOW)
    with pytest.raises(UsageError, match="须写明理由"):
        pipeline.recover_versions(restored.settings, YEAR, account=CHIEF, reason=" ", now=NOW)
    assert restored.rows(select(version_floor)) == []

    recovered = pipeline.recover_versions(
        restored.settings, YEAR, account=CHIEF, reason=f"恢复 {LAST_DAY} 的备份（合成数据）", now=NOW
    )
    assert recovered == {"year": YEAR, "recovered": len(ahead)}
    assert restored.score()["new_versions"] == len(ahead)
    assert restored.score()["new_versions"] == 0
    assert push(restored)["confirmed"] == units
    assert versions(platform) == {code: 3 if code in ahead else 1 for code in held}
    (event,) = events(restored, "outbox.recovered")
    assert (event["actor_id"], len(json.loads(event["details"])["units"])) == (CHIEF, len(ahead))
    assert verify(restored.engine).faults == ()
    with pytest.raises(UsageError, match="不需要恢复"):
        pipeline.recover_versions(restored.settings, YEAR, account=CHIEF, reason="再恢复", now=NOW)


def test_a_backup_that_made_other_results_under_the_same_number_is_found_too(year, platform, tmp_path):
    units = push(year)["confirmed"]
    restored = copy_of(year, tmp_path / "restored", platform)
    changed = change_one_value(year)
    push(year)
    held = versions(platform)
    decide_not_applicable(
        restored.engine,
        unit_code=changed,
        indicator_code=restored.rows(
            select(result_line).where(result_line.c.unit_code == changed, result_line.c.status == "scored")
        )[-1]["indicator_code"],
        period=str(YEAR),
        ruling=Ruling("approve", "另一项职责划出（合成数据）", OTHER_STEWARD, "合成单位"),
        now=NOW,
    )
    restored.score()
    counts = push(restored)
    assert counts["conflict"] >= 1
    pipeline.recover_versions(restored.settings, YEAR, account=CHIEF, reason="恢复备份（合成数据）", now=NOW)
    restored.score()
    assert push(restored)["confirmed"] == units
    assert versions(platform)[changed] == held[changed] + 1


def test_refused_results_are_tried_again_with_a_reason(year, platform):
    platform.set_year(YEAR, "sealed")
    refused = push(year)["refused"]
    assert refused == len(year.outbox())
    with pytest.raises(UsageError, match="须写明理由"):
        pipeline.retry_refused(year.settings, YEAR, (), by=OPERATOR, reason="", now=NOW)
    with pytest.raises(UsageError, match="没有被平台拒收的得分：X"):
        pipeline.retry_refused(year.settings, YEAR, ["X"], by=OPERATOR, reason="年度已重新开放", now=NOW)
    platform.set_year(YEAR, "open")
    (first, *others) = sorted(code for code, _, _ in year.outbox())
    counts = pipeline.retry_refused(
        year.settings, YEAR, [first], by=OPERATOR, reason="年度已重新开放", now=NOW
    )
    assert counts == {"year": YEAR, "pending": 1}
    assert push(year) | {"year": YEAR} == push(year)
    assert year.outbox()[first, 1, "provisional"] == "confirmed"
    assert pipeline.retry_refused(year.settings, YEAR, (), by=OPERATOR, reason="年度已重新开放", now=NOW) == {
        "year": YEAR,
        "pending": len(others),
    }
    assert push(year)["confirmed"] == refused
    assert [json.loads(event["details"])["reason"] for event in events(year, "outbox.tried_again")] == [
        "年度已重新开放"
    ] * 2
    assert verify(year.engine).faults == ()
