"""Submissions for the tests of collect and intake: workbooks and CSV of synthetic units (合成数据)."""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from openpyxl import Workbook

from fazhi.intake import Reading, Submitted, Wording, read_submission
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.systems.edition import Edition

UNIT = "11150200MB1A00001R"
OTHER_UNIT = "11620300013909010R"
# fmt: off
HEADERS = [
    "指标编码", "指标名称", "计量单位", "分子名称", "分子", "分母名称", "分母", "数值",
    "是否", "日期", "不适用", "不适用理由", "情况说明", "佐证材料",
]
# fmt: on
SIGNED = {"审核人": "甲（合成数据）", "签发人": "乙（合成数据）"}
"""What every cover has unless a test says otherwise."""
KEYS = {
    "code": 0,
    "name": 1,
    "numerator": 4,
    "denominator": 6,
    "value": 7,
    "boolean": 8,
    "date": 9,
    "not_applicable": 10,
    "reason": 11,
    "note": 12,
    "evidence": 13,
}
CSV_HEADER = "unit_code,period,indicator_code,numerator,denominator,value,not_applicable,reason,note,evidence"


def row(code: object, **filled: object) -> list[object]:
    """A row of the table by the keys above."""
    cells: list[object] = [None] * len(HEADERS)
    cells[0] = code
    for key, content in filled.items():
        cells[KEYS[key]] = content
    return cells


def book(
    rows: Sequence[Sequence[object]],
    *,
    cover: Mapping[str, object] | None = None,
    meta: Mapping[str, object] | None = None,
    headers: Sequence[object] = HEADERS,
    above: Sequence[Sequence[object]] = (("填报表",),),
    sheet_name: str = "填报表",
    formats: Mapping[str, str] | None = None,
    hidden: bool = False,
) -> bytes:
    """A workbook: cover, table under a title row, template marks. Row 3 is the first below the header."""
    workbook = Workbook()
    first = workbook.worksheets[0]
    first.title = "封面"
    for entry in {
        **(cover or {}),
        **{label: name for label, name in SIGNED.items() if label not in (cover or {})},
    }.items():
        first.append(entry)
    table = workbook.create_sheet(sheet_name)
    for cells in (*above, headers, *rows):
        table.append(list(cells))
    for address, number_format in (formats or {}).items():
        table[address].number_format = number_format
    table.sheet_state = "hidden" if hidden else "visible"
    if meta is not None:
        marks = workbook.create_sheet("_meta")
        for entry in meta.items():
            marks.append(entry)
        marks.sheet_state = "veryHidden"
    return saved(workbook)


def saved(workbook: Workbook) -> bytes:
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def csv_text(*records: str, header: str = CSV_HEADER) -> str:
    return "\n".join([header, *records]) + "\n"


def read(
    edition: Edition,
    content: bytes | str,
    *,
    period: str = "2024",
    kind: SubmissionKind = SubmissionKind.UNIT,
    sender: str = UNIT,
    evidence: Sequence[str] = (),
    name: str = "",
) -> Reading:
    """Read one file as a submission; it has a name of its kind unless it is given one."""
    submitted = Submitted(kind, sender, Period.parse(period), tuple(evidence))
    data = content.encode() if isinstance(content, str) else content
    wording = Wording(edition, submitted.period.year)
    named = name or ("填报表.xlsx" if data.startswith(b"PK") else "填报表.csv")
    return read_submission([(named, data)], submitted, edition, wording)


def found(reading: Reading) -> list[tuple[str, str | None, str | None]]:
    """Rule, sheet and cell of every finding."""
    return [(f.finding.rule, f.finding.sheet, f.finding.cell) for f in reading.findings]


def put_submission(
    inbox: Path,
    folder: str,
    files: Mapping[str, bytes],
    *,
    submission_id: str | None = None,
    unit: str = UNIT,
    period: str = "2024",
    revision: int = 1,
    kind: str = "unit",
    submitted_at: str = "2025-01-05T09:00:00+08:00",
    evidence: Mapping[str, bytes] | None = None,
    **changes: object,
) -> Path:
    """A sub-folder of the inbox with its ``submission.json``."""
    place = inbox / folder
    place.mkdir(parents=True, exist_ok=True)
    listed = []
    for role, group in (("workbook", files), ("evidence", evidence or {})):
        for name, content in group.items():
            (place / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            listed.append({"name": name, "role": role, "sha256": digest, "size": len(content)})
    manifest = {
        "submission_id": submission_id or folder,
        "unit_code": unit,
        "kind": kind,
        "year": int(period[:4]),
        "period": period,
        "revision": revision,
        "submitted_at": submitted_at,
        "updated_at": submitted_at,
        "files": listed,
        **changes,
    }
    (place / "submission.json").write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
    return place
