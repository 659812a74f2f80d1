"""From the inbox to the store: what is taken, what is told, and that doing it again changes nothing."""

import os
import shutil
import tracemalloc
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import select

from fazhi.collect import collect_folder
from fazhi.collect.inbox import items
from fazhi.store import read, tables
from fazhi.store.raw import RawStore
from support.intake import OTHER_UNIT, UNIT, book, put_submission, row

NOW = datetime(2025, 1, 6, 1, 30, tzinfo=timezone(timedelta(hours=8)))
CONTENT = b"unit_code,period\n"


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def raw(tmp_path):
    return RawStore(str(tmp_path / "raw"))


@pytest.fixture
def collect(engine, raw, inbox):
    return lambda year=2024: collect_folder(engine, raw, inbox, year, now=NOW)


def everything(engine):
    names = ("raw_file", "submission", "submission_file", "current_submission")
    with read(engine) as connection:
        return {
            name: sorted(map(tuple, connection.execute(select(tables.metadata.tables[name]))))
            for name in names
        }


def current(engine):
    with read(engine) as connection:
        rows = connection.execute(select(tables.current_submission)).all()
    return {(r.kind, r.sender_code, r.period): (r.submission_id, r.revision) for r in rows}


def test_a_submission_is_kept_and_is_current(engine, raw, inbox, collect):
    put_submission(inbox, "S1", {"表.csv": CONTENT}, evidence={"附件.pdf": b"%PDF"})
    counts = collect()
    assert (counts.found, counts.new, counts.known, counts.problems) == (1, 1, 0, ())
    rows = everything(engine)
    assert [(r[1], r[2], r[3]) for r in rows["submission_file"]] == [
        (1, "表.csv", "workbook"),
        (1, "附件.pdf", "evidence"),
    ]
    assert {raw.get(r[4]) for r in rows["submission_file"]} == {CONTENT, b"%PDF"}
    assert current(engine) == {("unit", UNIT, "2024"): ("S1", 1)}


def test_again_changes_nothing(engine, inbox, collect):
    put_submission(inbox, "S1", {"表.csv": CONTENT})
    (inbox / "bare.xlsx").write_bytes(
        book([row("A1.1")], cover={"统一社会信用代码": OTHER_UNIT, "填报期": "2024"})
    )
    collect()
    before = everything(engine)
    counts = collect()
    assert (counts.new, counts.known, counts.problems) == (0, 2, ())
    assert everything(engine) == before


def test_only_the_year_asked_for(engine, inbox, collect):
    put_submission(inbox, "S1", {"a.csv": CONTENT}, period="2023")
    put_submission(inbox, "S2", {"a.csv": CONTENT}, period="2024-Q3")
    assert (collect().found, collect(2023).found) == (1, 1)
    assert set(current(engine)) == {("unit", UNIT, "2024-Q3"), ("unit", UNIT, "2023")}


def test_groups_of_folders_are_gone_through(engine, inbox, collect):
    put_submission(inbox / "2024" / "第三季度", "S1", {"a.csv": CONTENT})
    counts = collect()
    assert (counts.new, counts.problems) == (1, ())


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_higher_revision_replaces_a_lower_one_whatever_the_order(engine, inbox, collect, order):
    for revision in order:
        put_submission(
            inbox, f"r{revision}", {"a.csv": f"{revision}".encode()}, submission_id="S", revision=revision
        )
        collect()
    assert current(engine) == {("unit", UNIT, "2024"): ("S", 2)}


@pytest.mark.parametrize("order", [("early", "late"), ("late", "early")])
def test_rivals_with_one_revision_are_told_and_the_later_stands(engine, inbox, collect, order):
    for name in order:
        at = "2025-01-05T09:00:00+08:00" if name == "early" else "2025-01-05T02:00:00Z"
        put_submission(inbox, name, {"a.csv": name.encode()}, submitted_at=at)
        counts = collect()
    assert current(engine) == {("unit", UNIT, "2024"): ("late", 1)}
    assert len(counts.problems) == 1
    assert "early" in counts.problems[0]
    assert "late" in counts.problems[0]


def test_offices_and_units_stand_side_by_side(engine, inbox, collect):
    put_submission(inbox, "own", {"a.csv": CONTENT})
    put_submission(inbox, "office", {"a.csv": CONTENT}, kind="office")
    collect()
    assert set(current(engine)) == {("unit", UNIT, "2024"), ("office", UNIT, "2024")}


