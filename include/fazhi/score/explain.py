"""Why a unit has its score. In: a stored result. Out: Chinese text, from the component to the cells.

With the edition that made the result the text also names the indicators, spells out how each weight came
about and how the periods became the year's value; without it, it tells what the store alone knows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from sqlalchemy import Engine, Row

from fazhi.model.exact import plain, two_places
from fazhi.model.period import Period
from fazhi.model.terms import (
    DECISION_ZH,
    GROUP_ZH,
    Aggregation,
    Group,
    LineStatus,
    RatioKind,
    Reporting,
    ValueType,
    verdict_zh,
)
from fazhi.score.dossier import Dossier, read_dossier
from fazhi.score.results import hundredths
from fazhi.store import read
from fazhi.systems.edition import Edition, Indicator, Profile
from fazhi.systems.wording import AGGREGATION_ZH, rule_zh

STATUS_ZH = {
    LineStatus.SCORED: "计分",
    LineStatus.MISSING: "未报送，计 0 分",
    LineStatus.REJECTED: "已退回或待审核，计 0 分",
    LineStatus.NOT_APPLICABLE: "不适用，不计分，分值由其他指标分担",
}
STAGE_ZH = {"provisional": "过程得分", "final": "最终得分"}
KIND_ZH = {"submission": "单位报送", "office": "主管部门提供", "system": "本系统计算"}


@dataclass(frozen=True)
class Basis:
    """The rules behind a result: the edition that made it and the unit's profile."""

    edition: Edition
    profile: Profile


def explain(
    engine: Engine,
    year: int,
    unit_code: str,
    *,
    version: int | None = None,
    basis: Basis | None = None,
) -> str:
    """Say in Chinese how a unit's result came about, down to sheet, cell and file.

    Args:
        engine: The store.
        year: The assessment year.
        unit_code: The unit.
        version: Which version; the one the unit has now unless told otherwise.
        basis: The edition and profile; used only where the edition is the one that made the result.

    Raises:
        UsageError: The unit has no such result in that year.
    """
    with read(engine) as connection:
        dossier = read_dossier(connection, year, unit_code, version)
    if basis is not None and basis.edition.digest != dossier.head.system_digest:
        basis = None
    texts = [*_summary(dossier.head), *_events(dossier.events), *_shares(dossier, basis), "", "各指标："]
    quotas = {} if basis is None else exact_quotas(dossier, basis)
    for line in dossier.lines:
        indicator = None if basis is None else basis.edition.by_code.get(line.indicator_code)
        used = dossier.inputs.get(line.indicator_code, ())
        texts += _line(line, indicator)
        texts += _weight(line, quotas)
        texts += _year_value(indicator, used)
        texts += [_input(row) for row in used]
        texts += [_decision(row) for row in dossier.decisions if row.indicator_code == line.indicator_code]
    return "\n".join(texts)


def _summary(head: Row[Any]) -> Iterator[str]:
    base, bonus, deduction, score = map(hundredths, (head.base, head.bonus, head.deduction, head.score))
    clamp = score - (base + bonus - deduction)
    yield f"{head.unit_name}（{head.unit_code}）{head.year}年 {STAGE_ZH[head.stage]} 第 {head.version} 版"
    yield f"指标体系 {head.system_id}（摘要 {head.system_digest}）"
    way = f"总分 {head.total_points} × 占比 {head.share} × 得分 {head.score} ÷ 100"
    yield f"计入领导绩效考核：{head.component} = {way}{_veto_effect(head, score)}"
    limited = f"，再加上下限调整 {two_places(clamp)}" if clamp else ""
    yield f"得分 R = {head.score} = 基础分 {head.base} + 加分 {head.bonus} - 扣分 {head.deduction}{limited}"
    if head.rank is not None:
        reason = f"（{head.grade_reason}）" if head.grade_reason else ""
        yield f"名次 {head.rank}，等次 {head.grade}{reason}"


