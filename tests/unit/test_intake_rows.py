"""Cells become values and findings: the exact rule, sheet and cell of each."""

from datetime import date

import pytest

from fazhi.intake import RULES, Wording
from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import Severity, SubmissionKind
from support.intake import CSV_HEADER, HEADERS, OTHER_UNIT, UNIT, book, csv_text, found, read, row

SHARE, GROWTH, MULTIPLE = "A1.1", "A4.5", "F4.3"
COUNT, AMOUNT, SCORE, BOOLEAN, DATE = "A1.4", "D5.3", "E4.3", "A2.1", "I2.1"


@pytest.fixture(scope="module")
def edition(editions):
    edition = editions.for_year(2024)
    types = [edition.by_code[c].value_type.value for c in (SHARE, COUNT, AMOUNT, SCORE, BOOLEAN, DATE)]
    assert types == ["ratio", "count", "amount", "score", "boolean", "date"]
    return edition


def one(edition, **filled):
    """The value and the findings of a table with one row."""
    code = filled.pop("code", SHARE)
    formats = filled.pop("formats", None)
    reading = read(edition, book([row(code, **filled)], formats=formats))
    assert reading.readable
    assert len(reading.values) == 1
    return reading.values[0], reading.findings


# --- readings


def test_a_ratio_row_with_every_address(edition):
    value, findings = one(edition, numerator=6669, denominator=6861, value="97.20%", evidence="附件.pdf")
    assert (value.numerator, value.denominator) == ("6669", "6861")
    assert (value.numerator_q, value.denominator_q) == (6_669_000_000, 6_861_000_000)
    assert (value.stated_ratio, value.ratio_form) == ("0.972", "percent")
    assert value.ratio_gap <= value.ratio_tolerance == 50_000_000
    assert (value.sheet, value.cell_row, value.cell_numerator, value.cell_denominator, value.cell_value) == (
        "填报表",
        "A3",
        "E3",
        "G3",
        "H3",
    )
    assert (value.cell_not_applicable, value.cell_evidence, value.cell_unit) == ("K3", "N3", None)
    assert (value.evidence_named, value.evidence_missing) == (1, "附件.pdf")
    assert (value.unit_code, value.reporter_code, value.period_rank) == (UNIT, UNIT, 2430012)
    assert findings == ()


def test_the_published_arbitration_ratio_is_further_off_than_its_digits_allow(edition):
    value, _ = one(edition, numerator=6669, denominator=6861, value="99.49%")
    assert value.stated_ratio == "0.9949"
    assert value.ratio_tolerance == 50_000_000
    assert value.ratio_gap == 22_884_258_855


@pytest.mark.parametrize(
    ("code", "typed", "amount"),
    [
        (COUNT, 126, "126"),
        (COUNT, "2.9万件", "29000"),
        (AMOUNT, "3018.18万元", "3018.18"),
        (AMOUNT, 0.1, "0.1"),
        (SCORE, "95.5", "95.5"),
        (COUNT, 12345, "12345"),
    ],
)
def test_amounts(edition, code, typed, amount):
    value, _ = one(edition, code=code, value=typed)
    assert value.amount == amount
    assert value.unreadable is value.fuzzy is None


@pytest.mark.parametrize(("typed", "read_as"), [("是", 1), ("否", 0), (True, 1), (False, 0)])
def test_booleans(edition, typed, read_as):
    value, findings = one(edition, code=BOOLEAN, boolean=typed)
    assert (value.boolean_value, value.cell_boolean) == (read_as, "I3")
    assert findings == ()


def test_a_boolean_in_the_column_of_numbers_is_found_there(edition):
    value, findings = one(edition, code=BOOLEAN, value="是")
    assert (value.boolean_value, value.cell_boolean) == (1, "H3")
    assert findings == ()


def test_an_excel_date_and_a_written_one(edition):
    value, findings = one(edition, code=DATE, date=date(2024, 3, 5))
    assert (value.date_value, value.cell_date, findings) == ("2024-03-05", "J3", ())
    value, findings = one(edition, code=DATE, date="2024年3月5日")
    assert value.date_value == "2024-03-05"
    assert [(f.finding.rule, f.finding.cell, f.finding.expected) for f in findings] == [
        ("DATE_FORMAT", "J3", "2024-03-05")
    ]


