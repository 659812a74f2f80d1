"""Loading a registry refuses it whole and names every fault with file, line and column."""

import time
from fractions import Fraction

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.model.terms import Group, RuleType, Tag
from fazhi.registry import load_registry
from support.registry import (
    ALIAS_COLUMNS,
    HandMadeEditions,
    adjustment_row,
    edition,
    indicator,
    made_up_code,
    source_row,
    task_row,
    unit_row,
    write_registry,
    write_rows,
)

ONE, TWO, THREE = made_up_code(1), made_up_code(2), made_up_code(3)
ABSENT = made_up_code(999)

LEAD_ROW = indicator("I2.4", group=Group.LEAD, categories=frozenset({Tag.LEAD}))
BONUS = indicator(
    "X1",
    rule_type=RuleType.BONUS_CAPPED,
    rule_params={"national": Fraction(2), "region": Fraction(1), "cap": Fraction(3)},
)
FALSIFIED = indicator(
    "Y3", rule_type=RuleType.DEDUCT_TOTAL, rule_params={"k": Fraction(2), "zero_indicator": True}
)
EDITIONS = HandMadeEditions((edition(indicator("A1.1"), LEAD_ROW, BONUS, FALSIFIED),))


def faults_of(folder, editions=None) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as stopped:
        load_registry(folder, editions)
    assert f"{len(stopped.value.faults)}处问题" in str(stopped.value)
    return stopped.value.faults


def faults_of_units(tmp_path, *rows, editions=None) -> tuple[str, ...]:
    return faults_of(write_registry(tmp_path, list(rows)), editions)


def test_a_registry_needs_only_units_and_sources(tmp_path):
    registry = load_registry(write_registry(tmp_path, [unit_row(1)]), EDITIONS)
    assert [unit.unit_code for unit in registry.units] == [ONE]
    assert registry.lead_tasks(2024) == ()
    assert registry.adjustments(2024) == ()


def test_a_folder_without_the_two_files_names_both(tmp_path):
    assert faults_of(tmp_path) == (
        f"sources.csv：文件不存在({tmp_path});请补上",
        f"units.csv：文件不存在({tmp_path});请补上",
    )


