"""`fazhi registry` and `fazhi systems what-if` at a terminal: exit statuses, JSON, plain words."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from fazhi.cli.app import app
from fazhi.model.errors import UsageError
from fazhi.settings import PROJECT_ROOT

WHO = ("--by", "kp-1", "--name", "合成提出人", "--reason", "合成理由")
OTHER = ("--by", "kp-2", "--name", "合成批准人", "--reason", "同意")


@pytest.fixture
def home(tmp_path, monkeypatch):
    for tree, name in (("indicator_systems", "SYSTEMS"), ("registry", "REGISTRY"), ("holidays", "HOLIDAYS")):
        shutil.copytree(PROJECT_ROOT / "include" / tree, tmp_path / tree)
        monkeypatch.setenv(f"FAZHI_{name}_DIR", str(tmp_path / tree))
    monkeypatch.setenv("FAZHI_ROOT", str(tmp_path))
    (tmp_path / "proposed").mkdir()
    lines = (tmp_path / "registry" / "unit_aliases.csv").read_text(encoding="utf-8-sig").splitlines()
    code = lines[1].split(",")[0]
    lines.append(f"{code},合成别名,2026-01-01,")
    (tmp_path / "proposed" / "unit_aliases.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path, f"新增 unit_code={code}，alias_zh=合成别名，valid_from=2026-01-01"


def _run(*arguments: str):
    return CliRunner().invoke(app, arguments)


def test_from_proposal_to_approval(home):
    root, told = home
    done = _run("registry", "import", str(root / "proposed"), *WHO)
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[:3] == ["变更内容（单位名录）", "unit_aliases.csv：", f"  {told}"]
    assert "没有未封存而已有报送数据的年度，没有得分受到影响；已封存年度的结果只能更正。" in lines
    assert lines[-2].startswith("已记录为提议 1，等另一人批准；影响说明的摘要：")
    shown = lines[-2].rpartition("：")[2]

    same = _run("registry", "approve", "1", *WHO)
    assert isinstance(same.exception, UsageError)
    assert str(same.exception) == "提出人与批准人不能是同一人（kp-1）"

    assert json.loads(_run("registry", "proposals", "--json").stdout)[0]["state"] == "open"
    done = _run("registry", "approve", "1", *OTHER, "--shown", shown[:12], "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["state"] == "applied"
    assert "合成别名" in (root / "registry" / "unit_aliases.csv").read_text(encoding="utf-8")
    assert told in _run("registry", "show", "1").stdout
    assert _run("audit", "verify").exit_code == 0
    actions = [row["action"] for row in json.loads(_run("audit", "show", "--json").stdout)]
    assert actions == ["ground.proposed", "ground.approved", "ground.applied"]


def test_a_refusal_changes_nothing(home):
    root, _ = home
    before = (root / "registry" / "unit_aliases.csv").read_bytes()
    _run("registry", "import", str(root / "proposed"), *WHO)
    assert _run("registry", "refuse", "1", *OTHER).stdout == "提议 1 已记录为不同意\n"
    assert (root / "registry" / "unit_aliases.csv").read_bytes() == before


def test_what_if_on_a_year_without_data(home):
    root, _ = home
    done = _run("systems", "what-if", str(root / "indicator_systems" / "2024"), "--year", "2024", "--json")
    assert done.exit_code == 0
    effect = json.loads(done.stdout)
    assert effect["moves"] == []
    assert effect["stops"] == []
    assert effect["unchanged"] == effect["units"]
