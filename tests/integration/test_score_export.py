"""The export, its independent recomputation, the platform's document and the explanation."""

import csv
import json
import subprocess
import sys
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from itertools import cycle
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from fazhi.model.errors import UsageError
from fazhi.model.period import due_periods
from fazhi.model.terms import RuleType, Stage, ValueType
from fazhi.score import explain, export_year, result_body
from fazhi.store import open_store, read
from support.recompute import main as recompute
from support.scoring import NOW, SHA, YEAR, World, code, edition, event, indicator, registry, unit

U1, U2 = code(1), code(2)
FILES = ("inputs.csv", "lines.csv", "results.csv", "adjustments.csv", "manifest.json")


def good(indicator_code="A1.1", numerator=9, denominator=10, **more):
    return {"code": indicator_code, "numerator": numerator, "denominator": denominator, **more}


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def world(engine):
    system = edition(
        indicator("A1.9"),
        indicator("A1.10"),
        indicator(
            "B1.1", {"k": "0.25", "floor": "0"}, value_type=ValueType.COUNT, rule_type=RuleType.PER_OCCURRENCE
        ),
        indicator(
            "X1", {"national": "2", "region": "1", "cap": "3"}, rule_type=RuleType.BONUS_CAPPED, full_mark=0
        ),
        indicator("Y1", {"k": "0.5"}, rule_type=RuleType.DEDUCT_TOTAL, full_mark=0),
    )
    events = [
        event(1, "X1", "甲,“乙”", level="region"),
        event(1, "Y1", count=3),
        event(2, "X1", level="national"),
    ]
    made = World(engine, system, registry(unit(1), unit(2), adjustments=events))
    made.submit(U1, "2024-Q1", good("A1.9", 9), good("A1.10", 0, 0), {"code": "B1.1", "amount": "1"})
    made.submit(U2, "2024-Q1", good("A1.9", 10), good("A1.10", 10), {"code": "B1.1", "amount": "0"})
    made.submit(U2, "2024", good("A1.9", 10), good("A1.10", 10), {"code": "B1.1", "amount": "0"})
    made.score()
    return made


def test_the_files_say_what_the_contract_asks(world, tmp_path):
    manifest = export_year(world.engine, YEAR, tmp_path / "out")
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert (out / "results.csv").read_text(encoding="utf-8") == (
        "unit_code,base,bonus,deduction,score,grade,rank,component,share,total_points,stage,version,"
        "system_id,system_digest\n"
        f"{U1},62.50,1.00,1.50,62.00,,,62.00,0.10,1000.00,provisional,1,synth-2024,{'e' * 64}\n"
        f"{U2},100.00,2.00,0.00,100.00,,,100.00,0.10,1000.00,provisional,1,synth-2024,{'e' * 64}\n"
    )
    assert (out / "lines.csv").read_text(encoding="utf-8") == (
        "unit_code,indicator_code,group,full_mark,weight,rate_numerator,rate_denominator,points,status\n"
        f"{U1},A1.9,COMMON,1.00,50.00,1,2,25.00,scored\n"
        f"{U1},A1.10,COMMON,1.00,,,,,not_applicable\n"
        f"{U1},B1.1,COMMON,1.00,50.00,3,4,37.50,scored\n"
        f"{U2},A1.9,COMMON,1.00,33.34,1,1,33.34,scored\n"
        f"{U2},A1.10,COMMON,1.00,33.33,1,1,33.33,scored\n"
        f"{U2},B1.1,COMMON,1.00,33.33,1,1,33.33,scored\n"
    )
    assert (out / "inputs.csv").read_text(encoding="utf-8").splitlines()[:4] == [
        "unit_code,indicator_code,period,numerator,denominator,value,kind,submission_id,file_sha256,"
        "sheet,cell,cell_denominator",
        f"{U1},A1.9,2024-Q1,9,10,,submission,synth-unit-{U1}-2024-Q1,{SHA},填报表,E3,G3",
        f"{U1},A1.10,2024-Q1,0,0,,submission,synth-unit-{U1}-2024-Q1,{SHA},填报表,E4,G4",
        f"{U1},B1.1,2024-Q1,,,1,submission,synth-unit-{U1}-2024-Q1,{SHA},填报表,H5,",
    ]
    assert [row["period"] for row in rows(out, "inputs.csv")[3:]] == ["2024"] * 3
    assert (out / "adjustments.csv").read_text(encoding="utf-8") == (
        "year,unit_code,code,level,count,indicator_code,title_zh,document,drafted_by,approved_by,approved_on\n"
        f'2024,{U1},X1,region,1,,"甲,“乙”",合成〔2024〕1号,drafter,approver,2024-12-01\n'
        f"2024,{U1},Y1,,3,,合成事项,合成〔2024〕1号,drafter,approver,2024-12-01\n"
        f"2024,{U2},X1,national,1,,合成事项,合成〔2024〕1号,drafter,approver,2024-12-01\n"
    )
    assert manifest == json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"] == {"inputs.csv": 6, "lines.csv": 6, "results.csv": 2, "adjustments.csv": 3}


