"""What must not be read as it stands. In: a file as cells, its table. Out: the file cleaned, and what was seen where.

Three things are done before anything else looks at a cell: a classified marking stops the file; personal data is
masked, so that nothing later can store or show it; invisible characters are taken out of what is read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from fazhi.intake.table import Table
from fazhi.intake.wording import Seen
from fazhi.model.privacy import KIND_NAMES_EN, mask_personal_data, may_hold_personal_data
from fazhi.sheets import Aside, Cell, FileFault, ReadFile, Row, Sheet
from fazhi.sheets.cover import COVER_SHEET, META_SHEET, PERIOD, PHONE, SYSTEM, UNIT_CODE, UNIT_NAME
from fazhi.sheets.markings import classified_marking

Place = tuple[str | None, int, int]
"""Sheet, row, column."""

_ZERO_WIDTH = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_PRIVATE_USE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
_TO_BE_SEEN = re.compile(f"{_ZERO_WIDTH.pattern}|{_PRIVATE_USE.pattern}")
_MONGOLIAN = re.compile("[\u1800-\u18af]")
_JOINERS = "\u200c\u200d"
_KEY_COLUMNS = ("unit_code", "indicator_code", "indicator_name", "period")
_NUMBER_COLUMNS = ("numerator", "denominator", "value")
_KEY_LABELS = (UNIT_NAME, UNIT_CODE, PERIOD, SYSTEM)
_CHARACTERS_EXPECTED = ("没有不可见字符的文字", "text without invisible characters")
_PERSONAL_EXPECTED = ("不含个人信息的文字", "text without personal data")


@dataclass(frozen=True)
class Cleaned:
    """A file and its table fit to be read; ``seen`` is what was found at which place, in order."""

    file: ReadFile
    table: Table
    seen: Mapping[Place, tuple[Seen, ...]]

    @cached_property
    def rows_seen(self) -> frozenset[int]:
        """The rows of the table's sheet in which something was found."""
        return frozenset(row for sheet, row, _ in self.seen if sheet == self.table.sheet.name)


def classified_fault(file: ReadFile) -> FileFault | None:
    """The first classified marking in a file; the fault says where it stands and nothing of what stands there."""
    for sheet in file.sheets:
        if sheet.name is not None and classified_marking(sheet.name):
            return _classified("有一张工作表的名称带有涉密标志", "The name of a sheet bears it.")
        marked = {text for text in sheet.texts if classified_marking(text)}
        for row in sheet.rows if marked else ():
            for column, cell in row.cells.items():
                if cell.text in marked:
                    address = sheet.address(row.number, column, _title(sheet, column))
                    return _classified(
                        f"标志所在的单元格是{address}", f"It stands in cell {address}.", sheet.name, address
                    )
    return next((_beside(one) for one in file.asides if classified_marking(one.text)), None)


def _beside(aside: Aside) -> FileFault:
    if aside.cell is not None:
        return _classified(
            f"标志在单元格{aside.cell}的批注里",
            f"It stands in a comment on cell {aside.cell}.",
            aside.sheet,
            aside.cell,
        )
    return _classified(
        "标志在页眉页脚、文本框或文件属性里",
        "It stands in a page header or footer, a text box or the file's properties.",
        aside.sheet,
    )


def _classified(chinese: str, english: str, sheet: str | None = None, cell: str | None = None) -> FileFault:
    return FileFault("CLASSIFIED", "涉密标志", "不含涉密标志的文件", chinese, sheet, cell, detail_en=english)


def cleaned(file: ReadFile, table: Table) -> Cleaned:
    """Mask personal data and take out invisible characters, in every sheet; the original file is kept elsewhere."""
    seen: dict[Place, tuple[Seen, ...]] = {}
    sheets = tuple(_clean_sheet(sheet, table, seen) for sheet in file.sheets)
    own = next((sheet for old, sheet in zip(file.sheets, sheets, strict=True) if old is table.sheet), None)
    own = own or _clean_sheet(table.sheet, table, seen)
    return Cleaned(replace(file, sheets=sheets), replace(table, sheet=own), seen)


def _clean_sheet(sheet: Sheet, table: Table, seen: dict[Place, tuple[Seen, ...]]) -> Sheet:
    suspects = {text for text in sheet.texts if _may_need_cleaning(text)}
    if not suspects:
        return sheet
    fields = _Fields(sheet, table)
    changed: dict[int, dict[int, Cell]] = {}
    elsewhere: list[tuple[Place, Seen]] = []
    for row in sheet.rows:
        for column, cell in row.cells.items():
            if cell.text not in suspects:
                continue
            clean, found = _clean_cell(cell, row, column, fields)
            if clean is not cell:
                changed.setdefault(row.number, {})[column] = clean
            if found and fields.is_read:
                seen[sheet.name, row.number, column] = found
            elif found:
                elsewhere += [((sheet.name, row.number, column), one) for one in found]
    _add_together(sheet, elsewhere, seen)
    if not changed:
        return sheet
    rows = tuple(
        replace(row, cells={**row.cells, **changed[row.number]}) if row.number in changed else row
        for row in sheet.rows
    )
    return replace(sheet, rows=rows)


