"""What a submission says of itself. In: a ``submission.json``, or the portal's item. Out: a manifest, or its faults.

The shape is the portal's ``Submission`` (submission-portal.openapi.yaml). Names of files are data: a name
that is more than a plain name is refused.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fazhi.model.canonical import digest
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ROLES = ("workbook", "evidence")
_MAX_TEXT = 200
_MAX_NAME = 255
_MAX_FILES = 1_000


class ManifestError(Exception):
    """A manifest that cannot be used; the message lists everything wrong, in Chinese."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("；".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class ListedFile:
    """A file of a submission as its manifest lists it."""

    name: str
    role: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """One revision of one submission."""

    submission_id: str
    revision: int
    kind: SubmissionKind
    sender_code: str
    period: Period
    submitted_at: str
    submitted_by: str
    files: tuple[ListedFile, ...]

    @property
    def content_digest(self) -> str:
        """The digest of who sends what for when, whatever the order of files."""
        return digest(
            {
                "kind": self.kind.value,
                "sender": self.sender_code,
                "period": str(self.period),
                "files": sorted([file.role, file.name, file.sha256] for file in self.files),
            }
        )


def read_manifest(text: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        ManifestError: It is no JSON object of the portal's shape; names every fault.
    """
    try:
        data = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as broken:
        raise ManifestError([f"submission.json 不是有效的JSON({broken})"]) from broken
    return manifest_of(data)


def manifest_of(data: Any) -> Manifest:
    """The manifest in JSON data.

    Raises:
        ManifestError: It is no JSON object of the portal's shape; names every fault.
    """
    if not isinstance(data, dict):
        raise ManifestError(["报送的说明应是一个JSON对象"])
    reader = _Reader(data)
    manifest = Manifest(
        submission_id=reader.text("submission_id"),
        revision=reader.whole("revision", at_least=1),
        kind=reader.kind(),
        sender_code=reader.text("unit_code").upper(),
        period=reader.period(),
        submitted_at=reader.moment("submitted_at"),
        submitted_by=reader.optional_text("submitted_by"),
        files=reader.files(),
    )
    if reader.faults:
        raise ManifestError(reader.faults)
    return manifest


def is_plain_name(name: str) -> bool:
    """Whether a name is a name and nothing more: no path, no control character, not ``.`` or ``..``."""
    return (
        0 < len(name.encode("utf-8", "surrogatepass")) <= _MAX_NAME
        and name.strip(" .") != ""
        and not re.search(r"[/\\\x00-\x1f\x7f\ud800-\udfff]", name)
    )


class _Reader:
    """Reads one field after the other and gathers the faults."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self.faults: list[str] = []

    def text(self, field: str) -> str:
        found = self._data.get(field)
        if isinstance(found, str) and 0 < len(found.strip()) <= _MAX_TEXT and found.isprintable():
            return found.strip()
        self.faults.append(f"{field} 缺失或不是有效文字")
        return ""

    def optional_text(self, field: str) -> str:
        return self.text(field) if self._data.get(field) not in (None, "") else ""

    def whole(self, field: str, at_least: int) -> int:
        found = self._data.get(field)
        if isinstance(found, int) and not isinstance(found, bool) and at_least <= found < 2**31:
            return found
        self.faults.append(f"{field} 应为不小于{at_least}的整数")
        return at_least

    def kind(self) -> SubmissionKind:
        found = self._data.get("kind", SubmissionKind.UNIT.value)
        if found in [kind.value for kind in SubmissionKind]:
            return SubmissionKind(found)
        self.faults.append("kind 应为 unit 或 office")
        return SubmissionKind.UNIT

    def period(self) -> Period:
        text = self.text("period")
        try:
            period = Period.parse(text)
        except ValueError:
            if text:
                self.faults.append(f"period “{text}”应为 2024、2024-H1、2024-Q3 或 2024-07 这样的形式")
            return Period.whole_year(2000)
        if self.whole("year", at_least=2000) not in (period.year, 2000):
            self.faults.append(f"period “{text}”与 year {self._data['year']} 不一致")
        return period

    def moment(self, field: str) -> str:
        found = self.text(field)
        try:
            if datetime.fromisoformat(found).tzinfo is not None:
                return found
        except ValueError:
            pass
        self.faults.append(f"{field} 应为带时区的时间，如 2024-07-05T09:30:00+08:00")
        return found

    def files(self) -> tuple[ListedFile, ...]:
        listed = self._data.get("files")
        if not isinstance(listed, list) or len(listed) > _MAX_FILES:
            self.faults.append(f"files 应为不超过{_MAX_FILES}项的列表")
            return ()
        files = tuple(
            file for number, item in enumerate(listed, 1) if (file := self._file(number, item)) is not None
        )
        repeated = [name for name, times in Counter(file.name for file in files).items() if times > 1]
        self.faults += [f"files 中“{name}”出现多次" for name in repeated]
        return files

    def _file(self, number: int, item: object) -> ListedFile | None:
        if not isinstance(item, dict):
            self.faults.append(f"files 第{number}项应是一个JSON对象")
            return None
        name, role, sha256, size = (item.get(key) for key in ("name", "role", "sha256", "size"))
        wrong = []
        if not (isinstance(name, str) and is_plain_name(name)):
            wrong.append("name 不是单纯的文件名")
        if role not in _ROLES:
            wrong.append("role 应为 workbook 或 evidence")
        if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
            wrong.append("sha256 应为64位小写十六进制")
        if not (isinstance(size, int) and not isinstance(size, bool) and size >= 0):
            wrong.append("size 应为非负整数")
        if wrong:
            self.faults.append(f"files 第{number}项：{'、'.join(wrong)}")
            return None
        return ListedFile(str(name), str(role), str(sha256), int(str(size)))
