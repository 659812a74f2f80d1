"""Evidence by its names: what came, what is a dead link, what is another year's or another unit's."""

import pytest

from fazhi.intake.evidence import EvidenceFiles, Row, judge_links, judge_names, unit_names
from support.bad import unit_named
from support.returns import shipped

FILES = ("台账、清单（合成数据）.xlsx", "会议纪要（合成数据）.PDF")


def named(text: str):
    return EvidenceFiles(FILES).named(text)


def test_pieces_are_told_apart_whatever_joins_them():
    found = named("台账、清单（合成数据）.xlsx；会议纪要（合成数据）.pdf\n缺.pdf、https://www.gov.cn/a、b")
    assert found.came == ("台账、清单（合成数据）.xlsx", "会议纪要（合成数据）.pdf")
    assert found.missing == ("缺.pdf", "b")
    assert found.addresses == ("https://www.gov.cn/a",)
    assert len(found.pieces) == 5


@pytest.mark.parametrize(
    "address",
    [
        "https://www.gov.cn/a.html",
        "http://",
        "http:///a",
        "https:www.gov.cn",
        "http://localhost/a",
        "http://example.com/a",
        "www.",
        "http://gov/a",
        "https://oa.gov.cn/login",
        "http://www.gov.cn:99999/",
    ],
)
def test_an_address_without_a_copy_or_a_form_is_dead(address):
    seen = judge_links(named(address))
    assert (seen.rule, seen.found) == ("LINK_DEAD", address)


def test_an_address_beside_its_copy_is_alive_but_not_if_it_is_none():
    assert judge_links(named(f"https://www.gov.cn/a.html;{FILES[1]}")) is None
    assert judge_links(named(f"http://;{FILES[1]}")).rule == "LINK_DEAD"
    assert judge_links(named("")) is None


def judged(name: str, who: str = "包头市公安局", indicator: str = "A1.1"):
    editions, registry = shipped()
    row = Row(unit_named(who).unit_code, editions.for_year(2024).by_code[indicator], (2024, 2025))
    return judge_names(EvidenceFiles(()).named(name), row, unit_names(registry, 2024))


@pytest.mark.parametrize(
    "name",
    [
        "合成〔2022〕3号.pdf",
        "合成[2022]3号.pdf",
        "合成（2021）3号.pdf",
        "2022年度总结.pdf",
        "2022总结.pdf",
        "会议纪要20220305.pdf",
        "会议纪要2022-3-5.pdf",
        "2020-2022年规划.pdf",
        "2026年计划.pdf",
    ],
)
def test_a_document_of_another_year(name):
    seen = judged(name)
    assert (seen.rule, seen.found) == ("EVIDENCE_MISMATCH", name)
    assert "年" in seen.detail
    assert "2024" in seen.detail_en


@pytest.mark.parametrize(
    "name",
    [
        "合成〔2024〕3号.pdf",
        "合成〔2025〕1号.pdf",
        "关于2023年整改情况的报告（2024）.pdf",
        "法治政府建设实施方案（2021—2025年）.pdf",
        "2021-2025规划.pdf",
        "台账.pdf",
        "DSC_2019.jpg",
        "IMG20190001x.jpg",
        "案件2001件清单.pdf",
        "第12345号.pdf",
        "20249999.pdf",
    ],
)
def test_names_that_tell_of_no_other_year(name):
    assert judged(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "包头市财政局2024年台账.pdf",
        "市财政局台账.pdf",
        "附件1 包头市财政局证明.pdf",
        "2024年市财政局台账.pdf",
    ],
)
def test_a_document_issued_by_another_unit(name):
    seen = judged(name)
    assert seen.rule == "EVIDENCE_MISMATCH"
    assert "市财政局" in seen.detail


@pytest.mark.parametrize(
    "name",
    [
        "包头市公安局2024年台账.pdf",
        "市公安局与市财政局会签单.pdf",
        "市财政局与市公安局会签单.pdf",
        "关于向市财政局报送材料的函.pdf",
        "包头市人民政府文件.pdf",
        "东河区培训照片.jpg",
    ],
)
def test_the_own_unit_the_bodies_above_and_addressees_are_no_other_unit(name):
    assert judged(name) is None


def test_the_authority_of_the_indicator_is_no_other_unit():
    assert judged("包头市政务服务与数据管理局核对单.pdf", indicator="A1.2") is None
    assert judged("包头市政务服务与数据管理局核对单.pdf", indicator="A1.1") is not None
