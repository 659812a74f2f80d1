"""Files of departments as cells. In: the bytes of a file. Out: sheets of cells, or why it cannot be read.

Nothing here knows indicators; nothing from a file becomes a path, a formula is never evaluated, and
everything is read under limits.
"""

from fazhi.sheets.attachments import inspect_attachment
from fazhi.sheets.cells import Area, Aside, Cell, CellKind, FileFault, Layout, ReadFile, Row, Sheet
from fazhi.sheets.cover import Cover, cover_of, period_of, template_of
from fazhi.sheets.markings import classified_marking
from fazhi.sheets.read import read_csv, read_file, read_workbook

__all__ = [
    "Area",
    "Aside",
    "Cell",
    "CellKind",
    "Cover",
    "FileFault",
    "Layout",
    "ReadFile",
    "Row",
    "Sheet",
    "classified_marking",
    "cover_of",
    "inspect_attachment",
    "period_of",
    "read_csv",
    "read_file",
    "read_workbook",
    "template_of",
]
