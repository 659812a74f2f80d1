"""A small made-up world for scoring tests (合成数据): editions, units, a store with values."""

from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Engine, insert, select

from fazhi.model.period import Period
from fazhi.model.terms import (
    Aggregation,
    Frequency,
    Group,
    RatioKind,
    Reporting,
    RuleType,
    Stage,
    Tag,
    ValueType,
    ZeroDenominator,
)
from fazhi.registry import Registry
from fazhi.registry.records import Adjustment, LeadTask, Source, Unit
from fazhi.score import ScoreOutcome, score_slice
from fazhi.store import write
from fazhi.store.accepted import Reported
from fazhi.store.tables import (
    current_parse,
    current_submission,
    current_validation,
    decision,
    finding,
    parse,
    slice_parse,
    submission,
    validation,
    value,
)
from fazhi.systems.edition import Edition, Grade, Indicator, Profile, code_key
from support.decisions import NEXT_ORDINAL

REGION = "150200"
YEAR = 2024
CITY = "11150200MB1A00001R"
OFFICE = "11150200MB1A90000X"
NOW = datetime.fromisoformat("2025-02-01T03:00:00+08:00")
TODAY = date(2025, 2, 1)
SHA = "ab" * 32


def code(number: int) -> str:
    """A made-up unit code."""
    return f"11150200MB1B{number:06d}"


def fraction_params(params: dict[str, Any]) -> dict[str, Any]:
    """Rule parameters as loading makes them: exact numbers."""
    exact = {}
    for name, given in params.items():
        if name == "bands":
            exact[name] = tuple(tuple(None if x is None else Fraction(x) for x in band) for band in given)
        elif isinstance(given, bool) or name in ("due", "grade_cap"):
            exact[name] = given
        else:
            exact[name] = Fraction(given)
    return exact


def indicator(indicator_code: str, params: dict[str, Any] | None = None, **changes: Any) -> Indicator:
    """A ratio of quarterly sums, linear from 0.8 to 1, unless told otherwise."""
    changes.setdefault("rule_type", RuleType.LINEAR)
    if params is None:
        params = {"floor": "0.8", "target": "1"} if changes["rule_type"] is RuleType.LINEAR else {}
    value_type = changes.setdefault("value_type", ValueType.RATIO)
    is_ratio = value_type is ValueType.RATIO
    defaults: dict[str, Any] = {
        "code": indicator_code,
        "l1_code": indicator_code[0],
        "l1_zh": "合成",
        "l1_en": "synthetic",
        "l2_code": indicator_code.split(".")[0],
        "l2_zh": "合成",
        "l2_en": "synthetic",
        "name_zh": f"合成指标{indicator_code}",
        "name_en": "synthetic",
        "unit_zh": "%",
        "ratio_kind": RatioKind.SHARE if is_ratio else None,
        "numerator_zh": "",
        "denominator_zh": "",
        "direction": "higher_better",
        "full_mark": 100,
        "rule_params": fraction_params(params),
        "zero_denominator": ZeroDenominator.EXCLUDE if is_ratio else ZeroDenominator.NA,
        "categories": frozenset({Tag.ENF, Tag.REGION, Tag.LEAD, Tag.SINGLE}),
        "group": Group.COMMON,
        "evidence_zh": "",
        "frequency": Frequency.QUARTERLY,
        "reporting": Reporting.CURRENT,
        "aggregation": Aggregation.SUM,
        "sources": ("SUB",),
        "legal_basis": "",
        "legal_basis_status": "unverified",
        "source_reference": "",
        "effective_from": date(2021, 1, 1),
        "effective_to": None,
    }
    return Indicator(**(defaults | changes))


def edition(*indicators: Indicator, **changes: Any) -> Edition:
    """An edition from 2024 on, T = 1000, share 0.10, profile 40/60/0 for every unit unless told otherwise."""
    defaults: dict[str, Any] = {
        "system_id": "synth-2024",
        "title_zh": "合成",
        "title_en": "synthetic",
        "from_year": YEAR,
        "to_year": None,
        "shares": {None: "0.10"},
        "total_points": Fraction(1000),
        "profiles": (profile("40", "60", "0"),),
        "multipliers": {},
        "grades": (
            Grade("优秀", "Excellent", 9000),
            Grade("良好", "Good", 8000),
            Grade("合格", "Qualified", 6000),
            Grade("不合格", "Unqualified", 0),
        ),
        "top_grade_quota": Fraction(3, 10),
        "cap_bonus": 500,
        "cap_total": 10000,
        "component_on_veto": "keep",
        "deadlines": {},
        "notes": "",
        "indicators": tuple(sorted(indicators, key=lambda i: code_key(i.code))),
        "checks": (),
        "digest": "e" * 64,
    }
    return Edition(**(defaults | changes))


