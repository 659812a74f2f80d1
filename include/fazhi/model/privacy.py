"""Personal data in text. In: text of a cell or a file name. Out: the same with personal data masked.

Found are resident identity numbers (18 characters with a true check digit), mobile numbers and bank card numbers
(Luhn), also with blanks or dashes between the digits and in full-width digits. What is masked keeps its length and
enough of both ends to be found again in the department's own records; a unified social credit code is no personal
data.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

_FULLWIDTH = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), 0xFF38, 0xFF58, 0xFF0B, 0xFF0D)}
_GAP = r"[ \u00a0\u3000\u200b\ufeff-]?"
_EDGE_BEFORE = r"(?<![0-9A-Za-z.])"
_EDGE_AFTER = r"(?![0-9A-Za-z])"
_IDENTITY = re.compile(rf"{_EDGE_BEFORE}[1-9](?:{_GAP}[0-9]){{16}}{_GAP}[0-9Xx]{_EDGE_AFTER}")
_CARD = re.compile(rf"{_EDGE_BEFORE}(?:62|[3-6])(?:{_GAP}[0-9]){{13,18}}{_EDGE_AFTER}")
_MOBILE = re.compile(rf"{_EDGE_BEFORE}(?:(?:\+|00)?86{_GAP})?1[3-9](?:{_GAP}[0-9]){{9}}{_EDGE_AFTER}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_FEWEST_DIGITS = 11
_MANY_DIGITS = re.compile(
    r"[0-9\uff10-\uff19](?:[ \u00a0\u3000\u200b\ufeff-]?[0-9Xx\uff10-\uff19\uff38\uff58])"
    f"{{{_FEWEST_DIGITS - 1}}}"
)


@dataclass(frozen=True)
class Masked:
    """A text without personal data; ``kinds`` are the Chinese names of what was masked, in order, once each."""

    text: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Kind:
    name_zh: str
    pattern: re.Pattern[str]
    is_one: Callable[[str], bool]
    keep: tuple[int, int]
    """How many characters stay readable at the beginning and at the end."""


def may_hold_personal_data(text: str) -> bool:
    """Whether a text has as many digits in a row as the shortest kind of personal data."""
    return len(text) >= _FEWEST_DIGITS and _MANY_DIGITS.search(text) is not None


def mask_personal_data(text: str) -> Masked:
    """Mask the personal data in a text; a text without any comes back unchanged."""
    if not may_hold_personal_data(text):
        return Masked(text)
    folded = text.translate(_FULLWIDTH)
    spans: list[tuple[int, int, _Kind]] = []
    for kind in _KINDS:
        for match in kind.pattern.finditer(folded):
            taken = any(start < match.end() and match.start() < end for start, end, _ in spans)
            if not taken and kind.is_one(_digits(match[0])):
                spans.append((match.start(), match.end(), kind))
    masked, kinds = text, list[str]()
    for start, end, kind in sorted(spans, key=lambda span: span[0], reverse=True):
        masked = masked[:start] + _stars(folded[start:end], *kind.keep) + masked[end:]
        kinds.insert(0, kind.name_zh)
    return Masked(masked, tuple(dict.fromkeys(kinds)))


def kinds_of_personal_data(text: str, wanted: Iterable[str] | None = None) -> Iterator[str]:
    """Which kinds of personal data stand in a text, whatever its length, by their Chinese names.

    Args:
        text: The text.
        wanted: The kinds to look for; all by default.
    """
    if not may_hold_personal_data(text):
        return
    folded = text.translate(_FULLWIDTH)
    for kind in _KINDS:
        if (wanted is None or kind.name_zh in wanted) and any(
            kind.is_one(_digits(match[0])) for match in kind.pattern.finditer(folded)
        ):
            yield kind.name_zh


def is_identity_number(number: str) -> bool:
    """Whether 18 characters are a resident identity number (GB 11643): birthday and check digit are right."""
    if len(number) != 18 or not number[:17].isdigit():
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return 1880 <= born.year < 2100 and number[17].upper() == _CHECKS[total % 11]


def passes_luhn(number: str) -> bool:
    """Whether the digits of a bank card number add up (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _digits(written: str) -> str:
    return re.sub(r"[^0-9Xx]", "", written).upper()


def _is_card(digits: str) -> bool:
    if not digits.isdigit() or len(set(digits)) < 4:
        return False
    length = len(digits)
    known = (16 <= length <= 19) if digits.startswith("62") else (length == 16 and digits[0] in "3456")
    return known and passes_luhn(digits)


def _is_mobile(digits: str) -> bool:
    number = digits[-11:]
    return len(digits) in (11, 13, 15) and len(set(number)) > 2


def _stars(found: str, head: int, tail: int) -> str:
    return f"{found[:head]}{'*' * (len(found) - head - tail)}{found[-tail:]}"


_KINDS = (
    _Kind("居民身份证号码", _IDENTITY, is_identity_number, (6, 4)),
    _Kind("银行卡号", _CARD, _is_card, (4, 4)),
    _Kind("手机号码", _MOBILE, _is_mobile, (3, 4)),
)
KIND_NAMES_EN = {
    "居民身份证号码": "a resident identity number",
    "银行卡号": "a bank card number",
    "手机号码": "a mobile number",
}
