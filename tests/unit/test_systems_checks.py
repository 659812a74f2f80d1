"""What ``checks.yaml`` must hold: one test per refusal, with its file, line and path."""

import pytest

from support.systems import Draft

CHECKS = "2024/checks.yaml"
EXTRA = {
    "id": "EXTRA",
    "rule": "SUBSET",
    "severity": "block",
    "params": {"indicator": "F2.4", "part": "denominator", "of": "F2.1", "of_part": "numerator"},
    "looks_at_zh": "甲",
    "expects_zh": "乙",
    "message_zh": "填的是“{found}”，应为“{expected}”。{detail}",
    "message_en": "{found} instead of {expected}. {detail}",
    "fix_zh": "请改。",
    "legal_basis": "",
    "from_year": None,
    "to_year": None,
    "example_pass": {"value": "1"},
    "example_fail": {"value": 2},
}


@pytest.fixture
def draft(tmp_path) -> Draft:
    return Draft(tmp_path)


def add(draft: Draft, *extras: dict) -> int:
    """Add checks at the end; gives the place of the first, counted from 1."""
    data = draft.data("checks.yaml")
    data["checks"] += extras
    draft.dump("checks.yaml", data)
    return len(data["checks"]) - len(extras) + 1


def without(*names: str) -> dict:
    return {name: value for name, value in EXTRA.items() if name not in names}


def test_a_complete_check_loads(draft):
    add(draft, EXTRA | {"legal_basis_status": "found"})
    check = next(check for check in draft.load().checks if check.check_id == "EXTRA")
    assert check.params == EXTRA["params"]
    assert (check.legal_basis_status, check.example_fail) == ("found", {"value": "2"})


def test_numbers_are_exact_and_the_basis_is_unverified_unless_said(draft):
    params = {"percent": "33.3", "at_least": 0.1}
    add(draft, EXTRA | {"id": "EXTRA", "rule": "JUMP", "params": params, "from_year": 2031})
    check = next(check for check in draft.load().checks if check.check_id == "EXTRA")
    assert (str(check.params["percent"]), str(check.params["at_least"])) == ("333/10", "1/10")
    assert check.legal_basis_status == "unverified"
    assert [check.in_force(year) for year in (2030, 2031)] == [False, True]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("id", "规则缺少“id”(id)"),
        ("rule", "规则“EXTRA”缺少“rule”(rule)"),
        ("severity", "规则“EXTRA”缺少“severity”(severity)"),
        ("looks_at_zh", "规则“EXTRA”缺少“looks_at_zh”(looks_at_zh)"),
        ("expects_zh", "规则“EXTRA”缺少“expects_zh”(expects_zh)"),
        ("message_zh", "规则“EXTRA”没有中文说明(message_zh)"),
        ("message_en", "规则“EXTRA”缺少“message_en”(message_en)"),
        ("fix_zh", "规则“EXTRA”没有写明如何更正(fix_zh)"),
        ("example_pass", "规则“EXTRA”没有通过的例子(example_pass)"),
        ("example_fail", "规则“EXTRA”没有不通过的例子(example_fail)"),
    ],
)
def test_a_part_is_missing(draft, name, reason):
    number = add(draft, without(name))
    first_key = "rule: SUBSET" if name == "id" else "id: EXTRA"
    line = draft.line_of("checks.yaml", first_key, last=True)
    assert draft.faults() == (f"{CHECKS} 第{line}行 checks[{number}]：{reason}",)


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"id": "编号"}, ".id", "编号“编号”只用英文字母、数字、下划线、点和短横"),
        ({"rule": "MAGIC"}, ".rule", "未知的规则种类“MAGIC”"),
        (
            {"severity": "error"},
            ".severity",
            "未知的严重程度“error”，可用的是 block、hold、warn、note、security",
        ),
        ({"message_zh": ""}, ".message_zh", "规则“EXTRA”没有中文说明(message_zh)"),
        ({"message_zh": "wrong"}, ".message_zh", "规则“EXTRA”没有中文说明(message_zh)"),
        ({"message_en": ""}, ".message_en", "规则“EXTRA”没有填写(message_en)"),
        ({"fix_zh": None}, ".fix_zh", "规则“EXTRA”没有写明如何更正(fix_zh)"),
        ({"looks_at_zh": "x"}, ".looks_at_zh", "规则“EXTRA”没有中文(looks_at_zh)"),
        (
            {"example_pass": {}},
            ".example_pass",
            "规则“EXTRA”没有通过的例子(example_pass),应写成“键: 值”的对照",
        ),
        (
            {"example_fail": "2"},
            ".example_fail",
            "规则“EXTRA”没有不通过的例子(example_fail),应写成“键: 值”的对照",
        ),
        ({"example_fail": {"value": "1"}}, ".example_fail", "通过与不通过的例子相同"),
        (
            {"message_zh": "填的是{value}"},
            ".message_zh",
            "不认识的占位“{value}”，只能用 {found}、{expected}、{detail}",
        ),
        ({"message_zh": "填的是{}"}, ".message_zh", "不认识的占位“{}”，只能用 {found}、{expected}、{detail}"),
        (
            {"message_en": "{found!r}"},
            ".message_en",
            "不认识的占位“{found}”，只能用 {found}、{expected}、{detail}",
        ),
        (
            {"message_en": "{found:>9}"},
            ".message_en",
            "不认识的占位“{found}”，只能用 {found}、{expected}、{detail}",
        ),
        (
            {"fix_zh": "改成{expected.x}"},
            ".fix_zh",
            "不认识的占位“{expected.x}”，只能用 {found}、{expected}、{detail}",
        ),
        (
            {"fix_zh": "改成{expected"},
            ".fix_zh",
            "花括号不成对；只能用 {found}、{expected}、{detail}，要写花括号本身请写两遍",
        ),
        ({"from_year": 2026, "to_year": 2025}, ".to_year", "末年度 2025 早于首年度 2026"),
        ({"from_year": "明年"}, ".from_year", "“明年”不是数（只写普通小数）"),
        ({"to_year": 2023}, "", "规则“EXTRA”的适用年度不在本版本的年度之内"),
        ({"legal_basis_status": "sure"}, ".legal_basis_status", "未知的依据核实情况“sure”，可用的是"),
        ({"why": "x"}, "", "未知的键“why”，可用的是 id、"),
        ({"params": {**EXTRA["params"], "of": "Q1.1"}}, ".params.of", "本版本没有指标“Q1.1”"),
        (
            {"params": {**EXTRA["params"], "part": "rate"}},
            ".params.part",
            "未知的部分“rate”，可用的是 numerator、",
        ),
        (
            {"params": {**EXTRA["params"], "of": "A1.4"}},
            ".params.of_part",
            "指标“A1.4”是 count，没有 numerator",
        ),
        ({"params": {**EXTRA["params"], "part": "value"}}, ".params.part", "指标“F2.4”是 ratio，没有 value"),
        ({"params": {**EXTRA["params"], "tolerance": 1}}, ".params", "未知的 SUBSET 参数“tolerance”"),
        (
            {"params": {key: value for key, value in EXTRA["params"].items() if key != "of"}},
            ".params",
            "缺少 SUBSET 参数“of”",
        ),
        (
            {"rule": "JUMP", "params": {"percent": "half", "at_least": "1"}, "from_year": 2031},
            ".params.percent",
            "“half”不是数（只写普通小数）",
        ),
        (
            {"rule": "JUMP", "params": {"percent": "-1", "at_least": "1"}, "from_year": 2031},
            ".params.percent",
            "“-1”应不小于 0",
        ),
        (
            {"rule": "JUMP", "params": {"percent": "0.0000001", "at_least": "1"}, "from_year": 2031},
            ".params.percent",
            "“0.0000001”最多六位小数，且不超过一千亿",
        ),
    ],
)
def test_a_part_is_wrong(draft, change, path, reason):
    number = add(draft, EXTRA | change)
    (fault,) = draft.faults()
    place, _, message = fault.partition("：")
    assert message.startswith(reason)
    assert place.startswith(f"{CHECKS} 第")
    assert place.endswith(f"行 checks[{number}]{path}")


