"""The public catalogue of rules, made from the editions. In: editions, rule codes. Out: Markdown pages, orphans.

``python -m fazhi.validate.catalogue`` writes ``docs/rules/``: for each edition a page in Chinese and one in English,
and an index of all rule codes. It fails when a rule code or kind has no check, or a check no example; a test fails
when a page is not what this module makes.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from fazhi.model.terms import SEVERITY_ZH, Severity
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.systems import load_editions
from fazhi.systems.edition import Check, Edition
from fazhi.systems.rule_kinds import RULE_KINDS, judged_by
from fazhi.validate.catalogue_words import (
    BASIS_STATUS_EN,
    BASIS_STATUS_ZH,
    FIELD_EN,
    FIELD_ZH,
    JUDGED_EN,
    JUDGED_ZH,
    SEVERITY_EN,
    WORD_ZH,
)

_MADE_BY = "`python -m fazhi.validate.catalogue`"


@dataclass(frozen=True)
class RuleCode:
    """One line of the list of rule codes; a code may stand in several lines."""

    code: str
    category: str
    name_zh: str
    name_en: str
    severity: Severity


@dataclass(frozen=True)
class RuleName:
    """What a rule is called where its code alone would say nothing to a reader."""

    name_zh: str
    name_en: str


@cache
def rule_codes() -> tuple[RuleCode, ...]:
    """The list of rule codes that every edition has to cover, in its own order."""
    return tuple(
        RuleCode(one["code"], one["category"], one["name_zh"], one["name_en"], Severity(one["severity"]))
        for one in _told()["codes"]
    )


@cache
def rule_names() -> Mapping[str, RuleName]:
    """The name of every rule by its code: those of the list in its order (a code's first line), then the further ones."""
    names: dict[str, RuleName] = {}
    for one in (*_told()["codes"], *_told()["others"]):
        names.setdefault(one["code"], RuleName(one["name_zh"], one["name_en"]))
    return names


@cache
def _told() -> Mapping[str, Any]:
    text = resources.files("fazhi.validate").joinpath("rule_codes.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def pages(editions: Sequence[Edition]) -> dict[str, str]:
    """Every page of the catalogue by its file name."""
    made = {"README.md": _index(editions)}
    for edition in editions:
        made[f"{edition.system_id}.md"] = _page_zh(edition)
        made[f"{edition.system_id}.en.md"] = _page_en(edition)
    return made


# --- orphans


def orphans(editions: Sequence[Edition]) -> tuple[str, ...]:
    """What has no counterpart, in words; empty when the catalogue is complete.

    A rule code without a check in an edition, with another severity than any check of it, a rule kind that no
    edition uses or that has no name, a name of no rule kind, a check of an unknown kind, a check without its examples or
    with a field that has no words.
    """
    return (*_faults_of_kinds(editions), *(one for e in editions for one in _faults_of(e)))


def _faults_of_kinds(editions: Sequence[Edition]) -> Iterator[str]:
    used = {check.rule for edition in editions for check in edition.checks}
    for rule in RULE_KINDS:
        if rule not in used:
            yield f"规则种类 {rule} 没有任何一版的 checks.yaml 使用"
        if rule not in rule_names():
            yield f"规则种类 {rule} 在 rule_codes.yaml 中没有名称"
    for rule in rule_names():
        if rule not in RULE_KINDS:
            yield f"rule_codes.yaml 中的 {rule} 不是规则种类"


def _faults_of(edition: Edition) -> Iterator[str]:
    for code in rule_codes():
        severities = {check.severity for check in edition.checks if check.rule == code.code}
        if not severities:
            yield f"{edition.system_id}：规则代码 {code.code}（{code.name_zh}）没有校验规则"
    for check in edition.checks:
        if check.rule not in RULE_KINDS:
            yield f"{edition.system_id}：{check.check_id} 的规则种类 {check.rule} 不存在"
        for name, example in (("example_pass", check.example_pass), ("example_fail", check.example_fail)):
            if not example:
                yield f"{edition.system_id}：{check.check_id} 缺少 {name}"
            for word in sorted(_fields(example) - FIELD_ZH.keys()):
                yield f"{edition.system_id}：{check.check_id} 的 {name} 有目录没有收录的项 {word}"


def _fields(example: Mapping[str, Any]) -> set[str]:
    """The names used in an example and its rows."""
    rows = [*example.get("rows", ()), *example.get("others", ())]
    return {name for name in example if name not in _STRUCTURE} | {name for row in rows for name in row}


_STRUCTURE = frozenset({"rows", "others", "cells", "approved", "deadline", "locked"})


# --- the index


def _index(editions: Sequence[Edition]) -> str:
    lines = [
        "# 校验规则目录 · Catalogue of validation rules",
        "",
        f"由 {_MADE_BY} 根据各版指标体系的 `checks.yaml` 生成，请勿手工修改。",
        f"Made by {_MADE_BY} from the editions' `checks.yaml`; not edited by hand.",
        "",
    ]
    for edition in editions:
        name = edition.system_id
        lines.append(
            f"- {edition.title_zh}，{_span_zh(edition)}，{len(edition.checks)} 条规则："
            f"[中文]({name}.md) · [English]({name}.en.md)"
        )
    lines += [
        "",
        "处理级别 · Severities："
        + "；".join(f"{SEVERITY_ZH[s]} `{s.value}` {SEVERITY_EN[s]}" for s in Severity),
        "",
        f"## 规则代码 · Rule codes（{len(rule_codes())}）",
        "",
        "| 代码 Code | 问题 | Problem | 处理 Severity | "
        + " | ".join(f"{edition.system_id}" for edition in editions)
        + " |",
        "| --- | --- | --- | --- |" + " --- |" * len(editions),
    ]
    lines += [_index_row(code, editions) for code in rule_codes()]
    return "\n".join([*lines, *_index_of_others(editions)]) + "\n"


def _index_row(code: RuleCode, editions: Sequence[Edition]) -> str:
    cells = [f"`{code.code}`", _cell(code.name_zh), _cell(code.name_en), _severities(code, editions)]
    return f"| {' | '.join([*cells, *(_links(edition, code.code) for edition in editions)])} |"


def _severities(code: RuleCode, editions: Sequence[Edition]) -> str:
    """The severities that the checks of a code have; the list's own first."""
    own = {check.severity for edition in editions for check in edition.checks if check.rule == code.code}
    ordered = sorted(own, key=lambda one: (one is not code.severity, list(Severity).index(one)))
    return "、".join(SEVERITY_ZH[one] for one in ordered)


def _links(edition: Edition, rule: str) -> str:
    found = [check for check in edition.checks if check.rule == rule]
    return "<br>".join(f"[{one.check_id}]({edition.system_id}.md#{_anchor(one)})" for one in found) or "—"


def _index_of_others(editions: Sequence[Edition]) -> list[str]:
    """The rules beyond the list."""
    listed = {code.code for code in rule_codes()}
    more = sorted({check.rule for edition in editions for check in edition.checks} - listed)
    if not more:
        return []
    lines = ["", f"## 其他规则 · Further rules（{len(more)}）", ""]
    lines.append(
        "| 代码 Code | 问题 | Problem | " + " | ".join(edition.system_id for edition in editions) + " |"
    )
    lines.append("| --- | --- | --- |" + " --- |" * len(editions))
    for rule in more:
        name = rule_names()[rule]
        cells = [f"`{rule}`", name.name_zh, name.name_en, *(_links(edition, rule) for edition in editions)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _span_zh(edition: Edition) -> str:
    if edition.to_year is None:
        return f"{edition.from_year}年起"
    return f"{edition.from_year}—{edition.to_year}年"


# --- an edition's page in Chinese


def _page_zh(edition: Edition) -> str:
    lines = [
        f"# 校验规则：{edition.title_zh}",
        "",
        f"由 {_MADE_BY} 根据 `checks.yaml` 生成，请勿手工修改。[English]({edition.system_id}.en.md) · [总目录](README.md)",
        "",
        "话里的 {found}、{expected}、{detail} 分别是实际填写的内容、应填的内容和补充说明。",
        "例子中的数据都是合成数据，每次测试都实际运行。",
        "",
        "| 规则 | 处理 | 看什么 | 要求 |",
        "| --- | --- | --- | --- |",
    ]
    for check in edition.checks:
        link = f"[{check.check_id}](#{_anchor(check)})"
        lines.append(
            f"| {link} | {SEVERITY_ZH[check.severity]} | {_cell(check.looks_at_zh)} | {_cell(check.expects_zh)} |"
        )
    for check in edition.checks:
        lines += ["", *_section_zh(check, edition)]
    return "\n".join(lines) + "\n"


def _section_zh(check: Check, edition: Edition) -> list[str]:
    lines = [
        f"## {check.check_id}",
        "",
        f"- 处理：{SEVERITY_ZH[check.severity]}（`{check.severity.value}`）",
        f"- 规则种类：`{check.rule}`，{JUDGED_ZH[judged_by(check.rule, check.params)]}检查",
        *(f"- 规则代码表：{code.name_zh}" for code in _codes_of(check)),
        f"- 看什么：{check.looks_at_zh}",
        f"- 要求：{check.expects_zh}",
        f"- 怎么说：{check.message_zh}",
        f"- 英文：{check.message_en}",
        f"- 怎样更正：{check.fix_zh}",
        f"- 依据：{check.legal_basis or '无'}（{BASIS_STATUS_ZH[check.legal_basis_status]}）",
        f"- 适用年度：{_years_zh(check, edition)}",
    ]
    if check.params:
        lines.append(
            f"- 参数：{'、'.join(f'`{name}` = {_param(value)}' for name, value in check.params.items())}"
        )
    return [
        *lines,
        f"- 通过的例子：{_example(ZH, check.example_pass)}",
        f"- 不通过的例子：{_example(ZH, check.example_fail)}",
    ]


def _codes_of(check: Check) -> list[RuleCode]:
    return [code for code in rule_codes() if code.code == check.rule]


def _years_zh(check: Check, edition: Edition) -> str:
    first, last = check.from_year or edition.from_year, check.to_year or edition.to_year
    return f"{first}年起" if last is None else f"{first}年" if first == last else f"{first}—{last}年"


# --- and in English


def _page_en(edition: Edition) -> str:
    lines = [
        f"# Validation rules: {edition.title_en}",
        "",
        f"Made by {_MADE_BY} from `checks.yaml`; not edited by hand. [中文]({edition.system_id}.md) · [Index](README.md)",
        "",
        "{found}, {expected} and {detail} stand for what was filled in, what is accepted, and what explains it.",
        "All data in the examples are synthetic; every test run runs them. Departments read the Chinese words; the fix",
        "and the legal basis are quoted in Chinese.",
        "",
        "| Rule | Severity | Judged | Years |",
        "| --- | --- | --- | --- |",
    ]
    for check in edition.checks:
        cells = (
            f"[{check.check_id}](#{_anchor(check)})",
            SEVERITY_EN[check.severity],
            JUDGED_EN[judged_by(check.rule, check.params)],
            _years_en(check, edition),
        )
        lines.append(f"| {' | '.join(cells)} |")
    for check in edition.checks:
        lines += ["", *_section_en(check, edition)]
    return "\n".join(lines) + "\n"


def _section_en(check: Check, edition: Edition) -> list[str]:
    lines = [
        f"## {check.check_id}",
        "",
        f"- Severity: {SEVERITY_EN[check.severity]} (`{check.severity.value}`)",
        f"- Rule kind: `{check.rule}`, judged {JUDGED_EN[judged_by(check.rule, check.params)]}",
        *(f"- Rule code: {code.name_en}" for code in _codes_of(check)),
        f"- Message: {check.message_en}",
        f"- Message in Chinese: {check.message_zh}",
        f"- How to put it right (Chinese): {check.fix_zh}",
        f"- Legal basis: {check.legal_basis or 'none'} ({BASIS_STATUS_EN[check.legal_basis_status]})",
        f"- Years: {_years_en(check, edition)}",
    ]
    if check.params:
        lines.append(
            f"- Parameters: {', '.join(f'`{name}` = {_param(value)}' for name, value in check.params.items())}"
        )
    return [
        *lines,
        f"- Passes: {_example(EN, check.example_pass)}",
        f"- Fails: {_example(EN, check.example_fail)}",
    ]


def _years_en(check: Check, edition: Edition) -> str:
    first, last = check.from_year or edition.from_year, check.to_year or edition.to_year
    return f"from {first}" if last is None else str(first) if first == last else f"{first}–{last}"


# --- what both share


@dataclass(frozen=True)
class _Language:
    """How examples are told; each phrase has one place for what it tells."""

    fields: Mapping[str, str]
    words: Mapping[tuple[str, str], str]
    comma: str
    semicolon: str
    field: str
    others: str
    approved: str
    deadline: str
    locked: str
    points_at: str
    whole_file: str
    listed: str


ZH = _Language(
    fields=FIELD_ZH,
    words=WORD_ZH,
    comma="，",
    semicolon="；",
    field="{}“{}”",
    others="；与之比较的：{}",
    approved="；“不适用”已批准：{}",
    deadline="；报送期限：{}",
    locked="；锁定：{}",
    points_at="（指出：{}）",
    whole_file="整个文件",
    listed="、",
)
EN = _Language(
    fields=FIELD_EN,
    words={},
    comma=", ",
    semicolon="; ",
    field="{} “{}”",
    others="; compared with: {}",
    approved="; approved as not applicable: {}",
    deadline="; deadline: {}",
    locked="; locked: {}",
    points_at=" (points at: {})",
    whole_file="the whole file",
    listed=", ",
)


def _example(tongue: _Language, example: Mapping[str, Any]) -> str:
    if "rows" not in example:
        return tongue.comma.join(
            tongue.field.format(tongue.fields.get(name, name), value)
            for name, value in example.items()
            if name not in _STRUCTURE
        )
    text = _rows(tongue, example["rows"])
    for name, phrase, told in (
        ("others", tongue.others, lambda rows: _rows(tongue, rows)),
        ("approved", tongue.approved, tongue.listed.join),
        ("deadline", tongue.deadline, lambda limit: " ".join(map(str, limit.values()))),
        ("locked", tongue.locked, str),
    ):
        if example.get(name):
            text += phrase.format(told(example[name]))
    if "cells" in example:
        text += tongue.points_at.format(
            tongue.listed.join(cell or tongue.whole_file for cell in example["cells"])
        )
    return text


def _rows(tongue: _Language, rows: Sequence[Mapping[str, str]]) -> str:
    return tongue.semicolon.join(
        " ".join(
            f"{tongue.fields.get(name, name)} {tongue.words.get((name, value), value)}"
            for name, value in row.items()
        )
        for row in rows
    )


def _anchor(check: Check) -> str:
    """The anchor that Markdown viewers make of the heading."""
    return "".join(c for c in check.check_id.lower() if c.isalnum() or c in "_-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _param(value: Any) -> str:
    return "、".join(map(str, value)) if isinstance(value, tuple) else str(value)


def main(say: Callable[[str], None] = print) -> int:
    """Write the catalogue; says which pages changed, and what has no counterpart."""
    folder = PROJECT_ROOT / "docs" / "rules"
    folder.mkdir(parents=True, exist_ok=True)
    editions = load_editions(Settings.load().systems_dir).all
    for name, text in pages(editions).items():
        path = Path(folder / name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            say(str(path))
    found = orphans(editions)
    for one in found:
        say(one)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
