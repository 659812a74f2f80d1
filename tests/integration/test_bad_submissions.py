"""Every row of the list of bad submissions on a real file: the exact rule, severity, sheet and cell, and no other.

Each case is sent, collected, read and validated as a department's submission would be; the corrected file then comes
as the next revision and nothing stops it. All content is synthetic (合成数据).
"""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl.styles import Font
from sqlalchemy import insert

from fazhi.intake import write_template
from fazhi.model.period import Period
from fazhi.store import write
from fazhi.store.tables import metadata
from fazhi.validate.catalogue import rule_codes
from support import bad, pdfs
from support.bad import (
    EVIDENCE,
    NOW,
    PROOF,
    WORKBOOK,
    Found,
    Office,
    Sent,
    cell,
    edited,
    office_csv,
    workbook,
)
from support.returns import TODAY, department

TABLE, COVER = "填报表", "封面"
ENFPLAT, COURT, GOVSVC = "包头市司法局", "包头市中级人民法院", "包头市政务服务与数据管理局"
OTHER, COLLEAGUE = "包头市教育局", "包头市科学技术局"
LATER = "2025-01-09T09:00:00+08:00"
STOPS = ("block", "hold", "security")
CORRECTED_AT = "2025-01-20T09:00:00+08:00"


@dataclass(frozen=True)
class Case:
    """One kind of fault: how it is made, what is found, what the corrected submission is."""

    name: str
    make: Callable[[Path], Sequence[tuple[str, Sent]]]
    """What comes, in order; the findings of the last are looked at."""
    found: tuple[Found, ...]
    corrected: Callable[[Path], Sent] | None = None
    """``None``: the department's workbook without a fault."""
    prepare: Callable[[Office], object] | None = None
    year: int = 2024
    by_decision: bool = field(default=False)
    """Not the file was wrong: only a decision can let it pass."""

    @property
    def years(self) -> tuple[int, ...]:
        """The years that are judged."""
        return (2024,) if self.year == 2024 else (2024, 2025)


def clean(folder: Path, **more: Any) -> Sent:
    """The department's workbook without a fault."""
    return Sent({WORKBOOK: workbook(folder, **more)}, submitted_at=LATER, period=more.get("period", "2024"))


def one(
    name: str, changes: dict[str, dict[str, Any]], *found: Found, evidence: dict[str, bytes] | None = None
) -> Case:
    """A fault typed into the department's workbook."""
    return Case(
        name,
        lambda folder: [
            (
                "S",
                Sent(
                    {WORKBOOK: workbook(folder, changes)},
                    evidence={**PROOF, **(evidence or {})},
                    submitted_at=LATER,
                ),
            )
        ],
        found,
    )


def worked_on(name: str, edit: Callable[[Any], object], *found: Found) -> Case:
    """A fault made with a spreadsheet in the finished workbook."""
    return Case(
        name,
        lambda folder: [("S", Sent({WORKBOOK: edited(workbook(folder), edit)}, submitted_at=LATER))],
        found,
    )


def covered(name: str, entries: dict[str, str], *found: Found, period: str = "2024") -> Case:
    """A fault on the cover."""
    return Case(
        name,
        lambda folder: [("S", replace(clean(folder, period=period, cover=entries)))],
        found,
        lambda folder: clean(folder, period=period),
    )


def renamed(name: str, written: str, period: str, *found: Found) -> Case:
    """A unit that the reform of 2024 made sends under another name."""
    unit = bad.unit_named(GOVSVC)

    def sent(folder: Path, **cover: str) -> Sent:
        return replace(clean(folder, period=period, unit=unit, cover=cover), unit=unit.unit_code)

    return Case(name, lambda folder: [("S", sent(folder, 单位名称=written))], found, sent)


def raw(name: str, content: Callable[[Path], bytes], *found: Found, file: str = WORKBOOK) -> Case:
    """A file that is no workbook of ours."""
    return Case(name, lambda folder: [("S", Sent({file: content(folder)}, submitted_at=LATER))], found)


def with_evidence(name: str, evidence: dict[str, bytes], *found: Found) -> Case:
    """A fault in a file that came as evidence."""
    return Case(
        name,
        lambda folder: [("S", replace(clean(folder), evidence={**PROOF, **evidence}))],
        found,
    )


def of_office(
    name: str,
    who: str,
    bad_rows: Sequence[str],
    good_rows: Sequence[str],
    *found: Found,
    earlier: Sequence[str] = (),
    header: str = bad.CSV_HEADER,
) -> Case:
    """A fault in an office's CSV; ``earlier`` rows are of the year before."""
    code = bad.unit_named(who).unit_code
    unit = department().unit_code
    year = 2025 if earlier else 2024

    def table(rows: Sequence[str], in_year: int) -> Sent:
        lines = [f"{unit},{in_year},{row}".split(",") for row in rows]
        when = "2026-01-09T09:00:00+08:00" if in_year == 2025 else LATER
        return Sent(
            {"数据表（合成数据）.csv": office_csv(*lines, header=header)},
            {},
            period=str(in_year),
            unit=code,
            kind="office",
            submitted_at=when,
        )

    before = [("BEFORE", table(earlier, 2024))] if earlier else []
    return Case(
        name,
        lambda _: [*before, ("S", table(bad_rows, year))],
        found,
        lambda _: table(good_rows, year),
        year=year,
    )


def typed(address: str, value: object, sheet: str = TABLE) -> Callable[[Any], object]:
    return cell(address, value, sheet)