def test_a_day_count_is_a_date_where_the_cell_is_numeric(edition):
    value, findings = one(edition, code=DATE, date=45356)
    assert value.date_value == "2024-03-05"
    assert [f.finding.rule for f in findings] == ["DATE_FORMAT"]
    value, findings = one(edition, code=DATE, date="45356")
    assert value.date_value is None
    assert [f.finding.rule for f in findings] == ["DATE_INVALID"]


# --- findings on cells


@pytest.mark.parametrize(
    ("filled", "rules", "cell", "part"),
    [
        ({"numerator": "#DIV/0!", "denominator": 1}, ["CELL_ERROR"], "E3", "unreadable"),
        ({"numerator": "=A1*2", "denominator": 1}, ["STALE_FORMULA"], "E3", "unreadable"),
        ({"numerator": "/", "denominator": 1}, ["NA_TOKEN"], "E3", "unreadable"),
        ({"numerator": "无", "denominator": 1}, ["NA_TOKEN"], "E3", "unreadable"),
        ({"numerator": "见附件", "denominator": 1}, ["VALUE_TYPE"], "E3", "unreadable"),
        ({"numerator": "第二批", "denominator": 1}, ["VALUE_TYPE"], "E3", "unreadable"),
        ({"numerator": "98%", "denominator": 1}, ["UNIT_IN_CELL"], "E3", "unreadable"),
        ({"numerator": date(2024, 1, 2), "denominator": 1}, ["VALUE_TYPE"], "E3", "unreadable"),
        ({"numerator": True, "denominator": 1}, ["VALUE_TYPE"], "E3", "unreadable"),
        ({"numerator": 10**12, "denominator": 1}, ["VALUE_TYPE"], "E3", "unreadable"),
        ({"numerator": "3万余件", "denominator": 1}, ["FUZZY_NUMBER"], "E3", "fuzzy"),
        ({"numerator": "17余", "denominator": 1}, ["FUZZY_NUMBER", "FUZZY_MALFORMED"], "E3", "fuzzy"),
    ],
)
def test_a_part_that_is_no_exact_number(edition, filled, rules, cell, part):
    value, findings = one(edition, **filled)
    assert value.numerator is value.numerator_q is value.ratio_gap is None
    assert value.denominator == "1"
    assert [(f.finding.rule, f.finding.sheet, f.finding.cell) for f in findings] == [
        (rule, "填报表", cell) for rule in rules
    ]
    assert getattr(value, part) == "numerator"
    assert {f.row_no for f in findings} == {1}


@pytest.mark.parametrize(
    ("typed", "rules", "expected"),
    [
        ("1,234", ["SEPARATOR"], "1234"),
        ("１２３４", ["FULLWIDTH"], "1234"),
        ("三千", ["CN_NUMERAL"], "3000"),
        ("126件", ["UNIT_IN_CELL"], "126"),
        ("１，２３４件", ["FULLWIDTH", "SEPARATOR", "UNIT_IN_CELL"], "1234"),
    ],
)
def test_rewritten_numbers_are_told_with_before_and_after(edition, typed, rules, expected):
    value, findings = one(edition, code=COUNT, value=typed)
    assert value.amount == expected
    assert [f.finding.rule for f in findings] == rules
    for finding in findings:
        assert (finding.finding.cell, finding.finding.value_raw, finding.finding.expected) == (
            "H3",
            typed,
            expected,
        )
        assert finding.finding.severity is Severity.NOTE


def test_a_fuzzy_amount_keeps_its_interval(edition):
    value, findings = one(edition, code=AMOUNT, value="780多万元")
    assert (value.amount, value.fuzzy) == (None, "value")
    assert (value.low_q, value.high_q) == (780_000_000, 790_000_000)
    assert [f.finding.rule for f in findings] == ["FUZZY_NUMBER"]


def test_a_fuzzy_ratio_is_an_interval_of_shares(edition):
    value, findings = one(edition, numerator=98, denominator=100, value="98%以上")
    assert (value.stated_ratio, value.low_q, value.high_q) == (None, 980_000, None)
    assert [(f.finding.rule, f.finding.cell) for f in findings] == [("FUZZY_NUMBER", "H3")]


