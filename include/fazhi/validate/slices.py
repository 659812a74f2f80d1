"""Validating one year and region. In: committed values of current parses. Out: a validation, its findings.

The way: commit which parses are judged and under which dimensions (GX connects on its own and sees only what
is committed); let GX count; list all findings in one statement and word them; compare the counts; point at
the new validation. The last three are one transaction. A slice with nothing new keeps its validation; one with
little new takes over what the last one found on every parse that nothing changed for (``fazhi.validate.basis``).
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from fazhi.model.canonical import digest, sha256_hex
from fazhi.model.errors import SystemFault
from fazhi.model.period import Period
from fazhi.model.terms import Severity
from fazhi.registry import Registry
from fazhi.registry.calendar import WorkingDays
from fazhi.store.bulk import chunks, insert_rows
from fazhi.store.decisions import approved
from fazhi.store.engine import write
from fazhi.store.extensions import extensions
from fazhi.store.statistics import gather_statistics
from fazhi.store.tables import (
    current_parse,
    current_validation,
    finding,
    parse,
    slice_parse,
    submission,
    validation,
    validation_basis,
    value,
    year_lock,
)
from fazhi.systems.edition import Edition
from fazhi.validate.basis import Basis, Carried, carried_from, keep_basis
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
_Sent = tuple[str, str, str]
"""Kind, sender and period."""
_Rows = dict[int, dict[str, Any]]
"""Rows of ``slice_parse`` by their parse, but for which of them are to be judged."""
_Parse = Row[*tuple[Any, ...]]
"""A current parse with its submission: the columns of ``_current_parses``."""


@dataclass(frozen=True)
class ValidationOutcome:
    """What a validation brought: its id, whether it was new, and the findings in force by severity."""

    validation_id: int
    new: bool
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Reported:
    """What was reported and decided, as far as findings may depend on it."""

    current: Sequence[_Parse]
    """The current parses of all regions in the years compared."""
    submitted: Mapping[_Sent, str]
    """A digest of every submission of these years, superseded ones too: versions are compared with one another."""
    locks: tuple[tuple[str, str | None], ...]
    """From when until when the year was locked; ``None`` = still."""
    extensions: Mapping[tuple[str, str], str]
    """The later last days that were granted, by unit and period."""
    excused: frozenset[tuple[str, str, str]]
    """Unit, indicator and period of each approved 不适用."""


@dataclass(frozen=True)
class _Slice:
    """What is judged, under what, and by what it is addressed."""

    year: int
    region: str
    dimensions: Dimensions
    rules_digest: str
    """Everything that all findings depend on, whatever was reported."""
    input_digest: str
    """Everything that the findings depend on."""
    reported_digest: str
    """Everything that was reported and decided, in other regions too."""

    @property
    def key(self) -> dict[str, Any]:
        return {"year": self.year, "region": self.region}

    @property
    def edition(self) -> Edition:
        return self.dimensions.edition


@dataclass(frozen=True)
class _Parses:
    """What a slice is made of; it grows with the submissions and is let go once it is written down."""

    slice: _Slice
    reported: _Reported
    own: tuple[_Parse, ...]

    def locked_at(self, one: _Parse) -> str | None:
        """When the year had been locked, if it was when a parse's submission was received."""
        received = one.received_at
        return next(
            (since for since, until in self.reported.locks if received and _within(received, since, until)),
            None,
        )

    def due_second(self, one: _Parse) -> int | None:
        """The last second on time of a parse's submission, a granted extension included."""
        due = self.slice.dimensions.due_second(one.period)
        granted = self.reported.extensions.get((one.sender_code, one.period))
        return due if due is None or granted is None else max(due, last_second(date.fromisoformat(granted)))


@dataclass(frozen=True)
class _Prepared:
    """A slice written down, ready to be judged: whole, or what changed since an earlier validation."""

    slice: _Slice
    basis: Basis
    carried: Carried | None

    @property
    def told_zh(self) -> str:
        """What will be done."""
        parses = len(self.basis.parses)
        place = f"{self.slice.year}年 {self.slice.region}"
        if self.carried is None:
            return f"{place}：核对 {parses} 份报送"
        return f"{place}：共 {parses} 份报送，其中 {len(self.carried.to_judge)} 份有变化，需要核对"


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
            prepared = _prepare(connection, _parses(connection, dims, registry, year, region, today, gated))
            ready = prepared.slice
            known = _known(connection, ready)
            if known is not None:
                _point(connection, ready, known)
                return ValidationOutcome(known, False, _counts(connection, ready, known))
            gather_statistics(connection, "judged")
        say(prepared.told_zh)
        counted = (
            None if gx_dir is None else counts_by_gx(engine, committed_suite(gx_dir, edition), year, region)
        )
        with write(engine) as connection:
            unchanged = _reported_digest(_read_reported(connection, year, region)) == ready.reported_digest
            if unchanged and _still_carries(connection, prepared):
                validation_id = _list(connection, prepared, validated_at, counted)
                return ValidationOutcome(validation_id, True, _counts(connection, ready, validation_id))
        say("校验期间有新的报送，重新核对")
    raise SystemFault(f"{year}年 {region}：校验期间数据一直在变化，本次没有结果，请稍后重试")


