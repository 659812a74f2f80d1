"""The zip package of a workbook, opened under limits. In: bytes. Out: XML parts without DTDs, or the fault.

Guards against archives that unpack to far more than they are, against XML entity expansion and against
macros.
"""

import io
import lzma
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from fazhi.sheets import limits
from fazhi.sheets.cells import FileFault
from fazhi.sheets.recognise import ACCEPTED

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    ParseError,
    EOFError,
    NotImplementedError,
    KeyError,
)
"""What reading a damaged package raises."""


class RefusedError(Exception):
    """The package is not read; ``fault`` says why."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


def local(tag: str) -> str:
    """The name of an element without its namespace (transitional and strict OOXML differ only there)."""
    return tag.rpartition("}")[2]


class Package:
    """An open package."""

    def __init__(self, content: bytes) -> None:
        """Open it.

        Raises:
            RefusedError: The archive breaks a limit, is encrypted, carries macros or is no xlsx workbook.
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as damaged:
            raise RefusedError(damaged_file()) from damaged
        self._names = {info.filename.lower(): info.filename for info in self._zip.infolist()}
        self._refuse_by_limits()
        self._refuse_by_content()

    def has(self, path: str) -> bool:
        """Whether the package has a part."""
        return path.lower() in self._names

    def elements(self, path: str, *wanted: str) -> Iterator[Any]:
        """The elements of a part whose local names are wanted, each as soon as it is complete.

        Raises:
            RefusedError: The part has a DTD or entities.
        """
        with self._zip.open(self._names[path.lower()]) as part:
            try:
                events = iterparse(part, events=("start", "end"), forbid_dtd=True)
                for count, (event, element) in enumerate(events):
                    if count > 2 * limits.MAX_ELEMENTS:
                        raise RefusedError(suspicious(f"部件内超过{limits.MAX_ELEMENTS}个元素"))
                    if event == "end" and local(element.tag) in wanted:
                        yield element
                        element.clear()
            except DefusedXmlException as attack:
                raise RefusedError(suspicious("文件内含XML实体或DTD声明")) from attack

    def relations(self, path: str) -> dict[str, tuple[str, str]]:
        """The relations of a part: id → (type's last word, target path inside the package)."""
        folder, name = posixpath.split(path)
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        if not self.has(rels):
            return {}
        found = {}
        for relation in self.elements(rels, "Relationship"):
            if relation.get("TargetMode") != "External":
                target = relation.get("Target", "")
                inside = (
                    target[1:]
                    if target.startswith("/")
                    else posixpath.normpath(posixpath.join(folder, target))
                )
                found[relation.get("Id", "")] = (relation.get("Type", "").rpartition("/")[2], inside)
        return found

    def _refuse_by_limits(self) -> None:
        parts = self._zip.infolist()
        if len(parts) > limits.MAX_ZIP_ENTRIES:
            raise RefusedError(suspicious(f"压缩包内有{len(parts)}个部件"))
        unpacked = sum(part.file_size for part in parts)
        if unpacked > limits.MAX_UNPACKED_BYTES:
            raise RefusedError(suspicious(f"解压后达{unpacked // 1024 // 1024}MB"))
        for part in parts:
            ratio = part.file_size // max(part.compress_size, 1)
            large = part.file_size > limits.RATIO_COUNTS_FROM_BYTES
            if part.file_size > limits.MAX_PART_BYTES or (large and ratio > limits.MAX_RATIO):
                raise RefusedError(
                    suspicious(f"部件解压后达{part.file_size // 1024 // 1024}MB，压缩比{ratio}")
                )
            if part.flag_bits & 0x1:
                raise RefusedError(
                    FileFault(
                        "ENCRYPTED",
                        found="加密的压缩包",
                        expected=f"未加密的{ACCEPTED}",
                        detail="文件设有密码",
                    )
                )

    def _refuse_by_content(self) -> None:
        names = self._names
        if any(name.endswith("vbaproject.bin") for name in names):
            raise RefusedError(
                FileFault(
                    "MACRO", found="宏", expected="不含宏的xlsx工作簿", detail="文件内含宏，已隔离，未打开"
                )
            )
        if "ofd.xml" in names:
            raise RefusedError(
                FileFault(
                    "NOT_DATA",
                    found="OFD版式文件",
                    expected=ACCEPTED,
                    detail="版式文件不能代替填报数据，可作为佐证材料",
                )
            )
        if not any(name.startswith("xl/") for name in names) or "xl/workbook.bin" in names:
            raise RefusedError(
                FileFault(
                    "FILE_TYPE",
                    found=_kind_of(set(names)),
                    expected=ACCEPTED,
                    detail=f"文件是{_kind_of(set(names))}，请另存为xlsx后重新报送",
                )
            )


def _kind_of(names: set[str]) -> str:
    if "content.xml" in names:
        return "ods等开放文档"
    if any(name.startswith("word/") for name in names):
        return "Word文档"
    if "xl/workbook.bin" in names:
        return "xlsb二进制工作簿"
    return "压缩包"


def suspicious(detail: str) -> FileFault:
    """The fault of a package that breaks a limit."""
    return FileFault(
        "ZIP_BOMB", found=detail, expected=ACCEPTED, detail=f"{detail}，超出安全限度，已隔离，未打开"
    )


def damaged_file() -> FileFault:
    """The fault of a package that does not open."""
    return FileFault("FILE_TYPE", found="损坏的文件", expected=ACCEPTED, detail="文件已损坏，不能打开")
