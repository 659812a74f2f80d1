"""每周清理一次过了保留期限的文件。

| 清理 | 保留（天，`include/operations/limits.yaml`） |
| --- | --- |
| 核验报告 | 400；每个年度最新的一份、签发时所依据的一份始终保留 |
| Airflow 任务日志 | 180 |
| 核验的运行产物 | 30 |
| 旧备份 | 60；最近 14 份始终保留 |

原始文件、数据库、审计记录、结果、签发记录从不清理；要清理的文件夹与它们重叠时，什么也不清理，并以失败告知。

默认只列出、不清理。确认无误后，在 Airflow 的“变量”里把 `fazhi_prune` 设为 `apply`，以后每周自动清理；
删去这个变量即恢复为只列出。命令行上先看 `fazhi prune`，再用 `fazhi prune --apply`。

Airflow 的元数据（执行记录、XCom）不在这里清理：任务没有元数据库的口令。由主机的定时任务执行
`fazhi prune --metadata --apply`，见运维手册“保留与清理”一节。
"""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from airflow.sdk import Variable, dag, task
from airflow.timetables.trigger import CronTriggerTimetable

from pipeline_task import in_plain_words, settings
from step_defaults import FIRST_DAY, step_defaults

Counts = dict[str, Any]

CONSENT = "fazhi_prune"
"""The variable whose value ``apply`` allows to remove what was found."""


class Tag(StrEnum):
    """The tags that this DAG carries."""

    DUTY = "值守"


@task(
    task_display_name="清理过期文件",
    multiple_outputs=False,
    doc_md="列出过了保留期限的文件；变量 `fazhi_prune` 为 `apply` 时才清理。日志里逐个写明。",
)
def prune_files() -> Counts:
    """Find what is past its keeping, and remove it where that is allowed."""
    import logging

    from airflow.sdk.configuration import conf

    from fazhi import operations, pipeline

    logger = logging.getLogger("airflow.task")
    apply = Variable.get(CONSENT, default="") == "apply"
    logs = Path(conf.get("logging", "base_log_folder"))
    with in_plain_words():
        found = operations.prune(settings(), pipeline.now_in_shanghai(), task_logs=logs, apply=apply)
    for one in found:
        logger.info(
            "%s %s（%d 字节，%s）", "已清理" if apply else "过期未清理", one.path, one.size, one.changed_at
        )
    return {"files": len(found), "bytes": sum(one.size for one in found), "applied": apply}


@dag(
    dag_id="maintenance",
    dag_display_name="保留与清理",
    description="每周清理过了保留期限的报告、日志和旧备份；默认只列出",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("30 12 * * 0", timezone="Asia/Shanghai"),
    start_date=FIRST_DAY,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args=step_defaults(timedelta(hours=1)),
    tags=[tag.value for tag in Tag],
)
def maintenance() -> None:
    """One step."""
    prune_files()


maintenance()
