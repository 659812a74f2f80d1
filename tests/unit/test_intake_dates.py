from datetime import date

import pytest

from fazhi.intake.dates import read_date


def test_an_iso_date_is_read_as_it_is():
    reading = read_date("2024-03-05")
    assert (reading.day, reading.rewritten) == (date(2024, 3, 5), False)


@pytest.mark.parametrize(
    "text",
    [
        "2024年3月5日",
        "2024.3.5",
        "2024/3/5",
        "2024-3-5",
        "20240305",
        "２０２４．３．５",
        "二〇二四年三月五日",
        "2024-03-05 00:00:00",
        " 2024年 3月5日",
    ],
)
def test_other_full_dates_are_rewritten(text):
    reading = read_date(text)
    assert (reading.day, reading.rewritten) == (date(2024, 3, 5), True)


def test_chinese_tens():
    assert read_date("二〇二四年十二月三十一日").day == date(2024, 12, 31)
    assert read_date("二〇二四年十月二十日").day == date(2024, 10, 20)


@pytest.mark.parametrize("text", ["2024-02-30", "2024年13月5日", "20241340", "2023.2.29"])
def test_days_that_do_not_exist_are_refused(text):
    reading = read_date(text)
    assert reading.day is None
    assert "不存在" in reading.reason_zh


@pytest.mark.parametrize("text", ["3/5/24", "03/05/2024", "5.3.24"])
def test_dates_that_can_be_read_two_ways_are_refused(text):
    reading = read_date(text)
    assert reading.day is None
    assert "顺序" in reading.reason_zh


@pytest.mark.parametrize("text", ["2024年3月", "45356", "三月", "2024", "昨天", "二〇二四年三月五"])
def test_what_is_no_full_date_is_refused(text):
    assert read_date(text).day is None
