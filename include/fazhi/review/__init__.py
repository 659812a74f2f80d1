"""Decisions of stewards. In: a finding or a 不适用 claim, and a ruling. Out: one row of ``decision``.

A ruling on a finding is bound to the digest of the value it was taken on: it survives a resubmission in which the
value is unchanged and lapses when the value changes.
"""

from fazhi.review.decide import Ruling, decide_finding, decide_not_applicable

__all__ = ["Ruling", "decide_finding", "decide_not_applicable"]
