"""How large a file may be. In: nothing. Out: the limits under which every file is opened."""

MAX_FILE_BYTES = 50 * 1024 * 1024
"""A workbook or CSV beyond this is not opened."""

MAX_ZIP_ENTRIES = 2_000
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_PART_BYTES = 64 * 1024 * 1024
MAX_RATIO = 300
RATIO_COUNTS_FROM_BYTES = 8 * 1024 * 1024
"""Small parts compress well without being an attack."""

MAX_ELEMENTS = 3_000_000
"""Elements of one XML part."""

MAX_CELLS = 1_000_000
"""Cells that are not blank, of all sheets."""
