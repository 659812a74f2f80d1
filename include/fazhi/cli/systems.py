"""Editions of the indicator system. In: their folders. Out: lists, faults, differences."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from fazhi import pipeline
from fazhi.cli.app import JsonOption, YearOption, app, out, print_counts, print_json, print_table, progress
from fazhi.pipeline import ground_change
from fazhi.settings import Settings
from fazhi.systems import describe, diff, load_edition, load_editions

systems_app = typer.Typer(help="指标体系：列出、检查、比较、试算、提出变更。", invoke_without_command=True)
app.add_typer(systems_app, name="systems")


@systems_app.callback()
def systems(context: typer.Context, as_json: JsonOption = False) -> None:
    """列出各版指标体系。"""
    if context.invoked_subcommand is not None:
        return
    editions = [describe(edition) for edition in load_editions(Settings.load().systems_dir).all]
    if as_json:
        print_json([asdict(edition) for edition in editions])
        return
    print_table(
        "指标体系",
        ("版本", "名称", "年度", "指标", "计分", "满分", "占比", "校验规则", "依据未核实", "摘要"),
        (
            (
                edition.system_id,
                edition.title_zh,
                edition.years_zh,
                edition.indicators,
                edition.weighted,
                edition.full_marks,
                edition.share,
                edition.checks,
                edition.unverified,
                edition.digest[:12],
            )
            for edition in editions
        ),
    )


@systems_app.command("check")
def systems_check(directory: Path, as_json: JsonOption = False) -> None:
    """检查一版指标体系，一次列出全部问题。"""
    print_counts(asdict(describe(load_edition(directory))), as_json)


@systems_app.command("diff")
def systems_diff(a: str, b: str) -> None:
    """比较两版指标体系（版本号或目录）。"""
    out.print(diff(_edition_named(a), _edition_named(b)), markup=False, highlight=False, soft_wrap=True)


@systems_app.command("what-if")
def systems_what_if(directory: Path, year: YearOption, as_json: JsonOption = False) -> None:
    """一版拟议的指标体系对一个年度已接受数据的影响：谁的得分变多少，谁的数据变得不能计分。什么也不改变。"""
    effect = ground_change.edition_what_if(
        Settings.load(), directory, year, now=pipeline.now_in_shanghai(), progress=progress
    )
    if as_json:
        print_json(effect)
        return
    for line in ground_change.year_lines(effect):
        out.print(line, markup=False, highlight=False, soft_wrap=True)


def _edition_named(name: str) -> Any:
    return (
        load_edition(Path(name))
        if Path(name).is_dir()
        else load_editions(Settings.load().systems_dir).by_id(name)
    )
