"""Sets of numbers as sorted arrays say what Python's own sets say, and what a validation rests on comes back as it was."""

import json
import zlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fazhi.validate.basis import Basis
from fazhi.validate.sets import NumberSet, Told, digests_of, from_steps, steps

numbers = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30)
few = st.lists(st.integers(0, 12), max_size=12)
"""Few different ones, so that two lists share some."""
lines = st.lists(st.text(min_size=1, max_size=8), max_size=12)
tellings = st.dictionaries(st.integers(0, 12), st.sampled_from(("|", "1|", "2|||")), max_size=12)


def told(of: dict[int, str]) -> Told:
    return Told.of_each(np.array(list(of), np.int64), digests_of(list(of.values())))


@given(numbers, st.integers(-(2**63), 2**63 - 1))
def test_a_number_set_is_the_set_of_its_numbers(given_numbers: list[int], other: int) -> None:
    made, plain = NumberSet(given_numbers), set(given_numbers)
    assert list(made) == sorted(plain)
    assert len(made) == len(plain)
    assert (other in made) == (other in plain)
    assert all(number in made for number in plain)
    assert made == NumberSet(reversed(given_numbers))


@given(few, few)
def test_differences_are_those_of_sets(left: list[int], right: list[int]) -> None:
    assert NumberSet(left) - NumberSet(right) == frozenset(left) - frozenset(right)
    assert (NumberSet(left) == NumberSet(right)) == (set(left) == set(right))
    assert NumberSet(left).largest == max(left, default=0)


@given(tellings, tellings)
def test_what_is_told_otherwise_is_what_differs(now: dict[int, str], before: dict[int, str]) -> None:
    expected = {number for number, line in now.items() if before.get(number) != line}
    assert told(now).differing(told(before)) == expected


@given(lines)
def test_lines_have_one_number_each(some: list[str]) -> None:
    found = digests_of(some).tolist()
    assert len(found) == len(some)
    assert len(set(found)) == len(set(some))


@given(few, few)
def test_two_sets_have_one_digest_when_they_are_one(left: list[int], right: list[int]) -> None:
    assert (NumberSet(left).digest() == NumberSet(right).digest()) == (set(left) == set(right))


@given(few, few)
def test_what_a_set_lacks_is_what_is_not_in_it(left: list[int], others: list[int]) -> None:
    lacking = NumberSet(left).lacks(np.array(others, np.int64)).tolist()
    assert lacking == [other not in left for other in others]


@given(few)
def test_steps_lead_back(some: list[int]) -> None:
    assert from_steps(steps(NumberSet(some))) == NumberSet(some)


@given(few, tellings, lines, st.frozensets(st.tuples(st.text(), st.text(), st.text()), max_size=3))
def test_a_basis_comes_back_as_it_was(
    compared: list[int], parses: dict[int, str], sent: list[str], excused: frozenset[tuple[str, str, str]]
) -> None:
    basis = Basis("r", NumberSet(compared), told(parses), NumberSet(digests_of(sent)), excused)
    again = Basis.unpacked("r", basis.packed())
    assert again is not None
    assert (again.rules_digest, again.compared, again.submissions, again.excused) == (
        basis.rules_digest,
        basis.compared,
        basis.submissions,
        basis.excused,
    )
    assert again.parses.of == basis.parses.of
    assert again.parses.digests.tolist() == basis.parses.digests.tolist()


def test_a_basis_of_an_earlier_release_is_none() -> None:
    earlier = {"compared": [1], "parses": [[1, "|"]], "submissions": ["a"], "excused": []}
    assert Basis.unpacked("r", zlib.compress(json.dumps(earlier).encode(), 1)) is None
