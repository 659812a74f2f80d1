"""Exact numbers: plain text, scaled integers, rounding half up."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazhi.model.exact import SCALE, plain, round_half_up, scaled, two_places


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("3018.180"), "3018.18"),
        (Decimal("-0.0"), "0"),
        (Fraction(1, 8), "0.125"),
        (Fraction(-7, 2), "-3.5"),
        (1200, "1200"),
    ],
)
def test_plain_text_has_no_exponent_and_no_idle_zeros(number, text):
    assert plain(number) == text


def test_a_third_has_no_plain_text():
    with pytest.raises(ValueError, match="no finite decimal expansion"):
        plain(Fraction(1, 3))


@pytest.mark.parametrize(
    ("number", "rounded"),
    [("10.625", "10.63"), ("13.075", "13.08"), ("-10.625", "-10.63"), ("0.004", "0.00"), ("0.005", "0.01")],
)
def test_halves_go_up(number, rounded):
    assert str(round_half_up(Fraction(number))) == rounded


def test_five_sixths_of_a_weight_rounds_as_the_fraction_does():
    assert str(round_half_up(Fraction("15.69") * Fraction(5, 6))) == "13.08"


def test_numbers_longer_than_a_decimals_context_stay_exact():
    assert round_half_up(Fraction(10**28 + 1), 0) == 10**28 + 1
    assert plain(Fraction(10**30 + 1, 8)) == "125000000000000000000000000000.125"


@given(st.fractions(), st.integers(0, 6))
def test_rounding_is_within_half_a_unit(number, places):
    unit = Fraction(1, 10**places)
    assert abs(Fraction(round_half_up(number, places)) - number) <= unit / 2


@given(st.decimals(min_value=-(10**11), max_value=10**11, places=6, allow_nan=False, allow_infinity=False))
def test_scaled_integers_are_exact(number):
    assert Fraction(scaled(plain(number)), SCALE) == Fraction(number)


@pytest.mark.parametrize("text", ["0.0000001", "100000000001", "-100000000001"])
def test_what_does_not_fit_is_refused(text):
    with pytest.raises(ValueError, match=r"six decimal places|beyond"):
        scaled(text)


@given(st.integers(-(10**6), 10**6))
def test_two_places_reads_back(hundredths):
    assert Fraction(two_places(hundredths)) == Fraction(hundredths, 100)
