"""The first page. In: a year, a region, a person, a moment. Out: what is expected, came, waits, is late, and what changed.

Every entry that is not final names who has to act and until when. What has changed is told since the moment up to which
the person said to have seen everything (``mark_seen``), or since a day ago.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection, func, insert, select, update

from fazhi.desk.expected import Deadline, Deadlines, Expected, expected_submissions, units_of
from fazhi.desk.paging import PAGE_SIZE, Bounded, Slice, key_of, sliced
from fazhi.desk.person import Ability, Person
from fazhi.desk.places import unit_name
from fazhi.desk.states import Stand, State, stands
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.model.period import Period, covers
from fazhi.model.terms import OutboxState, SubmissionKind
from fazhi.pipeline import Ground
from fazhi.publish import final
from fazhi.registry import Registry
from fazhi.registry.calendar import WorkingDays
from fazhi.store import read, write
from fazhi.store.tables import (
    current_result,
    current_validation,
    decision,
    desk_seen,
    final_outcome,
    final_proposal,
    ground_proposal,
    ground_ruling,
    outbox,
    parse,
    request_ruling,
    result,
    submission,
    submission_return,
)

BOUND = 1_000
"""How far changes are counted."""

OPEN = (State.RETURNED, State.WAITING, State.RECEIVED, State.WARNED)
"""What came and is not final."""

SHOWN = ("open", *(state.value for state in State), "all")
"""What the list may be limited to."""

_DAY = timedelta(days=1)
_OPEN_YEARS = 2
"""The current year and the one before run every night; an earlier one runs when it is backfilled."""


@dataclass(frozen=True)
class Owner:
    """Who has to act. ``kind``: ``unit``, ``steward``, ``chief``, ``operator``, ``system``; ``names`` as they are known."""

    kind: str
    names: str = ""


@dataclass(frozen=True)
class Entry:
    """One submission, received or only expected; the last three are empty once it is final."""

    unit_code: str
    unit_name: str
    kind: str
    period: str
    period_zh: str
    submission_id: str
    revision: int
    received_at: str
    state: State
    is_new: bool
    """Since the person looked last; only of entries on the page."""
    owner: Owner | None
    deadline: Deadline
    is_late: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the list is ordered by: the most urgent first."""
        return (_urgency(self), self.unit_code, self.period, self.kind)


@dataclass(frozen=True)
class Step:
    """Something other than a submission that waits. ``path`` is where it is done; ``is_mine``: the person may do it.

    ``what_zh`` has the places that ``values`` fill.
    """

    what_zh: str
    owner: Owner
    deadline: Deadline
    is_late: bool
    is_mine: bool
    path: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Changes:
    """What changed since a moment; counts stop at ``BOUND``."""

    since: str
    is_marked: bool
    received: Bounded
    decided: Bounded
    results: tuple["Moved", ...]
    results_moved: Bounded
    proposals: int

    @property
    def nothing(self) -> bool:
        """Whether all is as it was."""
        counted = (self.received.counted, self.decided.counted, self.results_moved.counted, self.proposals)
        return not any(counted)


@dataclass(frozen=True)
class Moved:
    """A unit's score before and now; ``before`` is ``None`` for a first result."""

    unit_code: str
    unit_name: str
    before: str | None
    score: str
    version: int


@dataclass(frozen=True)
class Today:
    """The page of a year and region."""

    units: int
    expected: int
    """Submissions asked for so far."""
    received: int
    """How many of these came."""
    from_offices: int
    """Submissions of offices about other units, which nobody counts on."""
    counts: Mapping[State, int]
    mine: int
    """What waits for this very person: submissions and steps."""
    steps: tuple[Step, ...]
    changes: Changes
    entries: Slice[Entry]
    listed: int


@dataclass(frozen=True)
class Looking:
    """What is looked at, by whom, when."""

    ground: Ground
    year: int
    region: str
    person: Person
    now: datetime

    @property
    def today(self) -> date:
        """The day."""
        return self.now.date()


