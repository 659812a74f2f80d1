"""The sandbox platform keeps its contract: every request and answer is checked against the OpenAPI file."""

import copy
import hashlib
import json
from pathlib import Path
from urllib.parse import quote

import pytest

import fazhi.sandbox
from fazhi.model.canonical import canonical_bytes, digest
from fazhi.publish.signing import Signer
from fazhi.sandbox.service import PlatformService, Request
from fazhi.sandbox.state import State
from support.publish import APP_ID, CONTRACT, SECRET, YEAR, check_exchange, unit

A, B, C = sorted(unit(number) for number in range(1, 4))
RESULTS = f"/v1/assessments/{YEAR}/results"
BATCH = f"{RESULTS}:batch"
COMPONENT = {"share": "0.10", "total_points": "1000.00", "points": "89.56"}


class Caller:
    """Signs and sends requests to a service, with a clock of its own, and checks each exchange."""

    def __init__(self, path: Path | str = ":memory:", minimum_share: str = "0.10") -> None:
        self.now = 1_728_927_000.0
        self.state = State(path)
        self.service = PlatformService(
            self.state, app_id=APP_ID, secret=SECRET, minimum_share=minimum_share, clock=lambda: self.now
        )
        self.signer = Signer(APP_ID, SECRET)
        self.sent = 0

    def call(self, method, target, data=None, *, key="key", checked=True, **headers):
        body = b"" if data is None else data if isinstance(data, bytes) else canonical_bytes(data)
        self.sent += 1
        signed = self.signer.headers(
            method, target, body, timestamp=int(self.now), nonce=f"nonce-{self.sent}"
        )
        given = {**signed, **({} if data is None else {"Idempotency-Key": key}), **headers}
        answer = self.service.handle(Request(method, target, given, body))
        if checked:
            sent = None if data is None else json.loads(body)
            check_exchange(method, target, given, sent, answer.status, answer.data)
        return answer.status, answer.data

    def put(self, result, **how):
        how = {"key": digest(result), **how}
        return self.call("PUT", f"{RESULTS}/{result['unit_code']}", result, **how)


@pytest.fixture
def caller():
    return Caller()


def result(unit_code=A, version=1, **changes):
    whole = {
        "year": YEAR,
        "unit_code": unit_code,
        "unit_name": "合成单位",
        "stage": "provisional",
        "version": version,
        "indicator_system": "2024",
        "indicator_system_digest": "5" * 64,
        "score": "89.56",
        "rank": None,
        "component": COMPONENT,
        "lines": [
            {"indicator_code": "D4.1", "full_mark": "60.00", "points": "60.00", "status": "scored"},
            {"indicator_code": "I3.1", "full_mark": "40.00", "points": "29.56", "status": "scored"},
        ],
        "input_digest": "1" * 64,
        "computed_at": "2024-10-14T01:30:00+08:00",
    }
    return {**whole, **changes}


def errors(problem):
    return [(error["pointer"], error["detail"]) for error in problem["errors"]]


def test_the_packaged_contract_is_the_contract():
    packaged = Path(fazhi.sandbox.__file__).with_name(CONTRACT.name)
    assert packaged.read_bytes() == CONTRACT.read_bytes()


def test_health_needs_no_signature(caller):
    assert caller.service.handle(Request("GET", "/v1/health", {})).status == 200


# storing one result


def test_a_stored_result_gets_a_receipt_over_its_canonical_form(caller):
    status, receipt = caller.put(result())
    assert status == 201
    assert receipt["digest"] == hashlib.sha256(canonical_bytes(result())).hexdigest()
    assert (receipt["unit_code"], receipt["version"], receipt["replayed"]) == (A, 1, False)
    status, stored = caller.call("GET", f"{RESULTS}/{A}")
    assert status == 200
    assert stored == {"receipt": receipt, "result": result()}


def test_the_digest_does_not_depend_on_how_the_body_was_written(caller):
    body = json.dumps(result(), indent=2, ensure_ascii=True).encode()
    status, receipt = caller.call("PUT", f"{RESULTS}/{A}", body)
    assert (status, receipt["digest"]) == (201, digest(result()))


def test_the_same_key_and_body_return_the_first_receipt_even_after_a_newer_version(caller):
    _, first = caller.put(result())
    caller.put(result(version=2, computed_at="2024-10-15T01:30:00+08:00"))
    assert caller.put(result()) == (200, {**first, "replayed": True})


