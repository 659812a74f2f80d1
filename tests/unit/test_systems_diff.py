"""The comparison of two editions: readable, complete, and silent where nothing changed."""

from dataclasses import fields, replace
from datetime import date
from fractions import Fraction

import pytest

from fazhi.model.terms import Aggregation, Frequency, Group, Reporting, RuleType, Severity, Tag, ValueType
from fazhi.systems import Check, Edition, Editions, Indicator, diff
from fazhi.systems.diff import NOTHING
from fazhi.systems.digest import edition_digest
from fazhi.systems.wording import rule_zh
from support.systems import Draft


@pytest.fixture(scope="module")
def edition(editions: Editions) -> Edition:
    return editions.by_id("2024")


def section(document: str, title: str) -> str:
    return next(part for part in document.split("\n## ") if part.split("\n")[0].endswith(title))


def changed_sections(document: str) -> list[str]:
    return [part.split("\n")[0] for part in document.split("\n## ")[1:] if NOTHING not in part]


def test_the_shipped_editions(editions):
    document = diff(editions.by_id("2021"), editions.by_id("2024"))
    assert document.startswith("# 指标体系对比：2021 → 2024\n\n|   | 旧：2021 | 新：2024 |\n")
    assert "| 适用年度 | 2021—2023 年度 | 2024 年度起 |" in document
    assert "| 依据未核实的行 | 73 | 86 |" in document
    added = section(document, "新增的指标")
    assert "共 16 项。" in added
    assert (
        "| D1.4 | 乡镇街道赋权事项承接完成率 | 个性指标 | 0.7 | 线性计分：50%及以下不得分，100%及以上得满分 |"
        in added
    )
    marks = section(document, "分值变化")
    assert "共 53 项。" in marks
    assert "| G2.2 | 应急处置被确认违法件数 | 3 | 0.7 | -2.3 |" in marks
    assert NOTHING in section(document, "取消的指标")
    assert NOTHING in section(document, "计分规则变化")


def test_the_other_way_round(editions):
    document = diff(editions.by_id("2024"), editions.by_id("2021"))
    assert "共 16 项。" in section(document, "取消的指标")
    assert "| G2.2 | 应急处置被确认违法件数 | 0.7 | 3 | +2.3 |" in section(document, "分值变化")


def test_nothing_changed(edition):
    document = diff(edition, edition)
    assert changed_sections(document) == []
    assert document.count(NOTHING) == 10


def test_a_changed_rule_is_said_in_words(edition):
    old = edition.by_code["D6.1"]
    new = replace(
        old, rule_type=RuleType.LINEAR, rule_params={"floor": Fraction(9, 10), "target": Fraction(1)}
    )
    document = diff(edition, with_indicator(edition, new))
    assert changed_sections(document) == ["4. 计分规则变化"]
    assert (
        "| D6.1 | 执法案卷评查合格率 | "
        "分档计分：0%至不足90%，得满分的 0%；90%至不足95%，得满分的 60%；95%至不足100%，得满分的 85%；"
        "100%及以上，得满分的 100% | 线性计分：90%及以下不得分，100%及以上得满分 |"
    ) in document


def test_pipes_and_line_breaks_do_not_break_the_table(edition):
    new = replace(edition.by_code["A1.1"], evidence_zh="甲|乙\n丙")
    row = next(line for line in diff(edition, with_indicator(edition, new)).splitlines() if "丙" in line)
    assert "甲\\|乙 丙 |" in row


def with_indicator(edition: Edition, indicator: Indicator) -> Edition:
    kept = tuple(indicator if one.code == indicator.code else one for one in edition.indicators)
    return replace(edition, indicators=kept)


OTHER_VALUES = {
    "value_type": ValueType.COUNT,
    "ratio_kind": None,
    "direction": "none",
    "full_mark": 1,
    "rule_type": RuleType.PASS_FAIL,
    "rule_params": {"floor": Fraction(1, 4), "target": Fraction(1)},
    "zero_denominator": None,
    "categories": frozenset({Tag.TOWN}),
    "group": Group.LEAD,
    "frequency": Frequency.EVENT,
    "reporting": Reporting.CUMULATIVE,
    "aggregation": Aggregation.LAST,
    "legal_basis_status": "seed",
    "effective_from": date(2025, 1, 1),
    "effective_to": date(2030, 1, 1),
}


