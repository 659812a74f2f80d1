"""For the person on duty. In: nothing, or what to prune. Out: the alarms that stand; the files past their keeping."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.cli.app import STATUS_NEEDS_A_PERSON, JsonOption, app, out, print_json, print_table
from fazhi.operations import Limits, in_words, prune, raised
from fazhi.operations.retention import KIND_ZH
from fazhi.services.metadata import clean_metadata
from fazhi.settings import Settings

_MIB = 1 << 20


@app.command()
def alarms(as_json: JsonOption = False) -> None:
    """检查夜间执行、期限、推送、备份、审计链、磁盘；有告警时退出码为 1。"""
    found = raised(Settings.load(), pipeline.now_in_shanghai())
    if as_json:
        print_json({"alarms": [one.to_json() for one in found]})
    else:
        told = in_words(found)[1] if found else "没有告警"
        out.print(told, markup=False, highlight=False, soft_wrap=True)
    if found:
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@app.command("prune")
def prune_files(
    apply: Annotated[bool, typer.Option("--apply", help="真正清理；不加则只列出")] = False,
    task_logs: Annotated[
        Path | None, typer.Option("--task-logs", help="Airflow 任务日志所在的文件夹；默认按 Airflow 的设置")
    ] = None,
    metadata: Annotated[
        bool,
        typer.Option("--metadata", help="改为清理 Airflow 的执行记录、XCom 等；须在有元数据库口令的地方执行"),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """列出或清理过了保留期限的报告、任务日志、核验产物和旧备份；原始文件、数据库和审计记录从不清理。"""
    settings, now = Settings.load(), pipeline.now_in_shanghai()
    if metadata:
        _clean(settings, now, apply=apply)
        return
    found = prune(settings, now, task_logs=task_logs or _logs_of_airflow(), apply=apply)
    if as_json:
        print_json(
            {
                "applied": apply,
                "files": [{**vars(one), "path": str(one.path)} for one in found],
                "bytes": sum(one.size for one in found),
            }
        )
        return
    if found:
        rows = ((KIND_ZH[one.kind], one.path, one.size, one.changed_at) for one in found)
        print_table("已清理" if apply else "过了保留期限（没有清理）", ("种类", "位置", "字节", "时间"), rows)
    total = sum(one.size for one in found) / _MIB
    hint = "" if apply or not found else "；加 --apply 才会清理"
    out.print(f"共 {len(found)} 项，{total:.1f} MiB{hint}", markup=False, highlight=False)


def _clean(settings: Settings, now: datetime, *, apply: bool) -> None:
    kept = Limits.load(settings.limits_file).retention["metadata"]
    cleaned = clean_metadata(now, kept.days, apply=apply)
    out.print(cleaned.said, markup=False, highlight=False, soft_wrap=True)
    doing = "已清理" if apply else "没有清理（加 --apply 才会清理）；将清理"
    out.print(f"{doing} {cleaned.before} 以前的 Airflow 元数据", markup=False, highlight=False)


def _logs_of_airflow() -> Path | None:
    """Where Airflow on this machine keeps its task logs, without asking Airflow, which costs seconds."""
    told = os.environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER")
    if told:
        return Path(told)
    home = os.environ.get("AIRFLOW_HOME")
    return Path(home) / "logs" if home else None
