"""What loading refuses: one test per fault, each with its file, row and column."""

import shutil

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.systems import load_edition, load_editions
from support.systems import SHIPPED, Draft

TABLE, HEAD = "2024/indicators.csv", "2024/system.yaml"


@pytest.fixture
def draft(tmp_path) -> Draft:
    return Draft(tmp_path)


def only(faults: tuple[str, ...]) -> str:
    assert len(faults) == 1, faults
    return faults[0]


CELLS = [
    # code, cells, column, message
    ("A1.1", {"code": "A1-1"}, "code", "指标编码“A1-1”应为大写字母加数字，分级用点，如 A1.2、X1"),
    ("A1.1", {"l2_code": "A9"}, "l2_code", "指标编码“A1.1”应以二级指标编码“A9”开头"),
    ("A1.1", {"l1_code": "Q"}, "l1_code", "二级指标编码“A1”应以一级指标编码“Q”开头"),
    ("A1.1", {"name_zh": ""}, "name_zh", "没有填写"),
    ("A1.2", {"l2_zh": "许可"}, "l2_zh", "“许可”与第2行同一编码的名称“简政放权与行政许可”不一致"),
    ("A1.1", {"value_type": "percent"}, "value_type", "未知的指标值类型“percent”，可用的是"),
    ("A1.1", {"ratio_kind": "rate"}, "ratio_kind", "未知的比率种类“rate”，可用的是 share、growth、multiple"),
    ("A1.1", {"ratio_kind": ""}, "ratio_kind", "比率指标应填比率种类"),
    ("A1.1", {"numerator_zh": ""}, "numerator_zh", "比率指标应填分子名称"),
    ("A1.1", {"denominator_zh": ""}, "denominator_zh", "比率指标应填分母名称"),
    ("A1.4", {"denominator_zh": "件数"}, "denominator_zh", "不是比率的行不填分母名称"),
    ("A1.4", {"ratio_kind": "share"}, "ratio_kind", "不是比率的行不填比率种类"),
    ("A1.1", {"direction": "up"}, "direction", "未知的方向“up”"),
    ("A1.1", {"direction": "lower_better"}, "direction", "linear 与方向 lower_better 相反"),
    ("A1.1", {"full_mark": "八分"}, "full_mark", "“八分”不是数"),
    ("A1.1", {"full_mark": "8e-1"}, "full_mark", "“8e-1”不是数"),
    ("A1.1", {"full_mark": "-0.8"}, "full_mark", "“-0.8”应不小于 0，最多两位小数"),
    ("A1.1", {"full_mark": "0.805"}, "full_mark", "“0.805”应不小于 0，最多两位小数"),
    ("A1.1", {"full_mark": ""}, "full_mark", "没有填写"),
    ("A1.1", {"rule_type": "curve"}, "rule_type", "未知的计分规则“curve”"),
    ("A1.1", {"zero_denominator": "na"}, "zero_denominator", "有分母的行应填 exclude"),
    ("A1.4", {"zero_denominator": "exclude"}, "zero_denominator", "没有分母的行应填 na"),
    ("A1.1", {"applicable_categories": "REGION;DEPT"}, "applicable_categories", "未知的标签“DEPT”"),
    ("A1.1", {"applicable_categories": "ENF;ENF"}, "applicable_categories", "标签重复"),
    ("A1.1", {"applicable_categories": ""}, "applicable_categories", "没有填写"),
    ("A1.1", {"indicator_group": "OTHER"}, "indicator_group", "未知的指标组“OTHER”，可用的是 COMMON、"),
    ("A1.1", {"frequency": "weekly"}, "frequency", "未知的报送频次“weekly”"),
    ("A1.1", {"reporting": "累计"}, "reporting", "未知的报送口径“累计”"),
    ("A1.1", {"aggregation": "mean"}, "aggregation", "未知的汇总办法“mean”"),
    ("A1.1", {"aggregation": "all"}, "aggregation", "ratio 指标不能按 all 汇总"),
    ("A1.1", {"data_source": ""}, "data_source", "没有填写"),
    ("A1.1", {"data_source": "部门报送"}, "data_source", "来源“部门报送”应写成“代号：名称”"),
    ("A1.1", {"data_source": "SUB:甲;SUB:乙"}, "data_source", "来源重复"),
    ("A1.1", {"legal_basis_status": "ok"}, "legal_basis_status", "未知的依据核实情况“ok”"),
    ("A1.1", {"effective_from": ""}, "effective_from", "没有填写"),
    ("A1.1", {"effective_from": "2021/1/1"}, "effective_from", "“2021/1/1”不是日期"),
    ("A1.1", {"effective_from": "2021-02-29"}, "effective_from", "“2021-02-29”不是日期"),
    (
        "X1",
        {"effective_from": "2025-01-01", "effective_to": "2024-12-31"},
        "effective_to",
        "失效日 2024-12-31 早于生效日 2025-01-01",
    ),
    ("X1", {"effective_to": "2023-12-31"}, "effective_to", "在本版本的各年度内从未生效"),
    # a rule must fit its values
    ("A1.1", {"rule_type": "pass_fail", "rule_params": "{}"}, "rule_type", "只适用于 boolean"),
    (
        "A1.1",
        {
            "rule_type": "date_late",
            "rule_params": '{"due": "03-31", "late_per_day": 0.1, "zero_after_days": 30, "year_offset": 0}',
        },
        "rule_type",
        "date_late 不适用于 ratio 指标，只适用于 date",
    ),
    (
        "A1.1",
        {"rule_type": "per_occurrence", "rule_params": '{"k": 0.1, "floor": 0}', "direction": "lower_better"},
        "rule_type",
        "per_occurrence 不适用于 ratio 指标，只适用于 count",
    ),
    ("A2.1", {"rule_type": "linear", "rule_params": '{"floor": 0, "target": 1}'}, "rule_type", "boolean"),
    ("X1", {"full_mark": "1"}, "full_mark", "bonus_capped 行不占分值，满分应为 0"),
    # fines and confiscations are never scored
    (
        "D5.3",
        {"rule_type": "linear", "rule_params": '{"floor": 0, "target": 1}', "full_mark": "0.01"},
        "rule_type",
        "金额指标只能是 report_only，不能用 linear 计分（行政处罚法第七十四条禁止罚没数额与考核挂钩）",
    ),
    (
        "D5.3",
        {"rule_type": "bonus_capped", "rule_params": '{"points": 1}'},
        "rule_type",
        "金额指标只能是 report_only，不能用 bonus_capped 计分",
    ),
    ("D5.5", {"unit_zh": "万元"}, "unit_zh", "以“万元”计的是金额，不能计分"),
    ("D5.5", {"numerator_zh": "罚没收入"}, "numerator_zh", "“罚没收入”按罚没数额计分，不予采用"),
    ("A1.1", {"name_zh": "罚款入库金额完成率"}, "name_zh", "按罚没数额计分，不予采用"),
]


