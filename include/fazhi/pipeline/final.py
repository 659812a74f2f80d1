"""The steps of a year's final results. In: settings, a year, a region, an account. Out: committed rows, and counts.

Joins scoring (what the results are), publishing (proposals, signatures, seals, the outbox) and the store. Results are
computed anew at every step that binds them: what is proposed, what is signed and what a sealed year is compared with
is never an old copy. Moments come in from outside, so that a test can live through a year.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from fazhi.audit import SYSTEM, Actor
from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import ChangedMeanwhile, UsageError
from fazhi.model.terms import Stage
from fazhi.pipeline.ground import SHANGHAI, Counts, Ground
from fazhi.publish import final
from fazhi.registry.calendar import WorkingDays
from fazhi.score import (
    LINE_ZH,
    WHY_ZH,
    ComputedSlice,
    Difference,
    Snapshot,
    compute_slice,
    decided_since,
    described,
    differences,
    keep_results,
    kept_snapshots,
    result_body,
    snapshot_of,
)
from fazhi.settings import Settings
from fazhi.store import read, write
from fazhi.store.tables import appeal, current_result, current_validation, final_version, result

LISTED_IN_LOG = 200
"""How many differences are shown line by line; the file beside the report has them all, and says so."""


def _day(now: datetime) -> date:
    return now.astimezone(SHANGHAI).date()


@dataclass(frozen=True)
class Desk:
    """What the moves of a year's final results stand on, loaded once."""

    settings: Settings
    shared: Ground | None = None
    """A ground that was loaded already; ``None`` loads one."""

    @cached_property
    def ground(self) -> Ground:
        """Editions, registry and store."""
        return self.shared or Ground(self.settings)

    @cached_property
    def signers(self) -> final.Signers:
        """Who may propose, decide and sign."""
        return final.Signers.load(self.settings.signers_dir)

    @cached_property
    def calendar(self) -> WorkingDays:
        """The working days."""
        return WorkingDays.load(self.settings.holidays_dir)

    def windows(self, year: int) -> final.Windows:
        """The time limits of a year, by its own edition."""
        return final.Windows(self.ground.edition(year), self.calendar)

    def regions(self, year: int, now: datetime) -> tuple[str, ...]:
        """The regions with scored units in a year."""
        return self.ground.registry.regions(year, _day(now))


@dataclass(frozen=True)
class Preview:
    """What a proposal made now would contain."""

    draft: final.Draft
    without_result: Mapping[str, str]
    """Units that would get no result, with the reason in Chinese; of a correction none."""
    differences: tuple[Difference, ...]
    """Of a correction: what differs from the sealed results, line by line."""


def preview_proposal(settings: Settings, year: int, region: str, *, now: datetime) -> Preview:
    """Compute what would be proposed now, for a sealed region the correction; nothing is stored.

    Raises:
        UsageError: The region is unknown, the year is not validated, or a unit has lost its sealed result.
    """
    desk = Desk(settings)
    with read(desk.ground.engine) as connection:
        computed = _compute(desk, connection, year, region, now)
        if final.seal_of(connection, year, region) is None:
            return Preview(_draft(desk, year, region, computed), dict(computed.without_result), ())
        draft = _correction(desk, connection, year, region, computed)
        return Preview(draft, {}, _differences(connection, year, region, computed))


def propose_final(
    settings: Settings,
    year: int,
    region: str,
    *,
    account: str,
    reason: str = "",
    shown: str = "",
    now: datetime,
) -> Counts:
    """Compute a region's final results and publicise them inside the house.

    Args:
        settings: The settings.
        year: The assessment year.
        region: The region.
        account: Who proposes.
        reason: Why.
        shown: The digest of the preview that the account has read, where there was one.
        now: The present moment.

    Raises:
        UsageError: The account may not, the region is in another state, or the year is not validated.
        ChangedMeanwhile: The results are not those of the preview any more.
        ConfigurationError: A time limit, a holiday notice or the list of signers is missing or wrong.
    """
    desk = Desk(settings)
    by = desk.signers.official(account, region, _day(now))
    with write(desk.ground.engine) as connection:
        computed = _compute(desk, connection, year, region, now)
        draft = _draft(desk, year, region, computed)
        _require_shown(draft, shown)
        proposal = final.propose(connection, draft, by, reason, desk.windows(year), now)
    return _told(proposal) | {"without_result": dict(computed.without_result)}


