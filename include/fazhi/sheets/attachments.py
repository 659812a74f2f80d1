"""Evidence looked at before anyone opens it. In: name and bytes of a file. Out: what is dangerous about it.

Zip archives are listed and, where they hold documents, looked into under limits; nothing is unpacked to disk. What
cannot be looked into (another kind of archive, a damaged one) is refused and says why. What is marked as secret is said
to be so and never repeated; personal data is named by its kind.
"""

import codecs
import re
import stat
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fazhi.model.privacy import KIND_NAMES_EN, kinds_of_personal_data
from fazhi.sheets import limits
from fazhi.sheets.asides import PROPERTIES, texts_of
from fazhi.sheets.biff import MACRO_STORAGES
from fazhi.sheets.cells import FileFault
from fazhi.sheets.compound import CompoundFile
from fazhi.sheets.markings import classified_marking, marked_name, marking_in_bytes
from fazhi.sheets.markup import scan
from fazhi.sheets.package import METHODS, content_of, open_archive
from fazhi.sheets.pdf import PdfProcess
from fazhi.sheets.read import read_file
from fazhi.sheets.refusal import DamagedError, RefusedError

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OTHER_ARCHIVES = {
    b"Rar!\x1a\x07": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b\x08": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"MSCF": "CAB",
}
_TAR = (257, b"ustar")
_PDF = b"%PDF-"
_PDF_WITHIN = 1024
"""Readers accept a PDF that begins this far into the file."""

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
_TEXT_PARTS = re.compile(
    r"(?:word|ppt/slides|ppt/notesslides|visio)/[^/]+\.xml|doc_[^/]*/(?:pages|tpls|annots)/.+\.xml"
)
"""Of Office documents and of OFD."""

_PROPERTIES = re.compile(r"docprops/(?:core|app|custom)\.xml|meta\.xml")
_OPEN_DOCUMENT = ("content.xml", "styles.xml")
_DOCUMENTS = frozenset(["[Content_Types].xml", "mimetype", "OFD.xml"])
"""What archives hold that are documents."""

_LOOKED_INTO = (".pdf", ".ofd", ".docx", ".pptx", ".xlsx", ".odt", ".ods", ".txt", ".csv", ".zip")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f]")


_OWN_WORDS = ("FILE_TYPE", "PII_FOUND")
"""Rules that say something else of evidence than of a workbook."""


