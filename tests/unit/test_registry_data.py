"""The shipped registry: complete for every year, its reform dated, its synthetic parts marked as such."""

from datetime import date
from pathlib import Path

import pytest

from fazhi.model.terms import Group, Tag
from fazhi.model.unit_code import organisation_check
from fazhi.registry import Unit

YEARS = range(2021, 2027)
TODAY = date(2026, 12, 31)
COUNTY_LEVEL = {
    "150202",
    "150203",
    "150204",
    "150205",
    "150206",
    "150207",
    "150221",
    "150222",
    "150223",
    "150271",
}


def named(registry, name: str, day: date) -> Unit:
    (unit,) = registry.find_by_name(name, day)
    return unit


@pytest.mark.parametrize("year", YEARS)
def test_ten_regions_and_at_least_57_departments_are_scored(registry, year):
    scored = registry.scored_units(year, TODAY, region="150200")
    assert {unit.division_code for unit in scored if unit.is_region} == COUNTY_LEVEL
    assert len([unit for unit in scored if not unit.is_region]) >= 57
    assert len({unit.parent_code for unit in scored}) == 1


@pytest.mark.parametrize("year", YEARS)
def test_every_kind_of_unit_is_there(registry, editions, year):
    names = {
        editions.for_year(year).profile_of(unit.tags).name
        for unit in registry.scored_units(year, TODAY)
        if not unit.is_region
    }
    assert len(names) >= 4


@pytest.mark.parametrize("year", YEARS)
def test_names_of_a_year_are_unique(registry, year):
    units = registry.units_of_year(year, TODAY)
    assert len({unit.name_zh for unit in units}) == len({unit.short_name_zh for unit in units}) == len(units)
    for unit in units:
        for name in (unit.name_zh, unit.short_name_zh):
            assert registry.find_by_name(name, date(year, 12, 31)) == (unit,)


def test_every_unit_has_an_english_name(registry):
    assert [unit.name_zh for unit in registry.units if not unit.name_en] == []


def test_codes_are_visibly_made_up_and_both_checks_right(registry):
    for unit in registry.units:
        assert unit.unit_code[8:12] == "MB1A", unit.name_zh
        assert unit.unit_code[16] == organisation_check(unit.unit_code[8:16]), unit.name_zh
        assert unit.unit_code[2:8] == unit.division_code, unit.name_zh


def test_courts_and_the_like_are_not_scored(registry):
    for name in ("包头市人民政府", "包头市中级人民法院", "包头市人民检察院", "市人大常委会办公室"):
        unit = named(registry, name, TODAY)
        assert unit.scored_by == "superior"
        assert unit.tags == frozenset()


# --- the reform of 2024 ---

BEFORE, AFTER = date(2024, 3, 31), date(2024, 4, 1)


def test_rename_keeps_the_code(registry):
    before = named(registry, "包头市政务服务局", BEFORE)
    after = named(registry, "包头市政务服务与数据管理局", AFTER)
    assert before.unit_code == after.unit_code
    assert registry.find_by_name("包头市政务服务与数据管理局", BEFORE) == ()
    assert registry.find_by_name("包头市政务服务局", AFTER) == (after,)
    assert registry.find_by_name("包头市政务服务局", date(2025, 1, 1)) == ()


@pytest.mark.parametrize(
    ("former", "heir"),
    [
        ("包头市乡村振兴局", "包头市农牧局"),
        ("包头市大数据中心", "包头市政务服务与数据管理局"),
        ("包头市金融工作办公室", "中共包头市委金融委员会办公室"),
    ],
)
def test_merged_and_abolished_units_hand_over_to_a_successor(registry, former, heir):
    gone = named(registry, former, BEFORE).unit_code
    successor = named(registry, heir, AFTER).unit_code
    assert registry.unit_on(gone, AFTER) is None
    assert registry.successor_of(gone, AFTER) == successor
    assert registry.predecessors_of(successor, 2024) == (gone,)
    assert gone in {unit.unit_code for unit in registry.scored_units(2023, TODAY)}
    assert gone not in {unit.unit_code for unit in registry.scored_units(2024, TODAY)}


# --- tasks, adjustments, sources ---


@pytest.mark.parametrize("year", YEARS)
def test_every_lead_unit_leads_a_task_with_an_indicator_that_applies(registry, editions, year):
    edition = editions.for_year(year)
    for unit in registry.scored_units(year, TODAY):
        if Tag.LEAD in unit.tags and not unit.is_region:
            led = [i.code for i in registry.applicable(edition, unit, year, TODAY) if i.group is Group.LEAD]
            assert "I2.4" in led, unit.name_zh


@pytest.mark.parametrize("year", YEARS)
def test_tasks_name_lead_indicators_and_units_of_their_year(registry, editions, year):
    edition = editions.for_year(year)
    here = {unit.unit_code for unit in registry.units_of_year(year, TODAY)}
    for task in registry.lead_tasks(year):
        assert {task.lead_unit_code, *task.co_unit_codes} <= here, task.task_id
        assert task.lead_unit_code not in task.co_unit_codes, task.task_id
        lead = registry.unit_on(task.lead_unit_code, date(year, 12, 31))
        for code in task.indicator_codes:
            assert edition.by_code[code].group is Group.LEAD, (task.task_id, code)
            assert registry.applies(edition.by_code[code], lead, year, TODAY), (task.task_id, code)
        assert task.title_zh.endswith("(合成)")


@pytest.mark.parametrize("year", YEARS)
def test_every_lead_indicator_of_a_year_has_a_lead_unit(registry, editions, year):
    edition, day = editions.for_year(year), date(year, 12, 31)
    named_codes = {code for task in registry.lead_tasks(year) for code in task.indicator_codes}
    lead_codes = {i.code for i in edition.indicators if i.group is Group.LEAD and i.in_force(day)}
    assert named_codes == lead_codes


def test_adjustments_are_marked_synthetic_and_one_waits_for_approval(registry):
    events = [event for year in YEARS for event in registry.adjustments(year)]
    assert {event.code for event in events} == {"X1", "X2", "X3", "Y1", "Y2", "Y3", "Z03", "Z04"}
    assert all(
        event.title_zh.endswith("(合成数据)") and event.document.startswith("合成") for event in events
    )
    assert [event.year for event in events if not event.counts] == [2022, 2024, 2026]


@pytest.mark.parametrize("year", YEARS)
def test_every_source_has_an_authority_that_exists(registry, editions, year):
    here = {unit.unit_code for unit in registry.units_of_year(year, TODAY)}
    for indicator in editions.for_year(year).indicators:
        for source in indicator.sources:
            row = registry.source_in(source, year)
            assert row is not None, (indicator.code, source)
            assert row.kind != "office" or registry.authority_of(source, year) in here, source


def test_only_units_answer_for_themselves_and_only_this_system_for_itself(registry):
    assert {name for name, source in registry.sources.items() if source.kind == "submission"} == {"SUB"}
    assert {name for name, source in registry.sources.items() if source.kind == "system"} == {"SYS"}
    assert len(registry.sources) == 25


def test_the_readme_explains_every_file(project_root: Path):
    folder = project_root / "include" / "registry"
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in folder.glob("*.csv") if f"**{path.name}**" not in readme] == []
    assert "全部虚构" in readme