def test_the_same_data_give_the_same_bytes(world, tmp_path):
    export_year(world.engine, YEAR, tmp_path / "one")
    world.score(now=NOW + timedelta(days=3))
    other = World(open_store(f"sqlite:///{tmp_path / 'other.db'}"), world.edition, world.registry)
    other.submit(U2, "2024", good("A1.9", 10), good("A1.10", 10), {"code": "B1.1", "amount": "0"})
    other.submit(U1, "2024-Q1", good("A1.9", 9), good("A1.10", 0, 0), {"code": "B1.1", "amount": "1"})
    other.submit(U2, "2024-Q1", good("A1.9", 10), good("A1.10", 10), {"code": "B1.1", "amount": "0"})
    other.score()
    export_year(world.engine, YEAR, tmp_path / "two")
    export_year(other.engine, YEAR, tmp_path / "three")
    for name in FILES:
        one = (tmp_path / "one" / name).read_bytes()
        assert one == (tmp_path / "two" / name).read_bytes()
        assert one == (tmp_path / "three" / name).read_bytes()


def test_only_the_newest_results_of_units_that_have_one_are_exported(world, tmp_path):
    world.submit(U1, "2024-Q1", good("A1.9", 10))
    world.submit(U2, "2024-Q1", good("A1.9", 0, 0), good("A1.10", 0, 0))
    world.submit(U2, "2024", good("A1.9", 0, 0), good("A1.10", 0, 0))
    world.decide("not_applicable", U2, "B1.1", "2024")
    outcome = world.score()
    assert list(outcome.without_result) == [U2]
    export_year(world.engine, YEAR, tmp_path)
    assert [(row["unit_code"], row["version"]) for row in rows(tmp_path, "results.csv")] == [(U1, "2")]
    assert {row["unit_code"] for name in FILES[:4] for row in rows(tmp_path, name)} == {U1}


def test_a_year_without_results_is_exported_as_headers(engine, tmp_path):
    manifest = export_year(engine, YEAR, tmp_path)
    assert set(manifest["counts"].values()) == {0}


def _result_schema(project_root: Path) -> Draft202012Validator:
    contract = project_root / "tests" / "contracts" / "assessment-platform.openapi.yaml"
    schemas = yaml.safe_load(contract.read_text(encoding="utf-8"))["components"]["schemas"]
    return Draft202012Validator({"$ref": "#/components/schemas/Result", "components": {"schemas": schemas}})


def test_the_platforms_document_keeps_its_contract(world, project_root):
    with read(world.engine) as connection:
        body = result_body(connection, YEAR, U1, 1)
        full = result_body(connection, YEAR, U2, 1)
    for document in (body, full):
        assert list(_result_schema(project_root).iter_errors(document)) == []
        total = sum(Fraction(line["points"]) for line in document["lines"])
        assert total == Fraction(document["score"])
    assert [(line["indicator_code"], line["points"], line["status"]) for line in body["lines"]] == [
        ("A1.9", "25.00", "scored"),
        ("A1.10", "0.00", "not_applicable"),
        ("B1.1", "37.50", "scored"),
        ("BONUS", "1.00", "bonus"),
        ("DEDUCTION", "-1.50", "deduction"),
    ]
    assert full["lines"][-2:] == [
        {"indicator_code": "BONUS", "full_mark": "0.00", "points": "2.00", "status": "bonus"},
        {"indicator_code": "CLAMP", "full_mark": "0.00", "points": "-2.00", "status": "clamp"},
    ]
    assert body["component"] == {"share": "0.10", "total_points": "1000.00", "points": "62.00"}
    assert (body["rank"], body["stage"], body["computed_at"]) == (None, "provisional", NOW.isoformat())
    assert "grade" not in body


def test_a_final_document_has_rank_and_grade(world, project_root):
    world.score(Stage.FINAL)
    with read(world.engine) as connection:
        body = result_body(connection, YEAR, U2, 2)
        with pytest.raises(UsageError, match="在2024年的第 9 版得分"):
            result_body(connection, YEAR, U2, 9)
    assert list(_result_schema(project_root).iter_errors(body)) == []
    assert (body["stage"], body["rank"], body["grade"]) == ("final", 1, "优秀")


def test_the_explanation_goes_from_the_component_to_the_cell(world):
    text = explain(world.engine, YEAR, U1)
    for part in (
        "计入领导绩效考核：62.00 = 总分 1000.00 × 占比 0.10 × 得分 62.00 ÷ 100",
        "得分 R = 62.00 = 基础分 62.50 + 加分 1.00 - 扣分 1.50",
        "A1.9（共性指标，标准分 1.00）：25.00 = 分值 50.00 × 得分率 1/2",
        f"2024年第一季度：9 ÷ 10（单位报送，synth-unit-{U1}-2024-Q1，填报表 E3、G3）",
        "A1.10（共性指标，标准分 1.00）：不适用，不计分，分值由其他指标分担",
        "Y1 合成事项，次数 3；依据 合成〔2024〕1号，2024-12-01 批准",
    ):
        assert part in text
    with pytest.raises(UsageError, match="请先执行 fazhi score --year 2024"):
        explain(world.engine, YEAR, code(9))


