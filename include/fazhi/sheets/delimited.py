"""CSV as cells. In: bytes in UTF-8 (with or without BOM) or GB18030. Out: one sheet without a name."""

import csv
import io
import re

from fazhi.sheets.cells import Cell, FileFault, ReadFile, Row, Sheet
from fazhi.sheets.limits import MAX_CELLS
from fazhi.sheets.recognise import ACCEPTED

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


def read_delimited(content: bytes, name: str) -> ReadFile:
    """Read a CSV. A record that spans lines has the address of its first line."""
    decoded = _decode(content)
    if decoded is None:
        return ReadFile(
            name,
            fault=FileFault("FILE_TYPE", found="无法识别的内容", expected=ACCEPTED, detail="文件不是表格"),
        )
    text, encoding = decoded
    notes: tuple[FileFault, ...] = ()
    if encoding != "UTF-8":
        notes = (FileFault("ENCODING", found=encoding, expected="UTF-8", detail=f"文件按{encoding}编码读取"),)
    try:
        rows = _rows(text)
    except csv.Error as broken:
        return ReadFile(
            name,
            fault=FileFault(
                "FILE_TYPE", found="不合规的CSV", expected=ACCEPTED, detail=f"不能按CSV读取({broken})"
            ),
        )
    return ReadFile(name, sheets=(Sheet(None, rows),), notes=notes)


def _decode(content: bytes) -> tuple[str, str] | None:
    for encoding, shown in (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030")):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _NOT_TEXT.search(text) else (text, shown)
    return None


def _rows(text: str) -> tuple[Row, ...]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows, first_line, cells_read = [], 1, 0
    for record in reader:
        cells = {
            column: Cell(field) for column, field in enumerate(record, 1) if field and not field.isspace()
        }
        cells_read += len(cells)
        if cells_read > MAX_CELLS:
            raise csv.Error(f"超过{MAX_CELLS}个单元格")
        if cells:
            rows.append(Row(first_line, cells))
        first_line = reader.line_num + 1
    return tuple(rows)
