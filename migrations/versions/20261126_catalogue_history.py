"""Keep what items and the rules of the catalogue were before each change."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261126_catalogue_history"
down_revision = "20261125_erasures"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
MOMENT = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "former_items",
        sa.Column("until", BIG_ID, primary_key=True, autoincrement=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("categories", DOCUMENT, nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("available_from", MOMENT, nullable=True),
        sa.Column("available_until", MOMENT, nullable=True),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("replaced_at", MOMENT, nullable=False),
    )
    op.create_index("ix_former_items_revision", "former_items", ["revision"])
    op.create_table(
        "rules_changes",
        sa.Column("revision", BIG_ID, primary_key=True, autoincrement=False),
        sa.Column("document", sa.JSON(), nullable=True),
        sa.Column("changed_at", MOMENT, nullable=False),
    )
    op.execute(
        "INSERT INTO rules_changes (revision, document, changed_at) "
        "SELECT revision, document, updated_at FROM catalogue_rules"
    )
    op.drop_table("catalogue_rules")


def downgrade() -> None:
    op.create_table(
        "catalogue_rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO catalogue_rules (id, document, updated_at, revision) "
        "SELECT 1, document, changed_at, revision FROM rules_changes "
        "WHERE document IS NOT NULL AND revision = (SELECT max(revision) FROM rules_changes)"
    )
    op.drop_table("rules_changes")
    op.drop_table("former_items")
