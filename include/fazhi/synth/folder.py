"""One submission as a folder. In: an envelope and its files. Out: ``submission.json`` beside the files.

The JSON is shaped like the portal's ``Submission``. Nothing here reads a clock: the caller says when.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fazhi.model.canonical import sha256_hex
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind

CSV_COLUMNS = (
    "unit_code",
    "period",
    "indicator_code",
    "numerator",
    "denominator",
    "value",
    "not_applicable",
    "reason",
    "note",
    "evidence",
)
"""The columns of a CSV submission (contracts/submission-workbook.md)."""

_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@dataclass(frozen=True)
class SubmittedFile:
    """A file of a submission; ``role`` is ``workbook`` for the table, ``evidence`` for the rest."""

    name: str
    role: str
    content: bytes


@dataclass(frozen=True)
class Envelope:
    """What ``submission.json`` says about a submission."""

    submission_id: str
    unit_code: str
    kind: SubmissionKind
    period: Period
    revision: int
    submitted_at: datetime
    submitted_by: str


def write_submission(folder: Path, envelope: Envelope, files: Sequence[SubmittedFile]) -> None:
    """Write a submission's folder; the folder must not hold another submission.

    Args:
        folder: Made where it is missing.
        envelope: Sender, period, revision, time.
        files: Names are unique within the submission and plain file names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file.name).write_bytes(file.content)
    (folder / "submission.json").write_text(_json(envelope, files), encoding="utf-8")


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A CSV in UTF-8, the header first, lines ended by a line feed alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def _json(envelope: Envelope, files: Sequence[SubmittedFile]) -> str:
    submitted_at = envelope.submitted_at.isoformat()
    document = {
        "submission_id": envelope.submission_id,
        "unit_code": envelope.unit_code,
        "kind": envelope.kind.value,
        "year": envelope.period.year,
        "period": str(envelope.period),
        "revision": envelope.revision,
        "submitted_at": submitted_at,
        "updated_at": submitted_at,
        "submitted_by": envelope.submitted_by,
        "files": [
            {
                "name": file.name,
                "role": file.role,
                "media_type": _MEDIA_TYPES.get(Path(file.name).suffix, "application/octet-stream"),
                "sha256": sha256_hex(file.content),
                "size": len(file.content),
            }
            for file in files
        ],
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