@pytest.mark.parametrize(("code", "cells", "column", "message"), CELLS)
def test_a_cell_is_refused(draft, code, cells, column, message):
    row = draft.set(code, **cells)
    place = f"{TABLE} 第{row}行 {column} 列" + ("" if column == "code" else f"({code})")
    found = [fault for fault in draft.faults() if "满分合计" not in fault and "本版本没有指标" not in fault]
    assert len(found) == 1, found
    assert found[0].startswith(f"{place}："), found
    assert message in found[0].removeprefix(f"{place}：")


@pytest.mark.parametrize(("written", "said"), [("A1.2", ""), ("A1.02", "(写作“A1.02”)")])
def test_a_code_twice(draft, written, said):
    row = draft.set("A1.1", code=written)
    found = [fault for fault in draft.faults() if "重复" in fault]
    assert found == [f"{TABLE} 第{row + 1}行 code 列：指标编码“A1.2”重复，第{row}行已有{said}"]


PARAMS = [
    # code, JSON, the fault after "rule_params 列(code)"
    ("A1.1", "{", "：不是正确的 JSON(第"),
    ("A1.1", '{"floor": 0.8, "floor": 0.7, "target": 1}', "：JSON 中的键“floor”重复"),
    ("A1.1", '{"floor": 8e-1, "target": 1}', "：数“8e-1”应写成普通小数"),
    ("A1.1", '{"floor": NaN, "target": 1}', "：数“NaN”应写成普通小数"),
    ("A1.1", "[]", "：应为“键: 值”的对照"),
    (
        "A1.1",
        '{"floor": 0.8, "target": 1, "scale": "city"}',
        "：未知的规则参数“scale”，可用的是 floor、target",
    ),
    ("A1.1", '{"floor": 0.8}', "：缺少规则参数“target”"),
    ("A1.1", '{"floor": true, "target": 1}', " floor：“True”不是数"),
    ("A1.1", '{"floor": 1, "target": 1}', "：floor 与 target 不能相等"),
    ("A1.1", '{"floor": 1, "target": 0.8}', "：target 应大于 floor；方向相反的请用 linear_inverse"),
    ("A1.1", '{"floor": 0.8, "target": 1.2}', " target：“1.2”应不大于 1"),
    ("A1.1", '{"floor": -0.1, "target": 1}', " floor：“-0.1”应不小于 0"),
    ("D5.5", '{"floor": -1, "target": 50}', " floor：“-1”应不小于 0"),
    ("E4.3", '{"floor": 60, "target": 101}', " target：“101”应不大于 100"),
    ("E2.2", '{"best": 0.2, "worst": 0.2}', "：best 与 worst 不能相等"),
    ("E2.2", '{"best": 0.2, "worst": 0}', "：worst 应大于 best；方向相反的请用 linear"),
    ("D6.1", '{"bands": []}', " bands：至少要有一档"),
    ("D6.1", '{"bands": 1}', " bands：应为列表"),
    ("D6.1", '{"bands": [[0, null]]}', " bands[1]：每档应写成 [下限, 上限, 得分率]"),
    ("D6.1", '{"bands": [[0, 0.5, 0], [0.6, null, 1]]}', " bands：第1档与第2档之间有空档"),
    ("D6.1", '{"bands": [[0, 0.5, 0], [0.4, null, 1]]}', " bands：第1档与第2档重叠"),
    ("D6.1", '{"bands": [[0, null, 0], [0.4, null, 1]]}', " bands：第1档与第2档重叠"),
    ("D6.1", '{"bands": [[0, 0.5, 0], [null, null, 1]]}', " bands：第1档与第2档重叠"),
    ("D6.1", '{"bands": [[0, 0.5, 0], [0.5, 1, 1]]}', " bands：最后一档的上限应为 null"),
    ("D6.1", '{"bands": [[0.5, 0.5, 0], [0.5, null, 1]]}', " bands[1]：下限应小于上限"),
    ("D6.1", '{"bands": [[0, 0.5, 0], [0.5, null, 1.2]]}', " bands[2][3]：“1.2”应不大于 1"),
    ("D6.1", '{"bands": [[0, 0.5, -0.1], [0.5, null, 1]]}', " bands[1][3]：“-0.1”应不小于 0"),
    ("A2.1", '{"floor": 0}', "：未知的规则参数“floor”，这里不带规则参数"),
    ("A1.4", '{"k": 0, "floor": 0}', " k：“0”应大于 0"),
    ("A1.4", '{"k": 0.25, "floor": 0.5}', " floor：保底分应小于满分"),
    ("A1.4", '{"k": 0.25, "floor": -1}', " floor：“-1”应不小于 0"),
    ("A1.4", '{"k": 0.25}', "：缺少规则参数“floor”"),
    (
        "C1.1",
        '{"due": "02-29", "late_per_day": 0.1, "zero_after_days": 30, "year_offset": 0}',
        " due：“02-29”不是每年都有的月日",
    ),
    (
        "C1.1",
        '{"due": "3-1", "late_per_day": 0.1, "zero_after_days": 30, "year_offset": 0}',
        " due：“3-1”不是每年都有的月日",
    ),
    (
        "C1.1",
        '{"due": "03-31", "late_per_day": 1.5, "zero_after_days": 30, "year_offset": 0}',
        " late_per_day：“1.5”应不大于 1",
    ),
    (
        "C1.1",
        '{"due": "03-31", "late_per_day": 0.1, "zero_after_days": 0.5, "year_offset": 0}',
        " zero_after_days：“0.5”应不小于 1",
    ),
    (
        "C1.1",
        '{"due": "03-31", "late_per_day": 0.1, "zero_after_days": 30, "year_offset": 0.5}',
        " year_offset：“0.5”应为整数",
    ),
    ("C1.1", '{"due": "03-31", "late_per_day": 0.1, "zero_after_days": 30}', "：缺少规则参数“year_offset”"),
    ("D5.3", '{"k": 1}', "：未知的规则参数“k”，这里不带规则参数"),
    ("X1", '{"national": 2, "county": 1}', "：未知的规则参数“county”"),
    ("X1", '{"national": 2, "points": 1}', "：计分办法应恰好写一种"),
    ("X1", '{"cap": 1}', "：计分办法应恰好写一种"),
    ("X1", '{"national": -2}', " national：“-2”应大于 0"),
    ("X1", '{"points": 1, "zero_indicator": true}', "：未知的规则参数“zero_indicator”"),
    ("Y3", '{"k": 2, "zero_indicator": "yes"}', " zero_indicator：“yes”应为 true 或 false"),
    ("Z01", "{}", "：否决项应写明后果"),
    ("Z01", '{"no_excellent": false}', "：否决项应写明后果"),
    ("Z01", '{"grade_cap": "较差"}', " grade_cap：未知的等次“较差”，本版本的等次是 优秀、良好、合格、不合格"),
]


