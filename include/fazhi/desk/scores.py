"""Scores as the desk shows them. In: stored results, the ground. Out: rankings, waterfalls, what moved and what would.

Nothing here computes a score of its own: digits are those stored, or those of the scoring stage under a supposition.
Points are integers of hundredths until they are written. A unit's page reads only what bears on the unit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection, Row, select

from fazhi.desk.paging import PAGE_SIZE, Slice, cursor_of, key_of
from fazhi.model.terms import Group, LineStatus
from fazhi.registry import Registry
from fazhi.score.changes import contributions
from fazhi.score.dossier import Dossier, read_dossier
from fazhi.score.explain import Basis, Quota, component_of, exact_quotas, figure_of
from fazhi.score.ranking import ranked
from fazhi.score.results import hundredths
from fazhi.store.tables import current_result, result, submission_file
from fazhi.systems.edition import Edition, Indicator, code_key
from fazhi.systems.wording import rule_zh

VERSIONS_SHOWN = 20
_Row = Row[*tuple[Any, ...]]

# --- rankings


@dataclass(frozen=True)
class LastYear:
    """A unit's result of the year before."""

    score: int
    rank: int
    tentative: bool
    same_edition: bool
    """Whether both years were scored by one and the same edition."""


@dataclass(frozen=True)
class Ranked:
    """One unit in a ranking; points are hundredths."""

    unit_code: str
    unit_name: str
    version: int
    stage: str
    score: int
    base: int
    bonus: int
    deduction: int
    component: int
    grade: str
    grade_reason: str
    rank: int
    tentative: bool
    """The rank is worked out for the page (暂列名次): a provisional result has none."""
    last_year: LastYear | None = None


@dataclass(frozen=True)
class Pool:
    """Units that are ranked with one another: of the same parent, regions or departments."""

    parent_code: str
    is_region: bool
    units: int
    highest: int
    lowest: int
    mean: int
    """Rounded half up."""
    tentative: bool
    """Whether any of its ranks is."""
    rows: Slice[Ranked]

    @property
    def key(self) -> str:
        """Its name in an address."""
        return f"{self.parent_code}-{'regions' if self.is_region else 'departments'}"


@dataclass(frozen=True)
class Ranking:
    """A region's rankings of a year."""

    year: int
    region: str
    pools: tuple[Pool, ...]
    systems: tuple[str, ...]
    """Ids of the editions that the results were computed with."""

    @property
    def units(self) -> int:
        """How many units have a result."""
        return sum(pool.units for pool in self.pools)


def ranking(
    connection: Connection,
    registry: Registry,
    year: int,
    region: str,
    *,
    today: date,
    pool: str = "",
    name: str = "",
    cursor: str | None = None,
) -> Ranking:
    """Rank the units of a region in a year, beside the year before.

    Reads one row for each unit of the region, none of its lines or values.

    Args:
        connection: An open connection.
        registry: Parents and kinds of the units.
        year: The assessment year.
        region: The region's division code.
        today: The day in Asia/Shanghai that decides while the year still runs.
        pool: Only this pool (``Pool.key``).
        name: Only units whose name or code holds this text; ranks stay those among all.
        cursor: Where the page of the pool begins.

    Raises:
        UsageError: The cursor is none, or the year has not begun.
    """
    after = key_of(cursor, (int, str))
    rows = _heads(connection, year, region)
    before = _ranks_of_year(
        _heads(connection, year - 1, region), registry, registry.deciding_day(year - 1, today)
    )
    pools = _pooled(rows, registry, registry.deciding_day(year, today))
    made = [
        _pool(key, some, before, name.strip().casefold(), after)
        for key, some in sorted(pools.items(), key=lambda item: (not item[0][1], item[0][0]))
    ]
    return Ranking(
        year=year,
        region=region,
        pools=tuple(one for one in made if pool in ("", one.key)),
        systems=tuple(sorted({row.system_id for row in rows})),
    )


_PoolKey = tuple[str, bool]


def _heads(connection: Connection, year: int, region: str) -> Sequence[_Row]:
    statement = (
        select(
            *(
                result.c[name]
                for name in (
                    *("unit_code", "unit_name", "version", "stage", "score", "base", "bonus", "deduction"),
                    *("component", "grade", "grade_reason", "rank", "system_id", "system_digest"),
                )
            )
        )
        .join(
            current_result,
            (current_result.c.year == result.c.year)
            & (current_result.c.unit_code == result.c.unit_code)
            & (current_result.c.version == result.c.version),
        )
        .where(current_result.c.year == year, current_result.c.region == region)
    )
    return connection.execute(statement).all()


