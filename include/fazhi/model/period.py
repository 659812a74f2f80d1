"""Reporting periods. In: ``2024``, ``2024-H1``, ``2024-Q3``, ``2024-07``. Out: days, order, containment, what is due.

Order is by last day, the longer period later on a tie: ``2024-12 < 2024-Q4 < 2024-H2 < 2024`` (scoring.md section 2).
"""

import calendar
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache, total_ordering

from fazhi.model.terms import Frequency

_WRITTEN = re.compile(
    r"(?P<year>20[0-9]{2})(?:-(?:H(?P<half>[12])|Q(?P<quarter>[1-4])|(?P<month>0[1-9]|1[0-2])))?"
)
_MONTHS_PER = {
    Frequency.DAILY: 1,
    Frequency.MONTHLY: 1,
    Frequency.QUARTERLY: 3,
    Frequency.HALF_YEARLY: 6,
    Frequency.YEARLY: 12,
    Frequency.EVENT: 12,
}


@total_ordering
@dataclass(frozen=True)
class Period:
    """A stretch of whole months of one year."""

    year: int
    first_month: int
    months: int

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Read a period as the contracts write it.

        Raises:
            ValueError: ``text`` is none of the four forms.
        """
        match = _WRITTEN.fullmatch(text)
        if match is None:
            raise ValueError(f"not a reporting period: {text!r}")
        year = int(match["year"])
        if match["half"]:
            return cls(year, 6 * int(match["half"]) - 5, 6)
        if match["quarter"]:
            return cls(year, 3 * int(match["quarter"]) - 2, 3)
        if match["month"]:
            return cls(year, int(match["month"]), 1)
        return cls(year, 1, 12)

    @classmethod
    def whole_year(cls, year: int) -> "Period":
        """The year as one period."""
        return cls(year, 1, 12)

    @property
    def last_month(self) -> int:
        """The number of the last month."""
        return self.first_month + self.months - 1

    @cached_property
    def first_day(self) -> date:
        """The first day, inclusive."""
        return date(self.year, self.first_month, 1)

    @cached_property
    def last_day(self) -> date:
        """The last day, inclusive."""
        return date(self.year, self.last_month, calendar.monthrange(self.year, self.last_month)[1])

    @cached_property
    def rank(self) -> int:
        """An integer in the order of periods: last month first, then length."""
        return (self.year * 12 + self.last_month) * 100 + self.months

    def contains(self, other: "Period") -> bool:
        """Whether every day of ``other`` lies in this period (a period contains itself)."""
        return (
            self.year == other.year
            and self.first_month <= other.first_month
            and other.last_month <= self.last_month
        )

    def __lt__(self, other: "Period") -> bool:
        return self.rank < other.rank

    def __str__(self) -> str:
        if self.months == 12:
            return str(self.year)
        if self.months == 6:
            return f"{self.year}-H{(self.first_month + 5) // 6}"
        if self.months == 3:
            return f"{self.year}-Q{(self.first_month + 2) // 3}"
        return f"{self.year}-{self.first_month:02d}"

    @property
    def name_zh(self) -> str:
        """The period as people write it: 2024年、2024年上半年、2024年第三季度、2024年7月."""
        if self.months == 12:
            return f"{self.year}年"
        if self.months == 6:
            return f"{self.year}年{'上' if self.first_month == 1 else '下'}半年"
        if self.months == 3:
            return f"{self.year}年第{'一二三四'[(self.first_month - 1) // 3]}季度"
        return f"{self.year}年{self.first_month}月"


@lru_cache(maxsize=1024)
def due_periods(frequency: Frequency, year: int) -> tuple[Period, ...]:
    """The periods of ``year`` in which an indicator of this frequency is due, in order."""
    months = _MONTHS_PER[frequency]
    return tuple(Period(year, first, months) for first in range(1, 13, months))


def covers(due: Period, reported: Iterable[Period]) -> bool:
    """Whether ``due`` is covered: by itself, by a coarser period, or by finer ones that fill it."""
    reported = list(reported)
    if any(period.contains(due) for period in reported):
        return True
    filled = {
        month
        for period in reported
        if due.contains(period)
        for month in range(period.first_month, period.last_month + 1)
    }
    return len(filled) == due.months


def without_finer(periods: Iterable[Period]) -> list[Period]:
    """What remains after coarser periods have replaced the finer ones they contain, in order."""
    distinct = set(periods)
    return sorted(p for p in distinct if not any(q != p and q.contains(p) for q in distinct))
