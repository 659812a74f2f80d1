"""Why a unit has its score. In: a stored result. Out: Chinese text, from the component to the cells."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from sqlalchemy import Engine, Row

from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.terms import GROUP_ZH, Group, LineStatus
from fazhi.score.results import Key, current_keys, hundredths, rows_of
from fazhi.store import read
from fazhi.store.tables import result, result_adjustment, result_input, result_line
from fazhi.systems.edition import code_key

_STATUS_ZH = {
    LineStatus.MISSING: "未报送，计 0 分",
    LineStatus.REJECTED: "已退回或待审核，计 0 分",
    LineStatus.NOT_APPLICABLE: "不适用，不计分，分值由其他指标分担",
}
_STAGE_ZH = {"provisional": "过程得分", "final": "最终得分"}
_KIND_ZH = {"submission": "单位报送", "office": "主管部门提供", "system": "本系统计算"}


def explain(engine: Engine, year: int, unit_code: str) -> str:
    """Say in Chinese how a unit's newest result came about, down to sheet and cell.

    Raises:
        UsageError: The unit has no result in that year.
    """
    with read(engine) as connection:
        key: Key | None = next((k for k in current_keys(connection, year) if k[0] == unit_code), None)
        if key is None:
            raise UsageError(f"{unit_code} 在{year}年没有得分；请先执行 fazhi score --year {year}")
        head = rows_of(connection, result, year, [key])[0]
        lines = sorted(
            rows_of(connection, result_line, year, [key]), key=lambda row: code_key(row.indicator_code)
        )
        events = sorted(rows_of(connection, result_adjustment, year, [key]), key=lambda row: row.event_no)
        inputs: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        for row in sorted(rows_of(connection, result_input, year, [key]), key=lambda row: row.input_no):
            inputs[row.indicator_code].append(row)
    texts = [*_summary(head), *_events(events), "", "各指标："]
    for line in lines:
        texts += _line(line)
        texts += [_input(row) for row in inputs[line.indicator_code]]
    return "\n".join(texts)


def _summary(head: Row[Any]) -> Iterator[str]:
    base, bonus, deduction, score = map(hundredths, (head.base, head.bonus, head.deduction, head.score))
    clamp = score - (base + bonus - deduction)
    yield f"{head.unit_name}({head.unit_code}) {head.year}年 {_STAGE_ZH[head.stage]} 第 {head.version} 版"
    yield f"指标体系 {head.system_id}（摘要 {head.system_digest}）"
    way = f"总分 {head.total_points} × 占比 {head.share} × 得分 {head.score} ÷ 100"
    yield f"计入领导绩效考核：{head.component} = {way}"
    limited = ",并限制在规定的上下限之内" if clamp else ""
    yield f"得分 R = {head.score} = 基础分 {head.base} + 加分 {head.bonus} - 扣分 {head.deduction}{limited}"
    if head.rank is not None:
        reason = f"({head.grade_reason})" if head.grade_reason else ""
        yield f"名次 {head.rank}，等次 {head.grade}{reason}"


def _events(events: Sequence[Row[Any]]) -> Iterator[str]:
    if events:
        yield "加分、扣分和否决事项："
    for event in events:
        about = f"，涉及指标 {event.indicator_code}" if event.indicator_code else ""
        basis = f"依据 {event.document}，{event.approved_on} 批准"
        yield f"  {event.code} {event.title_zh}，次数 {event.count}{about}；{basis}"


def _line(line: Row[Any]) -> Iterator[str]:
    group = GROUP_ZH[Group(line.indicator_group)]
    named = f"{line.indicator_code}（{group}，标准分 {line.full_mark}）"
    if line.status == LineStatus.SCORED:
        rate = Fraction(int(line.rate_numerator), int(line.rate_denominator))
        yield f"{named}：{line.points} = 分值 {line.weight} × 得分率 {rate}"
    elif line.status == LineStatus.NOT_APPLICABLE:
        yield f"{named}：{_STATUS_ZH[LineStatus.NOT_APPLICABLE]}"
    else:
        yield f"{named}：{line.points}，{_STATUS_ZH[LineStatus(line.status)]}；分值 {line.weight}"


def _input(row: Row[Any]) -> str:
    figure = row.value if row.numerator is None else f"{row.numerator} ÷ {row.denominator}"
    cells = "、".join(filter(None, (row.cell, row.cell_denominator)))
    place = f"{row.sheet or 'CSV'} {cells}" if cells else ""
    origin = "，".join(filter(None, (_KIND_ZH[row.kind], row.submission_id, place)))
    return f"    {Period.parse(row.period).name_zh}：{figure}（{origin}）"