def test_a_byte_order_mark_and_blank_lines_do_not_matter(tmp_path):
    write_registry(tmp_path, [unit_row(1), unit_row(2)])
    plain = load_registry(tmp_path, None)
    lines = (tmp_path / "units.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "units.csv").write_text("\r\n\r\n".join(lines) + "\r\n,,,,,,,,,,,\r\n", encoding="utf-8-sig")
    assert load_registry(tmp_path, None).digest == plain.digest


def test_an_empty_optional_file_is_as_good_as_none(tmp_path):
    before = load_registry(write_registry(tmp_path, [unit_row(1)]), None).digest
    write_rows(tmp_path / "unit_aliases.csv", ALIAS_COLUMNS, [])
    assert load_registry(tmp_path, None).digest == before


# --- the form of files ---


def test_unknown_missing_and_doubled_columns(tmp_path):
    write_registry(tmp_path, [unit_row(1)])
    (tmp_path / "sources.csv").write_text("source,name_zh,kind,kind,years,extra\n", encoding="utf-8")
    assert faults_of(tmp_path) == (
        "sources.csv 第1行 authority_unit_code 列：缺少此列",
        "sources.csv 第1行 extra 列：未知的列；"
        "可用的列：source、name_zh、kind、authority_unit_code、years、division_code",
        "sources.csv 第1行 kind 列：此列出现多次",
    )


def test_sources_without_a_column_of_regions_are_for_all_regions(tmp_path):
    write_registry(tmp_path, [unit_row(1)])
    (tmp_path / "sources.csv").write_text(
        f"source,name_zh,kind,authority_unit_code,years\nWEB,政府网站,office,{ONE},\n", encoding="utf-8"
    )
    registry = load_registry(tmp_path, None)
    assert registry.sources["WEB"].region == ""
    assert registry.authority_of("WEB", 2024, "150200") == ONE
    write_registry(tmp_path, [unit_row(1)], [source_row("WEB", "office", ONE) | {"name_zh": "政府网站"}])
    assert load_registry(tmp_path, None).digest == registry.digest


def test_a_row_with_too_few_cells(tmp_path):
    write_registry(tmp_path, [unit_row(1)])
    with (tmp_path / "sources.csv").open("a", encoding="utf-8") as file:
        file.write("WEB,政府网站\n")
    assert faults_of(tmp_path) == ("sources.csv 第3行：应有6个单元格，实有2个",)


def test_a_header_alone_is_not_a_registry(tmp_path):
    assert faults_of_units(tmp_path) == ("units.csv：只有表头，没有数据",)


def test_an_unclosed_quote_is_named_at_the_row_where_it_opens(tmp_path):
    write_registry(tmp_path, [unit_row(1)])
    with (tmp_path / "sources.csv").open("a", encoding="utf-8") as file:
        file.write('WEB,"政府网站,office,,\nFOI,公开,office,,\n')
    assert faults_of(tmp_path) == ("sources.csv 第3行：从这一行起读不下去（多半是引号没有成对）;请更正",)


def test_another_encoding_is_named_with_its_line(tmp_path):
    write_registry(tmp_path, [unit_row(1)])
    text = (tmp_path / "units.csv").read_text(encoding="utf-8")
    (tmp_path / "units.csv").write_bytes(text.encode("gb18030"))
    assert faults_of(tmp_path) == (
        "units.csv 第2行：不是 UTF-8 编码；请另存为 UTF-8(表格软件中选“CSV UTF-8”)",
    )


def test_a_misspelt_file_is_refused(tmp_path):
    write_registry(tmp_path, [unit_row(1)])
    write_rows(tmp_path / "alias.csv", ALIAS_COLUMNS, [])
    (fault,) = faults_of(tmp_path)
    assert fault.startswith("alias.csv：未知的文件；可用：adjustments.csv、code_exceptions.csv")


def test_lines_are_counted_through_quoted_line_breaks(tmp_path):
    rows = [unit_row(1, name_en="Bureau\nof two lines"), unit_row(2, level="town")]
    assert faults_of_units(tmp_path, *rows) == (
        "units.csv 第4行 level 列：未知的取值“town”；可用：province、city、county、township",
    )


# --- single cells of units ---


@pytest.mark.parametrize(
    ("changes", "place_and_text"),
    [
        ({"tags": "LEAD;BOSS"}, "tags 列：未知的取值“BOSS”；可用：REGION、LEAD、ENF、SINGLE、VERT、TOWN"),
        ({"scored_by": "us"}, "scored_by 列：未知的取值“us”；可用：superior、local、both"),
        ({"level": ""}, "level 列：未知的取值“”；可用：province、city、county、township"),
        ({"name_zh": ""}, "name_zh 列：不能为空"),
        ({"division_code": "1502"}, "division_code 列：应为6位数字，实为“1502”"),
        ({"valid_from": "2021/1/1"}, "valid_from 列：应为日期（如 2024-03-01）,实为“2021/1/1”"),
        ({"valid_to": "2023-02-29"}, "valid_to 列：应为日期（如 2024-03-01）,实为“2023-02-29”"),
        ({"valid_to": "2020-12-31"}, "valid_to 列：截止日期 2020-12-31 早于起始日期 2021-01-01"),
        ({"successor_code": TWO}, "successor_code 列：写了承接单位，却没有写截止日期 valid_to"),
        ({"parent_code": ABSENT}, f"parent_code 列：代码“{ABSENT}”在 units.csv 中没有登记"),
        (
            {"valid_to": "2023-12-31", "successor_code": ABSENT},
            f"successor_code 列：代码“{ABSENT}”在 units.csv 中没有登记",
        ),
        ({"valid_to": "2023-12-31", "successor_code": ONE}, "successor_code 列：不能是本单位自己"),
        ({"parent_code": ONE}, "parent_code 列：不能是本单位自己"),
        ({"unit_code": ""}, "unit_code 列：不能为空"),
        ({"unit_code": ONE[:17]}, f"unit_code 列：统一社会信用代码“{ONE[:17]}”有误：应为18位，实为17位"),
    ],
)
def test_one_wrong_cell_is_one_fault(tmp_path, changes, place_and_text):
    rows = [unit_row(2), unit_row(1, **changes)]
    assert faults_of_units(tmp_path, *rows) == (f"units.csv 第3行 {place_and_text}",)


def test_a_unit_may_end_on_the_day_it_begins(tmp_path):
    load_registry(write_registry(tmp_path, [unit_row(1, valid_to="2021-01-01")]), None)


WRONG_CHECK = ONE[:17] + ("0" if ONE[17] != "0" else "1")
EXCEPTION = {
    "unit_code": WRONG_CHECK,
    "reason_zh": "早期赋码（合成）",
    "document": "合成〔2024〕9号",
    "approved_by": "approver-1",
    "approved_on": "2024-01-05",
}


def test_a_wrong_check_character_is_refused_unless_excepted(tmp_path):
    rows = [unit_row(1, unit_code=WRONG_CHECK)]
    (fault,) = faults_of_units(tmp_path, *rows)
    assert fault == (
        f"units.csv 第2行 unit_code 列：统一社会信用代码“{WRONG_CHECK}”有误："
        f"校验码不符：第18位应为“{ONE[17]}”，实为“{WRONG_CHECK[17]}”"
    )
    registry = load_registry(write_registry(tmp_path, rows, exceptions=[EXCEPTION]), None)
    assert registry.known_code(WRONG_CHECK)


def test_an_exception_excuses_the_check_character_only(tmp_path):
    short = ONE[:17]
    folder = write_registry(
        tmp_path, [unit_row(1, unit_code=short)], exceptions=[EXCEPTION | {"unit_code": short}]
    )
    assert faults_of(folder) == (
        f"units.csv 第2行 unit_code 列：统一社会信用代码“{short}”有误：应为18位，实为17位",
    )


def test_an_exception_needs_an_approval(tmp_path):
    folder = write_registry(
        tmp_path,
        [unit_row(1, unit_code=WRONG_CHECK)],
        exceptions=[EXCEPTION | {"approved_by": "", "approved_on": ""}],
    )
    assert [fault.partition("：")[0] for fault in faults_of(folder)] == [
        "code_exceptions.csv 第2行 approved_by 列",
        "code_exceptions.csv 第2行 approved_on 列",
        "units.csv 第2行 unit_code 列",
    ]


# --- between rows ---


@pytest.mark.parametrize(("valid_to", "overlaps"), [("2024-03-31", False), ("2024-04-01", True), ("", True)])
def test_two_records_of_a_code_may_touch_but_not_overlap(tmp_path, valid_to, overlaps):
    rows = [unit_row(1, valid_from="2024-04-01", name_zh="合成市新局"), unit_row(1, valid_to=valid_to)]
    folder = write_registry(tmp_path, rows)
    if overlaps:
        assert faults_of(folder) == ("units.csv 第3行 unit_code 列：与第2行是同一代码，有效期重叠",)
    else:
        assert len(load_registry(folder, None).units) == 2


def test_a_source_has_one_authority_a_year_in_each_city(tmp_path):
    units = [unit_row(1), unit_row(2, division_code="150303", level="county")]
    sources = [
        source_row("WEB", "office", ONE, "2021-"),
        source_row("WEB", "office", ONE, "2021-", "150300"),
        source_row("WEB", "office", ONE, "2024-", "150300"),
        source_row("WEB", "office", ONE, "2021-", "150303"),
        source_row("WEB", "office", ONE, "2021-", "包头"),
        source_row("SUB", "submission", "", "", "150200"),
    ]
    assert faults_of(write_registry(tmp_path, units, sources)) == (
        "sources.csv 第4行 years 列：来源“WEB”与第3行的年度重叠",
        "sources.csv 第5行 division_code 列："
        "地区代码“150303”不是 units.csv 中任何单位所属的盟市（应写盟市的代码，如 150200）",
        "sources.csv 第6行 division_code 列：应为6位数字，实为“包头”",
        "sources.csv 第7行 division_code 列：只有 kind 为 office 的来源才能按地区确定报送单位",
    )


def test_aliases_of_unknown_units_and_doubled_aliases(tmp_path):
    alias = {"unit_code": ONE, "alias_zh": "一局", "valid_from": "2021-01-01", "valid_to": ""}
    folder = write_registry(tmp_path, [unit_row(1)], aliases=[alias, alias, alias | {"unit_code": ABSENT}])
    assert faults_of(folder) == (
        "unit_aliases.csv 第3行 alias_zh 列：与第2行是同一别名，有效期重叠",
        f"unit_aliases.csv 第4行 unit_code 列：单位代码“{ABSENT}”在 units.csv 中没有登记",
    )


def test_sources(tmp_path):
    sources = [
        source_row("SUB", "submission", ONE),
        source_row("WEB", "office"),
        source_row("COURT", "office", ABSENT),
        source_row("FIN", "office", ONE, "2021-2023"),
        source_row("FIN", "office", ONE, "2023-"),
        source_row("HR", "office", ONE, "2024-2021"),
        source_row("FOI", "office", ONE, "since 2024"),
        source_row("PLS", "paper", ONE),
    ]
    assert faults_of(write_registry(tmp_path, [unit_row(1)], sources)) == (
        "sources.csv 第2行 authority_unit_code 列：kind 为 submission 的来源不应填写单位",
        "sources.csv 第3行 authority_unit_code 列：kind 为 office 的来源必须写明负责报送的单位",
        f"sources.csv 第4行 authority_unit_code 列：单位代码“{ABSENT}”在 units.csv 中没有登记",
        "sources.csv 第6行 years 列：来源“FIN”与第5行的年度重叠",
        "sources.csv 第7行 years 列：截止年份 2021 早于起始年份 2024",
        "sources.csv 第8行 years 列：应为年份区间（如 2021-2023、2024-,空=各年度）,实为“since 2024”",
        "sources.csv 第9行 kind 列：未知的取值“paper”；可用：submission、office、system",
    )


def test_lead_tasks(tmp_path):
    units = [unit_row(1), unit_row(2, tags="ENF"), unit_row(3, valid_to="2023-12-31")]
    tasks = [
        task_row(2024, ONE, "I2.4", co_unit_codes=f"{TWO};{ABSENT}"),
        task_row(2024, ONE, "A9.9;X1"),
        task_row(2024, TWO, "I2.4", task_id="2024-002"),
        task_row(2024, THREE, "I2.4", task_id="2024-003"),
        task_row(2024, ABSENT, "I2.4", task_id="2024-004", due="soon"),
        task_row(2024, ABSENT, "I2.4", task_id="2024-005"),
        task_row(2023, THREE, "I2.4"),
    ]
    assert faults_of(write_registry(tmp_path, units, tasks=tasks), EDITIONS) == (
        f"lead_tasks.csv 第2行 co_unit_codes 列：单位代码“{ABSENT}”在 units.csv 中没有登记",
        "lead_tasks.csv 第3行 indicator_codes 列：“X1”是加减分项，不能由牵头任务指定",
        "lead_tasks.csv 第3行 indicator_codes 列：指标体系 2024 中没有“A9.9”",
        "lead_tasks.csv 第3行 task_id 列：与第2行重复",
        f"lead_tasks.csv 第4行 lead_unit_code 列：单位“{TWO}”在2024年没有 LEAD 标签，不能牵头任务",
        f"lead_tasks.csv 第5行 lead_unit_code 列：单位“{THREE}”在2024年没有 LEAD 标签，不能牵头任务",
        "lead_tasks.csv 第6行 due 列：应为日期（如 2024-03-01）,实为“soon”",
        f"lead_tasks.csv 第7行 lead_unit_code 列：单位代码“{ABSENT}”在 units.csv 中没有登记",
    )


def test_adjustments(tmp_path):
    units = [unit_row(1), unit_row(2, valid_to="2023-12-31")]
    bonus = {"level": "region"}
    adjustments = [
        adjustment_row(2024, ONE, "X1", **bonus),
        adjustment_row(2024, ONE, "X1", **bonus),
        adjustment_row(2024, ONE, "X1", level="city", title_zh="二"),
        adjustment_row(2024, ONE, "X1", level="county", title_zh="三"),
        adjustment_row(2024, ONE, "Y3", title_zh="四"),
        adjustment_row(2024, ONE, "Y3", title_zh="五", indicator_code="A9.9"),
        adjustment_row(2024, ONE, "A1.1", title_zh="六"),
        adjustment_row(2024, ONE, "Z99", title_zh="七"),
        adjustment_row(2024, TWO, "X1", **bonus),
        adjustment_row(2024, ABSENT, "X1", **bonus),
        adjustment_row(2024, ONE, "X1", title_zh="八", approved_by="drafter-1", **bonus),
        adjustment_row(2024, ONE, "X1", title_zh="九", approved_on="", **bonus),
        adjustment_row(2024, ONE, "X1", title_zh="十", approved_by="", **bonus),
        adjustment_row(2024, ONE, "X1", title_zh="十一", count="0", **bonus),
        adjustment_row(2024, ONE, "X1", title_zh="十二", approved_by="", approved_on="", **bonus),
        adjustment_row(24, ONE, "X1", title_zh="十三", **bonus, approved_on="2024-01-01"),
    ]
    folder = write_registry(tmp_path, units, adjustments=adjustments)
    assert faults_of(folder, EDITIONS) == (
        "adjustments.csv 第3行 title_zh 列：与第2行重复",
        "adjustments.csv 第4行 level 列：“X1”按级别计分，级别应为 national、region，实为“city”",
        "adjustments.csv 第5行 level 列：未知的取值“county”；可用：national、region、city",
        "adjustments.csv 第6行 indicator_code 列：“Y3”须写明所涉指标",
        "adjustments.csv 第7行 indicator_code 列：指标体系 2024 中没有“A9.9”",
        "adjustments.csv 第8行 code 列：“A1.1”不是加分、扣分或一票否决项",
        "adjustments.csv 第9行 code 列：指标体系 2024 中没有“Z99”",
        f"adjustments.csv 第10行 unit_code 列：单位“{TWO}”在2024年不存在",
        f"adjustments.csv 第11行 unit_code 列：单位代码“{ABSENT}”在 units.csv 中没有登记",
        "adjustments.csv 第12行 approved_by 列：批准人与起草人不能是同一人(“drafter-1”)",
        "adjustments.csv 第13行 approved_on 列：已写批准人，缺批准日期",
        "adjustments.csv 第14行 approved_by 列：已写批准日期，缺批准人",
        "adjustments.csv 第15行 count 列：应为不小于1的整数，实为“0”",
        "adjustments.csv 第17行 year 列：应为四位年份，实为“24”",
    )


def test_an_adjustment_that_is_no_longer_in_force_is_refused(tmp_path):
    lasting = indicator("X9", rule_type=RuleType.BONUS_CAPPED, rule_params={"points": Fraction(1)})
    ended = indicator("X8", rule_type=RuleType.BONUS_CAPPED, effective_to=LEAD_ROW.effective_from)
    folder = write_registry(
        tmp_path,
        [unit_row(1)],
        adjustments=[adjustment_row(2024, ONE, "X8"), adjustment_row(2024, ONE, "X9")],
    )
    assert faults_of(folder, HandMadeEditions((edition(lasting, ended),))) == (
        "adjustments.csv 第2行 code 列：“X8”在2024年末不是有效的指标",
    )


# --- against the editions ---


def test_a_scored_unit_without_a_profile_is_named_for_the_editions_of_its_years(tmp_path):
    old = edition(system_id="2021", years=(2021, 2023))
    new = edition(system_id="2024", years=(2024, None))
    editions = HandMadeEditions((old, new))
    folder = write_registry(
        tmp_path,
        [
            unit_row(1, tags="SINGLE"),
            unit_row(2, tags="", valid_to="2023-12-31"),
            unit_row(3, tags="VERT", valid_from="2024-01-01"),
            unit_row(4, tags="VERT", scored_by="superior"),
            unit_row(5, tags="VERT;ENF", scored_by="both"),
        ],
    )
    assert [fault.partition("的任何")[0] for fault in faults_of(folder, editions)] == [
        "units.csv 第2行 tags 列：标签“SINGLE”不符合指标体系 2021 ",
        "units.csv 第2行 tags 列：标签“SINGLE”不符合指标体系 2024 ",
        "units.csv 第3行 tags 列：标签“(空)”不符合指标体系 2021 ",
        "units.csv 第4行 tags 列：标签“VERT”不符合指标体系 2024 ",
    ]
    assert len(load_registry(folder, None).units) == 5


def test_a_source_that_an_edition_names_must_be_registered(tmp_path):
    editions = HandMadeEditions((edition(indicator("E1.1", sources=("SUB", "COURT"))),))
    folder = write_registry(tmp_path, [unit_row(1)])
    assert faults_of(folder, editions) == (
        "sources.csv source 列：缺少指标体系 2024 的数据来源“COURT”（指标 E1.1 等使用）",
    )


def test_a_faulty_row_does_not_make_its_neighbours_look_wrong(tmp_path):
    rows = [unit_row(1, level="moon"), unit_row(2, parent_code=ONE)]
    folder = write_registry(tmp_path, rows, tasks=[task_row(2024, ONE, "I2.4")])
    assert faults_of(folder, EDITIONS) == (
        "units.csv 第2行 level 列：未知的取值“moon”；可用：province、city、county、township",
    )


def test_faults_of_all_files_come_at_once_in_the_order_of_files_and_lines(tmp_path):
    folder = write_registry(
        tmp_path,
        [unit_row(1, tags="NO"), unit_row(2, level="no")],
        [source_row("SUB", "no")],
        tasks=[task_row(2024, ABSENT, "A9.9")],
        adjustments=[adjustment_row(2024, ONE, "X1", count="no")],
    )
    assert [fault.partition("：")[0] for fault in faults_of(folder, EDITIONS)] == [
        "adjustments.csv 第2行 count 列",
        "lead_tasks.csv 第2行 indicator_codes 列",
        "lead_tasks.csv 第2行 lead_unit_code 列",
        "sources.csv 第2行 kind 列",
        "units.csv 第2行 tags 列",
        "units.csv 第3行 level 列",
    ]


def test_five_thousand_units_load_within_seconds(tmp_path):
    folder = write_registry(tmp_path, [unit_row(number) for number in range(5000)])
    begin = time.process_time()
    registry = load_registry(folder, EDITIONS)
    assert len(registry.units) == 5000
    assert time.process_time() - begin < 5
