"""A synthetic city. In: registry, editions, years, a seed. Out: submission folders and ``faults.csv``.

Everything is marked 合成数据: file names, notes, evidence, the sender's clerk. The same arguments give the
same bytes. Faults are planted at a rate and listed with the rule that must find them and the cell to correct.
"""

import csv
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta, timezone
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path

from fazhi.intake.table import TABLE_SHEET
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.registry import Registry, load_registry
from fazhi.synth.city import write_enlarged_registry
from fazhi.synth.dice import Dice
from fazhi.synth.draft import EVIDENCE_NAME, MARK, SUBMITTED_BY, Draft, Line, draft_of, table_cell
from fazhi.synth.duties import Duties, Report, Subject
from fazhi.synth.figures import Agreement, Figures, Reading, agreements
from fazhi.synth.folder import CSV_COLUMNS, Envelope, SubmittedFile, csv_bytes, write_submission
from fazhi.synth.planting import Slip
from fazhi.synth.slips import DRAFT_PLANTERS, NARROW, ROW_PLANTERS
from fazhi.synth.workbook import WORKBOOK_NAME, fill_workbook
from fazhi.systems import Editions
from fazhi.systems.edition import Edition, Indicator

Progress = Callable[[str], None]
Addresses = Callable[[int, str], str]
"""Where a row's cell stands in the file, by row of the draft and CSV column."""

FAULTS_FILE = "faults.csv"
REGISTRY_FOLDER = "registry"
SUBMISSIONS_FOLDER = "submissions"
SUBMISSION_PREFIX = "synth-"

_PRECISION = 10**6
_YEARS_BACK = 3
"""How far back a comparison with an earlier year looks."""

_CORRECTED = 250
"""Chance in a thousand that a unit corrects a faulty submission by a second revision."""

_BEIJING_TIME = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Planted:
    """A line of ``faults.csv``."""

    year: int
    submission_id: str
    revision: int
    unit_code: str
    period: str
    indicator_code: str
    rule: str
    severity: str
    file: str
    sheet: str
    cell: str
    written: str
    what: str
    corrected: str
    """是 when a later revision puts it right, else 否."""


@dataclass(frozen=True)
class SynthOutcome:
    """What was made: ``inbox`` holds the folders, ``submissions`` counts them, revisions included."""

    inbox: Path
    units: int
    submissions: int
    rows: int
    faults: tuple[Planted, ...]


def synthesise(
    registry: Registry,
    editions: Editions,
    years: Collection[int],
    units: int | None,
    seed: int,
    out: Path,
    faults_rate: Fraction,
    *,
    today: date,
    registry_dir: Path | None = None,
    regions: int = 1,
    workbooks: bool = False,
    progress: Progress | None = None,
) -> SynthOutcome:
    """Write the submissions of a synthetic city.

    Args:
        registry: The units to report on.
        editions: The editions of the indicator system.
        years: The assessment years.
        units: How many scored units; all of the registry when ``None``; made-up ones beyond it.
        seed: The same seed gives the same city.
        out: Gets ``submissions/`` with a folder each, ``faults.csv`` and, with made-up units, ``registry/``.
            What an earlier call made is removed.
        faults_rate: The share of rows (and of unit submissions) with a planted fault, 0 to 1.
        today: Only periods that have ended by then are reported.
        registry_dir: Where ``registry`` was read from; needed for made-up units.
        regions: Over how many cities made-up units are dealt.
        workbooks: Workbooks in place of CSV files.
        progress: Told what is being made.

    Raises:
        UsageError: A year not begun, a rate outside 0 to 1, made-up units without a ``registry_dir``.
        ConfigurationError: A year without an edition.
    """
    ordered = sorted(set(years))
    _check(ordered, units, faults_rate, today)
    _clear(out)
    registry, only = _population(registry, editions, ordered, units, out, today, registry_dir, regions)
    city = _City(registry, editions, ordered, seed, today, only)
    writer = _Writer(out, city, faults_rate, workbooks)
    for year in ordered:
        if progress is not None:
            progress(f"合成{year}年的报送数据")
        for draft in city.drafts(year):
            writer.write(draft)
    writer.write_faults()
    return SynthOutcome(
        out / SUBMISSIONS_FOLDER, len(only), writer.submissions, writer.rows, tuple(writer.planted)
    )


