"""Faults of form to plant. In: a draft and a row, or a whole draft. Out: the draft changed, and what was done where.

The figure is right and is read as it is meant; how it is written, or the file around it, is not as asked. So
these faults leave every comparison alone and may stand on any row.
"""

import io
import zipfile
from collections.abc import Callable, Mapping

import cn2an
from openpyxl import Workbook

from fazhi.model.terms import RatioKind, SubmissionKind, ValueType
from fazhi.model.unit_code import check_character
from fazhi.synth.dice import Dice
from fazhi.synth.draft import MARK, Draft, Line
from fazhi.synth.folder import CSV_COLUMNS, csv_bytes
from fazhi.synth.planting import DraftPlanter, Found, RowPlanter, Slip, World, append_row

_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_ZERO_WIDTH_SPACE = "\u200b"
_LEAST_CHINESE = 2
_LEAST_FUZZY = 11
_SOME_THOUSANDS = 1000


def _plain_number(line: Line) -> tuple[str, int] | None:
    """A column that states a whole number, and the number."""
    ratio = line.indicator.value_type is ValueType.RATIO
    column = "numerator" if ratio else "value"
    countable = ratio or line.indicator.value_type is ValueType.COUNT
    text = line.cells[column]
    return (column, int(text)) if countable and text.isascii() and text.isdigit() else None


