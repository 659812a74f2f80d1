"""A year's final results from proposal to seal and correction, with a real platform: nothing leaves unsigned."""

import csv
import json
import shutil
from dataclasses import replace

import pytest
from sqlalchemy import select

from fazhi import pipeline
from fazhi.audit import Actor, verify
from fazhi.model.errors import UsageError
from fazhi.sandbox import SandboxPlatform
from fazhi.store.tables import (
    current_result,
    current_submission,
    final_version,
    locked_out,
    outbox,
    year_lock,
)
from support.city import write_city
from support.final import (
    AFTER,
    CHIEF,
    DEPUTY,
    LAST_DAY,
    OTHER_STEWARD,
    PROPOSED,
    REGION,
    STEWARD,
    YEAR,
    a_count_that_moves_nobody_else,
    copy_of,
    folder_of,
    later,
    one_less,
    resubmit,
    scored_year,
)


@pytest.fixture(scope="module")
def city(tmp_path_factory, registry, editions):
    return write_city(
        registry, editions, tmp_path_factory.mktemp("city"), years=range(YEAR, YEAR + 1), units=4, faults="0"
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory, city):
    return scored_year(city.inbox, tmp_path_factory.mktemp("template"))


@pytest.fixture
def platform():
    with SandboxPlatform(app_id="app", secret="secret") as running:
        yield running


@pytest.fixture
def year(template, tmp_path, platform):
    return copy_of(template, tmp_path / "own", platform)


@pytest.fixture(scope="module")
def sealed_template(template, tmp_path_factory):
    home = tmp_path_factory.mktemp("sealed")
    with SandboxPlatform(app_id="app", secret="secret", state=home / "platform.db") as platform:
        year = copy_of(template, home / "own", platform)
        year.sealed()
    return year, home / "platform.db"


@pytest.fixture
def sealed(sealed_template, tmp_path):
    """A sealed year, the platform that holds it, and that platform's own seal."""
    template, state = sealed_template
    shutil.copy(state, tmp_path / "platform.db")
    with SandboxPlatform(app_id="app", secret="secret", state=tmp_path / "platform.db") as platform:
        platform.set_year(YEAR, "sealed")
        yield copy_of(template, tmp_path / "own", platform), platform


def units_of(year):
    return {
        row["unit_code"]: row["version"]
        for row in year.rows(select(current_result).where(current_result.c.year == YEAR))
    }


def approve_not_applicable(year, unit_code, indicator, at):
    """A decision of a steward on an indicator that a unit was scored on."""
    from fazhi.review import Ruling, decide_not_applicable

    assert decide_not_applicable(
        year.engine,
        unit_code=unit_code,
        indicator_code=indicator,
        period=str(YEAR),
        ruling=Ruling("approve", "职责划出（合成数据）", OTHER_STEWARD, "合成单位"),
        now=at,
    )


def test_a_city_is_proposed_signed_pushed_and_sealed(year, platform):
    proposed = year.propose()
    assert proposed["objection_until"] == LAST_DAY
    assert proposed["units"] == len(units_of(year))
    assert year.outbox() == {}
    status = year.status(PROPOSED)
    assert (status.phase.value, status.digest, status.deadline) == (
        "publicised",
        proposed["digest"],
        "2024-04-28",
    )
    with pytest.raises(UsageError, match=f"公示期到 {LAST_DAY} 才满"):
        year.sign(proposed["digest"], PROPOSED)
    with pytest.raises(UsageError, match="还没有签发"):
        pipeline.publish(year.settings, YEAR, True, pipeline.FINAL)

    assert year.sign(proposed["digest"])["outcome"] == "signed"
    versions = units_of(year)
    finals = year.rows(select(final_version))
    assert {row["unit_code"]: row["version"] for row in finals} == versions
    assert {row["correction_of"] for row in finals} == {None}
    with pytest.raises(UsageError, match=f"还有 {len(versions)} 个单位的最终结果未经平台确认"):
        year.seal()

    assert year.push_final()["confirmed"] == len(versions)
    assert {(code, v) for code, v, _ in platform.stored(YEAR)} == set(versions.items())
    assert year.seal() == {"year": YEAR, "sealed": [REGION], "newly_sealed": 1}
    assert year.seal()["newly_sealed"] == 0
    assert (year.status().phase.value, year.status().deadline) == ("sealed", "")
    assert verify(year.engine).faults == ()


