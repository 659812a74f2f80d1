"""What kind of file it is. In: its bytes. Out: the format by content, or the fault that stops it.

The content decides what a file is. The name can only stop it: one that says another kind of table than the content
is was renamed, not saved as something else, and other programs open it wrongly or not at all.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

from fazhi.sheets.cells import FileFault
from fazhi.sheets.limits import MAX_FILE_BYTES
from fazhi.sheets.package import Package
from fazhi.sheets.refusal import ACCEPTED, RefusedError, encrypted, with_macros, wrong_kind

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES = {
    b"\x89PNG": "PNG图片",
    b"\xff\xd8\xff": "JPEG图片",
    b"GIF8": "GIF图片",
    b"BM": "BMP图片",
    b"II*\x00": "TIFF图片",
    b"MM\x00*": "TIFF图片",
    b"RIFF": "WEBP图片或音视频",
}
_OTHER = {
    b"Rar!": "RAR压缩包",
    b"7z\xbc\xaf": "7z压缩包",
    b"\x1f\x8b": "gzip压缩包",
    b"{\\rtf": "RTF文档",
    b"PK\x05\x06": "空压缩包",
}
_MARKUP = re.compile(rb"<[!?a-z]|mime-version:", re.IGNORECASE)
"""Pages and XML as programs export them under a name of a workbook, web archives too."""

_LEADING = b"\xef\xbb\xbf \t\r\n"
_PDF = b"%PDF-"
_PDF_WITHIN = 1024
"""Readers accept a PDF that begins this far into the file."""

_MEDIA = re.compile(rb".{4}ftyp(?P<brand>[ -~]{4})", re.DOTALL)
_PICTURE_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")


class Format(StrEnum):
    """Formats that are read further."""

    ZIP = "zip"
    XLSX = "xlsx"
    ODS = "ods"
    XLS = "xls"
    TEXT = "text"


_ENDINGS: Mapping[Format, tuple[str, ...]] = {
    Format.XLSX: ("xlsx", "xlsm"),
    Format.ODS: ("ods",),
    Format.XLS: ("xls",),
    Format.TEXT: ("csv", "txt"),
}
_TABLE_ENDINGS = frozenset([*(ending for own in _ENDINGS.values() for ending in own), "et", "xlsb"])
_KIND_ZH = {
    Format.XLSX: "xlsx工作簿",
    Format.ODS: "ods工作簿",
    Format.XLS: "xls工作簿",
    Format.TEXT: "文本（CSV）",
}


def recognise(content: bytes, name: str = "") -> Format | FileFault:
    """The format of a file by its first bytes.

    An xls is one only under a name that says so: renamed, other programs cannot open it.
    """
    if not content.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        return FileFault("EMPTY", found="空文件", expected=ACCEPTED, detail="文件没有内容")
    if len(content) > MAX_FILE_BYTES:
        return FileFault(
            "ZIP_BOMB",
            found=f"{len(content)}字节",
            expected=f"不超过{MAX_FILE_BYTES // 1024 // 1024}MB",
            detail="文件过大",
        )
    if content.startswith(b"PK\x03\x04"):
        return Format.ZIP
    if content.startswith(_OLE2):
        return _ole2(content, name)
    return _by_signature(content) or Format.TEXT


def named_rightly(kind: Format, name: str) -> Format | FileFault:
    """The format, or a fault where the name says another kind of table; other endings say nothing."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in _TABLE_ENDINGS or ending in _ENDINGS[kind]:
        return kind
    return FileFault(
        "FILE_TYPE",
        found=f"扩展名为.{ending}的{_KIND_ZH[kind]}",
        expected=ACCEPTED,
        detail=f"文件内容是{_KIND_ZH[kind]}，扩展名却是.{ending}，请用表格软件打开后另存为xlsx",
    )