def _rewritten(what: str, write: Callable[[Line, int], str | None]) -> RowPlanter:
    """A planter that writes a whole number in another form."""

    def plant(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
        line = draft.lines[row]
        found = _plain_number(line)
        text = write(line, found[1]) if found is not None else None
        if found is None or text is None:
            return None
        line.cells[found[0]] = text
        return Slip(what, row, found[0])

    return plant


def _in_chinese(_line: Line, number: int) -> str | None:
    return cn2an.an2cn(number) if number >= _LEAST_CHINESE else None


def _with_separators(_line: Line, number: int) -> str | None:
    return f"{number:,}" if number >= _SOME_THOUSANDS else None


def _with_noise(_line: Line, number: int) -> str | None:
    return f"{number}.{'0' * (15 - len(str(number)))}2" if 0 < number < _SOME_THOUSANDS else None


def _in_powers_of_ten(_line: Line, number: int) -> str | None:
    digits = str(number)
    return f"{digits[0]}.{digits[1]}E+{len(digits) - 1:02d}" if len(digits) > _LEAST_CHINESE else None


def _with_unit(line: Line, number: int) -> str | None:
    return f"{number}件" if line.indicator.unit_zh == "件" else None


def _date_format(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    if line.indicator.value_type is not ValueType.DATE or len(line.cells["value"]) != len("2024-01-31"):
        return None
    year, month, day = (int(part) for part in line.cells["value"].split("-"))
    line.cells["value"] = dice.pick((f"{year}.{month}.{day}", f"{year}年{month}月{day}日"))
    return Slip("日期没有按规定的写法填写", row, "value")


def _personal_data(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    draft.lines[row].cells["note"] = f"{MARK}，联系电话1380013{dice.between(1000, 9999)}"
    return Slip("情况说明里写了手机号码", row, "note")


def _wrong_code(draft: Draft, row: int, dice: Dice, _world: World) -> Slip | None:
    if draft.report.kind is not SubmissionKind.OFFICE:
        return None
    line = draft.lines[row]
    code = line.unit.unit_code
    wrong = dice.pick([sign for sign in "0123456789" if sign != check_character(code[:-1])])
    return append_row(
        draft,
        line,
        "统一社会信用代码的校验码不对",
        "unit_code",
        {"unit_code": code[:-1] + wrong},
    )


def _malformed_fuzzy(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    found = _plain_number(line)
    if found is None or found[1] < _LEAST_FUZZY or found[1] % 10 == 0:
        return None
    line.cells[found[0]] = f"{found[1]}余"
    return Slip("约数写错：个位已是确数", row, found[0], brings=(Found("FUZZY_NUMBER", row, found[0]),))


def _zero_denominator(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    if line.indicator.ratio_kind is not RatioKind.SHARE or line.cells["denominator"] != "0":
        return None
    line.cells["value"] = "100%"
    return Slip("没有这类事项，比率仍填百分之百", row, "value")


def _total_row(draft: Draft, row: int, _dice: Dice, _world: World) -> Slip | None:
    line = draft.lines[row]
    if _plain_number(line) is None or any(one.cells["indicator_code"] == "合计" for one in draft.lines):
        return None
    return append_row(draft, line, "合计行混在数据行里", "indicator_code", {"indicator_code": "合计"})


FORM_PLANTERS: Mapping[str, RowPlanter] = {
    "FULLWIDTH": _rewritten("数字写成全角", lambda _line, number: str(number).translate(_FULL_WIDTH)),
    "CN_NUMERAL": _rewritten("数字写成中文", _in_chinese),
    "SEPARATOR": _rewritten("数字里加了千分位", _with_separators),
    "FLOAT_NOISE": _rewritten("数字带着计算误差的尾数", _with_noise),
    "FUZZY_MALFORMED": _malformed_fuzzy,
    "SCI_NOTATION_ID": _rewritten("数字变成了科学计数法", _in_powers_of_ten),
    "TOTAL_ROW": _total_row,
    "ZERO_DENOMINATOR": _zero_denominator,
    "UNIT_IN_CELL": _rewritten("数字后面写了计量单位", _with_unit),
    "INVISIBLE_CHAR": _rewritten(
        "数字前带了不可见字符", lambda _line, number: f"{_ZERO_WIDTH_SPACE}{number}"
    ),
    "DATE_FORMAT": _date_format,
    "PII_FOUND": _personal_data,
    "USCC_INVALID": _wrong_code,
}
"""Faults of a row's form by the rule that finds them."""


# --- whole files -------------------------------------------------------------------------------------------


def _encoding(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    draft.content = csv_bytes(CSV_COLUMNS, draft.table()).decode().encode("gb18030")
    return Slip("文件存成了 GB18030 编码")


def _columns_swapped(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    columns = list(CSV_COLUMNS)
    place = columns.index("numerator")
    columns[place : place + 2] = reversed(columns[place : place + 2])
    draft.content = csv_bytes(columns, [[line.cells[name] for name in columns] for line in draft.lines])
    return Slip("两列换了位置", place=f"1:{columns[place + 1]}")


def _header_with_spaces(draft: Draft, dice: Dice, _world: World) -> Slip | None:
    chosen = dice.pick(("numerator", "denominator", "value"))
    header = [f" {name} " if name == chosen else name for name in CSV_COLUMNS]
    draft.content = csv_bytes(header, draft.table())
    return Slip("表头里有空格", place=f"1:{chosen}")


def _title_above(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    title = [f"{draft.year}年填报表（{MARK}）", *[""] * (len(CSV_COLUMNS) - 1)]
    draft.content = csv_bytes(title, [list(CSV_COLUMNS), *draft.table()])
    return Slip("表头上面加了标题行", place="2:unit_code")


def _note_below(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    note = [f"注：以上均为{MARK}", *[""] * (len(CSV_COLUMNS) - 1)]
    draft.content = csv_bytes(CSV_COLUMNS, [*draft.table(), note])
    return Slip("表下面加了注释", place=f"{len(draft.lines) + 2}:unit_code")


def _classified(draft: Draft, dice: Dice, _world: World) -> Slip | None:
    row = dice.between(0, len(draft.lines) - 1)
    draft.lines[row].cells["note"] = "秘密★5年"
    draft.faulty |= set(range(len(draft.lines)))  # the file is put aside, nothing of it is read
    return Slip("填报表里有涉密标志", row, "note")


def _broken_file(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    draft.table_name = "填报表（合成数据）.xlsx"
    draft.content = b"PK\x03\x04" + MARK.encode() * 20
    return Slip("文件已损坏，打不开")


def _macro(draft: Draft, _dice: Dice, _world: World) -> Slip | None:
    draft.table_name = "填报表（合成数据）.xlsx"
    draft.content = _workbook_with("xl/vbaProject.bin", MARK.encode())
    return Slip("工作簿里带有宏程序")


def _workbook_with(part: str, content: bytes) -> bytes:
    """A small workbook with one part more."""
    book, saved, out = Workbook(), io.BytesIO(), io.BytesIO()
    book.worksheets[0].append([MARK])
    book.save(saved)
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name))
        new.writestr(zipfile.ZipInfo(part), content)
    return out.getvalue()


FILE_PLANTERS: Mapping[str, DraftPlanter] = {
    "CLASSIFIED": _classified,
    "ENCODING": _encoding,
    "FILE_TYPE": _broken_file,
    "HEADER_CHANGED": _columns_swapped,
    "HEADER_OFFSET": _title_above,
    "HEADER_SPACE": _header_with_spaces,
    "TRAILING_NOTE": _note_below,
    "MACRO": _macro,
}
"""Faults of a whole file by the rule that finds them."""
