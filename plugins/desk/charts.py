"""Waterfalls as drawings. In: steps in hundredths of a point. Out: bars with whole coordinates for an inline SVG.

A drawing only repeats what a table beside it says; colours come from the style sheet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fazhi.model.exact import two_places

WIDTH, HEIGHT = 960, 210
_TOP, _BOTTOM = 22, 34
_GAP = 0.34


@dataclass(frozen=True)
class Step:
    """A step: the whole height (满分, 基础分, 得分) or a change from the step before."""

    name: str
    amount: int
    whole: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar; its line leads to the next one at the level that is left."""

    name: str
    figure: str
    kind: str
    """``whole``, ``down``, ``up`` or ``level``."""
    x: int
    y: int
    width: int
    height: int
    level: int
    middle: int


@dataclass(frozen=True)
class Waterfall:
    """The bars, from left to right, and where zero is."""

    bars: tuple[Bar, ...]
    floor: int
    width: int = WIDTH
    height: int = HEIGHT


def waterfall(steps: Sequence[Step]) -> Waterfall:
    """Draw the steps; the scale begins at zero, so that heights can be compared."""
    floor = HEIGHT - _BOTTOM
    levels: list[tuple[int, int]] = []
    level = 0
    for step in steps:
        before, level = (0, step.amount) if step.whole else (level, level + step.amount)
        levels.append((before, level))
    top = max(1, *(max(pair) for pair in levels))
    column = WIDTH / len(steps)
    bars = []
    for number, (step, (before, after)) in enumerate(zip(steps, levels, strict=True)):
        y, low = (_y(level, top, floor) for level in (max(before, after), min(before, after)))
        bars.append(
            Bar(
                name=step.name,
                figure=_figure(step),
                kind=_kind(step),
                x=round(number * column + column * _GAP / 2),
                y=y,
                width=round(column * (1 - _GAP)),
                height=max(1, low - y),
                level=_y(after, top, floor),
                middle=round((number + 0.5) * column),
            )
        )
    return Waterfall(tuple(bars), floor)


def _y(level: int, top: int, floor: int) -> int:
    return round(floor - max(0, level) * (floor - _TOP) / top)


def _figure(step: Step) -> str:
    text = two_places(step.amount).replace("-", "−")
    return text if step.whole or step.amount <= 0 else f"+{text}"


def _kind(step: Step) -> str:
    if step.whole:
        return "whole"
    return "level" if step.amount == 0 else "down" if step.amount < 0 else "up"
