"""The client's manners: one host, bounded insistence, no secrets in words."""

import socket
import time

import pytest

from fazhi.model.errors import ConfigurationError, SystemFault, Unreachable
from fazhi.publish import PlatformClient, RetryPolicy
from fazhi.publish import answers as platform_answers
from fazhi.publish.answers import UnusableAnswerError
from fazhi.sandbox import Fault, FaultKind, Moment, SandboxPlatform
from support.publish import APP_ID, IMPATIENT, SECRET, YEAR, client_of


@pytest.fixture
def platform():
    with SandboxPlatform(app_id=APP_ID, secret=SECRET) as running:
        yield running


@pytest.fixture
def slept():
    return []


def patient(platform, slept, **policy):
    retry = RetryPolicy(**{"attempts": 5, "first_wait": 1.0, "longest_wait": 60.0, **policy})
    return client_of(platform, retry=retry, sleep=slept.append)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_waited_for_exactly(platform, slept, status):
    platform.faults.add(Fault(FaultKind.STATUS, status=status, retry_after=7, times=2))
    with patient(platform, slept) as client:
        assert client.assessment_year(YEAR).minimum_share_text == "0.10"
    assert slept == [7.0, 7.0]
    assert [status for _, _, status in platform.requests] == [status, status, 200]


def test_without_retry_after_waits_double(platform, slept):
    platform.faults.add(Fault(FaultKind.STATUS, status=500, times=99))
    with patient(platform, slept) as client, pytest.raises(Unreachable, match="平台答复 500；共尝试5次"):
        client.assessment_year(YEAR)
    assert slept == [1.0, 2.0, 4.0, 8.0]
    assert len(platform.requests) == 5


def test_a_platform_that_asks_for_more_time_than_we_have_is_left_alone(platform, slept):
    platform.faults.add(Fault(FaultKind.STATUS, status=503, retry_after=3600, times=99))
    with patient(platform, slept) as client, pytest.raises(Unreachable, match="共尝试1次"):
        client.assessment_year(YEAR)
    assert slept == []
    assert len(platform.requests) == 1


@pytest.mark.parametrize("kind", [FaultKind.CUT, FaultKind.GARBLE])
@pytest.mark.parametrize("moment", list(Moment))
def test_cut_and_garbled_answers_are_asked_again(platform, slept, kind, moment):
    platform.faults.add(Fault(kind, moment))
    with patient(platform, slept) as client:
        assert client.assessment_year(YEAR).sealed is False
    assert slept == [1.0]


def test_a_truncated_answer_is_asked_again(platform, slept):
    platform.faults.add(Fault(FaultKind.TRUNCATE, Moment.AFTER))
    with patient(platform, slept) as client:
        assert client.assessment_year(YEAR).sealed is False
    assert slept == [1.0]


def test_a_slow_answer_is_asked_again(platform, slept):
    platform.faults.add(Fault(FaultKind.DELAY, seconds=1.5))
    with patient(platform, slept, read_timeout=1.0) as client:
        assert client.assessment_year(YEAR).sealed is False
    assert slept == [1.0]


def test_a_redirect_is_not_followed(platform):
    with SandboxPlatform(app_id=APP_ID, secret=SECRET) as elsewhere:
        fault = Fault(FaultKind.STATUS, status=302, location=f"{elsewhere.url}/v1/assessments/{YEAR}")
        platform.faults.add(fault)
        with client_of(platform) as client, pytest.raises(ConfigurationError, match="未跟随"):
            client.assessment_year(YEAR)
        assert elsewhere.requests == []
    assert len(platform.requests) == 1


def test_a_refused_signature_stops_at_once_and_names_no_secret(platform):
    with (
        PlatformClient(platform.url, APP_ID, "wr0ng-s3cr3t", retry=IMPATIENT) as client,
        pytest.raises(
            ConfigurationError, match="不认可我方签名：平台答复 401：签名未通过；签名不符"
        ) as caught,
    ):
        client.assessment_year(YEAR)
    assert "wr0ng-s3cr3t" not in str(caught.value)
    assert "wr0ng-s3cr3t" not in repr(client)
    assert len(platform.requests) == 1


