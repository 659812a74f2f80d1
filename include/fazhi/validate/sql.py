"""SQL made from the rule definitions. In: ``VALUE_RULES``. Out: GX queries and one listing statement.

Both come from the same condition texts; what differs is who runs them: GX counts each rule kind on its own,
the listing finds all of them in one pass behind an OR of the weaker conditions (13 times faster than without
it).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from fazhi.validate.rules import VALUE_RULES, YEARS_BACK, Family, ValueRule, part_bound

_REGION = "COALESCE(u.region, sp.region)"
"""The city of the unit that a value is about; an unknown unit is taken for one of the sender's."""
_DIMENSIONS: Mapping[str, str] = {
    "d": "LEFT JOIN indicator_dim d ON d.system_digest = sp.system_digest AND d.code = v.indicator_code",
    "u": "LEFT JOIN unit_dim u ON u.duty_digest = sp.duty_digest AND u.unit_code = v.unit_code",
    "y": (
        "LEFT JOIN duty_dim y ON y.duty_digest = sp.duty_digest AND y.unit_code = v.unit_code"
        " AND y.indicator_code = v.indicator_code"
    ),
    "r": (
        "LEFT JOIN reporter_dim r ON r.duty_digest = sp.duty_digest AND r.reporter_code = v.reporter_code"
        f" AND r.indicator_code = v.indicator_code AND r.region = {_REGION}"
    ),
}
_SAME_SUBJECT = "o.indicator_code = v.indicator_code AND o.unit_code = v.unit_code"
_SAME_SEASON = "SUBSTR({0}.period, 5) = SUBSTR({1}.period, 5)"
"""The same period of whatever year, as ``ix_value_subject`` has it."""
_OTHER_IS_CURRENT = "JOIN current_parse op ON op.parse_id = o.parse_id"
_OTHER_MAY_REPORT = (
    "JOIN reporter_dim ro ON ro.duty_digest = sp.duty_digest AND ro.reporter_code = o.reporter_code"
    f" AND ro.indicator_code = o.indicator_code AND ro.region = {_REGION}"
)
_MAY_REPORT = (
    "JOIN reporter_dim rv ON rv.duty_digest = sp.duty_digest AND rv.reporter_code = v.reporter_code"
    f" AND rv.indicator_code = v.indicator_code AND rv.region = {_REGION}"
)
_SUBMISSION = (
    "JOIN parse p ON p.parse_id = v.parse_id{0} LEFT JOIN submission_dim s"
    " ON s.submission_id = p.submission_id AND s.revision = p.revision"
)
_EARLIER_YEARS = ", ".join(f"v.year - {back}" for back in range(1, YEARS_BACK + 1))
_OTHERS: Mapping[Family, str] = {
    "row": "",
    "same_row": f"JOIN value o ON o.parse_id = v.parse_id AND {_SAME_SUBJECT} AND o.period = v.period",
    "parts": (
        "JOIN check_part k ON k.system_digest = c.system_digest AND k.check_id = c.check_id"
        " JOIN value o ON o.parse_id = v.parse_id AND o.indicator_code = k.indicator_code"
        " AND o.unit_code = v.unit_code AND o.period = v.period"
    ),
    "dates": (
        f"{_SUBMISSION.format(' AND v.date_value IS NOT NULL')}"
        " LEFT JOIN value o ON c.indicator_code = v.indicator_code AND o.parse_id = v.parse_id"
        " AND o.indicator_code = c.other_code AND o.unit_code = v.unit_code AND o.period = v.period"
    ),
    "sources": (f"CROSS JOIN value o {_OTHER_IS_CURRENT} LEFT {_OTHER_MAY_REPORT} LEFT {_MAY_REPORT}"),
    "submission": _SUBMISSION.format(""),
    "shared": (
        "CROSS JOIN value_token k CROSS JOIN value_token ko JOIN value o ON o.value_id = ko.value_id"
        f" {_OTHER_IS_CURRENT}"
    ),
    "same_submission": (
        "JOIN value o ON c.indicator_code = v.indicator_code AND o.parse_id = v.parse_id"
        " AND o.indicator_code = c.other_code AND o.unit_code = v.unit_code AND o.period = v.period"
    ),
    "authority": (
        f"JOIN value o ON o.year = v.year AND {_SAME_SUBJECT} AND o.period = v.period"
        f" AND {_SAME_SEASON.format('o', 'v')} AND o.kind = 'office' AND v.kind = 'unit' {_OTHER_IS_CURRENT}"
        f" {_OTHER_MAY_REPORT}"
    ),
    "same_year": (
        f"JOIN value o ON o.year = v.year AND {_SAME_SUBJECT} AND o.kind = v.kind"
        f" AND o.reporter_code = v.reporter_code AND o.period_rank < v.period_rank {_OTHER_IS_CURRENT}"
    ),
    "earlier_year": (
        f"JOIN value o ON o.year IN ({_EARLIER_YEARS}) AND {_SAME_SUBJECT} AND o.kind = v.kind"
        f" AND {_SAME_SEASON.format('o', 'v')} {_OTHER_IS_CURRENT}"
    ),
    "earlier_submission": "",
}
_CHECK_FIRST: frozenset[Family] = frozenset({"same_submission", "parts", "dates", "sources"})
"""Where the check says what the value is compared with."""
_WHERE: Mapping[Family, str] = {
    "sources": (
        "(c.indicator_code = v.indicator_code OR (c.indicator_code IS NULL AND v.kind = 'office'))"
        " AND o.year = v.year AND o.indicator_code = COALESCE(c.other_code, v.indicator_code)"
        f" AND o.unit_code = v.unit_code AND o.period = v.period AND {_SAME_SEASON.format('o', 'v')}"
        " AND o.reporter_code <> v.reporter_code"
    ),
    "shared": (
        "k.value_id = v.value_id AND ko.kind = k.kind AND ko.token = k.token AND ko.value_id <> k.value_id"
    ),
}
"""What joins the other value where SQLite must not reorder: behind a CROSS JOIN the check, or the slice, comes first."""
_NARROWED: Mapping[Family, str] = {
    "earlier_year": (
        "NOT EXISTS (SELECT 1 FROM value n JOIN current_parse np ON np.parse_id = n.parse_id"
        " WHERE n.year IN (o.year + 1, o.year + 2) AND n.year < v.year AND n.indicator_code = v.indicator_code"
        f" AND n.unit_code = v.unit_code AND n.kind = v.kind AND {_SAME_SEASON.format('n', 'v')})"
    ),
}
_CHECK_IN_FORCE = "c.system_digest = sp.system_digest AND sp.year BETWEEN c.from_year AND c.to_year"
_SLICE = "sp.year = :year AND sp.region = :region AND sp.to_judge = 1"


