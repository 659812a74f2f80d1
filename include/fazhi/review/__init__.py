"""Decisions of stewards, and what goes back to a department. In: committed findings. Out: decisions, returns.

A ruling on a finding is bound to the digest of the value it was taken on: it survives a resubmission in which the
value is unchanged and lapses when the value changes.

What goes back: ``write_receipt`` (page and text), ``correction_list`` and ``write_marked`` (the department's own
workbook with its cells marked and a first sheet ``整改清单``). Nothing is left out, nothing in them can run.
"""

from fazhi.review.decide import Ruling, decide_finding, decide_not_applicable
from fazhi.review.listed import Listed, in_order, listed
from fazhi.review.marked import write_marked
from fazhi.review.receipt import Receipt, correction_list, write_receipt
from fazhi.review.returned import ReturnHead

__all__ = [
    "Listed",
    "Receipt",
    "ReturnHead",
    "Ruling",
    "correction_list",
    "decide_finding",
    "decide_not_applicable",
    "in_order",
    "listed",
    "write_marked",
    "write_receipt",
]
