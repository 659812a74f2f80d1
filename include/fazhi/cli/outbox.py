"""The outbox: a look at it, and its repairs. In: a year, and who answers for it. Out: rows, or rows that go on."""

from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.audit import Actor
from fazhi.cli.app import JsonOption, YearOption, app, out, print_counts, print_json, print_table
from fazhi.cli.labels import cells, heads
from fazhi.model.errors import UsageError
from fazhi.publish import outbox_rows
from fazhi.settings import Settings

outbox_app = typer.Typer(
    help="待推送队列：查看；重新推送被拒收的；恢复备份后续接版本号。", invoke_without_command=True
)
app.add_typer(outbox_app, name="outbox")

ByOption = Annotated[str, typer.Option("--by", help="经办人的账号")]
ReasonOption = Annotated[str, typer.Option("--reason", help="理由")]


@outbox_app.callback()
def outbox(
    context: typer.Context,
    year: Annotated[int | None, typer.Option("--year", help="考评年度")] = None,
    as_json: JsonOption = False,
) -> None:
    """待推送队列：每个得分版本的状态和原因。"""
    if context.invoked_subcommand is not None:
        return
    if year is None:
        raise UsageError("请用 --year 写明考评年度")
    rows = outbox_rows(pipeline.Ground(Settings.load()).engine, year)
    if as_json:
        print_json(rows)
    else:
        columns = ("unit_code", "version", "stage", "state", "attempts", "changed_at", "problem")
        print_table(f"{year}年推送队列", heads(columns), (cells(row, columns) for row in rows))


@outbox_app.command("retry")
def outbox_retry(
    year: YearOption,
    by: ByOption,
    name: Annotated[str, typer.Option("--name", help="经办人姓名")],
    reason: ReasonOption,
    units: Annotated[list[str] | None, typer.Option("--unit", help="只重新推送这些单位，可重复")] = None,
    as_json: JsonOption = False,
) -> None:
    """更正原因以后，把平台拒收的得分放回待推送；下次推送时送出。"""
    counts = pipeline.retry_refused(
        Settings.load(),
        year,
        units or (),
        by=Actor(by, name),
        reason=reason,
        now=pipeline.now_in_shanghai(),
    )
    print_counts(counts, as_json)


@outbox_app.command("recover")
def outbox_recover(
    year: YearOption,
    by: Annotated[str, typer.Option("--by", help="签批人的账号；不写则只列出")] = "",
    reason: Annotated[str, typer.Option("--reason", help="理由，例如何时恢复了哪一份备份")] = "",
    as_json: JsonOption = False,
) -> None:
    """恢复的备份落后于平台时：列出平台上我方不掌握的版本；签批后，我方版本号从平台之上续接。"""
    loaded = Settings.load()
    if by:
        counts = pipeline.recover_versions(
            loaded, year, account=by, reason=reason, now=pipeline.now_in_shanghai()
        )
        print_counts(counts, as_json)
        if not as_json:
            out.print("下次计分时按续接的版本号生成，随后推送；也可立即执行 fazhi score、fazhi publish")
        return
    found = pipeline.forgotten_versions(loaded, year)
    if as_json:
        print_json([vars(one) for one in found])
    else:
        titles = ("单位", "我方版本", "平台版本", "平台摘要")
        rows = ((one.unit_code, one.our_version, one.held_version, one.held_digest) for one in found)
        print_table(f"{year}年平台上我方不掌握的版本 {len(found)} 个", titles, rows)
