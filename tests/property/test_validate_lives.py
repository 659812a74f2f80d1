"""Judging what changed gives what judging everything gives, whatever was submitted and decided in between.

A city lives through random acts: the examples of the checks, passing and failing, are submitted by random units as new
revisions, mixed with one another; 不适用 is approved and withdrawn, the year locked, an older reading made current
again. After each validation the same store is judged from nothing, and every column of every finding has to agree.
"""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from fazhi.model.terms import Tag
from fazhi.store import open_store, read, write
from fazhi.store.tables import (
    current_parse,
    current_validation,
    finding,
    parse,
    slice_parse,
    submission,
    validation,
    validation_basis,
    year_lock,
)
from fazhi.systems.rule_kinds import judged_by
from support.validate import EDITIONS, City, small_registry, unit

EDITION = EDITIONS.by_id("2024")
NAMES = ("甲单位", "丙单位", "丁单位")
EXAMPLES = [
    [*example.get("others", ()), *example["rows"]]
    for check in EDITION.checks
    if judged_by(check.rule, check.params) == "values"
    for example in (check.example_pass, check.example_fail)
]
EXCUSED = sorted({row["indicator"] for rows in EXAMPLES for row in rows if row.get("na") == "1"})
SOAK = bool(os.environ.get("FAZHI_SOAK"))
LIVES = 300 if SOAK else 12
pytestmark = [pytest.mark.soak] if SOAK else []  # `make soak` takes what is marked

Rows = Sequence[Mapping[str, str]]


def submissions_of(rows: Rows) -> list[Rows]:
    """The rows by the submission that they would come in."""
    grouped: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in rows:
        sender = row.get("by") or row.get("unit", "甲单位")
        of = (row.get("kind", "unit"), sender, row.get("year", "0"), row.get("period", ""))
        grouped.setdefault(of, []).append(row)
    return list(grouped.values())


COMPARING = [number for number, rows in enumerate(EXAMPLES) if len(submissions_of(rows)) > 1]
"""Examples about several submissions: one may come again without the other."""

some_examples = st.lists(st.sampled_from(range(len(EXAMPLES))), min_size=1, max_size=4)
comparing_ones = st.lists(st.sampled_from(COMPARING), min_size=1, max_size=3)
parts = st.sampled_from(("all", "first", "last"))
acts = st.one_of(
    st.tuples(st.just("submit"), st.sampled_from(NAMES), some_examples, st.just("all")),
    st.tuples(st.just("submit"), st.sampled_from(NAMES), comparing_ones, parts),
    st.tuples(st.just("submit"), st.sampled_from(NAMES), comparing_ones, parts),
    st.tuples(
        st.just("excuse"),
        st.sampled_from(NAMES),
        st.sampled_from(EXCUSED),
        st.sampled_from(("approve", "withdraw")),
    ),
    st.tuples(st.just("claim"), st.sampled_from(NAMES), st.sampled_from(EXCUSED)),
    st.tuples(st.just("lock"), st.sampled_from(("30", "100"))),
    st.tuples(st.just("go back"), st.integers(0, 20)),
    st.tuples(st.just("leave unread"), st.integers(0, 20), st.integers(1, 3), st.booleans()),
)
nights = st.lists(st.lists(acts, min_size=1, max_size=3), min_size=2, max_size=5)


def submit(city: City, name: str, examples: Sequence[int], part: str) -> None:
    """Some examples, or the first or last submission of each; who is called 甲单位 there is called otherwise."""

    def named(row: Mapping[str, str]) -> dict[str, str]:
        renamed = {key: name if text == "甲单位" else text for key, text in row.items() if key != "revision"}
        if "by" not in row:
            renamed.setdefault("unit", name)
        return renamed

    chosen = {"all": slice(None), "first": slice(1), "last": slice(-1, None)}[part]
    sent = [rows for number in examples for rows in submissions_of(EXAMPLES[number])[chosen]]
    city.submit([named(row) for rows in sent for row in rows])