def test_the_same_key_with_another_body_is_422(caller):
    caller.put(result(), key="one")
    status, problem = caller.put(result(version=2), key="one")
    assert (status, problem["title"]) == (422, "幂等键已用于另一份内容")
    assert caller.state.every_version(YEAR) == [(A, 1, digest(result()))]


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_a_key_is_needed_and_bounded(caller, key):
    assert caller.put(result(), key=key, checked=False)[0] == 422
    assert caller.put(result(), key="k" * 128)[0] == 201


def test_a_lower_or_equal_version_is_409_unless_it_is_the_stored_one(caller):
    caller.put(result(version=2))
    other = result(version=2, computed_at="2024-10-15T01:30:00+08:00")
    assert caller.put(result(version=1))[0] == 409
    assert caller.put(other)[0] == 409
    status, receipt = caller.put(result(version=2), key="another key")
    assert (status, receipt["replayed"]) == (200, True)
    assert caller.put(result(version=4))[0] == 201
    assert [version for _, version, _ in caller.state.every_version(YEAR)] == [2, 4]


def test_a_final_result_of_a_sealed_year_is_423_unless_it_corrects(caller):
    final = result(stage="final")
    caller.put(final)
    caller.state.set_year(YEAR, "sealed", "0.10")
    assert caller.put(final, key="again")[0] == 200
    assert caller.put(result(version=2, stage="final"))[0] == 423
    assert caller.put(result(version=2, stage="final", correction_of=None))[0] == 423
    assert caller.put(result(version=2, stage="final", correction_of=1))[0] == 201
    assert caller.put(result(B, stage="provisional"))[0] == 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"score": "89.57"}, "/score"),
        ({"score": "89.6"}, "/score"),
        ({"score": 89.56}, "/score"),
        ({"version": 0}, "/version"),
        ({"stage": "draft"}, "/stage"),
        ({"lines": []}, "/lines"),
        ({"computed_at": "yesterday"}, "/computed_at"),
        ({"computed_at": "2024-10-14T01:30:00"}, "/computed_at"),
        (
            {"component": {"share": "0.0999", "total_points": "1000.00", "points": "89.56"}},
            "/component/share",
        ),
        (
            {"component": {"share": "a tenth", "total_points": "1000.00", "points": "89.56"}},
            "/component/share",
        ),
        ({"component": {"share": "0.10", "total_points": "1000.00"}}, "/component"),
        ({"unknown": 1}, ""),
        ({"year": YEAR - 1}, "/year"),
        ({"unit_code": B}, "/unit_code"),
        ({"rank": "1"}, "/rank"),
    ],
)
def test_what_is_wrong_with_a_result_is_pointed_at(caller, changes, pointer):
    data = result(**changes)
    status, problem = caller.call("PUT", f"{RESULTS}/{A}", data, checked=False)
    assert status == 422
    assert [found for found, _ in errors(problem)] == [pointer]
    assert caller.state.every_version(YEAR) == []


def test_a_fault_deep_in_the_lines_has_its_pointer(caller):
    data = copy.deepcopy(result())
    data["lines"][1]["status"] = "lost"
    _, problem = caller.call("PUT", f"{RESULTS}/{A}", data, checked=False)
    assert errors(problem)[0][0] == "/lines/1/status"


def test_the_minimum_share_of_the_year_counts(caller):
    caller.state.set_year(YEAR, "open", "0.12")
    assert caller.call("GET", f"/v1/assessments/{YEAR}") == (
        200,
        {"year": YEAR, "status": "open", "minimum_share": "0.12"},
    )
    status, problem = caller.put(result())
    assert (status, errors(problem)) == (422, [("/component/share", "占比 0.10 低于年度下限 0.12")])


@pytest.mark.parametrize("body", [b"{", b"\xff", b'{"year": NaN}'])
def test_a_body_that_is_not_json_is_422(caller, body):
    assert caller.call("PUT", f"{RESULTS}/{A}", body, checked=False)[0] == 422


# batches


def test_each_item_of_a_batch_succeeds_or_fails_by_itself_in_the_order_sent(caller):
    caller.put(result(A, 3))
    items = [result(C), result(A, 1), result(B, score="1.00"), result(A, 3)]
    status, answer = caller.call("POST", BATCH, {"results": items})
    assert status == 200
    assert [(item["unit_code"], item["status"]) for item in answer["items"]] == [
        (C, 201),
        (A, 409),
        (B, 422),
        (A, 200),
    ]
    assert answer["items"][3]["receipt"]["replayed"] is True
    assert [(code, version) for code, version, _ in caller.state.every_version(YEAR)] == [(A, 3), (C, 1)]