def today_page(looking: Looking, *, show: str = "open", unit: str = "", after: str | None = None) -> Today:
    """The page.

    Args:
        looking: Year, region, person, moment.
        show: Only entries in this state, or ``open`` (what came and is not final), or ``all``.
        unit: Only entries whose unit's name or code holds this.
        after: The cursor of the page wanted.

    Raises:
        UsageError: ``show`` names no state, or the cursor is none.
    """
    if show not in SHOWN:
        raise UsageError(f"没有“{show}”这种状态")
    beginning = key_of(after, (str, str, str, str))
    with read(looking.ground.engine) as connection:
        seen = _seen(connection, looking)
        since = seen or (looking.now - _DAY).isoformat(timespec="seconds")
        board = _board(connection, looking)
        steps = tuple(_steps(connection, looking))
        changes = _changes(connection, looking, since, bool(seen))
    listed = board.listed(show, unit.strip())
    rest = listed if beginning is None else listed[bisect_right(listed, beginning, key=lambda one: one.key) :]
    shown = [replace(one, is_new=one.received_at > since) for one in rest[: PAGE_SIZE + 1]]
    decides = looking.person.may(Ability.DECIDE, looking.region)
    return Today(
        units=board.units,
        expected=board.expected,
        received=board.expected - board.missing,
        from_offices=board.from_offices,
        counts=board.counts,
        mine=board.counts[State.WAITING] * decides + sum(step.is_mine for step in steps),
        steps=steps,
        changes=changes,
        entries=sliced(shown, lambda one: one.key),
        listed=len(listed),
    )


def all_entries(looking: Looking) -> tuple[Entry, ...]:
    """Every submission of a region, received or expected, by urgency: for whoever watches over deadlines."""
    with read(looking.ground.engine) as connection:
        return _board(connection, looking).entries


def mark_seen(looking: Looking) -> None:
    """Remember that the person has seen everything up to now."""
    whose = (
        desk_seen.c.account == looking.person.name,
        desk_seen.c.year == looking.year,
        desk_seen.c.region == looking.region,
    )
    seen_at = looking.now.isoformat(timespec="seconds")
    with write(looking.ground.engine) as connection:
        if connection.execute(update(desk_seen).where(*whose).values(seen_at=seen_at)).rowcount == 0:
            connection.execute(
                insert(desk_seen).values(
                    account=looking.person.name, year=looking.year, region=looking.region, seen_at=seen_at
                )
            )


# --- submissions ---


@dataclass(frozen=True)
class _Board:
    """Every submission of a region with its state, by urgency: the same for everybody until something happens."""

    entries: tuple[Entry, ...]
    units: int
    expected: int
    missing: int
    from_offices: int
    counts: Mapping[State, int]
    _lists: dict[str, list[Entry]] = field(default_factory=dict)

    def listed(self, show: str, unit: str) -> list[Entry]:
        """The entries that are shown, by urgency."""
        if show not in self._lists:
            self._lists[show] = [one for one in self.entries if _is_shown(one, show)]
        found = self._lists[show]
        return [one for one in found if _is_of(one, unit)] if unit else found


_BOARDS: dict[tuple[str, int, str], tuple[object, object, _Board]] = {}
"""The last board of a store, year and region, with what it was made from; a province has a few dozen."""


def _board(connection: Connection, looking: Looking) -> _Board:
    """The board, made anew only when something it rests on has changed."""
    place = (str(connection.engine.url), looking.year, looking.region)
    stands_on = _rests_on(connection, looking)
    kept = _BOARDS.get(place)
    if kept is not None and kept[0] is looking.ground.registry and kept[1] == stands_on:
        return kept[2]
    board = _new_board(connection, looking)
    _BOARDS[place] = (looking.ground.registry, stands_on, board)
    return board


def _rests_on(connection: Connection, looking: Looking) -> tuple[object, ...]:
    """What changes whenever a state, an owner or a deadline may: rows are only added, so the last ones tell."""
    judged = select(current_validation.c.validation_id).where(
        current_validation.c.year == looking.year, current_validation.c.region == looking.region
    )
    everything = (
        judged,
        select(func.max(parse.c.parse_id)),
        select(func.max(decision.c.decision_id)),
        select(func.count()).select_from(submission).where(submission.c.year == looking.year),
        select(func.count()).select_from(submission_return).where(submission_return.c.year == looking.year),
        select(func.count()).select_from(request_ruling),
    )
    row = connection.execute(select(*(one.scalar_subquery() for one in everything))).one()
    limit = Deadlines(looking.ground, looking.year).of_year
    return (*row, looking.ground.editions, looking.today, limit, _stewards(looking))


