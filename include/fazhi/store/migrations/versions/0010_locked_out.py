"""Submissions received while their year was locked."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "locked_out",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kept_submission_id", sa.Text(), nullable=False),
        sa.Column("kept_revision", sa.Integer(), nullable=False),
        sa.Column("locked_at", sa.Text(), nullable=False, comment="when the year had been locked"),
        sa.Column("received_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("submission_id", "revision", name=op.f("pk_locked_out")),
        comment="submissions received while their year was locked; the one before them stayed current",
    )
