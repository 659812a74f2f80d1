"""The rules' documentation, made from the editions. In: editions. Out: Markdown pages.

``python -m fazhi.validate.catalogue`` writes ``docs/rules/``; a test fails when a page is not what this
module makes.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fazhi.model.terms import SEVERITY_ZH
from fazhi.settings import PROJECT_ROOT, Settings
from fazhi.systems import load_editions
from fazhi.systems.edition import Check, Edition
from fazhi.systems.rule_kinds import RULE_KINDS

BASIS_STATUS_ZH: Mapping[str, str] = {
    "found": "公开网页所见",
    "seed": "来源文本所载",
    "unverified": "未核实，引用前须核对原文",
}
_JUDGED_ZH = {"intake": "读取文件时", "values": "读取之后，与其他数据一起"}
_FIELD_ZH: Mapping[str, str] = {
    "raw": "单元格",
    "of": "报送任务",
    "file": "文件",
    "indicator": "指标",
    "unit": "单位",
    "by": "报送单位",
    "kind": "种类",
    "year": "年度",
    "period": "填报期",
    "numerator": "分子",
    "denominator": "分母",
    "value": "数值",
    "stated": "比率",
    "boolean": "是否",
    "date": "日期",
    "date_year": "日期的年份",
    "na": "不适用",
    "reason": "理由",
    "evidence": "佐证材料数",
    "reporting": "注明",
    "scope": "范围",
}
_WORD_ZH: Mapping[tuple[str, str], str] = {
    ("kind", "office"): "主管机关报送",
    ("kind", "unit"): "单位报送",
    ("reporting", "cumulative"): "累计数",
    ("reporting", "current"): "当期数",
    ("na", "1"): "是",
    ("year", "-1"): "上一年",
    ("date_year", "-1"): "上一年",
}


def pages(editions: Sequence[Edition]) -> dict[str, str]:
    """Every page of the catalogue by its file name."""
    return {"README.md": _index(editions), **{f"{one.system_id}.md": _page(one) for one in editions}}


def _index(editions: Sequence[Edition]) -> str:
    lines = [
        "# 校验规则目录",
        "",
        "由 `python -m fazhi.validate.catalogue` 根据各版指标体系的 `checks.yaml` 生成，请勿手工修改。",
        "",
    ]
    for edition in editions:
        years = (
            f"{edition.from_year}年起"
            if edition.to_year is None
            else f"{edition.from_year}—{edition.to_year}年"
        )
        lines.append(f"- [{edition.title_zh}]({edition.system_id}.md)：{years}，{len(edition.checks)} 条规则")
    return "\n".join(lines) + "\n"


def _page(edition: Edition) -> str:
    lines = [
        f"# 校验规则：{edition.title_zh}",
        "",
        "由 `python -m fazhi.validate.catalogue` 根据 `checks.yaml` 生成，请勿手工修改。",
        "话里的 {found}、{expected}、{detail} 分别是实际填写的内容、应填的内容和补充说明。",
        "例子中的数据都是合成数据。",
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
        lines += ["", *_section(check)]
    return "\n".join(lines) + "\n"


def _anchor(check: Check) -> str:
    """The anchor that Markdown viewers make of the heading."""
    return "".join(c for c in check.check_id.lower() if c.isalnum() or c in "_-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _section(check: Check) -> list[str]:
    lines = [
        f"## {check.check_id}",
        "",
        f"- 处理：{SEVERITY_ZH[check.severity]}（`{check.severity.value}`）",
        f"- 规则种类：`{check.rule}`，{_JUDGED_ZH[RULE_KINDS[check.rule].judged_by]}检查",
        f"- 看什么：{check.looks_at_zh}",
        f"- 要求：{check.expects_zh}",
        f"- 怎么说：{check.message_zh}",
        f"- 英文：{check.message_en}",
        f"- 怎样更正：{check.fix_zh}",
        f"- 依据：{check.legal_basis or '无'}（{BASIS_STATUS_ZH[check.legal_basis_status]}）",
        f"- 适用年度：{_years(check)}",
    ]
    if check.params:
        given = "、".join(f"`{name}` = {_param(value)}" for name, value in check.params.items())
        lines.append(f"- 参数：{given}")
    return [
        *lines,
        f"- 通过的例子：{_example(check.example_pass)}",
        f"- 不通过的例子：{_example(check.example_fail)}{_pointed_at(check.example_fail)}",
    ]


def _years(check: Check) -> str:
    if check.from_year is None and check.to_year is None:
        return "随版本"
    return f"{check.from_year or '版本首年'}—{check.to_year or '版本末年'}"


def _param(value: Any) -> str:
    return "、".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _example(example: Mapping[str, Any]) -> str:
    if "rows" not in example:
        return "，".join(f"{_FIELD_ZH[name]}“{value}”" for name, value in example.items())
    text = "；".join(_row(row) for row in example["rows"])
    if example.get("others"):
        text += "；与之比较的：" + "；".join(_row(row) for row in example["others"])
    if example.get("approved"):
        text += f"；“不适用”已批准：{'、'.join(example['approved'])}"
    return text


def _row(row: Mapping[str, str]) -> str:
    return " ".join(f"{_FIELD_ZH[name]} {_WORD_ZH.get((name, value), value)}" for name, value in row.items())


def _pointed_at(example: Mapping[str, Any]) -> str:
    if "cells" not in example:
        return ""
    cells = "、".join(cell or "整个文件" for cell in example["cells"])
    return f"（指出：{cells}）"


def main() -> int:
    """Write the catalogue; says which pages changed."""
    folder = PROJECT_ROOT / "docs" / "rules"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages(load_editions(Settings.load().systems_dir).all).items():
        path = Path(folder / name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
