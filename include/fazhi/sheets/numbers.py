"""Stored numbers as cells. In: a number as a file stores it, its format, the calendar. Out: the cell."""

from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache

from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

from fazhi.model.exact import plain
from fazhi.sheets.cells import Cell, CellKind

GENERAL = "General"
_DAY = "yyyy-mm-dd"
BUILTIN: dict[int, str] = dict(BUILTIN_FORMATS) | dict.fromkeys([*range(27, 37), *range(50, 59)], _DAY)
"""Number formats that files do not spell out; 27 to 36 and 50 to 58 are dates in Chinese versions."""

_LAST_SERIAL = 2_958_466
"""The day after 9999-12-31."""

_LEAP_1900 = 60
"""29 February 1900, which the 1900 calendar has and no other."""

_BEFORE_LEAP, _FROM_LEAP, _1904 = date(1899, 12, 31), date(1899, 12, 30), date(1904, 1, 1)
_LONGEST = 40
_EXACT_DIGITS = 15
"""Integers up to here are stored as they are written."""


def number_cell(stored: str, number_format: str, *, since_1904: bool = False) -> Cell:
    """The cell of a number.

    Args:
        stored: As the file has it, with up to 17 digits of a double.
        number_format: The code of its format.
        since_1904: Whether the workbook counts days from 1904.

    Returns:
        A date if the format shows one, else a number; an error when it is not finite.
    """
    if len(stored) > _LONGEST:
        return Cell(stored)
    if len(stored) <= _EXACT_DIGITS and stored.isascii() and stored.isdigit() and stored[0] != "0":
        return _cell(int(stored), stored, number_format, since_1904=since_1904)
    try:
        number = Decimal(repr(float(stored)))
    except ValueError:
        return Cell(stored)
    if not number.is_finite():
        return Cell(stored, CellKind.ERROR)
    return _cell(number, plain(number), number_format, since_1904=since_1904)


def _cell(number: Decimal | int, text: str, number_format: str, *, since_1904: bool) -> Cell:
    day = day_of(number, since_1904=since_1904)
    if day is not None and number_format != GENERAL and shows_date(number_format):
        return Cell(day, CellKind.DATE)
    return Cell(text, CellKind.NUMBER, percent="%" in number_format, serial=day)


@lru_cache(maxsize=1_024)
def shows_date(number_format: str) -> bool:
    """Whether a number format shows a date."""
    return bool(is_date_format(number_format[:255]))


def day_of(number: Decimal | int, *, since_1904: bool = False) -> str | None:
    """The ISO day of a serial number, ``None`` when it is none of the calendar's."""
    if not 1 <= number < _LAST_SERIAL - (1462 if since_1904 else 0):
        return None
    return _day_of(int(number), since_1904)


@lru_cache(maxsize=4_096)
def _day_of(days: int, since_1904: bool) -> str | None:
    if since_1904:
        return (_1904 + timedelta(days)).isoformat()
    if days == _LEAP_1900:
        return None
    return ((_FROM_LEAP if days > _LEAP_1900 else _BEFORE_LEAP) + timedelta(days)).isoformat()
