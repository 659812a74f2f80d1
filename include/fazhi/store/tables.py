"""The tables of the store. In: nothing. Out: SQLAlchemy Core tables that Alembic's migrations create.

Rows are added, not changed: a later state is a later row. The exceptions are pointers (``current_submission``,
``current_parse``), the outbox's state, which only moves along its graph, and step bookkeeping. Exact numbers are
text (as read) or integers in units of 10⁻⁶ (``…_q``); no column turns them into floats. Times are ISO 8601 text
with an offset, days are ISO days, digests are lower-case hex.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

_CLAIMED = text("not_applicable = 1")
RowId = BigInteger().with_variant(Integer, "sqlite")

raw_file = Table(
    "raw_file",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("first_seen_at", Text, nullable=False),
)

submission = Table(
    "submission",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("source", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("period", Text, nullable=False),
    Column("sender_code", Text, nullable=False),
    Column("submitted_at", Text, nullable=False),
    Column("submitted_by", Text, nullable=False, server_default=""),
    Column("received_at", Text, nullable=False),
    Column("content_digest", String(64), nullable=False),
    CheckConstraint("kind IN ('unit', 'office')", name="kind"),
    CheckConstraint("revision >= 1", name="revision"),
    Index("ix_submission_year", "year"),
    Index("ix_submission_sender_code", "sender_code", "period"),
)

submission_file = Table(
    "submission_file",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("role", String(8), nullable=False),
    Column("sha256", String(64), ForeignKey("raw_file.sha256"), nullable=False),
    Column("size", BigInteger, nullable=False),
    CheckConstraint("role IN ('workbook', 'evidence')", name="role"),
    Index("ix_submission_file_sha256", "sha256"),
)

current_submission = Table(
    "current_submission",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("sender_code", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("submission_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    comment="the one current revision of a sender and period; a higher revision replaces a lower one",
)

parse = Table(
    "parse",
    metadata,
    Column("parse_id", RowId, primary_key=True, autoincrement=True),
    Column("submission_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("sender_code", Text, nullable=False),
    Column("year", Integer, nullable=False),
    Column("period", Text, nullable=False),
    Column("reader_digest", String(64), nullable=False, comment="edition, registry and reader that read it"),
    Column("system_id", Text, nullable=False),
    Column("system_digest", String(64), nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("readable", Integer, nullable=False),
    Column("parsed_at", Text, nullable=False),
    UniqueConstraint("submission_id", "revision", "reader_digest"),
    Index("ix_parse_sender_code", "sender_code", "period"),
)

current_parse = Table(
    "current_parse",
    metadata,
    Column("kind", String(8), primary_key=True),
    Column("sender_code", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("parse_id", RowId, ForeignKey("parse.parse_id"), nullable=False, unique=True),
)

value = Table(
    "value",
    metadata,
    Column("value_id", RowId, primary_key=True, autoincrement=True),
    Column("parse_id", RowId, ForeignKey("parse.parse_id"), nullable=False),
    Column("row_no", Integer, nullable=False),
    Column("year", Integer, nullable=False),
    Column("period", Text, nullable=False),
    Column("period_rank", Integer, nullable=False),
    Column("period_first", String(10), nullable=False),
    Column("period_last", String(10), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("reporter_code", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("indicator_code", Text, nullable=False),
    Column("numerator", Text),
    Column("denominator", Text),
    Column("amount", Text, comment="the value of a count, amount or score row"),
    Column("numerator_q", BigInteger),
    Column("denominator_q", BigInteger),
    Column("amount_q", BigInteger),
    Column("boolean_value", Integer),
    Column("date_value", String(10)),
    Column("stated_ratio", Text, comment="the typed ratio as a plain decimal share, 0.9949"),
    Column("ratio_form", String(8), comment="percent, fraction or bare"),
    Column("ratio_gap", BigInteger, comment="ceiling of |stated - computed| in units of 10^-12"),
    Column("ratio_tolerance", BigInteger, comment="half a unit of the last digit written, same units"),
    Column("numerator_raw", Text),
    Column("denominator_raw", Text),
    Column("value_raw", Text),
    Column("boolean_raw", Text),
    Column("date_raw", Text),
    Column("fuzzy", Text, comment="which parts are fuzzy: numerator;denominator;value"),
    Column("low_q", BigInteger, comment="interval of a fuzzy value (the value part)"),
    Column("high_q", BigInteger),
    Column(
        "unreadable", Text, comment="which parts were filled but are no number: numerator;denominator;value;…"
    ),
    Column("not_applicable", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("note", Text),
    Column("stated_reporting", Text, comment="current or cumulative, where the file says so"),
    Column("stated_scope", Text, comment="definition or scope of the figure, where the file says so"),
    Column("provenance", Text),
    Column("evidence_named", Integer, nullable=False, server_default="0"),
    Column("evidence_missing", Text, comment="named but not among the submission's files, joined by ;"),
    Column("sheet", Text),
    Column("cell_row", Text, comment="where the row's indicator code stands"),
    Column("cell_unit", Text),
    Column("cell_numerator", Text),
    Column("cell_denominator", Text),
    Column("cell_value", Text),
    Column("cell_boolean", Text),
    Column("cell_date", Text),
    Column("cell_not_applicable", Text),
    Column("cell_evidence", Text),
    Column("value_digest", String(64), nullable=False),
    UniqueConstraint("parse_id", "row_no"),
    Index("ix_value_subject", "indicator_code", "unit_code", text("SUBSTR(period, 5)"), "year"),
    Index("ix_value_row", "parse_id", "indicator_code", "unit_code", "period"),
    Index("ix_value_claimed", "parse_id", sqlite_where=_CLAIMED, postgresql_where=_CLAIMED),
)

indicator_dim = Table(
    "indicator_dim",
    metadata,
    Column("system_digest", String(64), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("value_type", String(8), nullable=False),
    Column("ratio_kind", String(8)),
    Column("rule_type", String(16), nullable=False),
    Column("zero_denominator", String(8), nullable=False),
    Column("frequency", String(12), nullable=False),
    Column("reporting", String(12), nullable=False),
    Column("aggregation", String(8), nullable=False),
    Column("asked_of_unit", Integer, nullable=False),
    Column("evidence_required", Integer, nullable=False),
    Column("is_adjustment", Integer, nullable=False),
    Column("date_year_offset", Integer, comment="a date belongs to the assessment year plus this many years"),
    Column("effective_from", String(10), nullable=False),
    Column("effective_to", String(10)),
)

check_dim = Table(
    "check_dim",
    metadata,
    Column("system_digest", String(64), primary_key=True),
    Column("check_id", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("from_year", Integer, nullable=False),
    Column("to_year", Integer, nullable=False),
    Column(
        "indicator_code", Text, comment="typed parameters of the rule; what each means is the rule kind's"
    ),
    Column("part", Text),
    Column("other_code", Text),
    Column("other_part", Text),
    Column("number_a", BigInteger),
    Column("number_b", BigInteger),
    Column("text_a", Text),
    Column("parts", Integer, comment="how many rows of check_part it has"),
    Index("ix_check_dim_rule", "system_digest", "rule"),
)

check_part = Table(
    "check_part",
    metadata,
    Column("system_digest", String(64), primary_key=True),
    Column("check_id", Text, primary_key=True),
    Column("part_no", Integer, primary_key=True),
    Column("indicator_code", Text, nullable=False),
    Column("part", Text, nullable=False),
    comment="the figures that a check adds up",
)

duty_dim = Table(
    "duty_dim",
    metadata,
    Column(
        "duty_digest", String(64), primary_key=True, comment="edition, registry, year and the deciding day"
    ),
    Column("unit_code", Text, primary_key=True),
    Column("indicator_code", Text, primary_key=True),
    comment="which indicators apply to which units in a year",
)

unit_dim = Table(
    "unit_dim",
    metadata,
    Column("duty_digest", String(64), primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("exists_in_year", Integer, nullable=False),
    Column("has_duty", Integer, nullable=False, comment="whether any indicator applies to it in the year"),
    Column("successor_code", Text),
    Column("region", Text, comment="division code of the city that its submissions are judged with"),
)

reporter_dim = Table(
    "reporter_dim",
    metadata,
    Column("duty_digest", String(64), primary_key=True),
    Column("reporter_code", Text, primary_key=True),
    Column("indicator_code", Text, primary_key=True),
    Column(
        "region", Text, primary_key=True, comment="division code of the city whose units it is reported about"
    ),
    Column(
        "source_rank", Integer, nullable=False, comment="place of its source in the indicator's list, 0 first"
    ),
    Index("ix_reporter_dim_indicator", "duty_digest", "indicator_code"),
    comment="which authority may report which indicator about other units in a year",
)

slice_parse = Table(
    "slice_parse",
    metadata,
    Column("parse_id", RowId, ForeignKey("parse.parse_id"), primary_key=True),
    Column("year", Integer, nullable=False),
    Column("region", Text, nullable=False),
    Column("system_id", Text, nullable=False),
    Column("system_digest", String(64), nullable=False),
    Column("duty_digest", String(64), nullable=False),
    Column("before_parse_id", RowId, comment="the sender's period just before, of the same length and year"),
    Column("year_ago_parse_id", RowId, comment="the sender's same period of the year before"),
    Column("first_value_id", RowId, comment="its first row, on which what is said of the whole file stands"),
    Column("due_second", BigInteger, comment="the last second on time, since 1970; null: no deadline"),
    Column("locked_at", Text, comment="when the year had been locked, if it was when this was received"),
    Column(
        "to_judge",
        Integer,
        nullable=False,
        server_default="1",
        comment="0: what was found before still stands",
    ),
    Index("ix_slice_parse_slice", "year", "region", "to_judge"),
    comment="which parses a year and region are judged on, and under which dimensions; committed before judging",
)

submission_dim = Table(
    "submission_dim",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("submitted_second", BigInteger, nullable=False, comment="seconds since 1970"),
    Column("submitted_day", String(10), nullable=False, comment="in Asia/Shanghai"),
    Column("received_second", BigInteger, comment="seconds since 1970"),
    comment="a submission's times in a form that SQL compares",
)

value_token = Table(
    "value_token",
    metadata,
    Column("parse_id", RowId, primary_key=True, autoincrement=False),
    Column("value_id", RowId, primary_key=True, autoincrement=False),
    Column("kind", String(8), primary_key=True),
    Column("token", Text, primary_key=True),
    Column("length", Integer, nullable=False, comment="characters of the text it stands for"),
    CheckConstraint("kind IN ('text', 'number', 'evidence')", name="kind"),
    Index("ix_value_token_token", "kind", "token"),
    Index("ix_value_token_value_id", "value_id"),
    comment="by what rows are recognised elsewhere: narrative, case or document number, evidence file",
)
"""Without foreign keys: it is taken from rows that are never deleted, and to look for them cost half of the writing."""

parse_dim = Table(
    "parse_dim",
    metadata,
    Column("parse_id", RowId, ForeignKey("parse.parse_id"), primary_key=True),
    Column("tokens_version", Integer, nullable=False, comment="how its tokens were taken"),
    comment="of which parses the tokens are there",
)

validation = Table(
    "validation",
    metadata,
    Column("validation_id", RowId, primary_key=True, autoincrement=True),
    Column("year", Integer, nullable=False),
    Column("region", Text, nullable=False),
    Column("input_digest", String(64), nullable=False, comment="everything the findings depend on"),
    Column("duty_digest", String(64), nullable=False),
    Column("system_id", Text, nullable=False),
    Column("system_digest", String(64), nullable=False),
    Column("validated_at", Text, nullable=False),
    Column("values_checked", Integer, nullable=False),
    UniqueConstraint("year", "region", "input_digest"),
)

current_validation = Table(
    "current_validation",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("validation_id", RowId, ForeignKey("validation.validation_id"), nullable=False),
)

validation_basis = Table(
    "validation_basis",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("validation_id", RowId, ForeignKey("validation.validation_id"), nullable=False),
    Column("rules_digest", String(64), nullable=False, comment="everything but the data"),
    Column("content", LargeBinary, nullable=False, comment="the data, as fazhi.validate.basis packs it"),
    comment="what the newest validation of a year and region rested on; the next one judges what differs",
)
finding = Table(
    "finding",
    metadata,
    Column("finding_id", RowId, primary_key=True, autoincrement=True),
    Column("parse_id", RowId, ForeignKey("parse.parse_id"), nullable=False),
    Column(
        "validation_id", RowId, ForeignKey("validation.validation_id"), comment="null: found while reading"
    ),
    Column("value_id", RowId, ForeignKey("value.value_id"), comment="null: about the whole file"),
    Column(
        "other_value_id",
        RowId,
        ForeignKey("value.value_id"),
        comment="the value it was compared with",
    ),
    Column("year", Integer, nullable=False),
    Column("period", Text, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("indicator_code", Text),
    Column("submission_id", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("check_id", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("sheet", Text),
    Column("cell", Text),
    Column("related", Text, nullable=False, server_default="[]", comment="JSON list of cells compared"),
    Column("value_raw", Text),
    Column("expected", Text),
    Column("message_zh", Text, nullable=False),
    Column("message_en", Text, nullable=False),
    Column("fix_zh", Text, nullable=False),
    Column("value_digest", String(64)),
    Column("system_id", Text, nullable=False),
    Column("system_digest", String(64), nullable=False),
    CheckConstraint("severity IN ('block', 'hold', 'warn', 'note', 'security')", name="severity"),
    Index("ix_finding_severity", "parse_id", "severity", "validation_id"),
    Index("ix_finding_validation_id", "validation_id"),
    Index("ix_finding_value_id", "value_id"),
    Index("ix_finding_by_unit", "year", "validation_id", "unit_code", "finding_id"),
    Index("ix_finding_by_indicator", "year", "validation_id", "indicator_code", "unit_code", "finding_id"),
    Index("ix_finding_by_rule", "year", "validation_id", "rule", "unit_code", "finding_id"),
    Index("ix_finding_by_severity", "year", "validation_id", "severity", "unit_code", "finding_id"),
)

locked_out = Table(
    "locked_out",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("kept_submission_id", Text, nullable=False),
    Column("kept_revision", Integer, nullable=False),
    Column("locked_at", Text, nullable=False, comment="when the year had been locked"),
    Column("received_at", Text, nullable=False),
    comment="submissions received while their year was locked; the one before them stayed current",
)

year_lock = Table(
    "year_lock",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("locked_at", Text, primary_key=True),
    Column("lifted_at", Text, comment="null: still locked"),
    Column("reason", Text, nullable=False),
    comment="from when until when a year's values may not be resubmitted: while results are publicised, once sealed",
)

decision = Table(
    "decision",
    metadata,
    Column("decision_id", RowId, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("year", Integer, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("indicator_code", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("rule", Text, nullable=False, server_default=""),
    Column("value_digest", String(64), nullable=False, server_default=""),
    Column("verdict", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("requested_by", Text, nullable=False, server_default=""),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    Column(
        "ordinal", Integer, nullable=False, server_default="1", comment="1 for the first ruling on a thing"
    ),
    CheckConstraint("kind IN ('not_applicable', 'warning', 'hold')", name="kind"),
    CheckConstraint("verdict IN ('approve', 'refuse', 'withdraw')", name="verdict"),
    CheckConstraint("requested_by <> decided_by", name="four_eyes"),
    Index("ix_decision_slice", "year", "unit_code", "indicator_code"),
    Index(
        "uq_decision_ordinal",
        "year",
        "unit_code",
        "indicator_code",
        "period",
        "kind",
        "rule",
        "value_digest",
        "ordinal",
        unique=True,
    ),
    Index("ix_decision_decided_by", "decided_by", "decision_id"),
)

department_request = Table(
    "department_request",
    metadata,
    Column("request_id", RowId, primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("year", Integer, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("indicator_code", Text, nullable=False, server_default=""),
    Column("period", Text, nullable=False),
    Column("rule", Text, nullable=False, server_default=""),
    Column("value_digest", String(64), nullable=False, server_default=""),
    Column("until", String(10), comment="the new last day of an extension"),
    Column("reason", Text, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("requested_name", Text, nullable=False),
    Column("requested_at", Text, nullable=False),
    CheckConstraint("kind IN ('not_applicable', 'waiver', 'extension')", name="kind"),
    CheckConstraint("kind <> 'extension' OR until IS NOT NULL", name="until"),
    CheckConstraint("requested_by <> ''", name="requester"),
    UniqueConstraint("request_id", "requested_by", name="uq_department_request_requester"),
    Index("ix_department_request_slice", "year", "unit_code", "period"),
    comment="what a department asks for: an indicator as 不适用, a waiver of one finding, a later deadline",
)

request_ruling = Table(
    "request_ruling",
    metadata,
    Column("request_id", RowId, primary_key=True, autoincrement=False),
    Column(
        "number", Integer, primary_key=True, comment="1 the ruling; 2 its withdrawal; 3 the next ruling …"
    ),
    Column("requested_by", Text, nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_name", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    CheckConstraint("verdict IN ('approve', 'refuse', 'withdraw')", name="verdict"),
    CheckConstraint("requested_by <> decided_by", name="four_eyes"),
    CheckConstraint("number >= 1", name="number"),
    ForeignKeyConstraint(
        ["request_id", "requested_by"],
        ["department_request.request_id", "department_request.requested_by"],
        name="fk_request_ruling_request",
    ),
    Index("ix_request_ruling_decided_by", "decided_by"),
)

submission_return = Table(
    "submission_return",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("number", Integer, primary_key=True, comment="odd: returned; even: the return before it undone"),
    Column("act", String(8), nullable=False),
    Column("year", Integer, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("shown_digest", String(64), nullable=False, comment="of what the steward saw"),
    Column("decided_by", Text, nullable=False),
    Column("decided_name", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    CheckConstraint("act IN ('return', 'undo')", name="act"),
    CheckConstraint("(number % 2 = 1 AND act = 'return') OR (number % 2 = 0 AND act = 'undo')", name="turns"),
    CheckConstraint("reason <> ''", name="reason"),
    ForeignKeyConstraint(
        ["submission_id", "revision"],
        ["submission.submission_id", "submission.revision"],
        name="fk_submission_return_submission",
    ),
    Index("ix_submission_return_year", "year"),
    Index("ix_submission_return_decided_by", "decided_by"),
    comment="submissions that a steward sends back to be corrected",
)

result = Table(
    "result",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("stage", String(12), nullable=False),
    Column("region", Text, nullable=False),
    Column("content_digest", String(64), nullable=False, comment="of everything but version and computed_at"),
    Column("input_digest", String(64), nullable=False),
    Column("system_id", Text, nullable=False),
    Column("system_digest", String(64), nullable=False),
    Column("unit_name", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("bonus", Text, nullable=False),
    Column("deduction", Text, nullable=False),
    Column("score", Text, nullable=False),
    Column("grade", Text),
    Column(
        "grade_reason", Text, comment="what else than the score decided the grade: veto, quota, tie-break"
    ),
    Column("rank", Integer),
    Column("component", Text, nullable=False),
    Column("share", Text, nullable=False),
    Column("total_points", Text, nullable=False),
    Column("computed_at", Text, nullable=False),
    CheckConstraint("stage IN ('provisional', 'final')", name="stage"),
)

current_result = Table(
    "current_result",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("region", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_current_result_region", "year", "region", "unit_code"),
    comment="the newest result of each unit that has one now; a unit left without a result loses its row",
)

result_line = Table(
    "result_line",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("indicator_code", Text, primary_key=True),
    Column("indicator_group", Text, nullable=False),
    Column("full_mark", Text, nullable=False),
    Column("weight", Text),
    Column("rate_numerator", Text),
    Column("rate_denominator", Text),
    Column("points", Text),
    Column("status", String(16), nullable=False),
)

result_adjustment = Table(
    "result_adjustment",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("event_no", Integer, primary_key=True),
    Column("code", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("count", Integer, nullable=False),
    Column("indicator_code", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("drafted_by", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("approved_on", Text, nullable=False),
)

result_input = Table(
    "result_input",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True, comment="the unit scored, also for a predecessor's values"),
    Column("version", Integer, primary_key=True),
    Column("input_no", Integer, primary_key=True),
    Column("indicator_code", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("numerator", Text),
    Column("denominator", Text),
    Column("value", Text),
    Column("kind", String(12), nullable=False, comment="submission, office or system"),
    Column("submission_id", Text, nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("sheet", Text),
    Column("cell", Text),
    Column("cell_denominator", Text),
)

outbox = Table(
    "outbox",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("stage", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("idempotency_key", Text, nullable=False, unique=True),
    Column("digest", String(64), nullable=False, comment="SHA-256 of body"),
    Column("body", Text, nullable=False, comment="the Result as RFC 8785 canonical JSON, exactly as sent"),
    Column("queued_at", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("problem", Text, comment="why it was refused or is in conflict, as the platform said it"),
    Column("changed_at", Text, nullable=False),
    UniqueConstraint("year", "unit_code", "version", "stage", name="uq_outbox_result"),
    CheckConstraint(
        "state IN ('pending', 'sent', 'confirmed', 'refused', 'conflict', 'superseded')", name="state"
    ),
    Index("ix_outbox_state", "year", "state"),
)

version_floor = Table(
    "version_floor",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column(
        "floor", Integer, primary_key=True, comment="the version that the platform holds; ours go on above it"
    ),
    Column("platform_digest", String(64), nullable=False),
    Column("our_version", Integer, nullable=False, comment="our newest version then, 0 if none"),
    Column("reason", Text, nullable=False),
    Column("signed_by", Text, nullable=False),
    Column("signed_name", Text, nullable=False),
    Column("signed_at", Text, nullable=False),
    CheckConstraint("floor >= our_version", name="floor"),
    comment="signed after a restored backup was behind the platform",
)

receipt = Table(
    "receipt",
    metadata,
    Column("receipt_id", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("platform_received_at", Text, nullable=False),
    Column("recorded_at", Text, nullable=False),
)

final_proposal = Table(
    "final_proposal",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("digest", String(64), nullable=False, comment="of all units and their content digests"),
    Column("units", Integer, nullable=False),
    Column("system_digest", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_name", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("objection_until", String(10), comment="last day for objections; a correction has none"),
    CheckConstraint("kind IN ('final', 'correction')", name="kind"),
    CheckConstraint("number >= 1", name="number"),
    CheckConstraint("kind = 'correction' OR objection_until IS NOT NULL", name="objection"),
    UniqueConstraint("year", "region", "number", "proposed_by", name="uq_final_proposal_proposer"),
    comment="what a year and region is to have as final results, or as corrections of sealed ones",
)

final_proposal_unit = Table(
    "final_proposal_unit",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("unit_name", Text, nullable=False),
    Column("content_digest", String(64), nullable=False),
    Column("score", Text, nullable=False),
    Column("grade", Text),
    Column("rank", Integer),
    Column("component", Text, nullable=False),
    Column("correction_of", Integer, comment="the sealed version that it would correct"),
    ForeignKeyConstraint(
        ["year", "region", "number"],
        ["final_proposal.year", "final_proposal.region", "final_proposal.number"],
        name="fk_final_proposal_unit_proposal",
    ),
    comment="what was publicised: one row for each unit of a proposal",
)

final_outcome = Table(
    "final_outcome",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("outcome", String(12), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_name", Text, nullable=False),
    Column("decided_as", String(12), nullable=False, comment="the role: steward, deputy or chief"),
    Column("decided_at", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    CheckConstraint("outcome IN ('signed', 'withdrawn')", name="outcome"),
    CheckConstraint("outcome <> 'signed' OR decided_by <> proposed_by", name="four_eyes"),
    CheckConstraint("outcome <> 'signed' OR decided_as IN ('chief', 'deputy')", name="authority"),
    ForeignKeyConstraint(
        ["year", "region", "number", "proposed_by"],
        [
            "final_proposal.year",
            "final_proposal.region",
            "final_proposal.number",
            "final_proposal.proposed_by",
        ],
        name="fk_final_outcome_proposal",
    ),
    comment="how a proposal ended: signed or withdrawn, once",
)

final_version = Table(
    "final_version",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("unit_code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("region", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("correction_of", Integer, comment="the sealed version that this one corrects"),
    UniqueConstraint("year", "unit_code", "region", "number", name="uq_final_version_unit"),
    ForeignKeyConstraint(
        ["year", "region", "number"],
        ["final_outcome.year", "final_outcome.region", "final_outcome.number"],
        name="fk_final_version_outcome",
    ),
    ForeignKeyConstraint(
        ["year", "unit_code", "version"],
        ["result.year", "result.unit_code", "result.version"],
        name="fk_final_version_result",
    ),
    comment="the results that a signature made final; no other final result is ever sent",
)

final_seal = Table(
    "final_seal",
    metadata,
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("units", Integer, nullable=False),
    Column("sealed_by", Text, nullable=False),
    Column("sealed_name", Text, nullable=False),
    Column("sealed_at", Text, nullable=False),
    ForeignKeyConstraint(
        ["year", "region", "number"],
        ["final_outcome.year", "final_outcome.region", "final_outcome.number"],
        name="fk_final_seal_outcome",
    ),
    comment="a year and region whose final results are all confirmed; never lifted",
)

appeal = Table(
    "appeal",
    metadata,
    Column("appeal_id", RowId, primary_key=True, autoincrement=True),
    Column("year", Integer, nullable=False),
    Column("region", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("unit_code", Text, nullable=False),
    Column("indicator_code", Text, nullable=False, server_default=""),
    Column("statement", Text, nullable=False),
    Column("late", Integer, nullable=False, comment="1: filed after the objection period"),
    Column("decide_by", String(10), nullable=False, comment="the last day for its decision"),
    Column("filed_by", Text, nullable=False),
    Column("filed_name", Text, nullable=False),
    Column("filed_at", Text, nullable=False),
    CheckConstraint("kind IN ('appeal', 'correction_request')", name="kind"),
    UniqueConstraint("appeal_id", "filed_by", name="uq_appeal_filer"),
    ForeignKeyConstraint(
        ["year", "region", "number"],
        ["final_proposal.year", "final_proposal.region", "final_proposal.number"],
        name="fk_appeal_proposal",
    ),
    Index("ix_appeal_slice", "year", "region"),
    comment="objections to publicised results; once signed, requests for a correction",
)

appeal_decision = Table(
    "appeal_decision",
    metadata,
    Column("appeal_id", RowId, primary_key=True, autoincrement=False),
    Column("filed_by", Text, nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_name", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    CheckConstraint("verdict IN ('upheld', 'rejected')", name="verdict"),
    CheckConstraint("filed_by <> decided_by", name="four_eyes"),
    ForeignKeyConstraint(
        ["appeal_id", "filed_by"], ["appeal.appeal_id", "appeal.filed_by"], name="fk_appeal_decision_appeal"
    ),
)

pipeline_run = Table(
    "pipeline_run",
    metadata,
    Column("run_id", Text, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("run_type", Text, nullable=False),
    Column("mode", String(8), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False, server_default=""),
    Column("system_id", Text, nullable=False),
    Column("system_digest", String(64), nullable=False),
    Column("started_at", Text, nullable=False),
    Index("ix_pipeline_run_started_at", "started_at", "run_id"),
    Index("ix_pipeline_run_year", "year", "started_at", "run_id"),
    comment="which run of the pipeline asked for what; Airflow's own history may be cleared",
)

run_end = Table(
    "run_end",
    metadata,
    Column("run_id", Text, ForeignKey("pipeline_run.run_id"), primary_key=True),
    Column("ended_at", Text, nullable=False),
    comment="runs of the pipeline that went through to their last step; a run that failed has no row",
)

audit = Table(
    "audit",
    metadata,
    Column("seq", RowId, primary_key=True, autoincrement=False),
    Column("prev_digest", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("alg", String(8), nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("details", Text, nullable=False),
    CheckConstraint("seq >= 1", name="seq"),
    UniqueConstraint("digest"),
    UniqueConstraint("prev_digest"),
    comment="a chain: each row carries the digest of the one before it; rows are only added",
)

portal_mark = Table(
    "portal_mark",
    metadata,
    Column("source", Text, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column(
        "origin", Text, nullable=False, comment="the portal's address; a mark of another one says nothing"
    ),
    Column("updated_at", Text, nullable=False, comment="everything updated up to here is settled"),
    Column("marked_at", Text, nullable=False),
    comment="how far the list of a portal was read",
)

portal_copy = Table(
    "portal_copy",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    comment="submissions that first came from elsewhere and that the portal has as well",
)

portal_report = Table(
    "portal_report",
    metadata,
    Column("submission_id", Text, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("report_no", Integer, primary_key=True),
    Column("year", Integer, nullable=False),
    Column("outcome", String(24), nullable=False),
    Column("digest", String(64), nullable=False, comment="of outcome and findings"),
    Column("body", Text, nullable=False, comment="the review as canonical JSON, exactly as sent"),
    Column("queued_at", Text, nullable=False),
    Column("reported_at", Text, comment="null: the portal has not taken it yet"),
    CheckConstraint("outcome IN ('accepted', 'accepted_with_warnings', 'returned')", name="outcome"),
    CheckConstraint("report_no >= 1", name="report_no"),
    Index("ix_portal_report_year", "year"),
    comment="what departments were told of their submissions; a later row replaces an earlier one",
)

ground_proposal = Table(
    "ground_proposal",
    metadata,
    Column("proposal_id", RowId, primary_key=True, autoincrement=True),
    Column("tree", String(8), nullable=False),
    Column("ground_digest", String(64), nullable=False),
    Column("before_digest", String(64), nullable=False),
    Column("after_digest", String(64), nullable=False),
    Column("shown_digest", String(64), nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposer_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    CheckConstraint("tree IN ('systems', 'registry', 'holidays')", name="tree"),
    CheckConstraint("before_digest <> after_digest", name="change"),
    CheckConstraint("proposed_by <> ''", name="proposer"),
    UniqueConstraint(
        "proposal_id", "proposed_by", "shown_digest", "ground_digest", name="uq_ground_proposal_ruled"
    ),
    comment="digests of trees are addresses of their lists of files in the raw store",
)

ground_ruling = Table(
    "ground_ruling",
    metadata,
    Column("proposal_id", RowId, primary_key=True, autoincrement=False),
    Column("proposed_by", Text, nullable=False),
    Column("shown_digest", String(64), nullable=False),
    Column("ground_digest", String(64), nullable=False),
    Column("verdict", String(8), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decider_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("decided_at", Text, nullable=False),
    CheckConstraint("verdict IN ('approve', 'refuse')", name="verdict"),
    CheckConstraint("proposed_by <> decided_by", name="four_eyes"),
    CheckConstraint("decided_by <> ''", name="decider"),
    ForeignKeyConstraint(
        ["proposal_id", "proposed_by", "shown_digest", "ground_digest"],
        [
            "ground_proposal.proposal_id",
            "ground_proposal.proposed_by",
            "ground_proposal.shown_digest",
            "ground_proposal.ground_digest",
        ],
        name="fk_ground_ruling_proposal",
    ),
)

ground_applied = Table(
    "ground_applied",
    metadata,
    Column(
        "proposal_id", RowId, ForeignKey("ground_ruling.proposal_id"), primary_key=True, autoincrement=False
    ),
    Column("applied_at", Text, nullable=False),
    comment="the folder has been exchanged; a ruling without it was cut short and is finished by the next one",
)

desk_seen = Table(
    "desk_seen",
    metadata,
    Column("account", Text, primary_key=True),
    Column("year", Integer, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("seen_at", Text, nullable=False),
    comment="up to when a person said to have seen what changed in a year and region",
)