def _add_together(
    sheet: Sheet, elsewhere: list[tuple[Place, Seen]], seen: dict[Place, tuple[Seen, ...]]
) -> None:
    """One finding for the personal data of a sheet that is not read; it names every cell."""
    personal = [(place, one) for place, one in elsewhere if one.rule == "PII_FOUND"]
    if personal:
        (place, first), rest = personal[0], personal[1:]
        others = tuple(sheet.address(row, column, _title(sheet, column)) for (_, row, column), _ in rest)
        seen[place] = (replace(first, related=others),)


class _Fields:
    """What the cells of a sheet are for."""

    def __init__(self, sheet: Sheet, table: Table) -> None:
        self.sheet = sheet
        self.is_table = sheet.name == table.sheet.name
        self.is_cover = (sheet.name or "").strip() == COVER_SHEET
        self.is_read = self.is_table or self.is_cover
        self._header_row = table.header_row
        columns = {key: place[0] for key, place in table.columns.items()} if self.is_table else {}
        self._keys = {columns[key] for key in _KEY_COLUMNS if key in columns}
        self._numbers = {columns[key] for key in _NUMBER_COLUMNS if key in columns}

    def is_key(self, row: Row, column: int) -> bool:
        """Whether the cell says which unit, indicator or period is meant."""
        if self.is_cover:
            return column == 2 and _label(row) in _KEY_LABELS
        return row.number > self._header_row and column in self._keys

    def may_be_personal(self, row: Row, column: int, cell: Cell) -> bool:
        """Whether personal data is looked for: not in the contact phone, not in numbers that are figures."""
        if self.is_cover and _label(row) == PHONE:
            return False
        if (self.sheet.name or "").strip() == META_SHEET:
            return False
        return not cell.typed_number or (
            self.is_table and row.number > self._header_row and column not in self._numbers
        )


def _label(row: Row) -> str:
    return re.sub(r"[\s:\uff1a]", "", row.text(1))


def _may_need_cleaning(text: str) -> bool:
    """Whether anything of a text may have to be masked or taken out, wherever it stands; most texts have nothing."""
    return _TO_BE_SEEN.search(text) is not None or may_hold_personal_data(text)


def _clean_cell(cell: Cell, row: Row, column: int, fields: _Fields) -> tuple[Cell, tuple[Seen, ...]]:
    text, found = cell.text, []
    visible = _without_invisible(text)
    if visible != text:
        found.append(_invisible(text, visible))
    private = _PRIVATE_USE.findall(visible)
    if private:
        found.append(_private_use(visible, private, is_key=fields.is_key(row, column)))
    masked = mask_personal_data(visible) if fields.may_be_personal(row, column, cell) else None
    if masked is not None and masked.kinds:
        found.append(personal_data(masked.text, masked.kinds))
        found = [replace(one, found=masked.text, expected="") for one in found[:-1]] + found[-1:]
        visible = masked.text
    return (cell if visible == text else _with_text(cell, visible)), tuple(found)


def _with_text(cell: Cell, text: str) -> Cell:
    if cell.typed_number:
        return Cell(text)
    return cell._replace(text=text)


def _without_invisible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    if _MONGOLIAN.search(text):
        return _ZERO_WIDTH.sub(lambda match: match[0] if match[0] in _JOINERS else "", text)
    return _ZERO_WIDTH.sub("", text)


def _invisible(text: str, visible: str) -> Seen:
    points = _code_points(_ZERO_WIDTH.findall(text))
    return Seen(
        "INVISIBLE_CHAR",
        _ZERO_WIDTH.sub(lambda match: f"〈{_code_points([match[0]])}〉", text),
        visible,
        f"{points}，已去掉，按“{visible}”读取",
        f"{points}, removed",
        visible,
    )


def _private_use(text: str, private: list[str], *, is_key: bool) -> Seen:
    points = _code_points(private)
    shown = _PRIVATE_USE.sub(lambda match: f"〈{_code_points([match[0]])}〉", text)
    if is_key:
        return Seen(
            "INVISIBLE_CHAR",
            shown,
            _CHARACTERS_EXPECTED[0],
            points,
            points,
            _CHARACTERS_EXPECTED[1],
            case="private_use",
        )
    return Seen(
        "INVISIBLE_CHAR",
        shown,
        _CHARACTERS_EXPECTED[0],
        f"{points}，原样保留，他人可能看不到",
        f"{points}, kept as it is; others may not see it",
        _CHARACTERS_EXPECTED[1],
    )


def personal_data(masked: str, kinds: tuple[str, ...]) -> Seen:
    """Personal data that was masked."""
    return Seen(
        "PII_FOUND",
        masked,
        _PERSONAL_EXPECTED[0],
        "、".join(kinds),
        ", ".join(KIND_NAMES_EN[kind] for kind in kinds),
        _PERSONAL_EXPECTED[1],
    )


def _code_points(characters: list[str]) -> str:
    return " ".join(dict.fromkeys(f"U+{ord(character):04X}" for character in characters))


def _title(sheet: Sheet, column: int) -> str:
    """How a column of a CSV is titled."""
    first = sheet.rows[0].text(column) if sheet.rows else ""
    return first or str(column)


def places_of(seen: Mapping[Place, tuple[Seen, ...]], file: ReadFile, table: Table) -> Iterator[Seen]:
    """What was seen, each with its address."""
    titles = dict(table.columns.values())
    sheets = {sheet.name: sheet for sheet in file.sheets}
    for (name, row, column), found in seen.items():
        sheet = sheets[name]
        title = titles.get(column) or _title(sheet, column)
        for one in found:
            yield replace(one, sheet=name, cell=sheet.address(row, column, title))
