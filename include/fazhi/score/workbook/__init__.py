"""A unit's score as a workbook with live formulas. In: a stored result, its edition. Out: an xlsx file.

Every figure from the cells to the component is a formula over what was reported and what the edition says;
nothing that is computed is written as a number. Formulas work on whole numbers that doubles hold exactly
(``exactness``); what is longer is computed in blocks (``long_numbers``). Plain functions only, so that Excel,
WPS and LibreOffice agree.
"""

from datetime import date

from sqlalchemy import Engine

from fazhi.registry import Registry
from fazhi.score.workbook.adjustments import write_adjustments
from fazhi.score.workbook.case import Case, read_case
from fazhi.score.workbook.exactness import scale_of
from fazhi.score.workbook.grid import new_book
from fazhi.score.workbook.lines import LinesSheet
from fazhi.score.workbook.long_numbers import LongNumbers, blocks_needed
from fazhi.score.workbook.ranking import write_ranking
from fazhi.score.workbook.rules import parameters, write_rules
from fazhi.score.workbook.sources import source_numbers, write_sources, write_words
from fazhi.score.workbook.totals import common_points, write_overview, write_totals
from fazhi.score.workbook.values import write_values
from fazhi.score.workbook.weights import write_weights
from fazhi.sheets.writing import packed
from fazhi.store import read
from fazhi.systems.edition import Edition

_ORDER = ("总览", "得分", "指标", "分值", "取值", "规则", "加减分", "名次", "大数核算", "来源", "说明")

__all__ = ["score_workbook"]


def score_workbook(
    engine: Engine, edition: Edition, registry: Registry, year: int, unit_code: str, *, today: date
) -> bytes:
    """A unit's newest result of a year as a workbook.

    Args:
        engine: The store.
        edition: The year's edition; it must be the one that the result was computed with.
        registry: The unit's tags and the units that it is ranked among.
        year: The assessment year.
        unit_code: The unit.
        today: The day in Asia/Shanghai that decides while the year still runs.

    Returns:
        The xlsx file; the same result gives the same bytes.

    Raises:
        UsageError: There is no such result, it was made by another edition, or a spreadsheet cannot hold it.
    """
    with read(engine) as connection:
        case = read_case(connection, edition, registry, year, unit_code, today)
    return _written(case)


def _written(case: Case) -> bytes:
    book = new_book()
    values = write_values(book, case, source_numbers(case))
    rules = write_rules(book, case)
    scales = {
        line.indicator.code: scale_of(
            number for number in parameters(line.indicator, case.year) if not isinstance(number, date)
        )
        for line in case.lines
    }
    lines = LinesSheet(book, case, values)
    weights = write_weights(book, case, lines.statuses)
    adjusted = write_adjustments(book, case)
    long_numbers = LongNumbers(book, blocks_needed(rules, values, scales))
    lines.fill(weights, rules, scales, long_numbers, adjusted.falsified)
    totals = write_totals(book, case, lines, adjusted)
    place = write_ranking(book, case, totals.score, common_points(lines)) if case.is_final else None
    write_overview(book, case, totals, lines, place)
    write_sources(book, case)
    write_words(book, case)
    by_title = {sheet.title: sheet for sheet in book.worksheets}
    for position, title in enumerate(title for title in _ORDER if title in by_title):
        sheet = by_title[title]
        book.move_sheet(sheet, position - book.index(sheet))
    book.active = 0
    for sheet in book.worksheets:
        sheet.sheet_view.tabSelected = sheet.title == _ORDER[0]
    return packed(book)
