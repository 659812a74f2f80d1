"""A finding as it goes back to people. In: rows of ``finding`` and the edition. Out: records for lists and JSON.

Every way back (the self-check, the marked workbook, the receipt) shows the same records, personal data masked.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openpyxl.utils import column_index_from_string

from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import RULED_ZH, SEVERITY_ZH, Severity
from fazhi.sheets.cover import COVER_SHEET
from fazhi.store.decisions import Ruled
from fazhi.systems.edition import Edition
from fazhi.systems.wording import BASIS_STATUS_ZH

_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_CSV_CELL = re.compile(r"([0-9]+):(.+)", re.DOTALL)
_CSV_ADDRESS = re.compile(r"\b([0-9]+):(\w+)")
WHOLE_FILE_ZH = "整个文件"
_ECHO_OF: Mapping[str, frozenset[str]] = {
    "UNIT_UNKNOWN": frozenset({"USCC_INVALID", "REGION_CODE", "SCI_NOTATION_ID", "INVISIBLE_CHAR"}),
    "INDICATOR_UNKNOWN": frozenset({"INVISIBLE_CHAR"}),
    "RATIO_MISMATCH": frozenset({"RATIO_GT_1"}),
    "DATE_ORDER": frozenset({"DATE_OUT_OF_PERIOD"}),
    "AUTHZ": frozenset({"MULTI_UNIT"}),
    "MULTI_UNIT": frozenset({"USCC_INVALID", "REGION_CODE", "SCI_NOTATION_ID"}),
    "UNIT_IN_CELL": frozenset({"PERIOD_TYPE"}),
    "NOT_APPROVED": frozenset({"EMPTY"}),
}
"""What only follows from another finding on the same place: who puts that right has put this right."""


@dataclass(frozen=True)
class Listed:
    """One finding. ``sheet`` and ``cell`` are ``None`` for a whole file, ``sheet`` alone for a CSV."""

    rule: str
    severity: Severity
    indicator_code: str | None
    indicator_zh: str
    sheet: str | None
    cell: str | None
    value: str | None
    expected: str | None
    related: tuple[str, ...]
    message_zh: str
    message_en: str
    fix_zh: str
    legal_basis: str
    legal_basis_status: str
    verdict: str = ""
    """The ruling of a steward that stands on it: ``approve``, ``refuse``; empty where none does."""
    ruling_zh: str = ""
    """What is told of it: ``审核人员没有认可：附件没有盖章。``"""

    @property
    def is_confirmed(self) -> bool:
        """Whether a steward has confirmed or released it."""
        return self.verdict == "approve"

    @property
    def is_refused(self) -> bool:
        """Whether a steward has looked at it and does not accept it."""
        return self.verdict == "refuse"

    @property
    def needs_action(self) -> bool:
        """Whether the department has something to do; a note only tells what was changed."""
        return self.severity is not Severity.NOTE and not self.is_confirmed

    @property
    def tone(self) -> Severity:
        """As what it is shown: what was confirmed asks for nothing any more, what was refused must be corrected."""
        if self.is_confirmed:
            return Severity.NOTE
        return Severity.BLOCK if self.is_refused else self.severity

    @property
    def handling_zh(self) -> str:
        """What it asks of the department, in a word or two."""
        return RULED_ZH.get(self.verdict, SEVERITY_ZH[self.severity])

    @property
    def place_zh(self) -> str:
        """Where it stands, as a person says it: ``填报表 E7``, ``第 12 行 value 列``."""
        return place_zh(" ".join(filter(None, (self.sheet, self.cell)))) or WHOLE_FILE_ZH

    @property
    def basis_zh(self) -> str:
        """The legal basis with its status."""
        status = BASIS_STATUS_ZH.get(self.legal_basis_status, self.legal_basis_status)
        return f"{self.legal_basis}（{status}）" if self.legal_basis else "无"

    def as_json(self) -> dict[str, Any]:
        """The finding object of contracts/cli.md."""
        return {
            "rule": self.rule,
            "severity": self.severity.value,
            "indicator_code": self.indicator_code,
            "sheet": self.sheet,
            "cell": self.cell,
            "value": self.value,
            "expected": self.expected,
            "related": list(self.related),
            "message_zh": self.message_zh,
            "message_en": self.message_en,
            "fix_zh": self.fix_zh,
        }


def place_zh(address: str) -> str:
    """An address as a person says it; one of a workbook stays as it is."""
    return _CSV_ADDRESS.sub(r"第 \1 行 \2 列", address)


def cell_at(address: str | None) -> tuple[int, int] | None:
    """Row and column of ``E7``; ``None`` for anything else."""
    match = _CELL.fullmatch(address or "")
    return None if match is None else (int(match[2]), column_index_from_string(match[1]))


def csv_cell_at(address: str | None) -> tuple[int, str] | None:
    """Line and column name of ``12:value``; ``None`` for anything else."""
    match = _CSV_CELL.fullmatch(address or "")
    return None if match is None else (int(match[1]), match[2])


def listed(row: Mapping[str, Any], edition: Edition, ruled: Ruled | None = None) -> Listed:
    """A row of ``finding`` (or the attributes of one) as a record, with the ruling that stands on it."""
    check = next((one for one in edition.checks if one.check_id == row["check_id"]), None)
    code = row["indicator_code"]
    indicator = edition.by_code.get(code) if code else None
    related = row["related"]
    return Listed(
        rule=row["rule"],
        severity=Severity(row["severity"]),
        indicator_code=code,
        indicator_zh=indicator.name_zh if indicator is not None else "",
        sheet=row["sheet"],
        cell=row["cell"],
        value=_masked(row["value_raw"]),
        expected=_masked(row["expected"]),
        related=tuple(json.loads(related) if isinstance(related, str) else related),
        message_zh=mask_personal_data(row["message_zh"]).text,
        message_en=mask_personal_data(row["message_en"]).text,
        fix_zh=mask_personal_data(row["fix_zh"]).text,
        legal_basis=check.legal_basis if check is not None else "",
        legal_basis_status=check.legal_basis_status if check is not None else "unverified",
        verdict=ruled.verdict if ruled is not None and ruled.verdict in RULED_ZH else "",
        ruling_zh=ruled.told_zh if ruled is not None else "",
    )


def in_order(findings: Iterable[Listed]) -> tuple[Listed, ...]:
    """Whole files first, then the cover, then sheet by sheet, row by row, as one reads the workbook."""
    return tuple(sorted(findings, key=_place))


def without_echoes(findings: Iterable[Listed]) -> tuple[Listed, ...]:
    """The findings without those that only repeat another one about the same place; nothing is dropped alone."""
    found = tuple(findings)
    by_rule: dict[str, list[Listed]] = {}
    for one in found:
        if one.needs_action:
            by_rule.setdefault(one.rule, []).append(one)

    def explained(one: Listed) -> bool:
        others = (other for rule in _ECHO_OF.get(one.rule, ()) for other in by_rule.get(rule, ()))
        return any(_explains(other, one) for other in others)

    return tuple(one for one in found if not explained(one))


def _explains(other: Listed, one: Listed) -> bool:
    """Whether putting right a finding of a rule that another may echo puts right the other."""
    if other.severity is Severity.WARN and one.severity is not Severity.NOTE:
        return False
    if one.rule == "NOT_APPROVED":
        return one.value is None
    if one.rule == "MULTI_UNIT" and one.related:
        return False
    if one.cell is None:
        return one.value is not None and one.value == other.value
    return one.sheet == other.sheet and one.cell in (other.cell, *other.related)


def _place(one: Listed) -> tuple[Any, ...]:
    at = cell_at(one.cell)
    line = csv_cell_at(one.cell)
    row, column = at if at is not None else (line[0], 0) if line is not None else (0, 0)
    severity = list(Severity).index(one.severity)
    sheet = (one.sheet != COVER_SHEET, one.sheet or "")
    return (one.cell is not None, sheet, row, column, one.cell or "", severity, one.rule)


def _masked(text: str | None) -> str | None:
    return None if text is None else mask_personal_data(text).text
