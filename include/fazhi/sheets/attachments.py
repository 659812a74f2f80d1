"""Evidence looked at before anyone opens it. In: name and bytes of a file. Out: what is dangerous about it.

Archives are listed and, where they hold documents, looked into under limits; nothing is unpacked to disk.
What is marked as secret is said to be so and never repeated.
"""

import codecs
import re
import stat
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from fazhi.sheets import limits
from fazhi.sheets.asides import PROPERTIES, texts_of
from fazhi.sheets.biff import MACRO_STORAGES
from fazhi.sheets.cells import FileFault
from fazhi.sheets.compound import CompoundFile
from fazhi.sheets.markings import classified_marking, marked_name, marking_in_bytes
from fazhi.sheets.markup import scan
from fazhi.sheets.package import DAMAGED, METHODS, open_archive
from fazhi.sheets.read import read_file
from fazhi.sheets.refusal import RefusedError

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_DEEPEST = 3
"""Archives inside one another."""

_MOST_ENTRIES = 10_000
_MOST_SECONDS = 15
"""After which nothing further in an archive is looked into: no honest one takes that long."""

_PIECE = 1_000_000
_OVERLAP = 200
_UTF8_FLAG = 0x800
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", "conin$", "conout$"]
    + [f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"]
)
_CONTROL = re.compile("[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_TEXT_PARTS = re.compile(r"(?:word|ppt/slides|ppt/notesslides|visio)/[^/]+\.xml")
_PROPERTIES = re.compile(r"docprops/(?:core|app|custom)\.xml|meta\.xml")
_OPEN_DOCUMENT = ("content.xml", "styles.xml")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f]")


@dataclass
class _Inspection:
    """One evidence file with everything inside it."""

    name: str
    """As shown in findings."""

    left: int = limits.MAX_UNPACKED_BYTES
    """Bytes that may still be unpacked."""

    until: float = field(default_factory=lambda: time.monotonic() + _MOST_SECONDS)

    found: dict[str, FileFault] = field(default_factory=dict)
    """At most one fault per rule: the file as a whole is kept out."""

    def note(self, rule: str, what: str, expected: str, detail: str, detail_en: str) -> None:
        """Note what was found."""
        shown = f"佐证材料“{self.name}”{detail}"
        self.found.setdefault(rule, FileFault(rule, what, expected, shown, detail_en=detail_en))

    def note_marking(self) -> None:
        """Note a marking of secrecy, without its words."""
        self.note(
            "CLASSIFIED",
            "涉密标志",
            "不涉密的材料",
            "带有涉密标志，已隔离",
            "An evidence file carries a marking of secrecy.",
        )


def inspect_attachment(name: str, content: bytes) -> tuple[FileFault, ...]:
    """What is dangerous about an evidence file.

    Args:
        name: As it came.
        content: Its bytes, whatever they are.

    Returns:
        At most one fault of each rule: PATH_TRAVERSAL, MACRO, ZIP_BOMB, ENCRYPTED, CLASSIFIED. A fault never
        repeats what is marked as secret, not even a name.
    """
    secret = marked_name(name)
    inspection = _Inspection("（名称略）" if secret else name)
    if secret:
        inspection.note_marking()
    if odd_name(name):
        _note_name(inspection)
    _inspect(inspection, name, content, 0)
    return tuple(inspection.found.values())


def odd_name(name: str) -> bool:
    """Whether a name would leave its folder, is a device of Windows or hides its ending."""
    if _CONTROL.search(name) or name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name):
        return True
    parts = re.split(r"[/\\]", name)
    return any(part == ".." or part.partition(".")[0].strip().lower() in _DEVICES for part in parts)


def _note_name(inspection: _Inspection) -> None:
    inspection.note(
        "PATH_TRAVERSAL",
        "异常的文件名",
        "普通的文件名",
        "中有越出文件夹或系统保留的文件名，已隔离，未解压",
        "An evidence file holds a name that leaves its folder or is reserved.",
    )


