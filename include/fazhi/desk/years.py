"""A year's life on the desk. In: the desk's ground, year and region, a moment. Out: what its page shows, and its acts.

Everything shown is read from rows that a stage has committed; nothing is computed anew for a page, and no list is
longer than a page. What a proposal made now would contain is an act of its own (``preview``).
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select, tuple_

from fazhi.desk.paging import PAGE_SIZE, Slice, cursor_of, key_of
from fazhi.model.errors import UsageError
from fazhi.model.terms import LineStatus
from fazhi.pipeline import SHANGHAI, Desk
from fazhi.publish import final
from fazhi.store import read
from fazhi.store.tables import (
    appeal,
    appeal_decision,
    current_parse,
    current_result,
    current_validation,
    decision,
    final_outcome,
    final_proposal,
    final_proposal_unit,
    final_version,
    finding,
    outbox,
    result,
    result_line,
    value,
)

_SCANNED = 4 * PAGE_SIZE
"""How many units one page of obstacles looks at; a page may be short, its cursor goes on behind the last one."""

_STOPPING = ("hold", "block", "security")
_WORTH_TELLING = (LineStatus.MISSING.value, LineStatus.REJECTED.value)


# --- the year and region --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Milestone:
    """One station of a year's life: ``done``, ``now`` or ``ahead``; who, when and until when, where it is known."""

    code: str
    state: str
    at: str = ""
    by: str = ""
    deadline: str = ""
    overdue: bool = False


@dataclass(frozen=True)
class Attempt:
    """A proposal and how it ended, with the reasons that were given."""

    proposal: final.Proposal
    reason: str
    why_ended: str


@dataclass(frozen=True)
class YearLife:
    """Where a region's final results are, how they came there, and what the platform has of them."""

    status: final.RegionStatus
    milestones: tuple[Milestone, ...]
    attempts: tuple[Attempt, ...]
    """Newest first."""
    appeals: tuple[final.AppealRow, ...]
    """Open ones first, then newest first."""
    pushes: Mapping[str, int]
    """Results of the last signature by their state in the outbox; ``unqueued`` is not in it yet."""

    @property
    def open_proposal(self) -> final.Proposal | None:
        """The proposal that waits for its end."""
        newest = self.attempts[0].proposal if self.attempts else None
        return newest if newest is not None and newest.is_open else None


def year_life(desk: Desk, year: int, region: str, *, now: datetime) -> YearLife:
    """What the page of a year and region shows above its lists.

    Raises:
        UsageError: The region has no scored units in the year.
        ConfigurationError: A time limit, a holiday notice or the list of signers is missing or wrong.
    """
    if region not in desk.regions(year, now):
        raise UsageError(f"{year}年没有参加考评的地区 {region}")
    with read(desk.ground.engine) as connection:
        status = _status(connection, desk, year, region, now)
        attempts = _attempts(connection, year, region)
        filed = final.appeals(connection, year, region)
        return YearLife(
            status=status,
            milestones=_milestones(status, attempts, _day(now)),
            attempts=tuple(reversed(attempts)),
            appeals=tuple(sorted(filed, key=lambda one: (bool(one.verdict), -one.appeal_id))),
            pushes=_pushes(connection, attempts),
        )


def regions_of_year(desk: Desk, year: int, *, now: datetime) -> tuple[final.RegionStatus, ...]:
    """The state of every region of a year."""
    with read(desk.ground.engine) as connection:
        return tuple(_status(connection, desk, year, region, now) for region in desk.regions(year, now))


def _status(connection: Connection, desk: Desk, year: int, region: str, now: datetime) -> final.RegionStatus:
    return final.region_status(
        connection, year, region, today=_day(now), windows=desk.windows(year), signers=desk.signers
    )


def _day(now: datetime) -> date:
    return now.astimezone(SHANGHAI).date()


def _attempts(connection: Connection, year: int, region: str) -> list[Attempt]:
    """The proposals of a region, oldest first."""
    proposal, outcome = final_proposal.c, final_outcome.c
    statement = (
        select(proposal.number, proposal.reason, outcome.reason.label("why_ended"))
        .outerjoin(
            final_outcome,
            and_(
                outcome.year == proposal.year,
                outcome.region == proposal.region,
                outcome.number == proposal.number,
            ),
        )
        .where(proposal.year == year, proposal.region == region)
    )
    reasons = {row.number: row for row in connection.execute(statement)}
    return [
        Attempt(one, reasons[one.number].reason, reasons[one.number].why_ended or "")
        for one in final.proposals(connection, year, region)
    ]


