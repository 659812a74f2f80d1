"""Files that would cost a careless reader its memory or its time. Run as: hostile.py KIND, prints what it cost."""

import io
import json
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from openpyxl import Workbook

from fazhi.sheets import inspect_attachment, read_file

MEBIBYTE = 1024 * 1024
SHEET = "xl/worksheets/sheet1.xml"
STRINGS = "xl/sharedStrings.xml"
_RELATIONS = (
    b'<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
    b'<Relationship Id="s" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
)


def _book(**parts: bytes) -> bytes:
    """A workbook with parts replaced; packed quickly."""
    named = {SHEET: parts["sheet"]} if "sheet" in parts else {}
    if "strings" in parts:
        named |= {STRINGS: parts["strings"], "xl/_rels/workbook.xml.rels": _RELATIONS}
    workbook = Workbook()
    workbook.worksheets[0]["A1"] = 1
    plain, out = io.BytesIO(), io.BytesIO()
    workbook.save(plain)
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target,
    ):
        for name in source.namelist():
            if name not in named:
                target.writestr(name, source.read(name))
        for name, content in named.items():
            target.writestr(name, content)
    return out.getvalue()


def _grid(cell: Callable[[int, int], bytes], rows: int, columns: int = 30) -> bytes:
    def lines() -> Iterator[bytes]:
        yield b"<worksheet><sheetData>"
        for row in range(1, rows + 1):
            yield b"<row r='%d'>" % row
            yield b"".join(b"<c%s</c>" % cell(row, column) for column in range(columns))
            yield b"</row>"
        yield b"</sheetData></worksheet>"

    return _book(sheet=b"".join(lines()))


def _shared_formulas() -> bytes:
    long = b"+".join(b"A%d" % number for number in range(1, 200))
    first = b"><f t='shared' si='0'>%s</f><v>1</v>" % long
    again = b"><f t='shared' si='0'/><v>1</v>"
    return _grid(lambda row, column: first if row == 1 and column == 0 else again, 15_000, 20)


def _many_entries() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for number in range(50_000):
            package.writestr(str(number), "")
    return out.getvalue()


def _looping_sectors() -> bytes:
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(22) + struct.pack("<HH", 9, 6) + bytes(12)
    return head + struct.pack("<5I", 1, 0, 0, 4096, 0) + bytes(49 * MEBIBYTE)


def _endless_rows() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        package.writestr(
            "content.xml",
            '<o:d xmlns:o="o" xmlns:table="t" xmlns:office="o"><table:table table:name="a">'
            '<table:table-row table:number-rows-repeated="1000000"><table:table-cell '
            'table:number-columns-repeated="16000" office:value-type="float" office:value="1"/>'
            "</table:table-row></table:table></o:d>",
        )
    return out.getvalue()


def _nested() -> bytes:
    inner = _grid(lambda row, column: b"><v>%d.%d</v>" % (row, column), 20_000)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for number in range(20):
            package.writestr(f"{number}.xlsx", inner)
    return out.getvalue()


KINDS: dict[str, Callable[[], bytes]] = {
    "numbers": lambda: _grid(lambda row, column: b"><v>%d.%d</v>" % (row, column), 20_000),
    "long_numbers": lambda: _grid(
        lambda row, column: b"><v>%de30%d</v>" % (row * 40 + column, column % 9), 20_000
    ),
    "attacks": lambda: _grid(lambda row, column: b" t='str'><v>=CMD%d(%d)</v>" % (row, column), 19_000),
    "formulas": lambda: _grid(lambda _row, column: b"><f>SUM(A1:ZZ1000000)</f><v>%d</v>" % column, 15_000),
    "shared_formulas": _shared_formulas,
    "too_many_cells": lambda: _grid(lambda row, column: b"><v>%d</v>" % (row + column), 25_000),
    "elements": lambda: _book(sheet=b"<w>" + b"<a>x</a>" * 2_900_000 + b"</w>"),
    "deep": lambda: _book(sheet=b"<a>" * 2_000_000 + b"</a>" * 2_000_000),
    "long_attribute": lambda: _book(sheet=b"<w a='" + b"ab1" * (13 * MEBIBYTE) + b"'/>"),
    "many_attributes": lambda: _book(
        sheet=b"<w " + b" ".join(b"a%d='%d'" % (n, n) for n in range(1_900_000)) + b"/>"
    ),
    "long_text": lambda: _book(
        sheet=b"<w><row><c t='str'><v>" + b"ab1" * (13 * MEBIBYTE) + b"</v></c></row></w>"
    ),
    "many_long_texts": lambda: _book(sheet=b"<w>" + (b"<a>" + b"ab1" * 16_000 + b"</a>") * 200 + b"</w>"),
    "strings": lambda: _book(
        strings=("<sst>" + "".join(f"<si><t>{n:x}😀</t></si>" for n in range(1_300_000)) + "</sst>").encode()
    ),
    "entries": _many_entries,
    "endless_rows": _endless_rows,
    "looping_sectors": _looping_sectors,
    "commas": lambda: b"a" + b"," * (49 * MEBIBYTE),
    "lines": lambda: b"a,b,c\n" * (8 * MEBIBYTE),
    "wide_characters": lambda: ("😀" + "x" * 100_000 + "\n").encode() * 480,
    "one_line": lambda: b"a" * (49 * MEBIBYTE),
    "nested": _nested,
}
"""Makers by kind; each file stays below the size that is accepted at all."""

ENDINGS = {"looping_sectors": "xls", "endless_rows": "ods", "nested": "zip"}


def main(path: str, kind: str) -> None:
    """Read the file of a kind and print what came of it, with its cost in CPU seconds and MiB at most."""
    with open(path, "rb") as file:
        content = file.read()
    name, started = f"a.{ENDINGS.get(kind, 'xlsx')}", time.process_time()
    if kind == "nested":
        result = [fault.rule for fault in inspect_attachment(name, content)]
    else:
        fault = read_file(content, name).fault
        result = [fault.rule] if fault is not None else []
    seconds = time.process_time() - started
    # not ru_maxrss, which a process inherits from the one that started it
    status = Path("/proc/self/status").read_text(encoding="ascii")
    most = int(status.partition("VmHWM:")[2].split()[0]) // 1024
    print(json.dumps({"rules": result, "seconds": seconds, "mebibytes": most}))


if __name__ == "__main__":
    main(*sys.argv[1:])
