"""Scores. In: year, region, unit. Out: rankings, waterfalls, comparisons, what open decisions would change, downloads."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from desk.charts import Step, Waterfall, waterfall
from desk.language import N_
from desk.templating import environment
from desk.web import DeskRequest, Router
from fazhi.desk import Ability
from fazhi.desk.prospects import prospects
from fazhi.desk.scores import Pool, Ranked, UnitScore, against_year, ranking, region_of_result, unit_score
from fazhi.desk.stability import MOST_LINES, Stabilities
from fazhi.desk.tables import csv_pieces, workbook_pieces
from fazhi.model.exact import round_half_up, two_places
from fazhi.model.period import Period
from fazhi.model.terms import Group, LineStatus
from fazhi.review.listed import place_zh
from fazhi.score import compare_versions, score_workbook
from fazhi.score.explain import decimal
from fazhi.score.sensitivity import METHOD_ZH, NEAR_ZH
from fazhi.store import read

router = Router()
MOST_LOST = 6
"""How many of the indicators with the largest losses are named at the top."""
LINE_STATUS_ZH = {
    LineStatus.SCORED: N_("计分"),
    LineStatus.MISSING: N_("未报送"),
    LineStatus.REJECTED: N_("退回或待审"),
    LineStatus.NOT_APPLICABLE: N_("不适用"),
}
STAGE_ZH = {"provisional": N_("过程得分"), "final": N_("最终得分")}
INPUT_KIND_ZH = {
    "submission": N_("单位报送"),
    "office": N_("主管部门提供"),
    "system": N_("本系统计算"),
}
GROUP_NAMES = {
    Group.COMMON: N_("共性指标"),
    Group.FUNCTION: N_("个性指标"),
    Group.LEAD: N_("牵头任务指标"),
}
DEFINITION_PARTS = (
    N_("名称"),
    N_("分子"),
    N_("分母"),
    N_("计分规则"),
    N_("标准分"),
    N_("汇总办法"),
    N_("报送频次"),
    N_("指标组"),
)
"""What ``against_year`` may say an edition changed about an indicator."""
_stabilities = Stabilities()


def points(hundredths: int | None) -> str:
    """Points as written; a true minus sign."""
    return "–" if hundredths is None else two_places(hundredths).replace("-", "−")


def signed(hundredths: int) -> str:
    """A difference of points with its sign."""
    return f"+{two_places(hundredths)}" if hundredths > 0 else points(hundredths)


def percent(rate: Fraction | None) -> str:
    """A rate as a percentage to two places, for reading; the exact one stands beside it."""
    return "–" if rate is None else f"{round_half_up(rate * 100)}%"


def rate_of(line: Any) -> Fraction | None:
    """The rate of a stored line."""
    if line.rate_numerator is None:
        return None
    return Fraction(int(line.rate_numerator), int(line.rate_denominator))


def place(cell: str, language: str) -> str:
    """An address as a person says it: in a CSV, ``12:value`` is line 12, column ``value``."""
    return place_zh(cell) if language == "zh" and cell else cell


environment().filters.update(
    place=place,
    rate_of=rate_of,
    points=points,
    signed=signed,
    percent=percent,
    decimal=decimal,
    period_zh=lambda period: Period.parse(period).name_zh,
)
environment().globals.update(
    line_status_zh=LINE_STATUS_ZH,
    stage_zh=STAGE_ZH,
    input_kind_zh=INPUT_KIND_ZH,
)


# --- rankings


@router.page("/scores", needs=Ability.READ, title="得分")
def chosen(desk: DeskRequest) -> Response:
    """The ranking of the year and region that were chosen."""
    return desk.see(f"/scores/{desk.chosen_year()}/{desk.chosen_region()}")


@router.page("/scores/{year}/{region}", needs=Ability.READ, title="得分")
def show_ranking(
    desk: DeskRequest, year: int, region: str, pool: str = "", q: str = "", after: str = ""
) -> HTMLResponse:
    """Regions and departments, ranked apart."""
    desk.require_year(year)
    desk.require_region(region)
    with read(desk.engine) as connection:
        found = ranking(
            connection,
            desk.ground().registry,
            year,
            region,
            today=desk.now.date(),
            pool=pool,
            name=q[:100],
            cursor=after or None,
        )
    return desk.page(
        "scores/ranking.html",
        year=year,
        region=region,
        found=found,
        pool=pool,
        q=q,
        names=desk.names(year),
    )


@router.download("/scores/{year}/{region}/ranking.csv", needs=Ability.READ)
def ranking_csv(desk: DeskRequest, year: int, region: str) -> Response:
    """All ranks as CSV."""
    heads = [head for head, _ in _RANKING_HEADS]
    pieces = csv_pieces(heads, _ranking_rows(desk, year, region))
    return desk.download(b"".join(pieces), f"得分排名-{year}-{region}.csv", "text/csv")


@router.download("/scores/{year}/{region}/ranking.xlsx", needs=Ability.READ)
def ranking_workbook(desk: DeskRequest, year: int, region: str) -> Response:
    """All ranks as a workbook."""
    pieces = workbook_pieces("得分排名", _RANKING_HEADS, _ranking_rows(desk, year, region), "")
    return desk.download(b"".join(pieces), f"得分排名-{year}-{region}.xlsx", _XLSX)


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_RANKING_HEADS = (
    ("类别", 10),
    ("名次", 8),
    ("名次性质", 12),
    ("单位代码", 22),
    ("单位", 26),
    ("得分", 10),
    ("基础分", 10),
    ("加分", 8),
    ("扣分", 8),
    ("等次", 8),
    ("等次说明", 24),
    ("计入领导绩效考核", 18),
    ("阶段", 12),
    ("版本", 8),
    ("上年得分", 10),
    ("上年名次", 10),
)


def _ranking_rows(desk: DeskRequest, year: int, region: str) -> list[tuple[str | int, ...]]:
    desk.require_year(year)
    desk.require_region(region)
    registry, today = desk.ground().registry, desk.now.date()
    rows: list[tuple[str | int, ...]] = []
    with read(desk.engine) as connection:
        first = ranking(connection, registry, year, region, today=today)
        for pool in first.pools:
            page: Pool | None = pool
            while page is not None:
                rows += [_ranking_row(pool, one) for one in page.rows.rows]
                cursor = page.rows.next
                following = (
                    ranking(connection, registry, year, region, today=today, pool=pool.key, cursor=cursor)
                    if cursor
                    else None
                )
                page = following.pools[0] if following else None
    return rows


def _ranking_row(pool: Pool, one: Ranked) -> tuple[str | int, ...]:
    last = one.last_year
    return (
        "地区" if pool.is_region else "部门",
        one.rank,
        "暂列名次" if one.tentative else "名次",
        one.unit_code,
        one.unit_name,
        two_places(one.score),
        two_places(one.base),
        two_places(one.bonus),
        two_places(one.deduction),
        one.grade,
        one.grade_reason,
        two_places(one.component),
        STAGE_ZH[one.stage],
        one.version,
        two_places(last.score) if last else "",
        last.rank if last else "",
    )


@router.page("/scores/{year}/{region}/stability", needs=Ability.READ, title="名次稳定性")
def show_stability(desk: DeskRequest, year: int, region: str, all_units: str = "") -> HTMLResponse:
    """How firmly the ranks stand when weights move."""
    desk.require_year(year)
    desk.require_region(region)
    ground = desk.ground()
    found = _stabilities.of(
        desk.engine, ground.edition(year), ground.registry, year, region, today=desk.now.date()
    )
    units = () if found.found is None else found.found.units
    moving = [one for one in units if _moves(one)]
    shown = list(units) if all_units else moving
    return desk.page(
        "scores/stability.html",
        year=year,
        region=region,
        found=found,
        units=sorted(shown, key=lambda one: (one.best_within - one.worst_within, one.rank))[:_UNITS_SHOWN],
        moving=len(moving),
        still=len(units) - len(moving),
        all_units=all_units,
        shown_at_most=_UNITS_SHOWN,
        most_lines=MOST_LINES,
        method_zh=METHOD_ZH,
        near_zh=NEAR_ZH,
        names=desk.names(year),
    )


_UNITS_SHOWN = 50


def _moves(one: Any) -> bool:
    places = {one.rank, one.best_within, one.worst_within, one.best_without, one.worst_without}
    return len(places) > 1


# --- one unit


@router.page("/scores/{year}/{region}/{unit}", needs=Ability.READ, title="得分构成")
def show_unit(
    desk: DeskRequest, year: int, region: str, unit: str, version: int | None = None
) -> HTMLResponse:
    """A unit's score, taken apart down to cells."""
    with read(desk.engine) as connection:
        _require_unit(desk, connection, year, region, unit)
        score = unit_score(
            connection,
            desk.ground().registry,
            desk.edition(year),
            year,
            unit,
            today=desk.now.date(),
            version=version,
            english=desk.language == "en",
        )
        place = _standing(desk, connection, year, region, unit) if score.current else None
    return desk.page(
        "scores/unit.html",
        year=year,
        region=region,
        unit=unit,
        score=score,
        standing=place,
        chart=_chart(desk, score),
        lost_most=sorted(score.lines, key=lambda line: -line.lost)[:MOST_LOST],
        names=desk.names(year),
    )