@pytest.mark.parametrize(("code", "params", "fault"), PARAMS)
def test_a_rule_parameter_is_refused(draft, code, params, fault):
    row = draft.set(code, rule_params=params)
    found = only(draft.faults())
    assert found.startswith(f"{TABLE} 第{row}行 rule_params 列({code}){fault}"), found


@pytest.mark.parametrize(
    ("code", "params"),
    [
        ("D6.1", '{"bands": [[null, 0.5, 0], [0.5, null, 1]]}'),
        ("D6.1", '{"bands": [[null, null, 1]]}'),
        ("A4.5", '{"bands": [[-0.5, 3, 0], [3, null, 1]]}'),
        ("F4.3", '{"floor": 1, "target": 30}'),
        ("X1", '{"city": 1}'),
        ("Y3", '{"points": 2}'),
    ],
)
def test_other_parameters_within_the_contract_load(draft, code, params):
    draft.set(code, rule_params=params)
    assert draft.load().by_code[code].rule_params


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (lambda d: d.pop("share"), "", "缺少键“share”"),
        (lambda d: d.update(share=None), " share", "没有规定占比(share),缺少占比的版本不能计分"),
        (lambda d: d.update(share="0.09"), " share", "占比“0.09”低于 0.10"),
        (lambda d: d.update(share="0.0999"), " share", "占比“0.0999”低于 0.10"),
        (lambda d: d.update(share="1.01"), " share", "占比“1.01”大于 1"),
        (lambda d: d.update(share="10%"), " share", "占比“10%”应写成小数"),
        (lambda d: d.update(share={"2024": "0.10", "2025": "0.05"}), " share.2025", "占比“0.05”低于 0.10"),
        (lambda d: d.update(share={"2024": "0.10", "2026": "0.10"}), " share", "没有规定 2025 年度的占比"),
        (lambda d: d.update(share={"2023": "0.1", "2024": "0.1"}), " share", "2023 年度不属于本版本"),
        (lambda d: d.update(share={}), " share", "没有规定 2024 年度的占比"),
        (lambda d: d.update(share={"后年": "0.10", "2024": "0.10"}), " share.后年", "“后年”不是年度"),
        (lambda d: d.update(weight=1), "", "未知的键“weight”，可用的是 id、"),
        (lambda d: d.update(id="二〇二四"), " id", "版本编号“二〇二四”只用英文字母、数字、下划线和短横"),
        (lambda d: d.update(title_zh=""), " title_zh", "没有填写"),
        (lambda d: d.update(title_zh=["甲"]), " title_zh", "应为文字"),
        (lambda d: d["years"].pop("to"), " years", "缺少键“to”"),
        (lambda d: d["years"].update({"to": 2020}), " years", "末年度 2020 早于首年度 2024"),
        (lambda d: d["years"].update({"from": "今年"}), " years.from", "“今年”不是数"),
        (lambda d: d.update(total_points="0"), " total_points", "“0”应大于 0"),
        (lambda d: d.update(profiles=[]), " profiles", "至少要有一种单位类型"),
        (
            lambda d: d["profiles"][1].update(when=["LEAD", "BOSS"]),
            " profiles[2].when[2]",
            "未知的标签“BOSS”",
        ),
        (lambda d: d["profiles"][4].update(when=["SINGLE", "SINGLE"]), " profiles[5].when", "标签重复"),
        (
            lambda d: d["profiles"][1]["shares"].update(COMMON="31"),
            " profiles[2].shares",
            "单位类型“牵头兼执法部门”三类指标分值合计为 101，应为 100",
        ),
        (lambda d: d["profiles"][1]["shares"].pop("LEAD"), " profiles[2].shares", "缺少指标组“LEAD”"),
        (
            lambda d: d["profiles"][1]["shares"].update(OTHER="0"),
            " profiles[2].shares",
            "未知的指标组“OTHER”",
        ),
        (
            lambda d: d["profiles"][1]["shares"].update(COMMON="-10", FUNCTION="80"),
            " profiles[2].shares.COMMON",
            "“-10”应不小于 0",
        ),
        (lambda d: d["profiles"][1].update(name="旗县区"), " profiles[2]", "单位类型“旗县区”重复"),
        (
            lambda d: d["profiles"].insert(0, d["profiles"].pop(2)),
            " profiles[3]",
            "单位类型“牵头兼执法部门”永远轮不到：前面的“牵头部门”已包括它的单位",
        ),
        (lambda d: d.update(multipliers={"Q9.9": "1.2"}), " multipliers.Q9.9", "本版本没有指标“Q9.9”"),
        (lambda d: d.update(multipliers={"I2.4": "0"}), " multipliers.I2.4", "“0”应大于 0"),
        (lambda d: d.update(multipliers={"I2.4": "-1"}), " multipliers.I2.4", "“-1”应大于 0"),
        (lambda d: d.update(multipliers={"X1": "2"}), " multipliers.X1", "指标“X1”不占分值，不能设倍数"),
        (lambda d: d.update(grades=[]), " grades", "至少要有一个等次"),
        (
            lambda d: d["grades"][1].update(at_least="90"),
            " grades[2]",
            "等次“良好”的最低分应低于前一等次“优秀”",
        ),
        (lambda d: d["grades"][3].update(at_least="1"), " grades[4]", "最后一个等次“不合格”的最低分应为 0"),
        (lambda d: d["grades"][1].update(at_least="80.005"), " grades[2].at_least", "“80.005”最多写两位小数"),
        (lambda d: d["grades"][1].update(name_en="Qualified"), " grades", "等次名称“Qualified”重复"),
        (lambda d: d.update(top_grade_quota="1.5"), " top_grade_quota", "“1.5”应不大于 1"),
        (lambda d: d.update(top_grade_quota="0"), " top_grade_quota", "“0”应大于 0"),
        (lambda d: d["caps"].pop("bonus"), " caps", "缺少键“bonus”"),
        (lambda d: d["caps"].update(bonus="-5"), " caps.bonus", "“-5”应不小于 0"),
        (
            lambda d: d.update(component_on_veto="halve"),
            " component_on_veto",
            "“halve”不可用，可用的是 keep、zero",
        ),
        (lambda d: d.update(component_on_veto={"cap": "101"}), " component_on_veto.cap", "“101”应不大于 100"),
        (
            lambda d: d["deadlines"]["penalty_decision"]["values"][0].update(mark="K"),
            " deadlines.penalty_decision.values[1].mark",
            "未知的核实情况“K”",
        ),
        (
            lambda d: d["deadlines"]["penalty_decision"]["values"][0].update(value="九十"),
            " deadlines.penalty_decision.values[1].value",
            "“九十”不是数",
        ),
        (
            lambda d: d["deadlines"]["penalty_decision"]["values"][0].update(to="2020-01-01"),
            " deadlines.penalty_decision.values[1]",
            "终止日 2020-01-01 早于起始日 2021-07-15",
        ),
        (
            lambda d: d["deadlines"]["penalty_decision"]["values"].append(
                d["deadlines"]["penalty_decision"]["values"][0] | {"value": "60"}
            ),
            " deadlines.penalty_decision.values",
            "各取值的起止日重叠",
        ),
    ],
)
def test_the_head_is_refused(draft, change, place, message):
    draft.change("system.yaml", change)
    found = only(draft.faults())
    place_found, _, message_found = found.partition("：")
    assert message_found.startswith(message), found
    assert place_found.startswith(f"{HEAD} 第"), found
    assert place_found.endswith(f"行{place}"), found


