"""Intake: files become values. In: submissions in the raw store. Out: values with their cells, findings.

``parse_slice`` reads what was collected; ``read_submission`` is the same reading without a store (the
self-check); ``write_template`` writes the blank workbook of a unit and period.
"""

from fazhi.intake.parse import READER_VERSION, ParseCounts, parse_slice, reader_digest
from fazhi.intake.submission import read_document, read_submission
from fazhi.intake.template import asked_indicators, write_template, write_workbook
from fazhi.intake.values import Reading, ReadValue, Submitted
from fazhi.intake.wording import RULES, ReadFinding, Wording
from fazhi.sheets import ReadFile, read_csv, read_file, read_workbook

__all__ = [
    "READER_VERSION",
    "RULES",
    "ParseCounts",
    "ReadFile",
    "ReadFinding",
    "ReadValue",
    "Reading",
    "Submitted",
    "Wording",
    "asked_indicators",
    "parse_slice",
    "read_csv",
    "read_document",
    "read_file",
    "read_submission",
    "read_workbook",
    "reader_digest",
    "write_template",
    "write_workbook",
]
