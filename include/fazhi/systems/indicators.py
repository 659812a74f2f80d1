"""The indicators of an edition. In: ``indicators.csv``. Out: indicators in code order, and every fault.

Columns and what is refused: contracts/indicator-system.md. A row with a fault yields no indicator but keeps
its code known, so that one slip is not reported again wherever the code is used.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from pathlib import Path as FilePath
from typing import Any, TypeVar

from fazhi.model.terms import (
    Aggregation,
    Frequency,
    Group,
    RatioKind,
    Reporting,
    RuleType,
    Tag,
    ValueType,
    ZeroDenominator,
)
from fazhi.systems.edition import Indicator, code_key
from fazhi.systems.faults import Faults, Path, cell_place, path_text
from fazhi.systems.node import Node, iso_day, shown
from fazhi.systems.read import PLAIN_NUMBER, Row, read_csv, read_json
from fazhi.systems.rule_params import VALUE_TYPES, Facts, read_params

COLUMNS = (
    "code",
    "l1_code",
    "l1_zh",
    "l1_en",
    "l2_code",
    "l2_zh",
    "l2_en",
    "name_zh",
    "name_en",
    "unit_zh",
    "value_type",
    "ratio_kind",
    "numerator_zh",
    "denominator_zh",
    "direction",
    "full_mark",
    "rule_type",
    "rule_params",
    "zero_denominator",
    "applicable_categories",
    "indicator_group",
    "evidence_zh",
    "frequency",
    "reporting",
    "aggregation",
    "data_source",
    "legal_basis",
    "legal_basis_status",
    "source_reference",
    "effective_from",
    "effective_to",
)
Word = TypeVar("Word", bound=StrEnum)


class Direction(StrEnum):
    """Which way is better."""

    HIGHER = "higher_better"
    LOWER = "lower_better"
    NONE = "none"


class BasisStatus(StrEnum):
    """Where a legal basis was seen; ``unverified`` must stay visible to people."""

    FOUND = "found"
    SEED = "seed"
    UNVERIFIED = "unverified"


_CODE = re.compile(r"[A-Z]+[0-9]+(?:\.[0-9]+)*")
_SOURCE = re.compile(r"[A-Z0-9_]+")
_MONEY_UNITS = frozenset({"元", "千元", "万元", "百万元", "亿元"})
_FINE_AMOUNT = re.compile(r"(?:罚款|罚没|没收)[^,;,;、]{0,8}?(?:金额|数额|总额|收入|款额|额)")
_AGGREGATIONS: Mapping[ValueType, frozenset[Aggregation]] = {
    ValueType.RATIO: frozenset({Aggregation.SUM, Aggregation.LAST}),
    ValueType.COUNT: frozenset({Aggregation.SUM, Aggregation.LAST}),
    ValueType.AMOUNT: frozenset({Aggregation.SUM, Aggregation.LAST}),
    ValueType.BOOLEAN: frozenset({Aggregation.ALL, Aggregation.LAST}),
    ValueType.DATE: frozenset({Aggregation.MAX, Aggregation.LAST}),
    ValueType.SCORE: frozenset({Aggregation.LAST}),
}
_WRONG_WAY: Mapping[RuleType, Direction] = {
    RuleType.LINEAR: Direction.LOWER,
    RuleType.LINEAR_INVERSE: Direction.HIGHER,
    RuleType.PER_OCCURRENCE: Direction.HIGHER,
}


@dataclass(frozen=True)
class Mark:
    """What the sum of full marks needs to know of a row."""

    code: str
    full_mark: int
    carries_weight: bool
    effective_from: date
    effective_to: date | None


@dataclass(frozen=True)
class IndicatorTable:
    """The table as far as it could be read."""

    indicators: tuple[Indicator, ...]
    codes: frozenset[str]
    """Every code written in the table, rows with faults included."""
    marks: tuple[Mark, ...]
    marks_complete: bool
    """Whether every row's mark, rule and days could be read, so that a sum means something."""
    rows: Mapping[str, int]
    """Row number by code, for faults found later."""


