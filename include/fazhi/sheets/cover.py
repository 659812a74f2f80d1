"""What a workbook says about itself. In: its cells. Out: cover sheet and template marks, with addresses."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from fazhi.model.period import Period
from fazhi.sheets.cells import ReadFile, Sheet

COVER_SHEET = "封面"
META_SHEET = "_meta"
UNIT_NAME = "单位名称"
UNIT_CODE = "统一社会信用代码"
PERIOD = "填报期"
SYSTEM = "指标体系版本"
FILLED_BY = "填报人"
CHECKED_BY = "审核人"
SIGNED_BY = "签发人"
FILLED_ON = "填报日期"
PHONE = "联系电话"
COVER_LABELS = (UNIT_NAME, UNIT_CODE, PERIOD, SYSTEM, FILLED_BY, CHECKED_BY, SIGNED_BY, FILLED_ON, PHONE)

_PERIOD_WORDS = (
    (re.compile(r"(20\d\d)年?(?:度|全年)?"), "{0}"),
    (re.compile(r"(20\d\d)[年-]?(?:上半年|H1)"), "{0}-H1"),
    (re.compile(r"(20\d\d)[年-]?(?:下半年|H2)"), "{0}-H2"),
    (re.compile(r"(20\d\d)[年-]?(?:第?([一二三四1-4])季度?|Q([1-4]))"), "{0}-Q{1}"),
    (re.compile(r"(20\d\d)[年-](0?[1-9]|1[0-2])月?(?:份)?"), "{0}-{1:0>2}"),
)
_QUARTERS = {"一": "1", "二": "2", "三": "3", "四": "4"}


@dataclass(frozen=True)
class Entry:
    """A value of a sheet of labels and values, and where it stands."""

    text: str
    sheet: str
    cell: str


@dataclass(frozen=True)
class Cover:
    """The cover sheet: the entries that are filled, by label."""

    entries: dict[str, Entry]

    def text(self, label: str) -> str:
        """The text of an entry, empty when it is not filled."""
        entry = self.entries.get(label)
        return entry.text if entry is not None else ""

    @property
    def unit_code(self) -> str:
        """The credit code in capitals, empty when not filled."""
        return code_of(self.text(UNIT_CODE))

    @property
    def period(self) -> Period | None:
        """The period, ``None`` when it is not filled or not one."""
        return period_of(self.text(PERIOD))


def code_of(text: str) -> str:
    """A code with full-width letters and small letters made plain, and without blanks around it."""
    return unicodedata.normalize("NFKC", text).strip().upper()


@lru_cache(maxsize=1_024)
def period_of(text: str) -> Period | None:
    """A period as contracts or people write it (``2024-Q3``, ``2024年第三季度``); ``None`` if it is none."""
    squeezed = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()
    for pattern, form in _PERIOD_WORDS:
        match = pattern.fullmatch(squeezed)
        if match is not None:
            year, *rest = (group for group in match.groups() if group)
            return Period.parse(form.format(year, *(_QUARTERS.get(part, part) for part in rest)))
    return None


def cover_of(file: ReadFile) -> Cover | None:
    """The cover sheet of a workbook, ``None`` when it has none."""
    sheet = file.sheet(COVER_SHEET)
    return None if sheet is None else Cover(_labelled(sheet))


def template_of(file: ReadFile) -> dict[str, str]:
    """The marks that the template writer left in the very hidden sheet; empty for other files."""
    sheet = file.sheet(META_SHEET)
    return {} if sheet is None else {label: entry.text for label, entry in _labelled(sheet).items()}


def _labelled(sheet: Sheet) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for row in sheet.rows:
        label = re.sub(r"[\s:\uff1a]", "", row.text(1))
        if label and row.text(2):
            entries.setdefault(label, Entry(row.text(2), sheet.name or "", f"B{row.number}"))
    return entries
