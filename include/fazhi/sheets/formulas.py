"""Formulas checked against their cached values. In: sheets with formulas. Out: the value a formula should have.

Nothing is ever written back: what is computed only shows that a cached value is out of date. Understood are
numbers, cell references, SUM, the four operations, percent signs and brackets; the inputs are the cached
values of the cells; arithmetic is exact.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from fazhi.sheets import limits
from fazhi.sheets.cells import Area, Cell, CellKind, Sheet
from fazhi.sheets.worksheet import area_of

EXTERNAL = re.compile(r"\[[^\[\]]{1,255}\][^\[\]()+\-*/,]{0,255}!")
"""A reference into another workbook, as ``[1]Sheet1!A1``."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?|\.[0-9]+)"
    r"|(?P<reference>(?:(?:'(?:[^']|'')+'|[^\s'!()+\-*/,:%&=<>\"{}\[\]]+)!)?"
    r"\$?[A-Z]{1,3}\$?[0-9]{1,7}(?::\$?[A-Z]{1,3}\$?[0-9]{1,7})?)(?![A-Za-z0-9_.(!])"
    r"|(?P<sum>SUM\()|(?P<sign>[-+*/(),%]))"
)
_LONGEST = 2_000
_DEEPEST = 50
_TOLERANCE = Fraction(1, 10**9)
"""Relative to the value: what doubles lose in a formula of ordinary length."""


class _NotUnderstoodError(Exception):
    """The formula uses something that is not computed here."""


class BudgetError(Exception):
    """There are more formulas over larger areas than are checked."""


class Recomputation:
    """The cells of a workbook as inputs of formulas."""

    def __init__(self, sheets: tuple[Sheet, ...]) -> None:
        self._cells: Mapping[str, Mapping[int, Mapping[int, Cell]]] = {
            (sheet.name or ""): {row.number: row.cells for row in sheet.rows} for sheet in sheets
        }
        self._left = limits.MAX_FORMULA_VISITS

    def expected(self, sheet: str, formula: str) -> Fraction | None:
        """What a formula of a sheet amounts to; ``None`` when it is not understood.

        Raises:
            BudgetError: Too much was computed already for this workbook.
        """
        try:
            return _Parser(self, sheet, formula).value()
        except (_NotUnderstoodError, ZeroDivisionError):
            return None

    def number(self, sheet: str, row: int, column: int, *, in_sum: bool) -> Fraction:
        """The number in a cell; a blank one is zero, and in a sum text is, too."""
        self._visit()
        cell = self._sheet(sheet).get(row, {}).get(column)
        if cell is None:
            return Fraction(0)
        if cell.kind is CellKind.NUMBER:
            return Fraction(Decimal(cell.text))
        if in_sum and cell.kind is CellKind.TEXT:
            return Fraction(0)
        raise _NotUnderstoodError

    def total(self, sheet: str, area: Area) -> Fraction:
        """The sum of an area."""
        return sum(
            (self.number(sheet, row, column, in_sum=True) for row, column in self._inside(sheet, area)),
            Fraction(0),
        )

    def _inside(self, sheet: str, area: Area) -> Iterator[tuple[int, int]]:
        rows = self._sheet(sheet)
        span = range(area.first_row, area.last_row + 1)
        for row in span if len(span) < len(rows) else sorted(rows.keys()):
            self._visit()
            if area.first_row <= row <= area.last_row:
                for column in rows.get(row, {}):
                    self._visit()
                    if area.holds(row, column):
                        yield row, column

    def _sheet(self, name: str) -> Mapping[int, Mapping[int, Cell]]:
        found = self._cells.get(name)
        if found is None:
            raise _NotUnderstoodError
        return found

    def _visit(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise BudgetError


def differs(cached: Decimal, expected: Fraction) -> bool:
    """Whether a cached value is another number than the formula gives."""
    return abs(Fraction(cached) - expected) > _TOLERANCE * max(Fraction(1), abs(expected))


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, cells: Recomputation, sheet: str, formula: str) -> None:
        self._cells = cells
        self._sheet = sheet
        self._tokens = _tokens(formula)
        self._position = 0
        self._depth = 0

    def value(self) -> Fraction:
        """The value of the whole formula."""
        result = self._sum()
        if self._position != len(self._tokens):
            raise _NotUnderstoodError
        return result

    def _peek(self) -> str:
        return self._tokens[self._position][1] if self._position < len(self._tokens) else ""

    def _take(self, *wanted: str) -> str:
        taken = self._peek()
        if taken not in wanted:
            raise _NotUnderstoodError
        self._position += 1
        return taken

    def _sum(self) -> Fraction:
        result = self._product()
        while self._peek() in ("+", "-"):
            sign = self._take("+", "-")
            other = self._product()
            result = result + other if sign == "+" else result - other
        return result

    def _product(self) -> Fraction:
        result = self._signed()
        while self._peek() in ("*", "/"):
            sign = self._take("*", "/")
            other = self._signed()
            result = result * other if sign == "*" else result / other
        return result

    def _signed(self) -> Fraction:
        negative = False
        while self._peek() in ("+", "-"):
            negative ^= self._take("+", "-") == "-"
        result = self._atom()
        while self._peek() == "%":
            self._take("%")
            result /= 100
        return -result if negative else result

    def _atom(self) -> Fraction:
        self._depth += 1
        if self._depth > _DEEPEST or self._position >= len(self._tokens):
            raise _NotUnderstoodError
        kind, text = self._tokens[self._position]
        self._position += 1
        try:
            if kind == "number":
                return Fraction(text)
            if kind == "reference":
                return self._single(text)
            if kind == "sum":
                return self._arguments()
            if text != "(":
                raise _NotUnderstoodError
            result = self._sum()
            self._take(")")
            return result
        finally:
            self._depth -= 1

    def _arguments(self) -> Fraction:
        total = self._argument()
        while self._take(",", ")") == ",":
            total += self._argument()
        return total

    def _argument(self) -> Fraction:
        kind, text = self._tokens[self._position] if self._position < len(self._tokens) else ("", "")
        if kind == "reference" and self._ends_argument(self._position + 1):
            self._position += 1
            sheet, area = self._place(text)
            return self._cells.total(sheet, area)
        return self._sum()

    def _ends_argument(self, position: int) -> bool:
        return position < len(self._tokens) and self._tokens[position][1] in (",", ")")

    def _single(self, reference: str) -> Fraction:
        sheet, area = self._place(reference)
        if (area.first_row, area.first_column) != (area.last_row, area.last_column):
            raise _NotUnderstoodError
        return self._cells.number(sheet, area.first_row, area.first_column, in_sum=False)

    def _place(self, reference: str) -> tuple[str, Area]:
        sheet, mark, address = reference.rpartition("!")
        area = area_of(address)
        if area is None:
            raise _NotUnderstoodError
        if not mark:
            return self._sheet, area
        quoted = sheet.startswith("'")
        return (sheet[1:-1].replace("''", "'") if quoted else sheet), area


def _tokens(formula: str) -> list[tuple[str, str]]:
    if len(formula) > _LONGEST:
        raise _NotUnderstoodError
    tokens, position = [], 0
    while position < len(formula):
        if formula[position:].isspace():
            break
        match = _TOKEN.match(formula, position)
        if match is None or match.lastgroup is None:
            raise _NotUnderstoodError
        tokens.append((match.lastgroup, match[match.lastgroup]))
        position = match.end()
    return tokens
