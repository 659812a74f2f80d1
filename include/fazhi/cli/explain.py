"""Numbers that explain themselves: workbook, sensitivity, the office's return. In: a year. Out: files and tables."""

import csv
import dataclasses
import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from openpyxl import Workbook

from fazhi import pipeline
from fazhi.cli.app import (
    STATUS_NEEDS_A_PERSON,
    JsonOption,
    OutOption,
    YearOption,
    app,
    out,
    print_json,
    print_table,
)
from fazhi.model.errors import UsageError
from fazhi.score import (
    Basis,
    Sensitivity,
    changes_zh,
    compare_versions,
    result_as_data,
    score_workbook,
    write_office_return,
)
from fazhi.score import explain as explain_result
from fazhi.score import sensitivity as work_out
from fazhi.score.sensitivity import METHOD_ZH, NEAR_ZH
from fazhi.score.workbook.grid import Grid, new_book
from fazhi.settings import Settings
from fazhi.sheets.writing import packed

_UNIT_HEADS = {
    "unit_code": "统一社会信用代码",
    "unit_name": "单位",
    "score": "得分",
    "rank": "名次",
    "best_within": "±10% 最好名次",
    "worst_within": "±10% 最差名次",
    "best_without": "去掉一项最好名次",
    "worst_without": "去掉一项最差名次",
    "moved_by": "±10% 会变动名次的指标",
}
_RESULT_HEADS = {
    "base": "基础分",
    "bonus": "加分",
    "deduction": "扣分",
    "score": "得分",
    "component": "计入领导绩效考核",
}
_INDICATOR_HEADS = {
    "indicator_code": "指标代码",
    "name_zh": "指标名称",
    "moved_less": "减 10% 变动名次的单位数",
    "moved_more": "加 10% 变动名次的单位数",
    "moved_without": "去掉后变动名次的单位数",
    "largest_move": "最多变动名次",
}
_NEIGHBOUR_HEADS = {
    "ahead": "在前单位代码",
    "ahead_name": "在前单位",
    "behind": "在后单位代码",
    "behind_name": "在后单位",
    "gap": "得分相差",
    "exact_gap": "未取整相差",
}
_BOUNDARY_HEADS = {
    "unit_code": "统一社会信用代码",
    "unit_name": "单位",
    "score": "得分",
    "grade": "等次",
    "at_least": "最低分",
    "gap": "相差",
}
_TABLES = {
    "units": ("单位名次的稳定程度", _UNIT_HEADS),
    "indicators": ("各项指标的影响", _INDICATOR_HEADS),
    "neighbours": ("名次在取整误差之内", _NEIGHBOUR_HEADS),
    "boundaries": ("接近等次分数线", _BOUNDARY_HEADS),
}


@app.command()
def workbook(
    year: YearOption,
    unit: Annotated[str, typer.Option("--unit", help="统一社会信用代码")],
    out_file: Annotated[Path, typer.Option("--out", help="写到哪个 .xlsx 文件")],
) -> None:
    """把一个单位的得分写成工作簿，每个数都由公式算出。"""
    if out_file.suffix != ".xlsx":
        raise UsageError(f"--out 应为 .xlsx 文件，不能是 {out_file.name}")
    ground = pipeline.Ground(Settings.load())
    content = score_workbook(
        ground.engine,
        ground.edition(year),
        ground.registry,
        year,
        unit,
        today=pipeline.now_in_shanghai().date(),
    )
    _write(out_file, content)
    out.print(str(out_file), markup=False, highlight=False)


def show_way(
    ground: pipeline.Ground,
    year: int,
    unit: str,
    version: int | None,
    against: int | None,
    *,
    as_json: bool = False,
) -> None:
    """Print how a unit's result came about, or what changed between two versions of it.

    As JSON: the result with its lines, inputs and events in the columns of the export; the words in ``text_zh``.
    """
    if against is not None:
        changes = compare_versions(ground.engine, year, unit, version=version, against=against)
        text = changes_zh(changes)
    else:
        text = explain_result(ground.engine, year, unit, version=version, basis=_basis(ground, year, unit))
    if as_json:
        compared = {} if against is None else {"against": against}
        print_json(
            {"year": year, **compared, **result_as_data(ground.engine, year, unit, version), "text_zh": text}
        )
        return
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def show_result(ground: pipeline.Ground, year: int, unit: str) -> None:
    """Print the numbers of a unit's result, without the way to them."""
    result = result_as_data(ground.engine, year, unit, whole=False)
    for name in ("base", "bonus", "deduction", "score", "component"):
        out.print(f"{_RESULT_HEADS[name]}：{result[name]}", markup=False, highlight=False)


def _basis(ground: pipeline.Ground, year: int, unit_code: str) -> Basis | None:
    """The rules that the unit is scored by, as far as it is still registered for the year."""
    today = pipeline.now_in_shanghai().date()
    unit = ground.registry.unit_on(unit_code, ground.registry.deciding_day(year, today))
    profile = None if unit is None else ground.edition(year).profile_of(unit.tags)
    return None if profile is None else Basis(ground.edition(year), profile)


