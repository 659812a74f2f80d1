"""Submissions recorded together are what they are recorded one by one, and the current one is the highest."""

from datetime import datetime, timedelta, timezone
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from fazhi.collect.manifest import ListedFile, Manifest
from fazhi.collect.record import record
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.store import tables, write

FIRST = datetime(2025, 1, 6, 9, tzinfo=timezone(timedelta(hours=8)))
TABLES = (tables.current_submission, tables.submission_file, tables.submission, tables.raw_file)
SENDERS = {"a": "2024-Q1", "b": "2024-Q1", "c": "2024-Q2", "d": "2024-Q1", "e": "2024"}


@st.composite
def manifests(draw):
    """A few submissions of one unit that rival one another, with files in common."""
    name = draw(st.sampled_from("abcde"))
    content = draw(st.sampled_from("123"))
    return Manifest(
        submission_id=f"S-{name}",
        revision=draw(st.integers(1, 3)),
        kind=SubmissionKind.UNIT,
        sender_code="合成单位",
        period=Period.parse(SENDERS[name]),
        submitted_at=(FIRST + timedelta(hours=draw(st.integers(0, 2)))).isoformat(),
        submitted_by="",
        files=(ListedFile("表.csv", "workbook", content * 64, int(content)),),
    )


def recorded(engine, batches):
    """What the store holds after some batches, and what was told."""
    problems, new, known = [], 0, 0
    with write(engine) as connection:
        for table in TABLES:
            connection.execute(delete(table))
        for batch in batches:
            one = record(connection, "folder", batch, FIRST.isoformat())
            problems += one.problems
            new, known = new + one.new, known + one.known
        held = [sorted(map(tuple, connection.execute(select(table)))) for table in TABLES]
    return held, problems, (new, known)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(manifests(), max_size=8), cuts=st.lists(st.integers(0, 8), max_size=3))
def test_together_is_one_by_one(engine, sent, cuts):
    places = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    batches = [sent[first:last] for first, last in pairwise(places)]
    together = recorded(engine, batches)
    assert together == recorded(engine, [[one] for one in sent])
    pointers = {(row[1], row[2]): (row[4], row[5]) for row in together[0][0]}
    assert pointers == highest(sent)


def highest(sent):
    """Of each sender and period the submission that counts; of one sent twice the first."""
    first = {}
    for one in sent:
        first.setdefault((one.submission_id, one.revision), one)
    best = {}
    for one in first.values():
        key = (one.sender_code, str(one.period))
        rank = (one.revision, one.submitted_at, one.submission_id)
        best[key] = max(best.get(key, rank), rank)
    return {key: (identity, revision) for key, (revision, _, identity) in best.items()}


def test_more_files_than_one_statement_may_name(engine):
    sent = [
        Manifest(
            submission_id=f"S-{number}",
            revision=1,
            kind=SubmissionKind.UNIT,
            sender_code=f"合成单位{number}",
            period=Period.parse("2024"),
            submitted_at=FIRST.isoformat(),
            submitted_by="",
            files=tuple(
                ListedFile(f"{file}.pdf", "evidence", f"{number * 1_000 + file:064x}", 1)
                for file in range(1_000)
            ),
        )
        for number in range(70)
    ]
    held, problems, counts = recorded(engine, [sent])
    assert (len(held[0]), len(held[1]), problems, counts) == (70, 70_000, [], (70, 0))
    assert recorded(engine, [sent, sent])[2] == (70, 70)