def test_a_share_for_each_year_must_cover_a_closed_edition(tmp_path):
    draft = Draft(tmp_path, "2021")
    draft.replace("system.yaml", 'share: "0.10"', 'share: {2021: "0.10", 2022: "0.12"}')
    line = draft.line_of("system.yaml", "share: {")
    assert only(draft.faults()) == f"2021/system.yaml 第{line}行 share：没有规定 2023 年度的占比"


def test_a_share_for_each_year(tmp_path):
    draft = Draft(tmp_path, "2021")
    draft.replace("system.yaml", 'share: "0.10"', 'share: {2021: "0.10", 2022: "0.12", 2023: 0.15}')
    edition = draft.load()
    assert [edition.share(year) for year in (2021, 2022, 2023)] == ["0.10", "0.12", "0.15"]


def test_an_open_edition_without_a_share_for_the_year_scores_nothing(draft):
    draft.replace("system.yaml", 'share: "0.10"', 'share: {2024: "0.10", 2025: "0.11"}')
    editions = load_editions(draft.path.parent)
    assert editions.for_year(2025).share(2025) == "0.11"
    with pytest.raises(ConfigurationError, match="指标体系 2024 没有规定 2026 年度的占比"):
        editions.for_year(2026)


@pytest.mark.parametrize(("mark", "total"), [("0.9", "100.1"), ("0.79", "99.99")])
def test_full_marks_that_do_not_add_up(draft, mark, total):
    draft.set("A1.1", full_mark=mark)
    assert only(draft.faults()) == f"{TABLE} full_mark 列：没有失效日的计分指标满分合计为 {total}，应为 100"


