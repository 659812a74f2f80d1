"""A formula of an xls as text. In: its tokens in reverse Polish notation. Out: the formula, or nothing.

Only what ``formulas`` checks is written out: references, numbers, SUM, the four operations, brackets and
percent signs. A reference over sheets or files is not.
"""

import struct
from collections.abc import Callable, Mapping

from openpyxl.utils import get_column_letter

_SUM = 4
_INFIX = {0x03: "+", 0x04: "-", 0x05: "*", 0x06: "/"}
_MOST_TOKENS = 1_000
_LONGEST = 2_000


def formula_text(record: bytes) -> str:
    """The formula, empty when it holds anything that is not written out."""
    try:
        length = struct.unpack_from("<H", record)[0]
        return _written(record[2 : 2 + length])
    except (struct.error, IndexError):
        return ""


def _written(tokens: bytes) -> str:
    stack: list[str] = []
    position = 0
    for _ in range(_MOST_TOKENS):
        if position >= len(tokens):
            return stack[0] if len(stack) == 1 else ""
        kind = tokens[position]
        # the class of a token (reference, value, array) does not change how it is written
        kind = (kind & 0x1F) | 0x20 if kind >= 0x20 else kind
        write = _OF_TOKEN.get(kind)
        if write is None:
            return ""
        used = write(stack, tokens, position + 1)
        if used < 0 or len(stack[-1]) > _LONGEST:
            return ""
        position += 1 + used
    return ""


def _infix(stack: list[str], tokens: bytes, position: int) -> int:
    right, left = stack.pop(), stack.pop()
    stack.append(f"{left}{_INFIX[tokens[position - 1]]}{right}")
    return 0


def _prefix(sign: str) -> "_Writer":
    def write(stack: list[str], _tokens: bytes, _position: int) -> int:
        stack.append(f"{sign}{stack.pop()}")
        return 0

    return write


def _percent(stack: list[str], _tokens: bytes, _position: int) -> int:
    stack.append(f"{stack.pop()}%")
    return 0


def _brackets(stack: list[str], _tokens: bytes, _position: int) -> int:
    stack.append(f"({stack.pop()})")
    return 0


def _attribute(stack: list[str], tokens: bytes, position: int) -> int:
    """Marks of the writer; one of them is a SUM with one argument."""
    mark = tokens[position]
    if mark & 0x10:
        stack.append(f"SUM({stack.pop()})")
        return 3
    return 3 if mark in (0x01, 0x40, 0x41) and stack else -1


def _integer(stack: list[str], tokens: bytes, position: int) -> int:
    stack.append(str(struct.unpack_from("<H", tokens, position)[0]))
    return 2


def _number(stack: list[str], tokens: bytes, position: int) -> int:
    stack.append(repr(struct.unpack_from("<d", tokens, position)[0]))
    return 8


def _address(row: int, column: int) -> str:
    return f"{get_column_letter((column & 0xFF) + 1)}{row + 1}"


def _reference(stack: list[str], tokens: bytes, position: int) -> int:
    stack.append(_address(*struct.unpack_from("<HH", tokens, position)))
    return 4


def _area(stack: list[str], tokens: bytes, position: int) -> int:
    first, last, left, right = struct.unpack_from("<4H", tokens, position)
    stack.append(f"{_address(first, left)}:{_address(last, right)}")
    return 8


def _function(stack: list[str], tokens: bytes, position: int) -> int:
    count, number = struct.unpack_from("<BH", tokens, position)
    if number & 0x7FFF != _SUM or not 0 < count <= len(stack):
        return -1
    arguments = stack[-count:]
    del stack[-count:]
    stack.append(f"SUM({','.join(arguments)})")
    return 3


_Writer = Callable[[list[str], bytes, int], int]
"""Writes a token onto the stack; gives the number of bytes that follow its kind, -1 when it cannot."""

_OF_TOKEN: Mapping[int, _Writer] = {
    **dict.fromkeys(_INFIX, _infix),
    0x12: _prefix("+"),
    0x13: _prefix("-"),
    0x14: _percent,
    0x15: _brackets,
    0x19: _attribute,
    0x1E: _integer,
    0x1F: _number,
    0x22: _function,
    0x24: _reference,
    0x25: _area,
}
