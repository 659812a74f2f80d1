"""CSV as cells. In: bytes in UTF-8 (with or without BOM) or GB18030. Out: one sheet without a name.

The text is decoded line by line; it is never in the memory as a whole.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator

from fazhi.sheets import limits
from fazhi.sheets.cells import Cell, FileFault, ReadFile, Row, Sheet
from fazhi.sheets.refusal import ACCEPTED, Meter, RefusedError, suspicious
from fazhi.sheets.structure import structure_notes

_NOT_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_PIECE = 1_000_000
_TITLE = b"indicator_code"
_HEADER_WITHIN_ROWS = 5
_SEPARATORS = {
    "\t": ("制表符", "tabs"),
    ";": ("分号", "semicolons"),
    "；": ("全角分号", "full-width semicolons"),
    "，": ("全角逗号", "full-width commas"),
    "|": ("竖线", "vertical bars"),
}
"""What other programs and hands put between columns."""


def read_delimited(content: bytes, name: str) -> ReadFile:
    """Read a CSV. A record that spans lines has the address of its first line."""
    encoding = _encoding(content)
    if encoding is None:
        return ReadFile(name, fault=_wide(content) or _no_table())
    notes: tuple[FileFault, ...] = ()
    if encoding == "gb18030":
        notes = (FileFault("ENCODING", found="GB18030", expected="UTF-8", detail="文件按GB18030编码读取"),)
    try:
        sheets = (Sheet(None, _rows(content, encoding)),)
    except RefusedError as refused:
        return ReadFile(name, fault=refused.fault)
    except csv.Error as broken:
        return ReadFile(
            name,
            fault=FileFault(
                "FILE_TYPE", found="不合规的CSV", expected=ACCEPTED, detail=f"不能按CSV读取（{broken}）"
            ),
        )
    separator = _other_separator(sheets[0].rows)
    if separator:
        return ReadFile(name, fault=_separated_by(separator))
    return ReadFile(name, sheets=sheets, notes=(*notes, *structure_notes(sheets)))


def _wide(content: bytes) -> FileFault | None:
    """The fault of a text in UTF-16 or UTF-32, as spreadsheets save “Unicode 文本”; ``None`` when it is none."""
    start = content[:_PIECE]
    marked = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not marked and (_TITLE in start or _TITLE not in start.replace(b"\x00", b"")):
        return None
    return FileFault(
        "FILE_TYPE",
        found="UTF-16编码的文本",
        expected=ACCEPTED,
        detail="文件是UTF-16编码的文本（表格软件的“Unicode 文本”），不是“CSV UTF-8”",
        detail_en="The text is in UTF-16 instead of UTF-8.",
    )


def _no_table() -> FileFault:
    return FileFault("FILE_TYPE", found="无法识别的内容", expected=ACCEPTED, detail="文件不是表格")


def _other_separator(rows: tuple[Row, ...]) -> str:
    """What stands between the columns instead of commas, empty when commas do."""
    first = rows[:_HEADER_WITHIN_ROWS]
    if any(len(row.cells) > 1 for row in first):
        return ""
    lines = [cell.text for row in first for cell in row.cells.values()]
    return next((one for one in _SEPARATORS if any(line.count(one) >= 2 for line in lines)), "")


def _separated_by(separator: str) -> FileFault:
    name_zh, name_en = _SEPARATORS[separator]
    return FileFault(
        "FILE_TYPE",
        found=f"各列之间是{name_zh}",
        expected="各列之间是半角逗号",
        detail=f"各列之间是{name_zh}，不是半角逗号",
        detail_en=f"The columns are separated by {name_en} instead of commas.",
    )


def _encoding(content: bytes) -> str | None:
    """The encoding in which the content is text, ``None`` when it is none."""
    for encoding in ("utf-8-sig", "gb18030"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            pieces = (
                decoder.decode(content[start : start + _PIECE], start + _PIECE >= len(content))
                for start in range(0, len(content), _PIECE)
            )
            return None if any(_NOT_TEXT.search(piece) for piece in pieces) else encoding
        except UnicodeDecodeError:
            continue
    return None


class _Lines:
    """The lines of the text, none too long, and how many fields may have begun since the last record."""

    def __init__(self, content: bytes, encoding: str) -> None:
        self._text = io.TextIOWrapper(io.BytesIO(content), encoding, newline="")
        self.fields = 0

    def __iter__(self) -> Iterator[str]:
        while line := self._text.readline(limits.MAX_LINE_CHARACTERS):
            self.fields += line.count(",")
            if len(line) >= limits.MAX_LINE_CHARACTERS or self.fields > limits.MAX_COLUMNS:
                raise RefusedError(suspicious("CSV的一行过长"))
            yield line


def _rows(content: bytes, encoding: str) -> tuple[Row, ...]:
    lines = _Lines(content, encoding)
    reader = csv.reader(iter(lines), strict=True)
    meter = Meter()
    rows, first_line = [], 1
    for record in reader:
        lines.fields = 0
        cells = {
            column: Cell(meter.count_text(field))
            for column, field in enumerate(record, 1)
            if field and not field.isspace()
        }
        meter.count_cells(len(cells))
        if cells:
            rows.append(Row(first_line, cells))
        first_line = reader.line_num + 1
    return tuple(rows)
