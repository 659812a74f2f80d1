"""Check characters catch what people do to codes: one wrong character, two neighbours swapped."""

from hypothesis import assume, given
from hypothesis import strategies as st

from fazhi.model.unit_code import ALPHABET, check_character, is_valid

codes = st.text(ALPHABET, min_size=17, max_size=17).map(lambda first: first + check_character(first))


@given(codes)
def test_a_code_with_its_check_character_is_valid(code):
    assert is_valid(code)


@given(codes, st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_caught(code, position, other):
    assume(code[position] != other)
    assert not is_valid(code[:position] + other + code[position + 1 :])


@given(codes, st.integers(0, 15))
def test_two_neighbours_swapped_are_always_caught(code, position):
    first, second = code[position : position + 2]
    assume(first != second)
    assert not is_valid(code[:position] + second + first + code[position + 2 :])
