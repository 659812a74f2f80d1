"""What the platform says. In: parsed JSON of its answers. Out: small records, or ``UnusableAnswerError``.

Nothing of an answer is believed unread: a missing field, a wrong type or another order makes the whole answer
unusable, and the request, which is safe to repeat, is asked again.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fazhi.model.canonical import digest

_LONGEST_PROBLEM = 1000
_SHARE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,20})?")
STORED = (200, 201)


class UnusableAnswerError(Exception):
    """An answer that is not what the contract promises."""


@dataclass(frozen=True)
class AssessmentYear:
    """The state of a year on the platform."""

    year: int
    sealed: bool
    minimum_share: Fraction
    minimum_share_text: str


@dataclass(frozen=True)
class Held:
    """The version that the platform holds of a unit's result, and its digest."""

    version: int
    digest: str


@dataclass(frozen=True)
class Receipt:
    """The platform's word that it stored a version."""

    receipt_id: str
    unit_code: str
    version: int
    digest: str
    received_at: str


@dataclass(frozen=True)
class StoredResult:
    """What the platform gives back of a unit: its receipt, and the digest of the result it really shows."""

    receipt: Receipt
    shown_digest: str


@dataclass(frozen=True)
class ItemAnswer:
    """What became of one result: an HTTP status with a receipt, or with the platform's reason."""

    status: int
    receipt: Receipt | None
    problem: str


def read_year(data: Any, year: int) -> AssessmentYear:
    """The AssessmentYear of an answer."""
    status, share = _text(data, "status"), _text(data, "minimum_share")
    if _number(data, "year") != year or status not in ("open", "sealed"):
        raise UnusableAnswerError("年度状态不符合接口约定")
    if not _SHARE.fullmatch(share):  # a number with an exponent can be longer than the memory
        raise UnusableAnswerError("占比下限不是数字")
    return AssessmentYear(year, status == "sealed", Fraction(share), share)


def read_receipt(data: Any) -> Receipt:
    """The Receipt of an answer."""
    return Receipt(
        receipt_id=_text(data, "receipt_id"),
        unit_code=_text(data, "unit_code"),
        version=_number(data, "version"),
        digest=_text(data, "digest"),
        received_at=_text(data, "received_at"),
    )


def read_stored(data: Any) -> StoredResult:
    """The StoredResult of an answer."""
    receipt, shown = read_receipt(_field(data, "receipt", dict)), _field(data, "result", dict)
    try:
        return StoredResult(receipt, digest(shown))
    except (ValueError, RecursionError):  # numbers or signs that canonical JSON does not have
        raise UnusableAnswerError("平台给回的得分不能按规范形式计算摘要") from None


def read_items(data: Any, unit_codes: Sequence[str]) -> list[ItemAnswer]:
    """The items of a batch's answer, in the order sent."""
    items = _field(data, "items", list)
    if [_text(item, "unit_code") for item in items] != list(unit_codes):
        raise UnusableAnswerError("批次应答的条目与送出的不一致")
    return [read_item(_number(item, "status"), item.get("receipt"), item.get("problem")) for item in items]


def read_item(status: int, receipt: Any, problem: Any) -> ItemAnswer:
    """The answer to one result, from a batch or from a PUT."""
    if status in STORED:
        return ItemAnswer(status, read_receipt(receipt), "")
    return ItemAnswer(status, None, problem_text(status, problem))


def read_digest(data: Any) -> tuple[int, str]:
    """Count and digest of what the platform holds for a year."""
    return _number(data, "count"), _text(data, "digest")


def read_page(data: Any) -> tuple[dict[str, Held], str | None]:
    """A page of held results and the next page's cursor."""
    held = {
        _text(item, "unit_code"): Held(_number(item, "version"), _text(item, "digest"))
        for item in _field(data, "items", list)
    }
    cursor = data.get("next_cursor")
    if cursor is not None and not isinstance(cursor, str):
        raise UnusableAnswerError("页码标记不符合接口约定")
    return held, cursor or None


def problem_text(status: int, problem: Any) -> str:
    """The platform's reason as it said it, on one line: title, detail, and what each pointer is about."""
    if not isinstance(problem, dict):
        return f"平台答复 {status}，未说明原因"
    errors = problem.get("errors")
    pointed = [
        f"{error.get('pointer', '')} {error.get('detail', '')}".strip()
        for error in (errors if isinstance(errors, list) else [])
        if isinstance(error, dict)
    ]
    parts = [str(problem.get("title", "")), str(problem.get("detail", "")), *pointed]
    said = " ".join("；".join(part for part in parts if part).split())
    said = "".join(sign for sign in said if sign.isprintable())  # others no database need keep
    if len(said) > _LONGEST_PROBLEM:
        said = said[:_LONGEST_PROBLEM] + "……(原文过长，以下略)"
    return f"平台答复 {status}：{said}" if said else f"平台答复 {status}，未说明原因"


def _field(data: Any, name: str, kind: type) -> Any:
    value = data.get(name) if isinstance(data, dict) else None
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise UnusableAnswerError(f"应答缺少 {name}，或形式不符合接口约定")
    return value


def _text(data: Any, name: str) -> str:
    text = str(_field(data, name, str))
    if not text.isprintable():  # half a sign or a NUL cannot be stored
        raise UnusableAnswerError(f"应答的 {name} 含有不可用的字符")
    return text


def _number(data: Any, name: str) -> int:
    return int(_field(data, name, int))
