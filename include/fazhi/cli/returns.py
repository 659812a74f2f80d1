"""What goes back to a department: ``fazhi receipt``. In: a unit and period. Out: receipt and marked workbook."""

from pathlib import Path
from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.cli.app import STATUS_NEEDS_A_PERSON, YearOption, app, out
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.pipeline.due_words import due_zh
from fazhi.review.receipt import correction_list, write_receipt
from fazhi.review.stored import submissions_of
from fazhi.settings import Settings
from fazhi.store import read


@app.command()
def receipt(
    year: YearOption,
    unit: Annotated[str, typer.Option("--unit", help="报送单位的统一社会信用代码")],
    period: Annotated[str, typer.Option("--period", help="2024、2024-H1、2024-Q3 或 2024-07")],
    out_dir: Annotated[Path, typer.Option("--out", help="写到哪个文件夹")],
) -> None:
    """写出一次报送的回执（网页和文本），有需要整改的还写出标注件。"""
    loaded = Settings.load()
    ground = pipeline.Ground(loaded)
    due = due_zh(ground, _period(period), pipeline.now_in_shanghai(), unit)
    with read(ground.engine) as connection:
        found = submissions_of(connection, year, unit, period)
    if not found:
        raise UsageError(f"{year}年度没有 {unit} {period} 已读取的报送")
    to_correct = [_write(ground, year, one, out_dir, (loaded.contact, due)) for one in found]
    if any(to_correct):
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


def _period(text: str) -> Period:
    try:
        return Period.parse(text)
    except ValueError:
        raise UsageError(f"报送期“{text}”不可用，应写作 2024、2024-H1、2024-Q3 或 2024-07") from None


def _write(
    ground: pipeline.Ground, year: int, of: tuple[str, int], out_dir: Path, told: tuple[str, str]
) -> bool:
    """Write what goes back for one submission; whether there is something to correct."""
    contact, due = told
    edition = ground.edition(year)
    returned = write_receipt(ground.engine, edition, ground.registry, *of, contact=contact, due_zh=due)
    marked = correction_list(
        ground.engine, ground.raw, edition, ground.registry, *of, contact=contact, due_zh=due
    )
    if returned is None:
        raise UsageError(f"报送 {of[0]} 第 {of[1]} 次还没有读取")
    # the id is the portal's word, never a path
    stem = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in of[0])[:80] + f"-r{of[1]}"
    out_dir.mkdir(parents=True, exist_ok=True)
    files = {f"{stem}-回执.html": returned.html.encode(), f"{stem}-回执.txt": returned.text.encode()}
    if marked is not None:
        files[f"{stem}-整改清单.xlsx"] = marked
    for name, content in files.items():
        (out_dir / name).write_bytes(content)
        out.print(str(out_dir / name), markup=False, highlight=False, soft_wrap=True)
    return marked is not None
