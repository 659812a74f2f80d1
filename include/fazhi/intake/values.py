"""What one row of a submission becomes. In: nothing. Out: the record of a value as the store keeps it."""

from dataclasses import dataclass
from datetime import date
from json.encoder import encode_basestring_ascii
from typing import Any

from fazhi.intake.wording import ReadFinding
from fazhi.model.canonical import sha256_hex
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind


@dataclass(frozen=True)
class Submitted:
    """What is known of a submission before its files are opened."""

    kind: SubmissionKind
    sender_code: str
    period: Period
    evidence: tuple[str, ...] = ()
    """Names of the evidence files that came with it."""
    received_on: date | None = None
    """The day in Asia/Shanghai on which it was received; ``None`` where nobody received it yet."""


@dataclass
class ReadValue:
    """One row; the fields are the columns of the table ``value`` and mean what is said there."""

    row_no: int
    year: int
    period: str
    period_rank: int
    period_first: str
    period_last: str
    kind: str
    reporter_code: str
    unit_code: str
    indicator_code: str
    numerator: str | None = None
    denominator: str | None = None
    amount: str | None = None
    numerator_q: int | None = None
    denominator_q: int | None = None
    amount_q: int | None = None
    boolean_value: int | None = None
    date_value: str | None = None
    stated_ratio: str | None = None
    ratio_form: str | None = None
    ratio_gap: int | None = None
    ratio_tolerance: int | None = None
    numerator_raw: str | None = None
    denominator_raw: str | None = None
    value_raw: str | None = None
    boolean_raw: str | None = None
    date_raw: str | None = None
    fuzzy: str | None = None
    low_q: int | None = None
    high_q: int | None = None
    unreadable: str | None = None
    not_applicable: int = 0
    reason: str | None = None
    note: str | None = None
    stated_reporting: str | None = None
    stated_scope: str | None = None
    provenance: str | None = None
    evidence_named: int = 0
    evidence_missing: str | None = None
    sheet: str | None = None
    cell_row: str | None = None
    cell_unit: str | None = None
    cell_numerator: str | None = None
    cell_denominator: str | None = None
    cell_value: str | None = None
    cell_boolean: str | None = None
    cell_date: str | None = None
    cell_not_applicable: str | None = None
    cell_evidence: str | None = None
    value_digest: str = ""

    def beside(self, **own: Any) -> "ReadValue":
        """A value that says what this one says but for what is its own; making one of fifty fields takes far longer."""
        made = object.__new__(ReadValue)
        vars(made).update(vars(self), **own)
        return made

    def content_digest(self) -> str:
        """What a decision about the value is bound to: its readings, or what is written instead."""
        content = [
            self.indicator_code,
            self.numerator or _written(self.numerator_raw),
            self.denominator or _written(self.denominator_raw),
            self.amount or self.stated_ratio or _written(self.value_raw),
            self.boolean_value if self.boolean_value is not None else _written(self.boolean_raw),
            self.date_value or _written(self.date_raw),
            self.not_applicable,
        ]
        return sha256_hex(f"[{', '.join(map(_json, content))}]".encode("ascii"))


def _json(item: str | int | None) -> str:
    """Exactly as ``json.dumps``, which takes longer to set itself up than to write."""
    if isinstance(item, str):
        return encode_basestring_ascii(item)
    return "null" if item is None else str(item)


def _written(raw: str | None) -> str | None:
    return None if raw is None else f"“{raw.strip()}”"


@dataclass(frozen=True)
class Reading:
    """What a submission's file holds. Not ``readable``: no values and one finding about the file."""

    readable: bool
    values: tuple[ReadValue, ...]
    findings: tuple[ReadFinding, ...]