def _ole2(content: bytes, name: str) -> Format | FileFault:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return encrypted("加密的工作簿")
    ending = name.rpartition(".")[2].lower()
    if "." not in name or ending == "xls":
        return Format.XLS
    if ending == "et":
        return wrong_kind("WPS专有的et格式")
    return FileFault(
        "FILE_TYPE",
        found=f"扩展名为.{ending}的旧格式文件",
        expected=ACCEPTED,
        detail=f"文件内容是xls等旧格式，扩展名却是.{ending}，请用表格软件打开后另存为xlsx",
    )


def package_format(package: Package, name: str = "") -> Format:
    """The format of a zip package by its parts.

    Raises:
        RefusedError: It has macros, is not a workbook that is read, or its name says another kind of table.
    """
    named = named_rightly(_kind_by_parts(package), name)
    if isinstance(named, FileFault):
        raise RefusedError(named)
    return named


def _kind_by_parts(package: Package) -> Format:
    names = set(package.names)
    if any(_holds_macro(name) for name in names) or _declares_macro(package):
        raise RefusedError(with_macros())
    if "ofd.xml" in names:
        raise RefusedError(
            FileFault(
                "NOT_DATA",
                found="OFD版式文件",
                expected=ACCEPTED,
                detail="版式文件不能代替填报数据，可作为佐证材料",
            )
        )
    if "content.xml" in names and b"spreadsheet" in _mimetype(package):
        if _encrypted_ods(package):
            raise RefusedError(encrypted("加密的ods工作簿"))
        return Format.ODS
    if not any(name.startswith("xl/") for name in names) or "xl/workbook.bin" in names:
        raise RefusedError(wrong_kind(_kind_of(names)))
    return Format.XLSX


def _holds_macro(name: str) -> bool:
    """VBA of Office, Basic and scripts of open documents."""
    if name.startswith("basic/"):
        return name not in ("basic/script-lc.xml", "basic/standard/script-lb.xml")
    return name.endswith("vbaproject.bin") or name.startswith(("scripts/", "xl/macrosheets/"))


def _declares_macro(package: Package) -> bool:
    """Whether the table of contents names VBA or a macro sheet, whatever the part is called."""
    contents = "[Content_Types].xml"
    if not package.has(contents):
        return False
    declared = package.part(contents).lower()
    return any(kind in declared for kind in (b"vnd.ms-office.vbaproject", b"vnd.ms-excel.macrosheet"))


def _mimetype(package: Package) -> bytes:
    return package.part("mimetype") if package.has("mimetype") else b""


def _encrypted_ods(package: Package) -> bool:
    manifest = "META-INF/manifest.xml"
    return package.has(manifest) and b"encryption-data" in package.part(manifest)


def _kind_of(names: set[str]) -> str:
    if "content.xml" in names:
        return "开放文档（不是电子表格）"
    if any(name.startswith("word/") for name in names):
        return "Word文档"
    if "xl/workbook.bin" in names:
        return "xlsb二进制工作簿"
    return "压缩包"


def _by_signature(content: bytes) -> FileFault | None:
    picture = _picture(content)
    if picture:
        return FileFault(
            "NOT_DATA",
            found=picture,
            expected=ACCEPTED,
            detail=f"报送的是{picture}，不能代替填报数据，可作为佐证材料",
        )
    for signature, name in _OTHER.items():
        if content.startswith(signature):
            return FileFault("FILE_TYPE", found=name, expected=ACCEPTED, detail=f"文件是{name}")
    if _MARKUP.match(content[:_PDF_WITHIN].lstrip(_LEADING)):
        return FileFault(
            "FILE_TYPE", found="网页或XML", expected=ACCEPTED, detail="文件是网页或XML，请另存为xlsx"
        )
    return None


def _picture(content: bytes) -> str:
    """What kind of scan, picture or recording it is, empty when it is none."""
    for signature, name in _PICTURES.items():
        if content.startswith(signature):
            return name
    if content[:_PDF_WITHIN].lstrip(_LEADING + b"\x00").startswith(_PDF):
        return "PDF文件"
    media = _MEDIA.match(content)
    if media is None:
        return ""
    return "HEIC、AVIF图片" if media["brand"].lower() in _PICTURE_BRANDS else "音视频"