@dataclass
class _Inspection:
    """One evidence file with everything inside it."""

    name: str
    """As shown in findings."""

    given: str
    """As it came."""

    left: int = limits.MAX_UNPACKED_BYTES
    """Bytes that may still be unpacked."""

    until: float = field(default_factory=lambda: time.monotonic() + _MOST_SECONDS)

    pdfs: PdfProcess = field(default_factory=PdfProcess)
    pdf_seconds: float = field(default_factory=lambda: limits.MAX_PDF_SECONDS_TOGETHER)
    """Of processor time that PDFs may still take."""

    personal: dict[str, None] = field(default_factory=dict)
    """Chinese names of the kinds of personal data that were met."""

    found: dict[str, FileFault] = field(default_factory=dict)
    """At most one fault per rule: the file as a whole is kept out."""

    def read(self, text: str) -> None:
        """Look at a text of the file."""
        if classified_marking(text):
            self.note_marking()
        missing = KIND_NAMES_EN.keys() - self.personal
        if missing:
            self.personal |= dict.fromkeys(kinds_of_personal_data(text, missing))

    def note(self, rule: str, what: str, expected: str, detail: str, detail_en: str) -> None:
        """Note what was found."""
        shown = f"佐证材料“{self.name}”{detail}"
        case = "evidence" if rule in _OWN_WORDS else ""
        self.found.setdefault(rule, FileFault(rule, what, expected, shown, detail_en=detail_en, case=case))

    def note_closed(self, name: str, why: str, why_en: str) -> None:
        """Note what cannot be looked into, and which file of the archive it is."""
        inside = "" if name == self.given else f"中的“{name}”"
        self.note("FILE_TYPE", why, "能查看内容的材料", f"{inside}{why}", why_en)

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
        At most one fault of each rule: PATH_TRAVERSAL, MACRO, ZIP_BOMB, ENCRYPTED, FILE_TYPE, CLASSIFIED, PII_FOUND.
        A fault never repeats what is marked as secret, not even a name.
    """
    secret = marked_name(name)
    inspection = _Inspection("（名称略）" if secret else name, name)
    if secret:
        inspection.note_marking()
    if odd_name(name):
        _note_name(inspection)
    with inspection.pdfs:
        _inspect(inspection, name, content, 0)
    if inspection.personal:
        _note_personal(inspection)
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
    elif _PDF in content[:_PDF_WITHIN]:
        _inspect_pdf(inspection, name, content)
    elif kind := _other_archive(content):
        inspection.note_closed(
            name,
            f"是{kind}压缩包，系统看不到里面的内容",
            f"An archive of the kind {kind} cannot be looked into.",
        )
    elif len(content) <= limits.MAX_FILE_BYTES:
        _inspect_text(inspection, content)


def _other_archive(content: bytes) -> str:
    """What kind of archive it is that is not looked into, empty when it is none."""
    start, mark = _TAR
    if content[start : start + len(mark)] == mark:
        return "tar"
    return next((kind for mark, kind in _OTHER_ARCHIVES.items() if content.startswith(mark)), "")


def _inspect_pdf(inspection: _Inspection, name: str, content: bytes) -> None:
    if inspection.pdf_seconds <= 0:
        inspection.note_closed(
            name,
            "来不及查看，压缩包里的PDF太多",
            "There are more PDFs in one archive than can be looked into.",
        )
        return
    begun = time.monotonic()
    look = inspection.pdfs.look(content)
    inspection.until += time.monotonic() - begun
    inspection.pdf_seconds -= look.seconds
    if look.marked:
        inspection.note_marking()
    if look.encrypted:
        _note_password(inspection)
    if look.refused[0]:
        inspection.note_closed(name, *look.refused)
    inspection.personal |= dict.fromkeys(look.personal)


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
        else:
            inspection.note_closed(name, "打不开，文件已损坏", "The archive is damaged and does not open.")
        return
    entries = archive.infolist()
    if not _is_sound(inspection, entries):
        return
    names = {_shown(entry) for entry in entries}
    _inspect_names(inspection, names)
    if names & _DOCUMENTS:
        _inspect_document(inspection, content, archive)
    else:
        _inspect_members(inspection, archive, depth)


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
        _note_password(inspection)
        return False
    return True


def _inspect_members(inspection: _Inspection, archive: zipfile.ZipFile, depth: int) -> None:
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        if entry.compress_type not in METHODS:
            inspection.note_closed(
                _shown(entry),
                "的压缩方式特殊，系统看不到里面的内容",
                "A file of the archive is packed in a way that is not unpacked.",
            )
            continue
        if entry.file_size > limits.MAX_PART_BYTES:
            # listed and judged by its ratio; a recording or a picture may be as large as it likes
            if _shown(entry).lower().endswith(_LOOKED_INTO):
                inspection.note_closed(
                    _shown(entry),
                    "过大，来不及查看",
                    "A document of the archive is too large to be looked into.",
                )
            continue
        inspection.left -= entry.file_size
        if inspection.left < 0:
            _note_bomb(inspection, f"各层解压后合计超过{limits.MAX_UNPACKED_BYTES // 1024 // 1024}MB")
            return
        if time.monotonic() > inspection.until:
            _note_bomb(inspection, f"查看用时超过{_MOST_SECONDS}秒")
            return
        try:
            inside = content_of(archive, entry)
        except DamagedError:
            inspection.note_closed(_shown(entry), "打不开，文件已损坏", "A file of the archive is damaged.")
            continue
        _inspect(inspection, _shown(entry), inside, depth + 1)


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
            for line in _lines(path, content_of(archive, entry)):
                inspection.read(line)
        except DamagedError:
            # a damaged part has nothing that could run; reviewers see that the document does not open
            continue
        except RefusedError as refused:
            _note_bomb(inspection, refused.fault.found)
            return


def _is_spreadsheet(archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> bool:
    if "mimetype" not in entries:
        return False
    try:
        return b"spreadsheet" in content_of(archive, entries["mimetype"])
    except DamagedError:
        return False


def _lines(path: str, content: bytes) -> list[str]:
    """The paragraphs of a part of a document, or the properties that it holds."""
    if path in _OPEN_DOCUMENT:
        return texts_of(content, ("p", "h"))
    if path.startswith("doc_"):
        # a line of an OFD may stand in several pieces
        texts = texts_of(content, ("TextCode",))
        return [*texts, "".join(texts)]
    return texts_of(content, PROPERTIES) if _PROPERTIES.fullmatch(path) else _paragraphs(content)


def _inspect_workbook(inspection: _Inspection, content: bytes) -> None:
    file = read_file(content, name="")
    if file.fault is not None:
        if file.fault.rule == "MACRO":
            _note_macro(inspection)
        elif file.fault.rule == "ZIP_BOMB":
            _note_bomb(inspection, file.fault.found)
        return
    for aside in file.asides:
        inspection.read(aside.text)
    for cell in (cell for sheet in file.sheets for row in sheet.rows for cell in row.cells.values()):
        inspection.read(cell.text)


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
        _note_password(inspection)
    if marking_in_bytes(content):
        inspection.note_marking()


def _inspect_text(inspection: _Inspection, content: bytes) -> None:
    """Look at a text file, in any encoding that departments use; what is no text is left alone."""
    wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    for encoding in ("utf-8-sig", "utf-16" if wide else "gb18030"):
        try:
            if all(not _NOT_TEXT.search(piece) for piece in _pieces(content, encoding)):
                for piece in _pieces(content, encoding):
                    inspection.read(piece)
            return
        except UnicodeDecodeError:
            continue


def _pieces(content: bytes, encoding: str) -> Iterator[str]:
    """The text piece by piece, each with the end of the one before, so that it is never in the memory as a whole."""
    decoder = codecs.getincrementaldecoder(encoding)()
    rest = ""
    for start in range(0, len(content), _PIECE):
        text = rest + decoder.decode(content[start : start + _PIECE], start + _PIECE >= len(content))
        yield text
        rest = text[-_OVERLAP:]


def _note_password(inspection: _Inspection) -> None:
    inspection.note(
        "ENCRYPTED",
        "加密的文件",
        "未加密的佐证材料",
        "设有密码，无法查看",
        "An evidence file has a password.",
    )


def _note_personal(inspection: _Inspection) -> None:
    kinds = "、".join(inspection.personal)
    english = ", ".join(KIND_NAMES_EN[kind] for kind in inspection.personal)
    inspection.note("PII_FOUND", kinds, "不含个人信息的材料", f"里有{kinds}", f"It holds {english}.")


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