def _veto_effect(head: Row[Any], score: int) -> str:
    plain_component = component_of(head.total_points, head.share, score)
    if plain_component == hundredths(head.component):
        return ""
    return f"（按此应为 {two_places(plain_component)}，因一票否决事项按规定减少）"


def component_of(total_points: str, share: str, score: int) -> int:
    """round(T · a · R / 100, 2) in hundredths, half up, from T and a as written and R in hundredths."""
    exact = Fraction(total_points) * Fraction(share) * score / 100
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def _events(events: Sequence[Row[Any]]) -> Iterator[str]:
    if events:
        yield "加分、扣分和否决事项："
    for event in events:
        about = f"，涉及指标 {event.indicator_code}" if event.indicator_code else ""
        basis = f"依据 {event.document}，{event.approved_on} 批准"
        yield f"  {event.code} {event.title_zh}，次数 {event.count}{about}；{basis}"


# --- weights


@dataclass(frozen=True)
class Quota:
    """A line's exact weight: group share · mass / the group's mass, in points."""

    share: Fraction
    mass: Fraction
    group_mass: Fraction

    @property
    def exact(self) -> Fraction:
        """Before rounding."""
        return self.share * self.mass / self.group_mass if self.group_mass else Fraction(0)


def exact_quotas(dossier: Dossier, basis: Basis) -> dict[str, Quota]:
    """The exact weights of a stored result's lines, from its own statuses (scoring.md section 4)."""
    shares, masses = _active(dossier, basis)
    quotas = {}
    for line in dossier.lines:
        if line.weight is not None:
            group = Group(line.indicator_group)
            quotas[line.indicator_code] = Quota(shares[group], _mass(line, basis), masses[group])
    return quotas


def _mass(line: Row[Any], basis: Basis) -> Fraction:
    return Fraction(line.full_mark) * basis.edition.multipliers.get(line.indicator_code, Fraction(1))


def _active(dossier: Dossier, basis: Basis) -> tuple[dict[Group, Fraction], dict[Group, Fraction]]:
    """The groups' shares of 100 after renormalisation, and their masses."""
    masses: dict[Group, Fraction] = {}
    for line in dossier.lines:
        if line.weight is not None:
            group = Group(line.indicator_group)
            masses[group] = masses.get(group, Fraction(0)) + _mass(line, basis)
    declared = {
        group: Fraction(basis.profile.shares.get(group, 0)) if mass else Fraction(0)
        for group, mass in masses.items()
    }
    total = sum(declared.values(), Fraction(0))
    if total == 0:
        active = [group for group, mass in masses.items() if mass]
        return {
            group: Fraction(100, len(active)) if group in active else Fraction(0) for group in masses
        }, masses
    return {group: 100 * share / total for group, share in declared.items()}, masses


def _shares(dossier: Dossier, basis: Basis | None) -> Iterator[str]:
    if basis is None:
        return
    shares, masses = _active(dossier, basis)
    yield f"分值（单位类型“{basis.profile.name}”）："
    for group in Group:
        declared = plain(Fraction(basis.profile.shares.get(group, 0)))
        if masses.get(group):
            again = "" if shares[group] == Fraction(declared) else f"，重新分配后 {decimal(shares[group], 4)}"
            yield f"  {GROUP_ZH[group]}：方案份额 {declared}{again}，适用指标标准分合计 {plain(masses[group])}"
        elif Fraction(declared):
            yield f"  {GROUP_ZH[group]}：方案份额 {declared}，没有适用的指标，份额由其余类别按比例分担"


def _weight(line: Row[Any], quotas: dict[str, Quota]) -> Iterator[str]:
    quota = quotas.get(line.indicator_code)
    if quota is None:
        return
    exact, weight = 100 * quota.exact, hundredths(line.weight)
    added = "，舍去余数后补 0.01" if weight > exact.numerator // exact.denominator else "，舍去余数"
    rounded = "" if exact == weight else f" = {decimal(quota.exact, 6)}…{added}"
    yield (
        f"    分值 {line.weight}：份额 {decimal(quota.share, 4)} × {plain(quota.mass)} ÷ {plain(quota.group_mass)}"
        f"{rounded}"
    )


