"""值守：每小时检查一次，发现不动的、坏了的、快满的，就告知责任人。

检查夜间考评是否完成、报送和裁定是否逾期、结果是否得到平台确认、备份是否过旧、审计链是否完好、磁盘是否将满。
同样的检查可以随时在命令行做：`fazhi alarms`。

- 新出现的告警当次告知；持续存在的每 24 小时再告知一次；解除时告知一次。
- 有“立即处理”的告警时，“给出结论”显示为失败：执行列表里一眼可见。“当日处理”的只告知。
- 每一种告警怎样处理，见运维手册“告警与处理”一节；限额在 `include/operations/limits.yaml`。

## 告知到哪里

默认只写日志，什么也不发出本机。需要时在 Airflow 的“连接”里建立（可以都建）：

| 连接 | 类型 | 填写 |
| --- | --- | --- |
| `fazhi_alarm_mail` | SMTP | 主机、端口、账号、口令；附加信息里写 `from_email`（发件人）和 `to`（收件人） |
| `fazhi_alarm_webhook` | HTTP | 完整地址；口令（可不填）作为 Bearer 令牌发送 |

其他流程的步骤失败时，也通过这两个连接当即告知。

## 出错时

- 邮件或网络通知送不出去：“告知”自动重试；仍失败则显示失败，下一小时再告知。
- 检查自身出错（例如限额文件写错）：“检查”显示失败，日志里列出全部错误。
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from airflow.sdk import Variable, dag, get_current_context, task
from airflow.timetables.trigger import CronTriggerTimetable

from operations_notifier import OperationsNotifier
from pipeline_task import FinalStop, in_plain_words, settings
from step_defaults import FIRST_DAY, step_defaults

Counts = dict[str, Any]

MEMORY = "fazhi_alarms_told"
"""The variable in which a round leaves to the next one what was told, and when."""


class Tag(StrEnum):
    """The tags that this DAG carries."""

    DUTY = "值守"


@task(
    task_display_name="检查",
    doc_md="检查夜间执行、期限、推送、备份、审计链、磁盘，列出现在存在的全部告警。",
)
def look() -> list[dict[str, str]]:
    """The alarms that stand."""
    from fazhi import operations, pipeline

    with in_plain_words():
        return [one.to_json() for one in operations.raised(settings(), pipeline.now_in_shanghai())]


@task(
    task_display_name="告知",
    multiple_outputs=False,
    doc_md="把新出现的、该再次提醒的和已经解除的告警写进日志，并通过已配置的邮件和网络通知告知。没有变化时什么也不发。",
)
def tell(found: list[dict[str, str]]) -> Counts:
    """Tell what is news, and remember it only once it was told."""
    from fazhi import operations, pipeline

    with in_plain_words():
        limits = operations.Limits.load(settings().limits_file)
        alarms = [operations.Alarm.from_json(one) for one in found]
        memory = Variable.get(MEMORY, default={}, deserialize_json=True)
        news = operations.news(alarms, memory, pipeline.now_in_shanghai(), limits.remind_after)
        if not news.nothing:
            subject, text = operations.in_words(news.new, news.over)
            told = [one.to_json() for one in news.new]
            OperationsNotifier(subject, text, told).notify(get_current_context())
            Variable.set(MEMORY, dict(news.memory), serialize_json=True)
    return {"standing": len(alarms), "told": len(news.new), "over": len(news.over)}


@task(
    task_display_name="给出结论",
    doc_md="有“立即处理”的告警时显示为失败；它们已在“告知”里告知，这里不再重复。",
    on_failure_callback=None,
    retries=2,
)
def conclude(found: list[dict[str, str]]) -> None:
    """Fail as long as something urgent stands."""
    from fazhi import operations

    urgent = [one for one in found if one["severity"] == operations.Severity.CRITICAL]
    if urgent:
        told = "；".join(f"{one['title_zh']}：{one['what_zh']}" for one in urgent)
        raise FinalStop(f"有 {len(urgent)} 项告警须立即处理：{told}", 1)


@dag(
    dag_id="operations",
    dag_display_name="值守",
    description="每小时检查一次，有告警则告知责任人",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("15 * * * *", timezone="Asia/Shanghai"),
    start_date=FIRST_DAY,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=1),
    default_args=step_defaults(),
    tags=[tag.value for tag in Tag],
)
def operations_dag() -> None:
    """The order of the steps."""
    found = look()
    tell(found) >> conclude(found)


operations_dag()