def _pooled(rows: Sequence[_Row], registry: Registry, day: date) -> dict[_PoolKey, list[_Row]]:
    """Rows by parent and kind; a unit that the registry no longer knows on the day stands by itself."""
    pools: dict[_PoolKey, list[_Row]] = {}
    for row in rows:
        unit = registry.unit_on(row.unit_code, day)
        key = ("", False) if unit is None else (unit.parent_code, unit.is_region)
        pools.setdefault(key, []).append(row)
    return pools


def _ranks_of_year(rows: Sequence[_Row], registry: Registry, day: date) -> dict[str, tuple[_Row, int, bool]]:
    return {
        row.unit_code: (row, *_rank(row, among))
        for some in _pooled(rows, registry, day).values()
        for among in [_ranks(some)]
        for row in some
    }


def _ranks(rows: Sequence[_Row]) -> dict[str, int]:
    return ranked({row.unit_code: hundredths(row.score) for row in rows})


def _rank(row: _Row, among: Mapping[str, int]) -> tuple[int, bool]:
    return (among[row.unit_code], True) if row.rank is None else (row.rank, False)


def _pool(
    key: _PoolKey,
    rows: Sequence[_Row],
    before: Mapping[str, tuple[_Row, int, bool]],
    name: str,
    after: tuple[str | int, ...] | None,
) -> Pool:
    ranks = _ranks(rows)
    scores = [hundredths(row.score) for row in rows]
    in_order = sorted(rows, key=_place)
    listed = [
        row
        for row in in_order
        if (after is None or _place(row) > after)
        and (not name or name in row.unit_name.casefold() or name == row.unit_code.casefold())
    ]
    shown = listed[:PAGE_SIZE]
    more = len(listed) > PAGE_SIZE
    return Pool(
        parent_code=key[0],
        is_region=key[1],
        units=len(rows),
        highest=max(scores),
        lowest=min(scores),
        mean=(2 * sum(scores) + len(scores)) // (2 * len(scores)),
        tentative=any(row.rank is None for row in rows),
        rows=Slice(
            tuple(_ranked(row, ranks, before.get(row.unit_code)) for row in shown),
            cursor_of(_place(shown[-1])) if more else None,
        ),
    )


def _place(row: _Row) -> tuple[int, str]:
    return -hundredths(row.score), row.unit_code


def _ranked(row: _Row, ranks: Mapping[str, int], before: tuple[_Row, int, bool] | None) -> Ranked:
    rank, tentative = _rank(row, ranks)
    return Ranked(
        unit_code=row.unit_code,
        unit_name=row.unit_name,
        version=row.version,
        stage=row.stage,
        score=hundredths(row.score),
        base=hundredths(row.base),
        bonus=hundredths(row.bonus),
        deduction=hundredths(row.deduction),
        component=hundredths(row.component),
        grade=row.grade or "",
        grade_reason=row.grade_reason or "",
        rank=rank,
        tentative=tentative,
        last_year=None
        if before is None
        else LastYear(
            hundredths(before[0].score), before[1], before[2], before[0].system_digest == row.system_digest
        ),
    )


# --- one unit


@dataclass(frozen=True)
class Place:
    """Where a used value was read: the submission's page is ``/submissions/{submission_id}/{revision}``."""

    submission_id: str
    revision: int | None
    """``None`` for values that no file holds, and for files that the store no longer lists."""
    file_name: str
    file_sha256: str
    sheet: str
    cell: str
    cell_denominator: str


@dataclass(frozen=True)
class Figure:
    """One value that a line was computed from."""

    period: str
    figure: str
    kind: str
    place: Place


@dataclass(frozen=True)
class UnitLine:
    """One indicator of a unit's score; points are hundredths."""

    indicator_code: str
    name: str
    group: Group
    full_mark: str
    status: LineStatus
    weight: int | None
    rate: Fraction | None
    points: int | None
    above: int
    """How much of the 100 is left before this line's loss: where its bar ends on the right."""
    quota: Quota | None
    """Its exact weight before rounding; ``None`` without the edition."""
    rule_zh: str
    figures: tuple[Figure, ...]
    decisions: tuple[_Row, ...]

    @property
    def lost(self) -> int:
        """What the unit could still have got here."""
        return (self.weight or 0) - (self.points or 0)


