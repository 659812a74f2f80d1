"""Two versions of a result side by side. In: a kept result and a recomputed one. Out: each difference, and why.

The reasons, in the order in which they are looked for:

- ``edition`` another edition of the indicator system;
- ``decision`` a decision on the indicator was taken after the earlier version was computed;
- ``value`` another accepted value; ``source`` the same value from another file or cell;
- ``adjustment`` another bonus, deduction or veto;
- ``weights`` only the weight moved: another indicator of the unit became applicable or not;
- ``ranking`` nothing of the unit's own changed, other units did;
- ``registry`` what is left: names, tags, tasks, and what this system computes itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from fazhi.model.terms import LineStatus
from fazhi.score.results import Described, Key, in_parts, rows_of
from fazhi.store.tables import decision, result, result_adjustment, result_input, result_line
from fazhi.systems.edition import code_key

WHY_ZH = {
    "edition": "指标体系版本不同",
    "decision": "裁定有变动",
    "value": "采信的数值有变动",
    "source": "数值相同，来源文件或单元格不同",
    "adjustment": "加减分事件有变动",
    "weights": "其他指标适用与否有变动，权重随之折算",
    "ranking": "本单位得分未变，名次、等次随其他单位变动",
    "registry": "单位名录、牵头任务或系统计算的数值有变动",
}

LINE_ZH = {
    "source": "来源",
    "result": "考评结果",
    "score": "得分",
    "grade": "等次",
    "rank": "名次",
    "component": "计入领导绩效考核的分数",
    "bonus": "加分",
    "deduction": "扣分",
    "unit_name": "单位名称",
    "share": "占比",
    "adjustments": "加减分事件",
    "content": "其他内容",
}
"""What a ``Difference.line`` that is no indicator is called."""

_STATUS_ZH = {
    LineStatus.SCORED: "计分",
    LineStatus.MISSING: "未报送",
    LineStatus.REJECTED: "退回或待审",
    LineStatus.NOT_APPLICABLE: "不适用",
}

_FOLLOWING = frozenset({"source", "weights", "ranking"})
_TOTALS = frozenset({"score", "grade", "rank", "component", "bonus", "deduction"})
_HEAD = ("score", "grade", "rank", "component", "bonus", "deduction", "unit_name", "share")
_VALUES = ("period", "numerator", "denominator", "value", "kind")
_PLACES = ("submission_id", "file_sha256", "sheet", "cell", "cell_denominator")
_EVENT = ("code", "level", "count", "indicator_code", "title_zh", "document", "approved_by", "approved_on")
_MARKS = ("status", "points", "rate_numerator", "rate_denominator", "full_mark", "indicator_group")


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    ``line`` is an indicator code, ``adjustments``, ``source`` (values that did not change but stand elsewhere, all
    in one), ``result`` (a unit that has one now, or has none any more), or a number of the whole result such as
    ``score``.
    """

    unit_code: str
    unit_name: str
    line: str
    before: str
    after: str
    why: str

    @property
    def follows(self) -> bool:
        """Whether it only follows from a change: totals, ranks, renormalised weights, places of the same values."""
        return self.why in _FOLLOWING or self.line in _TOTALS

    def to_json(self) -> dict[str, Any]:
        """As plain data, with the reason in words."""
        return asdict(self) | {"why_zh": WHY_ZH[self.why], "follows": self.follows}


@dataclass(frozen=True)
class Snapshot:
    """A result with everything that it is told by."""

    unit_code: str
    content_digest: str
    head: Mapping[str, Any]
    lines: Mapping[str, Mapping[str, Any]]
    events: tuple[tuple[Any, ...], ...] = ()
    inputs: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    version: int | None = None
    computed_at: str = ""


def snapshot_of(new: Described) -> Snapshot:
    """A recomputed result."""
    return _snapshot(new.head, new.content_digest, new.lines, new.adjustments, new.inputs)


