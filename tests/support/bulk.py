"""A year of values in bulk, for measuring. In: an empty store, how many rows. Out: two years of read submissions.

All units and figures are synthetic (合成数据). Rows are written as intake writes them, with the names and digests of
files that are not there: each submission has its own evidence, every third indicator a narrative of its own that names
a document. In the year judged about one row in a hundred is at fault, and one narrative in a thousand is another
unit's.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from sqlalchemy import Engine, select

from fazhi.model.canonical import sha256_hex
from fazhi.model.exact import plain
from fazhi.model.period import Period
from fazhi.model.terms import Frequency, Group, Tag, ValueType
from fazhi.registry import Registry
from fazhi.store import write
from fazhi.store.bulk import insert_rows
from fazhi.store.tables import current_parse, parse, raw_file, submission, submission_file, value
from fazhi.systems.edition import Edition, Indicator
from support.validate import code_of, small_registry, unit

YEAR = 2025
TODAY = date(2026, 3, 1)
_MONTHS = 12
_MONTHLY = (Frequency.DAILY, Frequency.MONTHLY)
_TYPES = (ValueType.RATIO, ValueType.COUNT, ValueType.AMOUNT)


@dataclass(frozen=True)
class Bulk:
    """What was written."""

    registry: Registry
    units: tuple[str, ...]
    rows: int
    """Rows of the year judged."""


def fill(engine: Engine, edition: Edition, rows: int, seed: int = 1) -> Bulk:
    """Write about ``rows`` rows of the year, and as many of the year before."""
    indicators, names = _indicators(edition), _names(edition, rows)
    dice = random.Random(seed)
    written = 0
    for year in (YEAR - 1, YEAR):
        written = 0
        for month in range(1, _MONTHS + 1):
            written += submit(engine, edition, names, Period.parse(f"{year}-{month:02d}"), indicators, dice)
    return Bulk(registry_of(edition, rows), names, written)


def registry_of(edition: Edition, rows: int) -> Registry:
    """The registry of a store that was filled with so many rows."""
    return small_registry(edition, *(unit(name, Tag.LEAD, Tag.ENF) for name in _names(edition, rows)))


def _names(edition: Edition, rows: int) -> tuple[str, ...]:
    units = max(1, rows // (_MONTHS * len(_indicators(edition))))
    return tuple(f"单位{number:06d}" for number in range(units))


def _indicators(edition: Edition) -> list[Indicator]:
    """Monthly figures that no check ties to others: the rows are made independently."""
    tied = {
        code
        for check in edition.checks
        for name in ("indicator", "of", "parts")
        for code in _codes(check.params.get(name))
        if check.rule != "DEFINITION"
    }
    return [
        one
        for one in edition.indicators
        if one.frequency in _MONTHLY
        and one.value_type in _TYPES
        and one.code not in tied
        and not one.rule_type.is_adjustment
        and one.group is not Group.LEAD
        and one.sources[:1] not in ((), ("SYS",))
        and {Tag.LEAD, Tag.ENF} & one.categories
    ]


def _codes(param: Any) -> tuple[str, ...]:
    return (param,) if isinstance(param, str) else tuple(param or ())


def resubmit(engine: Engine, edition: Edition, units: Sequence[str], seed: int = 2) -> int:
    """New revisions of some units' December; the rows written."""
    indicators = _indicators(edition)
    return submit(
        engine, edition, units, Period.parse(f"{YEAR}-12"), indicators, random.Random(seed), revision=2
    )


def submit(
    engine: Engine,
    edition: Edition,
    names: Sequence[str],
    period: Period,
    indicators: Sequence[Indicator],
    dice: random.Random,
    revision: int = 1,
) -> int:
    """One submission of each unit for a period; the rows written."""
    with write(engine) as connection:
        first = (
            connection.execute(select(parse.c.parse_id).order_by(parse.c.parse_id.desc()).limit(1)).scalar()
            or 0
        ) + 1
        parses = [_parse(edition, name, period, first + at, revision) for at, name in enumerate(names)]
        for table, rows in (
            (submission, [_submission(one) for one in parses]),
            (raw_file, [{**_evidence(one), "first_seen_at": one["parsed_at"]} for one in parses]),
            (submission_file, [_submission_file(one) for one in parses]),
            (parse, parses),
        ):
            insert_rows(connection, table, iter(rows))
        keys = ("kind", "sender_code", "year", "period", "parse_id")
        for one in parses if revision > 1 else ():
            connection.execute(
                current_parse.delete().where(
                    current_parse.c.kind == "unit",
                    current_parse.c.sender_code == one["sender_code"],
                    current_parse.c.period == one["period"],
                )
            )
        insert_rows(connection, current_parse, ({key: one[key] for key in keys} for one in parses))
        insert_rows(
            connection,
            value,
            (
                row
                for one, other in pairwise([*parses, parses[0]])
                for row in _values(one, other["sender_code"], period, indicators, dice)
            ),
        )
    return len(parses) * len(indicators)