def profile(common: str, function: str, lead: str, *when: Tag) -> Profile:
    """A profile with these shares."""
    shares = {Group.COMMON: Fraction(common), Group.FUNCTION: Fraction(function), Group.LEAD: Fraction(lead)}
    return Profile("合成", frozenset(when), shares)


def unit(number: int, *tags: Tag, **changes: Any) -> Unit:
    """A department (or, with ``Tag.REGION``, a region) of the city."""
    made = Unit(
        unit_code=code(number),
        name_zh=f"合成单位{number}",
        name_en="synthetic",
        short_name_zh="",
        division_code=REGION,
        level="city",
        parent_code=CITY,
        tags=frozenset(tags or (Tag.ENF,)),
        scored_by="local",
        valid_from=date(2021, 1, 1),
        valid_to=None,
        successor_code="",
    )
    return replace(made, **changes)


def registry(*units: Unit, **changes: Any) -> Registry:
    """A registry of these units; COURT and WEB answer to one office."""
    office = unit(
        0, Tag.VERT, unit_code=OFFICE, scored_by="superior", division_code="150000", level="province"
    )
    sources = (
        Source("SUB", "单位", "submission", "", None, None),
        Source("SYS", "系统", "system", "", None, None),
        Source("COURT", "法院", "office", OFFICE, None, None),
        Source("WEB", "网站", "office", units[0].unit_code, None, None),
    )
    return Registry(**({"units": (office, *units), "sources": sources, "digest": "r" * 64} | changes))


def event(number: int, row: str, title: str = "合成事项", **changes: Any) -> Adjustment:
    """An approved adjustment event."""
    made = Adjustment(
        year=YEAR,
        unit_code=code(number),
        code=row,
        level="",
        count=1,
        indicator_code="",
        title_zh=title,
        document="合成〔2024〕1号",
        drafted_by="drafter",
        approved_by="approver",
        approved_on=date(2024, 12, 1),
    )
    return replace(made, **changes)


def lead_task(number: int, *codes: str) -> LeadTask:
    """A lead task that puts indicators on a unit."""
    return LeadTask(YEAR, f"T{number}", "合成任务", code(number), (), codes, None)


def reported(period: str, numerator: Any = None, denominator: Any = None, **changes: Any) -> Reported:
    """One reported value; numbers may be given as integers."""
    texts = {
        k: None if v is None else str(v) for k, v in (("numerator", numerator), ("denominator", denominator))
    }
    defaults: dict[str, Any] = {
        "unit_code": code(1),
        "indicator_code": "A1.1",
        "period": Period.parse(period),
        "kind": "submission",
        "reporter_code": changes.get("unit_code", code(1)),
        **texts,
    }
    return Reported(**(defaults | changes))


