"""Reviewed changes of the ground: who proposed what, who ruled on it, when it was applied."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "ground_proposal",
        sa.Column("proposal_id", row_id, autoincrement=True, nullable=False),
        sa.Column("tree", sa.String(length=8), nullable=False),
        sa.Column("ground_digest", sa.String(length=64), nullable=False),
        sa.Column("before_digest", sa.String(length=64), nullable=False),
        sa.Column("after_digest", sa.String(length=64), nullable=False),
        sa.Column("shown_digest", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposer_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("tree IN ('systems', 'registry', 'holidays')", name=op.f("ck_ground_proposal_tree")),
        sa.CheckConstraint("before_digest <> after_digest", name=op.f("ck_ground_proposal_change")),
        sa.CheckConstraint("proposed_by <> ''", name=op.f("ck_ground_proposal_proposer")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_ground_proposal")),
        sa.UniqueConstraint(
            "proposal_id", "proposed_by", "shown_digest", "ground_digest", name="uq_ground_proposal_ruled"
        ),
        comment="digests of trees are addresses of their lists of files in the raw store",
    )
    op.create_table(
        "ground_ruling",
        sa.Column("proposal_id", row_id, nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("shown_digest", sa.String(length=64), nullable=False),
        sa.Column("ground_digest", sa.String(length=64), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decider_name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.CheckConstraint("verdict IN ('approve', 'refuse')", name=op.f("ck_ground_ruling_verdict")),
        sa.CheckConstraint("proposed_by <> decided_by", name=op.f("ck_ground_ruling_four_eyes")),
        sa.CheckConstraint("decided_by <> ''", name=op.f("ck_ground_ruling_decider")),
        sa.ForeignKeyConstraint(
            ["proposal_id", "proposed_by", "shown_digest", "ground_digest"],
            [
                "ground_proposal.proposal_id",
                "ground_proposal.proposed_by",
                "ground_proposal.shown_digest",
                "ground_proposal.ground_digest",
            ],
            name="fk_ground_ruling_proposal",
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_ground_ruling")),
    )
    op.create_table(
        "ground_applied",
        sa.Column("proposal_id", row_id, nullable=False),
        sa.Column("applied_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["ground_ruling.proposal_id"], name=op.f("fk_ground_applied_proposal_id")
        ),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_ground_applied")),
        comment="the folder has been exchanged; a ruling without it was cut short and is finished by the next one",
    )
