"""XML as a stream of elements, under limits. In: the bytes of a part. Out: calls to handlers, or a refusal.

The parser is expat itself: building a tree costs several times the reading. Documents with a DTD are
refused, so that no entity is ever expanded; depth and number of elements are limited.
"""

import codecs
import re
from collections.abc import Callable, Mapping
from xml.parsers import expat

from fazhi.sheets import limits
from fazhi.sheets.refusal import DamagedError, RefusedError, suspicious

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"<\x00", b"\x00<")
_DECLARED = re.compile(rb"""\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARED_WITHIN = 500
_LIKE_UTF8 = ("utf-8", "utf8", "us-ascii", "ascii")
_CHINESE = ("gb2312", "gbk", "gb18030")
_SINGLE_BYTE = re.compile(r"(?:iso-8859-|windows-125|cp125)[0-9]{1,2}")
Start = Callable[[Mapping[str, str]], None]
End = Callable[[], None]


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
        DamagedError: It is not well-formed, or in an encoding that is not read.
    """
    content = _in_utf8(content)
    _refuse_too_long(content)
    begins, finishes = starts.get, ends.get
    depth, deepest = 0, limits.MAX_DEPTH

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > deepest:
            raise RefusedError(suspicious(f"部件内元素嵌套超过{deepest}层"))
        handler = begins(name)
        if handler is None and ":" in name:  # a prefix does not count (strict, transitional, any writer)
            handler = begins(local_name(name))
        if handler is not None:
            handler(attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        handler = finishes(name)
        if handler is None and ":" in name:
            handler = finishes(local_name(name))
        if handler is not None:
            handler()

    # whatever the document says of its encoding: one that the parser does not know raises what it likes
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = _refuse_dtd
    try:
        parser.Parse(content, True)
    except expat.ExpatError as broken:
        raise DamagedError from broken


def _refuse_too_long(content: bytes) -> None:
    if content.count(b"<") > 2 * limits.MAX_ELEMENTS:
        raise RefusedError(suspicious(f"部件内超过{limits.MAX_ELEMENTS}个元素"))
    if _has_long_run(content):
        raise RefusedError(suspicious("部件内有过长的元素"))


def _has_long_run(content: bytes) -> bool:
    """Whether two elements stand too far apart; hops to the last one within reach, so every byte is met twice at most."""
    at = 0
    while len(content) - at >= limits.MAX_RUN_BYTES:
        last = content.rfind(b"<", at, at + limits.MAX_RUN_BYTES)
        if last < 0:
            return True
        at = last + 1
    return False


def _in_utf8(content: bytes) -> bytes:
    """A document in UTF-8, so that its bytes can be counted and the parser has one encoding to read.

    Raises:
        DamagedError: It is not in the encoding that it says, or in one that is not read.
    """
    encoding = _encoding(content)
    if encoding == "utf-8":
        return content
    try:
        return content.decode(encoding).lstrip("\ufeff").encode()
    except (UnicodeError, LookupError) as other:
        raise DamagedError from other


def _encoding(content: bytes) -> str:
    """The encoding that a document is in; one that names none is in UTF-8."""
    if content[:2] in _UTF16:
        return "utf-16-be" if content[:2] in (codecs.BOM_UTF16_BE, b"\x00<") else "utf-16-le"
    declared = _DECLARED.match(content[:_DECLARED_WITHIN])
    name = declared[1].decode().lower() if declared else "utf-8"
    if name in _LIKE_UTF8:
        return "utf-8"
    if name in _CHINESE:
        return "gb18030"
    if _SINGLE_BYTE.fullmatch(name):
        return name
    raise DamagedError


def _refuse_dtd(*_declared: object) -> None:
    raise RefusedError(suspicious("文件内含XML实体或DTD声明"))
