"""Each city of a province may have an authority of its own for a source."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_COMMENT = "division code of the city whose units it is reported about"


def upgrade() -> None:
    # rows of earlier duties are of no region: the next validation writes its own
    region = sa.Column("region", sa.Text(), nullable=False, server_default="", comment=_COMMENT)
    key = ["duty_digest", "reporter_code", "indicator_code", "region"]
    with op.batch_alter_table("reporter_dim") as table:
        table.add_column(region)
        table.drop_constraint("pk_reporter_dim", type_="primary")
        table.create_primary_key("pk_reporter_dim", key)
        table.alter_column("region", server_default=None)
