"""Submissions: blank workbooks, collecting, validating, findings. In: a year. Out: counts and tables."""

from collections.abc import Sequence
from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.cli.app import (
    STATUS_NEEDS_A_PERSON,
    JsonOption,
    OutOption,
    UnitOption,
    YearOption,
    app,
    out,
    print_counts,
    print_json,
    print_table,
    progress,
)
from fazhi.intake import write_template
from fazhi.model.errors import ConfigurationError, Unreachable, UsageError
from fazhi.model.period import Period
from fazhi.model.terms import SEVERITY_ZH, Severity
from fazhi.settings import Settings
from fazhi.store import read
from fazhi.store.findings import current_findings

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
    """从各来源收取新的报送；一个来源连不上，其余来源照常收取。"""
    loaded = Settings.load()
    counts, away = _collect_each(loaded, year, [source] if source else pipeline.source_names(loaded))
    if as_json:
        print_json(counts)
    else:
        for source_counts in counts:
            print_counts(source_counts, as_json=False)
    if away:
        raise Unreachable("\n".join(str(reason) for reason in away))
    if any(source_counts["problems"] for source_counts in counts):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


def _collect_each(
    loaded: Settings, year: int, sources: Sequence[str]
) -> tuple[list[pipeline.Counts], list[Unreachable]]:
    """What each source gave, and why some could not be reached."""
    counts, away = [], []
    for name in sources:
        try:
            counts.append(pipeline.collect(loaded, year, name, progress=progress))
        except Unreachable as reason:
            away.append(reason)
    return counts, away


@app.command("return")
def return_(
    year: YearOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出将告知什么，不告知")] = False,
    as_json: JsonOption = False,
) -> None:
    """把审核结果（接收、接收但有提示、退回）告知报送门户；同样的结果只告知一次。"""
    loaded = Settings.load()
    counts = pipeline.report_back(loaded, year, tell=not dry_run)
    if not counts["configured"]:
        raise ConfigurationError("报送门户没有配置：缺少 FAZHI_PORTAL_URL（或 Airflow 连接 fazhi_portal）")
    print_counts({"year": year, **counts}, as_json)
    if counts["problems"]:
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@app.command()
def validate(year: YearOption, as_json: JsonOption = False) -> None:
    """读取并核验新的或受影响的报送。"""
    loaded = Settings.load()
    read_counts = pipeline.intake(loaded, year, progress=progress)
    regions = [pipeline.validate(loaded, year, region) for region in pipeline.region_codes(loaded, year)]
    severities = pipeline.findings_by_severity(loaded, year)
    print_counts(
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
        print_json([{name: row[name] for name in FINDING_FIELDS} for row in found])
        return
    print_table(
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
