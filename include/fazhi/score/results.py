"""Results in the store. In: assessments. Out: versioned rows, and the platform's ``Result`` documents.

A version is added only when anything but the version and the time of computing differs from the unit's
newest one (contracts/assessment-platform.openapi.yaml). ``current_result`` points at what each unit has now.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, delete, func, insert, select

from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import UsageError
from fazhi.model.exact import plain, two_places
from fazhi.model.terms import LineStatus, Stage
from fazhi.registry.records import Adjustment
from fazhi.score.assess import Assessment, Line
from fazhi.score.ranking import Standing
from fazhi.store.accepted import Reported
from fazhi.store.tables import (
    current_result,
    result,
    result_adjustment,
    result_input,
    result_line,
    version_floor,
)
from fazhi.systems.edition import code_key

_UNITS_AT_ONCE = 250
_KEPT_AT_ONCE = 32
"""A result is some hundreds of rows."""
Key = tuple[str, int]
"""A unit and a version."""
_Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class NewResult:
    """A unit's result before it has a version."""

    unit_code: str
    unit_name: str
    stage: Stage
    system_id: str
    system_digest: str
    share: str
    total_points: Fraction
    assessment: Assessment
    inputs: tuple[Reported, ...]
    """The values used, in the order of indicators and periods."""
    standing: Standing | None


@dataclass(frozen=True)
class Newest:
    """The newest version that the store knows of a unit's result; 0 where it knows none.

    ``floor`` is the version that the platform was found to hold after a backup was restored: a version at or below
    it says nothing to the platform, and the next one is above it.
    """

    version: int
    stage: str
    content_digest: str
    floor: int = 0

    def says(self, digest: str) -> bool:
        """Whether the platform can have this content under this version."""
        return self.content_digest == digest and self.version > self.floor

    @property
    def next_version(self) -> int:
        """The number of the next version."""
        return max(self.version, self.floor) + 1


def newest_results(connection: Connection, year: int) -> dict[str, Newest]:
    """The newest version of every unit's result of a year."""
    top = (
        select(result.c.unit_code, func.max(result.c.version).label("version"))
        .where(result.c.year == year)
        .group_by(result.c.unit_code)
        .subquery()
    )
    same = and_(result.c.unit_code == top.c.unit_code, result.c.version == top.c.version)
    statement = (
        select(result.c.unit_code, result.c.version, result.c.stage, result.c.content_digest)
        .join(top, same)
        .where(result.c.year == year)
    )
    floors: dict[str, int] = dict(
        connection.execute(
            select(version_floor.c.unit_code, func.max(version_floor.c.floor))
            .where(version_floor.c.year == year)
            .group_by(version_floor.c.unit_code)
        ).all()
    )
    known = {code: Newest(0, "", "", floor) for code, floor in floors.items()}
    return known | {
        row.unit_code: Newest(row.version, row.stage, row.content_digest, floors.get(row.unit_code, 0))
        for row in connection.execute(statement)
    }


@dataclass(frozen=True)
class Kept:
    """What keeping results came to."""

    results: int
    """How many there were."""
    new_versions: int


def keep_results(
    connection: Connection,
    year: int,
    region: str,
    results: Iterable[NewResult],
    newest: Mapping[str, Newest],
    settled: Collection[str],
    now: datetime,
) -> Kept:
    """Add the results that say something new, and point at what each unit of the region has now.

    Args:
        connection: A write transaction.
        year: The assessment year.
        region: The region that was scored; its units without a result lose their pointer.
        results: What was computed, or is computed while it is taken: a few are held at a time.
        newest: What the store knew before.
        settled: Units whose result was left alone.
        now: The time of computing of new versions.
    """
    versions: dict[str, int] = {}
    new_versions = 0
    remaining = iter(results)
    while some := tuple(islice(remaining, _KEPT_AT_ONCE)):
        rows: dict[Table, _Rows] = defaultdict(list)
        for new in some:
            known = newest.get(new.unit_code)
            content = _content(new)
            digest = _digest(content)
            if known and known.says(digest):
                versions[new.unit_code] = known.version
                continue
            versions[new.unit_code] = known.next_version if known else 1
            new_versions += 1
            _collect_rows(rows, content, digest, year, region, versions[new.unit_code], now)
        for table in (result, result_line, result_adjustment, result_input):
            if rows[table]:
                connection.execute(insert(table), rows[table])
    _point(connection, year, region, versions, settled)
    return Kept(len(versions), new_versions)


@dataclass(frozen=True)
class Described:
    """A result that is not kept yet, as the rows that keeping it would add, and their digest."""

    content_digest: str
    head: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]
    adjustments: Sequence[Mapping[str, Any]]
    inputs: Sequence[Mapping[str, Any]]


