"""Which runs went through to their last step: what tells the person on duty that a night is missing."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_end",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["pipeline_run.run_id"], name=op.f("fk_run_end_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_run_end")),
        comment="runs of the pipeline that went through to their last step; a run that failed has no row",
    )
