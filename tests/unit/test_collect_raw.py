import hashlib
import os

import pytest

from fazhi.model.errors import SystemFault
from fazhi.store.raw import RawStore

CONTENT = "合成数据".encode()
SHA = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["path", "file", "memory"])
def raw(request, tmp_path):
    where = {
        "path": str(tmp_path / "raw"),
        "file": f"file://{tmp_path / 'raw'}",
        "memory": f"memory://{tmp_path}",
    }
    return RawStore(where[request.param])


def test_a_file_lies_under_its_digest(raw):
    assert not raw.has(SHA)
    assert raw.put(CONTENT) == SHA
    assert raw.put(CONTENT) == SHA
    assert raw.has(SHA)
    assert raw.get(SHA) == CONTENT
    assert raw.path(SHA).endswith(f"/{SHA[:2]}/{SHA}")


def test_a_file_that_is_not_there(raw):
    with pytest.raises(SystemFault, match=SHA):
        raw.get(SHA)


def test_a_file_is_written_once_and_read_only(tmp_path):
    raw = RawStore(str(tmp_path))
    raw.put(CONTENT)
    before = os.stat(raw.path(SHA))
    raw.put(CONTENT)
    after = os.stat(raw.path(SHA))
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert after.st_mode & 0o222 == 0
    assert sorted(p.name for p in (tmp_path / SHA[:2]).iterdir()) == [SHA]


def test_damage_is_noticed(tmp_path):
    raw = RawStore(str(tmp_path))
    place = tmp_path / SHA[:2] / SHA
    place.parent.mkdir()
    place.write_bytes(CONTENT[::-1])
    with pytest.raises(SystemFault, match="损坏"):
        raw.get(SHA)
    place.write_bytes(b"x")
    with pytest.raises(SystemFault, match="损坏"):
        raw.put(CONTENT)


def test_an_interrupted_write_leaves_nothing(tmp_path, monkeypatch):
    raw = RawStore(str(tmp_path))

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        raw.put(CONTENT)
    assert list((tmp_path / SHA[:2]).iterdir()) == []
    assert not raw.has(SHA)
