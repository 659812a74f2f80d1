"""Validation: rules are data, GX judges, SQL lists. In: committed values of a year and region. Out: findings.

>>> from fazhi.validate import validate_slice
>>> outcome = validate_slice(engine, edition, registry, 2024, "150200", today=today, gx_dir=gx_dir)
>>> outcome.new, outcome.counts
(True, {"block": 3, "hold": 0, "warn": 1, "note": 7, "security": 0})

A rule kind is one definition in ``fazhi.validate.rules``; severity, words and parameters are the edition's
``checks.yaml``. From the definition come the suite that GX runs (``suites``, ``gate``) and the one statement
that lists all findings (``sql``); their counts must agree or the run fails as a system error. ``words`` fills
the messages, ``report`` writes the Chinese page, ``catalogue`` the rules' documentation.
"""

from fazhi.validate.slices import ValidationOutcome, validate_slice

__all__ = ["ValidationOutcome", "validate_slice"]