def decimal(number: Fraction, places: int) -> str:
    """A number cut off after some places, without trailing zeros."""
    units = abs(number) * 10**places
    cut = Fraction(units.numerator // units.denominator, 10**places)
    return ("-" if number < 0 and cut else "") + plain(cut)


# --- lines and values


def _line(line: Row[Any], indicator: Indicator | None) -> Iterator[str]:
    group = GROUP_ZH[Group(line.indicator_group)]
    named = f"{line.indicator_code}（{group}，标准分 {line.full_mark}）"
    if line.status == LineStatus.SCORED:
        rate = Fraction(int(line.rate_numerator), int(line.rate_denominator))
        yield f"{named}：{line.points} = 分值 {line.weight} × 得分率 {rate}"
    elif line.status == LineStatus.NOT_APPLICABLE:
        yield f"{named}：{STATUS_ZH[LineStatus.NOT_APPLICABLE]}"
    else:
        yield f"{named}：{line.points}，{STATUS_ZH[LineStatus(line.status)]}；分值 {line.weight}"
    if indicator is not None:
        yield f"    {indicator.name_zh}；{rule_zh(indicator)}"


def _year_value(indicator: Indicator | None, used: Sequence[Row[Any]]) -> Iterator[str]:
    """How the periods became one value; a single value needs no words."""
    if indicator is None or not used:
        return
    cumulative = indicator.reporting is Reporting.CUMULATIVE
    how = Aggregation.LAST if cumulative else indicator.aggregation
    words = "取最后一期" if how is Aggregation.LAST else AGGREGATION_ZH[how]
    if indicator.value_type is ValueType.RATIO:
        above = sum((Fraction(row.numerator) for row in used), Fraction(0))
        below = sum((Fraction(row.denominator) for row in used), Fraction(0))
        if indicator.ratio_kind is RatioKind.GROWTH:
            figure = f"（{plain(above)} - {plain(below)}）÷ {plain(below)}"
        else:
            figure = f"{plain(above)} ÷ {plain(below)}"
    elif indicator.value_type is ValueType.DATE:
        figure = max(str(row.value) for row in used)
    elif indicator.value_type is ValueType.BOOLEAN:
        figure = "是" if all(row.value == "1" for row in used) else "否"
    else:
        numbers = [Fraction(row.value) for row in used]
        figure = plain(max(numbers) if how is Aggregation.MAX else sum(numbers, Fraction(0)))
    yield f"    全年数值（{words}）：{figure}"


def figure_of(row: Row[Any]) -> str:
    """A used value as people write it."""
    return str(row.value) if row.numerator is None else f"{row.numerator} ÷ {row.denominator}"


def place_of(row: Row[Any]) -> str:
    """Where a used value was read: submission, sheet, cells."""
    cells = "、".join(filter(None, (row.cell, row.cell_denominator)))
    place = f"{row.sheet or 'CSV'} {cells}" if cells else ""
    return "，".join(filter(None, (KIND_ZH[row.kind], row.submission_id, place)))


def _input(row: Row[Any]) -> str:
    digest = f"；文件 SHA-256 {row.file_sha256}" if row.file_sha256 else ""
    return f"    {Period.parse(row.period).name_zh}：{figure_of(row)}（{place_of(row)}）{digest}"


def _decision(row: Row[Any]) -> str:
    rule = f" {row.rule}" if row.rule else ""
    return f"    {decision_zh(row)}{rule}：{row.reason}（{row.decided_by}，{row.decided_at}）"


def decision_zh(row: Row[Any]) -> str:
    """What a decision is about and what it says."""
    return f"审核决定（{Period.parse(row.period).name_zh} {DECISION_ZH[row.kind]}）{verdict_zh(row.kind, row.verdict)}"