def go_back(city: City, number: int) -> None:
    """Make an older reading of some submission current again."""
    with write(city.engine) as connection:
        parses = list(connection.execute(select(parse).order_by(parse.c.parse_id)).mappings())
        if not parses:
            return
        one = parses[number % len(parses)]
        same = [current_parse.c[name] == one[name] for name in ("kind", "sender_code", "period")]
        connection.execute(current_parse.update().where(*same).values(parse_id=one["parse_id"]))


def leave_unread(city: City, number: int, revision: int, same_file: bool) -> None:
    """Receive one more submission for a period that somebody reported, which is not read; perhaps the same file."""
    with write(city.engine) as connection:
        sent = list(connection.execute(select(submission).order_by(submission.c.submission_id)).mappings())
        if not sent:
            return
        like = sent[number % len(sent)]
        file = f"workbook {like['submission_id'][1:].lstrip('0')}" if same_file else f"unread {len(sent)}"
        known = {name: like[name] for name in ("kind", "sender_code", "year", "period")}
        city._submitted += 1
        city._submission(connection, known, revision, [{"sent": "20", "clerk": "乙某", "file": file}])


def act(city: City, one: tuple[Any, ...]) -> None:
    kind, *more = one
    if kind == "submit":
        submit(city, *more)
    elif kind == "claim":
        name, indicator = more
        city.submit([{"unit": name, "by": name, "indicator": indicator, "na": "1", "reason": "合成数据"}])
    elif kind == "excuse":
        name, indicator, verdict = more
        city.approve_not_applicable(indicator, verdict, name)
    elif kind == "lock":
        if not city.count(year_lock):
            city.lock(*more)
    elif kind == "leave unread":
        leave_unread(city, *more)
    else:
        go_back(city, *more)


def found(city: City) -> list[tuple[Any, ...]]:
    """The findings of the current validation, without their own numbers."""
    columns = [column for column in finding.c if column.name not in ("finding_id", "validation_id")]
    in_force = select(current_validation.c.validation_id)
    with read(city.engine) as connection:
        rows = connection.execute(select(*columns).where(finding.c.validation_id.in_(in_force)))
        return sorted((tuple(row) for row in rows), key=repr)


def checked(city: City) -> int:
    with read(city.engine) as connection:
        statement = select(validation.c.values_checked).join(
            current_validation, current_validation.c.validation_id == validation.c.validation_id
        )
        return int(connection.execute(statement).scalar_one())


def from_nothing(city: City, folder: Path) -> City:
    """The same store, judged as if nothing had ever been judged."""
    with city.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    path = folder / "again.db"
    shutil.copyfile(str(city.engine.url.database), path)
    fresh = replace(city, engine=open_store(f"sqlite:///{path}"))
    with write(fresh.engine) as connection:
        connection.execute(delete(validation_basis))
        connection.execute(delete(current_validation))
        connection.execute(delete(slice_parse))
        connection.execute(delete(finding).where(finding.c.validation_id.is_not(None)))
        connection.execute(delete(validation))
    fresh.judge()
    return fresh


@pytest.fixture(autouse=True)
def always_carried_over():
    """However much has changed: a small city is never large enough for it."""
    with patch("fazhi.validate.basis._WORTH_IT", 0):
        yield


@settings(
    max_examples=LIVES,
    phases=(
        Phase.explicit,
        Phase.generate,
    ),  # a life is short, and shrinking one takes longer than reading it
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(nights)
def test_what_is_carried_over_is_what_would_be_found(lived: Sequence[Sequence[tuple[Any, ...]]]) -> None:
    registry = small_registry(EDITION, *(unit(name, Tag.LEAD, Tag.ENF) for name in NAMES[1:]))
    with TemporaryDirectory() as name:
        city = City.at(Path(name), EDITION, registry=registry)
        city.set_deadline("60", "day")
        for night in lived:
            for one in night:
                act(city, one)
            city.judge()
            fresh = from_nothing(city, Path(name))
            assert found(city) == found(fresh)
            assert checked(city) == checked(fresh)
            fresh.engine.dispose()
        city.engine.dispose()