def test_a_clock_that_is_off_is_named(platform):
    with (
        client_of(platform, clock=lambda: time.time() - 400) as client,
        pytest.raises(ConfigurationError, match=r"本机时钟比平台慢(399|400|401)秒"),
    ):
        client.assessment_year(YEAR)


def test_proxies_of_the_environment_are_ignored(platform, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, dead)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        with client_of(platform) as client:
            assert client.assessment_year(YEAR).year == YEAR


def test_nobody_listening_is_said_in_chinese():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        client = PlatformClient(url, APP_ID, SECRET, retry=IMPATIENT, sleep=lambda _seconds: None)
        with client, pytest.raises(Unreachable, match="连接不上或连接中断；共尝试4次") as caught:
            client.assessment_year(YEAR)
    assert "没有丢失，下次运行会继续" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.exit_status == 3


@pytest.mark.parametrize(
    "url",
    ["", "platform.example", "ftp://platform.example", "http://u:p4ss@platform.example", "http://x/?a=1"],
)
def test_an_unusable_address_is_refused(url):
    with pytest.raises(ConfigurationError, match="考评平台的地址不可用") as caught:
        PlatformClient(url, APP_ID, SECRET)
    assert "p4ss" not in str(caught.value)


def test_a_year_that_the_platform_does_not_know_is_none(platform):
    platform.set_year(YEAR, "absent")
    with client_of(platform) as client:
        assert client.assessment_year(YEAR) is None


def test_another_refusal_fails_at_once(platform):
    platform.faults.add(Fault(FaultKind.STATUS, status=400))
    with client_of(platform) as client, pytest.raises(SystemFault, match="平台答复 400：Bad Request"):
        client.assessment_year(YEAR)
    assert len(platform.requests) == 1


def test_pages_that_come_round_in_a_circle_end(platform, monkeypatch):
    monkeypatch.setattr(platform_answers, "read_page", lambda _data: ({}, "MTE="))
    with client_of(platform) as client, pytest.raises(Unreachable, match="翻页出现循环"):
        list(client.held_results(YEAR))
    assert len(platform.requests) == 2


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (platform_answers.read_receipt, None),
        (platform_answers.read_receipt, {"receipt_id": "r", "unit_code": "u", "version": "1", "digest": "d"}),
        (
            platform_answers.read_receipt,
            {"receipt_id": "r", "unit_code": "u", "version": True, "digest": "d", "received_at": "t"},
        ),
        (platform_answers.read_stored, {"receipt": {}, "result": {}}),
        (platform_answers.read_page, {"items": [{"unit_code": "u"}]}),
        (platform_answers.read_page, {"items": [], "next_cursor": 5}),
        (platform_answers.read_digest, {"count": "1", "digest": "d"}),
        (
            lambda data: platform_answers.read_year(data, 2024),
            {"year": 2023, "status": "open", "minimum_share": "0.10"},
        ),
        (
            lambda data: platform_answers.read_year(data, 2024),
            {"year": 2024, "status": "ajar", "minimum_share": "0.10"},
        ),
        (
            lambda data: platform_answers.read_year(data, 2024),
            {"year": 2024, "status": "open", "minimum_share": "ten"},
        ),
        (lambda data: platform_answers.read_items(data, ["u"]), {"items": []}),
        (
            lambda data: platform_answers.read_items(data, ["u"]),
            {"items": [{"unit_code": "v", "status": 409}]},
        ),
        (
            lambda data: platform_answers.read_items(data, ["u"]),
            {"items": [{"unit_code": "u", "status": 201}]},
        ),
    ],
)
def test_an_answer_that_is_not_the_contracts_is_unusable(read, data):
    with pytest.raises(UnusableAnswerError):
        read(data)


def test_a_long_reason_is_cut_with_an_announcement():
    said = platform_answers.problem_text(422, {"title": "长" * 2000})
    assert said.endswith("……(原文过长，以下略)")
    assert said.count("长") == 1000 + 1
    assert platform_answers.problem_text(418, "not a problem") == "平台答复 418，未说明原因"
    problem = {
        "title": "不符",
        "detail": "两\n行",
        "errors": [{"pointer": "/score", "detail": "不符"}, 5],
    }
    assert platform_answers.problem_text(422, problem) == "平台答复 422：不符；两 行；/score 不符"
