"""A store of any size for the desk, for measuring. In: an empty store, how many units and findings. Out: a scored year.

All units and figures are synthetic (合成数据). Each unit has the same number of values whatever the size, so that a page
about one unit shows as much in a small store as in a large one.
"""

import json
import random
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, func, insert, select, text

from fazhi.model.period import Period
from fazhi.model.terms import Stage, Tag
from fazhi.registry import Registry
from fazhi.score import score_slice
from fazhi.store import write
from fazhi.store.raw import RawStore
from fazhi.store.tables import (
    current_validation,
    ground_proposal,
    pipeline_run,
    raw_file,
    validation,
    value,
)
from fazhi.systems.edition import Edition
from support.bulk import TODAY, YEAR, _indicators, submit
from support.validate import REGION, code_of, small_registry, unit

NOW = datetime.fromisoformat("2026-03-01T03:00:00+08:00")
RUN_ID = "scheduled__2026-03-01T01:30:00+08:00"
OF_THE_SECOND_UNIT = 120
"""Findings that the second unit has at least, so that a page about it is full in a small store too."""
_DIGEST = "0" * 64

_WORKBOOK = "\n".join(
    ["indicator_code,numerator,denominator,value,note"]
    + [f"A1.{row},{row},{row + 1},,合成数据" for row in range(1, 26)]
).encode()

_SLICE_PARSES = """
INSERT INTO slice_parse (parse_id, year, region, system_id, system_digest, duty_digest)
SELECT parse_id, year, :region, system_id, system_digest, :digest FROM parse
"""
_CURRENT_SUBMISSIONS = """
INSERT INTO current_submission (kind, sender_code, period, year, submission_id, revision)
SELECT kind, sender_code, period, year, submission_id, revision FROM submission
"""
_FILES = """
INSERT INTO submission_file (submission_id, revision, name, role, sha256, size)
SELECT submission_id, revision, '填报表.xlsx', 'workbook', :sha256, 1 FROM submission
"""
_FINDINGS = """
INSERT INTO finding (
  parse_id, validation_id, value_id, year, period, unit_code, indicator_code, submission_id, revision,
  check_id, rule, severity, sheet, cell, value_raw, expected, message_zh, message_en, fix_zh, value_digest,
  system_id, system_digest, related
)
WITH RECURSIVE numbers(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM numbers WHERE k + 1 < :findings)
SELECT
  v.parse_id, CASE WHEN k % 10 = 0 THEN NULL ELSE CAST(:validation AS INTEGER) END, v.value_id, v.year, v.period,
  v.unit_code, v.indicator_code, p.submission_id, p.revision,
  'C' || (k % 30), 'RULE_' || (k % 30),
  CASE WHEN k % 100 < 2 THEN 'hold' WHEN k % 100 < 4 THEN 'block' WHEN k % 100 < 30 THEN 'warn' ELSE 'note' END,
  v.sheet, v.cell_row, '12', '不小于 0', '“' || k || '”与上期相比变化过大，请核对数字和口径', 'changed a lot',
  '请核对后更正，或者说明原因', v.value_digest, p.system_id, p.system_digest, '[]'
FROM numbers
JOIN value v ON v.value_id = :first_value + CASE
  WHEN k < :of_second THEN :a_month + k % :a_month
  ELSE (k * :step) % :values
END
JOIN parse p ON p.parse_id = v.parse_id
"""


@dataclass(frozen=True)
class BulkDesk:
    """What was written."""

    edition: Edition
    registry: Registry
    units: tuple[str, ...]
    year: int
    region: str
    run_id: str
    values: int
    findings: int

    @property
    def submission(self) -> tuple[str, int]:
        """The submission with the findings of ``OF_THE_SECOND_UNIT``, by id and revision: full in a small store too."""
        return f"单位{1:06d}-{self.year}-01", 1


def fill_desk(
    engine: Engine, edition: Edition, raw: RawStore, *, units: int, findings: int, runs: int
) -> BulkDesk:
    """Write a year of ``units`` units, twelve months each, judged with ``findings`` findings, and score it."""
    names = tuple(f"单位{number:06d}" for number in range(units))
    registry = small_registry(edition, *(unit(name, Tag.LEAD, Tag.ENF) for name in names))
    dice = random.Random(1)
    for month in range(1, 13):
        submit(engine, edition, names, Period.parse(f"{YEAR}-{month:02d}"), _indicators(edition), dice)
    values = _judge(engine, edition, findings, raw.put(_WORKBOOK))
    with write(engine) as connection:
        connection.execute(insert(pipeline_run), [_run(edition, number) for number in range(runs)])
        connection.execute(insert(ground_proposal).values(**_proposal(raw)))
    score_slice(engine, edition, registry, YEAR, REGION, today=TODAY, stage=Stage.PROVISIONAL, now=NOW)
    with engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    return BulkDesk(edition, registry, tuple(map(code_of, names)), YEAR, REGION, RUN_ID, values, findings)


def _judge(engine: Engine, edition: Edition, findings: int, workbook: str) -> int:
    with write(engine) as connection:
        connection.execute(text(_SLICE_PARSES), {"region": REGION, "digest": _DIGEST})
        connection.execute(text(_CURRENT_SUBMISSIONS))
        connection.execute(
            insert(raw_file).values(sha256=workbook, size=len(_WORKBOOK), first_seen_at=NOW.isoformat())
        )
        connection.execute(text(_FILES), {"sha256": workbook})
        made = connection.execute(
            insert(validation).values(
                year=YEAR,
                region=REGION,
                input_digest=_DIGEST,
                duty_digest=_DIGEST,
                system_id=edition.system_id,
                system_digest=edition.digest,
                validated_at=NOW.isoformat(timespec="seconds"),
                values_checked=0,
            )
        ).inserted_primary_key[0]
        connection.execute(insert(current_validation).values(year=YEAR, region=REGION, validation_id=made))
        first, count = connection.execute(
            select(func.min(value.c.value_id), func.count()).where(value.c.year == YEAR)
        ).one()
        connection.execute(
            text(_FINDINGS),
            {
                "findings": findings,
                "validation": made,
                "first_value": first,
                "step": 7919,
                "values": count,
                "a_month": len(_indicators(edition)),
                "of_second": OF_THE_SECOND_UNIT,
            },
        )
    return int(count)


def _proposal(raw: RawStore) -> dict[str, object]:
    document = {"tree": "registry", "changes": ["单位名称变更（合成数据）"], "years": []}
    return {
        "tree": "registry",
        "ground_digest": "1" * 64,
        "before_digest": "2" * 64,
        "after_digest": "3" * 64,
        "shown_digest": raw.put(json.dumps(document, ensure_ascii=False).encode()),
        "proposed_by": "clerk",
        "proposer_name": "合成甲",
        "reason": "合成数据",
        "proposed_at": NOW.isoformat(timespec="seconds"),
    }


def _run(edition: Edition, number: int) -> dict[str, object]:
    days = {0: RUN_ID}
    return {
        "run_id": days.get(number, f"scheduled__earlier-{number:06d}"),
        "year": YEAR,
        "run_type": "scheduled",
        "mode": "auto",
        "system_id": edition.system_id,
        "system_digest": edition.digest,
        "started_at": NOW.isoformat(timespec="seconds")
        if number == 0
        else f"2025-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}+08:00",
    }
