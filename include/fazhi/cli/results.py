"""Results: scoring, export, publishing. In: a year. Out: counts, files, the outbox."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

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
)
from fazhi.model.errors import UsageError
from fazhi.model.terms import Stage
from fazhi.publish import outbox_rows
from fazhi.score import explain, export_year
from fazhi.settings import Settings


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
    print_counts({"year": year, "regions": counts}, as_json)


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
    print_counts(counts, as_json)
    if any(counts.get(state) for state in unconfirmed_states):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


@app.command()
def outbox(year: YearOption, as_json: JsonOption = False) -> None:
    """待推送队列：每个得分版本的状态和原因。"""
    rows = outbox_rows(pipeline.Ground(Settings.load()).engine, year)
    if as_json:
        print_json(rows)
    else:
        columns = ("unit_code", "version", "stage", "state", "attempts", "changed_at", "problem")
        print_table(f"{year}年推送队列", columns, ([row[name] for name in columns] for row in rows))
