"""Rows of the table as values. In: a table, the edition, the submission. Out: values and findings.

Every reading keeps the address of its cell. Exact numbers are kept as text and as scaled integers; what is
fuzzy or cannot be read leaves the number empty and a finding on the cell. A row in which nothing is filled is
not a value.
"""

from fractions import Fraction
from functools import lru_cache

from fazhi.intake.dates import read_date
from fazhi.intake.evidence import EvidenceFiles
from fazhi.intake.ratios import places_kept, read_ratio
from fazhi.intake.table import Table, normal_title, vocabulary
from fazhi.intake.values import ReadValue, Submitted
from fazhi.intake.wording import ReadFinding, Wording
from fazhi.model.exact import plain, scaled
from fazhi.model.quantity import MAX_PLACES, Quantity, is_placeholder, read_quantity
from fazhi.model.terms import RatioKind, SubmissionKind, ValueType
from fazhi.sheets import Cell, CellKind, Row, period_of
from fazhi.sheets.cover import code_of
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
_SERIAL_EXPECTED = "形如 2024-03-05 的日期"


def read_rows(
    table: Table, submitted: Submitted, edition: Edition, wording: Wording
) -> tuple[list[ReadValue], list[ReadFinding]]:
    """Read every filled row of a table, in its order."""
    evidence = EvidenceFiles(submitted.evidence)
    values: list[ReadValue] = []
    findings: list[ReadFinding] = []
    totals = vocabulary()["total_rows"]
    for row in table.rows():
        if any(normal_title(table.text(row, key)) in totals for key in ("indicator_code", "indicator_name")):
            continue
        reader = _RowReader(table, row, submitted, edition, wording)
        if reader.is_filled():
            values.append(reader.read(len(values) + 1, evidence))
            findings += reader.findings
    return values, findings


