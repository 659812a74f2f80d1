"""Codes as departments write them. In: the text of a code cell, the registry. Out: what is wrong with it.

Unified social credit codes (GB 32100) are judged by form and check character, unless the registry knows them (the
approved exceptions); division codes by the dated table ``divisions.csv``: GB/T 2260 and, marked as such, the
statistical code 150271. The table's days before 2000 are approximate; a level of the table is judged only where it
lists that level.
"""

import csv
import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from fazhi.intake.wording import Seen
from fazhi.model.unit_code import ALPHABET, check_character
from fazhi.registry.registry import Registry
from fazhi.sheets import Cell

_SCIENTIFIC = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+?[0-9]{2}")
_INSIDE_TEXT = re.compile(r"(?<![0-9A-Za-z.])[0-9]\.[0-9]+[Ee]\+[0-9]{2}(?![0-9A-Za-z])")
_PLUS = re.compile("[+\u207a\u208a\ufb29\ufe62\uff0b]")
"""A plus sign in all its compatible forms; most texts have none and need not be normalised."""

_LONG_NUMBER = 10**11
"""From 12 digits on a spreadsheet shows a number in scientific notation; from 16 on it loses digits."""
_LOOKS_LIKE = {"I": "1", "O": "0", "S": "5", "V": "U", "Z": "2"}
_CODE_EXPECTED = ("18位统一社会信用代码", "a unified social credit code of 18 characters")
_TEXT_EXPECTED = ("设为文本格式的完整号码", "the full number in a cell formatted as text")


@dataclass(frozen=True)
class _Division:
    name_zh: str
    first: date
    last: date | None


def judge_unit_code(cell: Cell, registry: Registry | None, day: date) -> tuple[Seen, ...]:
    """What is wrong with a unified social credit code; nothing when it can be used.

    Args:
        cell: The cell as written.
        registry: Codes that it knows are right whatever their check character.
        day: The day on which the division inside the code has to exist.
    """
    written = cell.text.strip()
    if cell.typed_number or _SCIENTIFIC.fullmatch(written):
        return (_turned_into_a_number(written),)
    folded = unicodedata.normalize("NFKC", written)
    if registry is not None and registry.known_code(folded):
        return () if folded == written else (Seen("FULLWIDTH", written, folded),)
    if re.fullmatch(r"[0-9]{6}", folded):
        return (_region_instead(folded, day),)
    faults = _faults(folded)
    if faults:
        chinese, english = "；".join(zh for zh, _ in faults), "; ".join(en for _, en in faults)
        return (
            Seen("USCC_INVALID", written, _CODE_EXPECTED[0], chinese, english, expected_en=_CODE_EXPECTED[1]),
        )
    division = judge_division(folded[2:8], day)
    return () if division is None else (_inside_code(written, division),)


def judge_division(code: str, day: date) -> Seen | None:
    """What is wrong with a division code on a day, ``None`` when it is right or beyond the table."""
    known = _divisions().get(code)
    if known is None:
        if not _level_is_listed(code):
            return None
        return _region(code, f"“{code}”不是现行的行政区划代码", f"{code} is not a division code")
    if day < known.first or (known.last is not None and known.last < day):
        return _region(
            code, f"“{code}”（{known.name_zh}）在{day.isoformat()}已停用", f"{code} is withdrawn on {day}"
        )
    return None


def judge_division_of_unit(written: str, unit_code: str, registry: Registry | None, day: date) -> Seen | None:
    """What is wrong with a division code written beside a unit."""
    code = unicodedata.normalize("NFKC", written).strip()
    if not re.fullmatch(r"[0-9]{6}", code):
        return _region(written, f"“{written}”不是6位行政区划代码", "not a division code of six digits")
    fault = judge_division(code, day)
    if fault is not None:
        return fault
    unit = registry.unit_on(unit_code, day) if registry is not None else None
    if unit is None or unit.division_code == code:
        return None
    return _region(
        code,
        f"单位“{unit.name_zh}”的行政区划代码是{unit.division_code}，不是{code}",
        f"the unit's division code is {unit.division_code}",
        unit.division_code,
    )