def _zip(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, "合成数据")
    return out.getvalue()


def _zip_in_gbk(name: str) -> bytes:
    """An archive as Chinese Windows makes it: the name in GBK, and no mark that says so."""
    placeholder = "x" * len(name.encode("gbk"))
    return _zip(placeholder).replace(placeholder.encode(), name.encode("gbk"))


def _appended(*cells: object) -> Callable[[Any], object]:
    """An edit that types a row under the table."""

    def edit(book: Any) -> None:
        for column, value in enumerate(cells, 1):
            if value is not None:
                book[TABLE].cell(33, column).value = value

    return edit


def _row_again(at: int = 33, **changed: object) -> Callable[[Any], object]:
    """An edit that copies the first row of data under the table, some of its cells changed."""

    def edit(book: Any) -> None:
        for column in range(1, 15):
            book[TABLE].cell(at, column).value = book[TABLE].cell(3, column).value
        for address, value in changed.items():
            book[TABLE][address].value = value

    return edit


def _both(*edits: Callable[[Any], object]) -> Callable[[Any], object]:
    def edit(book: Any) -> None:
        for one in edits:
            one(book)

    return edit


def _hidden_sheet(book: Any) -> None:
    sheet = book.create_sheet("备用")
    sheet["A1"], sheet["B1"] = "合成数据", 430
    sheet.sheet_state = "hidden"


def _hidden_row(book: Any) -> None:
    book[TABLE].row_dimensions[5].hidden = True


def _filtered(book: Any) -> None:
    book[TABLE].auto_filter.ref = "A2:N32"
    book[TABLE].auto_filter.add_filter_column(0, ["A1.1"])
    for row in (4, 5, 6):
        book[TABLE].row_dimensions[row].hidden = True


def _hidden_column(book: Any) -> None:
    book[TABLE].column_dimensions["M"].hidden = True
    book[TABLE]["M3"] = "说明（合成数据）"


def _columns_swapped(book: Any) -> None:
    """分子 and 分母 change places, with everything below them."""
    sheet = book[TABLE]
    for row in range(2, 33):
        sheet.cell(row, 5).value, sheet.cell(row, 7).value = (
            sheet.cell(row, 7).value,
            sheet.cell(row, 5).value,
        )


def _blank_row_between(book: Any) -> None:
    book[TABLE].insert_rows(5)


def _total_beside_a_hidden_row(book: Any) -> None:
    """The total leaves out the row that nobody sees."""
    _hidden_row(book)
    sheet = book[TABLE]
    seen = [sheet.cell(row, 5).value for row in range(3, 33) if row != 5]
    sheet["A33"], sheet["E33"] = "合计", sum(one for one in seen if isinstance(one, int))


def _column_inserted(book: Any) -> None:
    sheet = book[TABLE]
    sheet["O2"], sheet["O3"] = "备注2", "合成数据"


def _header_with_blanks(book: Any) -> None:
    book[TABLE]["C2"] = "计 量\n单 位"


def _note_below(book: Any) -> None:
    book[TABLE]["A34"] = "注：以上数据截至12月31日（合成数据）"
    book[TABLE]["A34"].font = Font(italic=True)


def _day_count(book: Any) -> None:
    book[TABLE]["J31"].value = 45296
    book[TABLE]["J31"].number_format = "General"


def _stale_sum(folder: Path) -> bytes:
    """A SUM whose stored result is older than the numbers it adds."""
    content = edited(workbook(folder), typed("H29", "=SUM(E3:E4)"))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name.startswith("xl/worksheets/"):
                part = part.replace(b"<f>SUM(E3:E4)</f><v></v>", b"<f>SUM(E3:E4)</f><v>120</v>")
                part = part.replace(b"<f>SUM(E3:E4)</f><v />", b"<f>SUM(E3:E4)</f><v>120</v>")
            target.writestr(name, part)
    return out.getvalue()


def _with_parts(content: bytes, **parts: bytes) -> bytes:
    """A workbook with further parts in its package, or other ones in place of its own."""
    named = {name.replace("__", "/").replace("_dot_", "."): part for name, part in parts.items()}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            if name not in named:
                target.writestr(name, source.read(name))
        for name, part in named.items():
            target.writestr(name, part)
    return out.getvalue()


