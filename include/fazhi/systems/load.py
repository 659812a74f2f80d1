"""Loading editions. In: a folder per edition. Out: ``Edition``, ``Editions``, or all faults in Chinese.

An edition is refused whole: nothing is scored with one that has a fault (contracts/indicator-system.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from fazhi.model.errors import ConfigurationError
from fazhi.model.exact import plain
from fazhi.model.terms import RuleType
from fazhi.systems.checks import read_checks
from fazhi.systems.digest import edition_digest
from fazhi.systems.edition import Edition
from fazhi.systems.faults import Faults, cell_place
from fazhi.systems.head import Head, Years, read_head
from fazhi.systems.indicators import IndicatorTable, read_indicators
from fazhi.systems.wording import years_zh

HEAD_FILE, INDICATORS_FILE, CHECKS_FILE = "system.yaml", "indicators.csv", "checks.yaml"
_FULL_MARKS = 100_00
"""Hundredths of a point."""


@dataclass(frozen=True)
class Editions:
    """The editions of a folder, by year of application."""

    all: tuple[Edition, ...]

    def for_year(self, year: int) -> Edition:
        """The edition of an assessment year.

        Raises:
            ConfigurationError: No edition covers the year, or the edition gives no share for it.
        """
        for edition in self.all:
            if edition.covers_year(year):
                edition.share(year)
                return edition
        spans = "；".join(f"{edition.system_id} 适用 {years_zh(edition)}" for edition in self.all)
        raise ConfigurationError(f"没有适用于 {year} 年度的指标体系版本（现有：{spans or '无'}）")

    def by_id(self, system_id: str) -> Edition:
        """The edition of an id.

        Raises:
            ConfigurationError: There is none.
        """
        for edition in self.all:
            if edition.system_id == system_id:
                return edition
        known = "、".join(edition.system_id for edition in self.all) or "无"
        raise ConfigurationError(f"没有编号为“{system_id}”的指标体系版本（现有：{known}）")


def load_edition(path: Path) -> Edition:
    """Load and check one edition.

    Args:
        path: Its folder, with ``system.yaml``, ``indicators.csv`` and ``checks.yaml``.

    Raises:
        ConfigurationError: Anything is wrong; ``faults`` lists all of it with file, row and column.
    """
    faults = Faults()
    edition = _read(path, faults)
    faults.raise_if_any(f"指标体系 {path.resolve().name} 有误")
    return _complete(edition)


def load_editions(systems_dir: Path) -> Editions:
    """Load every edition of a folder and check them against each other.

    Raises:
        ConfigurationError: An edition is at fault, two claim the same id or year, or a year is left out.
    """
    faults = Faults()
    if not systems_dir.is_dir():
        raise ConfigurationError(f"指标体系目录不存在：{systems_dir}")
    folders = sorted(child for child in systems_dir.iterdir() if child.is_dir() and child.name[0] not in "._")
    if not folders:
        raise ConfigurationError(f"指标体系目录中没有任何版本：{systems_dir}")
    read = [_Candidate(folder.name, *_read_parts(folder, faults)) for folder in folders]
    _check_ids(read, faults)
    _check_years(read, faults)
    faults.raise_if_any("指标体系有误")
    editions = [_complete(candidate.edition) for candidate in read]
    return Editions(tuple(sorted(editions, key=lambda edition: edition.from_year)))


@dataclass(frozen=True)
class _Candidate:
    """A folder as far as it could be read."""

    folder: str
    head: Head | None
    edition: Edition | None

    @property
    def system_id(self) -> str | None:
        return None if self.head is None else self.head.values.get("system_id")

    @property
    def years(self) -> Years | None:
        return None if self.head is None else self.head.years


def _complete(edition: Edition | None) -> Edition:
    if edition is None:
        raise AssertionError("an edition without faults is complete")
    return edition


def _read(path: Path, faults: Faults) -> Edition | None:
    return _read_parts(path, faults)[1]


def _read_parts(path: Path, faults: Faults) -> tuple[Head | None, Edition | None]:
    """Read the three files; an edition comes out only when nothing is wrong."""
    before = len(faults.found)
    folder = path.resolve().name
    if not path.is_dir():
        faults.add(str(path), "目录不存在")
        return None, None
    head = read_head(path / HEAD_FILE, f"{folder}/{HEAD_FILE}", faults)
    table_label = f"{folder}/{INDICATORS_FILE}"
    table = read_indicators(path / INDICATORS_FILE, table_label, faults)
    years = head.years if head is not None else None
    checks = read_checks(path / CHECKS_FILE, f"{folder}/{CHECKS_FILE}", table, years, faults)
    if table is not None:
        _check_table(table, table_label, head, faults)
    if head is None or table is None or len(faults.found) > before:
        return head, None
    values: dict[str, Any] = dict(head.values)
    edition = Edition(**values, indicators=table.indicators, checks=checks, digest="")
    return head, replace(edition, digest=edition_digest(edition))


def _check_table(table: IndicatorTable, label: str, head: Head | None, faults: Faults) -> None:
    """What the table must be in the light of the head."""
    if head is None:
        return
    _check_multipliers(table, head)
    _check_veto_grades(table, label, head, faults)
    if head.years is not None:
        _check_in_force(table, label, head.years, faults)
        _check_sum(table, label, head.years, faults)


def _check_multipliers(table: IndicatorTable, head: Head) -> None:
    node = head.nodes.get("multipliers")
    weighted = {mark.code for mark in table.marks if mark.carries_weight}
    marked = {mark.code for mark in table.marks}
    for code, entry in (node.entries() if node is not None else {}).items():
        if code not in table.codes:
            entry.refuse(f"本版本没有指标“{code}”")
        elif code in marked and code not in weighted:
            entry.refuse(f"指标“{code}”不占分值，不能设倍数")


def _check_veto_grades(table: IndicatorTable, label: str, head: Head, faults: Faults) -> None:
    names = head.grade_names
    for indicator in table.indicators if names else ():
        grade = indicator.rule_params.get("grade_cap") if indicator.rule_type is RuleType.VETO else None
        if grade is not None and names is not None and grade not in names:
            place = cell_place(label, table.rows[indicator.code], "rule_params", indicator.code)
            faults.add(f"{place} grade_cap", f"未知的等次“{grade}”，本版本的等次是 {'、'.join(names)}")


def _check_in_force(table: IndicatorTable, label: str, years: Years, faults: Faults) -> None:
    """A row that is never in force during the edition's years is a slip."""
    first, last = date(years[0], 1, 1), date(years[1] or date.max.year, 12, 31)
    for mark in table.marks:
        column = None
        if mark.effective_from > last:
            column = "effective_from"
        elif mark.effective_to is not None and mark.effective_to < first:
            column = "effective_to"
        if column is not None:
            place = cell_place(label, table.rows[mark.code], column, mark.code)
            faults.add(place, "在本版本的各年度内从未生效")


