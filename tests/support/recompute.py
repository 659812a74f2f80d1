"""Recompute a year from ``fazhi export`` without the project's code, and compare every digit (scoring.md).

Usage: ``python tests/support/recompute.py EXPORT_DIR SYSTEM_DIR REGISTRY_DIR``. Reads the exported CSV
files, the edition's ``indicators.csv`` and ``system.yaml`` and the registry's ``units.csv``; prints what
differs, one line each; exit status 1 on any difference. Standard library and PyYAML only; nothing of
``fazhi`` is imported.
"""

import csv
import hashlib
import json
import sys
from collections import defaultdict
from datetime import date
from fractions import Fraction
from pathlib import Path

import yaml

CSV_FILES = ("inputs.csv", "lines.csv", "results.csv", "adjustments.csv")


def rows_of(path):
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def half_up(number, places=2):
    """Round half away from zero; plain decimal text."""
    sign = "-" if number < 0 else ""
    whole = int(abs(number) * 10**places + Fraction(1, 2))
    return f"{sign}{whole // 10**places}.{whole % 10**places:0{places}d}" if whole else "0." + "0" * places


def part_order(code):
    return [
        (part.rstrip("0123456789"), int(part[len(part.rstrip("0123456789")) :] or 0))
        for part in code.split(".")
    ]


def last_month_and_length(period):
    _year, _, part = period.partition("-")
    if not part:
        return 12, 12
    if part[0] == "H":
        return 6 * int(part[1]), 6
    if part[0] == "Q":
        return 3 * int(part[1]), 3
    return int(part), 1


