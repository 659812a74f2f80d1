"""The command line ``fazhi`` (contracts/cli.md). In: arguments and settings. Out: results on stdout, progress on stderr.

Exit status: 0 done and clean; 1 done, and something needs a person; 2 wrong usage or configuration; 3 a source or the
platform could not be reached. ``--json`` prints one document for machines.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table
from sqlalchemy import make_url

from fazhi import pipeline
from fazhi.intake import write_template
from fazhi.model.errors import FazhiError, UsageError
from fazhi.model.period import Period
from fazhi.model.terms import SEVERITY_ZH, Severity, Stage
from fazhi.publish import outbox_rows
from fazhi.review import Ruling, decide_finding, decide_not_applicable
from fazhi.sandbox.__main__ import serve as serve_sandbox
from fazhi.score import explain, export_year
from fazhi.settings import SECRET_SETTINGS, Settings
from fazhi.store import connect, read, upgrade
from fazhi.store.findings import current_findings
from fazhi.synth import synthesise
from fazhi.systems import describe, diff, load_edition, load_editions

app = typer.Typer(
    name="fazhi",
    help="法治政府建设考评：从部门报送到考评平台。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
systems_app = typer.Typer(help="指标体系：列出、检查、比较。", invoke_without_command=True)
decide_app = typer.Typer(help="裁定：不适用申请、预警确认、待定事项。", no_args_is_help=True)
store_app = typer.Typer(help="数据库。", no_args_is_help=True)
app.add_typer(systems_app, name="systems")
app.add_typer(decide_app, name="decide")
app.add_typer(store_app, name="store")

out = Console()
err = Console(stderr=True)

YearOption = Annotated[int, typer.Option("--year", help="考评年度")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="统一社会信用代码")]
JsonOption = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]
OutOption = Annotated[Path, typer.Option("--out", help="写到哪里")]

STATUS_NEEDS_A_PERSON = 1
FINDING_FIELDS = (
    "unit_code",
    "period",
    "submission_id",
    "revision",
    "rule",
    "severity",
    "indicator_code",
    "sheet",
    "cell",
    "value",
    "expected",
    "related",
    "message_zh",
    "message_en",
    "fix_zh",
)


def main() -> None:
    """Run the command line; a ``FazhiError`` is told in its own words, without a traceback."""
    try:
        app()
    except FazhiError as stop:
        err.print(str(stop), style="bold red", markup=False, highlight=False)
        sys.exit(stop.exit_status)


def _progress(message: str) -> None:
    if err.is_terminal:
        err.print(message, style="dim", markup=False)


def _print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def _print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    table = Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)


def _print_counts(counts: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        _print_json(counts)
        return
    for name, count in counts.items():
        shown = json.dumps(count, ensure_ascii=False) if isinstance(count, list | dict) else count
        out.print(f"{name}: {shown}", markup=False, highlight=False)


@app.command()
def settings(as_json: JsonOption = False) -> None:
    """所有设置及其来源，密码不显示。"""
    loaded = Settings.load()
    shown = {
        name: {"value": _shown(name, str(getattr(loaded, name))), "origin": origin}
        for name, origin in loaded.origins.items()
    }
    if as_json:
        _print_json(shown)
    else:
        _print_table("设置", ("设置", "值", "来源"), ((n, s["value"], s["origin"]) for n, s in shown.items()))


def _shown(name: str, text: str) -> str:
    if name in SECRET_SETTINGS:
        return "******" if text else ""
    if name == "store_url":
        return make_url(text).render_as_string(hide_password=True)
    return text


@systems_app.callback()
def systems(context: typer.Context, as_json: JsonOption = False) -> None:
    """列出各版指标体系。"""
    if context.invoked_subcommand is not None:
        return
    editions = [describe(edition) for edition in load_editions(Settings.load().systems_dir).all]
    if as_json:
        _print_json([asdict(edition) for edition in editions])
        return
    _print_table(
        "指标体系",
        ("版本", "名称", "年度", "指标", "计分", "满分", "占比", "校验规则", "依据未核实", "摘要"),
        (
            (
                edition.system_id,
                edition.title_zh,
                edition.years_zh,
                edition.indicators,
                edition.weighted,
                edition.full_marks,
                edition.share,
                edition.checks,
                edition.unverified,
                edition.digest[:12],
            )
            for edition in editions
        ),
    )


@systems_app.command("check")
def systems_check(directory: Path, as_json: JsonOption = False) -> None:
    """检查一版指标体系，一次列出全部问题。"""
    _print_counts(asdict(describe(load_edition(directory))), as_json)


@systems_app.command("diff")
def systems_diff(a: str, b: str) -> None:
    """比较两版指标体系（版本号或目录）。"""
    out.print(diff(_edition_named(a), _edition_named(b)), markup=False, highlight=False, soft_wrap=True)


def _edition_named(name: str) -> Any:
    return (
        load_edition(Path(name))
        if Path(name).is_dir()
        else load_editions(Settings.load().systems_dir).by_id(name)
    )


@app.command()
def template(
    unit: Annotated[str, typer.Option("--unit", help="统一社会信用代码")],
    period: Annotated[str, typer.Option("--period", help="2024、2024-H1、2024-Q3 或 2024-07")],
    out_file: OutOption,
) -> None:
    """一个单位某一报送期的空白填报表。"""
    ground = pipeline.Ground(Settings.load())
    try:
        asked = Period.parse(period)
    except ValueError:
        raise UsageError(f"报送期“{period}”不可用，应写作 2024、2024-H1、2024-Q3 或 2024-07") from None
    today = pipeline.now_in_shanghai().date()
    day = ground.registry.deciding_day(asked.year, today)
    record = ground.registry.unit_on(unit, day)
    if record is None:
        raise UsageError(f"单位登记表里没有在 {day} 有效的代码“{unit}”")
    write_template(ground.edition(asked.year), ground.registry, record, asked, out_file, today=today)
    out.print(str(out_file), markup=False, highlight=False)


@app.command()
def collect(
    year: YearOption,
    source: Annotated[str | None, typer.Option("--source", help="只取一个来源")] = None,
    as_json: JsonOption = False,
) -> None:
    """从各来源收取新的报送。"""
    loaded = Settings.load()
    asked = [source] if source else pipeline.source_names(loaded)
    counts = [pipeline.collect(loaded, year, name, progress=_progress) for name in asked]
    if as_json:
        _print_json(counts)
    else:
        for source_counts in counts:
            _print_counts(source_counts, as_json=False)
    if any(source_counts["problems"] for source_counts in counts):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@app.command()
def validate(year: YearOption, as_json: JsonOption = False) -> None:
    """读取并核验新的或受影响的报送。"""
    loaded = Settings.load()
    read_counts = pipeline.intake(loaded, year, progress=_progress)
    regions = [pipeline.validate(loaded, year, region) for region in pipeline.region_codes(loaded, year)]
    severities = pipeline.findings_by_severity(loaded, year)
    _print_counts(
        {"year": year, "intake": read_counts, "validation": regions, "findings": severities}, as_json
    )
    if read_counts["problems"] or any(severities.get(s.value) for s in Severity if s.stops_scoring):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@app.command()
def findings(
    year: YearOption,
    unit: UnitOption = None,
    severity: Annotated[Severity | None, typer.Option("--severity")] = None,
    as_json: JsonOption = False,
) -> None:
    """列出核验问题。"""
    ground = pipeline.Ground(Settings.load())
    with read(ground.engine) as connection:
        found = current_findings(connection, year, unit=unit, severity=severity.value if severity else None)
    if as_json:
        _print_json([{name: row[name] for name in FINDING_FIELDS} for row in found])
        return
    _print_table(
        f"{year}年核验问题 {len(found)} 条",
        ("编号", "级别", "规则", "单位", "报送期", "指标", "位置", "问题", "如何更正"),
        (
            (
                row["finding_id"],
                SEVERITY_ZH[Severity(row["severity"])],
                row["rule"],
                row["unit_code"],
                row["period"],
                row["indicator_code"],
                " ".join(filter(None, (row["sheet"], row["cell"]))),
                row["message_zh"],
                row["fix_zh"],
            )
            for row in found
        ),
    )


@app.command()
def score(
    year: YearOption,
    unit: UnitOption = None,
    show_way: Annotated[bool, typer.Option("--explain", help="从得分一直列到单元格")] = False,
    as_json: JsonOption = False,
) -> None:
    """计算得分。"""
    loaded = Settings.load()
    if show_way and not unit:
        raise UsageError("--explain 需要 --unit")
    counts = [pipeline.score(loaded, year, region) for region in pipeline.region_codes(loaded, year)]
    if show_way and unit:
        ground = pipeline.Ground(loaded)
        out.print(explain(ground.engine, year, unit), markup=False, highlight=False, soft_wrap=True)
        return
    _print_counts({"year": year, "regions": counts}, as_json)


@app.command()
def export(year: YearOption, out_dir: OutOption) -> None:
    """把一年的得分和计算所用的一切写成 CSV。"""
    export_year(pipeline.Ground(Settings.load()).engine, year, out_dir)
    out.print(str(out_dir), markup=False, highlight=False)


@app.command()
def publish(
    year: YearOption,
    stage: Annotated[Stage, typer.Option("--stage")] = Stage.PROVISIONAL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说明将推送什么")] = False,
    as_json: JsonOption = False,
) -> None:
    """推送应推送的得分。"""
    if stage is Stage.FINAL:
        raise UsageError("最终得分须经公示、申诉和签发后才能推送；本版本还没有签发功能")
    counts = pipeline.publish(Settings.load(), year, push=not dry_run)
    _finish_outbox(counts, as_json, unconfirmed_states=("refused", "conflict"))


@app.command()
def reconcile(year: YearOption, as_json: JsonOption = False) -> None:
    """与考评平台核对。"""
    counts = pipeline.reconcile(Settings.load(), year)
    _finish_outbox(counts, as_json, unconfirmed_states=("pending", "sent", "refused", "conflict"))


def _finish_outbox(counts: Mapping[str, Any], as_json: bool, unconfirmed_states: Sequence[str]) -> None:
    _print_counts(counts, as_json)
    if any(counts.get(state) for state in unconfirmed_states):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@app.command()
def outbox(year: YearOption, as_json: JsonOption = False) -> None:
    """待推送队列：每个得分版本的状态和原因。"""
    rows = outbox_rows(pipeline.Ground(Settings.load()).engine, year)
    if as_json:
        _print_json(rows)
    else:
        columns = ("unit_code", "version", "stage", "state", "attempts", "changed_at", "problem")
        _print_table(f"{year}年推送队列", columns, ([row[name] for name in columns] for row in rows))


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
    known = ground.edition(Period.parse(period).year).by_code if period[:4].isdigit() else {}
    if indicator not in known:
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


@store_app.command("upgrade")
def store_upgrade() -> None:
    """把数据库结构升级到最新版本。"""
    upgrade(connect(Settings.load().store_url))
    out.print("数据库已是最新结构")


@app.command()
def synth(
    out_dir: OutOption,
    years: Annotated[str, typer.Option("--years", help="起止年度，例如 2021-2024")],
    units: Annotated[int | None, typer.Option("--units", help="被考评单位数，默认登记表全部")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    faults: Annotated[str, typer.Option("--faults", help="埋入问题的比例，例如 0.005")] = "0",
    workbooks: Annotated[bool, typer.Option("--workbooks", help="写工作簿而不是 CSV")] = False,
) -> None:
    """生成合成报送（处处注明“合成数据”）和埋入问题清单 faults.csv。"""
    first, _, last = years.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise UsageError(f"--years 应写作 2021-2024，收到“{years}”")
    loaded = Settings.load()
    ground = pipeline.Ground(loaded)
    outcome = synthesise(
        ground.registry,
        ground.editions,
        years=range(int(first), int(last or first) + 1),
        units=units,
        seed=seed,
        out=out_dir,
        faults_rate=_rate(faults),
        registry_dir=loaded.registry_dir,
        workbooks=workbooks,
        today=pipeline.now_in_shanghai().date(),
        progress=_progress,
    )
    out.print(
        f"{outcome.submissions} 份报送，{len(outcome.faults)} 处埋入问题：{out_dir}",
        markup=False,
        highlight=False,
    )


def _rate(written: str) -> Fraction:
    try:
        return Fraction(written)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--faults 应是 0 到 1 之间的数，收到“{written}”") from None


@app.command()
def sandbox(
    port: Annotated[int, typer.Option("--port", help="0 = 任选空闲端口")] = 0,
    state: Annotated[
        Path | None, typer.Option("--state", help="状态文件，默认 var/sandbox/platform.db")
    ] = None,
    app_id: Annotated[str, typer.Option("--app-id")] = "fazhi-sandbox",
    secret: Annotated[str, typer.Option("--secret", help="默认每次启动随机生成并打印")] = "",
) -> None:
    """本机沙箱考评平台，遵守接口约定，仅供试用和测试。"""
    default_state = Settings.load().root / "var" / "sandbox" / "platform.db"
    serve_sandbox(port=port, state=state or default_state, app_id=app_id, secret=secret)


if __name__ == "__main__":
    main()
