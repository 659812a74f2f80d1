"""Made-up units: codes that are right in form and nobody's, in a registry that loads."""

from datetime import date
from pathlib import Path

import pytest

from fazhi.model import unit_code
from fazhi.model.terms import Tag
from fazhi.registry import Registry, load_registry
from fazhi.settings import PROJECT_ROOT
from fazhi.synth.city import synthetic_code, write_enlarged_registry
from fazhi.systems import Editions

REGISTRY_DIR = PROJECT_ROOT / "include" / "registry"


def test_codes_are_right_in_form_and_distinct(registry: Registry) -> None:
    codes = [synthetic_code(number, "150200") for number in (*range(1, 500), 99_999)]
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert unit_code.faults(code) == []
        assert code[16] == unit_code.organisation_check(code[8:16])
        assert not registry.known_code(code)


def test_the_enlarged_registry_loads_and_says_what_is_made_up(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    write_enlarged_registry(REGISTRY_DIR, tmp_path, registry, editions, [2023, 2024], 8)
    enlarged = load_registry(tmp_path, editions)
    added = [unit for unit in enlarged.units if not registry.known_code(unit.unit_code)]
    assert sorted(unit.name_zh for unit in added) == [f"合成单位{number:04d}" for number in range(1, 9)]
    assert len(enlarged.units) == len(registry.units) + 8
    for year in (2023, 2024):
        leaders = {task.lead_unit_code for task in enlarged.lead_tasks(year) if "合成数据" in task.title_zh}
        assert leaders == {unit.unit_code for unit in added if Tag.LEAD in unit.tags}
    scored = {unit.unit_code for unit in enlarged.scored_units(2024, date(2025, 1, 1))}
    assert {unit.unit_code for unit in added} <= scored


def test_made_up_units_lead_the_same_each_year_of_an_edition(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    """Figures of one indicator are made to agree with those of another, and are compared with the year before."""
    write_enlarged_registry(REGISTRY_DIR, tmp_path, registry, editions, [2024, 2025], 8)
    enlarged = load_registry(tmp_path, editions)
    asked = [
        {
            task.lead_unit_code: task.indicator_codes
            for task in enlarged.lead_tasks(year)
            if not registry.known_code(task.lead_unit_code)
        }
        for year in (2024, 2025)
    ]
    assert asked[0] == asked[1] != {}


def test_made_up_units_are_dealt_over_the_cities_of_a_province(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    write_enlarged_registry(REGISTRY_DIR, tmp_path, registry, editions, [2024], 8, regions=4)
    enlarged, today = load_registry(tmp_path, editions), date(2025, 1, 1)
    assert enlarged.regions(2024, today) == ("150100", "150200", "150300", "150400")
    before = len(registry.scored_units(2024, today, "150200"))
    counted = {
        region: len(enlarged.scored_units(2024, today, region)) for region in enlarged.regions(2024, today)
    }
    assert counted == {"150100": 2, "150200": before + 2, "150300": 2, "150400": 2}
    added = [unit for unit in enlarged.units if not registry.known_code(unit.unit_code)]
    assert all(unit.unit_code[2:8] == unit.division_code for unit in added)


def test_a_made_up_city_has_authorities_of_its_own(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    write_enlarged_registry(REGISTRY_DIR, tmp_path, registry, editions, [2025], 9, regions=3)
    enlarged = load_registry(tmp_path, editions)
    homes = {unit.unit_code: enlarged.region_of(unit) for unit in enlarged.units}
    asked = [one for one in editions.for_year(2025).indicators if registry.reporters(one, 2025)]
    assert len(asked) > 50
    for one in asked:
        assert enlarged.reporters(one, 2025, "150200") == registry.reporters(one, 2025)
        for city in ("150100", "150300"):
            assert {homes[code] for _source, code in enlarged.reporters(one, 2025, city)} == {city}


@pytest.mark.parametrize("regions", [0, 101])
def test_a_province_has_no_more_cities_than_codes(
    tmp_path: Path, registry: Registry, editions: Editions, regions: int
) -> None:
    with pytest.raises(ValueError, match="regions"):
        write_enlarged_registry(REGISTRY_DIR, tmp_path, registry, editions, [2024], 8, regions=regions)


def test_more_units_than_codes_are_refused(tmp_path: Path, registry: Registry, editions: Editions) -> None:
    with pytest.raises(ValueError, match="99999"):
        write_enlarged_registry(REGISTRY_DIR, tmp_path, registry, editions, [2024], 100_000)


def test_a_registry_without_lead_tasks_gets_them(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    (tmp_path / "from").mkdir()
    for path in REGISTRY_DIR.glob("*.csv"):
        if path.name != "lead_tasks.csv":
            (tmp_path / "from" / path.name).write_bytes(path.read_bytes())
    write_enlarged_registry(tmp_path / "from", tmp_path / "to", registry, editions, [2024], 3)
    leading = [task.lead_unit_code for task in load_registry(tmp_path / "to", editions).lead_tasks(2024)]
    assert leading == [synthetic_code(1, "150200"), synthetic_code(3, "150200")]