_EXPECTED: dict[tuple[int, str], tuple[Registry, tuple[str, date], tuple[Expected, ...]]] = {}
"""What a year asks of a region, with what that was worked out from: only the ground and the day change it."""


def _expected(looking: Looking) -> tuple[Expected, ...]:
    """What a year asks of a region; half the cost of a board, and no decision or submission changes it."""
    ground, place = looking.ground, (looking.year, looking.region)
    stands_on = (ground.edition(looking.year).digest, looking.today)
    kept = _EXPECTED.get(place)
    if kept is not None and kept[0] is ground.registry and kept[1] == stands_on:
        return kept[2]
    found = expected_submissions(ground, looking.year, looking.region, looking.today)
    _EXPECTED[place] = (ground.registry, stands_on, found)
    return found


def _new_board(connection: Connection, looking: Looking) -> _Board:
    asked = _expected(looking)
    entries = sorted(_entries(connection, looking, asked), key=lambda one: one.key)
    own = [one for one in entries if one.kind == SubmissionKind.UNIT]
    counts = Counter(one.state for one in entries)
    return _Board(
        entries=tuple(entries),
        units=len(units_of(looking.ground, looking.year, looking.region, looking.today)),
        expected=len(asked),
        missing=sum(one.state in (State.EXPECTED, State.OVERDUE) for one in own),
        from_offices=len(entries) - len(own),
        counts={state: counts[state] for state in State},
    )


def _entries(connection: Connection, looking: Looking, expected: tuple[Expected, ...]) -> list[Entry]:
    senders = _senders(looking)
    found = list(stands(connection, looking.year, senders))
    deadlines = Deadlines(looking.ground, looking.year)
    stewards = _stewards(looking)
    names = {code: unit_name(looking.ground.registry, code, _day_of(looking)) for code in senders}
    entries = [_received(one, looking, deadlines, stewards, names) for one in found]
    reported: dict[str, list[Period]] = {}
    for one in found:
        if one.kind == SubmissionKind.UNIT:
            reported.setdefault(one.sender_code, []).append(Period.parse(one.period))
    for asked in expected:
        if not covers(asked.period, reported.get(asked.unit_code, ())):
            entries.append(_missing(asked.unit_code, asked.period, looking, deadlines, names))
    return entries


def _senders(looking: Looking) -> list[str]:
    """Everybody of the region who is or was assessed or may report."""
    registry = looking.ground.registry
    return sorted({unit.unit_code for unit in registry.units if registry.region_of(unit) == looking.region})


def _day_of(looking: Looking) -> date:
    return looking.ground.registry.deciding_day(looking.year, looking.today)


def _received(
    stand: Stand,
    looking: Looking,
    deadlines: Deadlines,
    stewards: str,
    names: Mapping[str, str],
) -> Entry:
    period = Period.parse(stand.period)
    owner, deadline = _whose_turn(stand, period, looking, deadlines, stewards, names[stand.sender_code])
    return Entry(
        stand.sender_code,
        names[stand.sender_code],
        stand.kind,
        stand.period,
        period.name_zh,
        stand.submission_id,
        stand.revision,
        stand.received_at,
        stand.state,
        False,
        owner,
        deadline,
        deadline.passed(looking.today),
    )


def _missing(
    unit_code: str, period: Period, looking: Looking, deadlines: Deadlines, names: Mapping[str, str]
) -> Entry:
    deadline = deadlines.of_report(period, unit_code)
    late = deadline.passed(looking.today)
    return Entry(
        unit_code,
        names[unit_code],
        SubmissionKind.UNIT.value,
        str(period),
        period.name_zh,
        "",
        0,
        "",
        State.OVERDUE if late else State.EXPECTED,
        False,
        Owner("unit", names[unit_code]),
        deadline,
        late,
    )


