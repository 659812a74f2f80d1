"""What a person at the desk has seen, and the indexes that find what waits without reading all findings or values."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_CLAIMED = sa.text("not_applicable = 1")


def upgrade() -> None:
    op.create_table(
        "desk_seen",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "year", "region", name=op.f("pk_desk_seen")),
        comment="up to when a person said to have seen what changed in a year and region",
    )
    op.drop_index(op.f("ix_finding_parse_id"), table_name="finding")
    op.create_index("ix_finding_severity", "finding", ["parse_id", "severity", "validation_id"])
    op.create_index(
        "ix_value_claimed", "value", ["parse_id"], sqlite_where=_CLAIMED, postgresql_where=_CLAIMED
    )
