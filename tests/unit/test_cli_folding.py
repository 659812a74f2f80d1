"""Chinese text in a column of the terminal: lines that a reader's eye does not stumble over."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from fazhi.cli.check import _table
from fazhi.cli.folding import fold_zh
from fazhi.model.terms import Severity
from fazhi.review.listed import Listed


@pytest.mark.parametrize(
    ("text", "width", "folded"),
    [
        ("请更正后重新报送。", 16, "请更正后重新报\n送。"),
        ("分母为 0，本期没有。", 10, "分母为 0，\n本期没有。"),
        ("填“是”或“否”", 6, "填“是”\n或“否”"),
        ("日期写成2024-03-05的样子", 12, "日期写成\n2024-03-05的\n样子"),
        ("规则 FUZZY_MALFORMED", 17, "规则\nFUZZY_MALFORMED"),
        ("第一行\n第二行", 20, "第一行\n第二行"),
        ("", 10, ""),
    ],
)
def test_lines_break_where_a_reader_expects_it(text: str, width: int, folded: str):
    assert fold_zh(text, width) == folded


@given(st.text(alphabet="填报表，。“”（）0A9.%- \n", max_size=80), st.integers(8, 40))
def test_nothing_is_lost_and_no_line_is_too_long(text: str, width: int):
    folded = fold_zh(text, width)
    assert "".join(folded.split()) == "".join(text.split())
    assert all(cell_len(line) <= width for line in folded.split("\n"))


def _drawn(width: int) -> list[str]:
    one = Listed(
        rule="NUM_GT_DEN",
        severity=Severity.BLOCK,
        indicator_code="A1.1",
        indicator_zh="",
        sheet="填报表",
        cell="E3",
        value="12",
        expected=None,
        related=(),
        message_zh="分子填的是“12”，大于分母“9”。占比不可能超过 100%。",
        message_en="",
        fix_zh="请核对分子、分母是否填反，统计口径和时间段是否一致，更正后重新报送。",
        legal_basis="",
        legal_basis_status="unverified",
    )
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(_table([one], width))
    return console.export_text().splitlines()


@pytest.mark.parametrize(("width", "columns"), [(80, 3), (109, 3), (110, 6), (140, 6)])
def test_a_narrow_terminal_gets_the_correction_below_the_problem(width: int, columns: int):
    lines = _drawn(width)
    assert lines[1].count("┃") == columns + 1
    assert all(cell_len(line) <= width for line in lines)
    assert any("占比不可能超过 100%。" in line for line in lines) or width in (110, 140)
    assert "".join(lines).count("NUM_GT_DEN") == 1