class World:
    """A store that already went through reading and validation."""

    def __init__(
        self, engine: Engine, edition: Edition, registry: Registry, year: int = YEAR, region: str = REGION
    ) -> None:
        self.engine, self.edition, self.registry, self.year = engine, edition, registry, year
        with write(engine) as connection:
            self.validation_id = connection.execute(
                insert(validation).values(
                    year=year,
                    region=region,
                    input_digest="0" * 64,
                    duty_digest="0" * 64,
                    system_id=edition.system_id,
                    system_digest=edition.digest,
                    validated_at=NOW.isoformat(),
                    values_checked=0,
                )
            ).inserted_primary_key[0]
            connection.execute(
                insert(current_validation).values(year=year, region=region, validation_id=self.validation_id)
            )

    def submit(
        self,
        sender: str,
        period: str,
        *rows: dict[str, Any],
        kind: str = "unit",
        readable: bool = True,
        submitted_at: str = "2024-04-05T10:00:00+08:00",
    ) -> list[int]:
        """A submission, read. A row holds ``code`` and parts; an office's row also ``unit``.

        Returns:
            The ids of its values, or, of an unreadable file, of its parse.
        """
        submission_id = f"synth-{kind}-{sender}-{period}"
        same = (current_submission.c.kind == kind) & (current_submission.c.sender_code == sender)
        key = same & (current_submission.c.period == period)
        with write(self.engine) as connection:
            known = connection.execute(select(current_submission.c.revision).where(key)).scalar_one_or_none()
            revision = (known or 0) + 1
            connection.execute(
                insert(submission).values(
                    submission_id=submission_id,
                    revision=revision,
                    kind=kind,
                    source="folder",
                    year=self.year,
                    period=period,
                    sender_code=sender,
                    submitted_at=submitted_at,
                    received_at=submitted_at,
                    content_digest="c" * 64,
                )
            )
            parse_id = connection.execute(
                insert(parse).values(
                    submission_id=submission_id,
                    revision=revision,
                    kind=kind,
                    sender_code=sender,
                    year=self.year,
                    period=period,
                    reader_digest="d" * 64,
                    system_id=self.edition.system_id,
                    system_digest=self.edition.digest,
                    file_sha256=SHA,
                    readable=int(readable),
                    parsed_at=NOW.isoformat(),
                )
            ).inserted_primary_key[0]
            pointer = {"kind": kind, "sender_code": sender, "period": period, "year": self.year}
            if known:
                connection.execute(current_submission.update().where(key).values(revision=revision))
                parsed = (current_parse.c.kind == kind) & (current_parse.c.sender_code == sender)
                parsed &= current_parse.c.period == period
                connection.execute(current_parse.update().where(parsed).values(parse_id=parse_id))
            else:
                connection.execute(
                    insert(current_submission).values(
                        **pointer, submission_id=submission_id, revision=revision
                    )
                )
                connection.execute(insert(current_parse).values(**pointer, parse_id=parse_id))
            connection.execute(
                insert(slice_parse).values(
                    parse_id=parse_id,
                    year=self.year,
                    region=REGION,
                    system_id=self.edition.system_id,
                    system_digest=self.edition.digest,
                    duty_digest="0" * 64,
                )
            )
            if not readable:
                return [parse_id]
            values = [_value_row(parse_id, sender, period, kind, n, row) for n, row in enumerate(rows, 1)]
            if values:
                connection.execute(insert(value), values)
            by_row = select(value.c.value_id).where(value.c.parse_id == parse_id).order_by(value.c.row_no)
            return list(connection.execute(by_row).scalars())

    def find(
        self,
        severity: str,
        *,
        value_id: int | None = None,
        parse_id: int | None = None,
        by_reader: bool = False,
    ) -> int:
        """A finding on a value, or on a whole file."""
        with write(self.engine) as connection:
            if value_id is not None:
                about = connection.execute(select(value).where(value.c.value_id == value_id)).mappings().one()
                parse_id = about["parse_id"]
            read = connection.execute(select(parse).where(parse.c.parse_id == parse_id)).mappings().one()
            about = about if value_id is not None else {}
            return connection.execute(
                insert(finding).values(
                    parse_id=parse_id,
                    validation_id=None if by_reader or value_id is None else self.validation_id,
                    value_id=value_id,
                    year=self.year,
                    period=about.get("period", read["period"]),
                    unit_code=about.get("unit_code", read["sender_code"]),
                    indicator_code=about.get("indicator_code"),
                    submission_id=read["submission_id"],
                    revision=read["revision"],
                    check_id="SYNTH",
                    rule="SYNTH",
                    severity=severity,
                    message_zh="合成",
                    message_en="synthetic",
                    fix_zh="合成",
                    value_digest=about.get("value_digest"),
                    system_id=self.edition.system_id,
                    system_digest=self.edition.digest,
                )
            ).inserted_primary_key[0]

    def decide(self, kind: str, unit_code: str, indicator_code: str, period: str, **changes: Any) -> None:
        """A steward's decision (an approval unless told otherwise)."""
        row = {
            "ordinal": NEXT_ORDINAL,
            "kind": kind,
            "year": self.year,
            "unit_code": unit_code,
            "indicator_code": indicator_code,
            "period": period,
            "verdict": "approve",
            "reason": "合成",
            "decided_by": "steward",
            "decided_at": NOW.isoformat(),
        }
        with write(self.engine) as connection:
            connection.execute(insert(decision).values(**(row | changes)))

    def digest_of(self, value_id: int) -> str:
        """The digest that a decision on a value is bound to."""
        with write(self.engine) as connection:
            return connection.execute(
                select(value.c.value_digest).where(value.c.value_id == value_id)
            ).scalar_one()

    def score(self, stage: Stage = Stage.PROVISIONAL, **changes: Any) -> ScoreOutcome:
        """Score the slice."""
        given = {"today": TODAY, "stage": stage, "now": NOW} | changes
        return score_slice(self.engine, self.edition, self.registry, self.year, REGION, **given)


def _value_row(
    parse_id: int, sender: str, period: str, kind: str, row_no: int, row: dict[str, Any]
) -> dict[str, Any]:
    about = Period.parse(row.get("period", period))
    parts = {
        name: None if row.get(name) is None else str(row[name])
        for name in ("numerator", "denominator", "amount", "date_value")
    }
    cells = {"row": "A", "numerator": "E", "denominator": "G", "value": "H", "boolean": "I", "date": "J"}
    return {
        "parse_id": parse_id,
        "row_no": row_no,
        "year": about.year,
        "period": str(about),
        "period_rank": about.rank,
        "period_first": about.first_day.isoformat(),
        "period_last": about.last_day.isoformat(),
        "kind": kind,
        "reporter_code": sender,
        "unit_code": row.get("unit", sender),
        "indicator_code": row["code"],
        "boolean_value": row.get("boolean"),
        "not_applicable": row.get("not_applicable", 0),
        "evidence_named": row.get("evidence_named", 0),
        "evidence_missing": row.get("evidence_missing"),
        "sheet": "填报表",
        "value_digest": f"{parse_id:032d}{row_no:032d}",
        **{f"cell_{part}": f"{column}{row_no + 2}" for part, column in cells.items()},
        **parts,
    }