def gx_query(rule: ValueRule) -> str:
    """The query of a rule kind's ``UnexpectedRowsExpectation``: one row per finding."""
    if rule.family == "earlier_submission":
        return _earlier_submissions(rule, "{batch}", "")
    if rule.family == "parts":
        return _sums(rule, "{batch}", "")
    condition = _narrowed(rule)
    distinct = "" if rule.family == "row" else "DISTINCT "
    joins = _joins(rule.family, condition, _check_of_pair(rule))
    return f"SELECT {distinct}v.value_id, c.check_id FROM {{batch}} v {joins} WHERE {condition}"


@cache
def listing_statement() -> str:
    """The statement that lists what a slice's parses to be judged are found to have; binds ``year``, ``region``, ``validation_id``."""
    rules = VALUE_RULES.values()
    comparing = [_hits_of_comparison(rule) for rule in rules if rule.family != "row"]
    return _INSERT.format(
        hits=" UNION ALL ".join(
            [_hits_of_rows([rule for rule in rules if rule.family == "row"]), *comparing]
        ),
        place=_by_rule((rule.rule, rule.place) for rule in rules),
        whole=_by_rule(
            (rule.rule, f"CASE WHEN {rule.whole_file} THEN 1 ELSE 0 END") for rule in rules if rule.whole_file
        ),
    )


def _hits_of_rows(rules: Sequence[ValueRule]) -> str:
    """All rules on one row in one pass: checks are joined only to rows that break some rule.

    Both steps before the judgement are materialized: PostgreSQL would else join each row with all checks first.
    """
    prefilter = " OR ".join(f"({rule.first_filter})" for rule in rules)
    judged = _by_rule(((rule.rule, rule.condition) for rule in rules), otherwise="FALSE")
    codes = ", ".join(f"'{rule.rule}'" for rule in rules)
    return (
        "SELECT v.value_id AS value_id, c.check_id AS check_id, CAST(NULL AS BIGINT) AS other_value_id FROM ("
        "WITH broken AS MATERIALIZED (SELECT v.value_id, sp.system_digest, sp.year"
        f" FROM value v {_joins('row', prefilter, '')} WHERE {_SLICE} AND ({prefilter})),"
        " perhaps AS MATERIALIZED (SELECT sp.value_id, c.system_digest, c.check_id"
        f" FROM broken sp CROSS JOIN check_dim c WHERE {_CHECK_IN_FORCE} AND c.rule IN ({codes}))"
        " SELECT value_id, system_digest, check_id FROM perhaps) b"
        f" CROSS JOIN value v {_joins('row', judged, 'CROSS JOIN check_dim c')}"
        " WHERE v.value_id = b.value_id AND c.system_digest = b.system_digest AND c.check_id = b.check_id"
        f" AND {judged}"
    )


