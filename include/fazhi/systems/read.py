"""Files of an edition as plain data. In: paths. Out: trees and rows that still know where each value stands.

Numbers never pass through a float: they arrive as ``Decimal`` built from their own text. YAML is read in the
narrow sense of YAML 1.2 (only ``true``/``false`` are booleans, nothing becomes a date), without anchors.
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path as FilePath
from typing import Any

import yaml

from fazhi.systems.faults import Faults, Path

PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?")
_NULLS = ("", "~", "null")
_BOOLEANS = {"true": True, "false": False}
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Tree:
    """A YAML file: its data and, for each path, the line it stands on."""

    data: Any
    lines: Mapping[Path, int]


@dataclass(frozen=True)
class Row:
    """A row of a CSV file; ``number`` counts the header as row 1."""

    number: int
    cells: Mapping[str, str]


def read_text(path: FilePath, label: str, faults: Faults) -> str | None:
    """The text of a file in UTF-8 (with or without BOM); ``None`` and a fault when that fails."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        faults.add(label, "文件不存在")
        return None
    except OSError as error:
        faults.add(label, f"文件读不出来({error.strerror})")
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.add(f"{label} 第{line}行", "不是 UTF-8 编码，请另存为 UTF-8(表格软件中选“CSV UTF-8”)")
        return None


def read_yaml(path: FilePath, label: str, faults: Faults) -> Tree | None:
    """The tree of a YAML file; ``None`` and a fault when it cannot be read."""
    text = read_text(path, label, faults)
    if text is None:
        return None
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" 第{mark.line + 1}行第{mark.column + 1}列" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or error
        faults.add(f"{label}{where}", f"YAML 写法有误，请检查缩进、冒号和引号({problem})")
        return None
    if root is None:
        faults.add(label, "文件是空的")
        return None
    builder = _TreeBuilder(label, faults)
    return Tree(builder.build(root, ()), builder.lines)


class _TreeBuilder:
    """Turns composed YAML nodes into plain data and notes the line of each."""

    def __init__(self, label: str, faults: Faults) -> None:
        self.lines: dict[Path, int] = {}
        self._label = label
        self._faults = faults
        self._seen: set[int] = set()

    def build(self, node: Any, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if id(node) in self._seen:
            self._faults.add(f"{self._label} 第{self.lines[path]}行", "不使用锚点和引用（& 与 *）,请写全")
            return None
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else _plain_scalar(node.value)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, position)) for position, item in enumerate(node.value)]
        return self._mapping(node, path)

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = f"{self._label} 第{key_node.start_mark.line + 1}行"
            if not isinstance(key_node, yaml.ScalarNode):
                self._faults.add(place, "键只能是一个词")
                continue
            key = str(key_node.value)
            if key in data:
                self._faults.add(place, f"键“{key}”重复")
                continue
            self.lines[*path, key] = key_node.start_mark.line + 1
            data[key] = self.build(value_node, (*path, key))
        return data


def _plain_scalar(text: str) -> Any:
    if text.lower() in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return Decimal(text) if PLAIN_NUMBER.fullmatch(text) else text


def read_json(text: str) -> Any:
    """JSON with exact numbers and without repeated keys.

    Raises:
        ValueError: Not JSON, a repeated key, or a number in scientific notation; the message is Chinese.
    """
    try:
        return json.loads(
            text,
            parse_int=_exact,
            parse_float=_exact,
            parse_constant=_exact,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        raise ValueError(f"不是正确的 JSON(第{error.colno}个字符处：{error.msg})") from error
    except RecursionError as error:
        raise ValueError("JSON 层次太深") from error


def _exact(text: str) -> Decimal:
    if not PLAIN_NUMBER.fullmatch(text):
        raise ValueError(f"数“{text}”应写成普通小数，整数不超过15位，小数不超过12位")
    return Decimal(text)


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise ValueError(f"JSON 中的键“{key}”重复")
        data[key] = value
    return data


def read_csv(path: FilePath, label: str, columns: Sequence[str], faults: Faults) -> list[Row] | None:
    """The rows of a CSV file with exactly these columns, in any order.

    Returns:
        ``None`` when the file cannot be read at all; rows of a wrong width are named and left out.
    """
    text = read_text(path, label, faults)
    if text is None:
        return None
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        faults.add(label, f"CSV 写法有误({error}),请检查引号是否成对")
        return None
    if not records:
        faults.add(label, "文件是空的")
        return None
    header = [title.strip() for title in records[0]]
    _check_header(header, columns, label, faults)
    return _rows(records, header, columns, label, faults)


def _check_header(header: Sequence[str], columns: Sequence[str], label: str, faults: Faults) -> None:
    for column in dict.fromkeys(header):
        if column not in columns:
            faults.add(f"{label} 第1行", f"未知的列“{column}”")
        elif header.count(column) > 1:
            faults.add(f"{label} 第1行", f"列“{column}”重复")
    for column in columns:
        if column not in header:
            faults.add(f"{label} 第1行", f"缺少列“{column}”")


def _rows(
    records: Sequence[Sequence[str]],
    header: Sequence[str],
    columns: Sequence[str],
    label: str,
    faults: Faults,
) -> list[Row]:
    rows = []
    for number, record in enumerate(records[1:], start=2):
        if not any(cell.strip() for cell in record):
            continue
        if len(record) != len(header):
            faults.add(f"{label} 第{number}行", f"有 {len(record)} 格，应与表头一样为 {len(header)} 格")
            continue
        cells = dict.fromkeys(columns, "")
        cells.update(
            {column: cell.strip() for column, cell in zip(header, record, strict=True) if column in cells}
        )
        rows.append(Row(number, cells))
    return rows