def _milestones(
    status: final.RegionStatus, attempts: Sequence[Attempt], today: date
) -> tuple[Milestone, ...]:
    """Proposed, publicised, signed, confirmed by the platform, sealed; and corrected, where there is a correction."""
    finals = [one.proposal for one in attempts if one.proposal.kind is final.Kind.FINAL]
    main = finals[-1] if finals and finals[-1].outcome != "withdrawn" else None
    known = {
        "proposed": ("", "") if main is None else (main.proposed_at, main.proposed_name),
        "publicised": ("" if main is None else str(main.objection_until), ""),
        "signed": ("", "") if main is None else (main.decided_at, main.decided_name),
        "confirmed": ("", ""),
        "sealed": (status.sealed_at, ""),
    }
    present = _present(status, today)
    order = list(known)
    stations = [
        Milestone(code, _state(order.index(code), present), at=at, by=by) for code, (at, by) in known.items()
    ]
    if status.sealed_at and (len(finals) < len(attempts) or status.next_zh):
        stations.append(Milestone("corrected", "now" if status.next_zh else "done"))
    return tuple(_dated(one, status) if one.state == "now" else one for one in stations)


def _present(status: final.RegionStatus, today: date) -> int:
    """The index of the station that the region is at; behind the last one when it is sealed."""
    if status.phase is final.Phase.OPEN:
        return 0
    if status.phase is final.Phase.PUBLICISED:
        waits = status.open_appeals or status.upheld_appeals
        return 1 if waits or today.isoformat() <= status.objection_until else 2
    if status.phase is final.Phase.SIGNED:
        return 3 if status.unconfirmed else 4
    return 5


def _state(index: int, present: int) -> str:
    if index == present:
        return "now"
    return "done" if index < present else "ahead"


def _dated(one: Milestone, status: final.RegionStatus) -> Milestone:
    return Milestone(
        one.code, one.state, one.at, status.owner_zh, deadline=status.deadline, overdue=status.overdue
    )


def _pushes(connection: Connection, attempts: Sequence[Attempt]) -> dict[str, int]:
    signed = [one.proposal for one in attempts if one.proposal.outcome == "signed"]
    if not signed:
        return {}
    last = signed[-1]
    mine = final_version.c
    statement = (
        select(func.coalesce(outbox.c.state, "unqueued"), func.count())
        .select_from(final_version.outerjoin(outbox, _same_version()))
        .where(mine.year == last.year, mine.region == last.region, mine.number == last.number)
        .group_by(outbox.c.state)
    )
    return {row[0]: int(row[1]) for row in connection.execute(statement)}


def _same_version() -> ColumnElement[bool]:
    return and_(
        outbox.c.year == final_version.c.year,
        outbox.c.unit_code == final_version.c.unit_code,
        outbox.c.version == final_version.c.version,
        outbox.c.stage == "final",
    )


# --- what was publicised --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PublicisedUnit:
    """A unit of a proposal; of a correction with the numbers that it would replace."""

    unit: final.ProposedUnit
    is_region: bool
    """Regions and departments are ranked apart."""
    before: final.ProposedUnit | None


def publicised(
    desk: Desk, proposal: final.Proposal, *, after: str | None = None, now: datetime
) -> Slice[PublicisedUnit]:
    """A page of a proposal's units by rank, then code.

    Raises:
        UsageError: The cursor is none of ours.
    """
    row = final_proposal_unit.c
    rank = func.coalesce(row.rank, 0)
    statement = (
        select(final_proposal_unit)
        .where(row.year == proposal.year, row.region == proposal.region, row.number == proposal.number)
        .order_by(rank, row.unit_code)
        .limit(PAGE_SIZE + 1)
    )
    if (
        last := key_of(
            after,
            (
                int,
                str,
            ),
        )
    ) is not None:
        statement = statement.where(tuple_(rank, row.unit_code) > last)
    with read(desk.ground.engine) as connection:
        found = [_proposed(one) for one in connection.execute(statement).mappings()]
        before = _corrected(connection, proposal.year, found[:PAGE_SIZE])
    regions = {
        unit.unit_code
        for unit in desk.ground.registry.units_of_year(proposal.year, _day(now))
        if unit.is_region
    }
    rows = tuple(
        PublicisedUnit(unit, unit.unit_code in regions, before.get(unit.unit_code))
        for unit in found[:PAGE_SIZE]
    )
    more = len(found) > PAGE_SIZE
    return Slice(rows, cursor_of((rows[-1].unit.rank or 0, rows[-1].unit.unit_code)) if more else None)


_NUMBERS = ("unit_code", "unit_name", "content_digest", "score", "grade", "rank", "component")


def _proposed(row: Mapping[Any, Any]) -> final.ProposedUnit:
    return final.ProposedUnit(**{name: row[name] for name in (*_NUMBERS, "correction_of")})


