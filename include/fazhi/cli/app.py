"""What all commands share. In: nothing. Out: the Typer application, its options and ways to print.

``--json`` prints one document for machines; results go to stdout, messages to stderr (contracts/cli.md).
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from fazhi.cli.labels import lines_zh

app = typer.Typer(
    name="fazhi",
    help="法治政府建设考评：从部门报送到考评平台。",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

out = Console()
err = Console(stderr=True)

YearOption = Annotated[int, typer.Option("--year", help="考评年度")]
UnitOption = Annotated[str | None, typer.Option("--unit", help="统一社会信用代码")]
JsonOption = Annotated[bool, typer.Option("--json", help="输出一个 JSON 文档")]
OutOption = Annotated[Path, typer.Option("--out", help="写到哪里")]

STATUS_NEEDS_A_PERSON = 1


def progress(message: str) -> None:
    """Tell how far a step is, on a terminal only."""
    if err.is_terminal:
        err.print(message, style="dim", markup=False)


def print_json(document: Any) -> None:
    """One document for machines; escaped where the terminal's encoding lacks a sign of it."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, ensure_ascii=True, indent=2)
    sys.stdout.write(text + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table for people; long cells are folded, never cut."""
    table = Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)


def print_counts(counts: Mapping[str, Any], as_json: bool) -> None:
    """What a step did: one document for machines, or one labelled count a line for people."""
    if as_json:
        print_json(counts)
        return
    for line in lines_zh(counts):
        out.print(line, markup=False, highlight=False, soft_wrap=True)
