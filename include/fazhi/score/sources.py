"""Whose figures count. In: an indicator's sources and the registry. Out: the order of its reporters.

contracts/indicator-system.md, "Who reports what": a row naming ``SUB`` is asked of the unit and its other
sources may report it too, theirs counts; without ``SUB`` the first source counts, the others are only
compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fazhi.registry import Registry
from fazhi.store.accepted import Reported
from fazhi.systems.edition import Indicator

_OWN = 1_000
"""The place of the unit's own figure: behind every office."""


@dataclass(frozen=True)
class Reporters:
    """Who may report an indicator, best first."""

    offices: Mapping[str, int]
    """Place in the order by the authority's unit code."""
    unit_itself: bool

    def counts(self, reported: Reported) -> bool:
        """Whether a value comes from a reporter whose figure counts for the indicator."""
        if reported.kind == "office":
            return reported.reporter_code in self.offices
        return self.unit_itself and reported.reporter_code == reported.unit_code

    def place(self, reported: Reported) -> int:
        """The place of a counting value's reporter; the lower one counts."""
        return self.offices.get(reported.reporter_code, _OWN) if reported.kind == "office" else _OWN


def reporters_of(indicator: Indicator, registry: Registry, year: int, region: str) -> Reporters:
    """The reporters whose figures count for an indicator of a region's units in a year."""
    offices = registry.reporters(indicator, year, region)
    if not indicator.asked_of_unit and offices:
        first_source = offices[0][0]
        offices = tuple(pair for pair in offices if pair[0] == first_source)
    places: dict[str, int] = {}
    for place, (_source, authority) in enumerate(offices):
        places.setdefault(authority, place)
    return Reporters(places, indicator.asked_of_unit)
