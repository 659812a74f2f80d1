"""The audit log at a terminal. In: the store, heads exported earlier. Out: what happened, and whether it still stands.

Exit status of ``verify``: 0 the chain stands, 1 it was tampered with.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from fazhi import pipeline
from fazhi.audit import export_head, read_heads
from fazhi.audit import verify as verify_chain
from fazhi.audit.show import Wanted, shown
from fazhi.cli.app import STATUS_NEEDS_A_PERSON, JsonOption, OutOption, app, err, out, print_json, print_table
from fazhi.cli.labels import ACTION_ZH, lines_zh, short_zh
from fazhi.settings import Settings
from fazhi.store import open_store

audit_app = typer.Typer(help="审计记录：核验、查看、导出链头。", no_args_is_help=True)
app.add_typer(audit_app, name="audit")


@audit_app.command("verify")
def audit_verify(
    heads: Annotated[Path | None, typer.Option("--heads", help="以前导出的链头文件")] = None,
    as_json: JsonOption = False,
) -> None:
    """核验审计链：有没有被改动、删除、插入、调换；给出链头文件时，还查末尾有没有被截断、全链有没有被重写。"""
    known = read_heads(heads) if heads is not None else ()
    found = verify_chain(_engine(), known)
    if as_json:
        print_json({**asdict(found), "clean": not found.faults})
    else:
        for fault in found.faults:
            err.print(fault.message_zh, style="bold red", markup=False, highlight=False, soft_wrap=True)
        verdict = f"发现 {len(found.faults)} 处问题" if found.faults else "完整"
        compared = f"，与 {found.heads} 个链头比对过" if found.heads else "，没有与导出的链头比对"
        out.print(f"审计链{verdict}：共 {found.count} 条{compared}", markup=False, highlight=False)
    if found.faults:
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@audit_app.command("head")
def audit_head(to: OutOption, as_json: JsonOption = False) -> None:
    """把当前链头追加到一个文件，供以后核验；文件应放在本机以外、只能追加的地方。"""
    head = export_head(_engine(), to, now=pipeline.now_in_shanghai())
    if as_json:
        print_json(asdict(head))
    else:
        out.print(
            f"已追加链头：第 {head.seq} 条 {head.digest}", markup=False, highlight=False, soft_wrap=True
        )


@audit_app.command("show")
def audit_show(
    subject: Annotated[str, typer.Option("--subject", help="事项里含有的文字，例如单位代码")] = "",
    action: Annotated[str, typer.Option("--action", help="动作，例如 decision 或 decision.recorded")] = "",
    actor: Annotated[str, typer.Option("--actor", help="经办人的账号或姓名")] = "",
    last: Annotated[int, typer.Option("--last", min=1, help="最多列出最近多少条")] = 200,
    as_json: JsonOption = False,
) -> None:
    """列出谁在什么时候对什么做了什么，以及前后的内容或摘要。"""
    found = shown(_engine(), Wanted(subject=subject, action=action, actor=actor, last=last))
    if as_json:
        print_json(found)
        return
    print_table(
        "审计记录",
        ("序号", "时间", "经办人", "动作", "事项", "之前", "之后", "说明"),
        (
            (
                row["seq"],
                row["at"],
                f"{row['actor_name']}（{row['actor_id']}）",
                ACTION_ZH.get(row["action"], row["action"]),
                row["subject"],
                short_zh(row["before"] or ""),
                short_zh(row["after"] or ""),
                _details_zh(row["details"]),
            )
            for row in found
        ),
    )


def _engine() -> Engine:
    return open_store(Settings.load().store_url)


def _details_zh(details: Any) -> str:
    """What else an event says; what was tampered with is shown as it stands."""
    if not isinstance(details, dict):
        return str(details or "")
    return short_zh("\n".join(lines_zh({name: value for name, value in details.items() if value != ""})))
