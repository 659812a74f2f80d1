"""What one change makes be judged again, and what it leaves alone: each way of ``fazhi.validate.basis`` on its own."""

import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from fazhi.model.terms import Tag
from fazhi.store import read, write
from fazhi.store.tables import finding, slice_parse, submission, validation, validation_basis
from fazhi.validate import slices
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
    assert city.judged <= {code_of("甲单位")}
    assert city.count(validation) == 2


def test_an_approved_excuse_is_judged_again(city: City) -> None:
    claim = {"indicator": "I1.2", "na": "1", "reason": "合成数据", "unit": "甲单位"}
    city.submit([claim, {**FAULTY, "unit": "甲单位"}])
    city.judge()
    assert "NA_UNAPPROVED" in rules_of(city, "甲单位")
    city.approve_not_applicable("I1.2")
    city.judge()
    assert "NA_UNAPPROVED" not in rules_of(city, "甲单位")
    assert city.judged == {code_of("甲单位")}
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


def test_a_number_that_another_unit_comes_to_share_is_found_on_both(city: City) -> None:
    first = {"indicator": "I1.2", "value": "4", "note": "见合环罚字〔2024〕3号（合成数据）", "unit": "甲单位"}
    city.submit([first])
    city.judge()
    assert "CROSS_UNIT_DUP" not in rules_of(city, "甲单位")
    city.submit([{**first, "value": "5", "unit": "乙单位"}])
    city.judge()
    assert "CROSS_UNIT_DUP" in rules_of(city, "甲单位")
    assert city.judged == {code_of("甲单位"), code_of("乙单位")}
    city.submit([{**first, "value": "5", "unit": "乙单位", "note": ""}])
    city.judge()
    assert "CROSS_UNIT_DUP" not in rules_of(city, "甲单位")


def test_what_another_source_says_now_is_compared(city: City) -> None:
    by_court = {"indicator": "G2.2", "value": "1", "by": "COURT", "kind": "office"}
    city.submit([by_court])
    city.submit([{**by_court, "by": "RECON"}])
    city.judge()
    assert city.findings("CONFLICT") == []
    city.submit([{**by_court, "by": "RECON", "value": "3"}])
    city.judge()
    assert len(city.findings("CONFLICT")) == 2
    city.submit([{**by_court, "by": "RECON"}])
    city.judge()
    assert city.findings("CONFLICT") == []


def test_a_check_that_names_another_indicator_is_followed_back(tmp_path: Path) -> None:
    """An edition's own CONFLICT between two indicators of two sources: only the other one changes."""
    general = next(check for check in EDITION.checks if check.rule == "CONFLICT")
    params = {"indicator": "G2.2", "part": "value", "of": "A1.4", "of_part": "value"}
    own = replace(general, check_id="CONFLICT_G2.2_A1.4", params=params)
    edition = replace(EDITION, checks=(*EDITION.checks, own), digest="7" * 64)
    registry = small_registry(edition, *(unit(name, Tag.LEAD, Tag.ENF) for name in OTHERS))
    city = City.at(tmp_path, edition, registry=registry, own_suite=True)
    for name in OTHERS:
        city.submit([{**FAULTY, "unit": name}])
    city.submit([{"indicator": "G2.2", "value": "1", "by": "COURT", "kind": "office"}])
    other = {"indicator": "A1.4", "value": "1", "by": "SUPERV", "kind": "office"}
    city.submit([other])
    city.judge()
    assert [one for one in city.findings("CONFLICT") if one["check_id"] == own.check_id] == []
    city.submit([{**other, "value": "3"}])
    city.judge()
    found = [one for one in city.findings("CONFLICT") if one["check_id"] == own.check_id]
    assert [one["indicator_code"] for one in found] == ["G2.2"]


def test_a_number_that_a_unit_of_another_region_comes_to_share_is_found_here(tmp_path: Path) -> None:
    elsewhere = replace(unit("外地单位", Tag.LEAD, Tag.ENF), division_code="150100")
    city = City.at(tmp_path, EDITION, registry=small_registry(EDITION, elsewhere))
    for name in OTHERS:
        city.submit([{**FAULTY, "unit": "甲单位", "by": name}])
    first = {"indicator": "I1.2", "value": "4", "note": "见合环罚字〔2024〕3号（合成数据）", "unit": "甲单位"}
    city.submit([first])
    city.judge()
    assert "CROSS_UNIT_DUP" not in rules_of(city, "甲单位")
    city.submit([{**first, "value": "5", "unit": "外地单位"}])
    assert city.judge().new
    assert "CROSS_UNIT_DUP" in rules_of(city, "甲单位")
    assert rules_of(city, "外地单位") == []  # it is judged where it belongs


def test_a_sender_nobody_knows_is_judged_with_the_first_region(tmp_path: Path) -> None:
    city = City.at(tmp_path, EDITION, registry=small_registry(EDITION))
    city.submit([{**FAULTY, "unit": "甲单位", "by": "无此单位"}])
    assert city.judge().new
    with read(city.engine) as connection:
        (row,) = connection.execute(select(slice_parse)).all()
    assert row.region == "150200"


# --- what is marked, and what a validation rests on -----------------------------------------------------------------


def marked(city: City) -> int:
    with read(city.engine) as connection:
        statement = select(func.count()).select_from(slice_parse).where(slice_parse.c.to_judge == 1)
        return int(connection.execute(statement).scalar_one())


def test_nothing_is_marked_once_it_is_judged(city: City) -> None:
    city.judge()
    assert len(city.judged) == len(OTHERS)
    assert marked(city) == 0
    city.submit([{**FAULTY, "unit": "甲单位"}])
    city.judge()
    assert marked(city) == 0


def test_what_was_marked_and_not_listed_is_judged_with_what_came_since(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.judge()
    city.submit([{**FAULTY, "unit": "甲单位"}])

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(slices, "_list", killed)
        with pytest.raises(KeyboardInterrupt):
            city.judge()
    assert marked(city) == 1
    city.submit([{**FAULTY, "unit": "乙单位"}])
    city.judge()
    assert city.judged == {code_of("甲单位"), code_of("乙单位")}
    assert {"NUM_GT_DEN"} <= set(rules_of(city, "甲单位")) & set(rules_of(city, "乙单位"))


def test_after_a_basis_of_an_earlier_release_everything_is_judged(city: City) -> None:
    city.judge()
    earlier = zlib.compress(b'{"compared":[],"parses":[],"submissions":[],"excused":[]}', 1)
    with write(city.engine) as connection:
        connection.execute(update(validation_basis).values(content=earlier))
    assert not city.judge().new
    city.submit([{**FAULTY, "unit": "甲单位"}])
    city.judge()
    assert len(city.judged) == len(OTHERS) + 1
    city.submit([{**FAULTY, "unit": "甲单位"}])
    city.judge()
    assert city.judged == {code_of("甲单位")}


def test_where_a_submission_is_gone_everything_is_judged(city: City) -> None:
    """Submissions only ever come: where one is missing, nothing that rests on the others is believed."""
    city.submit([{**FAULTY, "unit": "甲单位"}])
    city.submit([{**FAULTY, "unit": "甲单位"}])
    city.judge()
    with write(city.engine) as connection:
        superseded = (submission.c.sender_code == code_of("甲单位"), submission.c.revision == 1)
        connection.execute(update(submission).where(*superseded).values(revision=9))
    city.submit([{**FAULTY, "unit": "乙单位"}])
    city.judge()
    assert len(city.judged) == len(OTHERS) + 2
