"""Files of departments as cells. In: the bytes of a file. Out: sheets of cells, or why it cannot be read.

Nothing here knows indicators; nothing from a file becomes a path, a formula is never evaluated, and
everything is read under limits.
"""

from fazhi.sheets.cells import Cell, CellKind, FileFault, ReadFile, Row, Sheet
from fazhi.sheets.cover import Cover, cover_of, period_of, template_of
from fazhi.sheets.read import read_csv, read_file, read_workbook

__all__ = [
    "Cell",
    "CellKind",
    "Cover",
    "FileFault",
    "ReadFile",
    "Row",
    "Sheet",
    "cover_of",
    "period_of",
    "read_csv",
    "read_file",
    "read_workbook",
    "template_of",
]