def kept_snapshots(connection: Connection, year: int, keys: Sequence[Key]) -> dict[str, Snapshot]:
    """Kept results by unit code."""
    found: dict[str, Snapshot] = {}
    for part in in_parts(sorted(keys)):
        rows = {
            table: _by_unit(rows_of(connection, table, year, part))
            for table in (result_line, result_adjustment, result_input)
        }
        for head in rows_of(connection, result, year, part):
            code = head.unit_code
            found[code] = _snapshot(
                head._asdict(),
                head.content_digest,
                rows[result_line][code],
                rows[result_adjustment][code],
                rows[result_input][code],
                version=head.version,
                computed_at=head.computed_at,
            )
    return found


def _by_unit(rows: Sequence[Any]) -> defaultdict[str, list[Mapping[str, Any]]]:
    sorted_rows: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        sorted_rows[row.unit_code].append(row._asdict())
    return sorted_rows


def _snapshot(
    head: Mapping[str, Any],
    content_digest: str,
    lines: Sequence[Mapping[str, Any]],
    events: Sequence[Mapping[str, Any]],
    inputs: Sequence[Mapping[str, Any]],
    *,
    version: int | None = None,
    computed_at: str = "",
) -> Snapshot:
    by_indicator: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in sorted(inputs, key=lambda row: row["input_no"]):
        by_indicator[row["indicator_code"]].append(row)
    return Snapshot(
        unit_code=head["unit_code"],
        content_digest=content_digest,
        head=head,
        lines={line["indicator_code"]: line for line in lines},
        events=tuple(sorted(tuple(str(event[name] or "") for name in _EVENT) for event in events)),
        inputs=by_indicator,
        version=version,
        computed_at=computed_at,
    )


def decided_since(connection: Connection, year: int) -> dict[tuple[str, str], str]:
    """When the newest decision on a unit's indicator was taken, by unit and indicator code."""
    statement = (
        select(decision.c.unit_code, decision.c.indicator_code, decision.c.decided_at)
        .where(decision.c.year == year)
        .order_by(decision.c.decided_at)
    )
    return {(row.unit_code, row.indicator_code): row.decided_at for row in connection.execute(statement)}


def differences(
    before: Mapping[str, Snapshot], after: Mapping[str, Snapshot], decided: Mapping[tuple[str, str], str]
) -> tuple[Difference, ...]:
    """Everything that differs between two sets of results, by unit and line.

    Args:
        before: The kept results by unit code.
        after: The recomputed ones.
        decided: See ``decided_since``.
    """
    found: list[Difference] = []
    for code in sorted(before.keys() | after.keys()):
        old, new = before.get(code), after.get(code)
        if old is None or new is None:
            found.append(_appeared_or_gone(old, new))
        elif old.content_digest != new.content_digest:
            found.extend(_of_unit(old, new, decided))
    return tuple(found)


def _appeared_or_gone(old: Snapshot | None, new: Snapshot | None) -> Difference:
    known = new if old is None else old
    if known is None:
        raise ValueError("a difference has at least one side")
    scores = ["无结果" if side is None else str(side.head["score"]) for side in (old, new)]
    return Difference(known.unit_code, known.head["unit_name"], "result", scores[0], scores[1], "registry")


def _of_unit(old: Snapshot, new: Snapshot, decided: Mapping[tuple[str, str], str]) -> Iterator[Difference]:
    name = str(new.head["unit_name"])
    whys: dict[str, str] = {}
    for code in sorted(old.lines.keys() | new.lines.keys(), key=code_key):
        why = _why(old, new, code, decided)
        if why:
            whys[code] = why
    for code, why in whys.items():
        if why != "source":
            yield Difference(old.unit_code, name, code, _line_text(old, code), _line_text(new, code), why)
    moved = [code for code, why in whys.items() if why == "source"]
    if moved:  # one row: a resubmission moves every value of its file
        listed = "、".join(moved)
        yield Difference(old.unit_code, name, "source", listed, f"{len(moved)}项数值不变", "source")
    causes = set(whys.values())
    if old.events != new.events:
        causes.add("adjustment")
        yield Difference(
            old.unit_code, name, "adjustments", _events_text(old), _events_text(new), "adjustment"
        )
    yield from _of_whole(old, new, name, causes)


