"""The commands that explain: exit status, what they print, what they write."""

import csv
import json

import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from fazhi.cli import app
from fazhi.model.errors import UsageError
from fazhi.model.terms import Stage
from support.score_city import filled_city

RUN = CliRunner()
YEAR = "2024"


@pytest.fixture
def city(engine, store_url, editions, registry, monkeypatch):
    """The shipped edition with values of two units, in the store that the commands open."""
    for name in ("FAZHI_PORTAL_URL", "FAZHI_PLATFORM_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("FAZHI_STORE_URL", store_url)
    return filled_city(engine, editions.for_year(int(YEAR)), registry, Stage.PROVISIONAL, only=2)


def run(*arguments: str, status: int = 0) -> str:
    done = RUN.invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.stdout


def test_the_commands_of_a_year(city, tmp_path):
    unit = city.filled[0]
    run("workbook", "--year", YEAR, "--unit", unit, "--out", str(tmp_path / "book.xlsx"))
    assert load_workbook(tmp_path / "book.xlsx").sheetnames[0] == "总览"
    with pytest.raises(UsageError, match=r"应为 \.xlsx"):
        run("workbook", "--year", YEAR, "--unit", unit, "--out", str(tmp_path / "book.xls"))

    way = run("score", "--year", YEAR, "--unit", unit, "--explain", "--version", "1")
    assert "过程得分 第 1 版" in way
    assert "；线性计分：" in way
    with pytest.raises(UsageError, match="需要 --explain"):
        run("score", "--year", YEAR, "--unit", unit, "--against", "1")
    same = run("score", "--year", YEAR, "--unit", unit, "--explain", "--version", "1", "--against", "1")
    assert "得分 R 变化 0.00 = 指标 0.00 + 加分 0.00 + 扣分 0.00 + 上下限调整 0.00" in same

    document = json.loads(run("sensitivity", "--year", YEAR, "--json", "--out", str(tmp_path / "s.csv")))
    assert document["method_zh"].startswith("逐项变动法")
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [row["unit_code"] for row in written] == [one["unit_code"] for one in document["units"]]
    assert set(city.filled) < {row["unit_code"] for row in written}
    run("sensitivity", "--year", YEAR, "--json", "--out", str(tmp_path / "s.xlsx"))
    assert load_workbook(tmp_path / "s.xlsx").sheetnames == [
        "单位名次的稳定程度",
        "各项指标的影响",
        "名次在取整误差之内",
        "接近等次分数线",
    ]

    totals = json.loads(
        run("office-return", "--year", YEAR, "--out", str(tmp_path / "r"), "--json", status=1)
    )
    assert (totals["units"], totals["stages"]) == (len(written), ["provisional"])
    assert totals["shares"] == {"2022": "0.10", "2023": "0.10", YEAR: "0.10"}
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == [
        f"office-return-{YEAR}.{suffix}" for suffix in ("csv", "json", "xlsx")
    ]