@pytest.mark.ci
def test_provisional_results_go_no_further_once_signed(year):
    pipeline.publish(year.settings, YEAR, True)
    provisional = {key for key in year.outbox() if key[2] == "provisional"}
    assert len(provisional) == len(units_of(year))
    year.sign(year.propose()["digest"])
    year.score()
    pipeline.publish(year.settings, YEAR, True)
    assert set(year.outbox()) == provisional
    year.push_final()
    assert {state for (_, _, stage), state in year.outbox().items() if stage == "final"} == {"confirmed"}
    assert year.seal()["newly_sealed"] == 1


@pytest.mark.ci
def test_the_values_are_locked_from_the_proposal_on(year):
    year.propose()
    (lock,) = year.rows(select(year_lock))
    assert (lock["year"], lock["region"], lock["lifted_at"]) == (YEAR, REGION, None)
    year.withdraw(PROPOSED.replace(hour=10))
    assert year.rows(select(year_lock))[0]["lifted_at"] == "2024-04-15T10:00:00+08:00"
    second = year.propose(PROPOSED.replace(hour=11))
    assert second["number"] == 2
    year.sign(second["digest"])
    year.push_final()
    year.seal()
    assert [row["lifted_at"] is None for row in year.rows(select(year_lock))] == [False, True]


@pytest.mark.ci
def test_sending_again_while_results_are_publicised_moves_nothing(year, city, tmp_path):
    digest = year.propose()["digest"]
    folder = next(folder for code in units_of(year) for folder in folder_of(city, code))
    inbox = tmp_path / "again"
    inbox.mkdir()
    resubmit(inbox, folder, lambda text: text.replace("\n", "\r\n", 1))
    own = replace(year, settings=replace(year.settings, inbox=inbox))
    before = year.rows(select(current_submission).order_by(current_submission.c.submission_id))
    counts = own.collect(PROPOSED.replace(hour=12))
    assert counts.new == 1
    (told,) = counts.problems
    assert "未采用：本年度数据已于 2024-04-15T09:00:00+08:00 锁定，仍以第1次报送为准" in told
    (kept,) = year.rows(select(locked_out))
    assert (kept["revision"], kept["kept_revision"]) == (2, 1)
    assert year.rows(select(current_submission).order_by(current_submission.c.submission_id)) == before
    assert own.collect(PROPOSED.replace(hour=13)).new == 0
    assert year.sign(digest)["outcome"] == "signed"


def test_results_that_changed_since_the_proposal_are_told_and_nothing_is_stored(year):
    digest = year.propose()["digest"]
    unit, line = next(scored_lines(year))
    approve_not_applicable(year, unit, line, PROPOSED)
    before = units_of(year)
    with pytest.raises(UsageError, match=r"提出以后结果有了变动.*什么也没有保存"):
        year.sign(digest)
    with pytest.raises(UsageError, match="所签摘要 000000000000 不是提出的摘要"):
        year.sign("0" * 64)
    assert year.rows(select(final_version)) == []
    assert units_of(year) == before
    year.withdraw(AFTER)
    again = year.propose(AFTER)
    assert again["digest"] != digest
    year.sign(again["digest"], later(10))


def scored_lines(year):
    """Units and indicators that a unit reports yearly itself and is scored on."""
    for code, version in sorted(units_of(year).items()):
        ground = pipeline.Ground(year.settings)
        from fazhi.store.tables import result_input, result_line

        lines = year.rows(
            select(result_line.c.indicator_code)
            .join(
                result_input,
                (result_input.c.year == result_line.c.year)
                & (result_input.c.unit_code == result_line.c.unit_code)
                & (result_input.c.version == result_line.c.version)
                & (result_input.c.indicator_code == result_line.c.indicator_code),
            )
            .where(
                result_line.c.year == YEAR,
                result_line.c.unit_code == code,
                result_line.c.version == version,
                result_line.c.status == "scored",
                result_input.c.kind == "submission",
            )
            .order_by(result_line.c.indicator_code)
            .distinct()
        )
        for line in lines:
            if ground.edition(YEAR).by_code[line["indicator_code"]].frequency == "yearly":
                yield code, line["indicator_code"]


