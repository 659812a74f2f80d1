"""Decisions of people. In: a finding, a submission, a request. Out: a stored ruling, return or request."""

from datetime import datetime
from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.audit import Actor
from fazhi.cli.app import app, out
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.review import (
    Asked,
    Ruling,
    ask_extension,
    ask_not_applicable,
    ask_waiver,
    decide_finding,
    decide_not_applicable,
    return_submission,
    rule_on_request,
    shown_digest,
    undo_return,
)
from fazhi.settings import Settings
from fazhi.store import read

decide_app = typer.Typer(help="裁定：不适用、预警、待定事项、退回、豁免和延期申请。", no_args_is_help=True)
app.add_typer(decide_app, name="decide")

VerdictOption = Annotated[str, typer.Option("--verdict", help="approve 同意、refuse 不同意、withdraw 撤回")]
ReasonOption = Annotated[str, typer.Option("--reason", help="理由；不予认可（refuse）的理由报送单位会看到")]
ByOption = Annotated[str, typer.Option("--by", help="裁定人")]
AskedByOption = Annotated[str, typer.Option("--requested-by", help="申请人，不能与裁定人相同")]


@decide_app.command("na")
def decide_na(
    unit: Annotated[str, typer.Option("--unit", help="统一社会信用代码")],
    indicator: Annotated[str, typer.Option("--indicator", help="指标编码")],
    period: Annotated[str, typer.Option("--period", help="报送期")],
    verdict: VerdictOption,
    reason: ReasonOption,
    by: ByOption,
    requested_by: AskedByOption = "",
) -> None:
    """裁定一项指标对一个单位是否“不适用”。"""
    ground = pipeline.Ground(Settings.load())
    if indicator not in ground.edition(_year_of(period)).by_code:
        raise UsageError(f"指标体系里没有编码“{indicator}”")
    if not ground.registry.known_code(unit):
        raise UsageError(f"单位登记表里没有代码“{unit}”")
    stored = decide_not_applicable(
        ground.engine,
        unit_code=unit,
        indicator_code=indicator,
        period=period,
        ruling=Ruling(verdict, reason, by, requested_by),
        now=pipeline.now_in_shanghai(),
    )
    out.print("已记录" if stored else "已有同样的裁定，没有重复记录")


def _year_of(period: str) -> int:
    try:
        return Period.parse(period).year
    except ValueError:
        raise UsageError(f"报送期“{period}”不可用，应写作 2024、2024-H1、2024-Q3 或 2024-07") from None


@decide_app.command("finding")
def decide_one_finding(
    finding_id: int,
    verdict: VerdictOption,
    reason: ReasonOption,
    by: ByOption,
    requested_by: AskedByOption = "",
) -> None:
    """确认一条预警，或裁定一条待定事项（编号见 fazhi findings）。"""
    stored = decide_finding(
        pipeline.Ground(Settings.load()).engine,
        finding_id=finding_id,
        ruling=Ruling(verdict, reason, by, requested_by),
        now=pipeline.now_in_shanghai(),
    )
    out.print("已记录" if stored else "已有同样的裁定，没有重复记录")


SubmissionArgument = Annotated[str, typer.Argument(metavar="报送编号")]
RevisionArgument = Annotated[int, typer.Argument(metavar="第几次")]


@decide_app.command("return")
def return_one(
    submission_id: SubmissionArgument, revision: RevisionArgument, reason: ReasonOption, by: ByOption
) -> None:
    """把一份现行报送退回报送单位更正；夜间随核验结果通知，通知前可撤销。"""
    engine = pipeline.Ground(Settings.load()).engine
    with read(engine) as connection:
        shown = shown_digest(connection, submission_id, revision)
    stored = return_submission(
        engine,
        submission_id,
        revision,
        reason=reason,
        by=Actor(by, by),
        shown=shown,
        now=pipeline.now_in_shanghai(),
    )
    out.print("已退回" if stored else "已经退回，没有重复记录")


@decide_app.command("undo-return")
def undo_one_return(
    submission_id: SubmissionArgument, revision: RevisionArgument, by: ByOption, reason: ReasonOption = ""
) -> None:
    """撤销自己的退回（通知报送单位之前）。"""
    engine = pipeline.Ground(Settings.load()).engine
    stored = undo_return(
        engine, submission_id, revision, reason=reason, by=Actor(by, by), now=pipeline.now_in_shanghai()
    )
    out.print("已撤销退回" if stored else "没有可撤销的退回")


@decide_app.command("ask")
def ask(
    reason: ReasonOption,
    by: Annotated[str, typer.Option("--by", help="申请人")],
    finding_id: Annotated[int | None, typer.Option("--finding", help="申请豁免的问题编号")] = None,
    unit: Annotated[str, typer.Option("--unit", help="统一社会信用代码")] = "",
    period: Annotated[str, typer.Option("--period", help="报送期")] = "",
    indicator: Annotated[str, typer.Option("--indicator", help="申请不适用的指标编码")] = "",
    until: Annotated[
        datetime | None, typer.Option("--until", help="申请延期到", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """登记一项申请：--finding 豁免，--indicator 不适用，--until 延期；由他人用 decide request 裁定。"""
    chosen = [finding_id is not None, bool(indicator), until is not None]
    if sum(chosen) != 1:
        raise UsageError("请在 --finding（豁免）、--indicator（不适用）、--until（延期）中写明一项")
    engine, now = pipeline.Ground(Settings.load()).engine, pipeline.now_in_shanghai()
    asked = Asked(reason, Actor(by, by))
    if finding_id is not None:
        number = ask_waiver(engine, finding_id=finding_id, asked=asked, now=now)
    elif until is not None:
        number = ask_extension(
            engine, unit_code=unit, period=period, until=until.date(), asked=asked, now=now
        )
    else:
        number = ask_not_applicable(
            engine, unit_code=unit, indicator_code=indicator, period=period, asked=asked, now=now
        )
    out.print(f"申请已登记，编号 {number}")


@decide_app.command("request")
def decide_request(request_id: int, verdict: VerdictOption, reason: ReasonOption, by: ByOption) -> None:
    """裁定一项申请；申请人不能裁定。"""
    stored = rule_on_request(
        pipeline.Ground(Settings.load()).engine,
        request_id,
        Ruling(verdict, reason, by),
        now=pipeline.now_in_shanghai(),
    )
    out.print("已记录" if stored else "已有同样的裁定，没有重复记录")
