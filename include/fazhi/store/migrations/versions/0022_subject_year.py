"""A value is found by its year as well: what was compared went to the rows of all years in the store."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    subject: list[str | sa.TextClause] = ["indicator_code", "unit_code", sa.text("SUBSTR(period, 5)"), "year"]
    op.drop_index("ix_value_subject", table_name="value")
    op.create_index("ix_value_subject", "value", subject, unique=False)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ANALYZE value")  # the new index has no statistics of its expression, and plans rest on them