def judge_number_in_text(cell: Cell) -> Seen | None:
    """A case or document number that a spreadsheet turned into a number (``1.50203E+17``)."""
    if cell.typed_number:
        digits = cell.text.partition(".")[0].lstrip("-")
        return _turned_into_a_number(cell.text) if len(digits) >= len(str(_LONG_NUMBER)) else None
    if _PLUS.search(cell.text) is None:
        return None
    found = _INSIDE_TEXT.search(unicodedata.normalize("NFKC", cell.text))
    return _turned_into_a_number(found[0]) if found is not None else None


def _turned_into_a_number(written: str) -> Seen:
    return Seen(
        "SCI_NOTATION_ID",
        written,
        _TEXT_EXPECTED[0],
        "号码被当作数字保存，原来的各位数字可能已经丢失，系统不作推测",
        "an identifying number was stored as a number; its digits may be lost",
        _TEXT_EXPECTED[1],
    )


def _region_instead(code: str, day: date) -> Seen:
    fault = judge_division(code, day)
    if fault is not None:
        return fault
    return Seen(
        "USCC_INVALID",
        code,
        _CODE_EXPECTED[0],
        "填写的是6位行政区划代码，不是18位统一社会信用代码",
        "a division code of 6 digits instead of the code of 18 characters",
        _CODE_EXPECTED[1],
    )


def _inside_code(written: str, division: Seen) -> Seen:
    return Seen(
        "REGION_CODE",
        written,
        division.expected,
        f"代码第3至8位{division.detail}",
        f"in positions 3 to 8, {division.detail_en}",
        division.expected_en,
    )


def _region(found: str, chinese: str, english: str, expected: str = "") -> Seen:
    if expected:
        return Seen("REGION_CODE", found, expected, chinese, english)
    return Seen("REGION_CODE", found, "现行的行政区划代码", chinese, english, "a division code in force")


def _faults(code: str) -> list[tuple[str, str]]:
    """What is wrong with a code in Chinese and English, with positions; lower case is told before length."""
    foreign = [_foreign(place, char) for place, char in enumerate(code, 1) if char not in ALPHABET]
    if len(code) != 18:
        return [(f"应为18位，实为{len(code)}位", f"18 characters expected, {len(code)} given"), *foreign]
    if foreign:
        return foreign
    expected = check_character(code[:17])
    if code[17] == expected:
        return []
    return [
        (
            f"校验码不符：按前17位计算，第18位应为“{expected}”，实为“{code[17]}”，请逐位核对",
            f"the check character does not fit: “{expected}” computed, “{code[17]}” given",
        )
    ]


def _foreign(place: int, char: str) -> tuple[str, str]:
    if "a" <= char <= "z":
        return f"第{place}位“{char}”是小写字母，应为大写", f"position {place}: lower case “{char}”"
    hint = _LOOKS_LIKE.get(char)
    chinese = f"第{place}位“{char}”不是允许的字符"
    english = f"position {place}: “{char}” is not allowed"
    if hint is None:
        return chinese, english
    return f"{chinese}，疑为“{hint}”", f"{english}, perhaps “{hint}”"


@cache
def _divisions() -> dict[str, _Division]:
    text = resources.files("fazhi.intake").joinpath("divisions.csv").read_text(encoding="utf-8")
    return {
        row["code"]: _Division(
            row["name_zh"],
            date.fromisoformat(row["valid_from"]),
            date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
        )
        for row in csv.DictReader(text.splitlines())
    }


def _level_is_listed(code: str) -> bool:
    """Whether the table lists the divisions beside this one, so that its absence says something."""
    if code.endswith("0000"):
        return False
    above, below = (code[:2], "00") if code.endswith("00") else (code[:4], "")
    return any(
        known.startswith(above) and (known.endswith("00") == bool(below)) and known != f"{above}0000"
        for known in _divisions()
    )