def _expanding(folder: Path) -> bytes:
    """A sheet whose entities would grow to a billion letters."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    sheet = f'<!DOCTYPE w [<!ENTITY e0 "合成数据">{levels}]><worksheet>&e9;</worksheet>'
    return _with_parts(workbook(folder), xl__worksheets__sheet2_dot_xml=sheet.encode())


def _linked(folder: Path) -> bytes:
    """A number taken from another workbook, with the result as it was when that was open."""
    content = edited(workbook(folder), typed("H29", "=[1]Sheet1!A1"))
    out = content
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        for name in source.namelist():
            part = source.read(name)
            if b"[1]Sheet1!A1" in part:
                for empty in (b"<v></v>", b"<v />", b"<v/>"):
                    part = part.replace(b"<f>[1]Sheet1!A1</f>" + empty, b"<f>[1]Sheet1!A1</f><v>12</v>")
                out = _with_parts(content, **{name.replace("/", "__").replace(".", "_dot_"): part})
    return out


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 100_000_000)
    return out.getvalue()


def _ole(*marks: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1016 + b"".join(m.encode("utf-16-le") for m in marks)


def _two_clerks(folder: Path) -> list[tuple[str, Sent]]:
    first = replace(clean(folder), submitted_by="合成数据甲")
    second = Sent(
        {WORKBOOK: workbook(folder / "2", {"I1.2": {"value": 13}})},
        submitted_at="2025-01-09T09:40:00+08:00",
        submitted_by="合成数据乙",
    )
    return [("S", first), ("S", second)]


def _same_case_twice(folder: Path) -> list[tuple[str, Sent]]:
    number = "见合环罚字〔2024〕3号（合成数据）"
    other = bad.unit_named(OTHER)
    theirs = Sent(
        {WORKBOOK: workbook(folder / "o", {"I1.2": {"note": number}}, unit=other)},
        unit=other.unit_code,
        submitted_at=LATER,
        evidence={
            "他单位佐证（合成数据）.txt": "合成数据：他单位".encode(),
            EVIDENCE: "合成数据：他单位".encode(),
        },
    )
    mine = Sent({WORKBOOK: workbook(folder, {"I1.2": {"note": number}})}, submitted_at=LATER)
    return [("OTHER", theirs), ("S", mine)]


def _last_year_again(folder: Path) -> list[tuple[str, Sent]]:
    again = Sent(
        {WORKBOOK: workbook(folder / "n", period="2025")},
        period="2025",
        submitted_at="2026-01-09T09:00:00+08:00",
    )
    return [("BEFORE", clean(folder)), ("S", again)]


def _this_year(folder: Path) -> Sent:
    editions, _ = bad.shipped()
    numbers = {
        code: {"numerator": 9, "denominator": 10}
        for code in bad.places(period="2025")
        if editions.for_year(2025).by_code[code].value_type.value == "ratio"
    }
    scores = {"H1.1": {"value": 14}, "I1.2": {"value": 15}, "E4.3": {"value": 90}, "F4.2": {"value": 91}}
    return Sent(
        {WORKBOOK: workbook(folder, {**numbers, **scores, "I1.3": {"value": 89}}, period="2025")},
        period="2025",
        submitted_at="2026-01-10T09:00:00+08:00",
    )


def _jump(folder: Path) -> list[tuple[str, Sent]]:
    sent = _this_year(folder / "n")
    changed = edited(sent.files[WORKBOOK], typed("H29", 70))
    return [("BEFORE", clean(folder)), ("S", replace(sent, files={WORKBOOK: changed}))]


def _cumulative(*values: int) -> list[tuple[str, Sent]]:
    header = f"{bad.CSV_HEADER},reporting"
    unit = department().unit_code
    return [
        (
            name,
            Sent(
                {
                    "数据表（合成数据）.csv": office_csv(
                        [unit, period, "I1.2", "", "", value, "", "", "", EVIDENCE, "cumulative"],
                        header=header,
                    )
                },
                period=period,
                submitted_at=LATER,
            ),
        )
        for name, period, value in zip(("BEFORE", "S"), ("2024-Q1", "2024-Q2"), values, strict=False)
    ]


def _authority_says(numerator: int, denominator: int) -> Callable[[Path], list[tuple[str, Sent]]]:
    code, unit = bad.unit_named(GOVSVC).unit_code, department().unit_code

    def make(folder: Path) -> list[tuple[str, Sent]]:
        theirs = Sent(
            {"数据表（合成数据）.csv": office_csv([unit, "2024", "A1.2", numerator, denominator, *[""] * 5])},
            {},
            unit=code,
            kind="office",
            submitted_at=LATER,
        )
        mine = Sent(
            {WORKBOOK: workbook(folder, {"A1.2": {"numerator": 430, "denominator": 430}})}, submitted_at=LATER
        )
        return [("OFFICE", theirs), ("S", mine)]

    return make


def _corrected_to(numerator: int, denominator: int) -> Callable[[Path], Sent]:
    return lambda folder: Sent(
        {WORKBOOK: workbook(folder, {"A1.2": {"numerator": numerator, "denominator": denominator}})},
        submitted_at=LATER,
    )


def _locked(office: Office) -> None:
    lock = {
        "year": 2024,
        "region": bad.REGION,
        "locked_at": "2025-01-08T09:00:00+08:00",
        "reason": "合成数据",
    }
    with write(office.engine) as connection:
        connection.execute(insert(metadata.tables["year_lock"]).values(**lock))


def _units_in_one(folder: Path) -> list[tuple[str, Sent]]:
    codes = [department().unit_code, *(bad.unit_named(name).unit_code for name in (OTHER, COLLEAGUE))]
    rows = [[code, "2024", "I1.2", "", "", 12, "", "", "", EVIDENCE] for code in codes]
    return [("S", Sent({"数据表（合成数据）.csv": office_csv(*rows)}, submitted_at=LATER))]


def _of_two_offices(*values: int) -> list[tuple[str, Sent]]:
    """What the court and the office that reviews say about the same unit."""
    unit = department().unit_code
    return [
        (
            name,
            Sent(
                {"数据表（合成数据）.csv": office_csv([unit, "2024", "G2.2", "", "", value, *[""] * 4])},
                {},
                unit=bad.unit_named(who).unit_code,
                kind="office",
                submitted_at=LATER,
            ),
        )
        for name, who, value in zip(("OTHER", "S"), (COURT, ENFPLAT), values, strict=True)
    ]


def _same_file_again(folder: Path) -> list[tuple[str, Sent]]:
    first = clean(folder)
    return [("S", first), ("S", replace(first, submitted_at="2025-01-12T09:00:00+08:00"))]


def _same_narrative(folder: Path) -> list[tuple[str, Sent]]:
    text = (
        "本单位主要负责人全年专题研究法治政府建设工作，逐项听取汇报，对存在的问题列出清单、明确责任科室和完成时限，"
        "并在年底逐项核查落实情况（合成数据）"
    )
    other = bad.unit_named(OTHER)
    theirs = Sent(
        {WORKBOOK: workbook(folder / "o", {"I1.2": {"note": text}}, unit=other)},
        {EVIDENCE: "合成数据：他单位".encode()},
        unit=other.unit_code,
        submitted_at=LATER,
    )
    mine = Sent(
        {WORKBOOK: workbook(folder, {"I1.2": {"note": text}})}, submitted_at="2025-01-12T09:00:00+08:00"
    )
    return [("OTHER", theirs), ("S", mine)]


def _zero_for_what_is_no_duty(folder: Path) -> list[tuple[str, Sent]]:
    editions, registry = bad.shipped()
    edition = editions.for_year(2024)
    own = {one.code for one in registry.applicable(edition, department(), 2024, TODAY)}
    code = next(
        one.code
        for one in edition.indicators
        if one.asked_of_unit and one.code not in own and one.value_type.value == "ratio"
    )
    rows = [[department().unit_code, "2024", code, 0, 0, *[""] * 5]]
    return [("S", Sent({"数据表（合成数据）.csv": office_csv(*rows)}, submitted_at=LATER))]


def _in_gb18030(_: Path) -> bytes:
    row = [department().unit_code, "2024", "I1.2", "", "", 12, "", "", "合成数据", EVIDENCE]
    return office_csv(row).decode().encode("gb18030")


def _untouched(folder: Path) -> bytes:
    editions, registry = bad.shipped()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WORKBOOK
    period = Period.parse("2024")
    write_template(editions.for_year(2024), registry, department(), period, path, today=TODAY)
    return path.read_bytes()


def _of_an_old_edition(book: Any) -> None:
    next(row for row in book["_meta"].iter_rows() if row[0].value == "system_id")[1].value = "2021"


def _text(address: str, value: str) -> Callable[[Any], object]:
    """An edit that types a text that looks like a formula."""

    def edit(book: Any) -> None:
        book[TABLE][address].value = value
        book[TABLE][address].data_type = "s"

    return edit


def block(rule: str, at: str | None, sheet: str | None = TABLE) -> Found:
    return (rule, "block", sheet, at)


def note(rule: str, at: str | None, sheet: str | None = TABLE) -> Found:
    return (rule, "note", sheet, at)


def warn(rule: str, at: str | None, sheet: str | None = TABLE) -> Found:
    return (rule, "warn", sheet, at)


def hold(rule: str, at: str | None, sheet: str | None = TABLE) -> Found:
    return (rule, "hold", sheet, at)


def security(rule: str, at: str | None = None, sheet: str | None = None) -> Found:
    return (rule, "security", sheet, at)


def i12(value: object) -> dict[str, dict[str, Any]]:
    return {"I1.2": {"value": value}}


SHOWN = [
    covered(
        "B01 another quarter",
        {"填报期": "2024年二季度"},
        block("PERIOD_MISMATCH", "B3", COVER),
        period="2024-Q3",
    ),
    Case(
        "B03 a quarter's own figure as cumulative",
        lambda _: _cumulative(95, 58),
        (block("CUMULATIVE_DECREASE", "2:value", None), warn("PERIOD_TYPE", "2:value", None)),
        lambda _: _cumulative(95, 158)[1][1],
    ),
    Case(
        "B04 last year's numbers", _last_year_again, (warn("STALE_COPY", None, None),), _this_year, year=2025
    ),
    one("B06 ten thousands where pieces are asked", i12("12.6"), block("COUNT_NOT_INTEGER", "H29")),
    of_office(
        "B07 yuan where ten thousand yuan are asked",
        ENFPLAT,
        ["D5.3,,,30181800,,,,"],
        ["D5.3,,,3018.18,,,,"],
        warn("AMOUNT_SCALE", "2:value", None),
        earlier=["D5.3,,,3010.5,,,,"],
    ),
    one("B09 the column's own unit", i12("126次"), note("UNIT_IN_CELL", "H29")),
    one("B09 another unit", i12("126件"), block("UNIT_IN_CELL", "H29")),
    of_office(
        "B09 unit and 多",
        ENFPLAT,
        ["D5.3,,,780多万元,,,,"],
        ["D5.3,,,786.5,,,,"],
        block("FUZZY_NUMBER", "2:value", None),
    ),
    one("B10 余", i12("3万余次"), block("FUZZY_NUMBER", "H29")),
    one("B10 以上", {"A1.1": {"value": "88%以上"}}, block("FUZZY_NUMBER", "H3")),
    one("B10 近", i12("近16万"), block("FUZZY_NUMBER", "H29")),
    one("B10 in a narrative", {"I1.2": {"note": "接待群众3万余人次（合成数据）"}}),
    one("B10 malformed", i12("17余次"), block("FUZZY_NUMBER", "H29"), warn("FUZZY_MALFORMED", "H29")),
    one("B12 digits", i12("１２"), note("FULLWIDTH", "H29")),
    one("B12 per cent", {"A1.1": {"value": "８８．９％"}}, note("FULLWIDTH", "H3")),
    one("B12 minus", i12("－3"), note("FULLWIDTH", "H29"), block("NEGATIVE", "H29")),
    one("B13 numeral", i12("三十六"), note("CN_NUMERAL", "H29")),
    one("B13 两", i12("两"), note("CN_NUMERAL", "H29")),
    one("B13 〇", {"A1.1": {"numerator": "〇"}}, note("CN_NUMERAL", "E3")),
    one("B13 百名", i12("百次"), note("CN_NUMERAL", "H29"), note("UNIT_IN_CELL", "H29")),
    one("B13 数十", i12("数十"), block("FUZZY_NUMBER", "H29")),
    one("B13 若干", i12("若干"), block("FUZZY_NUMBER", "H29")),
    one("B13 mixed", i12("3百二十"), block("CN_NUMERAL", "H29")),
    one("B13 vague", i12("十几"), block("FUZZY_NUMBER", "H29")),
    one("B15 a fraction in a per cent column", {"A1.1": {"value": "0.89"}}, warn("PERCENT_FORM", "H3")),
    one(
        "B15 a fraction that the parts contradict",
        {"A1.1": {"value": "0.95"}},
        warn("PERCENT_FORM", "H3"),
        block("RATIO_MISMATCH", "H3"),
    ),
    one(
        "B15 is it one per cent or all",
        {"A1.1": {"numerator": 9, "denominator": 9, "value": "1"}},
        warn("PERCENT_FORM", "H3"),
    ),
    one(
        "B16 more cases done than there were",
        {"A1.1": {"numerator": 10, "denominator": 9}},
        block("NUM_GT_DEN", "E3"),
    ),
    one(
        "B16 more than everything",
        {"A1.1": {"value": "105%"}},
        block("RATIO_GT_1", "H3"),
        block("RATIO_MISMATCH", "H3"),
    ),
    one(
        "B18 ratio and parts",
        {"A1.1": {"numerator": 6669, "denominator": 6861, "value": "99.49%"}},
        block("RATIO_MISMATCH", "H3"),
    ),
    one(
        "B19 a ratio of nothing",
        {"A1.1": {"numerator": 0, "denominator": 0, "value": "100%"}},
        note("ZERO_DENOMINATOR", "H3"),
    ),
    one(
        "B21 noise",
        {"A1.1": {"numerator": 972, "denominator": 1000, "value": "97.20000000000001"}},
        note("FLOAT_NOISE", "H3"),
    ),
    worked_on(
        "B22 a code as a number", typed("B2", 1.50203e17, COVER), block("SCI_NOTATION_ID", "B2", COVER)
    ),
    one("B22 a case number", {"A1.1": {"note": "案号1.50203E+17"}}, block("SCI_NOTATION_ID", "M3")),
    worked_on("B24 a total", _appended("合计"), note("TOTAL_ROW", "A33")),
    worked_on(
        "B24 a total beside a hidden row",
        _total_beside_a_hidden_row,
        warn("HIDDEN", "A5"),
        note("TOTAL_ROW", "A33"),
    ),
    of_office(
        "B25 counted twice",
        ENFPLAT,
        ["D7.1,90,100,,,,,", "D4.1,60,60,,,,,", "D5.2,,,41,,,,"],
        ["D7.1,90,100,,,,,", "D4.1,60,60,,,,,", "D5.2,,,40,,,,"],
        warn("DOUBLE_COUNT", "2:denominator", None),
    ),
    Case(
        "B27 a little beside the platform",
        _authority_says(429, 429),
        (warn("RECONCILE", "E4"),),
        _corrected_to(429, 429),
    ),
    Case(
        "B27 far from the platform",
        _authority_says(412, 412),
        (block("RECONCILE", "E4"),),
        _corrected_to(412, 412),
    ),
    worked_on(
        "B28 a row twice, with other numbers",
        _appended("A1.1", None, None, None, 7, None, 9, *[None] * 6, EVIDENCE),
        block("DUP_ROW", "A3"),
        block("DUP_ROW", "A33"),
    ),
    worked_on("B28 a row twice, the same", _row_again(), note("DUP_ROW", "A33")),
    worked_on("B28 a row twice, the same in full width", _row_again(E33="８"), note("DUP_ROW", "A33")),
    worked_on(
        "B28 a row twice, with another remark",
        _row_again(M33="另一说明（合成数据）"),
        block("DUP_ROW", "A3"),
        block("DUP_ROW", "A33"),
    ),
    worked_on(
        "B28 a row three times, once with another number",
        _both(_row_again(), _row_again(34, G34=11)),
        block("DUP_ROW", "A3"),
        note("DUP_ROW", "A33"),
        block("DUP_ROW", "A34"),
    ),
    Case("B30 two clerks", _two_clerks, (hold("VERSION_CONFLICT", None, None),), by_decision=True),
    Case("B31 one case, two units", _same_case_twice, (warn("CROSS_UNIT_DUP", "A29"),)),
    worked_on("B33 a hidden sheet", _hidden_sheet, warn("HIDDEN", "A1", "备用")),
    worked_on("B33 a hidden row", _hidden_row, warn("HIDDEN", "A5")),
    worked_on("B33 a hidden column", _hidden_column, warn("HIDDEN", "M2")),
    worked_on("B34 a filter", _filtered, warn("FILTERED", "A4")),
    worked_on("B36 one more column", _column_inserted, note("HEADER_CHANGED", "O2")),
    worked_on("B36 two columns changed places", _columns_swapped, note("HEADER_CHANGED", "F2")),
    worked_on(
        "B36 a column gone",
        lambda book: book[TABLE].delete_cols(7),
        block("HEADER_CHANGED", "A2"),
    ),
    worked_on("B37 blanks in a title", _header_with_blanks, note("HEADER_SPACE", "C2")),
    worked_on("B39 a remark below", _note_below, note("TRAILING_NOTE", "A34")),
    worked_on("B39 a blank row", _blank_row_between, note("TRAILING_NOTE", "A5")),
    Case(
        "B40 several units",
        _units_in_one,
        (
            hold("MULTI_UNIT", "3:unit_code", None),
            block("AUTHZ", "3:unit_code", None),
            block("AUTHZ", "4:unit_code", None),
        ),
    ),
    raw("B42 another format", lambda _: _ole("WpsCustomData"), block("FILE_TYPE", None, None)),
    raw(
        "B42 a WPS table",
        lambda _: _ole("WpsCustomData"),
        block("FILE_TYPE", None, None),
        file="填报表（合成数据）.et",
    ),
    raw("B43 a password", lambda _: _ole("EncryptedPackage"), block("ENCRYPTED", None, None)),
    raw("B45 a bomb", lambda _: _bomb(), security("ZIP_BOMB")),
    raw("B45 entities that grow", _expanding, security("ZIP_BOMB")),
    raw(
        "B46 a scan",
        lambda _: b"%PDF-1.7\n" + "合成数据".encode(),
        block("NOT_DATA", None, None),
        file="填报表（合成数据）.pdf",
    ),
    raw(
        "B46 a photograph",
        lambda _: b"\xff\xd8\xff\xe0" + b"0" * 64,
        block("NOT_DATA", None, None),
        file="填报表（合成数据）.jpg",
    ),
    with_evidence("B46 a PDF as evidence", {"会议纪要（合成数据）.pdf": pdfs.content_of("plain")}),
    with_evidence("B46 a scan as evidence", {"扫描件（合成数据）.jpg": b"\xff\xd8\xff\xe0" + b"0" * 64}),
    raw("B48 an old sum", _stale_sum, block("STALE_FORMULA", "H29")),
    raw("B48 a link to another workbook", _linked, block("STALE_FORMULA", "H29")),
    worked_on("B49 an error", typed("E3", "#REF!"), block("CELL_ERROR", "E3")),
    worked_on("B49 a division by zero", typed("H29", "#DIV/0!"), block("CELL_ERROR", "H29")),
    worked_on("B49 a look-up in vain", typed("J31", "#N/A"), block("CELL_ERROR", "J31")),
    with_evidence(
        "B51 out of the folder", {"材料（合成数据）.zip": _zip("../../etc/x")}, security("PATH_TRAVERSAL")
    ),
    with_evidence("B51 a device", {"材料（合成数据）.zip": _zip("CON.txt")}, security("PATH_TRAVERSAL")),
    with_evidence("B51 a name in GBK", {"材料（合成数据）.zip": _zip_in_gbk("会议记录（合成数据）.txt")}),
    *(
        one(f"B52 {written}", {"I2.1": {"date": written}}, note("DATE_FORMAT", "J31"))
        for written in ("2024.1.5", "2024年1月5日", "20240105", "二〇二四年一月五日")
    ),
    worked_on("B52 a day count", _day_count, note("DATE_FORMAT", "J31")),
    one("B52 a day count as text", {"I2.1": {"date": "45296"}}, block("DATE_INVALID", "J31")),
    one("B52 two ways to read", {"I2.1": {"date": "3/5/24"}}, block("DATE_FORMAT", "J31")),
    one("B52 no such day", {"I2.1": {"date": "2024-02-30"}}, block("DATE_INVALID", "J31")),
    one("B54 a day after the submission", {"I2.2": {"date": date(2025, 1, 19)}}, block("DATE_ORDER", "J32")),
    renamed("B55 the name before the reform", "包头市政务服务局", "2024", note("UNIT_ALIAS", "B1", COVER)),
    renamed("B55 long after the reform", "包头市大数据中心", "2024-Q3", block("UNIT_ALIAS", "B1", COVER)),
    covered("B56 a short name", {"单位名称": "发改委"}, hold("UNIT_AMBIGUOUS", "B1", COVER)),
    covered("B57 a letter", {"统一社会信用代码": "1115O200MB1A010200"}, block("USCC_INVALID", "B2", COVER)),
    covered("B57 lower case", {"统一社会信用代码": "11150200mb1a010200"}, block("USCC_INVALID", "B2", COVER)),
    covered("B57 a digit", {"统一社会信用代码": "11150200MB1A010201"}, block("USCC_INVALID", "B2", COVER)),
    covered("B58 no division", {"统一社会信用代码": "150201"}, block("REGION_CODE", "B2", COVER)),
    one(
        "B60 another year",
        {"A1.1": {"evidence": "合成〔2022〕3号.txt"}},
        hold("EVIDENCE_MISMATCH", "N3"),
        evidence={"合成〔2022〕3号.txt": b"1"},
    ),
    one(
        "B60 another unit",
        {"A1.1": {"evidence": "包头市教育局2024年台账（合成数据）.txt"}},
        hold("EVIDENCE_MISMATCH", "N3"),
        evidence={"包头市教育局2024年台账（合成数据）.txt": b"1"},
    ),
    one("B61 a web page", {"A1.1": {"evidence": "https://www.gov.cn/a.html"}}, warn("LINK_DEAD", "N3")),
    one(
        "B61 behind a login",
        {"A1.1": {"evidence": f"https://oa.baotou.gov.cn/login;{EVIDENCE}"}},
        warn("LINK_DEAD", "N3"),
    ),
    one("B61 a web page with its copy", {"A1.1": {"evidence": f"https://www.gov.cn/a.html;{EVIDENCE}"}}),
    one("B63 无", i12("无"), block("NA_TOKEN", "H29")),
    one("B63 /", {"A1.1": {"numerator": "/"}}, block("NA_TOKEN", "E3")),
    one("B63 —", {"A1.1": {"denominator": "—"}}, block("NA_TOKEN", "G3")),
    one("B63 N/A", {"I2.1": {"date": "N/A"}}, block("NA_TOKEN", "J31")),
    one("B63 — where nothing is asked", {"A1.1": {"date": "—"}}),
    one("B63 blank", {"A1.1": {"numerator": None}}, block("PART_MISSING", "E3")),
    one(
        "B64 not applicable without a basis",
        {"A1.1": {"numerator": None, "denominator": None, "not_applicable": "是", "reason": "合成数据"}},
        block("NA_UNAPPROVED", "K3"),
    ),
    one("B66 in a cell", {"A1.1": {"note": "秘密★1年"}}, security("CLASSIFIED", "M3", TABLE)),
    with_evidence(
        "B66 on evidence", {"会议纪要（合成数据）.txt": "机密\n合成数据".encode()}, security("CLASSIFIED")
    ),
    with_evidence(
        "B66 in a PDF", {"会议纪要（合成数据）.pdf": pdfs.content_of("marked")}, security("CLASSIFIED")
    ),
    Case("B67 five times as many", _jump, (warn("JUMP", "H29"),), _this_year, year=2025),
    of_office(
        "B69 another definition",
        COURT,
        ["E2.1,20,20,,,,,,八类情形"],
        ["E2.1,20,20,,,,,,全部案件"],
        warn("DEFINITION", "2:numerator", None),
        earlier=["E2.1,20,20,,,,,,全部案件"],
        header=f"{bad.CSV_HEADER},scope",
    ),
    Case(
        "B70 five minutes too late",
        lambda folder: [("S", replace(clean(folder), submitted_at="2025-01-11T00:05:00+08:00"))],
        (note("LATE", None, None),),
        prepare=lambda office: office.set_deadline("10", "day"),
        by_decision=True,
    ),
    Case(
        "B70 a minute before the end",
        lambda folder: [("S", replace(clean(folder), submitted_at="2025-01-10T17:59:00+08:00"))],
        (),
        prepare=lambda office: office.set_deadline("10", "day"),
        by_decision=True,
    ),
    covered("B72 nobody signed", {"审核人": "", "签发人": "（盖章）"}, hold("NOT_APPROVED", "B6", COVER)),
    Case(
        "B73 after the lock",
        lambda folder: [("S", clean(folder))],
        (block("LOCKED", None, None),),
        prepare=_locked,
        by_decision=True,
    ),
    worked_on(
        "B75 zero width",
        typed("B1", f"包头市\u200b{department().name_zh[3:]}", COVER),
        note("INVISIBLE_CHAR", "B1", COVER),
    ),
    worked_on(
        "B75 private use",
        typed("B1", f"{department().name_zh}\ue264", COVER),
        block("INVISIBLE_CHAR", "B1", COVER),
    ),
]

BEYOND = [
    Case(
        "CONFLICT two offices on one outcome",
        lambda _: _of_two_offices(3, 1),
        (hold("CONFLICT", "2:value", None),),
        lambda _: _of_two_offices(3, 3)[1][1],
    ),
    one("DATE_OUT_OF_PERIOD", {"I2.1": {"date": date(2023, 3, 15)}}, block("DATE_OUT_OF_PERIOD", "J31")),
    Case("DUP_FILE the same file again", _same_file_again, (note("DUP_FILE", None, None),), by_decision=True),
    raw(
        "EMPTY nothing filled in",
        _untouched,
        block("EMPTY", None, None),
        hold("NOT_APPROVED", "B6", COVER),
    ),
    raw("ENCODING of an old CSV", _in_gb18030, note("ENCODING", None, None), file="数据表（合成数据）.csv"),
    one("EVIDENCE_MISSING", {"I1.2": {"evidence": None}}, block("EVIDENCE_MISSING", "N29")),
    one(
        "EVIDENCE_MISSING did not come",
        {"I1.2": {"evidence": "没有来.pdf"}},
        block("EVIDENCE_MISSING", "N29"),
    ),
    worked_on(
        "FORMULA_INJECTION",
        _text("M3", '=HYPERLINK("http://x.invalid","点")'),
        security("FORMULA_INJECTION", "M3", TABLE),
    ),
    worked_on("HEADER_OFFSET", lambda book: book[TABLE].insert_rows(1, 2), note("HEADER_OFFSET", "A4")),
    raw(
        "MACRO",
        lambda folder: _with_parts(workbook(folder), xl__vbaProject_dot_bin=_ole("VBA")),
        security("MACRO"),
    ),
    worked_on("MERGED", lambda book: book[TABLE].merge_cells("M3:M4"), note("MERGED", "M3")),
    one("PII_FOUND", {"I1.2": {"note": "联系人手机13900001234（合成数据）"}}, warn("PII_FOUND", "M29")),
    with_evidence(
        "PII_FOUND in a PDF",
        {"名单（合成数据）.pdf": pdfs.content_of("personal")},
        warn("PII_FOUND", None, None),
    ),
    with_evidence(
        "FILE_TYPE of an archive",
        {"材料（合成数据）.rar": b"Rar!\x1a\x07\x01\x00"},
        block("FILE_TYPE", None, None),
    ),
    one("SEPARATOR", i12("1,200"), note("SEPARATOR", "H29")),
    of_office(
        "SUBSET",
        ENFPLAT,
        ["D4.1,8,101,,,,,", "D3.2,90,100,,,,,"],
        ["D4.1,8,99,,,,,", "D3.2,90,100,,,,,"],
        block("SUBSET", "2:denominator", None),
    ),
    of_office(
        "SUM_MISMATCH",
        ENFPLAT,
        ["D7.2,90,96,,,,,", "D7.1,95,100,,,,,"],
        ["D7.2,90,95,,,,,", "D7.1,95,100,,,,,"],
        block("SUM_MISMATCH", "2:denominator", None),
    ),
    worked_on("TEMPLATE_VERSION", _of_an_old_edition, block("TEMPLATE_VERSION", None, None)),
    Case("TEXT_DUP another unit's words", _same_narrative, (warn("TEXT_DUP", "A29"),)),
    Case("ZERO_FOR_NA", _zero_for_what_is_no_duty, (note("ZERO_FOR_NA", "2:numerator", None),)),
]
"""The codes of the list of rules that no row of the list of bad submissions shows."""


def _shown() -> Iterator[Any]:
    """The first case of each row of the list in every run, further forms of the same fault in CI."""
    seen: set[str] = set()
    for case in (*SHOWN, *BEYOND):
        row = case.name.split()[0]
        yield pytest.param(case, id=case.name, marks=[pytest.mark.ci] if row in seen else [])
        seen.add(row)


@pytest.mark.parametrize("case", list(_shown()))
def test_a_bad_submission_is_told_exactly_and_the_corrected_one_passes(case: Case, tmp_path: Path):
    office = Office(tmp_path)
    if case.prepare is not None:
        case.prepare(office)
    for name, sent in case.make(tmp_path / "made"):
        office.take(name, sent)
    received = NOW if case.year == 2025 else NOW.replace(year=2025, month=2)
    office.judge(*case.years, now=received)

    assert office.found("S", case.year) == sorted(
        case.found, key=lambda one: (one[2] or "", one[3] or "", one[0])
    )

    if case.by_decision:
        return
    corrected = (case.corrected or clean)(tmp_path / "corrected")
    when = CORRECTED_AT if case.year == 2024 else "2026-01-20T09:00:00+08:00"
    office.take("S", replace(corrected, submitted_at=when))
    office.judge(*case.years, now=received)
    left = [one for one in office.found("S", case.year) if one[1] in STOPS]
    assert left == []


def test_every_code_of_the_list_of_rules_is_found_in_a_real_file():
    found = {rule for case in (*SHOWN, *BEYOND) for rule, *_ in case.found}
    assert {code.code for code in rule_codes()} - found == set()


def test_a_workbook_without_a_fault_has_no_finding(tmp_path: Path):
    office = Office(tmp_path)
    office.take("S", clean(tmp_path / "made"))
    office.judge(2024, now=NOW.replace(year=2025, month=2))
    assert office.found("S") == []


def test_identical_rows_are_one_value_with_the_cells_of_the_first_and_a_note_that_lists_both(tmp_path: Path):
    office = Office(tmp_path)
    content = edited(workbook(tmp_path / "made"), _both(_row_again(), _row_again(34)))
    office.take("S", Sent({WORKBOOK: content}, submitted_at=LATER))
    office.judge(2024, now=NOW.replace(year=2025, month=2))

    (value,) = office.values("S", "A1.1")
    assert (value["sheet"], value["cell_row"], value["cell_numerator"]) == (TABLE, "A3", "E3")
    notes = office.rows("S")
    assert [(one["rule"], one["severity"], one["cell"]) for one in notes] == [
        ("DUP_ROW", "note", "A33"),
        ("DUP_ROW", "note", "A34"),
    ]
    for one in notes:
        assert list(one["related"]) == ["A3"]
        assert f"A3、{one['cell']}两行都是A1.1，内容相同，只采用A3" in one["message_zh"]
        assert one["value_id"] == value["value_id"]


def test_figures_carried_over_are_listed_cell_by_cell(tmp_path: Path):
    office = Office(tmp_path)
    for name, sent in _last_year_again(tmp_path / "made"):
        office.take(name, sent)
    office.judge(2024, 2025)

    (stale,) = office.rows("S", 2025)
    assert "47 个不为零的数值中有 47 个完全相同：E3、G3、E4、G4、" in stale["message_zh"]
    assert stale["message_zh"].endswith(" 等。")


def test_findings_come_in_the_order_in_which_one_reads_the_workbook(tmp_path: Path):
    office = Office(tmp_path)
    edit = _both(_note_below, _appended("合计"), _hidden_row, typed("B7", "", COVER), _column_inserted)
    office.take("S", Sent({WORKBOOK: edited(workbook(tmp_path / "made"), edit)}, submitted_at=LATER))
    office.judge(2024, now=NOW.replace(year=2025, month=2))
    assert [one["cell"] for one in office.rows("S")] == ["B7", "O2", "A5", "A33", "A34"]
