"""What is still open on a unit, and what each decision would do to its score. In: the store, a unit. Out: exact digits.

Each open hold and each undecided claim of 不适用 is supposed decided, by itself and all together, and the scoring stage
computes the unit anew from the values in force. Nothing is written. Warnings do not stop a value, so that confirming one
changes nothing; what a department would correct cannot be known, so that only the most it could bring is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from fazhi.model.period import Period
from fazhi.model.terms import LineStatus, Severity, Stage
from fazhi.registry import Registry
from fazhi.score import Supposition, suppose
from fazhi.score.dossier import read_dossier
from fazhi.score.results import NewResult, hundredths
from fazhi.store.decisions import DecisionKey, in_force
from fazhi.store.tables import current_parse, current_validation, finding, parse, value
from fazhi.systems.edition import Edition, code_key

SUPPOSED_ALONE = 20
"""How many open decisions are worked out one by one; all of them are in the sum."""
READ_AT_MOST = 500
"""How many open findings of a severity are read of one unit."""
_Row = Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class Outcome:
    """A result as supposed; hundredths of a point. Without anything left to score there is none."""

    score: int
    component: int


@dataclass(frozen=True)
class OpenDecision:
    """A decision that nobody has taken yet, and what an approval would make of the unit."""

    kind: str
    """``hold`` or ``not_applicable``."""
    indicator_code: str
    periods: tuple[str, ...]
    """One for a hold; claims of 不适用 on an indicator are supposed approved together."""
    submission_id: str
    revision: int
    sheet: str
    cell: str
    said: str
    """What the rule says of the value, or the department's reason for 不适用."""
    said_en: str
    """The rule's words in English; a department's reason as it was written."""
    findings: tuple[int, ...]
    outcome: Outcome | None
    """``None`` where it was not worked out by itself, or where nothing would be left to score."""
    worked_out: bool


@dataclass(frozen=True)
class Recoverable:
    """A line that brings nothing because its value was returned, waits, or is missing."""

    indicator_code: str
    status: LineStatus
    most: int
    """What the best possible value would bring."""


@dataclass(frozen=True)
class Prospects:
    """What a unit's score could still become; hundredths of a point."""

    stage: str
    stored: Outcome
    as_stands: Outcome | None
    """Computed from what is in force now; differs from ``stored`` when the next run will change the score."""
    open_decisions: tuple[OpenDecision, ...]
    all_approved: Outcome | None
    warnings: int
    """Open warnings; confirming them changes no score."""
    recoverable: tuple[Recoverable, ...]
    cut: bool
    """Whether more is open than was read."""

    @property
    def pending_run(self) -> bool:
        """Whether something was decided or read since the result was computed."""
        return self.as_stands != self.stored


def prospects(
    connection: Connection,
    edition: Edition,
    registry: Registry,
    year: int,
    unit_code: str,
    *,
    today: date,
) -> Prospects:
    """Work out what open decisions would change.

    Args:
        connection: An open connection.
        edition: The year's edition.
        registry: Units, tasks, sources, adjustments.
        year: The assessment year.
        unit_code: A unit with a result.
        today: The day in Asia/Shanghai that decides while the year still runs.

    Raises:
        UsageError: The unit has no result, is not scored here, or was read under another edition.
    """
    dossier = read_dossier(connection, year, unit_code)
    stage = Stage(dossier.head.stage)
    family = (unit_code, *registry.predecessors_of(unit_code, year, today))
    ruled = in_force(connection, year, family)
    holds = _open_findings(connection, year, family, Severity.HOLD, ruled)
    warnings = _open_findings(connection, year, family, Severity.WARN, ruled)
    claims = _open_claims(
        connection, year, family, _applicable(edition, registry, year, unit_code, today), ruled
    )
    waiting = [*_by_value(holds), *_by_indicator(claims)]
    alone = waiting[:SUPPOSED_ALONE]
    suppositions = [Supposition(), *map(_supposed, ([one] for one in alone)), _supposed(waiting)]
    made = [
        _outcome(one)
        for one in suppose(
            connection, edition, registry, year, unit_code, suppositions, today=today, stage=stage
        )
    ]
    return Prospects(
        stage=stage.value,
        stored=Outcome(hundredths(dossier.head.score), hundredths(dossier.head.component)),
        as_stands=made[0],
        open_decisions=tuple(
            _open_decision(one, made[number] if number <= len(alone) else None, number <= len(alone))
            for number, one in enumerate(waiting, 1)
        ),
        all_approved=made[-1],
        warnings=len(warnings),
        recoverable=tuple(
            Recoverable(
                line.indicator_code,
                LineStatus(line.status),
                hundredths(line.weight) - hundredths(line.points or "0.00"),
            )
            for line in dossier.lines
            if line.status in (LineStatus.REJECTED, LineStatus.MISSING) and line.weight is not None
        ),
        cut=len(holds) >= READ_AT_MOST or len(warnings) >= READ_AT_MOST or len(claims) >= READ_AT_MOST,
    )


def _outcome(one: NewResult | None) -> Outcome | None:
    return None if one is None else Outcome(one.assessment.score, one.assessment.component)


