"""A small city for validation. In: rows as ``checks.yaml`` writes its examples. Out: a store with them,
judged.

All units and figures are synthetic (合成数据). Rows of one sender, kind and period make one submission whose
table has its first data row in row 3, in the columns of the template."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, func, insert, select, text, update

from fazhi.intake.ratios import places_kept, read_ratio
from fazhi.model.canonical import digest, sha256_hex
from fazhi.model.exact import plain, scaled
from fazhi.model.period import Period
from fazhi.model.quantity import read_quantity
from fazhi.model.terms import RatioKind, Tag, ValueType
from fazhi.registry import Registry, Source, Unit
from fazhi.registry.records import LeadTask
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store, read, write
from fazhi.store.findings import current_findings
from fazhi.store.tables import (
    current_parse,
    decision,
    parse,
    raw_file,
    slice_parse,
    submission,
    submission_file,
    value,
    year_lock,
)
from fazhi.systems import load_editions
from fazhi.systems.edition import DatedValue, Deadline, Edition
from fazhi.validate import ValidationOutcome, validate_slice
from fazhi.validate.expectations import suite_document
from fazhi.validate.gate import counts_by_gx, slice_query
from support.decisions import NEXT_ORDINAL

EDITIONS = load_editions(PROJECT_ROOT / "include" / "indicator_systems")
GX_DIR = PROJECT_ROOT / "great_expectations"
REGION = "150200"
TODAY = date(2026, 3, 1)
_COLUMNS = {
    "row": "A",
    "numerator": "E",
    "denominator": "G",
    "value": "H",
    "boolean": "I",
    "date": "J",
    "not_applicable": "K",
    "evidence": "N",
}
_FIRST_DATA_ROW = 3
_FIGURES = ("indicator", "numerator", "denominator", "value", "stated", "boolean", "date", "na")


def sources_of(edition: Edition) -> tuple[str, ...]:
    """Every source of an edition that an office answers for."""
    named = {source for indicator in edition.indicators for source in indicator.sources}
    return tuple(sorted(named - {"SUB", "SYS"}))


def code_of(name: str) -> str:
    """The code of a unit or office by its name; a source's office is called by the source."""
    return f"CODE-{name}"


def unit(
    name: str, *tags: Tag, valid_from: date = date(2020, 1, 1), valid_to: date | None = None, heir: str = ""
) -> Unit:
    """A synthetic unit."""
    return Unit(
        unit_code=code_of(name),
        name_zh=name,
        name_en=name,
        short_name_zh=name,
        division_code=REGION,
        level="city",
        parent_code="",
        tags=frozenset(tags),
        scored_by="local",
        valid_from=valid_from,
        valid_to=valid_to,
        successor_code=code_of(heir) if heir else "",
    )


def small_registry(edition: Edition, *more: Unit, lead_tasks: tuple[LeadTask, ...] = ()) -> Registry:
    """甲单位 (牵头兼执法), 乙单位 (职能单一), and one office per source."""
    offices = [unit(source, Tag.SINGLE) for source in sources_of(edition)]
    return Registry(
        units=(unit("甲单位", Tag.LEAD, Tag.ENF), unit("乙单位", Tag.SINGLE), *offices, *more),
        sources=[
            *(
                Source(source, source, "office", code_of(source), None, None)
                for source in sources_of(edition)
            ),
            Source("SUB", "部门报送", "submission", "", None, None),
            Source("SYS", "本系统计算", "system", "", None, None),
        ],
        lead_tasks=lead_tasks,
        digest="0" * 64,
    )


_Group = tuple[str, str, str]
"""Kind, sender and period of a submission."""


