"""Weights and points. In: a unit's indicators and rates. Out: integer hundredths (scoring.md section 4).

The weights of a unit add up to 10,000 hundredths exactly: each is rounded down, then the missing hundredths
go one each to the largest remainders, ties to the lower indicator code.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from math import lcm

from fazhi.model.terms import Group
from fazhi.systems.edition import Edition, Indicator, Profile, code_key

WHOLE = 10_000
"""100.00 points in hundredths."""


def group_for(indicator: Indicator, is_region: bool) -> Group:
    """The group that an indicator counts in: a region's ``LEAD`` rows count as ``FUNCTION``."""
    return Group.FUNCTION if is_region and indicator.group is Group.LEAD else indicator.group


def weigh(
    edition: Edition, profile: Profile, indicators: Iterable[tuple[Indicator, Group]]
) -> dict[str, int]:
    """Share out 100.00 points.

    Args:
        edition: For its multipliers.
        profile: The unit's shares of the three groups.
        indicators: What applies to the unit, ``not_applicable`` ones removed, each with the group it counts
        in.

    Returns:
        Hundredths of a point by indicator code; empty when nothing carries weight.
    """
    scale = lcm(*(multiplier.denominator for multiplier in edition.multipliers.values()))
    masses: dict[Group, dict[str, int]] = {}
    for indicator, group in indicators:
        masses.setdefault(group, {})[indicator.code] = _mass(edition, indicator, scale)
    totals = {group: sum(group_masses.values()) for group, group_masses in masses.items()}
    shares = _active_shares(profile, [group for group, total in totals.items() if total > 0])
    quotas: dict[str, tuple[int, int]] = {}
    for group, group_masses in masses.items():
        share = shares.get(group, Fraction(0))
        whole, parts = WHOLE * share.numerator, share.denominator * max(totals[group], 1)
        quotas.update({code: (whole * mass, parts) for code, mass in group_masses.items()})
    return largest_remainder(quotas) if shares else {}


def _mass(edition: Edition, indicator: Indicator, scale: int) -> int:
    """The mass m · b as an integer, in units that all multipliers of the edition allow."""
    multiplier = edition.multipliers.get(indicator.code)
    factor = scale if multiplier is None else multiplier.numerator * (scale // multiplier.denominator)
    return factor * indicator.full_mark


def _active_shares(profile: Profile, active: list[Group]) -> dict[Group, Fraction]:
    """The groups' parts of 1, over the active groups; equal parts where all of them have share 0."""
    declared = {group: Fraction(profile.shares.get(group, 0)) for group in active}
    total = sum(declared.values(), Fraction(0))
    if total == 0:
        return {group: Fraction(1, len(active)) for group in active}
    return {group: share / total for group, share in declared.items()}


def largest_remainder(quotas: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Round quotas whose sum is whole to integers of the same sum.

    Args:
        quotas: Exact quotas (numerator, denominator) by indicator code, none negative.
    """
    common = lcm(*{denominator for _, denominator in quotas.values()})
    down: dict[str, int] = {}
    remainder: dict[str, int] = {}
    for code, (numerator, denominator) in quotas.items():
        down[code], left = divmod(numerator, denominator)
        remainder[code] = left * (common // denominator)
    missing = sum(remainder.values()) // common
    for code in sorted(quotas, key=lambda code: (-remainder[code], _code_order(code)))[:missing]:
        down[code] += 1
    return down


_code_order = lru_cache(maxsize=4096)(code_key)


def points(weight: int, rate: Fraction) -> int:
    """round(w · r, 2) half up, in hundredths, by integer arithmetic."""
    return (2 * weight * rate.numerator + rate.denominator) // (2 * rate.denominator)