def _whose_turn(
    stand: Stand, period: Period, looking: Looking, deadlines: Deadlines, stewards: str, unit: str
) -> tuple[Owner | None, Deadline]:
    """Who has to act on a received submission, and until when."""
    if stand.state is State.ACCEPTED:
        return None, Deadline()
    if stand.state is State.RECEIVED:
        return _who_reads(looking)
    if stand.state is State.WAITING:
        return Owner("steward", stewards), deadlines.of_year
    own = deadlines.of_report(period, stand.sender_code)
    return Owner("unit", unit), deadlines.of_year if own.passed(looking.today) else own


def _who_reads(looking: Looking) -> tuple[Owner, Deadline]:
    if looking.year <= looking.today.year - _OPEN_YEARS:
        return Owner("operator"), Deadlines(looking.ground, looking.year).of_year
    return Owner("system"), Deadline((looking.today + _DAY).isoformat(), "night")


def _stewards(looking: Looking) -> str:
    signers = final.Signers.load(looking.ground.settings.signers_dir)
    return "、".join(signers.named(looking.region, looking.today))


def _urgency(entry: Entry) -> str:
    """Late ones first, then by deadline, what is final last."""
    if entry.state is State.ACCEPTED:
        return "3"
    return f"{0 if entry.is_late else 1}{entry.deadline.day or '9'}"


def _is_shown(entry: Entry, show: str) -> bool:
    return show in ("all", entry.state.value) or (show == "open" and entry.state in OPEN)


def _is_of(entry: Entry, unit: str) -> bool:
    return unit in entry.unit_name or unit.upper() == entry.unit_code


# --- other steps ---


def _steps(connection: Connection, looking: Looking) -> Iterator[Step]:
    yield from _step_of_year(connection, looking)
    yield from _steps_of_ground(connection, looking)
    yield from _steps_of_outbox(connection, looking)


def _step_of_year(connection: Connection, looking: Looking) -> Iterator[Step]:
    settings = looking.ground.settings
    path = f"/years/{looking.year}/{looking.region}"
    try:
        status = final.region_status(
            connection,
            looking.year,
            looking.region,
            today=looking.today,
            windows=final.Windows(
                looking.ground.edition(looking.year), WorkingDays.load(settings.holidays_dir)
            ),
            signers=final.Signers.load(settings.signers_dir),
        )
    except ConfigurationError as problem:
        yield Step("年度结果", Owner("operator"), Deadline(problem=str(problem)), False, False, path)
        return
    if not status.next_zh or looking.year >= looking.today.year:
        return
    signs, system = "签发" in status.next_zh, status.owner_zh.startswith("系统")
    can_act = not system and not status.next_zh.startswith("公示")
    ability = Ability.SIGN if signs else Ability.DECIDE
    owner = Owner("system") if system else Owner("chief" if signs else "steward", status.owner_zh)
    yield Step(
        status.next_zh,
        owner,
        Deadline(status.deadline, "step") if status.deadline else Deadline(),
        status.overdue,
        can_act and looking.person.may(ability, looking.region),
        path,
    )


def _steps_of_ground(connection: Connection, looking: Looking) -> Iterator[Step]:
    waiting = (
        select(ground_proposal.c.proposal_id, ground_proposal.c.proposed_by, ground_proposal.c.proposer_name)
        .outerjoin(ground_ruling, ground_ruling.c.proposal_id == ground_proposal.c.proposal_id)
        .where(ground_ruling.c.proposal_id.is_(None))
        .order_by(ground_proposal.c.proposal_id)
        .limit(PAGE_SIZE)
    )
    for row in connection.execute(waiting):
        yield Step(
            "考评依据变更（{who}提出）等待第二人审批",
            Owner("operator"),
            Deadline(),
            False,
            looking.person.may(Ability.OPERATE) and looking.person.name != row.proposed_by,
            f"/ground/{row.proposal_id}",
            {"who": row.proposer_name},
        )