def _require_shown(draft: final.Draft, shown: str) -> None:
    if shown and shown != draft.digest:
        raise ChangedMeanwhile(
            f"您看到的结果（摘要 {shown[:12]}）在此期间有了变动，现在是 {draft.digest[:12]}；什么也没有保存，请重新核对"
        )


def propose_correction(
    settings: Settings, year: int, region: str, *, account: str, reason: str, shown: str = "", now: datetime
) -> Counts:
    """Propose what differs from a sealed year as a correction; it waits for a second person's signature.

    ``shown`` is as in ``propose_final``.

    Returns:
        The proposal's counts, the ``differences``, and ``notices``: what stands in the way of results that
        correct none.

    Raises:
        UsageError: Nothing differs, the region is not sealed, or a unit has lost its result (the platform cannot
            take one back).
        ChangedMeanwhile: The results are not those of the preview any more.
    """
    desk = Desk(settings)
    by = desk.signers.official(account, region, _day(now))
    with write(desk.ground.engine) as connection:
        computed = _compute(desk, connection, year, region, now)
        draft = _correction(desk, connection, year, region, computed)
        _require_shown(draft, shown)
        listed = _differences(connection, year, region, computed)
        proposal = final.propose(connection, draft, by, reason, desk.windows(year), now)
    added = [unit for unit in draft.units if unit.correction_of is None]
    return _told(proposal) | {
        "differences": [one.to_json() for one in listed],
        "notices": [_added_zh(year, unit) for unit in added],
    }


def _added_zh(year: int, unit: final.ProposedUnit) -> str:
    """What to know before a result is signed that corrects none: a platform that sealed the year refuses it."""
    return (
        f"{unit.unit_name}（{unit.unit_code}）封存时没有结果，更正无从注明所更正的版本；"
        f"考评平台如已封存{year}年度，会拒收这份结果：签发前请先商请平台方开放该年度"
    )


def withdraw_proposal(
    settings: Settings, year: int, region: str, *, account: str, reason: str, now: datetime
) -> Counts:
    """Take back the open proposal of a region."""
    desk = Desk(settings)
    by = desk.signers.official(account, region, _day(now))
    with write(desk.ground.engine) as connection:
        return _told(final.withdraw(connection, year, region, by, reason, now)) | {"outcome": "withdrawn"}


def sign_proposal(
    settings: Settings, year: int, region: str, *, account: str, digest: str, now: datetime
) -> Counts:
    """Sign the open proposal of a region for exactly the digest given; the results are recomputed and must agree.

    Raises:
        UsageError: Anything speaks against it; nothing is stored.
    """
    desk = Desk(settings)
    by = desk.signers.official(account, region, _day(now), to_sign=True)
    with write(desk.ground.engine) as connection:
        proposal = final.open_proposal(connection, year, region)
        computed = _compute(desk, connection, year, region, now)
        if proposal.kind is final.Kind.FINAL:
            draft, changed = _draft(desk, year, region, computed), None
        else:
            draft = _correction(desk, connection, year, region, computed)
            changed = frozenset(unit.unit_code for unit in draft.units)

        def keep() -> Mapping[str, int]:
            return _keep(connection, year, region, computed, changed, now)

        signing = final.Signing(year, region, digest, draft.digest, _barred(desk, year))
        signed = final.sign(connection, signing, by, keep, now)
    return _told(signed) | {"outcome": "signed"}


def _keep(
    connection: Connection,
    year: int,
    region: str,
    computed: ComputedSlice,
    changed: frozenset[str] | None,
    now: datetime,
) -> dict[str, int]:
    """Keep the results, of a correction only the changed ones; the versions they have now."""
    results = [new for new in computed.results if changed is None or new.unit_code in changed]
    codes = {new.unit_code for new in results}
    rows = select(current_result.c.unit_code, current_result.c.version).where(
        current_result.c.year == year, current_result.c.region == region
    )
    settled = set() if changed is None else set(connection.scalars(rows)) - codes
    keep_results(connection, year, region, results, computed.newest, settled, now)
    kept: dict[str, int] = dict(connection.execute(rows).all())
    return {code: kept[code] for code in sorted(codes)}