def described(new: NewResult) -> Described:
    """A result as it would be kept."""
    content = _content(new)
    return Described(_digest(content), content.head, content.lines, content.adjustments, content.inputs)


def _point(
    connection: Connection, year: int, region: str, versions: Mapping[str, int], settled: Collection[str]
) -> None:
    known = {
        row.unit_code: (row.region, row.version)
        for row in connection.execute(select(current_result).where(current_result.c.year == year))
    }
    gone = [
        code
        for code, (of_region, _) in known.items()
        if of_region == region and code not in versions and code not in settled
    ]
    changed = {code: version for code, version in versions.items() if known.get(code) != (region, version)}
    outdated = [code for code in (*gone, *changed) if code in known]
    for start in range(0, len(outdated), _UNITS_AT_ONCE):
        some = outdated[start : start + _UNITS_AT_ONCE]
        connection.execute(
            delete(current_result).where(current_result.c.year == year, current_result.c.unit_code.in_(some))
        )
    if changed:
        pointers = [
            {"year": year, "unit_code": c, "region": region, "version": v} for c, v in changed.items()
        ]
        connection.execute(insert(current_result), pointers)


@dataclass(frozen=True)
class _Content:
    """A result as rows, without year, version and time."""

    head: dict[str, Any]
    lines: _Rows
    adjustments: _Rows
    inputs: _Rows


def _content(new: NewResult) -> _Content:
    assessment, standing = new.assessment, new.standing
    inputs = [_input_row(number, reported) for number, reported in enumerate(new.inputs, 1)]
    return _Content(
        head={
            "unit_code": new.unit_code,
            "unit_name": new.unit_name,
            "stage": new.stage.value,
            "system_id": new.system_id,
            "system_digest": new.system_digest,
            "input_digest": _canonical_digest([list(row.values()) for row in inputs]),
            "base": two_places(assessment.base),
            "bonus": two_places(assessment.bonus),
            "deduction": two_places(assessment.deduction),
            "score": two_places(assessment.score),
            "grade": standing.grade_zh if standing else None,
            "grade_reason": standing.reason_zh if standing else None,
            "rank": standing.rank if standing else None,
            "component": two_places(assessment.component),
            "share": new.share,
            "total_points": _points_text(new.total_points),
        },
        lines=[_line_row(line) for line in assessment.lines],
        adjustments=[_event_row(number, e) for number, e in enumerate(assessment.adjusted.counted, 1)],
        inputs=inputs,
    )


def _points_text(points: Fraction) -> str:
    hundredths = points * 100
    return two_places(hundredths.numerator) if hundredths.denominator == 1 else plain(points)


def _line_row(line: Line) -> dict[str, Any]:
    return {
        "indicator_code": line.indicator_code,
        "indicator_group": line.group.value,
        "full_mark": two_places(line.full_mark),
        "weight": None if line.weight is None else two_places(line.weight),
        "rate_numerator": None if line.rate is None else str(line.rate.numerator),
        "rate_denominator": None if line.rate is None else str(line.rate.denominator),
        "points": None if line.points is None else two_places(line.points),
        "status": line.status.value,
    }


def _event_row(number: int, event: Adjustment) -> dict[str, Any]:
    return {
        "event_no": number,
        "code": event.code,
        "level": event.level,
        "count": event.count,
        "indicator_code": event.indicator_code,
        "title_zh": event.title_zh,
        "document": event.document,
        "drafted_by": event.drafted_by,
        "approved_by": event.approved_by,
        "approved_on": event.approved_on.isoformat() if event.approved_on else "",
    }


def _input_row(number: int, reported: Reported) -> dict[str, Any]:
    value = reported.day if reported.amount is None else reported.amount
    if reported.boolean is not None and value is None:
        value = str(int(reported.boolean))
    is_ratio = reported.numerator is not None and reported.denominator is not None
    return {
        "input_no": number,
        "indicator_code": reported.indicator_code,
        "period": str(reported.period),
        "numerator": reported.numerator if is_ratio else None,
        "denominator": reported.denominator if is_ratio else None,
        "value": None if is_ratio else value,
        "kind": reported.kind,
        "submission_id": reported.submission_id,
        "file_sha256": reported.file_sha256,
        "sheet": reported.sheet,
        "cell": reported.cell,
        "cell_denominator": reported.cell_denominator if is_ratio else None,
    }


def _digest(content: _Content) -> str:
    """Of everything but version and time; the inputs are in it by their own digest."""
    lines = [list(row.values()) for row in content.lines]
    adjustments = [list(row.values()) for row in content.adjustments]
    return _canonical_digest([content.head, lines, adjustments])


