"""PDFs for tests (合成数据). Run by hand, makes those under tests/data/pdf: python tests/support/pdfs.py.

They are workbooks that LibreOffice exported, because nothing here writes Chinese into a PDF; hostile ones are written here.
"""

import json
import shutil
import subprocess
import tempfile
import zlib
from pathlib import Path

from openpyxl import Workbook

DATA = Path(__file__).parents[1] / "data" / "pdf"
_FILES = {
    "plain": ("合成数据：会议纪要", {}),
    "marked": ("绝密★长期", {}),
    "personal": ("联系人电话 13900001234（合成数据）", {}),
    "password": ("合成数据", {"EncryptFile": True, "DocumentOpenPassword": "abc"}),
    "restricted": ("绝密★长期", {"RestrictPermissions": True, "PermissionPassword": "abc"}),
}


def content_of(name: str) -> bytes:
    """One of the PDFs under tests/data."""
    return (DATA / f"{name}.pdf").read_bytes()


def pdf(stream: bytes = b"", *, pages: str = "[3 0 R]", filters: bytes = b"") -> bytes:
    """A PDF of one page whose content is a stream."""
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count 1/Kids {pages}>>".encode(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Resources<</Font<</F 5 0 R>>>>/Contents 4 0 R>>",
        b"<</Length %d%s>>stream\n%s\nendstream" % (len(stream), filters, stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, starts = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        starts.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1)
    end = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(body))
    return body + head + table + end


def bomb() -> bytes:
    """A page that unpacks to a gigabyte."""
    once = zlib.compress(b"\0" * 1_000_000_000, 9)
    return pdf(once, filters=b"/Filter/FlateDecode")


def endless() -> bytes:
    """A page with more to draw than anybody could read."""
    return pdf(zlib.compress(b"BT /F 1 Tf (x) Tj ET\n" * 600_000, 9), filters=b"/Filter/FlateDecode")


def looping() -> bytes:
    """A tree of pages that contains itself."""
    return pdf(pages="[2 0 R]")


def _main() -> None:
    DATA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, options) in _FILES.items():
            book = Workbook()
            book.worksheets[0]["A1"] = text
            book.save(f"{folder}/{name}.xlsx")
            typed = {
                key: {"type": "boolean" if given is True else "string", "value": str(given).lower()}
                for key, given in options.items()
            }
            how = f"pdf:calc_pdf_Export:{json.dumps(typed)}"
            profile = f"-env:UserInstallation=file://{folder}/profile"
            command = ["soffice", profile, "--headless", "--convert-to", how, "--outdir", folder]
            subprocess.run([*command, f"{folder}/{name}.xlsx"], check=True)
            shutil.copy(f"{folder}/{name}.pdf", DATA)


if __name__ == "__main__":
    _main()
