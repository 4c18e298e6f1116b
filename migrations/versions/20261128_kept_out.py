"""Ids of erased users and deleted items that are kept out, as keyed hashes."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_kept_out"
down_revision = "20261128_event_types"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_out",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("secret_id", sa.String(8), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("kept_out")