def sum_of_marks(edition: Edition) -> int:
    """Full marks (hundredths) of the weight-carrying rows in force at the edition's end: 100 points."""
    return sum(
        indicator.full_mark
        for indicator in edition.indicators
        if indicator.rule_type.carries_weight
        and _in_force_at_end(indicator.effective_from, indicator.effective_to, edition.to_year)
    )


def _check_sum(table: IndicatorTable, label: str, years: Years, faults: Faults) -> None:
    """Full marks in force at the end of the last year add up to 100; an open edition: those without end."""
    if not table.marks_complete:
        return
    total = sum(
        mark.full_mark
        for mark in table.marks
        if mark.carries_weight and _in_force_at_end(mark.effective_from, mark.effective_to, years[1])
    )
    if total != _FULL_MARKS:
        when = "没有失效日的" if years[1] is None else f"{years[1]} 年底有效的"
        said = f"{when}计分指标满分合计为 {plain(Fraction(total, 100))}，应为 100"
        faults.add(f"{label} full_mark 列", said)


def _in_force_at_end(first: date, last: date | None, last_year: int | None) -> bool:
    """Whether a row is in force on the last deciding day; an open edition: whether it has no known end."""
    if last_year is None:
        return last is None
    day = date(last_year, 12, 31)
    return first <= day and (last is None or day <= last)


def _check_ids(read: Iterable[_Candidate], faults: Faults) -> None:
    first: dict[str, str] = {}
    for candidate in read:
        system_id = candidate.system_id
        if system_id is None:
            continue
        place = f"{candidate.folder}/{HEAD_FILE} id"
        if first.setdefault(system_id, candidate.folder) != candidate.folder:
            faults.add(place, f"版本编号“{system_id}”与目录 {first[system_id]} 重复")
        elif system_id != candidate.folder:
            faults.add(place, f"版本编号“{system_id}”应与目录名“{candidate.folder}”一致")


def _check_years(read: Iterable[_Candidate], faults: Faults) -> None:
    spans = sorted(
        ((candidate.years, candidate.folder) for candidate in read if candidate.years is not None),
        key=lambda span: (span[0][0], span[1]),
    )
    furthest, holder = spans[0] if spans else ((0, None), "")
    for years, folder in spans[1:]:
        place = f"{folder}/{HEAD_FILE} years"
        last = furthest[1]
        if last is None or years[0] <= last:
            shared = _shared_zh(years[0], last, years[1])
            faults.add(place, f"{shared}已由 {holder} 适用，两个版本不能适用同一年度")
        elif years[0] > last + 1:
            faults.add(
                place, f"{_span_zh(last + 1, years[0] - 1)}没有版本适用（{holder} 到 {last} 年度为止）"
            )
        if last is not None and (years[1] is None or years[1] > last):
            furthest, holder = years, folder


def _shared_zh(first: int, *ends: int | None) -> str:
    known = [end for end in ends if end is not None]
    return _span_zh(first, min(known)) if known else f"{first} 年度起"


def _span_zh(first: int, last: int) -> str:
    return f"{first} 年度" if first == last else f"{first}—{last} 年度"