def _hits_of_comparison(rule: ValueRule) -> str:
    """A rule that compares; of several values that one value breaks it with, the first is named."""
    if rule.family == "earlier_submission":
        return _earlier_submissions(rule, "value", f"AND {_SLICE}")
    if rule.family == "parts":
        return _sums(rule, "value", f"AND {_SLICE}")
    condition = _narrowed(rule)
    if rule.family == "submission":
        return _hits_of_submissions(rule, condition)
    joins = _joins(rule.family, condition, _check_of_pair(rule))
    return (
        "SELECT v.value_id AS value_id, c.check_id AS check_id, MIN(o.value_id) AS other_value_id"
        f" FROM value v {joins} WHERE {_SLICE} AND {condition} GROUP BY v.value_id, c.check_id"
    )


def _hits_of_submissions(rule: ValueRule, condition: str) -> str:
    """What is known of a submission needs no other row: the first one stands for it."""
    joins = _joins(rule.family, condition, _check_of(rule))
    return (
        "SELECT v.value_id AS value_id, c.check_id AS check_id, CAST(NULL AS BIGINT) AS other_value_id"
        f" FROM value v {joins} WHERE {_SLICE} AND {condition}"
    )


def _sums(rule: ValueRule, batch: str, narrowed: str) -> str:
    """A figure beside the sum of others of its submission; nothing is found while one of them is missing."""
    bounds = {
        "low_v": part_bound("v", "c.part", "low_q"),
        "high_v": part_bound("v", "c.part", "high_q"),
        "low_sum": _whole_sum(part_bound("o", "k.part", "low_q")),
        "high_sum": _whole_sum(part_bound("o", "k.part", "high_q")),
    }
    own = f"{bounds['low_v']}, {bounds['high_v']}"
    condition = (
        f"COUNT(*) = c.parts AND COUNT(DISTINCT k.part_no) = c.parts AND ({rule.having.format(**bounds)})"
    )
    joins = _joins(rule.family, condition, f"{_check_of(rule)} AND c.indicator_code = v.indicator_code")
    return (
        "SELECT v.value_id AS value_id, c.check_id AS check_id, MIN(o.value_id) AS other_value_id"
        f" FROM {batch} v {joins} WHERE {rule.condition} {narrowed}"
        f" GROUP BY v.value_id, c.check_id, c.parts, {own} HAVING {condition}"
    )


def _whole_sum(bound: str) -> str:
    """A sum that is there only when all its parts are."""
    return f"CASE WHEN COUNT({bound}) = c.parts THEN SUM({bound}) END"


def _check_of(rule: ValueRule) -> str:
    return f"JOIN check_dim c ON {_CHECK_IN_FORCE} AND c.rule = '{rule.rule}'"


def _check_of_pair(rule: ValueRule) -> str:
    """The checks of a rule that compares; those of other indicators are left out before years are compared."""
    if rule.family != "earlier_year":
        return _check_of(rule)
    # not COALESCE: PostgreSQL would take that for one row in hundreds
    return f"{_check_of(rule)} AND (c.indicator_code IS NULL OR c.indicator_code = v.indicator_code)"


def _narrowed(rule: ValueRule) -> str:
    """The condition, then what narrows the other value, looked up only where the rule is broken."""
    if rule.family in _WHERE:
        return f"{_WHERE[rule.family]} AND ({rule.condition})"
    if rule.family not in _NARROWED:
        return f"({rule.condition})"
    return f"{rule.beforehand} AND CASE WHEN ({rule.condition}) THEN {_NARROWED[rule.family]} ELSE FALSE END"


def _joins(family: Family, text: str, check: str) -> str:
    """The joins that a family needs; a dimension only where ``text`` mentions it."""
    slices = "JOIN slice_parse sp ON sp.parse_id = v.parse_id"
    if family == "submission":
        slices += " AND sp.first_value_id = v.value_id"
    named = f"{text} {_OTHERS[family]}"
    if re.search(r"\br\.", named):
        named += _DIMENSIONS["r"]  # which asks the unit for its region
    dimensions = [join for alias, join in _DIMENSIONS.items() if re.search(rf"\b{alias}\.", named)]
    if family in _CHECK_FIRST:
        return " ".join([slices, *dimensions, check, _OTHERS[family]])
    return " ".join([slices, *dimensions, _OTHERS[family], check])


def _by_rule(pairs: Iterable[tuple[str, str]], otherwise: str = "") -> str:
    whens = " ".join(f"WHEN '{rule}' THEN ({text})" for rule, text in pairs)
    return f"CASE c.rule {whens}{f' ELSE {otherwise}' if otherwise else ''} END"


