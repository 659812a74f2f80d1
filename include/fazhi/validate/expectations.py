"""Rules as GX expectations. In: an edition. Out: its suite as the JSON document that GX stores.

Ids are derived from names, so that the same edition and rules give the same bytes.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from fazhi.model.terms import Severity
from fazhi.systems.edition import Check, Edition
from fazhi.validate.rules import VALUE_RULES
from fazhi.validate.sql import gx_query

DATASOURCE = "store"
_GX_VERSION = "1.24.1"
_NAMESPACE = uuid.UUID("6f0d3c1e-8a5b-5e0c-9d57-0d1f5e2a7c11")
_GX_SEVERITY = {
    Severity.BLOCK: "critical",
    Severity.SECURITY: "critical",
    Severity.HOLD: "critical",
    Severity.WARN: "warning",
    Severity.NOTE: "info",
}
_RANK = {"critical": 0, "warning": 1, "info": 2}


def stable_id(name: str) -> str:
    """The id of something in the GX project, the same every time."""
    return str(uuid.uuid5(_NAMESPACE, name))


def suite_document(edition: Edition) -> dict[str, Any]:
    """The edition's suite as GX stores it."""
    rules = sorted({check.rule for check in edition.checks} & set(VALUE_RULES))
    return {
        "expectations": [_expectation(edition, rule) for rule in rules],
        "id": stable_id(f"{edition.system_id}/suite"),
        "meta": {"great_expectations_version": _GX_VERSION, "system_id": edition.system_id},
        "name": edition.system_id,
        "notes": edition.title_zh,
    }


def _expectation(edition: Edition, rule: str) -> dict[str, Any]:
    checks = [check for check in edition.checks if check.rule == rule]
    return {
        "description": _description(checks),
        "id": stable_id(f"{edition.system_id}/{rule}"),
        "kwargs": {"unexpected_rows_query": gx_query(VALUE_RULES[rule])},
        "meta": {"checks": [check.check_id for check in checks], "rule": rule},
        "severity": min((_GX_SEVERITY[check.severity] for check in checks), key=_RANK.__getitem__),
        "type": "unexpected_rows_expectation",
    }


def _description(checks: Sequence[Check]) -> str:
    """What the rule looks at and expects, in Chinese; of several checks of one rule all."""
    return "；".join(f"{check.looks_at_zh}：{check.expects_zh}" for check in checks)
