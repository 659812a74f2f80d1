"""Makes the workbooks in old formats under tests/data (合成数据). Run by hand: python tests/support/old_formats.py.

They are one workbook, written with openpyxl and converted by LibreOffice, because nothing here writes xls.
"""

import shutil
import subprocess
import tempfile
from datetime import date
from pathlib import Path

from openpyxl import Workbook

DATA = Path(__file__).parents[1] / "data" / "old_formats"


def workbook() -> Workbook:
    """A filled form with every kind of cell and everything that can be odd about a table."""
    book = Workbook()
    cover = book.worksheets[0]
    cover.title = "封面"
    cover.append(["单位名称", "甲单位（合成数据）"])
    cover.append(["统一社会信用代码", "11150200MB1A00001R"])
    cover.append(["填报期", "2024"])
    table = book.create_sheet("填报表")
    table.append(["填报表（合成数据）"])
    table.append(
        [
            "指标编码",
            "指标名称",
            "计量单位",
            "分子名称",
            "分子",
            "分母名称",
            "分母",
            "数值",
            "是否",
            "日期",
            "不适用",
            "不适用理由",
            "情况说明",
            "佐证材料",
        ]
    )
    table.append(["A1.1", "甲项", "%", "子", 3, "母", 4, 0.75, None, None, None, None, "两行\n说明  😀"])
    table["H3"].number_format = "0.00%"
    table.append(["A1.2", "乙项", "%", "子", 1.1, "母", 123456789012, "=E3+E4", "是", date(2024, 3, 5)])
    table.append(["A1.3", "丙项", "件", None, -5, None, 1e-7, "=1/0", None, None, True])
    table.append(
        ["A1.4", "丁项", "件", None, 0.1 + 0.2, None, "=SUM(E3:E5)", 1e20, None, None, None, "长" * 9_000]
    )
    table.append(["A1.5", "戊项", "件", None, "１２", None, "3万余件", "=CONCATENATE(A3,A4)"])
    for number in range(600):
        table.append([f"B{number}", f"共享文字{number}", None, None, number, None, number / 100])
    table.merge_cells("L3:L4")
    table.row_dimensions[5].hidden = True
    table.column_dimensions["D"].hidden = True
    spare = book.create_sheet("备用")
    spare["B2"] = "另一组数"
    spare.sheet_state = "hidden"
    marks = book.create_sheet("_meta")
    marks.append(["system_id", "2024"])
    marks.sheet_state = "veryHidden"
    return book


def main() -> None:
    """Write and convert."""
    DATA.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "filled.xlsx"
        workbook().save(source)
        for ending in ("xls", "ods"):
            soffice = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless"]
            subprocess.run([*soffice, "--convert-to", ending, "--outdir", folder, str(source)], check=True)
            shutil.copy(Path(folder) / f"filled.{ending}", DATA)


if __name__ == "__main__":
    main()
