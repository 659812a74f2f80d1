"""What changed between two versions of a result. In: two stored versions. Out: a difference that adds up.

Every contribution is in hundredths of a point and they add up exactly: the lines' to the difference of S, with
bonus, deduction and clamp to that of R. A line's part is split in two: what its rate brought, at the old
weight, and what its weight brought, at the new rate. The component's part is split likewise: what R brought
under the old share, and what share, total points and vetoes brought.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, Row

from fazhi.model.exact import two_places
from fazhi.model.period import Period
from fazhi.model.terms import LineStatus
from fazhi.score.dossier import Dossier, current_version, read_dossier
from fazhi.score.explain import STATUS_ZH, component_of, decision_zh, figure_of, place_of
from fazhi.score.results import hundredths
from fazhi.score.weights import points
from fazhi.store import read
from fazhi.systems.edition import code_key

_SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class LineChange:
    """One line that is not the same in both versions; points are hundredths."""

    indicator_code: str
    by_rate: int
    by_weight: int
    why: tuple[str, ...]

    @property
    def points(self) -> int:
        """What the line contributes to the difference."""
        return self.by_rate + self.by_weight


@dataclass(frozen=True)
class Changes:
    """The difference between two versions, newer minus older, in hundredths."""

    year: int
    unit_code: str
    unit_name: str
    older: int
    newer: int
    lines: tuple[LineChange, ...]
    bonus: int
    deduction: int
    """What the deductions contribute: negative when more is deducted."""
    clamp: int
    score: int
    component_by_score: int
    component_by_rules: int
    component: int
    notes: tuple[str, ...]
    """Edition, share, events, decisions, rank, grade: what else differs."""


def compare_versions(
    engine: Engine, year: int, unit_code: str, *, version: int | None = None, against: int | None = None
) -> Changes:
    """Compare two versions of a unit's result.

    Args:
        engine: The store.
        year: The assessment year.
        unit_code: The unit.
        version: The newer one; the one the unit has now unless told otherwise.
        against: The older one; the version before ``version`` unless told otherwise.

    Raises:
        UsageError: One of the versions does not exist.
    """
    with read(engine) as connection:
        newer = version if version is not None else current_version(connection, year, unit_code)
        older = against if against is not None else newer - 1
        before = read_dossier(connection, year, unit_code, older)
        after = read_dossier(connection, year, unit_code, newer)
    lines = tuple(_line_changes(before, after))
    then, now = _heads(before), _heads(after)
    by_score = component_of(before.head.total_points, before.head.share, now["score"]) - component_of(
        before.head.total_points, before.head.share, then["score"]
    )
    component = now["component"] - then["component"]
    return Changes(
        year=year,
        unit_code=unit_code,
        unit_name=after.head.unit_name,
        older=older,
        newer=newer,
        lines=lines,
        bonus=now["bonus"] - then["bonus"],
        deduction=then["deduction"] - now["deduction"],
        clamp=_clamp(now) - _clamp(then),
        score=now["score"] - then["score"],
        component_by_score=by_score,
        component_by_rules=component - by_score,
        component=component,
        notes=tuple(_notes(before, after)),
    )


def _heads(dossier: Dossier) -> Mapping[str, int]:
    names = ("base", "bonus", "deduction", "score", "component")
    return {name: hundredths(getattr(dossier.head, name)) for name in names}


def _clamp(head: Mapping[str, int]) -> int:
    return head["score"] - (head["base"] + head["bonus"] - head["deduction"])


# --- lines


def _line_changes(before: Dossier, after: Dossier) -> Iterator[LineChange]:
    old = {row.indicator_code: row for row in before.lines}
    new = {row.indicator_code: row for row in after.lines}
    for code in sorted({*old, *new}, key=code_key):
        was, is_now = old.get(code), new.get(code)
        why = (
            *_state_changes(was, is_now),
            *_value_changes(before.inputs.get(code, ()), after.inputs.get(code, ())),
        )
        by_rate, by_weight = contributions(was, is_now)
        if why or by_rate or by_weight:
            yield LineChange(code, by_rate, by_weight, why)


def contributions(was: Row[Any] | None, is_now: Row[Any] | None) -> tuple[int, int]:
    """What the rate brought at the old weight, and what the weight brought at the new rate, in hundredths.

    A line that is missing on one side carried no weight there.
    """
    old_weight, old_rate = _weight_and_rate(was)
    new_weight, new_rate = _weight_and_rate(is_now)
    middle = points(old_weight, new_rate)
    return middle - points(old_weight, old_rate), points(new_weight, new_rate) - middle


def _weight_and_rate(row: Row[Any] | None) -> tuple[int, Fraction]:
    """A line that carries no weight brings nothing."""
    if row is None or row.weight is None:
        return 0, Fraction(0)
    return hundredths(row.weight), Fraction(int(row.rate_numerator), int(row.rate_denominator))


def _state_changes(was: Row[Any] | None, is_now: Row[Any] | None) -> Iterator[str]:
    if was is None or is_now is None:
        yield "新适用的指标" if was is None else "不再适用的指标"
        return
    if was.status != is_now.status:
        old, new = (STATUS_ZH[LineStatus(row.status)] for row in (was, is_now))
        yield f"状态：“{old}”改为“{new}”"
    (old_weight, old_rate), (new_weight, new_rate) = _weight_and_rate(was), _weight_and_rate(is_now)
    if old_rate != new_rate:
        yield f"得分率 {old_rate} 改为 {new_rate}"
    if old_weight != new_weight:
        yield f"分值 {two_places(old_weight)} 改为 {two_places(new_weight)}"
    if was.full_mark != is_now.full_mark:
        yield f"标准分 {was.full_mark} 改为 {is_now.full_mark}"
    if was.indicator_group != is_now.indicator_group:
        yield "所属类别改变"


def _value_changes(old: Sequence[Row[Any]], new: Sequence[Row[Any]]) -> Iterator[str]:
    """Values added, dropped or changed; a value's place counts only when the figure stayed the same."""
    was = {(row.period, row.kind): row for row in old}
    is_now = {(row.period, row.kind): row for row in new}
    for key in sorted({*was, *is_now}, key=lambda key: (Period.parse(key[0]).rank, key[1])):
        before, after = was.get(key), is_now.get(key)
        name = Period.parse(key[0]).name_zh
        if before is None and after is not None:
            yield f"{name}：采用 {figure_of(after)}（{place_of(after)}）"
        elif before is not None and after is None:
            yield f"{name}：不再采用 {figure_of(before)}（{place_of(before)}）"
        elif before is not None and after is not None:
            yield from _changed_value(name, before, after)