# --- what is judged ------------------------------------------------------------------------------------------------


def _prepare(connection: Connection, parses: _Parses) -> _Prepared:
    """Load the dimensions and write down which parses belong to the slice and which are to be judged."""
    ready = parses.slice
    ready.dimensions.load(connection)
    load_tokens(connection, ready.year - YEARS_BACK, ready.year)
    stored = _stored_rows(connection, ready)
    rows = _slice_rows(connection, parses, stored)
    basis = _basis(parses, rows)
    carried = carried_from(connection, ready.edition, ready.year, ready.region, basis)
    written = _write_slice(connection, ready, stored, rows)
    if _judge_only(connection, ready, None if carried is None else carried.to_judge) or written:
        # killed from here to the listing, the slice counts as not validated and is not scored
        here = (current_validation.c.year == ready.year, current_validation.c.region == ready.region)
        connection.execute(delete(current_validation).where(*here))
    return _Prepared(ready, basis, carried)


def _basis(parses: _Parses, rows: _Rows) -> Basis:
    senders = {(one.kind, one.sender_code) for one in parses.own}
    return Basis(
        rules_digest=parses.slice.rules_digest,
        compared=frozenset(one.parse_id for one in parses.reported.current),
        parses={key: _short_digest([row[name] for name in _PLACED_BY]) for key, row in rows.items()},
        submissions={sent: told for sent, told in parses.reported.submitted.items() if sent[:2] in senders},
        excused=parses.reported.excused,
    )


_PLACED_BY = ("before_parse_id", "year_ago_parse_id", "due_second", "locked_at")
"""What a slice says of a parse that another day may change."""


def _short_digest(content: Any) -> str:
    return hashlib.blake2b(repr(content).encode(), digest_size=8).hexdigest()


def _stored_rows(connection: Connection, ready: _Slice) -> _Rows:
    columns = [column for column in slice_parse.c if column.name != "to_judge"]
    stored = connection.execute(select(*columns).where(*_here(ready))).mappings()
    return {row["parse_id"]: dict(row) for row in stored}


def _write_slice(connection: Connection, ready: _Slice, stored: _Rows, rows: _Rows) -> bool:
    """Let ``slice_parse`` hold just these rows, each with the first value of its parse; whether it held others."""
    differing = [key for key in {*stored, *rows} if stored.get(key) != rows.get(key)]
    if not differing:
        return False
    for some in chunks(differing):
        # by the parse alone: it may have belonged to another region
        connection.execute(delete(slice_parse).where(slice_parse.c.parse_id.in_(some)))
    insert_rows(connection, slice_parse, (rows[key] for key in sorted(differing) if key in rows))
    first = select(func.min(value.c.value_id)).where(value.c.parse_id == slice_parse.c.parse_id)
    connection.execute(
        update(slice_parse)
        .where(*_here(ready), slice_parse.c.first_value_id.is_(None))
        .values(first_value_id=first.scalar_subquery())
    )
    return True


def _judge_only(connection: Connection, ready: _Slice, to_judge: Collection[int] | None) -> bool:
    """Say which parses of the slice are to be judged, all of them for ``None``; whether others were."""
    judged = select(slice_parse.c.parse_id).where(*_here(ready), slice_parse.c.to_judge == 1)
    before = set(connection.execute(judged).scalars())
    otherwise = int(to_judge is None)
    connection.execute(
        update(slice_parse)
        .where(*_here(ready), slice_parse.c.to_judge != otherwise)
        .values(to_judge=otherwise)
    )
    for some in chunks(sorted(to_judge or ())):
        connection.execute(update(slice_parse).where(slice_parse.c.parse_id.in_(some)).values(to_judge=1))
    return before != set(connection.execute(judged).scalars())


def _here(ready: _Slice) -> tuple[ColumnElement[bool], ...]:
    return (slice_parse.c.year == ready.year, slice_parse.c.region == ready.region)