def test_the_line_is_that_of_the_faulty_key(draft):
    number = add(draft, EXTRA | {"severity": "fatal"})
    line = draft.line_of("checks.yaml", "severity: fatal")
    (fault,) = draft.faults()
    assert fault.startswith(f"{CHECKS} 第{line}行 checks[{number}].severity：")


def test_one_id_twice(draft):
    other = {**EXTRA["params"], "part": "numerator"}
    number = add(draft, EXTRA, EXTRA | {"params": other})
    (fault,) = draft.faults()
    assert fault.endswith(f" checks[{number + 1}].id：编号“EXTRA”重复，第{number}条已用")


def test_two_checks_that_would_find_the_same(draft):
    number = add(draft, EXTRA, EXTRA | {"id": "EXTRA2", "severity": "warn"})
    (fault,) = draft.faults()
    assert fault.endswith(f" checks[{number + 1}]：与“EXTRA”种类、参数相同且年度重叠，同一问题会报两次")


def test_two_checks_of_different_years(draft):
    add(draft, EXTRA | {"to_year": 2025}, EXTRA | {"id": "EXTRA2", "severity": "warn", "from_year": 2026})
    checks = [check for check in draft.load().checks if check.check_id.startswith("EXTRA")]
    assert [[check.in_force(year) for year in (2025, 2026)] for check in checks] == [
        [True, False],
        [False, True],
    ]


def test_a_rule_needed_while_reading_is_missing(draft):
    def drop(data):
        data["checks"] = [check for check in data["checks"] if check["rule"] not in {"ENCODING", "EMPTY"}]

    draft.change("checks.yaml", drop)
    assert draft.faults() == (
        f"{CHECKS} 第{draft.line_of('checks.yaml', 'checks:')}行 checks："
        "缺少读取文件时要用的规则种类：EMPTY、ENCODING",
    )


def test_a_check_that_is_no_mapping(draft):
    number = add(draft, "EXTRA")
    (fault,) = draft.faults()
    assert fault.endswith(f" checks[{number}]：应为“键: 值”的对照")


def test_a_check_of_an_indicator_whose_row_is_at_fault_is_not_blamed(draft):
    row = draft.set("F2.4", frequency="weekly")
    (fault,) = draft.faults()
    assert fault.startswith(f"2024/indicators.csv 第{row}行 frequency 列(F2.4)：")
