"""Runs and their findings: every page together is the whole list, whatever is looked for."""

import csv
import io
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import insert, select

from fazhi.desk import runs as desk_runs
from fazhi.desk.paging import cursor_of, key_of
from fazhi.desk.runs import (
    Count,
    Filters,
    all_findings,
    counts_by_severity,
    findings,
    judged,
    newest_run,
    regions_judged,
    run_of,
    runs,
)
from fazhi.desk.tables import csv_pieces, workbook_pieces
from fazhi.model.errors import UsageError
from fazhi.store import open_store, read, write
from fazhi.store.tables import (
    current_parse,
    current_validation,
    finding,
    parse,
    pipeline_run,
    slice_parse,
    validation,
)

YEAR, REGION, OTHER = 2024, "150200", "150300"
START = datetime.fromisoformat("2025-01-01T01:30:00+08:00")
DIGEST = "0" * 64


def at(days: float) -> str:
    return (START + timedelta(days=days)).isoformat(timespec="seconds")


def add_run(connection, days: float, year: int = YEAR, **more) -> str:
    run_id = f"scheduled__{year}-{days}"
    row = {
        "run_id": run_id,
        "year": year,
        "run_type": "scheduled",
        "mode": "auto",
        "system_id": "synth",
        "system_digest": DIGEST,
        "started_at": at(days),
    }
    connection.execute(insert(pipeline_run).values(**(row | more)))
    return run_id


def add_validation(connection, days: float, region: str = REGION, current: bool = True) -> int:
    made = connection.execute(
        insert(validation).values(
            year=YEAR,
            region=region,
            input_digest=f"{days}{region}".ljust(64, "0"),
            duty_digest=DIGEST,
            system_id="synth",
            system_digest=DIGEST,
            validated_at=at(days),
            values_checked=7,
        )
    ).inserted_primary_key[0]
    if current:
        connection.execute(insert(current_validation).values(year=YEAR, region=region, validation_id=made))
    return made


def add_parse(connection, sender: str, revision: int = 1, region: str | None = REGION) -> int:
    about = {"kind": "unit", "sender_code": sender, "period": f"{YEAR}-Q1", "year": YEAR}
    made = connection.execute(
        insert(parse).values(
            **about,
            submission_id=f"s-{sender}",
            revision=revision,
            reader_digest=DIGEST,
            system_id="synth",
            system_digest=DIGEST,
            file_sha256=DIGEST,
            readable=1,
            parsed_at=at(0),
        )
    ).inserted_primary_key[0]
    if region is not None:
        connection.execute(insert(current_parse).values(**about, parse_id=made))
        connection.execute(
            insert(slice_parse).values(
                parse_id=made,
                year=YEAR,
                region=region,
                system_id="synth",
                system_digest=DIGEST,
                duty_digest=DIGEST,
            )
        )
    return made


def finding_row(parse_id: int, validation_id: int | None, unit: str, **more) -> dict:
    row = {
        "parse_id": parse_id,
        "validation_id": validation_id,
        "year": YEAR,
        "period": f"{YEAR}-Q1",
        "unit_code": unit,
        "indicator_code": "A1.1",
        "submission_id": f"s-{unit}",
        "revision": 1,
        "check_id": "C1",
        "rule": "NEGATIVE",
        "severity": "block",
        "message_zh": "数值不能小于 0",
        "message_en": "negative",
        "fix_zh": "更正",
        "value_raw": None,
        "system_id": "synth",
        "system_digest": DIGEST,
    }
    return row | more


UNITS = tuple(f"U{number:02d}" for number in range(12))
RULES = ("NEGATIVE", "PART_MISSING", "OUTLIER")
SEVERITIES = ("block", "hold", "warn", "note", "security")
TEXTS = ("教育局的分母", "100%_真", "=1+1", "普通")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A run with some hundreds of findings of all kinds, and everything that must not show in it."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('runs') / 'fazhi.db'}")
    dice = random.Random(5)
    with write(engine) as connection:
        add_run(connection, 0)
        run_id = add_run(connection, 2)
        old = add_validation(connection, 0.1, current=False)
        now = add_validation(connection, 1)
        other = add_validation(connection, 1, region=OTHER)
        parses = {name: add_parse(connection, name) for name in UNITS}
        replaced = {name: add_parse(connection, name, revision=2, region=None) for name in UNITS[:4]}
        elsewhere = add_parse(connection, "V", region=OTHER)
        rows = []
        for _ in range(420):
            name = dice.choice(UNITS)
            rows.append(
                finding_row(
                    parses[name],
                    dice.choice((now, now, now, None)),
                    name,
                    indicator_code=dice.choice(("A1.1", "A1.10", None)),
                    rule=dice.choice(RULES),
                    severity=dice.choice(SEVERITIES),
                    message_zh=dice.choice(TEXTS),
                )
            )
        rows += [finding_row(parse_id, None, name) for name, parse_id in replaced.items() for _ in range(30)]
        rows += [finding_row(elsewhere, validation_id, "V") for validation_id in (other, None)]
        rows += [finding_row(parses["U00"], old, "U00") for _ in range(5)]
        connection.execute(insert(finding), rows)
    yield engine, run_id
    engine.dispose()


