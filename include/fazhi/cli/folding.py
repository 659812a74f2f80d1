"""Chinese text in a column of a terminal. In: text and a width in cells. Out: the same with line breaks.

No line begins with a closing mark or ends with an opening one; numbers, codes and addresses stay whole where they fit.
"""

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

_OPENING = "“‘（(《〈【〔["
_CLOSING = "”’）)》〉】〕]，。；：、！？,;:!?%％…"
_PIECE = re.compile(rf"[{re.escape(_OPENING)}]*(?:[!-'*-Z\\^-~]+|[^\s])[{re.escape(_CLOSING)}]*|[ ]+")


def fold_zh(text: str, width: int) -> str:
    """The text in lines of at most ``width`` cells, a Chinese character being two."""
    return "\n".join(line for paragraph in text.split("\n") for line in _lines(paragraph, width))


def _lines(paragraph: str, width: int) -> Iterator[str]:
    line = ""
    for piece in _pieces(paragraph, width):
        if line and cell_len(line + piece.rstrip()) > width:
            yield line.rstrip()
            line = ""
        line += piece if line else piece.lstrip()
    yield line.rstrip()


def _pieces(paragraph: str, width: int) -> Iterator[str]:
    """What is not to be broken; what is wider than a line is."""
    for match in _PIECE.finditer(paragraph):
        yield from chop_cells(match[0], width) if cell_len(match[0]) > width else [match[0]]
