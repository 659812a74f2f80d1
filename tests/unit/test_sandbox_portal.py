"""The sandbox portal keeps its contract, and misbehaves only as asked."""

import json
import re
import signal
import subprocess
import sys

import pytest
import requests

from fazhi.sandbox import Fault, FaultKind, SandboxPortal
from support.intake import put_submission
from support.portal import TOKEN, faults_of, put_on, schema_of, sha256_of

AUTH = {"Authorization": f"Bearer {TOKEN}"}
CONTENT = bytes(range(256))
REVIEW = {"outcome": "returned", "reviewed_at": "2025-01-20T01:30:00+08:00", "findings": [{"rule": "R"}]}


@pytest.fixture
def portal():
    with SandboxPortal(token=TOKEN, control=True) as running:
        yield running


def ask(portal, path, method="GET", headers=AUTH, **more):
    return requests.request(method, portal.url + path, headers=headers, timeout=5, **more)


def listed(portal, query=""):
    answer = ask(portal, f"/v1/submissions{query}")
    assert answer.status_code == 200
    assert faults_of(schema_of("/v1/submissions", "get", "200"), answer.json()) == []
    return [item["submission_id"] for item in answer.json()["items"]], answer.json()["next_cursor"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": TOKEN}])
@pytest.mark.parametrize("path", ["/v1/submissions", "/v1/files/" + "0" * 64, "/else"])
def test_without_the_token_nothing_is_told(portal, headers, path):
    assert ask(portal, path, headers=headers).status_code == 401


def test_the_list_is_oldest_update_first_in_pages(portal):
    for number in (3, 1, 2, 0, 4):
        put_on(portal, f"S{number}", minutes=number)
    put_on(portal, "T0", period="2023")
    assert listed(portal, "?year=2024")[0] == ["S0", "S1", "S2", "S3", "S4"]
    first, cursor = listed(portal, "?year=2024&limit=2")
    second, cursor = listed(portal, f"?year=2024&limit=2&cursor={cursor}")
    third, end = listed(portal, f"?year=2024&limit=2&cursor={cursor}")
    assert (first, second, third, end) == (["S0", "S1"], ["S2", "S3"], ["S4"], None)
    assert listed(portal, "?updated_after=2025-01-05T09:02:00%2B08:00")[0] == ["S3", "S4"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "year=x", "updated_after=x", "updated_after=2025-01-05", "cursor=!"],
)
def test_a_query_that_is_not_the_contracts_is_refused(portal, query):
    assert ask(portal, f"/v1/submissions?{query}").status_code == 400


def test_files_whole_in_parts_and_gone(portal):
    put_on(portal, "S1", {"a.bin": CONTENT})
    path = f"/v1/files/{sha256_of(CONTENT)}"
    assert ask(portal, path).content == CONTENT
    part = ask(portal, path, headers={**AUTH, "Range": "bytes=200-"})
    assert (part.status_code, part.content) == (206, CONTENT[200:])
    assert part.headers["Content-Range"] == "bytes 200-255/256"
    assert ask(portal, path, headers={**AUTH, "Range": "bytes=10-19"}).content == CONTENT[10:20]
    assert ask(portal, path, headers={**AUTH, "Range": "bytes=256-"}).status_code == 416
    assert ask(portal, "/v1/files/" + "0" * 64).status_code == 404


def test_uploads_and_reviews_survive_a_restart(tmp_path):
    for number in range(2):
        with SandboxPortal(token=TOKEN, state=tmp_path / "portal.db") as portal:
            if number == 0:
                put_on(portal, "S1")
                stored = ask(portal, "/v1/files", "POST", data=CONTENT)
                assert stored.status_code == 201
                assert faults_of(schema_of("/v1/files", "post", "201"), stored.json()) == []
                told = ask(portal, "/v1/submissions/S1/review", "PUT", data=json.dumps(REVIEW))
                assert told.status_code == 200
            assert ask(portal, f"/v1/files/{sha256_of(CONTENT)}").content == CONTENT
            assert portal.shelf.reviews() == [("S1", REVIEW)]


def test_a_review_that_is_not_the_contracts_is_refused(portal):
    put_on(portal, "S1")
    for wrong in (
        {},
        {**REVIEW, "outcome": "fine"},
        {**REVIEW, "reviewed_at": "2025"},
        {**REVIEW, "findings": [1]},
    ):
        answer = ask(portal, "/v1/submissions/S1/review", "PUT", data=json.dumps(wrong))
        assert answer.status_code == 422
    assert ask(portal, "/v1/submissions/S1/review", "PUT", data=b"{").status_code == 422
    assert ask(portal, "/v1/submissions/S2/review", "PUT", data=json.dumps(REVIEW)).status_code == 404
    assert portal.shelf.reviews() == []


def test_a_folder_is_listed_and_a_later_change_is_a_later_update(tmp_path):
    put_submission(tmp_path, "2024/S1", {"表.csv": CONTENT}, submission_id="S1")
    with SandboxPortal(token=TOKEN, folder=tmp_path) as portal:
        (item,) = ask(portal, "/v1/submissions?year=2024").json()["items"]
        assert ask(portal, f"/v1/files/{item['files'][0]['sha256']}").content == CONTENT
        put_submission(tmp_path, "2024/S2", {"表.csv": b"2"}, submission_id="S2")
        assert listed(portal)[0] == ["S1", "S2"]


def test_faults_are_played_as_often_as_asked(portal):
    for number in range(3):
        put_on(portal, f"S{number}", {"a.bin": CONTENT}, minutes=number)
    for kind, path in (("damage", "files"), ("late", "submissions"), ("duplicate", "cursor")):
        fault = {"kind": kind, "path": path}
        assert ask(portal, "/_sandbox/faults", "POST", json=fault).status_code == 200
    damaged = ask(portal, f"/v1/files/{sha256_of(CONTENT)}").content
    assert sum(a != b for a, b in zip(damaged, CONTENT, strict=True)) == 1
    assert ask(portal, f"/v1/files/{sha256_of(CONTENT)}").content == CONTENT
    assert listed(portal)[0] == ["S0", "S1"]
    _, cursor = listed(portal, "?limit=2")
    assert listed(portal, f"?limit=2&cursor={cursor}")[0] == ["S1", "S2"]
    assert listed(portal, f"?limit=2&cursor={cursor}")[0] == ["S2"]
    assert ask(portal, "/_sandbox/reviews").json() == {"reviews": []}


def test_a_portal_has_no_fault_of_a_platform(portal):
    with pytest.raises(ValueError, match="lie"):
        portal.lie(Fault(FaultKind.LIE), None, None)


def test_both_as_one_process_print_where_they_are(tmp_path):
    put_submission(tmp_path / "in", "S1", {"表.csv": CONTENT})
    command = [sys.executable, "-m", "fazhi.sandbox", "--secret", "s", "--app-id", "a", "--portal"]
    process = subprocess.Popen(
        [*command, "--submissions", str(tmp_path / "in"), "--portal-token", ""],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+\n", process.stdout.readline())
        printed = re.fullmatch(
            r"FAZHI_PORTAL_URL=(http://127\.0\.0\.1:[0-9]+) FAZHI_PORTAL_TOKEN=(\S{20,})\n",
            process.stdout.readline(),
        )
        answer = requests.get(
            f"{printed[1]}/v1/submissions", headers={"Authorization": f"Bearer {printed[2]}"}, timeout=5
        )
        assert [item["submission_id"] for item in answer.json()["items"]] == ["S1"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
