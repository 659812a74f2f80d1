"""Validating one year and region. In: committed values of current parses. Out: a validation, its findings.

The way: commit which parses are judged and under which dimensions (GX connects on its own and sees only what
is committed); let GX count; list all findings in one statement and word them; compare the counts; point at
the new validation. The last three are one transaction. A slice with nothing new keeps its validation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, func, insert, or_, select, text, update

from fazhi.model.canonical import digest, sha256_hex
from fazhi.model.errors import SystemFault
from fazhi.model.period import Period
from fazhi.model.terms import Severity
from fazhi.registry import Registry
from fazhi.registry.calendar import WorkingDays
from fazhi.store.decisions import approved
from fazhi.store.engine import write
from fazhi.store.extensions import extensions
from fazhi.store.tables import (
    current_parse,
    current_validation,
    finding,
    parse,
    slice_parse,
    submission,
    validation,
    value,
    year_lock,
)
from fazhi.systems.edition import Edition
from fazhi.validate.deadlines import last_second
from fazhi.validate.dimensions import Dimensions, dimensions
from fazhi.validate.gate import committed_suite, counts_by_gx
from fazhi.validate.rules import YEARS_BACK
from fazhi.validate.sql import listing_statement
from fazhi.validate.tokens import TOKENS_VERSION, load_tokens, seconds
from fazhi.validate.words import word_findings

WORDING_VERSION = 1
"""Raised whenever the same findings would be worded differently by ``fazhi.validate.words``."""

Progress = Callable[[str], None]
_ATTEMPTS = 3
_Parse = Mapping[str, Any]


@dataclass(frozen=True)
class ValidationOutcome:
    """What a validation brought: its id, whether it was new, and the findings in force by severity."""

    validation_id: int
    new: bool
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Slice:
    """What is judged, under what, and by what it is addressed."""

    year: int
    region: str
    dimensions: Dimensions
    parses: tuple[_Parse, ...]
    locks: tuple[tuple[str, str | None], ...]
    """From when until when the year was locked; ``None`` = still."""
    extensions: Mapping[tuple[str, str], str]
    """The later last days that were granted, by unit and period."""
    input_digest: str

    @property
    def key(self) -> dict[str, Any]:
        return {"year": self.year, "region": self.region}

    def locked_at(self, one: _Parse) -> str | None:
        """When the year had been locked, if it was when a parse's submission was received."""
        received = one["received_at"]
        return next(
            (since for since, until in self.locks if received and _within(received, since, until)), None
        )

    def due_second(self, one: _Parse) -> int | None:
        """The last second on time of a parse's submission, a granted extension included."""
        due = self.dimensions.due_second(one["period"])
        granted = self.extensions.get((one["sender_code"], one["period"]))
        return due if due is None or granted is None else max(due, last_second(date.fromisoformat(granted)))

    @property
    def edition(self) -> Edition:
        return self.dimensions.edition


def _within(moment: str, since: str, until: str | None) -> bool:
    at = seconds(moment)
    return seconds(since) <= at and (until is None or at < seconds(until))


