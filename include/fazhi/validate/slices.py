"""Validating one year and region. In: committed values of current parses. Out: a validation, its findings.

The way: commit which parses are judged and under which dimensions (GX connects on its own and sees only what
is committed); let GX count; list all findings in one statement and word them; compare the counts; point at
the new validation. The last three are one transaction. A slice with nothing new keeps its validation; one with
little new takes over what the last one found on every parse that nothing changed for (``fazhi.validate.basis``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    Engine,
    Select,
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
from fazhi.model.terms import Severity
from fazhi.registry import Registry
from fazhi.registry.calendar import WorkingDays
from fazhi.store.bulk import chunks
from fazhi.store.engine import write
from fazhi.store.statistics import gather_statistics
from fazhi.store.tables import (
    current_validation,
    finding,
    slice_parse,
    validation,
    validation_basis,
    value,
)
from fazhi.systems.edition import Edition
from fazhi.validate.basis import Basis, Carried, Kept, carried_from, keep_basis, kept_basis
from fazhi.validate.dimensions import Dimensions, dimensions
from fazhi.validate.gate import committed_suite, counts_by_gx
from fazhi.validate.placing import in_slice, place_parses, placed
from fazhi.validate.reported import (
    Moment,
    Place,
    Reported,
    moment,
    periods_compared,
    reported,
)
from fazhi.validate.rules import YEARS_BACK
from fazhi.validate.sql import listing_statement
from fazhi.validate.tokens import TOKENS_VERSION, load_tokens
from fazhi.validate.words import word_findings

WORDING_VERSION = 2
"""Raised whenever the same findings would be worded differently by ``fazhi.validate.words``."""

Progress = Callable[[str], None]
_ATTEMPTS = 3


@dataclass(frozen=True)
class ValidationOutcome:
    """What a validation brought: its id, whether it was new, and the findings in force by severity."""

    validation_id: int
    new: bool
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Slice:
    """What is judged, under what, and by what it is addressed."""

    place: Place
    dimensions: Dimensions
    moment: Moment
    reported: Reported
    kept: Kept | None
    """What the newest validation under the same rules rested on."""
    rules_digest: str
    """Everything that all findings depend on, whatever was reported."""
    input_digest: str
    """Everything that the findings depend on."""

    @property
    def year(self) -> int:
        return self.place.year

    @property
    def region(self) -> str:
        return self.place.region

    @property
    def key(self) -> dict[str, Any]:
        return {"year": self.year, "region": self.region}

    @property
    def edition(self) -> Edition:
        return self.dimensions.edition


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
            ready = _ready(connection, dims, _place(dims, registry, year, region, today), gated)
            prepared = _prepare(connection, ready)
            known = _known(connection, ready)
            if known is not None:
                _point(connection, ready, known)
                return ValidationOutcome(known, False, _counts(connection, ready, known))
            gather_statistics(connection, "judged" if prepared.carried is None else "marked")
        say(prepared.told_zh)
        counted = (
            None if gx_dir is None else counts_by_gx(engine, committed_suite(gx_dir, edition), year, region)
        )
        with write(engine) as connection:
            unchanged = moment(connection, year, region) == ready.moment
            if unchanged and _still_carries(connection, prepared):
                validation_id = _list(connection, prepared, validated_at, counted)
                return ValidationOutcome(validation_id, True, _counts(connection, ready, validation_id))
        say("校验期间有新的报送，重新核对")
    raise SystemFault(f"{year}年 {region}：校验期间数据一直在变化，本次没有结果，请稍后重试")


# --- what is judged ------------------------------------------------------------------------------------------------


def _place(dims: Dimensions, registry: Registry, year: int, region: str, today: date) -> Place:
    return Place(year, region, dims.duty_digest, next(iter(registry.regions(year, today)), region))


def _ready(connection: Connection, dims: Dimensions, place: Place, gated: bool) -> _Slice:
    """Load the dimensions, and read what there is to be judged."""
    dims.load(connection)
    load_tokens(connection, place.year - YEARS_BACK, place.year)
    now = moment(connection, place.year, place.region)
    rules = _rules(dims, place, gated)
    kept = kept_basis(connection, place.year, place.region, digest(rules))
    sent = reported(connection, place, None if kept is None else kept.basis.submissions)
    content = {
        **rules,
        "parses": now.compared.digest(),
        "submissions": sent.submissions.digest(),
        "locks": [list(lock) for lock in now.locks],
        "deadlines": sorted({str(dims.due_second(period)) for period in periods_compared(connection, place)}),
        "extensions": [list(one) for one in now.extensions],
        "not_applicable": [list(one) for one in sorted(now.excused)],
    }
    return _Slice(place, dims, now, sent, kept, digest(rules), digest(content))


def _prepare(connection: Connection, ready: _Slice) -> _Prepared:
    """Write down which parses belong to the slice and which are to be judged."""
    written = place_parses(connection, ready.dimensions, ready.place, ready.moment)
    basis = Basis(
        rules_digest=ready.rules_digest,
        compared=ready.moment.compared,
        parses=placed(connection, ready.place),
        submissions=ready.reported.submissions,
        excused=ready.moment.excused,
    )
    others = ready.reported.others
    carried = carried_from(connection, ready.edition, ready.year, ready.kept, basis, others)
    if _judge_only(connection, ready, None if carried is None else carried.to_judge) or written:
        # killed from here to the listing, the slice counts as not validated and is not scored
        here = (current_validation.c.year == ready.year, current_validation.c.region == ready.region)
        connection.execute(delete(current_validation).where(*here))
    return _Prepared(ready, basis, carried)


def _judge_only(connection: Connection, ready: _Slice, to_judge: frozenset[int] | None) -> bool:
    """Say which parses of the slice are to be judged, all of them for ``None``; whether others were."""
    if to_judge is None:
        left_out = (*in_slice(ready.place), slice_parse.c.to_judge == 0)
        return bool(connection.execute(update(slice_parse).where(*left_out).values(to_judge=1)).rowcount)
    marked = select(slice_parse.c.parse_id).where(*in_slice(ready.place), slice_parse.c.to_judge == 1)
    before = frozenset(connection.execute(marked).scalars())
    for mark, parses in ((0, before - to_judge), (1, to_judge - before)):
        for some in chunks(sorted(parses)):
            connection.execute(
                update(slice_parse).where(slice_parse.c.parse_id.in_(some)).values(to_judge=mark)
            )
    return before != to_judge


def _rules(dims: Dimensions, place: Place, gated: bool) -> dict[str, Any]:
    """Everything that the findings depend on but what was reported and decided."""
    return {
        "year": place.year,
        "region": place.region,
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
    return prepared.carried is None or prepared.carried.kept.validation_id == newest


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
        _carry_over(connection, ready, prepared.carried.kept.validation_id, validation_id)
    keep_basis(connection, ready.year, ready.region, validation_id, prepared.basis)
    _all_judged(connection, ready)
    _point(connection, ready, validation_id)
    return validation_id


def _all_judged(connection: Connection, ready: _Slice) -> None:
    """Nothing is to be judged any more: what the next validation marks is then little."""
    marked = (*in_slice(ready.place), slice_parse.c.to_judge == 1)
    connection.execute(update(slice_parse).where(*marked).values(to_judge=0))


def _carry_over(connection: Connection, ready: _Slice, before: int, validation_id: int) -> None:
    """Let the findings of an earlier validation stand on all parses that were not judged again."""
    columns = [column for column in finding.c if column.name not in ("finding_id", "validation_id")]
    stands = select(slice_parse.c.parse_id).where(*in_slice(ready.place), slice_parse.c.to_judge == 0)
    kept = (
        select(literal(validation_id), *columns)
        .where(finding.c.validation_id == before, finding.c.parse_id.in_(stands))
        .order_by(finding.c.finding_id)
    )
    names = ["validation_id", *(column.name for column in columns)]
    connection.execute(insert(finding).from_select(names, kept))


def _values_checked(connection: Connection, prepared: _Prepared) -> int:
    """How many values the findings of the validation rest on, those of findings carried over too."""
    now = prepared.basis.parses.of
    if prepared.carried is None:
        ready = prepared.slice
        return _values_of(connection, select(slice_parse.c.parse_id).where(*in_slice(ready.place)))
    kept = prepared.carried.kept
    before = kept.basis.parses.of
    left, joined = (
        sum(_values_of(connection, some) for some in chunks(sorted(parses)))
        for parses in (before - now, now - before)
    )
    return kept.values_checked - left + joined


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
    parses = select(slice_parse.c.parse_id).where(*in_slice(ready.place))
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
