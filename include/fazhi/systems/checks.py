"""The validation rules of an edition. In: ``checks.yaml``. Out: checks in id order, and every fault.

Format: a list under ``checks``; each has ``id``, ``rule`` (of ``rule_kinds``), ``severity``, ``params``,
what it looks at and expects, its words in Chinese and English, the fix, the legal basis and whether it is
verified, first and last year, and one example that passes and one that fails
(contracts/indicator-system.md). Every rule that is judged while reading a file must be worded, since any
file may need it.
"""

import re
import string
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path as FilePath
from typing import Any

from fazhi.model.exact import scaled
from fazhi.model.terms import Severity, ValueType
from fazhi.systems.edition import Check
from fazhi.systems.faults import Faults, tree_place
from fazhi.systems.indicators import BasisStatus, IndicatorTable
from fazhi.systems.node import YEARS, Node, shown
from fazhi.systems.read import read_yaml
from fazhi.systems.rule_kinds import RULE_KINDS, ParamKind

_REQUIRED = (
    "id",
    "rule",
    "severity",
    "looks_at_zh",
    "expects_zh",
    "message_zh",
    "message_en",
    "fix_zh",
    "example_pass",
    "example_fail",
)
_OPTIONAL = ("params", "legal_basis", "legal_basis_status", "from_year", "to_year")
_PLACES = ("found", "expected", "detail")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_PARTS: Mapping[str, frozenset[ValueType]] = {
    "numerator": frozenset({ValueType.RATIO}),
    "denominator": frozenset({ValueType.RATIO}),
    "value": frozenset({ValueType.COUNT, ValueType.AMOUNT, ValueType.SCORE}),
}
_MISSING = {
    "message_zh": "没有中文说明",
    "fix_zh": "没有写明如何更正",
    "example_pass": "没有通过的例子",
    "example_fail": "没有不通过的例子",
}


def read_checks(
    path: FilePath,
    label: str,
    table: IndicatorTable | None,
    years: tuple[int, int | None] | None,
    faults: Faults,
) -> tuple[Check, ...]:
    """Read and check the rules.

    Args:
        path: The file.
        label: How the file is named in faults.
        table: The edition's indicators, ``None`` if they could not be read (codes are then not checked).
        years: The edition's first and last year, if known.
        faults: Where faults go.
    """
    tree = read_yaml(path, label, faults)
    if tree is None:
        return ()
    root = Node(tree.data, (), tree_place(label, tree.lines), faults)
    given = root.fields(("checks",))
    items = given["checks"].items() if "checks" in given else []
    read = [(item, _CheckReader(item, table, years).check()) for item in items]
    if "checks" in given and given["checks"].value == []:
        given["checks"].refuse("没有任何校验规则")
    _check_ids(items)
    if items:
        _check_reading_rules(given["checks"], items)
    checks = [(item, check) for item, check in read if check is not None]
    _check_twins(checks)
    return tuple(sorted((check for _, check in checks), key=lambda check: check.check_id))


def _check_reading_rules(node: Node, items: list[Node]) -> None:
    worded = {item.value.get("rule") for item in items if isinstance(item.value, dict)}
    silent = [rule for rule, kind in RULE_KINDS.items() if kind.judged_by == "intake" and rule not in worded]
    if silent:
        node.refuse(f"缺少读取文件时要用的规则种类：{'、'.join(silent)}")


def _check_ids(items: list[Node]) -> None:
    first: dict[str, int] = {}
    for position, item in enumerate(items, start=1):
        check_id = item.value.get("id") if isinstance(item.value, dict) else None
        if isinstance(check_id, str) and check_id and first.setdefault(check_id, position) != position:
            item.child("id").refuse(f"编号“{shown(check_id)}”重复，第{first[check_id]}条已用")