@dataclass(frozen=True)
class GroupSum:
    """A group's part of the score; points are hundredths."""

    group: Group
    declared: Fraction | None
    """The share that the unit's profile gives, ``None`` without the edition."""
    share: Fraction | None
    """What it is after redistribution: nothing for a group without an indicator, whose share the others take."""
    weight: int
    """The sum of its lines' weights; rounding line by line moves it a little from ``share``."""
    points: int
    lines: int

    @property
    def lost(self) -> int:
        """What the unit did not get."""
        return self.weight - self.points

    @property
    def again(self) -> bool:
        """Whether the share was changed by redistribution (折算)."""
        return self.declared != self.share


@dataclass(frozen=True)
class Version:
    """One stored version of a result."""

    version: int
    stage: str
    score: int
    computed_at: str


@dataclass(frozen=True)
class UnitScore:
    """A version of a unit's result, down to cells; points are hundredths."""

    head: _Row
    current: bool
    lines: tuple[UnitLine, ...]
    """In the order of groups and codes."""
    groups: tuple[GroupSum, ...]
    events: tuple[_Row, ...]
    base: int
    bonus: int
    deduction: int
    clamp: int
    score: int
    component: int
    component_by_score: int
    """What total, share and score alone make; more than ``component`` where a veto lowered it."""
    versions: tuple[Version, ...]
    """The newest ones, newest first."""
    more_versions: bool
    edition_known: bool

    @property
    def lost(self) -> int:
        """Points of 100 that the lines did not bring."""
        return sum(line.lost for line in self.lines)


def unit_score(
    connection: Connection,
    registry: Registry,
    edition: Edition | None,
    year: int,
    unit_code: str,
    *,
    today: date,
    version: int | None = None,
    english: bool = False,
) -> UnitScore:
    """Take a unit's result apart.

    Args:
        connection: An open connection.
        registry: The unit's profile, by its tags.
        edition: The edition that made the result, if it is at hand; another one is not used.
        year: The assessment year.
        unit_code: The unit.
        today: The day in Asia/Shanghai that decides while the year still runs.
        version: Which version; the one the unit has now unless told otherwise.
        english: Names of indicators in English.

    Raises:
        UsageError: There is no such result.
    """
    dossier = read_dossier(connection, year, unit_code, version)
    head = dossier.head
    known = edition if edition is not None and edition.digest == head.system_digest else None
    basis = _basis(registry, known, year, unit_code, today)
    versions = _versions(connection, year, unit_code)
    lines = tuple(_lines(connection, dossier, known, basis, english))
    base, bonus, deduction, score, component = (
        hundredths(text) for text in (head.base, head.bonus, head.deduction, head.score, head.component)
    )
    return UnitScore(
        head=head,
        current=head.version == _current_version(connection, year, unit_code),
        lines=lines,
        groups=tuple(_group_sums(lines, basis)),
        events=tuple(dossier.events),
        base=base,
        bonus=bonus,
        deduction=deduction,
        clamp=score - (base + bonus - deduction),
        score=score,
        component=component,
        component_by_score=component_of(head.total_points, head.share, score),
        versions=versions[:VERSIONS_SHOWN],
        more_versions=len(versions) > VERSIONS_SHOWN,
        edition_known=known is not None,
    )


def _basis(
    registry: Registry, edition: Edition | None, year: int, unit_code: str, today: date
) -> Basis | None:
    unit = registry.unit_on(unit_code, registry.deciding_day(year, today))
    profile = None if unit is None or edition is None else edition.profile_of(unit.tags)
    return None if edition is None or profile is None else Basis(edition, profile)


def _current_version(connection: Connection, year: int, unit_code: str) -> int | None:
    statement = select(current_result.c.version).where(
        current_result.c.year == year, current_result.c.unit_code == unit_code
    )
    return connection.execute(statement).scalar_one_or_none()


def _versions(connection: Connection, year: int, unit_code: str) -> tuple[Version, ...]:
    statement = (
        select(result.c.version, result.c.stage, result.c.score, result.c.computed_at)
        .where(result.c.year == year, result.c.unit_code == unit_code)
        .order_by(result.c.version.desc())
        .limit(VERSIONS_SHOWN + 1)
    )
    return tuple(
        Version(row.version, row.stage, hundredths(row.score), row.computed_at)
        for row in connection.execute(statement)
    )