def test_the_sum_of_a_closed_edition_is_that_of_its_last_year(tmp_path):
    draft = Draft(tmp_path, "2021")
    draft.set("A1.1", effective_to="2023-12-30")
    assert only(draft.faults()) == (
        "2021/indicators.csv full_mark 列：2023 年底有效的计分指标满分合计为 98.9，应为 100"
    )


def test_a_row_that_ends_after_the_last_day_still_counts(tmp_path):
    draft = Draft(tmp_path, "2021")
    draft.set("A1.1", effective_to="2023-12-31")
    assert draft.load().by_code["A1.1"].effective_to.isoformat() == "2023-12-31"


def test_a_row_replaced_during_an_open_edition(draft):
    records = draft.table()
    row = draft.row_of("A1.1")
    successor = list(records[row - 1])
    successor[0] = "A1.5"
    successor[records[0].index("effective_from")] = "2026-01-01"
    records[row - 1][records[0].index("effective_to")] = "2025-12-31"
    draft.write_table([*records, successor])
    assert {"A1.1", "A1.5"} <= set(draft.load().by_code)


def test_a_mark_of_nothing_on_a_scored_row(draft):
    row = draft.set("A1.1", full_mark="0")
    assert draft.faults() == (
        f"{TABLE} 第{row}行 full_mark 列(A1.1)：计分指标的满分应大于 0",
        f"{TABLE} full_mark 列：没有失效日的计分指标满分合计为 99.2，应为 100",
    )


