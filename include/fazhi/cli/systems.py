"""Editions of the indicator system. In: their folders. Out: lists, faults, differences."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from fazhi.cli.app import JsonOption, app, out, print_counts, print_json, print_table
from fazhi.settings import Settings
from fazhi.systems import describe, diff, load_edition, load_editions

systems_app = typer.Typer(help="指标体系：列出、检查、比较。", invoke_without_command=True)
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


def _edition_named(name: str) -> Any:
    return (
        load_edition(Path(name))
        if Path(name).is_dir()
        else load_editions(Settings.load().systems_dir).by_id(name)
    )