def _canonical_digest(data: Any) -> str:
    """SHA-256 over the RFC 8785 form; of text, integers and null ``json`` makes the same bytes, faster."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return sha256_hex(text.encode())


def _collect_rows(
    rows: dict[Table, _Rows],
    content: _Content,
    digest: str,
    year: int,
    region: str,
    version: int,
    now: datetime,
) -> None:
    key = {"year": year, "unit_code": content.head["unit_code"], "version": version}
    head = {"region": region, "content_digest": digest, "computed_at": now.isoformat(timespec="seconds")}
    rows[result].append(content.head | key | head)
    rows[result_line].extend(row | key for row in content.lines)
    rows[result_adjustment].extend(row | key for row in content.adjustments)
    rows[result_input].extend(row | key for row in content.inputs)


def current_keys(connection: Connection, year: int) -> list[Key]:
    """The units that have a result now, with its version, in code order."""
    statement = select(current_result.c.unit_code, current_result.c.version).where(
        current_result.c.year == year
    )
    return sorted((row.unit_code, row.version) for row in connection.execute(statement))


def rows_of(connection: Connection, table: Table, year: int, keys: Sequence[Key]) -> list[Row[Any]]:
    """The rows of some results in one of the result tables, in no order."""
    codes = [code for code, _ in keys]
    wanted = set(keys)
    versions = {version for _, version in keys}
    statement = select(table).where(
        table.c.year == year, table.c.unit_code.in_(codes), table.c.version.in_(versions)
    )
    return [row for row in connection.execute(statement) if (row.unit_code, row.version) in wanted]


def in_parts(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    """The keys in parts that one query takes."""
    for start in range(0, len(keys), _UNITS_AT_ONCE):
        yield keys[start : start + _UNITS_AT_ONCE]


def result_body(connection: Connection, year: int, unit_code: str, version: int) -> dict[str, Any]:
    """A stored result as the platform's ``Result``.

    Raises:
        UsageError: There is no such result.
    """
    for _key, body in result_bodies(connection, year, [(unit_code, version)]):
        return body
    raise UsageError(f"没有 {unit_code} 在{year}年的第 {version} 版得分")


def result_bodies(
    connection: Connection, year: int, keys: Iterable[Key]
) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Stored results as the platform's ``Result`` documents, in the order of unit codes and versions."""
    for part in in_parts(sorted(keys)):
        lines: defaultdict[Key, list[Row[Any]]] = defaultdict(list)
        for line in rows_of(connection, result_line, year, part):
            lines[line.unit_code, line.version].append(line)
        heads = {(head.unit_code, head.version): head for head in rows_of(connection, result, year, part)}
        for key in part:
            if key in heads:
                yield (
                    key,
                    _body(heads[key], sorted(lines[key], key=lambda line: code_key(line.indicator_code))),
                )


def _body(head: Row[Any], lines: Sequence[Row[Any]]) -> dict[str, Any]:
    body = {
        "year": head.year,
        "unit_code": head.unit_code,
        "unit_name": head.unit_name,
        "stage": head.stage,
        "version": head.version,
        "indicator_system": head.system_id,
        "indicator_system_digest": head.system_digest,
        "score": head.score,
        "rank": head.rank,
        "component": {"share": head.share, "total_points": head.total_points, "points": head.component},
        "lines": [*(_body_line(line) for line in lines), *_adjustment_lines(head)],
        "input_digest": head.input_digest,
        "computed_at": head.computed_at,
    }
    return body if head.grade is None else body | {"grade": head.grade}


def _body_line(line: Row[Any]) -> dict[str, str]:
    return {
        "indicator_code": line.indicator_code,
        "full_mark": line.full_mark,
        "points": line.points or two_places(0),
        "status": line.status,
    }


def _adjustment_lines(head: Row[Any]) -> Iterator[dict[str, str]]:
    """Bonus, deduction and clamp, each only when it is not 0.00: the lines add up to the score."""
    base, bonus, deduction, score = map(hundredths, (head.base, head.bonus, head.deduction, head.score))
    for status, points in (
        (LineStatus.BONUS, bonus),
        (LineStatus.DEDUCTION, -deduction),
        (LineStatus.CLAMP, score - (base + bonus - deduction)),
    ):
        if points:
            yield {
                "indicator_code": status.value.upper(),
                "full_mark": two_places(0),
                "points": two_places(points),
                "status": status.value,
            }


def hundredths(text: str) -> int:
    """Points as written with two places, in hundredths."""
    return int(text.replace(".", ""))
