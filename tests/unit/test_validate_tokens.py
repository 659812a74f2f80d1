"""By what rows are recognised elsewhere, and when a submission is due."""

from dataclasses import replace
from datetime import datetime

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.model.period import Period
from fazhi.registry.calendar import WorkingDays
from fazhi.settings import Settings
from fazhi.systems.edition import DatedValue, Deadline, Edition
from fazhi.validate.deadlines import due_second
from fazhi.validate.tokens import SHANGHAI, document_numbers, seconds, tokens_of
from support.validate import EDITIONS

EDITION = EDITIONS.by_id("2024")


@pytest.mark.parametrize(
    ("note", "numbers"),
    [
        ("依据合环罚字〔2024〕3号办理", ("合环罚字〔2024〕3号",)),
        ("依据合环罚字[2024] 3 号办理", ("合环罚字〔2024〕3号",)),
        ("见合环罚字（２０２４）３号", ("合环罚字〔2024〕3号",)),
        ("案号（2024）合0203行初12号", ("〔2024〕合0203行初12号",)),
        ("甲〔2024〕1号、乙〔2024〕2号，又见甲〔2024〕1号", ("甲〔2024〕1号", "乙〔2024〕2号")),
        ("甲〔2024〕1号乙〔2024〕第2-1号", ("甲〔2024〕1号", "乙〔2024〕2-1号")),
        ("（2024）年度，甲（2024）1号", ("甲〔2024〕1号",)),
        (f"{'合' * 25}〔2024〕1号", (f"{'合' * 20}〔2024〕1号",)),
        ("合成1发〔2024〕1号", ("发〔2024〕1号",)),
        ("合成发〔2024〕十二号，合成发〔2124〕1号，合成发〔2024〕1", ()),
        ("2024年全年4次，见第3号会议室", ()),
        ("", ()),
    ],
)
def test_a_number_is_written_alike_however_it_was_typed(note: str, numbers: tuple[str, ...]):
    assert document_numbers(note) == numbers


def test_a_copied_text_is_known_by_its_letters_not_by_figures_and_points():
    first, second = (
        [one for one in tokens_of(note) if one[0] == "text"]
        for note in ("全年研究4次，听取汇报、督促整改。", "全年研究 12 次, 听取汇报；督促整改")
    )
    assert first == second
    assert first[0][2] == 13


def test_a_short_text_gives_no_token():
    assert list(tokens_of("合成数据")) == []


def test_a_time_without_an_offset_is_shanghais():
    assert seconds("2024-07-01T00:00:00") == seconds("2024-06-30T16:00:00+00:00")


def edition_due(value: str, unit: str, name: str = "submission_after_period") -> Edition:
    dated = DatedValue(None, None, value, unit, 1, "unverified", "合成数据")
    return replace(EDITION, deadlines={name: Deadline(name, "报送", (dated,))})


def calendar() -> WorkingDays:
    return WorkingDays.load(Settings.load().holidays_dir)


@pytest.mark.parametrize(
    ("value", "unit", "period", "last"),
    [
        ("10", "day", "2024-Q1", "2024-04-10T23:59:59"),
        ("5", "working_day", "2024-04", "2024-05-10T23:59:59"),
        ("03-01", "month_day", "2024", "2025-03-01T23:59:59"),
    ],
)
def test_a_submission_is_on_time_to_the_end_of_the_day(value: str, unit: str, period: str, last: str):
    due = due_second(edition_due(value, unit), Period.parse(period), calendar)
    assert due is not None
    assert datetime.fromtimestamp(due, SHANGHAI).replace(tzinfo=None).isoformat() == last


def test_the_yearly_deadline_is_for_whole_years_alone():
    edition = edition_due("10", "day", "submission_after_year")
    assert due_second(edition, Period.parse("2024-Q1"), calendar) is None
    assert due_second(edition, Period.parse("2024"), calendar) is not None


def test_without_a_parameter_nothing_is_due():
    assert due_second(replace(EDITION, deadlines={}), Period.parse("2024"), calendar) is None


def test_a_deadline_in_words_is_refused():
    with pytest.raises(ConfigurationError, match="不能是 text"):
        due_second(edition_due("尽快", "text"), Period.parse("2024"), calendar)
