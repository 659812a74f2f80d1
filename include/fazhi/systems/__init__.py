"""Editions of the indicator system. In: folders that stewards own. Out: checked, digested records.

``load_edition(path)`` and ``load_editions(dir)`` refuse an edition whole and name every fault at once;
``diff`` says in Chinese what changed between two; ``describe`` is a line of the list. Example::

    edition = load_editions(settings.systems_dir).for_year(2024)
    edition.by_code["D4.1"].full_mark  # hundredths of a point
"""

from fazhi.systems.diff import diff
from fazhi.systems.edition import Check, Deadline, Edition, Grade, Indicator, Profile, code_key
from fazhi.systems.listing import EditionSummary, describe
from fazhi.systems.load import Editions, load_edition, load_editions

__all__ = [
    "Check",
    "Deadline",
    "Edition",
    "EditionSummary",
    "Editions",
    "Grade",
    "Indicator",
    "Profile",
    "code_key",
    "describe",
    "diff",
    "load_edition",
    "load_editions",
]
