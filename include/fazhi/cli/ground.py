"""Reviewed changes of the ground. In: a folder, two persons. Out: the effect shown, then the change in force.

Units, tasks, adjustments and holidays come in by ``fazhi registry import``, editions by ``fazhi systems import``; both
are approved or refused by ``fazhi registry approve`` and ``fazhi registry refuse``.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from fazhi import pipeline
from fazhi.audit import Actor
from fazhi.cli.app import STATUS_NEEDS_A_PERSON, JsonOption, app, out, print_json, print_table, progress
from fazhi.cli.systems import systems_app
from fazhi.pipeline import ground_change
from fazhi.pipeline.ground_change import Submitted
from fazhi.review.ground import TREE_ZH, proposals, refuse, state_zh
from fazhi.settings import Settings
from fazhi.store import open_store

registry_app = typer.Typer(
    help="单位、任务、加减分、节假日和指标体系的变更：一人提出，另一人批准。", no_args_is_help=True
)
app.add_typer(registry_app, name="registry")

ByOption = Annotated[str, typer.Option("--by", help="经办人账号")]
NameOption = Annotated[str, typer.Option("--name", help="经办人姓名")]
ReasonOption = Annotated[str, typer.Option("--reason", help="理由")]


@registry_app.command("import")
def registry_import(
    directory: Path, by: ByOption, name: NameOption, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """提出变更：检查目录里的表，列出变化和对得分的影响，等另一人批准。目录里没有的文件保持不变。"""
    _propose(ground_change.submitted_registry(directory), Actor(by, name), reason, as_json)


@systems_app.command("import")
def systems_import(
    directory: Path, by: ByOption, name: NameOption, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """提出指标体系的变更：检查一版或几版，列出变化和对得分的影响，等另一人批准（fazhi registry approve）。"""
    _propose(ground_change.submitted_editions(directory), Actor(by, name), reason, as_json)


def _propose(submitted: Submitted, proposer: Actor, reason: str, as_json: bool) -> None:
    proposal_id, document = ground_change.propose_change(
        Settings.load(), submitted, proposer, reason, now=pipeline.now_in_shanghai(), progress=progress
    )
    shown = ground_change.change_digest(document)
    if as_json:
        print_json({"proposal_id": proposal_id, "shown_digest": shown, "state": "open", **document})
    else:
        _print_lines(ground_change.document_lines(document))
        _say(f"已记录为提议 {proposal_id}，等另一人批准；影响说明的摘要：{shown}")
        _say(
            f"批准：fazhi registry approve {proposal_id} --by 账号 --name 姓名 --reason 理由 --shown {shown[:12]}"
        )
    raise typer.Exit(STATUS_NEEDS_A_PERSON)


@registry_app.command("proposals")
def registry_proposals(as_json: JsonOption = False) -> None:
    """列出全部提议及其进展。"""
    found = proposals(open_store(Settings.load().store_url))
    if as_json:
        print_json([asdict(one) for one in found])
        return
    print_table(
        "变更提议",
        ("编号", "内容", "提出人", "时间", "理由", "进展"),
        (
            (
                one.proposal_id,
                TREE_ZH[one.tree],
                f"{one.proposer_name}（{one.proposed_by}）",
                one.proposed_at,
                one.reason,
                state_zh(one.state),
            )
            for one in found
        ),
    )


@registry_app.command("show")
def registry_show(proposal_id: int, as_json: JsonOption = False) -> None:
    """一项提议的变化和影响，与提出时显示的相同。"""
    found, document = ground_change.shown_document(Settings.load(), proposal_id)
    if as_json:
        print_json({**asdict(found), **document})
        return
    _print_lines(ground_change.document_lines(document))
    _say(f"提议 {proposal_id}：{state_zh(found.state)}；影响说明的摘要：{found.shown_digest}")


@registry_app.command("approve")
def registry_approve(
    proposal_id: int,
    by: ByOption,
    name: NameOption,
    reason: ReasonOption,
    shown: Annotated[str, typer.Option("--shown", help="看过的影响说明的摘要，可只写开头几位")] = "",
    as_json: JsonOption = False,
) -> None:
    """批准一项提议，立即整体生效；提出人不能批准。中途断电或被终止后，重复执行即可完成。"""
    found = ground_change.approve_change(
        Settings.load(), proposal_id, Actor(by, name), reason, now=pipeline.now_in_shanghai(), shown=shown
    )
    _tell_state(asdict(found), as_json, f"提议 {proposal_id} 已批准，{TREE_ZH[found.tree]}已整体更新")


@registry_app.command("refuse")
def registry_refuse(
    proposal_id: int, by: ByOption, name: NameOption, reason: ReasonOption, as_json: JsonOption = False
) -> None:
    """不同意一项提议；什么也不改变。"""
    engine = open_store(Settings.load().store_url)
    refuse(engine, proposal_id, Actor(by, name), reason, now=pipeline.now_in_shanghai())
    _tell_state(
        {"proposal_id": proposal_id, "state": "refused"}, as_json, f"提议 {proposal_id} 已记录为不同意"
    )


def _tell_state(document: dict[str, Any], as_json: bool, line: str) -> None:
    if as_json:
        print_json(document)
    else:
        _say(line)


def _print_lines(lines: list[str]) -> None:
    for line in lines:
        _say(line)


def _say(line: str) -> None:
    out.print(line, markup=False, highlight=False, soft_wrap=True)
