"""Reading: any bytes give a reading; ratios are judged exactly; what a template stores reads back."""

import io
import zipfile
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fazhi.intake import Wording
from fazhi.intake.ratios import UNITS, places_kept, read_ratio
from fazhi.model.exact import plain
from fazhi.model.quantity import read_quantity
from fazhi.model.terms import RatioKind
from support.intake import CSV_HEADER, UNIT, book, read, row

PARTS = st.integers(min_value=0, max_value=10**9)


@pytest.fixture(scope="module")
def edition(editions):
    return editions.for_year(2024)


@given(content=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_reading(edition, content):
    reading = read(edition, content)
    assert not reading.values
    assert len(reading.findings) >= 1
    assert all(finding.row_no is None for finding in reading.findings)


@given(place=st.integers(min_value=0, max_value=5000), byte=st.integers(min_value=0, max_value=255))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_workbook_gives_a_reading(edition, workbook, place, byte):
    damaged = bytearray(workbook)
    damaged[place % len(damaged)] = byte
    reading = read(edition, bytes(damaged))
    assert reading.readable or len(reading.findings) == 1


@pytest.fixture(scope="module")
def workbook():
    return book([row("A1.1", numerator=1, denominator=2, value="50%")], cover={"填报期": "2024"})


@given(text=st.text(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_in_any_cell_gives_a_reading(edition, text):
    cell = '"' + text.replace('"', '""').replace("\x00", "") + '"'
    record = ",".join([UNIT, "2024", "A1.1", cell, cell, cell, cell, cell, cell, cell])
    reading = read(edition, f"{CSV_HEADER}\n{record}\n".encode("utf-8", "replace"))
    if reading.readable and reading.values:
        value = reading.values[0]
        explained = {value.unreadable, value.fuzzy} != {None} or value.numerator is not None
        assert explained or value.numerator_raw is None


@given(numerator=PARTS, denominator=PARTS, places=st.integers(min_value=0, max_value=4))
def test_a_ratio_rounded_from_its_parts_is_within_half_a_digit(numerator, denominator, places):
    denominator += 1
    numerator = min(numerator, denominator)
    scaled = Fraction(100 * numerator, denominator) * 10**places
    rounded = Fraction(int(scaled + Fraction(1, 2)), 10**places)
    text = f"{plain(rounded)}%" if places == 0 else f"{float(rounded):.{places}f}%"
    stated = read_ratio(read_quantity(text, "%"), RatioKind.SHARE, "%", numerator, denominator)
    assert stated.gap is not None
    assert stated.gap <= stated.tolerance


@given(
    numerator=PARTS,
    denominator=PARTS,
    kind=st.sampled_from(list(RatioKind)),
    typed=st.decimals(min_value=-500, max_value=500, places=3, allow_nan=False),
)
def test_the_gap_is_the_exact_distance_rounded_up(numerator, denominator, kind, typed):
    quantity = read_quantity(f"{plain(typed)}%", "%", max_places=places_kept("%"))
    stated = read_ratio(quantity, kind, "%", numerator, denominator)
    assert stated.form == "percent"
    assert stated.share == Fraction(typed) / 100
    if denominator == 0:
        assert stated.gap is None
        return
    computed = Fraction(numerator - denominator if kind is RatioKind.GROWTH else numerator, denominator)
    distance = abs(stated.share - computed) * UNITS
    assert stated.gap == min(-(-distance.numerator // distance.denominator), 9 * 10**18)


@given(
    numerator=st.integers(min_value=0, max_value=1000), denominator=st.integers(min_value=1, max_value=1000)
)
def test_a_bare_number_is_read_as_the_form_that_agrees(numerator, denominator):
    numerator = min(numerator, denominator)
    share = Fraction(int(Fraction(numerator, denominator) * 10**6 + Fraction(1, 2)), 10**6)
    as_fraction = read_ratio(read_quantity(plain(share), "%"), RatioKind.SHARE, "%", numerator, denominator)
    assert as_fraction.share == share
    assert as_fraction.form == ("fraction" if share else "bare")
    as_percent = read_ratio(
        read_quantity(plain(share * 100), "%"), RatioKind.SHARE, "%", numerator, denominator
    )
    assert as_percent.share == share
    assert as_percent.form == ("bare" if share * 100 > 1 or not share else "fraction")


def test_every_rule_of_reading_is_worded_in_every_edition(editions):
    for edition in editions.all:
        Wording(edition, edition.from_year)


@given(
    st.lists(
        st.sampled_from(["xl/a", "word/b", "../c", "OFD.xml", "content.xml", "xl/workbook.xml"]), max_size=4
    )
)
def test_any_package_gives_a_fault(names):
    from fazhi.sheets import read_file

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for number, name in enumerate(dict.fromkeys(names)):
            package.writestr(name, f"<a{number}/>")
    file = read_file(out.getvalue(), "a.xlsx")
    assert file.fault is not None or file.sheets == ()
