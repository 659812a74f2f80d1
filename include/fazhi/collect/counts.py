"""What collecting came to. In: one source and a year. Out: counts, and problems in Chinese."""

from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[str], None]
"""Told in Chinese how many submissions are done, and of how many where that is known."""


@dataclass(frozen=True)
class CollectCounts:
    """What was found for a year.

    ``problems`` say in Chinese what could not be used and why; it stays where it is.
    """

    found: int = 0
    new: int = 0
    known: int = 0
    problems: tuple[str, ...] = ()
