"""What exact scoring costs beside a plain loop over fractions and beside floats, in one run.

Input of all: the same table of numerators and denominators, units by indicators, with one value in twenty not
applicable; each gets it in the form that it likes best. Output of all: weights, points, S. Baselines: the textbook
loop of scoring.md in ``fractions.Fraction``, whose digits must be the same; polars and numpy in floats, whose
digits need not be. Promises: at least 50 times faster than the loop, at most 3 times slower than floats in either.

Quick by default; ``FAZHI_BENCH=full`` takes 6,000 units by 124 indicators. ``FAZHI_BENCH=slice`` scores a
store end to end and prints seconds per unit and where they go. Exit status 1 when a promise is broken.
"""

import cProfile
import os
import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fazhi.model.terms import Frequency, Group, Tag
from fazhi.score.batch import Column, Digits, Table, compute
from fazhi.store import open_store
from fazhi.systems.edition import Edition, code_key
from support.scoring import YEAR, World, code, edition, indicator, lead_task, profile, registry, unit

INDICATORS = 124
FULL, QUICK, SLICE = 6_000, 500, 200
FASTER_THAN_FRACTIONS = 50
SLOWER_THAN_FLOATS = 3
ROUNDS = 5


def system() -> Edition:
    """An edition of ordinary size: three groups, marks from 0.50 up."""
    groups = list(Group)
    items = [
        indicator(
            f"{'ABCDEFG'[n // 20]}1.{1 + n % 20}",
            {"floor": "0.5", "target": "1"},
            group=groups[n % 3],
            full_mark=50 + n,
            frequency=Frequency.YEARLY,
        )
        for n in range(INDICATORS)
    ]
    return edition(*items, profiles=(profile("30", "40", "30"),))


def table(system_: Edition, units: int) -> Table:
    """Made-up values (合成数据), the same ones every time."""
    random = np.random.default_rng(20240101)
    carries = random.random((units, INDICATORS)) > 0.05
    bottoms = random.integers(20, 2_000, (units, INDICATORS))
    tops = (bottoms * random.integers(30, 101, (units, INDICATORS))) // 100
    columns = []
    for place in range(INDICATORS):
        rows = np.flatnonzero(carries[:, place])
        columns.append(Column(rows, tops[rows, place], bottoms[rows, place]))
    return Table(system_.indicators, [system_.profiles[0]] * units, [False] * units, carries, columns)


# --- the plain loop


def by_fractions(system_: Edition, given: Table) -> list[tuple[list[int], list[int], int]]:
    """Straight from scoring.md, one unit and one indicator at a time."""
    values: list[dict[int, Fraction]] = [{} for _ in given.profiles]
    for place, column in enumerate(given.columns):
        for row, top, bottom in zip(
            column.rows.tolist(), column.tops.tolist(), column.bottoms.tolist(), strict=True
        ):
            values[row][place] = Fraction(top, bottom)
    shares = system_.profiles[0].shares
    results = []
    for one in values:
        weights = fraction_weights(given, one, shares)
        points = {place: half_up(weights[place] * rate(given, place, value)) for place, value in one.items()}
        results.append(
            (
                [int(weights.get(place, 0) * 100) for place in range(INDICATORS)],
                [int(points.get(place, 0) * 100) for place in range(INDICATORS)],
                int(sum(points.values(), Fraction(0)) * 100),
            )
        )
    return results


def rate(given: Table, place: int, value: Fraction) -> Fraction:
    params = given.indicators[place].rule_params
    slope = (value - params["floor"]) / (params["target"] - params["floor"])
    return min(Fraction(1), max(Fraction(0), slope))


def half_up(number: Fraction) -> Fraction:
    return Fraction(int(number * 100 + Fraction(1, 2)), 100)


