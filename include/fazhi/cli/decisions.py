"""Decisions of people. In: a finding or an indicator of a unit. Out: a stored ruling."""

from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.cli.app import app, out
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.review import Ruling, decide_finding, decide_not_applicable
from fazhi.settings import Settings

decide_app = typer.Typer(help="裁定：不适用申请、预警确认、待定事项。", no_args_is_help=True)
app.add_typer(decide_app, name="decide")

VerdictOption = Annotated[str, typer.Option("--verdict", help="approve 同意、refuse 不同意、withdraw 撤回")]
ReasonOption = Annotated[str, typer.Option("--reason", help="理由")]
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
