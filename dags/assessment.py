"""每天夜里把一个年度的考评从头到尾做一遍。

**采集**各单位报送的材料 → **读取**表格 → **核验**数据 → **计分** → **报送**考评平台 → **对账**。
核验之后，审核结果**告知**报送门户（以前年度的补跑不告知任何单位）。
没有新材料的夜里不产生新结果，也不报送任何东西。

| 时间（北京） | 考评年度 |
| --- | --- |
| 每日 01:30 | 本年度 |
| 每日 02:30 | 上一年度（报送材料到春季才收齐） |

## 补跑以前的年度（回填）

1. 点右上角“触发”，选“回填”，填起止日期，例如 `2021/01/01` 到 `2023/12/31`:
   每个年度一次执行，共三次。还没有开始的年度不会执行。
2. 已经执行过的年度（失败的、手动的也算）要重跑，选“所有执行”；原来的执行记录保留。
3. 需要报送时，**先勾选“覆盖现有执行的参数”**，再把 `mode` 改为 `push` 并填写 `reason`。
   不勾选，填写的参数不会生效：只计算、不报送。
4. 执行列表默认不显示“分区键”（就是考评年度）一列，可在“筛选表格列”里打开。

只跑一个年度：选“单次执行”，在“高级选项”的“分区键”里填四位年份，例如 `2023`。

## 已封存的年度

夜间执行到第一步为止，显示为“跳过”。回填或手动执行照常采集、核验、重算，只作比对：

- 与封存结果一致：“报送结果”显示为“跳过”，什么也不报送；
- 不一致：差异（单位、指标、前、后、原因）写进“报送结果”的日志和核验报告旁边的 `…-differences.csv`，不报送。
  `mode` = `push` 也不报送，并以失败告知。确需更正的，提出更正并由另一人签发（见 `final_results`），只报送所签的更正。

## 参数

| 参数 | 含义 |
| --- | --- |
| `mode` = `auto` | 夜间定时执行：报送应报送的结果。回填或手动执行：只计算、比对、展示，不报送 |
| `mode` = `dry_run` | 任何执行都只计算、比对、展示，不报送 |
| `mode` = `push` | 报送。回填或手动执行必须在 `reason` 写明理由，理由会记录在案 |

## 出错时

- 单位报送的材料有问题不算出错：问题写进**核验报告**，流程继续。
  在这次执行的“核验报告”页签里看，或在“核验数据”任务的“详细信息”里点“核验报告”打开。
- 考评平台连不上：自动重试。仍不通则该步骤失败，已完成的不会丢，下次执行接着做。
- 一个来源（例如报送门户）连不上：自动重试。仍不通则用其余来源的材料继续，最后由“核对来源”以失败告知；
  这不算任何单位的问题，下次执行接着收取。
- 指标体系或单位名录有错误：不计分，日志里一次列出全部错误。
- 任何一步都可以放心重跑：重复执行不会重复报送。
  同一年度的两次执行即使碰在一起，结果也和先后执行一样。

## 首次部署

建立两个资源池：`airflow pools set portal 2 报送门户` 与 `airflow pools set platform 1 考评平台`。
按需建立连接 `fazhi_store`、`fazhi_portal`、`fazhi_platform`。
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from airflow.sdk import Asset, Param, TriggerRule, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from assessment_year import AssessmentYearTimetable
from fazhi.model.errors import Unreachable
from pipeline_task import (
    ValidationOperator,
    away,
    in_plain_words,
    settings,
    stop_for_sources_away,
    tell_problems,
)
from step_defaults import FIRST_DAY, step_defaults

Counts = dict[str, Any]


class Tag(StrEnum):
    """The tags that DAGs of this project may carry."""

    ASSESSMENT = "年度考评"
    NIGHTLY = "每日"
    PUBLISHES = "对外报送"


class Pool(StrEnum):
    """One pool for each outside system, so that it is never asked by too many tasks at once."""

    PORTAL = "portal"
    PLATFORM = "platform"


SUBMISSIONS = Asset(name="fazhi_submissions", uri="fazhi://assessment/submissions")
VALIDATED_VALUES = Asset(name="fazhi_validated_values", uri="fazhi://assessment/validated-values")
RESULTS = Asset(name="fazhi_results", uri="fazhi://assessment/results")
PUBLICATIONS = Asset(name="fazhi_publications", uri="fazhi://assessment/publications")

PARAMS = {
    "mode": Param(
        "auto",
        type="string",
        enum=["auto", "dry_run", "push"],
        values_display={
            "auto": "auto：定时执行报送，回填和手动执行不报送",
            "dry_run": "dry_run：只计算，不报送",
            "push": "push：报送（须填理由）",
        },
        title="执行方式（mode）",
        description="回填时要先勾选“覆盖现有执行的参数”，这里的选择才会生效。",
    ),
    "reason": Param(
        None,
        type=["null", "string"],
        maxLength=500,
        title="报送理由（reason）",
        description="回填或手动执行要报送时必填，会记录在案。",
    ),
}

SOURCE_TITLES = {"folder": "报送文件夹", "portal": "报送门户"}


@task(
    task_display_name="核对年度和方式",
    doc_md="核对分区键是不是已经开始的考评年度、要不要报送、有没有理由，并把这次执行记录在案。已封存的年度，夜间执行到此为止。",
)
def plan() -> Counts:
    """Which year, and whether to push; refuses what makes no sense."""
    from fazhi import pipeline

    context = get_current_context()
    run, params = context["dag_run"], context["params"]
    with in_plain_words():
        planned = pipeline.plan_run(
            settings(),
            run_id=run.run_id,
            partition_key=run.partition_key,
            run_type=run.run_type.value,
            mode=params["mode"],
            reason=params["reason"],
            actor=run.triggering_user_name or "",
            now=pipeline.now_in_shanghai(),
        )
    if planned["skip"]:
        raise AirflowSkipException(planned["skip"])
    return planned


@task(task_display_name="列出来源", doc_md="列出已配置的材料来源；没有配置的来源不去询问。")
def sources() -> list[str]:
    """The configured sources."""
    from fazhi import pipeline

    with in_plain_words():
        return pipeline.source_names(settings())


@task(
    task_display_name="采集材料",
    doc_md="从一个来源取回新报送的材料，原件按内容存放，永不改动。有问题的材料留下并说明，不影响其他材料。"
    "一个来源重试后仍连不上，流程照常用其余来源继续，由“核对来源”报错。",
    pool=Pool.PORTAL,
    map_index_template="{{ source_title }}",
    outlets=[SUBMISSIONS],
)
def collect(year: int, source: str) -> Counts:
    """Fetch what is new from one source."""
    from fazhi import pipeline

    context, title = get_current_context(), SOURCE_TITLES.get(source, source)
    context["source_title"] = title
    with in_plain_words():
        try:
            return tell_problems(pipeline.collect(settings(), year, source))
        except Unreachable as reason:
            context["source_title"] = f"{title}（没有连上）"
            return away(context, source, reason)


@task(
    task_display_name="核对来源",
    doc_md="有来源没有连上时，这一步失败，让人看见；其余步骤不受影响。这是系统的问题，不是报送单位的问题。",
)
def reached(collected: Sequence[Counts]) -> None:
    """Fail at the end where a source could not be reached."""
    stop_for_sources_away(collected, SOURCE_TITLES)


@task(
    task_display_name="读取表格",
    doc_md="把新材料读成带单元格位置的数值；读不了的材料写明原因，流程继续。",
    trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,  # no source is configured: go on with what is there
)
def intake(year: int) -> Counts:
    """Files to values."""
    from fazhi import pipeline

    with in_plain_words():
        return tell_problems(pipeline.intake(settings(), year))


@task(task_display_name="列出地区", doc_md="列出该年度参加考评的地区；后面的步骤按地区分别进行。")
def regions(year: int) -> list[dict[str, Any]]:
    """The slices of the year, as arguments of the steps that are mapped over them."""
    from fazhi import pipeline

    with in_plain_words():
        return [{"year": year, "region": code} for code in pipeline.region_codes(settings(), year)]


def validate_region(year: int, region: str) -> Counts:
    """Judge the values of one region."""
    from fazhi import pipeline

    _name_region(year, region)
    with in_plain_words():
        return pipeline.validate(settings(), year, region)


@task(
    task_display_name="计算得分",
    doc_md="按该年度的指标体系精确计分。结果没有变化的单位不产生新版本。",
    map_index_template="{{ region_name }}",
    inlets=[VALIDATED_VALUES],
    outlets=[RESULTS],
)
def score(year: int, region: str) -> Counts:
    """Compute the results of one region."""
    from fazhi import pipeline

    _name_region(year, region)
    with in_plain_words():
        return pipeline.score(settings(), year, region)


@task(
    task_display_name="报送结果",
    doc_md="把应报送的结果报送考评平台（暂定结果）。不报送的执行在这里只算出“如果报送会报什么”。"
    "已封存的年度在这里与重算结果比对：一致则跳过；不一致则列出差异，没有签发的更正不报送。",
    pool=Pool.PLATFORM,
)
def publish(year: int, push: bool, compare: bool) -> Counts:
    """Push what is due, or say what would be pushed; a sealed year is compared."""
    from fazhi import pipeline

    if not compare:
        with in_plain_words():
            return pipeline.publish(settings(), year, push)
    run_id = get_current_context()["dag_run"].run_id
    with in_plain_words():
        compared = pipeline.compare_sealed(settings(), year, run_id, push=push)
    if not compared["differences"] and not compared["pushed"]:
        raise AirflowSkipException(f"{year}年已封存，重算结果与封存结果一致，没有报送任何东西")
    return compared


@task(
    task_display_name="与平台对账",
    doc_md="从考评平台读回结果逐一比对。只有读回一致的才算“已确认”。",
    pool=Pool.PLATFORM,
    inlets=[RESULTS],
    outlets=[PUBLICATIONS],
)
def reconcile(year: int) -> Counts:
    """Compare with what the platform holds."""
    from fazhi import pipeline

    with in_plain_words():
        return pipeline.reconcile(settings(), year)


@task(
    task_display_name="生成核验报告",
    doc_md="生成本次执行的核验报告：按单位、按指标列出哪个单元格有什么问题、应当怎样、如何改正。报送失败不影响它。",
)
def report(year: int) -> Counts:
    """Write the report of this run."""
    from fazhi import pipeline

    run_id = get_current_context()["dag_run"].run_id
    with in_plain_words():
        return pipeline.report(settings(), year, run_id)


@task(
    task_display_name="告知报送单位",
    doc_md="把每份报送的审核结果（接收、接收但有提示、退回）和整改清单告知报送门户，同样的结果只告知一次。"
    "不报送的执行和以前年度的补跑不告知任何单位。没有配置报送门户时什么也不做。",
    pool=Pool.PORTAL,
)
def report_back(year: int, push: bool) -> Counts:
    """Tell departments what became of their submissions."""
    from fazhi import pipeline

    run_type = get_current_context()["dag_run"].run_type.value
    with in_plain_words():
        tell = pipeline.tells_departments(year, push=push, run_type=run_type)
        return tell_problems(pipeline.report_back(settings(), year, tell=tell))


@task(
    task_display_name="记录完成",
    doc_md="把这次执行记为“已走完全程”。值守告警据此判断夜间执行是否正常；中途失败的执行没有这条记录。",
    trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,  # a sealed year without differences skips the push
)
def finish() -> Counts:
    """Write down that the run went through."""
    from fazhi import pipeline

    with in_plain_words():
        return pipeline.note_end(
            settings(), run_id=get_current_context()["dag_run"].run_id, now=pipeline.now_in_shanghai()
        )


def _name_region(year: int, region: str) -> None:
    """Show the region's name instead of a number in the list of mapped tasks."""
    from fazhi import pipeline

    with in_plain_words():
        get_current_context()["region_name"] = pipeline.region_name(settings(), year, region)


