"""What the cover says. In: the cover sheet, what is known of the submission. Out: what is wrong with it.

Checked are period, code and name of the sender, the system's edition, the sign-off and the date of filling in. A CSV
has no cover and is not asked for one.
"""

import re
from dataclasses import dataclass, replace
from datetime import date

from fazhi.intake.codes import judge_division_of_unit, judge_unit_code
from fazhi.intake.dates import read_date
from fazhi.intake.names import judge_name
from fazhi.intake.template import TEMPLATE_VERSION
from fazhi.intake.values import Submitted
from fazhi.intake.wording import Seen
from fazhi.model.quantity import is_placeholder
from fazhi.registry.registry import Registry
from fazhi.sheets import Cell, CellKind, Cover, ReadFile, Sheet, cover_of, period_of, template_of
from fazhi.sheets.cover import (
    CHECKED_BY,
    COVER_SHEET,
    FILLED_ON,
    PERIOD,
    SIGNED_BY,
    SYSTEM,
    UNIT_CODE,
    UNIT_NAME,
    Entry,
    code_of,
)
from fazhi.systems.edition import Edition

_DIVISION = "行政区划代码"
_NOBODY = re.compile(
    r"[\[(（【]?(?:已?(?:加?盖)?(?:公章|印章|电子章|签章|章)|已?盖章|签名|签字|图片|见附件|见原件|同上|略|待定?)[\])）】]?"
)
_SIGN_OFF_EXPECTED = ("审核人、签发人的姓名", "the names of the reviewer and of the signatory")


@dataclass(frozen=True)
class _Place:
    sheet: str | None
    cell: str | None


def judge_cover(
    file: ReadFile,
    submitted: Submitted,
    edition: Edition,
    registry: Registry | None,
    unreadable: frozenset[str],
) -> list[Seen]:
    """What is wrong with the cover and the template's marks.

    Args:
        file: The file, cleaned.
        submitted: What is known of the submission.
        edition: The indicator system of its year.
        registry: Its units; ``None`` leaves names unchecked.
        unreadable: Addresses on the cover whose characters cannot be identified; they are told already.
    """
    return _CoverReader(file, submitted, edition, registry, unreadable).judge()


