"""Personal data is found by its check digits and masked; codes and figures are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazhi.model.privacy import is_identity_number, mask_personal_data, passes_luhn

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def with_check(first: str) -> str:
    total = sum(int(digit) * weight for digit, weight in zip(first, WEIGHTS, strict=True))
    return first + "10X98765432"[total % 11]


@pytest.mark.parametrize(
    ("text", "masked", "kind"),
    [
        ("联系电话13800138000（合成数据）", "联系电话138****8000（合成数据）", "手机号码"),
        ("138 0013 8000", "138******8000", "手机号码"),
        ("138-0013-8000", "138******8000", "手机号码"),
        ("１３８００１３８０００", "138****8000", "手机号码"),
        ("卡号6222021234567890128", "卡号6222***********0128", "银行卡号"),
        ("6222 0212 3456 7890 128", "6222*************** 128", "银行卡号"),
    ],
)
def test_it_is_masked_but_can_be_found_again(text, masked, kind):
    result = mask_personal_data(text)
    assert (result.text, result.kinds) == (masked, (kind,))


@pytest.mark.parametrize("last", ["X", "x"])
def test_an_identity_number_in_either_case(last):
    number = next(n for n in (with_check(f"15020320990101{i:03d}") for i in range(999)) if n.endswith("X"))
    result = mask_personal_data(f"当事人{number[:17]}{last}。")
    assert result.text == f"当事人150203********{number[14:17]}{last}。"
    assert result.kinds == ("居民身份证号码",)


@pytest.mark.parametrize(
    "text",
    [
        "11150200MB1A00001R",
        "91150200MA0N000000",
        "0472-5618888",
        "案号2024150203000012345",
        "2024年1月1日至2024年12月31日",
        "30181800.00",
        "12345678901",
        "11111111111",
        "6222021234567890123",
        "3.1413800138000",
        "合成数据",
        "",
    ],
)
def test_what_is_no_personal_data_stays(text):
    assert mask_personal_data(text).text == text
    assert mask_personal_data(text).kinds == ()


def test_several_at_once_in_order():
    identity = with_check("15020320990101123")
    result = mask_personal_data(f"{identity}，13800138000，13900139000")
    assert result.kinds == ("居民身份证号码", "手机号码")
    assert "13800138000" not in result.text
    assert "13900139000" not in result.text


def test_a_wrong_check_digit_or_birthday_is_none():
    good = with_check("15020320990101123")
    wrong = good[:17] + ("0" if good[17] != "0" else "1")
    assert is_identity_number(good)
    assert not is_identity_number(wrong)
    assert not is_identity_number(with_check("15020320990231123"))


@given(st.text(max_size=60))
def test_masking_twice_changes_nothing_more(text):
    once = mask_personal_data(text)
    again = mask_personal_data(once.text)
    assert (again.text, again.kinds) == (once.text, ())
    assert len(once.text) == len(text)


@given(st.integers(min_value=10**14, max_value=10**15 - 1))
def test_one_digit_in_ten_completes_a_card_number(first):
    assert sum(passes_luhn(f"{first}{digit}") for digit in range(10)) == 1
