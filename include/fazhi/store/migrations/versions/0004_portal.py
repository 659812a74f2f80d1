"""The portal: marks and reports back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "portal_mark",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column(
            "origin",
            sa.Text(),
            nullable=False,
            comment="the portal's address; a mark of another one says nothing",
        ),
        sa.Column(
            "updated_at", sa.Text(), nullable=False, comment="everything updated up to here is settled"
        ),
        sa.Column("marked_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source", "year", name=op.f("pk_portal_mark")),
        comment="how far the list of a portal was read",
    )
    op.create_table(
        "portal_copy",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("submission_id", "revision", name=op.f("pk_portal_copy")),
        comment="submissions that first came from elsewhere and that the portal has as well",
    )
    op.create_table(
        "portal_report",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("report_no", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of outcome and findings"),
        sa.Column(
            "body", sa.Text(), nullable=False, comment="the review as canonical JSON, exactly as sent"
        ),
        sa.Column("queued_at", sa.Text(), nullable=False),
        sa.Column(
            "reported_at", sa.Text(), nullable=True, comment="null: the portal has not taken it yet"
        ),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'accepted_with_warnings', 'returned')",
            name=op.f("ck_portal_report_outcome"),
        ),
        sa.CheckConstraint("report_no >= 1", name=op.f("ck_portal_report_report_no")),
        sa.PrimaryKeyConstraint(
            "submission_id", "revision", "report_no", name=op.f("pk_portal_report")
        ),
        comment="what departments were told of their submissions; a later row replaces an earlier one",
    )
    op.create_index("ix_portal_report_year", "portal_report", ["year"], unique=False)
