"""Receipts of erased users, and which versions hold them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_erasures"
down_revision = "20261125_rules"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(length=32), primary_key=True),
        sa.Column("user_number", sa.BigInteger(), nullable=False, unique=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed", DOCUMENT, nullable=False),
    )
    op.create_index("ix_erasures_revision", "erasures", ["revision"])
    op.create_table(
        "erasure_versions",
        sa.Column("erasure_id", sa.String(length=32), sa.ForeignKey("erasures.id"), primary_key=True),
        sa.Column("version", sa.String(length=100), sa.ForeignKey("model_versions.version"), primary_key=True),
        sa.Column("part", sa.String(length=20), nullable=False),
    )
    op.create_index("ix_erasure_versions_version", "erasure_versions", ["version"])


def downgrade() -> None:
    op.drop_table("erasure_versions")
    op.drop_table("erasures")
