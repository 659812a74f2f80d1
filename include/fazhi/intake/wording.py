"""Wording of what reading finds. In: a rule kind and what was seen. Out: findings in the edition's words."""

from dataclasses import dataclass

from fazhi.model.errors import ConfigurationError
from fazhi.model.findings import Finding, compose
from fazhi.sheets import FileFault
from fazhi.systems.edition import Check, Edition
from fazhi.systems.rule_kinds import RULE_KINDS

RULES = (*(kind.rule for kind in RULE_KINDS.values() if kind.judged_by == "intake"), "AUTHZ")
"""The rule kinds that reading judges; AUTHZ only for a cover that names another unit than the sender."""

_LONGEST_SHOWN = 120


@dataclass(frozen=True)
class ReadFinding:
    """A finding with the row it stands on; ``row_no`` ``None`` is about the whole file."""

    finding: Finding
    row_no: int | None = None
    unit_code: str = ""
    indicator_code: str | None = None


class Wording:
    """The edition's checks for what reading judges, those in force in a year."""

    def __init__(self, edition: Edition, year: int) -> None:
        """Look them up.

        Raises:
            ConfigurationError: The edition words not all rule kinds that reading judges; every one is named.
        """
        words = {check.rule: check for check in reversed(edition.checks)}
        missing = [rule for rule in RULES if rule not in words]
        if missing:
            raise ConfigurationError(
                f"指标体系 {edition.system_id} 的 checks.yaml 缺少读取文件所需的校验规则",
                tuple(f"{edition.system_id}/checks.yaml:缺少规则 {rule}" for rule in missing),
            )
        self._checks: dict[str, Check] = {rule: words[rule] for rule in RULES if words[rule].in_force(year)}

    def finding(
        self,
        rule: str,
        *,
        sheet: str | None = None,
        cell: str | None = None,
        found: str = "",
        expected: str = "",
        detail: str = "",
        related: tuple[str, ...] = (),
    ) -> Finding | None:
        """Word a finding; ``None`` when the edition does not judge that rule in the year."""
        check = self._checks.get(rule)
        if check is None:
            return None
        shown = found if len(found) <= _LONGEST_SHOWN else f"{found[:_LONGEST_SHOWN]}…"
        return compose(
            check, sheet=sheet, cell=cell, found=shown, expected=expected, detail=detail, related=related
        )

    def fault(self, fault: FileFault) -> Finding | None:
        """Word why a file could not be read."""
        return self.finding(fault.rule, found=fault.found, expected=fault.expected, detail=fault.detail)
