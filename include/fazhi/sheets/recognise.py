"""What kind of file it is. In: its bytes. Out: the format by content, or the fault that stops it.

The name never decides: an ``.xls`` renamed ``.xlsx`` is an ``.xls``.
"""

from enum import StrEnum

from fazhi.sheets.cells import FileFault
from fazhi.sheets.limits import MAX_FILE_BYTES
from fazhi.sheets.package import Package
from fazhi.sheets.refusal import ACCEPTED, RefusedError, encrypted, with_macros, wrong_kind

_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PICTURES = {
    b"%PDF": "PDF文件",
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
_MARKUP = (b"<html", b"<!doctype", b"<?xml", b"<table")


class Format(StrEnum):
    """Formats that are read further."""

    ZIP = "zip"
    XLSX = "xlsx"
    ODS = "ods"
    XLS = "xls"
    TEXT = "text"


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


def package_format(package: Package) -> Format:
    """The format of a zip package by its parts.

    Raises:
        RefusedError: It has macros or is not a workbook that is read.
    """
    names = set(package.names)
    if any(_holds_macro(name) for name in names):
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
    for signature, name in _PICTURES.items():
        if content.startswith(signature):
            return FileFault(
                "NOT_DATA",
                found=name,
                expected=ACCEPTED,
                detail=f"报送的是{name}，不能代替填报数据，可作为佐证材料",
            )
    for signature, name in _OTHER.items():
        if content.startswith(signature):
            return FileFault("FILE_TYPE", found=name, expected=ACCEPTED, detail=f"文件是{name}")
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:9].lower().startswith(_MARKUP):
        return FileFault(
            "FILE_TYPE", found="网页或XML", expected=ACCEPTED, detail="文件是网页或XML，请另存为xlsx"
        )
    return None