def _slice_rows(connection: Connection, parses: _Parses, stored: _Rows) -> _Rows:
    """The rows that ``slice_parse`` should hold; the rows of a parse never change, nor does its first value."""
    ready = parses.slice
    by_key = {
        (row.kind, row.sender_code, row.period): row.parse_id
        for row in connection.execute(
            select(current_parse).where(current_parse.c.year.in_((ready.year, ready.year - 1)))
        ).all()
    }
    rows = {}
    for one in parses.own:
        sender = (one.kind, one.sender_code)
        before, year_ago = _earlier(one.period)
        rows[one.parse_id] = {
            "parse_id": one.parse_id,
            "year": ready.year,
            "region": ready.region,
            "system_id": ready.edition.system_id,
            "system_digest": ready.edition.digest,
            "duty_digest": ready.dimensions.duty_digest,
            "before_parse_id": by_key.get((*sender, before)),
            "year_ago_parse_id": by_key.get((*sender, year_ago)),
            "first_value_id": stored.get(one.parse_id, {}).get("first_value_id"),
            "due_second": parses.due_second(one),
            "locked_at": parses.locked_at(one),
        }
    return rows


@cache
def _earlier(written: str) -> tuple[str | None, str]:
    """The period of the same length just before in the year, if there is one, and the same one of the year before."""
    period = Period.parse(written)
    first = period.first_month - period.months
    before = str(Period(period.year, first, period.months)) if first >= 1 else None
    return before, str(Period(period.year - 1, period.first_month, period.months))


def _read_reported(connection: Connection, year: int, region: str) -> _Reported:
    return _Reported(
        _current_parses(connection, year),
        _submitted(connection, year),
        _locks(connection, year, region),
        extensions(connection, year),
        frozenset(
            (key.unit_code, key.indicator_code, key.period)
            for key in approved(connection, year, "not_applicable")
        ),
    )


def _parses(
    connection: Connection,
    dims: Dimensions,
    registry: Registry,
    year: int,
    region: str,
    today: date,
    gated: bool,
) -> _Parses:
    reported = _read_reported(connection, year, region)
    regions = _regions_of_senders(registry, year, today)
    fallback = next(iter(registry.regions(year, today)), region)
    here = [regions.get(one.sender_code, fallback) == region for one in reported.current]
    pairs = list(zip(reported.current, here, strict=True))
    rules = _rules(dims, year, region, gated)
    ready = _Slice(
        year,
        region,
        dims,
        rules_digest=digest(rules),
        input_digest=_input_digest(
            rules, reported, dims, [one for one, is_here in pairs if is_here or one.kind == "office"]
        ),
        reported_digest=_reported_digest(reported),
    )
    return _Parses(ready, reported, tuple(one for one, is_here in pairs if is_here and one.year == year))


def _input_digest(
    rules: Mapping[str, Any], reported: _Reported, dims: Dimensions, compared: Sequence[_Parse]
) -> str:
    return digest(
        {
            **rules,
            "parses": _rows_digest([one[:_OF_THE_PARSE] for one in compared]),
            "submissions": _rows_digest(list(reported.submitted.items())),
            "locks": [list(lock) for lock in reported.locks],
            "deadlines": sorted(
                {str(dims.due_second(period)) for period in {one.period for one in compared}}
            ),
            "extensions": sorted([*about, until] for about, until in reported.extensions.items()),
            "not_applicable": [list(one) for one in sorted(reported.excused)],
        }
    )


def _reported_digest(reported: _Reported) -> str:
    return _rows_digest(
        [
            [tuple(one) for one in reported.current],
            list(reported.submitted.items()),
            reported.locks,
            [[*about, until] for about, until in sorted(reported.extensions.items())],
            sorted(reported.excused),
        ]
    )


def _rows_digest(rows: Sequence[Sequence[Any]]) -> str:
    """Of many rows of text and whole numbers; canonical JSON says the same at five times the cost."""
    return sha256_hex(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode())


_OF_THE_PARSE = 6
"""How many of the columns of ``_current_parses`` say which parse it is, whatever its number in this store."""