def test_a_number_in_a_percent_format_is_the_percentage_shown(edition):
    value, findings = one(edition, numerator=9949, denominator=10000, value=0.9949, formats={"H3": "0.00%"})
    assert (value.stated_ratio, value.ratio_form, value.value_raw, value.ratio_gap) == (
        "0.9949",
        "percent",
        "99.49%",
        0,
    )
    assert findings == ()
    value, findings = one(edition, code=COUNT, value=0.98, formats={"H3": "0%"})
    assert value.amount is None
    assert [(f.finding.rule, f.finding.severity) for f in findings] == [("UNIT_IN_CELL", Severity.BLOCK)]


def test_a_growth_word_on_a_share_is_another_measure(edition):
    value, findings = one(edition, numerator=1, denominator=2, value="同比增长50%")
    assert (value.stated_ratio, value.unreadable) == (None, "value")
    assert [f.finding.rule for f in findings] == ["UNIT_IN_CELL", "VALUE_TYPE"]
    value, _ = one(edition, code=GROWTH, numerator=150, denominator=100, value="同比增长50%")
    assert (value.stated_ratio, value.ratio_gap) == ("0.5", 0)


def test_a_multiple_has_no_percent_sign(edition):
    value, findings = one(edition, code=MULTIPLE, numerator=4100, denominator=822, value="5")
    assert (value.stated_ratio, value.ratio_form) == ("5", "bare")
    assert findings == ()


@pytest.mark.parametrize("typed", ["√", "有", "1", "完成"])
def test_what_is_neither_yes_nor_no(edition, typed):
    value, findings = one(edition, code=BOOLEAN, boolean=typed)
    assert (value.boolean_value, value.unreadable) == (None, "boolean")
    assert [(f.finding.rule, f.finding.cell) for f in findings] == [("VALUE_TYPE", "I3")]


@pytest.mark.parametrize(
    ("typed", "rule"),
    [
        ("2024-02-30", "DATE_INVALID"),
        ("2024年3月", "DATE_INVALID"),
        ("3/5/24", "DATE_FORMAT"),
        ("05-03-2024", "DATE_FORMAT"),
    ],
)
def test_dates_that_are_none(edition, typed, rule):
    value, findings = one(edition, code=DATE, date=typed)
    assert (value.date_value, value.unreadable) == (None, "date")
    assert [(f.finding.rule, f.finding.severity, f.finding.cell) for f in findings] == [(rule, "block", "J3")]


def test_the_words_a_department_reads_name_value_and_remedy(edition):
    _, findings = one(edition, code=AMOUNT, value="5件")
    finding = findings[0].finding
    assert "5件" in finding.message_zh
    assert "万元" in finding.message_zh
    assert finding.fix_zh


# --- which rows are values


def test_rows_without_entries_are_not_values(edition):
    content = book(
        [
            row(SHARE, name="名称"),
            row("A1.2", note="尚在统计", evidence="附件.pdf"),
            row(COUNT, numerator="/", denominator="—"),
            [None] * len(HEADERS),
            row("A1.3", numerator=0, denominator=0),
        ]
    )
    reading = read(edition, content)
    assert [(v.indicator_code, v.cell_row, v.row_no) for v in reading.values] == [("A1.3", "A7", 1)]


def test_not_applicable_alone_is_a_value(edition):
    value, findings = one(edition, not_applicable="是", reason="无此职责")
    assert (value.not_applicable, value.reason, value.numerator) == (1, "无此职责", None)
    assert findings == ()
    value, findings = one(edition, not_applicable="也许", numerator=1, denominator=1)
    assert value.not_applicable == 0
    assert [(f.finding.rule, f.finding.cell) for f in findings] == [("VALUE_TYPE", "K3")]
    value, _ = one(edition, not_applicable="否", numerator=1, denominator=1)
    assert value.not_applicable == 0


