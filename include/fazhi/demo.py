"""``make demo``: the main job end to end, on a real scheduler. In: nothing. Out: one table per year, exit status.

First the figures that five public texts publish are validated in a store of their own, and what they bring to light is
printed. Then a synthetic city is collected, validated, scored, pushed to a sandbox platform and read back by the DAG
``assessment``: the current year as a run by hand, the years 2021–2023 as a backfill over the API that Airflow's UI
uses. All settings are the demo's own, whatever the environment says: synthetic results never reach a real platform.
"""

import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select

from fazhi import pipeline
from fazhi.model.errors import FazhiError, SystemFault
from fazhi.model.terms import SEVERITY_ZH, OutboxState, Severity
from fazhi.publish import outbox_counts
from fazhi.services import AirflowApi, LocalAirflow, RunState
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.store import open_store, read
from fazhi.store.findings import counts_by_severity, current_findings
from fazhi.store.tables import current_result, outbox, receipt, result, submission, submission_file, value
from fazhi.synth import published_inbox, synthesise

BACKFILL_YEARS = (2021, 2023)
FAULT_RATE = Fraction("0.005")
SEED = 2026
RUN_TIMEOUT = 900
APP_ID = "fazhi-demo"
SYNTHETIC_PREFIX = "synth-"
TOLD_FIRST = ("RATIO_MISMATCH", "INCOMPARABLE", "PERIOD_TYPE", "FUZZY_MALFORMED", "VALUE_TYPE")
DEMO_DIR = PROJECT_ROOT / "var" / "demo"

PIPED_WIDTH = 120

out = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH, soft_wrap=True)


def main() -> int:
    """Run the demo; 0 when all of it worked."""
    try:
        _show_published()
        return _assess_city()
    except FazhiError as stop:
        out.print(f"[bold red]演示中断:[/]{stop}")
        return stop.exit_status
    except KeyboardInterrupt:
        out.print("[bold red]已中断；启动的进程都已结束。[/]")
        return 130


def _say(line: str) -> None:
    out.print(f"  [dim]{line}[/]", markup=True)


# --- the published figures -------------------------------------------------------------------------------------


def _show_published() -> None:
    out.rule(
        "[bold]一、公开发表的数字[/] 五篇文章里公布的数据，整理成报送，按指标体系核验（不计分）", align="left"
    )
    settings = _own_settings("published", inbox=published_inbox())
    years = sorted({int(folder.name[:4]) for folder in published_inbox().iterdir() if folder.is_dir()})
    found: list[dict[str, Any]] = []
    for year in years:
        found += _validate_published(settings, year)
    _print_published(found)
    if not any(row["rule"] == "RATIO_MISMATCH" and "99.49" in str(row["value"]) for row in found):
        raise SystemFault("劳动仲裁结案率 99.49% 与 6669/6861 不符，但核验没有发现：规则有误")


def _validate_published(settings: Settings, year: int) -> list[dict[str, Any]]:
    pipeline.collect(settings, year)
    pipeline.intake(settings, year)
    for region in pipeline.region_codes(settings, year):
        pipeline.validate(settings, year, region)
    report = pipeline.report(settings, year, f"published__{year}")
    _say(f"{year}年核验报告：{report['path']}")
    ground = pipeline.Ground(settings)
    names = ground.edition(year).by_code
    with read(ground.engine) as connection:
        provenance = dict(connection.execute(select(value.c.value_id, value.c.provenance)).tuples().all())
        files = dict(
            connection.execute(
                select(submission_file.c.submission_id, submission_file.c.name).where(
                    submission_file.c.role == "workbook"
                )
            )
            .tuples()
            .all()
        )
        return [
            {
                **row,
                "indicator_zh": names[row["indicator_code"]].name_zh
                if row["indicator_code"] in names
                else "",
                "provenance": (provenance.get(row["value_id"]) or "").replace(";", " ").replace("|", "、"),
                "file": f"{row['submission_id']}/{files[row['submission_id']]}",
            }
            for row in current_findings(connection, year)
        ]


def _print_published(found: Sequence[Mapping[str, Any]]) -> None:
    """The defects worth telling first, each with source, cell and explanation; nothing is cut off."""
    told = sorted(
        (row for row in found if row["rule"] in TOLD_FIRST),
        key=lambda row: (TOLD_FIRST.index(row["rule"]), row["year"], row["indicator_code"] or ""),
    )
    for row in told:
        out.print()
        out.print(
            f"[bold]{row['period']} {row['indicator_code']} {row['indicator_zh']}[/]"
            f"  {SEVERITY_ZH[Severity(row['severity'])]} {row['rule']}"
        )
        out.print(f"  位置：{row['file']} {row['cell']}  所填：{row['value']}  出处：{row['provenance']}")
        out.print(f"  {row['message_zh']}")
    listed = Counter(row["rule"] for row in found if row["rule"] not in TOLD_FIRST)
    others = "，".join(f"{rule} {number}" for rule, number in sorted(listed.items()))
    out.print(f"\n共发现 {len(found)} 条，以上 {len(told)} 条；其余（{others}）见核验报告。")


