"""A year's final results: propose, appeal, sign, seal, correct. In: a year and an account. Out: the new state.

Every command shows the digest that it binds to; a signature names the digest that was read (``--digest``).
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from fazhi import pipeline
from fazhi.audit import Actor
from fazhi.cli.app import (
    STATUS_NEEDS_A_PERSON,
    JsonOption,
    YearOption,
    app,
    out,
    print_counts,
    print_json,
    print_table,
)
from fazhi.cli.labels import VERDICTS, cells, heads, short_zh
from fazhi.model.errors import UsageError
from fazhi.settings import Settings

final_app = typer.Typer(help="年度最终结果：提出、公示、申诉、状态。", no_args_is_help=True)
correct_app = typer.Typer(
    help="已封存年度的更正：列出差异、提出、撤回；签发用 fazhi sign。", no_args_is_help=True
)
app.add_typer(final_app, name="final")
app.add_typer(correct_app, name="correct")

RegionOption = Annotated[str | None, typer.Option("--region", help="地区的区划代码；只有一个地区时可省略")]
ByOption = Annotated[str, typer.Option("--by", help="办理人的账号")]
ReasonOption = Annotated[str, typer.Option("--reason", help="理由")]
DigestOption = Annotated[str, typer.Option("--digest", help="所签结果的摘要，见 fazhi final status")]


@final_app.command("status")
def final_status(year: YearOption, as_json: JsonOption = False) -> None:
    """各地区最终结果的状态、下一步由谁在何时之前办理。"""
    loaded = Settings.load()
    states = pipeline.year_status(loaded, year, now=pipeline.now_in_shanghai())
    appeals = {state.region: pipeline.year_appeals(loaded, year, state.region) for state in states}
    if as_json:
        print_json(
            [{**state.to_json(), "appeals": [vars(one) for one in appeals[state.region]]} for state in states]
        )
    else:
        rows = (
            (
                s.region,
                s.phase_zh,
                short_zh(s.digest),
                s.units,
                s.objection_until,
                s.next_zh,
                s.owner_zh,
                s.deadline,
            )
            for s in states
        )
        titles = ("地区", "状态", "摘要", "单位数", "公示至", "下一步", "由谁办理", "期限")
        print_table(f"{year}年最终结果", titles, rows)
        for state in states:
            if state.digest:
                out.print(f"{state.region} 的完整摘要（签发时填写）：{state.digest}", soft_wrap=True)
        for region, listed in appeals.items():
            if listed:
                columns = ("appeal_id", "kind", "unit_code", "statement", "decide_by", "verdict", "reason")
                print_table(f"{region} 的申诉", heads(columns), (cells(vars(one), columns) for one in listed))
    if any(state.overdue for state in states):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@final_app.command("propose")
def final_propose(
    year: YearOption,
    by: ByOption,
    region: RegionOption = None,
    reason: ReasonOption = "",
    as_json: JsonOption = False,
) -> None:
    """计算最终结果并内部公示；公示期内本年度数据锁定。"""
    loaded = Settings.load()
    now = pipeline.now_in_shanghai()
    told = pipeline.propose_final(
        loaded, year, _region(loaded, year, region), account=by, reason=reason, now=now
    )
    print_counts(told, as_json)


@final_app.command("withdraw")
def final_withdraw(
    year: YearOption,
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """撤回尚未签发的最终结果（或更正）。"""
    _withdraw(year, by, reason, region, as_json)


@final_app.command("appeal")
def final_appeal(
    year: YearOption,
    unit: Annotated[str, typer.Option("--unit", help="申诉单位的统一社会信用代码")],
    by: Annotated[str, typer.Option("--by", help="申诉人的账号")],
    statement: Annotated[str, typer.Option("--statement", help="申诉内容")],
    indicator: Annotated[str, typer.Option("--indicator", help="指标编码")] = "",
    name: Annotated[str, typer.Option("--name", help="申诉人姓名")] = "",
    as_json: JsonOption = False,
) -> None:
    """登记一件申诉；已签发的年度登记为更正申请。"""
    print_counts(
        pipeline.file_appeal(
            Settings.load(),
            year,
            unit_code=unit,
            indicator_code=indicator,
            statement=statement,
            by=Actor(by, name or by),
            now=pipeline.now_in_shanghai(),
        ),
        as_json,
    )


@final_app.command("decide-appeal")
def final_decide_appeal(
    appeal_id: int,
    verdict: Annotated[str, typer.Option("--verdict", help="成立（upheld）或不成立（rejected）")],
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    by: ByOption,
    as_json: JsonOption = False,
) -> None:
    """处理一件申诉或更正申请（编号见 fazhi final status）。"""
    now = pipeline.now_in_shanghai()
    told = pipeline.decide_appeal(
        Settings.load(),
        appeal_id,
        verdict=VERDICTS.get(verdict, verdict),
        reason=reason,
        account=by,
        now=now,
    )
    print_counts(told, as_json)


@app.command()
def sign(
    year: YearOption,
    by: ByOption,
    digest: DigestOption,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """签发最终结果或更正；摘要不符、结果有变动或不合回避要求的，什么也不保存。"""
    loaded = Settings.load()
    now = pipeline.now_in_shanghai()
    told = pipeline.sign_proposal(
        loaded, year, _region(loaded, year, region), account=by, digest=digest, now=now
    )
    print_counts(told, as_json)


@app.command()
def seal(year: YearOption, by: ByOption, region: RegionOption = None, as_json: JsonOption = False) -> None:
    """封存：最终结果已全部由平台确认的年度。封存以后不能解除，只能更正。"""
    now = pipeline.now_in_shanghai()
    print_counts(pipeline.seal_year(Settings.load(), year, region=region, account=by, now=now), as_json)


@correct_app.command("diff")
def correct_diff(year: YearOption, as_json: JsonOption = False) -> None:
    """已封存年度重算后与封存结果的差异：单位、指标、前、后、原因。"""
    loaded = Settings.load()
    found = pipeline.year_differences(loaded, year, now=pipeline.now_in_shanghai())
    rows: list[Mapping[str, Any]] = [one.to_json() for one in found]
    if as_json:
        print_json({"year": year, "differences": rows})
    elif not rows:
        sealed = pipeline.has_sealed_results(loaded, year)
        out.print(
            f"{year}年重算结果与封存结果一致" if sealed else f"{year}年还没有封存，没有封存结果可以比较"
        )
    else:
        columns = ("unit_code", "unit_name", "line", "before", "after", "why_zh", "follows")
        print_table(f"{year}年差异", heads(columns), (cells(row, columns) for row in rows))
    if rows:
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@correct_app.command("propose")
def correct_propose(
    year: YearOption,
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """把差异作为更正提出，等待另一人签发。"""
    loaded = Settings.load()
    now = pipeline.now_in_shanghai()
    told = pipeline.propose_correction(
        loaded, year, _region(loaded, year, region), account=by, reason=reason, now=now
    )
    print_counts(told, as_json)


@correct_app.command("withdraw")
def correct_withdraw(
    year: YearOption,
    by: ByOption,
    reason: Annotated[str, typer.Option("--reason", help="理由")],
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """撤回尚未签发的更正。"""
    _withdraw(year, by, reason, region, as_json)


def _withdraw(year: int, by: str, reason: str, region: str | None, as_json: bool) -> None:
    loaded = Settings.load()
    now = pipeline.now_in_shanghai()
    told = pipeline.withdraw_proposal(
        loaded, year, _region(loaded, year, region), account=by, reason=reason, now=now
    )
    print_counts(told, as_json)


def _region(loaded: Settings, year: int, given: str | None) -> str:
    if given is not None:
        return given
    regions = pipeline.Desk(loaded).regions(year, pipeline.now_in_shanghai())
    if len(regions) != 1:
        raise UsageError(f"{year}年有 {len(regions)} 个地区，请用 --region 指明：{'、'.join(regions)}")
    return regions[0]