def test_other_content_under_a_known_revision_is_told_and_not_taken(engine, inbox, collect):
    put_submission(inbox, "S1", {"a.csv": CONTENT})
    collect()
    before = everything(engine)
    put_submission(inbox, "S1", {"a.csv": b"changed"})
    counts = collect()
    assert (counts.new, counts.known, len(counts.problems)) == (0, 0, 1)
    assert "修订号" in counts.problems[0]
    assert everything(engine) == before


def test_one_broken_folder_does_not_stop_the_others(engine, inbox, collect):
    put_submission(inbox, "a-broken", {"a.csv": CONTENT})
    (inbox / "a-broken" / "submission.json").write_text("{")
    put_submission(inbox, "b-damaged", {"a.csv": CONTENT})
    (inbox / "b-damaged" / "a.csv").write_bytes(b"half of i")
    put_submission(inbox, "c-missing", {"a.csv": CONTENT})
    (inbox / "c-missing" / "a.csv").unlink()
    put_submission(inbox, "d-good", {"a.csv": CONTENT}, unit=OTHER_UNIT)
    counts = collect()
    assert (counts.found, counts.new) == (3, 1)
    told = sorted(counts.problems)
    assert [
        name in text for name, text in zip(("a-broken", "b-damaged", "c-missing"), told, strict=True)
    ] == [True] * 3
    assert "JSON" in told[0]
    assert "SHA-256" in told[1]
    assert "a.csv" in told[2]
    assert set(current(engine)) == {("unit", OTHER_UNIT, "2024")}


def test_a_folder_that_was_half_copied_is_taken_when_it_is_complete(engine, inbox, collect):
    place = put_submission(inbox, "S1", {"a.csv": CONTENT})
    (place / "a.csv").write_bytes(CONTENT[:5])
    assert collect().new == 0
    (place / "a.csv").write_bytes(CONTENT)
    assert collect().new == 1


