"""Working days: the shipped notices, make-up Saturdays, and years that nobody knows."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazhi.model.errors import ConfigurationError
from fazhi.registry.calendar import WorkingDays
from fazhi.settings import PROJECT_ROOT

SHIPPED = WorkingDays.load(PROJECT_ROOT / "include" / "holidays")
HEADER = "day,kind,name_zh,source_zh,status\n"
known_days = st.dates(date(2021, 1, 1), date(2026, 8, 31))


def test_the_shipped_years_are_whole():
    assert SHIPPED.years == {2021, 2022, 2023, 2024, 2025, 2026}
    assert {special.status for special in SHIPPED.special.values()} == {"found"}


@pytest.mark.parametrize(
    ("year", "off", "worked"),
    [(2021, 31, 7), (2022, 31, 7), (2023, 27, 7), (2024, 28, 8), (2025, 28, 5), (2026, 33, 6)],
)
def test_each_notice_has_its_days(year, off, worked):
    of_notice = [s for s in SHIPPED.special.values() if f"关于{year}年" in s.source_zh]
    assert sum(not s.is_working for s in of_notice) == off
    assert sum(s.is_working for s in of_notice) == worked


@pytest.mark.parametrize(
    ("day", "working"),
    [
        ("2026-02-14", True),  # a Saturday made up for
        ("2026-02-16", False),  # a Monday off
        ("2026-02-24", True),
        ("2022-12-31", False),  # told by the notice of 2023
        ("2024-02-09", True),  # New Year's Eve of 2024 was not a holiday
        ("2025-02-08", True),
        ("2021-09-26", True),
        ("2026-11-21", False),
    ],
)
def test_days_of_the_notices(day, working):
    assert SHIPPED.is_working(date.fromisoformat(day)) is working


def test_counting_goes_round_holidays_and_over_make_up_days():
    assert SHIPPED.add(date(2026, 9, 30), 1) == date(2026, 10, 8)
    assert SHIPPED.add(date(2026, 9, 30), 3) == date(2026, 10, 10)  # a Saturday
    assert SHIPPED.add(date(2026, 9, 18), 1) == date(2026, 9, 20)  # a Sunday
    assert SHIPPED.add(date(2026, 10, 3), 0) == date(2026, 10, 3)


@given(known_days, st.integers(0, 60))
def test_adding_and_counting_are_inverse(day, n):
    end = SHIPPED.add(day, n)
    assert SHIPPED.between(day, end) == n
    assert n == 0 or SHIPPED.is_working(end)
    assert SHIPPED.between(day, end + timedelta(days=1)) >= n


def test_a_year_without_a_notice_stops_every_count():
    with pytest.raises(ConfigurationError, match=r"没有 2027 年的节假日安排.*2027\.csv"):
        SHIPPED.add(date(2026, 12, 30), 5)
    with pytest.raises(ConfigurationError, match="没有 2020 年"):
        SHIPPED.is_working(date(2020, 12, 31))
    with pytest.raises(ValueError, match="negative"):
        SHIPPED.add(date(2026, 1, 1), -1)


@pytest.mark.parametrize(
    ("name", "row", "fault"),
    [
        ("2026.csv", "2026-10-08,workday,国庆节,通知,found", "2026.csv 第2行 kind 列：2026-10-08 不是周末"),
        ("2026.csv", "2025-11-30,holiday,元旦,通知,found", "不属于 2026 年的安排"),
        ("2026.csv", "2026-10-1,holiday,国庆节,通知,found", "第2行 day 列"),
        ("2026.csv", "2026-10-01,off,国庆节,通知,found", "第2行 kind 列"),
        ("2026.csv", "2026-10-01,holiday,国庆节,,found", "第2行 source_zh 列：不能为空"),
        ("2026.csv", "2026-10-01,holiday,国庆节,通知,sure", "第2行 status 列"),
        ("later.csv", "2026-10-01,holiday,国庆节,通知,found", "文件名应为四位年份"),
    ],
)
def test_faults_are_named(tmp_path, name, row, fault):
    (tmp_path / name).write_text(HEADER + row + "\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=fault):
        WorkingDays.load(tmp_path)


def test_a_day_stands_once(tmp_path):
    row = "2026-10-01,holiday,国庆节,通知,found\n"
    (tmp_path / "2026.csv").write_text(HEADER + row + row, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="2026-10-01 重复"):
        WorkingDays.load(tmp_path)
