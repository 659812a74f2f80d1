"""An xlsx workbook as cells. In: bytes. Out: sheets with every cell exactly as stored, or the fault.

The XML is read directly: libraries that convert values lose error cells, number formats or the digits as
written. Formulas are never evaluated; their cached values are read, and a formula without one is an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fazhi.sheets import limits
from fazhi.sheets.asides import asides_of_book, asides_of_sheet
from fazhi.sheets.cells import Aside, Cell, FileFault, ReadFile, Sheet
from fazhi.sheets.markup import local_name, scan
from fazhi.sheets.numbers import BUILTIN, GENERAL
from fazhi.sheets.package import Package, of_templates
from fazhi.sheets.refusal import Meter, RefusedError, suspicious
from fazhi.sheets.structure import structure_notes
from fazhi.sheets.worksheet import Book, read_worksheet, text_cell, whole


@dataclass(frozen=True)
class _Listed:
    """A sheet as the workbook lists it."""

    title: str
    hidden: bool
    relation: str


def read_xlsx(package: Package, name: str) -> ReadFile:
    """Read a workbook."""
    try:
        sheets, notes, asides = _read(package)
        return ReadFile(name, sheets=sheets, notes=notes, asides=asides)
    except RefusedError as refused:
        return ReadFile(name, fault=refused.fault)


def _read(package: Package) -> tuple[tuple[Sheet, ...], tuple[FileFault, ...], tuple[Aside, ...]]:
    targets = [path for kind, path in package.relations("").values() if kind == "officeDocument"]
    path = targets[0] if targets else "xl/workbook.xml"
    relations = package.relations(path)
    by_kind = dict(relations.values())
    listed, since_1904 = _listed(package.part(path))
    meter = Meter()
    book = Book(_strings(package, by_kind, meter), _formats(package, by_kind), since_1904, meter)
    asides = list(asides_of_book(package))
    sheets = tuple(_sheets(package, listed, relations, book, asides))
    notes = structure_notes(sheets, external_links="externalLink" in by_kind)
    return sheets, notes, tuple(asides)


def _sheets(
    package: Package,
    listed: Sequence[_Listed],
    relations: Mapping[str, tuple[str, str]],
    book: Book,
    asides: list[Aside],
) -> Iterator[Sheet]:
    if len(listed) > limits.MAX_SHEETS:
        raise RefusedError(suspicious(f"有{len(listed)}个工作表"))
    for sheet in listed:
        kind, target = relations.get(sheet.relation, ("", ""))
        if kind == "worksheet" and package.has(target):
            read = read_worksheet(package, target, book)
            asides += asides_of_sheet(package, target, sheet.title, read.headers)
            yield Sheet(sheet.title, read.rows, sheet.hidden, read.layout)


@of_templates
def _listed(content: bytes) -> tuple[tuple[_Listed, ...], bool]:
    """The sheets in their order, and whether days count from 1904."""
    listed: list[_Listed] = []
    epochs: list[bool] = []

    def sheet(attributes: Mapping[str, str]) -> None:
        relation = next((value for key, value in attributes.items() if local_name(key) == "id"), "")
        hidden = attributes.get("state", "visible") != "visible"
        listed.append(_Listed(attributes.get("name", ""), hidden, relation))

    def properties(attributes: Mapping[str, str]) -> None:
        epochs.append(attributes.get("date1904", "0") in ("1", "true"))

    scan(content, {"sheet": sheet, "workbookPr": properties}, {}, [])
    return tuple(listed), any(epochs)


def _strings(package: Package, by_kind: Mapping[str, str], meter: Meter) -> list[Cell | None]:
    """The shared strings as cells; a blank one is no cell. Phonetic readings are left out."""
    path = by_kind.get("sharedStrings", "")
    if not package.has(path):
        return []
    cells: list[Cell | None] = []
    pieces: list[str] = []
    text: list[str] = []
    phonetic = [0]

    def item(_attributes: Mapping[str, str]) -> None:
        pieces.clear()

    def piece(_attributes: Mapping[str, str]) -> None:
        text.clear()

    def piece_ends() -> None:
        if not phonetic[0]:
            pieces.extend(text)

    def phonetic_begins(_attributes: Mapping[str, str]) -> None:
        phonetic[0] += 1

    def phonetic_ends() -> None:
        phonetic[0] -= 1

    def item_ends() -> None:
        cells.append(text_cell("".join(pieces), meter))

    scan(
        package.part(path),
        {"si": item, "t": piece, "rPh": phonetic_begins},
        {"si": item_ends, "t": piece_ends, "rPh": phonetic_ends},
        text,
    )
    return cells


def _formats(package: Package, by_kind: Mapping[str, str]) -> Sequence[str]:
    """The number format of each cell style."""
    path = by_kind.get("styles", "")
    if not package.has(path):
        return ()
    return _formats_in(package.part(path))


@of_templates
def _formats_in(content: bytes) -> tuple[str, ...]:
    codes = dict(BUILTIN)
    styles: list[str] = []
    in_styles = [False]

    def number_format(attributes: Mapping[str, str]) -> None:
        codes[whole(attributes.get("numFmtId"), 0)] = attributes.get("formatCode", "")

    def styles_begin(_attributes: Mapping[str, str]) -> None:
        in_styles[0] = True

    def styles_end() -> None:
        in_styles[0] = False

    def style(attributes: Mapping[str, str]) -> None:
        if in_styles[0]:
            styles.append(codes.get(whole(attributes.get("numFmtId"), 0), GENERAL))

    scan(
        content,
        {"numFmt": number_format, "cellXfs": styles_begin, "xf": style},
        {"cellXfs": styles_end},
        [],
    )
    return tuple(styles)
