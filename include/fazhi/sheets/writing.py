"""Workbooks that we write. In: an openpyxl workbook. Out: its bytes, the same for the same content."""

import io
import re
import zipfile

from openpyxl import Workbook
from openpyxl.xml.constants import ARC_CORE

_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_WRITTEN_AT = re.compile(rb">[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z<")


def packed(book: Workbook) -> bytes:
    """The workbook as bytes without the time of writing."""
    written, target = io.BytesIO(), io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, _FIXED_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            content = source.read(name)
            if name == ARC_CORE:
                content = _WRITTEN_AT.sub(b">1980-01-01T00:00:00Z<", content)
            out.writestr(info, content)
    return target.getvalue()
