"""The sandbox on a socket: control routes only when asked for, and as a process."""

import re
import signal
import subprocess
import sys
import time

import pytest
import requests

from fazhi.model.errors import Unreachable
from fazhi.sandbox import Fault, FaultKind, SandboxPlatform
from support.publish import APP_ID, SECRET, YEAR, client_of


def test_control_routes_exist_only_when_asked_for():
    with SandboxPlatform(app_id=APP_ID, secret=SECRET) as platform:
        answer = requests.get(f"{platform.url}/_sandbox/requests", timeout=5)
        assert answer.status_code == 401
        assert answer.headers["Content-Type"] == "application/problem+json"


def test_faults_and_years_over_the_control_routes():
    with (
        SandboxPlatform(app_id=APP_ID, secret=SECRET, control=True) as platform,
        client_of(platform) as client,
    ):
        url = f"{platform.url}/_sandbox"
        assert requests.put(f"{url}/years/{YEAR}", json={"status": "sealed"}, timeout=5).status_code == 200
        assert client.assessment_year(YEAR).sealed is True
        fault = {"kind": "status", "status": 503, "retry_after": None, "times": 99}
        assert requests.post(f"{url}/faults", json=fault, timeout=5).status_code == 200
        with pytest.raises(Unreachable, match="平台答复 503"):
            client.assessment_year(YEAR)
        assert requests.delete(f"{url}/faults", timeout=5).status_code == 200
        assert client.assessment_year(YEAR).sealed is True
        seen = requests.get(f"{url}/requests", timeout=5).json()["requests"]
        assert [status for _, _, status in seen] == [200, 503, 503, 503, 503, 200]


@pytest.mark.parametrize(
    ("method", "path", "data", "status"),
    [
        ("POST", "faults", {"kind": "earthquake"}, 422),
        ("POST", "faults", {"kind": "cut", "when": "now"}, 422),
        ("POST", "faults", {}, 422),
        ("PUT", "years/2024", {"status": "ajar"}, 422),
        ("PUT", "years/next", {"status": "open"}, 404),
        ("GET", "faults", None, 404),
    ],
)
def test_an_unknown_word_on_a_control_route_is_refused(method, path, data, status):
    with SandboxPlatform(app_id=APP_ID, secret=SECRET, control=True) as platform:
        answer = requests.request(method, f"{platform.url}/_sandbox/{path}", json=data, timeout=5)
        assert answer.status_code == status


def test_a_body_without_a_length_is_refused():
    with SandboxPlatform(app_id=APP_ID, secret=SECRET) as platform:
        chunked = iter([b"{}"])
        answer = requests.put(f"{platform.url}/v1/assessments/{YEAR}/results/x", data=chunked, timeout=5)
        assert answer.status_code == 413


def test_a_fault_strikes_as_often_as_asked_and_only_where_asked():
    fault = Fault(FaultKind.CUT, path="digest", method="GET", times=1)
    assert fault.strikes("GET", f"/v1/assessments/{YEAR}/digest") is True
    assert fault.strikes("POST", f"/v1/assessments/{YEAR}/digest") is False
    assert fault.strikes("GET", f"/v1/assessments/{YEAR}/results") is False


def test_as_a_process_it_prints_its_address_first_and_ends_on_term(tmp_path):
    command = [sys.executable, "-m", "fazhi.sandbox", "--port", "0", "--state", str(tmp_path / "s.db")]
    started = time.monotonic()
    process = subprocess.Popen(
        [*command, "--app-id", APP_ID, "--secret", SECRET], stdout=subprocess.PIPE, text=True
    )
    try:
        url = process.stdout.readline().strip()
        assert time.monotonic() - started < 10
        assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", url)
        assert requests.get(f"{url}/v1/health", timeout=5).status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_as_a_process_without_a_secret_it_makes_one_up_and_prints_it():
    process = subprocess.Popen(
        [sys.executable, "-m", "fazhi.sandbox", "--app-id", "demo", "--secret", ""],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        process.stdout.readline()
        printed = process.stdout.readline()
        assert re.fullmatch(r"FAZHI_PLATFORM_APP_ID=demo FAZHI_PLATFORM_SECRET=\S{20,}\n", printed)
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0
        process.stdout.close()