def _applicable(
    edition: Edition, registry: Registry, year: int, unit_code: str, today: date
) -> tuple[str, ...]:
    unit = registry.unit_on(unit_code, registry.deciding_day(year, today))
    return () if unit is None else tuple(one.code for one in registry.applicable(edition, unit, year, today))


def _open_findings(
    connection: Connection,
    year: int,
    family: Sequence[str],
    severity: Severity,
    ruled: Mapping[DecisionKey, str],
) -> list[_Row]:
    """Findings in force of a severity on which nobody has decided."""
    kind = "hold" if severity is Severity.HOLD else "warning"
    current = [
        *connection.scalars(
            select(current_validation.c.validation_id).where(current_validation.c.year == year)
        )
    ]
    found: list[_Row] = []
    for validation_id in (*current, None):
        statement = (
            select(finding)
            .join(current_parse, current_parse.c.parse_id == finding.c.parse_id)
            .where(
                finding.c.year == year,
                finding.c.validation_id.is_(None)
                if validation_id is None
                else finding.c.validation_id == validation_id,
                finding.c.unit_code.in_(family),
                finding.c.severity == severity.value,
            )
            .order_by(finding.c.unit_code, finding.c.finding_id)
            .limit(READ_AT_MOST)
        )
        found += connection.execute(statement).all()
    return [row for row in found if _key_of(row, kind) not in ruled]


def _key_of(row: _Row, kind: str) -> DecisionKey:
    return DecisionKey(
        kind, row.unit_code, row.indicator_code or "", row.period, row.rule, row.value_digest or ""
    )


def _by_value(holds: Sequence[_Row]) -> list[tuple[_Row, ...]]:
    """Holds on one value are lifted together: any of them stops it."""
    by_value: dict[tuple[Any, ...], list[_Row]] = {}
    for row in holds:
        by_value.setdefault((row.parse_id, row.value_id), []).append(row)
    return [
        tuple(rows)
        for rows in sorted(
            by_value.values(), key=lambda rows: (code_key(rows[0].indicator_code or ""), rows[0].period)
        )
    ]


def _by_indicator(claims: Sequence[_Row]) -> list[tuple[_Row, ...]]:
    """An indicator is left out only once every due period is approved: its claims are looked at together."""
    by_indicator: dict[tuple[str, str], list[_Row]] = {}
    for row in claims:
        by_indicator.setdefault((row.unit_code, row.indicator_code), []).append(row)
    return [tuple(rows) for rows in by_indicator.values()]


def _open_claims(
    connection: Connection,
    year: int,
    family: Sequence[str],
    indicators: Sequence[str],
    ruled: Mapping[DecisionKey, str],
) -> list[_Row]:
    """Rows of current submissions that claim 不适用 and on which nobody has decided."""
    statement = (
        select(
            value.c.unit_code,
            value.c.indicator_code,
            value.c.period,
            value.c.reason,
            value.c.sheet,
            value.c.cell_not_applicable,
            value.c.cell_row,
            parse.c.submission_id,
            parse.c.revision,
        )
        .join(current_parse, current_parse.c.parse_id == value.c.parse_id)
        .join(parse, parse.c.parse_id == value.c.parse_id)
        .where(
            value.c.year == year,
            value.c.indicator_code.in_(indicators),
            value.c.unit_code.in_(family),
            value.c.not_applicable == 1,
            value.c.kind == "unit",
        )
        .limit(READ_AT_MOST)
    )
    claims = [
        row
        for row in connection.execute(statement)
        if DecisionKey.of_claim(row.unit_code, row.indicator_code, row.period) not in ruled
    ]
    return sorted(claims, key=lambda row: (code_key(row.indicator_code), Period.parse(row.period).rank))


def _supposed(waiting: Sequence[tuple[_Row, ...]]) -> Supposition:
    holds = [row for rows in waiting for row in rows if _is_hold(row)]
    claims = [row for rows in waiting for row in rows if not _is_hold(row)]
    return Supposition(
        released=frozenset(row.finding_id for row in holds),
        not_applicable=frozenset(
            (row.unit_code, row.indicator_code, Period.parse(row.period)) for row in claims
        ),
    )


def _is_hold(row: _Row) -> bool:
    return "finding_id" in row._fields


def _open_decision(rows: tuple[_Row, ...], outcome: Outcome | None, worked_out: bool) -> OpenDecision:
    first = rows[0]
    hold = _is_hold(first)
    return OpenDecision(
        kind="hold" if hold else "not_applicable",
        indicator_code=first.indicator_code or "",
        periods=tuple(dict.fromkeys(row.period for row in rows)),
        submission_id=first.submission_id,
        revision=first.revision,
        sheet=first.sheet or "",
        cell=(first.cell if hold else first.cell_not_applicable or first.cell_row) or "",
        said="；".join(dict.fromkeys(row.message_zh for row in rows)) if hold else first.reason or "",
        said_en="; ".join(dict.fromkeys(row.message_en for row in rows)) if hold else first.reason or "",
        findings=tuple(row.finding_id for row in rows) if hold else (),
        outcome=outcome,
        worked_out=worked_out,
    )
