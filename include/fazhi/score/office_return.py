"""The return to the office of leadership assessment. In: a year's results. Out: workbook, CSV, control totals.

The office (市委考核办) takes the component of every unit into the leadership assessment. What it receives
can be checked without this system: number of units, sum, lowest, highest, and the SHA-256 of the CSV.
"""

import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from fazhi.model.errors import UsageError
from fazhi.model.exact import plain, two_places
from fazhi.model.terms import Stage
from fazhi.registry import Registry
from fazhi.score.results import current_keys, hundredths, in_parts, rows_of
from fazhi.score.share import require_share, share_of
from fazhi.score.workbook.grid import TWO_PLACES, WHOLE, Grid, columns, new_book
from fazhi.score.workbook.totals import STAGE_ZH
from fazhi.sheets.writing import packed
from fazhi.store import read
from fazhi.store.tables import current_result, result
from fazhi.systems import Editions

YEARS_SHOWN = 3
_COLUMNS = (
    "year",
    "unit_code",
    "unit_name",
    "stage",
    "version",
    "score",
    "total_points",
    "share",
    "component",
    "system_id",
    "system_digest",
)
_Row = Row[Any]


@dataclass(frozen=True)
class OfficeReturn:
    """What was written, and its control totals."""

    year: int
    units: int
    stages: tuple[str, ...]
    component_sum: str
    component_min: str
    component_max: str
    csv_sha256: str
    shares: Mapping[int, str]
    """Share as written, of the year and the ones before it; a year without an edition is missing."""
    without_result: tuple[str, ...]
    """Names of units that are scored here and have no result."""
    files: tuple[Path, ...]

    @property
    def is_final(self) -> bool:
        """Whether every component is a final one."""
        return self.stages == (Stage.FINAL.value,)


def write_office_return(
    engine: Engine, editions: Editions, registry: Registry, year: int, out: Path, *, today: date
) -> OfficeReturn:
    """Write the return of a year.

    Args:
        engine: The store.
        editions: For the shares of the year and the two before it.
        registry: For the units that should have a result.
        year: The assessment year.
        out: A folder, made if need be; an earlier return of the year is replaced.
        today: The day in Asia/Shanghai that decides while the year still runs.

    Raises:
        UsageError: The year has no results.
        ConfigurationError: A share is below 0.10.
    """
    with read(engine) as connection:
        rows = _rows(connection, year)
        shares = _shares(connection, editions, year)
    if not rows:
        raise UsageError(f"{year}年没有得分；请先执行 fazhi score --year {year}")
    for row in rows:
        require_share(row.share, f"{row.unit_name}（{row.unit_code}）{year}年")
    known = {row.unit_code for row in rows}
    missing = tuple(
        unit.name_zh for unit in registry.scored_units(year, today) if unit.unit_code not in known
    )
    content = _csv(rows)
    components = [hundredths(row.component) for row in rows]
    stem = f"office-return-{year}"
    made = OfficeReturn(
        year=year,
        units=len(rows),
        stages=tuple(sorted({row.stage for row in rows})),
        component_sum=two_places(sum(components)),
        component_min=two_places(min(components)),
        component_max=two_places(max(components)),
        csv_sha256=hashlib.sha256(content).hexdigest(),
        shares=shares,
        without_result=missing,
        files=tuple(out / name for name in (f"{stem}.csv", f"{stem}.xlsx", f"{stem}.json")),
    )
    out.mkdir(parents=True, exist_ok=True)
    contents = (content, _workbook(made, rows), _control_totals(made))
    for path, written in zip(made.files, contents, strict=True):
        _replace(path, written)
    return made


def _rows(connection: Connection, year: int) -> list[_Row]:
    found: list[_Row] = []
    for part in in_parts(current_keys(connection, year)):
        found += rows_of(connection, result, year, part)
    return sorted(found, key=lambda row: str(row.unit_code))


def _shares(connection: Connection, editions: Editions, year: int) -> dict[int, str]:
    """The shares of the year and the two before: as results were computed, else as the edition says."""
    shares: dict[int, str] = {}
    for one in range(year - YEARS_SHOWN + 1, year + 1):
        used = connection.scalars(
            select(result.c.share)
            .join(
                current_result,
                (current_result.c.year == result.c.year)
                & (current_result.c.unit_code == result.c.unit_code)
                & (current_result.c.version == result.c.version),
            )
            .where(result.c.year == one)
            .distinct()
        ).all()
        edition = next((edition for edition in editions.all if edition.covers_year(one)), None)
        if used:
            shares[one] = "、".join(sorted(used))
        elif edition is not None:
            shares[one] = share_of(edition, one)
    return shares


