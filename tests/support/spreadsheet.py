"""Workbooks recomputed by LibreOffice, and their figures beside those of ``fazhi export``."""

import csv
import shutil
import subprocess
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import pytest
from openpyxl import load_workbook

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
_STATUS = {"计分": "scored", "未报送": "missing", "退回或待审": "rejected", "不适用": "not_applicable"}
_TOTALS = {
    "基础分 S": "base",
    "加分 B": "bonus",
    "扣分 Y": "deduction",
    "得分 R": "score",
    "计入领导绩效考核的分数 C": "component",
}


def need_soffice() -> None:
    """Skip where LibreOffice is missing."""
    if SOFFICE is None:
        pytest.skip("needs libreoffice")


def recomputed(books: Iterable[Path], out: Path, home: Path) -> list[Path]:
    """Open the workbooks in headless LibreOffice, which computes their formulas, and save them.

    ``home`` becomes LibreOffice's profile, so that no other instance is disturbed.
    """
    need_soffice()
    paths = list(books)
    out.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            str(SOFFICE),
            f"-env:UserInstallation=file://{home}",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            str(out),
            *map(str, paths),
        ],
        check=True,
        capture_output=True,
        timeout=3_600,
    )
    return [out / path.name for path in paths]


def differences(book: Path, export: Path, unit_code: str) -> list[str]:
    """What a recomputed workbook and the export disagree on; error cells too."""
    sheets = load_workbook(book, data_only=True)
    found = [
        f"{sheet.title}!{cell.coordinate} is {cell.value}"
        for sheet in sheets.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.value.startswith("#")
    ]
    own = [row for row in _rows(export / "results.csv") if row["unit_code"] == unit_code]
    lines = {
        row["indicator_code"]: row for row in _rows(export / "lines.csv") if row["unit_code"] == unit_code
    }
    return [*found, *_line_differences(sheets["指标"], lines), *_total_differences(sheets, own[0])]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(sheet, *first_heads: str) -> list[dict[str, object]]:
    """The rows below the header row, the one that begins with 指标代码, 项目 or what is given."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    heads = first_heads or ("指标代码", "项目", "统一社会信用代码")
    start = next(n for n, row in enumerate(rows) if row[0] in heads)
    return [dict(zip(rows[start], row, strict=True)) for row in rows[start + 1 :]]


def hundredths(number: object) -> str:
    """A whole number of hundredths as two places; anything else as it is, so that it differs."""
    if isinstance(number, int | float) and float(number).is_integer():
        return f"{int(number) // 100}.{int(number) % 100:02d}"
    return f"{number!r}"


def shown(number: object) -> str:
    """What a cell with two places shows."""
    return f"{number:.2f}" if isinstance(number, int | float) else f"{number!r}"


def _line_differences(sheet, lines: dict[str, dict[str, str]]) -> Iterable[str]:
    by_code = {row["指标代码"]: row for row in table(sheet) if row["指标代码"] in lines}
    if list(by_code) != list(lines):
        yield f"lines are {list(by_code)}, not {list(lines)}"
    for code, row in by_code.items():
        stored = lines[code]
        if _STATUS.get(str(row["状态"])) != stored["status"]:
            yield f"{code}: status {row['状态']}, not {stored['status']}"
        if stored["status"] == "not_applicable":
            if (row["分值"], row["得分率"], row["得分"]) != ("—", "—", "—"):
                yield f"{code}: not applicable, yet {row['分值']} {row['得分率']} {row['得分']}"
            continue
        exact = f"{stored['rate_numerator']}/{stored['rate_denominator']}"
        for what, computed, kept in (
            ("weight", hundredths(row["分值（百分之一分）"]), stored["weight"]),
            ("points", hundredths(row["得分（百分之一分）"]), stored["points"]),
            ("shown weight", shown(row["分值"]), stored["weight"]),
            ("shown points", shown(row["得分"]), stored["points"]),
            ("rate", _fraction(row["约分后分子"], row["约分后分母"]), exact),
        ):
            if computed != kept:
                yield f"{code}: {what} {computed}, not {kept}"


def _fraction(top: object, bottom: object) -> str:
    """Lines in blocks write all digits and do not cancel."""
    if isinstance(top, str) and isinstance(bottom, str):
        rate = Fraction(int(top), int(bottom))
        return f"{rate.numerator}/{rate.denominator}"
    if not all(isinstance(number, int | float) and float(number).is_integer() for number in (top, bottom)):
        return f"{top!r}/{bottom!r}"
    return f"{int(top)}/{int(bottom)}"


def _total_differences(sheets, result: dict[str, str]) -> Iterable[str]:
    rows = {str(row["项目"]).strip(): row for row in table(sheets["得分"])}
    for name, column in _TOTALS.items():
        if hundredths(rows[name]["整数核算（百分之一分）"]) != result[column]:
            yield f"{column}: {rows[name]['整数核算（百分之一分）']}, not {result[column]}"
    overview = {str(row["项目"]).strip(): row for row in table(sheets["总览"])}
    for name, column in _TOTALS.items():
        if shown(overview[name]["结果"]) != result[column]:
            yield f"总览 {column}: {overview[name]['结果']!r}, not {result[column]}"
    if result["rank"]:
        for name, column in (("名次", "rank"), ("等次", "grade")):
            figure = overview[name]["结果"]
            computed = str(int(figure)) if isinstance(figure, int | float) else figure
            if computed != result[column]:
                yield f"{column}: {computed}, not {result[column]}"
