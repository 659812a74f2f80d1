"""What stops or is changed before anything else looks: markings, personal data, invisible characters, zeros, codes."""

import gc
import json
import sys
import unicodedata
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from fazhi.intake import Submitted, Wording, cleaning, read_submission, values
from fazhi.intake.codes import _PLUS, judge_number_in_text
from fazhi.model.period import Period
from fazhi.model.privacy import Masked, mask_personal_data
from fazhi.model.terms import Severity, SubmissionKind
from fazhi.sheets import Cell, markings
from support.bad import unit_named
from support.intake import HEADERS, UNIT, book, csv_text, found, read, row, saved
from support.returns import shipped

PHONE, CARD = "13800138000", "6222021234567890128"
SECRET = "绝不能出现在别处的内容"


@pytest.fixture(scope="module")
def edition(editions):
    return editions.for_year(2024)


def everything(reading) -> str:
    """All that a reading hands on."""
    return json.dumps(
        [[asdict(value) for value in reading.values], [asdict(one) for one in reading.findings]],
        ensure_ascii=False,
        default=str,
    )


# --- personal data


@pytest.mark.parametrize(
    ("key", "cell"),
    [("note", "M3"), ("reason", "L3"), ("name", "B3"), ("boolean", "I3"), ("not_applicable", "K3")],
)
def test_personal_data_in_any_column_is_masked_everywhere(edition, key, cell):
    reading = read(edition, book([row("A1.1", numerator=1, denominator=2, **{key: f"电话{PHONE}"})]))
    assert ("PII_FOUND", "填报表", cell) in found(reading)
    assert PHONE not in everything(reading)
    assert "138****8000" in everything(reading)


def test_a_phone_typed_as_a_number_is_masked_in_a_text_and_left_in_a_figure(edition):
    reading = read(edition, book([row("D5.2", value=int(PHONE), note=int(PHONE))]))
    assert found(reading) == [("PII_FOUND", "填报表", "M3")]
    assert (reading.values[0].amount, reading.values[0].note) == (PHONE, "138****8000")


def test_a_file_named_by_a_phone_still_counts_as_evidence(edition):
    name = f"{PHONE}.pdf"
    reading = read(edition, book([row("A1.1", numerator=1, denominator=2, evidence=name)]), evidence=[name])
    assert found(reading) == [("PII_FOUND", "填报表", "N3")]
    assert (reading.values[0].evidence_named, reading.values[0].evidence_missing) == (1, None)
    assert PHONE not in everything(reading)


def test_a_file_that_no_row_names_is_told_on_the_submission(edition):
    reading = read(edition, book([row("A1.1", numerator=1, denominator=2)]), evidence=[f"{PHONE}.pdf"])
    assert found(reading) == [("PII_FOUND", None, None)]
    assert PHONE not in everything(reading)


def test_the_contact_phone_is_meant_to_be_there_and_other_entries_are_not(edition):
    filled = [row("A1.1", numerator=1, denominator=2)]
    assert found(read(edition, book(filled, cover={"联系电话": PHONE}))) == []
    reading = read(edition, book(filled, cover={"联系电话": PHONE, "填报人": f"甲 {PHONE}"}))
    assert found(reading) == [("PII_FOUND", "封面", "B2")]


def test_another_sheet_is_one_finding_that_names_every_cell(edition):
    workbook = Workbook()
    workbook.worksheets[0].title = "填报表"
    for cells in (HEADERS, row("A1.1", numerator=1, denominator=2)):
        workbook.worksheets[0].append(cells)
    extra = workbook.create_sheet("名单")
    for cells in (("姓名", "卡号"), ("甲", CARD), ("乙", CARD)):
        extra.append(cells)
    personal = [f.finding for f in read(edition, saved(workbook)).findings if f.finding.rule == "PII_FOUND"]
    assert [(one.sheet, one.cell, one.related) for one in personal] == [("名单", "B2", ("B3",))]


def test_a_csv_has_its_own_addresses(edition):
    reading = read(edition, csv_text(f",2024,A1.1,1,2,,,,电话{PHONE},"))
    assert found(reading) == [("PII_FOUND", None, "2:note")]


# --- secrecy


def whole(content: bytes, evidence=(), name="填报表（合成数据）.xlsx"):
    editions, registry = shipped()
    unit = unit_named("包头市公安局")
    edition = editions.for_year(2024)
    return read_submission(
        [(name, content)],
        Submitted(SubmissionKind.UNIT, unit.unit_code, Period.parse("2024"), tuple(n for n, _ in evidence)),
        edition,
        Wording(edition, 2024),
        registry=registry,
        evidence=evidence,
    )


