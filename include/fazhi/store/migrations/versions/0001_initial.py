"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "check_dim",
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("from_year", sa.Integer(), nullable=False),
        sa.Column("to_year", sa.Integer(), nullable=False),
        sa.Column(
            "indicator_code",
            sa.Text(),
            nullable=True,
            comment="typed parameters of the rule; what each means is the rule kind's",
        ),
        sa.Column("part", sa.Text(), nullable=True),
        sa.Column("other_code", sa.Text(), nullable=True),
        sa.Column("other_part", sa.Text(), nullable=True),
        sa.Column("number_a", sa.BigInteger(), nullable=True),
        sa.Column("number_b", sa.BigInteger(), nullable=True),
        sa.Column("text_a", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("system_digest", "check_id", name=op.f("pk_check_dim")),
    )
    op.create_index("ix_check_dim_rule", "check_dim", ["system_digest", "rule"], unique=False)
    op.create_table(
        "current_result",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", "unit_code", name=op.f("pk_current_result")),
        comment="the newest result of each unit that has one now; a unit left without a result loses its row",
    )
    op.create_table(
        "current_submission",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sender_code", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "sender_code", "period", name=op.f("pk_current_submission")),
        comment="the one current revision of a sender and period; a higher revision replaces a lower one",
    )
    op.create_table(
        "decision",
        sa.Column(
            "decision_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("value_digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('not_applicable', 'warning', 'hold')", name=op.f("ck_decision_kind")),
        sa.CheckConstraint("verdict IN ('approve', 'refuse', 'withdraw')", name=op.f("ck_decision_verdict")),
        sa.CheckConstraint("requested_by <> decided_by", name=op.f("ck_decision_four_eyes")),
        sa.PrimaryKeyConstraint("decision_id", name=op.f("pk_decision")),
    )
    op.create_index("ix_decision_slice", "decision", ["year", "unit_code", "indicator_code"], unique=False)
    op.create_table(
        "duty_dim",
        sa.Column(
            "duty_digest",
            sa.String(length=64),
            nullable=False,
            comment="edition, registry, year and the deciding day",
        ),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("duty_digest", "unit_code", "indicator_code", name=op.f("pk_duty_dim")),
        comment="which indicators apply to which units in a year",
    )
    op.create_table(
        "indicator_dim",
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("value_type", sa.String(length=8), nullable=False),
        sa.Column("ratio_kind", sa.String(length=8), nullable=True),
        sa.Column("rule_type", sa.String(length=16), nullable=False),
        sa.Column("zero_denominator", sa.String(length=8), nullable=False),
        sa.Column("frequency", sa.String(length=12), nullable=False),
        sa.Column("reporting", sa.String(length=12), nullable=False),
        sa.Column("aggregation", sa.String(length=8), nullable=False),
        sa.Column("asked_of_unit", sa.Integer(), nullable=False),
        sa.Column("evidence_required", sa.Integer(), nullable=False),
        sa.Column("is_adjustment", sa.Integer(), nullable=False),
        sa.Column(
            "date_year_offset",
            sa.Integer(),
            nullable=True,
            comment="a date belongs to the assessment year plus this many years",
        ),
        sa.Column("effective_from", sa.String(length=10), nullable=False),
        sa.Column("effective_to", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("system_digest", "code", name=op.f("pk_indicator_dim")),
    )
    op.create_table(
        "outbox",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="SHA-256 of body"),
        sa.Column(
            "body",
            sa.Text(),
            nullable=False,
            comment="the Result as RFC 8785 canonical JSON, exactly as sent",
        ),
        sa.Column("queued_at", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "problem",
            sa.Text(),
            nullable=True,
            comment="why it was refused or is in conflict, as the platform said it",
        ),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'confirmed', 'refused', 'conflict', 'superseded')",
            name=op.f("ck_outbox_state"),
        ),
        sa.PrimaryKeyConstraint("year", "unit_code", "version", name=op.f("pk_outbox")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_outbox_idempotency_key")),
        sa.UniqueConstraint("year", "unit_code", "version", "stage", name="uq_outbox_result"),
    )
    op.create_index("ix_outbox_state", "outbox", ["year", "state"], unique=False)
    op.create_table(
        "parse",
        sa.Column(
            "parse_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sender_code", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column(
            "reader_digest",
            sa.String(length=64),
            nullable=False,
            comment="edition, registry and reader that read it",
        ),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("readable", sa.Integer(), nullable=False),
        sa.Column("parsed_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("parse_id", name=op.f("pk_parse")),
        sa.UniqueConstraint(
            "submission_id", "revision", "reader_digest", name=op.f("uq_parse_submission_id")
        ),
    )
    op.create_table(
        "pipeline_run",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("run_type", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("actor", sa.Text(), server_default="", nullable=False),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_pipeline_run")),
        comment="which run of the pipeline asked for what; Airflow's own history may be cleared",
    )
    op.create_table(
        "raw_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("first_seen_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_raw_file")),
    )
    op.create_table(
        "receipt",
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("platform_received_at", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("receipt_id", name=op.f("pk_receipt")),
    )
    op.create_table(
        "reporter_dim",
        sa.Column("duty_digest", sa.String(length=64), nullable=False),
        sa.Column("reporter_code", sa.Text(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.Column(
            "source_rank",
            sa.Integer(),
            nullable=False,
            comment="place of its source in the indicator's list, 0 first",
        ),
        sa.PrimaryKeyConstraint(
            "duty_digest", "reporter_code", "indicator_code", name=op.f("pk_reporter_dim")
        ),
        comment="which authority may report which indicator about other units in a year",
    )
    op.create_index(
        "ix_reporter_dim_indicator", "reporter_dim", ["duty_digest", "indicator_code"], unique=False
    )
    op.create_table(
        "result",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column(
            "content_digest",
            sa.String(length=64),
            nullable=False,
            comment="of everything but version and computed_at",
        ),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("unit_name", sa.Text(), nullable=False),
        sa.Column("base", sa.Text(), nullable=False),
        sa.Column("bonus", sa.Text(), nullable=False),
        sa.Column("deduction", sa.Text(), nullable=False),
        sa.Column("score", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column(
            "grade_reason",
            sa.Text(),
            nullable=True,
            comment="what else than the score decided the grade: veto, quota, tie-break",
        ),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("total_points", sa.Text(), nullable=False),
        sa.Column("computed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("stage IN ('provisional', 'final')", name=op.f("ck_result_stage")),
        sa.PrimaryKeyConstraint("year", "unit_code", "version", name=op.f("pk_result")),
    )
    op.create_table(
        "result_adjustment",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event_no", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_on", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "year", "unit_code", "version", "event_no", name=op.f("pk_result_adjustment")
        ),
    )
    op.create_table(
        "result_input",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column(
            "unit_code", sa.Text(), nullable=False, comment="the unit scored, also for a predecessor's values"
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("input_no", sa.Integer(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("numerator", sa.Text(), nullable=True),
        sa.Column("denominator", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False, comment="submission, office or system"),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=True),
        sa.Column("cell", sa.Text(), nullable=True),
        sa.Column("cell_denominator", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("year", "unit_code", "version", "input_no", name=op.f("pk_result_input")),
    )
    op.create_table(
        "result_line",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.Column("indicator_group", sa.Text(), nullable=False),
        sa.Column("full_mark", sa.Text(), nullable=False),
        sa.Column("weight", sa.Text(), nullable=True),
        sa.Column("rate_numerator", sa.Text(), nullable=True),
        sa.Column("rate_denominator", sa.Text(), nullable=True),
        sa.Column("points", sa.Text(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint(
            "year", "unit_code", "version", "indicator_code", name=op.f("pk_result_line")
        ),
    )
    op.create_table(
        "submission",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("sender_code", sa.Text(), nullable=False),
        sa.Column("submitted_at", sa.Text(), nullable=False),
        sa.Column("submitted_by", sa.Text(), server_default="", nullable=False),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint("kind IN ('unit', 'office')", name=op.f("ck_submission_kind")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_submission_revision")),
        sa.PrimaryKeyConstraint("submission_id", "revision", name=op.f("pk_submission")),
    )
    op.create_index("ix_submission_year", "submission", ["year"], unique=False)
    op.create_table(
        "unit_dim",
        sa.Column("duty_digest", sa.String(length=64), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("exists_in_year", sa.Integer(), nullable=False),
        sa.Column(
            "has_duty",
            sa.Integer(),
            nullable=False,
            comment="whether any indicator applies to it in the year",
        ),
        sa.Column("successor_code", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("duty_digest", "unit_code", name=op.f("pk_unit_dim")),
    )
    op.create_table(
        "validation",
        sa.Column(
            "validation_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column(
            "input_digest", sa.String(length=64), nullable=False, comment="everything the findings depend on"
        ),
        sa.Column("duty_digest", sa.String(length=64), nullable=False),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("validated_at", sa.Text(), nullable=False),
        sa.Column("values_checked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("validation_id", name=op.f("pk_validation")),
        sa.UniqueConstraint("year", "region", "input_digest", name=op.f("uq_validation_year")),
    )
    op.create_table(
        "current_parse",
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sender_code", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("parse_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["parse_id"], ["parse.parse_id"], name=op.f("fk_current_parse_parse_id")),
        sa.PrimaryKeyConstraint("kind", "sender_code", "period", name=op.f("pk_current_parse")),
        sa.UniqueConstraint("parse_id", name=op.f("uq_current_parse_parse_id")),
    )
    op.create_table(
        "current_validation",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("validation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["validation_id"], ["validation.validation_id"], name=op.f("fk_current_validation_validation_id")
        ),
        sa.PrimaryKeyConstraint("year", "region", name=op.f("pk_current_validation")),
    )
    op.create_table(
        "slice_parse",
        sa.Column("parse_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("duty_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "before_parse_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the sender's period just before, of the same length and year",
        ),
        sa.Column(
            "year_ago_parse_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the sender's same period of the year before",
        ),
        sa.ForeignKeyConstraint(["parse_id"], ["parse.parse_id"], name=op.f("fk_slice_parse_parse_id")),
        sa.PrimaryKeyConstraint("parse_id", name=op.f("pk_slice_parse")),
        comment="which parses a year and region are judged on, and under which dimensions; committed before judging",
    )
    op.create_index("ix_slice_parse_slice", "slice_parse", ["year", "region"], unique=False)
    op.create_table(
        "submission_file",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("role IN ('workbook', 'evidence')", name=op.f("ck_submission_file_role")),
        sa.ForeignKeyConstraint(["sha256"], ["raw_file.sha256"], name=op.f("fk_submission_file_sha256")),
        sa.PrimaryKeyConstraint("submission_id", "revision", "name", name=op.f("pk_submission_file")),
    )
    op.create_table(
        "value",
        sa.Column(
            "value_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("parse_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("row_no", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("period_rank", sa.Integer(), nullable=False),
        sa.Column("period_first", sa.String(length=10), nullable=False),
        sa.Column("period_last", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("reporter_code", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.Column("numerator", sa.Text(), nullable=True),
        sa.Column("denominator", sa.Text(), nullable=True),
        sa.Column("amount", sa.Text(), nullable=True, comment="the value of a count, amount or score row"),
        sa.Column("numerator_q", sa.BigInteger(), nullable=True),
        sa.Column("denominator_q", sa.BigInteger(), nullable=True),
        sa.Column("amount_q", sa.BigInteger(), nullable=True),
        sa.Column("boolean_value", sa.Integer(), nullable=True),
        sa.Column("date_value", sa.String(length=10), nullable=True),
        sa.Column(
            "stated_ratio",
            sa.Text(),
            nullable=True,
            comment="the typed ratio as a plain decimal share, 0.9949",
        ),
        sa.Column("ratio_form", sa.String(length=8), nullable=True, comment="percent, fraction or bare"),
        sa.Column(
            "ratio_gap",
            sa.BigInteger(),
            nullable=True,
            comment="ceiling of |stated - computed| in units of 10^-12",
        ),
        sa.Column(
            "ratio_tolerance",
            sa.BigInteger(),
            nullable=True,
            comment="half a unit of the last digit written, same units",
        ),
        sa.Column("numerator_raw", sa.Text(), nullable=True),
        sa.Column("denominator_raw", sa.Text(), nullable=True),
        sa.Column("value_raw", sa.Text(), nullable=True),
        sa.Column("boolean_raw", sa.Text(), nullable=True),
        sa.Column("date_raw", sa.Text(), nullable=True),
        sa.Column(
            "fuzzy", sa.Text(), nullable=True, comment="which parts are fuzzy: numerator;denominator;value"
        ),
        sa.Column(
            "low_q", sa.BigInteger(), nullable=True, comment="interval of a fuzzy value (the value part)"
        ),
        sa.Column("high_q", sa.BigInteger(), nullable=True),
        sa.Column(
            "unreadable",
            sa.Text(),
            nullable=True,
            comment="which parts were filled but are no number: numerator;denominator;value;…",
        ),
        sa.Column("not_applicable", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "stated_reporting",
            sa.Text(),
            nullable=True,
            comment="current or cumulative, where the file says so",
        ),
        sa.Column(
            "stated_scope",
            sa.Text(),
            nullable=True,
            comment="definition or scope of the figure, where the file says so",
        ),
        sa.Column("provenance", sa.Text(), nullable=True),
        sa.Column("evidence_named", sa.Integer(), server_default="0", nullable=False),
        sa.Column(
            "evidence_missing",
            sa.Text(),
            nullable=True,
            comment="named but not among the submission's files, joined by ;",
        ),
        sa.Column("sheet", sa.Text(), nullable=True),
        sa.Column("cell_row", sa.Text(), nullable=True, comment="where the row's indicator code stands"),
        sa.Column("cell_unit", sa.Text(), nullable=True),
        sa.Column("cell_numerator", sa.Text(), nullable=True),
        sa.Column("cell_denominator", sa.Text(), nullable=True),
        sa.Column("cell_value", sa.Text(), nullable=True),
        sa.Column("cell_boolean", sa.Text(), nullable=True),
        sa.Column("cell_date", sa.Text(), nullable=True),
        sa.Column("cell_not_applicable", sa.Text(), nullable=True),
        sa.Column("cell_evidence", sa.Text(), nullable=True),
        sa.Column("value_digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["parse_id"], ["parse.parse_id"], name=op.f("fk_value_parse_id")),
        sa.PrimaryKeyConstraint("value_id", name=op.f("pk_value")),
        sa.UniqueConstraint("parse_id", "row_no", name=op.f("uq_value_parse_id")),
    )
    op.create_index(
        "ix_value_row", "value", ["parse_id", "indicator_code", "unit_code", "period"], unique=False
    )
    op.create_index("ix_value_slice", "value", ["year", "indicator_code", "unit_code"], unique=False)
    op.create_table(
        "finding",
        sa.Column(
            "finding_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("parse_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "validation_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="null: found while reading",
        ),
        sa.Column(
            "value_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="null: about the whole file",
        ),
        sa.Column(
            "other_value_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
            comment="the value it was compared with",
        ),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=True),
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=8), nullable=False),
        sa.Column("sheet", sa.Text(), nullable=True),
        sa.Column("cell", sa.Text(), nullable=True),
        sa.Column(
            "related", sa.Text(), server_default="[]", nullable=False, comment="JSON list of cells compared"
        ),
        sa.Column("value_raw", sa.Text(), nullable=True),
        sa.Column("expected", sa.Text(), nullable=True),
        sa.Column("message_zh", sa.Text(), nullable=False),
        sa.Column("message_en", sa.Text(), nullable=False),
        sa.Column("fix_zh", sa.Text(), nullable=False),
        sa.Column("value_digest", sa.String(length=64), nullable=True),
        sa.Column("system_id", sa.Text(), nullable=False),
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint(
            "severity IN ('block', 'hold', 'warn', 'note', 'security')", name=op.f("ck_finding_severity")
        ),
        sa.ForeignKeyConstraint(
            ["other_value_id"], ["value.value_id"], name=op.f("fk_finding_other_value_id")
        ),
        sa.ForeignKeyConstraint(["parse_id"], ["parse.parse_id"], name=op.f("fk_finding_parse_id")),
        sa.ForeignKeyConstraint(
            ["validation_id"], ["validation.validation_id"], name=op.f("fk_finding_validation_id")
        ),
        sa.ForeignKeyConstraint(["value_id"], ["value.value_id"], name=op.f("fk_finding_value_id")),
        sa.PrimaryKeyConstraint("finding_id", name=op.f("pk_finding")),
    )
    op.create_index("ix_finding_parse_id", "finding", ["parse_id"], unique=False)
    op.create_index("ix_finding_validation_id", "finding", ["validation_id"], unique=False)
    op.create_index("ix_finding_value_id", "finding", ["value_id"], unique=False)
