"""Many numbers or lines, eight bytes each. In: numbers, lines of text. Out: sets and tellings that are compared as wholes.

A region of a large year has hundreds of thousands of submissions. Sets of Python's own objects take ten times the room and
are taken apart and put together one by one; what changed from one night to the next is a difference of sorted arrays.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
_BYTES = 8
_AT_ONCE = 20_000


class NumberSet:
    """A set of whole numbers of 64 bits, in ascending order."""

    __slots__ = ("numbers",)

    def __init__(self, numbers: Iterable[int] | Numbers = ()) -> None:
        """The numbers, in any order and as often as they come."""
        given = numbers if isinstance(numbers, np.ndarray) else np.fromiter(numbers, np.int64)
        self.numbers: Numbers = np.unique(given)

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[int]:
        for first in range(0, len(self), _AT_ONCE):  # as Python's numbers they take four times the room
            yield from self.numbers[first : first + _AT_ONCE].tolist()

    def __contains__(self, number: int) -> bool:
        return not self.lacks(np.array([number], np.int64))[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NumberSet) and np.array_equal(self.numbers, other.numbers)

    __hash__ = None  # type: ignore[assignment]

    def __sub__(self, other: "NumberSet") -> frozenset[int]:
        return frozenset(np.setdiff1d(self.numbers, other.numbers, assume_unique=True).tolist())

    def lacks(self, numbers: Numbers) -> NDArray[np.bool_]:
        """Of each of some numbers, whether it is not in the set."""
        if not len(self):
            return np.ones(len(numbers), np.bool_)
        at = np.minimum(np.searchsorted(self.numbers, numbers), len(self) - 1)
        return np.asarray(self.numbers[at] != numbers)

    def digest(self) -> str:
        """SHA-256 of all of them."""
        return sha256(self.numbers.astype("<i8").tobytes()).hexdigest()

    @property
    def largest(self) -> int:
        """The largest number; 0 of none."""
        return int(self.numbers[-1]) if len(self.numbers) else 0


@dataclass(frozen=True, eq=False)
class Told:
    """What is told of each of some numbers, as digests of it.

    Attributes:
        of: The numbers.
        digests: What is told of each of them, in their order.
    """

    of: NumberSet
    digests: Numbers

    @classmethod
    def of_each(cls, numbers: Numbers, digests: Numbers) -> "Told":
        """A digest for each number, in any order; none is named twice."""
        return cls(NumberSet(numbers), digests[np.argsort(numbers)])

    def __len__(self) -> int:
        return len(self.of)

    def differing(self, before: "Told") -> frozenset[int]:
        """The numbers of which nothing, or something else, was told before."""
        if not len(before):
            return frozenset(self.of)
        at = np.minimum(np.searchsorted(before.of.numbers, self.of.numbers), len(before) - 1)
        same = (before.of.numbers[at] == self.of.numbers) & (before.digests[at] == self.digests)
        return frozenset(self.of.numbers[~same].tolist())


def digests_of(lines: Sequence[str]) -> Numbers:
    """A number for each line, in their order: two lines differ when their numbers do."""
    joined = b"".join([blake2b(line.encode(), digest_size=_BYTES).digest() for line in lines])
    return np.frombuffer(joined, np.dtype("<i8")).astype(np.int64)


def steps(numbers: NumberSet) -> Numbers:
    """From each number to the next: small numbers, which pack into little."""
    return np.diff(numbers.numbers, prepend=0)


def from_steps(taken: Numbers) -> NumberSet:
    """What ``steps`` tells."""
    return NumberSet(np.cumsum(taken))
