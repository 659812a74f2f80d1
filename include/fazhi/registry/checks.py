"""Faults between rows. In: records sound by themselves, and the editions. Out: faults with their places.

Editions are looked at year by year: a year that no edition covers is not assessed, so its rows are not asked
which indicators they name.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Protocol, TypeVar

from fazhi.model.terms import Tag
from fazhi.registry.reading import Placed, Records
from fazhi.registry.records import Adjustment, LeadTask, Source, Unit
from fazhi.registry.tables import Fault
from fazhi.systems.edition import Edition

Record = TypeVar("Record")


class EditionSet(Protocol):
    """The part of the loaded editions that the registry is checked against."""

    @property
    def all(self) -> Sequence[Edition]:
        """Every edition."""
        ...


def faults_between(records: Records, editions: EditionSet | None) -> Iterator[Fault]:
    """What is wrong between rows of the registry, and between the registry and the editions."""
    yield from _unit_faults(records)
    yield from _alias_faults(records)
    yield from _source_faults(records)
    yield from _task_faults(records)
    yield from _adjustment_faults(records)
    if editions is not None:
        yield from _edition_faults(records, editions.all)


# --- between rows ---


def _unit_faults(records: Records) -> Iterator[Fault]:
    yield from _overlaps(records.units, lambda unit: unit.unit_code, "unit_code", "同一代码")
    for placed in records.units:
        unit, row = placed.record, placed.row
        for column, code in (("parent_code", unit.parent_code), ("successor_code", unit.successor_code)):
            if code and code not in records.known_codes:
                yield row.fault(column, f"代码“{code}”在 units.csv 中没有登记")
            elif code == unit.unit_code:
                yield row.fault(column, "不能是本单位自己")


def _alias_faults(records: Records) -> Iterator[Fault]:
    yield from _overlaps(
        records.aliases, lambda alias: (alias.unit_code, alias.alias_zh), "alias_zh", "同一别名"
    )
    for placed in records.aliases:
        yield from _unknown_unit(placed, "unit_code", placed.record.unit_code, records)


def _source_faults(records: Records) -> Iterator[Fault]:
    by_source: defaultdict[str, list[Placed[Source]]] = defaultdict(list)
    for placed in records.sources:
        source = placed.record
        if source.authority_unit_code:
            yield from _unknown_unit(placed, "authority_unit_code", source.authority_unit_code, records)
        for earlier in by_source[source.source]:
            if earlier.record.region == source.region and _share_a_year(earlier.record, source):
                yield placed.row.fault("years", f"来源“{source.source}”与第{earlier.row.line}行的年度重叠")
        if source.region and source.region not in _regions(records):
            text = (
                f"地区代码“{source.region}”不是 units.csv 中任何单位所属的盟市（应写盟市的代码，如 150200）"
            )
            yield placed.row.fault("division_code", text)
        by_source[source.source].append(placed)


def _regions(records: Records) -> frozenset[str]:
    """The cities, and the province itself, that units belong to (``Registry.region_of``)."""
    written = records.known_divisions
    return frozenset(code[:4] + "00" for code in written)


def _share_a_year(one: Source, other: Source) -> bool:
    latest_start = max(one.from_year or 0, other.from_year or 0)
    ends = [year for year in (one.to_year, other.to_year) if year is not None]
    return not ends or latest_start <= min(ends)


def _task_faults(records: Records) -> Iterator[Fault]:
    yield from _duplicates(records.lead_tasks, lambda task: (task.year, task.task_id), "task_id")
    records_of = _records_of(records)
    for placed in records.lead_tasks:
        task = placed.record
        yield from _lead_unit_faults(placed, records, records_of)
        for code in task.co_unit_codes:
            yield from _unknown_unit(placed, "co_unit_codes", code, records)


def _lead_unit_faults(
    placed: Placed[LeadTask], records: Records, records_of: dict[str, list[Unit]]
) -> Iterator[Fault]:
    code, year = placed.record.lead_unit_code, placed.record.year
    if code not in records.known_codes:
        yield from _unknown_unit(placed, "lead_unit_code", code, records)
    elif code in records_of and not any(
        Tag.LEAD in unit.tags and _touches(unit, year, year) for unit in records_of[code]
    ):
        yield placed.row.fault("lead_unit_code", f"单位“{code}”在{year}年没有 LEAD 标签，不能牵头任务")


def _adjustment_faults(records: Records) -> Iterator[Fault]:
    yield from _duplicates(records.adjustments, _adjustment_key, "title_zh")
    records_of = _records_of(records)
    for placed in records.adjustments:
        code, year = placed.record.unit_code, placed.record.year
        yield from _unknown_unit(placed, "unit_code", code, records)
        if code in records_of and not any(_touches(unit, year, year) for unit in records_of[code]):
            yield placed.row.fault("unit_code", f"单位“{code}”在{year}年不存在")


def _adjustment_key(event: Adjustment) -> Hashable:
    return (
        event.year,
        event.unit_code,
        event.code,
        event.level,
        event.indicator_code,
        event.title_zh,
        event.document,
    )


# --- between the registry and the editions ---


def _edition_faults(records: Records, editions: Sequence[Edition]) -> Iterator[Fault]:
    for edition in editions:
        yield from _profile_faults(records, edition)
        yield from _missing_sources(records, edition)
        for task in records.lead_tasks:
            if edition.covers_year(task.record.year):
                yield from _task_code_faults(task, edition)
        for event in records.adjustments:
            if edition.covers_year(event.record.year):
                yield from _adjustment_code_faults(event, edition)


def _profile_faults(records: Records, edition: Edition) -> Iterator[Fault]:
    for placed in records.units:
        unit = placed.record
        if not (unit.is_scored and _touches(unit, edition.from_year, edition.to_year)):
            continue
        if edition.profile_of(unit.tags) is None:
            written = placed.row.cells["tags"] or "(空)"
            profiles = "、".join("+".join(sorted(profile.when)) for profile in edition.profiles)
            yield placed.row.fault(
                "tags",
                f"标签“{written}”不符合指标体系 {edition.system_id} 的任何考评类型（可用：{profiles}）；"
                "请补充标签，不在本级考评的把 scored_by 改为 superior",
            )


def _missing_sources(records: Records, edition: Edition) -> Iterator[Fault]:
    named: dict[str, str] = {}
    for indicator in edition.indicators:
        for source in indicator.sources:
            named.setdefault(source, indicator.code)
    for source, code in named.items():
        if source not in records.known_sources:
            text = f"缺少指标体系 {edition.system_id} 的数据来源“{source}”（指标 {code} 等使用）"
            yield Fault("sources.csv", 0, "source", text)


def _task_code_faults(placed: Placed[LeadTask], edition: Edition) -> Iterator[Fault]:
    for code in placed.record.indicator_codes:
        if code not in edition.by_code:
            yield placed.row.fault("indicator_codes", _unknown_indicator(code, edition))
        elif edition.by_code[code].rule_type.is_adjustment:
            yield placed.row.fault("indicator_codes", f"“{code}”是加减分项，不能由牵头任务指定")


def _adjustment_code_faults(placed: Placed[Adjustment], edition: Edition) -> Iterator[Fault]:
    event = placed.record
    indicator = edition.by_code.get(event.code)
    if indicator is None:
        yield placed.row.fault("code", _unknown_indicator(event.code, edition))
    elif not indicator.rule_type.is_adjustment:
        yield placed.row.fault("code", f"“{event.code}”不是加分、扣分或一票否决项")
    else:
        if not indicator.in_force(date(event.year, 12, 31)):
            yield placed.row.fault("code", f"“{event.code}”在{event.year}年末不是有效的指标")
        yield from _level_faults(placed, indicator.rule_params)
        if indicator.rule_params.get("zero_indicator") and not event.indicator_code:
            yield placed.row.fault("indicator_code", f"“{event.code}”须写明所涉指标")
    if event.indicator_code and event.indicator_code not in edition.by_code:
        yield placed.row.fault("indicator_code", _unknown_indicator(event.indicator_code, edition))


def _level_faults(placed: Placed[Adjustment], params: Iterable[str]) -> Iterator[Fault]:
    """Where points depend on the level, the level must be one that has points."""
    levels = [level for level in ("national", "region", "city") if level in set(params)]
    if levels and placed.record.level not in levels:
        text = f"“{placed.record.code}”按级别计分，级别应为 {'、'.join(levels)}，实为“{placed.record.level}”"
        yield placed.row.fault("level", text)


# --- shared ---


class _Interval(Protocol):
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_to(self) -> date | None: ...


Dated = TypeVar("Dated", bound=_Interval)


def _overlaps(
    placed: Sequence[Placed[Dated]], key: Callable[[Dated], Hashable], column: str, what: str
) -> Iterator[Fault]:
    """Records of one key whose days overlap, told at the later line."""
    of_key: defaultdict[Hashable, list[Placed[Dated]]] = defaultdict(list)
    for one in sorted(placed, key=lambda one: one.record.valid_from):
        of_key[key(one.record)].append(one)
    for same in of_key.values():
        for earlier, later in pairwise(same):
            end = earlier.record.valid_to
            if end is None or later.record.valid_from <= end:
                first, second = sorted((earlier.row, later.row), key=lambda row: row.line)
                yield second.fault(column, f"与第{first.line}行是{what}，有效期重叠")


def _duplicates(
    placed: Sequence[Placed[Record]], key: Callable[[Record], Hashable], column: str
) -> Iterator[Fault]:
    seen: dict[Hashable, int] = {}
    for one in placed:
        first = seen.setdefault(key(one.record), one.row.line)
        if first != one.row.line:
            yield one.row.fault(column, f"与第{first}行重复")


def _unknown_unit(placed: Placed[object], column: str, code: str, records: Records) -> Iterator[Fault]:
    if code not in records.known_codes:
        yield placed.row.fault(column, f"单位代码“{code}”在 units.csv 中没有登记")


def _unknown_indicator(code: str, edition: Edition) -> str:
    return f"指标体系 {edition.system_id} 中没有“{code}”"


def _records_of(records: Records) -> dict[str, list[Unit]]:
    found: defaultdict[str, list[Unit]] = defaultdict(list)
    for placed in records.units:
        found[placed.record.unit_code].append(placed.record)
    return dict(found)


def _touches(unit: Unit, from_year: int, to_year: int | None) -> bool:
    """Whether the record is in force on some day of the years."""
    begins_in_time = to_year is None or unit.valid_from.year <= to_year
    return begins_in_time and (unit.valid_to is None or from_year <= unit.valid_to.year)