def read_indicators(path: FilePath, label: str, faults: Faults) -> IndicatorTable | None:
    """Read and check the table; ``None`` when the file cannot be read at all."""
    rows = read_csv(path, label, COLUMNS, faults)
    if rows is None:
        return None
    if not rows:
        faults.add(label, "没有任何指标行")
    readers = [_RowReader(row, label, faults) for row in rows]
    read = [reader.indicator() for reader in readers]
    _check_codes(readers)
    _check_names(readers)
    marks = [reader.mark for reader in readers]
    return IndicatorTable(
        indicators=tuple(sorted((one for one in read if one), key=lambda one: code_key(one.code))),
        codes=frozenset(row.cells["code"] for row in rows),
        marks=tuple(mark for mark in marks if mark is not None),
        marks_complete=all(mark is not None for mark in marks),
        rows={row.cells["code"]: row.number for row in reversed(rows)},
    )


def _check_codes(readers: list["_RowReader"]) -> None:
    """Each code once; ``Z1`` and ``Z01`` would have no order between them."""
    first: dict[Any, _RowReader] = {}
    for reader in readers:
        code = reader.row.cells["code"]
        key = code_key(code) if _CODE.fullmatch(code) else code
        earlier = first.setdefault(key, reader)
        if earlier is not reader and code:
            other = earlier.row.cells["code"]
            same = "" if other == code else f"(写作“{other}”)"
            reader.refuse("code", f"指标编码“{code}”重复，第{earlier.row.number}行已有{same}")


def _check_names(readers: list["_RowReader"]) -> None:
    """One name for one first- or second-level code."""
    for level in ("l1", "l2"):
        first: dict[str, _RowReader] = {}
        for reader in readers:
            cells = reader.row.cells
            earlier = first.setdefault(cells[f"{level}_code"], reader)
            for column in (f"{level}_zh", f"{level}_en"):
                if cells[column] != earlier.row.cells[column]:
                    reader.refuse(
                        column,
                        f"“{shown(cells[column])}”与第{earlier.row.number}行同一编码的名称"
                        f"“{shown(earlier.row.cells[column])}”不一致",
                    )