def test_totals_and_notes_are_skipped_and_rows_without_a_code_are_not(edition):
    content = book(
        [
            row(SHARE, numerator=1, denominator=2),
            row(None, name="合计", numerator=1, denominator=2),
            row("合 计", numerator=1, denominator=2),
            row(None, name="某项", numerator=3, denominator=4),
            row("注:以上数据截至12月31日"),
        ]
    )
    reading = read(edition, content)
    assert [(v.indicator_code, v.cell_row) for v in reading.values] == [(SHARE, "A3"), ("", "A6")]


def test_codes_are_normalised_in_form_only(edition):
    reading = read(edition, book([row(" ａ１．１ ", numerator=1, denominator=2), row("A1.1x", numerator=1)]))
    assert [v.indicator_code for v in reading.values] == ["A1.1", "A1.1X"]


def test_an_unknown_indicator_is_kept_as_written(edition):
    value, findings = one(edition, code="Q9.9", numerator="12", value="见附件")
    assert (value.numerator, value.numerator_raw, value.value_raw) == (None, "12", "见附件")
    assert findings == ()


def test_dashes_beside_a_complete_row_do_no_harm(edition):
    value, findings = one(edition, numerator=0, denominator=0, value="/")
    assert (value.numerator, value.denominator, value.stated_ratio) == ("0", "0", None)
    assert findings == ()


def test_the_decision_digest_changes_with_the_value_only(edition):
    first, _ = one(edition, numerator=1, denominator=2)
    same, _ = one(edition, numerator="１", denominator="2件", note="说明", evidence="b.pdf")
    other, _ = one(edition, numerator=1, denominator=3)
    unreadable, _ = one(edition, numerator="见附件", denominator=2)
    assert first.value_digest == same.value_digest
    assert len({first.value_digest, other.value_digest, unreadable.value_digest}) == 3


# --- evidence


def test_evidence_is_matched_by_name(edition):
    content = book(
        [
            row(
                SHARE,
                numerator=1,
                denominator=2,
                evidence="清单.PDF;台账、二.xlsx\uff1b无.pdf、缺.pdf\nhttp://a.cn/x",
            )
        ]
    )
    reading = read(edition, content, evidence=["清单.pdf", "台账、二.xlsx"])
    value = reading.values[0]
    assert (value.evidence_named, value.evidence_missing) == (5, "无.pdf;缺.pdf")


def test_evidence_names_match_in_every_unicode_form(edition):
    reading = read(
        edition,
        book([row(SHARE, numerator=1, denominator=2, evidence="re\u0301sume\u0301.pdf")]),
        evidence=["résumé.pdf"],
    )
    assert reading.values[0].evidence_missing is None


# --- header, sheets, template, cover


def test_the_header_is_found_by_its_titles(edition):
    columns = ["备注2", "指标 编码", "分\n母", "数值", "分子", "是否", "日期", "不适用"]
    cells = [["甲", SHARE, 861, None, 669]]
    reading = read(edition, book(cells, headers=columns, above=[["某市填报表"], ["单位:件"], []]))
    value = reading.values[0]
    assert (value.numerator, value.denominator) == ("669", "861")
    assert (value.cell_row, value.cell_numerator, value.cell_denominator) == ("B5", "E5", "C5")


def test_a_form_without_a_column_that_is_needed_is_returned_with_the_place_of_its_header(edition):
    reading = read(edition, book([row(SHARE)], headers=[title for title in HEADERS if title != "分母"]))
    assert (reading.readable, reading.values) == (False, ())
    (told,) = [one.finding for one in reading.findings]
    assert (told.rule, told.severity, told.sheet, told.cell) == ("HEADER_CHANGED", "block", "填报表", "A2")
    assert "分母" in told.message_zh


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (book([["A1.1", 1]], headers=["编号", "数"]), "表头"),
        (book([["A1.1", 1, 2]], headers=["指标编码", "分子", "分母"]), "数值"),
        (book([row(SHARE, numerator=1)], hidden=True), "隐藏"),
    ],
)
def test_another_table_is_not_our_form(edition, content, word):
    reading = read(edition, content)
    assert (reading.readable, reading.values) == (False, ())
    assert found(reading) == [("NOT_TEMPLATE", None, None)]
    assert word in reading.findings[0].finding.message_zh