def _changed_value(name: str, before: Row[Any], after: Row[Any]) -> Iterator[str]:
    if figure_of(before) != figure_of(after):
        yield f"{name}：{figure_of(before)} 改为 {figure_of(after)}（{place_of(after)}）"
    elif (before.file_sha256, before.sheet, before.cell) != (after.file_sha256, after.sheet, after.cell):
        yield f"{name}：数值未变，改由另一份文件或另一单元格读出（{place_of(after)}）"


# --- what else


def _notes(before: Dossier, after: Dossier) -> Iterator[str]:
    old, new = before.head, after.head
    if old.system_digest != new.system_digest:
        yield (
            f"指标体系：{old.system_id}（摘要 {old.system_digest[:12]}）改为 "
            f"{new.system_id}（摘要 {new.system_digest[:12]}）"
        )
    for name, words in (
        ("unit_name", "单位名称"),
        ("stage", "阶段"),
        ("share", "占比"),
        ("total_points", "领导绩效考核总分"),
        ("rank", "名次"),
        ("grade", "等次"),
    ):
        was, is_now = getattr(old, name), getattr(new, name)
        if was != is_now:
            yield f"{words}：{_shown(name, was)} 改为 {_shown(name, is_now)}"
    yield from _event_changes(before.events, after.events)
    for decision in after.decisions:
        if _moment(old.computed_at) < _moment(decision.decided_at) <= _moment(new.computed_at):
            yield f"期间作出的{decision_zh(decision)}：{decision.indicator_code}，{decision.reason}"


def _moment(text: str) -> datetime:
    """A stored time; one without an offset is local time."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=_SHANGHAI)


def _shown(name: str, value: Any) -> str:
    if name == "stage":
        return {"provisional": "过程得分", "final": "最终得分"}.get(value, str(value))
    return "无" if value is None else str(value)


def _event_changes(old: Sequence[Row[Any]], new: Sequence[Row[Any]]) -> Iterator[str]:
    was, is_now = ({_event(row) for row in rows} for rows in (old, new))
    for event in sorted(is_now - was):
        yield f"新增事项：{event}"
    for event in sorted(was - is_now):
        yield f"取消事项：{event}"


def _event(row: Row[Any]) -> str:
    about = f"，涉及指标 {row.indicator_code}" if row.indicator_code else ""
    level = f"，级别 {row.level}" if row.level else ""
    return f"{row.code} {row.title_zh}，次数 {row.count}{level}{about}（{row.document}）"


# --- words


def changes_zh(changes: Changes) -> str:
    """The comparison as text; every sum in it can be added up by hand."""
    texts = [
        f"{changes.unit_name}（{changes.unit_code}）{changes.year}年得分：第 {changes.newer} 版与第 {changes.older} 版比较",
        f"得分 R 变化 {_signed(changes.score)} = 指标 {_signed(sum(line.points for line in changes.lines))}"
        f" + 加分 {_signed(changes.bonus)} + 扣分 {_signed(changes.deduction)}"
        f" + 上下限调整 {_signed(changes.clamp)}",
        f"计入领导绩效考核变化 {_signed(changes.component)} = 得分 {_signed(changes.component_by_score)}"
        f" + 占比、总分和否决 {_signed(changes.component_by_rules)}",
    ]
    if changes.notes:
        texts += ["其他变化：", *(f"  {note}" for note in changes.notes)]
    texts.append("有变化的指标：" if changes.lines else "各项指标没有变化。")
    for line in changes.lines:
        texts.append(
            f"{line.indicator_code}：{_signed(line.points)} = 得分率 {_signed(line.by_rate)}"
            f" + 分值 {_signed(line.by_weight)}"
        )
        texts += [f"    {reason}" for reason in line.why]
    return "\n".join(texts)


def _signed(points_: int) -> str:
    return two_places(points_) if points_ <= 0 else f"+{two_places(points_)}"
