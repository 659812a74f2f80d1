"""Values with their places. In: parsed YAML or JSON. Out: typed values, or a fault naming file and line.

Every reader method returns ``None`` after noting a fault, so that one pass finds all of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any, TypeVar

from fazhi.systems.faults import Faults, Path
from fazhi.systems.read import PLAIN_NUMBER

Word = TypeVar("Word", bound=StrEnum)
YEARS = (2000, 2099)
"""The years that a period can be written for (``20..``)."""


@dataclass(frozen=True)
class Node:
    """One value of a tree and the way to it."""

    value: Any
    path: Path
    place: Callable[[Path], str]
    faults: Faults

    def child(self, key: str | int) -> "Node":
        """The value under a key or at a list position."""
        return Node(self.value[key], (*self.path, key), self.place, self.faults)

    def refuse(self, message: str) -> None:
        """Note a fault of this value."""
        self.faults.add(self.place(self.path), message)

    def fields(
        self, required: Iterable[str], optional: Iterable[str] = (), what: str = "键"
    ) -> "dict[str, Node]":
        """The values of a mapping; unknown and missing keys are faults."""
        required, optional = tuple(required), tuple(optional)
        if not isinstance(self.value, dict):
            self.refuse("应为“键: 值”的对照")
            return {}
        known = (*required, *optional)
        for key in self.value:
            if key not in known:
                allowed = f"可用的是 {'、'.join(known)}" if known else f"这里不带{what}"
                self.refuse(f"未知的{what}“{key}”，{allowed}")
        for key in required:
            if key not in self.value:
                self.refuse(f"缺少{what}“{key}”")
        return {key: self.child(key) for key in self.value if key in known}

    def items(self) -> "list[Node]":
        """The values of a list."""
        if not isinstance(self.value, list):
            self.refuse("应为列表")
            return []
        return [self.child(position) for position in range(len(self.value))]

    def entries(self) -> "dict[str, Node]":
        """The values of a mapping with free keys; nothing at all counts as empty."""
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            self.refuse("应为“键: 值”的对照")
            return {}
        return {key: self.child(key) for key in self.value}

    def text(self, empty: bool = False) -> str | None:
        """Text as written; a bare number counts as its own text."""
        if empty and self.value is None:
            return ""
        if isinstance(self.value, Decimal):
            return str(self.value)
        if not isinstance(self.value, str):
            self.refuse("没有填写" if self.value is None else "应为文字")
            return None
        text = self.value.strip()
        if not text and not empty:
            self.refuse("没有填写")
            return None
        return text

    def number(self) -> Fraction | None:
        """An exact number, written bare or in quotes."""
        if isinstance(self.value, Decimal):
            return Fraction(self.value)
        if isinstance(self.value, str) and PLAIN_NUMBER.fullmatch(self.value.strip()):
            return Fraction(self.value.strip())
        self.refuse("没有填写" if self.value is None else f"“{shown(self.value)}”不是数（只写普通小数）")
        return None

    def number_in(self, low: int | None, high: int | None = None, *, above: bool = False) -> Fraction | None:
        """An exact number inside bounds; ``above`` means strictly above ``low``."""
        number = self.number()
        if number is None:
            return None
        if low is not None and (number < low or (above and number == low)):
            self.refuse(f"“{shown(self.value)}”应{'大于' if above else '不小于'} {low}")
            return None
        if high is not None and number > high:
            self.refuse(f"“{shown(self.value)}”应不大于 {high}")
            return None
        return number

    def whole(self, low: int, high: int) -> int | None:
        """A whole number inside bounds."""
        number = self.number_in(low, high)
        if number is not None and number.denominator != 1:
            self.refuse(f"“{shown(self.value)}”应为整数")
            return None
        return None if number is None else number.numerator

    def hundredths(self, low: int, high: int | None = None, *, above: bool = False) -> int | None:
        """Points of at most two decimals, in hundredths."""
        number = self.number_in(low, high, above=above)
        if number is not None and (number * 100).denominator != 1:
            self.refuse(f"“{shown(self.value)}”最多写两位小数")
            return None
        return None if number is None else (number * 100).numerator

    def flag(self) -> bool | None:
        """``true`` or ``false``."""
        if not isinstance(self.value, bool):
            self.refuse(f"“{shown(self.value)}”应为 true 或 false")
            return None
        return self.value

    def word(self, vocabulary: type[Word], what: str) -> Word | None:
        """A word of a closed vocabulary."""
        text = self.text()
        if text is None:
            return None
        if text not in tuple(vocabulary):
            self.refuse(f"未知的{what}“{text}”，可用的是 {'、'.join(vocabulary)}")
            return None
        return vocabulary(text)

    def day(self) -> date | None:
        """An ISO day; ``None`` for nothing."""
        if self.value is None:
            return None
        text = self.text()
        day = None if text is None else iso_day(text)
        if day is None:
            self.refuse(f"“{shown(self.value)}”不是日期，应写成 2024-01-01 的样子")
        return day


def iso_day(text: str) -> date | None:
    """The day written as ``YYYY-MM-DD``, or ``None``."""
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def shown(value: Any) -> str:
    """A value in a message, cut to a readable length."""
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "…"