def test_an_unknown_a_missing_and_a_doubled_column(draft):
    records = draft.table()
    records[0][records[0].index("evidence_zh")] = "cross_checks"
    records[0][records[0].index("l1_en")] = "l1_zh"
    draft.write_table(records)
    assert draft.faults()[:4] == (
        f"{TABLE} 第1行：列“l1_zh”重复",
        f"{TABLE} 第1行：未知的列“cross_checks”",
        f"{TABLE} 第1行：缺少列“l1_en”",
        f"{TABLE} 第1行：缺少列“evidence_zh”",
    )


def test_a_row_that_is_too_short(draft):
    records = draft.table()
    records[2].pop()
    draft.write_table(records)
    assert f"{TABLE} 第3行：有 30 格，应与表头一样为 31 格" in draft.faults()


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("indicators.csv", b"", "2024/indicators.csv：文件是空的"),
        ("indicators.csv", "编码，名称\n".encode("gb18030"), "2024/indicators.csv 第1行：不是 UTF-8 编码"),
        ("indicators.csv", b'code,"l1', "2024/indicators.csv：CSV 写法有误"),
        ("system.yaml", b"", "2024/system.yaml：文件是空的"),
        ("system.yaml", b"id: [1\nshare: x: y", "2024/system.yaml 第2行第6列：YAML 写法有误"),
        ("system.yaml", b"id: '2024'\nid: '2025'\n", "2024/system.yaml 第2行：键“id”重复"),
        ("system.yaml", b"id: &a [x]\ntitle_zh: *a\n", "2024/system.yaml 第2行：不使用锚点和引用"),
        ("system.yaml", b"- a\n", "2024/system.yaml 第1行：应为“键: 值”的对照"),
        ("checks.yaml", b"checks: {}", "2024/checks.yaml 第1行 checks：应为列表"),
        ("checks.yaml", b"checks: []", "2024/checks.yaml 第1行 checks：没有任何校验规则"),
    ],
)
def test_a_file_that_cannot_be_read(draft, file, content, fault):
    draft.write(file, content)
    assert any(found.startswith(fault) for found in draft.faults()), draft.faults()