class _CoverReader:
    """Looks at one cover."""

    def __init__(
        self,
        file: ReadFile,
        submitted: Submitted,
        edition: Edition,
        registry: Registry | None,
        unreadable: frozenset[str],
    ) -> None:
        self._file = file
        self._submitted = submitted
        self._edition = edition
        self._registry = registry
        self._unreadable = unreadable
        self._sheet = file.sheet(COVER_SHEET)
        self._cover = cover_of(file) or Cover({})
        self._template = template_of(file)

    def judge(self) -> list[Seen]:
        """Everything that is wrong, in the order of the cover."""
        seen = [*self._name(), *self._code(), *self._period(), *self._system(), *self._division()]
        if not self._file.is_csv:
            seen += [*self._sign_off(), *self._filled_on()]
        return seen

    # --- who and when

    def _name(self) -> list[Seen]:
        entry = self._cover.entries.get(UNIT_NAME)
        if entry is None or self._registry is None or entry.cell in self._unreadable:
            return []
        judged = judge_name(entry.text, self._submitted.sender_code, self._registry, self._submitted.period)
        return [] if judged is None else [_at(judged, entry)]

    def _code(self) -> list[Seen]:
        entry = self._entry(UNIT_CODE, "unit_code")
        if not entry.text or entry.cell in self._unreadable:
            return []
        cell = self._cell(entry)
        found = judge_unit_code(cell, self._registry, self._submitted.period.last_day)
        if entry.cell and any(one.rule != "FULLWIDTH" for one in found):
            return [_at(one, entry) for one in found]
        notes = [_at(one, entry) for one in found if entry.cell]
        if code_of(entry.text) == self._submitted.sender_code:
            return notes
        wrong = Seen(
            "AUTHZ",
            entry.text,
            self._submitted.sender_code,
            "封面的统一社会信用代码不是报送单位的代码",
            "The code on the cover is not the sender's.",
        )
        return [*notes, _at(wrong, entry)]

    def _period(self) -> list[Seen]:
        entry = self._entry(PERIOD, "period")
        period = self._submitted.period
        if not entry.text or entry.cell in self._unreadable or period_of(entry.text) == period:
            return []
        detail = f"报送的填报期是{period.name_zh}"
        seen = Seen("PERIOD_MISMATCH", entry.text, str(period), detail, f"the submission is for {period}")
        return [_at(seen, entry)]

    def _division(self) -> list[Seen]:
        entry = self._cover.entries.get(_DIVISION)
        if entry is None:
            return []
        judged = judge_division_of_unit(
            entry.text, self._submitted.sender_code, self._registry, self._submitted.period.last_day
        )
        return [] if judged is None else [_at(judged, entry)]

    # --- which edition

    def _system(self) -> list[Seen]:
        """A template of another edition or version asks otherwise; one of another state of the edition does not."""
        if any(note.rule == "TEMPLATE_VERSION" for note in self._file.notes):
            return []
        version = self._template.get("template_version", "")
        if version not in ("", TEMPLATE_VERSION):
            return [
                Seen(
                    "TEMPLATE_VERSION",
                    version,
                    TEMPLATE_VERSION,
                    f"填报表的模板是第{version}版，现在使用第{TEMPLATE_VERSION}版，请下载新的填报表",
                    f"The template is of version {version}, version {TEMPLATE_VERSION} is in use.",
                )
            ]
        entry = Entry(self._template.get("system_id", ""), "", "")
        if entry.text in ("", self._edition.system_id):
            written = self._cover.entries.get(SYSTEM) or entry
            stated = re.match(r"[0-9A-Za-z][0-9A-Za-z_.-]*", written.text)
            entry = replace(written, text=stated[0] if stated else "")
        if entry.text in ("", self._edition.system_id) or entry.cell in self._unreadable:
            return []
        seen = Seen(
            "TEMPLATE_VERSION",
            entry.text,
            self._edition.system_id,
            f"填报表是指标体系“{entry.text}”的，本年度使用“{self._edition.system_id}”，请下载新的填报表",
            f"The template is of {entry.text}, this year's system is {self._edition.system_id}.",
        )
        return [_at(seen, entry)]

    # --- sign-off

    def _sign_off(self) -> list[Seen]:
        unsigned = [label for label in (CHECKED_BY, SIGNED_BY) if not self._is_signed(label)]
        if not unsigned:
            return []
        names = "、".join(f"“{label}”" for label in unsigned)
        english = {CHECKED_BY: "reviewer", SIGNED_BY: "signatory"}
        places = [self._place(label) for label in unsigned]
        written = "、".join(text for label in unsigned if (text := self._cover.text(label)))
        return [
            Seen(
                "NOT_APPROVED",
                written,
                _SIGN_OFF_EXPECTED[0],
                f"封面没有填写{names}" if not written else f"封面的{names}填写的“{written}”不是姓名",
                f"the cover names no {' and no '.join(english[label] for label in unsigned)}",
                _SIGN_OFF_EXPECTED[1],
                sheet=places[0].sheet,
                cell=places[0].cell,
                related=tuple(place.cell for place in places[1:] if place.cell),
            )
        ]

    def _is_signed(self, label: str) -> bool:
        text = self._cover.text(label)
        return bool(text) and not is_placeholder(text) and _NOBODY.fullmatch(text) is None

    def _place(self, label: str) -> _Place:
        """Where an entry stands or would stand: beside its label."""
        for row in self._sheet.rows if self._sheet is not None else ():
            if re.sub(r"[\s:\uff1a]", "", row.text(1)) == label:
                return _Place(self._sheet.name if self._sheet is not None else None, f"B{row.number}")
        return _Place(self._sheet.name if self._sheet is not None else None, None)

    def _filled_on(self) -> list[Seen]:
        entry = self._cover.entries.get(FILLED_ON)
        if entry is None or is_placeholder(entry.text):
            return []
        cell = self._cell(entry)
        reading = read_date(entry.text)
        day = reading.day
        if day is None and cell.typed_number and cell.serial is not None:
            day = date.fromisoformat(cell.serial)
        if day is None:
            invalid = Seen(
                reading.rule,
                entry.text,
                "形如 2024-03-05 的日期",
                reading.reason_zh,
                reading.reason_en,
                "a date such as 2024-03-05",
                reading.case,
            )
            return [_at(invalid, entry)]
        seen = []
        if day.isoformat() != entry.text and cell.kind is not CellKind.DATE:
            seen.append(_at(Seen("DATE_FORMAT", entry.text, day.isoformat()), entry))
        received = self._submitted.received_on
        if received is not None and day > received:
            late = Seen("DATE_AFTER_SUBMISSION", entry.text, received.isoformat())
            seen.append(_at(late, entry))
        return seen

    # --- entries

    def _entry(self, label: str, in_template: str) -> Entry:
        """What the cover says, or where it says nothing, what the template was made for."""
        return self._cover.entries.get(label) or Entry(self._template.get(in_template, ""), "", "")

    def _cell(self, entry: Entry) -> Cell:
        """The cell of an entry with its kind."""
        sheet: Sheet | None = self._sheet
        number = entry.cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        row = next((row for row in sheet.rows if str(row.number) == number), None) if sheet else None
        return (row.cells.get(2) if row is not None else None) or Cell(entry.text)


def _at(seen: Seen, entry: Entry) -> Seen:
    return replace(seen, sheet=entry.sheet or None, cell=entry.cell or None)