def _lines(
    connection: Connection, dossier: Dossier, edition: Edition | None, basis: Basis | None, english: bool
) -> Iterator[UnitLine]:
    quotas = {} if basis is None else exact_quotas(dossier, basis)
    files = _files(connection, dossier)
    groups = list(Group)
    in_order = sorted(
        dossier.lines,
        key=lambda row: (groups.index(Group(row.indicator_group)), code_key(row.indicator_code)),
    )
    above = sum(hundredths(row.weight) for row in in_order if row.weight is not None)
    for row in in_order:
        code = row.indicator_code
        indicator = None if edition is None else edition.by_code.get(code)
        line = UnitLine(
            indicator_code=code,
            name=_name(indicator, english),
            group=Group(row.indicator_group),
            full_mark=row.full_mark,
            status=LineStatus(row.status),
            weight=None if row.weight is None else hundredths(row.weight),
            rate=None
            if row.rate_numerator is None
            else Fraction(int(row.rate_numerator), int(row.rate_denominator)),
            points=None if row.points is None else hundredths(row.points),
            above=above,
            quota=quotas.get(code),
            rule_zh="" if indicator is None else rule_zh(indicator),
            figures=tuple(_figure(used, files) for used in dossier.inputs.get(code, ())),
            decisions=tuple(one for one in dossier.decisions if one.indicator_code == code),
        )
        above -= line.lost
        yield line


def _name(indicator: Indicator | None, english: bool) -> str:
    if indicator is None:
        return ""
    return indicator.name_en if english and indicator.name_en else indicator.name_zh


_File = tuple[int, str]
"""Revision and name."""


def _files(connection: Connection, dossier: Dossier) -> dict[tuple[str, str], _File]:
    """The newest revision of a submission that holds a file, by submission and digest."""
    wanted = sorted(
        {row.submission_id for rows in dossier.inputs.values() for row in rows if row.submission_id}
    )
    found: dict[tuple[str, str], _File] = {}
    statement = (
        select(
            submission_file.c.submission_id,
            submission_file.c.revision,
            submission_file.c.name,
            submission_file.c.sha256,
        )
        .where(submission_file.c.submission_id.in_(wanted), submission_file.c.role == "workbook")
        .order_by(submission_file.c.revision)
    )
    for row in connection.execute(statement):
        found[row.submission_id, row.sha256] = (row.revision, row.name)
    return found


def _figure(row: _Row, files: Mapping[tuple[str, str], _File]) -> Figure:
    revision, name = files.get((row.submission_id, row.file_sha256), (None, ""))
    return Figure(
        period=row.period,
        figure=figure_of(row),
        kind=row.kind,
        place=Place(
            submission_id=row.submission_id,
            revision=revision,
            file_name=name,
            file_sha256=row.file_sha256,
            sheet=row.sheet or "",
            cell=row.cell or "",
            cell_denominator=row.cell_denominator or "",
        ),
    )


def _group_sums(lines: Sequence[UnitLine], basis: Basis | None) -> Iterator[GroupSum]:
    for group in Group:
        of_group = [line for line in lines if line.group is group]
        declared = None if basis is None else Fraction(basis.profile.shares.get(group, 0))
        if of_group or declared:
            quotas = (line.quota.share for line in of_group if line.quota is not None)
            yield GroupSum(
                group=group,
                declared=declared,
                share=None if basis is None else next(quotas, Fraction(0)),
                weight=sum(line.weight or 0 for line in of_group),
                points=sum(line.points or 0 for line in of_group),
                lines=sum(line.weight is not None for line in of_group),
            )


# --- against another year


@dataclass(frozen=True)
class YearLine:
    """What one indicator brought in two years; points are hundredths, ``None`` where it did not count."""

    indicator_code: str
    name: str
    before: _Row | None
    now: _Row | None
    by_rate: int
    by_weight: int
    changed: tuple[str, ...]
    """What the edition changed about the indicator; such a line is shown and not called better or worse."""

    @property
    def points(self) -> int:
        """What the line contributes to the difference."""
        return self.by_rate + self.by_weight