def _steps_of_outbox(connection: Connection, looking: Looking) -> Iterator[Step]:
    stuck = (
        select(outbox.c.state, func.count())
        .join(
            current_result,
            (current_result.c.year == outbox.c.year) & (current_result.c.unit_code == outbox.c.unit_code),
        )
        .where(
            outbox.c.year == looking.year,
            current_result.c.region == looking.region,
            outbox.c.state.in_((OutboxState.REFUSED.value, OutboxState.CONFLICT.value)),
        )
        .group_by(outbox.c.state)
        .order_by(outbox.c.state)
    )
    words = {"refused": "{count} 份结果被平台拒绝", "conflict": "{count} 份结果与平台不一致"}
    for state, count in connection.execute(stuck):
        yield Step(
            words[state],
            Owner("operator"),
            Deadline(),
            False,
            looking.person.may(Ability.OPERATE, looking.region),
            f"/years/{looking.year}/{looking.region}",
            {"count": count},
        )


# --- changes ---


def _seen(connection: Connection, looking: Looking) -> str:
    found = connection.scalar(
        select(desk_seen.c.seen_at).where(
            desk_seen.c.account == looking.person.name,
            desk_seen.c.year == looking.year,
            desk_seen.c.region == looking.region,
        )
    )
    return str(found or "")


def _changes(connection: Connection, looking: Looking, since: str, is_marked: bool) -> Changes:
    senders = _senders(looking)
    moved = _moved(connection, looking, since)
    newer = (
        select(func.count())
        .select_from(final_proposal)
        .outerjoin(
            final_outcome,
            (final_outcome.c.year == final_proposal.c.year)
            & (final_outcome.c.region == final_proposal.c.region)
            & (final_outcome.c.number == final_proposal.c.number),
        )
        .where(
            final_proposal.c.year == looking.year,
            final_proposal.c.region == looking.region,
            (final_proposal.c.proposed_at > since) | (final_outcome.c.decided_at > since),
        )
    )
    return Changes(
        since=since,
        is_marked=is_marked,
        received=_counted(
            connection,
            select(submission.c.submission_id)
            .where(submission.c.year == looking.year, submission.c.received_at > since)
            .where(submission.c.sender_code.in_(senders)),
        ),
        decided=_counted(
            connection,
            select(decision.c.decision_id)
            .where(decision.c.year == looking.year, decision.c.decided_at > since)
            .where(decision.c.unit_code.in_(senders)),
        ),
        results=tuple(moved[:5]),
        results_moved=Bounded(len(moved), BOUND),
        proposals=int(connection.execute(newer).scalar_one()),
    )


def _counted(connection: Connection, statement: object) -> Bounded:
    found = statement.limit(BOUND).subquery()  # type: ignore[attr-defined]
    return Bounded(int(connection.execute(select(func.count()).select_from(found)).scalar_one()), BOUND)


def _moved(connection: Connection, looking: Looking, since: str) -> list[Moved]:
    """The units of the region whose newest result was computed since, the largest change first."""
    before = (
        select(result.c.score)
        .where(
            result.c.year == current_result.c.year,
            result.c.unit_code == current_result.c.unit_code,
            result.c.version < current_result.c.version,
            result.c.computed_at <= since,
        )
        .order_by(result.c.version.desc())
        .limit(1)
        .correlate(current_result)
        .scalar_subquery()
    )
    now = (
        select(
            result.c.unit_code,
            result.c.unit_name,
            before.label("before"),
            result.c.score,
            result.c.version,
        )
        .join(
            current_result,
            (current_result.c.year == result.c.year)
            & (current_result.c.unit_code == result.c.unit_code)
            & (current_result.c.version == result.c.version),
        )
        .where(
            current_result.c.year == looking.year,
            current_result.c.region == looking.region,
            result.c.computed_at > since,
        )
        .limit(BOUND)
    )
    rows = [Moved(*row) for row in connection.execute(now)]
    changed = [one for one in rows if one.before != one.score]
    return sorted(changed, key=lambda one: (-_distance(one), one.unit_code))


def _distance(moved: Moved) -> float:
    return abs(float(moved.score) - float(moved.before)) if moved.before is not None else 0.0


__all__ = [
    "BOUND",
    "SHOWN",
    "Changes",
    "Entry",
    "Looking",
    "Moved",
    "Owner",
    "Step",
    "Today",
    "all_entries",
    "mark_seen",
    "today_page",
]
