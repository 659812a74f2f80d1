"""A value is looked for by what it is about; with the year first, PostgreSQL read a whole index for each row compared."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_value_subject", "value", ["indicator_code", "unit_code", "year"], unique=False)
    op.drop_index("ix_value_slice", table_name="value")
