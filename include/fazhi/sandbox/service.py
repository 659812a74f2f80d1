"""The platform's decisions. In: one HTTP request as data. Out: one answer as data; no sockets here.

Keeps the contract ``assessment-platform.openapi.yaml`` and nothing beyond it. Where the contract leaves a
choice, the choice is written at the place that makes it.
"""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import unquote

from fazhi.model.canonical import canonical_bytes, sha256_hex
from fazhi.sandbox import contract, signatures
from fazhi.sandbox.messages import Answer, RefusalError, Request
from fazhi.sandbox.state import State, Stored

LARGEST_BATCH = 500
_FIRST_YEAR, _LAST_YEAR = 2015, 2100
_DEFAULT_PAGE, _LARGEST_PAGE = 500, 1000
_LONGEST_KEY = 128
ABSENT = "absent"


class PlatformService:
    """The assessment platform of one application.

    Args:
        state: Where it keeps things.
        app_id: The application that may ask.
        secret: Its secret.
        minimum_share: Of every year that was not set otherwise.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, state: State, *, app_id: str, secret: str, minimum_share: str, clock: Callable[[], float]
    ) -> None:
        self._state = state
        self._app_id = app_id
        self._secret = secret
        self._minimum_share = minimum_share
        self._clock = clock
        year, unit = r"/v1/assessments/(?P<year>[0-9]{1,6})", r"(?P<unit_code>[^/]+)"
        self._routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("GET", year, self._get_year),
            ("GET", year + "/results", self._get_page),
            ("POST", year + "/results:batch", self._post_batch),
            ("GET", year + "/results/" + unit, self._get_result),
            ("PUT", year + "/results/" + unit, self._put_result),
            ("GET", year + "/digest", self._get_digest),
            ("POST", "/v1/notices", self._post_notice),
            ("GET", "/v1/notices/(?P<notice_no>[^/]+)", self._get_notice),
        )

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        if request.path == "/v1/health":
            return Answer(200, {"status": "up"})
        try:
            self._authenticate(request)
            return self._route(request)
        except RefusalError as refusal:
            return Answer(refusal.status, refusal.problem)

    def _authenticate(self, request: Request) -> None:
        now = self._clock()
        fault = signatures.fault(
            request.method,
            request.target,
            request.headers,
            request.body,
            app_id=self._app_id,
            secret=self._secret,
            now=now,
        )
        if fault is None and not self._state.use_nonce(
            request.headers["X-Nonce"], now, signatures.NONCE_SECONDS
        ):
            fault = f"随机数在{signatures.NONCE_SECONDS}秒内用过"
        if fault is not None:
            raise RefusalError(401, "签名未通过", fault)

    def _route(self, request: Request) -> Answer:
        known_path = False
        for method, pattern, handler in self._routes:
            match = re.fullmatch(pattern, request.path)
            if match is None:
                continue
            known_path = True
            if method == request.method:
                words = {name: unquote(value) for name, value in match.groupdict().items()}
                return handler(request, **words)
        raise RefusalError(405, "方法不可用") if known_path else RefusalError(404, "没有这个地址")

    def _known_year(self, text: str) -> int:
        year = int(text)
        known = self._state.year(year)
        if not _FIRST_YEAR <= year <= _LAST_YEAR or (known is not None and known[0] == ABSENT):
            raise RefusalError(404, "没有这个考评年度", str(year))
        return year

    def _status_and_share(self, year: int) -> tuple[str, str]:
        return self._state.year(year) or ("open", self._minimum_share)

    def _get_year(self, _request: Request, year: str) -> Answer:
        number = self._known_year(year)
        status, minimum_share = self._status_and_share(number)
        return Answer(200, {"year": number, "status": status, "minimum_share": minimum_share})

    def _get_result(self, _request: Request, year: str, unit_code: str) -> Answer:
        stored = self._state.newest(self._known_year(year), unit_code)
        if stored is None:
            raise RefusalError(404, "没有这个单位的结果", unit_code)
        return Answer(200, {"receipt": stored.receipt(), "result": json.loads(stored.body)})

    def _get_page(self, request: Request, year: str) -> Answer:
        limit = _page_limit(request.query.get("limit"))
        after = _cursor_unit(request.query.get("cursor"))
        rows = self._state.newest_of_all(self._known_year(year), after, limit + 1)
        page = rows[:limit]
        return Answer(
            200,
            {
                "items": [{"unit_code": unit, "version": version, "digest": d} for unit, version, d in page],
                "next_cursor": _cursor(page[-1][0]) if len(rows) > limit else None,
            },
        )

    def _get_digest(self, _request: Request, year: str) -> Answer:
        number = self._known_year(year)
        rows = self._state.newest_of_all(number)
        lines = "".join(f"{unit},{version},{digest}\n" for unit, version, digest in rows)
        return Answer(200, {"year": number, "count": len(rows), "digest": sha256_hex(lines.encode())})

    def _put_result(self, request: Request, year: str, unit_code: str) -> Answer:
        key, fingerprint = _idempotency_key(request), _fingerprint(request)
        number, result = self._year_to_write(year), _json(request)
        with self._state.transaction():
            before = self._replay_of(key, fingerprint)
            status, receipt = self._take(number, result, before.get("0"), unit_code)
            self._state.remember(key, fingerprint, {"0": receipt["receipt_id"]})
        return Answer(status, receipt)

    def _post_batch(self, request: Request, year: str) -> Answer:
        key, fingerprint = _idempotency_key(request), _fingerprint(request)
        number, results = self._year_to_write(year), _batch(_json(request))
        with self._state.transaction():
            before = self._replay_of(key, fingerprint)
            items = [self._item(number, result, before.get(str(n))) for n, result in enumerate(results)]
            stored = {
                str(n): item["receipt"]["receipt_id"] for n, item in enumerate(items) if "receipt" in item
            }
            if stored:
                self._state.remember(key, fingerprint, stored)
        return Answer(200, {"items": items})

    def _item(self, year: int, result: Any, receipt_id: str | None) -> dict[str, Any]:
        unit_code = result.get("unit_code") if isinstance(result, dict) else None
        item: dict[str, Any] = {"unit_code": unit_code if isinstance(unit_code, str) else ""}
        try:
            status, receipt = self._take(year, result, receipt_id)
        except RefusalError as refusal:
            return {**item, "status": refusal.status, "problem": refusal.problem}
        return {**item, "status": status, "receipt": receipt}

    def _year_to_write(self, text: str) -> int:
        try:
            return self._known_year(text)
        except RefusalError as refusal:  # a PUT promises no 404
            raise RefusalError(
                422, "没有这个考评年度", text, [{"pointer": "/year", "detail": text}]
            ) from refusal

    def _replay_of(self, key: str, fingerprint: str) -> dict[str, Any]:
        """What was stored under this key: receipt ids by the place of the item; a PUT is place 0.

        A key is bound by the first request that stored something: a refused request may be corrected under
        its key. Items of a batch that were refused the first time are looked at again.
        """
        known = self._state.remembered(key)
        if known is None:
            return {}
        if known[0] != fingerprint:
            raise RefusalError(422, "幂等键已用于另一份内容", "Idempotency-Key")
        return known[1]

    def _take(
        self, year: int, result: Any, receipt_id: str | None, unit_code: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Store a result by the rules of a PUT: status and receipt, or a refusal."""
        earlier = None if receipt_id is None else self._state.by_receipt(receipt_id)
        if earlier is not None:
            return 200, earlier.receipt(replayed=True)
        self._check_form(year, result, unit_code)
        body = canonical_bytes(result)
        digest = sha256_hex(body)
        newest = self._state.newest(year, result["unit_code"])
        if newest is not None and (newest.version, newest.digest) == (result["version"], digest):
            return 200, newest.receipt(replayed=True)
        self._check_content(year, result)
        if newest is not None and result["version"] <= newest.version:
            raise RefusalError(
                409, "版本不高于已存版本", f"已存版本 {newest.version}，送来版本 {result['version']}"
            )
        stored = Stored(
            result["unit_code"], result["version"], digest, body.decode(), str(uuid.uuid4()), self._moment()
        )
        self._state.store(year, stored)
        return 201, stored.receipt()

    @staticmethod
    def _check_form(year: int, result: Any, unit_code: str | None) -> None:
        errors = contract.faults("Result", result)
        if not errors and result["year"] != year:
            errors.append({"pointer": "/year", "detail": f"与地址中的年度 {year} 不一致"})
        if not errors and unit_code not in (None, result["unit_code"]):
            errors.append({"pointer": "/unit_code", "detail": f"与地址中的单位 {unit_code} 不一致"})
        if not errors and not re.fullmatch("[0-9A-HJ-NP-RTUW-Y]{18}", result["unit_code"]):
            errors.append({"pointer": "/unit_code", "detail": "不是统一社会信用代码"})
        if errors:
            raise RefusalError(422, "结果不符合接口约定", errors=errors)

    def _check_content(self, year: int, result: dict[str, Any]) -> None:
        status, minimum_share = self._status_and_share(year)
        errors = _sum_faults(result) + _share_faults(result, minimum_share)
        if errors:
            raise RefusalError(422, "结果不符合接口约定", errors=errors)
        if status == "sealed" and result["stage"] == "final" and result.get("correction_of") is None:
            raise RefusalError(423, "年度已封存", "最终结果须注明所更正的版本(correction_of)")

    def _moment(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds")

    def _post_notice(self, request: Request) -> Answer:
        key, fingerprint, notice = _idempotency_key(request), _fingerprint(request), _json(request)
        errors = contract.faults("Notice", notice)
        if errors:
            raise RefusalError(422, "文书不符合接口约定", errors=errors)
        with self._state.transaction():
            self._replay_of(key, fingerprint)
            status, state = self._accept(notice)
            self._state.remember(key, fingerprint, {})
        return Answer(status, state)

    def _accept(self, notice: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        number, digest = notice["notice_no"], sha256_hex(canonical_bytes(notice))
        known = self._state.notice(number)
        if known is None:
            at = self._moment()
            roles = [addressee["role"] for addressee in notice["addressees"]]
            deliveries = [{"role": role, "state": "accepted", "at": at} for role in roles]
            self._state.add_notice(number, digest, deliveries)
            return 201, {"notice_no": number, "replayed": False, "deliveries": deliveries}
        if known[0] != digest:  # the contract has no 409 for notices
            raise RefusalError(
                422, "文号已用于另一份文书", number, [{"pointer": "/notice_no", "detail": number}]
            )
        return 200, {"notice_no": number, "replayed": True, "deliveries": known[1]}

    def _get_notice(self, _request: Request, notice_no: str) -> Answer:
        known = self._state.notice(notice_no)
        if known is None:
            raise RefusalError(404, "没有这份文书", notice_no)
        return Answer(200, {"notice_no": notice_no, "deliveries": known[1]})


def _idempotency_key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise RefusalError(422, "幂等键缺失或过长", f"Idempotency-Key 为 1 至 {_LONGEST_KEY} 个字符")
    return key


def _fingerprint(request: Request) -> str:
    return sha256_hex(f"{request.method}\n{request.target}\n".encode() + request.body)


def _json(request: Request) -> Any:
    def refuse(word: str) -> Any:
        raise ValueError(word)

    try:
        return json.loads(request.body, parse_constant=refuse)
    except ValueError as error:
        raise RefusalError(422, "内容不是 JSON") from error


def _batch(data: Any) -> list[Any]:
    results = data.get("results") if isinstance(data, dict) else None
    if not isinstance(results, list) or not results:
        raise RefusalError(
            422, "批次不符合接口约定", errors=[{"pointer": "/results", "detail": "应为至少一项的数组"}]
        )
    if len(results) > LARGEST_BATCH:
        raise RefusalError(413, "批次过大", f"最多 {LARGEST_BATCH} 项，送来 {len(results)} 项")
    return results


def _sum_faults(result: dict[str, Any]) -> list[dict[str, str]]:
    total = sum((Decimal(line["points"]) for line in result["lines"]), Decimal(0))
    if total == Decimal(result["score"]):
        return []
    return [{"pointer": "/score", "detail": f"明细得分合计 {total}，与总分 {result['score']} 不一致"}]


def _share_faults(result: dict[str, Any], minimum_share: str) -> list[dict[str, str]]:
    share = result["component"]["share"]
    try:
        enough = Decimal(share) >= Decimal(minimum_share)
    except InvalidOperation:
        enough = False
    return (
        []
        if enough
        else [{"pointer": "/component/share", "detail": f"占比 {share} 低于年度下限 {minimum_share}"}]
    )


def _page_limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PAGE
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= _LARGEST_PAGE:
        raise RefusalError(422, "每页条数不可用", f"limit 为 1 至 {_LARGEST_PAGE}")
    return int(text)


def _cursor(unit_code: str) -> str:
    return base64.urlsafe_b64encode(unit_code.encode()).decode()


def _cursor_unit(cursor: str | None) -> str:
    try:
        return base64.b64decode((cursor or "").encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RefusalError(422, "页码标记不可用", "cursor") from error
