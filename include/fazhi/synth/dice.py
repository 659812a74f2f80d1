"""Draws that depend on nothing but their name. In: a name. Out: the same whole numbers on every machine.

A cell's draw does not depend on which other cells are drawn, or in which order: last year's figure can be
asked for again, and a year made alone equals the same year made among others.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

Item = TypeVar("Item")


class Dice:
    """Whole-number draws from the SHA-256 of a name; some twenty small draws are fresh."""

    __slots__ = ("_left",)

    def __init__(self, *name: object) -> None:
        self._left = int.from_bytes(sha256("|".join(map(str, name)).encode("utf-8")).digest(), "big")

    def between(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``, both inclusive."""
        self._left, drawn = divmod(self._left, high - low + 1)
        return low + drawn

    def permille(self, chance: int) -> bool:
        """True in ``chance`` of a thousand draws."""
        return self.between(0, 999) < chance

    def pick(self, items: Sequence[Item]) -> Item:
        """One of the items."""
        return items[self.between(0, len(items) - 1)]