# --- the shipped edition and registry, recomputed by a script that knows nothing of the project


def _parts(number, kind: ValueType):
    """A made-up value: the same figures come round again, zero denominators and late dates among them."""
    if kind is ValueType.RATIO:
        denominator = (0, 7, 12, 30, 101)[number % 5]
        return {"numerator": denominator - (number % 3 if denominator else 0), "denominator": denominator}
    if kind is ValueType.BOOLEAN:
        return {"boolean": int(number % 7 != 0)}
    if kind is ValueType.DATE:
        return {"date_value": (date(YEAR, 3, 20) + timedelta(days=number % 45)).isoformat()}
    return {"amount": f"{number % 97}.5" if kind is ValueType.SCORE else number % 5}


def _fill(world: World) -> None:
    """Report for most units and periods: ``SUB`` rows by the unit, the others by their first office."""
    registry_, system, year = world.registry, world.edition, world.year
    numbers = cycle(range(9973))
    own, by_office = defaultdict(list), defaultdict(list)
    for unit_ in registry_.scored_units(year, date(year + 1, 2, 1)):
        for item in registry_.applicable(system, unit_, year, date(year + 1, 2, 1)):
            if not item.rule_type.carries_weight or item.sources[0] == "SYS":
                continue
            for period in due_periods(item.frequency, year):
                number = next(numbers)
                if number % 11 == 0:
                    continue
                row = {"code": item.code, "unit": unit_.unit_code, **_parts(number, item.value_type)}
                if item.asked_of_unit:
                    own[unit_.unit_code, str(period)].append(row)
                else:
                    office = registry_.reporters(item, year)[0][1]
                    by_office[office, str(period)].append(row)
    for kind, submissions in (("unit", own), ("office", by_office)):
        for (sender, period), found in submissions.items():
            ids = world.submit(sender, period, *found, kind=kind)
            for value_id in ids[::37]:
                world.find("block", value_id=value_id)


@pytest.fixture(
    scope="module", params=[(2022, Stage.PROVISIONAL), (2024, Stage.FINAL)], ids=["2022", "2024-final"]
)
def city(request, tmp_path_factory, editions, registry):
    year, stage = request.param
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('city') / 'fazhi.db'}")
    made = World(engine, editions.for_year(year), registry, year=year)
    _fill(made)
    outcome = made.score(stage, today=date(year + 1, 2, 1))
    out = tmp_path_factory.mktemp("export")
    export_year(engine, year, out)
    return made, outcome, out


def _arguments(made: World, out: Path, project_root: Path) -> list[str]:
    include = project_root / "include"
    return [str(out), str(include / "indicator_systems" / made.edition.system_id), str(include / "registry")]


def test_an_independent_recomputation_agrees_to_the_last_digit(city, project_root, capsys):
    made, outcome, out = city
    assert outcome.scored > 60
    assert recompute(_arguments(made, out, project_root)) == 0, capsys.readouterr().out
    statuses = {row["status"] for row in rows(out, "lines.csv")}
    assert statuses == {"scored", "missing", "rejected", "not_applicable"}
    assert {row["kind"] for row in rows(out, "inputs.csv")} == {"submission", "office", "system"}
    assert sum(row["status"] == "scored" for row in rows(out, "lines.csv")) > 500


@pytest.mark.parametrize("city", [(2022, Stage.PROVISIONAL)], ids=["2022"], indirect=True)
@pytest.mark.parametrize(
    ("name", "column"),
    [
        pytest.param("lines.csv", "points", marks=pytest.mark.ci),
        ("lines.csv", "weight"),
        pytest.param("lines.csv", "rate_numerator", marks=pytest.mark.ci),
        pytest.param("results.csv", "base", marks=pytest.mark.ci),
        pytest.param("results.csv", "score", marks=pytest.mark.ci),
        ("results.csv", "component"),
        ("inputs.csv", "numerator"),
    ],
)
def test_the_recomputation_notices_a_changed_digit(city, project_root, tmp_path, capsys, name, column):
    made, _, out = city
    for path in out.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    changed = rows(out, name)
    scored = {
        (row["unit_code"], row["indicator_code"])
        for row in rows(out, "lines.csv")
        if row["status"] == "scored"
        and 0 < Fraction(f"{row['rate_numerator']}/{row['rate_denominator']}") < 1
    }
    victim = next(
        row
        for row in changed
        if name == "results.csv" or ((row["unit_code"], row["indicator_code"]) in scored and row[column])
    )
    victim[column] = (
        str(Fraction(victim[column]) + 1) if "." not in victim[column] else victim[column][:-1] + "7"
    )
    with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(victim), lineterminator="\n")
        writer.writeheader()
        writer.writerows(changed)
    assert recompute(_arguments(made, tmp_path, project_root)) == 1
    assert f"SHA-256 of {name}" in capsys.readouterr().out


def test_the_recomputation_runs_as_a_script(city, project_root):
    made, _, out = city
    script = project_root / "tests" / "support" / "recompute.py"
    run = subprocess.run(
        [sys.executable, "-I", str(script), *_arguments(made, out, project_root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.endswith("0 differences\n")