def _barred(desk: Desk, year: int) -> frozenset[str]:
    """Who drafted or approved an adjustment of the year."""
    events = desk.ground.registry.adjustments(year)
    return frozenset({event.drafted_by for event in events} | {event.approved_by for event in events}) - {""}


def seal_year(
    settings: Settings, year: int, *, region: str | None = None, account: str | None = None, now: datetime
) -> Counts:
    """Seal a year's regions, or one of them, whose final results the platform has confirmed.

    Raises:
        UsageError: A region is not signed or not confirmed, or the account may not.
    """
    desk = Desk(settings)
    sealed: dict[str, bool] = {}
    for code in desk.regions(year, now) if region is None else (region,):
        actor = SYSTEM if account is None else desk.signers.official(account, code, _day(now)).actor
        with write(desk.ground.engine) as connection:
            sealed[code] = final.seal(connection, year, code, actor, now)
    return {"year": year, "sealed": list(sealed), "newly_sealed": sum(sealed.values())}


def seal_what_can_be(settings: Settings, year: int, *, now: datetime) -> Counts:
    """Seal the signed regions of a year that are confirmed whole; the others wait."""
    desk = Desk(settings)
    newly: list[str] = []
    waiting: dict[str, int] = {}
    for code in desk.regions(year, now):
        with write(desk.ground.engine) as connection:
            history = final.proposals(connection, year, code)
            seal = final.seal_of(connection, year, code)
            if final.phase_of(history, seal) is not final.Phase.SIGNED:
                continue
            unconfirmed = final.unconfirmed_finals(connection, history[-1])
            if unconfirmed:
                waiting[code] = unconfirmed
            elif final.seal(connection, year, code, SYSTEM, now):
                newly.append(code)
    return {"year": year, "newly_sealed": newly, "unconfirmed": waiting}


def file_appeal(
    settings: Settings,
    year: int,
    *,
    unit_code: str,
    indicator_code: str,
    statement: str,
    by: Actor,
    now: datetime,
) -> Counts:
    """Record an objection of a unit; after the signature it is a request for a correction.

    Raises:
        UsageError: The unit or the indicator is unknown, or nothing was publicised.
    """
    desk = Desk(settings)
    region = _region_of_unit(desk, year, unit_code, now)
    if indicator_code and indicator_code not in desk.ground.edition(year).by_code:
        raise UsageError(f"指标体系里没有编码“{indicator_code}”")
    with write(desk.ground.engine) as connection:
        appeal_id, kind = final.file_appeal(
            connection,
            year=year,
            region=region,
            unit_code=unit_code,
            indicator_code=indicator_code,
            statement=statement,
            by=by,
            windows=desk.windows(year),
            now=now,
        )
    return {"year": year, "region": region, "appeal_id": appeal_id, "kind": kind}


def decide_appeal(
    settings: Settings, appeal_id: int, *, verdict: str, reason: str, account: str, now: datetime
) -> Counts:
    """Decide an appeal or a request for a correction (``upheld`` or ``rejected``).

    Raises:
        UsageError: There is no such appeal, or the account may not decide it.
    """
    desk = Desk(settings)
    with write(desk.ground.engine) as connection:
        region = connection.scalar(select(appeal.c.region).where(appeal.c.appeal_id == appeal_id))
        if region is None:
            raise UsageError(f"没有编号为 {appeal_id} 的申诉")
        by = desk.signers.official(account, region, _day(now))
        kind = final.decide_appeal(connection, appeal_id, verdict, reason, by, now)
    return {"appeal_id": appeal_id, "kind": kind, "verdict": verdict}