def test_links_and_pipes_are_not_followed(engine, inbox, collect, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_bytes(CONTENT)
    place = put_submission(inbox, "S1", {"a.csv": CONTENT})
    (place / "a.csv").unlink()
    (place / "a.csv").symlink_to(secret)
    pipe = put_submission(inbox, "S2", {"a.csv": CONTENT}, unit=OTHER_UNIT)
    (pipe / "a.csv").unlink()
    os.mkfifo(pipe / "a.csv")
    shutil.copytree(pipe.parent / "S1", tmp_path / "elsewhere", symlinks=True)
    (inbox / "S3").symlink_to(tmp_path / "elsewhere")
    counts = collect()
    assert (counts.new, current(engine)) == (0, {})
    assert len(counts.problems) == 3
    assert sum("链接" in text for text in counts.problems) == 2
    assert sum("不是普通文件" in text for text in counts.problems) == 1


def test_names_never_become_paths(engine, inbox, collect, tmp_path):
    (tmp_path / "outside.csv").write_bytes(CONTENT)
    place = put_submission(inbox, "S1", {"a.csv": CONTENT})
    text = (place / "submission.json").read_text().replace('"a.csv"', '"../../outside.csv"')
    (place / "submission.json").write_text(text)
    counts = collect()
    assert (counts.new, len(counts.problems)) == (0, 1)
    assert "文件名" in counts.problems[0]


def test_a_name_on_disk_in_another_unicode_form_is_found(engine, inbox, collect):
    place = put_submission(inbox, "S1", {"r\u00e9sum\u00e9.csv": CONTENT})
    (place / "r\u00e9sum\u00e9.csv").rename(place / "re\u0301sume\u0301.csv")
    assert collect().new == 1


def test_leftovers_of_other_programs_are_ignored(engine, inbox, collect):
    for name in (".DS_Store", "~$表.xlsx", "Thumbs.db", "x.tmp"):
        (inbox / name).write_bytes(b"x")
    (inbox / "empty").mkdir()
    counts = collect()
    assert (counts.found, counts.problems) == (0, ())


# --- bare workbooks


def bare(value, **cover):
    labels = {"统一社会信用代码": UNIT, "填报期": "2024年第三季度", "填报日期": "2024-10-08", **cover}
    return book([row("A1.1", numerator=value, denominator=10)], cover=labels)


def test_a_bare_workbook_is_taken_by_its_cover(engine, inbox, collect):
    (inbox / "x.xlsx").write_bytes(bare(1))
    assert (collect().new, collect().known) == (1, 1)
    with read(engine) as connection:
        submission = connection.execute(select(tables.submission)).one()
    assert submission.submission_id.startswith("folder-")
    assert (submission.revision, submission.period, submission.sender_code) == (1, "2024-Q3", UNIT)
    assert submission.submitted_at == "2024-10-08T00:00:00+08:00"


def test_a_changed_bare_workbook_is_the_next_revision_and_going_back_too(engine, inbox, collect):
    first, second = bare(1), bare(2)  # made once: a workbook has the second of its making in it
    for expected, content in enumerate((first, second, second, first), 1):
        (inbox / "x.xlsx").write_bytes(content)
        collect()
        revision = next(iter(current(engine).values()))[1]
        assert revision == (expected if expected < 3 else expected - 1)


def test_a_bare_workbook_follows_a_portal_revision(engine, inbox, collect):
    put_submission(inbox, "S1", {"a.csv": CONTENT}, period="2024-Q3", revision=4)
    collect()
    (inbox / "x.xlsx").write_bytes(bare(1))
    collect()
    assert next(iter(current(engine).values()))[1] == 5


def test_two_bare_workbooks_of_one_unit_settle(engine, inbox, collect):
    (inbox / "a.xlsx").write_bytes(bare(1))
    (inbox / "b.xlsx").write_bytes(bare(2))
    first, second = collect(), collect()
    assert (first.new, second.new, second.known) == (2, 0, 2)
    assert all("多份" in text for text in second.problems)
    assert next(iter(current(engine).values()))[1] == 2


def test_evidence_lies_beside_a_bare_workbook(engine, inbox, collect):
    (inbox / "某单位").mkdir()
    (inbox / "某单位" / "x.xlsx").write_bytes(bare(1))
    (inbox / "某单位" / "附件.pdf").write_bytes(b"%PDF")
    assert collect().new == 1
    assert [(r[2], r[3]) for r in everything(engine)["submission_file"]] == [
        ("x.xlsx", "workbook"),
        ("附件.pdf", "evidence"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("x.xlsx", b"", "没有内容"),
        ("x.xlsx", b"%PDF-1.7", "PDF"),
        ("x.xlsx", book([row("A1.1")]), "封面"),
        ("x.xlsx", bare(1, 填报期="去年"), "填报期"),
        ("x.csv", CONTENT, "submission.json"),
    ],
)
def test_a_bare_file_that_does_not_say_whose_it_is_is_told(engine, inbox, collect, name, content, word):
    (inbox / name).write_bytes(content)
    counts = collect()
    assert (counts.new, len(counts.problems)) == (0, 1)
    assert word in counts.problems[0]
    assert name in counts.problems[0]


def test_a_folder_with_two_workbooks_and_no_manifest_is_told(engine, inbox, collect):
    (inbox / "d").mkdir()
    for name in ("a.xlsx", "b.xlsx"):
        (inbox / "d" / name).write_bytes(bare(1))
    counts = collect()
    assert (counts.new, len(counts.problems)) == (0, 1)
    assert "submission.json" in counts.problems[0]


def test_an_inbox_that_does_not_exist_holds_nothing(engine, raw, tmp_path):
    counts = collect_folder(engine, raw, tmp_path / "none", 2024, now=NOW)
    assert (counts.found, len(counts.problems)) == (0, 1)


def test_progress_counts_every_submission(engine, raw, inbox):
    for number in range(3):
        put_submission(inbox, f"S{number}", {"a.csv": CONTENT}, period=f"2024-0{number + 1}")
    seen = []
    collect_folder(engine, raw, inbox, 2024, seen.append, now=NOW)
    assert seen == ["已收取报送 3 份"]


def test_a_long_inbox_is_held_as_names_alone(inbox):
    """A province's inbox of some years has half a million submissions; ten years of it have to fit."""
    sent = 2_000
    for number in range(sent):
        (inbox / "2024" / f"合成-{number:036}").mkdir(parents=True)
        (inbox / "2024" / f"合成-{number:036}" / "submission.json").touch()
    tracemalloc.start()
    try:
        found = sum(1 for _ in items(inbox))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == sent
    assert peak < 350 * sent