def _csv(rows: Sequence[_Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([getattr(row, name) for name in _COLUMNS] for row in rows)
    return text.getvalue().encode()


def _control_totals(made: OfficeReturn) -> bytes:
    document = {
        "year": made.year,
        "units": made.units,
        "stages": list(made.stages),
        "component_sum": made.component_sum,
        "component_min": made.component_min,
        "component_max": made.component_max,
        "csv_sha256": made.csv_sha256,
        "shares": {str(year): share for year, share in made.shares.items()},
        "without_result": list(made.without_result),
    }
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    os.replace(beside, path)


def _workbook(made: OfficeReturn, rows: Sequence[_Row]) -> bytes:
    book = new_book()
    grid = Grid(
        book,
        "报送表",
        columns(
            number=("序号", 6),
            name=("单位", 38),
            code=("统一社会信用代码", 22),
            score=("考评得分 R", 11),
            total=("总分 T", 9),
            share=("占比 a", 9),
            component=("计入分数 C", 12),
            version=("版次", 15),
        ),
    )
    row = grid.heading(f"{made.year}年法治政府建设考评结果报送表", *_notes(made))
    first = grid.headers(row)
    grid.sheet.print_title_rows = f"{row}:{row}"
    for place, result_row in enumerate(rows):
        _write_unit(grid, first + place, place + 1, result_row)
    last = first + len(rows) - 1
    row = _write_totals(grid, last + 1, first, last, made)
    row = _write_shares(grid, row + 1, made)
    _write_signatures(grid, row + 1)
    grid.printed("portrait")
    return packed(book)


def _notes(made: OfficeReturn) -> list[str]:
    stage = "、".join(STAGE_ZH[Stage(stage)] for stage in made.stages)
    notes = [
        "报送：市委考核办　　本表所列为各单位计入领导绩效考核的分数：C＝总分 T×占比 a×考评得分 R÷100，四舍五入到 0.01 分。",
        f"得分阶段：{stage}　　单位数：{made.units}",
    ]
    if not made.is_final:
        notes.append("注意：本表含过程得分，仅供核对，不能作为正式报送；最终得分签发后须重新生成。")
    if made.without_result:
        notes.append(f"没有得分的单位 {len(made.without_result)} 个：{'、'.join(made.without_result)}。")
    return notes


def _write_unit(grid: Grid, row: int, number: int, result_row: _Row) -> None:
    stage = STAGE_ZH[Stage(result_row.stage)][:2]
    grid.put(row, "number", number, WHOLE)
    grid.put(row, "name", result_row.unit_name)
    grid.put(row, "code", result_row.unit_code, centred=True)
    for name, text in (
        ("score", result_row.score),
        ("total", result_row.total_points),
        ("share", result_row.share),
        ("component", result_row.component),
    ):
        form = {"share": "0.00##", "total": "General"}.get(name, TWO_PLACES)
        grid.put(row, name, Decimal(plain(Fraction(text))), form)
    grid.put(row, "version", f"{stage}第 {result_row.version} 版", centred=True)


def _write_totals(grid: Grid, row: int, first: int, last: int, made: OfficeReturn) -> int:
    components = f"{grid.at('component', first)}:{grid.at('component', last)}"
    for what, formula, form in (
        ("单位数", f"COUNT({components})", WHOLE),
        ("计入分数合计", f"ROUND(SUM({components}),2)", TWO_PLACES),
        ("最低", f"MIN({components})", TWO_PLACES),
        ("最高", f"MAX({components})", TWO_PLACES),
    ):
        grid.blank(row, ("number", "code", "score", "total", "share", "version"), "sum")
        grid.put(row, "name", f"控制数：{what}", look="sum")
        grid.work(row, "component", formula, form, "sum")
        row += 1
    grid.note(row, f"同名 CSV 文件的摘要（SHA-256）：{made.csv_sha256}")
    return row + 1


def _write_shares(grid: Grid, row: int, made: OfficeReturn) -> int:
    grid.put(row, "name", "年度", look="head", centred=True)
    grid.put(row, "code", "占领导绩效考核的比重", look="head", centred=True)
    grid.put(row, "score", "不低于 0.10", look="head", centred=True)
    for year in range(made.year - YEARS_SHOWN + 1, made.year + 1):
        row += 1
        share = made.shares.get(year)
        grid.put(row, "name", f"{year}年", centred=True)
        grid.put(row, "code", share or "没有规定", centred=True)
        enough = share is not None and all(Fraction(one) >= Fraction(1, 10) for one in share.split("、"))
        grid.put(row, "score", "符合" if enough else "—", centred=True)
    return row + 1


def _write_signatures(grid: Grid, row: int) -> None:
    for text in (
        "填表人：　　　　　　　　　审核人：　　　　　　　　　负责人：",
        "报送单位（盖章）：　　　　　　　　　　　　　　　　　报送日期：　　　　年　　月　　日",
    ):
        grid.note(row, text)
        grid.sheet.row_dimensions[row].height = 30
        row += 1
