"""The report: every finding with its place, nothing from outside, nothing that a department wrote can run."""

import base64
import hashlib
import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fazhi.model.terms import SEVERITY_ZH, Severity
from fazhi.validate.report import _place, write_report
from support.validate import City

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}&"
NOW = datetime(2026, 3, 1, 1, 42)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City.at(tmp_path)


def written(city: City, run_id: str = "backfill__2024__x") -> str:
    path = Path(str(city.engine.url.database)).with_name("reports") / "2024" / "page.html"
    write_report(
        city.engine, city.year, city.registry, city.edition, path, run_id=run_id, today=city.today, now=NOW
    )
    assert [one.name for one in path.parent.iterdir()] == ["page.html"], "no part of a page is left behind"
    return path.read_text(encoding="utf-8")


class Page(HTMLParser):
    """Collects what the tests ask of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def findings(self) -> list[str | None]:
        return [a["data-severity"] for tag, a in self.tags if tag == "article"]


def test_every_finding_is_on_the_page_with_its_place_and_fix(city: City):
    city.submit([{"indicator": "H1.1", "value": "5", "year": "-1"}])
    city.submit(
        [
            {"indicator": "I1.1", "numerator": "6669", "denominator": "6861", "stated": "99.49%"},
            {"indicator": "H1.1", "value": "29"},
            *({"indicator": "I1.2", "value": f"-{n}"} for n in range(1, 60)),
        ]
    )
    city.submit(
        [{"indicator": "E2.1", "numerator": "9", "denominator": "8", "by": "COURT", "kind": "office"}]
    )
    city.judge()
    html = written(city)
    found = city.findings()

    assert len(found) > 100
    assert sorted(Page(html).findings()) == sorted(one["severity"] for one in found)
    text = re.sub(r"\s+", " ", html)
    assert "填报表 H3" in text
    assert "按分子、分母计算是 97.20%" in text
    assert "由<b>COURT</b>报送，请其更正" in text
    assert "全部单位" in text
    for severity in Severity:
        assert SEVERITY_ZH[severity] in text
    assert f"本页列出全部 {len(found)} 处，没有省略" in text


def test_what_a_department_wrote_stays_text(city: City):
    city.submit(
        [
            {"indicator": "I1.2", "na": "1", "reason": HOSTILE},
            {"indicator": HOSTILE, "value": "1"},
            {"indicator": "E4.3", "value": "4", "evidence": "1", "evidence_missing": HOSTILE},
        ]
    )
    city.judge()
    html = written(city, run_id=HOSTILE)
    page = Page(html)

    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not any(
        tag in ("img", "iframe", "object", "form", "link", "a[href^=http]") for tag, _ in page.tags
    )
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{7*7}}" in html


def test_the_page_loads_nothing_and_allows_only_its_own_style_and_script(city: City):
    city.submit([{"indicator": "I1.2", "value": "-3"}])
    city.judge()
    html = written(city)

    outside = [
        value
        for _, attributes in Page(html).tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "data", "poster", "srcset") and not str(value).startswith("#")
    ]
    assert outside == []
    assert "@import" not in html
    assert "url(" not in html
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in html or f"{tag}-src 'sha256-{digest}'" in html


def test_findings_about_a_whole_file_come_first(city: City):
    city.submit([{"indicator": "I1.2", "value": "-3", "unit": "未登记"}])
    city.judge()
    html = written(city)
    assert html.index("关于整份文件") < html.index("主要负责人研究法治工作次数")
    assert "整个文件" in html


def test_a_year_without_validation_and_one_without_findings_say_so(city: City):
    assert "2024年度的数据还没有核验" in written(city)
    city.submit([{"indicator": "I1.2", "value": "3"}])
    city.judge()
    html = written(city)
    assert "没有发现问题" in html
    assert Page(html).findings() == []


def test_the_page_names_edition_run_and_time(city: City):
    html = written(city, run_id="scheduled__2024")
    assert city.edition.title_zh in html
    assert city.edition.digest[:16] in html
    assert "scheduled__2024" in html
    assert "2026年3月1日 01:42" in html


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("填报表 H3", "填报表 H3"),
        ("12:value", "第 12 行 value 列"),
        ("“COURT”2024年报送 12:denominator", "“COURT”2024年报送 第 12 行 denominator 列"),
    ],
)
def test_an_address_in_a_csv_is_said_in_words(address: str, said: str):
    assert _place(address) == said


def test_every_finding_names_its_legal_basis_with_its_status(city: City):
    city.submit([{"indicator": "I1.1", "numerator": "12", "denominator": "9"}])
    city.judge()
    (found,) = city.findings()
    check = next(one for one in city.edition.checks if one.check_id == found["check_id"])
    assert check.legal_basis_status == "unverified"
    assert f"规则 {check.rule}；依据：{check.legal_basis}（未核实）" in written(city)