def _check(years: Sequence[int], units: int | None, faults_rate: Fraction, today: date) -> None:
    if not years:
        raise UsageError("没有给出年度")
    if years[-1] > today.year:
        raise UsageError(f"{years[-1]}年还没有开始，不能合成数据（今天是 {today}）")
    if units is not None and units < 1:
        raise UsageError(f"单位数应不少于1，收到 {units}")
    if not 0 <= faults_rate <= 1:
        raise UsageError(f"差错比例应在0与1之间，收到 {faults_rate}")


def _clear(out: Path) -> None:
    """Remove what an earlier call made, and nothing else."""
    out.mkdir(parents=True, exist_ok=True)
    (out / FAULTS_FILE).unlink(missing_ok=True)
    for folder in (out / SUBMISSIONS_FOLDER, out / REGISTRY_FOLDER):
        if folder.is_dir():
            shutil.rmtree(folder)


def _population(
    registry: Registry,
    editions: Editions,
    years: Sequence[int],
    units: int | None,
    out: Path,
    today: date,
    registry_dir: Path | None,
    regions: int,
) -> tuple[Registry, frozenset[str]]:
    """The registry to use and the codes of the units to report on."""
    known = sorted({unit.unit_code for year in years for unit in registry.scored_units(year, today)})
    latest = [unit.unit_code for unit in registry.scored_units(years[-1], today)]
    if units is None:
        return registry, frozenset(known)
    if units <= len(latest):
        return registry, frozenset(latest[:units])
    if registry_dir is None:
        raise UsageError(f"名录只有{len(latest)}个参评单位；要合成{units}个，须给出名录所在的文件夹")
    folder = out / REGISTRY_FOLDER
    write_enlarged_registry(registry_dir, folder, registry, editions, years, units - len(latest), regions)
    enlarged = load_registry(folder, editions)
    added = {unit.unit_code for unit in enlarged.units} - {unit.unit_code for unit in registry.units}
    return enlarged, frozenset(known) | added