class _RowReader:
    """Reads one row."""

    def __init__(
        self, table: Table, row: Row, submitted: Submitted, edition: Edition, wording: Wording
    ) -> None:
        self._table = table
        self._row = row
        self._submitted = submitted
        self._wording = wording
        self._code = code_of(table.text(row, "indicator_code"))
        self._indicator = edition.by_code.get(self._code)
        self._fuzzy: list[str] = []
        self._unreadable: list[str] = []
        self._noted: list[tuple[str, str, str, str, str]] = []
        self.findings: list[ReadFinding] = []

    def is_filled(self) -> bool:
        """Whether the row states anything; a dash in a cell that is not asked for states nothing."""
        asked = _INPUTS if self._indicator is None else _ASKED[self._indicator.value_type]
        for key in _INPUTS:
            cell = self._cell(key)
            if cell is not None and (key in asked or not is_placeholder(cell.text)):
                return True
        return self._ticked(self._cell("not_applicable")) is not False

    def read(self, row_no: int, evidence: EvidenceFiles) -> ReadValue:
        """The row as a value; ``findings`` then holds what was found on it."""
        period = self._submitted.period
        value = ReadValue(
            row_no=row_no,
            year=period.year,
            period=str(period),
            period_rank=period.rank,
            period_first=period.first_day.isoformat(),
            period_last=period.last_day.isoformat(),
            kind=self._submitted.kind.value,
            reporter_code=self._submitted.sender_code,
            unit_code=self._unit_code(),
            indicator_code=self._code,
            sheet=self._table.sheet.name,
        )
        self._addresses(value)
        self._texts(value, evidence)
        self._code_and_period()
        value.not_applicable = int(self._applicability())
        if self._indicator is not None:
            self._readings(value, self._indicator)
        value.fuzzy = ";".join(self._fuzzy) or None
        value.unreadable = ";".join(self._unreadable) or None
        value.value_digest = value.content_digest()
        self._word(value)
        return value

    # --- the row's own data

    def _cell(self, key: str) -> Cell | None:
        return self._table.cell(self._row, key)

    def _unit_code(self) -> str:
        stated = code_of(self._table.text(self._row, "unit_code"))
        return (
            stated if stated or self._submitted.kind is SubmissionKind.OFFICE else self._submitted.sender_code
        )

    def _addresses(self, value: ReadValue) -> None:
        def where(key: str) -> str | None:
            return self._table.address(self._row, key)

        value.cell_row = where("indicator_code")
        value.cell_unit = where("unit_code")
        value.cell_numerator = where("numerator")
        value.cell_denominator = where("denominator")
        value.cell_value = where("value")
        value.cell_boolean = where(self._place("boolean"))
        value.cell_date = where(self._place("date"))
        value.cell_not_applicable = where("not_applicable")
        value.cell_evidence = where("evidence")

    def _place(self, key: str) -> str:
        """Where a 是/否 or a date is: in its own column, or in 数值 if that is filled or the only one."""
        if key not in self._table.columns:
            return "value"
        asked = self._indicator is not None and key in _ASKED[self._indicator.value_type]
        return "value" if asked and self._cell(key) is None and self._cell("value") is not None else key

    def _texts(self, value: ReadValue, evidence: EvidenceFiles) -> None:
        def text(key: str) -> str | None:
            return self._table.text(self._row, key) or None

        value.reason = text("reason")
        value.note = text("note")
        value.stated_scope = text("scope")
        value.provenance = text("provenance")
        value.stated_reporting = _reporting(text("reporting"))
        value.evidence_named, missing = evidence.named(text("evidence") or "")
        value.evidence_missing = ";".join(missing) or None
        for key in _INPUTS:
            cell = self._cell(key)
            if cell is not None:
                setattr(value, f"{key}_raw", cell.shown)

    def _code_and_period(self) -> None:
        code = self._cell("indicator_code")
        if code is not None and code.kind is CellKind.ERROR:
            self._note("CELL_ERROR", "indicator_code", code.text, "指标编码")
        stated = self._table.text(self._row, "period")
        if stated and period_of(stated) != self._submitted.period:
            self._note(
                "PERIOD_MISMATCH",
                "period",
                stated,
                str(self._submitted.period),
                "本行的填报期与报送的填报期不同",
            )

    def _applicability(self) -> bool:
        cell = self._cell("not_applicable")
        ticked = self._ticked(cell)
        if ticked is None and cell is not None:
            self._note("VALUE_TYPE", "not_applicable", cell.text, "是，或留空", "“不适用”栏只能填“是”或留空")
        return ticked is True

    @staticmethod
    def _ticked(cell: Cell | None) -> bool | None:
        """Whether 不适用 is ticked; ``None`` when the cell says neither."""
        if cell is None or is_placeholder(cell.text) or cell.text.strip() in vocabulary()["unticked"]:
            return False
        return True if cell.text.strip() in vocabulary()["ticked"] else None

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
            self._note("VALUE_TYPE", "value", quantity.text, "比率", "本栏是比率，不是增幅")
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
        self._note("VALUE_TYPE", key, cell.shown, "是 或 否", f"“{cell.shown}”不是“是”或“否”")

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
            self._note("DATE_INVALID", key, cell.shown, _SERIAL_EXPECTED, reading.reason_zh)
            return
        value.date_value = day
        if day != cell.text.strip():
            self._note("DATE_FORMAT", key, cell.shown, day)

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
            self._note("VALUE_TYPE", key, cell.shown, "数字", f"“{cell.shown}”是日期或逻辑值，不是数字")
            return None
        quantity = read_quantity(
            cell.shown.strip(), unit, typed_number=cell.typed_number, max_places=max_places
        )
        for problem in quantity.problems:
            self._note(problem.rule, key, cell.shown, _expected_number(unit), problem.reason_zh)
        if quantity.exact is None:
            (self._fuzzy if quantity.is_fuzzy else self._unreadable).append(key)
            return quantity if quantity.is_fuzzy else None
        if quantity.rewrites:
            after = plain(quantity.exact) + ("%" if quantity.percent else "")
            for rule in quantity.rewrites:
                self._note(rule, key, cell.shown, after, f"已按“{after}”读取")
        return quantity

    def _readable(self, key: str, part: str) -> Cell | None:
        """A cell that is filled and holds no error."""
        cell = self._cell(key)
        if cell is None or cell.kind is not CellKind.ERROR:
            return cell
        self._unreadable.append(part)
        self._note("CELL_ERROR", key, cell.text, "数值", f"单元格显示{cell.text}")
        return None

    def _bounded(self, key: str, quantity: Quantity) -> tuple[str, int] | None:
        if quantity.exact is None:
            return None
        bounded = _bounded_text(quantity.exact)
        if bounded is None:
            self._unreadable.append(key)
            self._note("VALUE_TYPE", key, quantity.text, "不超过1000亿的数", "数值超出可接受的范围")
        return bounded

    def _note(self, rule: str, key: str, found: str, expected: str, detail: str = "") -> None:
        self._noted.append((rule, key, found, expected, detail))

    def _word(self, value: ReadValue) -> None:
        for rule, key, found, expected, detail in self._noted:
            finding = self._wording.finding(
                rule,
                sheet=value.sheet,
                cell=self._table.address(self._row, key),
                found=found,
                expected=expected,
                detail=detail,
            )
            if finding is not None:
                self.findings.append(
                    ReadFinding(finding, value.row_no, value.unit_code, value.indicator_code)
                )


@lru_cache(maxsize=65_536)
def _plain_text(number: Fraction) -> str:
    return plain(number)


@lru_cache(maxsize=65_536)
def _bounded_text(number: Fraction) -> tuple[str, int] | None:
    """A number as plain text and in units of 10⁻⁶, ``None`` when it is too large for the store."""
    text = plain(number)
    try:
        return text, scaled(text)
    except ValueError:
        return None


def _reporting(stated: str | None) -> str | None:
    if stated is None:
        return None
    words = vocabulary()["reporting"]
    return next((word for word, written in words.items() if stated in written), None)


def _expected_number(unit: str) -> str:
    return f"以“{unit}”为单位的准确数字" if unit and unit != "%" else "准确的数字"


def _scaled_or_none(number: Fraction | None, factor: Fraction) -> int | None:
    if number is None:
        return None
    try:
        return scaled(plain(number * factor))
    except ValueError:
        return None