@dataclass(frozen=True)
class YearComparison:
    """A unit's current results of two years, newer minus older, in hundredths."""

    year: int
    before_year: int
    unit_code: str
    before: _Row
    now: _Row
    same_edition: bool
    editions_known: bool
    """Whether both editions were at hand, so that changed definitions are told."""
    lines: tuple[YearLine, ...]
    """Those that differ, the largest first."""
    unchanged: int
    bonus: int
    deduction: int
    """Negative when more was deducted."""
    clamp: int
    score: int

    @property
    def comparable(self) -> int:
        """What the indicators brought that mean the same in both years."""
        return sum(line.points for line in self.lines if line.before and line.now and not line.changed)

    @property
    def by_edition(self) -> int:
        """What new, dropped and redefined indicators brought."""
        return sum(line.points for line in self.lines) - self.comparable


_DEFINING: Mapping[str, Any] = {
    "名称": lambda one: one.name_zh,
    "分子": lambda one: one.numerator_zh,
    "分母": lambda one: one.denominator_zh,
    "计分规则": rule_zh,
    "标准分": lambda one: one.full_mark,
    "汇总办法": lambda one: (one.aggregation, one.reporting),
    "报送频次": lambda one: one.frequency,
    "指标组": lambda one: one.group,
}


def against_year(
    connection: Connection,
    year: int,
    before_year: int,
    unit_code: str,
    *,
    edition: Edition | None,
    before_edition: Edition | None,
    english: bool = False,
) -> YearComparison | None:
    """Compare a unit's result with that of another year, line by line; every sum adds up.

    Args:
        connection: An open connection.
        year: The assessment year.
        before_year: The year to compare with.
        unit_code: The unit.
        edition: The edition of ``year``; used where it made the result.
        before_edition: The edition of ``before_year``; likewise.
        english: Names of indicators in English.

    Returns:
        ``None`` when the unit has no result in the other year.

    Raises:
        UsageError: The unit has no result in ``year``.
    """
    now = read_dossier(connection, year, unit_code)
    if _current_version(connection, before_year, unit_code) is None:
        return None
    before = read_dossier(connection, before_year, unit_code)
    new = edition if edition is not None and edition.digest == now.head.system_digest else None
    old = (
        before_edition
        if before_edition is not None and before_edition.digest == before.head.system_digest
        else None
    )
    lines = list(_year_lines(before, now, old, new, english))
    heads = [
        {name: hundredths(getattr(one.head, name)) for name in ("base", "bonus", "deduction", "score")}
        for one in (before, now)
    ]
    clamps = [one["score"] - (one["base"] + one["bonus"] - one["deduction"]) for one in heads]
    differing = [line for line in lines if line.points or line.changed or not (line.before and line.now)]
    return YearComparison(
        year=year,
        before_year=before_year,
        unit_code=unit_code,
        before=before.head,
        now=now.head,
        same_edition=before.head.system_digest == now.head.system_digest,
        editions_known=old is not None and new is not None,
        lines=tuple(sorted(differing, key=lambda line: (-abs(line.points), code_key(line.indicator_code)))),
        unchanged=len(lines) - len(differing),
        bonus=heads[1]["bonus"] - heads[0]["bonus"],
        deduction=heads[0]["deduction"] - heads[1]["deduction"],
        clamp=clamps[1] - clamps[0],
        score=heads[1]["score"] - heads[0]["score"],
    )


def _year_lines(
    before: Dossier, now: Dossier, old: Edition | None, new: Edition | None, english: bool
) -> Iterator[YearLine]:
    was = {row.indicator_code: row for row in before.lines}
    is_now = {row.indicator_code: row for row in now.lines}
    for code in sorted({*was, *is_now}, key=code_key):
        then = None if old is None else old.by_code.get(code)
        today = None if new is None else new.by_code.get(code)
        by_rate, by_weight = contributions(was.get(code), is_now.get(code))
        yield YearLine(
            indicator_code=code,
            name=_name(today or then, english),
            before=was.get(code),
            now=is_now.get(code),
            by_rate=by_rate,
            by_weight=by_weight,
            changed=()
            if then is None or today is None
            else tuple(name for name, tell in _DEFINING.items() if tell(then) != tell(today)),
        )


def region_of_result(connection: Connection, year: int, unit_code: str) -> str | None:
    """The region in which a unit has a result in a year; ``None`` when it has none."""
    statement = select(current_result.c.region).where(
        current_result.c.year == year, current_result.c.unit_code == unit_code
    )
    return connection.execute(statement).scalar_one_or_none()
