"""Findings: what is wrong with a cell, in words a department can act on. In: a check and what was seen. Out: rows.

A finding points at the one cell to correct and names the others it compared in ``related`` (submission-workbook.md).
Messages are templates of the edition's checks with three places: ``{found}``, ``{expected}``, ``{detail}``.
"""

from dataclasses import dataclass, field
from typing import Protocol

from fazhi.model.terms import Severity


class Wording(Protocol):
    """The part of a check that words a finding."""

    @property
    def check_id(self) -> str:
        """The check's id."""
        ...

    @property
    def rule(self) -> str:
        """The rule kind."""
        ...

    @property
    def severity(self) -> Severity:
        """What the finding does to the value."""
        ...

    @property
    def message_zh(self) -> str:
        """What is wrong, for the department."""
        ...

    @property
    def message_en(self) -> str:
        """The same in English."""
        ...

    @property
    def fix_zh(self) -> str:
        """How to put it right."""
        ...


@dataclass(frozen=True)
class Finding:
    """One finding on a cell, on a row, or (``sheet`` and ``cell`` null) on a whole file."""

    check_id: str
    rule: str
    severity: Severity
    message_zh: str
    message_en: str
    fix_zh: str
    sheet: str | None = None
    cell: str | None = None
    value_raw: str | None = None
    expected: str | None = None
    related: tuple[str, ...] = field(default=())


def compose(
    check: Wording,
    *,
    sheet: str | None = None,
    cell: str | None = None,
    found: str = "",
    expected: str = "",
    detail: str = "",
    expected_en: str | None = None,
    detail_en: str | None = None,
    related: tuple[str, ...] = (),
) -> Finding:
    """Word a finding by its check.

    Args:
        check: The edition's check.
        sheet: Sheet name, ``None`` for CSV and whole files.
        cell: The one cell to correct (``E7``, or ``12:numerator`` in a CSV).
        found: The value as written.
        expected: What is accepted there.
        detail: What else explains it (the other figure, the computed value).
        expected_en: ``expected`` in the English message, ``None`` for the same text.
        detail_en: Likewise.
        related: The other cells compared.
    """
    words = {"found": found, "expected": expected, "detail": detail}
    english = words | {
        "expected": expected if expected_en is None else expected_en,
        "detail": detail if detail_en is None else detail_en,
    }
    return Finding(
        check_id=check.check_id,
        rule=check.rule,
        severity=check.severity,
        message_zh=check.message_zh.format(**words),
        message_en=check.message_en.format(**english).strip(),
        fix_zh=check.fix_zh.format(**words),
        sheet=sheet,
        cell=cell,
        value_raw=found or None,
        expected=expected or None,
        related=related,
    )