def _corrected(
    connection: Connection, year: int, units: Sequence[final.ProposedUnit]
) -> dict[str, final.ProposedUnit]:
    """The sealed results that a correction would replace, by unit."""
    replaced = {unit.unit_code: unit.correction_of for unit in units if unit.correction_of is not None}
    if not replaced:
        return {}
    # by its parts: SQLite reads a year's results to find pairs of unit and version
    statement = select(result).where(
        result.c.year == year,
        result.c.unit_code.in_(replaced),
        result.c.version.in_(set(replaced.values())),
    )
    return {
        row["unit_code"]: final.ProposedUnit(**{name: row[name] for name in _NUMBERS})
        for row in connection.execute(statement).mappings()
        if row["version"] == replaced[row["unit_code"]]
    }


# --- what still blocks a result -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoppedIndicator:
    """An indicator without an accepted value, and how many findings of which severity stop it."""

    indicator_code: str
    holds: int
    """Waiting for a steward."""
    blocks: int
    """Waiting for the department, or quarantined."""


@dataclass(frozen=True)
class Obstacles:
    """What keeps a unit's result from being complete, or from being final on the platform."""

    unit_code: str
    unit_name: str
    has_result: bool
    missing: tuple[str, ...]
    rejected: tuple[StoppedIndicator, ...]
    open_appeals: int
    upheld_appeals: int
    push: str
    """State in the outbox of a signed result that is not confirmed; ``unqueued`` where it is not in it."""
    problem: str

    @property
    def any(self) -> bool:
        """Whether there is one."""
        waits = self.missing or self.rejected or self.open_appeals or self.upheld_appeals or self.push
        return bool(waits) or not self.has_result


def obstacles(
    desk: Desk, year: int, region: str, *, after: str | None = None, now: datetime
) -> Slice[Obstacles]:
    """Units with something in the way of their result, by code, as of the last scoring.

    At most ``_SCANNED`` units are looked at for a page.

    Raises:
        UsageError: The cursor is none of ours.
    """
    begin = str((key_of(after, (str,)) or ("",))[0])
    registry = desk.ground.registry
    names = {unit.unit_code: unit.name_zh for unit in registry.scored_units(year, _day(now), region)}
    waiting = iter(sorted(code for code in names if code > begin))
    found: list[Obstacles] = []
    last, scanned = begin, 0
    with read(desk.ground.engine) as connection:
        is_signed = _is_signed(connection, year, region)
        while len(found) < PAGE_SIZE and scanned < _SCANNED:
            codes = list(islice(waiting, PAGE_SIZE - len(found)))
            if not codes:
                return Slice(tuple(found), None)
            last, scanned = codes[-1], scanned + len(codes)
            found += [one for one in _obstacles(connection, year, codes, names, is_signed) if one.any]
    return Slice(tuple(found), cursor_of((last,)) if next(waiting, None) is not None else None)


def _is_signed(connection: Connection, year: int, region: str) -> bool:
    history = final.proposals(connection, year, region)
    phase = final.phase_of(history, final.seal_of(connection, year, region))
    return phase not in (final.Phase.OPEN, final.Phase.PUBLICISED)


def _obstacles(
    connection: Connection, year: int, codes: Sequence[str], names: Mapping[str, str], is_signed: bool
) -> Iterator[Obstacles]:
    lines = {} if is_signed else _stopped_lines(connection, year, codes)
    stops = _stops(connection, year, lines)
    appeals = _appeals(connection, year, codes)
    pushes = _unconfirmed(connection, year, codes)
    scored = set(
        connection.scalars(
            select(current_result.c.unit_code).where(
                current_result.c.year == year, current_result.c.unit_code.in_(codes)
            )
        )
    )
    for code in codes:
        own = lines.get(code, {})
        state, problem = pushes.get(code, ("", ""))
        yield Obstacles(
            unit_code=code,
            unit_name=names[code],
            has_result=code in scored,
            missing=tuple(one for one, status in own.items() if status == LineStatus.MISSING),
            rejected=tuple(
                StoppedIndicator(one, *stops.get((code, one), (0, 0)))
                for one, status in own.items()
                if status == LineStatus.REJECTED
            ),
            open_appeals=appeals[code, ""],
            upheld_appeals=appeals[code, "upheld"],
            push=state,
            problem=problem,
        )


