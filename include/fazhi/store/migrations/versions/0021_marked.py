"""On PostgreSQL the application may tell the planner which parses are to be judged, and that alone."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        "CREATE FUNCTION fazhi_analyze_marked() RETURNS void LANGUAGE plpgsql SECURITY DEFINER"
        " SET search_path = pg_catalog, pg_temp"
        " AS $$ BEGIN ANALYZE public.slice_parse; END $$"
    )
    op.execute("REVOKE EXECUTE ON FUNCTION fazhi_analyze_marked() FROM PUBLIC")