def test_an_untouched_template_is_empty_but_readable(edition):
    reading = read(edition, book([row(SHARE)]))
    assert (reading.readable, reading.values) == (True, ())
    assert found(reading) == [("EMPTY", None, None)]


def test_a_cover_of_another_period_and_unit_blocks_the_file(edition):
    content = book(
        [row(SHARE, numerator=1, denominator=2)],
        cover={"单位名称": "甲单位", "统一社会信用代码": OTHER_UNIT, "填报期": "2024年二季度"},
    )
    reading = read(edition, content, period="2024-Q3")
    assert found(reading) == [("AUTHZ", "封面", "B2"), ("PERIOD_MISMATCH", "封面", "B3")]
    assert [f.row_no for f in reading.findings] == [None, None]
    assert (reading.readable, len(reading.values)) == (True, 1)


def test_a_cover_that_agrees_in_other_words_is_fine(edition):
    cover = {"统一社会信用代码": f" {UNIT} ", "填报期": "2024年第三季度"}
    content = book([row(SHARE, numerator=1, denominator=2)], cover=cover, meta={"system_id": "2024"})
    assert found(read(edition, content, period="2024-Q3")) == []


def test_a_template_of_another_edition_is_returned_and_of_another_digest_is_not(edition):
    rows = [row(SHARE, numerator=1, denominator=2)]
    old = read(edition, book(rows, meta={"system_id": "2021", "system_digest": "x"}))
    assert found(old) == [("TEMPLATE_VERSION", None, None)]
    same = read(edition, book(rows, meta={"system_id": edition.system_id, "system_digest": "x"}))
    assert found(same) == []


def test_an_unreadable_file_gives_one_finding_about_the_file(edition):
    reading = read(edition, b"%PDF-1.7")
    assert (reading.readable, reading.values, found(reading)) == (False, (), [("NOT_DATA", None, None)])
    assert reading.findings[0].unit_code == UNIT


# --- CSV and offices


def test_csv_values_have_line_and_column_addresses(edition):
    text = csv_text(
        f"{UNIT},2024,{SHARE},6669,6861,97.20%,,,,a.pdf",
        f"{UNIT},2024,{BOOLEAN},,,是,,,,",
        f"{UNIT},2024,{DATE},,,2024-03-05,,,,",
        f"{UNIT},2024,{COUNT},,,3万余件,,,,",
        f"{UNIT},2024,A1.2,,,,是,无此职责,,",
    )
    reading = read(edition, text, evidence=["a.pdf"])
    first, second, third, fourth, fifth = reading.values
    assert (first.sheet, first.cell_numerator, first.cell_unit) == (None, "2:numerator", "2:unit_code")
    assert (second.boolean_value, second.cell_boolean) == (1, "3:value")
    assert (third.date_value, third.cell_date) == ("2024-03-05", "4:value")
    assert (fourth.fuzzy, fourth.low_q) == ("value", 30_000_000_000)
    assert fifth.not_applicable == 1
    assert found(reading) == [("FUZZY_NUMBER", None, "5:value")]


def test_a_gb18030_csv_is_read_and_told(edition):
    reading = read(edition, csv_text(f"{UNIT},2024,{SHARE},1,2,,,,说明,").encode("gb18030"))
    assert reading.values[0].note == "说明"
    assert found(reading) == [("ENCODING", None, None)]


def test_a_row_of_another_period_is_returned(edition):
    reading = read(edition, csv_text(f"{UNIT},2023,{SHARE},1,2,,,,,"))
    assert reading.values[0].period == "2024"
    assert found(reading) == [("PERIOD_MISMATCH", None, "2:period")]


def test_optional_columns_say_how_a_figure_is_meant(edition):
    header = f"{CSV_HEADER},reporting,scope,provenance"
    reading = read(
        edition,
        csv_text(
            f"{UNIT},2024,{COUNT},,,126000,,,,,cumulative,全市,F099 001.txt",
            f"{UNIT},2024,{COUNT},,,累计126001,,,,,,,",
            header=header,
        ),
    )
    first, second = reading.values
    assert (first.stated_reporting, first.stated_scope, first.provenance) == (
        "cumulative",
        "全市",
        "F099 001.txt",
    )
    assert (second.stated_reporting, second.amount) == ("cumulative", "126001")


