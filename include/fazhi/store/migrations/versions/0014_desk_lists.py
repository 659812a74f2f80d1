"""Lists of the desk that answer as fast with a million findings as with a thousand."""

from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None

_LISTS = {
    "ix_finding_by_unit": ("unit_code",),
    "ix_finding_by_indicator": ("indicator_code", "unit_code"),
    "ix_finding_by_rule": ("rule", "unit_code"),
    "ix_finding_by_severity": ("severity", "unit_code"),
}


def upgrade() -> None:
    for name, columns in _LISTS.items():
        op.create_index(name, "finding", ["year", "validation_id", *columns, "finding_id"])
    op.create_index("ix_parse_sender_code", "parse", ["sender_code", "period"])
    op.create_index("ix_current_result_region", "current_result", ["year", "region", "unit_code"])
    op.create_index("ix_pipeline_run_started_at", "pipeline_run", ["started_at", "run_id"])
    op.create_index("ix_pipeline_run_year", "pipeline_run", ["year", "started_at", "run_id"])
