"""Submissions at a sandbox portal, and the portal's contract as an oracle (合成数据)."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from fazhi.collect import PortalClient
from fazhi.sandbox import SandboxPortal
from fazhi.transport import RetryPolicy
from support.intake import UNIT

TOKEN = "synthetic-token-of-the-tests"
SHANGHAI = timezone(timedelta(hours=8))
BEGIN = datetime(2025, 1, 5, 9, 0, tzinfo=SHANGHAI)
NOW = datetime(2025, 1, 20, 1, 30, tzinfo=SHANGHAI)
IMPATIENT = RetryPolicy(attempts=4, first_wait=0.0, longest_wait=5.0, connect_timeout=5.0, read_timeout=5.0)
CONTRACT = Path(__file__).parents[1] / "contracts" / "submission-portal.openapi.yaml"
REVIEW = "/v1/submissions/{submission_id}/review"


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def item_of(
    submission_id: str,
    files: Mapping[str, bytes] | None = None,
    *,
    minutes: float = 0,
    period: str = "2024",
    **changes: object,
) -> dict[str, Any]:
    """A ``Submission`` of the contract, updated some minutes after ``BEGIN``."""
    contents = {"表.csv": submission_id.encode()} if files is None else files
    at = (BEGIN + timedelta(minutes=minutes)).isoformat()
    return {
        "submission_id": submission_id,
        "unit_code": UNIT,
        "kind": "unit",
        "year": int(period[:4]),
        "period": period,
        "revision": 1,
        "submitted_at": at,
        "updated_at": at,
        "submitted_by": "合成填报员",
        "files": [
            {
                "name": name,
                "role": "workbook" if number == 0 else "evidence",
                "sha256": sha256_of(content),
                "size": len(content),
            }
            for number, (name, content) in enumerate(contents.items())
        ],
        **changes,
    }


def put_on(
    portal: SandboxPortal,
    submission_id: str,
    files: Mapping[str, bytes] | None = None,
    *,
    at: datetime | None = None,
    **of: Any,
) -> dict[str, Any]:
    """List a submission with its files."""
    contents = {"表.csv": submission_id.encode()} if files is None else files
    item = item_of(submission_id, contents, **of)
    portal.shelf.add(item, {sha256_of(content): content for content in contents.values()}, at=at)
    return item


def client_of(portal: SandboxPortal, **options: Any) -> PortalClient:
    """A client that does not wait."""
    return PortalClient(portal.url, TOKEN, **{"retry": IMPATIENT, "sleep": lambda _seconds: None, **options})


@cache
def contract() -> dict[str, Any]:
    """The portal's contract."""
    return yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))


def faults_of(schema: Mapping[str, Any], data: Any) -> list[str]:
    """What keeps JSON data from being what a schema of the contract asks."""
    whole = {**schema, "components": contract()["components"]}
    validator = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
    return [error.message for error in validator.iter_errors(data)]


def schema_of(path: str, method: str, status: str) -> dict[str, Any]:
    """The schema of an answer."""
    return contract()["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"]


def schema_of_review() -> dict[str, Any]:
    """The schema of what is told."""
    return contract()["paths"][REVIEW]["put"]["requestBody"]["content"]["application/json"]["schema"]
