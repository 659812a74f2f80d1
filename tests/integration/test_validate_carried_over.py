"""What one change makes be judged again, and what it leaves alone: each way of ``fazhi.validate.basis`` on its own."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from fazhi.model.terms import Tag
from fazhi.store import read
from fazhi.store.tables import finding, slice_parse, validation
from support.validate import EDITIONS, City, code_of, small_registry, unit

EDITION = EDITIONS.by_id("2024")
OTHERS = tuple(f"丙{number}单位" for number in range(6))
FAULTY = {"indicator": "A1.1", "numerator": "9", "denominator": "3"}
"""A share above one: a finding of its own row, whatever else is there."""


@pytest.fixture
def city(tmp_path: Path) -> City:
    """Six units whose submissions nothing in these tests touches, each with a finding."""
    registry = small_registry(EDITION, *(unit(name, Tag.LEAD, Tag.ENF) for name in OTHERS))
    made = City.at(tmp_path, EDITION, registry=registry)
    for name in OTHERS:
        made.submit([{**FAULTY, "unit": name}])
    return made


def judged(city: City) -> set[str]:
    """Whose submissions the last validation judged; the others' findings were carried over."""
    with read(city.engine) as connection:
        statement = (
            select(finding.c.unit_code, slice_parse.c.to_judge)
            .join(slice_parse, slice_parse.c.parse_id == finding.c.parse_id)
            .distinct()
        )
        told = {row.unit_code: row.to_judge for row in connection.execute(statement)}
    return {code for code, to_judge in told.items() if to_judge}


def rules_of(city: City, name: str) -> list[str]:
    return sorted(one["rule"] for one in city.findings() if one["unit_code"] == code_of(name))


def test_a_resubmission_judges_itself_alone(city: City) -> None:
    city.submit([{**FAULTY, "unit": "甲单位"}])
    city.judge()
    before = {name: rules_of(city, name) for name in OTHERS}
    city.submit([{"indicator": "A1.1", "numerator": "3", "denominator": "9", "unit": "甲单位"}])
    outcome = city.judge()
    assert outcome.new
    assert "NUM_GT_DEN" not in rules_of(city, "甲单位")
    assert {name: rules_of(city, name) for name in OTHERS} == before
    assert judged(city) <= {code_of("甲单位")}
    assert city.count(validation) == 2


def test_an_approved_excuse_is_judged_again(city: City) -> None:
    claim = {"indicator": "I1.2", "na": "1", "reason": "合成数据", "unit": "甲单位"}
    city.submit([claim, {**FAULTY, "unit": "甲单位"}])
    city.judge()
    assert "NA_UNAPPROVED" in rules_of(city, "甲单位")
    city.approve_not_applicable("I1.2")
    city.judge()
    assert "NA_UNAPPROVED" not in rules_of(city, "甲单位")
    assert judged(city) == {code_of("甲单位")}
    city.approve_not_applicable("I1.2", "withdraw")
    city.judge()
    assert "NA_UNAPPROVED" in rules_of(city, "甲单位")


def test_the_values_checked_are_those_of_the_year(city: City) -> None:
    city.submit([{**FAULTY, "unit": "甲单位"}])
    city.judge()
    city.submit([FAULTY | {"unit": "甲单位"}, {"indicator": "I1.2", "na": "1", "unit": "甲单位"}])
    city.judge()
    with read(city.engine) as connection:
        checked = list(
            connection.scalars(select(validation.c.values_checked).order_by(validation.c.validation_id))
        )
    assert checked == [7, 8]


def test_a_known_state_is_not_judged_at_all(city: City) -> None:
    first = city.judge()
    assert not city.judge().new
    city.submit([{**FAULTY, "unit": "甲单位"}])
    assert city.judge().validation_id != first.validation_id


def test_findings_carried_over_belong_to_the_new_validation(city: City) -> None:
    city.submit([{**FAULTY, "unit": "甲单位"}])
    first = city.judge()
    city.submit([{**FAULTY, "unit": "甲单位", "note": "合成数据"}])
    second = city.judge()
    with read(city.engine) as connection:
        statement = select(finding.c.validation_id, func.count()).group_by(finding.c.validation_id)
        counted = {row[0]: row[1] for row in connection.execute(statement)}
    assert counted[first.validation_id] == counted[second.validation_id]
