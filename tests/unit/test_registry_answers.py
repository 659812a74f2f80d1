"""What the registry answers: states on days and years, reforms, names, sources, which indicators apply."""

from datetime import date

import pytest

from fazhi.model.errors import UsageError
from fazhi.model.terms import Group, Tag
from fazhi.registry import Registry, load_registry
from support.registry import edition, indicator, made_up_code, source_row, task_row, unit_row, write_registry

CITY, RENAMED, ABSORBED, BETWEEN, HEIR, COUNTY, SUPERIOR, LATER, ENDING = (
    made_up_code(number, "150203" if number == 6 else "150200") for number in range(1, 10)
)
TODAY = date(2026, 11, 21)
END_2024 = date(2024, 12, 31)
NEVER = made_up_code(99)


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Registry:
    """A made-up city through a reform (合成数据)."""
    old = {"valid_to": "2024-03-31"}
    units = [
        unit_row(1, name_zh="合成市人民政府", tags="", scored_by="superior"),
        unit_row(2, name_zh="合成市旧名局", short_name_zh="市旧名局", tags="ENF", **old),
        unit_row(2, name_zh="合成市新名局", short_name_zh="市新名局", valid_from="2024-04-01"),
        unit_row(3, successor_code=BETWEEN, **old),
        unit_row(4, successor_code=HEIR, valid_to="2024-09-30"),
        unit_row(5, tags="ENF", parent_code=CITY),
        unit_row(
            6, unit_code=COUNTY, tags="REGION", division_code="150203", level="county", parent_code=CITY
        ),
        unit_row(7, tags="VERT;ENF", scored_by="superior"),
        unit_row(8, tags="ENF", scored_by="both", valid_from="2025-01-01", division_code="150300"),
        unit_row(9, tags="ENF", valid_to="2026-12-01", successor_code=HEIR),
    ]
    sources = [
        source_row("SUB", "submission"),
        source_row("SYS", "system"),
        source_row("COURT", "office", CITY),
        source_row("FIN", "office", HEIR, "2021-2023"),
        source_row("FIN", "office", CITY, "2024-"),
        source_row("WEB", "office", ABSORBED),
    ]
    aliases = [
        {
            "unit_code": RENAMED,
            "alias_zh": "新名（局）",
            "valid_from": "2024-04-01",
            "valid_to": "2024-12-31",
        },
        {"unit_code": HEIR, "alias_zh": "两家共用", "valid_from": "2021-01-01", "valid_to": ""},
        {"unit_code": RENAMED, "alias_zh": "两家共用", "valid_from": "2021-01-01", "valid_to": ""},
    ]
    tasks = [
        task_row(2024, RENAMED, "I2.4;A3.3"),
        task_row(2025, RENAMED, "I2.4", co_unit_codes=f"{HEIR}; {CITY}", due=""),
    ]
    folder = tmp_path_factory.mktemp("registry")
    return load_registry(write_registry(folder, units, sources, aliases=aliases, tasks=tasks), None)


def codes(units) -> list[str]:
    return [unit.unit_code for unit in units]


# --- days and years ---


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2020, 12, 31), None),
        (date(2021, 1, 1), "合成市旧名局"),
        (date(2024, 3, 31), "合成市旧名局"),
        (date(2024, 4, 1), "合成市新名局"),
    ],
)
def test_both_ends_of_a_record_are_inclusive(registry, day, name):
    unit = registry.unit_on(RENAMED, day)
    assert (unit and unit.name_zh) == name


def test_units_of_a_day_come_once_each_in_code_order(registry):
    assert codes(registry.units_on(date(2024, 5, 1))) == sorted(
        [CITY, RENAMED, BETWEEN, HEIR, COUNTY, SUPERIOR, ENDING]
    )
    assert registry.units_on(date(2020, 1, 1)) == ()


@pytest.mark.parametrize(
    ("year", "today", "day"),
    [
        (2024, date(2026, 11, 21), date(2024, 12, 31)),
        (2026, date(2026, 11, 21), date(2026, 11, 21)),
        (2026, date(2026, 12, 31), date(2026, 12, 31)),
        (2026, date(2027, 1, 1), date(2026, 12, 31)),
        (2026, date(2026, 1, 1), date(2026, 1, 1)),
    ],
)
def test_deciding_day(registry, year, today, day):
    assert registry.deciding_day(year, today) == day


def test_a_year_that_has_not_begun_is_refused(registry):
    with pytest.raises(UsageError, match="2027年度尚未开始"):
        registry.units_of_year(2027, TODAY)


def test_the_year_sees_the_state_of_its_last_day(registry):
    assert RENAMED in codes(registry.units_of_year(2024, TODAY))
    assert ABSORBED not in codes(registry.units_of_year(2024, TODAY))
    assert ABSORBED in codes(registry.units_of_year(2023, TODAY))
    assert registry.unit_on(RENAMED, registry.deciding_day(2023, TODAY)).tags == {Tag.ENF}


