"""Names found inside texts are those that a pattern of all names finds, the longest first."""

import re

from hypothesis import given
from hypothesis import strategies as st

from fazhi.intake.names import SHORTEST_NAME, NameFinder

LETTERS = "甲乙丙局"
names = st.sets(st.text(LETTERS, min_size=SHORTEST_NAME, max_size=SHORTEST_NAME + 4), max_size=12)


@given(names, st.data())
def test_the_same_names_as_by_a_pattern(known, data):
    piece = st.one_of(st.text(LETTERS, max_size=6), st.sampled_from(sorted(known)) if known else st.nothing())
    text = "".join(data.draw(st.lists(piece, max_size=8)))
    pattern = re.compile("|".join(map(re.escape, sorted(known, key=len, reverse=True))) or "(?!)")
    expected = [(match.start(), match[0]) for match in pattern.finditer(text)]
    assert list(NameFinder(known).found_in(text)) == expected