@pytest.mark.parametrize("file", ["system.yaml", "indicators.csv", "checks.yaml"])
def test_a_file_that_is_missing(draft, file):
    (draft.path / file).unlink()
    assert only(draft.faults()) == f"2024/{file}：文件不存在"


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(ConfigurationError, match="目录不存在"):
        load_edition(tmp_path / "2030")


def test_all_faults_at_once(draft):
    draft.change("system.yaml", lambda d: d.update(share="0.05"))
    draft.change("checks.yaml", lambda d: d["checks"][0].pop("fix_zh"))
    first = draft.set("A1.1", applicable_categories="DEPT", full_mark="0.9")
    second = draft.set("C1.1", rule_params='{"due": "03-31"}', frequency="weekly")
    faults = draft.faults()
    share, checks = draft.line_of("system.yaml", "share:"), draft.line_of("checks.yaml", "- id: NOT_DATA")
    assert faults == (
        f"{HEAD} 第{share}行 share：占比“0.05”低于 0.10：法治政府建设考评在领导绩效考核中的占比不得低于 0.10",
        f"{TABLE} 第{first}行 applicable_categories 列(A1.1)：未知的标签“DEPT”，"
        "可用的是 REGION、LEAD、ENF、SINGLE、VERT、TOWN",
        f"{TABLE} 第{second}行 frequency 列(C1.1)：未知的报送频次“weekly”，"
        "可用的是 daily、monthly、quarterly、half-yearly、yearly、event",
        f"{TABLE} 第{second}行 rule_params 列(C1.1)：缺少规则参数“late_per_day”",
        f"{TABLE} 第{second}行 rule_params 列(C1.1)：缺少规则参数“zero_after_days”",
        f"{TABLE} 第{second}行 rule_params 列(C1.1)：缺少规则参数“year_offset”",
        f"2024/checks.yaml 第{checks}行 checks[1]：规则“NOT_DATA”没有写明如何更正(fix_zh)",
        f"{TABLE} full_mark 列：没有失效日的计分指标满分合计为 100.1，应为 100",
    )


