"""What the interview of 2022 promised, held against the shipped editions and registry (seed 002).

Lead units weigh more on lead-task indicators, single-function units on common ones, than under flat weights.
"""

from datetime import date
from fractions import Fraction

import pytest

from fazhi.model.terms import Group, Tag
from fazhi.score.weights import WHOLE, weigh

YEARS = (2021, 2022, 2023, 2024, 2025)


def parts(editions, registry, year, tag, group):
    """For each department with the tag: its weight in the group, that under flat weights, its rows."""
    edition, today = editions.for_year(year), date(2026, 1, 1)
    for unit in registry.scored_units(year, today):
        if tag not in unit.tags or unit.is_region:
            continue
        rows = [i for i in registry.applicable(edition, unit, year, today) if i.rule_type.carries_weight]
        weights = weigh(edition, edition.profile_of(unit.tags), [(i, i.group) for i in rows])
        own = sum(weights[i.code] for i in rows if i.group is group)
        marks = sum(i.full_mark for i in rows if i.group is group)
        yield own, Fraction(WHOLE * marks, sum(i.full_mark for i in rows)), rows


@pytest.mark.parametrize("year", YEARS)
def test_a_lead_unit_gets_a_larger_lead_part_than_under_flat_weights(editions, registry, year):
    found = [
        (own, flat)
        for own, flat, rows in parts(editions, registry, year, Tag.LEAD, Group.LEAD)
        if any(row.group is Group.LEAD for row in rows)
    ]
    assert len(found) >= 40
    assert [(own, flat) for own, flat in found if own <= flat] == []


@pytest.mark.parametrize("year", YEARS)
def test_a_single_function_unit_gets_no_smaller_common_part(editions, registry, year):
    found = list(parts(editions, registry, year, Tag.SINGLE, Group.COMMON))
    assert len(found) >= 10
    for own, flat, rows in found:
        has_function_rows = any(row.group is Group.FUNCTION for row in rows)
        assert own > flat if has_function_rows else own == flat