def year_status(settings: Settings, year: int, *, now: datetime) -> list[final.RegionStatus]:
    """The state of a year's final results, region by region, with owner and deadline of what comes next."""
    desk = Desk(settings)
    with read(desk.ground.engine) as connection:
        return [
            final.region_status(
                connection,
                year,
                region,
                today=_day(now),
                windows=desk.windows(year),
                signers=desk.signers,
            )
            for region in desk.regions(year, now)
        ]


def year_appeals(settings: Settings, year: int, region: str) -> list[final.AppealRow]:
    """The objections and requests of a region."""
    with read(Ground(settings).engine) as connection:
        return final.appeals(connection, year, region)


def years_to_send(settings: Settings, *, now: datetime) -> list[int]:
    """The years with signed results that are not confirmed, or not sealed, yet."""
    desk = Desk(settings)
    with read(desk.ground.engine) as connection:
        years = sorted(set(connection.scalars(select(final_version.c.year))))
        return [
            year
            for year in years
            if any(final.due_for_sending(connection, year, region) for region in desk.regions(year, now))
        ]


def is_sealed(ground: Ground, year: int, now: datetime) -> bool:
    """Whether every region of a year is sealed."""
    regions = ground.registry.regions(year, _day(now))
    with read(ground.engine) as connection:
        return bool(regions) and frozenset(regions) <= final.sealed_regions(connection, year)


def has_signed_results(ground: Ground, year: int) -> bool:
    """Whether a signature made any result of a year final."""
    with read(ground.engine) as connection:
        found = connection.execute(
            select(final_version.c.version).where(final_version.c.year == year).limit(1)
        )
        return found.one_or_none() is not None


def has_sealed_results(settings: Settings, year: int) -> bool:
    """Whether any region of a year is sealed."""
    with read(Ground(settings).engine) as connection:
        return bool(final.sealed_regions(connection, year))


def region_is_sealed(ground: Ground, year: int, region: str) -> bool:
    """Whether a region of a year is sealed."""
    with read(ground.engine) as connection:
        return region in final.sealed_regions(connection, year)


def year_differences(settings: Settings, year: int, *, now: datetime) -> tuple[Difference, ...]:
    """What a sealed year's results would be now, compared with what was sealed and corrected since."""
    desk = Desk(settings)
    found: list[Difference] = []
    with read(desk.ground.engine) as connection:
        for region in sorted(final.sealed_regions(connection, year)):
            computed = _compute(desk, connection, year, region, now)
            found.extend(_differences(connection, year, region, computed))
    return tuple(found)


def differences_path(settings: Settings, year: int, run_id: str) -> Path:
    """Where the differences of a run lie, beside its report."""
    return settings.reports_dir / str(year) / f"{sha256_hex(run_id.encode())[:24]}-differences.csv"


def write_differences(path: Path, found: Sequence[Difference]) -> None:
    """Write all differences as CSV, one a row, with the reason in words; ``follows`` is 1 where it only follows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        columns = ("unit_code", "unit_name", "line", "before", "after", "why", "why_zh", "follows")
        writer.writerow(columns)
        for one in found:
            row = one.to_json() | {"follows": int(one.follows)}
            writer.writerow([row[column] for column in columns])


def difference_zh(one: Difference) -> str:
    """A difference in one line for a person."""
    return (
        f"{one.unit_name}（{one.unit_code}）{LINE_ZH.get(one.line, one.line)}：{one.before} → {one.after}，"
        f"{'随之变动：' if one.follows else '原因：'}{WHY_ZH[one.why]}"
    )


def final_body(connection: Connection, year: int, unit_code: str, version: int) -> dict[str, Any]:
    """A kept result as the platform's ``Result``, naming the sealed version that a correction corrects."""
    row = connection.execute(
        select(final_version.c.correction_of).where(
            final_version.c.year == year,
            final_version.c.unit_code == unit_code,
            final_version.c.version == version,
        )
    ).one_or_none()
    body = result_body(connection, year, unit_code, version)
    if row is None or row.correction_of is None:
        return body
    return body | {"correction_of": row.correction_of}


