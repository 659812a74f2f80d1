"""The workbook of a score: its formulas, recomputed by LibreOffice, come to the exported digits."""

import io
import re
from datetime import date
from pathlib import Path

import pytest
from openpyxl import load_workbook

from fazhi.model.errors import UsageError
from fazhi.model.terms import Stage
from fazhi.score import export_year, score_workbook
from fazhi.store import open_store
from support.score_books import EVIL, FALSIFIED, UNITS, made_world
from support.score_city import filled_city
from support.scoring import TODAY, YEAR, code
from support.spreadsheet import differences, need_soffice, recomputed, table

PLAIN_FUNCTIONS = {
    *("SUM", "ROUND", "IF", "MIN", "MAX", "SUMPRODUCT", "INDEX", "MATCH", "COUNTIF", "SUMIF", "INT", "MOD"),
    *("AND", "OR", "GCD", "LARGE", "ROW", "TEXT", "CHOOSE"),
}
COMPUTED = {
    "总览": ["结果"],
    "得分": ["分数", "整数核算（百分之一分）"],
    "指标": ["分值", "得分率", "得分", "失分", "得分率分子", "得分率分母", "得分（百分之一分）"],
    "分值": ["类别应得分", "占本类比重", "应得分值", "补 0.01", "分值", "余数名次"],
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return made_world(open_store(f"sqlite:///{tmp_path_factory.mktemp('books') / 'fazhi.db'}"))


def book_of(world, unit_code):
    return score_workbook(world.engine, world.edition, world.registry, YEAR, unit_code, today=TODAY)


@pytest.fixture(scope="module")
def checked(world, tmp_path_factory):
    """All units' workbooks, recomputed by one LibreOffice; and the export."""
    need_soffice()
    home = tmp_path_factory.mktemp("office")
    for unit_code in UNITS:
        (home / f"{unit_code}.xlsx").write_bytes(book_of(world, unit_code))
    export_year(world.engine, YEAR, home / "export")
    recomputed(sorted(home.glob("*.xlsx")), home / "out", home / "profile")
    return home


@pytest.mark.parametrize("unit_code", UNITS)
def test_the_formulas_come_to_the_exported_digits(checked, unit_code):
    assert differences(checked / "out" / f"{unit_code}.xlsx", checked / "export", unit_code) == []


def test_the_comparison_notices_one_hundredth(checked, tmp_path):
    for path in (checked / "export").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = (tmp_path / "lines.csv").read_text(encoding="utf-8")
    changed = lines.replace(f"{UNITS[0]},A1.9,COMMON,1.30,", f"{UNITS[0]},A1.9,COMMON,1.30,9", 1)
    assert changed != lines
    (tmp_path / "lines.csv").write_text(changed, encoding="utf-8")
    found = differences(checked / "out" / f"{UNITS[0]}.xlsx", tmp_path, UNITS[0])
    assert [one.split(",")[0].split(" ")[0:2] for one in found] == [["A1.9:", "weight"], ["A1.9:", "shown"]]


def test_a_changed_value_moves_the_result(world, checked, tmp_path):
    """The figures are live: with a nought for a numerator the line, S, R and C fall."""
    path = checked / f"{UNITS[0]}.xlsx"
    book = load_workbook(path)
    sheet = book["取值"]
    row = next(r for r in range(1, sheet.max_row) if sheet.cell(r, 1).value == "A1.9")
    assert sheet.cell(row, 4).value == 10
    sheet.cell(row, 4).value = 0
    book.save(tmp_path / path.name)
    (made,) = recomputed([tmp_path / path.name], tmp_path / "out", checked / "profile")
    before, after = (load_workbook(p, data_only=True) for p in (checked / "out" / path.name, made))
    lines_before, lines_after = ({r["指标代码"]: r for r in table(b["指标"])} for b in (before, after))
    weight = lines_before["A1.9"]["得分（百分之一分）"]
    assert weight == lines_before["A1.9"]["分值（百分之一分）"] > 0
    assert lines_after["A1.9"]["得分（百分之一分）"] == 0
    totals_before, totals_after = ({r["项目"]: r for r in table(b["得分"])} for b in (before, after))
    column = "整数核算（百分之一分）"
    assert totals_after["基础分 S"][column] == totals_before["基础分 S"][column] - weight
    assert (
        totals_after["计入领导绩效考核的分数 C"][column] < totals_before["计入领导绩效考核的分数 C"][column]
    )


def test_what_is_computed_is_a_formula_of_plain_functions(world):
    for unit_code in (UNITS[4], UNITS[0]):
        book = load_workbook(io.BytesIO(book_of(world, unit_code)))
        formulas = [
            cell.value
            for sheet in book.worksheets
            for row in sheet.iter_rows()
            for cell in row
            if cell.data_type == "f"
        ]
        used = {name for formula in formulas for name in re.findall(r"([A-Z][A-Z.]*)\(", formula)}
        assert used <= PLAIN_FUNCTIONS
        assert not [formula for formula in formulas if "[" in formula or "{" in formula]
        for title, heads in COMPUTED.items():
            rows = [row for row in table(book[title]) if row[heads[0]] is not None]
            numbers = [
                (title, head, row[head])
                for row in rows
                for head in heads
                if isinstance(row[head], int | float)
            ]
            assert numbers == [] or {head for _, head, _ in numbers} == {"分数"}
    given = [row["项目"] for row in table(book["得分"]) if isinstance(row["分数"], int | float)]
    assert given == ["领导绩效考核总分 T", f"{YEAR}年占比 a"], "only what the edition gives is typed"


def test_text_from_outside_stays_text(world):
    book = load_workbook(io.BytesIO(book_of(world, UNITS[0])))
    titles = [cell for row in book["加减分"].iter_rows() for cell in row if cell.value == EVIL]
    assert [cell.data_type for cell in titles] == ["s"]
    reasons = load_workbook(io.BytesIO(book_of(world, UNITS[3])))["来源"]
    assert [c.data_type for row in reasons.iter_rows() for c in row if c.value == EVIL] == ["s"]
    names = [cell for row in book["名次"].iter_rows() for cell in row if cell.value == "=1+1（合成单位）"]
    assert [cell.data_type for cell in names] == ["s"]


def test_sources_name_submission_file_sheet_and_cell(world):
    book = load_workbook(io.BytesIO(book_of(world, UNITS[0])))
    first = table(book["来源"], "序号")[0]
    assert (first["序号"], first["指标代码"], first["期间"]) == (1, "A1.9", "2024年")
    assert first["报送编号"] == f"synth-unit-{UNITS[0]}-2024"
    assert (first["工作表"], first["数值单元格"], first["分母单元格"]) == ("填报表", "E3", "G3")
    assert first["文件摘要（SHA-256）"] == "ab" * 32
    values = [row for row in table(book["取值"]) if row["指标代码"] == "A1.9"]
    assert [row["出处（“来源”页序号）"] for row in values] == [1, None]


def test_the_rules_in_words_name_the_edition(world):
    book = load_workbook(io.BytesIO(book_of(world, UNITS[0])))
    words = {row["项目"]: row["内容"] for row in table(book["说明"])}
    assert words["指标体系摘要"] == world.edition.digest
    assert words["占比"].startswith("0.123（不得低于 0.10）")


def test_the_same_result_gives_the_same_bytes(world):
    assert book_of(world, UNITS[1]) == book_of(world, UNITS[1])


def test_long_numbers_have_a_page_of_their_own(world):
    titles = {one: load_workbook(io.BytesIO(book_of(world, one))).sheetnames for one in (UNITS[0], UNITS[4])}
    assert [one for one, names in titles.items() if "大数核算" in names] == [UNITS[4]]
    assert titles[UNITS[0]] == [
        "总览",
        "得分",
        "指标",
        "分值",
        "取值",
        "规则",
        "加减分",
        "名次",
        "来源",
        "说明",
    ]


def test_a_falsified_indicator_says_so(checked):
    book = load_workbook(checked / "out" / f"{UNITS[1]}.xlsx", data_only=True)
    line = {row["指标代码"]: row for row in table(book["指标"])}[FALSIFIED]
    assert (line["弄虚作假记零"], line["得分"]) == (1, 0)


def test_another_edition_or_no_result_is_refused(world):
    other = type(world.edition)(**{**vars_of(world.edition), "digest": "f" * 64})
    with pytest.raises(UsageError, match="按另一份指标体系计算"):
        score_workbook(world.engine, other, world.registry, YEAR, UNITS[0], today=TODAY)
    with pytest.raises(UsageError, match="没有得分"):
        book_of(world, code(9))


def vars_of(edition):
    return {name: getattr(edition, name) for name in edition.__dataclass_fields__}


# --- the shipped edition and registry


@pytest.fixture(scope="module")
def city(tmp_path_factory, editions, registry):
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('city') / 'fazhi.db'}")
    return filled_city(engine, editions.for_year(YEAR), registry, Stage.PROVISIONAL, only=2)


