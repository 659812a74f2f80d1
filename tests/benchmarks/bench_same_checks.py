"""The same checks four ways: our gate, one GX expectation per indicator, plain pandas, hand-written SQL.

Six rules that look at nothing but a row and its indicator, on the same stored rows (合成数据), in one process, CPU seconds.
All four must find the same number of (rule, value) pairs, and some, or the exit status is 1. What only our gate does, the
other rules and the listing with cells and words, is left out here; ``bench_validation.py`` and ``bench_year.py`` have it.
The quick tier takes two small stores, ``FAZHI_BENCH=full`` up to a city's year and beyond. ``--json FILE`` keeps the numbers.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas
from sqlalchemy import Engine, text

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_year import exponent
from fazhi.store import connect, read, upgrade, write
from fazhi.systems.edition import Edition
from fazhi.validate import slices
from fazhi.validate.expectations import suite_document
from fazhi.validate.gate import counts_by_gx
from support.bulk import TODAY, YEAR, fill
from support.validate import EDITIONS, REGION

SIZES = {"": (3_000, 12_000), "full": (12_000, 60_000, 240_000)}
RULES = ("COUNT_NOT_INTEGER", "NEGATIVE", "NUM_GT_DEN", "PERCENT_FORM", "PERIOD_TYPE", "ZERO_DENOMINATOR")
MILLION = 10**6

BY_HAND = {
    "COUNT_NOT_INTEGER": "(value_type = 'ratio' AND (numerator_q % 1000000 <> 0 OR denominator_q % 1000000 <> 0))"
    " OR (value_type = 'count' AND amount_q % 1000000 <> 0)",
    "NEGATIVE": "numerator_q < 0 OR denominator_q < 0 OR amount_q < 0",
    "NUM_GT_DEN": "value_type = 'ratio' AND ((ratio_kind = 'share' AND numerator_q > denominator_q)"
    " OR (denominator_q = 0 AND numerator_q > 0))",
    "PERCENT_FORM": "value_type = 'ratio' AND ratio_form = 'fraction'",
    "PERIOD_TYPE": "stated_reporting = 'cumulative' AND reporting = 'current'",
    "ZERO_DENOMINATOR": "value_type = 'ratio' AND denominator_q = 0 AND numerator_q = 0 AND value_raw <> ''",
}
"""The rules as somebody would write them who has one table with the indicator's kind in each row."""
ROWS = (
    "SELECT v.value_id, v.indicator_code, v.numerator_q, v.denominator_q, v.amount_q, v.ratio_form,"
    " v.stated_reporting, v.value_raw, d.value_type, d.ratio_kind, d.reporting FROM {source} v"
    " JOIN slice_parse sp ON sp.parse_id = v.parse_id JOIN indicator_dim d ON d.system_digest = sp.system_digest"
    f" AND d.code = v.indicator_code WHERE sp.year = {YEAR} AND sp.region = '{REGION}'"
)


def by_gate(engine: Engine, edition: Edition) -> int:
    """Our gate with one expectation for each rule, whatever the number of indicators."""
    suite = suite_document(edition)
    kept = [one for one in suite["expectations"] if one["meta"]["rule"] in RULES]
    return sum(counts_by_gx(engine, suite | {"expectations": kept}, YEAR, REGION).values())


def by_indicator(engine: Engine, edition: Edition) -> int:
    """One expectation for each indicator, which says all its rules: as a GX project grows when it is written by hand."""
    broken = " UNION ALL ".join(
        f"SELECT value_id FROM judged WHERE {condition}" for condition in BY_HAND.values()
    )
    rows = ROWS.format(source="{batch}")
    query = f"WITH judged AS ({rows} AND v.indicator_code = '{{code}}') {broken}"
    expectations = [
        {
            "type": "unexpected_rows_expectation",
            "kwargs": {"unexpected_rows_query": query.replace("{code}", one.code)},
            "meta": {"rule": one.code},
        }
        for one in edition.indicators
    ]
    suite = {"name": "by_indicator", "expectations": expectations}
    return sum(counts_by_gx(engine, suite, YEAR, REGION).values())


