"""What a slice is judged under, as rows. In: edition, registry, year. Out: dimension rows to be joined.

Every set of rows is addressed by a digest of its content: loading what is there already adds nothing, and a
day on which nothing changed has the digests of the day before.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Table, func, select

from fazhi.model.errors import ConfigurationError
from fazhi.model.exact import SCALE
from fazhi.model.period import Period
from fazhi.model.terms import ValueType
from fazhi.registry import Registry
from fazhi.registry.calendar import WorkingDays
from fazhi.registry.records import Unit
from fazhi.settings import Settings
from fazhi.store.bulk import insert_rows
from fazhi.store.tables import check_dim, check_part, duty_dim, indicator_dim, reporter_dim, unit_dim
from fazhi.systems.edition import Check, Edition, Indicator
from fazhi.systems.rule_kinds import judged_by
from fazhi.validate.deadlines import due_second
from fazhi.validate.words import Names

_FIRST_YEAR, _LAST_YEAR = 0, 9999
_NUMBERS: Mapping[str, tuple[str, str | None]] = {
    "DATE_OUT_OF_PERIOD": ("months_before", "months_after"),
    "SCORE_RANGE": ("low", "high"),
    "RECONCILE": ("above_percent", "up_to_percent"),
    "JUMP": ("percent", "at_least"),
    "AMOUNT_SCALE": ("low_times", "high_times"),
    "STALE_COPY": ("share_percent", "at_least"),
    "MEAN_RANGE": ("low", "high"),
    "TEXT_DUP": ("at_least", None),
    "VERSION_CONFLICT": ("minutes", None),
}
"""Which parameters a rule finds in ``number_a`` and ``number_b``."""
_TEXTS: Mapping[str, str] = {
    "DEFINITION": "since",
    "CROSS_UNIT_DUP": "looks_at",
    "NESTED_PERIOD": "relation",
}
"""Which parameter a rule finds in ``text_a``."""
_WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("CROSS_UNIT_DUP", "looks_at"): ("number", "evidence"),
    ("NESTED_PERIOD", "relation"): ("less", "equal"),
}
"""Which words a parameter may be."""
_LARGEST_MEAN = 90
_MOST_PARTS = 50
_SUMMING = ("SUM_MISMATCH", "DOUBLE_COUNT")
_PERCENT = {("JUMP", "percent"), ("RECONCILE", "above_percent"), ("RECONCILE", "up_to_percent")}
_WHOLE = {
    ("DATE_OUT_OF_PERIOD", "months_before"),
    ("DATE_OUT_OF_PERIOD", "months_after"),
    ("AMOUNT_SCALE", "low_times"),
    ("AMOUNT_SCALE", "high_times"),
    ("TEXT_DUP", "at_least"),
    ("VERSION_CONFLICT", "minutes"),
}
_LARGEST_PERCENT = 1000


@dataclass(frozen=True)
class Dimensions:
    """The rows that the values of a year are joined with."""

    edition: Edition
    units: tuple[tuple[str, str, int, int, str | None, str], ...]
    """Code, name, exists in the year, has any duty, successor, region."""
    duties: tuple[tuple[str, tuple[str, ...]], ...]
    """Each unit that has any with its indicators."""
    reporters: tuple[tuple[str, str, str, int], ...]
    """Authority, indicator, region of the units that it reports about, place of its source."""
    calendar: WorkingDays | None = None
    """The project's own when ``None``."""
    _due: dict[str, int | None] = field(default_factory=dict, compare=False, repr=False)

    def due_second(self, period: str) -> int | None:
        """The last second at which a period's submission is on time; ``None`` without a deadline."""
        if period not in self._due:
            self._due[period] = due_second(self.edition, Period.parse(period), self._working_days)
        return self._due[period]

    def _working_days(self) -> WorkingDays:
        return self.calendar or WorkingDays.load(Settings.load().holidays_dir)

    @cached_property
    def duty_digest(self) -> str:
        """SHA-256 of units, duties and reporters with the edition's digest."""
        content = hashlib.sha256(self.edition.digest.encode())
        for lines in (_lines(self.units), _duty_lines(self.duties), _lines(self.reporters)):
            content.update(b"\x1e")
            for line in lines:  # one after another: of a large province they are a hundred MiB
                content.update(line.encode())
        return content.hexdigest()

    @cached_property
    def names(self) -> Names:
        """What findings call units and authorities."""
        reporters: dict[tuple[str, str], list[str]] = {}
        for code, indicator, region, _ in sorted(self.reporters, key=lambda row: (row[1:], row[0])):
            reporters.setdefault((indicator, region), []).append(code)
        return Names(
            units={code: name for code, name, *_ in self.units},
            successors={code: heir for code, _, _, _, heir, _ in self.units if heir},
            regions={code: region for code, _, _, _, _, region in self.units},
            reporters={key: tuple(dict.fromkeys(codes)) for key, codes in reporters.items()},
        )

    def load(self, connection: Connection) -> None:
        """Add the rows that are not there yet.

        Raises:
            ConfigurationError: A check's parameter does not fit its column; all of them are named.
        """
        system = {"system_digest": self.edition.digest}
        if _absent(connection, indicator_dim, system):
            insert_rows(
                connection, indicator_dim, [system | indicator_row(one) for one in self.edition.indicators]
            )
        if _absent(connection, check_dim, system):
            insert_rows(connection, check_dim, [system | row for row in check_rows(self.edition)])
            insert_rows(connection, check_part, [system | row for row in part_rows(self.edition)])
        duty = {"duty_digest": self.duty_digest}
        if _absent(connection, unit_dim, duty):
            insert_rows(connection, unit_dim, _named(duty, _UNIT_COLUMNS, self.units))
            pairs = ((unit, code) for unit, codes in self.duties for code in codes)
            insert_rows(connection, duty_dim, _named(duty, _DUTY_COLUMNS, pairs))
            insert_rows(connection, reporter_dim, _named(duty, _REPORTER_COLUMNS, self.reporters))


