"""Dates as departments write them. In: the text of a cell. Out: a day, or what is wrong with it.

``2024-03-05`` is read as it is; ``2024.3.5``, ``2024年3月5日`` and ``20240305`` are rewritten and noted;
``3/5/24`` can be read in two ways and is not read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_WRITTEN = re.compile(
    r"([0-9]{4})([-/.年])([0-9]{1,2})([-/.月])([0-9]{1,2})[日号]?(?:[T ]?[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9])?)?"
)
_PACKED = re.compile(r"([12][0-9]{3})([0-9]{2})([0-9]{2})")
_CHINESE = re.compile(
    r"([〇零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})[日号]"
)
_FULLWIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_DIGITS = {digit: str(value) for value, digit in enumerate("〇一二三四五六七八九")} | {"零": "0"}
_TWO_WAYS = re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}")


@dataclass(frozen=True)
class DateReading:
    """A day, or ``None`` with the reason in both languages; ``rewritten`` when it was not in ISO form."""

    day: date | None
    rewritten: bool = False
    reason_zh: str = ""
    reason_en: str = ""
    ambiguous: bool = False
    """It is a date, but which one cannot be told: not impossible, only not in the usual form."""

    @property
    def rule(self) -> str:
        """The rule kind of a reading without a day."""
        return "DATE_FORMAT" if self.ambiguous else "DATE_INVALID"

    @property
    def case(self) -> str:
        """The case of that rule kind."""
        return "ambiguous" if self.ambiguous else ""


def read_date(text: str) -> DateReading:
    """Read a date."""
    squeezed = re.sub(r"\s", "", text.translate(_FULLWIDTH)) if not _ISO.fullmatch(text) else text
    match = _WRITTEN.fullmatch(squeezed)
    if match is not None:
        rewritten = _ISO.fullmatch(text) is None
        return _day((match[1], match[3], match[5]), text, rewritten=rewritten)
    match = _PACKED.fullmatch(squeezed)
    if match is not None:
        return _day(match.groups(), text, rewritten=True)
    match = _CHINESE.fullmatch(squeezed)
    if match is not None:
        return _day([_arabic(part) for part in match.groups()], text, rewritten=True)
    if _TWO_WAYS.fullmatch(squeezed):
        return DateReading(
            None,
            reason_zh=f"“{text}”的年月日顺序不能确定",
            reason_en="the order of year, month and day cannot be told",
            ambiguous=True,
        )
    return DateReading(
        None, reason_zh=f"“{text}”不是完整的年月日", reason_en="not a complete year, month and day"
    )


def _day(parts: Sequence[str], text: str, *, rewritten: bool) -> DateReading:
    year, month, day = parts
    try:
        return DateReading(date(int(year), int(month), int(day)), rewritten)
    except ValueError:
        return DateReading(None, reason_zh=f"“{text}”这一天不存在", reason_en="there is no such day")


def _arabic(numeral: str) -> str:
    """``二〇二四`` as 2024, ``二十五`` as 25."""
    if "十" not in numeral:
        return "".join(_DIGITS[digit] for digit in numeral)
    tens, _, ones = numeral.partition("十")
    return f"{_DIGITS.get(tens, '1') if tens else '1'}{_DIGITS.get(ones, '0') if ones else '0'}"