def _earlier_submissions(rule: ValueRule, batch: str, narrowed: str) -> str:
    """Each submission beside the sender's one just before and the one of a year before, all rows together."""
    compared = " UNION ALL ".join(
        _one_earlier_submission(batch, column, narrowed)
        for column in ("before_parse_id", "year_ago_parse_id")
    )
    check = re.sub(r"\bsp\.", "x.", _check_of(rule))
    return (
        "SELECT MIN(x.value_id) AS value_id, c.check_id AS check_id, MIN(x.other_value_id) AS other_value_id"
        f" FROM ({compared}) x {check} WHERE {rule.condition} GROUP BY x.parse_id, c.check_id"
    )


def _one_earlier_submission(batch: str, column: str, narrowed: str) -> str:
    parts = ("numerator_q", "denominator_q", "amount_q")
    numbers = " + ".join(f"CASE WHEN v.{part} <> 0 THEN 1 ELSE 0 END" for part in parts)
    same = " + ".join(f"CASE WHEN v.{part} <> 0 AND v.{part} = o.{part} THEN 1 ELSE 0 END" for part in parts)
    return (
        "SELECT sp.parse_id, sp.system_digest, sp.year, MIN(v.value_id) AS value_id,"
        f" MIN(o.value_id) AS other_value_id, SUM({numbers}) AS numbers, SUM({same}) AS same_numbers"
        f" FROM {batch} v JOIN slice_parse sp ON sp.parse_id = v.parse_id"
        f" LEFT JOIN value o ON o.parse_id = sp.{column} AND {_SAME_SUBJECT}"
        f" WHERE sp.{column} IS NOT NULL {narrowed} GROUP BY sp.parse_id, sp.system_digest, sp.year"
    )


_INSERT = """
INSERT INTO finding (
    parse_id, validation_id, value_id, other_value_id, year, period, unit_code, indicator_code, submission_id,
    revision, check_id, rule, severity, sheet, cell, related, value_raw, expected, message_zh, message_en, fix_zh,
    value_digest, system_id, system_digest
)
SELECT
    t.parse_id, :validation_id, CASE t.whole WHEN 1 THEN NULL ELSE t.value_id END,
    t.other_value_id, t.year, t.period, t.unit_code, CASE t.whole WHEN 1 THEN NULL ELSE t.indicator_code END, t.submission_id,
    t.revision, t.check_id, t.rule, t.severity, t.sheet,
    COALESCE(
        CASE t.place
            WHEN 'unit' THEN t.cell_unit WHEN 'numerator' THEN t.cell_numerator
            WHEN 'denominator' THEN t.cell_denominator WHEN 'value' THEN t.cell_value
            WHEN 'boolean' THEN t.cell_boolean WHEN 'date' THEN t.cell_date
            WHEN 'not_applicable' THEN t.cell_not_applicable WHEN 'evidence' THEN t.cell_evidence
        END, t.cell_row),
    '[]',
    CASE t.place
        WHEN 'unit' THEN t.unit_code WHEN 'row' THEN t.indicator_code WHEN 'numerator' THEN t.numerator_raw
        WHEN 'denominator' THEN t.denominator_raw WHEN 'value' THEN t.value_raw
        WHEN 'boolean' THEN t.boolean_raw WHEN 'date' THEN t.date_raw WHEN 'evidence' THEN t.evidence_missing
    END,
    t.place, '', '', '', t.value_digest, t.system_id, t.system_digest
FROM (
    SELECT
        v.parse_id, v.value_id, h.other_value_id, v.year, v.period, v.unit_code, v.indicator_code, v.sheet,
        v.cell_row, v.cell_unit, v.cell_numerator, v.cell_denominator, v.cell_value, v.cell_boolean, v.cell_date,
        v.cell_not_applicable, v.cell_evidence, v.numerator_raw, v.denominator_raw, v.value_raw, v.boolean_raw,
        v.date_raw, v.evidence_missing, v.value_digest, p.submission_id, p.revision, sp.system_id, sp.system_digest,
        c.check_id, c.rule, c.severity, {place} AS place, {whole} AS whole
    FROM ({hits}) h
    JOIN value v ON v.value_id = h.value_id
    JOIN parse p ON p.parse_id = v.parse_id
    JOIN slice_parse sp ON sp.parse_id = v.parse_id
    JOIN check_dim c ON c.system_digest = sp.system_digest AND c.check_id = h.check_id
    LEFT JOIN indicator_dim d ON d.system_digest = sp.system_digest AND d.code = v.indicator_code
    LEFT JOIN value o ON o.value_id = h.other_value_id
) t
ORDER BY t.value_id, t.check_id
"""
"""``expected`` holds the place until the finding is worded in the same transaction
(``fazhi.validate.words``)."""
