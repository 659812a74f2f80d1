"""Validating a slice: two counts that agree, nothing twice, nothing half, and what is compared with what."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from fazhi.model.errors import ConfigurationError, SystemFault, UsageError
from fazhi.model.terms import Severity, Tag
from fazhi.registry import Registry
from fazhi.registry.records import LeadTask
from fazhi.store import read, write
from fazhi.store.accepted import require_validated
from fazhi.store.findings import counts_by_severity, current_findings
from fazhi.store.tables import current_validation, finding, slice_parse, validation
from fazhi.validate import slices
from fazhi.validate.gate import committed_suite, counts_by_gx, raised_message
from support.validate import EDITIONS, GX_DIR, REGION, City, code_of, mark_all, small_registry, unit

COURT = {"by": "COURT", "kind": "office"}
ENFPLAT = {"by": "ENFPLAT", "kind": "office"}
WRONG_ROWS = (
    {"indicator": "I1.1", "numerator": "101", "denominator": "100"},
    {"indicator": "I1.2", "value": "-3"},
    {"indicator": "H1.1", "value": "12.6"},
    {"indicator": "E4.3", "value": "101"},
    {"indicator": "E4.3", "value": "101"},
)
WRONG_COUNTS = {"NUM_GT_DEN": 1, "NEGATIVE": 1, "COUNT_NOT_INTEGER": 1, "SCORE_RANGE": 2, "DUP_ROW": 2}


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City.at(tmp_path)


def rules_of(city: City) -> list[str]:
    return [one["rule"] for one in city.findings()]


# --- GX judges, SQL lists ------------------------------------------------------------------------------------------


def test_gx_itself_counts_what_the_listing_lists(city: City):
    city.submit([{"indicator": "H1.1", "value": "5", "year": "-1"}])
    city.submit(WRONG_ROWS)
    committed = sorted(GX_DIR.rglob("*"))

    outcome = city.judge(with_gx=True)

    mark_all(city.engine)
    with read(city.engine) as connection:
        suite = committed_suite(GX_DIR, city.edition)
        counted = counts_by_gx(city.engine, suite, city.year, REGION)
        assert {rule: count for rule, count in counted.items() if count} == WRONG_COUNTS
        assert set(counted) == {one["meta"]["rule"] for one in suite["expectations"]}
        assert counts_by_severity(connection, city.year) == {
            "block": 7,
            "hold": 0,
            "warn": 0,
            "note": 0,
            "security": 0,
        }
    assert outcome.counts["block"] == 7
    assert sorted(GX_DIR.rglob("*")) == committed, "a run writes nothing into the GX project"


def test_a_clean_slice_has_no_finding(city: City):
    city.submit([{"indicator": "I1.1", "numerator": "2", "denominator": "2", "stated": "100%"}])
    outcome = city.judge()
    assert sum(outcome.counts.values()) == 0
    assert city.findings() == []


def test_the_listing_and_gx_disagreeing_is_a_fault_of_the_system_and_leaves_nothing(
    city: City, monkeypatch: pytest.MonkeyPatch
):
    city.submit(WRONG_ROWS)
    monkeypatch.setattr("support.validate.counts_by_queries", lambda *_: {**WRONG_COUNTS, "NEGATIVE": 2})

    with pytest.raises(SystemFault, match="NEGATIVE：GX 2 条，清单 1 条"):
        city.judge()

    assert city.count(validation) == city.count(finding) == city.count(current_validation) == 0


def test_a_rule_that_crashes_is_a_fault_of_the_system(city: City):
    city.submit(WRONG_ROWS)
    city.judge()
    mark_all(city.engine)
    suite = committed_suite(GX_DIR, city.edition)
    broken = suite["expectations"][0]
    broken["kwargs"]["unexpected_rows_query"] = (
        "SELECT v.no_such_column FROM {batch} v JOIN slice_parse sp ON 1 = 1"
    )

    with pytest.raises(SystemFault, match=broken["meta"]["rule"]):
        counts_by_gx(city.engine, suite, city.year, REGION)


@pytest.mark.parametrize(
    "info",
    [
        {"raised_exception": True, "exception_message": "boom", "exception_traceback": "…"},
        {"('metric', 'id')": {"raised_exception": True, "exception_message": "boom"}},
    ],
)
def test_both_shapes_of_a_raised_exception_are_seen(info):
    assert raised_message(info) == "boom"


@pytest.mark.parametrize(
    "info", [{}, {"raised_exception": False, "exception_message": None}, {"m": {"raised_exception": False}}]
)
def test_no_raised_exception_is_no_crash(info):
    assert raised_message(info) == ""


def test_an_edition_whose_suite_is_not_the_committed_one_does_not_validate(city: City, tmp_path: Path):
    (tmp_path / "expectations").mkdir()
    suite = (GX_DIR / "expectations" / "2024.json").read_text(encoding="utf-8")
    (tmp_path / "expectations" / "2024.json").write_text(suite.replace("v.amount_q < 0", "v.amount_q < 1"))
    city.gx_dir = tmp_path
    city.submit(WRONG_ROWS)

    with pytest.raises(ConfigurationError, match=r"fazhi\.validate\.suites"):
        city.judge()

    city.gx_dir = tmp_path / "elsewhere"
    with pytest.raises(ConfigurationError, match="没有指标体系 2024 的校验套件"):
        city.judge()


def test_the_gx_project_opens_and_its_suite_runs_on_the_store(city: City, monkeypatch: pytest.MonkeyPatch):
    import great_expectations as gx

    city.submit(WRONG_ROWS)
    city.judge()
    monkeypatch.setenv("FAZHI_STORE_URL", str(city.engine.url))

    context = gx.get_context(context_root_dir=str(GX_DIR))
    checkpoint = context.checkpoints.get("2024")
    definition = checkpoint.validation_definitions[0]
    result = definition.batch_definition.get_batch().validate(definition.suite, result_format="BASIC")

    found = {one.expectation_config.meta["rule"]: one.result["observed_value"] for one in result.results}
    assert {rule: count for rule, count in found.items() if count} == WRONG_COUNTS


# --- nothing twice, nothing half -----------------------------------------------------------------------------------


def test_validating_twice_changes_nothing(city: City):
    city.submit(WRONG_ROWS)
    first = city.judge()
    before = city.findings()
    second = city.judge()

    assert (first.new, second.new) == (True, False)
    assert second.validation_id == first.validation_id
    assert second.counts == first.counts
    assert city.findings() == before
    assert city.count(validation) == 1


def test_the_next_day_with_nothing_new_keeps_the_validation(city: City):
    city.submit(WRONG_ROWS)
    first = city.judge()
    city.today = date(2026, 3, 2)
    assert city.judge().validation_id == first.validation_id


def test_a_new_revision_replaces_the_findings_and_keeps_the_history(city: City):
    city.submit(WRONG_ROWS)
    city.judge()
    city.submit([{"indicator": "I1.2", "value": "3"}])

    assert city.judge().new
    assert city.findings() == []
    assert city.count(finding) == 7


def test_killed_while_wording_leaves_nothing_and_the_rerun_is_whole(
    city: City, monkeypatch: pytest.MonkeyPatch
):
    city.submit(WRONG_ROWS)

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(slices, "word_findings", killed)
        with pytest.raises(KeyboardInterrupt):
            city.judge()
    assert city.count(finding) == city.count(validation) == 0

    city.judge()
    assert len(city.findings()) == 7
    assert all(one["message_zh"] and one["fix_zh"] for one in city.findings())


def test_killed_before_the_listing_the_slice_counts_as_not_validated(
    city: City, monkeypatch: pytest.MonkeyPatch
):
    city.submit([{"indicator": "H1.1", "value": "5"}])
    city.judge()
    city.submit(WRONG_ROWS)

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(slices, "counts_by_gx", killed)
        patched.setattr(slices, "_list", killed)
        with pytest.raises(KeyboardInterrupt):
            city.judge()
    with read(city.engine) as connection, pytest.raises(UsageError, match="还没有按现行指标体系核验"):
        require_validated(connection, city.year, city.edition.digest)
    assert city.judge().new


def test_data_that_changes_between_the_two_counts_is_judged_again(
    city: City, monkeypatch: pytest.MonkeyPatch
):
    import support.validate as support

    city.submit(WRONG_ROWS)
    counting, calls = support.counts_by_queries, []

    def changing(*args: object) -> dict[str, int]:
        counted = counting(*args)
        calls.append(1)
        if len(calls) == 1:
            city.submit([{"indicator": "I1.2", "value": "-1"}])
        return counted

    monkeypatch.setattr(support, "counts_by_queries", changing)
    city.judge()

    assert len(calls) == 2
    assert rules_of(city) == ["NEGATIVE"]


def test_data_that_never_rests_ends_with_a_plain_message(city: City, monkeypatch: pytest.MonkeyPatch):
    import support.validate as support

    counting = support.counts_by_queries

    def changing(*args: object) -> dict[str, int]:
        counted = counting(*args)
        city.submit([{"indicator": "I1.2", "value": "-1"}])
        return counted

    city.submit(WRONG_ROWS)
    monkeypatch.setattr(support, "counts_by_queries", changing)
    with pytest.raises(SystemFault, match="一直在变化"):
        city.judge()


def test_each_parse_is_judged_in_one_slice(city: City):
    city.submit(WRONG_ROWS)
    city.judge()
    with read(city.engine) as connection:
        rows = connection.execute(select(slice_parse.c.year, slice_parse.c.region)).all()
    assert rows == [(2024, REGION)]


# --- findings in force ---------------------------------------------------------------------------------------------


def test_findings_are_filtered_and_findings_of_reading_count(city: City):
    (value_id, *_) = city.submit([{"indicator": "I1.2", "value": "-3"}])
    city.judge()
    with write(city.engine) as connection:
        stored = connection.execute(select(finding)).mappings().one()
        noted = {**stored, "finding_id": 999, "validation_id": None, "severity": "note", "rule": "FULLWIDTH"}
        connection.execute(insert(finding).values(noted))
    with read(city.engine) as connection:
        assert [one["rule"] for one in current_findings(connection, 2024)] == ["NEGATIVE", "FULLWIDTH"]
        assert [one["rule"] for one in current_findings(connection, 2024, severity="note")] == ["FULLWIDTH"]
        assert current_findings(connection, 2024, unit=code_of("乙单位")) == []
        assert len(current_findings(connection, 2024, unit=code_of("甲单位"))) == 2
        assert current_findings(connection, 2023) == []
        assert counts_by_severity(connection, 2024) == {
            severity.value: {"block": 1, "note": 1}.get(severity.value, 0) for severity in Severity
        }
    assert value_id


def test_findings_are_in_code_order_with_whole_files_first(city: City):
    rows = [{"indicator": code, "value": "-1", "unit": "未登记"} for code in ("A2.10", "A2.9", "H1.1")]
    city.submit([{"indicator": code, "value": "-1"} for code in ("H1.1", "A2.10", "A2.9")])
    city.submit(rows)
    city.judge()
    mine = [
        one["indicator_code"] for one in city.findings("NEGATIVE") if one["unit_code"] == code_of("甲单位")
    ]
    assert mine == ["A2.9", "A2.10", "H1.1"]
    other = [one for one in city.findings() if one["unit_code"] == code_of("未登记")]
    assert (other[0]["rule"], other[0]["value_id"], other[0]["sheet"]) == ("UNIT_UNKNOWN", None, None)


# --- who may report what -------------------------------------------------------------------------------------------


def test_an_office_is_accepted_for_its_indicators_and_no_others(city: City):
    city.submit(
        [
            {"indicator": "E2.1", "numerator": "9", "denominator": "10", **COURT},
            {"indicator": "F1.2", "numerator": "1", "denominator": "10", **COURT},
        ]
    )
    city.judge()
    (found,) = city.findings()
    assert (found["rule"], found["cell"]) == ("AUTHZ", "B4")
    assert "“RECON”" in found["message_zh"]


@pytest.mark.parametrize(
    ("stated", "hint"), [("90%", "如果比率属实，分母应约为 108。"), ("97.1%", ""), ("96.6%", "")]
)
def test_a_wrong_ratio_names_another_denominator_only_where_it_is_another(city: City, stated: str, hint: str):
    city.submit([{"indicator": "I1.1", "numerator": "97", "denominator": "100", "stated": stated}])
    city.judge()
    (found,) = city.findings("RATIO_MISMATCH")
    assert ("分母应约为" in found["message_zh"]) == bool(hint)
    assert hint in found["message_zh"]


def test_an_office_reports_about_the_units_of_its_own_city(tmp_path: Path):
    edition = EDITIONS.by_id("2024")
    here = small_registry(edition)
    others = [replace(unit(name, Tag.SINGLE), division_code="150300") for name in ("外地单位", "外地法院")]
    sources = [
        *here.sources.values(),
        replace(here.sources["COURT"], authority_unit_code=code_of("外地法院"), region="150300"),
    ]
    city = City.at(
        tmp_path, edition, registry=Registry(units=(*here.units, *others), sources=sources, digest="1" * 64)
    )
    figures = {"indicator": "E2.1", "numerator": "9", "denominator": "10", "kind": "office"}
    about = ("甲单位", "外地单位", "无人知道")
    city.submit(
        [{**figures, "unit": name, "by": sender} for sender in ("COURT", "外地法院") for name in about]
    )
    city.judge(region="150200")
    assert [(one["rule"], one["cell"]) for one in city.findings()] == [
        ("AUTHZ", "B4"),
        ("UNIT_UNKNOWN", "A5"),
    ]
    assert "由“外地法院”报送，这次的报送单位是“COURT”" in city.findings("AUTHZ")[0]["message_zh"]
    city.judge(region="150300")
    assert [(one["rule"], one["unit_code"]) for one in city.findings("AUTHZ")] == [
        ("AUTHZ", code_of("外地单位")),
        ("AUTHZ", code_of("甲单位")),
    ]


def test_a_unit_may_volunteer_an_offices_figure(city: City):
    city.submit([{"indicator": "E2.1", "numerator": "9", "denominator": "10"}])
    city.judge()
    assert city.findings() == []


def test_a_unit_reporting_about_another_is_refused_row_by_row(city: City):
    city.submit([{"indicator": "I1.2", "value": "4", "unit": "乙单位", "by": "甲单位"} for _ in range(2)])
    city.judge()
    assert [one["rule"] for one in city.findings("AUTHZ")] == ["AUTHZ", "AUTHZ"]


def test_an_unknown_unit_in_an_offices_file_is_named_on_its_row(city: City):
    city.submit([{"indicator": "E2.1", "numerator": "9", "denominator": "10", "unit": "没有的单位", **COURT}])
    city.judge()
    (found,) = city.findings()
    assert (found["rule"], found["cell"], found["sheet"]) == ("UNIT_UNKNOWN", "A3", "填报表")


def test_a_unit_that_ended_before_the_year_is_unknown_in_it_and_its_heir_is_named(tmp_path: Path):
    edition = EDITIONS.by_id("2024")
    ended = unit("旧单位", Tag.SINGLE, valid_to=date(2023, 6, 30), heir="甲单位")
    city = City.at(tmp_path, edition, registry=small_registry(edition, ended))
    city.submit([{"indicator": "I1.2", "value": "4", "unit": "旧单位"}])
    city.judge()
    (found,) = city.findings()
    assert found["rule"] == "UNIT_UNKNOWN"
    assert "“旧单位”在2024年度不存在，职责已转入“甲单位”" in found["message_zh"]


def test_a_unit_that_ended_in_the_year_still_reports_what_it_and_its_heir_are_asked(tmp_path: Path):
    edition = EDITIONS.by_id("2024")
    ended = unit("旧单位", Tag.SINGLE, valid_to=date(2024, 6, 30), heir="甲单位")
    city = City.at(tmp_path, edition, registry=small_registry(edition, ended))
    city.submit(
        [
            {"indicator": "I1.2", "value": "4", "unit": "旧单位"},
            {"indicator": "D1.3", "numerator": "4", "denominator": "5", "unit": "旧单位"},
        ]
    )
    city.judge()
    assert city.findings() == []


def test_a_lead_indicator_applies_only_with_a_lead_task(tmp_path: Path):
    edition = EDITIONS.by_id("2024")
    row = {"indicator": "F2.3", "numerator": "6", "denominator": "8"}
    city = City.at(tmp_path, edition)
    city.submit([row])
    city.judge()
    assert rules_of(city) == ["NOT_APPLICABLE_TO_UNIT"]

    task = LeadTask(2024, "T1", "牵头任务(合成数据)", code_of("甲单位"), (), ("F2.3",), None)
    city.registry = small_registry(edition, lead_tasks=(task,))
    assert city.judge().new
    assert rules_of(city) == []


# --- comparisons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "rules"),
    [
        ("100", []),
        ("102", ["RECONCILE"]),
        ("98", ["RECONCILE"]),
        ("103", ["RECONCILE"]),
        ("97", ["RECONCILE"]),
    ],
)
def test_reconcile_warns_up_to_two_percent_and_blocks_above(city: City, own: str, rules: list[str]):
    city.submit(
        [{"indicator": "A1.2", "numerator": "90", "denominator": "100", "by": "GOVSVC", "kind": "office"}]
    )
    city.submit([{"indicator": "A1.2", "numerator": "90", "denominator": own}])
    city.judge()
    assert rules_of(city) == rules
    severities = [one["severity"] for one in city.findings()]
    far = own in ("103", "97")
    assert severities == (["block"] if far else ["warn"] if rules else [])


def test_reconcile_stands_on_the_units_value_not_on_the_authoritys(city: City):
    office, own = (
        city.submit([row])[0]
        for row in (
            {"indicator": "A1.2", "numerator": "412", "denominator": "412", "by": "GOVSVC", "kind": "office"},
            {"indicator": "A1.2", "numerator": "430", "denominator": "430"},
        )
    )
    city.judge()
    (found,) = city.findings()
    assert (found["value_id"], found["other_value_id"]) == (own, office)
    assert found["related"] == ["“GOVSVC”2024年报送 填报表!F3"]


def test_two_authorities_that_differ_hold_both_values(city: City):
    assert city.edition.by_code["G2.2"].sources == ("COURT", "RECON")
    (first,) = city.submit([{"indicator": "G2.2", "value": "1", "by": "COURT", "kind": "office"}])
    (second,) = city.submit([{"indicator": "G2.2", "value": "3", "by": "RECON", "kind": "office"}])
    city.judge()
    found = [
        (one["check_id"], one["severity"], one["value_id"], one["other_value_id"]) for one in city.findings()
    ]
    assert found == [("CONFLICT", "hold", first, second), ("CONFLICT", "hold", second, first)]


def test_the_published_lenient_cases_are_not_compared_across_scopes_two_years_apart(tmp_path: Path):
    city = City.at(tmp_path, EDITIONS.by_id("2024"))
    city.submit(
        [
            {
                "indicator": "D5.2",
                "value": "8000多",
                "year": "-2",
                "scope": "市本级",
                "reporting": "current",
                **ENFPLAT,
            }
        ]
    )
    city.submit(
        [{"indicator": "D5.2", "value": "12.6万", "scope": "全市", "reporting": "cumulative", **ENFPLAT}]
    )
    city.judge()
    (found,) = city.findings("INCOMPARABLE")
    assert found["severity"] == "hold"
    assert "2022年是当期数（范围：市本级），填的是“8000多”" in found["message_zh"]
    assert "+1475%" in found["message_zh"]
    assert city.findings("JUMP") == []


def test_the_nearest_earlier_year_is_the_one_compared(city: City):
    for year, value in (("-1", "100"), ("-2", "5")):
        city.submit([{"indicator": "H1.1", "value": value, "year": year}])
    city.submit([{"indicator": "H1.1", "value": "110"}])
    city.judge()
    assert city.findings("JUMP") == []


@pytest.mark.parametrize(("before", "now", "rules"), [("100", "-3", ["NEGATIVE"]), ("-3", "100", [])])
def test_a_count_below_zero_is_refused_and_no_jump_from_or_to_it(
    city: City, before: str, now: str, rules: list[str]
):
    city.submit([{"indicator": "H1.1", "value": before, "year": "-1"}])
    city.submit([{"indicator": "H1.1", "value": now}])
    city.judge()
    assert rules_of(city) == rules


@pytest.mark.parametrize(("now", "jumps"), [("150", 0), ("151", 1), ("50", 0), ("49", 1)])
def test_a_jump_is_more_than_half(city: City, now: str, jumps: int):
    city.submit([{"indicator": "H1.1", "value": "100", "year": "-1"}])
    city.submit([{"indicator": "H1.1", "value": now}])
    city.judge()
    assert len(city.findings("JUMP")) == jumps


@pytest.mark.parametrize(("now", "jumps"), [("25", 0), ("26", 1)])
def test_a_jump_is_more_than_the_threshold(city: City, now: str, jumps: int):
    city.submit([{"indicator": "H1.1", "value": "5", "year": "-1"}])
    city.submit([{"indicator": "H1.1", "value": now}])
    city.judge()
    assert len(city.findings("JUMP")) == jumps


def test_the_largest_numbers_are_compared_exactly(city: City):
    rows = {"indicator": "D7.2", "numerator": "1", "denominator": "100000000000", **ENFPLAT}
    city.submit([{**rows, "denominator": "99999999999", "year": "-1"}])
    city.submit(
        [rows, {"indicator": "D7.1", "numerator": "99999999999", "denominator": "100000000000", **ENFPLAT}]
    )
    city.judge()
    assert rules_of(city) == ["SUM_MISMATCH"]


def test_a_subset_is_not_asked_across_submissions(city: City):
    city.submit([{"indicator": "D4.1", "numerator": "8", "denominator": "101", **ENFPLAT, "period": "-01"}])
    city.submit([{"indicator": "D3.2", "numerator": "90", "denominator": "100", **ENFPLAT, "period": "-02"}])
    city.judge()
    assert city.findings() == []


@pytest.mark.parametrize(("changed", "copies"), [(0, 1), (1, 1), (2, 0)])
def test_a_stale_copy_is_four_fifths_of_at_least_five_numbers(city: City, changed: int, copies: int):
    before = ["11", "12", "13", "14", "15"]
    now = [str(int(n) + 1) if i < changed else n for i, n in enumerate(before)]
    codes = ("H1.1", "I1.2", "E4.3", "F4.2", "I1.3")
    for year, figures in (("-1", before), ("0", now)):
        city.submit(
            [{"indicator": code, "value": n, "year": year} for code, n in zip(codes, figures, strict=True)]
        )
    city.judge()
    found = city.findings("STALE_COPY")
    assert len(found) == copies
    if copies:
        assert (found[0]["value_id"], found[0]["cell"], found[0]["severity"]) == (None, None, "warn")
        assert f"5 个不为零的数值中有 {5 - changed} 个完全相同" in found[0]["message_zh"]


def test_four_equal_numbers_are_too_few_for_a_stale_copy(city: City):
    codes = ("H1.1", "I1.2", "E4.3", "F4.2")
    for year in ("-1", "0"):
        city.submit([{"indicator": code, "value": "11", "year": year} for code in codes])
    city.judge()
    assert city.findings("STALE_COPY") == []


def test_a_revoked_approval_is_no_approval(city: City):
    city.submit([{"indicator": "I1.2", "na": "1", "reason": "无此职责"}])
    city.approve_not_applicable("I1.2")
    city.judge()
    assert rules_of(city) == []
    city.approve_not_applicable("I1.2", "withdraw")
    assert city.judge().new
    assert rules_of(city) == ["NA_UNAPPROVED"]


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        ({"evidence": "0"}, 1),
        ({"evidence": "1"}, 0),
        ({"evidence": "2", "evidence_missing": "纪要.pdf"}, 1),
        ({"evidence": "0", "value": "0"}, 0),
    ],
)
def test_evidence_is_asked_for_what_happened(city: City, row: dict[str, str], missing: int):
    city.submit([{"indicator": "I1.2", "value": "4", **row}])
    city.judge()
    assert len(city.findings("EVIDENCE_MISSING")) == missing


def test_a_numerator_above_a_zero_denominator_is_a_fault_also_for_growth(tmp_path: Path):
    edition = EDITIONS.by_id("2024")
    task = LeadTask(2024, "T1", "牵头任务(合成数据)", code_of("甲单位"), (), ("A4.5",), None)
    city = City.at(tmp_path, edition, registry=small_registry(edition, lead_tasks=(task,)))
    city.submit([{"indicator": "A4.5", "numerator": "3", "denominator": "0"}])
    city.submit([{"indicator": "A4.5", "numerator": "30", "denominator": "10", "period": "-Q1"}])
    city.judge()
    (found,) = city.findings()
    assert (found["rule"], found["period"], found["value"]) == ("NUM_GT_DEN", "2024", "3")


def test_a_check_out_of_its_years_finds_nothing(city: City):
    checks = tuple(
        replace(check, from_year=2030) if check.rule == "NEGATIVE" else check for check in city.edition.checks
    )
    city.edition = replace(city.edition, checks=checks, digest="f" * 64)
    city.submit([{"indicator": "I1.2", "value": "-3"}])
    city.judge()
    assert city.findings() == []


def test_a_parameter_that_does_not_fit_is_named(city: City):
    checks = tuple(
        replace(check, params={**check.params, "percent": check.params["percent"] * 100})
        if check.rule == "JUMP"
        else check
        for check in city.edition.checks
    )
    city.edition = replace(city.edition, checks=checks, digest="f" * 64)
    with pytest.raises(ConfigurationError, match="JUMP：percent 应为不超过 1000"):
        city.judge()
