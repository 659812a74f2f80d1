"""No NUL reaches the store: PostgreSQL refuses it in text, where SQLite would keep it."""

import io
import json
import zipfile

import pytest
from openpyxl import Workbook

from fazhi.collect.manifest import ManifestError, read_manifest
from fazhi.sheets import read_file
from fazhi.sheets.biff import _decoded


def test_a_csv_with_a_nul_is_no_table():
    read = read_file(b"a\x00b,c\n1,2\n", "a.csv")
    assert read.sheets == ()
    assert read.fault.rule == "FILE_TYPE"


@pytest.mark.parametrize("written", [b"a&#0;b", b"a\x00b"])
def test_a_workbook_with_a_nul_is_damaged(written):
    book, saved, made = Workbook(), io.BytesIO(), io.BytesIO()
    book.active["A1"] = "PLACEHOLDER"
    book.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(b"PLACEHOLDER", written))
    read = read_file(made.getvalue(), "a.xlsx")
    assert read.sheets == ()
    assert read.fault is not None


@pytest.mark.parametrize(("content", "flags"), [(b"a\x00b", 0), ("a\x00b".encode("utf-16-le"), 1)])
def test_a_nul_in_an_old_workbook_is_shown_as_unreadable(content, flags):
    assert _decoded(content, 3, flags) == "a\ufffdb"


def test_a_manifest_with_a_nul_is_refused():
    with pytest.raises(ManifestError, match="submitted_by 缺失或不是有效文字"):
        read_manifest(json.dumps({"submitted_by": "a\x00b"}).encode())