def test_the_whole_message_counts_and_lists(draft):
    draft.set("A1.1", full_mark="0.9")
    with pytest.raises(ConfigurationError) as caught:
        draft.load()
    assert str(caught.value) == (
        "指标体系 2024 有误（共 1 处），未予采用：\n"
        "  - 2024/indicators.csv full_mark 列：没有失效日的计分指标满分合计为 100.1，应为 100"
    )


# across editions


def copy_of(tmp_path, system_id, folder, **years):
    draft = Draft(tmp_path, system_id)
    target = tmp_path / "systems" / folder
    shutil.copytree(draft.path, target)
    shutil.rmtree(draft.path)
    draft.path = target
    if years:
        draft.change("system.yaml", lambda d: d.update(id=folder, years=years["years"]))
    return draft


def edition_faults(path):
    with pytest.raises(ConfigurationError) as caught:
        load_editions(path)
    return [fault.split("：", 1)[1] for fault in caught.value.faults]


def test_two_editions_for_one_year(tmp_path):
    copy_of(tmp_path, "2021", "2021", years={"from": 2021, "to": 2024})
    copy_of(tmp_path, "2024", "2024")
    assert edition_faults(tmp_path / "systems") == ["2024 年度已由 2021 适用，两个版本不能适用同一年度"]


def test_two_open_editions(tmp_path):
    copy_of(tmp_path, "2021", "2021")
    copy_of(tmp_path, "2024", "2024")
    copy_of(tmp_path, "2024", "2026", years={"from": 2026, "to": None})
    assert edition_faults(tmp_path / "systems") == ["2026 年度起已由 2024 适用，两个版本不能适用同一年度"]


def test_a_gap_between_editions(tmp_path):
    copy_of(tmp_path, "2021", "2021", years={"from": 2021, "to": 2023})
    copy_of(tmp_path, "2024", "2024", years={"from": 2026, "to": None})
    faults = edition_faults(tmp_path / "systems")
    assert faults == ["2024—2025 年度没有版本适用（2021 到 2023 年度为止）"]


def test_two_editions_with_one_id(tmp_path):
    copy_of(tmp_path, "2024", "2024")
    copy_of(tmp_path, "2021", "b").change("system.yaml", lambda d: d.update(id="2024"))
    assert edition_faults(tmp_path / "systems") == ["版本编号“2024”与目录 2024 重复"]


def test_an_id_other_than_the_folder(tmp_path):
    copy_of(tmp_path, "2024", "next")
    assert edition_faults(tmp_path / "systems") == ["版本编号“2024”应与目录名“next”一致"]


def test_faults_of_several_editions_and_between_them_come_together(tmp_path):
    copy_of(tmp_path, "2021", "2021", years={"from": 2021, "to": 2024}).set("A1.1", full_mark="1.2")
    copy_of(tmp_path, "2024", "2024").set("A1.1", full_mark="0.9")
    assert edition_faults(tmp_path / "systems") == [
        "2024 年底有效的计分指标满分合计为 100.1，应为 100",
        "没有失效日的计分指标满分合计为 100.1，应为 100",
        "2024 年度已由 2021 适用，两个版本不能适用同一年度",
    ]


@pytest.mark.parametrize("year", [2020, 1999])
def test_a_year_without_an_edition(editions, year):
    with pytest.raises(ConfigurationError) as caught:
        editions.for_year(year)
    assert str(caught.value) == (
        f"没有适用于 {year} 年度的指标体系版本（现有：2021 适用 2021—2023 年度；2024 适用 2024 年度起）"
    )


def test_an_unknown_id(editions):
    with pytest.raises(ConfigurationError, match="没有编号为“2030”的指标体系版本"):
        editions.by_id("2030")


def test_a_folder_without_editions(tmp_path):
    with pytest.raises(ConfigurationError, match="没有任何版本"):
        load_editions(tmp_path)
    with pytest.raises(ConfigurationError, match="指标体系目录不存在"):
        load_editions(tmp_path / "nowhere")


def test_the_shipped_folder_is_what_the_tests_copy():
    assert sorted(path.name for path in SHIPPED.iterdir()) == ["2021", "2024"]