def test_backfilling_a_sealed_year_that_is_the_same_pushes_nothing(sealed):
    year, platform = sealed
    before, versions = platform.stored(YEAR), units_of(year)
    for push in (False, True):
        assert year.score()["sealed"] is True
        told = year.compare(push=push)
        assert (told["differences"], told["pushed"], told["due"]) == (0, False, 0)
    assert platform.stored(YEAR) == before
    assert units_of(year) == versions


def test_a_changed_value_shows_exactly_its_difference_and_a_signed_correction_pushes_it_alone(
    sealed, city, tmp_path
):
    """The unit asks, a second person agrees, the unit resubmits, a third one signs."""
    year, platform = sealed
    unit, folder, row = a_count_that_moves_nobody_else(year, city)
    told = pipeline.file_appeal(
        year.settings,
        YEAR,
        unit_code=unit,
        indicator_code=row["indicator_code"],
        statement="填报有误（合成数据）",
        by=Actor("unit-clerk", "合成单位填报员"),
        now=later(1),
    )
    assert told["kind"] == "correction_request"
    assert year.status(later(1)).next_zh == "处理更正申请"
    pipeline.decide_appeal(
        year.settings,
        told["appeal_id"],
        verdict="upheld",
        reason="属实（合成数据）",
        account=OTHER_STEWARD,
        now=later(2),
    )
    inbox = tmp_path / "again"
    inbox.mkdir()
    resubmit(inbox, folder, lambda text: one_less(text, row))
    changed = type(year)(replace(year.settings, inbox=inbox))
    changed.collect(later(3))

    found = pipeline.year_differences(year.settings, YEAR, now=later(3))
    (change,) = (one for one in found if not one.follows)
    assert (change.unit_code, change.line, change.why) == (unit, row["indicator_code"], "value")
    assert [(one.unit_code, one.line, one.why) for one in found if one.follows] == [
        (unit, "source", "source"),  # the rest of the resubmitted workbook: the same values, another file
        (unit, "score", "value"),
        (unit, "component", "value"),
    ]
    before = platform.stored(YEAR)
    with pytest.raises(UsageError, match="没有推送"):
        year.compare(push=True)
    compared = year.compare()
    assert compared["units_that_differ"] == 1
    with open(compared["listed_in"], encoding="utf-8-sig", newline="") as file:
        assert len(list(csv.DictReader(file))) == compared["differences"] == len(found)
    assert platform.stored(YEAR) == before

    sealed_version = units_of(year)[unit]
    proposal = year.correct(later(4))
    assert (proposal["kind"], proposal["units"]) == ("correction", 1)
    with pytest.raises(UsageError, match="没有签发"):
        year.sign(proposal["digest"], later(5), STEWARD)
    year.sign(proposal["digest"], later(5), DEPUTY)
    assert year.push_final()["confirmed"] == len(units_of(year))
    new = [one for one in platform.stored(YEAR) if one not in before]
    assert [(code, version) for code, version, _ in new] == [(unit, sealed_version + 1)]
    stored = json.loads(platform._state.newest(YEAR, unit).body)
    assert (stored["correction_of"], stored["stage"]) == (sealed_version, "final")
    assert year.compare(push=True)["differences"] == 0
    assert year.status(later(6)).phase.value == "sealed"
    assert verify(year.engine).faults == ()


