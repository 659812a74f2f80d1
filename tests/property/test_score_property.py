"""Properties of the arithmetic, on made-up editions and values."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from fazhi.model.period import Period, covers
from fazhi.model.terms import Group, LineStatus, RuleType, Stage, ValueType
from fazhi.score.assess import assess
from fazhi.score.ranking import ranked
from fazhi.score.rates import rate
from fazhi.score.status import Evidence, State, state_of
from fazhi.score.weights import WHOLE, group_for, weigh
from fazhi.systems.edition import code_key
from support.scoring import YEAR, edition, indicator, profile, reported

CODES = [f"{letter}{n}.{m}" for letter in "AD" for n in (1, 2, 10) for m in (1, 2, 9, 10)]
ROWS = st.dictionaries(
    st.sampled_from(CODES), st.tuples(st.integers(1, 500), st.sampled_from(list(Group))), min_size=1
)
MULTIPLIERS = st.dictionaries(
    st.sampled_from(CODES), st.fractions(min_value=Fraction(1, 10), max_value=5, max_denominator=100)
)
SHARES = st.tuples(st.integers(0, 100), st.integers(0, 100)).filter(lambda ab: sum(ab) <= 100)
FRACTIONS = st.fractions(min_value=0, max_value=1, max_denominator=10**6)


def shares_of(pair):
    return profile(str(pair[0]), str(pair[1]), str(100 - sum(pair)))


def made(rows, multipliers=None):
    items = [
        indicator(code, {"floor": "0", "target": "1"}, full_mark=mark, group=group)
        for code, (mark, group) in rows.items()
    ]
    return edition(*items, multipliers=multipliers or {})


def exact_weights(system, shares, is_region):
    """Straight from scoring.md section 4, in fractions."""
    groups = {}
    for item in system.indicators:
        mass = system.multipliers.get(item.code, Fraction(1)) * item.full_mark
        groups.setdefault(group_for(item, is_region), {})[item.code] = mass
    declared = {group: shares.shares[group] for group in groups}
    if sum(declared.values()) == 0:
        declared = dict.fromkeys(groups, Fraction(1))
    return {
        code: WHOLE * declared[group] / sum(declared.values()) * mass / sum(masses.values())
        for group, masses in groups.items()
        for code, mass in masses.items()
    }


@given(ROWS, MULTIPLIERS, SHARES, st.booleans())
def test_weights_add_up_and_are_the_largest_remainder_rounding(rows, multipliers, pair, is_region):
    system, shares = made(rows, multipliers), shares_of(pair)
    weights = weigh(system, shares, [(i, group_for(i, is_region)) for i in system.indicators])
    exact = exact_weights(system, shares, is_region)
    assert sum(weights.values()) == WHOLE
    raised = {code: weights[code] - int(exact[code]) for code in exact}
    assert set(raised.values()) <= {0, 1}
    order = sorted(exact, key=lambda code: (int(exact[code]) - exact[code], code_key(code)))
    missing = sum(raised.values())
    assert {code for code, up in raised.items() if up} == set(order[:missing])


@given(ROWS, MULTIPLIERS, SHARES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, multipliers, pair, random):
    system = made(rows, multipliers)
    items = [(i, i.group) for i in system.indicators]
    shuffled = items[:]
    random.shuffle(shuffled)
    assert weigh(system, shares_of(pair), items) == weigh(system, shares_of(pair), shuffled)


@given(ROWS, SHARES, st.data())
def test_points_re_add_and_what_is_removed_goes_to_the_others(rows, pair, data):
    system = made(rows)
    states = [
        (
            item,
            State(LineStatus.NOT_APPLICABLE)
            if data.draw(st.booleans())
            else State(LineStatus.SCORED, data.draw(FRACTIONS)),
        )
        for item in system.indicators
    ]
    found = assess(system, YEAR, shares_of(pair), False, states, ())
    counting = [item for item, state in states if state.status is LineStatus.SCORED]
    if found is None:
        assert not counting
        return
    assert sum(line.points for line in found.lines if line.points is not None) == found.base == found.score
    assert sum(line.weight for line in found.lines if line.weight is not None) == WHOLE
    alone = weigh(system, shares_of(pair), [(item, item.group) for item in counting])
    assert {line.indicator_code: line.weight for line in found.lines if line.weight is not None} == alone
    for line in found.lines:
        if line.points is not None:
            distance = 2 * (line.points - line.weight * line.rate)
            assert -1 < distance <= 1


@given(FRACTIONS, FRACTIONS, ROWS, SHARES, st.data())
def test_a_better_value_never_costs_points(x, y, rows, pair, data):
    low, high = sorted((x, y))
    system = made(rows)
    others = [(item, State(LineStatus.SCORED, data.draw(FRACTIONS))) for item in system.indicators[1:]]
    results = [
        assess(
            system,
            YEAR,
            shares_of(pair),
            False,
            [(system.indicators[0], State(LineStatus.SCORED, v)), *others],
            (),
        ).base
        for v in (low, high)
    ]
    assert results[0] <= results[1]


NUMBERS = st.fractions(min_value=-5, max_value=5, max_denominator=1000)
LINEAR = indicator("A1.1", {"floor": "0.8", "target": "1"})
INVERSE = indicator("A1.1", {"best": "0", "worst": "0.2"}, rule_type=RuleType.LINEAR_INVERSE)
BANDS = indicator(
    "A1.1", {"bands": [["0", "0.9", "0"], ["0.9", "1", "0.5"], ["1", None, "1"]]}, rule_type=RuleType.BANDS
)
OCCURRENCE = indicator(
    "A1.1", {"k": "0.3", "floor": "0.1"}, rule_type=RuleType.PER_OCCURRENCE, value_type=ValueType.COUNT
)


@given(NUMBERS, NUMBERS)
def test_rates_stay_between_0_and_1_and_keep_their_direction(x, y):
    low, high = sorted((x, y))
    for item, better_up in ((LINEAR, True), (BANDS, True), (INVERSE, False), (OCCURRENCE, False)):
        first, second = rate(item, low, YEAR), rate(item, high, YEAR)
        assert 0 <= first <= 1
        assert first <= second if better_up else first >= second


QUARTER = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(QUARTER, min_size=4, max_size=4))
def test_zero_cases_are_never_a_hundred_per_cent(quarters):
    values = [reported(f"2024-Q{n}", *pair) for n, pair in enumerate(quarters, 1)]
    state = state_of(
        LINEAR,
        Evidence(values[0].unit_code, {values[0].unit_code: values}, {}, {}),
        lambda _: 0,
        YEAR,
        Stage.FINAL,
    )
    cases = sum(denominator for _, denominator in quarters)
    assert state.status is (LineStatus.SCORED if cases else LineStatus.NOT_APPLICABLE)
    assert state.value == (Fraction(sum(n for n, _ in quarters), cases) if cases else None)


PERIODS = [Period(2024, first, months) for months in (1, 3, 6, 12) for first in range(1, 13, months)]


@given(
    st.lists(st.sampled_from(PERIODS), unique=True),
    st.lists(st.sampled_from(PERIODS)),
    st.randoms(use_true_random=False),
)
@settings(max_examples=200)
def test_what_counts_never_overlaps_and_does_not_depend_on_order(own, stopped, random):
    values = [reported(str(period), 1, 2) for period in own]
    values += [reported(str(period), 1, 2, stopped=True, row_no=1) for period in stopped]
    unit_code = reported("2024").unit_code
    shuffled = values[:]
    random.shuffle(shuffled)
    states = [
        state_of(LINEAR, Evidence(unit_code, {unit_code: some}, {}, {}), lambda _: 0, YEAR, Stage.PROVISIONAL)
        for some in (values, shuffled)
    ]
    assert states[0] == states[1]
    used = [value.period for value in states[0].used]
    months = [month for p in used for month in range(p.first_month, p.last_month + 1)]
    assert len(months) == len(set(months))
    assert all(covers(period, used) for period in own)


@given(st.dictionaries(st.text("ABC", min_size=1), st.integers(0, 10000)))
def test_a_rank_is_one_more_than_the_number_of_better_units(scores):
    for unit, rank in ranked(scores).items():
        assert rank == 1 + sum(other > scores[unit] for other in scores.values())
