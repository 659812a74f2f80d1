"""What planters of faults stand on. In: nothing. Out: the world they ask, the slips they report, a row to add."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fazhi.model.period import Period
from fazhi.synth.dice import Dice
from fazhi.synth.draft import Cells, Draft, Line
from fazhi.synth.figures import Agreement, Reading
from fazhi.systems.edition import Indicator


class World(Protocol):
    """What a planter needs to know beyond its draft."""

    @property
    def agreed(self) -> Sequence[Agreement]:
        """The cross-checks of the year."""
        ...

    @property
    def indicators(self) -> Sequence[Indicator]:
        """The edition's indicators."""
        ...

    @property
    def stays_alone(self) -> bool:
        """Whether no later year will be compared with this one."""
        ...

    def applies(self, indicator: Indicator, unit_code: str) -> bool:
        """Whether a unit is assessed on an indicator."""
        ...

    def answers_for(self, sender_code: str, indicator: Indicator) -> bool:
        """Whether a sender may report an indicator about other units."""
        ...

    def is_reportable(self, indicator: Indicator) -> bool:
        """Whether anybody reports an indicator at all; the system computes some itself."""
        ...

    def is_reported_by_another(self, indicator: Indicator, unit_code: str) -> bool:
        """Whether an office other than the unit reports an indicator about it."""
        ...

    def other_units(self, code: str) -> Sequence[str]:
        """The codes of other units."""
        ...

    def a_year_before(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        """What was reported for the same period of the year before; empty when it was not."""
        ...

    def compared_with(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        """What was reported for the same period of the latest earlier year that comparisons look back to."""
        ...

    def readings_of(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        """The true readings of a unit in a period of the same year."""
        ...


@dataclass(frozen=True)
class Found:
    """What is found because of a slip, by which rule, in which row and column."""

    rule: str
    row: int
    column: str


@dataclass(frozen=True)
class Slip:
    """A planted fault: row and column of the cell to correct (both missing: ``place``, or the file), what was done."""

    what: str
    row: int | None = None
    column: str = ""
    also: tuple[int, ...] = ()
    """Further rows that the same slip touched."""
    place: str = ""
    """The cell to correct where it is none of a row's."""
    brings: tuple["Found", ...] = ()
    """What else is found because of the same slip."""
    check: str = ""
    """The check that finds it, where its rule has several; by default the one that is called like the rule."""


RowPlanter = Callable[[Draft, int, Dice, World], Slip | None]
DraftPlanter = Callable[[Draft, Dice, World], Slip | None]


def append_row(
    draft: Draft,
    like: Line,
    what: str,
    column: str,
    cells: Cells,
    also: tuple[int, ...] = (),
    brings: Sequence[tuple[str, int | None, str]] = (),
) -> Slip:
    """Add a row at the end, so that the lines before keep their numbers.

    Args:
        draft: Where it is added.
        like: The row that it is copied from.
        what: What was done.
        column: The cell to correct.
        cells: What differs from the copied row.
        also: Further rows that the slip touches.
        brings: Rule, row (``None`` for the added one) and column of what else is found.
    """
    line = like.copy()
    line.cells |= cells
    draft.lines.append(line)
    added = len(draft.lines) - 1
    found = tuple(Found(rule, added if row is None else row, place) for rule, row, place in brings)
    return Slip(what, added, column, also, brings=found)
