"""What the value rules compare."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "year_lock",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("locked_at", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.Text(), nullable=True, comment="null: still locked"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("year", "region", "locked_at", name=op.f("pk_year_lock")),
        comment="from when until when a year's values may not be resubmitted: while results are publicised, once sealed",
    )
    with op.batch_alter_table("check_dim") as batch:
        batch.add_column(
            sa.Column("parts", sa.Integer(), nullable=True, comment="how many rows of check_part it has")
        )
    op.create_table(
        "check_part",
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("check_id", sa.Text(), nullable=False),
        sa.Column("part_no", sa.Integer(), nullable=False),
        sa.Column("indicator_code", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("system_digest", "check_id", "part_no", name=op.f("pk_check_part")),
        comment="the figures that a check adds up",
    )
    with op.batch_alter_table("slice_parse") as batch:
        batch.add_column(
            sa.Column(
                "first_value_id",
                _ROW_ID,
                nullable=True,
                comment="its first row, on which what is said of the whole file stands",
            )
        )
        batch.add_column(
            sa.Column(
                "due_second",
                sa.BigInteger(),
                nullable=True,
                comment="the last second on time, since 1970; null: no deadline",
            )
        )
        batch.add_column(
            sa.Column(
                "locked_at",
                sa.Text(),
                nullable=True,
                comment="when the year had been locked, if it was when this was received",
            )
        )
    op.create_table(
        "submission_dim",
        sa.Column("submission_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submitted_second", sa.BigInteger(), nullable=False, comment="seconds since 1970"),
        sa.Column("submitted_day", sa.String(length=10), nullable=False, comment="in Asia/Shanghai"),
        sa.PrimaryKeyConstraint("submission_id", "revision", name=op.f("pk_submission_dim")),
        comment="a submission's times in a form that SQL compares",
    )
    op.create_table(
        "value_token",
        sa.Column("parse_id", _ROW_ID, nullable=False),
        sa.Column("value_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False, comment="characters of the text it stands for"),
        sa.CheckConstraint("kind IN ('text', 'number', 'evidence')", name=op.f("ck_value_token_kind")),
        sa.ForeignKeyConstraint(["parse_id"], ["parse.parse_id"], name=op.f("fk_value_token_parse_id")),
        sa.ForeignKeyConstraint(["value_id"], ["value.value_id"], name=op.f("fk_value_token_value_id")),
        sa.PrimaryKeyConstraint("parse_id", "value_id", "kind", "token", name=op.f("pk_value_token")),
        comment="by what rows are recognised elsewhere: narrative, case or document number, evidence file",
    )
    op.create_index("ix_value_token_token", "value_token", ["kind", "token"], unique=False)
    op.create_index("ix_value_token_value_id", "value_token", ["value_id"], unique=False)
    op.create_table(
        "parse_dim",
        sa.Column("parse_id", _ROW_ID, nullable=False),
        sa.Column("tokens_version", sa.Integer(), nullable=False, comment="how its tokens were taken"),
        sa.ForeignKeyConstraint(["parse_id"], ["parse.parse_id"], name=op.f("fk_parse_dim_parse_id")),
        sa.PrimaryKeyConstraint("parse_id", name=op.f("pk_parse_dim")),
        comment="of which parses the tokens are there",
    )
    op.create_index("ix_submission_sender_code", "submission", ["sender_code", "period"], unique=False)
    op.create_index("ix_submission_file_sha256", "submission_file", ["sha256"], unique=False)
