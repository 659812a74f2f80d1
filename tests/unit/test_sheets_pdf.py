"""PDFs that come as evidence: what is in them is told, what cannot be looked into is refused, nothing hangs."""

import io
import os
import resource
import time
import zipfile

import pytest

from fazhi.sheets import attachments, inspect_attachment, limits
from support import pdfs


def told(content: bytes, name: str = "佐证.pdf") -> list[tuple[str, str]]:
    """Rule and case of everything that is found."""
    return [(fault.rule, fault.case) for fault in inspect_attachment(name, content)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("plain", []),
        ("marked", [("CLASSIFIED", "")]),
        ("restricted", [("CLASSIFIED", "")]),
        ("personal", [("PII_FOUND", "evidence")]),
        ("password", [("ENCRYPTED", "")]),
    ],
)
def test_what_stands_in_a_pdf_is_found(name: str, found: list[tuple[str, str]]):
    assert told(pdfs.content_of(name)) == found


def test_a_fault_never_repeats_what_stands_in_a_pdf():
    (personal,) = inspect_attachment("台账.pdf", pdfs.content_of("personal"))
    assert personal.detail == "佐证材料“台账.pdf”里有手机号码"
    (marked,) = inspect_attachment("台账.pdf", pdfs.content_of("marked"))
    assert "绝密" not in f"{marked.found}{marked.detail}{marked.detail_en}"


def test_a_pdf_inside_an_archive_inside_an_archive_is_looked_into():
    inner = _zip(("a.pdf", pdfs.content_of("marked")))
    assert told(_zip(("内层.zip", inner)), "材料.zip") == [("CLASSIFIED", "")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7\n%\xe2\xe3", "打不开，文件已损坏"),
        (pdfs.content_of("plain")[:3000], "打不开，文件已损坏"),
        (pdfs.looping(), "打不开，文件已损坏"),
        (b"%PDF-1.7\n" + os.urandom(1_000_000), "打不开，文件已损坏"),
    ],
)
def test_a_pdf_that_does_not_open_is_refused(content: bytes, why: str):
    (fault,) = inspect_attachment("台账.pdf", content)
    assert (fault.rule, fault.case, fault.detail) == ("FILE_TYPE", "evidence", f"佐证材料“台账.pdf”{why}")


def test_a_pdf_without_text_is_accepted():
    assert told(pdfs.pdf(b"q 1 0 0 1 0 0 cm Q")) == []


@pytest.mark.parametrize("make", [pdfs.bomb, pdfs.endless])
def test_a_hostile_pdf_is_ended_within_its_means(make):
    content = make()
    begun = time.process_time() + _of_children()
    found = told(content)
    spent = time.process_time() + _of_children() - begun
    assert found == [("FILE_TYPE", "evidence")]
    assert spent < limits.MAX_PDF_SECONDS + 4


def test_a_process_that_is_ended_over_one_pdf_is_begun_anew_for_the_next(monkeypatch: pytest.MonkeyPatch):
    real, asked = attachments.PdfProcess.look, []

    def look(self, content):
        asked.append(len(content))
        if len(asked) == 1:
            self._process = None
            monkeypatch.setattr("fazhi.sheets.pdf.limits.MAX_PDF_WALL_SECONDS", 0)
            try:
                return real(self, content)
            finally:
                monkeypatch.setattr("fazhi.sheets.pdf.limits.MAX_PDF_WALL_SECONDS", 25)
        return real(self, content)

    monkeypatch.setattr(attachments.PdfProcess, "look", look)
    both = _zip(("a.pdf", pdfs.content_of("plain")), ("b.pdf", pdfs.content_of("marked")))
    assert sorted(told(both, "材料.zip")) == [("CLASSIFIED", ""), ("FILE_TYPE", "evidence")]


def test_more_pdfs_than_there_is_time_for_are_refused_and_said_to_be(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(attachments.limits, "MAX_PDF_SECONDS_TOGETHER", 0)
    (fault,) = inspect_attachment("材料.zip", _zip(("a.pdf", pdfs.content_of("plain"))))
    assert fault.detail == "佐证材料“材料.zip”中的“a.pdf”来不及查看，压缩包里的PDF太多"


def test_the_process_sees_nothing_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    begun = []
    real = attachments.PdfProcess.look

    def look(self, content):
        answer = real(self, content)
        with open(f"/proc/{self._process.pid}/environ", "rb") as file:
            begun.append(file.read())
        return answer

    monkeypatch.setenv("FAZHI_SECRET_OF_A_TEST", "x")
    monkeypatch.setattr(attachments.PdfProcess, "look", look)
    assert told(pdfs.content_of("plain")) == []
    assert b"FAZHI_SECRET_OF_A_TEST" not in begun[0]


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _zip(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()
