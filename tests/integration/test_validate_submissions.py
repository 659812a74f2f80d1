"""What is known of whole submissions: versions, copies, deadlines, locks; and what units share with one another."""

from pathlib import Path

import pytest

from support.validate import City, code_of

ROW = {"indicator": "I1.2", "value": "4"}
LONG = "本单位全年专题研究法治政府建设工作并逐项听取汇报，对存在的问题列出清单明确责任科室和完成时限，年底逐项核查落实情况。"


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City.at(tmp_path)


def found(city: City) -> list[tuple[str, str, str]]:
    city.judge()
    return [(one["check_id"], one["severity"], one["unit_code"]) for one in city.findings()]


@pytest.mark.parametrize(
    ("clock", "clerk", "value", "holds"),
    [
        ("10:00", "乙某", "5", 1),
        ("10:01", "乙某", "5", 0),
        ("10:00", "甲某", "5", 0),
        ("10:00", "乙某", "4", 0),
        ("08:00", "乙某", "5", 1),
    ],
)
def test_two_clerks_within_an_hour_with_other_figures(
    city: City, clock: str, clerk: str, value: str, holds: int
):
    city.submit([{**ROW, "sent": "20", "clock": "09:00"}])
    city.submit([{**ROW, "value": value, "sent": "20", "clock": clock, "clerk": clerk}])
    assert found(city) == [("VERSION_CONFLICT", "hold", code_of("甲单位"))] * holds


def test_the_same_revision_twice_is_in_conflict_however_far_apart(city: City):
    city.submit([{**ROW, "sent": "20", "revision": "1"}])
    city.submit([{**ROW, "value": "5", "sent": "40", "revision": "1"}])
    assert found(city) == [("VERSION_CONFLICT", "hold", code_of("甲单位"))]
    assert "第1次报送" in city.findings()[0]["message_zh"]


def test_a_version_confirmed_later_ends_the_conflict(city: City):
    for at, clerk, value in (("20", "甲某", "4"), ("20", "乙某", "5"), ("22", "甲某", "5")):
        city.submit([{**ROW, "value": value, "sent": at, "clerk": clerk}])
    assert found(city) == []


def test_a_file_is_known_again_by_its_content(city: City):
    city.submit([{**ROW, "file": "甲", "sent": "20"}])
    city.submit([{**ROW, "file": "乙", "sent": "30"}])
    assert found(city) == []
    city.submit([{**ROW, "file": "甲", "sent": "40"}])
    assert found(city) == [("DUP_FILE", "note", code_of("甲单位"))]
    assert "第1次报送" in city.findings()[0]["message_zh"]


def test_another_unit_sending_the_same_workbook_is_no_copy_of_ones_own(city: City):
    city.submit([{**ROW, "file": "甲"}])
    city.submit([{**ROW, "file": "甲", "unit": "乙单位"}])
    assert found(city) == []


def test_a_correction_of_what_came_in_time_is_not_late(city: City):
    city.set_deadline("10", "day")
    city.submit([{**ROW, "sent": "9"}])
    city.submit([{**ROW, "value": "5", "sent": "30"}])
    assert found(city) == []


@pytest.mark.parametrize(
    ("sent", "clock", "late"), [("10", "23:59", 0), ("11", "00:00", 1), ("11", "00:05", 1)]
)
def test_late_is_from_midnight(city: City, sent: str, clock: str, late: int):
    city.set_deadline("10", "day")
    city.submit([{**ROW, "sent": sent, "clock": clock}])
    assert found(city) == [("LATE", "note", code_of("甲单位"))] * late


@pytest.mark.parametrize(("sent", "locked"), [("29", 0), ("30", 1), ("39", 1), ("40", 0)])
def test_a_submission_is_refused_while_the_year_is_locked(city: City, sent: str, locked: int):
    city.lock("30", "40")
    city.submit([{**ROW, "sent": sent, "clock": "00:00"}])
    assert found(city) == [("LOCKED", "block", code_of("甲单位"))] * locked


def test_a_lock_lifted_judges_anew(city: City):
    city.submit([{**ROW, "sent": "31"}])
    first = city.judge()
    city.lock("30")
    second = city.judge()
    assert (first.new, second.new) == (True, True)
    assert [one["rule"] for one in city.findings()] == ["LOCKED"]


def test_a_text_copied_with_other_figures_is_a_copy_on_both_sides(city: City):
    city.submit([{**ROW, "note": f"{LONG}共4次（合成数据）"}])
    city.submit([{**ROW, "value": "5", "note": f"{LONG}共5次（合成数据）", "unit": "乙单位"}])
    assert found(city) == [("TEXT_DUP", "warn", code_of("乙单位")), ("TEXT_DUP", "warn", code_of("甲单位"))]


def test_the_same_number_in_one_units_own_rows_is_no_double(city: City):
    note = "合环罚字〔2024〕3号（合成数据）"
    city.submit([{**ROW, "note": note}, {"indicator": "H1.1", "value": "6", "note": note}])
    assert found(city) == []
