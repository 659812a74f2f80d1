"""XML as a stream of elements, under limits. In: the bytes of a part. Out: calls to handlers, or a refusal.

The parser is expat itself: building a tree costs several times the reading. Documents with a DTD are
refused, so that no entity is ever expanded; depth and number of elements are limited.
"""

import codecs
from collections.abc import Callable, Mapping
from typing import Any
from xml.parsers import expat

from fazhi.sheets import limits
from fazhi.sheets.refusal import RefusedError, suspicious

_REMEMBERED = 500
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"<\x00", b"\x00<")
Start = Callable[[Mapping[str, str]], None]
End = Callable[[], None]


class _ByLocalName(dict[str, Any]):
    """Handlers by name; a prefix of a namespace does not count (strict, transitional, any writer)."""

    def __missing__(self, name: str) -> Any:
        handler = self.get(local_name(name)) if ":" in name else None
        if len(self) < _REMEMBERED:
            self[name] = handler
        return handler


def local_name(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def scan(content: bytes, starts: Mapping[str, Start], ends: Mapping[str, End], text: list[str]) -> None:
    """Read a document.

    Args:
        content: The document. It is parsed in one piece, as expat needs quadratic time for long tokens in
            several.
        starts: Called with the attributes where an element of a local name begins.
        ends: Called where one ends.
        text: Gets every piece of character data; the handlers empty it.

    Raises:
        RefusedError: It has a DTD or breaks a limit.
        expat.ExpatError: It is not well-formed.
    """
    content, encoding = _in_utf8(content)
    if content.count(b"<") > 2 * limits.MAX_ELEMENTS:
        raise RefusedError(suspicious(f"部件内超过{limits.MAX_ELEMENTS}个元素"))
    if _has_long_run(content):
        raise RefusedError(suspicious("部件内有过长的元素"))
    begins, finishes = _ByLocalName(starts), _ByLocalName(ends)
    depth, deepest = 0, limits.MAX_DEPTH

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > deepest:
            raise RefusedError(suspicious(f"部件内元素嵌套超过{deepest}层"))
        handler = begins[name]
        if handler is not None:
            handler(attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler = finishes[name]
        if handler is not None:
            handler()

    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = _refuse_dtd
    parser.Parse(content, True)


def _has_long_run(content: bytes) -> bool:
    """Whether two elements stand too far apart; hops to the last one within reach, so every byte is met twice at most."""
    at = 0
    while len(content) - at >= limits.MAX_RUN_BYTES:
        last = content.rfind(b"<", at, at + limits.MAX_RUN_BYTES)
        if last < 0:
            return True
        at = last + 1
    return False


def _in_utf8(content: bytes) -> tuple[bytes, str | None]:
    """A document in UTF-16 in UTF-8, so that its bytes can be counted; others as they are."""
    if content[:2] not in _UTF16:
        return content, None
    big = content[:2] in (codecs.BOM_UTF16_BE, b"\x00<")
    return content.decode("utf-16-be" if big else "utf-16-le").lstrip("\ufeff").encode(), "utf-8"


def _refuse_dtd(*_declared: object) -> None:
    raise RefusedError(suspicious("文件内含XML实体或DTD声明"))
