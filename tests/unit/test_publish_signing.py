"""Signatures: the contract's text, both algorithms, and an SM3 that is not there."""

import hashlib

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.publish import signing
from fazhi.publish.signing import Signer
from fazhi.sandbox import signatures

BODY = b'{"results":[]}'
TARGET = "/v1/assessments/2024/results?limit=2"


def hmac_by_definition(name: str, key: bytes, text: bytes) -> str:
    """RFC 2104, written out: the oracle does not use the module under test's library call."""
    block = 64
    key = hashlib.new(name, key).digest() if len(key) > block else key
    key = key.ljust(block, b"\0")
    inner = hashlib.new(name, bytes(byte ^ 0x36 for byte in key) + text).digest()
    return hashlib.new(name, bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


@pytest.mark.parametrize(("alg", "name"), [("hmac-sha256", "sha256"), ("hmac-sm3", "sm3")])
def test_signature_is_the_hmac_over_the_five_lines_of_the_contract(alg, name):
    headers = Signer("app", "secret", alg).headers("POST", TARGET, BODY, timestamp=1_728_927_000, nonce="abc")
    text = f"POST\n{TARGET}\n1728927000\nabc\n{hashlib.new(name, BODY).hexdigest()}"
    assert headers["X-Signature"] == hmac_by_definition(name, b"secret", text.encode())
    assert headers["X-App-Id"] == "app"
    assert headers["X-Timestamp"] == "1728927000"
    assert headers["X-Nonce"] == "abc"


def test_sha256_is_the_default_and_needs_no_algorithm_header():
    headers = Signer("app", "secret").headers("GET", "/v1/health", b"", timestamp=1, nonce="n")
    assert "X-Signature-Alg" not in headers
    sm3 = Signer("app", "secret", "hmac-sm3").headers("GET", "/v1/health", b"", timestamp=1, nonce="n")
    assert sm3["X-Signature-Alg"] == "hmac-sm3"


@pytest.mark.parametrize("alg", ["hmac-sha256", "hmac-sm3"])
def test_the_platform_accepts_what_we_sign_and_nothing_altered(alg):
    headers = Signer("app", "secret", alg).headers("POST", TARGET, BODY, timestamp=1000, nonce="n")
    known = {"app_id": "app", "secret": "secret", "now": 1000.0}
    assert signatures.fault("POST", TARGET, headers, BODY, **known) is None
    assert signatures.fault("PUT", TARGET, headers, BODY, **known) == "签名不符"
    assert signatures.fault("POST", TARGET + "0", headers, BODY, **known) == "签名不符"
    assert signatures.fault("POST", TARGET, headers, BODY + b" ", **known) == "签名不符"
    assert signatures.fault("POST", TARGET, {**headers, "X-Timestamp": "1001"}, BODY, **known) == "签名不符"
    assert signatures.fault("POST", TARGET, {**headers, "X-Nonce": "m"}, BODY, **known) == "签名不符"
    assert signatures.fault("POST", TARGET, headers, BODY, **{**known, "secret": "other"}) == "签名不符"


def test_a_machine_without_sm3_is_told_at_the_start(monkeypatch):
    def without_sm3(name, *_content):
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(signing.hashlib, "new", without_sm3)
    with pytest.raises(ConfigurationError, match="算不出 SM3"):
        Signer("app", "secret", "hmac-sm3")
    Signer("app", "secret", "hmac-sha256")


@pytest.mark.parametrize(
    ("app_id", "secret", "alg", "said"),
    [
        ("", "s3cr3t", "hmac-sha256", "应用标识缺失"),
        ("a\nb", "s3cr3t", "hmac-sha256", "应用标识缺失"),
        ("app", "", "hmac-sha256", "密钥缺失"),
        ("app", "s3cr3t", "hmac-md5", "签名算法"),
    ],
)
def test_unusable_settings_are_refused_without_the_secret(app_id, secret, alg, said):
    with pytest.raises(ConfigurationError, match=said) as caught:
        Signer(app_id, secret, alg)
    assert "s3cr3t" not in str(caught.value)


def test_the_secret_is_in_no_representation():
    assert "s3cr3t" not in repr(Signer("app", "s3cr3t"))
    assert "s3cr3t" not in repr(vars(Signer("app", "s3cr3t")).keys())
