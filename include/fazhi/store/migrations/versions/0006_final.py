"""The life of a year's final results: rows are only added, and the database itself refuses anything else."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ONLY_ADDED = (
    "final_proposal",
    "final_proposal_unit",
    "final_outcome",
    "final_version",
    "final_seal",
    "appeal",
    "appeal_decision",
)

_POSTGRESQL_FUNCTION = """
CREATE FUNCTION fazhi_final_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'final results are only added to: no change, no unsealing'; END $$
"""


def _guards(table: str, dialect: str) -> list[str]:
    if dialect == "postgresql":
        return [
            f"CREATE TRIGGER {table}_only_insert BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION fazhi_final_refuse()"
        ]
    return [
        f"CREATE TRIGGER {table}_no_{what.lower()} BEFORE {what} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'final results are only added to: no change, no unsealing'); END"
        for what in ("UPDATE", "DELETE")
    ]


def upgrade() -> None:
    op.create_table(
        "final_proposal",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="of all units and their content digests"
        ),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("system_digest", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("proposed_name", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.Text(), nullable=False),
        sa.Column(
            "objection_until",
            sa.String(length=10),
            nullable=True,
            comment="last day for objections; a correction has none",
        ),
        sa.CheckConstraint(
            "kind = 'correction' OR objection_until IS NOT NULL", name=op.f("ck_final_proposal_objection")
        ),
        sa.CheckConstraint("kind IN ('final', 'correction')", name=op.f("ck_final_proposal_kind")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_final_proposal_number")),
        sa.PrimaryKeyConstraint("year", "region", "number", name=op.f("pk_final_proposal")),
        sa.UniqueConstraint("year", "region", "number", "proposed_by", name="uq_final_proposal_proposer"),
        comment="what a year and region is to have as final results, or as corrections of sealed ones",
    )
    op.create_table(
        "appeal",
        sa.Column(
            "appeal_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("indicator_code", sa.Text(), server_default="", nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False, comment="1: filed after the objection period"),
        sa.Column("decide_by", sa.String(length=10), nullable=False, comment="the last day for its decision"),
        sa.Column("filed_by", sa.Text(), nullable=False),
        sa.Column("filed_name", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('appeal', 'correction_request')", name=op.f("ck_appeal_kind")),
        sa.ForeignKeyConstraint(
            ["year", "region", "number"],
            ["final_proposal.year", "final_proposal.region", "final_proposal.number"],
            name="fk_appeal_proposal",
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("appeal_id", "filed_by", name="uq_appeal_filer"),
        comment="objections to publicised results; once signed, requests for a correction",
    )
    op.create_index("ix_appeal_slice", "appeal", ["year", "region"], unique=False)
    op.create_table(
        "final_outcome",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=12), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_name", sa.Text(), nullable=False),
        sa.Column(
            "decided_as", sa.String(length=12), nullable=False, comment="the role: steward, deputy or chief"
        ),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "outcome <> 'signed' OR decided_as IN ('chief', 'deputy')",
            name=op.f("ck_final_outcome_authority"),
        ),
        sa.CheckConstraint(
            "outcome <> 'signed' OR decided_by <> proposed_by", name=op.f("ck_final_outcome_four_eyes")
        ),
        sa.CheckConstraint("outcome IN ('signed', 'withdrawn')", name=op.f("ck_final_outcome_outcome")),
        sa.ForeignKeyConstraint(
            ["year", "region", "number", "proposed_by"],
            [
                "final_proposal.year",
                "final_proposal.region",
                "final_proposal.number",
                "final_proposal.proposed_by",
            ],
            name="fk_final_outcome_proposal",
        ),
        sa.PrimaryKeyConstraint("year", "region", "number", name=op.f("pk_final_outcome")),
        comment="how a proposal ended: signed or withdrawn, once",
    )
    op.create_table(
        "final_proposal_unit",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("unit_name", sa.Text(), nullable=False),
        sa.Column("content_digest", sa.String(length=64), nullable=False),
        sa.Column("score", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column(
            "correction_of", sa.Integer(), nullable=True, comment="the sealed version that it would correct"
        ),
        sa.ForeignKeyConstraint(
            ["year", "region", "number"],
            ["final_proposal.year", "final_proposal.region", "final_proposal.number"],
            name="fk_final_proposal_unit_proposal",
        ),
        sa.PrimaryKeyConstraint("year", "region", "number", "unit_code", name=op.f("pk_final_proposal_unit")),
        comment="what was publicised: one row for each unit of a proposal",
    )
    op.create_table(
        "appeal_decision",
        sa.Column(
            "appeal_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("filed_by", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("decided_name", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.Text(), nullable=False),
        sa.CheckConstraint("verdict IN ('upheld', 'rejected')", name=op.f("ck_appeal_decision_verdict")),
        sa.CheckConstraint("filed_by <> decided_by", name=op.f("ck_appeal_decision_four_eyes")),
        sa.ForeignKeyConstraint(
            ["appeal_id", "filed_by"],
            ["appeal.appeal_id", "appeal.filed_by"],
            name="fk_appeal_decision_appeal",
        ),
        sa.PrimaryKeyConstraint("appeal_id", name=op.f("pk_appeal_decision")),
    )
    op.create_table(
        "final_seal",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("sealed_by", sa.Text(), nullable=False),
        sa.Column("sealed_name", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["year", "region", "number"],
            ["final_outcome.year", "final_outcome.region", "final_outcome.number"],
            name="fk_final_seal_outcome",
        ),
        sa.PrimaryKeyConstraint("year", "region", name=op.f("pk_final_seal")),
        comment="a year and region whose final results are all confirmed; never lifted",
    )
    op.create_table(
        "final_version",
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "correction_of", sa.Integer(), nullable=True, comment="the sealed version that this one corrects"
        ),
        sa.ForeignKeyConstraint(
            ["year", "region", "number"],
            ["final_outcome.year", "final_outcome.region", "final_outcome.number"],
            name="fk_final_version_outcome",
        ),
        sa.ForeignKeyConstraint(
            ["year", "unit_code", "version"],
            ["result.year", "result.unit_code", "result.version"],
            name="fk_final_version_result",
        ),
        sa.PrimaryKeyConstraint("year", "unit_code", "version", name=op.f("pk_final_version")),
        sa.UniqueConstraint("year", "unit_code", "region", "number", name="uq_final_version_unit"),
        comment="the results that a signature made final; no other final result is ever sent",
    )
    dialect = op.get_bind().dialect.name
    if dialect == "postgresql":
        op.execute(_POSTGRESQL_FUNCTION)
    for table in _ONLY_ADDED:
        for statement in _guards(table, dialect):
            op.execute(statement)
