"""Decisions of stewards, and what goes back to a department. In: committed findings. Out: decisions, returns.

A ruling on a finding is bound to the digest of the value it was taken on: it survives a resubmission in which the
value is unchanged and lapses when the value changes.

What goes back: ``write_receipt`` (page and text), ``correction_list`` and ``write_marked`` (the department's own
workbook with its cells marked and a first sheet ``整改清单``). Nothing is left out, nothing in them can run.
"""

from fazhi.review.decide import Ruling, decide_finding, decide_not_applicable, decide_shown, undo_decision
from fazhi.review.listed import Listed, in_order, listed
from fazhi.review.marked import write_marked
from fazhi.review.receipt import Receipt, correction_list, write_receipt
from fazhi.review.requests import Asked, ask_extension, ask_not_applicable, ask_waiver, rule_on_request
from fazhi.review.returned import ReturnHead
from fazhi.review.returning import return_submission, undo_return
from fazhi.review.shown import findings_in_force, shown_digest

__all__ = [
    "Asked",
    "Listed",
    "Receipt",
    "ReturnHead",
    "Ruling",
    "ask_extension",
    "ask_not_applicable",
    "ask_waiver",
    "correction_list",
    "decide_finding",
    "decide_not_applicable",
    "decide_shown",
    "findings_in_force",
    "in_order",
    "listed",
    "return_submission",
    "rule_on_request",
    "shown_digest",
    "undo_decision",
    "undo_return",
    "write_marked",
    "write_receipt",
]
