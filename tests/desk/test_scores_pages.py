"""The pages of scores and runs: what the store holds is what they show, for whom it is, and harmless."""

import io
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from fazhi.desk import Ability, Person
from fazhi.desk.runs import FINDING_HEADS
from fazhi.desk.scores import unit_score
from fazhi.pipeline import Ground, now_in_shanghai
from fazhi.store import read
from fazhi.store.tables import (
    metadata,
)
from support.desk import PERSONS, DeskClient, desk_client
from support.desk_city import OTHER_REGION, REGION, DeskCity, run_id_of
from support.desk_pages import busiest, in_csv, scored, words

YEAR = 2023
SCORES = f"/scores/{YEAR}/{REGION}"
RUN = f"/runs/{quote(run_id_of(YEAR), safe='')}"
HERE_ONLY = Person("5", "here-1", "", {Ability.READ: frozenset({REGION})})


@pytest.fixture(scope="module")
def browser(shared_city: DeskCity) -> Iterator[DeskClient]:
    with desk_client(shared_city.settings) as client:
        yield client.as_person(PERSONS["viewer"])


# --- scores


def test_every_unit_is_ranked_once_and_the_downloads_say_the_same(shared_city, browser):
    expected = scored(shared_city, YEAR)
    shown, after = {}, ""
    answer = browser.get(SCORES)
    assert "暂列名次" in words(answer.text)
    for pool in re.findall(r'<h2 id="([^"]+)"', answer.text):
        after = ""
        while True:
            page = browser.get(f"{SCORES}?pool={pool}{after}").text
            shown |= dict(re.findall(rf'{SCORES}/(\w{{18}})">.*?number strong">([\d.−]+)<', page, re.S))
            following = re.search(r'rel="next" href="[^"]*after=([^"&]+)', page)
            if following is None:
                break
            after = f"&after={following[1]}"
    assert shown == expected
    table = in_csv(browser.get(f"{SCORES}/ranking.csv"))
    assert {row[3]: row[5] for row in table[1:]} == expected
    sheet = load_workbook(io.BytesIO(browser.get(f"{SCORES}/ranking.xlsx").content)).active
    assert [[str(cell or "") for cell in row] for row in sheet.iter_rows(values_only=True)] == table


def test_a_unit_s_page_shows_every_number_down_to_its_cell(shared_city, browser):
    unit = busiest(shared_city, YEAR)
    ground = Ground(shared_city.settings)
    with read(shared_city.engine) as connection:
        found = unit_score(
            connection, ground.registry, ground.edition(YEAR), YEAR, unit, today=now_in_shanghai().date()
        )
    page = browser.get(f"{SCORES}/{unit}").text
    text = words(page)
    assert f"得分 R {found.head.score} " in text
    for line in found.lines:
        assert f'id="line-{line.indicator_code}"' in page
        for figure in line.figures:
            assert figure.figure in text
    linked = [figure.place for line in found.lines for figure in line.figures if figure.place.revision]
    assert linked
    for place in linked:
        address = f"/submissions/{quote(place.submission_id, safe='')}/{place.revision}?cell="
        assert address in page
        assert f"SHA-256 {place.file_sha256}" in page


def test_pages_are_looked_at_without_a_trace(shared_city, browser):
    unit = busiest(shared_city, YEAR)

    def everything():
        with read(shared_city.engine) as connection:
            return [
                connection.execute(select(table).order_by(*table.primary_key)).all()
                for table in metadata.sorted_tables
            ]

    before = everything()
    for path in (
        SCORES,
        f"{SCORES}/stability",
        f"{SCORES}/{unit}",
        f"{SCORES}/{unit}/pending",
        f"{SCORES}/{unit}/last-year",
        "/runs",
        RUN,
    ):
        for language in ("zh", "en"):
            browser.client.cookies.set("fazhi_desk_language", language)
            assert browser.get(path).status_code == 200
    browser.client.cookies.clear()
    assert everything() == before


def test_the_calculation_is_a_workbook_of_formulas(shared_city, browser):
    unit = busiest(shared_city, YEAR)
    answer = browser.get(f"{SCORES}/{unit}/explained.xlsx")
    book = load_workbook(io.BytesIO(answer.content))
    assert any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/scores/1999/150200", 404),
        ("/scores/2023/999999", 404),
        ("/scores/2023/150200/nobody", 404),
        (f"/scores/2023/{OTHER_REGION}/{{unit}}", 404),
        ("/scores/2022/150200/{unit}", 404),
        ("/scores/2023/150200/{unit}?version=99", 400),
        ("/scores/2023/150200/{unit}?version=x", 400),
        ("/scores/2023/150200/{unit}/versions/99", 400),
        ("/scores/2023/150200?after=x", 400),
        ("/scores/x/150200", 404),
        ("/runs/nothing", 404),
        ("/runs?year=1999", 404),
        ("/runs?after=WyJcdWQ4MDAiLCIxIl0", 400),
        (f"{RUN}?region=999999", 404),
        (f"{RUN}?severity=fatal", 400),
        (f"{RUN}?after=!!", 400),
        (f"{RUN}/findings.csv?severity=fatal", 400),
    ],
)
def test_what_an_address_says_is_checked(shared_city, browser, path, status):
    answer = browser.get(path.format(unit=busiest(shared_city, YEAR)))
    assert answer.status_code == status
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (SCORES, 200),
        (f"/scores/{YEAR}/{OTHER_REGION}", 403),
        (RUN, 200),
        (f"{RUN}?region={OTHER_REGION}", 403),
        (f"{RUN}/findings.csv?region={OTHER_REGION}", 403),
        (f"{RUN}/report.html", 403),
    ],
)
def test_a_region_s_person_sees_that_region(browser, path, status):
    assert DeskClient(browser.client, HERE_ONLY).get(path).status_code == status


# --- runs


def in_force(city: DeskCity) -> int:
    """The findings of the year's region, counted by the store's own way."""
    from fazhi.store.findings import current_findings

    with read(city.engine) as connection:
        return len(current_findings(connection, YEAR))


def test_a_run_s_pages_hold_every_finding_and_the_download_too(shared_city, browser):
    expected = in_force(shared_city)
    seen, after = 0, ""
    while True:
        page = browser.get(f"{RUN}?region={REGION}{after}").text
        seen += page.count('<td class="said">')
        following = re.search(r'rel="next" href="([^"]+)"', page)
        if following is None:
            break
        after = "&after=" + re.search(r"after=([^&\"]+)", unescape(following[1]))[1]
    assert seen == expected
    assert expected > 50
    table = in_csv(browser.get(f"{RUN}/findings.csv?region={REGION}"))
    assert table[0] == [head for head, _ in FINDING_HEADS]
    assert len(table) - 1 == expected
    sheet = load_workbook(io.BytesIO(browser.get(f"{RUN}/findings.xlsx?region={REGION}").content)).active
    assert sheet.max_row - 1 == expected


def test_a_word_finds_units_by_name_and_filters_stay_in_the_links(shared_city, browser):
    page = browser.get(f"{RUN}?region={REGION}&text=财政局&severity=block").text
    assert "包头市财政局" in words(page)
    assert "severity=block&amp;text=%E8%B4%A2%E6%94%BF%E5%B1%80" in page


def test_the_report_of_a_run_is_kept_for_those_who_see_all_regions(shared_city, browser):
    answer = browser.get(f"{RUN}/report.html")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "核验报告" in answer.content.decode()
