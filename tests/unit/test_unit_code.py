"""Unified social credit codes: check characters of published and synthetic codes, faults by position."""

import pytest

from fazhi.model.unit_code import ALPHABET, check_character, faults, has_form, is_valid, organisation_check

PUBLISHED = "11620300013909010R"
SYNTHETIC = "11150200MB1A00001R"


@pytest.mark.parametrize("code", [PUBLISHED, SYNTHETIC])
def test_right_codes_have_no_fault(code):
    assert faults(code) == []
    assert is_valid(code)
    assert check_character(code[:17]) == code[17]
    assert organisation_check(code[8:16]) == code[16]


def test_alphabet_has_31_characters_without_those_that_look_like_others():
    assert len(ALPHABET) == 31
    assert not set("IOSVZ") & set(ALPHABET)


@pytest.mark.parametrize(
    ("first_eight", "check"),
    [
        ("01390901", "0"),  # sum divisible by 11: 11 becomes 0
        ("MB1A0000", "1"),
        ("00000005", "1"),
        ("00000006", "X"),  # 11 - 12 % 11 = 10 becomes X
    ],
)
def test_organisation_check(first_eight, check):
    assert organisation_check(first_eight) == check


def test_a_wrong_check_character_is_named_with_the_right_one():
    assert faults(SYNTHETIC[:17] + "A") == ["校验码不符：第18位应为“R”，实为“A”"]


@pytest.mark.parametrize(("code", "length"), [("", 0), (SYNTHETIC[:17], 17), (SYNTHETIC + "0", 19)])
def test_a_wrong_length_is_named(code, length):
    assert faults(code) == [f"应为18位，实为{length}位"]
    assert not has_form(code)


def test_every_foreign_character_is_named_with_its_position():
    code = "I1150200MB1A0000" + "oR"
    assert faults(code) == ["第1位“I”不是允许的字符", "第17位“o”不是允许的字符"]
    assert not has_form(code)


def test_form_does_not_ask_for_the_check_character():
    assert has_form(SYNTHETIC[:17] + "A")
    assert not is_valid(SYNTHETIC[:17] + "A")


@pytest.mark.parametrize("text", ["", SYNTHETIC, SYNTHETIC[:16]])
def test_a_check_character_is_computed_over_17_characters(text):
    with pytest.raises(ValueError, match="17 characters"):
        check_character(text)
