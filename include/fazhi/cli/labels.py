"""The words for people at a terminal. In: keys and states as they are stored. Out: Chinese labels and lines.

JSON keeps the stored words; only what a person reads is translated.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fazhi.model.terms import DECISION_ZH, SEVERITY_ZH
from fazhi.score import LINE_ZH

COUNT_ZH = {
    "year": "年度",
    "region": "地区",
    "regions": "各地区",
    "source": "来源",
    "found": "查到报送",
    "new": "新增",
    "known": "以前已收",
    "problems": "未能办理",
    "notices": "签发前须知",
    "intake": "读取",
    "parsed": "已读取",
    "unreadable": "不能读取",
    "already": "以前已办",
    "values": "数值",
    "findings": "核验问题",
    "validation": "核验",
    "validation_id": "核验编号",
    **{severity.value: words for severity, words in SEVERITY_ZH.items()},
    "sealed": "已封存",
    "newly_sealed": "本次封存",
    "scored": "已计分单位",
    "new_versions": "新版本",
    "unchanged": "没有变化",
    "without_result": "没有结果的单位",
    "pending": "待推送",
    "sent": "已送出，待确认",
    "confirmed": "平台已确认",
    "refused": "平台拒收",
    "conflict": "与平台不一致",
    "due": "应办理",
    "pushed": "已推送",
    "configured": "已配置",
    "told": "已告知",
    "waiting": "平台或门户未应答，下次再办",
    "outcomes": "审核结果",
    "accepted": "接收",
    "accepted_with_warnings": "接收但有提示",
    "returned": "退回",
    "number": "第几次提出",
    "kind": "事项",
    "digest": "摘要",
    "units": "单位数",
    "objection_until": "公示至",
    "outcome": "办理结果",
    "differences": "差异",
    "changes": "其中变动",
    "follows": "随之变动",
    "unit_code": "统一社会信用代码",
    "unit_name": "单位",
    "line": "指标或项目",
    "before": "前",
    "after": "后",
    "why": "原因",
    "why_zh": "原因",
    "appeal_id": "申诉编号",
    "verdict": "处理结果",
    "statement": "申诉内容",
    "decide_by": "处理期限",
    "reason": "理由",
    "recovered": "续接版本号的单位",
    "appeal": "申诉编号",
    "indicator": "指标",
    "late": "逾期提出",
    "role": "职责",
    "versions": "版本",
    "results": "得分（单位和版本）",
    "run_id": "运行编号",
    "run_type": "运行方式",
    "mode": "推送方式",
    "rule": "规则",
    "value_digest": "数值摘要",
    "requested_by": "申请人",
    "report_no": "第几次告知",
    "proposed_by": "提出人",
    "shown_digest": "影响说明的摘要",
    "ground_digest": "所依据内容的摘要",
    "version": "版本",
    "stage": "阶段",
    "state": "状态",
    "attempts": "推送次数",
    "changed_at": "时间",
    "problem": "原因",
    "system_id": "版本",
    "title_zh": "名称",
    "title_en": "英文名称",
    "from_year": "起始年度",
    "to_year": "截止年度",
    "years_zh": "适用年度",
    "indicators": "指标",
    "weighted": "计分指标",
    "full_marks": "满分合计",
    "share": "占比",
    "checks": "校验规则",
    "unverified": "依据未核实",
}
"""What a count or a field is called."""

STATE_ZH = {
    "kind": {
        **DECISION_ZH,
        "final": "年度最终结果",
        "correction": "更正",
        "appeal": "申诉",
        "correction_request": "更正申请",
    },
    "outcome": {
        "signed": "已签发",
        "withdrawn": "已撤回",
        "accepted": "接收",
        "accepted_with_warnings": "接收但有提示",
        "returned": "退回",
    },
    "verdict": {"upheld": "成立", "rejected": "不成立", "": "待处理"},
    "stage": {"provisional": "过程得分", "final": "最终结果"},
    "state": {
        "pending": "待推送",
        "sent": "已送出，待确认",
        "confirmed": "平台已确认",
        "refused": "平台拒收",
        "conflict": "与平台不一致",
        "superseded": "已有更新的版本",
    },
    "source": {"folder": "收件文件夹", "portal": "报送门户"},
    "line": LINE_ZH,
    "role": {"chief": "考评负责人", "deputy": "代理负责人", "steward": "考评管理员"},
    "mode": {"auto": "自动", "dry_run": "只试算", "push": "推送"},
}
"""What a stored word is called, by the field that it stands in."""

VERDICTS = {"成立": "upheld", "不成立": "rejected"}
"""The verdicts on an appeal as a person may write them."""

ACTION_ZH = {
    "decision.recorded": "记录裁定",
    "submission.reviewed": "审核报送",
    "run.push_allowed": "准许推送",
    "outbox.moved": "推送状态变动",
    "outbox.tried_again": "重新推送被拒收的得分",
    "outbox.recovered": "续接版本号",
    "final.proposed": "提出年度最终结果",
    "final.signed": "签发年度最终结果",
    "final.withdrawn": "撤回年度最终结果",
    "final.sealed": "封存年度",
    "correction.proposed": "提出更正",
    "correction.signed": "签发更正",
    "correction.withdrawn": "撤回更正",
    "ground.proposed": "提出变更",
    "ground.approved": "批准变更",
    "ground.refused": "不同意变更",
    "ground.applied": "变更生效",
    "appeal.filed": "登记申诉",
    "appeal.upheld": "申诉成立",
    "appeal.rejected": "申诉不成立",
    "correction_request.filed": "登记更正申请",
    "correction_request.upheld": "更正申请成立",
    "correction_request.rejected": "更正申请不成立",
}
"""What an action of the audit log is called."""


_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
SHOWN_OF_DIGEST = 12


def short_zh(text: str) -> str:
    """A text for a narrow column: of a digest only its beginning (``--json`` has it whole)."""
    return _DIGEST.sub(lambda found: found[0][:SHOWN_OF_DIGEST], text)


def word_zh(field: str, value: Any) -> str:
    """A value as a person reads it: stored words translated, yes and no, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    return STATE_ZH.get(field, {}).get(str(value), str(value))


def heads(fields: tuple[str, ...]) -> tuple[str, ...]:
    """The column titles of fields."""
    return tuple(COUNT_ZH[field] for field in fields)


def cells(row: Mapping[str, Any], fields: tuple[str, ...]) -> list[str]:
    """A record's cells under those titles."""
    return [word_zh(field, row[field]) for field in fields]


def lines_zh(counts: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Counts, lists and records as indented Chinese lines, in their order."""
    for name, value in counts.items():
        label = COUNT_ZH.get(name, name)
        if isinstance(value, Mapping):
            yield f"{indent}{label}：{'' if value else '无'}"
            yield from lines_zh(value, indent + "  ")
        elif isinstance(value, list | tuple):
            yield from _listed(name, label, value, indent)
        else:
            yield f"{indent}{label}：{word_zh(name, value)}"


def _listed(name: str, label: str, values: list[Any] | tuple[Any, ...], indent: str) -> Iterator[str]:
    if not values:
        yield f"{indent}{label}：无"
        return
    yield f"{indent}{label}：{len(values)}"
    for value in values:
        if isinstance(value, Mapping):
            first, *more = lines_zh(value, "")
            yield f"{indent}  - {first}"
            yield from (f"{indent}    {line}" for line in more)
        else:
            yield f"{indent}  - {word_zh(name, value)}"