def _inspect(inspection: _Inspection, name: str, content: bytes, depth: int) -> None:
    if content.startswith(_ZIP):
        _inspect_archive(inspection, name, content, depth)
    elif content.startswith(_OLE2):
        _inspect_compound(inspection, content)
    elif len(content) <= limits.MAX_FILE_BYTES and _marked_text(content):
        inspection.note_marking()


# --- archives and documents that are archives


def _inspect_archive(inspection: _Inspection, name: str, content: bytes, depth: int) -> None:
    if depth > _DEEPEST:
        _note_bomb(inspection, f"压缩包套了{depth}层以上")
        return
    try:
        archive = open_archive(content, _MOST_ENTRIES)
    except RefusedError as refused:
        if refused.fault.rule == "ZIP_BOMB":
            _note_bomb(inspection, refused.fault.found)
        return
    entries = archive.infolist()
    if not _is_sound(inspection, entries):
        return
    names = {_shown(entry) for entry in entries}
    _inspect_names(inspection, names)
    try:
        if "[Content_Types].xml" in names or "mimetype" in names:
            _inspect_document(inspection, content, archive)
        else:
            _inspect_members(inspection, archive, depth)
    except DAMAGED:
        # a damaged document has nothing that could run; reviewers see that it does not open
        return


def _inspect_names(inspection: _Inspection, names: set[str]) -> None:
    if any(odd_name(name) for name in names):
        _note_name(inspection)
    if any(marked_name(name) for name in names):
        inspection.note_marking()
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        _note_macro(inspection)


def _is_sound(inspection: _Inspection, entries: list[zipfile.ZipInfo]) -> bool:
    """Whether the archive may be looked into; links and sizes are judged by the listing alone."""
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    large = unpacked > limits.RATIO_COUNTS_FROM_BYTES
    if large and unpacked // max(packed, 1) > limits.MAX_RATIO:
        _note_bomb(inspection, f"解压后达{unpacked // 1024 // 1024}MB，压缩比{unpacked // max(packed, 1)}")
        return False
    if any(stat.S_ISLNK(entry.external_attr >> 16) for entry in entries):
        _note_name(inspection)
    if any(entry.flag_bits & 0x1 for entry in entries):
        inspection.note(
            "ENCRYPTED",
            "加密的压缩包",
            "未加密的佐证材料",
            "设有密码，无法查看",
            "An evidence file has a password.",
        )
        return False
    return True


def _inspect_members(inspection: _Inspection, archive: zipfile.ZipFile, depth: int) -> None:
    for entry in archive.infolist():
        if entry.is_dir() or entry.compress_type not in METHODS:
            continue
        if entry.file_size > limits.MAX_PART_BYTES:
            # listed and judged by its ratio; too large to be a document that is looked into
            continue
        inspection.left -= entry.file_size
        if inspection.left < 0:
            _note_bomb(inspection, f"各层解压后合计超过{limits.MAX_UNPACKED_BYTES // 1024 // 1024}MB")
            return
        if time.monotonic() > inspection.until:
            _note_bomb(inspection, f"查看用时超过{_MOST_SECONDS}秒")
            return
        _inspect(inspection, _shown(entry), archive.read(entry), depth + 1)


def _inspect_document(inspection: _Inspection, content: bytes, archive: zipfile.ZipFile) -> None:
    entries = {entry.filename.lower(): entry for entry in archive.infolist()}
    parts = [path for path in entries if _TEXT_PARTS.fullmatch(path)]
    if not parts and "[content_types].xml" not in entries:
        parts = [path for path in _OPEN_DOCUMENT if path in entries and not _is_spreadsheet(archive, entries)]
    if not parts:
        _inspect_workbook(inspection, content)
    for path in (*parts, *filter(_PROPERTIES.fullmatch, entries)):
        entry = entries[path]
        inspection.left -= entry.file_size
        if entry.file_size > limits.MAX_PART_BYTES or inspection.left < 0:
            _note_bomb(inspection, f"部件解压后达{entry.file_size // 1024 // 1024}MB")
            return
        try:
            marked = any(classified_marking(line) for line in _lines(path, archive.read(entry)))
        except RefusedError as refused:
            _note_bomb(inspection, refused.fault.found)
            return
        if marked:
            inspection.note_marking()