def test_an_office_reports_about_many_units(edition):
    office = SubmissionKind.OFFICE
    text = csv_text(
        f"{UNIT},2024,{COUNT},,,1,,,,", f"{OTHER_UNIT},2024,{COUNT},,,2,,,,", f",2024,{COUNT},,,3,,,,"
    )
    reading = read(edition, text, kind=office, sender="SENDER")
    assert [(v.unit_code, v.reporter_code, v.kind) for v in reading.values] == [
        (UNIT, "SENDER", "office"),
        (OTHER_UNIT, "SENDER", "office"),
        ("", "SENDER", "office"),
    ]
    table = book([[UNIT, *row(COUNT, value=5)]], headers=["统一社会信用代码", *HEADERS])
    workbook = read(edition, table, kind=office, sender="SENDER")
    assert [(v.unit_code, v.amount, v.cell_unit) for v in workbook.values] == [(UNIT, "5", "A3")]


def test_an_office_table_without_unit_codes_is_not_our_form(edition):
    reading = read(edition, book([row(COUNT, value=5)]), kind=SubmissionKind.OFFICE)
    assert found(reading) == [("NOT_TEMPLATE", None, None)]
    assert "统一社会信用代码" in reading.findings[0].finding.message_zh


def test_rules_that_an_edition_does_not_word_are_a_configuration_error(edition):
    from dataclasses import replace

    without = replace(edition, checks=tuple(c for c in edition.checks if c.rule not in ("EMPTY", "NA_TOKEN")))
    with pytest.raises(ConfigurationError) as raised:
        Wording(without, 2024)
    assert [fault.split()[-1] for fault in raised.value.faults] == ["EMPTY", "NA_TOKEN"]


def test_the_examples_of_the_edition_pass_and_fail(editions):
    tried = []
    for edition in editions.all:
        for check in edition.checks:
            for example, fails in ((check.example_pass, False), (check.example_fail, True)):
                if {"text", "column"} == set(example):
                    column = {"indicator_code": "code", "unit_code": "unit_code"}.get(
                        example["column"], example["column"]
                    )
                    content = _table_with(column, example["text"])
                    rules = [
                        rule
                        for rule, _, _ in found(
                            read(edition, content, period=_period(edition), evidence=["佐证（合成数据）.pdf"])
                        )
                    ]
                    assert (check.rule in rules) is fails, (edition.system_id, check.check_id, example)
                    tried.append(check.rule)
                if set(example) == {"cover"}:
                    cover = dict.fromkeys(("审核人", "签发人"), "") | example["cover"]
                    content = book([row(COUNT, value=5)], cover=cover)
                    rules = [rule for rule, _, _ in found(read(edition, content, period=_period(edition)))]
                    assert (check.rule in rules) is fails, (edition.system_id, check.check_id, example)
                    tried.append(check.rule)
                if check.rule in RULES and set(example) == {"raw"}:
                    is_date = check.rule.startswith("DATE")
                    filled = (
                        {"value": example["raw"]}
                        if is_date
                        else {"numerator": example["raw"], "denominator": 1}
                    )
                    cells = book([row(DATE if is_date else SHARE, **filled)])
                    rules = [
                        rule for rule, _, _ in found(read(edition, cells, period=str(edition.from_year)))
                    ]
                    assert (check.rule in rules) is fails, (edition.system_id, check.check_id, example)
                    tried.append(check.rule)
    told = {"PII_FOUND", "CLASSIFIED", "USCC_INVALID", "LINK_DEAD", "EVIDENCE_MISMATCH", "NOT_APPROVED"}
    typed = {"VALUE_TYPE", "NA_TOKEN", "FUZZY_NUMBER", "CELL_ERROR", "DATE_INVALID"}
    assert told | typed <= set(tried)


def _period(edition):
    return str(edition.to_year or edition.from_year)


def _table_with(column, text):
    """A table with a text in one of its columns, and a row that is in order."""
    filled = {"value": 5, "evidence": "佐证（合成数据）.pdf"}
    if column == "unit_code":
        return book(
            [[UNIT, *row(COUNT, **filled)], [text, *row(COUNT, **filled)]],
            headers=["统一社会信用代码", *HEADERS],
        )
    if column == "code":
        return book([row(COUNT, **filled), row(text, **filled)])
    return book([row(COUNT, **{**filled, column: text})])


