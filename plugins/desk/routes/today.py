"""The first page: what is to be done today. In: year and region. Out: 今日, and the mark up to which it was seen."""

from fastapi.responses import HTMLResponse, Response

from desk.language import N_
from desk.web import DeskRequest, Router
from fazhi.desk import Ability
from fazhi.desk.today import Looking, mark_seen, today_page

router = Router()

OWNERS = {
    "unit": N_("报送单位"),
    "steward": N_("审核员"),
    "chief": N_("签发人"),
    "operator": N_("运维员"),
    "system": N_("系统"),
}
"""Who acts, by ``Owner.kind``."""

BASES = {
    "report": N_("报送期限"),
    "year": N_("提出年度结果的期限"),
    "night": N_("次日凌晨自动核验"),
    "step": N_("本环节期限"),
    "none": N_("指标体系没有规定期限"),
}
"""Where a deadline comes from, by ``Deadline.basis``."""

LISTS = {
    "open": N_("需要处理"),
    "waiting": N_("待审核决定"),
    "returned": N_("已退回"),
    "accepted_with_warnings": N_("采信并有提示"),
    "received": N_("待核验"),
    "overdue": N_("逾期未报"),
    "expected": N_("待报送"),
    "accepted": N_("已采信"),
    "all": N_("全部"),
}
"""The lists that may be chosen."""

STEPS = (
    N_("提出年度最终结果"),
    N_("处理更正申请"),
    N_("推送最终结果，平台全部确认后封存"),
    N_("签发更正"),
    N_("推送已签发的更正并与平台核对"),
    N_("更正申请成立：更正数据、重新核验后提出更正"),
    N_("申诉成立：撤回、重算后重新提出"),
    N_("处理申诉"),
    N_("公示，期满后签发"),
    N_("签发"),
    N_("年度结果"),
    N_("考评依据变更（{who}提出）等待第二人审批"),
    N_("{count} 份结果被平台拒绝"),
    N_("{count} 份结果与平台不一致"),
)
"""What ``Step.what_zh`` may say."""


@router.page("/", needs=Ability.READ, title="今日")
def today(desk: DeskRequest, show: str = "open", unit: str = "", after: str = "") -> HTMLResponse:
    """What came in, what waits, what is overdue."""
    looking = _looking(desk)
    return desk.page(
        "today.html",
        looking=looking,
        today=today_page(looking, show=show, unit=unit, after=after),
        show=show,
        unit=unit,
        owners=OWNERS,
        bases=BASES,
        lists=LISTS,
    )


@router.act("/seen/{year}/{region}", needs=Ability.READ)
def seen(desk: DeskRequest, year: int, region: str) -> Response:
    """The person has seen everything up to now."""
    looking = _looking(desk)
    mark_seen(looking)
    return desk.see(f"/?year={year}&region={region}", told="已记下：到此刻为止的变化您都看过了")


def _looking(desk: DeskRequest) -> Looking:
    return Looking(desk.ground(), desk.chosen_year(), desk.chosen_region(), desk.person, desk.now)
