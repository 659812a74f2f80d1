"""Results: scoring, export, publishing. In: a year. Out: counts, files, the outbox."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from fazhi import pipeline
from fazhi.cli import explain
from fazhi.cli.app import (
    STATUS_NEEDS_A_PERSON,
    JsonOption,
    OutOption,
    UnitOption,
    YearOption,
    app,
    out,
    print_counts,
)
from fazhi.model.errors import UsageError
from fazhi.model.terms import Stage
from fazhi.score import export_year, result_as_data
from fazhi.settings import Settings

OUTBOX_COUNTS = ("pending", "sent", "confirmed", "refused", "conflict")
"""What publishing and reconciling print, beside the year (contracts/cli.md)."""


@app.command()
def score(
    year: YearOption,
    unit: UnitOption = None,
    show_way: Annotated[bool, typer.Option("--explain", help="从得分一直列到单元格")] = False,
    version: Annotated[int | None, typer.Option("--version", help="说明第几版，不另计分")] = None,
    against: Annotated[int | None, typer.Option("--against", help="与第几版比较")] = None,
    as_json: JsonOption = False,
) -> None:
    """计算得分。"""
    loaded = Settings.load()
    if show_way and not unit:
        raise UsageError("--explain 需要 --unit")
    if not show_way and (version, against) != (None, None):
        raise UsageError("--version 和 --against 需要 --explain")
    if show_way and unit and (version, against) != (None, None):
        explain.show_way(pipeline.Ground(loaded), year, unit, version, against, as_json=as_json)
        return
    counts = [pipeline.score(loaded, year, region) for region in pipeline.region_codes(loaded, year)]
    if show_way and unit:
        explain.show_way(pipeline.Ground(loaded), year, unit, None, None, as_json=as_json)
        return
    ground = pipeline.Ground(loaded)
    document: dict[str, Any] = {"year": year, "regions": counts}
    if unit and as_json:
        document["result"] = result_as_data(ground.engine, year, unit, whole=False)
    elif unit:
        explain.show_result(ground, year, unit)
    print_counts(document, as_json)


@app.command()
def export(year: YearOption, out_dir: OutOption) -> None:
    """把一年的得分和计算所用的一切写成 CSV。"""
    ground = pipeline.Ground(Settings.load())
    ground.edition(year)
    export_year(ground.engine, year, out_dir)
    out.print(str(out_dir), markup=False, highlight=False)


@app.command()
def publish(
    year: YearOption,
    stage: Annotated[Stage, typer.Option("--stage")] = Stage.PROVISIONAL,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只说明将推送什么")] = False,
    as_json: JsonOption = False,
) -> None:
    """推送应推送的得分。"""
    counts = pipeline.publish(Settings.load(), year, push=not dry_run, stage=stage)
    shown = {
        "year": year,
        **{name: counts[name] for name in (*OUTBOX_COUNTS, *(("due",) if dry_run else ()))},
    }
    waiting = () if dry_run else ("pending",)
    _finish_outbox(shown, as_json, unconfirmed_states=(*waiting, "refused", "conflict"))


@app.command()
def reconcile(year: YearOption, as_json: JsonOption = False) -> None:
    """与考评平台核对。"""
    counts = pipeline.reconcile(Settings.load(), year)
    _finish_outbox(counts, as_json, unconfirmed_states=("pending", "sent", "refused", "conflict"))


def _finish_outbox(counts: Mapping[str, Any], as_json: bool, unconfirmed_states: Sequence[str]) -> None:
    print_counts(counts, as_json)
    if any(counts.get(state) for state in unconfirmed_states):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)
