"""The templates. In: ``templates/``. Out: one environment that escapes everything and allows no unknown name."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from desk.language import N_
from fazhi.model.terms import DECISION_ZH, GROUP_ZH, RULED_ZH, SEVERITY_ZH, verdict_zh
from fazhi.score import LINE_ZH, WHY_ZH

TEMPLATES = Path(__file__).with_name("templates")

STATUS_ZH = {
    "expected": N_("待报送"),
    "received": N_("已收到"),
    "accepted": N_("已采信"),
    "accepted_with_warnings": N_("采信并有提示"),
    "returned": N_("已退回"),
    "waiting": N_("待我办理"),
    "hold": N_("待审核决定"),
    "overdue": N_("已逾期"),
    "pending": N_("待推送"),
    "sent": N_("已推送"),
    "confirmed": N_("已核对"),
    "refused": N_("被拒绝"),
    "conflict": N_("有冲突"),
    "superseded": N_("已被替代"),
    "unqueued": N_("尚未排队"),
    "open": N_("办理中"),
    "done": N_("已办结"),
}
"""What a code is called on a badge; routes add theirs here."""

REQUEST_ZH = {
    "not_applicable": N_("不适用申请"),
    "waiver": N_("豁免申请"),
    "extension": N_("延期申请"),
}
"""What a kind of request is called."""

STATION_ZH = {
    "proposed": N_("提出"),
    "publicised": N_("公示"),
    "signed": N_("签发"),
    "confirmed": N_("推送核对"),
    "sealed": N_("封存"),
    "corrected": N_("更正"),
}
"""The stations of a year's life."""

NEXT_ZH = (
    N_("提出年度最终结果"),
    N_("公示，期满后签发"),
    N_("处理申诉"),
    N_("申诉成立：撤回、重算后重新提出"),
    N_("签发"),
    N_("推送最终结果，平台全部确认后封存"),
    N_("处理更正申请"),
    N_("更正申请成立：更正数据、重新核验后提出更正"),
    N_("签发更正"),
    N_("推送已签发的更正并与平台核对"),
    N_("系统（final_results）"),
)
"""What ``publish.final.status`` calls the next steps and the owner that is no person."""

APPEAL_ZH = {"appeal": N_("申诉"), "correction_request": N_("更正申请")}
VERDICT_OF_APPEAL_ZH = {"upheld": N_("成立"), "rejected": N_("不成立")}
PROPOSAL_ZH = {"final": N_("最终结果"), "correction": N_("更正")}
OUTCOME_ZH = {"": N_("办理中"), "signed": N_("已签发"), "withdrawn": N_("已撤回")}
TREE_ZH = {"systems": N_("指标体系"), "registry": N_("单位、任务和加减分"), "holidays": N_("节假日")}
GROUND_STATE_ZH = {
    "open": N_("待批准"),
    "refused": N_("未同意"),
    "approved": N_("已批准，待生效"),
    "applied": N_("已生效"),
}
"""How far a change of the ground is."""

WHY_NO_TABLE_ZH = {
    "no_workbook": N_("报送中没有填报表。"),
    "isolated": N_("文件因安全原因已隔离，不显示内容。"),
    "unreadable": N_("文件不能作为数据表读取，原因见问题清单。"),
}
"""Why a submission has no table to show."""


@cache
def environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        request_zh=REQUEST_ZH,
        judged_zh=RULED_ZH,
        decision_zh=DECISION_ZH,
        verdict_zh=verdict_zh,
        why_no_table_zh=WHY_NO_TABLE_ZH,
        station_zh=STATION_ZH,
        appeal_zh=APPEAL_ZH,
        verdict_of_appeal_zh=VERDICT_OF_APPEAL_ZH,
        proposal_zh=PROPOSAL_ZH,
        outcome_zh=OUTCOME_ZH,
        tree_zh=TREE_ZH,
        ground_state_zh=GROUND_STATE_ZH,
        line_zh=LINE_ZH,
        why_zh=WHY_ZH,
        severity_zh=SEVERITY_ZH,
        status_zh=STATUS_ZH,
        group_zh=GROUP_ZH,
    )
    made.filters.update(moment=moment, day=day)
    return made


def moment(written: Any) -> str:
    """An ISO time as a person reads it: ``2026-03-02 09:15``."""
    text = str(written or "")
    return text[:16].replace("T", " ")


def day(written: Any) -> str:
    """The day of an ISO time."""
    return str(written or "")[:10]