def _compute(desk: Desk, connection: Connection, year: int, region: str, now: datetime) -> ComputedSlice:
    if region not in desk.regions(year, now):
        raise UsageError(f"{year}年没有参加考评的地区 {region}；有：{'、'.join(desk.regions(year, now))}")
    judged = select(current_validation.c.validation_id).where(
        current_validation.c.year == year, current_validation.c.region == region
    )
    if connection.scalar(judged) is None:
        raise UsageError(
            f"{year}年 {region} 的数据还没有核验，不能计分：请先执行 fazhi validate --year {year}"
        )
    return compute_slice(
        connection,
        desk.ground.edition(year),
        desk.ground.registry,
        year,
        region,
        today=_day(now),
        stage=Stage.FINAL,
    )


def _draft(desk: Desk, year: int, region: str, computed: ComputedSlice) -> final.Draft:
    units = tuple(_proposed(snapshot) for snapshot in _recomputed(computed).values())
    return final.Draft(year, region, final.Kind.FINAL, desk.ground.edition(year).digest, units)


def _correction(
    desk: Desk, connection: Connection, year: int, region: str, computed: ComputedSlice
) -> final.Draft:
    before, after = _sealed_results(connection, year, region), _recomputed(computed)
    gone = sorted(before.keys() - after.keys())
    if gone:
        named = "、".join(f"{before[code].head['unit_name']}（{code}）" for code in gone)
        raise UsageError(
            f"{year}年有单位封存时有结果、现在重算没有结果：{named}。考评平台的接口只能用新版本更正结果，不能撤销结果，"
            "所以这样的更正无法提出，已封存的结果保持不变。请先查清原因（fazhi correct diff）：如系裁定或单位名录有误，"
            "改正并重新核验后再提出更正；如该单位确实不应有结果，请另行书面商请平台方处理"
        )
    units = tuple(
        _proposed(snapshot, before[code].version if code in before else None)
        for code, snapshot in after.items()
        if code not in before or before[code].content_digest != snapshot.content_digest
    )
    return final.Draft(year, region, final.Kind.CORRECTION, desk.ground.edition(year).digest, units)


def _proposed(snapshot: Snapshot, correction_of: int | None = None) -> final.ProposedUnit:
    head = snapshot.head
    return final.ProposedUnit(
        unit_code=snapshot.unit_code,
        unit_name=head["unit_name"],
        content_digest=snapshot.content_digest,
        score=head["score"],
        grade=head["grade"],
        rank=head["rank"],
        component=head["component"],
        correction_of=correction_of,
    )


def _recomputed(computed: ComputedSlice) -> dict[str, Snapshot]:
    found = {new.unit_code: snapshot_of(described(new)) for new in computed.results}
    return dict(sorted(found.items()))


def _sealed_results(connection: Connection, year: int, region: str) -> dict[str, Snapshot]:
    """The newest final version of every unit of a region."""
    statement = (
        select(result.c.unit_code, result.c.version)
        .join(
            final_version,
            (final_version.c.year == result.c.year)
            & (final_version.c.unit_code == result.c.unit_code)
            & (final_version.c.version == result.c.version),
        )
        .where(result.c.year == year, final_version.c.region == region)
        .order_by(result.c.unit_code, result.c.version)
    )
    newest: dict[str, int] = dict(connection.execute(statement).all())
    return kept_snapshots(connection, year, list(newest.items()))


def _differences(
    connection: Connection, year: int, region: str, computed: ComputedSlice
) -> tuple[Difference, ...]:
    before = _sealed_results(connection, year, region)
    return differences(before, _recomputed(computed), decided_since(connection, year))


def _region_of_unit(desk: Desk, year: int, unit_code: str, now: datetime) -> str:
    registry = desk.ground.registry
    units = {unit.unit_code: unit for unit in registry.units_of_year(year, _day(now))}
    if unit_code not in units:
        raise UsageError(f"{year}年没有单位 {unit_code}")
    return registry.region_of(units[unit_code])


def _told(proposal: final.Proposal) -> Counts:
    return {
        "year": proposal.year,
        "region": proposal.region,
        "number": proposal.number,
        "kind": proposal.kind.value,
        "digest": proposal.digest,
        "units": proposal.units,
        "objection_until": str(proposal.objection_until or ""),
    }