class _RowReader:
    """Reads one row, noting every fault of it."""

    def __init__(self, row: Row, label: str, faults: Faults) -> None:
        self.row = row
        self.mark: Mark | None = None
        self._label = label
        self._faults = faults

    def refuse(self, column: str, message: str) -> None:
        code = "" if column == "code" else self.row.cells["code"]
        self._faults.add(cell_place(self._label, self.row.number, column, code), message)

    def indicator(self) -> Indicator | None:
        """The row as an indicator, ``None`` if anything in it is at fault."""
        before = len(self._faults.found)
        values = self._values()
        self._check_codes(values)
        self._check_parts(values)
        self._check_rule(values)
        self._check_days(values)
        self._note_mark(values)
        return Indicator(**values) if len(self._faults.found) == before else None

    def _values(self) -> dict[str, Any]:
        texts = ("l1_code", "l1_zh", "l1_en", "l2_code", "l2_zh", "l2_en", "name_zh", "name_en", "unit_zh")
        values: dict[str, Any] = {column: self._text(column) for column in ("code", *texts, "legal_basis")}
        for column in ("numerator_zh", "denominator_zh", "evidence_zh", "source_reference"):
            values[column] = self.row.cells[column]
        values |= {
            "value_type": self._word("value_type", ValueType, "指标值类型"),
            "ratio_kind": self._word("ratio_kind", RatioKind, "比率种类")
            if self.row.cells["ratio_kind"]
            else None,
            "direction": self._word("direction", Direction, "方向"),
            "full_mark": self._full_mark(),
            "rule_type": self._word("rule_type", RuleType, "计分规则"),
            "zero_denominator": self._word("zero_denominator", ZeroDenominator, "零分母办法"),
            "categories": self._categories(),
            "group": self._word("indicator_group", Group, "指标组"),
            "frequency": self._word("frequency", Frequency, "报送频次"),
            "reporting": self._word("reporting", Reporting, "报送口径"),
            "aggregation": self._word("aggregation", Aggregation, "汇总办法"),
            "sources": self._sources(),
            "data_source": self.row.cells["data_source"],
            "legal_basis_status": self._word("legal_basis_status", BasisStatus, "依据核实情况"),
            "effective_from": self._day("effective_from", required=True),
            "effective_to": self._day("effective_to", required=False),
        }
        values["rule_params"] = self._params(values)
        return values

    def _text(self, column: str) -> str | None:
        if not self.row.cells[column]:
            self.refuse(column, "没有填写")
            return None
        return self.row.cells[column]

    def _word(self, column: str, vocabulary: type[Word], what: str) -> Word | None:
        text = self._text(column)
        if text is None:
            return None
        if text not in tuple(vocabulary):
            self.refuse(column, f"未知的{what}“{shown(text)}”，可用的是 {'、'.join(vocabulary)}")
            return None
        return vocabulary(text)

    def _full_mark(self) -> int | None:
        text = self._text("full_mark")
        if text is None:
            return None
        if not PLAIN_NUMBER.fullmatch(text):
            self.refuse("full_mark", f"“{shown(text)}”不是数（只写普通小数）")
            return None
        mark = Fraction(text) * 100
        if mark < 0 or mark.denominator != 1:
            self.refuse("full_mark", f"“{text}”应不小于 0，最多两位小数")
            return None
        return mark.numerator

    def _categories(self) -> frozenset[Tag] | None:
        text = self._text("applicable_categories")
        tags = [] if text is None else [tag.strip() for tag in text.split(";")]
        unknown = [tag for tag in tags if tag not in tuple(Tag)]
        for tag in unknown:
            self.refuse("applicable_categories", f"未知的标签“{shown(tag)}”，可用的是 {'、'.join(Tag)}")
        if len(set(tags)) < len(tags):
            self.refuse("applicable_categories", "标签重复")
        return None if text is None or unknown else frozenset(Tag(tag) for tag in tags)

    def _sources(self) -> tuple[str, ...] | None:
        text = self._text("data_source")
        names = [] if text is None else [part.split(":")[0].strip() for part in text.split(";")]
        for name in names:
            if not _SOURCE.fullmatch(name):
                self.refuse("data_source", f"来源“{shown(name)}”应写成“代号：名称”，代号用大写字母和数字")
        if len(set(names)) < len(names):
            self.refuse("data_source", "来源重复")
        return tuple(names) or None

    def _day(self, column: str, required: bool) -> date | None:
        text = self._text(column) if required else self.row.cells[column]
        if not text:
            return None
        day = iso_day(text)
        if day is None:
            self.refuse(column, f"“{shown(text)}”不是日期，应写成 2024-01-01 的样子")
        return day

    def _params(self, values: Mapping[str, Any]) -> Mapping[str, Any] | None:
        text = self._text("rule_params")
        if text is None or values["rule_type"] is None:
            return None
        try:
            data = read_json(text)
        except ValueError as error:
            self.refuse("rule_params", str(error))
            return None
        facts = Facts(values["value_type"], values["ratio_kind"], values["full_mark"])
        return read_params(Node(data, (), self._param_place, self._faults), values["rule_type"], facts)

    def _param_place(self, path: Path) -> str:
        place = cell_place(self._label, self.row.number, "rule_params", self.row.cells["code"])
        return f"{place} {path_text(path)}".rstrip()

    def _check_codes(self, values: Mapping[str, Any]) -> None:
        code, second, first = values["code"], values["l2_code"], values["l1_code"]
        if code and not _CODE.fullmatch(code):
            self.refuse("code", f"指标编码“{shown(code)}”应为大写字母加数字，分级用点，如 A1.2、X1")
        if code and second and not code.startswith(second):
            self.refuse("l2_code", f"指标编码“{code}”应以二级指标编码“{second}”开头")
        if second and first and not second.startswith(first):
            self.refuse("l1_code", f"二级指标编码“{second}”应以一级指标编码“{first}”开头")

    def _check_parts(self, values: Mapping[str, Any]) -> None:
        value_type = values["value_type"]
        if value_type is None:
            return
        if value_type is ValueType.RATIO:
            for column, what in (
                ("ratio_kind", "比率种类（share、growth 或 multiple）"),
                ("numerator_zh", "分子名称"),
                ("denominator_zh", "分母名称"),
            ):
                if not self.row.cells[column]:
                    self.refuse(column, f"比率指标应填{what}")
            self._expect_zero_policy(values, ZeroDenominator.EXCLUDE, "有分母的行应填 exclude")
            return
        for column, what in (("ratio_kind", "比率种类"), ("denominator_zh", "分母名称")):
            if self.row.cells[column]:
                self.refuse(column, f"不是比率的行不填{what}")
        self._expect_zero_policy(values, ZeroDenominator.NA, "没有分母的行应填 na")

    def _expect_zero_policy(self, values: Mapping[str, Any], expected: ZeroDenominator, message: str) -> None:
        if values["zero_denominator"] not in (None, expected):
            self.refuse("zero_denominator", message)

    def _check_rule(self, values: Mapping[str, Any]) -> None:
        value_type, rule, aggregation = values["value_type"], values["rule_type"], values["aggregation"]
        if (
            value_type is not None
            and aggregation is not None
            and aggregation not in _AGGREGATIONS[value_type]
        ):
            self.refuse("aggregation", f"{value_type} 指标不能按 {aggregation} 汇总")
        if rule is None:
            return
        self._check_money(values, rule)
        if value_type not in (None, ValueType.AMOUNT) and value_type not in VALUE_TYPES[rule]:
            allowed = "、".join(word for word in ValueType if word in VALUE_TYPES[rule])
            self.refuse("rule_type", f"{rule} 不适用于 {value_type} 指标，只适用于 {allowed}")
        if values["direction"] is not None and _WRONG_WAY.get(rule) is values["direction"]:
            self.refuse("direction", f"{rule} 与方向 {values['direction']} 相反")
        self._check_full_mark(values["full_mark"], rule)

    def _check_full_mark(self, full_mark: int | None, rule: RuleType) -> None:
        if full_mark is None:
            return
        if rule.carries_weight and full_mark == 0:
            self.refuse("full_mark", "计分指标的满分应大于 0")
        if not rule.carries_weight and full_mark != 0:
            self.refuse("full_mark", f"{rule} 行不占分值，满分应为 0")

    def _check_money(self, values: Mapping[str, Any], rule: RuleType) -> None:
        """行政处罚法第七十四条: fines and confiscations are never tied to an assessment."""
        law = "行政处罚法第七十四条禁止罚没数额与考核挂钩"
        if rule is RuleType.REPORT_ONLY:
            return
        if values["value_type"] is ValueType.AMOUNT:
            self.refuse("rule_type", f"金额指标只能是 report_only，不能用 {rule} 计分（{law}）")
            return
        if values["unit_zh"] in _MONEY_UNITS:
            self.refuse(
                "unit_zh", f"以“{values['unit_zh']}”计的是金额，不能计分，应为 amount、report_only（{law}）"
            )
        for column in ("name_zh", "numerator_zh", "denominator_zh"):
            if _FINE_AMOUNT.search(self.row.cells[column]):
                self.refuse(column, f"“{shown(self.row.cells[column])}”按罚没数额计分，不予采用（{law}）")

    def _check_days(self, values: Mapping[str, Any]) -> None:
        first, last = values["effective_from"], values["effective_to"]
        if first is not None and last is not None and last < first:
            self.refuse("effective_to", f"失效日 {last} 早于生效日 {first}")

    def _note_mark(self, values: Mapping[str, Any]) -> None:
        needed = (values["full_mark"], values["rule_type"], values["effective_from"])
        if None in needed or (values["effective_to"] is None and self.row.cells["effective_to"]):
            return
        self.mark = Mark(
            self.row.cells["code"],
            values["full_mark"],
            values["rule_type"].carries_weight,
            values["effective_from"],
            values["effective_to"],
        )
