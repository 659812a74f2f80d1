"""Bad submissions on real files. In: files (合成数据) as a department sends them. Out: what collect, intake and
validation find in them.

The workbooks are the project's own template filled in; faults are put in afterwards the way people put them in.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from openpyxl import Workbook, load_workbook
from sqlalchemy import Engine, select

from fazhi.collect import collect_folder
from fazhi.intake import parse_slice
from fazhi.registry import Unit
from fazhi.store import read
from fazhi.store.findings import current_findings
from fazhi.store.raw import RawStore
from fazhi.store.tables import parse, value
from fazhi.systems.edition import DatedValue, Deadline, Edition
from fazhi.validate import validate_slice
from support.intake import CSV_HEADER, put_submission
from support.returns import EVIDENCE, department, fill, shipped
from support.validate import _empty_store

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 9, tzinfo=SHANGHAI)
REGION = "150200"
WORKBOOK = "填报表（合成数据）.xlsx"
PROOF = {EVIDENCE: "合成数据".encode()}

Found = tuple[str, str, str | None, str | None]
"""Rule, severity, sheet, cell."""


@dataclass(frozen=True)
class Sent:
    """A submission as it comes."""

    files: Mapping[str, bytes]
    evidence: Mapping[str, bytes] = field(default_factory=lambda: PROOF)
    period: str = "2024"
    unit: str = ""
    kind: str = "unit"
    submitted_at: str = "2025-01-05T09:00:00+08:00"
    submitted_by: str = "合成数据甲"

    @property
    def sender(self) -> str:
        """The sender's code."""
        return self.unit or department().unit_code


class Office:
    """The office that assesses: a store, an inbox, the three steps."""

    def __init__(self, folder: Path) -> None:
        from fazhi.store import open_store

        (folder / "store.db").write_bytes(_empty_store())
        self.engine: Engine = open_store(f"sqlite:///{folder / 'store.db'}")
        self.raw = RawStore(str(folder / "raw"))
        self.inbox = folder / "inbox"
        self._revisions: dict[str, int] = {}
        self._changed: dict[int, Edition] = {}

    def set_deadline(self, value: str, unit: str) -> None:
        """Give the year 2024 a deadline for submissions; the shipped edition states none."""
        edition = shipped()[0].for_year(2024)
        dated = DatedValue(None, None, value, unit, 0, "unverified", "合成数据")
        deadline = Deadline("submission_after_period", "报送", (dated,))
        self._changed[2024] = replace(
            edition, deadlines={**edition.deadlines, "submission_after_period": deadline}
        )

    def _edition(self, year: int) -> Edition:
        return self._changed.get(year) or shipped()[0].for_year(year)

    def take(self, name: str, sent: Sent) -> None:
        """Put a submission into the inbox; one of a known name is its next revision."""
        self._revisions[name] = revision = self._revisions.get(name, 0) + 1
        put_submission(
            self.inbox,
            f"{name}-r{revision}",
            dict(sent.files),
            submission_id=name,
            unit=sent.sender,
            period=sent.period,
            revision=revision,
            kind=sent.kind,
            submitted_at=sent.submitted_at,
            evidence=dict(sent.evidence),
            submitted_by=sent.submitted_by,
        )

    def judge(self, *years: int, now: datetime = NOW) -> None:
        """Collect, read and validate the years."""
        _, registry = shipped()
        for year in years:
            counts = collect_folder(self.engine, self.raw, self.inbox, year, now=now)
            assert counts.problems == ()
            read_counts = parse_slice(
                self.engine, self.raw, self._edition(year), registry, year, now.date(), now=now
            )
            assert read_counts.problems == ()
        for year in years:
            edition = self._edition(year)
            validate_slice(
                self.engine, edition, registry, year, REGION, today=now.date(), gx_dir=None, now=now
            )

    def rows(self, name: str, year: int = 2024) -> list[dict[str, Any]]:
        """The findings in force on a submission."""
        with read(self.engine) as connection:
            found = current_findings(connection, year)
        return [one for one in found if one["submission_id"] == name]

    def values(self, name: str, indicator: str) -> list[dict[str, Any]]:
        """The values of an indicator that the latest revision of a submission was read as."""
        query = (
            select(value)
            .join(parse, parse.c.parse_id == value.c.parse_id)
            .where(parse.c.submission_id == name, parse.c.revision == self._revisions[name])
            .where(value.c.indicator_code == indicator)
            .order_by(value.c.row_no)
        )
        with read(self.engine) as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def found(self, name: str, year: int = 2024) -> list[Found]:
        """Rule, severity, sheet and cell of the findings in force on a submission, in order of their cells."""
        return sorted(
            ((one["rule"], one["severity"], one["sheet"], one["cell"]) for one in self.rows(name, year)),
            key=lambda one: (one[2] or "", one[3] or "", one[0]),
        )


def workbook(folder: Path, changes: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> bytes:
    """The template of the department, filled without a fault but for the changes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WORKBOOK
    fill(path, changes, **more)
    return path.read_bytes()


def edited(content: bytes, edit: Callable[[Workbook], object]) -> bytes:
    """A workbook after somebody worked on it."""
    book = load_workbook(io.BytesIO(content))
    edit(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cell(address: str, value: object, sheet: str = "填报表") -> Callable[[Workbook], object]:
    """An edit that types something into a cell."""

    def typed(book: Workbook) -> None:
        book[sheet][address].value = value  # type: ignore[union-attr]

    return typed


def places(**more: Any) -> dict[str, int]:
    """The row of each indicator in the template of the department."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        return fill(Path(folder) / WORKBOOK, **more)


def office_csv(*records: Sequence[object], header: str = CSV_HEADER) -> bytes:
    """A CSV of an office."""
    lines = [",".join("" if part is None else str(part) for part in record) for record in records]
    return ("\n".join([header, *lines]) + "\n").encode()


def unit_named(name: str, day: date = date(2024, 12, 31)) -> Unit:
    """The unit of the registry that has a name."""
    _, registry = shipped()
    (unit,) = registry.find_by_name(name, day)
    return unit
