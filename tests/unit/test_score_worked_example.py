"""The worked example of scoring.md section 7, digit by digit."""

from fractions import Fraction

import pytest

from fazhi.model.terms import Group, LineStatus
from fazhi.score.assess import assess
from fazhi.score.status import State
from support.scoring import YEAR, edition, indicator, profile

MARKS = {
    "I1.1": 130,
    "I3.1": 80,
    "E2.1": 180,
    "H2.1": 120,
    "D4.1": 180,
    "D6.1": 150,
    "D7.1": 150,
    "I2.4": 200,
}
RATES = {
    "I1.1": Fraction(1),
    "I3.1": Fraction(5, 6),
    "E2.1": Fraction("0.75"),
    "H2.1": Fraction("0.96"),
    "D4.1": Fraction(1),
    "D6.1": Fraction("0.85"),
    "D7.1": Fraction("0.9115"),
    "I2.4": Fraction("0.875"),
}
GROUPS = {code: Group.FUNCTION if code[0] == "D" else Group.COMMON for code in MARKS} | {"I2.4": Group.LEAD}
COMMON_ONLY = ("I1.1", "I3.1", "E2.1", "H2.1")


def assessed(group_shares, codes=tuple(MARKS), flat=False, without=(), **changes):
    """Rates go in as values of a linear rule from 0 to 1."""
    rows = [
        indicator(
            code,
            {"floor": "0", "target": "1"},
            full_mark=MARKS[code],
            group=Group.COMMON if flat else GROUPS[code],
        )
        for code in codes
    ]
    made = edition(*rows, **changes)
    states = [
        (
            row,
            State(LineStatus.NOT_APPLICABLE)
            if row.code in without
            else State(LineStatus.SCORED, RATES[row.code]),
        )
        for row in made.indicators
    ]
    return assess(made, YEAR, profile(*group_shares), False, states, ())


def lines_of(assessment):
    return {line.indicator_code: (line.weight, line.points) for line in assessment.lines}


def test_profile_30_40_30():
    found = assessed(("30", "40", "30"))
    assert lines_of(found) == {
        "I1.1": (765, 765),
        "I3.1": (470, 392),
        "E2.1": (1059, 794),
        "H2.1": (706, 678),
        "D4.1": (1500, 1500),
        "D6.1": (1250, 1063),
        "D7.1": (1250, 1139),
        "I2.4": (3000, 2625),
    }
    assert (found.base, found.score) == (8956, 8956)


def test_flat():
    found = assessed(("100", "0", "0"), flat=True)
    assert lines_of(found) == {
        "I1.1": (1092, 1092),
        "I3.1": (672, 560),
        "E2.1": (1513, 1135),
        "H2.1": (1008, 968),
        "D4.1": (1513, 1513),
        "D6.1": (1261, 1072),
        "D7.1": (1260, 1148),
        "I2.4": (1681, 1471),
    }
    assert found.base == 8959


def test_one_not_applicable():
    found = assessed(("30", "40", "30"), without=("E2.1",))
    weights = {code: weight for code, (weight, _) in lines_of(found).items()}
    assert weights == {
        "I1.1": 1182,
        "I3.1": 727,
        "E2.1": None,
        "H2.1": 1091,
        "D4.1": 1500,
        "D6.1": 1250,
        "D7.1": 1250,
        "I2.4": 3000,
    }
    assert found.base == 9162


def test_profile_80_20_with_common_rows_only():
    found = assessed(("80", "20", "0"), codes=COMMON_ONLY)
    assert lines_of(found) == {
        "I1.1": (2549, 2549),
        "I3.1": (1569, 1308),
        "E2.1": (3529, 2647),
        "H2.1": (2353, 2259),
    }
    assert found.base == 8763


@pytest.mark.parametrize(
    ("total_points", "share", "component"), [(1000, "0.10", 8956), (1000, "0.12", 10747), (100, "0.10", 896)]
)
def test_component(total_points, share, component):
    found = assessed(("30", "40", "30"), total_points=Fraction(total_points), shares={None: share})
    assert found.component == component
