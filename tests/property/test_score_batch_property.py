"""Many units at once come to the digits of one at a time, whatever the size of the numbers."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import Group, LineStatus, RuleType, ValueType
from fazhi.score import batch
from fazhi.score.assess import assess
from fazhi.score.batch import Candidate, assess_many
from fazhi.score.status import State
from support.score_books import system
from support.scoring import YEAR, edition, event, indicator, profile

CODES = [f"{letter}{n}.{m}" for letter in "AD" for n in (1, 2, 10) for m in (1, 2, 9, 10)]
DUE = date(YEAR + 1, 3, 31)
WEIGHTED = [item for item in system().indicators if item.rule_type.carries_weight]
LARGE = st.integers(-(10**25), 10**25)
NUMBERS = st.one_of(
    st.fractions(min_value=-2, max_value=3, max_denominator=1000),
    st.builds(Fraction, LARGE, st.integers(1, 10**25)),
    st.integers(0, 200),
)
PROFILES = st.sampled_from(
    [
        profile("30", "40", "30"),
        profile("33.3", "33.3", "33.4"),
        profile("0", "0", "100"),
        profile("80", "20", "0"),
    ]
)


def value_for(item):
    if item.value_type is ValueType.BOOLEAN:
        return st.booleans()
    if item.value_type is ValueType.DATE:
        return st.integers(-40, 60).map(lambda days: DUE + timedelta(days=days))
    return NUMBERS


def state_for(item):
    return st.one_of(
        st.just(State(LineStatus.NOT_APPLICABLE)),
        st.just(State(LineStatus.MISSING)),
        st.builds(State, st.just(LineStatus.SCORED), value_for(item)),
    )


@st.composite
def candidates(draw, items, events=()):
    chosen = draw(st.lists(st.sampled_from(items), unique_by=lambda item: item.code, max_size=len(items)))
    in_order = sorted(chosen, key=items.index)
    states = tuple((item, draw(state_for(item))) for item in in_order)
    return Candidate(draw(PROFILES), draw(st.booleans()), states, draw(st.sampled_from([(), tuple(events)])))


def one_by_one(system_, given_):
    return [assess(system_, YEAR, c.profile, c.is_region, c.states, c.events) for c in given_]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        candidates(WEIGHTED, [event(1, "X1", level="region"), event(1, "Y2", indicator_code="B1.2")]),
        max_size=6,
    )
)
def test_every_rule_at_once_is_every_rule_one_by_one(given_):
    system_ = system()
    assert assess_many(system_, YEAR, given_) == one_by_one(system_, given_)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(CODES), st.tuples(st.integers(1, 500), st.sampled_from(list(Group))), min_size=1
    ),
    st.dictionaries(
        st.sampled_from(CODES),
        st.one_of(
            st.fractions(min_value=Fraction(1, 10), max_value=5, max_denominator=100),
            st.builds(Fraction, st.integers(1, 10**12), st.integers(1, 10**12)),
        ),
    ),
    st.data(),
)
def test_weights_at_once_are_weights_one_by_one(rows, multipliers, data):
    items = [
        indicator(one, {"floor": "0", "target": "1"}, full_mark=mark, group=group)
        for one, (mark, group) in rows.items()
    ]
    system_ = edition(*items, multipliers=multipliers)
    given_ = data.draw(st.lists(candidates(list(system_.indicators)), min_size=1, max_size=4))
    assert assess_many(system_, YEAR, given_) == one_by_one(system_, given_)


@pytest.mark.parametrize("bound", [1, 10**4, 10**9])
def test_the_way_back_to_plain_integers_gives_the_same(monkeypatch, bound):
    """With a small bound every column is computed one by one."""
    system_ = system()
    states = tuple((item, State(LineStatus.SCORED, sample(item))) for item in WEIGHTED)
    given_ = [
        Candidate(profile("30", "40", "30"), False, states, ()),
        Candidate(profile("1", "1", "98"), True, states, ()),
    ]
    with_columns = assess_many(system_, YEAR, given_)
    monkeypatch.setattr(batch, "BOUND", bound)
    assert assess_many(system_, YEAR, given_) == with_columns == one_by_one(system_, given_)


def sample(item):
    if item.value_type is ValueType.BOOLEAN:
        return True
    return DUE + timedelta(days=7) if item.value_type is ValueType.DATE else Fraction(7, 9)


def test_nobody_to_score_is_nothing():
    assert assess_many(system(), YEAR, []) == []


def test_a_rule_that_does_not_take_the_value_is_named():
    item = indicator("A1.1", rule_type=RuleType.LINEAR)
    wrong = Candidate(profile("30", "40", "30"), False, ((item, State(LineStatus.SCORED, DUE)),), ())
    with pytest.raises(ConfigurationError, match=r"A1\.1 的计分规则 linear"):
        assess_many(edition(item), YEAR, [wrong])


def test_a_share_below_a_tenth_is_refused_at_scoring():
    item = indicator("A1.1")
    given_ = [Candidate(profile("30", "40", "30"), False, ((item, State(LineStatus.MISSING)),), ())]
    low = edition(item, shares={None: "0.0999"})
    with pytest.raises(ConfigurationError, match=r"占比 0\.0999 低于 0\.10"):
        assess_many(low, YEAR, given_)
    with pytest.raises(ConfigurationError, match=r"占比 0\.0999 低于 0\.10"):
        assess(low, YEAR, given_[0].profile, False, given_[0].states, ())
    assert assess_many(edition(item, shares={None: "0.1"}), YEAR, given_)[0].score == 0
