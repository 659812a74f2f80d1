"""Text of a workbook beside its cells. In: the parts of a package. Out: headers, comments, drawings, properties.

Nobody reads values there, but a marking of secrecy often stands in a page header and nowhere else. What is damaged
here does not stop the file: its cells are what was asked for.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

from fazhi.sheets.cells import Aside
from fazhi.sheets.markup import scan
from fazhi.sheets.package import Package, of_templates
from fazhi.sheets.refusal import DamagedError

PROPERTIES = (
    *("title", "subject", "creator", "keywords", "keyword", "description", "category", "contentStatus"),
    *("lpwstr", "Company", "Manager", "user-defined", "lastModifiedBy"),
)
"""Elements that hold a document's properties, in Office and in open documents."""

_KINDS_OF_PROPERTIES = ("core-properties", "extended-properties", "custom-properties")
HEADERS = tuple(f"{pages}{place}" for pages in ("odd", "even", "first") for place in ("Header", "Footer"))
"""Elements of a worksheet that hold its page headers and footers."""

_HEADER_CODES = re.compile(r'&(?:"[^"]*"|K[0-9A-Fa-f]{6}|[0-9]{1,3}|[A-Za-z+-])')
_CELL = re.compile(r"[A-Z]{1,3}[0-9]{1,7}")


def asides_of_book(package: Package) -> tuple[Aside, ...]:
    """The properties of an Office document."""
    listed = [(kind, path) for kind, path in package.relations("").values() if kind in _KINDS_OF_PROPERTIES]
    return tuple(Aside(text) for kind, path in listed for text in _properties(package, kind, path))


def _properties(package: Package, kind: str, path: str) -> Iterable[str]:
    with suppress(DamagedError):
        if kind == "extended-properties" and package.has(path):
            return _of_the_program(package.part(path))
    return _texts(package, path, PROPERTIES)


@of_templates
def _of_the_program(content: bytes) -> tuple[str, ...]:
    """The texts of the properties that a program writes of itself, the same in all files of a template."""
    return tuple(texts_of(content, PROPERTIES))


def asides_of_sheet(package: Package, path: str, sheet: str, headers: Iterable[str]) -> tuple[Aside, ...]:
    """Page headers (as the worksheet has them), comments and text boxes of a worksheet of an xlsx."""
    found = [Aside(_bare(text), sheet) for text in headers]
    for kind, target in package.relations(path).values():
        if kind in ("comments", "threadedComment"):
            found += _comments(package, target, sheet)
        elif kind == "drawing":
            found += [Aside(text, sheet) for text in _texts(package, target, ("p",), pieces="t")]
    return tuple(found)


def asides_of_open_document(package: Package) -> tuple[Aside, ...]:
    """Page headers and properties of an open document."""
    return tuple(
        Aside(text)
        for path, names in (("styles.xml", ("p",)), ("meta.xml", PROPERTIES))
        for text in _texts(package, path, names)
    )


def _bare(header: str) -> str:
    """A page header without its codes; its three parts on lines of their own."""
    return _HEADER_CODES.sub("\n", header).strip()


def _texts(package: Package, path: str, names: tuple[str, ...], pieces: str = "") -> list[str]:
    with suppress(DamagedError):
        return texts_of(package.part(path), names, pieces) if package.has(path) else []
    return []


def texts_of(content: bytes, names: tuple[str, ...], pieces: str = "") -> list[str]:
    """The texts of the elements of some names, of nothing but their ``pieces`` where these are named.

    Raises:
        RefusedError: The document breaks a limit.
    """
    text: list[str] = []
    kept: list[str] = []
    found: list[str] = []

    def begins(_attributes: Mapping[str, str]) -> None:
        text.clear()
        kept.clear()

    def ends() -> None:
        found.append("".join(kept if pieces else text).strip())
        text.clear()

    starts = dict.fromkeys(names, begins)
    finishes = dict.fromkeys(names, ends)
    if pieces:
        starts[pieces] = lambda _attributes: text.clear()
        finishes[pieces] = lambda: kept.extend(text)
    with suppress(DamagedError):  # what was read so far is looked at
        scan(content, starts, finishes, text)
    return [one for one in found if one]


def _comments(package: Package, path: str, sheet: str) -> list[Aside]:
    """Comments with the cells that they hang on; of threads as well."""
    if not package.has(path):
        return []
    text: list[str] = []
    kept: list[str] = []
    places: list[str | None] = []
    found: list[Aside] = []

    def begins(attributes: Mapping[str, str]) -> None:
        reference = attributes.get("ref", "")
        places.append(reference if _CELL.fullmatch(reference) else None)
        kept.clear()

    def ends() -> None:
        if text_of := "".join(kept).strip():
            found.append(Aside(text_of, sheet, places[-1] if places else None))

    names = ("comment", "threadedComment")
    starts = {
        **dict.fromkeys(names, begins),
        **dict.fromkeys(("t", "text"), lambda _attributes: text.clear()),
    }
    # text directly inside "text" is a thread's, inside "t" an ordinary comment's
    finishes = {**dict.fromkeys(names, ends), **dict.fromkeys(("t", "text"), lambda: _take(text, kept))}
    with suppress(DamagedError):  # what was read so far is looked at
        scan(package.part(path), starts, finishes, text)
    return found


def _take(text: list[str], kept: list[str]) -> None:
    kept.extend(text)
    text.clear()
