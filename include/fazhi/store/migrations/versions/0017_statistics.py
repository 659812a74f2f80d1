"""On PostgreSQL the application may tell the planner what it has just written; only an owner may ANALYZE."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_POSTGRESQL = (
    """
    CREATE FUNCTION fazhi_analyze() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS
    $$ BEGIN
    ANALYZE public.submission, public.submission_file, public.submission_dim, public.parse, public.current_parse,
        public.value, public.value_token, public.slice_parse, public.indicator_dim, public.check_dim,
        public.check_part, public.unit_dim, public.duty_dim, public.reporter_dim;
    END $$
    """,
    "REVOKE EXECUTE ON FUNCTION fazhi_analyze() FROM PUBLIC",
)


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for statement in _POSTGRESQL:
            op.execute(statement)