def _current_parses(connection: Connection, year: int) -> Sequence[_Parse]:
    statement = (
        select(
            current_parse.c.kind,
            current_parse.c.sender_code,
            current_parse.c.period,
            parse.c.submission_id,
            parse.c.revision,
            parse.c.reader_digest,
            current_parse.c.year,
            current_parse.c.parse_id,
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
    return connection.execute(statement).all()


def _locks(connection: Connection, year: int, region: str) -> tuple[tuple[str, str | None], ...]:
    statement = (
        select(year_lock.c.locked_at, year_lock.c.lifted_at)
        .where(year_lock.c.year == year, year_lock.c.region == region)
        .order_by(year_lock.c.locked_at)
    )
    return tuple((row.locked_at, row.lifted_at) for row in connection.execute(statement))


def _submitted(connection: Connection, year: int) -> Mapping[_Sent, str]:
    columns = ("submission_id", "revision", "submitted_at", "submitted_by", "content_digest")
    sent = [submission.c[name] for name in ("kind", "sender_code", "period")]
    statement = (
        select(*sent, *(submission.c[name] for name in columns))
        .where(submission.c.year.between(year - YEARS_BACK, year))
        .order_by(*sent, submission.c.submission_id, submission.c.revision)
    )
    grouped = groupby(connection.execute(statement).all(), key=itemgetter(0, 1, 2))
    return {key: _short_digest([row[3:] for row in rows]) for key, rows in grouped}


def _regions_of_senders(registry: Registry, year: int, today: date) -> dict[str, str]:
    """The region of every unit that ever was, by its latest record begun by the deciding day."""
    day = registry.deciding_day(year, today)
    regions: dict[str, str] = {}
    for unit in registry.units:
        if unit.valid_from <= day or unit.unit_code not in regions:
            regions[unit.unit_code] = registry.region_of(unit)
    return regions


def _rules(dims: Dimensions, year: int, region: str, gated: bool) -> dict[str, Any]:
    """Everything that the findings depend on but what was reported and decided."""
    return {
        "year": year,
        "region": region,
        "system_digest": dims.edition.digest,
        "duty_digest": dims.duty_digest,
        "rules": sha256_hex(listing_statement().encode()),
        "wording": WORDING_VERSION,
        "tokens": TOKENS_VERSION,
        **({} if gated else {"judged_by_gx": False}),
    }


# --- one validation ------------------------------------------------------------------------------------------------


def _known(connection: Connection, ready: _Slice) -> int | None:
    statement = select(validation.c.validation_id).where(
        validation.c.year == ready.year,
        validation.c.region == ready.region,
        validation.c.input_digest == ready.input_digest,
    )
    return connection.execute(statement).scalar_one_or_none()


def _still_carries(connection: Connection, prepared: _Prepared) -> bool:
    """Whether nobody else has validated the slice meanwhile, on which the parses to be judged would be others."""
    here = (
        validation_basis.c.year == prepared.slice.year,
        validation_basis.c.region == prepared.slice.region,
    )
    newest = connection.execute(select(validation_basis.c.validation_id).where(*here)).scalar_one_or_none()
    return prepared.carried is None or prepared.carried.validation_id == newest


def _list(
    connection: Connection, prepared: _Prepared, validated_at: str, counted: Mapping[str, int] | None
) -> int:
    """Insert the validation and its worded findings and point at it, unless the counts disagree."""
    ready = prepared.slice
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
        "values_checked": _values_checked(connection, prepared),
    }
    connection.execute(insert(validation).values(row))
    validation_id = _known(connection, ready)
    if validation_id is None:
        raise SystemFault("核验记录没有写入")
    connection.execute(text(listing_statement()), {**ready.key, "validation_id": validation_id})
    if counted is not None:
        _compare(connection, validation_id, counted)
    word_findings(connection, validation_id, ready.edition, ready.dimensions.names)
    if prepared.carried is not None:
        _carry_over(connection, ready, prepared.carried.validation_id, validation_id)
    keep_basis(connection, ready.year, ready.region, validation_id, prepared.basis)
    _point(connection, ready, validation_id)
    return validation_id


def _carry_over(connection: Connection, ready: _Slice, before: int, validation_id: int) -> None:
    """Let the findings of an earlier validation stand on all parses that were not judged again."""
    columns = [column for column in finding.c if column.name not in ("finding_id", "validation_id")]
    stands = select(slice_parse.c.parse_id).where(
        slice_parse.c.year == ready.year, slice_parse.c.region == ready.region, slice_parse.c.to_judge == 0
    )
    kept = (
        select(literal(validation_id), *columns)
        .where(finding.c.validation_id == before, finding.c.parse_id.in_(stands))
        .order_by(finding.c.finding_id)
    )
    names = ["validation_id", *(column.name for column in columns)]
    connection.execute(insert(finding).from_select(names, kept))


def _values_checked(connection: Connection, prepared: _Prepared) -> int:
    """How many values the findings of the validation rest on, those of findings carried over too."""
    now = prepared.basis.parses.keys()
    if prepared.carried is None:
        ready = prepared.slice
        here = (slice_parse.c.year == ready.year, slice_parse.c.region == ready.region)
        return _values_of(connection, select(slice_parse.c.parse_id).where(*here))
    before = prepared.carried.basis.parses.keys()
    left, joined = (
        sum(_values_of(connection, some) for some in chunks(sorted(parses)))
        for parses in (before - now, now - before)
    )
    return prepared.carried.values_checked - left + joined


def _values_of(connection: Connection, parses: Sequence[int] | Select[tuple[int]]) -> int:
    counted = select(func.count()).select_from(value).where(value.c.parse_id.in_(parses))
    return int(connection.execute(counted).scalar_one())


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
