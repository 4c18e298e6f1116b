"""Say of an item from when until when it is available, and of the catalogue what is blocked, boosted and pinned."""

import sqlalchemy as sa
from alembic import op

revision = "20261125_rules"
down_revision = "20261124_versions_on_record"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("available_from", sa.DateTime(timezone=True), nullable=True))
    op.add_column("items", sa.Column("available_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "catalogue_rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.drop_table("catalogue_rules")
    op.drop_column("items", "available_until")
    op.drop_column("items", "available_from")
