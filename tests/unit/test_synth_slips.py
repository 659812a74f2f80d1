"""Planted faults: each changes the cell that a person would have to correct, and says which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

import pytest

from fazhi.model import unit_code
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.registry import Registry, Unit
from fazhi.synth.dice import Dice
from fazhi.synth.draft import EVIDENCE_NAME, TABLE_NAME, Draft, Line, draft_of, line_for
from fazhi.synth.duties import Report
from fazhi.synth.figures import Agreement, Reading
from fazhi.synth.planting import Slip
from fazhi.synth.slips import DRAFT_PLANTERS, ROW_PLANTERS
from fazhi.systems import Editions
from fazhi.systems.edition import Edition, Indicator

TODAY = date(2026, 7, 15)
YEAR = Period.parse("2025")

READINGS = {
    "C3.1": Reading(value="是"),
    "C3.2": Reading(38, 40),
    "C3.3": Reading(47, 50),
    "H1.1": Reading(value="12"),
    "I1.2": Reading(value="3"),
    "I1.3": Reading(value="91.5"),
    "I2.1": Reading(value="2025-03-20"),
    "A1.2": Reading(88, 90),
    "A1.3": Reading(0, 0),
}


@dataclass
class SmallWorld:
    """Answers of a world in which everything applies to everybody but what ``foreign`` names."""

    indicators: Sequence[Indicator]
    agreed: Sequence[Agreement] = ()
    stays_alone: bool = True
    foreign: frozenset[str] = frozenset()
    others: Sequence[str] = ("11150200MB1A01100K",)
    before: Mapping[str, Reading] = field(default_factory=dict)

    def applies(self, indicator: Indicator, unit_code: str) -> bool:
        return indicator.code not in self.foreign

    def answers_for(self, sender_code: str, indicator: Indicator) -> bool:
        return indicator.code not in self.foreign

    def is_reported_by_another(self, indicator: Indicator, unit_code: str) -> bool:
        return len(indicator.sources) > 1

    def other_units(self, code: str) -> Sequence[str]:
        return self.others

    def a_year_before(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        return self.before

    def compared_with(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        return self.before

    def readings_of(self, unit_code: str, period: Period) -> Mapping[str, Reading]:
        return {"E3.3": Reading(28, 30), "H1.1": Reading(value="8")}

    def is_reportable(self, indicator: Indicator) -> bool:
        return True


@pytest.fixture(scope="module")
def edition(editions: Editions) -> Edition:
    return editions.for_year(2025)


@pytest.fixture
def unit(registry: Registry) -> Unit:
    (found,) = registry.find_by_name("包头市司法局", TODAY)
    return found


@pytest.fixture
def draft(edition: Edition, unit: Unit) -> Draft:
    return draft_with(edition, unit, READINGS)


def draft_with(
    edition: Edition, unit: Unit, readings: Mapping[str, Reading], kind: SubmissionKind = SubmissionKind.UNIT
) -> Draft:
    items = tuple((unit, edition.by_code[code]) for code in readings)
    return draft_of(Report(kind, unit, YEAR, items), "synth-test", {unit.unit_code: readings})


@pytest.fixture
def world(edition: Edition) -> SmallWorld:
    return SmallWorld(edition.indicators)


def row_of(draft: Draft, code: str) -> int:
    return next(row for row, line in enumerate(draft.lines) if line.indicator.code == code)


def plant(rule: str, draft: Draft, code: str, world: SmallWorld, seed: int = 1) -> Slip | None:
    return ROW_PLANTERS[rule](draft, row_of(draft, code), Dice("test", seed), world)


def changed(before: Draft, after: Draft) -> set[tuple[int, str]]:
    """The cells that differ, of the rows that both have."""
    return {
        (row, column)
        for row, (one, other) in enumerate(zip(before.lines, after.lines, strict=False))
        for column in one.cells
        if one.cells[column] != other.cells[column]
    }


@pytest.mark.parametrize(
    ("rule", "code", "column"),
    [
        ("NUM_GT_DEN", "C3.2", "numerator"),
        ("RATIO_MISMATCH", "C3.2", "value"),
        ("PERCENT_FORM", "C3.2", "value"),
        ("PART_MISSING", "C3.2", "denominator"),
        ("FUZZY_NUMBER", "C3.2", "numerator"),
        ("FUZZY_NUMBER", "H1.1", "value"),
        ("NA_TOKEN", "C3.2", "numerator"),
        ("NA_TOKEN", "I1.2", "value"),
        ("COUNT_NOT_INTEGER", "H1.1", "value"),
        ("NEGATIVE", "I1.2", "value"),
        ("VALUE_TYPE", "C3.1", "value"),
        ("VALUE_TYPE", "I1.3", "value"),
        ("SCORE_RANGE", "I1.3", "value"),
        ("DATE_OUT_OF_PERIOD", "I2.1", "value"),
        ("DATE_INVALID", "I2.1", "value"),
        ("EVIDENCE_MISSING", "C3.3", "evidence"),
    ],
)
def test_a_fault_changes_its_own_cell_alone(
    draft: Draft, world: SmallWorld, rule: str, code: str, column: str
) -> None:
    before = draft.copy()
    slip = plant(rule, draft, code, world)
    assert slip is not None
    assert (slip.row, slip.column) == (row_of(draft, code), column)
    assert changed(before, draft) == {(row_of(draft, code), column)}
    assert len(draft.lines) == len(before.lines)


def test_a_numerator_above_its_denominator(draft: Draft, world: SmallWorld) -> None:
    plant("NUM_GT_DEN", draft, "C3.2", world)
    cells = draft.lines[row_of(draft, "C3.2")].cells
    assert int(cells["numerator"]) > int(cells["denominator"]) == 40


def test_a_stated_ratio_that_is_off_by_more_than_rounding(draft: Draft, world: SmallWorld) -> None:
    plant("RATIO_MISMATCH", draft, "C3.2", world)
    stated = draft.lines[row_of(draft, "C3.2")].cells["value"]
    assert stated.endswith("%")
    assert 1 < abs(Fraction(stated[:-1]) - 95) < 5
    assert 0 <= Fraction(stated[:-1]) <= 100


def test_a_share_without_a_percent_sign_is_the_right_share(draft: Draft, world: SmallWorld) -> None:
    plant("PERCENT_FORM", draft, "C3.2", world)
    assert draft.lines[row_of(draft, "C3.2")].cells["value"] == "0.9500"


def test_an_unapproved_not_applicable_leaves_no_numbers(draft: Draft, world: SmallWorld) -> None:
    slip = plant("NA_UNAPPROVED", draft, "C3.2", world)
    cells = draft.lines[row_of(draft, "C3.2")].cells
    assert slip is not None
    assert slip.column == "not_applicable"
    assert (cells["numerator"], cells["denominator"], cells["not_applicable"]) == ("", "", "是")
    assert cells["reason"].startswith("合成数据")


@pytest.mark.parametrize(
    ("rule", "column"),
    [
        ("DUP_ROW", "indicator_code"),
        ("UNIT_UNKNOWN", "unit_code"),
        ("INDICATOR_UNKNOWN", "indicator_code"),
        ("AUTHZ", "unit_code"),
    ],
)
def test_a_row_too_many_stands_at_the_end(draft: Draft, world: SmallWorld, rule: str, column: str) -> None:
    before = draft.copy()
    slip = plant(rule, draft, "H1.1", world)
    assert slip is not None
    assert changed(before, draft) == set()
    assert (slip.row, slip.column, len(draft.lines)) == (len(before.lines), column, len(before.lines) + 1)


def test_an_unknown_unit_has_a_code_right_in_form(
    draft: Draft, world: SmallWorld, registry: Registry
) -> None:
    slip = plant("UNIT_UNKNOWN", draft, "H1.1", world)
    assert slip is not None
    written = draft.lines[-1].cells["unit_code"]
    assert unit_code.is_valid(written)
    assert not registry.known_code(written)


def test_a_foreign_indicator_is_one_that_the_unit_is_not_assessed_on(draft: Draft, edition: Edition) -> None:
    world = SmallWorld(edition.indicators, foreign=frozenset({"D1.3"}))
    assert plant("NOT_APPLICABLE_TO_UNIT", draft, "C3.2", world) is not None
    assert draft.lines[-1].cells["indicator_code"] == "D1.3"


def test_an_office_steps_beyond_its_source(edition: Edition, unit: Unit) -> None:
    draft = draft_with(edition, unit, {"D6.1": Reading(28, 30)}, SubmissionKind.OFFICE)
    world = SmallWorld(edition.indicators, foreign=frozenset())
    assert plant("AUTHZ", draft, "D6.1", world) is None


def test_a_unit_reports_for_another_what_that_one_reports_itself(draft: Draft, world: SmallWorld) -> None:
    plant("AUTHZ", draft, "H1.1", world)
    assert draft.lines[-1].cells["unit_code"] == world.others[0]
    assert draft.lines[-1].cells["value"] == "8"
    assert plant("AUTHZ", draft, "C3.2", world) is None


def test_a_table_of_one_row_gets_no_row_of_another_unit(
    edition: Edition, unit: Unit, world: SmallWorld
) -> None:
    """It would be a table of two units, which is another fault."""
    draft = draft_with(edition, unit, {"H1.1": READINGS["H1.1"]})
    assert plant("AUTHZ", draft, "H1.1", world) is None
    assert len(draft.lines) == 1


@dataclass
class SternWorld(SmallWorld):
    """A world in which nobody answers for anything."""

    def answers_for(self, sender_code: str, indicator: Indicator) -> bool:
        return False


def test_an_office_reports_what_is_not_its_own(edition: Edition, unit: Unit) -> None:
    draft = draft_with(edition, unit, {"D6.1": Reading(28, 30)}, SubmissionKind.OFFICE)
    slip = plant("AUTHZ", draft, "D6.1", SternWorld(edition.indicators))
    assert slip is not None
    assert (slip.row, slip.column) == (1, "indicator_code")
    assert draft.lines[1].cells["indicator_code"] == "E3.3"


@pytest.mark.parametrize("rule", ["SUBSET", "SUM_MISMATCH"])
def test_a_broken_agreement_stands_on_the_part(draft: Draft, edition: Edition, rule: str) -> None:
    check = Agreement(rule, "C3.2", "denominator", "C3.3", "numerator")  # type: ignore[arg-type]
    slip = plant(rule, draft, "C3.2", SmallWorld(edition.indicators, agreed=[check]))
    assert slip is not None
    assert (slip.row, slip.column) == (row_of(draft, "C3.2"), "denominator")
    assert 47 < int(draft.lines[row_of(draft, "C3.2")].cells["denominator"]) <= 51


def test_numbers_that_others_are_compared_with_are_left_alone(draft: Draft, edition: Edition) -> None:
    check = Agreement("SUBSET", "C3.2", "denominator", "C3.3", "denominator")
    tied = SmallWorld(edition.indicators, agreed=[check])
    assert plant("NUM_GT_DEN", draft, "C3.2", tied) is None
    assert plant("NUM_GT_DEN", draft, "A1.2", tied) is None


def test_a_jump_needs_a_year_before_and_none_after(draft: Draft, edition: Edition) -> None:
    before = {"C3.2": Reading(35, 36)}
    assert plant("JUMP", draft, "C3.2", SmallWorld(edition.indicators)) is None
    followed = SmallWorld(edition.indicators, before=before, stays_alone=False)
    assert plant("JUMP", draft, "C3.2", followed) is None
    slip = plant("JUMP", draft, "C3.2", SmallWorld(edition.indicators, before=before))
    assert slip is not None
    assert slip.column == "denominator"
    assert int(draft.lines[row_of(draft, "C3.2")].cells["denominator"]) >= 4 * 36


def test_a_unit_disagrees_with_the_office(draft: Draft, world: SmallWorld) -> None:
    slip = plant("RECONCILE", draft, "A1.2", world)
    cells = draft.lines[row_of(draft, "A1.2")].cells
    assert slip is not None
    assert slip.column == "numerator"
    assert (cells["numerator"], cells["denominator"]) == ("97", "99")
    assert plant("RECONCILE", draft, "C3.2", world) is None


@pytest.mark.parametrize("rule", sorted(ROW_PLANTERS))
def test_what_does_not_fit_is_left_as_it_is(draft: Draft, world: SmallWorld, rule: str) -> None:
    """A ratio over no cases: only faults that need no cases can be planted there."""
    before = draft.copy()
    slip = plant(rule, draft, "A1.3", world)
    fitting = {
        "NA_UNAPPROVED",
        "UNIT_UNKNOWN",
        "INDICATOR_UNKNOWN",
        "FULLWIDTH",
        "INVISIBLE_CHAR",
        "PII_FOUND",
        "TOTAL_ROW",
        "ZERO_DENOMINATOR",
    }
    assert (slip is not None) is (rule in fitting)
    if slip is None:
        assert changed(before, draft) == set()


def test_a_sheet_copied_from_last_year(draft: Draft, edition: Edition) -> None:
    last_year = {
        code: Reading(reading.numerator, reading.denominator, reading.value)
        for code, reading in READINGS.items()
    }
    last_year |= {"C3.2": Reading(31, 33), "C3.3": Reading(40, 44), "H1.1": Reading(value="9")}
    del last_year["A1.2"]
    small = draft_with(edition, draft.report.sender, {c: READINGS[c] for c in last_year})
    slip = DRAFT_PLANTERS["STALE_COPY"](small, Dice("x"), SmallWorld(edition.indicators, before=last_year))
    assert slip is not None
    assert slip.row is None
    cells = small.lines[row_of(small, "C3.2")].cells
    assert (cells["numerator"], cells["denominator"]) == ("31", "33")
    assert small.lines[row_of(small, "I2.1")].cells["value"] == "2025-03-20"


@pytest.mark.parametrize(
    ("rule", "start"), [("NOT_DATA", b"%PDF-"), ("EMPTY", b""), ("NOT_TEMPLATE", "序号".encode())]
)
def test_a_file_that_is_no_table(draft: Draft, world: SmallWorld, rule: str, start: bytes) -> None:
    slip = DRAFT_PLANTERS[rule](draft, Dice("x"), world)
    assert slip is not None
    assert slip.row is None
    assert draft.content is not None
    assert draft.content.startswith(start)
    assert draft.table_name == (TABLE_NAME.replace(".csv", ".xlsx") if rule == "NOT_DATA" else TABLE_NAME)


@pytest.mark.parametrize(
    ("rule", "code", "column", "written"),
    [
        ("FULLWIDTH", "H1.1", "value", "１２"),
        ("FULLWIDTH", "C3.2", "numerator", "３８"),
        ("CN_NUMERAL", "H1.1", "value", "十二"),
        ("INVISIBLE_CHAR", "C3.2", "numerator", "\u200b38"),
        ("FLOAT_NOISE", "H1.1", "value", "12.00000000000002"),
        ("FUZZY_MALFORMED", "H1.1", "value", "12余"),
        ("ZERO_DENOMINATOR", "A1.3", "value", "100%"),
    ],
)
def test_a_form_is_wrong_and_nothing_else(
    draft: Draft, world: SmallWorld, rule: str, code: str, column: str, written: str
) -> None:
    before = draft.copy()
    slip = plant(rule, draft, code, world)
    row = row_of(draft, code)
    assert slip is not None
    assert (slip.row, slip.column) == (row, column)
    assert draft.lines[row].cells[column] == written
    assert changed(before, draft) == {(row, column)}


def test_a_malformed_fuzzy_number_is_found_as_fuzzy_too(draft: Draft, world: SmallWorld) -> None:
    slip = plant("FUZZY_MALFORMED", draft, "H1.1", world)
    assert slip is not None
    assert [(one.rule, one.column) for one in slip.brings] == [("FUZZY_NUMBER", "value")]


def test_separators_and_powers_of_ten_need_large_numbers(
    edition: Edition, unit: Unit, world: SmallWorld
) -> None:
    large = draft_with(edition, unit, {"H1.1": Reading(value="12345")})
    assert plant("SEPARATOR", large, "H1.1", world) is not None
    assert large.lines[0].cells["value"] == "12,345"
    larger = draft_with(edition, unit, {"H1.1": Reading(value="12345")})
    assert plant("SCI_NOTATION_ID", larger, "H1.1", world) is not None
    assert larger.lines[0].cells["value"] == "1.2E+04"
    small = draft_with(edition, unit, {"H1.1": Reading(value="99")})
    assert plant("SEPARATOR", small, "H1.1", world) is None
    assert plant("SCI_NOTATION_ID", small, "H1.1", world) is None


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("HEADER_CHANGED", "1:numerator"),
        ("HEADER_OFFSET", "2:unit_code"),
        ("TRAILING_NOTE", "11:unit_code"),
        ("ENCODING", ""),
        ("FILE_TYPE", ""),
        ("MACRO", ""),
    ],
)
def test_a_file_at_fault_names_its_place(draft: Draft, world: SmallWorld, rule: str, place: str) -> None:
    slip = DRAFT_PLANTERS[rule](draft, Dice("x"), world)
    assert slip is not None
    assert (slip.row, slip.place) == (None, place)
    assert draft.content


def test_a_classified_file_is_at_fault_in_all_its_rows(draft: Draft, world: SmallWorld) -> None:
    slip = DRAFT_PLANTERS["CLASSIFIED"](draft, Dice("x"), world)
    assert slip is not None
    assert slip.column == "note"
    assert draft.faulty == set(range(len(draft.lines)))


def test_every_row_says_that_it_is_synthetic(edition: Edition, unit: Unit) -> None:
    line: Line = line_for(unit, edition.by_code["C3.2"], "2025", Reading(1, 2))
    assert line.cells["note"] == "合成数据"
    assert line.cells["evidence"] == EVIDENCE_NAME
    assert "合成数据" in EVIDENCE_NAME