def in_force(engine, wanted: Filters) -> list[int]:
    """The findings that a filter leaves, told without the read model."""
    with read(engine) as connection:
        now = connection.execute(
            select(current_validation.c.validation_id).where(current_validation.c.region == REGION)
        ).scalar_one()
        current = set(
            connection.scalars(select(slice_parse.c.parse_id).where(slice_parse.c.region == REGION))
        )
        rows = connection.execute(select(finding).order_by(finding.c.unit_code, finding.c.finding_id)).all()
    return [
        row.finding_id
        for row in rows
        if row.parse_id in current
        and row.validation_id in (now, None)
        and wanted.unit in ("", row.unit_code)
        and wanted.indicator in ("", row.indicator_code)
        and wanted.rule in ("", row.rule)
        and wanted.severity in ("", row.severity)
        and wanted.text.lower()
        in " ".join(filter(None, (row.message_zh, row.value_raw, row.cell, row.submission_id))).lower()
    ]


def walked(engine, run_id: str, wanted: Filters) -> tuple[list[int], int]:
    found, cursor, pages = [], None, 0
    with read(engine) as connection:
        of = judged(connection, run_of(connection, run_id), REGION)
        while True:
            page = findings(connection, of, wanted, cursor)
            found += [row.finding_id for row in page.rows]
            pages += 1
            assert len(page.rows) <= 50
            cursor = page.next
            if cursor is None:
                return found, pages


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wanted=st.builds(
        Filters,
        unit=st.sampled_from(("", "", *UNITS)),
        indicator=st.sampled_from(("", "", "A1.1", "A1.10")),
        rule=st.sampled_from(("", "", *RULES)),
        severity=st.sampled_from(("", "", *SEVERITIES)),
        text=st.sampled_from(("", "", "教育局", "%", "_", "S-U03", "没有这样的文字")),
    ),
    stretch=st.sampled_from((60, 97, 2_000)),
)
def test_the_pages_together_are_the_whole_list_in_order(filled, monkeypatch, wanted, stretch):
    engine, run_id = filled
    expected = in_force(engine, wanted)
    monkeypatch.setattr(desk_runs, "STRETCH", stretch)
    found, _ = walked(engine, run_id, wanted)
    assert found == expected
    with read(engine) as connection:
        of = judged(connection, run_of(connection, run_id), REGION)
    assert [row.finding_id for row in all_findings(engine, of, wanted)] == expected


def test_a_search_that_stops_says_how_far_it_looked(filled, monkeypatch):
    engine, run_id = filled
    monkeypatch.setattr(desk_runs, "STRETCH", 60)
    with read(engine) as connection:
        of = judged(connection, run_of(connection, run_id), REGION)
        page = findings(connection, of, Filters(text="没有这样的文字"))
        assert (page.rows, page.looked_through) == ((), 60)
        assert page.next is not None
        page = findings(connection, of, Filters(unit="U01"))
        assert page.looked_through is None