@dataclass(frozen=True)
class _Standing:
    """Where a unit stands in its pool."""

    one: Ranked
    pool: Pool


def _standing(
    desk: DeskRequest, connection: Connection, year: int, region: str, unit: str
) -> _Standing | None:
    found = ranking(connection, desk.ground().registry, year, region, today=desk.now.date(), name=unit)
    return next((_Standing(one, pool) for pool in found.pools for one in pool.rows.rows), None)


def _chart(desk: DeskRequest, score: UnitScore) -> Waterfall:
    say = desk.say
    steps = [Step(say("满分"), 10000, whole=True)]
    steps += [Step(say(GROUP_NAMES[group.group]), -group.lost) for group in score.groups if group.weight]
    steps.append(Step(say("基础分"), score.base, whole=True))
    adjustments = (
        (N_("加分"), score.bonus),
        (N_("扣分"), -score.deduction),
        (N_("上下限调整"), score.clamp),
    )
    steps += [Step(say(name), change) for name, change in adjustments if change]
    if any(change for _, change in adjustments):
        steps.append(Step(say("得分"), score.score, whole=True))
    return waterfall(steps)


@router.page("/scores/{year}/{region}/{unit}/pending", needs=Ability.READ, title="待决事项的影响")
def show_pending(desk: DeskRequest, year: int, region: str, unit: str) -> HTMLResponse:
    """What open decisions would change."""
    with read(desk.engine) as connection:
        _require_unit(desk, connection, year, region, unit)
        found = prospects(
            connection,
            desk.ground().edition(year),
            desk.ground().registry,
            year,
            unit,
            today=desk.now.date(),
        )
    return desk.page(
        "scores/pending.html", year=year, region=region, unit=unit, found=found, names=desk.names(year)
    )


