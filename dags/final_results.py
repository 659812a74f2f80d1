"""把已签发的年度最终结果报送考评平台，全部确认后封存。

最终结果由人提出、公示、处理申诉、签发；这个流程不代替任何人同意，也从不默认同意。
没有签发的年度，它什么也不做；已经签发的，它**报送** → **对账** → **封存**，没有完成的下一次接着做。

| 步骤 | 谁来办 | 怎样办 |
| --- | --- | --- |
| 提出并内部公示 | 考评管理员 | `fazhi final propose --year 2024 --by 账号` |
| 登记、处理申诉 | 考评管理员 | `fazhi final appeal`、`fazhi final decide-appeal` |
| 签发 | 考评负责人或指定的代理人 | `fazhi sign --year 2024 --by 账号 --digest 摘要` |
| 报送、对账、封存 | 本流程 | 每日 05:30，或手动执行 |
| 更正已封存的结果 | 提出与签发为不同的人 | `fazhi correct diff`、`fazhi correct propose`、`fazhi sign` |

现在到了哪一步、由谁在何时之前办理：`fazhi final status --year 2024`。

- 签发只对所读到的摘要有效。提出以后结果有变动的，签不下去，须撤回后重新提出。
- 提出的人、裁定过核验问题或申诉的人、办理过加减分的人、报送过材料的人，都不能签发。
- 封存以后不能解除。更正只报送有变动的单位，并注明所更正的版本。
- 夜间考评（`assessment`）不等这个流程，也不受它影响。

## 参数

| 参数 | 含义 |
| --- | --- |
| `year` | 只办这一个年度；不填则办所有已签发、尚未完成的年度 |

## 出错时

- 考评平台连不上：自动重试；仍不通则下一次执行接着做，不会重复报送。
- 平台拒收或内容不一致：不封存，用 `fazhi outbox --year 2024` 查看原因。
- 任何一步都可以放心重跑。
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException
from airflow.timetables.trigger import CronTriggerTimetable

from pipeline_task import in_plain_words, settings
from step_defaults import FIRST_DAY, step_defaults

Counts = dict[str, Any]

POOL = "platform"


class Tag(StrEnum):
    """The tags that this DAG carries."""

    ASSESSMENT = "年度考评"
    FINAL = "最终结果"
    PUBLISHES = "对外报送"


PARAMS = {
    "year": Param(
        None,
        type=["null", "integer"],
        minimum=2015,
        maximum=2100,
        title="年度（year）",
        description="只办这一个年度；不填则办所有已签发、尚未完成的年度。",
    ),
}


@task(
    task_display_name="列出已签发的年度",
    doc_md="列出已经签发、平台尚未全部确认或尚未封存的年度。没有就到此为止，显示为“跳过”。",
)
def signed_years() -> list[int]:
    """The years that a signature made due."""
    from fazhi import pipeline

    wanted = get_current_context()["params"]["year"]
    with in_plain_words():
        years = pipeline.years_to_send(settings(), now=pipeline.now_in_shanghai())
    due = [year for year in years if wanted in (None, year)]
    if not due:
        raise AirflowSkipException("没有已签发而尚未完成的年度，没有报送任何东西")
    return due


@task(
    task_display_name="报送最终结果",
    doc_md="把一个年度已签发的最终结果（或更正）报送考评平台。没有签发的结果不报送。",
    pool=POOL,
    map_index_template="{{ year_title }}",
)
def publish_final(year: int) -> Counts:
    """Push what was signed."""
    from fazhi import pipeline

    _name_year(year)
    with in_plain_words():
        return pipeline.publish(settings(), year, True, pipeline.FINAL)


@task(
    task_display_name="与平台对账",
    doc_md="从考评平台读回结果逐一比对。只有读回一致的才算“已确认”。",
    pool=POOL,
    map_index_template="{{ year_title }}",
)
def reconcile_final(year: int) -> Counts:
    """Compare with what the platform holds."""
    from fazhi import pipeline

    _name_year(year)
    with in_plain_words():
        return pipeline.reconcile(settings(), year)


@task(
    task_display_name="封存",
    doc_md="最终结果已全部确认的地区，封存。还有没确认的，等下一次执行。",
    map_index_template="{{ year_title }}",
)
def seal(year: int) -> Counts:
    """Seal what is confirmed whole."""
    from fazhi import pipeline

    _name_year(year)
    with in_plain_words():
        return pipeline.seal_what_can_be(settings(), year, now=pipeline.now_in_shanghai())


@task_group(group_id="one_year", tooltip="一个年度：报送、对账、封存；一个年度出错不影响别的年度")
def one_year(year: int) -> None:
    """Push, reconcile and seal one year; trouble with it does not hold up another."""
    publish_final(year) >> reconcile_final(year) >> seal(year)


def _name_year(year: int) -> None:
    """Show the year instead of a number in the list of mapped tasks."""
    get_current_context()["year_title"] = f"{year}年"


@dag(
    dag_id="final_results",
    dag_display_name="年度最终结果",
    description="报送已签发的最终结果和更正，全部确认后封存",
    doc_md=__doc__,
    schedule=CronTriggerTimetable("30 5 * * *", timezone="Asia/Shanghai"),
    start_date=FIRST_DAY,
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=2),
    default_args=step_defaults(),
    params=PARAMS,
    tags=[tag.value for tag in Tag],
)
def final_results() -> None:
    """The order of the steps."""
    one_year.expand(year=signed_years())


final_results()
