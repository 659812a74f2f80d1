"""Sheet 名次: the scores of all units of the pool, ranked and graded by formulas (scoring.md section 6)."""

from dataclasses import dataclass

from openpyxl import Workbook

from fazhi.model.exact import plain
from fazhi.score.workbook.case import Case
from fazhi.score.workbook.exactness import scale_of
from fazhi.score.workbook.grid import TWO_PLACES, WHOLE, Grid, columns, quoted


@dataclass(frozen=True)
class Place:
    """Where the unit's rank, its grade and the number of ranked units stand."""

    rank: str
    grade: str
    units: str


def write_ranking(book: Workbook, case: Case, own_score: str, own_common: str) -> Place:
    """Write the sheet of a final result.

    Args:
        book: The workbook.
        case: The unit's case.
        own_score: Address of the unit's R in hundredths.
        own_common: Formula of its COMMON points in hundredths.
    """
    grid = Grid(
        book,
        "名次",
        columns(
            unit=("统一社会信用代码", 22),
            name=("单位", 34),
            score=("得分", 9),
            rank=("名次", 7),
            grade=("等次", 10),
            entitled=("够最高等次", 10),
            order=("名额内排序", 10),
            common=("共性指标得分", 11),
            letters=("督办函份数", 10),
            allowed=("否决后最高等次", 11),
            whole=("得分（百分之一分）", 11),
            earned=("按分数线的等次", 11),
            whole_common=("共性得分（百分之一分）", 11),
        ),
    )
    quota = case.edition.top_grade_quota
    top = case.edition.grades[0].name_zh
    row = grid.heading(
        "名次：与同级同类单位比较",
        "本单位一行由本表公式算出，其他单位的得分取自同一次计分。得分相同的名次相同，下一名次顺延。",
        f"“{top}”名额为参评单位数×{plain(quota)}，舍去小数，至少 1 个；名额边上同分的，依次比较共性指标得分、"
        "督办函份数（少者在前）、统一社会信用代码。",
    )
    first = grid.headers(row)
    last = first + len(case.rivals) - 1
    grid.freeze("score", first)
    own_row = first
    for row, rival in enumerate(case.rivals, first):
        own = rival.unit_code == case.unit.unit_code
        own_row = row if own else own_row
        grid.put(row, "unit", rival.unit_code)
        grid.put(row, "name", rival.unit_name)
        if own:
            grid.work(row, "whole", own_score, WHOLE, "working")
            grid.work(row, "whole_common", own_common, WHOLE, "working")
        else:
            grid.put(row, "whole", rival.score, WHOLE, "working")
            grid.put(row, "whole_common", rival.common_points, WHOLE, "working")
        grid.work(row, "score", f"{grid.at('whole', row)}/100", TWO_PLACES, "result" if own else "body")
        grid.put(row, "letters", rival.supervision_letters, WHOLE)
        grid.put(row, "allowed", rival.best_grade_allowed + 1, WHOLE)
        _write_formulas(grid, row, case, first, last)
    units = last + 2
    _write_quota(grid, units, case, len(case.rivals))
    grid.fold("whole", "earned", "whole_common")
    grid.printed("landscape")
    return Place(grid.ref("rank", own_row), grid.ref("grade", own_row), grid.ref("score", units))


def _write_quota(grid: Grid, row: int, case: Case, units: int) -> None:
    quota = case.edition.top_grade_quota
    scale = scale_of([quota])
    grid.put(row, "name", "参评单位数", look="sum")
    grid.put(row, "score", units, WHOLE, "sum")
    grid.put(row + 1, "name", f"“{case.edition.grades[0].name_zh}”名额", look="sum")
    places = f"MAX(1,INT({grid.at('score', row)}*{int(quota * scale)}/{scale}))"
    grid.work(row + 1, "score", places, WHOLE, "sum")


def _write_formulas(grid: Grid, row: int, case: Case, first: int, last: int) -> None:
    whole = grid.at("whole", row)
    grid.work(row, "rank", f'COUNTIF({grid.span("whole", first, last)},">"&{whole})+1', WHOLE)
    grades = case.edition.grades
    earned = str(len(grades))
    for number, grade in reversed(list(enumerate(grades, 1))):
        earned = f"IF({whole}>={grade.at_least},{number},{earned})"
    grid.work(row, "earned", earned, WHOLE, "working")
    level = f"MAX({grid.at('earned', row)},{grid.at('allowed', row)})"
    grid.work(row, "entitled", f'IF({level}=1,"是","否")')
    grid.work(
        row, "order", f'IF({grid.at("entitled", row)}="是",{_order(grid, row, first, last)},"—")', WHOLE
    )
    places = grid.ref("score", last + 3)
    beyond = f"IF({grid.at('order', row)}<={places},1,{min(2, len(grades))})"
    final = f'IF({grid.at("entitled", row)}="是",{beyond},{level})'
    chosen = ",".join(quoted(grade.name_zh) for grade in grades)
    grid.work(row, "grade", f"CHOOSE({final},{chosen})")
    grid.work(row, "common", f"{grid.at('whole_common', row)}/100", TWO_PLACES)


def _order(grid: Grid, row: int, first: int, last: int) -> str:
    """One more than the number of entitled units that go before: score, COMMON points, letters, code."""
    before = f"(ROW({grid.span('unit', first, last)})<{row})"
    for name, sign in (("letters", "<"), ("whole_common", ">"), ("whole", ">")):
        span, own = grid.span(name, first, last), grid.at(name, row)
        before = f"(({span}{sign}{own})+({span}={own})*{before})"
    return f'1+SUMPRODUCT(({grid.span("entitled", first, last)}="是")*{before})'