def _stopped_lines(connection: Connection, year: int, codes: Sequence[str]) -> dict[str, dict[str, str]]:
    """Missing and rejected indicators of the newest results: unit → indicator → status."""
    line = result_line.c
    statement = (
        select(line.unit_code, line.indicator_code, line.status)
        .join(
            current_result,
            and_(
                current_result.c.year == line.year,
                current_result.c.unit_code == line.unit_code,
                current_result.c.version == line.version,
            ),
        )
        .where(line.year == year, line.unit_code.in_(codes), line.status.in_(_WORTH_TELLING))
        .order_by(line.unit_code, line.indicator_code)
    )
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(statement):
        found[row.unit_code][row.indicator_code] = row.status
    return found


def _stops(
    connection: Connection, year: int, lines: Mapping[str, Mapping[str, str]]
) -> dict[tuple[str, str], tuple[int, int]]:
    """Findings in force that stop the rejected indicators: (unit, indicator) → (open holds, blocks)."""
    keys = [
        (code, unit)
        for unit, own in lines.items()
        for code, status in own.items()
        if status == LineStatus.REJECTED
    ]
    if not keys:
        return {}
    released = _released(connection, year, {unit for _, unit in keys})
    counted: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    wanted = set(keys)
    for row in connection.execute(_stopping_findings(year, keys)):
        if (row.indicator_code, row.unit_code) not in wanted:
            continue
        key = (row.unit_code, row.indicator_code, row.period, row.rule, row.value_digest or "")
        if row.severity != "hold":
            counted[row.unit_code, row.indicator_code]["blocks"] += 1
        elif key not in released:
            counted[row.unit_code, row.indicator_code]["holds"] += 1
    return {key: (one["holds"], one["blocks"]) for key, one in counted.items()}


def _stopping_findings(year: int, keys: Sequence[tuple[str, str]]) -> Select[Any]:
    parses = select(current_parse.c.parse_id).where(current_parse.c.year == year)
    judged = select(current_validation.c.validation_id).where(current_validation.c.year == year)
    return (
        select(
            finding.c.unit_code,
            finding.c.indicator_code,
            finding.c.period,
            finding.c.rule,
            finding.c.severity,
            finding.c.value_digest,
        )
        .join(value, value.c.value_id == finding.c.value_id)
        .where(
            value.c.year == year,
            # not as pairs, for which SQLite looks at every value of the year; the caller takes the pairs it asked for
            value.c.indicator_code.in_({code for code, _ in keys}),
            value.c.unit_code.in_({unit for _, unit in keys}),
            finding.c.severity.in_(_STOPPING),
            finding.c.parse_id.in_(parses),
            or_(finding.c.validation_id.is_(None), finding.c.validation_id.in_(judged)),
        )
    )


def _released(connection: Connection, year: int, units: set[str]) -> set[tuple[str, ...]]:
    """Holds whose newest verdict is an approval."""
    key = ("unit_code", "indicator_code", "period", "rule", "value_digest")
    rows = connection.execute(
        select(decision)
        .where(decision.c.year == year, decision.c.unit_code.in_(units), decision.c.kind == "hold")
        .order_by(decision.c.decision_id)
    ).mappings()
    newest = {tuple(row[name] for name in key): row["verdict"] for row in rows}
    return {one for one, verdict in newest.items() if verdict == "approve"}


def _appeals(connection: Connection, year: int, codes: Sequence[str]) -> Counter[tuple[str, str]]:
    """How many appeals and requests units have: (unit, verdict) → number; no verdict = open."""
    verdict = func.coalesce(appeal_decision.c.verdict, "")
    newest = (
        select(func.max(final_proposal.c.number))
        .where(final_proposal.c.year == appeal.c.year, final_proposal.c.region == appeal.c.region)
        .scalar_subquery()
    )
    statement = (
        select(appeal.c.unit_code, verdict, func.count())
        .outerjoin(appeal_decision, appeal_decision.c.appeal_id == appeal.c.appeal_id)
        .where(
            appeal.c.year == year,
            appeal.c.unit_code.in_(codes),
            or_(verdict == "", and_(appeal.c.kind == "appeal", appeal.c.number == newest)),
        )
        .group_by(appeal.c.unit_code, verdict)
    )
    return Counter({(row[0], row[1]): row[2] for row in connection.execute(statement)})


def _unconfirmed(connection: Connection, year: int, codes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Units whose newest final version is not confirmed: state in the outbox, and what the platform said."""
    mine = final_version.c
    statement = (
        select(mine.unit_code, func.coalesce(outbox.c.state, "unqueued"), outbox.c.problem)
        .select_from(final_version.outerjoin(outbox, _same_version()))
        .where(mine.year == year, mine.unit_code.in_(codes))
        .order_by(mine.unit_code, mine.version)
    )
    newest = {row[0]: (row[1], row[2] or "") for row in connection.execute(statement)}
    return {code: one for code, one in newest.items() if one[0] != "confirmed"}