def by_pandas(engine: Engine, _edition: Edition) -> int:
    """All rows in memory, a mask for each rule."""
    with read(engine) as connection:
        rows = pandas.read_sql(text(ROWS.format(source="value")), connection)
    ratio, count = rows.value_type == "ratio", rows.value_type == "count"
    upper, lower, amount = rows.numerator_q, rows.denominator_q, rows.amount_q
    masks = (
        (ratio & ((upper.notna() & (upper % MILLION != 0)) | (lower.notna() & (lower % MILLION != 0))))
        | (count & amount.notna() & (amount % MILLION != 0)),
        (upper < 0) | (lower < 0) | (amount < 0),
        ratio & (((rows.ratio_kind == "share") & (upper > lower)) | ((lower == 0) & (upper > 0))),
        ratio & (rows.ratio_form == "fraction"),
        (rows.stated_reporting == "cumulative") & (rows.reporting == "current"),
        ratio & (lower == 0) & (upper == 0) & (rows.value_raw.fillna("") != ""),
    )
    return sum(int(mask.sum()) for mask in masks)


def by_sql(engine: Engine, _edition: Edition) -> int:
    """One statement that counts all rules in one pass."""
    rows = ROWS.format(source="value")
    counts = ", ".join(f"COUNT(CASE WHEN {condition} THEN 1 END)" for condition in BY_HAND.values())
    with read(engine) as connection:
        return sum(connection.execute(text(f"SELECT {counts} FROM ({rows}) AS judged")).one())


WAYS: Mapping[str, Callable[[Engine, Edition], int]] = {
    "our gate": by_gate,
    "GX per indicator": by_indicator,
    "pandas": by_pandas,
    "SQL by hand": by_sql,
}


def prepared(url: str, rows: int) -> tuple[Engine, Edition, int]:
    """A store with about so many rows of the year, ready to be judged; how many they are."""
    engine, edition = connect(url), EDITIONS.for_year(YEAR)
    upgrade(engine)
    bulk = fill(engine, edition, rows)
    dims = slices.dimensions(edition, bulk.registry, YEAR, TODAY, None)
    with write(engine) as connection:
        place = slices._place(dims, bulk.registry, YEAR, REGION, TODAY)
        slices._prepare(connection, slices._ready(connection, dims, place, True))
    return engine, edition, bulk.rows


def measure(rows: int) -> dict[str, Any]:
    """CPU seconds of each way on a store of one size, the better of two rounds, and what it found."""
    with tempfile.TemporaryDirectory() as folder:
        engine, edition, written = prepared(f"sqlite:///{folder}/store.db", rows)
        seconds: dict[str, float] = dict.fromkeys(WAYS, float("inf"))
        found: dict[str, int] = {}
        for _ in range(2):
            for name, way in WAYS.items():
                begun = time.process_time()
                found[name] = way(engine, edition)
                seconds[name] = min(seconds[name], time.process_time() - begun)
        engine.dispose()
    return {"rows": written, "indicators": len(edition.indicators), "seconds": seconds, "found": found}


def main() -> int:
    """Print the table; 1 when the four do not agree, or find nothing."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    import great_expectations  # noqa: F401 - its import is nobody's check

    tier = os.environ.get("FAZHI_BENCH", "")
    measured = [measure(rows) for rows in SIZES.get(tier, SIZES[""])]
    print(f"six rules, {measured[-1]['indicators']} indicators, CPU seconds")
    print(
        f"{'':<18}"
        + "".join(f"{one['rows']:>11,} rows" for one in measured)
        + f"{'exponent':>10}{'to our gate':>13}"
    )
    smaller, larger = measured[-2:]
    for name in WAYS:
        power = exponent(smaller["seconds"][name], larger["seconds"][name], smaller["rows"], larger["rows"])
        ratio = larger["seconds"][name] / larger["seconds"]["our gate"]
        cells = "".join(f"{one['seconds'][name]:>14.3f} s" for one in measured)
        print(f"{name:<18}{cells}{power:>10.2f}{ratio:>13.2f}")
    agreed = all(len(set(one["found"].values())) == 1 and one["found"]["our gate"] for one in measured)
    found = [one["found"] for one in measured]
    print(f"all four find the same: {'yes' if agreed else f'NO {found}'}; found {found[-1]['our gate']}")
    if options.json:
        options.json.write_text(json.dumps({"tier": tier, "sizes": measured}), encoding="utf-8")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
