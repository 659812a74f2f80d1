"""From the portal to the store: what is taken, what is told, and that nothing is lost or doubled."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fazhi.collect import PortalClient, collect_folder, collect_portal
from fazhi.collect.portal import OVERLAP
from fazhi.model.errors import ConfigurationError, Unreachable
from fazhi.sandbox import Fault, FaultKind, SandboxPortal
from fazhi.store import read, tables, write
from fazhi.store.raw import RawStore
from support.intake import UNIT, put_submission
from support.portal import BEGIN, IMPATIENT, NOW, TOKEN, client_of, item_of, put_on, sha256_of

FILES = "/v1/files/"
LIST = "/v1/submissions"


@pytest.fixture
def portal():
    with SandboxPortal(token=TOKEN) as running:
        yield running


@pytest.fixture
def raw(tmp_path):
    return RawStore(str(tmp_path / "raw"))


@pytest.fixture
def collect(engine, raw, portal):
    def collected(year=2024, now=NOW, **options):
        with client_of(portal, **options) as client:
            return collect_portal(engine, raw, client, year, now=now)

    return collected


def rows(engine, *names):
    with read(engine) as connection:
        return [
            sorted(map(tuple, connection.execute(select(tables.metadata.tables[name])))) for name in names
        ]


def recorded(engine):
    with read(engine) as connection:
        found = connection.execute(select(tables.submission.c.submission_id, tables.submission.c.revision))
        return sorted(map(tuple, found))


def asked(portal, path=LIST):
    return [target for _, target, _ in portal.requests if target.startswith(path)]


def test_a_submission_is_kept_with_its_files_and_is_current(engine, raw, portal, collect):
    put_on(portal, "S1", {"表.csv": b"unit_code\n", "附件.pdf": b"%PDF"})
    counts = collect()
    assert (counts.found, counts.new, counts.known, counts.problems) == (1, 1, 0, ())
    (files,) = rows(engine, "submission_file")
    assert [(f[1], f[2], f[3]) for f in files] == [(1, "表.csv", "workbook"), (1, "附件.pdf", "evidence")]
    assert {raw.get(f[4]) for f in files} == {b"unit_code\n", b"%PDF"}
    with read(engine) as connection:
        (row,) = connection.execute(select(tables.submission)).mappings()
        (current,) = connection.execute(select(tables.current_submission)).mappings()
    assert (row["source"], row["sender_code"], row["submitted_by"]) == ("portal", UNIT, "合成填报员")
    assert (current["submission_id"], current["revision"]) == ("S1", 1)


def test_again_asks_from_before_the_mark_and_changes_nothing(engine, portal, collect):
    put_on(portal, "S1")
    put_on(portal, "S2", minutes=5, revision=2)
    collect()
    before = rows(engine, "raw_file", "submission", "submission_file", "current_submission")
    portal.requests.clear()
    counts = collect()
    assert (counts.new, counts.known, counts.problems) == (0, 2, ())
    assert rows(engine, "raw_file", "submission", "submission_file", "current_submission") == before
    mark = (BEGIN + timedelta(minutes=5) - OVERLAP).isoformat()
    (request,) = portal.requests
    assert (
        request[1]
        == f"{LIST}?year=2024&limit=200&updated_after={mark.replace(':', '%3A').replace('+', '%2B')}"
    )


def test_all_pages_are_read(engine, portal, collect):
    for number in range(450):
        put_on(portal, f"S{number:03d}", {"a.csv": b"same"}, minutes=number / 100, revision=number + 1)
    counts = collect()
    assert (counts.found, counts.new) == (450, 450)
    assert len(asked(portal)) == 3
    assert len(asked(portal, FILES)) == 1  # one content, fetched once


def test_only_the_year_asked_for_even_if_the_portal_sends_others(engine, portal, collect, monkeypatch):
    put_on(portal, "old", period="2023")
    put_on(portal, "new", period="2024-Q3")
    monkeypatch.setattr("fazhi.sandbox.portal._wanted", lambda listed, query: list(listed))
    assert collect().new == 1
    assert recorded(engine) == [("new", 1)]


def test_equal_times_late_items_and_items_given_twice(engine, portal, collect):
    for name in "abc":
        put_on(portal, name, revision=ord(name))
    portal.faults.add(Fault(FaultKind.LATE, path=LIST))
    assert collect().new == 2
    put_on(portal, "d", revision=200)  # the same moment, listed later
    portal.faults.add(Fault(FaultKind.DUPLICATE, path=LIST))
    counts = collect()
    assert (counts.new, counts.known, counts.problems) == (2, 2, ())
    assert len(recorded(engine)) == 4


def test_an_item_that_comes_again_on_the_next_page_counts_once(engine, portal, collect):
    for number in range(250):
        put_on(portal, f"S{number:03d}", {"a.csv": b"same"}, minutes=number, revision=number + 1)
    portal.faults.add(Fault(FaultKind.DUPLICATE, path="cursor="))
    counts = collect()
    assert (counts.found, counts.new, counts.known, counts.problems) == (250, 250, 0, ())


def test_an_item_older_than_the_mark_by_less_than_the_overlap_is_found(engine, portal, collect):
    put_on(portal, "first", minutes=24 * 60)
    collect()
    put_on(portal, "late", minutes=1, revision=2)
    assert collect().new == 1


def test_a_time_to_come_does_not_hide_what_comes_until_then(engine, portal, collect):
    put_on(portal, "clock", updated_at="2031-01-01T00:00:00+08:00", submitted_at="2025-01-05T09:00:00+08:00")
    collect()
    put_on(portal, "next", minutes=60 * 24 * 20, revision=2)
    assert collect(now=NOW + timedelta(days=7)).new == 1


def test_another_portal_is_read_from_its_beginning(engine, raw, portal, collect):
    put_on(portal, "S1", minutes=60 * 24 * 10)
    collect()
    with SandboxPortal(token=TOKEN) as other, client_of(other) as client:
        put_on(other, "S2", revision=2)
        assert collect_portal(engine, raw, client, 2024, now=NOW).new == 1


def test_a_damaged_file_is_fetched_again(engine, raw, portal, collect):
    put_on(portal, "S1", {"表.csv": b"unit_code,period\n"})
    portal.faults.add(Fault(FaultKind.DAMAGE, path=FILES, times=2))
    assert collect().new == 1
    assert raw.get(sha256_of(b"unit_code,period\n")) == b"unit_code,period\n"


def test_a_file_that_is_always_damaged_is_told_and_tried_the_next_night(engine, portal, collect):
    put_on(portal, "bad", {"坏.csv": b"bad"})
    put_on(portal, "good", minutes=60 * 24 * 5, revision=2)
    portal.faults.add(Fault(FaultKind.DAMAGE, path=FILES + sha256_of(b"bad"), times=3))
    counts = collect()
    assert (counts.new, len(counts.problems)) == (1, 1)
    assert "门户报送 bad 第1次：文件“坏.csv”" in counts.problems[0]
    assert recorded(engine) == [("good", 2)]
    counts = collect()  # five days behind the newest, and still on the list that is asked for
    assert (counts.new, counts.known, counts.problems) == (1, 1, ())


def test_a_cut_transfer_goes_on_where_it_stopped(engine, raw, portal, collect):
    content = bytes(range(256)) * 4096
    put_on(portal, "S1", {"大.bin": content})
    portal.faults.add(Fault(FaultKind.TRUNCATE, path=FILES, times=6))
    assert collect().new == 1
    assert raw.get(sha256_of(content)) == content
    assert [status for _, target, status in portal.requests if FILES in target] == [200] + [206] * 6


@pytest.mark.parametrize(
    ("fault", "times"),
    [
        (Fault(FaultKind.STATUS, status=429, retry_after=2), 3),
        (Fault(FaultKind.STATUS, status=503, retry_after=1), 3),
        (Fault(FaultKind.STATUS, status=500), 3),
        (Fault(FaultKind.STATUS, status=502, retry_after=None), 3),
        (Fault(FaultKind.CUT), 3),
        (Fault(FaultKind.GARBLE, path=LIST), 3),
        (Fault(FaultKind.TRUNCATE, path=LIST), 3),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_what_passes_is_waited_for(engine, portal, collect, fault, times):
    put_on(portal, "S1")
    for _ in range(times):
        portal.faults.add(fault)
    waited = []
    assert collect(sleep=waited.append).new == 1
    assert waited[0] == float(fault.retry_after or 0) if fault.kind is FaultKind.STATUS else waited
    assert len(waited) == times


def test_a_time_out_is_tried_again(engine, portal, collect):
    put_on(portal, "S1")
    portal.faults.add(Fault(FaultKind.DELAY, seconds=1.0, path=LIST))
    hurried = type(IMPATIENT)(attempts=3, first_wait=0.0, longest_wait=1.0, read_timeout=0.3)
    assert collect(retry=hurried).new == 1


def test_a_portal_that_asks_for_more_than_we_wait_is_left_alone(engine, portal, collect):
    portal.faults.add(Fault(FaultKind.STATUS, status=429, retry_after=3600))
    with pytest.raises(Unreachable, match="门户答复 429；共尝试1次"):
        collect()
    assert len(portal.requests) == 1


def test_a_portal_that_stays_away_stops_the_step_and_keeps_what_was_had(engine, portal, collect):
    for number in range(6):
        put_on(portal, f"S{number}", minutes=number, revision=number + 1)
    for name in (b"S2", b"S3", b"S4"):
        portal.faults.add(Fault(FaultKind.STATUS, status=503, path=sha256_of(name), times=99))
    with pytest.raises(Unreachable, match="报送门户"):
        collect()
    assert recorded(engine) == [("S0", 1), ("S1", 2)]
    assert rows(engine, "portal_mark") == [[]]
    portal.faults.clear()
    assert collect().new == 4


def test_one_file_that_cannot_be_reached_stops_no_other(engine, portal, collect):
    for number in range(3):
        put_on(portal, f"S{number}", minutes=number, revision=number + 1)
    portal.faults.add(Fault(FaultKind.STATUS, status=500, path=sha256_of(b"S1"), times=99))
    counts = collect()
    assert (counts.new, len(counts.problems)) == (2, 1)
    portal.faults.clear()
    assert collect().new == 1


def test_a_refused_token_ends_at_once(engine, portal, raw):
    with (
        PortalClient(portal.url, "other-token", retry=IMPATIENT) as client,
        pytest.raises(ConfigurationError, match="不认可我方令牌"),
    ):
        collect_portal(engine, raw, client, 2024, now=NOW)
    assert len(portal.requests) == 1


def test_a_redirect_is_not_followed(engine, portal, collect):
    with SandboxPortal(token=TOKEN) as other:
        portal.faults.add(Fault(FaultKind.STATUS, status=302, location=other.url + LIST))
        with pytest.raises(ConfigurationError, match="要求转到别的地址（答复 302）"):
            collect()
        assert other.requests == []


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("ftp://portal.example", TOKEN),
        ("http://", TOKEN),
        ("http://user:word@portal.example", TOKEN),
        ("http://portal.example?x=1", TOKEN),
        ("http://portal.example", ""),
        ("http://portal.example", "two\r\nlines"),
        ("http://portal.example", "汉字"),
    ],
)
def test_an_address_or_token_that_cannot_be_used_is_refused(url, token):
    with pytest.raises(ConfigurationError):
        PortalClient(url, token)


def test_the_token_is_in_no_message(portal, collect):
    assert TOKEN not in repr(client_of(portal))
    portal.faults.add(Fault(FaultKind.STATUS, status=500, times=9))
    with pytest.raises(Unreachable) as stop:
        collect()
    assert TOKEN not in str(stop.value)


def test_a_file_that_is_gone_is_told_and_stops_no_other(engine, portal, collect):
    put_on(portal, "gone")
    portal.shelf.remove_file(sha256_of(b"gone"))
    put_on(portal, "there", revision=2)
    counts = collect()
    assert counts.new == 1
    assert counts.problems == ("门户报送 gone 第1次：文件“表.csv”门户上已没有这个文件（答复 404）",)


def test_a_file_beyond_the_limit_is_not_fetched(engine, portal, collect):
    item = item_of("large", {"大.csv": b"x"})
    item["files"][0]["size"] = 10**12
    portal.shelf.add(item)
    (problem,) = collect().problems
    assert "超过209715200字节的上限" in problem
    assert asked(portal, FILES) == []


def test_a_file_that_goes_on_beyond_the_limit_is_dropped(engine, portal, collect):
    put_on(portal, "S1", {"大.csv": b"x" * 1000})
    (problem,) = collect(largest_file=1000).problems or ("",)
    assert problem == ""
    put_on(portal, "S2", {"大.csv": b"y" * 1001}, revision=2)
    (problem,) = collect(largest_file=1000).problems
    assert "上限" in problem


HOSTILE = {
    "no files": {"files": "x"},
    "path": {"files": [{"name": "../../etc/passwd", "role": "workbook", "sha256": "0" * 64, "size": 1}]},
    "backslash": {"files": [{"name": "..\\x.xlsx", "role": "workbook", "sha256": "0" * 64, "size": 1}]},
    "digest": {"files": [{"name": "a", "role": "workbook", "sha256": "../" + "0" * 61, "size": 1}]},
    "revision": {"revision": 0},
    "huge revision": {"revision": 2**40},
    "period": {"period": "2024-13"},
    "kind": {"kind": "other"},
    "id": {"submission_id": "a\nb"},
    "no id": {"submission_id": None},
    "time": {"submitted_at": "yesterday"},
    "year": {"year": 2024, "period": "2023"},
}


def test_unusable_items_are_told_in_chinese_and_stop_no_other(engine, tmp_path, portal, collect):
    for number, changes in enumerate(HOSTILE.values()):
        portal.shelf.add({**item_of(f"bad{number}"), **changes}, at=BEGIN)
    put_on(portal, "good", revision=2)
    counts = collect()
    assert (counts.new, len(counts.problems)) == (1, len(HOSTILE))
    for problem in counts.problems:
        assert problem.startswith("门户报送 ")
        assert problem.endswith("未收取，更正后将在下次收取")
    assert recorded(engine) == [("good", 2)]
    outside = {path.name for path in tmp_path.rglob("*") if path.is_file() and "raw" not in path.parts}
    assert {name.split(".")[0] for name in outside} == {"fazhi"}  # the store alone


def test_items_that_are_no_submission_are_told(engine, portal, collect, monkeypatch):
    put_on(portal, "good")
    junk = [None, 7, "x", [], [[]], {"submission_id": {"a": 1}}]
    page = portal._answered

    def with_junk(request, **how):
        honest = page(request, **how)
        return type(honest)(200, {"items": [*junk, *honest.data["items"]], "next_cursor": None})

    monkeypatch.setattr(portal, "_answered", with_junk)
    counts = collect()
    assert (counts.new, len(counts.problems)) == (1, len(junk))


def test_pages_that_go_in_a_circle_end(engine, portal, collect, monkeypatch):
    put_on(portal, "S1")
    monkeypatch.setattr("fazhi.sandbox.portal._cursor", lambda place: "MA==")
    for number in range(250):
        put_on(portal, f"S{number}", {"a.csv": b"same"}, revision=number + 2)
    with pytest.raises(Unreachable, match="翻页出现循环"):
        collect()
    assert len(asked(portal)) <= 4
    assert rows(engine, "portal_mark") == [[]]


def test_an_undated_item_is_taken_and_leaves_the_mark(engine, portal, collect):
    put_on(portal, "S1", updated_at="soon", at=BEGIN)
    assert collect().new == 1
    assert rows(engine, "portal_mark") == [[]]


def test_other_content_under_a_known_revision_is_told_and_not_taken(engine, portal, collect):
    put_on(portal, "S1")
    collect()
    put_on(portal, "S1", {"表.csv": b"other"}, minutes=3)
    counts = collect()
    assert (counts.new, len(counts.problems)) == (0, 1)
    assert "请提高修订号" in counts.problems[0]
    assert asked(portal, FILES + sha256_of(b"other")) == []


@pytest.mark.parametrize("order", [("portal", "folder"), ("folder", "portal")])
def test_the_portal_and_the_folder_bring_one_submission_once(engine, raw, portal, collect, tmp_path, order):
    put_on(portal, "S1", {"表.csv": b"same"})
    put_submission(tmp_path / "inbox", "S1", {"表.csv": b"same"})
    sources = {
        "portal": collect,
        "folder": lambda: collect_folder(engine, raw, tmp_path / "inbox", 2024, now=NOW),
    }
    first, second = (sources[name]() for name in order)
    assert (first.new, second.new, second.known, second.problems) == (1, 0, 1, ())
    assert recorded(engine) == [("S1", 1)]


def test_a_rival_that_records_in_between_makes_it_known(engine, raw, portal, monkeypatch):
    """What another source wrote after we looked is refused by the store, and then seen."""
    put_on(portal, "S1")
    with client_of(portal) as client:
        collect_portal(engine, raw, client, 2024, now=NOW)
        real = collect_portal.__globals__["known_contents"]
        looked = []

        def blind(connection, ids):
            looked.append(ids)
            return {} if len(looked) == 1 else real(connection, ids)

        monkeypatch.setitem(collect_portal.__globals__, "known_contents", blind)
        counts = collect_portal(engine, raw, client, 2024, now=NOW)
    assert (counts.new, counts.known) == (0, 1)


def test_a_mark_is_only_one_portals_own(engine, portal, collect):
    put_on(portal, "S1")
    collect()
    with write(engine) as connection:
        connection.execute(update(tables.portal_mark).values(origin="http://elsewhere.example"))
    portal.requests.clear()
    collect()
    assert asked(portal) == [f"{LIST}?year=2024&limit=200"]
