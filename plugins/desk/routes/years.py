"""A year's final results on the desk. In: year, region, a person. Out: its life, what blocks it, and the moves."""

from typing import Any

from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select

from desk.language import N_
from desk.web import DeskRequest, Router
from fazhi import pipeline
from fazhi.desk import Ability, NotFound
from fazhi.desk.years import obstacles, publicised, year_life
from fazhi.store import read
from fazhi.store.tables import appeal

router = Router()

BASE = "/years/{year}/{region}"
LONGEST_STATEMENT = 2000
"""Characters; longer ones are refused rather than cut."""


@router.page("/years", needs=Ability.READ, title="年度结果")
def chosen(desk: DeskRequest) -> RedirectResponse:
    """The year and region that were chosen."""
    return desk.see(f"/years/{desk.chosen_year()}/{desk.chosen_region()}")


@router.page(BASE, needs=Ability.READ, title="年度结果")
def year_page(desk: DeskRequest, year: int, region: str) -> HTMLResponse:
    """Where the year's results are, what is publicised, what stands in the way, and what can be done."""
    _place(desk, year, region)
    ground = _desk(desk)
    life = year_life(ground, year, region, now=desk.now)
    shown = life.attempts[0].proposal if life.attempts else None
    asked = desk.request.query_params
    return desk.page(
        "years/year.html",
        year=year,
        region=region,
        life=life,
        shown=shown,
        publicised=publicised(ground, shown, after=asked.get("after"), now=desk.now) if shown else None,
        obstacles=obstacles(ground, year, region, after=asked.get("behind"), now=desk.now),
        may={ability.value: desk.person.may(ability, region) for ability in Ability},
    )


@router.page(BASE + "/proposal", needs=Ability.DECIDE, title="提出前预览")
def proposal_preview(desk: DeskRequest, year: int, region: str) -> HTMLResponse:
    """What a proposal made now would contain; nothing is stored."""
    _place(desk, year, region, Ability.DECIDE)
    preview = pipeline.preview_proposal(desk.settings, year, region, now=desk.now)
    return desk.page("years/preview.html", year=year, region=region, preview=preview)


@router.act(BASE + "/propose", needs=Ability.DECIDE)
def propose(desk: DeskRequest, year: int, region: str) -> RedirectResponse:
    """Publicise exactly what the preview showed, for a sealed year as a correction."""
    _place(desk, year, region, Ability.DECIDE)
    words: dict[str, Any] = {
        "account": desk.person.name,
        "reason": _text(desk, "reason"),
        "shown": _text(desk, "shown"),
        "now": desk.now,
    }
    is_correction = pipeline.region_is_sealed(desk.ground(), year, region)
    move = pipeline.propose_correction if is_correction else pipeline.propose_final
    move(desk.settings, year, region, **words)
    told = N_("更正已提出，等待另一人签发") if is_correction else N_("已提出并开始公示，本年度数据随即锁定")
    return desk.see(_path(year, region), told=desk.say(told))


@router.act(BASE + "/withdraw", needs=Ability.DECIDE)
def withdraw(desk: DeskRequest, year: int, region: str) -> RedirectResponse:
    """Withdraw the open proposal; the year is unlocked."""
    _place(desk, year, region, Ability.DECIDE)
    reason = _text(desk, "reason")
    pipeline.withdraw_proposal(
        desk.settings, year, region, account=desk.person.name, reason=reason, now=desk.now
    )
    return desk.see(_path(year, region), told=desk.say("已撤回"))


@router.act(BASE + "/sign", needs=Ability.SIGN)
def sign(desk: DeskRequest, year: int, region: str) -> RedirectResponse:
    """Sign the proposal that was on the screen, by its digest."""
    _place(desk, year, region, Ability.SIGN)
    pipeline.sign_proposal(
        desk.settings, year, region, account=desk.person.name, digest=_text(desk, "digest"), now=desk.now
    )
    return desk.see(_path(year, region), told=desk.say("已签发；由 final_results 流程推送、核对后封存"))


@router.act(BASE + "/seal", needs=Ability.SIGN)
def seal(desk: DeskRequest, year: int, region: str) -> RedirectResponse:
    """Seal the year once the platform has confirmed all of it."""
    _place(desk, year, region, Ability.SIGN)
    pipeline.seal_year(desk.settings, year, region=region, account=desk.person.name, now=desk.now)
    return desk.see(_path(year, region), told=desk.say("已封存"))


@router.act(BASE + "/appeals", needs=Ability.DECIDE)
def record_appeal(desk: DeskRequest, year: int, region: str) -> RedirectResponse:
    """Record a unit's objection, after the signature its request for a correction."""
    _place(desk, year, region, Ability.DECIDE)
    unit = _text(desk, "unit_code")
    known = {one.unit_code for one in desk.ground().registry.scored_units(year, desk.now.date(), region)}
    if unit not in known:
        desk.refuse(400, "请选择本地区参加考评的单位")
    pipeline.file_appeal(
        desk.settings,
        year,
        unit_code=unit,
        indicator_code=_text(desk, "indicator_code"),
        statement=_text(desk, "statement"),
        by=desk.person.actor,
        now=desk.now,
    )
    return desk.see(_path(year, region) + "#appeals", told=desk.say("申诉已记录，由另一位审核员处理"))


@router.act("/appeals/{appeal_id}/decide", needs=Ability.DECIDE)
def rule_on_appeal(desk: DeskRequest, appeal_id: int) -> RedirectResponse:
    """Uphold or reject an objection."""
    with read(desk.engine) as connection:
        about = connection.execute(select(appeal).where(appeal.c.appeal_id == appeal_id)).one_or_none()
    if about is None:
        raise NotFound("没有这项申诉")
    desk.require_region(about.region, Ability.DECIDE)
    pipeline.decide_appeal(
        desk.settings,
        appeal_id,
        verdict=_text(desk, "verdict"),
        reason=_text(desk, "reason"),
        account=desk.person.name,
        now=desk.now,
    )
    return desk.see(_path(about.year, about.region) + "#appeals", told=desk.say("申诉已处理"))


# --- what the routes share ---


def _place(desk: DeskRequest, year: int, region: str, ability: Ability = Ability.READ) -> None:
    desk.require_year(year)
    desk.require_region(region, ability)


def _desk(desk: DeskRequest) -> pipeline.Desk:
    return pipeline.Desk(desk.settings, desk.ground())


def _path(year: int, region: str) -> str:
    return f"/years/{year}/{region}"


def _text(desk: DeskRequest, name: str) -> str:
    given = desk.form.get(name, "")
    written = given.strip() if isinstance(given, str) else ""
    if len(written) > LONGEST_STATEMENT:
        desk.refuse(400, "文字太长，请写在 2000 字以内")
    return written
