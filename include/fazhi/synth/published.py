"""The published figures as submissions. In: ``include/samples/published/*.csv``. Out: submission folders.

``figures.csv`` holds the figures used, as public texts print them; ``mapping.csv`` says where each belongs
(period, source, unit, indicator, part); ``not_fitting.csv`` gives the reason for every figure left out. The
submissions made from them are committed under ``submissions/``. They are validated in a store of their own
and never scored: the figures are far from complete, and nobody submitted them.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from pathlib import Path

from fazhi.model.errors import ConfigurationError
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.registry import Registry
from fazhi.registry.records import Unit
from fazhi.settings import PROJECT_ROOT
from fazhi.synth.folder import CSV_COLUMNS, Envelope, SubmittedFile, csv_bytes, write_submission
from fazhi.systems import Editions

PUBLISHED_DIR = PROJECT_ROOT / "include" / "samples" / "published"
SUBMITTED_BY = "公开数据样本（据公开发布的文字整理，非单位报送，不作评分）"
TABLE_NAME = "公开数据.csv"
EXCERPT_NAME = "来源摘录.txt"

COLUMNS = (*CSV_COLUMNS, "reporting", "scope", "provenance")
_OF_THE_UNIT = "SUB"
_COLUMN_OF_PART = {
    "numerator": "numerator",
    "denominator": "denominator",
    "value": "value",
    "stated": "value",
}
"""A stated ratio stands in the value column: it is only checked against its parts."""

_BEIJING_TIME = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Figure:
    """A figure as a public text prints it."""

    fig_id: str
    source_file: str
    phrase: str


@dataclass(frozen=True)
class Cell:
    """A figure's place in a row: which part it is and how the text writes it."""

    figure: Figure
    part: str
    written: str


@dataclass(frozen=True)
class PublishedRow:
    """The figures of one indicator for one unit and period."""

    row: str
    period: Period
    source: str
    about: str
    indicator_code: str
    reporting: str
    scope: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class PublishedOutcome:
    """What was written."""

    submissions: int
    rows: int
    figures: int


@dataclass(frozen=True)
class _Placed:
    """A row with the codes that the registry gives: who sends it, whom it concerns."""

    row: PublishedRow
    sender: Unit
    kind: SubmissionKind
    unit: Unit


def published_inbox() -> Path:
    """The folder of the committed submissions, ready to be collected."""
    return PUBLISHED_DIR / "submissions"


def load_figures(folder: Path = PUBLISHED_DIR) -> dict[str, Figure]:
    """The figures used, by id."""
    return {
        line["fig_id"]: Figure(line["fig_id"], line["source_file"], line["phrase_cn"])
        for line in _lines(folder / "figures.csv")
    }


def load_rows(folder: Path = PUBLISHED_DIR) -> tuple[PublishedRow, ...]:
    """The rows of the samples, in the order of ``mapping.csv``.

    Raises:
        ConfigurationError: A figure not in ``figures.csv``, or a number that its phrase does not contain.
    """
    figures = load_figures(folder)
    faults: list[str] = []
    grouped: dict[str, list[dict[str, str]]] = defaultdict(list)
    for number, line in enumerate(_lines(folder / "mapping.csv"), 2):
        faults += _faults_of_line(number, line, figures)
        grouped[line["row"]].append(line)
    if faults:
        raise ConfigurationError("公开数据样本的对应表有误：", tuple(faults))
    return tuple(_row(lines, figures) for lines in grouped.values())


def write_published(
    out: Path, registry: Registry, editions: Editions, folder: Path = PUBLISHED_DIR
) -> PublishedOutcome:
    """Write the published figures as submissions; the same data give the same bytes.

    Args:
        out: Where the folders go, one per period and sender.
        registry: Gives the codes of the bodies named, as they were in the period.
        editions: Give the indicators of each year.
        folder: Where the three data files are.

    Raises:
        ConfigurationError: A body, source or indicator that the year does not know; all faults at once.
    """
    rows = load_rows(folder)
    placed = _place(rows, registry, editions)
    by_submission: dict[tuple[str, str, SubmissionKind], list[_Placed]] = defaultdict(list)
    for item in placed:
        by_submission[str(item.row.period), item.sender.unit_code, item.kind].append(item)
    for items in by_submission.values():
        _write(out, items)
    return PublishedOutcome(
        submissions=len(by_submission),
        rows=len(rows),
        figures=len({cell.figure.fig_id for row in rows for cell in row.cells}),
    )


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _faults_of_line(number: int, line: Mapping[str, str], figures: Mapping[str, Figure]) -> list[str]:
    where = f"mapping.csv 第{number}行"
    faults = []
    figure = figures.get(line["fig_id"])
    if figure is None:
        faults.append(f"{where} fig_id:{line['fig_id']} 不在 figures.csv 中")
    elif line["written"] not in figure.phrase.replace(" ", ""):
        faults.append(f"{where} written:“{line['written']}”不在原文“{figure.phrase}”中")
    if line["part"] not in _COLUMN_OF_PART:
        faults.append(f"{where} part:“{line['part']}”应为 {'、'.join(_COLUMN_OF_PART)} 之一")
    return faults


