"""A synthetic submission before it is written. In: a report, its readings. Out: lines, then table cells."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fazhi.registry import Unit
from fazhi.synth.duties import Report
from fazhi.synth.figures import Reading
from fazhi.synth.folder import CSV_COLUMNS
from fazhi.systems.edition import Indicator

MARK = "合成数据"
EVIDENCE_NAME = "佐证材料（合成数据）.txt"
TABLE_NAME = "填报表（合成数据）.csv"
SUBMITTED_BY = "合成数据生成程序（合成数据）"

Cells = dict[str, str]
"""One row of the table by column name."""


@dataclass
class Line:
    """One row of the table; ``indicator`` is what it was made for."""

    unit: Unit
    indicator: Indicator
    cells: Cells

    def copy(self) -> "Line":
        """An independent copy."""
        return Line(self.unit, self.indicator, dict(self.cells))


@dataclass
class Draft:
    """A submission in the making. ``content`` replaces the table when the file itself is at fault."""

    report: Report
    submission_id: str
    lines: list[Line]
    table_name: str = TABLE_NAME
    content: bytes | None = None
    faulty: set[int] = field(default_factory=set)

    def copy(self) -> "Draft":
        """An independent copy."""
        return replace(self, lines=[line.copy() for line in self.lines], faulty=set(self.faulty))

    @property
    def year(self) -> int:
        """The assessment year."""
        return self.report.period.year

    def table(self) -> list[list[str]]:
        """The rows of the CSV, in the order of its columns."""
        return [[line.cells[column] for column in CSV_COLUMNS] for line in self.lines]


def line_for(unit: Unit, indicator: Indicator, period: str, reading: Reading) -> Line:
    """The row of an indicator as a careful department fills it in."""
    cells = dict.fromkeys(CSV_COLUMNS, "")
    cells |= {
        "unit_code": unit.unit_code,
        "period": period,
        "indicator_code": indicator.code,
        "numerator": "" if reading.numerator is None else str(reading.numerator),
        "denominator": "" if reading.denominator is None else str(reading.denominator),
        "value": reading.value,
        "note": MARK,
        "evidence": EVIDENCE_NAME if indicator.evidence_zh else "",
    }
    return Line(unit, indicator, cells)


def draft_of(report: Report, submission_id: str, readings: Mapping[str, Mapping[str, Reading]]) -> Draft:
    """A report filled in with the readings of its units (by unit code, then indicator code)."""
    period = str(report.period)
    return Draft(
        report,
        submission_id,
        [
            line_for(unit, indicator, period, readings[unit.unit_code][indicator.code])
            for unit, indicator in report.items
        ],
    )


def table_cell(row: int, column: str) -> str:
    """The address of a cell of a CSV: the line number (the header is line 1) and the column's name."""
    return f"{row + 2}:{column}"
