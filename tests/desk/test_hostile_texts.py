"""What a department wrote reaches screen and downloads harmless, whatever it is (合成数据)."""

import hashlib
import io
import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from openpyxl import load_workbook

from fazhi import pipeline
from fazhi.collect import collect_folder
from fazhi.validate import validate_slice
from support.desk import PERSONS, DeskClient
from support.desk_city import REGION, DeskCity
from support.returns import department, fill

YEAR, PERIOD = 2024, "2024"
NOW = datetime.fromisoformat("2025-01-17T09:00:00+08:00")
SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '"><img src=x onerror=alert(1)>'
FORMULAS = ('=HYPERLINK("http://evil.invalid")', "+1+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\t=1+1")
ID = "sub'\"<b>=1&x"


@pytest.fixture
def sent(city: DeskCity) -> DeskCity:
    """A submission whose every free text is an attack."""
    folder = city.home / "inbox-of-its-own" / "hostile"
    folder.mkdir(parents=True)
    codes = list(fill(folder / "probe.xlsx", period=PERIOD))
    texts = [SCRIPT, ATTRIBUTE, *FORMULAS]
    changes = {
        code: {"note": text, "reason": text, "evidence": f"{text[:20]}.pdf", "numerator": text}
        for code, text in zip(codes, texts, strict=False)
    }
    fill(
        folder / "probe.xlsx",
        changes,
        period=PERIOD,
        cover={"填报人": SCRIPT, "审核人": FORMULAS[0], "签发人": ATTRIBUTE, "联系电话": FORMULAS[1]},
    )
    name = f"填报表{ATTRIBUTE[:2]}=1+1.xlsx"
    (folder / "probe.xlsx").rename(folder / name)
    evidence = next(path for path in folder.iterdir() if path.suffix == ".txt")
    bad_name = "=cmd<svg onload=alert(1)>.txt"
    shutil.move(evidence, folder / bad_name)
    manifest = {
        "submission_id": ID,
        "kind": "unit",
        "unit_code": department(YEAR).unit_code,
        "year": YEAR,
        "period": PERIOD,
        "revision": 9,
        "submitted_at": "2025-01-15T09:00:00+08:00",
        "updated_at": "2025-01-15T09:00:00+08:00",
        "submitted_by": SCRIPT,
        "files": [listed(folder / name, "workbook"), listed(folder / bad_name, "evidence")],
    }
    (folder / "submission.json").write_text(json.dumps(manifest), encoding="utf-8")
    ground = pipeline.Ground(city.settings)
    counts = collect_folder(ground.engine, ground.raw, folder.parent, YEAR, now=NOW)
    assert (counts.new, counts.problems) == (1, ())
    pipeline.intake(city.settings, YEAR)
    validate_slice(
        ground.engine, ground.edition(YEAR), ground.registry, YEAR, REGION, NOW.date(), None, now=NOW
    )
    return city


def listed(path: Path, role: str) -> dict[str, object]:
    content = path.read_bytes()
    return {
        "name": path.name,
        "role": role,
        "media_type": "application/octet-stream",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }


def path_of(tail: str = "") -> str:
    return f"/submissions/{quote(ID, safe='')}/9{tail}"


def test_pages_show_it_as_text(sent: DeskCity, desk: DeskClient) -> None:
    steward = desk.as_person(PERSONS["steward"])
    reason = quote(SCRIPT + FORMULAS[0])
    steward.post(path_of("/ask"), {"kind": "extension", "until": "2025-02-01", "reason": SCRIPT + ATTRIBUTE})
    for path in (
        path_of(),
        path_of(f"/preview?reason={reason}"),
        path_of(f"/difference?other={quote(ID, safe='')}&other_revision=9"),
        "/decisions",
        f"/?year={YEAR}&region={REGION}&show=all",
    ):
        answer = steward.get(path)
        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text
        for raw in ("<img src=x", "<svg onload", "<b>=1"):
            assert raw not in answer.text, path
        scripts = re.findall(r"<script[^>]*>", answer.text)
        assert all('src="' in one for one in scripts)
    shown = steward.get(path_of()).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown


def test_downloads_run_nothing(sent: DeskCity, desk: DeskClient) -> None:
    steward = desk.as_person(PERSONS["steward"])
    reason = quote(FORMULAS[0])
    marked = steward.get(path_of(f"/marked.xlsx?reason={reason}"))
    assert marked.status_code == 200
    book = load_workbook(io.BytesIO(marked.content))
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate, cell.value)
                text = str(cell.value or "")
                assert not text.startswith(("=", "+", "@", "\t", "\r")), (sheet.title, cell.coordinate, text)
                assert cell.hyperlink is None or cell.hyperlink.location, cell.coordinate
    receipt = steward.get(path_of(f"/receipt.html?reason={quote(SCRIPT)}"))
    assert "<script" not in receipt.text
    assert not re.search(r"<(img|svg)[ >]", receipt.text)
    for tail in ("/marked.xlsx", "/receipt.html", "/receipt.txt"):
        answer = steward.get(path_of(tail))
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert "\n" not in answer.headers["content-disposition"]


def test_an_evidence_file_is_only_ever_saved(sent: DeskCity, desk: DeskClient) -> None:
    steward = desk.as_person(PERSONS["steward"])
    (link,) = re.findall(
        r'href="/fazhi-desk(/submissions/[^"]+/files/[0-9a-f]{64})"', steward.get(path_of()).text
    )
    answer = steward.get(link.replace("&#39;", "'"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="')
    assert "<" not in disposition