def test_units_scored_by_their_superior_are_listed_but_not_scored(registry):
    assert {CITY, SUPERIOR} <= set(codes(registry.units_of_year(2025, TODAY)))
    assert codes(registry.scored_units(2025, TODAY)) == sorted([RENAMED, HEIR, COUNTY, LATER, ENDING])
    assert codes(registry.scored_units(2025, TODAY, region="150300")) == [LATER]


# --- reforms ---


@pytest.mark.parametrize(
    ("code", "day", "heir"),
    [
        (ABSORBED, date(2024, 3, 31), None),
        (ABSORBED, date(2024, 4, 1), BETWEEN),
        (ABSORBED, date(2024, 9, 30), BETWEEN),
        (ABSORBED, date(2024, 10, 1), HEIR),
        (BETWEEN, END_2024, HEIR),
        (RENAMED, END_2024, None),
        (LATER, END_2024, None),
        (NEVER, END_2024, None),
    ],
)
def test_successor_on_a_day(registry, code, day, heir):
    assert registry.successor_of(code, day) == heir


def test_predecessors_are_those_that_ended_in_the_year(registry):
    assert registry.predecessors_of(HEIR, 2024) == (ABSORBED, BETWEEN)
    assert registry.predecessors_of(HEIR, 2024, date(2024, 5, 1)) == ()
    assert registry.predecessors_of(BETWEEN, 2024, date(2024, 5, 1)) == (ABSORBED,)
    assert registry.predecessors_of(HEIR, 2023) == ()
    assert registry.predecessors_of(HEIR, 2025) == ()
    assert registry.predecessors_of(RENAMED, 2024) == ()


def test_a_unit_that_ends_later_in_the_running_year_counts_for_itself(registry):
    assert registry.predecessors_of(HEIR, 2026, TODAY) == ()
    assert registry.predecessors_of(HEIR, 2026, date(2026, 12, 1)) == ()
    assert registry.predecessors_of(HEIR, 2026, date(2026, 12, 2)) == (ENDING,)
    assert registry.predecessors_of(HEIR, 2026) == (ENDING,)


def test_a_circle_of_successors_ends(tmp_path):
    ended = {"valid_to": "2022-12-31"}
    units = [unit_row(1, successor_code=RENAMED, **ended), unit_row(2, successor_code=CITY, **ended)]
    circle = load_registry(write_registry(tmp_path, units), None)
    assert circle.successor_of(CITY, END_2024) is None


# --- names ---


def test_known_codes_are_those_that_ever_existed(registry):
    assert registry.known_code(ABSORBED)
    assert registry.known_code(LATER)
    assert not registry.known_code(NEVER)
    assert not registry.known_code("")


@pytest.mark.parametrize(
    ("name", "day", "found"),
    [
        ("合成市旧名局", date(2024, 3, 31), [RENAMED]),
        ("合成市旧名局", date(2024, 4, 1), []),
        ("市新名局", date(2024, 4, 1), [RENAMED]),
        (" 合成市 新名局", date(2024, 4, 1), [RENAMED]),
        ("新名（局）", date(2024, 4, 1), [RENAMED]),
        ("新名（局）", date(2024, 12, 31), [RENAMED]),
        ("新名（局）", date(2025, 1, 1), []),
        ("两家共用", END_2024, [RENAMED, HEIR]),
        ("合成市第3局", END_2024, []),
        ("没有这个局", END_2024, []),
        ("", END_2024, []),
    ],
)
def test_find_by_name(registry, name, day, found):
    assert codes(registry.find_by_name(name, day)) == found


# --- tasks and sources ---


def test_lead_tasks_of_a_year(registry):
    (task,) = registry.lead_tasks(2025)
    assert task.co_unit_codes == (HEIR, CITY)
    assert task.indicator_codes == ("I2.4",)
    assert task.due is None
    assert registry.lead_tasks(2024)[0].due == date(2024, 12, 20)
    assert registry.lead_tasks(2026) == ()


def test_the_authority_of_a_source_is_that_of_the_year(registry):
    assert registry.authority_of("FIN", 2023) == HEIR
    assert registry.authority_of("FIN", 2024) == CITY
    assert registry.authority_of("SUB", 2024) is None
    assert registry.authority_of("SYS", 2024) is None
    assert registry.authority_of("NOPE", 2024) is None
    assert registry.sources["FIN"].from_year == 2024
    assert registry.source_in("FIN", 2021).to_year == 2023
    assert registry.source_in("FIN", 2020) is None


def test_reporters_are_offices_in_the_order_of_the_indicator(registry):
    both = indicator("A1.1", sources=("FIN", "SUB", "COURT", "SYS"))
    assert registry.reporters(both, 2024) == (("FIN", CITY), ("COURT", CITY))
    assert registry.reporters(both, 2020) == (("COURT", CITY),)
    assert registry.reporters(indicator("A1.2"), 2024) == ()