def fraction_weights(given: Table, one: dict[int, Fraction], shares) -> dict[int, Fraction]:
    groups: dict[Group, Fraction] = {}
    for place in one:
        item = given.indicators[place]
        groups[item.group] = groups.get(item.group, Fraction(0)) + Fraction(item.full_mark, 100)
    active = sum(shares[group] for group in groups)
    exact = {}
    for place in one:
        item = given.indicators[place]
        share = 100 * shares[item.group] / active
        exact[place] = share * Fraction(item.full_mark, 100) / groups[item.group]
    down = {place: Fraction(int(weight * 100), 100) for place, weight in exact.items()}
    missing = int((100 - sum(down.values())) * 100)
    order = sorted(exact, key=lambda p: (down[p] - exact[p], code_key(given.indicators[p].code)))
    for place in order[:missing]:
        down[place] += Fraction(1, 100)
    return down


# --- floats


def long_frame(given: Table) -> pl.DataFrame:
    """The table as a data frame holds it: one row a value, by unit and indicator."""
    rows = np.concatenate([column.rows for column in given.columns])
    frame = pl.DataFrame(
        {
            "unit": rows,
            "place": np.concatenate([np.full(len(column.rows), n) for n, column in enumerate(given.columns)]),
            "top": np.concatenate([column.tops for column in given.columns]),
            "bottom": np.concatenate([column.bottoms for column in given.columns]),
        }
    )
    return frame.sort("unit", "place")


def indicator_frame(given: Table, shares: list[float]) -> pl.DataFrame:
    """One row an indicator: its mark, its group and share, its rule."""
    params = [item.rule_params for item in given.indicators]
    groups = [list(Group).index(item.group) for item in given.indicators]
    return pl.DataFrame(
        {
            "place": range(INDICATORS),
            "mark": [item.full_mark / 100 for item in given.indicators],
            "group": groups,
            "share": [shares[group] for group in groups],
            "floor": [float(one["floor"]) for one in params],
            "target": [float(one["target"]) for one in params],
        }
    )


