"""One way to read any file. In: bytes and the name it came with. Out: its cells, or its fault."""

from fazhi.sheets.cells import FileFault, ReadFile
from fazhi.sheets.delimited import read_delimited
from fazhi.sheets.recognise import Format, recognise
from fazhi.sheets.xlsx import read_xlsx


def read_file(content: bytes, name: str) -> ReadFile:
    """Read a workbook or a CSV by its content; whatever the bytes, the answer is cells or a fault."""
    recognised = recognise(content)
    if isinstance(recognised, FileFault):
        return ReadFile(name, fault=recognised)
    return read_xlsx(content, name) if recognised is Format.ZIP else read_delimited(content, name)


def read_workbook(content: bytes, name: str) -> ReadFile:
    """Read a file that must be an xlsx workbook."""
    return _only(Format.ZIP, content, name, "xlsx工作簿")


def read_csv(content: bytes, name: str) -> ReadFile:
    """Read a file that must be a CSV."""
    return _only(Format.TEXT, content, name, "CSV文件")


def _only(wanted: Format, content: bytes, name: str, expected: str) -> ReadFile:
    recognised = recognise(content)
    if isinstance(recognised, Format) and recognised is not wanted:
        return ReadFile(name, fault=FileFault("FILE_TYPE", expected=expected, detail=f"文件不是{expected}"))
    return read_file(content, name)
