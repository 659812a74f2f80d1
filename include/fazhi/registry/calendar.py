"""Working days. In: one CSV file per year with the State Council's holiday notice. Out: ``WorkingDays``.

``include/holidays/<year>.csv``: ``day,kind,name_zh,source_zh,status``; ``holiday`` is a day off, ``workday`` a
Saturday or Sunday that is worked instead (调休). A count that touches a year without a file stops: a year whose
notice is unknown is never taken for weekends only.

>>> calendar = WorkingDays.load(settings.holidays_dir)
>>> calendar.add(date(2026, 9, 18), 5)
datetime.date(2026, 9, 24)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from fazhi.model.errors import ConfigurationError
from fazhi.registry.tables import Fault, Row, RowReader, TableForm, read_rows

KINDS = ("holiday", "workday")
STATUSES = ("found", "unverified")
"""``found``: read in a public copy of the notice; ``unverified``: still to be checked against it."""

_COLUMNS = ("day", "kind", "name_zh", "source_zh", "status")
_NAME = re.compile(r"[0-9]{4}\.csv")
_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True)
class SpecialDay:
    """A day that the notice of a year takes off or makes a working day."""

    day: date
    is_working: bool
    name_zh: str
    source_zh: str
    status: str


class WorkingDays:
    """The calendar of the years whose holiday notice is known.

    Args:
        special: The special days.
        years: The years whose notice is among them.
        folder: Where they were read, for messages.
    """

    def __init__(self, special: Mapping[date, SpecialDay], years: frozenset[int], folder: Path) -> None:
        self.special = special
        self.years = years
        self._folder = folder

    @classmethod
    def load(cls, holidays_dir: Path) -> "WorkingDays":
        """Read all years of a folder.

        Raises:
            ConfigurationError: Anything is wrong; ``faults`` names each with file, line and column.
        """
        faults: list[Fault] = []
        special: dict[date, SpecialDay] = {}
        names = sorted(path.name for path in holidays_dir.glob("*.csv"))
        for name in names:
            if not _NAME.fullmatch(name):
                faults.append(Fault(name, 0, "", "文件名应为四位年份，例如 2026.csv"))
                continue
            for row in read_rows(holidays_dir, TableForm(name, _COLUMNS, required=True), faults):
                _take(row, int(name[:4]), special, faults)
        if faults:
            found = tuple(str(fault) for fault in sorted(set(faults)))
            raise ConfigurationError(
                f"节假日安排（{holidays_dir}）有{len(found)}处问题，更正后才能使用：", found
            )
        return cls(special, frozenset(int(name[:4]) for name in names), holidays_dir)

    def is_working(self, day: date) -> bool:
        """Whether a day is a working day.

        Raises:
            ConfigurationError: The holiday notice of the day's year is not among the data.
        """
        if day.year not in self.years:
            raise ConfigurationError(
                f"没有 {day.year} 年的节假日安排，无法计算工作日：请按国务院办公厅的通知补上 "
                f"{self._folder / f'{day.year}.csv'}"
            )
        special = self.special.get(day)
        return day.weekday() < _SATURDAY if special is None else special.is_working

    def add(self, day: date, n: int) -> date:
        """The ``n``-th working day after a day; the day itself does not count.

        Args:
            day: Any day, working or not.
            n: How many working days, at least 0; 0 gives the day itself.

        Raises:
            ConfigurationError: The count reaches a year whose holiday notice is not among the data.
            ValueError: ``n`` is negative.
        """
        if n < 0:
            raise ValueError("a number of working days is not negative")
        while n:
            day += _ONE_DAY
            n -= self.is_working(day)
        return day

    def between(self, first: date, last: date) -> int:
        """How many working days lie after ``first`` up to and including ``last``.

        Raises:
            ConfigurationError: The span touches a year whose holiday notice is not among the data.
        """
        days = (first + timedelta(days=offset) for offset in range(1, (last - first).days + 1))
        return sum(self.is_working(day) for day in days)


def _take(row: Row, year: int, special: dict[date, SpecialDay], faults: list[Fault]) -> None:
    cells = RowReader(row, faults)
    found = SpecialDay(
        day=cells.day("day"),
        is_working=cells.word("kind", KINDS) == "workday",
        name_zh=cells.text("name_zh"),
        source_zh=cells.text("source_zh"),
        status=cells.word("status", STATUSES),
    )
    if not cells.sound:
        return
    if found.day.year != year and (found.day.year, found.day.month) != (year - 1, 12):
        cells.refuse("day", f"{found.day} 不属于 {year} 年的安排")
    elif found.day in special:
        cells.refuse("day", f"{found.day} 重复")
    elif found.is_working and found.day.weekday() < _SATURDAY:
        cells.refuse("kind", f"{found.day} 不是周末，本来就上班，不应写作 workday")
    special[found.day] = found