def validate_slice(
    engine: Engine,
    edition: Edition,
    registry: Registry,
    year: int,
    region: str,
    today: date,
    gx_dir: Path | None,
    progress: Progress | None = None,
    *,
    now: datetime | None = None,
    calendar: WorkingDays | None = None,
) -> ValidationOutcome:
    """Judge the current values of a year and region.

    Args:
        engine: The store.
        edition: The indicator system of the year.
        registry: Units, duties, authorities.
        year: The assessment year.
        region: Division code of the city.
        today: The current day in Asia/Shanghai.
        gx_dir: The GX project with the edition's suite; ``None`` lists without GX's judgement, which is for a
            self-check on a store of its own: no validation listed so is ever taken for one that GX judged.
        progress: Told in Chinese what is being done.
        now: When the validation is recorded; the beginning of ``today`` by default.
        calendar: The working days, for deadlines that count them; the project's own by default.

    Raises:
        SystemFault: A rule crashed, GX and the listing disagree, or the data kept changing meanwhile.
        ConfigurationError: The suite is missing or stale, or a parameter of a check does not fit.
        UsageError: The year has not begun.
    """
    say = progress or (lambda _message: None)
    dims = dimensions(edition, registry, year, today, calendar)
    gated = gx_dir is not None
    validated_at = (now or datetime(today.year, today.month, today.day)).isoformat(timespec="seconds")
    for _ in range(_ATTEMPTS):
        with write(engine) as connection:
            ready = _prepare(connection, dims, registry, year, region, today, gated)
            known = _known(connection, ready)
            if known is not None:
                _point(connection, ready, known)
                return ValidationOutcome(known, False, _counts(connection, ready, known))
        say(f"{year}年 {region}：核对 {len(ready.parses)} 份报送")
        counted = (
            None if gx_dir is None else counts_by_gx(engine, committed_suite(gx_dir, edition), year, region)
        )
        with write(engine) as connection:
            if (
                _read_slice(connection, dims, registry, year, region, today, gated).input_digest
                == ready.input_digest
            ):
                validation_id = _list(connection, ready, validated_at, counted)
                return ValidationOutcome(validation_id, True, _counts(connection, ready, validation_id))
        say("校验期间有新的报送，重新核对")
    raise SystemFault(f"{year}年 {region}：校验期间数据一直在变化，本次没有结果，请稍后重试")


# --- what is judged ------------------------------------------------------------------------------------------------


def _prepare(
    connection: Connection,
    dims: Dimensions,
    registry: Registry,
    year: int,
    region: str,
    today: date,
    gated: bool,
) -> _Slice:
    """Load the dimensions and write down which parses are judged."""
    ready = _read_slice(connection, dims, registry, year, region, today, gated)
    dims.load(connection)
    load_tokens(connection, year - YEARS_BACK, year)
    rows = _slice_rows(connection, ready)
    stored = select(*(slice_parse.c[name] for name in ("parse_id", *_SLICE_COLUMNS))).where(
        slice_parse.c.year == year, slice_parse.c.region == region
    )
    if {tuple(row) for row in connection.execute(stored)} != {tuple(row.values()) for row in rows}:
        # killed from here to the listing, the slice counts as not validated and is not scored
        connection.execute(
            delete(current_validation).where(
                current_validation.c.year == year, current_validation.c.region == region
            )
        )
        connection.execute(
            delete(slice_parse).where(slice_parse.c.year == year, slice_parse.c.region == region)
        )
        if rows:
            ids = [row["parse_id"] for row in rows]
            for start in range(0, len(ids), 500):
                connection.execute(
                    delete(slice_parse).where(slice_parse.c.parse_id.in_(ids[start : start + 500]))
                )
            connection.execute(insert(slice_parse), rows)
    return ready


_SLICE_COLUMNS = (
    "year",
    "region",
    "system_id",
    "system_digest",
    "duty_digest",
    "before_parse_id",
    "year_ago_parse_id",
    "first_value_id",
    "due_second",
    "locked_at",
)


def _slice_rows(connection: Connection, ready: _Slice) -> list[dict[str, Any]]:
    by_key = {
        (row.kind, row.sender_code, row.period): row.parse_id
        for row in connection.execute(
            select(current_parse).where(current_parse.c.year.in_((ready.year, ready.year - 1)))
        )
    }
    firsts = _first_values(connection, ready.year)
    rows = []
    for one in ready.parses:
        sender = (one["kind"], one["sender_code"])
        before, year_ago = _earlier(Period.parse(one["period"]))
        rows.append(
            {
                "parse_id": one["parse_id"],
                "year": ready.year,
                "region": ready.region,
                "system_id": ready.edition.system_id,
                "system_digest": ready.edition.digest,
                "duty_digest": ready.dimensions.duty_digest,
                "before_parse_id": by_key.get((*sender, str(before))) if before else None,
                "year_ago_parse_id": by_key.get((*sender, str(year_ago))),
                "first_value_id": firsts.get(one["parse_id"]),
                "due_second": ready.due_second(one),
                "locked_at": ready.locked_at(one),
            }
        )
    return rows


def _first_values(connection: Connection, year: int) -> dict[int, int]:
    statement = (
        select(value.c.parse_id, func.min(value.c.value_id))
        .join(current_parse, current_parse.c.parse_id == value.c.parse_id)
        .where(current_parse.c.year == year)
        .group_by(value.c.parse_id)
    )
    return {int(row[0]): int(row[1]) for row in connection.execute(statement)}


