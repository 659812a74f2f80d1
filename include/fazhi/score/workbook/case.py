"""What a workbook is written from. In: the store, an edition, the registry. Out: one unit's case, checked.

The edition must be the very one that the result was computed with; anything else would show formulas that
cannot come to the stored digits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row

from fazhi.model.errors import UsageError
from fazhi.model.terms import Group, LineStatus, Stage
from fazhi.registry import Registry
from fazhi.registry.records import Unit
from fazhi.score.dossier import Dossier, read_dossier
from fazhi.score.results import Key, current_keys, hundredths, in_parts, rows_of
from fazhi.score.slice import SUPERVISION_LETTERS
from fazhi.store.tables import result, result_adjustment, result_input, result_line
from fazhi.systems.edition import Edition, Indicator, Profile


@dataclass(frozen=True)
class CaseLine:
    """A weight-carrying indicator of the unit, as stored, with the values used."""

    indicator: Indicator
    row: Row[Any]
    inputs: Sequence[Row[Any]]

    @property
    def status(self) -> LineStatus:
        """What the store says about it."""
        return LineStatus(self.row.status)


@dataclass(frozen=True)
class Rival:
    """A unit of the same pool, with what ranking and grading look at; scores are hundredths."""

    unit_code: str
    unit_name: str
    score: int
    common_points: int
    supervision_letters: int
    best_grade_allowed: int


@dataclass(frozen=True)
class Case:
    """One unit's result, ready to be written as a workbook."""

    edition: Edition
    year: int
    unit: Unit
    profile: Profile
    dossier: Dossier
    lines: Sequence[CaseLine]
    rivals: Sequence[Rival]
    """The unit's pool in code order, itself included; empty for a provisional result."""

    @property
    def head(self) -> Row[Any]:
        """The result's own row."""
        return self.dossier.head

    @property
    def is_final(self) -> bool:
        """Whether the result is ranked and graded."""
        return bool(self.head.stage == Stage.FINAL)

    @property
    def share(self) -> Fraction:
        """The year's share a."""
        return Fraction(self.head.share)


def read_case(
    connection: Connection, edition: Edition, registry: Registry, year: int, unit_code: str, today: date
) -> Case:
    """Read a unit's newest result and check that the edition in force is the one that made it.

    Raises:
        UsageError: There is no result, or it was computed under another edition or another state of units.
    """
    dossier = read_dossier(connection, year, unit_code)
    if dossier.head.system_digest != edition.digest:
        raise UsageError(
            f"{unit_code} 在{year}年的得分是按另一份指标体系计算的（摘要 {dossier.head.system_digest[:12]}，"
            f"现为 {edition.digest[:12]}）；过程得分请先执行 fazhi validate 和 fazhi score --year {year}，"
            "最终得分请用计算时的指标体系文件夹（FAZHI_SYSTEMS_DIR）"
        )
    unit = registry.unit_on(unit_code, registry.deciding_day(year, today))
    profile = None if unit is None else edition.profile_of(unit.tags)
    if unit is None or profile is None:
        raise UsageError(f"{unit_code} 在{year}年的单位登记已变；请先执行 fazhi score --year {year}")
    return Case(
        edition=edition,
        year=year,
        unit=unit,
        profile=profile,
        dossier=dossier,
        lines=[
            CaseLine(edition.by_code[row.indicator_code], row, dossier.inputs.get(row.indicator_code, ()))
            for row in dossier.lines
        ],
        rivals=_rivals(connection, edition, registry, year, unit, today)
        if dossier.head.stage == Stage.FINAL
        else (),
    )


def _rivals(
    connection: Connection, edition: Edition, registry: Registry, year: int, unit: Unit, today: date
) -> list[Rival]:
    """The units of the same parent and kind that have a final result."""
    pool = {
        other.unit_code
        for other in registry.scored_units(year, today, registry.region_of(unit))
        if (other.parent_code, other.is_region) == (unit.parent_code, unit.is_region)
    }
    keys = [key for key in current_keys(connection, year) if key[0] in pool]
    found: list[Rival] = []
    for part in in_parts(keys):
        found += _rivals_of(connection, edition, year, part)
    return sorted(found, key=lambda rival: rival.unit_code)


def _rivals_of(connection: Connection, edition: Edition, year: int, keys: Sequence[Key]) -> list[Rival]:
    common = _sums(
        rows_of(connection, result_line, year, keys),
        lambda row: hundredths(row.points or "0.00") if row.indicator_group == Group.COMMON else 0,
    )
    letters = _sums(
        rows_of(connection, result_input, year, keys),
        lambda row: int(Fraction(row.denominator or 0)) if row.indicator_code == SUPERVISION_LETTERS else 0,
    )
    vetoes: dict[str, int] = {}
    for row in rows_of(connection, result_adjustment, year, keys):
        vetoes[row.unit_code] = max(vetoes.get(row.unit_code, 0), grade_allowed(edition, row.code))
    return [
        Rival(
            unit_code=head.unit_code,
            unit_name=head.unit_name,
            score=hundredths(head.score),
            common_points=common.get(head.unit_code, 0),
            supervision_letters=letters.get(head.unit_code, 0),
            best_grade_allowed=vetoes.get(head.unit_code, 0),
        )
        for head in rows_of(connection, result, year, keys)
        if head.stage == Stage.FINAL
    ]


def _sums(rows: Sequence[Row[Any]], number_of: Any) -> Mapping[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.unit_code] = sums.get(row.unit_code, 0) + number_of(row)
    return sums


def grade_allowed(edition: Edition, code: str) -> int:
    """The index of the best grade that one recorded event leaves (0 is the top grade)."""
    params = edition.by_code[code].rule_params
    allowed = 1 if params.get("no_excellent") else 0
    if "grade_cap" in params:
        cap = str(params["grade_cap"])
        allowed = max(allowed, next(i for i, g in enumerate(edition.grades) if cap in (g.name_zh, g.name_en)))
    return min(allowed, len(edition.grades) - 1)
