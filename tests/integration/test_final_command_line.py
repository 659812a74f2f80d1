"""The commands of a year's final results: wrong use ends with 2 and a Chinese sentence, status is machine-readable."""

import json

import pytest
from typer.testing import CliRunner

from fazhi.cli import app
from fazhi.model.errors import FazhiError
from support.city import city_environment


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    home = tmp_path_factory.mktemp("commands")
    return city_environment(home, home)


def test_the_status_names_owner_and_deadline_of_the_next_step(env):
    done = CliRunner().invoke(app, ["final", "status", "--year", "2023", "--json"], env=env)
    assert done.exit_code == 1  # overdue: it needs a person
    (state,) = json.loads(done.stdout)
    assert (state["phase"], state["phase_zh"], state["digest"]) == ("open", "尚未提出", "")
    assert (state["next_zh"], state["deadline"], state["overdue"]) == ("提出年度最终结果", "2024-04-30", True)
    assert "合成数据" in state["owner_zh"]
    assert state["appeals"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("final", "propose", "--year", "2023", "--by", "nobody"), "账号 nobody"),
        (("final", "propose", "--year", "2023", "--by", "kp-steward-1"), "还没有核验"),
        (("sign", "--year", "2023", "--by", "kp-steward-1", "--digest", "0"), "没有签发"),
        (("sign", "--year", "2023", "--by", "kp-chief-1", "--digest", "0"), "还没有提出最终结果"),
        (("sign", "--year", "2023", "--by", "kp-chief-1"), "--digest"),
        (("seal", "--year", "2023", "--by", "kp-chief-1"), "还没有签发，不能封存"),
        (("publish", "--year", "2023", "--stage", "final"), "还没有签发，不能推送"),
        (
            ("final", "decide-appeal", "9", "--verdict", "upheld", "--reason", "r", "--by", "kp-chief-1"),
            "编号为 9",
        ),
        (
            ("correct", "propose", "--year", "2023", "--by", "kp-steward-1", "--reason", "r"),
            "还没有核验",
        ),
    ],
    ids=lambda given: " ".join(given[:2]) if isinstance(given, tuple) else "",
)
def test_wrong_use_ends_with_two_and_a_chinese_sentence(env, arguments, words):
    done = CliRunner().invoke(app, list(arguments), env=env)
    told = str(done.exception) if isinstance(done.exception, FazhiError) else done.output
    status = done.exception.exit_status if isinstance(done.exception, FazhiError) else done.exit_code
    assert (status, words in told) == (2, True), told


def test_a_year_that_is_not_sealed_differs_in_nothing(env):
    done = CliRunner().invoke(app, ["correct", "diff", "--year", "2023", "--json"], env=env)
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"year": 2023, "differences": []})


def test_a_year_that_is_not_sealed_says_so(env):
    done = CliRunner().invoke(app, ["correct", "diff", "--year", "2023"], env=env)
    assert (done.exit_code, done.stdout) == (0, "2023年还没有封存，没有封存结果可以比较\n")