def _earlier(period: Period) -> tuple[Period | None, Period]:
    """The period of the same length just before in the year, and the same one of the year before."""
    first = period.first_month - period.months
    before = Period(period.year, first, period.months) if first >= 1 else None
    return before, Period(period.year - 1, period.first_month, period.months)


def _read_slice(
    connection: Connection,
    dims: Dimensions,
    registry: Registry,
    year: int,
    region: str,
    today: date,
    gated: bool,
) -> _Slice:
    regions = _regions_of_senders(registry, year, today)
    fallback = next(iter(registry.regions(year, today)), region)
    statement = (
        select(
            current_parse,
            parse.c.submission_id,
            parse.c.revision,
            parse.c.reader_digest,
            submission.c.received_at,
        )
        .join(parse, parse.c.parse_id == current_parse.c.parse_id)
        .outerjoin(
            submission,
            and_(
                submission.c.submission_id == parse.c.submission_id,
                submission.c.revision == parse.c.revision,
            ),
        )
        .where(current_parse.c.year.between(year - YEARS_BACK, year))
        .order_by(
            current_parse.c.year, current_parse.c.kind, current_parse.c.sender_code, current_parse.c.period
        )
    )
    rows = [dict(row) for row in connection.execute(statement).mappings()]
    here = [regions.get(row["sender_code"], fallback) == region for row in rows]
    mine = [row for row, is_here in zip(rows, here, strict=True) if is_here]
    compared = [row for row, is_here in zip(rows, here, strict=True) if is_here or row["kind"] == "office"]
    locks = _locks(connection, year, region)
    granted = extensions(connection, year)
    return _Slice(
        year,
        region,
        dims,
        tuple(row for row in mine if row["year"] == year),
        locks,
        granted,
        _input_digest(connection, dims, year, region, compared, locks, granted, gated),
    )


def _locks(connection: Connection, year: int, region: str) -> tuple[tuple[str, str | None], ...]:
    statement = (
        select(year_lock.c.locked_at, year_lock.c.lifted_at)
        .where(year_lock.c.year == year, year_lock.c.region == region)
        .order_by(year_lock.c.locked_at)
    )
    return tuple((row.locked_at, row.lifted_at) for row in connection.execute(statement))


def _submitted(connection: Connection, year: int) -> list[list[Any]]:
    """Every submission compared, superseded ones too: versions are compared with one another."""
    columns = [submission.c[name] for name in ("submission_id", "revision", "submitted_at", "submitted_by")]
    statement = select(*columns, submission.c.content_digest).where(
        submission.c.year.between(year - YEARS_BACK, year)
    )
    return sorted(list(row) for row in connection.execute(statement))


def _regions_of_senders(registry: Registry, year: int, today: date) -> dict[str, str]:
    """The region of every unit that ever was, by its latest record begun by the deciding day."""
    day = registry.deciding_day(year, today)
    regions: dict[str, str] = {}
    for unit in registry.units:
        if unit.valid_from <= day or unit.unit_code not in regions:
            regions[unit.unit_code] = registry.region_of(unit)
    return regions


def _input_digest(
    connection: Connection,
    dims: Dimensions,
    year: int,
    region: str,
    compared: list[Any],
    locks: tuple[tuple[str, str | None], ...],
    granted: Mapping[tuple[str, str], str],
    gated: bool,
) -> str:
    """Everything that the findings depend on."""
    parses = [
        [
            row["kind"],
            row["sender_code"],
            row["period"],
            row["submission_id"],
            row["revision"],
            row["reader_digest"],
        ]
        for row in compared
    ]
    excused = sorted(
        [key.unit_code, key.indicator_code, key.period]
        for key in approved(connection, year, "not_applicable")
    )
    return digest(
        {
            "year": year,
            "region": region,
            "system_digest": dims.edition.digest,
            "duty_digest": dims.duty_digest,
            "rules": sha256_hex(listing_statement().encode()),
            "wording": WORDING_VERSION,
            "tokens": TOKENS_VERSION,
            "parses": parses,
            "submissions": _submitted(connection, year),
            "locks": [list(lock) for lock in locks],
            "deadlines": sorted({str(dims.due_second(row["period"])) for row in compared}),
            "extensions": sorted([*about, until] for about, until in granted.items()),
            "not_applicable": excused,
            **({} if gated else {"judged_by_gx": False}),
        }
    )