@router.page("/scores/{year}/{region}/{unit}/last-year", needs=Ability.READ, title="与上年比较")
def show_last_year(desk: DeskRequest, year: int, region: str, unit: str) -> HTMLResponse:
    """A unit's score beside that of the year before."""
    with read(desk.engine) as connection:
        _require_unit(desk, connection, year, region, unit)
        found = against_year(
            connection,
            year,
            year - 1,
            unit,
            edition=desk.edition(year),
            before_edition=desk.edition(year - 1),
            english=desk.language == "en",
        )
    return desk.page(
        "scores/last_year.html", year=year, region=region, unit=unit, found=found, names=desk.names(year)
    )


@router.page("/scores/{year}/{region}/{unit}/versions/{older}", needs=Ability.READ, title="版本比较")
def show_versions(
    desk: DeskRequest, year: int, region: str, unit: str, older: int, newer: int | None = None
) -> HTMLResponse:
    """What changed between two versions of a unit's result."""
    with read(desk.engine) as connection:
        _require_unit(desk, connection, year, region, unit)
    changes = compare_versions(desk.engine, year, unit, version=newer, against=older)
    return desk.page(
        "scores/versions.html",
        year=year,
        region=region,
        unit=unit,
        changes=changes,
        names=desk.names(year),
    )


@router.download("/scores/{year}/{region}/{unit}/explained.xlsx", needs=Ability.READ)
def explained(desk: DeskRequest, year: int, region: str, unit: str) -> Response:
    """The unit's score as a workbook whose formulas compute every number."""
    with read(desk.engine) as connection:
        _require_unit(desk, connection, year, region, unit)
    ground = desk.ground()
    content = score_workbook(
        desk.engine, ground.edition(year), ground.registry, year, unit, today=desk.now.date()
    )
    return desk.download(content, f"得分-{year}-{unit}.xlsx", _XLSX)


def _require_unit(desk: DeskRequest, connection: Connection, year: int, region: str, unit: str) -> None:
    """Go on only with a unit that has a result in this year and region.

    Raises:
        Refused: 404 for a year, region or unit that there is not; 403 for a region that is not the person's.
    """
    desk.require_year(year)
    desk.require_region(region)
    if region_of_result(connection, year, unit) != region:
        desk.refuse(404, "这个地区在该年度没有这个单位的得分")
