"""By what rows are recognised elsewhere. In: parses without tokens. Out: ``value_token``, ``submission_dim``.

A token is a copied narrative (its letters alone, so that changed figures and punctuation do not hide the copy),
a case or document number in a note (brackets and blanks made alike), or the SHA-256 of an evidence file. Both
tables depend on nothing but what was received, so a row made once stays true.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, and_, func, insert, select

from fazhi.model.canonical import sha256_hex
from fazhi.store.statistics import gather_statistics
from fazhi.store.tables import (
    current_parse,
    parse,
    parse_dim,
    submission,
    submission_dim,
    submission_file,
    value,
    value_token,
)

TOKENS_VERSION = 1
"""Raised whenever the same note would give other tokens."""
SHANGHAI = ZoneInfo("Asia/Shanghai")

_SHORTEST_TEXT = 10
_BATCH = 500
_OPENING, _CLOSING = r"[〔\[(【]", r"[〕\])】]"
_HAN = r"\u4e00-\u9fff"
_NUMBER = re.compile(
    rf"(?P<before>[{_HAN}A-Za-z]{{0,20}}){_OPENING}(?P<year>(?:19|20)[0-9]{{2}}){_CLOSING}"
    rf"(?P<after>[{_HAN}A-Za-z0-9]{{0,20}}?)第?(?P<number>[0-9]+(?:-[0-9]+)?)号"
)
_LEADING_WORDS = re.compile(
    r".*(?:依据|根据|按照|参照|文号|案号|编号|决定书|通知书|详见|见|按|和|与|及|为|以|是|即|由|的)"
)


def load_tokens(connection: Connection, first_year: int, last_year: int) -> None:
    """Take the tokens of all current parses of some years that have none yet, and the times of submissions."""
    _load_times(connection, first_year, last_year)
    statement = (
        select(current_parse.c.parse_id)
        .outerjoin(
            parse_dim,
            and_(
                parse_dim.c.parse_id == current_parse.c.parse_id,
                parse_dim.c.tokens_version == TOKENS_VERSION,
            ),
        )
        .where(current_parse.c.year.between(first_year, last_year), parse_dim.c.parse_id.is_(None))
        .order_by(current_parse.c.parse_id)
    )
    waiting = list(connection.execute(statement).scalars())
    if len(waiting) > _BATCH:
        gather_statistics(connection, "reported")
    for start in range(0, len(waiting), _BATCH):
        _load_batch(connection, waiting[start : start + _BATCH])


def seconds(moment: str) -> int:
    """An ISO time as whole seconds since 1970; without an offset it is Asia/Shanghai's."""
    return int(_aware(moment).timestamp())


def _aware(moment: str) -> datetime:
    read = datetime.fromisoformat(moment)
    return read if read.tzinfo is not None else read.replace(tzinfo=SHANGHAI)


def _load_times(connection: Connection, first_year: int, last_year: int) -> None:
    statement = (
        select(submission.c.submission_id, submission.c.revision, submission.c.submitted_at)
        .outerjoin(
            submission_dim,
            and_(
                submission_dim.c.submission_id == submission.c.submission_id,
                submission_dim.c.revision == submission.c.revision,
            ),
        )
        .where(submission.c.year.between(first_year, last_year), submission_dim.c.submission_id.is_(None))
    )
    rows = [
        {
            "submission_id": row.submission_id,
            "revision": row.revision,
            "submitted_second": seconds(row.submitted_at),
            "submitted_day": _aware(row.submitted_at).astimezone(SHANGHAI).date().isoformat(),
        }
        for row in connection.execute(statement)
    ]
    if rows:
        connection.execute(insert(submission_dim), rows)


def _load_batch(connection: Connection, parses: Sequence[int]) -> None:
    rows = [*_of_notes(connection, parses), *_of_evidence(connection, parses)]
    connection.execute(value_token.delete().where(value_token.c.parse_id.in_(parses)))
    connection.execute(parse_dim.delete().where(parse_dim.c.parse_id.in_(parses)))
    if rows:
        connection.execute(insert(value_token), rows)
    connection.execute(
        insert(parse_dim), [{"parse_id": one, "tokens_version": TOKENS_VERSION} for one in parses]
    )


def _of_notes(connection: Connection, parses: Sequence[int]) -> Iterator[dict[str, Any]]:
    statement = (
        select(value.c.parse_id, value.c.value_id, value.c.note)
        .where(value.c.parse_id.in_(parses), func.coalesce(value.c.note, "") != "")
        .order_by(value.c.value_id)
    )
    for row in connection.execute(statement).all():
        key = {"parse_id": row.parse_id, "value_id": row.value_id}
        for kind, token, length in tokens_of(row.note):
            yield {**key, "kind": kind, "token": token, "length": length}


def _of_evidence(connection: Connection, parses: Sequence[int]) -> Iterator[dict[str, Any]]:
    statement = (
        select(parse.c.parse_id, func.min(value.c.value_id).label("value_id"), submission_file.c.sha256)
        .join(
            submission_file,
            and_(
                submission_file.c.submission_id == parse.c.submission_id,
                submission_file.c.revision == parse.c.revision,
            ),
        )
        .join(value, value.c.parse_id == parse.c.parse_id)
        .where(parse.c.parse_id.in_(parses), submission_file.c.role == "evidence")
        .group_by(parse.c.parse_id, submission_file.c.sha256)
    )
    for row in connection.execute(statement).all():
        yield {
            "parse_id": row.parse_id,
            "value_id": row.value_id,
            "kind": "evidence",
            "token": row.sha256,
            "length": 0,
        }


def tokens_of(note: str) -> Iterable[tuple[str, str, int]]:
    """The tokens of a note: kind, token, and the letters it stands for."""
    letters = "".join(c for c in unicodedata.normalize("NFKC", note) if c.isalpha())
    if len(letters) >= _SHORTEST_TEXT:
        yield "text", sha256_hex(letters.encode()), len(letters)
    yield from (("number", number, len(number)) for number in document_numbers(note))


def document_numbers(note: str) -> tuple[str, ...]:
    """The case and document numbers in a note, written alike: ``包府发〔2024〕12号``.

    >>> document_numbers("依据包府发[2024] 12 号，案号（2024）内0203行初7号。")
    ('包府发〔2024〕12号', '〔2024〕内0203行初7号')
    """
    plain = re.sub(r"\s+", "", unicodedata.normalize("NFKC", note))
    found = (
        f"{_LEADING_WORDS.sub('', one['before'])}〔{one['year']}〕{one['after']}{one['number']}号"
        for one in _NUMBER.finditer(plain)
    )
    return tuple(dict.fromkeys(found))