def _parse(edition: Edition, name: str, period: Period, parse_id: int, revision: int) -> dict[str, Any]:
    return {
        "parse_id": parse_id,
        "submission_id": f"{name}-{period}",
        "revision": revision,
        "kind": "unit",
        "sender_code": code_of(name),
        "year": period.year,
        "period": str(period),
        "reader_digest": "1" * 64,
        "system_id": edition.system_id,
        "system_digest": edition.digest,
        "file_sha256": f"{parse_id:064d}",
        "readable": 1,
        "parsed_at": "2026-01-01T00:00:00+08:00",
    }


def _submission(one: dict[str, Any]) -> dict[str, Any]:
    at = f"{Period.parse(one['period']).last_day.isoformat()}T{8 + one['revision']:02d}:00:00+08:00"
    kept = {key: one[key] for key in ("submission_id", "revision", "kind", "sender_code", "year", "period")}
    return {
        **kept,
        "source": "合成数据",
        "submitted_at": at,
        "submitted_by": "",
        "received_at": at,
        "content_digest": f"{one['parse_id']:064d}",
    }


def _evidence(one: dict[str, Any]) -> dict[str, Any]:
    digest = sha256_hex(f"{one['submission_id']} {one['revision']}".encode())
    return {"sha256": digest, "size": 1}


def _submission_file(one: dict[str, Any]) -> dict[str, Any]:
    kept = {key: one[key] for key in ("submission_id", "revision")}
    return {**kept, "name": "佐证（合成数据）.pdf", "role": "evidence", **_evidence(one)}


def _values(
    one: dict[str, Any], other: str, period: Period, indicators: Sequence[Indicator], dice: random.Random
) -> Iterator[dict[str, Any]]:
    for number, indicator in enumerate(indicators, start=1):
        figures = _figures(indicator, dice, period.year == YEAR)
        copied = period.year == YEAR and dice.random() < 0.001
        note = "" if number % 3 else _note(other if copied else one["sender_code"], indicator, period)
        cells = {f"cell_{place}": f"{column}{number + 2}" for place, column in _CELLS}
        yield {
            "parse_id": one["parse_id"],
            "row_no": number,
            "year": period.year,
            "period": str(period),
            "period_rank": period.rank,
            "period_first": period.first_day.isoformat(),
            "period_last": period.last_day.isoformat(),
            "kind": "unit",
            "reporter_code": one["sender_code"],
            "unit_code": one["sender_code"],
            "indicator_code": indicator.code,
            "not_applicable": 0,
            "evidence_named": 1,
            "note": note,
            "sheet": "填报表",
            **cells,
            **figures,
            "value_digest": sha256_hex(f"{indicator.code}{sorted(figures.items())}".encode()),
        }


def _note(sender_code: str, indicator: Indicator, period: Period) -> str:
    """Sixty-four letters and a document's number that nobody else has."""
    digest = sha256_hex(f"{sender_code} {indicator.code} {period}".encode())
    letters = "".join(_LETTERS[int(digit, 16)] for digit in digest)
    return f"合成数据：{letters}，依据合成发〔{period.year}〕{int(digest[:12], 16)}号。"


_LETTERS = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳"
_CELLS = (("row", "A"), ("numerator", "E"), ("denominator", "G"), ("value", "H"), ("evidence", "N"))


def _figures(indicator: Indicator, dice: random.Random, may_fail: bool) -> dict[str, Any]:
    wrong = may_fail and dice.random() < 0.01
    whole = dice.randint(40, 60)
    empty: dict[str, Any] = dict.fromkeys(
        ("numerator", "denominator", "amount", "numerator_q", "denominator_q", "amount_q")
    ) | dict.fromkeys(("numerator_raw", "denominator_raw", "value_raw"))
    if indicator.value_type is ValueType.RATIO:
        part = whole + 1 if wrong else dice.randint(whole // 2, whole)
        return empty | {
            "numerator": str(part),
            "denominator": str(whole),
            "numerator_raw": str(part),
            "denominator_raw": str(whole),
            "numerator_q": part * 1_000_000,
            "denominator_q": whole * 1_000_000,
        }
    amount = -whole if wrong else whole
    return empty | {"amount": plain(amount), "value_raw": str(amount), "amount_q": amount * 1_000_000}