@pytest.mark.parametrize("marking", ["秘密★1年", "机密", "绝密★长期", "内部资料", "密级：秘密"])
def test_a_marking_in_a_cell_stops_the_file_and_nothing_of_it_is_handed_on(marking):
    reading = whole(
        book(
            [
                row("A1.1", numerator="3万余", denominator=2, note=SECRET),
                row("A1.2", numerator=1, denominator=2, note=f"{marking}\n{SECRET}"),
            ],
            cover={"单位名称": SECRET},
        )
    )
    assert (reading.readable, reading.values) == (False, ())
    assert [
        (f.finding.rule, f.finding.severity, f.finding.sheet, f.finding.cell) for f in reading.findings
    ] == [("CLASSIFIED", Severity.SECURITY, "填报表", "M4")]
    assert SECRET not in everything(reading)
    assert marking not in everything(reading)


def test_a_marking_on_evidence_or_in_a_name_stops_the_file():
    clean = book([row("A1.1", numerator=1, denominator=2, evidence="a.txt", note=SECRET)])
    for reading in (
        whole(clean, [("a.txt", f"机密\n{SECRET}".encode())]),
        whole(clean, [("a.txt", b"1"), (f"{SECRET}（秘密）.txt", b"1")]),
        whole(clean, [("a.txt", b"1")], name=f"{SECRET}（机密）.xlsx"),
    ):
        assert reading.readable is False
        assert [f.finding.rule for f in reading.findings] == ["CLASSIFIED"]
        assert SECRET not in everything(reading)


@pytest.mark.parametrize("text", ["商业秘密保护案件2件", "保守国家秘密宣传4次", "内部资料管理制度"])
def test_texts_about_secrecy_are_read(edition, text):
    reading = read(edition, book([row("A1.1", numerator=1, denominator=2, note=text)]))
    assert (found(reading), reading.values[0].note) == ([], text)


# --- invisible characters


def test_zero_width_characters_are_taken_out_with_before_and_after(edition):
    reading = read(edition, book([row("A1.1", numerator="1\u200b2", denominator=20, note="\ufeff合成数据")]))
    assert [
        (f.finding.rule, f.finding.cell, f.finding.value_raw, f.finding.expected) for f in reading.findings
    ] == [
        ("INVISIBLE_CHAR", "E3", "1〈U+200B〉2", "12"),
        ("INVISIBLE_CHAR", "M3", "〈U+FEFF〉合成数据", "合成数据"),
    ]
    assert (reading.values[0].numerator, reading.values[0].note) == ("12", "合成数据")
    assert {f.finding.severity for f in reading.findings} == {Severity.NOTE}


def test_private_use_characters_stop_a_key_and_are_noted_in_a_text(edition):
    reading = read(edition, book([row("A1.1\ue264", numerator=1, denominator=20, note="\ue265")]))
    assert [(f.finding.rule, f.finding.severity, f.finding.cell) for f in reading.findings] == [
        ("INVISIBLE_CHAR", Severity.BLOCK, "A3"),
        ("INVISIBLE_CHAR", Severity.NOTE, "M3"),
    ]
    assert "U+E264" in reading.findings[0].finding.message_zh
    assert reading.values[0].note == "\ue265"


def test_mongolian_in_the_standard_encoding_is_text(edition):
    text = "ᠮᠣᠩᠭᠣᠯ\u180bᠪᠢᠴᠢᠭ\u202fᠦᠨ"
    reading = read(edition, book([row("A1.1", numerator=1, denominator=20, note=text)]))
    assert (found(reading), reading.values[0].note) == ([], text)


# --- applicability


def test_a_zero_beside_not_applicable_is_no_figure(edition):
    reading = read(
        edition, book([row("A1.1", numerator=0, denominator=0, not_applicable="是", reason="无此职责")])
    )
    assert found(reading) == [("ZERO_FOR_NA", "填报表", "E3")]
    value = reading.values[0]
    assert (value.not_applicable, value.numerator_q, value.denominator_q, value.numerator_raw) == (
        1,
        None,
        None,
        "0",
    )


def test_a_zero_of_a_unit_without_the_duty_is_not_applicable_and_one_with_it_is_zero():
    editions, registry = shipped()
    unit = unit_named("包头市公安局")
    edition = editions.for_year(2024)
    day = registry.deciding_day(2024, Period.parse("2025").first_day)
    foreign = next(
        one.code
        for one in edition.indicators
        if one.asked_of_unit
        and one.value_type.value == "ratio"
        and one.in_force(day)
        and not registry.applies(one, unit, 2024, day)
    )
    reading = whole(book([row(foreign, numerator=0, denominator=0), row("A1.1", numerator=0, denominator=0)]))
    assert found(reading) == [("ZERO_FOR_NA", "填报表", "E3")]
    assert [value.not_applicable for value in reading.values] == [1, 0]


