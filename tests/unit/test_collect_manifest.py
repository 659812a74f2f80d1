import json

import pytest

from fazhi.collect import ManifestError, read_manifest
from fazhi.collect.manifest import is_plain_name
from fazhi.model.terms import SubmissionKind

SHA = "a" * 64
GOOD = {
    "submission_id": "S-1",
    "unit_code": "11150200mb1a00001r",
    "year": 2024,
    "period": "2024-Q3",
    "revision": 2,
    "submitted_at": "2024-10-05T09:00:00+08:00",
    "updated_at": "2024-10-05T09:00:00+08:00",
    "files": [
        {"name": "填报表.xlsx", "role": "workbook", "sha256": SHA, "size": 10},
        {
            "name": "附件.pdf",
            "role": "evidence",
            "sha256": "b" * 64,
            "size": 0,
            "media_type": "application/pdf",
        },
    ],
}


def written(**changes):
    return json.dumps({**GOOD, **changes}, ensure_ascii=False).encode()


def test_a_manifest_of_the_portals_shape():
    manifest = read_manifest(b"\xef\xbb\xbf" + written())
    assert (manifest.submission_id, manifest.revision, manifest.kind) == ("S-1", 2, SubmissionKind.UNIT)
    assert (manifest.sender_code, str(manifest.period)) == ("11150200MB1A00001R", "2024-Q3")
    assert [file.role for file in manifest.files] == ["workbook", "evidence"]


def test_the_content_digest_knows_content_and_not_order_or_time():
    first = read_manifest(written())
    assert (
        first.content_digest
        == read_manifest(
            written(files=GOOD["files"][::-1], submitted_at="2024-10-06T00:00:00Z")
        ).content_digest
    )
    changed = [{**GOOD["files"][0], "sha256": "c" * 64}, GOOD["files"][1]]
    assert first.content_digest != read_manifest(written(files=changed)).content_digest


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"submission_id": ""}, "submission_id"),
        ({"unit_code": 5}, "unit_code"),
        ({"kind": "person"}, "kind"),
        ({"year": "2024"}, "year"),
        ({"year": 2023}, "不一致"),
        ({"period": "2024Q3"}, "2024Q3"),
        ({"revision": 0}, "revision"),
        ({"revision": True}, "revision"),
        ({"submitted_at": "2024-10-05"}, "时区"),
        ({"submitted_at": "gestern"}, "submitted_at"),
        ({"files": "x"}, "files"),
        ({"files": ["x"]}, "第1项"),
        ({"files": [GOOD["files"][0], GOOD["files"][0]]}, "多次"),
        ({"files": [{**GOOD["files"][0], "role": "other"}]}, "role"),
        ({"files": [{**GOOD["files"][0], "sha256": "A" * 64}]}, "sha256"),
        ({"files": [{**GOOD["files"][0], "size": -1}]}, "size"),
        ({"files": [{**GOOD["files"][0], "name": "../../etc/passwd"}]}, "文件名"),
    ],
)
def test_what_is_wrong_is_named(changes, word):
    with pytest.raises(ManifestError, match=word) as raised:
        read_manifest(written(**changes))
    assert len(raised.value.faults) == 1


def test_all_faults_are_named_at_once():
    with pytest.raises(ManifestError) as raised:
        read_manifest(written(revision=-1, kind="x", period=""))
    assert len(raised.value.faults) == 3


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object(text):
    with pytest.raises(ManifestError, match="JSON"):
        read_manifest(text)


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "/etc/passwd", "a\x00b", "a\nb", " . ", "x" * 300, "\ud800"]
)
def test_names_that_could_lead_elsewhere_are_refused(name):
    assert not is_plain_name(name)


@pytest.mark.parametrize("name", ["填报表.xlsx", "a b (2).pdf", "CON.txt", "..a", "某:某?.pdf"])
def test_plain_names(name):
    assert is_plain_name(name)
