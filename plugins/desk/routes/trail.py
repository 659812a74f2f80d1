"""The audit log. In: a filter. Out: 审计: who did what, when, to what, before and after; is the chain sound?"""

from fastapi.responses import HTMLResponse

from desk.language import N_
from desk.web import DeskRequest, Router
from fazhi.desk import ALL_REGIONS, Ability
from fazhi.desk.trail import WINDOW, Wanted, Within, actions, trail, verified

router = Router()

ACTIONS = {
    "appeal.filed": N_("提出申诉"),
    "appeal.rejected": N_("驳回申诉"),
    "appeal.upheld": N_("支持申诉"),
    "correction.proposed": N_("提出更正"),
    "correction.signed": N_("签发更正"),
    "correction.withdrawn": N_("撤回更正"),
    "correction_request.filed": N_("申请更正"),
    "correction_request.rejected": N_("驳回更正申请"),
    "correction_request.upheld": N_("支持更正申请"),
    "decision.recorded": N_("作出审核决定"),
    "final.proposed": N_("提出最终结果"),
    "final.sealed": N_("封存最终结果"),
    "final.signed": N_("签发最终结果"),
    "final.withdrawn": N_("撤回最终结果"),
    "ground.applied": N_("考评依据变更生效"),
    "ground.approved": N_("批准考评依据变更"),
    "ground.proposed": N_("提出考评依据变更"),
    "ground.refused": N_("驳回考评依据变更"),
    "outbox.moved": N_("结果推送状态变化"),
    "outbox.recovered": N_("签署恢复版本号"),
    "outbox.tried_again": N_("重新推送"),
    "run.push_allowed": N_("准许执行推送"),
    "submission.reviewed": N_("告知报送单位审核结果"),
}
"""What an action is called; one that is not here is shown by its code."""

FAULTS = {
    "changed": N_("第 {seq} 条的内容与其摘要不符：内容被改动过"),
    "missing": N_("第 {seq} 条之前有记录被删除"),
    "unlinked": N_("第 {seq} 条与前一条接不上：前一条被替换，或此处插入、调换过记录"),
}
"""What is wrong with a link, by ``Fault.kind``."""


@router.page("/trail", needs=Ability.AUDIT, title="审计")
def show(
    desk: DeskRequest,
    subject: str = "",
    action: str = "",
    actor: str = "",
    first: str = "",
    last: str = "",
    after: str = "",
) -> HTMLResponse:
    """A page of the log, the newest first."""
    asked = {"subject": subject, "action": action, "actor": actor, "first": first, "last": last}
    wanted = Wanted(subject.strip(), action, actor.strip(), first, last)
    return desk.page(
        "trail.html",
        log=trail(desk.engine, wanted, after, _within(desk)),
        asked=asked,
        actions=actions(desk.engine),
        action_zh=ACTIONS,
        sees_all=desk.person.may(Ability.AUDIT, ALL_REGIONS),
    )


@router.page("/trail/verify", needs=Ability.AUDIT, title="校验审计链")
def verify(desk: DeskRequest) -> HTMLResponse:
    """Check the newest links of the chain; for whoever may see all of it."""
    desk.person.require(Ability.AUDIT, ALL_REGIONS)
    return desk.page("verify.html", sound=verified(desk.engine), window=WINDOW, fault_zh=FAULTS)


def _within(desk: DeskRequest) -> Within | None:
    if desk.person.may(Ability.AUDIT, ALL_REGIONS):
        return None
    return Within(desk.ground().registry, desk.person.abilities[Ability.AUDIT])
