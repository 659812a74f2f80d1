"""On PostgreSQL the application may tell the planner what it has just written; only an owner may ANALYZE."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_FUNCTIONS = {
    "fazhi_analyze_reported": ("submission", "submission_file", "parse", "current_parse", "value"),
    "fazhi_analyze_judged": (
        *("slice_parse", "submission_dim", "parse_dim", "value_token", "indicator_dim", "check_dim"),
        *("check_part", "unit_dim", "duty_dim", "reporter_dim"),
    ),
}


def upgrade() -> None:
    for name, tables in _FUNCTIONS.items() if op.get_bind().dialect.name == "postgresql" else ():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
            " SET search_path = pg_catalog, pg_temp"
            f" AS $$ BEGIN ANALYZE {', '.join(f'public.{table}' for table in tables)}; END $$"
        )
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name}() FROM PUBLIC")
