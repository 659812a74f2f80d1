"""Text that no spreadsheet takes for a formula. In: text of a department. Out: the same, harmless and storable."""

import re

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from fazhi.model.privacy import mask_personal_data

LONGEST_CELL = 32_767
"""What a cell of the format can hold."""

_LEADS = re.compile(r"[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20|]|[\t\r\n]")
_PLAIN = re.compile(r"[+\-\uff0b\uff0d]?[0-9０-９.,，．%％ ]*|-+|—+")
"""A signed number or dashes alone: a value that a department wrote, and nothing that runs."""


def harmless(text: str) -> str:
    """The text without characters that a workbook cannot hold, personal data masked.

    What a spreadsheet could read as a formula, here or after it was saved as CSV, gets an apostrophe before it.
    """
    kept = mask_personal_data(ILLEGAL_CHARACTERS_RE.sub("", text)).text
    if _LEADS.match(kept) and not _PLAIN.fullmatch(kept):
        kept = f"'{kept}"
    return kept[:LONGEST_CELL]