@pytest.mark.parametrize(
    "name",
    # the ids of sources are part of data_source; a row without a denominator is another value type
    [item.name for item in fields(Indicator) if item.name not in {"code", "sources", "zero_denominator"}],
)
def test_every_change_of_an_indicator_shows(edition, name):
    old = edition.by_code["A1.1"]
    changed = with_indicator(edition, replace(old, **{name: OTHER_VALUES.get(name, "改了")}))
    assert changed_sections(diff(edition, changed)) != []
    assert edition_digest(changed) != edition.digest


@pytest.mark.parametrize("name", [item.name for item in fields(Check) if item.name != "check_id"])
def test_every_change_of_a_check_shows(edition, name):
    others = {
        "severity": Severity.HOLD,
        "params": {"x": Fraction(1)},
        "from_year": 2025,
        "to_year": 2030,
        "example_pass": {"甲": ["1", None]},
        "example_fail": {"甲": "2"},
        "legal_basis_status": "seed",
    }
    changed = replace(edition.checks[0], **{name: others.get(name, "改了")})
    document = diff(edition, replace(edition, checks=(changed, *edition.checks[1:])))
    assert changed_sections(document) == ["10. 校验规则"]


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (lambda d: d.update(share="0.12"), "6. 占比、等次和上限"),
        (lambda d: d.update(share={"2024": "0.10", "2025": "0.12"}), "6. 占比、等次和上限"),
        (lambda d: d.update(title_en="New"), "6. 占比、等次和上限"),
        (lambda d: d.update(total_points="100"), "6. 占比、等次和上限"),
        (lambda d: d.update(top_grade_quota="0.25"), "6. 占比、等次和上限"),
        (lambda d: d["caps"].update(bonus="3"), "6. 占比、等次和上限"),
        (lambda d: d["caps"].update(total="105"), "6. 占比、等次和上限"),
        (lambda d: d.update(component_on_veto="zero"), "6. 占比、等次和上限"),
        (lambda d: d.update(component_on_veto={"cap": "59.99"}), "6. 占比、等次和上限"),
        (lambda d: d["grades"][0].update(at_least="95"), "6. 占比、等次和上限"),
        (lambda d: d.update(notes="改了"), "6. 占比、等次和上限"),
        (lambda d: d["profiles"].append(d["profiles"].pop(0)), "6. 占比、等次和上限"),
        (lambda d: d["profiles"][0]["shares"].update(COMMON="50", FUNCTION="50"), "7. 单位类型"),
        (lambda d: d.update(multipliers={"I2.4": "1.5"}), "8. 指标倍数"),
        (lambda d: d["deadlines"].pop("penalty_decision"), "9. 期限和法定参数"),
    ],
)
def test_every_change_of_the_head_shows(tmp_path, edition, change, title):
    draft = Draft(tmp_path)
    draft.change("system.yaml", change)
    changed = draft.load()
    assert changed_sections(diff(edition, changed)) == [title]
    assert changed.digest != edition.digest


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("A1.4", "每发生 1 件扣 0.25 分，扣至 0 分为止"),
        ("A2.1", "是得满分，否不得分"),
        (
            "A4.5",
            "分档计分：-100%至不足-10%，得满分的 0%；-10%至不足0%，得满分的 60%；"
            "0%至不足5%，得满分的 80%；5%及以上，得满分的 100%",
        ),
        ("D5.3", "只报送，不计分"),
        ("E2.2", "反向线性计分：20%及以上不得分，0%及以下得满分"),
        ("F4.3", "线性计分：1及以下不得分，3及以上得满分"),
        ("H1.1", "线性计分：0 次及以下不得分，4 次及以上得满分"),
        ("I2.2", "考评年度次年 03-01 前（含当日）完成得满分，每迟 1 日扣 10%，迟 30 日及以上不得分"),
        ("X1", "加分：国家级每项加 2 分，自治区级每项加 1 分，累计不超过 3 分"),
        ("Y3", "扣分：每次扣 2 分，所涉指标记零分"),
        ("Z03", "否决：等次最高为合格，不得评为最高等次"),
    ],
)
def test_rules_in_words(edition, code, said):
    assert rule_zh(edition.by_code[code]) == said
