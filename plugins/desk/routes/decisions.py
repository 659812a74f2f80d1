"""What one decided, and what waits for a ruling. In: a person. Out: lists, undoing, rulings on requests."""

from fastapi.responses import HTMLResponse, RedirectResponse

from desk.language import N_
from desk.web import DeskRequest, Router
from fazhi.desk import Ability
from fazhi.desk.decisions import my_returns, my_rulings, open_requests, rule_request, undo
from fazhi.store import read

router = Router()
_ALREADY = N_("已经办理过，没有重复记录")


@router.page("/decisions", needs=Ability.DECIDE, title="我的决定")
def decisions(desk: DeskRequest) -> HTMLResponse:
    """Requests that wait, one's own rulings and returns."""
    with read(desk.engine) as connection:
        requests, more = open_requests(connection, desk.ground(), desk.person)
        rulings = my_rulings(connection, desk.person, desk.request.query_params.get("after"))
        returns = my_returns(connection, desk.person)
    return desk.page(
        "decisions/decisions.html", requests=requests, more=more, rulings=rulings, returns=returns
    )


@router.act("/decisions/{decision_id}/undo", needs=Ability.DECIDE)
def undo_ruling(desk: DeskRequest, decision_id: int) -> RedirectResponse:
    """Take back one's own ruling while the department has not been told."""
    reason = str(desk.form.get("reason", ""))
    stored = undo(desk.ground(), desk.person, decision_id, reason=reason, now=desk.now)
    told = N_("已撤销") if stored else _ALREADY
    return desk.see("/decisions", told=desk.say(told))


@router.act("/requests/{request_id}/rule", needs=Ability.DECIDE)
def rule(desk: DeskRequest, request_id: int) -> RedirectResponse:
    """Grant or refuse a request, or take one's own ruling back."""
    turns = str(desk.form.get("turns", ""))
    stored = rule_request(
        desk.ground(),
        desk.person,
        request_id,
        verdict=str(desk.form.get("verdict", "")),
        reason=str(desk.form.get("reason", "")),
        turns=int(turns) if turns.isascii() and turns.isdecimal() and len(turns) < 6 else -1,
        now=desk.now,
    )
    told = N_("已裁定") if stored else _ALREADY
    back = str(desk.form.get("back", ""))
    return desk.see(back if back.startswith("/submissions/") else "/decisions", told=desk.say(told))
