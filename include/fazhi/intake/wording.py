"""Wording of what reading finds. In: a rule kind and what was seen. Out: findings in the edition's words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fazhi.model.errors import ConfigurationError
from fazhi.model.findings import Finding, compose
from fazhi.model.privacy import mask_personal_data
from fazhi.sheets import FileFault
from fazhi.systems.edition import Check, Edition
from fazhi.systems.rule_kinds import RULE_KINDS

RULES = (
    *(kind.rule for kind in RULE_KINDS.values() if kind.judged_by == "intake" or kind.cases),
    "AUTHZ",
)
"""The rule kinds that reading judges; of DUP_ROW only a row that repeats another to the letter, AUTHZ only for a cover
that names another unit than the sender."""

_LONGEST_SHOWN = 120
_CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


@dataclass(frozen=True)
class ReadFinding:
    """A finding with the row it stands on; ``row_no`` ``None`` is about the whole file."""

    finding: Finding
    row_no: int | None = None
    unit_code: str = ""
    indicator_code: str | None = None


@dataclass(frozen=True)
class Seen:
    """What was seen at a place, before it is worded.

    ``case`` chooses among the checks of a rule kind that has cases. ``detail_en`` and ``expected_en`` are the
    English of ``detail`` and ``expected``; what has no Chinese in it needs none.
    """

    rule: str
    found: str = ""
    expected: str = ""
    detail: str = ""
    detail_en: str = ""
    expected_en: str = ""
    case: str = ""
    sheet: str | None = None
    cell: str | None = None
    related: tuple[str, ...] = ()


class Wording:
    """The edition's checks for what reading judges, those in force in a year."""

    def __init__(self, edition: Edition, year: int) -> None:
        """Look them up.

        Raises:
            ConfigurationError: The edition words not all rule kinds that reading judges, or not all their
                cases; every one is named.
        """
        words = {(check.rule, _case(check)): check for check in reversed(edition.checks)}
        missing = [key for key in _wanted() if key not in words]
        if missing:
            raise ConfigurationError(
                f"指标体系 {edition.system_id} 的 checks.yaml 缺少读取文件所需的校验规则",
                tuple(
                    f"{edition.system_id}/checks.yaml：缺少规则 {rule}{f'（case: {case}）' if case else ''}"
                    for rule, case in missing
                ),
            )
        self._checks = {
            key: check for key, check in words.items() if key[0] in RULES and check.in_force(year)
        }

    def word(self, seen: Seen) -> Finding | None:
        """Word what was seen; ``None`` when the edition does not judge that rule in the year."""
        check = self._checks.get((seen.rule, seen.case))
        if check is None:
            return None
        return compose(
            check,
            sheet=seen.sheet,
            cell=seen.cell,
            found=_shown(seen.found),
            expected=seen.expected,
            detail=seen.detail,
            expected_en=_english(seen.expected, seen.expected_en),
            detail_en=_english(seen.detail, seen.detail_en),
            related=seen.related,
        )

    def fault(self, fault: FileFault) -> Finding | None:
        """Word a fault of a file; personal data in the names it quotes is masked."""
        return self.word(
            Seen(
                fault.rule,
                mask_personal_data(fault.found).text,
                fault.expected,
                mask_personal_data(fault.detail).text,
                detail_en=fault.detail_en,
                case=fault.case,
                sheet=fault.sheet,
                cell=fault.cell,
                related=fault.related,
            )
        )


def _wanted() -> Iterable[tuple[str, str]]:
    for rule in RULES:
        yield rule, ""
        yield from ((rule, case) for case in RULE_KINDS[rule].cases)


def _case(check: Check) -> str:
    return str(check.params.get("case") or "")


def _shown(found: str) -> str:
    return found if len(found) <= _LONGEST_SHOWN else f"{found[:_LONGEST_SHOWN]}…"


def _english(chinese: str, english: str) -> str:
    """The English of a part of a message; Chinese without a translation is left out of the English message."""
    return english if english or _CHINESE.search(chinese) else chinese