def test_a_batch_sent_again_returns_the_first_receipts_and_looks_again_at_what_was_refused(caller):
    caller.state.set_year(YEAR, "sealed", "0.10")
    batch = {"results": [result(A), result(B, stage="final")]}
    _, first = caller.call("POST", BATCH, batch)
    assert [item["status"] for item in first["items"]] == [201, 423]
    caller.put(result(A, 2))
    caller.state.set_year(YEAR, "open", "0.10")
    _, second = caller.call("POST", BATCH, batch)
    assert [item["status"] for item in second["items"]] == [200, 201]
    assert second["items"][0]["receipt"] == {**first["items"][0]["receipt"], "replayed": True}


def test_a_batch_holds_1_to_500(caller):
    def batch(count):
        return {"results": [result(unit(number)) for number in range(count)]}

    assert caller.call("POST", BATCH, batch(0), key="0", checked=False)[0] == 422
    assert caller.call("POST", BATCH, [], key="none", checked=False)[0] == 422
    assert caller.call("POST", BATCH, batch(501), key="501", checked=False)[0] == 413
    assert caller.state.every_version(YEAR) == []
    assert caller.call("POST", BATCH, batch(500), key="500")[0] == 200
    assert len(caller.state.every_version(YEAR)) == 500


def test_an_item_that_is_no_result_at_all_is_422_in_its_place(caller):
    _, answer = caller.call("POST", BATCH, {"results": [5, {"unit_code": 7}, result()]}, checked=False)
    assert [(item["unit_code"], item["status"]) for item in answer["items"]] == [
        ("", 422),
        ("", 422),
        (A, 201),
    ]


# reading


def test_the_digest_is_over_the_newest_lines_in_code_order(caller):
    assert caller.call("GET", f"/v1/assessments/{YEAR}/digest")[1] == {
        "year": YEAR,
        "count": 0,
        "digest": hashlib.sha256(b"").hexdigest(),
    }
    for stored in (result(B), result(A), result(A, 2)):
        caller.put(stored)
    lines = f"{A},2,{digest(result(A, 2))}\n{B},1,{digest(result(B))}\n"
    assert caller.call("GET", f"/v1/assessments/{YEAR}/digest")[1] == {
        "year": YEAR,
        "count": 2,
        "digest": hashlib.sha256(lines.encode()).hexdigest(),
    }


def test_pages_go_through_everything_once(caller):
    for code in (A, B, C):
        caller.put(result(code))
    pages, target = [], f"{RESULTS}?limit=2"
    while True:
        _, page = caller.call("GET", target)
        pages.append([item["unit_code"] for item in page["items"]])
        if page["next_cursor"] is None:
            break
        target = f"{RESULTS}?limit=2&cursor={quote(page['next_cursor'])}"
    assert pages == [[A, B], [C]]
    assert caller.call("GET", f"{RESULTS}?limit=3")[1]["next_cursor"] is None


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=%FF", "cursor=a"])
def test_a_page_that_cannot_be_is_refused(caller, query):
    assert caller.call("GET", f"{RESULTS}?{query}")[0] == 422


def test_what_is_not_there_is_404(caller):
    caller.state.set_year(YEAR - 1, "absent", "0.10")
    assert caller.call("GET", f"{RESULTS}/{A}")[0] == 404
    assert caller.call("GET", f"/v1/assessments/{YEAR - 1}")[0] == 404
    assert caller.call("GET", "/v1/assessments/2014", checked=False)[0] == 404
    assert caller.call("GET", "/v1/assessments/2101", checked=False)[0] == 404
    assert caller.call("GET", "/v1/notices/1")[0] == 404
    assert caller.call("GET", "/v2/anything", checked=False)[0] == 404
    assert caller.call("DELETE", f"{RESULTS}/{A}", checked=False)[0] == 405
    before = result(year=YEAR - 1)
    target = f"/v1/assessments/{YEAR - 1}/results/{A}"
    assert caller.call("PUT", target, before)[0] == 422


# signatures, nonces, clocks


def refused(caller, **headers):
    status, problem = caller.call("GET", f"/v1/assessments/{YEAR}", **headers)
    return status, problem.get("detail")


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({"X-App-Id": "someone"}, "应用标识未知"),
        ({"X-Timestamp": "now"}, "时间戳缺失，或与平台时钟相差超过300秒"),
        ({"X-Nonce": "n" * 65}, "随机数缺失或超过64个字符"),
        ({"X-Nonce": ""}, "随机数缺失或超过64个字符"),
        ({"X-Signature": "0" * 64}, "签名不符"),
        ({"X-Signature": ""}, "签名不符"),
        ({"X-Signature-Alg": "hmac-md5"}, "不支持的签名算法"),
        ({"X-Signature-Alg": "hmac-sm3"}, "签名不符"),
    ],
)
def test_a_signature_that_does_not_hold_is_401(caller, headers, detail):
    assert refused(caller, **headers) == (401, detail)


