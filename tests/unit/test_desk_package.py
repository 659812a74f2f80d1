"""A folder as a zip: opened under limits, and no name in it decides where anything is written."""

import io
import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazhi.desk.package import MOST_BYTES, folder_of, unpacked
from fazhi.model.errors import UsageError


def archive(*entries, compression=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, content) pairs."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as file:
        for name, content in entries:
            file.writestr(name, content)
    return out.getvalue()


def special(name, kind):
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o777) << 16
    return info


def test_the_folders_around_everything_are_left_out():
    content = archive(("提交/registry/units.csv", "a"), ("提交/registry/aliases.csv", "b"))
    assert unpacked(content) == {"units.csv": b"a", "aliases.csv": b"b"}


def test_two_folders_side_by_side_stay():
    content = archive(("systems/2021/system.yaml", "a"), ("systems/2025/system.yaml", "b"))
    assert unpacked(content) == {"2021/system.yaml": b"a", "2025/system.yaml": b"b"}


def test_what_desktops_add_is_passed_over():
    content = archive(
        ("x/units.csv", "a"), ("__MACOSX/x/._units.csv", "b"), ("x/.DS_Store", "c"), ("x/Thumbs.db", "d")
    )
    assert unpacked(content) == {"units.csv": b"a"}


@pytest.mark.parametrize(
    "name",
    [
        "../units.csv",
        "a/../../units.csv",
        "/etc/units.csv",
        "C:\\units.csv",
        "a\\..\\units.csv",
        "a/./units.csv",
        "a//units.csv",
        "a/ /units.csv",
        "a/.../units.csv",
        "a\nb.csv",
        "a/b/c/d/e.csv",
        "x" * 121 + ".csv",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    with pytest.raises(UsageError, match="不能接受的文件名或链接"):
        unpacked(archive(("units.csv", "a"), (name, "b")))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_special_files_are_refused(kind):
    with pytest.raises(UsageError, match="不能接受的文件名或链接"):
        unpacked(archive((special("units.csv", kind), "/etc/passwd")))


def _many():
    return archive(*((f"{number}.csv", "") for number in range(401)))


def _bomb():
    return archive(("units.csv", bytes(60 * 1024 * 1024)))


def _great():
    return archive(("units.csv", bytes(MOST_BYTES + 1)))


def _lzma():
    return archive(("units.csv", "a"), compression=zipfile.ZIP_LZMA)


def _encrypted():
    content = bytearray(archive(("units.csv", "a")))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    return bytes(content)


def _crc():
    content = archive(("units.csv", "units"), compression=zipfile.ZIP_STORED)
    return content.replace(b"csvunits", b"csvunitz", 1)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (_many, "401个部件"),
        (_bomb, "压缩比"),
        (_great, "解压后达8MB"),
        (_lzma, "过大或压缩方式不受支持"),
        (_encrypted, "设有密码"),
        (_crc, "已损坏"),
        (lambda: b"", "已损坏"),
        (lambda: b"units.csv", "已损坏"),
        (lambda: bytes(MOST_BYTES + 1), "超过 8 MB"),
        (archive, "没有文件"),
    ],
)
def test_what_cannot_be_opened_says_why(content, told):
    with pytest.raises(UsageError, match=told):
        unpacked(content())


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a.csv", "a.csv"), ("a", "a/b.csv"), ("x/a/b.csv", "x/a")])
def test_an_ambiguous_archive_is_refused(names):
    with pytest.raises(UsageError, match="重名"):
        unpacked(archive(*((name, b"1") for name in names)))


@given(st.binary(max_size=300))
def test_whatever_bytes_come_a_person_is_told(content):
    with pytest.raises(UsageError):
        unpacked(b"PK\x03\x04" + content)


@given(
    st.lists(
        st.tuples(
            st.text("a./\\:~ 中\x00", min_size=1, max_size=12).filter(lambda name: name[0] != "\x00"),
            st.binary(max_size=5),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_names_come_nothing_is_written_outside(tmp_path_factory, entries):
    try:
        files = unpacked(archive(*entries))
    except (UsageError, ValueError):
        return
    with folder_of(files) as folder:
        for path in files:
            assert (folder / path).resolve().is_relative_to(folder.resolve())