def by_polars(frame: pl.DataFrame, indicators: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same in polars floats: the lines with weight and points, and S by unit."""
    col = pl.col
    lines = (
        frame.lazy()
        .join(indicators.lazy(), on="place", maintain_order="left")
        .with_columns(part=col("share") * col("mark") / col("mark").sum().over("unit", "group"))
        .with_columns(exact=10_000 * col("part") / col("part").sum().over("unit"))
        .with_columns(down=col("exact").floor())
        .with_columns(
            missing=10_000 - col("down").sum().over("unit"),
            turn=(col("down") - col("exact")).rank("ordinal").over("unit"),
            rate=((col("top") / col("bottom") - col("floor")) / (col("target") - col("floor"))).clip(0, 1),
        )
        .with_columns(weight=(col("down") + (col("turn") <= col("missing"))) / 100)
        .with_columns(points=(col("weight") * col("rate") * 100 + 0.5).floor() / 100)
        .select("unit", "place", "weight", "points")
        .collect()
    )
    return lines, lines.group_by("unit").agg(col("points").sum()).sort("unit")


def by_numpy(given: Table, shares: list[float]) -> np.ndarray:
    """S in numpy floats, as a careless implementation would."""
    marks = np.array([item.full_mark / 100 for item in given.indicators])
    group = np.array([list(Group).index(item.group) for item in given.indicators])
    mass = given.carries * marks
    totals = np.stack([mass[:, group == number].sum(axis=1) for number in range(3)], axis=1)
    active = np.where(totals > 0, np.array(shares), 0)
    active = 100 * active / active.sum(axis=1)[:, None]
    exact = mass * (active / np.maximum(totals, 1e-9))[:, group] * 100
    down = np.floor(exact)
    missing = 10_000 - down.sum(axis=1)
    order = np.argsort(down - exact, axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.arange(order.shape[1])[None, :], axis=1)
    weights = (down + (place < missing[:, None])) / 100
    rates = np.zeros(weights.shape)
    for number, column in enumerate(given.columns):
        params = given.indicators[number].rule_params
        floor, target = float(params["floor"]), float(params["target"])
        value = column.tops / column.bottoms
        rates[column.rows, number] = np.clip((value - floor) / (target - floor), 0, 1)
    return np.floor(weights * rates * 100 + 0.5).sum(axis=1) / 100


# --- measuring


def best(run: Callable[[], object], rounds: int = ROUNDS) -> float:
    """CPU seconds, the best of some rounds."""
    seconds = []
    for _ in range(rounds):
        begin = time.process_time()
        run()
        seconds.append(time.process_time() - begin)
    return min(seconds)


def same_digits(ours: Digits, plain: list[tuple[list[int], list[int], int]]) -> bool:
    """Whether every weight, every line's points and every S are the same."""
    weights, points, base = ours.weights.tolist(), ours.points.tolist(), ours.base.tolist()
    return all(
        (weights[row], points[row], base[row]) == expected for row, expected in enumerate(plain)
    ) and len(plain) == len(base)


def compare(units: int) -> int:
    """Print the table; the exit status."""
    system_ = system()
    given = table(system_, units)
    shares = [float(system_.profiles[0].shares[group]) for group in Group]
    ours = best(lambda: compute(system_, YEAR, given))
    frame, indicators = long_frame(given), indicator_frame(given, shares)
    polars = best(lambda: by_polars(frame, indicators))
    numpy = best(lambda: by_numpy(given, shares))
    begin = time.process_time()
    plain = by_fractions(system_, given)
    fractions = time.process_time() - begin
    same = same_digits(compute(system_, YEAR, given), plain)
    exact = np.array([base for _, _, base in plain])
    _, sums = by_polars(frame, indicators)
    wrong = {
        "polars": int((np.rint(sums["points"].to_numpy() * 100) != exact).sum()),
        "numpy": int((np.rint(by_numpy(given, shares) * 100) != exact).sum()),
    }
    kept = (
        same and fractions / ours >= FASTER_THAN_FRACTIONS and ours / min(polars, numpy) <= SLOWER_THAN_FLOATS
    )
    print(f"{units} units x {INDICATORS} indicators, CPU seconds (best of {ROUNDS}; fractions once)")
    print(f"{'ours, exact':<28}{ours:>10.3f} s")
    print(f"{'plain Fraction loop':<28}{fractions:>10.3f} s{fractions / ours:>10.1f} times ours")
    print(f"{'polars floats':<28}{polars:>10.3f} s   ours takes {ours / polars:.2f} times that")
    print(f"{'numpy floats':<28}{numpy:>10.3f} s   ours takes {ours / numpy:.2f} times that")
    print(
        f"same digits as the loop: {'yes' if same else 'NO'}; S is wrong for {wrong['polars']} of {units} units "
        f"in polars, for {wrong['numpy']} in numpy"
    )
    print(
        f"promise: at least {FASTER_THAN_FRACTIONS} times faster than fractions, at most "
        f"{SLOWER_THAN_FLOATS} times slower than floats: {'kept' if kept else 'BROKEN'}"
    )
    return 0 if kept else 1


def whole_slice(units: int) -> int:
    """Score a store of made-up units (合成数据) end to end; where the time goes."""
    system_ = system()
    codes = [item.code for item in system_.indicators]
    with tempfile.TemporaryDirectory() as folder:
        made = World(
            open_store(f"sqlite:///{folder}/fazhi.db"),
            system_,
            registry(
                *(unit(n, Tag.LEAD) for n in range(1, units + 1)),
                lead_tasks=[lead_task(n, *codes) for n in range(1, units + 1)],
            ),
        )
        for n in range(1, units + 1):
            rows = [
                {"code": one, "numerator": 50 + (n * 7 + k * 13) % 50, "denominator": 100 + n * k % 37}
                for k, one in enumerate(codes)
            ]
            made.submit(code(n), str(YEAR), *rows)
        profiler = cProfile.Profile()
        begin = time.process_time()
        profiler.enable()
        scored = made.score().scored
        profiler.disable()
        seconds = time.process_time() - begin
    print(f"{scored} units x {INDICATORS} indicators, store to store under the profiler: {seconds:.2f} s,")
    print(f"{1000 * seconds / scored:.1f} ms a unit")
    pstats.Stats(profiler).sort_stats("cumulative").print_stats("fazhi", 18)
    return 0


def main() -> int:
    """Run what ``FAZHI_BENCH`` asks for."""
    wanted = os.environ.get("FAZHI_BENCH", "quick")
    if wanted == "slice":
        return whole_slice(SLICE)
    return compare(FULL if wanted == "full" else QUICK)


if __name__ == "__main__":
    sys.exit(main())
