"""A value is looked for by what it is about and by its period in whatever year, as it is compared with earlier years."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    subject: list[str | sa.TextClause] = ["indicator_code", "unit_code", sa.text("SUBSTR(period, 5)")]
    op.create_index("ix_value_subject", "value", subject, unique=False)
    op.drop_index("ix_value_slice", table_name="value")
