"""The public catalogue: complete in both languages, and orphans fail in both directions."""

import re
from dataclasses import replace

import pytest

from fazhi.model.terms import SEVERITY_ZH, Severity
from fazhi.systems.rule_kinds import RULE_KINDS
from fazhi.validate import catalogue
from fazhi.validate.catalogue import orphans, pages, rule_codes, rule_names
from fazhi.validate.catalogue_words import BASIS_STATUS_EN, BASIS_STATUS_ZH
from support.validate import EDITIONS

EDITION = EDITIONS.by_id("2024")
PAGES = pages(EDITIONS.all)


def test_the_list_has_seventy_five_rule_codes_in_the_five_severities():
    assert len(rule_codes()) == 75
    assert {code.severity for code in rule_codes()} == set(Severity)


def test_nothing_is_an_orphan():
    assert orphans(EDITIONS.all) == ()


def test_a_rule_code_without_a_check_is_an_orphan():
    without = replace(EDITION, checks=tuple(one for one in EDITION.checks if one.rule != "NUM_GT_DEN"))
    assert orphans([EDITIONS.by_id("2021"), without]) == (
        "2024：规则代码 NUM_GT_DEN（分子大于分母）没有校验规则",
    )


def test_a_rule_kind_without_a_check_is_an_orphan(monkeypatch: pytest.MonkeyPatch):
    kind = replace(RULE_KINDS["NEGATIVE"], rule="NEW_KIND")
    monkeypatch.setattr(catalogue, "RULE_KINDS", {**RULE_KINDS, "NEW_KIND": kind})
    assert orphans(EDITIONS.all) == (
        "规则种类 NEW_KIND 没有任何一版的 checks.yaml 使用",
        "规则种类 NEW_KIND 在 rule_codes.yaml 中没有名称",
    )


def test_a_name_without_a_rule_kind_is_an_orphan(monkeypatch: pytest.MonkeyPatch):
    name = rule_names()["NEGATIVE"]
    monkeypatch.setattr(catalogue, "rule_names", lambda: {**rule_names(), "OLD_KIND": name})
    assert orphans(EDITIONS.all) == ("rule_codes.yaml 中的 OLD_KIND 不是规则种类",)


def test_every_rule_has_a_name_of_its_own_in_both_languages():
    names = rule_names()
    assert set(names) == {check.rule for edition in EDITIONS.all for check in edition.checks}
    for code, name in names.items():
        assert re.search(r"[\u4e00-\u9fff]", name.name_zh), code
        assert name.name_en.isascii() or "万" in name.name_en or "处" in name.name_en, code
    chinese = [name.name_zh for name in names.values()]
    assert len(set(chinese)) == len(chinese)


def test_a_check_without_a_kind_or_an_example_is_an_orphan():
    first, second, *rest = EDITION.checks
    broken = replace(
        EDITION, checks=(replace(first, rule="NO_SUCH"), replace(second, example_fail={}), *rest)
    )
    found = orphans([EDITIONS.by_id("2021"), broken])
    assert f"2024：{first.check_id} 的规则种类 NO_SUCH 不存在" in found
    assert f"2024：{second.check_id} 缺少 example_fail" in found


def test_a_field_of_an_example_without_words_is_an_orphan():
    first, *rest = EDITION.checks
    broken = replace(EDITION, checks=(replace(first, example_pass={"unheard_of": "1"}), *rest))
    assert orphans([broken]) == (f"2024：{first.check_id} 的 example_pass 有目录没有收录的项 unheard_of",)


@pytest.mark.parametrize("edition", EDITIONS.all, ids=lambda one: one.system_id)
def test_each_edition_has_a_page_in_both_languages_with_every_check(edition):
    chinese, english = PAGES[f"{edition.system_id}.md"], PAGES[f"{edition.system_id}.en.md"]
    for page in (chinese, english):
        headings = [line[3:] for line in page.splitlines() if line.startswith("## ")]
        assert headings == [check.check_id for check in edition.checks]
    sections = dict(zip([c.check_id for c in edition.checks], chinese.split("\n## ")[1:], strict=True))
    in_english = dict(zip([c.check_id for c in edition.checks], english.split("\n## ")[1:], strict=True))
    for check in edition.checks:
        section, other = sections[check.check_id], in_english[check.check_id]
        for part in (
            SEVERITY_ZH[check.severity],
            check.message_zh,
            check.message_en,
            check.fix_zh,
            "适用年度",
        ):
            assert part in section
        for part in (
            f"`{check.severity.value}`",
            check.message_en,
            check.message_zh,
            check.fix_zh,
            "Years: ",
        ):
            assert part in other
        assert BASIS_STATUS_ZH[check.legal_basis_status] in section
        assert BASIS_STATUS_EN[check.legal_basis_status] in other
        assert "- 通过的例子：" in section
        assert "- 不通过的例子：" in section
        assert "- Passes: " in other
        assert "- Fails: " in other


def test_the_index_leads_from_every_rule_code_to_its_checks():
    index = PAGES["README.md"]
    rows = [line for line in index.splitlines() if line.startswith("| `")]
    listed = rows[: len(rule_codes())]
    for code, row in zip(rule_codes(), listed, strict=True):
        assert row.startswith(f"| `{code.code}` | {code.name_zh}")
        for edition in EDITIONS.all:
            links = [check.check_id for check in edition.checks if check.rule == code.code]
            assert links
            for check_id in links:
                assert f"[{check_id}]({edition.system_id}.md#" in row
    others = {row.split("`")[1] for row in rows[len(rule_codes()) :]}
    rules = {check.rule for edition in EDITIONS.all for check in edition.checks}
    assert others == rules - {code.code for code in rule_codes()}
    for row in rows[len(rule_codes()) :]:
        name = rule_names()[row.split("`")[1]]
        assert f" | {name.name_zh} | {name.name_en} | " in row


def test_the_severity_of_every_rule_code_is_one_of_its_checks():
    differing = {
        (edition.system_id, code.code)
        for edition in EDITIONS.all
        for code in rule_codes()
        if code.severity not in {check.severity for check in edition.checks if check.rule == code.code}
    }
    assert differing == set()
