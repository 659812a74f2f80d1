"""By what rows are recognised elsewhere. In: parses without tokens. Out: ``value_token``, ``submission_dim``.

A token is a copied narrative (its letters alone, so that changed figures and punctuation do not hide the copy),
a case or document number in a note (brackets and blanks made alike), or the SHA-256 of an evidence file. Both
tables depend on nothing but what was received, so a row made once stays true.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, and_, delete, func, insert, literal, select

from fazhi.model.canonical import sha256_hex
from fazhi.store.bulk import blocks, insert_rows
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
_BATCH, _MANY = 2_000, 500
_LONGEST_NAME = 20
"""Letters on either side of the year that can belong to a number."""
_HAN = r"\u4e00-\u9fff"
_YEAR = re.compile(r"[〔\[(【]((?:19|20)[0-9]{2})[〕\])】]")
_NOT_OF_A_NAME = re.compile(rf"[^{_HAN}A-Za-z]")
_AFTER_YEAR = re.compile(rf"([{_HAN}A-Za-z0-9]{{0,{_LONGEST_NAME}}}?)第?([0-9]+(?:-[0-9]+)?)号")
_LEADING_WORDS = re.compile(
    r".*(?:依据|根据|按照|参照|文号|案号|编号|决定书|通知书|详见|见|按|和|与|及|为|以|是|即|由|的)"
)


def load_tokens(connection: Connection, first_year: int, last_year: int) -> None:
    """Take the tokens of all current parses of some years that have none yet, and the times of submissions."""
    _load_times(connection, first_year, last_year)
    waiting = _without_tokens(first_year, last_year)
    many = int(connection.execute(select(func.count()).select_from(waiting.subquery())).scalar_one())
    if many > _MANY:
        gather_statistics(connection, "reported")
    if many:
        _load(connection, waiting)


def _without_tokens(first_year: int, last_year: int) -> Select[tuple[int]]:
    known = and_(
        parse_dim.c.parse_id == current_parse.c.parse_id, parse_dim.c.tokens_version == TOKENS_VERSION
    )
    return (
        select(current_parse.c.parse_id)
        .outerjoin(parse_dim, known)
        .where(current_parse.c.year.between(first_year, last_year), parse_dim.c.parse_id.is_(None))
    )


def seconds(moment: str) -> int:
    """An ISO time as whole seconds since 1970; without an offset it is Asia/Shanghai's."""
    return int(_aware(moment).timestamp())


def _aware(moment: str) -> datetime:
    read = datetime.fromisoformat(moment)
    return read if read.tzinfo is not None else read.replace(tzinfo=SHANGHAI)


def _load_times(connection: Connection, first_year: int, last_year: int) -> None:
    statement = (
        select(
            submission.c.submission_id,
            submission.c.revision,
            submission.c.submitted_at,
            submission.c.received_at,
        )
        .outerjoin(
            submission_dim,
            and_(
                submission_dim.c.submission_id == submission.c.submission_id,
                submission_dim.c.revision == submission.c.revision,
            ),
        )
        .where(submission.c.year.between(first_year, last_year), submission_dim.c.submission_id.is_(None))
    )
    for rows in blocks(
        connection, statement, _BATCH
    ):  # each submission is met once, whatever is written meanwhile
        insert_rows(connection, submission_dim, map(_times, rows))


def _times(row: Any) -> dict[str, Any]:
    return {
        "submission_id": row.submission_id,
        "revision": row.revision,
        "submitted_second": seconds(row.submitted_at),
        "submitted_day": _aware(row.submitted_at).astimezone(SHANGHAI).date().isoformat(),
        "received_second": seconds(row.received_at),
    }


def _load(connection: Connection, waiting: Select[tuple[int]]) -> None:
    # those of an older version
    connection.execute(delete(value_token).where(value_token.c.parse_id.in_(waiting)))
    connection.execute(delete(parse_dim).where(parse_dim.c.parse_id.in_(waiting)))
    tokens = chain(_of_notes(connection, waiting), _of_evidence(connection, waiting))
    while some := list(
        islice(tokens, _BATCH)
    ):  # not while they are being read: that takes the connection too
        insert_rows(connection, value_token, some)
    loaded = waiting.add_columns(literal(TOKENS_VERSION))
    connection.execute(insert(parse_dim).from_select(["parse_id", "tokens_version"], loaded))


def _of_notes(connection: Connection, waiting: Select[tuple[int]]) -> Iterator[dict[str, Any]]:
    statement = select(value.c.parse_id, value.c.value_id, value.c.note).where(
        value.c.parse_id.in_(waiting), value.c.note != ""
    )
    for row in connection.execute(statement.execution_options(yield_per=_BATCH)):
        key = {"parse_id": row.parse_id, "value_id": row.value_id}
        for kind, token, length in tokens_of(row.note):
            yield {**key, "kind": kind, "token": token, "length": length}


def _of_evidence(connection: Connection, waiting: Select[tuple[int]]) -> Iterator[dict[str, Any]]:
    """Of a submission's files; the first row of its table stands for them."""
    own = and_(
        submission_file.c.submission_id == parse.c.submission_id,
        submission_file.c.revision == parse.c.revision,
    )
    statement = (
        select(parse.c.parse_id, func.min(value.c.value_id).label("value_id"), submission_file.c.sha256)
        .join(submission_file, own)
        .join(value, value.c.parse_id == parse.c.parse_id)
        .where(parse.c.parse_id.in_(waiting), submission_file.c.role == "evidence")
        .group_by(parse.c.parse_id, submission_file.c.sha256)
    )
    for row in connection.execute(statement.execution_options(yield_per=_BATCH)):
        yield {
            "parse_id": row.parse_id,
            "value_id": row.value_id,
            "kind": "evidence",
            "token": row.sha256,
            "length": 0,
        }


def tokens_of(note: str) -> Iterator[tuple[str, str, int]]:
    """The tokens of a note: kind, token, and the letters it stands for."""
    alike = unicodedata.normalize("NFKC", note)
    letters = "".join(filter(str.isalpha, alike))
    if len(letters) >= _SHORTEST_TEXT:
        yield "text", sha256_hex(letters.encode()), len(letters)
    yield from (("number", number, len(number)) for number in dict.fromkeys(_numbers("".join(alike.split()))))


def document_numbers(note: str) -> tuple[str, ...]:
    """The case and document numbers in a note, written alike: ``包府发〔2024〕12号``.

    >>> document_numbers("依据包府发[2024] 12 号，案号（2024）内0203行初7号。")
    ('包府发〔2024〕12号', '〔2024〕内0203行初7号')
    """
    return tuple(number for kind, number, _ in tokens_of(note) if kind == "number")


def _numbers(plain: str) -> Iterator[str]:
    """From the year, which is rare, to both sides: a pattern that begins with any letters costs ten times as much."""
    end = 0
    for year in _YEAR.finditer(plain):
        after = _AFTER_YEAR.match(plain, year.end())
        if after is None:
            continue
        before = _NOT_OF_A_NAME.split(plain[max(end, year.start() - _LONGEST_NAME) : year.start()])[-1]
        yield f"{_LEADING_WORDS.sub('', before)}〔{year[1]}〕{after[1]}{after[2]}号"
        end = after.end()
