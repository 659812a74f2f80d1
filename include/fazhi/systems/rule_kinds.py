"""Which rule kinds a check may use and which parameters each takes. In: nothing. Out: the closed list.

A check of an edition that names an unknown rule kind or parameter does not load (contracts/indicator-system.md).
The condition of a rule kind is code (``fazhi.intake`` for what needs the file, ``fazhi.validate`` for what SQL can
judge); severity, words and parameters are the edition's data.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ParamKind = Literal["indicator", "indicators", "part", "number", "text"]
"""``indicator``: a code of the edition; ``part``: numerator, denominator or value; ``number``: exact decimal."""


@dataclass(frozen=True)
class RuleKind:
    """A kind of rule: where it is judged and what it is told."""

    rule: str
    judged_by: Literal["intake", "values"]
    required: Mapping[str, ParamKind] = field(default_factory=dict)
    optional: Mapping[str, ParamKind] = field(default_factory=dict)
    cases: tuple[str, ...] = ()
    """Cases that are worded, and judged in severity, by a check of their own (``params: {case: …}``); they are
    always judged while reading."""


def judged_by(rule: str, params: Mapping[str, Any]) -> Literal["intake", "values"]:
    """Where a check is judged: where its kind is, but for a named case, which needs the file."""
    return "intake" if "case" in params else RULE_KINDS[rule].judged_by


def _with_cases(rule: str, *cases: str) -> RuleKind:
    """A kind judged while reading that has, beside the usual check, one for each named case."""
    return RuleKind(rule, "intake", optional={"case": "text"}, cases=cases)


_WHOLE: Mapping[str, ParamKind] = {"indicator": "indicator", "part": "part"}
_SUMMED: Mapping[str, ParamKind] = {
    "of": "indicator",
    "of_part": "part",
    "parts": "indicators",
    "parts_part": "part",
}
"""One figure (``of``) or the sum of several (``parts``)."""


def _kinds(*kinds: RuleKind) -> Mapping[str, RuleKind]:
    return {kind.rule: kind for kind in kinds}


RULE_KINDS: Mapping[str, RuleKind] = _kinds(
    # what needs the file
    RuleKind("NOT_DATA", "intake"),
    _with_cases("FILE_TYPE", "evidence"),
    RuleKind("ENCRYPTED", "intake"),
    RuleKind("MACRO", "intake"),
    RuleKind("ZIP_BOMB", "intake"),
    RuleKind("EMPTY", "intake"),
    RuleKind("ENCODING", "intake"),
    RuleKind("NOT_TEMPLATE", "intake"),
    RuleKind("TEMPLATE_VERSION", "intake"),
    RuleKind("CELL_ERROR", "intake"),
    RuleKind("STALE_FORMULA", "intake"),
    RuleKind("FORMULA_INJECTION", "intake"),
    RuleKind("PATH_TRAVERSAL", "intake"),
    RuleKind("HIDDEN", "intake"),
    RuleKind("FILTERED", "intake"),
    RuleKind("MERGED", "intake"),
    _with_cases("HEADER_CHANGED", "missing"),
    RuleKind("HEADER_SPACE", "intake"),
    RuleKind("HEADER_OFFSET", "intake"),
    RuleKind("TRAILING_NOTE", "intake"),
    RuleKind("MULTI_UNIT", "intake"),
    _with_cases("UNIT_IN_CELL", "other_unit"),
    RuleKind("FULLWIDTH", "intake"),
    _with_cases("CN_NUMERAL", "malformed"),
    RuleKind("SEPARATOR", "intake"),
    RuleKind("FLOAT_NOISE", "intake"),
    _with_cases("DATE_FORMAT", "ambiguous"),
    RuleKind("DATE_INVALID", "intake"),
    RuleKind("FUZZY_NUMBER", "intake"),
    RuleKind("FUZZY_MALFORMED", "intake"),
    RuleKind("VALUE_TYPE", "intake"),
    RuleKind("NA_TOKEN", "intake"),
    RuleKind("PERIOD_MISMATCH", "intake"),
    RuleKind("SCI_NOTATION_ID", "intake"),
    RuleKind("ZERO_FOR_NA", "intake"),
    RuleKind("TOTAL_ROW", "intake"),
    RuleKind("USCC_INVALID", "intake"),
    RuleKind("REGION_CODE", "intake"),
    _with_cases("UNIT_ALIAS", "ended"),
    RuleKind("UNIT_AMBIGUOUS", "intake"),
    RuleKind("NOT_APPROVED", "intake"),
    RuleKind("DATE_AFTER_SUBMISSION", "intake"),
    RuleKind("EVIDENCE_MISMATCH", "intake"),
    RuleKind("LINK_DEAD", "intake"),
    _with_cases("PII_FOUND", "evidence"),
    RuleKind("CLASSIFIED", "intake"),
    _with_cases("INVISIBLE_CHAR", "private_use"),
    # what SQL judges over the values of one row
    RuleKind("UNIT_UNKNOWN", "values"),
    RuleKind("INDICATOR_UNKNOWN", "values"),
    RuleKind("NOT_REPORTABLE", "values"),
    RuleKind("AUTHZ", "values"),
    RuleKind("NOT_APPLICABLE_TO_UNIT", "values"),
    RuleKind("PERIOD_WRONG", "values"),
    RuleKind("NEGATIVE", "values"),
    RuleKind("COUNT_NOT_INTEGER", "values"),
    RuleKind("PART_MISSING", "values"),
    RuleKind("NUM_GT_DEN", "values"),
    RuleKind("RATIO_GT_1", "values"),
    RuleKind("ZERO_DENOMINATOR", "values"),
    RuleKind("RATIO_MISMATCH", "values"),
    RuleKind("PERCENT_FORM", "values"),
    RuleKind("EVIDENCE_MISSING", "values"),
    RuleKind("DATE_OUT_OF_PERIOD", "values", required={"months_before": "number", "months_after": "number"}),
    RuleKind("SCORE_RANGE", "values", required={"low": "number", "high": "number"}),
    RuleKind("NA_UNAPPROVED", "values"),
    RuleKind("PERIOD_TYPE", "values"),
    # what SQL judges by comparing a value with others
    RuleKind("DUP_ROW", "values", optional={"case": "text"}, cases=("identical",)),
    RuleKind(
        "SUBSET",
        "values",
        required={"indicator": "indicator", "part": "part", "of": "indicator", "of_part": "part"},
    ),
    RuleKind("SUM_MISMATCH", "values", required=_WHOLE, optional=_SUMMED),
    RuleKind("DOUBLE_COUNT", "values", required=_WHOLE, optional=_SUMMED),
    RuleKind(
        "MEAN_RANGE",
        "values",
        required={
            "indicator": "indicator",
            "part": "part",
            "of": "indicator",
            "of_part": "part",
            "low": "number",
            "high": "number",
        },
    ),
    RuleKind("DATE_ORDER", "values", optional={"indicator": "indicator", "of": "indicator"}),
    RuleKind(
        "CONFLICT",
        "values",
        optional={"indicator": "indicator", "part": "part", "of": "indicator", "of_part": "part"},
    ),
    RuleKind("RECONCILE", "values", optional={"above_percent": "number", "up_to_percent": "number"}),
    RuleKind("CUMULATIVE_DECREASE", "values"),
    RuleKind("NESTED_PERIOD", "values", required={"relation": "text"}),
    RuleKind("INCOMPARABLE", "values"),
    RuleKind("DEFINITION", "values", optional={"indicator": "indicator", "since": "text"}),
    RuleKind("JUMP", "values", required={"percent": "number", "at_least": "number"}),
    RuleKind("AMOUNT_SCALE", "values", required={"low_times": "number", "high_times": "number"}),
    RuleKind("STALE_COPY", "values", required={"share_percent": "number", "at_least": "number"}),
    RuleKind("CROSS_UNIT_DUP", "values", required={"looks_at": "text"}),
    RuleKind("TEXT_DUP", "values", required={"at_least": "number"}),
    # what SQL judges once for a submission
    RuleKind("DUP_FILE", "values"),
    RuleKind("VERSION_CONFLICT", "values", required={"minutes": "number"}),
    RuleKind("LATE", "values"),
    RuleKind("LOCKED", "values"),
)
