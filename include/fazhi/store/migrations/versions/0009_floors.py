"""Versions go on above the platform's after a restored backup."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "version_floor",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column(
            "floor",
            sa.Integer(),
            nullable=False,
            comment="the version that the platform holds; ours go on above it",
        ),
        sa.Column("platform_digest", sa.String(length=64), nullable=False),
        sa.Column("our_version", sa.Integer(), nullable=False, comment="our newest version then, 0 if none"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("signed_by", sa.Text(), nullable=False),
        sa.Column("signed_name", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("floor >= our_version", name=op.f("ck_version_floor_floor")),
        sa.PrimaryKeyConstraint("year", "unit_code", "floor", name=op.f("pk_version_floor")),
        comment="signed after a restored backup was behind the platform",
    )
