"""What kind of file it is. In: its bytes. Out: the format by content, or the fault that stops it.

The name never decides: an ``.xls`` renamed ``.xlsx`` is an ``.xls``.
"""

from enum import StrEnum

from fazhi.sheets.cells import FileFault
from fazhi.sheets.limits import MAX_FILE_BYTES

ACCEPTED = "xlsx工作簿或CSV文件"
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
    TEXT = "text"


def recognise(content: bytes) -> Format | FileFault:
    """The format of a file by its first bytes."""
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
        return _ole2(content)
    return _by_signature(content) or Format.TEXT


def _ole2(content: bytes) -> FileFault:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return FileFault(
            "ENCRYPTED", found="加密的工作簿", expected=f"未加密的{ACCEPTED}", detail="文件设有打开密码"
        )
    return FileFault(
        "FILE_TYPE", found="xls或et等旧格式", expected=ACCEPTED, detail="文件是旧格式，请另存为xlsx后重新报送"
    )


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