def test_counts_are_exact_up_to_the_bound_and_then_say_so(filled, monkeypatch):
    engine, run_id = filled
    with read(engine) as connection:
        of = judged(connection, run_of(connection, run_id), REGION)
        counts = counts_by_severity(connection, of)
        assert counts == {
            severity: Count(len(in_force(engine, Filters(severity=severity)))) for severity in counts
        }
        alone = counts_by_severity(connection, of, unit="U03")
        assert alone["hold"] == Count(len(in_force(engine, Filters(unit="U03", severity="hold"))))
        monkeypatch.setattr(desk_runs, "COUNTED_TO", 10)
        assert counts_by_severity(connection, of)["note"] == Count(10, more=True)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Filters(severity="fatal"), "fatal"),
        (Filters(text="长" * 101), "不能超过 100"),
    ],
)
def test_filters_that_cannot_be_are_refused(filled, wanted, told):
    engine, run_id = filled
    with read(engine) as connection:
        of = judged(connection, run_of(connection, run_id), REGION)
        with pytest.raises(UsageError, match=told):
            findings(connection, of, wanted)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "!!",
        "WyJVIl0",
        cursor_of(("U", "1")),
        cursor_of((1, 1)),
        cursor_of(("U", 2**63)),
        "é",
        "WyJcdWQ4MDAiLDFd",
    ],
)
def test_a_cursor_that_is_none_is_refused(filled, cursor):
    engine, run_id = filled
    with read(engine) as connection:
        of = judged(connection, run_of(connection, run_id), REGION)
        with pytest.raises(UsageError, match="翻页"):
            findings(connection, of, cursor=cursor)


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.integers(-(2**62), 2**62)
)
def test_a_cursor_comes_back_as_it_was(text, number):
    assert key_of(cursor_of((text, number)), (str, int)) == (text, number)


def test_runs_are_listed_newest_first_in_pages(engine):
    with write(engine) as connection:
        for number in range(120):
            add_run(connection, number, year=2023 + number % 2)
    with read(engine) as connection:
        first = runs(connection)
        second = runs(connection, cursor=first.next)
        third = runs(connection, cursor=second.next)
        assert third.next is None
        seen = [run.started_at for page in (first, second, third) for run in page.rows]
        assert seen == sorted((at(number) for number in range(120)), reverse=True)
        of_year = runs(connection, years=[2024])
        assert {run.year for run in of_year.rows} == {2024}
        assert len(of_year.rows) == 50
        assert newest_run(connection, 2024).started_at == at(119)
        assert newest_run(connection, 2020) is None
        assert run_of(connection, "nothing") is None


def test_an_earlier_run_shows_the_validation_it_stood_on(engine):
    with write(engine) as connection:
        first, second, third = (add_run(connection, days) for days in (0, 1, 2))
        name = add_parse(connection, "U")
        early = add_validation(connection, 0.1, current=False)
        late = add_validation(connection, 2.1)
        connection.execute(
            insert(finding),
            [finding_row(name, validation_id, "U") for validation_id in (early, late, late, None)],
        )
    with read(engine) as connection:
        found = {
            run_id: judged(connection, run_of(connection, run_id), REGION)
            for run_id in (first, second, third)
        }
        assert [(one.validation_id, one.kept, one.newest) for one in found.values()] == [
            (early, False, False),
            (early, True, False),
            (late, False, True),
        ]
        assert [len(findings(connection, one).rows) for one in found.values()] == [1, 1, 3]
        assert regions_judged(connection, YEAR) == (REGION,)
        nowhere = judged(connection, run_of(connection, first), OTHER)
        assert (nowhere.validation_id, findings(connection, nowhere).rows) == (None, ())


HOSTILE = (
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "＝1",
    "<script>alert(1)</script>",
    "a\x00b",
)


def test_nothing_in_a_download_runs():
    rows = [(text, 1) for text in HOSTILE]
    written = b"".join(csv_pieces(("文字", "数"), rows)).decode("utf-8-sig")
    cells = [row[0] for row in csv.reader(io.StringIO(written))][1:]
    book = load_workbook(
        io.BytesIO(b"".join(workbook_pieces("表", (("文字", 20), ("数", 5)), rows, "")))
    ).active
    for given_text, in_csv, cell in zip(
        HOSTILE, cells, [row[0] for row in book.iter_rows(min_row=2)], strict=True
    ):
        assert in_csv == cell.value
        assert cell.data_type == "s"
        assert in_csv[0] not in "=+-@\t＝" or given_text[0] == "<"
        assert "\x00" not in in_csv


def test_a_workbook_says_where_it_was_cut(monkeypatch):
    monkeypatch.setattr("fazhi.desk.tables.WORKBOOK_ROWS", 3)
    made = b"".join(workbook_pieces("表", (("数", 5),), ((n,) for n in range(5)), "只列出前 3 条"))
    values = [row[0] for row in load_workbook(io.BytesIO(made)).active.iter_rows(values_only=True)]
    assert values == ["数", 0, 1, 2, "只列出前 3 条"]
