"""Each check's own examples, run: what passes gives no finding of it, what fails the stated cells and no more."""

from pathlib import Path

import pytest

from fazhi.intake.submission import read_submission
from fazhi.intake.values import Submitted
from fazhi.intake.wording import Wording
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.systems.edition import Check, Edition
from fazhi.systems.rule_kinds import judged_by
from support.validate import EDITIONS, City

CASES = [(edition, check) for edition in EDITIONS.all for check in edition.checks]
OVER_VALUES = [case for case in CASES if judged_by(case[1].rule, case[1].params) == "values"]
OF_CELLS = [case for case in CASES if "raw" in case[1].example_fail and case[1].rule != "CELL_ERROR"]
"""An error cell exists only in a workbook; the tests of intake make one."""

CSV_HEADER = "unit_code,period,indicator_code,numerator,denominator,value,not_applicable,reason,note,evidence"


def _id(case: object) -> str:
    return (
        case.system_id
        if isinstance(case, Edition)
        else case.check_id
        if isinstance(case, Check)
        else str(case)
    )


@pytest.mark.parametrize("example", ["example_pass", "example_fail"])
@pytest.mark.parametrize(("edition", "check"), OVER_VALUES, ids=_id)
def test_an_example_gives_exactly_the_stated_cells(
    edition: Edition, check: Check, example: str, tmp_path: Path
):
    stated = getattr(check, example)
    city = City.at(tmp_path, edition)
    city.submit(stated.get("others", ()))
    city.submit(stated["rows"])
    if "deadline" in stated:
        city.set_deadline(**stated["deadline"])
    if "locked" in stated:
        city.lock(stated["locked"])
    for indicator in stated.get("approved", ()):
        city.approve_not_applicable(indicator)
    city.judge()

    found = [one for one in city.findings() if one["check_id"] == check.check_id]

    assert [one["cell"] for one in found] == stated.get("cells", [])
    for one in found:
        assert (one["rule"], one["severity"]) == (check.rule, check.severity.value)
        assert "{" not in one["message_zh"] + one["message_en"] + one["fix_zh"]
        assert one["message_zh"].endswith("。")


@pytest.mark.parametrize("example", ["example_pass", "example_fail"])
@pytest.mark.parametrize(("edition", "check"), OF_CELLS, ids=_id)
def test_a_cell_as_in_the_example_is_read_so(edition: Edition, check: Check, example: str):
    stated = getattr(check, example)
    period = Period.parse(stated.get("of") or str(edition.to_year or edition.from_year))
    row = dict.fromkeys(CSV_HEADER.split(","), "")
    row["indicator_code"] = "I2.1" if check.rule.startswith("DATE") else "D5.2"
    row["value"] = "4" if "of" in stated else f'"{stated["raw"]}"'
    row["period"] = stated["raw"] if "of" in stated else str(period)
    content = f"{CSV_HEADER}\n{','.join(row.values())}\n"

    reading = read_submission(
        [("table.csv", content.encode())],
        Submitted(SubmissionKind.UNIT, "CODE-甲单位", period),
        edition,
        Wording(edition, period.year),
    )

    rules = [one.finding.rule for one in reading.findings]
    assert (check.rule in rules) == (example == "example_fail"), rules