@pytest.mark.parametrize(
    ("again", "left"),
    [
        ("12,,,,", 1),
        ("１２,,,,", 1),
        ("12,,,合成说明,佐证.txt", 1),
        ("13,,,合成说明,佐证.txt", 2),
        ("12,,,另一说明,佐证.txt", 2),
        ("累计12,,,合成说明,佐证.txt", 2),
    ],
)
def test_a_row_is_dropped_only_when_it_says_nothing_beyond_an_earlier_one(edition, again: str, left: int):
    reading = read(
        edition,
        csv_text(f"{UNIT},2024,{COUNT},,,12,,,合成说明,佐证.txt", f"{UNIT},2024,{COUNT},,,{again}"),
        evidence=("佐证.txt",),
    )
    assert len(reading.values) == left
    told = [one for one in found(reading) if one[0] == "DUP_ROW"]
    assert told == ([("DUP_ROW", None, "3:indicator_code")] if left == 1 else [])


def test_a_row_with_a_fault_of_its_own_is_no_repeat(edition):
    reading = read(edition, csv_text(f"{UNIT},2024,{COUNT},,,12,,,,", f"{UNIT},2023,{COUNT},,,12,,,,"))
    assert found(reading) == [("PERIOD_MISMATCH", None, "3:period")]
    assert len(reading.values) == 2


def test_two_rows_of_an_unknown_indicator_stay_two(edition):
    reading = read(edition, csv_text(f"{UNIT},2024,,,,12,,,,", f"{UNIT},2024,,,,12,,,,"))
    assert [one.row_no for one in reading.values] == [1, 2]


LINE = f"{UNIT},2024,{COUNT},,,12,,,合成说明,"


@pytest.mark.parametrize(
    "content",
    [
        csv_text(LINE).encode("utf-16"),
        b"\xfe\xff" + csv_text(LINE).encode("utf-16-be"),
        csv_text(LINE).encode("utf-16-le"),
        csv_text(LINE).replace(",", "\t").encode("utf-16"),
        csv_text(LINE).encode("utf-32"),
    ],
)
def test_a_table_in_utf16_is_refused_by_that_name(edition, content: bytes):
    reading = read(edition, content)
    (told,) = reading.findings
    assert (reading.readable, told.finding.rule) == (False, "FILE_TYPE")
    assert "文件是UTF-16编码的文本（表格软件的“Unicode 文本”），不是“CSV UTF-8”" in told.finding.message_zh
    assert "另存为" in told.finding.fix_zh


@pytest.mark.parametrize(
    ("separator", "named"),
    [("\t", "制表符"), (";", "分号"), ("|", "竖线"), ("，", "全角逗号"), ("；", "全角分号")],
)
@pytest.mark.parametrize("first", ["", "sep=;\n"])
def test_columns_that_are_not_separated_by_commas_are_refused_by_name(edition, separator, named, first):
    reading = read(edition, first + csv_text(LINE).replace(",", separator))
    (told,) = reading.findings
    assert (reading.readable, told.finding.rule) == (False, "FILE_TYPE")
    assert f"各列之间是{named}，不是半角逗号" in told.finding.message_zh


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("(3)", "3"),
        ("（3）", "3"),
        ("3-", "3"),
        ("▲3", "3"),
        ("△3", "3"),
        ('"(1,234)"', "1,234"),
        ("(12次)", "12"),
        ("（￥3.5）", "3.5"),
    ],
)
def test_a_negative_number_as_accounts_write_it_is_not_guessed_but_its_fix_is_named(
    edition, written: str, number: str
):
    reading = read(edition, csv_text(f"{UNIT},2024,{COUNT},,,{written},,,,"))
    (told,) = reading.findings
    assert (told.finding.rule, told.finding.severity, told.finding.cell) == (
        "VALUE_TYPE",
        Severity.BLOCK,
        "2:value",
    )
    assert f"不是负数的请写成 {number}，负数请写成 -{number}（" in told.finding.message_zh
    assert reading.values[0].amount is None