@pytest.mark.ci
def test_a_decision_after_the_seal_shows_as_a_decision(sealed):
    year, platform = sealed
    before = platform.stored(YEAR)
    unit, line = next(scored_lines(year))
    approve_not_applicable(year, unit, line, later(1))
    found = pipeline.year_differences(year.settings, YEAR, now=later(2))
    assert [one.why for one in found if (one.unit_code, one.line) == (unit, line)] == ["decision"]
    (line_found,) = [one for one in found if (one.unit_code, one.line) == (unit, line)]
    assert line_found.after == "不适用"
    proposal = year.correct(later(3))
    assert {one["unit_code"] for one in proposal["differences"]} == {one.unit_code for one in found}
    with pytest.raises(UsageError, match="本年度裁定或申请过"):
        pipeline_sign_as(year, OTHER_STEWARD, proposal["digest"])
    year.sign(proposal["digest"], later(4), CHIEF)
    year.push_final()
    new = [one for one in platform.stored(YEAR) if one not in before]
    assert len(new) == proposal["units"]


def pipeline_sign_as(year, account, digest):
    """Sign as somebody whom the list of signers does not let through, at the store's own guard."""
    from fazhi.publish import final
    from fazhi.store import write

    official = final.Official(Actor(account, account), final.Role.CHIEF)
    with write(year.engine) as connection:
        signing = final.Signing(YEAR, REGION, digest, digest)
        final.sign(connection, signing, official, dict, later(4))


LEFT = "11150200MB1A01442Y"
"""A unit that leads no task and shares none: it can leave the registry alone."""


def without_one_unit(year, home):
    """The same year under a registry in which one unit ended with June."""
    folder = home / "registry"
    shutil.copytree(year.settings.registry_dir, folder)
    units = (folder / "units.csv").read_text(encoding="utf-8")
    (row,) = (line for line in units.splitlines() if line.startswith(LEFT))
    assert row.endswith(",,")
    ended = f"{row.removesuffix(',,')},{YEAR}-06-30,"
    (folder / "units.csv").write_text(units.replace(row, ended), encoding="utf-8")
    return replace(year, settings=replace(year.settings, registry_dir=folder))


@pytest.mark.ci
def test_a_unit_that_lost_its_result_cannot_be_corrected_and_the_person_is_told_why(sealed, tmp_path):
    year, platform = sealed
    before = platform.stored(YEAR)
    reduced = without_one_unit(year, tmp_path)
    (gone,) = (
        one for one in pipeline.year_differences(reduced.settings, YEAR, now=later(1)) if not one.follows
    )
    assert (gone.unit_code, gone.line, gone.after) == (LEFT, "result", "无结果")
    with pytest.raises(
        UsageError, match=f"包头市外事办公室（{LEFT}）。考评平台的接口只能用新版本更正结果，不能撤销"
    ):
        reduced.correct(later(2))
    assert reduced.status(later(3)).phase.value == "sealed"
    assert platform.stored(YEAR) == before


@pytest.mark.ci
@pytest.mark.parametrize("closed_there", [False, True])
def test_a_unit_new_in_a_correction_is_told_before_it_is_signed(year, tmp_path, platform, closed_there):
    """The contract has no way to add a unit to a sealed year; an open one takes it."""
    reduced = without_one_unit(year, tmp_path)
    reduced.judge()
    reduced.score()
    reduced.sealed()
    assert LEFT not in {code for code, _, _ in platform.stored(YEAR)}
    if closed_there:
        platform.set_year(YEAR, "sealed")
    proposal = year.correct(later(1))
    told = [notice for notice in proposal["notices"] if LEFT in notice]
    assert len(told) == 1
    assert "封存时没有结果" in told[0]
    year.sign(proposal["digest"], later(2))
    year.push_final()
    (key,) = (key for key in year.outbox() if key[0] == LEFT)
    assert year.outbox()[key] == ("refused" if closed_there else "confirmed")
    assert (LEFT in {code for code, _, _ in platform.stored(YEAR)}) is not closed_there
    if closed_there:
        (row,) = year.rows(select(outbox).where(outbox.c.unit_code == LEFT))
        assert "须先商请平台方开放该年度" in row["problem"]
        platform.set_year(YEAR, "open")
        by, why = Actor("kp-steward-2", "合成人员"), "平台方已开放该年度（合成数据）"
        pipeline.retry_refused(year.settings, YEAR, [LEFT], by=by, reason=why, now=later(3))
        year.push_final()
        assert year.outbox()[key] == "confirmed"