_UNIT_COLUMNS = ("unit_code", "name_zh", "exists_in_year", "has_duty", "successor_code", "region")
_DUTY_COLUMNS = ("unit_code", "indicator_code")
_REPORTER_COLUMNS = ("reporter_code", "indicator_code", "region", "source_rank")


def _named(
    digests: Mapping[str, str], columns: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    return ({**digests, **dict(zip(columns, row, strict=True))} for row in rows)


def _lines(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    return ("\x1f".join(map(str, row)) + "\n" for row in rows)


def _duty_lines(duties: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    """The lines of each unit, one for each indicator; of thousands of units most have the same ones."""
    ends: dict[tuple[str, ...], list[str]] = {}
    for unit, codes in duties:
        if codes not in ends:
            ends[codes] = [f"\x1f{code}\n" for code in codes]
        yield unit + unit.join(ends[codes])


def dimensions(
    edition: Edition, registry: Registry, year: int, today: date, calendar: WorkingDays | None = None
) -> Dimensions:
    """The dimensions of a year as the registry and the edition have them today."""
    duties = _duties(edition, registry, year, today)
    in_order = {codes: tuple(sorted(codes)) for codes in set(duties.values())}
    return Dimensions(
        edition,
        units=_units(registry, year, today, duties.keys()),
        duties=tuple((unit, in_order[duties[unit]]) for unit in sorted(duties)),
        reporters=_reporters(edition, registry, year),
        calendar=calendar,
    )


def _units(
    registry: Registry, year: int, today: date, with_duty: Set[str]
) -> tuple[tuple[str, str, int, int, str | None, str], ...]:
    day = registry.deciding_day(year, today)
    found = []
    for code, records in _records(registry).items():
        in_year = [record for record in records if _lived_in(record, year)]
        shown = (in_year or records)[-1]
        begun = [record for record in records if record.valid_from <= day]
        region = registry.region_of((begun or records[:1])[-1])
        heir = registry.successor_of(code, day)
        found.append((code, shown.name_zh, int(bool(in_year)), int(code in with_duty), heir, region))
    return tuple(sorted(found, key=lambda row: row[0]))


def _records(registry: Registry) -> dict[str, list[Unit]]:
    records: dict[str, list[Unit]] = {}
    for unit in registry.units:
        records.setdefault(unit.unit_code, []).append(unit)
    return records


def _lived_in(unit: Unit, year: int) -> bool:
    return unit.valid_from <= date(year, 12, 31) and (
        unit.valid_to is None or date(year, 1, 1) <= unit.valid_to
    )


def _duties(edition: Edition, registry: Registry, year: int, today: date) -> dict[str, frozenset[str]]:
    """Which indicators apply to each unit; one that ended in the year also shares its heir's duties.

    Units that have the same ones share one set of them.
    """
    duties: dict[str, frozenset[str]] = {}
    alike: dict[frozenset[str], frozenset[str]] = {}

    def add(unit: str, codes: Iterable[str]) -> None:
        together = frozenset(codes) | duties.get(unit, frozenset())
        duties[unit] = alike.setdefault(together, together)

    for unit in registry.units_of_year(year, today):
        add(unit.unit_code, (one.code for one in registry.applicable(edition, unit, year, today)))
    day = registry.deciding_day(year, today)
    for code, records in _records(registry).items():
        last = [record for record in records if _lived_in(record, year)][-1:]
        if not last or registry.unit_on(code, day) is not None:
            continue
        ended = last[0].valid_to
        if ended is not None and ended < day:
            add(code, (one.code for one in registry.applicable(edition, last[0], year, ended)))
        add(code, duties.get(registry.successor_of(code, day) or "", ()))
    return {unit: codes for unit, codes in duties.items() if codes}


def _reporters(edition: Edition, registry: Registry, year: int) -> tuple[tuple[str, str, str, int], ...]:
    ranks: dict[tuple[str, str, str], int] = {}
    regions = sorted({registry.region_of(unit) for unit in registry.units})
    for indicator in edition.indicators:
        for region in regions:
            for source, authority in registry.reporters(indicator, year, region):
                ranks.setdefault((authority, indicator.code, region), indicator.sources.index(source))
    return tuple(sorted((*key, rank) for key, rank in ranks.items()))


def indicator_row(indicator: Indicator) -> dict[str, Any]:
    """An indicator as a row of ``indicator_dim`` without its digest."""
    offset = indicator.rule_params.get("year_offset")
    return {
        "code": indicator.code,
        "name_zh": indicator.name_zh,
        "value_type": indicator.value_type.value,
        "ratio_kind": indicator.ratio_kind.value if indicator.ratio_kind else None,
        "rule_type": indicator.rule_type.value,
        "zero_denominator": indicator.zero_denominator.value,
        "frequency": indicator.frequency.value,
        "reporting": indicator.reporting.value,
        "aggregation": indicator.aggregation.value,
        "asked_of_unit": int(indicator.asked_of_unit),
        "evidence_required": int(bool(indicator.evidence_zh.strip())),
        "is_adjustment": int(indicator.rule_type.is_adjustment),
        "date_year_offset": None if offset is None else int(offset),
        "effective_from": indicator.effective_from.isoformat(),
        "effective_to": indicator.effective_to.isoformat() if indicator.effective_to else None,
    }


def check_rows(edition: Edition) -> list[dict[str, Any]]:
    """The checks that SQL judges as rows of ``check_dim`` without their digest.

    Raises:
        ConfigurationError: A parameter does not fit; all of them are named.
    """
    checks = [check for check in edition.checks if judged_by(check.rule, check.params) == "values"]
    faults = tuple(fault for check in checks for fault in _misfits(check))
    if faults:
        raise ConfigurationError(f"指标体系 {edition.system_id} 的校验规则参数不能使用", faults)
    return [_check_row(check, edition) for check in checks]


def _misfits(check: Check) -> Iterable[str]:
    yield from _misfit_pairs(check)
    yield from _misfit_texts(check)
    for name, number in check.params.items():
        if check.rule == "MEAN_RANGE" and name in ("low", "high") and number > _LARGEST_MEAN:
            yield f"{check.check_id}：{name} 应不超过 {_LARGEST_MEAN}"
        if (check.rule, name) in _PERCENT and (number > _LARGEST_PERCENT or (number * 100).denominator != 1):
            yield f"{check.check_id}：{name} 应为不超过 {_LARGEST_PERCENT}、最多两位小数的百分数"
        if (check.rule, name) in _WHOLE and number.denominator != 1:
            yield f"{check.check_id}：{name} 应为整数"


def _misfit_pairs(check: Check) -> Iterable[str]:
    """Parameters that only mean something together."""
    given = set(check.params)
    if check.rule in _SUMMING:
        ways = [{"of", "of_part"}, {"parts", "parts_part"}]
        if given - {"indicator", "part"} not in ways:
            yield f"{check.check_id}：应恰好写 of 和 of_part，或者 parts 和 parts_part"
        elif len(check.params.get("parts", ())) > _MOST_PARTS or len(
            set(check.params.get("parts", ()))
        ) != len(check.params.get("parts", ())):
            yield f"{check.check_id}：parts 不能重复，最多 {_MOST_PARTS} 项"
    together = {
        "DATE_ORDER": {"indicator", "of"},
        "CONFLICT": {"indicator", "part", "of", "of_part"},
        "DEFINITION": {"indicator", "since"},
    }.get(check.rule)
    if together is not None and given and given != together:
        yield f"{check.check_id}：{'、'.join(sorted(together))} 应一起写，或者都不写"


def _misfit_texts(check: Check) -> Iterable[str]:
    for (rule, name), words in _WORDS.items():
        if check.rule == rule and check.params[name] not in words:
            yield f"{check.check_id}：{name} 应为 {' 或 '.join(words)}"
    if check.rule == "DEFINITION" and "since" in check.params and not _is_day(check.params["since"]):
        yield f"{check.check_id}：since 应写成 2024-01-01 的样子"


def _is_day(text_: str) -> bool:
    try:
        return date.fromisoformat(text_).isoformat() == text_
    except ValueError:
        return False


def _parts_of(check: Check, edition: Edition) -> tuple[tuple[str, str], ...]:
    """The figures that a check adds up: indicator and part; of a count or an amount always its value."""
    params = check.params
    if check.rule not in _SUMMING:
        return ()
    if "of" in params:
        return ((params["of"], params["of_part"]),)
    return tuple(
        (code, params["parts_part"] if edition.by_code[code].value_type is ValueType.RATIO else "value")
        for code in params["parts"]
    )


def part_rows(edition: Edition) -> list[dict[str, Any]]:
    """The figures that checks add up as rows of ``check_part`` without their digest."""
    return [
        {"check_id": check.check_id, "part_no": number, "indicator_code": code, "part": part}
        for check in edition.checks
        for number, (code, part) in enumerate(_parts_of(check, edition), start=1)
    ]


def _check_row(check: Check, edition: Edition) -> dict[str, Any]:
    first, second = _NUMBERS.get(check.rule, (None, None))
    return {
        "check_id": check.check_id,
        "rule": check.rule,
        "severity": check.severity.value,
        "from_year": check.from_year if check.from_year is not None else _FIRST_YEAR,
        "to_year": check.to_year if check.to_year is not None else _LAST_YEAR,
        "indicator_code": check.params.get("indicator"),
        "part": check.params.get("part"),
        "other_code": check.params.get("of"),
        "other_part": check.params.get("of_part"),
        "number_a": _scaled(check.params.get(first)) if first else None,
        "number_b": _scaled(check.params.get(second)) if second else None,
        "text_a": check.params.get(_TEXTS.get(check.rule, "")),
        "parts": len(_parts_of(check, edition)) or None,
    }


def _scaled(number: Fraction | None) -> int | None:
    return None if number is None else (number * SCALE).numerator


def _absent(connection: Connection, table: Table, digests: Mapping[str, str]) -> bool:
    conditions = [table.c[name] == value for name, value in digests.items()]
    return not connection.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one()
