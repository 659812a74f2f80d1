"""Great Expectations as the judge. In: a committed suite, a slice's values. Out: a count per rule.

GX reads the values themselves, over its own connection, and knows nothing of the listing; the two counts have
to agree. Its file context is only read: nothing is written into ``great_expectations/`` while the pipeline
runs. Importing GX takes seconds and 230 MB, so it happens inside the functions.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from fazhi.model.errors import ConfigurationError, SystemFault
from fazhi.systems.edition import Edition
from fazhi.validate.expectations import DATASOURCE, suite_document


def committed_suite(gx_dir: Path, edition: Edition) -> dict[str, Any]:
    """The edition's suite as committed.

    Raises:
        ConfigurationError: There is none, or it is not the one that the edition and the rules make.
    """
    path = gx_dir / "expectations" / f"{edition.system_id}.json"
    advice = "请执行 python -m fazhi.validate.suites 重新生成并提交"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"没有指标体系 {edition.system_id} 的校验套件 {path},{advice}") from None
    except ValueError as error:
        raise ConfigurationError(f"校验套件 {path} 不是正确的 JSON({error}),{advice}") from error
    if document != suite_document(edition):
        raise ConfigurationError(f"校验套件 {path} 与指标体系 {edition.system_id} 的校验规则不一致，{advice}")
    return document


def counts_by_gx(engine: Engine, suite: Mapping[str, Any], year: int, region: str) -> dict[str, int]:
    """How many rows each rule of a suite finds in a slice's parses to be judged, as GX counts them.

    Args:
        engine: The store; GX connects on its own and sees what is committed.
        suite: The suite's document.
        year: The assessment year.
        region: Division code of the city.

    Raises:
        SystemFault: A rule crashed, or gave no count.
    """
    results = _validate(engine, suite, year, region)
    crashed = {rule: reason for rule, (_, reason) in results.items() if reason}
    if crashed:
        told = "；".join(f"{rule}：{reason}" for rule, reason in sorted(crashed.items()))
        raise SystemFault(f"校验规则运行出错，本次校验作废，与填报单位无关。{told}")
    return {rule: count for rule, (count, _) in results.items()}


def _validate(engine: Engine, suite: Mapping[str, Any], year: int, region: str) -> dict[str, tuple[int, str]]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    from fazhi.validate.counted import counting

    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    context = gx.get_context(mode="ephemeral", project_config=config)
    url = engine.url.render_as_string(hide_password=False)
    add = (
        context.data_sources.add_sqlite
        if engine.dialect.name == "sqlite"
        else context.data_sources.add_postgres
    )
    source = add(DATASOURCE, connection_string=url)
    try:
        asset = source.add_query_asset("slice", query=slice_query(year, region))
        batch = asset.add_batch_definition_whole_table("slice").get_batch()
        counted = [counting(one) for one in suite["expectations"]]
        result = batch.validate(
            gx.ExpectationSuite(**{**suite, "expectations": counted}), result_format="BASIC"
        )
    finally:
        source.get_execution_engine().close()
    return {_rule(one): _count(one) for one in result.results}


def slice_query(year: int, region: str) -> str:
    """The values of a slice's parses to be judged, as a query without parameters.

    Raises:
        SystemFault: The region is no division code.
    """
    if not (region.isascii() and region.isdigit()):
        raise SystemFault(f"地区代码“{region}”不是数字")
    # a join, no IN: SQLite would go through the list for each parse again, quadratic in the number of parses
    return (
        "SELECT value.* FROM value JOIN slice_parse ON slice_parse.parse_id = value.parse_id"  # noqa: S608
        f" WHERE slice_parse.year = {int(year)} AND slice_parse.region = '{region}' AND slice_parse.to_judge = 1"
    )


def _rule(result: Any) -> str:
    return str(result.expectation_config.meta["rule"])


def _count(result: Any) -> tuple[int, str]:
    """The count of one expectation, or why it has none; a rule that raised is no finding."""
    raised = raised_message(result.exception_info or {})
    if raised:
        return 0, raised
    observed = result.result.get("observed_value")
    if not isinstance(observed, int) or isinstance(observed, bool):
        return 0, f"没有给出条数({observed!r})"
    return observed, ""


def raised_message(exception_info: Mapping[str, Any]) -> str:
    """The message of a raised exception, empty when nothing was raised.

    GX gives two shapes: ``{raised_exception, exception_message, …}``, or one such mapping per metric.
    """
    shapes = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    for shape in shapes:
        if isinstance(shape, Mapping) and shape.get("raised_exception"):
            return str(shape.get("exception_message") or "没有说明的异常")[:500]
    return ""