def _check_twins(checks: list[tuple[Node, Check]]) -> None:
    """Two checks of one kind with the same parameters in the same year would report a fault twice."""
    for position, (item, check) in enumerate(checks):
        for _, other in checks[:position]:
            if (check.rule, check.params) != (other.rule, other.params) or check.check_id == other.check_id:
                continue
            if _years_meet(check, other):
                item.refuse(f"与“{other.check_id}”种类、参数相同且年度重叠，同一问题会报两次")


def _years_meet(one: Check, other: Check) -> bool:
    first = max(one.from_year or YEARS[0], other.from_year or YEARS[0])
    last = min(one.to_year or YEARS[1], other.to_year or YEARS[1])
    return first <= last


class _CheckReader:
    """Reads one check, noting every fault of it."""

    def __init__(
        self, item: Node, table: IndicatorTable | None, years: tuple[int, int | None] | None
    ) -> None:
        self._item = item
        self._table = table
        self._years = years
        self._fields: dict[str, Node] = {}

    def check(self) -> Check | None:
        """The check, ``None`` if anything in it is at fault."""
        faults = self._item.faults
        before = len(faults.found)
        self._fields = self._item.fields((), (*_REQUIRED, *_OPTIONAL))
        if not self._fields:
            return None
        self._refuse_missing()
        values: dict[str, Any] = {
            "check_id": self._check_id(),
            "rule": self._rule(),
            "severity": self._fields["severity"].word(Severity, "严重程度")
            if "severity" in self._fields
            else None,
        }
        for name in ("looks_at_zh", "expects_zh", "message_zh", "message_en", "fix_zh"):
            values[name] = self._words(name)
        values["legal_basis"] = (
            self._fields["legal_basis"].text(empty=True) if "legal_basis" in self._fields else ""
        )
        values["legal_basis_status"] = self._legal_basis_status()
        values["from_year"], values["to_year"] = self._year_range()
        values["params"] = self._params(values["rule"])
        values["example_pass"], values["example_fail"] = self._examples()
        return Check(**values) if len(faults.found) == before else None

    def _legal_basis_status(self) -> str | None:
        node = self._fields.get("legal_basis_status")
        return BasisStatus.UNVERIFIED.value if node is None else node.word(BasisStatus, "依据核实情况")

    def _refuse_missing(self) -> None:
        for name in _REQUIRED:
            if name not in self._fields:
                self._item.refuse(f"{self._name()}{_MISSING.get(name, f'缺少“{name}”')}({name})")

    def _name(self) -> str:
        check_id = self._fields["id"].value if "id" in self._fields else None
        return f"规则“{check_id}”" if isinstance(check_id, str) and check_id else "规则"

    def _check_id(self) -> str | None:
        text = self._fields["id"].text() if "id" in self._fields else None
        if text is not None and not _ID.fullmatch(text):
            self._fields["id"].refuse(f"编号“{shown(text)}”只用英文字母、数字、下划线、点和短横")
        return text

    def _rule(self) -> str | None:
        text = self._fields["rule"].text() if "rule" in self._fields else None
        if text is not None and text not in RULE_KINDS:
            self._fields["rule"].refuse(f"未知的规则种类“{shown(text)}”")
            return None
        return text

    def _words(self, name: str) -> str | None:
        node = self._fields.get(name)
        if node is None:
            return None
        text = node.text(empty=True)
        if text is None:
            return None
        chinese = name.endswith("_zh")
        if not text or (chinese and not _CHINESE.search(text)):
            reason = _MISSING.get(name) or ("没有中文" if chinese else "没有填写")
            node.refuse(f"{self._name()}{reason}({name})")
            return None
        if name.startswith(("message", "fix")):
            _check_places(node, text)
        return text

    def _year_range(self) -> tuple[int | None, int | None]:
        first, last = (self._year(name) for name in ("from_year", "to_year"))
        if first is not None and last is not None and first > last:
            self._fields["to_year"].refuse(f"末年度 {last} 早于首年度 {first}")
        elif self._years is not None:
            start, end = self._years
            if (last is not None and last < start) or (end is not None and first is not None and first > end):
                self._item.refuse(f"{self._name()}的适用年度不在本版本的年度之内")
        return first, last

    def _year(self, name: str) -> int | None:
        node = self._fields.get(name)
        return None if node is None or node.value is None else node.whole(*YEARS)

    def _examples(self) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
        examples = [self._example(name) for name in ("example_pass", "example_fail")]
        if examples[0] is not None and examples[0] == examples[1]:
            self._fields["example_fail"].refuse("通过与不通过的例子相同")
        return examples[0], examples[1]

    def _example(self, name: str) -> Mapping[str, Any] | None:
        node = self._fields.get(name)
        if node is None:
            return None
        if not isinstance(node.value, dict) or not node.value:
            node.refuse(f"{self._name()}{_MISSING[name]}({name}),应写成“键: 值”的对照")
            return None
        written = _written(node.value)
        return written if isinstance(written, dict) else None

    def _params(self, rule: str | None) -> Mapping[str, Any]:
        node = self._fields.get("params")
        if rule is None:
            return {}
        kind = RULE_KINDS[rule]
        if node is None or node.value is None:
            node = Node({}, (*self._item.path, "params"), self._item.place, self._item.faults)
        given = node.fields(kind.required, kind.optional, what=f" {rule} 参数")
        expected = {**kind.required, **kind.optional}
        values = {name: self._param(part, expected[name]) for name, part in given.items()}
        self._check_parts(given, expected, values)
        return values

    def _param(self, node: Node, kind: ParamKind) -> Any:
        if kind == "indicator":
            return self._indicator(node)
        if kind == "indicators":
            return tuple(self._indicator(item) for item in node.items())
        if kind == "part":
            return self._part(node)
        return _number(node) if kind == "number" else node.text()

    def _indicator(self, node: Node) -> str | None:
        code = node.text()
        if code is not None and self._table is not None and code not in self._table.codes:
            node.refuse(f"本版本没有指标“{shown(code)}”")
        return code

    def _part(self, node: Node) -> str | None:
        part = node.text()
        if part is not None and part not in _PARTS:
            node.refuse(f"未知的部分“{shown(part)}”，可用的是 {'、'.join(_PARTS)}")
            return None
        return part

    def _check_parts(
        self, given: Mapping[str, Node], expected: Mapping[str, ParamKind], values: Mapping[str, Any]
    ) -> None:
        """``part`` speaks of ``indicator``, ``of_part`` of ``of``: the value must have that part."""
        types = {one.code: one.value_type for one in self._table.indicators} if self._table else {}
        for name, part in values.items():
            if expected[name] != "part" or part is None:
                continue
            code = values.get("indicator" if name == "part" else name.removesuffix("_part"))
            value_type = types.get(code) if isinstance(code, str) else None
            if value_type is not None and value_type not in _PARTS[part]:
                given[name].refuse(f"指标“{code}”是 {value_type}，没有 {part}")


def _number(node: Node) -> Fraction | None:
    """A parameter that SQL can hold: not negative, at most six decimals."""
    number = node.number_in(0)
    if number is None:
        return None
    try:
        scaled(str(node.value).strip())
    except ValueError:
        node.refuse(f"“{shown(node.value)}”最多六位小数，且不超过一千亿")
        return None
    return number


def _check_places(node: Node, text: str) -> None:
    """Only ``{found}``, ``{expected}`` and ``{detail}``, bare."""
    allowed = "、".join(f"{{{name}}}" for name in _PLACES)
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError:
        node.refuse(f"花括号不成对；只能用 {allowed}，要写花括号本身请写两遍")
        return
    for _, name, spec, conversion in parsed:
        if name is not None and (name not in _PLACES or spec or conversion):
            node.refuse(f"不认识的占位“{{{shown(name)}}}”，只能用 {allowed}")


def _written(value: Any) -> Any:
    """An example as written: numbers stay text."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_written(item) for item in value]
    return value