def test_dashes_beside_not_applicable_state_nothing_and_alone_they_are_no_zero(edition):
    ticked = read(edition, book([row("A1.1", numerator="/", denominator="—", not_applicable="是")]))
    assert found(ticked) == []
    alone = read(edition, book([row("A1.1", numerator="/", denominator="—")]))
    assert found(alone) == [("NA_TOKEN", "填报表", "E3"), ("NA_TOKEN", "填报表", "G3")]


@pytest.mark.parametrize(("code", "key", "cell"), [("A2.1", "boolean", "I3"), ("I2.1", "date", "J3")])
def test_dashes_in_other_columns_are_not_guessed_either(edition, code, key, cell):
    assert found(read(edition, book([row(code, **{key: "无"})]))) == [("NA_TOKEN", "填报表", cell)]


# --- codes and numbers in texts


def test_an_invalid_code_in_a_row_of_the_unit_itself_is_told_once(edition):
    reading = read(edition, csv_text(f"{UNIT[:-1]}Q,2024,A1.1,1,2,,,,,"))
    assert found(reading) == [("USCC_INVALID", None, "2:unit_code")]
    assert (reading.values[0].unit_code, reading.values[0].unreadable) == (UNIT, "unit")


@pytest.mark.parametrize("written", ["案号1.50203E+17", 150203199001011232])
def test_a_number_of_a_document_that_lost_digits(edition, written):
    reading = read(edition, book([row("A1.1", numerator=1, denominator=2, note=written)]))
    assert found(reading) == [("SCI_NOTATION_ID", "填报表", "M3")]


@given(st.lists(st.text(max_size=30), min_size=3, max_size=3))
def test_any_text_is_read_or_told(editions, texts):
    name, note, evidence = (text.replace("\r", "") for text in texts)
    reading = read(
        editions.for_year(2024),
        csv_text(
            ",".join(["", "2024", "A1.1", "1", "2", "", "", _quoted(name), _quoted(note), _quoted(evidence)])
        ),
    )
    for one in reading.findings:
        assert one.finding.message_zh
        assert one.finding.message_en


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


# --- what is passed by

_TROUBLE = st.sampled_from("密内部秘★\r\n \u3000\u200b\u00ad\ue000\ufe0f\u180e\u200d0１2Xx- 13800138000级：")
_TEXTS = st.text(st.one_of(_TROUBLE, st.characters(exclude_categories=["Cs"])), max_size=40)


@given(_TEXTS)
def test_what_is_passed_by_has_nothing_to_clean(text):
    if not cleaning._may_need_cleaning(text):
        assert cleaning._without_invisible(text) == text
        assert cleaning._PRIVATE_USE.search(text) is None
        assert mask_personal_data(text) == Masked(text)


@given(_TEXTS)
def test_what_is_passed_by_bears_no_marking(text):
    bare = markings._BLANKS.sub(
        "", unicodedata.normalize("NFKC", text.replace("\r", "\n")).translate(markings._INVISIBLE)
    )
    marked = markings._ANYWHERE.search(bare) is not None or markings._ALONE.search(bare) is not None
    assert markings.classified_marking(text) == marked


def test_no_other_character_becomes_one_of_a_marking():
    for character in map(chr, range(sys.maxunicode + 1)):
        folded = unicodedata.normalize("NFKC", character)
        assert folded == character or not set("密内部") & set(folded)


@given(st.lists(st.none() | st.integers() | st.text(), max_size=8))
def test_the_content_of_a_digest_is_written_as_json_writes_it(content):
    assert f"[{', '.join(map(values._json, content))}]" == json.dumps(content)


@pytest.mark.parametrize("enabled", [True, False])
def test_reading_leaves_no_cycles_and_the_collector_as_it_was(edition, enabled):
    content = book([row("A1.1", value=1)])
    found = []
    for _ in range(5):  # what a thread of the test runner leaves now and then is not what reading leaves
        gc.collect()
        (gc.enable if enabled else gc.disable)()
        try:
            reading = read(edition, content)
            assert gc.isenabled() is enabled
            assert reading.values
            found.append(gc.collect())
        finally:
            gc.enable()
    assert min(found) < 100


def test_a_plus_sign_is_seen_in_each_of_its_compatible_forms():
    """Texts without one are not normalised to look for a number that a spreadsheet has rewritten."""
    forms = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if "+" in unicodedata.normalize("NFKC", character)
    }
    assert {character for character in forms if _PLUS.search(character)} == forms
    assert len(forms) == 6
    for plus in sorted(forms):
        seen = judge_number_in_text(Cell(f"见1.50203E{plus}17号"))
        assert seen is not None
        assert seen.rule == "SCI_NOTATION_ID"
