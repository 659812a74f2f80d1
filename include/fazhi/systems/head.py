"""The head of an edition. In: ``system.yaml``. Out: years, shares, profiles, grades, caps, and every fault.

Keys and what is refused: contracts/indicator-system.md; what they do in a score: scoring.md sections 4 to 6.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from pathlib import Path as FilePath
from typing import Any

from fazhi.model.exact import plain
from fazhi.model.terms import Group, Tag
from fazhi.systems.edition import DatedValue, Deadline, Grade, Profile
from fazhi.systems.faults import Faults, tree_place
from fazhi.systems.indicators import BasisStatus
from fazhi.systems.node import YEARS, Node, shown
from fazhi.systems.read import PLAIN_NUMBER, read_yaml
from fazhi.systems.rule_params import is_month_day

_REQUIRED = (
    "id",
    "title_zh",
    "title_en",
    "years",
    "share",
    "total_points",
    "profiles",
    "grades",
    "top_grade_quota",
    "caps",
    "component_on_veto",
)
_OPTIONAL = ("multipliers", "deadlines", "notes")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_LEAST_SHARE = Fraction(1, 10)

Years = tuple[int, int | None]


class Measure(StrEnum):
    """What a dated parameter counts in."""

    DAY = "day"
    WORKING_DAY = "working_day"
    YEAR = "year"
    MONTH_DAY = "month_day"
    TEXT = "text"


@dataclass(frozen=True)
class Head:
    """The head as far as it could be read: ``values`` named as in ``Edition``, and nodes for later faults."""

    values: Mapping[str, Any]
    years: Years | None
    nodes: Mapping[str, Node]

    @property
    def grade_names(self) -> tuple[str, ...] | None:
        """The Chinese names of the grades, ``None`` if they could not be read."""
        grades = self.values.get("grades")
        return tuple(grade.name_zh for grade in grades) if grades else None


def read_head(path: FilePath, label: str, faults: Faults) -> Head | None:
    """Read and check the head; ``None`` when the file cannot be read at all."""
    tree = read_yaml(path, label, faults)
    if tree is None:
        return None
    root = Node(tree.data, (), tree_place(label, tree.lines), faults)
    nodes = root.fields(_REQUIRED, _OPTIONAL)
    years = _years(nodes["years"]) if "years" in nodes else None
    values: dict[str, Any] = {"multipliers": {}, "deadlines": {}, "notes": ""}
    if years is not None:
        values["from_year"], values["to_year"] = years
    for key, reader in _READERS.items():
        if key in nodes:
            values |= reader(nodes[key])
    if "share" in nodes:
        values["shares"] = _shares(nodes["share"], years)
    return Head(values, years, nodes)


def _years(node: Node) -> Years | None:
    given = node.fields(("from", "to"))
    first = given["from"].whole(*YEARS) if "from" in given else None
    open_end = "to" in given and given["to"].value is None
    last = None if open_end or "to" not in given else given["to"].whole(*YEARS)
    if first is None or (last is None and not open_end):
        return None
    if last is not None and last < first:
        node.refuse(f"末年度 {last} 早于首年度 {first}")
        return None
    return first, last


def _id(node: Node) -> dict[str, Any]:
    text = node.text()
    if text is not None and not _ID.fullmatch(text):
        node.refuse(f"版本编号“{shown(text)}”只用英文字母、数字、下划线和短横")
    return {"system_id": text}


def _shares(node: Node, years: Years | None) -> Mapping[int | None, str | None]:
    if node.value is None:
        node.refuse("没有规定占比(share),缺少占比的版本不能计分")
        return {}
    if not isinstance(node.value, dict):
        return {None: _share(node)}
    shares: dict[int | None, str | None] = {}
    for key, entry in node.entries().items():
        if not re.fullmatch(r"20[0-9]{2}", key):
            entry.refuse(f"“{shown(key)}”不是年度")
            continue
        shares[int(key)] = _share(entry)
    if years is not None:
        _check_share_years(node, shares, years)
    return shares


def _share(node: Node) -> str | None:
    text = node.text()
    if text is None:
        return None
    if not PLAIN_NUMBER.fullmatch(text):
        node.refuse(f'占比“{shown(text)}”应写成小数，如 "0.10"')
    elif Fraction(text) < _LEAST_SHARE:
        node.refuse(f"占比“{text}”低于 0.10：法治政府建设考评在领导绩效考核中的占比不得低于 0.10")
    elif Fraction(text) > 1:
        node.refuse(f"占比“{text}”大于 1")
    return text


def _check_share_years(node: Node, shares: Mapping[int | None, str | None], years: Years) -> None:
    given = {year for year in shares if year is not None}
    first, last = years
    for year in sorted(given):
        if year < first or (last is not None and year > last):
            node.refuse(f"{year} 年度不属于本版本")
    until = last if last is not None else max(given, default=first)
    for year in range(first, until + 1):
        if year not in given:
            node.refuse(f"没有规定 {year} 年度的占比")


def _profiles(node: Node) -> dict[str, Any]:
    profiles = [(item, _profile(item)) for item in node.items()]
    if node.value == []:
        node.refuse("至少要有一种单位类型")
    for position, (item, profile) in enumerate(profiles):
        for _, earlier in profiles[:position]:
            _check_profile_pair(item, profile, earlier)
    return {"profiles": tuple(profile for _, profile in profiles)}


def _check_profile_pair(item: Node, profile: Profile | None, earlier: Profile | None) -> None:
    if profile is None or earlier is None:
        return
    if profile.name == earlier.name:
        item.refuse(f"单位类型“{profile.name}”重复")
    elif earlier.when <= profile.when:
        item.refuse(f"单位类型“{profile.name}”永远轮不到：前面的“{earlier.name}”已包括它的单位，请调整顺序")


def _profile(item: Node) -> Profile | None:
    given = item.fields(("name", "when", "shares"))
    name = given["name"].text() if "name" in given else None
    tags = [tag.word(Tag, "标签") for tag in given["when"].items()] if "when" in given else []
    if len(set(tags)) < len(tags):
        given["when"].refuse("标签重复")
    shares = _group_shares(given["shares"], name) if "shares" in given else None
    if name is None or "when" not in given or shares is None or None in tags:
        return None
    return Profile(name, frozenset(tag for tag in tags if tag is not None), shares)


def _group_shares(node: Node, name: str | None) -> Mapping[Group, Fraction] | None:
    given = node.fields(tuple(Group), what="指标组")
    shares = {Group(key): part.number_in(0, 100) for key, part in given.items()}
    read = {group: share for group, share in shares.items() if share is not None}
    if len(read) < len(Group):
        return None
    total = sum(read.values(), Fraction(0))
    if total != 100:
        node.refuse(f"单位类型“{name or ''}”三类指标分值合计为 {plain(total)}，应为 100")
    return read


def _grades(node: Node) -> dict[str, Any]:
    items = node.items()
    grades = [_grade(item) for item in items]
    if node.value == []:
        node.refuse("至少要有一个等次")
    read = tuple(grade for grade in grades if grade is not None)
    if len(read) < len(grades) or not read:
        return {}
    for item, before, after in zip(items[1:], read, read[1:], strict=False):
        if after.at_least >= before.at_least:
            item.refuse(f"等次“{after.name_zh}”的最低分应低于前一等次“{before.name_zh}”")
    if read[-1].at_least != 0:
        items[-1].refuse(f"最后一个等次“{read[-1].name_zh}”的最低分应为 0，否则更低的得分没有等次")
    for names in ([grade.name_zh for grade in read], [grade.name_en for grade in read]):
        for name in sorted({name for name in names if names.count(name) > 1}):
            node.refuse(f"等次名称“{name}”重复")
    return {"grades": read}


def _grade(item: Node) -> Grade | None:
    given = item.fields(("name_zh", "name_en", "at_least"))
    names = [given[key].text() for key in ("name_zh", "name_en") if key in given]
    least = given["at_least"].hundredths(0, 1000) if "at_least" in given else None
    if len(names) < 2 or names[0] is None or names[1] is None or least is None:
        return None
    return Grade(names[0], names[1], least)


def _caps(node: Node) -> dict[str, Any]:
    given = node.fields(("bonus", "total"))
    return {
        "cap_bonus": given["bonus"].hundredths(0, 1000) if "bonus" in given else None,
        "cap_total": given["total"].hundredths(0, 1000, above=True) if "total" in given else None,
    }


def _veto(node: Node) -> dict[str, Any]:
    if isinstance(node.value, dict):
        given = node.fields(("cap",))
        return {"component_on_veto": given["cap"].hundredths(0, 100) if "cap" in given else None}
    if node.value not in ("keep", "zero"):
        node.refuse(f'“{shown(node.value)}”不可用，可用的是 keep、zero 或 {{cap: "59.99"}}')
    return {"component_on_veto": node.value}


def _multipliers(node: Node) -> dict[str, Any]:
    return {
        "multipliers": {code: entry.number_in(0, above=True) for code, entry in node.entries().items()},
    }


def _deadlines(node: Node) -> dict[str, Any]:
    return {"deadlines": {name: _deadline(name, entry) for name, entry in node.entries().items()}}


def _deadline(name: str, node: Node) -> Deadline | None:
    given = node.fields(("title_zh", "values"))
    title = given["title_zh"].text() if "title_zh" in given else None
    items = given["values"].items() if "values" in given else []
    if "values" in given and given["values"].value == []:
        given["values"].refuse("至少要有一个取值")
    read = tuple(value for value in map(_dated_value, items) if value is not None)
    for position, value in enumerate(read):
        if any(_days_meet(value, earlier) for earlier in read[:position]):
            given["values"].refuse("各取值的起止日重叠")
    return None if title is None else Deadline(name, title, read)


def _days_meet(one: DatedValue, other: DatedValue) -> bool:
    first = max(one.from_day or date.min, other.from_day or date.min)
    last = min(one.to_day or date.max, other.to_day or date.max)
    return first <= last


def _dated_value(item: Node) -> DatedValue | None:
    given = item.fields(("from", "to", "value", "unit", "mark", "source_zh"), ("year_offset",))
    unit = given["unit"].word(Measure, "计量") if "unit" in given else None
    mark = given["mark"].word(BasisStatus, "核实情况") if "mark" in given else None
    source = given["source_zh"].text() if "source_zh" in given else None
    first, last = (given[key].day() if key in given else None for key in ("from", "to"))
    if first is not None and last is not None and last < first:
        item.refuse(f"终止日 {last} 早于起始日 {first}")
    value = _measured(given["value"], unit) if "value" in given and unit is not None else None
    offset = given["year_offset"].whole(0, 5) if "year_offset" in given else 0
    if value is None or unit is None or mark is None or source is None or offset is None:
        return None
    return DatedValue(first, last, value, unit.value, offset, mark.value, source)


def _measured(node: Node, unit: Measure) -> str | None:
    text = node.text()
    if text is None or unit is Measure.TEXT:
        return text
    if unit is Measure.MONTH_DAY:
        if not is_month_day(text):
            node.refuse(f"“{shown(text)}”不是月日，应写成 03-01 的样子")
        return text
    node.whole(1, 36600)
    return text


_READERS: Mapping[str, Callable[[Node], dict[str, Any]]] = {
    "id": _id,
    "title_zh": lambda node: {"title_zh": node.text()},
    "title_en": lambda node: {"title_en": node.text()},
    "total_points": lambda node: {"total_points": node.number_in(0, above=True)},
    "profiles": _profiles,
    "multipliers": _multipliers,
    "grades": _grades,
    "top_grade_quota": lambda node: {"top_grade_quota": node.number_in(0, 1, above=True)},
    "caps": _caps,
    "component_on_veto": _veto,
    "deadlines": _deadlines,
    "notes": lambda node: {"notes": node.text(empty=True)},
}
