"""The blank workbook: what it lists, how it is protected, and that what is filled in reads back exactly."""

from datetime import date
from decimal import Decimal

import pytest
import time_machine
from openpyxl import load_workbook

from fazhi.intake import asked_indicators, write_template, write_workbook
from fazhi.model.errors import UsageError
from fazhi.model.period import Period, due_periods
from fazhi.model.terms import SubmissionKind, Tag, ValueType
from fazhi.sheets import cover_of, read_file, template_of
from support.intake import HEADERS, found, read

TODAY = date(2025, 3, 1)
YEAR = Period.parse("2024")
SIGNED = {"审核人": "合成数据乙", "签发人": "合成数据丙"}


@pytest.fixture(scope="module")
def edition(editions):
    return editions.for_year(2024)


@pytest.fixture(scope="module")
def unit(registry):
    return next(u for u in registry.scored_units(2024, TODAY) if Tag.REGION in u.tags)


def filled(asked):
    """An entry of every kind for every indicator asked."""
    entries = []
    for number, indicator in enumerate(asked, 1):
        entry = {"indicator_code": indicator.code, "evidence": "附件.pdf"}
        if indicator.value_type is ValueType.RATIO:
            entry |= {"numerator": number, "denominator": 1000, "value": f"{Decimal(number) / 10}%"}
        elif indicator.value_type is ValueType.BOOLEAN:
            entry["boolean"] = "是"
        elif indicator.value_type is ValueType.DATE:
            entry["date"] = date(2024, 3, 5)
        else:
            entry["value"] = Decimal(number) + Decimal("0.1")
        entries.append(entry)
    return entries


def test_the_yearly_workbook_lists_all_that_the_unit_is_asked(edition, registry, unit):
    asked = asked_indicators(edition, registry, unit, YEAR, TODAY)
    assert asked
    assert all(i.asked_of_unit and registry.applies(i, unit, 2024, TODAY) for i in asked)
    assert not any(i.rule_type.is_adjustment for i in asked)
    left_out = [i for i in edition.indicators if i not in asked]
    assert not any(i.asked_of_unit and registry.applies(i, unit, 2024, TODAY) for i in left_out)


@pytest.mark.parametrize("text", ["2024-H1", "2024-Q3", "2024-07"])
def test_a_finer_workbook_lists_what_is_due_in_it(edition, registry, unit, text):
    period = Period.parse(text)
    asked = asked_indicators(edition, registry, unit, period, TODAY)
    assert [
        i
        for i in asked_indicators(edition, registry, unit, YEAR, TODAY)
        if period in due_periods(i.frequency, 2024)
    ] == list(asked)
    assert asked


def test_a_year_that_has_not_begun_has_no_workbook(edition, registry, unit, tmp_path):
    with pytest.raises(UsageError):
        write_template(edition, registry, unit, Period.parse("2026"), tmp_path / "x.xlsx", TODAY)


def test_the_blank_workbook(edition, registry, unit, tmp_path):
    out = tmp_path / "新文件夹" / "空白.xlsx"
    rows = write_template(edition, registry, unit, Period.parse("2024-Q3"), out, TODAY)
    book = load_workbook(out)
    assert [(s.title, s.sheet_state) for s in book.worksheets] == [
        ("封面", "visible"),
        ("填报表", "visible"),
        ("_meta", "veryHidden"),
    ]
    table = book["填报表"]
    assert [cell.value for cell in table[2]] == HEADERS
    assert table.max_row == rows + 2
    assert table.freeze_panes == "C3"
    assert table.protection.sheet
    assert table.print_title_rows == "$2:$2"
    assert {v.formula1 for v in table.data_validations.dataValidation} == {'"是,否"', '"是"'}
    file = read_file(out.read_bytes(), out.name)
    cover = cover_of(file)
    assert (cover.unit_code, str(cover.period), cover.text("单位名称")) == (
        unit.unit_code,
        "2024-Q3",
        unit.name_zh,
    )
    assert template_of(file) == {
        "template_version": "1",
        "system_id": edition.system_id,
        "system_digest": edition.digest,
        "unit_code": unit.unit_code,
        "period": "2024-Q3",
        "rows": str(rows),
    }