# --- one validation ------------------------------------------------------------------------------------------------


def _known(connection: Connection, ready: _Slice) -> int | None:
    statement = select(validation.c.validation_id).where(
        validation.c.year == ready.year,
        validation.c.region == ready.region,
        validation.c.input_digest == ready.input_digest,
    )
    return connection.execute(statement).scalar_one_or_none()


def _list(connection: Connection, ready: _Slice, validated_at: str, counted: Mapping[str, int] | None) -> int:
    """Insert the validation and its worded findings and point at it, unless the counts disagree."""
    known = _known(connection, ready)
    if known is not None:
        _point(connection, ready, known)
        return known
    row = {
        **ready.key,
        "input_digest": ready.input_digest,
        "duty_digest": ready.dimensions.duty_digest,
        "system_id": ready.edition.system_id,
        "system_digest": ready.edition.digest,
        "validated_at": validated_at,
        "values_checked": _values_checked(connection, ready),
    }
    connection.execute(insert(validation).values(row))
    validation_id = _known(connection, ready)
    if validation_id is None:
        raise SystemFault("核验记录没有写入")
    connection.execute(text(listing_statement()), {**ready.key, "validation_id": validation_id})
    if counted is not None:
        _compare(connection, validation_id, counted)
    word_findings(connection, validation_id, ready.edition, ready.dimensions.names)
    _point(connection, ready, validation_id)
    return validation_id


def _values_checked(connection: Connection, ready: _Slice) -> int:
    statement = (
        select(func.count())
        .select_from(value.join(slice_parse, slice_parse.c.parse_id == value.c.parse_id))
        .where(slice_parse.c.year == ready.year, slice_parse.c.region == ready.region)
    )
    return int(connection.execute(statement).scalar_one())


def _compare(connection: Connection, validation_id: int, counted: Mapping[str, int]) -> None:
    """GX and the listing have to agree on every rule.

    Raises:
        SystemFault: They do not; the transaction is rolled back with it.
    """
    statement = (
        select(finding.c.rule, func.count())
        .where(finding.c.validation_id == validation_id)
        .group_by(finding.c.rule)
    )
    listed = {rule: int(count) for rule, count in connection.execute(statement)}
    differing = sorted(rule for rule in {*listed, *counted} if listed.get(rule, 0) != counted.get(rule, 0))
    if differing:
        told = "；".join(
            f"{rule}：GX {counted.get(rule, 0)} 条，清单 {listed.get(rule, 0)} 条" for rule in differing
        )
        raise SystemFault(f"两种方法的核验结果不一致，本次校验作废，与填报单位无关。{told}")


def _point(connection: Connection, ready: _Slice, validation_id: int) -> None:
    here = (current_validation.c.year == ready.year, current_validation.c.region == ready.region)
    pointed = connection.execute(select(current_validation.c.validation_id).where(*here)).scalar_one_or_none()
    if pointed is None:
        connection.execute(insert(current_validation).values(**ready.key, validation_id=validation_id))
    elif pointed != validation_id:
        connection.execute(update(current_validation).where(*here).values(validation_id=validation_id))


def _counts(connection: Connection, ready: _Slice, validation_id: int) -> dict[str, int]:
    """The findings in force on the slice's parses by severity, found in reading or in validation."""
    parses = select(slice_parse.c.parse_id).where(
        slice_parse.c.year == ready.year, slice_parse.c.region == ready.region
    )
    statement = (
        select(finding.c.severity, func.count())
        .where(
            finding.c.parse_id.in_(parses),
            or_(finding.c.validation_id.is_(None), finding.c.validation_id == validation_id),
        )
        .group_by(finding.c.severity)
    )
    counted = {severity: int(count) for severity, count in connection.execute(statement)}
    return {severity.value: counted.get(severity.value, 0) for severity in Severity}
