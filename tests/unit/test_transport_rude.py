"""Answers that no honest server gives: each ends in words and an exit status, none in a crash or in no end."""

import gzip
import json
import time

import pytest
import requests

from fazhi.collect.portal_client import FileDamagedError, PortalClient
from fazhi.model.errors import Unreachable
from fazhi.publish import PlatformClient, RetryPolicy
from fazhi.publish.answers import UnusableAnswerError, problem_text, read_receipt, read_stored, read_year
from fazhi.transport import retry_after
from support.publish import APP_ID, SECRET, YEAR
from support.rude import dripping, once, rude_server

TWICE = RetryPolicy(attempts=2, first_wait=0.0, read_timeout=5.0, longest_answer=0.3)
RECEIPT = {"receipt_id": "R1", "unit_code": "u", "version": 1, "digest": "d", "received_at": "t"}


def of_platform(url):
    with PlatformClient(url, APP_ID, SECRET, retry=TWICE, sleep=lambda _seconds: None) as client:
        return client.assessment_year(YEAR)


def of_portal(url):
    with PortalClient(url, "token", retry=TWICE, sleep=lambda _seconds: None) as client:
        return list(client.pages(YEAR, None))


asking = pytest.mark.parametrize("ask", [of_platform, of_portal])


@asking
def test_an_answer_that_only_drips_is_left_in_time(ask):
    began = time.monotonic()
    with rude_server(dripping(0.02)) as url, pytest.raises(Unreachable, match=r"过慢.*共尝试2次"):
        ask(url)
    assert time.monotonic() - began < 5


def test_a_file_that_only_drips_is_left_in_time(monkeypatch):
    monkeypatch.setattr("fazhi.collect.portal_client._LONGEST_TRANSFER", 0.3)
    with (
        rude_server(dripping(0.02)) as url,
        PortalClient(url, "token", retry=TWICE) as client,
        pytest.raises(FileDamagedError, match="过慢"),
    ):
        client.file("ab" * 32)


@asking
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"items": [' + b"9" * 5_000 + b"]}",
        b"\xff\xfe\x00",
        b"",
    ],
    ids=["nesting without end", "digits without end", "no text", "nothing"],
)
def test_json_that_cannot_be_read_is_asked_for_again(ask, body):
    with rude_server(once("200 OK", body)) as url, pytest.raises(Unreachable, match="共尝试2次"):
        ask(url)


@asking
def test_an_answer_that_unpacks_beyond_the_limit_is_dropped(ask):
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    patient = once("200 OK", bomb, "Content-Encoding: gzip")
    with rude_server(patient) as url, pytest.raises(Unreachable, match=r"过大|过慢"):
        ask(url)


@asking
@pytest.mark.parametrize(
    "headers",
    [("Content-Encoding: gzip",), ("Transfer-Encoding: chunked",)],
    ids=["not gzip", "not chunked"],
)
def test_a_body_that_is_not_what_its_header_says_is_asked_for_again(ask, headers):
    with rude_server(once("200 OK", b'{"items": []}', *headers)) as url, pytest.raises(Unreachable):
        ask(url)


@asking
@pytest.mark.parametrize(
    "wanted",
    [
        "9" * 5_000,
        "Mon, 01 Jan 99999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 99999999999999999999:00:00 GMT",
    ],
    ids=["digits without end", "a year without end", "an hour without end"],
)
def test_a_wait_that_no_clock_knows_is_no_crash(ask, wanted):
    busy = once("429 Too Many Requests", b"", f"Retry-After: {wanted}")
    with rude_server(busy) as url, pytest.raises(Unreachable, match="429"):
        ask(url)


@pytest.mark.parametrize(
    ("said", "seconds"), [("7", 7), ("007", 7), ("0", 0), ("9" * 50, 10**9), ("-1", None)]
)
def test_a_wait_in_seconds(said, seconds):
    response = requests.Response()
    response.headers["Retry-After"] = said
    assert retry_after(response) == seconds


@pytest.mark.parametrize("share", ["1e99999999", "1e-99999999", "nan", "-0.1", "1/10", ""])
def test_a_minimum_share_that_is_no_plain_number_is_not_believed(share):
    with pytest.raises(UnusableAnswerError):
        read_year({"year": YEAR, "status": "open", "minimum_share": share}, YEAR)


@pytest.mark.parametrize("odd", ["1e999", str(2**60), '"\\ud800"'])
def test_a_stored_result_without_a_canonical_form_is_not_believed(odd):
    stored = json.loads(f'{{"receipt": {json.dumps(RECEIPT)}, "result": {{"odd": {odd}}}}}')
    with pytest.raises(UnusableAnswerError, match="摘要"):
        read_stored(stored)


@pytest.mark.parametrize("name", ["receipt_id", "received_at", "digest"])
@pytest.mark.parametrize("sign", ["\x00", "\ud800"])
def test_a_receipt_that_no_database_can_keep_is_not_believed(name, sign):
    with pytest.raises(UnusableAnswerError, match=name):
        read_receipt({**RECEIPT, name: f"R{sign}1"})


def test_a_reason_is_kept_without_what_no_database_can_keep():
    assert problem_text(422, {"title": "不\x00行", "detail": "a\ud800b"}) == "平台答复 422：不行；ab"
