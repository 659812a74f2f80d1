"""How large a file may be. In: nothing. Out: the limits under which every file is opened.

Together they keep the reading of any file below 512 MiB and 30 s without a process of its own; only a PDF has one.
"""

MAX_FILE_BYTES = 50 * 1024 * 1024
"""A workbook or CSV beyond this is not opened."""

MAX_ZIP_ENTRIES = 2_000
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
MAX_PART_BYTES = 40 * 1024 * 1024
"""Of a part that is read; pictures are not."""

MAX_RATIO = 300
RATIO_COUNTS_FROM_BYTES = 8 * 1024 * 1024
"""Small parts compress well without being an attack."""

MAX_ELEMENTS = 3_000_000
"""Elements of one XML part."""

MAX_RUN_BYTES = 1_000_000
"""Between two elements of XML: the longest text or list of attributes."""

MAX_DEPTH = 256
"""Elements of XML inside one another."""

MAX_CELLS = 600_000
"""Cells that are not blank, of all sheets."""

MAX_SHEETS = 250

MAX_CHARACTERS = 40_000_000
"""Of the text of all cells."""

MAX_CELL_CHARACTERS = 200_000
"""Of one cell; spreadsheets stop at 32 767."""

MAX_MERGED = 10_000
"""Merged ranges of one sheet."""

MAX_TRANSLATED_CHARACTERS = 1_000_000
"""Of shared formulas that are written out for the cells that share them."""

MAX_LINE_CHARACTERS = 1_000_000
"""Of one line of a CSV."""

MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
"""Of a sheet, as in every spreadsheet."""

MAX_FORMULA_VISITS = 300_000
"""Cells that are looked at while formulas are checked."""

MAX_PDF_BYTES = 100 * 1024 * 1024
MAX_PDF_MEMORY_BYTES = 320 * 1024 * 1024
"""Of the process that looks into PDFs, the PDF itself included."""

PDF_SECONDS_PER_FILE = 3
"""Of processor time, after which no further page of a PDF is looked at."""

MAX_PDF_SECONDS = 8
"""Of processor time for one page and what leads to it, after which the process is ended."""

MAX_PDF_WALL_SECONDS = 25
MAX_PDF_SECONDS_TOGETHER = 12
"""Of processor time for all PDFs of one archive."""