@app.command()
def sensitivity(
    year: YearOption,
    out_file: Annotated[Path | None, typer.Option("--out", help="另写成 .xlsx 或 .csv 文件")] = None,
    near: Annotated[str, typer.Option("--near", help="离等次分数线多少分以内算接近")] = "0.5",
    as_json: JsonOption = False,
) -> None:
    """名次有多稳：分值上下浮动 10%、去掉任一指标时名次怎样变。"""
    if out_file is not None and out_file.suffix not in (".xlsx", ".csv"):
        raise UsageError(f"--out 应为 .xlsx 或 .csv 文件，不能是 {out_file.name}")
    ground = pipeline.Ground(Settings.load())
    found = work_out(
        ground.engine,
        ground.edition(year),
        ground.registry,
        year,
        today=pipeline.now_in_shanghai().date(),
        near_boundary=_points(near),
    )
    if out_file is not None:
        _write(out_file, _sensitivity_book(found) if out_file.suffix == ".xlsx" else _units_csv(found))
    if as_json:
        print_json({"method_zh": METHOD_ZH, **dataclasses.asdict(found)})
        return
    _print_sensitivity(found)


def _points(text: str) -> Fraction:
    try:
        points = Fraction(text)
    except (ValueError, ZeroDivisionError) as not_a_number:
        raise UsageError(f"--near 应为分数，例如 0.5，不能是 {text}") from not_a_number
    if points < 0:
        raise UsageError("--near 不能小于 0")
    return points


def _cells(record: Any, heads: dict[str, str]) -> list[str]:
    values = (getattr(record, name) for name in heads)
    return ["、".join(value) if isinstance(value, tuple) else str(value) for value in values]


def _print_sensitivity(found: Sensitivity) -> None:
    out.print(METHOD_ZH, markup=False, highlight=False)
    shown: dict[str, Sequence[Any]] = {
        "units": found.units,
        "indicators": [one for one in found.indicators if one.largest_move],
        "neighbours": found.neighbours,
        "boundaries": found.boundaries,
    }
    for name, records in shown.items():
        title, heads = _TABLES[name]
        note = f"（{NEAR_ZH}）" if name == "neighbours" else ""
        print_table(f"{found.year}年{title}{note}", list(heads.values()), (_cells(r, heads) for r in records))


def _units_csv(found: Sensitivity) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_UNIT_HEADS)
    writer.writerows(_cells(unit, _UNIT_HEADS) for unit in found.units)
    return text.getvalue().encode()


def _sensitivity_book(found: Sensitivity) -> bytes:
    book: Workbook = new_book()
    for name, (title, heads) in _TABLES.items():
        widths = {"unit_name": 34, "name_zh": 36, "ahead_name": 34, "behind_name": 34, "moved_by": 40}
        grid = Grid(book, title, {key: (head, widths.get(key, 20)) for key, head in heads.items()})
        notes = [METHOD_ZH] if name in ("units", "indicators") else []
        if name == "neighbours":
            notes = [NEAR_ZH]
        row = grid.headers(grid.heading(f"{found.year}年{title}", *notes))
        grid.freeze(next(iter(heads)), row)
        for record in getattr(found, name):
            for key, text in zip(heads, _cells(record, heads), strict=True):
                value = getattr(record, key)
                grid.put(row, key, value if isinstance(value, int) else text)
            row += 1
        grid.printed("landscape")
    return packed(book)


@app.command(name="office-return")
def office_return(year: YearOption, out_dir: OutOption, as_json: JsonOption = False) -> None:
    """向领导绩效考核牵头单位报送：各单位计入分数，附控制数。"""
    ground = pipeline.Ground(Settings.load())
    made = write_office_return(
        ground.engine,
        ground.editions,
        ground.registry,
        year,
        out_dir,
        today=pipeline.now_in_shanghai().date(),
    )
    totals = {
        "year": made.year,
        "stages": list(made.stages),
        "units": made.units,
        "component_sum": made.component_sum,
        "component_min": made.component_min,
        "component_max": made.component_max,
        "csv_sha256": made.csv_sha256,
        "shares": {str(one): share for one, share in made.shares.items()},
        "without_result": list(made.without_result),
        "files": [str(path) for path in made.files],
    }
    if as_json:
        print_json(totals)
    else:
        _print_return(totals)
    if not made.is_final or made.without_result:
        raise typer.Exit(STATUS_NEEDS_A_PERSON)


_RETURN_HEADS = {
    "units": "单位数",
    "component_sum": "计入分数合计",
    "component_min": "最低",
    "component_max": "最高",
    "csv_sha256": "CSV 摘要（SHA-256）",
}


def _print_return(totals: dict[str, Any]) -> None:
    for name, head in _RETURN_HEADS.items():
        out.print(f"{head}：{totals[name]}", markup=False, highlight=False)
    shares = "，".join(f"{year}年 {share}" for year, share in totals["shares"].items())
    out.print(f"占比：{shares}（均不低于 0.10）", markup=False, highlight=False)
    if totals["stages"] != ["final"]:
        out.print("含过程得分，仅供核对，不能作为正式报送。", markup=False, highlight=False)
    if totals["without_result"]:
        out.print(f"没有得分的单位：{'、'.join(totals['without_result'])}", markup=False, highlight=False)
    for path in totals["files"]:
        out.print(path, markup=False, highlight=False, soft_wrap=True)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.replace(path)
