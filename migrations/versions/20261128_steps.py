"""How far deletions of items and erasures of users are, which go in steps."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_steps"
down_revision = "20261128_restores"
branch_labels = None
depends_on = None
contracts = False


def upgrade() -> None:
    op.create_table(
        "item_removals",
        sa.Column("item_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("num_removed", sa.Integer(), nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
    )
    op.add_column("erasures", sa.Column("finished", sa.Boolean(), nullable=False, server_default=sa.true()))


def downgrade() -> None:
    op.drop_column("erasures", "finished")
    op.drop_table("item_removals")