def _is_spreadsheet(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> bool:
    return "mimetype" in entries and b"spreadsheet" in archive.read(entries["mimetype"])


def _lines(path: str, content: bytes) -> list[str]:
    """The paragraphs of a part of a document, or the properties that it holds."""
    if path in _OPEN_DOCUMENT:
        return texts_of(content, ("p", "h"))
    return texts_of(content, PROPERTIES) if _PROPERTIES.fullmatch(path) else _paragraphs(content)


def _inspect_workbook(inspection: _Inspection, content: bytes) -> None:
    file = read_file(content, name="")
    if file.fault is not None:
        if file.fault.rule == "MACRO":
            _note_macro(inspection)
        elif file.fault.rule == "ZIP_BOMB":
            _note_bomb(inspection, file.fault.found)
        return
    cells = (cell.text for sheet in file.sheets for row in sheet.rows for cell in row.cells.values())
    if any(classified_marking(text) for text in (*(one.text for one in file.asides), *cells)):
        inspection.note_marking()


def _paragraphs(content: bytes) -> list[str]:
    """The paragraphs of a document or slide."""
    text: list[str] = []
    line: list[str] = []
    lines: list[str] = []

    def paragraph(_attributes: Mapping[str, str] | None = None) -> None:
        if line:
            lines.append("".join(line))
            line.clear()

    def run(_attributes: Mapping[str, str]) -> None:
        text.clear()

    def run_ends() -> None:
        line.extend(text)

    scan(content, {"p": paragraph, "t": run}, {"p": paragraph, "t": run_ends}, text)
    return lines


def _shown(entry: zipfile.ZipInfo) -> str:
    """The name of an entry; archives made on Chinese Windows keep it in GBK without saying so."""
    if entry.flag_bits & _UTF8_FLAG:
        return entry.orig_filename
    try:
        raw = entry.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.orig_filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.orig_filename


# --- other files


def _inspect_compound(inspection: _Inspection, content: bytes) -> None:
    try:
        names = CompoundFile(content).names
    except RefusedError:
        # not even a compound file; there is nothing in it that could run
        return
    if names & MACRO_STORAGES:
        _note_macro(inspection)
    if "EncryptedPackage" in names:
        inspection.note(
            "ENCRYPTED",
            "加密的文件",
            "未加密的佐证材料",
            "设有密码，无法查看",
            "An evidence file has a password.",
        )
    if marking_in_bytes(content):
        inspection.note_marking()


def _marked_text(content: bytes) -> bool:
    """Whether a text file carries a marking, in any encoding that departments use."""
    wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-8-sig", "utf-16" if wide else "gb18030"):
        try:
            return _marked_in(content, encoding)
        except UnicodeDecodeError:
            continue
    return False


def _marked_in(content: bytes, encoding: str) -> bool:
    """Look through the text piece by piece, so that it is never in the memory as a whole."""
    decoder = codecs.getincrementaldecoder(encoding)()
    marked, rest = False, ""
    for start in range(0, len(content), _PIECE):
        text = rest + decoder.decode(content[start : start + _PIECE], start + _PIECE >= len(content))
        if _NOT_TEXT.search(text):
            return False
        marked = marked or classified_marking(text)
        rest = text[-_OVERLAP:]
    return marked


def _note_macro(inspection: _Inspection) -> None:
    inspection.note("MACRO", "宏", "不含宏的材料", "内含宏，已隔离，未打开", "An evidence file holds macros.")


def _note_bomb(inspection: _Inspection, what: str) -> None:
    inspection.note(
        "ZIP_BOMB",
        what,
        "常规大小的材料",
        f"超出安全限度（{what}），已隔离，未打开",
        "An evidence file breaks the safety limits.",
    )