@pytest.mark.parametrize(("off", "status"), [(-301, 401), (-300, 200), (300, 200), (301, 401)])
def test_a_timestamp_may_be_300_seconds_off(caller, off, status):
    headers = caller.signer.headers(
        "GET", f"/v1/assessments/{YEAR}", b"", timestamp=int(caller.now) + off, nonce="n"
    )
    answer = caller.service.handle(Request("GET", f"/v1/assessments/{YEAR}", headers))
    assert answer.status == status


def test_a_nonce_is_taken_once_in_600_seconds(caller):
    def with_nonce(nonce):
        target = f"/v1/assessments/{YEAR}"
        headers = caller.signer.headers("GET", target, b"", timestamp=int(caller.now), nonce=nonce)
        return caller.service.handle(Request("GET", target, headers)).status

    assert with_nonce("n") == 200
    assert with_nonce("n") == 401
    caller.now += 600
    assert with_nonce("n") == 401
    caller.now += 1
    assert with_nonce("n") == 200


def test_a_forged_request_does_not_use_up_a_nonce(caller):
    target = f"/v1/assessments/{YEAR}"
    headers = caller.signer.headers("GET", target, b"", timestamp=int(caller.now), nonce="n")
    forged = {**headers, "X-Signature": "0" * 64}
    assert caller.service.handle(Request("GET", target, forged)).status == 401
    assert caller.service.handle(Request("GET", target, headers)).status == 200


# notices


def notice(**changes):
    whole = {
        "notice_no": "合成督〔2024〕1号",
        "kind": "prompt",
        "year": YEAR,
        "unit_code": A,
        "subject": "合成提示",
        "items": [{"indicator_code": "D4.1", "text": "合成事项"}],
        "addressees": [{"role": "unit"}, {"role": "principal"}],
        "issued_on": "2024-10-15",
        "reply_by": "2024-10-31",
    }
    return {**whole, **changes}


def test_a_notice_goes_to_each_addressee_once(caller):
    status, state = caller.call("POST", "/v1/notices", notice(), key="n1")
    assert status == 201
    assert [(one["role"], one["state"]) for one in state["deliveries"]] == [
        ("unit", "accepted"),
        ("principal", "accepted"),
    ]
    assert caller.call("POST", "/v1/notices", notice(), key="n1") == (200, {**state, "replayed": True})
    assert caller.call("POST", "/v1/notices", notice(), key="n2") == (200, {**state, "replayed": True})
    assert caller.call("POST", "/v1/notices", notice(subject="另一件"), key="n1")[0] == 422
    assert caller.call("POST", "/v1/notices", notice(subject="另一件"), key="n3")[0] == 422
    status, read = caller.call("GET", f"/v1/notices/{quote('合成督〔2024〕1号')}")
    assert (status, read["deliveries"]) == (200, state["deliveries"])


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"kind": "letter"}, "/kind"),
        ({"items": []}, "/items"),
        ({"addressees": [{"role": "mayor"}]}, "/addressees/0/role"),
        ({"reply_by": "2024-02-30"}, "/reply_by"),
        ({"issued_on": "20241015"}, "/issued_on"),
    ],
)
def test_what_is_wrong_with_a_notice_is_pointed_at(caller, changes, pointer):
    status, problem = caller.call("POST", "/v1/notices", notice(**changes), checked=False)
    assert status == 422
    assert [found for found, _ in errors(problem)] == [pointer]


# memory


def test_everything_survives_a_restart(tmp_path):
    before = Caller(tmp_path / "platform.db")
    _, receipt = before.put(result())
    before.call("POST", "/v1/notices", notice(), key="n")
    before.state.set_year(YEAR, "sealed", "0.11")
    before.state.close()
    after = Caller(tmp_path / "platform.db")
    after.sent = before.sent
    assert after.put(result()) == (200, {**receipt, "replayed": True})
    assert after.call("POST", "/v1/notices", notice(), key="n")[1]["replayed"] is True
    assert after.call("GET", f"/v1/assessments/{YEAR}")[1]["status"] == "sealed"
    after.sent = 0
    assert refused(after)[0] == 401, "nonces are remembered too"
