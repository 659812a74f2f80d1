"""What the newest validation of a slice rested on, so that the next one judges only what has changed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "validation_basis",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("validation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rules_digest", sa.String(64), nullable=False, comment="everything but the data"),
        sa.Column(
            "content",
            sa.LargeBinary(),
            nullable=False,
            comment="the data, as fazhi.validate.basis packs it",
        ),
        sa.ForeignKeyConstraint(
            ["validation_id"],
            ["validation.validation_id"],
            name=op.f("fk_validation_basis_validation_id"),
        ),
        sa.PrimaryKeyConstraint("year", "region", name=op.f("pk_validation_basis")),
        comment="what the newest validation of a year and region rested on; the next one judges what differs",
    )
    op.add_column(
        "slice_parse",
        sa.Column(
            "to_judge",
            sa.Integer(),
            nullable=False,
            server_default="1",
            comment="0: what was found before still stands",
        ),
    )
    op.drop_index("ix_slice_parse_slice", table_name="slice_parse")
    op.create_index("ix_slice_parse_slice", "slice_parse", ["year", "region", "to_judge"])