class _Year:
    """One year of the city; what the planters ask about (``fazhi.synth.slips.World``)."""

    def __init__(self, city: "_City", year: int) -> None:
        self._city = city
        self.year = year
        self.edition: Edition = city.editions.for_year(year)
        self.duties = Duties(city.registry, self.edition, year, city.today, city.only)
        self.agreed: Sequence[Agreement] = agreements(self.edition, year)
        self.stays_alone = year == city.years[-1]

    @property
    def indicators(self) -> Sequence[Indicator]:
        return self.edition.indicators

    def readings(self, period: Period, subjects: Sequence[Subject]) -> dict[str, dict[str, Reading]]:
        """The readings of a period by unit and indicator."""
        return {
            subject.unit.unit_code: self._city.figures.of(
                subject.unit.unit_code,
                period,
                subject.applicable,
                self.agreed,
                self.duties.reported_on(subject.unit, period),
            )
            for subject in subjects
        }

    def readings_of(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        """The readings of one unit; empty when it reported nothing."""
        found = [one for one in self.duties.subjects(period) if one.unit.unit_code == unit_code]
        return self.readings(period, found).get(unit_code, {})

    @cached_property
    def _applicable(self) -> frozenset[tuple[str, str]]:
        last = self.duties.periods()[-1]
        return frozenset(
            (subject.unit.unit_code, indicator.code)
            for subject in self.duties.subjects(last)
            for indicator in subject.applicable
        )

    def applies(self, indicator: Indicator, unit_code: str) -> bool:
        return (unit_code, indicator.code) in self._applicable

    def answers_for(self, sender_code: str, indicator: Indicator) -> bool:
        return any(
            code == sender_code for _source, code in self._city.registry.reporters(indicator, self.year)
        )

    def is_reportable(self, indicator: Indicator) -> bool:
        return indicator.asked_of_unit or bool(self._city.registry.reporters(indicator, self.year))

    def is_reported_by_another(self, indicator: Indicator, unit_code: str) -> bool:
        registry = self._city.registry
        unit = registry.unit_on(unit_code, date(self.year, 12, 31))
        region = None if unit is None else registry.region_of(unit)
        return any(code != unit_code for _source, code in registry.reporters(indicator, self.year, region))

    @cached_property
    def _units(self) -> list[str]:
        return [unit.unit_code for unit in self._city.registry.scored_units(self.year, self._city.today)]

    def other_units(self, code: str) -> Sequence[str]:
        return [other for other in self._units if other != code]

    def a_year_before(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        return self._of_year(self.year - 1, unit_code, period)

    def compared_with(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        earlier = (self._of_year(self.year - back, unit_code, period) for back in range(1, _YEARS_BACK + 1))
        return next((readings for readings in earlier if readings), {})

    def _of_year(self, year: int, unit_code: str, period: Period) -> Mapping[str, Reading]:
        """What the same period of another year says without a fault; empty when that year is not made."""
        if year not in self._city.years:
            return {}
        same = Period(year, period.first_month, period.months)
        readings = self._city.year(year).readings_of(unit_code, same)
        faulty = self._city.faulty
        return {code: one for code, one in readings.items() if (unit_code, code, str(same)) not in faulty}


class _City:
    """The years of a city under one seed."""

    def __init__(
        self,
        registry: Registry,
        editions: Editions,
        years: Sequence[int],
        seed: int,
        today: date,
        only: Collection[str],
    ) -> None:
        self.registry = registry
        self.editions = editions
        self.years = years
        self.seed = seed
        self.today = today
        self.only = only
        self.figures = Figures(seed)
        self.faulty: set[tuple[str, str, str]] = set()
        """The figures that were reported with a fault, by unit, indicator and period."""
        self._years: dict[int, _Year] = {}

    def year(self, year: int) -> _Year:
        """A year, made once."""
        if year not in self._years:
            self._years[year] = _Year(self, year)
        return self._years[year]

    def drafts(self, year: int) -> Iterator[Draft]:
        """The faultless submissions of a year, period by period."""
        of_year = self.year(year)
        for period in of_year.duties.periods():
            subjects = of_year.duties.subjects(period)
            readings = of_year.readings(period, subjects)
            for report in of_year.duties.reports(period, subjects):
                yield draft_of(report, _submission_id(report), readings)


def _submission_id(report: Report) -> str:
    office = "office-" if report.kind is SubmissionKind.OFFICE else ""
    return f"{SUBMISSION_PREFIX}{report.period.year}-{office}{report.sender.unit_code}-{report.period}"


class _Writer:
    """Plants faults in drafts and writes them."""

    def __init__(self, out: Path, city: _City, faults_rate: Fraction, workbooks: bool) -> None:
        self._out = out
        self._city = city
        self._chance = int(faults_rate * _PRECISION)
        self._workbooks = workbooks
        self.submissions = 0
        self.rows = 0
        self.planted: list[Planted] = []
        self._compared: set[tuple[str, str, str]] = set()

    def write(self, draft: Draft) -> None:
        """Write a draft: as it is, with faults, or with faults and then corrected."""
        slips, faulty = self._with_faults(draft) if self._chance else ([], draft)
        self._city.faulty |= {_figure_of(line) for line in _touched(faulty, slips)}
        dice = Dice("corrected", self._city.seed, draft.submission_id)
        corrected = bool(slips) and draft.report.kind is SubmissionKind.UNIT and dice.permille(_CORRECTED)
        addresses = self._write_revision(faulty, 1)
        listing = _Listing(faulty, self._city.year(draft.year).edition, addresses, corrected)
        for rule, slip in slips:
            self.planted += listing.of(rule, slip)
        if corrected:
            self._write_revision(draft, 2)

    def write_faults(self) -> None:
        """Write the list of the faults planted, by submission and cell."""
        with (self._out / FAULTS_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [f.name for f in fields(Planted)], lineterminator="\n")
            writer.writeheader()
            writer.writerows(asdict(planted) for planted in self.planted)

    def _with_faults(self, clean: Draft) -> tuple[list[tuple[str, Slip]], Draft]:
        draft = clean.copy()
        world = self._city.year(draft.year)
        dice = Dice("whole fault", self._city.seed, draft.submission_id)
        if draft.report.kind is SubmissionKind.UNIT and dice.between(1, _PRECISION) <= self._chance:
            rules = [
                [r for r in DRAFT_PLANTERS if r in NARROW],
                [r for r in DRAFT_PLANTERS if r not in NARROW],
            ]
            return _first_fitting(rules, dice, lambda rule: DRAFT_PLANTERS[rule](draft, dice, world)), draft
        return self._with_row_faults(draft, world), draft

    def _with_row_faults(self, draft: Draft, world: _Year) -> list[tuple[str, Slip]]:
        slips: list[tuple[str, Slip]] = []
        for row in range(len(draft.lines)):
            dice = Dice("fault", self._city.seed, draft.submission_id, row)
            if dice.between(1, _PRECISION) > self._chance or row in draft.faulty:
                continue
            if _figure_of(draft.lines[row]) in self._compared:
                continue
            attempt = partial(_plant_in_row, draft, row, dice, world)
            for rule, slip in _first_fitting(_kinds_to_try(dice), dice, attempt):
                draft.faulty |= {row, *slip.also} | ({slip.row} if slip.row is not None else set())
                slips.append((rule, slip))
                if rule == "RECONCILE":
                    self._compared.add(_figure_of(draft.lines[row]))
        return slips

    def _write_revision(self, draft: Draft, revision: int) -> Addresses:
        """Write one revision; gives where the cells of its rows stand."""
        report = draft.report
        submitted_at = self._submitted_at(draft, revision)
        files, addresses = self._files(draft, submitted_at.date())
        suffix = "" if revision == 1 else f"-r{revision}"
        write_submission(
            self._out / SUBMISSIONS_FOLDER / f"{draft.submission_id}{suffix}",
            Envelope(
                submission_id=draft.submission_id,
                unit_code=report.sender.unit_code,
                kind=report.kind,
                period=report.period,
                revision=revision,
                submitted_at=submitted_at,
                submitted_by=SUBMITTED_BY,
            ),
            files,
        )
        self.submissions += 1
        self.rows += len(draft.lines)
        return addresses

    def _files(self, draft: Draft, filled_on: date) -> tuple[list[SubmittedFile], Addresses]:
        content, addresses = self._table(draft, filled_on)
        sender = draft.report.sender.name_zh
        evidence = f"{MARK}：本文件只供试用和测试，不是任何单位的真实材料。\n合成的报送单位：{sender}\n"
        files = [
            SubmittedFile(draft.table_name, "workbook", content),
            SubmittedFile(EVIDENCE_NAME, "evidence", evidence.encode()),
        ]
        return files, addresses

    def _table(self, draft: Draft, filled_on: date) -> tuple[bytes, Addresses]:
        if draft.content is not None:
            return draft.content, lambda _row, _column: ""
        if not self._workbooks:
            return csv_bytes(CSV_COLUMNS, draft.table()), table_cell
        draft.table_name = WORKBOOK_NAME
        filled = fill_workbook(
            draft,
            self._city.editions.for_year(draft.year),
            self._city.registry,
            today=self._city.today,
            filled_on=filled_on,
        )
        return filled.content, lambda row, column: filled.addresses[row, column]

    def _submitted_at(self, draft: Draft, revision: int) -> datetime:
        report = draft.report
        day = self._city.year(draft.year).duties.reported_on(report.sender, report.period)
        later = min(day + timedelta(days=2 * (revision - 1)), self._city.today)
        dice = Dice("hour", draft.submission_id, revision)
        return datetime.combine(later, time(dice.between(9, 17), dice.between(0, 59)), _BEIJING_TIME)


def _touched(draft: Draft, slips: Sequence[tuple[str, Slip]]) -> list[Line]:
    """The rows that faults stand on; all of them when the whole submission is at fault."""
    if any(slip.row is None for _rule, slip in slips):
        return draft.lines
    return [draft.lines[row] for row in draft.faulty]


def _figure_of(line: Line) -> tuple[str, str, str]:
    """Which figure a row states, whoever reports it."""
    return line.unit.unit_code, line.indicator.code, line.cells["period"]


def _plant_in_row(draft: Draft, row: int, dice: Dice, world: _Year, rule: str) -> Slip | None:
    return ROW_PLANTERS[rule](draft, row, dice, world)


def _kinds_to_try(dice: Dice) -> list[list[str]]:
    """The kinds of row faults, in groups: those that fit few rows go first half of the time."""
    if dice.permille(500):
        return [[r for r in ROW_PLANTERS if r in NARROW], [r for r in ROW_PLANTERS if r not in NARROW]]
    return [list(ROW_PLANTERS)]


def _first_fitting(
    rules: Sequence[Sequence[str]], dice: Dice, attempt: Callable[[str], Slip | None]
) -> list[tuple[str, Slip]]:
    """Plant the first kind of fault that fits, group by group, in an order drawn anew each time."""
    left = [list(kinds) for kinds in rules]
    for kinds in left:
        while kinds:
            rule = kinds.pop(dice.between(0, len(kinds) - 1))
            slip = attempt(rule)
            if slip is not None:
                return [(rule, slip)]
    return []


@dataclass(frozen=True)
class _Listing:
    """How the faults of a draft are listed."""

    draft: Draft
    edition: Edition
    addresses: Addresses
    corrected: bool

    def of(self, rule: str, slip: Slip) -> list[Planted]:
        """A planted fault, and what else is found because of it."""
        first = self._line(rule, slip.row, slip.column, slip, slip.check)
        return [first, *(self._line(one.rule, one.row, one.column, slip) for one in slip.brings)]

    def _line(self, rule: str, row: int | None, column: str, slip: Slip, check: str = "") -> Planted:
        line = self.draft.lines[row] if row is not None else None
        cell = self.addresses(row, column) if row is not None else slip.place
        of_file = line is None or rule == "TOTAL_ROW"  # left out of the table: it is nobody's row
        return Planted(
            year=self.draft.year,
            submission_id=self.draft.submission_id,
            revision=1,
            unit_code=self.draft.report.sender.unit_code
            if of_file or line is None
            else line.cells["unit_code"],
            period=str(self.draft.report.period),
            indicator_code="" if of_file or line is None else line.cells["indicator_code"],
            rule=rule,
            severity=self._severity(rule, check or rule),
            file=self.draft.table_name,
            sheet=TABLE_SHEET if cell and ":" not in cell else "",
            cell=cell,
            written=line.cells[column] if line else "",
            what=slip.what,
            corrected="是" if self.corrected else "否",
        )

    def _severity(self, rule: str, check_id: str) -> str:
        """The severity of the rule's check; of several, of the named one."""
        checks = sorted(
            (
                check
                for check in self.edition.checks
                if check.rule == rule and check.in_force(self.draft.year)
            ),
            key=lambda check: check.check_id != check_id,
        )
        return checks[0].severity.value
