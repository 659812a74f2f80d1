"""Changes of the ground on the desk. In: an archive, or a proposal's number. Out: what it does, and two persons' word.

Units, tasks, adjustments, holidays and editions touch every region: whoever proposes or rules needs the right in each.
"""

from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.datastructures import UploadFile

from desk.web import DeskRequest, Router
from fazhi.desk import Ability
from fazhi.desk.ground import as_csv, effect_rows, ground_proposals, shown_proposal, submitted
from fazhi.desk.package import MOST_BYTES
from fazhi.desk.places import known_regions
from fazhi.pipeline import Desk, ground_change
from fazhi.review.ground import refuse
from fazhi.review.harmless import harmless

router = Router()

_FORM_AROUND = 64 * 1024


@router.page("/ground", needs=Ability.READ, title="考评依据")
def proposals(desk: DeskRequest) -> HTMLResponse:
    """The proposals, the newest first, and the form for a new one."""
    found = ground_proposals(_desk(desk), after=desk.request.query_params.get("after"))
    return desk.page(
        "ground/list.html",
        found=found,
        may_propose=_everywhere(desk, Ability.OPERATE),
        editions=desk.ground().editions.all,
    )


@router.page("/ground/{proposal_id}", needs=Ability.READ, title="变更提议")
def one_proposal(desk: DeskRequest, proposal_id: int) -> HTMLResponse:
    """A proposal with everything that it does."""
    shown = shown_proposal(_desk(desk), proposal_id)
    return desk.page("ground/proposal.html", shown=shown, may_rule=_everywhere(desk, Ability.SIGN))


@router.download("/ground/{proposal_id}/effect.csv", needs=Ability.READ)
def effect(desk: DeskRequest, proposal_id: int) -> Response:
    """Everything that a proposal does, as a table."""
    _, rows = effect_rows(_desk(desk), proposal_id)
    text = as_csv(tuple(harmless(cell) for cell in row) for row in rows)
    return desk.download(text.encode("utf-8-sig"), f"变更提议{proposal_id}-影响.csv", "text/csv")


@router.act("/ground", needs=Ability.OPERATE, largest=MOST_BYTES + _FORM_AROUND, files=1)
def propose(desk: DeskRequest) -> RedirectResponse:
    """Check an archive, work out its effect and store it as a proposal; nothing is applied."""
    _require_everywhere(desk, Ability.OPERATE)
    archive = desk.form.get("archive")
    if not isinstance(archive, UploadFile) or not archive.filename:
        desk.refuse(400, "请选择一个 .zip 压缩包")
    reason = _reason(desk)
    number, _ = ground_change.propose_change(
        desk.settings, submitted(archive.file.read()), desk.person.actor, reason, now=desk.now
    )
    return desk.see(f"/ground/{number}", told=desk.say("提议已记录，由另一人批准后生效"))


@router.act("/ground/{proposal_id}/approve", needs=Ability.SIGN)
def approve(desk: DeskRequest, proposal_id: int) -> RedirectResponse:
    """Approve what was on the screen and put it in force."""
    _require_everywhere(desk, Ability.SIGN)
    shown = str(desk.form.get("shown", ""))
    if len(shown) != 64:
        desk.refuse(400, "请重新打开提议，核对影响后再批准")
    ground_change.approve_change(
        desk.settings, proposal_id, desk.person.actor, _reason(desk), now=desk.now, shown=shown
    )
    return desk.see(f"/ground/{proposal_id}", told=desk.say("已批准，变更已整体生效"))


@router.act("/ground/{proposal_id}/refuse", needs=Ability.SIGN)
def turn_down(desk: DeskRequest, proposal_id: int) -> RedirectResponse:
    """Refuse a proposal; nothing changes."""
    _require_everywhere(desk, Ability.SIGN)
    refuse(desk.engine, proposal_id, desk.person.actor, _reason(desk), now=desk.now)
    return desk.see(f"/ground/{proposal_id}", told=desk.say("已记录为不同意，什么也没有改变"))


def _desk(desk: DeskRequest) -> Desk:
    return Desk(desk.settings, desk.ground())


def _everywhere(desk: DeskRequest, ability: Ability) -> bool:
    return all(desk.person.may(ability, region) for region in known_regions(desk.ground().registry))


def _require_everywhere(desk: DeskRequest, ability: Ability) -> None:
    for region in known_regions(desk.ground().registry):
        desk.person.require(ability, region)


def _reason(desk: DeskRequest) -> str:
    given = desk.form.get("reason", "")
    written = given.strip() if isinstance(given, str) else ""
    if not written or len(written) > 2000:
        desk.refuse(400, "请写明理由（2000 字以内）")
    return written
