"""Requests that came with an Idempotency-Key, and their answers, for a day."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_idempotent_calls"
down_revision = "20261128_steps"
branch_labels = None
depends_on = None
contracts = False


def upgrade() -> None:
    op.create_table(
        "idempotent_calls",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("location", sa.String(255)),
        sa.Column("body", sa.Text()),
        sa.Column("subject", sa.String(32)),
    )
    op.create_index("ix_idempotent_calls_made_at", "idempotent_calls", ["made_at"])


def downgrade() -> None:
    op.drop_table("idempotent_calls")
