"""Pages of scores and runs on a store that changes, and on one that was written by somebody hostile."""

import io
from urllib.parse import quote

from openpyxl import load_workbook
from sqlalchemy import insert, select, update

from fazhi import pipeline
from fazhi.store import write
from fazhi.store.tables import (
    current_result,
    current_validation,
    finding,
    result,
    result_input,
    value,
)
from support.desk import PERSONS
from support.desk_city import OTHER_REGION, REGION, DeskCity, run_id_of
from support.desk_pages import busiest, in_csv, rows_of, scored, words

YEAR = 2023
SCORES = f"/scores/{YEAR}/{REGION}"
RUN = f"/runs/{quote(run_id_of(YEAR), safe='')}"
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.invalid")',
    "+1+cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "{{ 7*7 }}",
)


def test_what_a_decision_would_bring_stands_beside_the_score(city, desk):
    """A hold on everything that a unit reported on one indicator; the page tells what lifting it brings."""
    unit = busiest(city, YEAR)
    code = rows_of(city, result_input.c.indicator_code, unit_code=unit, year=YEAR, kind="submission")[0][0]
    before = scored(city, YEAR)[unit]
    hold_on(city, unit, code)
    pipeline.score(city.settings, YEAR, REGION)
    held = {
        row.version: row.score
        for row in rows_of(city, result.c.version, result.c.score, unit_code=unit, year=YEAR)
    }
    assert held[1] == before
    assert held[2] != before
    reader = desk.as_person(PERSONS["viewer"])
    text = words(reader.get(f"{SCORES}/{unit}/pending").text)
    assert f"现行得分 {held[2]} " in text
    assert f"全部同意后 {before} " in text
    changes = words(reader.get(f"{SCORES}/{unit}/versions/1").text)
    assert "第 2 版与第 1 版比较" in changes
    assert code in changes
    assert pipeline.Ground(city.settings).edition(YEAR).by_code[code].name_zh in changes


def hold_on(city: DeskCity, unit: str, code: str) -> None:
    with write(city.engine) as connection:
        validation_id = connection.execute(
            select(current_validation.c.validation_id).where(
                current_validation.c.year == YEAR, current_validation.c.region == REGION
            )
        ).scalar_one()
        known = connection.execute(select(finding).where(finding.c.year == YEAR)).mappings().first()
        values = connection.execute(
            select(value).where(
                value.c.year == YEAR, value.c.unit_code == unit, value.c.indicator_code == code
            )
        ).mappings()
        rows = [
            {
                **{name: known[name] for name in known if name != "finding_id"},
                "parse_id": one["parse_id"],
                "validation_id": validation_id,
                "value_id": one["value_id"],
                "period": one["period"],
                "unit_code": unit,
                "indicator_code": code,
                "severity": "hold",
                "value_digest": one["value_digest"],
            }
            for one in values.all()
        ]
        connection.execute(insert(finding), rows)


def test_hostile_text_reaches_pages_and_downloads_harmless(city, desk):
    unit = busiest(city, YEAR)
    with write(city.engine) as connection:
        ids = (
            connection.execute(
                select(finding.c.finding_id)
                .join(current_validation, current_validation.c.validation_id == finding.c.validation_id)
                .where(current_validation.c.year == YEAR)
                .limit(len(HOSTILE))
            )
            .scalars()
            .all()
        )
        for finding_id, text in zip(ids, HOSTILE, strict=True):
            connection.execute(
                update(finding)
                .where(finding.c.finding_id == finding_id)
                .values(
                    **dict.fromkeys(
                        ("value_raw", "message_zh", "message_en", "fix_zh", "expected", "sheet", "cell"), text
                    ),
                    unit_code=unit,
                    severity="hold",
                )
            )
        connection.execute(update(result).where(result.c.unit_code == unit).values(unit_name=HOSTILE[0]))
    reader = desk.as_person(PERSONS["viewer"])
    pages = [
        reader.get(path).text
        for path in (
            SCORES,
            f"{SCORES}/{unit}",
            f"{SCORES}/{unit}/pending",
            f"{RUN}?region={REGION}&unit={unit}",
            f"{RUN}?region={REGION}&text={quote(HOSTILE[1])}",
        )
    ]
    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[0]
    assert "{{ 7*7 }}" in words(pages[3])
    cells = [
        cell for row in in_csv(reader.get(f"{RUN}/findings.csv?region={REGION}&unit={unit}")) for cell in row
    ]
    assert not any(cell[:1] in ("=", "+", "@") for cell in cells)
    book = load_workbook(
        io.BytesIO(reader.get(f"{RUN}/findings.xlsx?region={REGION}&unit={unit}").content)
    ).active
    written = [cell for row in book.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" for cell in written)
    assert any(str(cell.value).startswith("'=HYPERLINK") for cell in written)


def test_a_store_without_results_or_runs_says_so(city, desk):
    reader = desk.as_person(PERSONS["viewer"])
    assert "还没有得分" in words(reader.get(f"/scores/{YEAR}/{OTHER_REGION}").text)
    assert rows_of(city, current_result.c.unit_code, region=OTHER_REGION) == []
    assert "没有核验" not in words(reader.get(f"{RUN}?region={REGION}").text)