def test_a_city_has_its_own_authority_or_that_of_all_others(tmp_path):
    sources = [
        source_row("COURT", "office", CITY),
        source_row("COURT", "office", HEIR, "2024-", "150300"),
        source_row("WEB", "office", HEIR, "", "150300"),
    ]
    units = [unit_row(1), unit_row(5), unit_row(6, division_code="150300")]
    registry = load_registry(write_registry(tmp_path, units, sources), None)
    both = indicator("A1.1", sources=("COURT", "WEB"))
    assert registry.reporters(both, 2024, "150300") == (("COURT", HEIR), ("WEB", HEIR))
    assert registry.reporters(both, 2023, "150300") == (("COURT", CITY), ("WEB", HEIR))
    assert registry.reporters(both, 2024, "150200") == (("COURT", CITY),)
    assert registry.reporters(both, 2024) == (("COURT", CITY), ("COURT", HEIR), ("WEB", HEIR))
    assert registry.authority_of("COURT", 2024) == CITY
    assert registry.authority_of("WEB", 2024) is None
    assert registry.sources["COURT"].region == ""


def test_an_authority_that_was_succeeded_is_followed_by_its_heir(registry):
    row = indicator("A1.1", sources=("WEB",))
    assert registry.reporters(row, 2023) == (("WEB", ABSORBED),)
    assert registry.reporters(row, 2024) == (("WEB", ABSORBED), ("WEB", HEIR))


# --- what applies ---


COMMON = indicator("A1.1")
LEAD_ROW = indicator("I2.4", group=Group.LEAD, categories=frozenset({Tag.LEAD, Tag.REGION}))


def test_tags_of_the_deciding_day_decide(registry):
    enforcement = indicator("D1.1", categories=frozenset({Tag.ENF}))
    renamed_2023 = registry.unit_on(RENAMED, date(2023, 12, 31))
    renamed_2024 = registry.unit_on(RENAMED, END_2024)
    assert registry.applies(enforcement, renamed_2023, 2023, TODAY)
    assert not registry.applies(enforcement, renamed_2024, 2024, TODAY)
    assert not registry.applies(enforcement, renamed_2023, 2024, TODAY)


def test_a_lead_row_needs_a_lead_task_of_that_year_that_names_it(registry):
    lead, county = (registry.unit_on(code, END_2024) for code in (RENAMED, COUNTY))
    other_lead = registry.unit_on(BETWEEN, date(2024, 9, 30))
    named_in_2024_only = indicator("A3.3", group=Group.LEAD, categories=frozenset({Tag.LEAD}))
    assert registry.applies(LEAD_ROW, lead, 2024, TODAY)
    assert registry.applies(LEAD_ROW, lead, 2025, TODAY)
    assert not registry.applies(LEAD_ROW, lead, 2026, TODAY)
    assert registry.applies(named_in_2024_only, lead, 2024, TODAY)
    assert not registry.applies(named_in_2024_only, lead, 2025, TODAY)
    assert not registry.applies(LEAD_ROW, other_lead, 2024, date(2024, 9, 30))
    assert registry.applies(LEAD_ROW, county, 2026, TODAY)
    assert not registry.applies(named_in_2024_only, county, 2024, TODAY)


@pytest.mark.parametrize(
    ("begin", "end", "applies"),
    [
        (date(2024, 12, 31), None, True),
        (date(2025, 1, 1), None, False),
        (date(2021, 1, 1), date(2024, 12, 31), True),
        (date(2021, 1, 1), date(2024, 12, 30), False),
    ],
)
def test_the_indicator_must_be_in_force_on_the_deciding_day(registry, begin, end, applies):
    row = indicator("A1.1", effective_from=begin, effective_to=end)
    assert registry.applies(row, registry.unit_on(HEIR, END_2024), 2024, TODAY) is applies


def test_nothing_applies_to_a_unit_that_is_gone(registry):
    gone = registry.unit_on(ABSORBED, date(2024, 3, 31))
    assert not registry.applies(COMMON, gone, 2024, TODAY)
    assert registry.applies(COMMON, gone, 2024, date(2024, 3, 31))


def test_applicable_lists_what_applies(registry):
    rows = (COMMON, indicator("B1.1", categories=frozenset({Tag.SINGLE})), LEAD_ROW)
    lead = registry.unit_on(RENAMED, END_2024)
    assert registry.applicable(edition(*rows), lead, 2024, TODAY) == (COMMON, LEAD_ROW)
    assert registry.applicable(edition(*rows), lead, 2026, TODAY) == (COMMON,)


# --- regions ---


def test_the_region_of_a_county_is_its_city(registry):
    assert registry.region_of(registry.unit_on(COUNTY, END_2024)) == "150200"
    assert registry.region_of(registry.unit_on(HEIR, END_2024)) == "150200"


def test_a_province_is_its_own_region(tmp_path):
    units = [unit_row(1, division_code="150000", level="province")]
    province = load_registry(write_registry(tmp_path, units), None)
    assert province.region_of(province.units[0]) == "150000"


def test_regions_are_those_with_a_scored_unit_that_year(registry):
    assert registry.regions(2024, TODAY) == ("150200",)
    assert registry.regions(2025, TODAY) == ("150200", "150300")