@dag(
    dag_id="assessment",
    dag_display_name="法治政府建设年度考评",
    description="采集、核验、计分、报送；每个考评年度一次执行",
    doc_md=__doc__,
    schedule=AssessmentYearTimetable(),
    start_date=FIRST_DAY,
    catchup=False,
    max_active_runs=4,
    dagrun_timeout=timedelta(hours=6),
    default_args=step_defaults(),
    params=PARAMS,
    tags=[tag.value for tag in Tag],
)
def assessment() -> None:
    """The order of the steps."""
    planned = plan()
    year = planned["year"]
    asked = sources()
    collected = collect.partial(year=year).expand(source=asked)
    parsed = intake(year)
    slices = regions(year)
    validated = ValidationOperator.partial(
        task_id="validate",
        task_display_name="核验数据",
        doc_md="用该年度的核验规则检查全部数值。发现的问题写进核验报告；规则自身出错则本次执行失败，不算单位的问题。",
        python_callable=validate_region,
        execution_timeout=timedelta(hours=2),
        map_index_template="{{ region_name }}",
        inlets=[SUBMISSIONS],
        outlets=[VALIDATED_VALUES],
    ).expand(op_kwargs=slices)
    scored = score.expand_kwargs(slices)
    published = publish(year, planned["push"], planned["compare"])

    planned >> asked
    reached(collected)
    collected >> parsed >> slices
    ended = finish()
    validated >> scored >> published >> reconcile(year) >> ended
    validated >> report(year) >> report_back(year, planned["push"]) >> ended


assessment()
