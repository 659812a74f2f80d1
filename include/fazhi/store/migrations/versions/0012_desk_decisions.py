"""What stewards decide at the desk: numbered rulings, requests of departments and the rulings on them, returns."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

SAME = ("year", "unit_code", "indicator_code", "period", "kind", "rule", "value_digest")


def upgrade() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column(
        "decision",
        sa.Column(
            "ordinal",
            sa.Integer(),
            nullable=False,
            server_default="1",
            comment="1 for the first ruling on a thing",
        ),
    )
    same = " AND ".join(f"o.{name} = decision.{name}" for name in SAME)
    op.execute(
        f"UPDATE decision SET ordinal = (SELECT count(*) FROM decision o WHERE {same}"
        " AND o.decision_id <= decision.decision_id)"
    )
    op.create_index("uq_decision_ordinal", "decision", [*SAME, "ordinal"], unique=True)
    op.create_index("ix_decision_decided_by", "decision", ["decided_by", "decision_id"])
    op.create_table(
        "department_request",
        sa.Column("request_id", row_id, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("indicator_code", sa.Text(), server_default="", nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), server_default="", nullable=False),
        sa.Column("value_digest", sa.String(length=64), server_default="", nullable=False),
        sa.Column("until", sa.String(length=10), nullable=True, comment="the new last day of an extension"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("requested_name", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('not_applicable', 'waiver', 'extension')", name=op.f("ck_department_request_kind")
        ),
        sa.CheckConstraint(
            "kind <> 'extension' OR until IS NOT NULL", name=op.f("ck_department_request_until")
        ),
        sa.CheckConstraint("requested_by <> ''", name=op.f("ck_department_request_requester")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_department_request")),
        sa.UniqueConstraint("request_id", "requested_by", name="uq_department_request_requester"),
        comment="what a department asks for: an indicator as 不适用, a waiver of one finding, a later deadline",
    )
    op.create_index("ix_department_request_slice", "department_request", ["year", "unit_code", "period"])
    op.create_table(
        "request_ruling",
        sa.Column("request_id", row_id, nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=False,
            comment="1 the ruling; 2 its withdrawal; 3 the next ruling …",
        ),
        sa.Column("requested_by", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_name", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "verdict IN ('approve', 'refuse', 'withdraw')", name=op.f("ck_request_ruling_verdict")
        ),
        sa.CheckConstraint("requested_by <> decided_by", name=op.f("ck_request_ruling_four_eyes")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_request_ruling_number")),
        sa.ForeignKeyConstraint(
            ["request_id", "requested_by"],
            ["department_request.request_id", "department_request.requested_by"],
            name="fk_request_ruling_request",
        ),
        sa.PrimaryKeyConstraint("request_id", "number", name=op.f("pk_request_ruling")),
    )
    op.create_index("ix_request_ruling_decided_by", "request_ruling", ["decided_by"])
    op.create_table(
        "submission_return",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "number",
            sa.Integer(),
            nullable=False,
            comment="odd: returned; even: the return before it undone",
        ),
        sa.Column("act", sa.String(length=8), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("shown_digest", sa.String(length=64), nullable=False, comment="of what the steward saw"),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_name", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.CheckConstraint("act IN ('return', 'undo')", name=op.f("ck_submission_return_act")),
        sa.CheckConstraint(
            "(number % 2 = 1 AND act = 'return') OR (number % 2 = 0 AND act = 'undo')",
            name=op.f("ck_submission_return_turns"),
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_submission_return_reason")),
        sa.ForeignKeyConstraint(
            ["submission_id", "revision"],
            ["submission.submission_id", "submission.revision"],
            name="fk_submission_return_submission",
        ),
        sa.PrimaryKeyConstraint("submission_id", "revision", "number", name=op.f("pk_submission_return")),
        comment="submissions that a steward sends back to be corrected",
    )
    op.create_index("ix_submission_return_year", "submission_return", ["year"])
    op.create_index("ix_submission_return_decided_by", "submission_return", ["decided_by"])