# --- the synthetic city ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class YearOutcome:
    """What one year came to."""

    year: int
    units: int
    findings: Mapping[str, int]
    newly_pushed: int
    confirmed: int
    unconfirmed: int
    share: str


def _assess_city() -> int:
    this_year = pipeline.now_in_shanghai().year
    years = [*range(BACKFILL_YEARS[0], BACKFILL_YEARS[1] + 1), this_year]
    out.rule("[bold]二、合成城市[/] 由真实的 Airflow 调度器完成收取、核验、计分、推送、核对", align="left")
    settings = _own_settings("city", inbox=DEMO_DIR / "city")
    settings = replace(settings, store_url=f"sqlite:///{PROJECT_ROOT / 'var' / 'fazhi.db'}")
    _refuse_foreign_data(settings)
    _write_city(settings, years)
    pushed_before = _receipts(settings)
    with _sandbox() as (url, secret):
        environment = _environment(settings, url, secret)
        airflow = LocalAirflow(PROJECT_ROOT / "var" / "airflow", environment, progress=_say)
        try:
            airflow.start()
            runs = _run_years(airflow.api(), this_year)
            password = airflow.password
        finally:
            airflow.stop()
        reconciled = replace(settings, platform_url=url, platform_app_id=APP_ID, platform_secret=secret)
        for year in years:
            pipeline.reconcile(reconciled, year)
    outcomes = [_outcome(settings, year, pushed_before) for year in years]
    _print_outcomes(outcomes)
    _say_where(settings, runs, password)
    return _status(runs, outcomes)


def _refuse_foreign_data(settings: Settings) -> None:
    """The demo writes to the default store, so it must not find somebody's real submissions there."""
    with read(open_store(settings.store_url)) as connection:
        foreign = connection.scalar(
            select(func.count())
            .select_from(submission)
            .where(submission.c.submission_id.not_like(f"{SYNTHETIC_PREFIX}%"))
        )
    if foreign:
        raise SystemFault(
            f"默认数据库 var/fazhi.db 里有 {foreign} 份不是合成数据的报送，演示不会动它。请先移走该文件再运行 make demo。"
        )


def _write_city(settings: Settings, years: Sequence[int]) -> None:
    """Write the city; the same arguments give the same bytes, so a second demo finds nothing new."""
    ground = pipeline.Ground(settings)
    outcome = synthesise(
        ground.registry,
        ground.editions,
        years=years,
        units=None,
        seed=SEED,
        out=settings.inbox,
        faults_rate=FAULT_RATE,
        workbooks=False,
        today=pipeline.now_in_shanghai().date(),
    )
    _say(
        f"合成报送 {outcome.submissions} 份，埋入问题 {len(outcome.faults)} 处，清单在 {settings.inbox / 'faults.csv'}"
    )


def _receipts(settings: Settings) -> dict[int, int]:
    with read(open_store(settings.store_url)) as connection:
        rows = connection.execute(select(receipt.c.year, func.count()).group_by(receipt.c.year))
        return dict(rows.tuples().all())


@contextmanager
def _sandbox() -> Iterator[tuple[str, str]]:
    """The sandbox platform as a process of its own; its state stays, so that a second demo meets what it holds."""
    secret_file = DEMO_DIR / "platform.secret"
    if not secret_file.is_file():
        secret_file.parent.mkdir(parents=True, exist_ok=True)
        secret_file.touch(mode=0o600)
        secret_file.write_text(secrets.token_urlsafe(32), encoding="ascii")
    secret = secret_file.read_text(encoding="ascii")
    state = str(DEMO_DIR / "platform.db")
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "fazhi.sandbox", "--port", "0", "--state", state, "--app-id", APP_ID],
        env={**os.environ, "FAZHI_PLATFORM_SECRET": secret},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        url = (process.stdout.readline() if process.stdout else "").strip()
        if not url.startswith("http"):
            raise SystemFault("沙箱考评平台没有启动")
        _say(f"沙箱考评平台：{url}")
        yield url, secret
    finally:
        process.terminate()
        process.wait(timeout=30)


def _environment(settings: Settings, url: str, secret: str) -> dict[str, str]:
    return {
        "FAZHI_STORE_URL": settings.store_url,
        "FAZHI_RAW_URL": settings.raw_url,
        "FAZHI_INBOX": str(settings.inbox),
        "FAZHI_REPORTS_DIR": str(settings.reports_dir),
        "FAZHI_PLATFORM_URL": url,
        "FAZHI_PLATFORM_APP_ID": APP_ID,
        "FAZHI_PLATFORM_SECRET": secret,
        "FAZHI_PORTAL_URL": "",
    }


