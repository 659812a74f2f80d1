"""Request signatures. In: app id, secret, algorithm, one request. Out: the four headers of the contract.

The digest is SHA-256, or SM3 (GB/T 32905), which OpenSSL brings only where it was built with it: the signer
probes it at the start and says so, instead of failing at the first push.
"""

import hashlib
import hmac
from typing import Final

from fazhi.model.errors import ConfigurationError

_HASHES: Final = {"hmac-sha256": "sha256", "hmac-sm3": "sm3"}
_SM3_OF_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
"""The first example of GB/T 32905-2016, appendix A."""


class Signer:
    """Signs requests for one application; never shows its secret.

    Args:
        app_id: The application as the platform knows it.
        secret: Its secret.
        alg: ``hmac-sha256`` or ``hmac-sm3``.

    Raises:
        ConfigurationError: An unknown algorithm, SM3 missing on this machine, an unusable id or secret.
    """

    def __init__(self, app_id: str, secret: str, alg: str = "hmac-sha256") -> None:
        if alg not in _HASHES:
            raise ConfigurationError(f"签名算法 {alg!r} 不可用，只接受 {' 或 '.join(_HASHES)}")
        if not app_id or not app_id.isascii() or not app_id.isprintable():
            raise ConfigurationError("考评平台的应用标识缺失，或含有不能放进请求头的字符")
        if not secret:
            raise ConfigurationError("考评平台的密钥缺失")
        if alg == "hmac-sm3":
            probe_sm3()
        self._app_id = app_id
        self._key = secret.encode()
        self._alg = alg

    def __repr__(self) -> str:
        return f"Signer(app_id={self._app_id!r}, alg={self._alg!r})"

    def headers(self, method: str, target: str, body: bytes, *, timestamp: int, nonce: str) -> dict[str, str]:
        """The headers of one request; each attempt needs its own nonce.

        Args:
            method: HTTP method.
            target: Path with query, exactly as on the wire.
            body: The body's bytes, empty when there is none.
            timestamp: Seconds since the epoch.
            nonce: At most 64 characters, never used before.
        """
        digest = hashlib.new(_HASHES[self._alg], body).hexdigest()
        text = f"{method}\n{target}\n{timestamp}\n{nonce}\n{digest}"
        headers = {
            "X-App-Id": self._app_id,
            "X-Timestamp": str(timestamp),
            "X-Nonce": nonce,
            "X-Signature": hmac.new(self._key, text.encode(), _HASHES[self._alg]).hexdigest(),
        }
        if self._alg != "hmac-sha256":
            headers["X-Signature-Alg"] = self._alg
        return headers


def probe_sm3() -> None:
    """Make sure that this machine computes SM3, by the standard's own example.

    Raises:
        ConfigurationError: It does not.
    """
    try:
        computed = hashlib.new("sm3", b"abc").hexdigest()
    except ValueError:
        computed = ""
    if computed != _SM3_OF_ABC:
        raise ConfigurationError(
            "配置了 hmac-sm3，但本机的 OpenSSL 算不出 SM3(GB/T 32905):请换用带 SM3 的 OpenSSL,"
            "或与平台商定改用 hmac-sha256"
        )