@cache
def _empty_store() -> bytes:
    """A migrated store without rows; migrating anew for each city would take most of the tests' time."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        engine = open_store(f"sqlite:///{path}")
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return path.read_bytes()


def _new_store(folder: Path) -> Path:
    path = folder / "store.db"
    path.write_bytes(_empty_store())
    return path


@dataclass
class City:
    """A store, an edition and a registry; ``submit`` adds rows, ``judge`` validates."""

    engine: Engine
    edition: Edition
    year: int
    registry: Registry
    gx_dir: Path | None = GX_DIR
    today: date = TODAY
    own_suite: bool = False
    """Whether the edition was changed in the test, so that its suite is made instead of read."""
    judged: set[str] = field(default_factory=set)
    """Whose parses the last ``judge`` judged; what was found on the others was carried over."""
    _submitted: int = field(default=0)
    _revisions: dict[_Group, int] = field(default_factory=dict)

    @classmethod
    def at(
        cls, folder: Path, edition: Edition | None = None, year: int | None = None, **kwargs: Any
    ) -> "City":
        """A new city on a new SQLite store."""
        edition = edition or EDITIONS.by_id("2024")
        year = year or edition.to_year or edition.from_year
        engine = open_store(f"sqlite:///{_new_store(folder)}")
        registry = kwargs.pop("registry", None) or small_registry(edition)
        return cls(engine, edition, year, registry, **kwargs)

    def submit(self, rows: Iterable[Mapping[str, str]]) -> list[int]:
        """Store rows as parsed submissions; returns the ids of their values."""
        ids: list[int] = []
        for (kind, sender, period), group in self._grouped(rows).items():
            ids += self._store(kind, sender, period, group)
        return ids

    def _grouped(self, rows: Iterable[Mapping[str, str]]) -> "dict[_Group, list[Mapping[str, str]]]":
        grouped: dict[_Group, list[Mapping[str, str]]] = {}
        for row in rows:
            sender = row.get("by") or row.get("unit", "甲单位")
            period = f"{self.year + int(row.get('year', '0'))}{row.get('period', '')}"
            grouped.setdefault((row.get("kind", "unit"), code_of(sender), period), []).append(row)
        return grouped

    def _store(self, kind: str, sender: str, period: str, rows: list[Mapping[str, str]]) -> list[int]:
        self._submitted += 1
        revision = int(rows[0].get("revision", self._revisions.get((kind, sender, period), 0) + 1))
        self._revisions[kind, sender, period] = revision
        when = Period.parse(period)
        with write(self.engine) as connection:
            known = {
                "kind": kind,
                "sender_code": sender,
                "year": when.year,
                "period": period,
            }
            key = connection.execute(
                insert(parse).values(
                    **known,
                    submission_id=self._submission(connection, known, revision, rows),
                    revision=revision,
                    reader_digest="1" * 64,
                    system_id=self.edition.system_id,
                    system_digest=self.edition.digest,
                    file_sha256=f"{self._submitted:064d}",
                    readable=1,
                    parsed_at="2025-01-01T00:00:00+08:00",
                )
            ).inserted_primary_key
            assert key is not None
            connection.execute(
                current_parse.delete().where(
                    current_parse.c.kind == kind,
                    current_parse.c.sender_code == sender,
                    current_parse.c.period == period,
                )
            )
            connection.execute(insert(current_parse).values(**known, parse_id=key[0]))
            values = [
                {"parse_id": key[0], **value_row(self.edition, kind, sender, when, number, row)}
                for number, row in enumerate(rows, start=1)
            ]
            return [
                int(connection.execute(insert(value).values(one)).inserted_primary_key[0])  # type: ignore[index]
                for one in values
            ]

    def _submission(
        self,
        connection: Connection,
        known: Mapping[str, Any],
        revision: int,
        rows: Sequence[Mapping[str, str]],
    ) -> str:
        """Record the submission that rows came in; what is not said of it is taken from the period's end."""
        first = rows[0]
        key = {"submission_id": f"S{self._submitted:03d}", "revision": revision}
        at = self.moment(str(known["period"]), first.get("sent", "120"), first.get("clock", "09:00"))
        connection.execute(
            insert(submission).values(
                **key,
                **known,
                source="合成数据",
                submitted_at=at,
                submitted_by=first.get("clerk", "甲某"),
                received_at=at,
                content_digest=digest({"rows": [dict(row) for row in rows], "no": self._submitted}),
            )
        )
        files = [("填报表.csv", "workbook", first.get("file", f"workbook {self._submitted}"))]
        files += [
            (f"{name}.pdf", "evidence", name)
            for name in dict.fromkeys(row["evidence_file"] for row in rows if "evidence_file" in row)
        ]
        for name, role, content in files:
            sha256 = sha256_hex(content.encode())
            if connection.execute(select(raw_file).where(raw_file.c.sha256 == sha256)).first() is None:
                connection.execute(insert(raw_file).values(sha256=sha256, size=1, first_seen_at=at))
            connection.execute(
                insert(submission_file).values(**key, name=name, role=role, sha256=sha256, size=1)
            )
        return str(key["submission_id"])

    def moment(self, period: str, days: str, clock: str = "00:00") -> str:
        """A time some days after a period's last day."""
        day = Period.parse(period).last_day + timedelta(days=int(days))
        return f"{day.isoformat()}T{clock}:00+08:00"

    def set_deadline(self, value: str, unit: str) -> None:
        """Give the edition a deadline for submissions."""
        dated = DatedValue(None, None, value, unit, 0, "unverified", "合成数据")
        deadline = Deadline("submission_after_period", "报送", (dated,))
        deadlines = {**self.edition.deadlines, "submission_after_period": deadline}
        self.edition = replace(self.edition, deadlines=deadlines)

    def lock(self, days: str, until: str | None = None) -> None:
        """Lock the year some days after its end, and lift that some days after it."""
        with write(self.engine) as connection:
            connection.execute(
                insert(year_lock).values(
                    year=self.year,
                    region=REGION,
                    locked_at=self.moment(str(self.year), days),
                    lifted_at=None if until is None else self.moment(str(self.year), until),
                    reason="最终结果公示（合成数据）",
                )
            )

    def approve_not_applicable(
        self, indicator: str, verdict: str = "approve", unit_name: str = "甲单位"
    ) -> None:
        """Record a verdict on 不适用 for the year."""
        with write(self.engine) as connection:
            connection.execute(
                insert(decision).values(
                    ordinal=NEXT_ORDINAL,
                    kind="not_applicable",
                    year=self.year,
                    unit_code=code_of(unit_name),
                    indicator_code=indicator,
                    period=str(self.year),
                    verdict=verdict,
                    reason="合成数据",
                    requested_by="甲",
                    decided_by="乙",
                    decided_at="2025-01-01T00:00:00+08:00",
                )
            )

    def judge(self, *, with_gx: bool = False, region: str = REGION) -> ValidationOutcome:
        """Validate the year; GX's own counting takes seconds, so most tests run its queries themselves."""
        counts = counts_by_gx if with_gx else counts_by_queries
        self.judged = set()

        def counting(engine: Engine, suite: Mapping[str, Any], year: int, region: str) -> Mapping[str, int]:
            self.judged = senders_to_judge(engine, year)
            return counts(engine, suite, year, region)

        with ExitStack() as patches:
            patches.enter_context(patch("fazhi.validate.slices.counts_by_gx", counting))
            if self.own_suite:
                patches.enter_context(
                    patch(
                        "fazhi.validate.slices.committed_suite", lambda _dir, edition: suite_document(edition)
                    )
                )
            return validate_slice(
                self.engine,
                self.edition,
                self.registry,
                self.year,
                region,
                today=self.today,
                gx_dir=self.gx_dir,
            )

    def findings(self, rule: str | None = None) -> list[dict[str, Any]]:
        """The findings in force, of one rule or of all."""
        with read(self.engine) as connection:
            found = current_findings(connection, self.year)
        return [one for one in found if rule in (None, one["rule"])]

    def count(self, table: Any) -> int:
        """How many rows a table has."""
        with read(self.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def senders_to_judge(engine: Engine, year: int) -> set[str]:
    """Whose parses of a year are marked to be judged, from the writing down to the listing."""
    marked = (
        select(parse.c.sender_code)
        .join(slice_parse, slice_parse.c.parse_id == parse.c.parse_id)
        .where(slice_parse.c.year == year, slice_parse.c.to_judge == 1)
    )
    with read(engine) as connection:
        return set(connection.execute(marked.distinct()).scalars())


def mark_all(engine: Engine) -> None:
    """Let every parse be judged again, as when GX counted before a first listing."""
    with write(engine) as connection:
        connection.execute(update(slice_parse).values(to_judge=1))


def counts_by_queries(engine: Engine, suite: Mapping[str, Any], year: int, region: str) -> dict[str, int]:
    """The suite's queries counted without GX, on the rows that GX is given."""
    batch = f"({slice_query(year, region)})"
    with read(engine) as connection:
        return {
            one["meta"]["rule"]: len(
                connection.execute(text(one["kwargs"]["unexpected_rows_query"].format(batch=batch))).all()
            )
            for one in suite["expectations"]
        }


def value_row(
    edition: Edition, kind: str, sender: str, period: Period, number: int, row: Mapping[str, str]
) -> dict[str, Any]:
    """One row of ``value`` as intake makes it from a template."""
    indicator = edition.by_code.get(row["indicator"])
    shift = 1 if kind == "office" else 0
    at = _FIRST_DATA_ROW + number - 1
    cells = {f"cell_{place}": f"{chr(ord(column) + shift)}{at}" for place, column in _COLUMNS.items()}
    date_value = row.get("date")
    if date_value is not None and date_value.startswith("-"):
        date_value = f"{period.year + int(row.get('date_year', '0'))}{date_value}"
    filled = {
        "row_no": number,
        "year": period.year,
        "period": str(period),
        "period_rank": period.rank,
        "period_first": period.first_day.isoformat(),
        "period_last": period.last_day.isoformat(),
        "kind": kind,
        "reporter_code": sender,
        "unit_code": code_of(row.get("unit", "甲单位")),
        "indicator_code": row["indicator"],
        "numerator_raw": row.get("numerator"),
        "denominator_raw": row.get("denominator"),
        "value_raw": row.get("stated") or row.get("value"),
        "boolean_raw": row.get("boolean"),
        "boolean_value": {"是": 1, "否": 0}.get(row.get("boolean", "")),
        "date_raw": date_value,
        "date_value": date_value,
        "not_applicable": int(row.get("na", "0")),
        "reason": row.get("reason"),
        "note": row.get("note"),
        "stated_reporting": row.get("reporting"),
        "stated_scope": row.get("scope"),
        "evidence_named": int(row.get("evidence", "1")),
        "evidence_missing": row.get("evidence_missing"),
        "sheet": "填报表",
        "cell_unit": f"A{at}" if kind == "office" else None,
        "value_digest": digest({"figures": {part: row[part] for part in _FIGURES if part in row}}),
        **cells,
        **_quantities(row),
    }
    if indicator is not None and indicator.value_type is ValueType.RATIO and row.get("stated"):
        filled |= _stated(row["stated"], indicator.ratio_kind or RatioKind.SHARE, indicator.unit_zh, filled)
    return filled


def _quantities(row: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    fuzzy = []
    for part, column in (("numerator", "numerator"), ("denominator", "denominator"), ("value", "amount")):
        if part not in row:
            continue
        quantity = read_quantity(row[part], "")
        if quantity.exact is not None:
            found[column] = plain(quantity.exact)
            found[f"{column}_q"] = scaled(found[column])
        else:
            fuzzy.append(part)
            if part == "value":
                found["low_q"] = scaled(plain(quantity.low)) if quantity.low is not None else None
                found["high_q"] = scaled(plain(quantity.high)) if quantity.high is not None else None
    return {**found, "fuzzy": ";".join(fuzzy) or None}


def _stated(written: str, kind: RatioKind, unit: str, filled: Mapping[str, Any]) -> dict[str, Any]:
    quantity = read_quantity(written, unit, max_places=places_kept(unit))
    parts = [scaled(filled[part]) if filled.get(part) else None for part in ("numerator", "denominator")]
    stated = read_ratio(quantity, kind, unit, *parts)
    return {
        "stated_ratio": plain(stated.share),
        "ratio_form": stated.form,
        "ratio_gap": stated.gap,
        "ratio_tolerance": stated.tolerance,
    }