def _own_settings(name: str, inbox: Path) -> Settings:
    """Settings that owe nothing to the environment."""
    home = DEMO_DIR / name
    return Settings.load(
        environ={
            "FAZHI_STORE_URL": f"sqlite:///{home}.db",
            "FAZHI_RAW_URL": str(PROJECT_ROOT / "var" / "raw"),
            "FAZHI_INBOX": str(inbox),
            "FAZHI_REPORTS_DIR": str(PROJECT_ROOT / "var" / "reports"),
        }
    )


def _run_years(api: AirflowApi, this_year: int) -> list[RunState]:
    told = {"mode": "push", "reason": "演示：合成数据推送到沙箱平台"}
    out.print(f"[bold]本年度 {this_year}[/] 手动运行一次")
    runs = api.wait_for_runs([api.trigger_run(this_year, told)], RUN_TIMEOUT, progress=_say)
    out.print(f"[bold]回填 {BACKFILL_YEARS[0]}—{BACKFILL_YEARS[1]}[/] 与界面“回填”相同的接口，一年一次执行")
    _wait_for_earlier_backfill(api)
    before = {run.run_id for run in api.runs()}
    api.create_backfill(*BACKFILL_YEARS, told, reprocess="completed")
    made = [run.run_id for run in api.runs() if run.run_id not in before]
    return runs + api.wait_for_runs(made, RUN_TIMEOUT, progress=_say)


def _wait_for_earlier_backfill(api: AirflowApi) -> None:
    """Airflow closes a finished backfill by a sweep every 30 seconds and refuses a second one until then."""
    deadline = time.monotonic() + 120
    while api.backfill_in_progress() and time.monotonic() < deadline:
        time.sleep(2)


def _outcome(settings: Settings, year: int, pushed_before: Mapping[int, int]) -> YearOutcome:
    engine = open_store(settings.store_url)
    counts = outbox_counts(engine, year)
    with read(engine) as connection:
        current = select(current_result.c.unit_code).where(current_result.c.year == year)
        units = connection.scalar(select(func.count()).select_from(current.subquery())) or 0
        confirmed = connection.scalar(
            select(func.count())
            .select_from(outbox)
            .join(
                current_result,
                (outbox.c.year == current_result.c.year)
                & (outbox.c.unit_code == current_result.c.unit_code)
                & (outbox.c.version == current_result.c.version),
            )
            .where(outbox.c.year == year, outbox.c.state == OutboxState.CONFIRMED.value)
        )
        share = connection.scalar(select(func.max(result.c.share)).where(result.c.year == year))
        findings = dict(counts_by_severity(connection, year))
    return YearOutcome(
        year=year,
        units=units,
        findings=findings,
        newly_pushed=_receipts(settings).get(year, 0) - pushed_before.get(year, 0),
        confirmed=confirmed or 0,
        unconfirmed=sum(counts[state] for state in ("pending", "sent", "refused", "conflict")),
        share=share or "",
    )


def _print_outcomes(outcomes: Sequence[YearOutcome]) -> None:
    out.rule("[bold]三、结果[/]", align="left")
    for outcome in outcomes:
        table = Table("项目", "数", title=f"{outcome.year}年", title_justify="left", min_width=36)
        table.add_row("计分单位", str(outcome.units))
        for severity in Severity:
            table.add_row(f"问题：{SEVERITY_ZH[severity]}", str(outcome.findings.get(severity.value, 0)))
        table.add_row("新推送", str(outcome.newly_pushed))
        table.add_row("已确认（回读一致）", str(outcome.confirmed))
        table.add_row("未确认", str(outcome.unconfirmed))
        table.add_row("占领导班子年度绩效", f"{outcome.share}")
        out.print(table)
    out.print(f"[bold]合计：新推送 {sum(o.newly_pushed for o in outcomes)} 份[/]")


def _say_where(settings: Settings, runs: Sequence[RunState], password: str) -> None:
    out.print("[bold]核验报告[/](浏览器打开):")
    for run in runs:
        if run.year:
            out.print(
                f"  {run.year}年 {pipeline.report_path(settings, int(run.year), run.run_id)}", soft_wrap=True
            )
    out.print(f"[bold]再次打开界面[/]:make up(用户 admin，密码 {password});关闭：make down", soft_wrap=True)
    out.print("启动的进程已全部结束。")


def _status(runs: Sequence[RunState], outcomes: Sequence[YearOutcome]) -> int:
    failed = [run.run_id for run in runs if run.state != "success"]
    incomplete = [o.year for o in outcomes if not o.units or o.confirmed != o.units or o.unconfirmed]
    if failed:
        out.print(f"[bold red]执行失败：{'、'.join(failed)}[/]")
    if incomplete:
        out.print(f"[bold red]没有全部确认的年度：{'、'.join(map(str, incomplete))}[/]")
    return 1 if failed or incomplete else 0


if __name__ == "__main__":
    sys.exit(main())
