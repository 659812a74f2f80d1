"""The closed vocabularies of the assessment. In: nothing. Out: enumerations whose values are the stored words.

An unknown word is an error wherever it appears; nothing here is extended by data (contracts: indicator system,
scoring, assessment platform).
"""

from enum import StrEnum


class Severity(StrEnum):
    """What a finding does to the value it stands on."""

    BLOCK = "block"
    HOLD = "hold"
    WARN = "warn"
    NOTE = "note"
    SECURITY = "security"

    @property
    def stops_scoring(self) -> bool:
        """Whether a value under such a finding is kept out of the score (an open hold counts as stopping)."""
        return self in (Severity.BLOCK, Severity.HOLD, Severity.SECURITY)


SEVERITY_ZH = {
    Severity.BLOCK: "退回更正",
    Severity.HOLD: "待审核决定",
    Severity.WARN: "请说明或更正",
    Severity.NOTE: "已自动处理",
    Severity.SECURITY: "安全隔离",
}
DECISION_ZH = {"not_applicable": "不适用申请", "warning": "提示事项说明", "hold": "待审核事项"}
"""What a decision is about: a request, or a finding of a severity."""

RULED_ZH = {"approve": "已确认", "refuse": "不予认可"}
"""What a steward's verdict on a finding is called; one that was withdrawn leaves the finding as it was."""

_ANSWERED_ZH = {"approve": "同意", "refuse": "不同意"}
_WITHDRAWN_ZH = "撤回"

RULED_TOLD_ZH = {"approve": "审核人员已确认，不需要处理", "refuse": "审核人员没有认可"}
"""What a department is told of a verdict."""


def verdict_zh(about: str, verdict: str) -> str:
    """What a verdict is called: on a finding as the steward's buttons say, on a request 同意 or 不同意.

    Args:
        about: The kind of the decision (``warning`` and ``hold`` are findings), or of the request.
        verdict: ``approve``, ``refuse`` or ``withdraw``.

    Raises:
        KeyError: There is no such verdict.
    """
    called = RULED_ZH if about in ("warning", "hold") else _ANSWERED_ZH
    return {**called, "withdraw": _WITHDRAWN_ZH}[verdict]


class ValueType(StrEnum):
    """How an indicator's value is written."""

    RATIO = "ratio"
    COUNT = "count"
    AMOUNT = "amount"
    BOOLEAN = "boolean"
    DATE = "date"
    SCORE = "score"


class RatioKind(StrEnum):
    """What a ratio's two parts mean (scoring.md section 3)."""

    SHARE = "share"
    GROWTH = "growth"
    MULTIPLE = "multiple"


class RuleType(StrEnum):
    """How a value becomes a rate, or an adjustment becomes points."""

    LINEAR = "linear"
    LINEAR_INVERSE = "linear_inverse"
    BANDS = "bands"
    PASS_FAIL = "pass_fail"  # noqa: S105 - a scoring rule, not a password
    PER_OCCURRENCE = "per_occurrence"
    DATE_LATE = "date_late"
    REPORT_ONLY = "report_only"
    BONUS_CAPPED = "bonus_capped"
    DEDUCT_TOTAL = "deduct_total"
    VETO = "veto"

    @property
    def carries_weight(self) -> bool:
        """Whether rows of this rule take part in the weights (scoring.md section 1)."""
        return self not in (RuleType.REPORT_ONLY, RuleType.BONUS_CAPPED, RuleType.DEDUCT_TOTAL, RuleType.VETO)

    @property
    def is_adjustment(self) -> bool:
        """Whether the row is recorded as an event and never asked of a department."""
        return self in (RuleType.BONUS_CAPPED, RuleType.DEDUCT_TOTAL, RuleType.VETO)


class Group(StrEnum):
    """Indicator groups that share a unit's 100 points."""

    COMMON = "COMMON"
    FUNCTION = "FUNCTION"
    LEAD = "LEAD"


GROUP_ZH = {Group.COMMON: "共性指标", Group.FUNCTION: "个性指标", Group.LEAD: "牵头任务指标"}


class Tag(StrEnum):
    """What kind of unit a unit is; tags are not exclusive."""

    REGION = "REGION"
    LEAD = "LEAD"
    ENF = "ENF"
    SINGLE = "SINGLE"
    VERT = "VERT"
    TOWN = "TOWN"


class Frequency(StrEnum):
    """How often an indicator is due."""

    DAILY = "daily"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half-yearly"
    YEARLY = "yearly"
    EVENT = "event"


class Reporting(StrEnum):
    """Whether a period's value stands for the period alone or contains the year's earlier ones."""

    CURRENT = "current"
    CUMULATIVE = "cumulative"


class Aggregation(StrEnum):
    """How the periods of a year become one value."""

    SUM = "sum"
    LAST = "last"
    ALL = "all"
    MAX = "max"


class ZeroDenominator(StrEnum):
    """What a ratio over nothing is."""

    EXCLUDE = "exclude"
    NA = "na"


class LineStatus(StrEnum):
    """The state of an indicator in a unit's result; the last three are lines of adjustments."""

    SCORED = "scored"
    MISSING = "missing"
    REJECTED = "rejected"
    NOT_APPLICABLE = "not_applicable"
    BONUS = "bonus"
    DEDUCTION = "deduction"
    CLAMP = "clamp"


class Stage(StrEnum):
    """Which kind of result is computed or pushed."""

    PROVISIONAL = "provisional"
    FINAL = "final"


class SubmissionKind(StrEnum):
    """Who a submission speaks for: the sender itself, or an office about many units (portal contract)."""

    UNIT = "unit"
    OFFICE = "office"


class OutboxState(StrEnum):
    """The life of a result on its way to the platform (cli.md)."""

    PENDING = "pending"
    SENT = "sent"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"


class RunMode(StrEnum):
    """What a run may do (ARCHITECTURE, DAGs)."""

    AUTO = "auto"
    DRY_RUN = "dry_run"
    PUSH = "push"
