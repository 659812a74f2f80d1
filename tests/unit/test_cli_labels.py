"""What a person reads at a terminal is Chinese; the stored words stay in JSON."""

import re

import pytest

from fazhi.cli.labels import ACTION_ZH, COUNT_ZH, STATE_ZH, cells, heads, lines_zh, short_zh, word_zh
from fazhi.model.terms import OutboxState, Stage
from fazhi.publish.final.records import Kind
from fazhi.publish.final.signers import ROLE_ZH, Role
from fazhi.score.compare import _HEAD


def test_counts_lists_and_records_are_indented_lines():
    told = {
        "year": 2024,
        "pushed": True,
        "problems": [],
        "without_result": {"U1": "由上级考评，本级不计分"},
        "regions": [{"region": "150200", "scored": 79}],
        "kind": "correction_request",
        "sealed": ["150200"],
        "objection_until": None,
    }
    assert list(lines_zh(told)) == [
        "年度：2024",
        "已推送：是",
        "未能办理：无",
        "没有结果的单位：",
        "  U1：由上级考评，本级不计分",
        "各地区：1",
        "  - 地区：150200",
        "    已计分单位：79",
        "事项：更正申请",
        "已封存：1",
        "  - 150200",
        "公示至：",
    ]


def test_an_empty_record_says_none():
    assert list(lines_zh({"without_result": {}})) == ["没有结果的单位：无"]


def test_cells_stand_under_their_titles():
    row = {"version": 3, "state": "conflict", "problem": None}
    assert heads(("version", "state", "problem")) == ("版本", "状态", "原因")
    assert cells(row, ("version", "state", "problem")) == ["3", "与平台不一致", ""]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("state", [one.value for one in OutboxState]),
        ("stage", [one.value for one in Stage]),
        ("kind", [one.value for one in Kind]),
        ("line", _HEAD),
    ],
)
def test_every_stored_word_has_a_chinese_one(field, words):
    assert [word for word in words if word_zh(field, word) == word] == []


def test_a_role_is_called_the_same_everywhere():
    assert {role.value: words for role, words in ROLE_ZH.items()} == STATE_ZH["role"]
    assert set(STATE_ZH["role"]) == {role.value for role in Role}


def test_no_label_is_english():
    labels = [*COUNT_ZH.values(), *ACTION_ZH.values(), *(w for ws in STATE_ZH.values() for w in ws.values())]
    assert [label for label in labels if re.search("[A-Za-z]", label)] == []


def test_only_whole_digests_are_shortened():
    digest = "0123456789ab" + "c" * 52
    assert (
        short_zh(f"摘要 {digest}，{digest[:63]}，{digest}0") == f"摘要 0123456789ab，{digest[:63]}，{digest}0"
    )
