"""The platform's side of the four signature headers. In: one request. Out: nothing, or why it is refused.

Written from the contract and apart from ``fazhi.publish.signing``, so that each proves the other.
"""

import hashlib
import hmac
from collections.abc import Mapping

ALLOWED_SKEW_SECONDS = 300
NONCE_SECONDS = 600
_LONGEST_NONCE = 64
_HASHES = {"hmac-sha256": "sha256", "hmac-sm3": "sm3"}


def fault(
    method: str, target: str, headers: Mapping[str, str], body: bytes, *, app_id: str, secret: str, now: float
) -> str | None:
    """Why the signature does not hold, in Chinese; ``None`` when it does.

    Whether the nonce was seen before is not known here.

    Args:
        method: HTTP method.
        target: Path with query, as on the wire.
        headers: The request's headers.
        body: The body's bytes.
        app_id: The one application that is known.
        secret: Its secret.
        now: Seconds since the epoch by the platform's clock.
    """
    timestamp, nonce = headers.get("X-Timestamp", ""), headers.get("X-Nonce", "")
    algorithm = _HASHES.get(headers.get("X-Signature-Alg", "hmac-sha256"))
    if algorithm is None:
        return "不支持的签名算法"
    if headers.get("X-App-Id") != app_id:
        return "应用标识未知"
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now - int(timestamp)) > ALLOWED_SKEW_SECONDS:
        return f"时间戳缺失，或与平台时钟相差超过{ALLOWED_SKEW_SECONDS}秒"
    if not 1 <= len(nonce) <= _LONGEST_NONCE:
        return f"随机数缺失或超过{_LONGEST_NONCE}个字符"
    text = "\n".join((method, target, timestamp, nonce, hashlib.new(algorithm, body).hexdigest()))
    expected = hmac.new(secret.encode(), text.encode(), algorithm).hexdigest()
    if not hmac.compare_digest(expected.encode(), headers.get("X-Signature", "").encode()):
        return "签名不符"
    return None