def test_only_the_cells_to_fill_in_are_unlocked(edition, registry, unit, tmp_path):
    out = tmp_path / "a.xlsx"
    write_template(edition, registry, unit, YEAR, out, TODAY)
    table = load_workbook(out)["填报表"]
    common = {"不适用", "不适用理由", "情况说明", "佐证材料"}
    own = {
        ValueType.RATIO: {"分子", "分母", "数值"},
        ValueType.BOOLEAN: {"是否"},
        ValueType.DATE: {"日期"},
    }
    seen = set()
    for cells in table.iter_rows(min_row=3):
        value_type = edition.by_code[cells[0].value].value_type
        seen.add(value_type)
        unlocked = {HEADERS[i] for i, cell in enumerate(cells) if not cell.protection.locked}
        assert unlocked == own.get(value_type, {"数值"}) | common
    assert ValueType.RATIO in seen


def test_an_untouched_workbook_is_empty(edition, registry, unit, tmp_path):
    out = tmp_path / "a.xlsx"
    write_template(edition, registry, unit, YEAR, out, TODAY)
    assert found(read(edition, out.read_bytes(), sender=unit.unit_code)) == [
        ("EMPTY", None, None),
        ("NOT_APPROVED", "封面", "B6"),
    ]


def test_what_is_filled_in_reads_back_exactly(edition, registry, unit, tmp_path):
    out = tmp_path / "a.xlsx"
    asked = asked_indicators(edition, registry, unit, YEAR, TODAY)
    entries = filled(asked)
    rows = write_workbook(edition, registry, unit, YEAR, entries, out, today=TODAY, cover=SIGNED)
    assert rows == len(asked)
    reading = read(edition, out.read_bytes(), sender=unit.unit_code, evidence=["附件.pdf"])
    assert found(reading) == []
    assert [v.indicator_code for v in reading.values] == [i.code for i in asked]
    for entry, value, indicator in zip(entries, reading.values, asked, strict=True):
        assert value.evidence_missing is None
        if indicator.value_type is ValueType.RATIO:
            assert (value.numerator, value.denominator) == (str(entry["numerator"]), "1000")
            assert value.ratio_form == "percent"
        elif indicator.value_type is ValueType.BOOLEAN:
            assert value.boolean_value == 1
        elif indicator.value_type is ValueType.DATE:
            assert value.date_value == "2024-03-05"
        else:
            assert value.amount == str(entry["value"])


def test_rows_that_are_not_asked_and_repeated_rows_are_appended(edition, registry, unit, tmp_path):
    out = tmp_path / "a.xlsx"
    asked = asked_indicators(edition, registry, unit, YEAR, TODAY)
    code = asked[0].code
    rows = [
        {"indicator_code": code, "numerator": 1, "denominator": 2},
        {"indicator_code": code, "numerator": 1, "denominator": 3},
        {"indicator_code": "Q9.9", "value": "=1+1"},
    ]
    write_workbook(edition, registry, unit, YEAR, rows, out, today=TODAY, cover={**SIGNED, "填报期": "2023"})
    reading = read(edition, out.read_bytes(), sender=unit.unit_code)
    assert [(v.indicator_code, v.denominator, v.value_raw) for v in reading.values] == [
        (code, "2", None),
        (code, "3", None),
        ("Q9.9", None, "=1+1"),
    ]
    last_row = len(asked) + 4
    assert found(reading) == [
        ("FORMULA_INJECTION", "填报表", f"H{last_row}"),
        ("PERIOD_MISMATCH", "封面", "B3"),
    ]


def test_an_office_workbook_names_units(edition, registry, unit, tmp_path):
    out = tmp_path / "a.xlsx"
    rows = [{"unit_code": unit.unit_code, "indicator_code": "A1.4", "value": 3, "provenance": "台账"}]
    assert write_workbook(edition, registry, unit, YEAR, rows, out, today=TODAY) == 1
    reading = read(edition, out.read_bytes(), sender=unit.unit_code, kind=SubmissionKind.OFFICE)
    assert [(v.unit_code, v.amount, v.provenance, v.cell_value) for v in reading.values] == [
        (unit.unit_code, "3", "台账", "I3")
    ]


def test_the_same_workbook_has_the_same_bytes(edition, registry, unit, tmp_path):
    for name, moment in (("a.xlsx", "2025-01-01 08:00:00"), ("b.xlsx", "2026-02-02 09:00:01")):
        with time_machine.travel(moment, tick=False):
            write_template(edition, registry, unit, YEAR, tmp_path / name, TODAY)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.xlsx", "b.xlsx"]