def _of_whole(old: Snapshot, new: Snapshot, name: str, causes: Collection[str]) -> Iterator[Difference]:
    whole = _why_whole(old, new, causes)
    for field_name in _HEAD:
        texts = ["" if side.head[field_name] is None else str(side.head[field_name]) for side in (old, new)]
        if texts[0] != texts[1]:
            yield Difference(old.unit_code, name, field_name, texts[0], texts[1], whole)
    if not causes and all(old.head[one] == new.head[one] for one in _HEAD):
        digests = (old.content_digest[:12], new.content_digest[:12])
        yield Difference(old.unit_code, name, "content", *digests, whole)


def _why(old: Snapshot, new: Snapshot, code: str, decided: Mapping[tuple[str, str], str]) -> str:
    """Why a line differs; empty when nothing about it does."""
    changed_value = _cells(old, code, _VALUES) != _cells(new, code, _VALUES)
    changed_place = _cells(old, code, _PLACES) != _cells(new, code, _PLACES)
    before, after = old.lines.get(code), new.lines.get(code)
    changed_mark = _marks(before, _MARKS) != _marks(after, _MARKS)
    changed_weight = _marks(before, ("weight",)) != _marks(after, ("weight",))
    if not (changed_value or changed_place or changed_mark or changed_weight):
        return ""
    reasons = (
        ("edition", old.head["system_digest"] != new.head["system_digest"]),
        (
            "decision",
            (changed_value or changed_mark) and decided.get((old.unit_code, code), "") > old.computed_at,
        ),
        ("value", changed_value),
        ("source", changed_place and not changed_mark),
        (
            "weights",
            changed_weight and before is not None and after is not None and _same_rate(before, after),
        ),
    )
    return next((why for why, holds in reasons if holds), "registry")


def _same_rate(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    names = ("status", "rate_numerator", "rate_denominator", "full_mark", "indicator_group")
    return _marks(before, names) == _marks(after, names)


def _why_whole(old: Snapshot, new: Snapshot, whys: Collection[str]) -> str:
    if old.head["system_digest"] != new.head["system_digest"]:
        return "edition"
    for why in ("decision", "value", "adjustment", "registry", "source", "weights"):
        if why in whys:
            return why
    own = all(old.head[name] == new.head[name] for name in ("score", "unit_name", "share"))
    return (
        "ranking"
        if own and (old.head["rank"], old.head["grade"]) != (new.head["rank"], new.head["grade"])
        else "registry"
    )


def _cells(side: Snapshot, code: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in side.inputs.get(code, ())]


def _marks(line: Mapping[str, Any] | None, names: Sequence[str]) -> tuple[Any, ...] | None:
    return None if line is None else tuple(line[name] for name in names)


def _line_text(side: Snapshot, code: str) -> str:
    line = side.lines.get(code)
    if line is None:
        return "无此项"
    values = "；".join(f"{row['period']}={_value_text(row)}" for row in side.inputs.get(code, ()))
    points = "" if line["points"] is None else f" {line['points']}/{line['weight']}"
    return f"{_STATUS_ZH[LineStatus(line['status'])]}{points}" + (f"（{values}）" if values else "")


def _value_text(row: Mapping[str, Any]) -> str:
    if row["numerator"] is not None or row["denominator"] is not None:
        return f"{row['numerator']}/{row['denominator']}"
    return "" if row["value"] is None else str(row["value"])


def _events_text(side: Snapshot) -> str:
    return "；".join(" ".join(part for part in event if part) for event in side.events) or "无"
