"""One way to read any file. In: bytes and the name it came with. Out: its cells, or its fault."""

from fazhi.sheets.biff import read_xls
from fazhi.sheets.cells import FileFault, ReadFile
from fazhi.sheets.delimited import read_delimited
from fazhi.sheets.ods import read_ods
from fazhi.sheets.package import Package
from fazhi.sheets.recognise import Format, named_rightly, package_format, recognise
from fazhi.sheets.refusal import RefusedError
from fazhi.sheets.xlsx import read_xlsx


def read_file(content: bytes, name: str) -> ReadFile:
    """Read a workbook or a CSV by its content; whatever the bytes, the answer is cells or a fault.

    The name only stops a file: under the ending of another kind of table it was renamed, not saved as that.
    """
    recognised = recognise(content, name)
    if isinstance(recognised, FileFault):
        return ReadFile(name, fault=recognised)
    if recognised is Format.ZIP:
        return _read_package(content, name)
    return read_xls(content, name) if recognised is Format.XLS else _read_text(content, name)


def read_workbook(content: bytes, name: str) -> ReadFile:
    """Read a file that must be a workbook."""
    return _only((Format.ZIP, Format.XLS), content, name, "工作簿")


def read_csv(content: bytes, name: str) -> ReadFile:
    """Read a file that must be a CSV."""
    return _only((Format.TEXT,), content, name, "CSV文件")


def _only(wanted: tuple[Format, ...], content: bytes, name: str, expected: str) -> ReadFile:
    recognised = recognise(content, name)
    if isinstance(recognised, Format) and recognised not in wanted:
        return ReadFile(name, fault=FileFault("FILE_TYPE", expected=expected, detail=f"文件不是{expected}"))
    return read_file(content, name)


def _read_text(content: bytes, name: str) -> ReadFile:
    """A CSV; what is no text at all is told as that, whatever its name."""
    file = read_delimited(content, name)
    named = named_rightly(Format.TEXT, name)
    return file if file.fault is not None or isinstance(named, Format) else ReadFile(name, fault=named)


def _read_package(content: bytes, name: str) -> ReadFile:
    try:
        package = Package(content)
        kind = package_format(package, name)
    except RefusedError as refused:
        return ReadFile(name, fault=refused.fault)
    return read_ods(package, name) if kind is Format.ODS else read_xlsx(package, name)
