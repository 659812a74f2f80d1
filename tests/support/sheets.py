"""Files for the tests of sheets: workbooks taken apart and put together again, hostile ones (合成数据)."""

import io
import zipfile
from pathlib import Path

from openpyxl import Workbook

from fazhi.sheets import CellKind, FileFault, ReadFile, read_file
from support.intake import saved

OLD_FORMATS = Path(__file__).parents[1] / "data" / "old_formats"
SHEET = "xl/worksheets/sheet1.xml"


def rezipped(content: bytes, parts: dict[str, bytes | str | None]) -> bytes:
    """A package with parts replaced or added (`None` removes)."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as source,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            if name not in parts:
                target.writestr(name, source.read(name))
        for name, text in parts.items():
            if text is not None:
                target.writestr(name, text)
    return out.getvalue()


def part(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return package.read(name)


def zipped(*entries: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in entries:
            package.writestr(name, content)
    return out.getvalue()


def plain_book(*rows: list[object]) -> bytes:
    workbook = Workbook()
    for cells in rows or ([1],):
        workbook.worksheets[0].append(cells)
    return saved(workbook)


def with_sheet(xml: str) -> bytes:
    """A workbook whose only sheet has this content."""
    return rezipped(plain_book(), {SHEET: xml})


def with_cells(xml: str) -> bytes:
    return with_sheet(f"<worksheet><sheetData>{xml}</sheetData></worksheet>")


def places(faults: tuple[FileFault, ...]) -> list[tuple[str, str | None, str | None]]:
    """Rule, sheet and cell."""
    return [(fault.rule, fault.sheet, fault.cell) for fault in faults]


def assert_sound(file: ReadFile) -> None:
    """What every reading keeps, whatever the bytes."""
    if file.fault is not None:
        assert file.fault.rule
        assert file.fault.detail
        assert (file.sheets, file.notes) == ((), ())
        return
    for sheet in file.sheets:
        numbers = [row.number for row in sheet.rows]
        assert numbers == sorted(set(numbers))
        for row in sheet.rows:
            assert row.number >= 1
            assert row.cells
            for column, cell in row.cells.items():
                assert 1 <= column <= 16_384 or sheet.name is None
                assert cell.text
                assert isinstance(cell.kind, CellKind)
                assert sheet.address(row.number, column, "t")
    for note in file.notes:
        assert note.rule
        assert note.detail


def read(content: bytes, name: str = "填报表.xlsx") -> ReadFile:
    file = read_file(content, name)
    assert_sound(file)
    return file
