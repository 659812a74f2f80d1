"""Whatever the bytes: every reading is sound, and nothing is raised."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fazhi.intake.table import find_table
from fazhi.model.terms import SubmissionKind
from fazhi.sheets import inspect_attachment
from support.intake import book, csv_text, row
from support.sheets import OLD_FORMATS, plain_book, read, rezipped, with_cells, with_sheet

BOOK = book(
    [row("A1.1", numerator=1, denominator=2.5, note="说明"), row("A1.2", value="=E3+G3", date="2024-03-05")],
    cover={"单位名称": "甲单位", "填报期": "2024"},
    meta={"system_id": "2024"},
    formats={"E3": "0.00%"},
)
SOURCES = {
    "xlsx": BOOK,
    "xls": (OLD_FORMATS / "filled.xls").read_bytes(),
    "ods": (OLD_FORMATS / "filled.ods").read_bytes(),
    "csv": csv_text("U,2024,A1.1,1,2,,,,说明,").encode(),
}
with zipfile.ZipFile(io.BytesIO(BOOK)) as _package:
    PARTS = {name: _package.read(name) for name in _package.namelist()}

QUICK = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def judge(content, name):
    """Read a file and what follows from it, as intake does."""
    file = read(content, name)
    if file.fault is None:
        find_table(file, SubmissionKind.UNIT)
    inspect_attachment(name, content)
    return file


def damaged(content, changes):
    """Bytes with some of them overwritten."""
    mutable = bytearray(content)
    for position, value in changes:
        mutable[position % len(mutable)] = value
    return bytes(mutable)


changes = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=12)
endings = st.sampled_from(sorted(SOURCES))


@QUICK
@given(endings, changes)
def test_flipped_bytes(ending, flips):
    judge(damaged(SOURCES[ending], flips), f"a.{ending}")


@QUICK
@given(endings, st.floats(0, 1), st.binary(max_size=40))
def test_cut_and_continued_files(ending, share, more):
    content = SOURCES[ending]
    judge(content[: int(len(content) * share)] + more, f"a.{ending}")


@QUICK
@given(st.sampled_from(sorted(PARTS)), changes)
def test_flipped_bytes_inside_parts(name, flips):
    judge(rezipped(BOOK, {name: damaged(PARTS[name], flips)}), "a.xlsx")


@QUICK
@given(changes)
def test_flipped_bytes_inside_an_ods(flips):
    ods = SOURCES["ods"]
    with zipfile.ZipFile(io.BytesIO(ods)) as package:
        content = package.read("content.xml")
    judge(rezipped(ods, {"content.xml": damaged(content, flips)}), "a.ods")


@QUICK
@given(changes)
def test_flipped_bytes_inside_the_records_of_an_xls(flips):
    xls = SOURCES["xls"]
    within = [(512 + position % (len(xls) - 512), value) for position, value in flips]
    judge(damaged(xls, within), "a.xls")


@QUICK
@given(st.permutations(sorted(PARTS)), st.sets(st.sampled_from(sorted(PARTS))))
def test_parts_that_are_swapped_or_missing(order, dropped):
    swapped = dict(zip(sorted(PARTS), (PARTS[name] for name in order), strict=True))
    judge(rezipped(BOOK, {**swapped, **dict.fromkeys(dropped)}), "a.xlsx")


@QUICK
@given(st.binary(max_size=400), st.sampled_from(["a.xlsx", "a.xls", "a.csv", "a.ods", "a", "机密.txt", ".."]))
def test_any_bytes(content, name):
    judge(content, name)


@QUICK
@given(st.text(max_size=300), st.sampled_from(["utf-8", "gb18030", "utf-16"]))
def test_any_text(text, encoding):
    judge(text.encode(encoding, "replace"), "a.csv")


attribute = st.sampled_from(
    ["A1", "B2", "ZZ9", "", "1", "A", "A0", "XFD1048576", "甲1", "-1", "9" * 30, "A1:B2"]
)
kinds = st.sampled_from(["", ' t="s"', ' t="str"', ' t="b"', ' t="e"', ' t="d"', ' t="inlineStr"', ' t="?"'])
contents = st.sampled_from(
    [
        "",
        "<v>1</v>",
        "<v>1e999</v>",
        "<v>nan</v>",
        "<v> 7 </v>",
        "<v>=cmd|x!A1</v>",
        "<v></v>",
        "<f>SUM(A1:ZZ9)</f><v>1</v>",
        '<f t="shared" si="0">A1</f><v>1</v>',
        '<f t="shared" si="0"/><v>2</v>',
        "<is><t>甲</t></is>",
        "<is><r><t>x</t></r></is><v>1</v>",
        "<v>1</v><v>2</v>",
        "<c><v>3</v></c>",
    ]
)
cell = st.builds(
    lambda r, k, s, c: f"<c{f' r={r!r}' if r else ''}{k}{s}>{c}</c>",
    attribute,
    kinds,
    st.sampled_from(["", ' s="0"', ' s="99"', ' s="x"']),
    contents,
)
sheet_row = st.builds(
    lambda number, hidden, cells: f"<row{number}{hidden}>{''.join(cells)}</row>",
    st.sampled_from(["", ' r="1"', ' r="5"', ' r="1048576"', ' r="0"', ' r="x"']),
    st.sampled_from(["", ' hidden="1"', ' hidden="maybe"']),
    st.lists(cell, max_size=6),
)
extras = st.lists(
    st.sampled_from(
        [
            '<cols><col min="1" max="3" hidden="1"/></cols>',
            '<cols><col min="9" max="2" hidden="1"/></cols>',
            '<mergeCells><mergeCell ref="A1:C9"/></mergeCells>',
            '<mergeCells><mergeCell ref="C9:A1"/></mergeCells>',
            '<mergeCells><mergeCell ref="nonsense"/></mergeCells>',
            '<autoFilter ref="A1:B5"><filterColumn colId="0"/></autoFilter>',
            "<autoFilter><filterColumn/></autoFilter>",
        ]
    ),
    max_size=3,
)


@QUICK
@given(st.lists(sheet_row, max_size=6), extras)
def test_any_structure_of_a_sheet(rows, more):
    judge(
        with_sheet(f"<worksheet><sheetData>{''.join(rows)}</sheetData>{''.join(more)}</worksheet>"), "a.xlsx"
    )


counts = st.sampled_from([*("0", "1", "2", "3") * 6, "", "16384", "1048576", "-1", "x", "9" * 30])
"""Mostly such as go on: one that does not ends the reading of the file."""

ods_kinds = st.sampled_from(["", "float", "percentage", "currency", "date", "boolean", "string", "time", "?"])
ods_values = st.sampled_from(["", "1", "1e999", "nan", "2024-03-05", "true", "=1+1", "甲"])
ods_attribute = st.one_of(
    st.builds(
        lambda name, count: (name, count),
        st.sampled_from(
            [f"table:number-{what}" for what in ("columns-repeated", "columns-spanned", "rows-spanned")]
        ),
        counts,
    ),
    st.builds(lambda kind: ("office:value-type", kind), ods_kinds),
    st.builds(
        lambda name, value: (f"office:{name}", value),
        st.sampled_from(["value", "date-value", "boolean-value", "string-value"]),
        ods_values,
    ),
    st.builds(
        lambda formula: ("table:formula", formula),
        st.sampled_from(
            ["of:=SUM([.A1:.B2])", "of:=['file:///x.ods'#$表.A1]", "[.]", "", "of:=[.ZZZ99999999]"]
        ),
    ),
)


def ods_element(name, attributes, inside):
    told = "".join(f' {key}="{value}"' for key, value in dict(attributes).items())
    return f"<{name}{told}>{inside}</{name}>"


ods_texts = st.sampled_from(
    [
        "",
        "<text:p>1</text:p>",
        "<text:p>#N/A</text:p>",
        '<text:p>a<text:s text:c="9999999"/>b<text:tab/><text:line-break/></text:p>',
        "<office:annotation><text:p>秘密</text:p></office:annotation>",
        '<table:table table:name="内"><table:table-row/></table:table>',
    ]
)
ods_cell = st.builds(
    ods_element,
    st.sampled_from(["table:table-cell", "table:covered-table-cell"]),
    st.lists(ods_attribute, max_size=5),
    ods_texts,
)
ods_row = st.builds(
    ods_element,
    st.just("table:table-row"),
    st.lists(
        st.one_of(
            st.builds(lambda count: ("table:number-rows-repeated", count), counts),
            st.builds(lambda seen: ("table:visibility", seen), st.sampled_from(["", "filter", "collapse"])),
        ),
        max_size=2,
    ),
    st.lists(ods_cell, max_size=5).map("".join),
)
ods_columns = st.builds(
    lambda count, seen: (
        f'<table:table-column table:number-columns-repeated="{count}" table:visibility="{seen}"/>'
    ),
    counts,
    st.sampled_from(["visible", "collapse"]),
)
ods_table = st.builds(
    ods_element,
    st.sampled_from(["table:table", "table:dde-link", "table:shapes"]),
    st.just([("table:name", "表")]),
    st.lists(st.one_of(ods_row, ods_cell, ods_columns, ods_texts), max_size=5).map("".join),
)


@QUICK
@given(st.lists(st.one_of(ods_table, ods_row, ods_cell), max_size=4))
def test_any_structure_of_an_ods(parts):
    content = (
        '<office:document-content xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:body>'
        f"{''.join(parts)}</office:body></office:document-content>"
    )
    judge(rezipped(SOURCES["ods"], {"content.xml": content}), "a.ods")


@QUICK
@given(
    st.lists(
        st.lists(
            st.sampled_from([None, "指标编码", "分子", "分母", "数值", "合计", "注：", 1, "A1.1"]), max_size=8
        ),
        max_size=8,
    )
)
def test_any_arrangement_of_titles(rows):
    judge(plain_book(*rows), "a.xlsx")


numbers = st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False))


@QUICK
@given(st.lists(numbers, min_size=1, max_size=10))
def test_numbers_keep_their_double_exactly(values):
    cells = "".join(f"<c><v>{float(value)!r}</v></c>" for value in values)
    file = read(with_cells(f"<row>{cells}</row>"))
    assert [float(cell.text) for cell in file.sheets[0].rows[0].cells.values()] == [float(v) for v in values]


@pytest.mark.soak
@settings(QUICK, max_examples=6_000)
@given(endings, changes, st.integers(0, 3))
def test_thousands_of_damaged_files(ending, flips, where):
    """Bytes of the file, of its directory, of the records of an xls and of the parts of packages."""
    content = SOURCES[ending]
    within = [(position % 3_000 if where == 1 else position, value) for position, value in flips]
    if where == 2 and ending == "xlsx":
        name = sorted(PARTS)[len(flips) % len(PARTS)]
        judge(rezipped(content, {name: damaged(PARTS[name], flips)}), "a.xlsx")
    else:
        judge(damaged(content, within), f"a.{ending}")


@pytest.mark.parametrize("name", ["机密.xlsx", "a.xls", "a.ods", "a.csv"])
def test_a_file_under_the_ending_of_another_kind_is_refused(name):
    for ending, content in SOURCES.items():
        file = judge(content, name)
        if name.endswith(f".{ending}"):
            assert file.fault is None
        else:
            assert file.fault.rule == "FILE_TYPE"
