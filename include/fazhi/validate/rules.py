"""The rule kinds that SQL judges. In: nothing. Out: one small definition each, from which all SQL is made.

A definition is a condition over aliases. The same text becomes an ``UnexpectedRowsExpectation`` of the
edition's GX suite and a branch of the one ``INSERT … SELECT`` that lists findings (``fazhi.validate.sql``).
Only SQL that SQLite and PostgreSQL both read; whole numbers only, and no product that could leave 64 bits:
quantities are in units of 10⁻⁶ and at most 10¹⁷. Parameters are columns of ``check_dim``, never literals; no
colon and no brace in a literal.

Aliases: ``v`` the value judged, ``sp`` its slice, ``d`` its indicator, ``u`` its unit, ``y`` the unit's duty,
``r`` the reporter's authority, ``c`` the check with its parameters, ``o`` the other value it is compared
with; of a submission ``p`` its parse and ``s`` its times; ``k`` a token of the value that ``o`` shares, or a
figure that the check adds up.

What is fuzzy is compared by its interval, and only a contradiction that no value inside could mend is found:
``300多`` is not below 350, but below 300 it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Family = Literal[
    "row",
    "same_row",
    "same_submission",
    "parts",
    "dates",
    "authority",
    "sources",
    "same_year",
    "earlier_year",
    "earlier_submission",
    "submission",
    "shared",
]
"""What a value is judged beside: nothing else, the same row twice, another row of its submission, the sum of
several rows of its submission, another date or its submission's day, an authority's figure, another source's
figure, an earlier period of the year, an earlier year, a whole earlier submission of its sender, what is
known of its submission (judged once, on the first row), or a row elsewhere with the same token."""


@dataclass(frozen=True)
class ValueRule:
    """One rule kind judged by SQL."""

    rule: str
    family: Family
    condition: str
    """SQL that is true where the rule is broken."""
    place: str
    """SQL giving the part whose cell is to be corrected: unit, row, numerator, denominator, value, boolean,
    date, not_applicable or evidence."""
    prefilter: str = ""
    """A weaker condition without ``c``, where ``condition`` needs parameters."""
    whole_file: str = ""
    """SQL that is true where the finding is about the whole file."""
    related: tuple[str, ...] = ()
    """The other cells compared, as ``v.numerator`` or ``o.denominator``; ``o.place`` is the place in the
    other row."""
    beforehand: str = "1 = 1"
    """For ``earlier_year``: a weaker condition without ``o``, which leaves out most rows before years are compared."""
    having: str = ""
    """For ``parts``: the condition over the sums, in place of one over rows."""

    @property
    def first_filter(self) -> str:
        """The condition that needs no parameters."""
        return self.prefilter or self.condition


def _blank(column: str) -> str:
    return f"COALESCE({column}, '') = ''"


def _lacks(part: str, column: str) -> str:
    """Nothing was written for a part: neither an exact, nor a fuzzy, nor an unreadable entry."""
    return (
        f"({column} IS NULL AND COALESCE(v.fuzzy, '') NOT LIKE '%{part}%'"
        f" AND COALESCE(v.unreadable, '') NOT LIKE '%{part}%')"
    )


def _more_than_percent(one: str, other: str, percent: str) -> str:
    """Whether two quantities are further apart than a percentage of ``other``, without leaving 64 bits.

    ``percent`` is a parameter in units of 10⁻⁶; hundredths of a percent are used (checked when it is loaded).
    """
    bound = (
        f"(ABS({other}) / 10000) * ({percent} / 10000) + (ABS({other}) % 10000) * ({percent} / 10000) / 10000"
    )
    return f"ABS({one} - {other}) > {bound}"


def _times(quantity: str, factor: str) -> str:
    """A quantity times a parameter, both in units of 10⁻⁶; exact for whole quantities.

    The parameter is at most 90 (checked when it is loaded), so that nothing leaves 64 bits.
    """
    return f"({quantity}) / 1000000 * {factor}"


def part_bound(alias: str, chosen: str, bound: str) -> str:
    """A bound (``low_q`` or ``high_q``) of the quantity that a parameter names; its own value where exact."""
    return (
        f"CASE {chosen} WHEN 'numerator' THEN {alias}.numerator_q"
        f" WHEN 'denominator' THEN {alias}.denominator_q ELSE COALESCE({alias}.amount_q, {alias}.{bound}) END"
    )


def _least(alias: str, chosen: str) -> str:
    """The lower bound of the quantity that a parameter names."""
    return part_bound(alias, chosen, "low_q")


def _most(alias: str, chosen: str) -> str:
    """The upper bound of the quantity that a parameter names."""
    return part_bound(alias, chosen, "high_q")


def _apart(low_v: str, high_v: str, low_o: str, high_o: str) -> str:
    """Whether two intervals have nothing in common; an open end is never apart."""
    return f"(COALESCE({low_v} > {high_o}, FALSE) OR COALESCE({high_v} < {low_o}, FALSE))"


def _any_part(template: str) -> str:
    """A comparison of ``v`` and ``o`` that holds for at least one part; an absent part compares as false."""
    parts = ("numerator_q", "denominator_q", "amount_q")
    return " OR ".join(f"COALESCE({template.format(part=part)}, FALSE)" for part in parts)


def _first_part(template: str) -> str:
    """The place of the first part for which a comparison holds."""
    parts = (("numerator_q", "numerator"), ("denominator_q", "denominator"), ("amount_q", "value"))
    whens = " ".join(f"WHEN {template.format(part=column)} THEN '{place}'" for column, place in parts)
    return f"CASE {whens} ELSE {_REPORTED_PLACE} END"


YEARS_BACK = 3
"""How far back a comparison with an earlier year looks."""
_REPORTED_PLACE = (
    "CASE d.value_type WHEN 'ratio' THEN 'numerator' WHEN 'boolean' THEN 'boolean' WHEN 'date' THEN 'date'"
    " ELSE 'value' END"
)
_ANYTHING_WRITTEN = (
    "("
    + " OR ".join(
        f"COALESCE(v.{part}_raw, '') <> ''"
        for part in ("numerator", "denominator", "value", "boolean", "date")
    )
    + ")"
)
_KNOWN_INDICATOR = "(d.code IS NOT NULL AND d.effective_from <= v.period_last AND COALESCE(d.effective_to, '9999-12-31') >= v.period_first)"
_OFFICE_MAY = (
    "(r.reporter_code IS NOT NULL OR EXISTS (SELECT 1 FROM reporter_dim q"
    " WHERE q.duty_digest = sp.duty_digest AND q.indicator_code = d.code))"
)
_REPORTABLE = f"(d.is_adjustment = 0 AND (d.asked_of_unit = 1 OR {_OFFICE_MAY}))"
_KNOWN_UNIT = "(u.unit_code IS NOT NULL AND u.exists_in_year = 1)"
_PERIOD_MONTHS = "(v.period_rank % 100)"
_DUE_MONTHS = (
    "CASE d.frequency WHEN 'quarterly' THEN 3 WHEN 'half-yearly' THEN 6 WHEN 'yearly' THEN 12 ELSE 1 END"
)
_MONTH_OF_DATE = (
    "(CAST(SUBSTR(v.date_value, 1, 4) AS INTEGER) * 12 + CAST(SUBSTR(v.date_value, 6, 2) AS INTEGER))"
)
_MONTH_BEFORE_YEAR = "((sp.year + COALESCE(d.date_year_offset, 0)) * 12)"
_CUMULATIVE = "COALESCE(NULLIF({0}.stated_reporting, ''), d.reporting)"
_SCOPES_DIFFER = "(COALESCE(v.stated_scope, '') <> '' AND COALESCE(o.stated_scope, '') <> '' AND v.stated_scope <> o.stated_scope)"
_SAME_KIND_OF_PERIOD = f"{_CUMULATIVE.format('v')} = {_CUMULATIVE.format('o')}"
_BROKEN_SERIES = (
    "EXISTS (SELECT 1 FROM check_dim b WHERE b.system_digest = sp.system_digest AND b.rule = 'DEFINITION'"
    " AND sp.year BETWEEN b.from_year AND b.to_year AND b.indicator_code = v.indicator_code"
    " AND b.text_a > o.period_first AND b.text_a <= v.period_last)"
)
_COMPARABLE = f"({_SAME_KIND_OF_PERIOD} AND NOT {_SCOPES_DIFFER} AND NOT {_BROKEN_SERIES})"
_VOLUME = "CASE d.value_type WHEN 'ratio' THEN {0}.denominator_q ELSE {0}.amount_q END"
_DIFFERS = (
    "(" + _any_part("v.{part} <> o.{part}") + " OR COALESCE(v.boolean_value <> o.boolean_value, FALSE)"
    " OR COALESCE(v.date_value <> o.date_value, FALSE))"
)
_NOT_NUMERIC_DIFFERS = (
    "(COALESCE(v.boolean_value <> o.boolean_value, FALSE) OR COALESCE(v.date_value <> o.date_value, FALSE))"
)


def _further_than(percent: str) -> str:
    return (
        "(" + _any_part(_more_than_percent("v.{part}", "o.{part}", percent)) + f" OR {_NOT_NUMERIC_DIFFERS})"
    )


_SUBSTANCE = (
    "(COALESCE(v.numerator_q, 0) <> 0 OR COALESCE(v.denominator_q, 0) <> 0 OR COALESCE(v.amount_q, 0) <> 0"
    " OR COALESCE(v.boolean_value, 0) = 1 OR v.date_value IS NOT NULL)"
)

_ROW_RULES = (
    ValueRule(
        "UNIT_UNKNOWN",
        "row",
        condition=(
            # a code that is none was told while reading; a sender that nobody knows is told once, on its first row
            f"NOT {_KNOWN_UNIT} AND (((v.kind = 'office' OR v.unit_code <> v.reporter_code)"
            " AND COALESCE(v.unreadable, '') NOT LIKE '%unit%') OR (v.unit_code = v.reporter_code"
            " AND v.row_no = (SELECT MIN(w.row_no) FROM value w WHERE w.parse_id = v.parse_id)))"
        ),
        place="'unit'",
        whole_file="v.kind = 'unit' AND v.unit_code = v.reporter_code",
    ),
    ValueRule("INDICATOR_UNKNOWN", "row", condition=f"NOT {_KNOWN_INDICATOR}", place="'row'"),
    ValueRule("NOT_REPORTABLE", "row", condition=f"{_KNOWN_INDICATOR} AND NOT {_REPORTABLE}", place="'row'"),
    ValueRule(
        "AUTHZ",
        "row",
        condition=(
            f"(v.kind = 'office' AND r.reporter_code IS NULL AND {_KNOWN_INDICATOR} AND {_REPORTABLE})"
            f" OR (v.kind = 'unit' AND v.unit_code <> v.reporter_code AND {_KNOWN_UNIT})"
        ),
        place="CASE v.kind WHEN 'unit' THEN 'unit' ELSE 'row' END",
    ),
    ValueRule(
        "NOT_APPLICABLE_TO_UNIT",
        "row",
        condition=(
            f"y.indicator_code IS NULL AND v.not_applicable = 0 AND {_KNOWN_UNIT} AND u.has_duty = 1"
            f" AND {_KNOWN_INDICATOR} AND {_REPORTABLE}"
        ),
        place="'row'",
    ),
    ValueRule(
        "PERIOD_WRONG",
        "row",
        condition=(
            "CAST(SUBSTR(v.period, 1, 4) AS INTEGER) <> sp.year"
            f" OR (d.frequency <> 'event' AND {_PERIOD_MONTHS} < {_DUE_MONTHS})"
        ),
        place="'row'",
    ),
    ValueRule(
        "NEGATIVE",
        "row",
        condition="v.numerator_q < 0 OR v.denominator_q < 0 OR v.amount_q < 0",
        place="CASE WHEN v.numerator_q < 0 THEN 'numerator' WHEN v.denominator_q < 0 THEN 'denominator' ELSE 'value' END",
    ),
    ValueRule(
        "COUNT_NOT_INTEGER",
        "row",
        condition=(
            "(d.value_type = 'ratio' AND (v.numerator_q % 1000000 <> 0 OR v.denominator_q % 1000000 <> 0))"
            " OR (d.value_type = 'count' AND v.amount_q % 1000000 <> 0)"
        ),
        place=(
            "CASE WHEN d.value_type = 'count' THEN 'value'"
            " WHEN v.numerator_q % 1000000 <> 0 THEN 'numerator' ELSE 'denominator' END"
        ),
    ),
    ValueRule(
        "PART_MISSING",
        "row",
        condition=(
            f"v.not_applicable = 0 AND {_ANYTHING_WRITTEN} AND ("
            f"(d.value_type = 'ratio' AND ({_lacks('numerator', 'v.numerator_q')}"
            f" OR {_lacks('denominator', 'v.denominator_q')}))"
            f" OR (d.value_type IN ('count', 'amount', 'score') AND {_lacks('value', 'v.amount_q')})"
            f" OR (d.value_type = 'boolean' AND {_lacks('boolean', 'v.boolean_value')})"
            f" OR (d.value_type = 'date' AND {_lacks('date', 'v.date_value')}))"
        ),
        place=(
            f"CASE d.value_type WHEN 'ratio' THEN CASE WHEN {_lacks('numerator', 'v.numerator_q')} THEN 'numerator'"
            " ELSE 'denominator' END WHEN 'boolean' THEN 'boolean' WHEN 'date' THEN 'date' ELSE 'value' END"
        ),
    ),
    ValueRule(
        "NUM_GT_DEN",
        "row",
        condition=(
            "d.value_type = 'ratio' AND ((d.ratio_kind = 'share' AND v.numerator_q > v.denominator_q)"
            " OR (v.denominator_q = 0 AND v.numerator_q > 0))"
        ),
        place="'numerator'",
        related=("v.denominator",),
    ),
    ValueRule(
        "RATIO_GT_1",
        "row",
        condition=(
            "d.value_type = 'ratio' AND d.ratio_kind = 'share' AND v.stated_ratio <> '1'"
            " AND SUBSTR(v.stated_ratio, 1, 1) NOT IN ('0', '-')"
        ),
        place="'value'",
        related=("v.numerator", "v.denominator"),
    ),
    ValueRule(
        "ZERO_DENOMINATOR",
        "row",
        condition=(
            "d.value_type = 'ratio' AND v.denominator_q = 0 AND v.numerator_q = 0"
            " AND COALESCE(v.value_raw, '') <> ''"
        ),
        place="'value'",
        related=("v.numerator", "v.denominator"),
    ),
    ValueRule(
        "RATIO_MISMATCH",
        "row",
        condition="d.value_type = 'ratio' AND v.ratio_gap > v.ratio_tolerance",
        place="'value'",
        related=("v.numerator", "v.denominator"),
    ),
    ValueRule(
        "PERCENT_FORM",
        "row",
        condition="d.value_type = 'ratio' AND v.ratio_form = 'fraction'",
        place="'value'",
        related=("v.numerator", "v.denominator"),
    ),
    ValueRule(
        "EVIDENCE_MISSING",
        "row",
        condition=(
            "v.kind = 'unit' AND d.evidence_required = 1 AND d.asked_of_unit = 1 AND y.indicator_code IS NOT NULL"
            f" AND v.not_applicable = 0 AND {_SUBSTANCE}"
            " AND (v.evidence_named = 0 OR COALESCE(v.evidence_missing, '') <> '')"
        ),
        place="'evidence'",
    ),
    ValueRule(
        "DATE_OUT_OF_PERIOD",
        "row",
        condition=(
            f"d.value_type = 'date' AND ({_MONTH_OF_DATE} < {_MONTH_BEFORE_YEAR} + 1 - c.number_a / 1000000"
            f" OR {_MONTH_OF_DATE} > {_MONTH_BEFORE_YEAR} + 12 + c.number_b / 1000000)"
        ),
        prefilter="d.value_type = 'date' AND v.date_value IS NOT NULL",
        place="'date'",
    ),
    ValueRule(
        "SCORE_RANGE",
        "row",
        condition="d.value_type = 'score' AND (v.amount_q < c.number_a OR v.amount_q > c.number_b)",
        prefilter="d.value_type = 'score' AND v.amount_q IS NOT NULL",
        place="'value'",
    ),
    ValueRule(
        "NA_UNAPPROVED",
        "row",
        condition=(
            "v.not_applicable = 1 AND y.indicator_code IS NOT NULL AND NOT EXISTS (SELECT 1 FROM decision g"
            " WHERE g.kind = 'not_applicable' AND g.verdict = 'approve' AND g.year = v.year AND g.unit_code = v.unit_code"
            " AND g.indicator_code = v.indicator_code AND g.period = v.period AND NOT EXISTS (SELECT 1 FROM decision h"
            " WHERE h.kind = g.kind AND h.year = g.year AND h.unit_code = g.unit_code"
            " AND h.indicator_code = g.indicator_code AND h.period = g.period AND h.decision_id > g.decision_id))"
        ),
        place="'not_applicable'",
    ),
    ValueRule(
        "PERIOD_TYPE",
        "row",
        condition="v.stated_reporting = 'cumulative' AND d.reporting = 'current'",
        place=_REPORTED_PLACE,
    ),
)

_FUZZY_DECREASE = (
    "(v.numerator_q IS NULL AND v.denominator_q IS NULL AND (v.amount_q IS NULL OR o.amount_q IS NULL)"
    " AND COALESCE(COALESCE(v.amount_q, v.high_q) < COALESCE(o.amount_q, o.low_q), FALSE))"
)
_CONFLICTING = f"{_DIFFERS} OR " + _apart(
    "COALESCE(v.amount_q, v.low_q)",
    "COALESCE(v.amount_q, v.high_q)",
    "COALESCE(o.amount_q, o.low_q)",
    "COALESCE(o.amount_q, o.high_q)",
)
_EARLIER = (
    "(qs.submitted_second < s.submitted_second OR (qs.submitted_second = s.submitted_second"
    " AND (q.revision < p.revision OR (q.revision = p.revision AND q.submission_id < p.submission_id))))"
)
_ONE_FIGURE_DIFFERS = (
    "EXISTS (SELECT 1 FROM parse zp JOIN value z ON z.parse_id = zp.parse_id"
    " WHERE zp.submission_id = {0}.submission_id AND zp.revision = {0}.revision AND NOT EXISTS"
    " (SELECT 1 FROM parse wp JOIN value w ON w.parse_id = wp.parse_id"
    " WHERE wp.submission_id = {1}.submission_id AND wp.revision = {1}.revision"
    " AND w.indicator_code = z.indicator_code AND w.unit_code = z.unit_code AND w.period = z.period"
    " AND w.value_digest = z.value_digest))"
)
OTHER_FIGURES = (
    "(CASE WHEN EXISTS (SELECT 1 FROM parse xp WHERE xp.submission_id = q.submission_id"
    " AND xp.revision = q.revision) THEN "
    f"({_ONE_FIGURE_DIFFERS.format('me', 'q')} OR {_ONE_FIGURE_DIFFERS.format('q', 'me')})"
    " ELSE EXISTS (SELECT 1 FROM submission_file ef WHERE ef.submission_id = q.submission_id"
    " AND ef.revision = q.revision AND ef.role = 'workbook' AND NOT EXISTS (SELECT 1 FROM submission_file gf"
    " WHERE gf.submission_id = me.submission_id AND gf.revision = me.revision AND gf.role = 'workbook'"
    " AND gf.sha256 = ef.sha256)) END)"
)
"""Whether submissions ``me`` and ``q`` state other figures; of one that was never read, whether its workbook is
another file."""
_SCALE = (
    "(d.value_type = 'amount' AND {one}.amount_q / NULLIF({other}.amount_q, 0)"
    " BETWEEN {check}.number_a / 1000000 AND {check}.number_b / 1000000)"
)
_OFF_BY_SCALE = " OR ".join(
    _SCALE.replace("{one}", one).replace("{other}", other) for one, other in (("v", "o"), ("o", "v"))
)
_ALREADY_OFF_BY_SCALE = (
    "EXISTS (SELECT 1 FROM check_dim k WHERE k.system_digest = sp.system_digest AND k.rule = 'AMOUNT_SCALE'"
    f" AND sp.year BETWEEN k.from_year AND k.to_year AND ({_OFF_BY_SCALE.replace('{check}', 'k')}))"
)

_COMPARING_RULES = (
    ValueRule("DUP_ROW", "same_row", condition="o.value_id <> v.value_id", place="'row'", related=("o.row",)),
    ValueRule(
        "SUBSET",
        "same_submission",
        condition=f"{_least('v', 'c.part')} > {_most('o', 'c.other_part')}",
        place="c.part",
        related=("o.other_part",),
    ),
    ValueRule(
        "MEAN_RANGE",
        "same_submission",
        condition=(
            f"{_most('o', 'c.other_part')} > 0"
            f" AND ({_most('v', 'c.part')} < {_times(_least('o', 'c.other_part'), 'c.number_a')}"
            f" OR {_least('v', 'c.part')} > {_times(_most('o', 'c.other_part'), 'c.number_b')})"
        ),
        place="c.part",
        related=("o.other_part",),
    ),
    ValueRule(
        "SUM_MISMATCH",
        "parts",
        condition="1 = 1",
        having=_apart("{low_v}", "{high_v}", "{low_sum}", "{high_sum}"),
        place="c.part",
        related=("o.other_part",),
    ),
    ValueRule(
        "DOUBLE_COUNT",
        "parts",
        condition="1 = 1",
        having="{low_sum} > {high_v}",
        place="c.part",
        related=("o.other_part",),
    ),
    ValueRule(
        "DATE_ORDER",
        "dates",
        condition=(
            "(c.indicator_code IS NULL AND v.date_value > s.submitted_day)"
            " OR (o.value_id IS NOT NULL AND v.date_value < o.date_value)"
        ),
        place="'date'",
        related=("o.date",),
    ),
    ValueRule(
        "CONFLICT",
        "sources",
        condition=(
            "(v.kind = 'unit' OR rv.reporter_code IS NOT NULL) AND (o.kind = 'unit' OR ro.reporter_code IS NOT NULL)"
            f" AND ((c.indicator_code IS NULL AND o.kind = 'office' AND ({_CONFLICTING}))"
            " OR (c.indicator_code = v.indicator_code AND "
            + _apart(
                _least("v", "c.part"),
                _most("v", "c.part"),
                _least("o", "c.other_part"),
                _most("o", "c.other_part"),
            )
            + "))"
        ),
        place=f"COALESCE(c.part, {_first_part('v.{part} <> o.{part}')})",
        related=("o.other_place",),
    ),
    ValueRule(
        "RECONCILE",
        "authority",
        condition=(
            f"{_DIFFERS} AND (c.number_a IS NULL OR {_further_than('c.number_a')})"
            f" AND (c.number_b IS NULL OR NOT {_further_than('c.number_b')})"
        ),
        place=_first_part("v.{part} <> o.{part}"),
        related=("o.place",),
    ),
    ValueRule(
        "CUMULATIVE_DECREASE",
        "same_year",
        condition=(
            f"{_CUMULATIVE.format('v')} = 'cumulative' AND {_CUMULATIVE.format('o')} = 'cumulative'"
            " AND (" + _any_part("v.{part} < o.{part}") + f" OR {_FUZZY_DECREASE})"
        ),
        place=_first_part("v.{part} < o.{part}"),
        related=("o.place",),
    ),
    ValueRule(
        "NESTED_PERIOD",
        "same_year",
        condition=(
            f"{_CUMULATIVE.format('v')} = 'current' AND {_CUMULATIVE.format('o')} = 'current'"
            f" AND d.aggregation = 'sum' AND {_PERIOD_MONTHS} > 1 AND o.period_first >= v.period_first"
            " AND ((c.text_a = 'less' AND (" + _any_part("v.{part} < o.{part}") + f" OR {_FUZZY_DECREASE}))"
            " OR (c.text_a = 'equal' AND v.amount_q <> 0 AND v.amount_q = o.amount_q))"
        ),
        place=_first_part("v.{part} < o.{part}"),
        related=("o.place",),
    ),
    ValueRule(
        "INCOMPARABLE",
        "earlier_year",
        condition=f"NOT ({_SAME_KIND_OF_PERIOD})",
        place=_REPORTED_PLACE,
        related=("o.place",),
    ),
    ValueRule(
        "DEFINITION",
        "earlier_year",
        condition=(
            f"{_SAME_KIND_OF_PERIOD} AND ((c.indicator_code IS NULL AND {_SCOPES_DIFFER})"
            " OR (c.indicator_code = v.indicator_code AND c.text_a > o.period_first"
            " AND c.text_a <= v.period_last))"
        ),
        beforehand="(c.indicator_code IS NOT NULL OR COALESCE(v.stated_scope, '') <> '')",
        place=_REPORTED_PLACE,
        related=("o.place",),
    ),
    ValueRule(
        "JUMP",
        "earlier_year",
        condition=(
            f"ABS({_VOLUME.format('v')} - {_VOLUME.format('o')}) > c.number_b"
            f" AND {_more_than_percent(_VOLUME.format('v'), _VOLUME.format('o'), 'c.number_a')}"
            f" AND {_VOLUME.format('v')} >= 0 AND {_VOLUME.format('o')} >= 0"  # NEGATIVE says it better
            f" AND {_COMPARABLE} AND NOT {_ALREADY_OFF_BY_SCALE}"
        ),
        place="CASE d.value_type WHEN 'ratio' THEN 'denominator' ELSE 'value' END",
        related=("o.place",),
    ),
    ValueRule(
        "AMOUNT_SCALE",
        "earlier_year",
        condition=(
            "d.value_type = 'amount' AND v.amount_q > 0 AND o.amount_q > 0"
            f" AND ({_OFF_BY_SCALE.replace('{check}', 'c')}) AND {_COMPARABLE}"
        ),
        beforehand="d.value_type = 'amount' AND v.amount_q > 0",
        place="'value'",
        related=("o.place",),
    ),
    ValueRule(
        "CROSS_UNIT_DUP",
        "shared",
        condition=(
            "k.kind = c.text_a AND o.year = v.year AND ((k.kind = 'number' AND o.unit_code <> v.unit_code)"
            " OR (k.kind = 'evidence' AND o.kind = 'unit' AND v.kind = 'unit'"
            " AND o.reporter_code <> v.reporter_code))"
        ),
        place="'row'",
        whole_file="c.text_a = 'evidence'",
        related=("o.row",),
    ),
    ValueRule(
        "TEXT_DUP",
        "shared",
        condition=(
            "k.kind = 'text' AND k.length >= c.number_a / 1000000 AND ((o.year = v.year"
            " AND o.reporter_code <> v.reporter_code) OR (o.year < v.year AND o.reporter_code = v.reporter_code))"
        ),
        place="'row'",
        related=("o.row",),
    ),
    ValueRule(
        "DUP_FILE",
        "submission",
        condition=(
            "EXISTS (SELECT 1 FROM submission_file mf JOIN submission_file qf ON qf.sha256 = mf.sha256"
            " AND qf.role = 'workbook' JOIN submission q ON q.submission_id = qf.submission_id"
            " AND q.revision = qf.revision JOIN submission_dim qs ON qs.submission_id = q.submission_id"
            " AND qs.revision = q.revision WHERE mf.submission_id = p.submission_id AND mf.revision = p.revision"
            f" AND mf.role = 'workbook' AND q.kind = p.kind AND q.sender_code = p.sender_code"
            f" AND q.year BETWEEN sp.year - {YEARS_BACK} AND sp.year AND {_EARLIER})"
        ),
        place="'row'",
        whole_file="1 = 1",
    ),
    ValueRule(
        "VERSION_CONFLICT",
        "submission",
        condition=(
            "EXISTS (SELECT 1 FROM submission me JOIN submission q ON q.kind = me.kind"
            " AND q.sender_code = me.sender_code AND q.period = me.period"
            " JOIN submission_dim qs ON qs.submission_id = q.submission_id AND qs.revision = q.revision"
            " WHERE me.submission_id = p.submission_id AND me.revision = p.revision"
            # figures are compared only where two versions compete: PostgreSQL would else compare each with itself first
            " AND CASE WHEN (q.submission_id <> me.submission_id AND q.revision = me.revision)"
            " OR (q.submitted_by <> me.submitted_by AND q.submitted_by <> '' AND me.submitted_by <> ''"
            " AND ABS(qs.submitted_second - s.submitted_second) <= c.number_a / 1000000 * 60)"
            f" THEN {OTHER_FIGURES} ELSE FALSE END)"
        ),
        place="'row'",
        whole_file="1 = 1",
    ),
    ValueRule(
        "LATE",
        "submission",
        condition=(
            "s.submitted_second > sp.due_second AND NOT EXISTS (SELECT 1 FROM submission q"
            " JOIN submission_dim qs ON qs.submission_id = q.submission_id AND qs.revision = q.revision"
            " WHERE q.kind = p.kind AND q.sender_code = p.sender_code AND q.period = p.period"
            " AND qs.submitted_second <= sp.due_second)"
        ),
        place="'row'",
        whole_file="1 = 1",
    ),
    ValueRule(
        "LOCKED",
        "submission",
        condition="sp.locked_at IS NOT NULL",
        place="'row'",
        whole_file="1 = 1",
    ),
    ValueRule(
        "STALE_COPY",
        "earlier_submission",
        condition="x.numbers * 1000000 >= c.number_b AND x.same_numbers * 100000000 >= c.number_a * x.numbers",
        place="'row'",
        whole_file="1 = 1",
    ),
)

VALUE_RULES: Mapping[str, ValueRule] = {rule.rule: rule for rule in (*_ROW_RULES, *_COMPARING_RULES)}
"""Every rule kind that SQL judges, by its code."""
