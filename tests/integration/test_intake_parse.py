"""Collected submissions become parses, values and findings, once each, whatever happens in between."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from fazhi.collect import collect_folder
from fazhi.intake import parse, parse_slice, reader_digest
from fazhi.store import read, tables
from fazhi.store.raw import RawStore
from support.intake import OTHER_UNIT, UNIT, book, csv_text, put_submission, row

TODAY = date(2025, 3, 1)
NOW = datetime(2025, 3, 1, 1, 30, tzinfo=timezone(timedelta(hours=8)))
RECORD = f"{UNIT},2024,A1.1,6669,6861,99.49%,,,,"


@pytest.fixture
def edition(editions):
    return editions.for_year(2024)


@pytest.fixture
def inbox(tmp_path):
    return tmp_path / "inbox"


@pytest.fixture
def raw(tmp_path):
    return RawStore(str(tmp_path / "raw"))


@pytest.fixture
def run(engine, raw, inbox, edition, registry):
    def collect_and_parse(edition=edition, year=2024):
        collect_folder(engine, raw, inbox, year, now=NOW)
        return parse_slice(engine, raw, edition, registry, year, TODAY)

    return collect_and_parse


def rows(engine, table):
    with read(engine) as connection:
        return connection.execute(select(table)).all()


def current_values(engine):
    query = select(tables.value).join(
        tables.current_parse, tables.current_parse.c.parse_id == tables.value.c.parse_id
    )
    with read(engine) as connection:
        return connection.execute(query.order_by(tables.value.c.value_id)).all()


def test_values_and_findings_lie_under_their_parse(engine, inbox, run, edition, registry):
    put_submission(inbox, "S1", {"表.csv": csv_text(RECORD, f"{UNIT},2024,A1.2,/,5,,,,,").encode()})
    counts = run()
    assert (counts.parsed, counts.unreadable, counts.values, counts.findings, counts.problems) == (
        1,
        0,
        2,
        1,
        (),
    )
    (parsed,) = rows(engine, tables.parse)
    assert (parsed.submission_id, parsed.revision, parsed.readable) == ("S1", 1, 1)
    assert (parsed.system_id, parsed.system_digest) == (edition.system_id, edition.digest)
    assert parsed.reader_digest == reader_digest(edition, registry)
    assert parsed.parsed_at == "2025-03-01T00:00:00+08:00"
    first, second = current_values(engine)
    assert (first.stated_ratio, first.row_no, first.numerator_q) == ("0.9949", 1, 6_669_000_000)
    (finding,) = rows(engine, tables.finding)
    assert (finding.rule, finding.severity, finding.sheet, finding.cell) == (
        "NA_TOKEN",
        "block",
        None,
        "3:numerator",
    )
    assert (finding.value_id, finding.value_digest) == (second.value_id, second.value_digest)
    assert (finding.validation_id, finding.unit_code, finding.indicator_code) == (None, UNIT, "A1.2")
    assert (finding.submission_id, finding.revision, finding.period) == ("S1", 1, "2024")
    assert json.loads(finding.related) == []


def test_again_changes_nothing(engine, inbox, run):
    put_submission(inbox, "S1", {"表.csv": csv_text(RECORD).encode()})
    run()
    names = (tables.parse, tables.current_parse, tables.value, tables.finding)
    before = [rows(engine, table) for table in names]
    counts = run()
    assert (counts.already, counts.parsed) == (1, 0)
    assert [rows(engine, table) for table in names] == before


@pytest.mark.parametrize(
    ("content", "rule", "name"),
    [
        (b"", "EMPTY", "填报表.xlsx"),
        (b"%PDF-1.4", "NOT_DATA", "填报表.xlsx"),
        (b"PK\x03\x04", "FILE_TYPE", "填报表.xlsx"),
        (b"a,b\n1,2\n", "FILE_TYPE", "填报表.xlsx"),
        (b"a,b\n1,2\n", "NOT_TEMPLATE", "填报表.csv"),
    ],
)
def test_an_unreadable_file_has_a_parse_with_one_finding_and_others_go_on(
    engine, inbox, run, content, rule, name
):
    put_submission(inbox, "bad", {name: content})
    put_submission(inbox, "good", {"表.csv": csv_text(RECORD).encode()}, period="2024-Q3")
    counts = run()
    assert (counts.parsed, counts.unreadable, counts.problems) == (2, 1, ())
    (finding,) = [f for f in rows(engine, tables.finding) if f.submission_id == "bad"]
    assert (finding.rule, finding.value_id, finding.sheet, finding.cell) == (rule, None, None, None)
    assert (finding.unit_code, finding.period) == (UNIT, "2024")
    parsed = {p.submission_id: p.readable for p in rows(engine, tables.parse)}
    assert parsed == {"bad": 0, "good": 1}


def test_no_workbook_and_two_workbooks(engine, inbox, run):
    put_submission(inbox, "none", {}, evidence={"附件.pdf": b"%PDF"})
    put_submission(inbox, "two", {"a.csv": csv_text(RECORD).encode(), "b.csv": b"x"}, period="2024-Q3")
    counts = run()
    assert (counts.parsed, counts.unreadable) == (2, 2)
    found = {f.submission_id: (f.rule, f.message_zh) for f in rows(engine, tables.finding)}
    assert found["none"][0] == "EMPTY"
    assert found["two"][0] == "NOT_TEMPLATE"
    assert "a.csv" in found["two"][1]
    assert "b.csv" in found["two"][1]


def test_a_failure_of_the_reader_is_not_the_departments_fault(engine, inbox, run, monkeypatch):
    put_submission(inbox, "S1", {"表.csv": csv_text(RECORD).encode()})
    put_submission(inbox, "S2", {"表.csv": csv_text(RECORD).encode()}, period="2024-Q3")
    real = parse.read_submission

    def failing(workbooks, submitted, *rest, **more):
        if str(submitted.period) == "2024-Q3":
            raise ZeroDivisionError("a bug")
        return real(workbooks, submitted, *rest, **more)

    monkeypatch.setattr(parse, "read_submission", failing)
    counts = run()
    assert (counts.parsed, len(counts.problems)) == (1, 1)
    assert "S2" in counts.problems[0]
    assert rows(engine, tables.finding) == []
    assert [p.submission_id for p in rows(engine, tables.parse)] == ["S1"]
    monkeypatch.setattr(parse, "read_submission", real)
    counts = run()
    assert (counts.already, counts.parsed, counts.problems) == (1, 1, ())


def test_a_raw_file_that_is_gone_is_a_problem_of_the_system(
    engine, raw, inbox, run, edition, registry, tmp_path
):
    put_submission(inbox, "S1", {"表.csv": csv_text(RECORD).encode()})
    collect_folder(engine, raw, inbox, 2024, now=NOW)
    counts = parse_slice(engine, RawStore(str(tmp_path / "other")), edition, registry, 2024, TODAY)
    assert (counts.parsed, len(counts.problems)) == (0, 1)
    assert parse_slice(engine, raw, edition, registry, 2024, TODAY).parsed == 1


def test_a_newer_revision_takes_the_place_of_the_older(engine, inbox, run):
    put_submission(inbox, "r1", {"a.csv": csv_text(RECORD).encode()}, submission_id="S")
    run()
    put_submission(
        inbox, "r2", {"a.csv": csv_text(f"{UNIT},2024,A1.1,7,8,,,,,").encode()}, submission_id="S", revision=2
    )
    run()
    assert [(v.numerator, v.denominator) for v in current_values(engine)] == [("7", "8")]
    assert len(rows(engine, tables.parse)) == 2
    assert len(rows(engine, tables.current_parse)) == 1


def test_another_edition_reads_anew_and_coming_back_points_back(engine, inbox, run, edition):
    put_submission(inbox, "S1", {"a.csv": csv_text(RECORD).encode()})
    run()
    first = [v.value_id for v in current_values(engine)]
    assert run(replace(edition, digest="0" * 64)).parsed == 1
    assert [v.value_id for v in current_values(engine)] != first
    counts = run()
    assert (counts.parsed, counts.already) == (0, 1)
    assert [v.value_id for v in current_values(engine)] == first


def test_a_run_killed_while_writing_leaves_nothing_and_goes_on(engine, inbox, run, monkeypatch):
    for number in range(1, 4):
        put_submission(inbox, f"S{number}", {"a.csv": csv_text(RECORD).encode()}, period=f"2024-0{number}")
    monkeypatch.setattr(parse, "_PER_TRANSACTION", 1)
    real, calls = parse._point, []

    def killed(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(parse, "_point", killed)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(rows(engine, tables.parse)) == len(rows(engine, tables.current_parse)) == 1
    monkeypatch.setattr(parse, "_point", real)
    assert run().parsed == 2
    values = current_values(engine)
    assert sorted(v.period for v in values) == ["2024-01", "2024-02", "2024-03"]


def test_a_transaction_ends_with_the_submission_that_fills_it(engine, inbox, run, monkeypatch):
    """However many submissions there are, no more values than that are held at a time."""
    for number in range(1, 6):
        put_submission(inbox, f"S{number}", {"a.csv": csv_text(RECORD).encode()}, period=f"2024-0{number}")
    monkeypatch.setattr(parse, "_VALUES_PER_TRANSACTION", 2)
    real, held = parse._store, []

    def stored(connection, batch, reader):
        held.append(sum(len(reading.values) for _, reading in batch))
        return real(connection, batch, reader)

    monkeypatch.setattr(parse, "_store", stored)
    assert run().values == 5
    assert held == [2, 2, 1]


def test_only_the_year_asked_for_is_read(engine, raw, inbox, run, editions):
    put_submission(inbox, "S1", {"a.csv": csv_text(RECORD).encode()})
    put_submission(inbox, "S0", {"a.csv": csv_text(RECORD).encode()}, period="2023")
    assert run().parsed == 1
    assert run(editions.for_year(2023), 2023).parsed == 1


def test_workbooks_and_evidence_of_one_submission(engine, inbox, run):
    table = book(
        [row("A1.1", numerator=1, denominator=2, evidence="清单.pdf;缺.pdf")], cover={"填报期": "2024"}
    )
    put_submission(inbox, "S1", {"填报表.xlsx": table}, evidence={"清单.pdf": b"%PDF"})
    run()
    (value,) = current_values(engine)
    assert (value.evidence_named, value.evidence_missing, value.sheet, value.cell_evidence) == (
        2,
        "缺.pdf",
        "填报表",
        "N3",
    )


def test_an_office_submission(engine, inbox, run):
    text = csv_text(f"{UNIT},2024,A1.4,,,1,,,,", f"{OTHER_UNIT},2024,A1.4,,,3余件,,,,")
    put_submission(inbox, "O1", {"a.csv": text.encode()}, kind="office", unit="11150200MB1A010125")
    run()
    assert [(v.kind, v.unit_code, v.reporter_code, v.amount) for v in current_values(engine)] == [
        ("office", UNIT, "11150200MB1A010125", "1"),
        ("office", OTHER_UNIT, "11150200MB1A010125", None),
    ]
    found = [(f.unit_code, f.rule) for f in rows(engine, tables.finding)]
    assert found == [(OTHER_UNIT, "FUZZY_NUMBER"), (OTHER_UNIT, "FUZZY_MALFORMED")]


def test_progress_is_told(engine, raw, inbox, edition, registry):
    put_submission(inbox, "S1", {"a.csv": csv_text(RECORD).encode()})
    collect_folder(engine, raw, inbox, 2024, now=NOW)
    seen = []
    parse_slice(engine, raw, edition, registry, 2024, TODAY, seen.append)
    assert seen == ["已读取报送 1/1"]