def _row(lines: Sequence[Mapping[str, str]], figures: Mapping[str, Figure]) -> PublishedRow:
    head = lines[0]
    return PublishedRow(
        row=head["row"],
        period=Period.parse(head["period"]),
        source=head["source"],
        about=head["about"],
        indicator_code=head["indicator_code"],
        reporting=head["reporting"],
        scope=head["scope"],
        note=head["note"],
        cells=tuple(Cell(figures[line["fig_id"]], line["part"], line["written"]) for line in lines),
    )


def _place(rows: Iterable[PublishedRow], registry: Registry, editions: Editions) -> list[_Placed]:
    placed: list[_Placed] = []
    faults: list[str] = []
    for row in rows:
        indicator = editions.for_year(row.period.year).by_code.get(row.indicator_code)
        if indicator is None or row.source not in indicator.sources:
            faults.append(
                f"{row.row}：{row.period.year}年的指标体系没有由 {row.source} 报送的 {row.indicator_code}"
            )
            continue
        unit = _only_unit(registry, row)
        sender = unit if row.source == _OF_THE_UNIT else _authority(registry, row)
        if unit is None or sender is None:
            faults.append(f"{row.row}：登记册在{row.period}找不到“{row.about}”或来源 {row.source} 的主管单位")
            continue
        kind = SubmissionKind.UNIT if row.source == _OF_THE_UNIT else SubmissionKind.OFFICE
        placed.append(_Placed(row, sender, kind, unit))
    if faults:
        raise ConfigurationError("公开数据样本与登记册或指标体系对不上：", tuple(faults))
    return placed


def _only_unit(registry: Registry, row: PublishedRow) -> Unit | None:
    found = registry.find_by_name(row.about, row.period.last_day)
    return found[0] if len(found) == 1 else None


def _authority(registry: Registry, row: PublishedRow) -> Unit | None:
    code = registry.authority_of(row.source, row.period.year)
    return None if code is None else registry.unit_on(code, row.period.last_day)


def _write(out: Path, items: Sequence[_Placed]) -> None:
    first = items[0]
    period, sender = first.row.period, first.sender
    suffix = "-职能部门" if first.kind is SubmissionKind.OFFICE else ""
    name = f"{period}-{sender.short_name_zh or sender.name_zh}{suffix}"
    envelope = Envelope(
        submission_id=f"published-{period}-{first.kind.value}-{sender.unit_code}",
        unit_code=sender.unit_code,
        kind=first.kind,
        period=period,
        revision=1,
        submitted_at=datetime.combine(period.last_day + timedelta(days=1), time(), _BEIJING_TIME),
        submitted_by=SUBMITTED_BY,
    )
    files = (
        SubmittedFile(TABLE_NAME, "workbook", csv_bytes(COLUMNS, [_csv_row(item) for item in items])),
        SubmittedFile(EXCERPT_NAME, "evidence", _excerpt(items)),
    )
    write_submission(out / name, envelope, files)


def _csv_row(item: _Placed) -> list[str]:
    row = item.row
    filled = {_COLUMN_OF_PART[cell.part]: cell.written for cell in row.cells}
    filled |= {
        "unit_code": item.unit.unit_code,
        "period": str(row.period),
        "indicator_code": row.indicator_code,
        "note": row.note,
        "evidence": EXCERPT_NAME,
        "reporting": row.reporting,
        "scope": row.scope,
        "provenance": "|".join(f"{cell.figure.fig_id};{cell.figure.source_file}" for cell in row.cells),
    }
    return [filled.get(column, "") for column in COLUMNS]


def _excerpt(items: Sequence[_Placed]) -> bytes:
    figures = {cell.figure.fig_id: cell.figure for item in items for cell in item.row.cells}
    lines = [SUBMITTED_BY, "", *(f"{f.fig_id} {f.source_file} “{f.phrase}”" for f in figures.values())]
    return ("\n".join(lines) + "\n").encode("utf-8")