class Recomputation:
    """One year's check; ``differences`` collects what does not agree."""

    def __init__(self, export_dir, system_dir, registry_dir):
        export_dir = Path(export_dir)
        self.manifest = json.loads((export_dir / "manifest.json").read_text(encoding="utf-8"))
        self.year = int(self.manifest["year"])
        self.bytes_of = {name: (export_dir / name).read_bytes() for name in CSV_FILES}
        self.rows = {name: rows_of(export_dir / name) for name in CSV_FILES}
        with (Path(system_dir) / "system.yaml").open(encoding="utf-8") as file:
            self.system = yaml.safe_load(file)
        self.indicators = {row["code"]: row for row in rows_of(Path(system_dir) / "indicators.csv")}
        self.units = defaultdict(list)
        for row in rows_of(Path(registry_dir) / "units.csv"):
            self.units[row["unit_code"]].append(row)
        self.differences = []

    def expect(self, where, what, stored, computed):
        if str(stored) != str(computed):
            self.differences.append(f"{where}: {what} is {stored!r}, recomputed {computed!r}")

    def run(self):
        self.check_manifest()
        self.expect("results.csv", "units", len(self.rows["results.csv"]), len(self.by_unit("results.csv")))
        lines, inputs = self.by_unit("lines.csv"), self.by_unit("inputs.csv")
        events = self.by_unit("adjustments.csv")
        self.check_order()
        for result in self.rows["results.csv"]:
            unit = result["unit_code"]
            self.check_unit(unit, result, lines[unit], inputs[unit], events[unit])
        if any(row["rank"] for row in self.rows["results.csv"]):
            self.check_ranks()
        return self.differences

    def by_unit(self, name):
        found = defaultdict(list)
        for row in self.rows[name]:
            found[row["unit_code"]].append(row)
        return found

    def check_manifest(self):
        for name in CSV_FILES:
            digest = hashlib.sha256(self.bytes_of[name]).hexdigest()
            self.expect("manifest.json", f"SHA-256 of {name}", self.manifest["sha256"][name], digest)
            self.expect(
                "manifest.json", f"rows of {name}", self.manifest["counts"][name], len(self.rows[name])
            )
            if b"\r" in self.bytes_of[name] or self.bytes_of[name][:3] == b"\xef\xbb\xbf":
                self.differences.append(f"{name}: carriage returns or a byte order mark")

    def check_order(self):
        orders = {
            "results.csv": lambda row: row["unit_code"],
            "lines.csv": lambda row: (row["unit_code"], part_order(row["indicator_code"])),
            "inputs.csv": lambda row: (
                row["unit_code"],
                part_order(row["indicator_code"]),
                last_month_and_length(row["period"]),
            ),
        }
        for name, order in orders.items():
            if [order(row) for row in self.rows[name]] != sorted(order(row) for row in self.rows[name]):
                self.differences.append(f"{name}: rows are not in the order of their keys")

    # --- one unit

    def check_unit(self, unit, result, lines, inputs, events):
        used = defaultdict(list)
        for row in inputs:
            used[row["indicator_code"]].append(row)
        zeroed = {e["indicator_code"] for e in events if self.params(e["code"]).get("zero_indicator")}
        tags = self.tags(unit)
        weights = self.weights(tags, [line for line in lines if line["status"] != "not_applicable"])
        base = Fraction(0)
        for line in lines:
            base += self.check_line(unit, line, weights, used[line["indicator_code"]], zeroed, tags)
        self.expect(unit, "sum of weights", "100.00", half_up(sum(weights.values(), Fraction(0))))
        self.check_result(unit, result, base, events)

    def tags(self, unit):
        last_day = f"{self.year}-12-31"
        valid = [u for u in self.units[unit] if u["valid_from"] <= last_day]
        return set(max(valid, key=lambda u: u["valid_from"])["tags"].split(";"))

    def group(self, code, tags):
        group = self.indicators[code]["indicator_group"]
        return "FUNCTION" if group == "LEAD" and "REGION" in tags else group

    def weights(self, tags, lines):
        shares = next(p["shares"] for p in self.system["profiles"] if set(p["when"]) <= tags)
        mass = {line["indicator_code"]: self.mass(line["indicator_code"]) for line in lines}
        groups = defaultdict(list)
        for code in mass:
            groups[self.group(code, tags)].append(code)
        share = {group: Fraction(str(shares.get(group, 0))) for group in groups}
        if sum(share.values()) == 0:
            share = dict.fromkeys(groups, Fraction(1))
        exact = {
            code: 100 * share[group] / sum(share.values()) * mass[code] / sum(mass[c] for c in codes)
            for group, codes in groups.items()
            for code in codes
        }
        floored = {code: Fraction(int(weight * 100), 100) for code, weight in exact.items()}
        missing = int((100 - sum(floored.values())) * 100)
        ranked = sorted(exact, key=lambda code: (floored[code] - exact[code], part_order(code)))
        return {code: floored[code] + (Fraction(1, 100) if code in ranked[:missing] else 0) for code in exact}

    def mass(self, code):
        multiplier = (self.system.get("multipliers") or {}).get(code, 1)
        return Fraction(self.indicators[code]["full_mark"]) * Fraction(str(multiplier))

    def check_line(self, unit, line, weights, used, zeroed, tags):
        code = line["indicator_code"]
        where = f"{unit} {code}"
        self.expect(where, "group", line["group"], self.group(code, tags))
        self.expect(
            where, "full mark", line["full_mark"], half_up(Fraction(self.indicators[code]["full_mark"]))
        )
        value = self.value(code, used)
        if line["status"] == "not_applicable":
            for column in ("weight", "rate_numerator", "rate_denominator", "points"):
                self.expect(where, column, line[column], "")
            if value is not None:
                self.differences.append(f"{where}: not_applicable, yet its inputs come to {value}")
            return Fraction(0)
        rate = Fraction(0)
        if line["status"] == "scored":
            if value is None:
                self.differences.append(f"{where}: scored without a value")
            elif code not in zeroed:
                rate = self.rate(code, value)
        elif used:
            self.differences.append(f"{where}: {line['status']}, yet it lists inputs")
        points = half_up(weights[code] * rate)
        stored = f"{line['rate_numerator']}/{line['rate_denominator']}"
        self.expect(where, "rate", stored, f"{rate.numerator}/{rate.denominator}")
        self.expect(where, "weight", line["weight"], half_up(weights[code]))
        self.expect(where, "points", line["points"], points)
        return Fraction(points)

    # --- value and rate

    def params(self, code):
        return json.loads(
            self.indicators[code]["rule_params"] or "{}", parse_float=Fraction, parse_int=Fraction
        )

    def value(self, code, used):
        """The year's value from the inputs listed, ``None`` when nothing happened or nothing is there."""
        row = self.indicators[code]
        if not used:
            return None
        how = "last" if row["reporting"] == "cumulative" else row["aggregation"]
        in_order = sorted(used, key=lambda u: last_month_and_length(u["period"]))
        if row["value_type"] == "ratio":
            if how == "last":
                in_order = [u for u in in_order if Fraction(u["denominator"]) > 0][-1:]
            numerator = sum((Fraction(u["numerator"]) for u in in_order), Fraction(0))
            denominator = sum((Fraction(u["denominator"]) for u in in_order), Fraction(0))
            if denominator == 0:
                return None
            return (numerator - denominator if row["ratio_kind"] == "growth" else numerator) / denominator
        if how == "last":
            in_order = in_order[-1:]
        if row["value_type"] == "boolean":
            return all(u["value"] == "1" for u in in_order)
        if row["value_type"] == "date":
            return max(date.fromisoformat(u["value"]) for u in in_order)
        numbers = [Fraction(u["value"]) for u in in_order]
        return max(numbers) if how == "max" else sum(numbers)

    def rate(self, code, value):
        row, params = self.indicators[code], self.params(code)
        rule = row["rule_type"]
        if rule == "linear":
            rate = (value - params["floor"]) / (params["target"] - params["floor"])
        elif rule == "linear_inverse":
            rate = (params["worst"] - value) / (params["worst"] - params["best"])
        elif rule == "bands":
            rate = params["bands"][0][2]
            for low, high, of_band in params["bands"]:
                if (low is None or low <= value) and (high is None or value < high):
                    rate = of_band
        elif rule == "pass_fail":
            rate = Fraction(int(value))
        elif rule == "per_occurrence":
            mark = Fraction(row["full_mark"])
            rate = max(params["floor"], mark - params["k"] * value) / mark
        elif rule == "date_late":
            rate = self.date_rate(params, value)
        else:
            raise ValueError(f"{code}: {rule} carries no weight")
        return min(Fraction(1), max(Fraction(0), rate))

    def date_rate(self, params, value):
        due = date.fromisoformat(f"{self.year + int(params.get('year_offset', 0))}-{params['due']}")
        late = (value - due).days
        if late <= 0:
            return Fraction(1)
        return Fraction(0) if late >= params["zero_after_days"] else 1 - params["late_per_day"] * late

    # --- result

    def check_result(self, unit, result, base, events):
        bonus, deduction, vetoed = self.adjustments(events)
        cap_total = Fraction(str(self.system["caps"]["total"]))
        score = max(Fraction(0), min(cap_total, base + bonus - deduction))
        share = self.system["share"]
        if isinstance(share, dict):
            share = {str(year): text for year, text in share.items()}[str(self.year)]
        counted = self.score_in_component(score) if vetoed else score
        total_points = Fraction(str(self.system["total_points"]))
        for column, computed in (
            ("base", half_up(base)),
            ("bonus", half_up(bonus)),
            ("deduction", half_up(deduction)),
            ("score", half_up(score)),
            ("component", half_up(total_points * Fraction(share) * counted / 100)),
            ("share", share),
            ("total_points", half_up(total_points)),
            ("system_id", self.system["id"]),
        ):
            self.expect(unit, column, result[column], computed)

    def score_in_component(self, score):
        policy = self.system["component_on_veto"]
        if policy == "zero":
            return Fraction(0)
        return score if policy == "keep" else min(score, Fraction(str(policy["cap"])))

    def adjustments(self, events):
        sums = {"bonus_capped": defaultdict(Fraction), "deduct_total": defaultdict(Fraction)}
        titles = defaultdict(list)
        vetoed = False
        for event in events:
            if not event["approved_by"] or event["approved_by"] == event["drafted_by"]:
                self.differences.append(f"{event['unit_code']} {event['code']}: counted without an approval")
            rule, params = self.indicators[event["code"]]["rule_type"], self.params(event["code"])
            vetoed = vetoed or rule == "veto"
            if rule == "bonus_capped":
                titles[event["title_zh"]].append((self.points(params, event, once=True), event["code"]))
            elif rule == "deduct_total":
                sums[rule][event["code"]] += self.points(params, event, once=False)
        for earned in titles.values():
            points, code = max(earned)
            sums["bonus_capped"][code] += points
        bonus, deduction = (
            sum((min(v, self.params(code).get("cap", v)) for code, v in rows.items()), Fraction(0))
            for rows in sums.values()
        )
        return min(Fraction(str(self.system["caps"]["bonus"])), bonus), deduction, vetoed

    def points(self, params, event, once):
        count = int(event["count"])
        for name in ("points", "k"):
            if name in params:
                return params[name] * count
        return params.get(event["level"], Fraction(0)) * (1 if once else count)

    def check_ranks(self):
        pools = defaultdict(list)
        for row in self.rows["results.csv"]:
            unit = max(
                (u for u in self.units[row["unit_code"]] if u["valid_from"] <= f"{self.year}-12-31"),
                key=lambda u: u["valid_from"],
            )
            pools[unit["parent_code"], "REGION" in unit["tags"].split(";")].append(row)
        for pool in pools.values():
            for row in pool:
                better = sum(Fraction(other["score"]) > Fraction(row["score"]) for other in pool)
                self.expect(row["unit_code"], "rank", row["rank"], 1 + better)


def main(arguments):
    if len(arguments) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    check = Recomputation(*arguments)
    differences = check.run()
    for difference in differences:
        print(difference)
    print(
        f"{check.year}: {len(check.rows['results.csv'])} units, {len(check.rows['lines.csv'])} lines, "
        f"{len(differences)} differences"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