def _check_city(city, codes, home: Path):
    for unit_code in codes:
        content = score_workbook(
            city.engine, city.edition, city.registry, city.year, unit_code, today=date(city.year + 1, 2, 1)
        )
        (home / f"{unit_code}.xlsx").write_bytes(content)
    export_year(city.engine, city.year, home / "export")
    made = recomputed(sorted(home.glob("*.xlsx")), home / "out", home / "profile")
    return {path.stem: differences(path, home / "export", path.stem) for path in made}


def test_a_sample_of_the_shipped_edition_recomputes(city, tmp_path):
    need_soffice()
    found = _check_city(city, city.filled, tmp_path)
    assert found == {unit_code: [] for unit_code in city.filled}


@pytest.mark.soak
@pytest.mark.parametrize(("year", "stage"), [(2022, Stage.PROVISIONAL), (2024, Stage.FINAL)])
def test_every_unit_of_a_year_recomputes(tmp_path, editions, registry, year, stage):
    need_soffice()
    engine = open_store(f"sqlite:///{tmp_path / 'fazhi.db'}")
    whole = filled_city(engine, editions.for_year(year), registry, stage, year=year)
    home = tmp_path / "books"
    home.mkdir()
    found = _check_city(whole, whole.filled, home)
    assert len(found) > 60
    assert {unit_code: lines for unit_code, lines in found.items() if lines} == {}
