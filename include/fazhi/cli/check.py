"""The self-check of a department: ``fazhi check``. In: files. Out: what would be found, and marked copies.

Offline, without a database: the files go through the same rules as every submission, in memory. Exit status: 0
nothing to correct; 1 something to correct; 2 a file that cannot be opened.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from fazhi import pipeline
from fazhi.cli.app import STATUS_NEEDS_A_PERSON, JsonOption, app, out, print_json
from fazhi.cli.folding import fold_zh
from fazhi.model.errors import SystemFault, UsageError
from fazhi.model.terms import SEVERITY_ZH, Severity
from fazhi.pipeline.selfcheck import CheckedFile, check_files
from fazhi.review.listed import Listed
from fazhi.review.marked import write_marked
from fazhi.review.returned import summary_zh
from fazhi.settings import Settings

_STYLE = {
    Severity.SECURITY: "bold magenta",
    Severity.BLOCK: "bold red",
    Severity.HOLD: "bold blue",
    Severity.WARN: "yellow",
    Severity.NOTE: "cyan",
}
_PIPED_WIDTH = 140
"""Where there is no terminal whose width would be known."""

_WIDE = 110
"""From here on problem and correction have room beside one another."""

_FRAME = 3
"""What a column takes beside its text."""


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(help="填报表（xlsx、xls、ods 或 CSV），可以一次给几个")],
    marked: Annotated[
        Path | None, typer.Option("--xlsx", help="写出标注件：一个文件时是文件名，几个文件时是文件夹")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """报送前自查：与系统同样的规则，不联网，不留存。"""
    loaded = Settings.load()
    now = pipeline.now_in_shanghai()
    paths = list(dict.fromkeys(files))
    checked = check_files(pipeline.Ground(loaded), paths, now)
    written = _write_copies(checked, paths, marked, now.strftime("%Y-%m-%d %H:%M"), loaded.contact)
    if as_json:
        print_json(_document(checked))
    else:
        for one in checked:
            _print(one, written.get(one.path))
    problems = [one.problem for one in checked if one.problem]
    if problems:
        raise SystemFault("\n".join(problems))
    if not all(one.clean for one in checked):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


def _document(checked: Sequence[CheckedFile]) -> dict[str, Any]:
    """The JSON document of contracts/cli.md."""
    return {
        "files": [
            {
                "file": str(one.path),
                "sha256": one.sha256,
                "unit_code": one.identity.sender_code or None,
                "period": str(one.identity.period) if one.identity.period is not None else None,
                "readable": one.readable,
                "findings": [found.as_json() for found in one.findings],
                "not_checked": list(one.not_checked),
            }
            for one in checked
        ],
        "not_checked": sorted({rule for one in checked for rule in one.not_checked}),
    }


# --- marked copies


def _write_copies(
    checked: Sequence[CheckedFile], paths: Sequence[Path], out_path: Path | None, made_at: str, contact: str
) -> dict[Path, Path]:
    """Write the marked copies.

    Raises:
        UsageError: A copy would replace a file that is checked, or cannot be written.
    """
    if out_path is None:
        return {}
    targets = _targets(checked, out_path)
    originals = {path.resolve() for path in paths}
    for target in targets.values():
        if target.resolve() in originals:
            raise UsageError(f"标注件不能覆盖原文件 {target}，请另起一个文件名")
    try:
        for one in checked:
            target = targets[one.path]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(
                write_marked(one.path.name, one.content, one.head(made_at, contact), one.findings)
            )
    except OSError as failure:
        raise UsageError(f"标注件写不到 {out_path}：{failure.strerror or failure}") from failure
    return targets


def _targets(checked: Sequence[CheckedFile], out_path: Path) -> dict[Path, Path]:
    """Where each copy goes: the file named, or files in the folder named."""
    if len(checked) == 1 and not out_path.is_dir():
        return {checked[0].path: out_path}
    if out_path.is_file():
        raise UsageError(f"检查几个文件时，--xlsx 应是文件夹，{out_path} 是文件")
    targets: dict[Path, Path] = {}
    taken: set[str] = set()
    for one in checked:
        name, number = f"{one.path.stem}-整改.xlsx", 1
        while name.casefold() in taken:
            number += 1
            name = f"{one.path.stem}-整改-{number}.xlsx"
        taken.add(name.casefold())
        targets[one.path] = out_path / name
    return targets


# --- on the terminal


def _print(one: CheckedFile, copy: Path | None) -> None:
    period = one.identity.period
    title = Text(f"{one.path}", style="bold")
    title.append(
        f"  {one.unit_zh or '单位未知'}  {period.name_zh if period is not None else '填报期未知'}", "not bold"
    )
    out.print(title, soft_wrap=True)
    if one.findings:
        wide = out if out.is_terminal else Console(width=_PIPED_WIDTH)
        wide.print(_table(one.findings, wide.width))
    summary = "没有检查完" if one.problem else summary_zh(one.findings)
    out.print(f"{one.path.name}：{summary}。", markup=False, highlight=False, soft_wrap=True)
    if one.not_checked:
        told = "、".join(one.not_checked_zh)
        out.print(
            f"没有核对的规则（需要以前年度、其他单位或者系统内的数据）：{told}",
            style="dim",
            markup=False,
            soft_wrap=True,
        )
    if copy is not None:
        out.print(f"标注件：{copy}", markup=False, highlight=False, soft_wrap=True)


def _table(findings: Sequence[Listed], width: int) -> Table:
    return _wide_table(findings, width) if width >= _WIDE else _narrow_table(findings, width)


def _wide_table(findings: Sequence[Listed], width: int) -> Table:
    place = min(16, max(10, *(cell_len(one.place_zh) for one in findings)))
    room = (width - 6 * _FRAME - 1 - 4 - 12 - place - 6) // 2
    table = Table(
        Column("序号", justify="right", width=4),
        Column("处理", width=12),
        Column("单元格", width=place),
        Column("指标", width=6),
        Column("问题", width=room),
        Column("如何更正", width=room),
        show_lines=True,
    )
    for number, one in enumerate(findings, 1):
        table.add_row(
            str(number),
            Text(SEVERITY_ZH[one.severity], style=_STYLE[one.severity]),
            Text(fold_zh(one.place_zh, place)),
            Text(one.indicator_code or "", overflow="fold"),
            Text(fold_zh(f"{one.message_zh}\n规则 {one.rule}", room)),
            Text(fold_zh(one.fix_zh, room)),
        )
    return table


def _narrow_table(findings: Sequence[Listed], width: int) -> Table:
    """Two columns of text would be a few characters wide each: they stand one below the other."""
    room = max(20, width - 3 * _FRAME - 1 - 4 - 14)
    table = Table(
        Column("序号", justify="right", width=4),
        Column("处理和位置", width=14),
        Column("问题和如何更正", width=room),
        show_lines=True,
    )
    for number, one in enumerate(findings, 1):
        where = Text(SEVERITY_ZH[one.severity], style=_STYLE[one.severity])
        where.append(f"\n{fold_zh(one.place_zh, 14)}\n{one.indicator_code or ''}", "default not bold")
        told = Text(fold_zh(one.message_zh, room))
        told.append(f"\n{fold_zh(f'更正：{one.fix_zh}', room)}", "bold")
        told.append(f"\n{fold_zh(f'规则 {one.rule}', room)}", "dim")
        table.add_row(str(number), where, told)
    return table
