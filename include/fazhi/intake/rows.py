"""Rows of the table as values. In: a cleaned table, the edition, the submission. Out: values and findings.

Every reading keeps the address of its cell. Exact numbers are kept as text and as scaled integers; what is
fuzzy or cannot be read leaves the number empty and a finding on the cell. A row in which nothing is filled is
not a value; a row that only repeats an earlier one is told and not counted again.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from fazhi.intake import evidence as evidence_of
from fazhi.intake.cleaning import Cleaned
from fazhi.intake.codes import judge_division_of_unit, judge_number_in_text, judge_unit_code
from fazhi.intake.dates import read_date
from fazhi.intake.evidence import EvidenceFiles, UnitNames
from fazhi.intake.ratios import places_kept, read_ratio
from fazhi.intake.table import Table, vocabulary
from fazhi.intake.values import ReadValue, Submitted
from fazhi.intake.wording import ReadFinding, Seen, Wording
from fazhi.model.exact import plain, scaled
from fazhi.model.quantity import MAX_PLACES, Problem, Quantity, is_placeholder, read_quantity
from fazhi.model.terms import RatioKind, Severity, SubmissionKind, ValueType
from fazhi.registry.registry import Registry
from fazhi.sheets import Cell, CellKind, Row, period_of
from fazhi.sheets.cover import code_of
from fazhi.sheets.worksheet import FORMULA_WITHOUT_VALUE
from fazhi.systems.edition import Edition, Indicator

_INPUTS = ("numerator", "denominator", "value", "boolean", "date")
_ASKED = {
    ValueType.RATIO: ("numerator", "denominator"),
    ValueType.COUNT: ("value",),
    ValueType.AMOUNT: ("value",),
    ValueType.SCORE: ("value",),
    ValueType.BOOLEAN: ("boolean", "value"),
    ValueType.DATE: ("date", "value"),
}
_ADDRESSED = {
    "indicator_code": "cell_row",
    "unit_code": "cell_unit",
    **{key: f"cell_{key}" for key in ("numerator", "denominator", "value", "not_applicable", "evidence")},
}
"""Columns and where a value keeps the addresses of their cells."""

_TEXT_COLUMNS = ("reason", "note", "evidence", "provenance")
_DATE_EXPECTED = ("形如 2024-03-05 的日期", "a date such as 2024-03-05")


@dataclass(frozen=True)
class RowsRead:
    """The values, the findings on them, and what else of the table is told with them."""

    values: tuple[ReadValue, ...]
    findings: tuple[ReadFinding, ...]
    rows: frozenset[int]
    """The numbers of the rows that are values, or repeat one."""
    evidence: frozenset[str]
    """The pieces of evidence that they name."""


@dataclass(frozen=True)
class RowContext:
    """Under what rows are read."""

    cleaned: Cleaned
    submitted: Submitted
    edition: Edition
    wording: Wording
    registry: Registry | None = None
    evidence: EvidenceFiles = field(default_factory=lambda: EvidenceFiles(()))
    unit_names: UnitNames | None = None

    @property
    def table(self) -> Table:
        """The cleaned table."""
        return self.cleaned.table

    @cached_property
    def every_value(self) -> ReadValue:
        """What every value of the table says: of the submission and of the period that is reported."""
        period = self.submitted.period
        return ReadValue(
            row_no=0,
            year=period.year,
            period=str(period),
            period_rank=period.rank,
            period_first=period.first_day.isoformat(),
            period_last=period.last_day.isoformat(),
            kind=self.submitted.kind.value,
            reporter_code=self.submitted.sender_code,
            unit_code=self.submitted.sender_code,
            indicator_code="",
            sheet=self.table.sheet.name,
        )

    @property
    def today(self) -> date:
        """The day by which duties are judged: that of receipt, and where there is none, the end of the year."""
        year, received = self.submitted.period.year, self.submitted.received_on
        return max(received, date(year, 1, 1)) if received is not None else date(year, 12, 31)


def read_rows(context: RowContext) -> RowsRead:
    """Read every filled row of a table, in its order."""
    values: list[ReadValue] = []
    findings: list[ReadFinding] = []
    rows: set[int] = set()
    named: set[str] = set()
    earlier: dict[tuple[str, str], list[_RowReader]] = defaultdict(list)
    for row in context.table.rows():
        reader = _RowReader(context, row)
        if not reader.is_filled():
            continue
        value = reader.read(len(values) + 1)
        rows.add(row.number)
        of_same = earlier[value.unit_code, value.indicator_code]
        first = next((one for one in of_same if reader.repeats(one)), None)
        if first is not None:
            findings += reader.as_repeat_of(first.value)
            continue
        of_same.append(reader)
        values.append(value)
        findings += reader.findings
        named.update(reader.evidence.pieces)
    return RowsRead(tuple(values), tuple(findings), frozenset(rows), frozenset(named))


class _RowReader:
    """Reads one row."""

    def __init__(self, context: RowContext, row: Row) -> None:
        self._context = context
        self._table = context.table
        self._row = row
        self._cells = context.table.cells(row)
        self._cell = self._cells.get
        self._submitted = context.submitted
        self._code = code_of(self._text("indicator_code"))
        self._indicator = context.edition.by_code.get(self._code)
        self._is_na = False
        self._code_is_wrong = False
        self._fuzzy: list[str] = []
        self._unreadable: list[str] = []
        self._noted: list[tuple[str, Seen]] = []
        self.findings: list[ReadFinding] = []

    def is_filled(self) -> bool:
        """Whether the row states anything; a dash in a cell that is not asked for states nothing."""
        asked = _INPUTS if self._indicator is None else _ASKED[self._indicator.value_type]
        for key in _INPUTS:
            cell = self._cell(key)
            if cell is not None and (key in asked or not is_placeholder(cell.text)):
                return True
        return self._ticked(self._cell("not_applicable")) is not False

    def read(self, row_no: int) -> ReadValue:
        """The row as a value; ``findings`` then holds what was found on it."""
        self._cleaned_cells()
        self._unit_cell()
        value = self._context.every_value.beside(
            row_no=row_no, unit_code=self._unit_code(), indicator_code=self._code
        )
        self._addresses(value)
        self._texts(value)
        self._named_evidence(value)
        self._code_and_period()
        self._is_na = self._applicability()
        value.not_applicable = int(self._is_na)
        if self._indicator is not None:
            self._readings(value, self._indicator)
            self._zero_for_na(value, self._indicator)
        value.fuzzy = ";".join(self._fuzzy) or None
        value.unreadable = ";".join(self._unreadable) or None
        value.value_digest = value.content_digest()
        self._word(value)
        self.value = value
        return value

    def repeats(self, first: "_RowReader") -> bool:
        """Whether the row, read, says what an earlier one of its indicator says, and nothing beyond it.

        Which of two texts is meant is no more to be guessed than which of two numbers.
        """
        if self._indicator is None or self.value.value_digest != first.value.value_digest:
            return False
        if self._faults() - first._faults():
            return False
        if self.value.stated_reporting not in (None, first.value.stated_reporting):
            return False
        said = {key: self._text(key) for key in (*_TEXT_COLUMNS, "reporting", "scope")}
        return all(not text or text == first._text(key) for key, text in said.items())

    def _faults(self) -> set[str]:
        """The rules that the row breaks, those left out by which something was only written another way."""
        return {one.finding.rule for one in self.findings if one.finding.severity is not Severity.NOTE}

    def as_repeat_of(self, first: ReadValue) -> list[ReadFinding]:
        """What is told of a repeated row: both cells, and that the earlier one counts."""
        self._noted = []
        self.findings = []
        here = self.value.cell_row
        self._note(
            "DUP_ROW",
            "indicator_code",
            self._code,
            (f"{first.cell_row}一行", f"the row at {first.cell_row} alone"),
            (
                f"{first.cell_row}、{here}两行都是{self._code}，内容相同，只采用{first.cell_row}",
                f"{first.cell_row} and {here} both hold {self._code}; {first.cell_row} counts.",
            ),
            case="identical",
            related=(first.cell_row or "",),
        )
        self._word(first)
        return self.findings

    # --- the row's own data

    def _text(self, key: str) -> str:
        """The text of a cell of the row without blanks around it, empty when there is none."""
        cell = self._cells.get(key)
        return cell.text.strip() if cell is not None else ""

    def _unit_code(self) -> str:
        """The unit the row is about; a unit's own row with an invalid code is still about the sender."""
        stated = code_of(self._text("unit_code"))
        if self._submitted.kind is SubmissionKind.OFFICE:
            return stated
        return self._submitted.sender_code if self._code_is_wrong or not stated else stated

    def _cleaned_cells(self) -> None:
        """What was masked or taken out of the row's cells before they were read."""
        if self._row.number not in self._context.cleaned.rows_seen:
            return
        for key, (column, _) in self._table.columns.items():
            for seen in self._context.cleaned.seen.get(
                (self._table.sheet.name, self._row.number, column), ()
            ):
                self._see(key, seen)

    def _unit_cell(self) -> None:
        cell, day = self._cell("unit_code"), self._submitted.period.last_day
        if cell is not None and not self._is_told("unit_code", "private_use"):
            for seen in judge_unit_code(cell, self._context.registry, day):
                self._see("unit_code", seen)
                self._code_is_wrong = self._code_is_wrong or seen.rule != "FULLWIDTH"
        if self._code_is_wrong:
            self._unreadable.append("unit")
        division = self._text("division_code")
        if division:
            self._see_if(
                "division_code",
                judge_division_of_unit(division, self._unit_code(), self._context.registry, day),
            )

    def _is_told(self, key: str, case: str) -> bool:
        return any(noted == key and seen.case == case for noted, seen in self._noted)

    def _addresses(self, value: ReadValue) -> None:
        vars(value).update(self._table.addresses(self._row, _ADDRESSED))
        value.cell_boolean = self._table.address(self._row, self._place("boolean"))
        value.cell_date = self._table.address(self._row, self._place("date"))

    def _place(self, key: str) -> str:
        """Where a 是/否 or a date is: in its own column, or in 数值 if that is filled or the only one."""
        if key not in self._table.columns:
            return "value"
        asked = self._indicator is not None and key in _ASKED[self._indicator.value_type]
        return "value" if asked and self._cell(key) is None and self._cell("value") is not None else key

    def _texts(self, value: ReadValue) -> None:
        def text(key: str) -> str | None:
            return self._text(key) or None

        value.reason = text("reason")
        value.note = text("note")
        value.stated_scope = text("scope")
        value.provenance = text("provenance")
        value.stated_reporting = _reporting(text("reporting"))
        for key in _INPUTS:
            cell = self._cell(key)
            if cell is not None:
                setattr(value, f"{key}_raw", cell.shown)
        for key in _TEXT_COLUMNS:
            cell = self._cell(key)
            if cell is not None:
                self._see_if(key, judge_number_in_text(cell))

    def _named_evidence(self, value: ReadValue) -> None:
        named = self.evidence = self._context.evidence.named(self._text("evidence"))
        value.evidence_named = len(named.pieces)
        value.evidence_missing = ";".join(named.missing) or None
        if not named.pieces:
            return
        year = self._submitted.period.year
        row = evidence_of.Row(value.unit_code, self._indicator, (year, year + 1))
        self._see_if("evidence", evidence_of.judge_links(named))
        self._see_if("evidence", evidence_of.judge_names(named, row, self._context.unit_names))

    def _code_and_period(self) -> None:
        code = self._cell("indicator_code")
        if code is not None and code.kind is CellKind.ERROR:
            self._note("CELL_ERROR", "indicator_code", code.text, ("指标编码", "an indicator code"))
        stated = self._text("period")
        if stated and period_of(stated) != self._submitted.period:
            self._note(
                "PERIOD_MISMATCH",
                "period",
                stated,
                (str(self._submitted.period), str(self._submitted.period)),
                ("本行的填报期与报送的填报期不同", "the row's period is not the submission's"),
            )

    def _applicability(self) -> bool:
        cell = self._cell("not_applicable")
        ticked = self._ticked(cell)
        if ticked is None and cell is not None:
            self._note(
                "VALUE_TYPE",
                "not_applicable",
                cell.text,
                ("是，或留空", "是 (yes), or blank"),
                ("“不适用”栏只能填“是”或留空", "this column takes 是 (yes) or stays blank"),
            )
        return ticked is True

    @staticmethod
    def _ticked(cell: Cell | None) -> bool | None:
        """Whether 不适用 is ticked; ``None`` when the cell says neither."""
        if cell is None or is_placeholder(cell.text) or cell.text.strip() in vocabulary()["unticked"]:
            return False
        return True if cell.text.strip() in vocabulary()["ticked"] else None

    def _zero_for_na(self, value: ReadValue, indicator: Indicator) -> None:
        """Zeros where the indicator does not apply say nothing about the unit: read as not applicable."""
        if value.numerator_q or value.denominator_q or value.amount_q or self._fuzzy or self._unreadable:
            return
        if value.numerator_q is None and value.denominator_q is None and value.amount_q is None:
            return
        if not self._is_na and self._applies(indicator, value.unit_code):
            return
        why = (
            ("“不适用”栏填了“是”", "the row is marked not applicable")
            if self._is_na
            else ("按职责登记，这项指标不适用于本单位", "the unit has no such duty")
        )
        key = next(key for key in ("numerator", "denominator", "value") if self._cell(key) is not None)
        self._note("ZERO_FOR_NA", key, "0", ("不适用", "not applicable"), why)
        value.not_applicable = 1
        value.numerator = value.denominator = value.amount = value.stated_ratio = value.ratio_form = None
        value.numerator_q = value.denominator_q = value.amount_q = value.ratio_gap = None
        value.ratio_tolerance = value.value_raw = None

    def _applies(self, indicator: Indicator, unit_code: str) -> bool:
        """Whether the unit has the duty; also where that cannot be told."""
        registry, year, today = self._context.registry, self._submitted.period.year, self._context.today
        if registry is None or self._submitted.kind is SubmissionKind.OFFICE or not indicator.asked_of_unit:
            return True
        unit = registry.unit_on(unit_code, registry.deciding_day(year, today))
        return unit is None or registry.applies(indicator, unit, year, today)

    # --- readings by type

    def _readings(self, value: ReadValue, indicator: Indicator) -> None:
        if indicator.value_type is ValueType.RATIO:
            self._ratio(value, indicator)
        elif indicator.value_type is ValueType.BOOLEAN:
            self._boolean(value)
        elif indicator.value_type is ValueType.DATE:
            self._date(value)
        else:
            self._amount(value, indicator)

    def _ratio(self, value: ReadValue, indicator: Indicator) -> None:
        numerator = self._exact("numerator", "")
        denominator = self._exact("denominator", "")
        if numerator is not None:
            value.numerator, value.numerator_q = numerator
        if denominator is not None:
            value.denominator, value.denominator_q = denominator
        cell = self._cell("value")
        if cell is not None and not is_placeholder(cell.text):
            self._stated_ratio(value, indicator)

    def _stated_ratio(self, value: ReadValue, indicator: Indicator) -> None:
        unit, kind = indicator.unit_zh, indicator.ratio_kind or RatioKind.SHARE
        quantity = self._quantity("value", unit, places_kept(unit))
        if quantity is None:
            return
        if kind is not RatioKind.GROWTH and any("增长" in word or "下降" in word for word in quantity.words):
            self._unreadable.append("value")
            self._note(
                "VALUE_TYPE",
                "value",
                quantity.text,
                ("比率", "a ratio"),
                ("本栏是比率，不是增幅", "a ratio belongs here, not a growth"),
            )
            return
        if quantity.is_fuzzy:
            self._interval(value, quantity, Fraction(1, 100) if quantity.percent else Fraction(1))
        if quantity.exact is None:
            return
        stated = read_ratio(quantity, kind, unit, value.numerator_q, value.denominator_q)
        value.stated_ratio = _plain_text(stated.share)
        value.ratio_form = stated.form
        value.ratio_gap = stated.gap
        value.ratio_tolerance = stated.tolerance

    def _amount(self, value: ReadValue, indicator: Indicator) -> None:
        quantity = self._quantity("value", indicator.unit_zh)
        if quantity is None:
            return
        if quantity.is_fuzzy:
            self._interval(value, quantity, Fraction(1))
        if "累计" in quantity.words and value.stated_reporting is None:
            value.stated_reporting = "cumulative"
        bounded = self._bounded("value", quantity)
        if bounded is not None:
            value.amount, value.amount_q = bounded

    @staticmethod
    def _interval(value: ReadValue, quantity: Quantity, factor: Fraction) -> None:
        value.low_q = _scaled_or_none(quantity.low, factor)
        value.high_q = _scaled_or_none(quantity.high, factor)

    def _boolean(self, value: ReadValue) -> None:
        key = self._place("boolean")
        cell = self._readable(key, "boolean")
        if cell is None:
            return
        text = cell.text.strip()
        if text in vocabulary()["true"] or text in vocabulary()["false"]:
            value.boolean_value = int(text in vocabulary()["true"])
            return
        self._unreadable.append("boolean")
        problem = Problem("VALUE_TYPE", f"“{cell.shown}”不是“是”或“否”", "neither yes nor no")
        if is_placeholder(cell.text):
            problem = Problem("NA_TOKEN", "看不出是“否”还是不适用", "it may mean no or not applicable")
        self._problem(problem, key, cell.shown, ("“是”或“否”", "是 (yes) or 否 (no)"))

    def _date(self, value: ReadValue) -> None:
        key = self._place("date")
        cell = self._readable(key, "date")
        if cell is None:
            return
        if cell.kind is CellKind.DATE:
            value.date_value = cell.text
            return
        reading = read_date(cell.text.strip())
        day = reading.day.isoformat() if reading.day is not None else None
        if day is None and cell.typed_number:
            day = cell.serial
        if day is None:
            self._unreadable.append("date")
            problem = Problem(reading.rule, reading.reason_zh, reading.reason_en, reading.case)
            if is_placeholder(cell.text):
                problem = Problem("NA_TOKEN", "看不出是没有发生还是不适用", "no date or not applicable")
            self._problem(problem, key, cell.shown, _DATE_EXPECTED)
            return
        value.date_value = day
        if day != cell.text.strip():
            self._note("DATE_FORMAT", key, cell.shown, (day, day))

    # --- cells

    def _exact(self, key: str, unit: str) -> tuple[str, int] | None:
        quantity = self._quantity(key, unit)
        return None if quantity is None else self._bounded(key, quantity)

    def _quantity(self, key: str, unit: str, max_places: int = MAX_PLACES) -> Quantity | None:
        """What a number cell states, problems and rewritings noted; ``None``: blank or no number."""
        cell = self._readable(key, key)
        if cell is None:
            return None
        if cell.kind in (CellKind.BOOLEAN, CellKind.DATE):
            self._unreadable.append(key)
            self._note(
                "VALUE_TYPE",
                key,
                cell.shown,
                ("数字", "a number"),
                (f"“{cell.shown}”是日期或逻辑值，不是数字", "a date or truth value, not a number"),
            )
            return None
        quantity = read_quantity(
            cell.shown.strip(), unit, typed_number=cell.typed_number, max_places=max_places
        )
        for problem in quantity.problems:
            self._problem(problem, key, cell.shown, _expected_number(unit))
        if quantity.exact is None:
            (self._fuzzy if quantity.is_fuzzy else self._unreadable).append(key)
            return quantity if quantity.is_fuzzy else None
        if quantity.rewrites:
            after = plain(quantity.exact) + ("%" if quantity.percent else "")
            for rule in quantity.rewrites:
                self._note(rule, key, cell.shown, (after, after), (f"已按“{after}”读取", f"read as {after}"))
        return quantity

    def _readable(self, key: str, part: str) -> Cell | None:
        """A cell that is filled and holds no error; a dash beside a ticked 不适用 states nothing."""
        cell = self._cell(key)
        if cell is not None and self._is_na and is_placeholder(cell.text):
            return None
        if cell is None or cell.kind is not CellKind.ERROR:
            return cell
        self._unreadable.append(part)
        if cell.text == FORMULA_WITHOUT_VALUE:
            self._not_calculated(key)
            return None
        self._note(
            "CELL_ERROR",
            key,
            cell.text,
            ("数值", "a value"),
            (f"单元格显示{cell.text}", f"the cell shows {cell.text}"),
        )
        return None

    def _not_calculated(self, key: str) -> None:
        """A formula stored without its result; one that is told of as a formula is not told of again."""
        place = (self._table.sheet.name, self._table.address(self._row, key))
        notes = self._context.cleaned.file.notes
        if not any(one.rule == "STALE_FORMULA" and (one.sheet, one.cell) == place for one in notes):
            self._note(
                "STALE_FORMULA",
                key,
                FORMULA_WITHOUT_VALUE,
                ("粘贴为数值", "the value instead of the formula"),
                ("公式没有保存计算结果，读不出数值", "The formula was saved without its result."),
            )

    def _bounded(self, key: str, quantity: Quantity) -> tuple[str, int] | None:
        if quantity.exact is None:
            return None
        bounded = quantity.stored
        if bounded is None:
            self._unreadable.append(key)
            self._note(
                "VALUE_TYPE",
                key,
                quantity.text,
                ("不超过1000亿的数", "a number up to 10^11"),
                ("数值超出可接受的范围", "the number is out of range"),
            )
        return bounded

    # --- what is found

    def _note(
        self,
        rule: str,
        key: str,
        found: str,
        expected: tuple[str, str],
        detail: tuple[str, str] = ("", ""),
        **more: Any,
    ) -> None:
        """Note a finding on a cell of the row; ``expected`` and ``detail`` in Chinese and English."""
        self._see(key, Seen(rule, found, expected[0], detail[0], detail[1], expected[1], **more))

    def _problem(self, problem: Problem, key: str, found: str, expected: tuple[str, str]) -> None:
        self._see(
            key,
            Seen(
                problem.rule,
                found,
                expected[0],
                problem.reason_zh,
                problem.reason_en,
                expected[1],
                case=problem.case,
            ),
        )

    def _see(self, key: str, seen: Seen) -> None:
        self._noted.append((key, seen))

    def _see_if(self, key: str, seen: Seen | None) -> None:
        if seen is not None:
            self._see(key, seen)

    def _word(self, value: ReadValue) -> None:
        for key, seen in self._noted:
            placed = replace(seen, sheet=value.sheet, cell=self._table.address(self._row, key))
            finding = self._context.wording.word(placed)
            if finding is not None:
                self.findings.append(
                    ReadFinding(finding, value.row_no, value.unit_code, value.indicator_code)
                )


@lru_cache(maxsize=65_536)
def _plain_text(number: Fraction) -> str:
    return plain(number)


def _reporting(stated: str | None) -> str | None:
    if stated is None:
        return None
    words = vocabulary()["reporting"]
    return next((word for word, written in words.items() if stated in written), None)


def _expected_number(unit: str) -> tuple[str, str]:
    english = "an exact number in the column's unit"
    return (f"以“{unit}”为单位的准确数字" if unit and unit != "%" else "准确的数字", english)


def _scaled_or_none(number: Fraction | None, factor: Fraction) -> int | None:
    if number is None:
        return None
    try:
        return scaled(plain(number * factor))
    except ValueError:
        return None
