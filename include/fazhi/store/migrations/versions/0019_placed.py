"""The database itself says which parses a slice is made of: it knows units' regions and when submissions were received."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "unit_dim",
        sa.Column(
            "region", sa.Text(), nullable=True, comment="division code of the city that its submissions are judged with"
        ),
    )
    op.execute("DELETE FROM submission_dim")  # it is made anew from the submissions
    op.add_column(
        "submission_dim",
        sa.Column("received_second", sa.BigInteger(), nullable=True, comment="seconds since 1970"),
    )
